//! The ClientHello, read off the wire before any session exists.

use crate::{CipherSuite, Error, ErrorKind, Group, Protocols, Result};

/// What a client offers in its first message (RFC 8446 §4.1.2).
///
/// Read from the unread bytes of a wire without consuming them, so a server may look before it
/// decides who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientHello {
    /// The session it wants to resume, or a number for show (RFC 8446 §4.1.2).
    pub session_id: Vec<u8>,
    /// The name of the server it means to reach (SNI, RFC 6066 §3), as sent.
    pub server_name: Option<String>,
    /// The application protocols it offers, best first (RFC 7301).
    pub alpn: Vec<Vec<u8>>,
    /// The numbers of the versions it offers: `supported_versions`, or the one in the message.
    pub versions: Vec<u16>,
    /// The cipher suites it offers, best first.
    pub cipher_suites: Vec<CipherSuite>,
    /// The key-exchange groups it offers, best first.
    pub groups: Vec<Group>,
    /// The numbers of the signature schemes it accepts, best first.
    pub signature_schemes: Vec<u16>,
    /// Whether it announces early data (RFC 8446 §4.2.10).
    pub early_data: bool,
    /// The ticket that it offers to resume first, and what proves that it knows the secret.
    pub(crate) ticket: Option<(Vec<u8>, Vec<u8>)>,
}

impl ClientHello {
    /// The largest ClientHello that is read, in bytes of handshake message.
    pub const MAX_LEN: usize = 65_536;

    /// The ticket of TLS 1.3 that it offers to resume first (RFC 8446 §4.2.11).
    pub fn ticket(&self) -> Option<&[u8]> {
        self.ticket.as_ref().map(|(identity, _)| identity.as_slice())
    }

    /// The binder that belongs to [`ticket`](Self::ticket): no two hellos have the same, and nobody but
    /// the client can make one that a server accepts. Whatever is beside it can be changed on the way.
    pub(crate) fn binder(&self) -> Option<&[u8]> {
        self.ticket.as_ref().map(|(_, binder)| binder.as_slice())
    }

    /// Reads a ClientHello from the start of `records`, the bytes of TLS records; `None` if they
    /// are not all there yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`], saying where, if they can never become one.
    pub fn read(records: &[u8]) -> Result<Option<Self>> {
        let Some(message) = handshake_message(records)? else { return Ok(None) };
        Self::parse(&message).map(Some)
    }

    /// The grammar of RFC 8446 §4.1.2 and RFC 5246 §7.4.1.2.
    fn parse(message: &[u8]) -> Result<Self> {
        let mut body = Reader { bytes: message, of: "ClientHello" };
        let version = body.u16()?;
        body.take(32)?; // random
        let session_id = body.vector_u8("session id")?.bytes.to_vec();
        let mut suites = body.vector_u16("cipher suites")?;
        body.vector_u8("compression methods")?;
        let mut hello = Self { session_id, versions: vec![version], ..Self::default() };
        hello.cipher_suites = suites.u16s()?.into_iter().map(CipherSuite).collect();
        if body.bytes.is_empty() {
            return Ok(hello); // RFC 5246 allows a hello without extensions
        }
        let mut extensions = body.vector_u16("extensions")?;
        while !extensions.bytes.is_empty() {
            let kind = extensions.u16()?;
            let mut extension = extensions.vector_u16("extension")?;
            match kind {
                0 => hello.server_name = server_name(&mut extension)?,
                10 => {
                    let groups = extension.vector_u16("groups")?.u16s()?;
                    hello.groups = groups.into_iter().map(Group).collect();
                }
                13 => {
                    hello.signature_schemes = extension.vector_u16("signature schemes")?.u16s()?;
                }
                16 => {
                    let names = extension.vector_u16("ALPN list")?.bytes;
                    hello.alpn = Protocols::names_on_wire(names).map(<[u8]>::to_vec).collect();
                    let read: usize = hello.alpn.iter().map(|name| name.len() + 1).sum();
                    if read != names.len() || hello.alpn.iter().any(Vec::is_empty) {
                        return Err(malformed("ALPN list"));
                    }
                }
                41 => hello.ticket = Some(first_ticket(&mut extension)?),
                42 => hello.early_data = true,
                43 => hello.versions = extension.vector_u8("versions")?.u16s()?,
                _ => {}
            }
        }
        Ok(hello)
    }
}

