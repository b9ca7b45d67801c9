//! Connections that do no work and see what the target makes of them, beside those that do.
//!
//! | kind | does |
//! |---|---|
//! | idle | connects and says nothing |
//! | half-open | sends half a request and then nothing, as if its cable had been pulled |
//! | slowloris | sends a request byte by byte, one a second |
//! | slow readers | asks for much, and reads 256 bytes ten times a second |
//! | storm | connects when the measurement begins, all at once or spread over a time, asks once and stays |
//!
//! All give the password first, if there is one.
//!
//! ```text
//!  Waiting ─dial─► Dialing ──► Open ── closed by the target ──► Gone
//!                     └── refused ────────────────────────────────┘
//! ```

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _};
use std::net::SocketAddr;

use hdrhistogram::Histogram;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::load::connection::{is_connected, write_some};
use crate::load::greeting::Greeting;
use crate::truth::tally::{Nanos, empty_latencies, example};
use crate::work::keys::Share;

/// Tokens of the crowd begin here.
const FIRST_TOKEN: usize = 1 << 40;
/// Dials at one time, but for storms.
const DIALS_MAX: usize = 256;
/// A dial without an answer is given up after this.
const DIAL_NANOS_MAX: Nanos = 10_000_000_000;
const LORIS_NANOS: Nanos = 1_000_000_000;
const SLOW_READ_NANOS: Nanos = 100_000_000;
const SLOW_READ_BYTES: usize = 256;
/// A slow reader asks for more while this much was taken from it.
const SLOW_BATCH: usize = 64;

const HALF: &[u8] = b"*2\r\n$3\r\nGET\r\n$16\r\nkey:";
const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    Idle,
    HalfOpen,
    Slowloris,
    SlowReader,
    Storm,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] =
        [Kind::Idle, Kind::HalfOpen, Kind::Slowloris, Kind::SlowReader, Kind::Storm];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Idle => "idle",
            Kind::HalfOpen => "half-open",
            Kind::Slowloris => "slowloris",
            Kind::SlowReader => "slow readers",
            Kind::Storm => "storm",
        }
    }
}

/// How many there are of each kind, in the order of [`Kind::ALL`].
#[derive(Clone, Default, Debug)]
pub(crate) struct CrowdPlan {
    pub(crate) counts: [u64; 5],
    /// The storm's connects are spread over this time.
    pub(crate) storm_nanos: Nanos,
    /// What a slow reader asks.
    pub(crate) question: Vec<u8>,
}

impl CrowdPlan {
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// What became of one kind.
#[derive(Clone, Debug)]
pub(crate) struct CrowdCounts {
    pub(crate) kind: Kind,
    pub(crate) asked: u64,
    pub(crate) opened: u64,
    pub(crate) refused: u64,
    /// Closed by the target, and how long after they opened the first was.
    pub(crate) closed: u64,
    pub(crate) first_closed_after: Option<Nanos>,
    /// From dial to connection, and from dial to the first answer, where one was asked for.
    pub(crate) connect: Histogram<u64>,
    pub(crate) answer: Histogram<u64>,
    /// The first dial and the last connection.
    pub(crate) from: Nanos,
    pub(crate) to: Nanos,
    pub(crate) first_error: Option<String>,
}

impl CrowdCounts {
    fn new(kind: Kind, asked: u64) -> CrowdCounts {
        CrowdCounts {
            kind,
            asked,
            opened: 0,
            refused: 0,
            closed: 0,
            first_closed_after: None,
            connect: empty_latencies(),
            answer: empty_latencies(),
            from: Nanos::MAX,
            to: 0,
            first_error: None,
        }
    }

    pub(crate) fn merge(&mut self, other: &CrowdCounts) {
        const SAME: &str = "histograms of the same bounds";
        self.asked += other.asked;
        self.opened += other.opened;
        self.refused += other.refused;
        self.closed += other.closed;
        let first = self.first_closed_after.into_iter().chain(other.first_closed_after).min();
        self.first_closed_after = first;
        self.connect.add(&other.connect).expect(SAME);
        self.answer.add(&other.answer).expect(SAME);
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        if self.first_error.is_none() {
            self.first_error.clone_from(&other.first_error);
        }
    }

