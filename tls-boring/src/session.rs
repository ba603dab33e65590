//! An `SSL`, driven over a lent wire.

use std::io::{self, Read, Write};
use std::task::Waker;
use std::{fmt, mem};

use boring::error::ErrorStack;
use boring::ssl::{ErrorCode, NameType, Ssl, SslStream, SslVersion};
use tls_core::{
    Alert, Capability, CipherSuite, Error, ErrorKind, Group, HandedOver, Negotiated, Progress,
    Result, Session, Version, Wire,
};
use tls_libssl::RECORD;
use zeroize::Zeroizing;

use crate::error::{backend_error, progress};
use crate::{NAME, ffi, kernel, signer, verify};

type Handshake = fn(&mut SslStream<Tapped>) -> Result<(), boring::ssl::Error>;

/// Owns an empty wire, and swaps in the lent one for the length of each call.
pub(crate) struct BoringSession {
    stream: SslStream<Tapped>,
    /// Begins a handshake, or goes on with it.
    handshake: Handshake,
    /// What a client sent as SNI.
    server_name: Option<String>,
    /// Early data that a server has read, and that nobody has taken yet.
    early: Zeroizing<Vec<u8>>,
}

impl BoringSession {
    pub(crate) fn client(ssl: Ssl, server_name: Option<String>) -> Result<Self, ErrorStack> {
        let stream = SslStream::new(ssl, Tapped::default())?;
        let early = Zeroizing::default();
        Ok(Self { stream, handshake: SslStream::connect, server_name, early })
    }

    pub(crate) fn server(ssl: Ssl) -> Result<Self, ErrorStack> {
        let stream = SslStream::new(ssl, Tapped::default())?;
        let early = Zeroizing::default();
        Ok(Self { stream, handshake: SslStream::accept, server_name: None, early })
    }

    /// One step of the handshake. Where there is early data, BoringSSL says that it is ready before it is.
    fn advance(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        let handshake = self.handshake;
        self.with(wire, |stream| {
            handshake(stream).or_else(|e| match ffi::reset_early_data(stream.ssl_mut(), &e) {
                true => handshake(stream),
                false => Err(e),
            })
        })
    }

    /// Reads early data, as long as there is some. What comes out of the same function after it is left
    /// where it is.
    fn read_early(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        let mut buf = Zeroizing::new(vec![0; RECORD_PLAIN]);
        loop {
            let _ = self.with(wire, |stream| ffi::peek(stream.ssl_mut()))?;
            let ssl = self.stream.ssl();
            if !ffi::in_early_data(ssl) {
                return Ok(Progress::Ready(()));
            }
            if ssl.pending() == 0 {
                return Ok(Progress::WantRead);
            }
            if let Progress::Ready(n) = self.with(wire, |stream| stream.ssl_read(&mut buf))? {
                // Grown by hand, so that no copy is left behind.
                let mut longer = Zeroizing::new(Vec::with_capacity(self.early.len() + n));
                longer.extend_from_slice(&self.early);
                longer.extend_from_slice(&buf[..n]);
                self.early = longer;
            }
        }
    }

    /// The handshake, with early data that comes in its middle.
    fn finish(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        loop {
            let progress = self.advance(wire)?;
            if progress != Progress::Ready(()) || !ffi::in_early_data(self.stream.ssl()) {
                return Ok(progress);
            }
            if self.stream.ssl().is_server() && self.read_early(wire)? == Progress::WantRead {
                return Ok(Progress::WantRead);
            }
        }
    }

    /// The verify callback lets BoringSSL go on until it has seen everything. Should BoringSSL ever not
    /// come back for the verdict, or not ask for one, this is it.
    fn last_word(&self) -> Result<()> {
        let ssl = self.stream.ssl();
        let presented =
            !ssl.session_reused() && (!ssl.is_server() || ssl.peer_certificate().is_some());
        match verify::findings(ssl).and_then(|findings| findings.last_word(presented)) {
            None => Ok(()),
            Some(why) => {
                let why = ErrorKind::Certificate(why);
                Err(Error::from_backend(why, NAME, "noticed after the handshake"))
            }
        }
    }

