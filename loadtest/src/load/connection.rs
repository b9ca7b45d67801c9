//! One connection: requests that went out and wait for their answers, in order.
//!
//! ```text
//!          dial ok                sent
//!  Down ──► Dialing ──► Up, idle ──────► Up, waiting
//!   ▲          │             ▲               │  │
//!   │ refused  │             └─ last answer ─┘  │
//!   └──────────┴─ closed, not RESP, timed out ──┘
//! ```

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write as _};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::load::replies::{Found, Scanner, Shape};
use crate::truth::ledger::Finding;
use crate::truth::silence::Hearing;
use crate::truth::tally::{Nanos, Slice, example};
use crate::work::expect::Verdict;
use crate::work::values::Reading;
use crate::work::{Asked, OPERATIONS_MAX, Plan, Role};

/// The network side of a connection.
#[derive(Debug)]
pub(crate) enum Link {
    Up(TcpStream),
    Dialing { stream: TcpStream, since: Nanos },
    Down { retry_at: Nanos },
}

/// Why a connection is given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Closed or reset by the target.
    Closed,
    /// What came is not RESP, or was not asked for.
    Protocol,
    /// An answer was too long in coming.
    Timeout,
}

/// A request without an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) asked: Asked,
    /// When it was to be sent, and when it was: the same in a closed loop.
    pub(crate) due: Nanos,
    pub(crate) sent: Nanos,
}

/// A connection and its requests in flight.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) link: Link,
    token: Token,
    scanner: Scanner,
    flights: VecDeque<Flight>,
    /// What came of the current answer's value, where values are verified.
    reading: Reading,
    /// What the socket did not take.
    unsent: Vec<u8>,
    /// Requests that follow an answer: operation and key.
    pub(crate) followers: Vec<(usize, u64)>,
    /// Since when this connection has wanted a good answer and got none.
    wanted_at: Nanos,
    /// When bytes last came, or something was sent while nothing was in flight.
    stirred_at: Nanos,
    /// Dials in a row that failed.
    refusals: u32,
    /// Requests sent since it was dialed.
    pub(crate) used: u64,
    /// It stands in the queue of those that have room.
    pub(crate) queued: bool,
    /// It was closed by us to be made again.
    pub(crate) renewed: bool,
    /// It has had a good answer in this run.
    pub(crate) heard: bool,
}

/// What answers are held against and counted into.
pub(crate) struct Intake<'i> {
    pub(crate) plan: &'i mut Plan,
    pub(crate) slice: &'i mut Slice,
    pub(crate) hearing: &'i Hearing,
    /// Requests have times at which they are due.
    pub(crate) open_loop: bool,
    /// When the measurement began.
    pub(crate) began: Nanos,
}

/// Good answers of one moment that were due at the same time, counted together.
struct Harvest {
    due: Nanos,
    good: [u32; OPERATIONS_MAX],
    first_due: Option<Nanos>,
}

impl Harvest {
    #[inline]
    fn add(&mut self, flight: &Flight, now: Nanos, slice: &mut Slice) {
        if flight.due != self.due {
            self.count(now, slice);
            self.due = flight.due;
        }
        self.good[flight.asked.operation()] += 1;
        self.first_due.get_or_insert(flight.due);
    }

    #[inline]
    fn count(&mut self, now: Nanos, slice: &mut Slice) {
        for operation in 0..slice.answers.len() {
            let count = std::mem::take(&mut self.good[operation]);
            if count > 0 {
                slice.answered(operation, u64::from(count), now.saturating_sub(self.due));
            }
        }
    }
}

impl Connection {
    /// A connection that is to be dialed at `retry_at`.
    pub(crate) fn new(token: Token, retry_at: Nanos) -> Connection {
        Connection {
            link: Link::Down { retry_at },
            token,
            scanner: Scanner::new(),
            flights: VecDeque::new(),
            reading: Reading::NOTHING,
            unsent: Vec::new(),
            followers: Vec::new(),
            wanted_at: 0,
            stirred_at: 0,
            refusals: 0,
            used: 0,
            queued: false,
            renewed: false,
            heard: false,
        }
    }

