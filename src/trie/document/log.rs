//! A value as it was told, until it is known how large it is.

use super::super::record::PACKED_INSIDE_MAX;
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::value::{Event, SinkError, ValueSink};

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

    fn begin(&mut self, is_set: bool) -> Result<Step, SinkError> {
        if self.open.len() == self.depth_max {
            return Err(SinkError::TooDeep);
        }
        self.begin_value();
        self.open.push(Open { is_set, is_named: false });
        Ok(if is_set { Step::BeginSet } else { Step::BeginArray })
    }

    fn field(&mut self, name: &str) -> Step {
        let open = self.open.last_mut().expect("a field belongs to a set");
        assert!(open.is_set && !open.is_named, "a field belongs to a set, and has a value");
        open.is_named = true;
        let (start, end) = self.keep(name);
        Step::Field(start, end)
    }

    fn end(&mut self, is_set: bool) -> Step {
        let open = self.open.pop().expect("only what began ends");
        assert!(open.is_set == is_set && !open.is_named, "a set ends after a value");
        if is_set { Step::EndSet } else { Step::EndArray }
    }
}

impl ValueSink for Log {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        self.size += match event {
            Event::Text(text) => 1 + text.len(),
            Event::Float(_) => 5,
            _ => 1,
        };
        let step = match event {
            Event::Field(name) => {
                let step = self.field(name);
                self.steps.push(step);
                return Ok(());
            }
            Event::BeginSet => self.begin(true)?,
            Event::BeginArray => self.begin(false)?,
            Event::EndSet => self.end(true),
            Event::EndArray => self.end(false),
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
        self.is_done = self.open.is_empty();
        Ok(())
    }
}
