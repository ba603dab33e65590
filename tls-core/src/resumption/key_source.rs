//! Where the ticket keys of a fleet come from.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{TicketKeySet, TicketKeys};
use crate::{Error, ErrorKind, Result};

/// A place that the servers of a fleet have their ticket keys from.
///
/// It is asked on a thread of its own, so it may wait for a file or for the network, though for a bounded
/// time; handshakes never wait for it.
pub trait TicketKeySource: fmt::Debug + Send {
    /// Gives the keys as they are now; `None` if they are as they were when it last gave some.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from that, in words that tell no secret. The keys that were given before stay in
    /// place, and it is asked again.
    fn keys(&mut self) -> Result<Option<TicketKeySet>>;

    /// How long it is to be left alone from now on.
    fn pause(&self) -> Duration;
}

/// What is reported of a [`TicketKeySource`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TicketKeyNews {
    /// It could not give keys, and could before, or fails in another way now. The keys in place stay,
    /// and it is asked again.
    Failed(Error),
    /// It gave keys, which are in place now.
    Replaced {
        /// The highest revision among them.
        revision: u32,
    },
    /// It answers again, after it has failed; the keys in place are as it says.
    Recovered,
}

/// Keeps [`TicketKeys`] as a [`TicketKeySource`] says, until it is dropped.
///
/// To drop it stops it: the keys stay as they are then.
#[derive(Debug)]
#[must_use = "to drop it stops it"]
pub struct TicketKeyFollower {
    stop: Arc<Stop>,
}

impl TicketKeys {
    /// Takes its keys from `source` from now on, and reports what is news.
    ///
    /// The source is asked once before this returns: where it cannot answer yet, a server can still begin,
    /// and gives tickets as soon as there are keys. `report` is called for that, and later from a thread of
    /// the follower's; a report that is on its way while the follower is dropped may still come.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] if the keys are made [here](Self::automatic); [`ErrorKind::Backend`] if there is
    /// no thread to be had.
    pub fn follow(
        &self,
        source: impl TicketKeySource + 'static,
        report: impl FnMut(TicketKeyNews) + Send + 'static,
    ) -> Result<TicketKeyFollower> {
        self.is_given()?;
        let stop = Arc::new(Stop::default());
        let mut work = Work {
            failing: None,
            keys: self.clone(),
            report: Box::new(report),
            source: Box::new(source),
            stop: Arc::clone(&stop),
        };
        work.ask();
        let thread = thread::Builder::new().name("ticket keys".to_owned());
        thread.spawn(move || work.run()).map_err(|e| {
            let why = "there is no thread to be had";
            Error::new(ErrorKind::Backend).because(why).with_source(e)
        })?;
        Ok(TicketKeyFollower { stop })
    }
}

impl Drop for TicketKeyFollower {
    fn drop(&mut self) {
        self.stop.set();
    }
}

struct Work {
    /// What was reported last, while it fails.
    failing: Option<String>,
    keys: TicketKeys,
    report: Box<dyn FnMut(TicketKeyNews) + Send>,
    source: Box<dyn TicketKeySource>,
    stop: Arc<Stop>,
}

impl Work {
    fn run(mut self) {
        while !self.stop.wait(self.source.pause().max(SHORTEST_PAUSE)) {
            self.ask();
        }
    }

    fn ask(&mut self) {
        let given = self.source.keys();
        // Once it is dropped the keys are somebody else's to change.
        let done = self.stop.unless_set(|| match &given {
            Ok(Some(set)) => self.keys.replace(set),
            Ok(None) | Err(_) => Ok(()),
        });
        let Some(done) = done else { return };
        match done.and(given) {
            Ok(given) => {
                let failed = self.failing.take().is_some();
                match given {
                    Some(set) => {
                        let revision = set.revision();
                        (self.report)(TicketKeyNews::Replaced { revision });
                    }
                    None if failed => (self.report)(TicketKeyNews::Recovered),
                    None => {}
                }
            }
            Err(e) => {
                // Said once, and not at every attempt.
                let said = e.to_string();
                if self.failing.as_ref() != Some(&said) {
                    self.failing = Some(said);
                    (self.report)(TicketKeyNews::Failed(e));
                }
            }
        }
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

    /// Does `work`, unless it is set; it cannot be set meanwhile.
    fn unless_set<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        (!*set).then(work)
    }

