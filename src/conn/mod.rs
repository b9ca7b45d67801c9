//! The port between the cores and whoever drives them, and the state of a connection that needs no socket.
//!
//! A core implements [`Machine`]. A driver (the mio reactor in production, the virtual network in the simulator) owns
//! the sockets and the clock, and calls it:
//!
//! ```text
//!             accepted, or dialed with success            failed or lost
//!   driver ──── handle_open ──► handle_bytes* ──► handle_eof? ──► handle_close      (one at a time, never nested)
//!                     ▲              │                 │
//!                     │              ▼                 ▼
//!   driver ◄── Net: out(id)  dial(addr)  close(id)  abort(id)  resume(id)  stop(code)
//! ```
//!
//! Call order: `handle_open` comes once for each accepted or successfully dialed connection, before anything else
//! about it; `handle_close` comes once at the end, except where the machine itself said `close` or `abort`: then
//! nothing more is heard of that id. A dial that fails is a `handle_close` without a `handle_open`.
//! What a machine writes with [`Net::out`] leaves at the end of the turn, one write a connection.

mod inbox;
mod link;
mod net;

pub use inbox::{Delivery, deliver, deliver_eof};
pub use link::{Backoff, LinkTimes};
pub use net::{Counters, Entrance, Net, NetRequest};

use crate::time::{Now, Time};
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;

/// A connection's name: an index that is used again, and a generation that is not, so a late event finds nobody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnId {
    generation: NonZeroU32,
    index: u32,
}

impl ConnId {
    pub(crate) fn new(index: u32, generation: NonZeroU32) -> ConnId {
        ConnId { generation, index }
    }

    /// Its place in tables; unique among the connections that are open now.
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// Generation and index in one number: a driver's token.
    pub fn to_u64(self) -> u64 {
        u64::from(self.generation.get()) << 32 | u64::from(self.index)
    }

    /// The reverse of [`ConnId::to_u64`]; `None` for a number that is no id.
    pub fn from_u64(token: u64) -> Option<ConnId> {
        let generation = NonZeroU32::new((token >> 32) as u32)?;
        Some(ConnId { generation, index: token as u32 })
    }
}

/// Where a connection comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A client connected to us.
    Accepted {
        /// The client's address.
        peer: SocketAddr,
        /// Ours.
        local: SocketAddr,
    },
    /// We connected to a peer.
    Dialed {
        /// The address that was dialed.
        peer: SocketAddr,
    },
    /// A source inside of this process (a file, the console): `feed` is the number that the program gave it.
    Local {
        /// The program's number for the source.
        feed: u8,
    },
}

/// Why a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// The peer closed, reset, or the network failed.
    Lost(io::ErrorKind),
    /// A dial was refused or failed otherwise.
    DialFailed(io::ErrorKind),
    /// The driver closed it: the peer was too slow to send or to read, or queued more than it may.
    Limit,
}

/// What is to happen with the bytes that a machine did not take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// An incomplete request: worth another call only when at least this many bytes are there, the untaken included.
    More {
        /// Bytes in all, counted from the first untaken one.
        at_least: usize,
    },
    /// The turn's budget is used up: call again in the next turn with the rest.
    Again,
    /// Nothing more can be taken until the machine says [`Net::resume`].
    Stall,
}

/// A machine's answer to bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    /// How many of the shown bytes are done with.
    pub consumed: usize,
    /// What to do with the rest.
    pub next: Next,
}

impl Taken {
    /// All was taken, and anything that follows is welcome.
    pub fn all(bytes: &[u8]) -> Taken {
        Taken { consumed: bytes.len(), next: Next::More { at_least: 1 } }
    }
}

/// Why a driver turns a client away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// As many connections as allowed are open, or the process has no file descriptor left.
    TooManyClients,
    /// All incomplete requests together hold more memory than they may.
    InputMemory,
}

/// A core, seen from its driver. See the module's page for the order of calls.
pub trait Machine {
    /// A connection stands.
    fn handle_open(&mut self, id: ConnId, origin: Origin, now: Now, net: &mut Net);

    /// Bytes came: those not taken before, then the new ones.
    fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], now: Now, net: &mut Net) -> Taken;

    /// Memory that is kept for the incomplete request of `id`, beside its own bytes: it counts as they do. Asked when bytes
    /// were not taken.
    fn held_bytes(&self, id: ConnId) -> usize {
        let _ = id;
        0
    }

    /// The peer will send nothing more; `unread` bytes were never taken. Answers already owed may still be sent: the
    /// machine says [`Net::close`] when it is done with the connection.
    fn handle_eof(&mut self, id: ConnId, unread: &[u8], now: Now, net: &mut Net) {
        let _ = (unread, now);
        net.close(id);
    }

    /// The connection is gone, or could not be made.
    fn handle_close(&mut self, id: ConnId, reason: CloseReason, now: Now, net: &mut Net);

    /// The time that [`Machine::poll_timeout`] named has come.
    fn handle_timeout(&mut self, now: Now, net: &mut Net);

    /// When [`Machine::handle_timeout`] wants to be called next.
    fn poll_timeout(&self) -> Option<Time>;

    /// The process was asked to end (SIGTERM, SIGINT): say goodbye, then [`Net::stop`].
    fn handle_shutdown(&mut self, now: Now, net: &mut Net) {
        let _ = now;
        net.stop(0);
    }

    /// The process was asked to read its settings again (SIGHUP).
    fn handle_reload(&mut self, now: Now, net: &mut Net) {
        let _ = (now, net);
    }

    /// What a client that cannot be served is told before it is closed.
    fn refusal(&self, refusal: Refusal) -> &'static [u8];
}

#[cfg(test)]
mod tests;
