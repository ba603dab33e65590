//! Connections that begin, and that never do.

use std::cell::RefCell;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};

use tls_core::{Alert, Backend, Capability, ClientHello, ErrorKind, Parts, Server};

use super::Adapter;
use super::chaos::{Chaos, Noise};
use super::tasks::{Tasks, both, ends, kind};
use crate::pair::NAME;

/// A client that refuses a server says why, also over a transport that takes one byte at a time.
pub(super) fn a_refusal_reaches_the_peer<A: Adapter>(backend: &'static dyn Backend) {
    for seed in 1..6 {
        let noise = Noise::wild(seed, 2);
        let ((client, _), (_, server)) = (ends(backend), ends(backend));
        let (a, b) = noise.pipe::<A::Transport>(2000);
        // Who has finished its handshake hears of it when it reads.
        let accept = async move {
            let mut stream = A::accept(&server, b).await?;
            std::future::poll_fn(|cx| A::poll_read(&mut stream, cx, &mut [0; 10])).await
        };
        let (refused, told) = both(&noise, A::connect(&client, NAME, a), accept);
        let e = refused.err().expect("a stranger is refused");
        assert_eq!(e.kind(), io::ErrorKind::InvalidData);
        assert!(matches!(kind(&e), ErrorKind::Certificate(_)), "{e:?}");
        let told = kind(&told.unwrap_err());
        let tells = backend.capabilities().contains(Capability::EncryptedAlerts);
        assert!(!tells || matches!(told, ErrorKind::AlertReceived(_)), "{told:?}");
    }
}

/// What is no name of a server is the program's fault.
pub(super) fn a_bad_name_is_refused<A: Adapter>(backend: &'static dyn Backend) {
    let (client, _) = ends(backend);
    let (a, _b) = Noise::none(1).pipe::<A::Transport>(10);
    let connect = pin!(A::connect(&client, "no name", a));
    let Poll::Ready(Err(e)) = connect.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("not refused at once");
    };
    assert_eq!((e.kind(), kind(&e)), (io::ErrorKind::InvalidInput, ErrorKind::Config));
    let (a, _b) = Noise::none(1).pipe::<A::Transport>(10);
    let e = A::begin_client(&client, "no name", a).err().expect("not refused");
    assert_eq!(kind(&e), ErrorKind::Config);
}

/// The hello is heard, whichever future is dropped, and the handshake goes on with the server that is
/// chosen.
pub(super) fn a_client_is_heard_first<A: Adapter>(backend: &'static dyn Backend) {
    for seed in 1..5 {
        let noise = Noise::wild(seed, [1, 60][seed as usize % 2]);
        let (client, server) = ends(backend);
        let (a, b) = noise.pipe::<A::Transport>(300);
        let (connected, accepted) =
            both(&noise, A::connect(&client, NAME, a), choose::<A>(b, &server));
        connected.unwrap();
        let (hello, stream) = accepted.unwrap();
        stream.unwrap();
        assert_eq!(hello.server_name.as_deref(), Some(NAME));
    }
}

/// A server that will not have a client says so, also over a transport that takes one byte at a time.
pub(super) fn a_refusal_arrives_whole<A: Adapter>(backend: &'static dyn Backend) {
    for seed in 1..6 {
        let noise = Noise::wild(seed, 1);
        let (client, _) = ends(backend);
        let (a, b) = noise.pipe::<A::Transport>(2000);
        let refuse = async move {
            let mut incoming = A::incoming(b);
            A::hello(&mut incoming).await?;
            A::refuse(incoming, Alert::UNRECOGNIZED_NAME).await
        };
        let (connected, refused) = both(&noise, A::connect(&client, NAME, a), refuse);
        refused.unwrap();
        let e = connected.err().expect("it is refused");
        assert_eq!(kind(&e), ErrorKind::AlertReceived(Alert::UNRECOGNIZED_NAME));
    }
}

async fn choose<A: Adapter>(
    io: A::Transport,
    server: &Server,
) -> io::Result<(ClientHello, io::Result<A::Stream>)> {
    let mut incoming = A::incoming(io);
    // Each future is dropped after its first poll.
    let hello = std::future::poll_fn(|cx| pin!(A::hello(&mut incoming)).poll(cx)).await?;
    Ok((hello, A::choose(incoming, server).await))
}

/// Bytes that are no TLS are an error at once, and are not lost; a ClientHello that is broken is answered
/// with an alert that arrives whole.
pub(super) fn what_is_not_tls_is_given_back<A: Adapter>(backend: &'static dyn Backend) {
    let _ = backend; // none is asked
    let text = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";
    let (e, Parts { transport, mut unread }, _peer) = hear::<A>(text);
    assert_eq!((e.kind(), kind(&e)), (io::ErrorKind::InvalidData, ErrorKind::NotTls));
    let mut transport: Chaos = transport.into();
    let mut buf = [0; 100];
    for _ in 0..1000 {
        let read = transport.poll_read(&mut Context::from_waker(Waker::noop()), &mut buf);
        if let Poll::Ready(Ok(n)) = read {
            unread.extend_from_slice(&buf[..n]);
        }
    }
    assert_eq!(unread, text);

    // A handshake record with a message that is not a ClientHello.
    let (e, _parts, mut peer) = hear::<A>(b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00");
    assert_eq!(kind(&e), ErrorKind::Protocol);
    let mut answer = Vec::new();
    for _ in 0..1000 {
        let read = peer.poll_read(&mut Context::from_waker(Waker::noop()), &mut buf);
        if let Poll::Ready(Ok(n)) = read {
            answer.extend_from_slice(&buf[..n]);
        }
    }
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, Alert::DECODE_ERROR.0]);
}

/// Has a peer say `what`, and tells why that is no hello.
fn hear<A: Adapter>(what: &[u8]) -> (io::Error, Parts<A::Transport>, Chaos) {
    let noise = Noise::wild(4, 3);
    let (ours, theirs) = noise.pipe::<Chaos>(1000);
    let mut incoming = A::incoming(ours.into());
    let (mut peer, mut rest, heard) = (theirs, what, RefCell::new(None));
    let mut tasks = Tasks::new(&noise);
    tasks.add("the peer", |cx| {
        while !rest.is_empty() {
            // An error is an interruption.
            rest = &rest[ready!(peer.poll_write(cx, &[IoSlice::new(rest)])).unwrap_or(0)..];
        }
        Poll::Ready(())
    });
    tasks.add_future("the server", A::hello(&mut incoming), &heard);
    tasks.run();
    let heard: Option<io::Result<ClientHello>> = heard.take();
    (heard.unwrap().unwrap_err(), A::not_tls(incoming), peer)
}
