//! What must hold for any stream of bytes that is read as requests or as replies. Shared by the fuzzer and by the tests.

#[path = "twin.rs"]
mod twin;

use hedgerow::proto::resp::{
    AHEAD_MAX, Ahead, Args, Form, Progress, Protocol, ProtocolError, ReplyError, ReplyParser, RequestLimits,
    RequestParser, Token, Tokens, Writer, write_request,
};

/// What a stream of requests amounts to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Requests {
    /// Form and arguments of each; those without arguments are left out.
    pub(crate) requests: Vec<(Form, Vec<Vec<u8>>)>,
    /// Bytes of whole requests.
    pub(crate) consumed: usize,
    /// What ended it, if anything did.
    pub(crate) error: Option<ProtocolError>,
}

/// What a stream of replies amounts to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Replies {
    /// Each as RESP3 in one spelling.
    pub(crate) replies: Vec<Vec<u8>>,
    /// Bytes of whole replies.
    pub(crate) consumed: usize,
    /// What ended it, if anything did.
    pub(crate) error: Option<ReplyError>,
}

/// Everything that is promised of any bytes.
pub(crate) fn check(stream: &[u8]) {
    let requests = requests(stream, &[]);
    assert_eq!(requests, twin::requests(stream), "the parser and its slow twin");
    let replies = replies(stream, &[]);
    let pieces: &[usize] = if stream.len() < 4096 { &[1, 2, 3, 7, 31] } else { &[509, 16 << 10] };
    for &piece in pieces {
        let cuts: Vec<usize> = (piece..stream.len()).step_by(piece).collect();
        check_cuts(stream, &cuts, &requests, &replies);
    }
    check_print_then_parse(&requests, &replies);
    check_ahead(stream);
}

/// Cut at these places, the stream amounts to the same.
pub(crate) fn check_cuts(stream: &[u8], cuts: &[usize], whole_requests: &Requests, whole_replies: &Replies) {
    assert_eq!(&requests(stream, cuts), whole_requests, "requests cut at {cuts:?}");
    assert_eq!(&replies(stream, cuts), whole_replies, "replies cut at {cuts:?}");
}

fn check_print_then_parse(whole_requests: &Requests, whole_replies: &Replies) {
    let mut printed = Vec::new();
    for (_, args) in &whole_requests.requests {
        write_request(&mut printed, &args.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    let again = requests(&printed, &[]);
    assert_eq!((again.error, again.consumed), (None, printed.len()));
    let args =
        |requests: &Requests| requests.requests.iter().map(|(_, args)| args.clone()).collect::<Vec<_>>();
    assert_eq!(args(&again), args(whole_requests));

    let again = replies(&whole_replies.replies.concat(), &[]);
    assert_eq!((again.error, &again.replies), (None, &whole_replies.replies));
}

/// What is found ahead is what the parser finds.
fn check_ahead(stream: &[u8]) {
    let mut ahead = Ahead::default();
    for most in [1, 3, 2 * AHEAD_MAX] {
        ahead.find(stream, most, &RequestLimits::FULL);
        assert!(ahead.len() <= most.min(AHEAD_MAX));
        let (mut parser, mut args) = (RequestParser::default(), Args::new());
        let mut at = 0;
        for index in 0..ahead.len() {
            let (request, end) = ahead.get(stream, index);
            let Ok(Progress::Done { value, consumed }) = parser.parse(&stream[at..], &mut args) else {
                panic!("the request at {at} is not whole")
            };
            at += consumed;
            assert_eq!((value.form(), end), (Form::Array, at));
            assert!(value.args().eq(request.args()));
        }
    }
}

/// Reads requests from a stream that arrives in pieces, as a connection would: what is incomplete is shown again.
pub(crate) fn requests(stream: &[u8], cuts: &[usize]) -> Requests {
    let (mut parser, mut args) = (RequestParser::default(), Args::new());
    let mut found = Requests::default();
    found.error = read_pieces(stream, cuts, &mut found.consumed, |bytes| {
        Ok(match parser.parse(bytes, &mut args)? {
            Progress::Done { value, consumed } => {
                assert!(value.args().eq((0..value.len()).map(|index| value.arg(index))));
                if !value.is_empty() {
                    found.requests.push((value.form(), value.args().map(<[u8]>::to_vec).collect()));
                }
                Progress::Done { value: (), consumed }
            }
            Progress::More { at_least } => Progress::More { at_least },
        })
    });
    found
}

/// The same for replies.
pub(crate) fn replies(stream: &[u8], cuts: &[usize]) -> Replies {
    let (mut parser, mut tokens) = (ReplyParser::default(), Tokens::new());
    let mut found = Replies::default();
    found.error = read_pieces(stream, cuts, &mut found.consumed, |bytes| {
        Ok(match parser.parse(bytes, &mut tokens)? {
            Progress::Done { value, consumed } => {
                let mut printed = Vec::new();
                value.tokens().for_each(|token| write_token(&mut printed, token));
                let items: usize = value.items().map(|item| item.tokens().len()).sum();
                assert_eq!(value.value().tokens().len(), 1 + items, "the items are the whole value");
                found.replies.push(printed);
                Progress::Done { value: (), consumed }
            }
            Progress::More { at_least } => Progress::More { at_least },
        })
    });
    found
}

/// Shows the stream up to each cut and then all of it; `parse` gets the bytes from the first that is not consumed.
fn read_pieces<E>(
    stream: &[u8],
    cuts: &[usize],
    consumed: &mut usize,
    mut parse: impl FnMut(&[u8]) -> Result<Progress<()>, E>,
) -> Option<E> {
    let mut promised = 0;
    for &cut in cuts.iter().chain([&stream.len()]) {
        loop {
            let shown = &stream[*consumed..cut];
            match parse(shown) {
                Ok(Progress::Done { consumed: size, .. }) => {
                    assert!(size > 0 && size <= shown.len());
                    assert!(shown.len() >= promised, "done with {} bytes before {promised}", shown.len());
                    *consumed += size;
                    promised = 0;
                }
                Ok(Progress::More { at_least }) => {
                    assert!(at_least > shown.len() && at_least >= promised);
                    promised = at_least;
                    break;
                }
                Err(error) => {
                    assert!(shown.len() >= promised, "an error with {} bytes before {promised}", shown.len());
                    return Some(error);
                }
            }
        }
    }
    None
}

fn write_token(out: &mut Vec<u8>, token: Token<'_>) {
    let mut writer = Writer::new(out, Protocol::Resp3);
    match token {
        // A simple text may hold bytes that are no UTF-8: the writer is for our own words.
        Token::Simple(text) => line(writer.out, b'+', text),
        Token::Error(text) => line(writer.out, b'-', text),
        Token::Int(value) => writer.int(value),
        Token::Bulk(text) => writer.bulk(text),
        Token::Null => writer.null(),
        Token::Bool(value) => writer.boolean(value),
        Token::Double(value) => writer.double(value),
        Token::BigNumber(digits) => line(writer.out, b'(', digits),
        Token::Verbatim(text) => writer.verbatim(text),
        Token::BulkError(text) => {
            writer.out.extend(format!("!{}\r\n", text.len()).bytes());
            writer.out.extend_from_slice(text);
            writer.out.extend_from_slice(b"\r\n");
        }
        Token::Array(count) => writer.array(count),
        Token::Map(count) => writer.map(count),
        Token::Set(count) => writer.set(count),
        Token::Push(count) => writer.push(count),
        Token::Attribute(count) => writer.attribute(count),
    }
}

fn line(out: &mut Vec<u8>, mark: u8, text: &[u8]) {
    out.push(mark);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}
