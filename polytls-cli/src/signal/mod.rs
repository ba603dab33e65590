//! The signals that ask a program to stop, or to read its files again.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{Hangup, Stop};

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::{Hangup, Stop};
