//! JSONPath, as RedisJSON takes it: `$.a["b"][0]`, `[-1]`, `[1:3]`, `[*]`, `..a`, `[0,2]`; and its older notation.
//!
//! ```text
//!   path    = "$" step*  |  "."  |  "."? name step*  |  "[" .. step*      the last three: the older notation
//!   step    = "."  (name | "*")   |   ".." (name | "*" | list)   |   "."? list
//!   list    = "[" item ("," item)* "]"
//!   item    = string in '..' or ".."  |  integer  |  [integer] ":" [integer] [":" [integer]]  |  "*"
//! ```
//!
//! A path is matched level by level: [`JsonPath::step`] takes the steps that are done at a value and gives those that
//! are done at its child, as a set of bits. So a document is walked once, whatever the path.

use super::path::Dialect;
use super::text::{self, Expected, SyntaxError};

/// Steps of a path: their numbers are bits of a word.
const STEPS_MAX: usize = 127;

/// One alternative of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Choice {
    /// The field of this name.
    Field(String),
    /// The element at this index; negative: counted from the end.
    Index(i64),
    /// Elements from `start` up to, not including, `end`, each `step`-th.
    Slice {
        /// Negative: counted from the end.
        start: i64,
        /// Negative: counted from the end; absent: all.
        end: Option<i64>,
        /// At least 1.
        step: i64,
    },
    /// Every field and every element.
    Any,
}

impl Choice {
    fn takes(&self, child: Child<'_>) -> bool {
        match (self, child) {
            (Choice::Any, _) => true,
            (Choice::Field(name), Child::Field(other)) => name == other,
            (Choice::Index(index), Child::Element { index: at, len }) => from_start(*index, len) == Some(at),
            (Choice::Slice { start, end, step }, Child::Element { index: at, len }) => {
                let bound = |index: i64| if index < 0 { index + len } else { index }.clamp(0, len);
                let (start, end) = (bound(*start), end.map_or(len, bound));
                (start..end).contains(&at) && (at - start) % step == 0
            }
            _ => false,
        }
    }
}

/// An index from the front.
fn from_start(index: i64, len: i64) -> Option<i64> {
    if index >= 0 { Some(index) } else { Some(index + len).filter(|&index| index >= 0) }
}

/// A child of the value that a path has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Child<'a> {
    /// A field of a set.
    Field(&'a str),
    /// An element of an array of `len`.
    Element {
        /// From 0.
        index: i64,
        /// Of the array.
        len: i64,
    },
}

/// One step.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Step {
    /// At any depth below, not only at the next.
    descends: bool,
    choices: Vec<Choice>,
}

/// A path inside a document that may lead to several places.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JsonPath {
    steps: Vec<Step>,
    dialect: Dialect,
}

/// Which steps may be done at a place: bit `n` for the first `n`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress(u128);

impl Progress {
    /// At the document itself, where no step is done.
    pub const START: Progress = Progress(1);

    /// No path leads on from here.
    pub fn is_dead(self) -> bool {
        self.0 == 0
    }
}

impl JsonPath {
    /// The document itself, in the newer notation.
    pub fn root() -> JsonPath {
        JsonPath { steps: Vec::new(), dialect: Dialect::Dollar }
    }

    /// Reads a path in either notation.
    pub fn parse(text: &[u8]) -> Result<JsonPath, SyntaxError> {
        let mut cursor = Cursor { text, at: 0 };
        let dialect = if text.first() == Some(&b'$') { Dialect::Dollar } else { Dialect::Legacy };
        let mut path = JsonPath { steps: Vec::new(), dialect };
        match (dialect, text) {
            (Dialect::Dollar, _) => cursor.at = 1,
            (Dialect::Legacy, b"" | b".") => return Ok(path),
            (Dialect::Legacy, [b'.' | b'[', ..]) => {}
            (Dialect::Legacy, _) => {
                let choice = cursor.named()?;
                path.steps.push(Step { descends: false, choices: vec![choice] });
            }
        }
        while cursor.peek().is_some() {
            let at = cursor.at;
            let step = cursor.step()?;
            if path.steps.len() == STEPS_MAX {
                return Err(SyntaxError::new(at, Expected::ShorterPath));
            }
            path.steps.push(step);
        }
        Ok(path)
    }

