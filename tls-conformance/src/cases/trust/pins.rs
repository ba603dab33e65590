//! Keys that are pinned.

use tls_core::danger::Skip;
use tls_core::pki_types::CertificateDer;
use tls_core::{CertificateError, Checks, Identity, Pin, Result, Version};

use super::{Trial, below, of_servers, on_both_sides, root, stranger};
use crate::cases::cases;
use crate::certs::{Authority, Leaf, set_days, with_chain};

cases! { "pins";
    Pair the_leafs_key_may_be_pinned [CustomVerification] []
        "A peer whose own key is pinned is accepted, and with another key it is not.";
    Pair the_leafs_key_may_be_pinned_in_tls12 [CustomVerification Tls12Client] [Tls12Server]
        "A peer whose own key is pinned is accepted in TLS 1.2, and with another key it is not.";
    Pair an_intermediates_key_may_be_pinned [CustomVerification] []
        "A peer below an authority whose key is pinned is accepted, and below another it is not.";
    Pair the_roots_key_may_be_pinned [CustomVerification] []
        "A peer below a root whose key is pinned is accepted though the root is not sent.";
    Pair one_of_several_pins_is_enough [CustomVerification] []
        "Of several pins one has to be in the chain, wherever it stands in the list.";
    Pair a_renewed_certificate_keeps_its_pin [CustomVerification] []
        "The key is pinned and not the certificate: a renewed one with the same key is accepted.";
    Pair a_pin_does_not_replace_the_chain [CustomVerification CertificateReasons] []
        "A certificate of an unknown issuer is refused for its issuer though its key is pinned.";
    Pair a_pin_does_not_replace_the_name [CustomVerification] []
        "A certificate for another name is refused for its name though its key is pinned.";
    Pair a_pin_does_not_replace_the_dates [CustomVerification CertificateReasons] []
        "An expired certificate is refused as expired though its key is pinned.";
    Pair a_key_that_is_only_sent_along_does_not_count [CustomVerification] []
        "The pinned key of a certificate that is sent along and no part of the path does not count.";
    Pair a_key_that_is_only_trusted_does_not_count [CustomVerification] []
        "The pinned key of a root that is trusted and did not sign does not count.";
    Pair where_the_chain_is_left_out_only_the_own_key_counts
        [CustomVerification SkipChainVerification] []
        "Where the chain is left out, the peer's own key counts, and no other that it may send.";
    Pair where_everything_is_left_out_pins_count [CustomVerification SkipAllVerification] []
        "Where everything else is left out, a pin still says who the peer is.";
    Pair a_clients_key_may_be_pinned [ClientIdentity] [CustomVerification RequestClientCertificate]
        "A client whose own key is pinned is accepted, and with another key it is not.";
    Pair a_clients_key_may_be_pinned_in_tls12
        [ClientIdentity Tls12Client] [CustomVerification RequestClientCertificate Tls12Server]
        "A client whose own key is pinned is accepted in TLS 1.2; another is told that it is not.";
    Pair the_key_of_a_clients_authority_may_be_pinned
        [ClientIdentity] [CustomVerification RequestClientCertificate]
        "A client below an authority whose key is pinned is accepted, and below another it is not.";
    Pair a_pin_does_not_replace_the_chain_of_a_client
        [ClientIdentity] [CustomVerification CertificateReasons RequestClientCertificate]
        "A client's certificate of an unknown issuer is refused though its key is pinned.";
}

on_both_sides! {
    the_leafs_key_may_be_pinned a_clients_key_may_be_pinned = leaf;
    the_leafs_key_may_be_pinned_in_tls12 a_clients_key_may_be_pinned_in_tls12 = leaf_in_tls12;
    an_intermediates_key_may_be_pinned
        the_key_of_a_clients_authority_may_be_pinned = intermediate;
    a_pin_does_not_replace_the_chain
        a_pin_does_not_replace_the_chain_of_a_client = not_the_chain;
}

of_servers! {
    the_roots_key_may_be_pinned = the_root;
    one_of_several_pins_is_enough = several;
    a_renewed_certificate_keeps_its_pin = renewed;
    a_pin_does_not_replace_the_name = not_the_name;
    a_pin_does_not_replace_the_dates = not_the_dates;
    a_key_that_is_only_sent_along_does_not_count = sent_along;
    a_key_that_is_only_trusted_does_not_count = only_trusted;
    where_the_chain_is_left_out_only_the_own_key_counts = without_chain;
    where_everything_is_left_out_pins_count = without_anything;
}

