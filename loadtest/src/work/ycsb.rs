//! The core workloads of YCSB (Cooper et al.: "Benchmarking cloud serving systems with YCSB", 2010) by their letters.

use crate::work::keys::{Distribution, THETA};

/// Bytes of a YCSB record: ten fields of a hundred.
pub(crate) const VALUE_BYTES: usize = 1_000;

/// A mix of operations, and the distribution of the keys.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Workload {
    pub(crate) mix: &'static str,
    pub(crate) keys: Distribution,
    pub(crate) says: &'static str,
}

/// Workload `letter`, if there is one.
pub(crate) fn workload(letter: &str) -> Option<Workload> {
    let zipfian = Distribution::Zipfian { theta: THETA };
    let of = |mix, keys, says| Some(Workload { mix, keys, says });
    match letter.to_ascii_lowercase().as_str() {
        "a" => of("get=50,set=50", zipfian, "update heavy"),
        "b" => of("get=95,set=5", zipfian, "read mostly"),
        "c" => of("get=100", zipfian, "read only"),
        "d" => of("get=95,insert=5", Distribution::Latest { theta: THETA }, "read latest"),
        "e" => of("range=95,insert=5", zipfian, "short ranges"),
        "f" => of("get=50,rmw=50", zipfian, "read-modify-write"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_six_of_them() {
        assert!(["a", "B", "c", "d", "e", "f"].iter().all(|letter| workload(letter).is_some()));
        assert_eq!(workload("g"), None);
    }
}
