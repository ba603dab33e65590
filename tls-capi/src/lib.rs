//! polytls for C: shared objects whose functions are those of a C library, over any TLS library.
//!
//! Each ABI is a feature, and a shared object of its own, because their functions have the same names:
//!
//! - `libtls`: the ABI of LibreSSL's libtls. Programs that are linked with `libtls.so` run on it unchanged.
//! - `client`: the ABI of `tls_client.h`, as proposed for Julia: a client whose calls do not wait.
//! - `fio`: the ABI of facil.io's `fio_tls.h`, over its hooks.
//!
//! The backends are features too. With one of them in, that is the one; with several, the environment
//! variable `POLYTLS_BACKEND` chooses by name. `cargo xtask install-c` builds and installs; `docs/c.md` tells
//! the rest.
//!
//! Every exported function stands behind the `boundary`: no panic crosses it, and what C hands over is
//! looked at there. Nothing here is for programs in Rust: they use `polytls`.

// Each ABI needs its part of these.
#[macro_use]
#[allow(dead_code, unused_macros)]
mod boundary;
#[allow(dead_code)]
#[cfg(any(feature = "fio", feature = "libtls"))]
mod handles;
mod library;

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "fio")]
mod fio;
#[cfg(feature = "libtls")]
mod libtls;

#[cfg(all(feature = "client", feature = "libtls"))]
compile_error!(
    "`client` and `libtls` have functions of the same names: build one of them at a time"
);
