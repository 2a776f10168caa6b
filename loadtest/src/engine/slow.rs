//! Clients that take their time: each holds a connection for as long as it is let, and moves a byte a second on it. Owns
//! their sockets; must never send so much that they are a load of their own.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{EngineError, system};
use crate::payload::{Route, Row};
use crate::scenario::SlowClients;
use crate::target::Target;

/// From one byte to the next.
const PACE: Duration = Duration::from_secs(1);

/// What came of those that sent slowly. Those that read slowly have their answer in the kernel's buffers, so that nothing
/// can be seen of their end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowSeen {
    /// Connections that were made, those that read slowly among them.
    pub opened: u64,
    /// Those that could not be made.
    pub not_opened: u64,
    /// Those that the service ended while a request was still on its way.
    pub ended: u64,
    /// How long a service put up with the most patient of them, in seconds.
    pub longest_seconds: f64,
}

impl SlowSeen {
    /// What several machines saw.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            opened: self.opened + other.opened,
            not_opened: self.not_opened + other.not_opened,
            ended: self.ended + other.ended,
            longest_seconds: self.longest_seconds.max(other.longest_seconds),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Slow {
    Head,
    Body,
    Answer,
}

/// The clients, at work.
#[derive(Debug)]
pub(super) struct Holding {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
    seen: Arc<Mutex<SlowSeen>>,
}

/// What each client knows.
#[derive(Debug)]
struct Order {
    address: SocketAddr,
    head: String,
    body: String,
    seen: Arc<Mutex<SlowSeen>>,
}

impl Holding {
    /// Starts them, against a target in the clear.
    pub(super) fn start(
        clients: SlowClients,
        target: &Target,
        route: Route,
        row: &Row,
    ) -> Result<Self, EngineError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(system("the slow clients"))?;
        let seen = Arc::new(Mutex::new(SlowSeen::default()));
        let address = target.address().map_err(system("the address of the slow clients' target"))?;
        let order = Arc::new(Order {
            address,
            head: head(target, route, row),
            body: row.body.clone(),
            seen: Arc::clone(&seen),
        });
        let (stop, stopped) = watch::channel(false);
        let kinds =
            [(Slow::Head, clients.heads), (Slow::Body, clients.bodies), (Slow::Answer, clients.answers)];
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let mut tasks = tokio::task::JoinSet::new();
                for (slow, clients) in kinds {
                    for _ in 0..clients {
                        tasks.spawn(Arc::clone(&order).hold_on(slow, stopped.clone()));
                    }
                }
                tasks.join_all().await;
            });
        });
        Ok(Self { stop, thread, seen })
    }

    /// What came of them. Those that are still there are ended, and have lasted until now.
    pub(super) fn stop(self) -> SlowSeen {
        self.stop.send_replace(true);
        // One that came to harm has noted what it saw before.
        let _ended = self.thread.join();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The head of a request as any client sends it.
fn head(target: &Target, route: Route, row: &Row) -> String {
    let authorization =
        target.authorization().map_or_else(String::new, |value| format!("authorization: {value}\r\n"));
    format!(
        "POST {} HTTP/1.1\r\nhost: slow\r\n{authorization}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        route.path(),
        row.body.len()
    )
}

impl Order {
    /// Holds one connection after the other until it is told to stop.
    async fn hold_on(self: Arc<Self>, slow: Slow, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            let Ok(stream) = TcpStream::connect(self.address).await else {
                self.note(|seen| seen.not_opened += 1);
                let _stopped = timeout(PACE, stopped.changed()).await;
                continue;
            };
            self.note(|seen| seen.opened += 1);
            let begun = Instant::now();
            let by_service = tokio::select! {
                _ended = self.hold(slow, stream) => true,
                _stopped = stopped.changed() => false,
            };
            if !matches!(slow, Slow::Answer) {
                self.note(|seen| {
                    seen.ended += u64::from(by_service);
                    seen.longest_seconds = seen.longest_seconds.max(begun.elapsed().as_secs_f64());
                });
            }
        }
    }

    /// Until the service ends it.
    async fn hold(&self, slow: Slow, mut stream: TcpStream) -> io::Result<()> {
        match slow {
            Slow::Head => drip(stream, self.head.as_bytes()).await,
            Slow::Body => {
                stream.write_all(self.head.as_bytes()).await?;
                drip(stream, self.body.as_bytes()).await
            }
            Slow::Answer => {
                stream.write_all(self.head.as_bytes()).await?;
                stream.write_all(self.body.as_bytes()).await?;
                while stream.read(&mut [0]).await? > 0 {
                    sleep(PACE).await;
                }
                Ok(())
            }
        }
    }

    fn note(&self, change: impl FnOnce(&mut SlowSeen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A byte a second, until an answer or the end comes back: nobody answers what is not there yet.
async fn drip(mut stream: TcpStream, bytes: &[u8]) -> io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        if let Ok(came) = timeout(PACE, stream.read(&mut [0])).await {
            return came.map(drop);
        }
    }
    Ok(())
}
