use super::Harness;
use crate::conn::Machine;
use crate::server::Settings;
use crate::server::{RequestLog, ServerConfig};
use crate::time::Span;
use log::{LevelFilter, Log, Metadata, Record};
use std::cell::RefCell;

/// Keeps what this thread logs while it asks for it: tests run beside each other in one process.
struct Capture;

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

impl Log for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "request" && LINES.with_borrow(Option::is_some)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            LINES.with_borrow_mut(|lines| lines.as_mut().expect("just seen").push(record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

fn logging(mode: RequestLog) -> Harness {
    // The first test to come here sets it for all.
    let _ = log::set_logger(&Capture);
    log::set_max_level(LevelFilter::Info);
    LINES.set(Some(vec![]));
    Harness::with(ServerConfig {
        settings: Settings { request_log: mode, ..Settings::default() },
        ..ServerConfig::new(1)
    })
}

fn lines() -> Vec<String> {
    LINES.with_borrow_mut(|lines| std::mem::take(lines.as_mut().expect("a test that logs")))
}

#[test]
fn lines_show_who_what_and_which_key_but_no_value() {
    let mut harness = logging(RequestLog::All);
    let id = harness.connect();
    harness.line(id, "SET k hunter2");
    harness.line(id, "MSET a hunter2 b hunter2");
    harness.line(id, "PUT p1:{\"password\":\"hunter2\"}");
    harness.line(id, "PUT p1 hunter2");
    harness.line(id, "QUERY p1.password");
    harness.line(id, "COMPUTE 1+1");
    harness.line(id, "hunter \u{1b}x");
    harness.array(id, &[b"GET", b"a b\r\n\xff"]);
    let lines = lines();
    let shown: Vec<&str> =
        lines.iter().map(|line| line.strip_prefix("127.0.0.1:40000 ").expect("a peer")).collect();
    assert_eq!(
        shown,
        [
            "SET k",
            "MSET a and 1 more",
            "PUT p1",
            "PUT",
            "QUERY p1.password",
            "COMPUTE",
            "hunter (unknown)",
            "GET \"a b\\r\\n\\xff\"",
        ]
    );
}

#[test]
fn sampled_counts_what_is_beyond_200_a_second() {
    let mut harness = logging(RequestLog::Sampled);
    let id = harness.connect();
    harness.send(id, &b"PING\r\n".repeat(1_000));
    assert_eq!(lines().len(), 200);
    let due = harness.server.poll_timeout().expect("a count to be written");
    harness.now.time = due;
    harness.server.handle_timeout(harness.now, &mut harness.net);
    assert_eq!(lines(), ["and 800 more requests within a second"]);
    assert_eq!(harness.server.poll_timeout(), None, "an idle server asks for no timer");
    harness.line(id, "PING");
    assert_eq!(lines().len(), 1);
    harness.now.time = harness.now.time + Span::from_secs(5);
    harness.line(id, "PING");
    assert_eq!(lines().len(), 1);
}

#[test]
fn off_is_off() {
    let mut harness = logging(RequestLog::Off);
    let id = harness.connect();
    harness.send(id, &b"PING\r\n".repeat(1_000));
    assert_eq!(lines(), [""; 0]);
    assert_eq!(harness.server.poll_timeout(), None);
}
