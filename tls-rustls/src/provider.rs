//! The cryptography that rustls runs on. The only file here that knows the crate's features.

use std::fmt;
use std::sync::Arc;

use rustls::NamedGroup;
use rustls::crypto::CryptoProvider;
use rustls::sign::SigningKey;
use tls_core::Group;
use tls_core::pki_types::PrivateKeyDer;
use tls_core::x509::Algorithms;

#[derive(Clone)]
pub(crate) enum Provider {
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
    Custom(Arc<CryptoProvider>),
    #[cfg(feature = "ring")]
    Ring,
}

#[cfg(feature = "aws-lc-rs")]
impl crate::Rustls {
    /// rustls with AWS-LC's cryptography, called `rustls`.
    pub const fn aws_lc_rs() -> Self {
        Self::with(crate::NAME, Provider::AwsLcRs)
    }
}

#[cfg(feature = "ring")]
impl crate::Rustls {
    /// rustls with ring's cryptography, called `rustls-ring`.
    pub const fn ring() -> Self {
        Self::with("rustls-ring", Provider::Ring)
    }
}

impl Provider {
    pub(crate) fn load(&self) -> CryptoProvider {
        match self {
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => rustls::crypto::aws_lc_rs::default_provider(),
            Self::Custom(provider) => (**provider).clone(),
            #[cfg(feature = "ring")]
            Self::Ring => rustls::crypto::ring::default_provider(),
        }
    }

    /// Reads a private key. It stays where it is; a provider of the program's own takes a copy.
    pub(crate) fn signing_key(
        &self,
        key: &PrivateKeyDer<'_>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        match self {
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => rustls::crypto::aws_lc_rs::sign::any_supported_type(key),
            Self::Custom(provider) => provider.key_provider.load_private_key(key.clone_key()),
            #[cfg(feature = "ring")]
            Self::Ring => rustls::crypto::ring::sign::any_supported_type(key),
        }
    }

    pub(crate) fn signature_algorithms(&self) -> Algorithms<'static> {
        self.load().signature_verification_algorithms.all
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => "aws-lc-rs",
            Self::Custom(_) => "a provider of the program's own",
            #[cfg(feature = "ring")]
            Self::Ring => "ring",
        }
    }
}

pub(crate) fn has_group(provider: &CryptoProvider, group: Group) -> bool {
    provider.kx_groups.iter().any(|known| known.name() == NamedGroup::from(group.0))
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
