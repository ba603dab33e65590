//! A rustls connection, driven over a lent wire.

use std::fmt;
use std::io::Write;
use std::mem;
use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, ReadEarlyData, TransmitTlsData, UnbufferedStatus,
    WriteTraffic,
};
use rustls::{CommonState, HandshakeKind, SupportedCipherSuite};
use tls_core::pki_types::CertificateDer;
use tls_core::{
    Alert, AlpnConfig, AlpnOutcome, Answer, CipherSuite, ClientHello, Error, ErrorKind, Group,
    HandedOver, Negotiated, Progress, Result, Session, SignatureScheme, Version, Wire,
};

use zeroize::Zeroizing;

use crate::NAME;
use crate::aside::{self, Aside};
use crate::config::{HEADER, Own};
use crate::early::{Early, Patience, Refusing};
use crate::error::session_error;
use crate::kernel::{self, Apart, Gives, Settled};
use crate::secrets::Secret;

/// What rustls' two unbuffered connections have in common.
pub(crate) trait Unbuffered: Send {
    type Data;
    const IS_SERVER: bool;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data>;

    fn state(&self) -> &CommonState;

    /// Exchanges it for its secrets.
    fn apart(self) -> Result<Apart>;

    /// On a client: encrypts early data, and says how much of it; `None` if there cannot be any.
    fn encrypt_early(
        _transmit: &mut TransmitTlsData<'_, Self::Data>,
        _data: &[u8],
        _out: &mut [u8],
    ) -> Option<Result<usize>> {
        None
    }

    /// On a server: early data that has come.
    fn early_records(_read: ReadEarlyData<'_, '_, Self::Data>, _early: &mut Early) -> Result<()> {
        Ok(())
    }
}

impl Unbuffered for UnbufferedClientConnection {
    type Data = rustls::client::ClientConnectionData;
    const IS_SERVER: bool = false;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }

    fn state(&self) -> &CommonState {
        self
    }

    fn apart(self) -> Result<Apart> {
        kernel::client_apart(self)
    }

    fn encrypt_early(
        transmit: &mut TransmitTlsData<'_, Self::Data>,
        data: &[u8],
        out: &mut [u8],
    ) -> Option<Result<usize>> {
        let encrypted = transmit.may_encrypt_early_data()?.encrypt(data, out);
        Some(encrypted.map_err(|e| Error::from_backend(ErrorKind::Backend, NAME, e)))
    }
}

impl Unbuffered for UnbufferedServerConnection {
    type Data = rustls::server::ServerConnectionData;
    const IS_SERVER: bool = true;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }

    fn state(&self) -> &CommonState {
        self
    }

    fn apart(self) -> Result<Apart> {
        kernel::server_apart(self)
    }

    fn early_records(mut read: ReadEarlyData<'_, '_, Self::Data>, early: &mut Early) -> Result<()> {
        while let Some(record) = read.next_record() {
            let record = record.map_err(|e| session_error(e, Aside::default()))?;
            early.note_received(record.payload);
        }
        Ok(())
    }
}

pub(crate) struct RustlsSession<C> {
    connection: C,
    /// Decrypted and not yet read.
    plaintext: Plaintext,
    peer_closed: bool,
    /// Its own certificate, and whether it was presented.
    own: Option<Own>,
    presented: bool,
    server_name: Option<String>,
    staple: Option<Vec<u8>>,
    secret: Option<Secret>,
    /// How the server signs the handshake, if it is not resumed.
    scheme: Option<SignatureScheme>,
    /// The server's hello, as it passes in clear.
    answer: Answer,
    /// The port of the server, if the program told it.
    port: Option<u16>,
    /// How many bytes from a server have been shown to `answer`.
    shown: u64,
    /// The most plaintext in one record that is sent.
    record: usize,
    early: Early,
    patience: Patience,
}

/// What a call wants done once rustls is ready to send.
enum Errand<'a> {
    None,
    Encrypt(&'a [u8]),
    Close,
    UpdateKeys,
    /// Says what rustls would say before it sends data.
    Settle,
}

/// How far one step came.
enum Step {
    /// So many plaintext bytes went into the caller's buffer; more may lie in `plaintext`.
    Data(usize),
    /// The errand is done: so many bytes were taken.
    Done(usize),
    /// Something moved; go on.
    Moved,
    /// Nothing moves without more bytes from the peer.
    Idle,
}

