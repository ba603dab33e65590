//! A session, its wire, and the rules that must not depend on a library.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use crate::early::{Early, Taken};
use crate::events::{By, Events};
use crate::held::Held;
use crate::identity::choose;
use crate::library::Library;
use crate::rekey::Rekey;
use crate::secrets::{check_export, server_end_point};
use crate::x509::CertificateFacts;
use crate::{
    Acceptor, Alert, Capability, ChannelBinding, ClientHello, EarlyData, EndOfStream, Error,
    ErrorKind, Negotiated, Progress, Result, Session, TicketKeys, Version, Wire,
};

/// One side of one TLS connection, driven by hand.
///
/// Made by [`Client::connection`](crate::Client::connection) and
/// [`Server::connection`](crate::Server::connection). No call blocks or does I/O: the caller moves
/// bytes between [`wire`](Self::wire) and the network, in whatever way the program does I/O.
/// [`Stream`](crate::Stream) does that over any [`Transport`](crate::Transport).
///
/// ```text
/// loop {
///     match connection.handshake()? {
///         Progress::Ready(()) => break,
///         Progress::WantWrite => { /* send wire().pending(), then wire().sent(n) */ }
///         Progress::WantRead => { /* send as well, then wire().feed(bytes) or wire().end() */ }
///         Progress::WantSignature => { /* only with an AsyncSigner: await_signature(waker) */ }
///     }
/// }
/// ```
///
/// After an error, and after every `Ready`, there may be [`pending`](Wire::pending) bytes to send;
/// after an error they hold the alert that tells the peer why. The first error is final: every
/// later call gives it again. Only [`ErrorKind::Misuse`] leaves the connection as it was.
///
/// Reading can put answers on the wire too (to a key update, say). Stop feeding bytes while many
/// wait to be sent: a peer that takes none of its answers could pile them up without end.
pub struct Connection {
    session: Held,
    /// Set on a server as long as the identity is not chosen, and the session has no use.
    choice: Option<Choice>,
    early: Early,
    wire: Wire,
    rules: Rules,
    first_bytes: FirstBytes,
    phase: Phase,
    close_sent: bool,
    close_received: bool,
    truncated: bool,
    failure: Option<Error>,
    rekey: Rekey,
    events: Events,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    Traffic,
}

/// The part of a configuration that no library needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// The one that speaks; nothing as long as none is chosen.
    library: Library,
    end_of_stream: EndOfStream,
    assumed_alpn: Option<Box<[u8]>>,
    is_server: bool,
    /// After how many records the keys are to be new, if the program said so.
    key_update_after: Option<u32>,
    needs_extended_master_secret: bool,
}

impl Rules {
    pub(crate) fn client(end_of_stream: EndOfStream) -> Self {
        Self {
            library: Library::default(),
            end_of_stream,
            assumed_alpn: None,
            is_server: false,
            key_update_after: None,
            needs_extended_master_secret: false,
        }
    }

    pub(crate) fn server(end_of_stream: EndOfStream, assumed_alpn: Option<&[u8]>) -> Self {
        let assumed_alpn = assumed_alpn.map(Into::into);
        Self { assumed_alpn, is_server: true, ..Self::client(end_of_stream) }
    }

    pub(crate) fn key_update_after(self, records: Option<u32>) -> Self {
        Self { key_update_after: records, ..self }
    }

    pub(crate) fn needs_extended_master_secret(self, needs: bool) -> Self {
        Self { needs_extended_master_secret: needs, ..self }
    }

    pub(crate) fn with(self, library: Library) -> Self {
        Self { library, ..self }
    }

    fn side(&self) -> &'static str {
        if self.is_server { "server" } else { "client" }
    }
}

impl Connection {
    pub(crate) fn new(session: Box<dyn Session>, rules: Rules) -> Self {
        let mut events = Events::default();
        events.backend(rules.library.backend());
        Self {
            session: Held::new(session),
            choice: None,
            early: Early::Off,
            wire: Wire::default(),
            rekey: Rekey::new(rules.key_update_after),
            rules,
            first_bytes: FirstBytes::default(),
            phase: Phase::Handshake,
            close_sent: false,
            close_received: false,
            truncated: false,
            failure: None,
            events,
        }
    }

