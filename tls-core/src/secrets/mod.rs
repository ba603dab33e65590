//! What a connection's secrets are good for beside its records.

mod binding;
mod key_log;

pub use binding::ChannelBinding;
pub(crate) use binding::server_end_point;
pub use key_log::KeyLog;

use crate::{Error, ErrorKind, Result};

/// Checks what is asked of an exporter (RFC 5705 §4, RFC 8446 §7.5): every library has other limits,
/// and some have none.
pub(crate) fn check_export(out: &[u8], label: &[u8], context: Option<&[u8]>) -> Result<()> {
    let refuse = |why: &'static str| Err(Error::new(ErrorKind::Misuse).because(why));
    if out.is_empty() || out.len() > MAX_EXPORT {
        return refuse("an exporter gives 1 to 8160 bytes");
    }
    if label.is_empty() || label.len() > MAX_LABEL || !label.is_ascii() {
        return refuse("the label of an exporter has 1 to 249 characters of ASCII");
    }
    if RESERVED.contains(&label) {
        return refuse("this label is reserved for TLS itself (RFC 5705 §4)");
    }
    match context.is_some_and(|context| context.len() > MAX_CONTEXT) {
        true => refuse("the context of an exporter has at most 512 bytes"),
        false => Ok(()),
    }
}

/// 255 times the length of SHA-256, the most that HKDF-Expand gives (RFC 5869 §2.3).
const MAX_EXPORT: usize = 255 * 32;

/// With the prefix `tls13 ` a label must fit in one byte of length (RFC 8446 §7.1).
const MAX_LABEL: usize = 249;

/// In TLS 1.2 OpenSSL feeds its function 1024 bytes at most, of which label and randoms take up to 315.
const MAX_CONTEXT: usize = 512;

/// RFC 5705 §4 and RFC 7627 §4.
const RESERVED: [&[u8]; 5] = [
    b"client finished",
    b"server finished",
    b"master secret",
    b"extended master secret",
    b"key expansion",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_exporter_gives_is_refused_the_same_way() {
        let refused = |out: usize, label: &[u8], context: Option<&[u8]>| {
            check_export(&vec![0; out], label, context)
                .is_err_and(|e| e.kind() == ErrorKind::Misuse)
        };
        assert!(!refused(1, b"EXPORTER-a", None) && !refused(8160, &[b'a'; 249], Some(&[])));
        assert!(refused(0, b"EXPORTER-a", None) && refused(8161, b"EXPORTER-a", None));
        assert!(refused(1, b"", None) && refused(1, &[b'a'; 250], None));
        assert!(refused(1, "EXPORTER-ä".as_bytes(), None) && refused(1, b"key expansion", None));
        assert!(refused(1, b"EXPORTER-a", Some(&[0; 513])));
    }
}
