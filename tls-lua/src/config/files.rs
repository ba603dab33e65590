//! The functions of `libtls.config`, and files.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::sync::Arc;

use mlua::{Lua, MultiValue, Result, String as LuaString, Value};
use pem::{EncodeConfig, LineEnding, Pem};
use polytls::pki_types::PrivateKeyDer;
use polytls::{FileStore, keywords};
use tls_keys::{PrivateKey, open_pkcs8, open_traditional};
use zeroize::Zeroizing;

use super::bits;
use crate::{ffi, reply};

/// Words for versions to libtls' bits, or 0 and why not.
pub(crate) fn parse_protocols(lua: &Lua, text: String) -> Result<MultiValue> {
    use mlua::IntoLuaMulti as _;
    match keywords::protocols(&text) {
        Ok(versions) => bits(versions).into_lua_multi(lua),
        Err(e) => (-1, reply::told(&e)).into_lua_multi(lua),
    }
}

/// The file with the system's roots, if there is one in a place where systems have it.
pub(crate) fn default_ca_cert_file(_: &Lua, (): ()) -> Result<Option<String>> {
    let named = std::env::var("SSL_CERT_FILE").ok();
    let mut places = named.into_iter().chain(PLACES.iter().map(|place| (*place).to_owned()));
    Ok(places.find(|place| fs::metadata(place).is_ok()))
}

/// What a file holds: as it is, or, with a password, the private key in it, opened.
pub(crate) fn load_file(
    lua: &Lua,
    (file, password): (String, Option<String>),
) -> Result<MultiValue> {
    let loaded = read("", &file).and_then(|text| match password {
        None => Ok(text),
        Some(password) => open_key(&text, &password).map_err(|why| format!("{file}: {why}")),
    });
    let loaded = loaded.map(|text| lua.create_string(&text[..]));
    match loaded {
        Ok(text) => reply::value(lua, Ok(Value::String(text?))),
        Err(why) => reply::value::<LuaString>(lua, Err(why)),
    }
}

/// Reads a file; `what` is what libtls calls it.
pub(super) fn read(what: &str, file: &str) -> std::result::Result<Zeroizing<Vec<u8>>, String> {
    let what = if what.is_empty() { "file".to_owned() } else { format!("{what} file") };
    let mut text = Zeroizing::new(Vec::new());
    let read = File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut text));
    match read {
        Ok(_) if text.len() as u64 <= LARGEST => Ok(text),
        Ok(_) => Err(format!("failed to load {what} '{file}': it has more than 64 MiB")),
        Err(e) => Err(format!("failed to open {what} '{file}': {}", reply::system(&e))),
    }
}

/// The sessions in the file behind a descriptor: in the file at its place, since a store of sessions is
/// replaced as a whole, and the descriptor may be of one that was there before.
pub(super) fn session_file(fd: i32) -> std::result::Result<Arc<FileStore>, String> {
    let lent = ffi::lent(fd).ok_or("invalid session file descriptor")?;
    let failed = |e: std::io::Error| format!("failed to stat session file: {}", reply::system(&e));
    let link = fs::read_link(format!("/proc/self/fd/{}", lent.as_raw_fd())).map_err(failed)?;
    let path = match link.to_str().and_then(|text| text.strip_suffix(" (deleted)")) {
        Some(replaced) if !link.exists() => PathBuf::from(replaced),
        _ => link,
    };
    // Before the store is opened, which would make one.
    fs::symlink_metadata(&path).map_err(failed)?;
    FileStore::open(path).map(Arc::new).map_err(|e| reply::told(&e))
}

/// The private key in PEM, encrypted or not, as PEM without encryption.
fn open_key(text: &[u8], password: &str) -> std::result::Result<Zeroizing<Vec<u8>>, String> {
    let sections = pem::parse_many(text).map_err(|e| format!("not valid PEM: {e}"))?;
    let is_key = |section: &&Pem| section.tag().ends_with("PRIVATE KEY");
    let section = sections.iter().find(is_key).ok_or("no private key found")?;
    let key = match (section.tag(), section.headers().get("DEK-Info")) {
        ("ENCRYPTED PRIVATE KEY", _) => open_pkcs8(section.contents(), password),
        (_, Some(dek)) => open_traditional(dek, section.contents(), password),
        (_, None) => {
            let der = PrivateKeyDer::try_from(section.contents()).map_err(str::to_owned)?;
            Ok(PrivateKey::new(der.clone_key()))
        }
    };
    let key = key.map_err(|e| reply::told(&e))?;
    let label = match &*key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    let text = pem::encode_config(&Pem::new(label, key.secret_der()), config);
    Ok(Zeroizing::new(text.into_bytes()))
}

/// What a file has at most: lists of revoked certificates are the largest there are.
const LARGEST: u64 = 64 << 20;

/// Where systems have their roots in one file.
const PLACES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];
