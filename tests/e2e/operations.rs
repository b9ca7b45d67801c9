//! Settings while a server serves: CONFIG SET, CONFIG REWRITE, SIGHUP.

use super::harness::{Server, wait_until};
use rustix::process::Signal;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

const FILE: &str =
    "# ours\nmax-clients = 70   # few\nmax-bulk = \"1mb\"\n\n# requests\nrequest-log = \"off\"\n";

/// A server with a file of settings in a folder of its own.
struct Configured {
    folder: tempfile::TempDir,
    server: Server,
}

impl Configured {
    fn start(file: &str, flags: &[&str]) -> Configured {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kv.toml");
        fs::write(&path, file).expect("a file");
        let path = path.to_str().expect("a plain path");
        let log = folder.path().join("kv.log");
        let log = log.to_str().expect("a plain path");
        let own = ["--config", path, "--log-file", log, "--log-level", "info"];
        let server = Server::start_with(0, &[&own, flags].concat());
        Configured { folder, server }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The process reads its settings again, and says in its log what came of it.
    fn reload(&self, file: &str, words: &[&str]) {
        fs::write(self.path("kv.toml"), file).expect("a file");
        self.server.signal(Signal::HUP);
        wait_until(&format!("{words:?} in the log"), || {
            let log = self.read("kv.log");
            log.lines().any(|line| words.iter().all(|word| line.contains(word)))
        });
    }
}

#[test]
fn what_was_set_is_written_into_the_file_and_read_at_the_next_start() {
    let Configured { folder, server } = Configured::start(FILE, &[]);
    assert_eq!(server.config("maxclients"), "70");
    assert_eq!(
        server.ask(
            "CONFIG SET maxclients 60 maxmemory 100mb maxmemory-policy allkeys-lru proto-max-bulk-len 2mb"
        ),
        "+OK"
    );
    assert_eq!(server.ask("CONFIG SET slowlog-log-slower-than -1 max-depth 5 tcp-keepalive 60"), "+OK");
    assert_eq!(server.ask("CONFIG REWRITE"), "+OK");
    let path = folder.path().join("kv.toml");
    let written = fs::read_to_string(&path).expect("it is there");
    assert_eq!(
        written,
        "# ours\nmax-clients = 60   # few\nmax-bulk = 2097152\n\n# requests\nrequest-log = \"off\"\ntcp-keepalive = 60\n\
         maxmemory = 104857600\nmaxmemory-policy = \"allkeys-lru\"\nslowlog-log-slower-than = -1\nmax-depth = 5\n"
    );
    let again =
        Server::start_with(0, &["--config", path.to_str().expect("a plain path"), "--log-level", "info"]);
    let names =
        ["maxclients", "maxmemory", "maxmemory-policy", "proto-max-bulk-len", "max-depth", "tcp-keepalive"];
    for name in names {
        assert_eq!(again.config(name), server.config(name), "{name}");
    }
    assert_eq!(again.ask("CONFIG REWRITE"), "+OK");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), written, "nothing differs");
    assert!(server.ask(r#"PUT p:{"a":{"b":{"c":{"d":{"e":{"f":1}}}}}}"#).contains("at most 5 nested"));
}

#[test]
fn a_file_that_is_not_there_or_cannot_be_written_is_told() {
    let server = Server::start();
    assert_eq!(server.ask("CONFIG REWRITE"), "-ERR The server is running without a config file");
    let configured = Configured::start(FILE, &[]);
    fs::remove_file(configured.path("kv.toml")).expect("ours");
    let told = configured.server.ask("CONFIG REWRITE");
    assert!(told.starts_with("-ERR Rewriting config file: ") && told.contains("kv.toml"), "{told}");
}

#[test]
fn values_that_cannot_be_set_change_nothing() {
    let server = Server::start();
    let failed = |name: &str, why: &str| {
        format!("-ERR CONFIG SET failed (possibly related to argument '{name}') - {why}")
    };
    for (line, told) in [
        ("maxclients 0", failed("maxclients", "argument must be between 1 and 4294967295 inclusive")),
        ("maxclients few", failed("maxclients", "argument couldn't be parsed into an integer")),
        ("maxmemory 1 maxmemory 2", failed("maxmemory", "duplicate parameter")),
        ("maxmemory lots", failed("maxmemory", "argument must be a memory value")),
        ("maxmemory 7mb port 1", failed("port", "can't set immutable config")),
        (
            "log-level loud",
            failed(
                "log-level",
                "argument(s) must be one of the following: off, error, warn, info, debug, trace",
            ),
        ),
        ("max-depth 129", failed("max-depth", "argument must be between 1 and 128 inclusive")),
        (
            "maxmemory 7mb nosuch 1",
            "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'".to_owned(),
        ),
        ("maxmemory", "-ERR wrong number of arguments for 'config|set' command".to_owned()),
        ("maxmemory 7mb x", "-ERR syntax error".to_owned()),
    ] {
        assert_eq!(server.ask(&format!("CONFIG SET {line}")), told, "{line}");
    }
    assert_eq!(server.config("maxmemory"), "0");
    let most = server.ask("CONFIG SET maxclients 4294967295");
    assert!(
        most.contains(
            "The operating system is not able to handle the specified number of clients, try with "
        ),
        "{most}"
    );
}

#[test]
fn a_signal_lets_settings_be_read_again() {
    let configured = Configured::start(FILE, &["--max-depth", "9"]);
    let server = &configured.server;
    let mut open = server.connect();
    open.write_all(b"PING\r\n").expect("it reads");
    let mut pong = [0; 7];
    open.read_exact(&mut pong).expect("it is answered");
    configured.reload(
        "max-clients = 1\nmax-depth = 3\nenable-debug-command = true\n",
        &[
            "settings read again: max-clients = 1, request-log = sampled, max-bulk = 536870912",
            "only a restart changes enable-debug-command",
        ],
    );
    // Nobody is sent away, and nobody else is let in.
    let mut surplus = String::new();
    server.connect().read_to_string(&mut surplus).expect("it is told");
    assert_eq!(surplus, "-ERR max number of clients reached\r\n");
    open.write_all(b"PING\r\n").expect("it is open");
    open.read_exact(&mut pong).expect("it is answered");
    // The mistake of a file is told, and all of it is left out.
    configured.reload(
        "max-clients = 5\nmax-depth = \"deep\"\n",
        &["the settings stay as they are", "kv.toml, line 2"],
    );
    let mut surplus = String::new();
    server.connect().read_to_string(&mut surplus).expect("it is told");
    assert_eq!(surplus, "-ERR max number of clients reached\r\n");
    configured.reload("max-clients = 6\n", &["settings read again: max-clients = 6"]);
    assert_eq!(
        (server.config("maxclients").as_str(), server.config("max-depth").as_str()),
        ("6", "9"),
        "a flag wins"
    );
}

#[test]
fn the_password_is_read_again_and_the_log_goes_to_a_new_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let password = folder.path().join("password");
    fs::write(&password, "open sesame\n").expect("a file");
    let flags = ["--password-file", password.to_str().expect("a plain path")];
    let configured = Configured::start("", &flags);
    let server = &configured.server;
    assert_eq!(server.ask("AUTH 'open sesame'"), "+OK");
    fs::write(&password, "open barley\n").expect("a file");
    configured.reload("", &["settings read again: another password"]);
    assert_eq!(server.ask("AUTH 'open barley'"), "+OK");
    assert!(server.ask("AUTH 'open sesame'").starts_with("-WRONGPASS"));
    fs::remove_file(&password).expect("ours");
    configured.reload("", &["the settings stay as they are", "password"]);
    assert_eq!(server.ask("AUTH 'open barley'"), "+OK");
    fs::write(&password, "open barley\n").expect("a file");
    fs::rename(configured.path("kv.log"), configured.path("kv.log.1")).expect("ours");
    configured.reload("", &["nothing changed"]);
    assert!(configured.read("kv.log.1").contains("another password"));
    assert!(!configured.read("kv.log").contains("another password"));
    for log in ["kv.log", "kv.log.1"] {
        assert!(!configured.read(log).contains("barley"), "secrets are in no log");
    }
}