    /// Waits so long, or until it is set, and says whether it is.
    fn wait(&self, most: Duration) -> bool {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(set, most, |set| !*set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stop")
    }
}

/// So that a source that knows no pause does not take a processor for itself.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Answers as it is told, one answer for each question.
    #[derive(Debug)]
    struct Told(Receiver<Result<Option<TicketKeySet>>>);

    impl TicketKeySource for Told {
        fn keys(&mut self) -> Result<Option<TicketKeySet>> {
            let gone = || Error::new(ErrorKind::Backend).because("the test is over");
            self.0.recv_timeout(LIMIT).map_err(|_| gone())?
        }

        fn pause(&self) -> Duration {
            Duration::ZERO
        }
    }

    const LIMIT: Duration = Duration::from_secs(20);

    fn start() -> (TicketKeys, Sender<Result<Option<TicketKeySet>>>, Receiver<TicketKeyNews>) {
        let (tell, told) = channel();
        let (report, reported) = channel();
        let keys = TicketKeys::given(Duration::from_secs(60)).unwrap();
        tell.send(Ok(None)).unwrap();
        let following = keys.follow(Told(told), move |news| drop(report.send(news))).unwrap();
        // The thread ends with what tells it.
        std::mem::forget(following);
        (keys, tell, reported)
    }

    #[test]
    fn keys_are_put_in_place_and_a_failure_leaves_them_there() {
        let (keys, tell, reported) = start();
        assert!(keys.newest().is_none());
        let set = TicketKeySet::new().unwrap();
        tell.send(Ok(Some(set.clone()))).unwrap();
        let news = reported.recv_timeout(LIMIT).unwrap();
        assert!(matches!(news, TicketKeyNews::Replaced { revision: 1 }), "{news:?}");
        let key = keys.newest().unwrap();

        let fails = |why: &'static str| Err(Error::new(ErrorKind::Config).because(why));
        for why in ["one", "one", "one", "two"] {
            tell.send(fails(why)).unwrap();
        }
        for why in ["one", "two"] {
            let news = reported.recv_timeout(LIMIT).unwrap();
            let TicketKeyNews::Failed(e) = news else { panic!("{news:?}") };
            assert!(e.to_string().ends_with(why), "{e}");
        }
        assert_eq!(keys.newest().unwrap(), key);
        tell.send(Ok(None)).unwrap();
        tell.send(Ok(None)).unwrap();
        tell.send(Ok(Some(set.rotated().unwrap()))).unwrap();
        let news = reported.recv_timeout(LIMIT).unwrap();
        assert!(matches!(news, TicketKeyNews::Recovered), "{news:?}");
        let news = reported.recv_timeout(LIMIT).unwrap();
        assert!(matches!(news, TicketKeyNews::Replaced { revision: 2 }), "{news:?}");
    }

    #[test]
    fn a_follower_that_is_dropped_changes_nothing_any_more() {
        let (tell, told) = channel();
        let keys = TicketKeys::given(Duration::from_secs(60)).unwrap();
        tell.send(Ok(None)).unwrap();
        let following = keys.follow(Told(told), |_| ()).unwrap();
        drop(following);
        // The thread may be in the middle of a question, whose answer comes too late.
        let _ = tell.send(Ok(Some(TicketKeySet::new().unwrap())));
        let begin = std::time::Instant::now();
        while tell.send(Ok(None)).is_ok() {
            assert!(begin.elapsed() < LIMIT, "the thread goes on");
            thread::sleep(Duration::from_millis(2));
        }
        assert!(keys.newest().is_none());
    }

    #[test]
    fn keys_that_change_by_themselves_follow_nobody() {
        let (_tell, told) = channel();
        let keys = TicketKeys::automatic(Duration::from_secs(60)).unwrap();
        let e = keys.follow(Told(told), |_| ()).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Misuse);
    }
}
