//! Sends back whatever comes.

use polytls::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use super::asked_to_stop;
use crate::transport::Tls;

/// Echoes until the peer's close_notify, or until the server stops; then closes.
///
/// A peer that does not read what comes back is not read from either.
pub(super) async fn echo(stream: &mut Tls, stop: &mut watch::Receiver<bool>) -> Result<()> {
    let mut buf = vec![0; 16_384];
    loop {
        let n = tokio::select! {
            n = stream.read(&mut buf) => n?,
            () = asked_to_stop(stop) => 0,
        };
        if n == 0 {
            break;
        }
        stream.write_all(&buf[..n]).await?;
    }
    Ok(stream.shutdown().await?)
}
