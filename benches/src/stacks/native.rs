//! native-tls by itself, and in tokio-native-tls.

use std::io;

use native_tls::{
    Certificate, HandshakeError, Identity, MidHandshakeTlsStream, TlsAcceptor, TlsConnector,
    TlsStream,
};

use super::{Credentials, NAME, RAW, Result, Stack};
use crate::end::{Async, Blocking, ReadWrite, Sync};
use crate::io::Io;

pub(super) fn stacks(with: &Credentials) -> Result<Vec<Stack>> {
    let mut client = TlsConnector::builder();
    client.disable_built_in_roots(true);
    client.add_root_certificate(Certificate::from_pem(with.root_pem.as_bytes())?);
    let client = client.build()?;
    let identity = Identity::from_pkcs8(with.leaf_pem.as_bytes(), with.key_pem.as_bytes())?;
    let server = TlsAcceptor::new(identity)?;
    let (to, at) = (client.clone(), server.clone());
    let raw = Stack::new(
        RAW,
        move |io| {
            let client = to.clone();
            Ok(Box::new(Sync(Raw::Start(Some(Box::new(move || client.connect(NAME, io)))))))
        },
        move |io| {
            let server = at.clone();
            Ok(Box::new(Sync(Raw::Start(Some(Box::new(move || server.accept(io)))))))
        },
    );
    let (client, server) =
        (tokio_native_tls::TlsConnector::from(client), tokio_native_tls::TlsAcceptor::from(server));
    let tokio = Stack::new(
        "tokio-native-tls",
        move |io| {
            let client = client.clone();
            let handshake = async move { client.connect(NAME, io).await.map_err(io::Error::other) };
            Ok(Box::new(Async::new(handshake)))
        },
        move |io| {
            let server = server.clone();
            let handshake = async move { server.accept(io).await.map_err(io::Error::other) };
            Ok(Box::new(Async::new(handshake)))
        },
    );
    Ok(vec![raw, tokio])
}

type Handshake = std::result::Result<TlsStream<Io>, HandshakeError<Io>>;

/// native-tls does the handshake in three types.
enum Raw {
    Start(Option<Box<dyn FnOnce() -> Handshake>>),
    Middle(Option<MidHandshakeTlsStream<Io>>),
    Done(Box<TlsStream<Io>>),
}

impl Blocking for Raw {
    fn handshake(&mut self) -> io::Result<()> {
        let result = match self {
            Self::Start(start) => start.take().map(|start| start()),
            Self::Middle(middle) => middle.take().map(MidHandshakeTlsStream::handshake),
            Self::Done(_) => return Ok(()),
        };
        match result {
            None => Err(io::Error::other("the handshake has failed before")),
            Some(Ok(stream)) => {
                *self = Self::Done(Box::new(stream));
                Ok(())
            }
            Some(Err(HandshakeError::WouldBlock(middle))) => {
                *self = Self::Middle(Some(middle));
                Err(io::ErrorKind::WouldBlock.into())
            }
            Some(Err(HandshakeError::Failure(e))) => Err(io::Error::other(e)),
        }
    }

    fn close(&mut self) {
        if let Self::Done(stream) = self {
            let _ = stream.shutdown();
        }
    }

    fn stream(&mut self) -> &mut dyn ReadWrite {
        match self {
            Self::Done(stream) => stream.as_mut(),
            Self::Start(_) | Self::Middle(_) => unreachable!("data before the handshake is done"),
        }
    }
}
