//! A connection: its handshake, its data, and what was negotiated.

use std::ffi::c_int;

use super::{Buffer, Bytes, Handle, OutText, Returned};
use crate::libtls::context::{on, operate};
use crate::libtls::error::Fault;
use crate::libtls::peer::{Peer, borrowed};

exports! {
    /// `int tls_handshake(struct tls *ctx)`
    fn tls_handshake(tls: Handle) -> c_int {
        operate(tls, |state| state.connected()?.handshake()) as c_int
    }

    /// `ssize_t tls_read(struct tls *ctx, void *buf, size_t buflen)`
    fn tls_read(tls: Handle, buf: Buffer, length: usize) -> isize {
        let mut buf = buf;
        operate(tls, |state| {
            let live = state.connected()?;
            let buf = match length {
                0 => Some(&mut [][..]),
                _ => buf.get(allowed(length)?),
            };
            live.read(buf.ok_or_else(|| Fault::argument("no buffer provided"))?)
        })
    }

    /// `ssize_t tls_write(struct tls *ctx, const void *buf, size_t buflen)`
    fn tls_write(tls: Handle, buf: Bytes, length: usize) -> isize {
        operate(tls, |state| {
            let live = state.connected()?;
            let buf = match length {
                0 => Some(&[][..]),
                _ => buf.get(allowed(length)?),
            };
            live.write(buf.ok_or_else(|| Fault::argument("no buffer provided"))?)
        })
    }

    /// `int tls_close(struct tls *ctx)`
    fn tls_close(tls: Handle) -> c_int {
        operate(tls, |state| match &mut state.live {
            Some(live) => live.close(),
            None => Ok(0),
        }) as c_int
    }

    /// `const char *tls_conn_alpn_selected(struct tls *ctx)`
    fn tls_conn_alpn_selected(tls: Handle) -> OutText {
        told(tls, |peer| OutText::of(borrowed(&peer.alpn)))
    }

    /// `const char *tls_conn_cipher(struct tls *ctx)`
    fn tls_conn_cipher(tls: Handle) -> OutText {
        told(tls, |peer| OutText::of(borrowed(&peer.cipher)))
    }

    /// `int tls_conn_cipher_strength(struct tls *ctx)`
    fn tls_conn_cipher_strength(tls: Handle) -> c_int {
        told_or(tls, 0, |peer| peer.strength)
    }

    /// `const char *tls_conn_servername(struct tls *ctx)`
    fn tls_conn_servername(tls: Handle) -> OutText {
        told(tls, |peer| OutText::of(borrowed(&peer.server_name)))
    }

    /// `int tls_conn_session_resumed(struct tls *ctx)`
    fn tls_conn_session_resumed(tls: Handle) -> c_int {
        told_or(tls, 0, |peer| c_int::from(peer.resumed))
    }

    /// `const char *tls_conn_version(struct tls *ctx)`
    fn tls_conn_version(tls: Handle) -> OutText {
        told(tls, |peer| OutText::of(borrowed(&peer.version)))
    }
}

fn allowed(length: usize) -> Result<usize, Fault> {
    match c_int::try_from(length) {
        Ok(_) => Ok(length),
        Err(_) => Err(Fault::argument("buflen too long")),
    }
}

/// What is known once the handshake is done.
pub(super) fn told_or<R>(tls: Handle, otherwise: R, tell: impl FnOnce(&Peer) -> R) -> R {
    let told =
        on(tls, |_, state| Ok(state.live.as_ref().and_then(|live| live.peer.as_ref()).map(tell)));
    told.flatten().unwrap_or(otherwise)
}

fn told<R: Returned>(tls: Handle, tell: impl FnOnce(&Peer) -> R) -> R {
    told_or(tls, R::FAILURE, tell)
}
