//! One entry put into a run, taken out or replaced, where the rest of the run stays as it is.
//!
//! ```text
//! before    [head][prefix][marks  ][lens  ][tags  ][sizes  ][suffixes       ][bodies         ]
//! patch                      ^m       ^l      ^t       ^s         ^suffix         ^body
//! after     [head][prefix][mar m ks][len l s][tag t s][siz s es][suff suffix ixes][bod body ies]
//! ```
//! That holds unless a column comes or goes: numbers that were the same in all entries and no longer are, or the other
//! way round. Such a run is written anew, see splice.rs.

use arrayvec::ArrayVec;

use super::run::{
    Entry, LEN_OFFSET, Layout, Run, SAME_LEN, SAME_SIZE, SAME_TAG, SIZE_OFFSET, SUFFIXES_OFFSET, TAG_OFFSET,
    mark_of,
};
use super::splice::Edit;

/// The numbers of an entry that comes: its mark, and the lengths and tag that stand in columns.
pub(super) type Cells = [u8; 4];
const MARK: usize = 0;
const LEN: usize = 1;
const TAG: usize = 2;
const SIZE: usize = 3;

/// `bytes` in the place of those in `start..end`.
struct Part<'e> {
    start: usize,
    end: usize,
    bytes: &'e [u8],
}

impl Part<'_> {
    /// Writes its bytes to the front of `room`. Most parts are a single one.
    #[inline]
    fn store(&self, room: &mut [u8]) {
        match *self.bytes {
            [] => {}
            [byte] => room[0] = byte,
            _ => room[..self.bytes.len()].copy_from_slice(self.bytes),
        }
    }
}

/// All that changes in a run, in the order of its bytes.
pub(super) struct Patch<'e> {
    parts: ArrayVec<Part<'e>, 6>,
    count: usize,
    suffixes: usize,
    pub(super) len: usize,
    pub(super) new_len: usize,
}

