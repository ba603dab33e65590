//! The listener where the system, the program and the peers fail; time is made up.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use polytls::{Client, ClientConfig, ErrorKind, Server, ServerConfig, backend};
use tls_conformance::Authority;
use tls_hyper::tls_tokio::TlsConnector;
use tls_hyper::{Accept, Failure, TlsListener};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

const NAME: &str = "server.test";

fn ends() -> (TlsConnector, Server) {
    let root = Authority::root("Root of the listener's tests");
    let config = ClientConfig::builder().roots(root.roots()).build().unwrap();
    let client = Client::new(&config, backend::rustls()).unwrap();
    let config = ServerConfig::builder(root.server(NAME)).build().unwrap();
    (client.into(), Server::new(&config, backend::rustls()).unwrap())
}

type Event = io::Result<(Pipe, usize)>;

/// A listener that hears what it is told, and then `always` fails, if it does.
struct Told {
    events: UnboundedReceiver<Event>,
    always: Option<i32>,
    calls: Arc<Mutex<usize>>,
}

impl Accept for Told {
    type Io = Pipe;
    type Addr = usize;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        assert!(*calls < 100_000, "it is tried again without end");
        drop(calls);
        match (self.events.poll_recv(cx), self.always) {
            (Poll::Ready(Some(event)), _) => Poll::Ready(event),
            (Poll::Ready(None) | Poll::Pending, Some(code)) => {
                Poll::Ready(Err(io::Error::from_raw_os_error(code)))
            }
            (Poll::Ready(None) | Poll::Pending, None) => Poll::Pending,
        }
    }

    fn local_addr(&self) -> io::Result<usize> {
        Ok(0)
    }
}

/// A transport; one that is none panics.
struct Pipe(Option<DuplexStream>);

impl Pipe {
    fn io(&mut self) -> Pin<&mut DuplexStream> {
        Pin::new(self.0.as_mut().expect("asked to"))
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io().poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(cx)
    }
}

struct Bench {
    listener: TlsListener<Told>,
    connector: TlsConnector,
    events: UnboundedSender<Event>,
    calls: Arc<Mutex<usize>>,
    failures: Arc<Mutex<Vec<Failure<usize>>>>,
}

impl Bench {
    fn new(always: Option<i32>) -> Self {
        let (connector, server) = ends();
        let (events, told) = unbounded_channel();
        let calls = Arc::new(Mutex::new(0));
        let failures = Arc::new(Mutex::new(Vec::new()));
        let kept = failures.clone();
        let listener =
            TlsListener::new(Told { events: told, always, calls: calls.clone() }, server)
                .on_failure(move |failure| kept.lock().unwrap().push(failure));
        Self { listener, connector, events, calls, failures }
    }

    /// A peer that begins nothing yet.
    fn peer(&self, i: usize) -> DuplexStream {
        let (ours, theirs) = duplex(10_000);
        self.events.send(Ok((Pipe(Some(ours)), i))).unwrap();
        theirs
    }

    /// A peer that does as it should, and stays.
    fn client(&self, i: usize) -> impl Future<Output = ()> + Send + 'static {
        let connecting = self.connector.connect(NAME, self.peer(i));
        async move {
            let stream = connecting.await.unwrap();
            tokio::time::sleep(Duration::from_secs(1_000_000)).await;
            drop(stream);
        }
    }
}

/// "Too many open files", on every system that has it.
const EMFILE: i32 = 24;

