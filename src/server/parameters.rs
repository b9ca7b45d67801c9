//! CONFIG GET: the parameters that clients and tools ask for, with what is true here.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::introspection::write_help;
use crate::proto::command::CommandId;
use crate::proto::glob;
use crate::proto::resp::Writer;

impl Server {
    pub(super) fn config(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let Some(call) = self.subcommand(call, out) else { return Ok(()) };
        if call.command.id == CommandId::ConfigHelp {
            write_help("CONFIG", out);
            return Ok(());
        }
        let wanted = |name: &str| {
            call.args_from(2).any(|pattern| glob::matches(&pattern.to_ascii_lowercase(), name.as_bytes()))
        };
        let found: Vec<(&str, String)> =
            self.parameters().into_iter().filter(|(name, _)| wanted(name)).collect();
        out.map(found.len());
        for (name, value) in found {
            out.bulk(name);
            out.bulk(value);
        }
        Ok(())
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let fixed = |(name, value): (&'static str, &str)| (name, value.to_owned());
        let listen = self.config.listen;
        let queued = self.config.limits.queued_bytes;
        FIXED
            .iter()
            .copied()
            .map(fixed)
            .chain([
                ("bind", listen.ip().to_string()),
                ("client-output-buffer-limit", format!("normal {queued} 0 0")),
                ("client-query-buffer-limit", self.config.limits.incomplete_bytes.to_string()),
                ("maxclients", self.config.clients_max.to_string()),
                ("port", listen.port().to_string()),
                ("proto-max-bulk-len", self.config.limits.bulk_bytes.to_string()),
            ])
            .collect()
    }
}

/// What cannot be set in this release.
const FIXED: &[(&str, &str)] = &[
    ("appendonly", "no"),
    ("cluster-enabled", "no"),
    ("databases", "1"),
    ("dir", ""),
    ("hz", "1"),
    ("io-threads", "1"),
    ("maxmemory", "0"),
    ("maxmemory-policy", "noeviction"),
    ("notify-keyspace-events", ""),
    ("replica-read-only", "yes"),
    ("requirepass", ""),
    ("save", ""),
    ("slave-read-only", "yes"),
    ("slowlog-log-slower-than", "-1"),
    ("slowlog-max-len", "0"),
    ("tcp-keepalive", "0"),
    ("timeout", "0"),
];
