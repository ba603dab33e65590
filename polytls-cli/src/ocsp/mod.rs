//! `polytls ocsp`: asks a responder about a certificate, and explains what it says.

mod args;
mod peer;
mod show;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use polytls::ocsp::{CertStatus, IdHash, MAX_RESPONSE, OcspError, Outcome, Query, Response};
use polytls::pki_types::CertificateDer;
use polytls::pki_types::pem::PemObject as _;
use polytls::x509::CertificateFacts;
use polytls::{Backend, Error, ErrorKind};
use tls_staple::{FetchError, Fetcher};

use crate::failure::{Failure, Result};
use crate::output::{self, OutputFile};

pub(crate) use args::{ClientStaple, Ocsp, ServerStaple};
pub(crate) use peer::{Elsewhere, of_peer};
pub(crate) use show::{causes, summary, to_json};

pub(crate) fn run(args: &Ocsp) -> Result {
    let backend = args.backend.choose()?;
    lends(backend)?;
    let (leaf, issuer) = (certificate(&args.cert)?, certificate(&args.issuer)?);
    let facts = CertificateFacts::read(&leaf).map_err(Error::from)?;
    let out = args.out.as_deref().map(OutputFile::create).transpose()?;
    output::line(show::line("certificate", show::certificate(&facts)))?;
    output::line(show::line("issuer", facts.issuer()))?;

    let (der, nonce) = match &args.response {
        Some(file) => (read(file)?, None),
        None => ask(args, &leaf, &issuer)?,
    };
    let response = Response::parse(&der).map_err(failure)?;
    let mut query = Query::new(&leaf, &issuer, backend);
    if let Some(nonce) = &nonce {
        query = query.nonce(nonce);
    }
    let verdict = response.verify(&query);
    output::line(show::response(&response, der.len()))?;
    match verdict.as_ref().ok().cloned().or(response.about(&leaf).map_err(failure)?) {
        Some(outcome) => output::line(show::outcome(&outcome))?,
        None => output::line(show::line("status", "it says nothing of this certificate"))?,
    }
    output::line(show::line("believed", show::belief(&verdict)))?;
    let outcome = verdict.map_err(failure)?;
    if let Some(out) = out {
        out.write_bytes(&der)?;
    }
    judge(&outcome)
}

/// What the responder answers, and the nonce that was sent.
fn ask(
    args: &Ocsp,
    leaf: &CertificateDer<'_>,
    issuer: &CertificateDer<'_>,
) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let hash = if args.sha256 { IdHash::Sha256 } else { IdHash::Sha1 };
    let mut fetcher = Fetcher::new().hash(hash).nonce(args.nonce && !args.no_nonce);
    if let Some(url) = &args.url {
        fetcher = fetcher.url(url);
    }
    let address = fetcher.address(leaf).map_err(fetch_failure)?;
    let request = fetcher.request(leaf, issuer).map_err(failure)?;
    let der = request.to_der().map_err(failure)?;
    let with = if request.sent_nonce().is_some() { "a nonce" } else { "no nonce" };
    let hash = if args.sha256 { "SHA-256" } else { "SHA-1" };
    let asked = format!("{address} (certificate id by {hash}, {with})");
    output::line(show::line("asked", asked))?;
    let answer = fetcher.ask(&address, &der).map_err(fetch_failure)?;
    Ok((answer, request.sent_nonce().map(<[u8]>::to_vec)))
}

fn judge(outcome: &Outcome) -> Result {
    match outcome.cert_status() {
        Some(CertStatus::Good) => Ok(()),
        Some(CertStatus::Revoked) => Err(Failure::Verdict {
            what: format!("revoked: the certificate has been revoked: {}", outcome.result()),
            code: 3,
        }),
        Some(CertStatus::Unknown) | None => Err(Failure::Verdict {
            what: "unknown: the responder does not know the certificate".to_owned(),
            code: 4,
        }),
    }
}

/// Refuses a library that lends nothing to judge a response with.
pub(crate) fn lends(backend: &dyn Backend) -> Result {
    match backend.signature_algorithms() {
        [] => Err(Failure::Usage(format!(
            "{} lends no signatures to check OCSP responses with: name another --backend",
            backend.name()
        ))),
        _ => Ok(()),
    }
}

/// Why a response is not to be believed.
pub(crate) fn failure(e: OcspError) -> Failure {
    Failure::Report(format!("ocsp({}): {e}", e.name()))
}

fn fetch_failure(e: FetchError) -> Failure {
    match e {
        FetchError::NoUrl | FetchError::NotHttp(_) => Failure::Usage(format!("{e}: see --url")),
        e => Failure::Report(format!("ocsp({}): {}", e.name(), causes(&e))),
    }
}

/// The first certificate in a file.
fn certificate(path: &Path) -> Result<CertificateDer<'static>> {
    let bytes = read_bounded(path, MAX_CERTIFICATES)?;
    let certificate = match bytes.first() {
        // The SEQUENCE that a certificate is; no text begins so.
        Some(0x30) => Ok(CertificateDer::from(bytes)),
        _ => CertificateDer::from_pem_slice(&bytes).map_err(|e| e.to_string()),
    };
    let readable = certificate.and_then(|der| match CertificateFacts::read(&der) {
        Ok(_) => Ok(der),
        Err(e) => Err(e.to_string()),
    });
    readable.map_err(|e| unreadable(path, &format!("no certificate: {e}")))
}

/// A response in a file; junk too.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    read_bounded(path, MAX_RESPONSE as u64)
}

fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>> {
    let failed = |e| unreadable(path, &format!("cannot be read: {e}"));
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(failed)?.take(most + 1);
    file.read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > most {
        true => Err(unreadable(path, &format!("it has more than {} KiB", most >> 10))),
        false => Ok(bytes),
    }
}

/// A file that is not what it should be.
pub(crate) fn unreadable(path: &Path, why: &str) -> Failure {
    Error::new(ErrorKind::Config).because(format!("{}: {why}", path.display())).into()
}

/// A thousand times what a chain has.
const MAX_CERTIFICATES: u64 = 8 << 20;
