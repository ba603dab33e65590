//! The arguments.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use polytls::{Backend, Roots, backend};

use crate::checks::{CheckArgs, RevocationArgs};
use crate::early::{ClientEarlyData, ServerEarlyData};
use crate::failure::Failure;
use crate::identities::IdentityArgs;
use crate::key_password::KeyPasswordArg;
use crate::ktls::{ClientKtls, ServerKtls};
use crate::ocsp::{ClientStaple, Ocsp, ServerStaple};
use crate::parameters::{ChoiceArgs, ParameterArgs};
use crate::secrets::{Export, KeyLogArg};
use crate::serve::TicketArgs;
use crate::sessions::SessionArgs;
use crate::starttls::StarttlsArgs;
use crate::ticket_keys::TicketKeysCommand;
use crate::transport::HostPort;

/// One TLS API over many TLS libraries: try them, connect, serve, and see what they promise.
#[derive(Debug, Parser)]
#[command(name = "polytls", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the TLS libraries in this build and what each can do.
    Backends(Backends),
    /// Run the suite of promises on every pair of TLS libraries.
    Conformance(Conformance),
    /// Connect to a TLS server: standard input to the peer, the peer to standard output.
    Connect(Box<Connect>),
    /// Let every TLS library talk to every other, and to itself, on this machine.
    ///
    /// For each pair: a fresh certificate authority, a handshake in which both sides present
    /// certificates, ALPN, 16 MiB each way, and a proper close both ways. One table at the end.
    Demo,
    /// Ask an OCSP responder whether a certificate has been revoked, and explain what it says.
    Ocsp(Box<Ocsp>),
    /// Run a TLS server that echoes, or that serves the files of a directory.
    Serve(Box<Serve>),
    /// Make and change the file with the ticket keys of servers that resume one another's sessions.
    TicketKeys(TicketKeysCommand),
}

