//! The source of ticket keys.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use redis::{Client, Connection, RedisError, RedisResult, Value, cmd, pipe};
use tls_core::{Error, ErrorKind, Result, TicketKeySet, TicketKeySource};
use zeroize::Zeroizing;

use crate::address::Address;

/// The ticket keys that a fleet has in Redis.
///
/// Each server has one, and gives it to [`TicketKeys::follow`](tls_core::TicketKeys::follow). It holds one connection
/// and answers within seconds, whatever Redis does; where a name has to be resolved, that may take
/// as long as the system likes.
pub struct RedisTicketKeys {
    address: Address,
    client: Client,
    connection: Option<Connection>,
    /// What was given last.
    known: Option<TicketKeySet>,
    /// How often it failed since it last worked.
    failures: u32,
    rotation: Duration,
}

/// What was found in Redis: the text, and what it says.
type Found = Option<(Zeroizing<Vec<u8>>, TicketKeySet)>;

impl RedisTicketKeys {
    /// Ticket keys for sessions of this `lifetime` in the Redis at
    /// `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]` or `redis+unix:///PATH[?db=DB&user=USER&pass=PASSWORD]`.
    ///
    /// A new key is made every half of a lifetime, so that a session can always be resumed for all of it.
    /// Behind a `?`, `rotate=SECONDS` says otherwise, and `key=NAME` that they stand under another key than
    /// `polytls:ticket-keys`. All servers of a fleet have to say the same.
    ///
    /// Redis is not asked yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the URL is unusable; what is said never has the password in it.
    pub fn new(url: &str, lifetime: Duration) -> Result<Self> {
        let address = Address::parse(url)?;
        let client = Client::open(address.connection.clone());
        let client = client.map_err(|e| refusal(&address, &e))?;
        let rotation = address.rotation.unwrap_or(lifetime / 2).max(Duration::from_secs(1));
        Ok(Self { address, client, connection: None, known: None, failures: 0, rotation })
    }

    fn ask(&mut self) -> Result<Option<TicketKeySet>> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().map_err(|e| refusal(&self.address, &e))?,
        };
        let set = self.share(&mut connection)?;
        // One that failed is not used again.
        self.connection = Some(connection);
        if set.is_none() || set == self.known {
            return Ok(None);
        }
        self.known.clone_from(&set);
        Ok(set)
    }

    fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// Gives the keys that are in Redis, after what there was to be done about them; `None` if another
    /// server is at it.
    fn share(&self, connection: &mut Connection) -> Result<Option<TicketKeySet>> {
        let failed = |e: RedisError| refusal(&self.address, &e);
        let found = self.find(connection)?;
        let my_turn = self.take_turn(connection).map_err(failed)?;
        let theirs = found.as_ref().map(|(_, set)| set);
        let next = match (theirs, &self.known) {
            (None, None) => TicketKeySet::new()?,
            // Redis came back without its memory, or with an older one: then it is told what is known here.
            (theirs, Some(known)) if theirs.is_none_or(|set| set.revision() < known.revision()) => {
                if my_turn {
                    known.rotated()?
                } else {
                    known.clone()
                }
            }
            (Some(theirs), _) if my_turn => theirs.rotated()?,
            (theirs, _) => return Ok(theirs.cloned()),
        };
        let put = self.put(connection, found.as_ref().map(|(text, _)| &**text), &next);
        Ok(put.map_err(failed)?.then_some(next))
    }

    fn find(&self, connection: &mut Connection) -> Result<Found> {
        let text = self.text(connection).map_err(|e| refusal(&self.address, &e))?;
        if text.is_empty() {
            return Ok(None);
        }
        let unusable = |why: &str| {
            let (at, key) = (&self.address, &self.address.key);
            Error::new(ErrorKind::Config).because(format!("{at}: the key '{key}' {why}"))
        };
        let set = std::str::from_utf8(&text).map_err(|_| unusable("holds no text"))?;
        let set = TicketKeySet::parse(set);
        let set = set.map_err(|e| unusable("holds no ticket keys").with_source(e))?;
        Ok(Some((text, set)))
    }

    /// Empty if there is none.
    fn text(&self, connection: &mut Connection) -> RedisResult<Zeroizing<Vec<u8>>> {
        let most = TicketKeySet::MOST_TEXT; // counted from zero: a byte more than may be
        let text = cmd("GETRANGE").arg(&self.address.key).arg(0).arg(most).query(connection)?;
        Ok(Zeroizing::new(text))
    }

    /// Whether a new key is due, and it is this server that makes it.
    fn take_turn(&self, connection: &mut Connection) -> RedisResult<bool> {
        let turn = format!("{}:turn", self.address.key);
        let taken: Value = cmd("SET")
            .arg(turn)
            .arg(1)
            .arg("NX")
            .arg("PX")
            .arg(millis(self.rotation))
            .query(connection)?;
        Ok(taken != Value::Nil)
    }

    /// Puts `next` in the place of `before`, unless something else is there by now.
    fn put(
        &self,
        connection: &mut Connection,
        before: Option<&Vec<u8>>,
        next: &TicketKeySet,
    ) -> RedisResult<bool> {
        let key = &self.address.key;
        cmd("WATCH").arg(key).exec(connection)?;
        if *self.text(connection)? != *before.map_or(&[][..], Vec::as_slice) {
            cmd("UNWATCH").exec(connection)?;
            return Ok(false);
        }
        // Secrets that nobody looks after do not stay.
        let kept = millis(self.rotation.max(PATIENCE) * KEPT);
        let text = next.to_text();
        let mut put = pipe();
        put.atomic().cmd("SET").arg(key).arg(text.as_bytes()).arg("PX").arg(kept).ignore();
        let done: Value = put.query(connection)?;
        Ok(done != Value::Nil)
    }
}

