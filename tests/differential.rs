//! Random sequences of the commands that a server shares with Redis, sent to both: every reply must be the same byte
//! for byte, in RESP2 and RESP3. What differs on purpose is in `docs/differences.md`, and is not asked for here.
//!
//! The server is the core itself, on a clock that stands still; Redis is the `redis-server` that is installed. Where
//! there is none the test says SKIPPED, and fails instead with `REQUIRE_PEERS=1`. Replies that depend on the time are
//! masked, so a slow machine changes nothing. `DIFFERENTIAL_CASES=100000` for more sequences.

use hedgerow::conn::{ConnId, Net, deliver};
use hedgerow::conn::{Machine, Origin};
use hedgerow::proto::resp::{Progress, ReplyParser, Tokens, write_request};
use hedgerow::server::{Server, ServerConfig};
use hedgerow::time::{Now, Span, Time};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// What is sent, as words. Words in capitals of one letter stand for something drawn from a pool, `a|b|` for one of these
/// (here the last is nothing); everything else is literal.
const TEMPLATES: &[&str] = &[
    "GET K",
    "SET K V",
    "SET K V NX|XX|GET|KEEPTTL|nx|foo| GET||||XX",
    "SET K V EX|PX T GET|NX|XX||KEEPTTL",
    "SET K V EXAT A |GET|NX",
    "SET K V EX|PX|EXAT|PXAT J",
    "SETNX K V",
    "SETEX K T V",
    "SETEX K J V",
    "PSETEX K J V",
    "PSETEX K T V",
    "MSET K V K V",
    "MSET K V K",
    "MSETNX K V K V",
    "MGET K K K",
    "GETEX K",
    "GETEX K EX|PX T",
    "GETEX K EXAT A",
    "GETEX K EXAT 1",
    "GETEX K PERSIST|foo",
    "GETEX K EX|PX|EXAT|PXAT J",
    "GETDEL K",
    "GETSET K V",
    "APPEND K V",
    "STRLEN K",
    "GETRANGE K I I",
    "SUBSTR K I I",
    "SETRANGE K S V",
    "SETRANGE K -1|abc|600000000 V",
    "LCS K K",
    "LCS K K LEN|IDX| WITHMATCHLEN|LEN|",
    "LCS K K IDX MINMATCHLEN I",
    "INCR K",
    "DECR K",
    "INCRBY K I",
    "DECRBY K I",
    "INCRBYFLOAT f F",
    "SET f F",
    "GET f",
    "INCRBYFLOAT K abc|inf|1e5000|",
    "SETBIT K S 0|1|2",
    "SETBIT K -1|abc|4294967296 1",
    "GETBIT K S",
    "GETBIT K -1|abc",
    "DEL K K",
    "UNLINK K",
    "EXISTS K K K",
    "TOUCH K K",
    "TYPE K",
    "RENAME K K",
    "RENAMENX K K",
    "COPY K K REPLACE|foo|",
    "COPY K K DB 0|99|abc",
    "KEYS P",
    "SCAN 0 COUNT 1000",
    "SCAN 0 MATCH P COUNT 1000",
    "SCAN 0 TYPE string|hash COUNT 1000",
    "SCAN abc|0 COUNT 0|-1|abc",
    "DBSIZE",
    "EXPIRE K T NX|XX|NX|foo| XX|||GT",
    "PEXPIRE K T NX|XX||",
    "EXPIREAT K A NX|XX|GT|LT| GT|||LT",
    "PEXPIREAT K B NX|XX|GT|LT|",
    "EXPIRE K J",
    "PEXPIREAT K J",
    "EXPIREAT K -1|0|1|abc",
    "TTL|PTTL|EXPIRETIME|PEXPIRETIME K",
    "PERSIST K",
    "OBJECT FREQ K",
    "OBJECT foo K",
    "OBJECT",
    "FLUSHALL|FLUSHDB SYNC|ASYNC|foo|",
    "MULTI",
    "MULTI",
    "EXEC",
    "EXEC",
    "DISCARD",
    "WATCH K K",
    "UNWATCH",
    "PING |V",
    "ECHO V",
    "SELECT 0|99|abc",
    "WAIT 0|abc 0|-1|abc",
    "COMMAND GETKEYS GET|MSET|PING K V",
    "CLIENT GETNAME",
    "CLIENT SETNAME K",
    "CLIENT REPLY ON|foo",
    "CLIENT NO-EVICT ON|OFF|foo",
    "CLIENT PAUSE abc|-1",
    "CLIENT UNPAUSE",
    "CLIENT KILL ID abc|0",
    "CLIENT KILL TYPE foo|pubsub",
    "CLIENT KILL 1.2.3.4:5",
    "CLIENT LIST TYPE foo|pubsub",
    "SLOWLOG GET abc|-2",
    "LATENCY RESET",
    "CONFIG SET nosuch 1",
    "CONFIG SET databases 7",
    "CONFIG SET slowlog-max-len abc|-1",
    "FUNCTION FLUSH |SYNC|foo",
    "SHUTDOWN foo foo|ABORT",
    "SHUTDOWN ABORT foo",
    "DEBUG foo",
    "READONLY",
    "AUTH V",
    "HELLO abc|4 foo",
    "HELLO 3 foo|AUTH foo",
    "RESET",
    "FOO K V",
];

