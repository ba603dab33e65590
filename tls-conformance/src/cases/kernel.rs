//! Keys handed over to a kernel, which goes on with the records of the library.

pub(crate) mod control;
pub(crate) mod refused;

use std::io::{Seek, SeekFrom, Write};
use std::task::{Context, Poll, ready};

use tls_core::{
    Backend, CipherSuite, ClientConfigBuilder, KernelCipher, KernelTls, Result, SendPath,
    ServerConfigBuilder, Stream, Version, Versions, pipe,
};

use super::cases;
use crate::kernel::{Kernel, Soft};
use crate::pair::{Ends, NAME, Side, configs, pattern};
use crate::streams::{both, now, pass, poll_receive, poll_send};
use crate::told;

cases! { "kernel";
    Pair a_client_in_tls12 [Tls12Client KernelTls CipherSuites] [Tls12Server DefaultSuites]
        "A kernel goes on with a client's records in TLS 1.2, both ways, with every suite.";
    Pair a_client_in_tls13 [Tls13Client KernelTls CipherSuites] [Tls13Server]
        "A kernel goes on with a client's records in TLS 1.3, both ways, with every suite.";
    Pair a_server_in_tls12 [Tls12Client DefaultSuites] [Tls12Server KernelTls CipherSuites]
        "A kernel goes on with a server's records in TLS 1.2, both ways, with every suite.";
    Pair a_server_in_tls13 [Tls13Client] [Tls13Server KernelTls CipherSuites]
        "A kernel goes on with a server's records in TLS 1.3, both ways, with every suite.";
    Pair a_client_after_data [KernelTls] []
        "A client's kernel begins with the right record after data both ways.";
    Pair a_server_after_data [] [KernelTls]
        "A server's kernel begins with the right record after data both ways.";
    Pair a_client_after_nothing [KernelTls] []
        "A client's kernel can begin right after the handshake, before it has read anything.";
    Pair a_server_after_nothing [] [KernelTls]
        "A server's kernel can begin right after the handshake, before it has read anything.";
    Pair both_have_a_kernel [KernelTls] [KernelTls]
        "Two kernels understand each other.";
    Pair a_clients_data_is_kept [KernelTls] []
        "What a client's library has decrypted before its kernel begins is read first.";
    Pair a_servers_data_is_kept [] [KernelTls]
        "What a server's library has decrypted before its kernel begins is read first.";
    Pair a_clients_nonces_differ [Tls12Client KernelTls CipherSuites] [Tls12Server]
        "In TLS 1.2 no record of a client's has a nonce that its library has used.";
    Pair a_servers_nonces_differ [Tls12Client] [Tls12Server KernelTls CipherSuites]
        "In TLS 1.2 no record of a server's has a nonce that its library has used.";
    Pair a_client_sends_files [KernelTls] []
        "A client's file goes the kernel's way, between data that was written.";
    Pair a_server_sends_files [] [KernelTls]
        "A server's file goes the kernel's way, between data that was written.";
    Pair a_clients_facts_stay [KernelTls Exporter] [Exporter]
        "What a client's handshake settled, and what it exports, is the same afterwards.";
    Pair a_servers_facts_stay [Exporter] [KernelTls Exporter]
        "What a server's handshake settled, and what it exports, is the same afterwards.";
    Pair small_sockets_carry_everything [KernelTls] []
        "A kernel whose socket takes less than a record at a time loses nothing.";
}

/// A client and a server over sockets with a kernel.
pub(super) struct Both {
    pub(super) client: Stream<Soft>,
    pub(super) server: Stream<Soft>,
}

impl Both {
    /// Not begun.
    pub(super) fn of(ends: &Ends, room: usize, kernel: Kernel) -> Result<Self> {
        let (a, b) = pipe(room);
        let (a, b) = (Soft::new(a, kernel), Soft::new(b, kernel));
        Ok(Self { client: ends.client.connect(NAME, a)?, server: ends.server.accept(b)? })
    }

    pub(super) fn handshake(&mut self) -> Result<()> {
        let Self { client, server } = self;
        let ended = both(|cx| client.poll_handshake(cx), |cx| server.poll_handshake(cx));
        told::default_suites(ended)
    }

    /// `side`, and its peer.
    pub(super) fn sides(&mut self, side: Side) -> (&mut Stream<Soft>, &mut Stream<Soft>) {
        match side {
            Side::Client => (&mut self.client, &mut self.server),
            Side::Server => (&mut self.server, &mut self.client),
        }
    }
}

/// Configurations of which these sides may not do without a kernel.
pub(super) fn required(sides: &[Side]) -> (ClientConfigBuilder, ServerConfigBuilder) {
    let (mut c, mut s) = configs();
    for side in sides {
        match side {
            Side::Client => c = c.kernel_tls(KernelTls::Required),
            Side::Server => s = s.kernel_tls(KernelTls::Required),
        }
    }
    (c, s)
}

