//! Files over sockets: in the kernel where it has TLS, in user space where not, and the same either way.
//!
//! With `KTLS_REQUIRED` in the environment the kernel has to have it, and backends that give their keys away
//! have to use it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tls_core::{
    Backend, Blocking, Capability, ClientConfigBuilder, Error, ErrorKind, KernelTls,
    NonBlockingSocket, Result, SendPath, ServerConfigBuilder, Stream, Version, Versions,
};

use super::file;
use crate::cases::driving::{PATIENCE, sockets};
use crate::cases::{both_versions, cases};
use crate::pair::{Ends, NAME, configs, pattern};

cases! { "sendfile";
    Pair tls12_64_mebibytes_arrive_over_sockets [Tls12Client] [Tls12Server]
        "A file of 64 MiB arrives over TLS 1.2 and sockets, byte for byte, and the connection ends in order.";
    Pair tls13_64_mebibytes_arrive_over_sockets [Tls13Client] [Tls13Server]
        "A file of 64 MiB arrives over TLS 1.3 and sockets, byte for byte, and the connection ends in order.";
    Pair tls12_a_client_sends_files_over_sockets [Tls12Client] [Tls12Server]
        "Over TLS 1.2 a client sends files over a socket as a server does, and is answered.";
    Pair tls13_a_client_sends_files_over_sockets [Tls13Client] [Tls13Server]
        "Over TLS 1.3 a client sends files over a socket as a server does, and is answered.";
    Pair tls12_questions_and_files_take_turns [Tls12Client] [Tls12Server]
        "Over TLS 1.2 questions that came before a file was sent are read after it, and more come and go.";
    Pair tls13_questions_and_files_take_turns [Tls13Client] [Tls13Server]
        "Over TLS 1.3 questions that came before a file was sent are read after it, and more come and go.";
    Pair tls12_a_socket_that_would_block_loses_nothing [Tls12Client] [Tls12Server]
        "Over TLS 1.2 a non-blocking socket says how much it took, and the file goes on from there.";
    Pair tls13_a_socket_that_would_block_loses_nothing [Tls13Client] [Tls13Server]
        "Over TLS 1.3 a non-blocking socket says how much it took, and the file goes on from there.";
    Pair a_deadline_in_the_middle_loses_nothing [] []
        "A file that a deadline interrupts says how much was taken, and goes on from there.";
    Pair a_peer_that_resets_ends_the_file [] []
        "If the peer resets the connection in the middle of a file, the transport's error is told.";
    Pair a_close_to_a_peer_that_has_gone_is_no_error [] []
        "A peer that has read a whole file and gone does not make an error of the closing after it.";
    Pair a_file_without_a_close_is_truncated [] []
        "A peer that has got a whole file, and then an end without close_notify, is told that by its kind.";
    Pair a_short_file_fails_a_blocking_call [] []
        "A blocking call for more than there is sends what there is, and then says how much that was.";
    Pair new_keys_of_the_peer_lose_nothing [Tls13Client KeyUpdate] [Tls13Server]
        "A peer that takes new keys in the middle of a file gets all of it, or the connection ends by its kind.";
    Pair own_new_keys_lose_nothing [Tls13Client] [Tls13Server KeyUpdate]
        "New keys between files lose nothing, or are refused, and then do no harm.";
}

both_versions! {
    tls12_64_mebibytes_arrive_over_sockets tls13_64_mebibytes_arrive_over_sockets = large;
    tls12_a_client_sends_files_over_sockets tls13_a_client_sends_files_over_sockets = upload;
    tls12_questions_and_files_take_turns tls13_questions_and_files_take_turns = turns;
    tls12_a_socket_that_would_block_loses_nothing
        tls13_a_socket_that_would_block_loses_nothing = would_block;
}

type Socket = Stream<Blocking<TcpStream>>;

/// Configurations that let the kernel have the records.
fn auto() -> (ClientConfigBuilder, ServerConfigBuilder) {
    let (c, s) = configs();
    (c.kernel_tls(KernelTls::Auto), s.kernel_tls(KernelTls::Auto))
}

