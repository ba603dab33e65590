//! Names: what a certificate says, and whom the client means to reach.

use rcgen::SanType;
use tls_core::{Backend, CertificateError, Result, Version};

use super::{Meeting, root};
use crate::cases::cases;
use crate::certs::{Leaf, distinguished};
use crate::pair::NAME;

cases! { "verification";
    Pair another_name_is_refused [CertificateReasons] []
        "A certificate for another name is refused.";
    Pair another_name_is_refused_in_tls12 [CertificateReasons Tls12Client] [Tls12Server]
        "A certificate for another name is refused in TLS 1.2.";
    Pair another_name_is_refused_in_tls13 [CertificateReasons Tls13Client] [Tls13Server]
        "A certificate for another name is refused in TLS 1.3.";
    Pair the_second_of_several_names_is_found [] []
        "Every name in a certificate counts, not only the first.";
    Pair a_name_below_the_certificates_is_another [CertificateReasons] []
        "A certificate for a name does not cover the names below it.";
    Pair a_name_above_the_certificates_is_another [CertificateReasons] []
        "A certificate for a name does not cover the one above it.";
    Pair a_name_that_only_begins_alike_is_another [CertificateReasons] []
        "A certificate does not cover a longer name that begins with its own.";
    Pair names_are_compared_without_case [] []
        "Upper and lower case do not matter, on either side.";
    Pair a_trailing_dot_of_the_asked_name_is_ignored [] []
        "A trailing dot of the name to reach does not matter.";
    Pair an_internationalised_name_fits_its_a_label [] []
        "A name beyond ASCII fits the A-label in the certificate.";
    Pair an_underscore_in_a_name_is_no_fault [] []
        "A name with an underscore can be reached.";
    Pair a_wildcard_covers_one_label [] []
        "A wildcard covers one label on the left.";
    Pair a_wildcard_covers_no_two_labels [CertificateReasons] []
        "A wildcard does not cover two labels.";
    Pair a_wildcard_does_not_cover_its_parent [CertificateReasons] []
        "A wildcard does not cover the name it stands under.";
    Pair a_wildcard_covers_no_other_parent [CertificateReasons] []
        "A wildcard does not cover names under another parent.";
    Pair a_wildcard_must_be_the_left_most_label [CertificateReasons] []
        "A wildcard in the middle covers nothing.";
    Pair a_wildcard_that_is_only_part_of_a_label_covers_nothing [CertificateReasons] []
        "A wildcard beside other letters covers nothing.";
    Pair a_wildcard_directly_under_a_top_level_domain_covers_nothing [CertificateReasons] []
        "A wildcard for a whole top-level domain covers nothing.";
    Pair a_wildcard_alone_covers_nothing [CertificateReasons] []
        "A wildcard without any parent covers nothing.";
    Pair a_wildcard_covers_an_a_label [] []
        "A wildcard covers the A-label of an internationalised name.";
    Pair a_wildcard_covers_no_ip_address [CertificateReasons] []
        "A wildcard that looks like an IP address does not cover one.";
    Pair a_wildcard_fits_whatever_the_case [] []
        "Upper and lower case do not matter under a wildcard.";
    Pair without_names_the_common_name_does_not_count [CertificateReasons] []
        "A certificate without a subject alternative name is refused, whatever its common name.";
    Pair with_other_names_the_common_name_does_not_count [CertificateReasons] []
        "A common name does not count beside subject alternative names.";
    Pair an_email_address_is_no_name_of_a_server [CertificateReasons] []
        "A certificate with only an e-mail address is refused, whatever its common name.";
    Pair an_ipv4_address_is_accepted [] []
        "A certificate for an IPv4 address fits it.";
    Pair another_ipv4_address_is_refused [CertificateReasons] []
        "A certificate for another IPv4 address is refused.";
    Pair an_ip_address_as_text_does_not_count [CertificateReasons] []
        "An IP address written as a DNS name does not count for the address.";
    Pair an_ip_address_as_common_name_does_not_count [CertificateReasons] []
        "An IP address as common name does not count.";
    Pair a_dns_name_is_not_the_name_of_an_address [CertificateReasons] []
        "A certificate for a DNS name is refused for an IP address.";
    Pair an_address_is_not_the_name_of_a_host [CertificateReasons] []
        "A certificate for an IP address is refused for a DNS name.";
    Pair an_ipv6_address_is_accepted_in_any_spelling [] []
        "A certificate for an IPv6 address fits it, in brackets, long or short.";
    Pair another_ipv6_address_is_refused [CertificateReasons] []
        "A certificate for another IPv6 address is refused.";
    Pair an_ipv4_address_is_not_its_mapped_ipv6_address [CertificateReasons] []
        "A certificate for an IPv4 address is refused for the IPv6 address that contains it.";
}

/// A client that means `asked` accepts a certificate with these names.
fn fits(c: &dyn Backend, s: &dyn Backend, names: &[&str], asked: &str) -> Result<()> {
    let root = root();
    Meeting::of(c, s).at(asked).accepts(&root.roots(), &root.issue(Leaf::server(names)))
}

/// A client that means `asked` refuses this certificate for its names.
fn leaf_misfits(meeting: Meeting<'_>, leaf: Leaf) -> Result<()> {
    let root = root();
    meeting.refuses(&root.roots(), &root.issue(leaf), CertificateError::NameMismatch)
}

/// A client that means `asked` refuses a certificate with these names.
fn misfits(c: &dyn Backend, s: &dyn Backend, names: &[&str], asked: &str) -> Result<()> {
    leaf_misfits(Meeting::of(c, s).at(asked), Leaf::server(names))
}

fn another_name_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &["other.test"], NAME)
}

