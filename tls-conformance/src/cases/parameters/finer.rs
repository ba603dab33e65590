//! Whose order of suites decides, the size of records, and finite-field Diffie-Hellman.

use std::sync::Arc;

use tls_core::{
    Backend, CipherSuite, ClientConfig, Connection, DhParams, Error, ErrorKind, Identity, Profile,
    Progress, Result, ServerConfig, SignatureScheme, Signer, SuiteOrder, Version, Versions,
};

use super::{only, seen, server_for, unusable};
use crate::cases::{both_versions, cases};
use crate::pair::{Pair, Side, configs, pattern, ready, take_pending};
use crate::raw;
use crate::told;

cases! { "finer";
    Pair the_clients_order_of_suites_can_decide_in_tls12
        [CipherSuites Tls12Client] [ClientOrder ReportCipherSuite Tls12Server]
        "A server that follows the client's order takes the suite that the client likes best in TLS 1.2.";
    Pair the_clients_order_of_suites_can_decide_in_tls13
        [CipherSuites Tls13Client] [ClientOrder ReportCipherSuite Tls13Server]
        "A server that follows the client's order takes the suite that the client likes best in TLS 1.3.";
    Pair a_client_offers_its_groups_in_its_order [Groups] []
        "A client offers the groups of its list, in its order, and no others.";
    Pair a_client_keeps_its_records_small_in_tls12 [LimitRecords Tls12Client] [Tls12Server]
        "No record of a client holds more than its limit in TLS 1.2, from the first to the last.";
    Pair a_client_keeps_its_records_small_in_tls13 [LimitRecords Tls13Client] [Tls13Server]
        "No record of a client holds more than its limit in TLS 1.3, from the first to the last.";
    Pair a_server_keeps_its_records_small_in_tls12 [Tls12Client] [LimitRecords Tls12Server]
        "No record of a server holds more than its limit in TLS 1.2, from the first to the last.";
    Pair a_server_keeps_its_records_small_in_tls13 [Tls13Client] [LimitRecords Tls13Server]
        "No record of a server holds more than its limit in TLS 1.3, from the first to the last.";
    Client a_limit_to_records_out_of_range_is_no_configuration [] []
        "A limit to records below 512 or above 16384 bytes is refused, on either side, and named.";
    Pair each_dhe_suite_is_spoken
        [CipherSuites DheSuites ReportCipherSuite Tls12Client]
        [CipherSuites DheSuites ReportCipherSuite Tls12Server]
        "Two sides that name one suite with finite-field Diffie-Hellman speak it.";
    Client dhe_suites_and_dh_parameters_need_each_other [] []
        "A server with DHE suites and no DH parameters is refused, and so is the reverse.";
    Client a_signer_cannot_decrypt [] []
        "A server whose key only signs is refused with suites whose key exchange is by RSA.";
}

/// The first of the client's suites is spoken, wherever it stands in the server's list.
fn clients_order(
    c: &dyn Backend,
    s: &dyn Backend,
    version: Version,
    suites: [CipherSuite; 2],
) -> Result<()> {
    for n in 0..2 {
        let mut suites = suites;
        suites.rotate_left(n);
        let (client, server) = configs();
        let client = client.versions(only(version)).cipher_suites(suites);
        let server = server.versions(only(version)).suite_order(SuiteOrder::Client);
        let mut pair = Pair::new((c, client), (s, server))?;
        pair.handshake()?;
        assert_eq!(told::cipher_suite(&pair.negotiated().1)?, suites[0]);
    }
    Ok(())
}

fn the_clients_order_of_suites_can_decide_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let suites =
        [CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256, CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384];
    clients_order(c, s, Version::Tls12, suites)
}

fn the_clients_order_of_suites_can_decide_in_tls13(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let suites = [CipherSuite::TLS13_AES_128_GCM_SHA256, CipherSuite::TLS13_AES_256_GCM_SHA384];
    clients_order(c, s, Version::Tls13, suites)
}

fn a_client_offers_its_groups_in_its_order(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let mut groups = super::classical().collect::<Vec<_>>();
    for _ in 0..groups.len() {
        groups.rotate_left(1);
        let (client, server) = configs();
        let mut pair = Pair::new((c, client.groups(groups.clone())), (s, server))?;
        assert_eq!(seen::hello(&mut pair)?.groups, groups);
        pair.handshake()?;
    }
    Ok(())
}

/// Checks each record in `sent` against the limit; those that are encrypted have something added.
fn assert_small(sent: &[u8], limit: usize) {
    let records = raw::records(sent);
    assert_eq!(records.iter().map(|record| record.len()).sum::<usize>(), sent.len());
    for record in records {
        let length = record.len() - 5;
        assert!(length <= limit + ADDED, "a record of {length} bytes, with a limit of {limit}");
    }
}

