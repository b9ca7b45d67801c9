//! When requests are due in an open loop.
//!
//! ```text
//!  --rate 10k..50k/10s,50k/5s,20k        N(t): requests due up to t, the integral of the rate
//!   50k ┤      ╱───────╮
//!       │    ╱         │                 constant   the n-th request is due where N(t) = n + 1/2
//!   20k ┤  ╱           ╰────── …         Poisson    … where N(t) = the sum of n exponential gaps of mean 1
//!   10k ┤╱
//!       └┬─────┬───────┬──────           T threads take every T-th of them, so together they make one schedule
//!        0    10      15 s
//! ```
//! The schedule never looks at answers: a request that is sent late because all connections wait is late by its own
//! measure too. That is what a closed loop leaves out ("coordinated omission", Gil Tene).

use crate::truth::tally::Nanos;
use crate::work::keys::Share;
use crate::work::random::Random;

/// Requests a second, at most.
const RATE_MAX: f64 = 1e9;
const STAGES_MAX: usize = 1_000;

/// A stretch of the schedule in which the rate is constant or changes evenly.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Stage {
    /// Requests a second at the beginning and at the end.
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// Without an end it is the last one.
    pub(crate) seconds: Option<f64>,
}

impl Stage {
    /// Requests due in its first `seconds`.
    fn due_by(&self, seconds: f64) -> f64 {
        self.from * seconds + self.slope() * seconds * seconds / 2.0
    }

    fn slope(&self) -> f64 {
        self.seconds.map_or(0.0, |seconds| (self.to - self.from) / seconds)
    }

    /// Requests due in all of it.
    fn total(&self) -> f64 {
        self.seconds.map_or(f64::INFINITY, |seconds| (self.from + self.to) / 2.0 * seconds)
    }

    /// When the `count`-th of its requests is due, in seconds from its beginning.
    fn time_of(&self, count: f64) -> f64 {
        // The root of `from t + slope t^2 / 2 = count`, in the form that cancels nothing.
        let root = (self.from * self.from + 2.0 * self.slope() * count).max(0.0).sqrt();
        if count <= 0.0 { 0.0 } else { 2.0 * count / (self.from + root) }
    }
}

/// How the rate goes over the time.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Schedule {
    stages: Vec<Stage>,
    pub(crate) poisson: bool,
}

impl Schedule {
    /// Reads stages such as `50k`, `10k/5s` or `10k..200k/30s`, with commas between them.
    pub(crate) fn parse(text: &str, poisson: bool) -> Result<Schedule, String> {
        let parts: Vec<&str> = text.split(',').collect();
        if parts.len() > STAGES_MAX {
            return Err(format!("more than {STAGES_MAX} stages"));
        }
        let mut stages = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let stage = parse_stage(part.trim())?;
            if stage.seconds.is_none() && index + 1 < parts.len() {
                return Err(format!(
                    "{part}: only the last stage may go on for ever; say how long, as in {part}/5s"
                ));
            }
            if stage.seconds.is_none() && stage.from != stage.to {
                return Err(format!("{part}: a ramp needs its time, as in {part}/30s"));
            }
            stages.push(stage);
        }
        if stages.iter().all(|stage| stage.from == 0.0 && stage.to == 0.0) {
            return Err(format!("{text}: at this rate nothing is ever sent"));
        }
        Ok(Schedule { stages, poisson })
    }

    /// The same behind a time at the rate it begins with.
    pub(crate) fn behind_warmup(&self, seconds: f64) -> Schedule {
        let rate = self.stages[0].from;
        let warmup = Stage { from: rate, to: rate, seconds: Some(seconds) };
        let warmup = (seconds > 0.0).then_some(warmup);
        let stages = warmup.into_iter().chain(self.stages.iter().copied()).collect();
        Schedule { stages, poisson: self.poisson }
    }

    pub(crate) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// How long it goes on, unless for ever.
    pub(crate) fn seconds(&self) -> Option<f64> {
        self.stages.iter().map(|stage| stage.seconds).sum()
    }

    /// Requests due up to `seconds`.
    pub(crate) fn due_by(&self, mut seconds: f64) -> f64 {
        let mut due = 0.0;
        for stage in &self.stages {
            match stage.seconds {
                Some(length) if seconds > length => due += stage.total(),
                _ => return due + stage.due_by(seconds.max(0.0)),
            }
            seconds -= stage.seconds.unwrap_or_default();
        }
        due
    }
}

fn parse_stage(text: &str) -> Result<Stage, String> {
    let (rates, seconds) = match text.split_once('/') {
        Some((rates, time)) => (rates, Some(parse_seconds(time)?)),
        None => (text, None),
    };
    let (from, to) = rates.split_once("..").unwrap_or((rates, rates));
    let stage = Stage { from: parse_rate(from)?, to: parse_rate(to)?, seconds };
    match seconds {
        Some(0.0) => Err(format!("{text}: a stage needs some time")),
        _ => Ok(stage),
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?}: expected requests a second, such as 800, 50k or 1.5M");
    let (number, factor) = match text.trim().char_indices().last().ok_or_else(wrong)? {
        (at, 'k' | 'K') => (&text.trim()[..at], 1e3),
        (at, 'm' | 'M') => (&text.trim()[..at], 1e6),
        _ => (text.trim(), 1.0),
    };
    let rate = number.parse::<f64>().map_err(|_| wrong())? * factor;
    if (0.0..=RATE_MAX).contains(&rate) { Ok(rate) } else { Err(wrong()) }
}

