//! The real programs, as real processes on the loopback interface: started, asked, stopped, killed.
//!
//! Nothing here sleeps for an event: every wait polls its condition until a deadline that only a failure reaches.

#![expect(clippy::disallowed_methods, reason = "real processes need real time, and threads at their pipes")]

mod bad_input;
mod connections;
mod console_rows;
mod defects;
mod failures;
mod harness;
mod large;
mod limits;
mod operations;
mod password;
mod terminal;
