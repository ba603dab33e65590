use std::time::Duration;

use pki_types::{CertificateDer, UnixTime};
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose, date_time_ymd};
use x509_cert::der::asn1::OctetString;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::CrlReason as Reason;
use x509_ocsp::{CertStatus as Said, OcspRequest, OcspResponse, OcspResponseStatus, ResponderId};

use super::testing::*;
use super::*;

struct Scene {
    authority: Authority,
    leaf: CertificateDer<'static>,
}

impl Scene {
    fn new() -> Self {
        let authority = Authority::new("authority");
        let leaf = authority.issue(7);
        Self { authority, leaf }
    }

    fn draft(&self, status: Said) -> Draft {
        let single = single(&self.leaf, &self.authority, IdHash::Sha1, status);
        Draft::new(&self.authority, vec![single])
    }

    fn good(&self) -> Draft {
        self.draft(good())
    }

    fn signed(&self, draft: Draft) -> Vec<u8> {
        draft.signed(self.authority.key())
    }

    fn query(&self) -> Query<'_> {
        query(&self.leaf, &self.authority)
    }

    fn judge(&self, response: &[u8]) -> Result<Outcome, OcspError> {
        process_response(response, &self.query())
    }

    fn refusal(&self, response: &[u8]) -> OcspError {
        self.judge(response).unwrap_err()
    }

    fn staple(&self, response: &[u8], must_be_known: bool) -> Result<(), CertificateError> {
        let now = Some(UnixTime::since_unix_epoch(Duration::from_secs(NOW)));
        let issuer = &self.authority.certificate;
        check_staple(response, &self.leaf, issuer, now, must_be_known, ALGORITHMS)
    }
}

#[test]
fn what_a_good_response_says_can_be_read() {
    let scene = Scene::new();
    let outcome = scene.judge(&scene.signed(scene.good())).unwrap();
    assert_eq!(outcome.response_status(), ResponseStatus::Successful);
    assert_eq!(outcome.cert_status(), Some(CertStatus::Good));
    assert_eq!(outcome.crl_reason(), None);
    assert_eq!(outcome.produced_at(), Some(NOW - 3600));
    assert_eq!(outcome.this_update(), Some(NOW - 3600));
    assert_eq!(outcome.next_update(), Some(NOW + 3600));
    assert_eq!(outcome.revocation_time(), None);
    assert_eq!(outcome.result(), "good");
    assert_eq!(outcome.url(), Some(URL));
    assert_eq!(outcome.last_use(MAX_AGE), Some(NOW + 3600));
    assert_eq!(outcome.last_use(Duration::from_secs(1)), Some(NOW - 3599));
}

#[test]
fn a_revocation_has_a_time_and_a_reason() {
    let scene = Scene::new();
    let said = |reason| scene.judge(&scene.signed(scene.draft(revoked(reason)))).unwrap();
    let outcome = said(Some(Reason::KeyCompromise));
    assert_eq!(outcome.cert_status(), Some(CertStatus::Revoked));
    assert_eq!(outcome.crl_reason(), Some(CrlReason::KeyCompromise));
    assert_eq!(outcome.revocation_time(), Some(NOW - 5000));
    assert_eq!(outcome.result(), "keyCompromise");
    let outcome = said(None);
    assert_eq!(outcome.crl_reason(), Some(CrlReason::Unspecified));
    assert_eq!(outcome.result(), "unspecified");
    let reasons = [(Reason::RemoveFromCRL, 8), (Reason::AaCompromise, 10)];
    for (reason, code) in reasons {
        assert_eq!(said(Some(reason)).crl_reason().unwrap().code(), code);
    }
}

#[test]
fn an_unknown_certificate_is_what_the_response_says() {
    let scene = Scene::new();
    let response = scene.signed(scene.draft(Said::unknown()));
    let outcome = scene.judge(&response).unwrap();
    assert_eq!(outcome.cert_status(), Some(CertStatus::Unknown));
    assert_eq!(outcome.result(), "unknown");
    assert_eq!(scene.staple(&response, false), Ok(()));
    assert_eq!(scene.staple(&response, true), Err(CertificateError::StapleInvalid));
}

