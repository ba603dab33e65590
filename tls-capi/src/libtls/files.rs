//! Files: those that a configuration names, `tls_load_file`, and the certificates of the system.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use zeroize::Zeroizing;

use super::error::{Fault, Outcome};
use super::pkcs8;
use crate::boundary::{OutBytes, OutText, Returned};

/// More than any file has reason to have that is read here.
const MOST_BYTES: u64 = 64 << 20;

/// What a configuration calls `what`.
pub(super) fn load(what: &str, path: Option<&[u8]>) -> Outcome<Zeroizing<Vec<u8>>> {
    let path = path.ok_or_else(|| Fault::argument(format!("no {what} file given")))?;
    read(path).map_err(|e| {
        let name = String::from_utf8_lossy(path);
        Fault::system(format!("failed to open {what} file '{name}'"), &e)
    })
}

fn read(path: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(OsStr::from_bytes(path))?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from_raw_os_error(21)); // EISDIR, as reading it would say
    }
    if file.take(MOST_BYTES + 1).read_to_end(&mut bytes)? as u64 > MOST_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// What C has, by address.
static LOADED: Mutex<Loaded> = Mutex::new(BTreeMap::new());

type Loaded = BTreeMap<usize, Zeroizing<Box<[u8]>>>;

/// `tls_load_file`: a file as it is, or the private key in it. C holds what this gives until
/// [`unload`] wipes it.
pub(super) fn hand_over(path: Option<&[u8]>, password: Option<&[u8]>) -> (OutBytes, usize) {
    let failed = (OutBytes::FAILURE, 0);
    let Some(mut bytes) = path.and_then(|path| read(path).ok()) else { return failed };
    if let Some(password) = password {
        let password = std::str::from_utf8(password).ok();
        let Some(key) = password.and_then(|password| pkcs8::open(&bytes, password)) else {
            return failed;
        };
        bytes = key;
    }
    let length = bytes.len();
    // One more, so that also what is empty has a place of its own, and text an end.
    bytes.reserve_exact(1);
    bytes.push(0);
    let bytes = Zeroizing::new(std::mem::take(&mut *bytes).into_boxed_slice());
    let handed = OutBytes::of(Some(&bytes));
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    loaded.insert(handed.address(), bytes);
    (handed, length)
}

/// `tls_unload_file`: wipes and frees; nothing happens to what was not loaded, or is no more.
pub(super) fn unload(address: usize) {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    loaded.remove(&address);
}

/// Where distributions have the certificates that they trust, in one file.
const DEFAULT_CA: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/usr/lib/ssl/cert.pem",
];

/// `tls_default_ca_cert_file`: the first of these that is there.
pub(super) fn default_ca() -> OutText {
    static FOUND: OnceLock<CString> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let found = DEFAULT_CA.iter().find(|path| Path::new(path).is_file());
        CString::new(*found.unwrap_or(&DEFAULT_CA[0])).unwrap_or_default()
    });
    OutText::of(Some(found))
}
