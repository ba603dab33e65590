//! A configuration: its life, what it trusts, and what it verifies.

use std::ffi::c_int;

use super::{Bytes, Handle, Out, OutBytes, OutText, Text};
use crate::libtls::config::{self, change};
use crate::libtls::error::{Code, Fault, homeless_code, homeless_text};
use crate::libtls::settings::{Settings, VerifyClient};
use crate::libtls::{client, files};

exports! {
    /// `int tls_init(void)`: 0, or -1 if no backend can be chosen.
    fn tls_init() -> c_int {
        client::backend().map_or(-1, |_| 0)
    }

    /// `struct tls_config *tls_config_new(void)`
    fn tls_config_new() -> Handle {
        config::new()
    }

    /// `void tls_config_free(struct tls_config *config)`
    fn tls_config_free(config: Handle) {
        config::free(config);
    }

    /// `const char *tls_config_error(struct tls_config *config)`
    fn tls_config_error(config: Handle) -> OutText {
        config::find(config).map_or_else(|_| homeless_text(), |config| config.error.text())
    }

    /// `int tls_config_error_code(struct tls_config *config)`
    fn tls_config_error_code(config: Handle) -> c_int {
        config::find(config).map_or(Code::InvalidArgument as c_int, |config| config.error.code())
            .max(if config.is_null() { homeless_code() } else { 0 })
    }

    /// `const char *tls_default_ca_cert_file(void)`
    fn tls_default_ca_cert_file() -> OutText {
        files::default_ca()
    }

    /// `uint8_t *tls_load_file(const char *file, size_t *len, char *password)`
    fn tls_load_file(file: Text, length: Out<usize>, password: Text) -> OutBytes {
        let mut length = length;
        length.set(0);
        if length.is_null() {
            return OutBytes::of(None);
        }
        let (bytes, read) = files::hand_over(file.get(), password.get());
        length.set(read);
        bytes
    }

    /// `void tls_unload_file(uint8_t *buf, size_t len)`
    fn tls_unload_file(buf: Bytes, _length: usize) {
        files::unload(buf.address());
    }

    /// `int tls_config_set_ca_file(struct tls_config *config, const char *ca_file)`
    fn tls_config_set_ca_file(config: Handle, file: Text) -> c_int {
        change(config, |settings| {
            settings.ca = Some(files::load("CA", file.get())?.to_vec());
            Ok(())
        })
    }

    /// `int tls_config_set_ca_path(struct tls_config *config, const char *ca_path)`
    fn tls_config_set_ca_path(config: Handle, path: Text) -> c_int {
        change(config, |settings| {
            settings.ca_path = path.get().map(<[u8]>::to_vec);
            Ok(())
        })
    }

    /// `int tls_config_set_ca_mem(struct tls_config *config, const uint8_t *ca, size_t len)`
    fn tls_config_set_ca_mem(config: Handle, ca: Bytes, length: usize) -> c_int {
        change(config, |settings| {
            settings.ca = ca.get(length).map(<[u8]>::to_vec);
            Ok(())
        })
    }

    /// `int tls_config_set_crl_file(struct tls_config *config, const char *crl_file)`
    fn tls_config_set_crl_file(config: Handle, file: Text) -> c_int {
        change(config, |settings| {
            settings.crl = Some(files::load("CRL", file.get())?.to_vec());
            Ok(())
        })
    }

    /// `int tls_config_set_crl_mem(struct tls_config *config, const uint8_t *crl, size_t len)`
    fn tls_config_set_crl_mem(config: Handle, crl: Bytes, length: usize) -> c_int {
        change(config, |settings| {
            settings.crl = crl.get(length).map(<[u8]>::to_vec);
            Ok(())
        })
    }

    /// `int tls_config_set_verify_depth(struct tls_config *config, int verify_depth)`
    fn tls_config_set_verify_depth(config: Handle, depth: c_int) -> c_int {
        change(config, |settings| {
            let depth = usize::try_from(depth);
            let depth = depth.map_err(|_| Fault::argument("verify depth too small"))?;
            // More than six are never looked at: such a chain is refused for its length.
            settings.verify_depth = depth.min(6);
            Ok(())
        })
    }

    /// `void tls_config_verify(struct tls_config *config)`
    fn tls_config_verify(config: Handle) {
        switch(config, |settings| {
            settings.verify_cert = true;
            settings.verify_name = true;
            settings.verify_time = true;
        });
    }

    /// `void tls_config_insecure_noverifycert(struct tls_config *config)`
    fn tls_config_insecure_noverifycert(config: Handle) {
        switch(config, |settings| settings.verify_cert = false);
    }

    /// `void tls_config_insecure_noverifyname(struct tls_config *config)`
    fn tls_config_insecure_noverifyname(config: Handle) {
        switch(config, |settings| settings.verify_name = false);
    }

    /// `void tls_config_insecure_noverifytime(struct tls_config *config)`
    fn tls_config_insecure_noverifytime(config: Handle) {
        switch(config, |settings| settings.verify_time = false);
    }

    /// `void tls_config_verify_client(struct tls_config *config)`
    fn tls_config_verify_client(config: Handle) {
        switch(config, |settings| settings.verify_client = VerifyClient::Required);
    }

    /// `void tls_config_verify_client_optional(struct tls_config *config)`
    fn tls_config_verify_client_optional(config: Handle) {
        switch(config, |settings| settings.verify_client = VerifyClient::Optional);
    }

    /// `void tls_config_ocsp_require_stapling(struct tls_config *config)`
    fn tls_config_ocsp_require_stapling(config: Handle) {
        switch(config, |settings| settings.require_staple = true);
    }

    /// `void tls_config_skip_private_key_check(struct tls_config *config)`
    fn tls_config_skip_private_key_check(config: Handle) {
        switch(config, |settings| settings.skip_key_check = true);
    }

    /// `void tls_config_use_fake_private_key(struct tls_config *config)`
    fn tls_config_use_fake_private_key(config: Handle) {
        switch(config, |settings| settings.fake_key = true);
    }
}

/// Changes what cannot fail; a handle that is none is noted for `tls_config_error`.
fn switch(config: Handle, set: impl FnOnce(&mut Settings)) {
    let _ = change(config, |settings| {
        set(settings);
        Ok(())
    });
}