/// Only peers that have one of these keys in their chain.
fn pinned<'a>(trial: &Trial<'a>, certificates: &[&CertificateDer<'_>]) -> Trial<'a> {
    let pins = certificates.iter().map(|certificate| Pin::of(certificate).unwrap());
    trial.asking(Checks::new().pins(pins))
}

/// A peer of this root is refused for want of a pin.
fn misses(trial: &Trial<'_>, root: &Authority, identity: &Identity) -> Result<()> {
    trial.refuses(&root.roots(), identity, CertificateError::PinMismatch)
}

fn leaf(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = root.issue(trial.leaf());
    let trial = pinned(trial, &[identity.leaf()]);
    trial.accepts(&root.roots(), &identity)?;
    misses(&trial, &root, &root.issue(trial.leaf()))
}

fn leaf_in_tls12(trial: &Trial<'_>) -> Result<()> {
    leaf(&trial.speaking(Version::Tls12))
}

fn intermediate(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let lower = below(&root, 2);
    let identity = lower.issue(trial.leaf());
    for authority in &identity.chain()[1..] {
        let trial = pinned(trial, &[authority]);
        trial.accepts(&root.roots(), &identity)?;
        let other = root.intermediate("Authority 1").issue(trial.leaf());
        misses(&trial, &root, &other)?;
    }
    Ok(())
}

fn the_root(trial: &Trial<'_>) -> Result<()> {
    let (root, other) = (root(), stranger());
    let roots = root.roots().with_der(other.certificate())?;
    let trial = pinned(trial, &[&root.certificate()]);
    trial.accepts(&roots, &root.issue(trial.leaf()))?;
    trial.accepts(&roots, &below(&root, 1).issue(trial.leaf()))?;
    let why = CertificateError::PinMismatch;
    trial.refuses(&roots, &other.issue(trial.leaf()), why)
}

fn several(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = root.issue(trial.leaf());
    let others = [root.issue(trial.leaf()), stranger().issue(trial.leaf())];
    let [a, b] = [others[0].leaf(), others[1].leaf()];
    for pins in [[identity.leaf(), a, b], [a, identity.leaf(), b], [a, b, identity.leaf()]] {
        pinned(trial, &pins).accepts(&root.roots(), &identity)?;
    }
    misses(&pinned(trial, &[a, b]), &root, &identity)
}

fn renewed(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let key = rcgen::KeyPair::generate().unwrap();
    let again = rcgen::KeyPair::from_pem(&key.serialize_pem()).unwrap();
    let old = root.issue(trial.leaf().with_key(key));
    let new = trial.leaf().with(|params| set_days(params, -1, 100)).with_key(again);
    let trial = pinned(trial, &[old.leaf()]);
    trial.accepts(&root.roots(), &root.issue(new))?;
    misses(&trial, &root, &root.issue(trial.leaf()))
}

/// A pin is at work, and still this is refused, for this reason.
fn still_refused(
    trial: &Trial<'_>,
    root: &Authority,
    identity: &Identity,
    why: CertificateError,
) -> Result<()> {
    let trial = pinned(trial, &[identity.leaf()]);
    trial.refuses(&root.roots(), identity, why)?;
    misses(&trial, root, &root.issue(trial.leaf()))
}

fn not_the_chain(trial: &Trial<'_>) -> Result<()> {
    let identity = stranger().issue(trial.leaf());
    still_refused(trial, &root(), &identity, CertificateError::UnknownIssuer)
}

fn not_the_name(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = root.issue(Leaf::server(&["other.test"]));
    still_refused(trial, &root, &identity, CertificateError::NameMismatch)
}

fn not_the_dates(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = root.issue(trial.leaf().with(|params| set_days(params, -20, -10)));
    still_refused(trial, &root, &identity, CertificateError::Expired)
}

fn sent_along(trial: &Trial<'_>) -> Result<()> {
    let (root, stranger) = (root(), stranger());
    let identity = below(&root, 1).issue(trial.leaf());
    let pinned_and_unrelated = stranger.issue(trial.leaf());
    let trial = pinned(trial, &[&stranger.certificate(), pinned_and_unrelated.leaf()]);
    let along = [pinned_and_unrelated.leaf().clone(), stranger.certificate()];
    let chain = identity.chain().iter().cloned().chain(along);
    misses(&trial, &root, &with_chain(&identity, chain))
}

fn only_trusted(trial: &Trial<'_>) -> Result<()> {
    let (root, other) = (root(), stranger());
    let roots = root.roots().with_der(other.certificate())?;
    let trial = pinned(trial, &[&other.certificate()]);
    trial.refuses(&roots, &root.issue(trial.leaf()), CertificateError::PinMismatch)
}

/// Where the chain is left out: the own key is accepted, a key further up is not.
fn own_key_only(trial: &Trial<'_>, skip: Skip) -> Result<()> {
    let (root, stranger) = (root(), stranger());
    let between = stranger.intermediate("Authority that anyone may send");
    let identity = between.issue(trial.leaf());
    let trial = trial.skipping(skip);
    pinned(&trial, &[identity.leaf()]).accepts(&root.roots(), &identity)?;
    misses(&pinned(&trial, &[&between.certificate()]), &root, &identity)
}

fn without_chain(trial: &Trial<'_>) -> Result<()> {
    own_key_only(trial, Skip::nothing().chain())
}

fn without_anything(trial: &Trial<'_>) -> Result<()> {
    own_key_only(trial, Skip::everything())
}
