//! Values that are held against what was written, and faults.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::stub::{Manners, Stub};
use crate::{command, number, result, run, whole};

#[test]
fn writes_that_are_gone_are_found() {
    let stub = Stub::start(Manners::Forgets);
    let (result, code) = run(stub.port, "-n 300 -r 20 --ratio 1:2 --verify");
    assert_eq!(code, 1, "{result}");
    assert!(whole(&result, "lost_writes") > 0, "{result}");
    assert_eq!((whole(&result, "stale_reads"), whole(&result, "wrong_value")), (0, 0));
    let get = &result["operations"][0];
    assert!(whole(get, "misses") <= whole(get, "requests"), "a lost write is no miss: {result}");
    assert!(result["first_wrong"].as_str().unwrap().starts_with("Lost: key "), "{result}");
    let stub = Stub::start(Manners::Forgets);
    let (result, code) = run(stub.port, "-n 40 -r 20 -c 2 --command set --distribution sequential --verify");
    assert_eq!(
        (code, whole(&result["audit"], "lost")),
        (1, 20),
        "reading back finds what no GET did: {result}"
    );
}

#[test]
fn values_that_are_too_old_are_found() {
    let stub = Stub::start(Manners::Sticks);
    let (result, code) = run(stub.port, "-n 1000 -c 1 -r 5 --ratio 1:1 --verify --prefill");
    assert_eq!(code, 1, "{result}");
    assert!(whole(&result, "stale_reads") > 0 && whole(&result, "lost_writes") == 0, "{result}");
}

#[test]
fn nothing_is_found_where_nothing_is_wrong_though_connections_break() {
    let stub = Stub::start(Manners::HangsUp);
    let (result, _) = run(stub.port, "-n 3000 -c 6 -P 4 -r 10 --ratio 1:1 --verify --threads 2");
    assert!(whole(&result, "connections_lost") > 0);
    let wrong = ["lost_writes", "stale_reads", "wrong_value"].map(|name| whole(&result, name));
    assert_eq!(wrong, [0, 0, 0], "{result}");
    // Values of another run are no mistake, and neither is one of no run as long as nothing was written to its key.
    let stub = Stub::start(Manners::Good);
    for arguments in [
        "-n 300 -r 10 --command set",
        "-n 300 -r 10 --ratio 9:1 --verify",
        "-n 300 -r 10 --ratio 9:1 --verify",
    ] {
        let (result, code) = run(stub.port, arguments);
        assert_eq!(code, 0, "{result}");
    }
}

#[test]
fn sizes_that_vary_are_verified_too() {
    let stub = Stub::start(Manners::Good);
    let (result, code) = run(stub.port, "-n 1000 -c 3 -P 2 -r 30 -d 28..5000 --ratio 1:1 --verify --prefill");
    assert_eq!((code, whole(&result, "requests")), (0, 1_000), "{result}");
}

#[test]
fn what_was_done_to_a_process_is_told() {
    let stub = Stub::start(Manners::Good);
    let mut victim = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
    let mut load = command(stub.port, "--duration 0.5 --warmup 0 --command ping");
    load.args(["--fault", &format!("100ms kill -STOP {} for 100ms", victim.id())]);
    load.args(["--fault", &format!("300ms kill -KILL {}", victim.id())]);
    let (result, code) = result(&load.output().unwrap());
    assert_eq!(code, 0, "{result}");
    let faults = result["faults"].as_array().unwrap();
    let actions: Vec<&str> =
        faults.iter().map(|fault| fault["action"].as_str().unwrap().split(' ').nth(1).unwrap()).collect();
    assert_eq!(actions, ["-STOP", "-CONT", "-KILL"]);
    let times: Vec<f64> = faults.iter().map(|fault| number(fault, "at_s")).collect();
    assert!(times.is_sorted() && times[0] >= 0.1 && times[2] >= 0.3, "{times:?}");
    assert!(faults.iter().all(|fault| fault["error"].is_null()), "{result}");
    assert!(!victim.wait().unwrap().success());
}

/// `loadtest` that starts the `kv-server` which lies beside it, if there is one.
fn with_its_own_server() -> Option<Command> {
    let program = Path::new(env!("CARGO_BIN_EXE_loadtest"));
    let server = program.with_file_name("kv-server");
    if !server.is_file() {
        println!("SKIPPED: there is no {}; cargo test --workspace builds it", server.display());
        return None;
    }
    let mut load = Command::new(program);
    load.args(["--json", "--start-server"]).stdin(Stdio::null());
    Some(load)
}

#[test]
fn a_server_of_its_own_is_killed_and_started_again() {
    let Some(mut load) = with_its_own_server() else { return };
    load.args("--verify -r 200 --prefill --ratio 1:1 -c 5 --warmup 0".split(' '));
    load.args(["--duration", "4", "--fault", "300ms kill -KILL server", "--fault", "1300ms start server"]);
    let (result, code) = result(&load.output().unwrap());
    assert_eq!(code, 1, "{result}");
    assert!(whole(&result, "lost_writes") > 0, "it keeps nothing on disk: {result}");
    assert!(whole(&result, "connections_lost") >= 5 && whole(&result, "reconnects") >= 5, "{result}");
    let faults = result["faults"].as_array().unwrap();
    assert!(faults.len() == 2 && faults.iter().all(|fault| fault["error"].is_null()), "{result}");
    let lost: u64 = faults.iter().map(|fault| whole(fault, "connections_lost")).sum();
    assert_eq!(lost, whole(&result, "connections_lost"), "all of it came after the kill: {result}");
    // From the kill to the order to start again nobody can have answered.
    let away = number(&faults[1], "at_s") - number(&faults[0], "at_s");
    assert!(number(&faults[0], "longest_gap_ms") / 1e3 >= away * 0.9, "{result}");
}

#[test]
fn a_server_with_a_password_is_given_it_by_all() {
    let Some(mut load) = with_its_own_server() else { return };
    load.args("--prefill -r 50 -n 500 -c 5 --idle 3 --slow-readers 1".split(' '));
    load.args("--churn 20 --resp3 --threads 2".split(' ')).env("HEDGEROW_PASSWORD", "open sesame");
    let (result, code) = result(&load.output().unwrap());
    assert_eq!((code, whole(&result, "requests"), whole(&result, "errors")), (0, 500, 0), "{result}");
    assert!(
        result["crowd"].as_array().unwrap().iter().all(|one| whole(one, "closed_by_target") == 0),
        "{result}"
    );
}
