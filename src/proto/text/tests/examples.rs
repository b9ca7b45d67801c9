use super::super::*;
use crate::limits::{DOCUMENT_DEPTH_MAX, KEY_BYTES_MAX};
use crate::value::{Discard, Segment};

fn styled(text: &str, style: Style) -> String {
    let mut out = Vec::new();
    match restyle(text.as_bytes(), style, &mut out) {
        Ok(()) => String::from_utf8(out).unwrap(),
        Err(error) => {
            assert!(out.is_empty(), "an error leaves nothing");
            error.to_string()
        }
    }
}

#[test]
fn the_seeds_documents_are_read_and_printed() {
    let text = r#"{"name":"John"; "age":22; "address":{"street":"Main"; "number":12}}"#;
    let json = r#"{"name":"John","age":22,"address":{"street":"Main","number":12}}"#;
    assert_eq!(styled(text, Style::Json), json);
    assert_eq!(
        styled(text, Style::Seed),
        r#"{"name": "John"; "age": 22; "address": {"street": "Main"; "number": 12}}"#
    );
    assert_eq!(styled(json, Style::Seed), styled(text, Style::Seed));
    assert_eq!(
        styled("{person: Mary; tags: [a; b,];}", Style::Seed),
        r#"{"person": "Mary"; "tags": ["a"; "b"]}"#
    );
}

#[test]
fn numbers_for_people_have_commas() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
}

#[test]
fn pretty_is_what_jq_prints() {
    let text = r#"{"a":[1,{"b":null}],"e":{},"f":[],"s":"x"}"#;
    let pretty = "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"e\": {},\n  \"f\": [],\n  \"s\": \"x\"\n}";
    assert_eq!(styled(text, Style::Pretty), pretty);
    assert_eq!(styled("{}", Style::Pretty), "{}");
    assert_eq!(styled("[[]]", Style::Pretty), "[\n  []\n]");
}

#[test]
fn scalars_come_back_as_themselves() {
    let same = [
        "0",
        "false",
        "true",
        "null",
        "\"\"",
        "{}",
        "[]",
        "-1.5e-7",
        "1.0",
        "-0.0",
        "1e300",
        "0.1",
        "1e16",
        "9223372036854775807",
        "-9223372036854775808",
        "\"a;b\"",
        "\"\\n\\t\\\"\\\\\"",
        "\"é😀\"",
        "\"\\u0001\"",
        "{\"a\":1,\"ab\":2}",
        "\"\u{7f}\"",
    ];
    for text in same {
        assert_eq!(styled(text, Style::Json), text);
    }
    let table = [
        ("+5", "5"),
        ("-0", "0"),
        ("1E5", "100000.0"),
        ("1e-400", "0.0"),
        ("1.50", "1.5"),
        ("\"\\/\"", "\"/\""),
        ("\"\\uD83D\\uDE00\"", "\"😀\""),
        ("\"\\u00e9\\b\\f\\r\"", "\"é\\b\\f\\r\""),
        ("\"\\u0000\"", "\"\\u0000\""),
        ("word", "\"word\""),
        ("nullable", "\"nullable\""),
        ("a-b_1", "\"a-b_1\""),
        ("{true: null}", "{\"true\":null}"),
        ("{a:1,a:2}", "{\"a\":1,\"a\":2}"),
        (" \r\n\t[ ] ", "[]"),
        ("1e20", "1e20"),
        ("100000000000000000000.0", "1e20"),
    ];
    for (text, json) in table {
        assert_eq!(styled(text, Style::Json), json, "{text}");
    }
}