/// Two sides that are done with the handshake.
pub(super) fn established(
    configs: (ClientConfigBuilder, ServerConfigBuilder),
    client: &dyn Backend,
    server: &dyn Backend,
    kernel: Kernel,
) -> Result<Both> {
    let ends = Ends::new((client, configs.0), (server, configs.1))?;
    let mut both = Both::of(&ends, ROOM, kernel)?;
    both.handshake()?;
    Ok(both)
}

/// The same, and only `side` has a kernel.
pub(super) fn of_side(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<Both> {
    established(required(&[side]), client, server, Kernel::ABLE)
}

/// The same, in one version.
pub(super) fn in_version(
    side: Side,
    version: Version,
    client: &dyn Backend,
    server: &dyn Backend,
    kernel: Kernel,
) -> Result<Both> {
    let ((c, s), only) = (required(&[side]), Versions::only(version));
    established((c.versions(only), s.versions(only)), client, server, kernel)
}

/// Gives the records to the kernel.
#[track_caller]
pub(super) fn give(stream: &mut Stream<Soft>) -> Result<()> {
    let path = now(|cx| stream.poll_kernel(cx))?;
    assert_eq!(path, SendPath::Kernel, "{:?}", stream.kernel_refusal());
    assert!(stream.transport().has_keys() && stream.kernel_refusal().is_none());
    Ok(())
}

/// Sends data both ways.
#[track_caller]
pub(super) fn talk(a: &mut Stream<Soft>, b: &mut Stream<Soft>) -> Result<()> {
    for len in [1, 50_000, 16_384, 3] {
        let data = pattern(len);
        assert!(pass(a, b, &data, 20_000)? == data, "{len} bytes there");
        assert!(pass(b, a, &data, 7_000)? == data, "{len} bytes back");
    }
    Ok(())
}

/// More than any case sends without reading.
pub(super) const ROOM: usize = 1 << 20;

const TLS13: [CipherSuite; 3] = [
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
];

const TLS12: [CipherSuite; 3] = [
    CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256,
    CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384,
    CipherSuite::ECDHE_ECDSA_CHACHA20_POLY1305_SHA256,
];

/// Two sides that speak this suite.
fn with_suite(
    side: Side,
    suite: CipherSuite,
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<Both> {
    let version = if suite.is_tls13() { Version::Tls13 } else { Version::Tls12 };
    let ((mut c, mut s), only) = (required(&[side]), Versions::only(version));
    match side {
        Side::Client => c = c.cipher_suites([suite]),
        Side::Server => s = s.cipher_suites([suite]),
    }
    established((c.versions(only), s.versions(only)), client, server, Kernel::ABLE)
}

fn every_suite(
    side: Side,
    suites: [CipherSuite; 3],
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    for suite in suites {
        let mut both = with_suite(side, suite, client, server)?;
        let (ours, theirs) = both.sides(side);
        give(ours)?;
        assert_eq!(ours.transport().cipher, KernelCipher::of(suite));
        talk(ours, theirs)?;
    }
    Ok(())
}

fn a_client_in_tls12(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    every_suite(Side::Client, TLS12, client, server)
}

fn a_client_in_tls13(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    every_suite(Side::Client, TLS13, client, server)
}

fn a_server_in_tls12(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    every_suite(Side::Server, TLS12, client, server)
}

fn a_server_in_tls13(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    every_suite(Side::Server, TLS13, client, server)
}

fn after_data(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut both = of_side(side, client, server)?;
    let (ours, theirs) = both.sides(side);
    talk(ours, theirs)?;
    give(ours)?;
    talk(ours, theirs)
}

fn a_client_after_data(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    after_data(Side::Client, client, server)
}

fn a_server_after_data(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    after_data(Side::Server, client, server)
}

fn after_nothing(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = required(&[side]);
    let mut both = Both::of(&Ends::new((client, c), (server, s))?, ROOM, Kernel::ABLE)?;
    let (ours, theirs) = both.sides(side);
    let (mut given, mut done) = (false, false);
    for _ in 0..100 {
        // As soon as one side is done, whatever the other one has not said yet.
        given = given || step(|cx| ours.poll_kernel(cx))?;
        done = done || step(|cx| theirs.poll_handshake(cx))?;
        if given && done {
            assert_eq!(ours.send_path(), SendPath::Kernel, "{:?}", ours.kernel_refusal());
            return talk(ours, theirs);
        }
    }
    panic!("no end: given {given}, done {done}");
}

/// Whether it is ready.
fn step<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<Result<T>>) -> Result<bool> {
    match poll(&mut Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(result) => result.map(|_| true),
        Poll::Pending => Ok(false),
    }
}

fn a_client_after_nothing(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    after_nothing(Side::Client, client, server)
}

fn a_server_after_nothing(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    after_nothing(Side::Server, client, server)
}

fn both_have_a_kernel(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let configs = required(&Side::BOTH);
    let Both { mut client, mut server } = established(configs, client, server, Kernel::ABLE)?;
    give(&mut client)?;
    talk(&mut client, &mut server)?;
    give(&mut server)?;
    talk(&mut client, &mut server)
}

fn data_is_kept(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut both = of_side(side, client, server)?;
    let (ours, theirs) = both.sides(side);
    let data = pattern(40_000);
    let mut rest = &data[..];
    now(|cx| poll_send(cx, theirs, &mut rest))?;
    let mut got = Vec::new();
    now(|cx| poll_receive(cx, ours, &mut got, 10, 10))?;
    give(ours)?;
    now(|cx| poll_receive(cx, ours, &mut got, data.len(), 9_999))?;
    assert!(got == data);
    talk(ours, theirs)
}

fn a_clients_data_is_kept(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    data_is_kept(Side::Client, client, server)
}

fn a_servers_data_is_kept(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    data_is_kept(Side::Server, client, server)
}

/// The explicit parts of the nonces of what was sent encrypted: all but the handshake until the change of
/// keys (RFC 5288 §3).
fn nonces(written: &[u8]) -> Vec<[u8; 8]> {
    const CHANGE_CIPHER_SPEC: u8 = 20;
    let (mut nonces, mut rest, mut changed) = (Vec::new(), written, false);
    while let &[kind, _, _, high, low, ref after @ ..] = rest {
        let (record, after) = after.split_at(u16::from_be_bytes([high, low]).into());
        if changed {
            nonces.push(*record.first_chunk().expect("a nonce"));
        }
        changed |= kind == CHANGE_CIPHER_SPEC;
        rest = after;
    }
    nonces
}

fn nonces_differ(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for suite in &TLS12[..2] {
        for rounds in 0..3 {
            let mut both = with_suite(side, *suite, client, server)?;
            let (ours, theirs) = both.sides(side);
            for _ in 0..rounds {
                talk(ours, theirs)?;
            }
            give(ours)?;
            assert_eq!(ours.transport().cipher, KernelCipher::of(*suite));
            for _ in 0..3 {
                talk(ours, theirs)?;
            }
            let mut all = nonces(&ours.transport().written);
            let count = all.len();
            assert!(count >= 10, "{count} records");
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count, "a nonce comes twice");
        }
    }
    Ok(())
}

