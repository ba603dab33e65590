//! The ways to send a file.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use polytls::pki_types::PrivateKeyDer;
use polytls::{Blocking, Identity, KernelTls, SendPath, Server, ServerConfig, Stream, backend};

/// A way to send a file.
#[derive(Debug)]
pub(crate) enum Way {
    /// `sendfile(2)`, in clear.
    Tcp,
    /// The call of ours.
    Sendfile(String, KernelTls),
    /// Read and write, by hand, over the library as it is.
    Loop(String, usize),
}

impl Way {
    /// `tcp`, `LIBRARY:kernel`, `LIBRARY:user` or `LIBRARY:loop-KIB`.
    pub(crate) fn parse(text: &str) -> Self {
        let Some((library, how)) = text.split_once(':') else { return Self::Tcp };
        match (how, how.strip_prefix("loop-")) {
            ("kernel", _) => Self::Sendfile(library.to_owned(), KernelTls::Required),
            ("user", _) => Self::Sendfile(library.to_owned(), KernelTls::Off),
            (_, Some(kib)) => Self::Loop(library.to_owned(), kib.parse::<usize>().unwrap() << 10),
            (other, None) => panic!("no way {other}"),
        }
    }
}

/// A connection to send files on.
pub(crate) trait Sending {
    fn send(&mut self, file: &File, size: u64) -> io::Result<()>;
    fn end(&mut self) -> io::Result<()>;
}

/// What all connections have in common.
pub(crate) struct Site(Box<dyn Fn(TcpStream) -> Box<dyn Sending> + Send + Sync>);

impl Site {
    /// With the certificate and the key in `folder`.
    pub(crate) fn new(folder: &Path, way: Way) -> Self {
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let (certificate, key) = (read("certificate"), read("key"));
        Self(match way {
            Way::Tcp => Box::new(|tcp| Box::new(Tcp(tcp))),
            Way::Sendfile(library, kernel) => ours(&library, kernel, certificate, key),
            Way::Loop(library, size) => match library.as_str() {
                "rustls" => rustls(size, certificate, key),
                "openssl" => openssl(size, &certificate, &key),
                "boring" => boring(size, &certificate, &key),
                other => panic!("no loop is written for {other}"),
            },
        })
    }

    /// Makes the handshake.
    pub(crate) fn open(&self, tcp: TcpStream) -> Box<dyn Sending> {
        self.0(tcp)
    }
}

type Open = Box<dyn Fn(TcpStream) -> Box<dyn Sending> + Send + Sync>;

struct Tcp(TcpStream);

impl Sending for Tcp {
    fn send(&mut self, file: &File, size: u64) -> io::Result<()> {
        let mut sent = 0;
        while sent < size {
            let rest = usize::try_from(size - sent).unwrap();
            sent += tls_kernel::send_file(self.0.as_fd(), file, sent, rest)? as u64;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }
}

struct Ours(Stream<Blocking<TcpStream>>, KernelTls);

impl Sending for Ours {
    fn send(&mut self, file: &File, size: u64) -> io::Result<()> {
        assert_eq!(self.0.sendfile(file, 0, size)?, size);
        let kernel = self.1 == KernelTls::Required;
        assert_eq!(self.0.send_path() == SendPath::Kernel, kernel);
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.0.shutdown()
    }
}

fn ours(library: &str, kernel: KernelTls, certificate: Vec<u8>, key: Vec<u8>) -> Open {
    let identity = Identity::from_der(vec![certificate.into()], &key).unwrap();
    let config = ServerConfig::builder(identity).kernel_tls(kernel).build().unwrap();
    let server = Server::new(&config, backend::by_name(library).unwrap()).unwrap();
    Box::new(move |tcp| {
        let mut stream = server.accept(Blocking::new(tcp)).unwrap();
        stream.handshake().unwrap();
        Box::new(Ours(stream, kernel))
    })
}

/// Read and write.
struct Loop<S> {
    stream: S,
    buf: Vec<u8>,
    end: fn(&mut S) -> io::Result<()>,
}

impl<S: Write> Sending for Loop<S> {
    fn send(&mut self, mut file: &File, size: u64) -> io::Result<()> {
        file.rewind()?;
        let mut left = size;
        while left > 0 {
            let most = self.buf.len().min(usize::try_from(left).unwrap());
            let n = file.read(&mut self.buf[..most])?;
            self.stream.write_all(&self.buf[..n])?;
            left -= n as u64;
        }
        self.stream.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        (self.end)(&mut self.stream)
    }
}

fn rustls(size: usize, certificate: Vec<u8>, key: Vec<u8>) -> Open {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], key)
        .unwrap();
    let config = Arc::new(config);
    Box::new(move |tcp| {
        let connection = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        let end = |stream: &mut rustls::StreamOwned<rustls::ServerConnection, TcpStream>| {
            stream.conn.send_close_notify();
            stream.flush()?;
            stream.sock.shutdown(Shutdown::Write)
        };
        Box::new(Loop { stream, buf: vec![0; size], end })
    })
}

// The two libraries have the same calls, and no trait for them.
macro_rules! like_openssl {
    ($library:ident) => {
        fn $library(size: usize, certificate: &[u8], key: &[u8]) -> Open {
            use ::$library::pkey::PKey;
            use ::$library::ssl::{SslAcceptor, SslMethod, SslStream};
            use ::$library::x509::X509;

            let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
            acceptor.set_max_proto_version(None).unwrap(); // TLS 1.3 too
            acceptor.set_certificate(&X509::from_der(certificate).unwrap()).unwrap();
            acceptor.set_private_key(&PKey::private_key_from_der(key).unwrap()).unwrap();
            let acceptor = acceptor.build();
            Box::new(move |tcp| {
                let stream = acceptor.accept(tcp).expect("a handshake");
                let end = |stream: &mut SslStream<TcpStream>| {
                    stream.shutdown().map_err(io::Error::other)?;
                    stream.get_ref().shutdown(Shutdown::Write)
                };
                Box::new(Loop { stream, buf: vec![0; size], end })
            })
        }
    };
}

like_openssl!(openssl);
like_openssl!(boring);
