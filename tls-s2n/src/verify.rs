//! The last word on a peer's certificates, after s2n has found a path to a root.

use std::time::Duration;

use s2n_tls::callbacks::{
    CertValidationCallbackSync, CertValidationInfo, VerifyHostNameCallback, WallClock,
};
use s2n_tls::connection::Connection;
use s2n_tls::error::Error;
use tls_core::pki_types::CertificateDer;
use tls_core::x509::{CertificateFacts, Purpose};
use tls_core::{Clock, Evidence, Judge, ServerName};

use crate::policy::Key;

/// What one connection asks of its peer's certificate. Kept at the connection.
#[derive(Debug)]
pub(crate) struct Demands {
    pub(crate) purpose: Purpose,
    /// The server that a client means to reach.
    pub(crate) name: Option<ServerName>,
}

/// What the core asks and s2n does not: s2n has accepted the chain when this is called.
#[derive(Debug)]
pub(crate) struct LastWord {
    /// What is trusted as it is, also as the peer's own.
    pub(crate) trusted: Vec<CertificateDer<'static>>,
    /// The core's part.
    pub(crate) judge: Judge,
}

impl CertValidationCallbackSync for LastWord {
    // The crate turns an error, or a panic, in here into an abort; so there is none.
    fn handle_validation(
        &self,
        connection: &mut Connection,
        _: &mut CertValidationInfo,
    ) -> Result<bool, Error> {
        Ok(self.judge.skip().skips_everything() || self.accepts(connection).unwrap_or(false))
    }
}

impl LastWord {
    fn accepts(&self, connection: &Connection) -> Option<bool> {
        let demands = connection.application_context::<Demands>()?;
        let path = connection.peer_cert_chain().ok()?;
        let path = path.iter().map(|certificate| Some(certificate.ok()?.der().ok()?.to_vec()));
        let path = path.collect::<Option<Vec<_>>>()?;
        let leaf = CertificateDer::from(path.first()?.as_slice());
        let facts = CertificateFacts::read(&leaf).ok()?;
        let is_trusted = self.trusted.contains(&leaf);
        // A path of the leaf, the intermediates and what is trusted.
        let length = path.len().saturating_sub(2);
        if path.iter().any(|der| is_weak_key(der))
            || path.iter().rev().skip(1).any(|der| is_weakly_signed(der))
        {
            return None;
        }
        // s2n takes what is trusted for good without a look at what it says of itself.
        let issuers = path.iter().skip(1).enumerate();
        for (below, der) in issuers {
            let issuer = CertificateFacts::read(&der.as_slice().into()).ok()?;
            if !issuer.may_issue(demands.purpose, below) {
                return None;
            }
        }
        let fits = length <= self.judge.max_intermediates()
            && facts.may_sign()
            && (is_trusted || !facts.is_authority())
            && facts.is_for(demands.purpose);
        let whole = || path.iter().map(|der| der.clone().into()).collect();
        let evidence = Evidence {
            leaf: &leaf,
            // s2n does not tell what was sent beyond the path; nothing that asks for it is on offer here.
            sent: &whole,
            path: &whole,
            name: demands.name.as_ref().map(ServerName::as_pki),
            staple: None,
        };
        Some(fits && self.judge.chain(&evidence, Ok(())).is_ok())
    }
}

/// Whether its key has less than 112 bits of strength: only RSA has such here.
fn is_weak_key(der: &[u8]) -> bool {
    // With an exponent of three bytes or less a key of 2048 bits takes 290 to 294.
    let is_short = |key: &[u8]| Key::of(key) == Key::Rsa && key.len() < 290;
    CertificateFacts::read(&der.into()).is_ok_and(|facts| is_short(facts.public_key()))
}

/// Whether it is signed over a hash that is broken. Nobody asks how what is trusted is signed.
fn is_weakly_signed(der: &[u8]) -> bool {
    // The algorithm's identifier as it stands in DER. No name or key that looks like one by accident
    // does harm: the certificate is refused.
    let has = |oid: &[u8]| der.windows(oid.len()).any(|part| part == oid);
    has(MD5_WITH_RSA) || has(SHA1_WITH_RSA) || has(ECDSA_WITH_SHA1)
}

