//! Clients that behave.

use std::io;
use std::time::Duration;

use tls_tokio::TlsStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::server::MAX_MESSAGE;
use crate::{NAME, Target};

/// How long a healthy client waits for anything before it counts as disturbed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How many handshakes are under way at once while the connections are made.
const AT_ONCE: usize = 100;

pub(crate) struct Peer {
    number: usize,
    stream: TlsStream<TcpStream>,
}

/// What a client does with its time.
#[derive(Clone, Copy, Debug)]
enum Life {
    /// Nothing, and asks once at the end.
    Idle,
    /// A few hundred bytes every second or so.
    Asks,
    /// Megabytes.
    Moves,
    /// Connects, asks, closes, and begins again.
    Comes,
}

impl Life {
    fn of(number: usize) -> Self {
        match number % 20 {
            0..12 => Self::Idle,
            12..18 => Self::Asks,
            18 => Self::Moves,
            _ => Self::Comes,
        }
    }
}

/// Connects so many clients, each of which has asked once. Those that fail are disturbed.
pub(crate) async fn establish(target: &Target, first: usize, count: usize) -> Vec<Peer> {
    let mut peers = Vec::with_capacity(count);
    let mut tasks = JoinSet::new();
    let mut numbers = first..first + count;
    loop {
        while tasks.len() < AT_ONCE {
            let Some(number) = numbers.next() else { break };
            let target = target.clone();
            tasks.spawn(async move {
                let mut stream = connect(&target).await?;
                ask(&mut stream, number, 100).await?;
                io::Result::Ok(Peer { number, stream })
            });
        }
        match tasks.join_next().await {
            Some(Ok(Ok(peer))) => peers.push(peer),
            Some(Ok(Err(e))) => target.tally.disturbed("while connecting", &e),
            Some(Err(e)) => panic!("{e}"),
            None => return peers,
        }
    }
}

/// Lives until then, and closes properly.
pub(crate) async fn live(peer: Peer, target: Target, until: Instant) {
    let life = Life::of(peer.number);
    let result = match life {
        Life::Idle => idle(peer, &target, until).await,
        Life::Asks => asks(peer, &target, until, 400, Duration::from_millis(1500)).await,
        Life::Moves => asks(peer, &target, until, MAX_MESSAGE, Duration::from_secs(4)).await,
        Life::Comes => comes(peer, &target, until).await,
    };
    match result {
        Ok(()) => target.tally.healthy(),
        Err(e) => target.tally.disturbed(&format!("{life:?}"), &e),
    }
}

/// Closes at once.
pub(crate) async fn leave(peer: Peer) -> io::Result<()> {
    close(peer.stream).await
}

async fn idle(mut peer: Peer, target: &Target, until: Instant) -> io::Result<()> {
    // Whoever ends an idle connection is noticed when it happens.
    tokio::select! {
        () = sleep_until(until) => {}
        read = peer.stream.read_u8() => {
            read?;
            return Err(io::Error::other("a byte that nobody asked for"));
        }
    }
    // Not all in one moment.
    sleep(Duration::from_millis(peer.number as u64 % 1000)).await;
    tell(&mut peer, target, 100).await?;
    close(peer.stream).await
}

async fn asks(
    mut peer: Peer,
    target: &Target,
    until: Instant,
    length: usize,
    pause: Duration,
) -> io::Result<()> {
    sleep(pause.mul_f64(peer.number as f64 * 0.618 % 1.0)).await;
    while Instant::now() < until {
        tell(&mut peer, target, length).await?;
        sleep(pause).await;
    }
    close(peer.stream).await
}

async fn comes(mut peer: Peer, target: &Target, until: Instant) -> io::Result<()> {
    sleep(Duration::from_millis(peer.number as u64 % 2000)).await;
    loop {
        tell(&mut peer, target, 1000).await?;
        close(peer.stream).await?;
        if Instant::now() >= until {
            return Ok(());
        }
        sleep(Duration::from_secs(2)).await;
        let begin = Instant::now();
        peer = Peer { number: peer.number, stream: connect(target).await? };
        target.tally.handshake(begin.elapsed());
    }
}

/// Asks, and tells how long the answer took.
async fn tell(peer: &mut Peer, target: &Target, length: usize) -> io::Result<()> {
    let begin = Instant::now();
    ask(&mut peer.stream, peer.number, length).await?;
    target.tally.answer(begin.elapsed(), length);
    Ok(())
}

pub(crate) async fn connect(target: &Target) -> io::Result<TlsStream<TcpStream>> {
    let tcp = in_time(TcpStream::connect(target.address)).await?;
    tcp.set_nodelay(true)?;
    target.connector.connect(NAME, tcp).await
}

/// Sends a message that no other client sends, and wants it back.
pub(crate) async fn ask(
    stream: &mut TlsStream<TcpStream>,
    number: usize,
    length: usize,
) -> io::Result<()> {
    let length_bytes = u32::try_from(length).unwrap().to_be_bytes();
    let body = (0..length).map(|i| (i * 31 + number * 7) as u8);
    let message: Vec<u8> = length_bytes.into_iter().chain(body).collect();
    let mut answer = vec![0; message.len()];
    // Both at once: neither side takes more than its buffers hold.
    let (mut reading, mut writing) = tokio::io::split(stream);
    let send = async {
        writing.write_all(&message).await?;
        writing.flush().await
    };
    let receive = async { reading.read_exact(&mut answer).await };
    in_time(async { tokio::try_join!(send, receive) }).await?;
    match answer == message {
        true => Ok(()),
        false => Err(io::Error::other("the answer is another client's, or changed on its way")),
    }
}

/// Closes, and wants the server's close too.
async fn close(mut stream: TlsStream<TcpStream>) -> io::Result<()> {
    in_time(stream.close_notify()).await?;
    match in_time(stream.read(&mut [0])).await? {
        0 => Ok(()),
        _ => Err(io::Error::other("more than was asked for")),
    }
}

async fn in_time<T>(call: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, call).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
