//! The headers of incoming records, looked at before s2n does.
//!
//! s2n waits for all of a record that is too long for any, passes over records of unknown types, and
//! takes alerts in clear for good in TLS 1.3.

use tls_core::{Alert, Capability, ErrorKind};

/// What is wrong with what came, and the alert that says so.
pub(crate) type Fault = (ErrorKind, Alert);

/// What may come now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Everything that there is.
    Handshake,
    /// Data and alerts of TLS 1.2, and messages that are refused.
    Tls12,
    /// TLS 1.2, after the own close: s2n would drop data.
    Tls12Closed,
    /// What is encrypted in TLS 1.3, where that is all one type.
    Tls13,
}

/// Follows the records that s2n takes off the wire, in whatever pieces.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) phase: Phase,
    header: [u8; 5],
    /// How much of the header is there.
    have: usize,
    /// How much of the content is to come.
    left: usize,
}

impl Records {
    pub(crate) fn new() -> Self {
        Self { phase: Phase::Handshake, header: [0; 5], have: 0, left: 0 }
    }

    /// Looks at the next bytes.
    ///
    /// # Errors
    ///
    /// What is wrong with the header in them.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            if self.left > 0 {
                if self.phase == Phase::Tls12Closed && self.header[0] == APPLICATION_DATA {
                    return Err(DATA_AFTER_CLOSE); // begun before the close
                }
                let content = bytes.len().min(self.left);
                self.left -= content;
                bytes = &bytes[content..];
                continue;
            }
            self.header[self.have] = bytes[0];
            self.have += 1;
            bytes = &bytes[1..];
            if self.have == self.header.len() {
                self.have = 0;
                self.check()?;
            }
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), Fault> {
        let [kind, major, _, a, b] = self.header;
        self.left = usize::from(u16::from_be_bytes([a, b]));
        let most = match self.phase {
            Phase::Handshake | Phase::Tls12 | Phase::Tls12Closed => MOST_TLS12,
            Phase::Tls13 => MOST_TLS13,
        };
        let is_expected = match self.phase {
            Phase::Handshake | Phase::Tls12 | Phase::Tls12Closed => {
                (CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&kind)
            }
            Phase::Tls13 => kind == APPLICATION_DATA,
        };
        if !is_expected || major != 3 {
            return Err((ErrorKind::Protocol, Alert::UNEXPECTED_MESSAGE));
        }
        if self.left > most {
            return Err((ErrorKind::Protocol, Alert::RECORD_OVERFLOW));
        }
        if self.phase == Phase::Tls12Closed && kind == APPLICATION_DATA {
            return Err(DATA_AFTER_CLOSE);
        }
        Ok(())
    }
}

/// Whether, in whole records that a side sends, its keys come into use.
pub(crate) fn is_encrypted(mut records: &[u8], is_tls12: bool) -> bool {
    while let [kind, _, _, a, b, rest @ ..] = records {
        match *kind {
            APPLICATION_DATA => return true,
            // In TLS 1.3 it is for show (RFC 8446 §D.4).
            CHANGE_CIPHER_SPEC if is_tls12 => return true,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([*a, *b]));
        records = rest.get(length..).unwrap_or_default();
    }
    false
}

/// A fatal alert in clear (RFC 8446 §6).
pub(crate) fn alert(description: u8) -> [u8; 7] {
    [ALERT, 3, 3, 0, 2, 2, description]
}

/// The alert that says why the first bytes of a client are no ClientHello (RFC 8446 §6.2).
pub(crate) fn alert_for_hello(bytes: &[u8]) -> Alert {
    const CLIENT_HELLO: u8 = 1;
    match *bytes {
        [_, _, _, a, b, ..] if usize::from(u16::from_be_bytes([a, b])) > MOST_TLS12 => {
            Alert::RECORD_OVERFLOW
        }
        [HANDSHAKE, _, _, _, _, CLIENT_HELLO, ..] => Alert::DECODE_ERROR,
        _ => Alert::UNEXPECTED_MESSAGE,
    }
}

const DATA_AFTER_CLOSE: Fault =
    (ErrorKind::Unsupported(Capability::Tls12HalfClose), Alert::INTERNAL_ERROR);

const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// The most content of a record in TLS 1.2 (RFC 5246 §6.2.3), and so of any.
const MOST_TLS12: usize = 16_384 + 2_048;

/// The most of one in TLS 1.3 (RFC 8446 §5.2).
const MOST_TLS13: usize = 16_384 + 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn first_fault(phase: Phase, bytes: &[u8], piece: usize) -> Option<Fault> {
        let mut records = Records { phase, ..Records::new() };
        bytes.chunks(piece).find_map(|piece| records.feed(piece).err())
    }

    #[test]
    fn headers_are_found_whatever_the_pieces() {
        let good =
            [&[22, 3, 1, 0, 3, 1, 2, 3][..], &[20, 3, 3, 0, 1, 1], &[23, 3, 3, 0, 0]].concat();
        let unexpected = (ErrorKind::Protocol, Alert::UNEXPECTED_MESSAGE);
        let too_long = (ErrorKind::Protocol, Alert::RECORD_OVERFLOW);
        for piece in [1, 2, 3, 7, 100] {
            assert_eq!(first_fault(Phase::Handshake, &good, piece), None);
            assert_eq!(first_fault(Phase::Tls13, &good, piece), Some(unexpected));
            for (bad, why) in [
                ([24, 3, 3, 0, 1], unexpected),
                ([22, 2, 3, 0, 1], unexpected),
                ([23, 3, 3, 0x48, 1], too_long),
            ] {
                let bytes = [&good[..], &bad].concat();
                assert_eq!(first_fault(Phase::Tls12, &bytes, piece), Some(why), "{bad:?}");
            }
            assert_eq!(first_fault(Phase::Tls12Closed, &good, piece), Some(DATA_AFTER_CLOSE));
        }
    }

    #[test]
    fn data_that_was_cut_by_the_own_close_is_no_data_to_drop() {
        let mut records = Records { phase: Phase::Tls12, ..Records::new() };
        records.feed(&[23, 3, 3, 0, 40, 1, 2, 3]).unwrap();
        records.phase = Phase::Tls12Closed;
        assert_eq!(records.feed(&[4]), Err(DATA_AFTER_CLOSE));
    }

    #[test]
    fn keys_are_in_use_after_a_change_of_them() {
        let hello = [22, 3, 1, 0, 1, 1];
        let change = [20, 3, 3, 0, 1, 1];
        let both = [hello, change].concat();
        assert!(!is_encrypted(&hello, true) && !is_encrypted(&both, false));
        assert!(is_encrypted(&both, true) && is_encrypted(&[23, 3, 3, 0, 1, 9], false));
    }
}
