//! Tasks that are polled by hand.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use tls_core::{Backend, Capability, Client, ErrorKind, Server, Tickets};

use super::Adapter;
use super::chaos::Noise;
use crate::pair::{NAME, configs};

/// Tasks that run until all of them are done, or nobody is woken.
///
/// A task has a new waker for each poll, and only the last one counts, as
/// [`Future::poll`] says.
pub(super) struct Tasks<'a> {
    noise: Noise,
    tasks: Vec<Task<'a>>,
    polls: usize,
}

type Step<'a> = dyn FnMut(&mut Context<'_>) -> Poll<()> + 'a;

struct Task<'a> {
    name: &'static str,
    poll: Box<Step<'a>>,
    done: bool,
    state: Arc<State>,
}

/// Which poll is the last, and which one was woken for another.
struct State {
    last: AtomicUsize,
    woken: AtomicUsize,
}

struct Nth(usize, Arc<State>);

impl Wake for Nth {
    fn wake(self: Arc<Self>) {
        self.1.woken.fetch_max(self.0, Ordering::SeqCst);
    }
}

impl<'a> Tasks<'a> {
    pub(super) fn new(noise: &Noise) -> Self {
        Self { noise: noise.clone(), tasks: Vec::new(), polls: 0 }
    }

    /// Adds a task that is ready when `poll` is.
    pub(super) fn add(
        &mut self,
        name: &'static str,
        poll: impl FnMut(&mut Context<'_>) -> Poll<()> + 'a,
    ) {
        let state = State { last: AtomicUsize::new(0), woken: AtomicUsize::new(0) };
        self.tasks.push(Task { name, poll: Box::new(poll), done: false, state: state.into() });
    }

    /// Adds a future, whose value goes to `out`.
    pub(super) fn add_future<F: Future + 'a>(
        &mut self,
        name: &'static str,
        future: F,
        out: &'a RefCell<Option<F::Output>>,
    ) {
        let mut future = Some(Box::pin(future));
        self.add(name, move |cx| {
            let Some(running) = &mut future else { return Poll::Ready(()) };
            let value = ready!(running.as_mut().poll(cx));
            future = None; // as an executor, which drops what is done
            *out.borrow_mut() = Some(value);
            Poll::Ready(())
        });
    }

    /// Runs all tasks to their ends, and says how many polls that took.
    #[track_caller]
    pub(super) fn run(mut self) -> usize {
        self.settle();
        let waiting = self.tasks.iter().filter(|task| !task.done).map(|task| task.name);
        let waiting: Vec<_> = waiting.collect();
        assert!(waiting.is_empty(), "nobody wakes {waiting:?} after {} polls", self.polls);
        self.polls
    }

    /// Runs until nobody is woken, and says how many polls that took in all.
    #[track_caller]
    pub(super) fn settle(&mut self) -> usize {
        loop {
            // Whoever is woken later may be woken before or after any poll.
            let hurry = self.noise.below(3) == 0;
            if hurry && self.noise.wake_one() {
                continue;
            }
            let awake: Vec<usize> = (0..self.tasks.len()).filter(|i| self.is_awake(*i)).collect();
            if awake.is_empty() {
                if self.noise.wake_one() {
                    continue;
                }
                return self.polls;
            }
            let task = &mut self.tasks[awake[self.noise.below(awake.len())]];
            let nth = task.state.last.fetch_add(1, Ordering::SeqCst) + 1;
            let waker = Waker::from(Arc::new(Nth(nth, task.state.clone())));
            task.done = (task.poll)(&mut Context::from_waker(&waker)).is_ready();
            self.polls += 1;
            // A wake-up of the transport's wakes two tasks at most, and so does what a task finds changed.
            let most = 8 * self.noise.wakes() + 100 * self.tasks.len();
            assert!(self.polls <= most, "a busy loop: {} polls", self.polls);
        }
    }

    fn is_awake(&self, i: usize) -> bool {
        let Task { done, state, .. } = &self.tasks[i];
        let (last, woken) = (&state.last, &state.woken);
        // Never polled counts as woken for the first poll.
        !done && woken.load(Ordering::SeqCst) >= last.load(Ordering::SeqCst)
    }
}

/// A client and a server that get along.
pub(super) fn ends(backend: &'static dyn Backend) -> (Client, Server) {
    let (client, server) = configs();
    // Tickets come when they like, and would be in the way of what is counted and cut.
    let server = match backend.capabilities().contains(Capability::TicketsOff) {
        true => server.tickets(Tickets::Off),
        false => server,
    };
    let client = Client::new(&client.build().unwrap(), backend).unwrap();
    (client, Server::new(&server.build().unwrap(), backend).unwrap())
}

/// Two streams that have finished their handshakes, over a pipe with this much room.
#[track_caller]
pub(super) fn established<A: Adapter>(
    backend: &'static dyn Backend,
    noise: &Noise,
    room: usize,
) -> (RefCell<A::Stream>, RefCell<A::Stream>) {
    let (client, server) = ends(backend);
    let (a, b) = noise.pipe::<A::Transport>(room);
    let (connected, accepted) = both(noise, A::connect(&client, NAME, a), A::accept(&server, b));
    (RefCell::new(connected.unwrap()), RefCell::new(accepted.unwrap()))
}

/// Runs two futures to their ends.
#[track_caller]
pub(super) fn both<F: Future, G: Future>(
    noise: &Noise,
    one: F,
    other: G,
) -> (F::Output, G::Output) {
    let (left, right) = (RefCell::new(None), RefCell::new(None));
    let mut tasks = Tasks::new(noise);
    tasks.add_future("one", one, &left);
    tasks.add_future("the other", other, &right);
    tasks.run();
    (left.take().unwrap(), right.take().unwrap())
}

/// The kind of the error of ours that travels in one of `std`'s.
#[track_caller]
pub(super) fn kind(e: &io::Error) -> ErrorKind {
    let inside = e.get_ref().and_then(|inside| inside.downcast_ref::<tls_core::Error>());
    inside.unwrap_or_else(|| panic!("no error of ours in {e:?}")).kind()
}
