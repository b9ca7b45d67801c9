//! What the differential test cannot ask of Redis 7.0: IFEQ, documents where strings are wanted, long strings, limits.

use super::Harness;

#[test]
fn a_string_is_set_or_deleted_if_it_is_equal() {
    let mut harness = Harness::new();
    let id = harness.connect();
    harness.put(id, "d:{}");
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(line("SET k 1 IFEQ 1"), "$-1\r\n", "what is not there is not equal");
    assert_eq!(line("SET k 1") + &line("SET k 2 IFEQ 0") + &line("SET k 2 IFEQ 1"), "+OK\r\n$-1\r\n+OK\r\n");
    assert_eq!(line("SET k 3 IFEQ 2 GET") + &line("SET k 4 IFEQ 2 GET"), "$1\r\n2\r\n$1\r\n3\r\n");
    assert_eq!(
        line("SET k 4 IFEQ 3 NX") + &line("SET k 4 IFEQ"),
        "-ERR syntax error\r\n-ERR syntax error\r\n"
    );
    assert_eq!(line("DELIFEQ k 2") + &line("DELIFEQ k 3") + &line("DELIFEQ k 3"), ":0\r\n:1\r\n:0\r\n");
    assert!(
        line("DELIFEQ d x").starts_with("-WRONGTYPE") && line("SET d x IFEQ y").starts_with("-WRONGTYPE")
    );
}

#[test]
fn documents_are_no_strings() {
    let mut harness = Harness::new();
    let id = harness.connect();
    harness.put(id, "d:{a:1}");
    for line in [
        "APPEND d x",
        "STRLEN d",
        "GETRANGE d 0 1",
        "SETRANGE d 0 x",
        "INCR d",
        "INCRBYFLOAT d 1",
        "SETBIT d 0 1",
        "GETBIT d 0",
    ] {
        assert!(harness.line(id, line).starts_with("-WRONGTYPE "), "{line}");
    }
    assert_eq!(harness.line(id, "LCS d d"), "-ERR The specified keys must contain string values\r\n");
    let json = "$7\r\n{\"a\":1}\r\n";
    assert_eq!(harness.line(id, "GETEX d EX 100"), json);
    assert_eq!(harness.line(id, "COPY d e") + &harness.line(id, "GETSET d x"), format!(":1\r\n{json}"));
    assert_eq!(harness.line(id, "RENAME e f") + &harness.line(id, "GETDEL f"), format!("+OK\r\n{json}"));
    assert_eq!(
        harness.line(id, "OBJECT ENCODING d") + &harness.line(id, "EXISTS e f"),
        "$6\r\nembstr\r\n:0\r\n"
    );
}

#[test]
fn long_strings_are_edited_in_place() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let long = vec![b'x'; 100_000];
    harness.array(id, &[b"SET", b"k", &long]);
    assert_eq!(harness.line(id, "APPEND k yz") + &harness.line(id, "STRLEN k"), ":100002\r\n:100002\r\n");
    assert_eq!(
        harness.line(id, "GETRANGE k 99999 -1") + &harness.line(id, "SETRANGE k 50000 ab"),
        "$3\r\nxyz\r\n:100002\r\n"
    );
    assert_eq!(harness.line(id, "GETRANGE k 49999 50002"), "$4\r\nxabx\r\n");
    assert_eq!(harness.line(id, "SETBIT k 800023 1") + &harness.line(id, "GETBIT k 800023"), ":0\r\n:1\r\n");
    assert_eq!(harness.line(id, "OBJECT ENCODING k"), "$3\r\nraw\r\n");
    let usage = harness.line(id, "MEMORY USAGE k");
    assert!(
        usage.trim_start_matches(':').trim_end().parse::<usize>().expect("a number") > 100_000,
        "{usage}"
    );
    assert_eq!(
        harness.line(id, "LCS k k LEN"),
        "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n"
    );
    harness.server.trie().check();
}

#[test]
fn what_operators_ask() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(line("TIME"), "*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n");
    assert!(line("LOLWUT").contains("Redis ver. 7"));
    assert_eq!(line("WAIT 1 100") + &line("FUNCTION FLUSH"), ":0\r\n+OK\r\n");
    assert!(line("MODULE LIST").contains("ReJSON"));
    assert!(line("MEMORY STATS").contains("keys.count") && line("MEMORY DOCTOR").contains("in use"));
    assert_eq!(line("MEMORY USAGE nosuch") + &line("OBJECT FREQ nosuch"), "$-1\r\n$-1\r\n");
    assert_eq!(
        line("COMMAND GETKEYSANDFLAGS SET k v"),
        "*1\r\n*2\r\n$1\r\nk\r\n*4\r\n+RW\r\n+access\r\n+update\r\n+variable_flags\r\n"
    );
    assert!(
        line("OBJECT HELP").contains("+OBJECT <subcommand>") && line("LATENCY HELP").contains("HISTOGRAM")
    );
}
