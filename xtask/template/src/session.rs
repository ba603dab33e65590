//! One connection of the library, driven over a lent wire.

use tls_core::{Judge, Negotiated, Progress, Result, Session, Wire};

use crate::error::not_written;

#[derive(Debug)]
pub(crate) struct NewLibSession {
    /// Has the last word on the server's certificates.
    #[expect(dead_code, reason = "the handshake is not written yet")]
    judge: Option<Judge>,
    /// What a client sent as SNI.
    server_name: Option<String>,
}

impl NewLibSession {
    pub(crate) fn client(server_name: Option<String>, judge: Judge) -> Self {
        Self { judge: Some(judge), server_name }
    }

    pub(crate) fn server() -> Self {
        Self { judge: None, server_name: None }
    }
}

// The order of calls, and who checks what, stands at the trait. The library's I/O is the wire for
// the length of each call: it owns an empty one, and `mem::swap` lends it the real one, which has
// `Read` and `Write`; or it works on the wire's slices.
impl Session for NewLibSession {
    fn handshake(&mut self, _wire: &mut Wire) -> Result<Progress<()>> {
        Err(not_written("the handshake"))
    }

    fn read(&mut self, _wire: &mut Wire, _buf: &mut [u8]) -> Result<Progress<usize>> {
        Err(not_written("reading"))
    }

    fn write(&mut self, _wire: &mut Wire, _buf: &[u8]) -> Result<Progress<usize>> {
        Err(not_written("writing"))
    }

    fn close(&mut self, _wire: &mut Wire) -> Result<Progress<()>> {
        Err(not_written("closing"))
    }

    fn buffered(&mut self, _wire: &mut Wire) -> Result<usize> {
        Err(not_written("looking ahead"))
    }

    // What the library cannot tell stays `None`, and its `Report…` capability absent.
    fn negotiated(&self) -> Negotiated {
        let mut negotiated = Negotiated::default();
        negotiated.server_name.clone_from(&self.server_name);
        negotiated
    }
}
