//! The words in which libtls takes parameters: `secure`, `compat`, `legacy`, `all,!tlsv1.0` and the like.
//!
//! For programs that read such words from a file or the command line, and for those that come from libtls.
//! What is accepted and what is refused is as there; what a word means is said at each function, since the
//! backends here have nothing older than TLS 1.2. Every error has the kind
//! [`ErrorKind::Config`], and names the word and where it stands.
//!
//! ```
//! use tls_core::{Group, Version, Versions, keywords};
//!
//! # fn main() -> tls_core::Result<()> {
//! assert_eq!(keywords::protocols("all,!tlsv1.2")?, Versions::only(Version::Tls13));
//! assert_eq!(keywords::curves("X25519:P-256")?, [Group::X25519, Group::SECP256R1]);
//! let e = keywords::protocols("secure,sslv3").unwrap_err();
//! assert!(e.to_string().contains("'sslv3', at byte 7"));
//! # Ok(())
//! # }
//! ```

mod ciphers;
mod curves;
mod protocols;
#[cfg(test)]
mod tests;

pub use ciphers::{cipher_names, ciphers};
pub use curves::{curve, curves, dh_params};
pub use protocols::protocols;

use crate::{Error, ErrorKind};

/// A word, and at which byte it begins.
#[derive(Clone, Copy, Debug)]
struct Word<'a> {
    text: &'a str,
    at: usize,
}

impl Word<'_> {
    /// The error that it is not what was expected.
    fn refused(self, expected: &str) -> Error {
        let Self { text, at } = self;
        let what = match text {
            "" => format!("an empty word at byte {at}"),
            text => format!("'{}', at byte {at}", text.escape_debug()),
        };
        Error::new(ErrorKind::Config).because(format!("{what}: expected {expected}"))
    }
}

/// What stands between the separators, also if it is nothing; blanks and tabs before it are left out, those
/// after it are part of it.
fn words<'a>(text: &'a str, separators: &'static [char]) -> impl Iterator<Item = Word<'a>> {
    text.split(separators).map(move |part| {
        let word = part.trim_start_matches([' ', '\t']);
        // Both are parts of `text`.
        Word { text: word, at: word.as_ptr() as usize - text.as_ptr() as usize }
    })
}

/// Whether the whole of it is one of these words, in any case.
fn is_one_of(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(text))
}
