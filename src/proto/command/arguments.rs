//! What follows a command's name, and how it is shown.

use super::Command;
use std::fmt;

/// What an argument is; the names are those of COMMAND DOCS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArgumentKind {
    /// The name of a record.
    Key,
    /// Any text.
    String,
    /// A whole number.
    Integer,
    /// A number that may have a fraction.
    Double,
    /// A glob pattern.
    Pattern,
    /// Seconds or milliseconds since 1970.
    UnixTime,
    /// A fixed word and nothing else.
    PureToken,
    /// One of its items.
    OneOf,
    /// All of its items.
    Block,
}

impl ArgumentKind {
    /// As COMMAND DOCS says it.
    pub fn name(self) -> &'static str {
        match self {
            ArgumentKind::Key => "key",
            ArgumentKind::String => "string",
            ArgumentKind::Integer => "integer",
            ArgumentKind::Double => "double",
            ArgumentKind::Pattern => "pattern",
            ArgumentKind::UnixTime => "unix-time",
            ArgumentKind::PureToken => "pure-token",
            ArgumentKind::OneOf => "oneof",
            ArgumentKind::Block => "block",
        }
    }
}

/// One argument, or a group of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Argument {
    /// What it is called.
    pub name: &'static str,
    /// What it is.
    pub kind: ArgumentKind,
    /// The fixed word before it; of a [`ArgumentKind::PureToken`] the word itself.
    pub token: Option<&'static str>,
    /// May be left out.
    pub optional: bool,
    /// May stand there several times.
    pub multiple: bool,
    /// The parts of a group.
    pub items: &'static [Argument],
}

impl Argument {
    const fn new(name: &'static str, kind: ArgumentKind) -> Argument {
        Argument { name, kind, token: None, optional: false, multiple: false, items: &[] }
    }

    pub(super) const fn key(name: &'static str) -> Argument {
        Argument::new(name, ArgumentKind::Key)
    }

    pub(super) const fn string(name: &'static str) -> Argument {
        Argument::new(name, ArgumentKind::String)
    }

    pub(super) const fn integer(name: &'static str) -> Argument {
        Argument::new(name, ArgumentKind::Integer)
    }

    pub(super) const fn double(name: &'static str) -> Argument {
        Argument::new(name, ArgumentKind::Double)
    }

    pub(super) const fn pattern(name: &'static str) -> Argument {
        Argument::new(name, ArgumentKind::Pattern)
    }

    pub(super) const fn unix_time(name: &'static str) -> Argument {
        Argument::new(name, ArgumentKind::UnixTime)
    }

    pub(super) const fn word(name: &'static str, token: &'static str) -> Argument {
        Argument::new(name, ArgumentKind::PureToken).after(token)
    }

    pub(super) const fn one_of(name: &'static str, items: &'static [Argument]) -> Argument {
        Argument { items, ..Argument::new(name, ArgumentKind::OneOf) }
    }

    pub(super) const fn block(name: &'static str, items: &'static [Argument]) -> Argument {
        Argument { items, ..Argument::new(name, ArgumentKind::Block) }
    }

    pub(super) const fn after(self, token: &'static str) -> Argument {
        Argument { token: Some(token), ..self }
    }

    pub(super) const fn optional(self) -> Argument {
        Argument { optional: true, ..self }
    }

    pub(super) const fn multiple(self) -> Argument {
        Argument { multiple: true, ..self }
    }

    /// The argument once, without the brackets that say it may be left out. Groups nest two or three deep, by the
    /// table and not by anybody's input.
    fn write_once(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(token) = self.token {
            f.write_str(token)?;
            if self.kind == ArgumentKind::PureToken {
                return Ok(());
            }
            f.write_str(" ")?;
        }
        match self.kind {
            ArgumentKind::OneOf => write_items(f, self.items, " | "),
            ArgumentKind::Block => write_items(f, self.items, " "),
            _ => f.write_str(self.name),
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.optional {
            f.write_str("[")?;
        } else if self.kind == ArgumentKind::OneOf {
            f.write_str("<")?;
        }
        self.write_once(f)?;
        if self.multiple {
            f.write_str(" [")?;
            self.write_once(f)?;
            f.write_str(" ...]")?;
        }
        if self.optional {
            f.write_str("]")
        } else if self.kind == ArgumentKind::OneOf {
            f.write_str(">")
        } else {
            Ok(())
        }
    }
}

fn write_items(f: &mut fmt::Formatter<'_>, items: &[Argument], between: &str) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// A command's syntax, for people: `Display` writes `SET key value [NX | XX] ..`.
#[derive(Clone, Copy, Debug)]
pub struct Syntax<'c> {
    pub(super) command: &'c Command,
}

impl fmt::Display for Syntax<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.command.full_name.split_once('|') {
            Some((parent, _)) => write!(f, "{} {}", parent.to_ascii_uppercase(), self.command.name)?,
            None => f.write_str(self.command.name)?,
        }
        for argument in self.command.arguments {
            write!(f, " {argument}")?;
        }
        Ok(())
    }
}
