//! Which of its identities a server presents.

use tls_core::danger::Skip;
use tls_core::{
    Backend, ClientAuth, ClientConfig, ClientHello, Error, ErrorKind, Identity, Progress, Result,
    ServerConfig, Version, Versions,
};

use super::cases;
use crate::certs::{Authority, Leaf};
use crate::pair::{NAME, Pair, configs};
use crate::told;

cases! { "server_name";
    Pair the_server_is_told_the_name [] [ReportServerName]
        "The server learns which name the client means to reach, and both sides say so.";
    Pair the_server_is_told_the_name_in_tls12 [Tls12Client] [ReportServerName]
        "The server learns which name the client means to reach in TLS 1.2.";
    Pair the_name_is_told_normalised [] [ReportServerName]
        "The name is sent in lower case, without a trailing dot, and in ASCII.";
    Client an_ip_address_is_not_sent [] []
        "An IP address is not sent as a server name.";
    Client a_name_is_sent [] []
        "A DNS name is sent as a server name.";
    Client a_name_is_not_sent_if_the_client_says_so [OmitServerName] []
        "A client can keep the server's name to itself.";
    Pair a_name_that_is_not_sent_is_not_told [OmitServerName] []
        "Where no name is sent, neither side says one, and the certificate is still checked.";
    Pair a_name_that_is_not_sent_is_still_verified [OmitServerName CertificateReasons] []
        "A client that keeps the name to itself refuses a certificate for another.";
    Pair the_identity_with_the_name_is_presented [] []
        "Of several identities the one with the asked name is presented.";
    Pair the_identity_with_the_name_is_presented_in_tls12 [Tls12Client] []
        "Of several identities the one with the asked name is presented in TLS 1.2.";
    Pair the_identity_with_the_wildcard_is_presented [] []
        "An identity with a wildcard is presented for the names it covers.";
    Pair an_exact_name_beats_a_wildcard [] []
        "An identity with exactly the asked name is presented before one with a wildcard.";
    Pair the_first_of_equal_identities_is_presented [] []
        "Of two identities with the same name the first is presented.";
    Pair a_name_of_an_identity_may_be_in_upper_case [] []
        "Upper and lower case do not matter for the choice.";
    Pair a_trailing_dot_does_not_matter_for_the_choice [] []
        "A trailing dot of the asked name does not matter for the choice.";
    Pair a_name_that_nobody_has_gets_the_default [SkipNameVerification] []
        "The first identity is presented for a name that none has.";
    Pair an_ip_address_gets_the_default [] []
        "The first identity is presented to a client that asks for an IP address.";
    Pair no_name_gets_the_default [OmitServerName SkipNameVerification] []
        "The first identity is presented to a client that sends no name.";
    Pair the_chosen_identity_comes_with_its_chain [ReportPeerChain] []
        "The identity that is chosen comes with its own intermediates.";
    Pair each_side_names_the_chosen_certificate [] [ReportLocalCertificate]
        "The server's own certificate is the one that was chosen.";
    Pair the_choice_changes_nothing_else
        [AlpnClient ClientIdentity Tls12Client Tls13Client]
        [AlpnServer RequestClientCertificate]
        "Whatever identity is chosen, protocols and client certificates are as configured.";
    Pair a_chosen_identity_insists_on_client_certificates
        [] [RequestClientCertificate]
        "Whatever identity is chosen, a client without a certificate is refused.";
    Pair a_choice_works_one_byte_at_a_time [] []
        "The right identity is presented when every byte arrives alone.";
}

/// Who is asked for, and who answers.
struct Host {
    root: Authority,
    identities: Vec<Identity>,
}

impl Host {
    /// A server with an identity for each of these lists of names.
    fn new(names: &[&[&str]]) -> Self {
        let root = Authority::root("Root of this case");
        let identities = names.iter().map(|names| root.issue(Leaf::server(names))).collect();
        Self { root, identities }
    }

    fn builders(&self) -> (tls_core::ClientConfigBuilder, tls_core::ServerConfigBuilder) {
        let (first, others) = self.identities.split_first().unwrap();
        let server = ServerConfig::builder(first.clone());
        let server =
            others.iter().cloned().fold(server, |server, other| server.add_identity(other));
        (ClientConfig::builder().roots(self.root.roots()), server)
    }

    /// A client that asks for `name` is shown identity `i`.
    fn shows(&self, c: &dyn Backend, s: &dyn Backend, name: &str, i: usize) -> Result<()> {
        self.shows_to(c, s, name, i, |client| client)
    }

