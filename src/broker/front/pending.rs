//! A command that waits for its answers from the engine, and what is printed once they are there.

use super::store::Failures;
use crate::broker::engine::{EngineError, Outcome};
use crate::console::{LineError, answer, write_text, write_texts};
use crate::proto::compute::Expression;
use crate::proto::path::Path;
use crate::proto::text::find;
use crate::record::Kind;
use std::io::Write as _;

/// What is printed of the outcomes.
pub(super) enum What {
    /// Everything is known already.
    Text {
        text: Vec<u8>,
        failed: bool,
    },
    Get {
        key: Box<[u8]>,
    },
    Query {
        path: Path,
    },
    Put {
        key: Box<[u8]>,
    },
    Delete {
        key: Box<[u8]>,
    },
    Compute(Box<Computation>),
    Set {
        key: Box<[u8]>,
        get: bool,
    },
    JsonDel {
        key: Box<[u8]>,
    },
    Type {
        key: Box<[u8]>,
    },
    Del,
    Exists,
    Mget,
    Mset,
}

pub(super) struct Computation {
    pub(super) expression: Expression,
    /// The line, for errors, and where in it the expression begins.
    pub(super) line: Box<[u8]>,
    pub(super) offset: usize,
}

/// One command in a session's queue.
pub(super) struct Pending {
    pub(super) what: What,
    /// Outcomes that are missing.
    left: usize,
    outcomes: Outcomes,
}

enum Outcomes {
    One(Option<Outcome>),
    Many(Vec<Option<Outcome>>),
}

impl Pending {
    /// A command that asks for `count` outcomes.
    pub(super) fn new(what: What, count: usize) -> Pending {
        let outcomes = match count {
            0 | 1 => Outcomes::One(None),
            _ => Outcomes::Many(vec![None; count]),
        };
        Pending { what, left: count, outcomes }
    }

