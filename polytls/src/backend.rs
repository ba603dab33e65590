//! The TLS libraries in this build. The one file that knows the crate's features.
//!
//! A feature makes a backend available and changes nothing else: which one works is decided by the
//! program, by passing one of these to [`Client::new`](crate::Client::new) or
//! [`Server::new`](crate::Server::new).

use cfg_if::cfg_if;

use crate::{Backend, Error, ErrorKind, Result};

cfg_if! {
    if #[cfg(feature = "boring")] {
        pub use tls_boring::Boring;

        static BORING: Boring = Boring::new();

        /// BoringSSL, called `boring`.
        pub fn boring() -> &'static dyn Backend {
            &BORING
        }
    }
}

cfg_if! {
    if #[cfg(feature = "native")] {
        pub use tls_native::Native;

        static NATIVE: Native = Native::new();

        /// The platform's own library, called `native`.
        pub fn native() -> &'static dyn Backend {
            &NATIVE
        }
    }
}

cfg_if! {
    if #[cfg(feature = "openssl")] {
        pub use tls_openssl::Openssl;

        static OPENSSL: Openssl = Openssl::new();

        /// OpenSSL, called `openssl`.
        pub fn openssl() -> &'static dyn Backend {
            &OPENSSL
        }
    }
}

cfg_if! {
    if #[cfg(any(feature = "rustls", feature = "rustls-ring"))] {
        pub use tls_rustls::Rustls;
    }
}

cfg_if! {
    if #[cfg(feature = "rustls")] {
        static RUSTLS: Rustls = Rustls::aws_lc_rs();

        /// rustls with the cryptography of AWS-LC, called `rustls`.
        pub fn rustls() -> &'static dyn Backend {
            &RUSTLS
        }
    }
}

cfg_if! {
    if #[cfg(feature = "rustls-ring")] {
        static RUSTLS_RING: Rustls = Rustls::ring();

        /// rustls with the cryptography of ring, called `rustls-ring`.
        pub fn rustls_ring() -> &'static dyn Backend {
            &RUSTLS_RING
        }
    }
}

cfg_if! {
    if #[cfg(feature = "s2n")] {
        pub use tls_s2n::S2n;

        static S2N: S2n = S2n::new();

        /// s2n-tls, called `s2n`.
        pub fn s2n() -> &'static dyn Backend {
            &S2N
        }
    }
}

/// Every backend in this build, in alphabetical order.
pub fn all() -> &'static [&'static dyn Backend] {
    ALL
}

/// The backend called `name`.
///
/// # Errors
///
/// [`ErrorKind::Config`] if it is not in this build; the error lists those that are.
pub fn by_name(name: &str) -> Result<&'static dyn Backend> {
    all().iter().copied().find(|backend| backend.name() == name).ok_or_else(|| {
        let why = format!("no backend '{name}' in this build; it has {}", names());
        Error::new(ErrorKind::Config).because(why)
    })
}

/// The one backend in this build: for programs that leave the choice to Cargo.
///
/// # Errors
///
/// [`ErrorKind::Config`] if there is none, or more than one, and then the error lists them: a
/// feature that some other crate turns on must not silently change which library speaks.
pub fn only() -> Result<&'static dyn Backend> {
    let why = match all() {
        [backend] => return Ok(*backend),
        [] => "no backend in this build; turn on one of polytls' features, such as `rustls`".into(),
        _ => format!("several backends in this build ({}); choose one by name", names()),
    };
    Err(Error::new(ErrorKind::Config).because(why))
}

fn names() -> String {
    match all() {
        [] => "none".into(),
        all => all.iter().map(|backend| backend.name()).collect::<Vec<_>>().join(", "),
    }
}

static ALL: &[&dyn Backend] = &[
    #[cfg(feature = "boring")]
    &BORING,
    #[cfg(feature = "native")]
    &NATIVE,
    #[cfg(feature = "openssl")]
    &OPENSSL,
    #[cfg(feature = "rustls")]
    &RUSTLS,
    #[cfg(feature = "rustls-ring")]
    &RUSTLS_RING,
    #[cfg(feature = "s2n")]
    &S2N,
];