#[test]
fn a_staple_is_refused_by_its_kind() {
    let scene = Scene::new();
    assert_eq!(scene.staple(&scene.signed(scene.good()), true), Ok(()));
    let response = scene.signed(scene.draft(revoked(None)));
    assert_eq!(scene.staple(&response, false), Err(CertificateError::Revoked));
    assert_eq!(scene.staple(b"hello", false), Err(CertificateError::StapleInvalid));
}

#[test]
fn without_an_answer_the_status_says_why() {
    let scene = Scene::new();
    for (status, name) in [
        (OcspResponseStatus::MalformedRequest, "malformedrequest"),
        (OcspResponseStatus::InternalError, "internalerror"),
        (OcspResponseStatus::TryLater, "trylater"),
        (OcspResponseStatus::SigRequired, "sigrequired"),
        (OcspResponseStatus::Unauthorized, "unauthorized"),
    ] {
        let response = OcspResponse { response_status: status, response_bytes: None };
        let response = response.to_der().unwrap();
        let status = ResponseStatus::from(status);
        assert_eq!(scene.refusal(&response), OcspError::Unsuccessful(status));
        let outcome = Response::parse(&response).unwrap().about(&scene.leaf).unwrap().unwrap();
        assert_eq!((outcome.response_status(), outcome.result()), (status, name));
        assert_eq!((outcome.cert_status(), outcome.this_update()), (None, None));
    }
}

#[test]
fn the_certificate_id_has_to_fit_in_all_its_parts() {
    let scene = Scene::new();
    let other = Authority::new("other");
    let namesake = Authority::new("authority");
    let answer = |of: &CertificateDer<'_>, authority: &Authority, hash| {
        let draft = Draft::new(&scene.authority, vec![single(of, authority, hash, good())]);
        scene.judge(&scene.signed(draft)).map(drop)
    };
    for hash in [IdHash::Sha1, IdHash::Sha256] {
        assert_eq!(answer(&scene.leaf, &scene.authority, hash), Ok(()));
        let serial = answer(&scene.authority.issue(8), &scene.authority, hash);
        assert_eq!(serial, Err(OcspError::OtherCertificate));
        let name = answer(&other.issue(7), &other, hash);
        assert_eq!(name, Err(OcspError::OtherCertificate));
        let key = answer(&namesake.issue(7), &namesake, hash);
        assert_eq!(key, Err(OcspError::OtherCertificate));
    }
    let mut draft = scene.good();
    draft.data.responses[0].cert_id.hash_algorithm.oid = "1.2.840.113549.2.5".parse().unwrap();
    assert_eq!(scene.refusal(&scene.signed(draft)), OcspError::OtherCertificate);
    let query = query(&scene.leaf, &other);
    let verdict = process_response(&scene.signed(scene.good()), &query);
    assert_eq!(verdict, Err(OcspError::NotItsIssuer));
}

#[test]
fn an_issuer_that_nobody_vouches_for_has_to_have_signed_the_certificate() {
    let scene = Scene::new();
    let namesake = Authority::new("authority");
    let lender = Lender;
    let judge = |authority: &Authority| {
        let answer = single(&scene.leaf, authority, IdHash::Sha1, good());
        let response = Draft::new(authority, vec![answer]).signed(authority.key());
        let query = Query::new(&scene.leaf, &authority.certificate, &lender);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
        process_response(&response, &query.at(now)).map(drop)
    };
    assert_eq!(judge(&scene.authority), Ok(()));
    assert_eq!(judge(&namesake), Err(OcspError::NotItsIssuer));
}

