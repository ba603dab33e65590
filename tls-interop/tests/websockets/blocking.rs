//! tungstenite over a blocking stream.

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use polytls::{Blocking, ErrorKind, Stream};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, WebSocket, accept, client};

use crate::{Ends, NAME, SIZES, URL, message};

type Socket = WebSocket<Stream<Blocking<TcpStream>>>;

/// A client, and what `serve` makes of its server, in another thread.
fn connected<R: Send + 'static>(
    ends: Ends,
    serve: impl FnOnce(Socket) -> R + Send + 'static,
) -> (Socket, thread::JoinHandle<R>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = ends.server;
    let serving = thread::spawn(move || {
        let tcp = patient(listener.accept().unwrap().0);
        serve(accept(server.accept(Blocking::new(tcp)).unwrap()).unwrap())
    });
    let tcp = patient(TcpStream::connect(address).unwrap());
    let stream = ends.client.connect(NAME, Blocking::new(tcp)).unwrap();
    let (socket, response) = client(URL, stream).unwrap();
    assert_eq!(response.status(), 101);
    (socket, serving)
}

/// Who waits for ever fails.
fn patient(tcp: TcpStream) -> TcpStream {
    tcp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    tcp
}

pub(crate) fn messages_of_all_sizes_come_back(ends: Ends) {
    let (mut socket, serving) = connected(ends, |mut socket| {
        loop {
            match socket.read() {
                Ok(message @ (Message::Binary(_) | Message::Text(_))) => {
                    socket.send(message).unwrap();
                }
                Ok(_) => {}
                Err(Error::ConnectionClosed) => break,
                Err(e) => panic!("{e}"),
            }
        }
        // With this the client knows that nothing was cut off.
        socket.get_mut().shutdown().unwrap();
    });
    assert_eq!(socket.get_ref().negotiated().unwrap().alpn.as_deref(), Some(&b"http/1.1"[..]));
    for &size in SIZES {
        socket.send(Message::Binary(message(size).into())).unwrap();
        assert_eq!(socket.read().unwrap(), Message::Binary(Bytes::from(message(size))));
    }
    socket.send(Message::text("grüße")).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text("grüße"));
    socket.close(None).unwrap();
    loop {
        match socket.read() {
            Ok(message) => assert!(message.is_close(), "{message}"),
            Err(e) => {
                assert!(matches!(e, Error::ConnectionClosed), "{e}");
                break;
            }
        }
    }
    serving.join().unwrap();
}

/// The server goes without a word, in WebSocket and in TLS.
pub(crate) fn a_cut_is_no_close(ends: Ends) {
    let (mut socket, serving) = connected(ends, |mut socket| {
        socket.send(Message::text("the last that")).unwrap();
    });
    assert_eq!(socket.read().unwrap(), Message::text("the last that"));
    serving.join().unwrap();
    let Err(Error::Io(e)) = socket.read() else { panic!("an end that is no end") };
    let kind = polytls::Error::find(&e).map(polytls::Error::kind);
    assert_eq!(kind, Some(ErrorKind::UnexpectedEof), "{e:?}");
}
