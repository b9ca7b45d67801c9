//! After the chaos: all heals, and then the cluster must be whole again.

use super::clients::Client;
use super::watch::describe;
use super::{Alarm, Scenario};
use crate::history::{Call, Outcome};
use hedgerow::proto::text::{Printer, Style};
use hedgerow::record::{Kind, Slot, Version};
use hedgerow::time::{Span, Time};
use std::collections::VecDeque;

/// Every key is readable and writable within this time after the healing.
const PROGRESS: Span = Span::from_secs(10);
/// Every server is a member again within this time: one that was put out repeatedly waits up to a minute.
const WHOLE: Span = Span::from_secs(150);
/// A broker ends by itself where the servers agree on no view within about this time.
const START_WAIT: Span = Span::from_secs(10);
/// Between a refusal and the next attempt.
const AGAIN: Span = Span::from_millis(50);
/// Stragglers of old connections arrive.
const SETTLE: Span = Span::from_millis(500);

/// What a broker's first client still has to do.
struct Task {
    client: usize,
    left: VecDeque<(usize, bool)>,
    /// The call that was asked last.
    asked: Option<usize>,
    /// After a refusal it waits.
    not_before: Time,
}

impl Scenario {
    pub(super) fn finish(&mut self) {
        if self.violation.is_some() {
            return;
        }
        self.chaos = false;
        self.world.note(|| "everything heals".to_owned());
        self.world.heal();
        self.world.weather.spike_per_mille = 0;
        for server in 0..self.servers.len() {
            self.start_server(server);
        }
        for broker in 0..self.brokers.len() {
            self.start_broker(broker);
        }
        self.make_progress();
        if !self.watch.lossy && self.violation.is_none() {
            self.become_whole();
        }
        (0..self.brokers.len()).for_each(|broker| self.count_broker(broker));
        self.watch.counters.doubled = self.world.doubled;
    }

    /// Through every broker, every key is read and written.
    fn make_progress(&mut self) {
        let every = || (0..self.keys.len()).flat_map(|key| [(key, false), (key, true)]).collect();
        let mut tasks: Vec<Task> = (0..self.brokers.len())
            .map(|broker| Task {
                client: broker * self.plan.clients,
                left: every(),
                asked: None,
                not_before: Time::ZERO,
            })
            .collect();
        let end = self.world.now + PROGRESS;
        self.set_alarm(PROGRESS, Alarm::Phase);
        while self.violation.is_none() && tasks.iter().any(|task| !task.left.is_empty()) {
            if self.world.now >= end {
                if !self.watch.lossy {
                    self.violate_stuck();
                }
                break;
            }
            for task in &mut tasks {
                self.go_on(task);
            }
            self.step();
        }
        // Whatever was asked, somebody answers. A broker that has just started listens to nobody until it has seen its
        // servers, and ends where they form no cluster any more.
        let start = if self.watch.lossy { START_WAIT } else { Span::ZERO };
        let patience = self.plan.deadline + start + Span::from_secs(1);
        let end = self.world.now + patience;
        self.set_alarm(patience, Alarm::Phase);
        while self.clients.iter().any(Client::is_waiting) && self.world.now < end && self.violation.is_none()
        {
            self.step();
        }
        if let Some(client) = self.clients.iter().position(|client| client.is_waiting()) {
            self.violate(format!("client {client} hears no answer"));
        }
    }

    fn go_on(&mut self, task: &mut Task) {
        if !self.clients[task.client].is_connected() {
            task.asked = None;
            return;
        }
        if self.clients[task.client].is_waiting() || self.world.now < task.not_before {
            return;
        }
        if let Some(place) = task.asked.take() {
            let event = &self.events[place];
            if matches!(event.outcome, Outcome::Answered(_)) && !event.flagged {
                task.left.pop_front();
            } else {
                task.not_before = self.world.now + AGAIN;
                return self.set_alarm(AGAIN, Alarm::Phase);
            }
        }
        if let Some(&(key, write)) = task.left.front() {
            let call = if write { Call::Put(self.next_id) } else { Call::Get };
            task.asked = Some(self.call(task.client, key, call));
        }
    }

