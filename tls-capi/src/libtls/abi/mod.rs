//! The functions of libtls, as C calls them: each converts, and calls what stands above this folder.

mod config;
mod connection;
mod context;
mod keypairs;
mod ocsp;
mod parameters;
mod peer;

pub(super) use crate::boundary::{
    Argument, Buffer, Bytes, Handle, Out, OutBytes, OutText, ReadCallback, Returned, Text,
    WriteCallback,
};
