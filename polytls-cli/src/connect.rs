//! `polytls connect`: standard input to the peer, the peer to standard output.

use std::future::poll_fn;
use std::io::{self, Cursor};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use polytls::danger::Skip;
use polytls::{Client, ClientConfig, EndOfStream, Error, ErrorKind, Roots, ServerName};
use tls_starttls::Starttls;
use tls_tokio::TlsConnector;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, Stdout, stdin, stdout};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::cli::{self, Connect, usage};
use crate::early;
use crate::facts::{self, Close, Facts};
use crate::failure::{Failure, Result, one_line};
use crate::ktls::Way;
use crate::ocsp::{self, Elsewhere};
use crate::output::{self, OutputFile};
use crate::secrets::Export;
use crate::sessions::Kept;
use crate::starttls;
use crate::transport::{HostPort, Tls, handshake, linger, prompt, runtime};

pub(crate) fn run(args: &Connect) -> Result {
    let backend = args.backend.choose()?;
    let name = match &args.servername {
        Some(name) => ServerName::parse(name)?,
        None => ServerName::parse(&args.peer.host)?,
    };
    let name = name.at_port(args.peer.port);
    let starttls = args.starttls.request(&name)?;
    let kept = args.sessions.open(backend)?;
    let config = config(args, &kept)?;
    args.ktls.check()?;
    let client = Client::new(&config, backend)?;
    Export::check(&args.export, backend)?;
    let elsewhere = args.staple.ocsp_response.as_deref();
    let elsewhere = elsewhere.map(|path| Elsewhere::read(path, &config, backend));
    let elsewhere = elsewhere.transpose()?;
    let early = args.early.read()?;
    let file = args.facts.as_deref().map(OutputFile::create).transpose()?;
    let input = args.sessions.input()?;
    let count = args.sessions.count.unwrap_or(1);

    let runtime = runtime()?;
    let (mut outcome, mut all) = (Ok(()), Vec::new());
    let target = Target {
        name: &name,
        starttls: starttls.as_ref(),
        elsewhere: elsewhere.as_ref(),
        input: input.as_deref(),
    };
    for i in 1..=count {
        if input.is_some() {
            output::note(format!("connection {i} of {count}"));
        }
        let mut facts = Facts::new(backend);
        let connect = async {
            if i == 1 && early.is_some() && !kept.outlasts() {
                let began = Instant::now();
                let (stream, _) = open(args, &client, &target, None).await?;
                early::bring_session(stream, began.elapsed()).await;
            }
            talk(args, &client, &target, early.as_deref(), &mut facts).await
        };
        outcome = runtime.block_on(connect);
        all.push(facts);
        kept.tell_trouble();
        if outcome.is_err() {
            break;
        }
    }
    // A thread may still wait for standard input; nobody waits for that thread.
    runtime.shutdown_background();
    if input.is_some() {
        output::note(facts::summary(&all));
    }

    // How the connection failed matters more than that its facts cannot be written.
    let json = match (input, &all[..]) {
        (None, [facts]) => facts.to_json(),
        (_, all) => all.iter().map(Facts::to_json).collect(),
    };
    let written = file.map_or(Ok(()), |file| file.write(&format!("{json:#}\n")));
    outcome.and(written)
}

fn config(args: &Connect, kept: &Kept) -> Result<ClientConfig> {
    let mut skip = Skip::nothing();
    let mut leave_out = |on: bool, part: fn(Skip) -> Skip, option: &str| {
        if on {
            skip = part(skip);
            output::note(format!("warning: {option}: the peer may not be who it says it is"));
        }
    };
    leave_out(args.insecure_no_verify_cert, Skip::chain, "--insecure-no-verify-cert");
    leave_out(args.insecure_no_verify_name, Skip::name, "--insecure-no-verify-name");
    leave_out(args.insecure_no_verify_time, Skip::time, "--insecure-no-verify-time");
    let mut config = ClientConfig::builder()
        .alpn(&args.tls.alpn)
        .checks(args.checks.load()?)
        .danger(skip)
        .early_data(args.early.limit())
        .kernel_tls(args.ktls.wanted())
        .end_of_stream(match args.allow_truncation {
            true => EndOfStream::TolerateTruncation,
            false => EndOfStream::RequireCloseNotify,
        })
        .resumption(kept.resumption())
        .roots(if args.ca.is_empty() { Roots::system() } else { cli::roots(&args.ca)? })
        .staple(args.staple.policy());
    config = args.tls.parameters.client(config)?;
    if let Some(log) = args.keylog.open()? {
        args.keylog.warn();
        config = config.key_log(log);
    }
    match (&args.cert, &args.key) {
        (Some(cert), Some(key)) => {
            config = config.identity(args.key_password.read()?.open(cert, key)?);
        }
        _ if args.key_password.key_password_file.is_some() => {
            return Err(usage("--key-password-file needs a --key"));
        }
        _ => {}
    }
    Ok(config.build()?)
}

