//! What each protocol says, what it takes, and what it refuses, without a socket.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests

mod transcripts;

use tls_starttls::{ErrorKind, MAX_LINE, MAX_TOTAL, Negotiation, Protocol, Stage, Starttls};

use crate::transcripts::{GOOD, Good, REFUSED};

pub(crate) fn begin(protocol: Protocol) -> Negotiation {
    Starttls::new(protocol).name("example.org").begin().unwrap()
}

/// How a conversation ended, but for what the peer said.
type End = Result<bool, (Stage, ErrorKind)>;

/// Lets a server say its turns, cut into pieces of at most so many bytes; answers go out between turns.
fn converse(protocol: Protocol, turns: &[&[u8]], most: usize) -> (End, Vec<u8>) {
    let mut negotiation = begin(protocol);
    let mut said = Vec::new();
    let mut say = |negotiation: &mut Negotiation| {
        said.extend_from_slice(negotiation.to_send());
        negotiation.sent(negotiation.to_send().len());
    };
    say(&mut negotiation);
    for turn in turns {
        for piece in turn.chunks(most) {
            if let Err(e) = negotiation.receive(piece) {
                assert_eq!(
                    negotiation.receive(piece),
                    Err(e.clone()),
                    "the first error is the last"
                );
                assert_eq!(negotiation.end(), Err(e.clone()));
                assert!(negotiation.to_send().is_empty() && !negotiation.is_done());
                assert_eq!(e.protocol(), protocol);
                return (Err((e.stage(), e.kind())), said);
            }
        }
        say(&mut negotiation);
    }
    (Ok(negotiation.is_done()), said)
}

#[test]
fn every_protocol_comes_to_its_go_ahead_however_bytes_are_cut() {
    for protocol in Protocol::ALL {
        assert!(GOOD.iter().any(|good| good.protocol == *protocol), "{protocol}");
    }
    for Good { protocol, server, client } in GOOD {
        for most in [1, 2, 3, 7, 50, usize::MAX] {
            let (end, said) = converse(*protocol, server, most);
            assert_eq!(end, Ok(true), "{protocol}, {most}: {server:?}");
            assert_eq!(said.escape_ascii().to_string(), client.escape_ascii().to_string());
        }
    }
}

#[test]
fn a_conversation_that_is_not_over_is_not_done() {
    for Good { protocol, server, .. } in GOOD {
        let all = server.concat();
        for stop in 0..all.len() {
            let mut negotiation = begin(*protocol);
            for byte in &all[..stop] {
                negotiation.sent(usize::MAX);
                negotiation.receive(&[*byte]).unwrap();
            }
            assert!(!negotiation.is_done() && negotiation.agreed().is_none(), "{protocol}, {stop}");
            assert_eq!(negotiation.end().unwrap_err().kind(), ErrorKind::Ended);
        }
    }
}

#[test]
fn what_servers_refuse_with_is_told_by_stage_and_kind() {
    for (protocol, server, stage, kind) in REFUSED {
        for most in [1, usize::MAX] {
            let (end, _) = converse(*protocol, server, most);
            let shown: Vec<_> = server.iter().map(|turn| turn.escape_ascii().to_string()).collect();
            assert_eq!(end, Err((*stage, *kind)), "{protocol}, {most}: {shown:?}");
        }
    }
}

#[test]
fn a_byte_after_the_go_ahead_is_refused_in_every_protocol() {
    for Good { protocol, server, .. } in GOOD {
        let (last, before) = server.split_last().unwrap();
        for injected in [&b"\n"[..], b" ", b"250 injected\r\n", b"\x16\x03\x03\x00\x01", b"\x00"] {
            let both = [last, injected].concat();
            let turns = [before, &[&both[..]]].concat();
            for most in [1, usize::MAX] {
                let (end, _) = converse(*protocol, &turns, most);
                let expected = Err((Stage::Upgrade, ErrorKind::Injected));
                assert_eq!(end, expected, "{protocol}, {most}: {injected:?}");
            }
            // The same in a piece of its own.
            let turns = [*server, &[injected]].concat();
            let (end, _) = converse(*protocol, &turns, usize::MAX);
            assert_eq!(end, Err((Stage::Upgrade, ErrorKind::Injected)), "{protocol}");
        }
    }
}

#[test]
fn an_answer_before_its_question_is_refused() {
    for Good { protocol, server, .. } in GOOD {
        if server.len() < 2 {
            continue; // who only answers has no question to be ahead of
        }
        for most in [1, usize::MAX] {
            let (end, _) = converse(*protocol, &[&server.concat()], most);
            let (_, kind) = end.unwrap_err();
            assert_eq!(kind, ErrorKind::Injected, "{protocol}, {most}");
        }
    }
}

