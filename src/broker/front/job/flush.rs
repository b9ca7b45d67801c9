//! FLUSHALL: an ordinary delete of every key, in order.

use super::super::desk::{Desk, Ports};
use super::super::pending::unavailable_because;
use super::super::store::Store;
use super::Step;
use crate::broker::engine::{Answer, Ask, EngineError, KeyPage, Outcome};
use crate::conn::ConnId;

/// Keys asked for at once, and so deletes under way at once.
const PAGE: usize = 1_024;

#[derive(Default)]
pub(in super::super) struct Flush {
    /// The last key that was seen; none: all are behind this.
    after: Option<Vec<u8>>,
    /// No keys are behind it.
    last: bool,
    /// Deletes under way.
    open: usize,
    deleted: u64,
    refused: u64,
    uncertain: u64,
}

impl Flush {
    pub(super) fn begin<S: Store>(&mut self, id: ConnId, desk: &mut Desk, ports: &mut Ports<'_, S>) -> Step {
        let ticket = desk.job_ticket(id, 0);
        ports.store.keys(ticket, self.after.as_deref(), PAGE, ports.now, ports.net);
        Step::Waits
    }

    pub(super) fn take<S: Store>(
        &mut self,
        id: ConnId,
        answer: Answer,
        desk: &mut Desk,
        ports: &mut Ports<'_, S>,
    ) -> Step {
        match answer {
            Answer::Keys(None) => return self.stopped(ports.store),
            Answer::Keys(Some(KeyPage { keys, last })) => {
                (self.open, self.last) = (keys.len(), last || keys.is_empty());
                for key in &keys {
                    let ticket = desk.job_ticket(id, 0);
                    ports.store.submit(ticket, key, Ask::Delete, ports.now, ports.net);
                }
                self.after = keys.into_iter().next_back();
            }
            Answer::Op(outcome) => {
                self.open -= 1;
                match outcome {
                    Outcome::Failed(EngineError::Uncertain) => self.uncertain += 1,
                    Outcome::Failed(_) => self.refused += 1,
                    Outcome::Done { changed, .. } => self.deleted += u64::from(changed),
                    Outcome::Value { .. } => unreachable!("a delete is answered as a write"),
                }
            }
            _ => unreachable!("what is asked is what is answered"),
        }
        match self.open {
            0 if self.refused + self.uncertain > 0 => self.stopped(ports.store),
            0 if self.last => Step::answer(b"OK\n".to_vec()),
            0 => self.begin(id, desk, ports),
            _ => Step::Waits,
        }
    }

    /// It goes no further: every further key would wait as long.
    fn stopped<S: Store>(&self, store: &S) -> Step {
        let word = if self.uncertain > 0 { "UNCERTAIN" } else { "UNAVAILABLE" };
        let (deleted, why) = (self.deleted, unavailable_because(store.failures()));
        let unsure = match self.uncertain {
            0 => String::new(),
            count => format!(", of {count} more it is not known"),
        };
        Step::failure(format!("{word}: {deleted} records were deleted{unsure}, the rest was not: {why}"))
    }
}
