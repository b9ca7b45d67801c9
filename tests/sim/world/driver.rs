//! One turn of a process' loop, as the real driver does it.
//!
//! ```text
//!  1 kept bytes of those on the ready list ─► deliver
//!  2 ends and feeds that something happened to, in any order ─► handle_open, deliver, handle_eof, handle_close
//!  3 the timer, if it is due ─► handle_timeout
//!  4 effects: dials, then what is to be sent, then closes
//! ```

use super::trace::readable;
use super::wire::{Segment, Side, Stage};
use super::{Route, Running, Step, World};
use hedgerow::conn::{self, CloseReason, ConnId, Delivery, Machine, NetRequest, Origin};
use hedgerow::limits;
use hedgerow::time::Span;
use std::net::SocketAddr;

/// More turns than a run of a sound machine takes.
const TURNS_MAX: u64 = 20_000_000;

/// What is mixed into the hash: the kind of each thing a machine is told.
const OPENED: u64 = 1;
const SHOWN: u64 = 2;
const ENDED: u64 = 3;
const CLOSED: u64 = 4;
const TIMER: u64 = 5;
const SENT: u64 = 6;

impl<M: Machine> World<M> {
    pub(super) fn turn(&mut self, p: usize) -> Step {
        self.trace.turn(self.now, p);
        assert!(self.trace.turns() < TURNS_MAX, "{} turns for ever", self.processes[p].name);
        let mut running = self.processes[p].running.take().expect("only a running process turns");
        self.look_at_ready(&mut running, p);
        let mut touched = std::mem::take(&mut self.processes[p].touched);
        for last in (1..touched.len()).rev() {
            let other = self.rng.index(last + 1);
            touched.swap(last, other);
        }
        for route in touched {
            match route {
                Route::Wire(side) => self.look_at_end(&mut running, p, side),
                Route::Feed(feed) => self.look_at_feed(&mut running, p, feed),
            }
        }
        let now = self.clock(p);
        if running.machine.poll_timeout().is_some_and(|at| at <= now.time) {
            self.trace.mix(TIMER, b"");
            running.machine.handle_timeout(now, &mut running.net);
        }
        self.perform(&mut running, p);
        self.plan(running, p)
    }

    /// Puts the machine back and names its next turn.
    fn plan(&mut self, running: Box<Running<M>>, p: usize) -> Step {
        let (stopping, ready) = (running.net.stopping(), running.net.has_ready());
        let timeout = running.machine.poll_timeout();
        self.processes[p].running = Some(running);
        if let Some(status) = stopping {
            return Step::Exited(p, status);
        }
        // Whatever it waits for, time goes on between two turns, and a timer is a little late, never early.
        let pause = self.weather.lag(&mut self.rng) + Span::from_micros(1);
        if ready || !self.processes[p].touched.is_empty() {
            self.turn_at(p, self.now + pause);
        }
        if let Some(at) = timeout {
            let wait = at.since(self.clock(p).time);
            self.turn_at(p, self.now + wait + pause);
        }
        Step::Turned(p)
    }

    fn look_at_ready(&mut self, running: &mut Running<M>, p: usize) {
        let now = self.clock(p);
        let mut ready = vec![];
        running.net.take_ready(&mut ready);
        for id in ready {
            self.trace.mix(SHOWN, b"");
            let delivery = conn::deliver(&mut running.machine, &mut running.net, id, b"", now);
            if let Some(route) = running.route(id) {
                self.set_held(route, delivery);
                self.touch(route);
            }
        }
    }

    fn look_at_end(&mut self, running: &mut Running<M>, p: usize, side: Side) {
        let end = &mut self.wires[side.wire()].ends[side.end()];
        end.touched = false;
        match end.stage {
            Stage::Gone => return,
            Stage::Dialing if end.inbound.lost.is_none() => return,
            Stage::Dialing | Stage::Open => {}
            Stage::Established => self.open(running, p, side),
        }
        self.read(running, p, side);
        self.hear_of_end(running, p, side);
        self.flush(running, p, side);
    }

    fn open(&mut self, running: &mut Running<M>, p: usize, side: Side) {
        let peer = SocketAddr::new(self.peer(side).address.ip(), self.peer_port(side));
        let local = self.processes[p].address;
        self.doubled += u64::from(side.end() == 1 && self.has_another(side));
        let end = &mut self.wires[side.wire()].ends[side.end()];
        end.stage = Stage::Open;
        let origin = match side.end() {
            0 => Origin::Dialed { peer },
            _ => Origin::Accepted { peer, local },
        };
        let id = *end.id.get_or_insert_with(|| running.net.insert());
        running.set_route(id, Route::Wire(side));
        self.tell_open(running, p, id, origin);
    }