/// Whom to talk to, and how.
struct Target<'a> {
    name: &'a ServerName,
    /// What is said before TLS.
    starttls: Option<&'a Starttls>,
    elsewhere: Option<&'a Elsewhere>,
    /// What is sent, if it is not what standard input gives as it goes.
    input: Option<&'a [u8]>,
}

/// A connection of which the handshake is done.
struct Opened {
    address: SocketAddr,
    /// The peer, for messages.
    place: String,
    /// What is to be sent before anything else.
    first: Vec<u8>,
}

async fn open(
    args: &Connect,
    client: &Client,
    target: &Target<'_>,
    early: Option<&[u8]>,
) -> Result<(Tls, Opened)> {
    let Target { name, starttls, .. } = *target;
    let (mut socket, address) = dial(&args.peer).await?;
    let place = format!("peer {address}, server name {name}");
    if let Some(request) = starttls {
        starttls::upgrade(&mut socket, request, &place).await?;
    }
    let mut stream =
        TlsConnector::from(client.clone()).begin(name, prompt(socket)).map_err(Error::from)?;
    stream.offer_socket();
    let data = early.unwrap_or_default();
    let written = match data {
        [] => 0,
        data => stream.write_early(data).map_err(Error::from)?,
    };
    if let Err(e) = handshake(&mut stream).await {
        linger(&mut stream).await;
        return Err(Failure::at(place)(e));
    }
    args.ktls.begin(&mut stream).await.map_err(Failure::at(&*place))?;
    let first = match data {
        [] => Vec::new(),
        data => early::left(&stream, data, written),
    };
    Ok((stream, Opened { address, place, first }))
}

async fn talk(
    args: &Connect,
    client: &Client,
    target: &Target<'_>,
    early: Option<&[u8]>,
    facts: &mut Facts,
) -> Result {
    let Target { name, elsewhere, input, .. } = *target;
    let (mut stream, Opened { address, place, first }) = open(args, client, target, early).await?;
    let negotiated = stream.negotiated().unwrap_or_default();
    facts.staple = ocsp::of_peer(&negotiated);
    facts.negotiated = Some(negotiated.clone());
    facts.way = Some(Way::of(&stream));
    output::note(format!("connected to {address} as {name}\n{}", facts.to_lines()));
    for export in &args.export {
        match export.from(&stream) {
            Ok(exported) => {
                output::note(exported.to_line());
                facts.exports.push(exported);
            }
            Err(e) => {
                linger(&mut stream).await;
                return Err(e);
            }
        }
    }
    if let Some(elsewhere) = elsewhere {
        match elsewhere.verify(&negotiated) {
            Ok(outcome) => output::note(format!("  {:<12}{}", "response", ocsp::summary(&outcome))),
            Err(e) => {
                linger(&mut stream).await;
                return Err(e);
            }
        }
    }

    let input: Box<dyn AsyncRead + Unpin> = match input {
        Some(bytes) => Box::new(Cursor::new(bytes.to_vec())),
        None => Box::new(stdin()),
    };
    let mut exchange = Exchange::new(&mut stream, input, &first);
    let end = poll_fn(|cx| exchange.poll(cx)).await?;
    let Exchange { sending, to_peer, .. } = exchange;
    let outcome = match end {
        Ok(close) => {
            facts.close = Some(close);
            Ok(close)
        }
        Err(e) if is_truncation(e.kind()) => {
            facts.close = Some(Close::Truncated);
            if args.allow_truncation { Ok(Close::Truncated) } else { Err(e) }
        }
        Err(e) => Err(e),
    };
    match outcome {
        Ok(Close::Truncated) => {
            output::note("warning: the peer ended without close_notify; data may be cut short");
            Ok(())
        }
        Ok(Close::Notify) => {
            output::note("the peer closed the connection properly");
            match sending {
                Sending::Failed(e) if !to_peer.is_empty() => {
                    let place = format!("{place}; it closed before it took all of standard input");
                    return Err(Failure::at(place)(e));
                }
                Sending::Failed(_) | Sending::Done => {}
                Sending::Closing | Sending::Open => farewell(&mut stream, to_peer).await,
            }
            Ok(())
        }
        Err(e) => {
            linger(&mut stream).await;
            Err(Failure::at(place)(e))
        }
    }
}

