//! Versions, cipher suites, groups and keys.

pub(super) mod finer;
pub(super) mod profiles;
pub(super) mod schemes;
mod seen;

use tls_core::{
    Backend, Capability, CipherSuite, ClientConfig, Error, ErrorKind, Group, Identity, Result,
    Server, ServerConfig, Version, Versions,
};

use super::cases;
use crate::certs::{Authority, Leaf, rsa};
use crate::pair::{Ends, NAME, Pair, configs};
use crate::told;

cases! { "parameters";
    Pair the_newest_version_is_spoken_by_default [Tls13Client ReportVersion] [Tls13Server ReportVersion]
        "Two sides that can speak TLS 1.3 do.";
    Pair a_client_can_insist_on_tls12 [Tls12Client ReportVersion] []
        "A client that offers only TLS 1.2 gets it from a server that has both.";
    Pair a_server_can_insist_on_tls12 [] [Tls12Server ReportVersion]
        "A server that accepts only TLS 1.2 gets it from a client that has both.";
    Pair a_client_that_insists_on_tls13_refuses_tls12
        [Tls12Client Tls13Client] [Tls12Server Tls13Server]
        "A client that offers only TLS 1.3 does not speak TLS 1.2.";
    Pair a_server_that_insists_on_tls13_refuses_tls12
        [Tls12Client Tls13Client] [Tls12Server Tls13Server]
        "A server that accepts only TLS 1.3 does not speak TLS 1.2.";
    Pair each_tls13_suite_can_be_the_clients_only
        [CipherSuites ReportCipherSuite Tls13Client] [Tls13Server]
        "A client can offer each suite of TLS 1.3 alone, and it is spoken.";
    Pair each_tls13_suite_can_be_the_servers_only
        [Tls13Client] [CipherSuites ReportCipherSuite Tls13Server]
        "A server can accept each suite of TLS 1.3 alone, and it is spoken.";
    Pair each_tls12_suite_can_be_the_clients_only
        [CipherSuites ReportCipherSuite Tls12Client] [DefaultSuites Tls12Server]
        "A client can offer each suite of TLS 1.2 alone, and it is spoken.";
    Pair each_tls12_suite_can_be_the_servers_only
        [DefaultSuites Tls12Client] [CipherSuites ReportCipherSuite Tls12Server]
        "A server can accept each suite of TLS 1.2 alone, and it is spoken.";
    Pair the_servers_order_of_suites_decides
        [] [CipherSuites ReportCipherSuite Tls13Server]
        "Of several suites of TLS 1.3 the server takes the one it likes best.";
    Pair the_servers_order_of_suites_decides_in_tls12
        [DefaultSuites] [CipherSuites ReportCipherSuite Tls12Server]
        "Of several suites of TLS 1.2 the server takes the one it likes best.";
    Pair the_default_order_of_suites_is_the_cores
        [ReportCipherSuite Tls13Client] [CipherSuites ReportCipherSuite Tls13Server]
        "Unless a server has another order, the best suite of the core's list is spoken.";
    Pair the_default_order_of_suites_is_the_cores_in_tls12
        [DefaultSuites ReportCipherSuite Tls12Client]
        [CipherSuites ReportCipherSuite Tls12Server]
        "Unless a server has another order, the best suite of the core's list is spoken in TLS 1.2.";
    Pair the_suites_of_both_versions_can_be_chosen
        [CipherSuites ReportCipherSuite ReportVersion] []
        "A list with a suite of each version serves both.";
    Pair each_group_can_be_the_clients_only [Groups ReportGroup] []
        "A client can offer each classical group alone, and it is used.";
    Pair each_group_can_be_the_servers_only [] [Groups ReportGroup]
        "A server can accept each classical group alone, and it is used.";
    Pair each_group_can_be_the_clients_only_in_tls12 [Groups ReportGroup Tls12Client] []
        "A client can offer each classical group alone in TLS 1.2, and it is used.";
    Pair each_group_can_be_the_servers_only_in_tls12 [] [Groups ReportGroup Tls12Server]
        "A server can accept each classical group alone in TLS 1.2, and it is used.";
    Pair a_group_that_the_client_did_not_guess_is_asked_for [ReportGroup] [Groups ReportGroup]
        "A server that does not take the client's first groups gets its last.";
    Pair the_post_quantum_group_is_used_by_default
        [PostQuantum ReportGroup Tls13Client] [PostQuantum ReportGroup Tls13Server]
        "Two sides that have the hybrid post-quantum group use it.";
    Pair the_post_quantum_group_can_be_the_clients_only
        [Groups PostQuantum ReportGroup Tls13Client] [PostQuantum Tls13Server]
        "A client can insist on the hybrid post-quantum group.";
    Pair the_post_quantum_group_can_be_the_servers_only
        [PostQuantum Tls13Client] [Groups PostQuantum ReportGroup Tls13Server]
        "A server can insist on the hybrid post-quantum group.";
    Pair the_post_quantum_group_gives_way_in_tls12
        [ReportGroup Tls12Client] [ReportGroup]
        "Where only TLS 1.2 is spoken, a classical group is used by default.";
    Pair an_rsa_certificate_is_accepted [ReportCipherSuite] [ReportCipherSuite]
        "A server with an RSA key is reached.";
    Pair an_rsa_certificate_is_accepted_in_tls12 [Tls12Client ReportCipherSuite] []
        "A server with an RSA key is reached with an RSA suite in TLS 1.2.";
    Pair a_suite_that_the_key_does_not_fit_is_passed_over [Tls12Client ReportCipherSuite] []
        "A server whose key fits only some suites takes the best of those.";
    Client an_unknown_suite_is_no_configuration [] []
        "A suite that is not on offer is refused, on either side, and named.";
    Client a_suite_twice_is_no_configuration [] []
        "A suite that is in the list twice is refused, on either side.";
    Client a_version_without_suites_is_no_configuration [] []
        "A list without a suite of a version that is on is refused, on either side.";
    Client an_unknown_group_is_no_configuration [] []
        "A group that is not on offer is refused, on either side, and named.";
    Client a_group_twice_is_no_configuration [] []
        "A group that is in the list twice is refused, on either side.";
    Client tls12_with_only_the_post_quantum_group_is_no_configuration [] []
        "The hybrid group alone is refused where TLS 1.2 is on.";
    Client an_empty_range_of_versions_is_no_configuration [] []
        "A range whose oldest version is newer than its newest is refused.";
    Server a_key_that_belongs_to_another_certificate_is_no_configuration [] []
        "A key that does not belong to the certificate is refused when it is loaded.";
    Server a_key_of_another_type_is_no_configuration [] []
        "A key of another type than the certificate's is refused when it is loaded.";
    Client a_clients_key_must_belong_to_its_certificate [ClientIdentity] []
        "A client's key that does not belong to its certificate is refused when it is loaded.";
    Server a_key_that_is_none_is_no_configuration [] []
        "A key whose DER is well-formed and whose numbers make no key is refused when loaded.";
}

