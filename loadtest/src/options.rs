//! The command line, and what of it makes no sense.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use clap::Parser;

use crate::cpu;
use crate::engine::{Goal, Wiring};
use crate::requests::{KEYS_MAX, Keys, Operation, Plan, Template, Words};

const EXAMPLES: &str = "\
A closed loop: every connection sends a batch of -P requests and, when all of them are answered, the next.
Keys are the prefix and twelve digits, as redis-benchmark writes them; a value begins with the digits of its
key, which --verify checks. Error replies are neither counted as requests nor as latencies.

Examples:
  loadtest -p 9000 --prefill                             9 reads to 1 write, 50 connections, 10 seconds
  loadtest -p 6379 --command get -P 16 --prefill --json  one JSON object on standard output
  loadtest -p 9000 --ratio 1:1 -d 1000 -r 1000000 -n 5000000 --prefill --verify
  loadtest -p 9000 --command 'PUT {key} {\"v\":\"{value}\"}' --pid $(pidof kv-server)

Exit status: 0 done; 1 some request failed; 2 wrong usage or nothing reachable, before any measurement;
130 ended by Ctrl-C, with a report of what was measured until then.";

/// Request storms against any RESP server, with honest percentiles.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version, after_help = EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct Options {
    /// Host of the target
    #[arg(short = 'a', long, alias = "address", default_value = "127.0.0.1")]
    host: String,
    /// Port of the target
    #[arg(short = 'p', long, default_value_t = 9000)]
    port: u16,
    /// Connections, all driven by one thread
    #[arg(short = 'c', long, value_name = "N", default_value_t = 50)]
    connections: usize,
    /// Requests in flight on each connection
    #[arg(short = 'P', long, value_name = "N", default_value_t = 1)]
    pipeline: usize,
    /// GETs to SETs
    #[arg(long, value_name = "READS:WRITES", default_value = "9:1", conflicts_with = "command")]
    ratio: String,
    /// Only this: get, set, ping, mget, mset, del, exists, or a request with blanks, {key} and {value}
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// Bytes of a value
    #[arg(short = 'd', long, value_name = "BYTES", default_value_t = 64)]
    data_size: usize,
    /// Keys are drawn from so many, each alike
    #[arg(short = 'r', long = "keys", value_name = "N", default_value_t = 100_000)]
    keys: u64,
    /// What every key begins with
    #[arg(long, value_name = "TEXT", default_value = "key:")]
    key_prefix: String,
    /// Keys of one mget, mset, del or exists
    #[arg(long, value_name = "N", default_value_t = 10)]
    keys_per_request: u64,
    /// Ends after so many requests
    #[arg(short = 'n', long, value_name = "N")]
    requests: Option<u64>,
    /// Ends after so many seconds [default: 10, or without bound with -n]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    duration: Option<Duration>,
    /// Seconds before the measurement [default: 1, or 0 with -n]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    warmup: Option<Duration>,
    /// Sets every key before, so that GETs hit; another command than SET after =
    #[arg(long, value_name = "COMMAND", num_args = 0..=1, require_equals = true, default_missing_value = "set")]
    prefill: Option<String>,
    /// Compares the values that GETs bring with those that were set
    #[arg(long)]
    verify: bool,
    /// Draws the same keys in every run with the same number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A connection that waits longer for an answer is closed and made again
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "10")]
    timeout: Duration,
    /// Speaks RESP3 (HELLO 3)
    #[arg(long)]
    resp3: bool,
    /// Tells the CPU time of this process per request too; may be repeated
    #[arg(long = "pid", value_name = "PID")]
    pids: Vec<u32>,
    /// Writes the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress line
    #[arg(short = 'q', long)]
    pub(crate) quiet: bool,
}

/// A command line that makes sense, in terms of the engine.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) wiring: Wiring,
    pub(crate) goal: Goal,
    pub(crate) plan: Plan,
    /// What is sent first, and how many of it.
    pub(crate) prefill: Option<(Plan, u64)>,
    /// Echoed in the result.
    pub(crate) echo: Echo,
}

/// What of the settings is told in the result.
#[derive(Clone, Debug)]
pub(crate) struct Echo {
    pub(crate) target: String,
    pub(crate) workload: String,
    pub(crate) connections: usize,
    pub(crate) pipeline: usize,
    pub(crate) data_bytes: usize,
    pub(crate) keys: u64,
    pub(crate) seed: u64,
}

const CONNECTIONS_MAX: usize = 1_000_000;
const PIPELINE_MAX: usize = 100_000;
const VALUE_BYTES_MAX: usize = 512 << 20;
const BATCH_BYTES_MAX: usize = 1 << 30;
const KEYS_PER_REQUEST_MAX: u64 = 100_000;
const KEY_PREFIX_BYTES_MAX: usize = 60_000;

