//! Is a key's history linearizable? The search of Wing, Gong and Lowe, in its just-in-time form.
//!
//! A *configuration* is what the single copy holds, and which of the calls under way have taken effect. The history
//! is walked in time: where a call begins, it is under way; where one ends, every configuration in which it has not
//! taken effect must let it do so, others under way before it if need be. No configuration left: no order explains
//! the answers. Calls of unknown outcome stay under way for ever, and may or may not take effect.
//!
//! A client's calls on a key take effect in the order in which it sent them, even where it did not wait for the
//! answers; of calls of unknown outcome that is not known.
//!
//! Three things keep the set small, and change no verdict (see the slow twin in the tests):
//! - a call under way that would answer as it did and change nothing takes effect at once;
//! - of two configurations that differ only in open calls, the one where fewer have taken effect can do all that the
//!   other can;
//! - open calls that do the same stand for each other, and writes whose number nobody ever heard do the same.

use super::{Call, Event, Outcome, State};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The checker's finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// The index of the call that no order explains, and what the key may have held before it ended.
    Violated {
        call: usize,
        before: Vec<State>,
    },
    /// Too many orders to look at.
    Undecided,
}

/// Configurations looked at before giving up.
const CONFIGURATIONS_MAX: usize = 1_000_000;
/// Calls under way at once: the bits of a mask.
const UNDER_WAY_MAX: usize = 128;

#[derive(Clone, Copy)]
struct Configuration {
    state: State,
    /// By place in `UnderWay`: has taken effect.
    taken: u128,
}

/// The calls under way, by place; places are used again.
struct UnderWay<'e> {
    events: &'e [Event],
    /// By call: the answered call that its client sent before it.
    before: Vec<Option<usize>>,
    places: Vec<Option<usize>>,
    open: u128,
}

/// Checks one key's events, each client's in the order in which it sent them. Void calls and flagged reads are left out.
pub fn linearizable(events: &[Event]) -> Verdict {
    let events = &without_unheard(events)[..];
    let mut points: Vec<(u64, bool, usize)> = Vec::new();
    for (index, event) in events.iter().enumerate().filter(|(_, event)| matters(event)) {
        points.push((event.begin, false, index));
        if event.outcome != Outcome::Open {
            points.push((event.end, true, index));
        }
    }
    points.sort_unstable();
    let mut under_way = UnderWay { events, before: predecessors(events), places: Vec::new(), open: 0 };
    let mut configurations = vec![Configuration { state: State::Absent, taken: 0 }];
    let mut budget = CONFIGURATIONS_MAX;
    for (_, is_end, index) in points {
        if !is_end {
            if under_way.enter(index).is_none() {
                return Verdict::Undecided;
            }
            configurations.iter_mut().for_each(|c| under_way.absorb(c));
            continue;
        }
        let Some(next) = under_way.finish(index, &configurations, &mut budget) else {
            return Verdict::Undecided;
        };
        if next.is_empty() {
            let before: BTreeSet<State> = configurations.iter().map(|c| c.state).collect();
            return Verdict::Violated { call: index, before: before.into_iter().collect() };
        }
        configurations = next;
    }
    Verdict::Fine
}

/// The numbers of open writes that nobody heard become 0, which is no write's number.
fn without_unheard(events: &[Event]) -> Vec<Event> {
    let heard: BTreeSet<u32> = events.iter().filter_map(|event| event.number_heard()).collect();
    let known = |event: &Event, id| event.outcome != Outcome::Open || heard.contains(&id);
    let renamed = |event: &Event| match event.call {
        Call::Put(id) if !known(event, id) => Event { call: Call::Put(0), ..*event },
        Call::Set(id) if !known(event, id) => Event { call: Call::Set(0), ..*event },
        _ => *event,
    };
    events.iter().map(renamed).collect()
}

fn predecessors(events: &[Event]) -> Vec<Option<usize>> {
    let mut last = BTreeMap::new();
    let answered = |event: &Event| matters(event) && event.outcome != Outcome::Open;
    (0..events.len())
        .map(|index| {
            let before = last.get(&events[index].client).copied();
            if answered(&events[index]) {
                last.insert(events[index].client, index);
            }
            before
        })
        .collect()
}

/// An event that says something about the key, or may have changed it.
fn matters(event: &Event) -> bool {
    match event.outcome {
        Outcome::Void => false,
        Outcome::Open => event.call.is_write(),
        Outcome::Answered(_) => !event.flagged || event.call.is_write(),
    }
}

