//! The ends of a turn: what the machine asked for, what is to be sent, connections that come and go.

use super::*;

impl Reactor {
    /// Lets in who waits at a listener.
    pub(super) fn accept<M: Machine>(&mut self, machine: &mut M, listener: usize, now: Now) {
        let mut arrivals = std::mem::take(&mut self.lists.arrivals);
        self.door.arrivals(listener, now.time, self.net.entrance(), &mut arrivals);
        for arrival in arrivals.drain(..) {
            match arrival {
                Arrival::Client(stream, peer, local) => {
                    self.welcome(machine, stream, Origin::Accepted { peer, local }, now);
                }
                Arrival::Surplus(stream) => {
                    self.net.counters.refused += 1;
                    turn_away(stream, machine.refusal(Refusal::TooManyClients), &mut self.buffer);
                }
            }
        }
        self.door.keep_spare();
        self.lists.arrivals = arrivals;
    }

    fn welcome<M: Machine>(&mut self, machine: &mut M, stream: TcpStream, origin: Origin, now: Now) {
        self.net.counters.accepted += 1;
        let id = self.net.insert();
        match Socket::accepted(stream, id, self.poll.registry()) {
            Ok(socket) => {
                self.sockets.insert(id, socket);
                machine.handle_open(id, origin, now, &mut self.net);
            }
            Err(error) => {
                log::warn!("a client cannot be watched: {error}");
                self.net.remove(id);
                self.door.leave();
            }
        }
    }

    pub(super) fn insert_feed(&mut self, local: Local) {
        let id = self.net.insert();
        self.feeds.new.push((id, local.feed()));
        self.sockets.insert(id, Socket::local(local));
    }

    /// Tells the machine of its feeds.
    pub(super) fn open_feeds<M: Machine>(&mut self, machine: &mut M, now: Now) {
        for (id, feed) in std::mem::take(&mut self.feeds.new) {
            self.feeds.open.push(id);
            machine.handle_open(id, Origin::Local { feed }, now, &mut self.net);
            self.net.mark_ready(id);
        }
    }

    /// The machine's time, the limits' time, the time of peers that do not end.
    pub(super) fn time_out<M: Machine>(&mut self, machine: &mut M, now: Now) {
        if machine.poll_timeout().is_some_and(|at| at <= now.time) {
            machine.handle_timeout(now, &mut self.net);
        }
        while let Some(&(until, id)) = self.lists.lingering.front()
            && until <= now.time
        {
            self.lists.lingering.pop_front();
            self.discard(id);
        }
        if now.time < self.check_at {
            return;
        }
        self.check_at = now.time + CHECK_EVERY;
        let mut overdue = std::mem::take(&mut self.lists.ids);
        self.net.overdue(now.time, &mut overdue);
        for id in overdue.drain(..) {
            // A slow person at the console, a slow reader of our output: no fault.
            let is_local = self.sockets.get_mut(id).is_some_and(|s| matches!(s.link, Link::Local(_)));
            if !is_local {
                self.lose(machine, id, CloseReason::Limit, now);
            }
        }
        self.lists.ids = overdue;
    }

    /// What the machine asked for, then one write for each connection that has something to send.
    pub(super) fn perform<M: Machine>(&mut self, machine: &mut M, now: Now) {
        let mut requests = std::mem::take(&mut self.lists.requests);
        self.net.take_requests(&mut requests);
        for request in requests.drain(..) {
            match request {
                NetRequest::Dial(id, peer) => self.dial(machine, id, peer, now),
                NetRequest::Close(id) => self.close(id, now),
                NetRequest::Abort(id) => self.discard(id),
            }
        }
        self.lists.requests = requests;
        let mut ids = std::mem::take(&mut self.lists.ids);
        ids.append(&mut self.lists.writable);
        self.net.take_dirty(&mut ids);
        for id in ids.drain(..) {
            self.send(machine, id, now);
        }
        self.lists.ids = ids;
    }

