//! The result of a run as one JSON object, valid whatever happened: what was not measured is null.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::load::crowd::CrowdCounts;
use crate::show::Echo;
use crate::show::json::Object;
use crate::show::record::{Audit, Record, StageRecord};
use crate::truth::silence::Gap;
use crate::truth::tally::{Failures, Nanos};

/// Quantiles that are told, and their names.
pub(crate) const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)];

/// The whole result.
pub(crate) fn object(echo: &Echo, record: &Record) -> Object {
    let object = settings(Object::new().text("target", &record.target), echo);
    let object = object
        .text("ending", record.ending())
        .number("seconds", Some(record.seconds()), 6)
        .whole("requests", record.good())
        .number("rate", record.rate(record.good()), 1)
        .number("rate_sent", record.rate(record.whole.sent), 1)
        .number("rate_asked", record.rate_asked(), 1)
        .whole("connections_made", record.closing.made as u64)
        .whole("connections_reached", record.closing.heard as u64)
        .optional_text("connect_error", record.closing.connect_error.as_deref());
    let object = latencies(object, record);
    let object = failures(object, &record.whole.failures);
    let object = silence(object, record);
    let object = object.optional_object("audit", record.audit.map(audit));
    let object = generator(object, record);
    object
        .array("stages", record.stages.iter().map(stage))
        .array("crowd", record.crowd.iter().map(crowd))
        .array("faults", faults(record))
        .texts("doubts", &record.doubts())
}

/// What was asked for.
pub(crate) fn settings(object: Object, echo: &Echo) -> Object {
    object
        .text("workload", &echo.workload)
        .text("loop", if echo.rate.is_some() { "open" } else { "closed" })
        .optional_text("schedule", echo.rate.as_deref())
        .optional_text(
            "arrivals",
            echo.rate.as_ref().map(|_| if echo.poisson { "poisson" } else { "constant" }),
        )
        .whole("connections", echo.connections as u64)
        .whole("pipeline", echo.pipeline as u64)
        .whole("threads", echo.threads as u64)
        .text("values", &echo.values)
        .whole("data_bytes", echo.data_bytes as u64)
        .whole("keys", echo.keys)
        .text("distribution", &echo.distribution)
        .whole("seed", echo.seed)
        .text("command_line", &echo.command_line)
}

fn latencies(object: Object, record: &Record) -> Object {
    let whole = &record.whole;
    let operations = record.operations.iter().zip(&whole.answers).map(|(name, answers)| {
        Object::new()
            .text("name", name)
            .whole("requests", answers.good)
            .whole("misses", answers.misses)
            .number("rate", record.rate(answers.good), 1)
            .object("latency_us", latency(&answers.latency))
    });
    // In a closed loop a request is due when it is sent: both are the same.
    let service = if record.asked.is_some() { latency(&whole.service) } else { latency(&whole.latencies()) };
    object
        .object("latency_us", latency(&whole.latencies()))
        .object("service_us", service)
        .object("connect_us", latency(&whole.connect))
        .array("operations", operations)
}

/// Quantiles in microseconds.
pub(crate) fn latency(latency: &Histogram<u64>) -> Object {
    let micros = |nanos: Nanos| (!latency.is_empty()).then_some(nanos as f64 / 1e3);
    let mut object = Object::new().whole("count", latency.len()).number("min", micros(latency.min()), 3);
    object = object.number("mean", (!latency.is_empty()).then(|| latency.mean() / 1e3), 3);
    for (name, quantile) in QUANTILES {
        object = object.number(name, micros(latency.value_at_quantile(quantile)), 3);
    }
    object.number("max", micros(latency.max()), 3)
}

fn failures(object: Object, failures: &Failures) -> Object {
    let by_class = failures.errors.iter().fold(Object::new(), |all, (class, count)| all.whole(class, *count));
    object
        .whole("errors", failures.errors_total())
        .object("errors_by_class", by_class)
        .optional_text("first_error", failures.first_error.as_deref())
        .whole("wrong_type", failures.wrong_type)
        .whole("wrong_value", failures.wrong_value)
        .whole("lost_writes", failures.lost)
        .whole("stale_reads", failures.stale)
        .optional_text("first_wrong", failures.first_wrong.as_deref())
        .whole("protocol_errors", failures.protocol)
        .whole("timeouts", failures.timeouts)
        .whole("connections_lost", failures.connections_lost)
        .whole("requests_lost", failures.requests_lost)
        .whole("reconnects", failures.reconnects)
        .whole("dials_failed", failures.dials_failed)
        .optional_text("first_dial_error", failures.first_dial_error.as_deref())
}

