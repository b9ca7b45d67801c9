//! The replication engine: a record is on k servers, and every answer is as if there were one.
//!
//! The rules are those of `docs/replication.md`; the numbers in the comments are its numbers. In short: a *view* says
//! which servers count. A write goes to all of W(slot), the slot's replicas that are members or learners of the view,
//! and is done when all of them have it in one and the same view. A read asks all of W and is answered when they
//! agree. One broker at a time, the *owner*, orders writes; servers refuse what comes under a lower ballot than they
//! promised. Who does not answer is put out of the view by a majority of all servers; who returns is filled first.
//!
//! ```text
//!   submit ─► op ─► steps ─► links ─► servers            owner:  who may write
//!   poll   ◄─ op ◄─ steps ◄─ links ◄─ servers            change: the next view, by Paxos
//!                                                        refill: member ─► learner, slot by slot
//!                                                        relay:  asking the owner through a server
//! ```

mod change;
mod inbound;
mod link;
mod op;
mod owner;
mod query;
mod raw;
mod refill;
mod relay;
mod status;
mod steps;
mod tick;

pub use op::{Ask, EngineError, Outcome};
pub use status::{ServerState, ServerStatus, SlotCounts, Status};

use super::placement::Placement;
use crate::conn::{LinkTimes, Net};
use crate::password::Password;
use crate::proto::cluster::{Role, View};
use crate::proto::resp::Tokens;
use crate::record::{Slot, Version};
use crate::rng::Rng;
use crate::time::{Now, Span, Time};
use link::{Expect, Link};
use op::{Op, OpId, Ops, Source};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// The asker's own number for what it asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ticket(pub u64);

/// The answer to one ticket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To `submit`.
    Op(Outcome),
    /// To `count`: live records, each once. `None`: too few servers answer.
    Count(Option<u64>),
    /// To `keys`: keys in order, each once; `last`: no more follow. `None`: too few servers answer.
    Keys(Option<KeyPage>),
    /// To `raw`: the server's reply in RESP. `None`: the server does not answer.
    Raw(Option<Vec<u8>>),
}

/// Some keys in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<Vec<u8>>,
    /// There are no keys behind these.
    pub last: bool,
}

/// What an engine is to be.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The servers, in any order.
    pub servers: Vec<SocketAddr>,
    /// Copies of each record, `1..=servers` and at most [`crate::limits::REPLICAS_MAX`].
    pub replicas: usize,
    /// Unique to this start of this broker: drawn at random, not 0.
    pub process: u32,
    /// For everything else that is random.
    pub seed: u64,
    /// When a server is pinged, suspected, dialed.
    pub times: LinkTimes,
    /// A client waits this long; then it hears UNAVAILABLE or UNCERTAIN.
    pub deadline: Span,
    /// A silent owner is replaced after this long, and up to half as long again.
    pub takeover: Span,
    /// What the servers ask for, if they ask.
    pub password: Option<Password>,
    /// The rule that is left out, for tests of the tests.
    pub bug: Option<Bug>,
}

impl EngineConfig {
    /// The usual times.
    pub fn new(servers: Vec<SocketAddr>, replicas: usize, process: u32, seed: u64) -> EngineConfig {
        EngineConfig {
            servers,
            replicas,
            process,
            seed,
            times: LinkTimes::default(),
            deadline: Span::from_secs(5),
            takeover: Span::from_secs(1),
            password: None,
            bug: None,
        }
    }
}

/// A rule of the broker's that can be left out, so that the simulator can show that it would notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bug {
    /// A restarted broker draws its old ballots again (rule 5).
    ReusedBallot,
    /// Owner after one grant instead of all of W (rule 6).
    OneGrant,
    /// A read asks members only (rule 8).
    GetSkipsLearners,
    /// A read compares the members' versions only (rule 8).
    LearnerUncompared,
    /// A read believes a learner's higher version (rule 9).
    LearnerValue,
    /// A read answers after one member (rule 8).
    ReadOne,
    /// A read answers the highest of unequal versions at once (rule 9).
    NoRestamp,
    /// An unequal read is stored again from what was read before the ownership (rule 9).
    RestampUnfenced,
    /// Writes wait for members only (rule 4).
    StoreSkipsLearners,
    /// A join relies on an incarnation heard before the present view (rule 12).
    StalePong,
    /// Promotion does not compare the learner's join number (rule 14).
    SinceIgnored,
    /// A learner becomes a member before its copy is complete (rule 14).
    PromoteUnfilled,
    /// Evict although no remaining member of a slot was heard in this attempt (rule 11).
    EvictUnheard,
    /// The proposer ignores values that were accepted before (rule 1).
    ViewNotPaxos,
    /// At a deadline the owner forgets a write that is on its way (rule 10).
    DropLateOp,
    /// A write that lost its ownership half way is run again (rule 7).
    ReissueAfterFence,
}

