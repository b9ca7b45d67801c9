//! The twin of a document: an owned tree, built and read in the plainest way.

use super::super::Edited;
use crate::rng::Rng;
use crate::value::{Event, Segment, SinkError, ValueSink};

#[derive(Clone, PartialEq, Debug)]
pub(in super::super) enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Set(Vec<(String, Tree)>),
    Array(Vec<Tree>),
}

impl Tree {
    pub(in super::super) fn tell<S: ValueSink + ?Sized>(&self, sink: &mut S) -> Result<(), SinkError> {
        match self {
            Tree::Null => sink.event(Event::Null),
            Tree::Bool(bool) => sink.event(Event::Bool(*bool)),
            Tree::Int(int) => sink.event(Event::Int(*int)),
            Tree::Float(float) => sink.event(Event::Float(*float)),
            Tree::Text(text) => sink.event(Event::Text(text)),
            Tree::Set(fields) => {
                sink.event(Event::BeginSet)?;
                for (name, value) in fields {
                    sink.event(Event::Field(name))?;
                    value.tell(sink)?;
                }
                sink.event(Event::EndSet)
            }
            Tree::Array(elements) => {
                sink.event(Event::BeginArray)?;
                elements.iter().try_for_each(|element| element.tell(sink))?;
                sink.event(Event::EndArray)
            }
        }
    }

    /// The same with each field once: the last value at the place of the first.
    pub(in super::super) fn deduplicated(&self) -> Tree {
        match self {
            Tree::Set(fields) => {
                let mut kept: Vec<(String, Tree)> = Vec::new();
                for (name, value) in fields {
                    let value = value.deduplicated();
                    match kept.iter_mut().find(|(other, _)| other == name) {
                        Some(field) => field.1 = value,
                        None => kept.push((name.clone(), value)),
                    }
                }
                Tree::Set(kept)
            }
            Tree::Array(elements) => Tree::Array(elements.iter().map(Tree::deduplicated).collect()),
            other => other.clone(),
        }
    }

