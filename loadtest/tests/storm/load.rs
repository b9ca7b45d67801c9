//! Schedules, threads, mixes and crowds. Nothing here depends on how fast anything is: a schedule can only be late.

use serde_json::Value;

use crate::stub::{Manners, Stub};
use crate::{command, number, run, whole};

#[test]
fn an_open_loop_keeps_its_schedule_and_tells_what_was_asked() {
    let stub = Stub::start(Manners::Good);
    for more in ["", "--poisson", "--threads 2", "-P 8 -c 2"] {
        let arguments = format!("-n 400 --rate 2k --command ping {more}");
        let (result, code) = run(stub.port, &arguments);
        assert_eq!((code, whole(&result, "requests"), &result["loop"]), (0, 400, &"open".into()), "{result}");
        assert!((number(&result, "rate_asked") - 2_000.0).abs() < 1.0, "{result}");
        if !more.contains("poisson") {
            assert!(number(&result, "seconds") >= 0.199, "the last one is due after 0.19975 s: {result}");
        }
        let (service, response) = (&result["service_us"], &result["latency_us"]);
        assert_eq!((whole(service, "count"), whole(response, "count")), (400, 400));
        assert!(number(service, "p50") <= number(response, "p50") * 1.01, "{result}");
        assert!(number(&result["generator"]["lag_us"], "p99") >= 0.0);
    }
}

#[test]
fn a_target_that_stands_still_is_late_for_all_that_were_due_meanwhile() {
    let stub = Stub::start(Manners::Pauses(400));
    let (result, code) = run(stub.port, "-n 3000 -c 5 --rate 5k --command ping");
    assert_eq!(code, 0);
    // 2,000 requests were due in the pause, 1,500 of them more than 100 ms before its end: half of all.
    assert!(number(&result["latency_us"], "p90") >= 100_000.0, "{result}");
    assert!(number(&result["latency_us"], "max") >= 390_000.0, "{result}");
    assert!(number(&result, "longest_gap_ms") >= 200.0, "{result}");
}

#[test]
fn stages_are_told_one_by_one() {
    let stub = Stub::start(Manners::Good);
    let (result, code) =
        run(stub.port, "--rate 100..300/500ms,0/100ms,400/250ms --command ping --warmup 0.1");
    assert_eq!(code, 0, "{result}");
    let stages = result["stages"].as_array().unwrap();
    let asked: Vec<f64> = stages.iter().map(|stage| number(stage, "rate_asked").round()).collect();
    assert_eq!(asked, [200.0, 0.0, 400.0]);
    assert!((number(&result, "rate_asked") * number(&result, "seconds") - 200.0).abs() < 0.5, "{result}");
    assert!(number(&result, "seconds") >= 0.85);
}

#[test]
fn threads_share_connections_requests_and_keys() {
    let stub = Stub::start(Manners::Good);
    let (result, code) =
        run(stub.port, "-n 1001 -c 7 -P 3 --threads 3 -r 100 --ratio 1:1 --prefill --verify");
    assert_eq!((code, whole(&result, "requests")), (0, 1_001), "{result}");
    assert_eq!(stub.count("GET") + stub.count("SET"), 1_001 + 100 + 100, "set before, and read back");
    assert_eq!(result["generator"]["threads"].as_array().unwrap().len(), 3);
    assert_eq!((whole(&result, "connections_made"), whole(&result, "threads")), (7, 3));
    assert_eq!(whole(&result["audit"], "keys"), 100);
}

#[test]
fn the_same_seed_sends_the_same_requests() {
    let log = |arguments: &str| {
        let stub = Stub::start(Manners::Good);
        let (result, code) = run(stub.port, arguments);
        assert_eq!(code, 0, "{result}");
        stub.sorted_log()
    };
    let arguments =
        "-n 500 --threads 2 --mix get=5,set=3,mget=1,put=1 --distribution zipfian -d 1..100 --prefill -r 50";
    let first = log(arguments);
    assert_eq!(first.len(), 550);
    assert_eq!(first, log(arguments));
    assert_ne!(first, log(&format!("{arguments} --seed 2")));
}

#[test]
fn every_command_of_a_mix_is_sent_and_checked() {
    let stub = Stub::start(Manners::Good);
    let mix = "get=1,set=1,ping=1,mget=1,put=1,query=1,range=1,json.set=1";
    let (result, code) = run(stub.port, &format!("-n 800 --mix {mix} -r 20"));
    assert_eq!((code, whole(&result, "requests")), (0, 800), "{result}");
    for verb in ["GET", "SET", "PING", "MGET", "PUT", "QUERY", "RANGE", "JSON.SET"] {
        assert!(stub.count(verb) > 50, "{verb}: {}", stub.count(verb));
    }
    let mut own = command(stub.port, "-n 100");
    own.args(["--command", "JSON.SET {key} $.a '{\"a\": {int:1..5}}'", "--command", "50% INCR {key}"]);
    let (result, code) = crate::result(&own.output().unwrap());
    assert_eq!((code, whole(&result, "requests")), (0, 100), "{result}");
}

