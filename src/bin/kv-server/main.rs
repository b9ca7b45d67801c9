//! `kv-server`: serves records from memory, to clients that speak Redis' protocol and to brokers.

mod bounds;
mod options;
mod settings;
mod systemd;

use hedgerow::password::Password;
use hedgerow::reactor::{Reactor, Usage, clients_max, logging, raise_open_files, secret, stopwatch};
use hedgerow::server::{Policy, ProcessFigures, RequestLog, Server, ServerConfig};
use hedgerow::time::Span;
use options::{Logged, Options};
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

const FAILED: u8 = 1;
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let options = match settings::read(std::env::args_os(), std::env::vars_os()) {
        Ok(options) => options,
        Err(error) => error.exit(),
    };
    let (mut reactor, mut server, _log) = match prepare(&options) {
        Ok(prepared) => prepared,
        Err(reason) => {
            eprintln!("kv-server: {reason}");
            return ExitCode::from(USAGE);
        }
    };
    let ended = reactor.run(&mut server);
    systemd::notify("STOPPING=1\n");
    match ended {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(FAILED)),
        Err(error) => {
            eprintln!("kv-server: cannot wait for events: {error}");
            ExitCode::from(FAILED)
        }
    }
}

/// Everything that can fail before the first client.
fn prepare(options: &Options) -> Result<(Reactor, Server, logging::LogGuard), String> {
    let password = secret::read(options.password_file.as_deref(), secret::VARIABLE)?;
    let password = password.and_then(|password| Password::new(&password));
    let asked = address(options, password.is_some())?;
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
        memory_max: options.maxmemory,
        policy: Policy::named(&options.maxmemory_policy).expect("the flag takes known names only"),
        password,
        request_log: match options.request_log {
            Logged::All => RequestLog::All,
            Logged::Sampled => RequestLog::Sampled,
            Logged::Off => RequestLog::Off,
        },
        process_id: std::process::id(),
        figures,
        stopwatch,
        debug_sleep: options.enable_debug_command.then_some(sleep),
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
fn address(options: &Options, has_password: bool) -> Result<SocketAddr, String> {
    let host = options.address.trim_start_matches('[').trim_end_matches(']');
    let address = (host, options.port)
        .to_socket_addrs()
        .map_err(|error| format!("the address {host} cannot be used: {error}"))?
        .next()
        .ok_or_else(|| format!("the name {host} has no address"))?;
    if !address.ip().is_loopback() && !options.insecure && !has_password {
        let ip = address.ip();
        return Err(format!(
            "{ip} can be reached from other machines, and there is no password: name a --password-file, or add \
             --insecure to listen on it"
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
    systemd::notify(&format!("READY=1\nSTATUS=serving on {listen}\n"));
}

/// What DEBUG SLEEP asks for: the whole server stands still.
#[expect(clippy::disallowed_methods, reason = "standing still is the point")]
fn sleep(span: Span) {
    std::thread::sleep(Duration::from_micros(span.as_micros()));
}

fn figures() -> ProcessFigures {
    let Usage { resident_bytes, cpu_user, cpu_system } = Usage::read();
    ProcessFigures { resident_bytes, cpu_user, cpu_system }
}
