use super::Harness;

fn with_connection() -> (Harness, crate::conn::ConnId) {
    let mut harness = Harness::new();
    let id = harness.connect();
    (harness, id)
}

#[test]
fn strings() {
    let (mut harness, id) = with_connection();
    assert_eq!(harness.line(id, "SET k v"), "+OK\r\n");
    assert_eq!(harness.line(id, "get k"), "$1\r\nv\r\n");
    assert_eq!(harness.line(id, "GET nosuch"), "$-1\r\n");
    assert_eq!(harness.array(id, &[b"SET", b"\xff\x00", b""]), "+OK\r\n");
    assert_eq!(harness.array(id, &[b"GET", b"\xff\x00"]), "$0\r\n\r\n");
    assert_eq!(harness.line(id, "MSET a 1 b 2 a 3"), "+OK\r\n");
    harness.put(id, "d:{x:1}");
    assert_eq!(
        harness.line(id, "MGET a b nosuch d"),
        "*4\r\n$1\r\n3\r\n$1\r\n2\r\n$-1\r\n$7\r\n{\"x\":1}\r\n"
    );
    assert_eq!(harness.line(id, "MSET a"), "-ERR wrong number of arguments for 'mset' command\r\n");
    assert_eq!(harness.line(id, "MSET a 1 b"), "-ERR wrong number of arguments for 'mset' command\r\n");
    let long = vec![b'x'; 300_000];
    assert_eq!(harness.array(id, &[b"SET", b"long", &long]), "+OK\r\n");
    assert_eq!(harness.array(id, &[b"GET", b"long"]).len(), 300_000 + "$300000\r\n\r\n".len());
}

#[test]
fn keys_have_a_length() {
    let (mut harness, id) = with_connection();
    let longest = vec![b'k'; 65_535];
    assert_eq!(harness.array(id, &[b"SET", &longest, b"v"]), "+OK\r\n");
    let longer = vec![b'k'; 65_536];
    assert_eq!(harness.array(id, &[b"SET", &longer, b"v"]), "-ERR a key has at most 65535 bytes\r\n");
    assert_eq!(harness.array(id, &[b"SET", b"", b"v"]), "-ERR a key has at least one byte\r\n");
    assert_eq!(harness.array(id, &[b"MSET", b"a", b"1", b"", b"v"]), "-ERR a key has at least one byte\r\n");
    assert_eq!(harness.line(id, "EXISTS a"), ":0\r\n", "MSET is done whole or not at all");
    assert_eq!(harness.array(id, &[b"GET", b""]), "$-1\r\n");
    assert_eq!(harness.array(id, &[b"DEL", b"", &longer]), ":0\r\n");
}

#[test]
fn set_has_options() {
    let (mut harness, id) = with_connection();
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(line("SET k 1 XX"), "$-1\r\n");
    assert_eq!(line("SET k 1 NX"), "+OK\r\n");
    assert_eq!(line("SET k 2 NX"), "$-1\r\n");
    assert_eq!(line("SET k 2 XX"), "+OK\r\n");
    assert_eq!(line("SET k 3 get"), "$1\r\n2\r\n");
    assert_eq!(line("SET k 4 NX GET"), "$1\r\n3\r\n");
    assert_eq!(line("SET n 4 NX GET"), "$-1\r\n");
    assert_eq!(line("MGET k n"), "*2\r\n$1\r\n3\r\n$1\r\n4\r\n");
    assert_eq!(line("SET k 5 KEEPTTL"), "+OK\r\n");
    for wrong in ["XX NX", "EX", "EX 5 PX 5", "EX 5 KEEPTTL", "KEEPTTL EX 5", "nosuch", "IFEQ"] {
        assert_eq!(line(&format!("SET k v {wrong}")), "-ERR syntax error\r\n", "{wrong}");
    }
    for none in ["EX 0", "EX -1", "EX 9223372036854775807", "PXAT 0"] {
        assert_eq!(
            line(&format!("SET k v {none}")),
            "-ERR invalid expire time in 'set' command\r\n",
            "{none}"
        );
    }
    assert_eq!(line("SET k v EX abc"), "-ERR value is not an integer or out of range\r\n");
    assert_eq!(line("GET k"), "$1\r\n5\r\n", "nothing was changed by what was refused");
}

#[test]
fn keys() {
    let (mut harness, id) = with_connection();
    harness.put(id, "d:{}");
    let mut line = |line: &str| harness.line(id, line);
    line("SET s v");
    assert_eq!(line("EXISTS s d s x"), ":3\r\n");
    assert_eq!(line("TYPE s") + &line("TYPE d") + &line("TYPE x"), "+string\r\n+ReJSON-RL\r\n+none\r\n");
    assert_eq!(line("DBSIZE"), ":2\r\n");
    assert_eq!(line("DEL s x s"), ":1\r\n");
    assert_eq!(line("UNLINK d"), ":1\r\n");
    assert_eq!(line("DBSIZE"), ":0\r\n");
    for flush in ["FLUSHALL", "FLUSHDB", "FLUSHALL async", "FLUSHDB SYNC"] {
        line("SET s v");
        assert_eq!(line(flush) + &line("DBSIZE"), "+OK\r\n:0\r\n");
    }
    assert_eq!(line("FLUSHALL now"), "-ERR syntax error\r\n");
}

