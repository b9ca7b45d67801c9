//! `--html`: one page that needs nothing else, with what a run, or a comparison, was like.

mod plot;

use std::fmt::Write as _;

use hdrhistogram::Histogram;
use plot::{Axis, Line, Moment, Plot, Points, escape};

use crate::against::Comparison;
use crate::show::record::{Quantiles, Record, Row};
use crate::show::text::{short, span};
use crate::show::{Echo, table};
use crate::truth::silence::Gap;
use crate::truth::tally::empty_latencies;
use hedgerow::proto::text::grouped;

const INFALLIBLE: &str = "a String takes everything";
const STYLE: &str = include_str!("style.css");
/// Points of the percentile curve for each factor of ten.
const POINTS_A_DECADE: u32 = 20;
/// Gaps shorter than this are not to be seen on a plot.
const GAP_SHOWN_MIN: f64 = 0.02;
/// Targets that have a colour.
const COLOURS: usize = 6;

/// The page of one run.
pub(crate) fn of_run(echo: &Echo, record: &Record) -> String {
    let mut page = Page::new(echo, &format!("{} at {}", echo.workload, record.target));
    page.tiles(&tiles(record));
    for doubt in record.doubts() {
        page.note(&doubt);
    }
    page.sections_of_run(echo, record);
    page.fold("Result", &table::table(echo, record));
    page.settings(echo, record);
    page.end()
}

/// The page of a comparison.
pub(crate) fn of_comparison(echo: &Echo, comparison: &Comparison, table: &str) -> String {
    let title = format!("{}: {}", echo.workload, comparison.targets.join(" and "));
    let mut page = Page::new(echo, &title);
    page.section("Requests a second, round by round", &rates_by_round(comparison));
    page.section("Response time by percentile, all rounds", &compared_percentiles(comparison));
    page.fold("Result", table);
    if let Some(record) = comparison.records().next() {
        page.settings(echo, record);
    }
    page.end()
}

struct Page(String);

