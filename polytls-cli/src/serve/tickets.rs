//! Under which keys a server's tickets are, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use polytls::{TicketKeyFile, TicketKeyFollower, TicketKeyNews, TicketKeys, Tickets};
use tls_redis::RedisTicketKeys;

use crate::cli::usage;
use crate::failure::{Result, one_line};
use crate::output;

#[derive(Args, Clone, Debug)]
pub(crate) struct TicketArgs {
    /// Have the keys of session tickets from FILE, which 'polytls ticket-keys' makes and changes, or from
    /// Redis, where the servers change them by themselves: redis://USER:PASSWORD@HOST:PORT/DB, of which all
    /// but HOST may be left out, or redis+unix:///PATH; behind a '?' may stand rotate=SECONDS and key=NAME.
    /// Other users of this machine can see a password in it. Servers with the same keys and the same
    /// certificate resume one another's sessions.
    #[arg(long, value_name = "FILE|URL")]
    ticket_keys: Option<String>,
    /// How long a session can be resumed, 2 to 86400; two hours if left out. 0: nothing is resumed.
    #[arg(long, value_name = "SECONDS")]
    session_lifetime: Option<u64>,
}

/// What came of them: the same for as long as the server runs, however often it is reloaded.
pub(crate) struct TicketPlan {
    pub(crate) tickets: Tickets,
    source: Option<(TicketKeys, Source)>,
}

enum Source {
    File(TicketKeyFile),
    Redis(Box<RedisTicketKeys>),
}

impl TicketArgs {
    pub(crate) fn plan(&self) -> Result<TicketPlan> {
        let lifetime = self.session_lifetime.map(Duration::from_secs);
        let Some(from) = &self.ticket_keys else {
            let tickets = match lifetime {
                None => Tickets::Auto,
                Some(Duration::ZERO) => Tickets::Off,
                Some(lifetime) => Tickets::Keys(TicketKeys::automatic(lifetime)?),
            };
            return Ok(TicketPlan { tickets, source: None });
        };
        if lifetime == Some(Duration::ZERO) {
            return Err(usage("--ticket-keys with --session-lifetime 0 would be for nothing"));
        }
        let keys = TicketKeys::given(lifetime.unwrap_or(Tickets::LIFETIME))?;
        let source = match is_url(from) {
            true => Source::Redis(Box::new(RedisTicketKeys::new(from, keys.lifetime())?)),
            false => Source::File(TicketKeyFile::open(PathBuf::from(from))?),
        };
        Ok(TicketPlan { tickets: Tickets::Keys(keys.clone()), source: Some((keys, source)) })
    }
}

impl TicketPlan {
    /// Follows the source of the keys, if there is one, until what this gives is dropped.
    pub(crate) fn follow(&mut self) -> Result<Option<TicketKeyFollower>> {
        let mut failing = false;
        let tell = move |news| match news {
            TicketKeyNews::Failed(e) => {
                failing = true;
                let e = one_line(&e);
                output::note(format!("warning: ticket keys: {e}: those in place stay"));
            }
            TicketKeyNews::Replaced { .. } | TicketKeyNews::Recovered if failing => {
                failing = false;
                output::note("ticket keys: their source answers again");
            }
            // The enum is open; that all is as it should be is not worth a line.
            _ => {}
        };
        Ok(match self.source.take() {
            None => None,
            Some((keys, Source::File(file))) => Some(keys.follow(file, tell)?),
            Some((keys, Source::Redis(redis))) => Some(keys.follow(*redis, tell)?),
        })
    }
}

/// Whether it begins as a URL does; what is no URL that can be used is refused as one, and not taken for the
/// name of a file, which would be printed.
fn is_url(text: &str) -> bool {
    text.contains("://") || text.starts_with("redis:")
}