    pub(super) fn text(text: Vec<u8>, failed: bool) -> Pending {
        Pending::new(What::Text { text, failed }, 0)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// The outcome number `part` is known.
    pub(super) fn take(&mut self, part: usize, outcome: Outcome) {
        let place = match &mut self.outcomes {
            Outcomes::One(one) => one,
            Outcomes::Many(many) => &mut many[part],
        };
        assert!(place.replace(outcome).is_none(), "answered twice");
        self.left -= 1;
    }

    fn outcomes(&self) -> &[Option<Outcome>] {
        match &self.outcomes {
            Outcomes::One(one) => std::slice::from_ref(one),
            Outcomes::Many(many) => many,
        }
    }

    fn known(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes().iter().flatten()
    }

    /// What must be said before the answer, if there is an answer.
    pub(super) fn warning(&self, failures: Failures) -> Option<String> {
        if matches!(self.what, What::Text { .. })
            || self.known().all(|outcome| matches!(outcome, Outcome::Failed(_)))
        {
            return None;
        }
        let doubtful = self.known().any(|outcome| matches!(outcome, Outcome::Value { doubtful: true, .. }));
        warning(failures, doubtful)
    }

    /// Appends the answer. False: the command failed.
    pub(super) fn write(mut self, failures: Failures, out: &mut Vec<u8>) -> bool {
        match std::mem::replace(&mut self.what, What::Del) {
            What::Text { text, failed } => {
                out.extend_from_slice(&text);
                !failed
            }
            What::Compute(computation) => self.write_computation(&computation, failures, out),
            What::Query { path } => self.write_part(&path, failures, out),
            What::Get { key } => self.write_one(&key, READ, failures, out, |outcome, out| match outcome {
                Outcome::Value { kind, body, .. } => answer::write_record(out, &key, kind, &body),
                _ => answer::write_record(out, &key, Kind::Tombstone, b""),
            }),
            What::Put { key } => self.write_one(&key, WRITTEN, failures, out, |outcome, out| {
                let stood = matches!(outcome, Outcome::Done { before: Some(_), .. });
                answer::write_verdict(out, &key, if stood { "REPLACED" } else { "CREATED" });
            }),
            What::Delete { key } => self.write_one(&key, DELETED, failures, out, |outcome, out| {
                let done = matches!(outcome, Outcome::Done { changed: true, .. });
                answer::write_verdict(out, &key, if done { "DELETED" } else { "NOT FOUND" });
            }),
            What::Set { key, get } => self.write_one(&key, WRITTEN, failures, out, |outcome, out| {
                write_set(outcome, get, out);
            }),
            What::JsonDel { key } => self.write_one(&key, DELETED, failures, out, |outcome, out| {
                write_integer(out, i64::from(matches!(outcome, Outcome::Done { changed: true, .. })));
            }),
            What::Type { key } => self.write_one(&key, READ, failures, out, |outcome, out| {
                out.extend_from_slice(type_name(&outcome).as_bytes());
                out.push(b'\n');
            }),
            What::Del => self.write_count(DELETED, failures, out, |outcome| {
                matches!(outcome, Outcome::Done { changed: true, .. })
            }),
            What::Exists => self.write_count(READ, failures, out, is_found),
            What::Mset => self.write_all(WRITTEN, failures, out, |_, out| out.extend_from_slice(b"OK\n")),
            What::Mget => self.write_all(READ, failures, out, |outcomes, out| {
                write_texts(out, outcomes.iter().map(|outcome| body_of(outcome.as_ref())));
            }),
        }
    }

    /// The answer to a command about one key.
    fn write_one(
        self,
        key: &[u8],
        verb: &str,
        failures: Failures,
        out: &mut Vec<u8>,
        write: impl FnOnce(Outcome, &mut Vec<u8>),
    ) -> bool {
        let Outcomes::One(Some(outcome)) = self.outcomes else { unreachable!("one key has one outcome") };
        match outcome {
            Outcome::Failed(error) => {
                let mut name = Vec::new();
                answer::write_key(&mut name, key);
                write_failure(&String::from_utf8_lossy(&name), verb, &error, failures, out);
                false
            }
            outcome => {
                write(outcome, out);
                true
            }
        }
    }

    fn write_part(self, path: &Path, failures: Failures, out: &mut Vec<u8>) -> bool {
        self.write_one(path.key(), READ, failures, out, |outcome, out| match outcome {
            Outcome::Value { kind, body, .. } if path.is_empty() => {
                answer::write_record(out, path.key(), kind, &body);
            }
            Outcome::Value { kind: Kind::Document, body, .. } => {
                answer::write_part(out, path, find(&body, &path.segments()));
            }
            _ => answer::write_part(out, path, None),
        })
    }

    fn write_computation(&self, computation: &Computation, failures: Failures, out: &mut Vec<u8>) -> bool {
        let expression = &computation.expression;
        let mut values = Vec::new();
        for (index, (_, path)) in expression.queries().iter().enumerate() {
            let number = match self.outcomes()[index].as_ref().expect("complete") {
                Outcome::Failed(error) => {
                    write_failure(&path.to_string(), READ, error, failures, out);
                    return false;
                }
                Outcome::Value { kind: Kind::Document, body, .. } => match find(body, &path.segments()) {
                    Some(json) => number(json).ok_or_else(|| expression.not_numeric(index)),
                    None => Err(expression.missing(index)),
                },
                Outcome::Value { kind: Kind::Text, .. } if path.is_empty() => {
                    Err(expression.not_numeric(index))
                }
                _ => Err(expression.missing(index)),
            };
            match number {
                Ok(number) => values.push(number),
                Err(error) => {
                    LineError::from(error).shifted(computation.offset).write(&computation.line, out);
                    return false;
                }
            }
        }
        match expression.evaluate(&values) {
            Ok(value) => answer::write_number(out, value),
            Err(error) => {
                LineError::from(error).shifted(computation.offset).write(&computation.line, out);
                return false;
            }
        }
        true
    }

    fn write_count(
        &self,
        verb: &str,
        failures: Failures,
        out: &mut Vec<u8>,
        counts: impl Fn(&Outcome) -> bool,
    ) -> bool {
        let count = self.known().filter(|outcome| counts(outcome)).count();
        self.write_all(verb, failures, out, |_, out| write_integer(out, count as i64))
    }

    /// The answer to a command about several keys: as a whole, or the failure with what is known of it.
    fn write_all(
        &self,
        verb: &str,
        failures: Failures,
        out: &mut Vec<u8>,
        write: impl FnOnce(&[Option<Outcome>], &mut Vec<u8>),
    ) -> bool {
        let errors: Vec<&EngineError> = self
            .known()
            .filter_map(|outcome| match outcome {
                Outcome::Failed(error) => Some(error),
                _ => None,
            })
            .collect();
        let count = errors.len();
        // One that may have been done weighs more than those that were not.
        match errors.into_iter().max_by_key(|error| **error == EngineError::Uncertain) {
            None => {
                write(self.outcomes(), out);
                true
            }
            Some(error) => {
                let name = match self.outcomes().len() {
                    1 => String::from("the key"),
                    all => format!("of {all} keys {count}"),
                };
                write_failure(&name, verb, error, failures, out);
                false
            }
        }
    }
}

const READ: &str = "read";
const WRITTEN: &str = "written";
const DELETED: &str = "deleted";

/// What is said before an answer while servers are down.
pub(super) fn warning(failures: Failures, doubtful: bool) -> Option<String> {
    let Failures { down, servers, replicas } = failures;
    if failures.may_hide_records() {
        let verb = if down == 1 { "is" } else { "are" };
        return Some(format!(
            "WARNING: {down} of {servers} servers {verb} down (k = {replicas}): results may be incomplete"
        ));
    }
    doubtful.then(|| String::from("WARNING: not every server that counts answers: this may be an old value"))
}

/// What a failure means, in plain words.
fn write_failure(name: &str, verb: &str, error: &EngineError, failures: Failures, out: &mut Vec<u8>) {
    let result = match error {
        EngineError::Unavailable => {
            let sequel = if verb == READ { "" } else { ", nothing was changed" };
            let why = unavailable_because(failures);
            writeln!(out, "UNAVAILABLE: {name} could not be {verb}{sequel}: {why}")
        }
        EngineError::Uncertain => writeln!(
            out,
            "UNCERTAIN: {name} may have been {verb} or not: a server went away in the middle; the next GET settles \
             it and shows which"
        ),
        EngineError::NotADocument => writeln!(out, "error: {name} holds a plain string, not a document"),
        EngineError::Refused(words) => writeln!(out, "error: {name} was not {verb}: {words}"),
    };
    result.expect("a vector takes every byte");
}

/// `too few of its servers answer (2 of 3 servers are down)`
pub(super) fn unavailable_because(failures: Failures) -> String {
    let Failures { down, servers, .. } = failures;
    format!(
        "too few of the servers that hold it answer ({down} of {servers} servers down; STATUS tells more)"
    )
}

fn is_found(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Value { kind, .. } if *kind != Kind::Tombstone)
}

