//! Each switch leaves out its own part of the verification, and nothing else.

use rcgen::ExtendedKeyUsagePurpose;
use tls_core::danger::Skip;
use tls_core::{Alert, Backend, CertificateError, ErrorKind, Identity, Result, Version};

use super::{Meeting, root, tampered};
use crate::cases::cases;
use crate::certs::{Authority, Leaf, set_days};
use crate::pair::NAME;
use crate::raw;

cases! { "verification";
    Pair without_the_chain_an_unknown_issuer_is_accepted [SkipChainVerification] []
        "With the chain left out, a certificate of an unknown issuer is accepted.";
    Pair without_the_chain_a_self_signed_certificate_is_accepted [SkipChainVerification] []
        "With the chain left out, a self-signed certificate is accepted.";
    Pair without_the_chain_the_purpose_does_not_matter [SkipChainVerification] []
        "With the chain left out, a client certificate is accepted on a server.";
    Pair without_the_chain_a_wrong_signature_is_accepted [SkipChainVerification] []
        "With the chain left out, nobody looks at the certificate's signature.";
    Pair without_the_chain_an_expired_intermediate_is_accepted [SkipChainVerification] []
        "With the chain left out, the dates of an intermediate do not matter.";
    Pair without_the_chain_a_wrong_name_is_refused [SkipChainVerification CertificateReasons] []
        "With the chain left out, a certificate for another name is still refused.";
    Pair without_the_chain_an_expired_certificate_is_refused
        [SkipChainVerification CertificateReasons] []
        "With the chain left out, an expired certificate is still refused.";
    Pair without_the_chain_a_certificate_that_is_not_yet_valid_is_refused
        [SkipChainVerification CertificateReasons] []
        "With the chain left out, a certificate that is not yet valid is still refused.";
    Pair without_the_name_another_name_is_accepted [SkipNameVerification] []
        "With the name left out, a certificate for another name is accepted.";
    Pair without_the_name_an_address_is_reached_by_a_name [SkipNameVerification] []
        "With the name left out, a certificate for a name is accepted for an IP address.";
    Pair without_the_name_an_unknown_issuer_is_refused
        [SkipNameVerification CertificateReasons] []
        "With the name left out, an unknown issuer is still refused.";
    Pair without_the_name_a_self_signed_certificate_is_refused
        [SkipNameVerification CertificateReasons] []
        "With the name left out, a self-signed certificate is still refused.";
    Pair without_the_name_an_expired_certificate_is_refused
        [SkipNameVerification CertificateReasons] []
        "With the name left out, an expired certificate is still refused.";
    Pair without_the_name_the_purpose_matters [SkipNameVerification CertificateReasons] []
        "With the name left out, a client certificate is still refused on a server.";
    Pair without_the_dates_an_expired_certificate_is_accepted [SkipTimeVerification] []
        "With the dates left out, an expired certificate is accepted.";
    Pair without_the_dates_a_certificate_that_is_not_yet_valid_is_accepted
        [SkipTimeVerification] []
        "With the dates left out, a certificate that is not yet valid is accepted.";
    Pair without_the_dates_a_chain_with_no_common_instant_is_accepted [SkipTimeVerification] []
        "With the dates left out, a valid certificate under an expired authority is accepted.";
    Pair without_the_dates_a_long_chain_with_no_common_instant_is_accepted
        [SkipTimeVerification] []
        "With the dates left out, authorities of the past and the future make a chain.";
    Pair without_the_dates_an_expired_root_is_accepted [SkipTimeVerification] []
        "With the dates left out, an expired root is accepted.";
    Pair without_the_dates_a_given_expired_certificate_is_accepted [SkipTimeVerification] []
        "With the dates left out, an expired certificate that was given is accepted.";
    Pair without_the_dates_a_wrong_name_is_refused [SkipTimeVerification CertificateReasons] []
        "With the dates left out, a certificate for another name is still refused.";
    Pair without_the_dates_an_unknown_issuer_is_refused
        [SkipTimeVerification CertificateReasons] []
        "With the dates left out, an unknown issuer is still refused.";
    Pair without_the_dates_a_self_signed_certificate_is_refused
        [SkipTimeVerification CertificateReasons] []
        "With the dates left out, a self-signed certificate is still refused.";
    Pair without_the_dates_a_wrong_signature_is_refused
        [SkipTimeVerification CertificateReasons] []
        "With the dates left out, a wrong signature is still refused.";
    Pair without_the_dates_the_purpose_matters [SkipTimeVerification CertificateReasons] []
        "With the dates left out, a client certificate is still refused on a server.";
    Pair without_the_dates_a_ca_certificate_is_refused
        [SkipTimeVerification CertificateReasons] []
        "With the dates left out, an authority's own certificate is still refused on a server.";
    Pair without_the_dates_an_intermediate_that_is_no_authority_is_refused
        [SkipTimeVerification CertificateReasons] []
        "With the dates left out, a certificate that is no authority's cannot issue another.";
    Pair without_the_dates_a_path_length_counts [SkipTimeVerification CertificateReasons] []
        "With the dates left out, a chain may not be longer than its authorities allow.";
    Pair without_the_dates_name_constraints_count [SkipTimeVerification CertificateReasons] []
        "With the dates left out, the constraints of an authority still count.";
    Pair without_chain_and_name_an_expired_certificate_is_refused
        [SkipChainVerification SkipNameVerification CertificateReasons] []
        "With chain and name left out, an expired certificate is still refused.";
    Pair without_chain_and_dates_a_wrong_name_is_refused
        [SkipChainVerification SkipTimeVerification CertificateReasons] []
        "With chain and dates left out, a certificate for another name is still refused.";
    Pair without_name_and_dates_an_unknown_issuer_is_refused
        [SkipNameVerification SkipTimeVerification CertificateReasons] []
        "With name and dates left out, an unknown issuer is still refused.";
    Pair without_anything_everything_is_accepted [SkipAllVerification] []
        "With everything left out, a certificate with every fault is accepted.";
    Pair without_anything_the_peer_still_proves_that_it_holds_the_key
        [SkipAllVerification Tls12Client] [Tls12Server]
        "With everything left out, a peer that does not hold the certificate's key is refused.";
}

