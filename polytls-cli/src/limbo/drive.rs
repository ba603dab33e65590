//! One case of the corpus, as a handshake with a real peer.

use std::fmt;
use std::sync::Arc;

use polytls::pki_types::CertificateDer;
use polytls::x509::{CertificateFacts, KeyKind, MAX_INTERMEDIATES};
use polytls::{
    Backend, Capability, CertificateError, Checks, Client, ClientAuth, ClientConfig, Clock,
    Connection, Error, ErrorKind, Identity, Progress, Result, RevocationLists, Roots, Server,
    ServerConfig, SignatureScheme, Signer, Verification, danger,
};

use tls_conformance::Authority;

use super::corpus::{Kind, TestCase};

/// What came of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The chain was accepted.
    Accepted,
    /// The chain was refused, for this.
    Refused(CertificateError),
    /// What the case is configured with was refused: a root or a list that is unusable.
    Unusable,
    /// The backend cannot be asked: it lacks this, and says so.
    Unsupported(Capability),
    /// Something else went wrong.
    Failed(ErrorKind),
}

impl Verdict {
    /// Whether the chain was accepted; `None` if the backend could not be asked.
    pub(super) fn accepted(self) -> Option<bool> {
        match self {
            Self::Accepted => Some(true),
            Self::Refused(_) | Self::Unusable | Self::Failed(_) => Some(false),
            Self::Unsupported(_) => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Refused(why) => f.write_str(why.name()),
            Self::Unusable => f.write_str("unusable"),
            Self::Unsupported(what) => write!(f, "lacks {what}"),
            Self::Failed(kind) => write!(f, "failed: {}", kind.name()),
        }
    }
}

/// Asks `backend` about the chain of `case`, which a peer on `presenter` presents.
pub(super) fn verdict(
    case: &TestCase,
    backend: &dyn Backend,
    presenter: &dyn Backend,
    verification: Verification,
) -> Verdict {
    let told = match case.validation_kind {
        Kind::Server => ask_client(case, backend, presenter, verification),
        Kind::Client => ask_server(case, backend, presenter, verification),
    };
    match told.map_err(|e| e.kind()) {
        Ok(()) => Verdict::Accepted,
        Err(ErrorKind::Certificate(why)) => Verdict::Refused(why),
        Err(ErrorKind::Unsupported(what)) => Verdict::Unsupported(what),
        Err(ErrorKind::Config) => Verdict::Unusable,
        // Without the key the peer cannot prove that it has it; it is asked to only after its
        // certificate has been accepted.
        Err(ErrorKind::Protocol) if case.peer_certificate_key.is_none() => Verdict::Accepted,
        Err(kind) => Verdict::Failed(kind),
    }
}

fn ask_client(
    case: &TestCase,
    backend: &dyn Backend,
    presenter: &dyn Backend,
    verification: Verification,
) -> Result<()> {
    let mut config =
        ClientConfig::builder().roots(roots(case)?).checks(checks(case, verification)?);
    let name = match &case.expected_peer_name {
        Some(name) => &name.value,
        None => {
            config = config.danger(danger::Skip::nothing().name());
            "nobody.asks.test"
        }
    };
    let client = Client::new(&config.build()?, backend)?.connection(name)?;
    let server = ServerConfig::builder(identity(case)?).build()?;
    let server = Server::new(&server, presenter)?.connection()?;
    handshakes(client, server).0
}

fn ask_server(
    case: &TestCase,
    backend: &dyn Backend,
    presenter: &dyn Backend,
    verification: Verification,
) -> Result<()> {
    let own = Authority::root("limbo").server("limbo.test");
    let config = ServerConfig::builder(own)
        .client_auth(ClientAuth::Require(roots(case)?))
        .checks(checks(case, verification)?);
    let server = Server::new(&config.build()?, backend)?.connection()?;
    let client = ClientConfig::builder()
        .identity(identity(case)?)
        .danger(danger::Skip::everything())
        .build()?;
    let client = Client::new(&client, presenter)?.connection("limbo.test")?;
    handshakes(client, server).1
}

fn roots(case: &TestCase) -> Result<Roots> {
    case.roots()?.into_iter().try_fold(Roots::empty(), Roots::with_der)
}

fn checks(case: &TestCase, verification: Verification) -> Result<Checks> {
    let depth = case.max_chain_depth.unwrap_or(MAX_INTERMEDIATES).min(MAX_INTERMEDIATES);
    let mut checks = Checks::new().depth(depth).verification(verification);
    if let Some(seconds) = case.seconds()? {
        checks = checks.clock(Clock::at(seconds));
    }
    if !case.crls.is_empty() {
        let lists = RevocationLists::new();
        let add = |lists: RevocationLists, text: &String| lists.with_pem(text.as_bytes());
        checks = checks.revocation(case.crls.iter().try_fold(lists, add)?);
    }
    Ok(checks)
}

/// The peer, with its key or, if the corpus does not have it, with signatures that are none.
fn identity(case: &TestCase) -> Result<Identity> {
    let chain = case.chain()?;
    match case.key()? {
        Some(key) => Identity::from_der(chain, key.secret_der()),
        None => {
            let signer = Pretender::of(&chain[0])?;
            Identity::with_signer(chain, Arc::new(signer))
        }
    }
}

/// Signs without a key.
#[derive(Debug)]
struct Pretender(Vec<SignatureScheme>);

impl Pretender {
    fn of(leaf: &CertificateDer<'_>) -> Result<Self> {
        Ok(Self(match CertificateFacts::read(leaf)?.key_kind() {
            KeyKind::EcdsaP384 => vec![SignatureScheme::ECDSA_P384_SHA384],
            KeyKind::Ed25519 => vec![SignatureScheme::ED25519],
            KeyKind::Rsa => vec![SignatureScheme::RSA_PSS_SHA256],
            _ => vec![SignatureScheme::ECDSA_P256_SHA256],
        }))
    }
}

impl Signer for Pretender {
    fn schemes(&self) -> &[SignatureScheme] {
        &self.0
    }

    fn sign(&self, _: SignatureScheme, _: &[u8]) -> Result<Vec<u8>> {
        Ok(vec![0; 64])
    }
}

/// Drives both sides until both are done, and says how each ended.
fn handshakes(mut client: Connection, mut server: Connection) -> (Result<()>, Result<()>) {
    let (mut client_done, mut server_done) = (None, None);
    // A handshake takes a handful of rounds.
    for _ in 0..100 {
        step(&mut client, &mut client_done);
        carry(&mut client, &mut server, &client_done);
        step(&mut server, &mut server_done);
        carry(&mut server, &mut client, &server_done);
        if let (Some(client), Some(server)) = (&client_done, &server_done) {
            return (client.clone(), server.clone());
        }
    }
    let stuck = || Error::new(ErrorKind::Timeout).because("the handshake does not end");
    (client_done.unwrap_or_else(|| Err(stuck())), server_done.unwrap_or_else(|| Err(stuck())))
}

fn step(side: &mut Connection, done: &mut Option<Result<()>>) {
    if done.is_none() {
        *done = match side.handshake() {
            Ok(Progress::Ready(())) => Some(Ok(())),
            Ok(_) => None,
            Err(e) => Some(Err(e)),
        };
    }
}

fn carry(from: &mut Connection, to: &mut Connection, done: &Option<Result<()>>) {
    let bytes = from.wire().pending().to_vec();
    from.wire().sent(bytes.len());
    to.wire().feed(&bytes);
    if bytes.is_empty() && matches!(done, Some(Err(_))) {
        to.wire().end();
    }
}
