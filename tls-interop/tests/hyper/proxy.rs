//! An HTTP proxy that makes tunnels, and remembers what it saw.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use polytls::Server;
use tls_hyper::http::Uri;
use tls_hyper::tls_tokio::TlsAcceptor;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A proxy that has begun.
pub(crate) struct Proxy {
    address: SocketAddr,
    is_https: bool,
    /// The heads of the requests that it was sent.
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// A proxy for anybody, or for who says `wanted`; with TLS, if it has a server for that.
    pub(crate) async fn start(tls: Option<Server>, wanted: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let is_https = tls.is_some();
        let acceptor = tls.map(TlsAcceptor::new);
        let heads = Arc::new(Mutex::new(Vec::new()));
        let told = heads.clone();
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (acceptor, told) = (acceptor.clone(), told.clone());
                tokio::spawn(async move {
                    match acceptor {
                        // A handshake that fails is the client's affair.
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(tcp).await {
                                serve(stream, &told, wanted).await;
                            }
                        }
                        None => serve(tcp, &told, wanted).await,
                    }
                });
            }
        });
        Self { address, is_https, heads }
    }

    pub(crate) fn uri(&self) -> Uri {
        let scheme = if self.is_https { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port()).parse().unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// Reads a request, and does as it says.
async fn serve<IO>(mut client: IO, heads: &Mutex<Vec<String>>, wanted: Option<&str>)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    let said = head.lines().find_map(|line| line.strip_prefix("proxy-authorization: "));
    if wanted.is_some() && said != wanted {
        let refusal = "HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\
                       Content-Length: 3\r\n\r\nno\n";
        let _ = client.write_all(refusal.as_bytes()).await;
        let _ = client.shutdown().await;
        return;
    }
    let mut words = head.split(' ');
    assert_eq!(words.next(), Some("CONNECT"), "{head}");
    let mut target = TcpStream::connect(words.next().unwrap()).await.unwrap();
    // From here on both end as they like.
    let _ = client.write_all(b"HTTP/1.1 200 Go ahead\r\nVia: 1.1 test\r\n\r\n").await;
    let _ = client.flush().await;
    let _ = copy_bidirectional(&mut client, &mut target).await;
}
