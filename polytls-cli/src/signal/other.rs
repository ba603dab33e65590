//! Ctrl-C.

use std::future;
use std::io;

/// Catches Ctrl-C while it is waited for.
#[derive(Debug)]
pub(crate) struct Stop;

impl Stop {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next one.
    pub(crate) async fn asked(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            future::pending().await
        }
    }
}

/// A signal that there is not.
#[derive(Debug)]
pub(crate) struct Hangup;

impl Hangup {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for ever.
    pub(crate) async fn heard(&mut self) {
        future::pending().await
    }
}