fn only(version: Version) -> Versions {
    Versions::only(version)
}

fn the_newest_version_is_spoken_by_default(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = configs();
    let tls13 = only(Version::Tls13);
    Pair::new((c, client.versions(tls13)), (s, server.versions(tls13)))?.handshake()?;
    let (client, server) = Pair::established(c, s)?.negotiated();
    assert_eq!(told::version(&client)?, Version::Tls13);
    assert_eq!(told::version(&server)?, Version::Tls13);
    Ok(())
}

fn a_client_can_insist_on_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = configs();
    let mut pair = Pair::new((c, client.versions(only(Version::Tls12))), (s, server))?;
    pair.handshake()?;
    assert_eq!(told::version(&pair.negotiated().0)?, Version::Tls12);
    Ok(())
}

fn a_server_can_insist_on_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = configs();
    let mut pair = Pair::new((c, client), (s, server.versions(only(Version::Tls12))))?;
    pair.handshake()?;
    assert_eq!(told::version(&pair.negotiated().1)?, Version::Tls12);
    Ok(())
}

/// A client and a server without a version in common do not come together.
fn apart(c: &dyn Backend, s: &dyn Backend, client: Version, server: Version) -> Result<()> {
    // Each of the two would be understood.
    for version in [client, server] {
        Pair::established_in(version, c, s)?;
    }
    let (c_config, s_config) = configs();
    let configs = (c_config.versions(only(client)), s_config.versions(only(server)));
    let (client, server) = Pair::new((c, configs.0), (s, configs.1))?.handshakes();
    assert_eq!(server.map_err(|e| e.kind()), Err(ErrorKind::NoSharedVersion));
    assert!(client.is_err());
    Ok(())
}

