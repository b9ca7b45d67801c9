//! Many runs, on two threads; one run again.
//!
//! ```text
//!   cargo test --test sim                                       2,000 seeds
//!   SIM_SEEDS=200000 cargo test --release --test sim seeds      more; SIM_FIRST=n begins at n
//!   SIM_SEED=4711 cargo test --release --test sim replay -- --nocapture     one, with its trace
//! ```

use crate::scenario::{Broken, Counters, Report, run};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds of an ordinary test run.
const SEEDS: u64 = 2_000;
/// Every so many seeds one runs twice.
const TWICE_EVERY: u64 = 100;
const THREADS: usize = 2;
/// A long run says where it is every so many seeds.
const TOLD_EVERY: u64 = 5_000;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.replace('_', "").parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// A run that cannot end the test program; a panic is a violation.
fn try_run(seed: u64, broken: Broken) -> Report {
    catch_unwind(AssertUnwindSafe(|| run(seed, broken, false))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let violation = Some(format!("panicked: {}", words.unwrap_or_default()));
        Report { hash: 0, counters: Counters::default(), violation }
    })
}

/// Runs the seeds from `first` on; ends early when `enough` runs were violated. The violations come in seed order.
fn sweep(first: u64, count: u64, broken: Broken, enough: usize) -> (Counters, Vec<(u64, String)>, u64) {
    let (next, found) = (AtomicU64::new(first), AtomicU64::new(0));
    let work = || {
        let (mut counters, mut violations) = (Counters::default(), Vec::new());
        while found.load(Ordering::Relaxed) < enough as u64 {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                break;
            }
            let report = try_run(seed, broken);
            counters.add(&report.counters);
            if seed % TOLD_EVERY == 0 {
                println!("seed {seed}: {} violations so far", found.load(Ordering::Relaxed));
            }
            let again = seed % TWICE_EVERY == 0 && broken == Broken::default();
            let other = again.then(|| try_run(seed, broken).hash).filter(|hash| *hash != report.hash);
            let unlike = other.map(|_| "the same seed ran in another way the second time".to_owned());
            if let Some(violation) = report.violation.or(unlike) {
                found.fetch_add(1, Ordering::Relaxed);
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

fn shown(seed: u64, violation: &str) -> String {
    let violation: String = violation.chars().take(6_000).collect();
    format!(
        "seed {seed}: {violation}\nreplay: SIM_SEED={seed} cargo test --release --test sim replay -- --nocapture\n"
    )
}

#[test]
fn seeds() {
    let (first, count) = (number("SIM_FIRST").unwrap_or(1), number("SIM_SEEDS").unwrap_or(SEEDS));
    let enough = number("SIM_ENOUGH").unwrap_or(5) as usize;
    let (counters, violations, tried) = sweep(first, count, Broken::default(), enough);
    println!("{tried} seeds from {first}");
    counters.list().iter().for_each(|(name, count)| println!("{count:>10} {name}"));
    violations.iter().for_each(|(seed, violation)| println!("{}", shown(*seed, violation)));
    assert!(violations.is_empty(), "{} seeds violated", violations.len());
    if count >= SEEDS {
        let idle: Vec<&str> =
            counters.list().iter().filter(|(_, n)| *n == 0).map(|(name, _)| *name).collect();
        assert!(idle.is_empty(), "never happened: {idle:?}");
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
    let report = run(seed, Broken::default(), tracing);
    println!("hash {:016x}", report.hash);
    if let Some(violation) = report.violation {
        panic!("{}", shown(seed, &violation));
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

#[test]
fn explore() {
    use hedgerow::broker::engine::Bug::*;
    use hedgerow::server::ServerBugs as S;
    let Some(count) = number("SIM_EXPLORE") else { return };
    let brokers = [
        ReusedBallot,
        OneGrant,
        GetSkipsLearners,
        LearnerUncompared,
        LearnerValue,
        ReadOne,
        NoRestamp,
        RestampUnfenced,
        StoreSkipsLearners,
        StalePong,
        SinceIgnored,
        PromoteUnfilled,
        EvictUnheard,
        ViewNotPaxos,
        DropLateOp,
        ReissueAfterFence,
    ];
    let servers = [
        S::NoFence,
        S::PrepareAnyView,
        S::StoreAnyView,
        S::GetAnyView,
        S::AmnesiacServes,
        S::AmnesiacVotes,
        S::VoteUnnamed,
        S::LearnerKeepsOld,
        S::SinceIgnored,
        S::SyncAnyView,
        S::SyncNoPromise,
    ];
    let all = brokers
        .map(|b| Broken { broker: Some(b), ..Broken::default() })
        .into_iter()
        .chain(servers.map(|s| Broken { server: s, ..Broken::default() }));
    let only = std::env::var("SIM_BUG").unwrap_or_default();
    for broken in all.filter(|b| only.is_empty() || only.split(',').any(|o| format!("{b:?}").contains(o))) {
        let (_, found, tried) = sweep(number("SIM_FIRST").unwrap_or(1), count, broken, 1);
        let what = found.first().map(|(seed, v)| {
            format!("{seed}: {}", v.lines().next().unwrap_or("").chars().take(150).collect::<String>())
        });
        println!("{broken:?} after {tried}: {what:?}");
    }
}