    pub(in super::super) fn at(&self, path: &[Segment<'_>]) -> Option<&Tree> {
        path.iter().try_fold(self, |tree, segment| match (tree, segment) {
            (Tree::Set(fields), Segment::Field(name)) => {
                fields.iter().find(|(other, _)| other == name).map(|(_, value)| value)
            }
            (Tree::Array(elements), Segment::Index(index)) => elements.get(*index),
            _ => None,
        })
    }

    pub(in super::super) fn remove_at(&mut self, path: &[Segment<'_>]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        match (self, first) {
            (Tree::Set(fields), Segment::Field(name)) => {
                let Some(index) = fields.iter().position(|(other, _)| other == name) else { return false };
                if rest.is_empty() {
                    fields.remove(index);
                    return true;
                }
                fields[index].1.remove_at(rest)
            }
            (Tree::Array(elements), Segment::Index(index)) if *index < elements.len() => {
                if rest.is_empty() {
                    elements.remove(*index);
                    return true;
                }
                elements[*index].remove_at(rest)
            }
            _ => false,
        }
    }

    /// Puts, or inserts, a value at a path; what [`super::super::Trie::put_at`] and `insert_at` do.
    pub(in super::super) fn edit_at(&mut self, path: &[Segment<'_>], value: Tree, insert: bool) -> Edited {
        let Some((last, parents)) = path.split_last() else { return Edited::Nowhere };
        let parent = parents.iter().try_fold(self, |tree, segment| match (tree, segment) {
            (Tree::Set(fields), Segment::Field(name)) => {
                fields.iter_mut().find(|(other, _)| other == name).map(|(_, value)| value)
            }
            (Tree::Array(elements), Segment::Index(index)) => elements.get_mut(*index),
            _ => None,
        });
        match (parent, last) {
            (Some(Tree::Array(elements)), Segment::Index(index)) if insert && *index <= elements.len() => {
                elements.insert(*index, value);
                Edited::Added
            }
            (Some(Tree::Array(elements)), Segment::Index(index)) if !insert && *index < elements.len() => {
                elements[*index] = value;
                Edited::Replaced
            }
            (Some(Tree::Set(fields)), Segment::Field(name)) if !insert => {
                match fields.iter_mut().find(|(other, _)| other == name) {
                    Some((_, old)) => {
                        *old = value;
                        Edited::Replaced
                    }
                    None => {
                        fields.push((String::from(*name), value));
                        Edited::Added
                    }
                }
            }
            _ => Edited::Nowhere,
        }
    }

    /// A set with duplicates now and then.
    pub(in super::super) fn random_set(rng: &mut Rng, depth_max: usize) -> Tree {
        let fields = if rng.percent(3) { 200 + rng.index(600) } else { rng.index(7) };
        let distinct = if rng.percent(50) { 8 } else { 900 };
        let field = |rng: &mut Rng| {
            let name = random_name(rng, distinct);
            // Large sets hold small values, or the test takes for ever.
            (name, Tree::random(rng, if fields > 10 { 0 } else { depth_max }))
        };
        Tree::Set((0..fields).map(|_| field(rng)).collect())
    }

    pub(in super::super) fn random(rng: &mut Rng, depth_max: usize) -> Tree {
        match rng.below(if depth_max == 0 { 8 } else { 11 }) {
            0 => Tree::Null,
            1 => Tree::Bool(rng.percent(50)),
            2 => Tree::Int(rng.next_u64() as i64 >> rng.below(64)),
            3 => Tree::Float(rng.unit() * 1e6 - 5e5),
            4 => Tree::Int(0),
            5 => Tree::Text(String::new()),
            6 | 7 => Tree::Text(random_text(rng)),
            8 => {
                let elements = if rng.percent(5) { 250 + rng.index(300) } else { rng.index(6) };
                Tree::Array(
                    (0..elements)
                        .map(|_| Tree::random(rng, if elements > 9 { 0 } else { depth_max - 1 }))
                        .collect(),
                )
            }
            _ => Tree::random_set(rng, depth_max - 1),
        }
    }
}

fn random_name(rng: &mut Rng, distinct: u64) -> String {
    match rng.below(40) {
        0 => String::new(),
        1 => "x".repeat(1000 + rng.index(60)),
        2 => "a".repeat(1 + rng.index(3)),
        _ => format!("f{}", rng.below(distinct)),
    }
}

fn random_text(rng: &mut Rng) -> String {
    let len = match rng.below(100) {
        0 => 20_000 + rng.index(20_000),
        1..5 => 4_000 + rng.index(300),
        _ => rng.index(24),
    };
    (0..len).map(|_| if rng.percent(2) { 'é' } else { (b'a' + rng.below(26) as u8) as char }).collect()
}

/// Builds a [`Tree`] from events.
#[derive(Default)]
pub(super) struct TreeSink {
    open: Vec<(Tree, Option<String>)>,
    done: Option<Tree>,
}

impl TreeSink {
    pub(super) fn finish(self) -> Tree {
        assert!(self.open.is_empty());
        self.done.expect("a whole value was told")
    }

    fn place(&mut self, value: Tree) {
        match self.open.last_mut() {
            None => assert!(self.done.replace(value).is_none()),
            Some((Tree::Set(fields), name)) => {
                fields.push((name.take().expect("a field comes first"), value))
            }
            Some((Tree::Array(elements), _)) => elements.push(value),
            Some(other) => panic!("{other:?} is not open"),
        }
    }
}

impl ValueSink for TreeSink {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        match event {
            Event::Null => self.place(Tree::Null),
            Event::Bool(bool) => self.place(Tree::Bool(bool)),
            Event::Int(int) => self.place(Tree::Int(int)),
            Event::Float(float) => self.place(Tree::Float(float)),
            Event::Text(text) => self.place(Tree::Text(text.to_owned())),
            Event::BeginSet => self.open.push((Tree::Set(Vec::new()), None)),
            Event::BeginArray => self.open.push((Tree::Array(Vec::new()), None)),
            Event::Field(name) => {
                let (_, pending) = self.open.last_mut().expect("a field belongs to a set");
                assert!(pending.replace(name.to_owned()).is_none());
            }
            Event::EndSet | Event::EndArray => {
                let (value, pending) = self.open.pop().expect("only what began ends");
                assert!(pending.is_none());
                assert_eq!(matches!(value, Tree::Set(_)), event == Event::EndSet);
                self.place(value);
            }
        }
        Ok(())
    }
}
