//! The next view, chosen by Paxos among all servers (rules 1, 2, 11, 12, 14).
//!
//! One instance of single-decree Paxos a view number: the servers that are named in the base view vote on its
//! successor. A proposer that finds an accepted value proposes that one, so two views never have one name.
//!
//! ```text
//!   intent ─► VPREPARE(base) to all ─► promises of a majority ─► successor ─► VACCEPT ─► accepted by a majority
//!                                          │    and what it accepted before         │
//!                                          └─► not allowed: given up for now        └─► VIEW to all, adopted
//! ```

use super::link::{Expect, LinkState};
use super::{Bug, Engine};
use crate::conn::Net;
use crate::proto::cluster::{Request, Role, Seat, ServerSet, View, ViewId};
use crate::record::Ballot;
use crate::time::{Now, Span, Time};
use std::collections::BTreeMap;

/// An attempt that has not ended by then is begun anew under a higher ballot, and up to as long again later.
const ATTEMPT: Span = Span::from_millis(250);
/// With a majority of promises in, the others are waited for this long before a change is called impossible.
const PATIENCE: Span = Span::from_millis(60);

/// How long a memory that was put out stays out, at first and at most.
const JOIN_HOLD: Span = Span::from_secs(1);
const JOIN_HOLD_MAX: Span = Span::from_secs(60);

/// What a broker wants of the next view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Intent {
    /// The first view, of the servers that answer.
    First,
    /// Put these out, as far as rule 11 allows.
    Evict(ServerSet),
    /// Seat this memory of a server as a learner.
    Join(usize, u64),
    /// Make a learner with exactly this seat a member.
    Promote(usize, Seat),
}

#[derive(Clone)]
struct Promise {
    incarnation: u64,
    accepted: Option<(Ballot, View)>,
}

struct Change {
    base: View,
    ballot: Ballot,
    intent: Intent,
    begun: Time,
    retry_at: Time,
    /// When a majority had promised.
    majority_at: Option<Time>,
    promises: BTreeMap<usize, Promise>,
    proposal: Option<View>,
    accepts: ServerSet,
}

/// The change under way, and when the next may begin.
#[derive(Default)]
pub(super) struct Changes {
    change: Option<Change>,
    not_before: Time,
    /// The last attempt to put somebody out was not allowed, or found no majority: since then.
    pub(super) stuck_since: Option<Time>,
}

impl Changes {
    pub(super) fn is_idle(&self, now: Time) -> bool {
        self.change.is_none() && now >= self.not_before
    }

    pub(super) fn abandon(&mut self) {
        self.change = None;
    }
}

impl Engine {
    /// The change of view under way: the name of the view that it would make, and whom it would put out or seat anew.
    pub fn change_under_way(&self) -> Option<(ViewId, Vec<usize>)> {
        let change = self.change.change.as_ref()?;
        let id = ViewId { number: change.base.id.number.saturating_add(1), ..change.base.id };
        let seated_anew = |server: &usize| match &change.intent {
            Intent::First | Intent::Promote(..) => false,
            Intent::Evict(suspects) => suspects.contains(*server),
            Intent::Join(joining, _) => joining == server,
        };
        Some((id, (0..self.links.len()).filter(seated_anew).collect()))
    }

    pub(super) fn start_change(&mut self, intent: Intent, now: Now, net: &mut Net) {
        let Some(ballot) = self.new_ballot() else { return };
        let base = self.view.clone();
        log::debug!("view {}: {intent:?} with ballot {ballot:?}", base.id);
        let jitter = Span::from_nanos(self.rng.below(ATTEMPT.as_nanos()));
        let change = Change {
            ballot,
            intent,
            begun: now.time,
            retry_at: now.time + ATTEMPT + jitter,
            majority_at: None,
            promises: BTreeMap::new(),
            proposal: None,
            accepts: ServerSet::default(),
            base,
        };
        for server in self.voters(&change.base) {
            let request = Request::ViewPrepare { base: change.base.clone(), ballot };
            self.send(server, &request, Expect::Vote { ballot }, now, net);
        }
        self.change.change = Some(change);
        self.wake_soon(now);
    }