    /// Connections a second from the first dial to the last connection.
    pub(crate) fn rate(&self) -> Option<f64> {
        let nanos = self.to.checked_sub(self.from).filter(|&nanos| nanos > 0)?;
        Some(self.opened as f64 * 1e9 / nanos as f64)
    }
}

#[derive(Debug)]
enum State {
    Waiting { at: Nanos },
    Dialing { stream: TcpStream, since: Nanos },
    Open { stream: TcpStream, dialed: Nanos, opened: Nanos, sent: usize },
    Gone,
}

#[derive(Debug)]
struct Member {
    kind: Kind,
    state: State,
}

/// One thread's part of the crowd.
#[derive(Debug)]
pub(crate) struct Crowd {
    members: Vec<Member>,
    /// Those that wait for their dial, the first in time first; storms behind all others.
    waiting: VecDeque<usize>,
    dialing: usize,
    counts: Vec<CrowdCounts>,
    question: Vec<u8>,
    greeting: Greeting,
    storm_nanos: Nanos,
    slow_read_at: Nanos,
    trickle_at: Nanos,
    storming: bool,
}

impl Crowd {
    pub(crate) fn new(plan: &CrowdPlan, greeting: &Greeting, share: Share) -> Crowd {
        let (mut members, mut counts) = (Vec::new(), Vec::new());
        for (kind, &asked) in Kind::ALL.into_iter().zip(&plan.counts) {
            let own = share.of(asked);
            counts.push(CrowdCounts::new(kind, own));
            let at = if kind == Kind::Storm { Nanos::MAX } else { 0 };
            members.extend((0..own).map(|_| Member { kind, state: State::Waiting { at } }));
        }
        Crowd {
            waiting: (0..members.len()).collect(),
            members,
            dialing: 0,
            counts,
            question: plan.question.repeat(SLOW_BATCH),
            greeting: greeting.clone(),
            storm_nanos: plan.storm_nanos,
            slow_read_at: 0,
            trickle_at: 0,
            storming: false,
        }
    }

    pub(crate) fn counts(&self) -> Vec<CrowdCounts> {
        self.counts.iter().filter(|counts| counts.asked > 0).cloned().collect()
    }

    /// All that do not wait for the storm have come, or were refused.
    pub(crate) fn gathered(&self) -> bool {
        let storm = |&index: &usize| self.members[index].kind == Kind::Storm;
        self.dialing == 0 && self.waiting.front().is_none_or(storm)
    }

    /// Dials are going on or due: look often.
    pub(crate) fn is_busy(&self) -> bool {
        self.dialing > 0 || self.storming && !self.waiting.is_empty()
    }

    /// The measurement begins, and the storm with it.
    pub(crate) fn storm_from(&mut self, began: Nanos) {
        if self.storming {
            return;
        }
        self.storming = true;
        let storm: Vec<usize> =
            self.waiting.iter().copied().filter(|&index| self.members[index].kind == Kind::Storm).collect();
        let count = storm.len() as u64;
        for (position, index) in storm.into_iter().enumerate() {
            let at = began + self.storm_nanos * position as u64 / count;
            self.members[index].state = State::Waiting { at };
        }
    }

    /// Dials where it is time to, reads and writes slowly.
    pub(crate) fn tick(&mut self, address: SocketAddr, now: Nanos, registry: &Registry) {
        if self.members.is_empty() {
            return;
        }
        while let Some(&index) = self.waiting.front() {
            let State::Waiting { at } = self.members[index].state else { unreachable!("it waits") };
            let full = self.dialing >= DIALS_MAX && self.members[index].kind != Kind::Storm;
            if at > now || full {
                break;
            }
            self.waiting.pop_front();
            self.dial(index, address, now, registry);
        }
        let (slow, trickle) =
            (now >= self.slow_read_at + SLOW_READ_NANOS, now >= self.trickle_at + LORIS_NANOS);
        if slow {
            self.slow_read_at = now;
        }
        if trickle {
            self.trickle_at = now;
        }
        let busy = slow && self.counts[3].opened > 0 || trickle && self.counts[2].opened > 0;
        if !busy && self.dialing == 0 {
            return;
        }
        for index in 0..self.members.len() {
            match (&self.members[index].state, self.members[index].kind) {
                (State::Open { .. }, Kind::SlowReader) if slow => self.read_slowly(index, now),
                (State::Open { .. }, Kind::Slowloris) if trickle => self.trickle(index, now),
                (State::Dialing { since, .. }, _) if now > since + DIAL_NANOS_MAX => {
                    self.refused(index, ErrorKind::TimedOut.into());
                }
                _ => {}
            }
        }
    }

    fn count(&mut self, index: usize) -> &mut CrowdCounts {
        let kind = self.members[index].kind;
        let at = Kind::ALL.iter().position(|&one| one == kind).expect("all kinds are listed");
        &mut self.counts[at]
    }

    fn dial(&mut self, index: usize, address: SocketAddr, now: Nanos, registry: &Registry) {
        let counts = self.count(index);
        counts.from = counts.from.min(now);
        self.dialing += 1;
        let dialed = TcpStream::connect(address).and_then(|mut stream| {
            let interest = Interest::READABLE | Interest::WRITABLE;
            registry.register(&mut stream, Token(FIRST_TOKEN + index), interest)?;
            Ok(stream)
        });
        match dialed {
            Ok(stream) => self.members[index].state = State::Dialing { stream, since: now },
            Err(error) => self.refused(index, error),
        }
    }

