//! Commands about records.

use super::{Argument, Command, CommandId, Flags, Group, KeySpec};

const READ: Flags = Flags::SERVER.with(Flags::READONLY);
const WRITE: Flags = Flags::SERVER.with(Flags::WRITE);

const KEY: Argument = Argument::key("key");
const KEY_VALUE: &[Argument] = &[KEY, Argument::string("value")];
const KEY_SEGMENTS: &[Argument] = &[KEY, Argument::string("segment").multiple()];
const FLUSH: &[Argument] =
    &[Argument::one_of("flush-type", &[Argument::word("async", "ASYNC"), Argument::word("sync", "SYNC")])
        .optional()];

pub(super) const PUT: Command = Command {
    flags: WRITE.with(Flags::CONSOLE).with(Flags::DENYOOM),
    keys: KeySpec::one(&["OW", "update"]),
    group: Group::Json,
    complexity: "O(N) with N being the size of the document",
    summary: "Store a document, in the place of any record of that key",
    arguments: &[KEY, Argument::string("document")],
    examples: &[
        "PUT person1:{\"name\":\"Mary\"; \"age\":22}",
        "PUT \"user:1\": {\"address\": {\"city\": \"Athens\"}}",
    ],
    ..Command::new(CommandId::Put, "PUT", "put", 3)
};

pub(super) const GET: Command = Command {
    flags: READ.with(Flags::CONSOLE).with(Flags::FAST),
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::String,
    since: "1.0.0",
    summary: "Get the value of a key",
    arguments: &[KEY],
    examples: &["GET person1"],
    ..Command::new(CommandId::Get, "GET", "get", 2)
};

pub(super) const QUERY: Command = Command {
    flags: READ.with(Flags::CONSOLE).with(Flags::FAST),
    keys: KeySpec::one(&["RO", "access", "incomplete"]),
    group: Group::Json,
    complexity: "O(N) with N being the size of the answer",
    summary: "Get a part of a document by its path",
    arguments: &[Argument::one_of(
        "place",
        &[Argument::string("path"), Argument::block("literal", KEY_SEGMENTS)],
    )],
    examples: &["QUERY person1.address.number", "QUERY \"a.b\".c", "QUERY person1.phones[0]"],
    ..Command::new(CommandId::Query, "QUERY", "query", -2)
};

pub(super) const DELETE: Command = Command {
    flags: WRITE.with(Flags::CONSOLE),
    keys: KeySpec::all(&["RM", "delete"]),
    complexity: "O(N) with N being the size of what is deleted",
    summary: "Delete records",
    arguments: &[KEY.multiple()],
    examples: &["DELETE person1"],
    ..Command::new(CommandId::Delete, "DELETE", "delete", -2)
};

pub(super) const COMPUTE: Command = Command {
    flags: READ.with(Flags::CONSOLE),
    group: Group::Json,
    complexity: "O(N) with N being the length of the expression",
    summary: "Calculate with numbers that are stored in documents",
    arguments: &[Argument::string("expression"), Argument::string("bindings").after("WHERE").optional()],
    examples: &[
        "COMPUTE 2*(3+4)",
        "COMPUTE 2/(x+3*y) WHERE x = QUERY person1.age AND y = QUERY person2.address.number",
        "COMPUTE sind(30) + log(100) + sqrt(x^2) WHERE x = QUERY person1.height",
    ],
    ..Command::new(CommandId::Compute, "COMPUTE", "compute", -2)
};

pub(super) const SET: Command = Command {
    flags: WRITE.with(Flags::DENYOOM),
    keys: KeySpec::one(&["RW", "access", "update", "variable_flags"]),
    group: Group::String,
    since: "1.0.0",
    summary: "Set the string value of a key",
    arguments: &[
        KEY,
        Argument::string("value"),
        Argument::one_of(
            "condition",
            &[
                Argument::word("nx", "NX"),
                Argument::word("xx", "XX"),
                Argument::string("comparison-value").after("IFEQ"),
            ],
        )
        .optional(),
        Argument::word("get", "GET").optional(),
        Argument::one_of(
            "expiration",
            &[
                Argument::integer("seconds").after("EX"),
                Argument::integer("milliseconds").after("PX"),
                Argument::unix_time("unix-time-seconds").after("EXAT"),
                Argument::unix_time("unix-time-milliseconds").after("PXAT"),
                Argument::word("keepttl", "KEEPTTL"),
            ],
        )
        .optional(),
    ],
    examples: &["SET greeting \"good morning\"", "SET lock mine NX", "SET session 1 EX 60"],
    ..Command::new(CommandId::Set, "SET", "set", -3)
};

