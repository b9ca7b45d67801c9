//! What the clients asked and heard: the text of both, and what a single copy would have answered.

mod linear;

pub use linear::{Verdict, linearizable};

use std::fmt;

/// Fields of a document that can be deleted one by one; all hold the number of the PUT that wrote them.
pub const FIELDS: [&str; 3] = ["a", "b", "c"];
const ALL_FIELDS: u8 = (1 << FIELDS.len()) - 1;

/// What a client asks of a key. The numbers of writes are unique in a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Call {
    Get,
    Query(u8),
    Put(u32),
    Set(u32),
    Delete,
    DropField(u8),
}

/// What a record holds, as far as clients can tell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum State {
    Absent,
    Text(u32),
    Document {
        id: u32,
        /// Bits by the place in [`FIELDS`].
        fields: u8,
    },
}

/// What a client hears.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Answer {
    /// GET; QUERY of a key that is a text has none.
    Holds(State),
    /// QUERY.
    Field(Option<u32>),
    Created,
    Replaced,
    /// SET: it does not tell what stood there.
    Done,
    Deleted,
    NotFound,
    /// JSON.DEL: how many fields went.
    Dropped(bool),
    /// The record is a plain string.
    WrongKind,
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    Answered(Answer),
    /// UNCERTAIN, or the broker died: it may happen at any time after its beginning, once, or never.
    Open,
    /// UNAVAILABLE: it did not happen and never will.
    Void,
}

/// A call with its answer, by virtual time in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    pub key: usize,
    pub call: Call,
    pub begin: u64,
    pub end: u64,
    pub outcome: Outcome,
    /// A warning came with the answer: it may be old or incomplete.
    pub flagged: bool,
    /// Who asked.
    pub client: usize,
}

impl State {
    /// What a single copy in this state holds after `call`, if it would answer so; `None` as answer: any.
    pub fn after(self, call: Call, answer: Option<Answer>) -> Option<State> {
        let existed = self != State::Absent;
        let (next, own) = match call {
            Call::Get => (self, Answer::Holds(self)),
            Call::Query(field) => (self, Answer::Field(self.field(field))),
            Call::Put(id) => (
                State::Document { id, fields: ALL_FIELDS },
                if existed { Answer::Replaced } else { Answer::Created },
            ),
            Call::Set(id) => (State::Text(id), Answer::Done),
            Call::Delete => (State::Absent, if existed { Answer::Deleted } else { Answer::NotFound }),
            Call::DropField(field) => self.drop_field(field),
        };
        let fits = answer.is_none_or(|heard| heard == own);
        fits.then_some(next)
    }

    fn field(self, field: u8) -> Option<u32> {
        match self {
            State::Document { id, fields } if fields >> field & 1 == 1 => Some(id),
            _ => None,
        }
    }

    fn drop_field(self, field: u8) -> (State, Answer) {
        match self {
            State::Document { id, fields } if fields >> field & 1 == 1 => {
                (State::Document { id, fields: fields & !(1 << field) }, Answer::Dropped(true))
            }
            State::Text(_) => (self, Answer::WrongKind),
            _ => (self, Answer::Dropped(false)),
        }
    }
}

impl Event {
    /// The number of the write that the answer tells of.
    pub fn number_heard(&self) -> Option<u32> {
        match self.outcome {
            Outcome::Answered(Answer::Holds(State::Text(id) | State::Document { id, .. })) => Some(id),
            Outcome::Answered(Answer::Field(id)) => id,
            _ => None,
        }
    }
}

impl Call {
    /// It changes what is stored, or may.
    pub fn is_write(self) -> bool {
        !matches!(self, Call::Get | Call::Query(_))
    }

    /// The console's line for it; documents get `padding` bytes more.
    pub fn line(self, key: &str, padding: usize) -> String {
        match self {
            Call::Get => format!("GET {key}\n"),
            Call::Query(field) => format!("QUERY {key}.{}\n", FIELDS[field as usize]),
            Call::Put(id) => {
                let fields: Vec<String> = FIELDS.iter().map(|name| format!("\"{name}\": {id}")).collect();
                let pad = if padding > 0 {
                    format!("; \"pad\": \"{}\"", "x".repeat(padding))
                } else {
                    String::new()
                };
                format!("PUT {key}:{{\"id\": {id}; {}{pad}}}\n", fields.join("; "))
            }
            Call::Set(id) => format!("SET {key} t{id}\n"),
            Call::Delete => format!("DELETE {key}\n"),
            Call::DropField(field) => format!("JSON.DEL {key} $.{}\n", FIELDS[field as usize]),
        }
    }

    /// Reads the console's answer.
    pub fn read(self, key: &str, line: &str) -> Option<Outcome> {
        if line.starts_with("UNAVAILABLE") {
            return Some(Outcome::Void);
        }
        if line.starts_with("UNCERTAIN") {
            return Some(Outcome::Open);
        }
        let rest = |prefix: &str| line.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(" : "));
        let answer = match (self, rest(key)) {
            (Call::Get, Some("NOT FOUND")) => Answer::Holds(State::Absent),
            (Call::Get, Some(value)) => Answer::Holds(read_value(value)?),
            (Call::Query(field), _) => {
                let path = format!("{key}.{}", FIELDS[field as usize]);
                match rest(&path)? {
                    "NOT FOUND" => Answer::Field(None),
                    number => Answer::Field(Some(number.parse().ok()?)),
                }
            }
            (Call::Put(_), Some("CREATED")) => Answer::Created,
            (Call::Put(_), Some("REPLACED")) => Answer::Replaced,
            (Call::Set(_), _) if line == "OK" => Answer::Done,
            (Call::Delete, Some("DELETED")) => Answer::Deleted,
            (Call::Delete, Some("NOT FOUND")) => Answer::NotFound,
            (Call::DropField(_), _) => match line {
                "(integer) 1" => Answer::Dropped(true),
                "(integer) 0" => Answer::Dropped(false),
                _ if line.ends_with("holds a plain string, not a document") => Answer::WrongKind,
                _ => return None,
            },
            _ => return None,
        };
        Some(Outcome::Answered(answer))
    }
}

