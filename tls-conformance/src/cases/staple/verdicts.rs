//! Which responses are believed.

use rcgen::ExtendedKeyUsagePurpose;
use tls_core::{Backend, CertificateError, Result};

use super::Meeting;
use crate::cases::cases;
use crate::certs::{Authority, Leaf};
use crate::ocsp::Answer;
use crate::pair::NAME;

cases! { "staple";
    Pair one_by_sha256_is_believed [RequestStaple] [SendStaple]
        "A response that names the issuer by SHA-256 is believed, good or revoked.";
    Pair one_that_names_the_signers_key_is_believed [RequestStaple] [SendStaple]
        "A response that names who signed by key is believed, good or revoked.";
    Pair one_of_a_responder_is_believed [RequestStaple] [SendStaple]
        "A response of somebody to whom the issuer has given the purpose is believed, good or revoked.";
    Pair one_of_a_responder_without_the_purpose_is_refused [RequestStaple] [SendStaple]
        "A response of somebody whose certificate is for another purpose, or for any, is refused.";
    Pair one_of_a_responder_of_another_issuer_is_refused [RequestStaple] [SendStaple]
        "A response of somebody to whom another authority, even the root, gave the purpose is refused.";
    Pair one_of_a_responder_that_has_expired_is_refused [RequestStaple] [SendStaple]
        "A response of somebody whose certificate has expired is refused.";
    Pair one_of_a_stranger_is_refused [RequestStaple] [SendStaple]
        "A response that a stranger has signed is refused, under the issuer's name too.";
    Pair one_of_the_root_is_refused [RequestStaple] [SendStaple]
        "A response that the issuer's own issuer has signed is refused.";
    Pair one_of_another_certificate_of_the_issuer_is_refused [RequestStaple] [SendStaple]
        "A response signed by another certificate of the same issuer is refused.";
    Pair one_with_a_wrong_signature_is_refused [RequestStaple] [SendStaple]
        "A response whose signature is wrong is refused, the issuer's and a responder's.";
    Pair one_about_another_certificate_is_refused [RequestStaple] [SendStaple]
        "A response about another certificate of the same issuer is refused.";
    Pair one_about_a_certificate_of_another_issuer_is_refused [RequestStaple] [SendStaple]
        "A response about a certificate of another issuer is refused.";
    Pair one_of_the_past_is_refused [RequestStaple] [SendStaple]
        "A response that is out of date is refused, whether it says good or revoked.";
    Pair one_of_the_future_is_refused [RequestStaple] [SendStaple]
        "A response that is not yet valid is refused.";
    Pair clocks_may_differ_by_a_minute [RequestStaple] [SendStaple]
        "A response that began half a minute from now, or ended half a minute ago, is believed.";
    Pair one_without_an_end_is_believed_for_two_weeks [RequestStaple] [SendStaple]
        "A response that does not say when the next comes is believed for 14 days.";
    Pair one_of_two_weeks_ago_is_refused [RequestStaple] [SendStaple]
        "A response that is older than 14 days is refused, however long it says it is good.";
    Pair one_without_an_answer_is_refused [RequestStaple] [SendStaple]
        "A response that says to try later is refused.";
    Pair junk_is_refused [RequestStaple] [SendStaple]
        "What is no response, or half of one, is refused.";
}

const INVALID: CertificateError = CertificateError::StapleInvalid;

fn refused(meeting: &Meeting<'_>, response: &[u8]) -> Result<()> {
    meeting.refuses(Some(response), INVALID)
}

/// Responses like this are believed, whatever they say.
fn believed<'a>(meeting: &'a Meeting<'_>, like: impl Fn(Answer<'a>) -> Answer<'a>) -> Result<()> {
    meeting.accepts(&like(Answer::good(&meeting.issuer, meeting.leaf())).der())?;
    let revoked = like(Answer::revoked(&meeting.issuer, meeting.leaf())).der();
    meeting.refuses(Some(&revoked), CertificateError::Revoked)
}

/// Responses like this are not believed, whatever they say.
fn not_believed<'a>(
    meeting: &'a Meeting<'_>,
    like: impl Fn(Answer<'a>) -> Answer<'a>,
) -> Result<()> {
    refused(meeting, &like(Answer::good(&meeting.issuer, meeting.leaf())).der())?;
    refused(meeting, &like(Answer::revoked(&meeting.issuer, meeting.leaf())).der())
}

fn one_by_sha256_is_believed(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    believed(&Meeting::of(client, server), Answer::by_sha256)
}

fn one_that_names_the_signers_key_is_believed(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    believed(&meeting, Answer::signer_by_key)?;
    let responder = meeting.issuer.responder();
    believed(&meeting, |answer| answer.signed_for(&responder).signer_by_key())
}

