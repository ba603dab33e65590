//! Named profiles: what they mean is what is offered, accepted and negotiated.

use tls_core::{
    Backend, CipherSuite, Client, ClientAuth, ClientConfig, ClientHello, ErrorKind, Group, Profile,
    Result, Resumption, Server, ServerConfig, ServerConfigBuilder, SignatureScheme, TicketKeys,
    Tickets, Version,
};

use super::{only, seen, server_for};
use crate::cases::cases;
use crate::pair::{Ends, Pair, client_alone, configs, kind, take_pending, transfer};
use crate::raw::Hello;
use crate::told;

cases! { "profiles";
    Pair modern_offers_tls13_and_nothing_older [Tls13Client] [Tls13Server]
        "A client with the modern profile offers TLS 1.3 alone, whatever was set before.";
    Pair modern_accepts_tls13_and_nothing_older [Tls12Client Tls13Client] [Tls13Server]
        "A server with the modern profile speaks TLS 1.3, and refuses TLS 1.2.";
    Client intermediate_is_what_there_is_without_a_profile [] []
        "A client with the intermediate profile offers what one without a profile does.";
    Pair fips_offers_what_is_approved_of_and_no_more
        [CipherSuites Exporter Groups SignatureSchemes] []
        "A client with the FIPS profile offers its suites, groups and schemes, and no others.";
    Pair fips_accepts_what_is_approved_of_and_no_more
        [] [CipherSuites Exporter Groups RequestClientCertificate SignatureSchemes Tls12Server]
        "A server with the FIPS profile accepts its suites, groups and schemes, and no others.";
    Pair fips_goes_together_with_resumption_in_tls12
        [CipherSuites Exporter Groups ReportResumed ResumeClient SignatureSchemes Tls12Client]
        [ResumeServer Tls12Server]
        "A client with the FIPS profile resumes a session of TLS 1.2, whose secrets keep their kind.";
    Client a_client_can_insist_on_a_fips_module [FipsModule] []
        "A client can insist on a library that runs in its FIPS mode.";
    Server a_server_can_insist_on_a_fips_module [] [FipsModule]
        "A server can insist on a library that runs in its FIPS mode.";
    Pair each_legacy_suite_can_be_the_clients_only
        [CipherSuites LegacySuites ReportCipherSuite Tls12Client]
        [CipherSuites LegacySuites ReportCipherSuite Tls12Server]
        "A server with the legacy profile speaks each legacy suite, to who has nothing better.";
    Pair each_legacy_suite_can_be_the_servers_only
        [CipherSuites LegacySuites ReportCipherSuite Tls12Client]
        [CipherSuites LegacySuites ReportCipherSuite Tls12Server]
        "A client with the legacy profile speaks each legacy suite, to who has nothing better.";
    Pair no_server_speaks_a_legacy_suite_unasked
        [CipherSuites LegacySuites Tls12Client] [Tls12Server]
        "A server without the legacy profile refuses a client that has legacy suites only.";
    Pair no_client_speaks_a_legacy_suite_unasked
        [Tls12Client] [CipherSuites LegacySuites Tls12Server]
        "A client without the legacy profile finds nothing at a server that has legacy suites only.";
}

fn modern_offers_tls13_and_nothing_older(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = configs();
    let client = client.versions(only(Version::Tls12)).profile(Profile::Modern);
    let server = server.versions(only(Version::Tls13));
    let mut pair = Pair::new((c, client), (s, server))?;
    let hello = seen::hello(&mut pair)?;
    assert_eq!(hello.versions, [Version::Tls13.number()]);
    pair.handshake()
}

fn modern_accepts_tls13_and_nothing_older(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let outcomes = |version: Version| -> Result<_> {
        let (client, server) = configs();
        let server = server.profile(Profile::Modern);
        Ok(Pair::new((c, client.versions(only(version))), (s, server))?.handshakes())
    };
    let (client, server) = outcomes(Version::Tls13)?;
    client.and(server)?;
    let (client, server) = outcomes(Version::Tls12)?;
    assert_eq!(kind(server), ErrorKind::NoSharedVersion);
    assert!(client.is_err());
    Ok(())
}

