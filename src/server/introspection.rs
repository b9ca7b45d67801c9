//! COMMAND and its subcommands, and the HELP of containers: all read from the one table.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use crate::proto::command::{Argument, Command, CommandId, Flags, KeySpec, listed, lookup};
use crate::proto::glob;
use crate::proto::resp::Writer;

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Command, Handler::Reply(all)),
    (CommandId::CommandCount, Handler::Reply(count)),
    (CommandId::CommandInfo, Handler::Reply(infos)),
    (CommandId::CommandDocs, Handler::Reply(docs)),
    (CommandId::CommandList, Handler::Reply(list)),
    (CommandId::CommandGetkeys, Handler::Reply(get_keys)),
    (CommandId::CommandGetkeysandflags, Handler::Reply(get_keys)),
    (CommandId::CommandHelp, Handler::Reply(help)),
];

fn all(_server: &mut Server, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    out.array(listed().count());
    listed().for_each(|command| write_info(command, out));
    Ok(())
}

fn count(_server: &mut Server, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    out.int(listed().count() as i64);
    Ok(())
}

fn infos(server: &mut Server, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    if call.len() == 2 {
        return all(server, call, out);
    }
    out.array(call.len() - 2);
    for name in call.args_from(2) {
        match known(name) {
            Some(command) => write_info(command, out),
            None => out.null(),
        }
    }
    Ok(())
}

fn docs(_server: &mut Server, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    if call.len() == 2 {
        out.map(listed().count());
        listed().for_each(|command| write_docs(command, out));
        return Ok(());
    }
    let commands = call.args_from(2).filter_map(known);
    out.map(commands.clone().count());
    commands.for_each(|command| write_docs(command, out));
    Ok(())
}

/// `COMMAND GETKEYS command arg ..`, and the same with what is done with each key.
fn get_keys(_server: &mut Server, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    let count = call.len() - 2;
    let named = lookup(call.arg(2)).filter(|command| command.flags.contains(Flags::SERVER));
    let sub = named.and_then(|command| command.subcommand(call.request.get(3)?));
    let command = sub.or(named).ok_or(CommandError::GetKeys("ERR Invalid command specified"))?;
    if command.keys.first == 0 {
        return Err(CommandError::GetKeys("ERR The command has no key arguments"));
    }
    if !command.accepts(count) {
        return Err(CommandError::GetKeys("ERR Invalid number of arguments specified for command"));
    }
    let keys = command.keys.indices(count).map(|index| call.arg(index + 2));
    let with_flags = call.command.id == CommandId::CommandGetkeysandflags;
    let mark = out.begin_array();
    let mut found = 0;
    for key in keys {
        if with_flags {
            out.array(2);
        }
        out.bulk(key);
        if with_flags {
            out.set(command.keys.access.len());
            command.keys.access.iter().for_each(|word| out.simple(word));
        }
        found += 1;
    }
    out.end_array(mark, found);
    Ok(())
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
        Some(sub) => command.subcommand(sub),
        None => Some(command),
    }
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
    match command.subcommands.len() {
        0 => out.set(0),
        count => {
            out.array(count);
            command.subcommands.iter().for_each(|sub| write_info(sub, out));
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
    let has_subcommands = !command.subcommands.is_empty();
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
        out.map(command.subcommands.len());
        command.subcommands.iter().for_each(|sub| write_docs(sub, out));
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
fn list(_server: &mut Server, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
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
pub(super) fn help(_server: &mut Server, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    let container = lookup(call.arg(0)).expect("its subcommand was found");
    let lines = container.subcommands.iter().flat_map(|sub| {
        let syntax = sub.syntax().to_string();
        let own = syntax.strip_prefix(container.name).unwrap_or(&syntax).trim_start().to_owned();
        [own, format!("    {}", sub.summary)]
    });
    let title = format!("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container.name);
    let lines: Vec<String> = std::iter::once(title).chain(lines).collect();
    out.array(lines.len());
    lines.iter().for_each(|line| out.simple(line));
    Ok(())
}
