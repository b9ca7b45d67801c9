//! A run written anew with one entry put into it, taken out or replaced.

use arrayvec::ArrayVec;

use super::buffer::Buffer;
use super::run::{
    ENTRIES_MAX, Entry, Head, LEN_OFFSET, Run, SAME_LEN, SAME_SIZE, SAME_TAG, SHARED, SIZE_OFFSET,
    TAG_OFFSET, mark_of,
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
        out: &mut Buffer,
        shared: u8,
        prefix: &[u8],
        suffixes: usize,
        marks: impl FnOnce(&mut Buffer),
    ) {
        let same = |column: &Column| is_same(column).then(|| column[0]);
        let head = Head {
            shared,
            count: self.lens.len(),
            prefix_len: prefix.len(),
            len: same(&self.lens),
            tag: same(&self.tags),
            size: same(&self.sizes),
            suffixes,
        };
        out.clear();
        out.extend(&head.bytes());
        out.extend(prefix);
        if !head.is_unmarked() {
            marks(out);
        }
        for (column, all) in [(&self.lens, head.len), (&self.tags, head.tag), (&self.sizes, head.size)] {
            if all.is_none() {
                out.extend(column);
            }
        }
    }
}

/// Writes the run with the change to `out`. A run of one entry cannot lose it.
pub(super) fn splice(run: Run<'_>, edit: Edit<'_>, out: &mut Buffer) {
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
        out.extend(&run.bytes[layout.marks..layout.marks + at]);
        if !matches!(edit, Edit::Remove(_)) {
            out.push(mark_of(suffix));
        }
        out.extend(&run.bytes[layout.marks + at + skip..layout.marks + layout.count]);
    });
    out.extend(&run.bytes[layout.suffixes..here.0]);
    out.extend(suffix);
    out.extend(&run.bytes[here.1..layout.bodies]);
    out.extend(&run.bytes[layout.bodies..bodies.0]);
    out.extend(entry.body);
    out.extend(&run.bytes[bodies.1..end]);
}
