//! The words for versions, `tls_config_parse_protocols(3)`.

use super::{Word, words};
use crate::{Error, ErrorKind, Result, Version, Versions};

/// Parses words for versions, separated by `,` or `:`.
///
/// - `secure`, `default`, `all`, `legacy` and `tlsv1`: TLS 1.2 and 1.3
/// - `tlsv1.2`, `tlsv1.3`: that one
/// - `tlsv1.0`, `tlsv1.1`: nothing, as in LibreSSL of today, which accepts the words and has no such versions
/// - any of them after `!`: without it; before all others it means everything but it
///
/// Case does not matter. Blanks and tabs may stand before a word, but neither after it nor after `!`.
///
/// # Errors
///
/// [`ErrorKind::Config`] for any other word, also an empty one, and where no version is left.
pub fn protocols(text: &str) -> Result<Versions> {
    let mut chosen = 0;
    for Word { text: word, at } in words(text, &[',', ':']) {
        let (is_without, name) = match word.strip_prefix('!') {
            Some(name) => (true, name),
            None => (false, word),
        };
        let known = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((_, bits)) = known else {
            return Err(Word { text: word, at }.refused(EXPECTED));
        };
        match is_without {
            true if chosen == 0 => chosen = ALL & !bits,
            true => chosen &= !bits,
            false => chosen |= bits,
        }
    }
    match chosen & ALL {
        ALL => Ok(Versions::default()),
        TLS12 => Ok(Versions::only(Version::Tls12)),
        TLS13 => Ok(Versions::only(Version::Tls13)),
        _ => {
            let why =
                format!("'{text}' leaves no version: TLSv1.2 and TLSv1.3 are those there are");
            Err(Error::new(ErrorKind::Config).because(why))
        }
    }
}

/// libtls' bits, since what is left of a set is what counts, and whether it is empty.
const TLS10: u8 = 0x02;
const TLS11: u8 = 0x04;
const TLS12: u8 = 0x08;
const TLS13: u8 = 0x10;
const ALL: u8 = TLS12 | TLS13;

const WORDS: &[(&str, u8)] = &[
    ("all", ALL),
    ("legacy", ALL),
    ("default", ALL),
    ("secure", ALL),
    ("tlsv1", ALL),
    ("tlsv1.0", TLS10),
    ("tlsv1.1", TLS11),
    ("tlsv1.2", TLS12),
    ("tlsv1.3", TLS13),
];

const EXPECTED: &str = "secure, default, all, legacy, tlsv1, tlsv1.0, tlsv1.1, tlsv1.2 or tlsv1.3, or one of them after !";
