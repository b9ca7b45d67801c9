//! The command line: flags and their help, and nothing of what they mean.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};

use crate::load::schedule::parse_seconds;

const SHORT_EXAMPLES: &str = "\
Examples:
  loadtest -p 9000 --prefill                          9 reads to 1 write, 50 connections, 10 seconds
  loadtest -p 9000 --ycsb b --prefill --html run.html
  loadtest -p 9000 --rate 10k..200k/30s --threads 2 --prefill
  loadtest -p 9000 --against 127.0.0.1:6379 --prefill

--help tells more of every flag.";

const EXAMPLES: &str = "\
How it measures:
  A closed loop (no --rate): every connection sends a batch of -P requests and, when all of them are answered, the
  next. An open loop (--rate): requests are due by a schedule that knows nothing of answers, and latency counts from
  when a request was due, so a target that stands still is not excused. Error replies are neither counted as requests
  nor as latencies. The result says when the generator itself was too busy or too late to be trusted.

  Keys are the prefix and twelve digits, as redis-benchmark writes them; a value begins with the digits of its key.

Examples:
  loadtest -p 9000 --prefill                             9 reads to 1 write, 50 connections, 10 seconds
  loadtest -p 6379 --command get -P 16 --prefill --json  one JSON object on standard output
  loadtest -p 9000 --mix get=80,set=15,mget=5 --distribution zipfian -d 64:90,1024:9,65536:1
  loadtest -p 9000 --command 'PUT {key} {\"v\":\"{value}\"}' --pid $(pidof kv-server)
  loadtest -p 9000 --rate 10k..200k/30s --threads 2 --html ramp.html
  loadtest -p 9000 --rate 20k --poisson --idle 10000 --slow-readers 50
  loadtest -p 9000 --against 127.0.0.1:6379 --ycsb a --prefill --rounds 5
  loadtest --start-server --verify --prefill --fault '3s kill -STOP server for 1s' --duration 8

Exit status: 0 done; 1 some request failed; 2 wrong usage or nothing reachable, before any measurement;
130 ended by Ctrl-C, with a report of what was measured until then.";

/// Request storms against any RESP server, with honest percentiles.
#[derive(Debug, Parser)]
#[command(
    name = "loadtest",
    version,
    after_help = SHORT_EXAMPLES,
    after_long_help = EXAMPLES,
    allow_negative_numbers = true,
    args_override_self = true,
    max_term_width = 110
)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) target: TargetFlags,
    #[command(flatten)]
    pub(crate) load: LoadFlags,
    #[command(flatten)]
    pub(crate) work: WorkFlags,
    #[command(flatten)]
    pub(crate) storm: StormFlags,
    #[command(flatten)]
    pub(crate) truth: TruthFlags,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
}

/// Where the requests go.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetFlags {
    /// Host of the target
    #[arg(short = 'a', long, alias = "address", default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Port of the target
    #[arg(short = 'p', long, default_value_t = 9000)]
    pub(crate) port: u16,
    /// Speaks RESP3 (HELLO 3)
    #[arg(long)]
    pub(crate) resp3: bool,
    /// File whose one line is the target's password; without it HEDGEROW_PASSWORD in the environment is
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// A connection that waits longer for an answer is closed and made again
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "10")]
    pub(crate) timeout: Duration,
    /// Runs the same work on this server too, in turn; may be repeated
    ///
    /// The targets take turns, A B A B, with the same seeded work, and the result is the ratio of each to the first one
    /// with the spread over the rounds.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) against: Vec<String>,
    /// Rounds of a comparison
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Starts a kv-server of its own and makes it the target
    ///
    /// It is the kv-server beside this program, or the one at PATH, at a free port of 127.0.0.1, and ends with this
    /// program. In --fault it is called server.
    #[arg(
        long,
        value_name = "PATH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with = "port"
    )]
    pub(crate) start_server: Option<String>,
}

/// How many requests, how fast and how long.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Load")]
pub(crate) struct LoadFlags {
    /// Connections
    #[arg(short = 'c', long, value_name = "N", default_value_t = 50)]
    pub(crate) connections: usize,
    /// Requests in flight on each connection
    #[arg(short = 'P', long, value_name = "N", default_value_t = 1)]
    pub(crate) pipeline: usize,
    /// Threads, each with a part of the connections
    #[arg(short = 't', long, value_name = "N", default_value_t = 1)]
    pub(crate) threads: usize,
    /// Requests a second of an open loop: 50k, a ramp 10k..200k/30s, or stages with commas
    ///
    /// Each stage is a rate, or a ramp A..B, with its time behind a slash; only the last one may go on without end:
    /// 10k/5s,20k/5s,10k..200k/30s,50k. Latency counts from when a request was due. Not more than -P requests wait on one
    /// of the -c connections; what is due beyond waits in front of them, and its latency grows.
    #[arg(long, value_name = "RATE")]
    pub(crate) rate: Option<String>,
    /// Random arrivals (a Poisson process) instead of evenly spaced ones
    #[arg(long, requires = "rate")]
    pub(crate) poisson: bool,
    /// Ends after so many requests
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) requests: Option<u64>,
    /// Ends after this time [default: 10 s, the time of --rate's stages, or without bound with -n]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) duration: Option<Duration>,
    /// Time before the measurement [default: 1 s, or 0 with -n]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) warmup: Option<Duration>,
}

