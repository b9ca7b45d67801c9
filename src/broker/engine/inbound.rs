//! What comes from the servers: connections made and lost, replies and pushes.

use super::link::{Expect, LinkState};
use super::op::{Answer, EngineError, Outcome, Phase};
use super::refill::Piece;
use super::{Bug, Engine};
use crate::conn::{CloseReason, ConnId, Net, Next, Taken};
use crate::proto::cluster::{Reply, Request, View, ViewId, parse_push};
use crate::proto::resp::{self, Progress, ReplyError, Token, Tokens};
use crate::record::Kind;
use crate::time::{Now, Time};

/// Replies taken from one server in one turn; then the others come first.
const REPLIES_PER_TURN_MAX: usize = 512;

impl Engine {
    /// The connection belongs to a server.
    pub fn owns_conn(&self, id: ConnId) -> bool {
        self.link_of(id).is_some() || self.is_raw(id)
    }

    fn link_of(&self, id: ConnId) -> Option<usize> {
        self.links.iter().position(|link| link.conn() == Some(id))
    }

    /// A dialed connection stands.
    pub fn handle_open(&mut self, id: ConnId, now: Now, net: &mut Net) {
        let Some(server) = self.link_of(id) else { return };
        let link = &mut self.links[server];
        link.state = LinkState::Greeting { id };
        link.parser = Default::default();
        if let Some(password) = &self.config.password {
            link.send_auth(net.out(id), password, now.time);
        }
        let request = Request::Hello { cluster: self.placement.cluster_hash(), process: self.config.process };
        link.send(net.out(id), &request, Expect::Hello, now.time);
    }