    fn shows_to(
        &self,
        c: &dyn Backend,
        s: &dyn Backend,
        name: &str,
        i: usize,
        adjust: impl FnOnce(tls_core::ClientConfigBuilder) -> tls_core::ClientConfigBuilder,
    ) -> Result<()> {
        let (client, server) = self.builders();
        let mut pair = Pair::to(name, (c, adjust(client)), (s, server))?;
        pair.handshake()?;
        let shown = pair.negotiated().0;
        assert_eq!(shown.peer_certificate(), Some(self.identities[i].leaf()), "for {name}");
        Ok(())
    }
}

/// A default, an exact name, a wildcard, an exact name under the wildcard.
fn host() -> Host {
    Host::new(&[
        &["default.test", "192.0.2.1"],
        &["other.test", NAME],
        &["*.zone.test"],
        &["special.zone.test"],
    ])
}

fn told_both(c: &dyn Backend, s: &dyn Backend, versions: Versions) -> Result<()> {
    let (client, server) = configs();
    let mut pair = Pair::new((c, client.versions(versions)), (s, server))?;
    pair.handshake()?;
    let (client, server) = pair.negotiated();
    assert_eq!(told::server_name(&server)?, NAME);
    assert_eq!(client.server_name.as_deref(), Some(NAME));
    Ok(())
}

fn the_server_is_told_the_name(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    told_both(c, s, Versions::default())
}

fn the_server_is_told_the_name_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    told_both(c, s, Versions::only(Version::Tls12))
}

fn the_name_is_told_normalised(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for (asked, sent) in [
        ("Server.TEST", "server.test"),
        ("server.test.", "server.test"),
        ("bücher.test", "xn--bcher-kva.test"),
    ] {
        let host = Host::new(&[&[sent]]);
        let (client, server) = host.builders();
        let mut pair = Pair::to(asked, (c, client), (s, server))?;
        pair.handshake()?;
        assert_eq!(told::server_name(&pair.negotiated().1)?, sent);
    }
    Ok(())
}

/// The name in the ClientHello of a client that means to reach `name`.
fn sent(c: &dyn Backend, name: &str, send: bool) -> Result<Option<String>> {
    let (client, _) = configs();
    let client = tls_core::Client::new(&client.send_server_name(send).build()?, c)?;
    let mut client = client.connection(name)?;
    assert_eq!(client.handshake()?, Progress::WantRead);
    let hello = ClientHello::read(client.wire().pending())?;
    hello.map(|hello| hello.server_name).ok_or_else(|| Error::new(ErrorKind::Protocol))
}

fn an_ip_address_is_not_sent(c: &dyn Backend) -> Result<()> {
    for name in ["192.0.2.1", "2001:db8::1", "[2001:db8::1]"] {
        assert_eq!(sent(c, name, true)?, None, "{name}");
    }
    Ok(())
}

fn a_name_is_sent(c: &dyn Backend) -> Result<()> {
    assert_eq!(sent(c, "Server.test.", true)?.as_deref(), Some(NAME));
    Ok(())
}

fn a_name_is_not_sent_if_the_client_says_so(c: &dyn Backend) -> Result<()> {
    assert_eq!(sent(c, NAME, false)?, None);
    Ok(())
}

fn a_name_that_is_not_sent_is_not_told(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    a_name_is_not_sent_if_the_client_says_so(c)?;
    let (client, server) = configs();
    let mut pair = Pair::new((c, client.send_server_name(false)), (s, server))?;
    pair.handshake()?;
    let (client, server) = pair.negotiated();
    assert_eq!((client.server_name, server.server_name), (None, None));
    Ok(())
}

fn a_name_that_is_not_sent_is_still_verified(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    a_name_is_not_sent_if_the_client_says_so(c)?;
    let (client, server) = configs();
    let client = client.send_server_name(false);
    let mut pair = Pair::to("another.test", (c, client), (s, server))?;
    told::refusal(pair.handshakes().0, tls_core::CertificateError::NameMismatch)
}

fn the_identity_with_the_name_is_presented(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = host();
    host.shows(c, s, "default.test", 0)?;
    host.shows(c, s, "other.test", 1)?;
    host.shows(c, s, NAME, 1)
}

fn the_identity_with_the_name_is_presented_in_tls12(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let host = host();
    let tls12 = Versions::only(Version::Tls12);
    host.shows_to(c, s, NAME, 1, |client| client.versions(tls12))?;
    host.shows_to(c, s, "default.test", 0, |client| client.versions(tls12))
}

