//! Application protocols.

use tls_core::{
    Alert, AlpnMismatch, AlpnPreference, Backend, ClientConfig, ErrorKind, Identity, Result,
    ServerConfig, Version, Versions,
};

use super::cases;
use crate::pair::{Pair, configs};

cases! { "alpn";
    Pair the_servers_order_decides [AlpnClient] [AlpnServer]
        "Of several protocols in common the server takes the one it likes best.";
    Pair the_servers_order_decides_in_tls12 [AlpnClient Tls12Client] [AlpnServer]
        "The server's order decides in TLS 1.2.";
    Pair the_clients_order_decides_if_the_server_says_so [AlpnClient] [AlpnServer AlpnServerPolicy]
        "A server may follow the client's order.";
    Pair the_clients_order_decides_in_tls12 [AlpnClient Tls12Client] [AlpnServer AlpnServerPolicy]
        "A server may follow the client's order in TLS 1.2.";
    Pair the_only_protocol_in_common_is_taken [AlpnClient] [AlpnServer]
        "One protocol in common is enough, wherever it stands in the lists.";
    Pair no_protocol_in_common_is_refused [AlpnClient] [AlpnServer]
        "A server refuses a client that offers only other protocols, and says why.";
    Pair no_protocol_in_common_is_refused_in_tls12 [AlpnClient Tls12Client] [AlpnServer]
        "A server refuses a client that offers only other protocols in TLS 1.2.";
    Pair no_protocol_in_common_is_refused_in_the_clients_order
        [AlpnClient] [AlpnServer AlpnServerPolicy]
        "A server that follows the client's order refuses one that offers only other protocols.";
    Pair a_server_may_go_on_without_a_protocol [AlpnClient] [AlpnServer AlpnServerPolicy]
        "A server may go on without a protocol in common.";
    Pair a_server_may_go_on_without_a_protocol_in_tls12
        [AlpnClient Tls12Client] [AlpnServer AlpnServerPolicy]
        "A server may go on without a protocol in common in TLS 1.2.";
    Pair a_server_that_would_go_on_takes_what_there_is [AlpnClient] [AlpnServer AlpnServerPolicy]
        "A server that would go on without a protocol still takes one in common.";
    Pair a_server_may_assume_its_first [AlpnClient] [AlpnServer AlpnServerPolicy]
        "A server may take its first protocol for agreed; the client is told nothing.";
    Pair a_server_assumes_its_first_when_nothing_is_offered
        [AlpnClient] [AlpnServer AlpnServerPolicy]
        "A server may take its first protocol for agreed when none is offered.";
    Pair a_client_that_offers_nothing_is_served [AlpnClient] [AlpnServer]
        "A client that offers no protocol is served, without one.";
    Pair a_server_without_protocols_serves_every_client [AlpnClient] [AlpnServer]
        "A server without protocols serves a client that offers some, without one.";
    Pair without_protocols_none_is_agreed [] []
        "Where neither side has a protocol there is none.";
    Pair the_longest_name_is_agreed [AlpnClient] [AlpnServer]
        "A name of 255 bytes is agreed.";
    Pair names_are_text_of_any_kind [AlpnClient] [AlpnServer]
        "Names may have a zero in them, go beyond ASCII, or be what RFC 8701 reserves.";
    Pair names_are_bytes [AlpnClient AlpnBytes] [AlpnServer AlpnBytes]
        "Names may be any bytes, also such as are no text.";
    Pair names_are_compared_in_full [AlpnClient] [AlpnServer]
        "A name that only begins like another, or differs in case, is another.";
    Pair the_last_of_many_protocols_is_found [AlpnClient] [AlpnServer]
        "The last of five hundred protocols is found.";
    Pair the_last_of_many_protocols_is_found_by_policy [AlpnClient] [AlpnServer AlpnServerPolicy]
        "The last of five hundred protocols is found by a server that follows the client.";
    Pair a_policy_works_one_byte_at_a_time [AlpnClient] [AlpnServer AlpnServerPolicy]
        "A server follows its policy when every byte arrives alone.";
    Client an_empty_name_is_no_configuration [] []
        "An empty protocol name is refused, on either side.";
    Client a_name_beyond_255_bytes_is_no_configuration [] []
        "A protocol name of 256 bytes is refused, on either side.";
    Client a_name_twice_is_no_configuration [] []
        "A protocol that is in the list twice is refused, on either side.";
    Client a_list_beyond_65535_bytes_is_no_configuration [] []
        "A list that does not fit in the message is refused, on either side.";
}

