//! The ABI of facil.io's `fio_tls.h`, over its hooks for reading and writing.
//!
//! `abi.rs` has the functions, `settings.rs` what they set, `connection.rs` what the hooks do, `facil.rs` what is
//! asked of facil.io. `docs/fio.md` is the manual.

mod abi;
mod connection;
mod facil;
mod settings;
