//! Hedgerow's trie as one more `Index` of the trie benchmark.
use crate::index::*;
use ::hedgerow::record::{Ballot, Slot, Version};
use ::hedgerow::trie::{Cursor, Edited, Meta, Trie, Value};
use ::hedgerow::value::{Event, Segment, SinkError, ValueSink};
use std::ops::{Bound, ControlFlow};

/// Plain keys with a text of 8 bytes.
pub struct Hedgerow {
    trie: Trie,
    seq: u64,
    /// Bytes outside of the heap that the bench was told of.
    noted: usize,
}
impl Hedgerow {
    fn new() -> Hedgerow {
        Hedgerow { trie: Trie::new(), seq: 0, noted: 0 }
    }
    fn note(&mut self) {
        let reserved = self.trie.reserved_bytes();
        crate::alloc::note(reserved.wrapping_sub(self.noted));
        self.noted = reserved;
    }
}

fn value(bytes: ::hedgerow::trie::Bytes<'_>) -> u64 {
    u64::from_le_bytes(bytes.as_slice().expect("short").try_into().expect("8 bytes"))
}
macro_rules! flat {
    ($name:ident, $label:literal, $meta:expr) => {
        pub struct $name(Hedgerow);
        impl Index for $name {
            const NAME: &'static str = $label;
            fn new() -> Self {
                $name(Hedgerow::new())
            }
            fn insert(&mut self, k: Key<'_>, v: u64) {
                self.0.seq += 1;
                if self.0.seq & 0xFFF == 0 {
                    self.0.note();
                }
                let meta: fn(&[u8], u64) -> Meta = $meta;
                self.0
                    .trie
                    .put_text(k.bytes(), meta(k.bytes(), self.0.seq), &v.to_le_bytes())
                    .expect("no limit");
            }
            fn finish(&mut self) {
                report($label, &mut self.0)
            }
            #[inline(always)]
            fn get(&self, k: Key<'_>) -> Option<u64> {
                self.0.trie.get(k.bytes()).map(|r| value(r.text()))
            }
            fn get_batch(&self, k: &[Key<'_>], out: &mut [u64]) {
                let mut out = out.iter_mut();
                self.0.trie.get_many(k.iter().map(|k| k.bytes()), |r| {
                    *out.next().expect("as many") = r.map_or(u64::MAX, |r| value(r.text()))
                });
            }
            fn remove(&mut self, k: Key<'_>) -> bool {
                self.0.trie.remove(k.bytes()).is_some()
            }
            fn trim(&mut self) {
                report(concat!($label, " trimmed"), &mut self.0)
            }
            fn for_each(&self, f: &mut impl FnMut(&[u8], u64)) {
                self.0.trie.cursor(Bound::Unbounded).walk(&self.0.trie, |k, r| {
                    f(k, value(r.text()));
                    ControlFlow::Continue(())
                });
            }
            fn scan(&self, p: &[u8], n: usize, f: &mut impl FnMut(&[u8], u64)) {
                let mut left = n;
                self.0.trie.cursor_prefix(p, None).walk(&self.0.trie, |k, r| {
                    f(k, value(r.text()));
                    left -= 1;
                    if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                });
            }
        }
    };
}
/// Does the work that waits for idle time, and says what is taken then.
fn report(what: &str, h: &mut Hedgerow) {
    h.note();
    while h.trie.has_work() {
        h.trie.work(256);
    }
    h.note();
    if std::env::var_os("VERBOSE").is_some() {
        let each = |bytes: usize| bytes as f64 / h.trie.len().max(1) as f64;
        let (used, reserved) = (each(h.trie.used_bytes()), each(h.trie.reserved_bytes()));
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0);
        let resident = pages * 4 >> 10;
        eprintln!(
            "{what}: {} records, used {used:.2} B, reserved {reserved:.2} B each; process {resident} MiB",
            h.trie.len()
        );
    }
}
flat!(HedgerowPlain, "hedgerow", |_, _| Meta::default());
flat!(HedgerowSlots, "hedgerow-clustered", |key, seq| Meta {
    version: Version::new(Ballot::new(3, 77), seq << 16),
    slot: Some(Slot::of(key)),
    ..Meta::default()
});

