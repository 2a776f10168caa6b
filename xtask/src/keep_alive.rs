//! One HTTP/1.1 connection that is kept open, with nothing hidden: no retry, no pool, no second connection.
//!
//! A client library opens another connection when one has ended, which is just what the tests of draining and of
//! memory must see. Must never send a request again.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::service::Ready;

/// Longer than any answer takes; reached only when the service has forgotten a request.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// The connection.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    stream: TcpStream,
    /// What has been read: one answer at a time, as no request is sent before the last one was answered.
    received: Vec<u8>,
}

/// A whole answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Whether the server said that it closes the connection after this answer.
    pub(crate) last: bool,
    /// The body.
    pub(crate) body: String,
}

/// A form, on a connection of its own.
pub(crate) fn post_form(address: SocketAddr, path: &str, form: &str) -> anyhow::Result<Answer> {
    let length = form.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{form}"
    );
    KeepAlive::open(address)?.send(request.as_bytes())
}

/// A request of the API listener with a good token and these further headers, as the bytes to write.
pub(crate) fn post(ready: &Ready, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let Ready { api, token, .. } = ready;
    let further: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {api}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n{further}\r\n{body}"
    )
    .into_bytes()
}

/// Reads a page without credentials, on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    KeepAlive::open(address)?.send(request.as_bytes())
}

impl KeepAlive {
    /// Opens a connection.
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(Self { stream, received: Vec::with_capacity(1024) })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection ends before the answer is whole: the request is lost.
    pub(crate) fn send(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.write(request)?;
        self.read()
    }

    /// Sends a part of a request.
    pub(crate) fn write(&mut self, part: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(part).context("cannot write the request")
    }

    /// Reads the whole answer to the request that was written last.
    pub(crate) fn read(&mut self) -> anyhow::Result<Answer> {
        self.received.clear();
        let mut piece = [0; 4096];
        loop {
            let count = self.stream.read(&mut piece).with_context(|| {
                format!("cannot read the answer after {} bytes of it", self.received.len())
            })?;
            if count == 0 {
                bail!("the connection was closed after {} bytes of the answer", self.received.len());
            }
            self.received.extend(piece.iter().take(count));
            if let Some(answer) = parse(&self.received)? {
                return Ok(answer);
            }
        }
    }
}

/// The answer, when all of it is there.
fn parse(received: &[u8]) -> anyhow::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body_start) = head.parse(received).context("not an HTTP answer")? else {
        return Ok(None);
    };
    let value = |name: &str| {
        head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    };
    let length = value("content-length").context("an answer without a content-length")?;
    let length: usize = std::str::from_utf8(length)?.parse().context("content-length")?;
    let Some(body) = received.get(body_start..).filter(|body| body.len() >= length) else {
        return Ok(None);
    };
    anyhow::ensure!(body.len() == length, "more bytes than one answer");
    Ok(Some(Answer {
        status: head.code.context("an answer without a status")?,
        last: value("connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close")),
        body: String::from_utf8(body.to_vec()).context("the body is not UTF-8")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::{Answer, parse};

    const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 2\r\n\r\n{}";

    #[test]
    fn a_whole_answer_says_whether_it_is_the_last() {
        let expected = Answer { status: 200, last: true, body: "{}".to_owned() };
        assert_eq!(parse(WHOLE).unwrap(), Some(expected));
    }

    #[test]
    fn a_part_is_no_answer_yet() {
        for end in 0..WHOLE.len() {
            assert_eq!(parse(&WHOLE[..end]).unwrap(), None, "after {end} bytes");
        }
    }

    #[test]
    fn two_answers_to_one_request_are_an_error() {
        assert!(parse(&[WHOLE, b"x"].concat()).is_err());
    }
}
