use super::*;
use crate::proto::resp::{Progress, ReplyParser, Tokens, write_request};
use crate::record::Kind;

fn shown(command: &Result<Command<'_>, LineError>) -> String {
    let words = |request: &Request<'_>| {
        request.args().map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>().join("|")
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match command {
        Err(error) => format!("{}: {}", error.offset, error.message),
        Ok(Command::Get { key }) => format!("get {}", text(key)),
        Ok(Command::Query { path }) => format!("query {path} {}", path.len()),
        Ok(Command::Put { key, body }) => format!("put {} {}", text(key), text(body)),
        Ok(Command::Delete { key }) => format!("delete {}", text(key)),
        Ok(Command::Compute { expression, offset }) => {
            format!("compute {offset} {}", expression.queries().len())
        }
        Ok(Command::Set(set)) => {
            format!("set {} {} {:?} {}", text(set.key), text(set.value), set.exists, set.get)
        }
        Ok(Command::Del(request)) => format!("del {}", words(request)),
        Ok(Command::Exists(request)) => format!("exists {}", words(request)),
        Ok(Command::Mget(request)) => format!("mget {}", words(request)),
        Ok(Command::Mset(request)) => format!("mset {}", words(request)),
        Ok(Command::Type { key }) => format!("type {}", text(key)),
        Ok(Command::JsonDel { key, path }) => format!("json.del {} {:?}", text(key), path.map(text)),
        Ok(Command::Keys { pattern }) => format!("keys {}", text(pattern)),
        Ok(Command::Scan(scan)) => {
            format!("scan {} {:?} {}", scan.cursor, scan.pattern.map(text), scan.count)
        }
        Ok(Command::Ping(message)) => format!("ping {:?}", message.map(text)),
        Ok(Command::Echo(message)) => format!("echo {}", text(message)),
        Ok(Command::Help(about)) => format!("help {:?}", about.map(|command| command.name)),
        Ok(Command::OneServer { server, request }) => format!("@{server} {}", text(&request.bytes)),
        Ok(Command::AnyServer(request)) => format!("any {}", text(&request.bytes)),
        Ok(Command::EveryServer(request)) => {
            format!("every {} {}", text(&request.bytes), request.shows_text)
        }
        Ok(other) => format!("{other:?}").to_lowercase(),
    }
}

/// Lines and what they are read as; `None` of Debug and the like included.
fn assert_reads(cases: &[(&str, &str)]) {
    let mut scratch = Scratch::new();
    for (line, expected) in cases {
        assert_eq!(shown(&parse(line.as_bytes(), &mut scratch)), *expected, "{line}");
    }
}

fn assert_faults(cases: &[(&str, usize, &str)]) {
    let mut scratch = Scratch::new();
    for (line, offset, message) in cases {
        let error = parse(line.as_bytes(), &mut scratch).expect_err(line);
        assert_eq!(error.offset, *offset, "{line}: {}", error.message);
        assert!(error.message.contains(message), "{line}: {}", error.message);
    }
}

#[test]
fn the_seeds_lines_are_read() {
    assert_reads(&[
        ("GET person1", "get person1"),
        ("get \"person1\"", "get person1"),
        ("GET a.b", "get a.b"),
        ("QUERY person1", "query person1 0"),
        ("query person15.iban.country\r", "query person15.iban.country 2"),
        ("QUERY \"a.b\"", "query \"a.b\" 0"),
        ("DELETE person2", "delete person2"),
        ("delete \"a.b\"", "delete a.b"),
        ("PUT \"personA\":{\"name\":\"Panos\"}", "put personA {\"name\":\"Panos\"}"),
        (
            "PUT personB:{\"car\":{\"make\":\"VW\"; \"model\":\"Scir\"} ; \"country\":\"GR\"}",
            "put personB {\"car\":{\"make\":\"VW\",\"model\":\"Scir\"},\"country\":\"GR\"}",
        ),
        ("PUT \"p1\": {\"a\":\"A\"}", "put p1 {\"a\":\"A\"}"),
        ("PUT user:1:{\"a\":1}", "put user:1 {\"a\":1}"),
        ("  put p : {} ", "put p {}"),
        ("COMPUTE 2/(x+3) WHERE x = QUERY a.b", "compute 7 1"),
        ("compute 1+1", "compute 7 0"),
        ("", "nothing"),
        ("  \t", "nothing"),
        ("# a comment", "nothing"),
        ("STATUS", "status"),
        ("exit", "exit"),
        ("QUIT", "exit"),
        ("HELP", "help None"),
        ("help get", "help Some(\"GET\")"),
    ]);
}