pub(super) const DEL: Command = Command {
    flags: WRITE,
    keys: KeySpec::all(&["RM", "delete"]),
    since: "1.0.0",
    complexity: "O(N) with N being the size of what is deleted",
    summary: "Delete a key",
    arguments: &[KEY.multiple()],
    examples: &["DEL person1 person2"],
    ..Command::new(CommandId::Del, "DEL", "del", -2)
};

pub(super) const UNLINK: Command = Command {
    flags: WRITE.with(Flags::FAST),
    keys: KeySpec::all(&["RM", "delete"]),
    since: "4.0.0",
    complexity: "O(N) with N being the size of what is deleted",
    summary: "Delete a key: another name of DEL",
    arguments: &[KEY.multiple()],
    ..Command::new(CommandId::Unlink, "UNLINK", "unlink", -2)
};

pub(super) const EXISTS: Command = Command {
    flags: READ.with(Flags::FAST),
    keys: KeySpec::all(&["RO"]),
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys to check.",
    summary: "Determine if a key exists",
    arguments: &[KEY.multiple()],
    ..Command::new(CommandId::Exists, "EXISTS", "exists", -2)
};

pub(super) const MGET: Command = Command {
    flags: READ.with(Flags::FAST),
    keys: KeySpec::all(&["RO", "access"]),
    group: Group::String,
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys to retrieve.",
    summary: "Get the values of all the given keys",
    arguments: &[KEY.multiple()],
    ..Command::new(CommandId::Mget, "MGET", "mget", -2)
};

pub(super) const MSET: Command = Command {
    flags: WRITE.with(Flags::DENYOOM),
    keys: KeySpec { first: 1, last: -1, step: 2, access: &["OW", "update"] },
    group: Group::String,
    since: "1.0.1",
    complexity: "O(N) where N is the number of keys to set.",
    summary: "Set multiple keys to multiple values",
    arguments: &[Argument::block("key_value", KEY_VALUE).multiple()],
    ..Command::new(CommandId::Mset, "MSET", "mset", -3)
};

pub(super) const DBSIZE: Command = Command {
    flags: READ.with(Flags::FAST),
    group: Group::Server,
    since: "1.0.0",
    summary: "Return the number of keys in the selected database",
    ..Command::new(CommandId::Dbsize, "DBSIZE", "dbsize", 1)
};

pub(super) const FLUSHALL: Command = Command {
    flags: WRITE.with(Flags::DANGEROUS),
    group: Group::Server,
    since: "1.0.0",
    complexity: "O(N) where N is the total number of keys in all databases",
    summary: "Remove all keys from all databases",
    arguments: FLUSH,
    ..Command::new(CommandId::Flushall, "FLUSHALL", "flushall", -1)
};

pub(super) const FLUSHDB: Command = Command {
    flags: WRITE.with(Flags::DANGEROUS),
    group: Group::Server,
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys in the selected database",
    summary: "Remove all keys from the current database",
    arguments: FLUSH,
    ..Command::new(CommandId::Flushdb, "FLUSHDB", "flushdb", -1)
};

pub(super) const SCAN: Command = Command {
    flags: READ,
    since: "2.8.0",
    complexity: "O(N) for every call with N being COUNT; in key order, so a pattern's literal head visits only its part",
    summary: "Incrementally iterate the keys space",
    arguments: &[
        Argument::integer("cursor"),
        Argument::pattern("pattern").after("MATCH").optional(),
        Argument::integer("count").after("COUNT").optional(),
        Argument::string("type").after("TYPE").optional(),
    ],
    examples: &["SCAN 0 MATCH person* COUNT 100"],
    ..Command::new(CommandId::Scan, "SCAN", "scan", -2)
};

pub(super) const KEYS: Command = Command {
    flags: READ.with(Flags::DANGEROUS),
    since: "1.0.0",
    complexity: "O(N) with N being the number of keys that begin with the pattern's literal head",
    summary: "Find all keys matching the given pattern",
    arguments: &[Argument::pattern("pattern")],
    examples: &["KEYS person1*"],
    ..Command::new(CommandId::Keys, "KEYS", "keys", 2)
};

pub(super) const TYPE: Command = Command {
    flags: READ.with(Flags::FAST),
    keys: KeySpec::one(&["RO"]),
    since: "1.0.0",
    summary: "Determine the type stored at key",
    arguments: &[KEY],
    ..Command::new(CommandId::Type, "TYPE", "type", 2)
};