/// Reads `"t12"` or `{"id": 12; "a": 12}`; all numbers of a document must be the same.
fn read_value(text: &str) -> Option<State> {
    if let Some(number) = text.strip_prefix("\"t") {
        return Some(State::Text(number.strip_suffix('"')?.parse().ok()?));
    }
    let mut state = None;
    let mut fields = 0;
    for part in text.strip_prefix('{')?.strip_suffix('}')?.split(';') {
        let (name, number) = part.split_once(':')?;
        let name = name.trim().trim_matches('"');
        if name == "pad" {
            continue;
        }
        let number = number.trim().parse::<u32>().ok()?;
        if state.is_some_and(|id| id != number) {
            return None;
        }
        state = Some(number);
        match FIELDS.iter().position(|field| *field == name) {
            Some(place) => fields |= 1 << place,
            None if name == "id" => {}
            None => return None,
        }
    }
    Some(State::Document { id: state?, fields })
}

/// A flagged answer may be old, but nobody may hear what nobody wrote: every number heard was written by a call that
/// began before the answer.
pub fn was_written(event: &Event, events: &[Event]) -> bool {
    let Some(heard) = event.number_heard() else { return true };
    events.iter().any(|writer| {
        writer.key == event.key
            && writer.begin <= event.end
            && matches!(writer.call, Call::Put(id) | Call::Set(id) if id == heard)
    })
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |nanos: u64| nanos as f64 / 1e9;
        write!(f, "{:>11.6} ", seconds(self.begin))?;
        match self.outcome {
            Outcome::Open => write!(f, "{:>11} ", "open")?,
            _ => write!(f, "{:>11.6} ", seconds(self.end))?,
        }
        let flag = if self.flagged { " (flagged)" } else { "" };
        write!(f, "client {} key {}: {:?} -> {:?}{flag}", self.client, self.key, self.call, self.outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_the_console_prints_them() {
        let read = |call: Call, line: &str| call.read("k", line);
        let answered = |answer| Some(Outcome::Answered(answer));
        assert_eq!(read(Call::Get, "k : NOT FOUND"), answered(Answer::Holds(State::Absent)));
        assert_eq!(read(Call::Get, "k : \"t7\""), answered(Answer::Holds(State::Text(7))));
        let whole = State::Document { id: 7, fields: 5 };
        assert_eq!(read(Call::Get, r#"k : {"id": 7; "a": 7; "c": 7}"#), answered(Answer::Holds(whole)));
        assert_eq!(read(Call::Get, r#"k : {"id": 7; "a": 8}"#), None, "two PUTs mixed");
        let padded = Call::Put(7).line("k", 3);
        assert_eq!(padded, "PUT k:{\"id\": 7; \"a\": 7; \"b\": 7; \"c\": 7; \"pad\": \"xxx\"}\n");
        assert_eq!(
            read(Call::Get, r#"k : {"id": 7; "a": 7; "c": 7; "pad": "xxx"}"#),
            answered(Answer::Holds(whole))
        );
        assert_eq!(read(Call::Query(1), "k.b : 9"), answered(Answer::Field(Some(9))));
        assert_eq!(read(Call::Query(1), "k.b : NOT FOUND"), answered(Answer::Field(None)));
        assert_eq!(read(Call::Put(1), "k : REPLACED"), answered(Answer::Replaced));
        assert_eq!(read(Call::Delete, "k : NOT FOUND"), answered(Answer::NotFound));
        assert_eq!(read(Call::DropField(0), "(integer) 1"), answered(Answer::Dropped(true)));
        assert_eq!(read(Call::Put(1), "UNAVAILABLE not executed"), Some(Outcome::Void));
        assert_eq!(read(Call::Put(1), "UNCERTAIN outcome unknown"), Some(Outcome::Open));
        assert_eq!(read(Call::Put(1), "other : CREATED"), None);
    }

    #[test]
    fn a_single_copy_answers_in_one_way() {
        let document = State::Absent.after(Call::Put(3), Some(Answer::Created)).expect("it was absent");
        assert_eq!(document.after(Call::Put(4), Some(Answer::Created)), None);
        assert_eq!(document.after(Call::Query(0), Some(Answer::Field(Some(3)))), Some(document));
        let less = document.after(Call::DropField(0), Some(Answer::Dropped(true))).expect("it was there");
        assert_eq!(less, State::Document { id: 3, fields: 6 });
        assert_eq!(less.after(Call::DropField(0), None), Some(less));
        assert_eq!(less.after(Call::Delete, Some(Answer::NotFound)), None);
        assert_eq!(State::Text(1).after(Call::DropField(0), Some(Answer::WrongKind)), Some(State::Text(1)));
    }
}
