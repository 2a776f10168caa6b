//! How the service ends: in which phase it is, and when the next one begins. Listeners, probes and
//! connections read the phase from here; nothing else decides that the service ends. It never touches a
//! connection itself.
//!
//! ```text
//! Serving ──signal──▶ Grace ──drain_grace──▶ Closing ──drain_finish──▶ Over
//!                       └────────── second signal ───────────────────────▲
//! ```
//!
//! | phase | `/readyz` | accepts | requests |
//! |---|---|---|---|
//! | `Serving` | 200 | yes | answered |
//! | `Grace` | 503 | yes | answered: balancers need time to see the 503 |
//! | `Closing` | 503 | for `drain_linger` more | answered, with `connection: close`, or GOAWAY on HTTP/2 |
//! | `Over` | | no | what is left is dropped |

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use humantime::parse_duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time;

/// How long each phase of the end lasts. The whole end takes at most `drain_grace` + `drain_finish`.
#[derive(Debug, Clone, clap::Args)]
pub struct DrainConfig {
    /// How long to go on serving after SIGTERM, with readiness already at 503.
    // 5 s: a readiness probe every 2 s that must fail twice, and a second for the endpoint to leave the
    // balancer.
    #[arg(long, env = "INFERENCE_DRAIN_GRACE", default_value = "5s", value_parser = parse_duration)]
    pub drain_grace: Duration,

    /// How long connections have to end after the grace period; what is left then is dropped.
    // 10 s: as long as one request can take with its body on the way. Grace and finish together stay well
    // under the 30 s after which Kubernetes kills.
    #[arg(long, env = "INFERENCE_DRAIN_FINISH", default_value = "10s", value_parser = parse_duration)]
    pub drain_finish: Duration,

    /// How much of that time new connections are accepted and silent ones are kept; at most half of it is
    /// used.
    // 1 s: a request that was sent before its client could know of the end has arrived by then, also after
    // one retransmission (RFC 6298: 1 s at the least only for a new connection, 200 ms on Linux for a known
    // one).
    #[arg(long, env = "INFERENCE_DRAIN_LINGER", default_value = "1s", value_parser = parse_duration)]
    pub drain_linger: Duration,
}

/// How far the end has come. Later phases are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// No end in sight.
    Serving,
    /// Not ready any more; everything is served as before.
    Grace,
    /// Connections are told to close; what is in flight is finished.
    Closing,
    /// What is left is dropped.
    Over,
}

/// A handle to the end of the service; clones see the same phase.
#[derive(Debug, Clone)]
pub struct Drain {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    phase: watch::Sender<Phase>,
    /// How many signals came.
    signals: watch::Sender<u32>,
    config: DrainConfig,
}

impl Drain {
    /// Ends at SIGTERM or SIGINT; a second one ends at once. The signals are waited for on a thread of their
    /// own, so that they are heard also when every thread that serves is busy.
    ///
    /// # Errors
    /// When the thread, its runtime or a signal handler cannot be had.
    pub fn on_signals(config: &DrainConfig) -> io::Result<Self> {
        let drain = Self::new(config);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut terminate, mut interrupt) = {
            // Installed here and not on the thread: from the return of this function on, no signal kills the
            // process.
            let _context = runtime.enter();
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
        };
        let on_thread = drain.clone();
        thread::Builder::new().name("drain".to_owned()).spawn(move || {
            let signals = async {
                loop {
                    let name = tokio::select! {
                        Some(()) = terminate.recv() => "SIGTERM",
                        Some(()) = interrupt.recv() => "SIGINT",
                        else => return,
                    };
                    tracing::info!(signal = name, "told to end");
                    on_thread.begin();
                }
            };
            runtime.block_on(async {
                tokio::select! {
                    () = on_thread.run() => {}
                    () = signals => {}
                }
            });
        })?;
        Ok(drain)
    }

    /// Ends when [`begin`](Self::begin) is called. Must be called within a tokio runtime, whose clock it goes
    /// by.
    #[must_use]
    pub fn manual(config: &DrainConfig) -> Self {
        let drain = Self::new(config);
        let running = drain.clone();
        tokio::spawn(async move { running.run().await });
        drain
    }

    fn new(config: &DrainConfig) -> Self {
        let (phase, signals) = (watch::Sender::new(Phase::Serving), watch::Sender::new(0));
        Self { shared: Arc::new(Shared { phase, signals, config: config.clone() }) }
    }

    /// What a signal does: the first begins the end, a second one ends at once.
    pub fn begin(&self) {
        self.shared.signals.send_modify(|signals| *signals = signals.saturating_add(1));
        // Readiness is down when this returns, not when the thread that keeps time comes to it.
        self.advance(Phase::Grace);
    }

    /// The phase now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.shared.phase.borrow()
    }

    /// Returns when the phase is `phase` or later.
    pub async fn wait_for(&self, phase: Phase) {
        let mut receiver = self.subscribe();
        // The sender lives in `self`, so that waiting cannot fail.
        let _reached = receiver.wait_for(|now| *now >= phase).await;
    }

    /// A receiver that hears of every change of phase.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Phase> {
        self.shared.phase.subscribe()
    }

    /// How long, from [`Phase::Closing`] on, new connections are accepted and silent ones are kept.
    #[must_use]
    pub fn linger(&self) -> Duration {
        let DrainConfig { drain_finish, drain_linger, .. } = self.shared.config;
        drain_linger.min(drain_finish / 2)
    }

    /// Keeps the time of the phases.
    async fn run(&self) {
        let DrainConfig { drain_grace, drain_finish, drain_linger: _ } = self.shared.config;
        self.signalled(1).await;
        tracing::info!(grace = ?drain_grace, "not ready any more; serving goes on for the grace period");
        self.advance(Phase::Grace);
        let cut_short = |length| time::timeout(length, self.signalled(2));
        if cut_short(drain_grace).await.is_err() {
            tracing::info!(finish = ?drain_finish, "telling connections to close");
            self.advance(Phase::Closing);
            if cut_short(drain_finish).await.is_err() {
                return self.advance(Phase::Over);
            }
        }
        tracing::warn!("told to end a second time: ending at once");
        self.advance(Phase::Over);
    }

    async fn signalled(&self, times: u32) {
        let mut receiver = self.shared.signals.subscribe();
        let _came = receiver.wait_for(|signals| *signals >= times).await;
    }

    /// Phases never go back.
    fn advance(&self, to: Phase) {
        self.shared.phase.send_if_modified(|phase| {
            let later = to > *phase;
            if later {
                *phase = to;
            }
            later
        });
    }
}
