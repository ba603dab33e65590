//! Sends back whatever comes.

use std::future::poll_fn;

use polytls::{Result, Stream};
use tokio::sync::watch;

use super::asked_to_stop;
use crate::transport::Tcp;

/// Echoes until the peer's close_notify, or until the server stops; then closes.
///
/// A peer that does not read what comes back is not read from either.
pub(super) async fn echo(stream: &mut Stream<Tcp>, stop: &mut watch::Receiver<bool>) -> Result<()> {
    let mut buf = vec![0; 16_384];
    loop {
        let n = tokio::select! {
            n = poll_fn(|cx| stream.poll_read(cx, &mut buf)) => n?,
            () = asked_to_stop(stop) => 0,
        };
        if n == 0 {
            break;
        }
        let mut rest = &buf[..n];
        while !rest.is_empty() {
            let n = poll_fn(|cx| stream.poll_write(cx, rest)).await?;
            rest = &rest[n..];
        }
    }
    poll_fn(|cx| stream.poll_shutdown(cx)).await
}
