//! As much of XML as XMPP has before TLS (RFC 6120 §11.1): no comments, no processing instructions, no
//! document types, and no entities but in text that nobody reads.

use super::Fault;
use crate::MAX_LINE;

/// A piece of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `<?xml …?>`.
    Declaration,
    Open(Tag),
    Close(String),
    /// Text, and whether it is only white space.
    Text(bool),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    /// It is closed again at once.
    pub(super) empty: bool,
}

/// The first piece of `input` and its length; `None` if it is not whole.
pub(super) fn token(input: &[u8]) -> Result<Option<(Token, usize)>, Fault> {
    let malformed = || Fault::malformed(input);
    if input.first() != Some(&b'<') {
        let end = input.iter().position(|byte| *byte == b'<').unwrap_or(input.len());
        let blank = input[..end].iter().all(|byte| is_space(*byte));
        return Ok((end > 0).then_some((Token::Text(blank), end)));
    }
    let mut quote = None;
    let end = input.iter().position(|byte| {
        match (quote, *byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == byte => quote = None,
            (None, b'>') => return true,
            (None | Some(_), _) => {}
        }
        false
    });
    // Comments and document types need not come to their end to be refused.
    if input.get(1) == Some(&b'!') {
        return Err(malformed());
    }
    let Some(end) = end else { return Ok(None) };
    if end >= MAX_LINE {
        return Err(Fault::too_long(input));
    }
    let text = std::str::from_utf8(&input[1..end]).map_err(|_| malformed())?;
    let token = match text.as_bytes() {
        [b'?', ..] => {
            let inside = text.strip_prefix("?xml ").and_then(|rest| rest.strip_suffix('?'));
            inside.map(|_| Token::Declaration)
        }
        [b'/', ..] => {
            let name = text[1..].trim_end_matches(SPACE);
            is_name(name).then(|| Token::Close(name.to_owned()))
        }
        _ => tag(text).map(Token::Open),
    };
    token.map(|token| Some((token, end + 1))).ok_or_else(malformed)
}

/// What stands between the brackets of a tag that opens.
fn tag(text: &str) -> Option<Tag> {
    let (text, empty) = match text.strip_suffix('/') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (name, mut rest) = text.split_at(text.find(SPACE).unwrap_or(text.len()));
    if !is_name(name) {
        return None;
    }
    let mut attributes = Vec::<(String, String)>::new();
    loop {
        let trimmed = rest.trim_start_matches(SPACE);
        if trimmed.is_empty() {
            return Some(Tag { name: name.to_owned(), attributes, empty });
        }
        // White space is between attributes.
        if trimmed.len() == rest.len() {
            return None;
        }
        let (attribute, value) = trimmed.split_once('=')?;
        let attribute = attribute.trim_end_matches(SPACE);
        let value = value.trim_start_matches(SPACE);
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, after) = value[1..].split_once(quote)?;
        let twice = attributes.iter().any(|(other, _)| other == attribute);
        if !is_name(attribute) || value.contains('<') || twice {
            return None;
        }
        attributes.push((attribute.to_owned(), value.to_owned()));
        rest = after;
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.');
    name.chars().all(allowed) && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn is_space(byte: u8) -> bool {
    SPACE.contains(&char::from(byte))
}

const SPACE: &[char] = &[' ', '\t', '\r', '\n'];

/// The elements that are open, with the namespaces that they declare.
#[derive(Debug, Default)]
pub(super) struct Open(Vec<(String, Vec<(String, String)>)>);

impl Open {
    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    /// Opens an element, and tells its namespace and its own name; `None` if a prefix was never declared,
    /// or it is too deep.
    pub(super) fn open(&mut self, tag: &Tag) -> Option<(String, String)> {
        if self.0.len() >= MAX_DEPTH {
            return None;
        }
        let declared = tag.attributes.iter().filter_map(|(name, value)| match name.as_str() {
            "xmlns" => Some((String::new(), value.clone())),
            _ => name.strip_prefix("xmlns:").map(|prefix| (prefix.to_owned(), value.clone())),
        });
        self.0.push((tag.name.clone(), declared.collect()));
        let (prefix, own) = tag.name.split_once(':').unwrap_or(("", &tag.name));
        let mut inner_first = self.0.iter().rev().flat_map(|(_, declared)| declared);
        let namespace = inner_first.find(|(other, _)| other == prefix).map(|(_, uri)| uri.clone());
        match namespace {
            Some(namespace) => Some((namespace, own.to_owned())),
            None => prefix.is_empty().then(|| (String::new(), own.to_owned())),
        }
    }

    /// Closes the innermost element, if that is its name.
    pub(super) fn close(&mut self, name: &str) -> bool {
        self.0.pop().is_some_and(|(open, _)| open == name)
    }
}

const MAX_DEPTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<Token> {
        token(text.as_bytes()).unwrap().map(|(token, taken)| {
            assert_eq!(taken, text.len());
            token
        })
    }

    #[test]
    fn tags_are_read_with_their_attributes() {
        let Some(Token::Open(tag)) = one("<a:b x='1>' xmlns:a = \"u\"\n/>") else { panic!() };
        assert_eq!((tag.name.as_str(), tag.empty), ("a:b", true));
        let attributes = [("x", "1>"), ("xmlns:a", "u")];
        assert_eq!(tag.attributes, attributes.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(Open::default().open(&tag), Some(("u".into(), "b".into())));
        assert_eq!(one("</b >"), Some(Token::Close("b".into())));
        assert_eq!(one("<?xml version='1.0'?>"), Some(Token::Declaration));
        assert_eq!((one(" \n"), one("x")), (Some(Token::Text(true)), Some(Token::Text(false))));
        for part in ["", "<", "<a", "<a b='>'", "</a", "<?xml ?"] {
            assert_eq!(one(part), None);
        }
    }

    #[test]
    fn what_xmpp_forbids_is_refused() {
        let long = format!("<a b='{}'>", "x".repeat(MAX_LINE));
        for bad in [
            "<!-- a",
            "<!DOCTYPE a>",
            "<?php ?>",
            "<>",
            "< a>",
            "<a b>",
            "<a b=c>",
            "<a b='1'c='2'>",
            "<a b='1' b='2'>",
            "<a b='<'>",
            "</>",
            "</a b>",
            "<1>",
            "<a\u{0}>",
            &long,
        ] {
            assert!(token(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(token(b"<\xff>").is_err());
    }

    #[test]
    fn a_prefix_is_looked_up_from_the_inside() {
        let mut open = Open::default();
        let mut enter = |text: &str| {
            let Some(Token::Open(tag)) = one(text) else { panic!("{text}") };
            open.open(&tag).map(|(namespace, _)| namespace)
        };
        assert_eq!(enter("<s:a xmlns='x' xmlns:s='y'>").as_deref(), Some("y"));
        assert_eq!(enter("<b>").as_deref(), Some("x"));
        assert_eq!(enter("<b xmlns='z'>").as_deref(), Some("z"));
        assert_eq!(enter("<t:b>"), None);
        assert_eq!(open.depth(), 4);
        assert!(open.close("t:b") && open.close("b") && !open.close("other"));
        let Some(Token::Open(tag)) = one("<a>") else { panic!() };
        let opened = (0..=MAX_DEPTH).filter(|_| open.open(&tag).is_some()).count();
        assert_eq!(opened, MAX_DEPTH - 1);
    }
}
