//! What may be negotiated, told to an `SSL_CTX`.

use boring::error::ErrorStack;
use boring::ssl::{
    ClientHello, ExtensionType, SslContextBuilder, SslMode, SslOptions, SslSessionCacheMode,
    SslVersion,
};
use tls_core::{CipherSuite, Group, Result, SignatureScheme, SuiteOrder, Version, Versions};
use tls_libssl::{MAX_CERTIFICATES, group_name};

use crate::error::config_error;
use crate::{ffi, verify};

/// What clients and servers have in common.
pub(crate) fn set(
    context: &mut SslContextBuilder,
    versions: Versions,
    suites: &[CipherSuite],
    groups: &[Group],
) -> Result<()> {
    ffi::note_messages(context);
    let suites = if suites.is_empty() { CipherSuite::DEFAULT } else { suites };
    let tls12 = suites.iter().filter(|suite| !suite.is_tls13());
    let tls12 = tls12.filter_map(|suite| suite.name()).collect::<Vec<_>>();
    let tls13 = tls13_suites(suites);
    let groups = group_list(groups);
    let groups = groups.iter().filter_map(|group| group_name(*group)).collect::<Vec<_>>();
    let signatures = SIGNATURES.iter().map(|(_, name)| *name).collect::<Vec<_>>();
    let mut set = || -> Result<(), ErrorStack> {
        context.set_min_proto_version(Some(version(versions.min())))?;
        context.set_max_proto_version(Some(version(versions.max())))?;
        if !tls12.is_empty() {
            context.set_strict_cipher_list(&tls12.join(":"))?;
        }
        ffi::set_tls13_suites(context, &tls13, false)?;
        context.set_curves_list(&groups.join(":"))?;
        context.set_sigalgs_list(&signatures.join(":"))?;
        context.set_options(
            SslOptions::CIPHER_SERVER_PREFERENCE
                | SslOptions::NO_COMPRESSION
                | SslOptions::NO_RENEGOTIATION
                // Until a client is to keep sessions, or a server to give tickets.
                | SslOptions::NO_TICKET,
        );
        ffi::set_max_cert_list(context, MAX_CERTIFICATES.into());
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
    if let Some(bytes) = record_limit {
        ffi::set_max_send_fragment(context, bytes);
    }
    Ok(())
}

/// What only a server has to choose.
pub(crate) fn set_choices(
    context: &mut SslContextBuilder,
    order: SuiteOrder,
    suites: &[CipherSuite],
) -> Result<()> {
    if order == SuiteOrder::Server {
        return Ok(());
    }
    context.clear_options(SslOptions::CIPHER_SERVER_PREFERENCE);
    // The option is about TLS 1.2 only. In TLS 1.3 a list without an order of its own leaves it to the
    // client.
    ffi::set_tls13_suites(context, &tls13_suites(suites), true).map_err(config_error)
}

/// The numbers of those of TLS 1.3.
fn tls13_suites(suites: &[CipherSuite]) -> Vec<u16> {
    let suites = if suites.is_empty() { CipherSuite::DEFAULT } else { suites };
    suites.iter().filter(|suite| suite.is_tls13()).map(|suite| suite.0).collect()
}

pub(crate) fn group_list(groups: &[Group]) -> Vec<Group> {
    if groups.is_empty() { Group::DEFAULT.to_vec() } else { groups.to_vec() }
}

/// Takes note of what would leave a TLS 1.2 server without a cipher suite, which is all that
/// BoringSSL would say: no group in common (RFC 8422 §5.1.1), or no signature scheme (RFC 5246
/// §7.4.1.4.1; SHA-1, if the client lists none).
pub(crate) fn note_offer(hello: &ClientHello<'_>, own: &[Group], schemes: &[u16]) {
    let Some(findings) = verify::findings(hello.ssl()) else { return };
    let groups = hello.get_extension(ExtensionType::SUPPORTED_GROUPS);
    let shared = |group: u16| own.contains(&Group(group)) && !Group(group).is_post_quantum();
    if groups.is_some_and(|list| !numbers(list).any(shared)) {
        findings.note_groups_apart();
    }
    let offered = hello.get_extension(ExtensionType::SIGNATURE_ALGORITHMS).unwrap_or_default();
    if !numbers(offered).any(|scheme| schemes.contains(&scheme)) {
        findings.note_signatures_apart();
    }
}

/// The members of a list with two bytes of length and two a member.
fn numbers(list: &[u8]) -> impl Iterator<Item = u16> {
    let members = list.get(2..).unwrap_or_default().chunks_exact(2);
    members.map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// The numbers of what both sides may sign with.
pub(crate) fn scheme_list(schemes: &[SignatureScheme]) -> Vec<u16> {
    match schemes {
        [] => SIGNATURES.iter().map(|(number, _)| *number).collect(),
        schemes => schemes.iter().map(|scheme| scheme.0).collect(),
    }
}

/// What both sides may sign with: BoringSSL's own lists without SHA-1, and with Ed25519 and P-521
/// for the peer too, as the other backends have it.
const SIGNATURES: &[(u16, &str)] = &[
    (0x0403, "ecdsa_secp256r1_sha256"),
    (0x0503, "ecdsa_secp384r1_sha384"),
    (0x0603, "ecdsa_secp521r1_sha512"),
    (0x0807, "ed25519"),
    (0x0804, "rsa_pss_rsae_sha256"),
    (0x0805, "rsa_pss_rsae_sha384"),
    (0x0806, "rsa_pss_rsae_sha512"),
    (0x0401, "rsa_pkcs1_sha256"),
    (0x0501, "rsa_pkcs1_sha384"),
    (0x0601, "rsa_pkcs1_sha512"),
];

fn version(version: Version) -> SslVersion {
    match version {
        Version::Tls12 => SslVersion::TLS1_2,
        _ => SslVersion::TLS1_3,
    }
}
