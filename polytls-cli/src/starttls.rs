//! `--starttls`: what is said in clear before TLS begins.

use std::io;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use polytls::ServerName;
use tls_starttls::{ErrorKind, Protocol, Starttls};
use tokio::net::TcpStream;

use crate::failure::{Failure, Result};

#[derive(Args, Clone, Debug)]
pub(crate) struct StarttlsArgs {
    /// Begin in clear, and have the server begin TLS in the words of this protocol. A server that does
    /// not offer TLS is an error, and so is whatever it says after it has agreed.
    #[arg(long, value_name = "PROTO", value_parser = protocol())]
    starttls: Option<Protocol>,
    /// The name to say in clear: this client's own in SMTP and LMTP ([127.0.0.1] if left out), in XMPP
    /// the domain that is asked for (the server name if left out).
    #[arg(long, value_name = "NAME", requires = "starttls")]
    starttls_name: Option<String>,
}

fn protocol() -> impl TypedValueParser<Value = Protocol> {
    let names = Protocol::ALL.iter().map(|protocol| protocol.name());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Protocol>())
}

impl StarttlsArgs {
    /// What is to be said to a server of this name, if anything. An unusable name is noticed here,
    /// before anybody is called.
    pub(crate) fn request(&self, server: &ServerName) -> Result<Option<Starttls>> {
        let Some(protocol) = self.starttls else { return Ok(None) };
        let name = match (&self.starttls_name, protocol) {
            (Some(name), _) => Some(name.clone()),
            (None, Protocol::Xmpp | Protocol::XmppServer) => Some(server.to_string()),
            (None, _) => None,
        };
        let request = Starttls::new(protocol);
        let request = match name {
            Some(name) => request.name(name),
            None => request,
        };
        match request.begin() {
            Ok(_) => Ok(Some(request)),
            Err(e) => Err(Failure::Usage(format!("--starttls-name: {e}"))),
        }
    }
}

/// Gets the server at `place` to begin TLS.
pub(crate) async fn upgrade(socket: &mut TcpStream, request: &Starttls, place: &str) -> Result {
    let upgraded = tls_tokio::starttls(socket, request).await;
    upgraded.map(drop).map_err(|e| failure(&e, place))
}

fn failure(e: &io::Error, place: &str) -> Failure {
    let own = e.get_ref().and_then(|inside| inside.downcast_ref::<tls_starttls::Error>());
    let name = own.map_or("io", |e| e.kind().name());
    let hint = match own.map(tls_starttls::Error::kind) {
        Some(ErrorKind::NotOffered) => "\n  hint: nothing is sent in clear to a server without TLS",
        Some(ErrorKind::Malformed | ErrorKind::Timeout) => {
            "\n  hint: --starttls names the protocol that the server speaks before TLS"
        }
        _ => "",
    };
    Failure::Report(format!("starttls({name}): {e} ({place}){hint}"))
}
