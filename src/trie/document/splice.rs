//! Changing one value of a packed document where it stands.
//!
//! ```text
//! document   [name][value] [name][set][len] [name][value] [name][value] ... [name][value]
//!                                      ^            start ^           ^ end
//! changed    [name][value] [name][set][len'][name][value] [ piece ]         [name][value]
//! ```
//! The path is walked over the bytes once. What goes is cut out, the piece that comes is put in its place, and each set
//! or array around it becomes as much longer or shorter. Names of what stays are not looked at.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::super::Store;
use super::super::names::Wanted;
use super::super::record::PACKED_INSIDE_MAX;
use super::Value;
use super::log::Log;
use super::packed::{ARRAY, Parts, SET, each_id, find_element, name_at, value_at, value_end};
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::value::{Event, Segment, SinkError, ValueSink};

/// What is to happen at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Change {
    /// The field or element goes.
    Remove,
    /// A value takes its place, or comes as a new field.
    Put,
    /// A value comes before the element, or behind the last.
    Insert,
}

/// Where a packed document changes.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Place {
    /// Where the lengths of the sets and arrays around it are, the outermost first; the document has none.
    lens: ArrayVec<u8, DOCUMENT_DEPTH_MAX>,
    /// What goes; empty if something only comes.
    cut: Range<usize>,
    /// What goes begins with a name.
    is_cut_named: bool,
    /// What comes begins with a name: the last of the path.
    pub(in super::super) is_new_field: bool,
}

impl Place {
    /// Whether something stands there that goes.
    pub(in super::super) fn is_taken(&self) -> bool {
        !self.cut.is_empty()
    }

    /// Writes the changed document to `out`, if it fits; whether it does.
    pub(in super::super) fn splice(&self, bytes: &[u8], piece: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        if bytes.len() - self.cut.len() + piece.len() > PACKED_INSIDE_MAX {
            return false;
        }
        out.extend_from_slice(&bytes[..self.cut.start]);
        out.extend_from_slice(piece);
        out.extend_from_slice(&bytes[self.cut.end..]);
        for &len in &self.lens {
            let len = &mut out[len as usize];
            // The document is below 256 bytes before and after, and what is in it too.
            *len = (*len).wrapping_add(piece.len() as u8).wrapping_sub(self.cut.len() as u8);
        }
        true
    }

    /// Calls `visit` with the id of each name in what goes.
    pub(in super::super) fn each_cut_id(&self, bytes: &[u8], visit: impl FnMut(u16)) {
        let cut = &bytes[self.cut.clone()];
        if self.is_cut_named || matches!(cut.first(), Some(&(SET | ARRAY))) {
            each_id(Parts::new(cut, self.is_cut_named), visit);
        }
    }
}

impl Store {
    /// Notes in `place` where `change` happens at `path` of a packed document; whether anything there is or could be
    /// what it asks.
    pub(in super::super) fn find_place(
        &self,
        bytes: &[u8],
        path: &[Segment<'_>],
        change: Change,
        place: &mut Place,
    ) -> bool {
        place.lens.clear();
        (place.is_cut_named, place.is_new_field) = (false, false);
        let cut = self.find_cut(bytes, path, change, place);
        place.cut = cut.clone().unwrap_or_default();
        cut.is_some()
    }

    /// What goes.
    #[inline(always)]
    fn find_cut(
        &self,
        bytes: &[u8],
        path: &[Segment<'_>],
        change: Change,
        place: &mut Place,
    ) -> Option<Range<usize>> {
        let (&last, parents) = path.split_last()?;
        let (mut inside, mut is_set) = (0..bytes.len(), true);
        for &segment in parents {
            let part = self.find_part(bytes, inside, is_set, segment)?;
            (inside, is_set) = part.inside(bytes)?;
            place.lens.push(part.value as u8 + 1);
        }
        match (last, is_set, change) {
            (Segment::Field(name), true, Change::Put | Change::Remove) => {
                let found = self.find_packed(bytes, inside.clone(), &Wanted::new(name));
                match (found, change) {
                    (Some(part), Change::Put) => Some(part.value..part.end),
                    (Some(part), _) => {
                        place.is_cut_named = true;
                        Some(part.start..part.end)
                    }
                    (None, Change::Put) => {
                        place.is_new_field = true;
                        Some(inside.end..inside.end)
                    }
                    (None, _) => None,
                }
            }
            (Segment::Index(index), false, _) => match (find_element(bytes, inside.clone(), index), change) {
                (Ok(part), Change::Insert) => Some(part.start..part.start),
                (Ok(part), _) => Some(part.start..part.end),
                (Err(count), Change::Insert) if count == index => Some(inside.end..inside.end),
                _ => None,
            },
            _ => None,
        }
    }

    /// Tells a packed document, changed at `place`, to `out`: `name` comes there if it is a new field, and the value that
    /// was logged. For what does not fit any longer.
    pub(in super::super) fn tell_changed(
        &self,
        bytes: &[u8],
        place: &Place,
        name: Option<&str>,
        value: &Log,
        out: &mut Log,
    ) -> Result<(), SinkError> {
        let come = |out: &mut Log| {
            name.map_or(Ok(()), |name| out.event(Event::Field(name)))?;
            value.events().try_for_each(|event| out.event(event))
        };
        // Where the sets and arrays end that are open: those around the place, and no others.
        let mut open: ArrayVec<(usize, bool), DOCUMENT_DEPTH_MAX> = ArrayVec::new();
        open.push((bytes.len(), true));
        out.event(Event::BeginSet)?;
        let (mut at, mut is_told) = (0, false);
        while let Some(&(end, is_set)) = open.last() {
            let is_around = !is_told && open.len() == place.lens.len() + 1;
            if is_set && at < end && !(is_around && at == place.cut.start) {
                let (name, rest) = name_at(&bytes[at..]);
                out.event(Event::Field(self.name_str(name)))?;
                at = bytes.len() - rest.len();
            }
            if is_around && at == place.cut.start {
                come(out)?;
                (at, is_told) = (place.cut.end, true);
            } else if at == end {
                out.event(if is_set { Event::EndSet } else { Event::EndArray })?;
                open.pop();
            } else if place.lens.get(open.len() - 1) == Some(&(at as u8 + 1)) {
                let inner_end = value_end(bytes, at);
                let is_set = matches!(value_at(&bytes[at..]).0, super::Payload::PackedSet(_));
                out.event(if is_set { Event::BeginSet } else { Event::BeginArray })?;
                open.push((inner_end, is_set));
                at += 2;
            } else {
                Value::new(self, value_at(&bytes[at..]).0).emit(out)?;
                at = value_end(bytes, at);
            }
        }
        Ok(())
    }
}
