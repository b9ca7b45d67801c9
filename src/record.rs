//! What a record is to every layer: its version, its slot, its kind.

use std::fmt;

/// How many slots the key space is cut into; bit-compatible with Redis Cluster.
pub const SLOT_COUNT: usize = 16_384;

/// A share of the key space: CRC16 of the key (or of its `{tag}`) modulo [`SLOT_COUNT`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(u16);

impl Slot {
    /// The slot with this number, which must be below [`SLOT_COUNT`].
    pub const fn new(number: u16) -> Slot {
        assert!((number as usize) < SLOT_COUNT, "a slot's number is below 16,384");
        Slot(number)
    }

    /// The slot of `key`: of the bytes between its first `{` and the next `}` if there are any, else of all of it
    /// (Redis Cluster specification, "Hash tags").
    pub fn of(key: &[u8]) -> Slot {
        let tag = memchr::memchr(b'{', key).and_then(|open| {
            let rest = &key[open + 1..];
            memchr::memchr(b'}', rest).filter(|&len| len > 0).map(|len| &rest[..len])
        });
        Slot(crc16(tag.unwrap_or(key)) % SLOT_COUNT as u16)
    }

    /// The slot's number, `0..SLOT_COUNT`.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// All slots in order.
    pub fn all() -> impl Iterator<Item = Slot> {
        (0..SLOT_COUNT as u16).map(Slot)
    }
}

/// Slots of keys that come in order: what a key has in common with the one before is not read again.
#[derive(Clone, Default, Debug)]
pub struct SlotReader {
    /// The key before.
    key: Vec<u8>,
    /// CRC16 up to and with each of its bytes.
    states: Vec<u16>,
    /// Where its first `{` is.
    brace: Option<usize>,
}

impl SlotReader {
    /// The slot of `key`, as [`Slot::of`] has it.
    pub fn slot_of(&mut self, key: &[u8]) -> Slot {
        let common = self.key.iter().zip(key).take_while(|(before, byte)| before == byte).count();
        self.key.truncate(common);
        self.states.truncate(common);
        self.brace = self.brace.filter(|&brace| brace < common);
        let mut state = self.states.last().copied().unwrap_or(0);
        for &byte in &key[common..] {
            if byte == b'{' {
                self.brace = self.brace.or(Some(self.key.len()));
            }
            state = crc16_with(state, byte);
            self.key.push(byte);
            self.states.push(state);
        }
        if self.brace.is_some() { Slot::of(key) } else { Slot(state % SLOT_COUNT as u16) }
    }
}

/// CRC16, XMODEM variant (polynomial 0x1021, initial value 0), table-driven, as Redis Cluster uses it.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| crc16_with(crc, byte))
}

#[inline]
fn crc16_with(crc: u16, byte: u8) -> u16 {
    (crc << 8) ^ CRC16_TABLE[((crc >> 8) as u8 ^ byte) as usize]
}

const CRC16_TABLE: [u16; 256] = {
    let mut table = [0u16; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { (crc << 1) ^ 0x1021 } else { crc << 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

/// `ballot:64 | seq:64`, compared as one unsigned integer. Zero: written without a cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(pub u128);

impl Version {
    /// The version below all others: absent, or written without a cluster.
    pub const ZERO: Version = Version(0);

    /// The version that the owner of `ballot` gives its write number `seq`.
    pub const fn new(ballot: Ballot, seq: u64) -> Version {
        Version((ballot.0 as u128) << 64 | seq as u128)
    }

    /// Who wrote it.
    pub const fn ballot(self) -> Ballot {
        Ballot((self.0 >> 64) as u64)
    }

    /// Its place among that owner's writes.
    pub const fn seq(self) -> u64 {
        self.0 as u64
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.ballot().0, self.seq())
    }
}

/// `round:32 | process:32`: a claim to own slots. `process` is unique to one start of one broker, so no ballot is
/// ever used twice, and whoever is refused learns who owns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ballot(pub u64);

impl Ballot {
    /// Nobody's ballot.
    pub const NONE: Ballot = Ballot(0);

    /// The ballot of `process` in `round`.
    pub const fn new(round: u32, process: u32) -> Ballot {
        Ballot((round as u64) << 32 | process as u64)
    }

    /// Higher rounds win.
    pub const fn round(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The broker process that drew it.
    pub const fn process(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Debug for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:x}", self.round(), self.process())
    }
}

/// What a record holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A plain string: any bytes; what SET stores.
    Text,
    /// A document: a set of named fields; what PUT stores.
    Document,
    /// The record was deleted; only its version is left.
    Tombstone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis_cluster() {
        // From the Redis Cluster specification and `CLUSTER KEYSLOT`.
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(Slot::of(b"foo").index(), 12_182);
        assert_eq!(Slot::of(b"{user1000}.following"), Slot::of(b"{user1000}.followers"));
        assert_eq!(Slot::of(b"foo{}{bar}").index(), crc16(b"foo{}{bar}") as usize % SLOT_COUNT);
        assert_eq!(Slot::of(b"foo{{bar}}zap"), Slot::of(b"{bar"));
        assert_eq!(Slot::of(b"foo{bar}{zap}"), Slot::of(b"bar"));
    }

    #[test]
    fn a_reader_of_slots_reads_what_they_are() {
        let mut reader = SlotReader::default();
        let keys = [
            "", "a", "abc", "abd", "ab{c}", "ab{c}d", "ab{", "ab{}x", "abx", "x{y}", "x{y}z", "x", "xy{z}{u}",
        ];
        for key in keys.iter().chain(keys.iter().rev()).chain(keys.iter().step_by(3)) {
            assert_eq!(reader.slot_of(key.as_bytes()), Slot::of(key.as_bytes()), "{key}");
        }
    }

    #[test]
    fn versions_order_by_ballot_then_seq() {
        let (low, high) = (Ballot::new(1, 9), Ballot::new(2, 3));
        assert!(Version::new(low, 100) < Version::new(high, 1));
        assert!(Version::new(high, 1) < Version::new(high, 2));
        assert_eq!(Version::new(high, 7).ballot(), high);
        assert_eq!(Version::new(high, 7).seq(), 7);
        assert_eq!((high.round(), high.process()), (2, 3));
    }
}
