//! OBJECT and MEMORY: what is known of a record beside its value.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::edits::integer;
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::introspection::help;
use crate::proto::command::CommandId;
use crate::proto::resp::{Writer, parse_integer};
use crate::record::Kind;
use crate::trie::Record;

pub(super) const HANDLERS: Handlers = &[
    (CommandId::ObjectEncoding, Handler::Reply(Server::object)),
    (CommandId::ObjectFreq, Handler::Reply(Server::object)),
    (CommandId::ObjectIdletime, Handler::Reply(Server::object)),
    (CommandId::ObjectRefcount, Handler::Reply(Server::object)),
    (CommandId::ObjectHelp, Handler::Reply(help)),
    (CommandId::MemoryUsage, Handler::Reply(Server::memory_usage)),
    (CommandId::MemoryStats, Handler::Reply(Server::memory_stats)),
    (CommandId::MemoryDoctor, Handler::Reply(Server::memory_doctor)),
    (CommandId::MemoryHelp, Handler::Reply(help)),
];

/// Longest string that Redis keeps in one piece with its head.
const EMBEDDED_BYTES_MAX: usize = 44;

/// How Redis would keep such a value: clients and tools look for these words.
pub(super) fn encoding(record: &Record<'_>) -> &'static str {
    if record.kind() != Kind::Text {
        return "trie";
    }
    let text = record.text();
    match text.len() {
        1..=20 if text.as_slice().and_then(parse_integer).is_some() => "int",
        0..=EMBEDDED_BYTES_MAX => "embstr",
        _ => "raw",
    }
}

impl Server {
    fn object(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let Some(record) = self.live(call.arg(2)) else {
            out.null();
            return Ok(());
        };
        let staleness =
            self.room.recency.as_ref().map(|recency| recency.staleness(call.arg(2), call.now.time));
        let counts = self.room.policy.counts();
        match call.command.id {
            CommandId::ObjectEncoding => out.bulk(encoding(&record)),
            CommandId::ObjectRefcount => out.int(1),
            CommandId::ObjectIdletime if counts => return Err(CommandError::NoIdleTime),
            CommandId::ObjectIdletime => out.int(staleness.map_or(0, |tenths| i64::from(tenths / 10))),
            _ if counts => out.int(staleness.map_or(0, |staleness| i64::from(255 - staleness.min(255)))),
            _ => return Err(CommandError::NoFrequency),
        }
        Ok(())
    }

    /// `MEMORY USAGE key [SAMPLES n]`; nothing is sampled.
    fn memory_usage(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        for index in (3..call.len()).step_by(2) {
            let samples = call.request.get(index + 1).filter(|_| call.is(index, "SAMPLES"));
            if integer(samples.ok_or(CommandError::Syntax)?)? < 0 {
                return Err(CommandError::Syntax);
            }
        }
        let key = call.arg(2);
        match self.live(key).and_then(|_| self.trie.memory_usage(key)) {
            Some(bytes) => out.int(bytes as i64),
            None => out.null(),
        }
        Ok(())
    }

    fn memory_stats(&mut self, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (used, reserved) = (self.trie.used_bytes(), self.trie.reserved_bytes());
        self.stats.memory_peak = self.stats.memory_peak.max(used);
        let keys = self.trie.len();
        let figures = [
            ("peak.allocated", self.stats.memory_peak),
            ("total.allocated", used),
            ("keys.count", keys),
            ("keys.bytes-per-key", used.checked_div(keys).unwrap_or(0)),
            ("dataset.bytes", used),
            ("allocator.allocated", used),
            ("allocator.resident", reserved),
        ];
        out.map(figures.len());
        for (name, value) in figures {
            out.bulk(name);
            out.int(value as i64);
        }
        Ok(())
    }

    fn memory_doctor(&mut self, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (used, reserved) = (self.trie.used_bytes(), self.trie.reserved_bytes());
        out.verbatim(format!("{used} bytes are in use, {reserved} are taken from the system.\n"));
        Ok(())
    }
}
