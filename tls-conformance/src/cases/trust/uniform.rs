//! The one verifier whose verdict does not depend on the library.
//!
//! What it accepts and refuses is what every library should; so each case also shows that it was asked:
//! it knows no signatures by keys on P-521, which most libraries do.

use rcgen::{
    BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyUsagePurpose, NameConstraints,
};
use tls_core::danger::Skip;
use tls_core::{
    Backend, CertificateError, Checks, ClientConfig, Clock, ErrorKind, Identity, Result, Roots,
    Verification, Version,
};

use super::{Trial, below, of_servers, on_both_sides, root, stranger};
use crate::cases::cases;
use crate::cases::verification::{ed25519, p384};
use crate::certs::{Authority, Leaf, p521_chain, rsa, set_days, with_bad_signature, with_chain};

cases! { "uniform";
    Pair a_good_server_is_accepted [UniformVerification] []
        "A server of a trusted root is accepted.";
    Pair a_good_server_is_accepted_in_tls12 [UniformVerification Tls12Client] [Tls12Server]
        "A server of a trusted root is accepted in TLS 1.2.";
    Pair a_server_below_intermediates_is_accepted [UniformVerification] []
        "A chain through six intermediates, in any order and with others beside them, is accepted.";
    Pair a_given_certificate_is_trusted_as_it_is [UniformVerification PartialChains] []
        "A self-signed certificate, or an intermediate's, that was given as a root is trusted.";
    Pair keys_of_every_kind_sign_chains [UniformVerification] []
        "Roots with P-256, P-384, Ed25519 and RSA keys vouch for a server.";
    Pair an_expired_certificate_is_refused [UniformVerification] []
        "An expired certificate, or one below an expired issuer, is refused as expired.";
    Pair a_certificate_to_come_is_refused [UniformVerification] []
        "A certificate that is not yet valid, or below an issuer that is not, is refused as such.";
    Pair an_unknown_issuer_is_refused [UniformVerification] []
        "A certificate of an unknown root is refused for its issuer.";
    Pair a_missing_intermediate_is_refused [UniformVerification] []
        "A chain with a gap is refused for its issuer.";
    Pair a_self_signed_certificate_is_refused [UniformVerification] []
        "A self-signed certificate that nobody trusts is refused as self-signed.";
    Pair another_name_is_refused [UniformVerification] []
        "A certificate for another name or address is refused for its name.";
    Pair another_purpose_is_refused [UniformVerification] []
        "A certificate for clients, or an authority's own, is refused for its purpose.";
    Pair an_issuer_that_is_none_is_refused [UniformVerification] []
        "A certificate below one that may not sign certificates is refused for that one's purpose.";
    Pair a_path_length_counts [UniformVerification] []
        "A chain that is longer than an authority allows is refused.";
    Pair too_long_a_chain_is_refused [UniformVerification] []
        "A chain through seven intermediates is refused for its length.";
    Pair name_constraints_count [UniformVerification] []
        "Names that an authority may not sign for are refused.";
    Pair a_wrong_signature_is_refused [UniformVerification] []
        "A wrong signature, of the leaf or of an intermediate, is refused as that.";
    Pair a_signature_that_not_every_library_knows_is_refused [UniformVerification] []
        "A signature by a key on P-521 is refused, whatever the library could check.";
    Pair a_critical_extension_is_refused [UniformVerification] []
        "An unknown critical extension is refused for that.";
    Pair faults_have_the_same_order [UniformVerification] []
        "Of several faults the same one is named as by the library's verification.";
    Pair nobody_is_trusted_by_default [UniformVerification] []
        "With only given roots no public one is trusted, and with none nobody is.";
    Pair the_depth_counts [UniformVerification LimitChain] []
        "The depth that is asked for is kept.";
    Pair the_clock_counts [UniformVerification VerificationTime] []
        "The instant that the configuration says it is, is the one that counts.";
    Pair only_the_dates_are_left_out [UniformVerification SkipTimeVerification] []
        "Where the dates are left out nothing else is.";
    Pair only_the_name_is_left_out [UniformVerification SkipNameVerification] []
        "Where the name is left out nothing else is.";
    Client without_the_chain_it_is_no_configuration [] []
        "Uniform verification cannot be asked for where the chain is left out.";
    Pair a_good_client_is_accepted
        [ClientIdentity] [UniformVerification RequestClientCertificate]
        "A client of a trusted root is accepted.";
    Pair a_good_client_is_accepted_in_tls12
        [ClientIdentity Tls12Client] [UniformVerification RequestClientCertificate Tls12Server]
        "A client of a trusted root is accepted in TLS 1.2; another is told why it is not.";
    Pair a_client_of_an_unknown_issuer_is_refused
        [ClientIdentity] [UniformVerification RequestClientCertificate]
        "A client of an unknown root is refused for its issuer.";
    Pair an_expired_client_is_refused
        [ClientIdentity] [UniformVerification RequestClientCertificate]
        "A client's expired certificate is refused as expired.";
    Pair a_self_signed_client_is_refused
        [ClientIdentity] [UniformVerification RequestClientCertificate]
        "A client's self-signed certificate is refused as self-signed.";
    Pair a_certificate_for_servers_is_refused
        [ClientIdentity] [UniformVerification RequestClientCertificate]
        "A client with a certificate for servers is refused for its purpose.";
    Pair a_client_below_an_issuer_that_is_none_is_refused
        [ClientIdentity] [UniformVerification RequestClientCertificate]
        "A client below one that may not sign certificates is refused for that one's purpose.";
}

