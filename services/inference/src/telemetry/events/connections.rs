//! Connections that come, go and are turned away.

use tracing::debug;

use super::{gauge, installed};

/// So many connections may be open at once.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionsLimitSet {
    /// The bound.
    pub limit: usize,
}

impl ConnectionsLimitSet {
    /// Sets the gauge.
    pub fn emit(self) {
        installed().instruments.connections_limit.set(gauge(self.limit));
    }
}

/// A client connected to the API listener.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionOpened;

impl ConnectionOpened {
    /// Counts the connection as open.
    pub fn emit(self) {
        installed().instruments.connections.increment(1.0);
    }
}

/// A connection that was opened is gone, whoever ended it.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionClosed;

impl ConnectionClosed {
    /// Counts the connection as closed.
    pub fn emit(self) {
        installed().instruments.connections.decrement(1.0);
    }
}

/// A connection was turned away or given up before it brought a request.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionRefused {
    /// One of a closed set of reasons.
    pub reason: &'static str,
}

impl ConnectionRefused {
    /// Counts the refusal.
    pub fn emit(self) {
        installed().instruments.refused_connection(self.reason, 1);
        debug!(reason = self.reason, "connection refused");
    }
}
