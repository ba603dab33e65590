//! OpenSSL by itself, and in tokio-openssl.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use openssl::pkey::PKey;
use openssl::ssl::{
    self, Ssl, SslAcceptor, SslConnector, SslMethod, SslOptions, SslSession, SslSessionCacheMode,
    SslStream,
};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;

use super::{Credentials, NAME, RAW, Result, Setup, Stack};
use crate::end::{Async, Blocking, ReadWrite, Sync};
use crate::ffi;
use crate::io::Io;

/// The session that the next client resumes.
type Kept = Arc<Mutex<Option<SslSession>>>;

pub(super) fn stacks(setup: Setup, with: &Credentials) -> Result<Vec<Stack>> {
    let kept = Kept::default();
    let (client, server) = (client(setup, with, &kept)?, server(setup, with)?);
    let (to, at, of) = (client.clone(), server.clone(), kept.clone());
    let raw = Stack::new(
        RAW,
        move |io| Ok(Box::new(Sync(SslStream::new(begin(&to, &of)?, io)?))),
        move |io| Ok(Box::new(Sync(SslStream::new(accepting(&at)?, io)?))),
    );
    let tokio = Stack::new(
        "tokio-openssl",
        move |io| {
            let mut stream = tokio_openssl::SslStream::new(begin(&client, &kept)?, io)?;
            Ok(Box::new(Async::new(async move {
                Pin::new(&mut stream).connect().await.map_err(io::Error::other)?;
                Ok(stream)
            })))
        },
        move |io| {
            let ssl = Ssl::new(server.context())?;
            let mut stream = tokio_openssl::SslStream::new(ssl, io)?;
            Ok(Box::new(Async::new(async move {
                Pin::new(&mut stream).accept().await.map_err(io::Error::other)?;
                Ok(stream)
            })))
        },
    );
    Ok(vec![raw, tokio])
}

fn client(setup: Setup, with: &Credentials, kept: &Kept) -> Result<SslConnector> {
    let mut client = SslConnector::builder(SslMethod::tls_client())?;
    let mut roots = X509StoreBuilder::new()?;
    roots.add_cert(X509::from_pem(with.root_pem.as_bytes())?)?;
    client.set_cert_store(roots.build());
    client.set_ciphersuites("TLS_AES_128_GCM_SHA256")?;
    client.set_groups_list("X25519")?;
    if setup.resume {
        let mode = SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL;
        client.set_session_cache_mode(mode);
        let kept = kept.clone();
        client.set_new_session_callback(move |_, session| {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
        });
    } else {
        client.set_options(SslOptions::NO_TICKET);
    }
    Ok(client.build())
}

fn server(setup: Setup, with: &Credentials) -> Result<SslAcceptor> {
    let mut server = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    server.set_certificate(X509::from_pem(with.leaf_pem.as_bytes())?.as_ref())?;
    server.set_private_key(PKey::private_key_from_pem(with.key_pem.as_bytes())?.as_ref())?;
    server.set_ciphersuites("TLS_AES_128_GCM_SHA256")?;
    server.set_groups_list("X25519")?;
    if !setup.resume {
        server.set_options(SslOptions::NO_TICKET);
        server.set_num_tickets(0)?;
    }
    Ok(server.build())
}

fn begin(client: &SslConnector, kept: &Kept) -> Result<Ssl> {
    let mut ssl = client.configure()?.into_ssl(NAME)?;
    if let Some(session) = kept.lock().unwrap_or_else(PoisonError::into_inner).take() {
        ffi::resume_openssl(&mut ssl, &session);
    }
    ssl.set_connect_state();
    Ok(ssl)
}

fn accepting(server: &SslAcceptor) -> Result<Ssl> {
    let mut ssl = Ssl::new(server.context())?;
    ssl.set_accept_state();
    Ok(ssl)
}

impl Blocking for SslStream<Io> {
    fn handshake(&mut self) -> io::Result<()> {
        match self.do_handshake() {
            Err(e) if e.code() == ssl::ErrorCode::WANT_READ => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            result => result.map_err(io::Error::other),
        }
    }

    fn close(&mut self) {
        let _ = self.shutdown();
    }

    fn stream(&mut self) -> &mut dyn ReadWrite {
        self
    }
}