const KEYS: &[&[u8]] = &[b"a", b"b", b"c", b"ab", b"{t}x"];
const VALUES: &[&[u8]] = &[
    b"1",
    b"abc",
    b"",
    b"10",
    b"-5",
    b"2.5",
    b"hello world",
    b"9223372036854775807",
    b"\xff\x00\r\n",
    b"a rather long text that is not kept in one piece with its head, as it has more than 44 bytes",
    b"cabbac",
    b" 1",
    b"0",
    b"1e3",
];
const INTEGERS: &[&[u8]] = &[
    b"0",
    b"1",
    b"-1",
    b"2",
    b"5",
    b"-3",
    b"100",
    b"abc",
    b"1.5",
    b"",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b" 1",
    b"-0",
];
/// What is no time to live that could pass while the test runs.
const NO_TIMES: &[&[u8]] = &[
    b"0",
    b"-1",
    b"-3",
    b"abc",
    b"1.5",
    b"",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b" 1",
    b"-0",
    b"9223372036854775",
];
/// Sums of these are exact in binary, so that Redis' floats are as good as decimals.
const FLOATS: &[&[u8]] =
    &[b"1", b"0.5", b"-2.25", b"1e3", b"100", b"abc", b"", b"inf", b"-1", b".125", b"1 "];
const SMALL: &[&[u8]] = &[b"0", b"1", b"7", b"8", b"15", b"100"];
/// Times far enough that none passes while the test runs, and apart from each other.
const SPANS: &[&[u8]] = &[b"100000", b"200000000"];
const SECONDS: &[&[u8]] = &[b"4102444800", b"5102444800", b"9999999999"];
const MILLIS: &[&[u8]] = &[b"4102444800000", b"5102444800001", b"9999999999999"];
const PATTERNS: &[&[u8]] = &[b"*", b"a*", b"?", b"[ab]", b"[^a]", b"{t}*", b"nosuch", b"\\a", b"*b"];

/// One command: which template, what is drawn, and how it is spoilt.
#[derive(Clone, Debug)]
struct Drawn {
    template: usize,
    draws: Vec<u8>,
    spoilt: u8,
}

