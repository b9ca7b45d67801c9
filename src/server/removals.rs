//! DELPREFIX: all records below a prefix go at once, for all who read; their memory is freed in slices between the
//! requests of others, and who asked waits for its end, as only then their number is known.
//!
//! ```text
//!   DELPREFIX p ──► unlinked, in a moment ──► a slice is freed ──► turns of others ──► a slice ──► .. ──► :count
//!               └─► a server of a cluster: a slice is removed ──► turns of others ──► a slice ──► .. ──► :count
//! ```

use super::Server;
use super::dispatch::{Call, Outcome};
use crate::conn::{ConnId, Net};
use crate::proto::resp::{Protocol, Writer};
use crate::trie::Unlinking;

/// Records that are freed or removed in one go; the trie counts one that expires as several.
const SLICE: usize = 4_096;

/// A removal that is not at its end.
#[derive(Debug)]
pub(super) struct Removal {
    id: ConnId,
    protocol: Protocol,
    rest: Rest,
}

/// What is left to be done.
#[derive(Debug)]
enum Rest {
    /// Nobody reads the records any more.
    Unlinked(Unlinking),
    /// The trie does not unlink: records still below the prefix, and how many are gone.
    Prefix(Box<[u8]>, usize),
}

impl Server {
    pub(super) fn delprefix(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        let prefix = call.arg(1);
        self.mark_watchers_below(prefix);
        let mut rest = match self.trie.unlink_prefix(prefix) {
            Some(unlinking) => Rest::Unlinked(unlinking),
            None => Rest::Prefix(prefix.into(), 0),
        };
        let mut removed = self.removal_slice(&mut rest);
        while removed.is_none() && self.at_once {
            removed = self.removal_slice(&mut rest);
        }
        match removed {
            Some(removed) => Writer::new(net.out(call.id), call.protocol).int(removed as i64),
            None => {
                self.removals.push_back(Removal { id: call.id, protocol: call.protocol, rest });
                self.waits = true;
            }
        }
        Ok(())
    }

    /// Time has passed: a slice of one removal, the next time of the next.
    pub(super) fn go_on_removing(&mut self, net: &mut Net) {
        let Some(mut removal) = self.removals.pop_front() else { return };
        let Some(removed) = self.removal_slice(&mut removal.rest) else {
            return self.removals.push_back(removal);
        };
        Writer::new(net.out(removal.id), removal.protocol).int(removed as i64);
        net.resume(removal.id);
    }

    /// How many records were alive, if they all are gone now.
    fn removal_slice(&mut self, rest: &mut Rest) -> Option<usize> {
        match rest {
            Rest::Unlinked(unlinking) => Some(self.trie.free_unlinked(unlinking, SLICE)?.live),
            Rest::Prefix(prefix, removed) => {
                self.mark_watchers_below(prefix);
                let slice = self.trie.remove_prefix(prefix, SLICE);
                *removed += slice.live;
                (slice.live + slice.tombstones < SLICE).then_some(*removed)
            }
        }
    }
}
