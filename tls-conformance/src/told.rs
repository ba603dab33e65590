//! Facts that a backend may be unable to tell: an absent one is refused by its capability.

use tls_core::pki_types::CertificateDer;
use tls_core::{
    Alert, Capability, CertificateError, CipherSuite, Error, ErrorKind, Group, Negotiated,
    Progress, Result, SignatureScheme, Version,
};

fn told<T>(fact: Option<T>, by: Capability) -> Result<T> {
    fact.ok_or_else(|| Error::new(ErrorKind::Unsupported(by)))
}

pub(crate) fn version(of: &Negotiated) -> Result<Version> {
    told(of.version, Capability::ReportVersion)
}

pub(crate) fn cipher_suite(of: &Negotiated) -> Result<CipherSuite> {
    told(of.cipher_suite, Capability::ReportCipherSuite)
}

pub(crate) fn group(of: &Negotiated) -> Result<Group> {
    told(of.group, Capability::ReportGroup)
}

/// How the server of a full handshake has signed it.
pub(crate) fn signature_scheme(of: &Negotiated) -> Result<SignatureScheme> {
    told(of.signature_scheme, Capability::ReportSignatureScheme)
}

pub(crate) fn resumed(of: &Negotiated) -> Result<bool> {
    told(of.resumed, Capability::ReportResumed)
}

/// Checks that a group which both sides should have by default was used.
pub(crate) fn post_quantum(group: Group) -> Result<()> {
    match group.is_post_quantum() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Unsupported(Capability::PostQuantum))),
    }
}

/// Checks that `suite` is `best`, the best of the core's list that fits.
///
/// A library whose suites come in sets of its own may take another.
pub(crate) fn best_suite(suite: CipherSuite, best: CipherSuite) -> Result<()> {
    match suite {
        suite if suite == best => Ok(()),
        other if CipherSuite::DEFAULT.contains(&other) => {
            Err(Error::new(ErrorKind::Unsupported(Capability::DefaultSuites)))
        }
        other => panic!("{other} should not be spoken by default"),
    }
}

/// How a handshake ended in which one side has a single suite, and the other those of the core.
pub(crate) fn default_suites((client, server): (Result<()>, Result<()>)) -> Result<()> {
    let finds_none = |outcome: &Result<()>| {
        outcome.as_ref().is_err_and(|e| e.kind() == ErrorKind::NoSharedCipher)
    };
    match finds_none(&client) || finds_none(&server) {
        true => Err(Error::new(ErrorKind::Unsupported(Capability::DefaultSuites))),
        false => client.and(server),
    }
}

/// How a handshake ended in which one side proves who it is with an Ed25519 key.
pub(crate) fn ed25519((client, server): (Result<()>, Result<()>)) -> Result<()> {
    let finds_nothing = |outcome: &Result<()>| {
        let kind = outcome.as_ref().err().map(Error::kind);
        // In TLS 1.2 it is the suites that do not fit; a client without a fitting key shows none.
        matches!(
            kind,
            Some(
                ErrorKind::NoPeerCertificate
                    | ErrorKind::NoSharedCipher
                    | ErrorKind::NoSharedSignature
            )
        )
    };
    match finds_nothing(&client) || finds_nothing(&server) {
        true => Err(Error::new(ErrorKind::Unsupported(Capability::Ed25519))),
        false => client.and(server),
    }
}

/// The alert by which an encrypted connection ended, as its reader saw it.
pub(crate) fn encrypted_alert<T: std::fmt::Debug>(outcome: Result<Progress<T>>) -> Result<Alert> {
    let absent = || Err(Error::new(ErrorKind::Unsupported(Capability::EncryptedAlerts)));
    match outcome.map_err(|e| e.kind()) {
        Err(ErrorKind::AlertReceived(alert)) => Ok(alert),
        Ok(Progress::WantRead) | Err(ErrorKind::UnexpectedEof | ErrorKind::Io(_)) => absent(),
        other => panic!("should be an alert, but: {other:?}"),
    }
}

/// What a server that was asked for a name says it was.
pub(crate) fn server_name(of: &Negotiated) -> Result<&str> {
    told(of.server_name.as_deref(), Capability::ReportServerName)
}

/// The certificate of a side that has presented one.
pub(crate) fn local_certificate(of: &Negotiated) -> Result<&CertificateDer<'static>> {
    told(of.local_certificate.as_ref(), Capability::ReportLocalCertificate)
}

/// The chain of a peer that has sent more than its own certificate.
pub(crate) fn peer_chain(of: &Negotiated) -> Result<&[CertificateDer<'static>]> {
    match of.peer_chain.as_slice() {
        [_] => Err(Error::new(ErrorKind::Unsupported(Capability::ReportPeerChain))),
        chain => Ok(chain),
    }
}

/// Checks that a side refused the peer's certificate for this reason.
pub(crate) fn refusal(outcome: Result<()>, why: CertificateError) -> Result<()> {
    match outcome {
        Ok(()) => panic!("the certificate should be refused as {}", why.name()),
        Err(e) if e.kind() == ErrorKind::Certificate(why) => Ok(()),
        Err(e) if e.kind() == ErrorKind::Certificate(CertificateError::Other) => {
            Err(Error::new(ErrorKind::Unsupported(Capability::CertificateReasons)).with_source(e))
        }
        Err(e) => panic!("the certificate should be refused as {}, but: {e:?}", why.name()),
    }
}
