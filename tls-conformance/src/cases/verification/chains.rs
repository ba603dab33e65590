//! The certificates between the peer's own and the root.

use rcgen::{
    BasicConstraints, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints,
};
use tls_core::{
    Backend, Capability, CertificateError, Error, ErrorKind, Identity, Result, Version,
};

use super::{Meeting, root};
use crate::cases::cases;
use crate::certs::{Authority, Leaf, with_bad_signature, with_chain};
use crate::pair::NAME;

cases! { "verification";
    Pair a_chain_through_an_intermediate_is_accepted [] []
        "A chain through one intermediate is accepted.";
    Pair a_chain_through_an_intermediate_is_accepted_in_tls12 [Tls12Client] [Tls12Server]
        "A chain through one intermediate is accepted in TLS 1.2.";
    Pair a_chain_through_two_intermediates_is_accepted [] []
        "A chain through two intermediates is accepted.";
    Pair a_chain_through_six_intermediates_is_accepted [] []
        "A chain through six intermediates is accepted.";
    Pair a_chain_through_seven_intermediates_is_refused [LimitChain] []
        "A chain through seven intermediates is refused.";
    Pair a_chain_that_is_too_long_is_refused_as_such [LimitChain CertificateReasons] []
        "A chain through seven intermediates is refused for its length.";
    Pair a_missing_intermediate_is_refused [CertificateReasons] []
        "A chain with a gap is refused.";
    Pair a_missing_upper_intermediate_is_refused [CertificateReasons] []
        "A chain with a gap further up is refused.";
    Pair the_order_of_intermediates_does_not_matter [] []
        "Intermediates are found in whatever order they come.";
    Pair an_unrelated_certificate_in_the_chain_does_no_harm [] []
        "A certificate in the chain that has nothing to do with it does no harm.";
    Pair the_root_in_the_chain_does_no_harm [] []
        "A root that the server sends along does no harm.";
    Pair the_leaf_twice_in_the_chain_does_no_harm [] []
        "A server that sends its own certificate twice is accepted.";
    Pair an_intermediate_that_is_no_authority_is_refused [CertificateReasons] []
        "A certificate that is no authority's cannot issue another.";
    Pair an_intermediate_that_says_it_is_no_authority_is_refused [CertificateReasons] []
        "A certificate that says it is no authority's cannot issue another.";
    Pair an_intermediate_that_may_not_sign_certificates_is_refused [CertificateReasons] []
        "An authority whose key usage lacks keyCertSign cannot issue a certificate.";
    Pair an_intermediate_for_other_purposes_is_refused [CertificateReasons] []
        "An authority that is meant only for clients cannot issue for a server.";
    Pair a_path_length_is_kept [] []
        "A chain as long as its authorities allow is accepted.";
    Pair a_path_length_violated_is_refused [CertificateReasons] []
        "A chain longer than one of its authorities allows is refused.";
    Pair a_wrong_signature_of_an_intermediate_is_refused [CertificateReasons] []
        "A chain whose intermediate has a wrong signature is refused.";
    Pair permitted_names_are_accepted [] []
        "A name that the constraints of an authority permit is accepted.";
    Pair names_that_are_not_permitted_are_refused [CertificateReasons] []
        "A name that the constraints of an authority do not permit is refused.";
    Pair excluded_names_are_refused [CertificateReasons] []
        "A name that the constraints of an authority exclude is refused.";
    Pair addresses_that_are_not_permitted_are_refused [CertificateReasons] []
        "An IP address that the constraints of an authority do not permit is refused.";
    Pair an_authority_of_the_leafs_own_name_is_found [] []
        "A certificate with the same subject as its issuer is not taken for self-signed.";
    Pair one_excluded_name_among_good_ones_is_refused [CertificateReasons] []
        "One name against the constraints spoils the certificate, asked for or not.";
}