    /// The notation it was written in: replies depend on it.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether it is the document itself.
    pub fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// The single choice of step `index`, if that is one and stands for children only.
    pub fn only_choice(&self, index: usize) -> Option<&Choice> {
        let step = self.steps.get(index).filter(|step| !step.descends)?;
        match &step.choices[..] {
            [choice @ (Choice::Field(_) | Choice::Index(_))] => Some(choice),
            _ => None,
        }
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none: as [`JsonPath::is_root`].
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The path without its last step, and the field that this step names; `None` if it names no single field.
    pub fn split_field(&self) -> Option<(JsonPath, &str)> {
        let Some(Choice::Field(name)) = self.only_choice(self.steps.len().checked_sub(1)?) else {
            return None;
        };
        let steps = self.steps[..self.steps.len() - 1].to_vec();
        Some((JsonPath { steps, dialect: self.dialect }, name))
    }

    /// Where only the first `done` steps are done.
    pub fn progress(&self, done: usize) -> Progress {
        Progress(1 << done)
    }

    /// What is done at a child of a place where `at` is done.
    pub fn step(&self, at: Progress, child: Child<'_>) -> Progress {
        let mut next = 0;
        for (index, step) in self.steps.iter().enumerate().filter(|(index, _)| at.0 >> index & 1 == 1) {
            if step.descends {
                next |= 1 << index;
            }
            if step.choices.iter().any(|choice| choice.takes(child)) {
                next |= 2 << index;
            }
        }
        Progress(next)
    }

    /// Whether the path leads to a place where `at` is done.
    pub fn is_done(&self, at: Progress) -> bool {
        at.0 >> self.steps.len() & 1 == 1
    }
}

struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Cursor<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn error<T>(&self, expected: Expected) -> Result<T, SyntaxError> {
        Err(SyntaxError::new(self.at, expected))
    }

    fn step(&mut self) -> Result<Step, SyntaxError> {
        if self.peek() == Some(b'[') {
            return Ok(Step { descends: false, choices: self.list()? });
        }
        if !self.takes(b'.') {
            return self.error(Expected::PathStep);
        }
        let descends = self.takes(b'.');
        let choices = if self.peek() == Some(b'[') { self.list()? } else { vec![self.named()?] };
        Ok(Step { descends, choices })
    }

    /// `*`, a bare name, or a name in double quotes.
    fn named(&mut self) -> Result<Choice, SyntaxError> {
        if self.peek() == Some(b'"') {
            return Ok(Choice::Field(self.string()?));
        }
        let rest = &self.text[self.at..];
        let is_bare = |byte: &u8| *byte > b' ' && !matches!(*byte, b'.' | b'[' | b']' | b'"' | b'\'' | 0x7F);
        let len = rest.iter().position(|byte| !is_bare(byte)).unwrap_or(rest.len());
        let start = self.at;
        self.at += len;
        match &rest[..len] {
            b"" => self.error(Expected::PathName),
            b"*" => Ok(Choice::Any),
            name => match std::str::from_utf8(name) {
                Ok(name) => Ok(Choice::Field(name.to_owned())),
                Err(_) => Err(SyntaxError::new(start, Expected::Utf8)),
            },
        }
    }

    fn list(&mut self) -> Result<Vec<Choice>, SyntaxError> {
        self.at += 1;
        let mut choices = Vec::new();
        loop {
            self.blanks();
            choices.push(self.item()?);
            self.blanks();
            if self.takes(b']') {
                return Ok(choices);
            }
            if !self.takes(b',') {
                return self.error(Expected::PathBracket);
            }
        }
    }

    fn item(&mut self) -> Result<Choice, SyntaxError> {
        match self.peek() {
            Some(b'"' | b'\'') => Ok(Choice::Field(self.string()?)),
            Some(b'*') => {
                self.at += 1;
                Ok(Choice::Any)
            }
            Some(b'?' | b'(') => self.error(Expected::NoFilter),
            Some(b'-' | b'0'..=b'9' | b':') => self.numbers(),
            _ => self.error(Expected::PathIndex),
        }
    }

    /// An index, or a slice.
    fn numbers(&mut self) -> Result<Choice, SyntaxError> {
        let first = self.integer()?;
        self.blanks();
        if !self.takes(b':') {
            return first.map_or_else(|| self.error(Expected::PathIndex), |index| Ok(Choice::Index(index)));
        }
        self.blanks();
        let end = self.integer()?;
        self.blanks();
        let mut step = 1;
        if self.takes(b':') {
            self.blanks();
            let at = self.at;
            step = self.integer()?.unwrap_or(1);
            if step < 1 {
                return Err(SyntaxError::new(at, Expected::PathIndex));
            }
        }
        Ok(Choice::Slice { start: first.unwrap_or(0), end, step })
    }