impl Drawn {
    fn words(&self) -> Vec<Vec<u8>> {
        let mut draws = self.draws.iter().copied().cycle();
        let mut draw = |count: usize| usize::from(draws.next().expect("a cycle")) % count;
        let mut words: Vec<Vec<u8>> = Vec::new();
        for word in TEMPLATES[self.template].split(' ') {
            let pool = match word {
                "K" => KEYS,
                "V" => VALUES,
                "I" => INTEGERS,
                "J" => NO_TIMES,
                "F" => FLOATS,
                "S" => SMALL,
                "T" => SPANS,
                "A" => SECONDS,
                "B" => MILLIS,
                "P" => PATTERNS,
                literal => {
                    let choices: Vec<&str> = literal.split('|').collect();
                    let chosen = choices[draw(choices.len())];
                    if !chosen.is_empty() {
                        words.push(chosen.into());
                    }
                    continue;
                }
            };
            words.push(pool[draw(pool.len())].to_vec());
        }
        match self.spoilt {
            0 if words.len() > 1 => drop(words.pop()),
            1 => words.push(b"more".to_vec()),
            2 => words[0].make_ascii_lowercase(),
            _ => {}
        }
        words
    }
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (0..TEMPLATES.len(), proptest::collection::vec(any::<u8>(), 8), any::<u8>())
        .prop_map(|(template, draws, spoilt)| Drawn { template, draws, spoilt: spoilt % 40 })
}

/// Whole replies in `bytes`, and how many there are to come.
fn replies(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut parser, mut tokens, mut at) = (ReplyParser::default(), Tokens::default(), 0);
    let mut replies = vec![];
    while at < bytes.len() {
        match parser.parse(&bytes[at..], &mut tokens).expect("replies are well-formed") {
            Progress::Done { consumed, .. } => {
                replies.push(bytes[at..at + consumed].to_vec());
                at += consumed;
            }
            Progress::More { .. } => break,
        }
    }
    replies
}

/// A reply without what depends on the time, or on the order in which Redis keeps keys.
fn masked(words: &[Vec<u8>], reply: &[u8]) -> Vec<u8> {
    let name = String::from_utf8_lossy(&words[0]).to_ascii_uppercase();
    match name.as_str() {
        "TTL" | "PTTL" | "EXPIRETIME" | "PEXPIRETIME" if reply.first() == Some(&b':') => {
            if reply[1] == b'-' {
                reply.to_vec()
            } else {
                b":time".to_vec()
            }
        }
        // Version, id and modules differ; that it is a map of seven does not.
        "HELLO" if reply.len() > 80 => reply[..4].to_vec(),
        "KEYS" | "SCAN" if reply.first() == Some(&b'*') => sorted(reply),
        _ => reply.to_vec(),
    }
}

/// The bulks of a flat reply in order.
fn sorted(reply: &[u8]) -> Vec<u8> {
    let mut bulks: Vec<&[u8]> = reply.split(|&byte| byte == b'$').collect();
    bulks.sort_unstable();
    bulks.join(&b'$')
}

/// In a transaction the replies come with EXEC, in one array: only a command that is not queued can be masked.
fn comparable(words: &[Vec<u8>], reply: &[u8]) -> Vec<u8> {
    let is_exec = words[0].eq_ignore_ascii_case(b"EXEC");
    if is_exec && reply.first() == Some(&b'*') { sorted_lines(reply) } else { masked(words, reply) }
}

/// Lines in order: among them may be those of KEYS. Integers of five digits and more are times, or close to a limit.
fn sorted_lines(reply: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = reply.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    for line in lines.iter_mut().filter(|line| line.first() == Some(&b':') && line.len() >= 6) {
        *line = b":time\r".to_vec();
    }
    lines.sort_unstable();
    lines.join(&b'\n')
}

struct Ours {
    server: Server,
    net: Net,
    now: Now,
}

impl Ours {
    fn new() -> Ours {
        let now = Now { time: Time::ZERO + Span::from_secs(1), unix_ms: 1_700_000_000_000 };
        Ours { server: Server::new(ServerConfig::new(7), now), net: Net::new(), now }
    }

    fn connect(&mut self) -> ConnId {
        let id = self.net.insert();
        let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
        self.server.handle_open(id, Origin::Accepted { peer, local: peer }, self.now, &mut self.net);
        id
    }

