//! How sessions stand in a file: a first line, a hash of the rest, and records with their lengths.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::SessionKey;

/// The sessions of a file, the oldest first.
#[derive(Default)]
pub(super) struct Kept(Vec<Record>);

struct Record {
    /// Seconds since 1970.
    since: u64,
    key: Vec<u8>,
    session: Zeroizing<Vec<u8>>,
}

impl Kept {
    /// Reads what [`to_bytes`](Self::to_bytes) wrote; an empty file has no sessions.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let Some(rest) = bytes.strip_prefix(FIRST_LINE) else {
            return Err(match bytes.starts_with(ANY_FIRST_LINE) {
                true => "its sessions are in the form of another version of this program",
                false => "it is not a file of sessions",
            });
        };
        let (hash, mut body) = rest.split_at_checked(HASH).ok_or(DAMAGED)?;
        if Sha256::digest(body)[..] != *hash {
            return Err(DAMAGED);
        }
        let mut records = Vec::new();
        while !body.is_empty() {
            records.push(Record::read(&mut body).ok_or(DAMAGED)?);
        }
        Ok(Self(records))
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.size()));
        bytes.extend_from_slice(FIRST_LINE);
        bytes.extend_from_slice(&[0; HASH]);
        for Record { since, key, session } in &self.0 {
            bytes.extend_from_slice(&since.to_be_bytes());
            for part in [key, &**session] {
                // Neither is longer than a file may be.
                bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
                bytes.extend_from_slice(part);
            }
        }
        let (head, body) = bytes.split_at_mut(FIRST_LINE.len() + HASH);
        head[FIRST_LINE.len()..].copy_from_slice(&Sha256::digest(body));
        bytes
    }

    /// Adds the newest, and drops the oldest of the same server above `per_server`, and of all above
    /// `size` bytes.
    pub(super) fn put(
        &mut self,
        key: &SessionKey,
        session: Zeroizing<Vec<u8>>,
        since: u64,
        per_server: usize,
        size: usize,
    ) {
        let key = bytes_of(key);
        let of_server = self.0.iter().filter(|record| record.key == key).count();
        let mut too_many = (of_server + 1).saturating_sub(per_server);
        self.0.retain(|record| {
            let goes = record.key == key && too_many > 0;
            too_many -= usize::from(goes);
            !goes
        });
        self.0.push(Record { since, key, session });
        let mut excess = self.size().saturating_sub(size);
        self.0.retain(|record| {
            let goes = excess > 0;
            excess = excess.saturating_sub(record.size());
            !goes
        });
    }

    /// Takes the newest of this key.
    pub(super) fn take(&mut self, key: &SessionKey) -> Option<Vec<u8>> {
        let key = bytes_of(key);
        let at = self.0.iter().rposition(|record| record.key == key)?;
        Some(std::mem::take(&mut *self.0.remove(at).session))
    }

    /// Drops what is older than so many seconds.
    pub(super) fn drop_older(&mut self, now: u64, seconds: u64) {
        self.0.retain(|record| now.saturating_sub(record.since) <= seconds);
    }

    /// How many bytes [`to_bytes`](Self::to_bytes) gives.
    fn size(&self) -> usize {
        FIRST_LINE.len() + HASH + self.0.iter().map(Record::size).sum::<usize>()
    }
}

impl Record {
    fn read(rest: &mut &[u8]) -> Option<Self> {
        let since = u64::from_be_bytes(*take_array(rest)?);
        let mut part = || {
            let len = u32::from_be_bytes(*take_array(rest)?);
            let (part, more) = rest.split_at_checked(len.try_into().ok()?)?;
            *rest = more;
            Some(part.to_vec())
        };
        Some(Self { since, key: part()?, session: Zeroizing::new(part()?) })
    }

    fn size(&self) -> usize {
        8 + 4 + self.key.len() + 4 + self.session.len()
    }
}

fn take_array<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (array, more) = rest.split_first_chunk()?;
    *rest = more;
    Some(array)
}

/// A key, so that no two have the same bytes: what has a length of its own comes last.
fn bytes_of(key: &SessionKey) -> Vec<u8> {
    let mut bytes = key.fingerprint().to_vec();
    match key.name().port() {
        Some(port) => bytes.extend([&[1][..], &port.to_be_bytes()].concat()),
        None => bytes.push(0),
    }
    bytes.extend(key.name().to_string().as_bytes());
    bytes
}

