//! Sessions that give their keys to the kernel.
//!
//! rustls gives them in exchange for the whole connection. What was settled has to be taken out of it before.

use std::fmt;
use std::task::Waker;

use rustls::client::UnbufferedClientConnection;
use rustls::crypto::cipher::{AeadKey, Iv};
use rustls::kernel::KernelConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::{ConnectionTrafficSecrets, ExtractedSecrets, SupportedCipherSuite};
use tls_core::{
    Capability, Error, ErrorKind, HandedOver, LaterKeys, Negotiated, Progress, Result, Session,
    TrafficKeys, Version, Wire,
};
use zeroize::Zeroizing;

use crate::aside::{self, Aside};
use crate::error::session_error;
use crate::secrets::Secret;

/// A session that can be exchanged for its keys.
pub(crate) trait Gives: Session {
    /// Whether it has keys that the kernel could use.
    fn has_keys(&self) -> bool;

    /// Takes it apart. Called once the handshake is done, if [`has_keys`](Self::has_keys).
    fn give(self) -> Result<(HandedOver, Settled)>
    where
        Self: Sized;
}

/// What can still be asked when the connection is gone.
pub(crate) struct Settled {
    pub(crate) negotiated: Negotiated,
    pub(crate) early_data_accepted: bool,
    pub(crate) secret: Option<Secret>,
    pub(crate) suite: Option<SupportedCipherSuite>,
    pub(crate) server_random: Option<[u8; 32]>,
}

/// A session, or what is left of it.
pub(crate) enum Giving<S> {
    Open(S),
    Given(Box<Settled>),
    /// It could not be taken apart.
    Lost,
}

impl<S: Gives> Giving<S> {
    fn open(&mut self) -> Result<&mut S> {
        match self {
            Self::Open(session) => Ok(session),
            Self::Given(_) | Self::Lost => Err(gone()),
        }
    }
}

/// The core asks nothing of a session that has given its keys away.
fn gone() -> Error {
    Error::new(ErrorKind::Misuse).because("the keys of this session are the kernel's")
}

impl<S: Gives> Session for Giving<S> {
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.open()?.handshake(wire)
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        self.open()?.read(wire, buf)
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        self.open()?.write(wire, buf)
    }

    fn close(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.open()?.close(wire)
    }

    fn buffered(&mut self, wire: &mut Wire) -> Result<usize> {
        self.open()?.buffered(wire)
    }

    fn undelivered(&self) -> usize {
        match self {
            Self::Open(session) => session.undelivered(),
            Self::Given(_) | Self::Lost => 0,
        }
    }

    fn await_signature(&mut self, waker: &Waker) -> bool {
        self.open().map_or(true, |session| session.await_signature(waker))
    }

    fn update_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.open()?.update_keys(wire)
    }

    fn renew_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.open()?.renew_keys(wire)
    }

    fn counts_records(&self) -> bool {
        matches!(self, Self::Open(session) if session.counts_records())
    }

    fn settle(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.open()?.settle(wire)
    }

    fn hand_over(&mut self) -> Result<HandedOver> {
        if !self.open()?.has_keys() {
            return Err(Error::new(ErrorKind::Unsupported(Capability::KernelTls)));
        }
        let Self::Open(session) = std::mem::replace(self, Self::Lost) else { return Err(gone()) };
        let (handed_over, settled) = session.give()?;
        *self = Self::Given(Box::new(settled));
        Ok(handed_over)
    }

    fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<()> {
        match self {
            Self::Open(session) => session.export_keying_material(out, label, context),
            Self::Given(settled) => match (&settled.secret, settled.suite) {
                (Some(secret), Some(suite)) => {
                    secret.export(suite, settled.server_random.as_ref(), out, label, context)
                }
                _ => Err(Error::new(ErrorKind::Backend).because("rustls has told no secret")),
            },
            Self::Lost => Err(gone()),
        }
    }

    fn write_early(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<usize> {
        self.open()?.write_early(wire, buf)
    }

    fn take_early(&mut self) -> Zeroizing<Vec<u8>> {
        self.open().map(Session::take_early).unwrap_or_default()
    }

    fn early_data_accepted(&self) -> bool {
        match self {
            Self::Open(session) => session.early_data_accepted(),
            Self::Given(settled) => settled.early_data_accepted,
            Self::Lost => false,
        }
    }

    fn staple(&self) -> Option<Vec<u8>> {
        match self {
            Self::Open(session) => session.staple(),
            Self::Given(settled) => settled.negotiated.staple.clone(),
            Self::Lost => None,
        }
    }

    fn negotiated(&self) -> Negotiated {
        match self {
            Self::Open(session) => session.negotiated(),
            Self::Given(settled) => settled.negotiated.clone(),
            Self::Lost => Negotiated::default(),
        }
    }
}

impl<S: Gives> fmt::Debug for Giving<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(session) => session.fmt(f),
            Self::Given(_) => f.write_str("Given"),
            Self::Lost => f.write_str("Lost"),
        }
    }
}

/// Whether the provider tells the keys of this suite: asked with none, for afterwards it is too late.
pub(crate) fn tells_keys(suite: SupportedCipherSuite) -> bool {
    let nothing = [0; 32];
    match suite {
        SupportedCipherSuite::Tls13(suite) => {
            suite.aead_alg.extract_keys(AeadKey::from(nothing), Iv::from([0; 12])).is_ok()
        }
        SupportedCipherSuite::Tls12(suite) => {
            let shape = suite.aead_alg.key_block_shape();
            let iv = nothing.get(..shape.fixed_iv_len);
            let explicit = nothing.get(..shape.explicit_nonce_len);
            iv.zip(explicit).is_some_and(|(iv, explicit)| {
                suite.aead_alg.extract_keys(AeadKey::from(nothing), iv, explicit).is_ok()
            })
        }
    }
}