fn intermediate_is_what_there_is_without_a_profile(c: &dyn Backend) -> Result<()> {
    let config = configs().0;
    let config = config
        .versions(only(Version::Tls13))
        .cipher_suites([CipherSuite::TLS13_AES_128_GCM_SHA256])
        .groups([Group::SECP384R1])
        .signature_schemes([SignatureScheme::ED25519])
        .require_extended_master_secret(true)
        .profile(Profile::Intermediate);
    let client = tls_core::Client::new(&config.build()?, c)?;
    let mut profiled = client.connection(crate::pair::NAME)?;
    let mut plain = client_alone(c)?;
    let mut hellos = [&mut profiled, &mut plain].map(|client| {
        let _ = client.handshake().unwrap();
        tls_core::ClientHello::read(client.wire().pending()).unwrap().unwrap()
    });
    hellos.iter_mut().for_each(|hello| hello.session_id.clear()); // for show, and random
    assert_eq!(hellos[0], hellos[1]);
    Ok(())
}

fn fips_offers_what_is_approved_of_and_no_more(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = configs();
    let mut pair = Pair::new((c, client.profile(Profile::Fips)), (s, server))?;
    let hello = seen::hello(&mut pair)?;
    assert_fips(&hello, |_| true);
    let versions = [Version::Tls13, Version::Tls12].map(Version::number);
    assert!(versions.iter().any(|version| hello.versions.contains(version)));
    pair.handshake()
}

/// Checks that a client offers what the profile says, of the suites that its versions have.
fn assert_fips(hello: &ClientHello, has: impl Fn(&CipherSuite) -> bool) {
    // A signal is no suite (RFC 5746 §3.3).
    let offered = hello.cipher_suites.iter().filter(|suite| suite.0 != 0x00ff);
    // Some libraries offer those of TLS 1.3 where that is off, too: they say nothing then.
    let suites = offered.filter(|suite| has(suite));
    let expected = Profile::Fips.cipher_suites().into_iter().filter(&has);
    assert_eq!(suites.copied().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert_eq!(hello.groups, Profile::Fips.groups());
    let schemes = hello.signature_schemes.iter().map(|number| SignatureScheme(*number));
    assert_eq!(schemes.collect::<Vec<_>>(), Profile::Fips.signature_schemes());
}

fn fips_goes_together_with_resumption_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = configs();
    let client = client.profile(Profile::Fips).versions(only(Version::Tls12));
    let server = server.versions(only(Version::Tls12));
    let client = client.resumption(Resumption::Memory(1));
    // A new server each time: what they have in common is their keys.
    let server =
        server.tickets(Tickets::Keys(TicketKeys::automatic(Tickets::LIFETIME)?)).build()?;
    let client = Client::new(&client.build()?, c)?;
    for expected in [false, true] {
        let ends = Ends { client: client.clone(), server: Server::new(&server, s)? };
        let mut pair = ends.pair()?;
        let hello = seen::hello(&mut pair)?;
        assert_fips(&hello, |suite| !suite.is_tls13());
        pair.handshake()?;
        pair.carry_all();
        let (client, _) = pair.negotiated();
        assert_eq!(told::resumed(&client)?, expected);
        assert_eq!(client.extended_master_secret, Some(true));
    }
    Ok(())
}

