//! From a request to its handler: the table, the count of arguments, the READONLY gate, and what all errors share.

use super::Server;
use super::error::CommandError;
use super::request_log;
use super::turn::Flow;
use crate::conn::{ConnId, Net};
use crate::proto::command::{Command, CommandId, Flags, lookup};
use crate::proto::resp::{Form, Protocol, Request, Writer};
use crate::time::Now;

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
        let command = lookup(request.arg(0)).filter(|command| command.flags.contains(Flags::SERVER));
        // A broker's heartbeat asks for nothing: it would drown the rest.
        if command.is_none_or(|command| command.id != CommandId::ClusterPing)
            && self.log.admits()
            && let Some(session) = self.sessions.get(id)
        {
            request_log::write_line(session.peer(), command, &request);
        }
        let Some(session) = self.sessions.get_mut(id) else { return Flow::Closed };
        let protocol = session.protocol;
        let Some(command) = command else {
            self.unknown(request, &mut Writer::new(net.out(id), protocol));
            return Flow::Open;
        };
        session.last = Some(command);
        let call = Call { id, request, command, protocol, now };
        if let Err(error) = self.admit(&call) {
            self.stats.by_command[command.id.index()].rejected += 1;
            self.answer_error(&error, &mut Writer::new(net.out(id), protocol));
            return Flow::Open;
        }
        self.stats.by_command[command.id.index()].calls += 1;
        if command.id == CommandId::Quit {
            Writer::new(net.out(id), protocol).ok();
            self.close(id, net);
            return Flow::Closed;
        }
        if let Err(error) = self.handle(call, net) {
            self.stats.by_command[command.id.index()].failed += 1;
            self.answer_error(&error, &mut Writer::new(net.out(id), protocol));
        }
        Flow::Open
    }

    /// What holds for all commands: their count of arguments, and who may write.
    #[inline]
    fn admit(&self, call: &Call<'_>) -> Outcome {
        let counted = match call.request.form() {
            // The line is one argument to its own reader.
            Form::Verb => call.len() == 2,
            _ => call.command.accepts(call.len()),
        };
        if !counted {
            return Err(call.arity_error());
        }
        let flags = call.command.flags;
        if flags.contains(Flags::WRITE) && self.replica.is_clustered() && !flags.contains(Flags::CLUSTER) {
            return Err(CommandError::ReadOnly);
        }
        Ok(())
    }

    #[inline]
    fn handle(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        let out = &mut Writer::new(net.out(call.id), call.protocol);
        match call.command.id {
            CommandId::Get => self.get(call, out),
            CommandId::Set => self.set(call, out),
            CommandId::Put => self.put(call, out),
            CommandId::Query => self.query(call, out),
            CommandId::Mget => self.mget(call, out),
            CommandId::Mset => self.mset(call, out),
            CommandId::Exists => self.exists(call, out),
            CommandId::Delete if call.request.form() == Form::Verb => self.delete_line(call, out),
            CommandId::Del | CommandId::Unlink | CommandId::Delete => self.delete(call, out),
            CommandId::Compute => self.compute(call, out),
            CommandId::Type => self.type_of(call, out),
            CommandId::Scan => self.scan(call, out),
            CommandId::Keys => self.keys(call, out),
            CommandId::JsonDel | CommandId::JsonForget => self.json_delete(call, out),
            CommandId::Dbsize => self.dbsize(out),
            CommandId::Flushall | CommandId::Flushdb => self.flush(call, out),
            _ if call.command.flags.contains(Flags::CLUSTER) => self.message(call, net),
            _ => self.handle_session(call, net),
        }
    }

    fn handle_session(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        match call.command.id {
            CommandId::Client => return self.client(call, net),
            CommandId::Info => return self.info(call, net),
            _ => {}
        }
        let out = &mut Writer::new(net.out(call.id), call.protocol);
        match call.command.id {
            CommandId::Ping => self.ping(call, out),
            CommandId::Echo => self.echo(call, out),
            CommandId::Hello => self.hello(call, out),
            CommandId::Select => self.select(call, out),
            CommandId::Reset => self.reset(call, out),
            CommandId::Command => self.command(call, out),
            CommandId::Config => self.config(call, out),
            other => unreachable!("{other:?} has a handler of its own, or the table calls it no server's"),
        }
    }

    fn answer_error(&mut self, error: &CommandError, out: &mut Writer<'_>) {
        self.stats.error(error.code());
        out.error_args(format_args!("{error}"));
    }

    /// In Redis' words, with as much of the arguments as Redis shows.
    #[cold]
    fn unknown(&mut self, request: Request<'_>, out: &mut Writer<'_>) {
        const SHOWN_BYTES: usize = 128;
        let name = request.arg(0);
        let mut text = b"ERR unknown command '".to_vec();
        text.extend_from_slice(&name[..name.len().min(SHOWN_BYTES)]);
        text.extend_from_slice(b"', with args beginning with: ");
        let start = text.len();
        for arg in request.args().skip(1) {
            let left = SHOWN_BYTES.saturating_sub(text.len() - start);
            if left == 0 {
                break;
            }
            text.push(b'\'');
            text.extend_from_slice(&arg[..arg.len().min(left)]);
            text.extend_from_slice(b"' ");
        }
        self.stats.error("ERR");
        out.error(text);
    }

    /// The subcommand of a container, its count of arguments checked; `None`: the error is written.
    pub(super) fn subcommand<'b>(&mut self, call: Call<'b>, out: &mut Writer<'_>) -> Option<Call<'b>> {
        let name = call.arg(1);
        let Some(command) = call.command.subcommand(name) else {
            self.unknown_subcommand(call, out);
            return None;
        };
        let call = Call { command, ..call };
        if !command.accepts(call.len()) {
            self.stats.by_command[command.id.index()].rejected += 1;
            self.answer_error(&call.arity_error(), out);
            return None;
        }
        if command.flags.contains(Flags::UNSUPPORTED) {
            self.unknown_subcommand(call, out);
            return None;
        }
        self.stats.by_command[command.id.index()].calls += 1;
        if let Some(session) = self.sessions.get_mut(call.id) {
            session.last = Some(command);
        }
        Some(call)
    }

    #[cold]
    fn unknown_subcommand(&mut self, call: Call<'_>, out: &mut Writer<'_>) {
        let mut text = b"ERR unknown subcommand '".to_vec();
        text.extend_from_slice(&call.arg(1)[..call.arg(1).len().min(128)]);
        text.extend_from_slice(b"'. Try ");
        let container = lookup(call.request.arg(0)).map_or("", |command| command.name);
        text.extend_from_slice(container.as_bytes());
        text.extend_from_slice(b" HELP.");
        self.stats.error("ERR");
        out.error(text);
    }
}
