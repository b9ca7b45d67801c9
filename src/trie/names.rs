//! Field names, each stored once: a radix tree of its own, whose leaves are what the fields of large documents refer
//! to. Small documents refer to a short id, which names get that are seen more than once: so a map whose names are
//! somebody's data does not fill the dictionary.

use super::Store;
use super::arena::{Arena, Owned, Ref, SMALL_BYTES_MAX, ref_at, set_u32, u32_at};
use super::document::IDS_MAX;
use super::leaf::{self, KEY_INSIDE_MAX, NAME, NAME_HEAD_BYTES};
use super::radix::{Found, Radix, Spot};
use super::text::{self, Bytes};

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

/// The names that have ids.
#[derive(Default)]
pub(super) struct Ids {
    /// The leaf of each id.
    leaves: Vec<Option<Ref>>,
    unused: Vec<u16>,
    /// What was seen before, by hash; empty until the first name comes.
    seen: Box<[u32]>,
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

    fn take(&mut self, leaf: Ref) -> Option<u16> {
        if let Some(id) = self.unused.pop() {
            self.leaves[id as usize] = Some(leaf);
            return Some(id);
        }
        let id = self.leaves.len() as u16;
        (id < IDS_MAX).then(|| {
            self.leaves.push(Some(leaf));
            id
        })
    }
}

impl Store {
    /// The id of `name` for a small document, which counts one use more; `None`: it has none.
    pub(super) fn intern_id(&mut self, name: &str) -> Option<u16> {
        if name.len() > ID_NAME_BYTES_MAX {
            return None;
        }
        let leaf = match self.find_name(name) {
            Some(leaf) => leaf,
            None if self.ids.see(name.as_bytes()) && self.arena.reserve(spans_for(name.len())).is_ok() => {
                // Without a use: it is counted below.
                let leaf = add_leaf(&mut self.names, &mut self.arena, name.as_bytes());
                set_u32(self.arena.tail_mut(leaf), USES_OFFSET, 0);
                leaf
            }
            None => return None,
        };
        let id = match self.id_of(leaf) {
            Some(id) => Some(id),
            None => self.ids.take(leaf).inspect(|&id| {
                self.arena.tail_mut(leaf)[ID_OFFSET..ID_OFFSET + 2].copy_from_slice(&(id + 1).to_le_bytes());
            }),
        };
        let bytes = self.arena.tail_mut(leaf);
        let uses = u32_at(bytes, USES_OFFSET);
        set_u32(bytes, USES_OFFSET, uses.checked_add(1).expect("fewer fields than references"));
        if id.is_none() {
            self.release(leaf);
        }
        id
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
            let bytes = self.arena.tail_mut(leaf);
            let uses = u32_at(bytes, USES_OFFSET);
            set_u32(bytes, USES_OFFSET, uses.checked_add(1).expect("fewer fields than references"));
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