/// The body of the first handshake message in `records`, whose parts may lie in several records.
fn handshake_message(mut records: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut message = Vec::new();
    loop {
        if let [kind, a, b, c, body @ ..] = message.as_slice() {
            let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            if *kind != 1 {
                return Err(malformed("handshake type"));
            }
            if length > ClientHello::MAX_LEN {
                return Err(malformed("handshake length"));
            }
            if let Some(body) = body.get(..length) {
                return Ok(Some(body.to_vec()));
            }
        }
        let [content_type, _, _, a, b, rest @ ..] = records else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([*a, *b]));
        // RFC 8446 §5.1: no empty handshake fragments, and at most 2^14 bytes.
        if *content_type != 22 || !(1..=16_384).contains(&length) {
            return Err(malformed("record header"));
        }
        message.extend_from_slice(&rest[..length.min(rest.len())]);
        let Some(after) = rest.get(length..) else {
            // What has come so far may already show that it is none.
            if message.first().is_some_and(|&kind| kind != 1) {
                return Err(malformed("handshake type"));
            }
            return Ok(None);
        };
        records = after;
    }
}

fn server_name(extension: &mut Reader<'_>) -> Result<Option<String>> {
    let mut names = extension.vector_u16("server names")?;
    while !names.bytes.is_empty() {
        let kind = names.take(1)?[0];
        let name = names.vector_u16("server name")?.bytes;
        if kind == 0 {
            let text = std::str::from_utf8(name).map_err(|_| malformed("server name"))?;
            return Ok(Some(text.to_owned()));
        }
    }
    Ok(None)
}

/// The first of the identities and of the binders (RFC 8446 §4.2.11).
fn first_ticket(extension: &mut Reader<'_>) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut identities = extension.vector_u16("tickets")?;
    let identity = identities.vector_u16("ticket")?.bytes.to_vec();
    let mut binders = extension.vector_u16("binders")?;
    Ok((identity, binders.vector_u8("binder")?.bytes.to_vec()))
}

fn malformed(part: &str) -> Error {
    Error::new(ErrorKind::Protocol).because(format!("a hello message: malformed {part}"))
}

