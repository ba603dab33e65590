//! Early data, which comes before the handshake is done.

use super::{Connection, Phase, misuse};
use crate::early::Early;
use crate::held::Held;
use crate::{Progress, Result};

impl Connection {
    /// On a client, before the handshake: encrypts early data onto the wire, and says how much of `buf`
    /// it has taken. The rest has to wait for the handshake's end; 0 means that there is no session that
    /// allows more.
    ///
    /// Whether the server takes it shows only when the handshake is done:
    /// [`Negotiated::early_data`](crate::Negotiated::early_data). If it was
    /// [`Rejected`](crate::EarlyData::Rejected), none of it has come, and it is for the program to
    /// [`write`](Self::write) it again, or not.
    ///
    /// Early data can be recorded and sent again by anyone on the path
    /// ([`ReplayableEarlyData`](crate::danger::ReplayableEarlyData)).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`](crate::ErrorKind::Misuse) if the configuration wants no early data, on a
    /// server, and once [`handshake`](Self::handshake) has been called; whatever ends the connection.
    pub fn write_early(&mut self, buf: &[u8]) -> Result<usize> {
        self.check_failure()?;
        let Early::Client(sending) = &mut self.early else {
            return Err(misuse("the configuration wants no early data to be sent"));
        };
        if sending.is_over() {
            return Err(misuse("early data after the handshake has begun"));
        }
        let allowed = sending.allowed().min(buf.len());
        if allowed == 0 {
            return Ok(0);
        }
        match sending.begin() {
            Ok(Some(session)) => self.session = Held::new(session),
            Ok(None) => {}
            Err(e) => return Err(self.fail(e)),
        }
        let written = self.session.alone().write_early(&mut self.wire, &buf[..allowed]);
        let written = written.map_err(|e| self.fail(e))?;
        if let Early::Client(sending) = &mut self.early {
            sending.note(written);
        }
        Ok(written)
    }

    /// On a server: reads early data, and moves the handshake on as far as that needs. `Ready(0)` means
    /// that there is no more, unless `buf` is empty: then the handshake is done.
    ///
    /// **Whoever has recorded it can send it again**, to another server if not to this one
    /// ([`ReplayableEarlyData`](crate::danger::ReplayableEarlyData)). Therefore it never comes out of
    /// [`read`](Self::read).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`](crate::ErrorKind::Misuse) if the configuration takes no early data, and on a
    /// client; whatever ends the connection, after all early data that came before.
    pub fn read_early(&mut self, buf: &mut [u8]) -> Result<Progress<usize>> {
        loop {
            let Early::Server(taken) = &mut self.early else {
                return Err(misuse("the configuration takes no early data"));
            };
            let n = taken.read(buf);
            if n > 0 || buf.is_empty() || self.phase == Phase::Traffic {
                return Ok(Progress::Ready(n));
            }
            let progress = self.handshake();
            if matches!(&self.early, Early::Server(taken) if !taken.is_empty()) {
                continue; // before the error, if there is one, which the next call gives
            }
            match progress? {
                Progress::Ready(()) => return Ok(Progress::Ready(0)),
                Progress::WantRead => return Ok(Progress::WantRead),
                Progress::WantWrite => return Ok(Progress::WantWrite),
                Progress::WantSignature => return Ok(Progress::WantSignature),
            }
        }
    }
}
