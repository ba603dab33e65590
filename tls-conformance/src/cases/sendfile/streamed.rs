//! Files over streams that are polled.

use std::fs::File;
use std::io::IoSlice;
use std::task::{Context, Poll, Waker, ready};

use sha2::{Digest, Sha256};
use tls_core::{
    Backend, ErrorKind, KernelRefusal, KernelTls, Pipe, Result, SendPath, Stream, Transport,
    Version, Wire, pipe,
};

use super::file;
use crate::cases::{both_versions, cases};
use crate::pair::{Ends, NAME, configs, pattern};
use crate::streams::{Streams, both, now, pass, poll_receive, poll_send};

cases! { "sendfile";
    Pair tls12_64_mebibytes_arrive_over_a_pipe [Tls12Client] [Tls12Server]
        "A file of 64 MiB arrives over TLS 1.2 and a transport in memory, byte for byte.";
    Pair tls13_64_mebibytes_arrive_over_a_pipe [Tls13Client] [Tls13Server]
        "A file of 64 MiB arrives over TLS 1.3 and a transport in memory, byte for byte.";
    Pair a_file_finishes_the_handshake_first [] []
        "Sending a file on a stream that has not begun finishes the handshake, on either side.";
    Pair writes_and_files_stay_in_order [] []
        "What is written before, between and after files arrives in that order, over a transport with little room.";
    Pair a_slow_reader_gets_all_of_it [] []
        "A peer that takes a few bytes at a time gets the whole file, and memory stays bounded.";
    Pair what_was_taken_is_never_lost [] []
        "A call that was not ready, and is repeated or not, loses and repeats nothing.";
    Pair one_write_carries_many_records [] []
        "A large file goes to the network in writes of 64 KiB or more.";
    Pair a_peer_that_is_gone_ends_the_file [] []
        "If the peer goes away in the middle of a file, the transport's error is told, and again.";
    Pair a_files_fault_leaves_the_stream_as_it_was [] []
        "After a file that ends too early, the stream goes on both ways, and closes.";
    Pair without_being_asked_the_kernel_is_left_alone [] []
        "By default files go through user space, and that nobody asked for more is told as the reason.";
    Pair a_transport_without_a_socket_is_no_harm [] []
        "Where the kernel may have the records, a transport that is no socket sends the same through user space, and says why.";
}

both_versions! {
    tls12_64_mebibytes_arrive_over_a_pipe tls13_64_mebibytes_arrive_over_a_pipe = large;
}

/// Sends a part of a file, and flushes.
fn poll_file<T: Transport>(
    cx: &mut Context<'_>,
    stream: &mut Stream<T>,
    file: &File,
    (at, end): (&mut u64, u64),
) -> Poll<Result<()>> {
    while *at < end {
        let n = ready!(stream.poll_sendfile(cx, file, *at, end - *at))?;
        assert!(n > 0 && n <= end - *at, "{n} of {} bytes taken", end - *at);
        *at += n;
    }
    stream.poll_flush(cx)
}

/// Passes all of a file from one stream to the other, and says what arrived.
fn pass_file<T: Transport>(
    from: &mut Stream<T>,
    to: &mut Stream<T>,
    file: &File,
    len: usize,
    step: usize,
) -> Result<Vec<u8>> {
    let (mut at, mut got) = (0, Vec::new());
    let (sent, received) = both(
        |cx| poll_file(cx, from, file, (&mut at, len as u64)),
        |cx| poll_receive(cx, to, &mut got, len, step),
    );
    sent.and(received)?;
    Ok(got)
}

/// Streams over the two ends of a pipe, which remembers nothing.
fn piped(ends: &Ends, room: usize) -> Result<(Stream<Pipe>, Stream<Pipe>)> {
    let (a, b) = pipe(room);
    let (mut client, mut server) = (ends.client.connect(NAME, a)?, ends.server.accept(b)?);
    let (one, other) = both(|cx| client.poll_handshake(cx), |cx| server.poll_handshake(cx));
    one.and(other)?;
    Ok((client, server))
}

fn large(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    const SIZE: usize = 64 << 20;
    let data = pattern(SIZE);
    let expected = Sha256::digest(&data);
    let file = file(&data);
    drop(data);
    let (mut client, mut server) = piped(&Ends::only(version, client, server)?, 1 << 20)?;
    let (mut at, mut left, mut hash) = (0, SIZE, Sha256::new());
    let mut buf = vec![0; 70_000];
    let (sent, received) = both(
        |cx| poll_file(cx, &mut server, &file, (&mut at, SIZE as u64)),
        |cx| {
            while left > 0 {
                let n = ready!(client.poll_read(cx, &mut buf))?;
                assert!(n > 0, "the end with {left} bytes to come");
                hash.update(&buf[..n]);
                left -= n;
            }
            Poll::Ready(Ok(()))
        },
    );
    sent.and(received)?;
    assert!(hash.finalize() == expected, "other bytes have arrived");
    Ok(())
}

