mod fake;
mod load;

use super::*;
use crate::broker::engine::EngineError;
use crate::conn::{Machine, Refusal, deliver};
use crate::record::Kind as RecordKind;
use crate::time::Span;
use fake::Fake;

/// A front with its engine, driven as a reactor would.
struct Desktop {
    front: Front,
    fake: Fake,
}

impl Machine for Desktop {
    fn handle_open(&mut self, id: ConnId, origin: Origin, _: Now, net: &mut Net) {
        self.front.handle_open(id, origin, net);
    }

    fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], now: Now, net: &mut Net) -> Taken {
        self.front.handle_bytes(id, bytes, &mut self.fake, now, net)
    }

    fn handle_eof(&mut self, id: ConnId, unread: &[u8], now: Now, net: &mut Net) {
        self.front.handle_eof(id, unread, &mut self.fake, now, net);
    }

    fn handle_close(&mut self, id: ConnId, reason: CloseReason, now: Now, net: &mut Net) {
        self.front.handle_close(id, reason, &mut self.fake, now, net);
    }

    fn handle_timeout(&mut self, now: Now, net: &mut Net) {
        self.front.handle_timeout(&mut self.fake, now, net);
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.front.poll_timeout()
    }

    fn refusal(&self, _: Refusal) -> &'static [u8] {
        b""
    }
}

struct Bench {
    machine: Desktop,
    net: Net,
    now: Now,
}

impl Bench {
    fn new(load: Option<LoadConfig>) -> Bench {
        let machine = Desktop { front: Front::new(load), fake: Fake::new() };
        Bench { machine, net: Net::new(), now: Now { time: Time::from_nanos(1), unix_ms: 1 } }
    }

    fn open(&mut self, feed: u8) -> ConnId {
        let id = self.net.insert();
        self.machine.handle_open(id, Origin::Local { feed }, self.now, &mut self.net);
        id
    }

    fn send(&mut self, id: ConnId, text: &str) {
        self.machine.handle_timeout(self.now, &mut self.net);
        deliver(&mut self.machine, &mut self.net, id, text.as_bytes(), self.now);
        self.turn();
    }

    fn eof(&mut self, id: ConnId) {
        if self.net.set_eof(id) {
            self.machine.handle_eof(id, b"", self.now, &mut self.net);
        }
        self.turn();
    }

    /// The engine answers what it holds; who was stalled goes on.
    fn release(&mut self) {
        self.machine.fake.release();
        self.machine.handle_timeout(self.now, &mut self.net);
        self.turn();
    }

    fn turn(&mut self) {
        let mut ready = Vec::new();
        while self.net.has_ready() {
            self.net.take_ready(&mut ready);
            for id in ready.drain(..) {
                deliver(&mut self.machine, &mut self.net, id, b"", self.now);
            }
        }
    }

    /// What was written to the connection since the last look.
    fn read(&mut self, id: ConnId) -> String {
        let text = String::from_utf8(self.net.unsent(id).to_vec()).expect("text");
        self.net.sent(id, text.len(), self.now.time);
        text
    }

    /// A console, and what it answers to `lines`.
    fn console(lines: &str) -> String {
        let mut bench = Bench::new(None);
        let id = bench.open(FEED_CONSOLE);
        bench.send(id, lines);
        bench.read(id)
    }
}

const PERSON: &str =
    "PUT person2:{\"name\":\"Jo\"; \"address\":{\"street\":\"Main\"; \"number\":12}; \"none\":null}\n";

