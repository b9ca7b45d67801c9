//! COMMAND and its subcommands, and the HELP of containers: all read from the one table.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use crate::proto::command::{Argument, Command, CommandId, Flags, KeySpec, listed, lookup};
use crate::proto::glob;
use crate::proto::resp::Writer;

impl Server {
    pub(super) fn command(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if call.len() == 1 {
            write_all(out);
            return Ok(());
        }
        let Some(call) = self.subcommand(call, out) else { return Ok(()) };
        match call.command.id {
            CommandId::CommandCount => out.int(listed().count() as i64),
            CommandId::CommandInfo if call.len() == 2 => write_all(out),
            CommandId::CommandInfo => {
                out.array(call.len() - 2);
                for name in call.args_from(2) {
                    match known(name) {
                        Some(command) => write_info(command, out),
                        None => out.null(),
                    }
                }
            }
            CommandId::CommandDocs if call.len() == 2 => {
                out.map(listed().count());
                listed().for_each(|command| write_docs(command, out));
            }
            CommandId::CommandDocs => {
                let commands = call.args_from(2).filter_map(known);
                out.map(commands.clone().count());
                commands.for_each(|command| write_docs(command, out));
            }
            CommandId::CommandList => return list(call, out),
            CommandId::CommandHelp => write_help("COMMAND", out),
            other => unreachable!("{other:?} is no subcommand of COMMAND"),
        }
        Ok(())
    }
}

/// A command that may be shown: `get`, `client|list`.
fn known(name: &[u8]) -> Option<&'static Command> {
    let (name, sub) = match name.iter().position(|&byte| byte == b'|') {
        Some(bar) => (&name[..bar], Some(&name[bar + 1..])),
        None => (name, None),
    };
    let command = lookup(name)
        .filter(|command| command.flags.contains(Flags::SERVER) && !command.flags.contains(Flags::CLUSTER))?;
    match sub {
        Some(sub) => command.subcommand(sub).filter(|sub| !sub.flags.contains(Flags::UNSUPPORTED)),
        None => Some(command),
    }
}

fn subcommands(command: &Command) -> impl Iterator<Item = &'static Command> + Clone {
    command.subcommands.iter().filter(|sub| !sub.flags.contains(Flags::UNSUPPORTED))
}

fn write_all(out: &mut Writer<'_>) {
    out.array(listed().count());
    listed().for_each(|command| write_info(command, out));
}

/// `[name, arity, flags, first key, last key, step, categories, tips, key specifications, subcommands]`
fn write_info(command: &Command, out: &mut Writer<'_>) {
    let simples = |out: &mut Writer<'_>, words: &mut dyn Iterator<Item = &'static str>| {
        let words: Vec<&str> = words.collect();
        out.set(words.len());
        words.into_iter().for_each(|word| out.simple(word));
    };
    // Two levels deep by the table: a subcommand has none of its own.
    out.array(10);
    out.bulk(command.full_name);
    out.int(command.arity.into());
    simples(out, &mut command.flags.names());
    out.int(command.keys.first.into());
    out.int(command.keys.last.into());
    out.int(command.keys.step.into());
    simples(out, &mut command.categories());
    out.set(0);
    write_key_spec(command.keys, out);
    match subcommands(command).count() {
        0 => out.set(0),
        count => {
            out.array(count);
            subcommands(command).for_each(|sub| write_info(sub, out));
        }
    }
}

fn write_key_spec(keys: KeySpec, out: &mut Writer<'_>) {
    if keys.first == 0 {
        return out.set(0);
    }
    out.set(1);
    out.map(3);
    out.bulk("flags");
    out.set(keys.access.len());
    keys.access.iter().for_each(|word| out.simple(word));
    out.bulk("begin_search");
    out.map(2);
    out.bulk("type");
    out.bulk("index");
    out.bulk("spec");
    out.map(1);
    out.bulk("index");
    out.int(keys.first.into());
    out.bulk("find_keys");
    out.map(2);
    out.bulk("type");
    out.bulk("range");
    out.bulk("spec");
    out.map(3);
    out.bulk("lastkey");
    // Counted from the first key, unless from the end.
    out.int(i64::from(if keys.last < 0 { keys.last } else { keys.last - keys.first }));
    out.bulk("keystep");
    out.int(keys.step.into());
    out.bulk("limit");
    out.int(0);
}

