//! A server with a password.

use super::Harness;
use crate::conn::Machine;
use crate::password::Password;
use crate::proto::command::{COMMANDS, Flags};
use crate::server::ServerConfig;
use crate::server::Settings;
use crate::time::Span;

const REFUSED: &str = "-NOAUTH Authentication required.\r\n";
const WRONG: &str = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

fn harness() -> Harness {
    Harness::with(ServerConfig {
        settings: Settings { password: Password::new(b"sesame"), ..Settings::default() },
        ..ServerConfig::new(1)
    })
}

#[test]
fn nothing_is_done_before_the_password() {
    let mut harness = harness();
    let id = harness.connect();
    for command in COMMANDS.iter().filter(|command| command.flags.contains(Flags::SERVER)) {
        if command.flags.contains(Flags::NO_AUTH) || !command.subcommands.is_empty() {
            continue;
        }
        let count = (command.arity.unsigned_abs() as usize).min(9);
        let mut arguments = vec![&b"k"[..]; count.max(1)];
        arguments[0] = command.name.as_bytes();
        let told = harness.array(id, &arguments);
        assert_eq!(told, REFUSED, "{}", command.name);
    }
    assert_eq!(harness.line(id, "CLIENT SETNAME x"), REFUSED);
    assert_eq!(harness.line(id, "PUT p:{\"a\":1}"), REFUSED);
    assert!(harness.server.trie().is_empty());
    assert_eq!(harness.line(id, "AUTH sesame"), "+OK\r\n");
    assert_eq!(harness.line(id, "SET k v"), "+OK\r\n");
}

#[test]
fn the_password_is_given_in_three_ways() {
    for line in ["AUTH sesame", "AUTH default sesame", "HELLO 3 AUTH default sesame SETNAME me"] {
        let mut harness = harness();
        let id = harness.connect();
        for wrong in ["AUTH Sesame", "AUTH other sesame", "AUTH default sesam", "HELLO 2 AUTH default x"] {
            assert_eq!(harness.line(id, wrong), WRONG, "{wrong}");
        }
        assert!(
            harness.line(id, "HELLO 3").starts_with("-NOAUTH HELLO must be called with the client already")
        );
        let told = harness.line(id, line);
        assert!(told.starts_with("+OK") || told.starts_with("%7"), "{told}");
        assert_eq!(harness.line(id, "PING"), "+PONG\r\n");
        // Who is in and gives a wrong one stays in, as in Redis.
        assert_eq!(harness.line(id, "AUTH wrong"), WRONG);
        assert_eq!(harness.line(id, "PING"), "+PONG\r\n");
        assert_eq!(harness.line(id, "RESET"), "+RESET\r\n");
        assert_eq!(harness.line(id, "PING"), REFUSED);
        assert_eq!(harness.line(id, "QUIT"), "+OK\r\n");
    }
}

#[test]
fn strangers_may_send_little() {
    let mut harness = harness();
    let id = harness.connect();
    let told = harness.send(id, b"*11\r\n");
    assert_eq!(told, b"-ERR Protocol error: unauthenticated multibulk length\r\n");
    let id = harness.connect();
    let told = harness.send(id, b"*2\r\n$4\r\nAUTH\r\n$16385\r\n");
    assert_eq!(told, b"-ERR Protocol error: unauthenticated bulk length\r\n");
    // What comes behind the password in the same piece is no stranger's.
    let id = harness.connect();
    let long = format!("AUTH sesame\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000\r\n{}\r\n", "v".repeat(20_000));
    assert_eq!(harness.send(id, long.as_bytes()), b"+OK\r\n+OK\r\n");
}

#[test]
fn strangers_have_five_seconds() {
    let mut harness = harness();
    let (silent, known, again) = (harness.connect(), harness.connect(), harness.connect());
    assert_eq!(harness.line(known, "AUTH sesame"), "+OK\r\n");
    assert_eq!(harness.line(again, "AUTH sesame"), "+OK\r\n");
    for _ in 0..100 {
        assert_eq!(harness.line(again, "RESET"), "+RESET\r\n");
        assert_eq!(harness.line(again, "AUTH sesame"), "+OK\r\n");
    }
    let due = harness.server.poll_timeout().expect("somebody is waited for");
    assert_eq!(due, harness.now.time + Span::from_secs(5));
    harness.now.time = due;
    harness.server.handle_timeout(harness.now, &mut harness.net);
    assert!(!harness.net.is_live(silent) && harness.net.is_live(known) && harness.net.is_live(again));
    assert_eq!(harness.line(known, "PING"), "+PONG\r\n");
    // Locked again later, it has its five seconds again.
    assert_eq!(harness.line(again, "RESET"), "+RESET\r\n");
    harness.now.time = due + Span::from_secs(4);
    harness.server.handle_timeout(harness.now, &mut harness.net);
    assert!(harness.net.is_live(again));
    harness.now.time = due + Span::from_secs(5);
    harness.server.handle_timeout(harness.now, &mut harness.net);
    assert!(!harness.net.is_live(again));
}

#[test]
fn the_password_is_shown_to_nobody() {
    let mut harness = harness();
    let id = harness.connect();
    assert_eq!(harness.line(id, "AUTH sesame"), "+OK\r\n");
    let told = harness.line(id, "CONFIG GET *")
        + &harness.line(id, "INFO everything")
        + &harness.line(id, "CLIENT LIST");
    assert!(!told.contains("sesame"), "{told}");
    assert!(!format!("{:?}", harness.server).contains("sesame"));
}
