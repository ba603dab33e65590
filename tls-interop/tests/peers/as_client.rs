//! Our client, and a program as its server.

use polytls::{
    Alert, Backend, Capability, CertificateError, Client, ClientConfig, ClientConfigBuilder, Error,
    ErrorKind, Group, Version, Versions,
};
use tempfile::TempDir;

use crate::fixture::{Fixture, NAME, WRONG_NAME};
use crate::http::Head;
use crate::ours::{self, Tls};
use crate::peer::{AlpnHabit, Ending, Refusal, RunningServer, ServerHabits, ServerProgram, Setup};
use crate::process::free_port;
use crate::responses::Kind;

/// A promise that our client keeps towards programs of some habits.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) applies: fn(&ServerHabits) -> bool,
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
    alpn_mismatch_is_refused if |habits| habits.alpn_mismatch == AlpnHabit::Refuses;
    alpn_mismatch_agrees_on_nothing if |habits| habits.alpn_mismatch == AlpnHabit::Ignores;
    alpn_mismatch_is_refused_or_agrees_on_nothing if
        |habits| habits.alpn_mismatch == AlpnHabit::Varies;
    tls12_client_certificate_is_accepted if |_| true;
    tls13_client_certificate_is_accepted if |_| true;
    tls12_missing_client_certificate_is_refused if |_| true;
    tls13_missing_client_certificate_is_refused if |_| true;
    tls12_strange_client_certificate_is_refused if |_| true;
    tls13_strange_client_certificate_is_refused if |_| true;
    wrong_name_is_name_mismatch if |_| true;
    unknown_authority_is_unknown_issuer if |_| true;
    tls12_close_is_a_clean_end if |habits| habits.endings.contains(&Ending::Theirs);
    tls13_close_is_a_clean_end if |habits| habits.endings.contains(&Ending::Theirs);
    tls12_end_without_close_is_unexpected_eof if |habits| habits.endings.contains(&Ending::Cut);
    tls13_end_without_close_is_unexpected_eof if |habits| habits.endings.contains(&Ending::Cut);
    killed_server_is_unexpected_eof if |_| true;
    group_is_settled_by_a_second_hello if |_| true;
    server_updates_keys if |habits| habits.update_keys.is_some();
    half_close_leaves_the_other_half_open if
        |habits| habits.endings.contains(&Ending::HalfClose);
}

/// Who takes part in a test.
pub(crate) struct Bench<'a> {
    pub(crate) backend: &'static dyn Backend,
    pub(crate) program: &'static dyn ServerProgram,
    pub(crate) fixture: &'a Fixture,
}

/// How a test differs from the plain one.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) version: Version,
    pub(crate) alpn: &'static [&'static str],
    pub(crate) require_certificate: bool,
    pub(crate) retry: bool,
    pub(crate) staple: Option<Kind>,
    pub(crate) updates_keys: bool,
    pub(crate) ending: Ending,
}

pub(crate) const PLAIN: Plan = Plan {
    version: Version::Tls13,
    alpn: &[],
    require_certificate: false,
    retry: false,
    staple: None,
    updates_keys: false,
    ending: Ending::Ours,
};

/// A server that runs, and the connection to it.
pub(crate) struct Talk<'a> {
    pub(crate) server: Box<dyn RunningServer + 'a>,
    pub(crate) tls: Tls,
    _scratch: TempDir,
}

impl<'a> Bench<'a> {
    /// A configuration that trusts the server.
    pub(crate) fn config(&self) -> ClientConfigBuilder {
        ClientConfig::builder().roots(self.fixture.authority.roots.clone())
    }

    fn can(&self, what: Capability) -> bool {
        self.backend.capabilities().contains(what)
    }

