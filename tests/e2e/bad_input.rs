//! Bad flags and bad files: one clear line, and nothing is begun.

use super::harness::{Cluster, run, text};

const BROKER: &str = env!("CARGO_BIN_EXE_kv-broker");
const SERVER: &str = env!("CARGO_BIN_EXE_kv-server");

fn refuses(program: &str, arguments: &[&str], cluster: &Cluster, words: &[&str]) {
    let output = run(program, arguments, cluster.folder.path(), "");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stdout}{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{arguments:?}: {word:?} wanted in\n{stderr}");
    }
    assert_eq!(stdout, "", "{arguments:?}");
}

#[test]
fn the_broker_refuses_what_makes_no_sense() {
    let cluster = Cluster::start(3);
    let file = cluster.path("serverFile.txt");
    refuses(BROKER, &["-s", "nosuch.txt", "-k", "2"], &cluster, &["nosuch.txt"]);
    refuses(BROKER, &["-s", &file, "-k", "0"], &cluster, &["k", "3"]);
    refuses(BROKER, &["-s", &file, "-k", "4"], &cluster, &["k", "3"]);
    refuses(BROKER, &["-s", &file, "-k", "2", "-i", "nosuch.txt"], &cluster, &["nosuch.txt"]);
    refuses(BROKER, &["--nonsense"], &cluster, &["--nonsense"]);
    let bad = cluster.write("bad.txt", "127.0.0.1 9000\n127.0.0.1 port\n");
    refuses(BROKER, &["-s", &bad, "-k", "1"], &cluster, &["line 2"]);
    let twice = cluster.write("twice.txt", "127.0.0.1 9000\n\n# again\n127.0.0.1 9000\n");
    refuses(BROKER, &["-s", &twice, "-k", "1"], &cluster, &["4"]);
    let empty = cluster.write("empty.txt", "# nobody\n\n");
    refuses(BROKER, &["-s", &empty, "-k", "1"], &cluster, &["empty.txt"]);
}

#[test]
fn the_server_refuses_what_makes_no_sense() {
    let cluster = Cluster::start(1);
    let port = cluster.servers[0].port.to_string();
    refuses(SERVER, &["-a", "127.0.0.1", "-p", &port], &cluster, &[&port]);
    refuses(SERVER, &["-a", "0.0.0.0", "-p", "0"], &cluster, &["--insecure"]);
    refuses(SERVER, &["-a", "nonsense", "-p", "0"], &cluster, &["nonsense"]);
    refuses(SERVER, &["-a", "127.0.0.1", "-p", "70000"], &cluster, &["70000"]);
}

#[test]
fn a_cluster_without_a_majority_is_named() {
    let mut cluster = Cluster::start(3);
    cluster.servers[0].kill();
    cluster.servers[2].kill();
    let (first, third) = (cluster.servers[0].address(), cluster.servers[2].address());
    let file = cluster.path("serverFile.txt");
    refuses(BROKER, &["-s", &file, "-k", "2", "--no-load"], &cluster, &[&first, &third]);
}

#[test]
fn one_server_down_at_start_is_a_warning() {
    let mut cluster = Cluster::start(3);
    cluster.servers[1].kill();
    let missing = cluster.servers[1].address();
    let file = cluster.path("serverFile.txt");
    let output =
        run(BROKER, &["-s", &file, "-k", "2", "--no-load"], cluster.folder.path(), "SET a 1\nGET a\n");
    assert_eq!(text(&output.stdout), "OK\na : \"1\"\n", "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains(&missing), "{}", text(&output.stderr));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_malformed_line_is_reported_and_skipped_or_stops() {
    let cluster = Cluster::start(3);
    let file = cluster.path("serverFile.txt");
    let data = cluster.write("data.txt", "a: {\"x\": 1}\nb: {\"x\": }\nc: {\"x\": 3}\n");
    let arguments = ["-s", &file, "-k", "2", "-i", &data];
    let output = run(BROKER, &arguments, cluster.folder.path(), "GET a\nGET b\nGET c\n");
    assert_eq!(text(&output.stdout), "a : {\"x\": 1}\nb : NOT FOUND\nc : {\"x\": 3}\n");
    let stderr = text(&output.stderr);
    assert!(stderr.contains("line 2") || stderr.contains("data.txt:2"), "{stderr}");
    let strict = run(BROKER, &[&arguments[..], &["--strict"]].concat(), cluster.folder.path(), "");
    assert_eq!(strict.status.code(), Some(1), "{}", text(&strict.stderr));
}

#[test]
fn json_lines_have_their_key_in_a_field() {
    let cluster = Cluster::start(3);
    let file = cluster.path("serverFile.txt");
    let data = cluster.write("data.jsonl", "{\"id\": \"a\", \"x\": 1}\n{\"id\": 7, \"x\": [2]}\n");
    let arguments = ["-s", &file, "-k", "2", "-i", &data, "--key-field", "id"];
    let output = run(BROKER, &arguments, cluster.folder.path(), "QUERY a.x\nGET 7\n");
    assert_eq!(text(&output.stdout), "a.x : 1\n7 : {\"id\": 7; \"x\": [2]}\n", "{}", text(&output.stderr));
}
