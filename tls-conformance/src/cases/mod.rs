//! The cases, one file a group.

mod alpn;
mod client_auth;
mod closing;
mod driving;
mod facts;
mod handshake;
mod misuse;
mod parameters;
mod server_name;
mod transfer;
mod verification;

use crate::case::Case;

/// Every case of the suite.
pub const CASES: &[&Case] = &ALL;

/// Declares the cases of one file: `kind name [client's needs] [server's needs] "promise";`.
macro_rules! cases {
    ($group:literal; $($kind:ident $name:ident [$($client:ident)*] [$($server:ident)*] $promise:literal;)*) => {
        pub(in crate::cases) const CASES: &[$crate::case::Case] = &[$($crate::case::Case {
            name: concat!($group, "::", stringify!($name)),
            promise: $promise,
            client: tls_core::Capabilities::of(&[$(tls_core::Capability::$client),*]),
            server: tls_core::Capabilities::of(&[$(tls_core::Capability::$server),*]),
            check: $crate::case::Check::$kind($name),
        }),*];
    };
}
use cases;

const GROUPS: &[&[Case]] = &[
    handshake::CASES,
    parameters::CASES,
    facts::CASES,
    verification::CASES,
    verification::chains::CASES,
    verification::danger::CASES,
    verification::dates::CASES,
    verification::names::CASES,
    verification::order::CASES,
    verification::trust::CASES,
    alpn::CASES,
    server_name::CASES,
    client_auth::CASES,
    transfer::CASES,
    closing::CASES,
    driving::CASES,
    misuse::CASES,
];

const COUNT: usize = {
    let (mut count, mut i) = (0, 0);
    while i < GROUPS.len() {
        count += GROUPS[i].len();
        i += 1;
    }
    count
};

const ALL: [&Case; COUNT] = {
    let mut all = [&GROUPS[0][0]; COUNT];
    let (mut at, mut i) = (0, 0);
    while i < GROUPS.len() {
        let mut j = 0;
        while j < GROUPS[i].len() {
            all[at] = &GROUPS[i][j];
            at += 1;
            j += 1;
        }
        i += 1;
    }
    all
};
