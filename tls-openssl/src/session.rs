//! An `SSL`, driven over a lent wire.

use std::fmt;
use std::mem;

use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, NameType, Ssl, SslStream, SslVersion};
use tls_core::{
    Capability, CipherSuite, Error, ErrorKind, HandedOver, Negotiated, Progress, Result, Session,
    Sessions, Version, Wire,
};
use tls_libssl::{RECORD, group_of_nid};
use zeroize::Zeroizing;

use crate::error::{backend_error, progress};
use crate::{NAME, ffi, kernel, resumption, verify};

/// Owns an empty wire, and swaps in the lent one for the length of each call.
pub(crate) struct OpensslSession {
    stream: SslStream<Wire>,
    /// What a client sent as SNI.
    server_name: Option<String>,
    /// Where a client keeps what it may resume.
    sessions: Option<Sessions>,
    early: Early,
}

/// What is left to do about early data.
#[derive(Default)]
pub(crate) enum Early {
    #[default]
    Nothing,
    /// A client may still write so much.
    Write(usize),
    /// A server reads what comes before anything else, until there is no more; what it has read.
    Read { more: bool, bytes: Zeroizing<Vec<u8>> },
}

impl OpensslSession {
    pub(crate) fn new(
        ssl: Ssl,
        server_name: Option<String>,
        sessions: Option<Sessions>,
    ) -> Result<Self, ErrorStack> {
        let (stream, early) = (SslStream::new(ssl, Wire::default())?, Early::Nothing);
        Ok(Self { stream, server_name, sessions, early })
    }

    /// The same, of a client that writes early data as its session allows it.
    pub(crate) fn writing_early(mut self) -> Self {
        let session = self.stream.ssl().session();
        self.early = Early::Write(session.map_or(0, |session| session.max_early_data() as usize));
        self
    }

    /// The same, of a server that takes early data.
    pub(crate) fn reading_early(mut self) -> Self {
        self.early = Early::Read { more: true, bytes: Zeroizing::default() };
        self
    }

    /// The handshake, and before it what only then can be read.
    fn advance(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        let mut early = mem::take(&mut self.early);
        let progress = self.with(wire, |stream| {
            if let Early::Read { more, bytes } = &mut early {
                while *more {
                    *more = read_early(stream, bytes)?;
                }
            }
            // In the same breath: OpenSSL may have met an error behind early data, and has not said it.
            stream.do_handshake()
        });
        self.early = early;
        progress
    }

    /// The verify callback lets OpenSSL go on until it has seen everything. Should OpenSSL ever not
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
        call: impl FnOnce(&mut SslStream<Wire>) -> Result<T, openssl::ssl::Error>,
    ) -> Result<Progress<T>> {
        // What other code on this thread has left there would be taken for an error of this call
        // (SSL_get_error(3)).
        let _ = ErrorStack::get();
        let before = wire.pending().len();
        mem::swap(self.stream.get_mut(), wire);
        let result = call(&mut self.stream);
        mem::swap(self.stream.get_mut(), wire);
        if let Some(traffic) = kernel::traffic(self.stream.ssl()) {
            traffic.note_sent(wire.pending().get(before..).unwrap_or_default());
        }
        match result {
            Ok(value) => Ok(Progress::Ready(value)),
            Err(e) => progress(e, self.stream.ssl()),
        }
    }
}