impl<'e> Patch<'e> {
    /// Nothing yet.
    #[inline]
    pub(super) fn new(run: Run<'_>) -> Patch<'e> {
        let layout = run.layout();
        let len = run.body_start(&layout, layout.count);
        let suffixes = layout.bodies - layout.suffixes;
        Patch { parts: ArrayVec::new(), count: layout.count, suffixes, len, new_len: len }
    }

    /// Takes up what `edit` does to the run, unless a column comes or goes; whether it did. `cells` are to be kept as
    /// long.
    #[inline]
    pub(super) fn take(&mut self, run: Run<'_>, edit: &Edit<'e>, cells: &'e mut Cells) -> bool {
        let layout = run.layout();
        match *edit {
            Edit::Insert(at, suffix, entry) => {
                *cells = [mark_of(suffix), suffix.len() as u8, entry.tag, entry.body.len() as u8];
                let [_, len, tag, size] = *cells;
                let is = |flag: u8, offset: usize, cell: u8| !run.has(flag) || run.bytes[offset] == cell;
                if !is(SAME_LEN, LEN_OFFSET, len)
                    || !is(SAME_TAG, TAG_OFFSET, tag)
                    || !is(SAME_SIZE, SIZE_OFFSET, size)
                {
                    return false;
                }
                self.columns(run, &layout, at, 0, Some(cells));
                let (suffix_at, body_at) = (run.suffix_start(&layout, at), run.body_start(&layout, at));
                self.push(suffix_at, suffix_at, suffix);
                self.push(body_at, body_at, entry.body);
                self.count += 1;
                self.suffixes += suffix.len();
            }
            Edit::Remove(at) => {
                for (flag, column) in
                    [(SAME_LEN, layout.lens), (SAME_TAG, layout.tags), (SAME_SIZE, layout.sizes)]
                {
                    let column = &run.bytes[column..][..layout.count];
                    if !run.has(flag) && is_same_but(column, at, column[usize::from(at == 0)]) {
                        return false;
                    }
                }
                self.columns(run, &layout, at, 1, None);
                let (suffix_at, body_at) = (run.suffix_start(&layout, at), run.body_start(&layout, at));
                let suffix_len = run.len_at(&layout, at);
                self.push(suffix_at, suffix_at + suffix_len, &[]);
                self.push(body_at, body_at + run.size_at(&layout, at), &[]);
                self.count -= 1;
                self.suffixes -= suffix_len;
            }
            // See [`Replacement`].
            Edit::Replace(..) => return false,
        }
        true
    }

    /// Puts `cells` into the columns that the run has, in the place of `skip` numbers.
    fn columns(&mut self, run: Run<'_>, layout: &Layout, at: usize, skip: usize, cells: Option<&'e Cells>) {
        let columns = [
            (!run.is_unmarked(), layout.marks, MARK),
            (!run.has(SAME_LEN), layout.lens, LEN),
            (!run.has(SAME_TAG), layout.tags, TAG),
            (!run.has(SAME_SIZE), layout.sizes, SIZE),
        ];
        for (is_there, column, cell) in columns {
            if is_there {
                let bytes = cells.map_or(&[][..], |cells| &cells[cell..=cell]);
                self.push(column + at, column + at + skip, bytes);
            }
        }
    }

    #[inline]
    fn push(&mut self, start: usize, end: usize, bytes: &'e [u8]) {
        self.new_len = self.new_len + bytes.len() - (end - start);
        self.parts.push(Part { start, end, bytes });
    }

    /// Changes the run whose slot begins with `bytes` and has room for it.
    pub(super) fn apply(&self, bytes: &mut [u8]) {
        let bytes = &mut bytes[..self.len.max(self.new_len)];
        if self.new_len >= self.len {
            // What is behind moves up, the last first.
            let (mut shift, mut end) = (self.new_len - self.len, self.len);
            for part in self.parts.iter().rev() {
                if shift > 0 {
                    bytes.copy_within(part.end..end, part.end + shift);
                }
                shift = shift + (part.end - part.start) - part.bytes.len();
                part.store(&mut bytes[part.start + shift..]);
                end = part.start;
            }
        } else {
            let mut to = self.parts[0].start;
            for (index, part) in self.parts.iter().enumerate() {
                part.store(&mut bytes[to..]);
                to += part.bytes.len();
                let next = self.parts.get(index + 1).map_or(self.len, |next| next.start);
                if to != part.end {
                    bytes.copy_within(part.end..next, to);
                }
                to += next - part.end;
            }
        }
        self.write_head(bytes);
    }

    fn write_head(&self, bytes: &mut [u8]) {
        bytes[1] = self.count as u8;
        bytes[SUFFIXES_OFFSET..SUFFIXES_OFFSET + 2].copy_from_slice(&(self.suffixes as u16).to_le_bytes());
    }
}

/// One entry replaced by another, where the columns stay as they are: only its body can move what is behind it.
pub(super) struct Replacement<'e> {
    /// Its tag and size, where they stand in columns.
    cells: [Option<(usize, u8)>; 2],
    /// Where the body begins and ends.
    start: usize,
    end: usize,
    body: &'e [u8],
    pub(super) len: usize,
    pub(super) new_len: usize,
}

impl<'e> Replacement<'e> {
    /// Puts `entry` in the place of the one at `index`; `None`: a column comes or goes.
    #[inline]
    pub(super) fn new(run: Run<'_>, index: usize, entry: Entry<'e>) -> Option<Replacement<'e>> {
        let layout = run.layout();
        let cell = |flag: u8, offset: usize, column: usize, number: u8| {
            if run.has(flag) {
                return (run.bytes[offset] == number).then_some(None);
            }
            let numbers = &run.bytes[column..][..layout.count];
            (!is_same_but(numbers, index, number)).then_some(Some((column + index, number)))
        };
        let cells = [
            cell(SAME_TAG, TAG_OFFSET, layout.tags, entry.tag)?,
            cell(SAME_SIZE, SIZE_OFFSET, layout.sizes, entry.body.len() as u8)?,
        ];
        let (start, len) = (run.body_start(&layout, index), run.body_start(&layout, layout.count));
        let end = start + run.size_at(&layout, index);
        let new_len = len + entry.body.len() - (end - start);
        Some(Replacement { cells, start, end, body: entry.body, len, new_len })
    }

    /// Changes the run whose slot begins with `bytes` and has room for it.
    #[inline]
    pub(super) fn apply(&self, bytes: &mut [u8]) {
        let new_end = self.start + self.body.len();
        bytes.copy_within(self.end..self.len, new_end);
        bytes[self.start..new_end].copy_from_slice(self.body);
        for (place, number) in self.cells.into_iter().flatten() {
            bytes[place] = number;
        }
    }
}

