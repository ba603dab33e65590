//! What is asked of lists, and what else is asked beside them.

use std::sync::Arc;

use tls_core::danger::Skip;
use tls_core::pki_types::UnixTime;
use tls_core::{
    Backend, CertificateError, Checks, ClientConfig, Clock, ErrorKind, Pin, Result,
    RevocationLists, Verification,
};

use super::{Chain, lists};
use crate::cases::cases;
use crate::cases::trust::{Trial, Witness, below, of_servers, on_both_sides, root, stranger};
use crate::certs::{Leaf, p521_chain};
use crate::crls::List;

cases! { "revocation";
    Pair missing_lists_may_be_tolerated [RevocationLists] []
        "Where missing lists are tolerated, a chain without any is accepted, and a revoked one refused.";
    Pair tolerating_missing_lists_tolerates_no_old_ones [RevocationLists] []
        "Where missing lists are tolerated, lists that are out of date are not.";
    Pair old_lists_may_be_tolerated [RevocationLists] []
        "Where old lists are tolerated, they are believed, and what they revoke is refused.";
    Pair tolerating_old_lists_tolerates_no_missing_ones [RevocationLists] []
        "Where old lists are tolerated, missing ones and those of tomorrow are not.";
    Pair only_the_leaf_may_be_asked_about [RevocationLists] []
        "Where only the leaf counts, neither a missing list nor a revocation above it matters.";
    Pair asking_only_about_the_leaf_tolerates_nothing_of_it [RevocationLists] []
        "Where only the leaf counts, its own list has to be there, of today, and not revoke it.";
    Pair what_is_revoked_is_never_tolerated [RevocationLists] []
        "With every tolerance a revoked leaf is refused.";
    Pair a_revocation_is_named_before_a_missing_list [RevocationLists] []
        "A chain with a revoked intermediate and a leaf without a list is refused as revoked.";
    Pair the_chain_and_the_name_are_named_before_a_revocation
        [RevocationLists CertificateReasons] []
        "A revoked certificate of an unknown issuer or for another name is refused for that.";
    Pair a_revocation_is_named_before_a_missing_pin [RevocationLists CustomVerification] []
        "A revoked certificate without a pin is refused as revoked, and no verifier is asked.";
    Pair uniform_verification_looks_at_lists [RevocationLists UniformVerification] []
        "Uniform verification looks at lists as the library's does.";
    Pair the_clock_counts_for_lists [RevocationLists VerificationTime] []
        "At an instant of its validity a list that has ended since is believed, and one of today is not.";
    Pair where_the_dates_are_left_out_a_lists_are_too
        [RevocationLists SkipTimeVerification] []
        "Where the dates are left out an old list is believed, and what it revokes is refused.";
    Pair where_the_name_is_left_out_lists_count [RevocationLists SkipNameVerification] []
        "Where the name is left out, what is revoked is still refused.";
    Client without_the_chain_lists_are_no_configuration [] []
        "Lists cannot be asked for where the chain is left out.";
    Pair missing_lists_of_clients_may_be_tolerated
        [ClientIdentity] [RequestClientCertificate RevocationLists]
        "Where a server tolerates missing lists, a client without any is served, a revoked one not.";
    Pair old_lists_of_clients_may_be_tolerated
        [ClientIdentity] [RequestClientCertificate RevocationLists]
        "Where a server tolerates old lists, they are believed.";
    Pair only_the_leaf_of_a_client_may_be_asked_about
        [ClientIdentity] [RequestClientCertificate RevocationLists]
        "Where only the leaf of a client counts, a revocation above it does not matter.";
}

on_both_sides! {
    missing_lists_may_be_tolerated missing_lists_of_clients_may_be_tolerated = missing;
    old_lists_may_be_tolerated old_lists_of_clients_may_be_tolerated = old;
    only_the_leaf_may_be_asked_about only_the_leaf_of_a_client_may_be_asked_about = leaf_only;
}

