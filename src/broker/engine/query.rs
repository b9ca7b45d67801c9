//! Questions about all keys: how many there are, and which come next. Each server is asked about the slots whose first
//! answering member it is, so every key counts once.

use super::link::Expect;
use super::{Answer, Engine, KeyPage, Ticket};
use crate::conn::Net;
use crate::proto::cluster::{Request, Role, SlotSet};
use crate::record::Slot;
use crate::time::{Now, Time};
use std::collections::BTreeMap;

enum Question {
    Count,
    Keys { after: Option<Vec<u8>>, limit: usize },
}

struct Query {
    question: Question,
    begun: Time,
    /// Tells this attempt's answers from earlier ones'.
    round: u32,
    /// Asked and not yet answered.
    open: Vec<usize>,
    count: u64,
    pages: Vec<KeyPage>,
    /// An attempt failed: the next begins at the next chance.
    again: bool,
}

#[derive(Default)]
pub(super) struct Queries {
    queries: BTreeMap<Ticket, Query>,
    round: u32,
}

impl Engine {
    /// Counts the live records of the cluster, each once.
    pub fn count(&mut self, ticket: Ticket, now: Now, net: &mut Net) {
        self.ask_all(ticket, Question::Count, now, net);
    }

    /// The next keys in order, behind `after`, at most `limit`.
    pub fn keys(&mut self, ticket: Ticket, after: Option<&[u8]>, limit: usize, now: Now, net: &mut Net) {
        let after = after.map(<[u8]>::to_vec);
        self.ask_all(ticket, Question::Keys { after, limit: limit.max(1) }, now, net);
    }

    pub(super) fn queries_pending(&self) -> bool {
        !self.queries.queries.is_empty()
    }

    fn ask_all(&mut self, ticket: Ticket, question: Question, now: Now, net: &mut Net) {
        let query =
            Query { question, begun: now.time, round: 0, open: vec![], count: 0, pages: vec![], again: true };
        self.queries.queries.insert(ticket, query);
        self.retry_queries(now, net);
        self.wake_soon(now);
    }

    /// Begins every query anew, in a new view.
    pub(super) fn restart_queries(&mut self, now: Now, net: &mut Net) {
        self.queries.queries.values_mut().for_each(|query| query.again = true);
        self.retry_queries(now, net);
    }

    /// Begins every query that waits for its next attempt.
    pub(super) fn retry_queries(&mut self, now: Now, net: &mut Net) {
        let waiting: Vec<Ticket> =
            self.queries.queries.iter().filter(|(_, query)| query.again).map(|(&ticket, _)| ticket).collect();
        for ticket in waiting {
            self.attempt(ticket, now, net);
        }
    }

    fn attempt(&mut self, ticket: Ticket, now: Now, net: &mut Net) {
        let Some(shares) = self.shares() else { return };
        self.queries.round += 1;
        let round = self.queries.round;
        let query = self.queries.queries.get_mut(&ticket).expect("a query under way");
        query.round = round;
        query.again = false;
        (query.count, query.open) = (0, shares.iter().map(|&(server, _)| server).collect());
        query.pages.clear();
        let view = self.view.id;
        for (server, slots) in shares {
            let query = self.queries.queries.get(&ticket).expect("just seen");
            let link = &mut self.links[server];
            let Some(id) = link.up() else { continue };
            match &query.question {
                Question::Count => {
                    let expect = Expect::Count { ticket, round };
                    link.send(net.out(id), &Request::Count { view, slots }, expect, now.time);
                }
                Question::Keys { after, limit } => {
                    let request = Request::Keys { view, slots, limit: *limit, after: after.as_deref() };
                    link.send(net.out(id), &request, Expect::Keys { ticket, round }, now.time);
                }
            }
        }
    }

    /// Which server is asked about which slots; `None` while some slot has nobody who answers.
    fn shares(&self) -> Option<Vec<(usize, SlotSet)>> {
        if self.view.is_blank() {
            return None;
        }
        let mut shares: BTreeMap<usize, SlotSet> = BTreeMap::new();
        for slot in Slot::all() {
            let answers = |server: &usize| {
                self.view.seats[*server].role == Role::Member && self.links[*server].is_well()
            };
            let server = self.placement.replicas(slot).iter().map(|&s| usize::from(s)).find(answers)?;
            shares.entry(server).or_default().insert(slot);
        }
        Some(shares.into_iter().collect())
    }

