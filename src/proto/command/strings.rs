//! Commands about plain strings.

use super::{Argument, Command, CommandId, Flags, Group, KeySpec};

const KEY: Argument = Argument::key("key");

pub(super) const SETNX: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM).with(Flags::FAST),
    keys: KeySpec::one(&["OW", "insert"]),
    group: Group::String,
    since: "1.0.0",
    summary: "Set the value of a key, only if the key does not exist",
    arguments: &[KEY, Argument::string("value")],
    ..Command::new(CommandId::Setnx, "SETNX", "setnx", 3)
};

pub(super) const SETEX: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM),
    keys: KeySpec::one(&["OW", "update"]),
    group: Group::String,
    since: "2.0.0",
    summary: "Set the value and expiration of a key",
    arguments: &[KEY, Argument::integer("seconds"), Argument::string("value")],
    ..Command::new(CommandId::Setex, "SETEX", "setex", 4)
};

pub(super) const PSETEX: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM),
    keys: KeySpec::one(&["OW", "update"]),
    group: Group::String,
    since: "2.6.0",
    summary: "Set the value and expiration in milliseconds of a key",
    arguments: &[KEY, Argument::integer("milliseconds"), Argument::string("value")],
    ..Command::new(CommandId::Psetex, "PSETEX", "psetex", 4)
};

pub(super) const MSETNX: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM),
    keys: KeySpec { first: 1, last: -1, step: 2, access: &["OW", "insert"] },
    group: Group::String,
    since: "1.0.1",
    complexity: "O(N) where N is the number of keys to set.",
    summary: "Set multiple keys to multiple values, only if none of the keys exist",
    arguments: &[Argument::block("key_value", &[KEY, Argument::string("value")]).multiple()],
    ..Command::new(CommandId::Msetnx, "MSETNX", "msetnx", -3)
};

pub(super) const GETEX: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::String,
    since: "6.2.0",
    summary: "Get the value of a key and optionally set its expiration",
    arguments: &[
        KEY,
        Argument::one_of(
            "expiration",
            &[
                Argument::integer("seconds").after("EX"),
                Argument::integer("milliseconds").after("PX"),
                Argument::unix_time("unix-time-seconds").after("EXAT"),
                Argument::unix_time("unix-time-milliseconds").after("PXAT"),
                Argument::word("persist", "PERSIST"),
            ],
        )
        .optional(),
    ],
    ..Command::new(CommandId::Getex, "GETEX", "getex", -2)
};

pub(super) const GETDEL: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "access", "delete"]),
    group: Group::String,
    since: "6.2.0",
    summary: "Get the value of a key and delete the key",
    arguments: &[KEY],
    ..Command::new(CommandId::Getdel, "GETDEL", "getdel", 2)
};

pub(super) const GETSET: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::String,
    since: "1.0.0",
    summary: "Set the string value of a key and return its old value",
    arguments: &[KEY, Argument::string("value")],
    ..Command::new(CommandId::Getset, "GETSET", "getset", 3)
};

pub(super) const APPEND: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "insert"]),
    group: Group::String,
    since: "2.0.0",
    complexity: "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present value is of any size, since the dynamic string library used by Redis will double the free space available on every reallocation.",
    summary: "Append a value to a key",
    arguments: &[KEY, Argument::string("value")],
    ..Command::new(CommandId::Append, "APPEND", "append", 3)
};

pub(super) const STRLEN: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY).with(Flags::FAST),
    keys: KeySpec::one(&["RO"]),
    group: Group::String,
    since: "2.2.0",
    summary: "Get the length of the value stored in a key",
    arguments: &[KEY],
    ..Command::new(CommandId::Strlen, "STRLEN", "strlen", 2)
};

pub(super) const GETRANGE: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY),
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::String,
    since: "2.4.0",
    complexity: "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.",
    summary: "Get a substring of the string stored at a key",
    arguments: &[KEY, Argument::integer("start"), Argument::integer("end")],
    ..Command::new(CommandId::Getrange, "GETRANGE", "getrange", 4)
};

