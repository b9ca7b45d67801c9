//! Field names, each stored once: a radix tree of its own, whose leaves are what the fields of large documents refer
//! to. Small documents refer to a short id, which names get that are seen more than once: so a map whose names are
//! somebody's data does not fill the dictionary.

use super::Store;
use super::arena::{Arena, Owned, Ref, SMALL_BYTES_MAX, ref_at, set_u32, u32_at};
use super::document::IDS_MAX;
use super::leaf::{self, KEY_INSIDE_MAX, NAME, NAME_HEAD_BYTES};
use super::radix::{Found, Radix, Spot};
use super::text::{self, Bytes};
use super::words;

/// One more than the id; 0: none.
const ID_OFFSET: usize = 2;
const USES_OFFSET: usize = 4;
const LEN_OFFSET: usize = 8;

const _: () = assert!(NAME_HEAD_BYTES + KEY_INSIDE_MAX <= SMALL_BYTES_MAX);

/// How many spans interning a name of `len` bytes may fill at most: its text, its leaf, and the nodes to it.
pub(super) fn spans_for(len: usize) -> usize {
    2 * text::spans_for(len) + 8
}

/// A longer name gets no id.
const ID_NAME_BYTES_MAX: usize = 32;
/// Hashes of names that were seen once are remembered for as many of them.
const SEEN: usize = 1024;
/// Ids are remembered for as many names, so that most are found without a walk through the tree of names.
const KNOWN: usize = 256;

/// Bytes of a name that its head has.
const HEAD_NAME_BYTES: usize = 15;

/// A name's length, at most 255, and its first bytes: of most names all there is to compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Head([u8; 1 + HEAD_NAME_BYTES]);

impl Head {
    #[inline]
    fn of(name: &[u8]) -> Head {
        let low = u128::from(words::first_word(name));
        let high = u128::from(name.get(8..).map_or(0, words::first_word));
        Head((name.len().min(255) as u128 | low << 8 | high << 72).to_le_bytes())
    }

    /// Where its id is remembered.
    #[inline]
    fn bucket(self) -> usize {
        let (low, high) = (u128::from_le_bytes(self.0) as u64, (u128::from_le_bytes(self.0) >> 64) as u64);
        ((low ^ high.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % KNOWN
    }
}

/// A name that is looked for among those of small documents.
pub(super) struct Wanted<'n> {
    pub(super) name: &'n str,
    head: Head,
}

impl<'n> Wanted<'n> {
    #[inline]
    pub(super) fn new(name: &'n str) -> Wanted<'n> {
        Wanted { name, head: Head::of(name.as_bytes()) }
    }
}

/// The names that have ids.
pub(super) struct Ids {
    /// The leaf of each id.
    leaves: Vec<Option<Ref>>,
    /// The head of each id's name: most are compared here, beside each other.
    heads: Vec<Head>,
    /// The name of each id, to be read without a look into its leaf.
    names: Vec<Box<str>>,
    unused: Vec<u16>,
    /// What was seen before, by hash; empty until the first name comes.
    seen: Box<[u32]>,
    /// Ids by the hash of their name's head, not all of them and some of names that are gone; empty until the first.
    known: Vec<u16>,
    /// As many as are given, at most [`IDS_MAX`].
    pub(super) count_max: u16,
}

impl Default for Ids {
    fn default() -> Ids {
        let (leaves, heads, names, unused, seen, known) = Default::default();
        Ids { leaves, heads, names, unused, seen, known, count_max: IDS_MAX }
    }
}

impl Ids {
    /// Notes that a name is seen; whether it was before.
    fn see(&mut self, name: &[u8]) -> bool {
        if self.seen.is_empty() {
            self.seen = vec![0; SEEN].into_boxed_slice();
        }
        let hash = xxhash_rust::xxh3::xxh3_64(name);
        let mark = (hash >> 32) as u32 | 1;
        std::mem::replace(&mut self.seen[hash as usize % SEEN], mark) == mark
    }

    fn take(&mut self, leaf: Ref, name: &str) -> Option<u16> {
        let head = Head::of(name.as_bytes());
        if let Some(id) = self.unused.pop() {
            (self.leaves[id as usize], self.heads[id as usize]) = (Some(leaf), head);
            self.names[id as usize] = name.into();
            return Some(id);
        }
        let id = self.leaves.len() as u16;
        (id < self.count_max).then(|| {
            self.leaves.push(Some(leaf));
            self.heads.push(head);
            self.names.push(name.into());
            id
        })
    }

