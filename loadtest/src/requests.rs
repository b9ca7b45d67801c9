//! Requests made in advance, and what an answer to each must look like.
//!
//! ```text
//!  template   *3 $3 SET $16 key:000000000000 $64 000000000000xxxxxxx…
//!                            └ hole: key ───┘     └ hole: value
//! ```
//! Before each sending the template is copied and its holes are filled with the digits of a random key: a value
//! begins with the digits of its key, so that a reader can tell whether it got the right one.

use std::fmt;
use std::io::Write as _;

use crate::replies::Shape;

/// Digits of a key, as redis-benchmark writes them.
pub(crate) const KEY_DIGITS: usize = 12;
/// Keys are numbered below this.
pub(crate) const KEYS_MAX: u64 = 1_000_000_000_000;
/// What a value consists of behind the digits of its key.
const FILLER: u8 = b'x';

/// What the answer to a request must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expect {
    /// `+OK`.
    Ok,
    /// `+PONG`.
    Pong,
    /// A bulk string, or nil: a miss.
    Value,
    /// A number.
    Number,
    /// An array of so many items.
    Items(u64),
    /// Anything but an error.
    Anything,
}

/// How an answer is to be counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Good,
    /// Good, but nothing was there.
    Miss,
    Error,
    Wrong,
}

impl Expect {
    pub(crate) fn judge(self, shape: Shape, text: &[u8]) -> Verdict {
        let good = match (self, shape) {
            (_, Shape::Error) => return Verdict::Error,
            (Expect::Value | Expect::Anything, Shape::Null) => return Verdict::Miss,
            (Expect::Ok, Shape::Simple) => text == b"OK",
            (Expect::Pong, Shape::Simple) => text == b"PONG",
            (Expect::Value, Shape::Bulk) | (Expect::Number, Shape::Int) | (Expect::Anything, _) => true,
            (Expect::Items(wanted), Shape::Array(items)) => items == wanted,
            _ => false,
        };
        if good { Verdict::Good } else { Verdict::Wrong }
    }
}

/// A request with holes for keys and values.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    holes: Vec<Hole>,
    pub(crate) expect: Expect,
}

#[derive(Clone, Copy, Debug)]
struct Hole {
    at: usize,
    /// Bytes to fill: fewer than all digits only for a value that is shorter, which keeps the last ones.
    len: usize,
    /// Whether another key is drawn here; a value belongs to the key before it.
    draws: bool,
}

/// What the arguments of a request are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'w> {
    /// What every key begins with.
    pub(crate) key_prefix: &'w str,
    /// Bytes of a value.
    pub(crate) value_bytes: usize,
    /// Keys of one MGET, MSET, DEL or EXISTS.
    pub(crate) keys: u64,
}

const KEY: &str = "{key}";
const VALUE: &str = "{value}";

/// Why a command cannot be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TemplateError {
    Empty,
    UnknownName,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TemplateError::Empty => "a command needs at least one word",
            TemplateError::UnknownName => {
                "unknown command; expected get, set, ping, mget, mset, del, exists or a whole request \
                 with blanks, such as 'STRLEN {key}' or 'PUT {key} {\"v\":\"{value}\"}'"
            }
        })
    }
}

impl Template {
    /// The request of a well-known name, or one of the words in `text`, where `{key}` and `{value}` stand for holes.
    pub(crate) fn named(text: &str, words: Words<'_>) -> Result<Template, TemplateError> {
        let many = |verb: &str, each: &str| format!("{verb}{}", each.repeat(words.keys as usize));
        let (line, expect) = match text.to_ascii_lowercase().as_str() {
            "get" => ("GET {key}".to_owned(), Expect::Value),
            "set" => ("SET {key} {value}".to_owned(), Expect::Ok),
            "ping" => ("PING".to_owned(), Expect::Pong),
            "mget" => (many("MGET", " {key}"), Expect::Items(words.keys)),
            "mset" => (many("MSET", " {key} {value}"), Expect::Ok),
            "del" => (many("DEL", " {key}"), Expect::Number),
            "exists" => (many("EXISTS", " {key}"), Expect::Number),
            "" => return Err(TemplateError::Empty),
            _ if text.trim().contains(char::is_whitespace) => (text.to_owned(), Expect::Anything),
            _ => return Err(TemplateError::UnknownName),
        };
        Template::of_line(&line, expect, words)
    }

