//! Strings that are numbers: INCR and its like.

use super::Server;
use super::decimal::Decimal;
use super::dispatch::{Call, Outcome};
use super::edits::integer;
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use crate::proto::command::CommandId;
use crate::proto::resp::{Writer, parse_integer};
use crate::record::Kind;

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Incr, Handler::Reply(Server::incr)),
    (CommandId::Decr, Handler::Reply(Server::incr)),
    (CommandId::Incrby, Handler::Reply(Server::incr)),
    (CommandId::Decrby, Handler::Reply(Server::incr)),
    (CommandId::Incrbyfloat, Handler::Reply(Server::incrbyfloat)),
];

/// A number's text is never longer.
const NUMBER_BYTES_MAX: usize = 512;

impl Server {
    fn incr(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let by = match call.command.id {
            CommandId::Incr => 1,
            CommandId::Decr => -1,
            CommandId::Incrby => integer(call.arg(2))?,
            _ => integer(call.arg(2))?.checked_neg().ok_or(CommandError::DecrementOverflow)?,
        };
        let key = call.arg(1);
        let record = self.live(key);
        let meta = Server::kept_meta(record);
        let value = match record {
            None => 0,
            Some(record) if record.kind() == Kind::Text => {
                let text = record.text();
                text.as_slice().and_then(parse_integer).ok_or(CommandError::NotAnInteger)?
            }
            Some(_) => return Err(CommandError::WrongType),
        };
        let sum = value.checked_add(by).ok_or(CommandError::Overflow)?;
        self.put_text(key, meta, itoa::Buffer::new().format(sum).as_bytes())?;
        out.int(sum);
        Ok(())
    }

    fn incrbyfloat(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let key = call.arg(1);
        let record = self.live(key);
        let meta = Server::kept_meta(record);
        let value = match record {
            None => Decimal::ZERO,
            Some(record) if record.kind() == Kind::Text => {
                let text = record.text();
                let text = text.as_slice().filter(|text| text.len() <= NUMBER_BYTES_MAX);
                text.and_then(Decimal::parse).ok_or(CommandError::NotAFloat)?
            }
            Some(_) => return Err(CommandError::WrongType),
        };
        let by = Decimal::parse(call.arg(2)).ok_or(CommandError::NotAFloat)?;
        let sum = value.add(by).ok_or(CommandError::NotFinite)?;
        let text = sum.to_string();
        self.put_text(key, meta, text.as_bytes())?;
        out.bulk(text);
        Ok(())
    }
}
