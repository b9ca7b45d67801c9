//! How long commands take, by a stopwatch that goes on a millisecond at each look.

use super::*;
use std::cell::Cell;

thread_local! {
    /// Each test looks at its own.
    static MILLIS: Cell<u64> = const { Cell::new(0) };
}

fn stopwatch() -> Time {
    Time::ZERO + Span::from_millis(MILLIS.replace(MILLIS.get() + 1))
}

fn measured() -> (Harness, ConnId) {
    let mut harness = Harness::with(ServerConfig { stopwatch, ..ServerConfig::new(1) });
    let id = harness.connect();
    (harness, id)
}

#[test]
fn slow_commands_are_kept_with_their_arguments() {
    let (mut harness, id) = measured();
    harness.line(id, "KEYS none");
    assert_eq!(harness.line(id, "SLOWLOG LEN"), ":0\r\n", "10 ms are slow");
    assert_eq!(harness.line(id, "CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 2"), "+OK\r\n");
    harness.line(id, "SLOWLOG RESET");
    harness.line(id, "CLIENT SETNAME me");
    let long = "x".repeat(200);
    harness.line(id, &format!("KEYS {long}"));
    let log = harness.line(id, "SLOWLOG GET 1");
    assert!(log.starts_with("*1\r\n*6\r\n:"), "{log}");
    assert!(log.contains(&format!("{}... (72 more bytes)", "x".repeat(128))), "{log}");
    assert!(log.contains("\r\n127.0.0.1:40000\r\n$2\r\nme\r\n"), "{log}");
    let many = format!("DEL{}", " k".repeat(40));
    harness.line(id, &many);
    assert!(harness.line(id, "SLOWLOG GET 1").contains("... (10 more arguments)"));
    assert_eq!(harness.line(id, "SLOWLOG LEN"), ":2\r\n");
    assert_eq!(
        harness.line(id, "CONFIG SET slowlog-max-len 0") + &harness.line(id, "SLOWLOG GET -1"),
        "+OK\r\n*0\r\n"
    );
    assert_eq!(harness.line(id, "CONFIG SET slowlog-log-slower-than -1"), "+OK\r\n");
}

#[test]
fn times_are_counted() {
    let (mut harness, id) = measured();
    (0..10).for_each(|_| drop(harness.line(id, "KEYS none")));
    // Of the fast ones one in 16 is measured and stands for all.
    (0..32).for_each(|_| drop(harness.line(id, "GET none")));
    let info = harness.line(id, "INFO commandstats latencystats");
    assert!(info.contains("cmdstat_keys:calls=10,usec=10000,usec_per_call=1000.00,"), "{info}");
    assert!(info.contains("cmdstat_get:calls=32,usec=32000,usec_per_call=1000.00,"), "{info}");
    assert!(info.contains("latency_percentiles_usec_keys:p50=1"), "{info}");
    let histogram = harness.line(id, "LATENCY HISTOGRAM keys client nosuch");
    assert!(
        histogram.starts_with("*2\r\n$4\r\nkeys\r\n*4\r\n$5\r\ncalls\r\n:10\r\n$14\r\nhistogram_usec\r\n"),
        "{histogram}"
    );
    assert_eq!(harness.line(id, "CONFIG RESETSTAT"), "+OK\r\n");
    assert!(!harness.line(id, "INFO commandstats").contains("cmdstat_keys"));
    assert_eq!(harness.line(id, "LATENCY LATEST") + &harness.line(id, "LATENCY RESET"), "*0\r\n:0\r\n");
}
