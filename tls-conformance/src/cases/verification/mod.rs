//! Which certificates a client accepts, and why it refuses the others.

pub(super) mod chains;
pub(super) mod danger;
pub(super) mod dates;
pub(super) mod names;
pub(super) mod order;
pub(super) mod trust;

use rcgen::{CustomExtension, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use tls_core::danger::Skip;
use tls_core::{
    Alert, Backend, CertificateError, ClientConfig, ErrorKind, Identity, Result, Roots,
    ServerConfig, Version, Versions,
};

use super::cases;
use crate::certs::{Authority, Leaf, rsa, set_days, with_bad_signature, with_chain};
use crate::pair::{NAME, Pair, kind};
use crate::told;

cases! { "verification";
    Pair a_certificate_of_a_trusted_root_is_accepted [] []
        "A server whose certificate a trusted root has signed is accepted.";
    Pair a_certificate_without_purposes_is_for_every_purpose [] []
        "A certificate without an extended key usage is good for a server.";
    Pair a_server_and_client_certificate_is_good_for_a_server [] []
        "A certificate for both purposes is good for a server.";
    Pair a_client_certificate_is_not_for_servers [CertificateReasons] []
        "A certificate meant only for clients is refused on a server.";
    Pair any_purpose_is_not_the_purpose_of_a_server [CertificateReasons] []
        "anyExtendedKeyUsage does not stand for the purpose of a server.";
    Pair a_ca_certificate_is_not_a_servers [CertificateReasons] []
        "A certificate authority's own certificate is refused on a server.";
    Pair a_certificate_that_may_not_sign_is_refused
        [CertificateReasons Tls13Client] [Tls13Server]
        "A certificate whose key usage lacks digitalSignature is refused on a server.";
    Pair a_wrong_signature_is_refused [CertificateReasons] []
        "A certificate whose signature is wrong is refused.";
    Pair a_wrong_signature_is_refused_in_tls12 [CertificateReasons Tls12Client] [Tls12Server]
        "A certificate whose signature is wrong is refused in TLS 1.2.";
    Pair an_unknown_critical_extension_is_refused [CertificateReasons] []
        "A certificate with an unknown critical extension is refused.";
    Pair an_unknown_extension_that_is_not_critical_is_no_fault [] []
        "An unknown extension that is not critical does no harm.";
    Pair a_p384_certificate_is_accepted [] []
        "A certificate with a P-384 key is accepted.";
    Pair a_p384_certificate_is_accepted_in_tls12 [Tls12Client] [Tls12Server]
        "A certificate with a P-384 key is accepted in TLS 1.2.";
    Pair an_ed25519_certificate_is_accepted [Ed25519] [Ed25519]
        "A certificate with an Ed25519 key is accepted.";
    Pair an_ed25519_certificate_is_accepted_in_tls12
        [Ed25519 Tls12Client] [Ed25519 Tls12Server]
        "A certificate with an Ed25519 key is accepted in TLS 1.2.";
    Pair a_p384_root_is_accepted [] []
        "A root with a P-384 key can sign a certificate with a P-256 key.";
    Pair an_ed25519_root_is_accepted [] []
        "A root with an Ed25519 key can sign a certificate with a P-256 key.";
    Pair a_refused_certificate_stays_refused [CertificateReasons] []
        "After a refusal every later call gives the same error.";
}

/// A client that is about to meet a server.
struct Meeting<'a> {
    client: &'a dyn Backend,
    server: &'a dyn Backend,
    name: &'a str,
    skip: Skip,
    versions: Versions,
}

impl<'a> Meeting<'a> {
    /// With nothing special about it: the client means to reach [`NAME`].
    fn of(client: &'a dyn Backend, server: &'a dyn Backend) -> Self {
        let (skip, versions) = (Skip::nothing(), Versions::default());
        Self { client, server, name: NAME, skip, versions }
    }

    fn at(self, name: &'a str) -> Self {
        Self { name, ..self }
    }

    fn skipping(self, skip: Skip) -> Self {
        Self { skip, ..self }
    }

    fn speaking(self, version: Version) -> Self {
        Self { versions: Versions::only(version), ..self }
    }

    fn pair(&self, roots: &Roots, identity: &Identity) -> Result<Pair> {
        let client =
            ClientConfig::builder().roots(roots.clone()).danger(self.skip).versions(self.versions);
        let server = ServerConfig::builder(identity.clone()).versions(self.versions);
        Pair::to(self.name, (self.client, client), (self.server, server))
    }

