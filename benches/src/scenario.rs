//! What is measured: one operation of each scenario, as something that can be repeated.

use std::hint;
use std::io::IoSlice;
use std::rc::Rc;
use std::task::Poll;

use crate::end::End;
use crate::ffi::{Side, as_side};
use crate::io::{Counts, Io};
use crate::stacks::{Credentials, Key, Result, Setup, Stack, shake_hands, stacks};

/// Something that is done again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// A whole connection: set-up, handshake, closing.
    Handshake,
    HandshakeRsa,
    HandshakeHybrid,
    /// The same, of a session that is resumed; one byte from the server brings the tickets.
    Resumed,
    /// Two connections are made and dropped, and no byte moves.
    SetUp,
    /// One way, so many bytes a write.
    Send(usize),
    /// There and back, so many bytes a write.
    Echo(usize),
    /// 64 pieces of 100 bytes in one vectored write.
    Vectored,
    /// 16 KiB, read 128 bytes at a time.
    SmallReads,
    /// 1 MiB in writes of so many bytes, then a flush.
    Bulk(usize),
}

/// All of them.
pub(crate) const ALL: &[Scenario] = &[
    Scenario::Handshake,
    Scenario::HandshakeRsa,
    Scenario::HandshakeHybrid,
    Scenario::Resumed,
    Scenario::SetUp,
    Scenario::Send(16 * KIB),
    Scenario::Echo(16 * KIB),
    Scenario::Send(256 * KIB),
    Scenario::Echo(256 * KIB),
    Scenario::Send(100),
    Scenario::Echo(100),
    Scenario::Vectored,
    Scenario::SmallReads,
    Scenario::Bulk(128),
    Scenario::Bulk(16 * KIB),
    Scenario::Bulk(256 * KIB),
];

pub(crate) const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl Scenario {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Handshake => "handshake-ecdsa".into(),
            Self::HandshakeRsa => "handshake-rsa".into(),
            Self::HandshakeHybrid => "handshake-hybrid".into(),
            Self::Resumed => "handshake-resumed".into(),
            Self::SetUp => "set-up".into(),
            Self::Send(n) => format!("send-{n}"),
            Self::Echo(n) => format!("echo-{n}"),
            Self::Vectored => "vectored-64x100".into(),
            Self::SmallReads => "small-reads-128".into(),
            Self::Bulk(n) => format!("bulk-{n}"),
        }
    }

    /// How often it is done while instructions are counted.
    pub(crate) fn repeats(self) -> u32 {
        match self {
            Self::Handshake | Self::HandshakeRsa | Self::HandshakeHybrid | Self::Resumed => 4,
            // Many records each.
            Self::Send(n) | Self::Echo(n) if n > 64 * KIB => 4,
            Self::SetUp | Self::Send(_) | Self::Echo(_) | Self::Vectored | Self::SmallReads => 20,
            Self::Bulk(_) => 1,
        }
    }

    /// Whether it moves data, over a connection that stays.
    pub(crate) fn is_transfer(self) -> bool {
        match self {
            Self::Handshake | Self::HandshakeRsa | Self::HandshakeHybrid => false,
            Self::Resumed | Self::SetUp => false,
            Self::Send(_) | Self::Echo(_) | Self::Vectored | Self::SmallReads => true,
            Self::Bulk(_) => true,
        }
    }

    /// What it negotiates.
    fn setup(self) -> Setup {
        match self {
            Self::HandshakeRsa => Setup { key: Key::Rsa2048, ..Setup::PLAIN },
            Self::HandshakeHybrid => Setup { hybrid: true, ..Setup::PLAIN },
            Self::Resumed => Setup { resume: true, ..Setup::PLAIN },
            _ => Setup::PLAIN,
        }
    }
}

/// The certificates of both kinds.
pub(crate) struct Certificates {
    ecdsa: Credentials,
    rsa: Credentials,
}

impl Certificates {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { ecdsa: Credentials::new(Key::EcdsaP256)?, rsa: Credentials::new(Key::Rsa2048)? })
    }

    /// The stacks on `library` for `scenario`.
    pub(crate) fn stacks(&self, library: &str, scenario: Scenario) -> Result<Vec<Stack>> {
        let setup = scenario.setup();
        let with = match setup.key {
            Key::EcdsaP256 => &self.ecdsa,
            Key::Rsa2048 => &self.rsa,
        };
        stacks(library, setup, with)
    }
}

/// One established connection, both sides of it.
pub(crate) struct Pair {
    pub(crate) client: Box<dyn End>,
    pub(crate) server: Box<dyn End>,
    pub(crate) client_counts: Rc<Counts>,
    pub(crate) server_counts: Rc<Counts>,
    data: Rc<[u8]>,
    buf: Vec<u8>,
}

