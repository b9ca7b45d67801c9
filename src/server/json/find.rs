//! From a path to the places it leads to.
//!
//! Steps that name one child each are followed directly. From the first other step on (`*`, `..`, a slice) what is
//! below is walked once, and at each value the set of steps that may be done there is known from that of its parent.

use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::proto::jsonpath::{Child, Choice, JsonPath, Progress};
use crate::proto::path::{Path, Segment};
use crate::trie::{Value, ValueKind};
use crate::value::{Event, SinkError, ValueSink};

/// The places that `path` leads to, in the order of the document.
pub(super) fn places(document: Value<'_>, path: &JsonPath) -> Vec<Path> {
    let (mut base, mut at, mut done) = (Path::new(), document, 0);
    while let Some(choice) = path.only_choice(done) {
        let Some(segment) = segment(choice, at) else { return Vec::new() };
        let Some(child) = at.at(&[segment]) else { return Vec::new() };
        if !base.push(segment) {
            return Vec::new();
        }
        (at, done) = (child, done + 1);
    }
    if done == path.len() {
        return vec![base];
    }
    let mut walk = Walk {
        path,
        base,
        root: at,
        open: Vec::new(),
        names: String::new(),
        next: path.progress(done),
        places: Vec::new(),
    };
    at.emit(&mut walk).expect("a walk takes every event");
    walk.places
}

fn segment<'p>(choice: &'p Choice, at: Value<'_>) -> Option<Segment<'p>> {
    match choice {
        Choice::Field(name) => Some(Segment::Field(name)),
        Choice::Index(index) => {
            let len = if at.kind() == ValueKind::Array { at.len() as i64 } else { 0 };
            let index = if *index < 0 { index + len } else { *index };
            usize::try_from(index).ok().map(Segment::Index)
        }
        _ => None,
    }
}

/// A set or array that is being walked.
struct Open {
    at: Progress,
    /// Where its present child's name begins in the walk's names; of an array the present index.
    child: usize,
    /// Elements of an array; `None` for a set.
    len: Option<i64>,
}

struct Walk<'t, 'p> {
    path: &'p JsonPath,
    /// The way to `root`.
    base: Path,
    root: Value<'t>,
    open: Vec<Open>,
    /// Names of the present fields of all open sets.
    names: String,
    /// What is done at the value that comes next, if it is a field's or the outermost.
    next: Progress,
    places: Vec<Path>,
}

impl ValueSink for Walk<'_, '_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        match event {
            Event::Field(name) => self.field(name),
            Event::EndSet | Event::EndArray => self.close(),
            Event::BeginSet => {
                let at = self.value();
                self.open.push(Open { at, child: self.names.len(), len: None });
            }
            Event::BeginArray => {
                let at = self.value();
                // Its length is looked up only where a step may ask for it.
                let len = if at.is_dead() { 0 } else { self.len_of_present() };
                self.open.push(Open { at, child: 0, len: Some(len) });
            }
            _ => {
                self.value();
            }
        }
        Ok(())
    }
}

impl Walk<'_, '_> {
    fn field(&mut self, name: &str) {
        let open = self.open.last().expect("a field is in a set");
        self.names.truncate(open.child);
        self.names.push_str(name);
        self.next = self.path.step(open.at, Child::Field(name));
    }

    /// A value begins: notes its place if the path leads here; what is done at it.
    fn value(&mut self) -> Progress {
        if let Some(open) = self.open.last_mut()
            && let Some(len) = open.len
        {
            let child = Child::Element { index: open.child as i64, len };
            open.child += 1;
            self.next = self.path.step(open.at, child);
        }
        if self.path.is_done(self.next) {
            let place = self.present();
            self.places.push(place);
        }
        self.next
    }

    fn close(&mut self) {
        let closed = self.open.pop().expect("what ends has begun");
        if closed.len.is_none() {
            self.names.truncate(closed.child);
        }
    }

    /// The way to the present value.
    fn present(&self) -> Path {
        let mut path = self.base.clone();
        for (depth, open) in self.open.iter().enumerate() {
            let pushed = match open.len {
                Some(_) => path.push(Segment::Index(open.child - 1)),
                None => {
                    // The name ends where the names of the next open set begin.
                    let next = self.open[depth + 1..].iter().find(|open| open.len.is_none());
                    let end = next.map_or(self.names.len(), |open| open.child);
                    path.push(Segment::Field(&self.names[open.child..end]))
                }
            };
            assert!(pushed, "a document is at most {DOCUMENT_DEPTH_MAX} deep");
        }
        path
    }

    fn len_of_present(&self) -> i64 {
        let path = self.present();
        let below = path.segments();
        let below = &below[self.base.len()..];
        self.root.at(below).map_or(0, |array| array.len() as i64)
    }
}
