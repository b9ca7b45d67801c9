//! Field names, each stored once: a radix tree of its own, whose leaves are what fields refer to.

use super::Store;
use super::arena::{Arena, Owned, Ref, SMALL_BYTES_MAX, ref_at, set_u32, u32_at};
use super::leaf::{self, KEY_INSIDE_MAX, NAME, NAME_HEAD_BYTES};
use super::radix::{Found, Radix, Spot};
use super::text::{self, Bytes};

const USES_OFFSET: usize = 4;
const LEN_OFFSET: usize = 8;

const _: () = assert!(NAME_HEAD_BYTES + KEY_INSIDE_MAX <= SMALL_BYTES_MAX);

/// How many spans interning a name of `len` bytes may fill at most: its text, its leaf, and the nodes to it.
pub(super) fn spans_for(len: usize) -> usize {
    2 * text::spans_for(len) + 8
}

impl Store {
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
