//! Our side: library calls over blocking sockets, with a deadline.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use polytls::pki_types::CertificateDer;
use polytls::{
    Backend, Blocking, Capabilities, Capability, CertificateError, Client, Error, ErrorKind,
    Server, Stream,
};

use crate::process::{Child, PATIENCE, TICK};

/// What was compiled; or `None`, if the backend lacks something and the refusal names it.
pub(crate) fn honoured<T>(
    compiled: Result<T, Error>,
    required: Capabilities,
    backend: &dyn Backend,
) -> Option<T> {
    let missing = required.without(backend.capabilities());
    match compiled.map_err(|e| e.kind()) {
        Ok(compiled) if missing.is_empty() => Some(compiled),
        Err(ErrorKind::Unsupported(what)) if missing.contains(what) => None,
        Ok(_) => panic!("{} lacks {missing}, and nobody is told", backend.name()),
        Err(kind) => panic!("{kind:?}; missing: {missing}"),
    }
}

pub(crate) type Tls = Stream<Blocking<TcpStream>>;

/// What a backend can tell of the chain that a peer has sent.
pub(crate) fn told_of_chain<'a>(
    backend: &dyn Backend,
    chain: &'a [CertificateDer<'static>],
) -> &'a [CertificateDer<'static>] {
    match backend.capabilities().contains(Capability::ReportPeerChain) {
        true => chain,
        false => &chain[..1],
    }
}

/// What a backend can tell of the reason why it refuses a certificate.
pub(crate) fn told_reason(backend: &dyn Backend, why: CertificateError) -> CertificateError {
    match backend.capabilities().contains(Capability::CertificateReasons) {
        true => why,
        false => CertificateError::Other,
    }
}

/// Begins a connection to `child`, as soon as it listens on `port`.
///
/// The first connection that it accepts is the one that is used: to a server, a connection made to
/// see whether it listens is a client that misbehaves.
pub(crate) fn connect(client: &Client, name: &str, port: u16, child: &mut Child) -> Tls {
    let deadline = Instant::now() + PATIENCE;
    let socket = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(socket) => break socket,
            Err(e) => assert!(Instant::now() < deadline, "it does not listen: {e}"),
        }
        if let Some(status) = child.exited() {
            panic!("it does not listen, but exits: {status}");
        }
        thread::sleep(TICK);
    };
    client.connect(name, patient(socket)).unwrap()
}

/// A connection of our client with our server; both have yet to begin.
pub(crate) fn both(client: &Client, name: &str, server: &Server) -> (Tls, Tls) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    (client.connect(name, patient(socket)).unwrap(), server.accept(patient(accepted)).unwrap())
}

/// A place to be connected to.
pub(crate) struct Listener(TcpListener);

impl Listener {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Begins to serve `child`, once it connects.
    pub(crate) fn accept(&self, server: &Server, child: &mut Child) -> Tls {
        server.accept(patient(self.accept_in_clear(child))).unwrap()
    }

    /// Waits until `child` connects.
    pub(crate) fn accept_in_clear(&self, child: &mut Child) -> TcpStream {
        let deadline = Instant::now() + PATIENCE;
        let socket = loop {
            match self.0.accept() {
                Ok((socket, _)) => break socket,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => panic!("accept: {e}"),
            }
            if let Some(status) = child.exited() {
                panic!("it does not connect, but exits: {status}");
            }
            assert!(Instant::now() < deadline, "it does not connect");
            thread::sleep(TICK);
        };
        socket.set_nonblocking(false).unwrap();
        socket
    }
}

pub(crate) fn patient(socket: TcpStream) -> Blocking<TcpStream> {
    let mut transport = Blocking::new(socket);
    transport.set_deadline(Some(Instant::now() + PATIENCE)).unwrap();
    transport
}

pub(crate) fn send(tls: &mut Tls, bytes: &[u8]) {
    tls.write_all(bytes).unwrap();
    tls.flush().unwrap();
}

/// Receives exactly `expected`.
pub(crate) fn receive(tls: &mut Tls, expected: &[u8]) {
    let mut received = vec![0; expected.len()];
    tls.read_exact(&mut received).unwrap();
    assert!(received == expected, "the data was changed on its way");
}

/// Waits until the peer has sent something, and leaves it where it is.
pub(crate) fn wait_for_bytes(tls: &Tls) {
    assert_eq!(tls.transport().get_ref().peek(&mut [0]).unwrap(), 1);
}

/// Receives the rest, and how it ends.
pub(crate) fn rest(tls: &mut Tls) -> (Vec<u8>, Result<(), ErrorKind>) {
    let mut received = Vec::new();
    let end = tls.read_to_end(&mut received).map(drop).map_err(|e| Error::from(e).kind());
    (received, end)
}

/// Finishes the handshake and receives until something ends it: the error that a peer's refusal
/// becomes, whenever it comes.
pub(crate) fn refusal(tls: &mut Tls) -> ErrorKind {
    if let Err(e) = tls.handshake() {
        return Error::from(e).kind();
    }
    match rest(tls) {
        (data, Err(kind)) if data.is_empty() => kind,
        (data, end) => panic!("not refused: {} bytes, then {end:?}", data.len()),
    }
}
