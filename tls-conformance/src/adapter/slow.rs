//! A handshake that waits for a signature from elsewhere.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::task::Waker;

use tls_core::{
    Acceptor, AsyncSigner, Awaited, Backend, Capabilities, Client, ClientConfig, Completion,
    Connector, Negotiated, Progress, Result, Server, ServerConfig, Session, SignatureScheme,
    Supported, Wire,
};

use super::Adapter;
use super::chaos::Noise;
use super::tasks::Tasks;
use crate::pair::{NAME, configs};

/// The handshake waits without being polled, goes on when the answer is there, and fails if there never
/// will be one.
pub(super) fn a_signature_is_awaited<A: Adapter>(backend: &'static dyn Backend) {
    for answers in [true, false] {
        let noise = Noise::wild(6, 200);
        let signer = Arc::<Later>::default();
        let slow = Slow { inner: backend, signer: signer.clone() };
        let (client, server) = configs();
        let client = Client::new(&client.build().unwrap(), backend).unwrap();
        let server = Server::new(&server.build().unwrap(), &slow).unwrap();
        let (a, b) = noise.pipe::<A::Transport>(500);
        let (connected, accepted) = (RefCell::new(None), RefCell::new(None));
        let mut tasks = Tasks::new(&noise);
        tasks.add_future("the client", A::connect(&client, NAME, a), &connected);
        tasks.add_future("the server", A::accept(&server, b), &accepted);
        let polls = tasks.settle();
        assert_eq!(tasks.settle(), polls, "nobody has answered");
        assert!(accepted.borrow().is_none(), "it waits for no signature");
        let done = signer.0.lock().unwrap().take().expect("the signer was asked");
        if answers {
            // From another thread, as signers do.
            std::thread::spawn(move || done.complete(Ok(Vec::new()))).join().unwrap();
        } else {
            drop(done);
        }
        tasks.run();
        let done = accepted.take().unwrap().is_ok() && connected.take().unwrap().is_ok();
        assert_eq!(done, answers);
    }
}

/// Answers later.
#[derive(Debug, Default)]
struct Later(Mutex<Option<Completion>>);

impl AsyncSigner for Later {
    fn schemes(&self) -> &[SignatureScheme] {
        &[SignatureScheme::ED25519]
    }

    fn sign(&self, _: SignatureScheme, _: &[u8], done: Completion) {
        *self.0.lock().unwrap() = Some(done);
    }
}

/// A backend whose servers ask somebody before they begin.
#[derive(Debug)]
struct Slow {
    inner: &'static dyn Backend,
    signer: Arc<Later>,
}

impl Backend for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn library(&self) -> String {
        self.inner.library()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn connector(&self, config: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>> {
        self.inner.connector(config)
    }

    fn acceptor(&self, config: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>> {
        let inner = self.inner.acceptor(config)?;
        Ok(Box::new(SlowAcceptor { inner, signer: self.signer.clone() }))
    }
}

#[derive(Debug)]
struct SlowAcceptor {
    inner: Box<dyn Acceptor>,
    signer: Arc<Later>,
}

impl Acceptor for SlowAcceptor {
    fn session(&self, identity: usize) -> Result<Box<dyn Session>> {
        let (inner, signer) = (self.inner.session(identity)?, self.signer.clone());
        Ok(Box::new(SlowSession { inner, signer, awaited: None, signed: false }))
    }
}

#[derive(Debug)]
struct SlowSession {
    inner: Box<dyn Session>,
    signer: Arc<Later>,
    awaited: Option<Awaited>,
    signed: bool,
}

impl Session for SlowSession {
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        if !self.signed {
            let begin = || Awaited::begin(&*self.signer, SignatureScheme::ED25519, b"message");
            match self.awaited.get_or_insert_with(begin).take() {
                None => return Ok(Progress::WantSignature),
                Some(answer) => answer?,
            };
            self.signed = true;
        }
        self.inner.handshake(wire)
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        self.inner.read(wire, buf)
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        self.inner.write(wire, buf)
    }

    fn close(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.inner.close(wire)
    }

    fn buffered(&mut self, wire: &mut Wire) -> Result<usize> {
        self.inner.buffered(wire)
    }

    fn undelivered(&self) -> usize {
        self.inner.undelivered()
    }

    fn await_signature(&mut self, waker: &Waker) -> bool {
        self.awaited.as_ref().is_none_or(|awaited| awaited.wake(waker))
    }

    fn negotiated(&self) -> Negotiated {
        self.inner.negotiated()
    }
}
