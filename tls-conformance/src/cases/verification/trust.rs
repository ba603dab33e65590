//! Whom a client trusts.

use rcgen::{BasicConstraints, IsCa};
use tls_core::{Backend, CertificateError, Client, ClientConfig, Result, Roots, Version};

use tls_core::danger::Skip;

use super::{Meeting, root};
use crate::cases::cases;
use crate::certs::{Authority, Leaf};
use crate::pair::NAME;

cases! { "verification";
    Pair an_unknown_issuer_is_refused [CertificateReasons] []
        "A certificate of a root that is not trusted is refused.";
    Pair an_unknown_issuer_is_refused_in_tls12 [CertificateReasons Tls12Client] [Tls12Server]
        "A certificate of a root that is not trusted is refused in TLS 1.2.";
    Pair an_unknown_issuer_is_refused_in_tls13 [CertificateReasons Tls13Client] [Tls13Server]
        "A certificate of a root that is not trusted is refused in TLS 1.3.";
    Pair an_unknown_root_that_is_sent_along_is_not_trusted [CertificateReasons] []
        "A root that the server sends along is not trusted for that.";
    Pair a_root_of_the_same_name_with_another_key_is_not_trusted_in_its_place
        [CertificateReasons] []
        "A certificate of a root's namesake, with another key, is refused.";
    Pair a_self_signed_certificate_is_refused [CertificateReasons] []
        "A self-signed certificate that is not trusted is refused as such.";
    Pair a_self_signed_certificate_is_refused_in_tls12 [CertificateReasons Tls12Client] [Tls12Server]
        "A self-signed certificate that is not trusted is refused as such in TLS 1.2.";
    Pair a_self_signed_ca_certificate_is_refused [CertificateReasons] []
        "A self-signed certificate that calls itself an authority is refused as self-signed.";
    Pair a_given_self_signed_certificate_is_trusted [] []
        "A self-signed certificate that was given as a root is accepted.";
    Pair a_given_self_signed_ca_certificate_is_trusted [] []
        "A self-signed certificate that calls itself an authority is accepted if it was given.";
    Pair a_given_certificate_of_another_issuer_is_trusted [PartialChains] []
        "A server's certificate that was given as a root is accepted without its issuer.";
    Pair a_given_certificate_is_trusted_whatever_comes_with_it [PartialChains] []
        "A server's certificate that was given as a root is accepted with a chain that was not.";
    Pair a_given_root_may_be_the_server_itself [] []
        "A root's own certificate is accepted as the server's.";
    Pair a_given_authority_may_be_the_server_itself [PartialChains] []
        "An authority's certificate that was given as a root is accepted as the server's own.";
    Pair a_given_certificate_with_an_unknown_critical_extension_is_refused
        [PartialChains CertificateReasons] []
        "A certificate that was given as a root is refused for a critical extension nobody knows.";
    Pair a_given_certificate_is_refused_for_another_name [CertificateReasons] []
        "A certificate that was given as a root is refused for a name it does not have.";
    Pair a_given_certificate_is_refused_for_another_purpose [CertificateReasons] []
        "A certificate that was given as a root is refused for a purpose it does not have.";
    Pair a_given_leaf_vouches_for_no_other [PartialChains CertificateReasons] []
        "A server's certificate that was given as a root vouches only for itself.";
    Pair a_given_intermediate_is_trusted [PartialChains] []
        "An intermediate that was given as a root is trusted without what is above it.";
    Pair a_given_certificate_that_is_no_authority_issues_nothing [CertificateReasons] []
        "A certificate that was given as a root and is no authority's cannot issue another.";
    Pair a_root_that_may_not_sign_certificates_issues_nothing [CertificateReasons] []
        "A root whose key usage lacks keyCertSign cannot issue a certificate.";
    Pair a_root_for_other_purposes_is_no_root_here [CertificateReasons] []
        "A root that is meant only for clients cannot vouch for a server.";
    Pair a_roots_path_length_counts [CertificateReasons] []
        "A chain longer than its root allows is refused.";
    Pair a_roots_name_constraints_count [CertificateReasons] []
        "A name against the constraints of its root is refused.";
    Pair without_the_dates_a_roots_limits_count [SkipTimeVerification CertificateReasons] []
        "With the dates left out, what a root may issue still counts.";
    Pair without_roots_nobody_is_trusted [CertificateReasons] []
        "A client without any root refuses every server.";
    Pair each_of_several_roots_is_trusted [] []
        "Each of several roots is trusted.";
    Pair the_systems_roots_do_not_vouch_for_a_private_one [CertificateReasons] []
        "By default a private root is not trusted.";
    Pair mozillas_roots_do_not_vouch_for_a_private_one [CertificateReasons] []
        "Mozilla's roots do not vouch for a private one.";
    Pair a_given_root_counts_beside_mozillas [] []
        "A root given on top of Mozilla's is trusted.";
    Client the_systems_roots_can_be_loaded [] []
        "The system's roots can be loaded.";
}