of_servers! {
    tolerating_missing_lists_tolerates_no_old_ones = missing_not_old;
    tolerating_old_lists_tolerates_no_missing_ones = old_not_missing;
    asking_only_about_the_leaf_tolerates_nothing_of_it = leaf_only_not_more;
    what_is_revoked_is_never_tolerated = everything;
    a_revocation_is_named_before_a_missing_list = before_missing;
    the_chain_and_the_name_are_named_before_a_revocation = after_the_name;
    a_revocation_is_named_before_a_missing_pin = before_pins;
    uniform_verification_looks_at_lists = uniform;
    the_clock_counts_for_lists = clock;
    where_the_dates_are_left_out_a_lists_are_too = without_dates;
    where_the_name_is_left_out_lists_count = without_name;
}

const REVOKED: CertificateError = CertificateError::Revoked;
const UNKNOWN: CertificateError = CertificateError::RevocationUnknown;
const EXPIRED: CertificateError = CertificateError::RevocationExpired;

fn old_list() -> List {
    List::new().days(-20, -1)
}

fn missing(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    for present in [vec![], vec![chain.upper()], vec![chain.lower()]] {
        chain.accepted(trial, lists(present)?.tolerate_missing())?;
    }
    for present in [chain.lower_revoking(), chain.upper_revoking()] {
        chain.refused(trial, lists([present])?.tolerate_missing(), REVOKED)?;
    }
    Ok(())
}

fn missing_not_old(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let old = old_list().signed_by(&chain.between);
    chain.refused(trial, lists([old])?.tolerate_missing(), EXPIRED)
}

fn old(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let upper = || old_list().signed_by(&chain.root);
    let lower = old_list().signed_by(&chain.between);
    chain.accepted(trial, lists([upper(), lower])?.tolerate_expired())?;
    let lower = old_list().revoking(chain.leaf()).signed_by(&chain.between);
    chain.refused(trial, lists([upper(), lower])?.tolerate_expired(), REVOKED)
}

fn old_not_missing(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    chain.refused(trial, lists([chain.upper()])?.tolerate_expired(), UNKNOWN)?;
    chain.refused(trial, lists([chain.lower()])?.tolerate_expired(), UNKNOWN)?;
    let tomorrows = List::new().days(1, 20).signed_by(&chain.between);
    chain.refused(trial, lists([chain.upper(), tomorrows])?.tolerate_expired(), UNKNOWN)
}

fn leaf_only(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    for upper in [vec![], vec![chain.upper_revoking()], vec![old_list().signed_by(&chain.root)]] {
        let all = upper.into_iter().chain([chain.lower()]);
        chain.accepted(trial, lists(all)?.leaf_only())?;
    }
    chain.refused(trial, lists([chain.lower_revoking()])?.leaf_only(), REVOKED)
}

fn leaf_only_not_more(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    chain.refused(trial, lists([chain.upper()])?.leaf_only(), UNKNOWN)?;
    let old = old_list().signed_by(&chain.between);
    chain.refused(trial, lists([chain.upper(), old])?.leaf_only(), EXPIRED)?;
    chain.refused(trial, lists([chain.lower_revoking()])?.leaf_only(), REVOKED)
}

fn everything(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let tolerant = |lists: RevocationLists| lists.leaf_only().tolerate_missing().tolerate_expired();
    chain.accepted(trial, tolerant(RevocationLists::new()))?;
    chain.refused(trial, tolerant(lists([chain.lower_revoking()])?), REVOKED)
}

fn before_missing(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    chain.refused(trial, lists([chain.upper_revoking()])?, REVOKED)?;
    let old = old_list().signed_by(&chain.between);
    chain.refused(trial, lists([old, chain.upper_revoking()])?, REVOKED)
}

fn after_the_name(trial: &Trial<'_>) -> Result<()> {
    let mut chain = Chain::of(trial);
    chain.in_effect(trial)?;
    chain.identity = chain.between.issue(Leaf::server(&["other.test"]));
    let all = lists([chain.upper(), chain.lower_revoking()])?;
    chain.refused(trial, all, CertificateError::NameMismatch)?;
    chain.between = stranger();
    chain.identity = chain.between.issue(trial.leaf());
    let all = lists([chain.upper(), chain.lower_revoking()])?;
    chain.refused(trial, all, CertificateError::UnknownIssuer)
}