    /// Whether no name can get an id.
    fn is_full(&self) -> bool {
        self.unused.is_empty() && self.leaves.len() >= self.count_max as usize
    }

    /// The id of a name and its leaf, if it is remembered.
    #[inline]
    fn recall(&self, wanted: &Wanted<'_>) -> Option<(u16, Ref)> {
        let id = *self.known.get(wanted.head.bucket())?;
        let leaf = (*self.leaves.get(id as usize)?)?;
        (self.heads[id as usize] == wanted.head && wanted.name.len() <= HEAD_NAME_BYTES).then_some((id, leaf))
    }

    fn remember(&mut self, id: u16) {
        self.known.resize(KNOWN, 0);
        self.known[self.heads[id as usize].bucket()] = id;
    }
}

impl Store {
    /// The id of a name for a small document, which counts one use more; `None`: it has none.
    pub(super) fn intern_id(&mut self, wanted: &Wanted<'_>) -> Option<u16> {
        let (id, leaf) = match self.ids.recall(wanted) {
            Some(known) => known,
            None => self.give_id(wanted.name)?,
        };
        self.count_use(leaf);
        Some(id)
    }

    /// The id and leaf of a name, which gets them if it may; no use is counted.
    fn give_id(&mut self, name: &str) -> Option<(u16, Ref)> {
        if name.len() > ID_NAME_BYTES_MAX {
            return None;
        }
        let id = match self.find_name(name) {
            Some(leaf) => match self.id_of(leaf) {
                Some(id) => id,
                None => self.set_id(leaf, name)?,
            },
            None if !self.ids.see(name.as_bytes()) || self.ids.is_full() => return None,
            None => {
                self.arena.reserve(spans_for(name.len())).ok()?;
                let leaf = add_leaf(&mut self.names, &mut self.arena, name.as_bytes());
                set_u32(self.arena.tail_mut(leaf), USES_OFFSET, 0);
                self.set_id(leaf, name).expect("there is one left")
            }
        };
        self.ids.remember(id);
        Some((id, self.leaf_of(id)))
    }

    fn set_id(&mut self, leaf: Ref, name: &str) -> Option<u16> {
        let id = self.ids.take(leaf, name)?;
        self.arena.tail_mut(leaf)[ID_OFFSET..ID_OFFSET + 2].copy_from_slice(&(id + 1).to_le_bytes());
        Some(id)
    }

    fn count_use(&mut self, leaf: Ref) {
        let bytes = self.arena.tail_mut(leaf);
        let uses = u32_at(bytes, USES_OFFSET);
        set_u32(bytes, USES_OFFSET, uses.checked_add(1).expect("fewer fields than references"));
    }

    /// The id of a name, if it has one that is remembered.
    #[inline]
    pub(super) fn recall_id(&self, wanted: &Wanted<'_>) -> Option<u16> {
        self.ids.recall(wanted).map(|(id, _)| id)
    }

    /// Whether the name with this id is the wanted one.
    #[inline(always)]
    pub(super) fn is_id_of(&self, id: u16, wanted: &Wanted<'_>) -> bool {
        self.ids.heads[id as usize] == wanted.head
            && (wanted.name.len() <= HEAD_NAME_BYTES || self.name_of_id(id) == wanted.name)
    }

    /// The name with this id.
    #[inline]
    pub(super) fn name_of_id(&self, id: u16) -> &str {
        &self.ids.names[id as usize]
    }

    /// The id of the name at `leaf`, if it has one.
    #[inline]
    pub(super) fn id_of(&self, leaf: Ref) -> Option<u16> {
        let bytes = self.arena.tail(leaf);
        u16::from_le_bytes([bytes[ID_OFFSET], bytes[ID_OFFSET + 1]]).checked_sub(1)
    }

    /// The leaf of the name with this id.
    #[inline]
    pub(super) fn leaf_of(&self, id: u16) -> Ref {
        self.ids.leaves[id as usize].expect("an id in use has a name")
    }

