//! What a client is answered.

use std::fs::File;
use std::time::SystemTime;

use http::header::{CONTENT_LENGTH, CONTENT_RANGE};
use http::response::Parts;
use http::{HeaderMap, Response, StatusCode};

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    head: Parts,
    /// What follows the head, if that was not all that was asked for.
    pub(super) file: Option<Part>,
}

/// A part of a file.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) file: File,
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Answer {
    pub(super) fn new(head: Parts, file: Option<Part>) -> Self {
        Self { head, file }
    }

    /// An answer without a file.
    pub(super) fn refusal(status: StatusCode) -> Self {
        let (mut head, ()) = Response::new(()).into_parts();
        head.status = status;
        Self { head, file: None }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.head.status
    }

    /// What is sent before the file.
    pub(super) fn head(&self, last: bool) -> Vec<u8> {
        let Parts { status, headers, .. } = &self.head;
        let reason = status.canonical_reason().unwrap_or_default();
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
        for (name, value) in headers {
            let line = [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"];
            head.extend(line.concat());
        }
        // RFC 9110 §8.6: the length of what would have been sent, or none.
        if !headers.contains_key(CONTENT_LENGTH) && *status != StatusCode::NOT_MODIFIED {
            head.extend(b"content-length: 0\r\n");
        }
        if last {
            head.extend(b"connection: close\r\n");
        }
        let date = httpdate::fmt_http_date(SystemTime::now());
        head.extend(format!("date: {date}\r\n\r\n").into_bytes());
        head
    }
}

/// Where in a file that is which these headers announce, and how much of it.
pub(super) fn range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let len = headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    let offset = match headers.get(CONTENT_RANGE) {
        None => 0,
        Some(range) => {
            range.to_str().ok()?.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()?
        }
    };
    Some((offset, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_a_file_says_so() {
        let head = String::from_utf8(Answer::refusal(StatusCode::NOT_FOUND).head(true)).unwrap();
        assert!(head.starts_with("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n"), "{head}");
        assert!(head.contains("\r\nconnection: close\r\ndate: ") && head.ends_with("\r\n\r\n"));
    }

    #[test]
    fn the_part_of_a_file_is_the_one_that_is_announced() {
        let mut headers = HeaderMap::new();
        assert_eq!(range(&headers), None);
        headers.insert(CONTENT_LENGTH, "5".parse().unwrap());
        assert_eq!(range(&headers), Some((0, 5)));
        headers.insert(CONTENT_RANGE, "bytes 7-11/20".parse().unwrap());
        assert_eq!(range(&headers), Some((7, 5)));
    }
}
