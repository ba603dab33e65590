//! What is checked of a peer's certificates, besides the roots that they must lead to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use pki_types::{CertificateDer, UnixTime};

use crate::resumption::Fingerprint;
use crate::x509::{CertificateFacts, MAX_INTERMEDIATES, Purpose};
use crate::{Capability, CertificateError, Error, ErrorKind, Result, RevocationLists, ServerName};

/// What is checked of a peer's certificates, besides the roots that they must lead to: an immutable
/// value, cheap to clone, the same for a client (of its server) and a server (of its clients).
///
/// The default is what a program needs that sets nothing: the library's own verification, now, through
/// at most six intermediate certificates.
#[derive(Clone, Debug)]
#[must_use]
pub struct Checks {
    clock: Clock,
    common_name: bool,
    depth: usize,
    pins: Arc<[Pin]>,
    revocation: Option<RevocationLists>,
    verification: Verification,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            clock: Clock::System,
            common_name: false,
            depth: MAX_INTERMEDIATES,
            pins: Arc::default(),
            revocation: None,
            verification: Verification::Library,
        }
    }
}

impl Checks {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// What time it is. Requires [`Capability::VerificationTime`] if it is not the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Lets a certificate that has neither a dNSName nor an iPAddress entry be for the one common name
    /// in its subject, as programs did before RFC 6125 §6.4.4. Requires [`Capability::CommonNames`].
    pub fn accept_common_name(mut self) -> Self {
        self.common_name = true;
        self
    }

    /// The most intermediate certificates between the peer's own and what is trusted: 0 to 6, which is
    /// the default. Requires [`Capability::LimitChain`] if it is less.
    pub fn depth(mut self, most: usize) -> Self {
        self.depth = most;
        self
    }

    /// Asks for one of these keys somewhere in the verified chain, or, where the chain is not
    /// verified by the library, in the peer's own certificate. Without pins any key will do. Requires
    /// [`Capability::CustomVerification`].
    pub fn pins(mut self, pins: impl IntoIterator<Item = Pin>) -> Self {
        self.pins = pins.into_iter().collect();
        self
    }

    /// Refuses certificates that these lists revoke. Requires [`Capability::RevocationLists`].
    pub fn revocation(mut self, lists: RevocationLists) -> Self {
        self.revocation = Some(lists);
        self
    }

    /// Who decides. Requires [`Capability::UniformVerification`] or
    /// [`Capability::CustomVerification`] if it is not the library alone.
    pub fn verification(mut self, by: Verification) -> Self {
        self.verification = by;
        self
    }

    /// For backends: what time it is.
    pub fn clock_in_use(&self) -> &Clock {
        &self.clock
    }

    /// For backends: the most intermediate certificates, 0 to 6.
    pub fn max_intermediates(&self) -> usize {
        self.depth
    }

    pub(crate) fn accepts_common_name(&self) -> bool {
        self.common_name
    }

    pub(crate) fn pinned(&self) -> &[Pin] {
        &self.pins
    }

    pub(crate) fn lists(&self) -> Option<&RevocationLists> {
        self.revocation.as_ref()
    }

    pub(crate) fn decided_by(&self) -> &Verification {
        &self.verification
    }

    /// What a backend needs for it.
    pub(crate) fn needed(&self) -> impl Iterator<Item = (bool, Capability)> {
        // Destructured in full, so that a new field cannot be forgotten here.
        let Self { clock, common_name, depth, pins, revocation, verification } = self;
        let custom = matches!(verification, Verification::Follow(_) | Verification::Replace(_));
        [
            (!matches!(clock, Clock::System), Capability::VerificationTime),
            (*common_name, Capability::CommonNames),
            (*depth < MAX_INTERMEDIATES, Capability::LimitChain),
            (!pins.is_empty() || custom, Capability::CustomVerification),
            (revocation.is_some(), Capability::RevocationLists),
            (matches!(verification, Verification::Uniform), Capability::UniformVerification),
        ]
        .into_iter()
    }

