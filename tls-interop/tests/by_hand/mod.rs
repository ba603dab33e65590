//! Two connections in memory, and what carries bytes between them.

use polytls::{Connection, Progress, Result};

/// A client and a server that mean to meet.
pub(crate) struct Pair {
    pub(crate) client: Connection,
    pub(crate) server: Connection,
}

impl Pair {
    /// Drives both sides to the end of their handshake, or to the first error.
    pub(crate) fn handshake(&mut self) -> Result<()> {
        for _ in 0..100 {
            if self.round()? {
                self.carry();
                return Ok(());
            }
        }
        panic!("the handshake does not end");
    }

    /// One round of it; whether both are done.
    pub(crate) fn round(&mut self) -> Result<bool> {
        let client = self.client.handshake()?;
        self.carry();
        let server = self.server.handshake()?;
        self.carry();
        Ok((client, server) == (Progress::Ready(()), Progress::Ready(())))
    }

    pub(crate) fn carry(&mut self) {
        carry(&mut self.client, &mut self.server);
        carry(&mut self.server, &mut self.client);
    }
}

fn carry(from: &mut Connection, to: &mut Connection) {
    let pending = from.wire().pending().to_vec();
    to.wire().feed(&pending);
    from.wire().sent(pending.len());
}
