//! Transactions.

use super::{Argument, Command, CommandId, Flags, Group, KeySpec};

const KEY: Argument = Argument::key("key");

pub(super) const MULTI: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING).with(Flags::FAST).with(Flags::OWN),
    group: Group::Transactions,
    since: "1.2.0",
    summary: "Mark the start of a transaction block",
    ..Command::new(CommandId::Multi, "MULTI", "multi", 1)
};

pub(super) const EXEC: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING).with(Flags::OWN),
    group: Group::Transactions,
    since: "1.2.0",
    complexity: "Depends on commands in the transaction",
    summary: "Execute all commands issued after MULTI",
    ..Command::new(CommandId::Exec, "EXEC", "exec", 1)
};

pub(super) const DISCARD: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING).with(Flags::FAST).with(Flags::OWN),
    group: Group::Transactions,
    since: "2.0.0",
    complexity: "O(N), when N is the number of queued commands",
    summary: "Discard all commands issued after MULTI",
    ..Command::new(CommandId::Discard, "DISCARD", "discard", 1)
};

pub(super) const WATCH: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING).with(Flags::FAST).with(Flags::OWN),
    keys: KeySpec::all(&["RO"]),
    group: Group::Transactions,
    since: "2.2.0",
    complexity: "O(1) for every key.",
    summary: "Watch the given keys to determine execution of the MULTI/EXEC block",
    arguments: &[KEY.multiple()],
    ..Command::new(CommandId::Watch, "WATCH", "watch", -2)
};

pub(super) const UNWATCH: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING).with(Flags::FAST).with(Flags::OWN),
    group: Group::Transactions,
    since: "2.2.0",
    summary: "Forget about all watched keys",
    ..Command::new(CommandId::Unwatch, "UNWATCH", "unwatch", 1)
};
