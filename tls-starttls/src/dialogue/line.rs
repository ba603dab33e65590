//! Lines, and the replies made of them.

use super::Fault;
use crate::MAX_LINE;

/// The first line of `input` without its end, and how long it is with it; `None` if it is not whole.
///
/// It ends in CR LF, and nothing else ends one: whom a lone LF deceives, somebody else deceives with it.
pub(super) fn line(input: &[u8]) -> Result<Option<(&[u8], usize)>, Fault> {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    if end >= MAX_LINE {
        return Err(Fault::too_long(input));
    }
    match input[..end].split_last() {
        Some((b'\r', line)) if !line.iter().any(|byte| matches!(byte, b'\r' | 0)) => {
            Ok(Some((line, end + 1)))
        }
        _ => Err(Fault::malformed(&input[..end])),
    }
}

/// A line, and what literals follow in it: `{5}`, CR LF, five bytes, and the line goes on
/// (RFC 9051 §4.3, RFC 5804 §1.2). Gives the part before the first of them.
pub(super) fn line_with_literals(input: &[u8]) -> Result<Option<(&[u8], usize)>, Fault> {
    let Some((first, mut end)) = line(input)? else { return Ok(None) };
    let mut part = first;
    while let Some(length) = literal(part) {
        // The engine says that it is too long once that much has come.
        let begin = end.saturating_add(length);
        if begin > MAX_LINE {
            return Err(Fault::too_long(first));
        }
        let Some(rest) = input.get(begin..) else { return Ok(None) };
        let Some((next, taken)) = line(rest)? else { return Ok(None) };
        end = begin + taken;
        if end > MAX_LINE {
            return Err(Fault::too_long(first));
        }
        part = next;
    }
    Ok(Some((first, end)))
}

/// The length of the literal that a line announces at its end.
fn literal(line: &[u8]) -> Option<usize> {
    let inside = line.strip_suffix(b"}")?;
    let begin = inside.iter().rposition(|byte| *byte == b'{')?;
    let digits = &inside[begin + 1..];
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    Some(digits.parse().unwrap_or(usize::MAX))
}

/// A line that begins with a code of three digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply<'a> {
    pub(super) code: u16,
    /// No other line of this reply follows.
    pub(super) last: bool,
    pub(super) text: &'a [u8],
}

/// Reads `250 text`, `250-text` or `250` (RFC 5321 §4.2, RFC 959 §4.2).
pub(super) fn reply(line: &[u8]) -> Option<Reply<'_>> {
    let (code, rest) = line.split_at_checked(3)?;
    let (b'1'..=b'5', true) = (code[0], code.iter().all(u8::is_ascii_digit)) else { return None };
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest {
        [] => Some(Reply { code, last: true, text: b"" }),
        [b' ', text @ ..] => Some(Reply { code, last: true, text }),
        [b'-', text @ ..] => Some(Reply { code, last: false, text }),
        _ => None,
    }
}

/// Whether the first word is this, in whatever case.
pub(super) fn begins_with_word(text: &[u8], word: &str) -> bool {
    let first = text.split(|byte| matches!(byte, b' ' | b'\t')).next();
    first.is_some_and(|first| first.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cr_lf_ends_a_line() {
        assert_eq!(line(b"a b\r\nc").unwrap(), Some((&b"a b"[..], 5)));
        assert_eq!(line(b"\r\n").unwrap(), Some((&b""[..], 2)));
        for part in [&b""[..], b"a", b"a\r"] {
            assert_eq!(line(part).unwrap(), None);
        }
        for bad in [&b"\n"[..], b"a\n", b"a\rb\r\n", b"a\0\r\n", b"a\r\r\n"] {
            assert!(line(bad).is_err(), "{bad:?}");
        }
        let mut long = vec![b'a'; MAX_LINE - 1];
        long.extend(b"\r\n");
        assert!(line(&long).is_err());
        assert!(line(&long[1..]).unwrap().is_some());
    }

    #[test]
    fn literals_are_passed_over() {
        let whole = b"A {3}\r\n\r\nB {2+}\r\nOK\r\nnext";
        let length = whole.len() - 4;
        assert_eq!(line_with_literals(whole).unwrap(), Some((&b"A {3}"[..], length)));
        for part in 0..length {
            assert_eq!(line_with_literals(&whole[..part]).unwrap(), None);
        }
        assert_eq!(line_with_literals(b"{x}\r\n").unwrap(), Some((&b"{x}"[..], 5)));
        for long in [&b"{9999}\r\n"[..], b"{99999999999999999999999}\r\n"] {
            assert!(line_with_literals(long).is_err());
        }
    }

    #[test]
    fn replies_have_a_code_and_may_go_on() {
        let told = |line| reply(line).map(|Reply { code, last, text }| (code, last, text));
        assert_eq!(told(b"250-a b"), Some((250, false, &b"a b"[..])));
        assert_eq!(told(b"250 "), Some((250, true, &b""[..])));
        assert_eq!(told(b"250"), Some((250, true, &b""[..])));
        for bad in [&b""[..], b"25", b"25x a", b"650 a", b"2500", b"250_a", b" 250 a", b"050 a"] {
            assert!(told(bad).is_none(), "{bad:?}");
        }
    }
}
