//! Data through streams: transports of any size, vectored calls, and wake-ups.

use std::io::{IoSlice, IoSliceMut};
use std::task::{Context, Poll, Waker};

use tls_core::{Backend, Result, Wire};

use super::super::cases;
use crate::pair::pattern;
use crate::raw;
use crate::streams::{Streams, Tap, both, now, pass, poll_receive, poll_send};

cases! { "transfer";
    Pair a_transport_of_one_byte_carries_everything [] []
        "Handshake and data pass through a transport that takes one byte at a time.";
    Pair small_transports_carry_everything [] []
        "Handshake and data pass through transports with less room than a record.";
    Pair streams_carry_data_both_ways_at_once [] []
        "1 MiB each way passes at the same time, and nobody has to be asked twice.";
    Pair small_slices_are_gathered_into_one_record [] []
        "A vectored write of many small slices becomes one record, not many.";
    Pair vectored_writes_arrive_in_order [] []
        "A vectored write takes slices of all sizes, empty ones too, in order.";
    Pair a_vectored_write_of_nothing_sends_nothing [] []
        "A vectored write without bytes is ready, and sends nothing.";
    Pair vectored_reads_fill_in_order [] []
        "A vectored read fills its buffers in order, as far as data is here, and does not wait.";
    Pair a_write_is_sent_without_a_flush [] []
        "What was written is offered to the transport at once.";
    Pair a_full_transport_holds_writers_back [] []
        "A writer whose transport is full is pending, with bounded memory, until there is room.";
    Pair data_that_is_here_is_buffered_by_a_stream [] []
        "A stream tells what it can give without its transport.";
}

fn exchange(streams: &mut Streams, data: &[u8], step: usize) -> Result<()> {
    let Streams { client, server } = streams;
    assert!(pass(client, server, data, step)? == data, "from the client");
    assert!(pass(server, client, data, step)? == data, "from the server");
    Ok(())
}

fn a_transport_of_one_byte_carries_everything(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut streams = Streams::established(client, server, 1)?;
    exchange(&mut streams, &pattern(20_000), 1000)?;
    exchange(&mut streams, b"x", 1)
}

fn small_transports_carry_everything(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for room in [7, 100, 5000, 16_384] {
        let mut streams = Streams::established(client, server, room)?;
        exchange(&mut streams, &pattern(100_000), 70_000)?;
        exchange(&mut streams, &pattern(100), 1)?;
    }
    Ok(())
}

