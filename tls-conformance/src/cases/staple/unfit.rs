//! Staples that are no response about the server's certificate.
//!
//! A library may read what it is given to staple, and send nothing in place of such a one. It may read
//! what it is sent, and refuse what is no response. `crate::DIFFERENCES` says which does.

use tls_core::danger::Skip;
use tls_core::{Alert, Backend, CertificateError, ErrorKind, Result, Roots, StaplePolicy};

use super::Meeting;
use crate::cases::cases;
use crate::certs::{Authority, Leaf};
use crate::ocsp::Answer;
use crate::pair::{NAME, Pair};
use crate::told;

cases! { "staple";
    Pair one_about_another_certificate_is_refused_or_not_sent [RequestStaple] [SendStaple]
        "A response about another certificate of the same issuer is refused, or never sent.";
    Pair one_about_a_certificate_of_another_issuer_is_refused_or_not_sent
        [RequestStaple] [SendStaple]
        "A response about a certificate of another issuer is refused, or never sent.";
    Pair junk_is_refused_or_not_sent [RequestStaple] [SendStaple]
        "What is no response, or half of one, is refused, or never sent.";
    Pair what_stands_behind_a_response_is_refused_or_left_out [RequestStaple] [SendStaple]
        "A response with a byte behind it is refused, or passed on without that byte.";
    Pair junk_that_nobody_judges_is_handed_over_or_refused
        [RequestStaple SkipAllVerification] [SendStaple]
        "Where everything is left out, what is no response is handed over as it is, refused, or never sent.";
    Pair one_of_a_self_signed_certificate_is_handed_over_or_not_sent
        [RequestStaple] [SendStaple]
        "A response about a trusted self-signed certificate is handed over, or never sent.";
}

const INVALID: CertificateError = CertificateError::StapleInvalid;

/// The client refuses the server for this staple; or the server does not send it, and a client that
/// requires one misses it.
fn refused_or_not_sent(meeting: &Meeting<'_>, staple: &[u8]) -> Result<()> {
    let mut pair = meeting.pair(Some(staple))?;
    let (client, server) = pair.handshakes();
    let why = if client.is_ok() {
        server?;
        assert_eq!((pair.negotiated().0.staple, pair.client.staple()), (None, None));
        CertificateError::StapleMissing
    } else {
        refused(&pair, staple, (client, server), INVALID)?;
        INVALID
    };
    let mut pair = meeting.pair_under(StaplePolicy::Require, Some(staple))?;
    let ends = pair.handshakes();
    refused(&pair, staple, ends, why)
}

/// The client has refused the server, and told it so; what was stapled may be too odd to be read.
fn refused(
    pair: &Pair,
    staple: &[u8],
    (client, server): (Result<()>, Result<()>),
    why: CertificateError,
) -> Result<()> {
    told::refusal(client, why)?;
    let alert = Alert::BAD_CERTIFICATE_STATUS_RESPONSE;
    assert_eq!(server.map_err(|e| e.kind()), Err(ErrorKind::AlertReceived(alert)));
    assert!([None, Some(staple.to_vec())].contains(&pair.client.staple()));
    Ok(())
}

fn one_about_another_certificate_is_refused_or_not_sent(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let other = meeting.issuer.server(NAME);
    refused_or_not_sent(&meeting, &Answer::good(&meeting.issuer, other.leaf()).der())?;
    refused_or_not_sent(&meeting, &Answer::revoked(&meeting.issuer, other.leaf()).der())?;
    meeting.in_effect()
}

fn one_about_a_certificate_of_another_issuer_is_refused_or_not_sent(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    // The same number, at another issuer, whose name and key the id has.
    let other = Authority::root("Root of others");
    let about = Answer::good(&other, meeting.leaf());
    refused_or_not_sent(&meeting, &about.signed_by(&meeting.issuer).der())?;
    // Only the key is another's: nobody has to see that before the client does.
    let namesake = Authority::root("Authority that responds");
    let about = Answer::good(&namesake, meeting.leaf());
    refused_or_not_sent(&meeting, &about.signed_by(&meeting.issuer).der())?;
    meeting.in_effect()
}

fn junk_is_refused_or_not_sent(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let whole = Answer::good(&meeting.issuer, meeting.leaf()).der();
    for junk in [&b"hello"[..], &[0x30, 0x80], &[0x30; 300], &whole[..whole.len() / 2]] {
        refused_or_not_sent(&meeting, junk)?;
    }
    refused_or_not_sent(&meeting, meeting.leaf())?;
    meeting.in_effect()
}

fn what_stands_behind_a_response_is_refused_or_left_out(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let whole = Answer::good(&meeting.issuer, meeting.leaf()).der();
    let longer = [&whole[..], &[0]].concat();
    let mut pair = meeting.pair(Some(&longer))?;
    let (client, server) = pair.handshakes();
    if client.is_ok() {
        server?;
        assert_eq!(pair.client.staple(), Some(whole));
    } else {
        refused(&pair, &longer, (client, server), INVALID)?;
    }
    meeting.in_effect()
}

fn junk_that_nobody_judges_is_handed_over_or_refused(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server).skipping(Skip::everything());
    for junk in [&b"no response at all"[..], &[7; 20_000]] {
        let mut pair = meeting.pair(Some(junk))?;
        let (client, _) = pair.handshakes();
        match client {
            Ok(()) => assert!([None, Some(junk.to_vec())].contains(&pair.client.staple())),
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Certificate(INVALID));
                assert_eq!(pair.client.staple(), None);
            }
        }
    }
    meeting.accepts(&Answer::good(&meeting.issuer, meeting.leaf()).der())
}

fn one_of_a_self_signed_certificate_is_handed_over_or_not_sent(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    meeting.in_effect()?;
    let response = Answer::good(&meeting.issuer, meeting.leaf()).der();
    let identity = Leaf::server(&[NAME]).self_signed();
    let roots = Roots::empty().with_der(identity.leaf().clone())?;
    let meeting = Meeting { roots, identity, ..meeting };
    let mut pair = meeting.pair(Some(&response))?;
    pair.handshake()?;
    assert!([None, Some(response)].contains(&pair.client.staple()));
    Ok(())
}
