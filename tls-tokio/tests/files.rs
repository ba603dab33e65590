//! Files on tokio.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests

use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use polytls::{Client, ErrorKind, KernelRefusal, KernelTls, SendPath, Server, backend};
use tls_conformance::Authority;
use tls_tokio::{TlsAcceptor, TlsConnector, TlsStream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

const NAME: &str = "server.test";

fn ends() -> (TlsConnector, TlsAcceptor) {
    let root = Authority::root("Root of the adapter's files");
    let config = polytls::ClientConfig::builder().roots(root.roots()).build().unwrap();
    let client = Client::new(&config, backend::rustls()).unwrap();
    let config = polytls::ServerConfig::builder(root.server(NAME));
    let config = config.kernel_tls(KernelTls::Auto).build().unwrap();
    (client.into(), Server::new(&config, backend::rustls()).unwrap().into())
}

async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (near, listener.accept().await.unwrap().0)
}

fn content(len: usize) -> (Vec<u8>, File) {
    let data: Vec<u8> = (0..len as u32).map(|i| (i % 251) as u8).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&data).unwrap();
    (data, file)
}

async fn send_all<IO: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut TlsStream<IO>,
    file: &File,
    mut at: u64,
    end: u64,
) -> io::Result<()> {
    while at < end {
        at += stream.sendfile(file, at, end - at).await?;
    }
    Ok(())
}

fn is_the_files_fault(e: &io::Error) -> bool {
    let inside = e.get_ref().and_then(|inside| inside.downcast_ref::<polytls::Error>());
    inside.is_some_and(|e| e.kind() == ErrorKind::File)
}

/// In the kernel where it has TLS, which `KTLS_REQUIRED` in the environment says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_over_tcp_and_stay_in_order() {
    const SIZE: usize = 20_000_000;
    let (connector, acceptor) = ends();
    let (data, file) = content(SIZE);
    let (near, far) = tcp().await;
    let server = tokio::spawn(async move {
        let mut stream = acceptor.accept(far).await?;
        assert_eq!(stream.kernel_refusal(), None, "nobody has tried");
        stream.offer_socket();
        assert_eq!(stream.read_u8().await?, b'?');
        stream.write_all(b"before").await?;
        send_all(&mut stream, &file, 0, SIZE as u64).await?;
        stream.write_all(b"after").await?;
        match std::env::var_os("KTLS_REQUIRED") {
            Some(_) => assert_eq!(stream.send_path(), SendPath::Kernel),
            None => assert_eq!(
                stream.send_path() == SendPath::UserSpace,
                stream.kernel_refusal().is_some(),
                "{:?}",
                stream.kernel_refusal()
            ),
        }
        assert_ne!(stream.kernel_refusal(), Some(KernelRefusal::NoDescriptor));
        assert_eq!(stream.kernel().await?, stream.send_path());
        let e = stream.sendfile(&file, SIZE as u64, 1).await.unwrap_err();
        assert!(is_the_files_fault(&e), "{e:?}");
        stream.shutdown().await?;
        assert_eq!(stream.read(&mut [0; 8]).await?, 0);
        assert!(stream.close_received());
        io::Result::Ok(())
    });
    let exchange = async {
        let mut stream = connector.connect(NAME, near).await?;
        stream.write_all(b"?").await?;
        stream.flush().await?;
        // Long enough for the other's socket to be full.
        sleep(Duration::from_millis(100)).await;
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await?;
        stream.shutdown().await?;
        io::Result::Ok(got)
    };
    let got = timeout(Duration::from_secs(60), exchange).await.unwrap().unwrap();
    server.await.unwrap().unwrap();
    assert!(got.len() == SIZE + 11 && got.starts_with(b"before") && got.ends_with(b"after"));
    assert!(got[6..][..SIZE] == data);
}

#[tokio::test]
async fn a_socket_that_was_not_offered_is_none() {
    let (connector, acceptor) = ends();
    let (data, file) = content(100_000);
    let (near, far) = tcp().await;
    let (near, far) = tokio::join!(connector.connect(NAME, near), acceptor.accept(far));
    let (mut near, mut far) = (near.unwrap(), far.unwrap());
    let mut got = vec![0; data.len()];
    let (read, sent) = tokio::join!(near.read_exact(&mut got), async {
        send_all(&mut far, &file, 0, 100_000).await?;
        far.flush().await
    });
    read.and(sent.map(|()| 0)).unwrap();
    assert!(got == data);
    assert_eq!(far.kernel_refusal(), Some(KernelRefusal::NoDescriptor));
    assert_eq!(near.kernel_refusal(), Some(KernelRefusal::NotWanted));
}

#[tokio::test]
async fn a_future_that_is_dropped_has_taken_nothing() {
    let (connector, acceptor) = ends();
    let (data, file) = content(300_000);
    let (near, far) = duplex(2000);
    let (near, far) = tokio::join!(connector.connect(NAME, near), acceptor.accept(far));
    let (near, mut far) = (near.unwrap(), far.unwrap());
    let (mut near, _writer) = split(near);
    let reading = tokio::spawn(async move {
        let mut got = vec![0; 300_000];
        for piece in got.chunks_mut(10_000) {
            near.read_exact(piece).await?;
            sleep(Duration::from_millis(1)).await;
        }
        io::Result::Ok(got)
    });
    let (mut at, mut dropped) = (0, 0);
    while at < 300_000 {
        tokio::select! {
            biased;
            n = far.sendfile(&file, at, 300_000 - at) => at += n.unwrap(),
            () = sleep(Duration::from_micros(300)) => dropped += 1,
        }
    }
    far.flush().await.unwrap();
    assert!(timeout(Duration::from_secs(60), reading).await.unwrap().unwrap().unwrap() == data);
    assert!(dropped > 0, "no future was dropped");
}
