//! Staples beside other checks.

use tls_core::danger::Skip;
use tls_core::pki_types::UnixTime;
use tls_core::{
    Backend, CertificateError, Checks, ClientAuth, ClientConfig, Clock, ErrorKind, Result,
    RevocationLists, Roots, ServerConfig, Staple, StaplePolicy, Verification, Version, Versions,
};

use super::Meeting;
use crate::cases::trust::Witness;
use crate::cases::{both_versions, cases};
use crate::certs::{Authority, Leaf, p521_chain};
use crate::crls::List;
use crate::ocsp::Answer;
use crate::pair::Pair;
use crate::told;

cases! { "staple";
    Pair without_the_dates_an_old_one_is_believed [RequestStaple SkipTimeVerification] [SendStaple]
        "Where the dates are left out, a response of any time is believed, good or revoked.";
    Pair without_the_name_a_revoked_certificate_is_refused
        [RequestStaple SkipNameVerification] [SendStaple]
        "Where the name is left out, a certificate of which the staple says revoked is refused.";
    Pair without_the_chain_one_is_handed_over [RequestStaple SkipChainVerification] [SendStaple]
        "Where the chain is left out, a staple is handed over as it is, whatever it is.";
    Pair without_anything_one_is_handed_over [RequestStaple SkipAllVerification] [SendStaple]
        "Where everything is left out, a staple is handed over as it is, whatever it is.";
    Client without_the_chain_one_cannot_be_required [] []
        "A staple cannot be required where the chain of who could sign it is left out.";
    Pair the_clock_counts_for_staples [RequestStaple VerificationTime] [SendStaple]
        "A response is believed at an instant of its validity, and at no other.";
    Pair uniform_verification_looks_at_staples [RequestStaple UniformVerification] [SendStaple]
        "Uniform verification looks at staples as the library's does.";
    Pair a_verifier_that_follows_is_shown_the_staple
        [CustomVerification RequestStaple] [SendStaple]
        "A verifier that follows is shown the staple, once, and not asked where it is refused.";
    Pair a_verifier_that_follows_is_asked_where_there_is_no_staple
        [CustomVerification RequestStaple] []
        "A verifier that follows is asked, once, where the server staples nothing.";
    Pair a_verifier_in_place_of_the_library_is_shown_the_staple
        [CustomVerification RequestStaple] [SendStaple]
        "A verifier in place of the library is shown the staple, whatever it is, and decides.";
    Pair what_is_trusted_as_it_is_needs_nobody_to_speak_of_it
        [PartialChains RequestStaple] [SendStaple]
        "Of a certificate that is trusted as it is nobody could say more: its staple is handed over.";
    Pair lists_come_before_staples [RequestStaple RevocationLists] [SendStaple]
        "What a list revokes is refused though the staple says good, and the other way round.";
    Pair the_name_comes_before_the_staple [RequestStaple] [SendStaple]
        "A certificate for another name is refused for its name, whatever its staple says.";
    Pair a_client_certificate_is_asked_for_beside_a_staple_in_tls12
        [ClientIdentity RequestStaple Tls12Client] [RequestClientCertificate SendStaple Tls12Server]
        "In TLS 1.2 a server can staple a response and ask for a client's certificate.";
    Pair a_client_certificate_is_asked_for_beside_a_staple_in_tls13
        [ClientIdentity RequestStaple Tls13Client] [RequestClientCertificate SendStaple Tls13Server]
        "In TLS 1.3 a server can staple a response and ask for a client's certificate.";
    Client a_client_staples_nothing [] []
        "A staple to a client's own certificate is no configuration.";
}

both_versions! {
    a_client_certificate_is_asked_for_beside_a_staple_in_tls12
        a_client_certificate_is_asked_for_beside_a_staple_in_tls13 = client_certificate;
}

const REVOKED: CertificateError = CertificateError::Revoked;

fn good(meeting: &Meeting<'_>) -> Vec<u8> {
    Answer::good(&meeting.issuer, meeting.leaf()).der()
}

