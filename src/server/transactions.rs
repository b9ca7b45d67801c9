//! MULTI, EXEC, DISCARD, WATCH, UNWATCH; and the sessions whose requests do not take the usual way.
//!
//! ```text
//!            MULTI              a command: checked, written down, +QUEUED        EXEC
//!   plain ──────────► queueing ─────────────────────────────────────────► all done, one array of replies
//!     ▲                  │ a command that is refused: the whole is void       (or nothing, if a watched key changed)
//!     └──── DISCARD ─────┘
//!
//!   watched key ──► the sessions that watch it ──► changed: `touched`, and EXEC does nothing
//! ```
//!
//! A transaction is done in one piece: nobody else's request comes in between.

use super::Server;
use super::dispatch::{Call, Outcome, resolve};
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::sessions::Mode;
use super::turn::Flow;
use crate::conn::{ConnId, Net};
use crate::limits::TRANSACTION_BYTES_MAX;
use crate::proto::command::{CommandId, Flags};
use crate::proto::resp::{Args, Form, Progress, Request, RequestParser, Writer, write_request};
use std::collections::BTreeMap;

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Multi, Handler::Reply(Server::multi)),
    (CommandId::Exec, Handler::Net(Server::exec)),
    (CommandId::Discard, Handler::Reply(Server::discard)),
    (CommandId::Watch, Handler::Reply(Server::watch)),
    (CommandId::Unwatch, Handler::Reply(Server::unwatch)),
];

/// What WATCH and MULTI began in a session.
#[derive(Default, Debug)]
pub(super) struct Transaction {
    /// The requests, one behind the other, as they could have come.
    queue: Vec<u8>,
    pub(super) count: usize,
    /// Some of them writes.
    pub(super) writes: bool,
    /// One was refused.
    failed: bool,
    watched: Vec<Box<[u8]>>,
    /// What the requests and the watched keys count for in [`Server::held_in_transactions`].
    held: usize,
    /// A watched key has changed.
    touched: bool,
}

impl Transaction {
    /// Bytes that it holds.
    pub(super) fn held_bytes(&self) -> usize {
        self.queue.capacity()
    }

    /// Writes a request down; false if it is too large, or takes more than there is room for.
    fn push(&mut self, call: &Call<'_>, room: usize) -> bool {
        let words: usize = call.request.args().map(|argument| argument.len() + 16).sum();
        let size = words + blanks_of(&call.request);
        if self.queue.len() + size > TRANSACTION_BYTES_MAX || size > room {
            return false;
        }
        self.held += size;
        write_down(&call.request, &mut self.queue);
        self.count += 1;
        self.writes |= call.command.flags.contains(Flags::WRITE);
        true
    }
}

/// A request as it could have come. A verb's line stays a line, with as many blanks: its errors name places in it.
fn write_down(request: &Request<'_>, queue: &mut Vec<u8>) {
    if request.form() != Form::Verb {
        let args: Vec<&[u8]> = request.args().collect();
        return write_request(queue, &args);
    }
    let (verb, text) = (request.arg(0), request.get(1).unwrap_or_default());
    queue.extend_from_slice(verb);
    queue.resize(queue.len() + blanks_of(request).max(1), b' ');
    queue.extend_from_slice(text);
    queue.extend_from_slice(b"\r\n");
}

/// Blanks between a verb and the rest of its line.
fn blanks_of(request: &Request<'_>) -> usize {
    match (request.form(), request.get(1)) {
        (Form::Verb, Some(text)) => {
            let verb = request.arg(0);
            text.as_ptr().addr().saturating_sub(verb.as_ptr().addr() + verb.len())
        }
        _ => 0,
    }
}

/// What a watched key takes beside its bytes, here and in the table of those who watch.
const WATCH_BYTES: usize = 128;

/// Who watches which key.
#[derive(Default, Debug)]
pub(super) struct Watches {
    by_key: BTreeMap<Box<[u8]>, Vec<ConnId>>,
}

impl Watches {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    fn insert(&mut self, key: &[u8], id: ConnId) {
        self.by_key.entry(key.into()).or_default().push(id);
    }

    fn remove(&mut self, key: &[u8], id: ConnId) {
        let Some(ids) = self.by_key.get_mut(key) else { return };
        ids.retain(|&other| other != id);
        if ids.is_empty() {
            self.by_key.remove(key);
        }
    }
}

/// The commands.
impl Server {
    fn multi(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let session = self.sessions.get_mut(call.id).expect("a request has a session");
        if session.mode.has(Mode::MULTI) {
            return Err(CommandError::NestedMulti);
        }
        session.mode.set(Mode::MULTI, true);
        out.ok();
        Ok(())
    }

