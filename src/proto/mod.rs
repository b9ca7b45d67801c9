//! Bytes to meaning and back: hand-written, incremental, without recursion.

pub mod cluster;
pub mod command;
pub mod compute;
pub mod glob;
pub mod jsonpath;
pub mod path;
pub mod resp;
pub mod text;
