//! The common name, where a program asks for the practice of old.

use rcgen::{DistinguishedName, DnType, ExtendedKeyUsagePurpose, SanType};
use tls_core::danger::Skip;
use tls_core::{CertificateError, Checks, Result};

use super::{Trial, facts, of_servers, root, stranger};
use crate::cases::cases;
use crate::certs::{Leaf, distinguished, set_days};
use crate::pair::NAME;

cases! { "common_name";
    Pair it_counts_if_there_is_no_other_name [CommonNames CertificateReasons] []
        "A certificate without any other name is accepted for its common name, if that is asked for.";
    Pair it_counts_beside_an_email_address [CommonNames] []
        "A common name counts beside alternative names that are none of a server.";
    Pair a_wildcard_in_it_counts [CommonNames CertificateReasons] []
        "A wildcard in the common name covers one label, as any other.";
    Pair an_address_in_it_counts [CommonNames CertificateReasons] []
        "An IP address as common name counts for that address, and for no other.";
    Pair its_case_does_not_matter [CommonNames] []
        "Upper and lower case do not matter in a common name.";
    Pair another_one_is_refused [CommonNames CertificateReasons] []
        "Another common name is refused.";
    Pair it_does_not_count_beside_a_dns_name [CommonNames CertificateReasons] []
        "A common name does not count beside a DNS name.";
    Pair it_does_not_count_beside_an_address [CommonNames CertificateReasons] []
        "A common name does not count beside an IP address.";
    Pair of_several_none_counts [CommonNames CertificateReasons] []
        "Of several common names none counts.";
    Pair it_does_not_replace_other_names [CommonNames CertificateReasons] []
        "Where common names count, alternative names do as before.";
    Pair it_does_not_replace_the_chain [CommonNames CertificateReasons] []
        "A common name does not make up for an unknown issuer, another purpose or an old date.";
    Pair it_is_the_names_only_where_the_chain_is_left_out
        [CommonNames SkipChainVerification CertificateReasons] []
        "Where the chain is left out, the common name still has to be right.";
}

of_servers! {
    it_counts_if_there_is_no_other_name = counts;
    it_counts_beside_an_email_address = beside_email;
    a_wildcard_in_it_counts = wildcard;
    an_address_in_it_counts = address;
    its_case_does_not_matter = case;
    another_one_is_refused = another;
    it_does_not_count_beside_a_dns_name = beside_dns;
    it_does_not_count_beside_an_address = beside_address;
    of_several_none_counts = several;
    it_does_not_replace_other_names = others;
    it_does_not_replace_the_chain = not_the_chain;
    it_is_the_names_only_where_the_chain_is_left_out = without_chain;
}

/// A certificate whose only name is this common name.
fn named(name: &str) -> Leaf {
    Leaf::server(&[]).with(|params| params.distinguished_name = distinguished(name))
}

fn beside(name: &str, others: Vec<SanType>) -> Leaf {
    named(name).with(|params| params.subject_alt_names = others)
}

fn of_old<'a>(trial: &Trial<'a>) -> Trial<'a> {
    trial.asking(Checks::new().accept_common_name())
}

/// A client that means `asked` and looks at common names accepts this certificate.
fn accepted(trial: &Trial<'_>, asked: &str, leaf: Leaf) -> Result<()> {
    let root = root();
    of_old(trial).at(asked).accepts(&root.roots(), &root.issue(leaf))
}

/// A client that means `asked` refuses this certificate for its names, though it looks at common names.
fn refused(trial: &Trial<'_>, asked: &str, leaf: Leaf) -> Result<()> {
    accepted(trial, NAME, named(NAME))?;
    let root = root();
    let why = CertificateError::NameMismatch;
    of_old(trial).at(asked).refuses(&root.roots(), &root.issue(leaf), why)
}

fn counts(trial: &Trial<'_>) -> Result<()> {
    accepted(trial, NAME, named(NAME))?;
    let root = root();
    let why = CertificateError::NameMismatch;
    trial.refuses(&root.roots(), &root.issue(named(NAME)), why)
}