fn fips_accepts_what_is_approved_of_and_no_more(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    // In TLS 1.2 the groups also limit the curves of certificates, so this key is on none.
    let (root, identity) = server_for(CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256);
    let (plain, tls12) = (ServerConfig::builder(identity), only(Version::Tls12));
    let fips = plain.clone().profile(Profile::Fips);
    let client = ClientConfig::builder().roots(root.roots());
    Pair::new((c, client), (s, fips.clone()))?.handshake()?;
    let answer = |hello: &Hello, server: &ServerConfigBuilder| -> Result<_> {
        let server = server.clone().versions(tls12).build()?;
        let mut server = tls_core::Server::new(&server, s)?.connection()?;
        server.wire().feed(&hello.record());
        let outcome = server.handshake().map(drop);
        Ok((outcome, take_pending(&mut server)))
    };
    let approved = Hello { groups: vec![23, 24], suites: vec![0xc02f], ..Hello::tls12() };
    let asking = fips.clone().client_auth(ClientAuth::Request(root.roots()));
    let (outcome, sent) = answer(&approved, &asking)?;
    outcome?;
    assert_eq!(seen::asked_of_clients(&sent), Profile::Fips.signature_schemes());
    // Each of the two is served by a server without the profile.
    let chacha = Hello { suites: vec![0xcca8], ..approved.clone() };
    let x25519 = Hello { groups: vec![29], ..approved.clone() };
    for (hello, why) in [(chacha, ErrorKind::NoSharedCipher), (x25519, ErrorKind::NoSharedGroup)] {
        assert_eq!(kind(answer(&hello, &fips)?.0), why);
        answer(&hello, &plain)?.0?;
    }
    Ok(())
}

fn a_client_can_insist_on_a_fips_module(c: &dyn Backend) -> Result<()> {
    let config = configs().0.require_fips_module(true).build()?;
    tls_core::Client::new(&config, c)?;
    assert_eq!(c.fips(), Some(true));
    Ok(())
}

fn a_server_can_insist_on_a_fips_module(s: &dyn Backend) -> Result<()> {
    let config = configs().1.require_fips_module(true).build()?;
    tls_core::Server::new(&config, s)?;
    assert_eq!(s.fips(), Some(true));
    Ok(())
}

/// Each legacy suite, with one side that has nothing else and one with the profile.
fn each_legacy_suite(c: &dyn Backend, s: &dyn Backend, at_client: bool) -> Result<()> {
    for &suite in CipherSuite::LEGACY {
        let (root, identity) = server_for(suite);
        let client = ClientConfig::builder().roots(root.roots()).profile(Profile::Legacy);
        let server = ServerConfig::builder(identity).profile(Profile::Legacy);
        let mut pair = Pair::new((c, client.clone()), (s, server.clone()))?;
        pair.handshake()?;
        // Who has better is given better.
        let best = told::cipher_suite(&pair.negotiated().0)?;
        assert!(CipherSuite::DEFAULT.contains(&best), "{best}");
        let mut client = client.versions(only(Version::Tls12));
        let mut server = server.versions(only(Version::Tls12));
        match at_client {
            true => client = client.cipher_suites([suite]),
            false => server = server.cipher_suites([suite]),
        }
        let mut pair = Pair::new((c, client), (s, server))?;
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        assert_eq!(told::cipher_suite(&client)?, suite);
        assert_eq!(told::cipher_suite(&server)?, suite);
        let data = crate::pair::pattern(40_000);
        let Pair { client, server, chunk } = &mut pair;
        assert_eq!(transfer(client, server, &data, *chunk)?, data);
        assert_eq!(transfer(server, client, &data, *chunk)?, data);
    }
    Ok(())
}

fn each_legacy_suite_can_be_the_clients_only(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    each_legacy_suite(c, s, true)
}

fn each_legacy_suite_can_be_the_servers_only(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    each_legacy_suite(c, s, false)
}

/// A side with legacy suites only, and one that has not been told of them.
fn unasked(c: &dyn Backend, s: &dyn Backend, at_client: bool) -> Result<()> {
    let legacy = CipherSuite::LEGACY.iter().copied();
    let (client, server) = configs();
    let (client, server) =
        (client.versions(only(Version::Tls12)), server.versions(only(Version::Tls12)));
    let (client, server) = match at_client {
        true => (client.cipher_suites(legacy), server),
        false => (client, server.cipher_suites(legacy)),
    };
    let (client, server) = Pair::new((c, client), (s, server))?.handshakes();
    assert!(client.is_err() && server.is_err(), "client {client:?}, server {server:?}");
    Ok(())
}

fn no_server_speaks_a_legacy_suite_unasked(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    unasked(c, s, true)
}

fn no_client_speaks_a_legacy_suite_unasked(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    unasked(c, s, false)
}
