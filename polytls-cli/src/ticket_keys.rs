//! `polytls ticket-keys`: the file with the ticket keys of a fleet.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use polytls::TicketKeyFile;

use crate::failure::Result;
use crate::output;

#[derive(Args, Debug)]
#[command(after_help = "\
The file has a line for each key, the newest first: a number that tells keys apart, and 48 bytes in
hexadecimal. It is for its owner alone (mode 0600). Servers that were started with --ticket-keys FILE
notice a change within a second. A new key only decrypts until the next change, so that every
server has it before any encrypts with it; copies of the file have that long to arrive.

A ticket can be resumed for three changes at most. To change the keys every half of
--session-lifetime lets every session live for all of it.

Examples:
  polytls ticket-keys new keys
  polytls serve [::]:443 --cert site.pem --key site.key --www public --ticket-keys keys
  polytls ticket-keys rotate keys")]
pub(crate) struct TicketKeysCommand {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make FILE, with one key.
    New {
        /// Where there is no file yet.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Put a new key into FILE, and drop the oldest of more than four.
    ///
    /// The file is replaced at once; it is never there in part.
    Rotate {
        /// A file that 'new' has made.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub(crate) fn run(args: &TicketKeysCommand) -> Result {
    match &args.command {
        What::New { file } => {
            TicketKeyFile::create(file)?;
            output::line(format!("{}: a key of revision 1", file.display()))
        }
        What::Rotate { file } => {
            let revision = TicketKeyFile::rotate(file)?;
            output::line(format!("{}: a new key of revision {revision}", file.display()))
        }
    }
}