    fn dial<M: Machine>(&mut self, machine: &mut M, id: ConnId, peer: SocketAddr, now: Now) {
        // Aborted in the turn in which it was asked for.
        if !self.net.is_live(id) {
            return;
        }
        self.net.counters.dialed += 1;
        match Socket::dial(peer, id, self.poll.registry()) {
            Ok(socket) => self.sockets.insert(id, socket),
            Err(error) => self.lose(machine, id, CloseReason::DialFailed(error.kind()), now),
        }
    }

    fn close(&mut self, id: ConnId, now: Now) {
        if !self.net.contains(id) {
            return;
        }
        match self.sockets.get_mut(id) {
            Some(socket) if socket.stage == Stage::Open => {
                socket.stage = Stage::Closing;
                // Else it is on the list of those to be written to, or waits for an event until it can be.
                if self.net.queued(id) == 0 {
                    self.hang_up(id, now);
                }
            }
            // A dial that is given up has nobody to send anything to.
            _ => self.discard(id),
        }
    }

    /// Writes what is queued for `id`, and goes on with its end, if it is ending.
    fn send<M: Machine>(&mut self, machine: &mut M, id: ConnId, now: Now) {
        if !self.net.contains(id) {
            return;
        }
        let Some(socket) = self.sockets.get_mut(id) else { return };
        let stage = socket.stage;
        match stage {
            Stage::Dialing => {}
            Stage::Lingering => {
                if socket.readable && socket.discard_input(&mut self.buffer) {
                    self.discard(id);
                }
            }
            Stage::Open | Stage::Closing => match self.flush(id, now) {
                Ok(Flushed::All) if stage == Stage::Closing => self.hang_up(id, now),
                Ok(_) => {}
                Err(error) => self.lose(machine, id, CloseReason::Lost(error.kind()), now),
            },
        }
    }

    /// Writes what is queued for `id`; what remains waits for an event.
    pub(super) fn flush(&mut self, id: ConnId, now: Now) -> io::Result<Flushed> {
        let Some(socket) = self.sockets.get_mut(id) else { return Ok(Flushed::All) };
        let flushed = pump::flush(socket, &mut self.net, id, now)?;
        if flushed == Flushed::Some {
            socket.block(id, self.poll.registry())?;
        }
        Ok(flushed)
    }

    /// All is sent: says goodbye, and waits for the peer's, for a while.
    fn hang_up(&mut self, id: ConnId, now: Now) {
        let Some(socket) = self.sockets.get_mut(id) else { return };
        if socket.shut() && !socket.discard_input(&mut self.buffer) {
            socket.stage = Stage::Lingering;
            self.lists.lingering.push_back((now.time + LINGER, id));
        } else {
            self.discard(id);
        }
    }

    /// The connection is gone: tells the machine, if it still wants to know.
    pub(super) fn lose<M: Machine>(&mut self, machine: &mut M, id: ConnId, reason: CloseReason, now: Now) {
        if self.net.is_live(id) {
            // Before the id is free again: what the machine dials now must not get the same index.
            machine.handle_close(id, reason, now, &mut self.net);
        }
        if let CloseReason::Lost(kind) = reason
            && let Some(Socket { link: Link::Local(local), .. }) = self.sockets.get_mut(id)
            && let Some(status) = local.last_words(kind)
        {
            if status != 0 {
                log::error!("the output cannot be written: {kind}");
            }
            self.net.stop(status);
        }
        self.discard(id);
    }

    /// Closes and forgets a connection.
    pub(super) fn discard(&mut self, id: ConnId) {
        if !self.net.contains(id) {
            return;
        }
        if let Some(socket) = self.sockets.remove(id) {
            if socket.accepted {
                self.door.leave();
            }
            if matches!(socket.link, Link::Local(_)) {
                self.feeds.open.retain(|&open| open != id);
            }
        }
        self.net.remove(id);
    }
}
