//! One connection: handshake, reading, writing and closing as libtls has them.

use std::task::{Context as Waiting, Poll, Waker};

use polytls::{CertificateError, Error, ErrorKind, Server, ServerName, Stream};

use super::client::Prepared;
use super::context::Demands;
use super::error::{Fault, Outcome, certificate_words, words};
use super::link::{Link, Want};
use super::ocsp::Ocsp;
use super::peer::Peer;
use super::session::InMemory;
use super::settings::Settings;

/// No call takes more than fits in one record (RFC 8446 §5.1).
const MOST_WRITTEN: usize = 1 << 14;

/// A connection that has been begun.
pub(super) struct Live {
    stream: Stream<Link>,
    demands: Demands,
    /// What a client was told to reach.
    name: Option<String>,
    /// How much of the last write was taken while the transport took no more of it.
    taken: Option<usize>,
    in_memory: Option<InMemory>,
    /// What the handshake has settled, once it is done.
    pub(super) peer: Option<Peer>,
    pub(super) ocsp: Ocsp,
    is_client: bool,
    refused: Option<Fault>,
}

/// The name of a server that has none. It is neither sent nor checked.
const NAMELESS: &str = "nameless.invalid";

impl Live {
    pub(super) fn client(
        prepared: &Prepared,
        name: Option<&str>,
        link: Link,
        demands: Demands,
        settings: &Settings,
    ) -> Outcome<Self> {
        let server = ServerName::parse(name.unwrap_or(NAMELESS));
        let server = server.map_err(|e| Fault::of("server name indication failure", &e))?;
        let stream = prepared.client.connect(server, link);
        let stream = stream.map_err(|e| Fault::of("failed to set up a connection", &e))?;
        let mut live = Self::new(stream, demands, true);
        live.name = name.map(str::to_owned);
        live.in_memory = prepared.in_memory.clone();
        live.ocsp = Ocsp::of_client(settings);
        Ok(live)
    }

    pub(super) fn server(server: &Server, link: Link, demands: Demands) -> Outcome<Self> {
        let stream = server.accept(link).map_err(|e| Fault::of("ssl failure", &e))?;
        Ok(Self::new(stream, demands, false))
    }

    fn new(stream: Stream<Link>, demands: Demands, is_client: bool) -> Self {
        Self {
            stream,
            demands,
            name: None,
            taken: None,
            in_memory: None,
            peer: None,
            ocsp: Ocsp::default(),
            is_client,
            refused: None,
        }
    }

    /// `tls_handshake`.
    pub(super) fn handshake(&mut self) -> Outcome<isize> {
        if self.peer.is_some() {
            return Err(Fault::context("handshake already completed"));
        }
        self.establish().map(|want| want.map_or(0, |want| want as isize))
    }

    /// Finishes the handshake, unless that has been done.
    fn establish(&mut self) -> Outcome<Option<Want>> {
        if let Some(fault) = &self.refused {
            return Err(fault.clone());
        }
        if self.peer.is_some() {
            return Ok(None);
        }
        match self.stream.poll_handshake(&mut Waiting::from_waker(Waker::noop())) {
            Poll::Pending => Ok(Some(match self.stream.wants_write() {
                true => self.stream.transport().write_wants,
                false => self.stream.transport().read_wants,
            })),
            Poll::Ready(Err(e)) => Err(self.explain("handshake", &e)),
            Poll::Ready(Ok(())) => self.established().map(|()| None),
        }
    }

    fn established(&mut self) -> Outcome<()> {
        let negotiated = self.stream.negotiated();
        let negotiated = negotiated.ok_or_else(|| Fault::new("handshake failed"))?;
        let fault = match (negotiated.peer_chain.is_empty(), self.stream.staple().is_none()) {
            (true, _) if self.demands.certificate => {
                Some("handshake failed: peer did not return a certificate")
            }
            (_, true) if self.demands.staple => Some("no stapled OCSP response provided"),
            _ => None,
        };
        if let Some(fault) = fault {
            // Only where nothing is verified: the backend has seen to the rest.
            let fault = Fault::new(fault);
            self.refused = Some(fault.clone());
            return Err(fault);
        }
        if self.is_client {
            self.ocsp.set_peer(&negotiated);
            if let Some(staple) = self.stream.staple().filter(|_| self.demands.looks_at_staples) {
                self.ocsp.take_staple(&staple);
            }
        }
        if let Some(sessions) = &self.in_memory {
            sessions.note();
        }
        self.peer = Some(Peer::new(&negotiated, self.name.as_deref()));
        Ok(())
    }

