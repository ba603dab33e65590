//! Our server, and a program as its client.

use polytls::{
    Backend, Capability, CertificateError, ClientAuth, Error, ErrorKind, Group, Server,
    ServerConfig, ServerConfigBuilder, Version, Versions,
};
use tempfile::TempDir;

use crate::fixture::{Credentials, Fixture, NAME, WRONG_NAME};
use crate::http::Head;
use crate::ours::{self, Listener, Tls};
use crate::peer::{ClientHabits, ClientProgram, Ending, Framing, RunningClient, Setup};

/// A promise that our server keeps towards programs of some habits.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) applies: fn(&ClientHabits) -> bool,
    pub(crate) run: fn(&Bench<'_>),
}

macro_rules! cases {
    ($($name:ident if $applies:expr;)*) => {
        pub(crate) static CASES: &[Case] = &[
            $(Case { name: stringify!($name), applies: $applies, run: $name },)*
        ];
    };
}

cases! {
    tls12_data_is_intact if |_| true;
    tls13_data_is_intact if |_| true;
    alpn_is_agreed if |_| true;
    alpn_is_not_asked_of_a_client_that_offers_none if |_| true;
    alpn_mismatch_is_no_shared_alpn if |_| true;
    tls12_client_certificate_is_accepted if |_| true;
    tls13_client_certificate_is_accepted if |_| true;
    tls12_missing_client_certificate_is_refused if |_| true;
    tls13_missing_client_certificate_is_refused if |_| true;
    tls12_strange_client_certificate_is_refused if |_| true;
    tls13_strange_client_certificate_is_refused if |_| true;
    wrong_name_is_no_success if |_| true;
    unknown_authority_is_no_success if |_| true;
    tls12_close_is_a_clean_end if |habits| habits.endings.contains(&Ending::Theirs);
    tls13_close_is_a_clean_end if |habits| habits.endings.contains(&Ending::Theirs);
    tls12_end_without_close_is_unexpected_eof if |habits| habits.endings.contains(&Ending::Cut);
    tls13_end_without_close_is_unexpected_eof if |habits| habits.endings.contains(&Ending::Cut);
    killed_client_is_unexpected_eof if |_| true;
    group_is_settled_by_a_second_hello if |_| true;
    client_updates_keys if |habits| habits.update_keys.is_some();
    half_close_leaves_the_other_half_open if
        |habits| habits.endings.contains(&Ending::HalfClose);
    our_truncation_is_noticed if |habits| habits.notices_truncation;
}

/// Who takes part in a test.
pub(crate) struct Bench<'a> {
    pub(crate) backend: &'static dyn Backend,
    pub(crate) program: &'static dyn ClientProgram,
    pub(crate) fixture: &'a Fixture,
}

/// How the client differs from the plain one.
#[derive(Clone, Copy)]
struct Plan<'a> {
    version: Version,
    alpn: &'static [&'static str],
    identity: Option<&'a Credentials>,
    trusts_us: bool,
    name: &'static str,
    retry: bool,
    updates_keys: bool,
    ending: Ending,
}

const PLAIN: Plan<'static> = Plan {
    version: Version::Tls13,
    alpn: &[],
    identity: None,
    trusts_us: true,
    name: NAME,
    retry: false,
    updates_keys: false,
    ending: Ending::Ours,
};

/// A client that runs, and the connection from it.
struct Talk<'a> {
    client: Box<dyn RunningClient + 'a>,
    tls: Tls,
    habits: ClientHabits,
    fixture: &'a Fixture,
    _scratch: TempDir,
}

impl<'a> Bench<'a> {
    fn config(&self) -> ServerConfigBuilder {
        ServerConfig::builder(self.fixture.server.identity.clone())
    }

    /// A configuration that requires client certificates.
    fn strict(&self) -> ServerConfigBuilder {
        self.config().client_auth(ClientAuth::Require(self.fixture.authority.roots.clone()))
    }