#[test]
fn keys_by_pattern() {
    let (mut harness, id) = with_connection();
    let mut line = |line: &str| harness.line(id, line);
    line("MSET person1 a person10 b person2 c p* d other e");
    assert_eq!(line("KEYS person1*"), "*2\r\n$7\r\nperson1\r\n$8\r\nperson10\r\n");
    assert_eq!(line("KEYS p\\*"), "*1\r\n$2\r\np*\r\n");
    assert_eq!(line("KEYS person?"), "*2\r\n$7\r\nperson1\r\n$7\r\nperson2\r\n");
    assert_eq!(line("KEYS *[r0]"), "*2\r\n$5\r\nother\r\n$8\r\nperson10\r\n");
    assert_eq!(line("KEYS x*"), "*0\r\n");
    assert!(line("KEYS *").starts_with("*5\r\n"));
}

/// The cursor and the keys of a SCAN's reply.
fn page(reply: &str) -> (String, Vec<String>) {
    let mut words = reply.split("\r\n").filter(|word| !word.starts_with(['*', '$'])).map(str::to_owned);
    (words.next().expect("a cursor"), words.filter(|word| !word.is_empty()).collect())
}

#[test]
fn scan_meets_every_key_once_whatever_happens_meanwhile() {
    let (mut harness, id) = with_connection();
    (0..500).for_each(|number| assert_eq!(harness.line(id, &format!("SET key{number:03} v")), "+OK\r\n"));
    let (mut cursor, mut seen, mut pages) = ("0".to_owned(), vec![], 0);
    loop {
        let (next, keys) = page(&harness.line(id, &format!("SCAN {cursor} COUNT 7")));
        seen.extend(keys);
        pages += 1;
        // Comings and goings on both sides of the cursor.
        harness.line(id, &format!("SET aaa{pages} v"));
        harness.line(id, &format!("SET zzz{pages} v"));
        harness.line(id, &format!("DEL aaa{pages} zzz{pages}"));
        cursor = next;
        if cursor == "0" {
            break;
        }
    }
    let expected: Vec<String> = (0..500).map(|number| format!("key{number:03}")).collect();
    assert_eq!(seen, expected);
    assert!(pages > 70);
}

#[test]
fn scan_has_options_and_errors() {
    let (mut harness, id) = with_connection();
    harness.put(id, "doc1:{}");
    harness.put(id, "doc2:{}");
    harness.line(id, "MSET a 1 b 2 doc3 3");
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(page(&line("SCAN 0 MATCH doc*")).1, ["doc1", "doc2", "doc3"]);
    assert_eq!(page(&line("SCAN 0 MATCH doc* TYPE string")), ("0".into(), vec!["doc3".into()]));
    assert_eq!(page(&line("SCAN 0 type rejson-rl")).1, ["doc1", "doc2"]);
    assert_eq!(page(&line("SCAN 0 TYPE zset")), ("0".into(), vec![]));
    let (cursor, keys) = page(&line("SCAN 0 MATCH doc* COUNT 1"));
    assert_eq!(keys, ["doc1"], "what the pattern's head rules out is not visited");
    assert_eq!(page(&line(&format!("SCAN {cursor} MATCH doc* COUNT 1"))).1, ["doc2"]);
    assert_eq!(
        page(&line(&format!("SCAN {cursor} MATCH doc* COUNT 1"))).1,
        ["doc2"],
        "a page can be asked for again"
    );
    for wrong in ["x", "-1", "1", "18446744073709551616", "0x1", " "] {
        assert_eq!(line(&format!("SCAN \"{wrong}\"")), "-ERR invalid cursor\r\n", "{wrong}");
    }
    assert_eq!(line("SCAN 0 COUNT 0"), "-ERR syntax error\r\n");
    assert_eq!(line("SCAN 0 COUNT"), "-ERR syntax error\r\n");
    assert_eq!(line("SCAN 0 COUNT x"), "-ERR value is not an integer or out of range\r\n");
    assert_eq!(line("SCAN 0 XX 1"), "-ERR syntax error\r\n");
}

#[test]
fn a_cursor_put_out_is_invalid() {
    let (mut harness, id) = with_connection();
    harness.line(id, "MSET a 1 b 2 c 3");
    let (first, _) = page(&harness.line(id, "SCAN 0 COUNT 1"));
    for _ in 0..4_096 {
        harness.line(id, "SCAN 0 COUNT 1");
    }
    assert_eq!(harness.line(id, &format!("SCAN {first}")), "-ERR invalid cursor\r\n");
}

