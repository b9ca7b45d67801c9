//! The arena's memory: one range of addresses, reserved at once and made usable from its beginning on.
//!
//! ```text
//! base, a multiple of 2 MiB                            committed                                      reserved
//! |  first 2 MiB, small pages  |  whole 2 MiB, huge pages  |  no access: takes addresses, no memory   |
//! └──────────── what Deref shows, zero at first ───────────┘
//! ```
//! Nothing moves when it grows, and a place in it is one addition away from its number. Huge pages spare the processor
//! most of its address lookups; the first 2 MiB do without, so that a small trie does not take a whole one. Commitment is
//! asked for as it grows: a system that counts every promise says no then, and the arena is full.
//!
//! All `unsafe` of the arena is here.

use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// Bytes of a huge page; the reservation begins at a multiple.
pub(super) const HUGE_BYTES: usize = 2 << 20;

/// Bytes that are there behind every place where something may begin, so that whoever reads need not ask whether they are:
/// a constant instead of a length lets the compiler see that most checks hold.
pub(in super::super) const TAIL_BYTES: usize = 16 << 10;
/// What begins at some place.
pub(in super::super) type Tail = [u8; TAIL_BYTES];

/// A range of addresses; its first `committed` bytes can be used.
pub(super) struct Reservation {
    base: NonNull<u8>,
    committed: usize,
    /// Before which every place has a tail.
    tails: usize,
    reserved: usize,
    /// What was mapped to have an aligned base in it.
    mapped: NonNull<u8>,
    mapped_bytes: usize,
}

// SAFETY: it owns its memory alone, as a box does.
unsafe impl Send for Reservation {}
// SAFETY: shared references to it only read.
unsafe impl Sync for Reservation {}

impl Default for Reservation {
    /// No addresses at all.
    fn default() -> Reservation {
        let (base, mapped) = (NonNull::dangling(), NonNull::dangling());
        Reservation { base, committed: 0, tails: 0, reserved: 0, mapped, mapped_bytes: 0 }
    }
}

impl Reservation {
    /// `bytes` of addresses, or as many as there are if the process may not have that many: then at most half of what
    /// it may have, so that others find some too. `None` if not even `least` can be had.
    pub(super) fn new(bytes: usize, least: usize) -> Option<Reservation> {
        if let Some(all) = Reservation::exactly(bytes) {
            return Some(all);
        }
        let mut bytes = bytes;
        while bytes / 2 >= least {
            bytes /= 2;
            if Reservation::exactly(bytes).is_some() {
                return Reservation::exactly((bytes / 2).max(least));
            }
        }
        None
    }

    fn exactly(bytes: usize) -> Option<Reservation> {
        let bytes = bytes.next_multiple_of(HUGE_BYTES);
        let mapped_bytes = bytes.checked_add(HUGE_BYTES)?;
        // SAFETY: a new private mapping wherever the system likes, which nobody else has.
        let mapped = unsafe {
            mmap_anonymous(std::ptr::null_mut(), mapped_bytes, ProtFlags::empty(), MapFlags::PRIVATE).ok()?
        };
        let mapped = NonNull::new(mapped.cast::<u8>()).expect("a mapping is not at zero");
        let skip = mapped.align_offset(HUGE_BYTES);
        assert!(skip < HUGE_BYTES, "an address can be aligned");
        // SAFETY: `skip` is below the bytes that were mapped in excess.
        let base = unsafe { mapped.add(skip) };
        let reservation = Reservation { base, committed: 0, tails: 0, reserved: bytes, mapped, mapped_bytes };
        reservation.advise_huge(HUGE_BYTES..bytes, true);
        Some(reservation)
    }

    /// Bytes of addresses.
    pub(super) fn reserved(&self) -> usize {
        self.reserved
    }

    /// Makes the first `bytes` usable, whole pages; whether the system has them.
    pub(super) fn commit(&mut self, bytes: usize) -> bool {
        assert!(bytes <= self.reserved, "only what is reserved can be used");
        if bytes <= self.committed {
            return true;
        }
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: the range lies in the mapping that is owned here, beyond the bytes that anybody may have borrowed.
        let committed = unsafe {
            let from = self.base.as_ptr().add(self.committed);
            mprotect(from.cast(), bytes - self.committed, access)
        };
        if committed.is_ok() {
            self.committed = bytes;
            self.tails = (bytes + 1).saturating_sub(TAIL_BYTES);
        }
        committed.is_ok()
    }

    /// What begins at `offset`.
    ///
    /// # Panics
    /// If fewer than [`TAIL_BYTES`] usable bytes do.
    #[inline(always)]
    pub(super) fn tail(&self, offset: usize) -> &Tail {
        assert!(offset < self.tails, "a place in the memory has a tail");
        // SAFETY: all bytes of the tail are among the first `committed`, see `deref`.
        unsafe { &*self.base.as_ptr().add(offset).cast() }
    }

