//! What a run sends: which requests in which mix, for which keys, with which values. All of it follows from the seed.
//!
//! ```text
//!  Work ── one for the run ──► Plan ── one a thread ──► append_next ──► bytes, and what is to be remembered of them
//!    operations, ends            source: keys, sizes, documents, ledger
//! ```

pub(crate) mod documents;
pub(crate) mod expect;
pub(crate) mod keys;
pub(crate) mod random;
pub(crate) mod source;
pub(crate) mod template;
pub(crate) mod values;
pub(crate) mod ycsb;

use std::sync::Arc;

use documents::{Names, Pool};
use keys::{Distribution, Keys, Share};
use random::Random;
use source::Source;
use template::Template;
use values::Sizes;

use crate::truth::ledger::Ledger;

/// Operations of one run.
pub(crate) const OPERATIONS_MAX: usize = 16;

/// What a request means to a check of values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Plain,
    /// Brings the value of one key.
    Reads,
    /// Sets the value of one key.
    Writes,
}

/// One kind of request within a run.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) template: Template,
    pub(crate) role: Role,
    /// The operation that a good answer is followed by, for the same key.
    pub(crate) followed_by: Option<usize>,
}

/// The requests of a whole run.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) operations: Arc<Vec<Operation>>,
    /// Of 2^32 requests, so many are of this operation or one before it.
    pub(crate) ends: Vec<u64>,
    /// Sets every key once, where that is wanted.
    pub(crate) filling: Option<Operation>,
    /// Reads a key back, where values are verified.
    pub(crate) reading: Option<Operation>,
    pub(crate) distribution: Distribution,
    pub(crate) keys: u64,
    pub(crate) names: Arc<Names>,
    pub(crate) sizes: Arc<Sizes>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) seed: u64,
}

impl Work {
    pub(crate) fn names_of_operations(&self) -> Vec<String> {
        self.operations.iter().map(|operation| operation.name.clone()).collect()
    }

    /// One thread's part of the run.
    pub(crate) fn plan(&self, share: Share, ledger: Option<Ledger>) -> Plan {
        let keys = Random::stream(self.seed, share.thread * 4);
        let keys = Keys::new(self.distribution, self.keys, keys, share, ledger.is_some());
        let mix = Random::stream(self.seed, share.thread * 4 + 1);
        Plan {
            operations: Arc::clone(&self.operations),
            ends: self.ends.clone(),
            source: self.source(keys, share, ledger),
            mix,
            follows: self.operations.iter().any(|operation| operation.followed_by.is_some()),
        }
    }

    /// Every key once, and how many of them this thread has.
    pub(crate) fn filling(&self, share: Share, ledger: Option<Ledger>) -> Option<(Plan, u64)> {
        let plan = self.once_each(self.filling.clone()?, self.keys, share, ledger);
        Some((plan, share.of(self.keys)))
    }

    /// Every key that the ledger knows once, to be read back.
    pub(crate) fn audit(&self, share: Share, ledger: Ledger) -> Option<(Plan, u64)> {
        let known = ledger.len();
        let range = (known * share.threads).max(1);
        let plan = self.once_each(self.reading.clone()?, range, share, Some(ledger));
        Some((plan, known))
    }

    fn once_each(&self, operation: Operation, range: u64, share: Share, ledger: Option<Ledger>) -> Plan {
        let keys = Keys::new(Distribution::Sequential, range, Random::from_seed(0), share, false);
        Plan {
            operations: Arc::new(vec![operation]),
            ends: vec![1 << 32],
            source: self.source(keys, share, ledger),
            mix: Random::from_seed(0),
            follows: false,
        }
    }

    fn source(&self, keys: Keys, share: Share, ledger: Option<Ledger>) -> Source {
        let random = Random::stream(self.seed, share.thread * 4 + 2);
        let (names, sizes, pool) = (Arc::clone(&self.names), Arc::clone(&self.sizes), Arc::clone(&self.pool));
        Source::new(keys, random, names, sizes, pool, ledger)
    }
}

/// A request in flight: which operation of the plan, its key, and what a check of its value needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    packed: u64,
    /// A write's version; the least version that a read must bring.
    pub(crate) version: u32,
}

impl Asked {
    const OPERATION_SHIFT: u32 = 48;
    /// Part of a connection's greeting: in no plan, and counted nowhere.
    pub(crate) const GREETING: Asked = Asked { packed: u64::MAX, version: 0 };

    pub(crate) fn new(operation: usize, key: u64, version: u32) -> Asked {
        debug_assert!(key < 1 << Asked::OPERATION_SHIFT);
        Asked { packed: (operation as u64) << Asked::OPERATION_SHIFT | key, version }
    }

    #[inline]
    pub(crate) fn operation(self) -> usize {
        (self.packed >> Asked::OPERATION_SHIFT) as usize
    }

    #[inline]
    pub(crate) fn key(self) -> u64 {
        self.packed & ((1 << Asked::OPERATION_SHIFT) - 1)
    }
}

