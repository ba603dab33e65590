use super::*;

const SECRET: &str = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";

fn hmac(hash: Hash, key: &[u8], message: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let algorithm = match hash {
        Hash::Sha256 => ring::hmac::HMAC_SHA256,
        Hash::Sha384 => ring::hmac::HMAC_SHA384,
    };
    let key = ring::hmac::Key::new(algorithm, key);
    Some(Zeroizing::new(ring::hmac::sign(&key, message).as_ref().to_vec()))
}

fn hex(text: &str) -> Vec<u8> {
    from_hex(text).unwrap().to_vec()
}

fn pass(traffic: &Traffic, is_sent: bool, is_tls13: bool, kind: i32, bytes: &[u8]) {
    traffic.note_passing(Passing { is_sent, is_tls13, kind, bytes });
}

fn established(version: Version, suite: u16) -> Established<'static> {
    Established {
        version,
        cipher_suite: CipherSuite(suite),
        sequences: (3, 5),
        nonce: 0x0102_0304_0506_0708,
        master_secret: &[1; 48],
        client_random: &[2; 32],
        server_random: &[3; 32],
    }
}

#[test]
fn keys_are_those_of_rfc_8448() {
    let keys = derive::keys(hmac, &hex(SECRET), 16, 7).unwrap();
    assert_eq!(keys.key[..], hex("9f02283b6c9c07efc26bb9f2ac92e356"));
    assert_eq!(keys.iv[..], hex("cf782b88dd83549aadf1e984"));
    assert_eq!(keys.sequence, 7);
}

#[test]
fn the_function_of_tls12_is_that_of_everyone() {
    let secret = hex("9bbe436ba940f017b17652849a71db35");
    let seed = [&b"test label"[..], &hex("a0ba9f936cda311827a6f796ffd5198c")].concat();
    let out = derive::prf(hmac, Hash::Sha256, &secret, &seed, 100).unwrap();
    assert_eq!(out.len(), 100);
    let begins = hex("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a");
    assert_eq!(out[..32], begins);
}

#[test]
fn records_are_counted_from_the_change_of_keys() {
    let traffic = Traffic::new(hmac, true);
    for is_sent in [true, false] {
        let pass = |kind, bytes: &[u8]| pass(&traffic, is_sent, true, kind, bytes);
        pass(HEADER, &[22, 3, 3, 0, 9]);
        pass(HEADER, &[20, 3, 3, 0, 1]);
        pass(HEADER, &[23, 3, 3, 0, 9]);
        pass(HANDSHAKE, &[FINISHED, 0, 0, 0]);
    }
    assert_eq!(traffic.sequences(), (0, 0));
    pass(&traffic, true, true, HEADER, &[23, 3, 3, 0, 9]);
    pass(&traffic, true, true, HEADER, &[23, 3, 3, 0, 9]);
    pass(&traffic, false, true, HEADER, &[23, 3, 3, 0, 9]);
    assert_eq!(traffic.sequences(), (2, 1));
    pass(&traffic, false, true, HEADER, &[23, 3, 3, 0, 9]);
    pass(&traffic, false, true, HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, 0]);
    assert_eq!(traffic.sequences(), (2, 0));
    pass(&traffic, false, true, HEADER, &[]);
    pass(&traffic, false, true, HEADER, &[20, 3, 3, 0, 1]);
    assert_eq!(traffic.sequences(), (2, 1));
}

#[test]
fn in_tls12_finished_is_the_first_record() {
    let traffic = Traffic::new(hmac, false);
    pass(&traffic, true, false, HEADER, &[20, 3, 3, 0, 1]);
    pass(&traffic, true, false, HEADER, &[22, 3, 3, 0, 40]);
    pass(&traffic, true, false, HANDSHAKE, &[FINISHED, 0, 0, 0]);
    pass(&traffic, false, false, HEADER, &[22, 3, 3, 0, 40]);
    pass(&traffic, false, false, HEADER, &[20, 3, 3, 0, 1]);
    assert_eq!(traffic.sequences(), (1, 0));
}