    fn of_line(line: &str, expect: Expect, words: Words<'_>) -> Result<Template, TemplateError> {
        let mut template = Template { bytes: Vec::new(), holes: Vec::new(), expect };
        let arguments: Vec<&str> = line.split_ascii_whitespace().collect();
        if arguments.is_empty() {
            return Err(TemplateError::Empty);
        }
        write!(template.bytes, "*{}\r\n", arguments.len()).expect("a Vec takes everything");
        arguments.iter().for_each(|argument| template.push_argument(argument, words));
        Ok(template)
    }

    /// `HELLO 3`, which begins a connection that speaks RESP3.
    pub(crate) fn hello() -> Template {
        Template {
            bytes: b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n".to_vec(),
            holes: Vec::new(),
            expect: Expect::Anything,
        }
    }

    fn push_argument(&mut self, argument: &str, words: Words<'_>) {
        let (mut text, mut holes) = (Vec::new(), Vec::new());
        let mut rest = argument;
        while let Some(open) = rest.find('{') {
            text.extend_from_slice(&rest.as_bytes()[..open]);
            rest = &rest[open..];
            if let Some(after) = rest.strip_prefix(KEY) {
                text.extend_from_slice(words.key_prefix.as_bytes());
                holes.push(Hole { at: text.len(), len: KEY_DIGITS, draws: true });
                text.extend_from_slice(&[b'0'; KEY_DIGITS]);
                rest = after;
            } else if let Some(after) = rest.strip_prefix(VALUE) {
                let len = words.value_bytes.min(KEY_DIGITS);
                holes.push(Hole { at: text.len(), len, draws: false });
                text.extend_from_slice(&[b'0'; KEY_DIGITS][..len]);
                text.resize(text.len() + words.value_bytes - len, FILLER);
                rest = after;
            } else {
                text.push(b'{');
                rest = &rest[1..];
            }
        }
        text.extend_from_slice(rest.as_bytes());
        write!(self.bytes, "${}\r\n", text.len()).expect("a Vec takes everything");
        let start = self.bytes.len();
        self.holes.extend(holes.iter().map(|hole| Hole { at: start + hole.at, ..*hole }));
        self.bytes.extend_from_slice(&text);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Whether its requests differ by a key.
    pub(crate) fn has_key(&self) -> bool {
        self.holes.iter().any(|hole| hole.draws)
    }

    /// Appends a request with keys from `draw`; returns the last of them.
    #[inline]
    pub(crate) fn append(&self, out: &mut Vec<u8>, mut draw: impl FnMut() -> u64) -> u64 {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let mut key = 0;
        for hole in &self.holes {
            if hole.draws {
                key = draw();
            }
            write_digits(&mut out[start + hole.at..start + hole.at + hole.len], key);
        }
        key
    }
}

/// Overwrites the end of `place`, which holds zeros, with the last digits of `number`.
#[inline]
fn write_digits(place: &mut [u8], mut number: u64) {
    let mut end = place.len();
    while number > 0 && end >= 2 {
        place[end - 2..end].copy_from_slice(&PAIRS[(number % 100) as usize]);
        number /= 100;
        end -= 2;
    }
    // An odd place: one digit is left for it.
    if number > 0 && end == 1 {
        place[0] = b'0' + (number % 10) as u8;
    }
}

/// `00` to `99`: half as many divisions as digit by digit.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Whether `piece` is what stands at `offset` of the value of `key`.
pub(crate) fn value_matches(key: u64, value_bytes: usize, offset: usize, piece: &[u8]) -> bool {
    let mut head = [b'0'; KEY_DIGITS];
    let head = &mut head[..value_bytes.min(KEY_DIGITS)];
    write_digits(head, key);
    if offset + piece.len() > value_bytes {
        return false;
    }
    let in_head = head.len().saturating_sub(offset).min(piece.len());
    let (first, filler) = piece.split_at(in_head);
    (first.is_empty() || *first == head[offset..offset + in_head])
        && filler.iter().all(|&byte| byte == FILLER)
}

/// Which keys are drawn.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    /// Any key below `range` alike. `state` is a SplitMix64's (Steele, Lea, Flood 2014).
    Uniform { state: u64, range: u64 },
    /// One after the other, to fill a store.
    InOrder { next: u64 },
}

