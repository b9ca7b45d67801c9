//! The one table of commands: what a client may send, what the console knows, and what both say about it.
//!
//! ```text
//!   "get" ── lookup ──> Command { id, arity, flags, keys, .. } ── id ──> the core's own `match`
//!                         └── subcommands ── "client" "setname" ──> Command { full_name: "client|setname", .. }
//! ```
//!
//! COMMAND INFO, COMMAND DOCS, HELP, the messages about wrong counts and the spelling suggestions are all read from
//! here. Summaries, groups and arities of Redis' commands are Redis'.

mod arguments;
mod client;
mod cluster;
mod group;
mod id;
mod json;
mod keys;
mod lookup;
mod nearest;
mod operations;
mod ordered;
mod page;
mod records;
mod session;
mod strings;
mod transactions;

#[cfg(test)]
mod tests;

pub use arguments::{Argument, ArgumentKind, Syntax};
pub use group::Group;
pub use id::{COMMANDS, CommandId};
pub use lookup::lookup;
pub use nearest::nearest;
pub use page::page;

use std::ops::BitOr;

/// What is true of a command: a set of the constants below.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(u16);

impl Flags {
    /// Nothing.
    pub const NONE: Flags = Flags(0);
    /// A server answers it.
    pub const SERVER: Flags = Flags(1);
    /// The console answers it in its own words; all else it passes on to the server.
    pub const CONSOLE: Flags = Flags(1 << 1);
    /// A message between brokers and servers: nothing that shows commands shows it.
    pub const CLUSTER: Flags = Flags(1 << 2);
    /// May change records.
    pub const WRITE: Flags = Flags(1 << 3);
    /// Reads records and changes none.
    pub const READONLY: Flags = Flags(1 << 4);
    /// May take memory for ever: refused when there is none.
    pub const DENYOOM: Flags = Flags(1 << 5);
    /// For operators.
    pub const ADMIN: Flags = Flags(1 << 6);
    /// Takes a time that does not grow with the data.
    pub const FAST: Flags = Flags(1 << 7);
    /// Allowed before AUTH.
    pub const NO_AUTH: Flags = Flags(1 << 8);
    /// Allowed while data is loaded.
    pub const LOADING: Flags = Flags(1 << 9);
    /// Can do much harm, or takes a time that grows with the data.
    pub const DANGEROUS: Flags = Flags(1 << 10);
    /// Changes what is true of its own connection: nobody passes it on for somebody else.
    pub const OWN: Flags = Flags(1 << 11);
    /// Never part of a transaction.
    pub const NO_MULTI: Flags = Flags(1 << 12);

    /// Whether all of `flags` are set.
    #[inline]
    pub const fn contains(self, flags: Flags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These and `flags`.
    #[inline]
    pub const fn with(self, flags: Flags) -> Flags {
        Flags(self.0 | flags.0)
    }

    /// The words by which Redis calls those that it has, as COMMAND INFO shows them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [(Flags, &str); 7] = [
            (Flags::WRITE, "write"),
            (Flags::READONLY, "readonly"),
            (Flags::DENYOOM, "denyoom"),
            (Flags::ADMIN, "admin"),
            (Flags::LOADING, "loading"),
            (Flags::FAST, "fast"),
            (Flags::NO_AUTH, "no_auth"),
        ];
        NAMES.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| name)
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        self.with(other)
    }
}

/// Which arguments are keys: from `first`, every `step`-th, up to `last` (negative: counted from the end).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeySpec {
    /// Index of the first key; 0 = the command has none.
    pub first: i32,
    /// Index of the last key; -1 = the last argument.
    pub last: i32,
    /// Distance between keys.
    pub step: i32,
    /// What is done with the keys, in the words of Redis' key specifications (`RO access`).
    pub access: &'static [&'static str],
}

impl KeySpec {
    /// No keys.
    pub const NONE: KeySpec = KeySpec { first: 0, last: 0, step: 0, access: &[] };