impl<C: Unbuffered> RustlsSession<C> {
    pub(crate) fn new(connection: C, own: Option<Own>, server_name: Option<String>) -> Self {
        Self {
            connection,
            plaintext: Plaintext::default(),
            peer_closed: false,
            own,
            presented: false,
            server_name,
            staple: None,
            secret: None,
            scheme: None,
            answer: Answer::default(),
            port: None,
            shown: 0,
            record: RECORD,
            early: Early::default(),
            patience: Patience::default(),
        }
    }

    /// The same, with records of this size at most, headers included.
    pub(crate) fn limited(mut self, size: Option<usize>) -> Self {
        self.record = size.map_or(RECORD, |size| size - HEADER);
        self
    }

    /// The same, with a server at this port.
    pub(crate) fn at_port(mut self, port: Option<u16>) -> Self {
        self.port = port;
        self
    }

    /// Lets rustls do the next thing, with the records on the wire and for `errand`.
    ///
    /// The whole of the wire's bytes is always passed: rustls may hold offsets into them.
    fn step(&mut self, wire: &mut Wire, buf: &mut [u8], errand: &Errand<'_>) -> Result<Step> {
        aside::set_port(self.port);
        let UnbufferedStatus { discard, state, .. } = self.connection.process(wire.incoming());
        let step = match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                let mut copied = 0;
                while let Some(record) = traffic.next_record() {
                    let payload = match record {
                        Ok(record) => record.payload,
                        Err(e) => return Err(session_error(e, Aside::default())),
                    };
                    let n = match self.plaintext.is_empty() {
                        true => payload.len().min(buf.len() - copied),
                        false => 0,
                    };
                    buf[copied..copied + n].copy_from_slice(&payload[..n]);
                    self.plaintext.push(&payload[n..]);
                    copied += n;
                }
                Step::Data(copied)
            }
            Ok(ConnectionState::EncodeTlsData(encode)) => {
                let before = wire.pending().len();
                put(encode, wire)?;
                self.early.watch(&wire.pending()[before..]);
                Step::Moved
            }
            Ok(ConnectionState::ReadEarlyData(read)) => {
                C::early_records(read, &mut self.early)?;
                Step::Moved
            }
            Ok(ConnectionState::TransmitTlsData(transmit)) => {
                transmit.done();
                Step::Moved
            }
            Ok(ConnectionState::PeerClosed) => {
                self.peer_closed = true;
                Step::Moved
            }
            Ok(ConnectionState::WriteTraffic(traffic)) => run(errand, traffic, wire, self.record)?,
            Ok(_) => Step::Idle,
            Err(e) => {
                wire.consume(discard);
                let mut aside = aside::take();
                self.staple = aside.staple.take().or(self.staple.take());
                if aside.no_signature && !self.connection.state().wants_write() {
                    wire.write_all(HANDSHAKE_FAILURE)?; // rustls says nothing in TLS 1.2
                }
                // Nor that there is no signature. Later than in TLS 1.2 it could only be said encrypted.
                let is_clear = self.connection.state().protocol_version()
                    != Some(rustls::ProtocolVersion::TLSv1_3);
                if aside.failure.is_some() && is_clear {
                    wire.write_all(INTERNAL_ERROR)?;
                }
                self.put_alerts(wire);
                return Err(session_error(e, aside));
            }
        };
        wire.consume(discard);
        Ok(step)
    }

    /// After an error: puts the alert on the wire that rustls has prepared.
    fn put_alerts(&mut self, wire: &mut Wire) {
        // rustls must not see the bytes again that it has just refused: it would refuse them with
        // another alert, and asserts that there is only one.
        while self.connection.state().wants_write() {
            let state = self.connection.process(&mut []).state;
            let Ok(ConnectionState::EncodeTlsData(encode)) = state else { return };
            if put(encode, wire).is_err() {
                return;
            }
        }
    }

    /// Shows the server's hello to `answer`: `before` is how many bytes were pending when the call began.
    /// What it does not like rustls does not like either.
    fn watch(&mut self, wire: &Wire, before: usize) {
        if self.answer.random().is_some() {
            return;
        }
        if C::IS_SERVER {
            let _ = self.answer.feed(wire.pending().get(before..).unwrap_or_default());
            return;
        }
        let unread = wire.unread();
        let first = wire.received() - unread.len() as u64;
        let known = self.shown.saturating_sub(first).min(unread.len() as u64) as usize;
        let _ = self.answer.feed(&unread[known..]);
        self.shown = wire.received();
    }

    /// Steps until data, the errand's end, or nothing moves.
    fn steps(&mut self, wire: &mut Wire, buf: &mut [u8], errand: &Errand<'_>) -> Result<Step> {
        loop {
            match self.step(wire, buf, errand)? {
                Step::Moved => {}
                step => return Ok(step),
            }
        }
    }

    /// Runs an errand, keeping what arrives meanwhile.
    fn send(&mut self, wire: &mut Wire, errand: &Errand<'_>) -> Result<Progress<usize>> {
        loop {
            match self.steps(wire, &mut [], errand)? {
                Step::Data(_) | Step::Moved => {}
                Step::Done(n) => return Ok(Progress::Ready(n)),
                Step::Idle => return Ok(Progress::WantRead),
            }
        }
    }
}

