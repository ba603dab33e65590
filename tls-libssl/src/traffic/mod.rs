//! The keys of a connection's traffic, put together from what a library tells of them while it goes on.

mod derive;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tls_core::{
    CipherSuite, Error, ErrorKind, HandedOver, KernelCipher, LaterKeys, Result, TrafficKeys,
    Version,
};
use zeroize::Zeroizing;

pub use derive::{Hash, Hmac};

/// What is known of the keys of one connection. Calls for one connection come one after the other.
pub struct Traffic {
    hmac: Hmac,
    is_server: bool,
    state: Mutex<State>,
}

type Secret = Zeroizing<Vec<u8>>;

/// Of the client, and of the server.
#[derive(Default)]
struct State {
    client: Side,
    server: Side,
    /// The explicit part of the nonce of the record that was sent last.
    nonce: [u8; 8],
}

/// What one side sends.
#[derive(Default)]
struct Side {
    /// The secret of its traffic, in TLS 1.3.
    secret: Option<Secret>,
    /// How many records its key has protected.
    records: u64,
}

/// Something that passes, as a library's message callback tells it.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// Whether this side sends it.
    pub is_sent: bool,
    /// Whether TLS 1.3 was negotiated.
    pub is_tls13: bool,
    /// The content type, or a number of the library's own.
    pub kind: i32,
    /// The header of a record, or a message.
    pub bytes: &'a [u8],
}

/// What a library tells of an established connection.
pub struct Established<'a> {
    /// The negotiated version.
    pub version: Version,
    /// The negotiated cipher suite.
    pub cipher_suite: CipherSuite,
    /// The numbers of the next records, sent and received.
    pub sequences: (u64, u64),
    /// In TLS 1.2, the explicit part of the nonce that the next record is to have with AES-GCM.
    pub nonce: u64,
    /// In TLS 1.2, the master secret.
    pub master_secret: &'a [u8],
    /// In TLS 1.2.
    pub client_random: &'a [u8],
    /// In TLS 1.2.
    pub server_random: &'a [u8],
}

impl Traffic {
    /// Nothing is known yet. `hmac` is the library's.
    pub fn new(hmac: Hmac, is_server: bool) -> Self {
        Self { hmac, is_server, state: Mutex::default() }
    }

    /// Takes note of a line of the key log.
    pub fn note_secret(&self, line: &str) {
        let mut words = line.split(' ');
        let (label, secret) = (words.next(), words.nth(1));
        let mut state = self.state();
        let side = match label {
            Some("CLIENT_TRAFFIC_SECRET_0") => &mut state.client,
            Some("SERVER_TRAFFIC_SECRET_0") => &mut state.server,
            _ => return,
        };
        side.secret = secret.and_then(from_hex);
    }

    /// Takes note of what passes.
    pub fn note_passing(&self, passing: Passing<'_>) {
        let mut state = self.state();
        let side = match passing.is_sent == self.is_server {
            true => &mut state.server,
            false => &mut state.client,
        };
        match (passing.kind, passing.bytes.first()) {
            // In TLS 1.3 it is there for middleboxes only, and has no number (RFC 8446 §5).
            (HEADER, Some(&CHANGE_CIPHER_SPEC)) if passing.is_tls13 => {}
            // OpenSSL tells of the message itself only if it is sent.
            (HEADER, Some(&CHANGE_CIPHER_SPEC)) => side.records = 0,
            (HEADER, _) => side.records += 1,
            (HANDSHAKE, Some(&FINISHED)) if passing.is_tls13 => side.records = 0,
            (HANDSHAKE, Some(&KEY_UPDATE)) if passing.is_tls13 => {
                side.records = 0;
                let secret = side.secret.take();
                side.secret = secret.and_then(|secret| derive::updated(self.hmac, &secret));
            }
            _ => {}
        }
    }

    /// Takes note of records that were put on the wire: whole ones, from the first to the last.
    pub fn note_sent(&self, mut records: &[u8]) {
        while let [_, _, _, high, low, rest @ ..] = records {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let (record, after) = rest.split_at(length.min(rest.len()));
            if let Some(nonce) = record.first_chunk() {
                self.state().nonce = *nonce;
            }
            records = after;
        }
    }

