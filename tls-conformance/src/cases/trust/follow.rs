//! An application's verifier after the library's.

use std::sync::Arc;

use tls_core::pki_types::UnixTime;
use tls_core::{
    CertificateError, Checks, ClientAuth, ClientConfig, Clock, Pin, Result, ServerConfig,
    Verification, Version,
};

use super::{Trial, Witness, below, of_servers, on_both_sides, root, stranger};
use crate::cases::cases;
use crate::certs::{Authority, Leaf, set_days};
use crate::pair::{Ends, NAME, Pair};
use crate::told;

cases! { "follow";
    Pair a_verifier_that_follows_is_shown_the_server [CustomVerification] []
        "A verifier that follows sees the chain as sent, the name, the purpose and the time, once.";
    Pair a_verifier_that_follows_is_shown_the_server_in_tls12
        [CustomVerification Tls12Client] [Tls12Server]
        "A verifier that follows sees all of it in TLS 1.2 too, once.";
    Pair a_verifier_that_follows_is_shown_an_address [CustomVerification] []
        "A verifier that follows sees the IP address that the client means to reach.";
    Pair a_verifier_that_follows_is_shown_the_instant [CustomVerification VerificationTime] []
        "A verifier that follows sees the instant that the configuration says it is.";
    Pair a_verifier_that_follows_is_asked_for_each_peer [CustomVerification] []
        "A verifier that follows is asked once for each connection.";
    Pair what_a_verifier_that_follows_refuses_is_refused [CustomVerification] []
        "What a verifier that follows rejects is refused with that kind, and the peer told.";
    Pair what_a_verifier_that_follows_refuses_is_refused_in_tls12
        [CustomVerification Tls12Client] [Tls12Server]
        "What a verifier that follows rejects is refused in TLS 1.2, and the peer told.";
    Pair a_verifier_that_follows_gives_its_own_reason [CustomVerification] []
        "A verifier may give any reason, and the peer gets the alert that fits it.";
    Pair a_verifier_that_follows_does_not_hear_of_an_unknown_issuer
        [CustomVerification CertificateReasons] []
        "What the library refuses stays refused, and the verifier is not asked.";
    Pair a_verifier_that_follows_does_not_hear_of_another_name [CustomVerification] []
        "What is for another name stays refused, and the verifier is not asked.";
    Pair a_verifier_that_follows_does_not_hear_of_what_has_no_pin [CustomVerification] []
        "What has no pinned key stays refused, and the verifier is not asked.";
    Pair a_verifier_that_follows_is_shown_the_client
        [ClientIdentity] [CustomVerification RequestClientCertificate]
        "On a server a verifier that follows sees the client's chain and purpose, and no name.";
    Pair what_a_servers_verifier_refuses_is_refused
        [ClientIdentity] [CustomVerification RequestClientCertificate]
        "What a server's verifier rejects is refused with that kind.";
    Pair what_a_servers_verifier_refuses_is_refused_in_tls12
        [ClientIdentity Tls12Client] [CustomVerification RequestClientCertificate Tls12Server]
        "What a server's verifier rejects is refused in TLS 1.2, and the client told.";
    Pair a_servers_verifier_does_not_hear_of_an_unknown_issuer
        [ClientIdentity] [CustomVerification CertificateReasons RequestClientCertificate]
        "A client that the library refuses stays refused, and the verifier is not asked.";
    Pair a_servers_verifier_is_not_asked_about_nobody
        [ClientIdentity] [CustomVerification RequestClientCertificate]
        "A server that only asks serves a client without a certificate, and its verifier is not asked.";
}

on_both_sides! {
    what_a_verifier_that_follows_refuses_is_refused
        what_a_servers_verifier_refuses_is_refused = refuses;
    what_a_verifier_that_follows_refuses_is_refused_in_tls12
        what_a_servers_verifier_refuses_is_refused_in_tls12 = refuses_in_tls12;
    a_verifier_that_follows_does_not_hear_of_an_unknown_issuer
        a_servers_verifier_does_not_hear_of_an_unknown_issuer = unknown_issuer;
    a_verifier_that_follows_is_shown_the_server
        a_verifier_that_follows_is_shown_the_client = sees;
}

of_servers! {
    a_verifier_that_follows_is_shown_the_server_in_tls12 = sees_in_tls12;
    a_verifier_that_follows_is_shown_an_address = sees_address;
    a_verifier_that_follows_is_shown_the_instant = sees_instant;
    a_verifier_that_follows_is_asked_for_each_peer = asked_each_time;
    a_verifier_that_follows_gives_its_own_reason = own_reason;
    a_verifier_that_follows_does_not_hear_of_another_name = another_name;
    a_verifier_that_follows_does_not_hear_of_what_has_no_pin = no_pin;
}

fn follow(witness: &Arc<Witness>) -> Checks {
    Checks::new().verification(Verification::Follow(witness.clone()))
}

fn sees(trial: &Trial<'_>) -> Result<()> {
    let (root, witness) = (root(), Witness::saying(Ok(())));
    let identity = below(&root, 2).issue(trial.leaf());
    let before = UnixTime::now();
    trial.asking(follow(&witness)).accepts(&root.roots(), &identity)?;
    let [seen] = &witness.seen()[..] else { panic!("asked {} times", witness.calls()) };
    assert_eq!(seen.chain, identity.chain());
    assert_eq!(seen.name.as_deref(), trial.judged(Some(NAME), None));
    assert_eq!(seen.purpose, trial.purpose());
    assert_eq!(seen.staple, None);
    assert!((before..=UnixTime::now()).contains(&seen.now), "{:?}", seen.now);
    Ok(())
}