impl Page {
    fn new(echo: &Echo, title: &str) -> Page {
        let (title, line) = (escape(title), escape(&echo.command_line));
        Page(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>loadtest: {title}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p class=\"line\"><code>{line}</code></p>\n"
        ))
    }

    fn tiles(&mut self, tiles: &[(&str, String)]) {
        self.0.push_str("<dl class=\"tiles\">\n");
        for (name, value) in tiles {
            writeln!(self.0, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value))
                .expect(INFALLIBLE);
        }
        self.0.push_str("</dl>\n");
    }

    fn note(&mut self, text: &str) {
        writeln!(self.0, "<p class=\"note\">{}</p>", escape(text)).expect(INFALLIBLE);
    }

    fn section(&mut self, title: &str, body: &str) {
        writeln!(self.0, "<section>\n<h2>{}</h2>\n{body}</section>", escape(title)).expect(INFALLIBLE);
    }

    fn fold(&mut self, title: &str, text: &str) {
        let (title, text) = (escape(title), escape(text));
        writeln!(self.0, "<section>\n<h2>{title}</h2>\n<pre>{text}</pre>\n</section>").expect(INFALLIBLE);
    }

    fn sections_of_run(&mut self, echo: &Echo, record: &Record) {
        if record.good() == 0 {
            self.note("no request was answered: there is nothing to plot");
            return;
        }
        self.section("Requests a second", &rates(record));
        self.section("Response time over time", &latencies_over_time(record));
        let title = match echo.rate {
            Some(_) => "Response and service time by percentile",
            None => "Response time by percentile",
        };
        self.section(title, &percentiles(record));
        if !record.faults.is_empty() {
            self.section("Faults", &faults(record));
        }
    }

    fn settings(&mut self, echo: &Echo, record: &Record) {
        let mut rows = vec![
            ("workload", echo.workload.clone()),
            ("loop", if echo.rate.is_some() { "open" } else { "closed" }.to_owned()),
            ("connections", grouped(echo.connections as u64)),
            ("requests in flight on each", echo.pipeline.to_string()),
            ("threads", echo.threads.to_string()),
            ("values", echo.values.clone()),
            ("keys", format!("{} ({})", grouped(echo.keys), echo.distribution)),
            ("seed", echo.seed.to_string()),
            ("ending", record.ending().to_owned()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        if let Some(rate) = &echo.rate {
            let arrivals = if echo.poisson { "Poisson" } else { "constant" };
            rows.insert(2, ("schedule", format!("{rate} requests/s, {arrivals}")));
        }
        let mut body = "<table>\n".to_owned();
        for (name, value) in rows {
            writeln!(body, "<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(&value))
                .expect(INFALLIBLE);
        }
        self.section("Settings", &(body + "</table>\n"));
    }

    fn end(mut self) -> String {
        self.0.push_str("</main>\n</body>\n</html>\n");
        self.0
    }
}

fn tiles(record: &Record) -> Vec<(&'static str, String)> {
    let rate = record.rate(record.good()).map_or("-".to_owned(), short);
    let mut tiles = vec![("requests/s", rate)];
    if let Some(asked) = record.rate_asked() {
        tiles.push(("asked for", short(asked)));
    }
    if let Some(quantiles) = Quantiles::of(&record.whole.latencies()) {
        tiles.extend([
            ("p50", span(quantiles.p50)),
            ("p99", span(quantiles.p99)),
            ("p99.9", span(quantiles.p999)),
            ("max", span(quantiles.max)),
        ]);
    }
    tiles.push(("failures", grouped(record.whole.failures.total())));
    if let Some(audit) = record.audit {
        tiles.push(("lost or stale when read back", grouped(audit.lost + audit.stale + audit.wrong)));
    }
    if let Some(gap) = record.whole.gaps.longest() {
        tiles.push(("longest gap", span(gap.nanos())));
    }
    if !record.whole.lag.is_empty() {
        tiles.push(("lag of the generator, p99", span(record.whole.lag.value_at_quantile(0.99))));
    }
    tiles
}

fn seconds_label(seconds: f64) -> String {
    let digits = if seconds.fract().abs() < 1e-9 { 0 } else { 2 };
    format!("{seconds:.digits$} s")
}

fn micros_label(micros: f64) -> String {
    let text = span((micros * 1e3).round() as u64);
    // Round numbers of an axis without their zeros.
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

fn over_time(record: &Record, value: impl Fn(&Row) -> Option<f64>) -> Points {
    record.rows.iter().map(|row| (row.to, value(row))).collect()
}

fn time_axis(record: &Record) -> Axis {
    Axis::linear(0.0, record.seconds(), "seconds from the beginning of the measurement", seconds_label)
}

fn moments(record: &Record) -> Vec<Moment> {
    let moment =
        |fault: &crate::faults::Struck| Moment { at: fault.at as f64 / 1e9, text: fault.text.clone() };
    record.faults.iter().map(moment).collect()
}

fn bands(record: &Record) -> Vec<(f64, f64)> {
    let band = |gap: Gap| (record.seconds_at(gap.began), record.seconds_at(gap.ended));
    record.whole.gaps.iter().map(band).filter(|(from, to)| to - from >= GAP_SHOWN_MIN).collect()
}

fn line(name: &str, class: &str, points: Points) -> Line {
    Line { name: name.to_owned(), class: class.to_owned(), points }
}

fn rates(record: &Record) -> String {
    // A last slice of a moment would tell chance.
    let usual = record.rows.first().map_or(0.0, Row::seconds);
    let long_enough = |row: &Row| row.seconds() >= usual / 2.0;
    let rate = |row: &Row| long_enough(row).then(|| row.rate());
    let mut lines = vec![line("answered", "s1", over_time(record, rate))];
    if record.asked.is_some() {
        lines.push(line("asked for", "asked", over_time(record, |row| row.rate_asked)));
    }
    if record.rows.iter().any(|row| row.errors > 0) {
        let errors = |row: &Row| long_enough(row).then(|| row.errors as f64 / row.seconds());
        lines.push(line("errors", "s2", over_time(record, errors)));
    }
    let most =
        lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value)).fold(0.0, f64::max);
    let y = Axis::linear(0.0, most * 1.08, "requests/s", short);
    Plot { x: time_axis(record), y, lines, moments: moments(record), bands: bands(record) }
        .draw("requests a second over time")
}

/// One of some quantiles.
type Of = fn(Quantiles) -> u64;

fn latencies_over_time(record: &Record) -> String {
    let quantiles: [(&str, &str, Of); 4] = [
        ("p50", "s1", |quantiles| quantiles.p50),
        ("p99", "s2", |quantiles| quantiles.p99),
        ("p99.9", "s3", |quantiles| quantiles.p999),
        ("max", "s4", |quantiles| quantiles.max),
    ];
    let lines: Vec<Line> = quantiles
        .into_iter()
        .map(|(name, class, of)| {
            let micros = |row: &Row| row.response.map(|quantiles| of(quantiles) as f64 / 1e3);
            line(name, class, over_time(record, micros))
        })
        .collect();
    let y = log_axis(&lines);
    Plot { x: time_axis(record), y, lines, moments: moments(record), bands: bands(record) }
        .draw("percentiles of the response time over time")
}

fn log_axis(lines: &[Line]) -> Axis {
    let values = || lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value));
    let least = values().fold(f64::INFINITY, f64::min);
    let most = values().fold(0.0, f64::max);
    Axis::log(if least.is_finite() { least } else { 1.0 }, most.max(1.0), "response time", micros_label)
}

