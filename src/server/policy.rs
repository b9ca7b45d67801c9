//! What is given up when the memory is used up: Redis' names.

/// Which records may be evicted, and which of them first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Policy {
    /// None: writes are refused.
    #[default]
    NoEviction,
    /// Those not used for the longest time.
    AllKeysLru,
    /// Those used least often.
    AllKeysLfu,
    /// Any.
    AllKeysRandom,
    /// Of those with an expiry, those not used for the longest time.
    VolatileLru,
    /// Of those with an expiry, those used least often.
    VolatileLfu,
    /// Of those with an expiry, any.
    VolatileRandom,
    /// Those that expire next.
    VolatileTtl,
}

impl Policy {
    /// All of them with Redis' names.
    pub const ALL: [(Policy, &'static str); 8] = [
        (Policy::NoEviction, "noeviction"),
        (Policy::AllKeysLru, "allkeys-lru"),
        (Policy::AllKeysLfu, "allkeys-lfu"),
        (Policy::AllKeysRandom, "allkeys-random"),
        (Policy::VolatileLru, "volatile-lru"),
        (Policy::VolatileLfu, "volatile-lfu"),
        (Policy::VolatileRandom, "volatile-random"),
        (Policy::VolatileTtl, "volatile-ttl"),
    ];

    /// Redis' name of it.
    pub fn name(self) -> &'static str {
        Policy::ALL.iter().find(|(policy, _)| *policy == self).map(|(_, name)| *name).expect("all are there")
    }

    /// The policy of this name, in any case.
    pub fn named(name: &str) -> Option<Policy> {
        Policy::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(policy, _)| *policy)
    }

    /// Only records with an expiry.
    pub(super) fn only_volatile(self) -> bool {
        use Policy::{VolatileLfu, VolatileLru, VolatileRandom, VolatileTtl};
        matches!(self, VolatileLru | VolatileLfu | VolatileRandom | VolatileTtl)
    }

    /// It asks when or how often a record was used.
    pub(super) fn needs_recency(self) -> bool {
        matches!(self, Policy::AllKeysLru | Policy::VolatileLru) || self.counts()
    }

    /// It asks how often.
    pub(super) fn counts(self) -> bool {
        matches!(self, Policy::AllKeysLfu | Policy::VolatileLfu)
    }
}
