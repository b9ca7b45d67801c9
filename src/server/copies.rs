//! Filling a learner: a member's slot goes out in slices, and comes in at the learner (rule 13).

use super::Server;
use super::error::CommandError;
use super::strings::write_json;
use crate::limits::QUEUED_BYTES_PAUSE;
use crate::proto::cluster::{Copied, Reply, SlotSet};
use crate::record::{Ballot, Kind, Slot, Version};

/// One record of a slice, its key and body in a shared buffer: `key_end` after `start`, `end` after that.
struct Piece {
    start: usize,
    key_end: usize,
    end: usize,
    version: Version,
    kind: Kind,
}

impl Piece {
    fn copied<'b>(&self, bytes: &'b [u8]) -> Copied<'b> {
        let (key, body) = (&bytes[self.start..self.key_end], &bytes[self.key_end..self.end]);
        Copied { key, version: self.version, kind: self.kind, body }
    }
}

impl Server {
    /// H.SYNC: about `bytes` of the slot's records behind `after`, at least one, tombstones too.
    pub(super) fn write_copied(
        &self,
        since: u32,
        slot: Slot,
        bytes: usize,
        after: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) {
        if !self.replica.may_be_copied(since) {
            return Reply::NotNow.write(out);
        }
        let bytes_max = bytes.min(QUEUED_BYTES_PAUSE);
        let (mut buffer, mut pieces) = (Vec::new(), Vec::new());
        let mut walk = self.trie.slot_cursor(slot, after);
        let mut last = false;
        while pieces.is_empty() || buffer.len() < bytes_max {
            let Some((key, record)) = walk.next(&self.trie) else {
                last = true;
                break;
            };
            let start = buffer.len();
            buffer.extend_from_slice(key);
            let key_end = buffer.len();
            match record.kind() {
                Kind::Text => record.text().write_to(&mut buffer),
                Kind::Document => write_json(record, &mut buffer),
                Kind::Tombstone => {}
            }
            let (version, kind) = (record.version(), record.kind());
            pieces.push(Piece { start, key_end, end: buffer.len(), version, kind });
        }
        let records = pieces.iter().map(|piece| piece.copied(&buffer)).collect();
        Reply::Copied { since, slot, promised: self.replica.promised(), last, records }.write(out);
    }

    /// H.SLOTS: the slots that hold a record or a tombstone.
    pub(super) fn slots(&self, since: u32) -> Reply<'static> {
        if !self.replica.may_be_copied(since) {
            return Reply::NotNow;
        }
        let mut slots = SlotSet::default();
        let holds = |slot: &Slot| !self.trie.slot_is_empty(*slot);
        Slot::all().filter(holds).for_each(|slot| slots.insert(slot));
        Reply::Slots { since, promised: self.replica.promised(), slots }
    }

    /// H.FILL: of each key the higher version stays. A record that cannot be read ends it; those before it stand,
    /// which does no harm: the slice is sent again as a whole.
    pub(super) fn fill(
        &mut self,
        since: u32,
        slot: Slot,
        promised: Ballot,
        last: bool,
        records: &[Copied<'_>],
    ) -> Result<Reply<'static>, CommandError> {
        if !self.replica.takes_fill(since) {
            return Ok(Reply::NotNow);
        }
        for record in records {
            let held = self.trie.get(record.key).map_or(Version::ZERO, |held| held.version());
            if record.version > held {
                self.write_record(slot, record.version, record.key, record.kind, record.body)?;
            }
        }
        self.replica.filled(promised);
        Ok(Reply::Filled { since, slot, last })
    }
}
