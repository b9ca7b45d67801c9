//! One run: a cluster comes up, clients ask while things go wrong, everything heals, and then every key must be
//! readable and writable, every replica must hold the same, and every answer must have been right.
//!
//! ```text
//!  start ──► chaos: clients call, `nemesis` breaks ──► heal ──► `finale`: progress, equal contents ──► the verdict
//!                                      │
//!                         `watch` looks at every server and broker after each of its turns
//! ```

mod clients;
mod finale;
mod nemesis;
mod verdict;
mod watch;

pub use verdict::TOO_MANY_ORDERS;
pub use watch::Counters;

use crate::aims::Aim;
use crate::core::Core;
use crate::history::Event;
use crate::swarm::Plan;
use crate::world::{Crash, Step, World};
use clients::Client;
use hedgerow::broker::Broker;
use hedgerow::broker::engine::{Bug, EngineConfig};
use hedgerow::broker::placement::Placement;
use hedgerow::conn::LinkTimes;
use hedgerow::rng::Rng;
use hedgerow::server::{RequestLog, Server, ServerBugs, ServerConfig};
use hedgerow::time::{Now, Span, Time};
use std::net::SocketAddr;
use watch::Watch;

/// A rule that is left out, of a server's or of a broker's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Broken {
    pub server: ServerBugs,
    pub broker: Option<Bug>,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    pub hash: u64,
    pub counters: Counters,
    /// What is wrong, in words.
    pub violation: Option<String>,
}

/// What the scenario wakes up for.
#[derive(Clone, Copy, Debug)]
enum Alarm {
    Call(usize),
    Fault,
    StartServer(usize),
    StartBroker(usize),
    /// Of processes.
    Uncut(usize, usize),
    /// The end of a phase.
    Phase,
}

/// A run under way.
pub struct Scenario {
    plan: Plan,
    broken: Broken,
    world: World<Core>,
    placement: Placement,
    /// Their processes.
    servers: Vec<usize>,
    brokers: Vec<usize>,
    clients: Vec<Client>,
    keys: Vec<String>,
    events: Vec<Event>,
    /// By token.
    alarms: Vec<Alarm>,
    watch: Watch,
    next_id: u32,
    /// Calls whose outcome nobody will ever hear.
    left_open: usize,
    /// Processes started so far, for what must be unique to a start.
    starts: u32,
    /// Things go wrong now.
    chaos: bool,
    violation: Option<String>,
}

/// Runs `seed`.
pub fn run(seed: u64, aim: Aim, broken: Broken, tracing: bool) -> Report {
    let mut rng = Rng::from_seed(seed);
    let plan = Plan::draw(&mut rng).aimed(aim, &mut rng);
    let world_seed = rng.next_u64();
    if tracing {
        println!("seed {seed}: {plan:#?}");
    }
    let mut scenario = Scenario::new(plan, broken, world_seed, tracing);
    scenario.begin();
    scenario.live();
    scenario.finish();
    scenario.judge();
    let hash = scenario.world.hash();
    let counters = scenario.watch.counters;
    Report { hash, counters, violation: scenario.violation }
}

impl Scenario {
    fn new(plan: Plan, broken: Broken, seed: u64, tracing: bool) -> Scenario {
        let mut world = World::new(seed, plan.weather.clone(), tracing);
        let mut addresses: Vec<SocketAddr> = (0..plan.servers)
            .map(|i| SocketAddr::from(([10, 0, 0, i as u8 + 1], 9_000 + world.rng.below(4) as u16)))
            .collect();
        addresses.sort_unstable();
        let placement = Placement::new(&addresses, plan.replicas);
        let servers =
            (0..).zip(&addresses).map(|(i, &address)| world.add_process(format!("s{i}"), address, true));
        let servers: Vec<usize> = servers.collect();
        let brokers = (0..plan.brokers)
            .map(|i| {
                world.add_process(format!("b{i}"), SocketAddr::from(([10, 0, 1, i as u8 + 1], 1)), false)
            })
            .collect();
        let tag = if plan.padding > 0 { "{t}" } else { "" };
        let keys = (0..plan.keys).map(|i| format!("k{i}x{}{tag}", world.rng.below(1_000))).collect();
        let watch = Watch::new(&plan);
        Scenario {
            plan,
            broken,
            world,
            placement,
            servers,
            brokers,
            clients: vec![],
            keys,
            events: vec![],
            alarms: vec![],
            watch,
            next_id: 1,
            left_open: 0,
            starts: 0,
            chaos: true,
            violation: None,
        }
    }

