//! Commands about documents, as RedisJSON has them.

use super::{Argument, Command, CommandId, Flags, Group, KeySpec};

const READ: Flags = Flags::SERVER.with(Flags::READONLY);
const WRITE: Flags = Flags::SERVER.with(Flags::WRITE);

const KEY: Argument = Argument::key("key");
const PATH: Argument = Argument::string("path");
const VALUE: Argument = Argument::string("value");

pub(super) const JSON_SET: Command = Command {
    flags: WRITE.with(Flags::DENYOOM),
    keys: KeySpec::one(&["OW", "update"]),
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the size of the value",
    summary: "Set the value at a path, or a whole document",
    arguments: &[
        KEY,
        PATH,
        VALUE,
        Argument::one_of("condition", &[Argument::word("nx", "NX"), Argument::word("xx", "XX")]).optional(),
    ],
    examples: &["JSON.SET person1 $ '{\"name\":\"Mary\"}'", "JSON.SET person1 $.age 22"],
    ..Command::new(CommandId::JsonSet, "JSON.SET", "json.set", -4)
};

pub(super) const JSON_GET: Command = Command {
    flags: READ,
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the size of what the path leads to",
    summary: "Get the JSON text of a document or of parts of it",
    arguments: &[
        KEY,
        Argument::string("indent").after("INDENT").optional(),
        Argument::string("newline").after("NEWLINE").optional(),
        Argument::string("space").after("SPACE").optional(),
        PATH.multiple().optional(),
    ],
    examples: &["JSON.GET person1 $.address.city", "JSON.GET person1 $..number"],
    ..Command::new(CommandId::JsonGet, "JSON.GET", "json.get", -2)
};

pub(super) const JSON_MGET: Command = Command {
    flags: READ,
    keys: KeySpec { first: 1, last: -2, step: 1, access: &["RO", "access"] },
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(M*N) with M being the keys and N the size of what the path leads to",
    summary: "Get what a path leads to in several documents",
    arguments: &[KEY.multiple(), PATH],
    ..Command::new(CommandId::JsonMget, "JSON.MGET", "json.mget", -3)
};

pub(super) const JSON_MSET: Command = Command {
    flags: WRITE.with(Flags::DENYOOM),
    keys: KeySpec { first: 1, last: -1, step: 3, access: &["OW", "update"] },
    group: Group::Json,
    since: "2.6.0",
    complexity: "O(N) with N being the size of all values",
    summary: "Set values at paths of several documents, all or none",
    arguments: &[Argument::block("triplet", &[KEY, PATH, VALUE]).multiple()],
    ..Command::new(CommandId::JsonMset, "JSON.MSET", "json.mset", -4)
};

pub(super) const JSON_MERGE: Command = Command {
    flags: WRITE.with(Flags::DENYOOM),
    keys: KeySpec::one(&["OW", "update"]),
    group: Group::Json,
    since: "2.6.0",
    complexity: "O(M+N) with M being the size of what stands there and N that of the value",
    summary: "Merge a value into what a path leads to, as RFC 7396 says",
    arguments: &[KEY, PATH, VALUE],
    examples: &["JSON.MERGE person1 $ '{\"age\":null}'"],
    ..Command::new(CommandId::JsonMerge, "JSON.MERGE", "json.merge", 4)
};

pub(super) const JSON_TYPE: Command = Command {
    flags: READ,
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Json,
    since: "1.0.0",
    summary: "The type of what a path leads to",
    arguments: &[KEY, PATH.optional()],
    ..Command::new(CommandId::JsonType, "JSON.TYPE", "json.type", -2)
};

pub(super) const JSON_NUMINCRBY: Command = Command {
    flags: WRITE.with(Flags::DENYOOM),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::Json,
    since: "1.0.0",
    summary: "Add to the numbers that a path leads to",
    arguments: &[KEY, PATH, VALUE],
    ..Command::new(CommandId::JsonNumincrby, "JSON.NUMINCRBY", "json.numincrby", 4)
};

pub(super) const JSON_NUMMULTBY: Command = Command {
    flags: WRITE.with(Flags::DENYOOM),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::Json,
    since: "1.0.0",
    summary: "Multiply the numbers that a path leads to",
    arguments: &[KEY, PATH, VALUE],
    ..Command::new(CommandId::JsonNummultby, "JSON.NUMMULTBY", "json.nummultby", 4)
};

pub(super) const JSON_STRAPPEND: Command = Command {
    flags: WRITE.with(Flags::DENYOOM),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the length of the text",
    summary: "Append to the texts that a path leads to",
    arguments: &[KEY, PATH.optional(), VALUE],
    ..Command::new(CommandId::JsonStrappend, "JSON.STRAPPEND", "json.strappend", -3)
};

pub(super) const JSON_STRLEN: Command = Command {
    flags: READ,
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Json,
    since: "1.0.0",
    summary: "The length of the texts that a path leads to",
    arguments: &[KEY, PATH.optional()],
    ..Command::new(CommandId::JsonStrlen, "JSON.STRLEN", "json.strlen", -2)
};

pub(super) const JSON_OBJKEYS: Command = Command {
    flags: READ,
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the number of fields",
    summary: "The names of the fields of the sets that a path leads to",
    arguments: &[KEY, PATH.optional()],
    ..Command::new(CommandId::JsonObjkeys, "JSON.OBJKEYS", "json.objkeys", -2)
};

pub(super) const JSON_OBJLEN: Command = Command {
    flags: READ,
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Json,
    since: "1.0.0",
    summary: "The number of fields of the sets that a path leads to",
    arguments: &[KEY, PATH.optional()],
    ..Command::new(CommandId::JsonObjlen, "JSON.OBJLEN", "json.objlen", -2)
};

