//! A client's sessions, for backends whose library gives them as bytes.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{SessionKey, SessionStore};
use crate::{ServerName, Version};

/// For backends whose library gives sessions as bytes: those of one client.
///
/// What a store gives back may come from another process or from a file that someone has changed; what
/// is not in the form that [`put`](Self::put) gave it is passed over.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    fingerprint: [u8; 32],
}

impl Sessions {
    pub(crate) fn new(store: Arc<dyn SessionStore>, fingerprint: [u8; 32]) -> Self {
        Self { store, fingerprint }
    }

    /// Keeps a session with the server of this name.
    pub fn put(&self, name: &ServerName, version: Version, session: &[u8]) {
        let mut bytes = Vec::with_capacity(FORM.len() + 2 + session.len());
        bytes.extend_from_slice(FORM);
        bytes.extend_from_slice(&version.number().to_be_bytes());
        bytes.extend_from_slice(session);
        self.store.put(&self.key(name), bytes);
    }

    /// Gives a session to resume with the server of this name, if there is one. One of TLS 1.3 is not
    /// given again (RFC 8446 §C.4); one of TLS 1.2 is.
    pub fn take(&self, name: &ServerName) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.key(name);
        let bytes = Zeroizing::new(self.store.take(&key)?);
        let [a, b, session @ ..] = bytes.strip_prefix(FORM)? else { return None };
        let session = Zeroizing::new(session.to_vec());
        if Version::from_number(u16::from_be_bytes([*a, *b]))? == Version::Tls12 {
            self.store.put(&key, bytes.to_vec());
        }
        Some(session)
    }

    fn key(&self, name: &ServerName) -> SessionKey {
        SessionKey::new(name.clone(), self.fingerprint)
    }
}

/// What the bytes of a session begin with.
const FORM: &[u8] = b"polytls session 1\n";

#[cfg(test)]
mod tests {
    use super::super::MemoryStore;
    use super::*;

    #[test]
    fn a_session_of_tls13_is_given_once_and_one_of_tls12_again() {
        let store = Arc::new(MemoryStore::new(8));
        let sessions = Sessions::new(store.clone(), [1; 32]);
        let (a, b) = (ServerName::parse("a.test").unwrap(), ServerName::parse("b.test").unwrap());
        sessions.put(&a, Version::Tls13, b"new");
        sessions.put(&b, Version::Tls12, b"old");
        assert_eq!(sessions.take(&a).unwrap().as_slice(), b"new");
        assert!(sessions.take(&a).is_none());
        for _ in 0..3 {
            assert_eq!(sessions.take(&b).unwrap().as_slice(), b"old");
        }
        assert!(Sessions::new(store, [2; 32]).take(&b).is_none(), "another configuration");
        assert!(sessions.take(&b.at_port(1)).is_none(), "another port");
    }

    #[test]
    fn what_has_another_form_is_passed_over() {
        let store = Arc::new(MemoryStore::new(8));
        let sessions = Sessions::new(store.clone(), [1; 32]);
        let name = ServerName::parse("a.test").unwrap();
        let key = SessionKey::new(name.clone(), [1; 32]);
        for junk in
            [&b""[..], b"junk", FORM, b"polytls session 1\n\x03", b"polytls session 1\n\x09\x09x"]
        {
            store.put(&key, junk.to_vec());
            assert!(sessions.take(&name).is_none(), "{junk:?}");
        }
    }
}