fn stranger() -> Authority {
    Authority::root("Root that nobody here knows")
}

fn an_unknown_issuer_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let why = CertificateError::UnknownIssuer;
    Meeting::of(c, s).refuses(&root().roots(), &stranger().server(NAME), why)
}

fn an_unknown_issuer_is_refused_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (meeting, why) =
        (Meeting::of(c, s).speaking(Version::Tls12), CertificateError::UnknownIssuer);
    meeting.refuses(&root().roots(), &stranger().server(NAME), why)
}

fn an_unknown_issuer_is_refused_in_tls13(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (meeting, why) =
        (Meeting::of(c, s).speaking(Version::Tls13), CertificateError::UnknownIssuer);
    meeting.refuses(&root().roots(), &stranger().server(NAME), why)
}

fn an_unknown_root_that_is_sent_along_is_not_trusted(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let stranger = stranger();
    let identity = stranger.server(NAME);
    let chain = [identity.leaf().clone(), stranger.certificate()];
    let identity = crate::certs::with_chain(&identity, chain);
    Meeting::of(c, s).refuses(&root().roots(), &identity, CertificateError::UnknownIssuer)
}

fn a_root_of_the_same_name_with_another_key_is_not_trusted_in_its_place(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let (trusted, namesake) = (root(), root());
    let why = CertificateError::BadSignature;
    Meeting::of(c, s).refuses(&trusted.roots(), &namesake.server(NAME), why)
}

fn a_self_signed_certificate_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let identity = Leaf::server(&[NAME]).self_signed();
    Meeting::of(c, s).refuses(&root().roots(), &identity, CertificateError::SelfSigned)
}

fn a_self_signed_certificate_is_refused_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let identity = Leaf::server(&[NAME]).self_signed();
    let meeting = Meeting::of(c, s).speaking(Version::Tls12);
    meeting.refuses(&root().roots(), &identity, CertificateError::SelfSigned)
}

fn ca_leaf() -> Leaf {
    Leaf::server(&[NAME]).with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))
}

fn a_self_signed_ca_certificate_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let identity = ca_leaf().self_signed();
    Meeting::of(c, s).refuses(&root().roots(), &identity, CertificateError::SelfSigned)
}

/// Only the server's own certificate.
fn only(identity: &tls_core::Identity) -> Result<Roots> {
    Roots::empty().with_der(identity.leaf().clone())
}

fn a_given_self_signed_certificate_is_trusted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let identity = Leaf::server(&[NAME]).self_signed();
    Meeting::of(c, s).accepts(&only(&identity)?, &identity)
}

fn a_given_self_signed_ca_certificate_is_trusted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let identity = ca_leaf().self_signed();
    Meeting::of(c, s).accepts(&only(&identity)?, &identity)
}

fn a_given_certificate_of_another_issuer_is_trusted(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let identity = stranger().server(NAME);
    Meeting::of(c, s).accepts(&only(&identity)?, &identity)
}

fn a_given_certificate_is_trusted_whatever_comes_with_it(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let old = Authority::root_with("Root of the past", |p| crate::certs::set_days(p, -20, -10));
    let between = old.intermediate("Authority nobody here knows");
    let identity = between.server(NAME);
    Meeting::of(c, s).accepts(&only(&identity)?, &identity)?;
    let chain = identity.chain().iter().cloned().chain([old.certificate()]);
    Meeting::of(c, s).accepts(&only(&identity)?, &crate::certs::with_chain(&identity, chain))
}

/// The parameters of an authority that is a server as well.
fn serves(params: &mut rcgen::CertificateParams) {
    params.subject_alt_names = Leaf::server(&[NAME]).params.subject_alt_names;
    params.key_usages.push(rcgen::KeyUsagePurpose::DigitalSignature);
}

fn a_given_root_may_be_the_server_itself(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root_with("Root that serves", serves);
    Meeting::of(c, s).accepts(&root.roots(), &root.as_identity())
}

fn a_given_authority_may_be_the_server_itself(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root_with("Root that serves", serves);
    let between = root.intermediate_with("Authority that serves", serves);
    Meeting::of(c, s).accepts(&between.roots(), &between.as_identity())?;
    // Also where the root above it is trusted as well.
    let roots = between.roots().with_der(root.certificate())?;
    Meeting::of(c, s).accepts(&roots, &between.as_identity())
}

fn a_given_certificate_with_an_unknown_critical_extension_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let good = root().server(NAME);
    Meeting::of(c, s).accepts(&only(&good)?, &good)?;
    let identity = super::with_extension(&root(), true);
    let why = CertificateError::UnhandledCriticalExtension;
    Meeting::of(c, s).refuses(&only(&identity)?, &identity, why)
}

