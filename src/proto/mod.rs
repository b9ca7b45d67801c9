//! Bytes to meaning and back: hand-written, incremental, without recursion.

pub mod cluster;
pub mod resp;
