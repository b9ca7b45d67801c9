//! The same work on several targets in turn, and the ratios between them.
//!
//! ```text
//!  round 1   A B      what disturbs the machine for a while disturbs both
//!  round 2   A B      ratio of a round = B / A; told: the median of the rounds, the lowest and the highest
//!  round 3   A B
//! ```

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::faults::Faults;
use crate::load::run::Ending;
use crate::session;
use crate::settings::{Settings, Target};
use crate::show::json::Object;
use crate::show::live::Length;
use crate::show::record::Record;
use crate::show::text::span;
use crate::show::{Shows, result};
use hedgerow::proto::text::grouped;

/// All runs of a comparison: by round, and within it in the order of the targets.
pub(crate) struct Comparison {
    pub(crate) targets: Vec<String>,
    pub(crate) rounds: Vec<Vec<Record>>,
    /// Why there are fewer rounds than were asked for.
    pub(crate) error: Option<String>,
}

/// Something that is compared: its name, its value in a run, and what a good value is.
struct Metric {
    name: &'static str,
    of: fn(&Record) -> Option<f64>,
}

const METRICS: [Metric; 6] = [
    Metric { name: "rate", of: |record| record.rate(record.good()) },
    Metric { name: "p50", of: |record| quantile(record, 0.5) },
    Metric { name: "p99", of: |record| quantile(record, 0.99) },
    Metric { name: "p99.9", of: |record| quantile(record, 0.999) },
    Metric { name: "watched_cpu", of: |record| record.micros_per_request(record.watched()?) },
    Metric { name: "generator_cpu", of: |record| record.micros_per_request(record.closing.usage.own) },
];

fn quantile(record: &Record, quantile: f64) -> Option<f64> {
    let latencies = record.whole.latencies();
    (!latencies.is_empty()).then(|| latencies.value_at_quantile(quantile) as f64)
}

/// A ratio over the rounds.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) rounds: Vec<f64>,
}

impl Spread {
    fn of(rounds: Vec<f64>) -> Option<Spread> {
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let (&least, &most) = (sorted.first()?, sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        Some(Spread { median, least, most, rounds })
    }
}

/// Runs all rounds. The error is one of the first run.
pub(crate) fn run(
    settings: &Settings,
    stop: &Arc<AtomicBool>,
    faults: &mut Faults,
    shows: &mut Shows,
) -> Result<Comparison, String> {
    let targets: Vec<&Target> = std::iter::once(&settings.target).chain(&settings.others).collect();
    let names = targets.iter().map(|target| target.name.clone()).collect();
    let mut comparison = Comparison { targets: names, rounds: Vec::new(), error: None };
    for round in 0..settings.rounds {
        comparison.rounds.push(Vec::new());
        for target in &targets {
            let mut job = settings.job.clone();
            job.wiring.addresses.clone_from(&target.addresses);
            let length = Length { duration: job.duration, requests: job.requests };
            shows.live.begin(format!("{}/{} {} ", round + 1, settings.rounds, target.name), length);
            match session::run(&job, &target.name, stop, faults, shows) {
                Ok(record) => comparison.rounds[round].push(record),
                Err(error) if round == 0 => return Err(error),
                Err(error) => comparison.error = Some(error),
            }
            if stop.load(Ordering::Relaxed) {
                comparison.error.get_or_insert("interrupted".to_owned());
            }
            if comparison.error.is_some() {
                return Ok(comparison);
            }
        }
    }
    Ok(comparison)
}

impl Comparison {
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.rounds.iter().flatten()
    }

    pub(crate) fn failed(&self) -> bool {
        self.error.is_some()
            || self.records().any(|record| record.failed() || record.closing.ending != Ending::Finished)
    }

    /// The ratios of target `index` to the first one, of the rounds that both finished.
    fn ratios(&self, index: usize) -> Vec<(&'static str, Option<Spread>)> {
        let whole = || self.rounds.iter().filter(|round| round.len() == self.targets.len());
        let ratio = |metric: &Metric, round: &Vec<Record>| {
            let (first, other) = ((metric.of)(&round[0])?, (metric.of)(&round[index])?);
            (first > 0.0).then(|| other / first)
        };
        METRICS
            .iter()
            .map(|metric| {
                let rounds: Option<Vec<f64>> = whole().map(|round| ratio(metric, round)).collect();
                (metric.name, rounds.and_then(Spread::of))
            })
            .collect()
    }