#[test]
fn server_commands_are_read_as_words() {
    assert_reads(&[
        ("SET greeting \"good morning\"", "set greeting good morning None false"),
        ("SET lock mine nx get", "set lock mine Some(false) true"),
        ("SET lock mine XX", "set lock mine Some(true) false"),
        ("DEL a 'b c'", "del DEL|a|b c"),
        ("UNLINK a", "del UNLINK|a"),
        ("EXISTS a a", "exists EXISTS|a|a"),
        ("MGET a b", "mget MGET|a|b"),
        ("MSET a 1 b \"\"", "mset MSET|a|1|b|"),
        ("TYPE a", "type a"),
        ("JSON.DEL a $.b", "json.del a Some(\"$.b\")"),
        ("JSON.DEL a $", "json.del a None"),
        ("JSON.FORGET a", "json.del a None"),
        ("DBSIZE", "dbsize"),
        ("KEYS person1*", "keys person1*"),
        ("SCAN 0", "scan 0 None 10"),
        ("SCAN 7 match a* COUNT 100", "scan 7 Some(\"a*\") 100"),
        ("FLUSHALL", "flush"),
        ("FLUSHDB ASYNC", "flush"),
        ("PING", "ping None"),
        ("PING x", "ping Some(\"x\")"),
        ("ECHO \"a b\"", "echo a b"),
        ("SELECT 0", "select"),
        ("COMMAND COUNT", "any *2\r\n$7\r\nCOMMAND\r\n$5\r\nCOUNT\r\n"),
        ("INFO", "every *1\r\n$4\r\nINFO\r\n true"),
        ("CLIENT LIST", "every *2\r\n$6\r\nCLIENT\r\n$4\r\nLIST\r\n true"),
        ("CONFIG GET save", "every *3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$4\r\nsave\r\n false"),
        ("TIME", "every *1\r\n$4\r\nTIME\r\n false"),
        ("@127.0.0.1:9000 GET a", "@127.0.0.1:9000 *2\r\n$3\r\nGET\r\n$1\r\na\r\n"),
        ("@h:1 PUT p:{a: 1}", "@h:1 *3\r\n$3\r\nPUT\r\n$1\r\np\r\n$7\r\n{\"a\":1}\r\n"),
        ("@h:1 QUERY a.b ", "@h:1 *2\r\n$5\r\nQUERY\r\n$3\r\na.b\r\n"),
        ("@h:1 delete \"a b\"", "@h:1 *2\r\n$6\r\nDELETE\r\n$3\r\na b\r\n"),
        ("@h:1 compute 1 + 1", "@h:1 *2\r\n$7\r\nCOMPUTE\r\n$5\r\n1 + 1\r\n"),
    ]);
}

#[test]
fn errors_name_the_place_and_what_was_expected() {
    assert_faults(&[
        ("PUT p1:{\"a\":1", 13, "expected ';' or '}'"),
        ("PUT p1:{\"a\":1x}", 13, "expected"),
        ("PUT w:5", 6, "SET"),
        ("PUT w:[1]", 6, "SET"),
        ("PUT", 3, "expected ':' and a document after the key"),
        ("PUT :{}", 4, "a key"),
        ("QUERY a..b", 8, "expected a name"),
        ("QUERY", 5, "a key"),
        ("DELETE person2.name", 14, "JSON.DEL person2 $.name"),
        ("DELETE \"a.b\".c[0]", 12, "JSON.DEL \"a.b\" $.c[0]"),
        ("DELETE", 6, "a key"),
        ("COMPUTE 2*", 10, "expected a number"),
        ("COMPUTE 1+x", 10, "unknown name 'x'"),
        ("GTE person1", 0, "did you mean GET?"),
        ("  FOO", 2, "unknown command \"FOO\""),
        ("*2 GET", 0, "unknown command"),
        ("H.STORE a", 0, "unknown command"),
        ("GET", 3, "too few words: GET key"),
        ("GET a b", 6, "too many words: GET key"),
        ("GET \"a b\"  c", 11, "too many words"),
        ("GET \"\"", 4, "a key"),
        ("GET \"a", 4, "expected a closing \" for this one"),
        ("GET 'a'b", 7, "expected a blank after the closing quote"),
        ("SET a 1 2", 8, "expected NX, XX or GET"),
        ("SET a 1 EX 5", 8, "do not expire"),
        ("SET a 1 NX XX", 11, "exclude"),
        ("MSET a 1 b", 10, "a value for the last key"),
        ("JSON.DEL a $.b[*]", 15, "without wildcards"),
        ("SCAN x", 5, "a cursor"),
        ("SCAN 0 COUNT 0", 13, "at least 1"),
        ("SCAN 0 LIMIT 5", 7, "MATCH, COUNT or TYPE"),
        ("SCAN 0 COUNT", 12, "a value"),
        ("SELECT 1", 7, "one database"),
        ("FLUSHALL now", 9, "ASYNC"),
        ("HELP gte", 5, "did you mean GET?"),
        ("@", 1, "host:port"),
        ("@h:1", 4, "expected a command"),
        ("@h:1 GTE a", 5, "did you mean GET?"),
        ("@h:1 STATUS", 5, "console's own"),
        ("@h:1 H.PING 1", 5, "unknown command"),
        ("@h:1 PUT p:{", 12, "expected"),
        ("@h:1 GET", 8, "too few words"),
        ("@h:1 QUIT", 5, "console's own"),
    ]);
}