#[test]
fn the_table_of_answers() {
    for (line, expected) in [
        (
            "GET person2",
            "person2 : {\"name\": \"Jo\"; \"address\": {\"street\": \"Main\"; \"number\": 12}; \"none\": null}\n",
        ),
        ("get nosuch", "nosuch : NOT FOUND\n"),
        ("GET name", "name : NOT FOUND\n"),
        ("QUERY person2.address.number", "person2.address.number : 12\n"),
        ("QUERY person2.address", "person2.address : {\"street\": \"Main\"; \"number\": 12}\n"),
        ("QUERY person2.nope", "person2.nope : NOT FOUND\n"),
        ("QUERY person2.none", "person2.none : null\n"),
        ("QUERY nosuch.a", "nosuch.a : NOT FOUND\n"),
        ("QUERY nosuch", "nosuch : NOT FOUND\n"),
        ("PUT p1:{\"a\":\"A\"}", "p1 : CREATED\n"),
        ("PUT person2:{}", "person2 : REPLACED\n"),
        ("DELETE person2\nDELETE person2", "person2 : DELETED\nperson2 : NOT FOUND\n"),
        ("COMPUTE 2/(x+3) WHERE x = QUERY person2.address.number", "0.13333333333333333\n"),
        ("COMPUTE -2^2", "-4\n"),
        ("SET w 5\nGET w\nQUERY w\nQUERY w.x", "OK\nw : \"5\"\nw : \"5\"\nw.x : NOT FOUND\n"),
        ("SET w 5 NX\nSET w 6 NX\nSET w 7 XX GET\nSET v 1 GET", "OK\n(nil)\n\"5\"\n(nil)\n"),
        (
            "SET w 5\nMGET w nosuch person2",
            "OK\n1) \"5\"\n2) (nil)\n3) \"{\\\"name\\\":\\\"Jo\\\",\\\"address\\\":{\\\"street\\\":\\\"Main\\\",\\\"number\\\":12},\\\"none\\\":null}\"\n",
        ),
        ("MSET a 1 b 2\nMGET a b", "OK\n1) \"1\"\n2) \"2\"\n"),
        ("EXISTS person2 person2 nosuch", "(integer) 2\n"),
        ("DEL person2 nosuch person2", "(integer) 1\n"),
        ("TYPE person2\nSET w 5\nTYPE w\nTYPE nosuch", "ReJSON-RL\nOK\nstring\nnone\n"),
        (
            "JSON.DEL person2 $.address.number\nQUERY person2.address",
            "(integer) 1\nperson2.address : {\"street\": \"Main\"}\n",
        ),
        ("JSON.DEL person2\nGET person2", "(integer) 1\nperson2 : NOT FOUND\n"),
        ("DBSIZE\nFLUSHALL\nDBSIZE", "(integer) 1\nOK\n(integer) 0\n"),
        ("KEYS *", "1) \"person2\"\n"),
        ("KEYS q*", "(empty array)\n"),
        ("SCAN 0", "1) \"0\"\n2) 1) \"person2\"\n"),
        ("SCAN 99", "(error) ERR invalid cursor\n"),
        ("PING\nPING x\nECHO \"a b\"\nSELECT 0", "PONG\n\"x\"\n\"a b\"\nOK\n"),
        ("\n# nothing\n", ""),
        ("@127.0.0.1:9001 DBSIZE", "(integer) 5\n"),
        ("COMMAND COUNT", "(integer) 5\n"),
    ] {
        let answer = Bench::console(&format!("{PERSON}{line}\n"));
        assert_eq!(answer.strip_prefix("person2 : CREATED\n"), Some(expected), "{line}");
    }
}

#[test]
fn faults_are_shown_and_make_the_status_1() {
    for line in [
        "PUT p1:{\"a\":1",
        "GTE person2",
        "COMPUTE 1/x WHERE x = QUERY person2.zero",
        "COMPUTE 1/x WHERE x = QUERY person2.name",
        "COMPUTE 1/0",
        "DELETE person2.name",
        "SCAN 99",
        "@127.0.0.1:9000 CONFIG BAD",
        "@nobody:1 PING",
        "INFO",
    ] {
        let mut bench = Bench::new(None);
        let id = bench.open(FEED_CONSOLE);
        bench.send(id, &format!("{PERSON}{line}\nPING\n"));
        let text = bench.read(id);
        assert!(text.ends_with("PONG\n") && text.len() > 30, "{line}: {text}");
        bench.eof(id);
        assert_eq!(bench.net.stopping(), Some(1), "{line}: {text}");
    }
    let text = Bench::console("COMPUTE 1+1/x WHERE x = QUERY a.b\n");
    assert!(text.contains("^\nerror: a.b : NOT FOUND"), "{text}");
    let text = Bench::console("@nobody:1 PING\n");
    assert!(text.contains("there are 127.0.0.1:9000, 127.0.0.1:9001"), "{text}");
}