impl<C: Unbuffered> Session for RustlsSession<C> {
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        loop {
            let before = wire.pending().len();
            if !C::IS_SERVER {
                self.watch(wire, before);
            }
            let handshaking = self.connection.state().is_handshaking();
            if handshaking && wire.unread().starts_with(CLEAR_CLOSE_NOTIFY) {
                // rustls passes over it, and would wait for a peer that is gone.
                return Err(closed_early());
            }
            if C::IS_SERVER && handshaking && self.patience.waits(wire) {
                return Ok(Progress::WantRead);
            }
            let step = self.step(wire, &mut [], &Errand::None)?;
            if C::IS_SERVER {
                self.watch(wire, before);
            }
            let aside = aside::take();
            self.presented |= aside.presented;
            self.staple = aside.staple.or(self.staple.take());
            self.secret = aside.secret.or(self.secret.take());
            self.scheme = aside.scheme.or(self.scheme);
            if aside.server_name.is_some() {
                self.server_name = aside.server_name;
            }
            let handshaking = self.connection.state().is_handshaking();
            match step {
                _ if handshaking && self.peer_closed => {
                    return Err(closed_early());
                }
                Step::Moved => {}
                Step::Idle if handshaking => {
                    self.patience.note(wire);
                    return Ok(Progress::WantRead);
                }
                Step::Data(_) if handshaking => {}
                Step::Data(_) | Step::Done(_) | Step::Idle => return Ok(Progress::Ready(())),
            }
        }
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        loop {
            if !self.plaintext.is_empty() {
                return Ok(Progress::Ready(self.plaintext.take(buf)));
            }
            if self.peer_closed {
                return Ok(Progress::Ready(0));
            }
            match self.steps(wire, buf, &Errand::None)? {
                Step::Data(0) => {}
                Step::Data(n) => return Ok(Progress::Ready(n)),
                Step::Done(_) | Step::Moved | Step::Idle if self.peer_closed => {}
                Step::Done(_) | Step::Moved | Step::Idle => return Ok(Progress::WantRead),
            }
        }
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        let records = (wire.room() / (self.record + OVERHEAD)).max(1);
        let n = buf.len().min(records * self.record);
        self.send(wire, &Errand::Encrypt(&buf[..n]))
    }

    fn close(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        Ok(match self.send(wire, &Errand::Close)? {
            Progress::Ready(_) => Progress::Ready(()),
            Progress::WantRead => Progress::WantRead,
            Progress::WantWrite => Progress::WantWrite,
            Progress::WantSignature => Progress::WantSignature,
        })
    }

    fn update_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        let asked = self.send(wire, &Errand::UpdateKeys)?;
        // Only now rustls gives the message.
        while let Step::Data(1..) = self.steps(wire, &mut [], &Errand::None)? {}
        Ok(match asked {
            Progress::Ready(_) => Progress::Ready(()),
            _ => Progress::WantRead,
        })
    }

    fn counts_records(&self) -> bool {
        true
    }

    fn buffered(&mut self, wire: &mut Wire) -> Result<usize> {
        while self.plaintext.is_empty() && !self.peer_closed {
            match self.steps(wire, &mut [], &Errand::None)? {
                Step::Data(_) => {}
                Step::Done(_) | Step::Moved | Step::Idle => break,
            }
        }
        Ok(self.plaintext.len())
    }

    fn undelivered(&self) -> usize {
        self.plaintext.len()
    }

    fn settle(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        let settled = self.send(wire, &Errand::Settle)?;
        // Only now rustls gives the message.
        while let Step::Data(1..) = self.steps(wire, &mut [], &Errand::None)? {}
        // It leaves what has come in part on the wire.
        Ok(match settled {
            Progress::Ready(_) if wire.unread().is_empty() => Progress::Ready(()),
            _ => Progress::WantRead,
        })
    }

    fn write_early(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<usize> {
        aside::set_port(self.port);
        loop {
            let UnbufferedStatus { discard, state, .. } = self.connection.process(wire.incoming());
            let written = match state {
                Ok(ConnectionState::EncodeTlsData(encode)) => {
                    put(encode, wire)?;
                    None
                }
                // It stays in this state until the handshake goes on.
                Ok(ConnectionState::TransmitTlsData(mut transmit)) => {
                    let out = wire.reserve(buf.len() + OVERHEAD);
                    let size = C::encrypt_early(&mut transmit, buf, out);
                    Some(size.transpose()?.unwrap_or(0))
                }
                Ok(_) => Some(0),
                Err(e) => return Err(session_error(e, aside::take())),
            };
            wire.consume(discard);
            if let Some(size) = written {
                let before = wire.pending().len();
                wire.commit(size);
                return Ok(self.early.note_written(&wire.pending()[before..]));
            }
        }
    }

    fn take_early(&mut self) -> Zeroizing<Vec<u8>> {
        mem::take(&mut self.early.received)
    }

    fn early_data_accepted(&self) -> bool {
        self.early.is_accepted()
            && self.connection.state().handshake_kind() == Some(HandshakeKind::Resumed)
    }

    fn staple(&self) -> Option<Vec<u8>> {
        self.staple.clone()
    }

    fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<()> {
        let suite = self.connection.state().negotiated_cipher_suite();
        match (&self.secret, suite) {
            (Some(secret), Some(suite)) => {
                secret.export(suite, self.answer.random(), out, label, context)
            }
            _ => Err(Error::new(ErrorKind::Backend).because("rustls has told no secret")),
        }
    }

    fn negotiated(&self) -> Negotiated {
        let state = self.connection.state();
        let mut negotiated = Negotiated::default();
        negotiated.version =
            state.protocol_version().and_then(|version| Version::from_number(version.into()));
        negotiated.cipher_suite =
            state.negotiated_cipher_suite().map(|suite| CipherSuite(suite.suite().into()));
        negotiated.group =
            state.negotiated_key_exchange_group().map(|group| Group(group.name().into()));
        negotiated.alpn = state.alpn_protocol().map(Into::into);
        negotiated.server_name = self.server_name.clone();
        let chain = state.peer_certificates().unwrap_or_default();
        negotiated.peer_chain = chain.iter().map(|c| c.clone().into_owned()).collect();
        let own = self.own.as_ref().filter(|_| self.presented);
        negotiated.local_certificate = own.map(|own| CertificateDer::clone(own));
        negotiated.staple = self.staple.clone();
        negotiated.extended_master_secret = match negotiated.version {
            Some(Version::Tls13) => Some(true),
            _ => self.answer.has_extended_master_secret(),
        };
        let is_full = state.handshake_kind() != Some(HandshakeKind::Resumed);
        negotiated.signature_scheme = self.scheme.filter(|_| is_full);
        negotiated.resumed = state.handshake_kind().map(|kind| kind == HandshakeKind::Resumed);
        negotiated
    }
}

