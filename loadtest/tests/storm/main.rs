//! `loadtest` as a user meets it, against a stub that misbehaves and against a real Redis.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod load;
mod peer;
mod stub;
mod truth;

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use stub::{Manners, Stub};

fn command(port: u16, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args(["-p", &port.to_string(), "--json"]).args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

fn run(port: u16, arguments: &str) -> (Value, i32) {
    result(&command(port, arguments).output().unwrap())
}

/// The JSON of a run, which there must be, and its exit status.
fn result(output: &Output) -> (Value, i32) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "one line of JSON: {text:?} {stderr}");
    (serde_json::from_str(text).unwrap(), output.status.code().unwrap())
}

fn whole(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("{name} in {value}"))
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name} in {value}"))
}

#[test]
fn every_request_is_answered_and_every_value_right() {
    let stub = Stub::start(Manners::Good);
    let (result, code) = run(stub.port, "-n 20000 -c 7 -P 5 -r 500 -d 33 --ratio 4:1 --prefill --verify");
    assert_eq!(code, 0, "{result}");
    assert_eq!(whole(&result, "requests"), 20_000);
    assert_eq!(whole(&result, "errors") + whole(&result, "wrong_type") + whole(&result, "wrong_value"), 0);
    assert_eq!(result["ending"], "finished");
    let operations = result["operations"].as_array().unwrap();
    let (gets, sets) = (whole(&operations[0], "requests"), whole(&operations[1], "requests"));
    assert_eq!(whole(&operations[0], "misses"), 0, "every key was set before");
    // Every key was set before, and is read back behind.
    assert_eq!((gets, sets), (stub.count("GET") - 500, stub.count("SET") - 500), "what was counted was sent");
    assert_eq!((whole(&result["audit"], "keys"), whole(&result["audit"], "lost")), (500, 0));
    assert!((15_500..16_500).contains(&gets), "four reads to a write: {gets}");
    let latency = &result["latency_us"];
    let steps = ["min", "p50", "p90", "p99", "p99.9", "max"].map(|name| number(latency, name));
    assert!(steps[0] > 0.0 && steps.is_sorted(), "{latency}");
    assert!(number(&result["generator"], "cpu_us_per_request") > 0.0);
    assert!((number(&result, "rate") * number(&result, "seconds") - 20_000.0).abs() < 20.0);
}

#[test]
fn gets_that_find_nothing_are_misses_and_not_failures() {
    let stub = Stub::start(Manners::Good);
    let (result, code) = run(stub.port, "-n 300 --command get");
    assert_eq!((code, whole(&result, "requests")), (0, 300));
    assert_eq!(whole(&result["operations"][0], "misses"), 300);
}

#[test]
fn other_commands_are_checked_by_their_own_kind_of_answer() {
    let stub = Stub::start(Manners::Good);
    for (name, verb) in [("ping", "PING"), ("mget", "MGET"), ("del", "DEL")] {
        let (result, code) = run(stub.port, &format!("-n 100 --command {name} --keys-per-request 3"));
        assert_eq!((code, whole(&result, "requests"), stub.count(verb)), (0, 100, 100), "{name}: {result}");
    }
    let mut own = command(stub.port, "-n 100");
    let (result, code) = result(&own.args(["--command", "SET {key} {value}"]).output().unwrap());
    assert_eq!((code, whole(&result, "requests"), stub.count("SET")), (0, 100, 100));
}

#[test]
fn answers_may_come_in_any_pieces() {
    let stub = Stub::start(Manners::Dribbles);
    let (result, code) = run(stub.port, "-n 400 -c 2 -P 4 -r 10 -d 40 --prefill --verify --resp3");
    assert_eq!((code, whole(&result, "requests")), (0, 400), "{result}");
    assert_eq!(stub.count("HELLO"), 2);
}

#[test]
fn values_larger_than_every_buffer_go_both_ways() {
    let stub = Stub::start(Manners::Good);
    let (result, code) = run(stub.port, "-n 20 -c 2 -P 2 -r 4 -d 3000000 --ratio 1:1 --prefill --verify");
    assert_eq!((code, whole(&result, "requests")), (0, 20), "{result}");
}

#[test]
fn errors_are_counted_by_class_and_are_no_requests() {
    let stub = Stub::start(Manners::ThirdIsReadonly);
    let (result, code) = run(stub.port, "-n 3000 --command set -P 3");
    assert_eq!(code, 1);
    assert_eq!((whole(&result, "requests"), whole(&result, "errors")), (2_000, 1_000));
    assert_eq!(whole(&result["errors_by_class"], "READONLY"), 1_000);
    assert_eq!(result["first_error"], "READONLY this server belongs to a cluster");
}

#[test]
fn answers_of_another_kind_and_other_values_are_found() {
    let stub = Stub::start(Manners::OnlyNumbers);
    let (result, code) = run(stub.port, "-n 100 --command get");
    assert_eq!((code, whole(&result, "wrong_type"), whole(&result, "requests")), (1, 100, 0));
    assert_eq!(result["latency_us"]["p50"], Value::Null);

    let stub = Stub::start(Manners::SpoilsValues);
    let (result, code) = run(stub.port, "-n 100 --command get -r 5 --prefill --verify");
    assert_eq!((code, whole(&result, "wrong_value"), whole(&result, "requests")), (1, 100, 0));
    let (_, code) = run(stub.port, "-n 100 --command get -r 5");
    assert_eq!(code, 0, "without --verify only the kind is looked at");
}

