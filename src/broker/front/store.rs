//! What the front asks of the engine: a seam, so that sessions are tested against one that has no servers.

use crate::broker::engine::{Answer, Ask, Engine, Status, Ticket};
use crate::conn::Net;
use crate::time::Now;
use std::net::SocketAddr;

/// Where records are. Every call with a ticket is answered by [`Store::poll`], in any order.
pub trait Store {
    /// One operation on one key. Those on one key are done in the order of the calls.
    fn submit(&mut self, ticket: Ticket, key: &[u8], ask: Ask, now: Now, net: &mut Net);
    /// Live records, each once.
    fn count(&mut self, ticket: Ticket, now: Now, net: &mut Net);
    /// The next keys in order behind `after`, each once.
    fn keys(&mut self, ticket: Ticket, after: Option<&[u8]>, limit: usize, now: Now, net: &mut Net);
    /// One request, in RESP, to one server.
    fn raw(&mut self, ticket: Ticket, server: usize, request: &[u8], now: Now, net: &mut Net);
    /// The next answer.
    fn poll(&mut self) -> Option<(Ticket, Answer)>;
    /// The next thing that a person should know.
    fn poll_note(&mut self) -> Option<String>;
    /// More operations may be submitted.
    fn room(&self) -> bool;
    /// Operations can be executed.
    fn is_ready(&self) -> bool;
    /// The servers, in the order in which they are numbered.
    fn servers(&self) -> &[SocketAddr];
    /// The number of the server that a person calls `name`.
    fn server_named(&self, name: &str) -> Option<usize>;
    /// Servers that are down now, of how many, and k.
    fn failures(&self) -> Failures;
    /// How everything does.
    fn status(&self, now: Now) -> Status;
}

/// How many servers cannot be relied on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Failures {
    /// So many are down.
    pub down: usize,
    /// Of so many.
    pub servers: usize,
    /// Copies of each record.
    pub replicas: usize,
}

impl Failures {
    /// So many are down that some record may have no copy.
    pub fn may_hide_records(self) -> bool {
        self.down >= self.replicas
    }
}

impl Store for Engine {
    fn submit(&mut self, ticket: Ticket, key: &[u8], ask: Ask, now: Now, net: &mut Net) {
        self.submit(ticket, key, ask, now, net);
    }

    fn count(&mut self, ticket: Ticket, now: Now, net: &mut Net) {
        self.count(ticket, now, net);
    }

    fn keys(&mut self, ticket: Ticket, after: Option<&[u8]>, limit: usize, now: Now, net: &mut Net) {
        self.keys(ticket, after, limit, now, net);
    }

    fn raw(&mut self, ticket: Ticket, server: usize, request: &[u8], now: Now, net: &mut Net) {
        self.raw(ticket, server, request, now, net);
    }

    fn poll(&mut self) -> Option<(Ticket, Answer)> {
        self.poll()
    }

    fn poll_note(&mut self) -> Option<String> {
        self.poll_note()
    }

    fn room(&self) -> bool {
        self.room()
    }

    fn is_ready(&self) -> bool {
        self.is_ready()
    }

    fn servers(&self) -> &[SocketAddr] {
        self.servers()
    }

    fn server_named(&self, name: &str) -> Option<usize> {
        self.server_named(name)
    }

    fn failures(&self) -> Failures {
        let (down, servers, replicas) = self.failures();
        Failures { down, servers, replicas }
    }

    fn status(&self, now: Now) -> Status {
        self.status(now)
    }
}