    /// A connection; `None` if our client refuses the configuration, as it must if it lacks anything.
    pub(crate) fn connect(
        &self,
        name: &str,
        config: ClientConfigBuilder,
        plan: Plan,
    ) -> Option<Talk<'a>> {
        let config = config.versions(Versions::only(plan.version)).build().unwrap();
        let client =
            ours::honoured(Client::new(&config, self.backend), config.required(), self.backend)?;
        let scratch = self.fixture.scratch();
        let setup = Setup {
            fixture: self.fixture,
            scratch: scratch.path().to_owned(),
            port: free_port(),
            version: plan.version,
            alpn: plan.alpn,
            roots: plan.require_certificate.then_some(&*self.fixture.authority.file),
            identity: Some(&self.fixture.server),
            name: NAME,
            retry: plan.retry,
            staple: plan.staple.map(|kind| self.fixture.responses().file(kind)),
            updates_keys: plan.updates_keys,
            ending: plan.ending,
        };
        let mut server = self.program.start(&setup);
        let tls = ours::connect(&client, name, setup.port, server.child());
        Some(Talk { server, tls, _scratch: scratch })
    }
}

impl Talk<'_> {
    /// Ends the connection from our side, in order.
    pub(crate) fn close(&mut self, habits: ServerHabits) {
        self.tls.close_notify().unwrap();
        let (data, end) = ours::rest(&mut self.tls);
        assert!(data.is_empty());
        match habits.answers_close {
            true => assert_eq!(end, Ok(())),
            false => assert_eq!(end, Err(ErrorKind::UnexpectedEof)),
        }
    }
}

fn data_is_intact(bench: &Bench<'_>, version: Version) {
    let Some(mut talk) = bench.connect(NAME, bench.config(), Plan { version, ..PLAIN }) else {
        return;
    };
    talk.tls.handshake().unwrap();
    let negotiated = talk.tls.negotiated().unwrap();
    assert_eq!(negotiated.version, Some(version));
    let theirs = bench.fixture.server.identity.chain();
    assert!(negotiated.peer_chain == ours::told_of_chain(bench.backend, theirs));
    talk.server.exchange(&mut talk.tls);
    talk.close(bench.program.habits());
    assert_eq!(talk.server.report().version.as_deref(), Some(version.name()));
}

fn tls12_data_is_intact(bench: &Bench<'_>) {
    data_is_intact(bench, Version::Tls12);
}

fn tls13_data_is_intact(bench: &Bench<'_>) {
    data_is_intact(bench, Version::Tls13);
}

fn alpn_is_agreed(bench: &Bench<'_>) {
    let config = bench.config().alpn(["polytls/1", "http/1.1"]);
    let Some(mut talk) = bench.connect(NAME, config, Plan { alpn: &["http/1.1"], ..PLAIN }) else {
        return;
    };
    talk.tls.handshake().unwrap();
    assert_eq!(talk.tls.negotiated().unwrap().alpn.as_deref(), Some(&b"http/1.1"[..]));
    talk.server.exchange(&mut talk.tls);
    talk.close(bench.program.habits());
    assert_eq!(talk.server.report().alpn.as_deref(), Some("http/1.1"));
}

fn alpn_mismatch_is_refused(bench: &Bench<'_>) {
    let config = bench.config().alpn(["polytls/1"]);
    let Some(mut talk) = bench.connect(NAME, config, Plan { alpn: &["http/1.1"], ..PLAIN }) else {
        return;
    };
    let refused = ErrorKind::AlertReceived(Alert::NO_APPLICATION_PROTOCOL);
    assert_eq!(ours::refusal(&mut talk.tls), refused);
}

fn alpn_mismatch_agrees_on_nothing(bench: &Bench<'_>) {
    let config = bench.config().alpn(["polytls/1"]);
    let Some(mut talk) = bench.connect(NAME, config, Plan { alpn: &["http/1.1"], ..PLAIN }) else {
        return;
    };
    talk.tls.handshake().unwrap();
    assert_eq!(talk.tls.negotiated().unwrap().alpn, None);
    talk.server.exchange(&mut talk.tls);
    talk.close(bench.program.habits());
    assert_eq!(talk.server.report().alpn, None);
}

