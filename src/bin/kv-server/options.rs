//! What `kv-server` can be told.

use crate::bounds::{Bounds, size};
use clap::Parser;
use hedgerow::limits;
use hedgerow::server::Policy;
use log::LevelFilter;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  kv-server                                    on 127.0.0.1:9000, for this machine only
  kv-server -a 127.0.0.1 -p 0                  on a free port; the line on standard output names it
  kv-server -a 10.0.0.5 --password-file /etc/hedgerow/password     for other machines, which must give the password
  kv-server -a 10.0.0.5 -p 9000 --insecure     for every machine that reaches this address; nobody is asked who he is
  kv-server --request-log all --log-file kv.log
  kv-server --config /etc/hedgerow/kv-server.toml
  redis-cli -p 9000 SET greeting hello         any Redis client will do

Everything is kept in memory: what the server held is gone when it ends, and a broker's cluster refills it.
SIGTERM and Ctrl-C end it: what was asked is answered first, for at most 3 seconds. A second one ends it at once.
SIGHUP reads the file of --config and the password again and opens the log file anew; a mistake changes nothing and is
told in the log. CONFIG SET changes settings at run time, CONFIG REWRITE writes them into the file.

Exit status: 0 ended as asked; 1 failed while serving, or ended by a second signal; 2 wrong usage, or the address or the
log file cannot be used: nothing was served.

Every flag can also stand in the file of --config (`max-clients = 100`) and in the environment (HEDGEROW_MAX_CLIENTS=100).
A flag wins over the environment, and the environment over the file.

Sizes are bytes, or have a unit as in Redis: 1k is 1000, 1kb is 1024; so m, mb, g, gb. The limits bind clients, not the
brokers of a cluster.";

/// A server of records: documents and strings, in memory, for brokers and for Redis clients.
#[derive(Debug, Parser)]
#[command(name = "kv-server", version, after_help = EXAMPLES, args_override_self = true)]
pub(crate) struct Options {
    /// Address or name to listen on
    #[arg(short, long, value_name = "HOST", default_value = "127.0.0.1")]
    pub(crate) address: String,
    /// Port to listen on; 0 picks a free one
    #[arg(short, long, default_value_t = 9000)]
    pub(crate) port: u16,
    /// Settings as `name = value` lines, named as these flags; TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// File whose one line is the password that clients must give (AUTH); without it HEDGEROW_PASSWORD in the
    /// environment is
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Listen on an address that other machines can reach, though there is no password
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Most clients at once; fewer if the system allows fewer open files
    #[arg(long, value_name = "N", default_value_t = limits::CLIENTS_MAX_DEFAULT as u64, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_clients: u64,
    /// Seconds of silence after which the system asks a client whether it still stands, and closes it if it does not;
    /// 0: never
    #[arg(long, value_name = "SECONDS", default_value_t = limits::KEEPALIVE_SECS_DEFAULT, value_parser = clap::value_parser!(u32).range(..=i64::from(limits::KEEPALIVE_SECS_MAX)))]
    pub(crate) tcp_keepalive: u32,
    /// Most bytes of the records, 0 for no bound; beyond it --maxmemory-policy decides
    #[arg(long, value_name = "SIZE", default_value = "0", value_parser = size(0, usize::MAX))]
    pub(crate) maxmemory: usize,
    /// What goes when the records take more: noeviction (writes are refused), allkeys-lru, allkeys-lfu, allkeys-random,
    /// volatile-lru, volatile-lfu, volatile-random or volatile-ttl
    #[arg(long, value_name = "POLICY", default_value = "noeviction", hide_possible_values = true,
          value_parser = clap::builder::PossibleValuesParser::new(Policy::ALL.map(|(_, name)| name)))]
    pub(crate) maxmemory_policy: String,
    /// Which requests are logged; sampled: up to 200 a second, then their number
    #[arg(long, value_name = "WHICH", default_value = "sampled",
          value_parser = clap::builder::PossibleValuesParser::new(["all", "sampled", "off"]))]
    pub(crate) request_log: String,
    /// Microseconds from which a command is noted in SLOWLOG; -1: none is
    #[arg(long, value_name = "MICROSECONDS", default_value_t = limits::SLOWER_THAN_MICROS_DEFAULT, allow_negative_numbers = true,
          value_parser = clap::value_parser!(i64).range(-1..))]
    pub(crate) slowlog_log_slower_than: i64,
    /// Commands that SLOWLOG remembers
    #[arg(long, value_name = "N", default_value_t = limits::SLOW_LOG_LEN_DEFAULT)]
    pub(crate) slowlog_max_len: usize,
    /// Allow DEBUG SLEEP and DEBUG OBJECT: whoever may connect may then stop the server for a while
    #[arg(long)]
    pub(crate) enable_debug_command: bool,
    /// Where the log goes, appended; without it to standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
    /// What is logged: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: LevelFilter,
    #[command(flatten)]
    pub(crate) bounds: Bounds,
}
