//! An s2n connection, driven over a lent wire.

use std::fmt;
use std::sync::Arc;
use std::task::Poll;

use s2n_tls::connection::Connection;
use s2n_tls::enums::{Mode, Version as S2nVersion};
use s2n_tls::error::Error as S2nError;
use tls_core::pki_types::CertificateDer;
use tls_core::{
    Alert, AlpnOutcome, CipherSuite, ClientHello, Error, ErrorKind, Negotiated, Progress, Result,
    Session, Version, Wire,
};

use crate::NAME;
use crate::config::Serving;
use crate::error::{alert, backend_error, kind};
use crate::ffi::Driven;
use crate::policy::Policy;

pub(crate) struct S2nSession {
    driven: Driven,
    policy: Policy,
    /// On a server, until the ClientHello is here.
    waiting: Option<Arc<Serving>>,
    mode: Mode,
    /// What a client sent as SNI, or a server was asked for.
    server_name: Option<String>,
    /// Whether this side's records are encrypted by now.
    is_encrypted: bool,
    is_established: bool,
    /// A byte that was read to find out whether there is one.
    ahead: Option<u8>,
}

impl S2nSession {
    pub(crate) fn client(driven: Driven, policy: Policy, server_name: Option<String>) -> Self {
        Self::new(Mode::Client, driven, policy, server_name, None)
    }

    pub(crate) fn server(driven: Driven, serving: Arc<Serving>) -> Self {
        Self::new(Mode::Server, driven, serving.policy, None, Some(serving))
    }

    fn new(
        mode: Mode,
        driven: Driven,
        policy: Policy,
        server_name: Option<String>,
        waiting: Option<Arc<Serving>>,
    ) -> Self {
        let (is_encrypted, is_established, ahead) = (false, false, None);
        Self { driven, policy, waiting, mode, server_name, is_encrypted, is_established, ahead }
    }

    /// Calls s2n over the lent wire. Where it fails, puts the alert on the wire that fits.
    fn with<T>(
        &mut self,
        wire: &mut Wire,
        call: impl FnOnce(&mut Connection) -> Poll<Result<T, S2nError>>,
    ) -> Result<Progress<T>> {
        let before = wire.pending().len();
        let result = self.driven.with(wire, call);
        self.is_encrypted |= is_encrypted(&wire.pending()[before..], self.version());
        match result {
            Poll::Ready(Ok(value)) => Ok(Progress::Ready(value)),
            // Writing never blocks.
            Poll::Pending => Ok(Progress::WantRead),
            Poll::Ready(Err(e)) => {
                let kind = kind(&e, self.mode, self.driven.connection().alert());
                self.tell(wire, kind);
                Err(Error::from_backend(kind, NAME, e))
            }
        }
    }

    /// s2n sends no alerts. As long as this side's records are in clear they are easily made.
    fn tell(&self, wire: &mut Wire, why: ErrorKind) {
        if let Some(Alert(alert)) = alert(why).filter(|_| !self.is_encrypted) {
            let record = [21, 3, 3, 0, 2, 2, alert];
            wire.reserve(record.len())[..record.len()].copy_from_slice(&record);
            wire.commit(record.len());
        }
    }

    fn refuse<T>(&self, wire: &mut Wire, why: ErrorKind) -> Result<T> {
        self.tell(wire, why);
        Err(Error::from_backend(why, NAME, "found before s2n-tls was asked"))
    }

    /// Answers what s2n would not: which identity, which protocol, and what is missing.
    fn prepare(&mut self, wire: &mut Wire, serving: &Serving) -> Result<Progress<()>> {
        let hello = match wire.unread() {
            // s2n knows what to do with an alert.
            [ALERT, ..] => return Ok(Progress::Ready(())),
            bytes => match ClientHello::read(bytes) {
                Ok(None) => return Ok(Progress::WantRead),
                Ok(Some(hello)) => hello,
                Err(e) => {
                    self.tell(wire, e.kind());
                    return Err(e);
                }
            },
        };
        let chosen = serving.identities.choose(hello.server_name.as_deref());
        // There is a config for each identity.
        let (config, key) = &serving.configs[chosen];
        if let Some(why) = self.policy.missing(&hello, *key) {
            return self.refuse(wire, why);
        }
        let protocol = match serving.alpn.choose(hello.alpn.iter().map(Vec::as_slice)) {
            AlpnOutcome::Selected(protocol) => Some(protocol),
            AlpnOutcome::Nothing => None,
            AlpnOutcome::Refused => return self.refuse(wire, ErrorKind::NoSharedAlpn),
        };
        let set = |connection: &mut Connection| {
            connection.set_config(config.clone())?;
            if let Some(protocol) = protocol {
                connection.append_application_protocol_preference(protocol)?;
            }
            Ok(())
        };
        self.driven.with(wire, set).map_err(backend_error)?;
        self.server_name = hello.server_name;
        Ok(Progress::Ready(()))
    }

