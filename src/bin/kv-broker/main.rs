//! `kv-broker`: spreads records over servers, keeps k copies of each, and asks you what to do.

mod embedded;
mod feeds;
mod input;
mod options;
mod progress;
mod servers;

use clap::Parser;
use hedgerow::broker::Broker;
use hedgerow::broker::engine::EngineConfig;
use hedgerow::reactor::{Reactor, raise_open_files};
use options::Options;
use std::process::ExitCode;

const FAILED: u8 = 1;
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let options = Options::parse();
    match serve(&options) {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(FAILED)),
        Err(reason) => {
            eprintln!("kv-broker: {reason}");
            ExitCode::from(USAGE)
        }
    }
}

/// Prepares everything that can fail before any work, then serves the console until it ends.
fn serve(options: &Options) -> Result<i32, String> {
    let _log = options.start_log()?;
    raise_open_files();
    let (named, embedded) = match &options.servers {
        Some(path) => (servers::read(path)?, None),
        None => {
            let cluster = embedded::start(options.embedded_servers)?;
            (cluster.addresses(), Some(cluster))
        }
    };
    let password = options.password()?;
    let replicas = options.replicas(named.len())?;
    let input = input::open(options)?;
    eprintln!("{}", servers::tolerance(named.len(), replicas));
    if let Some(cluster) = &embedded {
        cluster.announce(options);
    }
    let mut reactor = Reactor::new(1).map_err(|error| format!("cannot start: {error}"))?;
    reactor.catch_signals().map_err(|error| format!("cannot watch for signals: {error}"))?;
    let process = rand::random::<u32>().max(1);
    let usual = EngineConfig::new(named, replicas, process, rand::random());
    let config = EngineConfig { password, ..usual };
    let mut broker = Broker::new(config, input.as_ref().map(|input| input.config.clone()));
    let _restore = feeds::connect(&mut reactor, options, input)
        .map_err(|error| format!("the console cannot be opened: {error}"))?;
    let status = reactor.run(&mut broker).map_err(|error| format!("cannot wait for events: {error}"))?;
    if let Some(cluster) = embedded {
        cluster.stop();
    }
    Ok(status)
}