    /// One beyond all that can be stored finds nothing, so it is no error.
    fn integer(&mut self) -> Result<Option<i64>, SyntaxError> {
        let negative = self.takes(b'-');
        let digits = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return if negative { self.error(Expected::Digit) } else { Ok(None) };
        }
        let number = self.text[self.at..][..digits]
            .iter()
            .fold(0i64, |number, &byte| number.saturating_mul(10).saturating_add(i64::from(byte - b'0')));
        self.at += digits;
        Ok(Some(if negative { -number } else { number }))
    }

    fn blanks(&mut self) {
        while self.takes(b' ') {}
    }

    /// In double quotes with JSON's escapes, or in single quotes with `\'` and `\\`.
    fn string(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        let bytes = if self.peek() == Some(b'"') {
            let (bytes, end) = text::read_quoted(self.text, start)?;
            self.at = end;
            bytes.into_owned()
        } else {
            self.single_quoted()?
        };
        String::from_utf8(bytes).map_err(|_| SyntaxError::new(start, Expected::Utf8))
    }

    fn single_quoted(&mut self) -> Result<Vec<u8>, SyntaxError> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.text[self.at..] {
                [] => return self.error(Expected::ClosingQuote),
                [b'\'', ..] => {
                    self.at += 1;
                    return Ok(bytes);
                }
                [b'\\', byte @ (b'\'' | b'\\'), ..] => {
                    bytes.push(byte);
                    self.at += 2;
                }
                [byte, ..] => {
                    bytes.push(byte);
                    self.at += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(name: &str) -> Choice {
        Choice::Field(name.to_owned())
    }

    fn steps(text: &str) -> Vec<(bool, Vec<Choice>)> {
        let path = JsonPath::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        path.steps.into_iter().map(|step| (step.descends, step.choices)).collect()
    }

    #[test]
    fn paths_are_read() {
        assert_eq!(steps("$"), []);
        assert_eq!(steps("."), []);
        assert_eq!(steps(""), []);
        assert_eq!(steps("$.a"), [(false, vec![field("a")])]);
        for older in ["a", ".a", "[\"a\"]", "['a']", ".[\"a\"]", "\"a\""] {
            assert_eq!(steps(older), [(false, vec![field("a")])], "{older}");
        }
        assert_eq!(steps("$[\"a.b\"].c").len(), 2);
        assert_eq!(steps("$..a[*]"), [(true, vec![field("a")]), (false, vec![Choice::Any])]);
        assert_eq!(steps("$..*"), [(true, vec![Choice::Any])]);
        assert_eq!(steps("$..[0]"), [(true, vec![Choice::Index(0)])]);
        assert_eq!(steps("$[-1, 'x' ,\"y\"]"), [(false, vec![Choice::Index(-1), field("x"), field("y")])]);
        let slice = |start, end, step| vec![(false, vec![Choice::Slice { start, end, step }])];
        assert_eq!(steps("$[1:3]"), slice(1, Some(3), 1));
        assert_eq!(steps("$[:]"), slice(0, None, 1));
        assert_eq!(steps("$[-2:]"), slice(-2, None, 1));
        assert_eq!(steps("$[ : -1 : 2 ]"), slice(0, Some(-1), 2));
        assert_eq!(steps("$['it\\'s']"), [(false, vec![field("it's")])]);
        assert_eq!(steps("$.naïve"), [(false, vec![field("naïve")])]);
    }

    #[test]
    fn what_is_no_path_names_the_place() {
        for (text, at) in [
            ("$.", 2),
            ("$a", 1),
            ("$[", 2),
            ("$[1", 3),
            ("$[?(@.a>1)]", 2),
            ("$[x]", 2),
            ("$['a", 4),
            ("$[1:2:0]", 6),
            ("$[-]", 3),
            ("$.a b", 3),
            ("$...a", 3),
        ] {
            assert_eq!(JsonPath::parse(text.as_bytes()).expect_err(text).offset, at, "{text}");
        }
        let long = format!("${}", ".a".repeat(128));
        assert!(JsonPath::parse(long.as_bytes()).is_err());
    }

    /// Whether the path leads to the place that these children make.
    fn leads(path: &str, children: &[Child<'_>]) -> bool {
        let path = JsonPath::parse(path.as_bytes()).unwrap();
        path.is_done(children.iter().fold(Progress::START, |at, &child| path.step(at, child)))
    }

    #[test]
    fn steps_lead_to_places() {
        let (a, b) = (Child::Field("a"), Child::Field("b"));
        let element = |index| Child::Element { index, len: 5 };
        assert!(leads("$", &[]) && !leads("$", &[a]));
        assert!(leads("$.a.b", &[a, b]) && !leads("$.a.b", &[b, a]) && !leads("$.a.b", &[a]));
        assert!(
            leads("$..b", &[b])
                && leads("$..b", &[a, b])
                && leads("$..b", &[b, b])
                && !leads("$..b", &[b, a])
        );
        assert!(leads("$..a..b", &[a, element(3), b]));
        assert!(
            leads("$[-1]", &[element(4)]) && !leads("$[-1]", &[element(3)]) && !leads("$[-6]", &[element(0)])
        );
        assert!(leads("$[1:4:2]", &[element(3)]) && !leads("$[1:4:2]", &[element(2)]));
        assert!(!leads("$[1:4]", &[element(4)]) && leads("$[-9:99]", &[element(0)]));
        assert!(leads("$.*", &[a]) && leads("$.*", &[element(0)]) && !leads("$.*", &[]));
        assert!(leads("$['a','b']", &[b]) && !leads("$[0]", &[a]) && !leads("$.a", &[element(0)]));
    }

    proptest! {
        #[test]
        fn any_text_is_a_path_or_an_error(text in "[$.\\[\\]*:,'\"a0-9 -]{0,20}") {
            if let Err(error) = JsonPath::parse(text.as_bytes()) {
                prop_assert!(error.offset <= text.len());
            }
        }
    }
}
