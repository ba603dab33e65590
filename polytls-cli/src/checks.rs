//! The arguments that say what is checked of a peer's certificates, besides the authorities.

use std::path::PathBuf;

use clap::Args;
use polytls::{Checks, Clock, Pin, RevocationLists, Verification};

/// What a client checks of its server.
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    revocation: RevocationArgs,
    /// Accept only a chain with this key in it: sha256/ and base64, or 64 hexadecimal digits, of the
    /// SHA-256 of its SubjectPublicKeyInfo, as connect shows it; repeat for more.
    #[arg(long, value_name = "PIN")]
    pin: Vec<Pin>,
    /// Verify as if it were this time, in seconds since the beginning of 1970 (UTC).
    #[arg(long, value_name = "EPOCH", value_parser = clap::value_parser!(u64).range(..=YEAR_9999))]
    verify_time: Option<u64>,
    /// The most intermediate certificates in a chain: 0 to 6; 6 if left out.
    #[arg(long, value_name = "N")]
    verify_depth: Option<usize>,
    /// Have the chain verified by the one verifier that is the same for every library, in place of
    /// the library's own.
    #[arg(long)]
    uniform: bool,
}

/// Lists of revoked certificates, for clients and servers.
#[derive(Args, Clone, Debug)]
pub(crate) struct RevocationArgs {
    /// Refuse certificates that a list in this file revokes, PEM or DER; repeat for more. Each
    /// certificate of a chain but the root then needs a list, and none that is out of date.
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// Ask the lists only about the peer's own certificate, not about its issuers.
    #[arg(long, requires = "crl")]
    crl_leaf_only: bool,
    /// Accept a certificate that no list is about.
    #[arg(long, requires = "crl")]
    crl_allow_missing: bool,
    /// Believe a list that is out of date.
    #[arg(long, requires = "crl")]
    crl_allow_expired: bool,
}

impl CheckArgs {
    pub(crate) fn load(&self) -> polytls::Result<Checks> {
        let mut checks = Checks::new().pins(self.pin.iter().copied());
        if let Some(lists) = self.revocation.load()? {
            checks = checks.revocation(lists);
        }
        if let Some(seconds) = self.verify_time {
            checks = checks.clock(Clock::at(seconds));
        }
        if let Some(depth) = self.verify_depth {
            checks = checks.depth(depth);
        }
        if self.uniform {
            checks = checks.verification(Verification::Uniform);
        }
        Ok(checks)
    }
}

impl RevocationArgs {
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.crl
    }

    /// Reads the lists, if there are any.
    pub(crate) fn load(&self) -> polytls::Result<Option<RevocationLists>> {
        if self.crl.is_empty() {
            return Ok(None);
        }
        let mut lists = self
            .crl
            .iter()
            .try_fold(RevocationLists::new(), |lists, file| lists.with_file(file))?;
        if self.crl_leaf_only {
            lists = lists.leaf_only();
        }
        if self.crl_allow_missing {
            lists = lists.tolerate_missing();
        }
        if self.crl_allow_expired {
            lists = lists.tolerate_expired();
        }
        Ok(Some(lists))
    }
}

/// The last second that a certificate can name (RFC 5280 §4.1.2.5).
const YEAR_9999: u64 = 253_402_300_799;