impl<C: Unbuffered> Gives for RustlsSession<C> {
    fn has_keys(&self) -> bool {
        self.suite().is_some_and(kernel::tells_keys)
    }

    fn give(self) -> Result<(HandedOver, Settled)> {
        let negotiated = self.negotiated();
        let (Some(version), Some(suite)) = (negotiated.version, self.suite()) else {
            return Err(Error::new(ErrorKind::Misuse));
        };
        let settled = Settled {
            early_data_accepted: self.early_data_accepted(),
            suite: Some(suite),
            secret: self.secret,
            server_random: self.answer.random().copied(),
            negotiated,
        };
        Ok((kernel::handed_over(self.connection.apart()?, version, suite, self.port)?, settled))
    }
}

impl<C: Unbuffered> RustlsSession<C> {
    fn suite(&self) -> Option<SupportedCipherSuite> {
        self.connection.state().negotiated_cipher_suite()
    }
}

impl<C: Unbuffered> fmt::Debug for RustlsSession<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RustlsSession")
            .field("handshaking", &self.connection.state().is_handshaking())
            .field("plaintext", &self.plaintext.len())
            .field("peer_closed", &self.peer_closed)
            .finish_non_exhaustive()
    }
}

/// A server whose ALPN policy rustls does not know, or that takes early data: it looks at the ClientHello
/// first, and gives rustls a configuration that can only come to the right answer.
pub(crate) struct PolicySession {
    config: Arc<rustls::ServerConfig>,
    policy: Option<AlpnConfig>,
    /// Set where early data is taken, with whether it comes for the first time.
    early: Option<(Refusing, bool)>,
    own: Own,
    begun: Option<RustlsSession<UnbufferedServerConnection>>,
}

