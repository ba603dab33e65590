//! Our client, and a program as its server that staples an OCSP response.

use polytls::ocsp::{
    CertStatus, CrlReason, OcspError, Outcome, Query, ResponseStatus, process_response,
};
use polytls::{CertificateError, Error, ErrorKind, StaplePolicy, Version};

use crate::as_client::{Bench, Case, PLAIN, Plan};
use crate::fixture::NAME;
use crate::ours;
use crate::responses::{Kind, REVOKED_AT};

macro_rules! cases {
    ($($name:ident: $version:ident, $kind:expr, $policy:ident;)*) => {
        pub(crate) static CASES: &[Case] = &[
            $(Case {
                name: stringify!($name),
                applies: |habits| habits.staples,
                run: |bench| check(bench, Version::$version, $kind, StaplePolicy::$policy),
            },)*
        ];
    };
}

cases! {
    tls12_staple_is_good: Tls12, Some(Kind::Good), Require;
    tls13_staple_is_good: Tls13, Some(Kind::Good), Require;
    tls12_staple_is_a_delegates: Tls12, Some(Kind::Delegated), Require;
    tls13_staple_is_a_delegates: Tls13, Some(Kind::Delegated), Require;
    tls12_staple_of_unknown_status_is_accepted: Tls12, Some(Kind::Unknown), Request;
    tls13_staple_of_unknown_status_is_accepted: Tls13, Some(Kind::Unknown), Request;
    tls12_staple_revokes: Tls12, Some(Kind::Revoked), Request;
    tls13_staple_revokes: Tls13, Some(Kind::Revoked), Request;
    tls12_staple_is_out_of_date: Tls12, Some(Kind::Expired), Request;
    tls13_staple_is_out_of_date: Tls13, Some(Kind::Expired), Request;
    tls12_staple_is_another_issuers: Tls12, Some(Kind::WrongIssuer), Request;
    tls13_staple_is_another_issuers: Tls13, Some(Kind::WrongIssuer), Request;
    tls12_staple_is_wrongly_signed: Tls12, Some(Kind::BadSignature), Request;
    tls13_staple_is_wrongly_signed: Tls13, Some(Kind::BadSignature), Request;
    tls12_no_staple_is_accepted: Tls12, None, Request;
    tls13_no_staple_is_accepted: Tls13, None, Request;
    tls12_no_staple_is_refused_if_required: Tls12, None, Require;
    tls13_no_staple_is_refused_if_required: Tls13, None, Require;
    staple_is_not_asked_for: Tls13, Some(Kind::Revoked), Off;
}

/// What our client does about it.
fn verdict(kind: Option<Kind>, policy: StaplePolicy) -> Result<(), CertificateError> {
    match (kind, policy) {
        (_, StaplePolicy::Off) | (None, StaplePolicy::Request) => Ok(()),
        (None, StaplePolicy::Require) => Err(CertificateError::StapleMissing),
        (Some(kind), StaplePolicy::Request | StaplePolicy::Require) => match kind {
            Kind::Delegated | Kind::Good | Kind::Unknown => Ok(()),
            Kind::Revoked => Err(CertificateError::Revoked),
            Kind::BadSignature | Kind::Expired | Kind::WrongIssuer => {
                Err(CertificateError::StapleInvalid)
            }
        },
    }
}

fn check(bench: &Bench<'_>, version: Version, kind: Option<Kind>, policy: StaplePolicy) {
    let plan = Plan { version, staple: kind, ..PLAIN };
    let Some(mut talk) = bench.connect(NAME, bench.config().staple(policy), plan) else { return };
    let handshake = talk.tls.handshake().map_err(|e| Error::from(e).kind());
    let refused = |why| ErrorKind::Certificate(ours::told_reason(bench.backend, why));
    let verdict = verdict(kind, policy);
    assert_eq!(handshake, verdict.map_err(refused));

    // What was stapled can be read, whatever came of it.
    let sent = kind.filter(|_| policy != StaplePolicy::Off);
    let sent =
        sent.map(|kind| (kind, std::fs::read(bench.fixture.responses().file(kind)).unwrap()));
    let stapled = talk.tls.staple();
    assert_eq!(stapled.as_deref(), sent.as_ref().map(|(_, der)| &der[..]));
    if let Some((kind, der)) = sent {
        let [leaf, issuer, ..] = bench.fixture.server.identity.chain() else { unreachable!() };
        let query = Query::new(leaf, issuer, bench.backend);
        check_facts(kind, process_response(&der, &query));
    }
    if verdict.is_ok() {
        assert_eq!(talk.tls.negotiated().unwrap().staple, stapled);
        talk.server.exchange(&mut talk.tls);
        talk.close(bench.program.habits());
    }
}

/// What every accessor says of it.
fn check_facts(kind: Kind, judged: Result<Outcome, OcspError>) {
    let (status, reason, revoked_at, result) = match kind {
        Kind::BadSignature => return assert_eq!(judged, Err(OcspError::BadSignature)),
        Kind::Expired => return assert_eq!(judged, Err(OcspError::Expired)),
        Kind::WrongIssuer => return assert_eq!(judged, Err(OcspError::OtherCertificate)),
        Kind::Delegated | Kind::Good => (CertStatus::Good, None, None, "good"),
        Kind::Revoked => {
            let reason = Some(CrlReason::KeyCompromise);
            (CertStatus::Revoked, reason, Some(REVOKED_AT), "keyCompromise")
        }
        Kind::Unknown => (CertStatus::Unknown, None, None, "unknown"),
    };
    let outcome = judged.unwrap();
    assert_eq!(outcome.response_status(), ResponseStatus::Successful);
    assert_eq!(outcome.cert_status(), Some(status));
    assert_eq!(outcome.crl_reason(), reason);
    assert_eq!(outcome.revocation_time(), revoked_at);
    assert_eq!(outcome.result(), result);
    assert_eq!(outcome.this_update(), outcome.produced_at());
    let day = outcome.this_update().unwrap() + 24 * 60 * 60;
    assert_eq!(outcome.next_update(), Some(day));
    assert_eq!(outcome.url(), None);
}