    /// Whether all of it can be told apart from other checks by a name that outlives the program.
    pub(crate) fn can_be_named(&self) -> bool {
        !matches!(self.clock, Clock::Custom(_))
            && matches!(self.verification, Verification::Library | Verification::Uniform)
    }

    /// Adds it to a fingerprint; a program's own verifier or clock by its address.
    pub(crate) fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
        let Self { clock, common_name, depth, pins, revocation, verification } = self;
        let clock = match clock {
            Clock::System | Clock::Fixed(_) => format!("{clock:?}"),
            Clock::Custom(now) => format!("{:p}", Arc::as_ptr(now)),
        };
        let by = match verification {
            Verification::Library => "library".to_owned(),
            Verification::Uniform => "uniform".to_owned(),
            Verification::Follow(verifier) => format!("after {:p}", Arc::as_ptr(verifier)),
            Verification::Replace(verifier) => format!("in place {:p}", Arc::as_ptr(verifier)),
        };
        let words = format!("{clock} {common_name} {depth} {by}");
        let fingerprint = fingerprint.with(words.as_bytes());
        let pinned = pins.iter().fold(fingerprint, |so_far, pin| so_far.with(pin.as_bytes()));
        match revocation {
            Some(lists) => lists.add_to(pinned),
            None => pinned,
        }
    }

    /// Checks the parts against each other; `chain` is whether the chain is verified at all.
    pub(crate) fn validate(&self, chain: bool) -> Result<()> {
        let refuse = |why: &'static str| Err(Error::new(ErrorKind::Config).because(why));
        if self.depth > MAX_INTERMEDIATES {
            return Err(Error::new(ErrorKind::Config).because(format!(
                "a chain may go through {MAX_INTERMEDIATES} intermediate certificates at most, not {}",
                self.depth
            )));
        }
        let replaced = matches!(self.verification, Verification::Replace(_));
        if self.revocation.is_some() && (replaced || !chain) {
            return refuse(
                "revocation lists are given, but the chain they are for is not verified",
            );
        }
        if matches!(self.verification, Verification::Uniform) && !chain {
            return refuse("uniform verification is asked for, but the chain is not verified");
        }
        Ok(())
    }
}

/// Who decides whether a peer's certificates are good.
#[derive(Clone, Debug, Default)]
pub enum Verification {
    /// The TLS library, in its own way.
    #[default]
    Library,
    /// One verifier, built on webpki, the same on every backend: the verdict does not depend on the
    /// library, which only lends its cryptography. Requires [`Capability::UniformVerification`].
    Uniform,
    /// The TLS library, and after it this verifier, which is asked about what the library accepts.
    /// Requires [`Capability::CustomVerification`].
    Follow(Arc<dyn Verifier>),
    /// This verifier in place of the library: chain, dates, purpose and name are left to it. That the
    /// peer holds the key is still proved. Requires [`Capability::CustomVerification`].
    Replace(Arc<dyn Verifier>),
}

/// An application's own say about a peer's certificates, during the handshake.
pub trait Verifier: fmt::Debug + Send + Sync {
    /// Accepts or refuses the peer. It must not block.
    ///
    /// # Errors
    ///
    /// Why the peer is refused: [`CertificateError::Rejected`] if nothing else fits. The connection
    /// fails with this kind, and the peer is told by an alert.
    fn verify(&self, presented: &Presented<'_>) -> Result<(), CertificateError>;
}

/// What a peer has presented.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Presented<'a> {
    /// Its certificates as it sent them, its own first; never empty.
    pub chain: &'a [CertificateDer<'a>],
    /// The name of the server that a client means to reach; `None` on a server.
    pub name: Option<&'a ServerName>,
    /// What its own certificate is used for.
    pub purpose: Purpose,
    /// The stapled OCSP response (DER), if one was asked for and came.
    pub staple: Option<&'a [u8]>,
    /// The instant of the verification.
    pub now: UnixTime,
}

/// What time it is, for the validity of certificates, lists and responses.
#[derive(Clone, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// Always this instant.
    Fixed(UnixTime),
    /// Whatever this says when it is asked.
    Custom(Arc<dyn Fn() -> UnixTime + Send + Sync>),
}

