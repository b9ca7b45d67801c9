//! Requests made in advance, with holes that are filled before each sending.
//!
//! ```text
//!  fixed     *3 $3 SET $16 key:000000000000 $64 000000000000xxxxxxx…     copied whole, then the holes overwritten
//!                           └ hole: key ───┘     └ hole: value
//!  varying   *3 $3 PUT │ key │ document                                  put together argument by argument
//! ```
//! A value begins with the digits of its key, so that a reader can tell whether it got the right one.

use std::fmt;
use std::io::Write as _;

use crate::work::documents::Names;
use crate::work::expect::Expect;
use crate::work::source::Source;
use crate::work::values::{FILLER, KEY_DIGITS, MARKED_BYTES, Sizes, write_digits, write_head};

/// A request with holes.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    body: Body,
    keys: usize,
    writes_value: bool,
    pub(crate) expect: Expect,
}

#[derive(Clone, Debug)]
enum Body {
    Fixed { bytes: Vec<u8>, holes: Vec<Hole> },
    Varying { count: usize, arguments: Vec<Vec<Piece>> },
}

#[derive(Clone, Copy, Debug)]
struct Hole {
    at: usize,
    len: usize,
    kind: HoleKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum HoleKind {
    Key,
    SameKey,
    NewKey,
    Value,
}

/// A part of an argument.
#[derive(Clone, PartialEq, Debug)]
enum Piece {
    Text(Vec<u8>),
    /// Another key is drawn here; a value belongs to the key before it.
    Key,
    SameKey,
    /// A key that was never set before.
    NewKey,
    Value,
    Whole {
        least: u64,
        most: u64,
    },
    Fraction,
    Sequence,
    /// A document of `create-data`, in set notation or in JSON.
    Document,
    Json,
}

/// What the arguments of a request are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'w> {
    pub(crate) names: &'w Names,
    pub(crate) sizes: &'w Sizes,
    /// Whether values tell the write they come from.
    pub(crate) marked: bool,
    /// Keys of one MGET, MSET, DEL or EXISTS.
    pub(crate) keys: u64,
}

/// Why a command cannot be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TemplateError {
    Empty,
    UnknownName(String),
    OpenQuote,
    BadRange(String),
}

/// Commands that can be called by a name alone.
pub(crate) const NAMES: &str = "get, set, ping, mget, mset, del, exists, put, query, delete, range, json.set, json.get, incr, insert, rmw";

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TemplateError::Empty => f.write_str("a command needs at least one word"),
            TemplateError::UnknownName(name) => write!(
                f,
                "unknown command {name:?}; expected {NAMES}, or a whole request with blanks, such as \
                 'STRLEN {{key}}' or 'PUT {{key}} {{\"v\":\"{{value}}\"}}'"
            ),
            TemplateError::OpenQuote => f.write_str("a quote is not closed"),
            TemplateError::BadRange(text) => {
                write!(f, "{{int:{text}}}: expected two numbers, the smaller first, such as {{int:1..100}}")
            }
        }
    }
}

impl Template {
    /// The request of a well-known name, or one of the words in `text` with holes such as `{key}`.
    pub(crate) fn named(text: &str, words: Words<'_>) -> Result<Template, TemplateError> {
        let many = |verb: &str, each: &str| format!("{verb}{}", each.repeat(words.keys as usize));
        let line = match text.to_ascii_lowercase().as_str() {
            "get" | "rmw" => "GET {key}".to_owned(),
            "set" => "SET {key} {value}".to_owned(),
            "ping" => "PING".to_owned(),
            "mget" => many("MGET", " {key}"),
            "mset" => many("MSET", " {key} {value}"),
            "del" => many("DEL", " {key}"),
            "exists" => many("EXISTS", " {key}"),
            "put" => "PUT {key} {doc}".to_owned(),
            "query" => "QUERY {key}".to_owned(),
            "delete" => "DELETE {key}".to_owned(),
            "range" => "RANGE {key} {last} LIMIT {int:1..100}".to_owned(),
            "json.set" => "JSON.SET {key} $ {json}".to_owned(),
            "json.get" => "JSON.GET {key}".to_owned(),
            "incr" => "INCR counter:{key}".to_owned(),
            "insert" => "SET {newkey} {value}".to_owned(),
            "rmw-set" => "SET {samekey} {value}".to_owned(),
            "" => return Err(TemplateError::Empty),
            _ if text.trim().contains(char::is_whitespace) => text.to_owned(),
            _ if text.trim().is_empty() => return Err(TemplateError::Empty),
            _ => return Err(TemplateError::UnknownName(text.to_owned())),
        };
        Template::of_line(&line, words)
    }