fn one_of_a_responder_is_believed(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let responder = meeting.issuer.responder();
    believed(&meeting, |answer| answer.signed_for(&responder))?;
    believed(&meeting, |answer| answer.signed_for(&responder).by_sha256())
}

fn one_of_a_responder_without_the_purpose_is_refused(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    for purposes in [
        vec![],
        vec![ExtendedKeyUsagePurpose::Any],
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
    ] {
        let responder = meeting.issuer.responder_with(purposes, 365);
        not_believed(&meeting, |answer| answer.signed_for(&responder))?;
    }
    Ok(())
}

fn one_of_a_responder_of_another_issuer_is_refused(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let root = Authority::root("Root of this case");
    let meeting = Meeting { roots: root.roots(), ..Meeting::of(client, server) };
    let issuer = root.intermediate("Authority that responds");
    let identity = issuer.server(NAME);
    let meeting = Meeting { issuer, identity, ..meeting };
    let impostor = Authority::root("Authority that responds");
    for other in [&root, &impostor] {
        let responder = other.responder();
        not_believed(&meeting, |answer| answer.signed_for(&responder))?;
    }
    meeting.in_effect()
}

fn one_of_a_responder_that_has_expired_is_refused(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let purposes = vec![ExtendedKeyUsagePurpose::OcspSigning];
    let responder = meeting.issuer.responder_with(purposes, -1);
    not_believed(&meeting, |answer| answer.signed_for(&responder))
}

fn one_of_a_stranger_is_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    for name in ["Root that nobody here knows", "Authority that responds"] {
        let stranger = Authority::root(name);
        not_believed(&meeting, |answer| answer.signed_by(&stranger))?;
        not_believed(&meeting, |answer| answer.signed_by(&stranger).signer_by_key())?;
    }
    Ok(())
}

fn one_of_the_root_is_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let issuer = root.intermediate("Authority that responds");
    let identity = issuer.server(NAME);
    let roots = root.roots();
    let meeting = Meeting { roots, issuer, identity, ..Meeting::of(client, server) };
    not_believed(&meeting, |answer| answer.signed_by(&root))
}

fn one_of_another_certificate_of_the_issuer_is_refused(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let another = meeting.issuer.responder_with(vec![ExtendedKeyUsagePurpose::ServerAuth], 365);
    not_believed(&meeting, |answer| answer.signed_for(&another))
}

fn one_with_a_wrong_signature_is_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    not_believed(&meeting, Answer::spoilt)?;
    let responder = meeting.issuer.responder();
    not_believed(&meeting, |answer| answer.signed_for(&responder).spoilt())
}

fn one_about_another_certificate_is_refused(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let other = meeting.issuer.server(NAME);
    refused(&meeting, &Answer::good(&meeting.issuer, other.leaf()).der())?;
    refused(&meeting, &Answer::revoked(&meeting.issuer, other.leaf()).der())?;
    meeting.in_effect()
}

fn one_about_a_certificate_of_another_issuer_is_refused(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let other = Authority::root("Root of others");
    // The same number, at another issuer, whose name and key the id has.
    let about = Answer::good(&other, meeting.leaf());
    refused(&meeting, &about.signed_by(&meeting.issuer).der())?;
    meeting.in_effect()
}

fn one_of_the_past_is_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    not_believed(&Meeting::of(client, server), |answer| answer.hours(-48, -24))
}

fn one_of_the_future_is_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    not_believed(&Meeting::of(client, server), |answer| answer.hours(24, 48))
}

fn clocks_may_differ_by_a_minute(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    believed(&meeting, |answer| answer.seconds(30, 3600))?;
    believed(&meeting, |answer| answer.seconds(-3600, -20))?;
    not_believed(&meeting, |answer| answer.seconds(120, 3600))?;
    not_believed(&meeting, |answer| answer.seconds(-3600, -90))
}

fn one_without_an_end_is_believed_for_two_weeks(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    believed(&meeting, |answer| answer.open_since(-24 * 13))?;
    not_believed(&meeting, |answer| answer.open_since(-24 * 15))
}

fn one_of_two_weeks_ago_is_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    believed(&meeting, |answer| answer.hours(-24 * 13, 24 * 30))?;
    not_believed(&meeting, |answer| answer.hours(-24 * 15, 24 * 30))
}

fn one_without_an_answer_is_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    refused(&Meeting::of(client, server), &Answer::later())
}

fn junk_is_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::with(client, server, Leaf::server(&[NAME]));
    let whole = Answer::good(&meeting.issuer, meeting.leaf()).der();
    let longer = [&whole[..], &[0]].concat();
    for junk in [&b"hello"[..], &[0x30, 0x80], &[0x30; 300], &whole[..whole.len() / 2], &longer] {
        refused(&meeting, junk)?;
    }
    refused(&meeting, meeting.leaf())
}
