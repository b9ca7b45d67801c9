//! Arrays inside documents: JSON.ARRAPPEND, ARRINSERT, ARRINDEX, ARRPOP, ARRTRIM.

use super::scalar::json_of;
use super::set::part;
use super::{no_place, write_each};
use crate::proto::command::CommandId;
use crate::proto::path::{Path, Segment};
use crate::proto::resp::Writer;
use crate::proto::text::{Style, read_value, restyle};
use crate::server::Server;
use crate::server::dispatch::{Call, Outcome};
use crate::server::edits::integer;
use crate::server::error::CommandError;
use crate::server::handlers::{Handler, Handlers};
use crate::trie::{Edited, Value, ValueKind};
use crate::value::Discard;

pub(in crate::server) const HANDLERS: Handlers = &[
    (CommandId::JsonArrappend, Handler::Reply(Server::json_arrappend)),
    (CommandId::JsonArrinsert, Handler::Reply(Server::json_arrinsert)),
    (CommandId::JsonArrindex, Handler::Reply(Server::json_arrindex)),
    (CommandId::JsonArrpop, Handler::Reply(Server::json_arrpop)),
    (CommandId::JsonArrtrim, Handler::Reply(Server::json_arrtrim)),
];

const NO_ARRAY: &str = "not an array";

fn element(array: &Path, index: usize) -> Option<Path> {
    let mut place = array.clone();
    place.push(Segment::Index(index)).then_some(place)
}

/// An index of JSON.ARRPOP: from the end if negative, and never outside.
fn clamped(index: i64, len: usize) -> usize {
    let from_start = if index < 0 { index.saturating_add(len as i64) } else { index };
    from_start.clamp(0, len as i64 - 1) as usize
}

/// The elements of an array, each as JSON.
fn elements(array: Value<'_>) -> impl Iterator<Item = Vec<u8>> {
    (0..array.len()).map(move |index| json_of(array.at(&[Segment::Index(index)]).expect("below its length")))
}

impl Server {
    /// The length of the array at a place; `None` if that is none.
    fn array_len(&self, key: &[u8], place: &Path) -> Option<usize> {
        let value = self.value_at(key, place);
        (value.kind() == ValueKind::Array).then(|| value.len())
    }

    /// `JSON.ARRAPPEND key path value ..`
    fn json_arrappend(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        self.insert_values(call, None, 3, out)
    }

    /// `JSON.ARRINSERT key path index value ..`
    fn json_arrinsert(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let index = integer(call.arg(3))?;
        self.insert_values(call, Some(index), 4, out)
    }

    /// Inserts the arguments from `first` on, before `index` or behind the last element.
    fn insert_values(
        &mut self,
        call: Call<'_>,
        index: Option<i64>,
        first: usize,
        out: &mut Writer<'_>,
    ) -> Outcome {
        let limits = self.config.settings.limits;
        for text in call.args_from(first) {
            part(text, limits, 2, &mut Discard)?;
        }
        let (key, path) = (call.arg(1), call.arg(2));
        let found = self.find_existing(key, path)?;
        let starts = found.places.iter().map(|place| match (self.array_len(key, place), index) {
            (None, _) => Ok(None),
            (Some(len), None) => Ok(Some(len)),
            (Some(len), Some(index)) => {
                let start = if index < 0 { index.saturating_add(len as i64) } else { index };
                let start = usize::try_from(start).ok().filter(|&start| start <= len);
                start.map(Some).ok_or(CommandError::JsonIndex)
            }
        });
        let starts = starts.collect::<Result<Vec<_>, _>>()?;
        // An element stands below its array.
        let deepest = found.places.iter().map(|place| place.len() + 1).max().unwrap_or(2);
        for text in call.args_from(first) {
            part(text, limits, deepest, &mut Discard)?;
        }
        let mut lens = vec![None; starts.len()];
        // From behind: what is inside of another array keeps its place until it was changed itself.
        for (number, start) in starts.iter().enumerate().rev() {
            let Some(start) = start else { continue };
            let place = &found.places[number];
            for (offset, text) in call.args_from(first).enumerate() {
                let at = element(place, start + offset).ok_or(CommandError::JsonDepth)?;
                let edited =
                    self.insert_at(key, &at.segments(), |sink| part(text, limits, at.len(), sink))?;
                assert_ne!(edited, Edited::Nowhere, "the array was there");
            }
            lens[number] = self.array_len(key, place).map(|len| len as i64);
        }
        write_each(&found, path, NO_ARRAY, lens, out, |len, out| out.int(*len))
    }

