//! What is promised of the words, whatever the library.

#![allow(clippy::unwrap_used)] // tests

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use polytls::{Backend, Blocking, Client, ClientConfig, ErrorKind, Server, ServerConfig, Stream};
use tls_conformance::Authority;
use tls_lines::{LineStream, WordError};

/// Every promise on each of `backends`.
pub(crate) fn trials(backends: &[&'static dyn Backend]) -> Vec<Trial> {
    let promises: &[(&str, Promise)] = &[
        ("words_give_what_they_say", words_give_what_they_say),
        ("lines_are_found_wherever_records_end", lines_among_records),
        ("many_lines_out_of_much_are_quick", many_lines_out_of_much),
        ("what_came_before_the_end_stays", what_came_stays),
        ("a_cut_is_no_end", a_cut_is_no_end),
        ("interrupted_reading_loses_nothing", interrupted_reading_loses_nothing),
        ("interrupted_writing_tells_what_was_taken", interrupted_writing_tells),
        ("one_thread_at_a_time_is_at_a_word", one_thread_at_a_time),
        ("a_late_interruption_hits_nobody", a_late_interruption_hits_nobody),
        ("a_handshake_can_be_interrupted", a_handshake_can_be_interrupted),
        ("closing_interrupts_and_sends_close_notify", closing),
        ("closing_does_not_wait_for_ever", closing_does_not_wait_for_ever),
        ("what_has_no_end_is_bounded", what_has_no_end_is_bounded),
    ];
    let mut trials = Vec::new();
    for &backend in backends {
        for &(name, promise) in promises {
            let name = format!("lines::{}::{name}", backend.name());
            trials.push(Trial::test(name, move || {
                promise(backend);
                Ok(())
            }));
        }
    }
    trials
}

/// Panics if it is not kept.
type Promise = fn(&'static dyn Backend);

const NAME: &str = "server.test";

/// A client at words, and the server's side by hand, both with their handshakes done.
fn connected(backend: &'static dyn Backend) -> (LineStream, Stream<Blocking<TcpStream>>) {
    let root = Authority::root("Root of the words");
    let config = ClientConfig::builder().roots(root.roots()).build().unwrap();
    let client = Client::new(&config, backend).unwrap();
    let config = ServerConfig::builder(root.server(NAME)).build().unwrap();
    let server = Server::new(&config, backend).unwrap();
    let (near, far) = sockets();
    let serving = thread::spawn(move || {
        let mut stream = server.accept(Blocking::new(far)).unwrap();
        stream.handshake().unwrap();
        stream
    });
    let lines = LineStream::new(client.connection(NAME).unwrap(), near).unwrap();
    lines.handshake().unwrap();
    (lines, serving.join().unwrap())
}

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// Runs `word` in another thread, and interrupts it once it is at it.
fn interrupted<R: Send>(
    stream: &LineStream,
    word: impl FnOnce(&LineStream) -> Result<R, WordError> + Send,
) -> WordError {
    thread::scope(|scope| {
        let at_it = scope.spawn(|| word(stream));
        until(|| stream.busy());
        thread::sleep(Duration::from_millis(50)); // for what has been sent to arrive, or not
        stream.interrupt().unwrap();
        match at_it.join().unwrap() {
            Err(e) => e,
            Ok(_) => panic!("the word was done"),
        }
    })
}

fn until(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "it does not come to that");
        thread::sleep(Duration::from_millis(1));
    }
}

fn words_give_what_they_say(backend: &'static dyn Backend) {
    let (stream, mut peer) = connected(backend);
    peer.write_all(b"one\n\ntwo\r\n12345").unwrap();
    assert_eq!(stream.line().unwrap(), b"one\n");
    assert_eq!(stream.line().unwrap(), b"\n");
    assert_eq!(stream.line().unwrap(), b"two\r\n");
    assert_eq!(stream.exact(0).unwrap(), b"");
    assert_eq!(stream.exact(2).unwrap(), b"12");
    assert_eq!(stream.buffered().unwrap(), 3);
    assert_eq!(stream.available().unwrap(), b"345");
    stream.write(b"").unwrap();
    stream.write(b"question\n").unwrap();
    let mut question = [0; 9];
    std::io::Read::read_exact(&mut peer, &mut question).unwrap();
    assert_eq!(&question, b"question\n");
    peer.write_all(&vec![b'x'; 100_000]).unwrap();
    peer.shutdown().unwrap();
    assert_eq!(stream.all().unwrap(), vec![b'x'; 100_000]);
    assert_eq!(stream.all().unwrap(), b"");
    assert!(matches!(stream.available(), Err(WordError::Closed)));
    assert!(!stream.closed(), "writing is still possible");
    assert_eq!(stream.negotiated().unwrap().unwrap().backend, backend.name());
}

