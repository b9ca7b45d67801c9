//! From a request to its handler: the table, the count of arguments, the READONLY gate, and what all errors share.
//!
//! ```text
//!   request ──► resolve: command or subcommand ──► plain session? ──► admit ──► run: handler, times, errors
//!                                                       │ no
//!                                                       └──► modes: MULTI's queue, CLIENT REPLY
//! ```

use super::error::CommandError;
use super::handlers::{Handler, handler};
use super::sessions::Mode;
use super::turn::Flow;
use super::{Server, request_log};
use crate::conn::{ConnId, Net};
use crate::proto::command::{Command, CommandId, Flags, lookup};
use crate::proto::resp::{Form, Protocol, Request, Writer};
use crate::time::Now;
use crate::trie::TrieError;

/// A request on its way through its handler.
#[derive(Clone, Copy)]
pub(super) struct Call<'b> {
    pub(super) id: ConnId,
    pub(super) request: Request<'b>,
    pub(super) command: &'static Command,
    pub(super) protocol: Protocol,
    pub(super) now: Now,
}

impl<'b> Call<'b> {
    #[inline]
    pub(super) fn arg(&self, index: usize) -> &'b [u8] {
        self.request.arg(index)
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.request.len()
    }

    /// The arguments from `index` on.
    pub(super) fn args_from(
        &self,
        index: usize,
    ) -> impl ExactSizeIterator<Item = &'b [u8]> + Clone + use<'b> {
        self.request.args().skip(index)
    }

    /// Whether the argument at `index` is this word, in any case.
    pub(super) fn is(&self, index: usize, word: &str) -> bool {
        self.request.get(index).is_some_and(|argument| argument.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The error for a wrong count of arguments.
    pub(super) fn arity_error(&self) -> CommandError {
        CommandError::Arity(self.command.full_name)
    }
}

/// What a handler did: its reply is written, or this is to be written.
pub(super) type Outcome = Result<(), CommandError>;

impl Server {
    /// Answers one request that has at least a name.
    pub(super) fn execute(&mut self, id: ConnId, request: Request<'_>, now: Now, net: &mut Net) -> Flow {
        self.stats.requests += 1;
        let resolved = resolve(&request);
        // A broker's heartbeat asks for nothing: it would drown the rest.
        if !matches!(&resolved, Ok(command) if command.id == CommandId::ClusterPing)
            && self.log.admits()
            && let Some(session) = self.sessions.get(id)
        {
            let command = lookup(request.arg(0)).filter(|command| command.flags.contains(Flags::SERVER));
            request_log::write_line(session.peer(), command, &request);
        }
        let Some(session) = self.sessions.get_mut(id) else { return Flow::Closed };
        let protocol = session.protocol;
        let command = match resolved {
            Ok(command) => command,
            Err(error) => {
                let plain = session.mode.is_plain();
                return if plain {
                    self.refuse(id, None, &error, net)
                } else {
                    self.refuse_in_mode(id, &error, net)
                };
            }
        };
        session.last = Some(command.id);
        let plain = session.mode.is_plain();
        let call = Call { id, request, command, protocol, now };
        if plain { self.execute_plain(call, net) } else { self.execute_in_mode(call, net) }
    }

    /// Answers a request of a session in which nothing is different from usual.
    #[inline]
    pub(super) fn execute_plain(&mut self, call: Call<'_>, net: &mut Net) -> Flow {
        match self.admit(&call) {
            Ok(()) => self.run(call, net),
            Err(error) => self.refuse(call.id, Some(call.command), &error, net),
        }
    }

    /// What holds for all commands: their count of arguments, and who may write.
    #[inline]
    pub(super) fn admit(&self, call: &Call<'_>) -> Outcome {
        let counted = match call.request.form() {
            // The line is one argument to its own reader.
            Form::Verb => call.len() == 2,
            _ => call.command.accepts(call.len()),
        };
        if !counted {
            let is_exec = call.command.id == CommandId::Exec;
            return Err(if is_exec { CommandError::ExecArity } else { call.arity_error() });
        }
        let flags = call.command.flags;
        if call.command.id == CommandId::Debug && self.config.debug_sleep.is_none() {
            return Err(CommandError::DebugDisabled);
        }
        if flags.contains(Flags::WRITE) && self.replica.is_clustered() && !flags.contains(Flags::CLUSTER) {
            return Err(CommandError::ReadOnly);
        }
        Ok(())
    }

    /// Does an admitted request.
    #[inline]
    pub(super) fn run(&mut self, call: Call<'_>, net: &mut Net) -> Flow {
        self.stats.by_command[call.command.id.index()].calls += 1;
        if self.behind && call.command.flags.contains(Flags::WRITE) {
            self.expire_keys(&call);
        }
        if self.room.bytes_max > 0 && !self.make_room(&call) {
            let error = CommandError::Trie(TrieError::Full);
            return self.refuse(call.id, Some(call.command), &error, net);
        }
        let timing = self.meter.begin(call.command, &call.request);
        let written = net.queued(call.id);
        let outcome = self.handle(call, net);
        if let Err(error) = outcome {
            self.stats.by_command[call.command.id.index()].failed += 1;
            let out = &mut Writer::new(net.out(call.id), call.protocol);
            self.answer_error(&error, out);
        }
        let mut grown = net.queued(call.id).saturating_sub(written);
        if grown > self.config.settings.limits.reply_bytes && !call.command.flags.contains(Flags::CLUSTER) {
            grown = self.take_back(&call, grown, net);
        }
        if let Some(taken) = self.meter.end(timing, grown) {
            self.note_time(&call, taken);
        }
        if !self.monitors.is_empty() {
            self.show_monitors(&call, net);
        }
        if self.ended || self.waits { self.leave(call.id, net) } else { Flow::Open }
    }

    #[inline]
    fn handle(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        // The two that nearly all requests are need not go through a pointer.
        match call.command.id {
            CommandId::Get => self.get(call, &mut Writer::new(net.out(call.id), call.protocol)),
            CommandId::Set => self.set(call, &mut Writer::new(net.out(call.id), call.protocol)),
            id => match handler(id) {
                Handler::Reply(reply) => {
                    let bytes_max = self.config.settings.limits.reply_bytes;
                    let out = &mut Writer::new(net.out(call.id), call.protocol).within(bytes_max);
                    reply(self, call, out)
                }
                Handler::Net(act) => act(self, call, net),
            },
        }
    }

    /// The reply of `grown` bytes is larger than one may be: an error takes its place. The size of that.
    #[cold]
    fn take_back(&mut self, call: &Call<'_>, grown: usize, net: &mut Net) -> usize {
        const BYTES_KEPT: usize = 64 << 10;
        self.stats.by_command[call.command.id.index()].failed += 1;
        let out = net.out(call.id);
        let start = out.len() - grown;
        out.truncate(start);
        out.shrink_to(BYTES_KEPT);
        self.answer_error(&CommandError::ReplyTooLarge, &mut Writer::new(out, call.protocol));
        out.len() - start
    }

    /// A handler has ended the session of its own request, or has begun what answers it later.
    #[cold]
    fn leave(&mut self, id: ConnId, net: &mut Net) -> Flow {
        if std::mem::take(&mut self.ended) {
            self.close(id, net);
            return Flow::Closed;
        }
        self.waits = false;
        Flow::Waits
    }

    /// Records that have expired are not there for a write, though the sweep has not come to them yet.
    #[cold]
    fn expire_keys(&mut self, call: &Call<'_>) {
        for index in call.command.keys.indices(call.len()) {
            self.expire_if_due(call.arg(index));
        }
    }

    /// Answers a request that is not done.
    #[cold]
    pub(super) fn refuse(
        &mut self,
        id: ConnId,
        command: Option<&Command>,
        error: &CommandError,
        net: &mut Net,
    ) -> Flow {
        if let Some(command) = command {
            self.stats.by_command[command.id.index()].rejected += 1;
        }
        let protocol = self.sessions.get(id).map_or(Protocol::Resp2, |session| session.protocol);
        self.answer_error(error, &mut Writer::new(net.out(id), protocol));
        Flow::Open
    }

    #[cold]
    pub(super) fn answer_error(&mut self, error: &CommandError, out: &mut Writer<'_>) {
        self.stats.error(error.code());
        match error {
            CommandError::Unknown(text) => out.error(text),
            error => out.error_args(format_args!("{error}")),
        }
    }

    /// Whether the session is one whose requests take another way than usual.
    pub(super) fn mode(&self, id: ConnId) -> Mode {
        self.sessions.get(id).map_or(Mode::default(), |session| session.mode)
    }
}

/// The command that a request names, or its subcommand.
#[inline]
pub(super) fn resolve(request: &Request<'_>) -> Result<&'static Command, CommandError> {
    match lookup(request.arg(0)) {
        Some(command) if !command.flags.contains(Flags::SERVER) => Err(unknown(request)),
        Some(command) if command.subcommands.is_empty() || request.len() < 2 => Ok(command),
        Some(container) => {
            container.subcommand(request.arg(1)).ok_or_else(|| unknown_subcommand(container, request.arg(1)))
        }
        None => Err(unknown(request)),
    }
}

/// How much of a client's words is shown, as in Redis.
const SHOWN_BYTES: usize = 128;

/// In Redis' words, with as much of the arguments as Redis shows.
#[cold]
fn unknown(request: &Request<'_>) -> CommandError {
    let name = request.arg(0);
    let mut text = b"ERR unknown command '".to_vec();
    text.extend_from_slice(head(name, SHOWN_BYTES));
    text.extend_from_slice(b"', with args beginning with: ");
    let start = text.len();
    for arg in request.args().skip(1) {
        let left = SHOWN_BYTES.saturating_sub(text.len() - start);
        if left == 0 {
            break;
        }
        text.push(b'\'');
        text.extend_from_slice(head(arg, left));
        text.extend_from_slice(b"' ");
    }
    CommandError::Unknown(text)
}

/// What Redis shows of a word: C's text ends at a zero byte.
fn head(word: &[u8], most: usize) -> &[u8] {
    let word = &word[..word.len().min(most)];
    memchr::memchr(0, word).map_or(word, |end| &word[..end])
}

/// A subcommand that cannot be read, in Redis' words for some of them.
#[cold]
pub(super) fn subcommand_syntax(call: &Call<'_>) -> CommandError {
    let mut text = b"ERR unknown subcommand or wrong number of arguments for '".to_vec();
    text.extend_from_slice(head(call.arg(1), SHOWN_BYTES));
    text.extend_from_slice(b"'. Try ");
    text.extend_from_slice(call.arg(0).to_ascii_uppercase().as_slice());
    text.extend_from_slice(b" HELP.");
    CommandError::Unknown(text)
}

#[cold]
pub(super) fn unknown_subcommand(container: &Command, name: &[u8]) -> CommandError {
    let mut text = b"ERR unknown subcommand '".to_vec();
    text.extend_from_slice(head(name, SHOWN_BYTES));
    text.extend_from_slice(b"'. Try ");
    text.extend_from_slice(container.name.as_bytes());
    text.extend_from_slice(b" HELP.");
    CommandError::Unknown(text)
}
