//! On tokio itself.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use polytls::{Alert, ChannelBinding, Client, ErrorKind, Server, backend};
use tls_conformance::Authority;
use tls_tokio::{Handshake, TlsAcceptor, TlsConnector, TlsIncoming, TlsStream};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, copy, duplex, split,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const NAME: &str = "server.test";

/// A client and a server that get along.
fn ends() -> (TlsConnector, Server) {
    let root = Authority::root("Root of the adapter's tests");
    let config = polytls::ClientConfig::builder().roots(root.roots()).build().unwrap();
    let client = Client::new(&config, backend::rustls()).unwrap();
    let config = polytls::ServerConfig::builder(root.server(NAME)).build().unwrap();
    (client.into(), Server::new(&config, backend::rustls()).unwrap())
}

#[test]
fn the_types_are_what_runtimes_ask_for() {
    fn shared<T: Send + Sync + Unpin + Debug + 'static>() {}
    fn spawned<F: Future + Send + 'static>(_: F) {}
    shared::<TlsStream<TcpStream>>();
    shared::<TlsStream<TlsStream<DuplexStream>>>();
    shared::<Handshake<TcpStream>>();
    shared::<TlsIncoming<TcpStream>>();
    shared::<TlsConnector>();
    shared::<TlsAcceptor>();
    let (connector, server) = ends();
    let (a, b) = duplex(1);
    spawned(connector.connect(NAME, a));
    spawned(async move {
        let mut incoming = TlsIncoming::new(b);
        incoming.hello().await?;
        let mut stream = incoming.accept(&server).await?;
        stream.handshake().await?;
        stream.close_notify().await
    });
}

