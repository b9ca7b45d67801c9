//! The small change of the messages: bulk strings, numbers, versions, sets of slots.

use crate::record::{Kind, SLOT_COUNT, Slot, Version};

/// First word of the push that carries another broker's words: `>3 H.RELAYED from payload`.
pub const RELAYED: &[u8] = b"H.RELAYED";

/// Writes the push by which a server passes `payload` on to the broker process it is meant for.
pub fn write_relayed(out: &mut Vec<u8>, from: u32, payload: &[u8]) {
    out.extend_from_slice(b">3\r\n");
    bulk(out, RELAYED);
    number(out, from.into());
    bulk(out, payload);
}

/// Reads a relayed push's items: who speaks, and what.
pub fn parse_push<'b>(items: &[&'b [u8]]) -> Option<(u32, &'b [u8])> {
    match items {
        [word, from, payload] if *word == RELAYED => {
            Some((u32::try_from(parse_number(from)?).ok()?, payload))
        }
        _ => None,
    }
}

/// A kind on the wire: `s` a plain string, `d` a document, `x` a tombstone.
pub fn kind_letter(kind: Kind) -> u8 {
    match kind {
        Kind::Text => b's',
        Kind::Document => b'd',
        Kind::Tombstone => b'x',
    }
}

pub(super) fn parse_kind(text: &[u8]) -> Option<Kind> {
    match text {
        b"s" => Some(Kind::Text),
        b"d" => Some(Kind::Document),
        b"x" => Some(Kind::Tombstone),
        _ => None,
    }
}

pub(super) fn array(out: &mut Vec<u8>, len: usize) {
    head(out, b'*', len as u64);
}

pub(super) fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    head(out, b'$', bytes.len() as u64);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

pub(super) fn number(out: &mut Vec<u8>, number: u64) {
    bulk(out, itoa::Buffer::new().format(number).as_bytes());
}

fn head(out: &mut Vec<u8>, sign: u8, number: u64) {
    out.push(sign);
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    out.extend_from_slice(b"\r\n");
}

pub(super) fn parse_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    text.iter().try_fold(0u64, |sum, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(())?;
        sum.checked_mul(10)?.checked_add(digit.into())
    })
}

pub(super) fn version(out: &mut Vec<u8>, version: Version) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0u8; 32];
    for (place, digit) in text.iter_mut().enumerate() {
        *digit = DIGITS[(version.0 >> (124 - 4 * place)) as usize & 15];
    }
    out.extend_from_slice(b"$32\r\n");
    out.extend_from_slice(&text);
    out.extend_from_slice(b"\r\n");
}

pub(super) fn parse_version(text: &[u8]) -> Option<Version> {
    if text.len() != 32 {
        return None;
    }
    text.iter()
        .try_fold(0u128, |sum, &byte| Some(sum << 4 | u128::from((byte as char).to_digit(16)?)))
        .map(Version)
}

/// A set of slots as 2 KiB of bits, lowest slot first; on the wire as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotSet(Box<[u8; SLOT_COUNT / 8]>);

impl Default for SlotSet {
    fn default() -> SlotSet {
        SlotSet(Box::new([0; SLOT_COUNT / 8]))
    }
}

impl SlotSet {
    /// Adds a slot.
    pub fn insert(&mut self, slot: Slot) {
        self.0[slot.index() / 8] |= 1 << (slot.index() % 8);
    }

    /// The slot is in the set.
    pub fn contains(&self, slot: Slot) -> bool {
        self.0[slot.index() / 8] >> (slot.index() % 8) & 1 == 1
    }

    /// The slots in order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        Slot::all().filter(|&slot| self.contains(slot))
    }

    /// As bytes, for the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..]
    }

    /// The reverse of [`SlotSet::as_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Option<SlotSet> {
        Some(SlotSet(Box::new(bytes.try_into().ok()?)))
    }
}

impl std::fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} slots", self.iter().count())
    }
}
