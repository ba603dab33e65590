//! Ticket keys for a fleet of servers, shared by way of Redis.
//!
//! Every server of the fleet follows the same key in the same Redis. One of them at a time makes the next ticket
//! key when it is due; which one is left to chance. Handshakes never wait for Redis: while it is away the
//! servers go on with the keys they have, and when it comes back, be it empty or older, they put them back.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use tls_core::{TicketKeys, Tickets};
//! use tls_redis::RedisTicketKeys;
//!
//! # fn main() -> tls_core::Result<()> {
//! let keys = TicketKeys::given(Duration::from_secs(7200))?;
//! let source = RedisTicketKeys::new("redis://:password@redis.internal:6379", keys.lifetime())?;
//! let _following = keys.follow(source, |news| eprintln!("ticket keys: {news:?}"))?;
//! let tickets = Tickets::Keys(keys); // for a `ServerConfig`
//! # let _ = tickets;
//! # Ok(())
//! # }
//! ```
//!
//! # What is in Redis
//!
//! Under the key, `polytls:ticket-keys` unless the URL says otherwise, the text of a
//! [`TicketKeySet`](tls_core::TicketKeySet): whoever can read it can read the tickets under these keys, and in TLS
//! 1.2 all that was said under them. Redis should ask for a password, give its user no more than is needed
//! (`~polytls:ticket-keys* +getrange +set +watch +unwatch +multi +exec +select`), and be reached over a network
//! that nobody else listens to, or over a Unix socket: there is no TLS towards Redis here. The text goes away
//! by itself when no server has looked after it for a while. Beside it, under the same name with `:turn`
//! behind it, stands for as long as a key is the newest that it was somebody's turn to make it.

mod address;
mod keys;

pub use keys::RedisTicketKeys;
