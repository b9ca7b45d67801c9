use super::Harness;

/// A server with two people, and a connection.
fn people() -> (Harness, crate::conn::ConnId) {
    let mut harness = Harness::new();
    let id = harness.connect();
    harness.put(id, r#"person1:{"name":"Mary";"age":22;"height":1.5;"tall":false;"dog":null}"#);
    harness
        .put(id, r#""person2": {"address":{"street":"Main"; "number":12}; "pets":["cat",{"kind":"dog"}]}"#);
    (harness, id)
}

#[test]
fn put_says_what_it_did_and_replaces_all() {
    let mut harness = Harness::new();
    let id = harness.connect();
    assert_eq!(harness.line(id, r#"PUT p:{"a":1;"b":2}"#), "+CREATED\r\n");
    assert_eq!(harness.array(id, &[b"put", b"p", br#"{"c":3}"#]), "+REPLACED\r\n");
    assert_eq!(harness.line(id, "GET p"), "$7\r\n{\"c\":3}\r\n");
    assert_eq!(harness.line(id, "SET p text"), "+OK\r\n");
    assert_eq!(harness.line(id, "GET p"), "$4\r\ntext\r\n");
    assert_eq!(harness.line(id, r#"PUT user:1:{"a":1}"#), "+CREATED\r\n");
    assert_eq!(harness.line(id, "EXISTS user:1"), ":1\r\n");
    harness.server.trie().check();
}

#[test]
fn a_wrong_line_changes_nothing_and_keeps_the_connection() {
    let (mut harness, id) = people();
    let reply = harness.line(id, r#"PUT person1:{"name": }"#);
    assert_eq!(reply, "-ERR expected a value at byte 21\r\n");
    assert!(harness.line(id, "PUT person1:5").starts_with("-ERR expected a document"));
    assert!(harness.line(id, "PUT person1").starts_with("-ERR expected ':' and a document"));
    assert_eq!(harness.line(id, "PUT"), "-ERR wrong number of arguments for 'put' command\r\n");
    let too_large = r#"{"a":99999999999999999999}"#.as_bytes();
    assert!(harness.array(id, &[b"PUT", b"person1", too_large]).starts_with("-ERR expected an integer"));
    assert_eq!(
        harness.array(id, &[b"PUT", b"person1", b"{\"a\":\"\xff\"}"]),
        "-ERR expected UTF-8 at byte 6\r\n"
    );
    assert!(harness.line(id, r#"QUERY "unclosed"#).starts_with("-ERR "));
    assert!(!harness.is_closed(id));
    assert_eq!(harness.line(id, "QUERY person1.name"), "$4\r\nMary\r\n");
    harness.server.trie().check();
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    assert_eq!(harness.array(id, &[b"PUT", b"p", nested(128).as_bytes()]), "+CREATED\r\n");
    assert!(harness.array(id, &[b"PUT", b"q", nested(129).as_bytes()]).starts_with("-ERR "));
    assert_eq!(harness.line(id, "DBSIZE"), ":1\r\n");
    harness.server.trie().check();
}

#[test]
fn values_come_back_as_themselves() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let json = r#"{"zero":0,"no":false,"empty":"","set":{},"small":-1.5e-7,"text":"a;b\n\"ä€\"","a":1,"ab":2,"list":[]}"#;
    assert_eq!(harness.array(id, &[b"PUT", b"v", json.as_bytes()]), "+CREATED\r\n");
    assert_eq!(harness.line(id, "GET v"), format!("${}\r\n{json}\r\n", json.len()));
    assert_eq!(harness.line(id, "QUERY v.set"), "$2\r\n{}\r\n");
    assert_eq!(harness.line(id, "QUERY v.empty"), "$0\r\n\r\n");
}

#[test]
fn query_in_resp2() {
    let (mut harness, id) = people();
    let mut query = |path: &str| harness.line(id, &format!("QUERY {path}"));
    assert_eq!(query("person2.address.number"), "$2\r\n12\r\n");
    assert_eq!(query("person2.address"), "$29\r\n{\"street\":\"Main\",\"number\":12}\r\n");
    assert_eq!(query("person1.height"), "$3\r\n1.5\r\n");
    assert_eq!(query("person1.tall"), "$5\r\nfalse\r\n");
    assert_eq!(query("person1.dog"), "+null\r\n");
    assert_eq!(query("person1.cat"), "$-1\r\n");
    assert_eq!(query("person9"), "$-1\r\n");
    assert_eq!(query("person2.pets[1].kind"), "$3\r\ndog\r\n");
    assert_eq!(query("person2.pets[2]"), "$-1\r\n");
    assert_eq!(query("name"), "$-1\r\n", "a field is no record");
}

#[test]
fn query_in_resp3_is_typed() {
    let (mut harness, id) = people();
    harness.line(id, "HELLO 3");
    let mut query = |path: &str| harness.line(id, &format!("QUERY {path}"));
    assert_eq!(query("person1.age"), ":22\r\n");
    assert_eq!(query("person1.height"), ",1.5\r\n");
    assert_eq!(query("person1.tall"), "#f\r\n");
    assert_eq!(query("person1.dog"), "+null\r\n");
    assert_eq!(query("person1.cat"), "_\r\n");
    assert_eq!(query("person2.pets"), "*2\r\n$3\r\ncat\r\n%1\r\n$4\r\nkind\r\n$3\r\ndog\r\n");
    assert_eq!(query("person2.address"), "%2\r\n$6\r\nstreet\r\n$4\r\nMain\r\n$6\r\nnumber\r\n:12\r\n");
    let fields: Vec<String> = (0..123).map(|field| format!("f{field}:[{field}]")).collect();
    harness.put(id, &format!("wide:{{{}}}", fields.join(";")));
    let wide = harness.line(id, "QUERY wide");
    assert!(wide.starts_with("%123\r\n$2\r\nf0\r\n*1\r\n:0\r\n"), "{wide}");
    assert!(wide.ends_with("$4\r\nf122\r\n*1\r\n:122\r\n"), "{wide}");
}

#[test]
fn literal_segments_hold_dots_and_indices() {
    let (mut harness, id) = people();
    assert_eq!(harness.array(id, &[b"PUT", b"a.b", br#"{"c.d":[7,8]}"#]), "+CREATED\r\n");
    assert_eq!(harness.array(id, &[b"QUERY", b"a.b", b"c.d", b"1"]), "$1\r\n8\r\n");
    assert_eq!(harness.array(id, &[b"QUERY", b"a.b", b"c.d", b"x"]), "$-1\r\n");
    assert_eq!(harness.line(id, r#"QUERY "a.b"."c.d"[0]"#), "$1\r\n7\r\n");
    assert_eq!(harness.line(id, "QUERY a.b"), "$-1\r\n", "the path a.b is not the key a.b");
    assert_eq!(harness.array(id, &[b"QUERY", b"person1", b"\xff"]), "$-1\r\n");
}

#[test]
fn delete_in_a_line_takes_records_only() {
    let (mut harness, id) = people();
    assert_eq!(
        harness.line(id, "DELETE person2.address.number"),
        "-ERR DELETE takes whole records; a field goes by JSON.DEL person2 $.address.number\r\n"
    );
    assert_eq!(harness.line(id, "DELETE person2"), ":1\r\n");
    assert_eq!(harness.line(id, "DELETE person2"), ":0\r\n");
    assert_eq!(harness.array(id, &[b"PUT", b"a.b", b"{}"]), "+CREATED\r\n");
    assert_eq!(harness.line(id, r#"DELETE "a.b""#), ":1\r\n");
    assert_eq!(harness.array(id, &[b"DELETE", b"person1", b"person2", b"person1"]), ":1\r\n");
    assert_eq!(harness.line(id, "DBSIZE"), ":0\r\n");
    harness.put(id, "person1:{}");
    assert_eq!(harness.line(id, "GET person1"), "$2\r\n{}\r\n", "DELETE then PUT is a record again");
}

#[test]
fn json_del_takes_parts() {
    let (mut harness, id) = people();
    let mut json_del = |args: &str| harness.line(id, &format!("JSON.DEL {args}"));
    assert_eq!(json_del("person2 $.address.street"), ":1\r\n");
    assert_eq!(json_del("person2 $.address.street"), ":0\r\n");
    assert_eq!(json_del("person2 .pets[0]"), ":1\r\n");
    assert_eq!(json_del(r#"person2 '$["address"]["number"]'"#), ":1\r\n");
    assert!(json_del("person2 $[?(@.x)]").starts_with("-ERR expected a path without filters"));
    assert_eq!(json_del("nobody $.a"), ":0\r\n");
    assert_eq!(json_del("person1 $.a $.b"), "-ERR wrong number of arguments for 'json.del' command\r\n");
    assert_eq!(json_del("person1"), ":1\r\n");
    let rest = r#"{"address":{},"pets":[{"kind":"dog"}]}"#;
    assert_eq!(harness.line(id, "GET person2"), format!("${}\r\n{rest}\r\n", rest.len()));
    assert_eq!(harness.line(id, "JSON.FORGET person2 $"), ":1\r\n");
    assert_eq!(harness.line(id, "DBSIZE"), ":0\r\n");
    harness.line(id, "SET s text");
    assert!(harness.line(id, "JSON.DEL s").starts_with("-WRONGTYPE "));
}

#[test]
fn compute_asks_the_records() {
    let (mut harness, id) = people();
    let line = "COMPUTE 2/(x+3*y) WHERE x = QUERY person1.age AND y = QUERY person2.address.number";
    assert_eq!(harness.line(id, line), format!("$20\r\n{}\r\n", 2.0 / 58.0));
    assert_eq!(harness.line(id, "COMPUTE -2^2"), "$2\r\n-4\r\n");
    assert_eq!(harness.array(id, &[b"COMPUTE", b"1", b"+", b"2"]), "$1\r\n3\r\n");
    let mut error = |line: &str| harness.line(id, &format!("COMPUTE {line}"));
    assert_eq!(error("x WHERE x = QUERY nobody.age"), "-ERR nobody.age : NOT FOUND at byte 18\r\n");
    assert_eq!(error("x WHERE x = QUERY person1.cat"), "-ERR person1.cat : NOT FOUND at byte 18\r\n");
    assert_eq!(error("x WHERE x = QUERY person1.name"), "-ERR person1.name is not a number at byte 18\r\n");
    assert_eq!(error("x WHERE x = QUERY person1"), "-ERR person1 is not a number at byte 18\r\n");
    assert!(error("1/0").starts_with("-ERR division by zero"));
    assert!(error("__import__(1)").starts_with("-ERR unknown function"));
    harness.line(id, "HELLO 3");
    assert_eq!(harness.line(id, "COMPUTE 1/4"), ",0.25\r\n");
}

#[test]
fn keys_that_look_alike_do_not_collide() {
    let mut harness = Harness::new();
    let id = harness.connect();
    harness.put(id, r#"a1:{"b2":1}"#);
    harness.put(id, r#"ab1:{"2":2}"#);
    harness.put(id, r#"a:{"b":3}"#);
    harness.put(id, r#"ab:{"x":"NOT FOUND"}"#);
    assert_eq!(harness.line(id, "QUERY a1.b2"), "$1\r\n1\r\n");
    assert_eq!(harness.line(id, r#"QUERY ab1."2""#), "$1\r\n2\r\n");
    assert_eq!(harness.line(id, "QUERY a.b"), "$1\r\n3\r\n");
    assert_eq!(harness.line(id, "QUERY ab.x"), "$9\r\nNOT FOUND\r\n");
    assert_eq!(harness.line(id, "DBSIZE"), ":4\r\n");
}
