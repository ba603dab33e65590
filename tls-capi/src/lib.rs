//! polytls for C: shared objects whose functions are those of a C library, over any TLS library.
//!
//! Each ABI is a feature, and a shared object of its own, because their functions have the same names:
//!
//! - `libtls`: the ABI of LibreSSL's libtls. Programs that are linked with `libtls.so` run on it unchanged.
//!
//! The backends are features too. With one of them in, that is the one; with several, the environment
//! variable `POLYTLS_BACKEND` chooses by name. `cargo xtask install-c` builds and installs; `docs/c.md` tells
//! the rest.
//!
//! Every exported function stands behind the `boundary`: no panic crosses it, and what C hands over is
//! looked at there. Nothing here is for programs in Rust: they use `polytls`.

#[macro_use]
mod boundary;
mod handles;
mod library;

#[cfg(feature = "libtls")]
mod libtls;