#[test]
fn of_several_answers_the_one_that_fits_counts() {
    let scene = Scene::new();
    let about = |serial, status| {
        single(&scene.authority.issue(serial), &scene.authority, IdHash::Sha1, status)
    };
    let answers = vec![about(6, revoked(None)), about(7, good()), about(8, Said::unknown())];
    let outcome = scene.judge(&scene.signed(Draft::new(&scene.authority, answers))).unwrap();
    assert_eq!(outcome.cert_status(), Some(CertStatus::Good));
    // Two that fit: the graver one.
    let answers = vec![about(7, revoked(None)), about(7, good())];
    let outcome = scene.judge(&scene.signed(Draft::new(&scene.authority, answers))).unwrap();
    assert_eq!(outcome.cert_status(), Some(CertStatus::Revoked));
    let none = scene.signed(Draft::new(&scene.authority, Vec::new()));
    assert_eq!(scene.refusal(&none), OcspError::OtherCertificate);
}

#[test]
fn the_issuer_or_whom_it_lets_may_sign() {
    let scene = Scene::new();
    let authority = &scene.authority;
    let mut draft = scene.good();
    draft.data.responder_id = by_key(&authority.certificate);
    assert!(scene.judge(&scene.signed(draft)).is_ok(), "the issuer, by its key");
    let delegate = authority.delegate();
    let response = scene.good().by(&delegate).signed(&delegate.key);
    assert!(scene.judge(&response).is_ok(), "a delegate, by its name");
    let mut draft = scene.good().by(&delegate);
    draft.data.responder_id = by_key(&delegate.certificate);
    // Certificates that do not matter come first.
    draft.certificates.insert(0, authority.certificate.clone());
    assert!(scene.judge(&draft.signed(&delegate.key)).is_ok(), "a delegate, by its key");
}

#[test]
fn nobody_else_may_sign() {
    let scene = Scene::new();
    let authority = &scene.authority;
    let by =
        |responder: &Responder| scene.refusal(&scene.good().by(responder).signed(&responder.key));
    let plain = authority.issue_with(&params("responder", 98));
    assert_eq!(by(&plain), OcspError::UntrustedResponder, "no purpose");
    let mut server = params("responder", 98);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
    assert_eq!(by(&authority.issue_with(&server)), OcspError::UntrustedResponder, "any purpose");
    let mut old = params("responder", 98);
    old.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
    old.not_after = date_time_ymd(2025, 2, 1);
    assert_eq!(by(&authority.issue_with(&old)), OcspError::UntrustedResponder, "out of date");
    let mut mute = params("responder", 98);
    mute.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
    mute.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    assert_eq!(by(&authority.issue_with(&mute)), OcspError::UntrustedResponder, "cannot sign");
    let other = Authority::new("other");
    assert_eq!(by(&other.delegate()), OcspError::UntrustedResponder, "another's delegate");
    let namesake = Authority::new("authority");
    assert_eq!(by(&namesake.delegate()), OcspError::UntrustedResponder, "a namesake's delegate");
    let stranger = scene.good().signed(other.key());
    assert_eq!(scene.refusal(&stranger), OcspError::BadSignature, "in the issuer's name");
    let mut draft = scene.good();
    draft.data.responder_id = by_key(&other.certificate);
    assert_eq!(scene.refusal(&scene.signed(draft)), OcspError::UntrustedResponder, "another key");
    let delegate = authority.delegate();
    let mut draft = scene.good().by(&delegate);
    draft.certificates.clear();
    assert_eq!(scene.refusal(&draft.signed(&delegate.key)), OcspError::UntrustedResponder);
}

#[test]
fn a_weak_algorithm_is_told_from_a_wrong_signature() {
    let scene = Scene::new();
    let response = scene.signed(scene.good());
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let judge = |algorithms: Algorithms<'_>| {
        let query = Query::lent(&scene.leaf, &scene.authority.certificate, algorithms, Some(now));
        process_response(&response, &query)
    };
    assert_eq!(judge(&[webpki::ring::ED25519]), Err(OcspError::WeakAlgorithm));
    assert_eq!(judge(&[]), Err(OcspError::NothingLent));
}

