//! Reading all of a value: told event by event to a sink, or child by child to whoever asks.

use arrayvec::ArrayVec;

use super::super::Store;
use super::super::arena::Ref;
use super::super::text::Bytes;
use super::packed::{Name, Parts, name_at, value_at};
use super::{Block, Cell, Payload, Value, name_of, utf8};
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::value::{Event, SinkError, ValueSink};

/// A field of a set, or an element of an array.
#[derive(Clone, Copy)]
pub struct Child<'t> {
    /// The name of a field; an element has none.
    pub name: Option<FieldName<'t>>,
    /// What it is.
    pub value: Value<'t>,
}

/// A field's name, which is looked up when it is asked for.
#[derive(Clone, Copy)]
pub struct FieldName<'t> {
    store: &'t Store,
    name: OpenName<'t>,
}

impl<'t> FieldName<'t> {
    /// Its bytes, which are UTF-8.
    #[inline]
    pub fn bytes(&self) -> Bytes<'t> {
        match self.name {
            OpenName::Leaf(name) => self.store.name(name),
            OpenName::Packed(name) => Bytes::whole(self.store.name_bytes(name)),
        }
    }
}

/// The children of a set or an array, in the order in which they were first set; see [`Value::children`].
#[derive(Clone)]
pub struct Children<'t> {
    store: &'t Store,
    rest: Open<'t>,
}

impl<'t> Iterator for Children<'t> {
    type Item = Child<'t>;

    #[inline(always)]
    fn next(&mut self) -> Option<Child<'t>> {
        let (name, payload) = self.rest.next(self.store)?;
        let name = name.map(|name| FieldName { store: self.store, name });
        Some(Child { name, value: Value::new(self.store, payload) })
    }
}

/// A set or array of which a part was read.
#[derive(Clone)]
enum Open<'t> {
    Blocks { cells: &'t [Cell], next: Option<Ref> },
    Packed(Parts<'t>),
}

/// A field's name in either form.
#[derive(Clone, Copy)]
enum OpenName<'t> {
    Leaf(Ref),
    Packed(Name<'t>),
}

impl<'t> Open<'t> {
    #[inline(always)]
    fn next(&mut self, store: &'t Store) -> Option<(Option<OpenName<'t>>, Payload<'t>)> {
        match self {
            Open::Packed(parts) => {
                let (name, payload) = parts.next()?;
                Some((name.map(OpenName::Packed), payload))
            }
            Open::Blocks { cells, next } => loop {
                if let Some((cell, rest)) = cells.split_first() {
                    *cells = rest;
                    return Some((name_of(cell).map(OpenName::Leaf), Payload::read(cell)));
                }
                let block = Block::at(&store.arena, (*next)?);
                (*cells, *next) = (block.cells(), block.next());
            },
        }
    }
}

impl<'t> Value<'t> {
    /// The fields of a set or the elements of an array, each read when it is asked for; of anything else there are none.
    #[inline]
    pub fn children(&self) -> Children<'t> {
        let rest = match self.payload.parts() {
            Some(parts) => Open::Packed(parts),
            None => Open::Blocks { cells: &[], next: self.payload.blocks() },
        };
        Children { store: self.store, rest }
    }

    /// Tells it to `sink`, fields in the order in which they were first set.
    ///
    /// # Errors
    /// What the sink answers, as soon as it does.
    pub fn emit<S: ValueSink + ?Sized>(&self, sink: &mut S) -> Result<(), SinkError> {
        match self.payload {
            Payload::PackedSet(bytes) => self.store.emit_packed(bytes, true, sink),
            Payload::PackedArray(bytes) => self.store.emit_packed(bytes, false, sink),
            payload => self.store.emit_blocks(payload, sink),
        }
    }
}

