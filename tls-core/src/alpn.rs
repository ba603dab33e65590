//! Application protocols (ALPN, RFC 7301): the list, and how a server chooses from it.

use std::fmt;
use std::sync::Arc;

use crate::{Error, ErrorKind, Result};

/// A checked list of application protocol names, best first.
///
/// Cheap to clone. Each name has 1 to 255 bytes (RFC 7301 §3.1), and the list 32,768 at most.
/// A name that is no text in UTF-8 requires
/// [`Capability::AlpnBytes`](crate::Capability::AlpnBytes).
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Protocols(Arc<[Box<[u8]>]>);

impl Protocols {
    /// Checks `names`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a name is empty, longer than 255 bytes, or in the list twice, or if
    /// the whole list is longer than 32,768 bytes on the wire.
    pub fn new<N: AsRef<[u8]>>(names: impl IntoIterator<Item = N>) -> Result<Self> {
        let names: Vec<Box<[u8]>> = names.into_iter().map(|name| name.as_ref().into()).collect();
        let refuse = |why: String| Err(Error::new(ErrorKind::Config).because(why));
        for (i, name) in names.iter().enumerate() {
            let at = i + 1;
            match name.len() {
                0 => return refuse(format!("ALPN protocol {at} has an empty name")),
                1..=255 => {}
                n => return refuse(format!("ALPN protocol {at} has {n} bytes; 255 is the most")),
            }
            if names[..i].contains(name) {
                return refuse(format!("ALPN protocol {at} is in the list twice"));
            }
        }
        let wire: usize = names.iter().map(|name| name.len() + 1).sum();
        if wire > MAX_LIST {
            return refuse(format!(
                "the ALPN list has {wire} bytes on the wire; {MAX_LIST} is the most"
            ));
        }
        Ok(Self(names.into()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every name is text in UTF-8 without NUL, and longer than a byte.
    pub(crate) fn is_text(&self) -> bool {
        let is_text = |name: &[u8]| !name.contains(&0) && std::str::from_utf8(name).is_ok();
        self.iter().all(|name| name.len() > 1 && is_text(name))
    }

    /// The names, best first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The length-prefixed list that goes into a ClientHello (RFC 7301 §3.1, without the two
    /// bytes of overall length).
    pub fn to_wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        for name in self.iter() {
            // `new` checked that the length fits.
            wire.push(name.len() as u8);
            wire.extend_from_slice(name);
        }
        wire
    }

    /// The names in a length-prefixed list; stops at the first one that is cut short.
    pub fn names_on_wire(mut wire: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
        std::iter::from_fn(move || {
            let (&length, rest) = wire.split_first()?;
            let (name, rest) = rest.split_at_checked(length.into())?;
            wire = rest;
            Some(name)
        })
    }
}

impl fmt::Debug for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(String::from_utf8_lossy)).finish()
    }
}

/// Whose order decides when a server chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AlpnPreference {
    /// The server's own.
    #[default]
    Server,
    /// The client's.
    Client,
}

/// What a server does when a client offers protocols, but none that it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AlpnMismatch {
    /// Refuse the client with the alert `no_application_protocol` (RFC 7301 §3.2).
    #[default]
    Refuse,
    /// Go on without a protocol.
    Continue,
    /// Go on, and take the server's first protocol for agreed, also when the client offers no
    /// protocols at all. The client is told nothing.
    AssumeFirst,
}

/// What a server does about application protocols.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AlpnConfig {
    /// The protocols it knows, best first.
    pub protocols: Protocols,
    /// Whose order decides.
    pub preference: AlpnPreference,
    /// What happens without a common protocol.
    pub mismatch: AlpnMismatch,
}

/// What a server answers to the protocols that a client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlpnOutcome<'a> {
    /// This one.
    Selected(&'a [u8]),
    /// No ALPN extension in the answer; the handshake goes on.
    Nothing,
    /// The alert `no_application_protocol`.
    Refused,
}