impl Options {
    /// Says what is wrong, or what is to be done.
    pub(crate) fn settings(&self) -> Result<Settings, String> {
        self.check_numbers()?;
        let (plan, workload) = self.plan()?;
        if self.verify && !plan.operations.iter().any(|one| one.name == "get") {
            return Err("--verify compares the values of GET, and there is no GET".to_owned());
        }
        let addresses = self.addresses()?;
        for &pid in &self.pids {
            cpu::of_process(pid).ok_or(format!("--pid {pid}: its CPU time cannot be read"))?;
        }
        let counted = self.requests.is_some();
        let default_warmup = Duration::from_secs(u64::from(!counted));
        let default_duration = (!counted).then_some(Duration::from_secs(10));
        Ok(Settings {
            wiring: Wiring {
                addresses,
                connections: self.connections,
                pipeline: self.pipeline,
                timeout: self.timeout,
                resp3: self.resp3,
                pids: self.pids.clone(),
            },
            goal: Goal {
                warmup: self.warmup.unwrap_or(default_warmup),
                duration: self.duration.or(default_duration),
                requests: self.requests,
            },
            plan,
            prefill: self.prefill_plan()?,
            echo: Echo {
                target: format!("{}:{}", self.host, self.port),
                workload,
                connections: self.connections,
                pipeline: self.pipeline,
                data_bytes: self.data_size,
                keys: self.keys,
                seed: self.seed,
            },
        })
    }

    fn check_numbers(&self) -> Result<(), String> {
        let in_range = |name: &str, value: u64, least: u64, most: u64| match value {
            0 if least > 0 => Err(format!("{name} 0: at least {least} is needed")),
            value if value < least || value > most => {
                Err(format!("{name} {value}: not in {least} to {most}"))
            }
            _ => Ok(()),
        };
        in_range("-p", u64::from(self.port), 1, 65_535)?;
        in_range("-c", self.connections as u64, 1, CONNECTIONS_MAX as u64)?;
        in_range("-P", self.pipeline as u64, 1, PIPELINE_MAX as u64)?;
        in_range("-d", self.data_size as u64, 0, VALUE_BYTES_MAX as u64)?;
        in_range("-r", self.keys, 1, KEYS_MAX)?;
        in_range("-n", self.requests.unwrap_or(1), 1, u64::MAX - 1)?;
        in_range("--keys-per-request", self.keys_per_request, 1, KEYS_PER_REQUEST_MAX)?;
        if self.duration.is_some_and(|duration| duration.is_zero()) {
            return Err("--duration 0: nothing can be measured in no time".to_owned());
        }
        if self.timeout.is_zero() {
            return Err("--timeout 0: no answer comes in no time".to_owned());
        }
        // Before any request is made: its template holds the values already.
        let many = self.command.as_ref().is_some_and(|command| command.eq_ignore_ascii_case("mset"));
        let values = if many { self.keys_per_request as usize } else { 1 };
        if self.data_size.saturating_mul(values).saturating_mul(self.pipeline) > BATCH_BYTES_MAX {
            return Err(format!("-P times the values of a request is above {BATCH_BYTES_MAX} bytes"));
        }
        if self.key_prefix.len() > KEY_PREFIX_BYTES_MAX {
            return Err(format!("--key-prefix: longer than {KEY_PREFIX_BYTES_MAX} bytes"));
        }
        Ok(())
    }

