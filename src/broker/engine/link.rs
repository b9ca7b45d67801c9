//! One server, seen from a broker: the connection to it, what is outstanding on it, what was heard of it.

use super::Ticket;
use super::op::OpId;
use crate::conn::{Backoff, ConnId, LinkTimes};
use crate::limits::{WINDOW_BYTES_MAX, WINDOW_REQUESTS_MAX};
use crate::password::Password;
use crate::proto::cluster::{Request, ViewId};
use crate::proto::resp::ReplyParser;
use crate::record::{Ballot, Slot};
use crate::time::{Span, Time};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// A connection on which nothing came for this long, though something is outstanding, is given up for a new one.
pub(super) const GIVE_UP: Span = Span::from_secs(10);

/// What the next answer on a link belongs to. A server answers in order, so a queue pairs them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expect {
    Auth,
    Hello,
    Ping {
        sent_at: Time,
    },
    Prepare,
    Get {
        op: OpId,
        round: u32,
        place: u8,
    },
    Store {
        op: OpId,
        round: u32,
        place: u8,
    },
    View,
    Vote {
        ballot: Ballot,
    },
    Sync {
        learner: usize,
        since: u32,
        slot: Slot,
        attempt: u32,
    },
    /// Which of its slots hold anything, for a learner.
    Slots {
        learner: usize,
        since: u32,
    },
    Fill {
        since: u32,
        slot: Slot,
        attempt: u32,
    },
    Count {
        ticket: Ticket,
        round: u32,
    },
    Keys {
        ticket: Ticket,
        round: u32,
    },
    /// Words for another broker: an operation, or something that needs no answer.
    Relay {
        process: u32,
        op: Option<OpId>,
    },
}

/// The requests sent and not answered, oldest first, and how large they are.
#[derive(Default)]
pub(super) struct Window {
    requests: VecDeque<(Expect, usize)>,
    bytes: usize,
}

impl Window {
    fn push(&mut self, expect: Expect, bytes: usize) {
        self.requests.push_back((expect, bytes));
        self.bytes += bytes;
    }

    /// The oldest was answered.
    pub(super) fn pop(&mut self) -> Option<Expect> {
        let (expect, bytes) = self.requests.pop_front()?;
        self.bytes = self.bytes.checked_sub(bytes).expect("it was counted when it was sent");
        Some(expect)
    }

    /// Requests in it.
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// More should not be sent now, though what must be sent may be.
    pub(super) fn is_full(&self) -> bool {
        self.requests.len() >= WINDOW_REQUESTS_MAX || self.bytes >= WINDOW_BYTES_MAX
    }

    pub(super) fn expects(&self, expect: Expect) -> bool {
        self.requests.iter().any(|(other, _)| *other == expect)
    }

    /// All of them, taken out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Expect> + use<> {
        std::mem::take(self).requests.into_iter().map(|(expect, _)| expect)
    }
}