    /// `tls_read`.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> Outcome<isize> {
        if let Some(want) = self.establish()? {
            return Ok(want as isize);
        }
        match self.stream.poll_read(&mut Waiting::from_waker(Waker::noop()), buf) {
            Poll::Ready(Ok(n)) => Ok(n as isize),
            Poll::Ready(Err(e)) => Err(self.explain("read", &e)),
            Poll::Pending => Ok(self.stream.transport().read_wants as isize),
        }
    }

    /// `tls_write`. What it says is written has been given to the transport, all of it.
    pub(super) fn write(&mut self, buf: &[u8]) -> Outcome<isize> {
        if let Some(want) = self.establish()? {
            return Ok(want as isize);
        }
        let mut waiting = Waiting::from_waker(Waker::noop());
        let taken = match self.taken {
            Some(taken) => taken,
            None => match self.stream.poll_write(&mut waiting, &buf[..buf.len().min(MOST_WRITTEN)])
            {
                Poll::Ready(Ok(n)) => n,
                Poll::Ready(Err(e)) => return Err(self.explain("write", &e)),
                Poll::Pending => return Ok(self.stream.transport().write_wants as isize),
            },
        };
        if buf.len() < taken {
            // The record has been made of what was there.
            return Err(Fault::argument("write failed: bad length"));
        }
        match self.stream.poll_flush(&mut waiting) {
            Poll::Ready(Ok(())) => {
                self.taken = None;
                Ok(taken as isize)
            }
            Poll::Ready(Err(e)) => Err(self.explain("write", &e)),
            Poll::Pending => {
                self.taken = Some(taken);
                Ok(self.stream.transport().write_wants as isize)
            }
        }
    }

    /// `tls_close`.
    pub(super) fn close(&mut self) -> Outcome<isize> {
        if !self.stream.is_established() {
            self.stream.transport_mut().close();
            return Ok(0);
        }
        match self.stream.poll_close_notify(&mut Waiting::from_waker(Waker::noop())) {
            Poll::Pending => return Ok(self.stream.transport().write_wants as isize),
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(e)) => {
                self.stream.transport_mut().close();
                return Err(self.explain("shutdown", &e));
            }
        }
        self.stream.transport_mut().close();
        match self.stream.ended_without_close() {
            true => Err(Fault::new("EOF without close notify")),
            false => Ok(0),
        }
    }

    /// An error in libtls' words.
    fn explain(&mut self, what: &str, e: &Error) -> Fault {
        match e.kind() {
            ErrorKind::Certificate(why) if self.is_client => self.explain_certificate(why),
            ErrorKind::Certificate(why) => {
                let words = certificate_words(why);
                Fault::new(format!("certificate verification failed: {words}"))
            }
            ErrorKind::UnexpectedEof => Fault::new(format!("{what} failed: unexpected EOF")),
            ErrorKind::NoPeerCertificate => {
                Fault::new(format!("{what} failed: peer did not return a certificate"))
            }
            _ => Fault::new(format!("{what} failed: {}", words(e))),
        }
    }

    fn explain_certificate(&mut self, why: CertificateError) -> Fault {
        let staple = self.stream.staple();
        match (why, staple) {
            (CertificateError::NameMismatch, _) => {
                let name = self.name.as_deref().unwrap_or_default();
                Fault::new(format!("name `{name}' not present in server certificate"))
            }
            (CertificateError::StapleMissing, _) => Fault::new("no stapled OCSP response provided"),
            (CertificateError::StapleInvalid, Some(staple)) => self.ocsp.disbelieve(&staple),
            (CertificateError::StapleInvalid, None) => Fault::new("ocsp verify failed"),
            (CertificateError::Revoked, Some(staple)) => match self.ocsp.take_refusal(&staple) {
                Some(fault) => fault,
                None => plain(why),
            },
            _ => plain(why),
        }
    }
}

fn plain(why: CertificateError) -> Fault {
    Fault::new(format!("certificate verification failed: {}", certificate_words(why)))
}