#[test]
fn nobody_has_to_hear_more_than_the_bounds() {
    for Good { protocol, server, .. } in GOOD {
        for filler in [b"a", b"<", b" ", b"\"", b"\xff", b"0"].map(|byte| byte.repeat(61)) {
            for turns in 0..server.len() {
                let mut negotiation = begin(*protocol);
                for turn in &server[..turns] {
                    negotiation.sent(usize::MAX);
                    negotiation.receive(turn).unwrap();
                }
                negotiation.sent(usize::MAX);
                let mut heard = 0;
                while negotiation.receive(&filler).is_ok() {
                    heard += filler.len();
                    assert!(heard <= MAX_TOTAL, "{protocol}");
                }
            }
        }
    }
    // Lines without an end, one after the other.
    let mut negotiation = begin(Protocol::Smtp);
    let line = [b"220-", &vec![b'a'; MAX_LINE - 6][..], b"\r\n"].concat();
    let e = (0..).find_map(|_| negotiation.receive(&line).err()).unwrap();
    assert_eq!(e.kind(), ErrorKind::TooLong);
}

#[test]
fn a_name_that_cannot_be_said_is_refused_before_anything_is() {
    let long = "a".repeat(2000);
    for protocol in [Protocol::Smtp, Protocol::Lmtp, Protocol::Xmpp, Protocol::XmppServer] {
        for bad in ["", "a b", "a\r\nRSET", "a\0", "a\u{85}b", &long] {
            let e = Starttls::new(protocol).name(bad).begin().unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Config, "{protocol} {bad:?}");
        }
    }
    for bad in ["a'b", "a<b", "a>b", "a&b", "a\"b"] {
        assert!(Starttls::new(Protocol::Xmpp).name(bad).begin().is_err());
    }
    assert!(Starttls::new(Protocol::Smtp).name("bücher.example").begin().is_err());
    assert!(Starttls::new(Protocol::Xmpp).name("bücher.example").begin().is_ok());
    assert!(Starttls::new(Protocol::Smtp).begin().is_ok());
    assert_eq!(Starttls::new(Protocol::Xmpp).begin().unwrap_err().kind(), ErrorKind::Config);
    // Where no name is said, none can be wrong.
    assert!(Starttls::new(Protocol::Imap).name("a b").begin().is_ok());
}

#[test]
fn mysql_leaves_the_handshake_to_the_program() {
    let good = GOOD.iter().find(|good| good.protocol == Protocol::Mysql).unwrap();
    let mut negotiation = begin(Protocol::Mysql);
    negotiation.receive(good.server[0]).unwrap();
    assert_eq!(negotiation.agreed(), None, "the request is not sent yet");
    negotiation.sent(36);
    let agreed = negotiation.agreed().unwrap();
    assert_eq!(agreed.mysql_handshake.as_deref(), Some(&good.server[0][4..]));
}

/// Whatever comes, in whatever pieces: no panic, an end, and the same one.
#[test]
fn junk_is_refused_the_same_however_it_is_cut() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |limit: usize| {
        random ^= random >> 12;
        random ^= random << 25;
        random ^= random >> 27;
        (random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    };
    let (mut done, mut refused) = (0, 0);
    for round in 0..8_000 {
        let good = &GOOD[round % GOOD.len()];
        let mut turns: Vec<Vec<u8>> = good.server.iter().map(|turn| turn.to_vec()).collect();
        for _ in 0..=below(3) {
            let turn = below(turns.len());
            let turn = &mut turns[turn];
            let at = below(turn.len() + 1);
            match below(6) {
                0 => turn.insert(at, below(256) as u8),
                1 if at < turn.len() => turn[at] = below(256) as u8,
                2 if at < turn.len() => turn[at] ^= 1 << below(8),
                3 if at < turn.len() => drop(turn.remove(at)),
                4 => turn.truncate(at),
                _ => {
                    let other = GOOD[below(GOOD.len())].server;
                    let other = other[below(other.len())];
                    let from = below(other.len());
                    turn.splice(at..at, other[from..].iter().copied());
                }
            }
        }
        let turns: Vec<&[u8]> = turns.iter().map(Vec::as_slice).collect();
        let whole = converse(good.protocol, &turns, usize::MAX);
        for most in [1, 1 + below(9)] {
            let cut = converse(good.protocol, &turns, most);
            assert_eq!(cut, whole, "{} in pieces of {most}: {turns:?}", good.protocol);
        }
        match whole.0 {
            Ok(_) => done += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(done > 200 && refused > 2000, "{done} and {refused}");
}