/// `AUTH default password`.
pub(super) fn write_auth(out: &mut Vec<u8>, password: &Password) {
    let password = password.bytes();
    out.extend_from_slice(b"*3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n");
    out.extend_from_slice(format!("${}\r\n", password.len()).as_bytes());
    out.extend_from_slice(password);
    out.extend_from_slice(b"\r\n");
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LinkState {
    /// No connection; dialed again at this time.
    Down {
        retry_at: Time,
    },
    Dialing {
        id: ConnId,
        since: Time,
    },
    /// Connected, and HELLO not yet answered.
    Greeting {
        id: ConnId,
    },
    Up {
        id: ConnId,
    },
}

pub(super) struct Link {
    pub(super) peer: SocketAddr,
    pub(super) state: LinkState,
    pub(super) parser: ReplyParser,
    /// What is outstanding.
    pub(super) window: Window,
    pub(super) backoff: Backoff,
    /// Since when the server is not up, for STATUS and for the start.
    pub(super) down_since: Option<Time>,
    /// A dial or a connection failed, or the server is silent: it counts as down until it answers.
    pub(super) suspect: bool,
    /// When a byte was last heard, or when the oldest outstanding request left after a silence.
    pub(super) heard_at: Time,
    pub(super) round_trip: Option<Span>,
    pub(super) pinged_at: Time,
    pub(super) ping_outstanding: bool,
    /// From its HELLO or PONG on the present connection.
    pub(super) incarnation: Option<u64>,
    /// The view under which the incarnation was last heard.
    pub(super) heard_under: ViewId,
    pub(super) view: ViewId,
    pub(super) promised: Ballot,
    /// The broker of the highest promise is connected to this server; `None`: it has not said.
    pub(super) owner_here: Option<bool>,
    /// Why the server will not work with us, or we not with it.
    pub(super) refusal: Option<String>,
    /// The last that a person was told of that: once is enough while it does not change.
    pub(super) told: Option<String>,
    /// Its memory was evicted before: no join before this.
    pub(super) join_after: Time,
    pub(super) join_hold: Span,
}

impl Link {
    pub(super) fn new(peer: SocketAddr) -> Link {
        Link {
            peer,
            state: LinkState::Down { retry_at: Time::ZERO },
            parser: ReplyParser::default(),
            window: Window::default(),
            backoff: Backoff::default(),
            down_since: None,
            suspect: false,
            heard_at: Time::ZERO,
            round_trip: None,
            pinged_at: Time::ZERO,
            ping_outstanding: false,
            incarnation: None,
            heard_under: ViewId::BLANK,
            view: ViewId::BLANK,
            promised: Ballot::NONE,
            owner_here: None,
            refusal: None,
            told: None,
            join_after: Time::ZERO,
            join_hold: Span::ZERO,
        }
    }

    /// The connection, whatever its state.
    pub(super) fn conn(&self) -> Option<ConnId> {
        match self.state {
            LinkState::Down { .. } => None,
            LinkState::Dialing { id, .. } | LinkState::Greeting { id } | LinkState::Up { id } => Some(id),
        }
    }

    /// The connection, if requests may be sent on it.
    pub(super) fn up(&self) -> Option<ConnId> {
        match self.state {
            LinkState::Up { id } => Some(id),
            _ => None,
        }
    }

    /// Up, and answering.
    pub(super) fn is_well(&self) -> bool {
        self.up().is_some() && !self.suspect
    }

    /// Up, and nothing for this cluster.
    pub(super) fn is_foreign(&self) -> bool {
        self.up().is_some() && self.refusal.is_some()
    }

    /// Says who we are, where a password is asked for.
    pub(super) fn send_auth(&mut self, out: &mut Vec<u8>, password: &Password, now: Time) {
        if self.window.is_empty() {
            self.heard_at = now;
        }
        let before = out.len();
        write_auth(out, password);
        self.window.push(Expect::Auth, out.len() - before);
    }

    /// Writes a request and remembers what its answer belongs to.
    pub(super) fn send(&mut self, out: &mut Vec<u8>, request: &Request<'_>, expect: Expect, now: Time) {
        if self.window.is_empty() {
            self.heard_at = now;
        }
        let before = out.len();
        request.write(out);
        self.window.push(expect, out.len() - before);
    }

    /// Nothing was heard for the suspicion time though something is outstanding.
    pub(super) fn is_silent(&self, times: &LinkTimes, now: Time) -> bool {
        !self.window.is_empty() && now.since(self.heard_at) >= times.suspect
    }

    /// When this link next wants to be looked at.
    pub(super) fn due(&self, times: &LinkTimes) -> Time {
        match self.state {
            LinkState::Down { retry_at } => retry_at,
            LinkState::Dialing { since, .. } => since + times.connect,
            LinkState::Greeting { .. } => self.heard_at + times.suspect,
            LinkState::Up { .. } => {
                let ping = (!self.ping_outstanding).then(|| self.pinged_at + times.idle);
                let wait = if self.suspect { GIVE_UP } else { times.suspect };
                let silence = (!self.window.is_empty()).then(|| self.heard_at + wait);
                ping.into_iter().chain(silence).min().expect("a ping is due or outstanding")
            }
        }
    }
}
