//! What is wrong with an expression, and where.

use std::fmt;

use crate::proto::text::Expected;

/// The place in an expression, and what is wrong there. Names what it is about, so it says enough alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComputeError {
    /// Bytes from the beginning of the text to the place.
    pub offset: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with an expression, or with its evaluation. A `Box<str>` is the name that it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// Something else stood where a number, a name or `(` should.
    NoOperand,
    /// Something else stood where an operator, `)` or WHERE should.
    NoOperator,
    /// A `(` that nothing closes.
    Unclosed,
    /// A `)` that nothing opened.
    Unopened,
    /// A number that floats cannot hold.
    NumberTooLarge,
    /// Too many tokens.
    TooLong {
        /// So many are allowed.
        max: usize,
    },
    /// `name(`, and there is no such function.
    UnknownFunction(Box<str>),
    /// A function's name without parentheses.
    FunctionAlone(Box<str>),
    /// A name that WHERE does not explain.
    UnknownName(Box<str>),
    /// A name that WHERE explains twice.
    DuplicateName(Box<str>),
    /// A name that cannot be used for a value: a function's, or WHERE, AND, QUERY.
    ReservedName(Box<str>),
    /// Something else stood where a name should, behind WHERE or AND.
    NoName,
    /// Something else stood where the `=` behind a name should.
    NoEquals,
    /// Something else stood where QUERY should.
    NoQuery,
    /// Something else stood where AND or the end should.
    NoAnd,
    /// The path behind QUERY is wrong.
    Path(Expected),
    /// A division by zero.
    DivisionByZero,
    /// The step's result is no number: a root of a negative number.
    NotANumber(Box<str>),
    /// The step's result is infinite.
    Infinite(Box<str>),
    /// Nothing lies at the path.
    Missing(Box<str>),
    /// What lies at the path is no number.
    NotNumeric(Box<str>),
}

impl ComputeError {
    pub(super) fn new(offset: usize, problem: Problem) -> ComputeError {
        ComputeError { offset, problem }
    }

    /// What is wrong, without the place: for those who show the place with a caret.
    pub fn message(&self) -> String {
        self.problem.to_string()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NoOperand => f.write_str("expected a number, a name or '('"),
            Problem::NoOperator => f.write_str("expected an operator, ')' or WHERE"),
            Problem::Unclosed => f.write_str("expected a ')' for this '('"),
            Problem::Unopened => f.write_str("expected a '(' before this ')'"),
            Problem::NumberTooLarge => f.write_str("expected a number within 1.8e308"),
            Problem::TooLong { max } => write!(f, "expected at most {max} tokens"),
            Problem::UnknownFunction(name) => write!(
                f,
                "unknown function '{name}' (there are sin, cos, tan, sind, cosd, tand, log, ln, sqrt, abs)"
            ),
            Problem::FunctionAlone(name) => write!(f, "expected '(' after the function: {name}(...)"),
            Problem::UnknownName(name) => {
                write!(f, "unknown name '{name}' (WHERE {name} = QUERY ... explains it)")
            }
            Problem::DuplicateName(name) => write!(f, "the name '{name}' stands twice in WHERE"),
            Problem::ReservedName(name) => {
                write!(f, "'{name}' has a meaning of its own: choose another name")
            }
            Problem::NoName => f.write_str("expected a name"),
            Problem::NoEquals => f.write_str("expected '=' after the name"),
            Problem::NoQuery => f.write_str("expected QUERY and a path"),
            Problem::NoAnd => f.write_str("expected AND or the end"),
            Problem::Path(expected) => write!(f, "expected {expected}"),
            Problem::DivisionByZero => f.write_str("division by zero"),
            Problem::NotANumber(name) => write!(f, "the result of '{name}' is not a number"),
            Problem::Infinite(name) => write!(f, "the result of '{name}' is infinite"),
            Problem::Missing(path) => write!(f, "{path} : NOT FOUND"),
            Problem::NotNumeric(path) => write!(f, "{path} is not a number"),
        }
    }
}

impl fmt::Display for ComputeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.problem, self.offset)
    }
}

impl std::error::Error for ComputeError {}
