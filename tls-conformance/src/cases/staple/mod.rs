//! OCSP responses that a server staples to its certificate.

pub(super) mod beside;
pub(super) mod serving;
pub(super) mod unfit;
pub(super) mod verdicts;

use tls_core::danger::Skip;
use tls_core::pki_types::CertificateDer;
use tls_core::{
    Alert, Backend, CertificateError, Checks, Client, ClientConfig, ErrorKind, Identity, Result,
    Resumption, Roots, Server, ServerConfig, Staple, StaplePolicy, Version, Versions,
};

use super::{both_versions, cases};
use crate::certs::{Authority, Leaf};
use crate::ocsp::Answer;
use crate::pair::{NAME, Pair};
use crate::told;

cases! { "staple";
    Pair a_good_one_is_accepted_in_tls12
        [RequestStaple Tls12Client] [SendStaple Tls12Server]
        "In TLS 1.2 a stapled response that says good is accepted, and can be read.";
    Pair a_good_one_is_accepted_in_tls13
        [RequestStaple Tls13Client] [SendStaple Tls13Server]
        "In TLS 1.3 a stapled response that says good is accepted, and can be read.";
    Pair a_revoked_certificate_is_refused_in_tls12
        [RequestStaple Tls12Client] [SendStaple Tls12Server]
        "In TLS 1.2 a server whose staple says revoked is refused as that, and told.";
    Pair a_revoked_certificate_is_refused_in_tls13
        [RequestStaple Tls13Client] [SendStaple Tls13Server]
        "In TLS 1.3 a server whose staple says revoked is refused as that, and told.";
    Pair none_is_accepted_where_it_was_only_asked_for_in_tls12
        [RequestStaple Tls12Client] [SendStaple Tls12Server]
        "In TLS 1.2 a client that only asks accepts a server that staples nothing.";
    Pair none_is_accepted_where_it_was_only_asked_for_in_tls13
        [RequestStaple Tls13Client] [SendStaple Tls13Server]
        "In TLS 1.3 a client that only asks accepts a server that staples nothing.";
    Pair none_is_refused_where_it_is_required_in_tls12 [RequestStaple Tls12Client] [Tls12Server]
        "In TLS 1.2 a client that requires a staple refuses a server without one, and tells it.";
    Pair none_is_refused_where_it_is_required_in_tls13 [RequestStaple Tls13Client] [Tls13Server]
        "In TLS 1.3 a client that requires a staple refuses a server without one, and tells it.";
    Pair a_good_one_is_what_is_required [RequestStaple] [SendStaple]
        "A client that requires a staple accepts a good one.";
    Pair a_certificate_that_must_have_one_is_refused_without [RequestStaple] []
        "A must-staple certificate without a staple is refused by a client that asks, and not by one that does not.";
    Pair a_certificate_that_must_have_one_is_accepted_with_it [RequestStaple] [SendStaple]
        "A must-staple certificate with a good staple is accepted.";
    Pair an_unknown_status_is_accepted_where_one_was_only_asked_for [RequestStaple] [SendStaple]
        "That the responder knows no such certificate is accepted by a client that only asks.";
    Pair an_unknown_status_is_accepted_where_one_is_required [RequestStaple] [SendStaple]
        "An unknown status is accepted by a client that requires a staple, which it is.";
    Pair an_unknown_status_is_refused_where_one_must_be [RequestStaple] [SendStaple]
        "An unknown status of a must-staple certificate is refused by a client that requires a staple.";
    Pair the_bytes_can_be_read_after_a_refusal [RequestStaple] [SendStaple]
        "After a refusal the response can still be read.";
    Pair what_was_not_asked_for_is_not_told [RequestStaple] [SendStaple]
        "A client that does not ask is told of no staple, and does not look at one.";
    Pair a_staple_works_one_byte_at_a_time [RequestStaple] [SendStaple]
        "A staple is read when every byte arrives alone.";
}

both_versions! {
    a_good_one_is_accepted_in_tls12 a_good_one_is_accepted_in_tls13 = good;
    a_revoked_certificate_is_refused_in_tls12 a_revoked_certificate_is_refused_in_tls13 = revoked;
    none_is_accepted_where_it_was_only_asked_for_in_tls12
        none_is_accepted_where_it_was_only_asked_for_in_tls13 = none;
    none_is_refused_where_it_is_required_in_tls12
        none_is_refused_where_it_is_required_in_tls13 = none_required;
}