fn without_the_dates_an_old_one_is_believed(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server).skipping(Skip::nothing().time());
    for (from, to) in [(-48, -24), (24, 48), (-24 * 300, -24 * 200)] {
        let good = Answer::good(&meeting.issuer, meeting.leaf()).hours(from, to).der();
        meeting.accepts(&good)?;
        let revoked = Answer::revoked(&meeting.issuer, meeting.leaf()).hours(from, to).der();
        meeting.refuses(Some(&revoked), REVOKED)?;
    }
    let spoilt = Answer::good(&meeting.issuer, meeting.leaf()).spoilt().der();
    meeting.refuses(Some(&spoilt), CertificateError::StapleInvalid)
}

fn without_the_name_a_revoked_certificate_is_refused(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::with(client, server, Leaf::server(&["other.test"]));
    let meeting = meeting.skipping(Skip::nothing().name());
    meeting.accepts(&good(&meeting))?;
    meeting.in_effect()
}

/// Whatever is stapled is handed over.
fn handed_over(meeting: &Meeting<'_>) -> Result<()> {
    for response in [
        good(meeting),
        Answer::revoked(&meeting.issuer, meeting.leaf()).der(),
        b"no response at all".to_vec(),
        vec![7; 20_000],
    ] {
        meeting.accepts(&response)?;
    }
    meeting.accepts_none()
}

fn without_the_chain_one_is_handed_over(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    handed_over(&Meeting::of(client, server).skipping(Skip::nothing().chain()))
}

fn without_anything_one_is_handed_over(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    handed_over(&Meeting::of(client, server).skipping(Skip::everything()))
}

fn without_the_chain_one_cannot_be_required(_: &dyn Backend) -> Result<()> {
    for skip in [Skip::nothing().chain(), Skip::everything()] {
        let config = ClientConfig::builder().staple(StaplePolicy::Require).danger(skip).build();
        assert_eq!(config.unwrap_err().kind(), ErrorKind::Config);
    }
    ClientConfig::builder().staple(StaplePolicy::Require).build().map(drop)
}

fn the_clock_counts_for_staples(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let invalid = CertificateError::StapleInvalid;
    let then = UnixTime::now().as_secs() - 36 * 3600;
    let old = Answer::good(&meeting.issuer, meeting.leaf()).hours(-48, -24).der();
    let new = good(&meeting);
    meeting.refuses(Some(&old), invalid)?;
    let meeting = meeting.asking(Checks::new().clock(Clock::at(then)));
    meeting.accepts(&old)?;
    meeting.refuses(Some(&new), invalid)
}

fn uniform_verification_looks_at_staples(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let uniform = Checks::new().verification(Verification::Uniform);
    let meeting = Meeting::of(client, server).asking(uniform.clone());
    meeting.accepts(&good(&meeting))?;
    meeting.in_effect()?;
    meeting.refuses(Some(b"junk"), CertificateError::StapleInvalid)?;
    meeting.accepts_none()?;
    // And it is the one that is asked.
    let (identity, root) = p521_chain();
    let roots = Roots::empty().with_der(root)?;
    let meeting = Meeting { identity, roots, ..meeting };
    let (client, _) = meeting.pair(None)?.handshakes();
    told::refusal(client, CertificateError::WeakAlgorithm)
}

fn a_verifier_that_follows_is_shown_the_staple(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let witness = Witness::saying(Ok(()));
    let follow = Verification::Follow(witness.clone());
    let meeting = Meeting::of(client, server).asking(Checks::new().verification(follow));
    let good = good(&meeting);
    meeting.accepts(&good)?;
    let [seen] = &witness.seen()[..] else { panic!("asked {} times", witness.calls()) };
    assert_eq!(seen.staple.as_ref(), Some(&good));
    assert_eq!(seen.chain, meeting.identity.chain());
    meeting.in_effect()?;
    assert_eq!(witness.calls(), 1, "asked about what is refused anyway");
    let no = Witness::saying(Err(CertificateError::Rejected));
    let follow = Verification::Follow(no.clone());
    let meeting = meeting.asking(Checks::new().verification(follow));
    let (client, _) = meeting.pair(Some(&good))?.handshakes();
    told::refusal(client, CertificateError::Rejected)
}