    fn of_line(line: &str, words: Words<'_>) -> Result<Template, TemplateError> {
        let texts = split_arguments(line)?;
        let verb = texts.first().ok_or(TemplateError::Empty)?;
        let expect = Expect::of(verb, texts.len() - 1);
        let arguments: Vec<Vec<Piece>> =
            texts.iter().map(|text| pieces(text, words.names)).collect::<Result<_, _>>()?;
        let all = || arguments.iter().flatten();
        let keys = all().filter(|piece| matches!(piece, Piece::Key | Piece::NewKey)).count();
        let writes_value = all().any(|piece| *piece == Piece::Value);
        let digits = matches!(words.names, Names::Digits { .. });
        let fixed_value = words.sizes.fixed();
        let fixed = all().all(|piece| match piece {
            Piece::Text(_) => true,
            Piece::Key | Piece::SameKey | Piece::NewKey => digits,
            Piece::Value => fixed_value.is_some(),
            _ => false,
        });
        let body = match fixed {
            true => fixed_body(&arguments, words.names, fixed_value.unwrap_or_default(), words.marked),
            false => Body::Varying { count: arguments.len(), arguments },
        };
        Ok(Template { body, keys, writes_value, expect })
    }

    /// How many keys it draws.
    pub(crate) fn keys(&self) -> usize {
        self.keys
    }

    pub(crate) fn writes_value(&self) -> bool {
        self.writes_value
    }

    /// Appends a request, drawing from `source`, which keeps the last key and version drawn.
    #[inline]
    pub(crate) fn append(&self, out: &mut Vec<u8>, source: &mut Source) {
        match &self.body {
            Body::Fixed { bytes, holes } => append_fixed(out, bytes, holes, source),
            Body::Varying { count, arguments } => append_varying(out, *count, arguments, source),
        }
    }
}

#[inline]
fn append_fixed(out: &mut Vec<u8>, bytes: &[u8], holes: &[Hole], source: &mut Source) {
    let start = out.len();
    out.extend_from_slice(bytes);
    for hole in holes {
        match hole.kind {
            HoleKind::Key => source.draw_key(),
            HoleKind::NewKey => source.insert_key(),
            HoleKind::SameKey => {}
            HoleKind::Value => source.begin_write(),
        }
        let place = &mut out[start + hole.at..start + hole.at + hole.len];
        match hole.kind {
            HoleKind::Value => write_head(place, source.key(), source.mark()),
            _ => write_digits(place, source.key()),
        }
    }
}

fn append_varying(out: &mut Vec<u8>, count: usize, arguments: &[Vec<Piece>], source: &mut Source) {
    write!(out, "*{count}\r\n").expect("a Vec takes everything");
    let mut text = std::mem::take(&mut source.scratch);
    for argument in arguments {
        text.clear();
        argument.iter().for_each(|piece| piece.append(&mut text, source));
        push_bulk(out, &text);
    }
    source.scratch = text;
}