fn lines_among_records(backend: &'static dyn Backend) {
    let (stream, mut peer) = connected(backend);
    let long = vec![b'x'; 40_000];
    let sending = thread::spawn(move || {
        for piece in [&b"a"[..], b"b", b"\n", b"c\nd", &long, b"\n", b"e"] {
            peer.write_all(piece).unwrap();
        }
        peer
    });
    assert_eq!(stream.line().unwrap(), b"ab\n");
    assert_eq!(stream.line().unwrap(), b"c\n");
    assert_eq!(stream.line().unwrap().len(), 40_002);
    assert_eq!(stream.exact(1).unwrap(), b"e");
    drop(sending.join().unwrap());
}

fn many_lines_out_of_much(backend: &'static dyn Backend) {
    let (stream, mut peer) = connected(backend);
    let lines = 1 << 17;
    let sending = thread::spawn(move || {
        let text: Vec<u8> = (0..lines).flat_map(|i| format!("{i:07}\n").into_bytes()).collect();
        peer.write_all(&text).unwrap();
        peer
    });
    stream.set_limit(8 * lines - 1).unwrap();
    assert!(matches!(stream.all(), Err(WordError::TooLong { .. })), "all of it is there");
    let begin = Instant::now();
    for i in 0..lines {
        assert_eq!(stream.line().unwrap(), format!("{i:07}\n").as_bytes());
    }
    // To move the rest for each line would be 64 GiB.
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    drop(sending.join().unwrap());
}

fn what_came_stays(backend: &'static dyn Backend) {
    let (stream, mut peer) = connected(backend);
    peer.write_all(b"abc").unwrap();
    peer.shutdown().unwrap();
    assert!(matches!(stream.exact(4), Err(WordError::Closed)));
    assert!(matches!(stream.line(), Err(WordError::Closed)));
    assert_eq!(stream.exact(1).unwrap(), b"a");
    assert_eq!(stream.available().unwrap(), b"bc");
    assert!(matches!(stream.available(), Err(WordError::Closed)));
}