    /// A client that trusts `roots` accepts a server that is `identity`.
    fn accepts(self, roots: &Roots, identity: &Identity) -> Result<()> {
        self.pair(roots, identity)?.handshake()
    }

    /// What is to be left out is left out: a certificate with just the faults that do not matter
    /// is accepted. Without this a refusal would prove nothing about a switch.
    fn skips_what_it_says(&self) -> Result<()> {
        if self.skip == Skip::nothing() {
            return Ok(());
        }
        let name = if self.skip.skips_name() { "other.test" } else { self.name };
        let mut leaf = Leaf::server(&[name]);
        if self.skip.skips_time() {
            leaf = leaf.with(|params| set_days(params, -20, -10));
        }
        let (trusted, stranger) = (root(), Authority::root("Root that nobody here knows"));
        let issuer = if self.skip.skips_chain() { &stranger } else { &trusted };
        self.pair(&trusted.roots(), &issuer.issue(leaf))?.handshake()
    }

    /// A client that trusts `roots` refuses a server that is `identity`, for exactly this reason,
    /// and tells it so with the alert that fits.
    fn refuses(self, roots: &Roots, identity: &Identity, why: CertificateError) -> Result<()> {
        self.skips_what_it_says()?;
        let (client, server) = self.pair(roots, identity)?.handshakes();
        told::refusal(client, why)?;
        let told = server.map_err(|e| e.kind());
        assert_eq!(told, Err(ErrorKind::AlertReceived(alert(why))), "{}", why.name());
        Ok(())
    }
}

/// The alert that tells a peer why its certificate was refused (RFC 8446 §6.2).
pub(super) fn alert(why: CertificateError) -> Alert {
    match why {
        CertificateError::BadEncoding
        | CertificateError::NameMismatch
        | CertificateError::UnhandledCriticalExtension => Alert::BAD_CERTIFICATE,
        CertificateError::BadSignature => Alert::DECRYPT_ERROR,
        CertificateError::Expired | CertificateError::NotYetValid => Alert::CERTIFICATE_EXPIRED,
        CertificateError::Purpose => Alert::UNSUPPORTED_CERTIFICATE,
        CertificateError::Revoked => Alert::CERTIFICATE_REVOKED,
        CertificateError::ChainTooLong
        | CertificateError::SelfSigned
        | CertificateError::UnknownIssuer => Alert::UNKNOWN_CA,
        _ => Alert::CERTIFICATE_UNKNOWN,
    }
}

/// A root nobody else has.
fn root() -> Authority {
    Authority::root("Root of this case")
}

fn a_certificate_of_a_trusted_root_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    Meeting::of(c, s).accepts(&root.roots(), &root.server(NAME))
}

fn with_purposes(root: &Authority, purposes: Vec<ExtendedKeyUsagePurpose>) -> Identity {
    root.issue(Leaf::server(&[NAME]).with(|params| params.extended_key_usages = purposes))
}

fn a_certificate_without_purposes_is_for_every_purpose(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let root = root();
    Meeting::of(c, s).accepts(&root.roots(), &with_purposes(&root, vec![]))
}

fn a_server_and_client_certificate_is_good_for_a_server(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let root = root();
    let both = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    Meeting::of(c, s).accepts(&root.roots(), &with_purposes(&root, both))
}

fn a_client_certificate_is_not_for_servers(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let identity = with_purposes(&root, vec![ExtendedKeyUsagePurpose::ClientAuth]);
    Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::Purpose)
}

fn any_purpose_is_not_the_purpose_of_a_server(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let identity = with_purposes(&root, vec![ExtendedKeyUsagePurpose::Any]);
    Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::Purpose)
}

fn a_ca_certificate_is_not_a_servers(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let authority = root.intermediate_with("Authority that serves", |params| {
        params.subject_alt_names = Leaf::server(&[NAME]).params.subject_alt_names;
        params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    });
    let identity = authority.as_identity();
    Meeting::of(c, s).refuses(&root.roots(), &identity, CertificateError::Purpose)
}

fn a_certificate_that_may_not_sign_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let pair = with_a_key_that_may_not_sign(&|| Leaf::server(&[NAME]), &|leaf| {
        // In TLS 1.2 a server itself may see that its key fits no suite.
        Meeting::of(c, s).speaking(Version::Tls13).pair(&root.roots(), &root.issue(leaf))
    });
    let (client, server) = pair?.handshakes();
    told::refusal(client, CertificateError::Purpose)?;
    match kind(server) {
        ErrorKind::AlertReceived(told) => assert!(may_not_sign(told), "{told}"),
        other => panic!("the server should have got an alert, but: {other:?}"),
    }
    Ok(())
}

