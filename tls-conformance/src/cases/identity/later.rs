//! Keys that stay elsewhere, with somebody who signs later.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

use tls_core::{
    AsyncSigner, Backend, Completion, ErrorKind, Identity, Progress, Result, SignatureScheme,
    Version, Versions,
};

use super::signer::{Fault, Hand, serving, visiting};
use crate::cases::{both_versions, cases};
use crate::certs::{Authority, Leaf};
use crate::pair::{Ends, NAME, Pair, kind};
use crate::streams::Streams;

cases! { "signer";
    Pair a_signature_may_come_later_in_tls12 [Tls12Client] [AsyncSigner Tls12Server]
        "In TLS 1.2 a server's handshake waits for a signature, is woken, and goes on.";
    Pair a_signature_may_come_later_in_tls13 [Tls13Client] [AsyncSigner Tls13Server]
        "In TLS 1.3 a server's handshake waits for a signature, is woken, and goes on.";
    Pair a_clients_signature_may_come_later_in_tls12
        [AsyncSigner ClientIdentity Tls12Client] [RequestClientCertificate Tls12Server]
        "In TLS 1.2 a client's handshake waits for a signature, is woken, and goes on.";
    Pair a_clients_signature_may_come_later_in_tls13
        [AsyncSigner ClientIdentity Tls13Client] [RequestClientCertificate Tls13Server]
        "In TLS 1.3 a client's handshake waits for a signature, is woken, and goes on.";
    Pair a_signature_may_come_at_once [] [AsyncSigner]
        "A signer that takes its time may also answer before it returns.";
    Pair a_signature_may_come_from_another_thread [] [AsyncSigner]
        "A stream whose signature comes from another thread is woken by it.";
    Pair signatures_may_come_in_any_order [] [AsyncSigner]
        "Two handshakes that wait for signatures go on in the order in which these come.";
    Pair an_error_may_come_later [] [AsyncSigner]
        "A signer's error that comes later ends the handshake with its kind.";
    Pair a_wrong_signature_may_come_later [] [AsyncSigner]
        "A wrong signature that comes later is refused by the client.";
    Pair an_answer_that_never_comes_is_an_error [] [AsyncSigner]
        "A signer that drops what it was to complete has no answer, and the handshake fails.";
    Pair a_connection_that_is_dropped_needs_no_answer [] [AsyncSigner]
        "An answer to a handshake that has been given up is no fault.";
}

both_versions! {
    a_signature_may_come_later_in_tls12 a_signature_may_come_later_in_tls13 = server_later;
    a_clients_signature_may_come_later_in_tls12
        a_clients_signature_may_come_later_in_tls13 = client_later;
}

/// Signs when it is told to.
#[derive(Debug)]
struct Desk {
    hand: Hand,
    manner: Manner,
    waiting: Mutex<Vec<Task>>,
}

/// What was asked for, and where the answer goes.
#[derive(Debug)]
struct Task(SignatureScheme, Vec<u8>, Completion);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    AtOnce,
    ByAnotherThread,
    WhenTold,
}

impl Desk {
    /// Signs all that waits.
    fn work(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap());
        waiting.into_iter().for_each(|task| self.complete(task));
    }

    fn complete(&self, Task(scheme, message, done): Task) {
        done.complete(self.hand.make(scheme, &message));
    }
}

impl AsyncSigner for Desk {
    fn schemes(&self) -> &[SignatureScheme] {
        self.hand.known()
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8], done: Completion) {
        let task = Task(scheme, message.to_vec(), done);
        match self.manner {
            Manner::AtOnce => self.complete(task),
            Manner::ByAnotherThread => {
                let answer = self.hand.make(scheme, message);
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(20));
                    task.2.complete(answer);
                });
            }
            Manner::WhenTold => self.waiting.lock().unwrap().push(task),
        }
    }
}

/// An identity whose key stays with a signer that takes its time.
fn desk(
    root: &Authority,
    leaf: Leaf,
    manner: Manner,
    fault: Option<Fault>,
) -> Result<(Identity, Arc<Desk>)> {
    let (chain, key) = root.issue_apart(leaf);
    let hand = Hand::of(key);
    let hand = match fault {
        Some(fault) => hand.failing(fault),
        None => hand,
    };
    let desk = Arc::new(Desk { hand, manner, waiting: Mutex::default() });
    Ok((Identity::with_async_signer(chain, desk.clone())?, desk))
}

/// How often somebody was woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn root() -> Authority {
    Authority::root("Root of this case")
}

/// A server whose signature comes when it is told to, and nothing else special about it.
fn server_desk(
    both: (&dyn Backend, &dyn Backend),
    versions: Versions,
    manner: Manner,
    fault: Option<Fault>,
) -> Result<(Ends, Arc<Desk>)> {
    let root = root();
    let (own, desk) = desk(&root, Leaf::server(&[NAME]), manner, fault)?;
    Ok((serving(both, &root, own, versions)?, desk))
}