    /// The servers that may vote on the successor of `base`: those whose memory it names; on the first view all.
    fn voters(&self, base: &View) -> Vec<usize> {
        let named = |server: &usize| match base.seats.get(*server) {
            Some(seat) => self.links[*server].incarnation == Some(seat.incarnation),
            None => true,
        };
        (0..self.links.len()).filter(named).collect()
    }

    pub(super) fn vote_promised(
        &mut self,
        server: usize,
        ballot: Ballot,
        incarnation: u64,
        accepted: Option<(Ballot, View)>,
        now: Now,
        net: &mut Net,
    ) {
        if let Some(change) = self.change.change.as_mut().filter(|change| change.ballot == ballot) {
            change.promises.insert(server, Promise { incarnation, accepted });
            self.advance_change(now, net);
        }
    }

    pub(super) fn vote_accepted(&mut self, server: usize, ballot: Ballot, now: Now, net: &mut Net) {
        if let Some(change) = self.change.change.as_mut().filter(|change| change.ballot == ballot) {
            change.accepts.insert(server);
            self.advance_change(now, net);
        }
    }

    pub(super) fn vote_refused(&mut self, ballot: Ballot, promised: Ballot, now: Now) {
        self.round_max = self.round_max.max(promised.round());
        let ours = self.change.change.as_ref().is_some_and(|change| change.ballot == ballot);
        if ours && promised != Ballot::NONE {
            self.change.change = None;
            self.pause_changes(now);
        }
    }

    /// Two brokers that want different views must not outbid each other for ever.
    fn pause_changes(&mut self, now: Now) {
        let pause = Span::from_millis(10 + self.rng.below(90));
        self.change.not_before = now.time + pause;
        self.wake_at(now.time + pause);
    }

    fn advance_change(&mut self, now: Now, net: &mut Net) {
        let majority = self.majority();
        let Some(change) = &mut self.change.change else { return };
        if change.proposal.is_none() && change.promises.len() >= majority {
            let since = *change.majority_at.get_or_insert(now.time);
            self.propose(since, now, net);
        } else if change.proposal.is_some() && change.accepts.len() >= majority {
            let view = change.proposal.clone().expect("just seen");
            self.chosen(view, now, net);
        }
    }

    /// A majority promised: proposes what was accepted before, or what the intent leads to.
    fn propose(&mut self, majority_since: Time, now: Now, net: &mut Net) {
        let change = self.change.change.as_ref().expect("a change under way");
        let voters = self.voters(&change.base);
        let accepted =
            change.promises.values().filter_map(|p| p.accepted.clone()).max_by_key(|(ballot, _)| *ballot);
        let proposal = match accepted {
            // A broker with another list of servers got there first: theirs is no view of this cluster.
            Some((_, view)) if view.seats.len() != self.links.len() => None,
            Some((_, view)) if !self.has_bug(Bug::ViewNotPaxos) => Some(view),
            _ => {
                let heard = change.promises.iter().map(|(&s, p)| (s, p.incarnation)).collect();
                let all_in =
                    voters.iter().all(|s| change.promises.contains_key(s) || !self.links[*s].is_well());
                let patient = !all_in && now.time.since(majority_since) < PATIENCE;
                let (base, intent) = (change.base.clone(), change.intent.clone());
                match self.successor(&base, &intent, &heard, patient) {
                    None if patient => return self.wake_at(majority_since + PATIENCE),
                    proposal => proposal,
                }
            }
        };
        let Some(view) = proposal else { return self.impossible(now) };
        let change = self.change.change.as_mut().expect("a change under way");
        change.proposal = Some(view.clone());
        let (base, ballot) = (change.base.clone(), change.ballot);
        let promised: Vec<_> = change.promises.iter().map(|(&s, p)| (s, p.incarnation)).collect();
        for (server, incarnation) in promised {
            let (base, view) = (base.clone(), view.clone());
            let request = Request::ViewAccept { base, ballot, incarnation, view };
            self.send(server, &request, Expect::Vote { ballot }, now, net);
        }
    }