    /// On a server that has several identities, or takes early data: the session begins with the
    /// ClientHello.
    pub(crate) fn choosing(choice: Choice, rules: Rules) -> Self {
        let early = match choice.takes_early_data {
            Some(_) => Early::Server(Taken::default()),
            None => Early::Off,
        };
        Self { choice: Some(choice), early, ..Self::new(Box::new(NotBegun), rules) }
    }

    /// On a client that may have early data: the session begins with it, or with the handshake.
    pub(crate) fn with_early_data(early: Early, rules: Rules) -> Self {
        Self { early, ..Self::new(Box::new(NotBegun), rules) }
    }

    /// On a server that waits to be chosen.
    pub(crate) fn unheard() -> Self {
        Self::new(Box::new(NotBegun), Rules::server(EndOfStream::default(), None))
    }

    /// Goes on as the connection of a server that has been chosen.
    pub(crate) fn begin(&mut self, begun: Self) -> Result<()> {
        self.check_failure()?;
        (self.session, self.choice, self.rules) = (begun.session, begun.choice, begun.rules);
        self.early = begun.early;
        self.rekey = begun.rekey;
        self.events.backend(self.rules.library.backend());
        Ok(())
    }

    /// The ClientHello, before any session has seen it; nothing is consumed.
    pub(crate) fn hello(&mut self) -> Result<Progress<ClientHello>> {
        self.check_failure()?;
        self.events.begin(self.rules.side());
        if let Err(e) = self.first_bytes.check(&self.wire) {
            return Err(self.fail(e));
        }
        let unread = self.wire.unread();
        // An alert that is not all there yet; the whole one has just been looked for.
        let is_alert = unread.first() == Some(&ALERT) && unread.len() < FirstBytes::LEN;
        match ClientHello::read(unread) {
            Ok(Some(hello)) => Ok(Progress::Ready(hello)),
            Ok(None) if self.wire.is_full() => {
                let e = Error::new(ErrorKind::Protocol);
                Err(self.refuse_hello(e.because("the ClientHello is in too many records")))
            }
            Err(e) if !is_alert => Err(self.refuse_hello(e)),
            // Let it be said that no more bytes can come.
            Ok(None) | Err(_) => self.call(|_, _| Ok(Progress::WantRead)),
        }
    }

    fn refuse_hello(&mut self, e: Error) -> Error {
        self.put_alert(Alert::DECODE_ERROR);
        self.fail(e)
    }

    /// Puts an alert on the wire of a connection that has no session yet, and lets nothing follow.
    pub(crate) fn refuse(&mut self, alert: Alert) {
        if self.failure.is_none() {
            self.put_alert(alert);
            self.fail(misuse("the connection has been refused"));
        }
    }

    fn put_alert(&mut self, alert: Alert) {
        let before = self.wire.pending().len();
        self.wire.put_alert(alert);
        self.events.moved(&self.wire, before);
        self.events.alert_sent(&self.wire.pending()[before..]);
    }

    /// The bytes between this connection and the network.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// Moves the handshake on, as far as the bytes on hand allow.
    ///
    /// # Errors
    ///
    /// Whatever ended the handshake: among others [`ErrorKind::Certificate`],
    /// [`ErrorKind::AlertReceived`], [`ErrorKind::NotTls`], the `NoShared…` kinds, and
    /// [`ErrorKind::UnexpectedEof`] if the wire [ended](Wire::end) before the handshake did.
    pub fn handshake(&mut self) -> Result<Progress<()>> {
        self.check_failure()?;
        if self.phase == Phase::Traffic {
            return Ok(Progress::Ready(()));
        }
        self.events.begin(self.rules.side());
        if let Err(e) = self.first_bytes.check(&self.wire) {
            return Err(self.fail(e));
        }
        if let Some(choice) = &self.choice {
            match choice.session(&self.wire) {
                Ok(Some((session, offers_early_data))) => {
                    self.session = Held::new(session);
                    self.choice = None;
                    if let Early::Server(taken) = &mut self.early {
                        taken.offered = offers_early_data;
                    }
                }
                // Let it be said that no more bytes can come.
                Ok(None) => return self.call(|_, _| Ok(Progress::WantRead)),
                Err(e) => return Err(self.fail(e)),
            }
        }
        match self.early.begin() {
            Ok(Some(session)) => self.session = Held::new(session),
            Ok(None) => {}
            Err(e) => return Err(self.fail(e)),
        }
        let progress = self.call(|session, wire| session.handshake(wire));
        if let Early::Server(taken) = &mut self.early {
            taken.push(self.session.alone().take_early());
        }
        let progress = progress?;
        if progress == Progress::Ready(()) {
            self.check_master_secret()?;
            self.phase = Phase::Traffic;
            let Self { events, session, .. } = self;
            events.finished(|| session.look().negotiated());
        }
        Ok(progress)
    }

