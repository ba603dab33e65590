//! An s2n connection, driven over a lent wire.

use std::collections::VecDeque;
use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::task::Poll;

use s2n_tls::connection::Connection;
use s2n_tls::enums::{HashAlgorithm, Mode, SignatureAlgorithm, Version as S2nVersion};
use s2n_tls::error::Error as S2nError;
use tls_core::pki_types::CertificateDer;
use tls_core::{
    Alert, AlpnOutcome, Capability, CipherSuite, ClientHello, Error, ErrorKind, Negotiated,
    Progress, Result, Session, SignatureScheme, Version, Wire,
};

use crate::NAME;
use crate::config::Serving;
use crate::error;
use crate::ffi::Driven;
use crate::policy::{self, Policy};
use crate::records::{self, Phase};

pub(crate) struct S2nSession {
    driven: Driven,
    policy: Policy,
    /// On a server, until the ClientHello is here.
    waiting: Option<(Arc<Serving>, usize)>,
    mode: Mode,
    /// What a client sent as SNI, or a server was asked for.
    server_name: Option<String>,
    /// Whether this side's records are encrypted by now.
    is_encrypted: bool,
    is_established: bool,
    is_closed: bool,
    /// Whether the peer has closed.
    is_ended: bool,
    /// Data that was read before anybody asked for it.
    ahead: VecDeque<u8>,
}

impl S2nSession {
    pub(crate) fn client(driven: Driven, policy: Policy, server_name: Option<String>) -> Self {
        Self::new(Mode::Client, driven, policy, server_name, None)
    }

    pub(crate) fn server(driven: Driven, serving: Arc<Serving>, identity: usize) -> Self {
        Self::new(Mode::Server, driven, serving.policy, None, Some((serving, identity)))
    }

    fn new(
        mode: Mode,
        driven: Driven,
        policy: Policy,
        server_name: Option<String>,
        waiting: Option<(Arc<Serving>, usize)>,
    ) -> Self {
        Self {
            driven,
            policy,
            waiting,
            mode,
            server_name,
            is_encrypted: false,
            is_established: false,
            is_closed: false,
            is_ended: false,
            ahead: VecDeque::new(),
        }
    }

    /// Calls s2n over the lent wire. Where it fails, puts the alert on the wire that fits.
    fn with<T>(
        &mut self,
        wire: &mut Wire,
        call: impl FnOnce(&mut Connection) -> Poll<Result<T, S2nError>>,
    ) -> Result<Progress<T>> {
        let before = wire.pending().len();
        let result = self.driven.with(wire, call);
        let is_tls12 = self.version() == Some(Version::Tls12);
        self.is_encrypted |= records::is_encrypted(&wire.pending()[before..], is_tls12);
        match result {
            Poll::Ready(Ok(value)) => Ok(Progress::Ready(value)),
            Poll::Pending => match self.driven.fault() {
                Some((why, alert)) => {
                    self.tell(wire, Some(alert));
                    Err(Error::from_backend(why, NAME, "in the header of a record"))
                }
                // Writing never blocks.
                None => Ok(Progress::WantRead),
            },
            Poll::Ready(Err(e)) => {
                let kind = error::kind(&e, self.mode, self.driven.connection().alert());
                self.tell(wire, error::alert(kind, Some(&e)));
                Err(Error::from_backend(kind, NAME, e))
            }
        }
    }

    /// s2n sends no alerts. As long as this side's records are in clear they are easily made.
    fn tell(&self, wire: &mut Wire, alert: Option<Alert>) {
        if let Some(Alert(alert)) = alert.filter(|_| !self.is_encrypted) {
            let record = records::alert(alert);
            wire.reserve(record.len())[..record.len()].copy_from_slice(&record);
            wire.commit(record.len());
        }
    }

    fn refuse<T>(&self, wire: &mut Wire, why: ErrorKind) -> Result<T> {
        self.tell(wire, error::alert(why, None));
        Err(Error::from_backend(why, NAME, "s2n-tls was not asked"))
    }

    /// Answers what s2n would not: which identity, which protocol, and what is missing.
    fn prepare(
        &mut self,
        wire: &mut Wire,
        serving: &Serving,
        identity: usize,
    ) -> Result<Progress<()>> {
        let hello = match wire.unread() {
            // s2n would take pieces of alerts, and then the hello behind them, before it is read here.
            &[records::ALERT, _, _, 0, 2, _, code, ..] => {
                let why = ErrorKind::AlertReceived(Alert(code));
                return Err(Error::from_backend(why, NAME, "in place of a ClientHello"));
            }
            [records::ALERT, rest @ ..] if rest.len() < 6 => return Ok(Progress::WantRead),
            [records::ALERT, ..] => return self.refuse(wire, ErrorKind::Protocol),
            bytes => match ClientHello::read(bytes) {
                Ok(None) => return Ok(Progress::WantRead),
                Ok(Some(hello)) => hello,
                Err(e) => {
                    let alert = records::alert_for_hello(bytes);
                    self.tell(wire, Some(alert));
                    return Err(e);
                }
            },
        };
        // There is a config for each identity.
        let (config, key) = &serving.configs[identity];
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
        self.driven.with(wire, set).map_err(error::backend_error)?;
        self.server_name = hello.server_name;
        Ok(Progress::Ready(()))
    }

