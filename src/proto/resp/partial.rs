//! What a parser keeps of an incomplete frame while the loop's scratch serves other connections.

/// Elements for which a scratch keeps room; one big frame must not hold its memory for ever.
const ROOM_KEPT: usize = 16 << 10;

/// The elements found so far, and the place to go on from.
///
/// ```text
///   keep:    scratch ──copy, exactly sized──> partial           the scratch keeps its room
///   resume:  scratch <──────swap──────> partial                 O(1), however much was found
///   keep:    scratch <──────swap──────> partial
///   finish:  elements stay in the scratch, which keeps the roomier of both
/// ```
#[derive(Debug)]
pub(super) struct Partial<T, C> {
    elements: Vec<T>,
    cursor: C,
}

impl<T: Copy, C: Copy> Partial<T, C> {
    /// Puts what was found back into the scratch.
    pub(super) fn resume(&mut self, scratch: &mut Vec<T>) -> C {
        std::mem::swap(&mut self.elements, scratch);
        self.cursor
    }

    /// The frame is still incomplete: takes what was found out of the scratch.
    pub(super) fn keep(resumed: Option<Box<Self>>, scratch: &mut Vec<T>, cursor: C) -> Box<Self> {
        match resumed {
            Some(mut partial) => {
                std::mem::swap(&mut partial.elements, scratch);
                partial.cursor = cursor;
                partial
            }
            None => Box::new(Partial { elements: scratch.clone(), cursor }),
        }
    }

    /// The frame is whole.
    pub(super) fn finish(mut self, scratch: &mut Vec<T>) {
        if self.elements.capacity() > scratch.capacity() {
            self.elements.clear();
            self.elements.extend_from_slice(scratch);
            std::mem::swap(&mut self.elements, scratch);
        }
    }

    /// Bytes of memory held.
    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.elements.capacity() * size_of::<T>()
    }
}

/// Gives back what a big frame took. Called before a frame that is not of the common kind.
pub(super) fn trim<T>(scratch: &mut Vec<T>) {
    if scratch.capacity() > ROOM_KEPT {
        scratch.shrink_to(ROOM_KEPT);
    }
}