/// What rustls leaves of a connection, whichever side it is.
pub(crate) trait Rest: Send {
    fn next(&mut self, sends: bool) -> Result<(u64, ConnectionTrafficSecrets), rustls::Error>;

    /// A ticket that has come; only clients get some.
    fn ticket(&mut self, body: &[u8]) -> Result<(), rustls::Error>;
}

impl Rest for KernelConnection<rustls::client::ClientConnectionData> {
    fn next(&mut self, sends: bool) -> Result<(u64, ConnectionTrafficSecrets), rustls::Error> {
        if sends { self.update_tx_secret() } else { self.update_rx_secret() }
    }

    fn ticket(&mut self, body: &[u8]) -> Result<(), rustls::Error> {
        self.handle_new_session_ticket(body)
    }
}

impl Rest for KernelConnection<rustls::server::ServerConnectionData> {
    fn next(&mut self, sends: bool) -> Result<(u64, ConnectionTrafficSecrets), rustls::Error> {
        if sends { self.update_tx_secret() } else { self.update_rx_secret() }
    }

    fn ticket(&mut self, _body: &[u8]) -> Result<(), rustls::Error> {
        Err(rustls::Error::General("a server gets no ticket".into()))
    }
}

/// The secrets of a connection, and its rest.
pub(crate) type Apart = (ExtractedSecrets, Box<dyn Rest>);

pub(crate) fn client_apart(connection: UnbufferedClientConnection) -> Result<Apart> {
    let apart = connection.dangerous_into_kernel_connection();
    let (secrets, rest) = apart.map_err(|e| session_error(e, Aside::default()))?;
    Ok((secrets, Box::new(rest)))
}

pub(crate) fn server_apart(connection: UnbufferedServerConnection) -> Result<Apart> {
    let apart = connection.dangerous_into_kernel_connection();
    let (secrets, rest) = apart.map_err(|e| session_error(e, Aside::default()))?;
    Ok((secrets, Box::new(rest)))
}

/// What is handed over of a connection that has come `apart`.
pub(crate) fn handed_over(
    (secrets, rest): Apart,
    version: Version,
    suite: SupportedCipherSuite,
    port: Option<u16>,
) -> Result<HandedOver> {
    let counts_up = version == Version::Tls12
        && !matches!(secrets.tx.1, ConnectionTrafficSecrets::Chacha20Poly1305 { .. });
    let (mut send, receive) = (keys(secrets.tx)?, keys(secrets.rx)?);
    if counts_up {
        skip_used_nonces(&mut send);
    }
    Ok(HandedOver {
        version,
        cipher_suite: tls_core::CipherSuite(suite.suite().into()),
        send,
        receive,
        later: Box::new(Later { rest, port }),
    })
}

/// rustls' own terms in the core's. AES-256 may come under the name of AES-128: the length counts.
fn keys((sequence, secrets): (u64, ConnectionTrafficSecrets)) -> Result<TrafficKeys> {
    let (key, nonce) = match &secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
        _ => return Err(Error::new(ErrorKind::Backend).because("rustls tells keys of a new kind")),
    };
    let mut iv = [0; 12];
    iv.copy_from_slice(nonce.as_ref()); // as long as every nonce of rustls
    Ok(TrafficKeys { key: Zeroizing::new(key.as_ref().to_vec()), iv, sequence })
}

/// In TLS 1.2 rustls makes the explicit part of its nonces by XOR of a number and the sequence; who comes
/// after it counts up. Those that it has used lie in one block, as large as a power of two and aligned to
/// it: the next one is free, and all after it until there have been nearly 2^64.
fn skip_used_nonces(keys: &mut TrafficKeys) {
    let explicit = u64::from_be_bytes([
        keys.iv[4],
        keys.iv[5],
        keys.iv[6],
        keys.iv[7],
        keys.iv[8],
        keys.iv[9],
        keys.iv[10],
        keys.iv[11],
    ]);
    let block = keys.sequence.checked_next_power_of_two().map_or(u64::MAX, |size| size - 1);
    keys.iv[4..].copy_from_slice(&(explicit | block).wrapping_add(1).to_be_bytes());
}

/// What is left of the connection.
struct Later {
    rest: Box<dyn Rest>,
    /// Where the server is that tickets come from.
    port: Option<u16>,
}

impl LaterKeys for Later {
    fn next_send(&mut self) -> Result<TrafficKeys> {
        let next = self.rest.next(true);
        keys(next.map_err(|e| session_error(e, Aside::default()))?)
    }

    fn next_receive(&mut self) -> Result<TrafficKeys> {
        let next = self.rest.next(false);
        keys(next.map_err(|e| session_error(e, Aside::default()))?)
    }

    fn ticket(&mut self, body: &[u8]) -> Result<()> {
        aside::set_port(self.port);
        self.rest.ticket(body).map_err(|e| session_error(e, Aside::default()))
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Later")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_nonce_comes_twice() {
        for explicit in [0, 1, 6, 7, 0x1234, u64::MAX - 9, u64::MAX] {
            for sequence in [1, 2, 3, 4, 5, 100] {
                let mut iv = [7; 12];
                iv[4..].copy_from_slice(&u64::to_be_bytes(explicit));
                let mut keys = TrafficKeys { key: Zeroizing::default(), iv, sequence };
                skip_used_nonces(&mut keys);
                assert_eq!(keys.iv[..4], [7; 4]);
                let first = u64::from_be_bytes(keys.iv[4..].try_into().unwrap());
                let used: Vec<u64> = (0..sequence).map(|i| explicit ^ i).collect();
                assert!((0..1_000).all(|i| !used.contains(&first.wrapping_add(i))));
            }
        }
    }
}
