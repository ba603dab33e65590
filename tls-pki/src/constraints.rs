//! Name constraints (RFC 5280 §4.2.1.10), for a library that does not know those on addresses.

use pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::Ia5String;
use x509_cert::ext::pkix::constraints::name::{GeneralSubtree, GeneralSubtrees};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{NameConstraints, SubjectAltName};

/// Whether every DNS name and IP address of `certificate` lies within the name constraints of
/// `issuer`; those on other kinds of names are not looked at.
///
/// `false` too if the certificate has an alternative name of another kind, if one of the two cannot
/// be read, or for a subtree with a distance, which nobody knows (RFC 5280 §4.2.1.10).
pub fn permits_names(issuer: &CertificateDer<'_>, certificate: &CertificateDer<'_>) -> bool {
    let limits = Certificate::from_der(issuer)
        .and_then(|issuer| issuer.tbs_certificate.get::<NameConstraints>());
    let names = Certificate::from_der(certificate)
        .and_then(|certificate| certificate.tbs_certificate.get::<SubjectAltName>());
    let (Ok(limits), Ok(names)) = (limits, names) else { return false };
    let Some((_, NameConstraints { permitted_subtrees, excluded_subtrees })) = limits else {
        return true;
    };
    let names = names.map(|(_, names)| names.0).unwrap_or_default();
    let (permitted, excluded) =
        (permitted_subtrees.unwrap_or_default(), excluded_subtrees.unwrap_or_default());
    permitted.iter().chain(&excluded).all(|tree| tree.minimum == 0 && tree.maximum.is_none())
        && names.iter().all(|name| is_permitted(name, &permitted, &excluded))
}

fn is_permitted(
    name: &GeneralName,
    permitted: &GeneralSubtrees,
    excluded: &GeneralSubtrees,
) -> bool {
    let known = matches!(name, GeneralName::DnsName(_) | GeneralName::IpAddress(_));
    let of_its_kind = |tree: &&GeneralSubtree| kind(&tree.base) == kind(name);
    let mut permitted = permitted.iter().filter(of_its_kind).peekable();
    known
        && (permitted.peek().is_none() || permitted.any(|tree| lies_within(name, &tree.base)))
        && !excluded.iter().any(|tree| lies_within(name, &tree.base) || holds(name, &tree.base))
}

fn kind(name: &GeneralName) -> std::mem::Discriminant<GeneralName> {
    std::mem::discriminant(name)
}

fn lies_within(name: &GeneralName, base: &GeneralName) -> bool {
    match (name, base) {
        (GeneralName::DnsName(name), GeneralName::DnsName(base)) => {
            let (name, base) = (lower(name), lower(base));
            // With a dot before it, the base itself is left out, as in every TLS library.
            let above = name.strip_suffix(&base);
            above.is_some_and(|above| {
                base.is_empty() || base.starts_with('.') || above.is_empty() || above.ends_with('.')
            })
        }
        (GeneralName::IpAddress(name), GeneralName::IpAddress(base)) => {
            let (name, base) = (name.as_bytes(), base.as_bytes());
            let (net, mask) = base.split_at(base.len() / 2);
            let same =
                name.iter().zip(net).zip(mask).all(|((name, net), mask)| name & mask == net & mask);
            net.len() == name.len() && mask.len() == name.len() && same
        }
        _ => false,
    }
}

/// Whether `name` is a wildcard that can stand for a name under `base`.
fn holds(name: &GeneralName, base: &GeneralName) -> bool {
    match (name, base) {
        (GeneralName::DnsName(name), GeneralName::DnsName(base)) => {
            let (name, base) = (lower(name), lower(base));
            name.strip_prefix('*').is_some_and(|parent| base.ends_with(parent))
        }
        _ => false,
    }
}

