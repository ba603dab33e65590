//! When to ask, and when to stop serving what one has. No clock, no thread, no network.

use std::time::Duration;

use tls_core::ocsp::{CertStatus, MAX_AGE, Outcome};

/// How often to ask.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The first pause after a failure; it doubles with each that follows. Also the shortest after a
    /// success.
    pub shortest: Duration,
    /// The longest pause after a failure.
    pub longest: Duration,
    /// How long a response is served at most, whatever it says of itself.
    pub max_age: Duration,
}

/// Half a minute, an hour, and as long as clients believe a response.
impl Default for Pace {
    fn default() -> Self {
        Self {
            shortest: Duration::from_secs(30),
            longest: Duration::from_secs(3600),
            max_age: MAX_AGE,
        }
    }
}

/// What there is to do for one staple, and when.
///
/// All instants are given as the time since the beginning of 1970.
#[derive(Clone, Debug)]
pub struct Schedule {
    pace: Pace,
    ask_at: Duration,
    /// Until when what is served may be; `None` if nothing is.
    serve_until: Option<Duration>,
    failures: u32,
}

/// What a response says, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// Whether the certificate is good.
    pub good: bool,
    /// Since when that is known: its thisUpdate.
    pub since: Duration,
    /// Until when it counts: its nextUpdate, or the end of all time if it names none.
    pub until: Duration,
}

impl News {
    /// What `outcome` says; `None` if the responder gave no answer.
    pub fn of(outcome: &Outcome) -> Option<Self> {
        Some(Self {
            good: outcome.cert_status()? == CertStatus::Good,
            since: Duration::from_secs(outcome.this_update()?),
            until: outcome.next_update().map_or(Duration::MAX, Duration::from_secs),
        })
    }
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Ask the responder.
    Ask,
    /// Serve nothing any more: what is served is out of date.
    Empty,
}

impl Schedule {
    /// Has nothing yet, and is to ask at once.
    pub fn new(pace: Pace) -> Self {
        Self { pace, ask_at: Duration::ZERO, serve_until: None, failures: 0 }
    }

    /// A response has come and was believed. Says what to serve: this one if it is good, unless what is
    /// served already lasts longer.
    pub fn answered(&mut self, now: Duration, news: &News) -> Served {
        let until = news.until.min(news.since.saturating_add(self.pace.max_age));
        let served = match self.serve_until {
            _ if !news.good => Served::Nothing,
            Some(old) if until < old => Served::AsBefore,
            _ if until <= now => Served::Nothing,
            Some(_) | None => Served::This,
        };
        match served {
            Served::AsBefore => {}
            Served::Nothing => self.serve_until = None,
            Served::This => self.serve_until = Some(until),
        }
        self.failures = 0;
        // A responder that has no news yet at half of their life is asked again at half of what is left.
        let half = news.since + until.saturating_sub(news.since) / 2;
        let next = if half > now { half } else { now + until.saturating_sub(now) / 2 };
        self.ask_at = next.max(now.saturating_add(self.pace.shortest));
        served
    }

    /// There was no response, or none to be believed. `random` spreads those who ask: all bits of it
    /// are used.
    pub fn failed(&mut self, now: Duration, random: u32) {
        let doubled = 2_u32.saturating_pow(self.failures);
        let pause = self.pace.shortest.saturating_mul(doubled).min(self.pace.longest);
        self.failures = self.failures.saturating_add(1);
        let half = pause / 2;
        self.ask_at = now.saturating_add(half).saturating_add(share(half, random));
    }

    /// What is served has been taken away.
    pub fn emptied(&mut self) {
        self.serve_until = None;
    }

    /// What is to be done now, the most urgent first.
    pub fn due(&self, now: Duration) -> Option<Due> {
        match self.serve_until {
            Some(until) if until <= now => Some(Due::Empty),
            _ if self.ask_at <= now => Some(Due::Ask),
            Some(_) | None => None,
        }
    }

    /// When there will be something to do.
    pub fn wakes_at(&self) -> Duration {
        self.serve_until.map_or(self.ask_at, |until| until.min(self.ask_at))
    }

    /// When it will ask.
    pub fn asks_at(&self) -> Duration {
        self.ask_at
    }

    /// Whether something is served.
    pub fn serves(&self) -> bool {
        self.serve_until.is_some()
    }
}

/// So much of `whole` as `random` is of its greatest value.
fn share(whole: Duration, random: u32) -> Duration {
    let nanos = whole.as_nanos() * u128::from(random) / u128::from(u32::MAX);
    // Not more than there were: the whole fits.
    Duration::new((nanos / 1_000_000_000) as u64, (nanos % 1_000_000_000) as u32)
}