    fn discard(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if !self.mode(call.id).has(Mode::MULTI) {
            return Err(CommandError::WithoutMulti("DISCARD"));
        }
        self.end_transaction(call.id);
        out.ok();
        Ok(())
    }

    fn watch(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if self.mode(call.id).has(Mode::MULTI) {
            return Err(CommandError::WatchInMulti);
        }
        for key in call.args_from(1) {
            // One that has expired already is as absent now as at EXEC.
            self.expire_if_due(key);
            let room = self.room_for_transactions();
            let session = self.sessions.get_mut(call.id).expect("a request has a session");
            let transaction = session.extra_mut().transaction.get_or_insert_default();
            if !transaction.watched.iter().any(|known| **known == *key) {
                let size = key.len() + WATCH_BYTES;
                if size > room {
                    return Err(CommandError::LargeMulti);
                }
                transaction.watched.push(key.into());
                transaction.held += size;
                self.held_in_transactions += size;
                self.watches.insert(key, call.id);
            }
        }
        out.ok();
        Ok(())
    }

    fn unwatch(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        self.forget_watches(call.id);
        out.ok();
        Ok(())
    }

    fn exec(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        if !self.mode(call.id).has(Mode::MULTI) {
            return Err(CommandError::WithoutMulti("EXEC"));
        }
        let watched = self.transaction(call.id).map(|transaction| transaction.watched.clone());
        watched.unwrap_or_default().iter().for_each(|key| self.expire_if_due(key));
        let transaction = self.end_transaction(call.id);
        if transaction.failed {
            return Err(CommandError::ExecAbort);
        }
        if transaction.touched {
            Writer::new(net.out(call.id), call.protocol).null_array();
            return Ok(());
        }
        if transaction.writes && self.replica.is_clustered() {
            return Err(CommandError::ExecReadOnly);
        }
        Writer::new(net.out(call.id), call.protocol).array(transaction.count);
        let mut args = std::mem::take(&mut self.scratch.queued_args);
        self.at_once = true;
        self.do_queued(call, &transaction.queue, &mut args, net);
        self.at_once = false;
        self.scratch.queued_args = args;
        Ok(())
    }

    fn do_queued(&mut self, exec: Call<'_>, queue: &[u8], args: &mut Args, net: &mut Net) {
        const WHY: &str = "what was written down is a request";
        let (mut parser, mut at) = (RequestParser::default(), 0);
        let begun = net.queued(exec.id);
        // One of them may end its own session.
        while at < queue.len() && self.sessions.get(exec.id).is_some() {
            let Ok(Progress::Done { value: request, consumed }) = parser.parse(&queue[at..], args) else {
                unreachable!("{WHY}")
            };
            at += consumed;
            let command = resolve(&request).expect(WHY);
            let protocol = self.sessions.get(exec.id).map_or(exec.protocol, |session| session.protocol);
            self.stats.requests += 1;
            let before = net.queued(exec.id);
            self.run(Call { request, command, protocol, ..exec }, net);
            // Together they are one reply: once it is too long, all is done and nothing more is kept of it.
            if before.saturating_sub(begun) > self.config.settings.limits.reply_bytes {
                let more = net.queued(exec.id).saturating_sub(before);
                let out = net.out(exec.id);
                out.truncate(out.len() - more);
            }
        }
    }
}

/// Sessions that are in no usual mode.
impl Server {
    /// Answers a request of a session that is in a transaction, or that does not want all replies.
    #[cold]
    pub(super) fn execute_in_mode(&mut self, call: Call<'_>, net: &mut Net) -> Flow {
        let before = self.leave_skip(call.id);
        let start = net.out(call.id).len();
        self.at_once = true;
        let flow = if before.has(Mode::LOCKED) && !call.command.flags.contains(Flags::NO_AUTH) {
            self.refuse(call.id, Some(call.command), &CommandError::NoAuth, net)
        } else if before.has(Mode::MULTI) && !call.command.flags.contains(Flags::CLUSTER) {
            self.execute_in_multi(call, net)
        } else {
            self.execute_plain(call, net)
        };
        self.at_once = false;
        self.silence(call.id, before, start, net);
        flow
    }

    /// Refuses what is no command of such a session.
    #[cold]
    pub(super) fn refuse_in_mode(&mut self, id: ConnId, error: &CommandError, net: &mut Net) -> Flow {
        let before = self.leave_skip(id);
        let start = net.out(id).len();
        if before.has(Mode::MULTI) {
            self.fail_transaction(id);
        }
        let flow = self.refuse(id, None, error, net);
        self.silence(id, before, start, net);
        flow
    }

    /// The mode as it is for this request; a SKIP is used up by it.
    fn leave_skip(&mut self, id: ConnId) -> Mode {
        let session = self.sessions.get_mut(id).expect("a request has a session");
        let before = session.mode;
        session.mode.set(Mode::SKIP, false);
        before
    }

