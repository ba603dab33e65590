//! Sessions: where a client keeps them, and how a server's tickets are made.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::crypto::CryptoProvider;
use rustls::crypto::SecureRandom;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, Iv, OutboundChunks, OutboundPlainMessage, Tls13AeadAlgorithm,
};
use rustls::server::{ProducesTickets, StoresServerSessions};
use rustls::{CipherSuite, ContentType, NamedGroup, ProtocolVersion};
use tls_core::pki_types::ServerName;
use tls_core::{MemoryStore, TicketKey, TicketKeys};
use zeroize::Zeroizing;

use crate::aside;

/// The sessions of a client. rustls gives them as values that only it can look into, so they cannot be
/// kept as bytes.
pub(crate) struct ClientSessions {
    servers: usize,
    kept: Mutex<Kept>,
}

/// A server, and the port that the connection at hand is with.
type Key = (ServerName<'static>, Option<u16>);

#[derive(Default)]
struct Kept {
    servers: HashMap<Key, OfServer>,
    /// Who came last is at the back.
    order: VecDeque<Key>,
}

#[derive(Default)]
struct OfServer {
    group: Option<NamedGroup>,
    tls12: Option<Tls12ClientSessionValue>,
    tls13: VecDeque<Tls13ClientSessionValue>,
}

impl ClientSessions {
    pub(crate) fn new(servers: usize) -> Self {
        Self { servers, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, name: ServerName<'static>, update: impl FnOnce(&mut OfServer)) {
        if self.servers == 0 {
            return;
        }
        let key = (name, aside::port());
        let mut kept = self.kept();
        kept.order.retain(|known| *known != key);
        kept.order.push_back(key.clone());
        update(kept.servers.entry(key).or_default());
        if kept.order.len() > self.servers {
            if let Some(oldest) = kept.order.pop_front() {
                kept.servers.remove(&oldest);
            }
        }
    }

    fn ask<T>(
        &self,
        name: &ServerName<'_>,
        ask: impl FnOnce(&mut OfServer) -> Option<T>,
    ) -> Option<T> {
        self.kept().servers.get_mut(&(name.to_owned(), aside::port())).and_then(ask)
    }
}

impl ClientSessionStore for ClientSessions {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.update(name, |known| known.group = Some(group));
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.ask(name, |known| known.group)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, session: Tls12ClientSessionValue) {
        self.update(name, |known| known.tls12 = Some(session));
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.ask(name, |known| known.tls12.clone())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.ask(name, |known| known.tls12.take());
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.update(name, |known| {
            known.tls13.push_back(ticket);
            if known.tls13.len() > MemoryStore::PER_SERVER {
                known.tls13.pop_front();
            }
        });
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.ask(name, |known| known.tls13.pop_back())
    }
}

impl fmt::Debug for ClientSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSessions").field("servers", &self.servers).finish_non_exhaustive()
    }
}

/// Tickets under the core's keys: `name, nonce, AES-256-GCM of context, time and session`, made with the
/// cryptography of the provider. Whatever the provider, the same keys read them.
///
/// rustls leaves it to the keys to put an end to a session; given keys may stay for longer.
pub(crate) struct Tickets {
    keys: TicketKeys,
    /// What a session is bound to.
    context: [u8; 32],
    aead: &'static dyn Tls13AeadAlgorithm,
    random: &'static dyn SecureRandom,
}

impl Tickets {
    /// `None` if the provider lacks the cipher.
    pub(crate) fn new(
        keys: TicketKeys,
        context: [u8; 32],
        provider: &CryptoProvider,
    ) -> Option<Self> {
        Some(Self { keys, context, aead: aead(provider)?, random: provider.secure_random })
    }

