//! What of a handshake can be seen in clear.

use tls_core::{ClientHello, Progress, Result, SignatureScheme};

use crate::pair::{Pair, take_pending};
use crate::raw;

/// What each side has sent by the end of the handshake.
pub(super) struct Sent {
    pub(super) client: Vec<u8>,
    pub(super) server: Vec<u8>,
}

/// Drives both sides until both are done, and keeps what they send.
pub(super) fn handshake(pair: &mut Pair) -> Result<Sent> {
    let mut sent = Sent { client: Vec::new(), server: Vec::new() };
    for _ in 0..1000 {
        let client = pair.client.handshake()?;
        let flight = take_pending(&mut pair.client);
        pair.server.wire().feed(&flight);
        sent.client.extend(&flight);
        let server = pair.server.handshake()?;
        let answer = take_pending(&mut pair.server);
        pair.client.wire().feed(&answer);
        sent.server.extend(&answer);
        let done = (client, server) == (Progress::Ready(()), Progress::Ready(()));
        if done && flight.is_empty() && answer.is_empty() {
            return Ok(sent);
        }
    }
    panic!("the handshake does not end");
}

/// What a client says first.
pub(super) fn hello(pair: &mut Pair) -> Result<ClientHello> {
    assert_eq!(pair.client.handshake()?, Progress::WantRead);
    Ok(ClientHello::read(pair.client.wire().pending())?.expect("a whole ClientHello"))
}

/// The first handshake message of this type that is in clear.
pub(super) fn message(sent: &[u8], kind: u8) -> Option<Vec<u8>> {
    let clear = raw::records(sent).into_iter().take_while(|record| record[0] == HANDSHAKE);
    let clear = clear.flat_map(|record| &record[5..]).copied().collect::<Vec<_>>();
    let mut rest = clear.as_slice();
    while let [of, a, b, c, body @ ..] = rest {
        let (body, after) = body.split_at_checked(u32::from_be_bytes([0, *a, *b, *c]) as usize)?;
        if *of == kind {
            return Some(body.to_vec());
        }
        rest = after;
    }
    None
}

/// By what a server has signed its key exchange on a curve (RFC 8422 §5.4).
pub(super) fn signed_by_server(sent: &Sent) -> SignatureScheme {
    let body = message(&sent.server, raw::SERVER_KEY_EXCHANGE).expect("a key exchange");
    let at = 4 + usize::from(body[3]);
    SignatureScheme(u16::from_be_bytes([body[at], body[at + 1]]))
}

/// By what a client has signed the handshake (RFC 5246 §7.4.8).
pub(super) fn signed_by_client(sent: &Sent) -> SignatureScheme {
    let body = message(&sent.client, raw::CERTIFICATE_VERIFY).expect("a signature");
    SignatureScheme(u16::from_be_bytes([body[0], body[1]]))
}

/// What a server that asks for a certificate accepts signatures by (RFC 5246 §7.4.4).
pub(super) fn asked_of_clients(sent: &[u8]) -> Vec<SignatureScheme> {
    let body = message(sent, CERTIFICATE_REQUEST).expect("a request");
    let at = 1 + usize::from(body[0]);
    let length = usize::from(u16::from_be_bytes([body[at], body[at + 1]]));
    let pairs = body[at + 2..][..length].chunks_exact(2);
    pairs.map(|pair| SignatureScheme(u16::from_be_bytes([pair[0], pair[1]]))).collect()
}

const HANDSHAKE: u8 = 22;
const CERTIFICATE_REQUEST: u8 = 13;
