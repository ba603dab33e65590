//! A configuration: certificates, keys and staples.

use std::ffi::c_int;

use zeroize::Zeroizing;

use super::{Bytes, Handle, Text};
use crate::libtls::config::{change, on};
use crate::libtls::error::Outcome;
use crate::libtls::files::load;
use crate::libtls::keypair::Keypair;

exports! {
    /// `int tls_config_set_cert_file(struct tls_config *config, const char *cert_file)`
    fn tls_config_set_cert_file(config: Handle, file: Text) -> c_int {
        change(config, |settings| {
            settings.default_keypair().certificate = Some(certificate(file)?);
            Ok(())
        })
    }

    /// `int tls_config_set_cert_mem(struct tls_config *config, const uint8_t *cert, size_t len)`
    fn tls_config_set_cert_mem(config: Handle, cert: Bytes, length: usize) -> c_int {
        change(config, |settings| {
            settings.default_keypair().certificate = cert.get(length).map(<[u8]>::to_vec);
            Ok(())
        })
    }

    /// `int tls_config_set_key_file(struct tls_config *config, const char *key_file)`
    fn tls_config_set_key_file(config: Handle, file: Text) -> c_int {
        change(config, |settings| {
            settings.default_keypair().key = Some(load("key", file.get())?);
            Ok(())
        })
    }

    /// `int tls_config_set_key_mem(struct tls_config *config, const uint8_t *key, size_t len)`
    fn tls_config_set_key_mem(config: Handle, key: Bytes, length: usize) -> c_int {
        change(config, |settings| {
            settings.default_keypair().key = key.get(length).map(secret);
            Ok(())
        })
    }

    /// `int tls_config_set_ocsp_staple_file(struct tls_config *config, const char *staple_file)`
    fn tls_config_set_ocsp_staple_file(config: Handle, file: Text) -> c_int {
        change(config, |settings| {
            settings.default_keypair().staple = staple(file)?;
            Ok(())
        })
    }

    /// `int tls_config_set_ocsp_staple_mem(struct tls_config *config, const uint8_t *staple, size_t len)`
    fn tls_config_set_ocsp_staple_mem(config: Handle, staple: Bytes, length: usize) -> c_int {
        change(config, |settings| {
            settings.default_keypair().staple = staple.get(length).map(<[u8]>::to_vec);
            Ok(())
        })
    }

    /// `int tls_config_set_keypair_file(struct tls_config *config, const char *cert_file,
    /// const char *key_file)`
    fn tls_config_set_keypair_file(config: Handle, cert: Text, key: Text) -> c_int {
        change(config, |settings| {
            let pair = of_files(cert, key, None)?;
            set(settings.default_keypair(), pair);
            Ok(())
        })
    }

    /// `int tls_config_set_keypair_mem(struct tls_config *config, const uint8_t *cert, size_t cert_len,
    /// const uint8_t *key, size_t key_len)`
    fn tls_config_set_keypair_mem(
        config: Handle,
        cert: Bytes,
        cert_length: usize,
        key: Bytes,
        key_length: usize,
    ) -> c_int {
        change(config, |settings| {
            let pair = of_bytes(cert.get(cert_length), key.get(key_length), None);
            set(settings.default_keypair(), pair);
            Ok(())
        })
    }

    /// `int tls_config_set_keypair_ocsp_file(struct tls_config *config, const char *cert_file,
    /// const char *key_file, const char *staple_file)`
    fn tls_config_set_keypair_ocsp_file(
        config: Handle,
        cert: Text,
        key: Text,
        staple: Text,
    ) -> c_int {
        change(config, |settings| {
            *settings.default_keypair() = of_files(cert, key, Some(staple))?;
            Ok(())
        })
    }

    /// `int tls_config_set_keypair_ocsp_mem(struct tls_config *config, const uint8_t *cert,
    /// size_t cert_len, const uint8_t *key, size_t key_len, const uint8_t *staple, size_t staple_len)`
    fn tls_config_set_keypair_ocsp_mem(
        config: Handle,
        cert: Bytes,
        cert_length: usize,
        key: Bytes,
        key_length: usize,
        staple: Bytes,
        staple_length: usize,
    ) -> c_int {
        change(config, |settings| {
            let staple = staple.get(staple_length);
            *settings.default_keypair() =
                of_bytes(cert.get(cert_length), key.get(key_length), staple);
            Ok(())
        })
    }

    /// `int tls_config_add_keypair_file(struct tls_config *config, const char *cert_file,
    /// const char *key_file)`
    fn tls_config_add_keypair_file(config: Handle, cert: Text, key: Text) -> c_int {
        change(config, |settings| {
            settings.keypairs.push(of_files(cert, key, None)?);
            Ok(())
        })
    }

    /// `int tls_config_add_keypair_mem(struct tls_config *config, const uint8_t *cert, size_t cert_len,
    /// const uint8_t *key, size_t key_len)`
    fn tls_config_add_keypair_mem(
        config: Handle,
        cert: Bytes,
        cert_length: usize,
        key: Bytes,
        key_length: usize,
    ) -> c_int {
        change(config, |settings| {
            let pair = of_bytes(cert.get(cert_length), key.get(key_length), None);
            settings.keypairs.push(pair);
            Ok(())
        })
    }

    /// `int tls_config_add_keypair_ocsp_file(struct tls_config *config, const char *cert_file,
    /// const char *key_file, const char *staple_file)`
    fn tls_config_add_keypair_ocsp_file(
        config: Handle,
        cert: Text,
        key: Text,
        staple: Text,
    ) -> c_int {
        change(config, |settings| {
            settings.keypairs.push(of_files(cert, key, Some(staple))?);
            Ok(())
        })
    }

    /// `int tls_config_add_keypair_ocsp_mem(struct tls_config *config, const uint8_t *cert,
    /// size_t cert_len, const uint8_t *key, size_t key_len, const uint8_t *staple, size_t staple_len)`
    fn tls_config_add_keypair_ocsp_mem(
        config: Handle,
        cert: Bytes,
        cert_length: usize,
        key: Bytes,
        key_length: usize,
        staple: Bytes,
        staple_length: usize,
    ) -> c_int {
        change(config, |settings| {
            let staple = staple.get(staple_length);
            let pair = of_bytes(cert.get(cert_length), key.get(key_length), staple);
            settings.keypairs.push(pair);
            Ok(())
        })
    }

    /// `void tls_config_clear_keys(struct tls_config *config)`: contexts that are configured go on.
    fn tls_config_clear_keys(config: Handle) {
        // Not a change: what was compiled stays as it is.
        let _ = on(config, |config| {
            config.settings().keypairs.iter_mut().for_each(Keypair::clear_key);
            Ok(())
        });
    }
}

fn certificate(file: Text) -> Outcome<Vec<u8>> {
    Ok(load("certificate", file.get())?.to_vec())
}

/// A response, which may be left out.
fn staple(file: Text) -> Outcome<Option<Vec<u8>>> {
    match file.get() {
        None => Ok(None),
        path => Ok(Some(load("ocsp", path)?.to_vec())),
    }
}

fn secret(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.to_vec())
}

fn of_files(cert: Text, key: Text, response: Option<Text>) -> Outcome<Keypair> {
    Ok(Keypair {
        certificate: Some(certificate(cert)?),
        key: Some(load("key", key.get())?),
        staple: response.map(staple).transpose()?.flatten(),
    })
}

fn of_bytes(cert: Option<&[u8]>, key: Option<&[u8]>, staple: Option<&[u8]>) -> Keypair {
    Keypair {
        certificate: cert.map(<[u8]>::to_vec),
        key: key.map(secret),
        staple: staple.map(<[u8]>::to_vec),
    }
}

/// Puts certificate and key in place; a staple that was set stays.
fn set(pair: &mut Keypair, new: Keypair) {
    (pair.certificate, pair.key) = (new.certificate, new.key);
}
