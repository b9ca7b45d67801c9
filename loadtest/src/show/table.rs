//! The result of a run for people.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::load::run::Ending;
use crate::show::Echo;
use crate::show::record::{Record, StageRecord};
use crate::show::result::QUANTILES;
use crate::show::text::{short, span};
use crate::truth::tally::{Answers, Nanos};
use hedgerow::proto::text::grouped;

const INFALLIBLE: &str = "a String takes everything";
/// Quantiles that have a column; the last one is only told in JSON.
const COLUMNS: usize = 4;
/// Letters of an operation's name.
const NAME_LETTERS: usize = 14;
/// Stages that are told; of more, the first ones.
const STAGES_MAX: usize = 40;

/// The whole result.
pub(crate) fn table(echo: &Echo, record: &Record) -> String {
    let mut out = head(echo, record);
    push_latencies(&mut out, record);
    push_stages(&mut out, record);
    push_failures(&mut out, record);
    push_silence(&mut out, record);
    push_faults(&mut out, record);
    push_crowd(&mut out, record);
    push_usage(&mut out, record);
    for doubt in record.doubts() {
        push_row(&mut out, "note", &doubt);
    }
    out
}

fn head(echo: &Echo, record: &Record) -> String {
    let mut out =
        format!("{} at {}: {} connections", echo.workload, record.target, grouped(echo.connections as u64));
    write!(out, ", pipeline {}", echo.pipeline).expect(INFALLIBLE);
    if echo.threads > 1 {
        write!(out, ", {} threads", echo.threads).expect(INFALLIBLE);
    }
    if let Some(rate) = &echo.rate {
        let arrivals = if echo.poisson { "Poisson" } else { "constant" };
        write!(out, ", {rate} requests/s ({arrivals})").expect(INFALLIBLE);
    }
    let keys = grouped(echo.keys);
    write!(out, ", values of {}, {keys} keys ({})", echo.values, echo.distribution).expect(INFALLIBLE);
    write!(out, ", {:.2} s", record.seconds()).expect(INFALLIBLE);
    if record.closing.ending != Ending::Finished {
        write!(out, ", {}", record.ending()).expect(INFALLIBLE);
    }
    out.push('\n');
    out
}

fn push_latencies(out: &mut String, record: &Record) {
    let heads = ["requests", "per second", "p50", "p90", "p99", "p99.9", "max"];
    write!(out, "{:<NAME_LETTERS$}", "").expect(INFALLIBLE);
    heads.iter().for_each(|head| write!(out, "{head:>12}").expect(INFALLIBLE));
    out.push('\n');
    let whole = &record.whole;
    for (name, answers) in record.operations.iter().zip(&whole.answers) {
        let name: String = name.chars().take(NAME_LETTERS - 1).collect();
        push_latency_row(out, record, &name, answers.good, &answers.latency);
    }
    if whole.answers.len() > 1 {
        push_latency_row(out, record, "all", record.good(), &whole.latencies());
    }
    if record.asked.is_some() && !whole.service.is_empty() {
        push_latency_row(out, record, "  service time", whole.service.len(), &whole.service);
    }
    if !whole.connect.is_empty() {
        push_latency_row(out, record, "connects", whole.connect.len(), &whole.connect);
    }
    if let Some(asked) = record.rate_asked() {
        let reached = record.rate(record.good()).unwrap_or(0.0);
        let text = format!("asked for {} requests/s, answered {}", short(asked), short(reached));
        push_row(out, "rate", &text);
    }
    let misses: u64 = whole.answers.iter().map(|answers: &Answers| answers.misses).sum();
    if misses > 0 {
        let asked: u64 = whole.answers.iter().filter(|one| one.misses > 0).map(|one| one.good).sum();
        let percent = misses as f64 * 100.0 / asked.max(1) as f64;
        push_row(out, "misses", &format!("{} ({percent:.1} %)", grouped(misses)));
    }
}

fn push_latency_row(out: &mut String, record: &Record, name: &str, count: u64, latency: &Histogram<u64>) {
    let rate = record.rate(count).map_or_else(|| "-".to_owned(), |rate| grouped(rate.round() as u64));
    write!(out, "{name:<NAME_LETTERS$}{:>12}{rate:>12}", grouped(count)).expect(INFALLIBLE);
    push_quantiles(out, latency);
}

fn push_quantiles(out: &mut String, latency: &Histogram<u64>) {
    let some = |nanos: Nanos| if latency.is_empty() { "-".to_owned() } else { span(nanos) };
    for (_, quantile) in &QUANTILES[..COLUMNS] {
        write!(out, "{:>12}", some(latency.value_at_quantile(*quantile))).expect(INFALLIBLE);
    }
    writeln!(out, "{:>12}", some(latency.max())).expect(INFALLIBLE);
}

fn push_stages(out: &mut String, record: &Record) {
    if record.stages.len() < 2 {
        return;
    }
    for stage in record.stages.iter().take(STAGES_MAX) {
        let StageRecord { stage: plan, from, to, asked, slice } = stage;
        let rates = match plan.from == plan.to {
            true => short(plan.from),
            false => format!("{}..{}", short(plan.from), short(plan.to)),
        };
        let a_second = |count: f64| if to > from { short(count / (to - from)) } else { "-".to_owned() };
        let name = format!("{from:.0}-{to:.0} s");
        write!(out, "{name:<NAME_LETTERS$}{rates:>12}").expect(INFALLIBLE);
        let reached = format!("{}/{}", a_second(slice.good() as f64), a_second(*asked));
        write!(out, "{reached:>12}").expect(INFALLIBLE);
        push_quantiles(out, &slice.latencies());
    }
}

