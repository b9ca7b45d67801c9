//! `loadtest`: request storms against any RESP server, with honest percentiles.
//!
//! ```text
//!  options ──► settings ──► session ──► load: team ◄──► engine ◄──► connection     one thread each, with its reactor
//!   flags       Job            │          │                 │
//!                              │          │ slices          └─ work: plan, templates, keys, values
//!                              ▼          ▼
//!                           faults     show: record ──► table, json, csv, hdr, page
//!                                        ▲
//!                                      truth: tally, ledger, silence, cpu
//! ```

mod against;
mod faults;
mod load;
mod options;
mod session;
mod settings;
mod show;
mod truth;
mod work;

use std::fs::File;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser as _;
use faults::Faults;
use faults::server::OwnServer;
use load::run::Ending;
use options::{Options, OutputFlags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use settings::Settings;
use show::csv::CsvFile;
use show::hdr::HdrFile;
use show::live::{Length, Live};
use show::record::Record;
use show::{Shows, page, result, table};
use signal_hook::consts::{SIGINT, SIGTERM};

const SOME_FAILED: u8 = 1;
const USAGE: u8 = 2;
/// What shells report of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;
/// Open files that are no connections, and those of each thread.
const OTHER_FILES: u64 = 24;
const THREAD_FILES: u64 = 4;

fn main() -> ExitCode {
    let options = Options::parse();
    match options.settings().and_then(measure) {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("loadtest: {reason}");
            ExitCode::from(USAGE)
        }
    }
}

/// Connects, fills, measures and reports. The error is one that came before any measurement.
fn measure(mut settings: Settings) -> Result<ExitCode, String> {
    let job = &settings.job;
    let connections = job.wiring.connections as u64 + job.wiring.crowd.total();
    raise_file_limit(connections + OTHER_FILES + THREAD_FILES * job.threads as u64)?;
    let stop = listen_to_signals()?;
    let mut shows = shows(&settings.output)?;
    let server = match settings.start_server.take() {
        Some(path) => {
            Some(OwnServer::start(Some(path.as_path()).filter(|path| !path.as_os_str().is_empty()))?)
        }
        None => None,
    };
    if let Some(server) = &server {
        settings.target.name = server.address().to_string();
        settings.job.wiring.addresses = vec![server.address()];
        settings.job.pids.push(server.pid());
    }
    let mut faults = Faults::new(std::mem::take(&mut settings.faults), server);
    if !settings.others.is_empty() {
        return compare(&settings, &stop, &mut faults, &mut shows);
    }
    let length = Length { duration: settings.job.duration, requests: settings.job.requests };
    shows.live.begin(String::new(), length);
    let record = session::run(&settings.job, &settings.target.name, &stop, &mut faults, &mut shows)?;
    shows.page(settings.output.html.as_deref(), || page::of_run(&settings.echo, &record));
    print(&match settings.output.json {
        true => result::object(&settings.echo, &record).end() + "\n",
        false => table::table(&settings.echo, &record),
    })?;
    Ok(ExitCode::from(shows.status(status(&record))))
}

/// The same with several targets in turn.
fn compare(
    settings: &Settings,
    stop: &Arc<AtomicBool>,
    faults: &mut Faults,
    shows: &mut Shows,
) -> Result<ExitCode, String> {
    let comparison = against::run(settings, stop, faults, shows)?;
    shows.page(settings.output.html.as_deref(), || {
        page::of_comparison(&settings.echo, &comparison, &comparison.table(settings))
    });
    print(&match settings.output.json {
        true => comparison.json(settings) + "\n",
        false => comparison.table(settings),
    })?;
    let status = match stop.load(Ordering::Relaxed) {
        true => INTERRUPTED,
        false => u8::from(comparison.failed()) * SOME_FAILED,
    };
    Ok(ExitCode::from(shows.status(status)))
}

fn print(text: &str) -> Result<(), String> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| format!("standard output: {error}"))
}

fn status(record: &Record) -> u8 {
    match record.closing.ending {
        Ending::Interrupted => INTERRUPTED,
        Ending::TargetGone => SOME_FAILED,
        Ending::Finished if record.failed() => SOME_FAILED,
        Ending::Finished => 0,
    }
}

fn shows(output: &OutputFlags) -> Result<Shows, String> {
    if let Some(path) = &output.html {
        // Found out now that it cannot be written, and not after the run.
        File::create(path).map_err(|error| format!("--html {}: {error}", path.display()))?;
    }
    let csv = output.csv.as_deref().map(CsvFile::create).transpose()?;
    let hdr = output.hdr.as_deref().map(HdrFile::create).transpose()?;
    Ok(Shows { live: Live::new(!output.quiet), csv, hdr, error: None })
}

/// The first signal asks for a report, a second one does not wait for it.
fn listen_to_signals() -> Result<Arc<AtomicBool>, String> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| format!("signals: {error}"))?;
    }
    Ok(stop)
}

/// Lets this process open `wanted` files, if the system does.
fn raise_file_limit(wanted: u64) -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < wanted) {
        let most = limit.maximum.unwrap_or_default();
        return Err(format!(
            "{wanted} open files are needed for these connections, and this process may have {most} (ulimit -Hn)"
        ));
    }
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).map_err(|error| format!("raising the limit of open files: {error}"))
}