/// A pair of which one side presents a certificate whose key may not sign.
///
/// Not every library loads such a certificate if it has an ECDSA key (docs/BACKENDS.md).
pub(super) fn with_a_key_that_may_not_sign(
    leaf: &dyn Fn() -> Leaf,
    pair: &dyn Fn(Leaf) -> Result<Pair>,
) -> Result<Pair> {
    let leaf = || leaf().with(|params| params.key_usages = vec![KeyUsagePurpose::KeyAgreement]);
    match pair(leaf()) {
        Err(e) if e.kind() == ErrorKind::Config => pair(leaf().with_key(rsa())),
        pair => pair,
    }
}

/// Whether this alert says that a certificate's key may not sign (docs/BACKENDS.md).
pub(super) fn may_not_sign(told: Alert) -> bool {
    told == alert(CertificateError::Purpose) || told == Alert::ILLEGAL_PARAMETER
}

fn tampered(root: &Authority) -> Identity {
    let identity = root.server(NAME);
    with_chain(&identity, [with_bad_signature(identity.leaf())])
}

fn a_wrong_signature_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    Meeting::of(c, s).refuses(&root.roots(), &tampered(&root), CertificateError::BadSignature)
}

fn a_wrong_signature_is_refused_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let meeting = Meeting::of(c, s).speaking(Version::Tls12);
    meeting.refuses(&root.roots(), &tampered(&root), CertificateError::BadSignature)
}

fn with_extension(root: &Authority, critical: bool) -> Identity {
    // An arc under which nothing is registered; the content is an ASN.1 NULL.
    let mut extension =
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 7], vec![5, 0]);
    extension.set_criticality(critical);
    root.issue(Leaf::server(&[NAME]).with(|params| params.custom_extensions = vec![extension]))
}

fn an_unknown_critical_extension_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let why = CertificateError::UnhandledCriticalExtension;
    Meeting::of(c, s).refuses(&root.roots(), &with_extension(&root, true), why)
}

fn an_unknown_extension_that_is_not_critical_is_no_fault(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let root = root();
    Meeting::of(c, s).accepts(&root.roots(), &with_extension(&root, false))
}

pub(super) fn p384() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap()
}

pub(super) fn ed25519() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap()
}

fn accepts_key(meeting: Meeting<'_>, key: KeyPair) -> Result<()> {
    let root = root();
    meeting.accepts(&root.roots(), &root.issue(Leaf::server(&[NAME]).with_key(key)))
}

fn a_p384_certificate_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepts_key(Meeting::of(c, s), p384())
}

fn a_p384_certificate_is_accepted_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepts_key(Meeting::of(c, s).speaking(Version::Tls12), p384())
}

fn an_ed25519_certificate_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepts_ed25519(Meeting::of(c, s))
}

fn an_ed25519_certificate_is_accepted_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepts_ed25519(Meeting::of(c, s).speaking(Version::Tls12))
}

fn accepts_ed25519(meeting: Meeting<'_>) -> Result<()> {
    let root = root();
    let identity = root.issue(Leaf::server(&[NAME]).with_key(ed25519()));
    told::ed25519(meeting.pair(&root.roots(), &identity)?.handshakes())
}

fn accepts_root_key(c: &dyn Backend, s: &dyn Backend, key: KeyPair) -> Result<()> {
    let root = Authority::root_with_key("Root with another key", key);
    Meeting::of(c, s).accepts(&root.roots(), &root.server(NAME))
}

fn a_p384_root_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepts_root_key(c, s, p384())
}

fn an_ed25519_root_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    accepts_root_key(c, s, ed25519())
}

fn a_refused_certificate_stays_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let why = CertificateError::UnknownIssuer;
    let other = Authority::root("Root that nobody asked");
    let mut pair = Meeting::of(c, s).pair(&other.roots(), &root().server(NAME))?;
    told::refusal(pair.handshakes().0, why)?;
    let again = ErrorKind::Certificate(why);
    assert_eq!(pair.client.handshake().unwrap_err().kind(), again);
    assert_eq!(pair.client.write(b"secret").unwrap_err().kind(), again);
    assert_eq!(pair.client.read(&mut [0; 9]).unwrap_err().kind(), again);
    assert_eq!(pair.client.negotiated(), None);
    Ok(())
}