fn push_failures(out: &mut String, record: &Record) {
    let failures = &record.whole.failures;
    if !record.failed() {
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
        ("lost writes", failures.lost),
        ("stale reads", failures.stale),
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
    if failures.connections_lost > 0 || failures.dials_failed > 0 {
        let mut text = format!(
            "{} connections, {} requests; {} connected again",
            grouped(failures.connections_lost),
            grouped(failures.requests_lost),
            grouped(failures.reconnects)
        );
        if let Some(error) = &failures.first_dial_error {
            write!(text, "; {} dials failed: {error}", grouped(failures.dials_failed)).expect(INFALLIBLE);
        }
        push_row(out, "lost", &text);
    }
    let closing = &record.closing;
    // An open loop of few requests needs only few connections.
    if record.asked.is_none() && closing.heard < record.connections && record.good() > 0 {
        let reason = closing.connect_error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        let (heard, asked) = (grouped(closing.heard as u64), grouped(record.connections as u64));
        push_row(out, "connections", &format!("{heard} of {asked} had an answer{reason}"));
    }
    if let Some(audit) = record.audit {
        let text = format!(
            "{} keys: {} lost, {} stale, {} wrong, {} unread",
            grouped(audit.keys),
            audit.lost,
            audit.stale,
            audit.wrong,
            audit.unread
        );
        push_row(out, "read back", &text);
    }
}

fn push_silence(out: &mut String, record: &Record) {
    let one = span(record.whole.longest_of_one);
    let text = match record.whole.gaps.longest() {
        Some(gap) => {
            format!("{} at {:.2} s; of one connection {one}", span(gap.nanos()), record.seconds_at(gap.began))
        }
        None => format!("below 0.1 ms; of one connection {one}"),
    };
    push_row(out, "longest gap", &text);
    let closing = &record.closing;
    if closing.unfinished > 0 && closing.oldest > Duration::from_millis(100) {
        let oldest = span(closing.oldest.as_nanos() as Nanos);
        push_row(out, "unanswered", &format!("{} at the end, for {oldest}", grouped(closing.unfinished)));
    }
    if closing.backlog > 0 {
        push_row(out, "never sent", &format!("{} that were due", grouped(closing.backlog)));
    }
}

fn push_faults(out: &mut String, record: &Record) {
    for effect in record.effects() {
        let text = match &effect.error {
            Some(error) => format!("{} at {:.2} s: {error}", effect.text, effect.at),
            None => format!(
                "{} at {:.2} s: {} without an answer, {} connections and {} requests lost, {} errors, {} wrong until {:.2} s",
                effect.text,
                effect.at,
                span((effect.longest_gap * 1e9) as Nanos),
                grouped(effect.connections_lost),
                grouped(effect.requests_lost),
                grouped(effect.errors),
                grouped(effect.wrong),
                effect.until
            ),
        };
        push_row(out, "fault", &text);
    }
}

fn push_crowd(out: &mut String, record: &Record) {
    for counts in &record.crowd {
        let mut text = format!("{} of {} connected", grouped(counts.opened), grouped(counts.asked));
        if let Some(rate) = counts.rate() {
            write!(text, ", {}/s", short(rate)).expect(INFALLIBLE);
        }
        for (name, times) in [("connect", &counts.connect), ("first answer", &counts.answer)] {
            if !times.is_empty() {
                let (p50, p99) = (times.value_at_quantile(0.5), times.value_at_quantile(0.99));
                write!(text, ", {name} p50 {} p99 {}", span(p50), span(p99)).expect(INFALLIBLE);
            }
        }
        if counts.closed > 0 {
            let first = counts
                .first_closed_after
                .map_or_else(String::new, |after| format!(", the first after {}", span(after)));
            write!(text, ", {} closed by the target{first}", grouped(counts.closed)).expect(INFALLIBLE);
        }
        if let Some(error) = &counts.first_error {
            write!(text, ", {} refused: {error}", grouped(counts.refused)).expect(INFALLIBLE);
        }
        push_row(out, counts.kind.name(), &text);
    }
}

fn push_usage(out: &mut String, record: &Record) {
    let lag = &record.whole.lag;
    let mut own = usage_text(record, Some(record.closing.usage.own));
    if !lag.is_empty() {
        let (p99, max) = (lag.value_at_quantile(0.99), lag.max());
        write!(own, ", lag p99 {} max {}", span(p99), span(max)).expect(INFALLIBLE);
    }
    push_row(out, "generator", &own);
    for &(pid, used) in &record.closing.usage.watched {
        push_row(out, &format!("pid {pid}"), &usage_text(record, used));
    }
}

fn usage_text(record: &Record, used: Option<Duration>) -> String {
    match (used, used.and_then(|used| record.micros_per_request(used))) {
        (None, _) => "ended, or its CPU time cannot be read".to_owned(),
        (Some(used), None) => format!("{:.3} s of CPU", used.as_secs_f64()),
        (Some(used), Some(micros)) => {
            let percent = record.percent_of_core(used).unwrap_or_default();
            format!("{micros:.3} us of CPU per request, {percent:.0} % of a core")
        }
    }
}

pub(crate) fn push_row(out: &mut String, name: &str, text: &str) {
    writeln!(out, "{name:<NAME_LETTERS$}{text}").expect(INFALLIBLE);
}