/// How often things happened, for STATUS and for the simulator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EngineCounters {
    /// Views chosen by this broker.
    pub views: u64,
    /// Servers put out of the view by this broker.
    pub evictions: u64,
    /// Learners made members by this broker.
    pub refills: u64,
    /// Times this broker became the owner.
    pub takeovers: u64,
    /// Unequal reads stored again.
    pub restamps: u64,
    /// Writes answered UNCERTAIN.
    pub uncertain: u64,
    /// Operations that were asked of another broker.
    pub forwarded: u64,
    /// Slices of slots that were copied to learners and were not their slot's last.
    pub slices: u64,
    /// Writes acknowledged while some server was out of the view.
    pub writes_degraded: u64,
    /// Deletes acknowledged while some server was out of the view.
    pub deletes_degraded: u64,
}

/// The engine of one broker.
pub struct Engine {
    config: EngineConfig,
    placement: Placement,
    links: Vec<Link>,
    tokens: Tokens,
    view: View,
    ops: Ops,
    owner: owner::Ownership,
    change: change::Changes,
    refills: Vec<refill::Refill>,
    relay: relay::Relay,
    queries: query::Queries,
    raws: Vec<raw::Raw>,
    answers: VecDeque<(Ticket, Answer)>,
    /// Reasons worth telling a person, oldest first.
    notes: VecDeque<String>,
    rng: Rng,
    /// The highest round seen in any ballot.
    round_max: u32,
    /// A person was told that there is none above it.
    rounds_told: bool,
    sequence: u64,
    started_at: Option<Time>,
    /// Something that is waited for changes with time.
    busy_until: Option<Time>,
    counters: EngineCounters,
}

/// What its user says.
impl Engine {
    /// An engine that knows nobody yet: it dials at its first timeout.
    pub fn new(config: EngineConfig) -> Engine {
        Engine::with_placement(Placement::new(&config.servers, config.replicas), config)
    }

    /// The same, for who has the placement already: it takes some milliseconds to make.
    ///
    /// # Panics
    /// If it is the placement of other servers, or of another number of replicas.
    pub fn with_placement(placement: Placement, config: EngineConfig) -> Engine {
        assert_eq!(placement.replica_count(), config.replicas, "the placement is the configured one");
        assert!(config.servers.iter().all(|server| placement.servers().contains(server)), "of these servers");
        assert!(config.replicas <= crate::limits::REPLICAS_MAX, "checked by the program");
        let links = placement.servers().iter().map(|&peer| Link::new(peer)).collect();
        Engine {
            links,
            placement,
            tokens: Tokens::new(),
            view: View::default(),
            ops: Ops::default(),
            owner: owner::Ownership::default(),
            change: change::Changes::default(),
            refills: Vec::new(),
            relay: relay::Relay::default(),
            queries: query::Queries::default(),
            raws: Vec::new(),
            answers: VecDeque::new(),
            notes: VecDeque::new(),
            rng: Rng::from_seed(config.seed),
            round_max: 0,
            rounds_told: false,
            sequence: 0,
            started_at: None,
            busy_until: None,
            counters: EngineCounters::default(),
            config,
        }
    }

    /// Takes up an operation; its answer comes from [`Engine::poll`] with the ticket.
    pub fn submit(&mut self, ticket: Ticket, key: &[u8], ask: Ask, now: Now, net: &mut Net) {
        self.accept(Source::Front(ticket), key, ask, now, net);
    }

    /// More operations may be submitted.
    pub fn room(&self) -> bool {
        self.ops.len() < OPERATIONS_MAX
            && !self.links.iter().any(|link| link.is_well() && link.window.is_full())
    }

    /// The next answer.
    pub fn poll(&mut self) -> Option<(Ticket, Answer)> {
        self.answers.pop_front()
    }

