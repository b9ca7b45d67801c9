//! The page of the documentation that lists all commands, from the table.

use super::{Command, Group, listed};
use std::fmt::Write as _;

const HEAD: &str = "\
# Commands

What a server answers, in the words of its own `COMMAND DOCS`; `tests/commands_page.rs` keeps this page and the table
alike. [differences.md](differences.md) says where an answer is not Redis'. The console of a broker has those that its
`HELP` lists.
";

/// The page as Markdown.
pub fn page() -> String {
    let mut text = HEAD.to_owned();
    for group in Group::ALL {
        let commands = listed().filter(|command| command.group == group);
        write!(text, "\n## {}\n\n", title(group)).expect("a String takes everything");
        commands.for_each(|command| write_command(&mut text, command));
    }
    text
}

fn title(group: Group) -> &'static str {
    match group {
        Group::String => "Strings",
        Group::Bitmap => "Bits of strings",
        Group::Json => "Documents",
        Group::Generic => "Keys",
        Group::Ordered => "What the order of keys allows",
        Group::Transactions => "Transactions",
        Group::Connection => "The connection",
        Group::Server => "The server",
        Group::Scripting => "Functions, of which there are none",
        Group::Cluster => "Redis' own cluster, in which no server is",
    }
}

fn write_command(text: &mut String, command: &Command) {
    const WHY: &str = "a String takes everything";
    if command.subcommands.is_empty() {
        writeln!(text, "* `{}`: {}", command.syntax(), sentence(command.summary)).expect(WHY);
    } else {
        writeln!(text, "* `{}`: {}", command.name, sentence(command.summary)).expect(WHY);
    }
    for sub in command.subcommands {
        writeln!(text, "  * `{}`: {}", sub.syntax(), sentence(sub.summary)).expect(WHY);
    }
    for example in command.examples {
        writeln!(text, "  * for example `{example}`").expect(WHY);
    }
}

fn sentence(summary: &str) -> &str {
    summary.trim_end_matches('.')
}
