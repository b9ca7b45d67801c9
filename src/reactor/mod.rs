//! The driver of a machine in production: mio, sockets, the clock. Nothing here knows a word of any protocol.
//!
//! ```text
//!        ┌─────────────────────────── one turn ────────────────────────────┐
//!        │                                                                 │
//!   1 wait ──► 2 note ready ──► 3 pump reads ──► 4 timeouts ──► 5 perform  │
//!   epoll,      flags in         budget each,     machine's,     dials,    │
//!   one clock   the sockets      accept           limits,        one write │
//!   reading     and the list     in batches       shutdown       each,     │
//!        ▲      of ready ones                                    closes    │
//!        └─────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Events are edge-triggered: each tells once. What it told is kept in the `Socket` until a read or
//! a write has shown that it is over, and a connection that stops before that (its turn's budget, a stall, a peer that
//! does not read) is put on the list of ready ones again by whatever ends the stop.
//!
//! Measured rules that shape the code: one `recv` an event, since a short read has drained the socket; one shared
//! read buffer; all writes at the end of the turn, one a connection; events for "writable" only after a short write.
//!
//! SIGPIPE is ignored: Rust's runtime sees to it before `main`.

mod accept;
mod clock;
pub mod feed;
mod files;
pub mod logging;
mod perform;
mod pump;
pub mod secret;
mod shutdown;
mod signals;
mod socket;
pub mod terminal;
mod usage;

pub use clock::stopwatch;
pub use files::{clients_max, raise_open_files};
pub use signals::StopHandle;
pub use usage::Usage;

use crate::conn::{CloseReason, ConnId, Entrance, Machine, Net, NetRequest, Origin, Refusal};
use crate::limits::{self, Limits};
use crate::time::{Now, Span, Time};
use accept::{Arrival, Door, turn_away};
use clock::Clock;
use feed::{FeedHandle, Local, Outlet, Sink};
use mio::net::TcpStream;
use mio::{Events, Poll, Token, Waker};
use pump::{Flushed, Pumped};
use signals::Stops;
use socket::{Link, Socket, Sockets, Stage};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Connections of the kernel's and special tokens share one space: an id's number is at least 2^32.
const WAKER: Token = Token(0);
const SIGNALS: Token = Token(1);
const FIRST_LISTENER: usize = 2;

/// The exit status when somebody who had asked for the end asked again.
const PRESSED: i32 = 1;

/// How often limits of time are looked after, while a connection owns memory.
const CHECK_EVERY: Span = Span::from_secs(1);
/// How long a peer's own end is waited for after ours.
const LINGER: Span = Span::from_secs(1);

/// The loop: listeners, sockets, feeds and clocks of one machine. See the module's page.
pub struct Reactor {
    poll: Poll,
    waker: Arc<Waker>,
    clock: Clock,
    net: Net,
    sockets: Sockets,
    door: Door,
    stops: Stops,
    feeds: Feeds,
    lists: Lists,
    buffer: Box<[u8]>,
    /// Limits are looked after when this time has come.
    check_at: Time,
}

/// The feeds' connections.
#[derive(Default)]
struct Feeds {
    /// Not yet told to the machine.
    new: Vec<(ConnId, u8)>,
    open: Vec<ConnId>,
    /// Writers whose last byte `run` waits for, those of closed feeds included.
    outlets: Vec<Arc<Outlet>>,
}

/// Connections that wait for something, and room for such lists that is used again.
#[derive(Default)]
struct Lists {
    /// To be written to at the end of this turn, beside those that got something to send.
    writable: Vec<ConnId>,
    /// Waiting for the peer's end, until a time.
    lingering: VecDeque<(Time, ConnId)>,
    ids: Vec<ConnId>,
    requests: Vec<NetRequest>,
    arrivals: Vec<Arrival>,
}

