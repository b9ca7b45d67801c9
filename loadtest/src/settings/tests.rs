use clap::Parser as _;

use super::*;

fn settings(line: &str) -> Result<Settings, String> {
    let words = std::iter::once("loadtest").chain(line.split_whitespace());
    Options::try_parse_from(words).map_err(|error| error.to_string())?.settings()
}

#[test]
fn nonsense_is_refused_with_a_reason() {
    for (line, reason) in [
        ("-c 0", "-c 0: at least 1"),
        ("-P 0", "-P 0: at least 1"),
        ("-r 0", "-r 0: at least 1"),
        ("-n 0", "-n 0: at least 1"),
        ("-p 0", "-p 0: at least 1"),
        ("--threads 0", "--threads 0: at least 1"),
        ("--threads 8 -c 7", "too few"),
        ("--threads 8 -r 7", "too few"),
        ("-d 536870913", "-d 536870913: not in"),
        ("-d 536870912 -P 3", "-P times the values"),
        ("-d 1000000 -P 2 --command mset --keys-per-request 1000", "-P times the values"),
        ("-d 9..1", "smaller size comes first"),
        ("-d @/no/such/file", "/no/such/file"),
        ("--duration 0", "--duration 0: nothing"),
        ("--duration x", "not a number of seconds"),
        ("--duration -1", "not in 0 seconds"),
        ("--duration NaN", "not in 0 seconds"),
        ("--timeout 0", "--timeout 0"),
        ("--interval 0", "--interval 0"),
        ("--ratio 0:0", "neither reads nor writes"),
        ("--ratio 9", "expected reads:writes"),
        ("--ratio=-1:1", "expected reads:writes"),
        ("--ratio 1:1 --command get", "cannot be used with"),
        ("--mix get", "expected NAME=WEIGHT"),
        ("--mix get=0", "nothing has a weight"),
        ("--mix got=5", "unknown command"),
        ("--ycsb g", "expected A, B, C, D, E or F"),
        ("--command gte", "--command: unknown command"),
        ("--command 0%get", "is no share"),
        ("--distribution zipf", "expected uniform"),
        ("--records /no/such/file", "/no/such/file"),
        ("--verify --command ping", "neither GET nor SET"),
        ("--verify --mix get=1,del=1", "there is del"),
        ("--verify -d 27", "28 bytes or more"),
        ("--prefill=ping", "writes no {key}"),
        ("--prefill=mset", "one key a request"),
        ("--keys-per-request 0", "--keys-per-request 0"),
        ("--pid 4294967295", "--pid 4294967295"),
        ("-c -3", "invalid value '-3'"),
        ("--rate 0", "nothing is ever sent"),
        ("--rate 1k..2k", "needs its time"),
        ("--poisson", "--rate"),
        ("--connect-storm x", "expected a number of connects"),
        ("--churn 0", "--churn 0: at least 1"),
        ("--against localhost", "expected HOST:PORT"),
        ("--against 127.0.0.1:0", "expected HOST:PORT"),
        ("--start-server -p 5", "cannot be used with"),
    ] {
        let error = settings(line).expect_err(line);
        assert!(error.contains(reason), "{line}: {error}");
    }
    for (fault, more, reason) in [
        ("1s kill -STOP server", "", "--start-server starts"),
        ("11s kill -STOP 2147483647", "", "behind the end"),
        ("1s kill -STOP 2147483647", "", "process 2147483647"),
        ("1s kill -STOP server", "--start-server --against 127.0.0.1:1", "cannot be done to all"),
    ] {
        let words = ["loadtest", "--fault", fault].into_iter().chain(more.split_whitespace());
        let error = Options::try_parse_from(words).unwrap().settings().expect_err(fault);
        assert!(error.contains(reason), "{fault}: {error}");
    }
}

#[test]
fn defaults_depend_on_what_ends_the_run() {
    let timed = settings("").unwrap();
    assert_eq!((timed.job.duration, timed.job.requests), (Some(DEFAULT_DURATION), None));
    assert_eq!((timed.job.warmup, timed.job.interval), (DEFAULT_WARMUP, INTERVAL_MIN));
    assert_eq!(timed.echo.workload, "get:set 9:1");
    let counted = settings("-n 5").unwrap();
    assert_eq!((counted.job.duration, counted.job.requests), (None, Some(5)));
    assert_eq!(counted.job.warmup, Duration::ZERO);
    let both = settings("-n 5 --duration 2.5s --warmup 0.5").unwrap();
    assert_eq!((both.job.duration, both.job.requests), (Some(Duration::from_millis(2_500)), Some(5)));
    assert_eq!(both.job.warmup, Duration::from_millis(500));
    let staged = settings("--rate 1k/2s,2k..3k/40s").unwrap();
    assert_eq!(staged.job.duration, Some(Duration::from_secs(42)));
    assert_eq!(staged.job.interval, Duration::from_millis(420));
    let endless = settings("--rate 1k/2s,2k").unwrap();
    assert_eq!(endless.job.duration, Some(DEFAULT_DURATION));
}

#[test]
fn work_is_what_the_flags_say() {
    let names = |line: &str| settings(line).unwrap().job.work.names_of_operations();
    assert_eq!(names("--ratio 1:0"), ["get"]);
    assert_eq!(names("--ratio 0:1"), ["set"]);
    assert_eq!(names("--mix get=1,set=0,rmw=2"), ["get", "rmw-get", "rmw-set"]);
    assert_eq!(names("--ycsb f"), ["get", "rmw-get", "rmw-set"]);
    assert_eq!(names("--ycsb E"), ["range", "insert"]);
    let filled = settings("-r 7 --prefill").unwrap().job.work;
    assert_eq!((filled.filling.is_some(), filled.keys), (true, 7));
    let ycsb = settings("--ycsb d -d 10").unwrap();
    assert_eq!(
        (ycsb.echo.values.as_str(), ycsb.echo.workload.as_str()),
        ("10 bytes", "YCSB D (read latest)")
    );
    assert!(ycsb.echo.distribution.starts_with("latest"));
    let words = ["loadtest", "--command", "90% GET {key}", "--command", "10% SET {key} {value}", "--verify"];
    let two = Options::try_parse_from(words).unwrap().settings().unwrap();
    assert_eq!(two.job.work.names_of_operations(), ["GET {key}", "SET {key} {value}"]);
    assert_eq!(two.echo.workload, "90 GET {key}, 10 SET {key} {value}");
    let storm = settings("--connect-storm 50/2s --idle 3").unwrap().job.wiring.crowd;
    assert_eq!((storm.counts, storm.storm_nanos), ([3, 0, 0, 0, 50], 2_000_000_000));
}

#[test]
fn a_command_line_is_told_as_one_would_type_it() {
    assert_eq!(["-p", "1s kill 5", "", "a'b"].map(quoted), ["-p", "'1s kill 5'", "''", r"'a'\''b'"]);
}
