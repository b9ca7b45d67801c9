use super::*;
use crate::faults::Struck;
use crate::load::schedule::Schedule;
use crate::show::record::tests::sample;
use crate::truth::tally::Slice;

fn echo(rate: Option<&str>) -> Echo {
    Echo {
        workload: "get <script>alert(1)</script>".to_owned(),
        connections: 50,
        pipeline: 1,
        threads: 2,
        values: "64 bytes".to_owned(),
        data_bytes: 64,
        keys: 1_000,
        distribution: "uniform".to_owned(),
        seed: 1,
        rate: rate.map(str::to_owned),
        poisson: false,
        command_line: "loadtest --x '<y>'".to_owned(),
    }
}

/// What every page must be: closed, alone, harmless and without a number that is none.
fn check(page: &str) {
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    for tag in ["section", "svg", "table", "title", "rect", "text", "p", "dl"] {
        let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
        let opened =
            page.match_indices(&open).filter(|(at, _)| page[at + open.len()..].starts_with([' ', '>']));
        assert_eq!(opened.count(), page.matches(&close).count(), "<{tag}>");
    }
    for outside in ["http:", "https:", "src=", "href=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(!page.contains("<script") && !page.contains("<y>"), "names are text");
    assert!(!page.contains("NaN") && !page.contains(">inf"), "numbers are numbers");
    assert!(page.contains("prefers-color-scheme: dark"));
}

#[test]
fn the_page_of_a_run_has_all_its_plots() {
    let mut record = sample(Some(Schedule::parse("10/1s,30", false).unwrap()));
    let kill = Struck { at: 1_500_000_000, text: "kill -KILL server".to_owned(), error: None };
    record.faults.push(kill);
    record.whole.gaps.add(Gap { began: 1_500_000_000, ended: 1_900_000_000 });
    let page = of_run(&echo(Some("10/1s,30")), &record);
    check(&page);
    assert_eq!(page.matches("<svg").count(), 3);
    for part in
        ["asked for", "service time", "p99.9", "kill -KILL server", "no answer for 0.400 s", "Settings"]
    {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn an_empty_run_has_a_page_too() {
    let mut record = sample(None);
    record.rows.clear();
    record.whole = Slice::new(1, 0);
    let page = of_run(&echo(None), &record);
    check(&page);
    assert!(page.contains("nothing to plot"));
}

#[test]
fn a_comparison_has_a_line_for_each_target() {
    let comparison = Comparison {
        targets: vec!["a:1".to_owned(), "b:2".to_owned()],
        rounds: vec![vec![sample(None), sample(None)], vec![sample(None)]],
        error: None,
    };
    let page = of_comparison(&echo(None), &comparison, "a table\n");
    check(&page);
    assert_eq!(page.matches("<svg").count(), 2);
    assert!(page.contains("a:1</span>") && page.contains("b:2</span>"));
}

#[test]
fn nines_have_their_names() {
    assert_eq!(
        [1.0, 10.0, 100.0, 1_000.0, 10_000.0].map(nines_label),
        ["p0", "p90", "p99", "p99.9", "p99.99"]
    );
    assert_eq!(nines_label(2.0), "p50");
}
