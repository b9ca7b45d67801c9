//! From a name to its command: one multiplication, one compare.
//!
//! ```text
//!   "get" ──> capitals, folded into two words and a length ──> × multiplier ──> top 12 bits ──> slots[..]
//!                                                                                  index ──> keys[..] equal?
//! ```
//!
//! The multiplier for which no two names meet is looked for at compile time.

use super::{COMMANDS, Command};

/// Longest name; two overlapping words of eight bytes hold it.
const NAME_BYTES_MAX: usize = 16;
const SLOT_BITS: u32 = 12;
const EMPTY: u8 = u8::MAX;

/// A name in capitals. With its length, the two words determine it: where they overlap they say the same.
#[derive(Clone, Copy)]
struct Key {
    head: u64,
    tail: u64,
    len: u64,
}

impl Key {
    #[inline(always)]
    const fn of(name: &[u8]) -> Option<Key> {
        let len = name.len();
        let (head, tail) = if len >= 8 && len <= NAME_BYTES_MAX {
            (eight(name.first_chunk()), eight(name.last_chunk()))
        } else if len >= 4 && len < 8 {
            (four(name.first_chunk()) | four(name.last_chunk()) << 32, 0)
        } else if len >= 1 && len < 4 {
            (name[0] as u64 | (name[len / 2] as u64) << 8 | (name[len - 1] as u64) << 16, 0)
        } else {
            return None;
        };
        Some(Key { head: capitals(head), tail: capitals(tail), len: len as u64 })
    }

    #[inline(always)]
    const fn slot(self, multiplier: u64) -> usize {
        let folded = self.head ^ self.tail.rotate_left(29) ^ self.len;
        (folded.wrapping_mul(multiplier) >> (64 - SLOT_BITS)) as usize
    }

    #[inline(always)]
    const fn equals(self, other: Key) -> bool {
        ((self.head ^ other.head) | (self.tail ^ other.tail) | (self.len ^ other.len)) == 0
    }
}

#[inline(always)]
const fn eight(chunk: Option<&[u8; 8]>) -> u64 {
    u64::from_le_bytes(*chunk.expect("the length was checked"))
}

#[inline(always)]
const fn four(chunk: Option<&[u8; 4]>) -> u64 {
    u32::from_le_bytes(*chunk.expect("the length was checked")) as u64
}

/// Eight bytes at once: `a` to `z` become capitals, all else stays.
#[inline(always)]
const fn capitals(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let low = word & (ONES * 0x7f);
    let from_a = low + ONES * (0x80 - b'a' as u64);
    let above_z = low + ONES * (0x7f - b'z' as u64);
    let small = (from_a ^ above_z) & !word & (ONES * 0x80);
    word ^ small >> 2
}

struct Slots {
    multiplier: u64,
    commands: [u8; 1 << SLOT_BITS],
    keys: [Key; COMMANDS.len()],
}

static SLOTS: Slots = find();

const fn find() -> Slots {
    // Odd multiples of the golden ratio's fraction, in turn.
    let mut multiplier = 0x9e37_79b9_7f4a_7c15u64;
    loop {
        if let Some(slots) = fill(multiplier) {
            return slots;
        }
        multiplier = multiplier.wrapping_add(0x9e37_79b9_7f4a_7c15 << 1);
    }
}

/// `None`: two names meet.
const fn fill(multiplier: u64) -> Option<Slots> {
    let mut slots = Slots {
        multiplier,
        commands: [EMPTY; 1 << SLOT_BITS],
        keys: [Key { head: 0, tail: 0, len: 0 }; COMMANDS.len()],
    };
    assert!(COMMANDS.len() < EMPTY as usize);
    let mut index = 0;
    while index < COMMANDS.len() {
        let key = Key::of(COMMANDS[index].name.as_bytes()).expect("a name has 1 to 16 bytes");
        let slot = key.slot(multiplier);
        if slots.commands[slot] != EMPTY {
            return None;
        }
        slots.commands[slot] = index as u8;
        slots.keys[index] = key;
        index += 1;
    }
    Some(slots)
}

/// The command of this name, in any case. Subcommands: [`Command::subcommand`].
#[inline]
pub fn lookup(name: &[u8]) -> Option<&'static Command> {
    let key = Key::of(name)?;
    let index = usize::from(SLOTS.commands[key.slot(SLOTS.multiplier)]);
    // An empty slot's index is behind the last command.
    SLOTS.keys.get(index).is_some_and(|known| known.equals(key)).then(|| &COMMANDS[index])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn capitals_are_those_of_ascii(bytes: [u8; 8]) {
            let expected = u64::from_le_bytes(bytes.map(|byte| byte.to_ascii_uppercase()));
            prop_assert_eq!(capitals(u64::from_le_bytes(bytes)), expected);
        }

        #[test]
        fn agrees_with_a_search(name in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..20),
            "[a-zA-Z.]{0,12}".prop_map(String::into_bytes),
            (0..COMMANDS.len(), any::<u32>(), any::<(u8, u8)>()).prop_map(|(index, small, (at, byte))| {
                // A command's name in mixed case, at times with one wrong byte.
                let mut name = COMMANDS[index].name.as_bytes().to_vec();
                for (bit, letter) in name.iter_mut().enumerate() {
                    if small >> bit & 1 == 1 {
                        letter.make_ascii_lowercase();
                    }
                }
                if let Some(letter) = name.get_mut(at as usize) {
                    *letter = byte;
                }
                name
            }),
        ]) {
            let found = COMMANDS.iter().find(|command| command.name.as_bytes().eq_ignore_ascii_case(&name));
            prop_assert_eq!(lookup(&name).map(|command| command.id), found.map(|command| command.id));
        }
    }
}
