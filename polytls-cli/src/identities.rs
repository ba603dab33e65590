//! The arguments that say who a server is.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};
use polytls::{Backend, Error, ErrorKind, Identity, Server, ServerConfig, Staple};

use crate::facts::to_pem;
use crate::failure::{Failure, Result};
use crate::key_password::Password;
use crate::output;

/// The identities of a server, in the order of the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdentityArgs(Vec<IdentityArg>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum IdentityArg {
    Files(Files),
    SelfSigned(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
    staple: Option<PathBuf>,
}

impl IdentityArgs {
    /// Makes those that are made on the spot, and prints them.
    pub(crate) fn make(&self) -> Result<Vec<Identity>> {
        let make = |arg: &IdentityArg| match arg {
            IdentityArg::Files(_) => None,
            IdentityArg::SelfSigned(names) => Some(self_signed(names)),
        };
        self.0.iter().filter_map(make).collect()
    }

    /// Reads the others, for `backend`, and gives all in the order of the command line.
    pub(crate) fn load(
        &self,
        made: &[Identity],
        password: &Password,
        backend: &dyn Backend,
    ) -> Result<Vec<Identity>> {
        let mut made = made.iter();
        let load = |arg: &IdentityArg| match arg {
            IdentityArg::Files(files) => Some(files.load(password, backend)),
            IdentityArg::SelfSigned(_) => made.next().cloned().map(Ok),
        };
        self.0.iter().filter_map(load).collect()
    }

    /// Whether any is read.
    pub(crate) fn has_files(&self) -> bool {
        self.0.iter().any(|arg| matches!(arg, IdentityArg::Files(_)))
    }

    /// Everything that is read.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let files = |arg: &IdentityArg| match arg {
            IdentityArg::Files(Files { cert, key, staple }) => {
                [Some(cert), Some(key), staple.as_ref()].map(Option::<&PathBuf>::cloned)
            }
            IdentityArg::SelfSigned(_) => [None, None, None],
        };
        self.0.iter().flat_map(files).flatten().collect()
    }
}

impl Files {
    fn load(&self, password: &Password, backend: &dyn Backend) -> Result<Identity> {
        let Self { cert, key, staple } = self;
        let identity = password.open(cert, key)?;
        // Tried alone: of several, an error would not say which is the unusable one.
        let alone = ServerConfig::builder(identity.clone()).build()?;
        let place = format!("{} with {}", cert.display(), key.display());
        Server::new(&alone, backend).map_err(Failure::at(place))?;
        match staple {
            Some(path) => Ok(identity.with_staple(read_staple(path)?)),
            None => Ok(identity),
        }
    }
}

/// What is wrong with it its clients find out; here it is only read.
fn read_staple(path: &Path) -> polytls::Result<Staple> {
    let unusable =
        |why: String| Error::new(ErrorKind::Config).because(format!("{}: {why}", path.display()));
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_STAPLE + 1).read_to_end(&mut bytes));
    read.map_err(|e| unusable(format!("cannot be read: {e}")))?;
    match bytes.len() as u64 {
        0 => Err(unusable("it is empty".into())),
        1..=MAX_STAPLE => Ok(Staple::new(bytes)),
        _ => Err(unusable(format!("an OCSP response has no more than {MAX_STAPLE} bytes"))),
    }
}

/// What fits into one message of a handshake, as most libraries limit it.
const MAX_STAPLE: u64 = 16_384;

fn self_signed(names: &[String]) -> Result<Identity> {
    let identity = Identity::self_signed(names)?;
    let facts = identity.leaf_facts();
    let addresses = facts.ip_addresses().iter().map(ToString::to_string);
    let names = facts.dns_names().iter().cloned().chain(addresses).collect::<Vec<_>>();
    let list = names.join(", ");
    output::note(format!("self-signed certificate for {list}, to be given to --ca:"));
    output::note(to_pem(identity.leaf()).trim_end());
    Ok(identity)
}

/// Reads `CERT,KEY[,STAPLE]`.
fn files(text: &str) -> Result<Files, String> {
    let parts = text.split(',').map(PathBuf::from).collect::<Vec<_>>();
    match &parts[..] {
        parts if parts.iter().any(|part| part.as_os_str().is_empty()) => {}
        [cert, key] => return Ok(Files { cert: cert.clone(), key: key.clone(), staple: None }),
        [cert, key, staple] => {
            return Ok(Files {
                cert: cert.clone(),
                key: key.clone(),
                staple: Some(staple.clone()),
            });
        }
        _ => {}
    }
    Err("expected CERT,KEY or CERT,KEY,STAPLE: two or three files".into())
}

