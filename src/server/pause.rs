//! CLIENT PAUSE: requests wait where they are, unread, until the time is over.

use super::Server;
use super::dispatch::resolve;
use super::sessions::Mode;
use crate::conn::{ConnId, Net};
use crate::proto::command::{CommandId, Flags};
use crate::proto::resp::Request;
use crate::time::Time;

/// A pause, and who waits for its end.
#[derive(Debug)]
pub(super) struct Pause {
    pub(super) until: Time,
    /// Only writes wait.
    pub(super) writes_only: bool,
    waiting: Vec<ConnId>,
}

impl Server {
    /// Begins a pause, or changes the one that is: as in Redis, it never ends earlier and never gets milder by that.
    pub(super) fn begin_pause(&mut self, until: Time, writes_only: bool) {
        let pause = self.pause.get_or_insert(Pause { until, writes_only, waiting: Vec::new() });
        pause.until = pause.until.max(until);
        pause.writes_only &= writes_only;
    }

    /// Ends the pause: whoever waited is heard again.
    pub(super) fn end_pause(&mut self, net: &mut Net) {
        let Some(pause) = self.pause.take() else { return };
        pause.waiting.iter().for_each(|&id| net.resume(id));
    }

    /// Ends the pause if its time is over.
    pub(super) fn check_pause(&mut self, now: Time, net: &mut Net) {
        if self.pause.as_ref().is_some_and(|pause| pause.until <= now) {
            self.end_pause(net);
        }
    }

    /// Whether this request waits. The cluster's messages never do, nor does what ends the pause.
    #[cold]
    pub(super) fn holds_back(&mut self, id: ConnId, request: &Request<'_>) -> bool {
        let Some(pause) = &self.pause else { return false };
        if request.is_empty() || pause.until <= self.clock.time {
            return false;
        }
        let Ok(command) = resolve(request) else { return !pause.writes_only };
        if command.flags.contains(Flags::CLUSTER) || command.id == CommandId::ClientUnpause {
            return false;
        }
        if pause.writes_only {
            let writes = match command.id {
                CommandId::Exec => self.transaction_writes(id),
                _ => command.flags.contains(Flags::WRITE) && !self.mode(id).has(Mode::MULTI),
            };
            if !writes {
                return false;
            }
        }
        self.pause.as_mut().expect("just seen").waiting.push(id);
        true
    }

    fn transaction_writes(&self, id: ConnId) -> bool {
        let extra = self.sessions.get(id).and_then(|session| session.extra());
        extra.and_then(|extra| extra.transaction.as_ref()).is_some_and(|transaction| transaction.writes)
    }
}
