//! Hexadecimal digits.

/// The bytes of these digits; `None` if one is no digit, or half a byte is left.
pub(crate) fn decode(digits: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| (c as char).to_digit(16).map(|digit| digit as u8);
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}
