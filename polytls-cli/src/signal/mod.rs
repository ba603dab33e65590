//! The signals that ask a program to stop.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::Stop;

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::Stop;
