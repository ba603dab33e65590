//! The first program in async-imap's documentation, over any TLS library.
//!
//! It logs in and shows the first message of the inbox. Nothing of it is about a TLS library but the lines
//! between the two marks, which were
//!
//! ```text
//! let tls = async_native_tls::TlsConnector::new();
//! let stream = tls.connect(server, tcp).await?;
//! ```
//!
//! Run it with the name of a server, a user and a password; `docs/migrating.md` has the count of lines.

use std::env;
use std::error::Error;

use async_imap::Client;
use futures_util::TryStreamExt as _;
use polytls::ClientConfig;
use tls_tokio::TlsConnector;
use tokio::net::TcpStream;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, login, password] = &arguments[..] else {
        return Err("usage: async_imap SERVER LOGIN PASSWORD".into());
    };
    let config = ClientConfig::builder().build()?;
    match fetch_inbox_top(&config, (server, 993), login, password).await? {
        Some(message) => println!("{message}"),
        None => println!("the inbox is empty"),
    }
    Ok(())
}

async fn fetch_inbox_top(
    config: &ClientConfig,
    (server, port): (&str, u16),
    login: &str,
    password: &str,
) -> Result<Option<String>, Box<dyn Error>> {
    let tcp = TcpStream::connect((server, port)).await?;
    // TLS begins.
    let tls = TlsConnector::new(polytls::Client::new(config, polytls::backend::all()[0])?);
    let stream = tls.connect(server, tcp).await?;
    // TLS ends.
    let client = Client::new(stream);

    let mut session = client.login(login, password).await.map_err(|(e, _)| e)?;
    session.select("INBOX").await?;
    let messages: Vec<_> = session.fetch("1", "RFC822").await?.try_collect().await?;
    let body = messages.first().and_then(|message| message.body());
    let body = body.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    session.logout().await?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use polytls::{Server, ServerConfig, backend};
    use tls_conformance::Authority;
    use tls_tokio::TlsAcceptor;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    const MESSAGE: &str = "Subject: hello\r\n\r\nIn TLS.\r\n";

    #[tokio::test]
    async fn the_first_message_of_the_inbox_is_shown() {
        let root = Authority::root("Root of mail");
        let config = ServerConfig::builder(root.server("localhost")).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Server::new(&config, backend::all()[0]).unwrap());
        let serving = tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            serve(acceptor, tcp).await.unwrap()
        });
        let config = ClientConfig::builder().roots(root.roots()).build().unwrap();
        let shown = fetch_inbox_top(&config, ("localhost", port), "me", "secret").await.unwrap();
        assert_eq!(shown.as_deref(), Some(MESSAGE));
        assert!(serving.await.unwrap().contains(&"LOGIN \"me\" \"secret\"".to_owned()));
    }

    /// Serves one client of IMAP, and tells what it asked for.
    async fn serve(acceptor: TlsAcceptor, tcp: TcpStream) -> std::io::Result<Vec<String>> {
        let mut stream = BufReader::new(acceptor.accept(tcp).await?);
        stream.write_all(b"* OK hello\r\n").await?;
        stream.flush().await?;
        let mut asked = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let (tag, command) = line.trim().split_once(' ').unwrap();
            let untagged = match command.split(' ').next().unwrap() {
                "SELECT" => "* 1 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n".to_owned(),
                "FETCH" => format!("* 1 FETCH (RFC822 {{{}}}\r\n{MESSAGE})\r\n", MESSAGE.len()),
                "LOGOUT" => "* BYE goodbye\r\n".to_owned(),
                _ => String::new(),
            };
            let answer = format!("{untagged}{tag} OK done\r\n");
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
            asked.push(command.to_owned());
            if command == "LOGOUT" {
                // The client is satisfied with the answer, and does not close.
                return Ok(asked);
            }
        }
    }
}