/// Two lists, and what is done about them.
struct Offer<'a> {
    client: (&'a dyn Backend, Vec<Vec<u8>>),
    server: (&'a dyn Backend, Vec<Vec<u8>>),
    preference: AlpnPreference,
    mismatch: AlpnMismatch,
    versions: Versions,
    chunk: usize,
}

impl<'a> Offer<'a> {
    fn new<C: AsRef<[u8]>, S: AsRef<[u8]>>(
        (client, offered): (&'a dyn Backend, &[C]),
        (server, known): (&'a dyn Backend, &[S]),
    ) -> Self {
        Self {
            client: (client, offered.iter().map(|name| name.as_ref().to_vec()).collect()),
            server: (server, known.iter().map(|name| name.as_ref().to_vec()).collect()),
            preference: AlpnPreference::default(),
            mismatch: AlpnMismatch::default(),
            versions: Versions::default(),
            chunk: usize::MAX,
        }
    }

    fn preferring(self, preference: AlpnPreference) -> Self {
        Self { preference, ..self }
    }

    fn without_overlap(self, mismatch: AlpnMismatch) -> Self {
        Self { mismatch, ..self }
    }

    fn in_tls12(self) -> Self {
        Self { versions: Versions::only(Version::Tls12), ..self }
    }

    fn pair(self) -> Result<Pair> {
        let (client, server) = configs();
        let client = client.alpn(self.client.1).versions(self.versions);
        let server = server.alpn(self.server.1);
        let server = server.alpn_preference(self.preference).alpn_mismatch(self.mismatch);
        let mut pair = Pair::new((self.client.0, client), (self.server.0, server))?;
        pair.chunk = self.chunk;
        Ok(pair)
    }

    /// The client says that this was agreed, and the server that.
    fn gives(self, client: Option<&[u8]>, server: Option<&[u8]>) -> Result<()> {
        let mut pair = self.pair()?;
        pair.handshake()?;
        let (c, s) = pair.negotiated();
        assert_eq!((c.alpn.as_deref(), s.alpn.as_deref()), (client, server));
        Ok(())
    }

    fn agrees(self, protocol: impl AsRef<[u8]>) -> Result<()> {
        self.gives(Some(protocol.as_ref()), Some(protocol.as_ref()))
    }

    fn refused(self) -> Result<()> {
        let (client, server) = self.pair()?.handshakes();
        assert_eq!(server.unwrap_err().kind(), ErrorKind::NoSharedAlpn);
        let told = ErrorKind::AlertReceived(Alert::NO_APPLICATION_PROTOCOL);
        assert_eq!(client.unwrap_err().kind(), told);
        Ok(())
    }
}

const NOTHING: &[&str] = &[];

/// Both sides can agree on a protocol. Without this a case where they do not would prove nothing.
fn agreement_works(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Offer::new((c, &["one"]), (s, &["one"])).agrees("one")
}

fn the_servers_order_decides(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Offer::new((c, &["one", "two", "three"]), (s, &["three", "two", "four"])).agrees("three")
}

fn the_servers_order_decides_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Offer::new((c, &["one", "two"]), (s, &["two", "one"])).in_tls12().agrees("two")
}

fn the_clients_order_decides_if_the_server_says_so(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let offer = Offer::new((c, &["zero", "one", "two"]), (s, &["two", "one"]));
    offer.preferring(AlpnPreference::Client).agrees("one")
}

fn the_clients_order_decides_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let offer = Offer::new((c, &["zero", "one", "two"]), (s, &["two", "one"]));
    offer.preferring(AlpnPreference::Client).in_tls12().agrees("one")
}

fn the_only_protocol_in_common_is_taken(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Offer::new((c, &["aa", "bb", "h2"]), (s, &["xx", "yy", "h2"])).agrees("h2")
}

fn no_protocol_in_common_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Offer::new((c, &["one"]), (s, &["two"])).refused()
}

fn no_protocol_in_common_is_refused_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Offer::new((c, &["one"]), (s, &["two"])).in_tls12().refused()
}

fn no_protocol_in_common_is_refused_in_the_clients_order(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    // With a protocol in common the client's order has to count; without one it is refused.
    the_clients_order_decides_if_the_server_says_so(c, s)?;
    Offer::new((c, &["one"]), (s, &["two"])).preferring(AlpnPreference::Client).refused()
}

fn a_server_may_go_on_without_a_protocol(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    agreement_works(c, s)?;
    let offer = Offer::new((c, &["one"]), (s, &["two"]));
    offer.without_overlap(AlpnMismatch::Continue).gives(None, None)
}

fn a_server_may_go_on_without_a_protocol_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Offer::new((c, &["one"]), (s, &["one"])).in_tls12().agrees("one")?;
    let offer = Offer::new((c, &["one"]), (s, &["two"]));
    offer.without_overlap(AlpnMismatch::Continue).in_tls12().gives(None, None)
}

fn a_server_that_would_go_on_takes_what_there_is(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for mismatch in [AlpnMismatch::Continue, AlpnMismatch::AssumeFirst] {
        let offer = Offer::new((c, &["one", "two"]), (s, &["two", "one"]));
        offer.preferring(AlpnPreference::Client).without_overlap(mismatch).agrees("one")?;
    }
    Ok(())
}

