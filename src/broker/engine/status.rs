//! What STATUS shows.

use super::Engine;
use super::link::LinkState;
use super::steps::bits;
use crate::proto::cluster::{Role, ViewId};
use crate::record::{Ballot, Slot};
use crate::time::{Now, Span};
use std::net::SocketAddr;

/// How a server does, from here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServerState {
    /// It answers.
    Up,
    /// A connection is being made.
    Connecting,
    /// It is connected and does not answer.
    Silent,
    /// There is no connection.
    Down,
    /// It will not work with us, and why.
    Refused(String),
}

/// One server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerStatus {
    /// Where it listens.
    pub address: SocketAddr,
    /// How it does.
    pub state: ServerState,
    /// For how long it has not been up.
    pub down_for: Option<Span>,
    /// Its part in the view; `None`: no view is known.
    pub role: Option<Role>,
    /// Its memory is the one that its seat names.
    pub seated: bool,
    /// Slots filled, of how many, while it is refilled.
    pub refill: Option<(usize, usize)>,
    /// Requests sent to it and not answered.
    pub in_flight: usize,
    /// Of the last ping.
    pub round_trip: Option<Span>,
}

/// How many slots are in which state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SlotCounts {
    /// All k replicas are members and answer.
    pub whole: usize,
    /// Readable and writable, on fewer than k members.
    pub degraded: usize,
    /// Waiting for a server.
    pub unavailable: usize,
}

/// A cluster, seen from one broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// Every server.
    pub servers: Vec<ServerStatus>,
    /// The view in which this broker works.
    pub view: ViewId,
    /// The highest promise known; its process is the owner's.
    pub owner: Ballot,
    /// This broker is the owner.
    pub owns: bool,
    /// Of all 16,384.
    pub slots: SlotCounts,
    /// Servers that are not members or do not answer.
    pub down: usize,
    /// Copies of each record.
    pub replicas: usize,
    /// How many servers of the present view may crash now, with what they hold.
    pub tolerates: usize,
    /// No majority, or no way without loss: the view cannot follow the failures.
    pub stuck: bool,
}

impl Engine {
    /// How the cluster does.
    pub fn status(&self, now: Now) -> Status {
        let servers = (0..self.links.len()).map(|server| self.server_status(server, now)).collect();
        let (down, servers_count) = (self.down_count(), self.links.len());
        let most = (self.config.replicas - 1).min((servers_count - 1) / 2);
        Status {
            servers,
            view: self.view.id,
            owner: self.owner.process_ballot(),
            owns: self.owner.owns_all(),
            slots: self.slot_counts(),
            down,
            replicas: self.config.replicas,
            tolerates: most.saturating_sub(down),
            stuck: self.change.stuck_since.is_some(),
        }
    }

    /// Servers that cannot be relied on now, of how many, and k: for the warning before an answer.
    pub fn failures(&self) -> (usize, usize, usize) {
        (self.down_count(), self.links.len(), self.config.replicas)
    }

    fn server_status(&self, server: usize, now: Now) -> ServerStatus {
        let (link, seat) = (&self.links[server], self.view.seats.get(server));
        let state = match link.state {
            LinkState::Up { .. } if link.suspect => ServerState::Silent,
            _ if link.refusal.is_some() => ServerState::Refused(link.refusal.clone().unwrap_or_default()),
            LinkState::Up { .. } => ServerState::Up,
            LinkState::Down { .. } => ServerState::Down,
            LinkState::Dialing { .. } | LinkState::Greeting { .. } if link.suspect => ServerState::Down,
            LinkState::Dialing { .. } | LinkState::Greeting { .. } => ServerState::Connecting,
        };
        let refill =
            self.refills.iter().find(|refill| refill.server == server).map(super::refill::Refill::progress);
        ServerStatus {
            address: link.peer,
            down_for: link.down_since.map(|since| now.time.since(since)).filter(|_| state != ServerState::Up),
            state,
            role: seat.map(|seat| seat.role),
            seated: seat.is_some_and(|seat| link.incarnation.is_none_or(|now| now == seat.incarnation)),
            refill,
            in_flight: link.window.len(),
            round_trip: link.round_trip,
        }
    }

    fn slot_counts(&self) -> SlotCounts {
        let mut counts = SlotCounts::default();
        for slot in Slot::all() {
            let (members, serving) = (self.member_places(slot), self.serving_places(slot));
            let well = |place: usize| self.is_answering(self.server_at(slot, place));
            let all_answer = bits(serving).all(well);
            match members {
                0 => counts.unavailable += 1,
                _ if !all_answer => counts.unavailable += 1,
                _ if members.count_ones() as usize == self.config.replicas => counts.whole += 1,
                _ => counts.degraded += 1,
            }
        }
        counts
    }

    fn is_answering(&self, server: usize) -> bool {
        let (link, seat) = (&self.links[server], self.view.seats[server]);
        link.is_well() && !link.is_foreign() && link.incarnation.is_none_or(|now| now == seat.incarnation)
    }
}