fn ends(client: &dyn Backend, server: &dyn Backend) -> Result<Ends> {
    let (c, s) = auto();
    Ends::new((client, c), (server, s))
}

fn ends_in(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<Ends> {
    let ((c, s), only) = (auto(), Versions::only(version));
    Ends::new((client, c.versions(only)), (server, s.versions(only)))
}

/// Runs both sides, each on a thread of its own.
fn run<A: Send, B: Send>(
    ends: &Ends,
    client: impl FnOnce(Socket) -> io::Result<A> + Send,
    server: impl FnOnce(Socket) -> io::Result<B> + Send,
) -> Result<(A, B)> {
    let (near, far) = sockets()?;
    let near = ends.client.connect(NAME, Blocking::new(near))?;
    let far = ends.server.accept(Blocking::new(far))?;
    let (one, other) = thread::scope(|scope| {
        let server = scope.spawn(|| server(far));
        let one = client(near);
        (one, server.join())
    });
    let other = other.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    // The side that failed first is the one to tell.
    let is_gone = |e: &io::Error| {
        let gone = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
        gone.contains(&e.kind()) || e.kind() == io::ErrorKind::UnexpectedEof
    };
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(e), Err(other)) if is_gone(&e) => Err(other.into()),
        (Err(e), _) | (_, Err(e)) => Err(e.into()),
    }
}

/// The way that was taken is the one that was required, and one that was not has a reason.
#[track_caller]
fn check_path<T>(stream: &Stream<T>, backend: &dyn Backend) {
    let gives_keys = backend.capabilities().contains(Capability::KernelTls);
    let (path, why) = (stream.send_path(), stream.kernel_refusal());
    if std::env::var_os("KTLS_REQUIRED").is_some() && gives_keys {
        assert_eq!(path, SendPath::Kernel, "{why:?}");
    }
    assert_eq!(path == SendPath::UserSpace, why.is_some(), "{path}: {why:?}");
}

fn read_exactly(stream: &mut Socket, len: usize) -> io::Result<Vec<u8>> {
    let mut got = vec![0; len];
    stream.read_exact(&mut got)?;
    Ok(got)
}

fn large(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    const SIZE: u64 = 64 << 20;
    let data = pattern(SIZE as usize);
    let expected = Sha256::digest(&data);
    let file = file(&data);
    drop(data);
    let ends = ends_in(version, client, server)?;
    let ((len, hash), ()) = run(
        &ends,
        |mut stream| {
            stream.write_all(b"?")?;
            let got = read_digest(&mut stream)?;
            assert!(stream.close_received());
            stream.shutdown()?;
            Ok(got)
        },
        |mut stream| {
            assert_eq!(read_exactly(&mut stream, 1)?, b"?");
            assert_eq!(stream.sendfile(&file, 0, SIZE)?, SIZE);
            check_path(&stream, server);
            stream.shutdown()?;
            assert_eq!(stream.read(&mut [0; 8])?, 0);
            assert!(stream.close_received());
            Ok(())
        },
    )?;
    assert!(len == SIZE as usize && hash == expected.as_slice(), "{len} bytes have arrived");
    Ok(())
}

/// Reads to the end: how much it was, and its hash.
fn read_digest(stream: &mut impl Read) -> io::Result<(usize, Vec<u8>)> {
    let (mut hash, mut len, mut buf) = (Sha256::new(), 0, vec![0; 100_000]);
    loop {
        match stream.read(&mut buf)? {
            0 => return Ok((len, hash.finalize().to_vec())),
            n => {
                hash.update(&buf[..n]);
                len += n;
            }
        }
    }
}

