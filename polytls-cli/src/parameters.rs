//! The arguments that say what may be negotiated.

use clap::Args;
use polytls::{
    CipherSuite, ClientConfigBuilder, DhParams, Group, Profile, ServerConfigBuilder,
    SignatureScheme, SuiteOrder, Version, Versions, keywords,
};

/// What a client and a server have in common.
#[derive(Args, Clone, Debug)]
pub(crate) struct ParameterArgs {
    /// What may be negotiated, under one name: modern (TLS 1.3), intermediate (what there is anyway),
    /// fips (AES-GCM on NIST's curves) or legacy (CBC suites and RSA key exchange too). The options below
    /// take the place of what it says.
    #[arg(long, value_name = "NAME")]
    profile: Option<Profile>,
    /// The oldest TLS version to accept: 1.2 or 1.3.
    #[arg(long, value_name = "V")]
    min_tls: Option<Version>,
    /// The newest TLS version to accept: 1.2 or 1.3.
    #[arg(long, value_name = "V")]
    max_tls: Option<Version>,
    /// The TLS versions in libtls' words, such as secure, tlsv1.3 or all,!tlsv1.2.
    #[arg(long, value_name = "WORDS", conflicts_with_all = ["min_tls", "max_tls"],
        value_parser = keywords::protocols)]
    protocols: Option<Versions>,
    /// The cipher suites, best first, by IANA's or OpenSSL's names with : or , between them; or one of
    /// libtls' words: secure, default, compat, legacy, all, insecure. Where all are of one version, and no
    /// option says otherwise, that version is spoken alone.
    #[arg(long, value_name = "NAMES", value_parser = Suites::parse)]
    ciphers: Option<Suites>,
    /// The key-exchange groups, best first, with : or , between them, such as X25519MLKEM768:P-256; or
    /// default.
    #[arg(long, value_name = "NAMES", value_parser = Groups::parse)]
    groups: Option<Groups>,
    /// The signature schemes to sign with and to accept, best first, by IANA's names with commas between
    /// them, such as ecdsa_secp256r1_sha256,rsa_pss_rsae_sha256.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    signature_schemes: Vec<SignatureScheme>,
    /// Send no record that holds more than N bytes, 512 to 16384.
    #[arg(long, value_name = "N")]
    record_limit: Option<usize>,
}

/// What only a server can choose.
#[derive(Args, Clone, Debug)]
pub(crate) struct ChoiceArgs {
    /// Take the cipher suite that the client likes best, not the server.
    #[arg(long)]
    client_order: bool,
    /// The numbers for cipher suites with finite-field Diffie-Hellman: none, auto or legacy; the last two
    /// mean the same, at least 2048 bits.
    #[arg(long, value_name = "WORD", value_parser = keywords::dh_params)]
    dh_params: Option<DhParams>,
}

/// A list of its own type, for one option with one value.
#[derive(Clone, Debug)]
struct Suites(Vec<CipherSuite>);

impl Suites {
    fn parse(text: &str) -> polytls::Result<Self> {
        const WORDS: [&str; 6] = ["secure", "default", "compat", "legacy", "all", "insecure"];
        // libtls adds TLS 1.3 to names; whoever names suites here means those.
        match WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            true => keywords::ciphers(text).map(Self),
            false => keywords::cipher_names(text).map(Self),
        }
    }

    /// The one version that they are of.
    fn version(&self) -> Option<Version> {
        let tls13 = self.0.iter().filter(|suite| suite.is_tls13()).count();
        match tls13 {
            0 => Some(Version::Tls12),
            n if n == self.0.len() => Some(Version::Tls13),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
struct Groups(Vec<Group>);

impl Groups {
    fn parse(text: &str) -> polytls::Result<Self> {
        keywords::curves(text).map(Self)
    }
}

/// Sets what the builders of clients and of servers call by the same names.
macro_rules! set_common {
    ($args:ident, $config:ident) => {
        if let Some(profile) = $args.profile {
            $config = $config.profile(profile);
        }
        if let Some(Suites(suites)) = &$args.ciphers {
            $config = $config.cipher_suites(suites.iter().copied());
        }
        if let Some(Groups(groups)) = &$args.groups {
            $config = $config.groups(groups.iter().copied());
        }
        if !$args.signature_schemes.is_empty() {
            $config = $config.signature_schemes($args.signature_schemes.iter().copied());
        }
        if let Some(bytes) = $args.record_limit {
            $config = $config.record_limit(bytes);
        }
    };
}

impl ParameterArgs {
    fn versions(&self) -> polytls::Result<Versions> {
        let Self { profile, min_tls, max_tls, protocols, ciphers, .. } = self;
        let base = profile.map_or_else(Versions::default, Profile::versions);
        match (protocols, min_tls, max_tls) {
            (Some(versions), ..) => Ok(*versions),
            (None, None, None) => {
                let one = ciphers.as_ref().and_then(Suites::version);
                Ok(one.filter(|one| base.contains(*one)).map_or(base, Versions::only))
            }
            (None, min, max) => {
                Versions::between(min.unwrap_or(base.min()), max.unwrap_or(base.max()))
            }
        }
    }

    pub(crate) fn client(
        &self,
        mut config: ClientConfigBuilder,
    ) -> polytls::Result<ClientConfigBuilder> {
        set_common!(self, config);
        Ok(config.versions(self.versions()?))
    }

    pub(crate) fn server(
        &self,
        mut config: ServerConfigBuilder,
        choices: &ChoiceArgs,
    ) -> polytls::Result<ServerConfigBuilder> {
        set_common!(self, config);
        if choices.client_order {
            config = config.suite_order(SuiteOrder::Client);
        }
        if let Some(params) = choices.dh_params {
            config = config.dh_params(params);
        }
        Ok(config.versions(self.versions()?))
    }
}