    /// Starts everything; now and then a server comes late.
    fn begin(&mut self) {
        for server in 0..self.servers.len() {
            let late = if self.world.rng.percent(5) { self.world.rng.below(3_000) } else { 0 };
            self.set_alarm(Span::from_millis(late), Alarm::StartServer(server));
        }
        for broker in 0..self.brokers.len() {
            let late = if self.world.rng.percent(30) { self.world.rng.below(500) } else { 0 };
            self.set_alarm(Span::from_millis(late), Alarm::StartBroker(broker));
            for _ in 0..self.plan.clients {
                let client = self.clients.len();
                self.clients.push(Client::new(broker));
                self.set_alarm_about(self.plan.think, Alarm::Call(client));
            }
        }
        self.set_alarm_about(self.plan.fault_gap, Alarm::Fault);
    }

    /// The time in which things go wrong.
    fn live(&mut self) {
        self.run_for(self.plan.chaos);
    }

    fn run_for(&mut self, span: Span) {
        let end = self.world.now + span;
        self.set_alarm(span, Alarm::Phase);
        while self.world.now < end && self.violation.is_none() {
            self.step();
        }
    }

    fn step(&mut self) {
        match self.world.step() {
            Step::Over => unreachable!("there is always an alarm ahead"),
            Step::Quiet => {}
            Step::Alarm(token) => self.ring(self.alarms[token as usize]),
            Step::Turned(p) => self.look_at(p),
            Step::Exited(p, status) => self.exited(p, status),
        }
        if let Some(p) = self.world.take_caught() {
            self.caught(p);
        }
        for feed in self.world.take_heard() {
            self.hear(feed);
        }
    }

    fn set_alarm(&mut self, after: Span, alarm: Alarm) {
        self.alarms.push(alarm);
        self.world.alarm(after, self.alarms.len() as u64 - 1);
    }

    /// After about `mean`: between at once and twice that.
    fn set_alarm_about(&mut self, mean: Span, alarm: Alarm) {
        let after = Span::from_nanos(self.world.rng.below(mean.as_nanos().max(1) * 2));
        self.set_alarm(after, alarm);
    }

    fn ring(&mut self, alarm: Alarm) {
        match alarm {
            Alarm::Call(client) => self.call_next(client),
            Alarm::Fault => self.break_something(),
            Alarm::StartServer(server) => self.start_server(server),
            Alarm::StartBroker(broker) => self.start_broker(broker),
            Alarm::Uncut(from, to) => self.world.set_cut(from, to, false),
            Alarm::Phase => {}
        }
    }

    fn start_server(&mut self, server: usize) {
        let p = self.servers[server];
        if self.world.is_up(p) {
            return;
        }
        let mut config = ServerConfig::new(self.fresh_seed());
        config.settings.request_log = RequestLog::Off;
        config.bugs = self.broken.server;
        let now = Now { time: self.world.now, unix_ms: 0 };
        self.world.start(p, Core::Server(Box::new(Server::new(config, now))));
    }

    fn start_broker(&mut self, broker: usize) {
        let p = self.brokers[broker];
        if self.world.is_up(p) {
            return;
        }
        let (seed, process) = (self.fresh_seed(), self.starts);
        let mut config =
            EngineConfig::new(self.placement.servers().to_vec(), self.plan.replicas, process, seed);
        config.times = LinkTimes { suspect: self.plan.suspect, ..LinkTimes::default() };
        config.deadline = self.plan.deadline;
        config.takeover = self.plan.takeover;
        config.bug = self.broken.broker;
        let broker_core = Broker::with_placement(self.placement.clone(), config, None);
        self.world.start(p, Core::Broker(Box::new(broker_core)));
        self.watch.broker_started(broker);
        self.open_feeds(broker);
    }

    /// No two starts share it.
    fn fresh_seed(&mut self) -> u64 {
        self.starts += 1;
        self.world.rng.next_u64() << 16 | u64::from(self.starts)
    }

    /// A broker may end by itself where it finds no majority; somebody starts it again.
    fn exited(&mut self, p: usize, status: i32) {
        let Some(broker) = self.brokers.iter().position(|&broker| broker == p) else {
            return self.violate(format!("a server ended by itself with status {status}"));
        };
        self.crash_broker(broker, Crash::Drain);
        self.set_alarm(Span::from_millis(500), Alarm::StartBroker(broker));
    }

    fn violate(&mut self, what: String) {
        self.world.note(|| format!("VIOLATION: {what}"));
        self.violation.get_or_insert(what);
    }

    fn time_of(&self) -> u64 {
        self.world.now.since(Time::ZERO).as_nanos()
    }
}