#[derive(Args, Debug)]
pub(crate) struct Backends {
    /// Print a JSON list of {name, library, capabilities, client, server} instead of tables; client
    /// and server are the capabilities that mean something on that side.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Every ordered pair of the chosen libraries runs, one as the client, one as the server. A case that
concerns one side only runs where a library is paired with itself. A case that needs what a library
says it lacks must be refused by exactly that, and counts as refused.

Examples:
  polytls conformance
  polytls conformance --backend rustls --filter closing::
  polytls conformance --json report.json
  polytls conformance --limbo limbo.json --markdown limbo.md
  polytls conformance --html report.html --junit report.xml")]
pub(crate) struct Conformance {
    /// A library to include; repeat for more. All in this build if left out.
    #[arg(long = "backend", value_name = "B")]
    pub(crate) backends: Vec<String>,
    /// Run only the cases whose name contains S.
    #[arg(long, value_name = "S")]
    pub(crate) filter: Option<String>,
    /// Ask about the certificate chains in FILE instead, a corpus in the format of x509-limbo: each is
    /// presented in a handshake, and verified by each library and by the uniform verifier.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["html", "junit", "self_only"])]
    pub(crate) limbo: Option<PathBuf>,
    /// Pair each library with itself only.
    #[arg(long)]
    pub(crate) self_only: bool,
    /// Write everything to FILE as one page for a browser, which needs nothing beside itself.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write every outcome to FILE as a JSON list.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write every outcome to FILE as JUnit XML: a test suite a pair. A refused case counts as
    /// passed, for the refusal was tested; its output and the property 'refused' name the capability.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write what each library can do to FILE as Markdown: capability by side and library, as it
    /// says itself and as the cases showed. No times, no patch levels: for comparing.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
The end of standard input is told to the peer (close_notify), and what the peer still sends is
read. The command ends when the peer ends; what standard input has not given by then is not read.
Facts and errors go to standard error.

Exit codes: 0 after a verified handshake and the peer's close_notify, 1 if TLS or the network
failed, 2 for bad usage or unreadable input.

Examples:
  polytls connect example.org:443 --alpn http/1.1
  polytls connect mail.example.org:587 --starttls smtp
  polytls connect 127.0.0.1:8443 --servername localhost --ca ca.pem < request.txt
  polytls connect old.example.org:443 --profile legacy --ciphers AES128-SHA
  polytls connect [::1]:8443 --ca ca.pem --cert me.pem --key me.key --facts facts.json
  polytls connect 127.0.0.1:8443 --ca ca.pem --count 3 --facts facts.json < request.txt
  polytls connect 127.0.0.1:8443 --ca ca.pem --backend openssl --session sessions < request.txt")]
pub(crate) struct Connect {
    /// Where to connect to. Every address of a name is tried in turn.
    #[arg(value_name = "HOST:PORT")]
    pub(crate) peer: HostPort,
    #[command(flatten)]
    pub(crate) backend: BackendArg,
    /// The name to ask for (SNI) and to find in the certificate; HOST if left out.
    #[arg(long, value_name = "NAME")]
    pub(crate) servername: Option<String>,
    /// Trust only the certificates in this PEM file, or in the PEM files of this directory; repeat
    /// for more. What the system trusts (or SSL_CERT_FILE and SSL_CERT_DIR name) if left out.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) ca: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) starttls: StarttlsArgs,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// A client certificate and its chain, PEM, the own certificate first.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert, PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key_password: KeyPasswordArg,
    /// Accept a certificate that nobody trusted vouches for. Name and dates are still verified.
    #[arg(long)]
    pub(crate) insecure_no_verify_cert: bool,
    /// Accept a certificate for another name. Chain and dates are still verified.
    #[arg(long)]
    pub(crate) insecure_no_verify_name: bool,
    /// Accept a certificate that has expired or is not valid yet. Chain and name are still verified.
    #[arg(long)]
    pub(crate) insecure_no_verify_time: bool,
    #[command(flatten)]
    pub(crate) staple: ClientStaple,
    #[command(flatten)]
    pub(crate) early: ClientEarlyData,
    #[command(flatten)]
    pub(crate) ktls: ClientKtls,
    /// Exit with 0 also if the connection ends without close_notify, cut short perhaps. Some web
    /// servers end so when they are done.
    #[arg(long)]
    pub(crate) allow_truncation: bool,
    /// Write the facts of the connection to FILE as JSON; what is not known is null.
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    /// Export keying material (RFC 5705, RFC 8446): LEN bytes for LABEL, with a context if there is one.
    /// It is shown in hexadecimal digits among the facts; repeat for more.
    #[arg(long, value_name = "LABEL:LEN[:CONTEXT-HEX]")]
    pub(crate) export: Vec<Export>,
    #[command(flatten)]
    pub(crate) keylog: KeyLogArg,
    #[command(flatten)]
    pub(crate) checks: CheckArgs,
    #[command(flatten)]
    pub(crate) sessions: SessionArgs,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Prints 'listening on ADDR' once ready; with port 0 the system chooses a port, and ADDR tells it. A
connection that fails prints one line to standard error and disturbs no other; a handshake has 30 s.
SIGINT and SIGTERM stop the server: connections are closed properly, and it exits with 0.

ADDR comes first: what follows --self-signed is taken for names.

With several identities a client gets the first whose certificate has the name it asks for (SNI),
else the first of all.

With --reload a change of any file that says who the server is or whom it trusts is put in place within
two seconds, as a whole, and at once at SIGHUP. Connections go on as they began. Files that are
unusable are said to be so on standard error, and change nothing.

With --ticket-keys the keys follow their source whatever --reload says. While it is away or unusable, the
keys in place stay, which is said on standard error; handshakes do not wait for it.

With --www the protocol is HTTP/1.1, offered by ALPN as http/1.1 unless --alpn says otherwise.
Symbolic links below DIR are followed, wherever they lead.
Clients that do not use ALPN are served; those that offer only other protocols are refused.
Each request is a line on standard error. If a file was sent, it says which way: 'kernel', or
'user space' and why the kernel has not the records.

Examples:
  polytls serve 127.0.0.1:8443 --self-signed localhost 127.0.0.1 --echo
  polytls serve [::]:443 --cert site.pem --key site.key --www public
  polytls serve [::]:443 --identity a.pem,a.key --identity b.pem,b.key --www public --reload
  polytls serve [::]:443 --cert site.pem --key site.key --www public --ticket-keys keys
  polytls serve 127.0.0.1:0 --cert s.pem --key s.key --client-ca ca.pem --echo --connections 1")]
pub(crate) struct Serve {
    /// The address and port to listen on, such as 127.0.0.1:8443 or 0.0.0.0:443.
    #[arg(value_name = "ADDR")]
    pub(crate) address: HostPort,
    #[command(flatten)]
    pub(crate) backend: BackendArg,
    #[command(flatten)]
    pub(crate) identities: IdentityArgs,
    #[command(flatten)]
    pub(crate) key_password: KeyPasswordArg,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    #[command(flatten)]
    pub(crate) choices: ChoiceArgs,
    /// Ask clients for a certificate, and verify it against the certificates in this PEM file, or
    /// in the PEM files of this directory; repeat for more.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) client_ca: Vec<PathBuf>,
    /// What to do about client certificates; 'require' if --client-ca is given, else 'none'.
    #[arg(long, value_name = "HOW")]
    pub(crate) client_auth: Option<ClientAuthArg>,
    #[command(flatten)]
    pub(crate) staple: ServerStaple,
    #[command(flatten)]
    pub(crate) revocation: RevocationArgs,
    #[command(flatten)]
    pub(crate) keylog: KeyLogArg,
    #[command(flatten)]
    pub(crate) tickets: TicketArgs,
    /// Follow the files of the identities and authorities, and the lists of --crl.
    #[arg(long)]
    pub(crate) reload: bool,
    #[command(flatten)]
    pub(crate) early: ServerEarlyData,
    /// Send back whatever comes.
    #[arg(long, required_unless_present = "www", conflicts_with = "www")]
    pub(crate) echo: bool,
    /// Serve the files of a directory over HTTP/1.1.
    #[arg(long, value_name = "DIR")]
    pub(crate) www: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) ktls: ServerKtls,
    /// Accept N connections, serve them to their end, and exit with 0. Failed ones count.
    #[arg(long, value_name = "N")]
    pub(crate) connections: Option<NonZeroU64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ClientAuthArg {
    /// Do not ask.
    None,
    /// Ask, verify what is given, and serve clients without one.
    Request,
    /// Ask, verify what is given, and refuse clients without one.
    Require,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct BackendArg {
    /// The TLS library to use. If left out: the only one in this build; of several, rustls if it
    /// is there, else the first by name. 'polytls backends' lists them.
    #[arg(long = "backend", value_name = "B")]
    name: Option<String>,
}

impl BackendArg {
    pub(crate) fn choose(&self) -> polytls::Result<&'static dyn Backend> {
        match &self.name {
            Some(name) => backend::by_name(name),
            None => backend::by_name("rustls").or_else(|_| match backend::all() {
                [first, ..] => Ok(*first),
                [] => backend::only(), // whose error says what to do
            }),
        }
    }
}

#[derive(Args, Clone, Debug)]
pub(crate) struct TlsArgs {
    /// Application protocols (ALPN), best first, separated by commas.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) alpn: Vec<String>,
    #[command(flatten)]
    pub(crate) parameters: ParameterArgs,
}

/// The certificates in these files and directories, and no others.
pub(crate) fn roots(paths: &[PathBuf]) -> polytls::Result<Roots> {
    let add = |roots: Roots, path: &PathBuf| match Path::is_dir(path) {
        true => roots.with_pem_dir(path),
        false => roots.with_pem_file(path),
    };
    paths.iter().try_fold(Roots::empty(), add)
}

/// What the arguments say together makes no sense.
pub(crate) fn usage(why: impl Into<String>) -> Failure {
    Failure::Usage(why.into())
}

const EXIT_CODES: &str = "\
Exit codes: 0 success, 1 TLS or the network failed, 2 bad usage or unreadable input; 'polytls ocsp'
has more.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Cli::command().debug_assert();
    }
}
