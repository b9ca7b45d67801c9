//! Would a broken rule be noticed? Rules are left out, one at a time, and the runs must show the damage.
//!
//! ```text
//!   cargo test --test sim gate                                                the rules that show quickly
//!   SIM_EXPLORE=2000 cargo test --release --test sim explore -- --nocapture   every rule, also the rare ones
//!   SIM_BUG=NoRestamp,OneGrant SIM_AIM=Islands SIM_ENOUGH=9 ...               these rules, so aimed, up to 9 findings
//! ```

use crate::aims::Aim;
use crate::runs::{number, sweep, try_run};
use crate::scenario::Broken;
use hedgerow::broker::engine::Bug;
use hedgerow::server::ServerBugs;

/// A rule that is left out.
struct LeftOut {
    broken: Broken,
    /// What shows it soonest.
    aim: Aim,
    /// It must show within so many seeds, several times what it takes on average; 0: too rare to ask that.
    seeds_max: u64,
}

const fn broker(bug: Bug, aim: Aim, seeds_max: u64) -> LeftOut {
    LeftOut { broken: Broken { broker: Some(bug), server: ServerBugs::None }, aim, seeds_max }
}

const fn server(bug: ServerBugs, aim: Aim, seeds_max: u64) -> LeftOut {
    LeftOut { broken: Broken { broker: None, server: bug }, aim, seeds_max }
}

/// Every rule that can be left out.
const RULES: [LeftOut; 27] = [
    server(ServerBugs::NoFence, Aim::Handovers, 100),
    broker(Bug::ReusedBallot, Aim::HalfViews, 100),
    broker(Bug::ReadOne, Aim::HalfWrites, 300),
    broker(Bug::NoRestamp, Aim::HalfWrites, 1_000),
    broker(Bug::RestampUnfenced, Aim::HalfWrites, 1_000),
    broker(Bug::StoreSkipsLearners, Aim::Refills, 1_000),
    broker(Bug::ReissueAfterFence, Aim::Handovers, 1_000),
    broker(Bug::EvictUnheard, Aim::HalfViews, 1_000),
    broker(Bug::PromoteUnfilled, Aim::Refills, 500),
    broker(Bug::ViewNotPaxos, Aim::HalfViews, 100),
    server(ServerBugs::SyncNoPromise, Aim::Refills, 1_000),
    broker(Bug::OneGrant, Aim::Islands, 0),
    broker(Bug::GetSkipsLearners, Aim::Refills, 0),
    broker(Bug::LearnerUncompared, Aim::Refills, 0),
    broker(Bug::LearnerValue, Aim::Refills, 0),
    broker(Bug::StalePong, Aim::Refills, 0),
    broker(Bug::SinceIgnored, Aim::Refills, 0),
    broker(Bug::DropLateOp, Aim::HalfWrites, 0),
    server(ServerBugs::PrepareAnyView, Aim::Islands, 0),
    server(ServerBugs::StoreAnyView, Aim::Islands, 0),
    server(ServerBugs::GetAnyView, Aim::Islands, 0),
    server(ServerBugs::AmnesiacServes, Aim::Islands, 0),
    server(ServerBugs::AmnesiacVotes, Aim::HalfViews, 0),
    server(ServerBugs::VoteUnnamed, Aim::HalfViews, 0),
    server(ServerBugs::LearnerKeepsOld, Aim::Refills, 0),
    server(ServerBugs::SinceIgnored, Aim::Refills, 0),
    server(ServerBugs::SyncAnyView, Aim::Refills, 0),
];

#[test]
fn gate() {
    for &LeftOut { broken, aim, seeds_max } in RULES.iter().filter(|rule| rule.seeds_max > 0) {
        let (_, found, tried) = sweep(1, seeds_max, aim, broken, 1);
        let Some((seed, violation)) = found.first() else {
            panic!("{broken:?} is not noticed within {tried} runs aimed at {aim:?}");
        };
        println!("{broken:?}: {aim:?} {seed}: {}", beginning(violation));
        // It is the rule that makes the difference, not the run.
        let whole = try_run(*seed, aim, Broken::default());
        assert_eq!(whole.violation, None, "all rules hold, {aim:?} {seed}");
    }
}

#[test]
fn explore() {
    let Some(count) = number("SIM_EXPLORE") else { return };
    let only = std::env::var("SIM_BUG").unwrap_or_default();
    let other_aim = std::env::var("SIM_AIM").ok().map(|name| Aim::named(&name));
    let enough = number("SIM_ENOUGH").unwrap_or(1) as usize;
    for &LeftOut { broken, aim, .. } in &RULES {
        if !only.is_empty() && !only.split(',').any(|name| format!("{broken:?}").contains(name)) {
            continue;
        }
        let aim = other_aim.unwrap_or(aim);
        let (_, found, tried) = sweep(number("SIM_FIRST").unwrap_or(1), count, aim, broken, enough);
        println!("{broken:?}, {aim:?}: {} in {tried}", found.len());
        found.iter().for_each(|(seed, violation)| println!("    {seed}: {}", beginning(violation)));
    }
}

fn beginning(violation: &str) -> String {
    violation.lines().next().unwrap_or("").chars().take(150).collect()
}
