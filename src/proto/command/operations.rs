//! Commands for operators.

use super::{Argument, Command, CommandId, Flags, Group};

pub(super) const TIME: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING).with(Flags::FAST),
    group: Group::Server,
    since: "2.6.0",
    summary: "Return the current server time",
    ..Command::new(CommandId::Time, "TIME", "time", 1)
};

pub(super) const LOLWUT: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY).with(Flags::FAST),
    group: Group::Server,
    since: "5.0.0",
    summary: "Display some computer art and the Redis version",
    arguments: &[Argument::integer("version").after("VERSION").optional()],
    ..Command::new(CommandId::Lolwut, "LOLWUT", "lolwut", -1)
};

pub(super) const WAIT: Command = Command {
    flags: Flags::SERVER,
    group: Group::Generic,
    since: "3.0.0",
    summary: "Wait for the synchronous replication of all the write commands sent in the context of the current connection",
    arguments: &[Argument::integer("numreplicas"), Argument::integer("timeout")],
    ..Command::new(CommandId::Wait, "WAIT", "wait", 3)
};

pub(super) const SHUTDOWN: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING).with(Flags::NO_MULTI),
    group: Group::Server,
    since: "1.0.0",
    complexity: "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
    summary: "Synchronously save the dataset to disk and then shut down the server",
    arguments: &[
        Argument::one_of(
            "nosave_save",
            &[Argument::word("nosave", "NOSAVE"), Argument::word("save", "SAVE")],
        )
        .optional(),
        Argument::word("now", "NOW").optional(),
        Argument::word("force", "FORCE").optional(),
        Argument::word("abort", "ABORT").optional(),
    ],
    ..Command::new(CommandId::Shutdown, "SHUTDOWN", "shutdown", -1)
};

pub(super) const MONITOR: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING).with(Flags::OWN),
    group: Group::Server,
    since: "1.0.0",
    summary: "Listen for all requests received by the server in real time",
    ..Command::new(CommandId::Monitor, "MONITOR", "monitor", 1)
};

pub(super) const MODULE: Command = Command {
    flags: Flags::SERVER,
    group: Group::Server,
    since: "4.0.0",
    complexity: "Depends on subcommand.",
    summary: "A container for module commands",
    subcommands: &[MODULE_LIST, MODULE_HELP],
    ..Command::new(CommandId::Module, "MODULE", "module", -2)
};

const MODULE_LIST: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN),
    group: Group::Server,
    since: "4.0.0",
    complexity: "O(N) where N is the number of loaded modules.",
    summary: "List all modules loaded by the server",
    ..Command::new(CommandId::ModuleList, "LIST", "module|list", 2)
};

const MODULE_HELP: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING),
    group: Group::Server,
    since: "5.0.0",
    summary: "Show helpful text about the different subcommands",
    ..Command::new(CommandId::ModuleHelp, "HELP", "module|help", 2)
};

pub(super) const FUNCTION: Command = Command {
    flags: Flags::SERVER,
    group: Group::Scripting,
    since: "7.0.0",
    complexity: "Depends on subcommand.",
    summary: "A container for function commands",
    subcommands: &[FUNCTION_FLUSH, FUNCTION_HELP],
    ..Command::new(CommandId::Function, "FUNCTION", "function", -2)
};

/// Redis calls it a write; here there is nothing that it could change.
const FUNCTION_FLUSH: Command = Command {
    flags: Flags::SERVER,
    group: Group::Scripting,
    since: "7.0.0",
    complexity: "O(N) where N is the number of functions deleted",
    summary: "Deleting all functions",
    arguments: &[Argument::one_of(
        "async",
        &[Argument::word("async", "ASYNC"), Argument::word("sync", "SYNC")],
    )
    .optional()],
    ..Command::new(CommandId::FunctionFlush, "FLUSH", "function|flush", -2)
};

const FUNCTION_HELP: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING),
    group: Group::Scripting,
    since: "7.0.0",
    summary: "Show helpful text about the different subcommands",
    ..Command::new(CommandId::FunctionHelp, "HELP", "function|help", 2)
};

pub(super) const SLOWLOG: Command = Command {
    flags: Flags::SERVER,
    group: Group::Server,
    since: "2.2.12",
    complexity: "Depends on subcommand.",
    summary: "A container for slow log commands",
    subcommands: &[SLOWLOG_GET, SLOWLOG_LEN, SLOWLOG_RESET, SLOWLOG_HELP],
    ..Command::new(CommandId::Slowlog, "SLOWLOG", "slowlog", -2)
};