fn a_file_finishes_the_handshake_first(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = pattern(50_000);
    let file = file(&data);
    for client_first in [true, false] {
        let mut streams = Streams::new(client, server, 4096)?;
        let (from, to) = match client_first {
            true => (&mut streams.client, &mut streams.server),
            false => (&mut streams.server, &mut streams.client),
        };
        assert!(pass_file(from, to, &file, 50_000, 9999)? == data);
        assert!(from.is_established() && to.is_established());
        assert!(pass_file(to, from, &file, 50_000, 9999)? == data);
    }
    Ok(())
}

fn writes_and_files_stay_in_order(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = pattern(100_000);
    let file = file(&data);
    for room in [100, 20_000, 1 << 20] {
        let mut streams = Streams::established(client, server, room)?;
        let Streams { client, server } = &mut streams;
        let expected =
            [b"before ", &data[..70_000], b" between ", &data[70_000..], b" after"].concat();
        let (mut step, mut got) = (0, Vec::new());
        let (mut first, mut second) = (0, 70_000);
        let mut texts: [&[u8]; 3] = [b"before ", b" between ", b" after"];
        let (sent, received) = both(
            |cx| {
                while step < 5 {
                    // The first three are not flushed: order is not for the flush to make.
                    ready!(match step {
                        0 | 2 => poll_write(cx, server, &mut texts[step / 2]),
                        4 => poll_send(cx, server, &mut texts[2]),
                        1 => poll_file(cx, server, &file, (&mut first, 70_000)),
                        _ => poll_file(cx, server, &file, (&mut second, 100_000)),
                    })?;
                    step += 1;
                }
                Poll::Ready(Ok(()))
            },
            |cx| poll_receive(cx, client, &mut got, expected.len(), 777),
        );
        sent.and(received)?;
        assert!(got == expected, "with room for {room}");
    }
    Ok(())
}

fn poll_write<T: Transport>(
    cx: &mut Context<'_>,
    stream: &mut Stream<T>,
    rest: &mut &[u8],
) -> Poll<Result<()>> {
    while !rest.is_empty() {
        let n = ready!(stream.poll_write(cx, rest))?;
        *rest = &rest[n..];
    }
    Poll::Ready(Ok(()))
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn a_slow_reader_gets_all_of_it(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    const SIZE: usize = 300_000;
    let data = pattern(SIZE);
    let file = file(&data);
    let (mut client, mut server) = piped(&Ends::default(client, server)?, 50)?;
    let (mut at, mut got) = (0, Vec::new());
    let mut buf = [0; 333];
    for _ in 0..1_000_000 {
        match poll_file(&mut cx(), &mut server, &file, (&mut at, SIZE as u64)) {
            Poll::Ready(done) => done?,
            Poll::Pending => {}
        }
        assert!(at as usize <= got.len() + 2 * Wire::HIGH_WATER, "{at} taken, {} read", got.len());
        if let Poll::Ready(n) = client.poll_read(&mut cx(), &mut buf) {
            let n = n?;
            assert!(n > 0);
            got.extend_from_slice(&buf[..n]);
        }
        if got.len() == SIZE {
            assert!(got == data);
            return Ok(());
        }
    }
    panic!("{at} of {SIZE} bytes taken, {} read", got.len());
}

fn what_was_taken_is_never_lost(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = pattern(400_000);
    let file = file(&data);
    let (mut client, mut server) = piped(&Ends::default(client, server)?, 3000)?;
    let (mut at, mut got, mut round) = (0_u64, Vec::new(), 0_u32);
    let mut buf = vec![0; 5000];
    while got.len() < data.len() {
        round += 1;
        assert!(round < 100_000, "no end");
        // Sometimes a file, sometimes a write of the same place, and never a promise to come back.
        let rest = data.len() as u64 - at;
        let most = rest.min(u64::from(round % 7) * 20_000 + 1);
        let taken = match round % 3 {
            _ if rest == 0 => server.poll_flush(&mut cx()).map_ok(|()| 0),
            0 => {
                let (from, to) = (at as usize, (at + most) as usize);
                server.poll_write(&mut cx(), &data[from..to]).map_ok(|n| n as u64)
            }
            _ => server.poll_sendfile(&mut cx(), &file, at, most),
        };
        if let Poll::Ready(n) = taken {
            at += n?;
        }
        if let Poll::Ready(n) = client.poll_read(&mut cx(), &mut buf) {
            got.extend_from_slice(&buf[..n?]);
        }
    }
    assert!(got == data);
    Ok(())
}

/// Remembers how much went out at a time.
struct Counting {
    pipe: Pipe,
    writes: Vec<usize>,
}

impl Transport for Counting {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<std::io::Result<usize>> {
        self.pipe.poll_read(cx, buf)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let n = ready!(self.pipe.poll_write(cx, bufs))?;
        self.writes.push(n);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.pipe.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.pipe.poll_shutdown(cx)
    }
}

fn one_write_carries_many_records(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    const SIZE: usize = 4 << 20;
    let data = pattern(SIZE);
    let file = file(&data);
    let ends = Ends::default(client, server)?;
    let (a, b) = pipe(8 << 20);
    let mut client = ends.client.connect(NAME, Counting { pipe: a, writes: Vec::new() })?;
    let mut server = ends.server.accept(Counting { pipe: b, writes: Vec::new() })?;
    let (one, other) = both(|cx| client.poll_handshake(cx), |cx| server.poll_handshake(cx));
    one.and(other)?;
    for server_sends in [false, true] {
        let (from, to) = match server_sends {
            false => (&mut client, &mut server),
            true => (&mut server, &mut client),
        };
        from.transport_mut().writes.clear();
        assert!(pass_file(from, to, &file, SIZE, 100_000)? == data);
        let writes = &from.transport().writes;
        assert!(writes.len() <= SIZE / 65_536 + 1, "{} writes", writes.len());
    }
    Ok(())
}

fn a_peer_that_is_gone_ends_the_file(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let file = file(&pattern(1 << 20));
    let (client, mut server) = piped(&Ends::default(client, server)?, 30_000)?;
    let taken = now(|cx| server.poll_sendfile(cx, &file, 0, 1 << 20))?;
    assert!(taken > 0 && taken < 1 << 20, "{taken}");
    drop(client);
    for _ in 0..2 {
        let gone = now(|cx| server.poll_sendfile(cx, &file, taken, 1000)).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::Io(std::io::ErrorKind::BrokenPipe));
    }
    Ok(())
}