impl Keys {
    #[inline]
    pub(crate) fn draw(&mut self) -> u64 {
        match self {
            Keys::Uniform { state, range } => scale(split_mix(state), *range),
            Keys::InOrder { next } => {
                *next += 1;
                *next - 1
            }
        }
    }
}

/// 64 random bits as a number below `range`. Its bias is below `range / 2^64`: not to be seen in any run.
fn scale(bits: u64, range: u64) -> u64 {
    ((u128::from(bits) * u128::from(range)) >> 64) as u64
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// One kind of request within a run.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) template: Template,
}

/// What a run sends: one kind of request, or reads and writes in a ratio.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) operations: Vec<Operation>,
    /// Of 2^32 requests so many are of the first kind.
    pub(crate) first_of_2_32: u64,
    pub(crate) keys: Keys,
    pub(crate) mix: u64,
    /// Bytes of a value, where the answers to GET are to be compared.
    pub(crate) verify: Option<usize>,
}

/// A request in flight: which operation of the plan, and its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asked(u64);

impl Asked {
    const OPERATION_SHIFT: u32 = 48;
    /// The greeting of a connection: in no plan, and counted nowhere.
    pub(crate) const HELLO: Asked = Asked(u64::MAX);

    pub(crate) fn new(operation: usize, key: u64) -> Asked {
        debug_assert!(key < KEYS_MAX);
        Asked((operation as u64) << Asked::OPERATION_SHIFT | key)
    }

    pub(crate) fn operation(self) -> usize {
        (self.0 >> Asked::OPERATION_SHIFT) as usize
    }

    pub(crate) fn key(self) -> u64 {
        self.0 & ((1 << Asked::OPERATION_SHIFT) - 1)
    }
}

