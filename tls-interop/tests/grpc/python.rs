//! Python's client (grpcio) and our server.

use std::path::Path;
use std::process::Stdio;

use polytls::{Capability, Identity};
use tokio::process::Command;

use crate::service::serve;
use crate::{Bench, NAME};

/// Calls once, and prints what comes of it. The messages are written by hand: a field is a tag and a
/// length, both of them a byte here, and what it holds.
const SCRIPT: &str = r#"
import os, sys
try:
    import grpc
except ImportError:
    sys.exit("python3-grpcio is not installed, and its tests are not skipped: apt-get install python3-grpcio")

def pem(name):
    return os.environ[name].encode() or None

credentials = grpc.ssl_channel_credentials(pem("ROOTS"), pem("KEY"), pem("CHAIN"))
options = [("grpc.ssl_target_name_override", os.environ["NAME"])]
with grpc.secure_channel(os.environ["SERVER"], credentials, options) as channel:
    call = channel.unary_unary(
        "/hello.Greeter/Greet",
        request_serializer=lambda name: b"\x0a" + bytes([len(name)]) + name,
        response_deserializer=lambda message: message)
    try:
        reply = call(b"python", timeout=20)
    except grpc.RpcError as e:
        print(e.code().name)
    else:
        print(reply.hex())
"#;

/// The Python that Debian's modules are for; another one may come first in the path.
const SYSTEMS: &str = "/usr/bin/python3";

/// What Python says of a call to a server that is called [`NAME`].
async fn call(bench: &Bench, roots: &[u8], identity: Option<&Identity>) -> String {
    let asking = identity.is_some();
    let config = if asking { bench.asking_config() } else { bench.server_config() };
    let address = serve(bench.server(config)).await;
    let chain = identity.into_iter().flat_map(|identity| identity.chain());
    let chain = chain.map(|der| pem("CERTIFICATE", der)).collect::<String>();
    let key = identity.map(|identity| pem("PRIVATE KEY", identity.key().unwrap().secret_der()));
    let mut python = Command::new(if Path::new(SYSTEMS).is_file() { SYSTEMS } else { "python3" });
    python.arg("-c").arg(SCRIPT).stdin(Stdio::null()).kill_on_drop(true);
    python.env("ROOTS", pem("CERTIFICATE", roots)).env("CHAIN", chain);
    python.env("KEY", key.unwrap_or_default());
    python.env("NAME", NAME).env("SERVER", address.to_string());
    let output = python.output().await.expect("python3 is not installed: apt-get install python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) async fn python_is_answered(bench: Bench) {
    let said = call(&bench, &bench.authority.certificate(), None).await;
    assert!(said.contains(&hex(b"hello, python, by h2 from 127.0.0.1:")), "{said}");
}

pub(crate) async fn python_is_known_by_its_certificate(bench: Bench) {
    if !bench.backend.capabilities().contains(Capability::RequestClientCertificate) {
        return crate::ours::a_server_knows_who_calls(bench).await; // refused, by name
    }
    let identity = bench.authority.client("Python");
    let said = call(&bench, &bench.authority.certificate(), Some(&identity)).await;
    assert!(said.contains(&hex(identity.leaf())), "{said}");
}

pub(crate) async fn python_does_not_trust_a_stranger(bench: Bench) {
    let said = call(&bench, &bench.stranger.certificate(), None).await;
    assert_eq!(said, "UNAVAILABLE");
}

fn pem(label: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(label, der))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
