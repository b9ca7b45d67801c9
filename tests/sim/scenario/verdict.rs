//! Were the answers right?
//!
//! What is checked follows from what the rules promise. No answer without a warning is ever wrong, however many
//! servers lost their memory: views are chosen by majorities of memories that are named, a server whose memory is not
//! named answers nothing, and a view never leaves out the last memory of a slot that was heard. So too many losses
//! cost answers, never their truth. There are two limits:
//! - with a warning, an answer may be old; it must still be something that somebody wrote;
//! - when all servers have lost their memory, the cluster begins a new life, empty. The history is judged up to there.
//!
//! That the cluster answers again after the healing, and that all replicas become equal, is demanded where no more
//! memory was lost than is tolerated.

use super::Scenario;
use crate::history::{Event, Outcome, Verdict, linearizable, was_written};

/// What is said of a history that the checker gave up.
pub const TOO_MANY_ORDERS: &str = "too many orders to try";

impl Scenario {
    pub(super) fn judge(&mut self) {
        if self.violation.is_some() {
            return;
        }
        let events = match self.watch.new_life_at {
            Some(end) => until(&self.events, end),
            None => self.events.clone(),
        };
        for key in 0..self.keys.len() {
            let mut events: Vec<Event> = events.iter().filter(|event| event.key == key).copied().collect();
            events.sort_by_key(|event| event.begin);
            if let Some(event) = events.iter().find(|event| !was_written(event, &events)) {
                return self
                    .violate(format!("nobody wrote what was heard:\n{event}\n{}", list(&events, None)));
            }
            match linearizable(&events) {
                Verdict::Fine => {}
                Verdict::Undecided => {
                    return self.violate(format!("key {key}: {TOO_MANY_ORDERS}\n{}", list(&events, None)));
                }
                Verdict::Violated { call, before } => {
                    let listed = list(&events, Some(call));
                    return self.violate(format!(
                        "key {key} ({}): not linearizable; before the marked call it held one of {before:?}\n{listed}",
                        self.keys[key]
                    ));
                }
            }
        }
    }
}

/// The history up to a point in time: what was not answered by then is open.
fn until(events: &[Event], end: u64) -> Vec<Event> {
    let early = events.iter().filter(|event| event.begin < end).copied();
    early
        .map(|event| match event.end < end {
            true => event,
            false => Event { end: u64::MAX, outcome: Outcome::Open, ..event },
        })
        .collect()
}

fn list(events: &[Event], marked: Option<usize>) -> String {
    let line = |(index, event): (usize, &Event)| {
        let mark = if Some(index) == marked { "=> " } else { "   " };
        format!("{mark}{event}")
    };
    events.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}
