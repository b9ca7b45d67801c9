//! Asking the owner: brokers do not listen, so their words to each other pass through a server that both know.
//!
//! A server only passes on; it promises nothing, so nothing of the rules rests on it. What was passed on to the owner
//! may be executed, and is never sent again.
//!
//! ```text
//!   ASK id verb key argument*      to the owner           verb: GET PUT PUTBLIND SETNX SETXX DELETE REMOVE
//!   DONE id outcome argument*      from the owner
//!   NOT id promised                from one that does not own: not executed
//!   WHO                            to the owner: are you there?
//!   BUSY id*                       from the owner: alive, and has these of yours under way
//! ```
//! Each is one RESP array of bulk strings, as a request is.

use super::Engine;
use super::link::Expect;
use super::op::{Ask, EngineError, OpId, Outcome, Phase, Source};
use crate::conn::Net;
use crate::proto::cluster::Request;
use crate::proto::resp::{Args, Progress, RequestParser, parse_integer, write_request};
use crate::record::{Ballot, Kind};
use crate::time::{Now, Span, Time};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Relay {
    /// What was asked of an owner, by the number in the message.
    asked: BTreeMap<u64, Asked>,
    next_id: u64,
    busy_told_at: Time,
    args: Args,
    /// This attempt's share of the random part of the takeover time.
    patience: Span,
    /// Since when this broker has had a use for an owner that does something, and when it last asked for it.
    needed_since: Option<Time>,
    probed_at: Time,
}

struct Asked {
    op: OpId,
    at: Time,
}

/// What the owner was asked this long ago, has not answered and does not know of, was lost with the server that passed
/// it on; or its answer was.
const LOST_AFTER: Span = Span::from_millis(500);
/// The owner tells those who wait for it that it is alive this often.
const BUSY_EVERY: Span = Span::from_millis(200);

impl Engine {
    /// Asks the owner to execute an operation.
    pub(super) fn forward(&mut self, id: OpId, now: Now, net: &mut Net) {
        let Some(server) = self.relay_server() else { return };
        let number = self.relay.next_id;
        self.relay.next_id += 1;
        let op = self.ops.get_mut(id).expect("an operation under way");
        op.phase = Phase::Forwarded;
        op.relayed = true;
        let mut payload = Vec::with_capacity(64);
        write_ask(&mut payload, number, &op.key, &op.ask);
        self.relay.asked.insert(number, Asked { op: id, at: now.time });
        self.counters.forwarded += 1;
        let process = self.owner.process();
        let request = Request::Relay { process, payload: &payload };
        self.send(server, &request, Expect::Relay { process, op: Some(id) }, now, net);
        self.wake_soon(now);
    }

    /// The owner is not connected to that server: what was asked there is not executed.
    pub(super) fn no_route(&mut self, server: usize, expect: Expect, now: Now, net: &mut Net) {
        let Expect::Relay { process, op } = expect else { return };
        if process == self.owner.process() {
            self.links[server].owner_here = Some(false);
        }
        if let Some(id) = op {
            self.take_back(id, now, net);
        }
    }

    /// An operation that the owner certainly does not execute goes another way.
    fn take_back(&mut self, id: OpId, now: Now, net: &mut Net) {
        if let Some(op) = self.ops.get_mut(id).filter(|op| op.phase == Phase::Forwarded) {
            op.relayed = false;
            self.relay.asked.retain(|_, asked| asked.op != id);
            self.enter_own(id, now, net);
        }
    }

