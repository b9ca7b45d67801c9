//! Who may write: one flag of the table decides, for every command alike.

use super::Harness;
use super::broker::*;
use crate::proto::command::{COMMANDS, Command, CommandId, Flags};
use crate::record::Kind;
use crate::rng::Rng;
use crate::server::ServerBugs;
use std::ops::Bound;

/// All commands and subcommands that a client may send.
fn commands() -> impl Iterator<Item = &'static Command> {
    COMMANDS
        .iter()
        .flat_map(|command| std::iter::once(command).chain(command.subcommands))
        .filter(|command| command.flags.contains(Flags::SERVER) && !command.flags.contains(Flags::CLUSTER))
}

/// A request for it with as few arguments as it takes, or more.
fn request(command: &Command, more: usize) -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = command.full_name.split('|').map(|word| word.as_bytes().to_vec()).collect();
    let count = command.arity.unsigned_abs() as usize + if command.arity < 0 { more } else { 0 };
    while words.len() < count {
        words.push(b"1".to_vec());
    }
    words
}

fn clustered() -> Harness {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let mut broker = harness.broker(id);
    broker.expect(store(1, b"1", version(2, 1), Kind::Text, b"12"), stored(1, version(2, 1)));
    let json = br#"{"a":1,"b":[1,"x",true]}"#;
    broker.expect(store(1, b"d", version(2, 2), Kind::Document, json), stored(1, version(2, 2)));
    harness
}

/// Every record of a server, with its version and expiry.
fn contents(harness: &Harness) -> Vec<String> {
    let trie = harness.server.trie();
    let mut walk = trie.cursor(Bound::Unbounded);
    let mut contents = Vec::new();
    while let Some((key, record)) = walk.next(trie) {
        let body = match record.kind() {
            Kind::Text => format!("{:?}", record.text()),
            Kind::Document => {
                let mut json = Vec::new();
                crate::server::strings::write_json(record, &mut json);
                json.escape_ascii().to_string()
            }
            Kind::Tombstone => String::new(),
        };
        contents.push(format!("{} {:?} {body}", key.escape_ascii(), record.meta(key)));
    }
    contents
}

const REFUSAL: &str = "-READONLY this server belongs to a cluster: write through its broker\r\n";

#[test]
fn every_write_of_a_plain_client_is_refused_in_a_cluster() {
    let mut harness = clustered();
    let before = contents(&harness);
    let id = harness.connect();
    let mut writes = 0;
    for command in commands().filter(|command| command.flags.contains(Flags::WRITE)) {
        for more in 0..4 {
            let words = request(command, more);
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            assert_eq!(harness.array(id, &words), REFUSAL, "{} with {more} more", command.full_name);
        }
        writes += 1;
    }
    assert!(writes > 40, "{writes} commands write");
    for line in ["PUT k:{\"a\":1}", "DELETE k", "SET a b", "JSON.SET d $.a 5"] {
        assert_eq!(harness.line(id, line), REFUSAL, "{line}");
    }
    assert_eq!(contents(&harness), before);
}

#[test]
fn a_transaction_with_a_write_is_refused_in_a_cluster() {
    let mut harness = clustered();
    let id = harness.connect();
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(line("MULTI") + &line("GET 1") + &line("SET 1 x"), format!("+OK\r\n+QUEUED\r\n{REFUSAL}"));
    assert_eq!(line("EXEC"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
    assert_eq!(line("MULTI") + &line("GET 1") + &line("EXEC"), "+OK\r\n+QUEUED\r\n*1\r\n$2\r\n12\r\n");
}

#[test]
fn a_server_taken_in_between_multi_and_exec_writes_nothing() {
    let mut harness = Harness::new();
    let id = harness.connect();
    assert_eq!(harness.line(id, "MULTI") + &harness.line(id, "SET k v"), "+OK\r\n+QUEUED\r\n");
    harness.join();
    assert!(harness.line(id, "EXEC").starts_with("-EXECABORT Transaction contains write commands"));
    assert_eq!(harness.line(id, "DBSIZE"), ":0\r\n");
}

#[test]
fn what_is_no_write_changes_no_record() {
    const WORDS: &[&[u8]] =
        &[b"1", b"d", b"0", b"-1", b"$.a", b".b", b"$..*", b"SAMPLES", b"LIMIT", b"REV", b"LEN", b"IDX"];
    let quiet = [CommandId::Quit, CommandId::Shutdown, CommandId::Multi, CommandId::Exec, CommandId::Monitor];
    let mut harness = clustered();
    let before = contents(&harness);
    let mut rng = Rng::from_seed(1);
    for command in commands().filter(|command| !command.flags.contains(Flags::WRITE)) {
        let leaves = quiet.contains(&command.id)
            || matches!(command.id, CommandId::ClientReply | CommandId::ClientPause | CommandId::ClientKill);
        if leaves {
            continue;
        }
        for _ in 0..200 {
            let id = harness.connect();
            let mut words = request(command, rng.index(5));
            let names = command.full_name.split('|').count();
            words.iter_mut().skip(names).for_each(|word| *word = WORDS[rng.index(WORDS.len())].to_vec());
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            assert_ne!(harness.array(id, &words), "", "{}", command.full_name);
            harness.lose(id);
        }
        assert_eq!(contents(&harness), before, "{} is no write", command.full_name);
    }
    harness.server.trie().check();
}
