//! What an all-seeing eye sees: views, promises, changes under way; and how often things happened.

use super::Scenario;
use crate::core::Core;
use crate::history::{Answer, Outcome};
use crate::swarm::Plan;
use hedgerow::proto::cluster::{Role, View, ViewId};
use hedgerow::record::{Ballot, Slot};
use hedgerow::time::Now;
use std::collections::{BTreeMap, BTreeSet};

/// How often things happened, over one run or many.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    pub runs: u64,
    pub calls: u64,
    pub unavailable: u64,
    pub uncertain: u64,
    pub flagged: u64,
    pub writes_during_outage: u64,
    pub deletes_with_replica_down: u64,
    pub views_changed: u64,
    pub evictions: u64,
    pub refills_completed: u64,
    pub takeovers: u64,
    pub restamps: u64,
    pub forwarded: u64,
    pub slices: u64,
    pub server_crashes: u64,
    pub broker_restarts: u64,
    pub freezes: u64,
    pub cuts: u64,
    pub resets: u64,
    pub clogs: u64,
    pub doubled: u64,
    pub gentle: u64,
    pub sizes_compared: u64,
    pub beyond_tolerance: u64,
    pub new_lives: u64,
}

impl Counters {
    /// By name.
    pub fn list(&self) -> [(&'static str, u64); 25] {
        [
            ("runs", self.runs),
            ("calls", self.calls),
            ("unavailable", self.unavailable),
            ("uncertain", self.uncertain),
            ("flagged", self.flagged),
            ("writes during an outage", self.writes_during_outage),
            ("deletes with a replica down", self.deletes_with_replica_down),
            ("views changed", self.views_changed),
            ("evictions", self.evictions),
            ("refills completed", self.refills_completed),
            ("takeovers", self.takeovers),
            ("unequal reads settled", self.restamps),
            ("forwarded", self.forwarded),
            ("slots copied in slices", self.slices),
            ("server crashes", self.server_crashes),
            ("broker restarts", self.broker_restarts),
            ("freezes", self.freezes),
            ("cuts", self.cuts),
            ("resets", self.resets),
            ("clogs", self.clogs),
            ("doubled connections", self.doubled),
            ("gentle runs", self.gentle),
            ("sizes compared", self.sizes_compared),
            ("runs beyond the tolerance", self.beyond_tolerance),
            ("new lives", self.new_lives),
        ]
    }

    pub fn add(&mut self, other: &Counters) {
        let (ours, theirs) = (self.all_mut(), other.list());
        ours.into_iter().zip(theirs).for_each(|(sum, (_, more))| *sum += more);
    }

    fn all_mut(&mut self) -> [&mut u64; 25] {
        [
            &mut self.runs,
            &mut self.calls,
            &mut self.unavailable,
            &mut self.uncertain,
            &mut self.flagged,
            &mut self.writes_during_outage,
            &mut self.deletes_with_replica_down,
            &mut self.views_changed,
            &mut self.evictions,
            &mut self.refills_completed,
            &mut self.takeovers,
            &mut self.restamps,
            &mut self.forwarded,
            &mut self.slices,
            &mut self.server_crashes,
            &mut self.broker_restarts,
            &mut self.freezes,
            &mut self.cuts,
            &mut self.resets,
            &mut self.clogs,
            &mut self.doubled,
            &mut self.gentle,
            &mut self.sizes_compared,
            &mut self.beyond_tolerance,
            &mut self.new_lives,
        ]
    }
}

/// What was seen so far.
pub struct Watch {
    pub counters: Counters,
    /// The newest view that anybody knows.
    pub latest: View,
    /// Every view that anybody knew, by name: there is one of each.
    known: BTreeMap<(u32, u32), View>,
    /// Views that somebody began to make and that may yet be chosen: their number, and whom they put out or seat anew.
    attempts: BTreeSet<(u32, Vec<usize>)>,
    promised: Ballot,
    broker_starts: Vec<u32>,
    /// How many may lose their memory at once.
    pub tolerated: usize,
    /// More did.
    pub lossy: bool,
    /// When a second life of the cluster began, in nanoseconds.
    pub new_life_at: Option<u64>,
}

impl Watch {
    pub fn new(plan: &Plan) -> Watch {
        Watch {
            counters: Counters { runs: 1, gentle: u64::from(plan.gentle), ..Counters::default() },
            latest: View::default(),
            known: BTreeMap::new(),
            attempts: BTreeSet::new(),
            promised: Ballot::NONE,
            broker_starts: vec![0; plan.brokers],
            tolerated: (plan.replicas - 1).min((plan.servers - 1) / 2),
            lossy: false,
            new_life_at: None,
        }
    }

