//! The result of a run, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::engine::{Ending, Outcome};
use crate::json::Object;
use crate::options::Echo;
use crate::requests::Plan;
use crate::tally::{Answers, Nanos, empty_latencies};

/// A finished run with what is needed to tell of it.
pub(crate) struct Report<'r> {
    pub(crate) echo: &'r Echo,
    pub(crate) plan: &'r Plan,
    pub(crate) outcome: &'r Outcome,
}

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];
/// From this share of a core on the generator may be what limits the rate.
const BUSY_PERCENT: f64 = 95.0;

impl Report<'_> {
    fn seconds(&self) -> f64 {
        self.outcome.elapsed.as_secs_f64()
    }

    /// Good answers a second.
    fn rate(&self, good: u64) -> Option<f64> {
        (self.seconds() > 0.0).then(|| good as f64 / self.seconds())
    }

    fn micros_per_request(&self, used: Duration) -> Option<f64> {
        let good = self.outcome.tally.good();
        (good > 0).then(|| used.as_secs_f64() * 1e6 / good as f64)
    }

    fn percent_of_core(&self, used: Duration) -> Option<f64> {
        (self.seconds() > 0.0).then(|| used.as_secs_f64() * 100.0 / self.seconds())
    }

    fn all_latencies(&self) -> Histogram<u64> {
        let mut all = empty_latencies();
        for answers in &self.outcome.tally.answers {
            all.add(&answers.latency).expect("histograms of the same bounds");
        }
        all
    }

    fn ending(&self) -> &'static str {
        match self.outcome.ending {
            Ending::Finished => "finished",
            Ending::Interrupted => "interrupted",
            Ending::TargetGone => "target gone",
        }
    }

    /// One JSON object, valid whatever happened: what was not measured is null.
    pub(crate) fn json(&self) -> String {
        let (echo, outcome) = (self.echo, self.outcome);
        let (tally, failures, silence) = (&outcome.tally, &outcome.tally.failures, &outcome.tally.silence);
        let by_class =
            failures.errors.iter().fold(Object::new(), |all, (class, count)| all.whole(class, *count));
        let operations = self.plan.operations.iter().zip(&tally.answers).map(|(operation, answers)| {
            Object::new()
                .text("name", &operation.name)
                .whole("requests", answers.good)
                .whole("misses", answers.misses)
                .number("rate", self.rate(answers.good), 1)
                .object("latency_us", latency_object(&answers.latency))
        });
        let watched = outcome.usage.watched.iter().map(|&(pid, used)| {
            let object = Object::new().whole("pid", u64::from(pid));
            self.usage_fields(object, used)
        });
        Object::new()
            .text("target", &echo.target)
            .text("workload", &echo.workload)
            .whole("connections", echo.connections as u64)
            .whole("pipeline", echo.pipeline as u64)
            .whole("data_bytes", echo.data_bytes as u64)
            .whole("keys", echo.keys)
            .whole("seed", echo.seed)
            .text("ending", self.ending())
            .number("seconds", Some(self.seconds()), 6)
            .whole("requests", tally.good())
            .number("rate", self.rate(tally.good()), 1)
            .object("latency_us", latency_object(&self.all_latencies()))
            .array("operations", operations)
            .whole("errors", failures.errors_total())
            .object("errors_by_class", by_class)
            .optional_text("first_error", failures.first_error.as_deref())
            .whole("wrong_type", failures.wrong_type)
            .whole("wrong_value", failures.wrong_value)
            .optional_text("first_wrong", failures.first_wrong.as_deref())
            .whole("protocol_errors", failures.protocol)
            .whole("timeouts", failures.timeouts)
            .whole("connections_lost", failures.connections_lost)
            .whole("requests_lost", failures.requests_lost)
            .whole("reconnects", failures.reconnects)
            .number("longest_gap_ms", Some(millis(silence.longest)), 3)
            .number("longest_gap_at_s", Some(self.gap_at()), 3)
            .number("longest_gap_of_one_connection_ms", Some(millis(silence.longest_of_one)), 3)
            .whole("unfinished", outcome.unfinished)
            .number("oldest_unfinished_ms", Some(outcome.oldest.as_secs_f64() * 1e3), 3)
            .object("generator", self.usage_fields(Object::new(), Some(outcome.usage.own)))
            .array("watched", watched)
            .end()
    }

    fn usage_fields(&self, object: Object, used: Option<Duration>) -> Object {
        object
            .number("cpu_seconds", used.map(|used| used.as_secs_f64()), 6)
            .number("cpu_us_per_request", used.and_then(|used| self.micros_per_request(used)), 4)
            .number("cpu_percent", used.and_then(|used| self.percent_of_core(used)), 1)
    }

    /// Seconds from the beginning of the measurement to that of the longest gap.
    fn gap_at(&self) -> f64 {
        let tally = &self.outcome.tally;
        tally.silence.longest_began.saturating_sub(tally.began()) as f64 / 1e9
    }

    /// The same as a table.
    pub(crate) fn table(&self) -> String {
        let (echo, outcome) = (self.echo, self.outcome);
        let mut out = format!(
            "{} at {}: {} connections, pipeline {}, values of {} bytes, {} keys, {:.2} s{}\n",
            echo.workload,
            echo.target,
            echo.connections,
            echo.pipeline,
            echo.data_bytes,
            grouped(echo.keys),
            self.seconds(),
            if outcome.ending == Ending::Finished { String::new() } else { format!(", {}", self.ending()) },
        );
        self.push_latencies(&mut out);
        self.push_failures(&mut out);
        let silence = &outcome.tally.silence;
        let gap = format!(
            "{} at {:.2} s; of one connection {}",
            span(silence.longest),
            self.gap_at(),
            span(silence.longest_of_one)
        );
        push_row(&mut out, "longest gap", &gap);
        self.push_usage(&mut out, "generator", Some(outcome.usage.own));
        if self.percent_of_core(outcome.usage.own).is_some_and(|percent| percent >= BUSY_PERCENT) {
            push_row(&mut out, "", "busy all the time: the target may be faster than this");
        }
        for &(pid, used) in &outcome.usage.watched {
            self.push_usage(&mut out, &format!("pid {pid}"), used);
        }
        out
    }

    fn push_latencies(&self, out: &mut String) {
        let tally = &self.outcome.tally;
        let heads = ["requests", "per second", "p50", "p90", "p99", "p99.9", "max"];
        write!(out, "{:<12}", "").expect(INFALLIBLE);
        heads.iter().for_each(|head| write!(out, "{head:>14}").expect(INFALLIBLE));
        out.push('\n');
        for (operation, answers) in self.plan.operations.iter().zip(&tally.answers) {
            let name: String = operation.name.chars().take(12).collect();
            self.push_latency_row(out, &name, answers.good, &answers.latency);
        }
        if tally.answers.len() > 1 {
            self.push_latency_row(out, "all", tally.good(), &self.all_latencies());
        }
        let misses: u64 = tally.answers.iter().map(|answers: &Answers| answers.misses).sum();
        if misses > 0 {
            let asked: u64 = tally.answers.iter().filter(|one| one.misses > 0).map(|one| one.good).sum();
            let percent = misses as f64 * 100.0 / asked as f64;
            push_row(out, "misses", &format!("{} ({percent:.1} %)", grouped(misses)));
        }
    }

    fn push_latency_row(&self, out: &mut String, name: &str, good: u64, latency: &Histogram<u64>) {
        let rate = self.rate(good).map_or_else(|| "-".to_owned(), |rate| grouped(rate.round() as u64));
        write!(out, "{name:<12}{:>14}{rate:>14}", grouped(good)).expect(INFALLIBLE);
        for (_, quantile) in QUANTILES {
            let text = some_latency(latency, latency.value_at_quantile(quantile));
            write!(out, "{text:>14}").expect(INFALLIBLE);
        }
        writeln!(out, "{:>14}", some_latency(latency, latency.max())).expect(INFALLIBLE);
    }

    fn push_failures(&self, out: &mut String) {
        let failures = &self.outcome.tally.failures;
        if !failures.any() {
            push_row(out, "failures", "none");
        }
        for (class, count) in &failures.errors {
            push_row(out, "errors", &format!("{class} {}", grouped(*count)));
        }
        if let Some(example) = &failures.first_error {
            push_row(out, "first error", example);
        }
        for (name, count) in [
            ("wrong type", failures.wrong_type),
            ("wrong value", failures.wrong_value),
            ("not RESP", failures.protocol),
            ("timeouts", failures.timeouts),
        ] {
            if count > 0 {
                push_row(out, name, &grouped(count));
            }
        }
        if let Some(example) = &failures.first_wrong {
            push_row(out, "first wrong", example);
        }
        if failures.connections_lost > 0 {
            let (lost, again) = (failures.connections_lost, failures.reconnects);
            let requests = failures.requests_lost;
            push_row(
                out,
                "lost",
                &format!("{lost} connections, {requests} requests; {again} connected again"),
            );
        }
        if self.outcome.unfinished > 0 && self.outcome.oldest > Duration::from_millis(100) {
            let oldest = span(self.outcome.oldest.as_nanos() as Nanos);
            push_row(out, "unanswered", &format!("{} at the end, for {oldest}", self.outcome.unfinished));
        }
    }

    fn push_usage(&self, out: &mut String, name: &str, used: Option<Duration>) {
        let text = match (used, used.and_then(|used| self.micros_per_request(used))) {
            (None, _) => "ended, or its CPU time cannot be read".to_owned(),
            (Some(used), None) => format!("{:.3} s of CPU", used.as_secs_f64()),
            (Some(used), Some(micros)) => {
                let percent = self.percent_of_core(used).unwrap_or_default();
                format!("{micros:.3} us of CPU per request, {percent:.0} % of a core")
            }
        };
        push_row(out, name, &text);
    }
}