    /// The plain client, in the newest version that our server speaks.
    fn plain(&self) -> Plan<'a> {
        match self.backend.capabilities().contains(Capability::Tls13Server) {
            true => PLAIN,
            false => Plan { version: Version::Tls12, ..PLAIN },
        }
    }

    /// A connection; `None` if our server refuses the configuration, as it must if it lacks anything.
    fn accept(&self, config: ServerConfigBuilder, plan: Plan<'a>) -> Option<Talk<'a>> {
        let config = config.versions(Versions::only(plan.version)).build().unwrap();
        let server =
            ours::honoured(Server::new(&config, self.backend), config.required(), self.backend)?;
        let (listener, scratch) = (Listener::new(), self.fixture.scratch());
        let setup = Setup {
            fixture: self.fixture,
            scratch: scratch.path().to_owned(),
            port: listener.port(),
            version: plan.version,
            alpn: plan.alpn,
            roots: Some(match plan.trusts_us {
                true => &self.fixture.authority.file,
                false => &self.fixture.stranger.file,
            }),
            identity: plan.identity,
            name: plan.name,
            retry: plan.retry,
            staple: None,
            updates_keys: plan.updates_keys,
            ending: plan.ending,
        };
        let mut client = self.program.start(&setup);
        let tls = listener.accept(&server, client.child());
        let habits = self.program.habits();
        Some(Talk { client, tls, habits, fixture: self.fixture, _scratch: scratch })
    }
}

impl Talk<'_> {
    /// Receives the question and checks it.
    fn listen(&mut self) {
        let question = &self.fixture.question.bytes;
        if self.habits.framing == Framing::Http {
            let head = Head::receive(&mut self.tls);
            assert!(head.first_line.starts_with("POST / HTTP/1.1"), "{}", head.first_line);
            assert_eq!(head.content_length(), question.len());
        }
        ours::receive(&mut self.tls, question);
    }

    /// Sends the answer. That of HTTP ends with the connection, unless it `ends_itself`.
    fn answer(&mut self, ends_itself: bool) {
        let answer = &self.fixture.answer.bytes;
        if self.habits.framing == Framing::Http {
            let field = match ends_itself {
                true => format!("Content-Length: {}", answer.len()),
                false => "Connection: close".into(),
            };
            ours::send(&mut self.tls, format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n").as_bytes());
        }
        ours::send(&mut self.tls, answer);
        self.client.answered();
    }

    /// Sends close_notify, and finds the client content with the conversation.
    fn close(&mut self) {
        self.tls.close_notify().unwrap();
        let expected = match self.habits.answers_close {
            true => Ok(()),
            false => Err(ErrorKind::UnexpectedEof),
        };
        assert_eq!(ours::rest(&mut self.tls), (Vec::new(), expected));
        self.content();
    }

    /// The client is done, got everything, and says so.
    fn content(&mut self) {
        assert!(self.client.succeeded());
        let received = self.client.received();
        assert!(received == self.fixture.answer.bytes, "it received {} bytes", received.len());
    }
}

fn data_is_intact(bench: &Bench<'_>, version: Version) {
    let Some(mut talk) = bench.accept(bench.config(), Plan { version, ..PLAIN }) else { return };
    talk.tls.handshake().unwrap();
    let negotiated = talk.tls.negotiated().unwrap();
    assert_eq!(negotiated.version, Some(version));
    assert_eq!(negotiated.server_name.as_deref(), Some(NAME));
    talk.listen();
    talk.answer(false);
    talk.close();
    if bench.program.habits().tells {
        assert_eq!(talk.client.report().version.as_deref(), Some(version.name()));
    }
}

fn tls12_data_is_intact(bench: &Bench<'_>) {
    data_is_intact(bench, Version::Tls12);
}

fn tls13_data_is_intact(bench: &Bench<'_>) {
    data_is_intact(bench, Version::Tls13);
}

fn alpn_is_agreed(bench: &Bench<'_>) {
    let config = bench.config().alpn(["polytls/1", "http/1.1"]);
    let Some(mut talk) = bench.accept(config, Plan { alpn: &["http/1.1"], ..bench.plain() }) else {
        return;
    };
    talk.tls.handshake().unwrap();
    assert_eq!(talk.tls.negotiated().unwrap().alpn.as_deref(), Some(&b"http/1.1"[..]));
    talk.listen();
    talk.answer(false);
    talk.close();
    if bench.program.habits().tells {
        assert_eq!(talk.client.report().alpn.as_deref(), Some("http/1.1"));
    }
}