#[test]
fn unknown_commands_are_named_with_their_arguments() {
    let (mut harness, id) = with_connection();
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(line("foo a b"), "-ERR unknown command 'foo', with args beginning with: 'a' 'b' \r\n");
    assert_eq!(line("FOO"), "-ERR unknown command 'FOO', with args beginning with: \r\n");
    assert_eq!(line("STATUS"), "-ERR unknown command 'STATUS', with args beginning with: \r\n");
    let long = line(&format!("foo {} more", "x".repeat(200)));
    assert_eq!(
        long,
        format!("-ERR unknown command 'foo', with args beginning with: '{}' \r\n", "x".repeat(128))
    );
    assert_eq!(line("CLIENT XX"), "-ERR unknown subcommand 'XX'. Try CLIENT HELP.\r\n");
    assert_eq!(line("CLIENT KILL"), "-ERR wrong number of arguments for 'client|kill' command\r\n");
    assert_eq!(line("CLIENT KILL a:1"), "-ERR No such client\r\n");
    assert!(!harness.is_closed(id));
}

#[test]
fn command_tells_of_the_table() {
    let (mut harness, id) = with_connection();
    harness.line(id, "HELLO 3");
    let mut line = |line: &str| harness.line(id, line);
    let count: usize = line("COMMAND COUNT").trim_start_matches(':').trim_end().parse().unwrap();
    assert!(line("COMMAND").starts_with(&format!("*{count}\r\n*10\r\n$3\r\nput\r\n")));
    assert!(line("COMMAND LIST").starts_with(&format!("*{count}\r\n$3\r\nput\r\n")));
    assert!(line("COMMAND DOCS").starts_with(&format!("%{count}\r\n$3\r\nput\r\n%5\r\n$7\r\nsummary\r\n")));
    assert_eq!(line("COMMAND LIST FILTERBY PATTERN mg*"), "*1\r\n$4\r\nmget\r\n");
    assert!(line("COMMAND LIST FILTERBY MODULE ReJSON").contains("$11\r\njson.forget\r\n"));
    assert!(line("COMMAND LIST FILTERBY ACLCAT keyspace").contains("$4\r\nscan\r\n"));
    assert_eq!(line("COMMAND LIST FILTERBY X y"), "-ERR syntax error\r\n");
    assert_eq!(line("COMMAND DOCS nosuch h.get"), "%0\r\n");
    assert!(line("COMMAND INFO client|id").starts_with("*1\r\n*10\r\n$9\r\nclient|id\r\n:2\r\n"));
    for container in ["CLIENT", "COMMAND", "CONFIG"] {
        assert!(line(&format!("{container} HELP")).contains(&format!("+{container} <subcommand>")));
    }
}

#[test]
fn config_get_takes_patterns() {
    let (mut harness, id) = with_connection();
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(line("CONFIG GET save"), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
    assert_eq!(line("CONFIG GET APPENDONLY"), "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n");
    assert_eq!(line("CONFIG GET nosuch"), "*0\r\n");
    assert!(line("CONFIG GET maxm* data*").starts_with("*6\r\n$9\r\ndatabases\r\n$1\r\n1\r\n"));
    assert_eq!(line("CONFIG GET maxclients"), "*2\r\n$10\r\nmaxclients\r\n$5\r\n19900\r\n");
}

#[test]
fn info_counts() {
    let (mut harness, id) = with_connection();
    harness.line(id, "SET a 1");
    harness.line(id, "GET a");
    harness.line(id, "GET b");
    harness.line(id, "GET");
    harness.line(id, "SELECT 5");
    let info = harness.line(id, "INFO");
    for field in [
        "redis_version:7.4.0",
        "redis_mode:standalone",
        "connected_clients:1",
        "loading:0",
        "keyspace_hits:1",
        "keyspace_misses:1",
        "total_commands_processed:6",
        "total_error_replies:2",
        "errorstat_ERR:count=2",
        "role:master",
        "cluster_enabled:0",
        "db0:keys=1,expires=0,avg_ttl=0",
        "clustered:0",
    ] {
        assert!(info.contains(&format!("\r\n{field}\r\n")), "{field} in {info}");
    }
    assert!(!info.contains("cmdstat_"));
    let calls = harness.line(id, "INFO commandstats keyspace");
    assert!(
        calls.contains("cmdstat_get:calls=2,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0\r\n"),
        "{calls}"
    );
    assert!(
        calls
            .contains("cmdstat_select:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1\r\n"),
        "{calls}"
    );
    assert!(calls.contains("\r\n\r\n# Keyspace\r\n") && !calls.contains("# Server"));
    assert!(harness.line(id, "INFO everything").contains("cmdstat_"));
    assert_eq!(harness.line(id, "INFO nosuch"), "$0\r\n\r\n");
    harness.line(id, "HELLO 3");
    assert!(harness.line(id, "INFO server").starts_with("="));
}
