//! The thread that keeps one staple fresh.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use tls_core::ocsp::{OcspError, Outcome, Query, process_response};
use tls_core::pki_types::CertificateDer;
use tls_core::{Backend, Identity, Staple};

use crate::{Due, FetchError, Fetched, Fetcher, News, Pace, Schedule, Served};

/// Keeps the staple of an identity fresh, until it is dropped.
///
/// To drop it stops it at once: the staple stays as it is then, and goes out of date.
#[derive(Debug)]
#[must_use = "to drop it stops it"]
pub struct Keeper {
    stop: Arc<Stop>,
}

/// What a [`Keeper`] reports.
#[derive(Debug)]
#[non_exhaustive]
pub enum Status {
    /// A good response has come, and is served from now on; or the one that is served lasts longer.
    Fresh {
        /// What it says.
        outcome: Outcome,
        /// How long until the next is asked for.
        next: Duration,
    },
    /// A response has come that says that the certificate is revoked or unknown: nothing is served from
    /// now on, for a server that staples "good" to it would lie.
    NotGood {
        /// What it says.
        outcome: Outcome,
        /// How long until the next is asked for.
        next: Duration,
    },
    /// No response that can be believed has come.
    Failed {
        /// Why not.
        error: FetchError,
        /// Whether a good one is still served.
        serving: bool,
        /// How long until the next is asked for.
        next: Duration,
    },
    /// What was served is out of date, or could not be believed from the beginning: nothing is served
    /// until another response comes.
    Emptied,
}

/// Why a staple cannot be kept fresh.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// The identity has no [staple](Identity::with_staple) to replace.
    #[error("the identity has no staple")]
    NoStaple,
    /// The identity's chain ends with its own certificate: nobody could judge a response.
    #[error("the chain has no issuer: the second certificate in it")]
    NoIssuer,
    /// Nobody can be asked: see [`Fetcher::address`] and [`Fetcher::request`].
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// There is no thread to be had.
    #[error("there is no thread to be had")]
    Thread(#[source] io::Error),
}

impl Keeper {
    /// Keeps the staple of `identity` fresh, whose issuer is the second certificate of its chain.
    ///
    /// What it holds already stays there if it can be believed and is good, and is taken away otherwise
    /// before this returns. `report` is called from a thread of the keeper's; a report that is on its
    /// way while the keeper is dropped may still come.
    ///
    /// # Errors
    ///
    /// [`KeepError`], before any thread is started.
    pub fn start(
        identity: &Identity,
        fetcher: Fetcher,
        pace: Pace,
        backend: &'static dyn Backend,
        report: impl FnMut(Status) + Send + 'static,
    ) -> Result<Self, KeepError> {
        let staple = identity.staple().ok_or(KeepError::NoStaple)?.clone();
        let [leaf, issuer, ..] = identity.chain() else { return Err(KeepError::NoIssuer) };
        fetcher.address(leaf)?;
        fetcher
            .request(leaf, issuer)
            .and_then(|request| request.to_der())
            .map_err(FetchError::from)?;
        let stop = Arc::new(Stop::default());
        let mut work = Work {
            backend,
            fetcher,
            issuer: issuer.clone(),
            leaf: leaf.clone(),
            report: Box::new(report),
            schedule: Schedule::new(pace),
            staple,
            stop: Arc::clone(&stop),
        };
        work.adopt();
        let thread = thread::Builder::new().name("staple".to_owned());
        thread.spawn(move || work.run()).map_err(KeepError::Thread)?;
        Ok(Self { stop })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.set();
    }
}

struct Work {
    backend: &'static dyn Backend,
    fetcher: Fetcher,
    issuer: CertificateDer<'static>,
    leaf: CertificateDer<'static>,
    report: Box<dyn FnMut(Status) + Send>,
    schedule: Schedule,
    staple: Staple,
    stop: Arc<Stop>,
}

impl Work {
    /// Takes over what the staple holds already.
    fn adopt(&mut self) {
        let Some(der) = self.staple.get() else { return };
        let query = Query::new(&self.leaf, &self.issuer, self.backend);
        let news = process_response(&der, &query).ok().and_then(|outcome| News::of(&outcome));
        let served = news.map(|news| self.schedule.answered(now(), &news));
        if served != Some(Served::This) {
            self.staple.replace(None);
            (self.report)(Status::Emptied);
        }
    }

    fn run(mut self) {
        while !self.stop.is_set() {
            match self.schedule.due(now()) {
                Some(Due::Ask) => self.ask(),
                Some(Due::Empty) => {
                    self.schedule.emptied();
                    if self.stop.unless_set(|| self.staple.replace(None)) {
                        (self.report)(Status::Emptied);
                    }
                }
                None => {
                    let pause = self.schedule.wakes_at().saturating_sub(now());
                    self.stop.wait(pause.min(LONGEST_SLEEP));
                }
            }
        }
    }

    fn ask(&mut self) {
        let fetched = self.fetcher.fetch(&self.leaf, &self.issuer, self.backend);
        let read = fetched.and_then(|Fetched { der, outcome }| match News::of(&outcome) {
            Some(news) => Ok((der, outcome, news)),
            None => Err(OcspError::Unsuccessful(outcome.response_status()).into()),
        });
        let (status, put) = match read {
            Ok((der, outcome, news)) => {
                let served = self.schedule.answered(now(), &news);
                let next = self.pause();
                match served {
                    Served::This => (Status::Fresh { outcome, next }, Some(Some(der.into()))),
                    Served::AsBefore => (Status::Fresh { outcome, next }, None),
                    Served::Nothing => (Status::NotGood { outcome, next }, Some(None)),
                }
            }
            Err(error) => {
                self.schedule.failed(now(), random());
                let (serving, next) = (self.schedule.serves(), self.pause());
                (Status::Failed { error, serving, next }, None)
            }
        };
        let go_on = self.stop.unless_set(|| {
            if let Some(response) = put {
                self.staple.replace(response);
            }
        });
        if go_on {
            (self.report)(status);
        }
    }

    fn pause(&self) -> Duration {
        self.schedule.asks_at().saturating_sub(now())
    }
}

/// Whether to stop, for a thread that sleeps meanwhile.
#[derive(Default)]
struct Stop {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn set(&self) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn is_set(&self) -> bool {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work`, and says so, unless it is set; it cannot be set meanwhile.
    fn unless_set(&self, work: impl FnOnce()) -> bool {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        if !*set {
            work();
        }
        !*set
    }

    fn wait(&self, most: Duration) {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        // Why it woke up, the caller finds out.
        let _ = self.changed.wait_timeout_while(set, most, |set| !*set);
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.is_set()).finish()
    }
}

/// Since the beginning of 1970. Responses are dated by the clock on the wall, which may be set.
fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Without random numbers all wait equally long: bad manners, and no more.
fn random() -> u32 {
    getrandom::u32().unwrap_or_default()
}

/// So that a clock that was set, or a machine that slept, is noticed soon.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
