//! Building a document beside the trie, event by event.
//!
//! What is told is logged first. If it stays small, it is packed at the end; as soon as it is too large for that, what
//! was logged is told to the blocks:
//!
//! ```text
//! open sets and arrays     frame | frame | frame            each begins at a place in the stack of cells
//! their cells              ccc   | cc    | c                 at most 255 of each; full blocks leave for the arena
//! ```
//! Nothing of it is reachable from the trie before [`Builder::finish`]; dropped earlier, it takes everything back.

use super::super::Store;
use super::super::arena::{Exhausted, Ref, raw_of, set_u32};
use super::super::leaf::{FIELD, FIELD_BYTES};
use super::super::radix::{Radix, Spot};
use super::super::{names, text};
use super::log::{Log, TEXT_BYTES_MAX};
use super::pack::Packed;
use super::splice::Place;
use super::{
    BLOCK_CELLS_MAX, BLOCK_HEAD_BYTES, Block, CELL_BYTES, Cell, INDEX_OFFSET, NEXT_OFFSET, Payload,
    SHORT_BYTES_MAX, TOTAL_OFFSET, index_block, index_key, name_of,
};
use crate::limits::{BULK_BYTES_MAX, DOCUMENT_DEPTH_MAX};
use crate::value::{Event, SinkError, ValueSink};

/// Spans that the blocks and index entries of one event may fill at most: a block, 255 entries and their nodes.
const EVENT_SPANS: usize = 8;

/// What a builder works in, kept from one document to the next.
#[derive(Default)]
pub(in super::super) struct Scratch {
    frames: Vec<Frame>,
    cells: Vec<Cell>,
    /// The document as it is told.
    pub(in super::super) log: Log,
    /// A value that is to be put into a document.
    pub(in super::super) value: Log,
    /// The document that was packed last.
    pub(in super::super) packed: Packed,
    /// The value that was packed last.
    pub(in super::super) piece: Packed,
    /// A packed document in which a value is to change, where ...
    pub(in super::super) before: Vec<u8>,
    pub(in super::super) place: Place,
    /// ... and as it is then.
    pub(in super::super) changed: Vec<u8>,
}

/// A document that is ready to be stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Built {
    /// [`Scratch::packed`] has it; its names count as used.
    Packed,
    /// It stands in blocks.
    Blocks(Option<Ref>),
}

/// A set or array that is not complete yet.
struct Frame {
    is_set: bool,
    /// Where its cells begin in the stack.
    base: usize,
    /// Blocks that left for the arena, and how many cells they hold.
    first: Option<Ref>,
    last: Option<Ref>,
    flushed: usize,
    /// In which of them a field is.
    index: Radix,
    /// The field whose value is awaited.
    target: Target,
}

#[derive(Clone, Copy)]
enum Target {
    None,
    /// A new field.
    Append(Ref),
    /// A field that the set has already, in the stack of cells ...
    Open(usize),
    /// ... or in a block.
    Flushed(Ref, usize),
}

/// A document in the making.
pub(in super::super) struct Builder<'s> {
    store: &'s mut Store,
    scratch: &'s mut Scratch,
    done: Option<Option<Ref>>,
    /// Sets and arrays that may be open at once.
    depth_max: usize,
    /// It is too large to be packed.
    in_blocks: bool,
}

