//! Lists that can never do what they say.

use super::{DhParams, Finer};
use crate::x509::{CertificateFacts, KeyKind};
use crate::{
    CipherSuite, Error, ErrorKind, Group, Identity, Result, SignatureScheme, Version, Versions,
};

/// Refuses lists with what is not on offer, with doubles, and such that leave a version that is on without
/// anything.
pub(crate) fn check_lists(
    versions: Versions,
    cipher_suites: &[CipherSuite],
    groups: &[Group],
    finer: &Finer,
) -> Result<()> {
    each("cipher suite", cipher_suites, |suite| suite.can_be_chosen())?;
    each("group", groups, |group| Group::DEFAULT.contains(&group))?;
    let schemes = &finer.signature_schemes[..];
    each("signature scheme", schemes, |scheme| SignatureScheme::DEFAULT.contains(&scheme))?;
    let without = |version: Version, what: &str| {
        refused(format!("{version} is on, but no {what} of it is in the list"))
    };
    for version in [Version::Tls12, Version::Tls13] {
        if !versions.contains(version) {
            continue;
        }
        let is_of = |suite: &CipherSuite| suite.is_tls13() == (version == Version::Tls13);
        if !cipher_suites.is_empty() && !cipher_suites.iter().any(is_of) {
            return without(version, "cipher suite");
        }
        if !schemes.is_empty() && !schemes.iter().any(|scheme| scheme.signs_in(version)) {
            return without(version, "signature scheme");
        }
    }
    let classical = groups.iter().any(|group| !group.is_post_quantum());
    if !groups.is_empty() && !classical && versions.contains(Version::Tls12) {
        return without(Version::Tls12, "group");
    }
    finer.validate()
}

/// Refuses an identity whose key cannot sign by any of these schemes, in one of these versions.
pub(crate) fn identity_fits(
    identity: &CertificateFacts,
    versions: Versions,
    schemes: &[SignatureScheme],
) -> Result<()> {
    let key = identity.key_kind();
    let fits = |version| schemes.iter().any(|scheme| scheme.fits(key) && scheme.signs_in(version));
    for version in [Version::Tls12, Version::Tls13] {
        if versions.contains(version) && !schemes.is_empty() && !fits(version) {
            return refused(format!(
                "{version} is on, but no signature scheme of it in the list fits the own key{}",
                described(key)
            ));
        }
    }
    Ok(())
}

/// What only a server can get wrong.
pub(crate) fn check_server(
    versions: Versions,
    cipher_suites: &[CipherSuite],
    finer: &Finer,
    identities: &[Identity],
) -> Result<()> {
    let dhe = cipher_suites.iter().find(|suite| suite.is_dhe());
    match (dhe, finer.dh_params) {
        (Some(suite), DhParams::None) => {
            return refused(format!(
                "cipher suite {suite} needs DH parameters, and there are none"
            ));
        }
        (None, DhParams::Auto) => {
            return refused("DH parameters are given, but no cipher suite in the list uses them");
        }
        (Some(_), DhParams::Auto) | (None, DhParams::None) => {}
    }
    for identity in identities {
        identity_fits(identity.leaf_facts(), versions, &finer.signature_schemes)?;
        let is_elsewhere = identity.signer().is_some() || identity.async_signer().is_some();
        if let (true, Some(suite)) =
            (is_elsewhere, cipher_suites.iter().find(|suite| suite.exchanges_by_rsa()))
        {
            return refused(format!(
                "cipher suite {suite} needs a key that decrypts, and an external signer only signs"
            ));
        }
    }
    Ok(())
}

/// Whether each is `allowed`, and none is there twice.
fn each<T: Copy + PartialEq + std::fmt::Display>(
    what: &str,
    list: &[T],
    allowed: impl Fn(T) -> bool,
) -> Result<()> {
    for (i, &member) in list.iter().enumerate() {
        if !allowed(member) {
            return refused(format!("{what} {member} is not one of those on offer here"));
        }
        if list[..i].contains(&member) {
            return refused(format!("{what} {member} is in the list twice"));
        }
    }
    Ok(())
}

fn described(key: KeyKind) -> &'static str {
    match key {
        KeyKind::EcdsaP256 => ", which is on P-256",
        KeyKind::EcdsaP384 => ", which is on P-384",
        KeyKind::EcdsaP521 => ", which is on P-521",
        KeyKind::Ed25519 => ", which is for Ed25519",
        KeyKind::Rsa => ", which is for RSA",
        KeyKind::Other => "",
    }
}

fn refused<T>(why: impl Into<String>) -> Result<T> {
    Err(Error::new(ErrorKind::Config).because(why.into()))
}