fn a_verifier_that_follows_is_asked_where_there_is_no_staple(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    for verdict in [Ok(()), Err(CertificateError::Rejected)] {
        let witness = Witness::saying(verdict);
        let follow = Verification::Follow(witness.clone());
        let meeting = Meeting::of(client, server).asking(Checks::new().verification(follow));
        let (client, _) = meeting.pair(None)?.handshakes();
        match verdict {
            Ok(()) => client?,
            Err(why) => told::refusal(client, why)?,
        }
        assert_eq!(witness.calls(), 1);
        assert_eq!(witness.seen()[0].staple, None);
        // Where a staple is missing there is nothing to ask.
        let (client, _) = meeting.requiring().pair(None)?.handshakes();
        told::refusal(client, CertificateError::StapleMissing)?;
        assert_eq!(witness.calls(), 1);
    }
    Ok(())
}

fn a_verifier_in_place_of_the_library_is_shown_the_staple(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    for verdict in [Ok(()), Err(CertificateError::Revoked)] {
        let witness = Witness::saying(verdict);
        let replace = Verification::Replace(witness.clone());
        let meeting = Meeting::of(client, server).asking(Checks::new().verification(replace));
        let junk = b"no response at all";
        match verdict {
            Ok(()) => meeting.accepts(junk)?,
            Err(why) => told::refusal(meeting.pair(Some(junk))?.handshakes().0, why)?,
        }
        let [seen] = &witness.seen()[..] else { panic!("asked {} times", witness.calls()) };
        assert_eq!(seen.staple.as_deref(), Some(&junk[..]));
        let (client, _) = meeting.requiring().pair(None)?.handshakes();
        told::refusal(client, CertificateError::StapleMissing)?;
    }
    Ok(())
}

fn what_is_trusted_as_it_is_needs_nobody_to_speak_of_it(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let meeting = Meeting::of(client, server);
    meeting.in_effect()?;
    let roots = Roots::empty().with_der(meeting.leaf().clone())?;
    Meeting { roots, ..meeting }.accepts(b"no response at all")
}

fn lists_come_before_staples(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let meeting = Meeting::of(client, server);
    let list = List::new().revoking(meeting.leaf()).signed_by(&meeting.issuer);
    let lists = RevocationLists::new().with_der(&list)?.tolerate_missing();
    let response = good(&meeting);
    meeting.accepts(&response)?;
    let meeting = meeting.asking(Checks::new().revocation(lists));
    let mut pair = meeting.pair(Some(&response))?;
    let (client, server) = pair.handshakes();
    told::refusal(client, REVOKED)?;
    let alert = crate::cases::verification::alert(REVOKED);
    assert_eq!(server.map_err(|e| e.kind()), Err(ErrorKind::AlertReceived(alert)));
    let list = List::new().signed_by(&meeting.issuer);
    let lists = RevocationLists::new().with_der(&list)?.tolerate_missing();
    meeting.asking(Checks::new().revocation(lists)).in_effect()
}

fn the_name_comes_before_the_staple(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    Meeting::of(client, server).in_effect()?;
    let meeting = Meeting::with(client, server, Leaf::server(&["other.test"]));
    let revoked = Answer::revoked(&meeting.issuer, meeting.leaf()).der();
    let (client, _) = meeting.pair(Some(&revoked))?.handshakes();
    told::refusal(client, CertificateError::NameMismatch)
}

fn client_certificate(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let clients = Authority::root("Root of the clients");
    let meeting = Meeting::of(client, server).speaking(version);
    let (response, somebody) = (good(&meeting), clients.client("somebody"));
    let c = meeting.client_config().identity(somebody.clone());
    let identity = meeting.identity.clone().with_staple(Staple::new(&response[..]));
    let s = ServerConfig::builder(identity)
        .client_auth(ClientAuth::Require(clients.roots()))
        .versions(Versions::only(version));
    let mut pair = Pair::new((client, c), (server, s))?;
    pair.handshake()?;
    let (client, server) = pair.negotiated();
    assert_eq!(client.staple, Some(response));
    assert_eq!(server.peer_certificate(), Some(somebody.leaf()));
    Ok(())
}

fn a_client_staples_nothing(_: &dyn Backend) -> Result<()> {
    let own = Authority::root("Root of this case").client("somebody");
    ClientConfig::builder().identity(own.clone()).build()?;
    let own = own.with_staple(Staple::new(&b"a response"[..]));
    let e = ClientConfig::builder().identity(own).build().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Config);
    Ok(())
}
