//! SIGINT and SIGTERM, and SIGHUP.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Catches SIGINT and SIGTERM from now on.
#[derive(Debug)]
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Catches SIGHUP from now on.
#[derive(Debug)]
pub(crate) struct Hangup(Signal);

impl Hangup {
    pub(crate) fn new() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Waits for the next one.
    pub(crate) async fn heard(&mut self) {
        self.0.recv().await;
    }
}
