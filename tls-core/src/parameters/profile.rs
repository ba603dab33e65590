//! Named profiles.

use std::fmt;
use std::str::FromStr;

use super::Finer;
use crate::{
    CipherSuite, ClientConfigBuilder, Error, ErrorKind, Group, Result, ServerConfigBuilder,
    SignatureScheme, Version, Versions,
};

/// What may be negotiated, under one name.
///
/// | | [`Modern`](Self::Modern) | [`Intermediate`](Self::Intermediate) | [`Fips`](Self::Fips) | [`Legacy`](Self::Legacy) |
/// | --- | --- | --- | --- | --- |
/// | versions | TLS 1.3 | TLS 1.2 and 1.3 | TLS 1.2 and 1.3 | TLS 1.2 and 1.3 |
/// | cipher suites | the three of TLS 1.3 in [`CipherSuite::DEFAULT`] | [`CipherSuite::DEFAULT`] | those of [`CipherSuite::DEFAULT`] with AES-GCM | [`CipherSuite::DEFAULT`], then [`CipherSuite::LEGACY`] |
/// | groups | [`Group::DEFAULT`] | [`Group::DEFAULT`] | P-256, P-384 | [`Group::DEFAULT`] |
/// | signature schemes | all of the backend's | all of the backend's | those of [`SignatureScheme::DEFAULT`] but `ed25519` | all of the backend's |
/// | extended master secret in TLS 1.2 | used | used | required (RFC 7627) | used |
/// | keys | at least 112 bits: RSA from 2048 on | the same | the same | the same |
/// | requires | TLS 1.3 | nothing | `cipher-suites`, `exporter`, `groups`, `signature-schemes` | `cipher-suites`, `legacy-suites` |
///
/// No profile, and no backend, has TLS 1.0 or 1.1, a signature with SHA-1, RC4, 3DES, or an exchange of
/// keys that proves nobody's identity. What a backend cannot do is refused when a configuration is
/// compiled, by the name of the capability.
///
/// A profile sets the rows of this table that belong to a configuration, exactly as they stand here, in
/// place of what was set before. What is set after it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Only algorithms that FIPS 140-3 approves of are negotiated. That does not make the library a
    /// validated module: whether it runs as one is told by [`Backend::fips`](crate::Backend::fips), and
    /// asked for by [`require_fips_module`](ClientConfigBuilder::require_fips_module).
    Fips,
    /// For peers of the last ten years. What a configuration has that names no profile.
    Intermediate,
    /// For peers that have nothing better than CBC suites, or no forward secrecy. Still TLS 1.2.
    Legacy,
    /// For peers that speak TLS 1.3.
    Modern,
}

impl Profile {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Modern, Self::Intermediate, Self::Fips, Self::Legacy];

    /// The stable name, such as `modern`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fips => "fips",
            Self::Intermediate => "intermediate",
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }

    /// The versions.
    pub fn versions(self) -> Versions {
        match self {
            Self::Modern => Versions::only(Version::Tls13),
            Self::Fips | Self::Intermediate | Self::Legacy => Versions::default(),
        }
    }

    /// The cipher suites, best first; empty for those of the defaults that the versions have.
    pub fn cipher_suites(self) -> Vec<CipherSuite> {
        let default = CipherSuite::DEFAULT.iter().copied();
        match self {
            Self::Fips => default.filter(|suite| is_aes_gcm(*suite)).collect(),
            Self::Intermediate | Self::Modern => Vec::new(),
            Self::Legacy => default.chain(CipherSuite::LEGACY.iter().copied()).collect(),
        }
    }

    /// The groups, best first; empty for the defaults.
    pub fn groups(self) -> Vec<Group> {
        match self {
            Self::Fips => vec![Group::SECP256R1, Group::SECP384R1],
            Self::Intermediate | Self::Legacy | Self::Modern => Vec::new(),
        }
    }

    /// The signature schemes, best first; empty for all of the backend's.
    pub fn signature_schemes(self) -> Vec<SignatureScheme> {
        let default = SignatureScheme::DEFAULT.iter().copied();
        match self {
            Self::Fips => default.filter(|scheme| *scheme != SignatureScheme::ED25519).collect(),
            Self::Intermediate | Self::Legacy | Self::Modern => Vec::new(),
        }
    }

    /// Whether TLS 1.2 needs the extended master secret (RFC 7627), as NIST SP 800-52 wants it.
    pub fn requires_extended_master_secret(self) -> bool {
        match self {
            Self::Fips => true,
            Self::Intermediate | Self::Legacy | Self::Modern => false,
        }
    }

    fn set(self, finer: &mut Finer) {
        finer.signature_schemes = self.signature_schemes();
        finer.needs_extended_master_secret = self.requires_extended_master_secret();
    }
}

