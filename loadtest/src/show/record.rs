//! What is known of a run: its rows, one a slice of time, and its totals.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::faults::Struck;
use crate::load::crowd::CrowdCounts;
use crate::load::run::{Ending, Told};
use crate::load::schedule::{Schedule, Stage};
use crate::truth::cpu::Usage;
use crate::truth::silence::Gap;
use crate::truth::tally::{Nanos, Slice};

/// Busier than this share of a core, a thread may be what limits the rate.
const BUSY_PERCENT: f64 = 95.0;
/// Later than this a schedule is not kept.
const LAG_NANOS_MAX: Nanos = 1_000_000;
/// A thread that stood in the queue for a core so much of its time measured the machine too.
const QUEUED_PERCENT: f64 = 5.0;
/// Less than this share of the rate that was asked for was not reached.
const REACHED: f64 = 0.99;

/// Some quantiles of latencies, in nanoseconds; none without an answer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Quantiles {
    pub(crate) p50: Nanos,
    pub(crate) p90: Nanos,
    pub(crate) p99: Nanos,
    pub(crate) p999: Nanos,
    pub(crate) max: Nanos,
}

impl Quantiles {
    pub(crate) fn of(latency: &Histogram<u64>) -> Option<Quantiles> {
        let at = |quantile| latency.value_at_quantile(quantile);
        (!latency.is_empty()).then(|| Quantiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: latency.max(),
        })
    }
}

/// A slice of time, over all threads.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Seconds from the beginning of the measurement.
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// When the last thread handed its slice over, which may be later: what was counted came before.
    pub(crate) handed_over: f64,
    pub(crate) good: u64,
    pub(crate) misses: u64,
    /// Requests due a second, in an open loop.
    pub(crate) rate_asked: Option<f64>,
    pub(crate) response: Option<Quantiles>,
    pub(crate) service: Option<Quantiles>,
    pub(crate) lag: Option<Quantiles>,
    pub(crate) errors: u64,
    /// Wrong types and values, lost and stale writes.
    pub(crate) wrong: u64,
    pub(crate) connections_lost: u64,
    pub(crate) requests_lost: u64,
    /// Connections that were up at the end.
    pub(crate) up: usize,
    /// CPU of all threads, in percent of a core.
    pub(crate) cpu_percent: f64,
}

impl Row {
    pub(crate) fn seconds(&self) -> f64 {
        self.to - self.from
    }

    pub(crate) fn rate(&self) -> f64 {
        if self.seconds() > 0.0 { self.good as f64 / self.seconds() } else { 0.0 }
    }

    fn new(slice: &Slice, (from, to, handed_over): (f64, f64, f64), rate_asked: Option<f64>) -> Row {
        let failures = &slice.failures;
        Row {
            from,
            to,
            handed_over,
            good: slice.good(),
            misses: slice.answers.iter().map(|answers| answers.misses).sum(),
            rate_asked,
            response: Quantiles::of(&slice.latencies()),
            service: Quantiles::of(&slice.service),
            lag: Quantiles::of(&slice.lag),
            errors: failures.errors_total(),
            wrong: failures.wrong_type + failures.wrong_value + failures.lost + failures.stale,
            connections_lost: failures.connections_lost,
            requests_lost: failures.requests_lost,
            up: slice.up,
            cpu_percent: if to > from { slice.cpu as f64 / 1e7 / (to - from) } else { 0.0 },
        }
    }
}

/// One stage of the schedule of an open loop.
#[derive(Clone, Debug)]
pub(crate) struct StageRecord {
    pub(crate) stage: Stage,
    /// Seconds from the beginning of the measurement.
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) asked: f64,
    pub(crate) slice: Slice,
}

/// What one thread used, in percent of its time.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct ThreadUse {
    pub(crate) cpu: Nanos,
    pub(crate) queued: Nanos,
}

/// What reading everything back found.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Audit {
    pub(crate) keys: u64,
    pub(crate) lost: u64,
    pub(crate) stale: u64,
    pub(crate) wrong: u64,
    /// Keys whose reading failed.
    pub(crate) unread: u64,
}

/// How a run went at its end.
#[derive(Clone, Debug)]
pub(crate) struct Closing {
    pub(crate) ending: Ending,
    pub(crate) elapsed: Duration,
    /// Requests without an answer, and how long the oldest has waited.
    pub(crate) unfinished: u64,
    pub(crate) oldest: Duration,
    /// Requests that were due and not sent.
    pub(crate) backlog: u64,
    /// Connections that were made at once, and those that had a good answer.
    pub(crate) made: usize,
    pub(crate) heard: usize,
    pub(crate) connect_error: Option<String>,
    pub(crate) usage: Usage,
}