const FIRST_LINE: &[u8] = b"polytls sessions 1\n";
const ANY_FIRST_LINE: &[u8] = b"polytls sessions ";
const HASH: usize = 32;
const DAMAGED: &str = "it is damaged: its end is missing, or something in it has been changed";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServerName;

    fn key(name: &str, port: Option<u16>, fingerprint: u8) -> SessionKey {
        let name = ServerName::parse(name).unwrap();
        let name = match port {
            Some(port) => name.at_port(port),
            None => name,
        };
        SessionKey::new(name, [fingerprint; 32])
    }

    fn put(kept: &mut Kept, key: &SessionKey, session: &[u8]) {
        kept.put(key, Zeroizing::new(session.to_vec()), 5, 2, 1000);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut kept = Kept::default();
        let (a, b) = (key("a.test", Some(443), 1), key("::1", None, 2));
        put(&mut kept, &a, b"first");
        put(&mut kept, &a, b"");
        put(&mut kept, &b, &[7; 300]);
        let mut read = Kept::read(&kept.to_bytes()).unwrap();
        assert_eq!(kept.to_bytes().len(), kept.size());
        assert_eq!(read.take(&a), Some(Vec::new()), "the newest first");
        assert_eq!(read.take(&a), Some(b"first".to_vec()));
        assert_eq!(read.take(&a), None);
        for other in [key("::1", Some(443), 2), key("::1", None, 1), key("::2", None, 2)] {
            assert_eq!(read.take(&other), None);
        }
        assert_eq!(read.take(&b), Some(vec![7; 300]));
    }

    #[test]
    fn the_oldest_go_first() {
        let mut kept = Kept::default();
        let (a, b) = (key("a.test", None, 1), key("b.test", None, 1));
        put(&mut kept, &b, b"b");
        for i in 0..5 {
            put(&mut kept, &a, &[i]);
        }
        assert_eq!(kept.take(&b), Some(b"b".to_vec()), "it is of another server");
        assert_eq!(
            (kept.take(&a), kept.take(&a), kept.take(&a)),
            (Some(vec![4]), Some(vec![3]), None)
        );
        put(&mut kept, &a, &[1; 400]);
        put(&mut kept, &b, &[2; 400]);
        put(&mut kept, &b, &[3; 400]);
        assert!(kept.to_bytes().len() <= 1000);
        assert_eq!((kept.take(&a), kept.take(&b)), (None, Some(vec![3; 400])));
        put(&mut kept, &a, b"old");
        kept.drop_older(10, 5);
        kept.drop_older(3, 0); // a clock that was set back
        assert_eq!(kept.take(&a), Some(b"old".to_vec()));
        put(&mut kept, &a, b"old");
        kept.drop_older(11, 5);
        assert_eq!(kept.take(&a), None);
    }

    #[test]
    fn every_change_is_noticed() {
        let mut kept = Kept::default();
        put(&mut kept, &key("a.test", Some(443), 1), b"one");
        put(&mut kept, &key("b.test", None, 1), b"another");
        let bytes = kept.to_bytes();
        for end in 1..bytes.len() {
            assert!(Kept::read(&bytes[..end]).is_err(), "the first {end} bytes");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.to_vec();
                changed[at] ^= 1 << bit;
                assert!(Kept::read(&changed).is_err(), "bit {bit} of byte {at}");
            }
        }
        assert!(Kept::read(&[&bytes[..], &[0]].concat()).is_err(), "a byte more");
    }

    /// Somebody who can write the file can also write the hash.
    #[test]
    fn records_with_wrong_lengths_are_no_records() {
        for body in [
            vec![0; 7],
            vec![0; 11],
            vec![0xff; 12],
            vec![0xff; 64],
            [&[0; 8][..], &[0, 0, 0, 9], &[1; 8]].concat(),
            [&[0; 8][..], &[0, 0, 0, 0], &[0x7f, 0xff, 0xff, 0xff, 1]].concat(),
        ] {
            let bytes = [FIRST_LINE, &Sha256::digest(&body)[..], &body].concat();
            assert_eq!(Kept::read(&bytes).err(), Some(DAMAGED), "{body:?}");
        }
    }

    #[test]
    fn files_of_others_are_told_apart() {
        assert!(Kept::read(b"").unwrap().0.is_empty());
        assert!(Kept::read(b"-----BEGIN SSL SESSION").err().unwrap().contains("not a file of"));
        assert!(Kept::read(b"polytls sessions 2\n").err().unwrap().contains("another version"));
    }
}