    /// As [`Reservation::tail`], to write.
    #[inline(always)]
    pub(super) fn tail_mut(&mut self, offset: usize) -> &mut Tail {
        assert!(offset < self.tails, "a place in the memory has a tail");
        // SAFETY: as above, and the exclusive borrow of the owner is that of its bytes.
        unsafe { &mut *self.base.as_ptr().add(offset).cast() }
    }

    /// Tells the system that these bytes, whole pages, are not needed. They are zero then, or as they were.
    pub(super) fn discard(&mut self, range: Range<usize>) {
        let bytes = &mut self[range];
        #[cfg(target_os = "linux")]
        // SAFETY: the range lies in a private anonymous mapping that is owned and mutably borrowed here; that its bytes
        // become zero is allowed for bytes.
        let discarded = unsafe {
            let advice = rustix::mm::Advice::LinuxDontNeed;
            rustix::mm::madvise(bytes.as_mut_ptr().cast(), bytes.len(), advice)
        };
        #[cfg(target_os = "linux")]
        debug_assert!(discarded.is_ok(), "whole pages can be given back");
        let _ = bytes;
    }

    /// Asks for huge pages in a range, or for small ones. It is no more than a wish.
    pub(super) fn advise_huge(&self, range: Range<usize>, huge: bool) {
        assert!(range.end <= self.reserved, "only what is reserved can be advised");
        #[cfg(target_os = "linux")]
        if range.start < range.end {
            use rustix::mm::Advice;
            let advice = if huge { Advice::LinuxHugepage } else { Advice::LinuxNoHugepage };
            // SAFETY: the range lies in the mapping that is owned here, and the content of its pages stays. A system
            // without huge pages refuses, which changes nothing.
            let _refused = unsafe {
                rustix::mm::madvise(self.base.as_ptr().add(range.start).cast(), range.len(), advice)
            };
        }
        let _ = huge;
    }
}

impl Deref for Reservation {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: the first `committed` bytes from `base` are mapped, readable and initialised (zero by the system), and
        // written through `&mut self` only; without a mapping the length is zero and the pointer dangles properly.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.committed) }
    }
}

impl DerefMut for Reservation {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the exclusive borrow of the owner is that of its bytes.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr(), self.committed) }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.mapped_bytes > 0 {
            // SAFETY: exactly what was mapped, once; nobody can borrow from it any more.
            let unmapped = unsafe { munmap(self.mapped.as_ptr().cast(), self.mapped_bytes) };
            debug_assert!(unmapped.is_ok(), "what was mapped can be unmapped");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_in_place_and_forgets_what_is_discarded() {
        let mut reservation = Reservation::new(64 << 20, 1 << 20).expect("addresses");
        assert_eq!(reservation.len(), 0);
        assert!(reservation.commit(64 << 10));
        let first = reservation.as_ptr();
        assert_eq!(first.align_offset(HUGE_BYTES), 0);
        assert!(reservation.iter().all(|&byte| byte == 0));
        reservation.fill(7);
        assert!(reservation.commit(6 << 20));
        assert_eq!((reservation.as_ptr(), reservation.len()), (first, 6 << 20));
        assert_eq!((reservation[(64 << 10) - 1], reservation[64 << 10]), (7, 0));
        reservation.fill(9);
        reservation.advise_huge(2 << 20..4 << 20, false);
        reservation.discard(16 << 10..32 << 10);
        assert_eq!((reservation[(16 << 10) - 1], reservation[32 << 10]), (9, 9));
        if cfg!(target_os = "linux") {
            assert!(reservation[16 << 10..32 << 10].iter().all(|&byte| byte == 0));
        }
    }

    #[test]
    fn a_tail_is_what_begins_there() {
        let mut reservation = Reservation::new(4 << 20, 1 << 20).expect("addresses");
        assert!(reservation.commit(64 << 10));
        reservation.iter_mut().zip((0..=250).cycle()).for_each(|(byte, value)| *byte = value);
        for offset in [0, 1, 4_097, (64 << 10) - TAIL_BYTES] {
            assert_eq!(reservation.tail(offset)[..], reservation[offset..offset + TAIL_BYTES]);
        }
        reservation.tail_mut(8)[3] = 255;
        assert_eq!(reservation[11], 255);
        let beyond = std::panic::AssertUnwindSafe(|| reservation.tail((64 << 10) - TAIL_BYTES + 1)[0]);
        assert!(std::panic::catch_unwind(beyond).is_err());
        assert!(std::panic::catch_unwind(|| Reservation::default().tail(0)[0]).is_err());
    }

    #[test]
    fn who_asks_for_too_much_gets_less() {
        let reservation = Reservation::new(1 << 60, 1 << 20).expect("some addresses");
        assert!(reservation.reserved() >= 1 << 20 && reservation.reserved() < 1 << 60);
        assert!(Reservation::new(1 << 60, 1 << 59).is_none());
    }
}
