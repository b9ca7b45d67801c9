//! The one thread that drives all connections.
//!
//! A turn: wait for readiness, read what came, count it, and where that ends a batch send the next one at once. The
//! clock is read once for every read: an answer's latency ends when it was read, and the next batch's begins there.

use std::io::{self, ErrorKind, Read as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token};

use crate::connection::{Connection, Fault, Link};
use crate::cpu::Usage;
use crate::progress::Progress;
use crate::requests::{Asked, Plan, Template};
use crate::tally::{Nanos, Tally};

const EVENTS_PER_TURN: usize = 256;
const READ_BYTES: usize = 128 << 10;
/// Between two looks at timeouts and signals when nothing happens.
const TICK: Duration = Duration::from_millis(100);
/// Between two looks at connections that are down: silence is measured, so ours must not add to it.
const REDIAL_TICK: Duration = Duration::from_millis(2);
const REDIAL_NANOS_MIN: Nanos = 2_000_000;
const REDIAL_NANOS_MAX: Nanos = 50_000_000;
/// Together the connections dial at most this often: one dial in so many nanoseconds.
const DIAL_NANOS: Nanos = 20_000;

/// How the connections are made and used; the same in all runs.
#[derive(Clone, Debug)]
pub(crate) struct Wiring {
    /// Where the target is: the first address that answers is taken for all connections.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) connections: usize,
    /// Requests of one batch.
    pub(crate) pipeline: usize,
    /// A connection that waits longer is closed and made again.
    pub(crate) timeout: Duration,
    pub(crate) resp3: bool,
    /// Processes whose CPU time is told.
    pub(crate) pids: Vec<u32>,
}

/// When a run ends; with neither, by a signal only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    /// Answers in this time are not counted.
    pub(crate) warmup: Duration,
    pub(crate) duration: Option<Duration>,
    pub(crate) requests: Option<u64>,
}

/// Why a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    Finished,
    Interrupted,
    /// No connection could be made for as long as the timeout, and only answers could have ended the run.
    TargetGone,
}

/// What a run found.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    pub(crate) elapsed: Duration,
    pub(crate) ending: Ending,
    pub(crate) usage: Usage,
    /// Requests that had no answer yet when the time was over, and the age of the oldest.
    pub(crate) unfinished: u64,
    pub(crate) oldest: Duration,
}

/// All connections and the loop around them.
pub(crate) struct Engine {
    wiring: Wiring,
    address: SocketAddr,
    poll: Poll,
    connections: Vec<Connection>,
    requests: Vec<u8>,
    read: Box<[u8]>,
    hello: Template,
    clock: Instant,
    interrupted: Arc<AtomicBool>,
    progress: Progress,
}

/// One run: what changes while a plan is carried out.
struct Run<'p> {
    plan: &'p mut Plan,
    tally: Tally,
    goal: Goal,
    measuring: bool,
    /// Requests that may still be sent.
    budget: u64,
    in_flight: u64,
    /// Connections that are not up, and since when all of them have been so.
    down: usize,
    all_down_since: Option<Nanos>,
    looked_at: Nanos,
    usage_before: Usage,
}

impl Engine {
    /// Connects all connections, one after the other. The error says how far that went.
    pub(crate) fn connect(
        wiring: Wiring,
        interrupted: Arc<AtomicBool>,
        progress: Progress,
    ) -> io::Result<Engine> {
        let poll = Poll::new()?;
        let clock = Instant::now();
        let (first, address) = connect_any(&wiring)?;
        let mut streams = Some(first);
        let mut connections = Vec::with_capacity(wiring.connections);
        for index in 0..wiring.connections {
            let connected = match streams.take() {
                Some(stream) => Ok(stream),
                None => connect_one(address, wiring.timeout),
            };
            let connection =
                connected.and_then(|stream| Connection::new(stream, Token(index), poll.registry()));
            connections.push(connection.map_err(|error| {
                let wanted = wiring.connections;
                io::Error::new(error.kind(), format!("{index} of {wanted} connections made, then: {error}"))
            })?);
        }
        let mut engine = Engine {
            wiring,
            address,
            poll,
            connections,
            requests: Vec::new(),
            read: vec![0; READ_BYTES].into_boxed_slice(),
            hello: Template::hello(),
            clock,
            interrupted,
            progress,
        };
        engine.greet_all();
        Ok(engine)
    }