fn sees_in_tls12(trial: &Trial<'_>) -> Result<()> {
    sees(&trial.speaking(Version::Tls12))
}

fn sees_address(trial: &Trial<'_>) -> Result<()> {
    for name in ["192.0.2.1", "2001:db8::1"] {
        let (root, witness) = (root(), Witness::saying(Ok(())));
        let identity = below(&root, 1).server(name);
        trial.asking(follow(&witness)).at(name).accepts(&root.roots(), &identity)?;
        let seen = witness.seen().remove(0);
        assert_eq!(seen.chain, identity.chain());
        assert_eq!(seen.name.as_deref(), Some(name));
    }
    Ok(())
}

fn sees_instant(trial: &Trial<'_>) -> Result<()> {
    let (root, witness) = (root(), Witness::saying(Ok(())));
    let leaf = trial.leaf().with(|params| set_days(params, -20, -10));
    let instant = UnixTime::now().as_secs() - 15 * 86_400;
    let checks = follow(&witness).clock(Clock::at(instant));
    let identity = below(&root, 1).issue(leaf);
    trial.asking(checks).accepts(&root.roots(), &identity)?;
    let seen = witness.seen().remove(0);
    assert_eq!(seen.now.as_secs(), instant);
    assert_eq!(seen.chain, identity.chain());
    Ok(())
}

fn asked_each_time(trial: &Trial<'_>) -> Result<()> {
    let (root, witness) = (root(), Witness::saying(Ok(())));
    let identity = below(&root, 1).issue(trial.leaf());
    let ends = trial.asking(follow(&witness)).ends(&root.roots(), &identity)?;
    for before in 0..3 {
        assert_eq!(witness.calls(), before);
        ends.pair()?.handshake()?;
    }
    assert_eq!(witness.calls(), 3);
    assert!(witness.seen().iter().all(|seen| seen.chain == identity.chain()));
    Ok(())
}

fn refuses(trial: &Trial<'_>) -> Result<()> {
    let (root, why) = (root(), CertificateError::Rejected);
    let witness = Witness::saying(Err(why));
    trial.asking(follow(&witness)).refuses(&root.roots(), &root.issue(trial.leaf()), why)?;
    assert_eq!(witness.calls(), 1);
    Ok(())
}

fn refuses_in_tls12(trial: &Trial<'_>) -> Result<()> {
    refuses(&trial.speaking(Version::Tls12))
}

fn own_reason(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = root.issue(trial.leaf());
    for why in [
        CertificateError::Expired,
        CertificateError::NameMismatch,
        CertificateError::PinMismatch,
        CertificateError::Purpose,
        CertificateError::Revoked,
        CertificateError::UnknownIssuer,
    ] {
        let witness = Witness::saying(Err(why));
        trial.asking(follow(&witness)).refuses(&root.roots(), &identity, why)?;
    }
    Ok(())
}

/// A verifier that would accept anything hears of what is good, and not of this.
fn not_asked(
    trial: &Trial<'_>,
    checks: impl Fn(Checks) -> Checks,
    leaf: Leaf,
    issuer: &Authority,
    why: CertificateError,
) -> Result<()> {
    let (root, witness) = (root(), Witness::saying(Ok(())));
    let roots = root.roots().with_der(match why {
        CertificateError::UnknownIssuer => root.certificate(),
        _ => issuer.certificate(),
    })?;
    trial.asking(follow(&witness)).accepts(&roots, &root.issue(trial.leaf()))?;
    assert_eq!(witness.calls(), 1);
    trial.asking(checks(follow(&witness))).refuses(&roots, &issuer.issue(leaf), why)?;
    assert_eq!(witness.calls(), 1, "asked about what is refused anyway");
    Ok(())
}

fn unknown_issuer(trial: &Trial<'_>) -> Result<()> {
    let why = CertificateError::UnknownIssuer;
    not_asked(trial, |checks| checks, trial.leaf(), &stranger(), why)
}

fn another_name(trial: &Trial<'_>) -> Result<()> {
    let other = Authority::root("Another root");
    let why = CertificateError::NameMismatch;
    not_asked(trial, |checks| checks, Leaf::server(&["other.test"]), &other, why)
}

fn no_pin(trial: &Trial<'_>) -> Result<()> {
    let other = Authority::root("Another root");
    let pin = Pin::sha256([7; 32]);
    let why = CertificateError::PinMismatch;
    not_asked(trial, |checks| checks.pins([pin]), trial.leaf(), &other, why)
}

fn a_servers_verifier_is_not_asked_about_nobody(
    client: &dyn tls_core::Backend,
    server: &dyn tls_core::Backend,
) -> Result<()> {
    let (own, clients) = (root(), Authority::root("Root of the clients"));
    let witness = Witness::saying(Err(CertificateError::Rejected));
    let s = ServerConfig::builder(own.server(NAME))
        .client_auth(ClientAuth::Request(clients.roots()))
        .checks(follow(&witness));
    let c = ClientConfig::builder().roots(own.roots());
    Ends::new((client, c.clone()), (server, s.clone()))?.established()?;
    assert_eq!(witness.calls(), 0);
    // Who does show one is looked at.
    let c = c.identity(clients.client("somebody"));
    let mut pair = Pair::new((client, c), (server, s))?;
    told::refusal(pair.handshakes().1, CertificateError::Rejected)
}