    /// On a client, before the handshake: encrypts early data onto the wire, and says how much of `buf`
    /// it has taken. The rest has to wait for the handshake's end; 0 means that there is no session that
    /// allows more.
    ///
    /// Whether the server takes it shows only when the handshake is done:
    /// [`Negotiated::early_data`]. If it was [`Rejected`](EarlyData::Rejected), none of it has come, and
    /// it is for the program to [`write`](Self::write) it again, or not.
    ///
    /// Early data can be recorded and sent again by anyone on the path
    /// ([`ReplayableEarlyData`](crate::danger::ReplayableEarlyData)).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] if the configuration wants no early data, on a server, and once
    /// [`handshake`](Self::handshake) has been called; whatever ends the connection.
    pub fn write_early(&mut self, buf: &[u8]) -> Result<usize> {
        self.check_failure()?;
        let Early::Client(sending) = &mut self.early else {
            return Err(misuse("the configuration wants no early data to be sent"));
        };
        if sending.is_over() {
            return Err(misuse("early data after the handshake has begun"));
        }
        let allowed = sending.allowed().min(buf.len());
        if allowed == 0 {
            return Ok(0);
        }
        match sending.begin() {
            Ok(Some(session)) => self.session = Held::new(session),
            Ok(None) => {}
            Err(e) => return Err(self.fail(e)),
        }
        let written = self.session.alone().write_early(&mut self.wire, &buf[..allowed]);
        let written = written.map_err(|e| self.fail(e))?;
        if let Early::Client(sending) = &mut self.early {
            sending.note(written);
        }
        Ok(written)
    }

    /// On a server: reads early data, and moves the handshake on as far as that needs. `Ready(0)` means
    /// that there is no more, unless `buf` is empty: then the handshake is done.
    ///
    /// **Whoever has recorded it can send it again**, to another server if not to this one
    /// ([`ReplayableEarlyData`](crate::danger::ReplayableEarlyData)). Therefore it never comes out of
    /// [`read`](Self::read).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] if the configuration takes no early data, and on a client; whatever ends the
    /// connection, after all early data that came before.
    pub fn read_early(&mut self, buf: &mut [u8]) -> Result<Progress<usize>> {
        loop {
            let Early::Server(taken) = &mut self.early else {
                return Err(misuse("the configuration takes no early data"));
            };
            let n = taken.read(buf);
            if n > 0 || buf.is_empty() || self.phase == Phase::Traffic {
                return Ok(Progress::Ready(n));
            }
            let progress = self.handshake();
            if matches!(&self.early, Early::Server(taken) if !taken.is_empty()) {
                continue; // before the error, if there is one, which the next call gives
            }
            match progress? {
                Progress::Ready(()) => return Ok(Progress::Ready(0)),
                Progress::WantRead => return Ok(Progress::WantRead),
                Progress::WantWrite => return Ok(Progress::WantWrite),
                Progress::WantSignature => return Ok(Progress::WantSignature),
            }
        }
    }