#[test]
fn errors_name_the_place_and_what_was_expected() {
    let table = [
        ("", "expected a value at byte 0"),
        ("   ", "expected a value at byte 3"),
        ("{\"number\" 12}", "expected ':' after the field name at byte 10"),
        ("{\"a\":}", "expected a value at byte 5"),
        ("{\"a\":1", "expected ';' or '}' after the value at byte 6"),
        ("{\"a\":1 \"b\":2}", "expected ';' or '}' after the value at byte 7"),
        ("{;}", "expected a field name or '}' at byte 1"),
        ("{a:1;;}", "expected a field name or '}' at byte 5"),
        ("{1:2}", "expected a field name or '}' at byte 1"),
        ("{", "expected a field name or '}' at byte 1"),
        ("[1;2", "expected ';' or ']' after the value at byte 4"),
        ("[1;2}", "expected ';' or ']' after the value at byte 4"),
        ("[;]", "expected a value or ']' at byte 1"),
        ("[", "expected a value or ']' at byte 1"),
        ("{} x", "expected nothing more after the value at byte 3"),
        ("two words", "expected nothing more after the value at byte 4"),
        ("\"abc", "expected '\"' at the end of the string at byte 4"),
        ("\"a\\", "expected '\"' at the end of the string at byte 3"),
        ("\"a\nb\"", "expected a control character only as an escape (\\n, \\t, \\u001f) at byte 2"),
        ("\"a\\x\"", "expected one of \" \\ / b f n r t u after '\\' at byte 3"),
        ("\"\\u12g4\"", "expected a hexadecimal digit at byte 5"),
        ("\"a\\uD83Dx\"", "expected a surrogate pair, not one half of it at byte 2"),
        ("\"\\uD83D\\u0041\"", "expected a surrogate pair, not one half of it at byte 1"),
        ("\"\\uDE00\"", "expected a surrogate pair, not one half of it at byte 1"),
        (
            "9223372036854775808",
            "expected an integer of 64 bits (with '.' or 'e' it is a float, in quotes text) at byte 0",
        ),
        (
            "-9223372036854775809",
            "expected an integer of 64 bits (with '.' or 'e' it is a float, in quotes text) at byte 0",
        ),
        ("[1e999]", "expected a float within 1.8e308 (in quotes it is text) at byte 1"),
        ("007", "expected no zeros before a number (in quotes it is text) at byte 0"),
        ("12ab", "expected the number to end at byte 2"),
        ("1.2.3", "expected the number to end at byte 3"),
        ("-", "expected a digit at byte 1"),
        ("1.", "expected a digit at byte 2"),
        ("1.e5", "expected a digit at byte 2"),
        ("1e+", "expected a digit at byte 3"),
        (".5", "expected a value at byte 0"),
        ("'a'", "expected a value at byte 0"),
    ];
    for (text, error) in table {
        assert_eq!(styled(text, Style::Json), error, "{text}");
    }
}

#[test]
fn text_that_is_not_utf8_is_an_error_with_its_place() {
    let table: [(&[u8], usize, Expected); 6] = [
        (b"\"ab\xff\"", 3, Expected::Utf8),
        (b"{\"a\\n\xc3\":1}", 5, Expected::Utf8),
        (b"\"\xc3\xa9\xc3", 3, Expected::Utf8),
        (b"\"\xed\xa0\x80\"", 1, Expected::Utf8),
        (b"{a:1}\xff", 5, Expected::End),
        (b"[\"\\q\xff\"]", 3, Expected::Escape),
    ];
    for (text, offset, expected) in table {
        let error = read_value(text, &mut Discard).unwrap_err();
        assert_eq!(error, TextError::Syntax(SyntaxError { offset, expected }));
    }
}

#[test]
fn depth_is_limited_and_never_recursed() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(styled(&nested(DOCUMENT_DEPTH_MAX), Style::Json), nested(DOCUMENT_DEPTH_MAX));
    let error = styled(&nested(1_000_000), Style::Json);
    assert_eq!(error, "expected at most 128 nested sets and arrays at byte 128");
    // Sets and arrays by turns: every level must be remembered for what it is.
    let (open, close) = ("{\"a\":[".repeat(64), "]}".repeat(64));
    assert_eq!(styled(&(open.clone() + &close), Style::Json), open + &close);
}

#[test]
fn a_document_is_a_set() {
    let wanted = "expected a document such as {\"a\": 1} (for a plain string use SET) at byte";
    for (text, offset) in [("5", 0), (" [1]", 1), ("\"a\"", 0), ("", 0), ("null", 0)] {
        let error = read_document(text.as_bytes(), &mut Discard).unwrap_err();
        assert_eq!(error.to_string(), format!("{wanted} {offset}"));
    }
    assert_eq!(read_document(b" { } ", &mut Discard), Ok(()));
    struct Refuses;
    impl ValueSink for Refuses {
        fn event(&mut self, event: crate::value::Event<'_>) -> Result<(), SinkError> {
            if event == crate::value::Event::Int(1) { Err(SinkError::TooLarge) } else { Ok(()) }
        }
    }
    let error = read_document(b"{a: 1}", &mut Refuses).unwrap_err();
    assert_eq!(error, TextError::Sink(SinkError::TooLarge, 5));
    assert_eq!(error.to_string(), "larger than the limit at byte 5");
}

