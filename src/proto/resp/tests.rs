//! What whole frames mean, what is refused and in which words, and what is held. Cut streams: `tests/frames.rs`.

use super::*;
use crate::limits::{ARGUMENTS_MAX, BULK_BYTES_MAX, INLINE_BYTES_MAX};

/// The one request of `bytes`: form, arguments, size.
fn request(bytes: &[u8]) -> Result<(Form, Vec<Vec<u8>>, usize), ProtocolError> {
    match RequestParser::default().parse(bytes, &mut Args::new())? {
        Progress::Done { value, consumed } => {
            Ok((value.form(), value.args().map(<[u8]>::to_vec).collect(), consumed))
        }
        Progress::More { .. } => panic!("incomplete: {}", bytes.escape_ascii()),
    }
}

fn words(line: &str) -> Vec<String> {
    let (_, args, consumed) = request(line.as_bytes()).expect(line);
    assert_eq!(consumed, line.len());
    args.into_iter().map(|arg| arg.escape_ascii().to_string()).collect()
}

fn refusal(bytes: &[u8]) -> String {
    let mut args = Args::new();
    let mut parser = RequestParser::default();
    let error = parser.parse(bytes, &mut args).map(|progress| format!("{progress:?}"));
    let text = error.expect_err("refused").to_string();
    assert!(!parser.is_incomplete());
    text
}

fn more(bytes: &[u8]) -> usize {
    match RequestParser::default().parse(bytes, &mut Args::new()) {
        Ok(Progress::More { at_least }) => at_least,
        other => panic!("{}: {other:?}", bytes.escape_ascii()),
    }
}

#[test]
fn an_array_is_literal() {
    let bytes = b"*2\r\n$3\r\nGET\r\n$5\r\n\"a\r\nb\r\n*1\r\n";
    let (form, args, consumed) = request(bytes).expect("whole");
    assert_eq!((form, consumed), (Form::Array, bytes.len() - 4));
    assert_eq!(args, [b"GET".to_vec(), b"\"a\r\nb".to_vec()]);
}