/// What followed a fault.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    /// Seconds from the beginning of the measurement: when it struck, and until when its effects are counted.
    pub(crate) at: f64,
    pub(crate) until: f64,
    pub(crate) text: String,
    pub(crate) error: Option<String>,
    /// Seconds without any good answer.
    pub(crate) longest_gap: f64,
    pub(crate) errors: u64,
    pub(crate) wrong: u64,
    pub(crate) connections_lost: u64,
    pub(crate) requests_lost: u64,
}

/// A whole run.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) target: String,
    /// Connections that were asked for.
    pub(crate) connections: usize,
    /// Names of the operations, in the order of their answers.
    pub(crate) operations: Vec<String>,
    /// When the measurement began, on the run's clock.
    pub(crate) began: Nanos,
    pub(crate) rows: Vec<Row>,
    pub(crate) whole: Slice,
    pub(crate) stages: Vec<StageRecord>,
    /// Requests due in all, in an open loop.
    pub(crate) asked: Option<f64>,
    pub(crate) threads: Vec<ThreadUse>,
    pub(crate) crowd: Vec<CrowdCounts>,
    pub(crate) faults: Vec<Struck>,
    pub(crate) audit: Option<Audit>,
    pub(crate) closing: Closing,
}

impl Record {
    pub(crate) fn seconds(&self) -> f64 {
        self.closing.elapsed.as_secs_f64()
    }

    pub(crate) fn good(&self) -> u64 {
        self.whole.good()
    }

    /// So many a second.
    pub(crate) fn rate(&self, count: u64) -> Option<f64> {
        (self.seconds() > 0.0).then(|| count as f64 / self.seconds())
    }

    pub(crate) fn micros_per_request(&self, used: Duration) -> Option<f64> {
        let good = self.good();
        (good > 0).then(|| used.as_secs_f64() * 1e6 / good as f64)
    }

    pub(crate) fn percent_of_core(&self, used: Duration) -> Option<f64> {
        (self.seconds() > 0.0).then(|| used.as_secs_f64() * 100.0 / self.seconds())
    }

    /// Requests a second that were asked for, in an open loop.
    pub(crate) fn rate_asked(&self) -> Option<f64> {
        self.asked.filter(|_| self.seconds() > 0.0).map(|asked| asked / self.seconds())
    }

    /// CPU time of the watched processes together; none if there are none, or one of them cannot be read.
    pub(crate) fn watched(&self) -> Option<Duration> {
        let watched = &self.closing.usage.watched;
        if watched.is_empty() { None } else { watched.iter().map(|(_, used)| *used).sum() }
    }

    pub(crate) fn ending(&self) -> &'static str {
        match self.closing.ending {
            Ending::Finished => "finished",
            Ending::Interrupted => "interrupted",
            Ending::TargetGone => "target gone",
        }
    }

    /// Seconds from the beginning of the measurement.
    pub(crate) fn seconds_at(&self, at: Nanos) -> f64 {
        at.saturating_sub(self.began) as f64 / 1e9
    }

    /// What followed each fault until the next one, as far as slices of time can tell.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        let ends = self.faults.iter().skip(1).map(|fault| fault.at as f64 / 1e9);
        let ends = ends.chain([self.seconds()]);
        self.faults.iter().zip(ends).map(|(fault, until)| self.effect(fault, until)).collect()
    }

    fn effect(&self, fault: &Struck, until: f64) -> Effect {
        let at = fault.at as f64 / 1e9;
        let (from, to) = (self.began + fault.at, self.began + (until * 1e9) as Nanos);
        // A row that lies across a fault is told of the fault: each row counts once.
        let last = until >= self.seconds();
        let rows = self.rows.iter().filter(|row| row.handed_over > at && (row.handed_over <= until || last));
        let sum = |count: fn(&Row) -> u64| rows.clone().map(count).sum();
        Effect {
            at,
            until,
            text: fault.text.clone(),
            error: fault.error.clone(),
            longest_gap: self.whole.gaps.iter().map(|gap| gap.within(from, to)).max().unwrap_or(0) as f64
                / 1e9,
            errors: sum(|row| row.errors),
            wrong: sum(|row| row.wrong),
            connections_lost: sum(|row| row.connections_lost),
            requests_lost: sum(|row| row.requests_lost),
        }
    }

    /// Whether anything went wrong, in the run or in what was read back.
    pub(crate) fn failed(&self) -> bool {
        let audit = self.audit.unwrap_or_default();
        self.whole.failures.any() || audit.lost + audit.stale + audit.wrong > 0
    }

    /// What the generator itself may have done to the figures.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let open_loop = self.asked.is_some();
        let percent = |nanos: Nanos| self.percent_of_core(Duration::from_nanos(nanos)).unwrap_or(0.0);
        let busiest = self.threads.iter().map(|used| percent(used.cpu)).fold(0.0, f64::max);
        let queued = self.threads.iter().map(|used| percent(used.queued)).fold(0.0, f64::max);
        if busiest >= BUSY_PERCENT && !open_loop {
            doubts.push(format!(
                "a thread of the generator was busy {busiest:.0} % of the time: the target may be faster than this; \
                 try more --threads"
            ));
        }
        if queued >= QUEUED_PERCENT {
            doubts.push(format!(
                "a thread of the generator waited for a core {queued:.0} % of the time: the machine is too busy, and \
                 latencies contain it"
            ));
        }
        let lag = self.whole.lag.value_at_quantile(0.99);
        if open_loop && lag > LAG_NANOS_MAX {
            doubts.push(format!(
                "the schedule was not kept: of the requests due 1 % were sent {} late or later; try more --threads",
                crate::show::text::span(lag)
            ));
        }
        if let (Some(asked), Some(sent)) = (self.rate_asked(), self.rate(self.whole.sent))
            && sent < asked * REACHED
            && lag <= LAG_NANOS_MAX
        {
            doubts.push(
                "the rate was not reached because all connections waited for answers: the target is at its limit, or -c \
                 and -P are too small"
                    .to_owned(),
            );
        }
        if self.closing.backlog + self.closing.unfinished > self.good() / 100 && open_loop {
            doubts.push(format!(
                "{} requests that were due had no answer at the end and are in no percentile",
                self.closing.backlog + self.closing.unfinished
            ));
        }
        doubts
    }
}

