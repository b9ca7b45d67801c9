//! Bytes of nobody's making: they are answered, refused or waited for, and the server goes on.

use super::Harness;
use crate::proto::cluster::{Request, Role, ViewId};
use crate::proto::command::{COMMANDS, CommandId};
use crate::record::{Ballot, Kind, Slot, Version};
use crate::rng::Rng;
use crate::server::ServerBugs;

/// Words that lead far into the handlers.
const WORDS: &[&[u8]] = &[
    b"",
    b"0",
    b"1",
    b"-1",
    b"k",
    b"a.b",
    b"$.a[0]",
    b"[",
    b"\xff",
    b"{}",
    b"{\"a\":[1,{}]}",
    b"{\"a\":",
    b"*",
    b"h[",
    b"18446744073709551615",
    b"9223372036854775808",
    b"EX",
    b"GET",
    b"MATCH",
    b"COUNT",
    b"HELP",
    b"AUTH",
    b"x",
    b"1.1 1:m:1",
    b"7.2 1:m:2 2:l:9",
    b"0.0",
    b"00000000000000010000000000000001",
    b"s",
    b"d",
    b"V",
];

fn word(rng: &mut Rng) -> Vec<u8> {
    match rng.below(20) {
        0 => vec![b'x'; rng.index(70_000)],
        1 => (0..rng.index(40)).map(|_| rng.next_u64() as u8).collect(),
        _ => WORDS[rng.index(WORDS.len())].to_vec(),
    }
}

#[test]
fn random_arguments_break_nothing() {
    for seed in 0..40 {
        let mut rng = Rng::from_seed(seed);
        let mut harness = Harness::new();
        let mut id = harness.connect();
        let witness = harness.connect();
        for _ in 0..300 {
            let command = &COMMANDS[rng.index(COMMANDS.len())];
            // Those that leave requests or their answers for later, or end the process, have tests of their own.
            let later = [CommandId::Multi, CommandId::Shutdown, CommandId::Monitor, CommandId::Client];
            if later.contains(&command.id) {
                continue;
            }
            let mut args = vec![command.name.as_bytes().to_vec()];
            if !command.subcommands.is_empty() && rng.percent(80) {
                args.push(command.subcommands[rng.index(command.subcommands.len())].name.as_bytes().to_vec());
            }
            (0..rng.index(6)).for_each(|_| args.push(word(&mut rng)));
            let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
            let reply = harness.array(id, &args);
            assert!(reply.ends_with("\r\n"), "{args:?} is answered");
            if harness.is_closed(id) {
                assert!(reply.starts_with("+OK"), "only QUIT closes: {args:?}");
                id = harness.connect();
            }
        }
        assert_eq!(harness.line(witness, "PING"), "+PONG\r\n");
        harness.server.trie().check();
    }
}

#[test]
fn random_bytes_break_nothing() {
    const PIECES: &[&[u8]] = &[
        b"*",
        b"$",
        b"\r\n",
        b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
        b"3",
        b"-1",
        b"PUT k:{\"a\":1}\r\n",
        b"QUERY k.a\r\n",
        b"\"",
        b"PING\r\n",
        b"\n",
        b"SET k v\r\n",
        b" ",
        b"COMPUTE 1/(2-",
        b"DELETE k\r\n",
        b"\0",
    ];
    for seed in 0..200 {
        let mut rng = Rng::from_seed(seed);
        let mut harness = Harness::new();
        for _ in 0..20 {
            let id = harness.connect();
            for _ in 0..30 {
                harness.send(id, PIECES[rng.index(PIECES.len())]);
            }
            if !harness.is_closed(id) {
                harness.lose(id);
            }
        }
        assert_eq!(harness.server.sessions.len(), 0);
        harness.server.trie().check();
    }
}

/// A cluster's messages with some bytes changed: refused or done, never the server's end.
#[test]
fn damaged_messages_break_nothing() {
    let (mut harness, _) = Harness::clustered(ServerBugs::None);
    let view = ViewId { life: 7, number: 1 };
    let (key, version) = (&b"key"[..], Version::new(Ballot::new(3, 1), 5));
    let slot = Slot::of(key);
    let (ballot, kind, body) = (version.ballot(), Kind::Document, &br#"{"a":1}"#[..]);
    let next = harness.seated(2, Role::Member, 1);
    let base = harness.server.view().clone();
    let messages = [
        Request::Ping { view },
        Request::Store { view, ballot, slot, version, key, kind, body },
        Request::Get { view, slot, key, version_only: false },
        Request::Sync { since: 1, slot, bytes: 10, after: Some(key) },
        Request::ViewPrepare { base: base.clone(), ballot },
        Request::ViewAccept { base, ballot, incarnation: harness.server.incarnation(), view: next.clone() },
        Request::View { view: next },
    ];
    let mut hello = vec![];
    Request::Hello { cluster: 0xc1, process: 9 }.write(&mut hello);
    let mut rng = Rng::from_seed(5);
    for _ in 0..5_000 {
        let mut bytes = vec![];
        messages[rng.index(messages.len())].write(&mut bytes);
        // Digits and letters only: the frame stays whole.
        for _ in 0..1 + rng.index(3) {
            let at = rng.index(bytes.len());
            if bytes[at].is_ascii_alphanumeric() && bytes[at - 1] != b'$' && bytes[at - 1] != b'*' {
                bytes[at] = b"0159afmlosdx"[rng.index(12)];
            }
        }
        // A connection of its own each: a changed length may leave one waiting for ever.
        let id = harness.connect();
        harness.send(id, &hello);
        harness.send(id, &bytes);
        if !harness.is_closed(id) {
            harness.lose(id);
        }
    }
    let calls = |id: CommandId| harness.server.stats.by_command[id.index()];
    let all = [CommandId::ClusterStore, CommandId::ClusterView, CommandId::ClusterViewAccept];
    assert!(all.into_iter().all(|id| calls(id).calls > 300), "most messages are still messages");
    assert!(all.into_iter().all(|id| calls(id).failed > 30), "and some make no sense");
    assert_eq!(harness.server.sessions.len(), 1);
    harness.server.trie().check();
}