impl Session for OpensslSession {
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        let progress = self.advance(wire);
        if let Some(findings) = verify::findings(self.stream.ssl()) {
            findings.resume_panic();
        }
        let progress = progress?;
        match progress {
            Progress::Ready(()) => {
                self.last_word()?;
                if let Some(sessions) = &self.sessions {
                    resumption::keep_renewed(self.stream.ssl(), sessions);
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
            // OpenSSL takes one record a call.
            while written < buf.len() && (written == 0 || stream.get_ref().room() >= RECORD) {
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
        self.with(wire, |stream| {
            // In the middle of a message, such as a ticket in several records, OpenSSL cannot close.
            if !stream.ssl().is_init_finished() {
                stream.do_handshake()?;
            }
            stream.shutdown().map(drop)
        })
    }

    fn update_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.with(wire, |stream| {
            ffi::update_keys(stream.ssl(), true)?;
            stream.do_handshake()
        })
    }

    fn renew_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.with(wire, |stream| {
            ffi::update_keys(stream.ssl(), false)?;
            stream.do_handshake()
        })
    }

    fn buffered(&mut self, wire: &mut Wire) -> Result<usize> {
        if self.stream.ssl().pending() == 0 {
            // Processes the next record, and leaves its plaintext where it is.
            let _ = self.with(wire, |stream| match stream.ssl_peek(&mut [0]) {
                Err(e) if e.code() == ErrorCode::ZERO_RETURN => Ok(0),
                result => result,
            })?;
        }
        Ok(self.stream.ssl().pending())
    }

    fn settle(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        if ffi::owes_key_update(self.stream.ssl()) {
            match self.renew_keys(wire)? {
                Progress::Ready(()) => {}
                not_yet => return Ok(not_yet),
            }
        }
        let ssl = self.stream.ssl();
        Ok(match ssl.is_init_finished() && !ffi::has_begun_record(ssl) {
            true => Progress::Ready(()),
            false => Progress::WantRead,
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

    fn tls_unique(&self) -> Result<Vec<u8>> {
        let ssl = self.stream.ssl();
        let mut finished = [0; 64];
        // The client's comes first, the server's if a session was resumed.
        let n = match ssl.is_server() == ssl.session_reused() {
            true => ssl.finished(&mut finished),
            false => ssl.peer_finished(&mut finished),
        };
        Ok(finished[..n.min(finished.len())].to_vec())
    }

    fn write_early(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<usize> {
        let Early::Write(left) = self.early else { return Ok(0) };
        let n = buf.len().min(left);
        if n == 0 {
            return Ok(0);
        }
        let written = self.with(wire, |stream| stream.write_early_data(&buf[..n]))?;
        if let Some(findings) = verify::findings(self.stream.ssl()) {
            findings.resume_panic();
        }
        // The wire takes whatever it is given.
        let Progress::Ready(written) = written else { return Ok(0) };
        self.early = Early::Write(left - written);
        Ok(written)
    }

    fn take_early(&mut self) -> Zeroizing<Vec<u8>> {
        match &mut self.early {
            Early::Read { bytes, .. } => mem::take(bytes),
            Early::Nothing | Early::Write(_) => Zeroizing::default(),
        }
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
        let suite = ssl.current_cipher().map(|cipher| u16::from_be_bytes(cipher.protocol_id()));
        negotiated.cipher_suite = suite.map(CipherSuite);
        negotiated.group = group_of_nid(ffi::negotiated_group(ssl));
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

impl fmt::Debug for OpensslSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpensslSession")
            .field("state", &self.stream.ssl().state_string_long())
            .finish_non_exhaustive()
    }
}

/// Reads some early data, and says whether there can be more.
fn read_early(
    stream: &mut SslStream<Wire>,
    bytes: &mut Zeroizing<Vec<u8>>,
) -> Result<bool, openssl::ssl::Error> {
    let mut buf = Zeroizing::new(vec![0; RECORD_PLAIN]);
    let n = stream.read_early_data(&mut buf)?;
    // Grown by hand, so that no copy is left behind.
    let mut longer = Zeroizing::new(Vec::with_capacity(bytes.len() + n));
    longer.extend_from_slice(bytes);
    longer.extend_from_slice(&buf[..n]);
    *bytes = longer;
    Ok(n > 0)
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

fn is_not_yet(e: &openssl::ssl::Error) -> bool {
    matches!(e.code(), ErrorCode::WANT_READ | ErrorCode::WANT_WRITE)
}
