//! TLS protocol versions and ranges of them.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

/// A TLS protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl Version {
    /// The stable name: `TLSv1.2` or `TLSv1.3`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }

    /// The number on the wire (RFC 8446 §4.2.1).
    pub const fn number(self) -> u16 {
        match self {
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    /// The version with this number on the wire, if it is one of ours.
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            0x0303 => Some(Self::Tls12),
            0x0304 => Some(Self::Tls13),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Version {
    type Err = Error;

    /// Parses `1.2` or `1.3`, with or without `tls` or `tlsv` before it, in any case.
    fn from_str(s: &str) -> Result<Self> {
        let lower = s.to_ascii_lowercase();
        let number = lower.strip_prefix("tls").unwrap_or(&lower);
        match number.strip_prefix('v').unwrap_or(number) {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            _ => Err(Error::new(ErrorKind::Config)
                .because(format!("'{s}' is not a TLS version: expected 1.2 or 1.3"))),
        }
    }
}

/// An inclusive range of versions; by default, all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Versions {
    min: Version,
    max: Version,
}

impl Versions {
    /// Only `version`.
    pub const fn only(version: Version) -> Self {
        Self { min: version, max: version }
    }

    /// From `min` to `max`, both included.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if `min` is newer than `max`.
    pub fn between(min: Version, max: Version) -> Result<Self> {
        if min > max {
            return Err(Error::new(ErrorKind::Config).because(format!(
                "the oldest version to accept, {min}, is newer than the newest, {max}"
            )));
        }
        Ok(Self { min, max })
    }

    /// The oldest version to accept.
    pub const fn min(self) -> Version {
        self.min
    }

    /// The newest version to offer.
    pub const fn max(self) -> Version {
        self.max
    }

    /// Whether `version` lies in the range.
    pub fn contains(self, version: Version) -> bool {
        (self.min..=self.max).contains(&version)
    }
}

impl Default for Versions {
    fn default() -> Self {
        Self { min: Version::Tls12, max: Version::Tls13 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_parse_as_people_write_them() {
        for text in ["1.2", "TLSv1.2", "tls1.2", "TLS1.2"] {
            assert_eq!(text.parse::<Version>().unwrap(), Version::Tls12);
        }
        for text in ["", "1.1", "1.4", "v", "tls", "ssl3"] {
            let e = text.parse::<Version>().unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Config);
        }
    }

    #[test]
    fn an_empty_range_is_refused() {
        assert!(Versions::between(Version::Tls13, Version::Tls12).is_err());
        let only = Versions::only(Version::Tls13);
        assert!(only.contains(Version::Tls13) && !only.contains(Version::Tls12));
    }
}
