//! Of which certificates a list speaks.

use rcgen::{CrlDistributionPoint, KeyUsagePurpose};
use tls_core::{CertificateError, Result};

use super::{Chain, lists};
use crate::cases::cases;
use crate::cases::trust::{Trial, facts, of_servers, on_both_sides, root};
use crate::certs::Authority;
use crate::crls::List;

cases! { "revocation";
    Pair a_list_signed_by_another_key_says_nothing [RevocationLists] []
        "A list under the issuer's name that another key has signed says nothing, good or bad.";
    Pair a_list_with_a_wrong_signature_says_nothing [RevocationLists] []
        "A list whose signature is wrong says nothing.";
    Pair a_list_of_another_name_says_nothing [RevocationLists] []
        "A list of an authority that did not issue the certificate says nothing, good or bad.";
    Pair a_number_on_another_issuers_list_is_another_certificate [RevocationLists] []
        "A certificate's number on the list of another issuer is that of another certificate.";
    Pair an_issuer_that_may_sign_no_lists_says_nothing [RevocationLists] []
        "A list of an issuer whose key usage lacks cRLSign says nothing.";
    Pair a_list_of_authorities_does_not_speak_of_others [RevocationLists] []
        "A list for authorities only speaks of intermediates, and not of a leaf.";
    Pair a_list_of_others_does_not_speak_of_authorities [RevocationLists] []
        "A list for others than authorities speaks of a leaf, and not of intermediates.";
    Pair a_list_of_a_place_speaks_of_those_that_name_it [RevocationLists] []
        "A list of one distribution point speaks of certificates that name it, and of no others.";
    Pair two_lists_may_share_the_work [RevocationLists] []
        "A list for authorities and one for others speak together of all that one issuer has issued.";
    Pair a_list_signed_by_another_key_does_not_speak_of_clients
        [ClientIdentity] [RequestClientCertificate RevocationLists]
        "On a server, a list under the issuer's name that another key has signed says nothing.";
}

on_both_sides! {
    a_list_signed_by_another_key_says_nothing
        a_list_signed_by_another_key_does_not_speak_of_clients = another_key;
}

of_servers! {
    a_list_with_a_wrong_signature_says_nothing = wrong_signature;
    a_list_of_another_name_says_nothing = another_name;
    a_number_on_another_issuers_list_is_another_certificate = another_issuer;
    an_issuer_that_may_sign_no_lists_says_nothing = no_usage;
    a_list_of_authorities_does_not_speak_of_others = authorities;
    a_list_of_others_does_not_speak_of_authorities = users;
    a_list_of_a_place_speaks_of_those_that_name_it = places;
    two_lists_may_share_the_work = shared;
}

const REVOKED: CertificateError = CertificateError::Revoked;
const UNKNOWN: CertificateError = CertificateError::RevocationUnknown;

/// These lists of the leaf's issuer say nothing: one that does not revoke it, and one that does.
fn says_nothing(chain: &Chain, trial: &Trial<'_>, sign: impl Fn(List) -> Vec<u8>) -> Result<()> {
    chain.in_effect(trial)?;
    for list in [List::new(), List::new().revoking(chain.leaf())] {
        let said = sign(list);
        chain.refused(trial, lists([chain.upper(), said.clone()])?, UNKNOWN)?;
        chain.accepted(trial, lists([chain.upper(), said.clone(), chain.lower()])?)?;
        chain.accepted(trial, lists([said])?.tolerate_missing())?;
    }
    Ok(())
}

fn another_key(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let impostor = root().intermediate("Authority 1");
    assert_eq!(impostor.name(), chain.between.name());
    says_nothing(&chain, trial, |list| list.signed_by(&impostor))
}

fn wrong_signature(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    says_nothing(&chain, trial, |list| {
        let mut der = list.signed_by(&chain.between);
        *der.last_mut().unwrap() ^= 1;
        der
    })
}

fn another_name(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let other = chain.root.intermediate("Authority 2");
    says_nothing(&chain, trial, |list| list.signed_by(&other))
}

fn another_issuer(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    chain.in_effect(trial)?;
    let upper = List::new().revoking(chain.leaf()).signed_by(&chain.root);
    chain.accepted(trial, lists([upper, chain.lower()])?)?;
    let lower = List::new().revoking(&chain.between.certificate()).signed_by(&chain.between);
    chain.accepted(trial, lists([chain.upper(), lower])?)
}

