//! The world: one thread, one clock, one source of randomness; processes, and the wires between them.
//!
//! ```text
//!            World::step ── pops the next event, in the order (time, when it was put in)
//!                 │
//!     ┌───────────┼────────────────────────────┐
//!  Arrive(side)  Turn(process)               Alarm(token)
//!  a pipe's      the process' loop turns:    the scenario asked for it:
//!  head comes    see `driver`                clients, faults
//!  in: `network`
//! ```
//!
//! Everything random is drawn from one generator in the order of events, and nothing iterates over a hash, so a seed
//! is a run. The hash over all that the machines were told says whether two runs were the same.

mod driver;
mod faults;
mod network;
mod trace;
mod weather;
mod wire;

pub use faults::Crash;
pub use weather::Weather;

use hedgerow::conn::{ConnId, Machine, Net};
use hedgerow::rng::Rng;
use hedgerow::time::{Now, Span, Time};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use trace::Trace;
use wire::{Side, Wire};

/// Milliseconds since 1970 at the world's beginning.
const BEGIN_UNIX_MS: u64 = 1_750_000_000_000;

/// What the world's beginning is on a process' monotonic clock: nobody may rely on clocks that begin at 0.
const BEGIN_MONOTONIC: Span = Span::from_secs(3_600);

/// What happened in one step, as far as a scenario wants to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing is left to happen.
    Over,
    /// An alarm that the scenario set.
    Alarm(u64),
    /// This process' loop turned.
    Turned(usize),
    /// This process ended by itself with this status.
    Exited(usize, i32),
    /// Something else.
    Quiet,
}

/// A line of words into a machine and out of it, without a wire: [`hedgerow::conn::Origin::Local`].
#[derive(Debug)]
pub struct Feed {
    pub process: usize,
    life: u32,
    number: u8,
    id: Option<ConnId>,
    inbox: Vec<u8>,
    touched: bool,
    /// What the machine said.
    pub output: Vec<u8>,
    /// The process died, or closed the feed.
    pub dead: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Event {
    Arrive(Side),
    Turn(usize),
    Alarm(u64),
}

#[derive(Clone, Copy, Debug)]
enum Route {
    Wire(Side),
    Feed(usize),
}

/// A machine at work.
struct Running<M> {
    machine: M,
    net: Net,
    /// By the index of the connection's id.
    routes: Vec<Option<Route>>,
}

/// A place where a machine may run: an address, a clock.
struct Process<M> {
    name: String,
    address: SocketAddr,
    running: Option<Box<Running<M>>>,
    /// Counts the machines that ran here.
    life: u32,
    listens: bool,
    /// The whole host is gone: not even a refusal comes back.
    silent: bool,
    frozen_until: Time,
    skew_ms: i64,
    turn_at: Option<Time>,
    touched: Vec<Route>,
    next_port: u16,
}

/// A world of processes that run machines of the type `M`.
pub struct World<M> {
    pub now: Time,
    pub rng: Rng,
    pub weather: Weather,
    processes: Vec<Process<M>>,
    wires: Vec<Wire>,
    feeds: Vec<Feed>,
    /// `cuts[from * processes + to]`: what `from` sends does not reach `to`.
    cuts: Vec<bool>,
    /// Connections that a process accepted from another one while an earlier one of theirs was still open.
    pub doubled: u64,
    /// Feeds that have something to say since the scenario last took them.
    heard: Vec<usize>,
    queue: BinaryHeap<Reverse<(Time, u64, Event)>>,
    sequence: u64,
    trace: Trace,
    trap: Option<Trap>,
}

/// Waits for a process to send a message of some kind.
struct Trap {
    /// The message's name.
    word: &'static str,
    /// So many are let through.
    skip: u64,
    /// Who sent one, once it has closed.
    caught: Option<usize>,
}

impl<M: Machine> World<M> {
    pub fn new(seed: u64, weather: Weather, tracing: bool) -> World<M> {
        World {
            now: Time::ZERO + Span::from_secs(1),
            rng: Rng::from_seed(seed),
            weather,
            processes: vec![],
            wires: vec![],
            feeds: vec![],
            cuts: vec![],
            doubled: 0,
            heard: vec![],
            queue: BinaryHeap::new(),
            sequence: 0,
            trace: Trace::new(tracing),
            trap: None,
        }
    }

    /// A place for a machine; nothing runs there yet.
    pub fn add_process(&mut self, name: String, address: SocketAddr, listens: bool) -> usize {
        assert!(self.wires.is_empty(), "processes come before wires");
        self.processes.push(Process {
            name,
            address,
            running: None,
            life: 0,
            listens,
            silent: false,
            frozen_until: Time::ZERO,
            skew_ms: 0,
            turn_at: None,
            touched: vec![],
            next_port: 40_000,
        });
        self.cuts = vec![false; self.processes.len() * self.processes.len()];
        self.processes.len() - 1
    }