fn before_pins(trial: &Trial<'_>) -> Result<()> {
    let (chain, witness) = (Chain::of(trial), Witness::saying(Ok(())));
    let checks = |lists: RevocationLists| {
        let follow = Verification::Follow(witness.clone());
        Checks::new().revocation(lists).verification(follow)
    };
    let roots = chain.root.roots();
    let all = checks(lists([chain.upper(), chain.lower()])?);
    trial.asking(all).accepts(&roots, &chain.identity)?;
    let revoking = checks(lists([chain.upper(), chain.lower_revoking()])?);
    let revoking = revoking.pins([Pin::sha256([7; 32])]);
    trial.asking(revoking).refuses(&roots, &chain.identity, REVOKED)?;
    assert_eq!(witness.calls(), 1, "asked about what is refused anyway");
    Ok(())
}

fn uniform(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let checks = |lists| Checks::new().verification(Verification::Uniform).revocation(lists);
    let asking = |ders: [Vec<u8>; 2]| -> Result<_> { Ok(trial.asking(checks(lists(ders)?))) };
    let roots = chain.root.roots();
    asking([chain.upper(), chain.lower()])?.accepts(&roots, &chain.identity)?;
    for revoking in
        [[chain.upper(), chain.lower_revoking()], [chain.upper_revoking(), chain.lower()]]
    {
        asking(revoking)?.refuses(&roots, &chain.identity, REVOKED)?;
    }
    // And it is the one that is asked.
    let (identity, root) = p521_chain();
    let roots = tls_core::Roots::empty().with_der(root)?;
    let trial = trial.asking(checks(RevocationLists::new().tolerate_missing()));
    trial.refuses(&roots, &identity, CertificateError::WeakAlgorithm)
}

fn clock(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let then = UnixTime::now().as_secs() - 10 * 86_400;
    let asking = |ders: [Vec<u8>; 2]| -> Result<_> {
        let checks = Checks::new().clock(Clock::at(then)).revocation(lists(ders)?);
        Ok(trial.asking(checks))
    };
    let old = |authority| old_list().signed_by(authority);
    let roots = chain.root.roots();
    asking([old(&chain.root), old(&chain.between)])?.accepts(&roots, &chain.identity)?;
    let todays = asking([old(&chain.root), chain.lower()])?;
    todays.refuses(&roots, &chain.identity, UNKNOWN)
}

fn without_dates(trial: &Trial<'_>) -> Result<()> {
    let (chain, trial) = (Chain::of(trial), trial.skipping(Skip::nothing().time()));
    let upper = || old_list().signed_by(&chain.root);
    for list in [old_list, || List::new().days(1, 20)] {
        let lower = list().signed_by(&chain.between);
        chain.accepted(&trial, lists([upper(), lower])?)?;
        let lower = list().revoking(chain.leaf()).signed_by(&chain.between);
        chain.refused(&trial, lists([upper(), lower])?, REVOKED)?;
    }
    chain.refused(&trial, lists([upper()])?, UNKNOWN)
}

fn without_name(trial: &Trial<'_>) -> Result<()> {
    let mut chain = Chain::of(trial);
    chain.identity = chain.between.issue(Leaf::server(&["other.test"]));
    let trial = trial.skipping(Skip::nothing().name());
    chain.accepted(&trial, lists([chain.upper(), chain.lower()])?)?;
    chain.in_effect(&trial)
}

fn without_the_chain_lists_are_no_configuration(_: &dyn Backend) -> Result<()> {
    let root = root();
    let list = || List::new().revoking(&below(&root, 1).certificate()).signed_by(&root);
    let checks = Checks::new().revocation(lists([list()])?);
    let config = ClientConfig::builder().checks(checks.clone()).danger(Skip::nothing().chain());
    assert_eq!(config.build().unwrap_err().kind(), ErrorKind::Config);
    let replaced = Verification::Replace(Arc::<Witness>::clone(&Witness::saying(Ok(()))));
    let config = ClientConfig::builder().checks(checks.verification(replaced));
    assert_eq!(config.build().unwrap_err().kind(), ErrorKind::Config);
    Ok(())
}
