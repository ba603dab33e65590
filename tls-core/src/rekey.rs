//! New keys before one has been used too often.

use crate::{Error, ErrorKind, Result, Version, Versions};

/// Counts the records that one key has protected.
///
/// A key of AES-GCM is good for 2^24.5 full records, some 388 GiB (RFC 8446 §5.5). Not every library counts,
/// so the core does, for all suites alike. In TLS 1.2, which has no key update, the nonce is a counter of 64
/// bits, and nothing is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rekey {
    after: u64,
    records: u64,
}

impl Rekey {
    /// New keys after as many records, or after as many as are safe by far.
    pub(crate) fn new(after: Option<u32>) -> Self {
        Self { after: after.map_or(DEFAULT, u64::from), records: 0 }
    }

    pub(crate) fn is_due(&self) -> bool {
        self.records >= self.after
    }

    /// Counts the records in `sent`, which begins with one and ends with one.
    pub(crate) fn count(&mut self, mut sent: &[u8]) {
        while let [_, _, _, high, low, rest @ ..] = sent {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            sent = rest.get(length..).unwrap_or_default();
            self.records += 1;
        }
    }

    /// Counts records that never stood on the wire.
    pub(crate) fn count_more(&mut self, records: u64) {
        self.records += records;
    }

    /// How many records more there may be before new keys are due.
    pub(crate) fn left(&self) -> u64 {
        self.after.saturating_sub(self.records)
    }

    /// Begins again, with a key that has protected so many records.
    pub(crate) fn restart(&mut self, after: Option<u32>, records: u64) {
        *self = Self { records, ..Self::new(after) };
    }

    pub(crate) fn renewed(&mut self) {
        self.records = 0;
    }

    /// There are no new keys to be had.
    pub(crate) fn never(&mut self) {
        self.after = u64::MAX;
    }
}

/// Checks what a configuration asks for.
pub(crate) fn check(after: Option<u32>, versions: Versions) -> Result<()> {
    let refuse = |why: &'static str| Err(Error::new(ErrorKind::Config).because(why));
    match after {
        None => Ok(()),
        Some(0) => refuse("keys cannot be new after 0 records"),
        Some(MOST..) => refuse("keys are to be new before 2^24 records (RFC 8446 §5.5)"),
        Some(_) if !versions.contains(Version::Tls13) => {
            refuse("keys are to be new after some records, but TLS 1.2 has no key update")
        }
        Some(_) => Ok(()),
    }
}

/// 64 GiB of full records.
const DEFAULT: u64 = 1 << 22;

/// Less than what AES-GCM allows, the least of all suites.
const MOST: u32 = 1 << 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_records_are_counted() {
        let mut rekey = Rekey::new(Some(3));
        rekey.count(&[23, 3, 3, 0, 2, 1, 1, 23, 3, 3, 0, 0]);
        assert!(!rekey.is_due());
        rekey.count(&[]);
        assert!(!rekey.is_due());
        rekey.count(&[23, 3, 3, 0, 1, 1]);
        assert!(rekey.is_due());
        rekey.renewed();
        assert!(!rekey.is_due());
        rekey.never();
        rekey.count(&[23, 3, 3, 0, 0].repeat(10));
        assert!(!rekey.is_due());
        rekey.restart(Some(5), 2);
        assert_eq!(rekey.left(), 3);
        rekey.count_more(3);
        assert!(rekey.is_due());
        // Not that it should come.
        rekey.count(&[23, 3, 3, 9, 9, 1]);
        rekey.count(&[23, 3, 3, 9]);
    }

    #[test]
    fn a_limit_that_no_suite_has_is_refused() {
        let all = Versions::default();
        check(None, all).unwrap();
        check(Some(1), all).unwrap();
        check(Some(MOST - 1), all).unwrap();
        for (after, versions) in
            [(0, all), (MOST, all), (u32::MAX, all), (1, Versions::only(Version::Tls12))]
        {
            assert_eq!(check(Some(after), versions).unwrap_err().kind(), ErrorKind::Config);
        }
        const { assert!(DEFAULT < MOST as u64) };
    }
}
