//! INFO: what clients and dashboards read, under Redis' names.

use super::dispatch::{Call, Outcome};
use super::handlers::{Handler, Handlers};
use super::times::all_commands;
use super::{REDIS_VERSION, Server};
use crate::conn::Net;
use crate::proto::command::{Command, CommandId};
use crate::proto::resp::Writer;
use crate::time::{Now, Span};
use std::fmt::{self, Write as _};

/// A section: its name in the request, and whether INFO shows it unasked.
const SECTIONS: &[(&str, bool)] = &[
    ("server", true),
    ("clients", true),
    ("memory", true),
    ("persistence", true),
    ("stats", true),
    ("replication", true),
    ("cpu", true),
    ("modules", true),
    ("errorstats", true),
    ("commandstats", false),
    ("latencystats", false),
    ("cluster", true),
    ("keyspace", true),
    ("hedgerow", true),
];

pub(super) const HANDLERS: Handlers = &[(CommandId::Info, Handler::Net(Server::info))];

impl Server {
    fn info(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        let asked = |name: &str, unasked: bool| {
            let mut words = call.args_from(1).peekable();
            if words.peek().is_none() {
                return unasked;
            }
            words.any(|word| {
                let is = |other: &str| word.eq_ignore_ascii_case(other.as_bytes());
                is(name) || is("all") || is("everything") || (is("default") && unasked)
            })
        };
        self.stats.memory_peak = self.stats.memory_peak.max(self.trie.used_bytes());
        let mut text = String::new();
        for &(name, _) in SECTIONS.iter().filter(|(name, unasked)| asked(name, *unasked)) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            self.write_section(&mut text, name, call.now, net).expect("a String takes everything");
        }
        Writer::new(net.out(call.id), call.protocol).verbatim(text);
        Ok(())
    }

    fn write_section(&self, text: &mut String, name: &str, now: Now, net: &Net) -> fmt::Result {
        match name {
            "server" => self.write_server(text, now),
            "clients" => self.write_clients(text, net),
            "memory" => self.write_memory(text),
            "persistence" => lines(text, "Persistence", PERSISTENCE),
            "stats" => self.write_stats(text, net),
            "replication" => lines(text, "Replication", REPLICATION),
            "cpu" => self.write_cpu(text),
            "modules" => lines(text, "Modules", &[("module", "name=ReJSON,ver=20800,api=1,filters=0")]),
            "errorstats" => self.write_error_stats(text),
            "commandstats" => self.write_command_stats(text),
            "latencystats" => self.write_latency_stats(text),
            "cluster" => lines(text, "Cluster", &[("cluster_enabled", "0")]),
            "keyspace" => self.write_keyspace(text),
            "hedgerow" => self.write_own(text, net),
            other => unreachable!("{other} is in the list of sections and not here"),
        }
    }

    fn write_server(&self, text: &mut String, now: Now) -> fmt::Result {
        let up = now.time.since(self.started.time).as_secs();
        let [high, low] = self.run_id;
        title(text, "Server")?;
        field(text, "redis_version", REDIS_VERSION)?;
        field(text, "hedgerow_version", env!("CARGO_PKG_VERSION"))?;
        field(text, "redis_mode", "standalone")?;
        field(text, "os", std::env::consts::OS)?;
        field(text, "arch_bits", usize::BITS)?;
        field(text, "multiplexing_api", "mio")?;
        field(text, "process_id", self.config.process_id)?;
        field(text, "run_id", format_args!("{high:016x}{low:016x}{:08x}", high as u32))?;
        field(text, "tcp_port", self.config.listen.port())?;
        field(text, "server_time_usec", now.unix_ms * 1_000)?;
        field(text, "uptime_in_seconds", up)?;
        field(text, "uptime_in_days", up / 86_400)?;
        field(text, "hz", 1)?;
        field(text, "configured_hz", 1)
    }

    fn write_clients(&self, text: &mut String, net: &Net) -> fmt::Result {
        title(text, "Clients")?;
        field(text, "connected_clients", self.sessions.len())?;
        field(text, "maxclients", self.config.settings.clients_max)?;
        field(text, "client_incomplete_bytes", net.inbox_bytes() + self.held_in_transactions)?;
        field(text, "client_incomplete_bytes_max", self.config.settings.limits.incomplete_bytes)?;
        field(text, "blocked_clients", 0)
    }

    fn write_memory(&self, text: &mut String) -> fmt::Result {
        let (used, reserved) = (self.trie.used_bytes(), self.trie.reserved_bytes());
        let (peak, resident) = (self.stats.memory_peak, (self.config.figures)().resident_bytes);
        title(text, "Memory")?;
        field(text, "used_memory", used)?;
        field(text, "used_memory_human", Human(used as u64))?;
        field(text, "used_memory_rss", resident)?;
        field(text, "used_memory_rss_human", Human(resident))?;
        field(text, "used_memory_peak", peak)?;
        field(text, "used_memory_peak_human", Human(peak as u64))?;
        field(text, "used_memory_dataset", used)?;
        field(text, "allocator_allocated", used)?;
        field(text, "allocator_resident", reserved)?;
        field(text, "maxmemory", self.room.bytes_max)?;
        field(text, "maxmemory_human", Human(self.room.bytes_max as u64))?;
        field(text, "maxmemory_policy", self.room.policy.name())?;
        let ratio = if used == 0 { 1.0 } else { resident as f64 / used as f64 };
        field(text, "mem_fragmentation_ratio", format_args!("{ratio:.2}"))
    }

    fn write_stats(&self, text: &mut String, net: &Net) -> fmt::Result {
        let (stats, driver) = (&self.stats, net.counters);
        title(text, "Stats")?;
        field(text, "total_connections_received", self.sessions.opened())?;
        field(text, "total_commands_processed", stats.requests)?;
        field(text, "instantaneous_ops_per_sec", stats.rate.per_second())?;
        field(text, "total_net_input_bytes", driver.bytes_in)?;
        field(text, "total_net_output_bytes", driver.bytes_out)?;
        field(text, "rejected_connections", driver.refused)?;
        field(text, "expired_keys", stats.expired)?;
        field(text, "evicted_keys", self.room.evicted)?;
        field(text, "keyspace_hits", stats.hits)?;
        field(text, "keyspace_misses", stats.misses)?;
        field(text, "total_error_replies", stats.errors)
    }

    fn write_cpu(&self, text: &mut String) -> fmt::Result {
        let figures = (self.config.figures)();
        let secs = |span: Span| span.as_secs_f64();
        title(text, "CPU")?;
        field(text, "used_cpu_sys", format_args!("{:.6}", secs(figures.cpu_system)))?;
        field(text, "used_cpu_user", format_args!("{:.6}", secs(figures.cpu_user)))
    }

    fn write_error_stats(&self, text: &mut String) -> fmt::Result {
        title(text, "Errorstats")?;
        self.stats
            .by_code
            .iter()
            .try_for_each(|(code, count)| write!(text, "errorstat_{code}:count={count}\r\n"))
    }

    fn write_command_stats(&self, text: &mut String) -> fmt::Result {
        title(text, "Commandstats")?;
        let mut write = |command: &Command| {
            let calls = self.stats.by_command[command.id.index()];
            if calls.calls + calls.rejected == 0 {
                return Ok(());
            }
            let (done, rejected, failed) = (calls.calls, calls.rejected, calls.failed);
            let (name, micros) = (command.full_name, calls.time.as_micros());
            let each = if done == 0 { 0.0 } else { micros as f64 / done as f64 };
            write!(
                text,
                "cmdstat_{name}:calls={done},usec={micros},usec_per_call={each:.2},rejected_calls={rejected},\
                 failed_calls={failed}\r\n"
            )
        };
        all_commands().try_for_each(&mut write)
    }

    fn write_latency_stats(&self, text: &mut String) -> fmt::Result {
        title(text, "Latencystats")?;
        all_commands().try_for_each(|command| {
            let Some(histogram) = self.stats.histogram(command.id) else { return Ok(()) };
            let [p50, p99, p999] = [50.0, 99.0, 99.9].map(|percent| histogram.percentile_micros(percent));
            let name = command.full_name;
            write!(text, "latency_percentiles_usec_{name}:p50={p50:.3},p99={p99:.3},p99.9={p999:.3}\r\n")
        })
    }

    fn write_keyspace(&self, text: &mut String) -> fmt::Result {
        title(text, "Keyspace")?;
        let (keys, expires) = (self.trie.len(), self.trie.expiring());
        if keys == 0 {
            return Ok(());
        }
        let avg_ttl = self.trie.expiry_mean_ms().map_or(0, |mean| mean.saturating_sub(self.clock.unix_ms));
        write!(text, "db0:keys={keys},expires={expires},avg_ttl={avg_ttl}\r\n")
    }

    /// What only we have: the server's part in a cluster.
    fn write_own(&self, text: &mut String, net: &Net) -> fmt::Result {
        let (replica, view) = (&self.replica, self.replica.view());
        title(text, "Hedgerow")?;
        field(text, "clustered", u8::from(replica.is_clustered()))?;
        field(text, "incarnation", format_args!("{:016x}", replica.incarnation()))?;
        field(text, "view", view.id)?;
        field(text, "view_servers", view.seats.len())?;
        field(text, "view_members", view.members().len())?;
        let role = replica.seat().map(|seat| seat.role);
        field(
            text,
            "role_in_view",
            role.map_or("none".to_owned(), |role| format!("{role:?}").to_lowercase()),
        )?;
        field(text, "since", replica.since())?;
        field(text, "promised", format_args!("{:?}", replica.promised()))?;
        field(text, "brokers_connected", self.brokers.len())?;
        field(text, "records", self.trie.len())?;
        field(text, "tombstones", self.trie.tombstones())?;
        field(text, "view_conflicts", self.stats.view_conflicts)?;
        field(text, "loop_polls", net.counters.polls)?;
        field(text, "loop_reads", net.counters.reads)?;
        field(text, "loop_writes", net.counters.writes)
    }
}