    fn silence(&self, id: ConnId, before: Mode, start: usize, net: &mut Net) {
        if before.has(Mode::SKIP) || self.mode(id).has(Mode::SILENT) {
            net.out(id).truncate(start);
        }
    }

    fn execute_in_multi(&mut self, call: Call<'_>, net: &mut Net) -> Flow {
        let at_once = matches!(
            call.command.id,
            CommandId::Multi
                | CommandId::Exec
                | CommandId::Discard
                | CommandId::Watch
                | CommandId::Quit
                | CommandId::Reset
        );
        let admitted = match self.admit_in_multi(&call) {
            Ok(()) if at_once => return self.run(call, net),
            Ok(()) => self.queue(&call),
            refused => refused,
        };
        match admitted {
            Ok(()) => Writer::new(net.out(call.id), call.protocol).simple("QUEUED"),
            // EXEC ends it even where it has too many words.
            Err(error @ CommandError::ExecArity) => {
                self.end_transaction(call.id);
                self.refuse(call.id, Some(call.command), &error, net);
            }
            Err(error) => {
                self.fail_transaction(call.id);
                self.refuse(call.id, Some(call.command), &error, net);
            }
        }
        Flow::Open
    }

    fn admit_in_multi(&self, call: &Call<'_>) -> Outcome {
        self.admit(call)?;
        if call.command.flags.contains(Flags::NO_MULTI) { Err(CommandError::NotInMulti) } else { Ok(()) }
    }

    fn queue(&mut self, call: &Call<'_>) -> Outcome {
        let room = self.room_for_transactions();
        let session = self.sessions.get_mut(call.id).expect("a request has a session");
        let transaction = session.extra_mut().transaction.get_or_insert_default();
        let before = transaction.held;
        if !transaction.push(call, room) {
            return Err(CommandError::LargeMulti);
        }
        self.held_in_transactions += transaction.held - before;
        Ok(())
    }

    /// What has not come to its EXEC is an incomplete request too: all of it together has the same bound.
    fn room_for_transactions(&self) -> usize {
        self.config.settings.limits.incomplete_bytes.saturating_sub(self.held_in_transactions)
    }

    fn transaction(&self, id: ConnId) -> Option<&Transaction> {
        self.sessions.get(id)?.extra()?.transaction.as_deref()
    }

    fn fail_transaction(&mut self, id: ConnId) {
        let session = self.sessions.get_mut(id).expect("a request has a session");
        session.extra_mut().transaction.get_or_insert_default().failed = true;
    }

    /// The session watches nothing and queues nothing any more; what it had.
    pub(super) fn end_transaction(&mut self, id: ConnId) -> Transaction {
        self.forget_watches(id);
        let Some(session) = self.sessions.get_mut(id) else { return Transaction::default() };
        session.mode.set(Mode::MULTI, false);
        let transaction = match session.extra() {
            None => return Transaction::default(),
            Some(_) => session.extra_mut().transaction.take().map_or_else(Transaction::default, |it| *it),
        };
        self.held_in_transactions -= transaction.held;
        transaction
    }

    /// The keys that the session watches are forgotten; that one has changed already is not, if EXEC is still to see it.
    pub(super) fn forget_watches(&mut self, id: ConnId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.extra().is_none_or(|extra| extra.transaction.is_none()) {
            return;
        }
        let in_multi = session.mode.has(Mode::MULTI);
        let transaction = session.extra_mut().transaction.as_mut().expect("just seen");
        transaction.touched &= in_multi;
        for key in std::mem::take(&mut transaction.watched) {
            let size = key.len() + WATCH_BYTES;
            transaction.held -= size;
            self.held_in_transactions -= size;
            self.watches.remove(&key, id);
        }
    }

    /// This key has changed.
    #[cold]
    pub(super) fn mark_watchers(&mut self, key: &[u8]) {
        for &id in self.watches.by_key.get(key).into_iter().flatten() {
            let session = self.sessions.get_mut(id).expect("a session that ends forgets what it watched");
            session.extra_mut().transaction.as_mut().expect("it watches").touched = true;
        }
    }

    /// Records whose keys begin so are about to go.
    pub(super) fn mark_watchers_below(&mut self, prefix: &[u8]) {
        if self.watches.is_empty() {
            return;
        }
        let below = self.watches.by_key.keys().filter(|key| key.starts_with(prefix));
        let there: Vec<Box<[u8]>> = below.filter(|key| self.live(key).is_some()).cloned().collect();
        there.iter().for_each(|key| self.mark_watchers(key));
    }

    /// Every record is about to go.
    pub(super) fn mark_all_watchers(&mut self) {
        self.mark_watchers_below(b"");
    }
}
