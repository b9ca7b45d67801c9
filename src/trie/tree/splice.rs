//! Writing runs: one entry put into a run, taken out or replaced; or all of it anew.

use arrayvec::ArrayVec;

use super::run::{
    ENTRIES_MAX, Entry, HEAD_BYTES, LEN_OFFSET, RUN, Run, SAME_LEN, SAME_SIZE, SAME_TAG, SHARED, SIZE_OFFSET,
    SUFFIXES_OFFSET, TAG_OFFSET, mark_of,
};

/// A change of one entry.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit<'a> {
    Insert(usize, &'a [u8], Entry<'a>),
    Replace(usize, Entry<'a>),
    Remove(usize),
}

type Column = ArrayVec<u8, ENTRIES_MAX>;

/// The column of one number an entry, after the change.
fn column(run: Run<'_>, same: bool, all: u8, start: usize, edit: &Edit<'_>, new: u8) -> Column {
    let count = run.count();
    let mut column = Column::new();
    let copy = |column: &mut Column, from: usize, to: usize| {
        if same {
            column.extend(std::iter::repeat_n(all, to - from));
        } else {
            column.try_extend_from_slice(&run.bytes[start + from..start + to]).expect("at most as many");
        }
    };
    match *edit {
        Edit::Insert(at, ..) => {
            copy(&mut column, 0, at);
            column.push(new);
            copy(&mut column, at, count);
        }
        Edit::Replace(at, _) => {
            copy(&mut column, 0, count);
            column[at] = new;
        }
        Edit::Remove(at) => {
            copy(&mut column, 0, at);
            copy(&mut column, at + 1, count);
        }
    }
    column
}

/// Whether all of a column is the same.
fn is_same(column: &[u8]) -> bool {
    column.iter().all(|&other| other == column[0])
}

struct Columns {
    lens: Column,
    tags: Column,
    sizes: Column,
}

impl Columns {
    /// Writes the head, the prefix, and where the marks come calls `marks`; then the columns.
    fn write(
        &self,
        out: &mut Vec<u8>,
        shared: u8,
        prefix: &[u8],
        suffixes: usize,
        marks: impl FnOnce(&mut Vec<u8>),
    ) {
        let (len, tag, size) = (is_same(&self.lens), is_same(&self.tags), is_same(&self.sizes));
        let flag = |same: bool, flag: u8| if same { flag } else { 0 };
        let mut head = [0; HEAD_BYTES];
        head[0] = RUN | shared | flag(len, SAME_LEN) | flag(tag, SAME_TAG) | flag(size, SAME_SIZE);
        head[1] = self.lens.len() as u8;
        head[2] = prefix.len() as u8;
        head[LEN_OFFSET] = if len { self.lens[0] } else { 0 };
        head[TAG_OFFSET] = if tag { self.tags[0] } else { 0 };
        head[SIZE_OFFSET] = if size { self.sizes[0] } else { 0 };
        head[SUFFIXES_OFFSET..].copy_from_slice(&(suffixes as u16).to_le_bytes());
        out.clear();
        out.extend_from_slice(&head);
        out.extend_from_slice(prefix);
        if !(len && self.lens[0] <= 1) {
            marks(out);
        }
        for (column, same) in [(&self.lens, len), (&self.tags, tag), (&self.sizes, size)] {
            if !same {
                out.extend_from_slice(column);
            }
        }
    }
}

/// Writes the run with the change to `out`. A run of one entry cannot lose it.
pub(super) fn splice(run: Run<'_>, edit: Edit<'_>, out: &mut Vec<u8>) {
    let layout = run.layout();
    let (at, skip, suffix, entry): (usize, usize, &[u8], Entry<'_>) = match edit {
        Edit::Insert(at, suffix, entry) => (at, 0, suffix, entry),
        Edit::Replace(at, entry) => (at, 1, run.suffix_at(at), entry),
        Edit::Remove(at) => (at, 1, &[], Entry { tag: 0, body: &[] }),
    };
    let columns = Columns {
        lens: column(run, run.has(SAME_LEN), run.bytes[LEN_OFFSET], layout.lens, &edit, suffix.len() as u8),
        tags: column(run, run.has(SAME_TAG), run.bytes[TAG_OFFSET], layout.tags, &edit, entry.tag),
        sizes: column(
            run,
            run.has(SAME_SIZE),
            run.bytes[SIZE_OFFSET],
            layout.sizes,
            &edit,
            entry.body.len() as u8,
        ),
    };
    let here = (run.suffix_start(&layout, at), run.suffix_start(&layout, at + skip));
    let bodies = (run.body_start(&layout, at), run.body_start(&layout, at + skip));
    let end = run.body_start(&layout, layout.count);
    let suffixes = layout.bodies - layout.suffixes + suffix.len() - (here.1 - here.0);
    columns.write(out, run.bytes[0] & SHARED, run.prefix(), suffixes, |out| {
        if run.is_unmarked() {
            let mut start = layout.suffixes;
            for index in 0..layout.count {
                if index == at && matches!(edit, Edit::Insert(..)) {
                    out.push(mark_of(suffix));
                }
                let len = run.len_at(&layout, index);
                if index != at || !matches!(edit, Edit::Remove(_)) {
                    out.push(mark_of(&run.bytes[start..start + len]));
                }
                start += len;
            }
            if at == layout.count {
                out.push(mark_of(suffix));
            }
            return;
        }
        out.extend_from_slice(&run.bytes[layout.marks..layout.marks + at]);
        if !matches!(edit, Edit::Remove(_)) {
            out.push(mark_of(suffix));
        }
        out.extend_from_slice(&run.bytes[layout.marks + at + skip..layout.marks + layout.count]);
    });
    out.extend_from_slice(&run.bytes[layout.suffixes..here.0]);
    out.extend_from_slice(suffix);
    out.extend_from_slice(&run.bytes[here.1..layout.bodies]);
    out.extend_from_slice(&run.bytes[layout.bodies..bodies.0]);
    out.extend_from_slice(entry.body);
    out.extend_from_slice(&run.bytes[bodies.1..end]);
}

/// Writes a run of these entries, whose suffixes begin behind `prefix`, to `out`.
pub(super) fn write<'a>(
    out: &mut Vec<u8>,
    shared: bool,
    prefix: &[u8],
    entries: impl Iterator<Item = (&'a [u8], Entry<'a>)> + Clone,
) {
    let mut columns = Columns { lens: Column::new(), tags: Column::new(), sizes: Column::new() };
    let (mut suffixes, mut bodies) = (0, 0);
    for (suffix, entry) in entries.clone() {
        columns.lens.push(suffix.len() as u8);
        columns.tags.push(entry.tag);
        columns.sizes.push(entry.body.len() as u8);
        suffixes += suffix.len();
        bodies += entry.body.len();
    }
    out.clear();
    out.reserve(HEAD_BYTES + prefix.len() + 4 * columns.lens.len() + suffixes + bodies);
    columns.write(out, if shared { SHARED } else { 0 }, prefix, suffixes, |out| {
        out.extend(entries.clone().map(|(suffix, _)| mark_of(suffix)));
    });
    entries.clone().for_each(|(suffix, _)| out.extend_from_slice(suffix));
    entries.for_each(|(_, entry)| out.extend_from_slice(entry.body));
}