    fn with<T>(
        &mut self,
        wire: &mut Wire,
        call: impl FnOnce(&mut SslStream<Tapped>) -> Result<T, boring::ssl::Error>,
    ) -> Result<Progress<T>> {
        // What other code on this thread has left there would be taken for an error of this call
        // (SSL_get_error(3)).
        let _ = ErrorStack::get();
        mem::swap(&mut self.stream.get_mut().wire, wire);
        let result = call(&mut self.stream);
        mem::swap(&mut self.stream.get_mut().wire, wire);
        match result {
            Ok(value) => Ok(Progress::Ready(value)),
            Err(e) => progress(e, self.stream.ssl(), self.stream.get_ref().alert()),
        }
    }
}

impl Session for BoringSession {
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        let before = wire.pending().len();
        let progress = self.finish(wire);
        if let Some(findings) = verify::findings(self.stream.ssl()) {
            findings.resume_panic();
        }
        let progress = progress.inspect_err(|e| {
            // What BoringSSL takes for something else than an alert it answers (RFC 8446 §6.2).
            if matches!(e.kind(), ErrorKind::AlertReceived(_)) {
                let kept = wire.pending()[..before].to_vec();
                wire.sent(wire.pending().len());
                let _ = wire.write(&kept); // into memory
            }
        })?;
        match progress {
            Progress::Ready(()) => {
                self.last_word()?;
                if self.stream.ssl().is_server() {
                    // Tickets, which BoringSSL keeps back until it writes.
                    let _ = self.with(wire, |stream| {
                        ffi::flush(stream.ssl_mut());
                        Ok(())
                    })?;
                }
            }
            Progress::WantRead | Progress::WantWrite | Progress::WantSignature => {}
        }
        Ok(progress)
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        self.with(wire, |stream| match stream.ssl_read(buf) {
            Err(e) if e.code() == ErrorCode::ZERO_RETURN => Ok(0),
            result => result,
        })
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        self.with(wire, |stream| {
            let mut written = 0;
            // BoringSSL takes one record a call.
            while written < buf.len() && (written == 0 || stream.get_ref().wire.room() >= RECORD) {
                written += match stream.ssl_write(&buf[written..]) {
                    // What was taken is taken; the rest has to wait.
                    Err(e) if written > 0 && is_not_yet(&e) => break,
                    result => result?,
                };
            }
            Ok(written)
        })
    }

    fn close(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.with(wire, |stream| stream.shutdown().map(drop))
    }

    fn update_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.with(wire, |stream| ffi::update_keys(stream.ssl_mut(), true).map_err(Into::into))
    }

    fn renew_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.with(wire, |stream| ffi::update_keys(stream.ssl_mut(), false).map_err(Into::into))
    }

    fn buffered(&mut self, wire: &mut Wire) -> Result<usize> {
        if self.stream.ssl().pending() == 0 {
            // Processes the next record, and leaves its plaintext where it is.
            let _ = self.with(wire, |stream| ffi::peek(stream.ssl_mut()))?;
        }
        Ok(self.stream.ssl().pending())
    }

    fn settle(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        // An answer to a key update, which BoringSSL keeps back until it writes.
        let _ = self.with(wire, |stream| {
            ffi::flush(stream.ssl_mut());
            Ok(())
        })?;
        Ok(match ffi::has_begun_record(self.stream.ssl()) {
            true => Progress::WantRead,
            false => Progress::Ready(()),
        })
    }

    fn hand_over(&mut self) -> Result<HandedOver> {
        let ssl = self.stream.ssl();
        let version = ssl.version2().and_then(version);
        version
            .and_then(|version| kernel::hand_over(ssl, version))
            .ok_or_else(|| Error::new(ErrorKind::Unsupported(Capability::KernelTls)))
    }

    fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<()> {
        let label = String::from_utf8_lossy(label); // the core lets only ASCII through
        let exported = self.stream.ssl().export_keying_material(out, &label, context);
        exported.map_err(backend_error)
    }

    fn await_signature(&mut self, waker: &Waker) -> bool {
        signer::wake(self.stream.ssl(), waker)
    }

    fn tls_unique(&self) -> Result<Vec<u8>> {
        ffi::tls_unique(self.stream.ssl()).ok_or_else(|| {
            let why = "tls-unique of what was resumed needs the extended master secret";
            Error::new(ErrorKind::Misuse).because(why)
        })
    }

    fn write_early(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<usize> {
        // Once it is there, another step would wait for the server.
        if !ffi::in_early_data(self.stream.ssl()) {
            let begun = self.advance(wire)?;
            if begun != Progress::Ready(()) || !ffi::in_early_data(self.stream.ssl()) {
                return Ok(0);
            }
        }
        // It writes no more than the session allows, and then says that it wants to read.
        Ok(match self.with(wire, |stream| stream.ssl_write(buf))? {
            Progress::Ready(written) => written,
            Progress::WantRead | Progress::WantWrite | Progress::WantSignature => 0,
        })
    }

    fn take_early(&mut self) -> Zeroizing<Vec<u8>> {
        mem::take(&mut self.early)
    }

    fn early_data_accepted(&self) -> bool {
        ffi::early_data_accepted(self.stream.ssl())
    }

    fn staple(&self) -> Option<Vec<u8>> {
        verify::staple(self.stream.ssl()).map(Into::into)
    }

    fn negotiated(&self) -> Negotiated {
        let ssl = self.stream.ssl();
        let mut negotiated = Negotiated::default();
        negotiated.version = ssl.version2().and_then(version);
        negotiated.cipher_suite =
            ssl.current_cipher().map(|cipher| CipherSuite(cipher.protocol_id()));
        negotiated.group = ssl.curve().map(Group);
        let scheme = verify::findings(ssl).and_then(|findings| findings.signature_scheme());
        negotiated.signature_scheme = scheme;
        negotiated.alpn = ssl.selected_alpn_protocol().map(Into::into);
        let asked_for = ssl.servername(NameType::HOST_NAME).filter(|_| ssl.is_server());
        negotiated.server_name = self.server_name.clone().or(asked_for.map(Into::into));
        negotiated.peer_chain = verify::sent(ssl);
        let presented =
            ssl.is_server() || verify::findings(ssl).is_some_and(|findings| findings.requested());
        let own = ssl.certificate().filter(|_| presented).and_then(|own| own.to_der().ok());
        negotiated.local_certificate = own.map(Into::into);
        negotiated.extended_master_secret = Some(ffi::has_extended_master_secret(ssl));
        negotiated.staple = self.staple();
        negotiated.resumed = Some(ssl.session_reused());
        negotiated
    }
}