impl AlpnConfig {
    /// Chooses among `offered`: the one place where the policy is applied, for every backend.
    pub fn choose<'a>(&self, offered: impl Iterator<Item = &'a [u8]> + Clone) -> AlpnOutcome<'a> {
        if self.protocols.is_empty() || offered.clone().next().is_none() {
            return AlpnOutcome::Nothing;
        }
        let selected = match self.preference {
            AlpnPreference::Server => self
                .protocols
                .iter()
                .find_map(|ours| offered.clone().find(|theirs| *theirs == ours)),
            AlpnPreference::Client => {
                offered.clone().find(|theirs| self.protocols.iter().any(|ours| ours == *theirs))
            }
        };
        match (selected, self.mismatch) {
            (Some(protocol), _) => AlpnOutcome::Selected(protocol),
            (None, AlpnMismatch::Refuse) => AlpnOutcome::Refused,
            (None, AlpnMismatch::Continue | AlpnMismatch::AssumeFirst) => AlpnOutcome::Nothing,
        }
    }

    /// The protocol to report when none was negotiated.
    pub(crate) fn assumed(&self) -> Option<&[u8]> {
        match self.mismatch {
            AlpnMismatch::AssumeFirst => self.protocols.iter().next(),
            AlpnMismatch::Refuse | AlpnMismatch::Continue => None,
        }
    }
}

/// RFC 7301 §3.1 allows twice as much, but all extensions of a ClientHello together have no more
/// room than that (RFC 8446 §4.1.2), and libraries fail in odd ways, or panic, where it ends.
const MAX_LIST: usize = 32_768;

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(ours: &[&str], theirs: &[&str], change: fn(&mut AlpnConfig)) -> Option<String> {
        let mut config =
            AlpnConfig { protocols: Protocols::new(ours).unwrap(), ..AlpnConfig::default() };
        change(&mut config);
        match config.choose(theirs.iter().map(|name| name.as_bytes())) {
            AlpnOutcome::Selected(name) => Some(String::from_utf8_lossy(name).into_owned()),
            AlpnOutcome::Nothing => None,
            AlpnOutcome::Refused => Some("refused".into()),
        }
    }

    #[test]
    fn the_order_that_counts_is_the_configured_one() {
        let (ours, theirs) = (&["a", "b"], &["b", "a"]);
        assert_eq!(choose(ours, theirs, |_| ()).unwrap(), "a");
        assert_eq!(choose(ours, theirs, |c| c.preference = AlpnPreference::Client).unwrap(), "b");
    }

    #[test]
    fn no_overlap_follows_the_policy_and_no_offer_is_no_mismatch() {
        assert_eq!(choose(&["a"], &["b"], |_| ()).unwrap(), "refused");
        assert_eq!(choose(&["a"], &["b"], |c| c.mismatch = AlpnMismatch::Continue), None);
        assert_eq!(choose(&["a"], &["b"], |c| c.mismatch = AlpnMismatch::AssumeFirst), None);
        assert_eq!(choose(&["a"], &[], |_| ()), None);
        assert_eq!(choose(&[], &["b"], |_| ()), None);
    }

    #[test]
    fn lists_are_checked() {
        let kind = |names: &[&[u8]]| Protocols::new(names).unwrap_err().kind();
        assert_eq!(kind(&[b""]), ErrorKind::Config);
        assert_eq!(kind(&[&[b'x'; 256]]), ErrorKind::Config);
        assert_eq!(kind(&[b"h2", b"h2"]), ErrorKind::Config);
        let many: Vec<_> =
            (0..129_u16).map(|i| [&[b'x'; 253][..], &i.to_be_bytes()].concat()).collect();
        assert!(Protocols::new(&many).is_err());
        assert!(Protocols::new(&many[1..]).is_ok());
        assert!(Protocols::new([[b'x'; 255]]).is_ok());
    }

    #[test]
    fn the_wire_format_goes_there_and_back() {
        let protocols = Protocols::new(["h2", "http/1.1"]).unwrap();
        let wire = protocols.to_wire();
        assert_eq!(wire, b"\x02h2\x08http/1.1");
        assert!(Protocols::names_on_wire(&wire).eq(protocols.iter()));
        assert_eq!(Protocols::names_on_wire(b"\x02h2\x09http").count(), 1);
    }
}
