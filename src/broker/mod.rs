//! The broker's core: many askers, many servers, one loop.
//!
//! [`engine`] keeps the promise (links, views, ownership, replication); the front keeps the askers (sessions of the
//! console, of the data file, later of clients). The `Machine` that joins them dispatches by connection: what belongs
//! to a link (`Engine::owns_conn`) goes to the engine, everything else to the front, and after every call the engine's
//! answers (`Engine::poll`) and notes (`Engine::poll_note`) go to the front.

pub mod engine;
pub mod placement;