impl<'s> Builder<'s> {
    /// A builder of a whole document.
    pub(in super::super) fn new(store: &'s mut Store, scratch: &'s mut Scratch) -> Builder<'s> {
        scratch.log.restart(0);
        let mut builder = Builder::below(store, scratch, 0);
        builder.in_blocks = false;
        builder
    }

    /// A builder in blocks of what is to stand below `depth` sets and arrays.
    pub(in super::super) fn below(
        store: &'s mut Store,
        scratch: &'s mut Scratch,
        depth: usize,
    ) -> Builder<'s> {
        assert!(scratch.frames.is_empty() && scratch.cells.is_empty(), "one document is built at a time");
        let depth_max = DOCUMENT_DEPTH_MAX - depth;
        Builder { store, scratch, done: None, depth_max, in_blocks: true }
    }

    /// The finished document, which the caller owns now.
    ///
    /// # Panics
    /// If what was told is not one whole set.
    pub(in super::super) fn finish(mut self) -> Built {
        if !self.in_blocks {
            assert!(self.scratch.log.is_done(), "a document is told to its end");
            let Scratch { log, packed, .. } = &mut *self.scratch;
            let is_set = matches!(log.events().next(), Some(Event::BeginSet));
            assert!(is_set, "a document is one set");
            if self.store.pack_document(log, packed) {
                return Built::Packed;
            }
            self.spill().expect("a small document needs little");
        }
        Built::Blocks(self.done.take().expect("a document is told to its end"))
    }

    /// Tells what was logged to the blocks; all that follows goes there too.
    fn spill(&mut self) -> Result<(), SinkError> {
        self.in_blocks = true;
        let log = std::mem::take(&mut self.scratch.log);
        let told = log.events().try_for_each(|event| self.block_event(event));
        self.scratch.log = log;
        told
    }

    fn reserve(&mut self, spans: usize) -> Result<(), SinkError> {
        self.store.arena.reserve(EVENT_SPANS + spans).map_err(|Exhausted| SinkError::TooLarge)
    }

    fn begin(&mut self, is_set: bool) -> Result<(), SinkError> {
        assert!(self.done.is_none() && (is_set || !self.scratch.frames.is_empty()), "a document is one set");
        if self.scratch.frames.len() == self.depth_max {
            return Err(SinkError::TooDeep);
        }
        self.scratch.frames.push(Frame {
            is_set,
            base: self.scratch.cells.len(),
            first: None,
            last: None,
            flushed: 0,
            index: Radix::default(),
            target: Target::None,
        });
        Ok(())
    }

    fn field(&mut self, name: &str) -> Result<(), SinkError> {
        self.reserve(names::spans_for(name.len()))?;
        let reference = self.store.intern(name);
        let frame = self.scratch.frames.last_mut().expect("a field belongs to a set");
        assert!(
            frame.is_set && matches!(frame.target, Target::None),
            "a field belongs to a set, and has a value"
        );
        let open = &self.scratch.cells[frame.base..];
        let target = match open.iter().position(|cell| name_of(cell) == Some(reference)) {
            Some(index) => Target::Open(frame.base + index),
            None => match index_block(&self.store.arena, frame.index, reference) {
                Some(block) => {
                    let cell = Block::at(&self.store.arena, block).position(reference);
                    Target::Flushed(block, cell.expect("the index leads to the field's block"))
                }
                None => Target::Append(reference),
            },
        };
        frame.target = target;
        if !matches!(target, Target::Append(_)) {
            self.store.release(reference);
        }
        Ok(())
    }

    /// Puts a complete value where the open set or array awaits it.
    fn place(&mut self, payload: Payload<'_>) {
        let frame = self.scratch.frames.last_mut().expect("a value belongs to a set or an array");
        let target = std::mem::replace(&mut frame.target, Target::None);
        assert!(frame.is_set != matches!(target, Target::None), "a value follows its field");
        match target {
            Target::None => self.push(payload.write(None)),
            Target::Append(name) => self.push(payload.write(Some(name))),
            Target::Open(index) => {
                let old = self.scratch.cells[index];
                self.store.free_payload(Payload::read(&old));
                self.scratch.cells[index] = payload.write(name_of(&old));
            }
            Target::Flushed(block, index) => {
                let old = Block::at(&self.store.arena, block).cells()[index];
                self.store.free_payload(Payload::read(&old));
                self.store.set_cell(block, index, payload.write(name_of(&old)));
            }
        }
    }

    /// Appends a cell to the innermost set or array; a full block leaves for the arena first.
    fn push(&mut self, cell: Cell) {
        let frame = self.scratch.frames.last_mut().expect("a cell belongs to a set or an array");
        if self.scratch.cells.len() - frame.base == BLOCK_CELLS_MAX {
            self.store.flush(frame, &mut self.scratch.cells);
        }
        self.scratch.cells.push(cell);
    }

    fn end(&mut self, is_set: bool) {
        let mut frame = self.scratch.frames.pop().expect("only what began ends");
        assert!(frame.is_set == is_set && matches!(frame.target, Target::None), "a set ends after a value");
        let first = self.store.seal(&mut frame, &mut self.scratch.cells);
        if self.scratch.frames.is_empty() {
            self.done = Some(first);
        } else {
            self.place(if is_set { Payload::Set(first) } else { Payload::Array(first) });
        }
    }

    fn text(&mut self, text: &str) -> Result<(), SinkError> {
        if text.len() <= SHORT_BYTES_MAX {
            self.place(Payload::Short(text.as_bytes()));
            return Ok(());
        }
        if text.len() > BULK_BYTES_MAX {
            return Err(SinkError::TooLarge);
        }
        self.reserve(text::spans_for(text.len()))?;
        let first = text::store(&mut self.store.arena, text.as_bytes());
        self.place(Payload::Long { first, len: text.len() });
        Ok(())
    }
}