/// Sends `data` from one to the other: what was read, and what was sent.
fn sent(from: &mut Connection, to: &mut Connection, data: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let (mut rest, mut got, mut sent) = (data, Vec::new(), Vec::new());
    let mut buf = vec![0; 20_000];
    while got.len() < data.len() {
        if !rest.is_empty() {
            rest = &rest[ready(from.write(rest))?..];
        }
        let flight = take_pending(from);
        assert!(!flight.is_empty(), "{} of {} bytes", got.len(), data.len());
        to.wire().feed(&flight);
        sent.extend(flight);
        while let Progress::Ready(n @ 1..) = to.read(&mut buf)? {
            got.extend_from_slice(&buf[..n]);
        }
    }
    Ok((got, sent))
}

fn small(side: Side, version: Version, c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let data = pattern(50_000);
    for limit in [512, 1000, 4096, 16_384] {
        let (mut client, mut server) = configs();
        match side {
            Side::Client => client = client.record_limit(limit),
            Side::Server => server = server.record_limit(limit),
        }
        let configs = (client.versions(only(version)), server.versions(only(version)));
        let mut pair = Pair::new((c, configs.0), (s, configs.1))?;
        let begun = seen::handshake(&mut pair)?;
        assert_small(if side == Side::Client { &begun.client } else { &begun.server }, limit);
        let (limited, peer) = pair.sides(side);
        let (got, out) = sent(limited, peer, &data)?;
        assert_eq!(got, data);
        assert_small(&out, limit);
        // As much as there can be in a record, not any less.
        let largest = raw::records(&out).iter().map(|record| record.len() - 5).max();
        assert!(largest >= Some(limit), "{largest:?}");
        let (got, _) = sent(peer, limited, &data)?;
        assert_eq!(got, data);
    }
    Ok(())
}

fn client_small(version: Version, c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    small(Side::Client, version, c, s)
}

fn server_small(version: Version, c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    small(Side::Server, version, c, s)
}

both_versions! {
    a_client_keeps_its_records_small_in_tls12 a_client_keeps_its_records_small_in_tls13 = client_small;
    a_server_keeps_its_records_small_in_tls12 a_server_keeps_its_records_small_in_tls13 = server_small;
}

fn a_limit_to_records_out_of_range_is_no_configuration(_: &dyn Backend) -> Result<()> {
    for limit in [0, 1, 511, 16_385, usize::MAX] {
        let named = limit.to_string();
        unusable(&named, |client| client.record_limit(limit), |server| server.record_limit(limit))?;
    }
    Ok(())
}

fn each_dhe_suite_is_spoken(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let tls12 = Versions::only(Version::Tls12);
    for &suite in CipherSuite::DHE {
        let (root, identity) = server_for(suite);
        let client = ClientConfig::builder().roots(root.roots()).versions(tls12);
        let server = ServerConfig::builder(identity).versions(tls12).cipher_suites([suite]);
        let server = server.dh_params(DhParams::Auto);
        let mut pair = Pair::new((c, client.cipher_suites([suite])), (s, server))?;
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        assert_eq!(told::cipher_suite(&client)?, suite);
        assert_eq!(told::cipher_suite(&server)?, suite);
    }
    Ok(())
}

fn dhe_suites_and_dh_parameters_need_each_other(_: &dyn Backend) -> Result<()> {
    let (tls12, dhe) = (Versions::only(Version::Tls12), CipherSuite::DHE[0]);
    let server = || configs().1.versions(tls12);
    let without = server().cipher_suites([dhe]).build();
    let alone = server().dh_params(DhParams::Auto).build();
    for e in [without.map(drop).unwrap_err(), alone.map(drop).unwrap_err()] {
        assert_eq!(e.kind(), ErrorKind::Config);
        assert!(e.to_string().contains("DH parameters"), "{e}");
    }
    configs().0.versions(tls12).cipher_suites([dhe]).build().map(drop)
}

fn a_signer_cannot_decrypt(_: &dyn Backend) -> Result<()> {
    let (_, identity) = server_for(CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256);
    let signing = Identity::with_signer(identity.chain().to_vec(), Arc::new(Hand))?;
    let e = ServerConfig::builder(signing).profile(Profile::Legacy).build().map(drop).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Config);
    assert!(e.to_string().contains("TLS_RSA_WITH_"), "{e}");
    ServerConfig::builder(identity).profile(Profile::Legacy).build().map(drop)
}

/// Signs, and does nothing else.
#[derive(Debug)]
struct Hand;

impl Signer for Hand {
    fn schemes(&self) -> &[SignatureScheme] {
        &[SignatureScheme::RSA_PSS_SHA256]
    }

    fn sign(&self, _: SignatureScheme, _: &[u8]) -> Result<Vec<u8>> {
        Err(Error::new(ErrorKind::Backend))
    }
}

/// What encryption adds at most, with an AEAD: a number before and a tag behind, or a type and a tag.
const ADDED: usize = 24;
