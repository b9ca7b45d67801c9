//! Many runs, on two threads; one run again.
//!
//! ```text
//!   cargo test --test sim                                       2,000 seeds
//!   SIM_SEEDS=200000 cargo test --release --test sim seeds      more; SIM_FIRST=n begins at n
//!   SIM_SEED=4711 cargo test --release --test sim replay -- --nocapture     one, with its trace
//!   SIM_AIM=Refills ...                                         runs that are aimed: see `aims`
//! ```

use crate::aims::Aim;
use crate::scenario::{Broken, Counters, Report, TOO_MANY_ORDERS, run};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds of an ordinary test run.
const SEEDS: u64 = 2_000;
/// ... and of each aim.
const AIMED_SEEDS: u64 = 100;
/// Every so many seeds one runs twice.
const TWICE_EVERY: u64 = 100;
const THREADS: usize = 2;
/// A long run says where it is every so many seeds.
const TOLD_EVERY: u64 = 5_000;

pub fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.replace('_', "").parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// What the runs are aimed at: `SIM_AIM`.
fn aim() -> Aim {
    std::env::var("SIM_AIM").map(|name| Aim::named(&name)).unwrap_or_default()
}

/// A run that cannot end the test program; a panic is a violation.
pub fn try_run(seed: u64, aim: Aim, broken: Broken) -> Report {
    catch_unwind(AssertUnwindSafe(|| run(seed, aim, broken, false))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let violation = Some(format!("panicked: {}", words.unwrap_or_default()));
        Report { hash: 0, counters: Counters::default(), violation }
    })
}

/// Runs the seeds from `first` on; ends early when `enough` runs were violated. The violations come in seed order.
pub fn sweep(
    first: u64,
    count: u64,
    aim: Aim,
    broken: Broken,
    enough: usize,
) -> (Counters, Vec<(u64, String)>, u64) {
    let (next, found) = (AtomicU64::new(first), AtomicU64::new(0));
    let work = || {
        let (mut counters, mut violations) = (Counters::default(), Vec::new());
        while found.load(Ordering::Relaxed) < enough as u64 {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                break;
            }
            let report = try_run(seed, aim, broken);
            counters.add(&report.counters);
            if seed % TOLD_EVERY == 0 {
                println!("seed {seed}: {} violations so far", found.load(Ordering::Relaxed));
            }
            let again = seed % TWICE_EVERY == 0 && broken == Broken::default();
            let other = again.then(|| try_run(seed, aim, broken).hash).filter(|hash| *hash != report.hash);
            let unlike = other.map(|_| "the same seed ran in another way the second time".to_owned());
            // To have shown nothing is a failure of the simulator's, not the damage that a left-out rule does.
            let counts =
                |violation: &String| broken == Broken::default() || !violation.contains(TOO_MANY_ORDERS);
            if let Some(violation) = report.violation.or(unlike).filter(counts) {
                found.fetch_add(1, Ordering::Relaxed);
                if broken == Broken::default() {
                    println!("{}", shown(seed, aim, &violation));
                }
                violations.push((seed, violation));
            }
        }
        (counters, violations)
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("violations are no panics")).collect()
    });
    let (mut counters, mut violations) = (Counters::default(), Vec::new());
    for (some, more) in results {
        counters.add(&some);
        violations.extend(more);
    }
    violations.sort();
    let tried = next.load(Ordering::Relaxed).min(first + count) - first;
    (counters, violations, tried)
}

fn shown(seed: u64, aim: Aim, violation: &str) -> String {
    let violation: String = violation.chars().take(6_000).collect();
    let aimed = if aim == Aim::Swarm { String::new() } else { format!("SIM_AIM={aim:?} ") };
    format!(
        "seed {seed}: {violation}\nreplay: {aimed}SIM_SEED={seed} cargo test --release --test sim replay -- --nocapture\n"
    )
}

#[test]
fn seeds() {
    let (first, count) = (number("SIM_FIRST").unwrap_or(1), number("SIM_SEEDS").unwrap_or(SEEDS));
    let enough = number("SIM_ENOUGH").unwrap_or(5) as usize;
    let (counters, violations, tried) = sweep(first, count, aim(), Broken::default(), enough);
    println!("{tried} seeds from {first}");
    counters.list().iter().for_each(|(name, count)| println!("{count:>10} {name}"));
    let seeds: Vec<u64> = violations.iter().map(|(seed, _)| *seed).collect();
    assert!(seeds.is_empty(), "these seeds violated: {seeds:?}; see above");
    if count >= SEEDS && aim() == Aim::Swarm {
        let idle: Vec<&str> =
            counters.list().iter().filter(|(_, n)| *n == 0).map(|(name, _)| *name).collect();
        assert!(idle.is_empty(), "never happened: {idle:?}");
    }
}

/// Seeds that once showed something, of the simulator's or of the engine's.
const FOUND: [u64; 11] = [956, 1033, 1140, 1180, 34_011, 56_516, 66_969, 69_410, 75_179, 77_281, 193_763];

#[test]
fn found_before() {
    for seed in FOUND {
        let report = try_run(seed, Aim::Swarm, Broken::default());
        assert_eq!(report.violation, None, "seed {seed}");
    }
}

#[test]
fn aims() {
    for aim in Aim::ALL.into_iter().filter(|aim| *aim != Aim::Swarm) {
        let count = number("SIM_AIMED").unwrap_or(AIMED_SEEDS);
        let (_, violations, _) = sweep(1, count, aim, Broken::default(), 5);
        let seeds: Vec<u64> = violations.iter().map(|(seed, _)| *seed).collect();
        assert!(seeds.is_empty(), "these seeds violated, aimed at {aim:?}: {seeds:?}; see above");
    }
}

#[test]
fn replay() {
    let Some(seed) = number("SIM_SEED") else { return };
    let tracing = std::env::var_os("SIM_QUIET").is_none();
    if tracing {
        log::set_logger(&ToTrace).expect("one replay a process");
        log::set_max_level(log::LevelFilter::Debug);
    }
    let report = run(seed, aim(), Broken::default(), tracing);
    println!("hash {:016x}", report.hash);
    if let Some(violation) = report.violation {
        panic!("{}", shown(seed, aim(), &violation));
    }
}

/// What the cores log stands in the trace, between what they hear and what they say.
struct ToTrace;

impl log::Log for ToTrace {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        println!("            ({}) {}", record.target().trim_start_matches("hedgerow::"), record.args());
    }

    fn flush(&self) {}
}