/// The curve of a histogram: x is 1 / (1 - quantile), so each nine takes the same space.
fn curve(latency: &Histogram<u64>) -> Points {
    let most = latency.len().max(10) as f64;
    let steps = (most.log10() * f64::from(POINTS_A_DECADE)).floor() as u32;
    (0..=steps)
        .map(|step| {
            let x = 10f64.powf(f64::from(step) / f64::from(POINTS_A_DECADE));
            let nanos = latency.value_at_quantile(1.0 - 1.0 / x);
            (x, (!latency.is_empty()).then_some(nanos as f64 / 1e3))
        })
        .collect()
}

/// 10 is p90, 100 is p99 and so on.
fn nines_label(x: f64) -> String {
    let percent = 100.0 - 100.0 / x.max(1.0);
    let digits = (x.log10().ceil() as usize).saturating_sub(2);
    format!("p{percent:.digits$}")
}

fn percentile_plot(lines: Vec<Line>, count: u64) -> String {
    let x = Axis::log(
        1.0,
        (count as f64).max(10.0),
        "percentile (a log axis: every nine the same space)",
        nines_label,
    );
    let y = log_axis(&lines);
    Plot { x, y, lines, moments: Vec::new(), bands: Vec::new() }.draw("response time by percentile")
}

fn percentiles(record: &Record) -> String {
    let all = record.whole.latencies();
    let mut lines = vec![line("response time", "s1", curve(&all))];
    if record.asked.is_some() {
        lines.push(line("service time", "s3", curve(&record.whole.service)));
    } else if record.operations.len() > 1 {
        let operations =
            record.operations.iter().zip(&record.whole.answers).filter(|(_, answers)| answers.good > 0);
        for (index, (name, answers)) in operations.enumerate().take(COLOURS - 1) {
            lines.push(line(name, &format!("s{}", index + 2), curve(&answers.latency)));
        }
    }
    percentile_plot(lines, all.len())
}

fn faults(record: &Record) -> String {
    let mut body = "<table>\n<tr><th>at</th><th>what</th><th>no answer for</th><th>connections lost</th>\
        <th>requests lost</th><th>errors</th><th>wrong</th></tr>\n"
        .to_owned();
    for effect in record.effects() {
        let what = match &effect.error {
            Some(error) => format!("{} (not done: {error})", effect.text),
            None => effect.text.clone(),
        };
        writeln!(
            body,
            "<tr><td>{:.2} s</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            effect.at,
            escape(&what),
            span((effect.longest_gap * 1e9) as u64),
            grouped(effect.connections_lost),
            grouped(effect.requests_lost),
            grouped(effect.errors),
            grouped(effect.wrong)
        )
        .expect(INFALLIBLE);
    }
    body + "</table>\n"
}

fn rates_by_round(comparison: &Comparison) -> String {
    let target = |index: usize| {
        let rounds = comparison.rounds.iter().enumerate();
        let points = rounds.map(|(round, records)| {
            let rate = records.get(index).and_then(|record| record.rate(record.good()));
            (round as f64 + 1.0, rate)
        });
        line(&comparison.targets[index], &format!("s{}", index % COLOURS + 1), points.collect())
    };
    let lines: Vec<Line> = (0..comparison.targets.len()).map(target).collect();
    let most =
        lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value)).fold(0.0, f64::max);
    let rounds = comparison.rounds.len() as f64;
    let x = Axis::linear(1.0, rounds.max(2.0), "round", |round| {
        if round.fract() == 0.0 { format!("{round}") } else { String::new() }
    });
    let y = Axis::linear(0.0, most * 1.08, "requests/s", short);
    Plot { x, y, lines, moments: Vec::new(), bands: Vec::new() }.draw("requests a second by round")
}

fn compared_percentiles(comparison: &Comparison) -> String {
    let mut count = 0;
    let lines = (0..comparison.targets.len())
        .map(|index| {
            let mut all = empty_latencies();
            for record in comparison.rounds.iter().filter_map(|records| records.get(index)) {
                all.add(record.whole.latencies()).expect("histograms of the same bounds");
            }
            count = count.max(all.len());
            line(&comparison.targets[index], &format!("s{}", index % COLOURS + 1), curve(&all))
        })
        .collect();
    percentile_plot(lines, count)
}

#[cfg(test)]
mod tests;