fn alpn_mismatch_is_refused_or_agrees_on_nothing(bench: &Bench<'_>) {
    let config = bench.config().alpn(["polytls/1"]);
    let Some(mut talk) = bench.connect(NAME, config, Plan { alpn: &["http/1.1"], ..PLAIN }) else {
        return;
    };
    match talk.tls.handshake() {
        Ok(()) => assert_eq!(talk.tls.negotiated().unwrap().alpn, None),
        Err(e) => {
            let refused = ErrorKind::AlertReceived(Alert::NO_APPLICATION_PROTOCOL);
            assert_eq!(Error::from(e).kind(), refused);
        }
    }
}

fn client_certificate_is_accepted(bench: &Bench<'_>, version: Version) {
    let own = &bench.fixture.client.identity;
    let config = bench.config().identity(own.clone());
    let plan = Plan { version, require_certificate: true, ..PLAIN };
    let Some(mut talk) = bench.connect(NAME, config, plan) else { return };
    talk.tls.handshake().unwrap();
    let told = bench.can(Capability::ReportLocalCertificate).then_some(own.leaf());
    assert_eq!(talk.tls.negotiated().unwrap().local_certificate.as_ref(), told);
    talk.server.exchange(&mut talk.tls);
    talk.close(bench.program.habits());
    assert_eq!(talk.server.report().certificate.as_deref(), Some(&**own.leaf()));
}

fn tls12_client_certificate_is_accepted(bench: &Bench<'_>) {
    client_certificate_is_accepted(bench, Version::Tls12);
}

fn tls13_client_certificate_is_accepted(bench: &Bench<'_>) {
    client_certificate_is_accepted(bench, Version::Tls13);
}

fn they_refuse(mut talk: Talk<'_>, how: Refusal) {
    match how {
        Refusal::Alert => {
            let kind = ours::refusal(&mut talk.tls);
            assert!(matches!(kind, ErrorKind::AlertReceived(_)), "{kind:?}");
        }
        Refusal::Cut => assert_eq!(ours::refusal(&mut talk.tls), ErrorKind::UnexpectedEof),
        Refusal::Http => {
            ours::send(&mut talk.tls, b"GET / HTTP/1.1\r\nHost: server.peers.test\r\n\r\n");
            assert_eq!(Head::receive(&mut talk.tls).status(), 400);
        }
    }
}

fn missing_client_certificate_is_refused(bench: &Bench<'_>, version: Version) {
    let plan = Plan { version, require_certificate: true, ..PLAIN };
    let Some(talk) = bench.connect(NAME, bench.config(), plan) else { return };
    they_refuse(talk, bench.program.habits().missing_certificate);
}

fn tls12_missing_client_certificate_is_refused(bench: &Bench<'_>) {
    missing_client_certificate_is_refused(bench, Version::Tls12);
}

fn tls13_missing_client_certificate_is_refused(bench: &Bench<'_>) {
    missing_client_certificate_is_refused(bench, Version::Tls13);
}

fn strange_client_certificate_is_refused(bench: &Bench<'_>, version: Version) {
    let config = bench.config().identity(bench.fixture.strange_client.identity.clone());
    let plan = Plan { version, require_certificate: true, ..PLAIN };
    let Some(talk) = bench.connect(NAME, config, plan) else { return };
    they_refuse(talk, bench.program.habits().strange_certificate);
}

fn tls12_strange_client_certificate_is_refused(bench: &Bench<'_>) {
    strange_client_certificate_is_refused(bench, Version::Tls12);
}

fn tls13_strange_client_certificate_is_refused(bench: &Bench<'_>) {
    strange_client_certificate_is_refused(bench, Version::Tls13);
}

fn we_refuse(bench: &Bench<'_>, mut talk: Talk<'_>, why: CertificateError) {
    let e = Error::from(talk.tls.handshake().unwrap_err());
    assert_eq!(e.kind(), ErrorKind::Certificate(ours::told_reason(bench.backend, why)));
}

