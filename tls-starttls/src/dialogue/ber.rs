//! As much of BER as LDAP has (RFC 4511 §5.1): definite lengths, tags of one byte.

use super::Fault;
use crate::MAX_LINE;

/// A tag and its content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// How long it is with its header.
    pub(super) taken: usize,
}

/// The first element of `input`; `None` if it is not whole.
pub(super) fn element(input: &[u8]) -> Result<Option<Element<'_>>, Fault> {
    let [tag, first, rest @ ..] = input else { return Ok(None) };
    // Tags of several bytes have all of these bits.
    if tag & 0x1f == 0x1f {
        return Err(Fault::malformed(input));
    }
    let (length, header) = match first {
        0..=0x7f => (usize::from(*first), 2),
        // One to four bytes; there is no indefinite length.
        0x81..=0x84 => {
            let count = usize::from(first & 0x7f);
            let Some(bytes) = rest.get(..count) else { return Ok(None) };
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), 2 + count)
        }
        _ => return Err(Fault::malformed(input)),
    };
    let taken = length.saturating_add(header);
    if taken > MAX_LINE {
        return Err(Fault::too_long(input));
    }
    let content = input.get(header..taken);
    Ok(content.map(|content| Element { tag: *tag, content, taken }))
}

/// All elements of a content, which has nothing else.
pub(super) fn elements(mut content: &[u8]) -> Result<Vec<Element<'_>>, Fault> {
    let mut elements = Vec::new();
    while !content.is_empty() {
        let found = element(content)?.ok_or_else(|| Fault::malformed(content))?;
        content = &content[found.taken..];
        elements.push(found);
    }
    Ok(elements)
}

/// A number that is not negative.
pub(super) fn number(content: &[u8]) -> Option<u32> {
    match content {
        [] | [0x80..=0xff, ..] => None,
        _ if content.len() > 4 => None,
        _ => Some(content.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_definite_and_bounded() {
        let told = |input| element(input).map(|found| found.map(|e| (e.tag, e.content, e.taken)));
        assert_eq!(told(&[4, 1, 7, 9]).unwrap(), Some((4, &[7][..], 3)));
        assert_eq!(told(&[4, 0x82, 0, 1, 7]).unwrap(), Some((4, &[7][..], 5)));
        for part in [&[][..], &[4], &[4, 1], &[4, 0x82, 0], &[4, 0x81, 1]] {
            assert_eq!(told(part).unwrap(), None);
        }
        for bad in [&[0x30, 0x80][..], &[4, 0x85, 0, 0, 0, 0, 1], &[0x1f, 1, 1], &[4, 0xff]] {
            assert!(told(bad).is_err(), "{bad:?}");
        }
        assert!(told(&[4, 0x84, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert_eq!(
            [&[0][..], &[1, 0], &[0x80], &[], &[0; 5]].map(number),
            [Some(0), Some(256), None, None, None]
        );
    }
}
