//! A session, its wire, and the rules that must not depend on a library.

mod choice;
mod early_data;
mod file;
mod first_bytes;
mod kernel;
mod keys;
mod rules;
mod secrets;

use std::fmt;
use std::task::Waker;

use choice::NotBegun;
use first_bytes::{ALERT, FirstBytes};
use kernel::Drained;

pub(crate) use choice::Choice;
pub(crate) use rules::Rules;

use crate::early::{Early, Taken};
use crate::events::Events;
use crate::held::Held;
use crate::kernel::KernelRecords;
use crate::rekey::Rekey;
use crate::{
    Alert, ClientHello, EarlyData, EndOfStream, Error, ErrorKind, KernelTls, Negotiated, Progress,
    Result, Session, Version, Wire,
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
    /// Takes the session's place once the kernel has its keys.
    kernel: Option<Box<KernelRecords>>,
    /// What was read before that, to be given first.
    drained: Drained,
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

impl Connection {
    pub(crate) fn new(session: Box<dyn Session>, rules: Rules) -> Self {
        let mut events = Events::default();
        events.backend(rules.library.backend());
        Self {
            session: Held::new(session),
            kernel: None,
            drained: Drained::default(),
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
        if self.rules.kernel_tls != KernelTls::Off {
            self.wire.mind_records();
        }
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
        let drained = self.drained.read(buf);
        if drained > 0 {
            return Ok(Progress::Ready(drained));
        }
        let at_end = self.drained.has_end();
        if !at_end && self.traffic().undelivered() == 0 {
            self.check_failure()?;
        }
        let read = match at_end {
            true => Ok(Progress::Ready(0)),
            false => self.judge(|session, wire| session.read(wire, buf)),
        };
        match read {
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

    /// How many plaintext bytes [`read`](Self::read) gives without more bytes from the network.
    ///
    /// A program that sleeps until its socket is readable asks this first: data that is already
    /// here makes no socket readable. An error met on the way is given by the next call.
    pub fn buffered(&mut self) -> usize {
        if self.phase == Phase::Handshake || self.close_received {
            return 0;
        }
        if !self.drained.is_empty() || self.drained.has_end() {
            return self.drained.len();
        }
        if self.failure.is_some() {
            return self.traffic().undelivered();
        }
        let session = speaker(&mut self.session, &mut self.kernel);
        match session.buffered(&mut self.wire) {
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

    /// Whoever speaks for this side by now.
    fn traffic(&mut self) -> &mut dyn Session {
        speaker(&mut self.session, &mut self.kernel)
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
        let session = speaker(&mut self.session, &mut self.kernel);
        let progress = step(session, &mut self.wire);
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

/// The session, or what took its place.
fn speaker<'a>(
    session: &'a mut Held,
    kernel: &'a mut Option<Box<KernelRecords>>,
) -> &'a mut dyn Session {
    match kernel {
        Some(records) => &mut **records,
        None => session.alone(),
    }
}

fn misuse(what: &'static str) -> Error {
    Error::new(ErrorKind::Misuse).because(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_can_be_shared_between_threads() {
        fn shared<T: Send + Sync + Unpin>() {}
        shared::<Connection>();
        shared::<crate::Incoming>();
        shared::<crate::Stream<crate::Pipe>>();
    }
}
