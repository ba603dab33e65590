//! X.509 for polytls, without TLS: what stands in certificates, whether a chain is good, which
//! certificates have been revoked.
//!
//! The ASN.1 is read by the crate `x509-cert`, paths are built by `webpki`. There is no cryptography
//! in here: signatures are checked with the algorithms that the caller lends, those of its TLS
//! library. Programs use what `tls-core` re-exports.

mod binding;
mod chain;
mod constraints;
mod crl;
mod error;
mod facts;
mod refusal;
mod signature;
mod untimed;

pub use binding::server_end_point;
pub use chain::{Chain, MAX_INTERMEDIATES, Path, Question};
pub use constraints::permits_names;
pub use crl::{Listed, RevocationList, UnusableList};
pub use error::{CertificateError, Malformed};
pub use facts::{CertificateFacts, Fit, KeyKind, Purpose, is_self_issued};
pub use refusal::Refusal;
pub use signature::{
    Algorithms, SignatureError, common_algorithms, verify_certificate, verify_signature,
};