fn chain() -> Skip {
    Skip::nothing().chain()
}

fn name() -> Skip {
    Skip::nothing().name()
}

fn time() -> Skip {
    Skip::nothing().time()
}

fn good() -> Leaf {
    Leaf::server(&[NAME])
}

fn other() -> Leaf {
    Leaf::server(&["other.test"])
}

fn expired(leaf: Leaf) -> Leaf {
    leaf.with(|params| set_days(params, -20, -10))
}

fn future(leaf: Leaf) -> Leaf {
    leaf.with(|params| set_days(params, 10, 20))
}

fn for_clients(leaf: Leaf) -> Leaf {
    leaf.with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
}

fn stranger() -> Authority {
    Authority::root("Root that nobody here knows")
}

/// Whose server the client meets.
type Who = fn(Leaf) -> (Authority, Identity);

fn known(leaf: Leaf) -> (Authority, Identity) {
    let root = root();
    let identity = root.issue(leaf);
    (root, identity)
}

fn unknown(leaf: Leaf) -> (Authority, Identity) {
    (root(), stranger().issue(leaf))
}

fn alone(leaf: Leaf) -> (Authority, Identity) {
    (root(), leaf.self_signed())
}

fn accepted(c: &dyn Backend, s: &dyn Backend, skip: Skip, who: Who, leaf: Leaf) -> Result<()> {
    let (root, identity) = who(leaf);
    Meeting::of(c, s).skipping(skip).accepts(&root.roots(), &identity)
}

fn refused(
    (c, s): (&dyn Backend, &dyn Backend),
    skip: Skip,
    who: Who,
    leaf: Leaf,
    why: CertificateError,
) -> Result<()> {
    let (root, identity) = who(leaf);
    Meeting::of(c, s).skipping(skip).refuses(&root.roots(), &identity, why)
}