fn upload(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = pattern(3_000_000);
    let file = file(&data);
    let ends = ends_in(version, client, server)?;
    run(
        &ends,
        |mut stream| {
            for (offset, len) in [(0, 1), (1, 16_383), (16_384, 16_385), (32_769, 2_967_231)] {
                assert_eq!(stream.sendfile(&file, offset, len)?, len);
            }
            check_path(&stream, client);
            assert_eq!(read_exactly(&mut stream, 5)?, b"thank");
            stream.shutdown()
        },
        |mut stream| {
            assert!(read_exactly(&mut stream, data.len())? == data);
            stream.write_all(b"thank")?;
            assert_eq!(stream.read(&mut [0; 8])?, 0);
            assert!(stream.close_received());
            Ok(())
        },
    )?;
    Ok(())
}

fn turns(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = pattern(500_000);
    let file = file(&data);
    let ends = ends_in(version, client, server)?;
    run(
        &ends,
        |mut stream| {
            // In records of their own, so that some have been read, and some not, when the file goes out.
            for i in 0..5_u8 {
                stream.write_all(&[i; 1000])?;
            }
            assert!(read_exactly(&mut stream, 500_000)? == data);
            for round in 0..20 {
                let question = pattern(round * 1777);
                stream.write_all(&question)?;
                assert!(read_exactly(&mut stream, question.len())? == question, "round {round}");
                assert!(read_exactly(&mut stream, 10_000)? == data[round..][..10_000]);
            }
            stream.shutdown()?;
            assert_eq!(stream.read(&mut [0; 8])?, 0);
            Ok(())
        },
        |mut stream| {
            assert_eq!(read_exactly(&mut stream, 10)?, [0; 10]);
            thread::sleep(Duration::from_millis(20));
            assert_eq!(stream.sendfile(&file, 0, 500_000)?, 500_000);
            check_path(&stream, server);
            let early = read_exactly(&mut stream, 4990)?;
            let expected = (0..5_u8).flat_map(|i| [i; 1000]).skip(10);
            assert!(early.iter().copied().eq(expected), "what came before the file");
            for round in 0..20 {
                let question = read_exactly(&mut stream, round * 1777)?;
                stream.write_all(&question)?;
                assert_eq!(stream.sendfile(&file, round as u64, 10_000)?, 10_000);
            }
            assert_eq!(stream.read(&mut [0; 8])?, 0);
            assert!(stream.close_received());
            stream.shutdown()
        },
    )?;
    Ok(())
}

