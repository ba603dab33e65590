//! Private keys for polytls, without TLS: opened with their password in whatever form they come, or made
//! on the spot.
//!
//! Pure functions from bytes to a key in DER, with the cryptography of RustCrypto: there is no C code in
//! here, no file is read, and what a file may ask for is bounded. Ciphers stand here that nobody should
//! choose any more, since there are files that need them. Programs use `Identity` in `tls-core`.

mod error;
mod key;
mod made;
mod pbes2;
mod pkcs12;
mod pkcs8;
mod sealed;
mod traditional;

pub use error::KeyError;
pub use key::PrivateKey;
pub use made::{Name, self_signed};
pub use pkcs8::open_pkcs8;
pub use pkcs12::{Pair, open_pkcs12};
pub use traditional::open_traditional;