/// A client that may ask for a staple, and a server that may have one.
struct Meeting<'a> {
    client: &'a dyn Backend,
    server: &'a dyn Backend,
    policy: StaplePolicy,
    checks: Checks,
    skip: Skip,
    versions: Versions,
    /// Whom the client trusts.
    roots: Roots,
    /// Who has issued the server's certificate.
    issuer: Authority,
    identity: Identity,
}

impl<'a> Meeting<'a> {
    /// A client that asks.
    fn of(client: &'a dyn Backend, server: &'a dyn Backend) -> Self {
        Self::with(client, server, Leaf::server(&[NAME]))
    }

    /// A client that asks, and a server with this certificate, below an intermediate.
    fn with(client: &'a dyn Backend, server: &'a dyn Backend, leaf: Leaf) -> Self {
        let root = Authority::root("Root of this case");
        let issuer = root.intermediate("Authority that responds");
        let identity = issuer.issue(leaf);
        let (checks, skip, versions) = (Checks::new(), Skip::nothing(), Versions::default());
        let (policy, roots) = (StaplePolicy::Request, root.roots());
        Self { client, server, policy, checks, skip, versions, roots, issuer, identity }
    }

    fn requiring(self) -> Self {
        Self { policy: StaplePolicy::Require, ..self }
    }

    fn asking(self, checks: Checks) -> Self {
        Self { checks, ..self }
    }

    fn skipping(self, skip: Skip) -> Self {
        Self { skip, ..self }
    }

    fn speaking(self, version: Version) -> Self {
        Self { versions: Versions::only(version), ..self }
    }

    fn leaf(&self) -> &CertificateDer<'static> {
        self.identity.leaf()
    }

    fn client_config(&self) -> tls_core::ClientConfigBuilder {
        ClientConfig::builder()
            .roots(self.roots.clone())
            .checks(self.checks.clone())
            .danger(self.skip)
            .staple(self.policy)
            .versions(self.versions)
    }

    fn pair(&self, staple: Option<&[u8]>) -> Result<Pair> {
        self.pair_under(self.policy, staple)
    }

    fn pair_under(&self, policy: StaplePolicy, staple: Option<&[u8]>) -> Result<Pair> {
        let identity = match staple {
            None => self.identity.clone(),
            Some(response) => self.identity.clone().with_staple(Staple::new(response)),
        };
        let server = ServerConfig::builder(identity).versions(self.versions);
        let client = self.client_config().staple(policy);
        Pair::new((self.client, client), (self.server, server))
    }

    /// The client accepts the server with this staple, and can read it.
    fn accepts(&self, staple: &[u8]) -> Result<()> {
        let mut pair = self.pair(Some(staple))?;
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        assert_eq!(client.staple.as_deref(), Some(staple));
        assert_eq!(pair.client.staple().as_deref(), Some(staple));
        assert_eq!((server.staple, pair.server.staple()), (None, None));
        Ok(())
    }

    /// The client accepts the server without a staple.
    fn accepts_none(&self) -> Result<()> {
        let mut pair = self.pair(None)?;
        pair.handshake()?;
        assert_eq!((pair.negotiated().0.staple, pair.client.staple()), (None, None));
        Ok(())
    }

    /// The client refuses the server for what is stapled or not, and tells it so.
    fn refuses(&self, staple: Option<&[u8]>, why: CertificateError) -> Result<()> {
        let mut pair = self.pair(staple)?;
        let (client, server) = pair.handshakes();
        told::refusal(client, why)?;
        let alert = Alert::BAD_CERTIFICATE_STATUS_RESPONSE;
        assert_eq!(server.map_err(|e| e.kind()), Err(ErrorKind::AlertReceived(alert)));
        assert_eq!(pair.client.staple().as_deref(), staple);
        Ok(())
    }

    /// Staples are looked at: one that says revoked is refused.
    fn in_effect(&self) -> Result<()> {
        let revoked = Answer::revoked(&self.issuer, self.leaf()).der();
        self.refuses(Some(&revoked), CertificateError::Revoked)
    }
}

/// A certificate that must have a staple (RFC 7633).
fn must_staple() -> Leaf {
    Leaf::server(&[NAME]).with(|params| {
        let oid = [1, 3, 6, 1, 5, 5, 7, 1, 24];
        // SEQUENCE { INTEGER 5 }
        let content = vec![0x30, 3, 2, 1, 5];
        let feature = rcgen::CustomExtension::from_oid_content(&oid, content);
        params.custom_extensions = vec![feature];
    })
}