/// `name => {summary, since, group, complexity, arguments, subcommands}`
fn write_docs(command: &Command, out: &mut Writer<'_>) {
    let has_subcommands = subcommands(command).next().is_some();
    out.bulk(command.full_name);
    out.map(4 + usize::from(!command.arguments.is_empty()) + usize::from(has_subcommands));
    let fields = [
        ("summary", command.summary),
        ("since", command.since),
        ("group", command.group.name()),
        ("complexity", command.complexity),
    ];
    for (name, text) in fields {
        out.bulk(name);
        out.bulk(text);
    }
    if !command.arguments.is_empty() {
        out.bulk("arguments");
        write_arguments(command.arguments, out);
    }
    if has_subcommands {
        out.bulk("subcommands");
        out.map(subcommands(command).count());
        subcommands(command).for_each(|sub| write_docs(sub, out));
    }
}

/// Groups nest two or three deep, by the table and not by anybody's input.
fn write_arguments(arguments: &[Argument], out: &mut Writer<'_>) {
    out.array(arguments.len());
    for argument in arguments {
        let flags = usize::from(argument.optional) + usize::from(argument.multiple);
        let is_key = argument.kind.name() == "key";
        let optional = [is_key, argument.token.is_some(), flags > 0, !argument.items.is_empty()];
        out.map(2 + optional.into_iter().filter(|&is| is).count());
        out.bulk("name");
        out.bulk(argument.name);
        out.bulk("type");
        out.bulk(argument.kind.name());
        if is_key {
            out.bulk("key_spec_index");
            out.int(0);
        }
        if let Some(token) = argument.token {
            out.bulk("token");
            out.bulk(token);
        }
        if flags > 0 {
            out.bulk("flags");
            out.set(flags);
            [(argument.optional, "optional"), (argument.multiple, "multiple")]
                .into_iter()
                .filter(|(is, _)| *is)
                .for_each(|(_, word)| out.simple(word));
        }
        if !argument.items.is_empty() {
            out.bulk("arguments");
            write_arguments(argument.items, out);
        }
    }
}

/// `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN glob]`
fn list(call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    type Filter<'b> = Box<dyn Fn(&Command) -> bool + 'b>;
    let filter: Filter<'_> = match call.len() {
        2 => Box::new(|_| true),
        5 if call.arg(2).eq_ignore_ascii_case(b"FILTERBY") => {
            let (by, value) = (call.arg(3), call.arg(4));
            match () {
                () if by.eq_ignore_ascii_case(b"MODULE") => Box::new(|command| {
                    command.name.starts_with("JSON.") && value.eq_ignore_ascii_case(b"ReJSON")
                }),
                () if by.eq_ignore_ascii_case(b"ACLCAT") => Box::new(|command| {
                    command.categories().any(|category| category.as_bytes()[1..].eq_ignore_ascii_case(value))
                }),
                () if by.eq_ignore_ascii_case(b"PATTERN") => {
                    Box::new(|command| glob::matches(value, command.full_name.as_bytes()))
                }
                () => return Err(CommandError::Syntax),
            }
        }
        _ => return Err(CommandError::Syntax),
    };
    let mark = out.begin_array();
    let mut count = 0;
    for command in listed().filter(|command| filter(command)) {
        out.bulk(command.full_name);
        count += 1;
    }
    out.end_array(mark, count);
    Ok(())
}

/// The lines of `CLIENT HELP` and its like.
pub(super) fn write_help(container: &str, out: &mut Writer<'_>) {
    let command = lookup(container.as_bytes()).expect("the container is in the table");
    let lines = subcommands(command).flat_map(|sub| {
        let syntax = sub.syntax().to_string();
        let own = syntax.strip_prefix(container).unwrap_or(&syntax).trim_start().to_owned();
        [own, format!("    {}", sub.summary)]
    });
    let lines: Vec<String> =
        std::iter::once(format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"))
            .chain(lines)
            .collect();
    out.array(lines.len());
    lines.iter().for_each(|line| out.simple(line));
}