pub(super) const SETRANGE: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM),
    keys: KeySpec::one(&["RW", "update"]),
    group: Group::String,
    since: "2.2.0",
    complexity: "O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.",
    summary: "Overwrite part of a string at key starting at the specified offset",
    arguments: &[KEY, Argument::integer("offset"), Argument::string("value")],
    ..Command::new(CommandId::Setrange, "SETRANGE", "setrange", 4)
};

pub(super) const SUBSTR: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY),
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::String,
    since: "1.0.0",
    complexity: "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.",
    summary: "Get a substring of the string stored at a key",
    arguments: &[KEY, Argument::integer("start"), Argument::integer("end")],
    ..Command::new(CommandId::Substr, "SUBSTR", "substr", 4)
};

pub(super) const LCS: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY),
    keys: KeySpec { first: 1, last: 2, step: 1, access: &["RO", "access"] },
    group: Group::String,
    since: "7.0.0",
    complexity: "O(N*M) where N and M are the lengths of s1 and s2, respectively",
    summary: "Find longest common substring",
    arguments: &[
        Argument::key("key1"),
        Argument::key("key2"),
        Argument::word("len", "LEN").optional(),
        Argument::word("idx", "IDX").optional(),
        Argument::integer("len").after("MINMATCHLEN").optional(),
        Argument::word("withmatchlen", "WITHMATCHLEN").optional(),
    ],
    ..Command::new(CommandId::Lcs, "LCS", "lcs", -3)
};

pub(super) const INCR: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::String,
    since: "1.0.0",
    summary: "Increment the integer value of a key by one",
    arguments: &[KEY],
    ..Command::new(CommandId::Incr, "INCR", "incr", 2)
};

pub(super) const DECR: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::String,
    since: "1.0.0",
    summary: "Decrement the integer value of a key by one",
    arguments: &[KEY],
    ..Command::new(CommandId::Decr, "DECR", "decr", 2)
};

pub(super) const INCRBY: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::String,
    since: "1.0.0",
    summary: "Increment the integer value of a key by the given amount",
    arguments: &[KEY, Argument::integer("increment")],
    ..Command::new(CommandId::Incrby, "INCRBY", "incrby", 3)
};

pub(super) const DECRBY: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::String,
    since: "1.0.0",
    summary: "Decrement the integer value of a key by the given number",
    arguments: &[KEY, Argument::integer("decrement")],
    ..Command::new(CommandId::Decrby, "DECRBY", "decrby", 3)
};

pub(super) const INCRBYFLOAT: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM).with(Flags::FAST),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::String,
    since: "2.6.0",
    summary: "Increment the float value of a key by the given amount",
    arguments: &[KEY, Argument::double("increment")],
    ..Command::new(CommandId::Incrbyfloat, "INCRBYFLOAT", "incrbyfloat", 3)
};

pub(super) const SETBIT: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::DENYOOM),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::Bitmap,
    since: "2.2.0",
    summary: "Sets or clears the bit at offset in the string value stored at key",
    arguments: &[KEY, Argument::integer("offset"), Argument::integer("value")],
    ..Command::new(CommandId::Setbit, "SETBIT", "setbit", 4)
};

pub(super) const GETBIT: Command = Command {
    flags: Flags::SERVER.with(Flags::READONLY).with(Flags::FAST),
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Bitmap,
    since: "2.2.0",
    summary: "Returns the bit value at offset in the string value stored at key",
    arguments: &[KEY, Argument::integer("offset")],
    ..Command::new(CommandId::Getbit, "GETBIT", "getbit", 3)
};

pub(super) const DELIFEQ: Command = Command {
    flags: Flags::SERVER.with(Flags::WRITE).with(Flags::FAST),
    keys: KeySpec::one(&["RM", "delete"]),
    group: Group::String,
    summary: "Delete a key if its string is equal to the given one",
    arguments: &[KEY, Argument::string("value")],
    examples: &["DELIFEQ lock mine"],
    ..Command::new(CommandId::Delifeq, "DELIFEQ", "delifeq", 3)
};