fn beside_email(trial: &Trial<'_>) -> Result<()> {
    let address = SanType::Rfc822Name("postmaster@server.test".try_into().unwrap());
    accepted(trial, NAME, beside(NAME, vec![address]))
}

fn wildcard(trial: &Trial<'_>) -> Result<()> {
    accepted(trial, "a.zone.test", named("*.zone.test"))?;
    refused(trial, "a.b.zone.test", named("*.zone.test"))?;
    refused(trial, "zone.test", named("*.zone.test"))?;
    refused(trial, "zone.test", named("*.test"))
}

fn address(trial: &Trial<'_>) -> Result<()> {
    refused(trial, "192.0.2.2", named("192.0.2.1"))?;
    accepted(trial, "192.0.2.1", named("192.0.2.1"))?;
    accepted(trial, "2001:db8::1", named("2001:db8:0::1"))
}

fn case(trial: &Trial<'_>) -> Result<()> {
    accepted(trial, "server.TEST", named("Server.test"))
}

fn another(trial: &Trial<'_>) -> Result<()> {
    refused(trial, NAME, named("other.test"))?;
    refused(trial, NAME, named("nameless server"))?;
    refused(trial, NAME, named("server.test\0.other.test"))
}

fn beside_dns(trial: &Trial<'_>) -> Result<()> {
    let other = SanType::DnsName("other.test".try_into().unwrap());
    refused(trial, NAME, beside(NAME, vec![other]))
}

fn beside_address(trial: &Trial<'_>) -> Result<()> {
    refused(trial, NAME, beside(NAME, vec![SanType::IpAddress([192, 0, 2, 1].into())]))
}

fn several(trial: &Trial<'_>) -> Result<()> {
    for names in [[NAME, "other.test"], ["other.test", NAME]] {
        let leaf = Leaf::server(&[]).with(|params| {
            let mut subject = DistinguishedName::new();
            subject.push(DnType::CommonName, names[0]);
            // rcgen keeps one attribute of each type; this is the common name's number again.
            subject.push(DnType::CustomDnType(vec![2, 5, 4, 3]), names[1]);
            params.distinguished_name = subject;
        });
        accepted(trial, NAME, named(NAME))?;
        let root = root();
        let identity = root.issue(leaf);
        assert_eq!(facts(identity.leaf()).common_names(), names, "the fixture has both");
        let why = CertificateError::NameMismatch;
        of_old(trial).refuses(&root.roots(), &identity, why)?;
    }
    Ok(())
}

fn others(trial: &Trial<'_>) -> Result<()> {
    accepted(trial, NAME, named(NAME))?;
    accepted(trial, NAME, Leaf::server(&["other.test", NAME]))?;
    refused(trial, NAME, Leaf::server(&["other.test"]))
}

fn not_the_chain(trial: &Trial<'_>) -> Result<()> {
    accepted(trial, NAME, named(NAME))?;
    let (root, trial) = (root(), of_old(trial));
    let refuses = |identity, why| trial.refuses(&root.roots(), &identity, why);
    refuses(stranger().issue(named(NAME)), CertificateError::UnknownIssuer)?;
    refuses(named(NAME).self_signed(), CertificateError::SelfSigned)?;
    let expired = named(NAME).with(|params| set_days(params, -20, -10));
    refuses(root.issue(expired), CertificateError::Expired)?;
    let purposes = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let for_clients = named(NAME).with(|params| params.extended_key_usages = purposes);
    refuses(root.issue(for_clients), CertificateError::Purpose)
}

fn without_chain(trial: &Trial<'_>) -> Result<()> {
    let (root, stranger) = (root(), stranger());
    let trial = of_old(trial).skipping(Skip::nothing().chain());
    trial.accepts(&root.roots(), &stranger.issue(named(NAME)))?;
    let why = CertificateError::NameMismatch;
    trial.refuses(&root.roots(), &stranger.issue(named("other.test")), why)
}