    /// The next thing that a person should know.
    pub fn poll_note(&mut self) -> Option<String> {
        self.notes.pop_front()
    }

    /// A view is known: operations can be executed.
    pub fn is_ready(&self) -> bool {
        !self.view.is_blank()
    }

    /// The newest view that it knows; blank before the first.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// What it is.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// What happened so far.
    pub fn counters(&self) -> EngineCounters {
        self.counters
    }

    /// The servers' addresses, in the order in which they are numbered.
    pub fn servers(&self) -> &[SocketAddr] {
        self.placement.servers()
    }
}

/// Operations under way at most; beyond it the askers wait.
const OPERATIONS_MAX: usize = 2_048;

/// What several parts need.
impl Engine {
    fn majority(&self) -> usize {
        self.links.len() / 2 + 1
    }

    /// W(slot) as places among the slot's replicas: those that serve in the view.
    fn serving_places(&self, slot: Slot) -> u64 {
        self.places(slot, |role| role != Role::Out)
    }

    /// The places of the slot's members.
    fn member_places(&self, slot: Slot) -> u64 {
        self.places(slot, |role| role == Role::Member)
    }

    fn places(&self, slot: Slot, wanted: impl Fn(Role) -> bool) -> u64 {
        if self.view.is_blank() {
            return 0;
        }
        let replicas = self.placement.replicas(slot).iter().enumerate();
        replicas
            .filter(|(_, server)| wanted(self.view.seats[**server as usize].role))
            .fold(0, |set, (place, _)| set | 1 << place)
    }

    fn server_at(&self, slot: Slot, place: usize) -> usize {
        self.placement.replicas(slot)[place] as usize
    }

    fn next_version(&mut self, now: Now) -> Version {
        self.sequence = (self.sequence + 1).max(now.unix_ms << 16);
        Version::new(self.owner.ballot(), self.sequence)
    }

    fn has_bug(&self, bug: Bug) -> bool {
        self.config.bug == Some(bug)
    }

    fn note(&mut self, text: String) {
        log::warn!("{text}");
        self.notes.push_back(text);
    }

    /// Servers that cannot be relied on now: not members, or not answering.
    fn down_count(&self) -> usize {
        (0..self.links.len()).filter(|&server| !self.is_whole(server)).count()
    }

    /// A member that answers.
    fn is_whole(&self, server: usize) -> bool {
        let link = &self.links[server];
        let seated = self.view.seats.get(server).is_some_and(|seat| {
            seat.role == Role::Member
                && link.incarnation.is_none_or(|incarnation| incarnation == seat.incarnation)
        });
        link.is_well() && !link.is_foreign() && seated
    }

    /// Does something at the next chance in time, however idle the links are.
    fn wake_at(&mut self, time: Time) {
        self.busy_until = Some(self.busy_until.map_or(time, |earlier| earlier.min(time)));
    }

    fn send(
        &mut self,
        server: usize,
        request: &crate::proto::cluster::Request<'_>,
        expect: Expect,
        now: Now,
        net: &mut Net,
    ) -> bool {
        let link = &mut self.links[server];
        let Some(id) = link.up() else { return false };
        link.send(net.out(id), request, expect, now.time);
        true
    }

    fn finish(&mut self, id: OpId, outcome: Outcome, now: Now, net: &mut Net) {
        let (op, next) = self.ops.remove(id);
        self.report(&op, outcome, now, net);
        for id in next {
            self.begin(id, now, net);
        }
    }

    /// Tells the asker, unless it was told before that the outcome is uncertain.
    fn report(&mut self, op: &Op, outcome: Outcome, now: Now, net: &mut Net) {
        if op.given_up {
            return;
        }
        if outcome == Outcome::Failed(EngineError::Uncertain) {
            self.counters.uncertain += 1;
        }
        if matches!(outcome, Outcome::Done { changed: true, .. })
            && self.view.members().len() < self.links.len()
        {
            self.counters.writes_degraded += 1;
            self.counters.deletes_degraded += u64::from(op.ask == Ask::Delete);
        }
        match op.source {
            Source::Front(ticket) => self.answers.push_back((ticket, Answer::Op(outcome))),
            Source::Relay { process, id } => self.answer_relayed(process, id, &outcome, now, net),
        }
    }
}

#[cfg(test)]
mod tests;
