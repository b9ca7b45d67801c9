//! CLIENT and its subcommands.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::introspection::help;
use super::sessions::{Mode, Session, Warnings, is_name};
use super::times::all_commands;
use crate::conn::{ConnId, Net};
use crate::proto::command::{COMMANDS, Command, CommandId};
use crate::proto::resp::{Protocol, Writer, parse_integer};
use crate::time::{Span, Time};
use std::fmt::Write as _;

pub(super) const HANDLERS: Handlers = &[
    (CommandId::ClientId, Handler::Reply(Server::client_self)),
    (CommandId::ClientGetname, Handler::Reply(Server::client_self)),
    (CommandId::ClientSetname, Handler::Reply(Server::client_self)),
    (CommandId::ClientSetinfo, Handler::Reply(Server::client_self)),
    (CommandId::ClientWarnings, Handler::Reply(Server::client_self)),
    (CommandId::ClientReply, Handler::Reply(Server::client_mode)),
    (CommandId::ClientNoEvict, Handler::Reply(Server::client_mode)),
    (CommandId::ClientNoTouch, Handler::Reply(Server::client_mode)),
    (CommandId::ClientInfo, Handler::Net(Server::client_list)),
    (CommandId::ClientList, Handler::Net(Server::client_list)),
    (CommandId::ClientKill, Handler::Net(Server::client_kill)),
    (CommandId::ClientPause, Handler::Reply(Server::client_pause)),
    (CommandId::ClientUnpause, Handler::Net(Server::client_unpause)),
    (CommandId::ClientHelp, Handler::Reply(help)),
];

