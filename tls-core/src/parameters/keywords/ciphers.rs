//! The words for cipher suites, `tls_config_set_ciphers(3)`.

use super::{Word, is_one_of, words};
use crate::{CipherSuite, Profile, Result};

/// Parses a word for cipher suites, or a list of their names.
///
/// - `secure`, `default`: [`CipherSuite::DEFAULT`]
/// - `compat`, `legacy`, `all`, `insecure`: those of [`Profile::Legacy`], which are all that there is here:
///   what else libtls means by the last three is weaker than 112 bits
/// - else names of IANA's or of OpenSSL's, as [`cipher_names`] reads them; where none is of TLS 1.3, the
///   defaults of TLS 1.3 come before them, as in libtls, whose list is about older versions
///
/// Case matters for names, not for words. libtls' `secure` has DHE suites too, which not every library has:
/// they are to be named.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) as [`cipher_names`].
pub fn ciphers(text: &str) -> Result<Vec<CipherSuite>> {
    if is_one_of(text, &["secure", "default"]) {
        return Ok(CipherSuite::DEFAULT.to_vec());
    }
    if is_one_of(text, &["compat", "legacy", "all", "insecure"]) {
        return Ok(Profile::Legacy.cipher_suites());
    }
    let named = cipher_names(text)?;
    if named.iter().any(|suite| suite.is_tls13()) {
        return Ok(named);
    }
    let tls13 = CipherSuite::DEFAULT.iter().copied().filter(|suite| suite.is_tls13());
    Ok(tls13.chain(named).collect())
}

/// Parses a list of cipher suites, best first, by IANA's or OpenSSL's names: those, and no others.
///
/// Separators are `:`, `,`, `;`, blanks and tabs, one or more of them.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for a name that is none, so also for OpenSSL's rules
/// (`HIGH`, `!aNULL`, `ECDHE+AESGCM`, `@STRENGTH`), for a suite that cannot be
/// [chosen](CipherSuite::can_be_chosen) or is there twice, and for a list of nothing.
pub fn cipher_names(text: &str) -> Result<Vec<CipherSuite>> {
    let mut suites = Vec::new();
    for word in words(text, &[':', ',', ';', ' ', '\t']).filter(|word| !word.text.is_empty()) {
        let expected = "the name of a cipher suite, IANA's or OpenSSL's";
        let suite: CipherSuite = word.text.parse().map_err(|_| word.refused(expected))?;
        if !suite.can_be_chosen() {
            return Err(word.refused("a cipher suite that is on offer here"));
        }
        if suites.contains(&suite) {
            return Err(word.refused("each cipher suite once"));
        }
        suites.push(suite);
    }
    if suites.is_empty() {
        return Err(Word { text: "", at: 0 }.refused("the name of a cipher suite"));
    }
    Ok(suites)
}
