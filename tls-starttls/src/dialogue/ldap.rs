//! LDAP's StartTLS operation (RFC 4511 §4.14).

use super::ber::{Element, element, elements, number};
use super::{Dialogue, Fault, Heard};
use crate::Stage;

const OID: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// LDAPMessage { messageID 1, extendedReq { requestName } }.
pub(super) const REQUEST: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const EXTENDED_RESPONSE: u8 = 0x78;
const RESPONSE_NAME: u8 = 0x8a;

#[derive(Debug)]
pub(super) struct Ldap;

impl Dialogue for Ldap {
    fn stage(&self) -> Stage {
        Stage::Upgrade
    }

    fn hear(&mut self, input: &[u8], _: bool) -> Result<Heard, Fault> {
        if input[0] != SEQUENCE {
            return Err(Fault::malformed(input));
        }
        let Some(message) = element(input)? else { return Ok(Heard::Part) };
        let parts = elements(message.content)?;
        let [Element { tag: INTEGER, content: id, .. }, operation, ..] = parts[..] else {
            return Err(Fault::malformed(input));
        };
        let response = elements(operation.content)?;
        let [
            Element { tag: ENUMERATED, content: result, .. },
            Element { tag: OCTET_STRING, .. },
            Element { tag: OCTET_STRING, content: why, .. },
            ref rest @ ..,
        ] = response[..]
        else {
            return Err(Fault::malformed(input));
        };
        let name = rest.iter().find(|part| part.tag == RESPONSE_NAME).map(|part| part.content);
        match (number(id), operation.tag, number(result)) {
            // The notice of a disconnection (RFC 4511 §4.4.1).
            (Some(0), EXTENDED_RESPONSE, _) => Err(Fault::refused(why)),
            (Some(1), EXTENDED_RESPONSE, Some(0)) if name.is_none_or(|name| name == OID) => {
                Ok(Heard::Done(message.taken, Vec::new()))
            }
            // protocolError is the answer of who does not know the operation (RFC 4511 §4.14.2).
            (Some(1), EXTENDED_RESPONSE, Some(2)) => Err(Fault::not_offered(why)),
            (Some(1), EXTENDED_RESPONSE, Some(1..)) => Err(Fault::refused(why)),
            _ => Err(Fault::malformed(input)),
        }
    }
}
