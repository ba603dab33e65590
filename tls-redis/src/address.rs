//! Which Redis, and which key in it.

use std::fmt;
use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo};
use tls_core::{Error, ErrorKind, Result};
use url::Url;

/// What a URL says.
pub(crate) struct Address {
    /// With the password.
    pub(crate) connection: ConnectionInfo,
    /// Without it.
    shown: String,
    pub(crate) key: String,
    /// How long until the next ticket key is made, if the URL says so.
    pub(crate) rotation: Option<Duration>,
}

impl Address {
    /// Errors never show what was given, which may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let url = Url::parse(text).map_err(|e| unusable(&format!("it is no URL: {e}")))?;
        let shown = match url.scheme() {
            "redis" => {
                let host = url.host_str().filter(|host| !host.is_empty());
                let host = host.ok_or_else(|| unusable("it names no host"))?;
                format!("redis {host}:{}", url.port().unwrap_or(6379))
            }
            "redis+unix" | "unix" => format!("redis {}", url.path()),
            "rediss" => {
                return Err(unusable(
                    "there is no TLS towards Redis; a Unix socket or a tunnel may do",
                ));
            }
            _ => return Err(unusable("it does not begin with redis:// or redis+unix://")),
        };
        let (mut key, mut rotation) = (KEY.to_owned(), None);
        let mut left = Vec::new();
        for (name, value) in url.query_pairs() {
            match &*name {
                "key" if !value.is_empty() => key = value.into_owned(),
                "rotate" => {
                    let seconds = value.parse().ok().filter(|s| ROTATION.contains(s));
                    let seconds = seconds.ok_or_else(|| {
                        unusable("'rotate' is not a number of seconds from 1 to 86400")
                    })?;
                    rotation = Some(Duration::from_secs(seconds));
                }
                // The crate's own, where there is no place for them before the path.
                "db" | "pass" | "user" if url.scheme() != "redis" => {
                    left.push((name.into_owned(), value.into_owned()));
                }
                _ => return Err(unusable("behind the '?' only 'key' and 'rotate' mean something")),
            }
        }
        let mut own = url;
        own.set_query(None);
        if !left.is_empty() {
            own.query_pairs_mut().extend_pairs(left);
        }
        let connection = own.into_connection_info();
        let connection = connection.map_err(|_| unusable("the number of the database is none"))?;
        Ok(Self { connection, shown, key, rotation })
    }
}

/// Without the password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::Config).because(format!("the URL of Redis is unusable: {why}"))
}

const KEY: &str = "polytls:ticket-keys";
const ROTATION: std::ops::RangeInclusive<u64> = 1..=86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_under_which_key() {
        let address = Address::parse("redis://10.0.0.1").unwrap();
        assert_eq!(address.to_string(), "redis 10.0.0.1:6379");
        assert_eq!((address.key.as_str(), address.rotation), (KEY, None));
        let url = "redis://me:s%40crat@[::1]:7000/3?key=web%3Akeys&rotate=2";
        let address = Address::parse(url).unwrap();
        assert_eq!(address.to_string(), "redis [::1]:7000");
        assert_eq!(address.key, "web:keys");
        assert_eq!(address.rotation, Some(Duration::from_secs(2)));
        let redis = &address.connection.redis;
        assert_eq!((redis.db, redis.password.as_deref()), (3, Some("s@crat")));
        let address =
            Address::parse("redis+unix:///run/redis.sock?db=1&pass=s@crat&key=k").unwrap();
        assert_eq!(address.to_string(), "redis /run/redis.sock");
        assert_eq!((address.key.as_str(), address.connection.redis.db), ("k", 1));
        assert_eq!(address.connection.redis.password.as_deref(), Some("s@crat"));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (url, why) in [
            ("", "it is no URL"),
            ("redis:", "it names no host"),
            ("redis://:s@crat@", "it is no URL"),
            ("redis://:s%40crat@host:70000", "it is no URL"),
            ("rediss://:s@crat@host", "no TLS"),
            ("http://:s@crat@host", "does not begin with redis://"),
            ("redis://:s@crat@host/s@crat", "database"),
            ("redis://host?rotate=0", "'rotate' is not a number"),
            ("redis://host?rotate=s@crat", "'rotate' is not a number"),
            ("redis://host?rotate=86401", "'rotate' is not a number"),
            ("redis://host?key=", "behind the '?'"),
            ("redis://host?pass=s@crat", "behind the '?'"),
            ("redis+unix:///x?db=s@crat", "database"),
        ] {
            let e = Address::parse(url).map(|address| address.to_string()).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Config, "{url}");
            assert!(e.to_string().contains(why), "{url}: {e}, not {why}");
            assert!(!format!("{e} {e:?}").contains("crat"), "{url}: {e:?}");
        }
    }
}
