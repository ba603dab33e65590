//! The edits, each from a file's text to its new text. Manifests keep their comments and their
//! order; Rust is edited at lines that must be there exactly once.

use anyhow::{Context, Result, bail};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Key, Table, Value, value};

use super::name::Name;

/// The member, and where to find it.
pub(super) fn workspace(text: &str, name: &Name) -> Result<String> {
    let mut document = parse(text)?;
    let krate = name.crate_name();
    push_sorted(array(&mut document, &["workspace", "members"])?, &krate)?;
    let version = item(&mut document, &["workspace", "package", "version"])?;
    let version = version.as_str().context("workspace.package.version is no text")?.to_owned();
    let mut dependency = InlineTable::new();
    dependency.insert("path", krate.as_str().into());
    dependency.insert("version", version.into());
    insert_among(table(&mut document, &["workspace", "dependencies"])?, &krate, value(dependency));
    Ok(document.to_string())
}

/// The feature, the dependency, and the feature on docs.rs.
pub(super) fn facade(text: &str, name: &Name) -> Result<String> {
    let mut document = parse(text)?;
    let krate = name.crate_name();
    let feature = Array::from_iter([format!("dep:{krate}")]);
    // At the end: the backends from this house come first.
    let features = table(&mut document, &["features"])?;
    if features.contains_key(&name.to_string()) {
        bail!("the name '{name}' is taken: there is a feature called so");
    }
    features.insert(&name.to_string(), value(feature));
    let mut dependency = InlineTable::new();
    dependency.insert("workspace", true.into());
    dependency.insert("optional", true.into());
    insert_among(table(&mut document, &["dependencies"])?, &krate, value(dependency));
    let shown = array(&mut document, &["package", "metadata", "docs", "rs", "features"])?;
    shown.push(name.to_string());
    Ok(document.to_string())
}

pub(super) fn program(text: &str, name: &Name) -> Result<String> {
    let mut document = parse(text)?;
    let feature = Array::from_iter([format!("polytls/{name}")]);
    let features = table(&mut document, &["features"])?;
    insert_among(features, &name.to_string(), value(feature));
    Ok(document.to_string())
}

pub(super) fn interop(text: &str, name: &Name) -> Result<String> {
    let mut document = parse(text)?;
    let features = array(&mut document, &["dev-dependencies", "polytls", "features"])?;
    features.push(name.to_string());
    Ok(document.to_string())
}

/// The value, the function, and the entry in the list of all.
pub(super) fn facade_backends(text: &str, name: &Name) -> Result<String> {
    let fill = |text: &str| name.fill(&text.replace("FEATURE", FEATURE));
    let text = before_line(text, "/// Every backend in this build", &fill(BLOCK))?;
    extend_list(&text, "static ALL: &[&dyn Backend] =", &fill("#[cfg(FEATURE)] &NEW_LIB"))
}

/// In two pieces, so that the check of places does not take this file for one.
const FEATURE: &str = concat!("feature", " = \"new-lib\"");

const BLOCK: &str = r#"cfg_if! {
    if #[cfg(FEATURE)] {
        pub use tls_new_lib::NewLib;

        static NEW_LIB: NewLib = NewLib::new();

        /// new-lib, called `new-lib`.
        pub fn new_lib() -> &'static dyn Backend {
            &NEW_LIB
        }
    }
}

"#;

/// The row in the table of features.
pub(super) fn facade_table(text: &str, name: &Name) -> Result<String> {
    let row = name.fill("//! | `new-lib` | `new-lib`: not written yet | not known yet |\n");
    let Some(last) = text.rmatch_indices("\n//! | `").next() else {
        bail!("there is no table of features");
    };
    let end = text[last.0 + 1..].find('\n').context("the table of features does not end")?;
    let at = last.0 + 1 + end + 1;
    Ok(format!("{}{row}{}", &text[..at], &text[at..]))
}

/// The crate's floor, and the facade's right to stand on it.
pub(super) fn floors(text: &str, name: &Name) -> Result<String> {
    let row = name.fill("    (\"tls-new-lib\", &[\"tls-core\"]),\n");
    let text = before_line(text, "    (\"polytls\", ", &row)?;
    extend_list(&text, "const UNDER_FACADE: &[&str] =", &format!("\"{}\"", name.crate_name()))
}

/// The feature combinations that the gate goes through.
pub(super) fn gate(text: &str, name: &Name) -> Result<String> {
    extend_list(text, "const BACKENDS: &[&str] =", &format!("\"{name}\""))
}

fn parse(text: &str) -> Result<DocumentMut> {
    Ok(text.parse::<DocumentMut>()?)
}

/// What stands at `path`, which must be there.
fn item<'a>(document: &'a mut DocumentMut, path: &[&str]) -> Result<&'a mut Item> {
    let mut item = document.as_item_mut();
    for key in path {
        let next = item.as_table_like_mut().and_then(|table| table.get_mut(key));
        item = next.with_context(|| format!("there is no {}", path.join(".")))?;
    }
    Ok(item)
}

fn table<'a>(document: &'a mut DocumentMut, path: &[&str]) -> Result<&'a mut Table> {
    let what = || format!("{} is no table", path.join("."));
    item(document, path)?.as_table_mut().with_context(what)
}

