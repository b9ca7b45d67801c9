//! `loadtest`: request storms against any RESP server, with honest percentiles.
//!
//! ```text
//!  options ──► Settings ──► engine ◄──► connection ◄── replies      what comes
//!                             │             └───────── requests     what goes
//!                             ▼
//!                           tally, cpu ──► report ──► table or json
//! ```

mod connection;
mod cpu;
mod engine;
mod json;
mod options;
mod progress;
mod replies;
mod report;
mod requests;
mod tally;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Parser as _;
use engine::{Ending, Engine, Goal, Outcome};
use options::{Options, Settings};
use progress::Progress;
use report::Report;
use requests::Plan;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGINT, SIGTERM};

const SOME_FAILED: u8 = 1;
const USAGE: u8 = 2;
/// What shells report of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;
/// Open files that are no connections.
const OTHER_FILES: u64 = 16;

fn main() -> ExitCode {
    let options = Options::parse();
    match options.settings().and_then(|settings| measure(&options, settings)) {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("loadtest: {reason}");
            ExitCode::from(USAGE)
        }
    }
}

/// Connects, fills, measures and reports. The error is one that came before any measurement.
fn measure(options: &Options, settings: Settings) -> Result<ExitCode, String> {
    let Settings { wiring, goal, mut plan, prefill, mut echo } = settings;
    raise_file_limit(wiring.connections as u64 + OTHER_FILES)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The first signal asks for a report, a second one does not wait for it.
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&interrupted))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupted)))
            .map_err(|error| format!("signals: {error}"))?;
    }
    let progress = Progress::new(!options.quiet);
    let mut engine = Engine::connect(wiring, interrupted, progress)
        .map_err(|error| format!("{}: {error}", echo.target))?;
    echo.target = engine.address().to_string();
    let outcome = match prefill {
        Some((mut filling, keys)) => match fill(&mut engine, &mut filling, keys)? {
            Ending::Finished => run(&mut engine, &mut plan, goal)?,
            _ => return Err("interrupted while the keys were set".to_owned()),
        },
        None => run(&mut engine, &mut plan, goal)?,
    };
    let report = Report { echo: &echo, plan: &plan, outcome: &outcome };
    let text = if options.json { report.json() + "\n" } else { report.table() };
    io::stdout().write_all(text.as_bytes()).map_err(|error| format!("standard output: {error}"))?;
    Ok(match outcome.ending {
        Ending::Interrupted => ExitCode::from(INTERRUPTED),
        Ending::TargetGone => ExitCode::from(SOME_FAILED),
        Ending::Finished if outcome.tally.failures.any() => ExitCode::from(SOME_FAILED),
        Ending::Finished => ExitCode::SUCCESS,
    })
}

fn run(engine: &mut Engine, plan: &mut Plan, goal: Goal) -> Result<Outcome, String> {
    engine.run(plan, goal).map_err(|error| format!("waiting for answers: {error}"))
}

/// Sets every key once, or says why that failed.
fn fill(engine: &mut Engine, plan: &mut Plan, keys: u64) -> Result<Ending, String> {
    let goal = Goal { warmup: Duration::ZERO, duration: None, requests: Some(keys) };
    let outcome = run(engine, plan, goal)?;
    let failures = &outcome.tally.failures;
    if outcome.ending != Ending::Interrupted && (failures.any() || outcome.ending == Ending::TargetGone) {
        let example = failures.first_error.as_ref().or(failures.first_wrong.as_ref());
        let reason = example.map_or("connections were lost", String::as_str);
        return Err(format!("only {} of {keys} keys could be set: {reason}", outcome.tally.good()));
    }
    Ok(outcome.ending)
}

/// Lets this process open `wanted` files, if the system does.
fn raise_file_limit(wanted: u64) -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < wanted) {
        let most = limit.maximum.unwrap_or_default();
        return Err(format!("-c needs {wanted} open files, and this process may have {most} (ulimit -Hn)"));
    }
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).map_err(|error| format!("raising the limit of open files: {error}"))
}