fn good(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server).speaking(version);
    meeting.accepts(&Answer::good(&meeting.issuer, meeting.leaf()).der())
}

fn revoked(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    Meeting::of(client, server).speaking(version).in_effect()
}

fn none(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server).speaking(version);
    meeting.accepts_none()?;
    // It asks, though.
    meeting.in_effect()
}

fn none_required(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server).speaking(version).requiring();
    meeting.refuses(None, CertificateError::StapleMissing)
}

fn a_good_one_is_what_is_required(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server).requiring();
    meeting.accepts(&Answer::good(&meeting.issuer, meeting.leaf()).der())?;
    meeting.refuses(None, CertificateError::StapleMissing)
}

fn a_certificate_that_must_have_one_is_refused_without(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::with(client, server, must_staple());
    meeting.refuses(None, CertificateError::StapleMissing)?;
    Meeting { policy: StaplePolicy::Off, ..meeting }.accepts_none()
}

fn a_certificate_that_must_have_one_is_accepted_with_it(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::with(client, server, must_staple());
    meeting.accepts(&Answer::good(&meeting.issuer, meeting.leaf()).der())?;
    meeting.in_effect()
}

/// An unknown status of this certificate is accepted.
fn unknown_accepted(meeting: &Meeting<'_>) -> Result<()> {
    meeting.accepts(&Answer::unknown(&meeting.issuer, meeting.leaf()).der())?;
    meeting.in_effect()
}

fn an_unknown_status_is_accepted_where_one_was_only_asked_for(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    unknown_accepted(&Meeting::of(client, server))?;
    unknown_accepted(&Meeting::with(client, server, must_staple()))
}

fn an_unknown_status_is_accepted_where_one_is_required(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    unknown_accepted(&Meeting::of(client, server).requiring())
}

fn an_unknown_status_is_refused_where_one_must_be(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::with(client, server, must_staple()).requiring();
    let unknown = Answer::unknown(&meeting.issuer, meeting.leaf()).der();
    meeting.refuses(Some(&unknown), CertificateError::StapleInvalid)?;
    meeting.accepts(&Answer::good(&meeting.issuer, meeting.leaf()).der())
}

fn the_bytes_can_be_read_after_a_refusal(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let later = Answer::later();
    let mut pair = meeting.pair(Some(&later))?;
    assert_eq!(pair.client.staple(), None);
    told::refusal(pair.handshakes().0, CertificateError::StapleInvalid)?;
    assert_eq!(pair.client.staple().as_deref(), Some(&later[..]));
    assert_eq!(pair.client.negotiated(), None);
    // Also where it is the server's certificate that was refused, unless nobody came to look at it.
    let stranger = Authority::root("Root that nobody here knows");
    let meeting = Meeting { roots: stranger.roots(), ..meeting };
    let mut pair = meeting.pair(Some(&later))?;
    let why = pair.handshakes().0.unwrap_err().kind();
    assert!(matches!(why, ErrorKind::Certificate(_)), "{why:?}");
    assert!([None, Some(later)].contains(&pair.client.staple()));
    Ok(())
}

fn what_was_not_asked_for_is_not_told(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting { policy: StaplePolicy::Off, ..Meeting::of(client, server) };
    for response in [
        Answer::good(&meeting.issuer, meeting.leaf()).der(),
        Answer::revoked(&meeting.issuer, meeting.leaf()).der(),
        b"no response at all".to_vec(),
    ] {
        let mut pair = meeting.pair(Some(&response))?;
        pair.handshake()?;
        assert_eq!((pair.negotiated().0.staple, pair.client.staple()), (None, None));
    }
    Meeting { policy: StaplePolicy::Request, ..meeting }.in_effect()
}

fn a_staple_works_one_byte_at_a_time(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let response = Answer::good(&meeting.issuer, meeting.leaf()).der();
    let mut pair = meeting.pair(Some(&response))?;
    pair.chunk = 1;
    pair.handshake()?;
    assert_eq!(pair.negotiated().0.staple, Some(response));
    meeting.in_effect()
}

/// A client and a server, to be used several times. A resumed connection would bring no response of its
/// own.
fn compiled(meeting: &Meeting<'_>, server: ServerConfig) -> Result<(Client, Server)> {
    let client = meeting.client_config().resumption(Resumption::Off).build()?;
    let client = Client::new(&client, meeting.client)?;
    Ok((client, Server::new(&server, meeting.server)?))
}
