use super::*;

fn config(strict: bool, key_field: Option<&str>) -> LoadConfig {
    LoadConfig {
        name: "data.txt".to_owned(),
        key_field: key_field.map(str::to_owned),
        strict,
        progress: Default::default(),
    }
}

const FILE: &str = "\u{feff}\"p0\": {\"a\": 1}\r\n\n# a comment\nbroken {\np1: {\"b\"; 2}\np2:{\"a.b\": \"x\"}\n\"p0\": {\"a\": 2}\n";

#[test]
fn a_file_is_loaded_and_its_faults_are_told() {
    let mut bench = Bench::new(Some(config(false, None)));
    let (file, console, notes) = (bench.open(FEED_FILE), bench.open(FEED_CONSOLE), bench.open(FEED_NOTES));
    bench.send(console, "GET p0\nGET p2\nGET p3\n");
    bench.send(file, FILE);
    assert!(bench.net.set_eof(file));
    bench.machine.handle_eof(file, b"p3: {}", bench.now, &mut bench.net);
    bench.turn();
    assert_eq!(bench.read(console), "p0 : {\"a\": 2}\np2 : {\"a.b\": \"x\"}\np3 : {}\n");
    let text = bench.read(notes);
    assert!(text.contains("data.txt:4: skipped\nbroken {\n"), "{text}");
    assert!(text.contains("data.txt:5: skipped\np1: {\"b\"; 2}\n        ^\nerror: expected ':'"), "{text}");
    assert!(text.ends_with("loaded 4 records in 0.0 s (4 records/s), 2 malformed\n"), "{text}");
    bench.eof(console);
    assert_eq!(bench.net.stopping(), Some(0));
}

#[test]
fn a_strict_load_ends_at_the_first_fault() {
    let mut bench = Bench::new(Some(config(true, None)));
    let (file, console, notes) = (bench.open(FEED_FILE), bench.open(FEED_CONSOLE), bench.open(FEED_NOTES));
    bench.send(console, "GET p0\n");
    bench.send(file, FILE);
    assert_eq!(bench.net.stopping(), Some(1));
    assert!(!bench.machine.fake.records.contains_key(&b"p2"[..]));
    assert_eq!(bench.read(console), "");
    assert!(bench.read(notes).starts_with("data.txt:4: this line ends the load (--strict)\n"));
}

#[test]
fn json_lines_have_their_key_in_a_field() {
    let mut bench = Bench::new(Some(config(false, Some("id"))));
    let (file, console, notes) = (bench.open(FEED_FILE), bench.open(FEED_CONSOLE), bench.open(FEED_NOTES));
    bench.send(file, "{\"id\": 7, \"a\": [1, 2]}\n{\"a\": 1}\n");
    bench.eof(file);
    bench.send(console, "GET 7\n");
    assert_eq!(bench.read(console), "7 : {\"id\": 7; \"a\": [1; 2]}\n");
    assert!(bench.read(notes).contains("data.txt:2: skipped\n"));
}

#[test]
fn a_load_takes_no_more_than_the_engine_has_room_for() {
    let mut bench = Bench::new(Some(config(false, None)));
    let (file, console) = (bench.open(FEED_FILE), bench.open(FEED_CONSOLE));
    (bench.machine.fake.holds, bench.machine.fake.room) = (true, 5);
    let text: String = (0..100).map(|number| format!("k{number}: {{\"n\": {number}}}\n")).collect();
    bench.send(console, "DBSIZE\n");
    bench.send(file, &text);
    let mut rounds = 0;
    while bench.machine.fake.records.len() < 100 {
        assert!(bench.machine.fake.held.len() <= 5 && rounds < 100);
        assert_eq!(bench.read(console), "");
        bench.release();
        rounds += 1;
    }
    bench.eof(file);
    bench.release();
    bench.release();
    assert_eq!(bench.read(console), "(integer) 100\n");
}

#[test]
fn records_that_cannot_be_stored_are_told_and_make_the_status_1() {
    let mut bench = Bench::new(Some(config(false, None)));
    let (file, console, notes) = (bench.open(FEED_FILE), bench.open(FEED_CONSOLE), bench.open(FEED_NOTES));
    bench.machine.handle_timeout(bench.now, &mut bench.net);
    bench.machine.fake.failure = Some(EngineError::Unavailable);
    bench.send(file, "a: {}\nb: {}\n");
    bench.eof(file);
    let text = bench.read(notes);
    assert!(text.contains("data.txt:2: UNAVAILABLE: not stored: "), "{text}");
    assert!(text.ends_with("loaded 0 records in 0.0 s (0 records/s), 0 malformed, 2 not stored\n"), "{text}");
    bench.eof(console);
    assert_eq!(bench.net.stopping(), Some(1));
}

#[test]
fn a_file_that_cannot_be_read_to_its_end_is_told() {
    let mut bench = Bench::new(Some(config(false, None)));
    let (file, console, notes) = (bench.open(FEED_FILE), bench.open(FEED_CONSOLE), bench.open(FEED_NOTES));
    bench.send(file, "a: {}\nb");
    let reason = CloseReason::Lost(std::io::ErrorKind::PermissionDenied);
    bench.machine.handle_close(file, reason, bench.now, &mut bench.net);
    bench.net.remove(file);
    bench.send(console, "GET a\n");
    assert_eq!(bench.read(console), "a : {}\n");
    assert!(bench.read(notes).contains("data.txt: read up to line 1: permission denied"));
    bench.eof(console);
    assert_eq!(bench.net.stopping(), Some(1));
}