#[test]
fn a_key_update_changes_the_secret_of_its_side() {
    let traffic = Traffic::new(hmac, false);
    traffic.note_secret(&format!("CLIENT_TRAFFIC_SECRET_0 00ff {SECRET}"));
    traffic.note_secret(&format!("SERVER_TRAFFIC_SECRET_0 00ff {SECRET}"));
    traffic.note_secret("EXPORTER_SECRET 00ff 00");
    pass(&traffic, true, true, HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, 0]);
    let mut given = traffic.hand_over(&established(Version::Tls13, 0x1301)).unwrap();
    assert_eq!((given.send.sequence, given.receive.sequence), (3, 5));
    assert_eq!(given.receive.key[..], hex("9f02283b6c9c07efc26bb9f2ac92e356"));
    assert_ne!(given.send.key, given.receive.key);
    let next = given.later.next_receive().unwrap();
    assert_eq!((next.key, next.iv, next.sequence), (given.send.key, given.send.iv, 0));
    assert_eq!(given.later.next_receive().unwrap().key, given.later.next_send().unwrap().key);
    given.later.ticket(&[1]).unwrap();
    assert!(traffic.hand_over(&established(Version::Tls13, 0x1301)).is_none(), "only once");
}

#[test]
fn what_is_not_known_is_not_handed_over() {
    let traffic = Traffic::new(hmac, false);
    assert!(traffic.hand_over(&established(Version::Tls13, 0x1301)).is_none());
    for line in [
        "",
        "CLIENT_TRAFFIC_SECRET_0",
        "CLIENT_TRAFFIC_SECRET_0 a b",
        "CLIENT_TRAFFIC_SECRET_0 a zz",
    ] {
        traffic.note_secret(line);
    }
    traffic.note_secret(&format!("SERVER_TRAFFIC_SECRET_0 00ff {SECRET}"));
    assert!(traffic.hand_over(&established(Version::Tls13, 0x1301)).is_none());
    traffic.note_secret(&format!("CLIENT_TRAFFIC_SECRET_0 00ff {}", &SECRET[2..]));
    assert!(traffic.hand_over(&established(Version::Tls13, 0x1301)).is_none());
    assert!(traffic.hand_over(&established(Version::Tls12, 0xc023)).is_none(), "no CBC");
}

#[test]
fn in_tls12_the_sides_have_their_parts_of_the_key_block() {
    for (suite, salt) in [(0xc02f, 4), (0xc030, 4), (0xcca8, 12)] {
        let established = established(Version::Tls12, suite);
        let client = Traffic::new(hmac, false).hand_over(&established).unwrap();
        let server = Traffic::new(hmac, true).hand_over(&established).unwrap();
        assert_eq!(client.send.key, server.receive.key);
        assert_eq!(client.receive.key, server.send.key);
        assert_eq!(client.send.iv[..salt], server.receive.iv[..salt]);
        assert_ne!(client.send.iv[..salt], server.send.iv[..salt]);
        assert_eq!(client.send.iv[salt..], established.nonce.to_be_bytes()[..12 - salt]);
    }
    let mut later =
        Traffic::new(hmac, false).hand_over(&established(Version::Tls12, 0xc02f)).unwrap().later;
    assert_eq!(later.next_send().unwrap_err().kind(), ErrorKind::Backend);
}

#[test]
fn the_last_nonce_is_read_off_the_wire() {
    let traffic = Traffic::new(hmac, false);
    traffic.note_sent(&[20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 9, 0, 0, 0, 0, 0, 0, 1, 2, 9]);
    assert_eq!(traffic.last_nonce(), 0x102);
    traffic.note_sent(&[]);
    traffic.note_sent(&[23, 3, 3, 9, 9, 1]);
    assert_eq!(traffic.last_nonce(), 0x102);
}
