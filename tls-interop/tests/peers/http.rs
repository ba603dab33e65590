//! As much of HTTP/1.1 as the programs need to be spoken to.

use std::io::Read;

use crate::ours::Tls;

/// The head of a message.
pub(crate) struct Head {
    pub(crate) first_line: String,
    fields: Vec<(String, String)>,
}

impl Head {
    /// Receives one, and not a byte of what follows.
    pub(crate) fn receive(tls: &mut Tls) -> Self {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            tls.read_exact(&mut byte).unwrap();
            text.extend_from_slice(&byte);
        }
        let text = String::from_utf8(text).unwrap();
        let mut lines = text.lines();
        let first_line = lines.next().unwrap().to_owned();
        let fields = lines.filter_map(|line| line.split_once(':'));
        let fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().into()));
        Self { first_line, fields: fields.collect() }
    }

    /// The value of a field; its name is in small letters.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The number in a response's first line.
    pub(crate) fn status(&self) -> u16 {
        self.first_line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn content_length(&self) -> usize {
        self.field("content-length").unwrap().parse().unwrap()
    }
}
