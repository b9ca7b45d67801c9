//! What INFO counts.

use super::meter::{Histogram, Taken};
use crate::proto::command::CommandId;
use crate::time::{Span, Time};

/// How often a command was asked for.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Calls {
    /// Done or failed.
    pub(super) calls: u64,
    /// Not tried: a wrong count of arguments, a write where none may be.
    pub(super) rejected: u64,
    /// Tried and answered by an error.
    pub(super) failed: u64,
    /// Time that all of them took, small fast ones estimated from those that were measured.
    pub(super) time: Span,
}

/// What INFO counts.
#[derive(Debug)]
pub(super) struct Stats {
    /// Requests, unknown ones included.
    pub(super) requests: u64,
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) errors: u64,
    /// Errors by their first word.
    pub(super) by_code: Vec<(&'static str, u64)>,
    /// By [`CommandId::index`].
    pub(super) by_command: Box<[Calls; CommandId::COUNT]>,
    /// By [`CommandId::index`]; only of commands that were asked for.
    histograms: Vec<Option<Box<Histogram>>>,
    pub(super) rate: Rate,
    /// Records whose time was over.
    pub(super) expired: u64,
    /// Views that peers sent under a name that had another value: each is a broken rule somewhere.
    pub(super) view_conflicts: u64,
    /// Bytes that the records took at most.
    pub(super) memory_peak: usize,
}

impl Stats {
    pub(super) fn new(now: Time) -> Stats {
        Stats {
            requests: 0,
            hits: 0,
            misses: 0,
            errors: 0,
            by_code: Vec::new(),
            by_command: Box::new([Calls::default(); CommandId::COUNT]),
            histograms: vec![None; CommandId::COUNT],
            expired: 0,
            rate: Rate { since: now, requests: 0, per_second: 0 },
            view_conflicts: 0,
            memory_peak: 0,
        }
    }

    /// An error was answered.
    pub(super) fn error(&mut self, code: &'static str) {
        self.errors += 1;
        match self.by_code.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => self.by_code.push((code, 1)),
        }
    }

    /// A command took this long.
    pub(super) fn took(&mut self, id: CommandId, taken: Taken) {
        let time = &mut self.by_command[id.index()].time;
        *time = *time + taken.span.times(taken.weight.into());
        self.histograms[id.index()].get_or_insert_default().add(taken.span, taken.weight.into());
    }

    /// How long a command took, if it was ever measured.
    pub(super) fn histogram(&self, id: CommandId) -> Option<&Histogram> {
        self.histograms[id.index()].as_deref()
    }

    /// A record was looked for.
    #[inline]
    pub(super) fn looked_up(&mut self, found: bool) {
        self.hits += u64::from(found);
        self.misses += u64::from(!found);
    }
}

/// Requests a second over the last whole window, measured whenever somebody comes by: an idle server needs no timer.
#[derive(Debug)]
pub(super) struct Rate {
    since: Time,
    /// The count of requests when the window began.
    requests: u64,
    per_second: u64,
}

impl Rate {
    const WINDOW: Span = Span::from_secs(1);

    /// A turn begins.
    #[inline]
    pub(super) fn turn(&mut self, requests: u64, now: Time) {
        if now.since(self.since) >= Rate::WINDOW {
            self.close_window(requests, now);
        }
    }

    #[cold]
    fn close_window(&mut self, requests: u64, now: Time) {
        let millis = now.since(self.since).as_millis().max(1);
        self.per_second = (requests - self.requests).saturating_mul(1_000) / millis;
        (self.since, self.requests) = (now, requests);
    }

    /// Requests a second.
    pub(super) fn per_second(&self) -> u64 {
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_window() {
        let at = |millis| Time::ZERO + Span::from_millis(millis);
        let mut rate = Stats::new(at(0)).rate;
        rate.turn(500, at(900));
        assert_eq!(rate.per_second(), 0);
        rate.turn(1_000, at(2_000));
        assert_eq!(rate.per_second(), 500);
        rate.turn(1_010, at(12_000));
        assert_eq!(rate.per_second(), 1);
    }
}