fn would_block(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    const SIZE: u64 = 12 << 20;
    let data = pattern(SIZE as usize);
    let expected = Sha256::digest(&data);
    let file = file(&data);
    let ends = ends_in(version, client, server)?;
    let (near, far) = sockets()?;
    far.set_nonblocking(true)?;
    let mut near = ends.client.connect(NAME, Blocking::new(near))?;
    let mut far = ends.server.accept(NonBlockingSocket(far))?;
    let (got, blocked) = thread::scope(|scope| {
        let client = scope.spawn(move || {
            near.handshake()?;
            // Long enough for the socket to be full.
            thread::sleep(Duration::from_millis(100));
            read_digest(&mut near)
        });
        let (mut at, mut blocked, begun) = (0, 0, Instant::now());
        while at < SIZE {
            match far.sendfile(&file, at, SIZE - at) {
                Ok(n) => {
                    assert!(n > 0 && n <= SIZE - at);
                    at += n;
                    continue;
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => blocked += 1,
                Err(e) => return Err(e),
            }
            assert!(begun.elapsed() < PATIENCE, "{at} of {SIZE} bytes taken");
            thread::sleep(Duration::from_millis(1));
        }
        check_path(&far, server);
        while let Err(e) = far.shutdown() {
            assert_eq!(e.kind(), io::ErrorKind::WouldBlock);
            assert!(begun.elapsed() < PATIENCE, "no end");
            thread::sleep(Duration::from_millis(1));
        }
        let got = client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok((got, blocked))
    })?;
    assert!(got.0 == SIZE as usize && got.1 == expected.as_slice(), "{} bytes", got.0);
    assert!(blocked > 0, "the socket was never full");
    Ok(())
}

fn a_deadline_in_the_middle_loses_nothing(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    const SIZE: u64 = 24 << 20;
    let data = pattern(SIZE as usize);
    let expected = Sha256::digest(&data);
    let file = file(&data);
    let ends = ends(client, server)?;
    let ((len, hash), late) = run(
        &ends,
        |mut stream| {
            stream.handshake()?;
            thread::sleep(Duration::from_millis(300));
            read_digest(&mut stream)
        },
        |mut stream| {
            stream.handshake()?;
            let (mut at, mut late) = (0, 0);
            while at < SIZE {
                let deadline = Instant::now() + Duration::from_millis(30);
                stream.transport_mut().set_deadline(Some(deadline))?;
                match stream.sendfile(&file, at, SIZE - at) {
                    Ok(n) => {
                        late += u32::from(at + n < SIZE);
                        at += n;
                    }
                    Err(e) => {
                        assert_eq!(e.kind(), io::ErrorKind::TimedOut, "{e}");
                        late += 1;
                    }
                }
                assert!(late < 10_000, "{at} of {SIZE} bytes taken");
            }
            stream.transport_mut().set_deadline(None)?;
            check_path(&stream, server);
            stream.shutdown()?;
            Ok(late)
        },
    )?;
    assert!(len == SIZE as usize && hash == expected.as_slice(), "{len} bytes have arrived");
    assert!(late > 0, "no deadline has passed");
    Ok(())
}

fn a_peer_that_resets_ends_the_file(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    const SIZE: u64 = 64 << 20;
    let file = file(&[]);
    file.set_len(SIZE)?;
    let ends = ends(client, server)?;
    let result = run(
        &ends,
        |mut stream| {
            read_exactly(&mut stream, 100_000)?;
            // With much that was not read, so that the system resets the connection.
            thread::sleep(Duration::from_millis(50));
            Ok(())
        },
        |mut stream| {
            let reset = stream.sendfile(&file, 0, SIZE);
            check_path(&stream, server);
            let again = stream.sendfile(&file, 0, 1);
            Ok((reset.map_err(Error::from), again.map_err(Error::from)))
        },
    )?;
    let ((), (reset, again)) = result;
    for (call, result) in [("the first", reset), ("the second", again)] {
        let kind = match result {
            Ok(n) => panic!("{call} call sends {n} bytes"),
            Err(e) => e.kind(),
        };
        let is_gone = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe]
            .map(ErrorKind::Io)
            .contains(&kind);
        assert!(is_gone, "{call} call: {kind:?}");
    }
    Ok(())
}

fn a_close_to_a_peer_that_has_gone_is_no_error(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let file = &file(&pattern(100_000));
    let (gone, wait) = mpsc::channel::<()>();
    run(
        &ends(client, server)?,
        move |mut stream| {
            read_exactly(&mut stream, 100_000)?;
            drop(stream);
            let _ = gone.send(());
            Ok(())
        },
        move |mut stream| {
            assert_eq!(stream.sendfile(file, 0, 100_000)?, 100_000);
            check_path(&stream, server);
            wait.recv_timeout(PATIENCE).map_err(io::Error::other)?;
            stream.close_notify()
        },
    )
    .map(drop)
}

fn a_file_without_a_close_is_truncated(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = &pattern(100_000);
    let file = &file(data);
    for client_sends in [false, true] {
        let (done, wait) = mpsc::channel::<()>();
        let send = move |mut stream: Socket| {
            assert_eq!(stream.sendfile(file, 0, 100_000)?, 100_000);
            check_path(&stream, if client_sends { client } else { server });
            stream.transport().get_ref().shutdown(Shutdown::Write)?;
            // A socket that goes away with tickets that nobody has read resets the connection.
            let _ = wait.recv();
            Ok(())
        };
        let receive = move |mut stream: Socket| {
            let _done = done;
            // The kernel's, too, tells it.
            stream.kernel()?;
            assert!(read_exactly(&mut stream, 100_000)? == *data);
            let e = stream.read(&mut [0; 8]).map(drop).unwrap_err();
            assert_eq!(Error::from(e).kind(), ErrorKind::UnexpectedEof);
            Ok(())
        };
        let ends = ends(client, server)?;
        match client_sends {
            true => run(&ends, send, receive)?,
            false => run(&ends, receive, send)?,
        };
    }
    Ok(())
}

