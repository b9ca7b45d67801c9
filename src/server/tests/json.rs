//! RedisJSON's commands: paths in both notations, replies in both dialects, errors.

use super::Harness;
use crate::conn::ConnId;

const DOC: &str = r#"{"a":1,"b":{"a":2.5,"c":[1,"x",true,null]},"s":"text","l":[3,1,2]}"#;

struct Json {
    harness: Harness,
    id: ConnId,
}

impl Json {
    fn new() -> Json {
        let mut harness = Harness::new();
        let id = harness.connect();
        let mut json = Json { harness, id };
        assert_eq!(json.ask(&["JSON.SET", "d", "$", DOC]), "+OK\r\n");
        json
    }

    fn ask(&mut self, words: &[&str]) -> String {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.harness.array(self.id, &words)
    }

    /// The text of a bulk.
    fn text(&mut self, words: &[&str]) -> String {
        let reply = self.ask(words);
        let (head, text) = reply.split_once("\r\n").expect("a reply");
        assert!(head.starts_with('$'), "{words:?}: {reply}");
        text.trim_end_matches("\r\n").to_owned()
    }

    /// The command's reply, and the document behind it.
    fn change(&mut self, words: &[&str]) -> (String, String) {
        (self.ask(words), self.text(&["JSON.GET", "d"]))
    }
}