    /// Reads plaintext. `Ready(0)` is the end of what the peer sends, once and for all, unless
    /// `buf` is empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnexpectedEof`] if the wire [ended](Wire::end) without close_notify and the
    /// configuration does not [tolerate](EndOfStream) that; [`ErrorKind::Misuse`] before the
    /// handshake is done, and as long as there is early data that nobody has
    /// [read](Self::read_early); whatever ends the connection. All data that came before the end or
    /// the error is given first.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<Progress<usize>> {
        self.check_established("read")?;
        if matches!(&self.early, Early::Server(taken) if !taken.is_empty()) {
            return Err(misuse("early data has come, and has not been read"));
        }
        if self.close_received || self.truncated || buf.is_empty() {
            return Ok(Progress::Ready(0));
        }
        if self.session.alone().undelivered() == 0 {
            self.check_failure()?;
        }
        match self.judge(|session, wire| session.read(wire, buf)) {
            Ok(Progress::Ready(0)) => {
                self.close_received = true;
                self.events.close_received();
                Ok(Progress::Ready(0))
            }
            Err(e) if e.kind() == ErrorKind::UnexpectedEof && self.tolerates_truncation() => {
                self.failure = None;
                self.truncated = true;
                self.events.ended_without_close();
                Ok(Progress::Ready(0))
            }
            Err(e) => Err(self.fail(e)),
            other => other,
        }
    }

    /// Encrypts some of `buf` onto the wire, and says how much. A retry may pass other bytes.
    ///
    /// `WantWrite` means that the wire is full; never more than [`Wire::HIGH_WATER`] bytes wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] before the handshake is done, or after [`close`](Self::close);
    /// whatever ends the connection.
    pub fn write(&mut self, buf: &[u8]) -> Result<Progress<usize>> {
        self.check_established("write")?;
        self.check_failure()?;
        if self.close_sent {
            return Err(misuse("write after the own close_notify"));
        }
        if buf.is_empty() {
            return Ok(Progress::Ready(0));
        }
        if self.wire.room() < Wire::MAX_RECORD {
            return Ok(Progress::WantWrite);
        }
        if self.rekey.is_due() {
            match self.renew_keys()? {
                Progress::Ready(()) => {}
                Progress::WantRead => return Ok(Progress::WantRead),
                Progress::WantWrite => return Ok(Progress::WantWrite),
                Progress::WantSignature => return Ok(Progress::WantSignature),
            }
        }
        let before = self.wire.pending().len();
        let progress = self.call(|session, wire| session.write(wire, buf));
        self.rekey.count(self.wire.pending().get(before..).unwrap_or_default());
        progress
    }

    /// Puts close_notify on the wire: the end of what this side sends. Reading stays possible.
    /// Further calls do nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] before the handshake is done; whatever ends the connection.
    pub fn close(&mut self) -> Result<Progress<()>> {
        self.check_established("close")?;
        if self.close_sent {
            return Ok(Progress::Ready(()));
        }
        self.check_failure()?;
        let progress = self.call(|session, wire| session.close(wire))?;
        if progress == Progress::Ready(()) {
            self.close_sent = true;
            self.events.close_sent();
        }
        Ok(progress)
    }

    /// Takes new keys for what this side sends, and asks the peer to do the same (RFC 8446 §4.6.3): at
    /// the latest with the next write. That happens by itself long before a key has been used as often as
    /// it may; this is for programs that want it sooner.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] before the handshake is done, after [`close`](Self::close), and in TLS 1.2,
    /// which has no such thing; [`ErrorKind::Unsupported`] if the backend lacks
    /// [`Capability::KeyUpdate`](crate::Capability); whatever ends the connection.
    pub fn update_keys(&mut self) -> Result<Progress<()>> {
        self.check_established("key update")?;
        self.check_failure()?;
        if self.close_sent {
            return Err(misuse("key update after the own close_notify"));
        }
        if self.session.alone().negotiated().version == Some(Version::Tls12) {
            return Err(misuse("TLS 1.2 has no key update"));
        }
        if self.wire.room() < Wire::MAX_RECORD {
            return Ok(Progress::WantWrite);
        }
        let progress = self.session.alone().update_keys(&mut self.wire);
        self.took_new_keys(progress, By::Program)
    }

    /// Takes new keys because the old ones have been used enough.
    fn renew_keys(&mut self) -> Result<Progress<()>> {
        let (session, asked) = (self.session.alone(), self.rules.key_update_after.is_some());
        if session.negotiated().version == Some(Version::Tls12)
            || !asked && session.counts_records()
        {
            self.rekey.never();
            return Ok(Progress::Ready(()));
        }
        let progress = session.renew_keys(&mut self.wire);
        match self.took_new_keys(progress, By::Limit) {
            // There is nothing to be done, and nobody asked for it.
            Err(e) if matches!(e.kind(), ErrorKind::Unsupported(_)) && !asked => {
                self.rekey.never();
                Ok(Progress::Ready(()))
            }
            progress => progress,
        }
    }

    fn took_new_keys(&mut self, progress: Result<Progress<()>>, by: By) -> Result<Progress<()>> {
        let progress = match progress {
            // Nothing has happened.
            Err(e) if matches!(e.kind(), ErrorKind::Unsupported(_)) => return Err(e),
            progress => self.call(|_, _| progress)?,
        };
        if progress == Progress::Ready(()) {
            self.rekey.renewed();
            self.events.keys_updated(by);
        }
        Ok(progress)
    }

    /// How many plaintext bytes [`read`](Self::read) gives without more bytes from the network.
    ///
    /// A program that sleeps until its socket is readable asks this first: data that is already
    /// here makes no socket readable. An error met on the way is given by the next call.
    pub fn buffered(&mut self) -> usize {
        if self.phase == Phase::Handshake || self.close_received {
            return 0;
        }
        if self.failure.is_some() {
            return self.session.alone().undelivered();
        }
        match self.session.alone().buffered(&mut self.wire) {
            Ok(n) => n,
            Err(e) => {
                self.fail(e);
                0
            }
        }
    }

    /// What the handshake settled, once it is done.
    pub fn negotiated(&self) -> Option<Negotiated> {
        if self.phase == Phase::Handshake {
            return None;
        }
        let mut negotiated = self.session.look().negotiated();
        self.rules.library.tell(&mut negotiated);
        if negotiated.alpn.is_none() {
            negotiated.alpn = self.rules.assumed_alpn.as_deref().map(Into::into);
        }
        negotiated.early_data = self.early_data();
        Some(negotiated)
    }

    /// After [`Progress::WantSignature`]: has `waker` woken once the [`AsyncSigner`](crate::AsyncSigner)
    /// has answered, or says that it has already. Then the call is made again.
    pub fn await_signature(&mut self, waker: &Waker) -> bool {
        self.session.alone().await_signature(waker)
    }

    /// The OCSP response (DER) that the server has stapled to its certificate, if this side asked for one
    /// and it has come: also after a handshake that failed because of it.
    pub fn staple(&self) -> Option<Vec<u8>> {
        self.session.look().staple()
    }

    /// What became of early data, on a side that wants some; once the handshake is done.
    fn early_data(&self) -> Option<EarlyData> {
        let offered = match &self.early {
            Early::Off => return None,
            Early::Client(sending) => sending.written > 0,
            Early::Server(taken) => taken.offered,
        };
        Some(match (offered, self.session.look().early_data_accepted()) {
            (false, _) => EarlyData::NotOffered,
            (true, true) => EarlyData::Accepted,
            (true, false) => EarlyData::Rejected,
        })
    }

    /// Whether there was an error, which every further call gives again.
    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Derives keying material for a protocol above: bytes that both sides can compute, and nobody else
    /// (RFC 5705, RFC 8446 §7.5).
    ///
    /// `label` is one that is registered with IANA or begins with `EXPERIMENTAL`; in TLS 1.2 no context
    /// differs from an empty one, in TLS 1.3 it does not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] before the handshake is done, for 0 or more than 8160 bytes, a label that is
    /// empty, too long, not ASCII or reserved, and a context of more than 512 bytes;
    /// [`ErrorKind::Unsupported`] if the backend lacks [`Capability::Exporter`](crate::Capability).
    pub fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<()> {
        self.check_established("export")?;
        check_export(out, label, context)?;
        self.session.look().export_keying_material(out, label, context)
    }

    /// What ties an authentication inside of this connection to it: equal on both sides.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] before the handshake is done, and where the binding is not defined: for
    /// `tls-exporter` in TLS 1.2 without the extended master secret (RFC 9266 §4.2), for
    /// `tls-server-end-point` if the certificate's signature has no hash function (RFC 5929 §4.1), for
    /// `tls-unique` in TLS 1.3 (RFC 9266 §1), and on a connection that was resumed without the extended
    /// master secret (RFC 7627 §1); [`ErrorKind::Unsupported`] if the backend lacks
    /// [`Capability::Exporter`](crate::Capability) or [`Capability::TlsUnique`](crate::Capability), or
    /// cannot tell its own certificate.
    pub fn channel_binding(&self, kind: ChannelBinding) -> Result<Vec<u8>> {
        self.check_established("channel binding")?;
        let negotiated = self.session.look().negotiated();
        match kind {
            ChannelBinding::TlsExporter => {
                let mut out = vec![0; 32];
                self.export_keying_material(&mut out, ChannelBinding::LABEL, Some(&[]))?;
                match negotiated.extended_master_secret {
                    Some(true) => Ok(out),
                    _ => Err(misuse("tls-exporter needs the extended master secret in TLS 1.2")),
                }
            }
            ChannelBinding::TlsServerEndPoint => {
                let lacks = Error::new(ErrorKind::Unsupported(Capability::ReportLocalCertificate));
                let certificate = match self.rules.is_server {
                    true => negotiated.local_certificate,
                    false => negotiated.peer_chain.into_iter().next(),
                };
                server_end_point(&certificate.ok_or(lacks)?)
            }
            ChannelBinding::TlsUnique => {
                if negotiated.version == Some(Version::Tls13) {
                    return Err(misuse("tls-unique is not defined in TLS 1.3"));
                }
                let unique = self.session.look().tls_unique()?;
                // Such a connection can be made to have the Finished of another.
                match (negotiated.resumed, negotiated.extended_master_secret) {
                    (Some(false), _) | (_, Some(true)) => Ok(unique),
                    _ => Err(misuse(
                        "tls-unique of what was resumed needs the extended master secret",
                    )),
                }
            }
        }
    }

    /// Whether the handshake is done.
    pub fn is_established(&self) -> bool {
        self.phase == Phase::Traffic
    }

    /// Whether the peer has sent close_notify and everything before it has been read.
    pub fn close_received(&self) -> bool {
        self.close_received
    }

    /// Whether close_notify has been put on the wire.
    pub fn close_sent(&self) -> bool {
        self.close_sent
    }

    /// Whether the peer's data ended without close_notify, and the configuration
    /// [tolerates](EndOfStream) that.
    pub fn ended_without_close(&self) -> bool {
        self.truncated
    }

    /// Whether what is pending after the handshake is nothing that the peer needs: in TLS 1.3 a server
    /// sends its part of the handshake before the client's, and tickets after it (RFC 8446 §2).
    pub(crate) fn has_only_tickets_to_send(&self) -> bool {
        self.rules.is_server && self.session.look().negotiated().version == Some(Version::Tls13)
    }

    /// Calls the session; the first error is final.
    fn call<T>(
        &mut self,
        step: impl FnOnce(&mut dyn Session, &mut Wire) -> Result<Progress<T>>,
    ) -> Result<Progress<T>> {
        self.judge(step).map_err(|e| self.fail(e))
    }

    /// Calls the session, and judges what it cannot know: whether more bytes can come.
    fn judge<T>(
        &mut self,
        step: impl FnOnce(&mut dyn Session, &mut Wire) -> Result<Progress<T>>,
    ) -> Result<Progress<T>> {
        let before = self.wire.pending().len();
        let progress = step(self.session.alone(), &mut self.wire);
        self.events.moved(&self.wire, before);
        match progress {
            Ok(Progress::WantRead) if self.wire.is_ended() => {
                let e = Error::new(ErrorKind::UnexpectedEof);
                Err(match self.phase {
                    Phase::Handshake => e.because("during the handshake"),
                    Phase::Traffic => e,
                })
            }
            Ok(progress) => Ok(progress),
            Err(e) => {
                self.events.alert_sent(self.wire.pending().get(before..).unwrap_or_default());
                Err(e)
            }
        }
    }

    /// Whether an end without close_notify is one, unless something else has failed before.
    fn tolerates_truncation(&self) -> bool {
        let failed = self.failure.as_ref().map(Error::kind);
        self.rules.end_of_stream == EndOfStream::TolerateTruncation
            && failed.is_none_or(|kind| kind == ErrorKind::UnexpectedEof)
    }

    /// Refuses secrets that do not depend on the whole handshake, if they have to (RFC 7627).
    fn check_master_secret(&mut self) -> Result<()> {
        if !self.rules.needs_extended_master_secret {
            return Ok(());
        }
        let has = self.session.look().negotiated().extended_master_secret;
        match has {
            Some(true) => Ok(()),
            Some(false) | None => {
                let e = Error::new(ErrorKind::Protocol);
                Err(self.fail(e.because("the peer has no extended master secret")))
            }
        }
    }

    /// Remembers the first error. A library asked again might answer "end of stream".
    fn fail(&mut self, e: Error) -> Error {
        if self.failure.is_none() {
            self.events.failed(&e);
        }
        self.failure.get_or_insert(e).clone()
    }

    fn check_failure(&self) -> Result<()> {
        match &self.failure {
            None => Ok(()),
            Some(e) => Err(e.clone()),
        }
    }

    fn check_established(&self, call: &'static str) -> Result<()> {
        match self.phase {
            Phase::Traffic => Ok(()),
            Phase::Handshake => {
                self.check_failure()?;
                Err(Error::new(ErrorKind::Misuse)
                    .because(format!("{call} before the handshake is done")))
            }
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("session", &self.session)
            .field("wire", &self.wire)
            .field("early", &self.early)
            .field("phase", &self.phase)
            .field("close_sent", &self.close_sent)
            .field("close_received", &self.close_received)
            .field("failure", &self.failure)
            .finish()
    }
}

