//! What can be set, as libtls has it.

mod compile;
mod files;
mod methods;

use std::cell::RefCell;
use std::sync::Arc;

use polytls::danger::Skip;
use polytls::{
    CipherSuite, Client, DhParams, FileStore, Group, RevocationLists, Roots, Server, SuiteOrder,
    Version, Versions,
};
use zeroize::Zeroizing;

use crate::constants::{V12, V13};

pub(crate) use files::{default_ca_cert_file, load_file, parse_protocols};

/// A configuration, `libtls.config` in Lua. What is compiled of it is kept until something is set, so that
/// contexts made of one configuration resume each other's sessions.
#[derive(Default)]
pub(crate) struct Config {
    settings: Settings,
    compiled: RefCell<Compiled>,
}

/// What has been made of a configuration, for the backend of this name.
#[derive(Default)]
struct Compiled {
    backend: &'static str,
    clients: Vec<(Manner, Client)>,
    server: Option<(Manner, Server)>,
}

/// What depends on who uses a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// Whether an end without close_notify is an end like any other, as with libtls' read.
    pub(crate) tolerates_cuts: bool,
    /// Whether nobody knows the server's name.
    pub(crate) is_nameless: bool,
}

#[derive(Clone)]
struct Settings {
    alpn: Vec<String>,
    ca: Option<Roots>,
    ca_path: Option<Roots>,
    cipher_suites: Vec<CipherSuite>,
    client_auth: Asks,
    depth: usize,
    dh_params: DhParams,
    groups: Vec<Group>,
    needs_staple: bool,
    own: Pair,
    more: Vec<Pair>,
    revocation: Option<RevocationLists>,
    session_file: Option<Arc<FileStore>>,
    session_id: Vec<u8>,
    session_lifetime: u64,
    skip: Skip,
    suite_order: SuiteOrder,
    ticket_keys: Vec<(u32, Zeroizing<[u8; 48]>)>,
    versions: Versions,
}

/// Whether a server asks for certificates.
#[derive(Clone, Copy, Default)]
enum Asks {
    #[default]
    Nobody,
    Optionally,
    Everybody,
}

/// A certificate, its key, and a staple, as they were given.
#[derive(Clone, Default)]
struct Pair {
    cert: Option<Vec<u8>>,
    key: Option<Zeroizing<Vec<u8>>>,
    staple: Option<Vec<u8>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            alpn: Vec::new(),
            ca: None,
            ca_path: None,
            cipher_suites: Vec::new(),
            client_auth: Asks::default(),
            depth: MAX_DEPTH,
            dh_params: DhParams::default(),
            groups: Vec::new(),
            needs_staple: false,
            own: Pair::default(),
            more: Vec::new(),
            revocation: None,
            session_file: None,
            session_id: Vec::new(),
            session_lifetime: 0,
            skip: Skip::nothing(),
            suite_order: SuiteOrder::default(),
            ticket_keys: Vec::new(),
            versions: Versions::default(),
        }
    }
}

/// libtls' bits for these versions.
fn bits(versions: Versions) -> u32 {
    let bit = |version, bit| if versions.contains(version) { bit } else { 0 };
    bit(Version::Tls12, V12) | bit(Version::Tls13, V13)
}

/// The versions of libtls' bits; those of TLS 1.0 and 1.1 stand for nothing.
fn versions(bits: u32) -> Result<Versions, String> {
    match (bits & V12 != 0, bits & V13 != 0) {
        (true, true) => Ok(Versions::default()),
        (true, false) => Ok(Versions::only(Version::Tls12)),
        (false, true) => Ok(Versions::only(Version::Tls13)),
        (false, false) => Err("no protocol version is left".into()),
    }
}

/// The most intermediate certificates, as in libtls.
const MAX_DEPTH: usize = 6;