    pub fn broker_started(&mut self, broker: usize) {
        self.broker_starts[broker] += 1;
        self.counters.broker_restarts += u64::from(self.broker_starts[broker] > 1);
    }

    /// What is wrong with this view, if anything is.
    fn see_view(&mut self, view: &View, now: u64) -> Option<String> {
        let ViewId { life, number } = view.id;
        if view.is_blank() || view.id == self.latest.id && *view == self.latest {
            return None;
        }
        let known = self.known.entry((life, number)).or_insert_with(|| view.clone());
        if known != view {
            return Some(format!("two views with one name: {known:?} and {view:?}"));
        }
        if !self.latest.is_blank() && life != self.latest.id.life {
            self.counters.new_lives += u64::from(self.new_life_at.is_none());
            self.new_life_at.get_or_insert(now);
            return None;
        }
        if view.id.is_newer_than(self.latest.id) {
            self.count_change(view);
            self.latest = view.clone();
            self.attempts.retain(|(attempted, _)| *attempted > number);
        }
        None
    }

    fn count_change(&mut self, view: &View) {
        self.counters.views_changed += u64::from(!self.latest.is_blank());
        for (before, after) in self.latest.seats.iter().zip(&view.seats) {
            let filled = before.role == Role::Learner
                && after.role == Role::Member
                && before.incarnation == after.incarnation;
            self.counters.refills_completed += u64::from(filled);
            self.counters.evictions += u64::from(before.role != Role::Out && after.role == Role::Out);
        }
    }

    fn see_promise(&mut self, promised: Ballot) {
        if promised > self.promised {
            let another = promised.process() != self.promised.process() && self.promised != Ballot::NONE;
            self.counters.takeovers += u64::from(another);
            self.promised = promised;
        }
    }
}

impl Scenario {
    /// A process has turned.
    pub(super) fn look_at(&mut self, p: usize) {
        let now = self.time_of();
        let wrong = match self.world.machine(p) {
            Some(Core::Server(server)) => {
                self.watch.see_promise(server.promised());
                match server.view_conflicts() {
                    0 => self.watch.see_view(server.view(), now),
                    _ => Some("a server was shown two views with one name".to_owned()),
                }
            }
            Some(Core::Broker(broker)) => {
                if let Some((id, touched)) = broker.engine().change_under_way()
                    && id.number > self.watch.latest.id.number
                {
                    self.watch.attempts.insert((id.number, touched));
                }
                self.watch.see_view(broker.engine().view(), now)
            }
            None => None,
        };
        if let Some(wrong) = wrong {
            self.violate(wrong);
        }
    }

    /// The server runs with the memory that the latest view names.
    pub(super) fn remembers(&self, server: usize) -> bool {
        let incarnation = self.incarnation(server);
        incarnation.is_some()
            && incarnation == self.watch.latest.seats.get(server).map(|seat| seat.incarnation)
    }

    fn incarnation(&self, server: usize) -> Option<u64> {
        Some(self.world.machine(self.servers[server])?.server().incarnation())
    }