fn a_given_certificate_is_refused_for_another_name(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let identity = Leaf::server(&["other.test"]).self_signed();
    Meeting::of(c, s).refuses(&only(&identity)?, &identity, CertificateError::NameMismatch)
}

fn a_given_certificate_is_refused_for_another_purpose(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let identity = Leaf::client("somebody").self_signed();
    Meeting::of(c, s).refuses(&only(&identity)?, &identity, CertificateError::Purpose)
}

fn a_given_leaf_vouches_for_no_other(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let stranger = stranger();
    let (given, presented) = (stranger.server(NAME), stranger.server(NAME));
    Meeting::of(c, s).accepts(&only(&given)?, &given)?;
    let why = CertificateError::UnknownIssuer;
    Meeting::of(c, s).refuses(&only(&given)?, &presented, why)
}

fn a_given_intermediate_is_trusted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let between = root().intermediate("Authority that was given");
    Meeting::of(c, s).accepts(&between.roots(), &between.server(NAME))
}

/// What a root may not issue.
type Limits = fn(&mut rcgen::CertificateParams);

fn no_authority(params: &mut rcgen::CertificateParams) {
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages.clear();
}

fn no_signatures(params: &mut rcgen::CertificateParams) {
    params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
}

fn only_clients(params: &mut rcgen::CertificateParams) {
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
}

fn no_intermediates(params: &mut rcgen::CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
}

fn only_other_names(params: &mut rcgen::CertificateParams) {
    params.name_constraints = Some(rcgen::NameConstraints {
        permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("other.test".into())],
        excluded_subtrees: vec![],
    });
}

/// A root with these limits does not vouch for a server below an intermediate.
fn limited(c: &dyn Backend, s: &dyn Backend, skip: Skip, limits: Limits) -> Result<()> {
    let root = Authority::root_with("Root with limits", limits);
    let identity = root.intermediate("Authority below it").server(NAME);
    let meeting = Meeting::of(c, s).skipping(skip);
    meeting.refuses(&root.roots(), &identity, CertificateError::Purpose)
}

fn a_given_certificate_that_is_no_authority_issues_nothing(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let root = Authority::root_with("Root that is none", no_authority);
    let why = CertificateError::Purpose;
    Meeting::of(c, s).refuses(&root.roots(), &root.server(NAME), why)?;
    limited(c, s, Skip::nothing(), no_authority)
}

fn a_root_that_may_not_sign_certificates_issues_nothing(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    limited(c, s, Skip::nothing(), no_signatures)
}

fn a_root_for_other_purposes_is_no_root_here(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    limited(c, s, Skip::nothing(), only_clients)
}

fn a_roots_path_length_counts(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root_with("Root with limits", no_intermediates);
    Meeting::of(c, s).accepts(&root.roots(), &root.server(NAME))?;
    limited(c, s, Skip::nothing(), no_intermediates)
}

fn a_roots_name_constraints_count(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    limited(c, s, Skip::nothing(), only_other_names)
}

fn without_the_dates_a_roots_limits_count(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let all: [Limits; 5] =
        [no_authority, no_signatures, only_clients, no_intermediates, only_other_names];
    all.into_iter().try_for_each(|limits| limited(c, s, Skip::nothing().time(), limits))
}

fn without_roots_nobody_is_trusted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let why = CertificateError::UnknownIssuer;
    Meeting::of(c, s).refuses(&Roots::empty(), &root().server(NAME), why)
}

fn each_of_several_roots_is_trusted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let all = ["First root", "Second root", "Third root"].map(Authority::root);
    let roots =
        all.iter().try_fold(Roots::empty(), |roots, root| roots.with_der(root.certificate()))?;
    all.iter().try_for_each(|root| Meeting::of(c, s).accepts(&roots, &root.server(NAME)))
}

fn the_systems_roots_do_not_vouch_for_a_private_one(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let why = CertificateError::UnknownIssuer;
    Meeting::of(c, s).refuses(&Roots::default(), &root().server(NAME), why)
}

fn mozillas_roots_do_not_vouch_for_a_private_one(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let why = CertificateError::UnknownIssuer;
    Meeting::of(c, s).refuses(&Roots::mozilla(), &root().server(NAME), why)
}

fn a_given_root_counts_beside_mozillas(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let roots = Roots::mozilla().with_der(root.certificate())?;
    Meeting::of(c, s).accepts(&roots, &root.server(NAME))
}

fn the_systems_roots_can_be_loaded(c: &dyn Backend) -> Result<()> {
    Client::new(&ClientConfig::builder().roots(Roots::system()).build()?, c).map(drop)
}
