//! What may be negotiated, told to an `SSL_CTX`.

use openssl::error::ErrorStack;
use openssl::ssl::{SslContextBuilder, SslMode, SslOptions, SslSessionCacheMode, SslVersion};
use tls_core::{
    CipherSuite, DhParams, Group, Result, SignatureScheme, SuiteOrder, Version, Versions,
};
use tls_libssl::{MAX_CERTIFICATES, group_name};

use crate::error::config_error;
use crate::{HAS_POST_QUANTUM, ffi};

/// What clients and servers have in common.
pub(crate) fn set(
    context: &mut SslContextBuilder,
    versions: Versions,
    suites: &[CipherSuite],
    groups: &[Group],
) -> Result<()> {
    ffi::note_messages(context);
    let suites = if suites.is_empty() { CipherSuite::DEFAULT } else { suites };
    let (tls13, tls12): (Vec<_>, Vec<_>) = suites.iter().partition(|suite| suite.is_tls13());
    let tls12 = openssl_names(&tls12);
    let tls13 = tls13.iter().filter_map(|suite| suite.name()).collect::<Vec<_>>();
    let groups = if groups.is_empty() { Group::DEFAULT } else { groups };
    let groups = groups.iter().filter(|group| !group.is_post_quantum() || *HAS_POST_QUANTUM);
    let groups = groups.filter_map(|group| group_name(*group)).collect::<Vec<_>>();
    let mut set = || -> Result<(), ErrorStack> {
        context.set_min_proto_version(Some(version(versions.min())))?;
        context.set_max_proto_version(Some(version(versions.max())))?;
        // 112 bits, whatever the distribution's default is.
        context.set_security_level(2);
        if !tls12.is_empty() {
            context.set_cipher_list(&tls12.join(":"))?;
        }
        context.set_ciphersuites(&tls13.join(":"))?;
        context.set_groups_list(&groups.join(":"))?;
        context.set_options(
            SslOptions::CIPHER_SERVER_PREFERENCE
                | SslOptions::NO_COMPRESSION
                | SslOptions::NO_RENEGOTIATION
                // Until a client is to keep sessions, or a server to give tickets.
                | SslOptions::NO_TICKET,
        );
        ffi::set_max_cert_list(context, MAX_CERTIFICATES.into());
        context.set_num_tickets(0)?;
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
        context.set_mode(
            SslMode::ACCEPT_MOVING_WRITE_BUFFER
                | SslMode::ENABLE_PARTIAL_WRITE
                // Send the chain as given, without what the own trust store might add.
                | SslMode::NO_AUTO_CHAIN
                | SslMode::RELEASE_BUFFERS,
        );
        Ok(())
    };
    set().map_err(config_error)
}

/// What a configuration says beyond that, if it does.
pub(crate) fn set_finer(
    context: &mut SslContextBuilder,
    schemes: &[SignatureScheme],
    record_limit: Option<usize>,
) -> Result<()> {
    let schemes = schemes.iter().filter_map(|scheme| scheme.name()).collect::<Vec<_>>();
    if !schemes.is_empty() {
        context.set_sigalgs_list(&schemes.join(":")).map_err(config_error)?;
    }
    match record_limit {
        Some(bytes) => ffi::set_max_send_fragment(context, bytes).map_err(config_error),
        None => Ok(()),
    }
}

/// What only a server has to choose.
pub(crate) fn set_choices(
    context: &mut SslContextBuilder,
    order: SuiteOrder,
    dh_params: DhParams,
) -> Result<()> {
    if order == SuiteOrder::Client {
        context.clear_options(SslOptions::CIPHER_SERVER_PREFERENCE);
    }
    match dh_params {
        DhParams::None => Ok(()),
        DhParams::Auto => ffi::set_dh_auto(context).map_err(config_error),
    }
}

fn openssl_names(suites: &[&CipherSuite]) -> Vec<&'static str> {
    let names = suites.iter().filter_map(|suite| suite.name());
    names.map(openssl::ssl::cipher_name).collect()
}

fn version(version: Version) -> SslVersion {
    match version {
        Version::Tls12 => SslVersion::TLS1_2,
        _ => SslVersion::TLS1_3,
    }
}
