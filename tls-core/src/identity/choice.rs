//! Which of a server's identities is presented.

use std::sync::Arc;

use super::Identity;
use crate::x509::{CertificateFacts, Fit, KeyKind};
use crate::{ClientHello, Version};

/// The identities of a server; the first is the default.
#[derive(Clone, Debug)]
pub struct Identities(Arc<[Identity]>);

impl Identities {
    pub(crate) fn new(identities: Vec<Identity>) -> Self {
        Self(identities.into())
    }

    /// What stands in the leaf of each: all that the choice needs, without the keys.
    pub(crate) fn facts(&self) -> Arc<[Arc<CertificateFacts>]> {
        self.0.iter().map(Identity::shared_leaf_facts).collect()
    }
}

/// Which identity to present to a client: by the name it asks for (SNI) and by the signatures it can
/// check. The one place where the choice is made, for every backend.
///
/// Of those whose key the client can use: the first whose certificate has exactly that name, else the
/// first with a wildcard for it, else the default. If it can use none of those that have the name, the
/// first of them; a client without a name, or with one that nobody has, gets the default or one that
/// shares a name with it.
pub(crate) fn choose(identities: &[Arc<CertificateFacts>], hello: Option<&ClientHello>) -> usize {
    let (Some(hello), Some(default)) = (hello, identities.first()) else { return 0 };
    let name = hello
        .server_name
        .as_deref()
        .map(|name| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase());
    let fit = |facts: &CertificateFacts| match &name {
        Some(name) => facts.fit(name),
        None => Fit::No,
    };
    let mut best = None;
    for wanted in [Fit::Exact, Fit::Wildcard] {
        for (i, facts) in identities.iter().enumerate().filter(|(_, facts)| fit(facts) == wanted) {
            if can_use(hello, facts) {
                return i;
            }
            best = best.or(Some(i));
        }
    }
    best.unwrap_or_else(|| {
        let alike = |facts: &CertificateFacts| {
            facts.dns_names().iter().any(|name| default.dns_names().contains(name))
        };
        let usable = identities.iter().enumerate();
        let mut usable =
            usable.filter(|(i, facts)| (*i == 0 || alike(facts)) && can_use(hello, facts));
        usable.next().map_or(0, |(i, _)| i)
    })
}

impl std::ops::Deref for Identities {
    type Target = [Identity];

    fn deref(&self) -> &[Identity] {
        &self.0
    }
}

/// Whether a client can check signatures made with the key of this certificate (RFC 8446 §4.2.3; for
/// TLS 1.2 its cipher suites must have a place for one as well, RFC 5246 §7.4.2).
fn can_use(hello: &ClientHello, facts: &CertificateFacts) -> bool {
    let schemes: &[u16] = match facts.key_kind() {
        KeyKind::Rsa => &[0x0401, 0x0501, 0x0601, 0x0804, 0x0805, 0x0806],
        KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::EcdsaP521 => &[0x0403, 0x0503, 0x0603],
        KeyKind::Ed25519 => &[0x0807],
        KeyKind::Other => return false,
    };
    // Without the list a client of old means what there was before it.
    let signs = hello.signature_schemes.is_empty()
        || schemes.iter().any(|scheme| hello.signature_schemes.contains(scheme));
    let is_rsa = facts.key_kind() == KeyKind::Rsa;
    let tls12 = hello.cipher_suites.iter().filter(|suite| !suite.is_tls13());
    let mut names = tls12.filter_map(|suite| suite.name());
    signs
        && (hello.versions.contains(&Version::Tls13.number())
            || names.any(|name| name.contains("_RSA_") == is_rsa))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello_with_everything() -> ClientHello {
        ClientHello { versions: vec![Version::Tls13.number()], ..ClientHello::default() }
    }

    #[test]
    fn the_best_fitting_identity_is_chosen() {
        let made = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let made = rcgen::generate_simple_self_signed(names).unwrap();
            Identity::from_der([made.cert.into()], &made.signing_key.serialize_der()).unwrap()
        };
        let identities = Identities::new(vec![
            made(&["default.test"]),
            made(&["*.zone.test"]),
            made(&["a.zone.test", "B.test"]),
            made(&["a.zone.test"]),
        ]);
        for (name, expected) in [
            (None, 0),
            (Some("default.test"), 0),
            (Some("nobody.test"), 0),
            (Some(""), 0),
            (Some("."), 0),
            (Some(".zone.test"), 0),
            (Some("zone.test"), 0),
            (Some("x.y.zone.test"), 0),
            (Some("x.zone.test"), 1),
            (Some("a.zone.test"), 2),
            (Some("A.Zone.TEST."), 2),
            (Some("b.test"), 2),
        ] {
            let hello =
                ClientHello { server_name: name.map(Into::into), ..hello_with_everything() };
            assert_eq!(choose(&identities.facts(), Some(&hello)), expected, "{name:?}");
        }
    }
}
