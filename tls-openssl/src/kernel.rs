//! Keys for the kernel. OpenSSL gives none away: they are derived again from the secrets that it logs.

use std::sync::{Arc, LazyLock};

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::ssl::{Ssl, SslContextBuilder, SslRef};
use tls_core::{CipherSuite, HandedOver, KernelTls, Version, danger};
use tls_libssl::{Established, Hash, Traffic};
use zeroize::Zeroizing;

/// Has the secrets of a context's connections told to the program's log, and to the connections that may
/// need them.
pub(crate) fn log_keys(
    context: &mut SslContextBuilder,
    log: Option<&danger::KeyLog>,
    kernel_tls: KernelTls,
) {
    let log = log.cloned();
    if log.is_none() && kernel_tls == KernelTls::Off {
        return;
    }
    context.set_keylog_callback(move |ssl, line| {
        if let Some(log) = &log {
            log.line(line);
        }
        if let Some(traffic) = traffic(ssl) {
            traffic.note_secret(line);
        }
    });
}

/// Gives `ssl` a place for what is known of its traffic, if its keys may be handed over.
pub(crate) fn prepare(ssl: &mut SslRef, is_server: bool, wanted: bool) -> Result<(), ErrorStack> {
    if wanted {
        let index = TRAFFIC.as_ref().map_err(Clone::clone)?;
        ssl.set_ex_data(*index, Arc::new(Traffic::new(hmac, is_server)));
    }
    Ok(())
}

/// What is known of the traffic of `ssl`, if its keys may be handed over.
pub(crate) fn traffic(ssl: &SslRef) -> Option<&Arc<Traffic>> {
    ssl.ex_data(*TRAFFIC.as_ref().ok()?)
}

/// The keys of `ssl`, once its handshake is done; `None` if no kernel would know them, or if OpenSSL has not
/// told enough.
pub(crate) fn hand_over(ssl: &SslRef, version: Version) -> Option<HandedOver> {
    let traffic = traffic(ssl)?;
    let suite = ssl.current_cipher()?.protocol_id();
    let mut master_secret = Zeroizing::new([0; 48]);
    let (mut client_random, mut server_random) = ([0; 32], [0; 32]);
    if version == Version::Tls12 {
        ssl.session()?.master_key(&mut *master_secret);
        ssl.client_random(&mut client_random);
        ssl.server_random(&mut server_random);
    }
    traffic.hand_over(&Established {
        version,
        cipher_suite: CipherSuite(u16::from_be_bytes(suite)),
        sequences: traffic.sequences(),
        // OpenSSL counts from a random number up.
        nonce: traffic.last_nonce().wrapping_add(1),
        master_secret: &*master_secret,
        client_random: &client_random,
        server_random: &server_random,
    })
}

/// Where an `SSL` keeps its [`Traffic`].
static TRAFFIC: LazyLock<Result<Index<Ssl, Arc<Traffic>>, ErrorStack>> =
    LazyLock::new(Ssl::new_ex_index);

fn hmac(hash: Hash, key: &[u8], message: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digest = match hash {
        Hash::Sha256 => MessageDigest::sha256(),
        Hash::Sha384 => MessageDigest::sha384(),
    };
    let sign = || {
        let key = PKey::hmac(key)?;
        Signer::new(digest, &key)?.sign_oneshot_to_vec(message)
    };
    // What goes wrong is of no concern to the call at hand.
    let signed = sign().inspect_err(|_| drop(ErrorStack::get())).ok()?;
    Some(Zeroizing::new(signed))
}
