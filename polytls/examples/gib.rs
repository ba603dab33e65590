//! Moves many GiB over one connection in memory, with every backend of the build and each version:
//!
//! ```text
//! cargo run --release -p polytls --example gib --features openssl -- 8
//! cargo run --release -p polytls --example gib --features openssl -- 8 1000
//! ```
//!
//! The first number says how many GiB, the second after how many records the keys are to be new; without it
//! they are new when the library or the core thinks that it is time.

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use polytls::{
    Backend, Capability, Client, ClientConfig, Connection, Identity, Progress, Resumption, Roots,
    Server, ServerConfig, Version, Versions, backend,
};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let gib: u64 = args.next().map_or(Ok(1), |arg| arg.parse())?;
    let limit = args.next().map(|arg| arg.parse()).transpose()?;
    for &backend in backend::all() {
        for version in [Version::Tls12, Version::Tls13] {
            match run(backend, version, gib << 30, limit)? {
                Some(time) => {
                    let rate = gib as f64 / time.as_secs_f64();
                    println!("{:<12} {version}  {gib} GiB  {rate:.2} GiB/s", backend.name());
                }
                None => println!("{:<12} {version}  not with this backend", backend.name()),
            }
        }
    }
    Ok(())
}

/// Moves so many bytes from a client to a server, checks what arrives, and says how long it took; `None`
/// if the backend lacks something that is asked for.
fn run(
    backend: &dyn Backend,
    version: Version,
    bytes: u64,
    limit: Option<u32>,
) -> Result<Option<Duration>> {
    let can = |what| backend.capabilities().contains(what);
    let is_tls13 = version == Version::Tls13;
    let speaks = match is_tls13 {
        false => can(Capability::Tls12Client) && can(Capability::Tls12Server),
        true => can(Capability::Tls13Client) && can(Capability::Tls13Server),
    };
    let limit = limit.filter(|_| is_tls13);
    if !speaks || limit.is_some() && !can(Capability::KeyUpdate) {
        return Ok(None);
    }
    let identity = Identity::self_signed(["gib.test"])?;
    let roots = Roots::empty().with_der(identity.leaf().clone())?;
    let only = Versions::only(version);
    let mut client =
        ClientConfig::builder().roots(roots).versions(only).resumption(Resumption::Off);
    if let Some(records) = limit {
        client = client.key_update_after(records);
    }
    let server = ServerConfig::builder(identity).versions(only).build()?;
    let mut client = Client::new(&client.build()?, backend)?.connection("gib.test")?;
    let mut server = Server::new(&server, backend)?.connection()?;
    while (client.handshake()?, server.handshake()?) != (Progress::Ready(()), Progress::Ready(())) {
        carry(&mut client, &mut server);
        carry(&mut server, &mut client);
    }

    // A length that divides no record: what comes at the wrong place shows.
    let data: Vec<u8> =
        (0..100_003_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (mut sent, mut got, mut buf) = (0_u64, 0_u64, vec![0; 1 << 16]);
    let begin = Instant::now();
    while got < bytes {
        let at = (sent % data.len() as u64) as usize;
        let left = usize::try_from(bytes - sent).unwrap_or(usize::MAX);
        let piece = &data[at..][..left.min(data.len() - at)];
        if let Progress::Ready(n) = client.write(piece)? {
            sent += n as u64;
        }
        carry(&mut client, &mut server);
        while let Progress::Ready(n @ 1..) = server.read(&mut buf)? {
            check(&data, got, &buf[..n])?;
            got += n as u64;
        }
        // A word back now and then, as any protocol has.
        if got >> 24 != (got + (1 << 18)) >> 24 {
            let _ = server.write(b".")?;
            carry(&mut server, &mut client);
            while let Progress::Ready(1..) = client.read(&mut buf)? {}
        }
    }
    Ok(Some(begin.elapsed()))
}

fn carry(from: &mut Connection, to: &mut Connection) {
    let n = from.wire().pending().len();
    to.wire().feed(from.wire().pending());
    from.wire().sent(n);
}

/// Whether `bytes` are what stands at this place of the endless repetition of `data`.
fn check(data: &[u8], mut place: u64, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let at = (place % data.len() as u64) as usize;
        let n = bytes.len().min(data.len() - at);
        if bytes[..n] != data[at..][..n] {
            return Err(format!("other bytes arrive than were sent, after {place}").into());
        }
        (place, bytes) = (place + n as u64, &bytes[n..]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_moves_some_mib_under_many_keys() -> Result<()> {
        for &backend in backend::all() {
            for version in [Version::Tls12, Version::Tls13] {
                for limit in [None, Some(5)] {
                    let moved = run(backend, version, 3 << 20, limit)?;
                    let updates = backend.capabilities().contains(Capability::KeyUpdate);
                    if updates {
                        assert!(moved.is_some(), "{} {version} {limit:?}", backend.name());
                    }
                }
            }
        }
        Ok(())
    }

    #[test]
    fn what_arrives_elsewhere_is_found() {
        let data = [1, 2, 3];
        check(&data, 4, &[2, 3, 1, 2]).unwrap();
        check(&data, 4, &[2, 3, 1, 1]).unwrap_err();
    }
}
