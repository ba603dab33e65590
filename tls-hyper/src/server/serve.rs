//! hyper on the listener, for who has no framework that does it.

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, pending};
use std::pin::pin;

use hyper::body::{Body, Incoming};
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tls_tokio::TlsStream;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};

use super::failure::Report;
use super::{Accept, Failure, TlsInfo, TlsListener};

/// Serves HTTP/1.1 and HTTP/2 to whom a [`TlsListener`] accepts.
///
/// Requests have a [`TlsInfo`] in their extensions. What breaks a connection is told to the listener's
/// [hook](TlsListener::on_failure), and ends no other.
pub struct HttpsServer<L: Accept = TcpListener> {
    listener: TlsListener<L>,
    http: auto::Builder<TokioExecutor>,
}

impl<L: Accept> HttpsServer<L> {
    /// Serves whom `listener` accepts, with hyper's settings and timers.
    pub fn new(listener: TlsListener<L>) -> Self {
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1().timer(TokioTimer::new());
        http.http2().timer(TokioTimer::new());
        Self { listener, http }
    }

    /// hyper's settings, to be changed.
    pub fn http(&mut self) -> &mut auto::Builder<TokioExecutor> {
        &mut self.http
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
        let graceful = GracefulShutdown::new();
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
                        watcher: graceful.watcher(),
                    };
                    connections.spawn(connection.serve(stream));
                }
            }
        }
        drop(listener);
        let mut ended = pin!(graceful.shutdown());
        let mut all_told = false;
        while !(all_told && connections.is_empty()) {
            tokio::select! {
                () = &mut ended, if !all_told => all_told = true,
                Some(ended) = connections.join_next() => panicked(ended, &report),
            }
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

/// What serves one connection.
struct OneConnection<S, A> {
    http: auto::Builder<TokioExecutor>,
    service: S,
    info: TlsInfo<A>,
    report: Report<A>,
    watcher: Watcher,
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
        let Self { http, service, info, report, watcher } = self;
        let peer = info.peer().clone();
        let is_h2 = info.negotiated().alpn.as_deref() == Some(b"h2");
        let service = Informed { service, info };
        let io = TokioIo::new(stream);
        let served = match is_h2 {
            true => {
                let http = http.http2_only();
                watcher.watch(http.serve_connection(io, service)).await
            }
            // Without ALPN, what the client begins with decides.
            false => watcher.watch(http.serve_connection_with_upgrades(io, service)).await,
        };
        match served {
            // The time for a next request, or for the first, is over: an end like any other.
            Err(e) if e.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout) => {}
            Err(error) => report.tell(Failure::Connection { peer, error }),
            Ok(()) => {}
        }
    }
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
