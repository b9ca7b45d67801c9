//! Who a client is, and what it does to others: AUTH and CLIENT.

use super::{Argument, Command, CommandId, Flags, Group};

/// What every client may ask, whatever the data.
const ANY: Flags = Flags::SERVER.with(Flags::LOADING);

const fn connection(id: CommandId, name: &'static str, full_name: &'static str, arity: i32) -> Command {
    Command { flags: ANY, group: Group::Connection, ..Command::new(id, name, full_name, arity) }
}

pub(super) const AUTH: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING).with(Flags::FAST).with(Flags::NO_AUTH),
    group: Group::Connection,
    since: "1.0.0",
    complexity: "O(N) where N is the number of passwords defined for the user",
    summary: "Authenticate to the server",
    arguments: &[Argument::string("username").optional(), Argument::string("password")],
    ..Command::new(CommandId::Auth, "AUTH", "auth", -2)
};

pub(super) const CLIENT: Command = Command {
    flags: Flags::SERVER,
    since: "2.4.0",
    complexity: "Depends on subcommand.",
    summary: "A container for client connection commands",
    subcommands: &[
        CLIENT_ID,
        CLIENT_SETNAME,
        CLIENT_GETNAME,
        CLIENT_SETINFO,
        CLIENT_INFO,
        CLIENT_LIST,
        CLIENT_KILL,
        CLIENT_PAUSE,
        CLIENT_UNPAUSE,
        CLIENT_REPLY,
        CLIENT_NO_EVICT,
        CLIENT_NO_TOUCH,
        CLIENT_WARNINGS,
        CLIENT_HELP,
    ],
    ..connection(CommandId::Client, "CLIENT", "client", -2)
};

const CLIENT_ID: Command = Command {
    since: "5.0.0",
    summary: "Returns the client ID for the current connection",
    ..connection(CommandId::ClientId, "ID", "client|id", 2)
};

const CLIENT_SETNAME: Command = Command {
    since: "2.6.9",
    summary: "Set the current connection name",
    arguments: &[Argument::string("connection-name")],
    ..connection(CommandId::ClientSetname, "SETNAME", "client|setname", 3)
};

const CLIENT_GETNAME: Command = Command {
    since: "2.6.9",
    summary: "Get the current connection name",
    ..connection(CommandId::ClientGetname, "GETNAME", "client|getname", 2)
};

const CLIENT_SETINFO: Command = Command {
    since: "7.2.0",
    summary: "Set client or connection specific info",
    arguments: &[Argument::one_of(
        "attr",
        &[Argument::string("libname").after("LIB-NAME"), Argument::string("libver").after("LIB-VER")],
    )],
    ..connection(CommandId::ClientSetinfo, "SETINFO", "client|setinfo", 4)
};

const CLIENT_INFO: Command = Command {
    since: "6.2.0",
    summary: "Returns information about the current client connection.",
    ..connection(CommandId::ClientInfo, "INFO", "client|info", 2)
};

const CLIENT_LIST: Command = Command {
    flags: ANY.with(Flags::ADMIN),
    since: "2.4.0",
    complexity: "O(N) where N is the number of client connections",
    summary: "Get the list of client connections",
    arguments: &[
        Argument::one_of(
            "client-type",
            &[
                Argument::word("normal", "NORMAL"),
                Argument::word("master", "MASTER"),
                Argument::word("replica", "REPLICA"),
                Argument::word("pubsub", "PUBSUB"),
            ],
        )
        .after("TYPE")
        .optional(),
        Argument::integer("client-id").after("ID").multiple().optional(),
    ],
    ..connection(CommandId::ClientList, "LIST", "client|list", -2)
};

const CLIENT_KILL: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Connection,
    since: "2.4.0",
    complexity: "O(N) where N is the number of client connections",
    summary: "Kill the connection of a client",
    arguments: &[Argument::string("filter").multiple()],
    ..Command::new(CommandId::ClientKill, "KILL", "client|kill", -3)
};

const CLIENT_PAUSE: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Connection,
    since: "2.9.50",
    summary: "Stop processing commands from clients for some time",
    arguments: &[
        Argument::integer("timeout"),
        Argument::one_of("mode", &[Argument::word("write", "WRITE"), Argument::word("all", "ALL")])
            .optional(),
    ],
    ..Command::new(CommandId::ClientPause, "PAUSE", "client|pause", -3)
};

const CLIENT_UNPAUSE: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Connection,
    since: "6.2.0",
    complexity: "O(N) Where N is the number of paused clients",
    summary: "Resume processing of clients that were paused",
    ..Command::new(CommandId::ClientUnpause, "UNPAUSE", "client|unpause", 2)
};

const CLIENT_REPLY: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING).with(Flags::OWN),
    group: Group::Connection,
    since: "3.2.0",
    summary: "Instruct the server whether to reply to commands",
    arguments: &[Argument::one_of(
        "on_off_skip",
        &[Argument::word("on", "ON"), Argument::word("off", "OFF"), Argument::word("skip", "SKIP")],
    )],
    ..Command::new(CommandId::ClientReply, "REPLY", "client|reply", 3)
};

const CLIENT_NO_EVICT: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Connection,
    since: "7.0.0",
    summary: "Set client eviction mode for the current connection",
    arguments: &[Argument::one_of("enabled", &[Argument::word("on", "ON"), Argument::word("off", "OFF")])],
    ..Command::new(CommandId::ClientNoEvict, "NO-EVICT", "client|no-evict", 3)
};

const CLIENT_NO_TOUCH: Command = Command {
    since: "7.2.0",
    summary: "Set whether commands of the client change what is known of the keys' last access",
    arguments: &[Argument::one_of("enabled", &[Argument::word("on", "ON"), Argument::word("off", "OFF")])],
    ..connection(CommandId::ClientNoTouch, "NO-TOUCH", "client|no-touch", 3)
};

const CLIENT_WARNINGS: Command = Command {
    summary: "What to do with an answer that may be incomplete because servers are down",
    arguments: &[Argument::one_of(
        "warnings",
        &[Argument::word("off", "OFF"), Argument::word("on", "ON"), Argument::word("error", "ERROR")],
    )],
    examples: &["CLIENT WARNINGS ON"],
    ..connection(CommandId::ClientWarnings, "WARNINGS", "client|warnings", 3)
};

const CLIENT_HELP: Command = Command {
    since: "5.0.0",
    summary: "Show helpful text about the different subcommands",
    ..connection(CommandId::ClientHelp, "HELP", "client|help", 2)
};
