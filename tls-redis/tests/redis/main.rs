//! Ticket keys in a real Redis: shared, changed, lost and found again.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

mod server;

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use server::{LIMIT, Redis};
use tls_core::{
    ErrorKind, TicketKeyFollower, TicketKeyNews, TicketKeySet, TicketKeySource, TicketKeys,
};
use tls_redis::RedisTicketKeys;

/// One of the servers of a fleet.
struct Member {
    keys: TicketKeys,
    news: Receiver<TicketKeyNews>,
    _following: TicketKeyFollower,
}

impl Member {
    fn follow(url: &str) -> Self {
        let keys = TicketKeys::given(Duration::from_secs(3600)).unwrap();
        let source = RedisTicketKeys::new(url, keys.lifetime()).unwrap();
        let (report, news) = channel();
        let following = keys.follow(source, move |news| drop(report.send(news))).unwrap();
        Self { keys, news, _following: following }
    }

    /// The name of the key it encrypts with.
    fn newest(&self) -> Option<[u8; 16]> {
        self.keys.newest().map(|key| *key.name())
    }

    fn reads(&self, name: &[u8]) -> bool {
        self.keys.find(name).is_some()
    }

    /// Waits for keys of at least this revision.
    fn wait_for(&self, wanted: u32) {
        loop {
            match self.news.recv_timeout(LIMIT).unwrap() {
                TicketKeyNews::Replaced { revision } if revision >= wanted => return,
                _ => {}
            }
        }
    }

    fn wait_for_failure(&self) -> tls_core::Error {
        loop {
            if let TicketKeyNews::Failed(e) = self.news.recv_timeout(LIMIT).unwrap() {
                return e;
            }
        }
    }
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_fleet_has_the_same_keys_while_they_change() {
    let redis = Redis::start(&[]);
    let fleet = [(); 3].map(|()| Member::follow(&redis.url("?rotate=2")));
    wait_until("all have a key", || fleet.iter().all(|one| one.newest().is_some()));
    let begin = Instant::now();
    let mut seen = Vec::new();
    while begin.elapsed() < Duration::from_secs(9) {
        for one in &fleet {
            let newest = one.newest().unwrap();
            if !seen.contains(&newest) {
                seen.push(newest);
            }
            // Whatever one encrypts with now, all can read.
            for other in &fleet {
                assert!(other.reads(&newest), "after {:?}", begin.elapsed());
            }
        }
        thread::sleep(Duration::from_millis(3));
    }
    // One in two seconds, by one of the three, however many they are; the second waits for the third.
    assert!((2..=5).contains(&seen.len()), "{} keys in 9 s", seen.len());
    let left: i64 = redis.ask(&["PTTL", "polytls:ticket-keys"]).parse().unwrap();
    assert!((1..=16_000).contains(&left), "they do not stay for ever: {left}");
}

#[test]
fn without_redis_the_keys_stay_and_it_is_told_them_when_it_is_back() {
    let mut redis = Redis::start(&[]);
    let fleet = [(); 2].map(|()| Member::follow(&redis.url("?rotate=1")));
    fleet.iter().for_each(|one| one.wait_for(4));
    redis.kill();
    for one in &fleet {
        let e = one.wait_for_failure();
        assert!(matches!(e.kind(), ErrorKind::Io(_)), "{e:?}");
    }
    wait_until("both have the same", || fleet[0].newest() == fleet[1].newest());
    let before = fleet[0].newest().unwrap();
    thread::sleep(Duration::from_secs(2));
    assert_eq!(fleet[0].newest().unwrap(), before, "nobody else could know another");
    redis.restart();
    for one in &fleet {
        one.wait_for(5);
        assert!(one.reads(&before), "it did not begin anew");
    }
    // A server that was not there has them too, of the same line.
    let late = Member::follow(&redis.url("?rotate=1"));
    assert!(late.reads(&before));
}

#[test]
fn a_redis_with_an_older_memory_is_told_what_is_known() {
    let redis = Redis::start(&[]);
    let url = redis.url("?rotate=1000&key=old");
    let mut source = RedisTicketKeys::new(&url, LIMIT).unwrap();
    let first = source.keys().unwrap().unwrap();
    let second = first.rotated().unwrap();
    redis.ask(&["SET", "old", &second.to_text()]);
    assert_eq!(source.keys().unwrap().unwrap(), second);
    redis.ask(&["SET", "old", &first.to_text()]);
    assert_eq!(source.keys().unwrap(), None, "they are older than its own");
    let text = redis.ask(&["GET", "old"]);
    assert_eq!(TicketKeySet::parse(&format!("{text}\n")).unwrap(), second);
    // It is nobody's turn before the time has come.
    assert_eq!(source.keys().unwrap(), None);
    redis.ask(&["DEL", "old:turn"]);
    assert_eq!(source.keys().unwrap().unwrap().revision(), 3);
}

#[test]
fn what_is_no_key_is_said_to_be_so_and_left_alone() {
    let redis = Redis::start(&[]);
    redis.ask(&["SET", "polytls:ticket-keys", "hello"]);
    redis.ask(&["RPUSH", "list", "hello"]);
    redis.ask(&["SETRANGE", "long", "1000000", "x"]);
    for (key, why) in [
        ("polytls:ticket-keys", "the key 'polytls:ticket-keys' holds no ticket keys"),
        ("list", "refuses a command (WRONGTYPE)"),
        ("long", "the key 'long' holds no ticket keys"),
    ] {
        let url = redis.url(&format!("?key={key}"));
        let mut source = RedisTicketKeys::new(&url, LIMIT).unwrap();
        for _ in 0..2 {
            let e = source.keys().unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Config);
            assert!(e.to_string().contains(why), "{e}, not {why}");
        }
    }
    assert_eq!(redis.ask(&["GET", "polytls:ticket-keys"]), "hello");
}

