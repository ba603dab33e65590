//! New keys in the middle of a connection.

use super::{Connection, misuse, speaker};
use crate::events::By;
use crate::{ErrorKind, Progress, Result, Version, Wire};

impl Connection {
    /// Takes new keys for what this side sends, and asks the peer to do the same (RFC 8446 §4.6.3): at
    /// the latest with the next write. That happens by itself long before a key has been used as often as
    /// it may; this is for programs that want it sooner.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] before the handshake is done, after [`close`](Self::close), and in TLS 1.2,
    /// which has no such thing; [`ErrorKind::Unsupported`] if the backend lacks
    /// [`Capability::KeyUpdate`](crate::Capability); whatever ends the connection.
    pub fn update_keys(&mut self) -> Result<Progress<()>> {
        self.check_established("key update")?;
        self.check_failure()?;
        if self.close_sent {
            return Err(misuse("key update after the own close_notify"));
        }
        if self.session.alone().negotiated().version == Some(Version::Tls12) {
            return Err(misuse("TLS 1.2 has no key update"));
        }
        if self.wire.room() < Wire::MAX_RECORD {
            return Ok(Progress::WantWrite);
        }
        let progress = speaker(&mut self.session, &mut self.kernel).update_keys(&mut self.wire);
        self.took_new_keys(progress, By::Program)
    }

    /// Takes new keys because the old ones have been used enough.
    pub(super) fn renew_keys(&mut self) -> Result<Progress<()>> {
        // With a kernel that takes no keys something is to be done: nobody else counts.
        let asked = self.rules.key_update_after.is_some() || self.kernel.is_some();
        let version = self.session.alone().negotiated().version;
        let session = speaker(&mut self.session, &mut self.kernel);
        if version == Some(Version::Tls12) || !asked && session.counts_records() {
            self.rekey.never();
            return Ok(Progress::Ready(()));
        }
        let progress = session.renew_keys(&mut self.wire);
        match self.took_new_keys(progress, By::Limit) {
            // There is nothing to be done, and nobody asked for it.
            Err(e) if matches!(e.kind(), ErrorKind::Unsupported(_)) && !asked => {
                self.rekey.never();
                Ok(Progress::Ready(()))
            }
            progress => progress,
        }
    }

    fn took_new_keys(&mut self, progress: Result<Progress<()>>, by: By) -> Result<Progress<()>> {
        let progress = match progress {
            // Nothing has happened.
            Err(e) if matches!(e.kind(), ErrorKind::Unsupported(_)) => return Err(e),
            progress => self.call(|_, _| progress)?,
        };
        if progress == Progress::Ready(()) {
            self.rekey.renewed();
            self.events.keys_updated(by);
        }
        Ok(progress)
    }
}