on_both_sides! {
    a_good_server_is_accepted a_good_client_is_accepted = good;
    a_good_server_is_accepted_in_tls12 a_good_client_is_accepted_in_tls12 = good_in_tls12;
    an_unknown_issuer_is_refused a_client_of_an_unknown_issuer_is_refused = unknown_issuer;
    an_expired_certificate_is_refused an_expired_client_is_refused = expired;
    a_self_signed_certificate_is_refused a_self_signed_client_is_refused = self_signed;
    another_purpose_is_refused a_certificate_for_servers_is_refused = purpose;
    an_issuer_that_is_none_is_refused
        a_client_below_an_issuer_that_is_none_is_refused = no_issuer;
}

of_servers! {
    a_server_below_intermediates_is_accepted = intermediates;
    a_given_certificate_is_trusted_as_it_is = given;
    keys_of_every_kind_sign_chains = keys;
    a_certificate_to_come_is_refused = to_come;
    a_missing_intermediate_is_refused = gap;
    another_name_is_refused = name;
    a_path_length_counts = path_length;
    too_long_a_chain_is_refused = too_long;
    name_constraints_count = constraints;
    a_wrong_signature_is_refused = signature;
    a_signature_that_not_every_library_knows_is_refused = asked;
    a_critical_extension_is_refused = critical;
    faults_have_the_same_order = order;
    nobody_is_trusted_by_default = nobody;
    the_depth_counts = depth;
    the_clock_counts = clock;
    only_the_dates_are_left_out = without_dates;
    only_the_name_is_left_out = without_name;
}

fn checks() -> Checks {
    Checks::new().verification(Verification::Uniform)
}

/// It is asked: it refuses what most libraries accept.
fn asked(trial: &Trial<'_>) -> Result<()> {
    let (identity, root) = p521_chain();
    let roots = Roots::empty().with_der(root)?;
    trial.asking(checks()).refuses(&roots, &identity, CertificateError::WeakAlgorithm)
}

/// It accepts this.
fn accepts(trial: &Trial<'_>, roots: &Roots, identity: &Identity) -> Result<()> {
    asked(trial)?;
    trial.asking(checks()).accepts(roots, identity)
}

/// It refuses this, for this reason.
fn refuses(
    trial: &Trial<'_>,
    root: &Authority,
    identity: &Identity,
    why: CertificateError,
) -> Result<()> {
    asked(trial)?;
    trial.asking(checks()).refuses(&root.roots(), identity, why)
}

fn good(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    accepts(trial, &root.roots(), &root.issue(trial.leaf()))
}

fn good_in_tls12(trial: &Trial<'_>) -> Result<()> {
    good(&trial.speaking(Version::Tls12))
}

fn intermediates(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = below(&root, 6).issue(trial.leaf());
    accepts(trial, &root.roots(), &identity)?;
    let mut chain = identity.chain().to_vec();
    chain[1..].reverse();
    chain.insert(3, stranger().certificate());
    accepts(trial, &root.roots(), &with_chain(&identity, chain))
}

fn given(trial: &Trial<'_>) -> Result<()> {
    let alone = trial.leaf().self_signed();
    accepts(trial, &Roots::empty().with_der(alone.leaf().clone())?, &alone)?;
    let between = root().intermediate("Authority that is trusted");
    accepts(trial, &between.roots(), &between.issue(trial.leaf()))
}

fn keys(trial: &Trial<'_>) -> Result<()> {
    for key in [p384(), ed25519(), rsa()] {
        let root = Authority::root_with_key("Root with another key", key);
        accepts(trial, &root.roots(), &root.issue(trial.leaf()))?;
    }
    good(trial)
}

