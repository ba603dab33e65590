//! Servers and clients of ours, which get along.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use polytls::{Backend, Client, ClientConfig, Identity, Negotiated, Server, ServerConfig};
use tls_conformance::{Authority, Leaf};
use tls_hyper::axum::body::{Body, Bytes, to_bytes};
use tls_hyper::axum::extract::{ConnectInfo, Request};
use tls_hyper::axum::response::Response;
use tls_hyper::axum::routing::{any, get};
use tls_hyper::axum::{self, Router};
use tls_hyper::http::Uri;
use tls_hyper::hyper::service::service_fn;
use tls_hyper::hyper_util::client::legacy;
use tls_hyper::hyper_util::rt::{TokioExecutor, TokioIo};
use tls_hyper::{Failure, HttpsConnector, HttpsServer, TlsInfo, TlsListener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Barrier, oneshot};
use tokio::task::JoinHandle;

/// What both sides speak unless a test says otherwise.
pub(crate) const BOTH: &[&str] = &["h2", "http/1.1"];

pub(crate) const HTTP_1: &[&str] = &["http/1.1"];

/// A backend, and the authority that its servers and clients trust.
pub(crate) struct House {
    pub(crate) backend: &'static dyn Backend,
    pub(crate) root: Authority,
}

impl House {
    pub(crate) fn new(backend: &'static dyn Backend) -> Self {
        Self { backend, root: Authority::root("Root of the tests with hyper") }
    }

    /// The same backend, with an authority that nobody else trusts.
    pub(crate) fn elsewhere(&self) -> Self {
        Self { backend: self.backend, root: Authority::root("Root of others") }
    }

    /// For `localhost`.
    pub(crate) fn identity(&self) -> Identity {
        self.root.issue(Leaf::server(&["localhost", "127.0.0.1"]))
    }

    pub(crate) fn server(&self, alpn: &[&str]) -> Server {
        let config = ServerConfig::builder(self.identity()).alpn(alpn).build().unwrap();
        Server::new(&config, self.backend).unwrap()
    }

    pub(crate) fn client(&self, alpn: &[&str]) -> Client {
        let config = ClientConfig::builder().roots(self.root.roots()).alpn(alpn).build().unwrap();
        Client::new(&config, self.backend).unwrap()
    }

    /// A listener for a server that speaks all of HTTP.
    pub(crate) async fn listener(&self) -> TlsListener {
        listener(self.server(BOTH)).await
    }

    /// hyper's client with all of HTTP.
    pub(crate) fn http(&self) -> Http {
        http(HttpsConnector::new(self.client(BOTH)))
    }
}

pub(crate) async fn listener(server: Server) -> TlsListener {
    TlsListener::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), server)
}

pub(crate) type Http<C = HttpsConnector> = legacy::Client<C, Body>;

pub(crate) fn http<C>(connector: C) -> Http<C>
where
    C: Clone + legacy::connect::Connect,
{
    legacy::Client::builder(TokioExecutor::new()).build(connector)
}

/// What runs the requests.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Axum,
    Hyper,
}

pub(crate) const KINDS: [Kind; 2] = [Kind::Axum, Kind::Hyper];

/// A server that has begun.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) failures: Arc<Mutex<Vec<Failure>>>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) served: JoinHandle<()>,
    pub(crate) app: Arc<App>,
}

impl Running {
    /// Begins to serve on `listener`.
    pub(crate) fn start(kind: Kind, listener: TlsListener) -> Self {
        let failures = Arc::new(Mutex::new(Vec::new()));
        let told = failures.clone();
        let listener = listener.on_failure(move |failure| told.lock().unwrap().push(failure));
        let address = listener.local_addr().unwrap();
        let app = Arc::new(App { meeting: Barrier::new(MEETING), begun: Mutex::new(0) });
        let (stop, stopped) = oneshot::channel::<()>();
        // A sender that is gone is no order to stop.
        let stopped = async move {
            if stopped.await.is_err() {
                std::future::pending().await
            }
        };
        let served = match kind {
            Kind::Axum => {
                let router = app.clone().router();
                let service = router.into_make_service_with_connect_info::<TlsInfo>();
                let serving = axum::serve(listener, service).with_graceful_shutdown(stopped);
                tokio::spawn(async move { serving.await.unwrap() })
            }
            Kind::Hyper => {
                let app = app.clone();
                let service = service_fn(move |request: Request<_>| {
                    let app = app.clone();
                    async move {
                        let info = request.extensions().get::<TlsInfo>().unwrap().clone();
                        let negotiated = request.extensions().get::<Arc<Negotiated>>();
                        assert_eq!(negotiated, Some(info.negotiated()));
                        Ok::<_, Infallible>(app.answer(info, request.map(Body::new)).await)
                    }
                });
                tokio::spawn(HttpsServer::new(listener).serve_until(service, stopped))
            }
        };
        Self { address, failures, stop: Some(stop), served, app }
    }

