//! What a responder is asked (RFC 6960 §4.1).

use pki_types::CertificateDer;
use x509_cert::der::asn1::OctetString;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{self, Encode};
use x509_cert::ext::Extension;
use x509_ocsp::ext::Nonce;
use x509_ocsp::{OcspRequest, Request as Single, TbsRequest};

use super::id::Named;
use super::{IdHash, OcspError};
use crate::x509::Malformed;

/// How long a nonce is that is generated here, in bytes (RFC 9654 §2.1).
pub const NONCE_LENGTH: usize = 32;

/// A request to an OCSP responder about one certificate, not signed.
#[derive(Clone, Debug)]
#[must_use]
pub struct Request<'a> {
    leaf: &'a CertificateDer<'a>,
    issuer: &'a CertificateDer<'a>,
    hash: IdHash,
    nonce: Option<Vec<u8>>,
}

impl<'a> Request<'a> {
    /// Asks about `leaf`, which `issuer` has issued; without a nonce, so that a responder may answer
    /// with what it has at hand (RFC 5019 §2.1.1).
    pub fn new(leaf: &'a CertificateDer<'a>, issuer: &'a CertificateDer<'a>) -> Self {
        Self { leaf, issuer, hash: IdHash::default(), nonce: None }
    }

    /// Names the issuer by this hash, in place of SHA-1.
    pub fn hash(mut self, hash: IdHash) -> Self {
        self.hash = hash;
        self
    }

    /// Sends this nonce: the response has to have it too, so that it cannot be an old one
    /// (RFC 9654). Of 1 to 128 bytes; 32 are usual. Many responders do not heed it.
    pub fn nonce(mut self, nonce: impl Into<Vec<u8>>) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    /// Sends a nonce of [`NONCE_LENGTH`] random bytes.
    ///
    /// # Errors
    ///
    /// [`OcspError::NoRandomness`] if the system has none.
    pub fn random_nonce(self) -> Result<Self, OcspError> {
        let mut nonce = vec![0; NONCE_LENGTH];
        getrandom::fill(&mut nonce).map_err(|_| OcspError::NoRandomness)?;
        Ok(self.nonce(nonce))
    }

    /// The nonce that is sent: [`Query::nonce`](super::Query::nonce) wants to know it.
    pub fn sent_nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// The DER of the OCSPRequest.
    ///
    /// # Errors
    ///
    /// [`OcspError::Malformed`] if a certificate is, [`OcspError::NotItsIssuer`] if `issuer` has not the
    /// name of who issued `leaf`.
    pub fn to_der(&self) -> Result<Vec<u8>, OcspError> {
        let named = Named::read(self.leaf, self.issuer)?;
        let req_cert = named.id(self.hash)?;
        let write = || {
            let nonce = self.nonce.as_ref().map(|nonce| nonce_extension(nonce)).transpose()?;
            let tbs_request = TbsRequest {
                request_list: vec![Single { req_cert, single_request_extensions: None }],
                request_extensions: nonce.map(|nonce| vec![nonce]),
                ..TbsRequest::default()
            };
            OcspRequest { tbs_request, optional_signature: None }.to_der()
        };
        write().map_err(|e| Malformed::because("an OCSP request")(e).into())
    }
}

fn nonce_extension(nonce: &[u8]) -> der::Result<Extension> {
    // An OCTET STRING within the one that every extension is in (RFC 9654 §2.1).
    let inner = Nonce::new(nonce)?.to_der()?;
    Ok(Extension { extn_id: Nonce::OID, critical: false, extn_value: OctetString::new(inner)? })
}