    /// Everybody is a member and remembers, in the newest view that a living machine knows. (A view may be chosen, and
    /// the one broker that knows it die: then the next change finds it.)
    pub(super) fn is_whole(&self) -> bool {
        let machines = self.servers.iter().chain(&self.brokers).filter_map(|&p| self.world.machine(p));
        let views = machines.map(|machine| match machine {
            Core::Server(server) => server.view(),
            Core::Broker(broker) => broker.engine().view(),
        });
        let Some(newest) = views.max_by_key(|view| view.id.number) else { return false };
        let is_member = |server| {
            newest.members().contains(server)
                && self.incarnation(server) == Some(newest.seats[server].incarnation)
        };
        !newest.is_blank() && (0..self.servers.len()).all(is_member)
    }

    /// May this server lose its memory? Only while, counting it, no more than the tolerated number are without a
    /// full memory: in the latest view, and in every view that may yet follow it.
    pub(super) fn may_forget(&self, server: usize) -> bool {
        if self.watch.latest.is_blank() {
            return false;
        }
        let members = self.watch.latest.members();
        let bad = |other: usize, touched: &[usize]| {
            other == server || !members.contains(other) || !self.remembers(other) || touched.contains(&other)
        };
        let none = (0, vec![]);
        let mut attempts = self.watch.attempts.iter().chain([&none]);
        attempts.all(|(_, touched)| {
            (0..self.servers.len()).filter(|&other| bad(other, touched)).count() <= self.watch.tolerated
        })
    }

    /// Counts an answered call.
    pub(super) fn count_answer(&mut self, place: usize) {
        let event = self.events[place];
        let slot = Slot::of(self.keys[event.key].as_bytes());
        let members = self.watch.latest.members();
        let lacking = |server: usize| !members.contains(server) || !self.remembers(server);
        let outage = (0..self.servers.len()).any(lacking);
        let replica_down = self.placement.replicas(slot).iter().any(|&server| lacking(server.into()));
        let counters = &mut self.watch.counters;
        counters.calls += 1;
        counters.flagged += u64::from(event.flagged);
        match event.outcome {
            Outcome::Void => counters.unavailable += 1,
            Outcome::Open => counters.uncertain += 1,
            Outcome::Answered(answer) if event.call.is_write() => {
                counters.writes_during_outage += u64::from(outage);
                counters.deletes_with_replica_down += u64::from(replica_down && answer == Answer::Deleted);
            }
            Outcome::Answered(_) => {}
        }
    }

    /// Takes over what a broker counted, before it goes.
    pub(super) fn count_broker(&mut self, broker: usize) {
        let Some(machine) = self.world.machine(self.brokers[broker]) else { return };
        let counted = machine.broker().engine().counters();
        self.watch.counters.restamps += counted.restamps;
        self.watch.counters.forwarded += counted.forwarded;
        self.watch.counters.slices += counted.slices;
    }
}

/// What every machine thinks, for a person.
pub fn describe(scenario: &Scenario) -> String {
    let world = &scenario.world;
    let mut text = format!("the latest view is {:?}", scenario.watch.latest);
    for (server, &p) in scenario.servers.iter().enumerate() {
        let words = match world.machine(p).map(Core::server) {
            Some(core) => {
                format!("{:x} in {:?} promised {:?}", core.incarnation(), core.view(), core.promised())
            }
            None => "down".to_owned(),
        };
        text.push_str(&format!("\n  s{server}: {words}"));
    }
    for (broker, &p) in scenario.brokers.iter().enumerate() {
        let Some(core) = world.machine(p).map(Core::broker) else { continue };
        let status = core.engine().status(Now { time: world.now, unix_ms: 0 });
        text.push_str(&format!("\n  b{broker}: in {} owner {:?}", status.view, status.owner));
        text.push_str(if status.owns { ", owns" } else { "" });
        text.push_str(if status.stuck { ", stuck" } else { "" });
        for (server, status) in status.servers.iter().enumerate() {
            let (state, role, refill) = (&status.state, status.role, status.refill);
            text.push_str(&format!(
                "\n    s{server} {state:?} {role:?} {} in flight {refill:?}",
                status.in_flight
            ));
        }
    }
    text
}
