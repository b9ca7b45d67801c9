//! A value as it was told, until it is known how large it is; and the changes that are made to small documents.

use super::super::record::PACKED_INSIDE_MAX;
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::value::{Event, Segment, SinkError, ValueSink};

/// Beyond this size no value can be packed. The estimate counts names by one byte, as they are mostly stored.
const SIZE_MAX: usize = PACKED_INSIDE_MAX;
/// A single text longer than this makes its document a large one at once.
pub(super) const TEXT_BYTES_MAX: usize = PACKED_INSIDE_MAX - 8;

/// What was told of one value.
#[derive(Debug)]
pub(in super::super) struct Log {
    steps: Vec<Step>,
    /// All texts and names, one behind the other.
    texts: String,
    open: Vec<Open>,
    /// Least bytes that it takes packed.
    size: usize,
    depth_max: usize,
    is_done: bool,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(u32, u32),
    Field(u32, u32),
    BeginSet,
    EndSet,
    BeginArray,
    EndArray,
}

/// A set or an array that has not ended.
#[derive(Clone, Copy, Debug)]
struct Open {
    is_set: bool,
    /// A field was named whose value comes next.
    is_named: bool,
}

impl Default for Log {
    fn default() -> Log {
        Log {
            steps: Vec::new(),
            texts: String::new(),
            open: Vec::new(),
            size: 0,
            depth_max: DOCUMENT_DEPTH_MAX,
            is_done: false,
        }
    }
}

impl Log {
    /// Begins anew; the value will stand below `depth` sets and arrays.
    pub(in super::super) fn restart(&mut self, depth: usize) {
        self.steps.clear();
        self.texts.clear();
        self.open.clear();
        (self.size, self.is_done, self.depth_max) = (0, false, DOCUMENT_DEPTH_MAX - depth);
        // One large document must not keep its memory for ever.
        self.texts.shrink_to(4 * SIZE_MAX);
        self.steps.shrink_to(4 * SIZE_MAX);
    }

    /// Whether the value was told to its end.
    pub(in super::super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Whether it is too large to be packed.
    pub(in super::super) fn is_large(&self) -> bool {
        self.size > SIZE_MAX
    }

    /// What was told.
    pub(in super::super) fn events(&self) -> impl Iterator<Item = Event<'_>> {
        let text = |start: u32, end: u32| &self.texts[start as usize..end as usize];
        self.steps.iter().map(move |step| match *step {
            Step::Null => Event::Null,
            Step::Bool(bool) => Event::Bool(bool),
            Step::Int(int) => Event::Int(int),
            Step::Float(float) => Event::Float(float),
            Step::Text(start, end) => Event::Text(text(start, end)),
            Step::Field(start, end) => Event::Field(text(start, end)),
            Step::BeginSet => Event::BeginSet,
            Step::EndSet => Event::EndSet,
            Step::BeginArray => Event::BeginArray,
            Step::EndArray => Event::EndArray,
        })
    }

    fn keep(&mut self, text: &str) -> (u32, u32) {
        let start = self.texts.len() as u32;
        self.texts.push_str(text);
        (start, self.texts.len() as u32)
    }

    /// A value begins, or is all there: it must be its turn.
    fn begin_value(&mut self) {
        assert!(!self.is_done, "one value is told, and only one");
        if let Some(open) = self.open.last_mut() {
            assert!(open.is_set == open.is_named, "a value follows its field");
            open.is_named = false;
        }
    }

    fn end(&mut self, is_set: bool) {
        let open = self.open.pop().expect("only what began ends");
        assert!(open.is_set == is_set && !open.is_named, "a set ends after a value");
    }
}

impl ValueSink for Log {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        self.size += match event {
            Event::Text(text) => 1 + text.len(),
            Event::Float(_) => 5,
            Event::EndSet | Event::EndArray => 1,
            _ => 1,
        };
        let step = match event {
            Event::Field(name) => {
                let open = self.open.last_mut().expect("a field belongs to a set");
                assert!(open.is_set && !open.is_named, "a field belongs to a set, and has a value");
                open.is_named = true;
                let (start, end) = self.keep(name);
                Step::Field(start, end)
            }
            Event::EndSet | Event::EndArray => {
                let is_set = event == Event::EndSet;
                self.end(is_set);
                if is_set { Step::EndSet } else { Step::EndArray }
            }
            Event::BeginSet | Event::BeginArray => {
                if self.open.len() == self.depth_max {
                    return Err(SinkError::TooDeep);
                }
                self.begin_value();
                let is_set = event == Event::BeginSet;
                self.open.push(Open { is_set, is_named: false });
                if is_set { Step::BeginSet } else { Step::BeginArray }
            }
            scalar => {
                self.begin_value();
                match scalar {
                    Event::Bool(bool) => Step::Bool(bool),
                    Event::Int(int) => Step::Int(int),
                    Event::Float(float) => Step::Float(float),
                    Event::Text(text) => {
                        let (start, end) = self.keep(text);
                        Step::Text(start, end)
                    }
                    _ => Step::Null,
                }
            }
        };
        self.steps.push(step);
        let is_field = matches!(event, Event::Field(_));
        self.is_done = self.open.is_empty() && !is_field;
        Ok(())
    }
}

