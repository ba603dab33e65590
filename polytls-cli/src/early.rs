//! `--early-data`, on either side.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use polytls::danger::ReplayableEarlyData;
use polytls::{EarlyData, Error, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::cli::usage;
use crate::failure::Result;
use crate::output;
use crate::transport::Tls;

#[derive(Args, Debug)]
pub(crate) struct ClientEarlyData {
    /// Send FILE, of at most 14336 bytes, as early data (0-RTT), ahead of standard input. Anyone on the
    /// path can record it and send it again. Connects once more before, to bring a session, unless
    /// --session says where there may be some.
    /// What the server does not take early is sent again once the handshake is done.
    #[arg(long, value_name = "FILE")]
    early_data: Option<PathBuf>,
}

impl ClientEarlyData {
    /// The bytes to send early, if any are to be.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>> {
        let Some(path) = &self.early_data else { return Ok(None) };
        let limit = ReplayableEarlyData::MAX;
        let mut bytes = Vec::new();
        // One byte more tells that there are too many.
        let read = File::open(path)
            .and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes))
            .map_err(|e| {
                let why = format!("{}: cannot be read: {e}", path.display());
                Error::new(ErrorKind::Config).because(why)
            })?;
        match read {
            0 => Err(usage(format!("--early-data: {} is empty", path.display()))),
            n if n > limit => {
                let why = format!("--early-data: {} has more than {limit} bytes", path.display());
                Err(usage(why))
            }
            _ => Ok(Some(bytes)),
        }
    }

    /// How much a client has to be able to send.
    pub(crate) fn limit(&self) -> ReplayableEarlyData {
        match self.early_data {
            Some(_) => ReplayableEarlyData::up_to(ReplayableEarlyData::MAX),
            None => ReplayableEarlyData::none(),
        }
    }
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ServerEarlyData {
    /// Take up to N bytes of early data (0-RTT), 14336 if N is left out, and echo them too. The same first
    /// flight is taken once.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, conflicts_with = "www")]
    early_data: Option<Option<usize>>,
}

impl ServerEarlyData {
    pub(crate) fn limit(&self) -> ReplayableEarlyData {
        match self.early_data {
            Some(bytes) => ReplayableEarlyData::up_to(bytes.unwrap_or(ReplayableEarlyData::MAX)),
            None => ReplayableEarlyData::none(),
        }
    }
}

/// Waits for the tickets on a connection that is only to bring a session, and ends it. They come a round
/// trip after a handshake that `took` so long; some libraries pass over those that come after the own end.
pub(crate) async fn bring_session(mut stream: Tls, took: Duration) {
    let mut scrap = vec![0; 16_384];
    let mut left = MOST_SCRAP;
    let listen = async {
        while let Ok(n @ 1..) = stream.read(&mut scrap).await {
            left = left.saturating_sub(n);
            if left == 0 {
                break;
            }
        }
    };
    let _ = timeout(took * 2 + LEAST_WAIT, listen).await;
    let _ = timeout(LEAST_WAIT, stream.shutdown()).await;
}

/// What is left to send of `data`, of which so much was written early, now that the handshake is done.
pub(crate) fn left(stream: &Tls, data: &[u8], written: usize) -> Vec<u8> {
    match stream.negotiated().and_then(|facts| facts.early_data) {
        Some(EarlyData::Accepted) => data[written..].to_vec(),
        Some(EarlyData::Rejected) => {
            output::note("early data was rejected, and is sent again");
            data.to_vec()
        }
        Some(EarlyData::NotOffered) | None => {
            output::note("no session allows early data: it is sent after the handshake");
            data.to_vec()
        }
    }
}

/// Sends back what came early.
pub(crate) async fn echo(stream: &mut Tls) -> io::Result<()> {
    let mut buf = vec![0; 16_384];
    loop {
        let n = stream.read_early(&mut buf).await?;
        if n == 0 {
            return Ok(());
        }
        output::note(format!("{n} bytes came early"));
        stream.write_all(&buf[..n]).await?;
    }
}

/// How long to wait for tickets also of a server that is near.
const LEAST_WAIT: Duration = Duration::from_millis(300);
const MOST_SCRAP: usize = 1 << 20;