#[test]
fn not_found_and_exit_leave_the_status_0() {
    let mut bench = Bench::new(None);
    let id = bench.open(FEED_CONSOLE);
    bench.send(id, "GET nosuch\nEXIT\nGET never\n");
    assert_eq!(bench.read(id), "nosuch : NOT FOUND\n");
    assert_eq!(bench.net.stopping(), Some(0));
}

#[test]
fn answers_keep_the_order_of_the_lines_whatever_order_the_engine_has() {
    let mut bench = Bench::new(None);
    let id = bench.open(FEED_CONSOLE);
    (bench.machine.fake.holds, bench.machine.fake.reverses) = (true, true);
    bench.send(id, "SET a 1\nGET a\nGTE\nDEL a\nGET a\n");
    assert_eq!(bench.read(id), "");
    bench.release();
    let text = bench.read(id);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..3], ["OK", "a : \"1\"", "GTE"], "{text}");
    assert_eq!(lines[5..], ["(integer) 1", "a : NOT FOUND"], "{text}");
}

#[test]
fn commands_about_all_keys_wait_for_what_came_before_and_hold_what_follows() {
    let mut bench = Bench::new(None);
    let id = bench.open(FEED_CONSOLE);
    bench.machine.fake.holds = true;
    bench.send(id, "SET a 1\nSET b 1\nDBSIZE\nDEL a\nDBSIZE\n");
    assert_eq!(bench.machine.fake.held.len(), 2, "DBSIZE waits for both");
    bench.release();
    assert_eq!(bench.read(id), "OK\nOK\n");
    assert_eq!(bench.machine.fake.held.len(), 1, "DEL waits for DBSIZE");
    bench.release();
    bench.release();
    bench.release();
    assert_eq!(bench.read(id), "(integer) 2\n(integer) 1\n(integer) 1\n");
}

#[test]
fn a_full_engine_stalls_and_nothing_is_lost() {
    let mut bench = Bench::new(None);
    let id = bench.open(FEED_CONSOLE);
    (bench.machine.fake.holds, bench.machine.fake.room) = (true, 3);
    let lines: String = (0..50).map(|number| format!("SET k{number} {number}\nGET k{number}\n")).collect();
    bench.send(id, &lines);
    let mut text = String::new();
    for _ in 0..200 {
        assert!(bench.machine.fake.held.len() <= 3);
        text.push_str(&bench.read(id));
        bench.release();
    }
    bench.eof(id);
    let expected: String = (0..50).map(|number| format!("OK\nk{number} : \"{number}\"\n")).collect();
    assert_eq!(text, expected);
    assert_eq!(bench.net.stopping(), Some(0));
}

#[test]
fn lines_may_be_cut_anywhere_and_the_last_may_have_no_end() {
    let text = "SET a 1\r\nGET a\nDBSIZE";
    for cut in 0..text.len() {
        let mut bench = Bench::new(None);
        let id = bench.open(FEED_CONSOLE);
        bench.send(id, &text[..cut]);
        bench.send(id, &text[cut..]);
        let unread = "DBSIZE";
        assert!(bench.net.set_eof(id));
        bench.machine.handle_eof(id, unread.as_bytes(), bench.now, &mut bench.net);
        assert_eq!(bench.read(id), "OK\na : \"1\"\n(integer) 1\n", "cut at {cut}");
        assert_eq!(bench.net.stopping(), Some(0));
    }
}

#[test]
fn a_terminal_is_told_where_each_answer_ends() {
    let mut bench = Bench::new(None);
    let (id, notes) = (bench.open(FEED_TERMINAL), bench.open(FEED_NOTES));
    bench.machine.fake.failures.down = 2;
    bench.now.time = bench.now.time + Span::from_secs(3);
    bench.machine.front.start = Start::Open;
    bench.send(id, "PING\n\nGET a\nDBSIZE\n");
    let warning = "WARNING: 2 of 3 servers are down (k = 2): results may be incomplete\n";
    assert_eq!(bench.read(id), format!("PONG\n\0\0{warning}a : NOT FOUND\n\0{warning}(integer) 0\n\0"));
    assert_eq!(bench.read(notes), "");
}

