//! rustls by itself, in its own stream, and in tokio-rustls.

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::crypto::aws_lc_rs::kx_group::{X25519, X25519MLKEM768};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::NoServerSessionStorage;
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig,
    ServerConnection, StreamOwned,
};
use std::task::Poll;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Credentials, NAME, RAW, Result, Setup, Stack};
use crate::end::{Async, Blocking, End, ReadWrite, Sync, polled};
use crate::io::Io;

pub(super) fn stacks(setup: Setup, with: &Credentials) -> Result<Vec<Stack>> {
    let (client, server) = configs(setup, with)?;
    let name = ServerName::try_from(NAME)?;
    let raw = {
        let (client, server, name) = (client.clone(), server.clone(), name.clone());
        Stack::new(
            RAW,
            move |io| Ok(Raw::boxed(ClientConnection::new(client.clone(), name.clone())?, io)),
            move |io| Ok(Raw::boxed(ServerConnection::new(server.clone())?, io)),
        )
    };
    let owned = {
        let (client, server, name) = (client.clone(), server.clone(), name.clone());
        Stack::new(
            "rustls::StreamOwned",
            move |io| {
                let connection = ClientConnection::new(client.clone(), name.clone())?;
                Ok(Box::new(Sync(StreamOwned::new(connection, io))))
            },
            move |io| {
                let connection = ServerConnection::new(server.clone())?;
                Ok(Box::new(Sync(StreamOwned::new(connection, io))))
            },
        )
    };
    let (connector, acceptor) = (TlsConnector::from(client), TlsAcceptor::from(server));
    let tokio = Stack::new(
        "tokio-rustls",
        move |io| Ok(Box::new(Async::new(connector.connect(name.clone(), io)))),
        move |io| Ok(Box::new(Async::new(acceptor.accept(io)))),
    );
    Ok(vec![raw, owned, tokio])
}

fn configs(setup: Setup, with: &Credentials) -> Result<(Arc<ClientConfig>, Arc<ServerConfig>)> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![if setup.hybrid { X25519MLKEM768 } else { X25519 }];
    provider.cipher_suites.retain(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256);
    let provider = Arc::new(provider);
    let mut roots = RootCertStore::empty();
    roots.add(with.root_der.clone().into())?;
    let mut client = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let chain = vec![CertificateDer::from(with.leaf_der.clone())];
    let key = PrivateKeyDer::from_pem_slice(with.key_pem.as_bytes())?;
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    server.session_storage = Arc::new(NoServerSessionStorage {});
    if setup.resume {
        server.ticketer = aws_lc_rs::Ticketer::new()?;
    } else {
        server.send_tls13_tickets = 0;
        client.resumption = rustls::client::Resumption::disabled();
    }
    Ok((Arc::new(client), Arc::new(server)))
}

/// A buffered connection and its transport, driven as its documentation shows.
struct Raw {
    connection: Connection,
    io: Io,
}

impl Raw {
    fn boxed(connection: impl Into<Connection>, io: Io) -> Box<dyn End> {
        Box::new(Self { connection: connection.into(), io })
    }

    fn send(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.io)?;
        }
        Ok(())
    }

    fn receive(&mut self) -> io::Result<()> {
        if self.connection.read_tls(&mut self.io)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.connection.process_new_packets().map_err(io::Error::other)?;
        Ok(())
    }

    fn sent(&mut self, taken: io::Result<usize>) -> Poll<io::Result<usize>> {
        match self.send() {
            // What was taken is in rustls' buffer.
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => Poll::Ready(Err(e)),
            _ if matches!(taken, Ok(0)) => Poll::Pending,
            _ => Poll::Ready(taken),
        }
    }
}

impl End for Raw {
    fn handshake(&mut self) -> Poll<io::Result<()>> {
        polled((|| {
            while self.connection.is_handshaking() {
                self.send()?;
                if self.connection.is_handshaking() {
                    self.receive()?;
                }
            }
            self.send()
        })())
    }

    fn read(&mut self, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        polled((|| {
            loop {
                match self.connection.reader().read(buf) {
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.receive()?,
                    result => return result,
                }
            }
        })())
    }

    fn write(&mut self, buf: &[u8]) -> Poll<io::Result<usize>> {
        let taken = self.connection.writer().write(buf);
        self.sent(taken)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let taken = self.connection.writer().write_vectored(bufs);
        self.sent(taken)
    }

    fn flush(&mut self) -> Poll<io::Result<()>> {
        polled(self.send())
    }

    fn close(&mut self) {
        self.connection.send_close_notify();
        let _ = self.send();
    }
}

macro_rules! owned {
    ($connection:ty) => {
        impl Blocking for StreamOwned<$connection, Io> {
            fn handshake(&mut self) -> io::Result<()> {
                while self.conn.is_handshaking() {
                    self.conn.complete_io(&mut self.sock)?;
                }
                self.flush()
            }

            fn close(&mut self) {
                self.conn.send_close_notify();
                let _ = self.flush();
            }

            fn stream(&mut self) -> &mut dyn ReadWrite {
                self
            }
        }
    };
}

owned!(ClientConnection);
owned!(ServerConnection);
