//! How a word on the console may go on: keys of records, fields of documents.
//!
//! ```text
//!   kpers\n                 person1\nperson2\n\n           keys that begin so, and an empty line
//!   pperson1.address.s\n    person1.address.street\n\n     paths that begin so
//! ```

use super::super::desk::{Desk, Ports};
use super::super::store::Store;
use super::Step;
use super::keys::just_before;
use crate::broker::engine::{Answer, Ask, Outcome};
use crate::conn::ConnId;
use crate::proto::path::{Path, Segment};
use crate::proto::text::{find, quote_key, read_value};
use crate::record::Kind;
use crate::value::FieldNames;

/// Answers to one question, at most.
const CANDIDATES_MAX: usize = 100;

pub(in super::super) struct Completion {
    question: Question,
}

enum Question {
    /// Keys that begin with this.
    Key(Vec<u8>),
    /// Fields of what lies at the path, whose names begin with this.
    Field { path: Path, begins: Vec<u8> },
    /// None that can be understood.
    Nothing,
}

impl Completion {
    /// Reads a question.
    pub(in super::super) fn new(line: &[u8]) -> Completion {
        let question = match line.split_first() {
            Some((b'k', begins)) => Question::Key(unquoted(begins).to_vec()),
            Some((b'p', text)) => match text.iter().rposition(|&byte| byte == b'.') {
                None => Question::Key(unquoted(text).to_vec()),
                Some(dot) => {
                    let mut path = Path::new();
                    match path.parse(&text[..dot]) {
                        Ok(()) => Question::Field { path, begins: unquoted(&text[dot + 1..]).to_vec() },
                        Err(_) => Question::Nothing,
                    }
                }
            },
            _ => Question::Nothing,
        };
        Completion { question }
    }

    pub(super) fn begin<S: Store>(&mut self, id: ConnId, desk: &mut Desk, ports: &mut Ports<'_, S>) -> Step {
        match &self.question {
            Question::Nothing => return candidates([].into_iter()),
            Question::Key(begins) => {
                let (after, ticket) = (just_before(begins), desk.job_ticket(id, 0));
                ports.store.keys(ticket, after.as_deref(), CANDIDATES_MAX, ports.now, ports.net);
            }
            Question::Field { path, .. } => {
                let ticket = desk.job_ticket(id, 0);
                ports.store.submit(ticket, path.key(), Ask::Get, ports.now, ports.net);
            }
        }
        Step::Waits
    }

    pub(super) fn take(&mut self, answer: Answer) -> Step {
        match (&self.question, answer) {
            (Question::Key(begins), Answer::Keys(Some(page))) => {
                let keys = page.keys.into_iter().filter(|key| key.starts_with(begins));
                candidates(keys.map(|key| {
                    let mut shown = Vec::new();
                    quote_key(&mut shown, &key);
                    shown
                }))
            }
            (
                Question::Field { path, begins },
                Answer::Op(Outcome::Value { kind: Kind::Document, body, .. }),
            ) => {
                let mut names = FieldNames::default();
                let part = find(&body, &path.segments()).unwrap_or_default();
                if read_value(part, &mut names).is_err() {
                    names.names.clear();
                }
                let named = names.names.iter().filter(|name| name.as_bytes().starts_with(begins));
                candidates(named.map(|name| {
                    let mut whole = path.clone();
                    whole.push(Segment::Field(name));
                    whole.to_string().into_bytes()
                }))
            }
            _ => candidates([].into_iter()),
        }
    }
}

/// A word that is being typed may begin with a quote that is not closed yet.
fn unquoted(word: &[u8]) -> &[u8] {
    word.strip_prefix(b"\"").unwrap_or(word)
}

fn candidates(all: impl Iterator<Item = Vec<u8>>) -> Step {
    let mut text = Vec::new();
    for candidate in all.take(CANDIDATES_MAX) {
        text.extend_from_slice(&candidate);
        text.push(b'\n');
    }
    text.push(b'\n');
    Step::Done { text, failed: false, warns: false }
}
