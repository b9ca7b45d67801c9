//! A command for one server, in its own words: on a connection of its own, so that nothing that it does to the
//! connection disturbs the cluster's traffic.

use super::link::write_auth;
use super::{Answer, Engine, Ticket};
use crate::conn::{ConnId, Net, Next, Taken};
use crate::proto::resp::{Progress, ReplyParser};
use crate::time::{Now, Time};

pub(super) struct Raw {
    conn: ConnId,
    ticket: Ticket,
    parser: ReplyParser,
    /// The answer to AUTH comes first.
    greeting: bool,
    begun: Time,
}

impl Engine {
    /// Sends one request, in RESP, to one server.
    pub fn raw(&mut self, ticket: Ticket, server: usize, request: &[u8], now: Now, net: &mut Net) {
        let conn = net.dial(self.links[server].peer);
        let greeting = self.config.password.is_some();
        if let Some(password) = &self.config.password {
            write_auth(net.out(conn), password);
        }
        net.out(conn).extend_from_slice(request);
        self.raws.push(Raw { conn, ticket, parser: ReplyParser::default(), greeting, begun: now.time });
        self.wake_at(now.time + self.config.deadline);
    }

    /// The number of the server with this address, written as `host:port`.
    pub fn server_named(&self, name: &str) -> Option<usize> {
        let address: std::net::SocketAddr = name.parse().ok().or_else(|| {
            let port = name.strip_prefix("localhost:")?.parse().ok()?;
            Some(std::net::SocketAddr::from(([127, 0, 0, 1], port)))
        })?;
        self.placement.servers().iter().position(|server| *server == address)
    }

    pub(super) fn is_raw(&self, id: ConnId) -> bool {
        self.raws.iter().any(|raw| raw.conn == id)
    }

    pub(super) fn raw_bytes(&mut self, id: ConnId, bytes: &[u8], net: &mut Net) -> Taken {
        let index = self.raws.iter().position(|raw| raw.conn == id).expect("asked for just now");
        let mut at = 0;
        let reply = loop {
            match self.raws[index].parser.parse(&bytes[at..], &mut self.tokens) {
                Ok(Progress::More { at_least }) => {
                    return Taken { consumed: at, next: Next::More { at_least } };
                }
                // A password that is wrong shows in the answer to the request too.
                Ok(Progress::Done { consumed, .. }) if std::mem::take(&mut self.raws[index].greeting) => {
                    at += consumed;
                }
                Ok(Progress::Done { consumed, .. }) => break Some(bytes[at..at + consumed].to_vec()),
                Err(_) => break None,
            }
        };
        let raw = self.raws.swap_remove(index);
        net.abort(id);
        self.answers.push_back((raw.ticket, Answer::Raw(reply)));
        Taken::all(bytes)
    }

    pub(super) fn raw_lost(&mut self, id: ConnId) {
        let index = self.raws.iter().position(|raw| raw.conn == id).expect("asked for just now");
        let raw = self.raws.swap_remove(index);
        self.answers.push_back((raw.ticket, Answer::Raw(None)));
    }

    pub(super) fn tick_raws(&mut self, now: Now, net: &mut Net) {
        let deadline = self.config.deadline;
        let late = |raw: &Raw| now.time.since(raw.begun) >= deadline;
        while let Some(index) = self.raws.iter().position(late) {
            let raw = self.raws.swap_remove(index);
            net.abort(raw.conn);
            self.answers.push_back((raw.ticket, Answer::Raw(None)));
        }
        if let Some(begun) = self.raws.iter().map(|raw| raw.begun).min() {
            self.wake_at(begun + deadline);
        }
    }
}