fn a_cut_is_no_end(backend: &'static dyn Backend) {
    let (stream, mut peer) = connected(backend);
    peer.write_all(b"abc").unwrap();
    drop(peer);
    let Err(WordError::Tls(e)) = stream.all() else { panic!("it is cut") };
    assert_eq!(e.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(stream.available().unwrap(), b"abc");
}

fn interrupted_reading_loses_nothing(backend: &'static dyn Backend) {
    let (stream, mut peer) = connected(backend);
    peer.write_all(b"first ").unwrap();
    for e in [
        interrupted(&stream, |stream| stream.exact(1000)),
        interrupted(&stream, LineStream::line),
        interrupted(&stream, LineStream::all),
    ] {
        assert!(matches!(e, WordError::Interrupted { written: 0 }), "{e:?}");
        assert_eq!(e.to_string(), "interrupted");
        peer.write_all(b"more ").unwrap();
    }
    peer.write_all(b"last\n").unwrap();
    assert_eq!(stream.line().unwrap(), b"first more more more last\n");
    let e = interrupted(&stream, LineStream::available);
    assert!(matches!(e, WordError::Interrupted { .. }), "{e:?}");
}

fn interrupted_writing_tells(backend: &'static dyn Backend) {
    let (stream, mut peer) = connected(backend);
    // More than any socket takes.
    let data: Vec<u8> = (0..32_u32 << 20).map(|i| (i % 251) as u8).collect();
    let e = interrupted(&stream, |stream| stream.write(&data));
    let WordError::Interrupted { written } = e else { panic!("{e:?}") };
    assert!(0 < written && written < data.len(), "{written}");
    let expected = data.clone();
    let reading = thread::spawn(move || {
        let mut got = Vec::new();
        std::io::Read::read_to_end(&mut peer, &mut got).unwrap();
        assert!(got == expected);
    });
    stream.write(&data[written..]).unwrap();
    stream.close().unwrap();
    reading.join().unwrap();
}

fn one_thread_at_a_time(backend: &'static dyn Backend) {
    let (stream, mut peer) = connected(backend);
    assert!(!stream.busy() && !stream.interrupter().busy());
    thread::scope(|scope| {
        let at_it = scope.spawn(|| stream.line());
        until(|| stream.busy());
        for word in [stream.exact(1).map(drop), stream.write(b"x"), stream.buffered().map(drop)] {
            assert!(matches!(word, Err(WordError::Busy)), "{word:?}");
        }
        peer.write_all(b"done\n").unwrap();
        assert_eq!(at_it.join().unwrap().unwrap(), b"done\n");
    });
    assert!(!stream.busy());
}

fn a_late_interruption_hits_nobody(backend: &'static dyn Backend) {
    let (stream, mut peer) = connected(backend);
    let interrupter = stream.interrupter();
    assert!(matches!(interrupter.interrupt(), Err(WordError::NotBusy)));
    // Between the end of a word and its thread's return, whoever interrupts is told that there is none.
    for _ in 0..200 {
        peer.write_all(b"\n").unwrap();
        thread::scope(|scope| {
            let word = scope.spawn(|| stream.line());
            let told = interrupter.interrupt();
            match word.join().unwrap() {
                Ok(line) => assert_eq!(line, b"\n"),
                Err(WordError::Interrupted { .. }) => {
                    told.unwrap();
                    assert_eq!(stream.line().unwrap(), b"\n");
                }
                Err(e) => panic!("{e:?}"),
            }
        });
    }
    peer.write_all(b"end\n").unwrap();
    assert_eq!(stream.line().unwrap(), b"end\n");
}

fn a_handshake_can_be_interrupted(backend: &'static dyn Backend) {
    let root = Authority::root("Root of a silent server");
    let config = ClientConfig::builder().roots(root.roots()).build().unwrap();
    let client = Client::new(&config, backend).unwrap();
    let (near, _far) = sockets();
    let stream = LineStream::new(client.connection(NAME).unwrap(), near).unwrap();
    let e = interrupted(&stream, LineStream::line);
    assert!(matches!(e, WordError::Interrupted { .. }), "{e:?}");
    assert!(stream.negotiated().unwrap().is_none());
}

fn closing(backend: &'static dyn Backend) {
    let (stream, mut peer) = connected(backend);
    thread::scope(|scope| {
        let at_it = scope.spawn(|| stream.line());
        until(|| stream.busy());
        stream.close().unwrap();
        let word = at_it.join().unwrap();
        assert!(matches!(word, Err(WordError::Interrupted { .. } | WordError::Closed)), "{word:?}");
    });
    assert!(stream.closed() && stream.interrupter().closed());
    let mut got = Vec::new();
    std::io::Read::read_to_end(&mut peer, &mut got).unwrap();
    assert!(got.is_empty() && peer.close_received());
    let e = stream.close().unwrap_err();
    assert!(matches!(e, WordError::AlreadyClosed), "{e:?}");
    assert_eq!(e.to_string(), "already closed");
    assert!(matches!(stream.line(), Err(WordError::Closed)));
    assert!(matches!(stream.write(b"x"), Err(WordError::Closed)));
    assert!(matches!(stream.interrupt(), Err(WordError::NotBusy)));
}

fn closing_does_not_wait_for_ever(backend: &'static dyn Backend) {
    let (stream, _peer) = connected(backend);
    let data = vec![0; 32 << 20];
    let full = (0..1000).any(|_| {
        let e = interrupted(&stream, |stream| stream.write(&data));
        let WordError::Interrupted { written } = e else { panic!("{e:?}") };
        written == 0
    });
    assert!(full);
    let begin = Instant::now();
    let Err(WordError::Tls(e)) = stream.close() else { panic!("nothing can be sent") };
    assert_eq!(e.kind(), ErrorKind::Timeout);
    assert!(begin.elapsed() < 10 * LineStream::PATIENCE);
    assert!(stream.closed());
}

fn what_has_no_end_is_bounded(backend: &'static dyn Backend) {
    let (stream, mut peer) = connected(backend);
    stream.set_limit(10).unwrap();
    peer.write_all(b"123456789\n").unwrap();
    assert_eq!(stream.line().unwrap(), b"123456789\n");
    peer.write_all(b"1234567890\n").unwrap();
    assert!(matches!(stream.line(), Err(WordError::TooLong { limit: 10 })));
    assert!(matches!(stream.all(), Err(WordError::TooLong { limit: 10 })));
    assert_eq!(stream.exact(11).unwrap(), b"1234567890\n", "it stays, and is no limit to others");
    peer.write_all(b"0123456789").unwrap();
    assert!(matches!(stream.line(), Err(WordError::TooLong { limit: 10 })));
}
