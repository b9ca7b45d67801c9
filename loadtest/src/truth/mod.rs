//! What is counted, and what it is held against.

pub(crate) mod cpu;
pub(crate) mod ledger;
pub(crate) mod silence;
pub(crate) mod tally;
