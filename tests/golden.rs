//! What Redis 7.0.15 answered to 79 inputs, byte for byte (`tests/data/resp_golden.txt`), and what the server answers.
//!
//! The inputs run in order on one keyspace, each on a connection of its own: first in RESP2, then after `HELLO 3`.
//! Ids, versions, counts and modules are masked. Where the server differs on purpose, [`DIFFERENCES`] says how and why,
//! and so does `docs/differences.md`.

use hedgerow::conn::{ConnId, Machine, Net, NetRequest, Origin, deliver};
use hedgerow::server::{Server, ServerConfig};
use hedgerow::time::{Now, Span, Time};
use std::net::SocketAddr;

const GOLDEN: &str = include_str!("data/resp_golden.txt");
const DOCUMENT: &str = include_str!("../docs/differences.md");

/// What the server answers where Redis answers something else.
enum Ours {
    /// `unknown command` to each line of the input.
    Unknown,
    /// These bytes in RESP2, and these in RESP3.
    Replies(&'static str, &'static str),
    /// Redis' fields and these behind them.
    MoreFields(&'static str),
}

const MODULES: &str = "*1\r\n*8\r\n$4\r\nname\r\n$6\r\nReJSON\r\n$3\r\nver\r\n:20800\r\n$4\r\npath\r\n$0\r\n\r\n$4\r\n\
                       args\r\n*0\r\n";
const MODULES_RESP3: &str = "*1\r\n%4\r\n$4\r\nname\r\n$6\r\nReJSON\r\n$3\r\nver\r\n:20800\r\n$4\r\npath\r\n$0\r\n\r\n\
                             $4\r\nargs\r\n*0\r\n";

/// How the input begins, what it is answered here, and why. Each reason is a heading of `docs/differences.md`.
const DIFFERENCES: &[(&str, Ours, &str)] = &[
    (
        "CONFIG GET databases",
        Ours::Replies("*2\r\n$9\r\ndatabases\r\n$1\r\n1\r\n", "%1\r\n$9\r\ndatabases\r\n$1\r\n1\r\n"),
        "One database",
    ),
    ("LPUSH", Ours::Unknown, "Types"),
    ("GET l\r\n", Ours::Replies("$-1\r\n", "_\r\n"), "Types"),
    ("CLIENT INFO", Ours::MoreFields(" lib-name= lib-ver="), "CLIENT INFO"),
    ("MODULE LIST", Ours::Replies(MODULES, MODULES_RESP3), "Modules"),
    ("JSON.GET", Ours::Replies("$-1\r\n", "_\r\n"), "Modules"),
    ("SUBSCRIBE", Ours::Unknown, "Publish and subscribe"),
];

struct Answer {
    bytes: Vec<u8>,
    closed: bool,
}

struct Case {
    input: Vec<u8>,
    resp2: Answer,
    /// Where it differs.
    resp3: Option<Answer>,
}

/// `b'..'` or `b".."` as Python prints bytes; returns the rest of the line too.
fn bytes_literal(text: &str) -> (Vec<u8>, &str) {
    let quote = text.as_bytes()[1];
    assert!(text.starts_with('b') && (quote == b'\'' || quote == b'"'), "{text}");
    let (mut bytes, mut at) = (vec![], 2);
    let raw = text.as_bytes();
    while raw[at] != quote {
        if raw[at] != b'\\' {
            bytes.push(raw[at]);
            at += 1;
            continue;
        }
        let (byte, len) = match raw[at + 1] {
            b'r' => (b'\r', 2),
            b'n' => (b'\n', 2),
            b't' => (b'\t', 2),
            b'x' => (u8::from_str_radix(&text[at + 2..at + 4], 16).expect("two hex digits"), 4),
            other => (other, 2),
        };
        bytes.push(byte);
        at += len;
    }
    (bytes, &text[at + 1..])
}

fn answer(text: &str) -> Answer {
    let (bytes, rest) = bytes_literal(text);
    Answer { bytes, closed: rest.trim() == "closed=True" }
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = vec![];
    for line in GOLDEN.lines().filter(|line| !line.is_empty()) {
        let (sign, text) = line.split_once(' ').expect("a sign and a text");
        match sign {
            "C" => {
                let input = bytes_literal(text).0;
                // The capture shows only the head of its one endless line.
                let input = if input.starts_with(b"AAAA") { vec![b'A'; 70_000] } else { input };
                cases.push(Case { input, resp2: Answer { bytes: vec![], closed: false }, resp3: None });
            }
            "2" => cases.last_mut().expect("C comes first").resp2 = answer(text),
            "3" => cases.last_mut().expect("C comes first").resp3 = Some(answer(text)),
            other => panic!("a line begins with {other}"),
        }
    }
    cases
}

struct Driver {
    server: Server,
    net: Net,
    now: Now,
}

impl Driver {
    fn connect(&mut self) -> ConnId {
        let id = self.net.insert();
        let peer = SocketAddr::from(([127, 0, 0, 1], 35_928));
        let local = SocketAddr::from(([127, 0, 0, 1], 17_777));
        self.server.handle_open(id, Origin::Accepted { peer, local }, self.now, &mut self.net);
        id
    }

