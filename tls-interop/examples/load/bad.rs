//! Clients that misbehave, one after the other until the time is over.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Target, healthy};

/// How many ways there are.
pub(crate) const KINDS: usize = 6;

/// Misbehaves in one way after the other.
pub(crate) async fn live(slot: usize, target: Target, until: Instant) {
    let mut turn = slot;
    while Instant::now() < until {
        // An error is what it asked for.
        let bad = timeout_at(until, misbehave(turn, &target)).await;
        target.tally.misbehaved(matches!(bad, Ok(Ok(()))));
        turn += 1;
        sleep(Duration::from_millis(100)).await;
    }
}

async fn misbehave(turn: usize, target: &Target) -> io::Result<()> {
    match turn % KINDS {
        // Says nothing, and after a while goes away.
        0 => {
            let _tcp = TcpStream::connect(target.address).await?;
            sleep(Duration::from_secs(4)).await;
        }
        // Says half of a ClientHello, and waits to be thrown out.
        1 => {
            let mut tcp = TcpStream::connect(target.address).await?;
            tcp.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]).await?;
            let _ = tcp.read(&mut [0; 100]).await;
        }
        // Resets in the middle of the handshake.
        2 => {
            let mut tcp = TcpStream::connect(target.address).await?;
            tcp.write_all(&[22, 3, 1, 2, 0]).await?;
            sleep(Duration::from_millis(20)).await;
            tcp.set_zero_linger()?;
        }
        // Does not speak TLS, at length.
        3 => {
            let mut tcp = TcpStream::connect(target.address).await?;
            for _ in 0..50 {
                tcp.write_all(&[0x47; 1000]).await?;
            }
        }
        // Resets a connection that was fine, with an answer on its way.
        4 => {
            let mut stream = healthy::connect(target).await?;
            healthy::ask(&mut stream, turn, 100).await?;
            stream.write_all(&[0, 1, 0, 0]).await?;
            stream.write_all(&[7; 50_000]).await?;
            stream.flush().await?;
            stream.get_mut().set_zero_linger()?;
        }
        // Puts garbage below a connection that was fine.
        _ => {
            let mut stream = healthy::connect(target).await?;
            healthy::ask(&mut stream, turn, 100).await?;
            let tcp = stream.get_mut();
            tcp.write_all(&[23, 3, 3, 0, 100]).await?;
            tcp.write_all(&[0x5a; 5000]).await?;
            let _ = stream.read(&mut [0; 100]).await;
        }
    }
    Ok(())
}
