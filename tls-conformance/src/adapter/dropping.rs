//! Futures that are dropped before they are ready.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::task::{Context, Poll, ready};

use tls_core::{Alert, Backend, ErrorKind};

use super::Adapter;
use super::chaos::Noise;
use super::flow::{data, receive};
use super::tasks::{Tasks, ends, kind};
use crate::pair::NAME;

/// Every future is dropped after its first poll, and made anew: what is to be written next is then
/// another thing than what was not taken.
pub(super) fn a_stream_outlives_its_futures<A: Adapter>(backend: &'static dyn Backend) {
    for seed in 1..6 {
        let noise = Noise::wild(seed, [1, 7, 900][seed as usize % 3]);
        let (client, server) = ends(backend);
        let (a, b) = noise.pipe::<A::Transport>(200);
        let client = RefCell::new(A::begin_client(&client, NAME, a).unwrap());
        let server = RefCell::new(A::begin_server(&server, b).unwrap());
        let (there, back) = (data(9000, seed), data(5000, seed + 9));
        let (mut at_server, mut at_client) = (Vec::new(), Vec::new());
        let mut tasks = Tasks::new(&noise);
        for (name, stream, rest, got) in [
            ("the client", &client, &there[..], &mut at_client),
            ("the server", &server, &back[..], &mut at_server),
        ] {
            let (mut rest, mut step, noise) = (rest, 0, noise.clone());
            tasks.add(name, move |cx| {
                if step == 0 {
                    ready!(pin!(A::handshake(&mut stream.borrow_mut())).poll(cx)).unwrap();
                    step = 1;
                }
                if step == 1 {
                    let n = write_some::<A>(stream, cx, &mut rest, &noise);
                    // As much comes in as goes out: who only wrote would wait for ever.
                    let _ = read_some::<A>(stream, cx, got);
                    ready!(n);
                    step = 2;
                }
                if step == 2 {
                    let closed = pin!(A::close_notify(&mut stream.borrow_mut())).poll(cx);
                    let _ = read_some::<A>(stream, cx, got);
                    ready!(closed).unwrap();
                    step = 3;
                }
                receive::<A>(stream, cx, got).map(Result::unwrap)
            });
        }
        tasks.run();
        assert!(at_server == there, "the server has {} bytes", at_server.len());
        assert!(at_client == back, "the client has {} bytes", at_client.len());
    }
}

/// Writes pieces of any size until there is nothing left.
fn write_some<A: Adapter>(
    stream: &RefCell<A::Stream>,
    cx: &mut Context<'_>,
    rest: &mut &[u8],
    noise: &Noise,
) -> Poll<()> {
    while !rest.is_empty() {
        let piece = &rest[..1 + noise.below(rest.len())];
        let taken = A::poll_write(&mut stream.borrow_mut(), cx, &[IoSlice::new(piece)]);
        *rest = &rest[ready!(taken).unwrap()..];
    }
    Poll::Ready(())
}

/// Reads what there is.
fn read_some<A: Adapter>(
    stream: &RefCell<A::Stream>,
    cx: &mut Context<'_>,
    got: &mut Vec<u8>,
) -> Poll<()> {
    receive::<A>(stream, cx, got).map(Result::unwrap)
}

/// Who drops a handshake at whichever poll leaves nothing behind: the other side sees an end.
pub(super) fn a_dropped_handshake_is_an_end<A: Adapter>(backend: &'static dyn Backend) {
    let (client, server) = ends(backend);
    for most in 1.. {
        let noise = Noise::none(most as u64);
        let (a, b) = noise.pipe::<A::Transport>(150);
        let (connect, accept) = (A::connect(&client, NAME, a), A::accept(&server, b));
        if drop_one(&noise, connect, accept, most) {
            break;
        }
    }
    for most in 1.. {
        let noise = Noise::none(most as u64);
        let (a, b) = noise.pipe::<A::Transport>(150);
        let (connect, accept) = (A::connect(&client, NAME, a), A::accept(&server, b));
        if drop_one(&noise, accept, connect, most) {
            break;
        }
    }
}

/// The same for a server that hears its client first, and for one that refuses: at whichever poll.
pub(super) fn a_dropped_choice_is_an_end<A: Adapter>(backend: &'static dyn Backend) {
    let (client, server) = ends(backend);
    for refuses in [false, true] {
        for most in 1.. {
            let noise = Noise::none(most as u64);
            let (a, b) = noise.pipe::<A::Transport>(150);
            let server = server.clone();
            let choose = async move {
                let mut incoming = A::incoming(b);
                A::hello(&mut incoming).await?;
                match refuses {
                    true => A::refuse(incoming, Alert::UNRECOGNIZED_NAME).await.map(|()| None),
                    false => A::choose(incoming, &server).await.map(Some),
                }
            };
            let connect = async { A::connect(&client, NAME, a).await.map(Some) };
            // A client that is refused hears of an alert, or of an end.
            if drop_one(&noise, choose, connect, most) {
                break;
            }
        }
    }
}

/// The same over a transport that moves a few bytes, or none for no reason, and wakes late.
pub(super) fn among_chaos<A: Adapter>(backend: &'static dyn Backend) {
    let (client, server) = ends(backend);
    for client_drops in [true, false] {
        for most in 1.. {
            let noise = Noise::wild(most as u64, 400);
            let (a, b) = noise.pipe::<A::Transport>(1000);
            let (connect, accept) = (A::connect(&client, NAME, a), A::accept(&server, b));
            let done = match client_drops {
                true => drop_one(&noise, connect, accept, most),
                false => drop_one(&noise, accept, connect, most),
            };
            if done {
                break;
            }
        }
    }
}

/// Drops a handshake after so many polls, or its stream once it is done, and says which; the other ends.
fn drop_one<S>(
    noise: &Noise,
    dropped: impl Future<Output = io::Result<S>>,
    other: impl Future<Output = io::Result<S>>,
    most: usize,
) -> bool {
    assert!(most < 500, "the handshake has no end");
    let (mut dropped, mut polls, done) = (Some(Box::pin(dropped)), 0, Cell::new(false));
    let end = RefCell::new(None);
    let mut tasks = Tasks::new(noise);
    tasks.add("the one that is dropped", |cx| {
        let Some(running) = &mut dropped else { return Poll::Ready(()) };
        polls += 1;
        match running.as_mut().poll(cx) {
            Poll::Ready(stream) => done.set(stream.is_ok()),
            Poll::Pending if polls < most => return Poll::Pending,
            Poll::Pending => {}
        }
        dropped = None;
        Poll::Ready(())
    });
    tasks.add_future("the other", other, &end);
    tasks.run();
    if let (false, Err(e)) = (done.get(), end.take().unwrap()) {
        let cut = [io::ErrorKind::UnexpectedEof, io::ErrorKind::BrokenPipe];
        // Who refuses may have said so before it was dropped.
        let told = kind(&e) == ErrorKind::AlertReceived(Alert::UNRECOGNIZED_NAME);
        assert!(cut.contains(&e.kind()) || told, "{e:?}");
    }
    done.get()
}
