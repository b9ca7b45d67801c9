//! Commands about keys, whatever they hold, and about their time to live.

use super::{Argument, Command, CommandId, Flags, Group, KeySpec};

const KEY: Argument = Argument::key("key");

pub(super) const TOUCH: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY).with(Flags::FAST),
    keys: KeySpec::all(&["RO"]),
    group: Group::Generic,
    since: "3.2.1",
    complexity: "O(N) where N is the number of keys that will be touched.",
    summary: "Alters the last access time of a key(s). Returns the number of existing keys specified.",
    arguments: &[KEY.multiple()],
    ..Command::new(CommandId::Touch, "TOUCH", "touch", -2)
};

pub(super) const RENAME: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE),
    keys: KeySpec { first: 1, last: 2, step: 1, access: &["RW", "access", "delete"] },
    group: Group::Generic,
    since: "1.0.0",
    summary: "Rename a key",
    arguments: &[KEY, Argument::key("newkey")],
    ..Command::new(CommandId::Rename, "RENAME", "rename", 3)
};

pub(super) const RENAMENX: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::FAST),
    keys: KeySpec { first: 1, last: 2, step: 1, access: &["RW", "access", "delete"] },
    group: Group::Generic,
    since: "1.0.0",
    summary: "Rename a key, only if the new key does not exist",
    arguments: &[KEY, Argument::key("newkey")],
    ..Command::new(CommandId::Renamenx, "RENAMENX", "renamenx", 3)
};

pub(super) const COPY: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM),
    keys: KeySpec { first: 1, last: 2, step: 1, access: &["RO", "access"] },
    group: Group::Generic,
    since: "6.2.0",
    complexity: "O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
    summary: "Copy a key",
    arguments: &[
        Argument::key("source"),
        Argument::key("destination"),
        Argument::integer("destination-db").after("DB").optional(),
        Argument::word("replace", "REPLACE").optional(),
    ],
    ..Command::new(CommandId::Copy, "COPY", "copy", -3)
};

pub(super) const RANDOMKEY: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY),
    group: Group::Generic,
    since: "1.0.0",
    summary: "Return a random key from the keyspace",
    ..Command::new(CommandId::Randomkey, "RANDOMKEY", "randomkey", 1)
};

pub(super) const OBJECT: Command = Command {
    flags: Flags::SERVER,
    group: Group::Generic,
    since: "2.2.3",
    complexity: "Depends on subcommand.",
    summary: "A container for object introspection commands",
    subcommands: &[OBJECT_ENCODING, OBJECT_FREQ, OBJECT_IDLETIME, OBJECT_REFCOUNT, OBJECT_HELP],
    ..Command::new(CommandId::Object, "OBJECT", "object", -2)
};

const OBJECT_ENCODING: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY),
    keys: KeySpec { first: 2, last: 2, step: 1, access: &["RO"] },
    group: Group::Generic,
    since: "2.2.3",
    summary: "Inspect the internal encoding of a Redis object",
    arguments: &[KEY],
    ..Command::new(CommandId::ObjectEncoding, "ENCODING", "object|encoding", 3)
};

const OBJECT_FREQ: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY),
    keys: KeySpec { first: 2, last: 2, step: 1, access: &["RO"] },
    group: Group::Generic,
    since: "4.0.0",
    summary: "Get the logarithmic access frequency counter of a Redis object",
    arguments: &[KEY],
    ..Command::new(CommandId::ObjectFreq, "FREQ", "object|freq", 3)
};

const OBJECT_IDLETIME: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY),
    keys: KeySpec { first: 2, last: 2, step: 1, access: &["RO"] },
    group: Group::Generic,
    since: "2.2.3",
    summary: "Get the time since a Redis object was last accessed",
    arguments: &[KEY],
    ..Command::new(CommandId::ObjectIdletime, "IDLETIME", "object|idletime", 3)
};

const OBJECT_REFCOUNT: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY),
    keys: KeySpec { first: 2, last: 2, step: 1, access: &["RO"] },
    group: Group::Generic,
    since: "2.2.3",
    summary: "Get the number of references to the value of the key",
    arguments: &[KEY],
    ..Command::new(CommandId::ObjectRefcount, "REFCOUNT", "object|refcount", 3)
};

const OBJECT_HELP: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING),
    group: Group::Generic,
    since: "6.2.0",
    summary: "Show helpful text about the different subcommands",
    ..Command::new(CommandId::ObjectHelp, "HELP", "object|help", 2)
};