    /// Takes a connected socket.
    pub(crate) fn adopt(&mut self, mut stream: TcpStream, registry: &Registry) -> io::Result<()> {
        registry.register(&mut stream, self.token, Interest::READABLE)?;
        self.link = Link::Up(stream);
        Ok(())
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.link, Link::Up(_))
    }

    /// Requests that are sent and not answered.
    #[inline]
    pub(crate) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Those among them that a plan asked for.
    pub(crate) fn plan_flights(&self) -> impl Iterator<Item = &Flight> {
        self.flights.iter().filter(|flight| flight.asked != Asked::GREETING)
    }

    /// Since when it has waited for a good answer, if it waits.
    pub(crate) fn waiting_since(&self) -> Option<Nanos> {
        (self.in_flight() > 0 || !self.is_up()).then_some(self.wanted_at)
    }

    /// When something last happened on it.
    pub(crate) fn stirred_at(&self) -> Nanos {
        self.stirred_at
    }

    /// Notes a request that the bytes of the next [`Connection::send`] ask for.
    #[inline]
    pub(crate) fn note(&mut self, flight: Flight) {
        if self.flights.is_empty() {
            self.stirred_at = flight.sent;
        }
        self.flights.push_back(flight);
        self.used += 1;
    }

    /// Sends requests.
    pub(crate) fn send(&mut self, bytes: &[u8], registry: &Registry) -> Result<(), Fault> {
        let Link::Up(stream) = &mut self.link else { unreachable!("only a connected one sends") };
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let written = write_some(stream, bytes)?;
        if written < bytes.len() {
            self.unsent.extend_from_slice(&bytes[written..]);
            let interest = Interest::READABLE | Interest::WRITABLE;
            registry.reregister(stream, self.token, interest).map_err(|_| Fault::Closed)?;
        }
        Ok(())
    }

    /// Sends more of what the socket did not take, now that it says it would.
    pub(crate) fn send_rest(&mut self, registry: &Registry) -> Result<(), Fault> {
        let Link::Up(stream) = &mut self.link else { unreachable!("only a connected one sends") };
        if self.unsent.is_empty() {
            return Ok(());
        }
        let written = write_some(stream, &self.unsent)?;
        self.unsent.drain(..written);
        if self.unsent.is_empty() {
            self.unsent = Vec::new();
            registry.reregister(stream, self.token, Interest::READABLE).map_err(|_| Fault::Closed)?;
        }
        Ok(())
    }

    /// Takes in what was read at `now`. Returns how many requests of the plan it answered, and the fault that ended it.
    pub(crate) fn take(
        &mut self,
        mut bytes: &[u8],
        now: Nanos,
        intake: &mut Intake<'_>,
    ) -> (usize, Result<(), Fault>) {
        self.stirred_at = now;
        let mut harvest = Harvest { due: 0, good: [0; OPERATIONS_MAX], first_due: None };
        let (mut answered, mut outcome) = (0, Ok(()));
        let verifying = intake.plan.source.ledger.is_some();
        let follows = intake.plan.follows();
        while !bytes.is_empty() {
            let (consumed, found) = self.scanner.next(bytes);
            bytes = &bytes[consumed..];
            let (shape, text) = match found {
                Found::Reply { shape, text } => (shape, text),
                Found::More => continue,
                Found::Part(piece) => {
                    if verifying {
                        self.reading.push(piece);
                    }
                    continue;
                }
                Found::Broken => {
                    outcome = Err(Fault::Protocol);
                    break;
                }
            };
            let Some(flight) = self.flights.pop_front() else {
                outcome = Err(Fault::Protocol);
                break;
            };
            if flight.asked == Asked::GREETING {
                if shape == Shape::Error {
                    intake.slice.failures.error(text);
                }
                continue;
            }
            answered += 1;
            let mut good = count_answer(flight.asked, shape, text, intake);
            if verifying {
                good &= verify(flight.asked, (good, shape), text, &mut self.reading, intake);
            }
            if good {
                harvest.add(&flight, now, intake.slice);
                if intake.open_loop {
                    intake.slice.service.saturating_record(now.saturating_sub(flight.sent));
                }
                if follows && let Some(next) = intake.plan.operations[flight.asked.operation()].followed_by {
                    self.followers.push((next, flight.asked.key()));
                }
            }
        }
        harvest.count(now, intake.slice);
        if let Some(first_due) = harvest.first_due {
            self.good_answer(first_due, now, intake);
        }
        (answered, outcome)
    }

    fn good_answer(&mut self, first_due: Nanos, now: Nanos, intake: &mut Intake<'_>) {
        // In a closed loop a connection always wants the next answer; in an open one, from when it is due.
        let wanted_at = if intake.open_loop { first_due } else { self.wanted_at };
        intake.hearing.heard(wanted_at, now, &mut intake.slice.gaps);
        let waited = now.saturating_sub(wanted_at.max(intake.began));
        intake.slice.longest_of_one = intake.slice.longest_of_one.max(waited);
        (self.wanted_at, self.heard, self.refusals) = (now, true, 0);
    }

    /// The run that counts silence begins, or this connection, idle before, begins to want answers.
    pub(crate) fn wants_from(&mut self, now: Nanos) {
        self.wanted_at = now;
    }

    /// Drops the socket and forgets what was in flight; a dial may follow at `retry_at`.
    pub(crate) fn drop_link(&mut self, retry_at: Nanos) {
        self.link = Link::Down { retry_at };
        self.scanner = Scanner::new();
        self.flights.clear();
        self.followers.clear();
        self.reading = Reading::NOTHING;
        self.unsent = Vec::new();
        self.used = 0;
    }

    /// Begins to dial.
    pub(crate) fn dial(&mut self, address: SocketAddr, now: Nanos, registry: &Registry) -> io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        registry.register(&mut stream, self.token, Interest::READABLE | Interest::WRITABLE)?;
        self.link = Link::Dialing { stream, since: now };
        Ok(())
    }

    /// Looks whether the dial has come through: `Ok(Some(since))` if so, `Ok(None)` if it is too early to say.
    pub(crate) fn finish_dial(&mut self, now: Nanos, registry: &Registry) -> io::Result<Option<Nanos>> {
        let Link::Dialing { stream, since } = &mut self.link else { return Ok(None) };
        if !is_connected(stream)? {
            return Ok(None);
        }
        registry.reregister(stream, self.token, Interest::READABLE)?;
        let since = *since;
        let dialing = std::mem::replace(&mut self.link, Link::Down { retry_at: now });
        if let Link::Dialing { stream, .. } = dialing {
            self.link = Link::Up(stream);
        }
        self.stirred_at = now;
        Ok(Some(since))
    }

    /// Counts one more dial that failed; says how many that are since the last good answer.
    pub(crate) fn refused(&mut self) -> u32 {
        self.refusals += 1;
        self.refusals
    }
}

