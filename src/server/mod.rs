//! The server: a trie of records, the commands on it, and its part in a cluster. Pure: bytes, time and a seed come in,
//! bytes go out.
//!
//! ```text
//!  conn::Machine          turn.rs            dispatch.rs          handlers.rs: by group
//!  handle_bytes ──► requests, budget ──► table, arity, ──► strings edits keys expiry scan ordered ──► writes ──► Trie
//!                                        READONLY gate     documents json connection client info ..
//!                                         │                cluster ──► Replica (the rules) and Trie
//!                                         └─ transactions, pause: sessions that are not in their usual mode
//! ```
//!
//! | module | what |
//! |---|---|
//! | `turn` | bytes of a connection to requests, with a budget; protocol errors |
//! | `dispatch`, `handlers` | from a request to its handler |
//! | `strings`, `edits`, `bits`, `counters`, `decimal`, `lcs` | strings |
//! | `keys`, `expiry`, `scan`, `ordered`, `removals`, `object` | keys, whatever they hold |
//! | `documents`, `json`, `typed` | documents, by our commands and by RedisJSON's; parts of them as RESP3's types |
//! | `eviction`, `recency`, `policy` | what goes when the memory is used up |
//! | `writes` | the one door to the trie for changes: WATCH and expiry hang on it |
//! | `transactions`, `pause`, `monitor` | MULTI, WATCH, CLIENT REPLY; CLIENT PAUSE; MONITOR |
//! | `auth`, `connection`, `client`, `introspection`, `parameters`, `info`, `operations` | the connection and the server |
//! | `meter`, `slowlog`, `times` | how long commands take |
//! | `cluster`, `copies`, `replica` | messages of brokers, and the rules by which they are answered |
//! | `sessions`, `stats`, `request_log`, `cursors` | state beside the records |
//! | `error`, `config`, `bugs` | why a command was not done; what a server is told; rules that a test may take away |
//! | `settings` | what of it can be changed while it serves |
//!
//! Alone, a server is Redis with documents. Once a broker has brought it a view, its records belong to the cluster:
//! only the cluster's messages write, everybody reads.

mod auth;
mod bits;
mod bugs;
mod client;
mod cluster;
mod config;
mod connection;
mod copies;
mod counters;
mod cursors;
mod decimal;
mod dispatch;
mod documents;
mod edits;
mod error;
mod eviction;
mod expiry;
mod handlers;
mod info;
mod introspection;
mod json;
mod keys;
mod lcs;
mod meter;
mod monitor;
mod object;
mod operations;
mod ordered;
mod parameters;
mod pause;
mod policy;
mod recency;
mod removals;
mod replica;
mod request_log;
mod scan;
mod sessions;
mod settings;
mod slowlog;
mod stats;
mod strings;
mod times;
mod transactions;
mod turn;
mod typed;
mod writes;

pub use bugs::ServerBugs;
pub use config::{ProcessFigures, Reload, RequestLog, Rewrite, ServerConfig};
pub use policy::Policy;
pub use settings::{Reloaded, Settings};

use crate::conn::{CloseReason, ConnId, Machine, Net, Origin, Refusal, Taken};
use crate::proto::cluster::View;
use crate::proto::path::Path;
use crate::proto::resp::Args;
use crate::record::Ballot;
use crate::rng::Rng;
use crate::time::{Now, Span, Time};
use crate::trie::Trie;
use auth::Strangers;
use cluster::Brokers;
use cursors::Cursors;
use eviction::Room;
use meter::Meter;
use pause::Pause;
use removals::Removal;
use replica::Replica;
use request_log::RequestLogger;
use sessions::Sessions;
use slowlog::SlowLog;
use stats::Stats;
use std::collections::VecDeque;
use transactions::Watches;

/// The version of Redis whose words and replies these are: clients look at it to know what they may ask.
pub const REDIS_VERSION: &str = "7.4.0";

/// Runs of the trie that are moved in one turn of the loop while it gives memory back: some 20 µs.
const RUNS_PER_TURN: usize = 64;

