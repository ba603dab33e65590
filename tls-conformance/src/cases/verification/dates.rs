//! Dates, of the peer's own certificate and of those above it.

use tls_core::{Backend, CertificateError, Result, Version};

use super::{Meeting, root};
use crate::cases::cases;
use crate::certs::{Authority, Leaf, set_days};
use crate::pair::NAME;

cases! { "verification";
    Pair an_expired_certificate_is_refused [CertificateReasons] []
        "A certificate whose validity has ended is refused.";
    Pair an_expired_certificate_is_refused_in_tls12 [CertificateReasons Tls12Client] [Tls12Server]
        "A certificate whose validity has ended is refused in TLS 1.2.";
    Pair an_expired_certificate_is_refused_in_tls13 [CertificateReasons Tls13Client] [Tls13Server]
        "A certificate whose validity has ended is refused in TLS 1.3.";
    Pair a_certificate_that_is_not_yet_valid_is_refused [CertificateReasons] []
        "A certificate whose validity has not begun is refused.";
    Pair a_certificate_that_is_not_yet_valid_is_refused_in_tls12 [CertificateReasons Tls12Client] [Tls12Server]
        "A certificate whose validity has not begun is refused in TLS 1.2.";
    Pair a_short_lived_certificate_is_accepted [] []
        "A certificate that is valid from yesterday until tomorrow is accepted.";
    Pair an_expired_intermediate_is_refused [CertificateReasons] []
        "A chain whose intermediate has expired is refused.";
    Pair an_intermediate_that_is_not_yet_valid_is_refused [CertificateReasons] []
        "A chain whose intermediate is not yet valid is refused.";
    Pair an_expired_root_is_refused [CertificateReasons] []
        "A chain whose root has expired is refused.";
    Pair a_root_that_is_not_yet_valid_is_refused [CertificateReasons] []
        "A chain whose root is not yet valid is refused.";
    Pair an_expired_certificate_is_refused_though_it_is_trusted [CertificateReasons] []
        "A certificate that is trusted as it is is refused once it has expired.";
    Pair an_expired_root_beside_a_good_one_does_no_harm [] []
        "An expired root that has nothing to do with the server does no harm.";
}

fn expired() -> Leaf {
    Leaf::server(&[NAME]).with(|params| set_days(params, -20, -10))
}

fn future() -> Leaf {
    Leaf::server(&[NAME]).with(|params| set_days(params, 10, 20))
}

fn refused(meeting: Meeting<'_>, leaf: Leaf, why: CertificateError) -> Result<()> {
    let root = root();
    meeting.refuses(&root.roots(), &root.issue(leaf), why)
}

fn an_expired_certificate_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    refused(Meeting::of(c, s), expired(), CertificateError::Expired)
}

fn an_expired_certificate_is_refused_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(c, s).speaking(Version::Tls12);
    refused(meeting, expired(), CertificateError::Expired)
}

fn an_expired_certificate_is_refused_in_tls13(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(c, s).speaking(Version::Tls13);
    refused(meeting, expired(), CertificateError::Expired)
}

fn a_certificate_that_is_not_yet_valid_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    refused(Meeting::of(c, s), future(), CertificateError::NotYetValid)
}

fn a_certificate_that_is_not_yet_valid_is_refused_in_tls12(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(c, s).speaking(Version::Tls12);
    refused(meeting, future(), CertificateError::NotYetValid)
}

fn a_short_lived_certificate_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = root();
    let leaf = Leaf::server(&[NAME]).with(|params| set_days(params, -1, 1));
    Meeting::of(c, s).accepts(&root.roots(), &root.issue(leaf))
}

fn intermediate_refused(
    c: &dyn Backend,
    s: &dyn Backend,
    days: (i64, i64),
    why: CertificateError,
) -> Result<()> {
    let root = root();
    let between =
        root.intermediate_with("Authority of another time", |p| set_days(p, days.0, days.1));
    Meeting::of(c, s).refuses(&root.roots(), &between.server(NAME), why)
}

fn an_expired_intermediate_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    intermediate_refused(c, s, (-20, -10), CertificateError::Expired)
}

fn an_intermediate_that_is_not_yet_valid_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    intermediate_refused(c, s, (10, 20), CertificateError::NotYetValid)
}

fn root_refused(
    c: &dyn Backend,
    s: &dyn Backend,
    days: (i64, i64),
    why: CertificateError,
) -> Result<()> {
    let root = Authority::root_with("Root of another time", |p| set_days(p, days.0, days.1));
    Meeting::of(c, s).refuses(&root.roots(), &root.server(NAME), why)?;
    let between = root.intermediate("Authority of this time");
    Meeting::of(c, s).refuses(&root.roots(), &between.server(NAME), why)
}

fn an_expired_root_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    root_refused(c, s, (-20, -10), CertificateError::Expired)
}

fn a_root_that_is_not_yet_valid_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    root_refused(c, s, (10, 20), CertificateError::NotYetValid)
}

fn an_expired_certificate_is_refused_though_it_is_trusted(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let identity = expired().self_signed();
    let roots = root().roots().with_der(identity.leaf().clone())?;
    Meeting::of(c, s).refuses(&roots, &identity, CertificateError::Expired)
}

fn an_expired_root_beside_a_good_one_does_no_harm(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let old = Authority::root_with("Root of another time", |p| set_days(p, -20, -10));
    let root = root();
    let roots = old.roots().with_der(root.certificate())?;
    Meeting::of(c, s).accepts(&roots, &root.server(NAME))
}