fn a_server_may_assume_its_first(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    agreement_works(c, s)?;
    let offer = Offer::new((c, &["one"]), (s, &["two", "three"]));
    offer.without_overlap(AlpnMismatch::AssumeFirst).gives(None, Some(b"two"))
}

fn a_server_assumes_its_first_when_nothing_is_offered(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    a_server_may_assume_its_first(c, s)?;
    let offer = Offer::new((c, NOTHING), (s, &["two", "three"]));
    offer.without_overlap(AlpnMismatch::AssumeFirst).gives(None, Some(b"two"))
}

fn a_client_that_offers_nothing_is_served(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    agreement_works(c, s)?;
    Offer::new((c, NOTHING), (s, &["two"])).gives(None, None)
}

fn a_server_without_protocols_serves_every_client(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    agreement_works(c, s)?;
    Offer::new((c, &["one"]), (s, NOTHING)).gives(None, None)
}

fn without_protocols_none_is_agreed(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Offer::new((c, NOTHING), (s, NOTHING)).gives(None, None)
}

fn the_longest_name_is_agreed(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let name = [b'n'; 255];
    Offer::new((c, &[name]), (s, &[name])).agrees(name)
}

fn names_are_text_of_any_kind(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    [&b"\x0a\x0a"[..], b"\x7f\x01", "schön".as_bytes()]
        .iter()
        .try_for_each(|name| is_agreed(c, s, name))
}

fn names_are_bytes(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    [&b"\0"[..], b"h", b"a\0b", b"\xff\xfe", b"\xfa\xfa", b"a\xc3"]
        .iter()
        .try_for_each(|name| is_agreed(c, s, name))
}

fn is_agreed(c: &dyn Backend, s: &dyn Backend, name: &[u8]) -> Result<()> {
    let (reserved, other) = (&b"\x1a\x1a"[..], &b"other"[..]);
    Offer::new((c, &[reserved, name]), (s, &[other, name])).agrees(name)
}

fn names_are_compared_in_full(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    Offer::new((c, &["h2cc", "H2C", "h2", "h2c"]), (s, &["h2c"])).agrees("h2c")?;
    Offer::new((c, &["h2cc", "H2C", "h2"]), (s, &["h2c"])).refused()
}

/// Enough for a ClientHello of several records.
fn many() -> Vec<String> {
    (0..500).map(|i| format!("a protocol with a rather long name, number {i}")).collect()
}

fn the_last_of_many_protocols_is_found(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let many = many();
    let last = many.last().unwrap();
    Offer::new((c, &many), (s, &["other", last])).agrees(last)
}

fn the_last_of_many_protocols_is_found_by_policy(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let many = many();
    let [.., before, last] = many.as_slice() else { unreachable!() };
    let offer = Offer::new((c, &many), (s, &[last, before]));
    offer.preferring(AlpnPreference::Client).agrees(before)
}

fn a_policy_works_one_byte_at_a_time(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let offer = Offer::new((c, &["one", "two"]), (s, &["two", "one"]));
    Offer { chunk: 1, ..offer.preferring(AlpnPreference::Client) }.agrees("one")?;
    let offer = Offer::new((c, &["one"]), (s, &["two"]));
    Offer { chunk: 1, ..offer.without_overlap(AlpnMismatch::Continue) }.gives(None, None)
}

/// Neither side takes a list like this.
fn unusable(names: &[Vec<u8>]) -> Result<()> {
    let identity: Identity = crate::certs::Leaf::server(&["unused.test"]).self_signed();
    let client = ClientConfig::builder().alpn(names).build();
    assert_eq!(client.unwrap_err().kind(), ErrorKind::Config);
    let server = ServerConfig::builder(identity).alpn(names).build();
    assert_eq!(server.unwrap_err().kind(), ErrorKind::Config);
    Ok(())
}

fn an_empty_name_is_no_configuration(_: &dyn Backend) -> Result<()> {
    unusable(&[b"h2".to_vec(), Vec::new()])
}

fn a_name_beyond_255_bytes_is_no_configuration(_: &dyn Backend) -> Result<()> {
    unusable(&[vec![b'n'; 256]])
}

fn a_name_twice_is_no_configuration(_: &dyn Backend) -> Result<()> {
    unusable(&[b"h2".to_vec(), b"http/1.1".to_vec(), b"h2".to_vec()])
}

fn a_list_beyond_65535_bytes_is_no_configuration(_: &dyn Backend) -> Result<()> {
    let names = (0..256_u16).map(|i| [&[b'n'; 253][..], &i.to_be_bytes()].concat());
    unusable(&names.collect::<Vec<_>>())
}