#[test]
fn the_dates_are_held_against_the_clock() {
    let scene = Scene::new();
    let judge = |produced: u64, this: u64, next: Option<u64>| {
        let mut draft = scene.good();
        draft.data.produced_at = at(produced);
        draft.data.responses[0].this_update = at(this);
        draft.data.responses[0].next_update = next.map(at);
        scene.judge(&scene.signed(draft)).map(drop)
    };
    let age = MAX_AGE.as_secs();
    for (produced, this, next, verdict) in [
        (NOW, NOW, None, Ok(())),
        (NOW + 60, NOW + 60, None, Ok(())),
        (NOW + 61, NOW, None, Err(OcspError::NotYetValid)),
        (NOW, NOW + 61, None, Err(OcspError::NotYetValid)),
        (NOW, NOW - 100, Some(NOW - 60), Ok(())),
        (NOW, NOW - 100, Some(NOW - 61), Err(OcspError::Expired)),
        (NOW, NOW, Some(NOW - 1), Err(OcspError::Expired)),
        (NOW, NOW - age, None, Ok(())),
        (NOW, NOW - age - 1, None, Err(OcspError::TooOld)),
        (NOW, NOW - age - 1, Some(NOW + 1000), Err(OcspError::TooOld)),
    ] {
        assert_eq!(judge(produced, this, next), verdict, "{produced} {this} {next:?}");
    }
}

#[test]
fn skew_age_and_instant_can_be_chosen() {
    let scene = Scene::new();
    let response = scene.signed(scene.good());
    let with = |query: Query<'_>| process_response(&response, &query).map(drop);
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let late = || scene.query().at(at(NOW + 3700));
    assert_eq!(with(late()), Err(OcspError::Expired));
    assert_eq!(with(late().skew(Duration::from_secs(100))), Ok(()));
    let early = scene.query().at(at(NOW - 3601)).skew(Duration::ZERO);
    assert_eq!(with(early), Err(OcspError::NotYetValid));
    assert_eq!(with(scene.query().max_age(Duration::from_secs(3599))), Err(OcspError::TooOld));
    let lent = Query::lent(&scene.leaf, &scene.authority.certificate, ALGORITHMS, None);
    assert_eq!(with(lent), Ok(()), "dates do not matter");
}

#[test]
fn the_nonce_that_was_sent_has_to_come_back() {
    let scene = Scene::new();
    let with = scene.signed(scene.good().nonce(b"0123456789abcdef"));
    let without = scene.signed(scene.good());
    let query = || scene.query().nonce(b"0123456789abcdef");
    assert!(process_response(&with, &query()).is_ok());
    assert!(scene.judge(&with).is_ok(), "one that was not asked for");
    assert_eq!(process_response(&without, &query()), Err(OcspError::NonceMismatch));
    let other = scene.query().nonce(b"0123456789abcdeF");
    assert_eq!(process_response(&with, &other), Err(OcspError::NonceMismatch));
}

#[test]
fn an_extension_that_must_be_known_and_is_not_is_named() {
    let scene = Scene::new();
    let extension = |critical| Extension {
        extn_id: "1.2.3.4".parse().unwrap(),
        critical,
        extn_value: OctetString::new([]).unwrap(),
    };
    let judge = |of_all, of_one| {
        let mut draft = scene.good();
        draft.data.response_extensions = Some(vec![extension(of_all)]);
        draft.data.responses[0].single_extensions = Some(vec![extension(of_one)]);
        scene.judge(&scene.signed(draft)).map(drop)
    };
    assert_eq!(judge(false, false), Ok(()));
    for (of_all, of_one) in [(true, false), (false, true)] {
        assert!(matches!(judge(of_all, of_one), Err(OcspError::UnknownExtension(_))));
    }
}

#[test]
fn no_byte_of_what_was_signed_can_be_changed() {
    let scene = Scene::new();
    let delegate = scene.authority.delegate();
    let response = scene.good().by(&delegate).signed(&delegate.key);
    assert!(scene.judge(&response).is_ok());
    for i in 0..response.len() {
        for bit in [1, 0x80] {
            let mut changed = response.clone();
            changed[i] ^= bit;
            assert!(scene.judge(&changed).is_err(), "byte {i} of {}", response.len());
        }
    }
}