fn array<'a>(document: &'a mut DocumentMut, path: &[&str]) -> Result<&'a mut Array> {
    let what = || format!("{} is no list", path.join("."));
    item(document, path)?.as_array_mut().with_context(what)
}

/// Puts a text in a sorted list, in the manner of the entry that it goes before.
fn push_sorted(array: &mut Array, entry: &str) -> Result<()> {
    let at = array.iter().position(|other| other.as_str().is_some_and(|other| other > entry));
    let at = at.unwrap_or(array.len());
    let neighbour = array.get(at).or(array.get(0)).context("the list is empty")?;
    let decor = neighbour.decor().clone();
    let mut entry = Value::from(entry);
    *entry.decor_mut() = decor;
    array.insert_formatted(at, entry);
    Ok(())
}

/// Puts an entry behind the last one of its kind (the same word before the first hyphen) that sorts
/// before it; without any of the kind behind the last that sorts before it; else at the end.
fn insert_among(table: &mut Table, key: &str, item: Item) {
    let kind = |key: &str| key.split_once('-').map(|(kind, _)| kind.to_owned());
    let keys = table.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>();
    let of_kind = keys
        .iter()
        .rposition(|other| kind(key).is_some() && kind(other) == kind(key) && other.as_str() < key);
    let before = keys.iter().rposition(|other| other.as_str() < key);
    let at = of_kind.or(before).map_or(keys.len(), |i| i + 1);
    let mut entries = Vec::new();
    for key in &keys {
        entries.extend(table.remove_entry(key));
    }
    entries.insert(at, (Key::new(key), item));
    for (key, item) in entries {
        table.insert_formatted(&key, item);
    }
}

/// Puts `new` before the one line that begins with `line`.
fn before_line(text: &str, line: &str, new: &str) -> Result<String> {
    let at = only(text, &format!("\n{line}"))? + 1;
    Ok(format!("{}{new}{}", &text[..at], &text[at..]))
}

/// Adds `entry` to the first list behind `opening`, and sorts the list. rustfmt does the rest.
fn extend_list(text: &str, opening: &str, entry: &str) -> Result<String> {
    let behind = only(text, opening)? + opening.len();
    let bracket =
        text[behind..].find('[').with_context(|| format!("no list behind `{opening}`"))?;
    let begin = behind + bracket + 1;
    let (mut depth, mut from, mut entries) = (0_usize, begin, Vec::new());
    for (i, c) in text[begin..].char_indices().map(|(i, c)| (begin + i, c)) {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' if depth > 0 => depth -= 1,
            ',' | ']' if depth == 0 => {
                entries.push(text[from..i].trim());
                from = i + 1;
            }
            _ => {}
        }
        if c == ']' && depth == 0 && from == i + 1 {
            entries.push(entry);
            entries.retain(|entry| !entry.is_empty());
            entries.sort_unstable();
            return Ok(format!("{}{}{}", &text[..begin], entries.join(", "), &text[i..]));
        }
    }
    bail!("the list behind `{opening}` does not end");
}

/// Where `what` stands, which must be in one place only.
fn only(text: &str, what: &str) -> Result<usize> {
    let mut places = text.match_indices(what).map(|(at, _)| at);
    match (places.next(), places.next()) {
        (Some(at), None) => Ok(at),
        (None, _) => bail!("there is no `{}`; has it moved?", what.trim_start()),
        (Some(_), Some(_)) => bail!("there is more than one `{}`", what.trim_start()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_grow_in_order_whatever_is_in_them() {
        let list =
            "static ALL: &[X] = &[\n    #[cfg(a, b)]\n    &A,\n    #[cfg(c)]\n    &C,\n];\nrest";
        let longer = extend_list(list, "static ALL: &[X] =", "#[cfg(b)] &B").unwrap();
        assert_eq!(
            longer,
            "static ALL: &[X] = &[#[cfg(a, b)]\n    &A, #[cfg(b)] &B, #[cfg(c)]\n    &C];\nrest"
        );
        assert_eq!(extend_list("x = [];", "x =", "1").unwrap(), "x = [1];");
        for bad in ["y = []", "x = [1, 2", "x = [] x = []"] {
            assert!(extend_list(bad, "x =", "3").is_err(), "{bad}");
        }
    }

    #[test]
    fn manifests_keep_their_comments_and_groups() {
        let name = Name::new("mid", &[]).unwrap();
        let before = "\
[workspace]
members = [
    \"a\",
    \"tls-zoo\",
]

[workspace.package]
version = \"1.2.3\"

[workspace.dependencies]
# Ours.
tls-core = \"1\"
tls-zoo = \"1\"

# Others'.
anyhow = \"1\"
";
        let after = before.replace("    \"tls-zoo\"", "    \"tls-mid\",\n    \"tls-zoo\"").replace(
            "tls-zoo = ",
            "tls-mid = { path = \"tls-mid\", version = \"1.2.3\" }\ntls-zoo = ",
        );
        assert_eq!(workspace(before, &name).unwrap(), after);
        assert!(workspace("[package]\n", &name).is_err());
    }
}
