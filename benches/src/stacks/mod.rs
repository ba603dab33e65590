//! The stacks that are compared: each library by itself, polytls on it, and what people put on it today.

mod boring;
mod native;
mod openssl;
mod ours;
mod rustls;

use std::error::Error;
use std::io;
use std::task::Poll;

use polytls::Backend;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::end::End;
use crate::ffi::{Side, as_side};
use crate::io::Io;

/// Anything that went wrong, to be printed and nothing else.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The libraries, by the names of their backends.
pub(crate) const LIBRARIES: &[&str] = &["rustls", "openssl", "boring", "native"];

/// The name of each library by itself.
pub(crate) const RAW: &str = "raw";
/// The name of polytls on a library.
pub(crate) const OURS: &str = "polytls";

/// Makes one side over a transport.
type Make = Box<dyn Fn(Io) -> Result<Box<dyn End>> + Send + Sync>;

/// One way to speak TLS: compiled configurations, good for any number of connections.
pub(crate) struct Stack {
    pub(crate) name: &'static str,
    client: Make,
    server: Make,
}

impl Stack {
    fn new(
        name: &'static str,
        client: impl Fn(Io) -> Result<Box<dyn End>> + Send + Sync + 'static,
        server: impl Fn(Io) -> Result<Box<dyn End>> + Send + Sync + 'static,
    ) -> Self {
        Self { name, client: Box::new(client), server: Box::new(server) }
    }

    pub(crate) fn client(&self, io: Io) -> Result<Box<dyn End>> {
        as_side(Side::Client, || (self.client)(io))
    }

    pub(crate) fn server(&self, io: Io) -> Result<Box<dyn End>> {
        as_side(Side::Server, || (self.server)(io))
    }
}

/// The key of the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    EcdsaP256,
    Rsa2048,
}

/// What a handshake negotiates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) key: Key,
    /// X25519 with ML-KEM-768, instead of X25519 alone.
    pub(crate) hybrid: bool,
    /// Whether sessions are kept and tickets given.
    pub(crate) resume: bool,
}

impl Setup {
    pub(crate) const PLAIN: Self = Self { key: Key::EcdsaP256, hybrid: false, resume: false };
}

/// A server's certificate, its key and the root above it.
pub(crate) struct Credentials {
    pub(crate) root_pem: String,
    pub(crate) root_der: Vec<u8>,
    pub(crate) leaf_pem: String,
    pub(crate) leaf_der: Vec<u8>,
    pub(crate) key_pem: String,
}

/// The name that the certificate is for.
pub(crate) const NAME: &str = "localhost";

impl Credentials {
    pub(crate) fn new(key: Key) -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "Root of the benches");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = match key {
            Key::EcdsaP256 => KeyPair::generate()?,
            Key::Rsa2048 => {
                let rsa = ::openssl::pkey::PKey::from_rsa(::openssl::rsa::Rsa::generate(2048)?)?;
                KeyPair::from_pem(&String::from_utf8(rsa.private_key_to_pem_pkcs8()?)?)?
            }
        };
        let leaf = CertificateParams::new([NAME.to_owned()])?.signed_by(&key, &authority)?;
        Ok(Self {
            root_pem: authority.pem(),
            root_der: authority.der().to_vec(),
            leaf_pem: leaf.pem(),
            leaf_der: leaf.der().to_vec(),
            key_pem: key.serialize_pem(),
        })
    }
}

/// The backend of that name.
pub(crate) fn backend(library: &str) -> &'static dyn Backend {
    match library {
        "rustls" => polytls::backend::rustls(),
        "openssl" => polytls::backend::openssl(),
        "boring" => polytls::backend::boring(),
        _ => polytls::backend::native(),
    }
}

/// All stacks on `library`, itself first; none if it cannot do what `setup` asks for.
pub(crate) fn stacks(library: &str, setup: Setup, with: &Credentials) -> Result<Vec<Stack>> {
    let backend = backend(library);
    if !ours::can(backend, setup) {
        return Ok(Vec::new());
    }
    let mut stacks = match library {
        "rustls" => rustls::stacks(setup, with)?,
        "openssl" => openssl::stacks(setup, with)?,
        "boring" => boring::stacks(setup, with)?,
        _ => native::stacks(with)?,
    };
    let ours = ours::stacks(backend, setup, with)?;
    stacks.splice(1..1, ours);
    Ok(stacks)
}

/// Moves both sides through the handshake.
pub(crate) fn shake_hands(client: &mut dyn End, server: &mut dyn End) -> Result<()> {
    for _ in 0..MOST_STEPS {
        let done = as_side(Side::Client, || client.handshake());
        let other = as_side(Side::Server, || server.handshake());
        if check(done)?.is_ready() && check(other)?.is_ready() {
            return Ok(());
        }
    }
    Err("the handshake does not end".into())
}

/// Gives the error, if that is what came.
fn check(polled: Poll<io::Result<()>>) -> Result<Poll<()>> {
    match polled {
        Poll::Pending => Ok(Poll::Pending),
        Poll::Ready(result) => Ok(Poll::Ready(result?)),
    }
}

/// More steps than any handshake needs, also over a socket that is not ready yet.
const MOST_STEPS: usize = 1_000_000;