#[test]
fn warnings_go_to_the_notes_if_there_are_any() {
    for with_notes in [false, true] {
        let mut bench = Bench::new(None);
        let id = bench.open(FEED_CONSOLE);
        bench.machine.handle_timeout(bench.now, &mut bench.net);
        bench.machine.fake.failures.down = 2;
        let notes = with_notes.then(|| bench.open(FEED_NOTES));
        bench.send(id, "GET a\n");
        let warning = "WARNING: 2 of 3 servers are down (k = 2): results may be incomplete\n";
        match notes {
            Some(notes) => {
                assert_eq!(bench.read(id), "a : NOT FOUND\n");
                assert_eq!(bench.read(notes), warning);
            }
            None => assert_eq!(bench.read(id), format!("{warning}a : NOT FOUND\n")),
        }
    }
}

#[test]
fn failures_say_in_plain_words_what_they_mean() {
    for (error, line, expected) in [
        (EngineError::Unavailable, "PUT p:{}", "UNAVAILABLE: p could not be written, nothing was changed: "),
        (EngineError::Unavailable, "GET p", "UNAVAILABLE: p could not be read: "),
        (EngineError::Unavailable, "QUERY p.a", "UNAVAILABLE: p could not be read: "),
        (EngineError::Unavailable, "COMPUTE x WHERE x = QUERY p.a", "UNAVAILABLE: p.a could not be read: "),
        (EngineError::Unavailable, "DBSIZE", "UNAVAILABLE: not all keys can be seen: "),
        (EngineError::Unavailable, "KEYS *", "UNAVAILABLE: not all keys can be seen: "),
        (EngineError::Unavailable, "FLUSHALL", "UNAVAILABLE: 0 records were deleted, the rest was not: "),
        (EngineError::Uncertain, "DELETE p", "UNCERTAIN: p may have been deleted or not: "),
        (EngineError::Uncertain, "MSET a 1 b 2", "UNCERTAIN: of 2 keys 2 may have been written or not: "),
        (EngineError::NotADocument, "JSON.DEL p $.a", "error: p holds a plain string, not a document"),
        (EngineError::Refused("no".into()), "SET p 1", "error: p was not written: no"),
    ] {
        let mut bench = Bench::new(None);
        let id = bench.open(FEED_CONSOLE);
        bench.machine.handle_timeout(bench.now, &mut bench.net);
        bench.machine.fake.failure = Some(error);
        bench.send(id, &format!("{line}\n"));
        let text = bench.read(id);
        assert!(text.starts_with(expected), "{line}: {text}");
        bench.eof(id);
        assert_eq!(bench.net.stopping(), Some(1));
    }
}

#[test]
fn scans_return_every_key_once_and_patterns_are_kept() {
    let mut bench = Bench::new(None);
    let id = bench.open(FEED_CONSOLE);
    for number in 0..25 {
        let kind = if number % 2 == 0 { RecordKind::Text } else { RecordKind::Document };
        bench.machine.fake.records.insert(format!("k{number:02}").into_bytes(), (kind, b"{}".to_vec()));
    }
    let (mut cursor, mut found) = (String::from("0"), Vec::new());
    loop {
        bench.send(id, &format!("SCAN {cursor} MATCH k* COUNT 7\n"));
        let text = bench.read(id);
        let words: Vec<&str> = text.split('"').collect();
        cursor = words[1].to_owned();
        found.extend(words[3..].iter().step_by(2).map(|key| (*key).to_owned()));
        if cursor == "0" {
            break;
        }
    }
    let expected: Vec<String> = (0..25).map(|number| format!("k{number:02}")).collect();
    assert_eq!(found, expected);
    bench.send(id, "SCAN 0 MATCH k0[0-3] TYPE string COUNT 100\nSCAN 0 TYPE hash\nKEYS k1?\n");
    let text = bench.read(id);
    assert!(text.starts_with("1) \"0\"\n2) 1) \"k00\"\n   2) \"k02\"\n1) "), "{text}");
    assert!(text.contains("2) (empty array)\n 1) \"k10\"\n") && text.ends_with("10) \"k19\"\n"), "{text}");
}

