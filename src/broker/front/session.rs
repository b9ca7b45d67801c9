//! One asker: its lines come in, its answers go out in the order of its lines.
//!
//! ```text
//!   lines ──► begin ──► pending: ▒ ▒ ▒ ▒ ▒   asked of the engine, answered in any order
//!                │                 │ complete, and first in line
//!                │ barrier         ▼
//!                └──► job ──────► out            (a job begins when nothing is pending, and is alone)
//! ```

use super::desk::{Asked, Desk, Ports, Recipient};
use super::job::Job;
use super::pending::{Pending, What};
use super::store::Store;
use crate::broker::engine::{Answer, Ask, Outcome};
use crate::conn::{ConnId, Net};
use std::collections::VecDeque;

/// Commands of one session that wait for their answers, at most.
const PENDING_MAX: usize = 2_048;
/// Answers that are on their way hold about this many bytes, at most: with large ones fewer commands wait.
const PENDING_BYTES: usize = 8 << 20;
/// Behind each answer in a session that wants to know where it ends. No answer holds this byte.
pub const END_MARK: u8 = 0;

/// What a session is to its front.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// The process ends with it.
    Console,
    /// It comes and goes.
    Client,
    /// It asks how a word may go on.
    Completer,
}

pub(super) struct Session {
    pub(super) id: ConnId,
    pub(super) kind: Kind,
    /// Each answer is followed by [`END_MARK`].
    pub(super) marks_ends: bool,
    pending: VecDeque<Pending>,
    /// The number of the first in `pending`; numbers go up by one.
    first: u64,
    pub(super) job: Option<Job>,
    /// Of large answers, how large the last ones were.
    answer_bytes: usize,
    /// Bytes at the beginning of what is unread that hold no line end.
    pub(super) scanned: usize,
    /// The last line, which had no line end, kept until it can begin.
    pub(super) last_line: Option<Vec<u8>>,
    /// No more lines: it ends when everything is answered.
    pub(super) is_ending: bool,
    pub(super) is_stalled: bool,
    /// The next line begins only when nothing is pending.
    pub(super) waits_alone: bool,
}

impl Session {
    pub(super) fn new(id: ConnId, kind: Kind, marks_ends: bool) -> Session {
        Session {
            id,
            kind,
            marks_ends,
            pending: VecDeque::new(),
            first: 0,
            job: None,
            answer_bytes: 0,
            scanned: 0,
            last_line: None,
            is_ending: false,
            is_stalled: false,
            waits_alone: false,
        }
    }

    /// Nothing waits for an answer.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.job.is_none()
    }

    /// Another line may begin, as far as this session is concerned.
    pub(super) fn has_room(&self) -> bool {
        if self.waits_alone {
            return self.is_idle();
        }
        let most = (PENDING_BYTES / self.answer_bytes.max(1)).clamp(4, PENDING_MAX);
        self.job.is_none() && self.pending.len() < most
    }

    /// Puts a command in line and asks for what it needs: `asks` in the order of its outcomes.
    pub(super) fn push<'k, S: Store>(
        &mut self,
        what: What,
        asks: impl ExactSizeIterator<Item = (&'k [u8], Ask)>,
        desk: &mut Desk,
        ports: &mut Ports<'_, S>,
    ) {
        let number = self.first + self.pending.len() as u64;
        self.pending.push_back(Pending::new(what, asks.len()));
        for (part, (key, ask)) in asks.enumerate() {
            let to = Recipient::Pending { number, part: part as u32 };
            let ticket = desk.ticket(Asked { session: self.id, to });
            ports.store.submit(ticket, key, ask, ports.now, ports.net);
        }
    }

    /// An answer that is known already, in its place in line.
    pub(super) fn push_text(&mut self, text: Vec<u8>, failed: bool) {
        self.pending.push_back(Pending::text(text, failed));
    }

    /// An outcome for the command of this number.
    pub(super) fn take(&mut self, number: u64, part: u32, answer: Answer) {
        let Answer::Op(outcome) = answer else { unreachable!("an operation is answered as one") };
        if let Outcome::Value { body, .. } = &outcome {
            self.answer_bytes = body.len().max(self.answer_bytes - self.answer_bytes / 8);
        }
        let index = number.checked_sub(self.first).expect("printed only when all of it is answered");
        self.pending[index as usize].take(part as usize, outcome);
    }

    /// Prints what is complete, in order.
    pub(super) fn flush<S: Store>(&mut self, desk: &mut Desk, ports: &mut Ports<'_, S>) {
        if !self.pending.front().is_some_and(Pending::is_complete) {
            return;
        }
        let failures = ports.store.failures();
        while self.pending.front().is_some_and(Pending::is_complete) {
            let pending = self.pending.pop_front().expect("just seen");
            self.first += 1;
            if let Some(warning) = pending.warning(failures) {
                self.warn(&warning, desk, ports.net);
            }
            let out = ports.net.out(self.id);
            desk.failed |= !pending.write(failures, out);
            self.mark_end(out);
        }
    }

    /// Prints the answer of a job.
    pub(super) fn finish_job<S: Store>(
        &mut self,
        text: &[u8],
        failed: bool,
        desk: &mut Desk,
        ports: &mut Ports<'_, S>,
    ) {
        assert!(self.pending.is_empty(), "a job is alone");
        self.job = None;
        desk.failed |= failed;
        let out = ports.net.out(self.id);
        out.extend_from_slice(text);
        self.mark_end(out);
    }

    /// A line before the answer. On a line editor's screen both must come in order, so it stands among the answers.
    pub(super) fn warn(&self, text: &str, desk: &Desk, net: &mut Net) {
        let id = desk.notes.filter(|_| !self.marks_ends).unwrap_or(self.id);
        let out = net.out(id);
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }

    pub(super) fn mark_end(&self, out: &mut Vec<u8>) {
        if self.marks_ends {
            out.push(END_MARK);
        }
    }
}
