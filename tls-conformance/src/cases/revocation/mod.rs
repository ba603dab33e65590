//! Lists of revoked certificates (CRLs).
//!
//! What a list lets pass proves nothing about it, so each case that accepts something also has it
//! refused by a list that revokes it.

pub(super) mod given;
pub(super) mod policies;
pub(super) mod scopes;

use tls_core::pki_types::CertificateDer;
use tls_core::{CertificateError, Checks, Identity, Result, RevocationLists, Roots, Version};

use super::cases;
use super::trust::{Trial, below, of_servers, on_both_sides, root};
use super::verification::{ed25519, p384};
use crate::certs::{Authority, rsa};
use crate::crls::List;

cases! { "revocation";
    Pair what_no_list_revokes_is_accepted [RevocationLists] []
        "With a list of each issuer that revokes others, a chain is accepted.";
    Pair what_no_list_revokes_is_accepted_in_tls12 [RevocationLists Tls12Client] [Tls12Server]
        "With a list of each issuer that revokes others, a chain is accepted in TLS 1.2.";
    Pair a_revoked_certificate_is_refused_in_tls12 [RevocationLists Tls12Client] [Tls12Server]
        "A server's certificate that its issuer has revoked is refused in TLS 1.2, and it is told.";
    Pair a_revoked_certificate_is_refused_in_tls13 [RevocationLists Tls13Client] [Tls13Server]
        "A server's certificate that its issuer has revoked is refused in TLS 1.3, and it is told.";
    Pair a_revoked_intermediate_is_refused [RevocationLists] []
        "A chain through an intermediate that has been revoked is refused.";
    Pair without_a_list_of_the_leafs_issuer_nothing_is_known [RevocationLists] []
        "Once there is a list, a certificate whose issuer has none is refused.";
    Pair without_a_list_of_the_intermediates_issuer_nothing_is_known [RevocationLists] []
        "Once there is a list, a chain through an intermediate whose issuer has none is refused.";
    Pair without_any_list_nothing_is_known [RevocationLists] []
        "Lists that are asked for and not there refuse everything.";
    Pair the_root_alone_needs_one_list [RevocationLists] []
        "Of a certificate that a root has signed only the root's list is needed.";
    Pair what_is_trusted_as_it_is_needs_no_list [RevocationLists PartialChains] []
        "A certificate that is trusted as it is has no issuer who could revoke it.";
    Pair an_old_list_is_no_list_of_today [RevocationLists] []
        "A list of the leaf's or of an intermediate's issuer that is out of date is refused as that.";
    Pair a_list_of_tomorrow_says_nothing [RevocationLists] []
        "A list that is not yet valid says nothing, neither good nor bad.";
    Pair a_new_list_makes_up_for_an_old_one [RevocationLists] []
        "A list that is out of date does no harm beside one that is not.";
    Pair what_one_of_two_lists_revokes_is_refused [RevocationLists] []
        "Of two lists of one issuer the one that revokes counts, in any order.";
    Pair a_list_without_an_end_does_not_end [RevocationLists] []
        "A list that does not say when the next comes is never out of date.";
    Pair a_long_list_is_read_to_the_end [RevocationLists] []
        "The last of ten thousand entries counts.";
    Pair issuers_with_every_kind_of_key_sign_lists [RevocationLists] []
        "Lists signed with P-384, Ed25519 and RSA keys count.";
    Pair a_revoked_client_is_refused
        [ClientIdentity] [RequestClientCertificate RevocationLists]
        "A client's certificate that its issuer has revoked is refused, and others are not.";
    Pair a_revoked_client_is_refused_in_tls12
        [ClientIdentity Tls12Client] [RequestClientCertificate RevocationLists Tls12Server]
        "A client's certificate that its issuer has revoked is refused in TLS 1.2, and it is told.";
    Pair a_client_below_a_revoked_intermediate_is_refused
        [ClientIdentity] [RequestClientCertificate RevocationLists]
        "A client below an intermediate that has been revoked is refused.";
    Pair a_client_whose_issuer_has_no_list_is_refused
        [ClientIdentity] [RequestClientCertificate RevocationLists]
        "Once a server has a list, a client whose issuer has none is refused.";
    Pair an_old_list_does_not_speak_for_a_client
        [ClientIdentity] [RequestClientCertificate RevocationLists]
        "A server's list that is out of date is refused as that.";
}

