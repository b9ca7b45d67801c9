//! `kv-server`: serves records from memory, to clients that speak Redis' protocol and to brokers.

mod bounds;

use bounds::Bounds;
use clap::{Parser, ValueEnum};
use hedgerow::limits;
use hedgerow::reactor::{Reactor, Usage, clients_max, logging, raise_open_files};
use hedgerow::server::{ProcessFigures, RequestLog, Server, ServerConfig};
use log::LevelFilter;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  kv-server                                    on 127.0.0.1:9000, for this machine only
  kv-server -a 127.0.0.1 -p 0                  on a free port; the line on standard output names it
  kv-server -a 10.0.0.5 -p 9000 --insecure     for every machine that reaches this address; nobody is asked who he is
  kv-server --request-log all --log-file kv.log
  redis-cli -p 9000 SET greeting hello         any Redis client will do

Everything is kept in memory: what the server held is gone when it ends, and a broker's cluster refills it.
SIGTERM and Ctrl-C end it: replies in flight are sent first, for at most 2 seconds. A second one ends it at once.

Exit status: 0 ended as asked; 1 failed while serving, or ended by a second signal; 2 wrong usage, or the address or the
log file cannot be used: nothing was served.

Sizes are bytes, or have a unit as in Redis: 1k is 1000, 1kb is 1024; so m, mb, g, gb. The limits bind clients, not the
brokers of a cluster.";

/// A server of records: documents and strings, in memory, for brokers and for Redis clients.
#[derive(Debug, Parser)]
#[command(name = "kv-server", version, after_help = EXAMPLES, args_override_self = true)]
struct Options {
    /// Address or name to listen on
    #[arg(short, long, value_name = "HOST", default_value = "127.0.0.1")]
    address: String,
    /// Port to listen on; 0 picks a free one
    #[arg(short, long, default_value_t = 9000)]
    port: u16,
    /// Listen on an address that other machines can reach, though there is no password
    #[arg(long)]
    insecure: bool,
    /// Most clients at once; fewer if the system allows fewer open files
    #[arg(long, value_name = "N", default_value_t = limits::CLIENTS_MAX_DEFAULT as u64, value_parser = clap::value_parser!(u64).range(1..))]
    max_clients: u64,
    /// Which requests are logged; sampled: up to 200 a second, then their number
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = Logged::Sampled)]
    request_log: Logged,
    /// Where the log goes, appended; without it to standard error
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// What is logged: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: LevelFilter,
    #[command(flatten)]
    bounds: Bounds,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Logged {
    All,
    Sampled,
    Off,
}

const FAILED: u8 = 1;
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let options = Options::parse();
    let (mut reactor, mut server, _log) = match prepare(&options) {
        Ok(prepared) => prepared,
        Err(reason) => {
            eprintln!("kv-server: {reason}");
            return ExitCode::from(USAGE);
        }
    };
    match reactor.run(&mut server) {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(FAILED)),
        Err(error) => {
            eprintln!("kv-server: cannot wait for events: {error}");
            ExitCode::from(FAILED)
        }
    }
}

/// Everything that can fail before the first client.
fn prepare(options: &Options) -> Result<(Reactor, Server, logging::LogGuard), String> {
    let asked = address(options)?;
    let log = logging::start(options.log_level, options.log_file.as_deref())
        .map_err(|error| format!("the log cannot be started{}: {error}", named(options)))?;
    let wanted = usize::try_from(options.max_clients).unwrap_or(usize::MAX);
    let clients_max = clients_max(wanted, raise_open_files());
    let mut reactor = Reactor::new(clients_max).map_err(|error| format!("cannot start: {error}"))?;
    let limits = options.bounds.limits();
    reactor.set_limits(limits);
    reactor.catch_signals().map_err(|error| format!("cannot watch for signals: {error}"))?;
    let listen = reactor.listen(asked).map_err(|error| format!("cannot listen on {asked}: {error}"))?;
    let config = ServerConfig {
        listen,
        clients_max,
        limits,
        request_log: match options.request_log {
            Logged::All => RequestLog::All,
            Logged::Sampled => RequestLog::Sampled,
            Logged::Off => RequestLog::Off,
        },
        process_id: std::process::id(),
        figures,
        ..ServerConfig::new(rand::random())
    };
    let server = Server::new(config, reactor.now());
    if (clients_max as u64) < options.max_clients {
        log::warn!("at most {clients_max} clients: the system allows no more open files");
    }
    announce(listen);
    Ok((reactor, server, log))
}

/// Where to listen.
fn address(options: &Options) -> Result<SocketAddr, String> {
    let host = options.address.trim_start_matches('[').trim_end_matches(']');
    let address = (host, options.port)
        .to_socket_addrs()
        .map_err(|error| format!("the address {host} cannot be used: {error}"))?
        .next()
        .ok_or_else(|| format!("the name {host} has no address"))?;
    if !address.ip().is_loopback() && !options.insecure {
        let ip = address.ip();
        return Err(format!(
            "{ip} can be reached from other machines, and there is no password: add --insecure to listen on it"
        ));
    }
    Ok(address)
}

fn named(options: &Options) -> String {
    options.log_file.as_ref().map_or_else(String::new, |file| format!(" in {}", file.display()))
}

/// Tells whoever started this where clients connect. Whether anybody reads it is no matter.
fn announce(listen: SocketAddr) {
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "kv-server ready on {listen}").and_then(|()| stdout.flush());
}

fn figures() -> ProcessFigures {
    let Usage { resident_bytes, cpu_user, cpu_system } = Usage::read();
    ProcessFigures { resident_bytes, cpu_user, cpu_system }
}
