//! An application's verifier in place of the library's.

use std::sync::Arc;

use tls_core::{
    Backend, CertificateError, Checks, ClientConfig, ErrorKind, Identity, Pin, Result,
    RevocationLists, Roots, Verification, Version,
};

use super::{Trial, Witness, below, of_servers, on_both_sides, root, stranger};
use crate::cases::cases;
use crate::certs::{Leaf, set_days};
use crate::pair::NAME;

cases! { "replace";
    Pair a_verifier_may_accept_an_unknown_issuer [CustomVerification] []
        "A verifier in place of the library may accept a server of an unknown issuer.";
    Pair a_verifier_may_accept_an_unknown_issuer_in_tls12
        [CustomVerification Tls12Client] [Tls12Server]
        "A verifier in place of the library may accept an unknown issuer in TLS 1.2.";
    Pair a_verifier_may_accept_every_fault [CustomVerification] []
        "A verifier may accept a self-signed, expired client certificate for another name.";
    Pair a_verifier_may_refuse_what_is_good [CustomVerification] []
        "A verifier may refuse what the library would accept, and the peer is told.";
    Pair a_verifier_may_refuse_what_is_good_in_tls12
        [CustomVerification Tls12Client] [Tls12Server]
        "A verifier may refuse what the library would accept in TLS 1.2, and the peer is told.";
    Pair a_verifier_is_shown_everything [CustomVerification] []
        "A verifier sees the chain as it was sent, the name and the purpose, once.";
    Pair a_verifier_needs_no_roots [CustomVerification] []
        "A verifier decides also where nothing is trusted.";
    Pair behind_a_verifier_the_server_proves_that_it_holds_the_key
        [CustomVerification Tls12Client] [Tls12Server]
        "A server that does not hold its certificate's key is refused whatever the verifier says.";
    Pair behind_a_verifier_pins_count_for_the_own_key [CustomVerification] []
        "Beside a verifier a pin counts for the peer's own key, and not for what it may send along.";
    Client a_verifier_and_lists_are_no_configuration [] []
        "Lists of revoked certificates cannot be asked for where nobody finds a path.";
    Pair a_verifier_may_accept_a_client_of_an_unknown_issuer
        [ClientIdentity] [CustomVerification RequestClientCertificate]
        "A server's verifier may accept a client of an unknown issuer.";
    Pair a_verifier_may_refuse_a_client_that_is_good
        [ClientIdentity] [CustomVerification RequestClientCertificate]
        "A server's verifier may refuse a client that the library would accept.";
    Pair a_verifier_may_refuse_a_client_that_is_good_in_tls12
        [ClientIdentity Tls12Client] [CustomVerification RequestClientCertificate Tls12Server]
        "A server's verifier may refuse a client in TLS 1.2, which is told.";
    Pair a_verifier_is_shown_everything_of_a_client
        [ClientIdentity] [CustomVerification RequestClientCertificate]
        "A server's verifier sees the client's chain and purpose, and no name.";
    Pair behind_a_verifier_the_client_proves_that_it_holds_the_key
        [ClientIdentity Tls12Client] [CustomVerification RequestClientCertificate Tls12Server]
        "A client that does not hold its certificate's key is refused whatever the verifier says.";
}

on_both_sides! {
    a_verifier_may_accept_an_unknown_issuer
        a_verifier_may_accept_a_client_of_an_unknown_issuer = accepts_unknown;
    a_verifier_may_refuse_what_is_good
        a_verifier_may_refuse_a_client_that_is_good = refuses_good;
    a_verifier_may_refuse_what_is_good_in_tls12
        a_verifier_may_refuse_a_client_that_is_good_in_tls12 = refuses_good_in_tls12;
    a_verifier_is_shown_everything a_verifier_is_shown_everything_of_a_client = sees;
    behind_a_verifier_the_server_proves_that_it_holds_the_key
        behind_a_verifier_the_client_proves_that_it_holds_the_key = key;
}

of_servers! {
    a_verifier_may_accept_an_unknown_issuer_in_tls12 = accepts_unknown_in_tls12;
    a_verifier_may_accept_every_fault = accepts_faults;
    a_verifier_needs_no_roots = no_roots;
    behind_a_verifier_pins_count_for_the_own_key = pins;
}