fn alpn_is_not_asked_of_a_client_that_offers_none(bench: &Bench<'_>) {
    let Some(mut talk) = bench.accept(bench.config().alpn(["polytls/1"]), bench.plain()) else {
        return;
    };
    talk.tls.handshake().unwrap();
    assert_eq!(talk.tls.negotiated().unwrap().alpn, None);
    talk.listen();
    talk.answer(false);
    talk.close();
    assert_eq!(talk.client.report().alpn, None);
}

fn alpn_mismatch_is_no_shared_alpn(bench: &Bench<'_>) {
    let config = bench.config().alpn(["polytls/1"]);
    let Some(mut talk) = bench.accept(config, Plan { alpn: &["http/1.1"], ..bench.plain() }) else {
        return;
    };
    we_refuse(&mut talk, ErrorKind::NoSharedAlpn);
}

fn client_certificate_is_accepted(bench: &Bench<'_>, version: Version) {
    let theirs = &bench.fixture.client;
    let plan = Plan { version, identity: Some(theirs), ..PLAIN };
    let Some(mut talk) = bench.accept(bench.strict(), plan) else { return };
    talk.tls.handshake().unwrap();
    let chain = ours::told_of_chain(bench.backend, theirs.identity.chain());
    assert!(talk.tls.negotiated().unwrap().peer_chain == chain);
    talk.listen();
    talk.answer(false);
    talk.close();
}

fn tls12_client_certificate_is_accepted(bench: &Bench<'_>) {
    client_certificate_is_accepted(bench, Version::Tls12);
}

fn tls13_client_certificate_is_accepted(bench: &Bench<'_>) {
    client_certificate_is_accepted(bench, Version::Tls13);
}

/// Our server refuses the client because of `kind`, and the client fails.
fn we_refuse(talk: &mut Talk<'_>, kind: ErrorKind) {
    let e = Error::from(talk.tls.handshake().unwrap_err());
    assert_eq!(e.kind(), kind);
    talk.tls.transport().get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    assert!(!talk.client.succeeded());
    assert!(talk.client.received().is_empty());
}

fn tls12_missing_client_certificate_is_refused(bench: &Bench<'_>) {
    let Some(mut talk) = bench.accept(bench.strict(), Plan { version: Version::Tls12, ..PLAIN })
    else {
        return;
    };
    we_refuse(&mut talk, ErrorKind::NoPeerCertificate);
}

fn tls13_missing_client_certificate_is_refused(bench: &Bench<'_>) {
    let Some(mut talk) = bench.accept(bench.strict(), PLAIN) else { return };
    we_refuse(&mut talk, ErrorKind::NoPeerCertificate);
}

fn strange_client_certificate_is_refused(bench: &Bench<'_>, version: Version) {
    let plan = Plan { version, identity: Some(&bench.fixture.strange_client), ..PLAIN };
    let Some(mut talk) = bench.accept(bench.strict(), plan) else { return };
    let why = ours::told_reason(bench.backend, CertificateError::UnknownIssuer);
    we_refuse(&mut talk, ErrorKind::Certificate(why));
}

fn tls12_strange_client_certificate_is_refused(bench: &Bench<'_>) {
    strange_client_certificate_is_refused(bench, Version::Tls12);
}

fn tls13_strange_client_certificate_is_refused(bench: &Bench<'_>) {
    strange_client_certificate_is_refused(bench, Version::Tls13);
}

/// The client refuses us: it fails, and we never hear anything from it but a refusal.
fn client_refuses(mut talk: Talk<'_>, late: bool) {
    match talk.tls.handshake().map_err(|e| Error::from(e).kind()) {
        Err(ErrorKind::AlertReceived(_)) => {}
        // One that verifies late may not even send the last message of its handshake.
        Err(ErrorKind::UnexpectedEof) if late => {}
        Ok(()) if late => {
            let (data, end) = ours::rest(&mut talk.tls);
            assert!(data.is_empty(), "{} bytes, then {end:?}", data.len());
        }
        other => panic!("{other:?} of a client that refuses us"),
    }
    drop(talk.tls);
    assert!(!talk.client.succeeded());
    assert!(talk.client.received().is_empty());
}

