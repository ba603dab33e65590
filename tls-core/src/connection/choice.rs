//! Connections whose session begins late.

use std::sync::Arc;

use super::misuse;
use crate::identity::choose;
use crate::x509::CertificateFacts;
use crate::{Acceptor, ClientHello, Negotiated, Progress, Result, Session, TicketKeys, Wire};

/// A server's choice among its identities, which the ClientHello decides.
#[derive(Debug)]
pub(crate) struct Choice {
    acceptor: Arc<dyn Acceptor>,
    identities: Arc<[Arc<CertificateFacts>]>,
    /// Set where early data is taken: what has been seen of it.
    pub(super) takes_early_data: Option<TicketKeys>,
}

impl Choice {
    pub(crate) fn new(
        acceptor: Arc<dyn Acceptor>,
        identities: Arc<[Arc<CertificateFacts>]>,
        takes_early_data: Option<TicketKeys>,
    ) -> Self {
        Self { acceptor, identities, takes_early_data }
    }

    /// The session of the chosen identity, and whether the client announces early data; `None` if the
    /// ClientHello is not all there yet.
    pub(super) fn session(&self, wire: &Wire) -> Result<Option<(Box<dyn Session>, bool)>> {
        let hello = match ClientHello::read(wire.unread()) {
            Ok(Some(hello)) => Some(hello),
            Ok(None) if !wire.is_full() => return Ok(None),
            // What no one can read is refused by the library, in its own way.
            Ok(None) | Err(_) => None,
        };
        let identity = choose(&self.identities, hello.as_ref());
        let offers = hello.as_ref().is_some_and(|hello| hello.early_data);
        let session = match &self.takes_early_data {
            Some(keys) if !is_first(keys, hello.as_ref()) => {
                self.acceptor.session_without_early_data(identity)
            }
            Some(_) | None => self.acceptor.session(identity),
        };
        Ok(Some((session?, offers)))
    }
}

/// Whether early data that comes with this hello comes for the first time, or there is none. What cannot
/// be told from what has come before is not the first.
fn is_first(keys: &TicketKeys, hello: Option<&ClientHello>) -> bool {
    match hello {
        Some(hello) if hello.early_data => {
            hello.binder().is_some_and(|binder| keys.replays().is_first(binder))
        }
        Some(_) => true,
        None => false,
    }
}

/// Stands for the session of a connection that has none yet. Its owner makes no call.
#[derive(Debug)]
pub(super) struct NotBegun;

impl Session for NotBegun {
    fn handshake(&mut self, _: &mut Wire) -> Result<Progress<()>> {
        Err(misuse("no session has begun"))
    }

    fn read(&mut self, _: &mut Wire, _: &mut [u8]) -> Result<Progress<usize>> {
        Err(misuse("no session has begun"))
    }

    fn write(&mut self, _: &mut Wire, _: &[u8]) -> Result<Progress<usize>> {
        Err(misuse("no session has begun"))
    }

    fn close(&mut self, _: &mut Wire) -> Result<Progress<()>> {
        Err(misuse("no session has begun"))
    }

    fn buffered(&mut self, _: &mut Wire) -> Result<usize> {
        Err(misuse("no session has begun"))
    }

    fn negotiated(&self) -> Negotiated {
        Negotiated::default()
    }
}
