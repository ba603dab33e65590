//! What is checked of a peer's certificates besides their chain, on clients and on servers.
//!
//! Each case also shows that its option is at work: what only that option refuses is refused, or what
//! only that option accepts is accepted.

pub(super) mod clock;
pub(super) mod common_name;
pub(super) mod depth;
pub(super) mod follow;
pub(super) mod pins;
pub(super) mod replace;
pub(super) mod uniform;
pub(super) mod unverified;

use std::sync::Mutex;

use tls_core::danger::Skip;
use tls_core::pki_types::{CertificateDer, UnixTime};
use tls_core::x509::{CertificateFacts, Purpose};
use tls_core::{
    Alert, Backend, CertificateError, Checks, ClientAuth, ClientConfig, Connection, ErrorKind,
    Identity, Presented, Result, Resumption, Roots, ServerConfig, Verifier, Version, Versions,
};

use super::verification;
use crate::certs::{Authority, Leaf};
use crate::pair::{Ends, NAME, Pair, Side};
use crate::raw;
use crate::told;

/// Two sides that are about to meet, one of which judges the other's certificates.
#[derive(Clone)]
pub(super) struct Trial<'a> {
    client: &'a dyn Backend,
    server: &'a dyn Backend,
    judge: Side,
    name: &'a str,
    checks: Checks,
    skip: Skip,
    versions: Versions,
}

impl<'a> Trial<'a> {
    /// A client judges a server.
    pub(super) fn of(client: &'a dyn Backend, server: &'a dyn Backend) -> Self {
        let (checks, skip, versions) = (Checks::new(), Skip::nothing(), Versions::default());
        Self { client, server, judge: Side::Client, name: NAME, checks, skip, versions }
    }

    /// A server judges a client, whose certificate it requires.
    pub(super) fn of_clients(client: &'a dyn Backend, server: &'a dyn Backend) -> Self {
        Self { judge: Side::Server, ..Self::of(client, server) }
    }

    pub(super) fn asking(&self, checks: Checks) -> Self {
        Self { checks, ..self.clone() }
    }

    pub(super) fn at(&self, name: &'a str) -> Self {
        Self { name, ..self.clone() }
    }

    pub(super) fn skipping(&self, skip: Skip) -> Self {
        Self { skip, ..self.clone() }
    }

    pub(super) fn speaking(&self, version: Version) -> Self {
        Self { versions: Versions::only(version), ..self.clone() }
    }

    /// A certificate that the judge finds nothing wrong with.
    pub(super) fn leaf(&self) -> Leaf {
        match self.judge {
            Side::Client => Leaf::server(&[NAME]),
            Side::Server => Leaf::client("somebody"),
        }
    }

    /// What the certificate is looked at for.
    pub(super) fn purpose(&self) -> Purpose {
        match self.judge {
            Side::Client => Purpose::ServerAuth,
            Side::Server => Purpose::ClientAuth,
        }
    }

    /// Two sides, compiled: the judge trusts `roots`, the other is `identity`.
    pub(super) fn ends(&self, roots: &Roots, identity: &Identity) -> Result<Ends> {
        // Who resumes is not judged again.
        let client = ClientConfig::builder().versions(self.versions).resumption(Resumption::Off);
        let (client, server) = match self.judge {
            Side::Client => (
                client.roots(roots.clone()).checks(self.checks.clone()).danger(self.skip),
                ServerConfig::builder(identity.clone()),
            ),
            Side::Server => {
                let own = Authority::root("Root of the server that judges");
                let server = ServerConfig::builder(own.server(NAME))
                    .client_auth(ClientAuth::Require(roots.clone()))
                    .checks(self.checks.clone());
                (client.roots(own.roots()).identity(identity.clone()), server)
            }
        };
        Ends::new((self.client, client), (self.server, server.versions(self.versions)))
    }

    pub(super) fn pair(&self, roots: &Roots, identity: &Identity) -> Result<Pair> {
        let ends = self.ends(roots, identity)?;
        let client = ends.client.connection(self.name)?;
        Ok(Pair { client, server: ends.server.connection()?, chunk: usize::MAX })
    }

    /// The judge, who trusts `roots`, accepts `identity`. A server has also asked for it.
    pub(super) fn accepts(&self, roots: &Roots, identity: &Identity) -> Result<()> {
        let mut pair = self.pair(roots, identity)?;
        pair.handshake()?;
        if self.judge == Side::Server {
            assert_eq!(pair.negotiated().1.peer_certificate(), Some(identity.leaf()));
        }
        Ok(())
    }

    /// The judge, who trusts `roots`, refuses `identity` for exactly this reason, and tells it so with
    /// the alert that fits.
    pub(super) fn refuses(
        &self,
        roots: &Roots,
        identity: &Identity,
        why: CertificateError,
    ) -> Result<()> {
        let mut pair = self.pair(roots, identity)?;
        let (client, server) = pair.handshakes();
        let (judged, other) = self.judge_first(client, server);
        told::refusal(judged, why)?;
        // In TLS 1.3 a client is done before its certificate is looked at.
        if self.judge == Side::Client || self.versions == Versions::only(Version::Tls12) {
            let told = other.map_err(|e| e.kind());
            let alert = verification::alert(why);
            assert_eq!(told, Err(ErrorKind::AlertReceived(alert)), "{}", why.name());
        }
        Ok(())
    }