fn a_client_that_insists_on_tls13_refuses_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    apart(c, s, Version::Tls13, Version::Tls12)
}

fn a_server_that_insists_on_tls13_refuses_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    apart(c, s, Version::Tls12, Version::Tls13)
}

/// A server with a key that fits `suite`, and a root that vouches for it.
fn server_for(suite: CipherSuite) -> (Authority, Identity) {
    let root = Authority::root("Root of this case");
    let leaf = Leaf::server(&[NAME]);
    let is_rsa = suite.name().unwrap_or_default().contains("_RSA_");
    let identity = root.issue(if is_rsa { leaf.with_key(rsa()) } else { leaf });
    (root, identity)
}

/// The default suites of `version`, each with the other side's defaults.
fn each_suite(c: &dyn Backend, s: &dyn Backend, version: Version, at_client: bool) -> Result<()> {
    let of_version =
        CipherSuite::DEFAULT.iter().filter(|suite| suite.is_tls13() == (version == Version::Tls13));
    for &suite in of_version {
        let (root, identity) = server_for(suite);
        let mut client = ClientConfig::builder().roots(root.roots());
        let mut server = ServerConfig::builder(identity);
        match at_client {
            true => client = client.cipher_suites([suite]),
            false => server = server.cipher_suites([suite]),
        }
        let (client, server) = (client.versions(only(version)), server.versions(only(version)));
        let mut pair = Pair::new((c, client), (s, server))?;
        told::default_suites(pair.handshakes())?;
        let (client, server) = pair.negotiated();
        assert_eq!(told::cipher_suite(if at_client { &client } else { &server })?, suite);
    }
    Ok(())
}

fn each_tls13_suite_can_be_the_clients_only(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    each_suite(c, s, Version::Tls13, true)
}

fn each_tls13_suite_can_be_the_servers_only(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    each_suite(c, s, Version::Tls13, false)
}

fn each_tls12_suite_can_be_the_clients_only(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    each_suite(c, s, Version::Tls12, true)
}

fn each_tls12_suite_can_be_the_servers_only(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    each_suite(c, s, Version::Tls12, false)
}

/// The first of the server's suites is spoken, wherever it stands in the client's list.
fn servers_order(
    c: &dyn Backend,
    s: &dyn Backend,
    version: Version,
    mut suites: [CipherSuite; 3],
) -> Result<()> {
    for _ in 0..3 {
        suites.rotate_left(1);
        let (client, server) = configs();
        let server = server.versions(only(version)).cipher_suites(suites);
        let mut pair = Pair::new((c, client), (s, server))?;
        pair.handshake()?;
        told::best_suite(told::cipher_suite(&pair.negotiated().1)?, suites[0])?;
    }
    Ok(())
}

fn the_servers_order_of_suites_decides(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let suites = [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ];
    servers_order(c, s, Version::Tls13, suites)
}

fn the_servers_order_of_suites_decides_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let suites = [
        CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256,
        CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384,
        CipherSuite::ECDHE_ECDSA_CHACHA20_POLY1305_SHA256,
    ];
    servers_order(c, s, Version::Tls12, suites)
}

fn the_default_order_of_suites_is_the_cores(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    default_order(c, s, Version::Tls13)
}

fn the_default_order_of_suites_is_the_cores_in_tls12(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    default_order(c, s, Version::Tls12)
}

