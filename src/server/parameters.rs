//! CONFIG: the parameters that clients and tools ask for, with what is true here.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::introspection::help;
use super::policy::Policy;
use super::stats::Stats;
use crate::limits::parse_size;
use crate::proto::command::CommandId;
use crate::proto::glob;
use crate::proto::resp::{Writer, parse_integer};

pub(super) const HANDLERS: Handlers = &[
    (CommandId::ConfigGet, Handler::Reply(Server::config_get)),
    (CommandId::ConfigSet, Handler::Reply(Server::config_set)),
    (CommandId::ConfigResetstat, Handler::Reply(Server::config_resetstat)),
    (CommandId::ConfigRewrite, Handler::Reply(config_rewrite)),
    (CommandId::ConfigHelp, Handler::Reply(help)),
];

const MAX_MEMORY: &str = "maxmemory";
const POLICY: &str = "maxmemory-policy";
const SLOWER_THAN: &str = "slowlog-log-slower-than";
const LEN_MAX: &str = "slowlog-max-len";

fn config_rewrite(_server: &mut Server, _call: Call<'_>, _out: &mut Writer<'_>) -> Outcome {
    Err(CommandError::NoConfigFile)
}

impl Server {
    fn config_get(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
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

    /// `CONFIG SET parameter value ..`: all or nothing. What cannot be changed may be set to what it is.
    fn config_set(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if !call.len().is_multiple_of(2) {
            return Err(CommandError::Syntax);
        }
        let parameters = self.parameters();
        let (mut slower_than, mut len_max) = (self.slow_log.slower_than_micros, self.slow_log.len_max());
        let (mut memory_max, mut policy) = (self.room.bytes_max, self.room.policy);
        let mut seen: Vec<&str> = Vec::new();
        for index in (2..call.len()).step_by(2) {
            let (name, value) = (call.arg(index), call.arg(index + 1));
            let known = parameters.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
            let (name, now) = known.ok_or_else(|| CommandError::UnknownParameter(name.into()))?;
            let fault = |why| CommandError::Parameter { name, why };
            if seen.contains(name) {
                return Err(fault("duplicate parameter"));
            }
            seen.push(name);
            let number = || parse_integer(value).ok_or(fault("argument couldn't be parsed into an integer"));
            match *name {
                SLOWER_THAN => {
                    slower_than = number()?;
                    if slower_than < -1 {
                        return Err(fault("argument must be between -1 and 9223372036854775807 inclusive"));
                    }
                }
                MAX_MEMORY => {
                    let size = std::str::from_utf8(value).ok().and_then(parse_size);
                    memory_max = size.ok_or(fault("argument must be a memory value"))?;
                }
                POLICY => {
                    let named = std::str::from_utf8(value).ok().and_then(Policy::named);
                    policy = named.ok_or(fault("argument(s) must be one of the following: volatile-lru, \
                        volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, \
                        noeviction"))?;
                }
                LEN_MAX => {
                    len_max = usize::try_from(number()?)
                        .map_err(|_| fault("argument must be between 0 and 9223372036854775807 inclusive"))?;
                }
                _ if now.as_bytes().eq_ignore_ascii_case(value) => {}
                _ => return Err(fault("can't set immutable config")),
            }
        }
        self.slow_log.slower_than_micros = slower_than;
        self.slow_log.set_len_max(len_max);
        self.set_room(memory_max, policy);
        out.ok();
        Ok(())
    }

    /// What INFO counts begins anew; what it measures of the records does not.
    fn config_resetstat(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let view_conflicts = self.stats.view_conflicts;
        self.stats = Stats::new(call.now.time);
        self.stats.view_conflicts = view_conflicts;
        out.ok();
        Ok(())
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let fixed = |(name, value): (&'static str, &str)| (name, value.to_owned());
        let listen = self.config.listen;
        let queued = self.config.limits.queued_bytes;
        let debug = if self.config.debug_sleep.is_some() { "yes" } else { "no" };
        FIXED
            .iter()
            .copied()
            .map(fixed)
            .chain([
                ("bind", listen.ip().to_string()),
                ("client-output-buffer-limit", format!("normal {queued} 0 0")),
                ("client-query-buffer-limit", self.config.limits.incomplete_bytes.to_string()),
                ("enable-debug-command", debug.to_owned()),
                ("maxclients", self.config.clients_max.to_string()),
                (MAX_MEMORY, self.room.bytes_max.to_string()),
                (POLICY, self.room.policy.name().to_owned()),
                ("port", listen.port().to_string()),
                ("proto-max-bulk-len", self.config.limits.bulk_bytes.to_string()),
                (SLOWER_THAN, self.slow_log.slower_than_micros.to_string()),
                (LEN_MAX, self.slow_log.len_max().to_string()),
            ])
            .collect()
    }
}

/// What cannot be changed in this release.
const FIXED: &[(&str, &str)] = &[
    ("appendonly", "no"),
    ("cluster-enabled", "no"),
    ("databases", "1"),
    ("dir", ""),
    ("hz", "1"),
    ("io-threads", "1"),
    ("latency-monitor-threshold", "0"),
    ("notify-keyspace-events", ""),
    ("replica-read-only", "yes"),
    ("requirepass", ""),
    ("save", ""),
    ("slave-read-only", "yes"),
    ("tcp-keepalive", "0"),
    ("timeout", "0"),
];