impl Reactor {
    /// A reactor that serves at most `clients_max` clients at once.
    pub fn new(clients_max: usize) -> io::Result<Reactor> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let mut net = Net::new();
        net.set_entrance(Entrance { clients_max, ..Entrance::default() });
        Ok(Reactor {
            poll,
            waker,
            clock: Clock::new(),
            net,
            sockets: Sockets::default(),
            door: Door::new(),
            stops: Stops::new(),
            feeds: Feeds::default(),
            lists: Lists::default(),
            buffer: vec![0; limits::READ_BYTES].into_boxed_slice(),
            check_at: Time::ZERO,
        })
    }

    /// What clients may send and leave unread.
    pub fn set_limits(&mut self, limits: Limits) {
        self.net.set_limits(limits);
    }

    /// Whom its listeners let in; [`Reactor::new`] has said how many.
    pub fn set_entrance(&mut self, entrance: Entrance) {
        self.net.set_entrance(entrance);
    }

    /// Listens on `address`, from now on: whoever connects before `run` waits. A port 0 is chosen by the system;
    /// returns the address with its port.
    pub fn listen(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        self.door
            .open(address, self.net.entrance(), self.poll.registry(), |index| Token(FIRST_LISTENER + index))
    }

    /// From now on SIGTERM and SIGINT ask this reactor to shut down. For at most one reactor of a process.
    pub fn catch_signals(&mut self) -> io::Result<()> {
        self.stops.catch_signals(self.poll.registry(), SIGNALS)
    }

    /// From now on SIGHUP does not end the process but tells the machine to read its settings again. After
    /// [`Reactor::catch_signals`].
    pub fn catch_reload(&mut self) -> io::Result<()> {
        self.stops.catch_reload()
    }

    /// The clocks now, as the machine will see them: for what it is told before `run`.
    pub fn now(&self) -> Now {
        self.clock.read()
    }

    /// By which another thread asks this reactor to shut down.
    pub fn stop_handle(&self) -> StopHandle {
        self.stops.handle(&self.waker)
    }

    /// Presents `source` to the machine as a connection of [`Origin::Local`], once `run` begins; what the machine
    /// writes to it goes to `sink`.
    pub fn add_feed(&mut self, feed: u8, source: impl Read + Send + 'static, sink: Sink) -> io::Result<()> {
        let local = Local::from_source(feed, &self.waker, source, sink)?;
        self.feeds.outlets.extend(local.outlet().cloned());
        self.insert_feed(local);
        Ok(())
    }

    /// Like [`Reactor::add_feed`], for another thread that asks and gets answers.
    pub fn add_handle(&mut self, feed: u8) -> FeedHandle {
        let (local, handle) = Local::from_handle(feed, &self.waker);
        self.insert_feed(local);
        handle
    }

    /// Drives `machine` until it says [`Net::stop`] and what was queued is sent; returns the status that it gave, or 1
    /// if a second signal did not let it come to that. Fails only if the system cannot be waited on any more: no peer's error ends it.
    pub fn run<M: Machine>(&mut self, machine: &mut M) -> io::Result<i32> {
        let mut events = Events::with_capacity(limits::EVENTS_PER_TURN);
        let mut now = self.clock.read();
        self.open_feeds(machine, now);
        let mut is_told = false;
        loop {
            let patience = self.patience(machine.poll_timeout(), now);
            self.wait(&mut events, patience)?;
            now = self.clock.read();
            self.note(&events);
            self.pump_all(machine, now);
            self.time_out(machine, now);
            if self.stops.take_reload() {
                machine.handle_reload(now, &mut self.net);
            }
            if self.stops.is_asked() && !is_told {
                is_told = true;
                self.catch_up(machine, &mut events)?;
                now = self.clock.read();
                machine.handle_shutdown(now, &mut self.net);
            }
            self.perform(machine, now);
            if self.stops.is_pressed() {
                return Ok(PRESSED);
            }
            if let Some(status) = self.net.stopping() {
                self.drain(&mut events)?;
                return Ok(if self.stops.is_pressed() { PRESSED } else { status });
            }
        }
    }

    /// How long to wait for events: `None` is for ever.
    fn patience(&self, machine: Option<Time>, now: Now) -> Option<Duration> {
        if self.net.has_work() {
            return Some(Duration::ZERO);
        }
        let check = (self.net.pending() > 0).then_some(self.check_at);
        let linger = self.lists.lingering.front().map(|&(until, _)| until);
        let next = [machine, check, linger, self.door.poll_timeout()].into_iter().flatten().min()?;
        Some(clock::until(next, now))
    }

    fn wait(&mut self, events: &mut Events, patience: Option<Duration>) -> io::Result<()> {
        self.net.counters.polls += 1;
        match self.poll.poll(events, patience) {
            // A signal's handler ran: what it left is found in the next turn.
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            result => result,
        }
    }

    /// Keeps what the events tell, and puts their connections on the list of ready ones.
    fn note(&mut self, events: &Events) {
        for event in events {
            match event.token() {
                WAKER => self.note_bells(),
                SIGNALS => self.stops.note_signals(),
                Token(listener) if listener < FIRST_LISTENER + self.door.listeners() => {
                    self.door.knock(listener - FIRST_LISTENER);
                }
                Token(token) => {
                    if let Some(id) = ConnId::from_u64(token as u64) {
                        self.note_socket(id, event);
                    }
                }
            }
        }
    }

    fn note_socket(&mut self, id: ConnId, event: &mio::event::Event) {
        if !self.net.contains(id) {
            return;
        }
        let Some(socket) = self.sockets.get_mut(id) else { return };
        socket.failed |= event.is_error();
        socket.finished |= event.is_read_closed() || event.is_error();
        socket.readable |= event.is_readable() || socket.finished;
        if event.is_writable() || event.is_error() {
            socket.blocked = false;
            self.lists.writable.push(id);
        }
        match socket.stage {
            Stage::Dialing | Stage::Open => self.net.mark_ready(id),
            Stage::Closing | Stage::Lingering => self.lists.writable.push(id),
        }
    }

    /// Some thread of a feed has something to say.
    fn note_bells(&mut self) {
        for &id in &self.feeds.open {
            let Some(socket) = self.sockets.get_mut(id) else { continue };
            let Link::Local(local) = &socket.link else { continue };
            if local.bell().answer() {
                (socket.readable, socket.blocked) = (!socket.eof, false);
                socket.failed |= local.failure().is_some();
                self.net.mark_ready(id);
                self.lists.writable.push(id);
            }
        }
    }

    /// Lets every ready connection speak to the machine, then lets new ones in.
    fn pump_all<M: Machine>(&mut self, machine: &mut M, now: Now) {
        let mut ids = std::mem::take(&mut self.lists.ids);
        self.net.take_ready(&mut ids);
        for id in ids.drain(..) {
            self.pump(machine, id, now);
        }
        self.lists.ids = ids;
        for listener in 0..self.door.listeners() {
            self.accept(machine, listener, now);
        }
    }

    fn pump<M: Machine>(&mut self, machine: &mut M, id: ConnId, now: Now) {
        // Its machine may have closed it in this very turn.
        if !self.net.is_live(id) {
            return;
        }
        let Some(socket) = self.sockets.get_mut(id) else { return };
        if socket.stage == Stage::Dialing && !self.finish_dial(machine, id, now) {
            return;
        }
        let Some(socket) = self.sockets.get_mut(id) else { return };
        match pump::pump(socket, machine, &mut self.net, id, &mut self.buffer, now) {
            Pumped::Fine => {}
            Pumped::Lost(kind) => self.lose(machine, id, CloseReason::Lost(kind), now),
            Pumped::OutOfMemory => {
                log::warn!("a client is refused: incomplete requests hold too much memory");
                self.net.counters.refused += 1;
                self.net.out(id).extend_from_slice(machine.refusal(Refusal::InputMemory));
                machine.handle_close(id, CloseReason::Limit, now, &mut self.net);
                self.net.close(id);
            }
        }
    }

    /// The dial of `id` may be over. True if the connection stands.
    fn finish_dial<M: Machine>(&mut self, machine: &mut M, id: ConnId, now: Now) -> bool {
        let socket = self.sockets.get_mut(id).expect("the caller has seen it");
        match socket.dialed() {
            None => false,
            Some(Ok(peer)) => {
                socket.stage = Stage::Open;
                machine.handle_open(id, Origin::Dialed { peer }, now, &mut self.net);
                // What was written while it was dialing.
                self.lists.writable.push(id);
                true
            }
            Some(Err(error)) => {
                self.lose(machine, id, CloseReason::DialFailed(error.kind()), now);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