    /// Reads at least so many bytes before anybody asks for them, if they are here.
    fn read_ahead(&mut self, wire: &mut Wire, wanted: usize) -> Result<()> {
        let mut buf = [0; 4096];
        while !self.is_ended
            && self.ahead.len().saturating_add(self.driven.connection().peek_len()) < wanted
        {
            let piece = wanted.min(buf.len());
            match self.with(wire, |connection| connection.poll_recv(&mut buf[..piece]))? {
                Progress::Ready(0) => self.is_ended = true,
                Progress::Ready(n) => self.ahead.extend(&buf[..n]),
                Progress::WantRead | Progress::WantWrite | Progress::WantSignature => break,
            }
        }
        Ok(())
    }

    fn is_tls12(&self) -> bool {
        self.version() == Some(Version::Tls12)
    }

    fn version(&self) -> Option<Version> {
        match self.driven.connection().actual_protocol_version() {
            Ok(S2nVersion::TLS12) => Some(Version::Tls12),
            Ok(S2nVersion::TLS13) => Some(Version::Tls13),
            _ => None,
        }
    }

    fn cipher_suite(&self) -> Option<CipherSuite> {
        let name = self.driven.connection().cipher_suite().ok()?;
        policy::suite(name)
    }
}

impl Session for S2nSession {
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        if self.is_established {
            return Ok(Progress::Ready(()));
        }
        if let Some((serving, identity)) = self.waiting.clone() {
            match self.prepare(wire, &serving, identity)? {
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
            self.driven.expect(match self.version() {
                Some(Version::Tls13) => Phase::Tls13,
                _ => Phase::Tls12,
            });
        }
        Ok(progress)
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        if !self.ahead.is_empty() {
            // A queue in memory gives what it has.
            return Ok(Progress::Ready(self.ahead.read(buf).unwrap_or(0)));
        }
        if self.is_ended {
            return Ok(Progress::Ready(0));
        }
        let progress = match self.is_closed && self.is_tls12() {
            false => self.with(wire, |connection| connection.poll_recv(buf))?,
            // s2n does not read on, but waits for the peer's close.
            true => self.with(wire, |connection| connection.poll_shutdown().map_ok(|_| 0))?,
        };
        self.is_ended = progress == Progress::Ready(0);
        Ok(progress)
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        if self.is_ended && self.is_tls12() {
            // s2n keeps to the letter of RFC 5246 §7.2.1, by which the peer's close ends both ways.
            let why = ErrorKind::Unsupported(Capability::Tls12HalfClose);
            return Err(Error::new(why).because("the peer has closed"));
        }
        let records = (wire.room() / RECORD).max(1);
        let buf = &buf[..buf.len().min(records * CONTENT)];
        self.with(wire, |connection| connection.poll_send(buf))
    }

    fn close(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        if self.is_tls12() {
            // s2n would drop what has come already.
            self.read_ahead(wire, usize::MAX)?;
            if !self.is_ended {
                self.driven.expect(Phase::Tls12Closed);
            }
        }
        self.is_closed = true;
        self.with(wire, |connection| connection.poll_shutdown_send().map_ok(drop))
    }

    fn buffered(&mut self, wire: &mut Wire) -> Result<usize> {
        if !(self.is_closed && self.is_tls12()) {
            self.read_ahead(wire, 1)?;
        }
        Ok(self.ahead.len() + self.driven.connection().peek_len())
    }

    fn counts_records(&self) -> bool {
        true
    }

    fn undelivered(&self) -> usize {
        self.ahead.len()
    }

    fn negotiated(&self) -> Negotiated {
        let connection = self.driven.connection();
        let mut negotiated = Negotiated::default();
        negotiated.version = self.version();
        negotiated.cipher_suite = self.cipher_suite();
        let group = connection.selected_key_exchange_group();
        negotiated.group = group.and_then(|name| name.parse().ok());
        negotiated.signature_scheme = signature_scheme(connection);
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

/// How the server has signed the handshake (RFC 8446 §4.2.3); RFC 5246 §7.4.1.4.1 counts the same way.
fn signature_scheme(connection: &Connection) -> Option<SignatureScheme> {
    let hash = match connection.selected_hash_algorithm().ok()? {
        HashAlgorithm::SHA1 => 2,
        HashAlgorithm::SHA256 => 4,
        HashAlgorithm::SHA384 => 5,
        HashAlgorithm::SHA512 => 6,
        _ => return None,
    };
    Some(SignatureScheme(match connection.selected_signature_algorithm().ok()? {
        SignatureAlgorithm::RSA_PKCS1 => hash << 8 | 1,
        SignatureAlgorithm::RSA_PSS_RSAE => 0x0800 | hash,
        SignatureAlgorithm::RSA_PSS_PSS => 0x0805 + hash,
        SignatureAlgorithm::ECDSA => hash << 8 | 3,
        _ => return None,
    }))
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

/// The most content of a record (RFC 8446 §5.1).
const CONTENT: usize = 16_384;

/// The most that one record takes on the wire with the ciphers on offer.
const RECORD: usize = CONTENT + 38;