#[test]
fn a_fault_is_shown_with_a_caret() {
    let line = b"PUT p1:{\"a\":1";
    let error = parse(line, &mut Scratch::new()).expect_err("unfinished");
    let mut out = Vec::new();
    error.write(line, &mut out);
    let expected = "PUT p1:{\"a\":1\n             ^\nerror: expected ';' or '}' after the value\n";
    assert_eq!(String::from_utf8(out).expect("text"), expected);
}

#[test]
fn of_a_huge_line_the_part_around_the_fault_is_shown() {
    let mut line = b"PUT p1:{\"a\":\"".to_vec();
    line.extend_from_slice("ö".repeat(1 << 20).as_bytes());
    line.extend_from_slice(b"\"; b 5}");
    let error = parse(&line, &mut Scratch::new()).expect_err("no colon");
    let mut out = Vec::new();
    error.write(&line, &mut out);
    let text = String::from_utf8(out).expect("text");
    assert!(text.len() < 400 && text.starts_with("… ö") && text.contains("\"; b 5}\n"), "{text}");
}

#[test]
fn records_and_parts_are_shown_in_set_notation() {
    let record = |key: &[u8], kind, body: &[u8]| {
        let mut out = Vec::new();
        answer::write_record(&mut out, key, kind, body);
        String::from_utf8(out).expect("text")
    };
    assert_eq!(
        record(b"person5", Kind::Document, br#"{"height":45.658,"country":"h"}"#),
        "person5 : {\"height\": 45.658; \"country\": \"h\"}\n"
    );
    assert_eq!(record(b"w", Kind::Text, b"5"), "w : \"5\"\n");
    assert_eq!(record(b"w", Kind::Text, b"\xff\n"), "w : \"\\xff\\n\"\n");
    assert_eq!(record(b"nosuch", Kind::Tombstone, b""), "nosuch : NOT FOUND\n");
    assert_eq!(record(b"a.b[0]", Kind::Text, b""), "a.b[0] : \"\"\n");
    assert_eq!(record(b"a:{", Kind::Text, b""), "\"a:{\" : \"\"\n");
    assert_eq!(record(b"a b", Kind::Text, b"NOT FOUND"), "\"a b\" : \"NOT FOUND\"\n");
    let part = |text: &str, json: Option<&[u8]>| {
        let mut path = Path::new();
        path.parse(text.as_bytes()).expect("a path");
        let mut out = Vec::new();
        answer::write_part(&mut out, &path, json);
        String::from_utf8(out).expect("text")
    };
    assert_eq!(part("person2.address.number", Some(b"12")), "person2.address.number : 12\n");
    assert_eq!(
        part("person2.address", Some(br#"{"street":"Main","number":12}"#)),
        "person2.address : {\"street\": \"Main\"; \"number\": 12}\n"
    );
    assert_eq!(part("person2.nope", None), "person2.nope : NOT FOUND\n");
    assert_eq!(part("p.empty", Some(b"{}")), "p.empty : {}\n");
    assert_eq!(part("p.none", Some(b"null")), "p.none : null\n");
    let mut out = Vec::new();
    answer::write_verdict(&mut out, b"p1", "CREATED");
    answer::write_number(&mut out, 4.0);
    answer::write_number(&mut out, 0.5);
    assert_eq!(out, b"p1 : CREATED\n4\n0.5\n");
}

fn reply_text(bytes: &[u8], shows_text: bool) -> String {
    let mut tokens = Tokens::new();
    let Ok(Progress::Done { value, .. }) = ReplyParser::default().parse(bytes, &mut tokens) else {
        panic!("no reply: {bytes:?}");
    };
    let mut out = Vec::new();
    write_reply(&mut out, value, shows_text);
    String::from_utf8(out).expect("text")
}

#[test]
fn replies_look_as_in_redis_cli() {
    for (bytes, expected) in [
        ("+OK\r\n", "OK\n"),
        ("-ERR no\r\n", "(error) ERR no\n"),
        (":3\r\n", "(integer) 3\n"),
        ("$3\r\na\"b\r\n", "\"a\\\"b\"\n"),
        ("$-1\r\n", "(nil)\n"),
        ("_\r\n", "(nil)\n"),
        ("#t\r\n", "(true)\n"),
        (",1.5\r\n", "(double) 1.5\n"),
        ("*0\r\n", "(empty array)\n"),
        ("%0\r\n", "(empty hash)\n"),
        ("*2\r\n$1\r\na\r\n$1\r\nb\r\n", "1) \"a\"\n2) \"b\"\n"),
        ("*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n*1\r\n:7\r\n", "1) \"0\"\n2) 1) \"a\"\n   2) 1) (integer) 7\n"),
        ("*2\r\n*2\r\n:1\r\n:2\r\n:3\r\n", "1) 1) (integer) 1\n   2) (integer) 2\n2) (integer) 3\n"),
        ("%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n", "1# a => (integer) 1\n2# b => 1) (integer) 2\n"),
        ("=7\r\ntxt:a\nb\r\n", "a\nb\n"),
        ("|1\r\n+w\r\n+x\r\n:5\r\n", "(integer) 5\n"),
    ] {
        assert_eq!(reply_text(bytes.as_bytes(), false), expected, "{bytes:?}");
    }
    assert_eq!(reply_text(b"$8\r\n# A\r\na:1\r\n", true), "# A\na:1\n");
    assert_eq!(reply_text(b"$4\r\na\x1b[m\r\n", true), "a\\x1b[m\n");
    let mut ten = Vec::new();
    write_request(&mut ten, &[b"x".as_slice(); 10]);
    assert!(reply_text(&ten, false).starts_with(" 1) \"x\"\n 2) \"x\"\n"));
    assert!(reply_text(&ten, false).ends_with("\n10) \"x\"\n"));
}

#[test]
fn help_names_every_command_of_the_console() {
    let mut out = Vec::new();
    write_help(&mut out);
    let text = String::from_utf8(out).expect("text");
    for name in [
        "GET key",
        "QUERY",
        "PUT key document",
        "DELETE",
        "COMPUTE",
        "STATUS",
        "EXIT",
        "SET ...",
        "@host:port",
    ] {
        assert!(text.contains(name), "{name} in {text}");
    }
    assert!(!text.contains("H.STORE") && !text.contains("HELLO"), "{text}");
    let mut out = Vec::new();
    write_command_help(&mut out, command::lookup(b"COMPUTE").expect("known"));
    let text = String::from_utf8(out).expect("text");
    assert!(text.contains("WHERE") && text.contains("example: COMPUTE"), "{text}");
}

#[test]
fn what_only_a_server_by_itself_can_do_is_not_done_by_the_cluster() {
    assert_faults(&[
        ("HELLO 3", 0, "about one connection"),
        ("MULTI", 0, "about one connection"),
        ("CLIENT REPLY OFF", 0, "about one connection"),
        ("@h:1 MONITOR", 5, "about one connection"),
        ("INCR a", 0, "@host:port INCR"),
        ("JSON.GET a", 0, "@host:port JSON.GET"),
        ("OBJECT ENCODING a", 0, "@host:port OBJECT"),
        ("SHUTDOWN", 0, "@host:port SHUTDOWN"),
        ("SET a b IFEQ c", 8, "IFEQ"),
    ]);
    let mut out = Vec::new();
    write_help(&mut out);
    let text = String::from_utf8(out).expect("text");
    assert!(!text.contains("INCR") && !text.contains("SHUTDOWN") && text.contains("SLOWLOG"), "{text}");
}