    /// Of two outcomes, a client's and a server's, the judge's and the other's.
    pub(super) fn judge_first<T>(&self, client: T, server: T) -> (T, T) {
        match self.judge {
            Side::Client => (client, server),
            Side::Server => (server, client),
        }
    }

    /// Of two outcomes, a client's and a server's, the judge's.
    pub(super) fn judged<T>(&self, client: T, server: T) -> T {
        self.judge_first(client, server).0
    }

    /// The judge refuses a peer that has shown `identity` and not that it holds its key. In TLS 1.2,
    /// where the signatures over the handshake are in clear.
    pub(super) fn wants_the_key(&self, roots: &Roots, identity: &Identity) -> Result<()> {
        let mut pair = self.speaking(Version::Tls12).pair(roots, identity)?;
        let _ = pair.client.handshake()?;
        pair.carry_all();
        let _ = pair.server.handshake()?;
        let (from, to, kind) = match self.judge {
            Side::Client => (&mut pair.server, &mut pair.client, raw::SERVER_KEY_EXCHANGE),
            Side::Server => {
                pair.carry_all();
                let _ = pair.client.handshake()?;
                (&mut pair.client, &mut pair.server, raw::CERTIFICATE_VERIFY)
            }
        };
        carry_spoilt(from, to, kind);
        let (client, server) = pair.handshakes();
        let (judged, other) = self.judge_first(client, server);
        assert_eq!(judged.unwrap_err().kind(), ErrorKind::Protocol);
        let told = other.unwrap_err().kind();
        assert_eq!(told, ErrorKind::AlertReceived(Alert::DECRYPT_ERROR));
        Ok(())
    }
}

/// Carries what `from` has to say, with a wrong signature in the message of this type: the look of a
/// peer that has another key than its certificate.
fn carry_spoilt(from: &mut Connection, to: &mut Connection, kind: u8) {
    let mut flight = crate::pair::take_pending(from);
    raw::spoil(&mut flight, kind);
    to.wire().feed(&flight);
}

/// A root nobody else has.
pub(super) fn root() -> Authority {
    Authority::root("Root of this case")
}

/// One that nobody trusts.
pub(super) fn stranger() -> Authority {
    Authority::root("Root that nobody here knows")
}

/// An authority under a root, below so many others.
pub(super) fn below(root: &Authority, n: usize) -> Authority {
    let mut last = root.intermediate("Authority 1");
    for i in 2..=n {
        last = last.intermediate(&format!("Authority {i}"));
    }
    last
}

/// An application's verifier that remembers what it was shown, and always says the same.
#[derive(Debug)]
pub(super) struct Witness {
    seen: Mutex<Vec<Seen>>,
    verdict: Result<(), CertificateError>,
}

/// What an application's verifier was shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) name: Option<String>,
    pub(super) purpose: Purpose,
    pub(super) staple: Option<Vec<u8>>,
    pub(super) now: UnixTime,
}

impl Witness {
    pub(super) fn saying(verdict: Result<(), CertificateError>) -> std::sync::Arc<Self> {
        Self { seen: Mutex::default(), verdict }.into()
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How often it was asked.
    pub(super) fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Verifier for Witness {
    fn verify(&self, presented: &Presented<'_>) -> Result<(), CertificateError> {
        self.seen.lock().unwrap().push(Seen {
            chain: presented.chain.iter().map(|der| der.clone().into_owned()).collect(),
            name: presented.name.map(ToString::to_string),
            purpose: presented.purpose,
            staple: presented.staple.map(Into::into),
            now: presented.now,
        });
        self.verdict
    }
}

/// What stands in a certificate.
pub(super) fn facts(certificate: &CertificateDer<'_>) -> CertificateFacts {
    CertificateFacts::read(certificate).unwrap()
}

/// Defines the two functions of each promise that both roles keep when they judge the other, from one
/// that takes the trial: `of_servers of_clients = function;`.
macro_rules! on_both_sides {
    ($($servers:ident $clients:ident = $check:ident;)*) => {$(
        fn $servers(client: &dyn tls_core::Backend, server: &dyn tls_core::Backend) -> tls_core::Result<()> {
            $check(&$crate::cases::trust::Trial::of(client, server))
        }

        fn $clients(client: &dyn tls_core::Backend, server: &dyn tls_core::Backend) -> tls_core::Result<()> {
            $check(&$crate::cases::trust::Trial::of_clients(client, server))
        }
    )*};
}
pub(super) use on_both_sides;

/// Defines the function of each promise that is kept by a client that judges a server, from one that
/// takes the trial: `name = function;`.
macro_rules! of_servers {
    ($($servers:ident = $check:ident;)*) => {$(
        fn $servers(client: &dyn tls_core::Backend, server: &dyn tls_core::Backend) -> tls_core::Result<()> {
            $check(&$crate::cases::trust::Trial::of(client, server))
        }
    )*};
}
pub(super) use of_servers;
