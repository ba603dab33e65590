//! The arguments that are about OCSP.

use std::path::PathBuf;

use clap::Args;
use polytls::StaplePolicy;

use crate::cli::BackendArg;

#[derive(Args, Debug)]
#[command(after_help = "\
Every fact goes to standard output, whether the response is to be believed or not, and says which.

A response is to be believed if it is about this certificate of this issuer, is signed with the issuer's
key or by somebody to whom the issuer has given a certificate for that, is in date by its own account
(within 60 s), and is at most 14 days old.

Exit codes: 0 the certificate is good, 1 there is no response or none to be believed, 2 bad usage or
unreadable input, 3 the certificate has been revoked, 4 the responder does not know it.

Examples:
  polytls ocsp site.pem issuer.pem
  polytls ocsp site.pem issuer.pem --url http://ocsp.example.org --nonce --out staple.der
  polytls ocsp site.pem issuer.pem --response staple.der")]
pub(crate) struct Ocsp {
    /// The certificate to ask about: the first in this file, PEM or DER.
    #[arg(value_name = "CERT")]
    pub(crate) cert: PathBuf,
    /// The certificate of who issued it: the first in this file, PEM or DER.
    #[arg(value_name = "ISSUER")]
    pub(crate) issuer: PathBuf,
    #[command(flatten)]
    pub(crate) backend: BackendArg,
    /// The responder's address, http://...; where the certificate says if left out.
    #[arg(long, value_name = "U")]
    pub(crate) url: Option<String>,
    /// Name the issuer by SHA-256 in the request. Not every responder knows that; SHA-1 if left out.
    #[arg(long)]
    pub(crate) sha256: bool,
    /// Send random bytes that have to come back, so that the response cannot be an old one. Many
    /// responders do not heed them.
    #[arg(long)]
    pub(crate) nonce: bool,
    /// Send none. This is the default.
    #[arg(long, conflicts_with = "nonce")]
    pub(crate) no_nonce: bool,
    /// Write the response to FILE, as it came (DER), if it is to be believed.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Ask nobody, and judge the response in FILE (DER).
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["url", "sha256", "nonce", "no_nonce", "out"]
    )]
    pub(crate) response: Option<PathBuf>,
}

/// What `connect` asks of OCSP responses.
#[derive(Args, Debug)]
pub(crate) struct ClientStaple {
    /// Ask the server for a stapled OCSP response. One that comes has to be good; that none comes is
    /// accepted, unless the certificate says that one must.
    #[arg(long)]
    request_staple: bool,
    /// Ask for one, and refuse a server without.
    #[arg(long)]
    require_staple: bool,
    /// Read an OCSP response (DER) that was obtained elsewhere, and verify it for the server's
    /// certificate too. Its issuer is looked for in the chain that the server sends, and among what is
    /// trusted.
    #[arg(long, value_name = "FILE")]
    pub(crate) ocsp_response: Option<PathBuf>,
}

impl ClientStaple {
    pub(crate) fn policy(&self) -> StaplePolicy {
        match (self.request_staple, self.require_staple) {
            (_, true) => StaplePolicy::Require,
            (true, false) => StaplePolicy::Request,
            (false, false) => StaplePolicy::Off,
        }
    }
}

/// What `serve` does about OCSP responses.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServerStaple {
    /// Staple the OCSP response in FILE (DER) to the certificate of the first identity.
    #[arg(long, value_name = "FILE")]
    pub(crate) staple: Option<PathBuf>,
    /// Ask the OCSP responders that the certificates name, and keep the staples of all identities
    /// fresh: at half of their life, and never with one that a client would refuse. The issuer is the
    /// second certificate of a chain.
    #[arg(long)]
    pub(crate) staple_refresh: bool,
}