fn is_timeout(e: &io::Error) -> bool {
    let inside = e.get_ref().and_then(|inside| inside.downcast_ref::<polytls::Error>());
    e.kind() == io::ErrorKind::TimedOut && inside.is_some_and(|e| e.kind() == ErrorKind::Timeout)
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_given_up_at_the_usual_limit() {
    let (_, server) = ends();
    let (ours, mut theirs) = duplex(1000);
    let begin = Instant::now();
    let e = TlsAcceptor::new(server).accept(ours).await.unwrap_err();
    assert!(is_timeout(&e), "{e:?}");
    assert_eq!(begin.elapsed().as_secs(), TlsAcceptor::HANDSHAKE_LIMIT.as_secs());
    assert!(e.to_string().contains("30s"), "{e}");
    assert_eq!(theirs.read(&mut [0; 10]).await.unwrap(), 0, "the transport is dropped");
}

/// Sends a ClientHello, a byte a second, until nobody takes it.
async fn trickle(connector: TlsConnector, mut peer: DuplexStream) {
    let (ours, mut theirs) = duplex(10_000);
    let connecting = tokio::spawn(connector.connect(NAME, ours));
    let mut hello = vec![0; 10_000];
    let n = theirs.read(&mut hello).await.unwrap();
    for byte in &hello[..n] {
        if peer.write_all(&[*byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    connecting.abort();
}

#[tokio::test(start_paused = true)]
async fn a_trickling_client_is_given_up_at_the_limit() {
    let (connector, server) = ends();
    let limit = Duration::from_secs(7);
    let (ours, theirs) = duplex(1000);
    let trickling = tokio::spawn(trickle(connector.clone(), theirs));
    let begin = Instant::now();
    let acceptor = TlsAcceptor::new(server.clone()).handshake_limit(Some(limit));
    let e = acceptor.accept(ours).await.unwrap_err();
    assert!(is_timeout(&e), "{e:?}");
    assert_eq!(begin.elapsed().as_secs(), 7);
    trickling.await.unwrap();

    let (ours, theirs) = duplex(1000);
    let trickling = tokio::spawn(trickle(connector, theirs));
    let begin = Instant::now();
    let mut incoming = TlsIncoming::with_limit(ours, Some(limit));
    for _ in 0..2 {
        let e = incoming.hello().await.unwrap_err();
        assert!(is_timeout(&e), "{e:?}");
        assert_eq!(begin.elapsed().as_secs(), 7);
    }
    drop(incoming);
    trickling.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up_only_if_asked() {
    let (connector, _) = ends();
    let (ours, _theirs) = duplex(10_000);
    let patient = connector.connect(NAME, ours);
    timeout(Duration::from_secs(100_000), patient).await.unwrap_err();
    let (ours, _theirs) = duplex(10_000);
    let begin = Instant::now();
    let connector = connector.handshake_limit(Some(Duration::from_secs(3)));
    assert!(is_timeout(&connector.connect(NAME, ours).await.unwrap_err()));
    assert_eq!(begin.elapsed().as_secs(), 3);
    // For ever is no overflow.
    let (ours, _theirs) = duplex(10_000);
    let connector = connector.handshake_limit(Some(Duration::MAX));
    timeout(Duration::from_secs(10), connector.connect(NAME, ours)).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn the_hello_the_choice_and_the_handshake_have_one_limit() {
    let (connector, server) = ends();
    let (ours, theirs) = duplex(100_000);
    // It is heard, and then says nothing more.
    let connecting = tokio::spawn(async move {
        let mut stream = connector.begin(NAME, theirs)?;
        let _ = timeout(Duration::from_millis(1), stream.handshake()).await;
        sleep(Duration::from_secs(1000)).await;
        io::Result::Ok(stream)
    });
    let begin = Instant::now();
    let mut incoming = TlsIncoming::with_limit(ours, Some(Duration::from_secs(10)));
    assert_eq!(incoming.hello().await.unwrap().server_name.as_deref(), Some(NAME));
    sleep(Duration::from_secs(4)).await;
    assert!(is_timeout(&incoming.accept(&server).await.unwrap_err()));
    assert_eq!(begin.elapsed().as_secs(), 10);
    connecting.abort();
}

#[tokio::test]
async fn a_client_can_be_refused_before_any_server_is_chosen() {
    let (connector, _) = ends();
    let (ours, theirs) = duplex(5);
    let connecting = tokio::spawn(connector.connect(NAME, theirs));
    let mut incoming = TlsIncoming::new(ours);
    incoming.hello().await.unwrap();
    incoming.refuse(Alert::UNRECOGNIZED_NAME).await.unwrap();
    let e = polytls::Error::from(connecting.await.unwrap().unwrap_err());
    assert_eq!(e.kind(), ErrorKind::AlertReceived(Alert::UNRECOGNIZED_NAME));
}

/// Who races a handshake with something else goes on where it was.
#[tokio::test]
async fn a_handshake_can_lose_a_race_and_go_on() {
    let (connector, server) = ends();
    let (ours, theirs) = duplex(100);
    let mut accepting = TlsAcceptor::new(server).accept(ours);
    let connecting = tokio::spawn(connector.connect(NAME, theirs));
    let mut lost = 0;
    let accepted = loop {
        tokio::select! {
            biased;
            accepted = &mut accepting => break accepted,
            () = tokio::task::yield_now() => lost += 1,
        }
        assert!(lost < 100_000, "no end");
    };
    accepted.unwrap();
    connecting.await.unwrap().unwrap();
    assert!(lost > 0);
}

/// Echoes to the end.
async fn echo<IO>(acceptor: TlsAcceptor, io: IO) -> io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let (mut reader, mut writer) = split(acceptor.accept(io).await?);
    copy(&mut reader, &mut writer).await?;
    writer.shutdown().await
}

/// Sends all of it and receives all of it, each in a task of its own.
async fn exchange<IO>(stream: TlsStream<IO>, data: Arc<Vec<u8>>) -> Vec<u8>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut reader, mut writer) = split(stream);
    let sending = tokio::spawn(async move {
        writer.write_all(&data).await?;
        writer.shutdown().await
    });
    let mut got = Vec::new();
    reader.read_to_end(&mut got).await.unwrap();
    sending.await.unwrap().unwrap();
    got
}

#[tokio::test]
async fn both_sides_have_the_same_secrets_to_give() {
    let (connector, server) = ends();
    let (ours, theirs) = duplex(10_000);
    let acceptor = TlsAcceptor::from(server);
    let (a, b) = tokio::join!(connector.connect(NAME, ours), acceptor.accept(theirs));
    let (a, b) = (a.unwrap(), b.unwrap());
    for kind in [ChannelBinding::TlsExporter, ChannelBinding::TlsServerEndPoint] {
        assert_eq!(a.channel_binding(kind).unwrap(), b.channel_binding(kind).unwrap());
    }
    let export = |side: &TlsStream<_>| {
        let mut key = [0; 32];
        side.export_keying_material(&mut key, b"EXPORTER-test", Some(b"a")).map(|()| key)
    };
    assert_eq!(export(&a).unwrap(), export(&b).unwrap());
    assert_ne!(export(&a).unwrap(), [0; 32]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_halves_of_a_stream_work_on_different_threads() {
    let (connector, server) = ends();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let echoing = echo(server.into(), listener.accept().await.unwrap().0);
    let echoing = tokio::spawn(echoing);
    let data = Arc::new((0..5_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<_>>());
    let exchange = async {
        let stream = connector.connect(NAME, tcp).await.unwrap();
        assert!(stream.negotiated().is_some() && stream.get_ref().peer_addr().is_ok());
        exchange(stream, data.clone()).await
    };
    let got = timeout(Duration::from_secs(60), exchange).await.unwrap();
    assert!(got == *data);
    echoing.await.unwrap().unwrap();
}

/// All of them are open at once, some over sockets and more in memory: a process may have no more than
/// 1024 sockets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connections_share_a_runtime() {
    const SOCKETS: usize = 300;
    const ALL: usize = 1000;
    let (connector, server) = ends();
    let acceptor = TlsAcceptor::from(server);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let barrier = Arc::new(Barrier::new(ALL));
    let data = Arc::new((0..20_000_u32).map(|i| (i % 241) as u8).collect::<Vec<_>>());
    let mut clients = JoinSet::new();
    let mut servers = JoinSet::new();
    for i in 0..ALL {
        let (connector, acceptor) = (connector.clone(), acceptor.clone());
        let (barrier, data) = (barrier.clone(), data.clone());
        if i < SOCKETS {
            let tcp = TcpStream::connect(address).await.unwrap();
            servers.spawn(echo(acceptor, listener.accept().await.unwrap().0));
            clients.spawn(async move {
                let stream = connector.connect(NAME, tcp).await.unwrap();
                barrier.wait().await;
                assert!(exchange(stream, data.clone()).await == *data);
            });
        } else {
            let (a, b) = duplex(3000);
            servers.spawn(echo(acceptor, a));
            clients.spawn(async move {
                let stream = connector.connect(NAME, b).await.unwrap();
                barrier.wait().await;
                assert!(exchange(stream, data.clone()).await == *data);
            });
        }
    }
    let all = async {
        while let Some(ended) = clients.join_next().await {
            ended.unwrap();
        }
        while let Some(ended) = servers.join_next().await {
            ended.unwrap().unwrap();
        }
    };
    timeout(Duration::from_secs(60), all).await.unwrap();
}

/// On one thread, one connection works while others wait for peers that do nothing. A call that blocked
/// would stop them all, and the thread that watches.
#[test]
fn who_waits_keeps_nobody_else_from_running() {
    let (done, watch) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (connector, server) = ends();
            let acceptor = TlsAcceptor::from(server);
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            // A client that says nothing, and a server that says nothing.
            let _silent = TcpStream::connect(address).await.unwrap();
            tokio::spawn(acceptor.accept(listener.accept().await.unwrap().0));
            let unheard = TcpStream::connect(address).await.unwrap();
            let _silent_too = listener.accept().await.unwrap().0;
            tokio::spawn(connector.connect(NAME, unheard));
            // A writer whose peer reads nothing, and with it a reader who gets nothing.
            let tcp = TcpStream::connect(address).await.unwrap();
            let accepting = tokio::spawn(acceptor.accept(listener.accept().await.unwrap().0));
            let full = connector.connect(NAME, tcp).await.unwrap();
            let _deaf = accepting.await.unwrap().unwrap();
            tokio::spawn(exchange(full, Arc::new(vec![7; 50_000_000])));
            sleep(Duration::from_millis(100)).await;

            let tcp = TcpStream::connect(address).await.unwrap();
            let echoing = tokio::spawn(echo(acceptor, listener.accept().await.unwrap().0));
            let stream = connector.connect(NAME, tcp).await.unwrap();
            let data = Arc::new(vec![3; 100_000]);
            assert!(exchange(stream, data.clone()).await == *data);
            echoing.await.unwrap().unwrap();
        });
        done.send(()).unwrap();
    });
    watch.recv_timeout(Duration::from_secs(60)).expect("somebody blocks the thread");
}
