//! The secrets of a connection: what rustls' unbuffered interface tells of them only by its key log.

use std::sync::Arc;

use rustls::SupportedCipherSuite;
use rustls::crypto::hash::Hash;
use rustls::crypto::tls13::{Hkdf, HkdfExpander, OkmBlock};
use tls_core::{Error, ErrorKind, Result, danger};
use zeroize::Zeroizing;

use crate::aside;

/// Where rustls tells its secrets: the program's log, and the session that needs them.
#[derive(Debug)]
pub(crate) struct Told(pub(crate) Option<danger::KeyLog>);

impl rustls::KeyLog for Told {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        if let Some(log) = &self.0 {
            log.secret(label, client_random, secret);
        }
        if is_for_exports(label) {
            let secret = Secret {
                client_random: client_random.into(),
                secret: Zeroizing::new(secret.to_vec()),
            };
            aside::leave(|aside| aside.secret = Some(secret));
        }
    }

    fn will_log(&self, label: &str) -> bool {
        self.0.is_some() || is_for_exports(label)
    }
}

/// The exporter secret of TLS 1.3, the master secret of TLS 1.2.
fn is_for_exports(label: &str) -> bool {
    matches!(label, "CLIENT_RANDOM" | "EXPORTER_SECRET")
}

/// What keying material is derived from.
pub(crate) struct Secret {
    client_random: Arc<[u8]>,
    secret: Zeroizing<Vec<u8>>,
}

impl Secret {
    /// Derives keying material (RFC 8446 §7.5, RFC 5705 §4). In TLS 1.2 `server_random` has to be known.
    pub(crate) fn export(
        &self,
        suite: SupportedCipherSuite,
        server_random: Option<&[u8; 32]>,
        out: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<()> {
        let failed = |why: &'static str| Err(Error::new(ErrorKind::Backend).because(why));
        match suite {
            SupportedCipherSuite::Tls13(suite) => {
                let hash = suite.common.hash_provider;
                let derived = expand(suite.hkdf_provider, &self.secret, label, &empty(hash));
                let context = hash.hash(context.unwrap_or_default());
                let expander = suite.hkdf_provider.expander_for_okm(&derived);
                match expand_label(&*expander, out, b"exporter", context.as_ref()) {
                    true => Ok(()),
                    false => failed("too much is exported for this cipher suite"),
                }
            }
            SupportedCipherSuite::Tls12(suite) => {
                let Some(server_random) = server_random else {
                    return failed("the server's hello has not been seen");
                };
                let mut seed = [&self.client_random[..], server_random].concat();
                if let Some(context) = context {
                    let length = context.len() as u16; // the core lets no more through
                    seed.extend_from_slice(&length.to_be_bytes());
                    seed.extend_from_slice(context);
                }
                suite.prf_provider.for_secret(out, &self.secret, label, &seed);
                Ok(())
            }
        }
    }
}

/// `Derive-Secret` (RFC 8446 §7.1).
fn expand(hkdf: &dyn Hkdf, secret: &[u8], label: &[u8], context: &[u8]) -> OkmBlock {
    let expander = hkdf.expander_for_okm(&OkmBlock::new(secret));
    let mut block = [0; OkmBlock::MAX_LEN];
    let block = &mut block[..expander.hash_len()];
    // As long as the hash is what it always gives.
    expand_label(&*expander, block, label, context);
    let derived = OkmBlock::new(block);
    block.fill(0);
    std::hint::black_box(block);
    derived
}

/// `HKDF-Expand-Label` (RFC 8446 §7.1); `false` if so much cannot be given.
fn expand_label(expander: &dyn HkdfExpander, out: &mut [u8], label: &[u8], context: &[u8]) -> bool {
    const PREFIX: &[u8] = b"tls13 ";
    let length = (out.len() as u16).to_be_bytes();
    let label_length = [(PREFIX.len() + label.len()) as u8];
    let context_length = [context.len() as u8];
    let info = [&length[..], &label_length, PREFIX, label, &context_length, context];
    expander.expand_slice(&info, out).is_ok()
}

fn empty(hash: &dyn Hash) -> Vec<u8> {
    hash.hash(&[]).as_ref().to_vec()
}