/// Puts the slices of all threads together.
#[derive(Debug)]
pub(crate) struct Recorder {
    interval: Nanos,
    schedule: Option<Schedule>,
    /// Slices of rows that are not complete, and up to which row each thread is.
    partial: BTreeMap<u64, Slice>,
    reached: Vec<u64>,
    rows: Vec<Row>,
    whole: Slice,
    stages: Vec<StageRecord>,
    threads: Vec<ThreadUse>,
    began: Nanos,
}

impl Recorder {
    pub(crate) fn new(
        operations: usize,
        threads: usize,
        began: Nanos,
        interval: Nanos,
        schedule: Option<Schedule>,
    ) -> Recorder {
        let mut from = 0.0;
        let stages = schedule.iter().flat_map(|schedule| schedule.stages()).map(|&stage| {
            let to = from + stage.seconds.unwrap_or(f64::INFINITY);
            let slice = Slice::new(operations, began);
            let record = StageRecord { stage, from, to, asked: 0.0, slice };
            from = to;
            record
        });
        Recorder {
            interval,
            stages: stages.collect(),
            schedule,
            partial: BTreeMap::new(),
            reached: vec![0; threads],
            rows: Vec::new(),
            whole: Slice::new(operations, began),
            threads: vec![ThreadUse::default(); threads],
            began,
        }
    }

    /// Takes in a thread's slice; `complete` gets each row that this completes.
    pub(crate) fn add(&mut self, thread: usize, told: Told, complete: &mut dyn FnMut(&Row, &Slice)) {
        assert!(told.measuring, "a warm-up is not recorded");
        self.threads[thread].cpu += told.slice.cpu;
        self.threads[thread].queued += told.slice.queued;
        self.whole.merge(&told.slice);
        self.reached[thread] = told.index + 1;
        match self.partial.get_mut(&told.index) {
            Some(slice) => {
                slice.merge(&told.slice);
                slice.up += told.slice.up;
            }
            None => _ = self.partial.insert(told.index, told.slice),
        }
        let all = self.reached.iter().copied().min().unwrap_or(0);
        self.complete_below(all, complete);
    }

    /// Silence that only the end could tell.
    pub(crate) fn add_gap(&mut self, gap: Gap) {
        self.whole.gaps.add(gap);
    }

    /// A thread tells no more.
    pub(crate) fn done(&mut self, thread: usize, complete: &mut dyn FnMut(&Row, &Slice)) {
        self.reached[thread] = u64::MAX;
        let all = self.reached.iter().copied().min().unwrap_or(0);
        self.complete_below(all, complete);
    }