    fn impossible(&mut self, now: Now) {
        let change = self.change.change.take().expect("a change under way");
        if !matches!(change.intent, Intent::Promote(..)) {
            self.change.stuck_since.get_or_insert(now.time);
        }
        self.change.not_before = now.time + Span::from_millis(100);
    }

    /// The view that an intent leads to; `None` where rules 11, 12 or 14 forbid it, or, if `whole` is asked for, where
    /// they forbid a part of it.
    fn successor(
        &mut self,
        base: &View,
        intent: &Intent,
        heard: &BTreeMap<usize, u64>,
        whole: bool,
    ) -> Option<View> {
        let mut view = base.clone();
        view.id.number = base.id.number.checked_add(1)?;
        match intent {
            // While others may still promise, they are waited for: a server left out must be filled later.
            Intent::First if whole => return None,
            Intent::First => return self.first_view(heard),
            Intent::Evict(suspects) => {
                for server in suspects.iter() {
                    let role = std::mem::replace(&mut view.seats[server].role, Role::Out);
                    if !self.is_allowed(&view, heard) {
                        if whole {
                            return None;
                        }
                        view.seats[server].role = role;
                    }
                }
                if view.seats == base.seats {
                    return None;
                }
            }
            Intent::Join(server, incarnation) => {
                let seat = view.seats[*server];
                if seat.incarnation == *incarnation && seat.role != Role::Out {
                    return None;
                }
                let since = view.id.number;
                view.seats[*server] = Seat { incarnation: *incarnation, role: Role::Learner, since };
            }
            Intent::Promote(server, filled) => {
                let seat = view.seats[*server];
                let same = seat == *filled
                    || (self.has_bug(Bug::SinceIgnored) && seat.incarnation == filled.incarnation);
                if !same || seat.role != Role::Learner {
                    return None;
                }
                view.seats[*server].role = Role::Member;
            }
        }
        let grows = matches!(intent, Intent::Promote(..));
        (grows || self.is_allowed(&view, heard)).then_some(view)
    }

    /// Rule 11: every slot keeps a member that promised in this very attempt with the memory that the view names.
    fn is_allowed(&self, view: &View, heard: &BTreeMap<usize, u64>) -> bool {
        let unheard = self.has_bug(Bug::EvictUnheard);
        self.placement.sets().iter().all(|set| {
            set.iter().any(|&server| {
                let (server, seat) = (usize::from(server), &view.seats[usize::from(server)]);
                seat.role == Role::Member && (unheard || heard.get(&server) == Some(&seat.incarnation))
            })
        })
    }

    /// Everyone who promised as a member, all others out; only if that leaves a member for every slot.
    fn first_view(&mut self, heard: &BTreeMap<usize, u64>) -> Option<View> {
        let out = Seat { incarnation: 0, role: Role::Out, since: 0 };
        let seat = |server| match heard.get(&server) {
            Some(&incarnation) => Seat { incarnation, role: Role::Member, since: 1 },
            None => out,
        };
        let life = (self.rng.next_u64() as u32).max(1);
        let seats = (0..self.links.len()).map(seat).collect();
        let view = View { id: ViewId { life, number: 1 }, seats };
        self.is_allowed(&view, heard).then_some(view)
    }

