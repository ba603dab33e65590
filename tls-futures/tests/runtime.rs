//! On smol.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests

use std::fmt::Debug;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};
use polytls::{Alert, ChannelBinding, Client, ErrorKind, Pipe, Server, Transport, backend, pipe};
use smol::Timer;
use smol::future::{or, yield_now};
use smol::io::{AsyncReadExt, AsyncWriteExt, copy, split};
use smol::net::{TcpListener, TcpStream};
use tls_conformance::Authority;
use tls_futures::{Handshake, TlsAcceptor, TlsConnector, TlsIncoming, TlsStream};

const NAME: &str = "server.test";

/// A client and a server that get along.
fn ends() -> (TlsConnector, Server) {
    let root = Authority::root("Root of the adapter's tests");
    let config = polytls::ClientConfig::builder().roots(root.roots()).build().unwrap();
    let client = Client::new(&config, backend::rustls()).unwrap();
    let config = polytls::ServerConfig::builder(root.server(NAME)).build().unwrap();
    (client.into(), Server::new(&config, backend::rustls()).unwrap())
}

/// A pipe in memory.
#[derive(Debug)]
struct Memory(Pipe);

fn memory(room: usize) -> (Memory, Memory) {
    let (a, b) = pipe(room);
    (Memory(a), Memory(b))
}

impl AsyncRead for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buf)
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, &[IoSlice::new(buf)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

#[test]
fn the_types_are_what_runtimes_ask_for() {
    fn shared<T: Send + Sync + Unpin + Debug + 'static>() {}
    fn spawned<F: Future + Send + 'static>(_: F) {}
    shared::<TlsStream<TcpStream>>();
    shared::<TlsStream<TlsStream<TcpStream>>>();
    shared::<Handshake<TcpStream>>();
    shared::<TlsIncoming<TcpStream>>();
    shared::<TlsConnector>();
    shared::<TlsAcceptor>();
    let (connector, server) = ends();
    let (a, b) = memory(1);
    spawned(connector.connect(NAME, a).until(Timer::never()));
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

#[test]
fn a_silent_client_is_given_up_at_the_deadline() {
    smol::block_on(async {
        let (_, server) = ends();
        let (ours, mut theirs) = memory(1000);
        let begin = Instant::now();
        let limit = Duration::from_millis(200);
        let accepting = TlsAcceptor::new(server).accept(ours);
        let e = accepting.until(Timer::after(limit)).await.unwrap_err();
        assert!(is_timeout(&e), "{e:?}");
        assert!(begin.elapsed() >= limit && begin.elapsed() < 50 * limit);
        assert_eq!(theirs.read(&mut [0; 10]).await.unwrap(), 0, "the transport is dropped");
    });
}

#[test]
fn a_trickling_client_is_given_up_at_the_deadline() {
    smol::block_on(async {
        let (connector, server) = ends();
        let (ours, mut theirs) = memory(10_000);
        let connecting = smol::spawn(connector.connect(NAME, ours));
        let mut hello = vec![0; 10_000];
        let n = theirs.read(&mut hello).await.unwrap();
        let (ours, mut peer) = memory(1000);
        let (late, deadline) = smol::channel::bounded(1);
        let trickling = smol::spawn(async move {
            let mut taken = 0;
            for byte in &hello[..n] {
                if peer.write_all(&[*byte]).await.is_err() {
                    break;
                }
                taken += 1;
                if taken == 20 {
                    late.send(()).await.unwrap();
                }
                Timer::after(Duration::from_millis(1)).await;
            }
            taken
        });
        let accepting = TlsAcceptor::new(server).accept(ours);
        let e = accepting.until(deadline.recv()).await.unwrap_err();
        assert!(is_timeout(&e), "{e:?}");
        let taken = trickling.await;
        assert!((20..n).contains(&taken), "{taken} of {n} bytes");
        drop(connecting);
    });
}

/// The future that loses a race can be made again.
#[test]
fn a_hello_can_be_raced_with_a_timer() {
    smol::block_on(async {
        let (connector, server) = ends();
        let (ours, theirs) = memory(1000);
        let mut incoming = TlsIncoming::new(ours);
        let late = || async {
            Timer::after(Duration::from_millis(50)).await;
            Err(io::ErrorKind::TimedOut.into())
        };
        let e = or(incoming.hello(), late()).await.unwrap_err();
        assert_eq!(e.kind(), io::ErrorKind::TimedOut);
        let connecting = smol::spawn(connector.connect(NAME, theirs));
        assert_eq!(incoming.hello().await.unwrap().server_name.as_deref(), Some(NAME));
        incoming.accept(&server).await.unwrap();
        connecting.await.unwrap();
    });
}

#[test]
fn a_client_can_be_refused_before_any_server_is_chosen() {
    smol::block_on(async {
        let (connector, _) = ends();
        let (ours, theirs) = memory(5);
        let connecting = smol::spawn(connector.connect(NAME, theirs));
        let mut incoming = TlsIncoming::new(ours);
        incoming.hello().await.unwrap();
        incoming.refuse(Alert::UNRECOGNIZED_NAME).await.unwrap();
        let e = polytls::Error::from(connecting.await.unwrap_err());
        assert_eq!(e.kind(), ErrorKind::AlertReceived(Alert::UNRECOGNIZED_NAME));
    });
}

/// Who races a handshake with something else goes on where it was.
#[test]
fn a_handshake_can_lose_a_race_and_go_on() {
    smol::block_on(async {
        let (connector, server) = ends();
        let (ours, theirs) = memory(100);
        let mut accepting = TlsAcceptor::new(server).accept(ours);
        let connecting = smol::spawn(connector.connect(NAME, theirs));
        let mut lost = 0;
        let accepted = loop {
            let accepting = async { Some((&mut accepting).await) };
            let other = async {
                yield_now().await;
                None
            };
            match or(accepting, other).await {
                Some(accepted) => break accepted,
                None => lost += 1,
            }
            assert!(lost < 10_000_000, "no end");
        };
        accepted.unwrap();
        connecting.await.unwrap();
        assert!(lost > 0);
    });
}

/// Echoes to the end.
async fn echo<IO>(acceptor: TlsAcceptor, io: IO) -> io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let (reader, mut writer) = split(acceptor.accept(io).await?);
    copy(reader, &mut writer).await?;
    writer.close().await
}

/// Sends all of it and receives all of it, each in a task of its own.
async fn exchange<IO>(stream: TlsStream<IO>, data: Arc<Vec<u8>>) -> Vec<u8>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut reader, mut writer) = split(stream);
    let sending = smol::spawn(async move {
        writer.write_all(&data).await?;
        writer.close().await
    });
    let mut got = Vec::new();
    reader.read_to_end(&mut got).await.unwrap();
    sending.await.unwrap();
    got
}