fn default_order(c: &dyn Backend, s: &dyn Backend, version: Version) -> Result<()> {
    let fits = |suite: &&CipherSuite| {
        let is_rsa = suite.name().unwrap_or_default().contains("_RSA_");
        suite.is_tls13() == (version == Version::Tls13) && !is_rsa
    };
    let core = CipherSuite::DEFAULT;
    let upside_down = core.iter().rev().copied().collect::<Vec<_>>();
    // Were the server's order another, another suite would be spoken.
    for (order, given) in [(&upside_down[..], &upside_down[..]), (core, &[])] {
        let (client, server) = configs();
        let client = client.versions(only(version));
        let server = server.versions(only(version)).cipher_suites(given.iter().copied());
        let mut pair = Pair::new((c, client), (s, server))?;
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        let best = *order.iter().find(fits).unwrap();
        told::best_suite(told::cipher_suite(&client)?, best)?;
        told::best_suite(told::cipher_suite(&server)?, best)?;
    }
    Ok(())
}

fn the_suites_of_both_versions_can_be_chosen(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for (tls12, tls13) in [
        (
            CipherSuite::ECDHE_ECDSA_CHACHA20_POLY1305_SHA256,
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        ),
        (CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256, CipherSuite::TLS13_AES_128_GCM_SHA256),
    ] {
        let (client, server) = configs();
        let mut pair = Pair::new((c, client.cipher_suites([tls12, tls13])), (s, server))?;
        pair.handshake()?;
        let (client, _) = pair.negotiated();
        let expected = if told::version(&client)? == Version::Tls13 { tls13 } else { tls12 };
        assert_eq!(told::cipher_suite(&client)?, expected);
    }
    Ok(())
}

fn classical() -> impl Iterator<Item = Group> {
    Group::DEFAULT.iter().copied().filter(|group| !group.is_post_quantum())
}

fn each_group(c: &dyn Backend, s: &dyn Backend, versions: Versions, at_client: bool) -> Result<()> {
    // In TLS 1.2 the groups also limit the curves of certificates (RFC 8422 §5.1), so this key is
    // on none.
    let (root, identity) = server_for(CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256);
    for group in classical() {
        let mut client = ClientConfig::builder().roots(root.roots());
        let mut server = ServerConfig::builder(identity.clone());
        match at_client {
            true => client = client.versions(versions).groups([group]),
            false => server = server.versions(versions).groups([group]),
        }
        let mut pair = Pair::new((c, client), (s, server))?;
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        assert_eq!(told::group(if at_client { &client } else { &server })?, group);
    }
    Ok(())
}

fn each_group_can_be_the_clients_only(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    each_group(c, s, Versions::default(), true)
}

fn each_group_can_be_the_servers_only(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    each_group(c, s, Versions::default(), false)
}

fn each_group_can_be_the_clients_only_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    each_group(c, s, only(Version::Tls12), true)
}

fn each_group_can_be_the_servers_only_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    each_group(c, s, only(Version::Tls12), false)
}

fn a_group_that_the_client_did_not_guess_is_asked_for(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    for chunk in [usize::MAX, 1] {
        let (client, server) = configs();
        let mut pair = Pair::new((c, client), (s, server.groups([Group::SECP384R1])))?;
        pair.chunk = chunk;
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        assert_eq!(told::group(&client)?, Group::SECP384R1);
        assert_eq!(told::group(&server)?, Group::SECP384R1);
    }
    Ok(())
}

fn the_post_quantum_group_is_used_by_default(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Ends::only(Version::Tls13, c, s)?; // TLS 1.2 has no such group
    let (client, server) = Pair::established(c, s)?.negotiated();
    told::post_quantum(told::group(&client)?)?;
    told::post_quantum(told::group(&server)?)
}

/// A handshake with a side that has only the hybrid group; without it there is no group in common.
fn insist(pair: &mut Pair) -> Result<()> {
    let (client, server) = pair.handshakes();
    match server.as_ref().map_err(Error::kind) {
        Err(ErrorKind::NoSharedGroup) => {
            Err(Error::new(ErrorKind::Unsupported(Capability::PostQuantum)))
        }
        _ => client.and(server),
    }
}

