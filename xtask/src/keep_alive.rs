//! One HTTP/1.1 connection that is kept open, with nothing hidden: no retry, no pool, no second connection.
//!
//! A client library opens another connection when one has ended, which is just what the tests of draining and of
//! memory must see. Must never send a request again.

use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::service::Ready;

/// Longer than any answer takes; reached only when the service has forgotten a request.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// What bytes go through: a socket, or TLS over one.
pub(crate) trait Stream: Read + Write + Send + Debug {}

impl<T: Read + Write + Send + Debug> Stream for T {}

/// The connection.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    stream: Box<dyn Stream>,
    /// What has been read: one answer at a time, as no request is sent before the last one was answered.
    received: Vec<u8>,
}

/// A whole answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The header's fields, their names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

impl Answer {
    /// The answer that a text begins with, as a program shows it.
    pub(crate) fn within(text: &str) -> anyhow::Result<Self> {
        let (answer, _length) = parse_first(text.as_bytes())?.context("half an answer")?;
        Ok(answer)
    }

    /// The value of a field; its name in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Whether the server said that it closes the connection after this answer.
    pub(crate) fn is_last(&self) -> bool {
        self.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
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
    let bearer = format!("Bearer {}", ready.token);
    post_without_token(ready.api, path, &[&[("authorization", bearer.as_str())], headers].concat(), body)
}

/// The same without a token.
pub(crate) fn post_without_token(
    api: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Vec<u8> {
    let further: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {api}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n{further}\r\n{body}"
    )
    .into_bytes()
}

/// Reads a page without credentials, on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    KeepAlive::open(address)?.send(request.as_bytes())
}

/// A socket on which a server that forgets a request is noticed.
pub(crate) fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    Ok(stream)
}

impl KeepAlive {
    /// Opens a connection.
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self::over(connect(address)?))
    }

    /// A connection that is open already.
    pub(crate) fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), received: Vec::with_capacity(1024) }
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
        self.stream.write_all(part).and_then(|()| self.stream.flush()).context("cannot write the request")
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

/// The answer, when all of it is there and nothing else.
fn parse(received: &[u8]) -> anyhow::Result<Option<Answer>> {
    let Some((answer, length)) = parse_first(received)? else { return Ok(None) };
    anyhow::ensure!(received.len() == length, "more bytes than one answer");
    Ok(Some(answer))
}

/// The answer that these bytes begin with, and how many of them it is.
fn parse_first(received: &[u8]) -> anyhow::Result<Option<(Answer, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body_start) = head.parse(received).context("not an HTTP answer")? else {
        return Ok(None);
    };
    let field = |header: &httparse::Header<'_>| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
    };
    let mut answer = Answer {
        status: head.code.context("an answer without a status")?,
        fields: head.headers.iter().map(field).collect(),
        body: String::new(),
    };
    let length = answer.field("content-length").context("an answer without a content-length")?;
    let length: usize = length.parse().context("content-length")?;
    let end = body_start.saturating_add(length);
    let Some(body) = received.get(body_start..end) else {
        return Ok(None);
    };
    answer.body = String::from_utf8(body.to_vec()).context("the body is not UTF-8")?;
    Ok(Some((answer, end)))
}

#[cfg(test)]
mod tests {
    use super::parse;

    const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 2\r\n\r\n{}";

    #[test]
    fn a_whole_answer_says_whether_it_is_the_last() {
        let answer = parse(WHOLE).unwrap().unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        assert!(answer.is_last());
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
