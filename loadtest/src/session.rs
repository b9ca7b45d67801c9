//! One run against one target, from the first dial to the last value read back.
//!
//! ```text
//!  connect ──► fill ──► warm up ──► measure ──► read back ──► Record
//!              --prefill             faults      --verify
//! ```

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::faults::Faults;
use crate::load::Clock;
use crate::load::crowd::CrowdCounts;
use crate::load::engine::{Shared, Wiring};
use crate::load::run::{Done, Ending, Goal, Order, Told};
use crate::load::schedule::Schedule;
use crate::load::team::{Note, Team};
use crate::show::Shows;
use crate::show::record::{Audit, Closing, Record, Recorder};
use crate::truth::cpu::Usage;
use crate::truth::ledger::Ledger;
use crate::truth::silence::Hearing;
use crate::truth::tally::{Failures, Nanos, Slice};
use crate::work::Work;
use crate::work::keys::Share;

/// Between two looks when nothing is to be done: the leader leaves the cores to those who work.
const TICK: Duration = Duration::from_millis(100);

/// What is done in a run.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) threads: usize,
    pub(crate) wiring: Wiring,
    pub(crate) work: Work,
    pub(crate) verify: bool,
    pub(crate) warmup: Duration,
    pub(crate) duration: Option<Duration>,
    pub(crate) requests: Option<u64>,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) interval: Duration,
    /// Processes whose CPU time is told.
    pub(crate) pids: Vec<u32>,
}

/// A phase that all threads have finished.
struct Phase {
    done: Vec<Done>,
    crowd: Vec<CrowdCounts>,
}

impl Phase {
    fn ending(&self) -> Ending {
        let worst = self.done.iter().map(|done| done.ending);
        worst
            .max_by_key(|ending| match ending {
                Ending::Finished => 0,
                Ending::TargetGone => 1,
                Ending::Interrupted => 2,
            })
            .expect("at least one thread")
    }

    fn ledgers(&mut self) -> Vec<Option<Ledger>> {
        self.done.iter_mut().map(|done| done.plan.source.ledger.take()).collect()
    }
}

/// Runs a job against the target `name`. The error is one that came before any measurement.
pub(crate) fn run(
    job: &Job,
    name: &str,
    stop: &Arc<AtomicBool>,
    faults: &mut Faults,
    shows: &mut Shows,
) -> Result<Record, String> {
    let shared = Shared { clock: Clock::start(), stop: Arc::clone(stop), hearing: Hearing::new() };
    let team = Team::connect(job.wiring.clone(), job.threads, &shared);
    let team = team.map_err(|error| format!("{name}: {error}"))?;
    let mut session = Session { job, shared, team };
    let ledgers = session.fill(shows)?;
    let (mut record, ledgers) = session.measure(name, ledgers, faults, shows)?;
    if record.closing.ending == Ending::Finished && job.verify {
        record.audit = session.read_back(ledgers, shows)?;
    }
    Ok(record)
}

struct Session<'j> {
    job: &'j Job,
    shared: Shared,
    team: Team,
}