/// What the requests are.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Work")]
pub(crate) struct WorkFlags {
    /// GETs to SETs [default: 9:1]
    #[arg(long, value_name = "READS:WRITES", conflicts_with_all = ["command", "mix", "ycsb"])]
    pub(crate) ratio: Option<String>,
    /// Commands with their weights: get=80,set=15,mget=5
    ///
    /// Commands: get, set, ping, mget, mset, del, exists, put, query, delete, range, json.set, json.get, incr, insert (a new
    /// key) and rmw (a GET, and then a SET of the same key).
    #[arg(long, value_name = "NAME=WEIGHT,...", conflicts_with_all = ["command", "ycsb"])]
    pub(crate) mix: Option<String>,
    /// A workload of YCSB by its letter, A to F
    ///
    /// A: 50 % updates. B: 5 % updates. C: reads. D: reads of the latest, 5 % inserts. E: RANGE of 1 to 100, 5 % inserts.
    /// F: 50 % read-modify-write. Keys are zipfian, values have 1,000 bytes unless -d tells another size.
    #[arg(long, value_name = "LETTER", conflicts_with = "command")]
    pub(crate) ycsb: Option<String>,
    /// Only this command: a name as for --mix, or a request with blanks and {key}, {value}, ...; may be repeated
    ///
    /// A request may begin with its share, '90% GET {key}', and quotes keep blanks together. Holes: {key} (drawn anew each
    /// time), {samekey}, {newkey}, {last} (behind all keys), {value}, {int:1..100}, {float}, {seq}, {doc} and {json} (a
    /// document as create-data makes them, in set notation or JSON).
    #[arg(long, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// Bytes of a value: 64, 10..1000, or a histogram 64:90,1024:9,65536:1 [default: 64]
    #[arg(
        short = 'd',
        long,
        value_name = "BYTES",
        help = "Bytes of a value: 64, 10..1000, 64:90,1024:9,65536:1 or @FILE [default: 64]"
    )]
    pub(crate) data_size: Option<String>,
    /// Keys are drawn from so many
    #[arg(short = 'r', long = "keys", value_name = "N", default_value_t = 100_000)]
    pub(crate) keys: u64,
    /// How keys are drawn: uniform, zipfian, gaussian, latest, sequential or hot
    ///
    /// zipfian or zipfian:THETA has hot keys, scattered over all; without THETA 0.99 as in YCSB. gaussian:PERCENT lies
    /// around the middle, with a deviation of 10 percent of the keys. latest:THETA is zipfian by age. hot:20:80 sends
    /// 80 % of the requests to 20 % of the keys. Without this flag keys are uniform.
    #[arg(long, value_name = "NAME")]
    pub(crate) distribution: Option<String>,
    /// What every key begins with
    #[arg(long, value_name = "TEXT", default_value = "key:")]
    pub(crate) key_prefix: String,
    /// Takes keys and documents from a file of create-data
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    pub(crate) records: Option<PathBuf>,
    /// Keys of one mget, mset, del or exists
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) keys_per_request: u64,
    /// Sets every key before, so that reads hit; another command than SET after =
    #[arg(long, value_name = "COMMAND", num_args = 0..=1, require_equals = true, default_missing_value = "set")]
    pub(crate) prefill: Option<String>,
    /// Draws the same keys, commands, sizes and arrivals in every run with the same number
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Connections that misbehave, beside those that work.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Storms")]
pub(crate) struct StormFlags {
    /// Connections that say nothing
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) idle: u64,
    /// Connections that send half a request and then nothing
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) half_open: u64,
    /// Connections that send a request byte by byte, one a second
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) slowloris: u64,
    /// Connections that ask for much and read 2.5 kB a second
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) slow_readers: u64,
    /// Connects that come all at once when the measurement begins, or spread over a time: 5000/10s
    #[arg(long, value_name = "N[/TIME]")]
    pub(crate) connect_storm: Option<String>,
    /// Every connection is closed and made anew after so many requests
    #[arg(long, value_name = "N")]
    pub(crate) churn: Option<u64>,
}

/// What is checked, and what is done to servers.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Truth and faults")]
pub(crate) struct TruthFlags {
    /// Checks the value that every GET brings, counts lost and stale writes, and reads all keys back at the end
    ///
    /// Values carry their key, this run and the number of the write. A GET must not bring less than a write that was
    /// answered before it was sent; one without a good answer may be there or not.
    #[arg(long)]
    pub(crate) verify: bool,
    /// Does something to a server while the load goes on: '10s kill -STOP PID for 2s'; may be repeated
    ///
    /// TIME kill [-SIGNAL] PID|server [for TIME], or TIME start server. Times count from the beginning of the measurement.
    /// The result tells how long answers were missing and what was lost; --html marks it.
    #[arg(long, value_name = "SCRIPT")]
    pub(crate) fault: Vec<String>,
    /// Tells the CPU time of this process per request too; may be repeated
    #[arg(long = "pid", value_name = "PID")]
    pub(crate) pids: Vec<u32>,
}

/// How the result is shown.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputFlags {
    /// Writes the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Writes a line for every slice of time
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Writes a log for the tools of HdrHistogram
    #[arg(long, value_name = "FILE")]
    pub(crate) hdr: Option<PathBuf>,
    /// Writes a page with plots
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Length of a slice of time [default: a hundredth of the run, 100 ms to 10 s]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) interval: Option<Duration>,
    /// No progress line
    #[arg(short = 'q', long)]
    pub(crate) quiet: bool,
}

fn parse_time(text: &str) -> Result<Duration, String> {
    parse_seconds(text).map(Duration::from_secs_f64)
}