    /// Bytes from a server.
    pub fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], now: Now, net: &mut Net) -> Taken {
        if self.is_raw(id) {
            return self.raw_bytes(id, bytes, net);
        }
        let Some(server) = self.link_of(id) else { return Taken::all(bytes) };
        let mut consumed = 0;
        let mut tokens = std::mem::take(&mut self.tokens);
        let next = loop {
            if consumed == bytes.len() {
                break Next::More { at_least: 1 };
            }
            self.heard_from(server, now);
            for _ in 0..REPLIES_PER_TURN_MAX {
                match self.one_reply(server, &bytes[consumed..], &mut tokens, now, net) {
                    Ok(Progress::Done { consumed: size, .. }) => consumed += size,
                    Ok(Progress::More { at_least }) => {
                        self.tokens = tokens;
                        return Taken { consumed, next: Next::More { at_least } };
                    }
                    Err(error) => {
                        log::error!("server {}: {error}: reconnecting", self.links[server].peer);
                        net.abort(id);
                        self.link_lost(server, Some(error.to_string()), now, net);
                        break;
                    }
                }
                if consumed == bytes.len() || self.links[server].conn() != Some(id) {
                    break;
                }
            }
            if self.links[server].conn() != Some(id) {
                self.tokens = tokens;
                return Taken::all(bytes);
            }
            if consumed < bytes.len() {
                break Next::Again;
            }
        };
        self.tokens = tokens;
        Taken { consumed, next }
    }

    fn heard_from(&mut self, server: usize, now: Now) {
        let link = &mut self.links[server];
        link.heard_at = now.time;
        if link.suspect && link.up().is_some() {
            link.suspect = false;
            link.down_since = None;
            log::info!("server {} answers again", link.peer);
        }
    }

    fn one_reply(
        &mut self,
        server: usize,
        bytes: &[u8],
        tokens: &mut Tokens,
        now: Now,
        net: &mut Net,
    ) -> Result<Progress<()>, ReplyError> {
        let mut parser = std::mem::take(&mut self.links[server].parser);
        let progress = parser.parse(bytes, tokens)?;
        let consumed = match progress {
            Progress::More { at_least } => {
                self.links[server].parser = parser;
                return Ok(Progress::More { at_least });
            }
            Progress::Done { value, consumed } => {
                self.links[server].parser = parser;
                self.take_reply(server, &value, now, net);
                consumed
            }
        };
        Ok(Progress::Done { value: (), consumed })
    }

    fn take_reply(&mut self, server: usize, reply: &resp::Reply<'_>, now: Now, net: &mut Net) {
        let items: Vec<&[u8]> = reply.items().map(|item| text_of(item.first())).collect();
        if reply.is_push() {
            if let Some((from, payload)) = parse_push(&items) {
                self.relayed(from, payload, now, net);
            }
            return;
        }
        let Some(expect) = self.links[server].window.pop() else {
            log::error!("server {} answered what nobody asked", self.links[server].peer);
            return;
        };
        if reply.is_error() {
            let words = String::from_utf8_lossy(text_of(reply.first())).into_owned();
            return self.server_refused(server, expect, words, now, net);
        }
        if expect == Expect::Auth {
            return;
        }
        match Reply::parse(items.len(), |index| items[index]) {
            Ok(message) if !fits(expect, &message) => self.out_of_step(server, now, net),
            Ok(message) => self.take_message(server, expect, message, now, net),
            Err(error) => self.server_refused(server, expect, error.to_string(), now, net),
        }
    }

    fn take_message(&mut self, server: usize, expect: Expect, message: Reply<'_>, now: Now, net: &mut Net) {
        match message {
            Reply::Got { view, version, kind, body } => {
                let Expect::Get { op, round, place } = expect else { return };
                let Some(state) = self.ops.get_mut(op) else { return };
                if view != self.view.id || state.phase != Phase::Read || state.round != round {
                    return;
                }
                let has_body = state.body_asked >> place & 1 == 1 || kind == Kind::Tombstone;
                let body = has_body.then(|| body.to_vec());
                state.answers[usize::from(place)] = Some(Answer { version, kind, body });
                state.answered |= 1 << place;
                self.advance(op, now, net);
            }
            Reply::Stored { view, version } => {
                let Expect::Store { op, round, place } = expect else { return };
                let Some(state) = self.ops.get_mut(op) else { return };
                let fits = state.phase == Phase::Store && state.round == round && state.version == version;
                if view == self.view.id && fits {
                    state.answered |= 1 << place;
                    self.advance(op, now, net);
                }
            }
            Reply::Stale { .. } => {
                let Expect::Store { op, round, .. } = expect else { return };
                if self.ops.get(op).is_some_and(|op| op.phase == Phase::Store && op.round == round) {
                    self.stale(op, now, net);
                }
            }
            Reply::Copied { since, slot, promised, last, records } => {
                let Expect::Sync { learner, attempt, .. } = expect else { return };
                let piece = Piece { since, slot, attempt };
                self.copied(server, learner, piece, promised, last, records, now, net);
            }
            Reply::Slots { since, promised, slots } => {
                let Expect::Slots { learner, .. } = expect else { return };
                self.slots_known(learner, since, server, promised, &slots, now, net);
            }
            Reply::Filled { since, slot, last } => {
                let Expect::Fill { attempt, .. } = expect else { return };
                self.filled(server, Piece { since, slot, attempt }, last, now, net);
            }
            Reply::NotNow => self.copy_refused(server, expect, now),
            Reply::WrongView { view } => self.wrong_view(server, expect, view, now, net),
            Reply::NoSeat => self.no_seat(server, expect, now),
            Reply::Granted { view, ballot } if view == self.view.id => self.granted(server, ballot, now, net),
            Reply::Granted { .. } => {}
            Reply::Fenced { ballot, promised } => self.fenced(ballot, promised, now, net),
            _ => self.take_rare(server, expect, message, now, net),
        }
    }

    fn take_rare(&mut self, server: usize, expect: Expect, message: Reply<'_>, now: Now, net: &mut Net) {
        match message {
            Reply::Hello { incarnation, view, promised, records, .. } => {
                self.greeted(server, incarnation, view, promised, records, now, net);
            }
            Reply::Pong { view, incarnation, promised, owner_here } => {
                if let Expect::Ping { sent_at } = expect {
                    self.links[server].round_trip = Some(now.time.since(sent_at));
                }
                let stale_pong = self.has_bug(Bug::StalePong);
                let link = &mut self.links[server];
                link.ping_outstanding = false;
                link.incarnation = Some(incarnation);
                link.heard_under = if stale_pong { self.view.id } else { view };
                (link.promised, link.owner_here) = (promised, Some(owner_here));
                self.saw_promise(promised);
                self.wake_at(now.time);
            }
            Reply::View { view } => self.compare_view(server, view, now, net),
            Reply::Promised { ballot, incarnation, accepted } => {
                self.vote_promised(server, ballot, incarnation, accepted, now, net);
            }
            Reply::Accepted { ballot } => self.vote_accepted(server, ballot, now, net),
            Reply::Refused { ballot, promised } => self.vote_refused(ballot, promised, now),
            Reply::Counted { view, count } => {
                let Expect::Count { ticket, round } = expect else { return };
                self.counted(ticket, round, server, (view == self.view.id).then_some(count));
            }
            Reply::Keys { view, last, keys } => {
                let Expect::Keys { ticket, round } = expect else { return };
                let keys = (view == self.view.id).then(|| keys.iter().map(|key| key.to_vec()).collect());
                self.keys_came(ticket, round, server, keys, last);
            }
            Reply::Relayed => {}
            Reply::NoRoute => self.no_route(server, expect, now, net),
            _ => log::error!("server {} answered {message:?} to {expect:?}", self.links[server].peer),
        }
    }

    /// HELLO is answered: the link is up.
    #[expect(clippy::too_many_arguments, reason = "they are the message's fields")]
    fn greeted(
        &mut self,
        server: usize,
        incarnation: u64,
        view: View,
        promised: crate::record::Ballot,
        records: u64,
        now: Now,
        net: &mut Net,
    ) {
        let link = &mut self.links[server];
        let Some(id) = link.conn() else { return };
        if view.is_blank() && records > 0 {
            // To take it in would hide them. It is dialed again, later each time.
            net.abort(id);
            let refusal = format!("holds {records} records that no cluster wrote");
            self.refuse(server, refusal.clone(), "FLUSHALL it or restart it empty, then it can be used");
            return self.link_lost(server, Some(refusal), now, net);
        }
        link.state = LinkState::Up { id };
        link.backoff.reset();
        (link.suspect, link.down_since, link.refusal) = (false, None, None);
        link.incarnation = Some(incarnation);
        link.heard_under = ViewId::BLANK;
        (link.promised, link.view) = (promised, view.id);
        link.owner_here = None;
        log::info!("server {} is up, incarnation {incarnation:x}, view {}", link.peer, view.id);
        self.saw_promise(promised);
        self.compare_view(server, view, now, net);
        self.ping(server, now, net);
        self.prepare(server, now, net);
        for id in self.ops.ids() {
            self.transmit(id, now, net);
        }
        self.retry_queries(now, net);
    }

    /// This server is of no use to the cluster, for that reason. A person is told once.
    fn refuse(&mut self, server: usize, refusal: String, remedy: &str) {
        let link = &mut self.links[server];
        let text = format!("server {}: {refusal}: {remedy}", link.peer);
        link.refusal = Some(refusal);
        if link.told.as_ref() != Some(&text) {
            link.told = Some(text.clone());
            self.note(text);
        }
    }

    /// A server told its view: whichever side is older adopts the newer one.
    fn compare_view(&mut self, server: usize, view: View, now: Now, net: &mut Net) {
        self.links[server].view = view.id;
        let foreign = !view.is_blank() && !self.view.is_blank() && view.id.life != self.view.id.life;
        if foreign {
            let refusal = "holds the data of another cluster".to_owned();
            self.refuse(server, refusal, "restart it empty to let it join");
            return self.wake_at(now.time);
        }
        if view.id.is_newer_than(self.view.id) {
            self.adopt(view, now, net);
        } else if self.view.id.is_newer_than(view.id) {
            let view = self.view.clone();
            self.tell_view(server, &view, now, net);
        }
    }

    /// The message was of another view: it is sent again in the one that both then know.
    fn wrong_view(&mut self, server: usize, expect: Expect, view: View, now: Now, net: &mut Net) {
        let stays = !view.id.is_newer_than(self.view.id);
        self.compare_view(server, view, now, net);
        match expect {
            Expect::Ping { .. } => self.links[server].ping_outstanding = false,
            Expect::Get { op, round, place } | Expect::Store { op, round, place } if stays => {
                self.not_sent(op, round, place);
                self.retry_later(now);
            }
            Expect::Count { ticket, round } => self.counted(ticket, round, server, None),
            Expect::Keys { ticket, round } => self.keys_came(ticket, round, server, None, true),
            Expect::Prepare if stays => self.retry_later(now),
            _ => {}
        }
    }

    fn no_seat(&mut self, server: usize, expect: Expect, now: Now) {
        if let Expect::Get { op, round, place } | Expect::Store { op, round, place } = expect {
            self.not_sent(op, round, place);
        }
        match expect {
            Expect::Count { ticket, round } => self.counted(ticket, round, server, None),
            Expect::Keys { ticket, round } => self.keys_came(ticket, round, server, None, true),
            _ => {}
        }
        self.links[server].pinged_at = Time::ZERO;
        self.retry_later(now);
    }

    /// That request did not count: it may be sent to that place again.
    pub(super) fn not_sent(&mut self, op: super::op::OpId, round: u32, place: u8) {
        if let Some(op) = self.ops.get_mut(op).filter(|op| op.round == round) {
            op.sent &= !(1 << place);
        }
    }

    fn is_at(&self, op: super::op::OpId, phase: Phase, round: u32) -> bool {
        self.ops.get(op).is_some_and(|op| op.phase == phase && op.round == round)
    }

    /// A server answered with an error in words.
    fn server_refused(&mut self, server: usize, expect: Expect, words: String, now: Now, net: &mut Net) {
        log::warn!("server {} refuses {expect:?}: {words}", self.links[server].peer);
        match expect {
            Expect::Auth | Expect::Hello => {
                if let Some(id) = self.links[server].conn() {
                    net.abort(id);
                }
                self.refuse(server, words.clone(), "it is not used");
                self.link_lost(server, Some(words), now, net);
            }
            Expect::Get { op, round, .. } if self.is_at(op, Phase::Read, round) => {
                self.finish(op, Outcome::Failed(EngineError::Refused(words)), now, net);
            }
            // Another replica may have stored it.
            Expect::Store { op, round, .. } if self.is_at(op, Phase::Store, round) => {
                self.finish(op, Outcome::Failed(EngineError::Uncertain), now, net);
            }
            Expect::Count { ticket, round } => self.counted(ticket, round, server, None),
            Expect::Keys { ticket, round } => self.keys_came(ticket, round, server, None, true),
            Expect::Ping { .. } => {
                self.links[server].ping_outstanding = false;
                self.refuse(server, words, "it is not used");
                self.wake_at(now.time);
            }
            Expect::Relay { .. } => self.no_route(server, expect, now, net),
            Expect::Sync { .. } | Expect::Slots { .. } | Expect::Fill { .. } => {
                self.copy_refused(server, expect, now)
            }
            _ => {}
        }
    }

    /// A server answered something else than it was asked: nothing that it says on this connection can be relied on.
    fn out_of_step(&mut self, server: usize, now: Now, net: &mut Net) {
        let words = "answers what it was not asked";
        log::error!("server {} {words}: reconnecting", self.links[server].peer);
        if let Some(id) = self.links[server].conn() {
            net.abort(id);
        }
        self.link_lost(server, Some(words.to_owned()), now, net);
    }

    /// A connection to a server is gone, or could not be made.
    pub fn handle_close(&mut self, id: ConnId, reason: CloseReason, now: Now, net: &mut Net) {
        if self.is_raw(id) {
            return self.raw_lost(id);
        }
        if let Some(server) = self.link_of(id) {
            log::info!("server {}: {reason:?}", self.links[server].peer);
            self.link_lost(server, None, now, net);
        }
    }

    /// Whatever was outstanding on the link was not done, as far as anybody knows.
    pub(super) fn link_lost(&mut self, server: usize, refusal: Option<String>, now: Now, net: &mut Net) {
        let wait = self.links[server].backoff.next(&mut self.rng);
        let link = &mut self.links[server];
        link.state = LinkState::Down { retry_at: now.time + wait };
        link.down_since.get_or_insert(now.time);
        link.suspect = true;
        link.ping_outstanding = false;
        (link.owner_here, link.incarnation, link.round_trip) = (None, None, None);
        link.refusal = refusal.or(link.refusal.take());
        let lost = link.window.drain();
        for expect in lost {
            match expect {
                Expect::Get { op, round, place } | Expect::Store { op, round, place } => {
                    self.not_sent(op, round, place)
                }
                Expect::Count { ticket, round } => self.counted(ticket, round, server, None),
                Expect::Keys { ticket, round } => self.keys_came(ticket, round, server, None, true),
                Expect::Sync { .. } | Expect::Slots { .. } | Expect::Fill { .. } => {
                    self.copy_refused(server, expect, now);
                }
                _ => {}
            }
        }
        self.body_lost(server, now, net);
        self.wake_at(now.time);
    }

    /// A server will not answer soon: reads that asked it alone for the body ask the others too.
    pub(super) fn body_lost(&mut self, server: usize, now: Now, net: &mut Net) {
        for id in self.ops.ids() {
            let Some(op) = self.ops.get_mut(id).filter(|op| op.phase == Phase::Read && !op.whole) else {
                continue;
            };
            let replicas = self.placement.replicas(op.slot);
            let place = replicas.iter().position(|&replica| usize::from(replica) == server);
            if place.is_some_and(|place| op.answered >> place & 1 == 0) {
                op.whole = true;
                self.enter_read(id, now, net);
            }
        }
    }
}

/// Whether this answers that. Asked only where the life of the link hangs on it, which would wait for the right answer for
/// ever; an answer of another kind to anything else is passed over, and an operation that waits for one asks again.
fn fits(expect: Expect, message: &Reply<'_>) -> bool {
    match expect {
        Expect::Hello => matches!(message, Reply::Hello { .. }),
        Expect::Ping { .. } => matches!(message, Reply::Pong { .. } | Reply::WrongView { .. }),
        _ => true,
    }
}

fn text_of(token: Token<'_>) -> &[u8] {
    match token {
        Token::Simple(text) | Token::Error(text) | Token::Bulk(text) | Token::BulkError(text) => text,
        Token::Verbatim(text) | Token::BigNumber(text) => text,
        _ => b"",
    }
}