fn wrong_name_is_name_mismatch(bench: &Bench<'_>) {
    let Some(talk) = bench.connect(WRONG_NAME, bench.config(), PLAIN) else { return };
    we_refuse(bench, talk, CertificateError::NameMismatch);
}

fn unknown_authority_is_unknown_issuer(bench: &Bench<'_>) {
    let config = bench.config().roots(bench.fixture.stranger.roots.clone());
    let Some(talk) = bench.connect(NAME, config, PLAIN) else { return };
    we_refuse(bench, talk, CertificateError::UnknownIssuer);
}

/// The server ends the connection after the data; how that looks to us, and that it answers.
fn server_ends(bench: &Bench<'_>, plan: Plan, expected: Result<(), ErrorKind>) {
    let Some(mut talk) = bench.connect(NAME, bench.config(), plan) else { return };
    talk.server.exchange(&mut talk.tls);
    let (data, end) = ours::rest(&mut talk.tls);
    assert!(data.is_empty());
    assert_eq!(end, expected);
    assert_eq!(talk.tls.close_received(), expected.is_ok());
}

fn tls12_close_is_a_clean_end(bench: &Bench<'_>) {
    let plan = Plan { version: Version::Tls12, ending: Ending::Theirs, ..PLAIN };
    server_ends(bench, plan, Ok(()));
}

fn tls13_close_is_a_clean_end(bench: &Bench<'_>) {
    server_ends(bench, Plan { ending: Ending::Theirs, ..PLAIN }, Ok(()));
}

fn tls12_end_without_close_is_unexpected_eof(bench: &Bench<'_>) {
    let plan = Plan { version: Version::Tls12, ending: Ending::Cut, ..PLAIN };
    server_ends(bench, plan, Err(ErrorKind::UnexpectedEof));
}

fn tls13_end_without_close_is_unexpected_eof(bench: &Bench<'_>) {
    let plan = Plan { ending: Ending::Cut, ..PLAIN };
    server_ends(bench, plan, Err(ErrorKind::UnexpectedEof));
}

fn killed_server_is_unexpected_eof(bench: &Bench<'_>) {
    let Some(mut talk) = bench.connect(NAME, bench.config(), PLAIN) else { return };
    talk.server.exchange(&mut talk.tls);
    talk.server.child().kill();
    assert_eq!(ours::rest(&mut talk.tls), (Vec::new(), Err(ErrorKind::UnexpectedEof)));
}

fn group_is_settled_by_a_second_hello(bench: &Bench<'_>) {
    let Some(mut talk) = bench.connect(NAME, bench.config(), Plan { retry: true, ..PLAIN }) else {
        return;
    };
    talk.tls.handshake().unwrap();
    assert_eq!(talk.tls.negotiated().unwrap().group, Some(Group::SECP384R1));
    talk.server.exchange(&mut talk.tls);
    talk.close(bench.program.habits());
}

fn server_updates_keys(bench: &Bench<'_>) {
    let order = bench.program.habits().update_keys.unwrap();
    let plan = Plan { updates_keys: true, ..PLAIN };
    let Some(mut talk) = bench.connect(NAME, bench.config(), plan) else { return };
    for _ in 0..2 {
        talk.server.exchange(&mut talk.tls);
        talk.server.child().feed(order);
        ours::wait_for_bytes(&talk.tls);
    }
    talk.server.exchange(&mut talk.tls);
    talk.close(bench.program.habits());
}

fn half_close_leaves_the_other_half_open(bench: &Bench<'_>) {
    let plan = Plan { ending: Ending::HalfClose, ..PLAIN };
    let Some(mut talk) = bench.connect(NAME, bench.config(), plan) else { return };
    ours::send(&mut talk.tls, &bench.fixture.question.bytes);
    talk.tls.close_notify().unwrap();
    let (data, end) = ours::rest(&mut talk.tls);
    assert!(data == bench.fixture.answer.bytes, "{} bytes, then {end:?}", data.len());
    assert_eq!(end, Ok(()));
    talk.server.report();
}