    fn complete_below(&mut self, index: u64, complete: &mut dyn FnMut(&Row, &Slice)) {
        while let Some(entry) = self.partial.first_entry().filter(|entry| *entry.key() < index) {
            let (index, slice) = entry.remove_entry();
            let from = (index * self.interval) as f64 / 1e9;
            let planned = ((index + 1) * self.interval) as f64 / 1e9;
            // The last slice is shorter, and one that somebody was late with is longer.
            let ended = slice.ended.saturating_sub(self.began) as f64 / 1e9;
            let to = if ended < planned { ended } else { planned };
            if to <= from && slice.sent == 0 && slice.good() == 0 {
                continue;
            }
            let asked = self.schedule.as_ref().filter(|_| to > from);
            let asked = asked.map(|schedule| (schedule.due_by(to) - schedule.due_by(from)) / (to - from));
            let row = Row::new(&slice, (from, to, ended), asked);
            let middle = (from + to) / 2.0;
            if let Some(stage) = self.stages.iter_mut().find(|stage| (stage.from..stage.to).contains(&middle))
            {
                stage.slice.merge(&slice);
            }
            complete(&row, &slice);
            self.rows.push(row);
        }
    }

    /// The whole run.
    pub(crate) fn finish(
        mut self,
        target: String,
        connections: usize,
        operations: Vec<String>,
        closing: Closing,
    ) -> Record {
        assert!(self.partial.is_empty(), "all threads are done");
        let seconds = closing.elapsed.as_secs_f64();
        let asked = self.schedule.as_ref().map(|schedule| schedule.due_by(seconds));
        self.stages.retain(|stage| stage.from < seconds);
        for stage in &mut self.stages {
            stage.to = stage.to.min(seconds);
            if let Some(schedule) = &self.schedule {
                stage.asked = schedule.due_by(stage.to) - schedule.due_by(stage.from);
            }
        }
        Record {
            target,
            connections,
            operations,
            began: self.began,
            rows: self.rows,
            whole: self.whole,
            stages: self.stages,
            asked,
            threads: self.threads,
            crowd: Vec::new(),
            faults: Vec::new(),
            audit: None,
            closing,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    /// A record of three seconds of two threads, the second of which was away for one.
    pub(crate) fn sample(schedule: Option<Schedule>) -> Record {
        let mut recorder = Recorder::new(1, 2, 0, SECOND, schedule);
        let mut told = Vec::new();
        let slice = |index: u64, good: u64| {
            let mut slice = Slice::new(1, index * SECOND);
            slice.answered(0, good, 1_000_000 * (index + 1));
            (slice.sent, slice.ended, slice.up) = (good, (index + 1) * SECOND, 1);
            slice
        };
        for (thread, index) in [(0, 0), (0, 1), (1, 0), (0, 2), (1, 2)] {
            let told_slice = Told { index, measuring: true, slice: slice(index, 10) };
            recorder.add(thread, told_slice, &mut |row, _| told.push(row.from));
        }
        recorder.done(0, &mut |_, _| {});
        recorder.done(1, &mut |row, _| told.push(row.from));
        assert_eq!(told, [0.0, 1.0, 2.0], "each once, in order");
        let closing = Closing {
            ending: Ending::Finished,
            elapsed: Duration::from_secs(3),
            unfinished: 0,
            oldest: Duration::ZERO,
            backlog: 0,
            made: 2,
            heard: 2,
            connect_error: None,
            usage: Usage::default(),
        };
        recorder.finish("here".to_owned(), 2, vec!["get".to_owned()], closing)
    }

    #[test]
    fn slices_of_all_threads_make_rows_and_totals() {
        let record = sample(None);
        let goods: Vec<u64> = record.rows.iter().map(|row| row.good).collect();
        assert_eq!((goods, record.good()), (vec![20, 10, 20], 50));
        assert_eq!(record.rows[0].up, 2);
        assert!(record.rows[2].response.unwrap().p50 >= 3_000_000);
        assert_eq!(record.rate(30), Some(10.0));
        assert!(!record.failed() && record.doubts().is_empty());
    }

    #[test]
    fn stages_tell_what_was_asked_and_doubts_what_was_missed() {
        let schedule = Schedule::parse("10/1s,30/1s,30", false).unwrap();
        let record = sample(Some(schedule));
        let asked: Vec<f64> = record.stages.iter().map(|stage| stage.asked).collect();
        assert_eq!(asked, [10.0, 30.0, 30.0]);
        let good: Vec<u64> = record.stages.iter().map(|stage| stage.slice.good()).collect();
        assert_eq!(good, [20, 10, 20]);
        assert_eq!(record.asked, Some(70.0));
        assert!(record.doubts()[0].contains("not reached"), "{:?}", record.doubts());
    }
}