#[test]
fn a_connection_lost_in_the_run_is_counted_and_made_again() {
    let stub = Stub::start(Manners::HangsUp);
    let (result, code) = run(stub.port, "-n 2000 --command set -c 4 -P 2");
    assert_eq!(code, 1);
    let (lost, again) = (whole(&result, "connections_lost"), whole(&result, "reconnects"));
    assert!(lost >= 15 && again >= lost - 4 && again <= lost, "{result}");
    assert_eq!(whole(&result, "requests") + whole(&result, "requests_lost"), 2_000, "none is forgotten");
    assert!(number(&result, "longest_gap_of_one_connection_ms") >= 2.0, "dialing again takes time");
}

#[test]
fn what_is_not_resp_and_what_nobody_asked_for_ends_the_connection() {
    let stub = Stub::start(Manners::SpeaksHttp);
    let (result, code) = run(stub.port, "-n 10 -c 2");
    assert_eq!((code, whole(&result, "requests"), whole(&result, "requests_lost")), (1, 0, 10));
    assert_eq!(whole(&result, "protocol_errors"), 10);
    let stub = Stub::start(Manners::AnswersTwice);
    let (result, code) = run(stub.port, "-n 10 -c 1 --command ping");
    assert_eq!((code, whole(&result, "protocol_errors") > 0), (1, true), "{result}");
}

#[test]
fn a_silent_target_is_given_up_by_its_requests() {
    let stub = Stub::start(Manners::Silent);
    let (result, code) = run(stub.port, "-n 6 -c 3 -P 2 --timeout 0.2");
    assert_eq!((code, whole(&result, "timeouts"), whole(&result, "requests_lost")), (1, 3, 6));
    assert!(number(&result, "longest_gap_ms") >= 200.0);
    assert_eq!(result["rate"].as_f64(), Some(0.0));
}

#[test]
fn the_longest_gap_is_told() {
    let stub = Stub::start(Manners::Pauses(400));
    let (result, code) = run(stub.port, "-n 3000 -c 5 --command ping");
    assert_eq!(code, 0);
    // What was sent before the pause may be read in the midst of it, where the machine is busy, but only once: one of
    // the two parts is at least half of it.
    assert!(number(&result, "longest_gap_ms") >= 200.0, "{result}");
    assert!(number(&result, "longest_gap_of_one_connection_ms") >= number(&result, "longest_gap_ms") * 0.99);
    assert!(number(&result["latency_us"], "max") >= 395_000.0, "the pause is in the latencies too");
    assert!(number(&result, "longest_gap_at_s") < number(&result, "seconds") - 0.19);
}

#[test]
fn a_dead_target_is_an_error_before_any_work() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let output = command(port, "").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&format!("127.0.0.1:{port}")) && told.contains("refused"), "{told}");
    let output = command(1, "-c 0").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("-c 0: at least 1"));
}

#[test]
fn who_is_not_greeted_back_ends_before_any_work() {
    let stub = Stub::start(Manners::Good);
    let output = command(stub.port, "-n 10").env("HEDGEROW_PASSWORD", "open sesame").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("ERR unknown command 'AUTH'") && !told.contains("sesame"), "{told}");
    assert_eq!(stub.sorted_log(), [[b"AUTH".to_vec(), b"open sesame".to_vec()]], "nothing else came");
    let output = command(stub.port, "-n 10 --password-file /nonexistent").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("/nonexistent"));
}

#[test]
fn a_prefill_that_fails_ends_before_the_measurement() {
    let stub = Stub::start(Manners::ThirdIsReadonly);
    let output = command(stub.port, "-n 10 -r 30 --prefill").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("only 20 of 30 keys could be set: READONLY"), "{told}");
}

#[test]
fn ctrl_c_reports_what_was_measured_until_then() {
    let good = Stub::start(Manners::Good);
    let silent = Stub::start(Manners::Silent);
    // More requests than there are connections: then at least one answer was taken in before.
    for (stub, arguments, verb, seen) in [
        (&good, "--duration 1000 --warmup 0 --command ping -c 10", "PING", 11),
        (&good, "--duration 1000 --warmup 900 --command mget -c 10", "MGET", 11),
        (&silent, "--duration 1000 --warmup 0 --command ping -c 2", "PING", 2),
    ] {
        let child =
            command(stub.port, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It is in full course, so it listens to signals.
        while stub.count(verb) < seen {
            std::thread::yield_now();
        }
        let (result, code) = interrupt(child);
        assert_eq!(code, 130, "{arguments}");
        assert_eq!(result["ending"], "interrupted");
        let measured = arguments.contains("--warmup 0 ") && stub.port == good.port;
        assert_eq!(whole(&result, "requests") > 0, measured, "{arguments}: {result}");
        assert_eq!(result["latency_us"]["p99"].is_null(), !measured);
    }
}

fn interrupt(mut child: Child) -> (Value, i32) {
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    (serde_json::from_str(&text).unwrap(), child.wait().unwrap().code().unwrap())
}

#[test]
fn the_table_for_people_tells_the_same() {
    let stub = Stub::start(Manners::ThirdIsReadonly);
    let own = std::process::id().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["-p", &stub.port.to_string(), "-n", "3000", "--pid", &own])
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    for part in ["get:set 9:1 at 127.0.0.1:", "p99.9", "READONLY 1,000", "longest gap", "generator", "pid "] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    assert!(output.stderr.is_empty(), "no progress line where there is no terminal");
}
