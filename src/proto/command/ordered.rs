//! Commands that need the order of keys, which a trie has and a hash table has not.

use super::{Argument, Command, CommandId, Flags, Group};

const READ: Flags = Flags::SERVER.with(Flags::READONLY);
const WRITE: Flags = Flags::SERVER.with(Flags::WRITE);

pub(super) const RANGE: Command = Command {
    flags: READ,
    group: Group::Ordered,
    complexity: "O(log(N)+M) with M being the records returned",
    summary: "The records from start up to, not including, end",
    arguments: &[
        Argument::string("start"),
        Argument::string("end"),
        Argument::integer("n").after("LIMIT").optional(),
        Argument::word("rev", "REV").optional(),
    ],
    examples: &["RANGE person1 person2", "RANGE person \"\" LIMIT 10", "RANGE a b LIMIT 1 REV"],
    ..Command::new(CommandId::Range, "RANGE", "range", -3)
};

pub(super) const PREFIX: Command = Command {
    flags: READ,
    group: Group::Ordered,
    complexity: "O(log(N)+M) with M being the records returned",
    summary: "The records whose keys begin with a prefix",
    arguments: &[
        Argument::string("prefix"),
        Argument::integer("n").after("LIMIT").optional(),
        Argument::string("key").after("AFTER").optional(),
    ],
    examples: &["PREFIX person LIMIT 100", "PREFIX person LIMIT 100 AFTER person42"],
    ..Command::new(CommandId::Prefix, "PREFIX", "prefix", -2)
};

pub(super) const COUNT: Command = Command {
    flags: READ,
    group: Group::Ordered,
    complexity: "O(N) with N being the keys under the prefix",
    summary: "How many keys begin with a prefix",
    arguments: &[Argument::string("prefix")],
    examples: &["COUNT person"],
    ..Command::new(CommandId::Count, "COUNT", "count", 2)
};

pub(super) const DELPREFIX: Command = Command {
    flags: WRITE,
    group: Group::Ordered,
    complexity: "O(N) with N being the keys under the prefix",
    summary: "Delete all records whose keys begin with a prefix",
    arguments: &[Argument::string("prefix")],
    examples: &["DELPREFIX session:"],
    ..Command::new(CommandId::Delprefix, "DELPREFIX", "delprefix", 2)
};
