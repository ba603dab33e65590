//! The listener.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tls_core::{Error, Server};
use tls_tokio::{TlsAcceptor, TlsStream};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep};

use super::failure::Report;
use super::{Accept, Failure};

/// Listens for TLS connections: what it accepts has its handshake behind it.
///
/// Handshakes go on at the same time, each in a task of its own, so that a slow peer keeps nobody else
/// waiting. One that fails, or takes longer than the [limit](Self::handshake_limit), is
/// [reported](Self::on_failure) and forgotten. Not more than a [number](Self::handshakes_at_once) of them
/// are under way; who comes later waits in the system's queue.
///
/// It works while [`accept`](Self::accept) is being awaited. Dropping it ends the handshakes.
pub struct TlsListener<L: Accept = TcpListener> {
    inner: L,
    acceptor: TlsAcceptor,
    /// Those under way, and those done that nobody has taken yet.
    handshakes: JoinSet<Outcome<L>>,
    at_once: usize,
    /// What is still to be waited for before the next is accepted.
    pause: Option<Pin<Box<Sleep>>>,
    next_pause: Duration,
    report: Report<L::Addr>,
}

type Outcome<L> = (<L as Accept>::Addr, io::Result<TlsStream<<L as Accept>::Io>>);

impl<L: Accept> TlsListener<L> {
    /// How long a handshake may take if nothing else is said: less than an acceptor alone allows, as who
    /// takes long also takes a place.
    pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

    /// How many handshakes are under way at once if nothing else is said.
    pub const HANDSHAKES_AT_ONCE: usize = 512;

    /// Serves as `server` those whom `inner` accepts, also after it is
    /// [reloaded](Server::reload). Some library has to have compiled it with
    /// `alpn(["h2", "http/1.1"])` for clients to find HTTP/2.
    pub fn new(inner: L, server: Server) -> Self {
        Self {
            inner,
            acceptor: TlsAcceptor::new(server).handshake_limit(Some(Self::HANDSHAKE_LIMIT)),
            handshakes: JoinSet::new(),
            at_once: Self::HANDSHAKES_AT_ONCE,
            pause: None,
            next_pause: FIRST_PAUSE,
            report: Report::nobody(),
        }
    }

    /// Limits how long a handshake may take, however slowly the client trickles its bytes. `None` is for
    /// ever: clients that do nothing then take one place after the other.
    #[must_use]
    pub fn handshake_limit(mut self, limit: Option<Duration>) -> Self {
        self.acceptor = self.acceptor.handshake_limit(limit);
        self
    }

    /// Limits how many handshakes are under way at once, with those done that nobody has taken yet; at
    /// least one is.
    #[must_use]
    pub fn handshakes_at_once(mut self, limit: usize) -> Self {
        self.at_once = limit.max(1);
        self
    }

    /// Calls `hook` with whatever goes wrong, to log and to count it. The caller's task calls it, so it
    /// should not take long.
    #[must_use]
    pub fn on_failure(mut self, hook: impl Fn(Failure<L::Addr>) + Send + Sync + 'static) -> Self {
        self.report = Report::to(hook);
        self
    }

    /// Waits for the next connection whose handshake is done. Dropped before it is ready, it has lost
    /// nothing.
    ///
    /// # Panics
    ///
    /// Outside of a runtime of tokio's with time; where the [hook](Self::on_failure) does.
    pub async fn accept(&mut self) -> (TlsStream<L::Io>, L::Addr) {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// The same, for who polls by hand.
    ///
    /// # Panics
    ///
    /// As [`accept`](Self::accept).
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<(TlsStream<L::Io>, L::Addr)> {
        loop {
            // First, as each that ends below makes room for another.
            self.begin(cx);
            match self.handshakes.poll_join_next(cx) {
                Poll::Ready(Some(Ok((peer, Ok(stream))))) => return Poll::Ready((stream, peer)),
                Poll::Ready(Some(Ok((peer, Err(e))))) => {
                    self.report.tell(Failure::Handshake { peer, error: Error::from(e) });
                }
                Poll::Ready(Some(Err(e))) => self.report.tell(Failure::Panic(e)),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<L::Addr> {
        self.inner.local_addr()
    }

    /// The handshakes under way, with those done that nobody has taken yet.
    pub fn handshakes(&self) -> usize {
        self.handshakes.len()
    }

    /// The listener inside.
    pub fn get_ref(&self) -> &L {
        &self.inner
    }

    pub(super) fn report(&self) -> Report<L::Addr> {
        self.report.clone()
    }

    /// Begins the handshakes of those who are waiting, as far as there is room.
    fn begin(&mut self, cx: &mut Context<'_>) {
        while self.handshakes.len() < self.at_once {
            if let Some(pause) = &mut self.pause {
                if pause.as_mut().poll(cx).is_pending() {
                    return;
                }
                self.pause = None;
            }
            match self.inner.poll_accept(cx) {
                Poll::Ready(Ok((io, peer))) => {
                    self.next_pause = FIRST_PAUSE;
                    let handshake = self.acceptor.accept(io); // its time begins here
                    self.handshakes.spawn(async move { (peer, handshake.await) });
                }
                Poll::Ready(Err(e)) => self.hold_back(e),
                Poll::Pending => return,
            }
        }
    }

    /// Does not try again at once what is likely to fail again: with no file descriptor left, a
    /// connection stays in the queue, and accepting would be tried without end.
    fn hold_back(&mut self, e: io::Error) {
        let of_one = [
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::Interrupted,
        ];
        if !of_one.contains(&e.kind()) {
            self.pause = Some(Box::pin(sleep(self.next_pause)));
            self.next_pause = (self.next_pause * 2).min(LAST_PAUSE);
        }
        self.report.tell(Failure::Accept(e));
    }
}

impl<L: Accept + fmt::Debug> fmt::Debug for TlsListener<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsListener")
            .field("inner", &self.inner)
            .field("acceptor", &self.acceptor)
            .field("handshakes", &self.handshakes.len())
            .field("at_once", &self.at_once)
            .finish_non_exhaustive()
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(10);

const LAST_PAUSE: Duration = Duration::from_secs(1);