    /// `JSON.ARRINDEX key path value [start [stop]]`: from start up to, not including, stop; 0 is the end.
    fn json_arrindex(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if call.len() > 6 {
            return Err(call.arity_error());
        }
        let (key, path) = (call.arg(1), call.arg(2));
        let mut wanted = Vec::new();
        restyle(call.arg(3), Style::Json, &mut wanted)?;
        let start = call.request.get(4).map_or(Ok(0), integer)?;
        let stop = call.request.get(5).map_or(Ok(0), integer)?;
        let mut found = self.find_existing(key, path)?;
        if found.is_legacy() {
            found.places.truncate(1);
        }
        let indexes = found.places.iter().map(|place| {
            let value = self.value_at(key, place);
            if value.kind() != ValueKind::Array {
                return None;
            }
            let len = value.len() as i64;
            let bound = |index: i64| if index < 0 { index.saturating_add(len) } else { index }.clamp(0, len);
            let (start, stop) = (bound(start), if stop == 0 { len } else { bound(stop) });
            let within = |index: &i64| (start..stop).contains(index);
            let matching = elements(value).zip(0i64..).filter(|(text, _)| *text == wanted);
            Some(matching.map(|(_, index)| index).find(within).unwrap_or(-1))
        });
        let indexes = indexes.collect();
        write_each(&found, path, NO_ARRAY, indexes, out, |index, out| out.int(*index))
    }

    /// `JSON.ARRPOP key [path [index]]`
    fn json_arrpop(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if call.len() > 4 {
            return Err(call.arity_error());
        }
        let (key, path) = (call.arg(1), call.request.get(2).unwrap_or(b"."));
        let index = call.request.get(3).map_or(Ok(-1), integer)?;
        let found = self.find_existing(key, path)?;
        let legacy = found.is_legacy();
        let mut popped: Vec<Option<Vec<u8>>> = vec![None; found.places.len()];
        let mut arrays = 0;
        for (number, place) in found.places.iter().enumerate().rev() {
            let Some(len) = self.array_len(key, place) else { continue };
            arrays += 1;
            if len == 0 {
                continue;
            }
            let at = element(place, clamped(index, len)).ok_or(CommandError::JsonDepth)?;
            popped[number] = Some(json_of(self.value_at(key, &at)));
            self.remove_at(key, &at.segments());
        }
        if legacy {
            // An empty array is one, and has nothing to give.
            if arrays == 0 {
                return Err(no_place(path, NO_ARRAY));
            }
            match popped.iter().flatten().last() {
                Some(text) => out.bulk(text),
                None => out.null(),
            }
            return Ok(());
        }
        write_each(&found, path, NO_ARRAY, popped, out, |text, out| out.bulk(text))
    }

    /// `JSON.ARRTRIM key path start stop`: what is from start to stop stays, both included.
    fn json_arrtrim(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (key, path) = (call.arg(1), call.arg(2));
        let (start, stop) = (integer(call.arg(3))?, integer(call.arg(4))?);
        let found = self.find_existing(key, path)?;
        let mut lens = vec![None; found.places.len()];
        for (number, place) in found.places.iter().enumerate().rev() {
            let Some(len) = self.array_len(key, place) else { continue };
            let from_start = |index: i64| if index < 0 { index.saturating_add(len as i64) } else { index };
            let start = from_start(start).clamp(0, len as i64) as usize;
            let end =
                (from_start(stop).saturating_add(1)).clamp(start as i64, (len as i64).max(start as i64));
            let end = end as usize;
            lens[number] = Some((end - start) as i64);
            if end - start == len {
                continue;
            }
            let mut text = b"[".to_vec();
            for kept in elements(self.value_at(key, place)).take(end).skip(start) {
                text.extend_from_slice(&kept);
                text.push(b',');
            }
            text.push(b']');
            self.put_at(key, &place.segments(), |sink| read_value(&text, sink))?;
        }
        write_each(&found, path, NO_ARRAY, lens, out, |len, out| out.int(*len))
    }
}
