//! The OCSP responses that a server staples.

use polytls::ocsp::{CertStatus, OcspError, Outcome, Query, Response};
use polytls::{Backend, Identity, Staple};
use tls_staple::{Fetcher, Keeper, Pace, Status};

use crate::failure::{Failure, Result};
use crate::ocsp::{self, ServerStaple};
use crate::output;

/// Gives the identities the staples that were asked for: the first what is in the file, and all an
/// empty one if they are to be kept fresh.
pub(super) fn prepare(
    args: &ServerStaple,
    mut identities: Vec<Identity>,
    backend: &dyn Backend,
) -> Result<Vec<Identity>> {
    if args.staple_refresh {
        ocsp::lends(backend)?;
        let empty = |identity: Identity| match identity.staple() {
            Some(_) => identity,
            None => identity.with_staple(Staple::empty()),
        };
        identities = identities.into_iter().map(empty).collect();
    }
    if let (Some(path), Some(first)) = (&args.staple, identities.first_mut()) {
        let bytes = ocsp::read(path)?;
        let response = Response::parse(&bytes);
        let response = response.map_err(|e| ocsp::unreadable(path, &e.to_string()))?;
        // With a warning, not an error: to see how clients take it may be what is wanted.
        if let Err(why) = check(&response, first, backend) {
            output::note(format!("warning: {}: clients will refuse it: {why}", path.display()));
        }
        *first = first.clone().with_staple(Staple::new(bytes));
    }
    Ok(identities)
}

/// Whether clients will take it, as far as can be told: that takes the issuer, and a backend that lends
/// signatures.
fn check(response: &Response, identity: &Identity, backend: &dyn Backend) -> Result<(), String> {
    let [leaf, issuer, ..] = identity.chain() else { return Ok(()) };
    match response.verify(&Query::new(leaf, issuer, backend)) {
        Err(OcspError::NothingLent) => Ok(()),
        Err(e) => Err(e.to_string()),
        Ok(outcome) if outcome.cert_status() == Some(CertStatus::Good) => Ok(()),
        Ok(outcome) => Err(format!("it says {}", outcome.result())),
    }
}

/// The identities of a server, and who keeps their staples fresh.
#[derive(Default)]
pub(super) struct Kept {
    identities: Vec<Identity>,
    _keepers: Vec<Keeper>,
}

impl Kept {
    /// Keeps the staples of these identities fresh from now on, if that is asked for.
    pub(super) fn start(
        args: &ServerStaple,
        identities: Vec<Identity>,
        backend: &'static dyn Backend,
    ) -> Result<Self> {
        let refreshed = if args.staple_refresh { &identities[..] } else { &[] };
        let keep = |identity: &Identity| {
            let name = name(identity);
            let of = name.clone();
            let report = move |status| tell(&of, &status);
            Keeper::start(identity, Fetcher::new(), Pace::default(), backend, report).map_err(|e| {
                Failure::Usage(format!("--staple-refresh: {name}: {}", ocsp::causes(&e)))
            })
        };
        let keepers = refreshed.iter().map(keep).collect::<Result<_>>()?;
        Ok(Self { identities, _keepers: keepers })
    }

    /// Gives those of `next` that have no response yet what these have for the same certificate: a
    /// server that is reloaded goes on stapling.
    pub(super) fn pass_on(&self, next: &[Identity]) {
        for identity in next {
            let Some(staple) = identity.staple().filter(|staple| staple.get().is_none()) else {
                continue;
            };
            let same = self.identities.iter().find(|old| old.leaf() == identity.leaf());
            staple.replace(same.and_then(Identity::staple).and_then(Staple::get));
        }
    }
}

fn tell(name: &str, status: &Status) {
    let said = |outcome: &Outcome| ocsp::summary(outcome);
    match status {
        Status::Fresh { outcome, next } => {
            output::note(format!("staple of {name}: {}, asked again in {next:.0?}", said(outcome)));
        }
        Status::NotGood { outcome, next } => {
            let said = said(outcome);
            output::note(format!(
                "warning: staple of {name}: {said}: none is served; asked again in {next:.0?}"
            ));
        }
        Status::Failed { error, serving, next } => {
            let still = if *serving { "the last one is still served" } else { "none is served" };
            output::note(format!(
                "warning: staple of {name}: ocsp({}): {}: {still}; asked again in {next:.0?}",
                error.name(),
                ocsp::causes(error)
            ));
        }
        Status::Emptied => {
            output::note(format!("warning: staple of {name}: out of date: none is served"));
        }
        // The enum is open; whatever comes to be told is not known here.
        _ => {}
    }
}

/// What the identity is for.
fn name(identity: &Identity) -> String {
    match identity.leaf_facts().dns_names() {
        [first, ..] => first.clone(),
        [] => identity.leaf_facts().subject(),
    }
}
