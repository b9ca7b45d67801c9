//! Hedgerow: a distributed, fault-tolerant key-value and document store whose only data structure is a trie.
//!
//! Pure cores, one thin shell. Everything that decides gets bytes and time as arguments and hands back bytes and
//! actions; one folder, `reactor`, owns mio, sockets, files and the clock. Imports only go down:
//!
//! ```text
//!           bin/*   loadtest                           wiring
//!         ┌────┴──────┐
//! OS edge reactor     server   broker                  cores: implement conn::Machine, never import each other
//!         └───┬──────────┴────┬───┘
//!           conn           console  datagen            ports and per-connection state · text <-> request
//!             └────┬──────────┘
//!            trie     proto                            siblings, blind to each other: they meet in value
//!              └────────┴─ value record limits password time rng   leaves
//! ```

pub mod broker;
pub mod conn;
pub mod console;
pub mod datagen;
pub mod limits;
pub mod password;
pub mod proto;
pub mod reactor;
pub mod record;
pub mod rng;
pub mod server;
pub mod time;
pub mod trie;
pub mod value;
