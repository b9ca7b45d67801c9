//! Versions in five or six bytes: nearly all records of a store share the upper 96 bits with many others.
//!
//! ```text
//! version      [ballot: 64][seq: 64] = [high: 96][low: 32],  low = [ms: 16][count: 16]
//! in a record  [epoch: u16][low: u32], or [epoch: u16][ms: u16][count: u8]: few writes are beyond the 256th of their
//!              millisecond
//! epochs       high, counted uses                   one for each 65 s that a broker wrote
//! ```
//! An epoch that no record is of any longer is used again. When all 65,536 are taken, versions are stored whole.

use std::collections::BTreeMap;

use crate::record::Version;

const LOW_BITS: u32 = 32;
const EPOCHS_MAX: usize = 1 << 16;

#[derive(Clone, Copy, Debug)]
struct Epoch {
    high: u128,
    uses: usize,
}

/// The lower part of a version in three bytes, if that is enough.
#[inline]
pub(super) fn shortened(low: u32) -> Option<[u8; 3]> {
    let [count, rest, ms_low, ms_high] = low.to_le_bytes();
    (rest == 0).then_some([count, ms_low, ms_high])
}

/// The lower part that was shortened.
#[inline]
pub(super) fn lengthened([count, ms_low, ms_high]: [u8; 3]) -> u32 {
    u32::from_le_bytes([count, 0, ms_low, ms_high])
}

/// The upper parts of all versions in use.
#[derive(Debug, Default)]
pub(super) struct Versions {
    epochs: Vec<Epoch>,
    /// Where each upper part is.
    by_high: BTreeMap<u128, u16>,
    /// Epochs without a use.
    unused: Vec<u16>,
    /// Where the last version was noted: the next is mostly the same.
    last: usize,
}

impl Versions {
    /// Notes one use more of a version's epoch; `None`: there is no room for another.
    pub(super) fn note(&mut self, version: Version) -> Option<(u16, u32)> {
        let high = version.0 >> LOW_BITS;
        let is_it = |epoch: &Epoch| epoch.uses > 0 && epoch.high == high;
        if !self.epochs.get(self.last).is_some_and(is_it) {
            self.last = match self.by_high.get(&high) {
                Some(&index) => index as usize,
                None => self.add(high)?,
            };
        }
        self.epochs[self.last].uses += 1;
        Some((self.last as u16, version.0 as u32))
    }

    fn add(&mut self, high: u128) -> Option<usize> {
        let epoch = Epoch { high, uses: 0 };
        let index = match self.unused.pop() {
            Some(index) => {
                self.epochs[index as usize] = epoch;
                index
            }
            None if self.epochs.len() < EPOCHS_MAX => {
                self.epochs.push(epoch);
                (self.epochs.len() - 1) as u16
            }
            None => return None,
        };
        self.by_high.insert(high, index);
        Some(index as usize)
    }

    /// Gives one use back.
    pub(super) fn release(&mut self, epoch: u16) {
        let Epoch { high, uses } = &mut self.epochs[epoch as usize];
        *uses = uses.checked_sub(1).expect("an epoch is released as often as it was noted");
        if *uses == 0 {
            self.by_high.remove(high);
            self.unused.push(epoch);
        }
    }

    /// The version with this lower part.
    pub(super) fn version(&self, epoch: u16, low: u32) -> Version {
        Version(self.epochs[epoch as usize].high << LOW_BITS | u128::from(low))
    }

    /// Panics unless each epoch is used as often as `uses` says, which has every use.
    pub(super) fn check(&self, mut uses: Vec<u16>) {
        uses.sort_unstable();
        let mut unused: Vec<u16> = self.unused.clone();
        unused.sort_unstable();
        for (index, epoch) in self.epochs.iter().enumerate() {
            let index = index as u16;
            let from = uses.partition_point(|&other| other < index);
            let to = uses.partition_point(|&other| other <= index);
            assert_eq!(epoch.uses, to - from, "an epoch's uses are miscounted");
            assert_eq!(epoch.uses == 0, unused.binary_search(&index).is_ok(), "an unused epoch is lost");
        }
        let used = self.epochs.iter().filter(|epoch| epoch.uses > 0).count();
        assert_eq!(self.by_high.len(), used, "an epoch is there twice");
        for (high, &index) in &self.by_high {
            assert_eq!(self.epochs[index as usize].high, *high, "an epoch is found in the wrong place");
        }
    }

    /// Bytes of the table.
    pub(super) fn used_bytes(&self) -> usize {
        self.epochs.capacity() * size_of::<Epoch>()
            + self.by_high.len() * size_of::<(u128, u16)>()
            + self.unused.capacity() * size_of::<u16>()
    }
}
