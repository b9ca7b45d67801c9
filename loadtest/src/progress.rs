//! The line on a terminal that shows a run while it runs.

use std::io::{self, IsTerminal as _, Write as _};

use crate::tally::{Nanos, Tally};

const EVERY: Nanos = 500_000_000;

/// Draws on standard error, where that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    on: bool,
    drawn: bool,
    shown_at: Nanos,
    good_before: u64,
}

impl Progress {
    pub(crate) fn new(wanted: bool) -> Progress {
        Progress { on: wanted && io::stderr().is_terminal(), drawn: false, shown_at: 0, good_before: 0 }
    }

    /// Draws the line anew, twice a second.
    pub(crate) fn show(&mut self, tally: &Tally, measuring: bool, now: Nanos) {
        if !self.on || now < self.shown_at + EVERY {
            return;
        }
        let good = tally.good();
        let since = self.shown_at.max(tally.began());
        let fresh = if self.shown_at < tally.began() { good } else { good.saturating_sub(self.good_before) };
        let rate = fresh as f64 * 1e9 / (now.saturating_sub(since)).max(1) as f64;
        let seconds = now.saturating_sub(tally.began()) as f64 / 1e9;
        let phase = if measuring { "" } else { " warming up" };
        let failures = &tally.failures;
        let (errors, lost) = (failures.errors_total(), failures.connections_lost);
        // A terminal that is gone does not end a measurement.
        let _ = write!(
            io::stderr(),
            "\r\x1b[K{seconds:6.1} s{phase}  {rate:10.0} requests/s  {errors} errors  {lost} connections lost"
        );
        (self.shown_at, self.good_before, self.drawn) = (now, good, true);
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if self.drawn {
            let _ = write!(io::stderr(), "\r\x1b[K");
            self.drawn = false;
        }
    }
}