/// Whether all of a column but the number at `at` is `cell`.
fn is_same_but(column: &[u8], at: usize, cell: u8) -> bool {
    let is_cell = |other: &u8| *other == cell;
    column[..at].iter().all(is_cell) && column[at + 1..].iter().all(is_cell)
}

#[cfg(test)]
mod tests {
    use super::super::buffer::Buffer;
    use super::super::run::{Entry, RUN};
    use super::super::splice::splice;
    use super::super::stage::Stage;
    use super::*;
    use crate::rng::Rng;
    use crate::trie::arena::Tail;

    /// A random run, and an edit of it.
    #[test]
    fn a_patched_run_is_a_spliced_one() {
        let mut rng = Rng::from_seed(11);
        let (mut patched, mut resized) = (0, 0);
        for _ in 0..20_000 {
            let uneven = [rng.percent(30), rng.percent(30), rng.percent(30)];
            let mut keys: Vec<Vec<u8>> = (0..1 + rng.index(12))
                .map(|_| vec![rng.below(9) as u8; if uneven[0] { rng.index(4) } else { 2 }])
                .collect();
            keys.sort_unstable();
            keys.dedup();
            let any = |rng: &mut Rng| {
                let size = if uneven[2] { rng.index(20) } else { 8 };
                (if uneven[1] { rng.below(3) as u8 } else { 1 }, vec![rng.below(256) as u8; size])
            };
            let mut stage = Stage::default();
            for (index, key) in keys.iter().enumerate() {
                let (tag, body) = any(&mut rng);
                stage.insert(index, &[b"prefix", key], Entry { tag, body: &body });
            }
            let (mut out, mut slow) = (Buffer::default(), Buffer::default());
            stage.write_run(0, keys.len(), 0, rng.percent(50), &mut out);
            let mut bytes = Box::new([0xEE; size_of::<Tail>()]);
            bytes[..out.len()].copy_from_slice(out.get());
            let run = Run::new(&bytes);
            assert!(run.bytes[0] & RUN != 0);
            let (tag, body) = any(&mut rng);
            let entry = Entry { tag, body: &body };
            let suffix = vec![rng.below(9) as u8; if uneven[0] { rng.index(5) } else { 2 }];
            let at = rng.index(keys.len());
            let edit = match rng.below(3) {
                0 if keys.len() > 1 => Edit::Remove(at),
                1 if run.entries().all(|(other, _)| other != suffix) => {
                    Edit::Insert(run.suffix_position(&suffix), &suffix, entry)
                }
                _ => Edit::Replace(at, entry),
            };
            splice(run, edit, &mut slow);
            let mut inside = bytes.clone();
            let new_len = match edit {
                Edit::Replace(at, entry) => {
                    let Some(replacement) = Replacement::new(run, at, entry) else { continue };
                    assert_eq!(replacement.len, out.len());
                    resized += usize::from(replacement.new_len != replacement.len);
                    replacement.apply(&mut inside[..]);
                    replacement.new_len
                }
                _ => {
                    let mut cells = [0; 4];
                    let mut patch = Patch::new(run);
                    if !patch.take(run, &edit, &mut cells) {
                        continue;
                    }
                    patch.apply(&mut inside[..]);
                    patch.new_len
                }
            };
            patched += 1;
            assert_eq!(new_len, slow.len());
            assert_eq!(inside[..slow.len()], *slow.get(), "{edit:?}");
        }
        assert!(resized > 500, "some bodies become longer or shorter: {resized}");
        assert!(patched > 10_000, "most runs keep their columns: {patched}");
    }
}