impl TicketKeySource for RedisTicketKeys {
    fn keys(&mut self) -> Result<Option<TicketKeySet>> {
        let outcome = self.ask();
        self.failures = match outcome {
            Ok(_) => 0,
            Err(_) => self.failures.saturating_add(1),
        };
        outcome
    }

    fn pause(&self) -> Duration {
        pause(self.rotation, self.failures, random())
    }
}

/// How long to wait: a key has to be known everywhere before another is made, which takes it into use.
fn pause(rotation: Duration, failures: u32, random: u32) -> Duration {
    if failures == 0 {
        return (rotation / 8).clamp(Duration::from_millis(100), Duration::from_secs(10));
    }
    let most = (rotation / 2).min(Duration::from_secs(30));
    let pause = (Duration::from_millis(100) * 2_u32.pow(failures.min(10))).min(most);
    // So that not all come at once.
    pause / 2 + (pause / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// Without random numbers all wait equally long: bad manners, and no more.
fn random() -> u32 {
    getrandom::u32().unwrap_or_default()
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

/// What Redis says in words may repeat what it was told, which may be the password: its words are left out.
fn refusal(address: &Address, e: &RedisError) -> Error {
    let io = e.source().and_then(|source| source.downcast_ref::<io::Error>());
    let io = io.map_or(io::ErrorKind::Other, io::Error::kind);
    match e.kind() {
        redis::ErrorKind::IoError if e.is_timeout() => {
            Error::new(ErrorKind::Timeout).because(format!("{address} does not answer"))
        }
        redis::ErrorKind::IoError => {
            let why = format!("{address} cannot be reached");
            Error::new(ErrorKind::Io(io)).because(why)
        }
        redis::ErrorKind::AuthenticationFailed => {
            let why = format!("{address} refuses the user or the password");
            Error::new(ErrorKind::Config).because(why)
        }
        redis::ErrorKind::BusyLoadingError | redis::ErrorKind::ReadOnly => {
            let why = format!("{address} cannot work now ({})", e.code().unwrap_or("busy"));
            Error::new(ErrorKind::Io(io)).because(why)
        }
        kind => {
            let why = match e.code() {
                Some(code) => format!("{address} refuses a command ({code})"),
                None => format!("{address} is not understood ({kind:?})"),
            };
            Error::new(ErrorKind::Config).because(why)
        }
    }
}

impl fmt::Debug for RedisTicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTicketKeys")
            .field("address", &self.address.to_string())
            .field("key", &self.address.key)
            .field("rotation", &self.rotation)
            .finish_non_exhaustive()
    }
}

/// How long Redis may take for anything.
const PATIENCE: Duration = Duration::from_secs(1);
/// After so many times the time for which a key is the newest, without a new one, all are gone.
const KEPT: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_not_all_the_same() {
        let rotation = Duration::from_secs(2);
        assert_eq!(pause(rotation, 0, 0), Duration::from_millis(250));
        assert_eq!(pause(rotation, 1, 0), Duration::from_millis(100));
        assert_eq!(pause(rotation, 1, u32::MAX), Duration::from_millis(200));
        for failures in 4..40 {
            assert!(pause(rotation, failures, u32::MAX) <= rotation / 2);
            assert!(pause(rotation, failures, 0) >= rotation / 4);
        }
        let day = Duration::from_secs(86_400);
        assert_eq!(pause(day, u32::MAX, u32::MAX), Duration::from_secs(30));
        assert_eq!(pause(day, 0, 0), Duration::from_secs(10));
    }

    #[test]
    fn nothing_is_printed_of_the_password() {
        let keys = RedisTicketKeys::new("redis://u:s%40crat@host", Duration::from_secs(7200));
        let shown = format!("{:?}", keys.unwrap());
        assert!(shown.contains("redis host:6379") && shown.contains("3600s"), "{shown}");
        assert!(!shown.contains("crat"), "{shown}");
    }
}