const PERSISTENCE: &[(&str, &str)] = &[
    ("loading", "0"),
    ("rdb_changes_since_last_save", "0"),
    ("rdb_bgsave_in_progress", "0"),
    ("rdb_last_bgsave_status", "ok"),
    ("aof_enabled", "0"),
    ("aof_rewrite_in_progress", "0"),
];

const REPLICATION: &[(&str, &str)] =
    &[("role", "master"), ("connected_slaves", "0"), ("master_repl_offset", "0")];

fn title(text: &mut String, name: &str) -> fmt::Result {
    write!(text, "# {name}\r\n")
}

fn field(text: &mut String, name: &str, value: impl fmt::Display) -> fmt::Result {
    write!(text, "{name}:{value}\r\n")
}

fn lines(text: &mut String, name: &str, fields: &[(&str, &str)]) -> fmt::Result {
    title(text, name)?;
    fields.iter().try_for_each(|(name, value)| field(text, name, value))
}

/// Bytes as Redis shows them to people: `1.50M`.
struct Human(u64);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, letter) = match self.0 {
            0..1_024 => return write!(f, "{}B", self.0),
            1_024..1_048_576 => (10, 'K'),
            1_048_576..1_073_741_824 => (20, 'M'),
            _ => (30, 'G'),
        };
        write!(f, "{:.2}{letter}", self.0 as f64 / (1u64 << unit) as f64)
    }
}