/// What to serve after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// What was served before: it lasts longer.
    AsBefore,
    /// Nothing.
    Nothing,
    /// The new response.
    This,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { shortest: secs(30), longest: secs(3600), max_age: secs(100_000) };
    const NOW: Duration = secs(1_750_000_000);

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn good(since: Duration, until: Duration) -> News {
        News { good: true, since, until }
    }

    /// One that serves news of an hour ago, for an hour to come.
    fn serving() -> Schedule {
        let mut schedule = Schedule::new(PACE);
        let news = good(NOW - secs(3600), NOW + secs(3600));
        assert_eq!(schedule.answered(NOW - secs(3600), &news), Served::This);
        schedule
    }

    #[test]
    fn it_asks_at_once_and_then_at_half_life() {
        let mut schedule = Schedule::new(PACE);
        assert_eq!(schedule.due(NOW), Some(Due::Ask));
        assert!(!schedule.serves());
        let news = good(NOW - secs(1000), NOW + secs(9000));
        assert_eq!(schedule.answered(NOW, &news), Served::This);
        assert!(schedule.serves());
        assert_eq!((schedule.asks_at(), schedule.wakes_at()), (NOW + secs(4000), NOW + secs(4000)));
        assert_eq!(schedule.due(NOW + secs(3999)), None);
        assert_eq!(schedule.due(NOW + secs(4000)), Some(Due::Ask));
    }

    #[test]
    fn without_a_next_update_the_maximum_age_counts() {
        let mut schedule = Schedule::new(PACE);
        schedule.answered(NOW, &good(NOW, Duration::MAX));
        assert_eq!(schedule.asks_at(), NOW + secs(50_000));
        schedule.failed(NOW + secs(50_000), 0);
        let far = good(NOW, NOW + secs(1_000_000));
        schedule.answered(NOW, &far);
        assert_eq!(schedule.due(NOW + secs(100_000)), Some(Due::Empty));
    }

    #[test]
    fn old_news_are_asked_for_again_at_half_of_what_is_left() {
        let mut schedule = serving();
        let news = good(NOW - secs(3600), NOW + secs(3600));
        assert_eq!(schedule.answered(NOW, &news), Served::This);
        assert_eq!(schedule.asks_at(), NOW + secs(1800));
        let late = NOW + secs(3580);
        schedule.answered(late, &news);
        assert_eq!(schedule.asks_at(), late + PACE.shortest, "never sooner than that");
    }

    #[test]
    fn failures_double_the_pause_up_to_the_longest() {
        let mut schedule = Schedule::new(PACE);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            schedule.failed(NOW, u32::MAX);
            pauses.push((schedule.asks_at() - NOW).as_secs());
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        for _ in 0..100 {
            schedule.failed(NOW, u32::MAX);
        }
        assert_eq!(schedule.asks_at() - NOW, PACE.longest);
        schedule.answered(NOW, &good(NOW, NOW + secs(1000)));
        schedule.failed(NOW, u32::MAX);
        assert_eq!((schedule.asks_at() - NOW).as_secs(), 30, "a success ends the row");
    }

    #[test]
    fn the_pause_is_spread_between_half_and_all_of_it() {
        let pause = |random| {
            let mut schedule = Schedule::new(PACE);
            schedule.failed(NOW, random);
            schedule.asks_at() - NOW
        };
        assert_eq!(pause(0), secs(15));
        assert_eq!(pause(u32::MAX), secs(30));
        let middle = pause(u32::MAX / 2);
        assert!((secs(22)..secs(23)).contains(&middle), "{middle:?}");
    }

    #[test]
    fn the_last_good_one_stays_while_it_is_valid_and_no_longer() {
        let mut schedule = serving();
        schedule.failed(NOW, 0);
        assert!(schedule.serves());
        let end = NOW + secs(3600);
        while schedule.asks_at() < end {
            schedule.failed(schedule.asks_at(), u32::MAX);
        }
        assert_eq!(schedule.wakes_at(), end, "it wakes for that too");
        assert_eq!(schedule.due(end - secs(1)), None);
        assert_eq!(schedule.due(end), Some(Due::Empty));
        schedule.emptied();
        assert!(!schedule.serves());
        assert_eq!(schedule.due(end), None);
        assert_eq!(schedule.due(schedule.asks_at()), Some(Due::Ask));
    }

    #[test]
    fn what_is_not_good_takes_the_good_one_away() {
        let mut schedule = serving();
        let revoked = News { good: false, ..good(NOW, NOW + secs(1000)) };
        assert_eq!(schedule.answered(NOW, &revoked), Served::Nothing);
        assert!(!schedule.serves());
        assert_eq!(schedule.asks_at(), NOW + secs(500), "it may be good again");
    }

    #[test]
    fn an_older_response_does_not_displace_a_newer_one() {
        let mut schedule = serving();
        let older = good(NOW - secs(7200), NOW + secs(600));
        assert_eq!(schedule.answered(NOW, &older), Served::AsBefore);
        assert_eq!(schedule.due(NOW + secs(3600)), Some(Due::Empty));
        let over = good(NOW - secs(7200), NOW - secs(30));
        assert_eq!(serving().answered(NOW, &over), Served::AsBefore);
        let fresh = &mut Schedule::new(PACE);
        assert_eq!(fresh.answered(NOW, &over), Served::Nothing, "over, but for the skew of clocks");
    }

    #[test]
    fn no_instant_is_too_large() {
        let most = Duration::MAX;
        let pace = Pace { shortest: most, longest: most, max_age: most };
        let mut schedule = Schedule::new(pace);
        schedule.answered(NOW, &good(NOW, most));
        assert_eq!((schedule.serves(), schedule.asks_at()), (true, most));
        schedule.answered(NOW, &good(most, most));
        schedule.failed(NOW, u32::MAX);
        schedule.failed(most, u32::MAX);
        assert_eq!(schedule.asks_at(), most);
    }
}
