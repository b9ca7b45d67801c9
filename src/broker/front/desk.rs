//! What all sessions of a front share.

use super::cursors::Cursors;
use crate::broker::engine::Ticket;
use crate::conn::{ConnId, Net};
use crate::time::Now;
use slab::Slab;

/// The engine, the connections and the time: what nearly everything needs.
pub(super) struct Ports<'p, S> {
    pub(super) store: &'p mut S,
    pub(super) net: &'p mut Net,
    pub(super) now: Now,
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) session: ConnId,
    pub(super) to: Recipient,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Recipient {
    /// The command of this number in the session's line.
    Pending { number: u64, part: u32 },
    /// The session's job.
    Job { part: u32 },
}

/// Tickets with this bit are the data file's: the other bits are a line's number.
const LOAD_BIT: u64 = 1 << 63;

#[derive(Default)]
pub(super) struct Desk {
    asked: Slab<Asked>,
    pub(super) cursors: Cursors,
    /// Where notes and warnings go, if not among the answers.
    pub(super) notes: Option<ConnId>,
    /// Some command failed: the process will say so.
    pub(super) failed: bool,
}

impl Desk {
    /// A ticket whose answer goes to `asked`.
    pub(super) fn ticket(&mut self, asked: Asked) -> Ticket {
        Ticket(self.asked.insert(asked) as u64)
    }

    /// Who gets the answer to the ticket, which is used up.
    pub(super) fn redeem(&mut self, ticket: Ticket) -> Asked {
        self.asked.remove(ticket.0 as usize)
    }

    /// A line for people, to where notes go.
    pub(super) fn note(&self, text: &str, net: &mut Net) {
        if let Some(id) = self.notes {
            let out = net.out(id);
            out.extend_from_slice(text.as_bytes());
            out.push(b'\n');
        }
    }

    /// Asks for something about the session's job.
    pub(super) fn job_ticket(&mut self, session: ConnId, part: u32) -> Ticket {
        self.ticket(Asked { session, to: Recipient::Job { part } })
    }
}

/// The ticket of a line of the data file.
pub(super) fn load_ticket(line: u64) -> Ticket {
    Ticket(LOAD_BIT | line)
}

/// The line, if the ticket is the data file's.
pub(super) fn loaded_line(ticket: Ticket) -> Option<u64> {
    (ticket.0 & LOAD_BIT != 0).then_some(ticket.0 & !LOAD_BIT)
}
