//! Two sockets of this machine, with the kernel's TLS where it is, and as they ever were where not.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // tests

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use tls_kernel::{
    Direction, Fault, Keys, Suite, Version, attach, receive_record, send_file, send_record,
    set_keys, support,
};

const ALL: [(Version, Suite); 6] = [
    (Version::Tls12, Suite::Aes128Gcm),
    (Version::Tls12, Suite::Aes256Gcm),
    (Version::Tls12, Suite::Chacha20Poly1305),
    (Version::Tls13, Suite::Aes128Gcm),
    (Version::Tls13, Suite::Aes256Gcm),
    (Version::Tls13, Suite::Chacha20Poly1305),
];

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let other = listener.accept().unwrap().0;
    for socket in [&one, &other] {
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    }
    (one, other)
}

fn set(socket: &TcpStream, direction: Direction, what: (Version, Suite), fill: u8) {
    let (version, suite) = what;
    let key = vec![fill; suite.key_len()];
    let keys = Keys { version, suite, key: &key, iv: &[fill; 12], sequence: 7 };
    set_keys(socket.as_fd(), direction, &keys).unwrap();
}

/// Two sockets, the first of which sends to the second under keys; none where there is no kernel TLS.
fn keyed(what: (Version, Suite)) -> Option<(TcpStream, TcpStream)> {
    let (one, other) = sockets();
    if let Err(kind) = support() {
        let e = attach(one.as_fd()).unwrap_err();
        assert_eq!(e.kind(), kind);
        assert!(std::env::var_os("KTLS_REQUIRED").is_none(), "no kernel TLS: {e}");
        return None;
    }
    assert!(support().unwrap().knows(what.0, what.1), "{what:?}");
    attach(one.as_fd()).unwrap();
    attach(other.as_fd()).unwrap();
    assert_eq!(attach(one.as_fd()).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    set(&one, Direction::Send, what, 1);
    set(&other, Direction::Receive, what, 1);
    Some((one, other))
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn receive(socket: &TcpStream) -> (Option<u8>, Vec<u8>) {
    let mut buf = [0; 32];
    let (kind, n) = receive_record(socket.as_fd(), &mut buf).unwrap();
    (kind, buf[..n].to_vec())
}

#[test]
fn records_of_each_type_arrive_as_they_were_sent() {
    for what in ALL {
        let Some((one, other)) = keyed(what) else { continue };
        assert_eq!(send_record(one.as_fd(), 23, b"data").unwrap(), 4);
        assert_eq!(send_record(one.as_fd(), 21, &[1, 0]).unwrap(), 2);
        assert_eq!(send_file(one.as_fd(), &file(b"0123456789"), 3, 5).unwrap(), 5);
        drop(one);
        assert_eq!(receive(&other), (Some(23), b"data".to_vec()), "{what:?}");
        assert_eq!(receive(&other), (Some(21), vec![1, 0]), "{what:?}");
        assert_eq!(receive(&other), (Some(23), b"34567".to_vec()), "{what:?}");
        assert_eq!(receive(&other), (None, Vec::new()), "{what:?}");
    }
}

#[test]
fn what_is_on_the_way_is_not_what_was_written() {
    let Some((one, _)) = keyed(ALL[3]) else { return };
    // The other end without keys sees the records.
    let (bare, mut seen) = sockets();
    attach(bare.as_fd()).unwrap();
    set(&bare, Direction::Send, ALL[3], 1);
    drop(one);
    send_record(bare.as_fd(), 23, b"not to be seen").unwrap();
    drop(bare);
    let mut bytes = Vec::new();
    seen.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes[..5], [23, 3, 3, 0, 14 + 1 + 16]);
    assert!(!bytes.windows(3).any(|part| part == b"not"));
}

#[test]
fn a_record_that_does_not_decrypt_says_so() {
    for what in ALL {
        let Some((_, _)) = keyed(what) else { continue };
        let (mut one, other) = sockets();
        attach(other.as_fd()).unwrap();
        set(&other, Direction::Receive, what, 1);
        one.write_all(&[23, 3, 3, 0, 40]).unwrap();
        one.write_all(&[9; 40]).unwrap();
        let e = receive_record(other.as_fd(), &mut [0; 64]).unwrap_err();
        assert_eq!(Fault::of(&e), Some(Fault::BadRecord), "{e}");
    }
}

#[test]
fn keys_are_set_again_where_the_kernel_can() {
    let Some((one, other)) = keyed(ALL[4]) else { return };
    let suite = ALL[4].1;
    let keys = Keys {
        version: Version::Tls13,
        suite,
        key: &vec![2; suite.key_len()],
        iv: &[2; 12],
        sequence: 0,
    };
    let again = set_keys(one.as_fd(), Direction::Send, &keys);
    assert_eq!(again.is_ok(), support().unwrap().rekeys(), "{again:?}");
    if again.is_ok() {
        set_keys(other.as_fd(), Direction::Receive, &keys).unwrap();
        send_record(one.as_fd(), 23, b"new").unwrap();
        assert_eq!(receive(&other), (Some(23), b"new".to_vec()));
    }
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let (one, _other) = sockets();
    let keys = Keys {
        version: Version::Tls13,
        suite: Suite::Aes256Gcm,
        key: &[0; 16],
        iv: &[0; 12],
        sequence: 0,
    };
    let e = set_keys(one.as_fd(), Direction::Send, &keys).unwrap_err();
    assert_eq!(e.kind(), io::ErrorKind::InvalidInput);
    // Without the kernel's TLS in its place, and the socket is as it was.
    let keys = Keys { key: &[0; 32], ..keys };
    set_keys(one.as_fd(), Direction::Send, &keys).unwrap_err();
}

#[test]
fn a_socket_that_nobody_attached_is_as_good_as_before() {
    let (one, other) = sockets();
    if support().is_err() {
        attach(one.as_fd()).unwrap_err();
    }
    let sent = file(b"0123456789");
    assert_eq!(send_record(one.as_fd(), 23, b"a").unwrap(), 1);
    assert_eq!(receive(&other), (None, b"a".to_vec()));
    assert_eq!(send_record(one.as_fd(), 22, b"b").unwrap(), 1);
    assert_eq!(receive(&other), (None, b"b".to_vec()));
    assert_eq!(send_file(one.as_fd(), &sent, 8, 100).unwrap(), 2);
    assert_eq!(receive(&other), (None, b"89".to_vec()));
    assert_eq!((&sent).stream_position().unwrap(), 10, "where the writing left it");
}

#[test]
fn what_cannot_be_sent_is_an_error_or_nothing() {
    let (one, other) = sockets();
    assert_eq!(send_file(one.as_fd(), &file(b"abc"), 3, 10).unwrap(), 0, "at its end");
    assert_eq!(send_file(one.as_fd(), &file(b"abc"), 1 << 40, 10).unwrap(), 0, "beyond it");
    let e = send_file(one.as_fd(), &file(b"abc"), u64::MAX, 10).unwrap_err();
    assert_eq!(e.kind(), io::ErrorKind::InvalidInput);
    drop(other);
    let gone = (0..1000).find_map(|_| send_record(one.as_fd(), 23, &[0; 65536]).err()).unwrap();
    let expected = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
    assert!(expected.contains(&gone.kind()), "{gone}");
}
