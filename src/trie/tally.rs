//! How often what happens seldom did, for tests that say nothing unless it happened. Without tests it costs nothing.

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    /// Entries became a node and what is below it.
    Burst,
    /// A node and what was below it became a run.
    Merge,
    /// A run was moved out of a span that is being emptied.
    RunMoved,
    /// A node was.
    NodeMoved,
    /// A text outside of its run was.
    TextMoved,
    /// The system got the first span of a chunk that was whole.
    ChunkReturned,
    /// The last span of a chunk was taken back that the system had.
    ChunkTakenBack,
}

#[cfg(test)]
thread_local! {
    /// A test runs on one thread, so nobody else counts here.
    static COUNTS: [std::cell::Cell<usize>; Event::ALL.len()] = const {
        [const { std::cell::Cell::new(0) }; Event::ALL.len()]
    };
}

/// Counts `event`.
#[inline(always)]
pub(super) fn note(event: Event) {
    #[cfg(test)]
    COUNTS.with(|counts| counts[event as usize].update(|count| count + 1));
    let _ = event;
}

#[cfg(test)]
impl Event {
    pub(super) const ALL: [Event; 7] = [
        Event::Burst,
        Event::Merge,
        Event::RunMoved,
        Event::NodeMoved,
        Event::TextMoved,
        Event::ChunkReturned,
        Event::ChunkTakenBack,
    ];

    /// How often it happened on this thread.
    pub(super) fn count(self) -> usize {
        COUNTS.with(|counts| counts[self as usize].get())
    }
}