    /// One JSON object: the settings, the ratios, and every run.
    pub(crate) fn json(&self, settings: &Settings) -> String {
        let compared = (1..self.targets.len()).map(|index| {
            let object = Object::new().text("target", &self.targets[index]).text("to", &self.targets[0]);
            self.ratios(index).into_iter().fold(object, |object, (name, spread)| {
                let spread = spread.map(|spread| {
                    Object::new()
                        .number("median", Some(spread.median), 4)
                        .number("least", Some(spread.least), 4)
                        .number("most", Some(spread.most), 4)
                        .numbers("rounds", &spread.rounds, 4)
                });
                object.optional_object(name, spread)
            })
        });
        let runs = self.rounds.iter().enumerate().flat_map(|(round, records)| {
            records.iter().map(move |record| {
                Object::new()
                    .whole("round", round as u64 + 1)
                    .object("result", result::object(&settings.echo, record))
            })
        });
        result::settings(Object::new(), &settings.echo)
            .text("ending", if self.error.is_some() { "interrupted" } else { "finished" })
            .optional_text("error", self.error.as_deref())
            .array("ratios", compared)
            .array("runs", runs)
            .end()
    }

    /// The same as a table.
    pub(crate) fn table(&self, settings: &Settings) -> String {
        const INFALLIBLE: &str = "a String takes everything";
        let echo = &settings.echo;
        let mut out = format!(
            "{}: {} connections, pipeline {}, values of {}, {} keys ({}), {} rounds\n",
            echo.workload,
            echo.connections,
            echo.pipeline,
            echo.values,
            grouped(echo.keys),
            echo.distribution,
            self.rounds.len()
        );
        let width = self.targets.iter().map(String::len).max().unwrap_or(0).max(8) + 2;
        writeln!(
            out,
            "round {:width$}{:>12}{:>12}{:>12}{:>12}{:>14}{:>12}",
            "target", "per second", "p50", "p99", "p99.9", "watched CPU", "failures"
        )
        .expect(INFALLIBLE);
        for (round, records) in self.rounds.iter().enumerate() {
            for record in records {
                let rate = grouped(record.rate(record.good()).unwrap_or(0.0).round() as u64);
                write!(out, "{:<5} {:width$}{rate:>12}", round + 1, record.target).expect(INFALLIBLE);
                for at in [0.5, 0.99, 0.999] {
                    let text = quantile(record, at).map_or("-".to_owned(), |nanos| span(nanos as u64));
                    write!(out, "{text:>12}").expect(INFALLIBLE);
                }
                let cpu = record.watched().and_then(|used| record.micros_per_request(used));
                let cpu = cpu.map_or("-".to_owned(), |micros| format!("{micros:.3} us"));
                let failures = grouped(record.whole.failures.total());
                writeln!(out, "{cpu:>14}{failures:>12}").expect(INFALLIBLE);
            }
        }
        for index in 1..self.targets.len() {
            writeln!(out, "{} / {}, median (lowest to highest)", self.targets[index], self.targets[0])
                .expect(INFALLIBLE);
            for (name, spread) in self.ratios(index) {
                if let Some(spread) = spread {
                    let Spread { median, least, most, .. } = spread;
                    let name = name.replace('_', " ");
                    writeln!(out, "  {name:<14} {median:.3} ({least:.3} to {most:.3})").expect(INFALLIBLE);
                }
            }
        }
        // Of each kind the first one: those of other runs differ in their numbers alone.
        let mut doubts: Vec<String> = Vec::new();
        let kind = |doubt: &str| doubt.replace(|letter: char| letter.is_ascii_digit(), "");
        for doubt in self.records().flat_map(Record::doubts) {
            if doubts.iter().all(|known| kind(known) != kind(&doubt)) {
                doubts.push(doubt);
            }
        }
        doubts.iter().for_each(|doubt| writeln!(out, "note  {doubt}").expect(INFALLIBLE));
        self.error.iter().for_each(|error| writeln!(out, "ended early: {error}").expect(INFALLIBLE));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::record::tests::sample;

    #[test]
    fn ratios_are_of_rounds_and_their_spread_is_told() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!((spread.median, spread.least, spread.most), (2.0, 1.0, 3.0));
        assert_eq!(Spread::of(vec![1.0, 2.0]).unwrap().median, 1.5);
        assert_eq!(Spread::of(Vec::new()), None);
        let targets = vec!["a".to_owned(), "b".to_owned()];
        let rounds = vec![vec![sample(None), sample(None)], vec![sample(None)]];
        let comparison = Comparison { targets, rounds, error: Some("interrupted".to_owned()) };
        let ratios = comparison.ratios(1);
        assert_eq!(ratios[0], ("rate", Spread::of(vec![1.0])), "half a round does not count");
        assert_eq!(ratios[4], ("watched_cpu", None), "no process is watched");
        assert!(comparison.failed());
    }
}