/// Bytes that are taken from the front, in the manner of RFC 8446 §3.
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
    /// What they are, for words about them.
    pub(crate) of: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(n).ok_or_else(|| malformed(self.of))?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn u16(&mut self) -> Result<u16> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(crate) fn vector_u8(&mut self, of: &'static str) -> Result<Self> {
        let length = self.take(1)?[0];
        Ok(Self { bytes: self.take(length.into())?, of })
    }

    pub(crate) fn vector_u16(&mut self, of: &'static str) -> Result<Self> {
        let length = self.u16()?;
        Ok(Self { bytes: self.take(length.into())?, of })
    }

    fn u16s(&mut self) -> Result<Vec<u16>> {
        let mut list = Vec::with_capacity(self.bytes.len() / 2);
        while !self.bytes.is_empty() {
            list.push(self.u16()?);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(width: usize, bytes: &[u8]) -> Vec<u8> {
        let length = (bytes.len() as u32).to_be_bytes();
        [&length[4 - width..], bytes].concat()
    }

    fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &vector(2, body)].concat()
    }

    fn message() -> Vec<u8> {
        let name = [&[0][..], &vector(2, b"a.example")].concat();
        let extensions = [
            extension(0, &vector(2, &name)),
            extension(10, &vector(2, &[0, 29, 0x11, 0xec])),
            extension(13, &vector(2, &[4, 3])),
            extension(16, &vector(2, b"\x02h2\x08http/1.1")),
            extension(43, &vector(1, &[3, 4, 3, 3])),
            extension(0x0a0a, b"grease"),
        ]
        .concat();
        let suites = vector(2, &[0x13, 0x01, 0xc0, 0x2b]);
        let rest = [vector(1, &[5, 6]), suites, vector(1, &[0]), vector(2, &extensions)].concat();
        let body = [&[3, 3][..], &[7; 32], &rest].concat();
        [&[1][..], &vector(3, &body)].concat()
    }

    fn records(message: &[u8], fragment: usize) -> Vec<u8> {
        message
            .chunks(fragment)
            .flat_map(|part| [&[22, 3, 1][..], &vector(2, part)].concat())
            .collect()
    }

    #[test]
    fn a_hello_is_read_whatever_the_records() {
        for fragment in [1, 2, 3, 50, 1000] {
            let bytes = records(&message(), fragment);
            for cut in 0..bytes.len() {
                assert_eq!(ClientHello::read(&bytes[..cut]).unwrap(), None);
            }
            let hello = ClientHello::read(&bytes).unwrap().unwrap();
            assert_eq!(hello.session_id, [5, 6]);
            assert_eq!(hello.server_name.as_deref(), Some("a.example"));
            assert_eq!(hello.alpn, [b"h2".to_vec(), b"http/1.1".to_vec()]);
            assert_eq!(hello.versions, [0x0304, 0x0303]);
            assert_eq!(hello.cipher_suites, [CipherSuite(0x1301), CipherSuite(0xc02b)]);
            assert_eq!(hello.groups, [Group::X25519, Group::X25519MLKEM768]);
            assert_eq!(hello.signature_schemes, [0x0403]);
        }
    }

    /// The body of `pre_shared_key` with these tickets, and these binders.
    fn tickets(identities: &[&[u8]], binders: &[&[u8]]) -> Vec<u8> {
        let identities =
            identities.iter().map(|identity| [&vector(2, identity)[..], &[0; 4]].concat());
        let binders = binders.iter().map(|binder| vector(1, binder));
        let (identities, binders) = (identities.collect::<Vec<_>>(), binders.collect::<Vec<_>>());
        [vector(2, &identities.concat()), vector(2, &binders.concat())].concat()
    }

    fn with_tickets(body: &[u8]) -> Result<ClientHello> {
        let extensions = [extension(42, &[]), extension(41, body)].concat();
        let rest = [&[0][..], &vector(2, &[0x13, 1]), &vector(1, &[0]), &vector(2, &extensions)];
        ClientHello::parse(&[&[3, 3][..], &[7; 32], &rest.concat()].concat())
    }

    #[test]
    fn the_first_binder_is_what_counts() {
        let hello = with_tickets(&tickets(&[b"one", b"two"], &[&[1; 32], &[2; 32]])).unwrap();
        assert!(hello.early_data);
        assert_eq!((hello.ticket(), hello.binder()), (Some(&b"one"[..]), Some(&[1; 32][..])));
        let other = with_tickets(&tickets(&[b"one", b"two"], &[&[1; 32], &[9; 32]])).unwrap();
        assert_eq!(other.binder(), hello.binder());
        for bad in [&b""[..], &[0], &tickets(&[], &[]), &tickets(&[b"one"], &[])] {
            assert_eq!(with_tickets(bad).unwrap_err().kind(), ErrorKind::Protocol, "{bad:?}");
        }
        let none = ClientHello::read(&records(&message(), 1000)).unwrap().unwrap();
        assert_eq!((none.early_data, none.ticket(), none.binder()), (false, None, None));
    }

    #[test]
    fn junk_is_a_typed_error_and_never_a_panic() {
        let good = records(&message(), 1000);
        let mut seed = 1_u32;
        for _ in 0..20_000 {
            let mut bytes = good.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = seed as usize / 7 % bytes.len();
                bytes[at] = (seed >> 24) as u8;
            }
            if let Err(e) = ClientHello::read(&bytes) {
                assert_eq!(e.kind(), ErrorKind::Protocol);
            }
        }
        for bad in
            [&b"\x16\x03\x01\x00\x00"[..], b"\x17\x03\x01\x00\x01\x01", b"\x16\x03\x01\x00\x05\x02"]
        {
            assert_eq!(ClientHello::read(bad).unwrap_err().kind(), ErrorKind::Protocol);
        }
    }
}