fn expired(trial: &Trial<'_>) -> Result<()> {
    dated(trial, -20, -10, CertificateError::Expired)
}

fn to_come(trial: &Trial<'_>) -> Result<()> {
    dated(trial, 10, 20, CertificateError::NotYetValid)
}

/// A leaf, an intermediate and a root with these dates are refused.
fn dated(trial: &Trial<'_>, from: i64, to: i64, why: CertificateError) -> Result<()> {
    let good = root();
    let leaf = trial.leaf().with(|params| set_days(params, from, to));
    refuses(trial, &good, &good.issue(leaf), why)?;
    let between = good.intermediate_with("Authority of then", |p| set_days(p, from, to));
    refuses(trial, &good, &between.issue(trial.leaf()), why)?;
    let root = Authority::root_with("Root of then", |p| set_days(p, from, to));
    refuses(trial, &root, &root.issue(trial.leaf()), why)
}

fn unknown_issuer(trial: &Trial<'_>) -> Result<()> {
    let identity = stranger().issue(trial.leaf());
    refuses(trial, &root(), &identity, CertificateError::UnknownIssuer)
}

fn gap(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = below(&root, 2).issue(trial.leaf());
    for sent in [&[0][..], &[0, 1], &[0, 2]] {
        let chain = sent.iter().map(|&i| identity.chain()[i].clone());
        let identity = with_chain(&identity, chain);
        refuses(trial, &root, &identity, CertificateError::UnknownIssuer)?;
    }
    Ok(())
}

fn self_signed(trial: &Trial<'_>) -> Result<()> {
    refuses(trial, &root(), &trial.leaf().self_signed(), CertificateError::SelfSigned)
}

fn name(trial: &Trial<'_>) -> Result<()> {
    let (root, why) = (root(), CertificateError::NameMismatch);
    for other in ["other.test", "*.test", "192.0.2.1"] {
        refuses(trial, &root, &root.server(other), why)?;
    }
    refuses(&trial.at("192.0.2.1"), &root, &root.server("192.0.2.2"), why)
}

fn purpose(trial: &Trial<'_>) -> Result<()> {
    let (root, why) = (root(), CertificateError::Purpose);
    let other =
        trial.judged(ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth);
    let leaf = trial.leaf().with(|params| params.extended_key_usages = vec![other]);
    refuses(trial, &root, &root.issue(leaf), why)?;
    let authority = root.intermediate_with("Authority that is a peer", |params| {
        params.subject_alt_names = trial.leaf().params.subject_alt_names;
        params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    });
    refuses(trial, &root, &authority.as_identity(), why)
}

fn no_issuer(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let adjustments: [fn(&mut rcgen::CertificateParams); 2] = [
        |params| params.is_ca = IsCa::ExplicitNoCa,
        |params| params.key_usages = vec![KeyUsagePurpose::CrlSign],
    ];
    for adjust in adjustments {
        let between = root.intermediate_with("Authority that is none", adjust);
        let identity = between.issue(trial.leaf());
        refuses(trial, &root, &identity, CertificateError::Purpose)?;
    }
    Ok(())
}

