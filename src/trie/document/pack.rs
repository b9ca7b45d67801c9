//! Packing: a document, or a value that is to come into one, as it was told, into the bytes of packed.rs.

use arrayvec::ArrayVec;

use super::super::Store;
use super::super::names::Wanted;
use super::super::record::PACKED_INSIDE_MAX;
use super::Payload;
use super::log::Log;
use super::packed::{
    ARRAY, FALSE, FLOAT, FLOAT_SHORT, INT, LITERAL, NULL, Parts, SET, SHORT_IDS, TEXT, TRUE, each_id,
    value_at,
};
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::value::Event;

/// What was packed.
#[derive(Default)]
pub(in super::super) struct Packed {
    pub(in super::super) bytes: Vec<u8>,
    /// The names in it that have ids. Each counts as used.
    ids: Vec<u16>,
}

impl Store {
    /// Packs what was logged, which must be one whole set, and interns its names. Says whether it fits; if not, nothing
    /// was interned.
    pub(super) fn pack_document(&mut self, log: &Log, packed: &mut Packed) -> bool {
        self.pack_with(log, packed, |_| {})
    }

    /// Packs a value that was logged, and before it `name` if it comes as a new field. As [`Store::pack_document`].
    pub(in super::super) fn pack_value(
        &mut self,
        log: &Log,
        name: Option<&str>,
        packed: &mut Packed,
    ) -> bool {
        self.pack_with(log, packed, |packing| {
            // What it comes into is open.
            packing.open.push(Open { start: 0, value: 0, before: None });
            if let Some(name) = name {
                packing.name(&Wanted::new(name));
            }
        })
    }

    fn pack_with(
        &mut self,
        log: &Log,
        packed: &mut Packed,
        begin: impl FnOnce(&mut Packing<'_, '_>),
    ) -> bool {
        packed.bytes.clear();
        packed.ids.clear();
        if log.is_large() {
            return false;
        }
        let Packed { bytes: out, ids } = &mut *packed;
        let mut packing = Packing { store: self, out, ids, open: ArrayVec::new() };
        begin(&mut packing);
        let fits = log.events().all(|event| {
            packing.event(event);
            packing.out.len() <= PACKED_INSIDE_MAX
        });
        if !fits {
            self.unpack(packed);
        }
        fits
    }

    /// Gives back the names of what is not stored after all.
    pub(in super::super) fn unpack(&mut self, packed: &Packed) {
        packed.ids.iter().for_each(|&id| self.release(self.leaf_of(id)));
    }
}

/// A document being packed.
struct Packing<'s, 'o> {
    store: &'s mut Store,
    out: &'o mut Vec<u8>,
    /// The names that were interned.
    ids: &'o mut Vec<u16>,
    open: ArrayVec<Open, DOCUMENT_DEPTH_MAX>,
}

/// A set or array that has not ended.
#[derive(Clone, Copy)]
struct Open {
    /// Where its first field or element begins.
    start: usize,
    /// Where the value of the field begins that was named last.
    value: usize,
    /// The value that it replaces.
    before: Option<(usize, usize)>,
}

impl Packing<'_, '_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::BeginSet => self.begin(true),
            Event::BeginArray => self.begin(false),
            Event::Field(name) => self.field(name),
            Event::EndSet | Event::EndArray => {
                let open = self.open.pop().expect("only what began ends");
                if !self.open.is_empty() {
                    self.out[open.start - 1] = (self.out.len() - open.start) as u8;
                    self.complete();
                }
            }
            scalar => {
                self.scalar(scalar);
                self.complete();
            }
        }
    }

    fn begin(&mut self, is_set: bool) {
        if !self.open.is_empty() {
            self.out.extend_from_slice(&[if is_set { SET } else { ARRAY }, 0]);
        }
        let start = self.out.len();
        self.open.push(Open { start, value: start, before: None });
    }

    fn push_id(&mut self, id: u16) {
        if id < SHORT_IDS {
            self.out.push(id as u8);
        } else {
            let above = id - SHORT_IDS;
            self.out.extend_from_slice(&[(SHORT_IDS + above / 256) as u8, (above % 256) as u8]);
        }
    }

    fn field(&mut self, name: &str) {
        let wanted = Wanted::new(name);
        let start = self.open.last().expect("a field belongs to a set").start;
        let before = self.store.find_packed(self.out, start..self.out.len(), &wanted);
        if before.is_none() {
            self.name(&wanted);
        }
        let value = self.out.len();
        let open = self.open.last_mut().expect("a field belongs to a set");
        (open.value, open.before) = (value, before.map(|part| (part.value, part.end)));
    }

    /// A name that its set does not have yet.
    fn name(&mut self, wanted: &Wanted<'_>) {
        match self.store.intern_id(wanted) {
            Some(id) => {
                self.ids.push(id);
                self.push_id(id);
            }
            None => {
                // A longer one makes the document too large anyway.
                let len = wanted.name.len().min(255);
                self.out.extend_from_slice(&[LITERAL, len as u8]);
                self.out.extend_from_slice(&wanted.name.as_bytes()[..len]);
            }
        }
    }

    /// A value is complete; it goes where an older one of its field stood.
    fn complete(&mut self) {
        let Some(open) = self.open.last_mut() else { return };
        let Some((from, to)) = open.before.take() else { return };
        let value = open.value;
        let old = self.out[from..to].to_vec();
        let new = self.out.split_off(value);
        self.out.splice(from..to, new);
        // What the older value used goes with it.
        let inside = match value_at(&old).0 {
            Payload::PackedSet(inside) => Parts::new(inside, true),
            Payload::PackedArray(inside) => Parts::new(inside, false),
            _ => return,
        };
        each_id(inside, |id| {
            self.store.release(self.store.leaf_of(id));
            let index = self.ids.iter().position(|&other| other == id).expect("it was interned here");
            self.ids.swap_remove(index);
        });
    }

    fn scalar(&mut self, scalar: Event<'_>) {
        match scalar {
            Event::Bool(bool) => self.out.push(if bool { TRUE } else { FALSE }),
            Event::Int(int) => {
                let unused = if int < 0 { (!int).leading_zeros() } else { int.leading_zeros() };
                let len = if int == 0 { 0 } else { (65 - unused as usize).div_ceil(8) };
                self.out.push(INT + len as u8);
                self.out.extend_from_slice(&int.to_le_bytes()[..len]);
            }
            Event::Float(float) => {
                let short = float as f32;
                if f64::from(short).to_bits() == float.to_bits() {
                    self.out.push(FLOAT_SHORT);
                    self.out.extend_from_slice(&short.to_le_bytes());
                } else {
                    self.out.push(FLOAT);
                    self.out.extend_from_slice(&float.to_le_bytes());
                }
            }
            Event::Text(text) => {
                // A longer one makes the document too large anyway.
                let len = text.len().min((255 - TEXT) as usize);
                self.out.push(TEXT + len as u8);
                self.out.extend_from_slice(&text.as_bytes()[..len]);
            }
            _ => self.out.push(NULL),
        }
    }
}
