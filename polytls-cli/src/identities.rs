//! The arguments that say who a server is.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};
use polytls::{Backend, Error, ErrorKind, Identity, Server, ServerConfig, ServerName};
use tls_conformance::Leaf;

use crate::facts::to_pem;
use crate::failure::{Failure, Result};
use crate::output;

/// The identities of a server, in the order of the command line.
#[derive(Debug, Default)]
pub(crate) struct IdentityArgs(Vec<IdentityArg>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum IdentityArg {
    Files { cert: PathBuf, key: PathBuf },
    SelfSigned(Vec<String>),
}

impl IdentityArgs {
    /// Reads or makes them, for `backend`.
    pub(crate) fn load(&self, backend: &dyn Backend) -> Result<Vec<Identity>> {
        self.0.iter().map(|identity| identity.load(backend)).collect()
    }
}

impl IdentityArg {
    fn load(&self, backend: &dyn Backend) -> Result<Identity> {
        match self {
            Self::Files { cert, key } => {
                let identity = Identity::from_pem_files(cert, key)?;
                // Tried alone: of several, an error would not say which is the unusable one.
                let alone = ServerConfig::builder(identity.clone()).build()?;
                let place = format!("{} with {}", cert.display(), key.display());
                Server::new(&alone, backend).map_err(Failure::at(place))?;
                Ok(identity)
            }
            Self::SelfSigned(names) => {
                let names = names.iter().map(|name| certificate_name(name));
                let names = names.collect::<polytls::Result<Vec<_>>>()?;
                let names = names.iter().map(String::as_str).collect::<Vec<_>>();
                let identity = Leaf::server(&names).self_signed();
                let list = names.join(", ");
                output::note(format!("self-signed certificate for {list}, to be given to --ca:"));
                output::note(to_pem(identity.leaf()).trim_end());
                Ok(identity)
            }
        }
    }
}

/// Checks a name that goes into a certificate, where it may also be a wildcard.
fn certificate_name(name: &str) -> polytls::Result<String> {
    match name.strip_prefix("*.") {
        None => Ok(ServerName::parse(name)?.to_string()),
        Some(parent) => match ServerName::parse(parent)?.as_dns() {
            Some(parent) => Ok(format!("*.{parent}")),
            None => Err(Error::new(ErrorKind::Config)
                .because(format!("'{name}': a wildcard stands before a DNS name only"))),
        },
    }
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
                    .required_unless_present("self_signed")
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
                    .help("The private key of the --cert in the same place, PEM, not encrypted"),
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
        let (certs, keys) = (paths("cert").count(), paths("key").count());
        if certs != keys {
            let why = format!("each --cert needs a --key: {certs} --cert, {keys} --key\n");
            return Err(clap::Error::raw(clap::error::ErrorKind::WrongNumberOfValues, why));
        }
        let mut list = paths("cert")
            .zip(paths("key"))
            .zip(places("cert"))
            .map(|((cert, key), at)| (at, IdentityArg::Files { cert, key }))
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
        let files = |n: &str| IdentityArg::Files { cert: n.into(), key: format!("{n}.key").into() };
        let made = |names: &[&str]| {
            IdentityArg::SelfSigned(names.iter().map(|name| (*name).to_owned()).collect())
        };
        assert_eq!(
            identities(
                "--self-signed a b --cert x --key x.key --self-signed c --key y.key --cert y"
            ),
            [made(&["a", "b"]), files("x"), made(&["c"]), files("y")]
        );
    }

    #[test]
    fn names_for_certificates_may_be_wildcards_and_addresses() {
        assert_eq!(certificate_name("*.Example.org").unwrap(), "*.example.org");
        assert_eq!(certificate_name("::1").unwrap(), "::1");
        for bad in ["*.127.0.0.1", "*", "a b", "*.*.example", ""] {
            assert_eq!(certificate_name(bad).unwrap_err().kind(), ErrorKind::Config, "{bad}");
        }
    }
}