#[test]
fn keys_are_quoted_only_where_needed() {
    let table: [(&[u8], &str); 12] = [
        (b"person5", "person5"),
        (b"user:1", "user:1"),
        ("Ωμέγα".as_bytes(), "Ωμέγα"),
        (b"a.b", "\"a.b\""),
        (b"a b", "\"a b\""),
        (b"", "\"\""),
        (b"a\"b", "\"a\\\"b\""),
        (b"\xff\x00a", "\"\\xff\\u0000a\""),
        (b"a:{b", "\"a:{b\""),
        (b"a[0]", "\"a[0]\""),
        (b"#a", "\"#a\""),
        (b"{tag}a", "{tag}a"),
    ];
    for (key, shown) in table {
        let mut out = Vec::new();
        quote_key(&mut out, key);
        assert_eq!(String::from_utf8(out).unwrap(), shown);
    }
}

fn record(line: &[u8]) -> String {
    match record_line(line) {
        Ok(None) => "nothing".to_string(),
        Ok(Some(record)) => {
            let text = record.text;
            assert_eq!(&line[record.offset..][..text.len()], text);
            format!("{}|{}", record.key.escape_ascii(), text.escape_ascii())
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn record_lines_are_split() {
    let table: [(&[u8], &str); 22] = [
        (
            b"\"person1\": {\"name\": \"Mary\"; \"age\": 22}",
            "person1|{\\\"name\\\": \\\"Mary\\\"; \\\"age\\\": 22}",
        ),
        (b"person1 : {}\r\n", "person1|{}"),
        (b"", "nothing"),
        (b" \r\n", "nothing"),
        (b"  # a comment: {}", "nothing"),
        (b"user:1:{a:1}", "user:1|{a:1}"),
        (b"a::{}", "a:|{}"),
        (b"a : b : {}", "a : b|{}"),
        (b"\"a.b\\n\\x00\\u00e9\" :\t{}", "a.b\\n\\x00\\xc3\\xa9|{}"),
        (b"{tag}k:{}", "{tag}k|{}"),
        (b"\xff:{}", "\\xff|{}"),
        (b"w:5", "expected a document such as {\"a\": 1} (for a plain string use SET) at byte 2"),
        (b"w: \"a:{}\"", "expected a document such as {\"a\": 1} (for a plain string use SET) at byte 3"),
        (b"w:[{\"a\":{}}]", "expected a document such as {\"a\": 1} (for a plain string use SET) at byte 2"),
        (b"\"w\" : 5", "expected a document such as {\"a\": 1} (for a plain string use SET) at byte 6"),
        (b"w:", "expected a document such as {\"a\": 1} (for a plain string use SET) at byte 2"),
        (b"person1 {}", "expected ':' and a document after the key at byte 10"),
        (b"person1 \"a\": {}", "expected ':' and a document after the key at byte 8"),
        (b"\"p\" {}", "expected ':' and a document after the key at byte 4"),
        (b"\"p", "expected '\"' at the end of the string at byte 2"),
        (b" : {}", "expected a key at byte 1"),
        (b"\"\": {}", "expected a key at byte 0"),
    ];
    for (line, expected) in table {
        assert_eq!(record(line), expected, "{}", line.escape_ascii());
    }
    let long = "k".repeat(KEY_BYTES_MAX);
    assert!(record(format!("{long}:{{}}").as_bytes()).ends_with("|{}"));
    assert_eq!(
        record(format!(" {long}k:{{}}").as_bytes()),
        "expected a key of at most 65535 bytes at byte 1"
    );
}

#[test]
fn json_lines_find_their_key() {
    let key = |line: &str| match json_line(line.as_bytes(), "id") {
        Ok(None) => "nothing".to_string(),
        Ok(Some(record)) => format!("{}|{}", record.key.escape_ascii(), record.text.escape_ascii()),
        Err(error) => error.to_string(),
    };
    let same = |text: &str| text.as_bytes().escape_ascii().to_string();
    assert_eq!(key(" \r\n"), "nothing");
    assert_eq!(key(" {\"id\": \"a\\u0062\"}\r\n"), format!("ab|{}", same("{\"id\": \"a\\u0062\"}")));
    assert_eq!(key("{\"x\":{\"id\":1},\"id\":-7}"), format!("-7|{}", same("{\"x\":{\"id\":1},\"id\":-7}")));
    assert_eq!(key("{\"id\":1,\"id\":2}"), format!("2|{}", same("{\"id\":1,\"id\":2}")));
    assert_eq!(key(" {\"x\":{\"id\":1}}"), "expected the field that holds the key at byte 1");
    assert_eq!(key("{\"id\":1.5}"), "expected a string or an integer as the key at byte 0");
    assert_eq!(key("{\"id\":[\"a\"]}"), "expected a string or an integer as the key at byte 0");
    assert_eq!(key("{\"id\":\"\"}"), "expected a key at byte 0");
    assert_eq!(
        key("[\"id\"]"),
        "expected a document such as {\"a\": 1} (for a plain string use SET) at byte 0"
    );
    assert_eq!(key("{\"id\":1"), "expected ';' or '}' after the value at byte 7");
}

#[test]
fn parts_of_compact_json_are_found() {
    let json = br#"{"a":{"b":[1,"]}",{"c":null}]},"ab":2,"k\"\u00e9":"\\"}"#;
    let text = |path: &[Segment<'_>]| find(json, path).map(|part| std::str::from_utf8(part).unwrap());
    let (a, b) = (Segment::Field("a"), Segment::Field("b"));
    assert_eq!(text(&[a, b, Segment::Index(1)]), Some("\"]}\""));
    assert_eq!(text(&[a, b, Segment::Index(2), Segment::Field("c")]), Some("null"));
    assert_eq!(text(&[Segment::Field("ab")]), Some("2"));
    assert_eq!(text(&[Segment::Field("k\"é")]), Some("\"\\\\\""));
    assert_eq!(text(&[a, b, Segment::Index(3)]), None);
    assert_eq!(text(&[Segment::Index(0)]), None);
    assert_eq!(text(&[Segment::Field("")]), None);
}

#[test]
fn the_caret_stands_under_the_place() {
    let shown = |line: &str, offset: usize| render_caret(line.as_bytes(), offset, "expected more");
    assert_eq!(shown("PUT w:5", 6), "PUT w:5\n      ^\nexpected more");
    assert_eq!(shown("PUT", 3), "PUT\n   ^\nexpected more");
    assert_eq!(shown("", 0), "\n^\nexpected more");
    assert_eq!(shown("a\tb", 2), "a b\n  ^\nexpected more");
    assert_eq!(shown("漢字x", 6), "漢字x\n    ^\nexpected more");
    assert_eq!(shown("e\u{301}x", 3), "e\u{301}x\n ^\nexpected more");
    assert_eq!(shown("éa", 2), "éa\n ^\nexpected more");
    assert_eq!(render_caret(b"\xff\x01x", 2, "m"), "\\xff\\x01x\n        ^\nm");
    let long = "a".repeat(100) + "X" + &"b".repeat(100);
    let cut = shown(&long, 100);
    let lines: Vec<&str> = cut.lines().collect();
    assert_eq!(lines[0], format!("… {}X{} …", "a".repeat(48), "b".repeat(27)));
    assert_eq!(lines[1].len() - 1, 2 + 48);
    assert_eq!(shown(&long, 5_000).lines().nth(1).unwrap().len() - 1, 2 + 48);
    // In the middle of a character the caret stands under all of it; megabytes around the place are not looked at.
    assert_eq!(shown("aé", 2), "aé\n ^\nexpected more");
    assert_eq!(render_caret(b"a\x80\x80", 2, "m"), "a\\x80\\x80\n     ^\nm");
    let huge = "é".repeat(1 << 20);
    assert_eq!(shown(&huge, 1 << 20).lines().next().unwrap(), format!("… {} …", "é".repeat(76)));
}
