//! A session gives its records to the kernel.

use std::fmt;

use zeroize::Zeroizing;

use super::Connection;
use crate::kernel::KernelRecords;
use crate::{
    Alert, Error, ErrorKind, HandedOver, KernelCipher, KernelRefusal, KernelTls, Progress,
    ReceiveError, Result, TrafficKeys, Version,
};

impl Connection {
    /// What the configuration says of it.
    pub(crate) fn kernel_tls(&self) -> KernelTls {
        self.rules.kernel_tls
    }

    /// What the kernel has to know, unless it cannot be asked at all.
    pub(crate) fn kernel_needs(&self) -> Result<(Version, KernelCipher), KernelRefusal> {
        let negotiated = self.session.look().negotiated();
        let (Some(version), Some(suite)) = (negotiated.version, negotiated.cipher_suite) else {
            return Err(KernelRefusal::Library);
        };
        if self.rules.limits_records {
            return Err(KernelRefusal::RecordLimit);
        }
        match KernelCipher::of(suite) {
            Some(cipher) => Ok((version, cipher)),
            None => Err(KernelRefusal::CipherSuite(version, suite)),
        }
    }

    /// The refusal of a kernel that does not know what was negotiated.
    pub(crate) fn kernel_knows_not(&self) -> KernelRefusal {
        let negotiated = self.session.look().negotiated();
        match (negotiated.version, negotiated.cipher_suite) {
            (Some(version), Some(suite)) => KernelRefusal::CipherSuite(version, suite),
            _ => KernelRefusal::Library,
        }
    }

    /// Takes all data out of the session that it can give, to be read later: the kernel has no place for
    /// it. Whether the session can be asked for its keys then.
    pub(crate) fn drain(&mut self) -> Result<bool> {
        Ok(self.read_ahead()? && self.settle()?)
    }

    /// Has the session say what it owes the peer. Whether it is between records.
    fn settle(&mut self) -> Result<bool> {
        match self.session.alone().settle(&mut self.wire) {
            Ok(progress) => Ok(matches!(progress, Progress::Ready(()))),
            Err(e) => Err(self.fail(e)),
        }
    }

    fn read_ahead(&mut self) -> Result<bool> {
        if self.close_received || self.truncated || self.drained.has_end {
            return Ok(true);
        }
        self.check_failure()?;
        loop {
            let (drained, before) = (&mut self.drained, self.wire.pending().len());
            let read = self.session.alone().read(&mut self.wire, drained.room());
            match read {
                Ok(Progress::Ready(0)) => {
                    self.drained.has_end = true;
                    return Ok(true);
                }
                Ok(Progress::Ready(n)) => self.drained.filled(n),
                Ok(Progress::WantRead) => return Ok(true),
                Ok(Progress::WantWrite | Progress::WantSignature) => return Ok(false),
                Err(e) => {
                    let sent = self.wire.pending().get(before..).unwrap_or_default();
                    self.events.alert_sent(sent);
                    return Err(self.fail(e));
                }
            }
        }
    }

    /// Whether a record has come in part, or one that the session left where it is.
    pub(crate) fn is_mid_record(&mut self) -> bool {
        !self.wire.unread().is_empty() || self.wire.is_mid_record()
    }

    /// Asks the session for its keys; `None` if it keeps them.
    pub(crate) fn hand_over(&mut self) -> Result<Option<HandedOver>> {
        match self.session.alone().hand_over() {
            Ok(handed) => Ok(Some(handed)),
            Err(e) if matches!(e.kind(), ErrorKind::Unsupported(_)) => Ok(None),
            Err(e) => Err(self.fail(e)),
        }
    }

    /// Goes on with a kernel that has the keys.
    pub(crate) fn give_to_kernel(&mut self, handed: HandedOver, rekeys: bool) {
        self.rekey.restart(self.rules.key_update_after, handed.send.sequence);
        self.wire.take_plaintext();
        let records = KernelRecords::new(handed, self.rules.is_server, rekeys);
        self.kernel = Some(Box::new(records));
    }

    /// Whether the kernel has the records.
    pub(crate) fn is_kernels(&self) -> bool {
        self.kernel.is_some()
    }

    /// The keys that begin where the wire says so.
    pub(crate) fn next_send_keys(&mut self) -> Option<TrafficKeys> {
        self.kernel.as_mut()?.send_keys()
    }

    /// The keys that the kernel needs before it can receive.
    pub(crate) fn next_receive_keys(&mut self) -> Option<TrafficKeys> {
        self.kernel.as_mut()?.receive_keys()
    }

    /// The connection is of no more use.
    pub(crate) fn broken(&mut self, e: Error) -> Error {
        self.fail(e)
    }

    /// What the kernel says of the peer's records; the peer is told if that can be.
    pub(crate) fn bad_records(&mut self, why: ReceiveError) -> Error {
        let protocol = |why: &'static str| Error::new(ErrorKind::Protocol).because(why);
        let (alert, e) = match why {
            ReceiveError::Io(e) => return e.into(),
            ReceiveError::BadRecord => (None, Error::new(ErrorKind::BadRecord)),
            ReceiveError::TooLong => {
                (Some(Alert::RECORD_OVERFLOW), protocol("a record is too long"))
            }
            ReceiveError::OtherVersion => {
                (Some(Alert::PROTOCOL_VERSION), protocol("a record is of another version"))
            }
            ReceiveError::NoKeys => (
                Some(Alert::UNEXPECTED_MESSAGE),
                protocol("a record comes in the middle of a key update"),
            ),
        };
        if let Some(alert) = alert {
            self.put_alert(alert);
        }
        self.fail(e)
    }

    /// Takes new keys if that is due, before a file goes out without anybody who counts.
    pub(crate) fn prepare_records(&mut self) -> Result<Progress<()>> {
        match self.rekey.is_due() {
            true => self.renew_keys(),
            false => Ok(Progress::Ready(())),
        }
    }

    /// How many more records the key may protect.
    pub(crate) fn records_left(&self) -> u64 {
        self.rekey.left()
    }

    /// Counts records that the kernel has made by itself.
    pub(crate) fn count_records(&mut self, records: u64) {
        self.rekey.count_more(records);
    }
}

/// Data that was read before anybody asked for it.
#[derive(Default)]
pub(super) struct Drained {
    /// Initialised throughout.
    bytes: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
    has_end: bool,
}

impl Drained {
    /// What was read comes first, before any error or end.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> usize {
        let n = self.len().min(buf.len());
        buf[..n].copy_from_slice(&self.bytes[self.start..][..n]);
        self.start += n;
        if self.is_empty() {
            *self = Self { has_end: self.has_end, ..Self::default() };
        }
        n
    }

    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether the peer's close_notify has been met behind it.
    pub(super) fn has_end(&self) -> bool {
        self.has_end
    }

    /// Room for a record's data. There is never more in all than the wire held.
    fn room(&mut self) -> &mut [u8] {
        if self.bytes.len() - self.end < RECORD {
            let mut larger = Zeroizing::new(vec![0; (self.end + RECORD).next_power_of_two()]);
            larger[..self.end].copy_from_slice(&self.bytes[..self.end]);
            self.bytes = larger;
        }
        &mut self.bytes[self.end..]
    }

    fn filled(&mut self, n: usize) {
        self.end += n;
    }
}

impl fmt::Debug for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drained").field("len", &self.len()).field("end", &self.has_end).finish()
    }
}

/// The most plaintext in one record (RFC 8446 §5.1).
const RECORD: usize = 16_384;
