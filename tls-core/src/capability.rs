//! What a backend can do, as a set that can be tested, printed and subtracted.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

macro_rules! capabilities {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// One thing that a backend may or may not be able to do.
        ///
        /// Split by role where libraries differ by role. A backend that lacks a capability refuses
        /// every configuration that needs it with [`ErrorKind::Unsupported`]; a fact that it cannot
        /// tell is `None` in [`Negotiated`](crate::Negotiated). Nothing is ignored in silence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Capability {
            $($(#[$doc])* $variant,)*
        }

        impl Capability {
            /// Every capability, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name used in messages and by the CLI, such as `alpn-server`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

capabilities! {
    /// The names of application protocols may be any bytes, also a single one, not just text in
    /// UTF-8 without NUL (RFC 7301 §3.1).
    AlpnBytes = "alpn-bytes";
    /// A client can offer application protocols (RFC 7301).
    AlpnClient = "alpn-client";
    /// A server can choose among offered application protocols, in its own order, and refuses a
    /// client that offers none it knows (RFC 7301 §3.2).
    AlpnServer = "alpn-server";
    /// A server can also follow the client's order, or go on without a common protocol.
    AlpnServerPolicy = "alpn-server-policy";
    /// An external signer may take its time: a handshake waits for its signature without blocking.
    AsyncSigner = "async-signer";
    /// A refused certificate comes with the reason, not just `Other`.
    CertificateReasons = "certificate-reasons";
    /// The cipher suites can be chosen.
    CipherSuites = "cipher-suites";
    /// A client can present a certificate when asked.
    ClientIdentity = "client-identity";
    /// A server can follow the client's order of cipher suites.
    ClientOrder = "client-order";
    /// A certificate can be for the common name in its subject, if it has no other name.
    CommonNames = "common-names";
    /// Pins and an application's verifier have a say about a peer's certificates as it sent them,
    /// during the handshake.
    CustomVerification = "custom-verification";
    /// Without a choice all of [`CipherSuite::DEFAULT`](crate::CipherSuite::DEFAULT) are on offer.
    DefaultSuites = "default-suites";
    /// The cipher suites of [`CipherSuite::DHE`](crate::CipherSuite::DHE) can be chosen.
    DheSuites = "dhe-suites";
    /// A client can send early data (RFC 8446 §2.3).
    EarlyDataClient = "early-data-client";
    /// A server can take another amount of early data than
    /// [`MAX`](crate::danger::ReplayableEarlyData::MAX).
    EarlyDataLimit = "early-data-limit";
    /// A server can take early data (RFC 8446 §2.3).
    EarlyDataServer = "early-data-server";
    /// Peers can prove who they are with an Ed25519 key (RFC 8422 §5.1.1, RFC 8446 §4.2.3).
    Ed25519 = "ed25519";
    /// An error is told to the peer by an alert also once what is sent is encrypted.
    EncryptedAlerts = "encrypted-alerts";
    /// A client's sessions can be kept as bytes, also beyond the process.
    ExportSessions = "export-sessions";
    /// Keying material can be exported to the protocols above (RFC 5705, RFC 8446 §7.5).
    Exporter = "exporter";
    /// A private key can stay elsewhere: signatures are made by a [`Signer`](crate::Signer).
    ExternalSigner = "external-signer";
    /// The library runs in its FIPS mode, as [`Backend::fips`](crate::Backend::fips) tells.
    FipsModule = "fips-module";
    /// The key-exchange groups can be chosen.
    Groups = "groups";
    /// The keys of a connection can be handed to the kernel, which then encrypts and decrypts its records
    /// where it knows how (kTLS).
    KernelTls = "kernel-tls";
    /// The secrets of connections can be logged.
    KeyLog = "key-log";
    /// Either side can take new keys in the middle of a TLS 1.3 connection (RFC 8446 §4.6.3).
    KeyUpdate = "key-update";
    /// The cipher suites of [`CipherSuite::LEGACY`](crate::CipherSuite::LEGACY) can be chosen.
    LegacySuites = "legacy-suites";
    /// A chain through more intermediate certificates than a number up to six, which is the default, is
    /// refused.
    LimitChain = "limit-chain";
    /// The size of the records that are sent can be limited.
    LimitRecords = "limit-records";
    /// A client can be told not to send the server's name (SNI).
    OmitServerName = "omit-server-name";
    /// A given certificate that is no root, an intermediate's or a peer's own, is trusted as it is.
    PartialChains = "partial-chains";
    /// The hybrid post-quantum group X25519MLKEM768.
    PostQuantum = "post-quantum";
    /// The negotiated cipher suite can be told.
    ReportCipherSuite = "report-cipher-suite";
    /// The key-exchange group can be told.
    ReportGroup = "report-group";
    /// The own certificate that was presented can be told.
    ReportLocalCertificate = "report-local-certificate";
    /// The peer's whole chain can be told, not just its own certificate.
    ReportPeerChain = "report-peer-chain";
    /// Whether a session was resumed can be told.
    ReportResumed = "report-resumed";
    /// A server can tell the name that the client asked for (SNI).
    ReportServerName = "report-server-name";
    /// The signature scheme by which the server has signed the handshake can be told.
    ReportSignatureScheme = "report-signature-scheme";
    /// The negotiated protocol version can be told.
    ReportVersion = "report-version";
    /// A server can ask a client for a certificate, and can insist on it.
    RequestClientCertificate = "request-client-certificate";
    /// A client can ask for a stapled OCSP response, which is verified and can be read.
    RequestStaple = "request-staple";
    /// A client can resume sessions (RFC 5077, RFC 8446 §2.2).
    ResumeClient = "resume-client";
    /// A server can let its clients resume sessions, by tickets under keys that can be given.
    ResumeServer = "resume-server";
    /// Lists of revoked certificates are looked at.
    RevocationLists = "revocation-lists";
    /// A server can staple an OCSP response to its certificate.
    SendStaple = "send-staple";
    /// A server can keep sessions of TLS 1.2 itself, for clients that know no tickets (RFC 5246 §7.3).
    SessionCache = "session-cache";
    /// The signature schemes of handshakes can be chosen, to sign with and to accept, out of
    /// [`SignatureScheme::DEFAULT`](crate::SignatureScheme::DEFAULT).
    SignatureSchemes = "signature-schemes";
    /// A client can switch off all checks of the certificate at once.
    SkipAllVerification = "skip-all-verification";
    /// A client can switch off the check of the certificate chain, and nothing else.
    SkipChainVerification = "skip-chain-verification";
    /// A client can switch off the check of the name, and nothing else.
    SkipNameVerification = "skip-name-verification";
    /// A client can switch off the check of the dates, and nothing else.
    SkipTimeVerification = "skip-time-verification";
    /// A server can be told how many tickets to give at the end of a handshake in TLS 1.3.
    TicketCount = "ticket-count";
    /// A server can be told to let nothing be resumed.
    TicketsOff = "tickets-off";
    /// In TLS 1.2 the channel binding `tls-unique` can be told (RFC 5929 §3).
    TlsUnique = "tls-unique";
    /// A client can speak TLS 1.2, and can choose it alone.
    Tls12Client = "tls12-client";
    /// In TLS 1.2 one side can close and read on, and the other write on, as in TLS 1.3
    /// (RFC 8446 §6.1; RFC 5246 §7.2.1 does not ask for it).
    Tls12HalfClose = "tls12-half-close";
    /// A server can speak TLS 1.2, and can choose it alone.
    Tls12Server = "tls12-server";
    /// A client can speak TLS 1.3, and can choose it alone.
    Tls13Client = "tls13-client";
    /// A server can speak TLS 1.3, and can choose it alone.
    Tls13Server = "tls13-server";
    /// The one verifier that gives the same verdict on every backend can take the place of the
    /// library's.
    UniformVerification = "uniform-verification";
    /// A server can ask for a client's certificate and hand it over unverified.
    UnverifiedClients = "unverified-clients";
    /// The instant of the verification can be another than now.
    VerificationTime = "verification-time";
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Capability {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|c| c.name() == s).ok_or_else(|| {
            Error::new(ErrorKind::Config).because(format!("'{s}' is not a capability"))
        })
    }
}

/// A set of [`Capability`] values.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(u128);

impl Capabilities {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Every capability there is.
    pub const ALL: Self = Self::of(Capability::ALL);

    /// The set of exactly those in `list`.
    pub const fn of(list: &[Capability]) -> Self {
        let mut bits: u128 = 0;
        let mut i = 0;
        while i < list.len() {
            bits |= 1 << list[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    /// Whether `capability` is in the set.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u8) != 0
    }

    /// This set and `capability`.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | 1 << capability as u8)
    }

    /// The members of this set or of `other`.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The members of this set that `other` lacks.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the set has no members.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.iter().copied().filter(move |&c| self.contains(c))
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(iter: I) -> Self {
        iter.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Capability::name)).finish()
    }
}

/// One line, comma-separated.
impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, capability) in self.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{capability}")?;
        }
        Ok(())
    }
}

const _: () = assert!(Capability::ALL.len() <= 128, "the set has 128 bits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_subtract_and_iterate() {
        let two = Capabilities::of(&[Capability::AlpnClient, Capability::Tls13Server]);
        let one = two.without(Capabilities::of(&[Capability::AlpnClient]));
        assert_eq!(one.iter().collect::<Vec<_>>(), [Capability::Tls13Server]);
        assert_eq!(two.to_string(), "alpn-client, tls13-server");
        assert!(Capabilities::ALL.without(Capabilities::ALL).is_empty());
    }

    #[test]
    fn names_are_distinct_and_parse_back() {
        for &capability in Capability::ALL {
            assert_eq!(capability.name().parse::<Capability>().unwrap(), capability);
        }
    }
}
