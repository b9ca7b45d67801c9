//! What breaks, and when it is mended.

use super::{Alarm, Scenario};
use crate::swarm::Fault;
use crate::world::Crash;
use hedgerow::time::Span;

impl Scenario {
    /// The time for the next trouble has come: at once, or when somebody sends a message of some kind.
    pub(super) fn break_something(&mut self) {
        if !self.chaos {
            return;
        }
        let rng = &mut self.world.rng;
        if rng.percent(self.plan.trap_percent) {
            let (word, skip) = (self.plan.trap(rng), rng.below(3));
            self.world.set_trap(word, skip);
        } else {
            let (server, broker) = (rng.index(self.servers.len()), rng.index(self.brokers.len()));
            self.break_around(server, broker);
        }
        self.set_alarm_about(self.plan.fault_gap, Alarm::Fault);
    }

    /// A process sent what was waited for: it is in the middle of something.
    pub(super) fn caught(&mut self, p: usize) {
        if !self.chaos {
            return;
        }
        let (server, broker) =
            (self.world.rng.index(self.servers.len()), self.world.rng.index(self.brokers.len()));
        let at = |all: &[usize], other| all.iter().position(|&one| one == p).unwrap_or(other);
        let (server, broker) = (at(&self.servers, server), at(&self.brokers, broker));
        if !self.plan.gentle && self.world.rng.percent(60) {
            let fault = self.plan.half_done(self.brokers.contains(&p), &mut self.world.rng);
            self.break_by(fault, server, broker);
        }
        self.break_around(server, broker);
    }

    fn break_around(&mut self, server: usize, broker: usize) {
        loop {
            if let Some(fault) = self.plan.fault(&mut self.world.rng) {
                self.break_by(fault, server, broker);
            }
            if !self.world.rng.percent(self.plan.double_percent) {
                break;
            }
        }
        if self.world.rng.percent(self.plan.burst_percent) {
            self.burst();
        }
    }

    fn break_by(&mut self, fault: Fault, server: usize, broker: usize) {
        let (s, b) = (self.servers[server], self.brokers[broker]);
        let span = Span::from_nanos(self.world.rng.below(self.plan.fault_span.as_nanos()) + 1_000_000);
        match fault {
            Fault::CrashServer => self.crash_server(server, span),
            Fault::CrashBroker if self.world.is_up(b) => {
                let how = self.any_crash();
                self.crash_broker(broker, how);
                self.set_alarm(span, Alarm::StartBroker(broker));
            }
            Fault::FreezeServer => self.freeze(s, span),
            Fault::FreezeBroker => self.freeze(b, span),
            Fault::CutOne => {
                let both = self.world.rng.percent(60);
                let there = both || self.world.rng.percent(50);
                self.cut(b, s, there, span);
                self.cut(s, b, both || !there, span);
            }
            Fault::CutServer => {
                for b in self.brokers.clone() {
                    self.cut(b, s, true, span);
                    self.cut(s, b, true, span);
                }
            }
            Fault::Island => self.make_island(s, b, span),
            Fault::Reset => {
                self.watch.counters.resets += 1;
                self.world.reset_one(b);
            }
            Fault::Clog => {
                self.watch.counters.clogs += 1;
                self.world.clog_one(b, span);
            }
            Fault::Skew => {
                let skews = [0, 3_600_000, -3_600_000, 700, -700];
                let skew = skews[self.world.rng.index(skews.len())];
                let p = if self.world.rng.percent(70) { b } else { s };
                self.world.skew(p, skew);
            }
            Fault::Mend => self.uncut_all(),
            Fault::CrashBroker => {}
        }
    }

    fn crash_server(&mut self, server: usize, down_for: Span) {
        let p = self.servers[server];
        let tolerated = self.may_forget(server);
        if !self.world.is_up(p) || !(tolerated || self.plan.beyond) {
            return;
        }
        if !tolerated && !self.watch.lossy {
            self.watch.lossy = true;
            self.watch.counters.beyond_tolerance += 1;
        }
        self.watch.counters.server_crashes += 1;
        let how = self.any_crash();
        self.world.crash(p, how);
        let down_for = if self.world.rng.percent(20) { Span::from_millis(1) } else { down_for };
        self.set_alarm(down_for, Alarm::StartServer(server));
    }

    pub(super) fn crash_broker(&mut self, broker: usize, how: Crash) {
        self.count_broker(broker);
        self.world.crash(self.brokers[broker], how);
    }

    fn any_crash(&mut self) -> Crash {
        [Crash::Reset, Crash::Drain, Crash::Torn, Crash::Torn, Crash::Silent][self.world.rng.index(5)]
    }

    fn freeze(&mut self, p: usize, span: Span) {
        if self.world.is_up(p) {
            self.watch.counters.freezes += 1;
            self.world.freeze(p, span);
        }
    }

    fn cut(&mut self, from: usize, to: usize, cut: bool, span: Span) {
        if cut {
            self.watch.counters.cuts += 1;
            self.world.set_cut(from, to, true);
            self.set_alarm(span, Alarm::Uncut(from, to));
        }
    }

    fn make_island(&mut self, server: usize, broker: usize, span: Span) {
        for b in self.brokers.clone() {
            for s in self.servers.clone() {
                let apart = (b == broker) != (s == server);
                self.cut(b, s, apart, span);
                self.cut(s, b, apart, span);
            }
        }
    }

    fn uncut_all(&mut self) {
        for b in self.brokers.clone() {
            for s in self.servers.clone() {
                self.world.set_cut(b, s, false);
                self.world.set_cut(s, b, false);
            }
        }
    }
}
