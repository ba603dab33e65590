//! Certificates with several faults: every backend names the same one.

use rcgen::{BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use tls_core::{Backend, CertificateError, ClientAuth, Identity, Result};

use super::{Meeting, root};
use crate::cases::cases;
use crate::certs::{Authority, Leaf, set_days, with_bad_signature, with_chain};
use crate::pair::{NAME, Pair, configs};
use crate::told;

cases! { "verification";
    Pair expired_is_named_before_the_wrong_name [CertificateReasons] []
        "An expired certificate for another name is refused as expired.";
    Pair expired_is_named_before_the_unknown_issuer [CertificateReasons] []
        "An expired certificate of an unknown issuer is refused as expired.";
    Pair expired_is_named_before_self_signed [CertificateReasons] []
        "An expired self-signed certificate is refused as expired.";
    Pair expired_is_named_before_the_purpose [CertificateReasons] []
        "An expired client certificate on a server is refused as expired.";
    Pair expired_is_named_before_the_signature [CertificateReasons] []
        "An expired certificate with a wrong signature is refused as expired.";
    Pair expired_is_named_before_the_critical_extension [CertificateReasons] []
        "An expired certificate with an unknown critical extension is refused as expired.";
    Pair not_yet_valid_is_named_before_the_wrong_name [CertificateReasons] []
        "A certificate for another name that is not yet valid is refused as not yet valid.";
    Pair not_yet_valid_is_named_before_the_unknown_issuer [CertificateReasons] []
        "A certificate of an unknown issuer that is not yet valid is refused as not yet valid.";
    Pair the_leafs_dates_are_named_before_an_intermediates [CertificateReasons] []
        "An expired certificate under an intermediate that is not yet valid is expired.";
    Pair the_leafs_dates_are_named_before_the_roots [CertificateReasons] []
        "A certificate that is not yet valid under an expired root is not yet valid.";
    Pair the_purpose_is_named_before_the_unknown_issuer [CertificateReasons] []
        "A client certificate of an unknown issuer on a server is refused for its purpose.";
    Pair the_purpose_is_named_before_the_name [CertificateReasons] []
        "A client certificate for another name on a server is refused for its purpose.";
    Pair the_purpose_is_named_before_the_signature [CertificateReasons] []
        "A client certificate with a wrong signature on a server is refused for its purpose.";
    Pair self_signed_is_named_before_the_purpose [CertificateReasons] []
        "A self-signed client certificate on a server is refused as self-signed.";
    Pair self_signed_is_named_whatever_it_may_sign [CertificateReasons] []
        "A self-signed certificate is refused as self-signed, whether it may sign certificates or not.";
    Pair a_self_signed_client_is_named_whatever_it_may_sign
        [ClientIdentity] [RequestClientCertificate CertificateReasons]
        "A client's self-signed certificate is, too.";
    Pair self_signed_is_named_before_the_name [CertificateReasons] []
        "A self-signed certificate for another name is refused as self-signed.";
    Pair the_unknown_issuer_is_named_before_the_name [CertificateReasons] []
        "A certificate of an unknown issuer for another name is refused for its issuer.";
    Pair the_signature_is_named_before_the_name [CertificateReasons] []
        "A certificate with a wrong signature for another name is refused for its signature.";
    Pair the_critical_extension_is_named_before_the_name [CertificateReasons] []
        "A certificate with an unknown critical extension is refused for that, not for its name.";
    Pair an_expired_intermediate_is_named_before_the_name [CertificateReasons] []
        "A certificate for another name under an expired intermediate is refused as expired.";
    Pair an_expired_root_is_named_before_the_name [CertificateReasons] []
        "A certificate for another name under an expired root is refused as expired.";
    Pair everything_wrong_at_once_is_expired [CertificateReasons] []
        "A certificate with every fault at once is refused as expired.";
}

fn expired(leaf: Leaf) -> Leaf {
    leaf.with(|params| set_days(params, -20, -10))
}

fn future(leaf: Leaf) -> Leaf {
    leaf.with(|params| set_days(params, 10, 20))
}

fn good() -> Leaf {
    Leaf::server(&[NAME])
}

fn other() -> Leaf {
    Leaf::server(&["other.test"])
}

fn for_clients(leaf: Leaf) -> Leaf {
    leaf.with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
}

fn critical(leaf: Leaf) -> Leaf {
    leaf.with(|params| {
        let oid = [1, 3, 6, 1, 4, 1, 32473, 8];
        let mut extension = CustomExtension::from_oid_content(&oid, vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
    })
}

fn tampered(identity: &Identity) -> Identity {
    with_chain(identity, [with_bad_signature(identity.leaf())])
}

/// Presented by a server of the trusted root.
fn known(c: &dyn Backend, s: &dyn Backend, leaf: Leaf, why: CertificateError) -> Result<()> {
    let root = root();
    Meeting::of(c, s).refuses(&root.roots(), &root.issue(leaf), why)
}

/// The same with a wrong signature.
fn forged(c: &dyn Backend, s: &dyn Backend, leaf: Leaf, why: CertificateError) -> Result<()> {
    let root = root();
    Meeting::of(c, s).refuses(&root.roots(), &tampered(&root.issue(leaf)), why)
}

/// Presented by a server of another root.
fn unknown(c: &dyn Backend, s: &dyn Backend, leaf: Leaf, why: CertificateError) -> Result<()> {
    let stranger = Authority::root("Root that nobody here knows");
    Meeting::of(c, s).refuses(&root().roots(), &stranger.issue(leaf), why)
}

fn alone(c: &dyn Backend, s: &dyn Backend, leaf: Leaf, why: CertificateError) -> Result<()> {
    Meeting::of(c, s).refuses(&root().roots(), &leaf.self_signed(), why)
}

fn expired_is_named_before_the_wrong_name(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    known(c, s, expired(other()), CertificateError::Expired)
}

fn expired_is_named_before_the_unknown_issuer(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    unknown(c, s, expired(good()), CertificateError::Expired)
}

fn expired_is_named_before_self_signed(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    alone(c, s, expired(good()), CertificateError::Expired)
}

fn expired_is_named_before_the_purpose(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    known(c, s, expired(for_clients(good())), CertificateError::Expired)
}

fn expired_is_named_before_the_signature(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    forged(c, s, expired(good()), CertificateError::Expired)
}

fn expired_is_named_before_the_critical_extension(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    known(c, s, expired(critical(good())), CertificateError::Expired)
}

fn not_yet_valid_is_named_before_the_wrong_name(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    known(c, s, future(other()), CertificateError::NotYetValid)
}

fn not_yet_valid_is_named_before_the_unknown_issuer(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    unknown(c, s, future(good()), CertificateError::NotYetValid)
}

fn the_leafs_dates_are_named_before_an_intermediates(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let root = root();
    let between = root.intermediate_with("Authority to come", |p| set_days(p, 10, 20));
    let identity = between.issue(expired(good()));
    Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::Expired)
}

fn the_leafs_dates_are_named_before_the_roots(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root_with("Root of the past", |p| set_days(p, -20, -10));
    let identity = root.issue(future(good()));
    Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::NotYetValid)
}