    /// Starts a machine where none runs.
    pub fn start(&mut self, p: usize, machine: M) {
        let process = &mut self.processes[p];
        assert!(process.running.is_none(), "{} runs already", process.name);
        process.running = Some(Box::new(Running { machine, net: Net::new(), routes: vec![] }));
        process.life += 1;
        process.silent = false;
        self.trace.note(self.now, || format!("{} starts", process.name));
        self.unpark();
        self.turn_soon(p);
    }

    /// The machine that runs there.
    pub fn machine(&self, p: usize) -> Option<&M> {
        Some(&self.processes[p].running.as_ref()?.machine)
    }

    pub fn is_up(&self, p: usize) -> bool {
        self.processes[p].running.is_some()
    }

    /// Opens a feed into the machine that runs there.
    pub fn open_feed(&mut self, p: usize, number: u8) -> usize {
        let feed = self.feeds.len();
        self.feeds.push(Feed {
            process: p,
            life: self.processes[p].life,
            number,
            id: None,
            inbox: vec![],
            touched: false,
            output: vec![],
            dead: !self.is_up(p),
        });
        self.touch(Route::Feed(feed));
        feed
    }

    /// Says something into a feed.
    pub fn say(&mut self, feed: usize, bytes: &[u8]) {
        self.feeds[feed].inbox.extend_from_slice(bytes);
        self.touch(Route::Feed(feed));
    }

    pub fn feed(&mut self, feed: usize) -> &mut Feed {
        &mut self.feeds[feed]
    }

    /// The feeds with new output, or that died, since the last call.
    pub fn take_heard(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.heard)
    }

    /// [`Step::Alarm`] comes with this token after this time.
    pub fn alarm(&mut self, after: Span, token: u64) {
        self.schedule(self.now + after, Event::Alarm(token));
    }

    /// From now on, waits until some process sends the message `word` for the `skip + 1`st time.
    pub fn set_trap(&mut self, word: &'static str, skip: u64) {
        self.trap = Some(Trap { word, skip, caught: None });
    }

    /// The process that was caught, right after the turn in which it sent the message.
    pub fn take_caught(&mut self) -> Option<usize> {
        let caught = self.trap.as_ref()?.caught?;
        self.trap = None;
        Some(caught)
    }

    /// Prints into the trace, if there is one.
    pub fn note(&self, what: impl FnOnce() -> String) {
        self.trace.note(self.now, what);
    }

    /// Over all that the machines were told and said so far.
    pub fn hash(&self) -> u64 {
        self.trace.hash()
    }

    /// Lets the next thing happen.
    pub fn step(&mut self) -> Step {
        let Some(Reverse((at, _, event))) = self.queue.pop() else { return Step::Over };
        assert!(at >= self.now, "time goes on");
        self.now = at;
        match event {
            Event::Alarm(token) => Step::Alarm(token),
            Event::Arrive(side) => {
                self.arrive(side);
                Step::Quiet
            }
            Event::Turn(p) => self.turn_if_due(p),
        }
    }

    fn clock(&self, p: usize) -> Now {
        let unix_ms = (BEGIN_UNIX_MS + self.now.as_nanos() / 1_000_000) as i64 + self.processes[p].skew_ms;
        Now { time: self.now + BEGIN_MONOTONIC, unix_ms: unix_ms as u64 }
    }

    fn schedule(&mut self, at: Time, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at.max(self.now), self.sequence, event)));
    }

    fn turn_soon(&mut self, p: usize) {
        let at = self.now + self.weather.lag(&mut self.rng);
        self.turn_at(p, at);
    }

    fn turn_at(&mut self, p: usize, at: Time) {
        let process = &mut self.processes[p];
        if process.running.is_some() && process.turn_at.is_none_or(|planned| planned > at) {
            process.turn_at = Some(at);
            self.schedule(at, Event::Turn(p));
        }
    }

    fn turn_if_due(&mut self, p: usize) -> Step {
        let now = self.now;
        let process = &mut self.processes[p];
        if process.turn_at != Some(now) || process.running.is_none() {
            return Step::Quiet;
        }
        process.turn_at = None;
        let thaw = process.frozen_until;
        if thaw > now {
            self.turn_at(p, thaw);
            return Step::Quiet;
        }
        self.turn(p)
    }

    /// Puts an end or a feed on its process' list of what to look at.
    fn touch(&mut self, route: Route) {
        let (p, life, touched) = match route {
            Route::Wire(side) => {
                let end = &mut self.wires[side.wire()].ends[side.end()];
                (end.process, end.life, &mut end.touched)
            }
            Route::Feed(feed) => {
                let feed = &mut self.feeds[feed];
                (feed.process, feed.life, &mut feed.touched)
            }
        };
        if *touched || life != self.processes[p].life {
            return;
        }
        *touched = true;
        self.processes[p].touched.push(route);
        self.turn_soon(p);
    }
}