#[tokio::test(start_paused = true)]
async fn with_no_file_descriptor_left_it_pauses_and_handshakes_go_on() {
    let mut bench = Bench::new(Some(EMFILE));
    tokio::spawn(bench.client(1));
    let (_stream, peer) = bench.listener.accept().await;
    assert_eq!(peer, 1);
    let begin = Instant::now();
    let minute = timeout(Duration::from_secs(60), bench.listener.accept());
    assert!(minute.await.is_err());
    // Ten milliseconds, twenty, …, and a second at last.
    let calls = *bench.calls.lock().unwrap();
    assert!((60..=70).contains(&calls), "{calls} calls in a minute");
    let failures = bench.failures.lock().unwrap().len();
    assert!((60..=70).contains(&failures), "{failures} reports");
    assert!(matches!(bench.failures.lock().unwrap()[0], Failure::Accept(_)));
    assert_eq!(begin.elapsed().as_secs(), 60);
    // There is one again: it is heard within a second.
    tokio::spawn(bench.client(2));
    let accepted = timeout(Duration::from_millis(1001), bench.listener.accept());
    assert_eq!(accepted.await.unwrap().1, 2);
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_gone_make_no_pause() {
    let mut bench = Bench::new(None);
    for _ in 0..1000 {
        bench.events.send(Err(io::ErrorKind::ConnectionAborted.into())).unwrap();
    }
    tokio::spawn(bench.client(1));
    let begin = Instant::now();
    assert_eq!(bench.listener.accept().await.1, 1);
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!(bench.failures.lock().unwrap().len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn silent_peers_are_given_up_at_the_usual_limit() {
    let mut bench = Bench::new(None);
    let silent = (0..600).map(|i| bench.peer(i)).collect::<Vec<_>>();
    tokio::spawn(bench.client(1000));
    let begin = Instant::now();
    // There are more of them than places.
    assert_eq!(bench.listener.accept().await.1, 1000);
    let limit = TlsListener::<Told>::HANDSHAKE_LIMIT;
    assert_eq!(begin.elapsed().as_secs(), limit.as_secs());
    let timeouts =
        bench.failures.lock().unwrap().iter().filter(|failure| is_timeout(failure)).count();
    assert!(timeouts >= 600 - TlsListener::<Told>::HANDSHAKES_AT_ONCE, "{timeouts}");
    drop(silent);
}

fn is_timeout(failure: &Failure<usize>) -> bool {
    matches!(failure, Failure::Handshake { error, .. } if error.kind() == ErrorKind::Timeout)
}

#[tokio::test]
async fn a_handshake_that_panics_ends_no_other() {
    let mut bench = Bench::new(None);
    bench.events.send(Ok((Pipe(None), 0))).unwrap();
    tokio::spawn(bench.client(1));
    assert_eq!(bench.listener.accept().await.1, 1);
    tokio::spawn(bench.client(2));
    assert_eq!(bench.listener.accept().await.1, 2);
    let failures = bench.failures.lock().unwrap();
    assert!(matches!(failures[..], [Failure::Panic(_)]), "{failures:?}");
}

/// As in a loop with `select!`, which drops it each time that something else is ready.
#[tokio::test]
async fn accepting_can_be_dropped_and_begun_again() {
    let mut bench = Bench::new(None);
    let mut clients = JoinSet::new();
    for i in 0..20 {
        clients.spawn(bench.client(i));
    }
    let (mut accepted, mut lost) = (Vec::new(), 0);
    while accepted.len() < 20 {
        let polled = {
            let mut accepting = pin!(bench.listener.accept());
            poll_fn(|cx| Poll::Ready(accepting.as_mut().poll(cx))).await
        };
        match polled {
            Poll::Ready((stream, peer)) => accepted.push((peer, stream)),
            Poll::Pending => {
                lost += 1;
                tokio::task::yield_now().await;
            }
        }
        assert!(lost < 1_000_000, "no end");
    }
    accepted.sort_by_key(|(peer, _)| *peer);
    assert!(accepted.iter().map(|(peer, _)| *peer).eq(0..20));
    assert!(lost > 0);
}

/// Who does not take what is accepted has the others wait outside.
#[tokio::test(start_paused = true)]
async fn nothing_piles_up_that_nobody_takes() {
    let mut bench = Bench::new(None);
    bench.listener = bench.listener.handshakes_at_once(5);
    let mut clients = JoinSet::new();
    for i in 0..20 {
        clients.spawn(bench.client(i));
    }
    let first = bench.listener.accept().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.listener.handshakes(), 4);
    let mut all = vec![first];
    while all.len() < 20 {
        all.push(bench.listener.accept().await);
        assert!(bench.listener.handshakes() < 5);
    }
    assert!(bench.failures.lock().unwrap().is_empty());
}

#[test]
fn the_types_are_what_runtimes_ask_for() {
    fn sent<T: Send + Sync + 'static>() {}
    sent::<TlsListener>();
    sent::<tls_hyper::HttpsServer>();
    sent::<Failure>();
    sent::<tls_hyper::TlsInfo>();
    sent::<tls_hyper::HttpsConnector>();
    sent::<tls_hyper::HttpsConnector<tls_hyper::Tunnel<tls_hyper::HttpsConnector>>>();
}