/// Reads `30`, `30s`, `500ms` or `2m`.
pub(crate) fn parse_seconds(text: &str) -> Result<f64, String> {
    let (number, factor) = if let Some(number) = text.strip_suffix("ms") {
        (number, 1e-3)
    } else if let Some(number) = text.strip_suffix('s') {
        (number, 1.0)
    } else if let Some(number) = text.strip_suffix('m') {
        (number, 60.0)
    } else {
        (text, 1.0)
    };
    let number: f64 = number.trim().parse().map_err(|_| format!("{text:?} is not a number of seconds"))?;
    let seconds = number * factor;
    let year = 366.0 * 86_400.0;
    if (0.0..=year).contains(&seconds) { Ok(seconds) } else { Err("not in 0 seconds to a year".to_owned()) }
}

/// One thread's part of a schedule, request by request.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    schedule: Schedule,
    share: Share,
    random: Random,
    start: Nanos,
    /// The stage of the next request, and what lies before it.
    stage: usize,
    before: f64,
    seconds_before: f64,
    /// The next request's number in the whole schedule.
    count: f64,
    due: Option<Nanos>,
}

impl Arrivals {
    /// The schedule begins at `start`.
    pub(crate) fn new(schedule: Schedule, share: Share, seed: u64, start: Nanos) -> Arrivals {
        let random = Random::stream(seed, share.thread * 4 + 3);
        let (stage, before, seconds_before, due) = (0, 0.0, 0.0, None);
        let mut arrivals =
            Arrivals { schedule, share, random, start, stage, before, seconds_before, count: 0.0, due };
        arrivals.count = match arrivals.schedule.poisson {
            true => arrivals.random.exponential() * share.threads as f64,
            false => share.thread as f64 + 0.5,
        };
        arrivals.due = arrivals.locate();
        arrivals
    }

    /// When the next request is due; nothing if there is none any more.
    #[inline]
    pub(crate) fn due(&self) -> Option<Nanos> {
        self.due
    }

    /// The next request was taken: on to the one behind it.
    pub(crate) fn advance(&mut self) {
        let gap = if self.schedule.poisson { self.random.exponential() } else { 1.0 };
        self.count += gap * self.share.threads as f64;
        self.due = self.locate();
    }

    fn locate(&mut self) -> Option<Nanos> {
        loop {
            let stage = self.schedule.stages.get(self.stage)?;
            let total = stage.total();
            let within = self.count - self.before;
            if within < total {
                let seconds = self.seconds_before + stage.time_of(within);
                return Some(self.start + (seconds * 1e9) as Nanos);
            }
            self.before += total;
            self.seconds_before += stage.seconds?;
            self.stage += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dues(text: &str, poisson: bool, threads: u64, until: Nanos) -> Vec<Nanos> {
        let schedule = Schedule::parse(text, poisson).unwrap();
        let mut all = Vec::new();
        for thread in 0..threads {
            let share = Share { thread, threads };
            let mut arrivals = Arrivals::new(schedule.clone(), share, 1, 1_000);
            while let Some(due) = arrivals.due().filter(|&due| due < until) {
                all.push(due);
                arrivals.advance();
            }
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn a_constant_rate_is_evenly_spaced_whatever_the_threads() {
        let alone = dues("1k", false, 1, 1_000_000_000);
        assert_eq!((alone.len(), alone[0], alone[1]), (1_000, 501_000, 1_501_000));
        let three = dues("1000", false, 3, 1_000_000_000);
        assert_eq!(three, alone);
    }

    #[test]
    fn ramps_and_steps_are_due_as_the_integral_of_the_rate_tells() {
        let text = "0..2k/2s,500/1s,0/1s,1k/1s";
        let schedule = Schedule::parse(text, false).unwrap();
        assert_eq!(schedule.seconds(), Some(5.0));
        for (seconds, expected) in [(0.0, 0.0), (1.0, 500.0), (2.0, 2_000.0), (3.5, 2_500.0), (9.0, 3_500.0)]
        {
            assert!((schedule.due_by(seconds) - expected).abs() < 1e-6, "{seconds}");
        }
        let dues = dues(text, false, 2, u64::MAX);
        assert_eq!(dues.len(), 3_500, "and then no more");
        for (seconds, expected) in [(1.0, 500), (2.0, 2_000), (2.5, 2_250), (3.9, 2_500), (4.5, 3_000)] {
            let count = dues.iter().filter(|&&due| (due as f64) < seconds * 1e9 + 1_000.0).count();
            assert!(count.abs_diff(expected) <= 1, "{count} by {seconds} s");
        }
        assert!(dues.is_sorted());
        let warm = schedule.behind_warmup(3.0);
        assert_eq!((warm.stages().len(), warm.due_by(3.0)), (5, 0.0));
    }

    #[test]
    fn a_poisson_schedule_has_its_rate_and_its_spread() {
        for threads in [1, 4] {
            let dues = dues("10k", true, threads, 10_000_001_000);
            assert!((98_000..102_000).contains(&dues.len()), "{}", dues.len());
            let gaps: Vec<f64> = dues.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e5).collect();
            let longer = gaps.iter().filter(|&&gap| gap > 1.0).count() as f64 / gaps.len() as f64;
            // The chance of a gap above the mean is 1/e.
            assert!((0.35..0.385).contains(&longer), "{longer}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "expected requests a second"),
            ("x", "expected requests a second"),
            ("-5", "expected requests a second"),
            ("NaN", "expected requests a second"),
            ("0", "nothing is ever sent"),
            ("1k..2k", "needs its time"),
            ("1k,2k", "only the last stage"),
            ("1k/0s", "some time"),
            ("1k/x", "not a number of seconds"),
        ] {
            let error = Schedule::parse(text, false).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert_eq!(parse_seconds("250ms"), Ok(0.25));
        assert_eq!(parse_seconds("2m"), Ok(120.0));
        assert_eq!(parse_rate("1.5M"), Ok(1.5e6));
    }
}