fn the_post_quantum_group_can_be_the_clients_only(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Ends::only(Version::Tls13, c, s)?;
    let (client, server) = configs();
    each_group(c, s, only(Version::Tls13), true)?;
    let client = client.versions(only(Version::Tls13)).groups([Group::X25519MLKEM768]);
    let mut pair = Pair::new((c, client), (s, server))?;
    insist(&mut pair)?;
    assert_eq!(told::group(&pair.negotiated().0)?, Group::X25519MLKEM768);
    Ok(())
}

fn the_post_quantum_group_can_be_the_servers_only(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Ends::only(Version::Tls13, c, s)?;
    let (client, server) = configs();
    each_group(c, s, only(Version::Tls13), false)?;
    let server = server.versions(only(Version::Tls13)).groups([Group::X25519MLKEM768]);
    let mut pair = Pair::new((c, client), (s, server))?;
    insist(&mut pair)?;
    assert_eq!(told::group(&pair.negotiated().1)?, Group::X25519MLKEM768);
    Ok(())
}

fn the_post_quantum_group_gives_way_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = configs();
    let mut pair = Pair::new((c, client.versions(only(Version::Tls12))), (s, server))?;
    pair.handshake()?;
    let (client, server) = pair.negotiated();
    let group = told::group(&client)?;
    assert_eq!(group, told::group(&server)?);
    assert!(classical().any(|known| known == group), "{group}");
    Ok(())
}

fn rsa_pair(c: &dyn Backend, s: &dyn Backend, versions: Versions) -> Result<Pair> {
    let (root, identity) = server_for(CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256);
    let client = ClientConfig::builder().roots(root.roots()).versions(versions);
    let mut pair = Pair::new((c, client), (s, ServerConfig::builder(identity)))?;
    pair.handshake()?;
    Ok(pair)
}

fn an_rsa_certificate_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = rsa_pair(c, s, Versions::default())?.negotiated();
    assert_eq!(told::cipher_suite(&client)?, told::cipher_suite(&server)?);
    Ok(())
}

fn an_rsa_certificate_is_accepted_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, _) = rsa_pair(c, s, only(Version::Tls12))?.negotiated();
    let suite = told::cipher_suite(&client)?;
    assert!(suite.name().unwrap().starts_with("TLS_ECDHE_RSA_WITH_"), "{suite}");
    Ok(())
}

fn a_suite_that_the_key_does_not_fit_is_passed_over(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let (client, server) = configs();
    let mut pair = Pair::new((c, client.versions(only(Version::Tls12))), (s, server))?;
    pair.handshake()?;
    let (client, _) = pair.negotiated();
    let suite = told::cipher_suite(&client)?;
    assert!(suite.name().unwrap().starts_with("TLS_ECDHE_ECDSA_WITH_"), "{suite}");
    Ok(())
}

/// Neither side takes this configuration; the error mentions `named`.
fn unusable(
    named: &str,
    client: impl FnOnce(tls_core::ClientConfigBuilder) -> tls_core::ClientConfigBuilder,
    server: impl FnOnce(tls_core::ServerConfigBuilder) -> tls_core::ServerConfigBuilder,
) -> Result<()> {
    let builders = configs();
    let errors = [client(builders.0).build().map(drop), server(builders.1).build().map(drop)];
    for e in errors.map(Result::unwrap_err) {
        assert_eq!(e.kind(), ErrorKind::Config);
        assert!(e.to_string().contains(named), "{e}");
    }
    Ok(())
}

fn unusable_suites(named: &str, versions: Versions, suites: &[CipherSuite]) -> Result<()> {
    unusable(
        named,
        |client| client.versions(versions).cipher_suites(suites.to_vec()),
        |server| server.versions(versions).cipher_suites(suites.to_vec()),
    )
}

fn an_unknown_suite_is_no_configuration(_: &dyn Backend) -> Result<()> {
    let cbc = CipherSuite(0xc023);
    let suites = [CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256, cbc];
    let name = "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256";
    unusable_suites(name, only(Version::Tls12), &suites)?;
    unusable_suites("0xfefe", only(Version::Tls12), &[CipherSuite(0xfefe)])
}