#[test]
fn a_password_is_asked_for_and_never_shown() {
    let redis = Redis::start(&["--requirepass", "s@crat"]);
    let port = redis.port;
    for (user, works) in [("", false), (":wr0ng@", false), (":s%40crat@", true)] {
        let url = format!("redis://{user}127.0.0.1:{port}");
        let mut source = RedisTicketKeys::new(&url, LIMIT).unwrap();
        match source.keys() {
            Ok(set) => assert!(works && set.is_some(), "{user}"),
            Err(e) => {
                assert!(!works, "{e:?}");
                assert_eq!(e.kind(), ErrorKind::Config, "{e:?}");
                let shown = format!("{e} {e:?} {source:?}");
                assert!(!shown.contains("wr0ng") && !shown.contains("crat"), "{shown}");
            }
        }
    }
}

#[test]
fn no_more_rights_are_needed_than_the_manual_names() {
    let redis = Redis::start(&[]);
    let rights = "~polytls:ticket-keys* +getrange +set +watch +unwatch +multi +exec +select";
    let rights = rights.split(' ').collect::<Vec<_>>();
    let made = redis.ask(&[&["ACL", "SETUSER", "tls", "on", ">pass"], &rights[..]].concat());
    assert_eq!(made, "OK");
    let url = format!("redis://tls:pass@127.0.0.1:{}/0?rotate=1", redis.port);
    let one = Member::follow(&url);
    one.wait_for(3);
}

#[test]
fn a_unix_socket_will_do() {
    let redis = Redis::start(&["--unixsocket", "socket"]);
    let url = format!("redis+unix://{}?key=k", redis.socket());
    let mut source = RedisTicketKeys::new(&url, LIMIT).unwrap();
    assert_eq!(source.keys().unwrap().unwrap().revision(), 1);
    assert_eq!(redis.ask(&["EXISTS", "k"]), "1");
}

#[test]
fn a_redis_that_does_not_answer_is_not_waited_for() {
    let redis = Redis::start(&[]);
    let mut source = RedisTicketKeys::new(&redis.url(""), LIMIT).unwrap();
    assert!(source.keys().unwrap().is_some());
    redis.signal("STOP");
    // Once on the connection that is there, once on a new one.
    for _ in 0..2 {
        let begin = Instant::now();
        let e = source.keys().unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Timeout, "{e:?}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
        assert!(source.pause() < LIMIT);
    }
    redis.signal("CONT");
    wait_until("it works again", || source.keys().is_ok());
}

#[test]
fn a_server_begins_without_redis_and_has_keys_once_it_is_there() {
    let mut redis = Redis::start(&[]);
    redis.kill();
    let one = Member::follow(&redis.url("?rotate=2"));
    assert!(one.newest().is_none());
    one.wait_for_failure();
    redis.restart();
    one.wait_for(1);
    assert!(one.newest().is_some());
}
