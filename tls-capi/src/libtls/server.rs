//! The settings of a server, compiled for a backend.

use polytls::{Checks, ClientAuth, EndOfStream, Server, ServerConfig, SuiteOrder};

use super::client::{backend, checks, refused, roots, suites};
use super::config::Config;
use super::error::{Fault, Outcome, words};
use super::keypair;
use super::settings::{Settings, VerifyClient};

/// Compiles the settings.
pub(super) fn compile(config: &Config, settings: &Settings) -> Outcome<Server> {
    let backend = backend()?;
    let mut identities = settings.keypairs.iter().map(|pair| pair.identity());
    let first = identities.next().transpose()?.flatten();
    // What OpenSSL finds if there is neither.
    let first = first.ok_or_else(|| Fault::new("private/public key mismatch"))?;
    let (auth, checks) = client_auth(settings)?;
    let (suites, versions) = suites(settings)?;
    let order = match settings.client_order {
        true => SuiteOrder::Client,
        false => SuiteOrder::Server,
    };
    let mut builder = ServerConfig::builder(first)
        .alpn(&settings.alpn)
        .checks(checks)
        .cipher_suites(suites)
        .client_auth(auth)
        .dh_params(settings.dh_params)
        .end_of_stream(EndOfStream::TolerateTruncation)
        .groups(settings.groups.iter().copied())
        .session_id_context(settings.session_id.clone())
        .suite_order(order)
        .tickets(config.ring.tickets(settings.session_lifetime)?)
        .versions(versions);
    for identity in identities {
        let identity = identity?.ok_or_else(|| Fault::new("private/public key mismatch"))?;
        builder = builder.add_identity(identity);
    }
    let config = builder.build().map_err(|e| Fault::new(words(&e)))?;
    Server::new(&config, backend).map_err(|e| {
        let identities = config.identities().iter();
        keypair::mismatch(identities, &e).unwrap_or_else(|| refused(&e, backend))
    })
}

fn client_auth(settings: &Settings) -> Outcome<(ClientAuth, Checks)> {
    if settings.verify_client == VerifyClient::No {
        return Ok((ClientAuth::None, Checks::new()));
    }
    if !settings.verify_cert {
        return Ok((ClientAuth::Unverified, Checks::new()));
    }
    if !settings.verify_time {
        return Err(Fault::new("client certificates are verified with their dates, or not at all"));
    }
    let checks = checks(settings, true)?;
    let roots = roots(settings)?;
    Ok(match settings.verify_client {
        VerifyClient::Required => (ClientAuth::Require(roots), checks),
        VerifyClient::Optional | VerifyClient::No => (ClientAuth::Request(roots), checks),
    })
}
