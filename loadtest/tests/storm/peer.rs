//! The same against redis-server, where the machine has one.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{number, run, whole};

/// A redis-server of the test's own.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    /// How many keys it holds.
    fn stored(&self) -> u64 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"DBSIZE\r\nQUIT\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply.lines().next().and_then(|line| line.strip_prefix(':')).unwrap().parse().unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `None` where there is no redis-server; then the test is skipped, or fails where peers are required.
fn start_redis() -> Option<Redis> {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let arguments = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()];
    let mut command = Command::new("redis-server");
    match command.args(arguments).current_dir(std::env::temp_dir()).stdout(Stdio::null()).spawn() {
        Ok(child) => {
            let redis = Redis { child, port };
            let begun = Instant::now();
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(begun.elapsed() < Duration::from_secs(20), "redis-server does not listen");
                std::thread::yield_now();
            }
            Some(redis)
        }
        Err(error) if std::env::var("REQUIRE_PEERS").is_ok_and(|value| value == "1") => {
            panic!("REQUIRE_PEERS=1, and redis-server does not start: {error}")
        }
        Err(error) => {
            println!("SKIPPED: redis-server does not start: {error}");
            None
        }
    }
}

#[test]
fn redis_answers_all_of_it() {
    let Some(redis) = start_redis() else { return };
    let pid = redis.child.id();
    let arguments = format!("-n 50000 -P 16 -r 1000 --ratio 1:1 --prefill --verify --pid {pid}");
    for protocol in ["", "--resp3"] {
        let (result, code) = run(redis.port, &format!("{arguments} {protocol}"));
        assert_eq!((code, whole(&result, "requests")), (0, 50_000), "{result}");
        assert_eq!(whole(&result["operations"][0], "misses"), 0);
        assert!(number(&result["watched"][0], "cpu_us_per_request") > 0.0, "{result}");
    }
    for command in ["ping", "mget", "mset", "del", "exists"] {
        let (result, code) = run(redis.port, &format!("-n 1000 --command {command}"));
        assert_eq!((code, whole(&result, "requests")), (0, 1_000), "{result}");
    }
    let (result, code) = run(redis.port, "--duration 0.3 --warmup 0.1 -r 1000");
    assert_eq!(code, 0, "{result}");
    assert!(number(&result, "seconds") >= 0.3, "{result}");
}

#[test]
fn a_killed_redis_is_waited_for_and_its_absence_measured() {
    let Some(mut redis) = start_redis() else { return };
    let mut load = crate::command(redis.port, "--duration 4 --warmup 0 --command set -c 5")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while redis.stored() < 100 {
        assert!(load.try_wait().unwrap().is_none(), "it ended early");
        std::thread::yield_now();
    }
    redis.child.kill().unwrap();
    let (result, code) = crate::result(&load.wait_with_output().unwrap());
    assert_eq!((code, &result["ending"]), (1, &"finished".into()), "{result}");
    // A dial may still be taken by one that is dying.
    assert!(whole(&result, "connections_lost") >= 5, "{result}");
    assert!(whole(&result, "requests") > 0);
    let (gap, at) = (number(&result, "longest_gap_ms") / 1e3, number(&result, "longest_gap_at_s"));
    assert!((at + gap - number(&result, "seconds")).abs() < 0.01, "silence to the end counts: {result}");
}