fn replace(witness: &Arc<Witness>) -> Checks {
    Checks::new().verification(Verification::Replace(witness.clone()))
}

/// A verifier that accepts everything makes this peer be accepted.
fn accepted(trial: &Trial<'_>, roots: &Roots, identity: &Identity) -> Result<()> {
    let witness = Witness::saying(Ok(()));
    let mut pair = trial.asking(replace(&witness)).pair(roots, identity)?;
    pair.handshake()?;
    assert_eq!(witness.calls(), 1);
    let (client, server) = pair.negotiated();
    let of_peer = trial.judged(client, server);
    assert_eq!(of_peer.peer_certificate(), Some(identity.leaf()));
    Ok(())
}

fn accepts_unknown(trial: &Trial<'_>) -> Result<()> {
    accepted(trial, &root().roots(), &stranger().issue(trial.leaf()))
}

fn accepts_unknown_in_tls12(trial: &Trial<'_>) -> Result<()> {
    accepts_unknown(&trial.speaking(Version::Tls12))
}

fn accepts_faults(trial: &Trial<'_>) -> Result<()> {
    let leaf = Leaf::client("somebody else").with(|params| set_days(params, -20, -10));
    accepted(trial, &root().roots(), &leaf.self_signed())
}

fn refuses_good(trial: &Trial<'_>) -> Result<()> {
    let (root, why) = (root(), CertificateError::Rejected);
    let identity = root.issue(trial.leaf());
    trial.accepts(&root.roots(), &identity)?;
    let witness = Witness::saying(Err(why));
    trial.asking(replace(&witness)).refuses(&root.roots(), &identity, why)?;
    assert_eq!(witness.calls(), 1);
    Ok(())
}

fn refuses_good_in_tls12(trial: &Trial<'_>) -> Result<()> {
    refuses_good(&trial.speaking(Version::Tls12))
}

fn sees(trial: &Trial<'_>) -> Result<()> {
    let witness = Witness::saying(Ok(()));
    let identity = below(&stranger(), 2).issue(trial.leaf());
    trial.asking(replace(&witness)).accepts(&root().roots(), &identity)?;
    let [seen] = &witness.seen()[..] else { panic!("asked {} times", witness.calls()) };
    assert_eq!(seen.chain, identity.chain());
    assert_eq!(seen.name.as_deref(), trial.judged(Some(NAME), None));
    assert_eq!(seen.purpose, trial.purpose());
    Ok(())
}

fn no_roots(trial: &Trial<'_>) -> Result<()> {
    accepted(trial, &Roots::empty(), &stranger().issue(trial.leaf()))?;
    let witness = Witness::saying(Err(CertificateError::UnknownIssuer));
    let (trial, identity) = (trial.asking(replace(&witness)), stranger().issue(trial.leaf()));
    trial.refuses(&Roots::empty(), &identity, CertificateError::UnknownIssuer)
}

fn key(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = stranger().issue(trial.leaf());
    accepts_unknown_in_tls12(trial)?;
    let witness = Witness::saying(Ok(()));
    trial.asking(replace(&witness)).wants_the_key(&root.roots(), &identity)
}

fn pins(trial: &Trial<'_>) -> Result<()> {
    let (roots, stranger) = (root().roots(), stranger());
    let between = stranger.intermediate("Authority that anyone may send");
    let identity = between.issue(trial.leaf());
    let pinned = |certificate| {
        let checks = replace(&Witness::saying(Ok(())));
        trial.asking(checks.pins([Pin::of(certificate).unwrap()]))
    };
    pinned(identity.leaf()).accepts(&roots, &identity)?;
    let why = CertificateError::PinMismatch;
    pinned(&between.certificate()).refuses(&roots, &identity, why)
}

fn a_verifier_and_lists_are_no_configuration(_: &dyn Backend) -> Result<()> {
    let checks = replace(&Witness::saying(Ok(()))).revocation(RevocationLists::new());
    let e = ClientConfig::builder().checks(checks).build().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Config);
    Ok(())
}