    /// The reference of `name`, which counts one use more. Its [`spans_for`] are reserved.
    pub(super) fn intern(&mut self, name: &str) -> Ref {
        if let Some(leaf) = self.find_name(name) {
            self.count_use(leaf);
            return leaf;
        }
        add_leaf(&mut self.names, &mut self.arena, name.as_bytes())
    }

    /// Gives one use of a name back; with the last one the name goes.
    pub(super) fn release(&mut self, name: Ref) {
        let bytes = self.arena.tail_mut(name);
        let uses = u32_at(bytes, USES_OFFSET);
        assert!(bytes[0] == NAME && uses > 0, "a name is released that nobody uses");
        set_u32(bytes, USES_OFFSET, uses - 1);
        if uses > 1 {
            return;
        }
        if let Some(id) = self.id_of(name) {
            self.ids.leaves[id as usize] = None;
            self.ids.unused.push(id);
        }
        let key = self.name(name).to_vec();
        let Spot::Found(found) = self.names.locate(&self.arena, &key) else {
            panic!("a name in use is not in the dictionary");
        };
        take_leaf(&mut self.names, &mut self.arena, found);
    }

    /// The reference of `name`, if any field has it.
    #[inline]
    pub(super) fn find_name(&self, name: &str) -> Option<Ref> {
        self.names.get(&self.arena, name.as_bytes())
    }

    /// The bytes of a name.
    #[inline]
    pub(super) fn name(&self, name: Ref) -> Bytes<'_> {
        leaf::key_of(&self.arena, name)
    }

    /// How often a name is used, by its own books; notes who owns its slots.
    pub(super) fn check_name(&self, name: Ref, owned: &mut Owned<'_>) -> usize {
        let bytes = self.arena.tail(name);
        assert_eq!(bytes[0], NAME, "the dictionary holds something else");
        if let Some(id) = self.id_of(name) {
            assert_eq!(self.ids.leaves[id as usize], Some(name), "an id is another name's");
            let text = self.name_of_id(id).as_bytes();
            assert!(self.name(name) == *text, "an id has another name's text");
            assert_eq!(self.ids.heads[id as usize], Head::of(text), "an id has another name's head");
        }
        let len = u32_at(bytes, LEN_OFFSET) as usize;
        if len > KEY_INSIDE_MAX {
            let first = ref_at(bytes, NAME_HEAD_BYTES).expect("a long name has its own slots");
            text::own(owned, &self.arena, first, len);
        }
        owned.own(name, NAME_HEAD_BYTES + if len > KEY_INSIDE_MAX { size_of::<u32>() } else { len });
        u32_at(bytes, USES_OFFSET) as usize
    }
}

/// Hangs a leaf of [`NAME`]'s form for `key`, which the tree does not have yet, with one use.
pub(super) fn add_leaf(tree: &mut Radix, arena: &mut Arena, key: &[u8]) -> Ref {
    let Spot::Missing(gap) = tree.locate(arena, key) else {
        panic!("what is added is there already");
    };
    let inside = key.len() <= KEY_INSIDE_MAX;
    let outside = (!inside).then(|| text::store(arena, key));
    let leaf = arena.alloc(NAME_HEAD_BYTES + if inside { key.len() } else { size_of::<u32>() });
    let bytes = arena.tail_mut(leaf);
    set_u32(bytes, 0, u32::from(NAME));
    set_u32(bytes, USES_OFFSET, 1);
    set_u32(bytes, LEN_OFFSET, key.len() as u32);
    match outside {
        Some(first) => set_u32(bytes, NAME_HEAD_BYTES, first.raw()),
        None => bytes[NAME_HEAD_BYTES..NAME_HEAD_BYTES + key.len()].copy_from_slice(key),
    }
    tree.attach(arena, gap, key, leaf);
    leaf
}

/// Takes the leaf that was found out of the tree, and all of its slots back.
pub(super) fn take_leaf(tree: &mut Radix, arena: &mut Arena, found: Found) {
    tree.detach(arena, found);
    let len = u32_at(arena.tail(found.leaf), LEN_OFFSET) as usize;
    if len > KEY_INSIDE_MAX {
        let first = ref_at(arena.tail(found.leaf), NAME_HEAD_BYTES).expect("a long key has its own slots");
        text::free(arena, first, len);
    }
    arena.free(found.leaf);
}
