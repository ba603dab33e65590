//! The ticket keys of a fleet, and the text that they are passed on as.

use std::fmt::{self, Write as _};

use zeroize::Zeroizing;

use super::TicketKeys;
use crate::{Error, ErrorKind, Result, hex};

/// The ticket keys that the servers of a fleet have in common: one to
/// [`SLOTS`](TicketKeys::SLOTS), the newest first.
///
/// As [text](Self::to_text) it is a line for each key: its revision, a number that tells keys apart, and its
/// 48 bytes in hexadecimal. Lines that are empty or begin with `#` say nothing. The last line has an
/// end too, so that a text that was cut short is noticed.
///
/// ```text
/// # the next, the one in use, an old one
/// 3 9f2c…
/// 2 41d0…
/// 1 e77a…
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TicketKeySet(Vec<(u32, Zeroizing<[u8; 48]>)>);

impl TicketKeySet {
    /// The longest text that is read, in bytes.
    pub const MOST_TEXT: usize = 16_384;

    /// A set with one key, made at random.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Backend`] if the system has no random numbers.
    pub fn new() -> Result<Self> {
        Ok(Self(vec![(1, random()?)]))
    }

    /// Reads the text of a set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], saying which line is wrong; never what stands in it.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > Self::MOST_TEXT {
            return Err(unusable(format!("it has more than {} bytes", Self::MOST_TEXT)));
        }
        if !text.is_empty() && !text.ends_with('\n') {
            return Err(unusable("the last line has no end: it may be cut short"));
        }
        let mut keys = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: &str| unusable(format!("line {}: {why}", i + 1));
            let mut words = line.split_ascii_whitespace();
            let revision = words.next().and_then(|word| word.parse().ok());
            let revision = revision.ok_or_else(|| wrong("it does not begin with a revision"))?;
            let secret = words.next().and_then(secret);
            let secret = secret.ok_or_else(|| wrong("the key is not 96 hexadecimal digits"))?;
            if words.next().is_some() {
                return Err(wrong("there is something after the key"));
            }
            if keys.iter().any(|(known, _)| *known == revision) {
                return Err(wrong(&format!("revision {revision} is there twice")));
            }
            if keys.len() == TicketKeys::SLOTS {
                return Err(wrong(&format!("there are more than {} keys", TicketKeys::SLOTS)));
            }
            keys.push((revision, secret));
        }
        match keys.is_empty() {
            true => Err(unusable("there is no key")),
            false => Ok(Self(keys)),
        }
    }

    /// The text, which is a secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.0.len() * 112));
        for (revision, secret) in &self.0 {
            let _ = write!(text, "{revision} "); // into memory
            for byte in secret.iter() {
                let _ = write!(text, "{byte:02x}");
            }
            text.push('\n');
        }
        text
    }

    /// The set with another key in front, made at random; the oldest of more than
    /// [`SLOTS`](TicketKeys::SLOTS) goes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if no revision is left; [`ErrorKind::Backend`] if the system has no random
    /// numbers.
    pub fn rotated(&self) -> Result<Self> {
        let next = self.revision().checked_add(1);
        let next = next.ok_or_else(|| unusable("no revision is left: the keys have to be new"))?;
        let mut keys = vec![(next, random()?)];
        keys.extend(self.0.iter().take(TicketKeys::SLOTS - 1).cloned());
        Ok(Self(keys))
    }

    /// The highest revision.
    pub fn revision(&self) -> u32 {
        self.0.iter().map(|(revision, _)| *revision).max().unwrap_or_default()
    }

    /// How many keys there are.
    #[allow(clippy::len_without_is_empty)] // it never is
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &[u8; 48])> {
        self.0.iter().map(|(revision, secret)| (*revision, &**secret))
    }
}

fn secret(digits: &str) -> Option<Zeroizing<[u8; 48]>> {
    let bytes = Zeroizing::new(hex::decode(digits)?);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

fn random() -> Result<Zeroizing<[u8; 48]>> {
    let mut secret = Zeroizing::new([0; 48]);
    getrandom::fill(&mut *secret).map_err(|e| {
        let why = format!("the system has no random numbers: {e}");
        Error::new(ErrorKind::Backend).because(why)
    })?;
    Ok(secret)
}

fn unusable(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config).because(why.into())
}

impl fmt::Debug for TicketKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revisions = self.0.iter().map(|(revision, _)| *revision).collect::<Vec<_>>();
        f.debug_struct("TicketKeySet").field("revisions", &revisions).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(of: char) -> String {
        of.to_string().repeat(96)
    }

    #[test]
    fn a_text_is_read_as_it_was_written() {
        let mut set = TicketKeySet::new().unwrap();
        for len in [1, 2, 3, 4, 4] {
            assert_eq!(set.len(), len);
            assert_eq!(TicketKeySet::parse(&set.to_text()).unwrap(), set);
            set = set.rotated().unwrap();
        }
        assert_eq!(set.revision(), 6);
        let revisions = set.iter().map(|(revision, _)| revision).collect::<Vec<_>>();
        assert_eq!(revisions, [6, 5, 4, 3]);
    }

    #[test]
    fn a_text_by_hand_may_have_comments_and_capitals() {
        let text = format!("# keys\r\n\n  7\t{}  \r\n 0 {}\n", digits('A'), digits('b'));
        let set = TicketKeySet::parse(&text).unwrap();
        let keys = set.iter().map(|(revision, secret)| (revision, secret[0])).collect::<Vec<_>>();
        assert_eq!(keys, [(7, 0xaa), (0, 0xbb)]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_without_the_key() {
        let a = digits('a');
        let five = (1..=5).map(|i| format!("{i} {a}\n")).collect::<String>();
        for (text, why) in [
            (String::new(), "there is no key"),
            ("# none\n".into(), "there is no key"),
            (format!("1 {a}"), "cut short"),
            (format!("1 {}\n", &a[1..]), "line 1: the key is not 96"),
            (format!("1 {a}a\n"), "line 1: the key is not 96"),
            (format!("1 {a}aa\n"), "line 1: the key is not 96"),
            (format!("1 {}é\n", &a[2..]), "line 1: the key is not 96"),
            ("1\n".into(), "line 1: the key is not 96"),
            (format!("\n{a}\n"), "line 2: it does not begin with a revision"),
            (format!("-1 {a}\n"), "line 1: it does not begin with a revision"),
            (format!("4294967296 {a}\n"), "line 1: it does not begin with a revision"),
            (format!("1 {a} {a}\n"), "line 1: there is something after"),
            (format!("1 {a}\n1 {a}\n"), "line 2: revision 1 is there twice"),
            (five, "line 5: there are more than 4 keys"),
            ("#\n".repeat(TicketKeySet::MOST_TEXT), "more than 16384 bytes"),
        ] {
            let e = TicketKeySet::parse(&text).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Config);
            assert!(e.to_string().contains(why), "{e}, not {why}");
            assert!(!e.to_string().contains("aaaa"), "{e}");
        }
    }

    #[test]
    fn revisions_come_to_an_end_and_nothing_is_printed_of_a_key() {
        let set = TicketKeySet::parse(&format!("{} {}\n", u32::MAX, digits('c'))).unwrap();
        assert_eq!(set.rotated().unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(format!("{set:?}"), "TicketKeySet { revisions: [4294967295], .. }");
    }
}
