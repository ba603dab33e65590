//! What a peer says first.

use crate::{Alert, Error, ErrorKind, Result, Wire};

/// Looks at the first record header from the peer before any library does.
///
/// Every library has its own word for "this is not TLS", some of them in prose; here there is one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FirstBytes {
    /// A record header, and the alert that may be all that follows.
    bytes: [u8; Self::LEN],
    seen: usize,
    /// How many bytes the caller took off the wire before the handshake, such as a PROXY header.
    start: Option<u64>,
}

impl FirstBytes {
    /// How many bytes are looked at.
    pub(super) const LEN: usize = 7;

    /// Checks what has come of the header (RFC 8446 §5.1), and of an alert (§6).
    pub(super) fn check(&mut self, wire: &Wire) -> Result<()> {
        if self.seen == self.bytes.len() {
            return Ok(());
        }
        // Bytes seen in an earlier call may have been consumed since.
        let unread = wire.unread();
        let consumed = wire.received() - unread.len() as u64;
        let start = *self.start.get_or_insert(consumed);
        while self.seen < self.bytes.len() {
            let at = (start + self.seen as u64).checked_sub(consumed);
            let at = at.and_then(|at| usize::try_from(at).ok());
            let Some(&byte) = at.and_then(|at| unread.get(at)) else { break };
            self.bytes[self.seen] = byte;
            self.seen += 1;
        }
        let [kind, major, minor, length @ .., level, alert] = self.bytes;
        let is_tls = match self.seen {
            0 => true,
            1 => is_first_content_type(kind),
            2 => is_first_content_type(kind) && major == 3,
            _ => is_first_content_type(kind) && major == 3 && minor <= 4,
        };
        if !is_tls {
            return Err(Error::new(ErrorKind::NotTls).because(describe(unread)));
        }
        // A peer that gives up before it says anything else: some libraries only call it a surprise,
        // or pass over a close_notify and wait for more.
        let is_alert = self.seen == self.bytes.len() && kind == 21 && length == [0, 2];
        if is_alert && (level == 2 || alert == Alert::CLOSE_NOTIFY.0) {
            return Err(Error::new(ErrorKind::AlertReceived(Alert(alert))));
        }
        Ok(())
    }
}

/// The content type of alerts (RFC 8446 §5.1).
pub(super) const ALERT: u8 = 21;

/// The first record holds a handshake message or an alert.
fn is_first_content_type(byte: u8) -> bool {
    matches!(byte, 21 | 22)
}

fn describe(bytes: &[u8]) -> String {
    const VERBS: [&[u8]; 9] = [
        b"GET ",
        b"HEAD ",
        b"POST ",
        b"PUT ",
        b"DELETE ",
        b"OPTIONS ",
        b"CONNECT ",
        b"PATCH ",
        b"PRI ",
    ];
    let begin = &bytes[..bytes.len().min(16)];
    let quoted = begin.escape_ascii();
    if bytes.starts_with(b"HTTP/") {
        format!("the peer answers in plain HTTP (\"{quoted}…\"): is this the right port?")
    } else if VERBS.iter().any(|verb| bytes.starts_with(verb)) {
        format!("the peer sends a plain HTTP request (\"{quoted}…\")")
    } else {
        format!("its first bytes are \"{quoted}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(bytes: &[u8], chunk: usize) -> Option<ErrorKind> {
        let (mut first, mut wire) = (FirstBytes::default(), Wire::default());
        for piece in bytes.chunks(chunk) {
            wire.feed(piece);
            if let Err(e) = first.check(&wire) {
                return Some(e.kind());
            }
            let n = wire.unread().len();
            wire.consume(n); // as a library would
        }
        None
    }

    #[test]
    fn what_is_not_tls_is_seen_whatever_the_pieces() {
        for chunk in [1, 2, 3, 5, 100] {
            for bytes in
                [&b"GET / HTTP/1.1\r\n"[..], b"SSH-2.0-x\r\n", b"\x16\x02\x00", b"\x17\x03\x03"]
            {
                assert_eq!(kind_of(bytes, chunk), Some(ErrorKind::NotTls), "{bytes:?} by {chunk}");
            }
            for bytes in [&b"\x16\x03\x01\x02\x00\x01"[..], b"\x15\x03\x03\x00\x02\x01\x70", b""] {
                assert_eq!(kind_of(bytes, chunk), None, "{bytes:?} by {chunk}");
            }
            let refusal = kind_of(b"\x15\x03\x03\x00\x02\x02\x28", chunk);
            assert_eq!(refusal, Some(ErrorKind::AlertReceived(Alert::HANDSHAKE_FAILURE)));
            let close = kind_of(b"\x15\x03\x03\x00\x02\x01\x00", chunk);
            assert_eq!(close, Some(ErrorKind::AlertReceived(Alert::CLOSE_NOTIFY)));
        }
    }

    #[test]
    fn what_the_caller_takes_first_is_not_looked_at() {
        let (mut first, mut wire) = (FirstBytes::default(), Wire::default());
        wire.feed(b"PROXY UNKNOWN\r\n\x16\x03");
        wire.consume(15);
        first.check(&wire).unwrap();
        wire.consume(2);
        wire.feed(b"\x09");
        assert_eq!(first.check(&wire).unwrap_err().kind(), ErrorKind::NotTls);
        wire.feed(b"12345");
        wire.consume(6); // nobody but a library should
        let _ = first.check(&wire);
    }

    #[test]
    fn plain_http_is_called_by_its_name() {
        let text = describe(b"HTTP/1.1 400 Bad Request\r\n");
        assert!(text.contains("plain HTTP") && text.contains("right port"), "{text}");
        assert!(describe(b"GET / HTTP/1.1").contains("HTTP request"));
    }
}
