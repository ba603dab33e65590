//! One TLS connection as a library sees it, without its network.

use std::fmt;
use std::task::Waker;

use zeroize::Zeroizing;

use crate::{Capability, Error, ErrorKind, HandedOver, Negotiated, Result, Wire};

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a call that wants I/O has not happened yet"]
pub enum Progress<T> {
    /// It is done, and this is what it gave.
    Ready(T),
    /// Feed the [`Wire`] bytes from the network, then call again.
    WantRead,
    /// Send the [`Wire`]'s pending bytes, then call again.
    WantWrite,
    /// Wait for the signature of an [`AsyncSigner`](crate::AsyncSigner), then call again.
    WantSignature,
}

/// For authors of a backend: one side of one TLS connection, over a lent [`Wire`].
///
/// Programs use [`Connection`](crate::Connection), which owns the session and keeps the rules
/// below, so that a session need not: whatever is said here to be the caller's duty is checked
/// there once, and a second check in a backend is dead code.
///
/// - Each call lends the same wire. No call blocks.
/// - `read`, `write`, `close` and `buffered` come only after `handshake` was `Ready`; `write` and
///   `close` only before `close` was; `read` only until it gave `Ready(0)`; buffers are not empty.
/// - After an error there is no further call, but `undelivered`, and `read` as long as that gives
///   something. An alert that the error called for has been put on the wire.
/// - The end of the transport is never shown to a session: it returns [`Progress::WantRead`] when
///   the wire is dry, and the caller knows whether more can come.
pub trait Session: fmt::Debug + Send {
    /// Moves the handshake on, as far as the bytes on hand allow. Called again after it was
    /// `Ready`, it is `Ready` again.
    ///
    /// # Errors
    ///
    /// Whatever ends the handshake.
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>>;

    /// Reads plaintext. `Ready(0)` means that the peer sent close_notify.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>>;

    /// Encrypts some of `buf`, up to the wire's [`room`](Wire::room), and says how much, at least
    /// one byte. There is room for one full record when this is called.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>>;

    /// Puts close_notify on the wire. Reading stays possible.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn close(&mut self, wire: &mut Wire) -> Result<Progress<()>>;

    /// How many plaintext bytes [`read`](Self::read) can give without more bytes from the network.
    /// Decrypts the next record that the wire holds if there are none yet.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn buffered(&mut self, wire: &mut Wire) -> Result<usize>;

    /// How many plaintext bytes were decrypted before an error that another call than
    /// [`read`](Self::read) met, and can still be read.
    ///
    /// For libraries that look at incoming records when they write.
    fn undelivered(&self) -> usize {
        0
    }

    /// After [`Progress::WantSignature`]: has `waker` woken once the signature is there, or says that it
    /// is there already.
    fn await_signature(&mut self, _waker: &Waker) -> bool {
        true
    }

    /// Takes new keys for what this side sends, and asks the peer to do the same (RFC 8446 §4.6.3). The
    /// message may wait for the next write. Called in TLS 1.3 only, before [`close`](Self::close).
    ///
    /// # Errors
    ///
    /// Whatever ends the connection; [`ErrorKind::Unsupported`](crate::ErrorKind) if the library cannot.
    fn update_keys(&mut self, _wire: &mut Wire) -> Result<Progress<()>> {
        Err(Error::new(ErrorKind::Unsupported(Capability::KeyUpdate)))
    }

    /// As [`update_keys`](Self::update_keys), without asking the peer to do the same if the library leaves
    /// that open: a peer that sends no data would only pile up answers, and some libraries bear 32.
    ///
    /// # Errors
    ///
    /// As there.
    fn renew_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.update_keys(wire)
    }

    /// Whether the library takes new keys by itself before one has been used too often (RFC 8446 §5.5).
    fn counts_records(&self) -> bool {
        false
    }

    /// Before [`hand_over`](Self::hand_over), when everything that could be read was: puts on the wire what
    /// the library has held back, such as its answer to a key update. `WantRead` if the library has taken
    /// only a part of a record, or of a message of the handshake, which nobody else could go on with.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn settle(&mut self, _wire: &mut Wire) -> Result<Progress<()>> {
        Ok(Progress::Ready(()))
    }

    /// Gives the keys of both directions away, and what has to be done for them later. Called in
    /// established connections of configurations that [may](crate::KernelTls) do so, when
    /// [`settle`](Self::settle) was `Ready`, nothing of what this session has put on the wire is pending,
    /// and the wire has no bytes left that it could take. Afterwards only what a session settled is asked
    /// of it: `negotiated`, `staple`, what it exports.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind) if the library cannot, or not for what was
    /// negotiated, and the session goes on as it was; anything else ends the connection.
    fn hand_over(&mut self) -> Result<HandedOver> {
        Err(Error::new(ErrorKind::Unsupported(Capability::KernelTls)))
    }

    /// Derives keying material for a protocol above (RFC 5705, RFC 8446 §7.5). Called once the handshake
    /// is done, with arguments within the limits of every library. `None` differs from an empty context
    /// in TLS 1.2.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind) if the library cannot.
    fn export_keying_material(
        &self,
        _out: &mut [u8],
        _label: &[u8],
        _context: Option<&[u8]>,
    ) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported(Capability::Exporter)))
    }

    /// The first Finished message of the handshake: the client's, or the server's if a session was
    /// resumed (RFC 5929 §3.1). Called once the handshake is done, and not in TLS 1.3.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind) if the library cannot tell.
    fn tls_unique(&self) -> Result<Vec<u8>> {
        Err(Error::new(ErrorKind::Unsupported(Capability::TlsUnique)))
    }

    /// On a client, before `handshake` is called: puts the ClientHello on the wire if it is not there, and
    /// after it early data out of `buf`, which is not empty; says how much it has taken, and 0 if the
    /// session that is resumed, or that there is none, allows no more. Called only on what
    /// [`session_with_early_data`](crate::Connector::session_with_early_data) gave.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn write_early(&mut self, _wire: &mut Wire, _buf: &[u8]) -> Result<usize> {
        Ok(0)
    }

    /// On a server, after each call of `handshake`: the early data that it has met and that nobody has
    /// taken yet. It is never given by `read`.
    fn take_early(&mut self) -> Zeroizing<Vec<u8>> {
        Zeroizing::default()
    }

    /// Whether the server has taken early data that was offered. Called once the handshake is done.
    fn early_data_accepted(&self) -> bool {
        false
    }

    /// The OCSP response (DER) that the server has stapled, if one was asked for and has come. Called
    /// at any time, also after a failed handshake.
    fn staple(&self) -> Option<Vec<u8>> {
        None
    }

    /// What the handshake settled, but for the backend and its library, which the core adds. Called once it
    /// is done.
    fn negotiated(&self) -> Negotiated;
}
