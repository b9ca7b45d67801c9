//! One thread's reactor and its connections: making them, losing them, making them again.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll, Token};

use crate::load::Clock;
use crate::load::alarm::Alarm;
use crate::load::connection::{Connection, Fault, Flight, Link};
use crate::load::crowd::{Crowd, CrowdCounts, CrowdPlan};
use crate::load::greeting::Greeting;
use crate::load::run::Run;
use crate::truth::silence::Hearing;
use crate::truth::tally::{Failures, Nanos};
use crate::work::Asked;
use crate::work::keys::Share;

const EVENTS_PER_TURN: usize = 256;
pub(crate) const READ_BYTES: usize = 128 << 10;
pub(crate) const REDIAL_NANOS_MIN: Nanos = 2_000_000;
const REDIAL_NANOS_MAX: Nanos = 50_000_000;
/// Together the connections dial at most this often: one dial in so many nanoseconds.
const DIAL_NANOS: Nanos = 20_000;
const ALARM: Token = Token(usize::MAX - 1);

/// How the connections are made and used; the same in all threads and runs.
#[derive(Clone, Debug)]
pub(crate) struct Wiring {
    /// Where the target is: the first address that answers is taken for all connections.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Connections of all threads.
    pub(crate) connections: usize,
    /// Requests in flight on one connection.
    pub(crate) pipeline: usize,
    /// A connection that waits longer is closed and made again.
    pub(crate) timeout: Duration,
    pub(crate) greeting: Greeting,
    /// Requests after which a connection is made anew.
    pub(crate) churn: Option<u64>,
    pub(crate) crowd: CrowdPlan,
}

/// What the threads of a run share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    /// Somebody wants the run to end.
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) hearing: Hearing,
}

impl Shared {
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// What became of the first dials.
#[derive(Clone, Debug)]
pub(crate) struct Connected {
    pub(crate) made: usize,
    /// Why not all of them could be made.
    pub(crate) error: Option<String>,
}

/// All connections of one thread and what is around them.
pub(crate) struct Engine {
    pub(crate) wiring: Arc<Wiring>,
    pub(crate) share: Share,
    pub(crate) shared: Shared,
    pub(crate) address: SocketAddr,
    pub(crate) poll: Poll,
    pub(crate) events: Option<Events>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) requests: Vec<u8>,
    pub(crate) read: Box<[u8]>,
    pub(crate) alarm: Alarm,
    pub(crate) crowd: Crowd,
    /// Connections that something happened on while only the crowd was looked after.
    pub(crate) early: Vec<usize>,
    connected: Connected,
}

impl Engine {
    /// Connects this thread's share of the connections, one after the other. The error is that of the first one; where a
    /// later one fails, the rest is dialed while the run goes on.
    pub(crate) fn connect(wiring: Arc<Wiring>, share: Share, shared: Shared) -> io::Result<Engine> {
        let poll = Poll::new()?;
        let (first, address) = connect_any(&wiring)?;
        let count = share.of(wiring.connections as u64) as usize;
        let now = shared.clock.now();
        let mut connections: Vec<Connection> =
            (0..count).map(|index| Connection::new(Token(index), now)).collect();
        let mut connected = Connected { made: 0, error: None };
        let mut first = Some(first);
        for connection in &mut connections {
            let stream = first.take().map_or_else(|| connect_one(address, wiring.timeout), Ok);
            match stream.and_then(|stream| connection.adopt(stream, poll.registry())) {
                Ok(()) => connected.made += 1,
                Err(error) => {
                    connected.error = Some(error.to_string());
                    break;
                }
            }
        }
        let crowd = Crowd::new(&wiring.crowd, &wiring.greeting, share);
        let alarm = Alarm::new(poll.registry(), ALARM)?;
        let mut engine = Engine {
            wiring,
            share,
            shared,
            address,
            poll,
            events: Some(Events::with_capacity(EVENTS_PER_TURN)),
            connections,
            requests: Vec::new(),
            read: vec![0; READ_BYTES].into_boxed_slice(),
            alarm,
            crowd,
            early: Vec::new(),
            connected,
        };
        engine.gather_crowd()?;
        engine.greet_all();
        Ok(engine)
    }

    pub(crate) fn connected(&self) -> Connected {
        self.connected.clone()
    }

    pub(crate) fn crowd_counts(&self) -> Vec<CrowdCounts> {
        self.crowd.counts()
    }

    #[inline]
    pub(crate) fn now(&self) -> Nanos {
        self.shared.clock.now()
    }