impl PolicySession {
    pub(crate) fn new(
        config: Arc<rustls::ServerConfig>,
        policy: Option<AlpnConfig>,
        early: Option<(Refusing, bool)>,
        own: Own,
    ) -> Self {
        Self { config, policy, early, own, begun: None }
    }

    /// The session, once the ClientHello is there.
    fn begin(
        &mut self,
        wire: &Wire,
    ) -> Result<Option<&mut RustlsSession<UnbufferedServerConnection>>> {
        if self.begun.is_none() {
            let mut config = self.config.clone();
            let hello = match ClientHello::read(wire.unread()) {
                Ok(None) => return Ok(None),
                Ok(Some(hello)) => Some(hello),
                // rustls will find the same fault, and sends the alert for it.
                Err(_) => None,
            };
            if let Some((refusing, is_first)) = &self.early {
                config = refusing.instead(hello.as_ref(), *is_first).unwrap_or(config);
            }
            if let (Some(policy), Some(hello)) = (&self.policy, hello) {
                let alpn = match policy.choose(hello.alpn.iter().map(Vec::as_slice)) {
                    AlpnOutcome::Selected(protocol) => Some(vec![protocol.to_vec()]),
                    AlpnOutcome::Nothing => Some(Vec::new()),
                    AlpnOutcome::Refused => None, // as rustls will find too
                };
                if let Some(alpn) = alpn {
                    Arc::make_mut(&mut config).alpn_protocols = alpn;
                }
            }
            let size = config.max_fragment_size;
            let connection = UnbufferedServerConnection::new(config);
            let connection = connection.map_err(|e| session_error(e, Aside::default()))?;
            let session = RustlsSession::new(connection, Some(self.own.clone()), None);
            self.begun = Some(session.limited(size));
        }
        Ok(self.begun.as_mut())
    }

    /// The session, which exists once the handshake is done.
    fn session(&mut self) -> Result<&mut RustlsSession<UnbufferedServerConnection>> {
        self.begun.as_mut().ok_or_else(|| Error::new(ErrorKind::Misuse))
    }
}

impl Session for PolicySession {
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        match self.begin(wire)? {
            Some(session) => session.handshake(wire),
            None => Ok(Progress::WantRead),
        }
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        self.session()?.read(wire, buf)
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        self.session()?.write(wire, buf)
    }

    fn close(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.session()?.close(wire)
    }

    fn update_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.session()?.update_keys(wire)
    }

    fn counts_records(&self) -> bool {
        true
    }

    fn buffered(&mut self, wire: &mut Wire) -> Result<usize> {
        self.session()?.buffered(wire)
    }

    fn undelivered(&self) -> usize {
        self.begun.as_ref().map_or(0, Session::undelivered)
    }

    fn settle(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.session()?.settle(wire)
    }

    fn take_early(&mut self) -> Zeroizing<Vec<u8>> {
        self.begun.as_mut().map(Session::take_early).unwrap_or_default()
    }

    fn early_data_accepted(&self) -> bool {
        self.begun.as_ref().is_some_and(Session::early_data_accepted)
    }

    fn staple(&self) -> Option<Vec<u8>> {
        self.begun.as_ref().and_then(Session::staple)
    }

    fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<()> {
        match &self.begun {
            Some(session) => session.export_keying_material(out, label, context),
            None => Err(Error::new(ErrorKind::Misuse)),
        }
    }

    fn negotiated(&self) -> Negotiated {
        self.begun.as_ref().map(Session::negotiated).unwrap_or_default()
    }
}

