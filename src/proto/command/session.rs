//! Commands about the connection, the server and the cluster.

use super::{Argument, Command, CommandId, Flags, Group};

/// What every client may ask, whatever the data.
const ANY: Flags = Flags::SERVER.with(Flags::LOADING);

const fn connection(id: CommandId, name: &'static str, full_name: &'static str, arity: i32) -> Command {
    Command { flags: ANY, group: Group::Connection, ..Command::new(id, name, full_name, arity) }
}

const fn server(id: CommandId, name: &'static str, full_name: &'static str, arity: i32) -> Command {
    Command { flags: ANY, group: Group::Server, ..Command::new(id, name, full_name, arity) }
}

pub(super) const PING: Command = Command {
    flags: Flags::SERVER.with(Flags::FAST),
    since: "1.0.0",
    summary: "Ping the server",
    arguments: &[Argument::string("message").optional()],
    ..connection(CommandId::Ping, "PING", "ping", -1)
};

pub(super) const ECHO: Command = Command {
    flags: ANY.with(Flags::FAST),
    since: "1.0.0",
    summary: "Echo the given string",
    arguments: &[Argument::string("message")],
    ..connection(CommandId::Echo, "ECHO", "echo", 2)
};

pub(super) const HELLO: Command = Command {
    flags: ANY.with(Flags::FAST).with(Flags::NO_AUTH),
    since: "6.0.0",
    summary: "Handshake with Redis",
    arguments: &[Argument::block(
        "arguments",
        &[
            Argument::integer("protover"),
            Argument::block(
                "username_password",
                &[Argument::string("username"), Argument::string("password")],
            )
            .after("AUTH")
            .optional(),
            Argument::string("clientname").after("SETNAME").optional(),
        ],
    )
    .optional()],
    examples: &["HELLO 3"],
    ..connection(CommandId::Hello, "HELLO", "hello", -1)
};

pub(super) const SELECT: Command = Command {
    flags: ANY.with(Flags::FAST),
    since: "1.0.0",
    summary: "Change the selected database for the current connection",
    arguments: &[Argument::integer("index")],
    ..connection(CommandId::Select, "SELECT", "select", 2)
};

pub(super) const QUIT: Command = Command {
    flags: ANY.with(Flags::FAST).with(Flags::NO_AUTH).with(Flags::CONSOLE),
    since: "1.0.0",
    summary: "Close the connection",
    ..connection(CommandId::Quit, "QUIT", "quit", -1)
};

pub(super) const RESET: Command = Command {
    flags: ANY.with(Flags::FAST).with(Flags::NO_AUTH),
    since: "6.2.0",
    summary: "Reset the connection",
    ..connection(CommandId::Reset, "RESET", "reset", 1)
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
    arguments: &[Argument::integer("client-id").after("ID").multiple().optional()],
    ..connection(CommandId::ClientList, "LIST", "client|list", -2)
};

/// Its count of arguments is judged as in Redis; beyond that there is none.
const CLIENT_KILL: Command = Command {
    flags: ANY.with(Flags::ADMIN).with(Flags::UNSUPPORTED),
    since: "2.4.0",
    complexity: "O(N) where N is the number of client connections",
    summary: "Kill the connection of a client",
    ..connection(CommandId::ClientKill, "KILL", "client|kill", -3)
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

pub(super) const COMMAND: Command = Command {
    since: "2.8.13",
    complexity: "O(N) where N is the total number of Redis commands",
    summary: "Get array of Redis command details",
    subcommands: &[COMMAND_COUNT, COMMAND_DOCS, COMMAND_INFO, COMMAND_LIST, COMMAND_HELP],
    ..server(CommandId::Command, "COMMAND", "command", -1)
};

const COMMAND_COUNT: Command = Command {
    since: "2.8.13",
    summary: "Get total number of Redis commands",
    ..server(CommandId::CommandCount, "COUNT", "command|count", 2)
};

const COMMAND_DOCS: Command = Command {
    since: "7.0.0",
    complexity: "O(N) where N is the number of commands to look up",
    summary: "Get array of specific Redis command documentation",
    arguments: &[Argument::string("command-name").optional().multiple()],
    ..server(CommandId::CommandDocs, "DOCS", "command|docs", -2)
};

const COMMAND_INFO: Command = Command {
    since: "2.8.13",
    complexity: "O(N) where N is the number of commands to look up",
    summary: "Get array of specific Redis command details, or all when no argument is given.",
    arguments: &[Argument::string("command-name").optional().multiple()],
    ..server(CommandId::CommandInfo, "INFO", "command|info", -2)
};

const COMMAND_LIST: Command = Command {
    since: "7.0.0",
    complexity: "O(N) where N is the total number of Redis commands",
    summary: "Get an array of Redis command names",
    arguments: &[Argument::one_of(
        "filterby",
        &[
            Argument::string("module-name").after("MODULE"),
            Argument::string("category").after("ACLCAT"),
            Argument::pattern("pattern").after("PATTERN"),
        ],
    )
    .after("FILTERBY")
    .optional()],
    ..server(CommandId::CommandList, "LIST", "command|list", -2)
};

const COMMAND_HELP: Command = Command {
    since: "5.0.0",
    summary: "Show helpful text about the different subcommands",
    ..server(CommandId::CommandHelp, "HELP", "command|help", 2)
};

pub(super) const CONFIG: Command = Command {
    flags: Flags::SERVER,
    since: "2.0.0",
    complexity: "Depends on subcommand.",
    summary: "A container for server configuration commands",
    subcommands: &[CONFIG_GET, CONFIG_HELP],
    ..server(CommandId::Config, "CONFIG", "config", -2)
};

const CONFIG_GET: Command = Command {
    flags: ANY.with(Flags::ADMIN),
    since: "2.0.0",
    complexity: "O(N) when N is the number of configuration parameters provided",
    summary: "Get the values of configuration parameters",
    arguments: &[Argument::pattern("parameter").multiple()],
    examples: &["CONFIG GET max*"],
    ..server(CommandId::ConfigGet, "GET", "config|get", -3)
};

const CONFIG_HELP: Command = Command {
    since: "5.0.0",
    summary: "Show helpful text about the different subcommands",
    ..server(CommandId::ConfigHelp, "HELP", "config|help", 2)
};

pub(super) const INFO: Command = Command {
    flags: ANY.with(Flags::DANGEROUS),
    since: "1.0.0",
    summary: "Get information and statistics about the server",
    arguments: &[Argument::string("section").optional().multiple()],
    examples: &["INFO", "INFO memory"],
    ..server(CommandId::Info, "INFO", "info", -1)
};

pub(super) const HELP: Command = Command {
    flags: Flags::CONSOLE,
    summary: "What the commands do, or how one of them is written",
    arguments: &[Argument::string("command").optional()],
    examples: &["HELP", "HELP COMPUTE"],
    ..server(CommandId::Help, "HELP", "help", -1)
};

pub(super) const STATUS: Command = Command {
    flags: Flags::CONSOLE,
    summary: "Which servers are up, and what the cluster can bear",
    ..server(CommandId::Status, "STATUS", "status", -1)
};

pub(super) const EXIT: Command = Command {
    flags: Flags::CONSOLE,
    summary: "Leave the console",
    ..server(CommandId::Exit, "EXIT", "exit", -1)
};
