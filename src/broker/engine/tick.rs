//! What happens because time passes: dialing, pings, suspicion, deadlines, and the wish for another view.

use super::Engine;
use super::change::Intent;
use super::link::{Expect, GIVE_UP, LinkState, Window};
use super::op::Phase;
use crate::conn::Net;
use crate::proto::cluster::{Request, Role, ServerSet};
use crate::time::{Now, Span, Time};

/// While something is under way, it is looked at this often.
const TICK: Span = Span::from_millis(20);
/// How long the missing servers of a cluster that was never formed are waited for.
const START_WAIT: Span = Span::from_secs(2);
/// Where the view cannot follow the failures, an operation waits this long before it is given up.
const HOPELESS: Span = Span::from_millis(1_500);
/// ... and this long once that has been so for some time.
const HOPELESS_AT_ONCE: Span = Span::from_millis(20);
/// A read that waits this long for a server that does not answer this broker is asked of the owner.
const ASK_OWNER: Span = Span::from_millis(300);
/// Pings after which a member that cannot serve is looked at again.
const UNSEATED_PING: Span = Span::from_millis(50);

impl Engine {
    /// When [`Engine::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.started_at.is_none() {
            return Some(Time::ZERO);
        }
        let links = self.links.iter().map(|link| link.due(&self.config.times));
        links.chain(self.busy_until).min()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now, net: &mut Net) {
        self.started_at.get_or_insert(now.time);
        self.busy_until = None;
        for server in 0..self.links.len() {
            self.tick_link(server, now, net);
        }
        self.tick_change(now, net);
        if self.view.is_blank() {
            self.tick_first_view(now, net);
        } else {
            self.tick_view(now, net);
        }
        self.tick_relay(now, net);
        self.tick_ops(now, net);
        self.retry_queries(now, net);
        self.tick_queries(now);
        self.tick_raws(now, net);
        if !self.ops.is_empty() || self.queries_pending() || !self.refills.is_empty() {
            self.wake_soon(now);
        }
    }

    pub(super) fn wake_soon(&mut self, now: Now) {
        self.wake_at(now.time + TICK);
    }

    pub(super) fn retry_later(&mut self, now: Now) {
        self.wake_soon(now);
    }

    fn tick_link(&mut self, server: usize, now: Now, net: &mut Net) {
        let times = self.config.times;
        let link = &mut self.links[server];
        match link.state {
            LinkState::Down { retry_at } if now.time >= retry_at => {
                let id = net.dial(link.peer);
                link.state = LinkState::Dialing { id, since: now.time };
                link.window = Window::default();
                link.down_since.get_or_insert(now.time);
            }
            LinkState::Dialing { id, since } if now.time.since(since) >= times.connect => {
                net.abort(id);
                self.link_lost(server, Some("does not answer".to_owned()), now, net);
            }
            LinkState::Greeting { id } if link.is_silent(&times, now.time) => {
                net.abort(id);
                self.link_lost(server, Some("does not answer".to_owned()), now, net);
            }
            LinkState::Up { .. } => {
                if link.is_silent(&times, now.time) && !link.suspect {
                    link.suspect = true;
                    link.down_since.get_or_insert(now.time);
                    log::warn!("server {} is silent", link.peer);
                    self.body_lost(server, now, net);
                    self.source_lost(server);
                }
                let link = &self.links[server];
                let heard_at = link.heard_at;
                if let Some(id) = link.up().filter(|_| link.suspect && now.time.since(heard_at) >= GIVE_UP) {
                    net.abort(id);
                    return self.link_lost(server, Some("does not answer".to_owned()), now, net);
                }
                let unseated = !self.view.is_blank() && self.view.seats[server].role == Role::Out;
                let every = if unseated { UNSEATED_PING } else { times.idle };
                if !link.ping_outstanding && now.time.since(link.pinged_at) >= every {
                    self.ping(server, now, net);
                }
            }
            _ => {}
        }
    }

    pub(super) fn ping(&mut self, server: usize, now: Now, net: &mut Net) {
        let view = self.view.id;
        let link = &mut self.links[server];
        if link.up().is_some() && !link.ping_outstanding {
            link.ping_outstanding = true;
            link.pinged_at = now.time;
            self.send(server, &Request::Ping { view }, Expect::Ping { sent_at: now.time }, now, net);
        }
    }

    /// A server that may join is asked for its incarnation under the present view at once (rule 12).
    pub(super) fn ping_if_unseated(&mut self, server: usize, now: Now, net: &mut Net) {
        if !self.is_in(server) {
            self.ping(server, now, net);
        }
    }

    /// Its seat serves, and is that of the memory that the server has now.
    fn is_in(&self, server: usize) -> bool {
        let (seat, link) = (self.view.seats[server], &self.links[server]);
        let is_seats_memory = link.incarnation.is_none_or(|now| now == seat.incarnation);
        seat.role != Role::Out && is_seats_memory && !link.is_foreign()
    }

    /// No view is known: if every server answers and none knows one, or a majority does and the others were waited
    /// for, a first view is formed of those.
    fn tick_first_view(&mut self, now: Now, net: &mut Net) {
        let started = self.started_at.expect("set at the first timeout");
        let up: Vec<usize> = (0..self.links.len()).filter(|&server| self.links[server].is_well()).collect();
        let waited = now.time.since(started) >= START_WAIT;
        let enough = up.len() == self.links.len() || (waited && up.len() >= self.majority());
        if !enough && !waited {
            return self.wake_at(started + START_WAIT);
        }
        self.wake_soon(now);
        if !enough {
            return;
        }
        if !self.change.is_idle(now.time) {
            return;
        }
        self.start_change(Intent::First, now, net);
    }

    /// A view is known: whoever owns the slots keeps it in step with what the servers do.
    fn tick_view(&mut self, now: Now, net: &mut Net) {
        self.all_forgot(now, net);
        if self.view.is_blank() {
            return;
        }
        let wanted = self.wanted_change(now);
        if wanted.is_none() {
            self.change.stuck_since = None;
        }
        let learners = self.view.seats.iter().any(|seat| seat.role == Role::Learner);
        if !self.may_change_views() {
            let waits = self
                .ops
                .ids()
                .into_iter()
                .any(|id| self.ops.get(id).is_some_and(|op| op.phase == Phase::Own));
            let useful = wanted.is_some() || learners || waits;
            if useful && !self.owner_is_reachable() && self.owner_is_gone(now) {
                self.claim(now, net);
            } else if useful {
                self.route_waiting(now, net);
                self.watch_owner(now, net);
            } else {
                self.owner_not_needed();
            }
            return;
        }
        for server in self.view.serving().iter().collect::<Vec<_>>() {
            self.prepare_again(server, now, net);
        }
        if self.owner.owns_all() && learners {
            self.begin_refills(now, net);
        }
        if let Some(intent) = wanted
            && self.change.is_idle(now.time)
        {
            self.start_change(intent, now, net);
        }
        if !self.owner.owns_all() {
            self.wake_soon(now);
        }
    }

    /// Operations that wait for an owner while another broker may have become it.
    fn route_waiting(&mut self, now: Now, net: &mut Net) {
        for id in self.ops.ids() {
            if self.ops.get(id).is_some_and(|op| op.phase == Phase::Own) {
                self.route(id, now, net);
            }
        }
    }

    /// The change of view that the servers' state asks for.
    fn wanted_change(&self, now: Now) -> Option<Intent> {
        let seats = &self.view.seats;
        let suspects: ServerSet = (0..seats.len())
            .filter(|&server| seats[server].role != Role::Out)
            .filter(|&server| self.links[server].suspect || !self.is_in(server))
            .collect();
        // A memory that is lost is seated anew in one step, if its server can join.
        let joins = (0..seats.len()).find(|&server| self.can_join(server, now));
        let mut evict = suspects.clone();
        if let Some(server) = joins {
            evict.remove(server);
        }
        if !evict.is_empty() {
            return Some(Intent::Evict(evict));
        }
        if let Some((server, seat)) = self.filled_learner() {
            return Some(Intent::Promote(server, seat));
        }
        joins.map(|server| Intent::Join(server, self.links[server].incarnation.expect("it was heard")))
    }

    /// Its present memory has no seat that serves, and was heard of under the present view (rule 12).
    fn can_join(&self, server: usize, now: Now) -> bool {
        let (link, seat) = (&self.links[server], self.view.seats[server]);
        let Some(incarnation) = link.incarnation.filter(|_| link.is_well() && link.refusal.is_none()) else {
            return false;
        };
        let returns = seat.incarnation == incarnation;
        let held = returns && now.time < link.join_after;
        let absent = !returns || seat.role == Role::Out;
        absent && !held && link.heard_under == self.view.id
    }

    /// Grants that were asked for and not given, of servers that do answer, are asked for again.
    fn prepare_again(&mut self, server: usize, now: Now, net: &mut Net) {
        if !self.links[server].window.expects(Expect::Prepare) {
            self.prepare(server, now, net);
        }
    }

    /// Every server has lost what the view's seats remember: nothing is left that could come back, so a new life
    /// begins.
    fn all_forgot(&mut self, now: Now, net: &mut Net) {
        let forgot = |server: usize| {
            let (link, seat) = (&self.links[server], self.view.seats[server]);
            let elsewhere = link.view.is_blank() || link.view.life != self.view.id.life;
            link.is_well() && elsewhere && link.incarnation.is_some_and(|now| now != seat.incarnation)
        };
        if !(0..self.links.len()).all(forgot) {
            return;
        }
        self.note("all servers were restarted empty: their data is lost, the cluster starts anew".to_owned());
        self.links.iter_mut().for_each(|link| link.refusal = None);
        self.view = Default::default();
        self.owner = Default::default();
        self.change = Default::default();
        self.refills.clear();
        for id in self.ops.ids() {
            if self.ops.get(id).is_some() {
                self.give_up(id, now, net);
            }
        }
        for id in self.ops.ids() {
            if let Some(op) = self.ops.get(id).filter(|op| op.given_up) {
                assert!(op.stored, "only what is on its way is kept");
                self.finish(id, super::Outcome::Failed(super::EngineError::Uncertain), now, net);
            }
        }
    }

    /// Deadlines, and requests that were not sent for want of a link.
    fn tick_ops(&mut self, now: Now, net: &mut Net) {
        let stuck = self.change.stuck_since;
        let hopeless = stuck.map(|since| match now.time.since(since) >= HOPELESS {
            true => HOPELESS_AT_ONCE,
            false => HOPELESS,
        });
        for id in self.ops.ids() {
            let Some(op) = self.ops.get(id) else { continue };
            let age = now.time.since(op.begun);
            let given_up = op.given_up;
            let no_hope = hopeless.is_some_and(|wait| age >= wait) && self.waits_for_lost(id);
            let alone = !op.exclusive && op.phase == Phase::Read && age >= ASK_OWNER;
            if !given_up && (age >= self.config.deadline || no_hope) {
                self.give_up(id, now, net);
            } else if alone && !self.may_change_views() && self.waits_for_lost(id) {
                // Perhaps only this broker cannot reach the server: the owner answers, or puts it out.
                self.must_write(id, now, net);
            } else {
                self.transmit(id, now, net);
            }
        }
    }

    /// The operation waits for a server that will not answer, or for an operation that does.
    fn waits_for_lost(&self, id: super::op::OpId) -> bool {
        let Some(op) = self.ops.get(id) else { return false };
        match op.phase {
            Phase::Forwarded => false,
            _ => super::steps::bits(self.serving_places(op.slot)).any(|place| {
                let server = self.server_at(op.slot, place);
                op.answered >> place & 1 == 0 && (self.links[server].suspect || !self.is_in(server))
            }),
        }
    }
}