#[test]
fn a_flush_deletes_more_keys_than_one_page_holds() {
    let mut bench = Bench::new(None);
    let id = bench.open(FEED_CONSOLE);
    for number in 0..3_000 {
        bench.machine.fake.records.insert(format!("k{number}").into_bytes(), (RecordKind::Text, vec![]));
    }
    bench.send(id, "FLUSHALL\nDBSIZE\n");
    assert_eq!(bench.read(id), "OK\n(integer) 0\n");
}

#[test]
fn every_server_answers_under_its_name() {
    let mut bench = Bench::new(None);
    let id = bench.open(FEED_CONSOLE);
    bench.send(id, "CONFIG GET save\n");
    assert_eq!(
        bench.read(id),
        "127.0.0.1:9000:\n(integer) 5\n127.0.0.1:9001:\n(integer) 5\n127.0.0.1:9002:\nUNAVAILABLE: 127.0.0.1:9002 does not answer\n"
    );
    bench.send(id, "STATUS\n");
    let text = bench.read(id);
    assert!(text.contains("127.0.0.1:9000  up     member     5"), "{text}");
    assert!(text.contains("127.0.0.1:9002  up     member     -"), "{text}");
}

#[test]
fn words_are_completed_by_keys_and_by_fields() {
    let mut bench = Bench::new(None);
    let (console, id) = (bench.open(FEED_CONSOLE), bench.open(FEED_COMPLETE));
    bench.send(console, PERSON);
    bench.send(console, "SET person1 x\nSET \"person 3\" x\nSET other x\n");
    for (question, expected) in [
        ("kpers", "\"person 3\"\nperson1\nperson2\n\n"),
        ("kq", "\n"),
        ("pperson2", "person2\n\n"),
        ("pperson2.", "person2.name\nperson2.address\nperson2.none\n\n"),
        ("pperson2.address.s", "person2.address.street\n\n"),
        ("pperson2.name.x", "\n"),
        ("pother.a", "\n"),
        ("pnosuch.a", "\n"),
        ("p..", "\n"),
        ("?", "\n"),
    ] {
        bench.send(id, &format!("{question}\n"));
        assert_eq!(bench.read(id), expected, "{question}");
    }
}

#[test]
fn a_session_that_goes_away_leaves_its_answers_to_nobody() {
    let mut bench = Bench::new(None);
    let (id, other) = (bench.open(16), bench.open(17));
    bench.machine.fake.holds = true;
    bench.send(id, "GET a\nGET b\n");
    bench.send(other, "GET c\nDBSIZE\n");
    let reason = CloseReason::Lost(std::io::ErrorKind::ConnectionReset);
    bench.machine.handle_close(id, reason, bench.now, &mut bench.net);
    bench.net.remove(id);
    bench.release();
    bench.release();
    assert_eq!(bench.read(other), "c : NOT FOUND\n(integer) 0\n");
    bench.eof(other);
    assert_eq!(bench.net.stopping(), None, "clients come and go");
}

#[test]
fn nobody_is_listened_to_before_the_servers_are_there() {
    for (ready, down, expected) in
        [(true, 1, (None, true)), (true, 2, (Some(2), false)), (false, 0, (Some(2), false))]
    {
        let mut bench = Bench::new(None);
        let (id, notes) = (bench.open(FEED_CONSOLE), bench.open(FEED_NOTES));
        bench.machine.fake.ready = ready;
        bench.machine.fake.failures.down = down;
        bench.send(id, "PING\n");
        assert_eq!(bench.read(id), "");
        for _ in 0..220 {
            bench.now.time = bench.now.time + Span::from_millis(50);
            bench.machine.handle_timeout(bench.now, &mut bench.net);
            bench.turn();
        }
        let answered = bench.read(id) == "PONG\n";
        assert_eq!((bench.net.stopping(), answered), expected, "{ready} {down}");
        let text = bench.read(notes);
        match (ready, down) {
            (true, 1) => assert_eq!(text, "WARNING: 127.0.0.1:9000 does not answer\n"),
            (true, _) => assert!(text.contains("127.0.0.1:9000, 127.0.0.1:9001 do not answer"), "{text}"),
            (false, _) => assert!(text.contains("agree on no view"), "{text}"),
        }
    }
}
