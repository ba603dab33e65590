//! TLS records made by hand, for what no well-behaved peer sends.

/// A record of this content type with this payload, whatever they are.
pub(crate) fn record(content_type: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    [&[content_type, 3, 3][..], &length, payload].concat()
}

/// A fatal alert in clear.
pub(crate) fn alert(description: u8) -> Vec<u8> {
    record(21, &[2, description])
}
