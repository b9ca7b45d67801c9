//! The server: a trie of records, the commands on it, and its part in a cluster. Pure: bytes, time and a seed come in,
//! bytes go out.
//!
//! ```text
//!  conn::Machine          turn.rs            dispatch.rs          by group
//!  handle_bytes ──► requests, budget ──► table, arity, ──► strings keys scan documents ──► Trie
//!                                        READONLY gate     connection client introspection info
//!                                                          cluster ──► Replica (the rules) and Trie
//! ```
//!
//! | module | what |
//! |---|---|
//! | `turn` | bytes of a connection to requests, with a budget; protocol errors |
//! | `dispatch` | from the command's id to its handler |
//! | `strings`, `keys`, `scan`, `documents` | records |
//! | `typed`, `glob` | parts of documents as RESP3's types; patterns |
//! | `connection`, `client`, `introspection`, `parameters`, `info` | the connection and the server |
//! | `cluster`, `copies`, `replica` | messages of brokers, and the rules by which they are answered |
//! | `sessions`, `stats`, `request_log`, `cursors` | state beside the records |
//! | `error`, `config`, `bugs` | why a command was not done; what a server is told; rules that a test may take away |
//!
//! Alone, a server is Redis with documents. Once a broker has brought it a view, its records belong to the cluster:
//! only the cluster's messages write, everybody reads.

mod bugs;
mod client;
mod cluster;
mod config;
mod connection;
mod copies;
mod cursors;
mod dispatch;
mod documents;
mod error;
mod info;
mod introspection;
mod keys;
mod parameters;
mod replica;
mod request_log;
mod scan;
mod sessions;
mod stats;
mod strings;
mod turn;
mod typed;

pub use bugs::ServerBugs;
pub use config::{ProcessFigures, RequestLog, ServerConfig};

use crate::conn::{CloseReason, ConnId, Machine, Net, Origin, Refusal, Taken};
use crate::proto::cluster::View;
use crate::proto::path::Path;
use crate::proto::resp::Args;
use crate::record::Ballot;
use crate::rng::Rng;
use crate::time::{Now, Time};
use crate::trie::Trie;
use cluster::Brokers;
use cursors::Cursors;
use replica::Replica;
use request_log::RequestLogger;
use sessions::Sessions;
use stats::Stats;

/// The version of Redis whose words and replies these are: clients look at it to know what they may ask.
pub const REDIS_VERSION: &str = "7.4.0";

/// One server, driven through [`Machine`].
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    trie: Trie,
    replica: Replica,
    brokers: Brokers,
    sessions: Sessions,
    cursors: Cursors,
    stats: Stats,
    log: RequestLogger,
    /// When it started, and its run's random name for INFO.
    started: Now,
    run_id: [u64; 2],
    scratch: Scratch,
}

/// Memory that is used again from request to request.
#[derive(Default, Debug)]
struct Scratch {
    args: Args,
    path: Path,
    bytes: Vec<u8>,
}

impl Scratch {
    /// One large value must not keep its memory for ever.
    fn give_back(&mut self) {
        const BYTES_KEPT: usize = 256 << 10;
        self.bytes.clear();
        self.bytes.shrink_to(BYTES_KEPT);
    }
}

impl Server {
    /// A server without records that knows no cluster.
    pub fn new(config: ServerConfig, now: Now) -> Server {
        let mut rng = Rng::from_seed(config.seed);
        let incarnation = rng.next_u64().max(1);
        Server {
            trie: Trie::new(),
            replica: Replica::new(incarnation, config.bugs),
            brokers: Brokers::default(),
            sessions: Sessions::default(),
            cursors: Cursors::default(),
            stats: Stats::new(now.time),
            log: RequestLogger::new(config.request_log),
            started: now,
            run_id: [rng.next_u64(), rng.next_u64()],
            scratch: Scratch::default(),
            config,
        }
    }

    /// Names this memory of the server: another one after every start.
    pub fn incarnation(&self) -> u64 {
        self.replica.incarnation()
    }

    /// The newest view that it knows to be chosen; blank before the first.
    pub fn view(&self) -> &View {
        self.replica.view()
    }

    /// The highest ballot that it promised.
    pub fn promised(&self) -> Ballot {
        self.replica.promised()
    }

    /// Number of the view whose join its data belongs to; 0: none.
    pub fn since(&self) -> u32 {
        self.replica.since()
    }

    /// Its records.
    pub fn trie(&self) -> &Trie {
        &self.trie
    }

    /// How often a peer sent a view whose name it knew with another value. Above 0, somebody broke rule 1.
    pub fn view_conflicts(&self) -> u64 {
        self.stats.view_conflicts
    }
}

impl Machine for Server {
    fn handle_open(&mut self, id: ConnId, origin: Origin, now: Now, _net: &mut Net) {
        self.sessions.open(id, origin, now.time);
    }

    fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], now: Now, net: &mut Net) -> Taken {
        self.turn(id, bytes, now, net)
    }

    /// Requests that came whole before the end are still answered.
    fn handle_eof(&mut self, id: ConnId, unread: &[u8], now: Now, net: &mut Net) {
        self.last_turn(id, unread, now, net);
    }

    fn handle_close(&mut self, id: ConnId, _reason: CloseReason, _now: Now, _net: &mut Net) {
        self.forget(id);
    }

    fn handle_timeout(&mut self, now: Now, _net: &mut Net) {
        self.log.turn(now.time);
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.log.poll_timeout()
    }

    fn refusal(&self, refusal: Refusal) -> &'static [u8] {
        match refusal {
            Refusal::TooManyClients => b"-ERR max number of clients reached\r\n",
            Refusal::InputMemory => b"-OOM incomplete requests of all clients take too much memory\r\n",
        }
    }
}

#[cfg(test)]
mod tests;