    fn words(&self) -> Words<'_> {
        let Options { key_prefix, data_size, keys_per_request, .. } = self;
        Words { key_prefix, value_bytes: *data_size, keys: *keys_per_request }
    }

    fn operation(&self, flag: &str, command: &str) -> Result<Operation, String> {
        let template = Template::named(command, self.words()).map_err(|error| format!("{flag}: {error}"))?;
        let whole = command.trim().contains(char::is_whitespace);
        let name = if whole { command.trim().to_owned() } else { command.to_ascii_lowercase() };
        Ok(Operation { name, template })
    }

    fn plan(&self) -> Result<(Plan, String), String> {
        let (operations, first_of_2_32, workload) = match &self.command {
            Some(command) => {
                let operation = self.operation("--command", command)?;
                let workload = operation.name.clone();
                (vec![operation], 1 << 32, workload)
            }
            None => {
                let (reads, writes) = parse_ratio(&self.ratio)?;
                let (get, set) = (self.operation("--ratio", "get")?, self.operation("--ratio", "set")?);
                let share = (u128::from(reads) << 32) / (u128::from(reads) + u128::from(writes));
                let operations = match (reads, writes) {
                    (_, 0) => vec![get],
                    (0, _) => vec![set],
                    _ => vec![get, set],
                };
                (operations, share as u64, format!("get:set {reads}:{writes}"))
            }
        };
        let keys = Keys::Uniform { state: self.seed, range: self.keys };
        let verify = self.verify.then_some(self.data_size);
        let mix = self.seed.wrapping_mul(0xD605_BBB5_8C8A_BBFD) ^ 0x5851_F42D_4C95_7F2D;
        Ok((Plan { operations, first_of_2_32, keys, mix, verify }, workload))
    }

    fn prefill_plan(&self) -> Result<Option<(Plan, u64)>, String> {
        let Some(command) = &self.prefill else { return Ok(None) };
        let operation = self.operation("--prefill", command)?;
        if !operation.template.has_key() {
            return Err(format!("--prefill={command}: writes no {{key}}"));
        }
        if command.eq_ignore_ascii_case("mset") || command.matches("{key}").count() > 1 {
            return Err(format!("--prefill={command}: one key a request is needed"));
        }
        let keys = Keys::InOrder { next: 0 };
        let plan = Plan { operations: vec![operation], first_of_2_32: 1 << 32, keys, mix: 0, verify: None };
        Ok(Some((plan, self.keys)))
    }

    fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        let host = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host);
        let found = (host, self.port).to_socket_addrs().map_err(|error| format!("{}: {error}", self.host))?;
        Ok(found.collect())
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let number: f64 =
        text.strip_suffix('s').unwrap_or(text).parse().map_err(|_| "not a number of seconds")?;
    let days_max = 366.0;
    if !(0.0..=days_max * 86_400.0).contains(&number) {
        return Err("not in 0 seconds to a year".to_owned());
    }
    Ok(Duration::from_secs_f64(number))
}

fn parse_ratio(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("--ratio {text}: expected reads:writes, such as 9:1");
    let (reads, writes) = text.split_once(':').ok_or_else(wrong)?;
    let pair = (reads.parse().map_err(|_| wrong())?, writes.parse().map_err(|_| wrong())?);
    if pair == (0, 0) {
        return Err(format!("--ratio {text}: neither reads nor writes are left"));
    }
    Ok(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(line: &str) -> Result<Settings, String> {
        let words = std::iter::once("loadtest").chain(line.split_whitespace());
        Options::try_parse_from(words).map_err(|error| error.to_string())?.settings()
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for (line, reason) in [
            ("-c 0", "-c 0: at least 1"),
            ("-P 0", "-P 0: at least 1"),
            ("-r 0", "-r 0: at least 1"),
            ("-n 0", "-n 0: at least 1"),
            ("-p 0", "-p 0: at least 1"),
            ("-d 536870913", "-d 536870913: not in"),
            ("-d 536870912 -P 3", "-P times the values"),
            ("-d 1000000 -P 2 --command mset --keys-per-request 1000", "-P times the values"),
            ("--duration 0", "--duration 0: nothing"),
            ("--duration x", "not a number of seconds"),
            ("--duration -1", "not in 0 seconds"),
            ("--duration NaN", "not in 0 seconds"),
            ("--timeout 0", "--timeout 0"),
            ("--ratio 0:0", "neither reads nor writes"),
            ("--ratio 9", "expected reads:writes"),
            ("--ratio=-1:1", "expected reads:writes"),
            ("--ratio 1:1 --command get", "cannot be used with"),
            ("--command gte", "--command: unknown command"),
            ("--command ping --verify", "there is no GET"),
            ("--prefill=ping", "writes no {key}"),
            ("--prefill=mset", "one key a request"),
            ("--keys-per-request 0", "--keys-per-request 0"),
            ("--pid 4294967295", "--pid 4294967295"),
            ("-c -3", "invalid value '-3'"),
        ] {
            let error = settings(line).expect_err(line);
            assert!(error.contains(reason), "{line}: {error}");
        }
    }

    #[test]
    fn defaults_depend_on_what_ends_the_run() {
        let timed = settings("").unwrap();
        assert_eq!((timed.goal.duration, timed.goal.requests), (Some(Duration::from_secs(10)), None));
        assert_eq!(timed.goal.warmup, Duration::from_secs(1));
        assert_eq!(timed.echo.workload, "get:set 9:1");
        let counted = settings("-n 5").unwrap();
        assert_eq!((counted.goal.duration, counted.goal.requests), (None, Some(5)));
        assert_eq!(counted.goal.warmup, Duration::ZERO);
        let both = settings("-n 5 --duration 2.5s --warmup 0.5").unwrap();
        assert_eq!((both.goal.duration, both.goal.requests), (Some(Duration::from_millis(2_500)), Some(5)));
        assert_eq!(both.goal.warmup, Duration::from_millis(500));
        assert_eq!(settings("--ratio 1:0").unwrap().plan.operations.len(), 1);
        assert_eq!(settings("--ratio 0:1").unwrap().plan.operations[0].name, "set");
        assert_eq!(settings("-r 7 --prefill").unwrap().prefill.unwrap().1, 7);
    }
}