fn the_purpose_is_named_before_the_unknown_issuer(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    unknown(c, s, for_clients(good()), CertificateError::Purpose)
}

fn the_purpose_is_named_before_the_name(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    known(c, s, for_clients(other()), CertificateError::Purpose)
}

fn the_purpose_is_named_before_the_signature(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    forged(c, s, for_clients(good()), CertificateError::Purpose)
}

fn self_signed_is_named_before_the_purpose(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    alone(c, s, for_clients(good()), CertificateError::SelfSigned)
}

/// What a certificate may say, or not, of signing others.
fn signers_and_others() -> impl Iterator<Item = (IsCa, Vec<KeyUsagePurpose>)> {
    let authority = || IsCa::Ca(BasicConstraints::Unconstrained);
    let roles = [IsCa::NoCa, IsCa::ExplicitNoCa, authority()];
    let own = KeyUsagePurpose::DigitalSignature;
    let usages = [vec![], vec![own], vec![own, KeyUsagePurpose::KeyCertSign]];
    roles.into_iter().flat_map(move |role| usages.clone().map(|usages| (role, usages)))
}

fn self_signed_is_named_whatever_it_may_sign(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for (role, usages) in signers_and_others() {
        let leaf = good().with(|params| (params.is_ca, params.key_usages) = (role, usages));
        alone(c, s, leaf, CertificateError::SelfSigned)?;
    }
    Ok(())
}

fn a_self_signed_client_is_named_whatever_it_may_sign(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let clients = Authority::root("Root of the clients");
    for (role, usages) in signers_and_others() {
        let leaf = Leaf::client("nobody's client");
        let leaf = leaf.with(|params| (params.is_ca, params.key_usages) = (role, usages));
        let (client, server) = configs();
        let client = client.identity(leaf.self_signed());
        let server = server.client_auth(ClientAuth::Require(clients.roots()));
        let (_, refusal) = Pair::new((c, client), (s, server))?.handshakes();
        told::refusal(refusal, CertificateError::SelfSigned)?;
    }
    Ok(())
}

fn self_signed_is_named_before_the_name(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    alone(c, s, other(), CertificateError::SelfSigned)
}

fn the_unknown_issuer_is_named_before_the_name(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    unknown(c, s, other(), CertificateError::UnknownIssuer)
}

fn the_signature_is_named_before_the_name(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    forged(c, s, other(), CertificateError::BadSignature)
}

fn the_critical_extension_is_named_before_the_name(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    known(c, s, critical(other()), CertificateError::UnhandledCriticalExtension)
}

fn an_expired_intermediate_is_named_before_the_name(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let root = root();
    let between = root.intermediate_with("Authority of the past", |p| set_days(p, -20, -10));
    let identity = between.issue(other());
    Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::Expired)
}

fn an_expired_root_is_named_before_the_name(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root_with("Root of the past", |p| set_days(p, -20, -10));
    Meeting::of(c, s).refuses(&root.roots(), &root.issue(other()), CertificateError::Expired)
}

fn everything_wrong_at_once_is_expired(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let leaf = || expired(for_clients(critical(other())));
    alone(c, s, leaf(), CertificateError::Expired)?;
    unknown(c, s, leaf(), CertificateError::Expired)?;
    forged(c, s, leaf(), CertificateError::Expired)
}
