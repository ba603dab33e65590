//! `polytls serve`: a TLS server that echoes, or serves files.

mod echo;
mod reload;
mod staple;
mod tickets;
mod www;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use polytls::{
    Backend, Checks, ClientAuth, EndOfStream, Error, ErrorKind, Identity, Server, ServerConfig,
    Tickets,
};
use tls_tokio::TlsAcceptor;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use crate::cli::{self, ClientAuthArg, Serve, usage};
use crate::early;
use crate::failure::{Failure, Result, one_line};
use crate::ktls::ServerKtls;
use crate::output;
use crate::signal::{Hangup, Stop};
use crate::transport::{Tls, handshake, linger, prompt, runtime};
use staple::Kept;
pub(crate) use tickets::TicketArgs;
use www::Www;

pub(crate) fn run(args: &Serve) -> Result {
    let backend = args.backend.choose()?;
    let content = match &args.www {
        Some(directory) => Content::Www(Www::new(directory)?),
        None => Content::Echo,
    };
    let mut plan = args.tickets.plan()?;
    let site = Site {
        args: args.clone(),
        backend,
        made: args.identities.make()?,
        tickets: plan.tickets.clone(),
        kept: Mutex::default(),
    };
    // Before they are read, so that no change is missed.
    let loaded = reload::fingerprint(&site.files());
    let identities = site.identities()?;
    args.keylog.warn();
    args.ktls.check()?;
    let server = Server::new(&config(args, &identities, &site.tickets)?, backend)?;
    let _following = plan.follow()?;
    site.put(Kept::start(&args.staple, identities, backend)?);
    let site = Arc::new(site);
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        if args.reload {
            let hangup = Hangup::new().map_err(Error::from)?;
            tokio::spawn(reload::follow(server.clone(), site.clone(), hangup, loaded));
        }
        let takes_early_data = args.early.limit().is_on();
        let ktls = args.ktls;
        let service = Service { acceptor: server.into(), content, ktls, takes_early_data };
        serve(args, Arc::new(service)).await
    });
    runtime.shutdown_background();
    outcome
}

/// What a server is made of, as often as that is asked for.
struct Site {
    args: Serve,
    backend: &'static dyn Backend,
    /// Identities that are in no file.
    made: Vec<Identity>,
    tickets: Tickets,
    /// The staples of the identities in place.
    kept: Mutex<Kept>,
}

impl Site {
    /// Puts what the files say now in place of what `server` has.
    fn reload(&self, server: &Server) -> Result {
        let identities = self.identities()?;
        let config = config(&self.args, &identities, &self.tickets)?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pass_on(&identities);
        // Before the server, which stays as it is if this fails.
        let kept = Kept::start(&self.args.staple, identities, self.backend)?;
        server.reload(&config, self.backend)?;
        self.put(kept);
        Ok(())
    }

    fn identities(&self) -> Result<Vec<Identity>> {
        let password = self.args.key_password.read()?;
        if self.args.key_password.key_password_file.is_some() && !self.args.identities.has_files() {
            return Err(usage("--key-password-file needs a --key or an --identity"));
        }
        let identities = self.args.identities.load(&self.made, &password, self.backend)?;
        staple::prepare(&self.args.staple, identities, self.backend)
    }

    fn put(&self, kept: Kept) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    /// Everything that is read for it.
    fn files(&self) -> Vec<PathBuf> {
        let Serve { key_password, client_ca, revocation, staple, .. } = &self.args;
        let mut files = self.args.identities.files();
        files.extend(
            key_password
                .key_password_file
                .iter()
                .chain(client_ca)
                .chain(revocation.files())
                .chain(&staple.staple)
                .cloned(),
        );
        files
    }
}

fn config(args: &Serve, identities: &[Identity], tickets: &Tickets) -> Result<ServerConfig> {
    let mut identities = identities.iter().cloned();
    let first = identities.next().ok_or_else(|| usage("a server needs an identity"))?;
    let client_auth = client_auth(args)?;
    let checks = match args.revocation.load()? {
        None => Checks::new(),
        Some(_) if client_auth.roots().is_none() => {
            return Err(usage("--crl needs a --client-ca to verify certificates against"));
        }
        Some(lists) => Checks::new().revocation(lists),
    };
    let config = identities
        .fold(ServerConfig::builder(first), |config, identity| config.add_identity(identity))
        .alpn(match &args.tls.alpn[..] {
            [] if args.www.is_some() => vec!["http/1.1"],
            names => names.iter().map(String::as_str).collect(),
        })
        .checks(checks)
        .client_auth(client_auth)
        .early_data(args.early.limit())
        .kernel_tls(args.ktls.wanted())
        .end_of_stream(match args.www {
            Some(_) => EndOfStream::TolerateTruncation, // HTTP marks the ends of its messages
            None => EndOfStream::RequireCloseNotify,
        })
        .tickets(tickets.clone());
    let config = match args.keylog.open()? {
        Some(log) => config.key_log(log),
        None => config,
    };
    Ok(args.tls.parameters.server(config, &args.choices)?.build()?)
}