impl Clock {
    /// So many seconds after the beginning of 1970 (UTC).
    pub const fn at(seconds: u64) -> Self {
        Self::Fixed(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }

    /// What time it is now.
    pub fn now(&self) -> UnixTime {
        match self {
            Self::System => UnixTime::now(),
            Self::Fixed(instant) => *instant,
            Self::Custom(now) => now(),
        }
    }

    /// For backends: the instant that takes the place of the system's time, if one does.
    pub fn instead_of_system(&self) -> Option<UnixTime> {
        match self {
            Self::System => None,
            Self::Fixed(_) | Self::Custom(_) => Some(self.now()),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Fixed(instant) => f.debug_tuple("Fixed").field(&instant.as_secs()).finish(),
            Self::Custom(_) => f.write_str("Custom"),
        }
    }
}

/// A key that is trusted by its hash: SHA-256 over the SubjectPublicKeyInfo (RFC 7469 §2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The key with this hash.
    pub const fn sha256(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The key of this certificate.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is not well-formed.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self> {
        Ok(Self(CertificateFacts::read(certificate)?.spki_sha256()))
    }

    /// The hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// As [`FromStr`](std::str::FromStr) reads it: `sha256/` and base64.
impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256/{}", Base64::encode_string(&self.0))
    }
}

/// Reads `sha256/` or `sha256//` and base64 (as curl and Android write pins), or 64 hexadecimal
/// digits, which may be separated by colons.
impl std::str::FromStr for Pin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // One pin in 64 begins with a slash of its own.
        let base64 = text.strip_prefix("sha256/").map(|rest| match rest.len() {
            45 => rest.strip_prefix('/').unwrap_or(rest),
            _ => rest,
        });
        let bytes = match base64 {
            Some(base64) => Base64::decode_vec(base64).ok(),
            None => crate::hex::decode(&text.replace(':', "")),
        };
        let hash = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        hash.map(Self).ok_or_else(|| {
            let why = format!(
                "'{}' is not a pin: sha256/ and 44 characters of base64, or 64 hexadecimal digits",
                text.escape_debug()
            );
            Error::new(ErrorKind::Config).because(why)
        })
    }
}

/// Whether a client asks its server for a stapled OCSP response (RFC 6066 §8), and what it asks of
/// one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaplePolicy {
    /// It does not ask, and does not look at one that comes anyway.
    #[default]
    Off,
    /// It asks. One that comes must be good; that none comes is accepted, unless the certificate says
    /// that one must (RFC 7633). A certificate of unknown status is accepted.
    ///
    /// Where the [chain is left out](super::danger::Skip::chain) nobody could have signed the
    /// response: it is handed over and not looked at.
    Request,
    /// It asks, and refuses a server without one. Of a certificate that must have one
    /// ([RFC 7633](crate::x509::CertificateFacts::must_staple)) the status must also be known.
    Require,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_it_is_written() {
        // In base64 the bytes from 0xfc on begin with a slash, and the last with two.
        for first in [0x00, 0xfb, 0xfc, 0xff] {
            let pin = Pin::sha256([first; 32]);
            let text = pin.to_string();
            assert_eq!(text.parse::<Pin>().unwrap(), pin);
            assert_eq!(text.replacen('/', "//", 1).parse::<Pin>().unwrap(), pin);
            let hex = [format!("{first:02x}"), format!("{first:02X}")];
            assert_eq!(hex.map(|byte| vec![byte; 32].join(":").parse::<Pin>().unwrap()), [pin; 2]);
        }
        let good = Pin::sha256([0xff; 32]).to_string();
        for bad in ["", "sha256/", "sha1/AAAA", &good[1..], &good[..50], &format!("{good}A")] {
            assert_eq!(bad.parse::<Pin>().unwrap_err().kind(), ErrorKind::Config, "{bad}");
        }
        assert!(good.replacen('/', "///", 1).parse::<Pin>().is_err());
    }
}
