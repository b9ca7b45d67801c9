//! An engine of one map: it does what it is asked in order, and answers when it is told to.

use crate::broker::engine::{
    Answer, Ask, EngineError, KeyPage, Outcome, ServerState, ServerStatus, SlotCounts, Status, Ticket,
};
use crate::broker::front::{Failures, Store};
use crate::conn::Net;
use crate::proto::cluster::{Role, ViewId};
use crate::proto::path::Path;
use crate::proto::text::remove;
use crate::record::{Ballot, Kind};
use crate::time::{Now, Span};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

pub(super) struct Fake {
    pub(super) records: BTreeMap<Vec<u8>, (Kind, Vec<u8>)>,
    /// Executed and not yet answered.
    pub(super) held: VecDeque<(Ticket, Answer)>,
    answers: VecDeque<(Ticket, Answer)>,
    pub(super) notes: VecDeque<String>,
    /// Answers wait in `held` for [`Fake::release`].
    pub(super) holds: bool,
    /// The newest answers come first.
    pub(super) reverses: bool,
    pub(super) room: usize,
    pub(super) ready: bool,
    pub(super) failures: Failures,
    /// What happens to operations instead.
    pub(super) failure: Option<EngineError>,
    servers: Vec<SocketAddr>,
    pub(super) raw_requests: Vec<(usize, Vec<u8>)>,
}

impl Fake {
    pub(super) fn new() -> Fake {
        let servers = (9000..9003).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect();
        Fake {
            records: BTreeMap::new(),
            held: VecDeque::new(),
            answers: VecDeque::new(),
            notes: VecDeque::new(),
            holds: false,
            reverses: false,
            room: usize::MAX,
            ready: true,
            failures: Failures { down: 0, servers: 3, replicas: 2 },
            failure: None,
            servers,
            raw_requests: Vec::new(),
        }
    }

    /// Answers what is held.
    pub(super) fn release(&mut self) {
        let mut held: Vec<_> = self.held.drain(..).collect();
        if self.reverses {
            held.reverse();
        }
        self.answers.extend(held);
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        if self.holds {
            self.held.push_back((ticket, answer));
        } else {
            self.answers.push_back((ticket, answer));
        }
    }

    fn execute(&mut self, key: &[u8], ask: Ask) -> Outcome {
        if let Some(error) = &self.failure {
            return Outcome::Failed(error.clone());
        }
        let before = self.records.get(key).cloned();
        match ask {
            Ask::Get => {
                let (kind, body) = before.unwrap_or((Kind::Tombstone, Vec::new()));
                Outcome::Value { kind, body, doubtful: false }
            }
            Ask::Put { kind, body, blind } => {
                self.records.insert(key.to_vec(), (kind, body));
                Outcome::Done { before: before.filter(|_| !blind), changed: true }
            }
            Ask::PutIf { body, exists } => {
                let changed = before.is_some() == exists;
                if changed {
                    self.records.insert(key.to_vec(), (Kind::Text, body));
                }
                Outcome::Done { before, changed }
            }
            Ask::Delete => {
                let changed = self.records.remove(key).is_some();
                Outcome::Done { before, changed }
            }
            Ask::RemoveField { path } => {
                let Some((Kind::Document, body)) = &before else {
                    return Outcome::Failed(EngineError::NotADocument);
                };
                let (mut parsed, mut rest) = (Path::new(), Vec::new());
                parsed.parse_json(&path).expect("checked by the front");
                let changed = remove(body, &parsed.segments(), &mut rest);
                if changed {
                    self.records.insert(key.to_vec(), (Kind::Document, rest));
                }
                Outcome::Done { before, changed }
            }
        }
    }
}

impl Store for Fake {
    fn submit(&mut self, ticket: Ticket, key: &[u8], ask: Ask, _: Now, _: &mut Net) {
        let outcome = self.execute(key, ask);
        self.answer(ticket, Answer::Op(outcome));
    }

    fn count(&mut self, ticket: Ticket, _: Now, _: &mut Net) {
        let count = self.failure.is_none().then_some(self.records.len() as u64);
        self.answer(ticket, Answer::Count(count));
    }

    fn keys(&mut self, ticket: Ticket, after: Option<&[u8]>, limit: usize, _: Now, _: &mut Net) {
        let behind = self.records.keys().filter(|key| after.is_none_or(|after| key.as_slice() > after));
        let keys: Vec<Vec<u8>> = behind.take(limit).cloned().collect();
        let last = keys.len() < limit;
        let page = self.failure.is_none().then_some(KeyPage { keys, last });
        self.answer(ticket, Answer::Keys(page));
    }

    fn raw(&mut self, ticket: Ticket, server: usize, request: &[u8], _: Now, _: &mut Net) {
        self.raw_requests.push((server, request.to_vec()));
        let reply = match server {
            2 => None,
            _ if request.ends_with(b"BAD\r\n") => Some(b"-ERR bad\r\n".to_vec()),
            _ => Some(b":5\r\n".to_vec()),
        };
        self.answer(ticket, Answer::Raw(reply));
    }

    fn poll(&mut self) -> Option<(Ticket, Answer)> {
        self.answers.pop_front()
    }

    fn poll_note(&mut self) -> Option<String> {
        self.notes.pop_front()
    }

    fn room(&self) -> bool {
        self.held.len() < self.room
    }

    fn is_ready(&self) -> bool {
        self.ready
    }

    fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    fn server_named(&self, name: &str) -> Option<usize> {
        self.servers.iter().position(|server| server.to_string() == name)
    }

    fn failures(&self) -> Failures {
        self.failures
    }

    fn status(&self, _: Now) -> Status {
        let servers = self.servers.iter().enumerate().map(|(index, &address)| {
            let is_up = index >= self.failures.down;
            ServerStatus {
                address,
                state: if is_up { ServerState::Up } else { ServerState::Down },
                down_for: (!is_up).then_some(Span::from_secs(3)),
                role: Some(Role::Member),
                seated: true,
                refill: None,
                in_flight: 0,
                round_trip: None,
            }
        });
        Status {
            servers: servers.collect(),
            view: ViewId { life: 1, number: 1 },
            owner: Ballot::new(1, 1),
            owns: true,
            slots: SlotCounts { whole: 16_384, degraded: 0, unavailable: 0 },
            down: self.failures.down,
            replicas: 2,
            tolerates: 1,
            stuck: false,
        }
    }
}