pub(super) const JSON_ARRAPPEND: Command = Command {
    flags: WRITE.with(Flags::DENYOOM),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the size of the array",
    summary: "Append to the arrays that a path leads to",
    arguments: &[KEY, PATH, VALUE.multiple()],
    ..Command::new(CommandId::JsonArrappend, "JSON.ARRAPPEND", "json.arrappend", -4)
};

pub(super) const JSON_ARRINDEX: Command = Command {
    flags: READ,
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the size of the array",
    summary: "Where a value is first found in the arrays that a path leads to",
    arguments: &[
        KEY,
        PATH,
        VALUE,
        Argument::block("range", &[Argument::integer("start"), Argument::integer("stop").optional()])
            .optional(),
    ],
    ..Command::new(CommandId::JsonArrindex, "JSON.ARRINDEX", "json.arrindex", -4)
};

pub(super) const JSON_ARRINSERT: Command = Command {
    flags: WRITE.with(Flags::DENYOOM),
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the size of the array",
    summary: "Insert before an index of the arrays that a path leads to",
    arguments: &[KEY, PATH, Argument::integer("index"), VALUE.multiple()],
    ..Command::new(CommandId::JsonArrinsert, "JSON.ARRINSERT", "json.arrinsert", -5)
};

pub(super) const JSON_ARRLEN: Command = Command {
    flags: READ,
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Json,
    since: "1.0.0",
    summary: "The number of elements of the arrays that a path leads to",
    arguments: &[KEY, PATH.optional()],
    ..Command::new(CommandId::JsonArrlen, "JSON.ARRLEN", "json.arrlen", -2)
};

pub(super) const JSON_ARRPOP: Command = Command {
    flags: WRITE,
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the size of the array",
    summary: "Remove and return an element of the arrays that a path leads to",
    arguments: &[KEY, Argument::block("place", &[PATH, Argument::integer("index").optional()]).optional()],
    ..Command::new(CommandId::JsonArrpop, "JSON.ARRPOP", "json.arrpop", -2)
};

pub(super) const JSON_ARRTRIM: Command = Command {
    flags: WRITE,
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the size of the array",
    summary: "Keep only a range of the arrays that a path leads to",
    arguments: &[KEY, PATH, Argument::integer("start"), Argument::integer("stop")],
    ..Command::new(CommandId::JsonArrtrim, "JSON.ARRTRIM", "json.arrtrim", 5)
};

pub(super) const JSON_TOGGLE: Command = Command {
    flags: WRITE,
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::Json,
    since: "2.0.0",
    summary: "Toggle the booleans that a path leads to",
    arguments: &[KEY, PATH],
    ..Command::new(CommandId::JsonToggle, "JSON.TOGGLE", "json.toggle", 3)
};

pub(super) const JSON_CLEAR: Command = Command {
    flags: WRITE,
    keys: KeySpec::one(&["RW", "access", "update"]),
    group: Group::Json,
    since: "2.0.0",
    complexity: "O(N) with N being the size of what the path leads to",
    summary: "Empty sets and arrays, and set numbers to 0",
    arguments: &[KEY, PATH.optional()],
    ..Command::new(CommandId::JsonClear, "JSON.CLEAR", "json.clear", -2)
};

pub(super) const JSON_RESP: Command = Command {
    flags: READ,
    keys: KeySpec::one(&["RO", "access"]),
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the size of what the path leads to",
    summary: "What a path leads to as replies of the protocol",
    arguments: &[KEY, PATH.optional()],
    ..Command::new(CommandId::JsonResp, "JSON.RESP", "json.resp", -2)
};

pub(super) const JSON_DEBUG: Command = Command {
    flags: Flags::SERVER,
    group: Group::Json,
    since: "1.0.0",
    complexity: "Depends on subcommand.",
    summary: "A container for debugging commands of documents",
    subcommands: &[JSON_DEBUG_MEMORY, JSON_DEBUG_HELP],
    ..Command::new(CommandId::JsonDebug, "JSON.DEBUG", "json.debug", -2)
};

const JSON_DEBUG_MEMORY: Command = Command {
    flags: READ,
    keys: KeySpec { first: 2, last: 2, step: 1, access: &["RO", "access"] },
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the size of what the path leads to",
    summary: "The bytes of memory of what a path leads to",
    arguments: &[KEY, PATH.optional()],
    ..Command::new(CommandId::JsonDebugMemory, "MEMORY", "json.debug|memory", -3)
};

const JSON_DEBUG_HELP: Command = Command {
    flags: Flags::SERVER,
    group: Group::Json,
    since: "1.0.0",
    summary: "Show helpful text about the different subcommands",
    ..Command::new(CommandId::JsonDebugHelp, "HELP", "json.debug|help", 2)
};

pub(super) const JSON_DEL: Command = Command {
    flags: WRITE,
    keys: KeySpec::one(&["RW", "delete"]),
    group: Group::Json,
    since: "1.0.0",
    complexity: "O(N) with N being the size of what is deleted",
    summary: "Delete a field, an element, or a whole document",
    arguments: &[KEY, PATH.optional()],
    examples: &["JSON.DEL person1 $.address.city"],
    ..Command::new(CommandId::JsonDel, "JSON.DEL", "json.del", -2)
};

pub(super) const JSON_FORGET: Command = Command {
    summary: "Delete a field, an element, or a whole document: another name of JSON.DEL",
    examples: &[],
    id: CommandId::JsonForget,
    name: "JSON.FORGET",
    full_name: "json.forget",
    ..JSON_DEL
};
