//! What is said inside of TLS, to see that the protocol goes on there.

use std::io::Read;
use std::net::TcpStream;

use tls_starttls::Protocol;

use crate::fixture::NAME;
use crate::ours::{Tls, send};

/// Has a short conversation, up to a goodbye where the protocol has one.
pub(crate) fn in_tls(protocol: Protocol, tls: &mut Tls) {
    match protocol {
        Protocol::Smtp => {
            let capabilities = ask(tls, "EHLO me.test\r\n", "\r\n250 ");
            assert!(!capabilities.contains("STARTTLS"), "{capabilities}");
            ask(tls, "MAIL FROM:<a@me.test>\r\n", "250 ");
            ask(tls, "RCPT TO:<b@example.test>\r\n", "250 ");
            ask(tls, "DATA\r\n", "354 ");
            ask(tls, "Subject: x\r\n\r\nIn TLS.\r\n.\r\n", "250 OK id=");
            ask(tls, "QUIT\r\n", "221 ");
        }
        Protocol::Lmtp => {
            let capabilities = ask(tls, "LHLO me.test\r\n", "\r\n250 ");
            assert!(!capabilities.contains("STARTTLS"), "{capabilities}");
            ask(tls, "QUIT\r\n", "221 ");
        }
        Protocol::Imap => {
            let capabilities = ask(tls, "a CAPABILITY\r\n", "a OK ");
            assert!(!capabilities.contains("STARTTLS"), "{capabilities}");
            ask(tls, "b LOGOUT\r\n", "b OK ");
        }
        Protocol::Pop3 => {
            let capabilities = ask(tls, "CAPA\r\n", "\r\n.\r\n");
            assert!(!capabilities.contains("STLS"), "{capabilities}");
            ask(tls, "QUIT\r\n", "+OK");
        }
        Protocol::Sieve => {
            // The capabilities come again, unasked for (RFC 5804 §2.2).
            let capabilities = ask(tls, "", "\r\nOK ");
            assert!(!capabilities.contains("STARTTLS"), "{capabilities}");
            ask(tls, "LOGOUT\r\n", "OK ");
        }
        Protocol::Ftp => {
            ask(tls, "USER anonymous\r\n", "331 ");
            ask(tls, "QUIT\r\n", "221 ");
        }
        Protocol::Xmpp | Protocol::XmppServer => {
            let space = if protocol == Protocol::Xmpp { "client" } else { "server" };
            let header = format!(
                "<stream:stream xmlns='jabber:{space}' to='{NAME}' version='1.0' \
                 xmlns:stream='http://etherx.jabber.org/streams'>"
            );
            let features = ask(tls, &header, "features");
            assert!(!features.contains("<starttls"), "{features}");
        }
        Protocol::Ldap => {
            // An anonymous bind, and its success.
            send(tls, b"\x30\x0c\x02\x01\x02\x60\x07\x02\x01\x03\x04\x00\x80\x00");
            let mut answer = [0; 14];
            tls.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00");
        }
        Protocol::Mysql => {
            // The same as was said in clear, number 2, with a user and no password; and an OK.
            let mut login = b"\0\x8a\x08\0\0\0\0\x01\x2d".to_vec();
            login.resize(32, 0);
            login.extend(b"root\0\0mysql_native_password\0");
            let length = u8::try_from(login.len()).unwrap();
            send(tls, &[&[length, 0, 0, 2][..], &login].concat());
            let mut answer = [0; 5];
            tls.read_exact(&mut answer).unwrap();
            assert_eq!(answer[3..], [3, 0]);
        }
        other => panic!("nothing to say in {other}"),
    }
}

/// Sends `question`, and reads until `expected` has come, at the latest after a line or a tag.
fn ask(tls: &mut Tls, question: &str, expected: &str) -> String {
    send(tls, question.as_bytes());
    let (mut answer, mut buf) = (Vec::new(), [0; 1000]);
    loop {
        let text = String::from_utf8_lossy(&answer);
        if text.contains(expected) && text.ends_with(['\n', '>']) {
            return text.into_owned();
        }
        let n = tls.read(&mut buf).unwrap_or_else(|e| panic!("{question}: {e}: {text}"));
        assert!(n > 0, "{question}: {text}");
        answer.extend_from_slice(&buf[..n]);
    }
}

/// Reads a line in clear, and what came with it.
pub(crate) fn line_in_clear(tcp: &mut TcpStream) -> (String, Vec<u8>) {
    let (mut read, mut buf) = (Vec::new(), [0; 1000]);
    loop {
        if let Some(end) = read.iter().position(|byte| *byte == b'\n') {
            let rest = read.split_off(end + 1);
            return (String::from_utf8(read).unwrap(), rest);
        }
        let n = tcp.read(&mut buf).unwrap();
        assert!(n > 0, "it is gone");
        read.extend_from_slice(&buf[..n]);
    }
}
