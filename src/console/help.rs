//! HELP, from the table of commands.

use super::read::is_taken;
use crate::proto::command::{COMMANDS, Command, Flags};
use std::io::Write as _;

/// Beyond this many columns a syntax is cut: `HELP command` has all of it.
const SYNTAX_COLUMNS: usize = 40;

/// Appends one line for each command that the console takes.
pub fn write_help(out: &mut Vec<u8>) {
    let (own, others): (Vec<&Command>, Vec<&Command>) = COMMANDS
        .iter()
        .filter(|command| is_offered(command))
        .partition(|command| command.flags.contains(Flags::CONSOLE));
    write_commands(out, &own);
    out.extend_from_slice(b"As in Redis:\n");
    write_commands(out, &others);
    out.extend_from_slice(
        b"@host:port COMMAND asks one server; HELP COMMAND tells more; paths look like person15.iban.country\n",
    );
}

/// Appends what one command is for, how it is written, and lines to try.
pub fn write_command_help(out: &mut Vec<u8>, command: &Command) {
    write!(out, "{}\n  {}\n", command.syntax(), command.summary).expect("a vector takes every byte");
    if !command.complexity.is_empty() && command.flags.contains(Flags::SERVER) {
        writeln!(out, "  time: {}", command.complexity).expect("a vector takes every byte");
    }
    for example in command.examples {
        writeln!(out, "  example: {example}").expect("a vector takes every byte");
    }
    for subcommand in command.subcommands.iter() {
        let syntax = subcommand.syntax().to_string();
        writeln!(out, "  {syntax:SYNTAX_COLUMNS$}  {}", subcommand.summary)
            .expect("a vector takes every byte");
    }
}

/// Whether the console does something for this command, alone or by asking servers.
pub fn is_offered(command: &Command) -> bool {
    !command.flags.contains(Flags::CLUSTER) && is_taken(command)
}

fn write_commands(out: &mut Vec<u8>, commands: &[&Command]) {
    for command in commands {
        let mut syntax = command.syntax().to_string();
        if syntax.len() > SYNTAX_COLUMNS {
            syntax = format!("{} ...", command.name);
        }
        writeln!(out, "  {syntax:SYNTAX_COLUMNS$}  {}", command.summary).expect("a vector takes every byte");
    }
}
