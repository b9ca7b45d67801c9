//! Virtual TCP: a wire has two ends, and towards each end a pipe.
//!
//! ```text
//!   dialer's end                                                   acceptor's end
//!   ┌──────────┐   ── in flight: SYN │ bytes │ bytes │ FIN ──►     ┌──────────┐
//!   │ arrived ◄├── in flight: bytes │ SYN-ACK ◄────────────────    │ arrived  │
//!   └──────────┘                                                   └──────────┘
//! ```
//!
//! What is in flight arrives in order, each piece at its own time. Only the head of a pipe has an event in the
//! world's queue; a pipe whose link is cut is *parked*: its head waits there until the link heals.

use hedgerow::conn::ConnId;
use hedgerow::time::Time;
use std::collections::VecDeque;
use std::io::ErrorKind;

/// One end of one wire; end 0 dialed, end 1 accepted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Side(u32);

impl Side {
    pub fn new(wire: usize, end: usize) -> Side {
        assert!(end < 2, "a wire has two ends");
        Side((wire * 2 + end) as u32)
    }

    pub fn wire(self) -> usize {
        self.0 as usize / 2
    }

    pub fn end(self) -> usize {
        self.0 as usize % 2
    }

    pub fn other(self) -> Side {
        Side(self.0 ^ 1)
    }
}

/// What travels.
#[derive(Debug)]
pub enum Segment {
    Syn,
    SynAck,
    Refused,
    Bytes(Vec<u8>),
    Fin,
    Reset,
}

/// An end's life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Dialed; or, on the other end, nobody has knocked yet.
    Dialing,
    /// The kernel has it, the process was not told yet.
    Established,
    /// The process was told: `handle_open`.
    Open,
    /// The process closed it, or died.
    Gone,
}

/// The way towards one end.
#[derive(Debug, Default)]
pub struct Pipe {
    pub in_flight: VecDeque<(Time, Segment)>,
    in_flight_bytes: usize,
    /// Arrived and not yet read by the process.
    pub arrived: VecDeque<u8>,
    pub fin: bool,
    pub lost: Option<ErrorKind>,
    /// When the last segment arrives: none overtakes another.
    last_at: Time,
    /// Nothing arrives before.
    pub clogged_until: Time,
    /// The head's event is in the world's queue.
    pub armed: bool,
    /// The head came to a cut.
    pub parked: bool,
    /// The sender has more than the window takes.
    pub starved: bool,
}

impl Pipe {
    /// Puts a segment on its way, to arrive at `at` if nothing is before it.
    pub fn push(&mut self, at: Time, segment: Segment) {
        if let Segment::Bytes(bytes) = &segment {
            self.in_flight_bytes += bytes.len();
        }
        self.last_at = self.last_at.max(at);
        self.in_flight.push_back((self.last_at, segment));
    }

    /// Takes the head off.
    pub fn pop(&mut self) -> Option<Segment> {
        let (_, segment) = self.in_flight.pop_front()?;
        if let Segment::Bytes(bytes) = &segment {
            self.in_flight_bytes -= bytes.len();
        }
        Some(segment)
    }

    /// When the head may arrive.
    pub fn head_at(&self) -> Option<Time> {
        self.in_flight.front().map(|&(at, _)| at.max(self.clogged_until))
    }

    /// Loses all that is in flight.
    pub fn lose(&mut self) {
        self.in_flight.clear();
        self.in_flight_bytes = 0;
    }

    /// Bytes that a sender has put in and the receiver has not read.
    pub fn occupied(&self) -> usize {
        self.in_flight_bytes + self.arrived.len()
    }
}

/// One end of a wire.
#[derive(Debug)]
pub struct End {
    pub process: usize,
    /// The process' life when it got this end.
    pub life: u32,
    pub id: Option<ConnId>,
    pub stage: Stage,
    pub inbound: Pipe,
    /// In its process' list of ends to look at.
    pub touched: bool,
    /// The process is done with it; what is queued still goes.
    pub closing: bool,
    /// The process has bytes of it that it did not take yet.
    pub held: bool,
}

/// A connection.
#[derive(Debug)]
pub struct Wire {
    pub ends: [End; 2],
    /// The dialer's port, as the acceptor sees it.
    pub port: u16,
}

impl Wire {
    /// A wire that `from` begins to dial.
    pub fn dial(from: usize, life: u32, id: ConnId, to: usize, port: u16) -> Wire {
        let end = |process, life, id| End {
            process,
            life,
            id,
            stage: Stage::Dialing,
            inbound: Pipe::default(),
            touched: false,
            closing: false,
            held: false,
        };
        Wire { ends: [end(from, life, Some(id)), end(to, 0, None)], port }
    }
}