    /// How many records the keys in use have protected, sent and received: the numbers of the next ones.
    pub fn sequences(&self) -> (u64, u64) {
        let state = self.state();
        match self.is_server {
            true => (state.server.records, state.client.records),
            false => (state.client.records, state.server.records),
        }
    }

    /// In TLS 1.2 with AES-GCM: the explicit part of the nonce that was used last.
    pub fn last_nonce(&self) -> u64 {
        u64::from_be_bytes(self.state().nonce)
    }

    /// Puts the keys together; `None` if not enough is known, or if no kernel would know them.
    pub fn hand_over(&self, established: &Established<'_>) -> Option<HandedOver> {
        let cipher = KernelCipher::of(established.cipher_suite)?;
        let mut state = self.state();
        let sequences = established.sequences;
        let (client, server) = match self.is_server {
            true => (sequences.1, sequences.0),
            false => sequences,
        };
        let (client, server, later) = match established.version {
            Version::Tls13 => {
                let secrets = (state.client.secret.take()?, state.server.secret.take()?);
                let keys = |secret: &[u8], sequence| {
                    derive::keys(self.hmac, secret, cipher.key_len(), sequence)
                };
                let (client, server) = (keys(&secrets.0, client)?, keys(&secrets.1, server)?);
                (client, server, Some(secrets))
            }
            Version::Tls12 => {
                let both = (client, server);
                let (client, server) = derive::key_block(self.hmac, cipher, established, both)?;
                (client, server, None)
            }
            _ => return None,
        };
        let (send, receive) = if self.is_server { (server, client) } else { (client, server) };
        let secrets = later.map(|(client, server)| match self.is_server {
            true => (server, client),
            false => (client, server),
        });
        let later = Later { hmac: self.hmac, key: cipher.key_len(), secrets };
        let (version, cipher_suite) = (established.version, established.cipher_suite);
        Some(HandedOver { version, cipher_suite, send, receive, later: Box::new(later) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traffic")
    }
}

/// The secrets of TLS 1.3 from which later keys come: of what is sent, and of what is received.
struct Later {
    hmac: Hmac,
    /// How many bytes a key has.
    key: usize,
    secrets: Option<(Secret, Secret)>,
}

impl LaterKeys for Later {
    fn next_send(&mut self) -> Result<TrafficKeys> {
        let (hmac, key) = (self.hmac, self.key);
        next(hmac, key, self.secrets.as_mut().map(|(send, _)| send))
    }

    fn next_receive(&mut self) -> Result<TrafficKeys> {
        let (hmac, key) = (self.hmac, self.key);
        next(hmac, key, self.secrets.as_mut().map(|(_, receive)| receive))
    }

    /// It is let go: the library takes messages in its own records only.
    fn ticket(&mut self, _body: &[u8]) -> Result<()> {
        Ok(())
    }
}

fn next(hmac: Hmac, key: usize, secret: Option<&mut Secret>) -> Result<TrafficKeys> {
    let step = || {
        let secret = secret?;
        *secret = derive::updated(hmac, secret)?;
        derive::keys(hmac, secret, key, 0)
    };
    step().ok_or_else(|| Error::new(ErrorKind::Backend).because("the next keys cannot be derived"))
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Later")
    }
}

fn from_hex(text: &str) -> Option<Secret> {
    let digits = text.trim_end().as_bytes();
    let digit = |c: u8| char::from(c).to_digit(16).map(|value| value as u8);
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks(2) {
        let [high, low] = pair else { return None };
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    Some(bytes)
}

/// The header of a record passes: a number that OpenSSL and BoringSSL share (`SSL3_RT_HEADER`).
pub(crate) const HEADER: i32 = 256;
const HANDSHAKE: i32 = 22;

/// A content type (RFC 8446 §5.1).
const CHANGE_CIPHER_SPEC: u8 = 20;

/// Types of messages (RFC 8446 §4).
const FINISHED: u8 = 20;
const KEY_UPDATE: u8 = 24;

#[cfg(test)]
mod tests;
