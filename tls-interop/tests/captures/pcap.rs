//! What went over a connection in memory, written as if it had been captured from a network.
//!
//! A real capture needs rights that tests do not have. Wireshark only wants packets that could have been:
//! the headers of IPv4 (RFC 791) and TCP (RFC 9293), with sequence numbers that add up.

/// Who sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Client,
    Server,
}

/// A capture in the format of libpcap, with IP packets and nothing below them.
pub(crate) struct Capture {
    bytes: Vec<u8>,
    packets: u32,
}

impl Capture {
    /// The port of every server in it.
    pub(crate) const PORT: u16 = 4433;

    pub(crate) fn new() -> Self {
        const MAGIC: u32 = 0xa1b2_c3d4; // microseconds, in the byte order of what follows
        const RAW_IP: u32 = 101;
        let header = [MAGIC, 0x0002_0004, 0, 0, 65_535, RAW_IP];
        Self { bytes: header.iter().flat_map(|word| word.to_be_bytes()).collect(), packets: 0 }
    }

    /// Adds one connection, that of the client at `port`.
    pub(crate) fn add(&mut self, port: u16, flights: &[(From, Vec<u8>)]) {
        let mut tcp = Tcp { port, sent: [1000, 2000] };
        self.put(&tcp.segment(From::Client, SYN, &[]));
        tcp.sent[0] += 1;
        self.put(&tcp.segment(From::Server, SYN | ACK, &[]));
        tcp.sent[1] += 1;
        self.put(&tcp.segment(From::Client, ACK, &[]));
        for (from, bytes) in flights {
            for piece in bytes.chunks(1400) {
                self.put(&tcp.segment(*from, ACK | PUSH, piece));
                tcp.sent[*from as usize] += piece.len() as u32;
            }
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn put(&mut self, packet: &[u8]) {
        self.packets += 1;
        let length = packet.len() as u32;
        for word in [1_700_000_000, self.packets, length, length] {
            self.bytes.extend(word.to_be_bytes());
        }
        self.bytes.extend(packet);
    }
}

struct Tcp {
    /// The client's.
    port: u16,
    /// What the client and the server have sent so far, as sequence numbers.
    sent: [u32; 2],
}

impl Tcp {
    fn segment(&self, from: From, flags: u8, payload: &[u8]) -> Vec<u8> {
        const TTL_AND_TCP: [u8; 2] = [64, 6];
        let hosts = [[127, 0, 0, 1], [127, 0, 0, 2]];
        let ports = [self.port, Capture::PORT];
        let (us, them) = (from as usize, 1 - from as usize);
        let length = (20 + 20 + payload.len()) as u16;
        let acknowledged = if flags & ACK == 0 { 0 } else { self.sent[them] };

        // Checksums are left out, as where the network card would fill them in.
        let mut packet = vec![0x45, 0];
        packet.extend(length.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(TTL_AND_TCP);
        packet.extend([0; 2]);
        packet.extend(hosts[us]);
        packet.extend(hosts[them]);

        packet.extend(ports[us].to_be_bytes());
        packet.extend(ports[them].to_be_bytes());
        packet.extend(self.sent[us].to_be_bytes());
        packet.extend(acknowledged.to_be_bytes());
        packet.extend([0x50, flags]);
        packet.extend(u16::MAX.to_be_bytes()); // the window
        packet.extend([0; 4]);
        packet.extend(payload);
        packet
    }
}

const SYN: u8 = 0x02;
const PUSH: u8 = 0x08;
const ACK: u8 = 0x10;
