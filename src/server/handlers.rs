//! Which function answers which command: each module lists its own, and here they become one table by number.

use super::dispatch::{Call, Outcome};
use super::{
    Server, bits, client, connection, counters, documents, edits, expiry, info, introspection, json, keys,
    lcs, object, operations, ordered, parameters, scan, slowlog, strings, times, transactions,
};
use crate::conn::Net;
use crate::proto::command::{COMMANDS, CommandId, Flags};
use crate::proto::resp::Writer;

/// The function that answers a command.
#[derive(Clone, Copy)]
pub(super) enum Handler {
    /// It needs the records and writes one reply.
    Reply(fn(&mut Server, Call<'_>, &mut Writer<'_>) -> Outcome),
    /// It needs other connections too.
    Net(fn(&mut Server, Call<'_>, &mut Net) -> Outcome),
}

/// What a module lists.
pub(super) type Handlers = &'static [(CommandId, Handler)];

const ALL: &[Handlers] = &[
    strings::HANDLERS,
    edits::HANDLERS,
    bits::HANDLERS,
    counters::HANDLERS,
    lcs::HANDLERS,
    keys::HANDLERS,
    object::HANDLERS,
    expiry::HANDLERS,
    scan::HANDLERS,
    ordered::HANDLERS,
    documents::HANDLERS,
    json::GET,
    json::SET,
    json::SCALARS,
    json::ARRAYS,
    transactions::HANDLERS,
    connection::HANDLERS,
    client::HANDLERS,
    introspection::HANDLERS,
    parameters::HANDLERS,
    operations::HANDLERS,
    info::HANDLERS,
    slowlog::HANDLERS,
    times::HANDLERS,
];

/// By [`CommandId::index`]. A container has none of its own, and the console's commands have none here.
static HANDLERS: [Option<Handler>; CommandId::COUNT] = table();

/// The function that answers a command of a server.
#[inline]
pub(super) fn handler(id: CommandId) -> Handler {
    HANDLERS[id.index()].expect("every command of a server has a handler: a test looks")
}

const fn table() -> [Option<Handler>; CommandId::COUNT] {
    let mut table = [None; CommandId::COUNT];
    let mut index = 0;
    while index < COMMANDS.len() {
        if COMMANDS[index].flags.contains(Flags::CLUSTER) {
            table[COMMANDS[index].id.index()] = Some(Handler::Net(Server::message));
        }
        index += 1;
    }
    let mut module = 0;
    while module < ALL.len() {
        let mut index = 0;
        while index < ALL[module].len() {
            let (id, handler) = ALL[module][index];
            assert!(table[id.index()].is_none(), "a command has two handlers");
            table[id.index()] = Some(handler);
            index += 1;
        }
        module += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::command::Command;

    #[test]
    fn every_command_of_a_server_has_a_handler() {
        let has = |command: &Command| HANDLERS[command.id.index()].is_some();
        for command in COMMANDS.iter().filter(|command| command.flags.contains(Flags::SERVER)) {
            for subcommand in command.subcommands {
                assert!(has(subcommand), "{}", subcommand.full_name);
            }
            // A container that may stand alone has one too.
            let alone = command.subcommands.is_empty() || command.accepts(1);
            assert_eq!(has(command), alone, "{}", command.full_name);
        }
    }
}