fn without_the_chain_an_unknown_issuer_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepted(c, s, chain(), unknown, good())
}

fn without_the_chain_a_self_signed_certificate_is_accepted(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    accepted(c, s, chain(), alone, good())
}

fn without_the_chain_the_purpose_does_not_matter(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepted(c, s, chain(), known, for_clients(good()))
}

fn without_the_chain_a_wrong_signature_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    Meeting::of(c, s).skipping(chain()).accepts(&root.roots(), &tampered(&root))
}

fn without_the_chain_an_expired_intermediate_is_accepted(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let root = root();
    let between = root.intermediate_with("Authority of the past", |p| set_days(p, -20, -10));
    Meeting::of(c, s).skipping(chain()).accepts(&root.roots(), &between.server(NAME))
}

fn without_the_chain_a_wrong_name_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    refused((c, s), chain(), known, other(), CertificateError::NameMismatch)?;
    refused((c, s), chain(), unknown, other(), CertificateError::NameMismatch)
}

fn without_the_chain_an_expired_certificate_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    refused((c, s), chain(), known, expired(good()), CertificateError::Expired)?;
    refused((c, s), chain(), unknown, expired(good()), CertificateError::Expired)?;
    refused((c, s), chain(), alone, expired(good()), CertificateError::Expired)
}

fn without_the_chain_a_certificate_that_is_not_yet_valid_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    refused((c, s), chain(), unknown, future(good()), CertificateError::NotYetValid)
}

fn without_the_name_another_name_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepted(c, s, name(), known, other())
}

fn without_the_name_an_address_is_reached_by_a_name(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let root = root();
    Meeting::of(c, s).at("192.0.2.1").skipping(name()).accepts(&root.roots(), &root.server(NAME))
}

fn without_the_name_an_unknown_issuer_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    refused((c, s), name(), unknown, other(), CertificateError::UnknownIssuer)
}

fn without_the_name_a_self_signed_certificate_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    refused((c, s), name(), alone, other(), CertificateError::SelfSigned)
}

fn without_the_name_an_expired_certificate_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    refused((c, s), name(), known, expired(other()), CertificateError::Expired)
}

fn without_the_name_the_purpose_matters(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    refused((c, s), name(), known, for_clients(other()), CertificateError::Purpose)
}

fn without_the_dates_an_expired_certificate_is_accepted(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    accepted(c, s, time(), known, expired(good()))
}

fn without_the_dates_a_certificate_that_is_not_yet_valid_is_accepted(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    accepted(c, s, time(), known, future(good()))
}

fn without_the_dates_a_chain_with_no_common_instant_is_accepted(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let root = root();
    let between = root.intermediate_with("Authority of the past", |p| set_days(p, -20, -10));
    let identity = between.issue(good().with(|params| set_days(params, -1, 1)));
    Meeting::of(c, s).skipping(time()).accepts(&root.roots(), &identity)
}

fn without_the_dates_a_long_chain_with_no_common_instant_is_accepted(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let root = Authority::root_with("Root of the far past", |p| set_days(p, -40, -30));
    let past = root.intermediate_with("Authority of the past", |p| set_days(p, -20, -10));
    let to_come = past.intermediate_with("Authority to come", |p| set_days(p, 10, 20));
    let identity = to_come.issue(good().with(|params| set_days(params, 30, 40)));
    Meeting::of(c, s).skipping(time()).accepts(&root.roots(), &identity)
}

fn without_the_dates_an_expired_root_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root_with("Root of the past", |p| set_days(p, -20, -10));
    Meeting::of(c, s).skipping(time()).accepts(&root.roots(), &root.server(NAME))
}

fn without_the_dates_a_given_expired_certificate_is_accepted(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let identity = expired(good()).self_signed();
    let roots = root().roots().with_der(identity.leaf().clone())?;
    Meeting::of(c, s).skipping(time()).accepts(&roots, &identity)
}

fn without_the_dates_a_wrong_name_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    refused((c, s), time(), known, expired(other()), CertificateError::NameMismatch)
}