impl Session<'_> {
    fn shares(&self) -> impl Iterator<Item = Share> + use<> {
        let threads = self.job.threads as u64;
        (0..threads).map(move |thread| Share { thread, threads })
    }

    /// Sets every key once, or says why that failed.
    fn fill(&mut self, shows: &mut Shows) -> Result<Vec<Option<Ledger>>, String> {
        // Values of other runs of the same seed must look different.
        let run =
            std::process::id() ^ (std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos() as u32);
        let (job, shares) = (self.job, self.shares());
        let ledgers: Vec<Option<Ledger>> =
            shares.map(|share| job.verify.then(|| Ledger::new(job.work.keys, share, run))).collect();
        if job.work.filling.is_none() {
            return Ok(ledgers);
        }
        let plans = self.shares().zip(ledgers).map(|(share, ledger)| job.work.filling(share, ledger));
        let plans: Vec<_> = plans.map(|plan| plan.expect("looked at before")).collect();
        let orders = plans.into_iter().map(|(plan, count)| self.whole_order(plan, count)).collect();
        let (mut phase, whole) = self.phase_of_counts(orders, "filling", job.work.keys, shows)?;
        let failures = &whole.failures;
        match phase.ending() {
            Ending::Interrupted => Err("interrupted while the keys were set".to_owned()),
            ending if ending == Ending::TargetGone || failures.any() => {
                let example = failures.first_error.as_ref().or(failures.first_wrong.as_ref());
                let reason = example.map_or("connections were lost", String::as_str);
                Err(format!("only {} of {} keys could be set: {reason}", whole.good(), job.work.keys))
            }
            _ => Ok(phase.ledgers()),
        }
    }

    /// An order that ends when `count` requests are answered.
    fn whole_order(&self, plan: crate::work::Plan, count: u64) -> Order {
        let goal = Goal { warmup: Duration::ZERO, duration: None, requests: Some(count) };
        let interval = Duration::from_millis(500).as_nanos() as Nanos;
        Order { plan, goal, schedule: None, start: self.shared.clock.now(), interval }
    }

    /// Carries out orders of which only the sum is of interest.
    fn phase_of_counts(
        &mut self,
        orders: Vec<Order>,
        what: &str,
        count: u64,
        shows: &mut Shows,
    ) -> Result<(Phase, Slice), String> {
        let mut whole = Slice::new(1, self.shared.clock.now());
        self.team.order(orders);
        let phase = self.wait(&mut |note| {
            if let Some((_, told)) = note {
                whole.merge(&told.slice);
                shows.live.phase(what, whole.good(), count);
            }
            TICK
        })?;
        shows.live.clear();
        Ok((phase, whole))
    }

    /// Waits until all threads are done, and hands on what they tell; nothing at first, and after the time that was asked
    /// for the last time.
    fn wait(&mut self, on_told: &mut dyn FnMut(Option<(usize, Told)>) -> Duration) -> Result<Phase, String> {
        let mut done: Vec<Option<Done>> = (0..self.job.threads).map(|_| None).collect();
        let mut crowd: Vec<CrowdCounts> = Vec::new();
        let mut patience = on_told(None);
        while done.iter().any(Option::is_none) {
            match self.team.next(patience) {
                None => patience = on_told(None),
                Some((thread, Note::Told(told))) => patience = on_told(Some((thread, *told))),
                Some((thread, Note::Done(left, counts))) => {
                    done[thread] = Some(*left);
                    for one in counts {
                        match crowd.iter_mut().find(|known| known.kind == one.kind) {
                            Some(known) => known.merge(&one),
                            None => crowd.push(one),
                        }
                    }
                }
                Some((_, Note::Failed(error))) => return Err(format!("waiting for answers: {error}")),
                Some((_, Note::Connected(_))) => unreachable!("all have connected"),
            }
        }
        // Threads end in any order.
        crowd.sort_by_key(|counts| counts.kind);
        Ok(Phase { done: done.into_iter().flatten().collect(), crowd })
    }

    fn measure(
        &mut self,
        name: &str,
        ledgers: Vec<Option<Ledger>>,
        faults: &mut Faults,
        shows: &mut Shows,
    ) -> Result<(Record, Vec<Option<Ledger>>), String> {
        let job = self.job;
        let (interval, warmup) = (job.interval.as_nanos() as Nanos, job.warmup.as_nanos() as Nanos);
        let start = self.shared.clock.now();
        let began = start + warmup;
        let orders: Vec<Order> = self
            .shares()
            .zip(ledgers)
            .map(|(share, ledger)| {
                let requests = job.requests.map(|requests| share.of(requests));
                let goal = Goal { warmup: job.warmup, duration: job.duration, requests };
                let schedule = job.schedule.clone().map(|schedule| (schedule, job.work.seed));
                Order { plan: job.work.plan(share, ledger), goal, schedule, start, interval }
            })
            .collect();
        let operations = job.work.operations.len();
        let mut recorder = Recorder::new(operations, job.threads, began, interval, job.schedule.clone());
        let clock = self.shared.clock;
        let mut usage_before = job.warmup.is_zero().then(|| Usage::read(&job.pids));
        faults.begin();
        self.team.order(orders);
        let mut phase = self.wait(&mut |note| {
            let now = clock.now();
            if now >= began && usage_before.is_none() {
                usage_before = Some(Usage::read(&job.pids));
            }
            if now >= began {
                faults.strike(now - began);
            }
            if let Some((thread, told)) = note {
                shows.live.add(&told, now.saturating_sub(began));
                if told.measuring {
                    recorder.add(thread, told, &mut |row, slice| shows.row(name, row, slice));
                }
            }
            let next = if now < began { Some(began) } else { faults.next_at().map(|at| began + at) };
            next.map_or(TICK, |next| TICK.min(Duration::from_nanos(next.saturating_sub(clock.now()))))
        })?;
        // The leader may have been away when the last one was due.
        faults.strike(clock.now().saturating_sub(began));
        let usage = usage_before.map(|before| Usage::read(&job.pids).since(&before));
        shows.live.clear();
        (0..job.threads).for_each(|thread| {
            recorder.done(thread, &mut |row, slice| shows.row(name, row, slice));
        });
        self.note_open_gap(&phase, &mut recorder);
        let closing = self.closing(&phase, began, usage.unwrap_or_default());
        let (connections, operations) = (job.wiring.connections, job.work.names_of_operations());
        let mut record = recorder.finish(name.to_owned(), connections, operations, closing);
        record.crowd = std::mem::take(&mut phase.crowd);
        record.faults = faults.struck();
        Ok((record, phase.ledgers()))
    }

    /// Silence that lasts until the end counts too.
    fn note_open_gap(&self, phase: &Phase, recorder: &mut Recorder) {
        let ended = phase.done.iter().map(|done| done.ended).max().unwrap_or(0);
        let since = phase.done.iter().filter_map(|done| done.waiting_since).min();
        let gap = since.and_then(|since| self.shared.hearing.open_gap(since, ended));
        gap.into_iter().for_each(|gap| recorder.add_gap(gap));
    }

    fn closing(&self, phase: &Phase, began: Nanos, usage: Usage) -> Closing {
        let done = &phase.done;
        let ended = done.iter().map(|done| done.ended).max().unwrap_or(began);
        let oldest_due = done.iter().filter_map(|done| done.oldest_due).min();
        let connected = &self.team.connected;
        Closing {
            ending: phase.ending(),
            elapsed: Duration::from_nanos(ended.saturating_sub(began)),
            unfinished: done.iter().map(|done| done.unfinished).sum(),
            oldest: Duration::from_nanos(oldest_due.map_or(0, |due| ended.saturating_sub(due))),
            backlog: done.iter().map(|done| done.backlog).sum(),
            made: connected.iter().map(|connected| connected.made).sum(),
            heard: done.iter().map(|done| done.heard).sum(),
            connect_error: connected.iter().find_map(|connected| connected.error.clone()),
            usage,
        }
    }

    /// Reads every key that was written, and holds it against what must be there.
    fn read_back(
        &mut self,
        ledgers: Vec<Option<Ledger>>,
        shows: &mut Shows,
    ) -> Result<Option<Audit>, String> {
        let job = self.job;
        let plans: Vec<_> =
            self.shares().zip(ledgers).filter_map(|(share, ledger)| job.work.audit(share, ledger?)).collect();
        let keys = plans.iter().map(|(_, count)| count).sum();
        let orders = plans.into_iter().map(|(plan, count)| self.whole_order(plan, count)).collect();
        let (_, whole) = self.phase_of_counts(orders, "reading back", keys, shows)?;
        let Failures { lost, stale, wrong_value, wrong_type, .. } = whole.failures;
        let wrong = wrong_value + wrong_type;
        let unread = keys.saturating_sub(whole.good() + lost + stale + wrong);
        Ok(Some(Audit { keys, lost, stale, wrong, unread }))
    }
}
