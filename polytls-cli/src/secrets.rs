//! The arguments about what a connection's secrets are good for beside its records.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use polytls::danger::KeyLog;
use polytls::{Backend, Capability, Error, ErrorKind};
use serde_json::{Value, json};

use crate::cli::usage;
use crate::failure::{Failure, Result};
use crate::output;
use crate::transport::Tls;

/// For clients and servers.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyLogArg {
    /// Append the secrets of connections to FILE, in the format that Wireshark reads. Whoever has them
    /// can read and forge everything. SSLKEYLOGFILE is not looked at.
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,
}

impl KeyLogArg {
    pub(crate) fn open(&self) -> polytls::Result<Option<KeyLog>> {
        self.keylog.as_deref().map(KeyLog::file).transpose()
    }

    pub(crate) fn warn(&self) {
        if let Some(path) = &self.keylog {
            let what = "whoever has it can read what is said";
            output::note(format!("warning: --keylog {}: {what}", path.display()));
        }
    }
}

/// What to export, as `LABEL:LEN[:CONTEXT-HEX]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Export {
    label: String,
    length: usize,
    context: Option<Vec<u8>>,
}

/// What was exported.
#[derive(Debug)]
pub(crate) struct Exported {
    wanted: Export,
    material: Vec<u8>,
}

impl Export {
    /// Refuses what `backend` cannot do, before anybody is connected to.
    pub(crate) fn check(all: &[Self], backend: &dyn Backend) -> polytls::Result<()> {
        let what = Capability::Exporter;
        match all.is_empty() || backend.capabilities().contains(what) {
            true => Ok(()),
            false => {
                let why = format!("--export needs it, and {} lacks it", backend.name());
                Err(Error::new(ErrorKind::Unsupported(what)).because(why))
            }
        }
    }

    /// Exports from a connection whose handshake is done.
    pub(crate) fn from(&self, stream: &Tls) -> Result<Exported> {
        let mut material = vec![0; self.length];
        let exported = stream.export_keying_material(
            &mut material,
            self.label.as_bytes(),
            self.context.as_deref(),
        );
        match exported {
            Ok(()) => Ok(Exported { wanted: self.clone(), material }),
            Err(e) if e.kind() == ErrorKind::Misuse => Err(usage(format!("--export: {e}"))),
            Err(e) => Err(Failure::from(e)),
        }
    }
}

impl FromStr for Export {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let mut parts = s.split(':');
        let (label, length) = (parts.next().unwrap_or_default(), parts.next());
        let (context, rest) = (parts.next(), parts.next());
        let length = length.ok_or("LABEL:LEN or LABEL:LEN:CONTEXT-HEX is expected")?;
        if rest.is_some() {
            return Err("there are more than three parts between colons".into());
        }
        if label.is_empty() || !label.is_ascii() {
            return Err("the label is to be some characters of ASCII".into());
        }
        let length = length.parse().ok().filter(|length| (1..=MOST).contains(length));
        Ok(Self {
            label: label.to_owned(),
            length: length.ok_or_else(|| format!("the length is to be 1 to {MOST} bytes"))?,
            context: context.map(bytes_of).transpose()?,
        })
    }
}

impl Exported {
    /// One line for people.
    pub(crate) fn to_line(&self) -> String {
        format!("  {:<12}{} {}", "export", self.wanted.label, hex(&self.material))
    }

    pub(crate) fn to_json(&self) -> Value {
        let Export { label, length, context } = &self.wanted;
        json!({
            "context": context.as_deref().map(hex),
            "label": label,
            "length": length,
            "value": hex(&self.material),
        })
    }
}

fn bytes_of(hex: &str) -> Result<Vec<u8>, String> {
    let digit = |c: &u8| char::from(*c).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
        _ => None,
    };
    let bytes = hex.as_bytes().chunks(2).map(pair).collect::<Option<_>>();
    bytes.ok_or_else(|| "the context is to be hexadecimal digits, two for each byte".into())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // into memory
        text
    })
}

/// What HKDF gives with SHA-256 (RFC 5869 §2.3).
const MOST: usize = 255 * 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_export_is_read_or_refused() {
        let export = |s: &str| s.parse::<Export>();
        let plain = export("EXPERIMENTAL a:32").unwrap();
        assert_eq!((&*plain.label, plain.length, plain.context), ("EXPERIMENTAL a", 32, None));
        assert_eq!(export("a:1:").unwrap().context, Some(vec![]));
        assert_eq!(export("a:8160:00fFa5").unwrap().context, Some(vec![0, 0xff, 0xa5]));
        for bad in [
            "",
            "a",
            "a:",
            ":1",
            "a:0",
            "a:8161",
            "a:-1",
            "a:x",
            "ä:1",
            "a:1:0",
            "a:1:0g",
            "a:1:ä",
            "a:1:00:",
            "a:99999999999999999999",
        ] {
            export(bad).unwrap_err();
        }
        assert_eq!(hex(&bytes_of("00ffa5").unwrap()), "00ffa5");
    }
}
