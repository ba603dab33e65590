//! What may be wrong with a key, or with the file that holds it.

use std::error::Error;

use x509_cert::der;
use x509_cert::der::oid::ObjectIdentifier;

/// Why a key is not read, or not made.
///
/// `Display` says it of "it": who reads a file puts the file's name before.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It needs an algorithm, or holds content, that is not read here.
    #[error("not supported: {what} {oid}")]
    Algorithm {
        /// What the number stands for, such as `the cipher`.
        what: &'static str,
        /// The number that names it.
        oid: ObjectIdentifier,
    },
    /// A certificate beside the key is not well-formed.
    #[error("not supported: a certificate is not well-formed DER: {0}")]
    Certificate(#[source] der::Error),
    /// To derive its key takes more work than a file may ask for.
    #[error("to derive its key takes more time or memory than a file may ask for")]
    Expensive,
    /// It is not the DER that it should be.
    #[error("not well-formed DER")]
    Malformed(#[from] der::Error),
    /// A name is none that a certificate can have.
    #[error("a name cannot stand in a certificate")]
    Name(#[source] Source),
    /// A certificate that is made has no name.
    #[error("it needs a name")]
    NoName,
    /// It is protected by a password, and there is none.
    #[error("protected by a password, and none was given")]
    NoPassword,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness(#[source] Source),
    /// The system's random numbers make no key, however often they are asked for.
    #[error("the system's random numbers are not random")]
    NotRandom,
    /// The certificate or its key cannot be written.
    #[error("it cannot be made")]
    Unmade(#[source] Source),
    /// There is a password, and nothing that it protects.
    #[error("a password was given, but nothing in it is protected by one")]
    Unprotected,
    /// It has something else that is not read here: a parameter, a number of parts.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// What the password decrypts makes no sense.
    #[error("the password is wrong, or it is damaged")]
    WrongPassword,
}

/// What a library says.
type Source = Box<dyn Error + Send + Sync>;

impl KeyError {
    /// This password does not open it; an empty one is none.
    pub(super) fn closed_to(password: &str) -> Self {
        if password.is_empty() { Self::NoPassword } else { Self::WrongPassword }
    }
}