/// A root and an identity below `n` intermediates.
fn chain_of(n: usize) -> (Authority, Identity) {
    let root = root();
    if n == 0 {
        let identity = root.server(NAME);
        return (root, identity);
    }
    let mut last = root.intermediate("Authority 1");
    for i in 2..=n {
        last = last.intermediate(&format!("Authority {i}"));
    }
    let identity = last.server(NAME);
    assert_eq!(identity.chain().len(), n + 1);
    (root, identity)
}

fn accepted(c: &dyn Backend, s: &dyn Backend, n: usize) -> Result<()> {
    let (root, identity) = chain_of(n);
    Meeting::of(c, s).accepts(&root.roots(), &identity)
}

fn a_chain_through_an_intermediate_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepted(c, s, 1)
}

fn a_chain_through_an_intermediate_is_accepted_in_tls12(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let (root, identity) = chain_of(1);
    Meeting::of(c, s).speaking(Version::Tls12).accepts(&root.roots(), &identity)
}

fn a_chain_through_two_intermediates_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepted(c, s, 2)
}

fn a_chain_through_six_intermediates_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepted(c, s, 6)
}

fn a_chain_through_seven_intermediates_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, identity) = chain_of(7);
    match Meeting::of(c, s).pair(&root.roots(), &identity)?.handshakes().0 {
        Ok(()) => Err(Error::new(ErrorKind::Unsupported(Capability::LimitChain))),
        Err(e) if matches!(e.kind(), ErrorKind::Certificate(_)) => Ok(()),
        Err(e) => panic!("the certificate should be refused, but: {e:?}"),
    }
}

fn a_chain_that_is_too_long_is_refused_as_such(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    a_chain_through_seven_intermediates_is_refused(c, s)?;
    let (root, identity) = chain_of(7);
    Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::ChainTooLong)
}

/// A chain of two intermediates, of which only these certificates are sent.
fn with_only(sent: &[usize]) -> (Authority, Identity) {
    let (root, identity) = chain_of(2);
    let chain = sent.iter().map(|&i| identity.chain()[i].clone()).collect::<Vec<_>>();
    (root, with_chain(&identity, chain))
}

fn a_missing_intermediate_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for sent in [&[0][..], &[0, 2]] {
        let (root, identity) = with_only(sent);
        Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::UnknownIssuer)?;
    }
    Ok(())
}

fn a_missing_upper_intermediate_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, identity) = with_only(&[0, 1]);
    Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::UnknownIssuer)
}

fn the_order_of_intermediates_does_not_matter(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, identity) = with_only(&[0, 2, 1]);
    Meeting::of(c, s).accepts(&root.roots(), &identity)
}

fn an_unrelated_certificate_in_the_chain_does_no_harm(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let (root, identity) = chain_of(1);
    let stranger = Authority::root("Root with nothing to do here");
    let unrelated = [stranger.certificate(), stranger.intermediate("Its authority").certificate()];
    for at in [1, 2] {
        let mut chain = identity.chain().to_vec();
        chain.splice(at..at, unrelated.clone());
        Meeting::of(c, s).accepts(&root.roots(), &with_chain(&identity, chain))?;
    }
    Ok(())
}

fn the_root_in_the_chain_does_no_harm(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, identity) = chain_of(1);
    let chain = identity.chain().iter().cloned().chain([root.certificate()]);
    Meeting::of(c, s).accepts(&root.roots(), &with_chain(&identity, chain))
}

fn the_leaf_twice_in_the_chain_does_no_harm(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, identity) = with_only(&[0, 0, 1, 2]);
    Meeting::of(c, s).accepts(&root.roots(), &identity)
}

/// A chain is refused if its intermediate is like this.
fn intermediate_refused(
    c: &dyn Backend,
    s: &dyn Backend,
    adjust: impl FnOnce(&mut rcgen::CertificateParams),
) -> Result<()> {
    let root = root();
    let between = root.intermediate_with("Authority that is none", adjust);
    let why = CertificateError::Purpose;
    Meeting::of(c, s).refuses(&root.roots(), &between.server(NAME), why)
}