pub(super) const MEMORY: Command = Command {
    flags: Flags::SERVER,
    group: Group::Server,
    since: "4.0.0",
    complexity: "Depends on subcommand.",
    summary: "A container for memory diagnostics commands",
    subcommands: &[MEMORY_USAGE, MEMORY_DOCTOR, MEMORY_STATS, MEMORY_HELP],
    ..Command::new(CommandId::Memory, "MEMORY", "memory", -2)
};

const MEMORY_USAGE: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY),
    keys: KeySpec { first: 2, last: 2, step: 1, access: &["RO"] },
    group: Group::Server,
    since: "4.0.0",
    complexity: "O(N) where N is the number of samples.",
    summary: "Estimate the memory usage of a key",
    arguments: &[KEY, Argument::integer("count").after("SAMPLES").optional()],
    ..Command::new(CommandId::MemoryUsage, "USAGE", "memory|usage", -3)
};

const MEMORY_DOCTOR: Command = Command {
    flags: Flags::SERVER,
    group: Group::Server,
    since: "4.0.0",
    summary: "Outputs memory problems report",
    ..Command::new(CommandId::MemoryDoctor, "DOCTOR", "memory|doctor", 2)
};

const MEMORY_STATS: Command = Command {
    flags: Flags::SERVER,
    group: Group::Server,
    since: "4.0.0",
    summary: "Show memory usage details",
    ..Command::new(CommandId::MemoryStats, "STATS", "memory|stats", 2)
};

const MEMORY_HELP: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING),
    group: Group::Server,
    since: "4.0.0",
    summary: "Show helpful text about the different subcommands",
    ..Command::new(CommandId::MemoryHelp, "HELP", "memory|help", 2)
};

/// When EXPIRE and its kin are to change anything.
const CONDITION: Argument = Argument::one_of(
    "condition",
    &[
        Argument::word("nx", "NX"),
        Argument::word("xx", "XX"),
        Argument::word("gt", "GT"),
        Argument::word("lt", "LT"),
    ],
)
.optional();

pub(super) const EXPIRE: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "update"]),
    group: Group::Generic,
    since: "1.0.0",
    summary: "Set a key's time to live in seconds",
    arguments: &[KEY, Argument::integer("seconds"), CONDITION],
    ..Command::new(CommandId::Expire, "EXPIRE", "expire", -3)
};

pub(super) const PEXPIRE: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "update"]),
    group: Group::Generic,
    since: "2.6.0",
    summary: "Set a key's time to live in milliseconds",
    arguments: &[KEY, Argument::integer("milliseconds"), CONDITION],
    ..Command::new(CommandId::Pexpire, "PEXPIRE", "pexpire", -3)
};

pub(super) const EXPIREAT: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "update"]),
    group: Group::Generic,
    since: "1.2.0",
    summary: "Set the expiration for a key as a UNIX timestamp",
    arguments: &[KEY, Argument::unix_time("unix-time-seconds"), CONDITION],
    ..Command::new(CommandId::Expireat, "EXPIREAT", "expireat", -3)
};

pub(super) const PEXPIREAT: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "update"]),
    group: Group::Generic,
    since: "2.6.0",
    summary: "Set the expiration for a key as a UNIX timestamp specified in milliseconds",
    arguments: &[KEY, Argument::unix_time("unix-time-milliseconds"), CONDITION],
    ..Command::new(CommandId::Pexpireat, "PEXPIREAT", "pexpireat", -3)
};

pub(super) const TTL: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY).with(Flags::FAST),
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Generic,
    since: "1.0.0",
    summary: "Get the time to live for a key in seconds",
    arguments: &[KEY],
    ..Command::new(CommandId::Ttl, "TTL", "ttl", 2)
};

pub(super) const PTTL: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY).with(Flags::FAST),
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Generic,
    since: "2.6.0",
    summary: "Get the time to live for a key in milliseconds",
    arguments: &[KEY],
    ..Command::new(CommandId::Pttl, "PTTL", "pttl", 2)
};

pub(super) const EXPIRETIME: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY).with(Flags::FAST),
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Generic,
    since: "7.0.0",
    summary: "Get the expiration Unix timestamp for a key",
    arguments: &[KEY],
    ..Command::new(CommandId::Expiretime, "EXPIRETIME", "expiretime", 2)
};

pub(super) const PEXPIRETIME: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY).with(Flags::FAST),
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Generic,
    since: "7.0.0",
    summary: "Get the expiration Unix timestamp for a key in milliseconds",
    arguments: &[KEY],
    ..Command::new(CommandId::Pexpiretime, "PEXPIRETIME", "pexpiretime", 2)
};

pub(super) const PERSIST: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "update"]),
    group: Group::Generic,
    since: "2.2.0",
    summary: "Remove the expiration from a key",
    arguments: &[KEY],
    ..Command::new(CommandId::Persist, "PERSIST", "persist", 2)
};