    fn refused(&mut self, index: usize, error: std::io::Error) {
        self.dialing -= 1;
        self.members[index].state = State::Gone;
        let counts = self.count(index);
        counts.refused += 1;
        counts.first_error.get_or_insert_with(|| error.to_string());
    }

    /// Sees to an event; false if it is none of the crowd's.
    pub(crate) fn on_event(
        &mut self,
        event: &Event,
        buffer: &mut [u8],
        now: Nanos,
        registry: &Registry,
    ) -> bool {
        let Some(index) =
            event.token().0.checked_sub(FIRST_TOKEN).filter(|&index| index < self.members.len())
        else {
            return false;
        };
        if matches!(self.members[index].state, State::Dialing { .. }) {
            self.on_dialed(index, now, registry);
        }
        let slow = self.members[index].kind == Kind::SlowReader;
        if !slow && (event.is_readable() || event.is_read_closed() || event.is_error()) {
            self.read(index, buffer, now);
        }
        true
    }

    fn on_dialed(&mut self, index: usize, now: Nanos, registry: &Registry) {
        let State::Dialing { stream, since } = &mut self.members[index].state else { return };
        match is_connected(stream) {
            Ok(false) => return,
            Err(error) => return self.refused(index, error),
            Ok(true) => {}
        }
        let dialed = *since;
        if let Err(error) = registry.reregister(stream, Token(FIRST_TOKEN + index), Interest::READABLE) {
            return self.refused(index, error);
        }
        let state = std::mem::replace(&mut self.members[index].state, State::Gone);
        let State::Dialing { stream, .. } = state else { unreachable!("looked at before") };
        self.members[index].state = State::Open { stream, dialed, opened: now, sent: 0 };
        self.dialing -= 1;
        let counts = self.count(index);
        counts.opened += 1;
        counts.to = counts.to.max(now);
        counts.connect.saturating_record(now.saturating_sub(dialed));
        let first = match self.members[index].kind {
            Kind::HalfOpen => HALF,
            Kind::Storm => PING,
            _ => b"",
        };
        let bytes = [self.greeting.bytes(), first].concat();
        if !bytes.is_empty() {
            self.write(index, &bytes, now);
        }
    }

    fn write(&mut self, index: usize, bytes: &[u8], now: Nanos) -> usize {
        let State::Open { stream, .. } = &mut self.members[index].state else { return 0 };
        match write_some(stream, bytes) {
            Ok(written) => written,
            Err(_) => {
                self.closed(index, now);
                0
            }
        }
    }

    fn closed(&mut self, index: usize, now: Nanos) {
        let state = std::mem::replace(&mut self.members[index].state, State::Gone);
        let State::Open { opened, .. } = state else { return };
        let counts = self.count(index);
        counts.closed += 1;
        let after = now.saturating_sub(opened);
        counts.first_closed_after = Some(counts.first_closed_after.map_or(after, |first| first.min(after)));
    }

    /// Reads all there is and throws it away; a storm's first answer is timed.
    fn read(&mut self, index: usize, buffer: &mut [u8], now: Nanos) {
        loop {
            let Member { kind, state } = &mut self.members[index];
            let State::Open { stream, dialed, sent, .. } = state else { return };
            match stream.read(buffer) {
                Ok(0) => return self.closed(index, now),
                Ok(count) => {
                    let waited = now.saturating_sub(*dialed);
                    // Of a storm `sent` tells whether it was answered; others count by it what they have written.
                    if *kind == Kind::Storm && std::mem::replace(sent, 1) == 0 {
                        self.answered(index, &buffer[..count], waited);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.closed(index, now),
            }
        }
    }

    /// A storm's question was answered, with yes or with no.
    fn answered(&mut self, index: usize, answer: &[u8], waited: Nanos) {
        let counts = self.count(index);
        match answer.strip_prefix(b"-") {
            None => counts.answer.saturating_record(waited),
            Some(error) => {
                counts.refused += 1;
                counts.first_error.get_or_insert_with(|| example(error.trim_ascii_end()));
            }
        }
    }

    fn read_slowly(&mut self, index: usize, now: Nanos) {
        let question = std::mem::take(&mut self.question);
        let State::Open { stream, sent, .. } = &mut self.members[index].state else { return };
        let mut few = [0; SLOW_READ_BYTES];
        let ended = match stream.read(&mut few) {
            Ok(count) => count == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        };
        let from = *sent % question.len().max(1);
        if ended {
            self.closed(index, now);
        } else {
            let written = self.write(index, &question[from..], now);
            if let State::Open { sent, .. } = &mut self.members[index].state {
                *sent += written;
            }
        }
        self.question = question;
    }

    fn trickle(&mut self, index: usize, now: Nanos) {
        let State::Open { sent, .. } = &mut self.members[index].state else { return };
        let at = *sent % PING.len();
        *sent += 1;
        self.write(index, &PING[at..=at], now);
    }
}