/// Drives the server until it waits for its signature.
fn until_it_waits(pair: &mut Pair) -> Result<()> {
    let _ = pair.client.handshake()?;
    pair.carry_all();
    assert_eq!(pair.server.handshake()?, Progress::WantSignature);
    assert_eq!(pair.server.handshake()?, Progress::WantSignature, "it waits on");
    Ok(())
}

fn server_later(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let only = Versions::only(version);
    let (ends, desk) = server_desk((client, server), only, Manner::WhenTold, None)?;
    let mut pair = ends.pair()?;
    until_it_waits(&mut pair)?;
    let bell = Arc::<Bell>::default();
    assert!(!pair.server.await_signature(&Waker::from(bell.clone())));
    assert_eq!(bell.0.load(Ordering::SeqCst), 0);
    desk.work();
    assert_eq!(bell.0.load(Ordering::SeqCst), 1);
    assert!(pair.server.await_signature(&Waker::from(bell)), "it is there");
    pair.handshake()?;
    assert_eq!(desk.hand.asked().len(), 1);
    Ok(())
}

fn client_later(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let root = root();
    let (own, desk) = desk(&root, Leaf::client("somebody"), Manner::WhenTold, None)?;
    let only = Versions::only(version);
    let mut pair = visiting((client, server), &root, own.clone(), only)?.pair()?;
    let _ = pair.client.handshake()?;
    pair.carry_all();
    let _ = pair.server.handshake()?;
    pair.carry_all();
    assert_eq!(pair.client.handshake()?, Progress::WantSignature);
    let bell = Arc::<Bell>::default();
    assert!(!pair.client.await_signature(&Waker::from(bell.clone())));
    desk.work();
    assert_eq!(bell.0.load(Ordering::SeqCst), 1);
    pair.handshake()?;
    assert_eq!(pair.negotiated().1.peer_certificate(), Some(own.leaf()));
    assert_eq!(desk.hand.asked().len(), 1);
    Ok(())
}

fn a_signature_may_come_at_once(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let any = Versions::default();
    let (ends, desk) = server_desk((client, server), any, Manner::AtOnce, None)?;
    ends.established()?;
    ends.established()?;
    assert_eq!(desk.hand.asked().len(), 2);
    Ok(())
}

fn a_signature_may_come_from_another_thread(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let any = Versions::default();
    let (ends, desk) = server_desk((client, server), any, Manner::ByAnotherThread, None)?;
    Streams::of(&ends, 4096)?.handshake_slowly()?;
    assert_eq!(desk.hand.asked().len(), 1);
    Ok(())
}

fn signatures_may_come_in_any_order(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let any = Versions::default();
    let (ends, desk) = server_desk((client, server), any, Manner::WhenTold, None)?;
    let mut pairs = [ends.pair()?, ends.pair()?];
    for pair in &mut pairs {
        until_it_waits(pair)?;
    }
    let [first, second] = &mut pairs;
    let later = desk.waiting.lock().unwrap().remove(0);
    desk.work();
    second.handshake()?;
    assert_eq!(first.server.handshake()?, Progress::WantSignature);
    desk.complete(later);
    first.handshake()
}

/// A server that waits, until its signer has done this.
fn fails_after(
    client: &dyn Backend,
    server: &dyn Backend,
    fault: Option<Fault>,
    then: impl FnOnce(&Desk),
) -> Result<(ErrorKind, ErrorKind)> {
    let any = Versions::default();
    let (ends, desk) = server_desk((client, server), any, Manner::WhenTold, fault)?;
    let mut pair = ends.pair()?;
    until_it_waits(&mut pair)?;
    then(&desk);
    let (client, server) = pair.handshakes();
    Ok((kind(client), kind(server)))
}

fn an_error_may_come_later(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let fault = Some(Fault::Error(ErrorKind::Timeout));
    let (_, server) = fails_after(client, server, fault, Desk::work)?;
    assert_eq!(server, ErrorKind::Timeout);
    Ok(())
}

fn a_wrong_signature_may_come_later(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (client, server) = fails_after(client, server, Some(Fault::Wrong), Desk::work)?;
    assert_eq!(client, ErrorKind::Protocol);
    assert_eq!(server, ErrorKind::AlertReceived(tls_core::Alert::DECRYPT_ERROR));
    Ok(())
}

fn an_answer_that_never_comes_is_an_error(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let forget = |desk: &Desk| desk.waiting.lock().unwrap().clear();
    let (_, server) = fails_after(client, server, None, forget)?;
    assert_eq!(server, ErrorKind::Backend);
    Ok(())
}

fn a_connection_that_is_dropped_needs_no_answer(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let any = Versions::default();
    let (ends, desk) = server_desk((client, server), any, Manner::WhenTold, None)?;
    let mut pair = ends.pair()?;
    until_it_waits(&mut pair)?;
    drop(pair);
    desk.work();
    let mut pair = ends.pair()?;
    until_it_waits(&mut pair)?;
    desk.work();
    pair.handshake()
}
