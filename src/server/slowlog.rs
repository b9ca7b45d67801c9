//! SLOWLOG: the last commands that took long, with their arguments, as Redis shows them.

use super::Server;
use super::dispatch::{Call, Outcome, subcommand_syntax};
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::introspection::help;
use super::meter::Taken;
use crate::proto::command::CommandId;
use crate::proto::resp::{Writer, parse_integer};
use crate::time::Span;
use std::collections::VecDeque;

pub(super) const HANDLERS: Handlers = &[
    (CommandId::SlowlogGet, Handler::Reply(Server::slowlog_get)),
    (CommandId::SlowlogLen, Handler::Reply(Server::slowlog_len)),
    (CommandId::SlowlogReset, Handler::Reply(Server::slowlog_reset)),
    (CommandId::SlowlogHelp, Handler::Reply(help)),
];

/// Arguments of an entry, and bytes of each: beyond it a text says how much is left out.
const ARGUMENTS_MAX: usize = 32;
const ARGUMENT_BYTES_MAX: usize = 128;
/// Entries that SLOWLOG GET answers without a count.
const SHOWN: i64 = 10;

#[derive(Debug)]
struct Entry {
    number: u64,
    unix_secs: u64,
    micros: u64,
    arguments: Vec<Vec<u8>>,
    peer: String,
    name: Box<[u8]>,
}

/// The slow log.
#[derive(Debug)]
pub(super) struct SlowLog {
    /// The newest first.
    entries: VecDeque<Entry>,
    /// The next entry's.
    number: u64,
    /// Microseconds from which a command is slow; negative: none is.
    pub(super) slower_than_micros: i64,
    len_max: usize,
}

impl SlowLog {
    pub(super) fn new(slower_than_micros: i64, len_max: usize) -> SlowLog {
        SlowLog { entries: VecDeque::new(), number: 0, slower_than_micros, len_max }
    }

    /// Whether a command that took this long is to be noted.
    #[inline]
    pub(super) fn wants(&self, span: Span) -> bool {
        self.slower_than_micros >= 0 && span.as_micros() >= self.slower_than_micros as u64
    }

    pub(super) fn set_len_max(&mut self, len_max: usize) {
        self.len_max = len_max;
        self.entries.truncate(len_max);
    }

    fn push(&mut self, entry: Entry) {
        self.number += 1;
        self.entries.push_front(entry);
        self.entries.truncate(self.len_max);
    }
}

impl Server {
    /// Notes how long a command took, in its statistics and, if that was long, in the slow log.
    #[cold]
    pub(super) fn note_time(&mut self, call: &Call<'_>, taken: Taken) {
        self.stats.took(call.command.id, taken);
        // EXEC's time is that of the commands in it, which are noted themselves.
        if !self.slow_log.wants(taken.span) || call.command.id == CommandId::Exec {
            return;
        }
        let Some(session) = self.sessions.get(call.id) else { return };
        let entry = Entry {
            number: self.slow_log.number,
            unix_secs: call.now.unix_ms / 1_000,
            micros: taken.span.as_micros(),
            arguments: shown_arguments(call),
            peer: session.peer().to_string(),
            name: session.extra().map(|extra| extra.name.clone()).unwrap_or_default(),
        };
        self.slow_log.push(entry);
    }

    fn slowlog_get(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let count = match call.len() {
            2 => SHOWN,
            3 => parse_integer(call.arg(2)).filter(|&count| count >= -1).ok_or(CommandError::SlowlogCount)?,
            _ => return Err(subcommand_syntax(&call)),
        };
        let entries = &self.slow_log.entries;
        let count = usize::try_from(count).map_or(entries.len(), |count| count.min(entries.len()));
        out.array(count);
        for entry in entries.iter().take(count) {
            out.array(6);
            out.int(entry.number as i64);
            out.int(entry.unix_secs as i64);
            out.int(entry.micros as i64);
            out.array(entry.arguments.len());
            entry.arguments.iter().for_each(|argument| out.bulk(argument));
            out.bulk(&entry.peer);
            out.bulk(&entry.name);
        }
        Ok(())
    }

    fn slowlog_len(&mut self, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        out.int(self.slow_log.entries.len() as i64);
        Ok(())
    }

    fn slowlog_reset(&mut self, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        self.slow_log.entries.clear();
        out.ok();
        Ok(())
    }
}

/// Whether the argument at `index` may be a password.
pub(super) fn is_secret(call: &Call<'_>, index: usize) -> bool {
    let login = matches!(call.command.id, CommandId::Auth | CommandId::Hello);
    login && index > 1 || call.command.id == CommandId::Auth && index > 0
}

/// As Redis shortens them.
fn shown_arguments(call: &Call<'_>) -> Vec<Vec<u8>> {
    let count = call.len();
    let mut arguments = Vec::with_capacity(count.min(ARGUMENTS_MAX));
    for (index, argument) in call.args_from(0).enumerate() {
        if index + 1 == ARGUMENTS_MAX && count > ARGUMENTS_MAX {
            let left = count - ARGUMENTS_MAX + 1;
            arguments.push(format!("... ({left} more arguments)").into_bytes());
            break;
        }
        if is_secret(call, index) {
            arguments.push(b"(redacted)".to_vec());
            continue;
        }
        let mut shown = argument[..argument.len().min(ARGUMENT_BYTES_MAX)].to_vec();
        if argument.len() > ARGUMENT_BYTES_MAX {
            let left = argument.len() - ARGUMENT_BYTES_MAX;
            shown.extend_from_slice(format!("... ({left} more bytes)").as_bytes());
        }
        arguments.push(shown);
    }
    arguments
}
