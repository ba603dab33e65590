//! What a server staples, and when.

use tls_core::{Backend, Identity, Result, Server, ServerConfig, Staple, Version, Versions};

use super::{Meeting, compiled};
use crate::cases::{both_versions, cases};
use crate::certs::{Authority, Leaf};
use crate::ocsp::Answer;
use crate::pair::{NAME, Pair, take_pending};
use crate::raw::Hello;

cases! { "staple";
    Pair what_is_replaced_goes_out_with_the_next_handshake_in_tls12
        [RequestStaple Tls12Client] [SendStaple Tls12Server]
        "In TLS 1.2 a response that is replaced, emptied or put in goes out with the next handshake.";
    Pair what_is_replaced_goes_out_with_the_next_handshake_in_tls13
        [RequestStaple Tls13Client] [SendStaple Tls13Server]
        "In TLS 1.3 a response that is replaced, emptied or put in goes out with the next handshake.";
    Pair an_empty_staple_is_none [RequestStaple] [SendStaple]
        "A server whose staple has no response yet staples nothing.";
    Pair each_identity_has_its_own_staple [RequestStaple] [SendStaple]
        "Of several identities each is presented with its own staple, or with none.";
    Server a_staple_that_is_not_asked_for_is_not_sent [] [SendStaple Tls12Server]
        "A server sends its staple to a client that asks for one, and to no other.";
}

both_versions! {
    what_is_replaced_goes_out_with_the_next_handshake_in_tls12
        what_is_replaced_goes_out_with_the_next_handshake_in_tls13 = replaced;
}

/// What a client is stapled that connects to `name`.
fn stapled(ends: &(tls_core::Client, Server), name: &str) -> Result<Option<Vec<u8>>> {
    let (client, server) = (ends.0.connection(name)?, ends.1.connection()?);
    let mut pair = Pair { client, server, chunk: usize::MAX };
    pair.handshake()?;
    Ok(pair.negotiated().0.staple)
}

fn replaced(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server).speaking(version);
    let answer = |from| Answer::good(&meeting.issuer, meeting.leaf()).hours(from, 24).der();
    let (first, second) = (answer(-2), answer(-1));
    let staple = Staple::new(&first[..]);
    let identity = meeting.identity.clone().with_staple(staple.clone());
    let server = ServerConfig::builder(identity).versions(meeting.versions).build()?;
    let ends = compiled(&meeting, server)?;
    assert_eq!(stapled(&ends, NAME)?.as_ref(), Some(&first));
    assert_eq!(stapled(&ends, NAME)?.as_ref(), Some(&first));
    staple.replace(Some((&second[..]).into()));
    assert_eq!(stapled(&ends, NAME)?.as_ref(), Some(&second));
    staple.replace(None);
    assert_eq!(stapled(&ends, NAME)?, None);
    staple.replace(Some((&first[..]).into()));
    assert_eq!(stapled(&ends, NAME)?.as_ref(), Some(&first));
    Ok(())
}

fn an_empty_staple_is_none(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let staple = Staple::empty();
    let identity = meeting.identity.clone().with_staple(staple.clone());
    let ends = compiled(&meeting, ServerConfig::builder(identity).build()?)?;
    assert_eq!(stapled(&ends, NAME)?, None);
    let response = Answer::good(&meeting.issuer, meeting.leaf()).der();
    staple.replace(Some((&response[..]).into()));
    assert_eq!(stapled(&ends, NAME)?, Some(response));
    Ok(())
}

fn each_identity_has_its_own_staple(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let issue = |name| meeting.issuer.issue(Leaf::server(&[name]));
    let answer = |identity: &Identity| Answer::good(&meeting.issuer, identity.leaf()).der();
    let (one, two, three) = (issue("one.test"), issue("two.test"), issue("three.test"));
    let (first, second) = (answer(&one), answer(&two));
    let server = ServerConfig::builder(one.with_staple(Staple::new(&first[..])))
        .add_identity(two.with_staple(Staple::new(&second[..])))
        .add_identity(three)
        .build()?;
    let ends = compiled(&meeting, server)?;
    assert_eq!(stapled(&ends, "one.test")?, Some(first));
    assert_eq!(stapled(&ends, "two.test")?, Some(second));
    assert_eq!(stapled(&ends, "three.test")?, None);
    Ok(())
}

fn a_staple_that_is_not_asked_for_is_not_sent(server: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let identity = root.server(NAME);
    let response = Answer::good(&root, identity.leaf()).der();
    let identity = identity.with_staple(Staple::new(&response[..]));
    let only = Versions::only(Version::Tls12);
    let config = ServerConfig::builder(identity).versions(only).build()?;
    let server = Server::new(&config, server)?;
    for asks_for_staple in [true, false] {
        let mut connection = server.connection()?;
        connection.wire().feed(&Hello { asks_for_staple, ..Hello::tls12() }.record());
        let _ = connection.handshake()?;
        // In TLS 1.2 the response is in clear.
        let flight = take_pending(&mut connection);
        let is_sent = flight.windows(response.len()).any(|bytes| bytes == response);
        assert_eq!(is_sent, asks_for_staple);
    }
    Ok(())
}
