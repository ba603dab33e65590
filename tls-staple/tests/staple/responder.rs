//! A responder on loopback that answers as a test wants it to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, SigningKey,
};
use tls_core::pki_types::CertificateDer;
use tls_core::{Identity, Staple};
use x509_cert::Certificate;
use x509_cert::der::asn1::{BitString, GeneralizedTime};
use x509_cert::der::{Decode, Encode};
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{
    AsResponseBytes, BasicOcspResponse, CertStatus, OcspRequest, OcspResponse, OcspResponseStatus,
    ResponderId, ResponseData, RevokedInfo, SingleResponse, Version,
};

/// An authority that answers for itself.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: CertificateDer<'static>,
}

/// How the responder answers.
#[derive(Clone, Debug)]
pub(crate) enum Habit {
    /// With this status, in news of so many seconds ago, for so many to come (or over for so many).
    Says { status: CertStatus, ago: u64, left: i64 },
    /// As [`Says`](Self::Says) "good", signed by somebody else.
    Forges,
    /// With this status of the response.
    Refuses(OcspResponseStatus),
    /// With the head of an HTTP response, and this body.
    Raw(&'static str, Vec<u8>),
    /// Not at all.
    Sleeps,
}

#[derive(Clone)]
pub(crate) struct Responder {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    authority: Authority,
    stranger: KeyPair,
    habit: Habit,
    requests: Vec<Vec<u8>>,
}

pub(crate) const OK: &str = "200 OK\r\nContent-Type: application/ocsp-response";

impl Habit {
    pub(crate) fn good(ago: u64, left: i64) -> Self {
        Self::Says { status: CertStatus::good(), ago, left }
    }

    pub(crate) fn revoked() -> Self {
        let info = RevokedInfo { revocation_time: at(now()), revocation_reason: None };
        Self::Says { status: CertStatus::Revoked(info), ago: 0, left: 100 }
    }
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "the authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// An identity with the issuer in its chain, and an empty staple.
    pub(crate) fn identity(&self, url: Option<&str>) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["a.test".to_owned()]).unwrap();
        params.custom_extensions = url.map(access_to).into_iter().collect();
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let chain = [leaf, self.certificate.clone()];
        Identity::from_der(chain, &key.serialize_der()).unwrap().with_staple(Staple::empty())
    }
}

/// SEQUENCE { SEQUENCE { id-ad-ocsp, [6] URL } }
fn access_to(url: &str) -> CustomExtension {
    let wrap = |tag: u8, inner: &[u8]| [&[tag, inner.len() as u8], inner].concat();
    let oid = wrap(0x06, b"\x2b\x06\x01\x05\x05\x07\x30\x01");
    let description = wrap(0x30, &[oid, wrap(0x86, url.as_bytes())].concat());
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], wrap(0x30, &description))
}

impl Responder {
    /// Listens until the tests end.
    pub(crate) fn start(authority: Authority, habit: Habit) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stranger = KeyPair::generate().unwrap();
        let state = State { authority, stranger, habit, requests: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for socket in listener.incoming() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(socket.unwrap(), &shared));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/ocsp", self.address)
    }

    pub(crate) fn identity(&self) -> Identity {
        self.state.lock().unwrap().authority.identity(Some(&self.url()))
    }

    pub(crate) fn set(&self, habit: Habit) {
        self.state.lock().unwrap().habit = habit;
    }

    pub(crate) fn requests(&self) -> Vec<Vec<u8>> {
        self.state.lock().unwrap().requests.clone()
    }
}

fn serve(mut socket: TcpStream, state: &Mutex<State>) {
    let Some((head, request)) = receive(&mut socket) else { return };
    let (habit, answer) = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        assert!(head.starts_with("POST /ocsp HTTP/1.1\r\n"), "{head}");
        assert!(head.to_ascii_lowercase().contains("content-type: application/ocsp-request\r\n"));
        (state.habit.clone(), state.answer(&request))
    };
    let (head, body) = match habit {
        Habit::Sleeps => return thread::sleep(Duration::from_secs(60)),
        Habit::Raw(head, body) => (head, body),
        Habit::Says { .. } | Habit::Forges | Habit::Refuses(_) => (OK, answer),
    };
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
    // Who has seen enough does not read the rest.
    let _ = socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(&body));
}

fn receive(socket: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buf = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end + 2].to_vec()).unwrap();
            let length = head.to_ascii_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length: "))?;
            let body = bytes.get(end + 4..end + 4 + length.parse::<usize>().unwrap());
            if let Some(body) = body {
                return Some((head, body.to_vec()));
            }
        }
        match socket.read(&mut buf).ok()? {
            0 => return None,
            n => bytes.extend_from_slice(&buf[..n]),
        }
    }
}

impl State {
    /// Answers to exactly the certificate id that was asked for, with the nonce that was sent.
    fn answer(&self, request: &[u8]) -> Vec<u8> {
        let request = OcspRequest::from_der(request).unwrap();
        let (status, ago, left, key) = match &self.habit {
            Habit::Says { status, ago, left } => {
                (*status, *ago, *left, self.authority.issuer.key())
            }
            Habit::Forges => (CertStatus::good(), 10, 100, &self.stranger),
            Habit::Refuses(status) => {
                let response_status = *status;
                return OcspResponse { response_status, response_bytes: None }.to_der().unwrap();
            }
            Habit::Raw(..) | Habit::Sleeps => return Vec::new(),
        };
        let authority = Certificate::from_der(&self.authority.certificate).unwrap();
        let data = ResponseData {
            version: Version::V1,
            responder_id: ResponderId::ByName(authority.tbs_certificate.subject),
            produced_at: at(now()),
            responses: vec![SingleResponse {
                cert_id: request.tbs_request.request_list[0].req_cert.clone(),
                cert_status: status,
                this_update: at(now() - ago),
                next_update: Some(at(now().saturating_add_signed(left))),
                single_extensions: None,
            }],
            response_extensions: request.tbs_request.request_extensions,
        };
        let signature = key.sign(&data.to_der().unwrap()).unwrap();
        let oid = "1.2.840.10045.4.3.2".parse().unwrap();
        let basic = BasicOcspResponse {
            tbs_response_data: data,
            signature_algorithm: AlgorithmIdentifierOwned { oid, parameters: None },
            signature: BitString::from_bytes(&signature).unwrap(),
            certs: None,
        };
        OcspResponse {
            response_status: OcspResponseStatus::Successful,
            response_bytes: Some(basic.to_response_bytes().unwrap()),
        }
        .to_der()
        .unwrap()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn at(seconds: u64) -> x509_ocsp::OcspGeneralizedTime {
    GeneralizedTime::from_unix_duration(Duration::from_secs(seconds)).unwrap().into()
}
