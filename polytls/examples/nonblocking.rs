//! A non-blocking echo server with many connections on one thread, over mio:
//! `cargo run -p polytls --example nonblocking -- [ADDRESS] [BACKEND]`

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::io::{self, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use polytls::{Identity, NonBlocking, Server, ServerConfig, Stream, backend};

const LISTENER: Token = Token(0);

struct Echo {
    stream: Stream<NonBlocking<TcpStream>>,
    /// Read, and not yet written back.
    unwritten: Vec<u8>,
    /// The client has said that it will send no more.
    ended: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".into());
    let backend = match arguments.next() {
        Some(name) => backend::by_name(&name)?,
        None => *backend::all().first().ok_or("no backend in this build")?,
    };
    // A certificate for the occasion; a real server has `Identity::from_pem_files`.
    let identity = Identity::self_signed(["localhost"])?;
    let server = Server::new(&ServerConfig::builder(identity).build()?, backend)?;
    let listener = TcpListener::bind(address.parse()?)?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener, &server)?;
    Ok(())
}

fn serve(mut listener: TcpListener, server: &Server) -> io::Result<()> {
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections = HashMap::new();
    let mut events = Events::with_capacity(256);
    let mut next = 1;
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut tcp, _)) = listener.accept() {
                    let token = Token(next);
                    next += 1;
                    poll.registry().register(
                        &mut tcp,
                        token,
                        Interest::READABLE | Interest::WRITABLE,
                    )?;
                    let stream = server.accept(NonBlocking(tcp))?;
                    connections.insert(token, Echo { stream, unwritten: Vec::new(), ended: false });
                }
                continue;
            }
            let Some(echo) = connections.get_mut(&event.token()) else { continue };
            match echo.go_on() {
                Ok(()) => finish(connections.remove(&event.token()), poll.registry())?,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => {
                    eprintln!("error: {e}");
                    finish(connections.remove(&event.token()), poll.registry())?;
                }
            }
        }
    }
}

impl Echo {
    /// Goes on until the connection is done, or would block.
    ///
    /// mio tells only changes, so everything is tried until it would block; what the stream has
    /// decrypted already is read on the way.
    fn go_on(&mut self) -> io::Result<()> {
        let mut buf = [0; 16 * 1024];
        loop {
            while !self.unwritten.is_empty() {
                let n = self.stream.write(&self.unwritten)?;
                self.unwritten.drain(..n);
            }
            if self.ended {
                return self.stream.shutdown();
            }
            match self.stream.read(&mut buf)? {
                0 => self.ended = true,
                n => self.unwritten.extend_from_slice(&buf[..n]),
            }
        }
    }
}

fn finish(echo: Option<Echo>, registry: &Registry) -> io::Result<()> {
    match echo {
        Some(mut echo) => registry.deregister(&mut echo.stream.transport_mut().0),
        None => Ok(()),
    }
}

#[test]
fn many_clients_are_echoed_on_one_thread() {
    use polytls::{Blocking, Client, ClientConfig, Roots};

    for backend in backend::all() {
        let identity = Identity::self_signed(["localhost"]).unwrap();
        let roots = Roots::empty().with_der(identity.leaf().clone()).unwrap();
        let config = ServerConfig::builder(identity).build().unwrap();
        let server = Server::new(&config, *backend).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || serve(listener, &server));

        let config = ClientConfig::builder().roots(roots).build().unwrap();
        let client = Client::new(&config, *backend).unwrap();
        let mut streams: Vec<_> = (0..8)
            .map(|_| {
                let tcp = std::net::TcpStream::connect(address).unwrap();
                client.connect("localhost", Blocking::new(tcp)).unwrap()
            })
            .collect();
        let data = vec![7; 50_000];
        for stream in &mut streams {
            stream.write_all(&data).unwrap();
        }
        for stream in streams.iter_mut().rev() {
            let mut echo = vec![0; data.len()];
            stream.read_exact(&mut echo).unwrap();
            assert_eq!(echo, data);
            stream.close_notify().unwrap();
            assert_eq!(stream.read(&mut echo).unwrap(), 0);
        }
    }
}