    const fn one(access: &'static [&'static str]) -> KeySpec {
        KeySpec { first: 1, last: 1, step: 1, access }
    }

    const fn all(access: &'static [&'static str]) -> KeySpec {
        KeySpec { first: 1, last: -1, step: 1, access }
    }

    /// The keys' indices in a request of `count` arguments, the name among them.
    pub fn indices(self, count: usize) -> impl Iterator<Item = usize> {
        let last = if self.last < 0 { count as i64 + i64::from(self.last) } else { i64::from(self.last) };
        let end = if self.first == 0 { 0 } else { (last + 1).clamp(0, count as i64) as usize };
        (self.first as usize..end).step_by(self.step.max(1) as usize)
    }
}

/// One command or subcommand.
#[derive(Debug)]
pub struct Command {
    /// What a `match` goes by.
    pub id: CommandId,
    /// One word in capitals; of a subcommand its own word.
    pub name: &'static str,
    /// As errors and COMMAND INFO call it: `get`, `client|kill`.
    pub full_name: &'static str,
    /// Arguments with the name (and the parent's name); negative: so many or more.
    pub arity: i32,
    /// What is true of it.
    pub flags: Flags,
    /// Which arguments are keys.
    pub keys: KeySpec,
    /// Where it stands in the documentation.
    pub group: Group,
    /// The first version that had it: Redis' where the command is Redis'.
    pub since: &'static str,
    /// How its time grows.
    pub complexity: &'static str,
    /// One line.
    pub summary: &'static str,
    /// What follows the name.
    pub arguments: &'static [Argument],
    /// Whole lines to try.
    pub examples: &'static [&'static str],
    /// What may stand in the place of argument 1.
    pub subcommands: &'static [Command],
}

impl Command {
    /// A command that says nothing yet of itself; the tables fill in the rest.
    const fn new(id: CommandId, name: &'static str, full_name: &'static str, arity: i32) -> Command {
        Command {
            id,
            name,
            full_name,
            arity,
            flags: Flags::NONE,
            keys: KeySpec::NONE,
            group: Group::Generic,
            since: "0.1.0",
            complexity: "O(1)",
            summary: "",
            arguments: &[],
            examples: &[],
            subcommands: &[],
        }
    }

    /// Whether a request in array or inline form may have `count` arguments, the name among them.
    ///
    /// A verb's line is always a name and one text: its own reader judges the text.
    #[inline]
    pub fn accepts(&self, count: usize) -> bool {
        let arity = self.arity.unsigned_abs() as usize;
        if self.arity < 0 { count >= arity } else { count == arity }
    }

    /// The subcommand of this name in any case.
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Command> {
        self.subcommands.iter().find(|command| command.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// The name and what follows it: `SET key value [NX | XX] ..`.
    pub fn syntax(&self) -> Syntax<'_> {
        Syntax { command: self }
    }

    /// Redis' access control categories, `@read` and so on, as COMMAND INFO shows them.
    pub fn categories(&self) -> impl Iterator<Item = &'static str> {
        let is = |flags| self.flags.contains(flags);
        let touches = is(Flags::READONLY) || is(Flags::WRITE);
        let server = self.group == Group::Server && touches;
        [
            (matches!(self.group, Group::Generic | Group::Ordered) || server, "@keyspace"),
            (is(Flags::READONLY), "@read"),
            (is(Flags::WRITE), "@write"),
            (self.group == Group::Bitmap, "@bitmap"),
            (self.group == Group::String, "@string"),
            (self.group == Group::Json, "@json"),
            (is(Flags::ADMIN), "@admin"),
            (is(Flags::FAST), "@fast"),
            (!is(Flags::FAST), "@slow"),
            (is(Flags::ADMIN) || is(Flags::DANGEROUS), "@dangerous"),
            (self.group == Group::Connection, "@connection"),
            (self.group == Group::Transactions, "@transaction"),
            (self.group == Group::Scripting, "@scripting"),
        ]
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, name)| name)
    }
}

/// The commands that COMMAND COUNT counts and COMMAND LIST, INFO and DOCS show: what a client may send.
pub fn listed() -> impl Iterator<Item = &'static Command> {
    COMMANDS
        .iter()
        .filter(|command| command.flags.contains(Flags::SERVER) && !command.flags.contains(Flags::CLUSTER))
}