fn the_identity_with_the_wildcard_is_presented(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    host().shows(c, s, "any.zone.test", 2)
}

fn an_exact_name_beats_a_wildcard(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    host().shows(c, s, "special.zone.test", 3)
}

fn the_first_of_equal_identities_is_presented(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = Host::new(&[&["default.test"], &[NAME], &[NAME], &["*.a.test"], &["*.a.test"]]);
    host.shows(c, s, NAME, 1)?;
    host.shows(c, s, "one.a.test", 3)
}

fn a_name_of_an_identity_may_be_in_upper_case(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = Host::new(&[&["default.test"], &["SERVER.Test"], &["*.ZONE.test"]]);
    host.shows(c, s, "server.TEST", 1)?;
    host.shows(c, s, "a.zone.test", 2)
}

fn a_trailing_dot_does_not_matter_for_the_choice(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    host().shows(c, s, "server.test.", 1)
}

fn a_name_that_nobody_has_gets_the_default(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let skip = Skip::nothing().name();
    for name in ["nobody.test", "zone.test", "a.b.zone.test"] {
        host().shows_to(c, s, name, 0, |client| client.danger(skip))?;
    }
    host().shows_to(c, s, NAME, 1, |client| client.danger(skip))
}

fn an_ip_address_gets_the_default(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    host().shows(c, s, "192.0.2.1", 0)?;
    host().shows(c, s, NAME, 1)
}

fn no_name_gets_the_default(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let skip = Skip::nothing().name();
    host().shows_to(c, s, NAME, 0, |client| client.danger(skip).send_server_name(false))?;
    host().shows_to(c, s, NAME, 1, |client| client.danger(skip))
}

fn the_chosen_identity_comes_with_its_chain(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let mut host = Host::new(&[&["default.test"]]);
    for (name, authority) in [("one.test", "First authority"), ("two.test", "Second authority")] {
        host.identities.push(host.root.intermediate(authority).server(name));
    }
    for (i, name) in ["one.test", "two.test"].into_iter().enumerate() {
        let (client, server) = host.builders();
        let mut pair = Pair::to(name, (c, client), (s, server))?;
        pair.handshake()?;
        let (seen, _) = pair.negotiated();
        assert_eq!(told::peer_chain(&seen)?, host.identities[i + 1].chain());
    }
    Ok(())
}

fn each_side_names_the_chosen_certificate(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = host();
    for (name, i) in [("default.test", 0), (NAME, 1), ("a.zone.test", 2)] {
        let (client, server) = host.builders();
        let mut pair = Pair::to(name, (c, client), (s, server))?;
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        assert_eq!(told::local_certificate(&server)?, host.identities[i].leaf());
        assert_eq!(client.peer_certificate(), Some(host.identities[i].leaf()));
    }
    Ok(())
}

fn the_choice_changes_nothing_else(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = host();
    let somebody = host.root.client("somebody");
    for version in [Version::Tls12, Version::Tls13] {
        let (client, server) = host.builders();
        let client = client
            .alpn(["one", "two"])
            .identity(somebody.clone())
            .versions(Versions::only(version));
        let server =
            server.alpn(["two", "one"]).client_auth(ClientAuth::Require(host.root.roots()));
        let mut pair = Pair::new((c, client), (s, server))?;
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        assert_eq!(client.peer_certificate(), Some(host.identities[1].leaf()));
        assert_eq!(server.peer_certificate(), Some(somebody.leaf()));
        assert_eq!((client.alpn, server.alpn), (Some(b"two".to_vec()), Some(b"two".to_vec())));
    }
    Ok(())
}

fn a_chosen_identity_insists_on_client_certificates(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let host = host();
    for name in ["default.test", NAME] {
        let (client, server) = host.builders();
        let server = server.client_auth(ClientAuth::Require(host.root.roots()));
        let mut pair = Pair::to(name, (c, client), (s, server))?;
        let (_, server) = pair.handshakes();
        assert_eq!(server.map_err(|e| e.kind()), Err(ErrorKind::NoPeerCertificate));
    }
    // The choice itself works.
    host.shows(c, s, NAME, 1)
}

fn a_choice_works_one_byte_at_a_time(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = host();
    let (client, server) = host.builders();
    let mut pair = Pair::new((c, client), (s, server))?;
    pair.chunk = 1;
    pair.handshake()?;
    assert_eq!(pair.negotiated().0.peer_certificate(), Some(host.identities[1].leaf()));
    Ok(())
}