impl Gives for PolicySession {
    fn has_keys(&self) -> bool {
        self.begun.as_ref().is_some_and(Gives::has_keys)
    }

    fn give(self) -> Result<(HandedOver, Settled)> {
        match self.begun {
            Some(session) => session.give(),
            None => Err(Error::new(ErrorKind::Misuse)),
        }
    }
}

impl fmt::Debug for PolicySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicySession").field("begun", &self.begun).finish_non_exhaustive()
    }
}

fn closed_early() -> Error {
    Error::new(ErrorKind::AlertReceived(Alert::CLOSE_NOTIFY)).because("during the handshake")
}

/// Runs `errand`, now that rustls can send.
fn run<D>(
    errand: &Errand<'_>,
    mut traffic: WriteTraffic<'_, D>,
    wire: &mut Wire,
    record: usize,
) -> Result<Step> {
    let (taken, result) = match errand {
        Errand::None => return Ok(Step::Idle),
        Errand::Encrypt(data) => {
            let size = data.len() + OVERHEAD * data.len().div_ceil(record);
            (data.len(), traffic.encrypt(data, wire.reserve(size)))
        }
        Errand::Close => (0, traffic.queue_close_notify(wire.reserve(OVERHEAD + 2))),
        Errand::UpdateKeys => {
            let updated = traffic.refresh_traffic_keys();
            updated.map_err(|e| Error::from_backend(ErrorKind::Backend, NAME, e))?;
            return Ok(Step::Done(0));
        }
        Errand::Settle => {
            // An answer to a key update waits for data. It does not wait any more once some has been shown
            // to rustls, which has no room to encrypt it into.
            let _ = traffic.encrypt(&[0], &mut []);
            return Ok(Step::Done(0));
        }
    };
    match result {
        Ok(n) => wire.commit(n),
        Err(e) => return Err(Error::from_backend(ErrorKind::Backend, NAME, e)),
    }
    Ok(Step::Done(taken))
}

/// Puts a handshake record or alert on the wire.
fn put<D>(mut encode: EncodeTlsData<'_, D>, wire: &mut Wire) -> Result<()> {
    let mut room = OVERHEAD + 2;
    loop {
        match encode.encode(wire.reserve(room)) {
            Ok(n) => {
                wire.commit(n);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(e)) if e.required_size > room => {
                room = e.required_size;
            }
            Err(e) => return Err(Error::from_backend(ErrorKind::Backend, NAME, e)),
        }
    }
}

/// Plaintext that came when nobody had room for it.
#[derive(Default)]
struct Plaintext {
    bytes: Vec<u8>,
    start: usize,
}

impl Plaintext {
    fn push(&mut self, bytes: &[u8]) {
        if self.bytes.capacity() - self.bytes.len() < bytes.len() {
            // Grown by hand: a plain `extend` would leave a copy behind, and keep what was taken.
            let mut longer = Vec::with_capacity((self.len() + bytes.len()).next_power_of_two());
            longer.extend_from_slice(&self.bytes[self.start..]);
            *self = Self { bytes: longer, start: 0 };
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn take(&mut self, buf: &mut [u8]) -> usize {
        let n = buf.len().min(self.len());
        buf[..n].copy_from_slice(&self.bytes[self.start..][..n]);
        self.start += n;
        if self.is_empty() {
            *self = Self::default(); // an idle connection holds no memory
        }
        n
    }

    fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Plaintext {
    fn drop(&mut self) {
        let mut bytes = mem::take(&mut self.bytes);
        bytes.fill(0);
        std::hint::black_box(&mut bytes);
    }
}

/// The most plaintext in one record (RFC 8446 §5.1).
const RECORD: usize = 16_384;

/// The alert of that name, fatal and not encrypted.
const HANDSHAKE_FAILURE: &[u8] = &[21, 3, 3, 0, 2, 2, 40];

/// The alert of that name, fatal and not encrypted.
const INTERNAL_ERROR: &[u8] = &[21, 3, 3, 0, 2, 2, 80];

/// A close_notify that is not encrypted, with the version that everyone writes.
const CLEAR_CLOSE_NOTIFY: &[u8] = &[21, 3, 3, 0, 2, 1, 0];

/// What encryption adds to one record, at most: header, nonce, type and tag.
const OVERHEAD: usize = 38;
