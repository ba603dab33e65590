//! Handshakes that succeed, and handshakes that must not.

use tls_core::{Backend, Result, Version, Versions};

use super::cases;
use crate::pair::{Pair, configs};
use crate::told;

cases! { "handshake";
    Pair defaults_succeed [] []
        "A client and a server with default configurations finish a handshake.";
    Pair one_byte_at_a_time_succeeds [] []
        "A handshake succeeds when every byte arrives alone.";
    Pair tls12_alone_is_spoken [Tls12Client ReportVersion] [Tls12Server ReportVersion]
        "Two sides that accept only TLS 1.2 speak it.";
    Pair tls13_alone_is_spoken [Tls13Client ReportVersion] [Tls13Server ReportVersion]
        "Two sides that accept only TLS 1.3 speak it.";
}

fn defaults_succeed(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    Pair::established(client, server).map(drop)
}

fn one_byte_at_a_time_succeeds(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = configs();
    let mut pair = Pair::new((client, c), (server, s))?;
    pair.chunk = 1;
    pair.handshake()
}

fn version_alone(client: &dyn Backend, server: &dyn Backend, version: Version) -> Result<()> {
    let (c, s) = configs();
    let only = Versions::only(version);
    let mut pair = Pair::new((client, c.versions(only)), (server, s.versions(only)))?;
    pair.handshake()?;
    let (client, server) = pair.negotiated();
    assert_eq!(told::version(&client)?, version);
    assert_eq!(told::version(&server)?, version);
    Ok(())
}

fn tls12_alone_is_spoken(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    version_alone(client, server, Version::Tls12)
}

fn tls13_alone_is_spoken(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    version_alone(client, server, Version::Tls13)
}