fn lower(name: &Ia5String) -> String {
    name.as_str().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CidrSubnet, GeneralSubtree, KeyPair, NameConstraints};

    use super::*;

    fn dns(name: &str) -> GeneralSubtree {
        GeneralSubtree::DnsName(name.into())
    }

    fn v4(net: [u8; 4], prefix: u8) -> GeneralSubtree {
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(net, prefix))
    }

    fn issued(params: CertificateParams) -> CertificateDer<'static> {
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn permits(
        permitted_subtrees: Vec<GeneralSubtree>,
        excluded_subtrees: Vec<GeneralSubtree>,
        names: &[&str],
    ) -> bool {
        let mut issuer = CertificateParams::default();
        issuer.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        issuer.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees });
        let names = names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        permits_names(&issued(issuer), &issued(CertificateParams::new(names).unwrap()))
    }

    #[test]
    fn addresses_lie_in_a_permitted_net_and_in_no_excluded_one() {
        let net = || v4([192, 0, 2, 0], 24);
        assert!(permits(vec![net()], vec![], &["192.0.2.7"]));
        assert!(!permits(vec![net()], vec![], &["192.0.3.7"]));
        assert!(!permits(vec![net()], vec![], &["192.0.2.7", "192.0.3.7"]));
        assert!(!permits(vec![net()], vec![], &["2001:db8::1"]));
        assert!(permits(vec![net(), v4([192, 0, 3, 0], 24)], vec![], &["192.0.3.7"]));
        assert!(!permits(vec![net()], vec![v4([192, 0, 2, 4], 30)], &["192.0.2.7"]));
        assert!(permits(vec![], vec![v4([192, 0, 2, 4], 30)], &["192.0.2.8"]));
        let net = CidrSubnet::from_v6_prefix([0x20; 16], 16);
        let net = || GeneralSubtree::IpAddress(net);
        assert!(permits(vec![net()], vec![], &["2020::1"]));
        assert!(!permits(vec![net()], vec![], &["2021::1"]));
    }

    #[test]
    fn names_of_one_kind_are_not_bound_by_constraints_on_the_other() {
        assert!(permits(vec![dns("here.test")], vec![], &["192.0.2.7", "a.here.test"]));
        assert!(!permits(vec![dns("here.test")], vec![], &["192.0.2.7", "a.there.test"]));
        assert!(permits(vec![v4([192, 0, 2, 0], 24)], vec![], &["there.test"]));
    }

    #[test]
    fn a_dns_name_lies_at_or_under_its_base() {
        let under = |base, name| permits(vec![dns(base)], vec![], &[name]);
        for name in ["here.test", "a.here.test", "*.here.test", "A.HERE.test"] {
            assert!(under("here.test", name), "{name}");
            assert!(under("", name), "{name}");
            assert!(!permits(vec![], vec![dns("here.test")], &[name]), "{name}");
        }
        for name in ["there.test", "test", "*.test", "here.test.evil"] {
            assert!(!under("here.test", name), "{name}");
        }
        assert!(under(".here.test", "a.here.test"));
        assert!(!under(".here.test", "here.test"));
        // What a wildcard may stand for counts as well.
        assert!(!permits(vec![], vec![dns("a.here.test")], &["*.here.test"]));
        assert!(permits(vec![], vec![dns("a.here.test")], &["*.there.test"]));
    }

    #[test]
    fn what_cannot_be_compared_is_not_permitted() {
        let mut params = CertificateParams::new(["here.test".to_owned()]).unwrap();
        let leaf = issued(params.clone());
        assert!(permits_names(&leaf, &leaf), "there are no constraints");
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![dns("here.test")],
            excluded_subtrees: vec![],
        });
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = issued(params.clone());
        assert!(permits_names(&issuer, &leaf));
        let mail = rcgen::SanType::Rfc822Name("someone@here.test".try_into().unwrap());
        params.subject_alt_names.push(mail);
        assert!(!permits_names(&issuer, &issued(params)));
        let junk = CertificateDer::from(vec![0x30, 0]);
        assert!(!permits_names(&junk, &leaf) && !permits_names(&leaf, &junk));
    }
}