/// Ends with a failure instead of never.
async fn in_a_minute<F: Future>(future: F) -> F::Output {
    or(async { Some(future.await) }, async {
        Timer::after(Duration::from_secs(60)).await;
        None
    })
    .await
    .expect("it takes longer than a minute")
}

#[test]
fn both_sides_have_the_same_secrets_to_give() {
    let (connector, server) = ends();
    let (ours, theirs) = memory(10_000);
    let acceptor = TlsAcceptor::from(server);
    let both = smol::future::zip(connector.connect(NAME, ours), acceptor.accept(theirs));
    let (a, b) = smol::block_on(both);
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

/// The reader in this thread, the writer in the runtime's.
#[test]
fn the_halves_of_a_stream_work_on_different_threads() {
    smol::block_on(in_a_minute(async {
        let (connector, server) = ends();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let echoing = smol::spawn(echo(server.into(), listener.accept().await.unwrap().0));
        let data = Arc::new((0..5_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<_>>());
        let stream = connector.connect(NAME, tcp).await.unwrap();
        assert!(stream.negotiated().is_some() && stream.get_ref().peer_addr().is_ok());
        assert!(exchange(stream, data.clone()).await == *data);
        echoing.await.unwrap();
    }));
}

/// All of them are open at once, some over sockets and more in memory: a process may have no more than
/// 1024 sockets.
#[test]
fn a_thousand_connections_share_a_runtime() {
    const SOCKETS: usize = 300;
    const ALL: usize = 1000;
    let open = Arc::new(AtomicUsize::new(0));
    smol::block_on(in_a_minute(async {
        let (connector, server) = ends();
        let acceptor = TlsAcceptor::from(server);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let data = Arc::new((0..20_000_u32).map(|i| (i % 241) as u8).collect::<Vec<_>>());
        let mut clients = Vec::new();
        let mut servers = Vec::new();
        for i in 0..ALL {
            if i < SOCKETS {
                let tcp = TcpStream::connect(address).await.unwrap();
                servers
                    .push(smol::spawn(echo(acceptor.clone(), listener.accept().await.unwrap().0)));
                clients.push(smol::spawn(talk(connector.clone(), tcp, open.clone(), data.clone())));
            } else {
                let (a, b) = memory(3000);
                servers.push(smol::spawn(echo(acceptor.clone(), a)));
                clients.push(smol::spawn(talk(connector.clone(), b, open.clone(), data.clone())));
            }
        }
        for client in clients {
            client.await;
        }
        for server in servers {
            server.await.unwrap();
        }
    }));

    async fn talk<IO>(connector: TlsConnector, io: IO, open: Arc<AtomicUsize>, data: Arc<Vec<u8>>)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = connector.connect(NAME, io).await.unwrap();
        open.fetch_add(1, Ordering::SeqCst);
        while open.load(Ordering::SeqCst) < ALL {
            Timer::after(Duration::from_millis(10)).await;
        }
        assert!(exchange(stream, data.clone()).await == *data);
    }
}

/// On one thread, one connection works while others wait for peers that do nothing. A call that blocked
/// would stop them all, and the thread that watches.
#[test]
fn who_waits_keeps_nobody_else_from_running() {
    let (done, watch) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let executor = smol::LocalExecutor::new();
        smol::block_on(executor.run(async {
            let (connector, server) = ends();
            let acceptor = TlsAcceptor::from(server);
            let mut kept = Vec::new();
            // A client that says nothing, and a server that says nothing.
            let (silent, ours) = memory(1000);
            kept.push(silent);
            let unheard = executor.spawn(acceptor.accept(ours));
            let (silent, ours) = memory(10_000);
            kept.push(silent);
            let unanswered = executor.spawn(connector.connect(NAME, ours));
            // A writer whose peer reads nothing, and with it a reader who gets nothing.
            let (a, b) = memory(100_000);
            let accepting = executor.spawn(acceptor.accept(a));
            let (mut reader, mut writer) = split(connector.connect(NAME, b).await.unwrap());
            let _deaf = accepting.await.unwrap();
            let stuck = executor.spawn(async move { writer.write_all(&vec![7; 50_000_000]).await });
            let waiting = executor.spawn(async move { reader.read(&mut [0; 10]).await });
            Timer::after(Duration::from_millis(100)).await;

            let (a, b) = memory(1000);
            let echoing = executor.spawn(echo(acceptor, a));
            let mut stream = connector.connect(NAME, b).await.unwrap();
            stream.write_all(b"still here").await.unwrap();
            stream.close().await.unwrap();
            let mut got = Vec::new();
            stream.read_to_end(&mut got).await.unwrap();
            assert_eq!(got, b"still here");
            echoing.await.unwrap();
            assert!(!unheard.is_finished() && !unanswered.is_finished());
            assert!(!stuck.is_finished() && !waiting.is_finished());
        }));
        done.send(()).unwrap();
    });
    watch.recv_timeout(Duration::from_secs(60)).expect("somebody blocks the thread");
}

#[test]
fn a_file_arrives_between_writes() {
    let (connector, server) = ends();
    let data: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, &data).unwrap();
    let (a, b) = memory(2000);
    let sending = async {
        let mut stream = TlsAcceptor::from(server).accept(b).await?;
        stream.write_all(b"before").await?;
        let mut at = 0;
        while at < 300_000 {
            at += stream.sendfile(&file, at, 300_000 - at).await?;
        }
        stream.write_all(b"after").await?;
        assert!(stream.sendfile(&file, 300_000, 1).await.is_err());
        assert_eq!(stream.sendfile(&file, 300_000, 0).await?, 0);
        assert_eq!(stream.send_path(), polytls::SendPath::UserSpace);
        stream.close().await?;
        io::Result::Ok(())
    };
    let receiving = async {
        let mut stream = connector.connect(NAME, a).await?;
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await?;
        io::Result::Ok(got)
    };
    let (sent, got) = smol::block_on(smol::future::zip(sending, receiving));
    sent.unwrap();
    assert!(got.unwrap() == [b"before", data.as_slice(), b"after"].concat());
}