    /// The address that was taken.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Carries out a plan.
    pub(crate) fn run(&mut self, plan: &mut Plan, goal: Goal) -> io::Result<Outcome> {
        let start = self.now();
        let mut run = Run {
            tally: Tally::new(plan.operations.len(), start),
            plan,
            goal,
            measuring: false,
            budget: u64::MAX,
            in_flight: 0,
            down: self.connections.iter().filter(|one| !matches!(one.link, Link::Up(_))).count(),
            all_down_since: None,
            looked_at: start,
            usage_before: Usage::read(&self.wiring.pids),
        };
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        self.begin(&mut run, start);
        loop {
            let now = self.now();
            if let Some(ending) = self.look_around(&mut run, now) {
                return Ok(self.finish(run, ending));
            }
            match self.poll.poll(&mut events, Some(run.patience(now))) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                self.on_event(&mut run, event);
            }
        }
    }

    fn now(&self) -> Nanos {
        self.clock.elapsed().as_nanos() as Nanos
    }

    /// Gives every idle connection its first batch.
    fn begin(&mut self, run: &mut Run<'_>, now: Nanos) {
        if run.goal.warmup.is_zero() {
            self.begin_measuring(run, now);
        }
        for index in 0..self.connections.len() {
            self.connections[index].wants_from(now);
            self.send_next(run, index, now);
        }
    }

    fn begin_measuring(&mut self, run: &mut Run<'_>, now: Nanos) {
        run.measuring = true;
        run.budget = run.goal.requests.unwrap_or(u64::MAX);
        run.usage_before = Usage::read(&self.wiring.pids);
        run.tally.restart(now);
    }

    /// What is done between two waits: phases, ends, dials and timeouts.
    fn look_around(&mut self, run: &mut Run<'_>, now: Nanos) -> Option<Ending> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Some(Ending::Interrupted);
        }
        let running = Duration::from_nanos(now.saturating_sub(run.tally.began()));
        if !run.measuring && running >= run.goal.warmup {
            self.begin_measuring(run, now);
        } else if run.measuring && run.goal.duration.is_some_and(|duration| running >= duration) {
            return Some(Ending::Finished);
        }
        if run.budget == 0 && run.in_flight == 0 {
            return Some(Ending::Finished);
        }
        let tick = if run.down > 0 { REDIAL_TICK } else { TICK };
        if now >= run.looked_at + tick.as_nanos() as Nanos {
            run.looked_at = now;
            self.tend_connections(run, now);
            self.progress.show(&run.tally, run.measuring, now);
        }
        let gone_for = now.saturating_sub(run.all_down_since?);
        let gone = gone_for > self.wiring.timeout.as_nanos() as Nanos && run.goal.duration.is_none();
        gone.then_some(Ending::TargetGone)
    }

    /// Dials where it is time to, and closes what has waited too long.
    fn tend_connections(&mut self, run: &mut Run<'_>, now: Nanos) {
        let timeout = self.wiring.timeout.as_nanos() as Nanos;
        let overdue = |since: Nanos| now.saturating_sub(since) > timeout;
        for index in 0..self.connections.len() {
            let connection = &self.connections[index];
            match &connection.link {
                Link::Down { retry_at } if *retry_at > now => {}
                Link::Down { .. } => self.redial(index, now),
                Link::Dialing { since, .. } if overdue(*since) => self.dial_failed(index, now),
                Link::Up(_) if connection.in_flight() > 0 && overdue(connection.stirred_at()) => {
                    self.lose(run, index, Fault::Timeout, now);
                }
                _ => {}
            }
        }
        let all_down = run.down == self.connections.len();
        run.all_down_since = if all_down { run.all_down_since.or(Some(now)) } else { None };
    }

    fn on_event(&mut self, run: &mut Run<'_>, event: &Event) {
        let index = event.token().0;
        if matches!(self.connections[index].link, Link::Dialing { .. }) {
            self.on_dialed(run, index);
        }
        if event.is_writable()
            && matches!(self.connections[index].link, Link::Up(_))
            && let Err(fault) = self.connections[index].send_rest(self.poll.registry())
        {
            let now = self.now();
            return self.lose(run, index, fault, now);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.on_readable(run, index, event.is_read_closed() || event.is_error());
        }
    }

    fn on_dialed(&mut self, run: &mut Run<'_>, index: usize) {
        let now = self.now();
        match self.connections[index].finish_dial(now, self.poll.registry()) {
            Ok(true) => {
                run.down -= 1;
                run.tally.failures.reconnects += 1;
                self.greet(index, now);
                self.send_next(run, index, now);
            }
            Ok(false) => {}
            Err(_) => self.dial_failed(index, now),
        }
    }

    fn redial(&mut self, index: usize, now: Nanos) {
        if self.connections[index].dial(self.address, now, self.poll.registry()).is_err() {
            self.dial_failed(index, now);
        }
    }

    fn dial_failed(&mut self, index: usize, now: Nanos) {
        let crowd = self.connections.len() as Nanos * DIAL_NANOS;
        let connection = &mut self.connections[index];
        let refusals = connection.refused().min(16);
        let wait = (REDIAL_NANOS_MIN << refusals).min(REDIAL_NANOS_MAX).max(crowd);
        connection.drop_link(now + wait);
    }

    /// Reads what is there. `closed`: the stream may end behind it, and no further event would tell.
    fn on_readable(&mut self, run: &mut Run<'_>, index: usize, closed: bool) {
        loop {
            let connection = &mut self.connections[index];
            let Link::Up(stream) = &mut connection.link else { return };
            let outcome = stream.read(&mut self.read);
            let now = self.clock.elapsed().as_nanos() as Nanos;
            let count = match outcome {
                Ok(0) => return self.lose(run, index, Fault::Closed, now),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.lose(run, index, Fault::Closed, now),
            };
            let (answered, outcome) = connection.take(&self.read[..count], now, run.plan, &mut run.tally);
            run.in_flight -= answered as u64;
            if let Err(fault) = outcome {
                return self.lose(run, index, fault, now);
            }
            if connection.in_flight() == 0 {
                self.send_next(run, index, now);
            }
            // A read that did not fill the buffer has emptied the socket.
            if count < self.read.len() && !closed {
                return;
            }
        }
    }

    /// Sends the next batch on a connection that is up and waits for nothing, if there is anything left to send.
    fn send_next(&mut self, run: &mut Run<'_>, index: usize, now: Nanos) {
        let connection = &mut self.connections[index];
        let size = (self.wiring.pipeline as u64).min(run.budget);
        if size == 0 || connection.in_flight() > 0 || !matches!(connection.link, Link::Up(_)) {
            return;
        }
        let batch = connection.next_batch();
        self.requests.clear();
        batch.extend((0..size).map(|_| run.plan.append_next(&mut self.requests)));
        run.budget -= if run.budget == u64::MAX { 0 } else { size };
        run.in_flight += size;
        if let Err(fault) = connection.send(&self.requests, now, self.poll.registry()) {
            self.lose(run, index, fault, now);
        }
    }

    /// Asks for RESP3 first, where that is wanted. The greeting is a batch of its own; a fault shows in the read.
    fn greet(&mut self, index: usize, now: Nanos) {
        if self.wiring.resp3 {
            let connection = &mut self.connections[index];
            connection.next_batch().push(Asked::HELLO);
            self.requests.clear();
            self.hello.append(&mut self.requests, || 0);
            let _ = connection.send(&self.requests, now, self.poll.registry());
        }
    }

    fn greet_all(&mut self) {
        let now = self.now();
        (0..self.connections.len()).for_each(|index| self.greet(index, now));
    }

    /// Gives a connection up: what was in flight on it is lost, and it is dialed again.
    fn lose(&mut self, run: &mut Run<'_>, index: usize, fault: Fault, now: Nanos) {
        let connection = &mut self.connections[index];
        let lost = connection.plan_in_flight() as u64;
        run.in_flight -= lost;
        run.down += 1;
        let failures = &mut run.tally.failures;
        failures.connections_lost += 1;
        failures.requests_lost += lost;
        failures.protocol += u64::from(fault == Fault::Protocol);
        failures.timeouts += u64::from(fault == Fault::Timeout);
        connection.drop_link(now + REDIAL_NANOS_MIN);
    }

    fn finish(&mut self, mut run: Run<'_>, ending: Ending) -> Outcome {
        let now = self.now();
        if !run.measuring {
            self.begin_measuring(&mut run, now);
        }
        self.progress.clear();
        run.tally.end(now);
        let mut oldest = 0;
        for connection in &self.connections {
            if let Some(since) = connection.waiting_since() {
                run.tally.still_waiting(since, now);
            }
            if connection.plan_in_flight() > 0 {
                oldest = oldest.max(now.saturating_sub(connection.sent_at()));
            }
        }
        Outcome {
            elapsed: Duration::from_nanos(now.saturating_sub(run.tally.began())),
            ending,
            usage: Usage::read(&self.wiring.pids).since(&run.usage_before),
            unfinished: run.in_flight,
            oldest: Duration::from_nanos(oldest),
            tally: run.tally,
        }
    }
}

impl Run<'_> {
    /// How long to wait for events at most.
    fn patience(&self, now: Nanos) -> Duration {
        let tick = if self.down > 0 { REDIAL_TICK } else { TICK };
        let until = if self.measuring { self.goal.duration } else { Some(self.goal.warmup) };
        let running = Duration::from_nanos(now.saturating_sub(self.tally.began()));
        until.map_or(tick, |until| until.saturating_sub(running).min(tick))
    }
}

/// The first address that takes a connection. The error is the last one's.
fn connect_any(wiring: &Wiring) -> io::Result<(mio::net::TcpStream, SocketAddr)> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for &address in &wiring.addresses {
        match connect_one(address, wiring.timeout) {
            Ok(stream) => return Ok((stream, address)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn connect_one(address: SocketAddr, timeout: Duration) -> io::Result<mio::net::TcpStream> {
    let stream = std::net::TcpStream::connect_timeout(&address, timeout)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(mio::net::TcpStream::from_std(stream))
}