#[test]
fn lines_are_split_as_in_redis() {
    assert_eq!(words("GET  key \r\n"), ["GET", "key"]);
    assert_eq!(words("GET key\n"), ["GET", "key"]);
    assert_eq!(words("SET k \"a b\"\r\n"), ["SET", "k", "a b"]);
    assert_eq!(
        words("SET \"\\x41\\x00\\xfg\\n\\r\\t\\b\\a\\q\\\"\\\\\" ''\r\n"),
        ["SET", r#"A\x00xfg\n\r\t\x08\x07q\"\\"#, ""]
    );
    assert_eq!(words("SET 'a\\'b' '\\n'\r\n"), ["SET", "a\\'b", "\\\\n"]);
    assert_eq!(words("SET a\"b c\" 'd'\r\n"), ["SET", "ab c", "d"]);
    assert_eq!(words("GET \"\"\r\n"), ["GET", ""]);
    for empty in ["\r\n", "\n", "  \t \r\n", "*0\r\n", "*-10\r\n", "*-1\r\n"] {
        assert!(words(empty).is_empty(), "{empty:?}");
    }
}

#[test]
fn a_verb_reads_its_own_line() {
    for (line, expected) in [
        ("PUT p1:{\"a\":\"A B\"}\r\n", vec!["PUT", "p1:{\\\"a\\\":\\\"A B\\\"}"]),
        ("  query \t \"a.b\".c \n", vec!["query", "\\\"a.b\\\".c "]),
        ("Delete 'x\r\n", vec!["Delete", "\\'x"]),
        ("COMPUTE 2 * 3\r\n", vec!["COMPUTE", "2 * 3"]),
        ("PUT\r\n", vec!["PUT"]),
        ("QUERY  \r\n", vec!["QUERY"]),
    ] {
        let (form, ..) = request(line.as_bytes()).expect(line);
        assert_eq!(
            (form, words(line)),
            (Form::Verb, expected.iter().map(|s| s.to_string()).collect()),
            "{line}"
        );
    }
    for line in ["PUTS a\n", "PUT\"a\" b\n", "\"PUT\" a\n", "GET PUT\n", "COMPUTED x\n"] {
        assert_eq!(request(line.as_bytes()).expect(line).0, Form::Inline, "{line}");
    }
    let array = b"*2\r\n$3\r\nPUT\r\n$1\r\na\r\n";
    assert_eq!(request(array).expect("whole").0, Form::Array);
}

#[test]
fn refusals_have_the_words_of_redis() {
    for (bytes, expected) in [
        (&b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n"[..], "expected '$', got 'f'"),
        (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
        (b"*1\r\n\r\n\r\n", "expected '$', got ' '"),
        (b"*1\r\n\xff\r\n", "expected '$', got '\\xff'"),
        (b"*3000000000\r\n", "invalid multibulk length"),
        (b"*1048577\r\n", "invalid multibulk length"),
        (b"*x\r\n", "invalid multibulk length"),
        (b"*\r\n", "invalid multibulk length"),
        (b"*01\r\n", "invalid multibulk length"),
        (b"*1\r\n$x\r\n", "invalid bulk length"),
        (b"*1\r\n$-10\r\n", "invalid bulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$2000000000\r\n", "invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"SET k \"unbal\r\n", "unbalanced quotes in request"),
        (b"SET k 'unbal\r\n", "unbalanced quotes in request"),
        (b"SET \"k\"v\r\n", "unbalanced quotes in request"),
    ] {
        assert_eq!(refusal(bytes), expected, "{}", bytes.escape_ascii());
    }
    let long = |head: &str| [head.as_bytes(), &vec![b'1'; INLINE_BYTES_MAX + 1]].concat();
    assert_eq!(refusal(&long("A")), "too big inline request");
    assert_eq!(refusal(&long("*")), "too big mbulk count string");
    assert_eq!(refusal(&long("*1\r\n$")), "too big bulk count string");
}

#[test]
fn what_is_missing_is_told() {
    assert_eq!(more(b""), 1);
    assert_eq!(more(b"*2"), 3);
    assert_eq!(more(b"*2\r\n$3\r\nGET\r\n"), 14);
    assert_eq!(more(b"*2\r\n$3\r\nGET\r\n$100\r\nab"), 19 + 102);
    assert_eq!(more(b"*1\r\n$536870912\r\n"), 16 + BULK_BYTES_MAX + 2);
    assert_eq!(more(b"GET a\r"), 7);
    // A bulk's last two bytes may be anything.
    assert_eq!(request(b"*1\r\n$4\r\nPINGxx").expect("whole").2, 14);
}

#[test]
fn only_a_verbs_line_may_be_long() {
    let line = |head: &str, size: usize| {
        let mut line = head.as_bytes().to_vec();
        line.resize(size, b'a');
        line
    };
    let ended = |mut line: Vec<u8>| {
        line.push(b'\n');
        line
    };
    assert_eq!(
        request(&ended(line("GET ", INLINE_BYTES_MAX))).expect("fits").1[1].len(),
        INLINE_BYTES_MAX - 4
    );
    assert_eq!(refusal(&ended(line("GET ", INLINE_BYTES_MAX + 1))), "too big inline request");
    assert_eq!(more(&line("GET ", INLINE_BYTES_MAX)), INLINE_BYTES_MAX + 1);
    let size = 3 * INLINE_BYTES_MAX;
    assert_eq!(more(&line(" put ", size)), size + 1);
    assert_eq!(request(&ended(line(" put ", size))).expect("fits").1[1].len(), size - 5);

    let limits = RequestLimits { verb_bytes_max: size, ..RequestLimits::FULL };
    let mut parser = RequestParser::default();
    let mut args = Args::new();
    let fits = line("PUT ", size);
    assert!(matches!(parser.parse_within(&fits, &mut args, &limits), Ok(Progress::More { .. })));
    let above = line("PUT ", size + 1);
    assert_eq!(parser.parse_within(&above, &mut args, &limits).err(), Some(ProtocolError::TooBigInline));
}

#[test]
fn strangers_may_send_little() {
    let refusal = |bytes: &[u8]| {
        let (mut parser, mut args) = (RequestParser::default(), Args::new());
        let progress = parser.parse_within(bytes, &mut args, &RequestLimits::UNAUTHENTICATED);
        progress.map(|progress| matches!(progress, Progress::More { .. })).map_err(|error| error.to_string())
    };
    assert_eq!(refusal(b"*10\r\n$16384\r\n"), Ok(true));
    assert_eq!(refusal(b"*11\r\n"), Err("unauthenticated multibulk length".to_owned()));
    assert_eq!(refusal(b"*1\r\n$16385\r\n"), Err("unauthenticated bulk length".to_owned()));
    let whole = [&b"*1\r\n$16385\r\n"[..], &[b'a'; 16387]].concat();
    assert_eq!(refusal(&whole), Err("unauthenticated bulk length".to_owned()));
    assert_eq!(
        refusal(&[&b"PUT "[..], &[b'a'; INLINE_BYTES_MAX]].concat()),
        Err("too big inline request".to_owned())
    );
}

#[test]
fn a_stream_of_whole_requests_holds_nothing() {
    let mut stream = Vec::new();
    for index in 0..50usize {
        write_request(&mut stream, &[b"SET", index.to_string().as_bytes(), &vec![b'x'; index * 7]]);
    }
    let (mut parser, mut args) = (RequestParser::default(), Args::new());
    let mut at = 0;
    while at < stream.len() {
        match parser.parse(&stream[at..], &mut args) {
            Ok(Progress::Done { value, consumed }) => {
                assert_eq!(value.len(), 3);
                at += consumed;
            }
            other => panic!("{other:?}"),
        }
        assert!(!parser.is_incomplete() && parser.held_bytes() == 0);
    }
    assert_eq!(size_of::<RequestParser>(), 8);
    assert_eq!(size_of::<ReplyParser>(), 8);
}

#[test]
fn a_declared_length_is_not_reserved() {
    let (mut parser, mut args) = (RequestParser::default(), Args::new());
    let huge = format!("*{ARGUMENTS_MAX}\r\n${BULK_BYTES_MAX}\r\n");
    assert!(matches!(parser.parse(huge.as_bytes(), &mut args), Ok(Progress::More { .. })));
    assert!(parser.is_incomplete() && parser.held_bytes() < 1024, "{}", parser.held_bytes());
    let (mut parser, mut tokens) = (ReplyParser::default(), Tokens::new());
    assert!(matches!(
        parser.parse(b"*4294967295\r\n%4294967295\r\n:1\r\n", &mut tokens),
        Ok(Progress::More { .. })
    ));
    assert!(parser.is_incomplete() && parser.held_bytes() < 1024, "{}", parser.held_bytes());
}

/// Reads the one reply of `bytes` and hands it on.
fn reply<T>(bytes: &[u8], look: impl FnOnce(Reply<'_>) -> T) -> T {
    let mut tokens = Tokens::new();
    match ReplyParser::default().parse(bytes, &mut tokens) {
        Ok(Progress::Done { value, consumed }) => {
            assert_eq!(consumed, bytes.len());
            look(value)
        }
        other => panic!("{}: {other:?}", bytes.escape_ascii()),
    }
}

#[test]
fn every_type_of_reply_is_read() {
    for (bytes, expected) in [
        (&b"+OK\r\n"[..], Token::Simple(b"OK")),
        (b"+PONG\r\n", Token::Simple(b"PONG")),
        (b"-ERR no\r\n", Token::Error(b"ERR no")),
        (b":-12\r\n", Token::Int(-12)),
        (b":9223372036854775807\r\n", Token::Int(i64::MAX)),
        (b"$3\r\na\r\n\r\n", Token::Bulk(b"a\r\n")),
        (b"$-1\r\n", Token::Null),
        (b"*-1\r\n", Token::Null),
        (b"_\r\n", Token::Null),
        (b"#t\r\n", Token::Bool(true)),
        (b"#f\r\n", Token::Bool(false)),
        (b",1.5e-7\r\n", Token::Double(1.5e-7)),
        (b",10\r\n", Token::Double(10.0)),
        (b",-inf\r\n", Token::Double(f64::NEG_INFINITY)),
        (b"(-123456789012345678901\r\n", Token::BigNumber(b"-123456789012345678901")),
        (b"=8\r\ntxt:some\r\n", Token::Verbatim(b"some")),
        (b"!5\r\nERR x\r\n", Token::BulkError(b"ERR x")),
        (b"*0\r\n", Token::Array(0)),
        (b"%0\r\n", Token::Map(0)),
        (b"~0\r\n", Token::Set(0)),
    ] {
        reply(bytes, |reply| {
            assert_eq!(reply.first(), expected);
            assert_eq!((reply.tokens().len(), reply.items().len()), (1, 0));
            assert_eq!(reply.is_error(), matches!(expected, Token::Error(_) | Token::BulkError(_)));
            assert!(!reply.is_push());
        });
    }
}

#[test]
fn aggregates_are_walked() {
    let bytes = b"*3\r\n%1\r\n+a\r\n*2\r\n:1\r\n:2\r\n$1\r\nb\r\n|1\r\n+ttl\r\n*1\r\n:3\r\n>1\r\n:4\r\n";
    reply(bytes, |reply| {
        assert_eq!(reply.first(), Token::Array(3));
        let items: Vec<Reply<'_>> = reply.items().collect();
        assert_eq!(items.len(), 3);
        assert_eq!(items[0].first(), Token::Map(1));
        let pair: Vec<Token<'_>> = items[0].items().map(|item| item.first()).collect();
        assert_eq!(pair, [Token::Simple(b"a"), Token::Array(2)]);
        assert_eq!(items[1].first(), Token::Bulk(b"b"));
        // What is said of a value stands before it and is not the value.
        assert_eq!(items[2].first(), Token::Push(1));
        assert!(items[2].is_push());
        assert_eq!(items[2].tokens().next(), Some(Token::Attribute(1)));
        assert_eq!(items[2].items().map(|item| item.first()).collect::<Vec<_>>(), [Token::Int(4)]);
    });
}

#[test]
fn deep_replies_need_no_stack() {
    let depth = 200_000;
    let bytes = [b"*1\r\n".repeat(depth), b":1\r\n".to_vec()].concat();
    reply(&bytes, |reply| assert_eq!(reply.tokens().len(), depth + 1));
}

#[test]
fn bad_replies_are_refused() {
    for (bytes, expected) in [
        (&b"?\r\n"[..], ReplyError::UnknownType(b'?')),
        (b"*2\r\n:1\r\nx", ReplyError::UnknownType(b'x')),
        (b":1x\r\n", ReplyError::InvalidNumber),
        (b"(1x\r\n", ReplyError::InvalidNumber),
        (b"(-\r\n", ReplyError::InvalidNumber),
        (b",1.2.3\r\n", ReplyError::InvalidDouble),
        (b",1e999\r\n", ReplyError::InvalidDouble),
        (b",infinity\r\n", ReplyError::InvalidDouble),
        (b"#x\r\n", ReplyError::InvalidBoolean),
        (b"_x\r\n", ReplyError::InvalidNull),
        (b"=3\r\ntxt\r\n", ReplyError::InvalidVerbatim),
        (b"$-2\r\n", ReplyError::InvalidLength),
        (b"$?\r\n", ReplyError::InvalidLength),
        (b"%-1\r\n", ReplyError::InvalidLength),
        (b"$536870913\r\n", ReplyError::InvalidLength),
        (b"*4294967296\r\n", ReplyError::InvalidLength),
        (b"$1\r\nabc", ReplyError::MissingLineEnd),
        (b"+OK\rx", ReplyError::MissingLineEnd),
    ] {
        let mut tokens = Tokens::new();
        let answer = ReplyParser::default().parse(bytes, &mut tokens).map(|progress| format!("{progress:?}"));
        assert_eq!(answer, Err(expected), "{}", bytes.escape_ascii());
    }
}

#[test]
fn both_dialects_are_written() {
    type Fill = fn(&mut Writer<'_>);
    let write = |protocol, fill: Fill| {
        let mut out = Vec::new();
        fill(&mut Writer::new(&mut out, protocol));
        String::from_utf8(out).expect("text")
    };
    let cases: &[(Fill, &str, &str)] = &[
        (|w| w.ok(), "+OK\r\n", "+OK\r\n"),
        (|w| w.simple("PONG"), "+PONG\r\n", "+PONG\r\n"),
        (|w| w.error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"),
        (|w| w.error_args(format_args!("ERR '{}'", "x\n")), "-ERR 'x '\r\n", "-ERR 'x '\r\n"),
        (|w| w.int(-5), ":-5\r\n", ":-5\r\n"),
        (|w| w.bulk("ab"), "$2\r\nab\r\n", "$2\r\nab\r\n"),
        (|w| w.bulk_int(100), "$3\r\n100\r\n", "$3\r\n100\r\n"),
        (|w| w.null(), "$-1\r\n", "_\r\n"),
        (|w| w.null_array(), "*-1\r\n", "_\r\n"),
        (|w| w.array(12), "*12\r\n", "*12\r\n"),
        (|w| w.array(123), "*123\r\n", "*123\r\n"),
        (|w| w.map(7), "*14\r\n", "%7\r\n"),
        (|w| w.set(2), "*2\r\n", "~2\r\n"),
        (|w| w.push(2), "*2\r\n", ">2\r\n"),
        (|w| w.double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n"),
        (|w| w.double(-4.0), "$2\r\n-4\r\n", ",-4\r\n"),
        (|w| w.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n"),
        (|w| w.boolean(true), ":1\r\n", "#t\r\n"),
        (|w| w.boolean(false), ":0\r\n", "#f\r\n"),
        (|w| w.verbatim("hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"),
        (|w| w.big_number("12"), "$2\r\n12\r\n", "(12\r\n"),
    ];
    for (fill, resp2, resp3) in cases {
        assert_eq!(write(Protocol::Resp2, *fill), *resp2);
        assert_eq!(write(Protocol::Resp3, *fill), *resp3);
    }
}

#[test]
fn sizes_told_at_the_end() {
    for size in [0usize, 1, 9, 10, 99, 100, 999, 1000, 123_456] {
        let mut out = b"before".to_vec();
        let mut writer = Writer::new(&mut out, Protocol::Resp2);
        let mark = writer.begin_array();
        writer.bulk_with(|out| out.resize(out.len() + size, b'x'));
        for _ in 1..size.max(1) {
            writer.int(1);
        }
        writer.end_array(mark, size.max(1));
        let text = String::from_utf8(out).expect("text");
        let expected = format!(
            "before*{}\r\n${size}\r\n{}\r\n{}",
            size.max(1),
            "x".repeat(size),
            ":1\r\n".repeat(size.max(1) - 1)
        );
        assert!(text == expected, "{size}");
    }
}

#[test]
fn plain_requests_are_found_ahead() {
    let mut stream = Vec::new();
    for index in 0..AHEAD_MAX + 4 {
        write_request(&mut stream, &[b"SET", format!("key{index}").as_bytes(), b"value"]);
    }
    let mut ahead = Ahead::default();
    ahead.find(&stream, usize::MAX, &RequestLimits::FULL);
    assert_eq!(ahead.len(), AHEAD_MAX);
    let keys: Vec<&[u8]> = ahead.iter(&stream).map(|request| request.arg(1)).collect();
    assert_eq!((keys.len(), keys[0], keys[AHEAD_MAX - 1]), (AHEAD_MAX, &b"key0"[..], &b"key15"[..]));
    // What is odd ends the search, and what stands before it is found.
    for odd in [&b"PING\r\n"[..], b"*0\r\n", b"*65\r\n", b"", b"*1\r\n$-1\r\n"] {
        let mut stream = b"*1\r\n$4\r\nPING\r\n".to_vec();
        stream.extend_from_slice(odd);
        stream.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
        ahead.find(&stream, usize::MAX, &RequestLimits::FULL);
        let expected = if odd.is_empty() { 2 } else { 1 };
        assert_eq!(ahead.len(), expected, "{}", odd.escape_ascii());
        assert!(ahead.iter(&stream).all(|request| request.len() == 1));
    }
    ahead.find(b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r", usize::MAX, &RequestLimits::FULL);
    assert_eq!(ahead.len(), 1, "the second is not whole");
    let limits = RequestLimits { bulk_bytes_max: 4, ..RequestLimits::FULL };
    ahead.find(&stream, usize::MAX, &limits);
    assert!(ahead.is_empty());
}
