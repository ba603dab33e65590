//! polytls on a library: its own streams, over a transport that is known or not, and those of its adapter.

use polytls::pki_types::CertificateDer;
use polytls::{
    Backend, Capability, CipherSuite, Client, ClientConfig, Group, Identity, Resumption, Roots,
    Server, ServerConfig, Tickets, Transport, Version, Versions,
};
use tls_tokio::{TlsAcceptor, TlsConnector};

use super::{Credentials, NAME, OURS, Result, Setup, Stack};
use crate::end::Tokio;

/// Whether the library can do what `setup` asks for.
pub(super) fn can(backend: &dyn Backend, setup: Setup) -> bool {
    let has = |capability| backend.capabilities().contains(capability);
    let resumes = has(Capability::ResumeClient) && has(Capability::ResumeServer);
    (!setup.hybrid || has(Capability::PostQuantum)) && (!setup.resume || resumes)
}

pub(super) fn stacks(
    backend: &'static dyn Backend,
    setup: Setup,
    with: &Credentials,
) -> Result<Vec<Stack>> {
    let (client, server) = (client(backend, setup, with)?, server(backend, setup, with)?);
    let (to, at) = (client.clone(), server.clone());
    let ours = Stack::new(
        OURS,
        move |io| Ok(Box::new(to.connect(NAME, io)?)),
        move |io| Ok(Box::new(at.accept(io)?)),
    );
    let (to, at) = (client.clone(), server.clone());
    let dispatched = Stack::new(
        "polytls, dyn transport",
        move |io| Ok(Box::new(to.connect(NAME, Box::new(io) as Box<dyn Transport>)?)),
        move |io| Ok(Box::new(at.accept(Box::new(io) as Box<dyn Transport>)?)),
    );
    let (connector, acceptor) = (TlsConnector::new(client), TlsAcceptor::new(server));
    let adapter = Stack::new(
        "tls-tokio",
        move |io| Ok(Box::new(Tokio(connector.begin(NAME, io)?))),
        move |io| Ok(Box::new(Tokio(acceptor.begin(io)?))),
    );
    Ok(vec![ours, dispatched, adapter])
}

fn client(backend: &dyn Backend, setup: Setup, with: &Credentials) -> Result<Client> {
    let has = |capability| backend.capabilities().contains(capability);
    let root = CertificateDer::from(with.root_der.clone());
    let mut config = ClientConfig::builder().roots(Roots::empty().with_der(root)?);
    if has(Capability::Groups) {
        config = config.groups([group(setup)]);
    }
    if has(Capability::CipherSuites) {
        config = config.cipher_suites([CipherSuite::TLS13_AES_128_GCM_SHA256]);
        config = config.versions(Versions::only(Version::Tls13));
    }
    if !setup.resume {
        config = config.resumption(Resumption::Off);
    }
    Ok(Client::new(&config.build()?, backend)?)
}

fn server(backend: &dyn Backend, setup: Setup, with: &Credentials) -> Result<Server> {
    let has = |capability| backend.capabilities().contains(capability);
    let identity = Identity::from_pem(with.leaf_pem.as_bytes(), with.key_pem.as_bytes())?;
    let mut config = ServerConfig::builder(identity);
    if has(Capability::Groups) {
        config = config.groups([group(setup)]);
    }
    if has(Capability::CipherSuites) {
        config = config.cipher_suites([CipherSuite::TLS13_AES_128_GCM_SHA256]);
        config = config.versions(Versions::only(Version::Tls13));
    }
    if !setup.resume && has(Capability::TicketsOff) {
        config = config.tickets(Tickets::Off);
    }
    Ok(Server::new(&config.build()?, backend)?)
}

fn group(setup: Setup) -> Group {
    if setup.hybrid { Group::X25519MLKEM768 } else { Group::X25519 }
}
