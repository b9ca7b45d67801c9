//! DELPREFIX: a large removal goes on in slices between the requests of others; who asked for it waits for its end.

use super::Server;
use super::dispatch::{Call, Outcome};
use crate::conn::{ConnId, Net};
use crate::proto::resp::{Protocol, Writer};

/// Records that are removed in one go.
const SLICE: usize = 4_096;

/// A removal that is not at its end.
#[derive(Debug)]
pub(super) struct Removal {
    id: ConnId,
    protocol: Protocol,
    prefix: Box<[u8]>,
    removed: usize,
}

impl Server {
    pub(super) fn delprefix(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        let prefix = call.arg(1);
        let mut removal = Removal { id: call.id, protocol: call.protocol, prefix: prefix.into(), removed: 0 };
        let done = self.removal_slice(&mut removal);
        if !done && !self.at_once {
            self.removals.push(removal);
            self.waits = true;
            return Ok(());
        }
        while !done && !self.removal_slice(&mut removal) {}
        Writer::new(net.out(call.id), call.protocol).int(removal.removed as i64);
        Ok(())
    }

    /// Time has passed: one slice of each removal.
    pub(super) fn go_on_removing(&mut self, net: &mut Net) {
        for mut removal in std::mem::take(&mut self.removals) {
            if !self.removal_slice(&mut removal) {
                self.removals.push(removal);
                continue;
            }
            Writer::new(net.out(removal.id), removal.protocol).int(removal.removed as i64);
            net.resume(removal.id);
        }
    }

    /// Whether it is done.
    fn removal_slice(&mut self, removal: &mut Removal) -> bool {
        self.mark_watchers_below(&removal.prefix);
        let removed = self.trie.remove_prefix(&removal.prefix, SLICE);
        removal.removed += removed.live;
        removed.live + removed.tombstones < SLICE
    }
}
