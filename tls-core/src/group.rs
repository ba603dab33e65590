//! Key-exchange groups by the number and name that IANA gave them.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

/// A key-exchange group, as numbered in IANA's "TLS Supported Groups" registry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(pub u16);

impl Group {
    /// NIST P-256 (RFC 8422).
    pub const SECP256R1: Self = Self(23);
    /// NIST P-384 (RFC 8422).
    pub const SECP384R1: Self = Self(24);
    /// NIST P-521 (RFC 8422).
    pub const SECP521R1: Self = Self(25);
    /// X25519 (RFC 8422).
    pub const X25519: Self = Self(29);
    /// The hybrid of ML-KEM-768 and X25519, safe also against a quantum computer.
    pub const X25519MLKEM768: Self = Self(4588);

    /// The groups in use when a configuration names none, best first.
    ///
    /// A backend without [`PostQuantum`](crate::Capability::PostQuantum) leaves the hybrid out.
    pub const DEFAULT: &'static [Self] =
        &[Self::X25519MLKEM768, Self::X25519, Self::SECP256R1, Self::SECP384R1];

    /// IANA's name, for the groups that a TLS library of today can speak.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|&&(id, _)| id == self.0).map(|&(_, name)| name)
    }

    /// Whether a quantum computer would not break the exchange.
    pub const fn is_post_quantum(self) -> bool {
        matches!(self.0, 512..=514 | 4587..=4589)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Group {
    type Err = Error;

    /// Parses one of IANA's names, such as `x25519` or `X25519MLKEM768`, in any case.
    fn from_str(s: &str) -> Result<Self> {
        let known = NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(s));
        known.map(|&(id, _)| Self(id)).ok_or_else(|| {
            Error::new(ErrorKind::Config).because(format!("'{s}' is not a group of IANA's list"))
        })
    }
}

const NAMES: &[(u16, &str)] = &[
    (21, "secp224r1"),
    (22, "secp256k1"),
    (23, "secp256r1"),
    (24, "secp384r1"),
    (25, "secp521r1"),
    (26, "brainpoolP256r1"),
    (27, "brainpoolP384r1"),
    (28, "brainpoolP512r1"),
    (29, "x25519"),
    (30, "x448"),
    (31, "brainpoolP256r1tls13"),
    (32, "brainpoolP384r1tls13"),
    (33, "brainpoolP512r1tls13"),
    (41, "curveSM2"),
    (256, "ffdhe2048"),
    (257, "ffdhe3072"),
    (258, "ffdhe4096"),
    (259, "ffdhe6144"),
    (260, "ffdhe8192"),
    (512, "MLKEM512"),
    (513, "MLKEM768"),
    (514, "MLKEM1024"),
    (4587, "SecP256r1MLKEM768"),
    (4588, "X25519MLKEM768"),
    (4589, "SecP384r1MLKEM1024"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for &(id, name) in NAMES {
            assert_eq!(name.parse::<Group>().unwrap(), Group(id));
            assert_eq!(Group(id).to_string(), name);
        }
        assert!("x25518".parse::<Group>().is_err());
        assert_eq!(Group(9).to_string(), "0x0009");
    }
}
