//! What may be negotiated, beyond versions, suites and groups: named profiles, signature schemes, whose
//! order counts, the size of records; and the words in which people write such things down.

mod check;
mod finer;
pub mod keywords;
mod profile;
mod scheme;
mod suites;

pub use finer::{DhParams, SuiteOrder};
pub use profile::Profile;

pub(crate) use check::{check_lists, check_server, identity_fits};
pub(crate) use finer::Finer;

use crate::{Capabilities, Capability, CipherSuite, Group};

/// The capabilities that lists of suites and groups need.
pub(crate) fn lists_required(cipher_suites: &[CipherSuite], groups: &[Group]) -> Capabilities {
    let needed = [
        (!cipher_suites.is_empty(), Capability::CipherSuites),
        (cipher_suites.iter().any(|suite| suite.is_dhe()), Capability::DheSuites),
        (!groups.is_empty(), Capability::Groups),
        (cipher_suites.iter().any(|suite| suite.is_legacy()), Capability::LegacySuites),
        (groups.iter().any(|group| group.is_post_quantum()), Capability::PostQuantum),
    ];
    needed.into_iter().filter(|(on, _)| *on).map(|(_, what)| what).collect()
}