#[test]
fn ycsb_workloads_do_what_their_letters_say() {
    for (letter, verbs) in [("a", "GET SET"), ("d", "GET SET"), ("e", "RANGE SET"), ("f", "GET SET")] {
        let stub = Stub::start(Manners::Good);
        let (result, code) = run(stub.port, &format!("-n 600 --ycsb {letter} -r 100 --prefill -c 3"));
        assert_eq!((code, whole(&result, "requests")), (0, 600), "{result}");
        assert!(verbs.split(' ').all(|verb| stub.count(verb) > 5), "{letter}");
        if letter == "f" {
            let names: Vec<&Value> =
                result["operations"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
            assert_eq!(names, ["get", "rmw-get", "rmw-set"]);
            let followed =
                whole(&result["operations"][1], "requests") - whole(&result["operations"][2], "requests");
            assert!(followed <= 3, "all but the last of each connection were followed: {followed}");
        }
    }
}

#[test]
fn connections_are_made_anew_after_so_many_requests() {
    let stub = Stub::start(Manners::Good);
    for more in ["", "--rate 10k"] {
        let (result, code) = run(stub.port, &format!("-n 200 -c 2 -P 3 --churn 10 --command ping {more}"));
        assert_eq!((code, whole(&result, "requests")), (0, 200), "{result}");
        let made = whole(&result["connect_us"], "count");
        assert!(made >= 18, "ten requests on each: {made}");
        assert_eq!((whole(&result, "connections_lost"), whole(&result, "reconnects")), (0, 0), "{result}");
    }
}

#[test]
fn a_crowd_stands_around_and_is_told() {
    let stub = Stub::start(Manners::Good);
    let crowd = "--idle 5 --half-open 3 --slowloris 2 --slow-readers 1 --connect-storm 4/10ms --threads 2";
    let (result, code) = run(stub.port, &format!("-n 20000 --warmup 0 --command ping -c 4 {crowd}"));
    assert_eq!(code, 0, "{result}");
    let told: Vec<(&str, u64, u64)> = result["crowd"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["kind"].as_str().unwrap(), whole(one, "asked"), whole(one, "opened")))
        .collect();
    let before = [("idle", 5, 5), ("half-open", 3, 3), ("slowloris", 2, 2), ("slow readers", 1, 1)];
    assert_eq!(told[..4], before, "they were there before the first request");
    assert_eq!((told[4].0, told[4].1), ("storm", 4));
    assert!(whole(&result, "requests") > 0);
}

#[test]
fn slices_of_time_go_into_files() {
    let stub = Stub::start(Manners::Good);
    let folder = std::env::temp_dir().join(format!("loadtest-shows-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (csv, hdr, html) = (file("run.csv"), file("run.hdr"), file("run.html"));
    let files = format!("--csv {csv} --hdr {hdr} --html {html} --interval 100ms");
    let (result, code) = run(stub.port, &format!("-n 20000 --warmup 0 --command ping {files}"));
    assert_eq!(code, 0, "{result}");
    let text = std::fs::read_to_string(&csv).unwrap();
    let requests: u64 =
        text.lines().skip(1).map(|line| line.split(',').nth(3).unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(requests, whole(&result, "requests"), "the slices are the whole");
    let text = std::fs::read_to_string(&hdr).unwrap();
    assert!(
        text.starts_with("#[Histogram log format version 1.3]") && text.contains("Tag=127.0.0.1:"),
        "{text}"
    );
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(page.matches("<svg").count() == 3 && page.contains("--interval 100ms"));
    for flag in ["--csv", "--hdr", "--html"] {
        let output = command(stub.port, &format!("-n 1 {flag} /no/such/folder/x")).output().unwrap();
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "told before the run, not after it"
        );
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn targets_take_turns_and_ratios_are_told() {
    let (one, two) = (Stub::start(Manners::Good), Stub::start(Manners::Good));
    let arguments = format!("-n 300 -r 20 --prefill --ratio 1:1 --against 127.0.0.1:{} --rounds 2", two.port);
    let (result, code) = run(one.port, &arguments);
    assert_eq!(code, 0, "{result}");
    assert_eq!(one.sorted_log(), two.sorted_log(), "the same work");
    let rounds: Vec<u64> = result["runs"].as_array().unwrap().iter().map(|run| whole(run, "round")).collect();
    assert_eq!(rounds, [1, 1, 2, 2]);
    let rate = &result["ratios"][0]["rate"];
    assert!(
        number(rate, "least") <= number(rate, "median") && number(rate, "median") <= number(rate, "most")
    );
    assert_eq!(rate["rounds"].as_array().unwrap().len(), 2);
    let output = command(1, &format!("--against 127.0.0.1:{}", two.port)).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "the first one is down");
}