fn type_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Value { kind, .. } => kind_name(*kind),
        _ => kind_name(Kind::Tombstone),
    }
}

/// A record's TYPE; a document's is RedisJSON's.
pub(super) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Document => "ReJSON-RL",
        Kind::Tombstone => "none",
    }
}

/// The text of a record that exists.
fn body_of(outcome: Option<&Outcome>) -> Option<&[u8]> {
    match outcome {
        Some(Outcome::Value { kind, body, .. }) if *kind != Kind::Tombstone => Some(body),
        _ => None,
    }
}

/// SET: OK, nothing where its condition did not hold, or with GET what stood there.
fn write_set(outcome: Outcome, get: bool, out: &mut Vec<u8>) {
    match outcome {
        Outcome::Done { before, .. } if get => {
            write_text(out, before.as_ref().map(|(_, body)| body.as_slice()));
        }
        Outcome::Done { changed: true, .. } => out.extend_from_slice(b"OK\n"),
        _ => write_text(out, None),
    }
}

pub(super) fn write_integer(out: &mut Vec<u8>, value: i64) {
    writeln!(out, "(integer) {value}").expect("a vector takes every byte");
}

/// The number that this JSON is, if it is one.
fn number(json: &[u8]) -> Option<f64> {
    let digits = matches!(json.first(), Some(b'0'..=b'9' | b'-'));
    std::str::from_utf8(json).ok().filter(|_| digits)?.parse().ok()
}
