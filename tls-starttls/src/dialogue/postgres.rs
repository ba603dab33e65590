//! PostgreSQL, whose client speaks first ("SSL Session Encryption" in its chapter on message flow).

use super::{Dialogue, Fault, Heard};
use crate::Stage;

/// SSLRequest: its length, and the number that no version of the protocol has.
pub(super) const REQUEST: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

#[derive(Debug)]
pub(super) struct Postgres;

impl Dialogue for Postgres {
    fn stage(&self) -> Stage {
        Stage::Upgrade
    }

    fn hear(&mut self, input: &[u8], _: bool) -> Result<Heard, Fault> {
        match input.first() {
            Some(b'S') => Ok(Heard::Done(1, Vec::new())),
            Some(b'N') => Err(Fault::not_offered(b"")),
            // An ErrorResponse, of a server that is older than SSLRequest or has no processes left. What
            // it says is not read: nobody vouches for it (CVE-2024-10977).
            Some(b'E') => Err(Fault::refused(b"E")),
            Some(_) => Err(Fault::malformed(&input[..1])),
            None => Ok(Heard::Part),
        }
    }
}
