//! stub
mod bugs;
mod replica;
pub use bugs::ServerBugs;
pub use replica::*;
