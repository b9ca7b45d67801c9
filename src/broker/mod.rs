//! The broker's core: many askers, many servers, one loop.
//!
//! [`engine`] keeps the promise (links, views, ownership, replication); the front keeps the askers (sessions of the
//! console, of the data file, later of clients). The [`Broker`] joins them.

pub mod engine;
pub mod front;
mod machine;
pub mod placement;

pub use machine::Broker;