fn client_auth(args: &Serve) -> Result<ClientAuth> {
    let cas = &args.client_ca;
    // Read in any case: a file that is not there is a mistake even where it would not matter.
    let roots = if cas.is_empty() { None } else { Some(cli::roots(cas)?) };
    Ok(match (args.client_auth, roots) {
        (Some(ClientAuthArg::Request | ClientAuthArg::Require), None) => {
            return Err(usage("--client-auth needs a --client-ca to verify certificates against"));
        }
        (Some(ClientAuthArg::None), _) | (None, None) => ClientAuth::None,
        (Some(ClientAuthArg::Request), Some(roots)) => ClientAuth::Request(roots),
        (Some(ClientAuthArg::Require) | None, Some(roots)) => ClientAuth::Require(roots),
    })
}

/// What is done with every connection.
struct Service {
    acceptor: TlsAcceptor,
    content: Content,
    ktls: ServerKtls,
    takes_early_data: bool,
}

enum Content {
    Echo,
    Www(Www),
}

async fn serve(args: &Serve, service: Arc<Service>) -> Result {
    // Before anyone can know that the server is ready.
    let mut stop = Stop::new().map_err(Error::from)?;
    let place = format!("listening on {}", args.address);
    let listener = TcpListener::bind(args.address.to_resolve()).await;
    let listener = listener.map_err(|e| Failure::at(place)(e.into()))?;
    let address = listener.local_addr().map_err(Error::from)?;
    output::line(format!("listening on {address}"))?;

    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut left = args.connections.map(u64::from);
    while left != Some(0) {
        tokio::select! {
            () = stop.asked() => {
                stopping.send_replace(true);
                break;
            }
            Some(ended) = connections.join_next() => report(ended),
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((socket, peer)) => {
                    left = left.map(|n| n - 1);
                    connections.spawn(connection(Arc::clone(&service), socket, peer, stopped.clone()));
                }
                Err(e) => {
                    // Out of descriptors, most likely: some come back when connections end.
                    output::note(format!("error: {} (accepting)", one_line(&e.into())));
                    sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);

    loop {
        let asked = *stopping.borrow();
        tokio::select! {
            ended = connections.join_next() => match ended {
                Some(ended) => report(ended),
                None => return Ok(()),
            },
            () = stop.asked() => {
                if asked {
                    return Ok(()); // twice: the user is in a hurry
                }
                stopping.send_replace(true);
            }
        }
    }
}

/// Serves one connection to its end.
async fn connection(
    service: Arc<Service>,
    socket: TcpStream,
    peer: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    let failed = |e: Failure| output::note(format!("{} (peer {peer})", e.one_line()));
    let mut stream = match service.acceptor.begin(prompt(socket)) {
        Ok(stream) => stream,
        Err(e) => return failed(Error::from(e).into()),
    };
    stream.offer_socket();
    let mut stop_later = stop.clone();
    let outcome = tokio::select! {
        outcome = converse(&service, &mut stream, peer, &mut stop) => outcome,
        () = overdue(&mut stop_later) => {
            let why = "the server stops, and the connection did not end in time";
            Err(Error::new(ErrorKind::Timeout).because(why).into())
        }
    };
    if let Err(e) = outcome {
        failed(e);
    }
    linger(&mut stream).await;
}

async fn converse(
    service: &Service,
    stream: &mut Tls,
    peer: SocketAddr,
    stop: &mut watch::Receiver<bool>,
) -> Result {
    tokio::select! {
        outcome = handshake(stream) => outcome?,
        () = asked_to_stop(stop) => return Ok(()),
    }
    if service.takes_early_data {
        early::echo(stream).await.map_err(Error::from)?;
    }
    service.ktls.begin(stream).await?;
    match &service.content {
        Content::Echo => Ok(echo::echo(stream, stop).await?),
        Content::Www(www) => www.serve(stream, peer, stop).await,
    }
}

async fn asked_to_stop(stop: &mut watch::Receiver<bool>) {
    // The sender lives as long as the loop that waits for this task.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn overdue(stop: &mut watch::Receiver<bool>) {
    asked_to_stop(stop).await;
    sleep(GRACE).await;
}

fn report(ended: Result<(), JoinError>) {
    if let Err(e) = ended {
        output::note(format!("error: internal: {e}"));
    }
}

/// Bounds the memory, and stays below the usual limit of 1024 descriptors.
const MOST_CONNECTIONS: usize = 1000;
/// How long a connection may take to end once the server stops.
const GRACE: Duration = Duration::from_secs(5);
