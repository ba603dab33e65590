//! What can come of a word.

use std::io;

use tls_core::Error;

/// Why a word was not done.
///
/// The first five are written as lem-ssl writes them, which programs in Lua compare with.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WordError {
    /// The stream has been closed before.
    #[error("already closed")]
    AlreadyClosed,
    /// Another thread is at a word of this stream.
    #[error("busy")]
    Busy,
    /// The stream is closed, or the peer has said all and closed its side.
    #[error("closed")]
    Closed,
    /// Somebody has interrupted the word. Nothing is lost.
    #[error("interrupted")]
    Interrupted {
        /// How many bytes of a write were taken, and will be sent with the next word; 0 for other words.
        written: usize,
    },
    /// Nobody is waiting whom one could interrupt.
    #[error("not busy")]
    NotBusy,
    /// There is no end within so many bytes. They are there, for
    /// [`available`](crate::LineStream::available).
    #[error("no end within {limit} bytes")]
    TooLong {
        /// The [limit](crate::Lines::set_limit).
        limit: usize,
    },
    /// The connection failed.
    #[error(transparent)]
    Tls(#[from] Error),
}

impl From<io::Error> for WordError {
    fn from(e: io::Error) -> Self {
        Self::Tls(e.into())
    }
}