#[test]
fn get_takes_paths() {
    let mut json = Json::new();
    for (path, expected) in [
        (".", DOC),
        ("$", &format!("[{DOC}]")),
        (".b.a", "2.5"),
        ("b.c[1]", "\"x\""),
        ("$.b.c[1]", "[\"x\"]"),
        ("$..a", "[1,2.5]"),
        ("..a", "1"),
        ("$.b.c[-1]", "[null]"),
        ("$.b.c[1:3]", "[\"x\",true]"),
        ("$.l[*]", "[3,1,2]"),
        ("$.*.a", "[2.5]"),
        ("$..c[0]", "[1]"),
        ("$['a','s']", "[1,\"text\"]"),
        ("$.nosuch", "[]"),
        (
            "$..*",
            "[1,{\"a\":2.5,\"c\":[1,\"x\",true,null]},2.5,[1,\"x\",true,null],1,\"x\",true,null,\"text\",[3,1,2],3,1,2]",
        ),
        ("$..[-1]", "[null,2]"),
    ] {
        assert_eq!(json.text(&["JSON.GET", "d", path]), expected, "{path}");
    }
    assert_eq!(json.text(&["JSON.GET", "d", ".a", ".s"]), r#"{".a":1,".s":"text"}"#);
    assert_eq!(json.text(&["JSON.GET", "d", "$.a", ".s"]), r#"{"$.a":[1],".s":["text"]}"#);
    assert_eq!(json.ask(&["JSON.GET", "d", ".nosuch"]), "-ERR Path '$.nosuch' does not exist\r\n");
    assert_eq!(json.ask(&["JSON.GET", "d", "nosuch"]), "-ERR Path '$.nosuch' does not exist\r\n");
    assert_eq!(json.ask(&["JSON.GET", "nosuch"]), "$-1\r\n");
    assert!(json.ask(&["JSON.GET", "d", "$.["]).starts_with("-ERR expected"));
    assert_eq!(json.ask(&["SET", "t", "x"]), "+OK\r\n");
    assert!(json.ask(&["JSON.GET", "t"]).starts_with("-WRONGTYPE "));
    assert_eq!(json.ask(&["JSON.MGET", "d", "nosuch", "t", "$.a"]), "*3\r\n$3\r\n[1]\r\n$-1\r\n$-1\r\n");
    assert_eq!(json.ask(&["JSON.MGET", "d", "d", "a"]), "*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
}

#[test]
fn blanks_are_the_clients() {
    let mut json = Json::new();
    json.ask(&["JSON.SET", "e", "$", r#"{"a":[1,{}],"b":{}}"#]);
    assert_eq!(
        json.text(&["JSON.GET", "e", "INDENT", "\t", "NEWLINE", "\n", "SPACE", " "]),
        "{\n\t\"a\": [\n\t\t1,\n\t\t{}\n\t],\n\t\"b\": {}\n}"
    );
    assert_eq!(json.text(&["JSON.GET", "e", "SPACE", "_", "$.a"]), "[[1,{}]]");
    assert!(json.ask(&["JSON.GET", "e", "INDENT"]).starts_with("-ERR wrong number of arguments"));
}

#[test]
fn set_makes_and_replaces() {
    let mut json = Json::new();
    for (words, reply, document) in [
        (&["$.a", "5"][..], "+OK\r\n", r#"{"a":5,"#),
        (&["$.new", "{\"x\":[]}"], "+OK\r\n", r#""new":{"x":[]}}"#),
        (&["$.no.such", "1"], "$-1\r\n", r#"{"a":5,"#),
        (&["$.a", "6", "NX"], "$-1\r\n", r#"{"a":5,"#),
        (&["$.z", "6", "XX"], "$-1\r\n", r#"{"a":5,"#),
        (&["$..a", "7"], "+OK\r\n", r#"{"a":7,"b":{"a":7,"#),
        (&["$.l[0]", "\"y\""], "+OK\r\n", r#""l":["y",1,2]"#),
        (&["$.l[9]", "1"], "$-1\r\n", r#""l":["y",1,2]"#),
        (&[".b.n", "null"], "+OK\r\n", r#"null],"n":null}"#),
    ] {
        let words: Vec<&str> = ["JSON.SET", "d"].into_iter().chain(words.iter().copied()).collect();
        let (got, now) = json.change(&words);
        assert_eq!(got, reply, "{words:?}");
        assert!(now.contains(document), "{words:?}: {now}");
    }
    assert_eq!(
        json.ask(&["JSON.SET", "new", "$.a", "1"]),
        "-ERR new objects must be created at the root\r\n"
    );
    assert_eq!(json.ask(&["JSON.SET", "new", "$", "{}", "XX"]), "$-1\r\n");
    assert_eq!(json.ask(&["JSON.SET", "d", "$", "{}", "NX"]), "$-1\r\n");
    assert!(json.ask(&["JSON.SET", "d", "$", "5"]).starts_with("-ERR expected"), "a document is a set");
    assert!(json.ask(&["JSON.SET", "d", "$.a", "{\"x\":"]).starts_with("-ERR expected"));
    assert_eq!(json.ask(&["JSON.SET", "d", "$.a", "1", "foo"]), "-ERR syntax error\r\n");
    assert_eq!(json.ask(&["JSON.MSET", "e", "$", "{}", "d", "$.a", "9"]), "+OK\r\n");
    assert!(json.ask(&["JSON.MSET", "e", "$", "{\"n\":1}", "d", "$.a", "["]).starts_with("-ERR"));
    assert_eq!(json.text(&["JSON.GET", "e"]), "{}", "all or none");
    assert!(json.ask(&["JSON.MSET", "e", "$"]).starts_with("-ERR wrong number"));
    json.harness.server.trie().check();
}

#[test]
fn merge_is_that_of_rfc_7396() {
    let mut json = Json::new();
    for (before, patch, after) in [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b",null,{"x":[1]}]}"#, r#"{"a":["b",null,{"x":[1]}]}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        (r#"{"a":1}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
    ] {
        json.ask(&["JSON.SET", "d", "$", before]);
        let (reply, now) = json.change(&["JSON.MERGE", "d", "$", patch]);
        assert_eq!((reply.as_str(), now.as_str()), ("+OK\r\n", after), "{before} and {patch}");
    }
    assert_eq!(json.ask(&["JSON.MERGE", "new", "$", r#"{"a":{"b":null,"c":1}}"#]), "+OK\r\n");
    assert_eq!(json.text(&["JSON.GET", "new"]), r#"{"a":{"c":1}}"#);
    assert_eq!(json.ask(&["JSON.MERGE", "new", "$.a.d", "[1]"]), "+OK\r\n");
    assert_eq!(json.ask(&["JSON.MERGE", "new", "$.a.c", "null"]), "+OK\r\n");
    assert_eq!(json.text(&["JSON.GET", "new"]), r#"{"a":{"d":[1]}}"#);
    assert_eq!(
        json.ask(&["JSON.MERGE", "new", "$", "null"]) + &json.ask(&["EXISTS", "new"]),
        "+OK\r\n:0\r\n"
    );
    assert!(json.ask(&["JSON.MERGE", "new", "$.a", "1"]).starts_with("-ERR new objects"));
    json.harness.server.trie().check();
}

#[test]
fn delete_and_clear_take_many_places() {
    let mut json = Json::new();
    assert_eq!(
        json.change(&["JSON.DEL", "d", "$..a"]),
        (":2\r\n".into(), DOC.replace("\"a\":1,", "").replace("\"a\":2.5,", ""))
    );
    assert_eq!(json.change(&["JSON.DEL", "d", "$.l[0:2]"]).0, ":2\r\n");
    assert_eq!(json.text(&["JSON.GET", "d", ".l"]), "[2]");
    assert_eq!(
        json.change(&["JSON.CLEAR", "d", "$.*"]),
        (":2\r\n".into(), r#"{"b":{},"s":"text","l":[]}"#.into())
    );
    assert_eq!(json.ask(&["JSON.CLEAR", "d"]) + &json.text(&["JSON.GET", "d"]), ":1\r\n{}");
    assert_eq!(json.ask(&["JSON.CLEAR", "d"]) + &json.ask(&["JSON.DEL", "nosuch"]), ":0\r\n:0\r\n");
    assert!(
        json.ask(&["JSON.CLEAR", "nosuch"])
            .starts_with("-ERR could not perform this operation on a key that doesn't exist")
    );
    json.harness.server.trie().check();
}

#[test]
fn numbers_texts_and_booleans() {
    let mut json = Json::new();
    assert_eq!(json.text(&["JSON.NUMINCRBY", "d", "$..a", "2"]), "[3,4.5]");
    assert_eq!(json.text(&["JSON.NUMINCRBY", "d", ".a", "0.5"]), "3.5");
    assert_eq!(json.text(&["JSON.NUMMULTBY", "d", "$.*", "2"]), "[7.0,null,null,null]");
    assert_eq!(
        json.text(&["JSON.NUMINCRBY", "d", "$.l[0]", "9223372036854775807"]),
        "[9.223372036854776e18]"
    );
    assert!(
        json.ask(&["JSON.NUMINCRBY", "d", ".s", "1"])
            .starts_with("-ERR Path '$.s' does not exist or does not contains a number")
    );
    assert!(
        json.ask(&["JSON.NUMINCRBY", "d", ".a", "x"])
            .starts_with("-ERR wrong type of value - expected number but found string")
    );
    assert!(json.ask(&["JSON.NUMMULTBY", "d", "$..a", "1e308"]).starts_with("-ERR result is not a number"));
    assert_eq!(json.ask(&["JSON.STRAPPEND", "d", ".s", "\"!\""]), ":5\r\n");
    assert_eq!(json.ask(&["JSON.STRAPPEND", "d", "$.*", "\"!\""]), "*4\r\n$-1\r\n$-1\r\n:6\r\n$-1\r\n");
    assert!(json.ask(&["JSON.STRAPPEND", "d", ".s", "1"]).contains("expected string but found integer"));
    assert_eq!(
        json.ask(&["JSON.STRLEN", "d", ".s"]) + &json.ask(&["JSON.STRLEN", "d", "$.a"]),
        ":6\r\n*1\r\n$-1\r\n"
    );
    assert_eq!(
        json.ask(&["JSON.TOGGLE", "d", "$.b.c[2]"]) + &json.ask(&["JSON.TOGGLE", "d", ".b.c[2]"]),
        "*1\r\n:0\r\n$4\r\ntrue\r\n"
    );
    json.ask(&["HELLO", "3"]);
    assert_eq!(json.ask(&["JSON.NUMINCRBY", "d", ".l[1]", "1"]), "*1\r\n:2\r\n");
    assert_eq!(json.ask(&["JSON.NUMINCRBY", "d", "$.l[1:]", "0.5"]), "*2\r\n,2.5\r\n,2.5\r\n");
    json.harness.server.trie().check();
}

#[test]
fn types_keys_and_lengths() {
    let mut json = Json::new();
    assert_eq!(
        json.ask(&["JSON.TYPE", "d"]) + &json.ask(&["JSON.TYPE", "d", ".b.a"]),
        "$6\r\nobject\r\n$6\r\nnumber\r\n"
    );
    assert_eq!(
        json.ask(&["JSON.TYPE", "d", "$.b.c[*]"]),
        "*4\r\n$7\r\ninteger\r\n$6\r\nstring\r\n$7\r\nboolean\r\n$4\r\nnull\r\n"
    );
    assert_eq!(json.ask(&["JSON.TYPE", "d", ".x"]) + &json.ask(&["JSON.TYPE", "x"]), "$-1\r\n$-1\r\n");
    assert_eq!(json.ask(&["JSON.OBJKEYS", "d", "$.b"]), "*1\r\n*2\r\n$1\r\na\r\n$1\r\nc\r\n");
    assert_eq!(json.ask(&["JSON.OBJKEYS", "d", ".b"]), "*2\r\n$1\r\na\r\n$1\r\nc\r\n");
    assert_eq!(
        json.ask(&["JSON.OBJLEN", "d"]) + &json.ask(&["JSON.ARRLEN", "d", "$..c"]),
        ":4\r\n*1\r\n:4\r\n"
    );
    assert!(json.ask(&["JSON.ARRLEN", "d", ".a"]).contains("or not an array"));
    assert_eq!(json.ask(&["JSON.ARRLEN", "x", ".a"]), "$-1\r\n");
    assert!(json.ask(&["JSON.ARRLEN", "x", "$.a"]).starts_with("-ERR could not perform"));
    assert_eq!(
        json.ask(&["JSON.RESP", "d", ".b"]),
        "*5\r\n+{\r\n$1\r\na\r\n$3\r\n2.5\r\n$1\r\nc\r\n*5\r\n+[\r\n:1\r\n$1\r\nx\r\n+true\r\n$-1\r\n"
    );
    assert!(json.ask(&["JSON.DEBUG", "MEMORY", "d"]).starts_with(':'));
    assert!(json.ask(&["JSON.DEBUG", "MEMORY", "d", "$.b"]).starts_with("*1\r\n:"));
    json.ask(&["HELLO", "3"]);
    assert_eq!(
        json.ask(&["JSON.TYPE", "d", ".a"]) + &json.ask(&["JSON.TYPE", "d", "$.a"]),
        "*1\r\n$7\r\ninteger\r\n*1\r\n*1\r\n$7\r\ninteger\r\n"
    );
}

#[test]
fn arrays() {
    let mut json = Json::new();
    let list = |json: &mut Json| json.text(&["JSON.GET", "d", ".l"]);
    assert_eq!(
        json.ask(&["JSON.ARRAPPEND", "d", "$.l", "4", "{}"]) + &list(&mut json),
        "*1\r\n:5\r\n[3,1,2,4,{}]"
    );
    assert_eq!(
        json.ask(&["JSON.ARRINSERT", "d", ".l", "-1", "\"x\"", "\"y\""]) + &list(&mut json),
        ":7\r\n[3,1,2,4,\"x\",\"y\",{}]"
    );
    assert_eq!(json.ask(&["JSON.ARRINSERT", "d", ".l", "8", "1"]), "-ERR index out of bounds\r\n");
    assert_eq!(
        json.ask(&["JSON.ARRINDEX", "d", ".l", "\"x\""])
            + &json.ask(&["JSON.ARRINDEX", "d", "$.l", "{}", "0", "-1"]),
        ":4\r\n*1\r\n:-1\r\n"
    );
    assert_eq!(
        json.ask(&["JSON.ARRINDEX", "d", ".l", "3", "1"]) + &json.ask(&["JSON.ARRINDEX", "d", "$.*", "3"]),
        ":-1\r\n*4\r\n$-1\r\n$-1\r\n$-1\r\n:0\r\n"
    );
    assert_eq!(json.text(&["JSON.ARRPOP", "d", ".l"]) + &list(&mut json), "{}[3,1,2,4,\"x\",\"y\"]");
    assert_eq!(
        json.ask(&["JSON.ARRPOP", "d", "$.l", "-99"]) + &list(&mut json),
        "*1\r\n$1\r\n3\r\n[1,2,4,\"x\",\"y\"]"
    );
    assert_eq!(json.ask(&["JSON.ARRTRIM", "d", ".l", "1", "-2"]) + &list(&mut json), ":3\r\n[2,4,\"x\"]");
    assert_eq!(json.ask(&["JSON.ARRTRIM", "d", "$.l", "5", "9"]) + &list(&mut json), "*1\r\n:0\r\n[]");
    assert_eq!(
        json.ask(&["JSON.ARRPOP", "d", ".l"]) + &json.ask(&["JSON.ARRPOP", "d", "$.l"]),
        "$-1\r\n*1\r\n$-1\r\n"
    );
    assert!(json.ask(&["JSON.ARRPOP", "d", ".s"]).contains("or not an array"));
    json.ask(&["JSON.SET", "d", "$", r#"{"l":[[1],[2,[3]]]}"#]);
    assert_eq!(
        json.ask(&["JSON.ARRAPPEND", "d", "$..l..*", "0"]),
        "*6\r\n:2\r\n$-1\r\n:3\r\n$-1\r\n:2\r\n$-1\r\n"
    );
    assert_eq!(list(&mut json), "[[1,0],[2,[3,0],0]]");
    assert_eq!(json.ask(&["JSON.ARRINSERT", "d", "$..*", "0", "9"]).matches(':').count(), 4);
    assert_eq!(list(&mut json), "[9,[9,1,0],[9,2,[9,3,0],0]]");
    json.harness.server.trie().check();
}