fn a_files_fault_leaves_the_stream_as_it_was(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let short = file(b"too short");
    let (mut client, mut server) = piped(&Ends::default(client, server)?, 4096)?;
    assert_eq!(now(|cx| server.poll_sendfile(cx, &short, 0, 100))?, 9);
    let fault = now(|cx| server.poll_sendfile(cx, &short, 9, 91)).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::File);
    let mut got = Vec::new();
    now(|cx| poll_receive(cx, &mut client, &mut got, 9, 9))?;
    assert_eq!(got, b"too short");
    let data = pattern(10_000);
    assert!(pass(&mut server, &mut client, &data, 1000)? == data);
    assert!(pass(&mut client, &mut server, &data, 1000)? == data);
    now(|cx| server.poll_shutdown(cx))?;
    assert_eq!(now(|cx| client.poll_read(cx, &mut [0; 8]))?, 0);
    assert!(client.close_received());
    Ok(())
}

fn without_being_asked_the_kernel_is_left_alone(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let data = pattern(1000);
    let file = file(&data);
    let (mut client, mut server) = piped(&Ends::default(client, server)?, 4096)?;
    assert!(pass_file(&mut server, &mut client, &file, 1000, 100)? == data);
    assert_eq!(server.send_path(), SendPath::UserSpace);
    assert_eq!(server.kernel_refusal(), Some(KernelRefusal::NotWanted));
    assert_eq!(now(|cx| client.poll_kernel(cx))?, SendPath::UserSpace);
    assert_eq!(client.kernel_refusal(), Some(KernelRefusal::NotWanted));
    Ok(())
}

fn a_transport_without_a_socket_is_no_harm(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let data = pattern(100_000);
    let file = file(&data);
    let (c, s) = configs();
    let (c, s) = (c.kernel_tls(KernelTls::Auto), s.kernel_tls(KernelTls::Auto));
    let (mut client, mut server) = piped(&Ends::new((client, c), (server, s))?, 4096)?;
    assert_eq!(server.kernel_refusal(), None, "nobody has tried");
    assert!(pass_file(&mut server, &mut client, &file, 100_000, 3000)? == data);
    assert!(pass_file(&mut client, &mut server, &file, 100_000, 3000)? == data);
    for stream in [&server, &client] {
        assert_eq!(stream.send_path(), SendPath::UserSpace);
        assert_eq!(stream.kernel_refusal(), Some(KernelRefusal::NoDescriptor));
    }
    Ok(())
}
