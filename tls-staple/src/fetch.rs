//! Asking a responder over HTTP.

use std::error::Error as StdError;
use std::time::Duration;

use tls_core::Backend;
use tls_core::ocsp::{IdHash, MAX_RESPONSE, OcspError, Outcome, Query, Request, process_response};
use tls_core::pki_types::CertificateDer;
use tls_core::x509::CertificateFacts;
use ureq::Agent;

/// How long an answer may take, if nothing else is said: ten seconds for all of it.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks OCSP responders. Cheap to clone.
///
/// A proxy that the environment names (`http_proxy`, `no_proxy`) is used.
#[derive(Clone, Debug)]
#[must_use]
pub struct Fetcher {
    url: Option<String>,
    hash: IdHash,
    nonce: bool,
    timeout: Duration,
}

/// A response that may be believed.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Its DER: what to staple, if the certificate is good.
    pub der: Vec<u8>,
    /// What it says.
    pub outcome: Outcome,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The certificate does not say where to ask, and nobody else does.
    #[error("the certificate names no OCSP responder")]
    NoUrl,
    /// The responder's address is none that begins with `http://`. OCSP is not asked for over TLS,
    /// whose certificates one would have to ask about first; its responses are signed.
    #[error("'{0}' is not an http:// address")]
    NotHttp(String),
    /// The responder cannot be reached, or does not speak HTTP, or not in time.
    #[error("{url}: no answer")]
    Network {
        /// Where it should be.
        url: String,
        /// What happened.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The responder answered with another HTTP status than 200.
    #[error("{url}: HTTP status {status}")]
    HttpStatus {
        /// Where it is.
        url: String,
        /// The status.
        status: u16,
    },
    /// The responder answered with something else than an OCSP response.
    #[error("{url}: the answer is {}, not application/ocsp-response", of_type(.content_type))]
    ContentType {
        /// Where it is.
        url: String,
        /// What it calls its answer.
        content_type: Option<String>,
    },
    /// The request could not be made, or the response is not to be believed.
    #[error(transparent)]
    Ocsp(#[from] OcspError),
}

impl FetchError {
    /// The stable name used by the CLI, such as `http-status`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoUrl => "no-url",
            Self::NotHttp(_) => "not-http",
            Self::Network { .. } => "network",
            Self::HttpStatus { .. } => "http-status",
            Self::ContentType { .. } => "content-type",
            Self::Ocsp(e) => e.name(),
        }
    }
}

impl Default for Fetcher {
    fn default() -> Self {
        Self { url: None, hash: IdHash::default(), nonce: false, timeout: TIMEOUT }
    }
}

impl Fetcher {
    /// Asks where the certificate says, with certificate ids that every responder knows, without a
    /// nonce, within [`TIMEOUT`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks at this address, wherever the certificate says.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Names issuers by this hash.
    pub fn hash(mut self, hash: IdHash) -> Self {
        self.hash = hash;
        self
    }

    /// Whether to send a nonce that has to come back (RFC 9654). Many responders do not heed it, and
    /// their answers are refused then.
    pub fn nonce(mut self, send: bool) -> Self {
        self.nonce = send;
        self
    }

    /// Gives an answer this long, from the look-up of the name to the last byte.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The request about `leaf`, which `issuer` has issued.
    ///
    /// # Errors
    ///
    /// [`OcspError`] if a certificate is malformed, or not of this issuer.
    pub fn request<'a>(
        &self,
        leaf: &'a CertificateDer<'a>,
        issuer: &'a CertificateDer<'a>,
    ) -> Result<Request<'a>, OcspError> {
        let request = Request::new(leaf, issuer).hash(self.hash);
        if self.nonce { request.random_nonce() } else { Ok(request) }
    }

    /// Where it asks about `leaf`.
    ///
    /// # Errors
    ///
    /// [`FetchError::NoUrl`], or [`FetchError::Ocsp`] if the certificate is malformed.
    pub fn address(&self, leaf: &CertificateDer<'_>) -> Result<String, FetchError> {
        let facts = CertificateFacts::read(leaf).map_err(OcspError::from)?;
        let named = || {
            let urls = facts.ocsp_urls();
            // The first that can be asked; if there is none, the first, to be named in the error.
            urls.iter().find(|url| is_http(url)).or(urls.first()).cloned()
        };
        self.url.clone().or_else(named).ok_or(FetchError::NoUrl)
    }

    /// Sends a request (DER) to the responder at `url`, and gives its response as it is.
    ///
    /// Blocks for the timeout at most. A response has [`MAX_RESPONSE`] bytes at most.
    ///
    /// # Errors
    ///
    /// [`FetchError`], but for those of a check.
    pub fn ask(&self, url: &str, request: &[u8]) -> Result<Vec<u8>, FetchError> {
        if !is_http(url) {
            return Err(FetchError::NotHttp(url.escape_debug().to_string()));
        }
        let network =
            |e: ureq::Error| FetchError::Network { url: url.to_owned(), source: Box::new(e) };
        let post = self.agent().post(url).content_type("application/ocsp-request");
        let mut answer = post.header("accept", RESPONSE).send(request).map_err(network)?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(FetchError::HttpStatus { url: url.to_owned(), status });
        }
        let body = answer.body_mut();
        if !body.mime_type().is_some_and(|own| own.eq_ignore_ascii_case(RESPONSE)) {
            let content_type = body.mime_type().map(|own| own.escape_debug().to_string());
            return Err(FetchError::ContentType { url: url.to_owned(), content_type });
        }
        let body = body.with_config().limit(MAX_RESPONSE as u64).read_to_vec();
        body.map_err(|e| match e {
            ureq::Error::BodyExceedsLimit(_) => OcspError::TooLarge.into(),
            e => network(e),
        })
    }

    /// Asks about `leaf`, which `issuer` has issued, and checks the answer with the signatures that
    /// `backend` lends, now.
    ///
    /// That the certificate has been revoked, or is not known, is no error: see [`Fetched::outcome`].
    /// Blocks for the timeout at most.
    ///
    /// # Errors
    ///
    /// [`FetchError`], saying what failed.
    pub fn fetch(
        &self,
        leaf: &CertificateDer<'_>,
        issuer: &CertificateDer<'_>,
        backend: &dyn Backend,
    ) -> Result<Fetched, FetchError> {
        let request = self.request(leaf, issuer)?;
        let der = self.ask(&self.address(leaf)?, &request.to_der()?)?;
        let mut query = Query::new(leaf, issuer, backend);
        if let Some(nonce) = request.sent_nonce() {
            query = query.nonce(nonce);
        }
        let outcome = process_response(&der, &query)?;
        Ok(Fetched { der, outcome })
    }

    fn agent(&self) -> Agent {
        Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .http_status_as_error(false)
            // Elsewhere is another responder, which nobody has named.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .user_agent(concat!("tls-staple/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent()
    }
}

fn is_http(url: &str) -> bool {
    url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
}

fn of_type(content_type: &Option<String>) -> &str {
    content_type.as_deref().unwrap_or("of no type")
}

const RESPONSE: &str = "application/ocsp-response";