fn wrong_name_is_no_success(bench: &Bench<'_>) {
    let late = bench.program.habits().checks_name_late;
    let Some(talk) = bench.accept(bench.config(), Plan { name: WRONG_NAME, ..bench.plain() })
    else {
        return;
    };
    client_refuses(talk, late);
}

fn unknown_authority_is_no_success(bench: &Bench<'_>) {
    let late = bench.program.habits().checks_chain_late;
    let Some(talk) = bench.accept(bench.config(), Plan { trusts_us: false, ..bench.plain() })
    else {
        return;
    };
    client_refuses(talk, late);
}

/// The client ends the connection after the data; how that looks to us.
fn client_ends<'a>(bench: &Bench<'a>, plan: Plan<'a>, expected: Result<(), ErrorKind>) {
    let Some(mut talk) = bench.accept(bench.config(), plan) else { return };
    talk.listen();
    talk.answer(true);
    assert_eq!(ours::rest(&mut talk.tls), (Vec::new(), expected));
    assert_eq!(talk.tls.close_received(), expected.is_ok());
    if expected.is_ok() {
        let _ = talk.tls.close_notify(); // it may be gone already
    }
    talk.content();
}

fn tls12_close_is_a_clean_end(bench: &Bench<'_>) {
    let plan = Plan { version: Version::Tls12, ending: Ending::Theirs, ..PLAIN };
    client_ends(bench, plan, Ok(()));
}

fn tls13_close_is_a_clean_end(bench: &Bench<'_>) {
    client_ends(bench, Plan { ending: Ending::Theirs, ..PLAIN }, Ok(()));
}

fn tls12_end_without_close_is_unexpected_eof(bench: &Bench<'_>) {
    let plan = Plan { version: Version::Tls12, ending: Ending::Cut, ..PLAIN };
    client_ends(bench, plan, Err(ErrorKind::UnexpectedEof));
}

fn tls13_end_without_close_is_unexpected_eof(bench: &Bench<'_>) {
    client_ends(bench, Plan { ending: Ending::Cut, ..PLAIN }, Err(ErrorKind::UnexpectedEof));
}

fn killed_client_is_unexpected_eof(bench: &Bench<'_>) {
    // In TLS 1.3 it might not have read our tickets, and the system would reset the connection.
    let Some(mut talk) =
        bench.accept(bench.config(), Plan { version: Version::Tls12, ..bench.plain() })
    else {
        return;
    };
    talk.listen();
    talk.client.child().kill();
    assert_eq!(ours::rest(&mut talk.tls), (Vec::new(), Err(ErrorKind::UnexpectedEof)));
}

fn group_is_settled_by_a_second_hello(bench: &Bench<'_>) {
    let Some(mut talk) = bench.accept(bench.config(), Plan { retry: true, ..PLAIN }) else {
        return;
    };
    talk.tls.handshake().unwrap();
    assert_eq!(talk.tls.negotiated().unwrap().group, Some(Group::SECP384R1));
    talk.listen();
    talk.answer(false);
    talk.close();
}

fn client_updates_keys(bench: &Bench<'_>) {
    let order = bench.program.habits().update_keys.unwrap();
    let Some(mut talk) = bench.accept(bench.config(), Plan { updates_keys: true, ..PLAIN }) else {
        return;
    };
    talk.tls.handshake().unwrap();
    talk.listen();
    talk.client.child().feed(order);
    ours::wait_for_bytes(&talk.tls);
    assert_eq!(talk.tls.buffered(), 0);
    talk.answer(false);
    talk.close();
}

fn half_close_leaves_the_other_half_open(bench: &Bench<'_>) {
    let Some(mut talk) =
        bench.accept(bench.config(), Plan { ending: Ending::HalfClose, ..bench.plain() })
    else {
        return;
    };
    let (data, end) = ours::rest(&mut talk.tls);
    assert!(data == bench.fixture.question.bytes, "{} bytes, then {end:?}", data.len());
    assert_eq!(end, Ok(()));
    talk.answer(false);
    talk.tls.close_notify().unwrap();
    talk.content();
}

/// An end of ours without close_notify fails the client.
fn our_truncation_is_noticed(bench: &Bench<'_>) {
    let Some(mut talk) = bench.accept(bench.config(), bench.plain()) else { return };
    talk.listen();
    talk.answer(false);
    drop(talk.tls);
    assert!(!talk.client.succeeded());
}