const SLOWLOG_GET: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "2.2.12",
    complexity: "O(N) where N is the number of entries returned",
    summary: "Get the slow log's entries",
    arguments: &[Argument::integer("count").optional()],
    ..Command::new(CommandId::SlowlogGet, "GET", "slowlog|get", -2)
};

const SLOWLOG_LEN: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "2.2.12",
    summary: "Get the slow log's length",
    ..Command::new(CommandId::SlowlogLen, "LEN", "slowlog|len", 2)
};

const SLOWLOG_RESET: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "2.2.12",
    complexity: "O(N) where N is the number of entries in the slowlog",
    summary: "Clear all entries from the slow log",
    ..Command::new(CommandId::SlowlogReset, "RESET", "slowlog|reset", 2)
};

const SLOWLOG_HELP: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING),
    group: Group::Server,
    since: "6.2.0",
    summary: "Show helpful text about the different subcommands",
    ..Command::new(CommandId::SlowlogHelp, "HELP", "slowlog|help", 2)
};

pub(super) const LATENCY: Command = Command {
    flags: Flags::SERVER,
    group: Group::Server,
    since: "2.8.13",
    complexity: "Depends on subcommand.",
    summary: "A container for latency diagnostics commands",
    subcommands: &[
        LATENCY_HISTOGRAM,
        LATENCY_RESET,
        LATENCY_LATEST,
        LATENCY_HISTORY,
        LATENCY_DOCTOR,
        LATENCY_HELP,
    ],
    ..Command::new(CommandId::Latency, "LATENCY", "latency", -2)
};

const LATENCY_HISTOGRAM: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "7.0.0",
    complexity: "O(N) where N is the number of commands with latency information being retrieved.",
    summary: "Return the cumulative distribution of latencies of a subset of commands or all.",
    arguments: &[Argument::string("command").multiple().optional()],
    ..Command::new(CommandId::LatencyHistogram, "HISTOGRAM", "latency|histogram", -2)
};

const LATENCY_RESET: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "2.8.13",
    summary: "Reset latency data for one or more events.",
    arguments: &[Argument::string("event").multiple().optional()],
    ..Command::new(CommandId::LatencyReset, "RESET", "latency|reset", -2)
};

const LATENCY_LATEST: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "2.8.13",
    summary: "Return the latest latency samples for all events.",
    ..Command::new(CommandId::LatencyLatest, "LATEST", "latency|latest", 2)
};

const LATENCY_HISTORY: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "2.8.13",
    summary: "Return timestamp-latency samples for the event.",
    arguments: &[Argument::string("event")],
    ..Command::new(CommandId::LatencyHistory, "HISTORY", "latency|history", 3)
};

const LATENCY_DOCTOR: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "2.8.13",
    summary: "Return a human readable latency analysis report.",
    ..Command::new(CommandId::LatencyDoctor, "DOCTOR", "latency|doctor", 2)
};

const LATENCY_HELP: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING),
    group: Group::Server,
    since: "2.8.13",
    summary: "Show helpful text about the different subcommands.",
    ..Command::new(CommandId::LatencyHelp, "HELP", "latency|help", 2)
};

pub(super) const DEBUG: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "1.0.0",
    complexity: "Depends on subcommand.",
    summary: "A container for debugging commands",
    arguments: &[Argument::string("subcommand"), Argument::string("arg").multiple().optional()],
    ..Command::new(CommandId::Debug, "DEBUG", "debug", -2)
};

pub(super) const READONLY: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING).with(Flags::FAST),
    group: Group::Cluster,
    since: "3.0.0",
    summary: "Enables read queries for a connection to a cluster replica node",
    ..Command::new(CommandId::Readonly, "READONLY", "readonly", 1)
};

pub(super) const READWRITE: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING).with(Flags::FAST),
    group: Group::Cluster,
    since: "3.0.0",
    summary: "Disables read queries for a connection to a cluster replica node",
    ..Command::new(CommandId::Readwrite, "READWRITE", "readwrite", 1)
};

/// Redis' own cluster: no server of ours is in one, whatever is asked of it.
pub(super) const CLUSTER: Command = Command {
    flags: Flags::SERVER,
    group: Group::Cluster,
    since: "3.0.0",
    summary: "Asks about Redis' own cluster, in which no server of ours is",
    arguments: &[Argument::string("subcommand"), Argument::string("arg").multiple().optional()],
    ..Command::new(CommandId::RedisCluster, "CLUSTER", "cluster", -2)
};