/// The lent wire, and the last bytes that BoringSSL has read from it.
#[derive(Debug, Default)]
struct Tapped {
    wire: Wire,
    last: [u8; 7],
}

impl Tapped {
    /// The alert that was read last, if it came in clear (RFC 8446 §5.1, §6).
    fn alert(&self) -> Option<Alert> {
        match self.last {
            [21, 3, _, 0, 2, _level, alert] => Some(Alert(alert)),
            _ => None,
        }
    }
}

impl Read for Tapped {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.wire.read(buf)?;
        let new = n.min(self.last.len());
        self.last.rotate_left(new);
        let at = self.last.len() - new;
        self.last[at..].copy_from_slice(&buf[n - new..n]);
        Ok(n)
    }
}

impl Write for Tapped {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.wire.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for BoringSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoringSession")
            .field("state", &self.stream.ssl().state_string_long())
            .finish_non_exhaustive()
    }
}

/// The most plaintext in one record (RFC 8446 §5.1).
const RECORD_PLAIN: usize = 16_384;

fn version(version: SslVersion) -> Option<Version> {
    match version {
        SslVersion::TLS1_2 => Some(Version::Tls12),
        SslVersion::TLS1_3 => Some(Version::Tls13),
        _ => None,
    }
}

fn is_not_yet(e: &boring::ssl::Error) -> bool {
    matches!(e.code(), ErrorCode::WANT_READ | ErrorCode::WANT_WRITE)
}
