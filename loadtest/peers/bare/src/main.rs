//! The least that axum can be asked to do: `POST /api` answers a constant, whoever asks and whatever was sent. The
//! service's throughput is given as a share of this one's. Must never do anything that would make the share look better.
//!
//! Listens on loopback, on the port that is its argument or else on one of the system's choice, and prints where. Ends when
//! it is killed.

use std::io::Write as _;
use std::net::Ipv4Addr;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "what is compared with is axum as it comes")]
async fn main() -> std::io::Result<()> {
    let constant = || async { ([(CONTENT_TYPE, "application/json")], r#"{"predicciones":[1]}"#) };
    let router = Router::new().route("/api", post(constant));
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse().map_err(std::io::Error::other))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    // As the service does; without it neither would be comparable.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("cannot set TCP_NODELAY: {error}");
        }
    });
    axum::serve(listener, router).await
}
