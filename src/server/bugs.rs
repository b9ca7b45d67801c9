//! Rules that a test may take away from a server.

/// A server without one of its rules. Only for the simulator, which must find the damage; see `docs/testing.md`.
///
/// Rule numbers are those of `docs/replication.md`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ServerBugs {
    /// All rules hold.
    #[default]
    None,
    /// STORE is taken whatever ballot was promised (rule 5).
    NoFence,
    /// PREPARE is granted whatever the view (rules 3, 6).
    PrepareAnyView,
    /// STORE is taken whatever the view (rule 3).
    StoreAnyView,
    /// GET is answered whatever the view (rule 3).
    GetAnyView,
    /// A server that forgot answers as if the view still named it (rule 3).
    AmnesiacServes,
    /// ... and votes at once (rule 2).
    AmnesiacVotes,
    /// ... and votes as soon as it has learned any chosen view (rule 2).
    VoteUnnamed,
    /// A learner keeps the records it had before it joined (rule 12).
    LearnerKeepsOld,
    /// FILL is taken whatever join it was meant for (rule 13).
    SinceIgnored,
    /// A source older than the learner's join is copied from (rule 13).
    SyncAnyView,
    /// A copy leaves the promised ballot out (rule 13).
    SyncNoPromise,
}
