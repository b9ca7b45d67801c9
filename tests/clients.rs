//! Existing Redis clients and tools against `kv-server`: they connect, work, and complain about nothing.
//!
//! `.ci/run` installs them. Where one is absent its test says SKIPPED, and fails instead with `REQUIRE_PEERS=1`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

struct Server {
    child: Child,
    port: String,
}

impl Server {
    fn start() -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kv-server"))
            .args(["-a", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("kv-server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let port = line.trim().rsplit(':').next().expect("an address").to_owned();
        Server { child, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `.ci/run` installed under `target/peers`.
fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers")
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// Whether to go on without a peer: says SKIPPED, or fails where peers are required.
fn absent(peer: &str) {
    assert!(
        std::env::var_os("REQUIRE_PEERS").is_none(),
        "{peer} is required and absent: .ci/run installs it"
    );
    println!("SKIPPED: {peer} is not installed");
}

fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().expect("it was there a moment ago");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {stdout}{stderr}");
    assert_eq!(stderr, "", "{command:?} warns");
    output
}

#[test]
fn redis_py() {
    let ours = peers().join("venv/bin/python");
    let python = if ours.exists() { ours } else { PathBuf::from("python3") };
    if !works(Command::new(&python).args(["-c", "import redis"])) {
        return absent("redis-py");
    }
    let server = Server::start();
    succeeds(Command::new(&python).arg(script("redis_py.py")).arg(&server.port));
}

#[test]
fn ioredis_and_node_redis() {
    for module in ["ioredis", "redis"] {
        let modules = peers().join("node_modules");
        let there = works(
            Command::new("node").env("NODE_PATH", &modules).args(["-e", &format!("require('{module}')")]),
        );
        if !there {
            absent(module);
            continue;
        }
        let server = Server::start();
        let name = if module == "ioredis" { "ioredis.js" } else { "node_redis.js" };
        succeeds(Command::new("node").env("NODE_PATH", &modules).arg(script(name)).arg(&server.port));
    }
}

/// The `redis` crate: both dialects, pipelines, transactions, documents.
#[test]
fn redis_crate() {
    let server = Server::start();
    for dialect in ["resp2", "resp3"] {
        let url = format!("redis://127.0.0.1:{}/?protocol={dialect}", server.port);
        let mut connection =
            redis::Client::open(url).and_then(|client| client.get_connection()).expect("connects");
        speak(&mut connection).unwrap_or_else(|error| panic!("{dialect}: {error}"));
    }
}

fn speak(connection: &mut redis::Connection) -> redis::RedisResult<()> {
    use redis::{Commands, cmd, pipe, transaction};
    let _: () = cmd("FLUSHALL").query(connection)?;
    let _: () = connection.set("k", "v")?;
    assert_eq!(connection.get::<_, Option<String>>("k")?.as_deref(), Some("v"));
    assert_eq!(connection.get::<_, Option<String>>("nosuch")?, None);
    assert_eq!(connection.incr::<_, _, i64>("n", 5)?, 5);
    let _: () = connection.set_ex("timed", 1, 100)?;
    assert!((1..=100).contains(&connection.ttl::<_, i64>("timed")?));
    let (values, count): (Vec<i64>, i64) = pipe()
        .cmd("SET")
        .arg("a")
        .arg(1)
        .ignore()
        .cmd("MGET")
        .arg("a")
        .arg("n")
        .cmd("DBSIZE")
        .query(connection)?;
    assert_eq!((values, count), (vec![1, 5], 4));
    let (value,): (i64,) = transaction(connection, &["n"], |connection, pipe| {
        let before: i64 = connection.get("n")?;
        pipe.set("n", before * 2).ignore().get("n").query(connection)
    })?;
    assert_eq!(value, 10);
    let document = r#"{"name":"Ann","tags":[1,2]}"#;
    let _: () = cmd("JSON.SET").arg("d").arg("$").arg(document).query(connection)?;
    let _: Vec<i64> = cmd("JSON.ARRAPPEND").arg("d").arg("$.tags").arg(3).query(connection)?;
    let tags: String = cmd("JSON.GET").arg("d").arg("$.tags").query(connection)?;
    assert_eq!(tags, "[[1,2,3]]");
    let mut keys: Vec<String> = connection.scan()?.collect::<redis::RedisResult<_>>()?;
    keys.sort();
    assert_eq!(keys, ["a", "d", "k", "n", "timed"]);
    let unknown = cmd("LPUSH").arg("l").arg("x").query::<()>(connection).expect_err("there are no lists");
    assert!(unknown.to_string().contains("unknown command"), "{unknown}");
    Ok(())
}

#[test]
fn redis_cli() {
    if !works(Command::new("redis-cli").arg("--version")) {
        return absent("redis-cli");
    }
    let server = Server::start();
    let cli = |arguments: &[&str]| {
        let output = succeeds(Command::new("redis-cli").args(["-p", &server.port]).args(arguments));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    };
    assert_eq!(cli(&["ping"]), "PONG");
    assert_eq!(cli(&["set", "k", "v"]), "OK");
    assert_eq!(cli(&["get", "k"]), "v");
    assert_eq!(cli(&["-3", "get", "k"]), "v");
    assert_eq!(cli(&["put", "d", r#"{"a":{"b":[1,2.5,"x"]}}"#]), "CREATED");
    assert_eq!(cli(&["get", "d"]), r#"{"a":{"b":[1,2.5,"x"]}}"#);
    assert_eq!(cli(&["--json", "query", "d.a"]), r#"{"b":[1,2.5,"x"]}"#);
    assert_eq!(cli(&["type", "d"]), "ReJSON-RL");
    assert_eq!(cli(&["dbsize"]), "2");
    assert_eq!(cli(&["json.get", "d", "$.a.b[1:]"]), "[2.5,\"x\"]");
    assert!(cli(&["--bigkeys"]).contains("Biggest string found"));
    assert!(cli(&["--memkeys"]).contains("bytes"));
    assert!(cli(&["command", "docs", "set"]).contains("comparison-value"));
    assert_eq!(cli(&["--scan"]).lines().count(), 2);
    assert!(cli(&["info", "server"]).contains("redis_version:"));
    assert!(cli(&["nosuch", "x"]).contains("ERR unknown command 'nosuch', with args beginning with: 'x'"));
}

#[test]
fn redis_benchmark() {
    if !works(Command::new("redis-benchmark").arg("--version")) {
        return absent("redis-benchmark");
    }
    let server = Server::start();
    let output = succeeds(Command::new("redis-benchmark").args([
        "-p",
        &server.port,
        "-n",
        "2000",
        "-c",
        "20",
        "-P",
        "4",
        "-q",
        "-t",
        "ping,set,get,incr,mset",
    ]));
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "\n");
    for test in ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"] {
        assert!(
            text.lines().any(|line| line.starts_with(test) && line.contains("requests per second")),
            "{text}"
        );
    }
    assert!(!text.contains("WARNING") && !text.to_lowercase().contains("error"), "{text}");
}
