//! The adapters to async runtimes on every backend, and both of them in one program.

#![allow(clippy::unwrap_used)] // tests

#[path = "../../tls-futures/tests/adapter/mod.rs"]
mod futures;
#[path = "../../tls-tokio/tests/adapter/mod.rs"]
mod tokio_streams;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use polytls::{
    Backend, Capability, ChannelBinding, Client, ClientConfig, Server, ServerConfig, backend,
};
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tls_conformance::{Authority, adapter};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn main() -> ExitCode {
    let all = backend::all();
    let mut trials = adapter::trials::<tokio_streams::Tokio>(all);
    trials.extend(adapter::trials::<futures::Futures>(all));
    for &backend in all {
        let name = format!("{}::two_runtimes_in_one_program_understand_each_other", backend.name());
        trials.push(Trial::test(name, move || {
            two_runtimes(backend);
            Ok(())
        }));
        let name = format!("{}::streams_of_two_runtimes_share_their_secrets", backend.name());
        trials.push(Trial::test(name, move || {
            secrets(backend);
            Ok(())
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// What a client on tokio and a server on smol make of one connection's secrets.
fn secrets(backend: &'static dyn Backend) {
    let root = Authority::root("Root of two runtimes");
    let config = ServerConfig::builder(root.server("server.test")).build().unwrap();
    let acceptor = tls_futures::TlsAcceptor::from(Server::new(&config, backend).unwrap());
    let config = ClientConfig::builder().roots(root.roots()).build().unwrap();
    let connector = tls_tokio::TlsConnector::from(Client::new(&config, backend).unwrap());
    let (can, kinds) = (
        |what| backend.capabilities().contains(what),
        [ChannelBinding::TlsExporter, ChannelBinding::TlsServerEndPoint],
    );
    let exports = can(Capability::Exporter) && can(Capability::ReportLocalCertificate);

    let listener = smol::block_on(smol::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let serving = smol::spawn(async move {
        let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await?;
        let mut exported = [0; 32];
        let (mut all, context) = (Vec::new(), Some(&b"both"[..]));
        if exports {
            stream.export_keying_material(&mut exported, b"EXPERIMENTAL", context)?;
            all = exported.to_vec();
            for kind in kinds {
                all.extend(stream.channel_binding(kind)?);
            }
        }
        stream.write_all(&all).await?;
        stream.close().await
    });
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut stream = connector.connect("server.test", tcp).await.unwrap();
        let mut theirs = Vec::new();
        stream.read_to_end(&mut theirs).await.unwrap();
        let mut exported = [0; 32];
        let made = stream.export_keying_material(&mut exported, b"EXPERIMENTAL", Some(b"both"));
        assert_eq!(made.is_ok(), can(Capability::Exporter));
        if exports {
            let mut ours = exported.to_vec();
            for kind in kinds {
                ours.extend(stream.channel_binding(kind).unwrap());
            }
            assert_eq!(ours, theirs);
        }
        let is_tls13 = can(Capability::Tls13Client) && can(Capability::Tls13Server);
        let updated = stream.update_keys().await;
        assert_eq!(updated.is_ok(), can(Capability::KeyUpdate) && is_tls13);
    });
    smol::block_on(serving).unwrap();
}

/// A server on smol and a client on tokio, then the other way round, with the same configurations.
fn two_runtimes(backend: &'static dyn Backend) {
    let root = Authority::root("Root of two runtimes");
    let config = ServerConfig::builder(root.server("server.test")).build().unwrap();
    let server = Server::new(&config, backend).unwrap();
    let config = ClientConfig::builder().roots(root.roots()).build().unwrap();
    let client = Client::new(&config, backend).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();

    let listener = smol::block_on(smol::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tls_futures::TlsAcceptor::from(server.clone());
    let serving = smol::spawn(async move {
        let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await?;
        let mut question = String::new();
        stream.read_to_string(&mut question).await?;
        stream.write_all(question.to_uppercase().as_bytes()).await?;
        stream.close().await
    });
    let connector = tls_tokio::TlsConnector::from(client.clone());
    let answer = runtime.block_on(async {
        let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut stream = connector.connect("server.test", tcp).await.unwrap();
        stream.write_all(b"to smol").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    assert_eq!(answer, "TO SMOL");
    smol::block_on(serving).unwrap();

    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tls_tokio::TlsAcceptor::from(server);
    let serving = runtime.spawn(async move {
        let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await?;
        let mut question = String::new();
        stream.read_to_string(&mut question).await?;
        stream.write_all(question.to_uppercase().as_bytes()).await?;
        stream.shutdown().await
    });
    let connector = tls_futures::TlsConnector::from(client);
    let answer = smol::block_on(async {
        let tcp = smol::net::TcpStream::connect(address).await.unwrap();
        let mut stream = connector.connect("server.test", tcp).await.unwrap();
        stream.write_all(b"to tokio").await.unwrap();
        stream.close().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    assert_eq!(answer, "TO TOKIO");
    runtime.block_on(serving).unwrap().unwrap();
}