// Written out, because the derived form forgets how the occurrences of different options are
// interleaved and where one list of names ends.
impl Args for IdentityArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        let path = || clap::value_parser!(PathBuf);
        command
            .arg(
                Arg::new("cert")
                    .long("cert")
                    .value_name("FILE")
                    .value_parser(path())
                    .action(ArgAction::Append)
                    .required_unless_present_any(["identity", "self_signed"])
                    .requires("key")
                    .help(
                        "A certificate and its chain, PEM, the own certificate first; repeat, \
                         each with a --key, for several identities",
                    ),
            )
            .arg(
                Arg::new("key")
                    .long("key")
                    .value_name("FILE")
                    .value_parser(path())
                    .action(ArgAction::Append)
                    .requires("cert")
                    .help("The private key of the --cert in the same place, PEM"),
            )
            .arg(
                Arg::new("identity")
                    .long("identity")
                    .value_name("CERT,KEY[,STAPLE]")
                    .value_parser(files)
                    .action(ArgAction::Append)
                    .help(
                        "A certificate and its chain, its private key, and an OCSP response (DER) to \
                         staple to it, in one argument; repeat for several identities",
                    ),
            )
            .arg(
                Arg::new("self_signed")
                    .long("self-signed")
                    .value_name("NAME")
                    .action(ArgAction::Append)
                    .num_args(1..)
                    .help(
                        "Make a certificate for these DNS names and IP addresses, and print it to \
                         standard error, to be given to --ca; repeat for several identities",
                    ),
            )
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for IdentityArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let paths = |id| matches.get_many::<PathBuf>(id).into_iter().flatten().cloned();
        let places = |id| matches.indices_of(id).into_iter().flatten();
        let all = matches.get_many::<Files>("identity").into_iter().flatten().cloned();
        let (certs, keys) = (paths("cert").count(), paths("key").count());
        if certs != keys {
            let why = format!("each --cert needs a --key: {certs} --cert, {keys} --key\n");
            return Err(clap::Error::raw(clap::error::ErrorKind::WrongNumberOfValues, why));
        }
        let mut list = paths("cert")
            .zip(paths("key"))
            .zip(places("cert"))
            .map(|((cert, key), at)| (at, Files { cert, key, staple: None }))
            .chain(places("identity").zip(all))
            .map(|(at, files)| (at, IdentityArg::Files(files)))
            .collect::<Vec<_>>();
        let mut places = places("self_signed");
        for names in matches.get_occurrences::<String>("self_signed").into_iter().flatten() {
            let names = names.cloned().collect::<Vec<_>>();
            let at = places.by_ref().take(names.len()).min().unwrap_or_default();
            list.push((at, IdentityArg::SelfSigned(names)));
        }
        list.sort_by_key(|(at, _)| *at);
        Ok(Self(list.into_iter().map(|(_, identity)| identity).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn identities(args: &str) -> Vec<IdentityArg> {
        let line = format!("polytls serve 127.0.0.1:0 --echo {args}");
        match Cli::try_parse_from(line.split_whitespace()).unwrap().command {
            Command::Serve(serve) => serve.identities.0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn identities_keep_the_order_of_the_command_line() {
        let files = |n: &str, staple: Option<&str>| {
            let (cert, key) = (n.into(), format!("{n}.key").into());
            IdentityArg::Files(Files { cert, key, staple: staple.map(Into::into) })
        };
        let made = |names: &[&str]| {
            IdentityArg::SelfSigned(names.iter().map(|name| (*name).to_owned()).collect())
        };
        assert_eq!(
            identities(
                "--self-signed a b --cert x --identity z,z.key,z.ocsp --key x.key --self-signed c \
                 --key y.key --cert y --identity v,v.key"
            ),
            [
                made(&["a", "b"]),
                files("x", None),
                files("z", Some("z.ocsp")),
                made(&["c"]),
                files("y", None),
                files("v", None)
            ]
        );
    }
}