fn silence(object: Object, record: &Record) -> Object {
    let gap = record.whole.gaps.longest();
    object
        .number("longest_gap_ms", Some(millis(gap.map_or(0, Gap::nanos))), 3)
        .number("longest_gap_at_s", gap.map(|gap| record.seconds_at(gap.began)), 3)
        .number("longest_gap_of_one_connection_ms", Some(millis(record.whole.longest_of_one)), 3)
        .whole("unfinished", record.closing.unfinished)
        .number("oldest_unfinished_ms", Some(record.closing.oldest.as_secs_f64() * 1e3), 3)
        .whole("never_sent", record.closing.backlog)
}

fn audit(audit: Audit) -> Object {
    Object::new()
        .whole("keys", audit.keys)
        .whole("lost", audit.lost)
        .whole("stale", audit.stale)
        .whole("wrong", audit.wrong)
        .whole("unread", audit.unread)
}

fn generator(object: Object, record: &Record) -> Object {
    let usage = &record.closing.usage;
    let percent = |nanos: Nanos| record.percent_of_core(Duration::from_nanos(nanos));
    let threads = record.threads.iter().map(|used| {
        Object::new().number("cpu_percent", percent(used.cpu), 1).number(
            "queued_percent",
            percent(used.queued),
            1,
        )
    });
    let own = used(Object::new(), record, Some(usage.own));
    let own = own.object("lag_us", latency(&record.whole.lag)).array("threads", threads);
    let watched = usage.watched.iter().map(|&(pid, time)| {
        let object = Object::new().whole("pid", u64::from(pid));
        used(object, record, time)
    });
    object.object("generator", own).array("watched", watched)
}

fn used(object: Object, record: &Record, used: Option<Duration>) -> Object {
    object
        .number("cpu_seconds", used.map(|used| used.as_secs_f64()), 6)
        .number("cpu_us_per_request", used.and_then(|used| record.micros_per_request(used)), 4)
        .number("cpu_percent", used.and_then(|used| record.percent_of_core(used)), 1)
}

fn stage(stage: &StageRecord) -> Object {
    let seconds = stage.to - stage.from;
    let a_second = |count: f64| (seconds > 0.0).then(|| count / seconds);
    Object::new()
        .number("from_s", Some(stage.from), 3)
        .number("to_s", Some(stage.to), 3)
        .number("rate_from", Some(stage.stage.from), 1)
        .number("rate_to", Some(stage.stage.to), 1)
        .number("rate_asked", a_second(stage.asked), 1)
        .number("rate", a_second(stage.slice.good() as f64), 1)
        .object("latency_us", latency(&stage.slice.latencies()))
}

fn crowd(counts: &CrowdCounts) -> Object {
    Object::new()
        .text("kind", counts.kind.name())
        .whole("asked", counts.asked)
        .whole("opened", counts.opened)
        .whole("refused", counts.refused)
        .whole("closed_by_target", counts.closed)
        .number("first_closed_after_s", counts.first_closed_after.map(|nanos| nanos as f64 / 1e9), 3)
        .number("rate", counts.rate(), 1)
        .object("connect_us", latency(&counts.connect))
        .object("answer_us", latency(&counts.answer))
        .optional_text("first_error", counts.first_error.as_deref())
}

fn faults(record: &Record) -> impl Iterator<Item = Object> {
    record.effects().into_iter().map(|effect| {
        Object::new()
            .number("at_s", Some(effect.at), 3)
            .text("action", &effect.text)
            .optional_text("error", effect.error.as_deref())
            .number("until_s", Some(effect.until), 3)
            .number("longest_gap_ms", Some(effect.longest_gap * 1e3), 3)
            .whole("errors", effect.errors)
            .whole("wrong", effect.wrong)
            .whole("connections_lost", effect.connections_lost)
            .whole("requests_lost", effect.requests_lost)
    })
}

fn millis(nanos: Nanos) -> f64 {
    nanos as f64 / 1e6
}