/// Connects to the first address that answers.
async fn dial(peer: &HostPort) -> Result<(TcpStream, SocketAddr)> {
    let limit = Duration::from_secs(10);
    let place = format!("peer {peer}");
    let addresses = match lookup_host(peer.to_resolve()).await {
        Ok(addresses) => addresses,
        Err(e) => {
            let why = format!("the name '{}' does not resolve: {e}", peer.host);
            return Err(Failure::at(place)(Error::new(ErrorKind::Io(e.kind())).because(why)));
        }
    };
    let mut last: Option<(Error, SocketAddr)> = None;
    for address in addresses {
        if let Some((e, earlier)) = &last {
            // The error that ends the command is that of the last address.
            output::note(format!("warning: {earlier}: {}", one_line(e)));
        }
        let e = match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok((socket, address)),
            Ok(Err(e)) => Error::from(e),
            Err(_) => Error::new(ErrorKind::Timeout)
                .because(format!("no connection within {} s", limit.as_secs())),
        };
        last = Some((e, address));
    }
    Err(match last {
        Some((e, address)) => Failure::at(format!("peer {peer}, address {address}"))(e),
        None => {
            let e = Error::new(ErrorKind::Io(io::ErrorKind::NotFound));
            Failure::at(place)(e.because(format!("the name '{}' has no address", peer.host)))
        }
    })
}

/// Sends what was read already, and close_notify, if the peer still takes it.
async fn farewell(stream: &mut Tls, to_peer: Buffer) {
    let send = async {
        stream.write_all(to_peer.bytes()).await?;
        stream.close_notify().await
    };
    // The peer has said all it had to say: that it does not listen either is no failure.
    let _: Result<io::Result<()>, _> = timeout(Duration::from_secs(2), send).await;
}

/// The transport ended before close_notify came, in one way or another.
fn is_truncation(kind: ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(
        kind,
        ErrorKind::UnexpectedEof | ErrorKind::Io(BrokenPipe | ConnectionAborted | ConnectionReset)
    )
}

/// Both directions at once, in one task: each is moved as far as it goes, then all wait.
struct Exchange<'a> {
    stream: &'a mut Tls,
    /// What is sent: standard input, or what it had.
    input: Box<dyn AsyncRead + Unpin>,
    stdout: Stdout,
    to_peer: Buffer,
    to_stdout: Buffer,
    sending: Sending,
    /// What the peer's end was, once it has come.
    end: Option<polytls::Result<Close>>,
    /// Whether standard output holds back what was written to it.
    unflushed: bool,
}

/// How far the direction to the peer has come.
#[derive(Debug)]
enum Sending {
    Open,
    /// Standard input has ended.
    Closing,
    /// close_notify is sent.
    Done,
    /// Nothing more can be sent. Reading goes on: an alert of the peer's says more than this error.
    Failed(Error),
}

impl<'a> Exchange<'a> {
    /// What is `first` goes to the peer before the input does.
    fn new(stream: &'a mut Tls, input: Box<dyn AsyncRead + Unpin>, first: &[u8]) -> Self {
        let mut to_peer = Buffer::new();
        to_peer.bytes[..first.len()].copy_from_slice(first); // it is small
        to_peer.end = first.len();
        Self {
            stream,
            input,
            stdout: stdout(),
            to_peer,
            to_stdout: Buffer::new(),
            sending: Sending::Open,
            end: None,
            unflushed: false,
        }
    }

