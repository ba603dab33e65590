//! hyper on the listener, for who has no framework that does it.

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, pending};
use std::pin::{Pin, pin};

use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tls_tokio::TlsStream;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::failure::Report;
use super::{Accept, Failure, TlsInfo, TlsListener};

/// Serves HTTP/1.1 and HTTP/2 to whom a [`TlsListener`] accepts.
///
/// Which of them is what the handshake has settled (ALPN, RFC 9113 §3.2): HTTP/2 is spoken with who
/// agreed on `h2`, and HTTP/1.1 with everybody else. Requests have a [`TlsInfo`] in their extensions. What
/// breaks a connection is told to the listener's [hook](TlsListener::on_failure), and ends no other.
pub struct HttpsServer<L: Accept = TcpListener> {
    listener: TlsListener<L>,
    http: Http,
}

impl<L: Accept> HttpsServer<L> {
    /// Serves whom `listener` accepts, with hyper's settings and timers.
    pub fn new(listener: TlsListener<L>) -> Self {
        let (mut one, mut two) = (http1::Builder::new(), http2::Builder::new(TokioExecutor::new()));
        one.timer(TokioTimer::new());
        two.timer(TokioTimer::new());
        Self { listener, http: Http { one, two } }
    }

    /// hyper's settings for HTTP/1.1, to be changed: for how long a client may say nothing, for example.
    pub fn http1(&mut self) -> &mut http1::Builder {
        &mut self.http.one
    }

    /// hyper's settings for HTTP/2, to be changed.
    pub fn http2(&mut self) -> &mut http2::Builder<TokioExecutor> {
        &mut self.http.two
    }

    /// Serves for ever. Dropping the future ends all connections.
    ///
    /// # Panics
    ///
    /// As [`TlsListener::accept`].
    pub async fn serve<S, B>(self, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn StdError + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.serve_until(service, pending()).await;
    }

    /// Serves until `stop` is ready; then accepts no more, lets requests under way be answered, closes
    /// the connections, and is ready. How long that may take is up to the caller: dropping the future
    /// ends all connections.
    ///
    /// # Panics
    ///
    /// As [`TlsListener::accept`].
    pub async fn serve_until<S, B>(self, service: S, stop: impl Future<Output = ()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn StdError + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let Self { mut listener, http } = self;
        let report = listener.report();
        let (stopping, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(ended) = connections.join_next() => panicked(ended, &report),
                (stream, peer) = listener.accept() => {
                    let negotiated = stream.negotiated().unwrap_or_default();
                    let connection = OneConnection {
                        http: http.clone(),
                        service: service.clone(),
                        info: TlsInfo::new(peer, negotiated),
                        report: report.clone(),
                        stopped: stopped.clone(),
                    };
                    connections.spawn(connection.serve(stream));
                }
            }
        }
        drop(listener);
        stopping.send_replace(());
        while let Some(ended) = connections.join_next().await {
            panicked(ended, &report);
        }
    }
}

impl<L: Accept + fmt::Debug> fmt::Debug for HttpsServer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsServer").field("listener", &self.listener).finish_non_exhaustive()
    }
}

fn panicked<A>(ended: Result<(), JoinError>, report: &Report<A>) {
    if let Err(e) = ended {
        report.tell(Failure::Panic(e));
    }
}

/// hyper's settings.
#[derive(Clone)]
struct Http {
    one: http1::Builder,
    two: http2::Builder<TokioExecutor>,
}

/// What serves one connection.
struct OneConnection<S, A> {
    http: Http,
    service: S,
    info: TlsInfo<A>,
    report: Report<A>,
    stopped: watch::Receiver<()>,
}

impl<S, A: Clone + Send + Sync + 'static> OneConnection<S, A> {
    async fn serve<IO, B>(self, stream: TlsStream<IO>)
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Error: Into<Box<dyn StdError + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let Self { http, service, info, report, stopped } = self;
        let peer = info.peer().clone();
        let is_h2 = info.negotiated().alpn.as_deref() == Some(b"h2");
        let service = Informed { service, info };
        let io = TokioIo::new(stream);
        let served = match is_h2 {
            true => {
                let connection = http.two.serve_connection(io, service);
                until(stopped, connection, |connection| connection.graceful_shutdown()).await
            }
            false => {
                let connection = http.one.serve_connection(io, service).with_upgrades();
                until(stopped, connection, |connection| connection.graceful_shutdown()).await
            }
        };
        match served {
            // The time for a next request, or for the first, is over: an end like any other.
            Err(e) if e.is_timeout() => {}
            Err(e) => report.tell(Failure::Connection { peer, error: e.into() }),
            Ok(()) => {}
        }
    }
}

/// Drives a connection to its end, and has it `wind_down` once the server stops.
async fn until<C: Future>(
    mut stopped: watch::Receiver<()>,
    connection: C,
    wind_down: impl FnOnce(Pin<&mut C>),
) -> C::Output {
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        _ = stopped.changed() => wind_down(connection.as_mut()),
    }
    connection.await
}

/// A service whose requests have what is known of their connection.
struct Informed<S, A> {
    service: S,
    info: TlsInfo<A>,
}

impl<S, A> Service<Request<Incoming>> for Informed<S, A>
where
    S: Service<Request<Incoming>>,
    A: Clone + Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<Incoming>) -> S::Future {
        request.extensions_mut().insert(self.info.negotiated().clone());
        request.extensions_mut().insert(self.info.clone());
        self.service.call(request)
    }
}