fn path_length(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let upper = root.intermediate_with("Authority that counts", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    accepts(trial, &root.roots(), &upper.issue(trial.leaf()))?;
    let lower = upper.intermediate("Authority too many").issue(trial.leaf());
    refuses(trial, &root, &lower, CertificateError::Purpose)
}

fn too_long(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = below(&root, 7).issue(trial.leaf());
    refuses(trial, &root, &identity, CertificateError::ChainTooLong)
}

fn constraints(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let dns = |name: &str| vec![GeneralSubtree::DnsName(name.into())];
    let between = |permitted_subtrees, excluded_subtrees| {
        root.intermediate_with("Authority of some names", |params| {
            let constraints = NameConstraints { permitted_subtrees, excluded_subtrees };
            params.name_constraints = Some(constraints);
        })
    };
    accepts(trial, &root.roots(), &between(dns("test"), vec![]).issue(trial.leaf()))?;
    for between in [between(dns("other.test"), vec![]), between(vec![], dns("test"))] {
        refuses(trial, &root, &between.issue(trial.leaf()), CertificateError::Purpose)?;
    }
    Ok(())
}

fn signature(trial: &Trial<'_>) -> Result<()> {
    let (root, why) = (root(), CertificateError::BadSignature);
    let identity = root.issue(trial.leaf());
    let tampered = [with_bad_signature(identity.leaf())];
    refuses(trial, &root, &with_chain(&identity, tampered), why)?;
    let identity = root.intermediate("Authority that is forged").issue(trial.leaf());
    let tampered = [identity.leaf().clone(), with_bad_signature(&identity.chain()[1])];
    refuses(trial, &root, &with_chain(&identity, tampered), why)
}

fn critical(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = root.issue(with_critical(trial.leaf()));
    refuses(trial, &root, &identity, CertificateError::UnhandledCriticalExtension)
}

fn with_critical(leaf: Leaf) -> Leaf {
    // An arc under which nothing is registered; the content is an ASN.1 NULL.
    let oid = [1, 3, 6, 1, 4, 1, 32473, 11];
    let mut extension = CustomExtension::from_oid_content(&oid, vec![5, 0]);
    extension.set_criticality(true);
    leaf.with(|params| params.custom_extensions = vec![extension])
}

fn order(trial: &Trial<'_>) -> Result<()> {
    let good = root();
    let for_clients = |leaf: Leaf| {
        leaf.with(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
    };
    let other = || Leaf::server(&["other.test"]);
    let faulty = || for_clients(with_critical(other()));
    let expired = || faulty().with(|params| set_days(params, -20, -10));
    for identity in [good.issue(expired()), stranger().issue(expired()), expired().self_signed()] {
        refuses(trial, &good, &identity, CertificateError::Expired)?;
    }
    refuses(trial, &good, &faulty().self_signed(), CertificateError::SelfSigned)?;
    let unknown = stranger().issue(for_clients(other()));
    refuses(trial, &good, &unknown, CertificateError::Purpose)?;
    refuses(trial, &good, &stranger().issue(other()), CertificateError::UnknownIssuer)?;
    let critical = good.issue(with_critical(other()));
    refuses(trial, &good, &critical, CertificateError::UnhandledCriticalExtension)
}

fn nobody(trial: &Trial<'_>) -> Result<()> {
    asked(trial)?;
    let identity = root().issue(trial.leaf());
    let why = CertificateError::UnknownIssuer;
    trial.asking(checks()).refuses(&Roots::empty(), &identity, why)?;
    trial.asking(checks()).refuses(&Roots::mozilla(), &identity, why)
}

fn depth(trial: &Trial<'_>) -> Result<()> {
    asked(trial)?;
    let (root, trial) = (root(), trial.asking(checks().depth(1)));
    trial.accepts(&root.roots(), &below(&root, 1).issue(trial.leaf()))?;
    let too_many = below(&root, 2).issue(trial.leaf());
    trial.refuses(&root.roots(), &too_many, CertificateError::ChainTooLong)
}

fn clock(trial: &Trial<'_>) -> Result<()> {
    asked(trial)?;
    let root = root();
    let then = tls_core::pki_types::UnixTime::now().as_secs() - 15 * 86_400;
    let trial = trial.asking(checks().clock(Clock::at(then)));
    let old = trial.leaf().with(|params| set_days(params, -20, -10));
    trial.accepts(&root.roots(), &root.issue(old))?;
    let new = trial.leaf().with(|params| set_days(params, -1, 10));
    trial.refuses(&root.roots(), &root.issue(new), CertificateError::NotYetValid)
}

fn without_dates(trial: &Trial<'_>) -> Result<()> {
    let (root, trial) = (root(), trial.skipping(Skip::nothing().time()));
    let expired = |leaf: Leaf| leaf.with(|params| set_days(params, -20, -10));
    accepts(&trial, &root.roots(), &root.issue(expired(trial.leaf())))?;
    let unknown = stranger().issue(expired(trial.leaf()));
    refuses(&trial, &root, &unknown, CertificateError::UnknownIssuer)?;
    let other = root.issue(expired(Leaf::server(&["other.test"])));
    refuses(&trial, &root, &other, CertificateError::NameMismatch)
}

fn without_name(trial: &Trial<'_>) -> Result<()> {
    let (root, trial) = (root(), trial.skipping(Skip::nothing().name()));
    let other = || Leaf::server(&["other.test"]);
    accepts(&trial, &root.roots(), &root.issue(other()))?;
    refuses(&trial, &root, &stranger().issue(other()), CertificateError::UnknownIssuer)?;
    let expired = root.issue(other().with(|params| set_days(params, -20, -10)));
    refuses(&trial, &root, &expired, CertificateError::Expired)
}

fn without_the_chain_it_is_no_configuration(_: &dyn Backend) -> Result<()> {
    let config = ClientConfig::builder().checks(checks()).danger(Skip::nothing().chain());
    assert_eq!(config.build().unwrap_err().kind(), ErrorKind::Config);
    ClientConfig::builder().checks(checks()).build().map(drop)
}
