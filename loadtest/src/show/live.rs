//! The line on a terminal that shows a run while it runs.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use crate::load::run::Told;
use crate::show::record::Quantiles;
use crate::show::text::span;
use crate::truth::tally::{Nanos, Slice};
use hedgerow::proto::text::grouped;

/// Between two drawings.
const EVERY: Nanos = 500_000_000;
const BAR_CELLS: usize = 20;

/// How far a run can be said to be.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Length {
    pub(crate) duration: Option<Duration>,
    pub(crate) requests: Option<u64>,
}

/// Draws on standard error, where that is a terminal.
#[derive(Debug)]
pub(crate) struct Live {
    on: bool,
    drawn: bool,
    length: Length,
    /// What came since the line was drawn.
    fresh: Option<Slice>,
    good: u64,
    failures: u64,
    measuring: bool,
    /// In front of the line: which of several runs this is.
    label: String,
    filled_shown: u64,
}

impl Live {
    pub(crate) fn new(wanted: bool) -> Live {
        Live {
            on: wanted && io::stderr().is_terminal(),
            drawn: false,
            length: Length::default(),
            fresh: None,
            good: 0,
            failures: 0,
            measuring: false,
            label: String::new(),
            filled_shown: 0,
        }
    }

    /// Another run begins.
    pub(crate) fn begin(&mut self, label: String, length: Length) {
        (self.label, self.length) = (label, length);
        (self.fresh, self.good, self.failures, self.measuring, self.filled_shown) = (None, 0, 0, false, 0);
    }

    /// Takes in a thread's slice, told `since` nanoseconds after the beginning of the measurement.
    pub(crate) fn add(&mut self, told: &Told, since: Nanos) {
        if !self.on {
            return;
        }
        if told.measuring && !self.measuring {
            (self.measuring, self.good, self.failures) = (true, 0, 0);
        }
        self.good += told.slice.good();
        self.failures += told.slice.failures.total();
        match &mut self.fresh {
            Some(fresh) => fresh.merge(&told.slice),
            None => self.fresh = Some(told.slice.clone()),
        }
        if let Some(fresh) = self.fresh.take_if(|fresh| fresh.ended >= fresh.began + EVERY) {
            let line = self.line(&fresh, since);
            self.draw(&line);
        }
    }

    fn line(&self, fresh: &Slice, since: Nanos) -> String {
        let seconds = since as f64 / 1e9;
        let share = match self.length {
            Length { duration: Some(duration), .. } => Some(seconds / duration.as_secs_f64()),
            Length { requests: Some(requests), .. } => Some(self.good as f64 / requests as f64),
            _ => None,
        };
        let mut line = self.label.clone();
        const INFALLIBLE: &str = "a String takes everything";
        if self.measuring {
            write!(line, "{seconds:6.1} s ").expect(INFALLIBLE);
            share.into_iter().for_each(|share| push_bar(&mut line, share));
        } else {
            line.push_str(" warming up ");
        }
        let rate = fresh.good() as f64 * 1e9 / (fresh.ended - fresh.began).max(1) as f64;
        write!(line, "{:>11}/s", grouped(rate as u64)).expect(INFALLIBLE);
        if let Some(quantiles) = Quantiles::of(&fresh.latencies()) {
            write!(line, "  p50 {}  p99 {}", span(quantiles.p50), span(quantiles.p99)).expect(INFALLIBLE);
        }
        write!(line, "  {} errors", grouped(self.failures)).expect(INFALLIBLE);
        line
    }

    /// Shows how far something is that comes before or behind the measurement.
    pub(crate) fn phase(&mut self, what: &str, done: u64, count: u64) {
        if self.on && done != self.filled_shown {
            self.filled_shown = done;
            let mut line = format!("{}{what} ", self.label);
            push_bar(&mut line, done as f64 / count.max(1) as f64);
            self.draw(&format!("{line} {} of {}", grouped(done), grouped(count)));
        }
    }

    fn draw(&mut self, line: &str) {
        // A terminal that is gone does not end a measurement.
        let _ = write!(io::stderr(), "\r\x1b[K{line}");
        self.drawn = true;
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if self.drawn {
            let _ = write!(io::stderr(), "\r\x1b[K");
            self.drawn = false;
        }
    }
}

fn push_bar(line: &mut String, share: f64) {
    let full = (share.clamp(0.0, 1.0) * BAR_CELLS as f64).round() as usize;
    line.extend(std::iter::repeat_n('█', full));
    line.extend(std::iter::repeat_n('░', BAR_CELLS - full));
    write!(line, " {:3.0} %", share.clamp(0.0, 1.0) * 100.0).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_rate_latencies_and_errors() {
        let mut live = Live::new(false);
        live.begin("A ".to_owned(), Length { duration: Some(Duration::from_secs(10)), requests: None });
        live.measuring = true;
        let mut slice = Slice::new(1, 0);
        slice.answered(0, 1_000, 1_500_000);
        slice.ended = EVERY;
        let line = live.line(&slice, 5_000_000_000);
        for part in ["A ", "5.0 s", "██████████░░░░░░░░░░", "50 %", "2,000/s", "p50 1.50 ms", "0 errors"]
        {
            assert!(line.contains(part), "{part} in {line}");
        }
        live.measuring = false;
        assert!(live.line(&slice, 0).contains("warming up"));
    }
}
