//! The real cores, as one type of machine.

use hedgerow::broker::Broker;
use hedgerow::conn::{CloseReason, ConnId, Machine, Net, Origin, Refusal, Taken};
use hedgerow::server::Server;
use hedgerow::time::{Now, Time};

/// A server or a broker.
pub enum Core {
    Server(Box<Server>),
    Broker(Box<Broker>),
}

impl Core {
    pub fn server(&self) -> &Server {
        match self {
            Core::Server(server) => server,
            Core::Broker(_) => panic!("a server runs in a server's place"),
        }
    }

    pub fn broker(&self) -> &Broker {
        match self {
            Core::Broker(broker) => broker,
            Core::Server(_) => panic!("a broker runs in a broker's place"),
        }
    }

    fn machine(&mut self) -> &mut dyn Machine {
        match self {
            Core::Server(server) => &mut **server,
            Core::Broker(broker) => &mut **broker,
        }
    }
}

impl Machine for Core {
    fn handle_open(&mut self, id: ConnId, origin: Origin, now: Now, net: &mut Net) {
        self.machine().handle_open(id, origin, now, net);
    }

    fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], now: Now, net: &mut Net) -> Taken {
        self.machine().handle_bytes(id, bytes, now, net)
    }

    fn handle_eof(&mut self, id: ConnId, unread: &[u8], now: Now, net: &mut Net) {
        self.machine().handle_eof(id, unread, now, net);
    }

    fn handle_close(&mut self, id: ConnId, reason: CloseReason, now: Now, net: &mut Net) {
        self.machine().handle_close(id, reason, now, net);
    }

    fn handle_timeout(&mut self, now: Now, net: &mut Net) {
        self.machine().handle_timeout(now, net);
    }

    fn poll_timeout(&self) -> Option<Time> {
        match self {
            Core::Server(server) => server.poll_timeout(),
            Core::Broker(broker) => broker.poll_timeout(),
        }
    }

    fn refusal(&self, refusal: Refusal) -> &'static [u8] {
        match self {
            Core::Server(server) => server.refusal(refusal),
            Core::Broker(broker) => broker.refusal(refusal),
        }
    }
}