fn a_clients_nonces_differ(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    nonces_differ(Side::Client, client, server)
}

fn a_servers_nonces_differ(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    nonces_differ(Side::Server, client, server)
}

fn sends_files(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut both = of_side(side, client, server)?;
    let (ours, theirs) = both.sides(side);
    let data = pattern(100_000);
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&data).and_then(|()| file.seek(SeekFrom::Start(7))).expect("written");
    let expected = [b"before", &data[11..90_011], b"after"].concat();
    let (mut first, mut at, mut last, mut got) = (&b"before"[..], 0, &b"after"[..], Vec::new());
    let (sent, received) = crate::streams::both(
        |cx| {
            ready!(poll_send(cx, ours, &mut first))?;
            while at < 90_000 {
                at += ready!(ours.poll_sendfile(cx, &file, 11 + at, 90_000 - at))?;
            }
            poll_send(cx, ours, &mut last)
        },
        |cx| poll_receive(cx, theirs, &mut got, expected.len(), 30_000),
    );
    sent.and(received)?;
    assert!(got == expected);
    assert_eq!(ours.send_path(), SendPath::Kernel);
    assert_eq!(file.stream_position().expect("a position"), 7);
    talk(ours, theirs)
}

fn a_client_sends_files(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    sends_files(Side::Client, client, server)
}

fn a_server_sends_files(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    sends_files(Side::Server, client, server)
}

fn facts_stay(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut both = of_side(side, client, server)?;
    let (ours, theirs) = both.sides(side);
    let before = ours.negotiated();
    give(ours)?;
    assert_eq!(format!("{:?}", ours.negotiated()), format!("{before:?}"));
    for context in [None, Some(&b"context"[..])] {
        let (mut here, mut there) = ([0; 50], [1; 50]);
        ours.export_keying_material(&mut here, b"EXPORTER-of-this-case", context)?;
        theirs.export_keying_material(&mut there, b"EXPORTER-of-this-case", context)?;
        assert_eq!(here, there);
    }
    talk(ours, theirs)
}

fn a_clients_facts_stay(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    facts_stay(Side::Client, client, server)
}

fn a_servers_facts_stay(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    facts_stay(Side::Server, client, server)
}

fn small_sockets_carry_everything(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = required(&[Side::Client]);
    let ends = Ends::new((client, c), (server, s))?;
    for room in [100, 5_000] {
        let mut two = Both::of(&ends, room, Kernel::ABLE)?;
        two.handshake()?;
        let Both { client, server } = &mut two;
        let (path, ()) = both(|cx| client.poll_kernel(cx), |_| Poll::Ready(()));
        assert_eq!(path?, SendPath::Kernel, "{:?}", client.kernel_refusal());
        talk(client, server)?;
    }
    Ok(())
}
