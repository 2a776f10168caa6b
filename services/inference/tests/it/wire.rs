//! A listener on a real socket, and clients that speak to it byte by byte. Nothing here waits for a time to pass: a
//! test waits for what happens, and only [`within`] says how long it may at most.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use inference::drain::{Drain, DrainConfig};
use inference::listen::{ListenConfig, Listener, ProxiesConfig, Served};
use inference::tls::Tls;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// For bounds that a test does not try, and phases that must not come to their end.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);
/// For bounds that a test does try.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

pub(crate) fn patient() -> ListenConfig {
    ListenConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        max_connections: 100,
        header_timeout: NEVER,
        header_bytes: 2048,
        idle_timeout: NEVER,
        write_timeout: NEVER,
        connection_age: NEVER,
        http2_streams: 100,
        http2_ping_interval: NEVER,
        proxies: ProxiesConfig::NONE,
    }
}

/// An end that only comes when a test says so.
pub(crate) fn slow_end() -> DrainConfig {
    DrainConfig { drain_grace: NEVER, drain_finish: NEVER, drain_linger: NEVER }
}

/// Fails instead of waiting for ever.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("it happens in the end")
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) drain: Drain,
    pub(crate) serving: JoinHandle<Served>,
}

impl Server {
    pub(crate) async fn start(config: ListenConfig, router: Router) -> Self {
        Self::start_ending(config, &slow_end(), router).await
    }

    pub(crate) async fn start_ending(config: ListenConfig, end: &DrainConfig, router: Router) -> Self {
        Self::start_secured(config, end, router, None).await
    }

    pub(crate) async fn start_secured(
        config: ListenConfig,
        end: &DrainConfig,
        router: Router,
        tls: Option<Tls>,
    ) -> Self {
        let drain = Drain::manual(end);
        let listener = Listener::bind(&config).await.expect("a free port").secured_by(tls);
        let address = listener.local_addr();
        let serving = tokio::spawn(listener.serve(router, drain.clone()));
        Self { address, drain, serving }
    }

    pub(crate) async fn connect(&self) -> Wire {
        Wire::connect(self.address).await.expect("the listener listens")
    }

    pub(crate) async fn served(self) -> Served {
        within(self.serving).await.expect("serving does not panic")
    }
}

/// An answer as it came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn status(&self) -> &str {
        self.head.split(' ').nth(1).expect("a status line")
    }

    pub(crate) fn is_last(&self) -> bool {
        self.head.contains("connection: close\r\n")
    }
}

pub(crate) struct Wire<S = TcpStream> {
    pub(crate) stream: S,
    read: Vec<u8>,
}

pub(crate) const GET: &str = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";

impl Wire {
    pub(crate) async fn connect(to: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    /// As another host of this machine: each address of 127.0.0.0/8 is one.
    pub(crate) async fn connect_from(from: Ipv4Addr, to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        Self::over(socket.connect(to).await.expect("the listener listens"))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the server reads");
        self.stream.flush().await.expect("the server reads");
    }

    pub(crate) async fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request).await;
        self.answer().await
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer().await.expect("an answer, not the end of the connection")
    }

    /// The next answer, or what the connection ended with.
    pub(crate) async fn try_answer(&mut self) -> Result<Answer, String> {
        let end_of_head = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more().await?;
        };
        let head = String::from_utf8(self.read.drain(..end_of_head).collect()).expect("a head is ASCII");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a number"));
        while self.read.len() < length {
            self.read_more().await?;
        }
        let body = String::from_utf8(self.read.drain(..length).collect()).expect("text");
        Ok(Answer { head, body })
    }

    async fn read_more(&mut self) -> Result<(), String> {
        match within(self.stream.read_buf(&mut self.read)).await {
            Ok(0) => Err(format!("closed after {:?}", String::from_utf8_lossy(&self.read))),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Reads to the end of the connection, and gives what still came.
    pub(crate) async fn closed(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.read);
        // A reset is an end as well: the server did not wait for the rest of what was being sent.
        let _end = within(self.stream.read_to_end(&mut rest)).await;
        rest
    }
}
