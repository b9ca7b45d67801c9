//! What happens between processes: dialing, arriving, being refused, being cut.

use super::wire::{Segment, Side, Stage, Wire};
use super::{Event, Route, World};
use hedgerow::conn::{ConnId, Machine};
use std::io::ErrorKind;
use std::net::SocketAddr;

impl<M: Machine> World<M> {
    /// Sends `segment` on its way to `side`.
    pub(super) fn send(&mut self, side: Side, segment: Segment) {
        let at = self.now + self.weather.delay(&mut self.rng);
        self.wires[side.wire()].ends[side.end()].inbound.push(at, segment);
        self.arm(side);
    }

    /// A process dials; what becomes of it comes back through the wire.
    pub(super) fn dial(&mut self, p: usize, id: ConnId, peer: SocketAddr) -> Side {
        let process = &mut self.processes[p];
        let (life, port) = (process.life, process.next_port);
        process.next_port = process.next_port.checked_add(1).unwrap_or(40_000);
        let to = self.processes.iter().position(|process| process.address == peer);
        let to = to.expect("machines dial only processes of their world");
        self.wires.push(Wire::dial(p, life, id, to, port));
        let dialer = Side::new(self.wires.len() - 1, 0);
        self.send(dialer.other(), Segment::Syn);
        dialer
    }

    /// Makes sure that the head of the pipe to `side` has its event.
    fn arm(&mut self, side: Side) {
        let pipe = &mut self.wires[side.wire()].ends[side.end()].inbound;
        if pipe.armed || pipe.parked {
            return;
        }
        if let Some(at) = pipe.head_at() {
            pipe.armed = true;
            self.schedule(at, Event::Arrive(side));
        }
    }

    /// Nothing gets through to `side` now.
    fn is_cut(&self, side: Side) -> bool {
        let ends = &self.wires[side.wire()].ends;
        let (from, to) = (ends[side.other().end()].process, ends[side.end()].process);
        self.cuts[from * self.processes.len() + to] || self.processes[to].silent
    }

    /// What was parked and is no longer cut off goes on.
    pub(super) fn unpark(&mut self) {
        for index in 0..self.wires.len() * 2 {
            let side = Side::new(index / 2, index % 2);
            if self.wires[side.wire()].ends[side.end()].inbound.parked && !self.is_cut(side) {
                let delay = self.rng.below(self.weather.retransmit.as_nanos().max(1));
                let at = self.now + hedgerow::time::Span::from_nanos(delay);
                let pipe = &mut self.wires[side.wire()].ends[side.end()].inbound;
                pipe.parked = false;
                pipe.clogged_until = pipe.clogged_until.max(at);
                self.arm(side);
            }
        }
    }

    /// The head of the pipe to `side` has come to its end.
    pub(super) fn arrive(&mut self, side: Side) {
        let cut = self.is_cut(side);
        let pipe = &mut self.wires[side.wire()].ends[side.end()].inbound;
        pipe.armed = false;
        match pipe.head_at() {
            None => return,
            Some(at) if at > self.now => return self.arm(side),
            Some(_) if cut => {
                pipe.parked = true;
                return;
            }
            Some(_) => {}
        }
        let segment = pipe.pop().expect("it has a head");
        self.arm(side);
        match segment {
            Segment::Syn => self.knock(side),
            Segment::SynAck => self.answered(side),
            _ => self.take_in(side, segment),
        }
    }

    /// The end belongs to a process that still has it.
    fn is_held(&self, side: Side) -> bool {
        let end = &self.wires[side.wire()].ends[side.end()];
        end.stage != Stage::Gone && self.processes[end.process].life == end.life && self.is_up(end.process)
    }

    fn knock(&mut self, side: Side) {
        let p = self.wires[side.wire()].ends[side.end()].process;
        let process = &self.processes[p];
        let (life, open) = (process.life, process.running.is_some() && process.listens);
        let dialer_gone = self.wires[side.wire()].ends[side.other().end()].stage == Stage::Gone;
        let end = &mut self.wires[side.wire()].ends[side.end()];
        if dialer_gone {
            end.stage = Stage::Gone;
        } else if open {
            (end.stage, end.life) = (Stage::Established, life);
            self.touch(Route::Wire(side));
            self.send(side.other(), Segment::SynAck);
        } else {
            end.stage = Stage::Gone;
            self.send(side.other(), Segment::Refused);
        }
    }

    fn answered(&mut self, side: Side) {
        if !self.is_held(side) {
            return self.send(side.other(), Segment::Reset);
        }
        self.wires[side.wire()].ends[side.end()].stage = Stage::Established;
        self.touch(Route::Wire(side));
    }

    fn take_in(&mut self, side: Side, segment: Segment) {
        let held = self.is_held(side);
        let pipe = &mut self.wires[side.wire()].ends[side.end()].inbound;
        match segment {
            Segment::Bytes(_) if !held => {
                // Nobody is there: the kernel says so, once for what is on the way.
                pipe.lose();
                return self.send(side.other(), Segment::Reset);
            }
            _ if !held => return,
            // What was sent behind a reset never arrives: a stream has an end, but no hole.
            _ if pipe.lost.is_some() => return,
            Segment::Bytes(bytes) => pipe.arrived.extend(bytes),
            Segment::Fin => pipe.fin = true,
            Segment::Reset => pipe.lost = Some(ErrorKind::ConnectionReset),
            Segment::Refused => pipe.lost = Some(ErrorKind::ConnectionRefused),
            Segment::Syn | Segment::SynAck => unreachable!("taken before"),
        }
        self.touch(Route::Wire(side));
    }
}