    /// Ready when the peer has ended, and all of its data is on standard output.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<polytls::Result<Close>>> {
        loop {
            let sent = self.poll_sending(cx).map_err(Failure::input)?;
            let received = self.poll_receiving(cx).map_err(Failure::output)?;
            match (received, sent) {
                (Poll::Ready(Some(end)), _) => return Poll::Ready(Ok(end)),
                (Poll::Ready(None), _) | (_, Poll::Ready(())) => {}
                (Poll::Pending, Poll::Pending) => return Poll::Pending,
            }
        }
    }

    /// One step of the direction to the peer; pending if there is none to take.
    fn poll_sending(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
        let outcome = match &self.sending {
            Sending::Open if self.to_peer.is_empty() => {
                return match self.to_peer.poll_fill(cx, Pin::new(&mut self.input)) {
                    Poll::Ready(Ok(0)) => {
                        self.sending = Sending::Closing;
                        Ok(Poll::Ready(()))
                    }
                    Poll::Ready(result) => result.map(|_| Poll::Ready(())),
                    // Records that wait for the socket must go out while nothing else happens.
                    Poll::Pending => {
                        let _ = Pin::new(&mut *self.stream).poll_flush(cx); // met again by the next write
                        Ok(Poll::Pending)
                    }
                };
            }
            Sending::Open => match Pin::new(&mut *self.stream).poll_write(cx, self.to_peer.bytes())
            {
                Poll::Ready(Ok(n)) => {
                    self.to_peer.consume(n);
                    Ok(())
                }
                Poll::Ready(Err(e)) => Err(e),
                Poll::Pending => return Ok(Poll::Pending),
            },
            Sending::Closing => match self.stream.poll_close_notify(cx) {
                Poll::Ready(Ok(())) => {
                    self.sending = Sending::Done;
                    Ok(())
                }
                Poll::Ready(Err(e)) => Err(e),
                Poll::Pending => return Ok(Poll::Pending),
            },
            Sending::Done | Sending::Failed(_) => return Ok(Poll::Pending),
        };
        if let Err(e) = outcome {
            self.sending = Sending::Failed(e.into());
        }
        Ok(Poll::Ready(()))
    }

    /// One step of the direction from the peer; pending if there is none to take, and some once it
    /// has come to its end.
    fn poll_receiving(
        &mut self,
        cx: &mut Context<'_>,
    ) -> io::Result<Poll<Option<polytls::Result<Close>>>> {
        if !self.to_stdout.is_empty() {
            return match Pin::new(&mut self.stdout).poll_write(cx, self.to_stdout.bytes()) {
                Poll::Ready(Ok(0)) => Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(n)) => {
                    self.to_stdout.consume(n);
                    self.unflushed = true;
                    Ok(Poll::Ready(None))
                }
                Poll::Ready(Err(e)) => Err(e),
                Poll::Pending => Ok(Poll::Pending),
            };
        }
        if self.end.is_none() {
            match self.to_stdout.poll_fill(cx, Pin::new(&mut *self.stream)) {
                Poll::Ready(Ok(0)) => {
                    self.end = Some(Ok(match self.stream.ended_without_close() {
                        true => Close::Truncated,
                        false => Close::Notify,
                    }));
                }
                Poll::Ready(Ok(_)) => return Ok(Poll::Ready(None)),
                Poll::Ready(Err(e)) => self.end = Some(Err(e.into())),
                Poll::Pending => {}
            }
        }
        if self.unflushed {
            match Pin::new(&mut self.stdout).poll_flush(cx) {
                Poll::Ready(result) => result?,
                Poll::Pending => return Ok(Poll::Pending),
            }
            self.unflushed = false;
        }
        match self.end.take() {
            Some(end) => Ok(Poll::Ready(Some(end))),
            None => Ok(Poll::Pending),
        }
    }
}

/// Bytes on their way: filled when empty.
struct Buffer {
    bytes: Box<[u8]>,
    begin: usize,
    end: usize,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: vec![0; 65_536].into(), begin: 0, end: 0 }
    }

    fn poll_fill<R: AsyncRead>(
        &mut self,
        cx: &mut Context<'_>,
        from: Pin<&mut R>,
    ) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(&mut self.bytes);
        ready!(from.poll_read(cx, &mut buf))?;
        (self.begin, self.end) = (0, buf.filled().len());
        Poll::Ready(Ok(self.end))
    }

    fn consume(&mut self, n: usize) {
        self.begin += n;
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[self.begin..self.end]
    }

    fn is_empty(&self) -> bool {
        self.begin == self.end
    }
}
