//! PING, ECHO, HELLO, AUTH, SELECT, QUIT, RESET.

use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::sessions::{Mode, is_name};
use super::{REDIS_VERSION, Server};
use crate::conn::Net;
use crate::proto::command::CommandId;
use crate::proto::resp::{Protocol, Writer, parse_integer};

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Ping, Handler::Reply(Server::ping)),
    (CommandId::Echo, Handler::Reply(Server::echo)),
    (CommandId::Hello, Handler::Reply(Server::hello)),
    (CommandId::Auth, Handler::Reply(Server::auth)),
    (CommandId::Select, Handler::Reply(Server::select)),
    (CommandId::Quit, Handler::Net(Server::quit)),
    (CommandId::Reset, Handler::Reply(Server::reset)),
];

impl Server {
    fn ping(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        match call.len() {
            1 => out.simple("PONG"),
            2 => out.bulk(call.arg(1)),
            _ => return Err(call.arity_error()),
        }
        Ok(())
    }

    fn echo(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        out.bulk(call.arg(1));
        Ok(())
    }

    /// `HELLO [2|3 [AUTH user password] [SETNAME name]]`.
    fn hello(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let mut protocol = call.protocol;
        if let Some(version) = call.request.get(1) {
            protocol = match parse_integer(version).ok_or(CommandError::ProtocolNumber)? {
                2 => Protocol::Resp2,
                3 => Protocol::Resp3,
                _ => return Err(CommandError::Protocol),
            };
        }
        let (mut name, mut user) = (None, None);
        let mut index = 2;
        while index < call.len() {
            let option = call.arg(index);
            if option.eq_ignore_ascii_case(b"AUTH") && index + 2 < call.len() {
                user = Some((call.arg(index + 1), call.arg(index + 2)));
                index += 3;
            } else if option.eq_ignore_ascii_case(b"SETNAME") && index + 1 < call.len() {
                name = Some(call.arg(index + 1));
                index += 2;
            } else {
                return Err(CommandError::HelloOption(option.into()));
            }
        }
        if name.is_some_and(|name| !is_name(name)) {
            return Err(CommandError::ClientName);
        }
        match user {
            Some((user, password)) => self.authenticate(call.id, user, password)?,
            None if self.mode(call.id).has(Mode::LOCKED) => return Err(CommandError::NoAuthHello),
            None => {}
        }
        let session = self.sessions.get_mut(call.id).expect("a request has a session");
        session.protocol = protocol;
        if let Some(name) = name {
            session.extra_mut().name = name.into();
        }
        let number = session.number;
        out.protocol = protocol;
        write_greeting(number, out);
        Ok(())
    }

    fn quit(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        Writer::new(net.out(call.id), call.protocol).ok();
        self.ended = true;
        Ok(())
    }

    fn select(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        match parse_integer(call.arg(1)).ok_or(CommandError::NotAnInteger)? {
            0 => out.ok(),
            _ => return Err(CommandError::DbIndex),
        }
        Ok(())
    }

    fn reset(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        self.end_transaction(call.id);
        self.monitors.retain(|&monitor| monitor != call.id);
        self.reset_session(call.id, call.now.time);
        out.protocol = Protocol::Resp2;
        out.simple("RESET");
        Ok(())
    }
}

/// What clients branch on: `server` says whose replies these are, `modules` that documents answer to JSON commands.
fn write_greeting(number: u64, out: &mut Writer<'_>) {
    out.map(7);
    out.bulk("server");
    out.bulk("redis");
    out.bulk("version");
    out.bulk(REDIS_VERSION);
    out.bulk("proto");
    out.int(if out.protocol == Protocol::Resp3 { 3 } else { 2 });
    out.bulk("id");
    out.int(number as i64);
    out.bulk("mode");
    out.bulk("standalone");
    out.bulk("role");
    out.bulk("master");
    out.bulk("modules");
    write_modules(out);
}

/// That documents answer to JSON commands, as clients ask for it: HELLO, MODULE LIST.
pub(super) fn write_modules(out: &mut Writer<'_>) {
    out.array(1);
    out.map(4);
    out.bulk("name");
    out.bulk("ReJSON");
    out.bulk("ver");
    out.int(20_800);
    out.bulk("path");
    out.bulk("");
    out.bulk("args");
    out.array(0);
}
