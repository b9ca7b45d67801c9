use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn shown(path: &Path) -> String {
    format!("{} {:?}", path.key().escape_ascii(), path.segments().to_vec())
}

fn parsed(text: &[u8]) -> String {
    let mut path = Path::new();
    match path.parse(text) {
        Ok(()) => shown(&path),
        Err(error) => {
            assert_eq!(path, Path::new(), "an error leaves nothing");
            error.to_string()
        }
    }
}

fn parsed_json(text: &str) -> String {
    let mut path = Path::new();
    match path.parse_json(text.as_bytes()) {
        Ok(dialect) => format!("{dialect:?}{}", shown(&path)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn keys_and_segments_are_told_apart() {
    let table: [(&[u8], &str); 10] = [
        (b"person5", "person5 []"),
        (b" person15.iban.country ", r#"person15 [Field("iban"), Field("country")]"#),
        (br#""a.b".c"#, r#"a.b [Field("c")]"#),
        (b"a[0].b", r#"a [Index(0), Field("b")]"#),
        (br#"a["x y"][12]"#, r#"a [Field("x y"), Index(12)]"#),
        (b"user:1.a-b.$", r#"user:1 [Field("a-b"), Field("$")]"#),
        (
            "κλειδί.ä".as_bytes(),
            "\\xce\\xba\\xce\\xbb\\xce\\xb5\\xce\\xb9\\xce\\xb4\\xce\\xaf [Field(\"ä\")]",
        ),
        (b"\xff.a", r#"\xff [Field("a")]"#),
        (br#""\xff\u0041".a.b"#, r#"\xffA [Field("a"), Field("b")]"#),
        (b"a[99999999999999999999]", "a [Index(18446744073709551615)]"),
    ];
    for (text, path) in table {
        assert_eq!(parsed(text), path);
    }
}

#[test]
fn errors_name_the_place_and_what_was_expected() {
    let name = "expected a name (one with a dot, blank or quote in double quotes) at byte";
    let table: [(&[u8], String); 13] = [
        (b"", "expected a key at byte 0".into()),
        (b"  ", "expected a key at byte 2".into()),
        (b"\"\".a", "expected a key at byte 0".into()),
        (b".a", format!("{name} 0")),
        (b"a..b", format!("{name} 2")),
        (b"a.", format!("{name} 2")),
        (b"a b", "expected '.', '[' or the end of the path at byte 1".into()),
        (b"a\"b\"", "expected '.', '[' or the end of the path at byte 1".into()),
        (b"a[", "expected an index such as [0] or a name such as [\"a\"] at byte 2".into()),
        (b"a[x]", "expected an index such as [0] or a name such as [\"a\"] at byte 2".into()),
        (b"a[0", "expected ']' at byte 3".into()),
        (b"a.\"b", "expected '\"' at the end of the string at byte 4".into()),
        (b"a.b\xff.c", "expected UTF-8 at byte 2".into()),
    ];
    for (text, error) in table {
        assert_eq!(parsed(text), error, "{}", text.escape_ascii());
    }
    let long = "k".repeat(KEY_BYTES_MAX);
    assert!(parsed(long.as_bytes()).ends_with(" []"));
    assert_eq!(parsed(format!("{long}k").as_bytes()), "expected a key of at most 65535 bytes at byte 0");
    let deep = |depth: usize| format!("k{}", "[0]".repeat(depth));
    assert!(parsed(deep(DOCUMENT_DEPTH_MAX).as_bytes()).ends_with("Index(0)]"));
    assert_eq!(
        parsed(deep(DOCUMENT_DEPTH_MAX + 1).as_bytes()),
        "expected at most 128 segments after the key at byte 385"
    );
}

#[test]
fn json_paths_are_read_in_both_dialects() {
    let table = [
        ("$", "Dollar []"),
        (".", "Legacy []"),
        ("$.a[\"b\"][0]", r#"Dollar [Field("a"), Field("b"), Index(0)]"#),
        ("$['a b'].c", r#"Dollar [Field("a b"), Field("c")]"#),
        ("$.[\"a\"]", r#"Dollar [Field("a")]"#),
        (".a.b", r#"Legacy [Field("a"), Field("b")]"#),
        ("a.b[1]", r#"Legacy [Field("a"), Field("b"), Index(1)]"#),
        ("[\"a\"].b", r#"Legacy [Field("a"), Field("b")]"#),
        ("[0]", "Legacy [Index(0)]"),
        ("$..a", "expected a path without wildcards, slices, filters and negative indexes at byte 2"),
        ("$.*", "expected a path without wildcards, slices, filters and negative indexes at byte 2"),
        ("$[*]", "expected a path without wildcards, slices, filters and negative indexes at byte 2"),
        ("$[-1]", "expected a path without wildcards, slices, filters and negative indexes at byte 2"),
        ("$[0:2]", "expected a path without wildcards, slices, filters and negative indexes at byte 3"),
        ("$[0,2]", "expected a path without wildcards, slices, filters and negative indexes at byte 3"),
        ("$[?(@.a)]", "expected a path without wildcards, slices, filters and negative indexes at byte 2"),
        ("$a", "expected '.', '[' or the end of the path at byte 1"),
        ("$['a", "expected a closing quote at byte 4"),
        ("", "expected a name (one with a dot, blank or quote in double quotes) at byte 0"),
    ];
    for (text, path) in table {
        assert_eq!(parsed_json(text), path, "{text}");
    }
}

#[test]
fn a_path_is_used_again() {
    let mut path = Path::new();
    path.parse(b"first.a[3]").unwrap();
    path.parse(b"second").unwrap();
    assert_eq!((path.key(), path.len(), path.is_empty()), (&b"second"[..], 0, true));
    path.set_key(b"a.b");
    assert!(path.push(Segment::Field("c.d")) && path.push(Segment::Index(1)));
    assert_eq!(path.to_string(), r#""a.b"."c.d"[1]"#);
    (0..DOCUMENT_DEPTH_MAX - 2).for_each(|_| assert!(path.push(Segment::Index(0))));
    assert!(!path.push(Segment::Index(0)));
    assert_eq!(path.segments().len(), DOCUMENT_DEPTH_MAX);
}

proptest! {
    #[test]
    fn a_path_reads_back_from_how_it_is_shown(
        key in vec(any::<u8>(), 1..12),
        steps in vec(prop_oneof![
            "\\PC{0,8}".prop_map(Ok),
            "[a-c.\"\\[\\] \\\\]{0,4}".prop_map(Ok),
            any::<usize>().prop_map(Err),
        ], 0..8),
    ) {
        let mut path = Path::new();
        path.set_key(&key);
        for step in &steps {
            let pushed = match step {
                Ok(name) => path.push(Segment::Field(name)),
                Err(index) => path.push(Segment::Index(*index)),
            };
            assert!(pushed);
        }
        let text = path.to_string();
        let mut back = Path::new();
        prop_assert_eq!(back.parse(text.as_bytes()), Ok(()), "{}", text);
        prop_assert_eq!(back, path);
    }

    #[test]
    fn any_bytes_are_a_path_or_an_error_inside_of_them(
        text in vec(prop::sample::select(b"ab.[]\"'\\x0 $*\xff\xc3\xa9".to_vec()), 0..16),
    ) {
        let mut path = Path::new();
        for result in [path.parse(&text), path.clone().parse_json(&text).map(|_| ())] {
            if let Err(error) = result {
                prop_assert!(error.offset <= text.len());
            }
        }
        path.segments();
    }
}
