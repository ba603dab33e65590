//! What a keeper serves, and when.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use tls_core::ocsp::{CertStatus, OcspError};
use tls_core::{Identity, Staple};
use tls_staple::{FetchError, Fetcher, KeepError, Keeper, Pace, Status};
use x509_ocsp::{CertStatus as Said, OcspResponseStatus};

use crate::BACKEND;
use crate::responder::{Authority, Habit, OK, Responder};

/// Nothing here takes as long, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

struct Kept {
    keeper: Keeper,
    reports: Receiver<Status>,
    staple: Staple,
}

impl Kept {
    fn start(identity: &Identity) -> Self {
        let (send, reports) = channel();
        let pace = Pace {
            shortest: Duration::from_millis(50),
            longest: Duration::from_millis(200),
            ..Pace::default()
        };
        let report = move |status| drop(send.send(status));
        let keeper = Keeper::start(identity, Fetcher::new(), pace, &BACKEND, report).unwrap();
        Self { keeper, reports, staple: identity.staple().unwrap().clone() }
    }

    fn report(&self) -> Status {
        self.reports.recv_timeout(LIMIT).expect("a report in time")
    }

    /// The next report that `wanted` takes.
    fn wait_for(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        let deadline = Instant::now() + LIMIT;
        loop {
            let status = self.report();
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "{status:?}");
        }
    }
}

fn is_fresh(status: &Status) -> bool {
    matches!(status, Status::Fresh { .. })
}

#[test]
fn a_good_response_is_served_and_replaced_at_half_life() {
    let responder = Responder::start(Authority::new(), Habit::good(0, 4));
    let kept = Kept::start(&responder.identity());
    let begun = Instant::now();
    let Status::Fresh { outcome, next } = kept.report() else { panic!("fresh") };
    assert_eq!(outcome.cert_status(), Some(CertStatus::Good));
    assert!(next <= Duration::from_secs(2), "{next:?}");
    let first = kept.staple.get().unwrap();
    assert!(is_fresh(&kept.report()));
    assert!(begun.elapsed() > Duration::from_millis(900), "not before half life");
    assert_ne!(kept.staple.get().unwrap(), first);
}

#[test]
fn the_last_good_one_is_served_while_the_responder_fails_until_it_is_over() {
    let responder = Responder::start(Authority::new(), Habit::good(0, 3));
    let kept = Kept::start(&responder.identity());
    assert!(is_fresh(&kept.report()));
    let good = kept.staple.get();
    responder.set(Habit::Refuses(OcspResponseStatus::InternalError));
    let Status::Failed { error, serving: true, .. } = kept.report() else { panic!("failed") };
    assert!(matches!(error, FetchError::Ocsp(OcspError::Unsuccessful(_))), "{error}");
    assert_eq!(kept.staple.get(), good);
    kept.wait_for(|status| matches!(status, Status::Emptied));
    assert_eq!(kept.staple.get(), None);
    kept.wait_for(|status| matches!(status, Status::Failed { serving: false, .. }));
    responder.set(Habit::good(0, 100));
    kept.wait_for(is_fresh);
    assert!(kept.staple.get().is_some_and(|now| Some(now) != good));
}

#[test]
fn nothing_is_served_that_was_not_checked() {
    let forged = Responder::start(Authority::new(), Habit::Forges);
    let junk = Responder::start(Authority::new(), Habit::Raw(OK, b"junk".to_vec()));
    let revoked = Responder::start(Authority::new(), Habit::revoked());
    let unknown = Habit::Says { status: Said::unknown(), ago: 0, left: 100 };
    let unknown = Responder::start(Authority::new(), unknown);
    for (responder, failed) in [(forged, true), (junk, true), (revoked, false), (unknown, false)] {
        let kept = Kept::start(&responder.identity());
        match kept.report() {
            Status::Failed { serving: false, .. } => assert!(failed),
            Status::NotGood { outcome, .. } => {
                assert!(!failed && outcome.cert_status() != Some(CertStatus::Good));
            }
            status => panic!("{status:?}"),
        }
        assert_eq!(kept.staple.get(), None);
    }
}

#[test]
fn a_revocation_takes_the_good_one_away() {
    let responder = Responder::start(Authority::new(), Habit::good(0, 2));
    let kept = Kept::start(&responder.identity());
    assert!(is_fresh(&kept.report()));
    responder.set(Habit::revoked());
    assert!(matches!(kept.report(), Status::NotGood { .. }));
    assert_eq!(kept.staple.get(), None);
}

#[test]
fn what_is_there_already_is_kept_if_it_is_good() {
    let responder = Responder::start(Authority::new(), Habit::good(0, 100));
    let identity = responder.identity();
    let fetched = Fetcher::new().fetch(identity.leaf(), &identity.chain()[1], &BACKEND).unwrap();
    let held = Arc::<[u8]>::from(fetched.der);
    let staple = identity.staple().unwrap();
    staple.replace(Some(held.clone()));
    let kept = Kept::start(&identity);
    let quiet = kept.reports.recv_timeout(Duration::from_millis(300));
    assert!(matches!(quiet, Err(RecvTimeoutError::Timeout)), "{quiet:?}");
    assert_eq!(responder.requests().len(), 1, "it does not ask before half of its life");
    assert_eq!(staple.get(), Some(held));

    drop(kept);
    staple.replace(Some(b"junk"[..].into()));
    responder.set(Habit::Sleeps);
    let kept = Kept::start(&identity);
    assert_eq!(staple.get(), None, "taken away before it can be served");
    assert!(matches!(kept.report(), Status::Emptied));
}

#[test]
fn it_stops_when_it_is_dropped() {
    let responder =
        Responder::start(Authority::new(), Habit::Refuses(OcspResponseStatus::TryLater));
    let kept = Kept::start(&responder.identity());
    kept.report();
    drop(kept.keeper);
    // The thread has ended when nobody is left who could report.
    loop {
        match kept.reports.recv_timeout(LIMIT) {
            Ok(_) => {} // it was on its way
            Err(e) => break assert_eq!(e, RecvTimeoutError::Disconnected),
        }
    }
    let asked = responder.requests().len();
    responder.set(Habit::good(0, 100));
    thread::sleep(Duration::from_millis(300));
    assert_eq!((responder.requests().len(), kept.staple.get()), (asked, None));
}

#[test]
fn what_cannot_be_kept_is_refused_before_anything_begins() {
    let authority = Authority::new();
    let start = |identity: &Identity| {
        let report = |status| panic!("{status:?}");
        Keeper::start(identity, Fetcher::new(), Pace::default(), &BACKEND, report).unwrap_err()
    };
    let identity = authority.identity(None);
    let is_no_url = |e| matches!(e, KeepError::Fetch(FetchError::NoUrl));
    assert!(is_no_url(start(&identity)));
    let key = identity.key().unwrap();
    let alone = |chain: &[_]| Identity::from_der(chain.to_vec(), key.secret_der()).unwrap();
    assert!(matches!(start(&alone(identity.chain())), KeepError::NoStaple));
    let no_issuer = alone(&identity.chain()[..1]).with_staple(Staple::empty());
    assert!(matches!(start(&no_issuer), KeepError::NoIssuer));
    let url = authority.identity(Some("http://127.0.0.1:1/"));
    let own = [url.leaf().clone(), url.leaf().clone()];
    let wrong = Identity::from_der(own, url.key().unwrap().secret_der()).unwrap();
    let e = start(&wrong.with_staple(Staple::empty()));
    assert!(matches!(e, KeepError::Fetch(FetchError::Ocsp(OcspError::NotItsIssuer))), "{e}");
}