impl UnderWay<'_> {
    /// Gives a call a place.
    fn enter(&mut self, index: usize) -> Option<()> {
        let free = self.places.iter().position(Option::is_none);
        let place = free.unwrap_or(self.places.len());
        if place >= UNDER_WAY_MAX {
            return None;
        }
        if place == self.places.len() {
            self.places.push(None);
        }
        self.places[place] = Some(index);
        if self.events[index].outcome == Outcome::Open {
            self.open |= 1 << place;
        }
        Some(())
    }

    /// What the copy holds if the call at `place` takes effect now and is answered as it was.
    fn take(&self, from: Configuration, place: usize) -> Option<Configuration> {
        if from.taken >> place & 1 == 1 {
            return None;
        }
        let index = self.places[place]?;
        let waits_for = |before| {
            let place = self.places.iter().position(|call| *call == Some(before));
            place.is_some_and(|place| from.taken >> place & 1 == 0)
        };
        if self.before[index].is_some_and(waits_for) {
            return None;
        }
        let event = &self.events[index];
        let answer = match event.outcome {
            Outcome::Answered(answer) => Some(answer),
            Outcome::Open | Outcome::Void => None,
        };
        let state = from.state.after(event.call, answer)?;
        Some(Configuration { state, taken: from.taken | 1 << place })
    }

    /// An open call that does the same as this one may take effect in its place.
    fn has_stand_in(&self, from: Configuration, place: usize) -> bool {
        let is_open = |place: usize| self.open >> place & 1 == 1 && self.places[place].is_some();
        let call = |place: usize| self.places[place].map(|index| self.events[index].call);
        is_open(place)
            && (0..place)
                .any(|other| is_open(other) && call(other) == call(place) && self.take(from, other).is_some())
    }

    /// Lets every call take effect that was answered and changes nothing.
    fn absorb(&self, configuration: &mut Configuration) {
        let mut before = !configuration.taken;
        // One may have to wait for another of its client.
        while before != configuration.taken {
            before = configuration.taken;
            for place in (0..self.places.len()).filter(|place| self.open >> place & 1 == 0) {
                if let Some(next) = self.take(*configuration, place)
                    && next.state == configuration.state
                {
                    configuration.taken = next.taken;
                }
            }
        }
    }

    /// The configurations in which the call `index` has taken effect, its place given back. `None`: too many.
    fn finish(
        &mut self,
        index: usize,
        configurations: &[Configuration],
        budget: &mut usize,
    ) -> Option<Vec<Configuration>> {
        let place = self.places.iter().position(|call| *call == Some(index)).expect("it is under way");
        let (mut seen, mut done) = (Antichain::default(), Antichain::default());
        let mut left: VecDeque<Configuration> = configurations.iter().copied().collect();
        while let Some(configuration) = left.pop_front() {
            if configuration.taken >> place & 1 == 1 {
                done.insert(
                    Configuration { taken: configuration.taken & !(1 << place), ..configuration },
                    self.open,
                );
                continue;
            }
            if !seen.insert(configuration, self.open) {
                continue;
            }
            *budget = budget.checked_sub(1)?;
            for other in (0..self.places.len()).filter(|&other| !self.has_stand_in(configuration, other)) {
                if let Some(mut next) = self.take(configuration, other) {
                    self.absorb(&mut next);
                    left.push_back(next);
                }
            }
        }
        self.places[place] = None;
        Some(done.into_configurations())
    }
}

/// Configurations of which none can do all that another one can: those that differ only in open calls are
/// represented by the ones where the fewest have taken effect.
#[derive(Default)]
struct Antichain(BTreeMap<State, Vec<u128>>);

impl Antichain {
    /// False: one that is in it can do all that the new one can.
    fn insert(&mut self, new: Configuration, open: u128) -> bool {
        let covers = |a: u128, b: u128| (a ^ b) & !open == 0 && a & !b == 0;
        let all = self.0.entry(new.state).or_default();
        if all.iter().any(|&old| covers(old, new.taken)) {
            return false;
        }
        all.retain(|&old| !covers(new.taken, old));
        all.push(new.taken);
        true
    }

    fn into_configurations(self) -> Vec<Configuration> {
        let configurations = |(state, all): (State, Vec<u128>)| {
            all.into_iter().map(move |taken| Configuration { state, taken })
        };
        self.0.into_iter().flat_map(configurations).collect()
    }
}

#[cfg(test)]
#[path = "linear_tests.rs"]
mod tests;
