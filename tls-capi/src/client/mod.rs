//! The ABI of `tls_client.h`: a client whose every call but `tls_wait` returns at once.
//!
//! `abi.rs` has the functions, `slots.rs` what handles stand for, `connection.rs` a connection from its
//! first call to its last, `dial.rs` how a name becomes a socket, `crew.rs` the threads that wait in its place, `failure.rs` how errors are told, `ffi.rs`
//! what is asked of C. `docs/c-client.md` is the manual.

mod abi;
mod connection;
mod crew;
mod dial;
mod failure;
mod ffi;
mod slots;
mod socket;
