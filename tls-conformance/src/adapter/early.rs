//! Early data, which comes apart from the rest.

use std::future::{Future as _, poll_fn};
use std::io::{self, IoSlice};
use std::pin::pin;

use tls_core::danger::ReplayableEarlyData;
use tls_core::{Backend, Client, ErrorKind, Server};

use super::Adapter;
use super::chaos::Noise;
use super::tasks::{both, kind};
use crate::pair::{NAME, configs, pattern};

/// A stream takes early data before its handshake, and gives it before the rest and apart from it,
/// whichever future is dropped.
pub(super) fn early_data_comes_apart<A: Adapter>(backend: &'static dyn Backend) {
    let Some((client, server)) = wanting(backend) else { return };
    let early = pattern(3000);
    let mut taken = 0;
    for seed in 1..8 {
        let noise = Noise::wild(seed, [1, 60, 5000][seed as usize % 3]);
        let (a, b) = noise.pipe::<A::Transport>(300);
        let begins = seed % 2 == 0;
        let (said, heard) =
            both(&noise, speak::<A>(&client, a, &early), listen::<A>(&server, b, begins));
        let (said, heard) = (said.unwrap(), heard.unwrap());
        assert!(heard == early[..said], "{} of {said} bytes came early", heard.len());
        taken += usize::from(said == early.len());
    }
    assert_eq!(taken, 6, "all but the first have a session");
}

/// What wants early data; `None` if the backend lacks it and is named for it.
fn wanting(backend: &'static dyn Backend) -> Option<(Client, Server)> {
    let ((c, s), all) = (configs(), ReplayableEarlyData::up_to(ReplayableEarlyData::MAX));
    let (c, s) = (c.early_data(all).build().unwrap(), s.early_data(all).build().unwrap());
    let missing = c.required().union(s.required()).without(backend.capabilities());
    let compiled = Client::new(&c, backend).and_then(|c| Ok((c, Server::new(&s, backend)?)));
    match compiled.map_err(|e| e.kind()) {
        Ok(both) if missing.is_empty() => Some(both),
        Err(ErrorKind::Unsupported(what)) if missing.contains(what) => None,
        other => panic!("{other:?}; missing: {missing}"),
    }
}

/// A client that says `early` as soon as it may, and then the rest.
async fn speak<A: Adapter>(client: &Client, io: A::Transport, early: &[u8]) -> io::Result<usize> {
    let mut stream = A::begin_client(client, NAME, io)?;
    let written = A::write_early(&mut stream, early)?;
    A::handshake(&mut stream).await?;
    let late = A::write_early(&mut stream, b"late").unwrap_err();
    assert_eq!((late.kind(), kind(&late)), (io::ErrorKind::InvalidInput, ErrorKind::Misuse));
    write::<A>(&mut stream, b"the rest").await?;
    // With what the server says come its tickets.
    assert_eq!(read::<A>(&mut stream, 7).await?, b"goodbye");
    Ok(written)
}

/// A server that hears it: as it comes, or when the handshake is done.
async fn listen<A: Adapter>(
    server: &Server,
    io: A::Transport,
    begins: bool,
) -> io::Result<Vec<u8>> {
    let mut stream = match begins {
        true => A::begin_server(server, io)?,
        false => A::accept(server, io).await?,
    };
    let (mut early, mut buf) = (Vec::new(), [0; 700]);
    loop {
        // Each future is dropped after one poll.
        let piece = poll_fn(|cx| pin!(A::read_early(&mut stream, &mut buf)).poll(cx));
        match piece.await? {
            0 => break,
            n => early.extend_from_slice(&buf[..n]),
        }
        if !begins && early.len() == buf.len() {
            let mixed = read::<A>(&mut stream, 1).await.unwrap_err();
            assert_eq!(kind(&mixed), ErrorKind::Misuse);
        }
    }
    assert_eq!(read::<A>(&mut stream, 8).await?, b"the rest");
    write::<A>(&mut stream, b"goodbye").await?;
    Ok(early)
}

async fn write<A: Adapter>(stream: &mut A::Stream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let bufs = [IoSlice::new(bytes)];
        bytes = &bytes[poll_fn(|cx| A::poll_write(stream, cx, &bufs)).await?..];
    }
    poll_fn(|cx| A::poll_flush(stream, cx)).await
}

async fn read<A: Adapter>(stream: &mut A::Stream, n: usize) -> io::Result<Vec<u8>> {
    let (mut got, mut buf) = (Vec::new(), vec![0; n]);
    while got.len() < n {
        let room = n - got.len();
        match poll_fn(|cx| A::poll_read(stream, cx, &mut buf[..room])).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => got.extend_from_slice(&buf[..read]),
        }
    }
    Ok(got)
}