/// Keys of set `docs` as documents: `person1 \x01 address \x01 city` is field city of set address of person1.
pub struct HedgerowDocuments(Hedgerow);
/// The key of a document, and its path in it of one or two fields.
struct Split<'k> {
    key: &'k [u8],
    path: [Segment<'k>; 2],
    len: usize,
}
impl<'k> Split<'k> {
    #[inline]
    fn new(k: &'k [u8]) -> Split<'k> {
        let text = std::str::from_utf8(k).expect("text");
        let (key, rest) = cut(text).expect("a path");
        match cut(rest) {
            None => Split { key: key.as_bytes(), path: [Segment::Field(rest); 2], len: 1 },
            Some((set, name)) => {
                Split { key: key.as_bytes(), path: [Segment::Field(set), Segment::Field(name)], len: 2 }
            }
        }
    }
    fn path(&self) -> &[Segment<'k>] {
        &self.path[..self.len]
    }
}
/// What is before the first separator, and behind it.
#[inline]
fn cut(text: &str) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == 1)?;
    Some((&text[..at], &text[at + 1..]))
}
/// All eight bytes of the value are needed, and the bench's own numbers come back.
fn spread(v: u64) -> i64 {
    v.wrapping_mul(0x9E37_79B9_7F4A_7C15) as i64
}
fn gather(v: i64) -> u64 {
    (v as u64).wrapping_mul(0xF1DE_83E1_9937_733D)
}
/// Tells a value in sets of one field each.
fn tell(path: &[Segment<'_>], v: u64, sink: &mut dyn ValueSink) -> Result<(), SinkError> {
    for segment in path {
        let Segment::Field(name) = segment else { unreachable!("all are fields") };
        sink.event(Event::BeginSet)?;
        sink.event(Event::Field(name))?;
    }
    sink.event(Event::Int(spread(v)))?;
    path.iter().try_for_each(|_| sink.event(Event::EndSet))
}
impl Index for HedgerowDocuments {
    const NAME: &'static str = "hedgerow-documents";
    fn new() -> Self {
        HedgerowDocuments(Hedgerow::new())
    }
    /// Puts the field; where there is no set for it yet, that with the field in it; else a document with all of that.
    fn insert(&mut self, k: Key<'_>, v: u64) {
        let split = Split::new(k.bytes());
        let (key, path) = (split.key, split.path());
        let t = &mut self.0.trie;
        for depth in (1..=path.len()).rev() {
            let edited =
                t.put_at::<SinkError>(key, &path[..depth], Version::ZERO, |s| tell(&path[depth..], v, s));
            if edited.expect("no limit") != Edited::Nowhere {
                return;
            }
        }
        t.put_document::<SinkError>(key, Meta::default(), |s| tell(path, v, s)).expect("no limit");
    }
    fn finish(&mut self) {
        report("documents", &mut self.0)
    }
    #[inline(always)]
    fn get(&self, k: Key<'_>) -> Option<u64> {
        let split = Split::new(k.bytes());
        self.0.trie.get(split.key)?.at(split.path())?.int().map(gather)
    }
    fn get_batch(&self, k: &[Key<'_>], out: &mut [u64]) {
        let mut places = k.iter().map(|k| Split::new(k.bytes())).zip(out);
        self.0.trie.get_many(k.iter().map(|k| Split::new(k.bytes()).key), |r| {
            let (split, out) = places.next().expect("as many");
            let v = r.and_then(|r| r.at(split.path())?.int());
            *out = v.map_or(u64::MAX, gather);
        });
    }
    fn remove(&mut self, k: Key<'_>) -> bool {
        let split = Split::new(k.bytes());
        self.0.trie.remove_at(split.key, split.path(), Version::ZERO)
    }
    fn trim(&mut self) {
        report("documents trimmed", &mut self.0)
    }
    fn for_each(&self, f: &mut impl FnMut(&[u8], u64)) {
        walk(&self.0.trie, self.0.trie.cursor(Bound::Unbounded), usize::MAX, b"", f)
    }
    fn scan(&self, p: &[u8], n: usize, f: &mut impl FnMut(&[u8], u64)) {
        let key = p.split(|&b| b == 1).next().expect("a key");
        walk(&self.0.trie, self.0.trie.cursor_prefix(key, None), n, p, f)
    }
}
/// Shows fields with their whole paths, in the order in which documents keep them.
struct Fields<'a, F> {
    /// The path to what is being shown.
    key: Vec<u8>,
    left: usize,
    prefix: &'a [u8],
    /// The document's key begins with the prefix, so all paths do.
    within: bool,
    show: F,
}
impl<F: FnMut(&[u8], u64)> Fields<'_, F> {
    fn all_of(&mut self, set: Value<'_>) -> ControlFlow<()> {
        let end = self.key.len();
        for field in set.children() {
            let name = field.name.expect("a field").bytes();
            self.key.truncate(end);
            self.key.push(1);
            self.key.extend_from_slice(name.as_slice().expect("a short name"));
            match field.value.int() {
                None => self.all_of(field.value)?,
                Some(v) if self.within || self.key.starts_with(self.prefix) => {
                    (self.show)(&self.key, gather(v));
                    self.left -= 1;
                    if self.left == 0 {
                        return ControlFlow::Break(());
                    }
                }
                Some(_) => {}
            }
        }
        ControlFlow::Continue(())
    }
}
fn walk(trie: &Trie, mut c: Cursor, n: usize, prefix: &[u8], f: &mut impl FnMut(&[u8], u64)) {
    let mut fields = Fields { key: Vec::new(), left: n, prefix, within: false, show: f };
    c.walk(trie, |key, record| {
        fields.key.clear();
        fields.key.extend_from_slice(key);
        fields.within = key.starts_with(prefix);
        fields.all_of(record.document())
    });
}