    fn violate_stuck(&mut self) {
        let state = describe(self);
        self.violate(format!("no progress {} s after all is healed; {state}", PROGRESS.as_secs()));
    }

    /// Every server is a member, and every replica of a key holds the same.
    fn become_whole(&mut self) {
        let end = self.world.now + WHOLE;
        self.set_alarm(WHOLE, Alarm::Phase);
        loop {
            while !self.is_whole() && self.violation.is_none() {
                if self.world.now >= end {
                    let state = describe(self);
                    return self
                        .violate(format!("not whole {} s after all is healed; {state}", WHOLE.as_secs()));
                }
                self.step();
            }
            self.run_for(SETTLE);
            // A broker with an old suspicion may have put a server out once more: it is filled again.
            if self.is_whole() || self.violation.is_some() {
                break;
            }
        }
        if self.violation.is_some() {
            return;
        }
        for key in 0..self.keys.len() {
            if self.difference(key).is_some() {
                // A call that nobody waits for any more may be under way just now: it is soon done, or not at all.
                self.run_for(SETTLE);
            }
            if let Some(difference) = self.difference(key) {
                return self.violate(difference);
            }
        }
        self.compare_sizes();
    }

    /// Records that are live on the first of their replicas.
    fn live_count(&self) -> u64 {
        let is_live = |key: &&String| {
            let replica = self.placement.replicas(Slot::of(key.as_bytes()))[0];
            self.held(replica.into(), key.as_bytes()).is_some_and(|(_, kind, _)| kind != Kind::Tombstone)
        };
        self.keys.iter().filter(is_live).count() as u64
    }

    /// Through every broker, DBSIZE is the number of live records, before or after a straggler.
    fn compare_sizes(&mut self) {
        for broker in 0..self.brokers.len() {
            let client = broker * self.plan.clients;
            let before = self.live_count();
            let hears = |scenario: &Scenario| scenario.clients[client].size_heard();
            let end = self.world.now + PROGRESS;
            while hears(self).is_none() && self.world.now < end && self.violation.is_none() {
                self.ask_size(client);
                self.run_for(AGAIN);
            }
            self.watch.counters.sizes_compared += 1;
            let (heard, after) = (hears(self), self.live_count());
            if heard != Some(before) && heard != Some(after) {
                self.violate(format!(
                    "{before}, then {after} records are live, broker {broker} counts {heard:?}"
                ));
            }
        }
    }

    /// What is not as it should be among the servers' records of a key.
    fn difference(&self, key: usize) -> Option<String> {
        let name = self.keys[key].as_bytes();
        let replicas = self.placement.replicas(Slot::of(name));
        let holds = |server: usize| self.held(server, name);
        let first = holds(replicas[0].into());
        if let Some(&other) = replicas.iter().find(|&&server| holds(server.into()) != first) {
            let (server, second) = (replicas[0], holds(other.into()));
            return Some(format!(
                "key {key}: server {server} holds {first:?}, server {other} holds {second:?}"
            ));
        }
        let is_stranger = |server: &usize| !replicas.contains(&(*server as u16)) && holds(*server).is_some();
        let stranger = (0..self.servers.len()).find(is_stranger)?;
        Some(format!("key {key}: server {stranger} holds it and is no replica"))
    }

    /// A server's record, as text.
    fn held(&self, server: usize, key: &[u8]) -> Option<(Version, Kind, String)> {
        let trie = self.world.machine(self.servers[server])?.server().trie();
        let record = trie.get(key)?;
        let mut body = Vec::new();
        match record.kind() {
            Kind::Tombstone => {}
            Kind::Text => record.text().write_to(&mut body),
            Kind::Document => {
                let mut printer = Printer::new(&mut body, Style::Json);
                record.document().emit(&mut printer).expect("a document that was stored can be printed");
            }
        }
        Some((record.version(), record.kind(), String::from_utf8_lossy(&body).into_owned()))
    }
}