impl Pair {
    pub(crate) fn new(stack: &Stack, (a, b): (Io, Io), data: &Rc<[u8]>) -> Result<Self> {
        let (client_counts, server_counts) = (a.counts(), b.counts());
        let (mut client, mut server) = (stack.client(a)?, stack.server(b)?);
        shake_hands(&mut *client, &mut *server)?;
        let (data, buf) = (data.clone(), Vec::new());
        Ok(Self { client, server, client_counts, server_counts, data, buf })
    }

    /// Sends `n` bytes from the client to the server or back, in writes of `piece` bytes at most, and reads
    /// them into `buf` bytes at a time.
    pub(crate) fn send(&mut self, n: usize, piece: usize, buf: usize, back: bool) -> Result<()> {
        self.buf.resize(buf, 0);
        let Self { client, server, data, buf, .. } = self;
        match back {
            false => move_bytes(&mut **client, &mut **server, &data[..n], piece, buf, Side::Client),
            true => move_bytes(&mut **server, &mut **client, &data[..n], piece, buf, Side::Server),
        }
    }

    fn send_vectored(&mut self) -> Result<()> {
        self.buf.resize(16 * KIB, 0);
        let pieces: Vec<_> = self.data[..6400].chunks(100).map(IoSlice::new).collect();
        let mut left = &pieces[..];
        while !left.is_empty() {
            let Poll::Ready(n) = as_side(Side::Client, || self.client.write_vectored(left)) else {
                return Err("a vectored write waits".into());
            };
            left = &left[n?.div_ceil(100)..];
        }
        let _ = as_side(Side::Client, || self.client.flush());
        receive(&mut *self.server, 6400, &mut self.buf, Side::Server).map(drop)
    }
}

/// Sends `data` and reads it on the other side.
fn move_bytes(
    from: &mut dyn End,
    to: &mut dyn End,
    data: &[u8],
    piece: usize,
    buf: &mut [u8],
    side: Side,
) -> Result<()> {
    let other = if side == Side::Client { Side::Server } else { Side::Client };
    let (mut sent, mut received) = (0, 0);
    while received < data.len() {
        as_side(side, || -> Result<()> {
            while sent < data.len() {
                let end = data.len().min(sent - sent % piece + piece);
                match from.write(&data[sent..end]) {
                    Poll::Ready(n) => sent += n?,
                    Poll::Pending => return Ok(()),
                }
            }
            if let Poll::Ready(flushed) = from.flush() {
                flushed?;
            }
            Ok(())
        })?;
        received += receive(to, data.len() - received, buf, other)?;
    }
    Ok(())
}

/// Reads up to `n` bytes, as far as they are there.
fn receive(to: &mut dyn End, n: usize, buf: &mut [u8], side: Side) -> Result<usize> {
    as_side(side, || {
        let mut received = 0;
        while received < n {
            match to.read(hint::black_box(buf)) {
                Poll::Ready(Ok(0)) => return Err("the connection has ended".into()),
                Poll::Ready(more) => received += more?,
                Poll::Pending => break,
            }
        }
        Ok(received)
    })
}

/// What `scenario` does, once: over `pair` if it moves data.
pub(crate) fn once(scenario: Scenario, stack: &Stack, pair: Option<&mut Pair>) -> Result<()> {
    let Some(pair) = pair else { return connect(scenario, stack) };
    match scenario {
        Scenario::Send(n) => pair.send(n, n, 16 * KIB, false),
        Scenario::Echo(n) => {
            pair.send(n, n, 16 * KIB, false)?;
            pair.send(n, n, 16 * KIB, true)
        }
        Scenario::Vectored => pair.send_vectored(),
        Scenario::SmallReads => pair.send(16 * KIB, 16 * KIB, 128, false),
        Scenario::Bulk(n) => pair.send(MIB, n, 16 * KIB, false),
        _ => connect(scenario, stack),
    }
}

fn connect(scenario: Scenario, stack: &Stack) -> Result<()> {
    let (a, b) = as_side(Side::Other, Io::memory);
    let (mut client, mut server) = (stack.client(a)?, stack.server(b)?);
    if scenario != Scenario::SetUp {
        shake_hands(&mut *client, &mut *server)?;
    }
    if scenario == Scenario::Resumed {
        let mut buf = [0; 1];
        move_bytes(&mut *server, &mut *client, &[1], 1, &mut buf, Side::Server)?;
        as_side(Side::Client, || client.close());
        as_side(Side::Server, || server.close());
    }
    as_side(Side::Client, || drop(client));
    as_side(Side::Server, || drop(server));
    Ok(())
}

/// The bytes that are sent.
pub(crate) fn data() -> Rc<[u8]> {
    (0..MIB).map(|i| (i % 251) as u8).collect()
}
