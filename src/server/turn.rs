//! From a connection's bytes to requests, within a turn's budget.

use super::Server;
use crate::conn::{ConnId, Net, Next, Taken};
use crate::limits::REQUESTS_PER_TURN_MAX;
use crate::proto::command::lookup;
use crate::proto::resp::{Ahead, Args, Progress, ProtocolError, Request, RequestParser, Writer};
use crate::time::Now;
use std::ops::{ControlFlow, Range};

/// Memory for requests that are read.
#[derive(Default, Debug)]
pub(super) struct ParserScratch {
    args: Args,
    ahead: Ahead,
}

/// Whether the connection goes on after a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    Open,
    /// Closed, and forgotten here.
    Closed,
    /// The answer comes later; nothing more is heard until then.
    Waits,
}

impl Server {
    /// Time has come this far.
    #[inline]
    pub(super) fn begin(&mut self, now: Now) {
        self.clock = now;
        self.sweep();
    }

    /// Answers what has come whole, as long as the turn's budget lasts.
    pub(super) fn turn(&mut self, id: ConnId, bytes: &[u8], now: Now, net: &mut Net) -> Taken {
        let Some(session) = self.sessions.get_mut(id) else { return Taken::all(bytes) };
        session.touch(now.time);
        let mut parser = std::mem::take(&mut session.parser);
        let mut scratch = std::mem::take(&mut self.scratch.parser);
        self.begin(now);
        self.log.turn(now.time);
        self.meter.turn();
        self.stats.rate.turn(self.stats.requests, now.time);
        let taken = self.requests(id, bytes, &mut parser, &mut scratch, now, net);
        self.scratch.parser = scratch;
        if let Some(session) = self.sessions.get_mut(id) {
            session.parser = parser;
        }
        taken
    }

    /// The peer says nothing more: answers every whole request of what was not taken, then closes. As much as may be
    /// queued for one client, that is.
    pub(super) fn last_turn(&mut self, id: ConnId, unread: &[u8], now: Now, net: &mut Net) {
        let mut rest = unread;
        while !rest.is_empty()
            && net.queued(id) < net.limits().queued_bytes
            && self.sessions.get(id).is_some()
        {
            let taken = self.turn(id, rest, now, net);
            rest = &rest[taken.consumed..];
            if taken.next != Next::Again {
                break;
            }
        }
        if self.sessions.get(id).is_some() {
            self.close(id, net);
        }
    }

    fn requests(
        &mut self,
        id: ConnId,
        bytes: &[u8],
        parser: &mut RequestParser,
        scratch: &mut ParserScratch,
        now: Now,
        net: &mut Net,
    ) -> Taken {
        let ParserScratch { args, ahead } = scratch;
        let mut limits = self.request_limits(id);
        let mut consumed = 0;
        let mut left = REQUESTS_PER_TURN_MAX;
        while left > 0 {
            let rest = &bytes[consumed..];
            if !parser.is_incomplete() && !limits.until_auth {
                ahead.find(rest, left, &limits);
                if ahead.len() > 1 {
                    self.trie.prefetch(ahead.iter(rest).filter_map(probable_key));
                }
                let begin = consumed;
                for index in 0..ahead.len() {
                    let (request, end) = ahead.get(rest, index);
                    let place = consumed..begin + end;
                    consumed = place.end;
                    if let ControlFlow::Break(taken) = self.hear(id, request, place, bytes, now, net) {
                        return taken;
                    }
                }
                left -= ahead.len();
                if !ahead.is_empty() {
                    continue;
                }
            }
            match parser.parse_within(rest, args, &limits) {
                Ok(Progress::Done { value: request, consumed: size }) => {
                    let place = consumed..consumed + size;
                    consumed = place.end;
                    left -= 1;
                    if let ControlFlow::Break(taken) = self.hear(id, request, place, bytes, now, net) {
                        return taken;
                    }
                    if limits.until_auth {
                        limits = self.request_limits(id);
                    }
                }
                Ok(Progress::More { at_least }) => return Taken { consumed, next: Next::More { at_least } },
                Err(error) => {
                    self.protocol_error(id, error, net);
                    return Taken::all(bytes);
                }
            }
        }
        Taken { consumed, next: Next::Again }
    }

    /// Answers the request that lies in this `place` of `bytes`, unless it must wait; what the driver is told if the
    /// turn ends with it.
    #[inline]
    fn hear(
        &mut self,
        id: ConnId,
        request: Request<'_>,
        place: Range<usize>,
        bytes: &[u8],
        now: Now,
        net: &mut Net,
    ) -> ControlFlow<Taken> {
        if self.pause.is_some() && self.holds_back(id, &request) {
            return ControlFlow::Break(Taken { consumed: place.start, next: Next::Stall });
        }
        if !request.is_empty() {
            match self.execute(id, request, now, net) {
                Flow::Open => {}
                Flow::Closed => return ControlFlow::Break(Taken::all(bytes)),
                Flow::Waits => return ControlFlow::Break(Taken { consumed: place.end, next: Next::Stall }),
            }
        }
        if place.end == bytes.len() {
            return ControlFlow::Break(Taken::all(bytes));
        }
        if net.queued(id) >= net.limits().pause_bytes {
            return ControlFlow::Break(Taken { consumed: place.end, next: Next::Again });
        }
        ControlFlow::Continue(())
    }

    /// The stream has no meaning any more: says why, and closes.
    #[cold]
    fn protocol_error(&mut self, id: ConnId, error: ProtocolError, net: &mut Net) {
        self.stats.error("ERR");
        if let Some(session) = self.sessions.get(id) {
            Writer::new(net.out(id), session.protocol)
                .error_args(format_args!("ERR Protocol error: {error}"));
        }
        self.close(id, net);
    }

    /// Closes the connection once its answers are sent.
    pub(super) fn close(&mut self, id: ConnId, net: &mut Net) {
        self.forget(id);
        net.close(id);
    }

    /// The connection is gone.
    pub(super) fn forget(&mut self, id: ConnId) {
        self.end_transaction(id);
        self.monitors.retain(|&monitor| monitor != id);
        if self.sessions.close(id).is_some_and(|session| session.broker().is_some()) {
            self.brokers.forget(id);
        }
    }
}

/// The argument that is a request's first key, if it has any. Only brokers' messages are worth a look into the table.
#[inline]
fn probable_key(request: Request<'_>) -> Option<&[u8]> {
    let first = match request.arg(0) {
        name @ [b'H' | b'h', b'.', ..] => lookup(name)?.keys.first as usize,
        _ => 1,
    };
    request.get(first)
}
