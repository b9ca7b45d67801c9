//! Every row of the console's table: what is typed, what is answered.

use super::harness::{Cluster, run, text, wait_until};

fn rows(rows: &[(&str, &str)]) {
    let cluster = Cluster::start(3);
    let mut broker = cluster.broker(2);
    for (line, answer) in rows {
        assert_eq!(broker.ask(line), *answer, "{line}");
    }
}

#[test]
fn put_get_and_delete() {
    rows(&[
        (r#"PUT "p1":{"a":"A"}"#, "p1 : CREATED"),
        (r#"PUT p1:{"a":"B"}"#, "p1 : REPLACED"),
        ("GET p1", r#"p1 : {"a": "B"}"#),
        (r#"GET "p1""#, r#"p1 : {"a": "B"}"#),
        (r#"put user:1:{"a":1}"#, "user:1 : CREATED"),
        ("get user:1", r#"user:1 : {"a": 1}"#),
        ("GET nosuch", "nosuch : NOT FOUND"),
        ("GET a", "a : NOT FOUND"),
        ("DELETE p1", "p1 : DELETED"),
        ("DELETE p1", "p1 : NOT FOUND"),
        ("GET p1", "p1 : NOT FOUND"),
        (r#"PUT p1:{"a":"again"}"#, "p1 : CREATED"),
        ("GET p1", r#"p1 : {"a": "again"}"#),
        ("SET w 5", "OK"),
        ("GET w", r#"w : "5""#),
    ]);
}

#[test]
fn query_by_path() {
    rows(&[
        (
            r#"PUT person2:{"name":"John"; "age":22; "address":{"street":"Main"; "number":12}; "none":null; "empty":{}}"#,
            "person2 : CREATED",
        ),
        ("QUERY person2.address.number", "person2.address.number : 12"),
        ("QUERY person2.address", r#"person2.address : {"street": "Main"; "number": 12}"#),
        ("QUERY person2.nope", "person2.nope : NOT FOUND"),
        ("QUERY person2.name.first", "person2.name.first : NOT FOUND"),
        ("QUERY nosuch.name", "nosuch.name : NOT FOUND"),
        ("QUERY person2.none", "person2.none : null"),
        ("QUERY person2.empty", "person2.empty : {}"),
        (r#"PUT "a.b":{"c.d":{"e":[1,{"f":true}]}}"#, "a.b : CREATED"),
        (r#"QUERY "a.b"."c.d".e[1].f"#, r#""a.b"."c.d".e[1].f : true"#),
        ("QUERY a.b", "a.b : NOT FOUND"),
    ]);
}

#[test]
fn values_come_back_as_they_were() {
    rows(&[
        (
            r#"PUT v:{"zero":0; "no":false; "nothing":""; "set":{}; "small":-1.5e-7; "one":1.0}"#,
            "v : CREATED",
        ),
        ("GET v", r#"v : {"zero": 0; "no": false; "nothing": ""; "set": {}; "small": -1.5e-7; "one": 1.0}"#),
        (r#"PUT t:{"text":"a;b\"c\nd \u00e9"}"#, "t : CREATED"),
        ("GET t", r#"t : {"text": "a;b\"c\nd é"}"#),
        (r#"PUT d:{a:1, a:2, ab:3,}"#, "d : CREATED"),
        ("GET d", r#"d : {"a": 2; "ab": 3}"#),
        (r#"PUT d:{b:1}"#, "d : REPLACED"),
        ("GET d", r#"d : {"b": 1}"#),
    ]);
}

#[test]
fn compute() {
    rows(&[
        (r#"PUT a:{b:2}"#, "a : CREATED"),
        (r#"PUT d:{e:3}"#, "d : CREATED"),
        (r#"PUT c:{f:0.5}"#, "c : CREATED"),
        ("COMPUTE 2/(x+3*(y+z)) WHERE x = QUERY a.b AND y = QUERY c.f AND z = QUERY d.e", "0.16"),
        ("COMPUTE -2^2", "-4"),
        ("COMPUTE 2^3^2", "512"),
        ("COMPUTE 1/4+3/4", "1"),
        ("COMPUTE log(1000)", "3"),
        ("compute sind(30)", "0.5"),
        ("COMPUTE sqrt(abs(-16)) * ln(1)", "0"),
    ]);
}

#[test]
fn errors_say_what_was_expected_and_change_nothing() {
    let cluster = Cluster::start(3);
    let mut broker = cluster.broker(2);
    assert_eq!(broker.ask(r#"PUT p:{"a":{"n":1}}"#), "p : CREATED");
    let mut complains = |line: &str, words: &[&str]| {
        let answer = broker.ask_all(line).join("\n");
        for word in words {
            assert!(answer.contains(word), "{line}: {words:?} wanted, got\n{answer}");
        }
    };
    complains("PUT w:5", &["SET"]);
    complains("DELETE p.a", &["JSON.DEL"]);
    complains(r#"PUT p:{"a":"#, &["^"]);
    complains(r#"PUT p:{"a":01x}"#, &["^"]);
    complains("GTE p", &["GET"]);
    complains("COMPUTE 1/0", &["zero"]);
    complains("COMPUTE x+1 WHERE x = QUERY p.nope", &["p.nope"]);
    complains("COMPUTE x+1 WHERE x = QUERY p.a", &["p.a"]);
    complains("COMPUTE log(0-1)", &["log"]);
    assert_eq!(broker.ask("GET p"), r#"p : {"a": {"n": 1}}"#);
    assert_eq!(broker.ask("JSON.DEL p $.a.n"), "(integer) 1");
    assert_eq!(broker.ask("GET p"), r#"p : {"a": {}}"#);
    assert_eq!(broker.end(), Some(1), "some command failed");
}

#[test]
fn server_commands_and_one_server() {
    let cluster = Cluster::start(3);
    let mut broker = cluster.broker(2);
    assert_eq!(broker.ask("MSET a 1 b 2 c 3"), "OK");
    assert_eq!(broker.ask_all("MGET a nosuch c"), [r#"1) "1""#, "2) (nil)", r#"3) "3""#]);
    assert_eq!(broker.ask("EXISTS a b nosuch"), "(integer) 2");
    assert_eq!(broker.ask("DBSIZE"), "(integer) 3");
    assert_eq!(broker.ask_all("KEYS *"), [r#"1) "a""#, r#"2) "b""#, r#"3) "c""#]);
    assert_eq!(broker.ask("TYPE a"), "string");
    assert_eq!(broker.ask("DEL a b"), "(integer) 2");
    assert_eq!(broker.ask("DBSIZE"), "(integer) 1");
    let at = format!("@{}", cluster.servers[0].address());
    assert_eq!(broker.ask(&format!("{at} PING")), "PONG");
    let refused = broker.ask_all(&format!("{at} SET x 1")).join("\n");
    assert!(
        refused.contains("READONLY this server belongs to a cluster: write through its broker"),
        "{refused}"
    );
    assert_eq!(broker.ask("FLUSHALL"), "OK");
    assert_eq!(broker.ask("DBSIZE"), "(integer) 0");
    assert_eq!(broker.ask("GET c"), "c : NOT FOUND");
}

#[test]
fn scan_shows_each_key_once_however_many_replicas_it_has() {
    let cluster = Cluster::start(3);
    let mut broker = cluster.broker(2);
    for key in 0..50 {
        assert_eq!(broker.ask(&format!("SET key{key} {key}")), "OK");
    }
    let (mut cursor, mut seen) = ("0".to_owned(), vec![]);
    loop {
        let page = broker.ask_all(&format!("SCAN {cursor} COUNT 7"));
        let quoted =
            |line: &String| line.rsplit_once(") ").map(|(_, word)| word.trim_matches('"').to_owned());
        let mut words = page.iter().filter_map(quoted);
        cursor = words.next().expect("a cursor");
        seen.extend(words);
        if cursor == "0" {
            break;
        }
    }
    seen.sort_unstable();
    let mut wanted: Vec<String> = (0..50).map(|key| format!("key{key}")).collect();
    wanted.sort_unstable();
    assert_eq!(seen, wanted);
    assert_eq!(broker.ask("DBSIZE"), "(integer) 50");
}

#[test]
fn help_names_every_verb_and_status_what_may_be_lost() {
    let cluster = Cluster::start(3);
    let mut broker = cluster.broker(2);
    let help = broker.ask_all("HELP").join("\n");
    for verb in ["GET", "QUERY", "PUT", "DELETE", "COMPUTE", "HELP", "STATUS", "EXIT"] {
        assert!(help.contains(verb), "{verb} in\n{help}");
        let one = broker.ask_all(&format!("help {verb}")).join("\n");
        assert!(one.contains(verb) && one.lines().count() > 1, "{one}");
    }
    let unknown = broker.ask_all("HELP PTU").join("\n");
    assert!(unknown.contains("PUT"), "{unknown}");
    broker.wait_all_up(3);
    let status = broker.ask_all("STATUS").join("\n");
    for words in ["in flight", "round trip", "0 degraded", "3 of 3 servers are members", "in memory only"] {
        assert!(status.contains(words), "{words} in\n{status}");
    }
}

#[test]
fn a_pipe_is_a_script() {
    let cluster = Cluster::start(3);
    let file = cluster.path("serverFile.txt");
    let data = cluster
        .write("data.txt", "\"person1\": {\"name\": \"Mary\"; \"age\": 22}\r\n\n# no record\nperson2: {}");
    let broker = env!("CARGO_BIN_EXE_kv-broker");
    let output = run(
        broker,
        &["-s", &file, "-k", "2", "-i", &data],
        cluster.folder.path(),
        "GET person1\nGET person2\nQUIT\nGET person1\n",
    );
    assert_eq!(text(&output.stdout), "person1 : {\"name\": \"Mary\"; \"age\": 22}\nperson2 : {}\n");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let again = run(broker, &["-s", &file, "-k", "2", "--no-load"], cluster.folder.path(), "GET person1");
    assert_eq!(
        text(&again.stdout),
        "person1 : {\"name\": \"Mary\"; \"age\": 22}\n",
        "a new broker wipes nothing"
    );
}

#[test]
fn with_k_servers_down_answers_come_behind_a_warning() {
    let mut cluster = Cluster::start(3);
    let mut broker = cluster.broker(2);
    for key in 0..20 {
        assert_eq!(broker.ask(&format!("SET k{key} v{key}")), "OK");
    }
    cluster.servers[0].kill();
    for key in 0..20 {
        assert_eq!(broker.ask(&format!("GET k{key}")), format!("k{key} : \"v{key}\""), "one of three down");
    }
    broker.notes();
    cluster.servers[1].kill();
    let mut found = 0;
    for key in 0..20 {
        let answer = broker.ask_all(&format!("GET k{key}")).join("\n");
        let right = format!("k{key} : \"v{key}\"");
        assert!(answer == right || answer.contains("UNAVAILABLE"), "{answer}");
        found += usize::from(answer == right);
    }
    assert!(found > 0, "the last server's records are shown");
    let warning = "WARNING: 2 of 3 servers are down (k = 2): results may be incomplete";
    // It comes by another pipe than the answers.
    wait_until("the warning is told", || broker.notes().iter().any(|note| note.contains(warning)));
    let refused = broker.ask_all("SET k0 new").join("\n");
    assert!(refused.contains("UNAVAILABLE") || refused == "OK", "{refused}");
}
