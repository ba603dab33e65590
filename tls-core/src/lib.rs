//! One TLS interface, many TLS libraries: the part that knows no library.
//!
//! A [`Backend`] turns a [`ClientConfig`] or [`ServerConfig`] into sessions. A [`Session`] never
//! touches a socket: it trades bytes with the network through a [`Wire`] that is lent to it.
//! [`Connection`] joins the two and keeps the rules that must not depend on a library; [`Stream`]
//! is the one driver that joins a connection to a [`Transport`].
//!
//! Programs depend on the facade crate `polytls`, which re-exports all of this and adds the
//! backends. Authors of a backend depend on this crate and on `tls-conformance`.

mod alert;
mod alpn;
mod answer;
mod backend;
mod capability;
mod cipher_suite;
mod config;
mod connection;
mod early;
mod endpoint;
mod error;
mod events;
mod file;
mod group;
mod handshake;
mod held;
mod hello;
mod hex;
mod identity;
mod incoming;
mod judge;
mod kernel;
mod library;
mod name;
mod negotiated;
pub mod ocsp;
mod parameters;
mod pipe;
mod pool;
mod private_file;
mod rekey;
mod resumption;
mod revocation;
mod roots;
mod secrets;
mod serialize;
mod session;
mod stream;
mod strength;
mod tasks;
mod transport;
mod version;
mod wire;

pub use alert::Alert;
pub use alpn::{AlpnConfig, AlpnMismatch, AlpnOutcome, AlpnPreference, Protocols};
pub use answer::Answer;
pub use backend::{Acceptor, Backend, Connector, Supported};
pub use capability::{Capabilities, Capability};
pub use cipher_suite::CipherSuite;
pub use config::{
    Checks, ClientAuth, ClientConfig, ClientConfigBuilder, Clock, EndOfStream, Pin, Presented,
    ServerConfig, ServerConfigBuilder, StaplePolicy, Verification, Verifier, danger,
};
pub use connection::Connection;
pub use early::EarlyData;
pub use endpoint::{Client, Server};
pub use error::{Error, ErrorKind, Result};
pub use group::Group;
pub use handshake::Handshake;
pub use hello::ClientHello;
pub use identity::{
    AsyncSigner, Awaited, Completion, Identities, Identity, PrivateKey, SignatureScheme, Signer,
    Staple,
};
pub use incoming::{Incoming, IncomingStream};
pub use judge::{Evidence, Judge};
pub use kernel::{
    AsDescriptor, Descriptor, Direction, HandedOver, KernelCipher, KernelRefusal, KernelTls,
    KernelTransport, LaterKeys, ReceiveError, SendPath, TrafficKeys,
};
pub use name::ServerName;
pub use negotiated::Negotiated;
pub use parameters::{DhParams, Profile, SuiteOrder, keywords};
pub use pipe::{Pipe, pipe};
pub use pki_types;
pub use resumption::{
    FileStore, HeldSessions, MemoryStore, Resumption, SessionKey, SessionStore, Sessions,
    TicketKey, TicketKeyFile, TicketKeyFollower, TicketKeyNews, TicketKeySet, TicketKeySource,
    TicketKeys, Tickets,
};
pub use revocation::RevocationLists;
pub use roots::Roots;
pub use secrets::ChannelBinding;
pub use session::{Progress, Session};
pub use stream::{Parts, Stream};
pub use tls_pki as x509;
pub use tls_pki::CertificateError;
pub use transport::{
    Blocking, NonBlocking, NonBlockingSocket, SocketTimeouts, StdTransport, Transport,
};
pub use version::{Version, Versions};
pub use wire::Wire;
