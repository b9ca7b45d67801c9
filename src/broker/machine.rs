//! Engine and front as one machine: who a connection belongs to decides who hears of it.

use super::engine::{Engine, EngineConfig};
use super::front::{Front, LoadConfig, Store};
use super::placement::Placement;
use crate::conn::{CloseReason, ConnId, Machine, Net, Origin, Refusal, Taken};
use crate::time::{Now, Time};

/// A broker: dials its servers, and serves whoever asks on its feeds.
pub struct Broker {
    engine: Engine,
    front: Front,
}

impl Broker {
    /// A broker that knows nobody yet. `load`: how to read the data file, if there will be a feed for it.
    pub fn new(config: EngineConfig, load: Option<LoadConfig>) -> Broker {
        Broker { engine: Engine::new(config), front: Front::new(load) }
    }

    /// The same, for who has the placement of its servers already; see [`Engine::with_placement`].
    pub fn with_placement(placement: Placement, config: EngineConfig, load: Option<LoadConfig>) -> Broker {
        Broker { engine: Engine::with_placement(placement, config), front: Front::new(load) }
    }

    /// The replication engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The front, and the engine that it asks.
    fn parts(&mut self) -> (&mut Front, &mut impl Store) {
        (&mut self.front, &mut self.engine)
    }
}

impl Machine for Broker {
    fn handle_open(&mut self, id: ConnId, origin: Origin, now: Now, net: &mut Net) {
        match origin {
            Origin::Dialed { .. } => {
                self.engine.handle_open(id, now, net);
                let (front, store) = self.parts();
                front.advance(store, now, net);
            }
            Origin::Accepted { .. } | Origin::Local { .. } => self.front.handle_open(id, origin, net),
        }
    }

    fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], now: Now, net: &mut Net) -> Taken {
        if !self.engine.owns_conn(id) {
            let (front, store) = self.parts();
            return front.handle_bytes(id, bytes, store, now, net);
        }
        let taken = self.engine.handle_bytes(id, bytes, now, net);
        let (front, store) = self.parts();
        front.advance(store, now, net);
        taken
    }

    fn handle_eof(&mut self, id: ConnId, unread: &[u8], now: Now, net: &mut Net) {
        if !self.engine.owns_conn(id) {
            let (front, store) = self.parts();
            return front.handle_eof(id, unread, store, now, net);
        }
        // A server that says nothing more is a server that is gone.
        net.abort(id);
        self.handle_close(id, CloseReason::Lost(std::io::ErrorKind::UnexpectedEof), now, net);
    }

    fn handle_close(&mut self, id: ConnId, reason: CloseReason, now: Now, net: &mut Net) {
        if !self.engine.owns_conn(id) {
            let (front, store) = self.parts();
            return front.handle_close(id, reason, store, now, net);
        }
        self.engine.handle_close(id, reason, now, net);
        let (front, store) = self.parts();
        front.advance(store, now, net);
    }

    fn handle_timeout(&mut self, now: Now, net: &mut Net) {
        if self.engine.poll_timeout().is_some_and(|due| due <= now.time) {
            self.engine.handle_timeout(now, net);
        }
        let (front, store) = self.parts();
        front.handle_timeout(store, now, net);
    }

    fn poll_timeout(&self) -> Option<Time> {
        [self.engine.poll_timeout(), self.front.poll_timeout()].into_iter().flatten().min()
    }

    fn handle_shutdown(&mut self, _now: Now, net: &mut Net) {
        net.stop(self.front.status());
    }

    fn refusal(&self, refusal: Refusal) -> &'static [u8] {
        match refusal {
            Refusal::TooManyClients => b"-ERR max number of clients reached\r\n",
            Refusal::InputMemory => b"error: the lines that have no end yet hold too much memory\n",
        }
    }
}
