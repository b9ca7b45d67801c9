//! What brokers and servers say to each other: the view, and the `H.` messages.
//!
//! Every message is a RESP array of bulk strings on the server's normal port, so any tool that can read RESP can read
//! a cluster's traffic. Numbers are decimal, versions and views are text; see [`View`] and [`Request`].
//!
//! A message names the view its sender works in. A server in another view answers `WRONGVIEW` with its own; whichever
//! side is older then adopts the newer one, and the sender repeats its step there.

mod message;
mod view;
mod wire;

pub use message::{Copied, MessageError, Reply, Request};
pub use view::{Role, Seat, ServerSet, View, ViewId};
pub use wire::{RELAYED, SlotSet, kind_letter, parse_push, write_relayed};