    fn send(&mut self, id: ConnId, bytes: &[u8]) -> Vec<u8> {
        deliver(&mut self.server, &mut self.net, id, bytes, self.now);
        let mut ready = vec![];
        while self.net.has_ready() {
            self.net.take_ready(&mut ready);
            ready.drain(..).for_each(|id| {
                deliver(&mut self.server, &mut self.net, id, b"", self.now);
            });
        }
        let reply = self.net.unsent(id).to_vec();
        self.net.sent(id, reply.len(), self.now.time);
        reply
    }
}

/// A redis-server of our own, ended with the test.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    /// `None`: it is not installed.
    fn start() -> Option<Redis> {
        let free =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let port = free.port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--dir", &std::env::temp_dir().display().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Redis { child, port })
    }

    /// Waits until it listens, or until it has ended without that.
    fn connect(&mut self) -> TcpStream {
        loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                stream.set_nodelay(true).expect("a socket");
                return stream;
            }
            let ended = self.child.try_wait().expect("our child");
            assert!(ended.is_none(), "redis-server ended before it listened: {ended:?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends requests in one write and takes as many replies.
fn ask(stream: &mut TcpStream, requests: &[u8], count: usize) -> Vec<Vec<u8>> {
    stream.write_all(requests).expect("Redis reads");
    let (mut bytes, mut buffer) = (vec![], [0; 65_536]);
    loop {
        let got = replies(&bytes);
        if got.len() >= count {
            return got;
        }
        let read = stream.read(&mut buffer).expect("Redis answers");
        assert!(read > 0, "Redis closed the connection after {} of {count} replies", got.len());
        bytes.extend_from_slice(&buffer[..read]);
    }
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Runs one sequence on both.
fn compare(
    ours: &mut Ours,
    stream: &mut TcpStream,
    commands: &[Drawn],
    resp3: bool,
) -> Result<(), TestCaseError> {
    let id = ours.connect();
    let mut prelude: Vec<Vec<Vec<u8>>> = vec![vec![b"RESET".to_vec()], vec![b"FLUSHALL".to_vec()]];
    if resp3 {
        prelude.push(vec![b"HELLO".to_vec(), b"3".to_vec()]);
    }
    let sequence: Vec<Vec<Vec<u8>>> = prelude.into_iter().chain(commands.iter().map(Drawn::words)).collect();
    let mut requests = vec![];
    for words in &sequence {
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        write_request(&mut requests, &words);
    }
    let theirs = ask(stream, &requests, sequence.len());
    let here = replies(&ours.send(id, &requests));
    ours.net.remove(id);
    ours.server.handle_close(id, hedgerow::conn::CloseReason::Limit, ours.now, &mut ours.net);
    let log: Vec<String> = sequence.iter().map(|words| shown(&words.join(&b' '))).collect();
    prop_assert_eq!(theirs.len(), here.len(), "replies to {:#?}", log);
    for (index, words) in sequence.iter().enumerate() {
        let (expected, got) = (comparable(words, &theirs[index]), comparable(words, &here[index]));
        prop_assert_eq!(shown(&got), shown(&expected), "reply {} of {:#?}", index, &log[..=index]);
    }
    Ok(())
}

#[test]
fn replies_are_those_of_redis() {
    let Some(mut redis) = Redis::start() else {
        assert!(std::env::var_os("REQUIRE_PEERS").is_none(), "redis-server is required and absent");
        println!("SKIPPED: redis-server is not installed");
        return;
    };
    let stream = RefCell::new(redis.connect());
    let ours = RefCell::new(Ours::new());
    let cases =
        std::env::var("DIFFERENTIAL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(6_000);
    let config = Config { cases, max_shrink_iters: 4_096, failure_persistence: None, ..Config::default() };
    let sequences = (proptest::collection::vec(drawn(), 1..40), any::<bool>());
    let outcome = TestRunner::new(config).run(&sequences, |(commands, resp3)| {
        compare(&mut ours.borrow_mut(), &mut stream.borrow_mut(), &commands, resp3)
    });
    ours.borrow().server.trie().check();
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
