//! TLS records made by hand, for what no well-behaved peer sends.

/// A record of this content type with this payload, whatever they are.
pub(crate) fn record(content_type: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    [&[content_type, 3, 3][..], &length, payload].concat()
}

/// A fatal alert in clear.
pub(crate) fn alert(description: u8) -> Vec<u8> {
    record(21, &[2, description])
}

/// An alert record that is only a warning.
pub(crate) fn warning(description: u8) -> Vec<u8> {
    record(21, &[1, description])
}

/// A handshake message of this type, without a record around it.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &vector(3, body)].concat()
}

/// The whole records at the start of `bytes`.
pub(crate) fn records(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut records) = (bytes, Vec::new());
    while let [_, _, _, a, b, ..] = rest {
        let length = 5 + usize::from(u16::from_be_bytes([*a, *b]));
        let Some((record, after)) = rest.split_at_checked(length) else { break };
        records.push(record);
        rest = after;
    }
    records
}

/// The same handshake messages in records of at most `size` bytes each; other records stay.
pub(crate) fn fragmented(records_of: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for whole in records(records_of) {
        match whole[0] {
            22 => whole[5..].chunks(size).for_each(|part| {
                out.extend_from_slice(&whole[..3]);
                out.extend(vector(2, part));
            }),
            _ => out.extend_from_slice(whole),
        }
    }
    out
}

/// Changes the last byte of the first handshake message of this type in these records, where it is in
/// clear. Of a message that ends with a signature it is the last of that.
pub(crate) fn spoil(flight: &mut [u8], kind: u8) {
    // Where the bytes of handshake messages are, record headers left out.
    let (mut places, mut at) = (Vec::new(), 0);
    while at < flight.len() {
        let length = usize::from(u16::from_be_bytes([flight[at + 3], flight[at + 4]]));
        places.extend(at + 5..at + 5 + length);
        at += 5 + length;
    }
    let mut rest = places.as_slice();
    loop {
        let header = [1, 2, 3].map(|i| flight[rest[i]]);
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize;
        if flight[rest[0]] == kind {
            flight[rest[3 + length]] ^= 1;
            return;
        }
        rest = &rest[4 + length..];
    }
}

/// The type of the message by which a TLS 1.2 server signs its key exchange (RFC 5246 §7.4.3).
pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;

/// The type of the message by which a client signs the handshake (RFC 5246 §7.4.8).
pub(crate) const CERTIFICATE_VERIFY: u8 = 15;

/// A ClientHello that every server answers, to be changed into one that none should.
#[derive(Clone, Debug)]
pub(crate) struct Hello {
    /// The version in the message itself.
    pub(crate) legacy_version: u16,
    /// What `supported_versions` lists; no such extension if empty.
    pub(crate) versions: Vec<u16>,
    pub(crate) suites: Vec<u16>,
    pub(crate) groups: Vec<u16>,
    pub(crate) signature_schemes: Vec<u16>,
    /// Groups and public keys.
    pub(crate) key_shares: Vec<(u16, Vec<u8>)>,
    /// Whether it asks for a stapled OCSP response (RFC 6066 §8).
    pub(crate) asks_for_staple: bool,
    /// Whether it asks for a session ticket (RFC 5077 §3.2).
    pub(crate) asks_for_ticket: bool,
}

impl Hello {
    /// For TLS 1.3 only.
    pub(crate) fn tls13() -> Self {
        Self {
            legacy_version: 0x0303,
            versions: vec![0x0304],
            suites: vec![0x1301, 0x1302, 0x1303],
            groups: vec![29, 23],
            signature_schemes: vec![0x0403, 0x0804],
            key_shares: vec![(29, vec![9; 32])],
            asks_for_staple: false,
            asks_for_ticket: false,
        }
    }

    /// For TLS 1.2 only.
    pub(crate) fn tls12() -> Self {
        Self {
            versions: Vec::new(),
            suites: vec![0xc02b, 0xc02c, 0xcca9],
            key_shares: Vec::new(),
            ..Self::tls13()
        }
    }

    /// It in a record.
    pub(crate) fn record(&self) -> Vec<u8> {
        record(22, &self.message())
    }

    /// It without a record around it (RFC 8446 §4.1.2).
    pub(crate) fn message(&self) -> Vec<u8> {
        let mut extensions = vec![
            extension(10, &vector(2, &numbers(&self.groups))),
            extension(11, &vector(1, &[0])), // uncompressed points
            extension(13, &vector(2, &numbers(&self.signature_schemes))),
            extension(23, &[]), // extended master secret
        ];
        if !self.versions.is_empty() {
            extensions.push(extension(43, &vector(1, &numbers(&self.versions))));
        }
        if self.asks_for_staple {
            extensions.push(extension(5, &[1, 0, 0, 0, 0])); // OCSP, no particular responder
        }
        if self.asks_for_ticket {
            extensions.push(extension(35, &[]));
        }
        if !self.key_shares.is_empty() {
            let share = |(group, key): &(u16, Vec<u8>)| {
                [&group.to_be_bytes()[..], &vector(2, key)].concat()
            };
            let shares = self.key_shares.iter().flat_map(share).collect::<Vec<_>>();
            extensions.push(extension(51, &vector(2, &shares)));
        }
        let body = [
            self.legacy_version.to_be_bytes().to_vec(),
            vec![7; 32],
            vector(1, &[5; 32]),
            vector(2, &numbers(&self.suites)),
            vector(1, &[0]),
            vector(2, &extensions.concat()),
        ];
        message(1, &body.concat())
    }
}

/// A ServerHello with this version, suite and extensions, in a record (RFC 5246 §7.4.1.3).
pub(crate) fn server_hello(version: u16, suite: u16, extensions: &[u8]) -> Vec<u8> {
    let body = [
        version.to_be_bytes().to_vec(),
        vec![8; 32],
        vector(1, &[]),
        suite.to_be_bytes().to_vec(),
        vec![0],
        vector(2, extensions),
    ];
    record(22, &message(2, &body.concat()))
}

/// An extension of a hello.
pub(crate) fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vector(2, body)].concat()
}

/// `bytes` with their length before them, in so many bytes.
fn vector(width: usize, bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u32).to_be_bytes();
    [&length[4 - width..], bytes].concat()
}

fn numbers(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize % bound
    }

    /// So many bytes.
    pub(crate) fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.below(256) as u8).collect()
    }
}
