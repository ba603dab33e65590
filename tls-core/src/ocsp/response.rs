//! What stands in a response, believed or not (RFC 6960 §4.2).

use std::fmt;

use pki_types::CertificateDer;
use x509_cert::der::asn1::BitString;
use x509_cert::der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::der::{self, Decode, Header, Reader, SliceReader, Tag, TagNumber};
use x509_cert::ext::Extension;
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus as Said, OcspResponse, ResponderId, ResponseData,
    SingleResponse,
};

use super::status::seconds;
use super::{OcspError, Outcome, ResponseStatus, id};
use crate::x509::{CertificateFacts, Malformed};

/// The most bytes that a response may have: twenty times what one with a responder's certificate has.
pub const MAX_RESPONSE: usize = 64 << 10;

/// An OCSP response, taken apart but not judged.
pub struct Response {
    pub(super) status: ResponseStatus,
    pub(super) basic: Option<Basic>,
}

/// A BasicOCSPResponse (RFC 6960 §4.2.1).
pub(super) struct Basic {
    pub(super) data: ResponseData,
    /// The data, as they were received and signed.
    pub(super) signed: Vec<u8>,
    pub(super) algorithm: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

impl Response {
    /// Reads the DER of an OCSPResponse.
    ///
    /// # Errors
    ///
    /// [`OcspError::TooLarge`], [`OcspError::Malformed`], or [`OcspError::UnknownType`].
    pub fn parse(response: &[u8]) -> Result<Self, OcspError> {
        if response.len() > MAX_RESPONSE {
            return Err(OcspError::TooLarge);
        }
        let malformed = Malformed::because("an OCSP response");
        let outer = OcspResponse::from_der(response).map_err(&malformed)?;
        let status = outer.response_status.into();
        let basic = match (status, outer.response_bytes) {
            (ResponseStatus::Successful, None) => {
                return Err(malformed(Tag::OctetString.value_error()).into());
            }
            (ResponseStatus::Successful, Some(bytes)) => {
                if bytes.response_type != BasicOcspResponse::OID {
                    return Err(OcspError::UnknownType(bytes.response_type));
                }
                Some(Basic::read(bytes.response.as_bytes()).map_err(&malformed)?)
            }
            // Whatever comes along with a refusal has no meaning.
            (_, _) => None,
        };
        Ok(Self { status, basic })
    }

    /// Whether the responder answered at all (RFC 6960 §2.3).
    pub fn status(&self) -> ResponseStatus {
        self.status
    }

    /// How many certificates it is about.
    pub fn len(&self) -> usize {
        self.basic.as_ref().map_or(0, |basic| basic.data.responses.len())
    }

    /// Whether it is about no certificate at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The nonce in it, if there is one (RFC 9654 §2.1).
    pub fn nonce(&self) -> Option<Vec<u8>> {
        Some(self.basic.as_ref()?.data.nonce()?.0.as_bytes().to_vec())
    }

    /// Who says that it has signed, as RFC 4514 writes a name, or the hash of a key in hexadecimal
    /// digits (RFC 6960 §4.2.2.3).
    pub fn responder(&self) -> Option<String> {
        Some(match &self.basic.as_ref()?.data.responder_id {
            ResponderId::ByName(name) => name.to_string(),
            ResponderId::ByKey(hash) => {
                hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
            }
        })
    }

    /// What stands there of this certificate, by its serial number and its issuer's name, without a
    /// look at signatures, dates and the issuer's key; `None` if the responder answered and says
    /// nothing of it.
    ///
    /// For display. What programs act on comes from [`process_response`](super::process_response).
    ///
    /// # Errors
    ///
    /// [`OcspError::Malformed`] if the certificate is.
    pub fn about(&self, leaf: &CertificateDer<'_>) -> Result<Option<Outcome>, OcspError> {
        let facts = CertificateFacts::read(leaf)?;
        let url = facts.ocsp_urls().first();
        let Some(basic) = &self.basic else {
            return Ok(Some(Outcome::new(self.status, None, url)));
        };
        let single = basic.single(|id| id::is_like(id, &facts));
        Ok(single.map(|single| Outcome::new(self.status, Some((single, basic.made_at())), url)))
    }

    /// What stands there of each certificate, whichever they are, without a look at anything else; nothing
    /// if the responder gave no answer.
    ///
    /// For display, where the certificate is not at hand: after a handshake that failed for its staple.
    pub fn answers(&self) -> Vec<Outcome> {
        let Some(basic) = &self.basic else { return Vec::new() };
        let made_at = basic.made_at();
        let outcome = |single| Outcome::new(self.status, Some((single, made_at)), None);
        basic.data.responses.iter().map(outcome).collect()
    }
}

impl Basic {
    /// Takes apart by hand what must not be encoded anew: `SEQUENCE { tbsResponseData,
    /// signatureAlgorithm, signature, [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }`.
    fn read(response: &[u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(response)?;
        let basic = reader.sequence(|fields| {
            let signed = fields.tlv_bytes()?;
            let algorithm = fields.tlv_bytes()?.to_vec();
            let signature = BitString::decode(fields)?;
            let signature = signature.as_bytes().ok_or_else(|| Tag::BitString.value_error())?;
            let mut certificates = Vec::new();
            if !fields.is_finished() {
                let header = Header::decode(fields)?;
                header.tag.assert_eq(CERTIFICATES)?;
                fields.read_nested(header.length, |inner| {
                    inner.sequence(|list| {
                        while !list.is_finished() {
                            certificates.push(list.tlv_bytes()?.to_vec().into());
                        }
                        Ok(())
                    })
                })?;
            }
            Ok(Self {
                data: ResponseData::from_der(signed)?,
                signed: signed.to_vec(),
                algorithm,
                signature: signature.to_vec(),
                certificates,
            })
        })?;
        reader.finish(basic)
    }

    /// Of the answers to which `is_it` fits: one that says "revoked" before others, then the newest.
    pub(super) fn single(&self, is_it: impl Fn(&CertId) -> bool) -> Option<&SingleResponse> {
        let fitting = self.data.responses.iter().filter(|single| is_it(&single.cert_id));
        fitting.max_by_key(|single| {
            (matches!(single.cert_status, Said::Revoked(_)), seconds(single.this_update))
        })
    }

    /// When it was signed, in seconds since 1970.
    pub(super) fn made_at(&self) -> u64 {
        seconds(self.data.produced_at)
    }

    /// The first critical extension of the whole or of `single` that is not known here.
    pub(super) fn unknown_extension(&self, single: &SingleResponse) -> Option<ObjectIdentifier> {
        let of_all = self.data.response_extensions.iter().flatten();
        let of_one = single.single_extensions.iter().flatten();
        let is_unknown =
            |extension: &&Extension| extension.critical && !KNOWN.contains(&extension.extn_id);
        of_all.chain(of_one).find(is_unknown).map(|extension| extension.extn_id)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("certificates", &self.len())
            .field("responder", &self.responder())
            .finish()
    }
}

const CERTIFICATES: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber::N0 };

/// Nonce, CRL references, archive cutoff, extended revoked definition (RFC 6960 §4.4): checked where it
/// was asked for, or with nothing in them that changes a verdict.
const KNOWN: [ObjectIdentifier; 4] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.3"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.6"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.9"),
];