fn streams_carry_data_both_ways_at_once(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = pattern(1 << 20);
    let mut streams = Streams::established(client, server, 10_000)?;
    let task = |cx: &mut Context<'_>,
                stream: &mut tls_core::Stream<Tap>,
                rest: &mut &[u8],
                got: &mut Vec<u8>|
     -> Poll<Result<()>> {
        // One task does both; neither direction may starve the other.
        let sent = poll_send(cx, stream, rest)?;
        let received = poll_receive(cx, stream, got, 1 << 20, 30_000)?;
        match (sent, received) {
            (Poll::Ready(()), Poll::Ready(())) => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    };
    let Streams { client, server } = &mut streams;
    let (mut client_rest, mut server_rest) = (&data[..], &data[..]);
    let (mut client_got, mut server_got) = (Vec::new(), Vec::new());
    let (client, server) = both(
        |cx| task(cx, client, &mut client_rest, &mut client_got),
        |cx| task(cx, server, &mut server_rest, &mut server_got),
    );
    client.and(server)?;
    assert!(client_got == data && server_got == data);
    Ok(())
}

fn small_slices_are_gathered_into_one_record(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut streams = Streams::established(client, server, 1 << 20)?;
    let data = pattern(5000);
    let slices = data.chunks(10).map(IoSlice::new).collect::<Vec<_>>();
    let Streams { client, server } = &mut streams;
    for (from, to) in [(0, 1), (1, 0)] {
        let mut ends = [&mut *client, &mut *server];
        let before = ends[from].transport().written.len();
        let n = now(|cx| ends[from].poll_write_vectored(cx, &slices))?;
        assert_eq!(n, 5000, "all of it fits in one record");
        now(|cx| ends[from].poll_flush(cx))?;
        assert_eq!(raw::records(&ends[from].transport().written[before..]).len(), 1);
        let mut got = Vec::new();
        now(|cx| poll_receive(cx, ends[to], &mut got, 5000, 5000))?;
        assert!(got == data);
    }
    Ok(())
}

fn vectored_writes_arrive_in_order(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut streams = Streams::established(client, server, 3000)?;
    let data = pattern(200_000);
    for sizes in
        [&[1, 0, 5, 0, 0, 7][..], &[0, 0, 20_000, 1], &[16_383, 2, 0, 16_384], &[10, 100_000]]
    {
        let Streams { client, server } = &mut streams;
        let (mut at, mut got) = (0, Vec::new());
        let send = |cx: &mut Context<'_>| -> Poll<Result<()>> {
            while at < 60_000 {
                let (mut from, mut slices) = (at, Vec::new());
                for &size in sizes {
                    slices.push(IoSlice::new(&data[from..from + size]));
                    from += size;
                }
                match client.poll_write_vectored(cx, &slices)? {
                    Poll::Ready(n) => {
                        assert!(n > 0 && n <= from - at, "{n} of {}", from - at);
                        at += n;
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
            client.poll_flush(cx)
        };
        let (sent, received) = both(send, |cx| poll_receive(cx, server, &mut got, 60_000, 9_999));
        sent.and(received)?;
        assert!(got == data[..60_000]);
        let rest = at - 60_000;
        got.clear();
        now(|cx| poll_receive(cx, server, &mut got, rest, 9_999))?;
        assert!(got == data[60_000..at], "the rest of the last write");
    }
    Ok(())
}

fn a_vectored_write_of_nothing_sends_nothing(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut streams = Streams::established(client, server, 1000)?;
    let before = streams.client.transport().written.len();
    assert_eq!(now(|cx| streams.client.poll_write_vectored(cx, &[]))?, 0);
    let empty = [IoSlice::new(&[]), IoSlice::new(&[])];
    assert_eq!(now(|cx| streams.client.poll_write_vectored(cx, &empty))?, 0);
    assert_eq!(now(|cx| streams.client.poll_write(cx, &[]))?, 0);
    assert_eq!(streams.client.transport().written.len(), before);
    exchange(&mut streams, b"something", 100)
}

fn vectored_reads_fill_in_order(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut streams = Streams::established(client, server, 1 << 20)?;
    let Streams { client, server } = &mut streams;
    for text in [&b"first "[..], b"second ", b"third"] {
        now(|cx| poll_send(cx, client, &mut &*text))?;
    }
    let (mut a, mut b, mut c, mut d) = ([0; 3], [0; 0], [0; 10], [0; 20]);
    let mut bufs = [&mut a[..], &mut b, &mut c, &mut d].map(IoSliceMut::new);
    let n = now(|cx| server.poll_read_vectored(cx, &mut bufs))?;
    let mut got = [&a[..], &c, &d].concat();
    got.truncate(n);
    assert!(n >= 6, "the first record at least");
    assert!(b"first second third".starts_with(&got), "{}", got.escape_ascii());
    let mut rest = Vec::new();
    now(|cx| poll_receive(cx, server, &mut rest, 18 - n, 18))?;
    assert_eq!([got, rest].concat(), b"first second third");
    let mut nothing = [IoSliceMut::new(&mut d)];
    let mut cx = Context::from_waker(Waker::noop());
    assert!(server.poll_read_vectored(&mut cx, &mut nothing).is_pending());
    assert_eq!(now(|cx| server.poll_read_vectored(cx, &mut []))?, 0);
    assert!(!server.close_received());
    Ok(())
}

fn a_write_is_sent_without_a_flush(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut streams = Streams::established(client, server, 1 << 20)?;
    let Streams { client, server } = &mut streams;
    assert_eq!(now(|cx| client.poll_write(cx, b"no flush"))?, 8);
    assert!(!client.wants_write());
    let mut got = Vec::new();
    now(|cx| poll_receive(cx, server, &mut got, 8, 100))?;
    assert_eq!(got, b"no flush");
    Ok(())
}

fn a_full_transport_holds_writers_back(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut streams = Streams::established(client, server, 1000)?;
    let data = pattern(1 << 20);
    let Streams { client, server } = &mut streams;
    let (mut cx, mut taken) = (Context::from_waker(Waker::noop()), 0);
    while let Poll::Ready(n) = client.poll_write(&mut cx, &data[taken..])? {
        taken += n;
        assert!(taken <= Wire::HIGH_WATER, "{taken} bytes taken, and the transport is full");
    }
    assert!(taken > 0 && client.wants_write());
    assert!(client.poll_flush(&mut cx).is_pending());
    let (mut rest, mut got) = (&data[taken..], Vec::new());
    let (sent, received) = both(
        |cx| poll_send(cx, client, &mut rest),
        |cx| poll_receive(cx, server, &mut got, data.len(), 30_000),
    );
    sent.and(received)?;
    assert!(got == data && !client.wants_write());
    Ok(())
}

fn data_that_is_here_is_buffered_by_a_stream(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut streams = Streams::established(client, server, 1 << 20)?;
    let Streams { client, server } = &mut streams;
    now(|cx| poll_send(cx, client, &mut &b"one"[..]))?;
    now(|cx| poll_send(cx, client, &mut &b"two"[..]))?;
    let mut got = Vec::new();
    now(|cx| poll_receive(cx, server, &mut got, 1, 1))?;
    // What the transport had was taken with the first read: no socket will be readable for it.
    assert_eq!(server.buffered(), 2);
    now(|cx| poll_receive(cx, server, &mut got, 3, 2))?;
    assert_eq!(server.buffered(), 3);
    now(|cx| poll_receive(cx, server, &mut got, 6, 3))?;
    assert_eq!(server.buffered(), 0);
    assert_eq!(got, b"onetwo");
    Ok(())
}