    fn version(&self) -> Option<Version> {
        match self.driven.connection().actual_protocol_version() {
            Ok(S2nVersion::TLS12) => Some(Version::Tls12),
            Ok(S2nVersion::TLS13) => Some(Version::Tls13),
            _ => None,
        }
    }

    fn cipher_suite(&self) -> Option<CipherSuite> {
        // The core knows the names of IANA, and s2n only OpenSSL's.
        let name = self.driven.connection().cipher_suite().ok()?;
        CipherSuite::DEFAULT.iter().copied().find(|suite| openssl_name(*suite) == name)
    }
}

impl Session for S2nSession {
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        if self.is_established {
            return Ok(Progress::Ready(()));
        }
        if let Some(serving) = self.waiting.clone() {
            match self.prepare(wire, &serving)? {
                Progress::Ready(()) => self.waiting = None,
                other => return Ok(other),
            }
        }
        let progress = self.with(wire, |connection| connection.poll_negotiate().map_ok(drop))?;
        if progress == Progress::Ready(()) {
            if !self.cipher_suite().is_some_and(|suite| self.policy.allows(suite)) {
                return self.refuse(wire, ErrorKind::Protocol);
            }
            self.is_established = true;
        }
        Ok(progress)
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        let Some(byte) = self.ahead.take() else {
            return self.with(wire, |connection| connection.poll_recv(buf));
        };
        buf[0] = byte;
        if buf.len() == 1 || self.driven.connection().peek_len() == 0 {
            return Ok(Progress::Ready(1));
        }
        match self.with(wire, |connection| connection.poll_recv(&mut buf[1..]))? {
            Progress::Ready(n) => Ok(Progress::Ready(1 + n)),
            Progress::WantRead | Progress::WantWrite => Ok(Progress::Ready(1)),
        }
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        let records = (wire.room() / RECORD).max(1);
        let buf = &buf[..buf.len().min(records * CONTENT)];
        self.with(wire, |connection| connection.poll_send(buf))
    }

    fn close(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.with(wire, |connection| connection.poll_shutdown_send().map_ok(drop))
    }

    fn buffered(&mut self, wire: &mut Wire) -> Result<usize> {
        if self.ahead.is_none() && self.driven.connection().peek_len() == 0 {
            let mut byte = [0];
            // Decrypts the next record. That it is close_notify is told again by the next call.
            if let Progress::Ready(1) =
                self.with(wire, |connection| connection.poll_recv(&mut byte))?
            {
                self.ahead = Some(byte[0]);
            }
        }
        Ok(usize::from(self.ahead.is_some()) + self.driven.connection().peek_len())
    }

    fn undelivered(&self) -> usize {
        usize::from(self.ahead.is_some())
    }

    fn negotiated(&self) -> Negotiated {
        let connection = self.driven.connection();
        let mut negotiated = Negotiated::default();
        negotiated.version = self.version();
        negotiated.cipher_suite = self.cipher_suite();
        let group = connection.selected_key_exchange_group();
        negotiated.group = group.and_then(|name| name.parse().ok());
        negotiated.alpn = connection.application_protocol().map(Into::into);
        negotiated.server_name.clone_from(&self.server_name);
        negotiated.peer_chain = peer_certificate(connection).into_iter().collect();
        let presented = self.mode == Mode::Server || connection.client_cert_used();
        let own = connection.selected_cert().filter(|_| presented);
        let own = own.and_then(|chain| certificate(&chain));
        negotiated.local_certificate = own;
        negotiated.resumed = Some(connection.resumed());
        negotiated
    }
}

impl fmt::Debug for S2nSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S2nSession")
            .field("state", &self.driven.connection().handshake_type().unwrap_or_default())
            .finish_non_exhaustive()
    }
}

/// The peer's own certificate. What s2n gives is the path that it found, not what was sent.
fn peer_certificate(connection: &Connection) -> Option<CertificateDer<'static>> {
    certificate(&connection.peer_cert_chain().ok()?)
}

fn certificate(
    chain: &s2n_tls::cert_chain::CertificateChain<'_>,
) -> Option<CertificateDer<'static>> {
    let first = chain.iter().next()?.ok()?;
    Some(first.der().ok()?.to_vec().into())
}

/// Whether, in what a side sends, its keys come into use.
fn is_encrypted(mut records: &[u8], version: Option<Version>) -> bool {
    while let [kind, _, _, a, b, rest @ ..] = records {
        match (*kind, version) {
            (APPLICATION_DATA, _) => return true,
            // In TLS 1.3 it is for show (RFC 8446 §D.4).
            (CHANGE_CIPHER_SPEC, Some(Version::Tls12)) => return true,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([*a, *b]));
        records = rest.get(length..).unwrap_or_default();
    }
    false
}

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const APPLICATION_DATA: u8 = 23;

fn openssl_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::ECDHE_RSA_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        _ => "",
    }
}

/// The most content of a record (RFC 8446 §5.1).
const CONTENT: usize = 16_384;

/// The most that one record takes on the wire with the ciphers on offer.
const RECORD: usize = CONTENT + 38;