fn without_the_dates_an_unknown_issuer_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    refused((c, s), time(), unknown, expired(good()), CertificateError::UnknownIssuer)
}

fn without_the_dates_a_self_signed_certificate_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    refused((c, s), time(), alone, expired(good()), CertificateError::SelfSigned)
}

fn without_the_dates_a_wrong_signature_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let why = CertificateError::BadSignature;
    Meeting::of(c, s).skipping(time()).refuses(&root.roots(), &tampered(&root), why)
}

fn without_the_dates_the_purpose_matters(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    refused((c, s), time(), known, for_clients(expired(good())), CertificateError::Purpose)?;
    refused((c, s), time(), unknown, for_clients(expired(good())), CertificateError::Purpose)
}

fn without_the_dates_a_ca_certificate_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let authority = root.intermediate_with("Authority that serves", |params| {
        params.subject_alt_names = good().params.subject_alt_names;
        params.key_usages.push(rcgen::KeyUsagePurpose::DigitalSignature);
    });
    let why = CertificateError::Purpose;
    Meeting::of(c, s).skipping(time()).refuses(&root.roots(), &authority.as_identity(), why)
}

fn without_the_dates_an_intermediate_that_is_no_authority_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let root = root();
    let between = root.intermediate_with("Authority that is none", |params| {
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
    });
    let why = CertificateError::Purpose;
    Meeting::of(c, s).skipping(time()).refuses(&root.roots(), &between.server(NAME), why)
}

fn without_the_dates_a_path_length_counts(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let upper = root.intermediate_with("Authority that counts", |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    });
    let lower = upper.intermediate("Authority too many");
    let why = CertificateError::Purpose;
    Meeting::of(c, s).skipping(time()).refuses(&root.roots(), &lower.server(NAME), why)
}

fn without_the_dates_name_constraints_count(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let upper = root.intermediate_with("Authority of some names", |params| {
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("other.test".into())],
            excluded_subtrees: vec![],
        });
    });
    let why = CertificateError::Purpose;
    for issuer in [upper.intermediate("Authority below"), upper] {
        let meeting = Meeting::of(c, s).skipping(time());
        meeting.refuses(&root.roots(), &issuer.issue(expired(good())), why)?;
    }
    Ok(())
}

fn without_chain_and_name_an_expired_certificate_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    refused((c, s), chain().name(), unknown, expired(other()), CertificateError::Expired)
}

fn without_chain_and_dates_a_wrong_name_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    refused((c, s), chain().time(), unknown, expired(other()), CertificateError::NameMismatch)
}

fn without_name_and_dates_an_unknown_issuer_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    refused((c, s), name().time(), unknown, expired(other()), CertificateError::UnknownIssuer)
}

fn without_anything_everything_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let leaf = || expired(for_clients(other()));
    for who in [known as Who, unknown, alone] {
        accepted(c, s, Skip::everything(), who, leaf())?;
    }
    Ok(())
}

fn without_anything_the_peer_still_proves_that_it_holds_the_key(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(c, s).skipping(Skip::everything()).speaking(Version::Tls12);
    meeting.skips_what_it_says()?;
    let mut pair = meeting.pair(&root().roots(), &stranger().issue(good()))?;
    let _ = pair.client.handshake()?;
    pair.carry_all();
    let _ = pair.server.handshake()?;
    // In TLS 1.2 the server's messages are in clear. It signs its key exchange (RFC 5246 §7.4.3);
    // with the signature of some other key it looks like this.
    let mut flight = pair.server.wire().pending().to_vec();
    pair.server.wire().sent(flight.len());
    raw::spoil(&mut flight, raw::SERVER_KEY_EXCHANGE);
    pair.client.wire().feed(&flight);
    let (client, server) = pair.handshakes();
    assert_eq!(client.unwrap_err().kind(), ErrorKind::Protocol);
    let told = server.unwrap_err().kind();
    assert_eq!(told, ErrorKind::AlertReceived(Alert::DECRYPT_ERROR));
    Ok(())
}
