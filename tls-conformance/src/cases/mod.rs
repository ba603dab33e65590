//! The cases, one file a group.

mod alpn;
mod client_auth;
mod closing;
mod differences;
mod driving;
mod early_data;
mod facts;
mod faults;
mod fleet;
mod handshake;
mod identity;
mod incoming;
mod kernel;
mod key_limit;
mod key_update;
mod misuse;
mod parameters;
mod resumption;
mod revocation;
mod secrets;
mod sendfile;
mod server_name;
mod staple;
mod tls_unique;
mod transfer;
mod trust;
mod verification;

use crate::case::Case;

/// Every case of the suite.
pub const CASES: &[&Case] = &ALL;

/// Declares the cases of one file: `kind name [client's needs] [server's needs] "promise";`.
macro_rules! cases {
    ($group:literal; $($(#[$attribute:meta])* $kind:ident $name:ident [$($client:ident)*] [$($server:ident)*] $promise:literal;)*) => {
        pub(in $crate::cases) const CASES: &[$crate::case::Case] = &[$($(#[$attribute])* $crate::case::Case {
            name: concat!($group, "::", stringify!($name)),
            promise: $promise,
            client: tls_core::Capabilities::of(&[$(tls_core::Capability::$client),*]),
            server: tls_core::Capabilities::of(&[$(tls_core::Capability::$server),*]),
            check: $crate::case::Check::$kind($name),
        }),*];
    };
}
use cases;

/// Defines the two functions of each promise that both versions keep, from one that takes the
/// version: `in_tls12 in_tls13 = function;`. With `=> T;` before them they give a `T`.
macro_rules! both_versions {
    ($($tls12:ident $tls13:ident = $check:ident;)*) => {
        $crate::cases::both_versions! { => (); $($tls12 $tls13 = $check;)* }
    };
    (=> $told:ty; $($tls12:ident $tls13:ident = $check:ident;)*) => {$(
        fn $tls12(client: &dyn tls_core::Backend, server: &dyn tls_core::Backend) -> tls_core::Result<$told> {
            $check(tls_core::Version::Tls12, client, server)
        }

        fn $tls13(client: &dyn tls_core::Backend, server: &dyn tls_core::Backend) -> tls_core::Result<$told> {
            $check(tls_core::Version::Tls13, client, server)
        }
    )*};
}
use both_versions;

/// Defines the two functions of each promise that both roles keep alone, from one that takes a
/// connection: `client server = function;`.
macro_rules! both_roles {
    ($($client:ident $server:ident = $check:ident;)*) => {$(
        fn $client(client: &dyn tls_core::Backend) -> tls_core::Result<()> {
            $check($crate::pair::Side::Client, &|| $crate::pair::client_alone(client))
        }

        fn $server(server: &dyn tls_core::Backend) -> tls_core::Result<()> {
            $check($crate::pair::Side::Server, &|| $crate::pair::server_alone(server))
        }
    )*};
}
use both_roles;

const GROUPS: &[&[Case]] = &[
    handshake::CASES,
    handshake::broken::CASES,
    handshake::refused::CASES,
    parameters::CASES,
    parameters::finer::CASES,
    parameters::profiles::CASES,
    parameters::schemes::CASES,
    facts::CASES,
    facts::signed::CASES,
    faults::CASES,
    faults::certificates::CASES,
    verification::CASES,
    verification::chains::CASES,
    verification::danger::CASES,
    verification::dates::CASES,
    verification::names::CASES,
    verification::order::CASES,
    verification::trust::CASES,
    trust::clock::CASES,
    trust::depth::CASES,
    trust::common_name::CASES,
    trust::pins::CASES,
    trust::follow::CASES,
    trust::replace::CASES,
    trust::uniform::CASES,
    trust::unverified::CASES,
    revocation::CASES,
    revocation::given::CASES,
    revocation::policies::CASES,
    revocation::scopes::CASES,
    staple::CASES,
    staple::beside::CASES,
    staple::serving::CASES,
    staple::unfit::CASES,
    staple::verdicts::CASES,
    alpn::CASES,
    server_name::CASES,
    identity::CASES,
    identity::later::CASES,
    identity::reload::CASES,
    identity::signer::CASES,
    incoming::CASES,
    client_auth::CASES,
    kernel::CASES,
    kernel::control::CASES,
    kernel::refused::CASES,
    key_limit::CASES,
    key_update::CASES,
    fleet::CASES,
    resumption::CASES,
    resumption::kept::CASES,
    early_data::CASES,
    early_data::refused::CASES,
    early_data::replayed::CASES,
    secrets::CASES,
    secrets::resumed::CASES,
    tls_unique::CASES,
    transfer::CASES,
    transfer::damage::CASES,
    transfer::streamed::CASES,
    sendfile::CASES,
    sendfile::refused::CASES,
    sendfile::sockets::CASES,
    sendfile::streamed::CASES,
    closing::CASES,
    differences::CASES,
    driving::CASES,
    driving::failing::CASES,
    driving::timing::CASES,
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
