//! The heads of requests.

use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, StatusCode, Version};
use polytls::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What a client asks for.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) head: http::Request<()>,
    /// Whether the connection ends after the answer.
    pub(super) is_last: bool,
}

impl Request {
    pub(super) fn wants_file(&self) -> bool {
        self.head.method() == Method::GET
    }
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    Request(Box<Request>),
    /// The client is done.
    End,
    /// What came cannot be understood, and nothing that follows can.
    Bad {
        status: StatusCode,
        why: String,
    },
}

/// What was received and is not understood yet.
#[derive(Debug, Default)]
pub(super) struct Heads(Vec<u8>);

impl Heads {
    /// Reads on until there is a whole head. Dropped before it is ready, it has lost nothing.
    pub(super) async fn next(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Result<Next, Error> {
        loop {
            match self.take() {
                Ok(Some(request)) => return Ok(Next::Request(Box::new(request))),
                Err((status, why)) => return Ok(Next::Bad { status, why }),
                Ok(None) if self.0.len() >= MOST => {
                    let why = format!("the head of a request is longer than {MOST} bytes");
                    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                    return Ok(Next::Bad { status, why });
                }
                Ok(None) => {}
            }
            let room = MOST - self.0.len();
            let n = (&mut *stream).take(room as u64).read_buf(&mut self.0).await?;
            if n == 0 {
                return Ok(match self.0.is_empty() {
                    true => Next::End,
                    false => {
                        let why = "the client ended in the middle of a request".to_owned();
                        Next::Bad { status: StatusCode::BAD_REQUEST, why }
                    }
                });
            }
        }
    }

    /// Takes a head that is whole.
    fn take(&mut self) -> Result<Option<Request>, (StatusCode, String)> {
        let bad = |why: String| (StatusCode::BAD_REQUEST, why);
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let end = match parsed.parse(&self.0) {
            Ok(httparse::Status::Complete(end)) => end,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(e) => return Err(bad(format!("not a request: {e}"))),
        };
        let (Some(method), Some(target), Some(minor)) =
            (parsed.method, parsed.path, parsed.version)
        else {
            return Err(bad("not a request".to_owned()));
        };
        let version = if minor == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
        let mut head = http::Request::builder().method(method).uri(target).version(version);
        for header in &*parsed.headers {
            let name = HeaderName::from_bytes(header.name.as_bytes());
            let value = HeaderValue::from_bytes(header.value);
            head = match (name, value) {
                (Ok(name), Ok(value)) => head.header(name, value),
                _ => return Err(bad(format!("not a header: {}", header.name))),
            };
        }
        let head = head.body(()).map_err(|e| bad(format!("not a request: {e}")))?;
        self.0.drain(..end);
        let is_last = version == Version::HTTP_10 || asks_to_close(&head) || has_body(&head);
        Ok(Some(Request { head, is_last }))
    }
}

fn asks_to_close(head: &http::Request<()>) -> bool {
    let values =
        head.headers().get_all(CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    let mut words = values.flat_map(|value| value.split(','));
    words.any(|word| word.trim().eq_ignore_ascii_case("close"))
}

/// Whether something follows that nobody here reads; then nothing after it is taken for a request.
fn has_body(head: &http::Request<()>) -> bool {
    let length = head.headers().get(CONTENT_LENGTH);
    head.headers().contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

/// How long the head of a request may be.
const MOST: usize = 64 << 10;
const MOST_HEADERS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(mut bytes: &[u8]) -> (Vec<Request>, Next) {
        let (mut heads, mut requests) = (Heads::default(), Vec::new());
        loop {
            match heads.next(&mut bytes).await.unwrap() {
                Next::Request(request) => requests.push(*request),
                end => return (requests, end),
            }
        }
    }

    #[tokio::test]
    async fn requests_that_come_together_are_told_apart() {
        let (requests, end) =
            all(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /b HTTP/1.1\r\n\r\n").await;
        let asked: Vec<_> =
            requests.iter().map(|r| (r.head.uri().path(), r.wants_file(), r.is_last)).collect();
        assert_eq!(asked, [("/a", true, false), ("/b", false, false)]);
        assert!(matches!(end, Next::End), "{end:?}");
    }

    #[tokio::test]
    async fn the_last_request_is_known() {
        for text in [
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            let (requests, _) = all(text.as_bytes()).await;
            assert!(requests[0].is_last, "{text}");
        }
        let (requests, _) = all(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n").await;
        assert!(!requests[0].is_last);
    }

    #[tokio::test]
    async fn a_head_that_is_no_request_or_has_no_end_is_refused() {
        for (bytes, code) in [
            (b"what is this?\r\n\r\n".to_vec(), 400),
            (b"GET / HTTP/1.1\r\nHost".to_vec(), 400),
            ([&b"GET / HTTP/1.1\r\nX: "[..], &vec![b'x'; MOST]].concat(), 431),
            ([&b"GET / HTTP/1.1\r\n"[..], &b"X: x\r\n".repeat(101), b"\r\n"].concat(), 400),
        ] {
            let (requests, end) = all(&bytes).await;
            assert!(requests.is_empty());
            assert!(matches!(end, Next::Bad { status, .. } if status == code), "{end:?}");
        }
    }
}
