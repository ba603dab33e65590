//! tokio-tungstenite over the streams of `tls-tokio`.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use polytls::ErrorKind;
use tls_tokio::{TlsAcceptor, TlsConnector, TlsStream};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

use crate::{Ends, NAME, SIZES, URL, message};

type Socket = WebSocketStream<TlsStream<TcpStream>>;

fn run(case: impl Future<Output = ()>) {
    let patient = async { timeout(Duration::from_secs(60), case).await.expect("a minute is over") };
    Runtime::new().unwrap().block_on(patient);
}

/// The client's side and the server's.
async fn connected(ends: Ends) -> (Socket, Socket) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(ends.server);
    let accepting = tokio::spawn(async move {
        let stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        accept_async(stream).await.unwrap()
    });
    let tcp = TcpStream::connect(address).await.unwrap();
    let stream = TlsConnector::from(ends.client).connect(NAME, tcp).await.unwrap();
    let (ours, response) = client_async(URL, stream).await.unwrap();
    assert_eq!(response.status(), 101);
    (ours, accepting.await.unwrap())
}

/// Each side has one task that sends, and one that receives.
pub(crate) fn two_tasks_speak_and_listen(ends: Ends) {
    run(async {
        let (ours, theirs) = connected(ends).await;
        let mut tasks = Vec::new();
        for socket in [ours, theirs] {
            let (mut speak, mut listen) = socket.split();
            tasks.push(tokio::spawn(async move {
                for &size in SIZES {
                    speak.send(Message::Binary(message(size).into())).await.unwrap();
                }
            }));
            tasks.push(tokio::spawn(async move {
                for &size in SIZES {
                    let got = listen.next().await.unwrap().unwrap();
                    assert!(got == Message::Binary(message(size).into()), "{size} bytes");
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
}

pub(crate) fn both_sides_end_in_peace(ends: Ends) {
    run(async {
        let (mut ours, mut theirs) = connected(ends).await;
        let serving = tokio::spawn(async move {
            assert!(theirs.next().await.unwrap().unwrap().is_close());
            assert!(theirs.next().await.is_none());
            // With this the client knows that nothing was cut off.
            theirs.get_mut().shutdown().await.unwrap();
        });
        ours.close(None).await.unwrap();
        while let Some(message) = ours.next().await {
            assert!(message.unwrap().is_close());
        }
        serving.await.unwrap();
    });
}

/// The server goes without a word, in WebSocket and in TLS.
pub(crate) fn a_cut_is_an_error(ends: Ends) {
    run(async {
        let (mut ours, theirs) = connected(ends).await;
        drop(theirs);
        let Some(Err(Error::Io(e))) = ours.next().await else { panic!("an end that is no end") };
        let kind = polytls::Error::find(&e).map(polytls::Error::kind);
        assert_eq!(kind, Some(ErrorKind::UnexpectedEof), "{e:?}");
    });
}
