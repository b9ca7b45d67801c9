//! STATUS: what the broker knows of the servers, and how many records each says that it holds.

use super::super::desk::{Desk, Ports};
use super::super::status;
use super::super::store::Store;
use super::Step;
use crate::broker::engine::ServerState;
use crate::conn::ConnId;
use crate::proto::resp::{Progress, ReplyParser, Token, Tokens, write_request};

pub(in super::super) struct StatusJob {
    /// Of each server; `None`: not known.
    keys: Vec<Option<u64>>,
    /// Servers that were asked and have not answered.
    left: usize,
}

impl StatusJob {
    pub(in super::super) fn new(servers: usize) -> StatusJob {
        StatusJob { keys: vec![None; servers], left: 0 }
    }

    pub(super) fn begin<S: Store>(&mut self, id: ConnId, desk: &mut Desk, ports: &mut Ports<'_, S>) -> Step {
        let mut request = Vec::new();
        write_request(&mut request, &[b"DBSIZE"]);
        for (server, status) in ports.store.status(ports.now).servers.iter().enumerate() {
            if status.state == ServerState::Up {
                let ticket = desk.job_ticket(id, server as u32);
                ports.store.raw(ticket, server, &request, ports.now, ports.net);
                self.left += 1;
            }
        }
        self.shown_once_complete(ports)
    }

    pub(super) fn take<S: Store>(
        &mut self,
        server: u32,
        reply: Option<Vec<u8>>,
        ports: &mut Ports<'_, S>,
    ) -> Step {
        self.left -= 1;
        self.keys[server as usize] = reply.as_deref().and_then(count_of);
        self.shown_once_complete(ports)
    }

    fn shown_once_complete<S: Store>(&self, ports: &Ports<'_, S>) -> Step {
        if self.left > 0 {
            return Step::Waits;
        }
        let mut text = Vec::new();
        status::write(&ports.store.status(ports.now), &self.keys, &mut text);
        Step::Done { text, failed: false, warns: false }
    }
}

/// The number that a server answered.
fn count_of(reply: &[u8]) -> Option<u64> {
    let mut tokens = Tokens::new();
    match ReplyParser::default().parse(reply, &mut tokens) {
        Ok(Progress::Done { value, .. }) => match value.first() {
            Token::Int(count) => u64::try_from(count).ok(),
            _ => None,
        },
        _ => None,
    }
}
