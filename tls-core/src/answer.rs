//! What a server settles in clear, read off the wire as it passes.

use pki_types::CertificateDer;

use crate::hello::Reader;
use crate::{CipherSuite, ClientHello, Group, Result, Version};

/// What has been seen of a server's answer to a ClientHello, in the part that is not encrypted.
///
/// For backends whose library cannot tell, or limit, what was negotiated: the bytes that a server
/// sends are shown to it in whatever pieces they come. In TLS 1.2 that is everything up to the
/// change of keys, in TLS 1.3 the ServerHello alone (RFC 8446 §4.1.3).
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The bytes of a record that is not all there yet.
    record: Vec<u8>,
    /// The bytes of a handshake message that is not all there yet.
    message: Vec<u8>,
    /// Nothing more is in clear.
    ended: bool,
    too_long: bool,
    version: Option<u16>,
    random: [u8; 32],
    extended_master_secret: bool,
    session_id: Vec<u8>,
    cipher_suite: Option<CipherSuite>,
    group: Option<Group>,
    resumes_key: bool,
    leaf: Option<CertificateDer<'static>>,
}

impl Answer {
    /// Takes more of the bytes that the server sends.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`](crate::ErrorKind) if a message is not what the RFCs say.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !self.ended && !bytes.is_empty() {
            let wanted = match self.record.as_slice() {
                [_, _, _, a, b, ..] => 5 + usize::from(u16::from_be_bytes([*a, *b])),
                _ => 5,
            };
            let taken = bytes.len().min(wanted - self.record.len());
            self.record.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if let [kind, _, _, a, b, body @ ..] = self.record.as_slice() {
                if body.len() == usize::from(u16::from_be_bytes([*a, *b])) {
                    let (kind, body) = (*kind, body.to_vec());
                    self.record.clear();
                    self.take_record(kind, &body)?;
                }
            }
        }
        Ok(())
    }

    /// The version it chose, by its number on the wire.
    pub fn version_number(&self) -> Option<u16> {
        self.version
    }

    /// The version it chose, if that is one of ours.
    pub fn version(&self) -> Option<Version> {
        self.version.and_then(Version::from_number)
    }

    /// The random of its hello, as soon as it has chosen a version.
    pub fn random(&self) -> Option<&[u8; 32]> {
        self.version.map(|_| &self.random)
    }

    /// Whether it agreed to the extended master secret (RFC 7627), as soon as it has chosen a version.
    pub fn has_extended_master_secret(&self) -> Option<bool> {
        self.version.map(|_| self.extended_master_secret)
    }

    /// The cipher suite it chose.
    pub fn cipher_suite(&self) -> Option<CipherSuite> {
        self.cipher_suite
    }

    /// The key-exchange group it chose. Of TLS 1.2 only where the cipher suite is one of
    /// [`CipherSuite::DEFAULT`], and not before the ServerKeyExchange.
    pub fn group(&self) -> Option<Group> {
        self.group
    }

    /// Its own certificate, if that was in clear: in TLS 1.2.
    pub fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.leaf.as_ref()
    }

    /// Whether a message, such as its certificates, has more than [`ClientHello::MAX_LEN`] bytes.
    /// Nothing is read from there on.
    pub fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// Whether it resumes the session that `hello` asked for (RFC 5246 §7.3, RFC 8446 §2.2), as
    /// soon as it has chosen a version.
    pub fn resumes(&self, hello: &ClientHello) -> Option<bool> {
        Some(match self.version? {
            number if number >= Version::Tls13.number() => self.resumes_key,
            _ => !self.session_id.is_empty() && self.session_id == hello.session_id,
        })
    }

    fn take_record(&mut self, kind: u8, body: &[u8]) -> Result<()> {
        match kind {
            HANDSHAKE => self.message.extend_from_slice(body),
            // A warning may come before the hello; a change of keys for show after a retry.
            ALERT => return Ok(()),
            CHANGE_CIPHER_SPEC if self.version.is_none() => return Ok(()),
            _ => self.end(),
        }
        while let [kind, a, b, c, rest @ ..] = self.message.as_slice() {
            let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            if length > ClientHello::MAX_LEN {
                self.end();
                self.too_long = true;
                break;
            }
            let Some(body) = rest.get(..length) else { break };
            let (kind, body) = (*kind, body.to_vec());
            self.message.drain(..4 + length);
            self.take_message(kind, &body)?;
        }
        Ok(())
    }

    fn take_message(&mut self, kind: u8, body: &[u8]) -> Result<()> {
        match (kind, self.cipher_suite) {
            (SERVER_HELLO, _) => self.take_hello(body),
            (CERTIFICATE, Some(_)) => self.take_certificate(body),
            (SERVER_KEY_EXCHANGE, Some(suite)) if CipherSuite::DEFAULT.contains(&suite) => {
                // The suites on offer here are all ECDHE (RFC 8422 §5.4).
                let mut body = Reader { bytes: body, of: "ServerKeyExchange" };
                if body.take(1)? == [NAMED_CURVE] {
                    self.group = Some(Group(body.u16()?));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The grammar of RFC 8446 §4.1.3 and RFC 5246 §7.4.1.3.
    fn take_hello(&mut self, body: &[u8]) -> Result<()> {
        let mut body = Reader { bytes: body, of: "ServerHello" };
        let mut version = body.u16()?;
        let random = body.take(32)?;
        let session_id = body.vector_u8("session id")?.bytes.to_vec();
        let cipher_suite = CipherSuite(body.u16()?);
        body.take(1)?; // compression method
        let (mut group, mut resumes_key, mut extended) = (None, false, false);
        if !body.bytes.is_empty() {
            let mut extensions = body.vector_u16("extensions")?;
            while !extensions.bytes.is_empty() {
                let kind = extensions.u16()?;
                let mut extension = extensions.vector_u16("extension")?;
                match kind {
                    23 => extended = true,    // extended_master_secret
                    41 => resumes_key = true, // pre_shared_key
                    43 => version = extension.u16()?,
                    51 => group = Some(Group(extension.u16()?)),
                    _ => {}
                }
            }
        }
        if random == HELLO_RETRY_REQUEST {
            return Ok(()); // the answer that counts is still to come
        }
        self.random.copy_from_slice(random);
        self.extended_master_secret = extended;
        self.version = Some(version);
        self.session_id = session_id;
        self.cipher_suite = Some(cipher_suite);
        self.group = group;
        self.resumes_key = resumes_key;
        if version >= Version::Tls13.number() {
            self.end();
        }
        Ok(())
    }

    /// `certificate_list<0..2^24-1>` of `ASN.1Cert<1..2^24-1>` (RFC 5246 §7.4.2).
    fn take_certificate(&mut self, body: &[u8]) -> Result<()> {
        let mut body = Reader { bytes: body, of: "Certificate" };
        body.take(3)?; // the length of the list
        let first = body.take(3)?;
        let length = u32::from_be_bytes([0, first[0], first[1], first[2]]) as usize;
        self.leaf = Some(body.take(length)?.to_vec().into());
        Ok(())
    }

    fn end(&mut self) {
        (self.record, self.message, self.ended) = (Vec::new(), Vec::new(), true);
    }
}

/// The random of a ServerHello that only asks for another ClientHello (RFC 8446 §4.1.3).
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Content types.
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// Types of handshake messages.
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;

/// The only curve type that is left (RFC 8422 §5.4).
const NAMED_CURVE: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn vector(width: usize, bytes: &[u8]) -> Vec<u8> {
        let length = (bytes.len() as u32).to_be_bytes();
        [&length[4 - width..], bytes].concat()
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind][..], &vector(3, body)].concat()
    }

    fn records(kind: u8, bytes: &[u8], size: usize) -> Vec<u8> {
        bytes.chunks(size).flat_map(|part| [&[kind, 3, 3][..], &vector(2, part)].concat()).collect()
    }

    fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &vector(2, body)].concat()
    }

    fn hello(random: &[u8; 32], suite: [u8; 2], extensions: &[u8]) -> Vec<u8> {
        let id = vector(1, &[4; 32]);
        let body = [&[3, 3][..], random, &id, &suite, &[0], &vector(2, extensions)].concat();
        message(SERVER_HELLO, &body)
    }

    /// A flight of TLS 1.2 whose messages lie in records of this size.
    fn tls12(size: usize) -> Vec<u8> {
        let chain = [vector(3, b"leaf"), vector(3, b"issuer")].concat();
        let messages = [
            hello(&[8; 32], [0xc0, 0x2b], &extension(23, &[])),
            message(CERTIFICATE, &vector(3, &chain)),
            message(SERVER_KEY_EXCHANGE, &[3, 0, 29, 1, 9]),
            message(14, &[]),
        ];
        let warning = records(ALERT, &[1, 112], 2);
        [warning, records(HANDSHAKE, &messages.concat(), size)].concat()
    }

    fn seen(bytes: &[u8], chunk: usize) -> Answer {
        let mut answer = Answer::default();
        bytes.chunks(chunk).for_each(|piece| answer.feed(piece).unwrap());
        answer
    }

    #[test]
    fn an_answer_of_tls12_is_read_whatever_the_pieces() {
        for (size, chunk) in [(1, 1000), (1000, 1), (7, 3), (1000, 1000)] {
            let sealed =
                [&[CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1][..], b"\x16\x03\x03\x00\x02\x0b\x00"];
            let answer = seen(&[tls12(size), sealed.concat()].concat(), chunk);
            assert_eq!(answer.version(), Some(Version::Tls12));
            assert_eq!(answer.cipher_suite(), Some(CipherSuite(0xc02b)));
            assert_eq!(answer.group(), Some(Group::X25519));
            assert_eq!(answer.certificate().unwrap().as_ref(), b"leaf");
            let mut asked = ClientHello::default();
            assert_eq!(answer.resumes(&asked), Some(false));
            asked.session_id = vec![4; 32];
            assert_eq!(answer.resumes(&asked), Some(true));
        }
    }

    #[test]
    fn an_answer_of_tls13_is_the_one_after_a_retry() {
        let shares = |group: [u8; 2]| {
            [extension(43, &[3, 4]), extension(51, &group), extension(41, &[0, 0])].concat()
        };
        let retry = hello(&HELLO_RETRY_REQUEST, [0x13, 1], &shares([0, 23]));
        let chosen = hello(&[8; 32], [0x13, 2], &shares([0, 24]));
        let bytes = [
            records(HANDSHAKE, &retry, 1000),
            records(CHANGE_CIPHER_SPEC, &[1], 1),
            records(HANDSHAKE, &chosen, 1000),
            records(23, b"sealed", 1000),
        ];
        for chunk in [1, 1000] {
            assert_eq!(seen(&bytes[..2].concat(), chunk).version(), None);
            let answer = seen(&bytes.concat(), chunk);
            assert_eq!(answer.version(), Some(Version::Tls13));
            assert_eq!(answer.cipher_suite(), Some(CipherSuite(0x1302)));
            assert_eq!(answer.group(), Some(Group::SECP384R1));
            assert_eq!(answer.resumes(&ClientHello::default()), Some(true));
            assert_eq!(answer.certificate(), None);
        }
    }

    #[test]
    fn a_message_without_end_is_not_collected() {
        let messages = [hello(&[8; 32], [0xc0, 0x2b], &[]), vec![CERTIFICATE, 1, 0, 1]].concat();
        let mut answer = seen(&records(HANDSHAKE, &messages, 1000), 1000);
        assert!(answer.is_too_long() && answer.version() == Some(Version::Tls12));
        answer.feed(&records(HANDSHAKE, &[0; 1000], 1000)).unwrap();
        assert!(answer.record.is_empty() && answer.message.is_empty());
        assert!(!seen(&tls12(1000), 1000).is_too_long());
    }

    #[test]
    fn junk_is_a_typed_error_and_never_a_panic() {
        let good = tls12(1000);
        let mut seed = 1_u32;
        for _ in 0..20_000 {
            let mut bytes = good.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = seed as usize / 7 % bytes.len();
                bytes[at] = (seed >> 24) as u8;
            }
            if let Err(e) = Answer::default().feed(&bytes) {
                assert_eq!(e.kind(), ErrorKind::Protocol);
            }
        }
    }
}