    /// This end's process has another open connection from the same machine.
    fn has_another(&self, side: Side) -> bool {
        let ends = &self.wires[side.wire()].ends;
        self.wires.iter().any(|wire| {
            let open = wire.ends[1].stage == Stage::Open;
            let same = (0..2).all(|end| {
                (wire.ends[end].process, wire.ends[end].life) == (ends[end].process, ends[end].life)
            });
            open && same
        })
    }

    fn tell_open(&mut self, running: &mut Running<M>, p: usize, id: ConnId, origin: Origin) {
        if running.net.is_live(id) {
            self.trace.mix(OPENED, &id.to_u64().to_le_bytes());
            let now = self.clock(p);
            running.machine.handle_open(id, origin, now, &mut running.net);
        }
    }

    fn peer(&self, side: Side) -> &super::Process<M> {
        &self.processes[self.wires[side.wire()].ends[side.other().end()].process]
    }

    fn peer_port(&self, side: Side) -> u16 {
        if side.end() == 0 { self.peer(side).address.port() } else { self.wires[side.wire()].port }
    }

    /// Reads what arrived, all or a part, and shows it to the machine.
    fn read(&mut self, running: &mut Running<M>, p: usize, side: Side) {
        let end = &self.wires[side.wire()].ends[side.end()];
        let (Some(id), waiting) = (end.id, end.inbound.arrived.len()) else { return };
        if waiting == 0 || !running.net.wants_input(id) {
            return;
        }
        let count = self.weather.piece(waiting.min(limits::READ_BYTES), &mut self.rng);
        let pipe = &mut self.wires[side.wire()].ends[side.end()].inbound;
        let bytes: Vec<u8> = pipe.arrived.drain(..count).collect();
        let (more, starved) = (!pipe.arrived.is_empty(), std::mem::take(&mut pipe.starved));
        if starved {
            self.touch(Route::Wire(side.other()));
        }
        self.print(p, || format!("hears {}: {}", self.peer(side).name, readable(&bytes)));
        self.show(running, p, Route::Wire(side), id, &bytes);
        if more && running.net.wants_input(id) {
            self.touch(Route::Wire(side));
        }
    }

    fn show(&mut self, running: &mut Running<M>, p: usize, route: Route, id: ConnId, bytes: &[u8]) {
        self.trace.mix(SHOWN, bytes);
        let now = self.clock(p);
        let delivery = conn::deliver(&mut running.machine, &mut running.net, id, bytes, now);
        self.set_held(route, delivery);
    }

    fn set_held(&mut self, route: Route, delivery: Delivery) {
        assert!(delivery != Delivery::OutOfMemory, "a simulated run needs little memory");
        if let Route::Wire(side) = route {
            self.wires[side.wire()].ends[side.end()].held = delivery == Delivery::Held;
        }
    }

    /// Tells the machine that its peer said the last, or is lost, once all that came before was read.
    fn hear_of_end(&mut self, running: &mut Running<M>, p: usize, side: Side) {
        let end = &self.wires[side.wire()].ends[side.end()];
        let Some(id) = end.id else { return };
        let (fin, lost, dialing) = (end.inbound.fin, end.inbound.lost, end.stage == Stage::Dialing);
        let waits = !end.inbound.arrived.is_empty() || end.held;
        if fin && !waits && lost.is_none() {
            self.trace.mix(ENDED, &id.to_u64().to_le_bytes());
            let now = self.clock(p);
            conn::deliver_eof(&mut running.machine, &mut running.net, id, now);
        }
        let Some(kind) = lost else { return };
        let reason = if dialing { CloseReason::DialFailed(kind) } else { CloseReason::Lost(kind) };
        self.tell_close(running, p, id, reason);
        self.forget(running, side);
    }

    fn tell_close(&mut self, running: &mut Running<M>, p: usize, id: ConnId, reason: CloseReason) {
        if running.net.is_live(id) {
            self.trace.mix(CLOSED, &id.to_u64().to_le_bytes());
            self.print(p, || format!("lost {id:?}: {reason:?}"));
            let now = self.clock(p);
            running.machine.handle_close(id, reason, now, &mut running.net);
        }
    }

    fn forget(&mut self, running: &mut Running<M>, side: Side) {
        let end = &mut self.wires[side.wire()].ends[side.end()];
        end.stage = Stage::Gone;
        if let Some(id) = end.id.take() {
            running.routes[id.index()] = None;
            running.net.remove(id);
        }
    }

    fn look_at_feed(&mut self, running: &mut Running<M>, p: usize, index: usize) {
        let feed = &mut self.feeds[index];
        feed.touched = false;
        if feed.dead {
            return;
        }
        let number = feed.number;
        let id = match feed.id {
            Some(id) => id,
            None => {
                let id = running.net.insert();
                feed.id = Some(id);
                running.set_route(id, Route::Feed(index));
                self.tell_open(running, p, id, Origin::Local { feed: number });
                id
            }
        };
        if running.net.wants_input(id) && !self.feeds[index].inbox.is_empty() {
            let bytes = std::mem::take(&mut self.feeds[index].inbox);
            self.print(p, || format!("feed {number} says {}", readable(&bytes)));
            self.show(running, p, Route::Feed(index), id, &bytes);
        }
    }

