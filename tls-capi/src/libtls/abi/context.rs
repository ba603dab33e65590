//! Contexts: their life, and how connections begin.

use std::ffi::c_int;

use super::{Argument, Handle, Out, OutText, ReadCallback, Text, WriteCallback};
use crate::libtls::context::{self, Role};
use crate::libtls::error::homeless_text;

exports! {
    /// `struct tls *tls_client(void)`
    fn tls_client() -> Handle {
        context::new(Role::Client)
    }

    /// `struct tls *tls_server(void)`
    fn tls_server() -> Handle {
        context::new(Role::Server)
    }

    /// `int tls_configure(struct tls *ctx, struct tls_config *config)`
    fn tls_configure(tls: Handle, config: Handle) -> c_int {
        context::configure(tls, config)
    }

    /// `void tls_reset(struct tls *ctx)`
    fn tls_reset(tls: Handle) {
        context::reset(tls);
    }

    /// `void tls_free(struct tls *ctx)`
    fn tls_free(tls: Handle) {
        context::free(tls);
    }

    /// `const char *tls_error(struct tls *ctx)`
    fn tls_error(tls: Handle) -> OutText {
        context::find(tls).map_or_else(|_| homeless_text(), |context| context.error.text())
    }

    /// `int tls_error_code(struct tls *ctx)`
    fn tls_error_code(tls: Handle) -> c_int {
        context::code(tls)
    }

    /// `int tls_connect(struct tls *ctx, const char *host, const char *port)`
    fn tls_connect(tls: Handle, host: Text, port: Text) -> c_int {
        context::dial(tls, host.get(), port.get(), None)
    }

    /// `int tls_connect_servername(struct tls *ctx, const char *host, const char *port,
    /// const char *servername)`
    fn tls_connect_servername(tls: Handle, host: Text, port: Text, servername: Text) -> c_int {
        context::dial(tls, host.get(), port.get(), servername.get())
    }

    /// `int tls_connect_fds(struct tls *ctx, int fd_read, int fd_write, const char *servername)`
    fn tls_connect_fds(tls: Handle, read: c_int, write: c_int, servername: Text) -> c_int {
        context::connect(tls, servername.get(), || context::descriptors(read, write))
    }

    /// `int tls_connect_socket(struct tls *ctx, int s, const char *servername)`
    fn tls_connect_socket(tls: Handle, socket: c_int, servername: Text) -> c_int {
        context::connect(tls, servername.get(), || context::descriptors(socket, socket))
    }

    /// `int tls_connect_cbs(struct tls *ctx, tls_read_cb read_cb, tls_write_cb write_cb, void *cb_arg,
    /// const char *servername)`
    fn tls_connect_cbs(
        tls: Handle,
        read: Option<ReadCallback>,
        write: Option<WriteCallback>,
        argument: Argument,
        servername: Text,
    ) -> c_int {
        context::connect(tls, servername.get(), || context::callbacks(tls, read, write, argument))
    }

    /// `int tls_accept_fds(struct tls *ctx, struct tls **cctx, int fd_read, int fd_write)`
    fn tls_accept_fds(tls: Handle, accepted: Out<Handle>, read: c_int, write: c_int) -> c_int {
        give(accepted, || context::accept(tls, |_| context::descriptors(read, write)))
    }

    /// `int tls_accept_socket(struct tls *ctx, struct tls **cctx, int s)`
    fn tls_accept_socket(tls: Handle, accepted: Out<Handle>, socket: c_int) -> c_int {
        give(accepted, || context::accept(tls, |_| context::descriptors(socket, socket)))
    }

    /// `int tls_accept_cbs(struct tls *ctx, struct tls **cctx, tls_read_cb read_cb,
    /// tls_write_cb write_cb, void *cb_arg)`
    fn tls_accept_cbs(
        tls: Handle,
        accepted: Out<Handle>,
        read: Option<ReadCallback>,
        write: Option<WriteCallback>,
        argument: Argument,
    ) -> c_int {
        give(accepted, || {
            context::accept(tls, |own| context::callbacks(own, read, write, argument))
        })
    }
}

/// Puts what was accepted where C wants it, or NULL.
fn give(mut accepted: Out<Handle>, accept: impl FnOnce() -> Option<Handle>) -> c_int {
    accepted.set(Handle::NULL);
    if accepted.is_null() {
        return -1;
    }
    match accept() {
        Some(handle) => {
            accepted.set(handle);
            0
        }
        None => -1,
    }
}