const INFALLIBLE: &str = "a String takes everything";

fn push_row(out: &mut String, name: &str, text: &str) {
    writeln!(out, "{name:<12}  {text}").expect(INFALLIBLE);
}

fn latency_object(latency: &Histogram<u64>) -> Object {
    let micros = |nanos: u64| (!latency.is_empty()).then_some(nanos as f64 / 1e3);
    let mut object = Object::new().number("min", micros(latency.min()), 3);
    object = object.number("mean", (!latency.is_empty()).then(|| latency.mean() / 1e3), 3);
    for (name, quantile) in QUANTILES {
        object = object.number(name, micros(latency.value_at_quantile(quantile)), 3);
    }
    object.number("max", micros(latency.max()), 3)
}

fn some_latency(latency: &Histogram<u64>, nanos: Nanos) -> String {
    if latency.is_empty() { "-".to_owned() } else { span(nanos) }
}

fn millis(nanos: Nanos) -> f64 {
    nanos as f64 / 1e6
}

/// A span of time with three digits or so.
fn span(nanos: Nanos) -> String {
    let (value, unit) = match nanos {
        0..1_000_000 => (nanos as f64 / 1e3, "us"),
        1_000_000..1_000_000_000 => (nanos as f64 / 1e6, "ms"),
        _ => (nanos as f64 / 1e9, "s"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(1_000), grouped(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(span(1_234), "1.23 us");
        assert_eq!(span(45_678), "45.7 us");
        assert_eq!(span(345_678_000), "346 ms");
        assert_eq!(span(2_500_000_000), "2.50 s");
    }
}
