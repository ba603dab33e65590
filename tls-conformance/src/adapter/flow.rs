//! Bytes, and their end.

use std::cell::RefCell;
use std::future::Future;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, Waker, ready};

use tls_core::{Backend, ErrorKind, Parts};

use super::Adapter;
use super::chaos::{Chaos, Noise};
use super::tasks::{Tasks, established, kind};

/// Bytes that say where they are.
pub(super) fn data(len: usize, seed: u64) -> Vec<u8> {
    (0..len as u64).map(|i| ((i * 31 + seed) % 251) as u8).collect()
}

/// Writes all of `rest`, and then does `then`.
pub(super) fn send<A: Adapter>(
    stream: &RefCell<A::Stream>,
    cx: &mut Context<'_>,
    rest: &mut &[u8],
    then: fn(&mut A::Stream, &mut Context<'_>) -> Poll<io::Result<()>>,
) -> Poll<()> {
    let stream = &mut *stream.borrow_mut();
    while !rest.is_empty() {
        let n = ready!(A::poll_write(stream, cx, &[IoSlice::new(rest)])).unwrap();
        assert!(n > 0 && n <= rest.len(), "{n} of {} bytes were taken", rest.len());
        *rest = &rest[n..];
    }
    then(stream, cx).map(Result::unwrap)
}

/// Reads to the end.
pub(super) fn receive<A: Adapter>(
    stream: &RefCell<A::Stream>,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<io::Result<()>> {
    let mut buf = [0; 5000];
    loop {
        let n = ready!(A::poll_read(&mut stream.borrow_mut(), cx, &mut buf))?;
        if n == 0 {
            return Poll::Ready(Ok(()));
        }
        got.extend_from_slice(&buf[..n]);
    }
}

/// Four tasks on two streams: two that read, and two that write and then shut down.
pub(super) fn all_bytes_arrive<A: Adapter>(backend: &'static dyn Backend) {
    let runs = [(0, None), (1, None), (17, Some(1)), (2_000, Some(1)), (16_384, Some(100))];
    let more = [(16_385, None), (40_000, Some(3000)), (300_000, Some(20_000)), (300_000, None)];
    for (i, (len, most)) in runs.into_iter().chain(more).enumerate() {
        for seed in 0..4 {
            let noise = match most {
                Some(most) => Noise::wild(seed + 1, most),
                None => Noise::none(seed + 1),
            };
            let room = [64, 1500, 20_000, 100_000][(i + seed as usize) % 4];
            let (client, server) = established::<A>(backend, &noise, room);
            let (there, back) = (data(len, seed), data(len * 2 / 3, seed + 1));
            let (mut to_server, mut to_client) = (&there[..], &back[..]);
            let (mut at_server, mut at_client) = (Vec::new(), Vec::new());
            let mut tasks = Tasks::new(&noise);
            tasks.add("the client writes", |cx| {
                send::<A>(&client, cx, &mut to_server, A::poll_shutdown)
            });
            tasks.add("the server writes", |cx| {
                send::<A>(&server, cx, &mut to_client, A::poll_shutdown)
            });
            tasks.add("the client reads", |cx| {
                receive::<A>(&client, cx, &mut at_client).map(Result::unwrap)
            });
            tasks.add("the server reads", |cx| {
                receive::<A>(&server, cx, &mut at_server).map(Result::unwrap)
            });
            tasks.run();
            assert!(at_server == there && at_client == back, "{len} bytes, seed {seed}");
        }
    }
}

/// A writer waits for a full transport; then a reader looks, finds what is still to be sent, and does not
/// come back. When the transport has room again, it is the writer that has to be woken.
pub(super) fn a_writer_is_woken<A: Adapter>(backend: &'static dyn Backend) {
    let noise = Noise::none(1);
    let (client, server) = established::<A>(backend, &noise, 64);
    let there = data(200_000, 1);
    let (mut to_server, mut at_server) = (&there[..], Vec::new());
    let mut tasks = Tasks::new(&noise);
    tasks.add("the client writes", |cx| send::<A>(&client, cx, &mut to_server, A::poll_shutdown));
    tasks.settle();
    tasks.add("the client looks", |cx| {
        let read = A::poll_read(&mut client.borrow_mut(), cx, &mut [0; 10]);
        assert!(read.is_pending(), "{read:?}");
        Poll::Ready(())
    });
    tasks.settle();
    tasks.add("the server reads", |cx| {
        receive::<A>(&server, cx, &mut at_server).map(Result::unwrap)
    });
    tasks.run();
    assert!(at_server == there);
}

/// What one task is told of the end of the connection, the other need not wait for: its peer may never
/// take another byte.
pub(super) fn a_writer_hears_of_a_failure<A: Adapter>(backend: &'static dyn Backend) {
    let noise = Noise::none(2);
    let (client, server) = established::<A>(backend, &noise, 1000);
    let mut peer: Chaos = A::into_inner(server.into_inner()).transport.into();
    let there = data(200_000, 2);
    let (failed, mut rest) = (RefCell::new(Vec::new()), &there[..]);
    let mut tasks = Tasks::new(&noise);
    tasks.add("the client reads", |cx| {
        let e = ready!(receive::<A>(&client, cx, &mut Vec::new())).unwrap_err();
        failed.borrow_mut().push(kind(&e));
        Poll::Ready(())
    });
    tasks.settle(); // before there is a writer to be woken with it
    tasks.add("the client writes", |cx| {
        while !rest.is_empty() {
            let mut client = client.borrow_mut();
            match ready!(A::poll_write(&mut client, cx, &[IoSlice::new(rest)])) {
                Ok(n) => rest = &rest[n..],
                Err(e) => {
                    failed.borrow_mut().push(kind(&e));
                    return Poll::Ready(());
                }
            }
        }
        panic!("all of it was taken");
    });
    tasks.settle();
    let junk = [&[23, 3, 3, 0, 40][..], &[0xee; 40]].concat();
    let written = peer.poll_write(&mut Context::from_waker(Waker::noop()), &[IoSlice::new(&junk)]);
    assert!(matches!(written, Poll::Ready(Ok(45))), "{written:?}");
    tasks.run();
    assert_eq!(failed.take(), [ErrorKind::BadRecord; 2]);
}

/// A task that goes on reading after its writing has failed is not woken for that failure, however often
/// it meets it.
pub(super) fn a_failure_is_told_once<A: Adapter>(backend: &'static dyn Backend) {
    let noise = Noise::none(4);
    let (client, _server) = established::<A>(backend, &noise, 100_000);
    let mut tasks = Tasks::new(&noise);
    tasks.add("the client reads, and writes too late", |cx| {
        let mut client = client.borrow_mut();
        assert!(A::poll_shutdown(&mut client, cx).is_ready());
        let read = A::poll_read(&mut client, cx, &mut [0; 10]);
        assert!(read.is_pending(), "{read:?}");
        let written = A::poll_write(&mut client, cx, &[IoSlice::new(b"late")]);
        assert!(matches!(written, Poll::Ready(Err(_))), "{written:?}");
        Poll::Pending
    });
    let polls = tasks.settle();
    assert!(polls <= 4, "{polls} polls, and nothing has come"); // tickets may have
}

/// The one that closes first still receives all that the other has to say.
pub(super) fn either_side_may_close_first<A: Adapter>(backend: &'static dyn Backend) {
    for client_first in [true, false] {
        for seed in 1..4 {
            let noise = Noise::wild(seed, 40);
            let (client, server) = established::<A>(backend, &noise, 100);
            let (first, last) = if client_first { (&client, &server) } else { (&server, &client) };
            let (mut at_last, mut at_first) = (Vec::new(), Vec::new());
            let (question, answer) = (data(300, seed), data(3000, seed));
            let (mut asking, mut answering) = (&question[..], &answer[..]);
            let mut close = 0;
            let mut tasks = Tasks::new(&noise);
            tasks.add("the first closes and listens", |cx| {
                if close == 0 {
                    ready!(send::<A>(first, cx, &mut asking, close_notify::<A>));
                    close = 1;
                }
                receive::<A>(first, cx, &mut at_first).map(Result::unwrap)
            });
            let mut heard = false;
            tasks.add("the last listens, answers and closes", |cx| {
                if !heard {
                    ready!(receive::<A>(last, cx, &mut at_last)).unwrap();
                    heard = true;
                }
                send::<A>(last, cx, &mut answering, A::poll_shutdown)
            });
            tasks.run();
            assert!(at_last == question && at_first == answer);
        }
    }
}

/// Polls one future after the other, each of them once.
pub(super) fn close_notify<A: Adapter>(
    stream: &mut A::Stream,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    std::pin::pin!(A::close_notify(stream)).poll(cx)
}

/// What came before the cut is given first; then it is an error, and stays one.
pub(super) fn a_cut_is_an_error<A: Adapter>(backend: &'static dyn Backend) {
    for client_cuts in [true, false] {
        let noise = Noise::wild(7, 3);
        let (client, server) = established::<A>(backend, &noise, 1000);
        let (cut, left) = if client_cuts { (client, server) } else { (server, client) };
        let (mut rest, mut got) = (&b"so far"[..], Vec::new());
        let mut tasks = Tasks::new(&noise);
        tasks.add("writing", |cx| send::<A>(&cut, cx, &mut rest, A::poll_flush));
        tasks.run();
        drop(A::into_inner(cut.into_inner()));
        for _ in 0..2 {
            let end = RefCell::new(None);
            let mut tasks = Tasks::new(&noise);
            tasks.add("reading", |cx| {
                *end.borrow_mut() = Some(ready!(receive::<A>(&left, cx, &mut got)));
                Poll::Ready(())
            });
            tasks.run();
            let e = end.take().unwrap().unwrap_err();
            assert_eq!(e.kind(), io::ErrorKind::UnexpectedEof);
            assert_eq!(kind(&e), ErrorKind::UnexpectedEof);
            assert_eq!(got, b"so far");
        }
    }
}

/// Ten pieces are one record, and one call of the transport.
pub(super) fn small_pieces_go_out_in_one_write<A: Adapter>(backend: &'static dyn Backend) {
    let noise = Noise::none(3);
    let (client, server) = established::<A>(backend, &noise, 100_000);
    let there = data(1000, 3);
    let pieces: Vec<_> = there.chunks(100).map(IoSlice::new).collect();
    let before = noise.writes();
    let cx = &mut Context::from_waker(Waker::noop());
    let taken = A::poll_write(&mut client.borrow_mut(), cx, &pieces);
    assert!(matches!(taken, Poll::Ready(Ok(1000))), "{taken:?}");
    assert_eq!(noise.writes() - before, 1);
    let mut got = [0; 2000];
    let read = A::poll_read(&mut server.borrow_mut(), cx, &mut got);
    assert!(matches!(read, Poll::Ready(Ok(1000))) && got[..1000] == there, "{read:?}");
}

/// A protocol may go on in clear after close_notify.
pub(super) fn what_follows_is_given_back<A: Adapter>(backend: &'static dyn Backend) {
    let noise = Noise::none(5);
    let (client, server) = established::<A>(backend, &noise, 100_000);
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(close_notify::<A>(&mut server.borrow_mut(), cx).is_ready());
    let mut server: Chaos = A::into_inner(server.into_inner()).transport.into();
    assert!(server.poll_write(cx, &[IoSlice::new(b"250 in clear")]).is_ready());
    let read = A::poll_read(&mut client.borrow_mut(), cx, &mut [0; 100]);
    assert!(matches!(read, Poll::Ready(Ok(0))), "{read:?}");
    let Parts { transport, mut unread } = A::into_inner(client.into_inner());
    let mut rest = [0; 100];
    let mut transport: Chaos = transport.into();
    if let Poll::Ready(n) = transport.poll_read(cx, &mut rest) {
        unread.extend_from_slice(&rest[..n.unwrap()]);
    }
    assert_eq!(unread, b"250 in clear");
}

/// Nobody is polled without a reason: neither in a handshake nor while there is nothing to read.
pub(super) fn who_waits_is_not_polled<A: Adapter>(backend: &'static dyn Backend) {
    let noise = Noise::none(9);
    let (client, server) = established::<A>(backend, &noise, 100_000);
    let (mut rest, mut at_client, mut at_server) = (&b"one"[..], Vec::new(), Vec::new());
    let mut tasks = Tasks::new(&noise);
    tasks.add("the client reads", |cx| {
        receive::<A>(&client, cx, &mut at_client).map(Result::unwrap)
    });
    tasks.add("the server reads", |cx| {
        receive::<A>(&server, cx, &mut at_server).map(Result::unwrap)
    });
    let polls = tasks.settle();
    assert!(polls <= 4, "{polls} polls, and nothing has come"); // tickets may have
    assert_eq!(tasks.settle(), polls);
    tasks.add("the client writes", |cx| send::<A>(&client, cx, &mut rest, A::poll_flush));
    let more = tasks.settle() - polls;
    assert!(more <= 4, "{more} polls for one record");
    drop(tasks);
    assert_eq!(at_server, b"one");
}
