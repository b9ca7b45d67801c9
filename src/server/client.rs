//! CLIENT and its subcommands.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::introspection::write_help;
use super::sessions::{Session, Warnings, is_name};
use crate::conn::Net;
use crate::proto::command::CommandId;
use crate::proto::resp::{Protocol, Writer, parse_integer};
use crate::time::Time;
use std::fmt::Write as _;

impl Server {
    pub(super) fn client(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        let Some(call) = self.subcommand(call, &mut Writer::new(net.out(call.id), call.protocol)) else {
            return Ok(());
        };
        match call.command.id {
            CommandId::ClientInfo | CommandId::ClientList => {
                let text = self.client_lines(call, net)?;
                Writer::new(net.out(call.id), call.protocol).verbatim(text);
                Ok(())
            }
            _ => self.client_self(call, &mut Writer::new(net.out(call.id), call.protocol)),
        }
    }

    /// What concerns the asking connection alone.
    fn client_self(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let session = self.sessions.get_mut(call.id).expect("a request has a session");
        match call.command.id {
            CommandId::ClientId => out.int(session.number as i64),
            CommandId::ClientGetname => match session.extra().map(|extra| &extra.name) {
                Some(name) if !name.is_empty() => out.bulk(name),
                _ => out.null(),
            },
            CommandId::ClientSetname => {
                let name = call.arg(2);
                if !is_name(name) {
                    return Err(CommandError::ClientName);
                }
                session.extra_mut().name = name.into();
                out.ok();
            }
            CommandId::ClientSetinfo => {
                set_info(session, call)?;
                out.ok();
            }
            CommandId::ClientWarnings => {
                let is = |word: &str| call.arg(2).eq_ignore_ascii_case(word.as_bytes());
                session.warnings = match () {
                    () if is("OFF") => Warnings::Off,
                    () if is("ON") => Warnings::On,
                    () if is("ERROR") => Warnings::Error,
                    () => return Err(CommandError::Syntax),
                };
                out.ok();
            }
            CommandId::ClientHelp => write_help("CLIENT", out),
            other => unreachable!("{other:?} is no subcommand of CLIENT"),
        }
        Ok(())
    }

    fn client_lines(&self, call: Call<'_>, net: &Net) -> Result<String, CommandError> {
        let mut text = String::new();
        let now = call.now.time;
        if call.command.id == CommandId::ClientInfo {
            let session = self.sessions.get(call.id).expect("a request has a session");
            write_line(&mut text, session, now, net);
            return Ok(text);
        }
        let wanted = Wanted::parse(call)?;
        for session in self.sessions.iter().filter(|session| wanted.contains(session.number)) {
            write_line(&mut text, session, now, net);
        }
        Ok(text)
    }
}

fn set_info(session: &mut Session, call: Call<'_>) -> Outcome {
    let (attribute, value) = (call.arg(2), call.arg(3));
    let is_library = attribute.eq_ignore_ascii_case(b"LIB-NAME");
    if !is_library && !attribute.eq_ignore_ascii_case(b"LIB-VER") {
        return Err(CommandError::InfoAttribute(attribute.into()));
    }
    if !is_name(value) {
        return Err(CommandError::InfoValue(if is_library { "lib-name" } else { "lib-ver" }));
    }
    let extra = session.extra_mut();
    *(if is_library { &mut extra.library_name } else { &mut extra.library_version }) = value.into();
    Ok(())
}

/// Whom CLIENT LIST shows.
enum Wanted {
    All,
    Nobody,
    Numbers(Vec<u64>),
}

impl Wanted {
    /// `[TYPE normal|master|replica|pubsub] [ID number ..]`
    fn parse(call: Call<'_>) -> Result<Wanted, CommandError> {
        let Some(option) = call.request.get(2) else { return Ok(Wanted::All) };
        if option.eq_ignore_ascii_case(b"TYPE") && call.len() == 4 {
            let is = |word: &str| call.arg(3).eq_ignore_ascii_case(word.as_bytes());
            return match () {
                () if is("normal") => Ok(Wanted::All),
                () if ["master", "replica", "slave", "pubsub"].into_iter().any(is) => Ok(Wanted::Nobody),
                () => Err(CommandError::Syntax),
            };
        }
        if !option.eq_ignore_ascii_case(b"ID") || call.len() == 3 {
            return Err(CommandError::Syntax);
        }
        let number = |text| parse_integer(text).and_then(|number| u64::try_from(number).ok());
        let numbers: Option<Vec<u64>> = call.args_from(3).map(number).collect();
        numbers.map(Wanted::Numbers).ok_or(CommandError::ClientId)
    }

    fn contains(&self, number: u64) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Nobody => false,
            Wanted::Numbers(numbers) => numbers.contains(&number),
        }
    }
}

/// One connection in the words of Redis 7.2. What has no meaning here is 0.
fn write_line(text: &mut String, session: &Session, now: Time, net: &Net) {
    let (age, idle) = session.age_and_idle(now);
    let shown = |text: Option<&[u8]>| text.map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    let extra = session.extra();
    let (unread, queued) = (net.unread(session.id()), net.queued(session.id()));
    let resp = if session.protocol == Protocol::Resp3 { 3 } else { 2 };
    writeln!(
        text,
        "id={} addr={} laddr={} fd={} name={} age={age} idle={idle} flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 \
         qbuf={unread} qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl={queued} oll=0 omem={queued} tot-mem={} \
         events=r cmd={} user=default redir=-1 resp={resp} lib-name={} lib-ver={}",
        session.number,
        session.peer(),
        session.local(),
        session.id().index(),
        shown(extra.map(|extra| &extra.name[..])),
        size_of::<Session>() + session.parser.held_bytes() + unread + queued,
        session.last.map_or("NULL", |command| command.full_name),
        shown(extra.map(|extra| &extra.library_name[..])),
        shown(extra.map(|extra| &extra.library_version[..])),
    )
    .expect("a String takes everything");
}
