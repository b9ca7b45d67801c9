//! A value as a tree, built and searched by recursion: the slow twin of the readers, printers and searchers.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::value::{Event, Segment, SinkError, ValueSink};

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Set(Vec<(String, Tree)>),
    Array(Vec<Tree>),
}

impl Tree {
    pub(super) fn emit(&self, sink: &mut dyn ValueSink) {
        let mut tell = |event: Event<'_>| sink.event(event).unwrap();
        match self {
            Tree::Null => tell(Event::Null),
            Tree::Bool(value) => tell(Event::Bool(*value)),
            Tree::Int(value) => tell(Event::Int(*value)),
            Tree::Float(value) => tell(Event::Float(*value)),
            Tree::Text(text) => tell(Event::Text(text)),
            Tree::Set(fields) => {
                tell(Event::BeginSet);
                for (name, value) in fields {
                    sink.event(Event::Field(name)).unwrap();
                    value.emit(sink);
                }
                sink.event(Event::EndSet).unwrap();
            }
            Tree::Array(elements) => {
                tell(Event::BeginArray);
                elements.iter().for_each(|element| element.emit(sink));
                sink.event(Event::EndArray).unwrap();
            }
        }
    }

    pub(super) fn find(&self, path: &[Segment<'_>]) -> Option<&Tree> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        match (self, first) {
            (Tree::Set(fields), Segment::Field(name)) => {
                fields.iter().find(|(field, _)| field == name)?.1.find(rest)
            }
            (Tree::Array(elements), Segment::Index(index)) => elements.get(*index)?.find(rest),
            _ => None,
        }
    }

    /// Takes the part at `path` out; whether it was there.
    pub(super) fn remove(&mut self, path: &[Segment<'_>]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        let place = match (&*self, first) {
            (Tree::Set(fields), Segment::Field(name)) => fields.iter().position(|(field, _)| field == name),
            (Tree::Array(elements), Segment::Index(index)) => Some(*index).filter(|&at| at < elements.len()),
            _ => None,
        };
        let Some(place) = place else { return false };
        match self {
            Tree::Set(fields) if rest.is_empty() => drop(fields.remove(place)),
            Tree::Array(elements) if rest.is_empty() => drop(elements.remove(place)),
            Tree::Set(fields) => return fields[place].1.remove(rest),
            Tree::Array(elements) => return elements[place].remove(rest),
            _ => unreachable!(),
        }
        true
    }

    /// Writes it in set notation as an untidy user would: `choose(n)` draws below n.
    pub(super) fn scribble(&self, choose: &mut dyn FnMut(usize) -> usize, out: &mut String) {
        const BLANKS: [&str; 6] = ["", "", "", " ", "\t", "\r\n "];
        let separator = |choose: &mut dyn FnMut(usize) -> usize| [";", ",", " ; ", "\n,"][choose(4)];
        out.push_str(BLANKS[choose(6)]);
        match self {
            Tree::Null => out.push_str("null"),
            Tree::Bool(value) => out.push_str(&value.to_string()),
            Tree::Int(value) if *value >= 0 && choose(4) == 0 => out.push_str(&format!("+{value}")),
            Tree::Int(value) => out.push_str(&value.to_string()),
            Tree::Float(value) if choose(2) == 0 => out.push_str(&format!("{value:E}")),
            Tree::Float(value) => out.push_str(&format!("{value:?}")),
            Tree::Text(text) => scribble_text(text, true, choose, out),
            Tree::Set(fields) => {
                out.push('{');
                for (place, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if place > 0 { separator(choose) } else { "" });
                    out.push_str(BLANKS[choose(6)]);
                    scribble_text(name, false, choose, out);
                    out.push_str(BLANKS[choose(6)]);
                    out.push(':');
                    value.scribble(choose, out);
                }
                out.push_str(if !fields.is_empty() && choose(3) == 0 { separator(choose) } else { "" });
                out.push_str(BLANKS[choose(6)]);
                out.push('}');
            }
            Tree::Array(elements) => {
                out.push('[');
                for (place, element) in elements.iter().enumerate() {
                    out.push_str(if place > 0 { separator(choose) } else { "" });
                    element.scribble(choose, out);
                }
                out.push_str(if !elements.is_empty() && choose(3) == 0 { separator(choose) } else { "" });
                out.push(']');
            }
        }
        out.push_str(BLANKS[choose(6)]);
    }
}