impl Plan {
    /// Appends the next request.
    #[inline]
    pub(crate) fn append_next(&mut self, out: &mut Vec<u8>) -> Asked {
        let mixed = self.operations.len() > 1;
        let second = mixed && split_mix(&mut self.mix) >> 32 >= self.first_of_2_32;
        let operation = usize::from(second);
        let keys = &mut self.keys;
        let key = self.operations[operation].template.append(out, || keys.draw());
        Asked::new(operation, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words<'_> = Words { key_prefix: "k:", value_bytes: 14, keys: 2 };

    fn request(text: &str, words: Words<'_>) -> String {
        let mut next = 6;
        let draw = || {
            next += 1;
            next
        };
        let mut out = Vec::new();
        Template::named(text, words).unwrap().append(&mut out, draw);
        String::from_utf8(out).unwrap().replace("\r\n", " ")
    }

    #[test]
    fn templates_are_whole_requests() {
        assert_eq!(request("ping", WORDS), "*1 $4 PING ");
        assert_eq!(request("GET", WORDS), "*2 $3 GET $14 k:000000000007 ");
        assert_eq!(request("set", WORDS), "*3 $3 SET $14 k:000000000007 $14 000000000007xx ");
        assert_eq!(request("mget", WORDS), "*3 $4 MGET $14 k:000000000007 $14 k:000000000008 ");
        assert_eq!(
            request("mset", Words { value_bytes: 1, ..WORDS }),
            "*5 $4 MSET $14 k:000000000007 $1 7 $14 k:000000000008 $1 8 "
        );
        assert_eq!(
            request("PUT {key} {\"v\":\"{value}\"}", Words { value_bytes: 3, ..WORDS }),
            "*3 $3 PUT $14 k:000000000007 $11 {\"v\":\"007\"} "
        );
        assert_eq!(
            request("SET {key} {value}", Words { value_bytes: 0, ..WORDS }),
            "*3 $3 SET $14 k:000000000007 $0  "
        );
        assert_eq!(Template::named("gte", WORDS).unwrap_err(), TemplateError::UnknownName);
        assert_eq!(Template::named("  ", WORDS).unwrap_err(), TemplateError::UnknownName);
        assert_eq!(Template::named("", WORDS).unwrap_err(), TemplateError::Empty);
    }

    #[test]
    fn digits_fill_a_place_from_its_end() {
        for len in 0..=KEY_DIGITS {
            for number in [0, 7, 10, 99, 100, 12_345, 907_060_504_030, KEYS_MAX - 1] {
                let mut place = vec![b'0'; len];
                write_digits(&mut place, number);
                let all = format!("{number:012}");
                assert_eq!(place, &all.as_bytes()[KEY_DIGITS - len..], "{number} in {len}");
            }
        }
    }

    #[test]
    fn values_are_told_right_from_wrong_in_any_pieces() {
        for value_bytes in [0, 1, 5, 12, 13, 40] {
            let template = Template::named("SET {key} {value}", Words { value_bytes, ..WORDS }).unwrap();
            let mut out = Vec::new();
            let key = template.append(&mut out, || 987_654_321_098);
            let value = &out[out.len() - 2 - value_bytes..out.len() - 2];
            for cut in 0..=value_bytes {
                assert!(value_matches(key, value_bytes, 0, &value[..cut]));
                assert!(value_matches(key, value_bytes, cut, &value[cut..]));
            }
            assert!(!value_matches(key, value_bytes, value_bytes, b"x"), "too long");
            if value_bytes > 0 {
                assert!(!value_matches(key + 1, value_bytes, 0, value));
            }
            if value_bytes > KEY_DIGITS {
                let mut broken = value.to_vec();
                *broken.last_mut().unwrap() = b'y';
                assert!(!value_matches(key, value_bytes, 0, &broken));
            }
        }
    }

    #[test]
    fn answers_are_judged_by_what_was_asked() {
        assert_eq!(Expect::Ok.judge(Shape::Simple, b"OK"), Verdict::Good);
        assert_eq!(Expect::Ok.judge(Shape::Simple, b"PONG"), Verdict::Wrong);
        assert_eq!(Expect::Ok.judge(Shape::Null, b""), Verdict::Wrong);
        assert_eq!(Expect::Pong.judge(Shape::Simple, b"PONG"), Verdict::Good);
        assert_eq!(Expect::Value.judge(Shape::Bulk, b"x"), Verdict::Good);
        assert_eq!(Expect::Value.judge(Shape::Null, b""), Verdict::Miss);
        assert_eq!(Expect::Value.judge(Shape::Int, b"1"), Verdict::Wrong);
        assert_eq!(Expect::Items(2).judge(Shape::Array(2), b""), Verdict::Good);
        assert_eq!(Expect::Items(2).judge(Shape::Array(1), b""), Verdict::Wrong);
        assert_eq!(Expect::Number.judge(Shape::Int, b"1"), Verdict::Good);
        for expect in [Expect::Ok, Expect::Value, Expect::Anything] {
            assert_eq!(expect.judge(Shape::Error, b"ERR"), Verdict::Error);
        }
    }

    #[test]
    fn keys_reach_all_of_their_range_and_the_ratio_is_kept() {
        let operations = ["get", "set"]
            .map(|name| Operation { name: name.to_owned(), template: Template::named(name, WORDS).unwrap() });
        let keys = Keys::Uniform { state: 1, range: 10 };
        let first_of_2_32 = (1 << 32) / 4 * 3;
        let mut plan = Plan { operations: operations.into(), first_of_2_32, keys, mix: 5, verify: None };
        let (mut seen, mut reads, mut out) = ([0; 10], 0, Vec::new());
        for _ in 0..10_000 {
            let asked = plan.append_next(&mut out);
            seen[asked.key() as usize] += 1;
            reads += u32::from(asked.operation() == 0);
            out.clear();
        }
        assert!(seen.iter().all(|&count| count > 800), "{seen:?}");
        assert!((7_300..7_700).contains(&reads), "{reads}");
        assert_eq!(Asked::new(1, KEYS_MAX - 1).key(), KEYS_MAX - 1);
        assert_eq!(Asked::new(1, KEYS_MAX - 1).operation(), 1);
    }
}