fn another_name_is_refused_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    leaf_misfits(Meeting::of(c, s).speaking(Version::Tls12), Leaf::server(&["other.test"]))
}

fn another_name_is_refused_in_tls13(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    leaf_misfits(Meeting::of(c, s).speaking(Version::Tls13), Leaf::server(&["other.test"]))
}

fn the_second_of_several_names_is_found(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let names = ["first.test", "192.0.2.1", NAME, "2001:db8::1"];
    names.iter().try_for_each(|asked| fits(c, s, &names, asked))
}

fn a_name_below_the_certificates_is_another(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &[NAME], "www.server.test")
}

fn a_name_above_the_certificates_is_another(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &["www.server.test"], NAME)
}

fn a_name_that_only_begins_alike_is_another(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &[NAME], "server.test.evil.test")
}

fn names_are_compared_without_case(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    fits(c, s, &["SERVER.Test"], "server.test")?;
    fits(c, s, &["server.test"], "Server.TEST")
}

fn a_trailing_dot_of_the_asked_name_is_ignored(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    fits(c, s, &[NAME], "server.test.")
}

fn an_internationalised_name_fits_its_a_label(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    fits(c, s, &["xn--bcher-kva.test"], "bücher.test")?;
    fits(c, s, &["xn--bcher-kva.test"], "XN--BCHER-KVA.test")
}

fn an_underscore_in_a_name_is_no_fault(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    fits(c, s, &["a_server.test"], "a_server.test")
}

fn a_wildcard_covers_one_label(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    fits(c, s, &["*.zone.test"], "a.zone.test")?;
    fits(c, s, &["*.zone.test"], "another-one.zone.test")
}

fn a_wildcard_covers_no_two_labels(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &["*.zone.test"], "a.b.zone.test")
}

fn a_wildcard_does_not_cover_its_parent(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &["*.zone.test"], "zone.test")
}

fn a_wildcard_covers_no_other_parent(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &["*.zone.test"], "a.otherzone.test")
}

fn a_wildcard_must_be_the_left_most_label(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &["www.*.test"], "www.zone.test")?;
    misfits(c, s, &["*.*.test"], "www.zone.test")
}

fn a_wildcard_that_is_only_part_of_a_label_covers_nothing(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    misfits(c, s, &["f*.zone.test"], "foo.zone.test")?;
    misfits(c, s, &["*o.zone.test"], "foo.zone.test")?;
    misfits(c, s, &["f*o.zone.test"], "foo.zone.test")
}

fn a_wildcard_directly_under_a_top_level_domain_covers_nothing(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    misfits(c, s, &["*.test"], "zone.test")
}

fn a_wildcard_alone_covers_nothing(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &["*"], "localhost")?;
    misfits(c, s, &["*"], "zone.test")
}

fn a_wildcard_covers_an_a_label(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    fits(c, s, &["*.zone.test"], "bücher.zone.test")
}

fn a_wildcard_covers_no_ip_address(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let leaf = Leaf::server(&[]).with(|params| {
        params.subject_alt_names = vec![SanType::DnsName("*.0.2.1".try_into().unwrap())];
    });
    leaf_misfits(Meeting::of(c, s).at("192.0.2.1"), leaf)
}

fn a_wildcard_fits_whatever_the_case(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    fits(c, s, &["*.ZONE.test"], "a.zone.TEST")
}

/// A certificate whose common name is the right one, and which has no other name.
fn with_common_name(name: &str) -> Leaf {
    Leaf::server(&[]).with(|params| params.distinguished_name = distinguished(name))
}

fn without_names_the_common_name_does_not_count(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    leaf_misfits(Meeting::of(c, s), with_common_name(NAME))
}

fn with_other_names_the_common_name_does_not_count(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let names = Leaf::server(&["other.test", "192.0.2.1"]).params.subject_alt_names;
    let leaf = with_common_name(NAME).with(|params| params.subject_alt_names = names);
    leaf_misfits(Meeting::of(c, s), leaf)
}

fn an_email_address_is_no_name_of_a_server(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let leaf = with_common_name(NAME).with(|params| {
        let address = "postmaster@server.test".try_into().unwrap();
        params.subject_alt_names = vec![SanType::Rfc822Name(address)];
    });
    leaf_misfits(Meeting::of(c, s), leaf)
}

fn an_ipv4_address_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    fits(c, s, &["192.0.2.1"], "192.0.2.1")
}

fn another_ipv4_address_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &["192.0.2.1"], "192.0.2.2")
}

fn an_ip_address_as_text_does_not_count(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for ip in ["192.0.2.1", "2001:db8::1"] {
        let text = SanType::DnsName(ip.try_into().unwrap());
        let leaf = Leaf::server(&[]).with(|params| params.subject_alt_names = vec![text]);
        leaf_misfits(Meeting::of(c, s).at(ip), leaf)?;
    }
    Ok(())
}

fn an_ip_address_as_common_name_does_not_count(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    leaf_misfits(Meeting::of(c, s).at("192.0.2.1"), with_common_name("192.0.2.1"))
}

fn a_dns_name_is_not_the_name_of_an_address(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &[NAME], "192.0.2.1")
}

fn an_address_is_not_the_name_of_a_host(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &["192.0.2.1"], NAME)
}

fn an_ipv6_address_is_accepted_in_any_spelling(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for asked in ["2001:db8::1", "[2001:db8::1]", "2001:0DB8:0:0:0:0:0:1"] {
        fits(c, s, &["2001:db8::1"], asked)?;
    }
    Ok(())
}

fn another_ipv6_address_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &["2001:db8::1"], "2001:db8::2")
}

fn an_ipv4_address_is_not_its_mapped_ipv6_address(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    misfits(c, s, &["192.0.2.1"], "::ffff:192.0.2.1")
}
