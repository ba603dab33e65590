//! The name of a backend, in the spellings that it has in different places.

use std::fmt;

use anyhow::{Result, bail};

/// A name that is well formed and free, such as `new-lib`.
#[derive(Debug)]
pub(super) struct Name(String);

impl Name {
    /// Checks `name` against the house's rules, and against the texts that it will stand in.
    pub(super) fn new(name: &str, known: &[&str]) -> Result<Self> {
        let is_word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.split('-').all(is_word) {
            bail!(
                "'{name}' is no name for a backend: \
                 lower-case letters and digits, a letter first, with single hyphens between words"
            );
        }
        if name.len() > MAX_LEN {
            bail!("'{name}' is too long for a name: {MAX_LEN} letters are the most");
        }
        let name = Self(name.to_owned());
        if KEYWORDS.contains(&name.snake().as_str()) {
            bail!("'{name}' is no name for a backend: it is a word of Rust's own");
        }
        // What is defined, imported or used there under one of the names would clash with it.
        let taken = [format!("fn {}(", name.snake()), name.upper(), name.camel()];
        let prelude = ["Some", "None", "Ok", "Err", "Vec", "String", "Iterator"];
        let clashes = |word: &str| known.iter().any(|text| has_word(text, word));
        match taken.iter().find(|word| clashes(word) || prelude.contains(&word.as_str())) {
            Some(word) => bail!("the name '{name}' is taken: {word} means something already"),
            None => Ok(name),
        }
    }

    /// `tls-new-lib`
    pub(super) fn crate_name(&self) -> String {
        format!("tls-{}", self.0)
    }

    /// `new_lib`
    pub(super) fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `NEW_LIB`
    pub(super) fn upper(&self) -> String {
        self.snake().to_ascii_uppercase()
    }

    /// `NewLib`
    pub(super) fn camel(&self) -> String {
        let words = self.0.split('-').filter_map(|word| word.split_at_checked(1));
        words.map(|(first, rest)| first.to_ascii_uppercase() + rest).collect()
    }

    /// A template's text, with this name in place of `new-lib`.
    pub(super) fn fill(&self, template: &str) -> String {
        template
            .replace("new-lib", &self.0)
            .replace("new_lib", &self.snake())
            .replace("NEW_LIB", &self.upper())
            .replace("NewLib", &self.camel())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `word` stands in `text`, not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let ends_open = word.ends_with(is_part);
        !(before.is_some_and(is_part) || ends_open && after.is_some_and(is_part))
    })
}

/// Enough for a library's name; the line that names the feature still fits.
const MAX_LEN: usize = 24;

/// Words that cannot name a function (Rust reference, "Keywords").
const KEYWORDS: &[&str] = &[
    "abstract",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    concat!("un", "safe"),
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_four_spellings() {
        let name = Name::new("new2-tls-lib", &[]).unwrap();
        let all = name.fill("new-lib new_lib NEW_LIB NewLib tls-new-lib");
        assert_eq!(all, "new2-tls-lib new2_tls_lib NEW2_TLS_LIB New2TlsLib tls-new2-tls-lib");
        assert_eq!(name.crate_name(), "tls-new2-tls-lib");
    }

    #[test]
    fn bad_names_are_refused_and_said_to_be() {
        let long = "a".repeat(MAX_LEN + 1);
        for bad in ["", "-", "Wolf", "wolf_ssl", "wolf ssl", "3wolf", "-wolf", "wolf-", "wolf--ssl"]
        {
            let e = Name::new(bad, &[]).unwrap_err().to_string();
            assert!(e.contains("lower-case letters"), "{bad}: {e}");
        }
        for (bad, why) in [(long.as_str(), "too long"), ("match", "Rust's own"), ("some", "taken")]
        {
            let e = Name::new(bad, &[]).unwrap_err().to_string();
            assert!(e.contains(why), "{bad}: {e}");
        }
    }

    #[test]
    fn a_name_that_would_clash_is_refused() {
        let text = "pub fn by_name(name: &str) -> Result<&dyn Backend>; static ALL";
        for bad in ["by-name", "backend", "all", "result"] {
            let e = Name::new(bad, &[text]).unwrap_err().to_string();
            assert!(e.contains("taken"), "{bad}: {e}");
        }
        Name::new("name", &[text]).unwrap();
    }
}