/// One thread's requests, one after the other.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) operations: Arc<Vec<Operation>>,
    ends: Vec<u64>,
    pub(crate) source: Source,
    mix: Random,
    follows: bool,
}

impl Plan {
    /// Appends the next request.
    #[inline]
    pub(crate) fn append_next(&mut self, out: &mut Vec<u8>) -> Asked {
        let operation = if self.ends.len() > 1 {
            let drawn = self.mix.next() >> 32;
            self.ends.iter().position(|&end| drawn < end).expect("the last end is above all draws")
        } else {
            0
        };
        self.append(operation, out)
    }

    /// Whether any answer is followed by another request.
    pub(crate) fn follows(&self) -> bool {
        self.follows
    }

    /// Appends the request that follows one for `key`.
    pub(crate) fn append_follower(&mut self, operation: usize, key: u64, out: &mut Vec<u8>) -> Asked {
        self.source.set_key(key);
        self.append(operation, out)
    }

    /// The answer to a request will never come.
    pub(crate) fn forget(&mut self, asked: Asked) {
        if let Some(ledger) = &mut self.source.ledger
            && self.operations[asked.operation()].role == Role::Writes
        {
            ledger.write_ends(asked.key(), asked.version, false);
        }
    }

    #[inline]
    fn append(&mut self, operation: usize, out: &mut Vec<u8>) -> Asked {
        let one = &self.operations[operation];
        one.template.append(out, &mut self.source);
        let key = self.source.key();
        let version = match (&mut self.source.ledger, one.role) {
            (Some(_), Role::Writes) => self.source.mark().map_or(0, |mark| mark.version),
            (Some(ledger), Role::Reads) => ledger.floor(key),
            _ => 0,
        };
        Asked::new(operation, key, version)
    }
}

/// The ends of [`Work`] for these weights.
pub(crate) fn ends_of(weights: &[f64]) -> Vec<u64> {
    let whole: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let mut ends: Vec<u64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            (sum / whole * (1u64 << 32) as f64) as u64
        })
        .collect();
    if let Some(last) = ends.last_mut() {
        *last = 1 << 32;
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::template::Words;

    pub(super) fn work(mix: &[(&str, f64)]) -> Work {
        let names = Arc::new(Names::Digits { prefix: b"k:".to_vec() });
        let sizes = Arc::new(Sizes::Fixed(10));
        let words = Words { names: &names, sizes: &sizes, marked: false, keys: 1 };
        let operations = mix.iter().map(|(name, _)| Operation {
            name: (*name).to_owned(),
            template: Template::named(name, words).unwrap(),
            role: Role::Plain,
            followed_by: None,
        });
        let operations = Arc::new(operations.collect());
        let ends = ends_of(&mix.iter().map(|(_, weight)| *weight).collect::<Vec<_>>());
        let pool = Arc::new(Pool::made(1, 1));
        let distribution = Distribution::Uniform;
        Work {
            operations,
            ends,
            filling: None,
            reading: None,
            distribution,
            keys: 10,
            names,
            sizes,
            pool,
            seed: 1,
        }
    }

    #[test]
    fn the_mix_is_kept_and_every_key_reached() {
        let work = work(&[("get", 75.0), ("set", 20.0), ("ping", 5.0)]);
        let mut plan = work.plan(Share { thread: 0, threads: 1 }, None);
        let (mut keys, mut operations, mut out) = ([0; 10], [0; 3], Vec::new());
        for _ in 0..10_000 {
            let asked = plan.append_next(&mut out);
            keys[asked.key() as usize] += 1;
            operations[asked.operation()] += 1;
            out.clear();
        }
        assert!(keys.iter().all(|&count| count > 800), "{keys:?}");
        let expected = [7_300..7_700, 1_850..2_150, 420..580];
        assert!(
            operations.iter().zip(&expected).all(|(count, range)| range.contains(count)),
            "{operations:?}"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let bytes = |work: &Work, thread| {
            let mut plan = work.plan(Share { thread, threads: 2 }, None);
            let mut out = Vec::new();
            (0..1_000).for_each(|_| _ = plan.append_next(&mut out));
            out
        };
        let one = work(&[("get", 1.0), ("set", 1.0)]);
        assert_eq!(bytes(&one, 0), bytes(&one.clone(), 0));
        assert_ne!(bytes(&one, 0), bytes(&one, 1), "threads have streams of their own");
        assert_ne!(bytes(&one, 0), bytes(&Work { seed: 2, ..one.clone() }, 0));
    }

    #[test]
    fn requests_in_flight_keep_what_they_are() {
        let asked = Asked::new(OPERATIONS_MAX - 1, keys::KEYS_MAX - 1, 7);
        assert_eq!(
            (asked.operation(), asked.key(), asked.version),
            (OPERATIONS_MAX - 1, keys::KEYS_MAX - 1, 7)
        );
        assert_eq!(ends_of(&[1.0, 1.0]), [1 << 31, 1 << 32]);
        assert_eq!(ends_of(&[0.0, 1.0]), [0, 1 << 32]);
    }
}
