//! Early data: what a client says before the server has said anything (RFC 8446 §2.3).

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::{Connector, Error, ErrorKind, Result, ServerName, Session};

/// How much early data to send or take. None by default.
///
/// Early data goes out with the client's first message, a round trip sooner than anything else, and pays
/// for it (RFC 8446 §8, §E.5): **whoever records it can send it again**, to any server that has the keys.
/// It is not protected by the exchange of keys that follows, either: who gets hold of the session can read
/// it later. So it has to be of a kind that does no harm when it comes twice, such as a `GET` without
/// effect, never an order or a payment.
///
/// A server of this project takes the same first flight once, and therefore only with tickets of its own:
/// see [`ServerConfigBuilder::early_data`](crate::ServerConfigBuilder::early_data).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReplayableEarlyData(usize);

impl ReplayableEarlyData {
    /// The most that there can be, in bytes: a server that takes no early data has to pass over it, and
    /// some do so for one record of the largest size only.
    pub const MAX: usize = 14_336;

    /// None at all.
    pub const fn none() -> Self {
        Self(0)
    }

    /// So many bytes on one connection, [`MAX`](Self::MAX) at most; 0 is none at all. A server that
    /// wants another number than `MAX` requires
    /// [`Capability::EarlyDataLimit`](crate::Capability::EarlyDataLimit).
    pub const fn up_to(bytes: usize) -> Self {
        Self(bytes)
    }

    /// How many bytes.
    pub const fn limit(self) -> usize {
        self.0
    }

    /// Whether there is to be any.
    pub const fn is_on(self) -> bool {
        self.0 > 0
    }

    /// What could never be.
    pub(crate) fn validate(self, can_resume: bool, has_tls13: bool) -> Result<()> {
        let why = match self.0 {
            0 => return Ok(()),
            1..=Self::MAX if !has_tls13 => "early data is only in TLS 1.3, which is off",
            1..=Self::MAX if !can_resume => "early data is only in resumed connections",
            1..=Self::MAX => return Ok(()),
            _ => "early data has 14336 bytes at most",
        };
        Err(Error::new(ErrorKind::Config).because(why))
    }
}

/// What became of early data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EarlyData {
    /// The server has taken it: what the client wrote early has come.
    Accepted,
    /// There was none.
    NotOffered,
    /// The server has passed over it: nothing of what the client wrote early has come, and nobody has
    /// sent it again.
    Rejected,
}

impl EarlyData {
    /// The stable name used in messages and by the CLI.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotOffered => "not-offered",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for EarlyData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a connection knows of early data.
#[derive(Default)]
pub(crate) enum Early {
    /// The configuration wants none.
    #[default]
    Off,
    Client(Sending),
    Server(Taken),
}

/// A client's early data.
pub(crate) struct Sending {
    /// As long as the session has not begun: whether it announces early data is known only when there is
    /// some.
    offer: Option<Offer>,
    /// Whether it is too late.
    over: bool,
    left: usize,
    /// What a server that takes none still passes over, in bytes on the wire.
    room: usize,
    pub(crate) written: usize,
}

struct Offer {
    connector: Arc<dyn Connector>,
    name: ServerName,
}

/// A server's early data.
#[derive(Default)]
pub(crate) struct Taken {
    /// Whether the client has announced some.
    pub(crate) offered: bool,
    pieces: Vec<Zeroizing<Vec<u8>>>,
    /// How much of the first has been read.
    read: usize,
}

impl Early {
    pub(crate) fn of_client(
        connector: Arc<dyn Connector>,
        name: ServerName,
        limit: ReplayableEarlyData,
    ) -> Self {
        let (left, room) = (limit.limit(), ReplayableEarlyData::MAX);
        let offer = Some(Offer { connector, name });
        Self::Client(Sending { offer, over: false, left, room, written: 0 })
    }