fn a_short_file_fails_a_blocking_call(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = pattern(100_000);
    let short = file(&data);
    let ends = ends(client, server)?;
    run(
        &ends,
        |mut stream| {
            assert!(read_exactly(&mut stream, 99_950)? == data[50..]);
            stream.write_all(b"on")?;
            assert_eq!(read_exactly(&mut stream, 2)?, b"ok");
            Ok(())
        },
        |mut stream| {
            let e = Error::from(stream.sendfile(&short, 50, 1_000_000).unwrap_err());
            assert_eq!(e.kind(), ErrorKind::File);
            let text = e.to_string();
            for part in ["99950", "1000000", "50"] {
                assert!(text.contains(part), "{text}");
            }
            check_path(&stream, server);
            assert_eq!(read_exactly(&mut stream, 2)?, b"on");
            stream.write_all(b"ok")?;
            stream.flush()
        },
    )?;
    Ok(())
}

/// Whether the kernel, which cannot take new keys everywhere, is to blame.
fn is_for_lack_of_keys(e: &io::Error) -> bool {
    Error::find(e).is_some_and(|e| e.kind() == ErrorKind::Unsupported(Capability::KeyUpdate))
}

fn new_keys_of_the_peer_lose_nothing(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = pattern(400_000);
    let file = file(&data);
    let ends = only13(client, server)?;
    let (got, (sent, path)) = run(
        &ends,
        |mut stream| {
            let mut got = Vec::new();
            let mut rounds = || -> io::Result<()> {
                for _ in 0..4 {
                    got.extend(read_exactly(&mut stream, 100_000)?);
                    stream.update_keys()?;
                    stream.write_all(b"next")?;
                }
                Ok(())
            };
            let ended = rounds().map_err(Error::from);
            Ok((got, ended))
        },
        |mut stream| {
            let mut rounds = || -> io::Result<()> {
                for round in 0..4 {
                    assert_eq!(stream.sendfile(&file, round * 100_000, 100_000)?, 100_000);
                    check_path(&stream, server);
                    assert_eq!(read_exactly(&mut stream, 4)?, b"next");
                }
                Ok(())
            };
            Ok((rounds(), stream.send_path()))
        },
    )?;
    let (got, ended) = got;
    let lacks = ErrorKind::Unsupported(Capability::KeyUpdate);
    if ended.as_ref().is_err_and(|e| e.kind() == lacks) {
        return ended; // the client's library has no key updates
    }
    match sent {
        Ok(()) => {
            assert!(got == data);
            ended
        }
        Err(e) => {
            assert!(path == SendPath::Kernel && is_for_lack_of_keys(&e), "{path}: {e}");
            assert!(data.starts_with(&got), "other bytes have arrived");
            let told = ended.unwrap_err().kind();
            assert!(matches!(told, ErrorKind::AlertReceived(_) | ErrorKind::Io(_)), "{told:?}");
            Ok(())
        }
    }
}

fn own_new_keys_lose_nothing(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = pattern(400_000);
    let file = file(&data);
    let ends = only13(client, server)?;
    run(
        &ends,
        |mut stream| {
            assert!(read_exactly(&mut stream, 400_000)? == data);
            stream.write_all(b"got it")?;
            stream.flush()
        },
        |mut stream| {
            for round in 0..4 {
                assert_eq!(stream.sendfile(&file, round * 100_000, 100_000)?, 100_000);
                match stream.update_keys() {
                    Err(e) if is_for_lack_of_keys(&e) && stream.send_path() == SendPath::Kernel => {
                    }
                    updated => updated?,
                }
            }
            check_path(&stream, server);
            assert_eq!(read_exactly(&mut stream, 6)?, b"got it");
            Ok(())
        },
    )?;
    Ok(())
}

fn only13(client: &dyn Backend, server: &dyn Backend) -> Result<Ends> {
    ends_in(Version::Tls13, client, server)
}
