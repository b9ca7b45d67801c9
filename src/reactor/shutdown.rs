//! The end of a run: what clients were promised is still sent.

use super::*;

/// How long the last bytes may take.
const DRAIN: Span = Span::from_secs(2);
/// How long a client may take to read, while requests of his wait for room behind their answers.
const CATCH_UP: Span = Span::from_secs(1);
/// Turns of a machine that is asked to end for what it has read, or could read, by then.
const CATCH_UP_TURNS_MAX: usize = 128;

impl Reactor {
    /// Closes the door and lets the machine answer what has come in. Requests whose answers find no room, since their
    /// client has not read those before, get [`CATCH_UP`] to come up.
    pub(super) fn catch_up<M: Machine>(&mut self, machine: &mut M, events: &mut Events) -> io::Result<()> {
        self.door.close();
        let mut now = self.clock.read();
        let deadline = now.time + CATCH_UP;
        let mut turns = 0;
        loop {
            self.perform(machine, now);
            self.pump_all(machine, now);
            turns += 1;
            // Turns are counted and not timed: what has come in is answered however long this process was away.
            let is_busy = self.net.has_work() && turns < CATCH_UP_TURNS_MAX;
            let waits = self.net.has_paused() && now.time < deadline;
            if !(is_busy || waits) || self.stops.is_pressed() {
                return Ok(());
            }
            let patience = match self.net.has_work() {
                true => Duration::ZERO,
                false => clock::until(deadline, now),
            };
            self.wait(events, Some(patience))?;
            now = self.clock.read();
            self.note(events);
        }
    }

    /// Sends what is queued, then closes all. Clients get 2 s. The sinks of feeds get all the time that they need,
    /// for a slow reader of our output is as good as a fast one, except where somebody asked for the end.
    pub(super) fn drain(&mut self, events: &mut Events) -> io::Result<()> {
        self.door.close();
        let began = self.clock.read();
        let deadline = began.time + DRAIN;
        let ids: Vec<ConnId> = self.net.ids().collect();
        loop {
            let now = self.clock.read();
            let is_late = now.time >= deadline;
            let waits = self.flush_all(&ids, now);
            let is_over = match waits {
                Waits::None => true,
                Waits::Clients => is_late,
                Waits::Sinks => is_late && self.stops.is_asked(),
            };
            if is_over || self.stops.is_pressed() {
                break;
            }
            let patience = (!is_late).then(|| clock::until(deadline, now));
            self.wait(events, patience)?;
            self.note(events);
        }
        for id in ids {
            if let Some(socket) = self.sockets.get_mut(id) {
                if socket.shut() {
                    socket.discard_input(&mut self.buffer);
                }
                self.discard(id);
            }
        }
        Ok(())
    }

    /// Writes what can be written, and says what is left.
    fn flush_all(&mut self, ids: &[ConnId], now: Now) -> Waits {
        let mut waits = Waits::None;
        for &id in ids {
            let Some(socket) = self.sockets.get_mut(id).filter(|s| s.stage != Stage::Dialing) else {
                continue;
            };
            let sink = match &socket.link {
                Link::Local(local) => local.outlet().is_some(),
                Link::Tcp(_) => false,
            };
            let is_local = matches!(socket.link, Link::Local(_));
            match self.flush(id, now) {
                // Closing a feed's connection is what lets its writer come to an end.
                Ok(Flushed::All) if is_local => self.discard(id),
                Ok(Flushed::All) => {}
                Ok(Flushed::Some) => waits = waits.max(if sink { Waits::Sinks } else { Waits::Clients }),
                Err(_) => self.discard(id),
            }
        }
        match self.feeds.outlets.iter().all(|outlet| outlet.is_ended()) {
            true => waits,
            false => Waits::Sinks,
        }
    }
}

/// Who has not yet taken all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Waits {
    None,
    Clients,
    Sinks,
}
