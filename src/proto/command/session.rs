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
    flags: ANY.with(Flags::FAST).with(Flags::NO_AUTH).with(Flags::OWN),
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
    flags: ANY.with(Flags::FAST).with(Flags::NO_AUTH).with(Flags::OWN),
    since: "6.2.0",
    summary: "Reset the connection",
    ..connection(CommandId::Reset, "RESET", "reset", 1)
};

pub(super) const COMMAND: Command = Command {
    since: "2.8.13",
    complexity: "O(N) where N is the total number of Redis commands",
    summary: "Get array of Redis command details",
    subcommands: &[
        COMMAND_COUNT,
        COMMAND_DOCS,
        COMMAND_INFO,
        COMMAND_LIST,
        COMMAND_GETKEYS,
        COMMAND_GETKEYSANDFLAGS,
        COMMAND_HELP,
    ],
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

const COMMAND_GETKEYS: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING),
    group: Group::Server,
    since: "2.8.13",
    complexity: "O(N) where N is the number of arguments to the command",
    summary: "Extract keys given a full Redis command",
    arguments: &[Argument::string("command"), Argument::string("arg").multiple()],
    ..Command::new(CommandId::CommandGetkeys, "GETKEYS", "command|getkeys", -4)
};

const COMMAND_GETKEYSANDFLAGS: Command = Command {
    flags: Flags::SERVER.with(Flags::LOADING),
    group: Group::Server,
    since: "7.0.0",
    complexity: "O(N) where N is the number of arguments to the command",
    summary: "Extract keys and access flags given a full Redis command",
    arguments: &[Argument::string("command"), Argument::string("arg").multiple()],
    ..Command::new(CommandId::CommandGetkeysandflags, "GETKEYSANDFLAGS", "command|getkeysandflags", -4)
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
    subcommands: &[CONFIG_GET, CONFIG_SET, CONFIG_RESETSTAT, CONFIG_REWRITE, CONFIG_HELP],
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

const CONFIG_SET: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "2.0.0",
    complexity: "O(N) when N is the number of configuration parameters provided",
    summary: "Set configuration parameters to the given values",
    arguments: &[Argument::block(
        "parameter_value",
        &[Argument::string("parameter"), Argument::string("value")],
    )
    .multiple()],
    ..Command::new(CommandId::ConfigSet, "SET", "config|set", -4)
};

const CONFIG_RESETSTAT: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "2.0.0",
    summary: "Reset the stats returned by INFO",
    ..Command::new(CommandId::ConfigResetstat, "RESETSTAT", "config|resetstat", 2)
};

const CONFIG_REWRITE: Command = Command {
    flags: Flags::SERVER.with(Flags::ADMIN).with(Flags::LOADING),
    group: Group::Server,
    since: "2.8.0",
    summary: "Rewrite the configuration file with the in memory configuration",
    ..Command::new(CommandId::ConfigRewrite, "REWRITE", "config|rewrite", 2)
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