    /// Dials the crowd that stands around before the first request, until all of it has come or was refused.
    fn gather_crowd(&mut self) -> io::Result<()> {
        let mut events = self.events.take().expect("put back after every use");
        let deadline = self.now() + self.wiring.timeout.as_nanos() as Nanos;
        loop {
            let now = self.now();
            self.crowd.tick(self.address, now, self.poll.registry());
            if self.crowd.gathered() || now > deadline || self.shared.stopped() {
                break;
            }
            match self.poll.poll(&mut events, Some(Duration::from_millis(2))) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                if !self.on_crowd(event) && event.token() != ALARM {
                    self.early.push(event.token().0);
                }
            }
        }
        self.events = Some(events);
        Ok(())
    }

    fn on_crowd(&mut self, event: &Event) -> bool {
        let now = self.now();
        self.crowd.on_event(event, &mut self.read, now, self.poll.registry())
    }

    pub(crate) fn on_event(&mut self, run: &mut Run<'_>, event: &Event) {
        let index = event.token().0;
        if index >= self.connections.len() {
            self.on_crowd(event);
            return;
        }
        if matches!(self.connections[index].link, Link::Dialing { .. }) {
            self.on_dialed(run, index);
        }
        if event.is_writable()
            && self.connections[index].is_up()
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
            Ok(Some(since)) => {
                run.down -= 1;
                let renewed = std::mem::take(&mut self.connections[index].renewed);
                if renewed {
                    run.slice.connect.saturating_record(now.saturating_sub(since));
                } else {
                    run.slice.failures.reconnects += 1;
                }
                self.greet(index, now);
                self.go_on(run, index, now);
            }
            Ok(None) => {}
            Err(error) => self.dial_failed(&mut run.slice.failures, index, &error, now),
        }
    }

    /// Dials where it is time to, and closes what has waited too long.
    pub(crate) fn tend_connections(&mut self, run: &mut Run<'_>, now: Nanos) {
        let timeout = self.wiring.timeout.as_nanos() as Nanos;
        let overdue = |since: Nanos| now.saturating_sub(since) > timeout;
        for index in 0..self.connections.len() {
            let connection = &self.connections[index];
            match &connection.link {
                Link::Down { retry_at } if *retry_at > now => {}
                Link::Down { .. } => self.redial(run, index, now),
                Link::Dialing { since, .. } if overdue(*since) => {
                    let error = io::Error::from(ErrorKind::TimedOut);
                    self.dial_failed(&mut run.slice.failures, index, &error, now);
                }
                Link::Up(_) if connection.in_flight() > 0 && overdue(connection.stirred_at()) => {
                    self.lose(run, index, Fault::Timeout, now);
                }
                _ => {}
            }
        }
        let all_down = run.down == self.connections.len();
        run.all_down_since = if all_down { run.all_down_since.or(Some(now)) } else { None };
    }

    fn redial(&mut self, run: &mut Run<'_>, index: usize, now: Nanos) {
        if let Err(error) = self.connections[index].dial(self.address, now, self.poll.registry()) {
            self.dial_failed(&mut run.slice.failures, index, &error, now);
        }
    }

    fn dial_failed(&mut self, failures: &mut Failures, index: usize, error: &io::Error, now: Nanos) {
        failures.dials_failed += 1;
        failures.first_dial_error.get_or_insert_with(|| error.to_string());
        self.back_off(index, now);
    }

    fn back_off(&mut self, index: usize, now: Nanos) {
        let crowd = self.connections.len() as Nanos * DIAL_NANOS;
        let connection = &mut self.connections[index];
        let refusals = connection.refused().min(16);
        let wait = (REDIAL_NANOS_MIN << (refusals - 1)).min(REDIAL_NANOS_MAX).max(crowd);
        connection.drop_link(now + wait);
    }

    /// Gives a connection up: what was in flight on it is lost, and it is dialed again, later where it never was of use.
    pub(crate) fn lose(&mut self, run: &mut Run<'_>, index: usize, fault: Fault, now: Nanos) {
        let connection = &mut self.connections[index];
        let mut lost = 0;
        for flight in connection.plan_flights() {
            lost += 1;
            run.plan.forget(flight.asked);
        }
        run.in_flight -= lost;
        run.down += 1;
        let failures = &mut run.slice.failures;
        failures.connections_lost += 1;
        failures.requests_lost += lost;
        failures.protocol += u64::from(fault == Fault::Protocol);
        failures.timeouts += u64::from(fault == Fault::Timeout);
        self.back_off(index, now);
    }

    /// Closes a connection that has done its requests, and dials the next one at once.
    pub(crate) fn renew(&mut self, run: &mut Run<'_>, index: usize, now: Nanos) {
        let connection = &mut self.connections[index];
        assert_eq!(connection.in_flight(), 0, "nothing is thrown away");
        if let Link::Up(stream) = &connection.link {
            // A reset instead of a farewell: otherwise the ports of the last minute would run out.
            let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
        }
        connection.drop_link(now);
        connection.renewed = true;
        run.down += 1;
        self.redial(run, index, now);
    }

    /// Says first what is to be said first. A fault shows in the read.
    fn greet(&mut self, index: usize, now: Nanos) {
        let greeting = &self.wiring.greeting;
        if greeting.requests() == 0 {
            return;
        }
        let connection = &mut self.connections[index];
        for _ in 0..greeting.requests() {
            connection.note(Flight { asked: Asked::GREETING, due: now, sent: now });
        }
        connection.used = 0;
        let _ = connection.send(greeting.bytes(), self.poll.registry());
    }

    /// Greets on all connections but the first one, which has shown that the greeting is taken.
    fn greet_all(&mut self) {
        let now = self.now();
        for index in 1..self.connections.len() {
            if self.connections[index].is_up() {
                self.greet(index, now);
            }
        }
    }
}

/// The first address that takes a connection, and is greeted. The error is the last one's, or the refusal's.
fn connect_any(wiring: &Wiring) -> io::Result<(mio::net::TcpStream, SocketAddr)> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for &address in &wiring.addresses {
        match dial(address, wiring.timeout) {
            Ok(mut stream) => {
                wiring.greeting.say(&mut stream, wiring.timeout)?;
                return Ok((unblocked(stream)?, address));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn connect_one(address: SocketAddr, timeout: Duration) -> io::Result<mio::net::TcpStream> {
    unblocked(dial(address, timeout)?)
}

fn dial(address: SocketAddr, timeout: Duration) -> io::Result<std::net::TcpStream> {
    let stream = std::net::TcpStream::connect_timeout(&address, timeout)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn unblocked(stream: std::net::TcpStream) -> io::Result<mio::net::TcpStream> {
    stream.set_nonblocking(true)?;
    Ok(mio::net::TcpStream::from_std(stream))
}