fn a_suite_twice_is_no_configuration(_: &dyn Backend) -> Result<()> {
    let suite = CipherSuite::TLS13_AES_128_GCM_SHA256;
    unusable_suites("twice", only(Version::Tls13), &[suite, suite])
}

fn a_version_without_suites_is_no_configuration(_: &dyn Backend) -> Result<()> {
    let (tls12, tls13) =
        (CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256, CipherSuite::TLS13_AES_128_GCM_SHA256);
    unusable_suites("TLSv1.3 is on", Versions::default(), &[tls12])?;
    unusable_suites("TLSv1.2 is on", Versions::default(), &[tls13])
}

fn unusable_groups(named: &str, versions: Versions, groups: &[Group]) -> Result<()> {
    unusable(
        named,
        |client| client.versions(versions).groups(groups.to_vec()),
        |server| server.versions(versions).groups(groups.to_vec()),
    )
}

fn an_unknown_group_is_no_configuration(_: &dyn Backend) -> Result<()> {
    unusable_groups("ffdhe2048", Versions::default(), &[Group::X25519, Group(256)])?;
    unusable_groups("0xfefe", Versions::default(), &[Group(0xfefe)])
}

fn a_group_twice_is_no_configuration(_: &dyn Backend) -> Result<()> {
    unusable_groups("twice", Versions::default(), &[Group::X25519, Group::X25519])
}

fn tls12_with_only_the_post_quantum_group_is_no_configuration(_: &dyn Backend) -> Result<()> {
    unusable_groups("TLSv1.2 is on", Versions::default(), &[Group::X25519MLKEM768])
}

fn an_empty_range_of_versions_is_no_configuration(_: &dyn Backend) -> Result<()> {
    let e = Versions::between(Version::Tls13, Version::Tls12).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Config);
    Ok(())
}

/// The certificate of one and the key of the other.
fn mixed(one: &Identity, other: &Identity) -> Identity {
    Identity::from_der(one.chain().to_vec(), other.key().unwrap().secret_der()).unwrap()
}

fn compiles_not(s: &dyn Backend, identity: Identity) -> Result<()> {
    let e = Server::new(&ServerConfig::builder(identity).build()?, s).map(drop).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Config, "{e:?}");
    Ok(())
}

fn a_key_that_belongs_to_another_certificate_is_no_configuration(s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let mixed = mixed(&root.server(NAME), &root.server(NAME));
    compiles_not(s, mixed.clone())?;
    // Neither is it as one of several.
    let config = ServerConfig::builder(root.server(NAME)).add_identity(mixed).build()?;
    match Server::new(&config, s).map(drop).map_err(|e| e.kind()) {
        Err(ErrorKind::Config | ErrorKind::Unsupported(_)) => Ok(()),
        other => panic!("should be refused, but: {other:?}"),
    }
}

fn a_key_of_another_type_is_no_configuration(s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let (ec, rsa) = (root.server(NAME), root.issue(Leaf::server(&[NAME]).with_key(rsa())));
    compiles_not(s, mixed(&ec, &rsa))?;
    compiles_not(s, mixed(&rsa, &ec))
}

fn a_clients_key_must_belong_to_its_certificate(c: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let identity = mixed(&root.client("one"), &root.client("other"));
    let config = ClientConfig::builder().roots(root.roots()).identity(identity).build()?;
    match tls_core::Client::new(&config, c) {
        Err(e) if e.kind() == ErrorKind::Config => Ok(()),
        Err(e) => Err(e),
        Ok(_) => panic!("a key of another certificate should be refused"),
    }
}

fn a_key_that_is_none_is_no_configuration(s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let good = root.server(NAME);
    let mut key = good.key().unwrap().secret_der().to_vec();
    let half = key.len() / 2;
    key[half..].fill(0);
    compiles_not(s, Identity::from_der(good.chain().to_vec(), &key)?)
}
