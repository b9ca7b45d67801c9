//! Who asks, and what they hear.

use super::{Alarm, Scenario};
use crate::history::{Call, Event, Outcome};
use std::collections::VecDeque;

/// Feeds below are the console's and its kin: the process would end with them.
const FIRST_FEED: u8 = 16;

/// So many calls without an answer are enough: each may still take effect, so none but the checker has work with more.
const LEFT_OPEN_MAX: usize = 50;

/// A client of one broker. It lives on when its broker dies, and goes on when there is a new one.
pub struct Client {
    broker: usize,
    feed: Option<usize>,
    /// The calls that are not answered yet, as places in the history.
    pending: VecDeque<usize>,
    /// An answer that has not come whole.
    heard: Vec<u8>,
    warned: bool,
    /// A call is planned.
    planned: bool,
    /// The answer to a DBSIZE, once one was asked for.
    size: Option<Size>,
}

#[derive(Clone, Copy)]
enum Size {
    Asked,
    Refused,
    Heard(u64),
}

impl Client {
    pub fn new(broker: usize) -> Client {
        Client {
            broker,
            feed: None,
            pending: VecDeque::new(),
            heard: vec![],
            warned: false,
            planned: true,
            size: None,
        }
    }

    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    pub fn size_heard(&self) -> Option<u64> {
        match self.size {
            Some(Size::Heard(size)) => Some(size),
            Some(Size::Asked | Size::Refused) | None => None,
        }
    }

    pub fn is_connected(&self) -> bool {
        self.feed.is_some()
    }
}

impl Scenario {
    /// The clients of a broker that has just started come in.
    pub(super) fn open_feeds(&mut self, broker: usize) {
        for client in 0..self.clients.len() {
            if self.clients[client].broker == broker {
                let feed = self.world.open_feed(self.brokers[broker], FIRST_FEED + client as u8);
                self.clients[client].feed = Some(feed);
                self.plan_call(client);
            }
        }
    }

    /// The time for a client's next call has come.
    pub(super) fn call_next(&mut self, client: usize) {
        self.clients[client].planned = false;
        let call = self.plan.call(self.next_id, &mut self.world.rng);
        self.call_if_free(client, call);
        self.plan_call(client);
    }

    /// Every client calls, if it may.
    pub(super) fn burst(&mut self) {
        for client in 0..self.clients.len() {
            let call = self.plan.call_in_burst(self.next_id, &mut self.world.rng);
            self.call_if_free(client, call);
        }
    }

    fn call_if_free(&mut self, client: usize, call: Call) {
        let busy = self.clients[client].pending.len() >= self.plan.depth;
        let all = self.events.len() >= self.plan.calls_max || self.left_open >= LEFT_OPEN_MAX;
        if self.chaos && !busy && !all && self.clients[client].feed.is_some() {
            let key = self.world.rng.index(self.keys.len());
            self.call(client, key, call);
        }
    }

    /// It calls again, unless it is planned already or waits for answers.
    fn plan_call(&mut self, client: usize) {
        let busy = self.clients[client].pending.len() >= self.plan.depth;
        if !busy && self.clients[client].feed.is_some() && !self.clients[client].planned && self.chaos {
            self.clients[client].planned = true;
            self.set_alarm_about(self.plan.think, Alarm::Call(client));
        }
    }

    /// A client asks. Gives the call's place in the history.
    pub(super) fn call(&mut self, client: usize, key: usize, call: Call) -> usize {
        self.next_id += 1;
        let feed = self.clients[client].feed.expect("only a connected client calls");
        let line = call.line(&self.keys[key], self.plan.padding);
        self.world.say(feed, line.as_bytes());
        let begin = self.time_of();
        // Until it is answered, it may have been executed or not.
        let (end, outcome, flagged) = (u64::MAX, Outcome::Open, false);
        self.events.push(Event { key, call, begin, end, outcome, flagged, client });
        self.clients[client].pending.push_back(self.events.len() - 1);
        self.events.len() - 1
    }

    /// A client that waits for nothing asks how many records there are, unless it does already.
    pub(super) fn ask_size(&mut self, client: usize) {
        assert!(!self.clients[client].is_waiting(), "its answers would be mixed up");
        if matches!(self.clients[client].size, Some(Size::Asked)) || !self.clients[client].is_connected() {
            return;
        }
        self.clients[client].size = Some(Size::Asked);
        let feed = self.clients[client].feed.expect("only a connected client calls");
        self.world.say(feed, b"DBSIZE\n");
    }

    /// A feed said something, or is gone.
    pub(super) fn hear(&mut self, feed: usize) {
        let Some(client) = self.clients.iter().position(|client| client.feed == Some(feed)) else { return };
        let said = std::mem::take(&mut self.world.feed(feed).output);
        self.clients[client].heard.extend(said);
        while let Some(end) = self.clients[client].heard.iter().position(|&b| b == b'\n') {
            let line: Vec<u8> = self.clients[client].heard.drain(..=end).collect();
            self.hear_line(client, String::from_utf8_lossy(&line).trim_end());
        }
        if self.world.feed(feed).dead {
            // What was asked and not answered stays open for ever.
            let client = &mut self.clients[client];
            self.left_open += client.pending.len();
            (client.feed, client.warned) = (None, false);
            client.pending.clear();
            client.heard.clear();
        }
    }

    fn hear_line(&mut self, client: usize, line: &str) {
        if line.starts_with("WARNING") {
            self.clients[client].warned = true;
            return;
        }
        if let Some(Size::Asked) = self.clients[client].size {
            let number = line.strip_prefix("(integer) ").and_then(|number| number.parse().ok());
            if number.is_none() && !line.starts_with("UNAVAILABLE") {
                self.violate(format!("client {client} asked DBSIZE and heard: {line}"));
            }
            self.clients[client].size = number.map_or(Some(Size::Refused), |size| Some(Size::Heard(size)));
            return;
        }
        let Some(place) = self.clients[client].pending.pop_front() else {
            return self.violate(format!("client {client} heard what it did not ask: {line}"));
        };
        let (key, call) = (self.events[place].key, self.events[place].call);
        let Some(outcome) = call.read(&self.keys[key], line) else {
            return self
                .violate(format!("client {client} asked {call:?} of {} and heard: {line}", self.keys[key]));
        };
        let end = self.time_of();
        let flagged = std::mem::take(&mut self.clients[client].warned);
        let event = &mut self.events[place];
        (event.outcome, event.flagged) = (outcome, flagged);
        match outcome {
            Outcome::Open => self.left_open += 1,
            _ => event.end = end,
        }
        self.world.note(|| format!("client {client}: {event}", event = self.events[place]));
        if self.plan.gentle && !self.is_gentle_answer(place) {
            let event = self.events[place];
            self.violate(format!("while no more servers died than are tolerated: {event}: {line}"));
        }
        self.count_answer(place);
        self.plan_call(client);
    }

    /// What a client may hear while no more servers die than are tolerated: its answer. Where brokers ask each other
    /// through a server, that one may die with their words, and they find it again at different times.
    fn is_gentle_answer(&self, place: usize) -> bool {
        let (event, alone) = (&self.events[place], self.plan.brokers == 1);
        match event.outcome {
            Outcome::Answered(_) => !(alone && event.flagged),
            Outcome::Open => !alone && event.call.is_write(),
            Outcome::Void => false,
        }
    }
}
