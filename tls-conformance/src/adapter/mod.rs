//! The promises of an adapter to an async runtime.
//!
//! The author of one implements [`Adapter`] for a type of the test's, and calls [`run`] in the `main` of
//! a test binary. Nothing here knows a runtime: tasks are polled by hand, one at a time, in an order
//! drawn from a seed, and only when they were woken through their last waker. So a lost wake-up is a
//! failure and not a longer wait, a busy loop is counted, and every run is the same.

mod beginning;
mod chaos;
mod dropping;
mod early;
mod flow;
mod slow;
mod tasks;

use std::future::Future;
use std::io::{self, IoSlice};
use std::process::ExitCode;
use std::task::{Context, Poll};

use libtest_mimic::{Arguments, Trial};
use tls_core::{Alert, Backend, Client, ClientHello, Parts, Server};

pub use chaos::Chaos;

/// An adapter, as its users see it, over the transport of this suite.
///
/// [`Chaos`] is polled like the reading and writing traits of any runtime; a test wraps it to
/// implement those of its own ([`Transport`](Self::Transport)).
pub trait Adapter: 'static {
    /// What its users call it, in a word.
    const NAME: &'static str;
    /// The wrapped transport.
    type Transport: From<Chaos> + Into<Chaos>;
    /// Its streams.
    type Stream: Send + Sync + Unpin;
    /// Its beginnings of connections to servers that are not chosen yet.
    type Incoming;

    /// Connects, and finishes the handshake.
    fn connect(
        client: &Client,
        name: &str,
        io: Self::Transport,
    ) -> impl Future<Output = io::Result<Self::Stream>> + 'static;

    /// Accepts, and finishes the handshake.
    fn accept(
        server: &Server,
        io: Self::Transport,
    ) -> impl Future<Output = io::Result<Self::Stream>> + 'static;

    /// Begins to connect.
    ///
    /// # Errors
    ///
    /// As the adapter has them.
    fn begin_client(client: &Client, name: &str, io: Self::Transport) -> io::Result<Self::Stream>;

    /// Begins to accept.
    ///
    /// # Errors
    ///
    /// As the adapter has them.
    fn begin_server(server: &Server, io: Self::Transport) -> io::Result<Self::Stream>;

    /// Waits for a client.
    fn incoming(io: Self::Transport) -> Self::Incoming;

    /// Hears what the client offers.
    fn hello(incoming: &mut Self::Incoming) -> impl Future<Output = io::Result<ClientHello>>;

    /// Goes on with a server.
    fn choose(
        incoming: Self::Incoming,
        server: &Server,
    ) -> impl Future<Output = io::Result<Self::Stream>> + 'static;

    /// Refuses with an alert.
    fn refuse(
        incoming: Self::Incoming,
        alert: Alert,
    ) -> impl Future<Output = io::Result<()>> + 'static;

    /// Gives the transport of a client back that does not speak TLS.
    fn not_tls(incoming: Self::Incoming) -> Parts<Self::Transport>;

    /// Finishes the handshake.
    fn handshake(stream: &mut Self::Stream) -> impl Future<Output = io::Result<()>>;

    /// Sends close_notify.
    fn close_notify(stream: &mut Self::Stream) -> impl Future<Output = io::Result<()>>;

    /// Gives the transport back.
    fn into_inner(stream: Self::Stream) -> Parts<Self::Transport>;

    /// Takes early data of a client that has begun.
    ///
    /// # Errors
    ///
    /// As the adapter has them.
    fn write_early(stream: &mut Self::Stream, buf: &[u8]) -> io::Result<usize>;

    /// Reads early data.
    fn read_early(
        stream: &mut Self::Stream,
        buf: &mut [u8],
    ) -> impl Future<Output = io::Result<usize>>;

    /// Reads.
    fn poll_read(
        stream: &mut Self::Stream,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>>;

    /// Writes.
    fn poll_write(
        stream: &mut Self::Stream,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;

    /// Flushes.
    fn poll_flush(stream: &mut Self::Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Sends close_notify and ends the transport's writing direction.
    fn poll_shutdown(stream: &mut Self::Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Runs every promise on each of `backends`: a test binary's `main`.
pub fn run<A: Adapter>(backends: &[&'static dyn Backend]) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials::<A>(backends)).exit_code()
}

/// Every promise on each of `backends`, for a test binary that has more to run.
pub fn trials<A: Adapter>(backends: &[&'static dyn Backend]) -> Vec<Trial> {
    let promises: &[(&str, Promise)] = &[
        ("all_bytes_arrive_both_ways_at_once", flow::all_bytes_arrive::<A>),
        ("a_reader_does_not_take_a_writers_place", flow::a_writer_is_woken::<A>),
        ("a_writer_hears_that_the_connection_failed", flow::a_writer_hears_of_a_failure::<A>),
        ("a_failure_is_no_reason_to_be_woken_again", flow::a_failure_is_told_once::<A>),
        ("either_side_may_close_first", flow::either_side_may_close_first::<A>),
        ("a_connection_cut_short_is_an_error", flow::a_cut_is_an_error::<A>),
        ("small_pieces_go_out_in_one_write", flow::small_pieces_go_out_in_one_write::<A>),
        ("what_follows_the_end_is_given_back", flow::what_follows_is_given_back::<A>),
        ("who_waits_is_not_polled", flow::who_waits_is_not_polled::<A>),
        ("a_stream_outlives_its_dropped_futures", dropping::a_stream_outlives_its_futures::<A>),
        ("a_dropped_handshake_is_an_end", dropping::a_dropped_handshake_is_an_end::<A>),
        ("a_dropped_choice_is_an_end", dropping::a_dropped_choice_is_an_end::<A>),
        ("a_dropped_handshake_among_chaos_is_an_end", dropping::among_chaos::<A>),
        ("a_refusal_before_a_choice_arrives_whole", beginning::a_refusal_arrives_whole::<A>),
        ("a_refusal_reaches_the_peer", beginning::a_refusal_reaches_the_peer::<A>),
        ("a_bad_name_is_refused", beginning::a_bad_name_is_refused::<A>),
        ("a_client_is_heard_first", beginning::a_client_is_heard_first::<A>),
        ("what_is_not_tls_is_given_back", beginning::what_is_not_tls_is_given_back::<A>),
        ("early_data_comes_apart_from_the_rest", early::early_data_comes_apart::<A>),
        ("a_signature_is_awaited", slow::a_signature_is_awaited::<A>),
    ];
    let mut trials = Vec::new();
    for &backend in backends {
        for &(name, promise) in promises {
            let name = format!("{}::{}::{name}", A::NAME, backend.name());
            trials.push(Trial::test(name, move || {
                promise(backend);
                Ok(())
            }));
        }
    }
    trials
}

/// Panics if it is not kept.
type Promise = fn(&'static dyn Backend);
