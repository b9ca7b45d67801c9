//! The server as its driver sees it: bytes in, bytes out, no sockets.

mod auth;
mod broker;
mod cluster;
mod commands;
mod connections;
mod documents;
mod eviction;
mod expiry;
mod gate;
mod json;
mod model;
mod modes;
mod ordered;
mod refill;
mod requests_logged;
mod robust;
mod settings;
mod strings;
mod times;
mod transactions;
mod views;

use super::*;
use crate::conn::{NetRequest, deliver};
use crate::time::Span;
use std::net::SocketAddr;

/// A server with its connections.
pub(super) struct Harness {
    pub(super) server: Server,
    pub(super) net: Net,
    pub(super) now: Now,
    seed: u64,
    config: ServerConfig,
}

impl Harness {
    pub(super) fn new() -> Harness {
        Harness::with(ServerConfig::new(1))
    }

    pub(super) fn with_bugs(bugs: ServerBugs) -> Harness {
        Harness::with(ServerConfig { bugs, ..ServerConfig::new(1) })
    }

    pub(super) fn with(config: ServerConfig) -> Harness {
        let now = Now { time: Time::ZERO + Span::from_secs(10), unix_ms: 1_700_000_000_000 };
        let server = Server::new(config.clone(), now);
        Harness { server, net: Net::new(), now, seed: config.seed, config }
    }

    /// The process dies and starts again, empty.
    pub(super) fn restart(&mut self) {
        self.seed += 1;
        self.server = Server::new(ServerConfig { seed: self.seed, ..self.config.clone() }, self.now);
        self.net = Net::new();
    }

    pub(super) fn connect(&mut self) -> ConnId {
        let id = self.net.insert();
        let port = 40_000 + id.index() as u16;
        let peer = SocketAddr::from(([127, 0, 0, 1], port));
        let local = SocketAddr::from(([127, 0, 0, 1], 9_000));
        self.server.handle_open(id, Origin::Accepted { peer, local }, self.now, &mut self.net);
        id
    }

    /// The connection is lost.
    pub(super) fn lose(&mut self, id: ConnId) {
        let reason = CloseReason::Lost(std::io::ErrorKind::ConnectionReset);
        self.server.handle_close(id, reason, self.now, &mut self.net);
        self.net.remove(id);
    }

    /// Sends bytes in one piece and takes what comes back, over as many turns as it needs.
    pub(super) fn send(&mut self, id: ConnId, bytes: &[u8]) -> Vec<u8> {
        deliver(&mut self.server, &mut self.net, id, bytes, self.now);
        let mut reply = self.take(id);
        let mut ready = vec![];
        while self.net.has_ready() {
            self.net.take_ready(&mut ready);
            for id in ready.drain(..) {
                deliver(&mut self.server, &mut self.net, id, b"", self.now);
            }
            reply.extend(self.take(id));
        }
        reply
    }

    /// Time passes, and what is due is done, in as many turns as it takes.
    pub(super) fn wait(&mut self, millis: u64) {
        self.now.time = self.now.time + Span::from_millis(millis);
        self.now.unix_ms += millis;
        while self.server.poll_timeout().is_some_and(|at| at <= self.now.time) {
            self.server.handle_timeout(self.now, &mut self.net);
        }
    }

    /// Shows the connections that were resumed what they have kept.
    pub(super) fn go_on(&mut self) {
        let mut ready = vec![];
        while self.net.has_ready() {
            self.net.take_ready(&mut ready);
            for id in ready.drain(..) {
                deliver(&mut self.server, &mut self.net, id, b"", self.now);
            }
        }
    }

    /// What waits to be sent to a connection.
    pub(super) fn take(&mut self, id: ConnId) -> Vec<u8> {
        let reply = self.net.unsent(id).to_vec();
        self.net.sent(id, reply.len(), self.now.time);
        reply
    }

    /// Sends a line and takes the reply as text.
    pub(super) fn line(&mut self, id: ConnId, line: &str) -> String {
        let reply = self.send(id, format!("{line}\r\n").as_bytes());
        String::from_utf8(reply).expect("text")
    }

    /// Sends a request in array form.
    pub(super) fn array(&mut self, id: ConnId, args: &[&[u8]]) -> String {
        let mut request = vec![];
        crate::proto::resp::write_request(&mut request, args);
        String::from_utf8_lossy(&self.send(id, &request)).into_owned()
    }

    /// Whether the server asked to close the connection.
    pub(super) fn is_closed(&mut self, id: ConnId) -> bool {
        let mut requests = vec![];
        self.net.take_requests(&mut requests);
        requests.contains(&NetRequest::Close(id))
    }

    pub(super) fn put(&mut self, id: ConnId, line: &str) {
        let reply = self.line(id, &format!("PUT {line}"));
        assert!(reply == "+CREATED\r\n" || reply == "+REPLACED\r\n", "{reply}");
    }
}