/// Whether a dialed socket has connected; the error is why it never will.
pub(crate) fn is_connected(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
        Err(error) => return Err(error),
    }
    stream.set_nodelay(true)?;
    Ok(true)
}

pub(crate) fn write_some(stream: &mut TcpStream, bytes: &[u8]) -> Result<usize, Fault> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(0) => return Err(Fault::Closed),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(Fault::Closed),
        }
    }
    Ok(written)
}

/// Counts one answer; true if it is a good one.
#[inline]
fn count_answer(asked: Asked, shape: Shape, text: &[u8], intake: &mut Intake<'_>) -> bool {
    let operation = &intake.plan.operations[asked.operation()];
    match operation.template.expect.judge(shape, text) {
        Verdict::Good => return true,
        Verdict::Miss => {
            intake.slice.answers[asked.operation()].misses += 1;
            return true;
        }
        Verdict::Error => intake.slice.failures.error(text),
        Verdict::Wrong => {
            intake.slice.wrong_type(&operation.name, format!("{shape:?} {}", example(text)));
        }
    }
    false
}

/// Holds an answer against the ledger; true if nothing is wrong with what it brought.
fn verify(
    asked: Asked,
    (good, shape): (bool, Shape),
    text: &[u8],
    reading: &mut Reading,
    intake: &mut Intake<'_>,
) -> bool {
    let role = intake.plan.operations[asked.operation()].role;
    if role == Role::Plain {
        *reading = Reading::NOTHING;
        return true;
    }
    let source = &mut intake.plan.source;
    let key = asked.key();
    let ledger = source.ledger.as_mut().expect("asked before");
    if role == Role::Writes {
        ledger.write_ends(key, asked.version, good);
        return true;
    }
    if shape == Shape::Bulk {
        reading.push(text);
    }
    let value = std::mem::replace(reading, Reading::NOTHING);
    let found = match shape {
        Shape::Bulk => Some(value.mark(key)),
        Shape::Null => None,
        _ => return true,
    };
    let mut finding = ledger.judge(key, asked.version, found);
    if finding == Finding::Right
        && let Some(Some(mark)) = found
        && mark.run == ledger.run()
        && value.bytes() != source.size_of(key, mark.version)
    {
        finding = Finding::Wrong;
    }
    if finding == Finding::Lost && found.is_none() {
        // No miss of a key that is not there, but one of a write that was.
        intake.slice.answers[asked.operation()].misses -= 1;
    }
    let failures = &mut intake.slice.failures;
    match finding {
        Finding::Right => return true,
        Finding::Lost => failures.lost += 1,
        Finding::Stale => failures.stale += 1,
        Finding::Wrong => failures.wrong_value += 1,
    }
    failures.first_wrong.get_or_insert_with(|| {
        let floor = asked.version;
        format!("{finding:?}: key {key}, at least write {floor} was due, found {}", example(text))
    });
    false
}
