//! Early data: what rustls' unbuffered interface does not tell of it, and the sessions that it comes with.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, ProducesTickets, StoresServerSessions};
use tls_core::{ClientHello, TicketKeys, Wire};
use zeroize::Zeroizing;

/// The early data of one connection.
#[derive(Default)]
pub(crate) struct Early {
    /// Whether a client has written some.
    is_offered: bool,
    is_accepted: bool,
    /// Whether a client has answered the server.
    is_answered: bool,
    /// What has come to a server, and nobody has taken yet.
    pub(crate) received: Zeroizing<Vec<u8>>,
}

impl Early {
    /// A client has put `records` on the wire: gives the plaintext in them.
    pub(crate) fn note_written(&mut self, records: &[u8]) -> usize {
        self.is_offered |= !records.is_empty();
        let (mut rest, mut plain) = (records, 0);
        while let [_, _, _, a, b, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*a, *b]));
            plain += length.saturating_sub(1 + TAG);
            rest = after.get(length..).unwrap_or_default();
        }
        plain
    }

    /// Early data has come to a server.
    pub(crate) fn note_received(&mut self, bytes: &[u8]) {
        // Grown by hand, so that no copy is left behind.
        let mut longer = Zeroizing::new(Vec::with_capacity(self.received.len() + bytes.len()));
        longer.extend_from_slice(&self.received);
        longer.extend_from_slice(bytes);
        self.received = longer;
        self.is_accepted = true;
    }

    /// Looks at a record of the handshake that goes out. Whether a server has accepted early data rustls
    /// tells in its other interface only; a client that was accepted says EndOfEarlyData before anything
    /// else that is encrypted, a message without content (RFC 8446 §4.5), and otherwise Finished.
    pub(crate) fn watch(&mut self, record: &[u8]) {
        let encrypted = record.first() == Some(&APPLICATION_DATA);
        if self.is_offered && encrypted && !self.is_answered {
            self.is_answered = true;
            self.is_accepted = record.len() == RECORD_HEADER + MESSAGE_HEADER + 1 + TAG;
        }
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.is_accepted
    }
}

/// The sessions of a server that takes early data. rustls does so only with sessions that are with the
/// server, so that it can forget them (RFC 8446 §8.1).
#[derive(Debug)]
pub(crate) struct Stored {
    keys: TicketKeys,
    /// What a session is bound to.
    context: [u8; 32],
}

impl Stored {
    pub(crate) fn new(keys: TicketKeys, context: [u8; 32]) -> Self {
        Self { keys, context }
    }
}

impl StoresServerSessions for Stored {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.keys.held().put(&self.context, key, value);
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.keys.held().get(&self.context, key)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.keys.held().take(&self.context, key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// What a server that takes early data does with one that it cannot take.
#[derive(Clone, Debug)]
pub(crate) struct Refusing {
    /// It resumes nothing, and so takes nothing early.
    config: Arc<ServerConfig>,
    stored: Arc<Stored>,
}

impl Refusing {
    pub(crate) fn new(taking: &ServerConfig, stored: Arc<Stored>) -> Self {
        let mut config = taking.clone();
        config.ticketer = Arc::new(NoTickets);
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = PASSED_OVER;
        Self { config: Arc::new(config), stored }
    }

    /// The configuration for a connection whose early data cannot be taken: it has come before, or with no
    /// session that is known.
    pub(crate) fn instead(
        &self,
        hello: Option<&ClientHello>,
        is_first: bool,
    ) -> Option<Arc<ServerConfig>> {
        let is_known = |ticket: &[u8]| self.stored.get(ticket).is_some();
        let takes = match hello {
            Some(hello) if hello.early_data => is_first && hello.ticket().is_some_and(is_known),
            Some(_) => true,
            None => false,
        };
        (!takes).then(|| self.config.clone())
    }
}

/// Reads no ticket, and gives none. As it is there, rustls takes no early data.
#[derive(Debug)]
struct NoTickets;

impl ProducesTickets for NoTickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        0
    }

    fn encrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// How many bytes rustls passes over that do not decrypt, where early data is not taken. It tries and
/// counts those before again each time, as it does not take note of where they end, so that this is
/// several times what can come.
pub(crate) const PASSED_OVER: u32 = 262_144;

/// Keeps a server from trying again what it passes over, before there is anything else.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    /// The end of the last record that rustls has looked at, in bytes that came.
    seen: u64,
}

impl Patience {
    /// Whether nothing has come that rustls could do something with: after whole records, only a part of
    /// another one that looks as it should.
    pub(crate) fn waits(&self, wire: &Wire) -> bool {
        let (end, rest) = last_record(wire);
        let is_sound = match rest {
            [kind, _, _, a, b, ..] => {
                *kind == APPLICATION_DATA && u16::from_be_bytes([*a, *b]) <= MOST_SEALED
            }
            _ => true,
        };
        rest.len() < wire.unread().len() && end == self.seen && is_sound
    }

    /// Takes note of what rustls has looked at.
    pub(crate) fn note(&mut self, wire: &Wire) {
        (self.seen, _) = last_record(wire);
    }
}

/// The end of the last whole record, in bytes that came, and what there is after it.
fn last_record(wire: &Wire) -> (u64, &[u8]) {
    let mut rest = wire.unread();
    while let [_, _, _, a, b, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*a, *b]));
        let Some(next) = after.get(length..) else { break };
        rest = next;
    }
    (wire.received() - rest.len() as u64, rest)
}

const APPLICATION_DATA: u8 = 23;

/// The largest encrypted record (RFC 8446 §5.2).
const MOST_SEALED: u16 = 16_384 + 256;
const RECORD_HEADER: usize = 5;
const MESSAGE_HEADER: usize = 4;

/// Of all cipher suites of TLS 1.3 that are on offer.
const TAG: usize = 16;