fn is_aes_gcm(suite: CipherSuite) -> bool {
    suite.name().is_some_and(|name| name.contains("_AES_") && name.contains("_GCM_"))
}

impl ClientConfigBuilder {
    /// Sets what may be negotiated, under one name: versions, cipher suites, groups, signature schemes, and
    /// whether TLS 1.2 needs the extended master secret.
    pub fn profile(mut self, profile: Profile) -> Self {
        profile.set(&mut self.finer);
        self.versions(profile.versions())
            .cipher_suites(profile.cipher_suites())
            .groups(profile.groups())
    }
}

impl ServerConfigBuilder {
    /// Sets what may be negotiated, under one name: versions, cipher suites, groups, signature schemes, and
    /// whether TLS 1.2 needs the extended master secret.
    pub fn profile(mut self, profile: Profile) -> Self {
        profile.set(&mut self.finer);
        self.versions(profile.versions())
            .cipher_suites(profile.cipher_suites())
            .groups(profile.groups())
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = Error;

    /// Parses a name, in any case.
    fn from_str(s: &str) -> Result<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|profile| profile.name().eq_ignore_ascii_case(s)).ok_or_else(|| {
            Error::new(ErrorKind::Config).because(format!(
                "'{s}' is not a profile: expected modern, intermediate, fips or legacy"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capabilities, Capability, ClientConfig};

    #[test]
    fn names_parse_back() {
        for &profile in Profile::ALL {
            assert_eq!(profile.to_string().parse::<Profile>().unwrap(), profile);
        }
        assert_eq!("FIPS".parse::<Profile>().unwrap(), Profile::Fips);
        for text in ["", "old", "modern ", "fips-140"] {
            assert_eq!(text.parse::<Profile>().unwrap_err().kind(), ErrorKind::Config);
        }
    }

    #[test]
    fn each_profile_needs_what_the_table_says() {
        use Capability::{
            CipherSuites, Exporter, Groups, LegacySuites, SignatureSchemes, Tls13Client,
        };
        let table: [(Profile, &[Capability]); 4] = [
            (Profile::Modern, &[Tls13Client]),
            (Profile::Intermediate, &[]),
            (Profile::Fips, &[CipherSuites, Exporter, Groups, SignatureSchemes]),
            (Profile::Legacy, &[CipherSuites, LegacySuites]),
        ];
        for (profile, needs) in table {
            let config = ClientConfig::builder().profile(profile).build().unwrap();
            assert_eq!(config.required(), Capabilities::of(needs), "{profile}");
        }
    }

    #[test]
    fn a_profile_takes_the_place_of_what_was_set_and_gives_way_to_what_comes_after() {
        let set = |builder: ClientConfigBuilder| {
            let builder = builder.versions(Versions::only(Version::Tls12));
            builder
                .cipher_suites([CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256])
                .groups([Group::X25519])
                .signature_schemes([SignatureScheme::ED25519])
        };
        let before = set(ClientConfig::builder()).profile(Profile::Intermediate).build().unwrap();
        assert_eq!(before.versions(), Versions::default());
        assert!(before.cipher_suites().is_empty() && before.groups().is_empty());
        assert!(before.signature_schemes().is_empty());
        let after = set(ClientConfig::builder().profile(Profile::Fips)).build().unwrap();
        assert_eq!(after.groups(), [Group::X25519]);
        assert_eq!(after.signature_schemes(), [SignatureScheme::ED25519]);
    }

    #[test]
    fn fips_has_nothing_but_aes_gcm_on_the_curves_of_nist() {
        let names = |suite: &CipherSuite| suite.name().unwrap().to_owned();
        let suites = Profile::Fips.cipher_suites();
        assert_eq!(suites.len(), 6);
        assert!(suites.iter().map(names).all(|name| name.contains("_GCM_")));
        assert!(!Profile::Fips.signature_schemes().contains(&SignatureScheme::ED25519));
    }
}