fn no_usage(trial: &Trial<'_>) -> Result<()> {
    let mut chain = Chain::of(trial);
    chain.in_effect(trial)?;
    let adjust = |usages| move |params: &mut rcgen::CertificateParams| params.key_usages = usages;
    let usages = vec![KeyUsagePurpose::KeyCertSign];
    chain.between = chain.root.intermediate_with("Authority without lists", adjust(usages));
    chain.identity = chain.between.issue(trial.leaf());
    for lower in [chain.lower(), chain.lower_revoking()] {
        chain.refused(trial, lists([chain.upper(), lower])?, UNKNOWN)?;
    }
    // Without any usages it may do all.
    chain.between = chain.root.intermediate_with("Authority of everything", adjust(vec![]));
    chain.identity = chain.between.issue(trial.leaf());
    chain.accepted(trial, lists([chain.upper(), chain.lower()])?)
}

fn authorities(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let upper = List::new().authorities_only().signed_by(&chain.root);
    chain.accepted(trial, lists([upper, chain.lower()])?)?;
    let upper = List::new().authorities_only().revoking(&chain.between.certificate());
    chain.refused(trial, lists([upper.signed_by(&chain.root), chain.lower()])?, REVOKED)?;
    says_nothing(&chain, trial, |list| list.authorities_only().signed_by(&chain.between))
}

fn users(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let lower = List::new().users_only().signed_by(&chain.between);
    chain.accepted(trial, lists([chain.upper(), lower])?)?;
    let lower = List::new().users_only().revoking(chain.leaf()).signed_by(&chain.between);
    chain.refused(trial, lists([chain.upper(), lower])?, REVOKED)?;
    let upper = List::new().users_only().signed_by(&chain.root);
    chain.refused(trial, lists([upper, chain.lower()])?, UNKNOWN)
}

/// Where a certificate says that its list is.
fn place(url: &str) -> Vec<CrlDistributionPoint> {
    vec![CrlDistributionPoint { uris: vec![url.into()] }]
}

fn places(trial: &Trial<'_>) -> Result<()> {
    const HERE: &str = "http://lists.test/1";
    const ELSEWHERE: &str = "http://lists.test/2";
    let mut chain = Chain::of(trial);
    // Its certificate names none.
    says_nothing(&chain, trial, |list| list.found_at(HERE).signed_by(&chain.between))?;
    let leaf = trial.leaf().with(|params| params.crl_distribution_points = place(HERE));
    chain.identity = chain.between.issue(leaf);
    let here = List::new().found_at(HERE).signed_by(&chain.between);
    chain.accepted(trial, lists([chain.upper(), here])?)?;
    let here = List::new().found_at(HERE).revoking(chain.leaf()).signed_by(&chain.between);
    chain.refused(trial, lists([chain.upper(), here])?, REVOKED)?;
    says_nothing(&chain, trial, |list| list.found_at(ELSEWHERE).signed_by(&chain.between))
}

fn shared(trial: &Trial<'_>) -> Result<()> {
    let root: Authority = root();
    let identity = root.intermediate("Authority 1").issue(trial.leaf());
    let direct = root.issue(trial.leaf());
    assert_ne!(facts(identity.leaf()).serial(), facts(direct.leaf()).serial());
    let mut chain = Chain { between: root.intermediate("Authority 1"), root, identity: direct };
    let authorities = || List::new().authorities_only();
    let users = || List::new().users_only();
    let both = |users: List, authorities: List| {
        lists([users.signed_by(&chain.root), authorities.signed_by(&chain.root)])
    };
    chain.accepted(trial, both(users(), authorities())?)?;
    let revoked = both(users().revoking(chain.leaf()), authorities())?;
    chain.refused(trial, revoked, REVOKED)?;
    // A number on the list that does not speak of it does not count.
    let elsewhere = both(users(), authorities().revoking(chain.leaf()))?;
    chain.accepted(trial, elsewhere)?;
    chain.identity = chain.between.issue(trial.leaf());
    let all = [
        List::new().users_only().signed_by(&chain.root),
        List::new().authorities_only().signed_by(&chain.root),
        chain.lower(),
    ];
    chain.accepted(trial, lists(all)?)
}