const MD5_WITH_RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4];
const SHA1_WITH_RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5];
const ECDSA_WITH_SHA1: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1];

/// The core's clock, for s2n's checks of dates.
#[derive(Debug)]
pub(crate) struct Watch(pub(crate) Clock);

impl WallClock for Watch {
    fn get_time_since_epoch(&self) -> Duration {
        Duration::from_secs(self.0.now().as_secs())
    }
}

/// In place of s2n's own check of the name, which would take a common name for one, and does not
/// tell a name from an address.
#[derive(Debug)]
pub(crate) struct LeftToTheLastWord;

impl VerifyHostNameCallback for LeftToTheLastWord {
    fn verify_host_name(&self, _: &str) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(text: &str) -> Vec<u8> {
        pem::parse(text).unwrap().into_contents()
    }

    #[test]
    fn what_is_weak_is_told_from_what_is_not() {
        let (good, short, sha1) = (der(GOOD), der(SHORT_KEY), der(SHA1_SIGNATURE));
        assert!(!is_weak_key(&good) && !is_weakly_signed(&good));
        assert!(is_weak_key(&short) && !is_weakly_signed(&short));
        assert!(!is_weak_key(&sha1) && is_weakly_signed(&sha1));
    }

    // rcgen makes no weak ones. The keys are gone.
    const GOOD: &str = "\
-----BEGIN CERTIFICATE-----
MIIBBzCBrgIBAzAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARSb290MCAXDTI2MTEy
MTE3MDQxMFoYDzIxMjYxMDI4MTcwNDEwWjAPMQ0wCwYDVQQDDARzaGExMFkwEwYH
KoZIzj0CAQYIKoZIzj0DAQcDQgAEaWDv1YRxjtnQuFsdgtz/TBGzd1idNkvcDYPy
KeEFIzn8QtQ1wupTsjO+fkAMajCo6fXMfv1IYY7CyN9hF6BUcDAKBggqhkjOPQQD
AgNIADBFAiAgF93maleY7/lh2gLGeylKLs9iFpwpImObdYS7Ry+AkQIhAPGUWcnv
kp4vnHChr54Q6Y669nm2ZjjBZHM32n3Opzuv
-----END CERTIFICATE-----
";

    /// RSA with 1024 bits.
    const SHORT_KEY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBTjCB9QIBATAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARSb290MCAXDTI2MTEy
MTE3MDQwOVoYDzIxMjYxMDI4MTcwNDA5WjAPMQ0wCwYDVQQDDAR3ZWFrMIGfMA0G
CSqGSIb3DQEBAQUAA4GNADCBiQKBgQDtOjdQgPNzu7uMSGIwUmOSOU2mV1XbyDg/
uHhlEC6QhMPoQRzr9RJ/Pne5yHQm9wmfZDEo530CiBLhr2QMYACxt6oLiciaOlw/
rvbfh0BeXIvT1bHv+o/kCZ57wnbhewsgXeIU48jgvZbgxCX7rByM1dy1prIX6Y22
FXSPrds/MwIDAQABMAoGCCqGSM49BAMCA0gAMEUCIQCJaHJpU4Tz9bhA9vL+Qept
Cq4VIdnQ0XLk4CHg2XaCXwIgXZ2RVIikVBpph5ggpBXAg0KcaztieVyMRkLoNols
PEA=
-----END CERTIFICATE-----
";

    /// ECDSA over SHA-1.
    const SHA1_SIGNATURE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBBDCBrQIBAjAJBgcqhkjOPQQBMA8xDTALBgNVBAMMBFJvb3QwIBcNMjYxMTIx
MTcwNDEwWhgPMjEyNjEwMjgxNzA0MTBaMA8xDTALBgNVBAMMBHNoYTEwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAARpYO/VhHGO2dC4Wx2C3P9MEbN3WJ02S9wNg/Ip
4QUjOfxC1DXC6lOyM75+QAxqMKjp9cx+/UhhjsLI32EXoFRwMAkGByqGSM49BAED
RwAwRAIgCHK/KqrNjQC7bCzUFTNFyQ4nf+zbIO0fuN0tQ77YsiECIDUYtPH8XK3o
yvI8eJi4ecp9ERpkuKmpaV5XABD6WnsQ
-----END CERTIFICATE-----
";
}
