//! The simulator: the real cores in a seeded world of one thread, with a virtual network and clock.
//!
//! ```text
//!   swarm ── draws a run's shape and rates ──► scenario ── clients, faults, then the healed phase
//!                                                 │
//!        history ◄── calls and answers ──────── world ── processes, wires, clock
//!           │
//!         linear ── is there one order in which a single copy would have answered so?
//! ```

#![allow(unreachable_pub, missing_docs, reason = "a test exports nothing")]

mod aims;
mod core;
mod gate;
mod history;
mod runs;
mod scenario;
mod standin;
mod swarm;
mod world;