fn misuse(what: &'static str) -> Error {
    Error::new(ErrorKind::Misuse).because(what)
}

/// A server's choice among its identities, which the ClientHello decides.
#[derive(Debug)]
pub(crate) struct Choice {
    acceptor: Arc<dyn Acceptor>,
    identities: Arc<[Arc<CertificateFacts>]>,
    /// Set where early data is taken: what has been seen of it.
    takes_early_data: Option<TicketKeys>,
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
    fn session(&self, wire: &Wire) -> Result<Option<(Box<dyn Session>, bool)>> {
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
struct NotBegun;

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

/// Looks at the first record header from the peer before any library does.
///
/// Every library has its own word for "this is not TLS", some of them in prose; here there is one.
#[derive(Clone, Copy, Debug, Default)]
struct FirstBytes {
    /// A record header, and the alert that may be all that follows.
    bytes: [u8; Self::LEN],
    seen: usize,
    /// How many bytes the caller took off the wire before the handshake, such as a PROXY header.
    start: Option<u64>,
}

impl FirstBytes {
    /// How many bytes are looked at.
    const LEN: usize = 7;

    /// Checks what has come of the header (RFC 8446 §5.1), and of an alert (§6).
    fn check(&mut self, wire: &Wire) -> Result<()> {
        if self.seen == self.bytes.len() {
            return Ok(());
        }
        // Bytes seen in an earlier call may have been consumed since.
        let unread = wire.unread();
        let consumed = wire.received() - unread.len() as u64;
        let start = *self.start.get_or_insert(consumed);
        while self.seen < self.bytes.len() {
            let at = (start + self.seen as u64).checked_sub(consumed);
            let at = at.and_then(|at| usize::try_from(at).ok());
            let Some(&byte) = at.and_then(|at| unread.get(at)) else { break };
            self.bytes[self.seen] = byte;
            self.seen += 1;
        }
        let [kind, major, minor, length @ .., level, alert] = self.bytes;
        let is_tls = match self.seen {
            0 => true,
            1 => is_first_content_type(kind),
            2 => is_first_content_type(kind) && major == 3,
            _ => is_first_content_type(kind) && major == 3 && minor <= 4,
        };
        if !is_tls {
            return Err(Error::new(ErrorKind::NotTls).because(describe(unread)));
        }
        // A peer that gives up before it says anything else: some libraries only call it a surprise,
        // or pass over a close_notify and wait for more.
        let is_alert = self.seen == self.bytes.len() && kind == 21 && length == [0, 2];
        if is_alert && (level == 2 || alert == Alert::CLOSE_NOTIFY.0) {
            return Err(Error::new(ErrorKind::AlertReceived(Alert(alert))));
        }
        Ok(())
    }
}

/// The content type of alerts (RFC 8446 §5.1).
const ALERT: u8 = 21;

/// The first record holds a handshake message or an alert.
fn is_first_content_type(byte: u8) -> bool {
    matches!(byte, 21 | 22)
}

fn describe(bytes: &[u8]) -> String {
    const VERBS: [&[u8]; 9] = [
        b"GET ",
        b"HEAD ",
        b"POST ",
        b"PUT ",
        b"DELETE ",
        b"OPTIONS ",
        b"CONNECT ",
        b"PATCH ",
        b"PRI ",
    ];
    let begin = &bytes[..bytes.len().min(16)];
    let quoted = begin.escape_ascii();
    if bytes.starts_with(b"HTTP/") {
        format!("the peer answers in plain HTTP (\"{quoted}…\"): is this the right port?")
    } else if VERBS.iter().any(|verb| bytes.starts_with(verb)) {
        format!("the peer sends a plain HTTP request (\"{quoted}…\")")
    } else {
        format!("its first bytes are \"{quoted}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(bytes: &[u8], chunk: usize) -> Option<ErrorKind> {
        let (mut first, mut wire) = (FirstBytes::default(), Wire::default());
        for piece in bytes.chunks(chunk) {
            wire.feed(piece);
            if let Err(e) = first.check(&wire) {
                return Some(e.kind());
            }
            let n = wire.unread().len();
            wire.consume(n); // as a library would
        }
        None
    }

    #[test]
    fn what_is_not_tls_is_seen_whatever_the_pieces() {
        for chunk in [1, 2, 3, 5, 100] {
            for bytes in
                [&b"GET / HTTP/1.1\r\n"[..], b"SSH-2.0-x\r\n", b"\x16\x02\x00", b"\x17\x03\x03"]
            {
                assert_eq!(kind_of(bytes, chunk), Some(ErrorKind::NotTls), "{bytes:?} by {chunk}");
            }
            for bytes in [&b"\x16\x03\x01\x02\x00\x01"[..], b"\x15\x03\x03\x00\x02\x01\x70", b""] {
                assert_eq!(kind_of(bytes, chunk), None, "{bytes:?} by {chunk}");
            }
            let refusal = kind_of(b"\x15\x03\x03\x00\x02\x02\x28", chunk);
            assert_eq!(refusal, Some(ErrorKind::AlertReceived(Alert::HANDSHAKE_FAILURE)));
            let close = kind_of(b"\x15\x03\x03\x00\x02\x01\x00", chunk);
            assert_eq!(close, Some(ErrorKind::AlertReceived(Alert::CLOSE_NOTIFY)));
        }
    }

    #[test]
    fn what_the_caller_takes_first_is_not_looked_at() {
        let (mut first, mut wire) = (FirstBytes::default(), Wire::default());
        wire.feed(b"PROXY UNKNOWN\r\n\x16\x03");
        wire.consume(15);
        first.check(&wire).unwrap();
        wire.consume(2);
        wire.feed(b"\x09");
        assert_eq!(first.check(&wire).unwrap_err().kind(), ErrorKind::NotTls);
        wire.feed(b"12345");
        wire.consume(6); // nobody but a library should
        let _ = first.check(&wire);
    }

    #[test]
    fn a_connection_can_be_shared_between_threads() {
        fn shared<T: Send + Sync + Unpin>() {}
        shared::<Connection>();
        shared::<crate::Incoming>();
        shared::<crate::Stream<crate::Pipe>>();
    }

    #[test]
    fn plain_http_is_called_by_its_name() {
        let text = describe(b"HTTP/1.1 400 Bad Request\r\n");
        assert!(text.contains("plain HTTP") && text.contains("right port"), "{text}");
        assert!(describe(b"GET / HTTP/1.1").contains("HTTP request"));
    }
}