    /// The session of a client that has to begin now, without early data.
    pub(crate) fn begin(&mut self) -> Result<Option<Box<dyn Session>>> {
        let Self::Client(sending) = self else { return Ok(None) };
        sending.over = true;
        match sending.offer.take() {
            Some(offer) => offer.connector.session(&offer.name).map(Some),
            None => Ok(None),
        }
    }
}

impl Sending {
    /// The session of a client that has early data, if it has not begun.
    pub(crate) fn begin(&mut self) -> Result<Option<Box<dyn Session>>> {
        match self.offer.take() {
            Some(offer) => offer.connector.session_with_early_data(&offer.name).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// How many bytes can still be written in one record.
    pub(crate) fn allowed(&self) -> usize {
        self.left.min(self.room.saturating_sub(OVERHEAD))
    }

    pub(crate) fn note(&mut self, written: usize) {
        if written > 0 {
            self.left = self.left.saturating_sub(written);
            self.room = self.room.saturating_sub(written + OVERHEAD);
            self.written += written;
        }
    }
}

impl Taken {
    pub(crate) fn push(&mut self, piece: Zeroizing<Vec<u8>>) {
        if !piece.is_empty() {
            self.pieces.push(piece);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) fn read(&mut self, buf: &mut [u8]) -> usize {
        let mut copied = 0;
        while let Some(piece) = self.pieces.first().filter(|_| copied < buf.len()) {
            let rest = &piece[self.read..];
            let n = rest.len().min(buf.len() - copied);
            buf[copied..copied + n].copy_from_slice(&rest[..n]);
            (copied, self.read) = (copied + n, self.read + n);
            if self.read == piece.len() {
                self.pieces.remove(0);
                self.read = 0;
            }
        }
        copied
    }
}

impl fmt::Debug for Early {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("Off"),
            Self::Client(sending) => write!(f, "Client {{ written: {} }}", sending.written),
            Self::Server(taken) => write!(f, "Server {{ offered: {} }}", taken.offered),
        }
    }
}

/// What a record has beside its plaintext, at most: header, type and tag.
const OVERHEAD: usize = 5 + 1 + 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Identity, ServerConfig, TicketKeys, Tickets};

    #[test]
    fn small_pieces_leave_room_for_what_is_around_them() {
        for size in [1, 10, 1000, ReplayableEarlyData::MAX] {
            let mut sending = Sending {
                offer: None,
                over: false,
                left: ReplayableEarlyData::MAX,
                room: ReplayableEarlyData::MAX,
                written: 0,
            };
            let mut on_the_wire = 0;
            while sending.allowed() > 0 {
                let n = size.min(sending.allowed());
                sending.note(n);
                on_the_wire += n + OVERHEAD;
            }
            assert!(on_the_wire <= ReplayableEarlyData::MAX, "{on_the_wire} bytes by {size}");
            assert!(sending.written * 24 >= on_the_wire - 24);
        }
    }

    #[test]
    fn what_was_taken_is_read_in_order_and_once() {
        let mut taken = Taken::default();
        for piece in [&b"one"[..], b"", b"and two", b"!"] {
            taken.push(Zeroizing::new(piece.to_vec()));
        }
        let (mut all, mut buf) = (Vec::new(), [0; 4]);
        loop {
            match taken.read(&mut buf) {
                0 => break,
                n => all.extend_from_slice(&buf[..n]),
            }
        }
        assert_eq!(all, b"oneand two!");
        assert!(taken.is_empty());
    }

    #[test]
    fn what_could_never_be_is_refused() {
        let kind = |bytes, resumes, tls13| {
            ReplayableEarlyData::up_to(bytes).validate(resumes, tls13).map_err(|e| e.kind())
        };
        assert_eq!(kind(0, false, false), Ok(()));
        assert_eq!(kind(1, true, true), Ok(()));
        assert_eq!(kind(ReplayableEarlyData::MAX, true, true), Ok(()));
        for (bytes, resumes, tls13) in
            [(1, false, true), (1, true, false), (ReplayableEarlyData::MAX + 1, true, true)]
        {
            assert_eq!(kind(bytes, resumes, tls13), Err(ErrorKind::Config));
        }
    }

    #[test]
    fn a_server_takes_none_beside_a_cache_or_with_keys_that_others_have() {
        let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let identity = Identity::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
        let plain = ServerConfig::builder(identity);
        let taking = plain.clone().early_data(ReplayableEarlyData::up_to(100));
        let given = || Tickets::Keys(TicketKeys::given(Tickets::LIFETIME).unwrap());
        plain.clone().session_cache(1).tickets(given()).build().unwrap();
        taking.clone().build().unwrap();
        for refused in [taking.clone().session_cache(1), taking.tickets(given())] {
            assert_eq!(refused.build().unwrap_err().kind(), ErrorKind::Config);
        }
    }
}
