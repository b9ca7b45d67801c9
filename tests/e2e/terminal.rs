//! The console as a person has it: in a pseudo-terminal.

use super::harness::Cluster;
use rexpect::process::{Signal, WaitStatus};
use rexpect::session::{PtySession, spawn_command};
use std::process::Command;

fn console(cluster: &Cluster, arguments: &[&str]) -> PtySession {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kv-broker"));
    command
        .args(arguments)
        .env("XDG_STATE_HOME", cluster.folder.path())
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .current_dir(cluster.folder.path());
    spawn_command(command, Some(30_000)).expect("a pseudo-terminal")
}

#[test]
fn a_session_with_editing_history_and_answers() {
    let cluster = Cluster::start(3);
    let mut session = console(&cluster, &["-s", &cluster.path("serverFile.txt"), "-k", "2", "--no-load"]);
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

#[test]
fn a_termination_at_the_prompt_leaves_the_terminal_in_order() {
    let cluster = Cluster::start(3);
    let mut session = console(&cluster, &["-s", &cluster.path("serverFile.txt"), "-k", "2", "--no-load"]);
    session.exp_string("hedgerow> ").expect("a prompt");
    session.send("GET half").expect("typed");
    session.flush().expect("typed");
    session.exp_string("half").expect("shown");
    session.process_mut().signal(Signal::SIGTERM).expect("our own process");
    let rest = session.exp_eof().expect("the end");
    assert!(rest.ends_with('\n'), "whoever writes next begins a line: {rest:?}");
    assert!(matches!(session.process().wait(), Ok(WaitStatus::Exited(_, 0))), "ended as asked");
}

#[test]
fn without_arguments_a_cluster_with_samples_is_there() {
    let folder = Cluster::start(0);
    let mut session = console(&folder, &[]);
    session.exp_string("loaded 1,000 records").expect("samples");
    session.exp_string("hedgerow> ").expect("a prompt");
    session.send_line("GET person1").expect("typed");
    session.exp_string("person1 : {").expect("a sample");
    session.exp_string("hedgerow> ").expect("a prompt");
    session.send_line("STATUS").expect("typed");
    session.exp_string("3 of 3 servers are members").expect("the view");
    session.exp_string("hedgerow> ").expect("a prompt");
    session.send_control('d').expect("typed");
    session.exp_eof().expect("the end");
    assert!(matches!(session.process().wait(), Ok(WaitStatus::Exited(_, 0))));
}
