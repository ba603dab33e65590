//! The words for groups, `tls_config_set_ecdhecurves(3)` and `tls_config_set_dheparams(3)`.

use super::{Word, is_one_of, words};
use crate::{DhParams, Group, Result};

/// Parses `default`, `auto` or `none`, which all mean [`Group::DEFAULT`], as an empty list; or the names of
/// groups, best first, separated by `,` or `:`.
///
/// A name is IANA's (`x25519`, `secp256r1`), NIST's (`P-256`) or OpenSSL's (`prime256v1`), in any case;
/// blanks and tabs may stand before it. As in libtls no word switches the groups off.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for a name that is none, also an empty one, and for a
/// group that is there twice.
pub fn curves(text: &str) -> Result<Vec<Group>> {
    if is_one_of(text, &["default", "auto", "none"]) {
        return Ok(Vec::new());
    }
    let mut groups = Vec::new();
    for word in words(text, &[',', ':']) {
        let group = named(word)?;
        if groups.contains(&group) {
            return Err(word.refused("each group once"));
        }
        groups.push(group);
    }
    Ok(groups)
}

/// Parses what [`curves`] does, with one name at most (`tls_config_set_ecdhecurve`).
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for a name that is none, and for a list.
pub fn curve(text: &str) -> Result<Vec<Group>> {
    if let Some(at) = text.find([',', ':']) {
        return Err(Word { text: &text[at..], at }.refused("one name, not a list"));
    }
    curves(text)
}

/// Parses `none`, `auto` or `legacy`, in any case.
///
/// `legacy` means the same as `auto`: the 1024 bits that it stands for in libtls are less than any backend
/// here accepts.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for any other word.
pub fn dh_params(text: &str) -> Result<DhParams> {
    match text {
        text if is_one_of(text, &["none"]) => Ok(DhParams::None),
        text if is_one_of(text, &["auto", "legacy"]) => Ok(DhParams::Auto),
        text => Err(Word { text, at: 0 }.refused("none, auto or legacy")),
    }
}

fn named(word: Word<'_>) -> Result<Group> {
    let alias = ALIASES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word.text));
    match alias {
        Some((_, group)) => Ok(*group),
        None => word.text.parse().map_err(|_| word.refused("the name of a group")),
    }
}

/// NIST's names, and OpenSSL's.
const ALIASES: &[(&str, Group)] = &[
    ("P-256", Group::SECP256R1),
    ("prime256v1", Group::SECP256R1),
    ("P-384", Group::SECP384R1),
    ("P-521", Group::SECP521R1),
];