/// What happens at a path.
#[derive(Clone, Copy)]
pub(in super::super) enum Change<'a> {
    /// The field or element goes.
    Remove,
    /// This value takes its place, or comes as a new field.
    Put(&'a Log),
    /// This value comes before it, or behind the last.
    Insert(&'a Log),
}

/// Tells what it is told to a log, with one change at a path.
pub(in super::super) struct Changing<'a> {
    out: &'a mut Log,
    path: &'a [Segment<'a>],
    change: Change<'a>,
    open: Vec<Parent>,
    /// A field on the last stretch of the path, whose value decides whether it stays.
    held: Option<String>,
    /// Open sets and arrays of a value that is left out.
    skipping: usize,
    pub(in super::super) is_changed: bool,
}

/// A set or array around the next event.
struct Parent {
    is_set: bool,
    /// Elements so far.
    index: usize,
    /// How many segments of the path lead to it; `None` if it is not on the path.
    matched: Option<usize>,
    /// Whether the field that was named last is the path's.
    is_next: bool,
}

impl<'a> Changing<'a> {
    pub(in super::super) fn new(
        out: &'a mut Log,
        path: &'a [Segment<'a>],
        change: Change<'a>,
    ) -> Changing<'a> {
        Changing { out, path, change, open: Vec::new(), held: None, skipping: 0, is_changed: false }
    }

    fn tell(&mut self, log: &Log) -> Result<(), SinkError> {
        log.events().try_for_each(|event| self.out.event(event))
    }

    /// How many segments lead to the value that begins, and whether it is the one to change.
    fn arrive(&mut self) -> (Option<usize>, bool) {
        let Some(parent) = self.open.last_mut() else { return (Some(0), false) };
        let is_next = match parent.matched.map(|matched| self.path[matched]) {
            Some(Segment::Field(_)) => parent.is_set && parent.is_next,
            Some(Segment::Index(index)) => !parent.is_set && parent.index == index,
            None => false,
        };
        parent.index += 1;
        parent.is_next = false;
        let matched = parent.matched.filter(|_| is_next).map(|matched| matched + 1);
        (matched.filter(|&matched| matched < self.path.len()), matched == Some(self.path.len()))
    }

    /// The set or array on the path's end is complete: what comes behind its last.
    fn append(&mut self) -> Result<(), SinkError> {
        let Some(parent) = self.open.last() else { return Ok(()) };
        let is_last = parent.matched.is_some_and(|matched| matched + 1 == self.path.len());
        if !is_last || self.is_changed {
            return Ok(());
        }
        match (self.change, self.path[self.path.len() - 1]) {
            (Change::Put(value), Segment::Field(name)) if parent.is_set => {
                self.is_changed = true;
                self.out.event(Event::Field(name))?;
                self.tell(value)
            }
            (Change::Insert(value), Segment::Index(index)) if !parent.is_set && index == parent.index => {
                self.is_changed = true;
                self.tell(value)
            }
            _ => Ok(()),
        }
    }
}

impl ValueSink for Changing<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        let begins = matches!(event, Event::BeginSet | Event::BeginArray);
        let ends = matches!(event, Event::EndSet | Event::EndArray);
        if self.skipping > 0 {
            self.skipping = self.skipping + usize::from(begins) - usize::from(ends);
            return Ok(());
        }
        if ends {
            self.append()?;
            self.open.pop();
            return self.out.event(event);
        }
        if let Event::Field(name) = event {
            let parent = self.open.last_mut().expect("a field belongs to a set");
            let wanted = parent.matched.map(|matched| self.path[matched]);
            parent.is_next = wanted == Some(Segment::Field(name));
            self.held = Some(String::from(name));
            return Ok(());
        }
        let (matched, is_target) = self.arrive();
        let held = self.held.take();
        if is_target && !(matches!(self.change, Change::Insert(_)) && held.is_some()) {
            self.is_changed = true;
            match self.change {
                Change::Remove => {
                    self.skipping = usize::from(begins);
                    return Ok(());
                }
                Change::Put(value) => {
                    if let Some(name) = &held {
                        self.out.event(Event::Field(name))?;
                    }
                    self.skipping = usize::from(begins);
                    return self.tell(value);
                }
                Change::Insert(value) => self.tell(value)?,
            }
        }
        if let Some(name) = &held {
            self.out.event(Event::Field(name))?;
        }
        if begins {
            let is_set = event == Event::BeginSet;
            self.open.push(Parent { is_set, index: 0, matched, is_next: false });
        }
        self.out.event(event)
    }
}