fn scribble_text(text: &str, value: bool, choose: &mut dyn FnMut(usize) -> usize, out: &mut String) {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let bare = text.starts_with(letter) && text.chars().all(|c| letter(c) || c.is_ascii_digit() || c == '-');
    let literal = value && ["true", "false", "null"].contains(&text);
    if bare && !literal && choose(2) == 0 {
        return out.push_str(text);
    }
    out.push('"');
    for character in text.chars() {
        let must = character < ' ' || character == '"' || character == '\\';
        if must || choose(8) == 0 {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let digits = if choose(2) == 0 { format!("{unit:04x}") } else { format!("{unit:04X}") };
                out.push_str(&format!("\\u{digits}"));
            }
        } else {
            out.push(character);
        }
    }
    out.push('"');
}

/// A sink that builds the tree.
#[derive(Default)]
pub(super) struct Builder {
    /// The open sets and arrays, with the name that waits for its value.
    open: Vec<(Tree, String)>,
    pub(super) done: Option<Tree>,
}

impl ValueSink for Builder {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        assert!(self.done.is_none(), "{event:?} behind the value");
        let opened = match event {
            Event::BeginSet => Some(Tree::Set(Vec::new())),
            Event::BeginArray => Some(Tree::Array(Vec::new())),
            Event::Field(name) => {
                self.open.last_mut().unwrap().1 = name.to_string();
                return Ok(());
            }
            _ => None,
        };
        if let Some(tree) = opened {
            self.open.push((tree, String::new()));
            return Ok(());
        }
        let value = match event {
            Event::BeginSet | Event::BeginArray | Event::Field(_) => unreachable!(),
            Event::EndSet | Event::EndArray => {
                let (tree, _) = self.open.pop().unwrap();
                assert_eq!(matches!(tree, Tree::Set(_)), event == Event::EndSet);
                tree
            }
            Event::Null => Tree::Null,
            Event::Bool(value) => Tree::Bool(value),
            Event::Int(value) => Tree::Int(value),
            Event::Float(value) => Tree::Float(value),
            Event::Text(text) => Tree::Text(text.to_string()),
        };
        match self.open.last_mut() {
            None => self.done = Some(value),
            Some((Tree::Set(fields), name)) => fields.push((std::mem::take(name), value)),
            Some((Tree::Array(elements), _)) => elements.push(value),
            Some(_) => unreachable!(),
        }
        Ok(())
    }
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{0,3}",
        2 => "[A-Za-z_][A-Za-z0-9_-]{0,8}",
        2 => "\\PC{0,6}",
        1 => "[\\x00-\\x1f\"\\\\/;:,{}\\[\\]é😀]{0,5}",
        1 => prop::sample::select(vec!["true", "null", "a\"b", "\\", "\u{10FFFF}", "\u{7f}"]).prop_map(String::from),
    ]
}

pub(super) fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |float| float.is_finite()),
        prop::sample::select(vec![0.0, -0.0, 1.0, -1.5e-7, 1e300, 5e-324, f64::MAX, 1e15, 1e16, 1e17, 0.1]),
    ]
}

pub(super) fn ints() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -1000..1000i64, prop::sample::select(vec![i64::MIN, i64::MAX, 0])]
}

pub(super) fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Bool),
        ints().prop_map(Tree::Int),
        floats().prop_map(Tree::Float),
        names().prop_map(Tree::Text),
        "\\PC{0,40}".prop_map(Tree::Text),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            2 => vec((names(), inner.clone()), 0..6).prop_map(|mut fields| {
                let mut seen = std::collections::BTreeSet::new();
                fields.retain(|(name, _)| seen.insert(name.clone()));
                Tree::Set(fields)
            }),
            1 => vec(inner, 0..6).prop_map(Tree::Array),
        ]
    })
}

/// Every path into the tree, and some beside it.
pub(super) fn paths(tree: &Tree) -> Vec<Vec<Segment<'_>>> {
    let inner: Vec<(Segment<'_>, &Tree)> = match tree {
        Tree::Set(fields) => fields.iter().map(|(name, value)| (Segment::Field(name), value)).collect(),
        Tree::Array(elements) => {
            elements.iter().enumerate().map(|(index, value)| (Segment::Index(index), value)).collect()
        }
        _ => Vec::new(),
    };
    let beside = [Segment::Field("a"), Segment::Field("zz"), Segment::Index(0), Segment::Index(inner.len())];
    let mut all = vec![vec![]];
    all.extend(beside.map(|segment| vec![segment]));
    for (segment, value) in inner {
        all.extend(paths(value).into_iter().map(|path| [vec![segment], path].concat()));
    }
    all
}
