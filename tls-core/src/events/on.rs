//! A span for each connection, and what happens in it. Names and fields are a promise: they stand in the
//! manual, in `events`.

use std::time::Instant;

use tracing::{Level, Span, debug, debug_span, enabled, field};

use super::By;
use crate::{Alert, Error, ErrorKind, Negotiated, Wire};

/// No secrets, no data, and no certificates: kinds, numbers and names of the protocol's.
#[derive(Debug)]
pub(crate) struct Events {
    span: Span,
    backend: &'static str,
    /// Nothing before the handshake has begun.
    begun: Option<Instant>,
    /// Nothing happens to the numbers below once it has ended.
    ended: bool,
    received: u64,
    sent: u64,
    round_trips: u32,
    /// Something was sent, and nothing has come since.
    awaits: bool,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            span: Span::none(),
            backend: "",
            begun: None,
            ended: false,
            received: 0,
            sent: 0,
            round_trips: 0,
            awaits: false,
        }
    }
}

impl Events {
    /// Called as often as anybody likes.
    pub(crate) fn begin(&mut self, side: &'static str) {
        if self.begun.is_none() {
            self.begun = Some(Instant::now());
            self.span = debug_span!(target: TARGET, "connection", side, backend = field::Empty);
            self.record_backend();
            debug!(target: TARGET, parent: &self.span, "handshake started");
        }
    }

    /// A server that waits to be chosen learns it late.
    pub(crate) fn backend(&mut self, name: &'static str) {
        self.backend = name;
        self.record_backend();
    }

    /// A call has been made; `before` so many bytes were pending.
    pub(crate) fn moved(&mut self, wire: &Wire, before: usize) {
        if self.ended {
            return;
        }
        if wire.received() > self.received {
            self.round_trips += u32::from(self.awaits);
            self.awaits = false;
            self.received = wire.received();
        }
        let mut new = wire.pending().get(before..).unwrap_or_default();
        self.sent += new.len() as u64;
        while let [kind, _, _, high, low, rest @ ..] = new {
            // That one goes out by itself, and nobody answers it (RFC 8446 §D.4).
            self.awaits |= *kind != CHANGE_CIPHER_SPEC;
            new = rest.get(usize::from(u16::from_be_bytes([*high, *low]))..).unwrap_or_default();
        }
    }

    pub(crate) fn finished(&mut self, facts: impl FnOnce() -> Negotiated) {
        self.ended = true;
        if !enabled!(target: TARGET, Level::DEBUG) {
            return;
        }
        let facts = facts();
        debug!(
            target: TARGET,
            parent: &self.span,
            version = facts.version.map(field::display),
            cipher_suite = facts.cipher_suite.map(field::display),
            group = facts.group.map(field::display),
            resumed = facts.resumed,
            duration_us = self.duration_us(),
            bytes_received = self.received,
            bytes_sent = self.sent,
            round_trips = self.round_trips,
            "handshake finished"
        );
        if facts.resumed == Some(true) {
            debug!(target: TARGET, parent: &self.span, "session resumed");
        }
    }

    pub(crate) fn failed(&mut self, why: &Error) {
        if let ErrorKind::AlertReceived(alert) = why.kind() {
            debug!(target: TARGET, parent: &self.span, alert = %alert, "alert received");
        }
        let kind = why.kind().name();
        match self.ended {
            true => {
                debug!(target: TARGET, parent: &self.span, kind = &*kind, "connection failed");
            }
            false => debug!(
                target: TARGET,
                parent: &self.span,
                kind = &*kind,
                duration_us = self.duration_us(),
                bytes_received = self.received,
                bytes_sent = self.sent,
                round_trips = self.round_trips,
                "handshake failed"
            ),
        }
        self.ended = true;
    }

    /// What a call has put on the wire that failed: the last record, if there is one, is an alert.
    pub(crate) fn alert_sent(&self, mut new: &[u8]) {
        let mut last = None;
        while let [kind, _, _, high, low, rest @ ..] = new {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            last = Some((*kind, rest.get(..length).unwrap_or_default()));
            new = rest.get(length..).unwrap_or_default();
        }
        match last {
            Some((ALERT, &[_level, alert])) => {
                debug!(target: TARGET, parent: &self.span, alert = %Alert(alert), "alert sent");
            }
            Some((ALERT | APPLICATION_DATA, _)) => {
                debug!(target: TARGET, parent: &self.span, "alert sent");
            }
            Some(_) | None => {}
        }
    }

    pub(crate) fn keys_updated(&self, by: By) {
        let by = match by {
            By::Limit => "limit",
            By::Program => "program",
        };
        debug!(target: TARGET, parent: &self.span, by, "keys updated");
    }

    pub(crate) fn close_sent(&self) {
        debug!(target: TARGET, parent: &self.span, "close sent");
    }

    pub(crate) fn close_received(&self) {
        debug!(target: TARGET, parent: &self.span, "close received");
    }

    pub(crate) fn ended_without_close(&self) {
        debug!(target: TARGET, parent: &self.span, "ended without close");
    }

    fn record_backend(&self) {
        if !self.backend.is_empty() {
            self.span.record("backend", self.backend);
        }
    }

    fn duration_us(&self) -> u64 {
        let elapsed = self.begun.map_or_else(Default::default, |begun| begun.elapsed());
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }
}

/// What all of it is filtered by.
const TARGET: &str = "polytls";

// Content types (RFC 8446 §5.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
/// In TLS 1.3 the outer one of everything that is encrypted.
const APPLICATION_DATA: u8 = 23;
