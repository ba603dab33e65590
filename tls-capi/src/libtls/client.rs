//! The settings of a client, compiled for a backend.

use polytls::danger::Skip;
use polytls::{
    Backend, Checks, Client, ClientConfig, EndOfStream, Error, ErrorKind, RevocationLists, Roots,
    StaplePolicy,
};

use super::ciphers;
use super::error::{Fault, Outcome, words};
use super::keypair::{self, Keypair};
use super::protocols;
use super::session::{self, InMemory};
use super::settings::Settings;
use crate::library;

/// A client, and where its sessions are if they are not in the session file.
#[derive(Clone)]
pub(super) struct Prepared {
    pub(super) client: Client,
    pub(super) in_memory: Option<InMemory>,
}

/// Compiles the settings; without a name, what the server is called is neither said nor checked.
pub(super) fn compile(settings: &Settings, has_name: bool) -> Outcome<Prepared> {
    let backend = backend()?;
    if let Some(known) = session::in_memory(settings, has_name, backend)? {
        return Ok(known);
    }
    let config = config(settings, has_name, backend)?;
    let client = Client::new(&config, backend).map_err(|e| {
        let identity = config.identity().into_iter();
        keypair::mismatch(identity, &e).unwrap_or_else(|| refused(&e, backend))
    })?;
    Ok(session::keep(settings, has_name, backend, client))
}

fn config(settings: &Settings, has_name: bool, backend: &dyn Backend) -> Outcome<ClientConfig> {
    unsupported(settings)?;
    let mut skip = Skip::nothing();
    if !settings.verify_cert {
        skip = skip.chain();
    }
    if !settings.verify_name {
        skip = skip.name();
    }
    if !settings.verify_time {
        skip = skip.time();
    }
    // As in libtls, nobody looks at a response that nobody could have signed, or at any time.
    let staple = match (settings.require_staple, settings.verify_cert, settings.verify_time) {
        (true, true, _) => StaplePolicy::Require,
        (false, true, false) => StaplePolicy::Off,
        (true, false, _) | (false, ..) => StaplePolicy::Request,
    };
    let mut checks = checks(settings, settings.verify_cert)?;
    if settings.verify_name {
        checks = checks.accept_common_name();
    }
    let (suites, versions) = suites(settings)?;
    let mut builder = ClientConfig::builder()
        .alpn(&settings.alpn)
        .checks(checks)
        .cipher_suites(suites)
        .danger(skip)
        .end_of_stream(EndOfStream::TolerateTruncation)
        .groups(settings.groups.iter().copied())
        .resumption(session::resumption(settings, backend)?)
        .send_server_name(has_name)
        .staple(staple)
        .versions(versions);
    if settings.verify_cert {
        builder = builder.roots(roots(settings)?);
    } else {
        builder = builder.roots(Roots::empty());
    }
    if let Some(identity) = settings.keypairs.first().map(|pair| {
        let pair = Keypair { staple: None, ..pair.clone() };
        pair.identity()
    }) {
        if let Some(identity) = identity? {
            builder = builder.identity(identity);
        }
    }
    builder.build().map_err(|e| Fault::new(words(&e)))
}

pub(super) fn backend() -> Outcome<&'static dyn Backend> {
    library::backend().map_err(|e| Fault::new(words(&e)))
}

/// What no backend can do.
pub(super) fn unsupported(settings: &Settings) -> Outcome<()> {
    match (settings.skip_key_check, settings.fake_key) {
        (true, _) => Err(Fault::new("private keys are always checked: skipping is not supported")),
        (_, true) => Err(Fault::new("fake private keys are not supported")),
        (false, false) => Ok(()),
    }
}

/// Which certificates are trusted.
pub(super) fn roots(settings: &Settings) -> Outcome<Roots> {
    let failed = |e| Fault::of("failed to load CA certificates", &e);
    match (&settings.ca, &settings.ca_path) {
        (Some(ca), _) => Roots::empty().with_pem(ca).map_err(failed),
        (None, Some(path)) => {
            use std::os::unix::ffi::OsStrExt;
            let path = std::ffi::OsStr::from_bytes(path);
            Roots::empty().with_pem_dir(path).map_err(failed)
        }
        (None, None) => Ok(Roots::system()),
    }
}

/// What is checked of a peer's certificates.
pub(super) fn checks(settings: &Settings, chain: bool) -> Outcome<Checks> {
    let mut checks = Checks::new();
    if chain {
        checks = checks.depth(settings.verify_depth);
        if let Some(crl) = &settings.crl {
            let lists = RevocationLists::new().with_pem(crl);
            let lists = lists.map_err(|e| Fault::of("failed to load CRL", &e))?;
            checks = checks.revocation(lists);
        }
    }
    Ok(checks)
}

/// The suites and versions.
pub(super) fn suites(
    settings: &Settings,
) -> Outcome<(Vec<polytls::CipherSuite>, polytls::Versions)> {
    let versions = protocols::versions(settings.protocols)
        .ok_or_else(|| Fault::new("none of the protocols is supported"))?;
    if settings.ciphers.is_empty() {
        return Ok((Vec::new(), versions));
    }
    ciphers::fitting(&settings.ciphers, versions)
        .ok_or_else(|| Fault::new("none of the ciphers is of the protocols"))
}

/// What a backend says of a configuration that it refuses.
pub(super) fn refused(e: &Error, backend: &dyn Backend) -> Fault {
    match e.kind() {
        ErrorKind::Unsupported(_) => Fault::new(format!("{} by {}", words(e), backend.name())),
        _ => Fault::new(words(e)),
    }
}
