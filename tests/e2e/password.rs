//! Servers with a password, and brokers with and without it.

use super::harness::{Broker, Cluster, run, text};
use std::process::Command;

const BROKER: &str = env!("CARGO_BIN_EXE_kv-broker");

fn cluster() -> (Cluster, String) {
    let cluster = Cluster::start(0);
    let file = cluster.write("password", "open sesame\n");
    let folder = cluster.folder;
    (Cluster::start_with(3, &["--password-file", &file], folder), file)
}

#[test]
fn a_broker_gives_the_password_on_every_connection() {
    let (mut cluster, password) = cluster();
    assert_eq!(cluster.servers[0].ask("GET a"), "-NOAUTH Authentication required.");
    let mut broker = cluster.broker_with(2, &["--no-load", "--password-file", &password]);
    assert_eq!(broker.ask("SET a 1"), "OK");
    let at = cluster.servers[1].address();
    assert_eq!(broker.ask(&format!("@{at} PING")), "PONG");
    cluster.servers[2].kill();
    assert_eq!(broker.ask("SET a 2"), "OK");
    assert_eq!(broker.ask("GET a"), "a : \"2\"");
    assert_eq!(broker.end(), Some(0));
}

#[test]
fn the_environment_may_hold_it() {
    let (cluster, _) = cluster();
    let file = cluster.path("serverFile.txt");
    let output = Command::new(BROKER)
        .args(["-s", &file, "--no-load", "-c", "SET a 1", "-c", "GET a"])
        .env("HEDGEROW_PASSWORD", "open sesame")
        .output()
        .expect("it runs");
    assert_eq!(text(&output.stdout), "OK\na : \"1\"\n", "{}", text(&output.stderr));
}

#[test]
fn without_it_or_with_another_the_reason_is_told() {
    let (cluster, _) = cluster();
    let file = cluster.path("serverFile.txt");
    let wrong = cluster.write("wrong", "open barley\n");
    for (arguments, words) in [
        (vec!["-s", &file, "--no-load"], "NOAUTH"),
        (vec!["-s", &file, "--no-load", "--password-file", &wrong], "WRONGPASS"),
        (vec!["-s", &file, "--no-load", "--password-file", "nosuch"], "nosuch"),
    ] {
        let output = run(BROKER, &arguments, cluster.folder.path(), "GET a\n");
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(words) && !told.contains("barley"), "{told}");
    }
}

#[test]
fn an_open_cluster_takes_a_broker_with_a_password_too() {
    let cluster = Cluster::start(3);
    let password = cluster.write("password", "open sesame");
    let mut broker: Broker = cluster.broker_with(2, &["--no-load", "--password-file", &password]);
    assert_eq!(broker.ask("SET a 1"), "OK");
}
