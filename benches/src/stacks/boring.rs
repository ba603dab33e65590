//! BoringSSL by itself, and in tokio-boring.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use boring::pkey::PKey;
use boring::ssl::{
    self, Ssl, SslAcceptor, SslConnector, SslMethod, SslOptions, SslSession, SslSessionCacheMode,
    SslStream,
};
use boring::x509::X509;
use boring::x509::store::X509StoreBuilder;
use tokio_boring::SslStreamBuilder;

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
        move |io| Ok(Box::new(Sync(Raw::client(SslStream::new(begin(&to, &of)?, io)?)))),
        move |io| Ok(Box::new(Sync(Raw::server(SslStream::new(Ssl::new(at.context())?, io)?)))),
    );
    let tokio = Stack::new(
        "tokio-boring",
        move |io| {
            let handshake = SslStreamBuilder::new(begin(&client, &kept)?, io).connect();
            Ok(Box::new(Async::new(async { handshake.await.map_err(other) })))
        },
        move |io| {
            let handshake = SslStreamBuilder::new(Ssl::new(server.context())?, io).accept();
            Ok(Box::new(Async::new(async { handshake.await.map_err(other) })))
        },
    );
    Ok(vec![raw, tokio])
}

fn other(e: tokio_boring::HandshakeError<Io>) -> io::Error {
    io::Error::other(e.to_string())
}

fn client(setup: Setup, with: &Credentials, kept: &Kept) -> Result<SslConnector> {
    let mut client = SslConnector::builder(SslMethod::tls())?;
    let mut roots = X509StoreBuilder::new()?;
    roots.add_cert(X509::from_pem(with.root_pem.as_bytes())?)?;
    client.set_cert_store(roots.build());
    client.set_curves_list(group(setup))?;
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
    let mut server = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
    server.set_certificate(X509::from_pem(with.leaf_pem.as_bytes())?.as_ref())?;
    server.set_private_key(PKey::private_key_from_pem(with.key_pem.as_bytes())?.as_ref())?;
    server.set_curves_list(group(setup))?;
    // The acceptor's settings come from a document that knew no TLS 1.3.
    server.set_max_proto_version(None)?;
    if !setup.resume {
        server.set_options(SslOptions::NO_TICKET);
    }
    Ok(server.build())
}

fn group(setup: Setup) -> &'static str {
    if setup.hybrid { "X25519MLKEM768" } else { "X25519" }
}

fn begin(client: &SslConnector, kept: &Kept) -> Result<Ssl> {
    let mut ssl = client.configure()?.into_ssl(NAME)?;
    if let Some(session) = kept.lock().unwrap_or_else(PoisonError::into_inner).take() {
        ffi::resume_boring(&mut ssl, &session);
    }
    Ok(ssl)
}

struct Raw {
    stream: SslStream<Io>,
    handshake: fn(&mut SslStream<Io>) -> std::result::Result<(), ssl::Error>,
}

impl Raw {
    fn client(stream: SslStream<Io>) -> Self {
        Self { stream, handshake: SslStream::connect }
    }

    fn server(stream: SslStream<Io>) -> Self {
        Self { stream, handshake: SslStream::accept }
    }
}

impl Blocking for Raw {
    fn handshake(&mut self) -> io::Result<()> {
        match (self.handshake)(&mut self.stream) {
            Err(e) if e.code() == ssl::ErrorCode::WANT_READ => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            result => result.map_err(io::Error::other),
        }
    }

    fn close(&mut self) {
        let _ = self.stream.shutdown();
    }

    fn stream(&mut self) -> &mut dyn ReadWrite {
        &mut self.stream
    }
}
