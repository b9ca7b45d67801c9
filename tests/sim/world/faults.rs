//! What can go wrong, as the scenario orders it.

use super::World;
use super::wire::{Segment, Side, Stage};
use hedgerow::conn::Machine;
use hedgerow::time::{Span, Time};

/// How a process dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crash {
    /// Its connections are reset at once, what they had sent is lost.
    Reset,
    /// What it had sent still arrives, and then the end.
    Drain,
    /// One of the two, each connection by itself.
    Torn,
    /// The host goes with it: nobody is told, until it is back and does not know them.
    Silent,
}

impl<M: Machine> World<M> {
    /// Ends the machine that runs there.
    pub fn crash(&mut self, p: usize, how: Crash) {
        self.note_process(p, &format!("crashes: {how:?}"));
        let process = &mut self.processes[p];
        process.running = None;
        process.silent = how == Crash::Silent;
        process.turn_at = None;
        process.frozen_until = Time::ZERO;
        process.touched.clear();
        let life = process.life;
        for index in 0..self.feeds.len() {
            let feed = &mut self.feeds[index];
            if feed.process == p && !feed.dead {
                feed.dead = true;
                self.heard.push(index);
            }
        }
        for side in self.sides_of(p, life) {
            let end = &mut self.wires[side.wire()].ends[side.end()];
            let was = end.stage;
            end.stage = Stage::Gone;
            end.inbound.arrived.clear();
            if was == Stage::Gone || how == Crash::Silent {
                continue;
            }
            let lost = how == Crash::Reset || (how == Crash::Torn && self.rng.percent(50));
            if lost {
                self.wires[side.wire()].ends[side.other().end()].inbound.lose();
            }
            let clean = !lost && self.rng.percent(50);
            self.send(side.other(), if clean { Segment::Fin } else { Segment::Reset });
        }
    }

    /// The process does nothing for a while, its kernel goes on (SIGSTOP, then SIGCONT).
    pub fn freeze(&mut self, p: usize, span: Span) {
        self.note_process(p, &format!("is stopped for {} ms", span.as_millis()));
        self.processes[p].frozen_until = self.now + span;
    }

    /// The process goes on.
    pub fn thaw(&mut self, p: usize) {
        self.processes[p].frozen_until = Time::ZERO;
        self.turn_soon(p);
    }

    /// The wall clock of the process is this much off from now on.
    pub fn skew(&mut self, p: usize, skew_ms: i64) {
        self.note_process(p, &format!("has its clock {skew_ms} ms off"));
        self.processes[p].skew_ms = skew_ms;
    }

    /// Whether what `from` sends is kept from `to`.
    pub fn set_cut(&mut self, from: usize, to: usize, cut: bool) {
        let place = from * self.processes.len() + to;
        if self.cuts[place] == cut {
            return;
        }
        self.cuts[place] = cut;
        if self.trace.is_on() {
            let word = if cut { "cut" } else { "healed" };
            let line = format!("{word}: {} -> {}", self.processes[from].name, self.processes[to].name);
            self.note(|| line);
        }
        if !cut {
            self.unpark();
        }
    }

    /// All cuts heal, all processes go on, no pipe is clogged.
    pub fn heal(&mut self) {
        self.cuts.fill(false);
        for p in 0..self.processes.len() {
            self.processes[p].silent = false;
            self.thaw(p);
        }
        self.unpark();
    }

    /// Resets one of the open connections of `p` at both ends, if it has any.
    pub fn reset_one(&mut self, p: usize) {
        let Some(side) = self.any_side_of(p) else { return };
        self.note_process(p, "has a connection reset");
        for side in [side, side.other()] {
            self.wires[side.wire()].ends[side.end()].inbound.lose();
            self.send(side, Segment::Reset);
        }
    }

    /// Nothing arrives for a while through one of the open connections of `p`, in one direction; others of the same
    /// link are not touched, so that a new connection may overtake an old one.
    pub fn clog_one(&mut self, p: usize, span: Span) {
        let Some(side) = self.any_side_of(p) else { return };
        let side = if self.rng.percent(50) { side } else { side.other() };
        self.note_process(p, &format!("has a connection clogged for {} ms", span.as_millis()));
        let until = self.now + span;
        let pipe = &mut self.wires[side.wire()].ends[side.end()].inbound;
        pipe.clogged_until = pipe.clogged_until.max(until);
    }

    fn any_side_of(&mut self, p: usize) -> Option<Side> {
        let life = self.processes[p].life;
        let open: Vec<Side> = self
            .sides_of(p, life)
            .into_iter()
            .filter(|side| self.wires[side.wire()].ends.iter().all(|end| end.stage == Stage::Open))
            .collect();
        (!open.is_empty()).then(|| open[self.rng.index(open.len())])
    }

    fn sides_of(&self, p: usize, life: u32) -> Vec<Side> {
        let sides = (0..self.wires.len() * 2).map(|index| Side::new(index / 2, index % 2));
        sides
            .filter(|side| {
                let end = &self.wires[side.wire()].ends[side.end()];
                end.process == p && end.life == life && end.stage != Stage::Gone
            })
            .collect()
    }

    fn note_process(&mut self, p: usize, what: &str) {
        if self.trace.is_on() {
            let line = format!("{} {what}", self.processes[p].name);
            self.note(|| line);
        }
    }
}