    fn send(&mut self, id: ConnId, input: &[u8]) -> Answer {
        deliver(&mut self.server, &mut self.net, id, input, self.now);
        let bytes = self.net.unsent(id).to_vec();
        self.net.sent(id, bytes.len(), self.now.time);
        let mut requests = vec![];
        self.net.take_requests(&mut requests);
        Answer { bytes, closed: requests.contains(&NetRequest::Close(id)) }
    }
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Puts a mask over what differs from server to server: every id, version, count, and the list of modules.
fn masked(input: &str, reply: &[u8]) -> String {
    let text = String::from_utf8(reply.to_vec()).expect("replies to the corpus are text");
    let word = |text: &str, after: &str| {
        let Some(at) = text.find(after) else { return text.to_owned() };
        let start = at + after.len();
        let end = start + text[start..].find("\r\n").expect("a line end");
        format!("{}_{}", &text[..start], &text[end..])
    };
    match () {
        () if input.starts_with("HELLO 3") => {
            let text = word(&word(&text, "$2\r\nid\r\n"), "$7\r\nversion\r\n");
            let version = text.find("version\r\n_\r\n").expect("a version") + "version\r\n_\r\n".len();
            let rest = &text[version..];
            let rest = rest.split_once("\r\n").expect("the version itself").1;
            let modules = rest.find("$7\r\nmodules").expect("modules");
            format!("{}{}", &text[..version], &rest[..modules])
        }
        () if ["CLIENT ID", "COMMAND COUNT", "MEMORY USAGE"].iter().any(|head| input.starts_with(head)) => {
            assert!(text.starts_with(':') && text[1..].trim_end().parse::<u64>().is_ok(), "{text}");
            ":_".to_owned()
        }
        () if input.starts_with("CLIENT INFO") => {
            // The names of the fields alone: the values are this process' own. RESP3 has a format before them.
            let line = text.lines().find(|line| line.contains("id=")).expect("a line of fields");
            let line = line.trim_start_matches("txt:");
            line.split(' ')
                .filter_map(|field| field.split_once('='))
                .map(|(name, _)| format!(" {name}="))
                .collect()
        }
        () => text,
    }
}

fn expected(input: &str, golden: &Answer, resp3: bool) -> String {
    let redis = masked(input, &golden.bytes);
    let Some((_, ours, _)) = DIFFERENCES.iter().find(|(head, ..)| input.starts_with(head)) else {
        return redis;
    };
    match ours {
        Ours::Unknown => input.lines().map(unknown).collect(),
        Ours::Replies(_, reply) if resp3 => (*reply).to_owned(),
        Ours::Replies(reply, _) => (*reply).to_owned(),
        Ours::MoreFields(fields) => redis + fields,
    }
}

fn unknown(line: &str) -> String {
    let mut words = line.split(' ');
    let name = words.next().expect("a word");
    // What only surrounds the unknown in the corpus, and is known here.
    match name {
        "PING" => return "+PONG\r\n".to_owned(),
        "GET" => return "$-1\r\n".to_owned(),
        _ => {}
    }
    let args: String = words.map(|word| format!("'{}' ", word.trim_matches('"'))).collect();
    format!("-ERR unknown command '{name}', with args beginning with: {args}\r\n")
}

#[test]
fn answers_are_those_of_redis() {
    let now = Now { time: Time::ZERO + Span::from_secs(1), unix_ms: 1_700_000_000_000 };
    let mut driver = Driver { server: Server::new(ServerConfig::new(7), now), net: Net::new(), now };
    let cases = cases();
    assert_eq!(cases.len(), 79);
    let mut wrong = vec![];
    for case in &cases {
        let input = String::from_utf8(case.input.clone()).unwrap();
        for resp3 in [false, true] {
            let id = driver.connect();
            if resp3 {
                assert!(driver.send(id, b"HELLO 3\r\n").bytes.starts_with(b"%7\r\n"));
            }
            let golden = case.resp3.as_ref().filter(|_| resp3).unwrap_or(&case.resp2);
            let mut expected = expected(&input, golden, resp3);
            if resp3 && input.starts_with("SUBSCRIBE") {
                expected = expected.replace("$-1\r\n", "_\r\n");
            }
            let answer = driver.send(id, &case.input);
            let reply = masked(&input, &answer.bytes);
            if reply != expected || answer.closed != golden.closed {
                let dialect = if resp3 { 3 } else { 2 };
                wrong.push(format!(
                    "RESP{dialect} {}\n  here  {} {}\n  Redis {} {}",
                    shown(&case.input[..case.input.len().min(60)]),
                    shown(reply.as_bytes()),
                    answer.closed,
                    shown(expected.as_bytes()),
                    golden.closed
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), 2 * cases.len(), wrong.join("\n"));
}

#[test]
fn every_difference_is_met_and_written_down() {
    let cases = cases();
    for (head, _, reason) in DIFFERENCES {
        assert!(
            cases.iter().any(|case| case.input.starts_with(head.as_bytes())),
            "{head} is not in the corpus"
        );
        assert!(
            DOCUMENT.contains(&format!("\n## {reason}\n")),
            "docs/differences.md has no heading {reason}"
        );
    }
}

#[test]
fn bytes_are_read_as_python_prints_them() {
    assert_eq!(bytes_literal(r#"b'a\r\n\x00\\\'"' closed=True"#), (b"a\r\n\0\\'\"".to_vec(), " closed=True"));
    assert_eq!(bytes_literal(r#"b"it's""#).0, b"it's");
}