impl ValueSink for Builder<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        if self.in_blocks {
            return self.block_event(event);
        }
        if matches!(event, Event::Text(text) | Event::Field(text) if text.len() > TEXT_BYTES_MAX) {
            self.spill()?;
            return self.block_event(event);
        }
        self.scratch.log.event(event)?;
        if self.scratch.log.is_large() { self.spill() } else { Ok(()) }
    }
}

impl Builder<'_> {
    fn block_event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        self.reserve(0)?;
        match event {
            Event::Null => self.place(Payload::Null),
            Event::Bool(bool) => self.place(Payload::Bool(bool)),
            Event::Int(int) => self.place(Payload::Int(int)),
            Event::Float(float) => self.place(Payload::Float(float)),
            Event::Text(text) => return self.text(text),
            Event::Field(name) => return self.field(name),
            Event::BeginSet => return self.begin(true),
            Event::BeginArray => return self.begin(false),
            Event::EndSet => self.end(true),
            Event::EndArray => self.end(false),
        }
        Ok(())
    }
}

impl Drop for Builder<'_> {
    fn drop(&mut self) {
        if let Some(root) = self.done.take() {
            self.store.free_payload(Payload::Set(root));
        }
        // From the innermost on: what is inside of a set that has not ended is no cell of it yet.
        while let Some(mut frame) = self.scratch.frames.pop() {
            if let Target::Append(name) = frame.target {
                self.store.release(name);
            }
            let first = self.store.seal(&mut frame, &mut self.scratch.cells);
            self.store.free_payload(if frame.is_set { Payload::Set(first) } else { Payload::Array(first) });
        }
    }
}

impl Store {
    /// Packs what was logged, or builds it in blocks if it is too large for that.
    pub(in super::super) fn pack(&mut self, scratch: &mut Scratch) -> Result<Built, SinkError> {
        let mut builder = Builder::below(self, scratch, 0);
        builder.in_blocks = false;
        if builder.scratch.log.is_large() {
            builder.spill()?;
        }
        Ok(builder.finish())
    }

    /// Frees a document that is not stored after all.
    pub(in super::super) fn free_built(&mut self, scratch: &Scratch, built: Built) {
        match built {
            Built::Packed => self.unpack(&scratch.packed),
            Built::Blocks(root) => self.free_payload(Payload::Set(root)),
        }
    }

    /// Moves all cells of the frame from the stack to a block of the arena.
    fn flush(&mut self, frame: &mut Frame, cells: &mut Vec<Cell>) {
        let count = cells.len() - frame.base;
        let block = self.arena.alloc(BLOCK_HEAD_BYTES + count * CELL_BYTES);
        let bytes = self.arena.tail_mut(block);
        bytes[..BLOCK_HEAD_BYTES].fill(0);
        bytes[..2].copy_from_slice(&(count as u16).to_le_bytes());
        bytes[BLOCK_HEAD_BYTES..BLOCK_HEAD_BYTES + count * CELL_BYTES]
            .copy_from_slice(cells[frame.base..].as_flattened());
        // A set that fits one block is searched without an index.
        let is_indexed = frame.is_set && (frame.flushed > 0 || count == BLOCK_CELLS_MAX);
        if is_indexed {
            let names = cells[frame.base..].iter().filter_map(name_of);
            names.for_each(|name| self.index_field(&mut frame.index, name, block));
        }
        match frame.last.replace(block) {
            None => frame.first = Some(block),
            Some(last) => set_u32(self.arena.tail_mut(last), NEXT_OFFSET, block.raw()),
        }
        frame.flushed += count;
        cells.truncate(frame.base);
    }

    /// Completes the frame's set or array; returns its first block.
    fn seal(&mut self, frame: &mut Frame, cells: &mut Vec<Cell>) -> Option<Ref> {
        if cells.len() > frame.base {
            self.flush(frame, cells);
        }
        let head = self.arena.tail_mut(frame.first?);
        set_u32(head, TOTAL_OFFSET, frame.flushed as u32);
        set_u32(head, INDEX_OFFSET, raw_of(frame.index.root()));
        frame.first
    }

    pub(super) fn index_field(&mut self, index: &mut Radix, name: Ref, block: Ref) {
        let key = index_key(name);
        let Spot::Missing(gap) = index.locate(&self.arena, &key) else {
            panic!("a set has a field twice");
        };
        let leaf = self.arena.alloc(FIELD_BYTES);
        let bytes = self.arena.tail_mut(leaf);
        set_u32(bytes, 0, u32::from(FIELD));
        bytes[4..8].copy_from_slice(&key);
        set_u32(bytes, FIELD_BYTES - 4, block.raw());
        index.attach(&mut self.arena, gap, &key, leaf);
    }
}