fn an_intermediate_that_is_no_authority_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    intermediate_refused(c, s, |params| {
        params.is_ca = IsCa::NoCa;
        params.key_usages.clear();
    })
}

fn an_intermediate_that_says_it_is_no_authority_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    intermediate_refused(c, s, |params| params.is_ca = IsCa::ExplicitNoCa)
}

fn an_intermediate_that_may_not_sign_certificates_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    intermediate_refused(c, s, |params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
    })
}

fn an_intermediate_for_other_purposes_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    intermediate_refused(c, s, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    })
}

/// A root, an authority that allows `allowed` others below it, `below` others, a server.
fn constrained(allowed: u8, below: usize) -> (Authority, Identity) {
    let root = root();
    let mut last = root.intermediate_with("Authority that counts", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(allowed));
    });
    for i in 1..=below {
        last = last.intermediate(&format!("Authority {i} below"));
    }
    (root, last.server(NAME))
}

fn a_path_length_is_kept(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for n in [0, 1] {
        let (root, identity) = constrained(n, n.into());
        Meeting::of(c, s).accepts(&root.roots(), &identity)?;
    }
    Ok(())
}

fn a_path_length_violated_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for n in [0, 1] {
        let (root, identity) = constrained(n, usize::from(n) + 1);
        Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::Purpose)?;
    }
    Ok(())
}

fn a_wrong_signature_of_an_intermediate_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, identity) = chain_of(1);
    let chain = [identity.leaf().clone(), with_bad_signature(&identity.chain()[1])];
    let identity = with_chain(&identity, chain);
    Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::BadSignature)
}

fn dns(name: &str) -> GeneralSubtree {
    GeneralSubtree::DnsName(name.into())
}

/// A root, and an authority with these constraints.
fn with_constraints(
    permitted: Vec<GeneralSubtree>,
    excluded: Vec<GeneralSubtree>,
) -> (Authority, Authority) {
    let root = root();
    let between = root.intermediate_with("Authority of some names", |params| {
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: excluded });
    });
    (root, between)
}

fn permitted_names_are_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, between) = with_constraints(vec![dns("test")], vec![dns("secret.test")]);
    Meeting::of(c, s).accepts(&root.roots(), &between.server(NAME))
}

fn names_that_are_not_permitted_are_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, between) = with_constraints(vec![dns("other.test")], vec![]);
    Meeting::of(c, s).refuses(&root.roots(), &between.server(NAME), CertificateError::Purpose)
}

fn excluded_names_are_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, between) = with_constraints(vec![], vec![dns(NAME)]);
    Meeting::of(c, s).refuses(&root.roots(), &between.server(NAME), CertificateError::Purpose)
}

fn one_excluded_name_among_good_ones_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, between) = with_constraints(vec![dns("test")], vec![dns("secret.test")]);
    let identity = between.issue(Leaf::server(&[NAME, "very.secret.test"]));
    Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::Purpose)
}

fn addresses_that_are_not_permitted_are_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let net = rcgen::CidrSubnet::from_v4_prefix([192, 0, 2, 0], 24);
    let (root, between) = with_constraints(vec![GeneralSubtree::IpAddress(net)], vec![]);
    let at = |name| Meeting::of(c, s).at(name);
    at("192.0.2.7").accepts(&root.roots(), &between.server("192.0.2.7"))?;
    let outside = between.server("198.51.100.7");
    at("198.51.100.7").refuses(&root.roots(), &outside, CertificateError::Purpose)
}

fn an_authority_of_the_leafs_own_name_is_found(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root(NAME);
    // As with every public authority, both say which keys they have and which one signed.
    let leaf = Leaf::server(&[NAME]).with(|params| {
        params.is_ca = IsCa::ExplicitNoCa; // rcgen writes a subject key identifier with this
        params.use_authority_key_identifier_extension = true;
    });
    Meeting::of(c, s).accepts(&root.roots(), &root.issue(leaf))
}