    /// Step 4: what the machine asked for.
    fn perform(&mut self, running: &mut Running<M>, p: usize) {
        let (mut dirty, mut requests) = (vec![], vec![]);
        running.net.take_requests(&mut requests);
        running.net.take_dirty(&mut dirty);
        for request in &requests {
            if let NetRequest::Dial(id, peer) = *request {
                let side = self.dial(p, id, peer);
                running.set_route(id, Route::Wire(side));
            }
        }
        for id in dirty {
            match running.route(id) {
                Some(Route::Wire(side)) => self.flush(running, p, side),
                Some(Route::Feed(feed)) => self.flush_feed(running, p, feed),
                None => {}
            }
        }
        for request in requests {
            match request {
                NetRequest::Dial(..) => {}
                NetRequest::Close(id) => self.close(running, p, id, false),
                NetRequest::Abort(id) => self.close(running, p, id, true),
            }
        }
    }

    fn close(&mut self, running: &mut Running<M>, p: usize, id: ConnId, at_once: bool) {
        match running.route(id) {
            Some(Route::Wire(side)) if at_once => {
                self.print(p, || format!("aborts {id:?}"));
                self.send(side.other(), Segment::Reset);
                self.forget(running, side);
            }
            Some(Route::Wire(side)) => {
                self.wires[side.wire()].ends[side.end()].closing = true;
                self.flush(running, p, side);
            }
            Some(Route::Feed(feed)) => {
                self.feeds[feed].dead = true;
                self.heard.push(feed);
                running.routes[id.index()] = None;
                running.net.remove(id);
            }
            None => {}
        }
    }

    /// Sends what is queued and fits; closes what the machine is done with.
    fn flush(&mut self, running: &mut Running<M>, p: usize, side: Side) {
        let end = &self.wires[side.wire()].ends[side.end()];
        let (Some(id), Stage::Open, closing) = (end.id, end.stage, end.closing) else { return };
        let unsent = running.net.unsent(id);
        let occupied = self.wires[side.wire()].ends[side.other().end()].inbound.occupied();
        let room = self.weather.window.saturating_sub(occupied);
        let starved = unsent.len() > room;
        let all = unsent[..unsent.len().min(room)].to_vec();
        if !all.is_empty() {
            self.trace.mix(SENT, &all);
            let peer = side.other();
            self.print(p, || format!("tells {}: {}", self.peer(side).name, readable(&all)));
            self.tread(p, &all);
            let mut rest = &all[..];
            while !rest.is_empty() {
                let count = self.weather.piece(rest.len(), &mut self.rng);
                self.send(peer, Segment::Bytes(rest[..count].to_vec()));
                rest = &rest[count..];
            }
            let now = self.clock(p).time;
            running.net.sent(id, all.len(), now);
        }
        self.wires[side.wire()].ends[side.other().end()].inbound.starved |= starved;
        if closing && !starved {
            self.send(side.other(), Segment::Fin);
            self.forget(running, side);
        }
    }

    /// The trap closes if this is what it waits for.
    fn tread(&mut self, p: usize, sent: &[u8]) {
        let Some(trap) = self.trap.as_mut().filter(|trap| trap.caught.is_none()) else { return };
        if memchr::memmem::find(sent, trap.word.as_bytes()).is_some() {
            match trap.skip {
                0 => trap.caught = Some(p),
                _ => trap.skip -= 1,
            }
        }
    }

    fn flush_feed(&mut self, running: &mut Running<M>, p: usize, feed: usize) {
        let Some(id) = self.feeds[feed].id else { return };
        let unsent = running.net.unsent(id);
        if unsent.is_empty() {
            return;
        }
        self.trace.mix(SENT, unsent);
        self.feeds[feed].output.extend_from_slice(unsent);
        let line = if self.trace.is_on() { readable(unsent) } else { String::new() };
        running.net.sent(id, unsent.len(), self.now);
        self.print(p, || format!("answers feed {}: {line}", self.feeds[feed].number));
        self.heard.push(feed);
    }

    fn print(&self, p: usize, what: impl FnOnce() -> String) {
        self.trace.note(self.now, || format!("{}: {}", self.processes[p].name, what()));
    }
}

impl<M> Running<M> {
    fn route(&self, id: ConnId) -> Option<Route> {
        self.routes.get(id.index()).copied().flatten()
    }

    fn set_route(&mut self, id: ConnId, route: Route) {
        if self.routes.len() <= id.index() {
            self.routes.resize(id.index() + 1, None);
        }
        self.routes[id.index()] = Some(route);
    }
}