    fn seal(&self, key: &TicketKey, session: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE];
        self.random.fill(&mut nonce).ok()?;
        let plain = Zeroizing::new([&self.context, &now().to_be_bytes()[..], session].concat());
        let message = OutboundPlainMessage {
            typ: ContentType::ApplicationData,
            version: ProtocolVersion::TLSv1_3,
            payload: OutboundChunks::Single(&plain),
        };
        let mut sealing = self.aead.encrypter(AeadKey::from(*key.cipher_key()), Iv::from(nonce));
        let sealed = sealing.encrypt(message, 0).ok()?.encode();
        // It comes as a record, whose header says nothing here.
        Some([&key.name()[..], &nonce, sealed.get(HEADER..)?].concat())
    }

    fn open(&self, key: &TicketKey, nonce: [u8; NONCE], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = sealed.to_vec();
        let message = InboundOpaqueMessage::new(
            ContentType::ApplicationData,
            ProtocolVersion::TLSv1_2,
            &mut sealed,
        );
        let mut opening = self.aead.decrypter(AeadKey::from(*key.cipher_key()), Iv::from(nonce));
        let opened = opening.decrypt(message, 0).ok()?;
        let bound = opened.payload.strip_prefix(&self.context)?;
        let (made, session) = bound.split_first_chunk()?;
        // One from the future is of a server whose clock is ahead.
        let age = now().saturating_sub(u64::from_be_bytes(*made));
        (age <= self.keys.lifetime().as_secs()).then(|| session.to_vec())
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.keys.lifetime().as_secs() as u32 // a day at most
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        // A record holds no more, and a client would not send a longer ticket either.
        (session.len() <= MOST).then(|| self.seal(&self.keys.newest()?, session)).flatten()
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_at_checked(NAME)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let (key, _) = self.keys.find(name)?;
        (sealed.len() <= MOST + 64).then(|| self.open(&key, *nonce, sealed)).flatten()
    }
}

/// Seconds since 1970, by the clock that other servers have too.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

/// The sessions of TLS 1.2 that a server keeps itself, for clients without tickets.
pub(crate) struct ServerSessions {
    most: usize,
    lifetime: Duration,
    kept: Mutex<KeptOnServer>,
}

#[derive(Default)]
struct KeptOnServer {
    sessions: HashMap<Vec<u8>, (Instant, Zeroizing<Vec<u8>>)>,
    /// Which was used last is at the back.
    order: VecDeque<Vec<u8>>,
}

impl ServerSessions {
    pub(crate) fn new(most: usize, lifetime: Duration) -> Self {
        Self { most, lifetime, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, KeptOnServer> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoresServerSessions for ServerSessions {
    fn put(&self, id: Vec<u8>, session: Vec<u8>) -> bool {
        let session = (Instant::now(), Zeroizing::new(session));
        let mut kept = self.kept();
        if kept.sessions.insert(id.clone(), session).is_some() {
            kept.order.retain(|known| *known != id);
        }
        kept.order.push_back(id);
        if kept.order.len() > self.most {
            if let Some(oldest) = kept.order.pop_front() {
                kept.sessions.remove(&oldest);
            }
        }
        true
    }

    fn get(&self, id: &[u8]) -> Option<Vec<u8>> {
        let mut kept = self.kept();
        let (since, session) = kept.sessions.get(id)?;
        let session = (since.elapsed() <= self.lifetime).then(|| session.to_vec());
        kept.order.retain(|known| known != id);
        match session {
            Some(_) => kept.order.push_back(id.to_vec()),
            None => drop(kept.sessions.remove(id)),
        }
        session
    }

    /// Asked for in TLS 1.3 only, of which none is kept.
    fn take(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl fmt::Debug for ServerSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSessions").field("most", &self.most).finish_non_exhaustive()
    }
}

/// The cipher of tickets, if the provider has it.
pub(crate) fn aead(provider: &CryptoProvider) -> Option<&'static dyn Tls13AeadAlgorithm> {
    let mut suites = provider.cipher_suites.iter();
    let suite = suites.find(|suite| suite.suite() == CipherSuite::TLS13_AES_256_GCM_SHA384)?;
    suite.tls13().map(|suite| suite.aead_alg)
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").field("keys", &self.keys).finish_non_exhaustive()
    }
}

const NAME: usize = 16;
const NONCE: usize = 12;
const HEADER: usize = 5;
const MOST: usize = 16_000;
