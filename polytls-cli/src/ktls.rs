//! Records that the kernel encrypts and decrypts: whether it may, whether it can, and whether it does.

use clap::{Args, ValueEnum};
use polytls::{Capability, Error, ErrorKind, KernelRefusal, KernelTls, SendPath};
use serde_json::{Value, json};
use tls_kernel::{Suite, Support, Version};

use crate::failure::Result;
use crate::transport::Tls;

/// The argument of a server.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ServerKtls {
    /// Whether the kernel may encrypt and decrypt the records (kTLS), which it then does from the first
    /// file of --www on; what a client gets is the same. on: no connection goes without it, and a server
    /// whose kernel or library has it not does not start.
    #[arg(long, value_name = "HOW", value_enum, default_value_t = How::Auto)]
    ktls: How,
}

/// The argument of a client.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ClientKtls {
    /// Whether the kernel may encrypt and decrypt the records (kTLS), which it then does once the
    /// handshake is done. on: the connection fails without it.
    #[arg(long, value_name = "HOW", value_enum, default_value_t = How::Off)]
    ktls: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    /// Where kernel and library can.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl How {
    fn wanted(self) -> KernelTls {
        match self {
            Self::Auto => KernelTls::Auto,
            Self::On => KernelTls::Required,
            Self::Off => KernelTls::Off,
        }
    }

    fn check(self) -> Result {
        match (self, tls_kernel::support()) {
            (Self::On, Err(kind)) => {
                let why = format!("--ktls on: {}", KernelRefusal::NoUlp(kind));
                let e = Error::new(ErrorKind::Unsupported(Capability::KernelTls));
                Err(e.because(why).into())
            }
            _ => Ok(()),
        }
    }
}

impl ServerKtls {
    /// What the configuration says.
    pub(crate) fn wanted(self) -> KernelTls {
        self.ktls.wanted()
    }

    /// Refuses a kernel that can never do what it must.
    pub(crate) fn check(self) -> Result {
        self.ktls.check()
    }

    /// Gives the records to the kernel, if they are never to go another way.
    pub(crate) async fn begin(self, stream: &mut Tls) -> Result<(), Error> {
        if self.ktls == How::On { switch(stream, self.ktls).await } else { Ok(()) }
    }
}

impl ClientKtls {
    /// What the configuration says.
    pub(crate) fn wanted(self) -> KernelTls {
        self.ktls.wanted()
    }

    /// Refuses a kernel that can never do what it must.
    pub(crate) fn check(self) -> Result {
        self.ktls.check()
    }

    /// Gives the records to the kernel, if they may go that way.
    pub(crate) async fn begin(self, stream: &mut Tls) -> Result<(), Error> {
        if self.ktls == How::Off { Ok(()) } else { switch(stream, self.ktls).await }
    }
}

async fn switch(stream: &mut Tls, how: How) -> Result<(), Error> {
    match (stream.kernel().await?, how) {
        (SendPath::UserSpace, How::On) => {
            let e = Error::new(ErrorKind::Unsupported(Capability::KernelTls));
            let why = stream.kernel_refusal().map(|why| why.to_string());
            Err(e.because(format!("--ktls on: {}", why.unwrap_or_default())))
        }
        _ => Ok(()),
    }
}

/// Whether the kernel has the records of a connection, and why not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    path: SendPath,
    refusal: Option<KernelRefusal>,
}

impl Way {
    pub(crate) fn of(stream: &Tls) -> Self {
        Self { path: stream.send_path(), refusal: stream.kernel_refusal() }
    }

    /// In a line.
    pub(crate) fn to_line(self) -> String {
        match self {
            Self { path, refusal: Some(why) } => format!("{path} ({why})"),
            Self { path, refusal: None } => path.to_string(),
        }
    }
}

/// What the facts say: of the kernel of this machine, and of a connection if there is one.
pub(crate) fn to_json(way: Option<Way>) -> Value {
    let kernel = match tls_kernel::support() {
        Ok(support) => json!({ "suites": suites(support), "rekeys": support.rekeys() }),
        Err(_) => Value::Null,
    };
    let path = way.map(|way| match way.path {
        SendPath::Kernel => "kernel",
        SendPath::UserSpace => "user-space",
    });
    let refused = way.and_then(|way| way.refusal).map(|why| why.to_string());
    json!({ "kernel": kernel, "path": path, "refused": refused })
}

/// What a kernel knows, as in `TLSv1.3 AES-128-GCM`.
fn suites(support: &Support) -> Vec<String> {
    let versions = [(Version::Tls12, "TLSv1.2"), (Version::Tls13, "TLSv1.3")];
    let suites = [
        (Suite::Aes128Gcm, "AES-128-GCM"),
        (Suite::Aes256Gcm, "AES-256-GCM"),
        (Suite::Chacha20Poly1305, "CHACHA20-POLY1305"),
    ];
    let all = versions.into_iter().flat_map(|version| suites.map(|suite| (version, suite)));
    let known = all.filter(|(version, suite)| support.knows(version.0, suite.0));
    known.map(|(version, suite)| format!("{} {}", version.1, suite.1)).collect()
}