on_both_sides! {
    what_no_list_revokes_is_accepted a_revoked_client_is_refused = good;
    a_revoked_certificate_is_refused_in_tls12 a_revoked_client_is_refused_in_tls12 = leaf_in_tls12;
    a_revoked_intermediate_is_refused
        a_client_below_a_revoked_intermediate_is_refused = intermediate;
    without_a_list_of_the_leafs_issuer_nothing_is_known
        a_client_whose_issuer_has_no_list_is_refused = missing_for_leaf;
    an_old_list_is_no_list_of_today an_old_list_does_not_speak_for_a_client = old;
}

of_servers! {
    what_no_list_revokes_is_accepted_in_tls12 = good_in_tls12;
    a_revoked_certificate_is_refused_in_tls13 = leaf_in_tls13;
    without_a_list_of_the_intermediates_issuer_nothing_is_known = missing_for_intermediate;
    without_any_list_nothing_is_known = missing;
    the_root_alone_needs_one_list = one_list;
    what_is_trusted_as_it_is_needs_no_list = trusted;
    a_list_of_tomorrow_says_nothing = tomorrow;
    a_new_list_makes_up_for_an_old_one = old_and_new;
    what_one_of_two_lists_revokes_is_refused = two_lists;
    a_list_without_an_end_does_not_end = no_end;
    a_long_list_is_read_to_the_end = long;
    issuers_with_every_kind_of_key_sign_lists = keys;
}

/// A root, an intermediate, and a peer below it.
struct Chain {
    root: Authority,
    between: Authority,
    identity: Identity,
}

impl Chain {
    fn of(trial: &Trial<'_>) -> Self {
        let root = root();
        let between = below(&root, 1);
        let identity = between.issue(trial.leaf());
        Self { root, between, identity }
    }

    fn leaf(&self) -> &CertificateDer<'static> {
        self.identity.leaf()
    }

    /// The root's list without faults: it revokes others.
    fn upper(&self) -> Vec<u8> {
        List::new().revoking_number(1.into()).signed_by(&self.root)
    }

    /// The intermediate's list without faults: it revokes others.
    fn lower(&self) -> Vec<u8> {
        List::new().revoking_number(1.into()).signed_by(&self.between)
    }

    /// The intermediate's list, revoking the peer.
    fn lower_revoking(&self) -> Vec<u8> {
        List::new().revoking(self.leaf()).signed_by(&self.between)
    }

    /// The root's list, revoking the intermediate.
    fn upper_revoking(&self) -> Vec<u8> {
        List::new().revoking(&self.between.certificate()).signed_by(&self.root)
    }

    fn accepted(&self, trial: &Trial<'_>, lists: RevocationLists) -> Result<()> {
        trial.asking(Checks::new().revocation(lists)).accepts(&self.root.roots(), &self.identity)
    }

    fn refused(
        &self,
        trial: &Trial<'_>,
        lists: RevocationLists,
        why: CertificateError,
    ) -> Result<()> {
        let trial = trial.asking(Checks::new().revocation(lists));
        trial.refuses(&self.root.roots(), &self.identity, why)
    }

    /// Lists are looked at: this chain is refused by one that revokes it.
    fn in_effect(&self, trial: &Trial<'_>) -> Result<()> {
        let lists = lists([self.upper(), self.lower_revoking()])?;
        self.refused(trial, lists, CertificateError::Revoked)
    }
}

fn lists(ders: impl IntoIterator<Item = Vec<u8>>) -> Result<RevocationLists> {
    ders.into_iter().try_fold(RevocationLists::new(), |lists, der| lists.with_der(&der))
}

fn good(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    chain.accepted(trial, lists([chain.upper(), chain.lower()])?)?;
    chain.in_effect(trial)
}

fn good_in_tls12(trial: &Trial<'_>) -> Result<()> {
    good(&trial.speaking(Version::Tls12))
}

