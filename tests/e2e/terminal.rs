//! The console as a person has it: in a pseudo-terminal.

use super::harness::Cluster;
use rexpect::session::spawn_command;
use std::process::Command;

#[test]
fn a_session_with_editing_history_and_answers() {
    let cluster = Cluster::start(3);
    let mut command = Command::new(env!("CARGO_BIN_EXE_kv-broker"));
    command
        .args(["-s", &cluster.path("serverFile.txt"), "-k", "2", "--no-load"])
        .env("XDG_STATE_HOME", cluster.folder.path())
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .current_dir(cluster.folder.path());
    let mut session = spawn_command(command, Some(30_000)).expect("a pseudo-terminal");
    session.exp_string("hedgerow> ").expect("a prompt");
    session.send_line(r#"PUT p1:{"name":"Ann"}"#).expect("typed");
    session.exp_string("p1 : CREATED").expect("an answer");
    session.exp_string("ms)").expect("its timing");
    session.exp_string("hedgerow> ").expect("a prompt");
    // Arrow up brings the last line back.
    session.send("\u{1b}[A").expect("typed");
    session.send_line("").expect("typed");
    session.exp_string("p1 : REPLACED").expect("an answer");
    session.exp_string("hedgerow> ").expect("a prompt");
    session.send_line("GET nosuch").expect("typed");
    session.exp_string("nosuch : NOT FOUND").expect("an answer");
    session.exp_string("hedgerow> ").expect("a prompt");
    session.send_line("PUT p1:{\"a\":}").expect("typed");
    session.exp_string("^").expect("a caret");
    session.exp_string("hedgerow> ").expect("a prompt");
    session.send_line("EXIT").expect("typed");
    session.exp_eof().expect("the end");
    let history = std::fs::read_to_string(cluster.path("hedgerow/history")).expect("a history file");
    assert!(history.contains("GET nosuch"), "{history}");
}