    /// One server's count; `None`: it could not say.
    pub(super) fn counted(&mut self, ticket: Ticket, round: u32, server: usize, count: Option<u64>) {
        let Some(query) = self.queries.queries.get_mut(&ticket).filter(|query| query.round == round) else {
            return;
        };
        match count {
            None => query.again = true,
            Some(count) => {
                query.open.retain(|&open| open != server);
                query.count += count;
                if query.open.is_empty() && !query.again {
                    let total = query.count;
                    self.queries.queries.remove(&ticket);
                    self.answers.push_back((ticket, Answer::Count(Some(total))));
                }
            }
        }
    }

    /// One server's keys; `None`: it could not say.
    pub(super) fn keys_came(
        &mut self,
        ticket: Ticket,
        round: u32,
        server: usize,
        keys: Option<Vec<Vec<u8>>>,
        last: bool,
    ) {
        let Some(query) = self.queries.queries.get_mut(&ticket).filter(|query| query.round == round) else {
            return;
        };
        let Some(keys) = keys else {
            query.again = true;
            return;
        };
        query.open.retain(|&open| open != server);
        query.pages.push(KeyPage { keys, last });
        if query.open.is_empty() && !query.again {
            let query = self.queries.queries.remove(&ticket).expect("just seen");
            let Question::Keys { limit, .. } = query.question else { return };
            self.answers.push_back((ticket, Answer::Keys(Some(merge(query.pages, limit)))));
        }
    }

    /// Ends queries that took too long.
    pub(super) fn tick_queries(&mut self, now: Now) {
        if self.queries.queries.is_empty() {
            return;
        }
        let (deadline, lost) =
            (self.config.deadline, self.change.stuck_since.is_some() && self.shares().is_none());
        let late: Vec<Ticket> = self
            .queries
            .queries
            .iter()
            .filter(|(_, query)| lost || now.time.since(query.begun) >= deadline)
            .map(|(&ticket, _)| ticket)
            .collect();
        for ticket in late {
            let query = self.queries.queries.remove(&ticket).expect("just seen");
            let answer = match query.question {
                Question::Count => Answer::Count(None),
                Question::Keys { .. } => Answer::Keys(None),
            };
            self.answers.push_back((ticket, answer));
        }
    }
}

/// The first `limit` keys of several pages in order. A page that is not its server's last says nothing about what
/// lies behind its last key, so nothing behind the lowest such key is returned.
fn merge(pages: Vec<KeyPage>, limit: usize) -> KeyPage {
    let horizon = pages
        .iter()
        .filter(|page| !page.last)
        .map(|page| page.keys.last().cloned().unwrap_or_default())
        .min();
    let mut keys: Vec<Vec<u8>> = pages.into_iter().flat_map(|page| page.keys).collect();
    keys.sort_unstable();
    keys.dedup();
    let total = keys.len();
    if let Some(horizon) = &horizon {
        keys.retain(|key| key <= horizon);
    }
    keys.truncate(limit);
    let last = horizon.is_none() && keys.len() == total;
    KeyPage { keys, last }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(keys: &[&str], last: bool) -> KeyPage {
        KeyPage { keys: keys.iter().map(|key| key.as_bytes().to_vec()).collect(), last }
    }

    #[test]
    fn pages_are_merged_up_to_where_all_of_them_know() {
        assert_eq!(merge(vec![page(&["a", "d"], true), page(&["b"], true)], 9), page(&["a", "b", "d"], true));
        assert_eq!(
            merge(vec![page(&["a", "c"], false), page(&["b", "d"], true)], 9),
            page(&["a", "b", "c"], false)
        );
        assert_eq!(merge(vec![page(&["a", "c"], true), page(&["b"], true)], 2), page(&["a", "b"], false));
        assert_eq!(merge(vec![page(&[], true), page(&[], true)], 2), page(&[], true));
    }
}