    /// A majority accepted: the view stands, whatever happens to this broker.
    fn chosen(&mut self, view: View, now: Now, net: &mut Net) {
        self.counters.views += 1;
        for (before, after) in self.view.seats.iter().zip(&view.seats) {
            self.counters.evictions += u64::from(before.role != Role::Out && after.role == Role::Out);
            self.counters.refills += u64::from(before.role == Role::Learner && after.role == Role::Member);
        }
        for server in 0..self.links.len() {
            self.tell_view(server, &view, now, net);
        }
        self.adopt(view, now, net);
    }

    /// Tells a server of a chosen view. One whose memory the view does not name is not told: it would learn only that
    /// it has no seat, and if all have forgotten, blank servers can still form a first view.
    pub(super) fn tell_view(&mut self, server: usize, view: &View, now: Now, net: &mut Net) {
        if self.links[server].incarnation == Some(view.seats[server].incarnation) {
            let request = Request::View { view: view.clone() };
            self.send(server, &request, Expect::View, now, net);
        }
    }

    /// Goes on in a newer view: every operation repeats its step there.
    pub(super) fn adopt(&mut self, view: View, now: Now, net: &mut Net) {
        let known = self.links.len() == view.seats.len();
        if !known || !view.id.is_newer_than(self.view.id) {
            return;
        }
        self.tell_of_change(&view);
        for server in 0..self.links.len() {
            self.hold_joins(server, &view, now);
            self.redial_if_seated(server, &view, now);
        }
        self.view = view;
        self.change.change = None;
        self.change.stuck_since = None;
        self.refills.retain(|refill| self.view.seats[refill.server] == refill.seat);
        self.view_changed_for_owner(now, net);
        self.restart_queries(now, net);
        for id in self.ops.ids() {
            self.reenter(id, now, net);
        }
        for server in 0..self.links.len() {
            if self.view.seats[server].role != Role::Member {
                self.source_lost(server);
            }
            self.ping_if_unseated(server, now, net);
        }
        self.wake_soon(now);
    }

    /// A memory that was put out and comes back waits 1 s, and twice as long each time that happens again soon.
    fn hold_joins(&mut self, server: usize, view: &View, now: Now) {
        let served = self.view.seats.get(server).is_some_and(|seat| seat.role != Role::Out);
        if !served || view.seats[server].role != Role::Out {
            return;
        }
        let link = &mut self.links[server];
        let calm = now.time.since(link.join_after) > JOIN_HOLD_MAX;
        link.join_hold = if calm { JOIN_HOLD } else { link.join_hold.times(2).min(JOIN_HOLD_MAX) };
        link.join_after = now.time + link.join_hold;
    }

    /// A server that got a seat answers somebody: it is dialed at once, however long it did not answer us.
    fn redial_if_seated(&mut self, server: usize, view: &View, now: Now) {
        let (before, after) = (self.view.seats.get(server), view.seats[server]);
        let link = &mut self.links[server];
        if after.role != Role::Out
            && before != Some(&after)
            && let LinkState::Down { retry_at } = &mut link.state
        {
            *retry_at = now.time;
            link.backoff.reset();
        }
    }

    fn tell_of_change(&mut self, view: &View) {
        let names =
            |set: ServerSet| -> Vec<String> { set.iter().map(|s| self.links[s].peer.to_string()).collect() };
        let out: Vec<String> =
            names((0..view.seats.len()).filter(|&server| view.seats[server].role == Role::Out).collect());
        log::info!("view {}: {} members, out: {out:?}", view.id, view.members().len());
    }

    /// Ends an attempt that took too long; the next is begun by whoever still wants it.
    pub(super) fn tick_change(&mut self, now: Now, net: &mut Net) {
        let Some(change) = &self.change.change else { return };
        let (retry_at, begun) = (change.retry_at, change.begun);
        if now.time >= retry_at {
            let no_majority = change.promises.len() < self.majority();
            if no_majority {
                self.change.stuck_since.get_or_insert(begun);
            }
            self.change.change = None;
            self.pause_changes(now);
        } else {
            self.advance_change(now, net);
            self.wake_at(retry_at);
        }
    }
}