#[test]
fn junk_is_refused_by_its_kind() {
    let scene = Scene::new();
    let response = scene.signed(scene.good());
    for cut in 0..response.len() {
        let refusal = scene.refusal(&response[..cut]);
        assert!(matches!(refusal, OcspError::Malformed(_)), "{cut}: {refusal}");
    }
    let longer = [&response[..], b"\0"].concat();
    for junk in [&b"hello"[..], b"\x30\x03\x0a\x01\x00", b"\x30\x03\x0a\x01\x04", &longer] {
        assert!(matches!(scene.refusal(junk), OcspError::Malformed(_)));
    }
    assert_eq!(scene.refusal(&vec![0x30; MAX_RESPONSE + 1]), OcspError::TooLarge);
    // SEQUENCE { successful, [0] { SEQUENCE { 1.2.3.4, OCTET STRING } } }
    let other = b"\x30\x0e\x0a\x01\x00\xa0\x09\x30\x07\x06\x03\x2a\x03\x04\x04\x00";
    assert_eq!(scene.refusal(other), OcspError::UnknownType("1.2.3.4".parse().unwrap()));
}

#[test]
fn a_response_can_be_shown_without_being_believed() {
    let scene = Scene::new();
    let response = scene.good().nonce(b"n").signed(Authority::new("other").key());
    let response = Response::parse(&response).unwrap();
    assert_eq!((response.status(), response.len()), (ResponseStatus::Successful, 1));
    assert_eq!(response.nonce().as_deref(), Some(&b"n"[..]));
    assert_eq!(response.responder().as_deref(), Some("CN=authority"));
    let outcome = response.about(&scene.leaf).unwrap().unwrap();
    assert_eq!((outcome.result(), outcome.url()), ("good", Some(URL)));
    assert_eq!(response.about(&scene.authority.issue(8)), Ok(None));
}

#[test]
fn a_request_names_the_certificate_by_the_hash_that_is_asked_for() {
    let scene = Scene::new();
    let request = Request::new(&scene.leaf, &scene.authority.certificate);
    assert_eq!(request.sent_nonce(), None);
    for (hash, length) in [(IdHash::Sha1, 20), (IdHash::Sha256, 32)] {
        let der = request.clone().hash(hash).to_der().unwrap();
        let read = OcspRequest::from_der(&der).unwrap();
        assert!(read.nonce().is_none());
        let id = &read.tbs_request.request_list[0].req_cert;
        assert_eq!(id.issuer_name_hash.as_bytes().len(), length);
        let expected = single(&scene.leaf, &scene.authority, hash, good()).cert_id;
        assert_eq!(*id, expected);
    }
    assert_eq!(Request::new(&scene.leaf, &scene.leaf).to_der(), Err(OcspError::NotItsIssuer),);
}

#[test]
fn a_nonce_is_given_or_made() {
    let scene = Scene::new();
    let request = Request::new(&scene.leaf, &scene.authority.certificate);
    let given = request.clone().nonce(b"given".to_vec());
    let read = |request: &Request<'_>| {
        let read = OcspRequest::from_der(&request.to_der().unwrap()).unwrap();
        read.nonce().unwrap().0.as_bytes().to_vec()
    };
    assert_eq!(read(&given), b"given");
    let made = [request.clone().random_nonce().unwrap(), request.random_nonce().unwrap()];
    let [one, two] = made.map(|request| {
        assert_eq!(request.sent_nonce(), Some(&read(&request)[..]));
        read(&request)
    });
    assert_eq!(one.len(), NONCE_LENGTH);
    assert_ne!(one, two);
}

#[test]
fn a_responder_is_named_by_the_hash_of_its_key() {
    let scene = Scene::new();
    let mut draft = scene.good();
    draft.data.responder_id = by_key(&scene.authority.certificate);
    let ResponderId::ByKey(hash) = draft.data.responder_id.clone() else { unreachable!() };
    let response = Response::parse(&scene.signed(draft)).unwrap();
    let digits = response.responder().unwrap();
    assert_eq!(digits.len(), 40);
    assert!(digits.starts_with(&format!("{:02x}", hash.as_bytes()[0])));
}
