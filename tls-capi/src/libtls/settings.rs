//! What a program has set, as data.

use std::os::fd::RawFd;

use polytls::{CipherSuite, DhParams, Group};

use super::keypair::Keypair;
use super::protocols;

/// Whether a server asks its clients for a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum VerifyClient {
    #[default]
    No,
    Optional,
    Required,
}

/// What a `tls_config` holds. The files in it have been read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) alpn: Vec<Vec<u8>>,
    pub(super) ca: Option<Vec<u8>>,
    pub(super) ca_path: Option<Vec<u8>>,
    /// Empty for the default.
    pub(super) ciphers: Vec<CipherSuite>,
    pub(super) client_order: bool,
    pub(super) crl: Option<Vec<u8>>,
    pub(super) dh_params: DhParams,
    /// Empty for the default.
    pub(super) groups: Vec<Group>,
    /// The first is the default, and may be empty.
    pub(super) keypairs: Vec<Keypair>,
    pub(super) protocols: u32,
    pub(super) require_staple: bool,
    pub(super) session_fd: Option<RawFd>,
    pub(super) session_id: Vec<u8>,
    /// In seconds; 0 for no tickets.
    pub(super) session_lifetime: u64,
    pub(super) skip_key_check: bool,
    pub(super) fake_key: bool,
    pub(super) verify_cert: bool,
    pub(super) verify_client: VerifyClient,
    pub(super) verify_depth: usize,
    pub(super) verify_name: bool,
    pub(super) verify_time: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            alpn: Vec::new(),
            ca: None,
            ca_path: None,
            ciphers: Vec::new(),
            client_order: false,
            crl: None,
            dh_params: DhParams::None,
            groups: Vec::new(),
            keypairs: vec![Keypair::default()],
            protocols: protocols::ALL,
            require_staple: false,
            session_fd: None,
            session_id: Vec::new(),
            session_lifetime: 0,
            skip_key_check: false,
            fake_key: false,
            verify_cert: true,
            verify_client: VerifyClient::No,
            verify_depth: 6,
            verify_name: true,
            verify_time: true,
        }
    }
}

impl Settings {
    /// The key pair that is presented where no other fits.
    pub(super) fn default_keypair(&mut self) -> &mut Keypair {
        if self.keypairs.is_empty() {
            self.keypairs.push(Keypair::default());
        }
        &mut self.keypairs[0]
    }

    pub(super) fn has_identity(&self) -> bool {
        self.keypairs.first().is_some_and(|pair| pair.certificate.is_some() || pair.key.is_some())
    }
}