impl Server {
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
            _ => {
                session.warnings = match () {
                    () if call.is(2, "OFF") => Warnings::Off,
                    () if call.is(2, "ON") => Warnings::On,
                    () if call.is(2, "ERROR") => Warnings::Error,
                    () => return Err(CommandError::Syntax),
                };
                out.ok();
            }
        }
        Ok(())
    }

    /// `CLIENT REPLY ON|OFF|SKIP`, `CLIENT NO-EVICT ON|OFF`, `CLIENT NO-TOUCH ON|OFF`. No client is put out here to
    /// save memory, and no record remembers when it was touched: the two are taken and shown by CLIENT LIST.
    fn client_mode(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let mode = &mut self.sessions.get_mut(call.id).expect("a request has a session").mode;
        let (on, off) = (call.is(2, "ON"), call.is(2, "OFF"));
        match call.command.id {
            CommandId::ClientReply if on => mode.set(Mode::SILENT, false),
            CommandId::ClientReply if off => {
                mode.set(Mode::SILENT, true);
                return Ok(());
            }
            CommandId::ClientReply if call.is(2, "SKIP") => {
                // Where nothing is answered anyway, there is nothing to skip.
                let silent = mode.has(Mode::SILENT);
                mode.set(Mode::SKIP, !silent);
                return Ok(());
            }
            CommandId::ClientNoEvict if on || off => mode.set(Mode::NO_EVICT, on),
            CommandId::ClientNoTouch if on || off => mode.set(Mode::NO_TOUCH, on),
            _ => return Err(CommandError::Syntax),
        }
        out.ok();
        Ok(())
    }

    fn client_list(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        let text = self.client_lines(call, net)?;
        Writer::new(net.out(call.id), call.protocol).verbatim(text);
        Ok(())
    }

    /// `CLIENT PAUSE milliseconds [WRITE|ALL]`
    fn client_pause(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let writes_only = match call.len() {
            3 => false,
            4 if call.is(3, "ALL") => false,
            4 if call.is(3, "WRITE") => true,
            4 => return Err(CommandError::PauseMode),
            _ => return Err(CommandError::Syntax),
        };
        let millis = parse_integer(call.arg(2)).ok_or(CommandError::Timeout)?;
        let millis = u64::try_from(millis).map_err(|_| CommandError::TimeoutNegative)?;
        self.begin_pause(call.now.time + Span::from_millis(millis.min(PAUSE_MS_MAX)), writes_only);
        out.ok();
        Ok(())
    }

    fn client_unpause(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        self.end_pause(net);
        Writer::new(net.out(call.id), call.protocol).ok();
        Ok(())
    }

    /// `CLIENT KILL address`, or filters, all of which must hold. Whoever asks is spared by filters unless `SKIPME no`.
    fn client_kill(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        let by_address = call.len() == 3;
        let filter = if by_address { Filter::at(call.arg(2)) } else { Filter::parse(call)? };
        let ids: Vec<ConnId> = self
            .sessions
            .iter()
            .filter(|session| {
                filter.takes(session) && (by_address || !filter.spares || session.id() != call.id)
            })
            .map(|session| session.id())
            .collect();
        for &id in ids.iter().filter(|&&id| id != call.id) {
            self.forget(id);
            net.abort(id);
        }
        self.ended = ids.contains(&call.id);
        let out = &mut Writer::new(net.out(call.id), call.protocol);
        match (by_address, ids.len()) {
            (true, 0) => return Err(CommandError::NoSuchClient),
            (true, _) => out.ok(),
            (false, count) => out.int(count as i64),
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

/// A year: longer pauses are as long.
const PAUSE_MS_MAX: u64 = 365 * 86_400_000;

/// Whom CLIENT KILL means.
#[derive(Default)]
struct Filter<'b> {
    number: Option<i64>,
    peer: Option<&'b [u8]>,
    local: Option<&'b [u8]>,
    /// A type or user that nobody here has.
    nobody: bool,
    /// Not who asks.
    spares: bool,
}

impl<'b> Filter<'b> {
    fn at(peer: &'b [u8]) -> Filter<'b> {
        Filter { peer: Some(peer), ..Filter::default() }
    }

    fn parse(call: Call<'b>) -> Result<Filter<'b>, CommandError> {
        let mut filter = Filter { spares: true, ..Filter::default() };
        for index in (2..call.len()).step_by(2) {
            let value = call.request.get(index + 1).ok_or(CommandError::Syntax)?;
            let is = |word: &str| value.eq_ignore_ascii_case(word.as_bytes());
            match () {
                () if call.is(index, "ID") => {
                    let number = parse_integer(value).ok_or(CommandError::ClientIdNumber)?;
                    filter.number = Some(number).filter(|&number| number > 0);
                    filter.number.ok_or(CommandError::ClientIdNumber)?;
                }
                () if call.is(index, "ADDR") => filter.peer = Some(value),
                () if call.is(index, "LADDR") => filter.local = Some(value),
                () if call.is(index, "USER") => {
                    if value != b"default" {
                        return Err(CommandError::NoSuchUser(value.into()));
                    }
                }
                () if call.is(index, "TYPE") => match () {
                    () if is("normal") => {}
                    () if ["master", "replica", "slave", "pubsub"].into_iter().any(is) => {
                        filter.nobody = true
                    }
                    () => return Err(CommandError::ClientType(value.into())),
                },
                () if call.is(index, "SKIPME") => match () {
                    () if is("yes") => filter.spares = true,
                    () if is("no") => filter.spares = false,
                    () => return Err(CommandError::Syntax),
                },
                () => return Err(CommandError::Syntax),
            }
        }
        Ok(filter)
    }

    fn takes(&self, session: &Session) -> bool {
        let same = |wanted: Option<&[u8]>, shown: &dyn std::fmt::Display| {
            wanted.is_none_or(|wanted| shown.to_string().as_bytes() == wanted)
        };
        !self.nobody
            && self.number.is_none_or(|number| number as u64 == session.number)
            && same(self.peer, &session.peer())
            && same(self.local, &session.local())
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
                () => Err(CommandError::ClientType(call.arg(3).into())),
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
    let transaction = extra.and_then(|extra| extra.transaction.as_deref());
    let transaction = transaction.filter(|_| session.mode.has(Mode::MULTI));
    let (unread, queued) = (net.unread(session.id()), net.queued(session.id()));
    let resp = if session.protocol == Protocol::Resp3 { 3 } else { 2 };
    writeln!(
        text,
        "id={} addr={} laddr={} fd={} name={} age={age} idle={idle} flags={} db=0 sub=0 psub=0 ssub=0 multi={} \
         qbuf={unread} qbuf-free=0 argv-mem=0 multi-mem={} rbs=0 rbp=0 obl={queued} oll=0 omem={queued} tot-mem={} \
         events=r cmd={} user=default redir=-1 resp={resp} lib-name={} lib-ver={}",
        session.number,
        session.peer(),
        session.local(),
        session.id().index(),
        shown(extra.map(|extra| &extra.name[..])),
        flags(session.mode),
        transaction.map_or(-1, |transaction| transaction.count as i64),
        transaction.map_or(0, |transaction| transaction.held_bytes()),
        size_of::<Session>() + session.parser.held_bytes() + unread + queued,
        session.last.and_then(command).map_or("NULL", |command| command.full_name),
        shown(extra.map(|extra| &extra.library_name[..])),
        shown(extra.map(|extra| &extra.library_version[..])),
    )
    .expect("a String takes everything");
}

/// Commands stand in the order of their numbers, subcommands behind them all.
fn command(id: CommandId) -> Option<&'static Command> {
    COMMANDS.get(id.index()).or_else(|| all_commands().find(|command| command.id == id))
}

/// Redis' letters; `N` if there is none.
fn flags(mode: Mode) -> String {
    let letters: String =
        [(Mode::MONITOR, 'O'), (Mode::MULTI, 'x'), (Mode::NO_EVICT, 'e'), (Mode::NO_TOUCH, 'T')]
            .into_iter()
            .filter(|&(flag, _)| mode.has(flag))
            .map(|(_, letter)| letter)
            .collect();
    if letters.is_empty() { "N".to_owned() } else { letters }
}