    /// Words of another broker.
    pub(super) fn relayed(&mut self, from: u32, payload: &[u8], now: Now, net: &mut Net) {
        let mut args = std::mem::take(&mut self.relay.args);
        let words: Option<Vec<Vec<u8>>> = match RequestParser::default().parse(payload, &mut args) {
            Ok(Progress::Done { value, .. }) => Some(value.args().map(<[u8]>::to_vec).collect()),
            _ => None,
        };
        self.relay.args = args;
        if from == self.owner.process() {
            self.owner.heard_owner_at = now.time;
        }
        let words = words.unwrap_or_default();
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let done = match words.as_slice() {
            [b"ASK", number, verb, key, rest @ ..] => self.asked_by(from, number, verb, key, rest, now, net),
            [b"DONE", number, rest @ ..] => self.owner_done(number, rest, now, net),
            [b"NOT", number, promised] => self.owner_refused(number, promised, now),
            [b"WHO"] => {
                if self.owner.is_ours() {
                    let payload = self.busy_words(from);
                    self.tell(from, &payload, now, net);
                }
                Some(())
            }
            [b"BUSY", numbers @ ..] => self.owner_busy(from, numbers, now, net),
            _ => None,
        };
        if done.is_none() {
            log::error!("broker {from:x} said something that makes no sense");
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the message's fields")]
    fn asked_by(
        &mut self,
        from: u32,
        number: &[u8],
        verb: &[u8],
        key: &[u8],
        rest: &[&[u8]],
        now: Now,
        net: &mut Net,
    ) -> Option<()> {
        let id = parse_integer(number)? as u64;
        let ask = parse_ask(verb, rest)?;
        if self.owner.is_ours() && self.room() {
            self.accept(Source::Relay { process: from, id }, key, ask, now, net);
        } else {
            let promised = self.owner.process_ballot().0;
            let mut payload = Vec::new();
            let (id, promised) = (id.to_string(), promised.to_string());
            write_request(&mut payload, &[b"NOT", id.as_bytes(), promised.as_bytes()]);
            self.tell(from, &payload, now, net);
        }
        Some(())
    }

    /// Answers what another broker asked.
    pub(super) fn answer_relayed(
        &mut self,
        process: u32,
        id: u64,
        outcome: &Outcome,
        now: Now,
        net: &mut Net,
    ) {
        let mut payload = Vec::with_capacity(64);
        write_outcome(&mut payload, id, outcome);
        self.tell(process, &payload, now, net);
    }

    /// Passes words on to a broker through whichever server answers: all brokers know all servers. An answer that is
    /// lost makes the asker say UNCERTAIN, so it is sent through two servers if there are two; the second finds
    /// nobody waiting.
    fn tell(&mut self, process: u32, payload: &[u8], now: Now, net: &mut Net) {
        let well: Vec<usize> =
            (0..self.links.len()).filter(|&server| self.links[server].is_well()).take(2).collect();
        for server in well {
            self.send(
                server,
                &Request::Relay { process, payload },
                Expect::Relay { process, op: None },
                now,
                net,
            );
        }
    }

    fn owner_done(&mut self, number: &[u8], rest: &[&[u8]], now: Now, net: &mut Net) -> Option<()> {
        let outcome = parse_outcome(rest)?;
        if let Some(Asked { op: id, .. }) = self.relay.asked.remove(&(parse_integer(number)? as u64))
            && self.ops.get(id).is_some_and(|op| op.phase == Phase::Forwarded)
        {
            self.finish(id, outcome, now, net);
        }
        Some(())
    }

    fn owner_refused(&mut self, number: &[u8], promised: &[u8], now: Now) -> Option<()> {
        let id = self.relay.asked.remove(&(parse_integer(number)? as u64));
        self.saw_promise(Ballot(std::str::from_utf8(promised).ok()?.parse().ok()?));
        if let Some(op) =
            id.and_then(|asked| self.ops.get_mut(asked.op)).filter(|op| op.phase == Phase::Forwarded)
        {
            // It finds its way at the next tick: by then the pings say who owns.
            op.relayed = false;
            op.phase = Phase::Own;
            self.wake_soon(now);
        }
        Some(())
    }

    /// Tells those who wait that this owner is alive, and replaces an owner that is silent.
    pub(super) fn tick_relay(&mut self, now: Now, net: &mut Net) {
        if self.owner.is_ours() && now.time.since(self.relay.busy_told_at) >= BUSY_EVERY {
            self.relay.busy_told_at = now.time;
            self.tell_busy(now, net);
        }
        let ops = &self.ops;
        self.relay.asked.retain(|_, asked| ops.get(asked.op).is_some_and(|op| op.phase == Phase::Forwarded));
        if self.owner.is_ours() {
            self.relay.needed_since = None;
        } else if !self.relay.asked.is_empty() {
            self.watch_owner(now, net);
        }
    }

    /// The owner says what of ours it has under way. What it should have and has not was lost: a read is asked for
    /// anew, as it does no harm if it is answered twice; a write may have been executed.
    fn owner_busy(&mut self, from: u32, numbers: &[&[u8]], now: Now, net: &mut Net) -> Option<()> {
        let known: Option<Vec<u64>> =
            numbers.iter().map(|number| parse_integer(number).map(|number| number as u64)).collect();
        let known = known?;
        if from != self.owner.process() {
            return Some(());
        }
        let is_lost = |(number, asked): &(&u64, &Asked)| {
            now.time.since(asked.at) >= LOST_AFTER && !known.contains(number)
        };
        let lost: Vec<OpId> = self.relay.asked.iter().filter(is_lost).map(|(_, asked)| asked.op).collect();
        for id in lost {
            let Some(op) = self.ops.get(id).filter(|op| op.phase == Phase::Forwarded) else { continue };
            match op.ask {
                Ask::Get => self.take_back(id, now, net),
                _ => self.finish(id, Outcome::Failed(EngineError::Uncertain), now, net),
            }
        }
        Some(())
    }

    /// What of that broker's is under way here.
    fn busy_words(&self, process: u32) -> Vec<u8> {
        let number = |id: OpId| match self.ops.get(id)?.source {
            Source::Relay { process: asker, id } if asker == process => Some(id.to_string()),
            _ => None,
        };
        let numbers: Vec<String> = self.ops.ids().into_iter().filter_map(number).collect();
        let words: Vec<&[u8]> =
            [&b"BUSY"[..]].into_iter().chain(numbers.iter().map(|number| number.as_bytes())).collect();
        let mut payload = Vec::new();
        write_request(&mut payload, &words);
        payload
    }

    /// Nothing is wanted of an owner now.
    pub(super) fn owner_not_needed(&mut self) {
        if self.relay.asked.is_empty() {
            self.relay.needed_since = None;
        }
    }

    /// The owner is needed: asks it for a sign of life, and replaces it when it is silent for the takeover time. A
    /// server may hold the connection of an owner that is long dead for connected.
    pub(super) fn watch_owner(&mut self, now: Now, net: &mut Net) {
        let since = match self.relay.needed_since {
            Some(since) => since,
            None => {
                let half = self.config.takeover.as_nanos() / 2;
                self.relay.patience = Span::from_nanos(self.rng.below(half.max(1)));
                *self.relay.needed_since.insert(now.time)
            }
        };
        let heard_at = self.owner.heard_owner_at.max(since);
        if now.time.since(heard_at) >= self.config.takeover + self.relay.patience {
            log::warn!("the owner does not answer: taking over");
            return self.claim(now, net);
        }
        self.wake_soon(now);
        if now.time.since(self.relay.probed_at) >= BUSY_EVERY
            && let Some(server) = self.relay_server()
        {
            self.relay.probed_at = now.time;
            let (process, payload) = (self.owner.process(), one_word(b"WHO"));
            let request = Request::Relay { process, payload: &payload };
            self.send(server, &request, Expect::Relay { process, op: None }, now, net);
        }
    }

    /// This broker claims the slots itself: what was asked of the old owner may be executed.
    pub(super) fn release_asked(&mut self, now: Now, net: &mut Net) {
        self.relay.needed_since = None;
        for Asked { op: id, .. } in std::mem::take(&mut self.relay.asked).into_values() {
            let Some(op) = self.ops.get_mut(id).filter(|op| op.phase == Phase::Forwarded) else { continue };
            match op.may_be_executed() {
                true => self.finish(id, Outcome::Failed(EngineError::Uncertain), now, net),
                false => {
                    op.relayed = false;
                    self.enter_own(id, now, net);
                }
            }
        }
    }

    fn tell_busy(&mut self, now: Now, net: &mut Net) {
        let mut askers: Vec<u32> = self
            .ops
            .ids()
            .into_iter()
            .filter_map(|id| match self.ops.get(id)?.source {
                Source::Relay { process, .. } => Some(process),
                Source::Front(_) => None,
            })
            .collect();
        askers.sort_unstable();
        askers.dedup();
        for process in askers {
            let payload = self.busy_words(process);
            self.tell(process, &payload, now, net);
        }
    }
}

fn one_word(word: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    write_request(&mut payload, &[word]);
    payload
}

fn write_ask(out: &mut Vec<u8>, number: u64, key: &[u8], ask: &Ask) {
    let number = number.to_string();
    let (verb, argument): (&[u8], Option<&[u8]>) = match ask {
        Ask::Get => (b"GET", None),
        Ask::Put { kind: Kind::Text, body, blind: false } => (b"SET", Some(body)),
        Ask::Put { kind: Kind::Text, body, blind: true } => (b"SETBLIND", Some(body)),
        Ask::Put { body, blind: false, .. } => (b"PUT", Some(body)),
        Ask::Put { body, blind: true, .. } => (b"PUTBLIND", Some(body)),
        Ask::PutIf { body, exists: false } => (b"SETNX", Some(body)),
        Ask::PutIf { body, exists: true } => (b"SETXX", Some(body)),
        Ask::Delete => (b"DELETE", None),
        Ask::RemoveField { path } => (b"REMOVE", Some(path)),
    };
    match argument {
        None => write_request(out, &[b"ASK", number.as_bytes(), verb, key]),
        Some(argument) => write_request(out, &[b"ASK", number.as_bytes(), verb, key, argument]),
    }
}

fn parse_ask(verb: &[u8], rest: &[&[u8]]) -> Option<Ask> {
    let put = |kind, body: &[u8], blind| Ask::Put { kind, body: body.to_vec(), blind };
    Some(match (verb, rest) {
        (b"GET", []) => Ask::Get,
        (b"SET", [body]) => put(Kind::Text, body, false),
        (b"SETBLIND", [body]) => put(Kind::Text, body, true),
        (b"PUT", [body]) => put(Kind::Document, body, false),
        (b"PUTBLIND", [body]) => put(Kind::Document, body, true),
        (b"SETNX", [body]) => Ask::PutIf { body: body.to_vec(), exists: false },
        (b"SETXX", [body]) => Ask::PutIf { body: body.to_vec(), exists: true },
        (b"DELETE", []) => Ask::Delete,
        (b"REMOVE", [path]) => Ask::RemoveField { path: path.to_vec() },
        _ => return None,
    })
}

fn write_outcome(out: &mut Vec<u8>, id: u64, outcome: &Outcome) {
    let id = id.to_string();
    let letter = |kind: Kind| crate::proto::cluster::kind_letter(kind);
    let mut words: Vec<&[u8]> = vec![b"DONE", id.as_bytes()];
    let kind;
    match outcome {
        Outcome::Value { kind: held, body, doubtful } => {
            kind = [letter(*held)];
            words.extend([if *doubtful { &b"DOUBTFUL"[..] } else { b"VALUE" }, &kind, body]);
        }
        Outcome::Done { before, changed } => {
            words.push(if *changed { b"CHANGED" } else { b"SAME" });
            if let Some((held, body)) = before {
                kind = [letter(*held)];
                words.extend([&kind[..], body]);
            }
        }
        Outcome::Failed(EngineError::Unavailable) => words.push(b"UNAVAILABLE"),
        Outcome::Failed(EngineError::Uncertain) => words.push(b"UNCERTAIN"),
        Outcome::Failed(EngineError::NotADocument) => words.push(b"NOTADOCUMENT"),
        Outcome::Failed(EngineError::Refused(text)) => words.extend([&b"REFUSED"[..], text.as_bytes()]),
    }
    write_request(out, &words);
}

fn parse_outcome(words: &[&[u8]]) -> Option<Outcome> {
    let kind = |letter: &[u8]| match letter {
        b"s" => Some(Kind::Text),
        b"d" => Some(Kind::Document),
        b"x" => Some(Kind::Tombstone),
        _ => None,
    };
    let failed = |error| Some(Outcome::Failed(error));
    match words {
        [word @ (b"VALUE" | b"DOUBTFUL"), held, body] => {
            let (kind, doubtful) = (kind(held)?, *word == b"DOUBTFUL");
            Some(Outcome::Value { kind, body: body.to_vec(), doubtful })
        }
        [word @ (b"CHANGED" | b"SAME")] => Some(Outcome::Done { before: None, changed: *word == b"CHANGED" }),
        [word @ (b"CHANGED" | b"SAME"), held, body] => {
            Some(Outcome::Done { before: Some((kind(held)?, body.to_vec())), changed: *word == b"CHANGED" })
        }
        [b"UNAVAILABLE"] => failed(EngineError::Unavailable),
        [b"UNCERTAIN"] => failed(EngineError::Uncertain),
        [b"NOTADOCUMENT"] => failed(EngineError::NotADocument),
        [b"REFUSED", text] => failed(EngineError::Refused(String::from_utf8_lossy(text).into_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(payload: &[u8]) -> Vec<Vec<u8>> {
        let mut args = Args::new();
        let progress = RequestParser::default().parse(payload, &mut args).expect("well formed");
        let Progress::Done { value, consumed } = progress else { panic!("incomplete") };
        assert_eq!(consumed, payload.len());
        value.args().map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn asks_and_outcomes_survive_the_way() {
        let body = || b"\r\n\0".to_vec();
        let asks = [
            Ask::Get,
            Ask::Put { kind: Kind::Text, body: body(), blind: false },
            Ask::Put { kind: Kind::Text, body: body(), blind: true },
            Ask::Put { kind: Kind::Document, body: b"{}".to_vec(), blind: false },
            Ask::Put { kind: Kind::Document, body: b"{}".to_vec(), blind: true },
            Ask::PutIf { body: vec![], exists: false },
            Ask::PutIf { body: body(), exists: true },
            Ask::Delete,
            Ask::RemoveField { path: b"$.a".to_vec() },
        ];
        for ask in asks {
            let mut payload = vec![];
            write_ask(&mut payload, 7, b"k", &ask);
            let words = words(&payload);
            let rest: Vec<&[u8]> = words[4..].iter().map(Vec::as_slice).collect();
            assert_eq!(parse_ask(&words[2], &rest), Some(ask));
        }
        let outcomes = [
            Outcome::Value { kind: Kind::Document, body: b"{}".to_vec(), doubtful: false },
            Outcome::Value { kind: Kind::Tombstone, body: vec![], doubtful: true },
            Outcome::Done { before: None, changed: true },
            Outcome::Done { before: Some((Kind::Text, body())), changed: false },
            Outcome::Failed(EngineError::Unavailable),
            Outcome::Failed(EngineError::Uncertain),
            Outcome::Failed(EngineError::NotADocument),
            Outcome::Failed(EngineError::Refused("no".to_owned())),
        ];
        for outcome in outcomes {
            let mut payload = vec![];
            write_outcome(&mut payload, 9, &outcome);
            let words = words(&payload);
            let rest: Vec<&[u8]> = words[2..].iter().map(Vec::as_slice).collect();
            assert_eq!(parse_outcome(&rest), Some(outcome));
        }
    }
}