fn push_bulk(out: &mut Vec<u8>, text: &[u8]) {
    write!(out, "${}\r\n", text.len()).expect("a Vec takes everything");
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

impl Piece {
    fn append(&self, out: &mut Vec<u8>, source: &mut Source) {
        const INFALLIBLE: &str = "a Vec takes everything";
        match self {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Key | Piece::SameKey | Piece::NewKey => {
                match self {
                    Piece::Key => source.draw_key(),
                    Piece::NewKey => source.insert_key(),
                    _ => {}
                }
                source.push_name(out);
            }
            Piece::Value => {
                source.begin_write();
                let size = source.value_size();
                let start = out.len();
                out.resize(start + size, FILLER);
                write_head(&mut out[start..], source.key(), source.mark());
            }
            Piece::Whole { least, most } => {
                write!(out, "{}", source.random.between(*least, *most)).expect(INFALLIBLE);
            }
            Piece::Fraction => write!(out, "{:.6}", source.random.unit()).expect(INFALLIBLE),
            Piece::Sequence => write!(out, "{}", source.count_up()).expect(INFALLIBLE),
            Piece::Document => source.push_document(out, false),
            Piece::Json => source.push_document(out, true),
        }
    }
}

/// Splits at blanks; an argument that begins with a quote ends at the next one of its kind.
fn split_arguments(line: &str) -> Result<Vec<String>, TemplateError> {
    let (mut arguments, mut rest) = (Vec::new(), line.trim());
    while let Some(first) = rest.chars().next() {
        let end = if first == '"' || first == '\'' {
            let close = rest[1..].find(first).ok_or(TemplateError::OpenQuote)?;
            arguments.push(rest[1..1 + close].to_owned());
            close + 2
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            arguments.push(rest[..end].to_owned());
            end
        };
        rest = rest[end..].trim_start();
    }
    Ok(arguments)
}

/// Cuts an argument at its holes; braces around other words stay as they are.
fn pieces(argument: &str, names: &Names) -> Result<Vec<Piece>, TemplateError> {
    let (mut pieces, mut text) = (Vec::new(), Vec::new());
    let mut rest = argument;
    while let Some(open) = rest.find('{') {
        text.extend_from_slice(&rest.as_bytes()[..open]);
        rest = &rest[open..];
        let word = rest[1..].find('}').map(|close| &rest[1..1 + close]);
        match word.map(|word| hole(word, names)).transpose()?.flatten() {
            Some(piece) => {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(piece);
                rest = &rest[word.map_or(0, str::len) + 2..];
            }
            None => {
                text.push(b'{');
                rest = &rest[1..];
            }
        }
    }
    text.extend_from_slice(rest.as_bytes());
    if !text.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

fn hole(word: &str, names: &Names) -> Result<Option<Piece>, TemplateError> {
    if let Some(range) = word.strip_prefix("int:") {
        let wrong = || TemplateError::BadRange(range.to_owned());
        let (least, most) = range.split_once("..").ok_or_else(wrong)?;
        let (least, most) = (least.parse().map_err(|_| wrong())?, most.parse().map_err(|_| wrong())?);
        return if least <= most { Ok(Some(Piece::Whole { least, most })) } else { Err(wrong()) };
    }
    Ok(Some(match word {
        "key" => Piece::Key,
        "samekey" => Piece::SameKey,
        "newkey" => Piece::NewKey,
        "last" => Piece::Text(names.behind_last()),
        "value" => Piece::Value,
        "int" => Piece::Whole { least: 0, most: u64::from(u32::MAX) },
        "float" => Piece::Fraction,
        "seq" => Piece::Sequence,
        "doc" => Piece::Document,
        "json" => Piece::Json,
        _ => return Ok(None),
    }))
}

fn fixed_body(arguments: &[Vec<Piece>], names: &Names, value_bytes: usize, marked: bool) -> Body {
    let head = if marked { MARKED_BYTES } else { KEY_DIGITS };
    let Names::Digits { prefix } = names else { unreachable!("names of any length make no fixed request") };
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    let mut holes = Vec::new();
    for argument in arguments {
        let (mut text, mut own) = (Vec::new(), Vec::new());
        for piece in argument {
            let kind = match piece {
                Piece::Text(more) => {
                    text.extend_from_slice(more);
                    continue;
                }
                Piece::Key => HoleKind::Key,
                Piece::SameKey => HoleKind::SameKey,
                Piece::NewKey => HoleKind::NewKey,
                Piece::Value => HoleKind::Value,
                other => unreachable!("{other:?} is not fixed"),
            };
            if kind == HoleKind::Value {
                own.push(Hole { at: text.len(), len: value_bytes.min(head), kind });
                text.resize(text.len() + value_bytes, FILLER);
            } else {
                text.extend_from_slice(prefix);
                own.push(Hole { at: text.len(), len: KEY_DIGITS, kind });
                text.extend_from_slice(&[b'0'; KEY_DIGITS]);
            }
        }
        let start = bytes.len() + format!("${}\r\n", text.len()).len();
        holes.extend(own.iter().map(|hole| Hole { at: start + hole.at, ..*hole }));
        push_bulk(&mut bytes, &text);
    }
    Body::Fixed { bytes, holes }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::work::documents::Pool;
    use crate::work::keys::{Distribution, Keys, Share};
    use crate::work::random::Random;

    fn request(text: &str, prefix: &str, sizes: &str, keys: u64) -> Result<String, TemplateError> {
        let names = Arc::new(Names::Digits { prefix: prefix.as_bytes().to_vec() });
        let sizes = Arc::new(Sizes::parse(sizes).unwrap());
        let words = Words { names: &names, sizes: &sizes, marked: false, keys };
        let template = Template::named(text, words)?;
        let share = Share { thread: 0, threads: 1 };
        let drawn = Keys::new(Distribution::Sequential, 100, Random::from_seed(1), share, false);
        let pool = Arc::new(Pool::made(4, 1));
        let mut source = Source::new(drawn, Random::from_seed(1), names, sizes, pool, None);
        (0..7).for_each(|_| source.draw_key());
        let mut out = Vec::new();
        template.append(&mut out, &mut source);
        Ok(String::from_utf8(out).unwrap().replace("\r\n", " "))
    }

    #[test]
    fn names_and_lines_are_whole_requests() {
        for (text, sizes, expected) in [
            ("ping", "14", "*1 $4 PING "),
            ("GET", "14", "*2 $3 GET $14 k:000000000007 "),
            ("set", "14", "*3 $3 SET $14 k:000000000007 $14 000000000007xx "),
            ("mget", "14", "*3 $4 MGET $14 k:000000000007 $14 k:000000000008 "),
            ("mset", "1", "*5 $4 MSET $14 k:000000000007 $1 7 $14 k:000000000008 $1 8 "),
            ("PUT {key} {\"v\":\"{value}\"}", "3", "*3 $3 PUT $14 k:000000000007 $11 {\"v\":\"007\"} "),
            ("SET {key} {value}", "0", "*3 $3 SET $14 k:000000000007 $0  "),
            ("insert", "2", "*3 $3 SET $14 k:000000000100 $2 00 "),
            (
                "SET a:{key} {samekey} {last}",
                "2",
                "*4 $3 SET $16 a:k:000000000007 $14 k:000000000007 $14 k:999999999999 ",
            ),
            ("SET {key} 'a b{value}' \"\"", "2", "*4 $3 SET $14 k:000000000007 $5 a b07 $0  "),
            ("X {int:5..5} {seq} {nothing}", "2", "*4 $1 X $1 5 $1 0 $9 {nothing} "),
        ] {
            assert_eq!(request(text, "k:", sizes, 2).unwrap(), expected, "{text}");
        }
        assert_eq!(request("SET {key} {value}", "k:", "3..3", 1), request("SET {key} {value}", "k:", "3", 1));
        let varying = request("SET {key} {value}", "k:", "14:1", 1).unwrap();
        assert_eq!(varying, request("set", "k:", "14", 1).unwrap(), "the same either way");
        let put = request("put", "k:", "1", 1).unwrap();
        assert!(put.starts_with("*3 $3 PUT $14 k:000000000007 $") && put.contains("{\""), "{put}");
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for (text, reason) in [
            ("gte", "unknown command"),
            ("", "at least one word"),
            ("  ", "at least one word"),
            ("GET 'x", "not closed"),
            ("GET {int:9..1}", "smaller first"),
            ("GET {int:x}", "smaller first"),
        ] {
            let error = request(text, "k:", "1", 1).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
