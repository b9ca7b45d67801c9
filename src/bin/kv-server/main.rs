//! `kv-server`: serves records from memory, to clients that speak Redis' protocol and to brokers.

mod bounds;
mod live;
mod options;
mod settings;
mod systemd;

use hedgerow::reactor::{Reactor, Usage, clients_max, logging, raise_open_files, stopwatch};
use hedgerow::server::{ProcessFigures, Server, ServerConfig};
use hedgerow::time::Span;
use live::Begun;
use options::Options;
use settings::Read;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

const FAILED: u8 = 1;
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let read = match settings::again(|note| eprintln!("note: {note}")) {
        Ok(read) => read,
        Err(error) => error.exit(),
    };
    let (mut reactor, mut server, _log) = match prepare(read) {
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
fn prepare(read: Read) -> Result<(Reactor, Server, logging::LogGuard), String> {
    let options = &read.options;
    let password = live::password(options)?;
    let asked = address(options, password.is_some())?;
    let log = logging::start(options.log_level, options.log_file.as_deref())
        .map_err(|error| format!("the log cannot be started{}: {error}", named(options)))?;
    let open_files = raise_open_files();
    let settings = live::settings_of(options, password, open_files);
    let mut reactor = Reactor::new(settings.clients_max).map_err(|error| format!("cannot start: {error}"))?;
    reactor.set_limits(settings.limits);
    reactor.set_entrance(settings.entrance());
    reactor
        .catch_signals()
        .and_then(|()| reactor.catch_reload())
        .map_err(|error| format!("cannot watch for signals: {error}"))?;
    let listen = reactor.listen(asked).map_err(|error| format!("cannot listen on {asked}: {error}"))?;
    if (settings.clients_max as u64) < options.max_clients {
        log::warn!("at most {} clients: the system allows no more open files", settings.clients_max);
    }
    let config = ServerConfig {
        listen,
        settings,
        clients_possible: clients_max(usize::MAX, open_files),
        reload: Some(live::reload),
        rewrite: read.file.is_some().then_some(live::rewrite),
        process_id: std::process::id(),
        figures,
        stopwatch,
        debug_sleep: options.enable_debug_command.then_some(sleep),
        ..ServerConfig::new(rand::random())
    };
    let server = Server::new(config, reactor.now());
    live::remember(Begun { read, listen: listen.ip(), open_files });
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
    live::check_reach(address.ip(), options, has_password)?;
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