impl Store {
    /// Tells a value in blocks, or one that is neither a set nor an array.
    fn emit_blocks<S: ValueSink + ?Sized>(
        &self,
        payload: Payload<'_>,
        sink: &mut S,
    ) -> Result<(), SinkError> {
        let mut open: ArrayVec<(Open<'_>, bool), DOCUMENT_DEPTH_MAX> = ArrayVec::new();
        open.extend(self.tell(payload, sink)?);
        while let Some((top, is_set)) = open.last_mut() {
            let Some((name, payload)) = top.next(self) else {
                sink.event(if *is_set { Event::EndSet } else { Event::EndArray })?;
                open.pop();
                continue;
            };
            if let Some(OpenName::Leaf(name)) = name {
                with_str(self.name(name), |name| sink.event(Event::Field(name)))?;
            }
            open.extend(self.tell(payload, sink)?);
        }
        Ok(())
    }

    /// Tells one payload; what it returns is to be walked next, and whether that is a set.
    #[inline]
    fn tell<'t, S: ValueSink + ?Sized>(
        &'t self,
        payload: Payload<'t>,
        sink: &mut S,
    ) -> Result<Option<(Open<'t>, bool)>, SinkError> {
        let (Payload::Set(next) | Payload::Array(next)) = payload else {
            self.tell_scalar(payload, sink)?;
            return Ok(None);
        };
        let is_set = matches!(payload, Payload::Set(_));
        sink.event(if is_set { Event::BeginSet } else { Event::BeginArray })?;
        Ok(Some((Open::Blocks { cells: &[], next }, is_set)))
    }

    #[inline(always)]
    fn tell_scalar<S: ValueSink + ?Sized>(
        &self,
        payload: Payload<'_>,
        sink: &mut S,
    ) -> Result<(), SinkError> {
        sink.event(match payload {
            Payload::Null => Event::Null,
            Payload::Bool(bool) => Event::Bool(bool),
            Payload::Int(int) => Event::Int(int),
            Payload::Float(float) => Event::Float(float),
            Payload::Short(bytes) => Event::Text(utf8(bytes)),
            Payload::Long { first, len } => {
                let text = Bytes::stored(&self.arena, first, len);
                return with_str(text, |text| sink.event(Event::Text(text)));
            }
            Payload::Set(_) | Payload::Array(_) | Payload::PackedSet(_) | Payload::PackedArray(_) => {
                unreachable!("a set or an array is told part by part")
            }
        })
    }

    /// Tells a packed set or array with this content.
    fn emit_packed<S: ValueSink + ?Sized>(
        &self,
        bytes: &[u8],
        mut is_set: bool,
        sink: &mut S,
    ) -> Result<(), SinkError> {
        // What is around the set or array that is being told: what of it is left, and whether it is a set.
        let mut around: ArrayVec<(&[u8], bool), DOCUMENT_DEPTH_MAX> = ArrayVec::new();
        let mut rest = bytes;
        sink.event(if is_set { Event::BeginSet } else { Event::BeginArray })?;
        loop {
            if rest.is_empty() {
                sink.event(if is_set { Event::EndSet } else { Event::EndArray })?;
                let Some(outer) = around.pop() else { return Ok(()) };
                (rest, is_set) = outer;
                continue;
            }
            if is_set {
                let (name, value) = name_at(rest);
                sink.event(Event::Field(self.name_str(name)))?;
                rest = value;
            }
            let (payload, behind) = value_at(rest);
            rest = behind;
            if let Some(parts) = payload.parts() {
                sink.event(if parts.is_set() { Event::BeginSet } else { Event::BeginArray })?;
                around.push((rest, is_set));
                (rest, is_set) = (parts.bytes(), parts.is_set());
            } else {
                self.tell_scalar(payload, sink)?;
            }
        }
    }
}

/// Calls `use_it` with a text in one piece; one that is stored in several is copied together first.
fn with_str<T>(text: Bytes<'_>, use_it: impl FnOnce(&str) -> T) -> T {
    match text.as_slice() {
        Some(bytes) => use_it(utf8(bytes)),
        None => use_it(utf8(&text.to_vec())),
    }
}