/// One server, driven through [`Machine`].
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    trie: Trie,
    replica: Replica,
    brokers: Brokers,
    sessions: Sessions,
    strangers: Strangers,
    room: Room,
    cursors: Cursors,
    watches: Watches,
    /// Bytes of all transactions that have not come to their end, and of the keys that sessions watch.
    held_in_transactions: usize,
    monitors: Vec<ConnId>,
    pause: Option<Pause>,
    removals: VecDeque<Removal>,
    stats: Stats,
    meter: Meter,
    slow_log: SlowLog,
    log: RequestLogger,
    rng: Rng,
    /// The time of the present turn.
    clock: Now,
    /// No record expires before this; milliseconds since 1970.
    next_expiry_ms: u64,
    /// There may be records that have expired and were not removed yet.
    behind: bool,
    /// The present request has ended its session.
    ended: bool,
    /// The present request is answered later.
    waits: bool,
    /// The present request must be answered before the next one is looked at.
    at_once: bool,
    /// When it started, and its run's random name for INFO.
    started: Now,
    run_id: [u64; 2],
    scratch: Scratch,
}

/// Memory that is used again from request to request.
#[derive(Default, Debug)]
struct Scratch {
    parser: turn::ParserScratch,
    /// The arguments of a transaction's requests.
    queued_args: Args,
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
        let settings = &config.settings;
        let (bytes_max, policy) = (settings.memory_max, settings.policy);
        let mut server = Server {
            trie: Trie::new(),
            replica: Replica::new(incarnation, config.bugs),
            brokers: Brokers::default(),
            sessions: Sessions::default(),
            strangers: Strangers::default(),
            room: Room::default(),
            cursors: Cursors::default(),
            watches: Watches::default(),
            held_in_transactions: 0,
            monitors: Vec::new(),
            pause: None,
            removals: VecDeque::new(),
            meter: Meter::new(config.stopwatch),
            slow_log: SlowLog::new(settings.slower_than_micros, settings.slow_log_len_max),
            clock: now,
            next_expiry_ms: u64::MAX,
            behind: false,
            ended: false,
            waits: false,
            at_once: false,
            stats: Stats::new(now.time),
            log: RequestLogger::new(settings.request_log),
            started: now,
            run_id: [rng.next_u64(), rng.next_u64()],
            rng,
            scratch: Scratch::default(),
            config,
        };
        server.set_room(bytes_max, policy);
        server
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
        self.lock_new(id, origin, now.time);
    }

    fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], now: Now, net: &mut Net) -> Taken {
        self.turn(id, bytes, now, net)
    }

    fn held_bytes(&self, id: ConnId) -> usize {
        self.sessions.get(id).map_or(0, |session| session.parser.held_bytes())
    }

    /// Requests that came whole before the end are still answered.
    fn handle_eof(&mut self, id: ConnId, unread: &[u8], now: Now, net: &mut Net) {
        self.last_turn(id, unread, now, net);
    }

    fn handle_close(&mut self, id: ConnId, _reason: CloseReason, _now: Now, _net: &mut Net) {
        self.forget(id);
    }

    fn handle_timeout(&mut self, now: Now, net: &mut Net) {
        self.begin(now);
        self.log.turn(now.time);
        self.check_pause(now.time, net);
        self.close_strangers(now.time, net);
        self.go_on_removing(net);
        self.trie.work(RUNS_PER_TURN);
    }

    fn poll_timeout(&self) -> Option<Time> {
        let expiry = (self.next_expiry_ms != u64::MAX).then(|| {
            self.clock.time + Span::from_millis(self.next_expiry_ms.saturating_sub(self.clock.unix_ms))
        });
        let pause = self.pause.as_ref().map(|pause| pause.until);
        let removal = (!self.removals.is_empty()).then_some(self.clock.time);
        let stranger = self.strangers.poll_timeout();
        let work = self.trie.has_work().then_some(self.clock.time);
        [self.log.poll_timeout(), expiry, pause, removal, stranger, work].into_iter().flatten().min()
    }

    fn handle_reload(&mut self, _now: Now, net: &mut Net) {
        self.reload(net);
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
