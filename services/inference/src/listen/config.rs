//! The settings of a listener: every bound it has, each default with its reason.

use std::net::SocketAddr;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use humantime::parse_duration;

use super::ProxiesConfig;
use crate::config::some_time;

/// Where the API is served, and what one client, or all of them together, may take of it.
#[derive(Debug, Clone, clap::Args)]
pub struct ListenConfig {
    /// The address of the API.
    #[arg(long, env = "INFERENCE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// How many connections are served at the same time; what comes beyond is answered 503 and closed.
    // 900: below the 1,024 files that most systems let a process open, with room for everything else it
    // opens. So this bound, which answers, is met before that one, which cannot.
    #[arg(long, env = "INFERENCE_MAX_CONNECTIONS", default_value_t = 900,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub max_connections: usize,

    /// How long a client may take to send the head of a request, from its first byte (on a new connection:
    /// from the connection) to its last. Then the connection is closed.
    // 10 s: a head is one packet or two; one that is lost three times in a row arrives after 1 + 2 + 4 s.
    #[arg(long, env = "INFERENCE_HEADER_TIMEOUT", default_value = "10s", value_parser = some_time)]
    pub header_timeout: Duration,

    /// How large the head of a request may be, in bytes. Beyond it the answer is a problem document, beyond
    /// four times as much a bare 431.
    // 16 KiB: the signed token is the large part of a head and takes 1 to 2 KiB; 16 KiB is what HTTP/2
    // servers commonly announce.
    #[arg(long, env = "INFERENCE_HEADER_BYTES", default_value_t = 16 * 1024,
          value_parser = RangedU64ValueParser::<usize>::new().range(2048..=1_048_576))]
    pub header_bytes: usize,

    /// How long a connection may be silent between two requests before it is closed.
    // 120 s: after the 90 s at which the pools of Go's and Rust's usual clients let go, so that they are
    // first and no request meets a closing connection; before the 350 s at which AWS's network load balancer
    // forgets the flow.
    #[arg(long, env = "INFERENCE_IDLE_TIMEOUT", default_value = "120s", value_parser = some_time)]
    pub idle_timeout: Duration,

    /// How long a client may leave an answer unread while no byte of it can be sent. Then the connection is
    /// closed.
    // 10 s: an answer fits the kernel's buffer, so that only a client that pipelines and never reads comes
    // here.
    #[arg(long, env = "INFERENCE_WRITE_TIMEOUT", default_value = "10s", value_parser = some_time)]
    pub write_timeout: Duration,

    /// How old a connection gets at most; up to a tenth less, each connection its own age. Then HTTP/1 is told with
    /// its next answer, HTTP/2 with GOAWAY, and no request is lost.
    // 5 min: what is decided once for a connection, such as the server's certificate and the replica that a
    // balancer chose, is decided again within that time, and a handshake in 5 minutes is nothing beside the
    // requests. Not the same age for all: those that came together after a restart would always come back together.
    #[arg(long, env = "INFERENCE_CONNECTION_AGE", default_value = "5m", value_parser = parse_duration)]
    pub connection_age: Duration,

    /// How many requests one HTTP/2 connection may have in flight.
    // 100: RFC 9113 §6.5.2 asks for no less; a single connection is served by one thread, so that more would
    // only wait.
    #[arg(long, env = "INFERENCE_HTTP2_STREAMS", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub http2_streams: u32,

    /// How often an HTTP/2 client is asked whether it is there; half of it is the time it has to answer.
    // 30 s: a client that vanished holds its place for 45 s and no longer, whatever it had in flight.
    #[arg(long, env = "INFERENCE_HTTP2_PING_INTERVAL", default_value = "30s", value_parser = some_time)]
    pub http2_ping_interval: Duration,

    /// Who is believed about the address of a client.
    #[command(flatten)]
    pub proxies: ProxiesConfig,
}