fn leaf_in_tls12(trial: &Trial<'_>) -> Result<()> {
    let trial = trial.speaking(Version::Tls12);
    Chain::of(&trial).in_effect(&trial)
}

fn leaf_in_tls13(trial: &Trial<'_>) -> Result<()> {
    let trial = trial.speaking(Version::Tls13);
    Chain::of(&trial).in_effect(&trial)
}

fn intermediate(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let lists = lists([chain.upper_revoking(), chain.lower()])?;
    chain.refused(trial, lists, CertificateError::Revoked)
}

fn missing_for_leaf(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    chain.refused(trial, lists([chain.upper()])?, CertificateError::RevocationUnknown)
}

fn missing_for_intermediate(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    chain.refused(trial, lists([chain.lower()])?, CertificateError::RevocationUnknown)
}

fn missing(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    chain.refused(trial, RevocationLists::new(), CertificateError::RevocationUnknown)
}

fn one_list(trial: &Trial<'_>) -> Result<()> {
    let mut chain = Chain::of(trial);
    chain.identity = chain.root.issue(trial.leaf());
    chain.accepted(trial, lists([chain.upper()])?)?;
    let revoking = List::new().revoking(chain.leaf()).signed_by(&chain.root);
    chain.refused(trial, lists([revoking])?, CertificateError::Revoked)
}

fn trusted(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let given = Roots::empty().with_der(chain.leaf().clone())?;
    let asking = trial.asking(Checks::new().revocation(lists([chain.lower_revoking()])?));
    asking.accepts(&given, &chain.identity)?;
    chain.in_effect(trial)
}

fn old(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let old = |authority| List::new().days(-20, -1).signed_by(authority);
    let why = CertificateError::RevocationExpired;
    chain.refused(trial, lists([chain.upper(), old(&chain.between)])?, why)?;
    chain.refused(trial, lists([old(&chain.root), chain.lower()])?, why)
}

fn tomorrow(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let why = CertificateError::RevocationUnknown;
    for list in [List::new(), List::new().revoking(chain.leaf())] {
        let tomorrows = list.days(1, 20).signed_by(&chain.between);
        chain.refused(trial, lists([chain.upper(), tomorrows])?, why)?;
    }
    Ok(())
}

fn old_and_new(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let old = || List::new().days(-20, -1).signed_by(&chain.between);
    chain.accepted(trial, lists([old(), chain.upper(), chain.lower()])?)?;
    chain.accepted(trial, lists([chain.lower(), chain.upper(), old()])?)?;
    chain.in_effect(trial)
}

fn two_lists(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let (why, revoking) = (CertificateError::Revoked, || chain.lower_revoking());
    chain.refused(trial, lists([chain.upper(), chain.lower(), revoking()])?, why)?;
    chain.refused(trial, lists([revoking(), chain.lower(), chain.upper()])?, why)
}

fn no_end(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let old = List::new().days(-900, -800).without_next_update().signed_by(&chain.between);
    chain.accepted(trial, lists([chain.upper(), old])?)?;
    chain.in_effect(trial)
}

fn long(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let others = || (1..10_000_u64).fold(List::new(), |list, n| list.revoking_number(n.into()));
    let all = others().signed_by(&chain.between);
    chain.accepted(trial, lists([chain.upper(), all])?)?;
    let all = others().revoking(chain.leaf()).signed_by(&chain.between);
    chain.refused(trial, lists([chain.upper(), all])?, CertificateError::Revoked)
}

fn keys(trial: &Trial<'_>) -> Result<()> {
    for key in [p384(), ed25519(), rsa()] {
        let root = Authority::root_with_key("Root with another key", key);
        let identity = root.issue(trial.leaf());
        let asking = |list: List| -> Result<Trial<'_>> {
            let lists = lists([list.signed_by(&root)])?;
            Ok(trial.asking(Checks::new().revocation(lists)))
        };
        asking(List::new())?.accepts(&root.roots(), &identity)?;
        let revoking = asking(List::new().revoking(identity.leaf()))?;
        revoking.refuses(&root.roots(), &identity, CertificateError::Revoked)?;
    }
    Ok(())
}