    pub(crate) fn uri(&self, path: &str) -> Uri {
        format!("https://localhost:{}{path}", self.address.port()).parse().unwrap()
    }

    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until something has failed that `is_it`, and says how it is displayed.
    pub(crate) async fn failure(&self, is_it: impl Fn(&Failure) -> bool) {
        loop {
            if self.failures.lock().unwrap().iter().any(&is_it) {
                return;
            }
            tick().await;
        }
    }
}

/// What is served.
pub(crate) struct App {
    meeting: Barrier,
    /// How many slow requests have begun.
    pub(crate) begun: Mutex<usize>,
}

/// How many requests meet.
pub(crate) const MEETING: usize = 200;

/// How long a slow answer takes.
pub(crate) const SLOW: Duration = Duration::from_millis(500);

impl App {
    fn router(self: Arc<Self>) -> Router {
        let all = any(move |ConnectInfo(info): ConnectInfo<TlsInfo>, request: Request| {
            let app = self.clone();
            async move { app.answer(info, request).await }
        });
        Router::new().route("/plain", get(|| async { "plain" })).fallback(all)
    }

    async fn answer(&self, info: TlsInfo, request: Request) -> Response {
        let text = match request.uri().path() {
            "/panic" => panic!("asked to"),
            "/meet" => {
                self.meeting.wait().await;
                "met".into()
            }
            "/slow" => {
                *self.begun.lock().unwrap() += 1;
                tokio::time::sleep(SLOW).await;
                "at last".into()
            }
            "/upgrade" => return upgrade(request),
            "/echo" => return Response::new(request.into_body()),
            "/alpn" => {
                String::from_utf8(info.negotiated().alpn.clone().unwrap_or_default()).unwrap()
            }
            "/name" => info.negotiated().server_name.clone().unwrap_or_default(),
            "/peer" => info.peer().to_string(),
            "/certificate" => info.negotiated().peer_chain_pem(),
            path => format!("{:?} {} {path}", request.version(), request.method()),
        };
        Response::new(text.into())
    }
}

/// Leaves HTTP/1.1, and gives back in capitals what it is sent.
fn upgrade(mut request: Request) -> Response {
    let upgraded = tls_hyper::hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut io = TokioIo::new(upgraded.await.unwrap());
        let mut sent = String::new();
        io.read_to_string(&mut sent).await.unwrap();
        io.write_all(sent.to_uppercase().as_bytes()).await.unwrap();
        io.shutdown().await.unwrap();
    });
    let answer = Response::builder().status(101).header("upgrade", "capitals");
    answer.header("connection", "upgrade").body(Body::empty()).unwrap()
}

/// An answer, all of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response<()>,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// What the client's handshake settled.
    pub(crate) fn negotiated(&self) -> Option<&Arc<Negotiated>> {
        self.response.extensions().get()
    }
}

/// Asks for `uri`.
pub(crate) async fn fetch<C>(http: &Http<C>, uri: Uri) -> Result<Answer, legacy::Error>
where
    C: Clone + legacy::connect::Connect + Send + Sync + 'static,
{
    answered(http.get(uri).await?).await
}

/// Sends `body` to `uri`.
pub(crate) async fn post(http: &Http, uri: Uri, body: Vec<u8>) -> Answer {
    let request = Request::post(uri).body(body.into()).unwrap();
    answered(http.request(request).await.unwrap()).await.unwrap()
}

async fn answered(
    response: Response<tls_hyper::hyper::body::Incoming>,
) -> Result<Answer, legacy::Error> {
    let (head, body) = response.into_parts();
    let bytes = to_bytes(Body::new(body), usize::MAX).await.expect("the body ends");
    Ok(Answer { response: Response::from_parts(head, ()), bytes })
}

/// A moment, for what nobody announces.
pub(crate) async fn tick() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}
