//! Field names, each stored once: a radix tree of its own, whose leaves are what fields refer to.

use super::Store;
use super::arena::{Owned, Ref, SMALL_BYTES_MAX, ref_at, set_u32, u32_at};
use super::leaf::{self, KEY_INSIDE_MAX, NAME, NAME_HEAD_BYTES};
use super::radix::Spot;
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
        self.add_name(name.as_bytes())
    }

    /// Stores a name that no field has yet, with one use.
    fn add_name(&mut self, name: &[u8]) -> Ref {
        let Spot::Missing(gap) = self.names.locate(&self.arena, name) else {
            panic!("a name is found by one way and not by the other");
        };
        let inside = name.len() <= KEY_INSIDE_MAX;
        let outside = (!inside).then(|| text::store(&mut self.arena, name));
        let leaf = self.arena.alloc(NAME_HEAD_BYTES + if inside { name.len() } else { size_of::<u32>() });
        let bytes = self.arena.tail_mut(leaf);
        set_u32(bytes, 0, u32::from(NAME));
        set_u32(bytes, USES_OFFSET, 1);
        set_u32(bytes, LEN_OFFSET, name.len() as u32);
        match outside {
            Some(first) => set_u32(bytes, NAME_HEAD_BYTES, first.raw()),
            None => bytes[NAME_HEAD_BYTES..NAME_HEAD_BYTES + name.len()].copy_from_slice(name),
        }
        self.names.attach(&mut self.arena, gap, name, leaf);
        leaf
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
        self.names.detach(&mut self.arena, found);
        if key.len() > KEY_INSIDE_MAX {
            let first =
                ref_at(self.arena.tail(name), NAME_HEAD_BYTES).expect("a long name has its own slots");
            text::free(&mut self.arena, first, key.len());
        }
        self.arena.free(name);
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
