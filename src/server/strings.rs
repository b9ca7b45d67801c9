//! GET, SET and their like. A document answers as its JSON text wherever a string would.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::expiry::Expire;
use super::handlers::{Handler, Handlers};
use super::writes::check_key;
use crate::proto::command::CommandId;
use crate::proto::resp::Writer;
use crate::proto::text::{Printer, Style};
use crate::record::Kind;
use crate::trie::{Meta, Record};

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Get, Handler::Reply(Server::get)),
    (CommandId::Mget, Handler::Reply(Server::mget)),
    (CommandId::Set, Handler::Reply(Server::set)),
    (CommandId::Mset, Handler::Reply(Server::mset)),
    (CommandId::Msetnx, Handler::Reply(Server::msetnx)),
    (CommandId::Setnx, Handler::Reply(Server::setnx)),
    (CommandId::Setex, Handler::Reply(Server::setex)),
    (CommandId::Psetex, Handler::Reply(Server::setex)),
    (CommandId::Getset, Handler::Reply(Server::getset)),
    (CommandId::Getdel, Handler::Reply(Server::getdel)),
    (CommandId::Getex, Handler::Reply(Server::getex)),
    (CommandId::Delifeq, Handler::Reply(Server::delifeq)),
];

/// Reading, and replacing whole strings.
impl Server {
    #[inline]
    pub(super) fn get(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        self.write_live(call.arg(1), out);
        Ok(())
    }

    /// The value as GET answers it; whether there is one.
    #[inline]
    fn write_live(&mut self, key: &[u8], out: &mut Writer<'_>) -> bool {
        let record = self.live(key);
        let found = record.is_some();
        write_record(record, out);
        self.stats.looked_up(found);
        found
    }

    fn mget(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        out.array(call.len() - 1);
        let (mut hits, mut misses) = (0, 0);
        self.trie.get_many(call.args_from(1), |record| {
            let record = record.filter(|record| self.is_live(record));
            if record.is_some() {
                hits += 1
            } else {
                misses += 1
            }
            write_record(record, out);
        });
        self.stats.hits += hits;
        self.stats.misses += misses;
        Ok(())
    }

    #[inline]
    pub(super) fn set(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if call.len() == 3 {
            self.put_text(call.arg(1), Meta::default(), call.arg(2))?;
            out.ok();
            return Ok(());
        }
        self.set_with_options(call, out)
    }

    fn set_with_options(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let options = SetOptions::parse(call)?;
        let key = call.arg(1);
        let expires_at_ms = match options.expire {
            Some(expire) => Some(expire.at_ms(call.command.full_name, call.now.unix_ms)?),
            None => None,
        };
        check_key(key)?;
        let record = self.live(key);
        let mut meta = if options.keep_ttl { Server::kept_meta(record) } else { Meta::default() };
        meta.expires_at_ms = expires_at_ms.or(meta.expires_at_ms);
        let wanted = match options.condition {
            Condition::Always => true,
            Condition::New => record.is_none(),
            Condition::Old => record.is_some(),
            Condition::Equal(expected) => is_text(record, expected)?,
        };
        let reply_start = out.out.len();
        if options.get {
            write_record(record, out);
        }
        if !wanted {
            if !options.get {
                out.null();
            }
            return Ok(());
        }
        if let Err(error) = self.put_text(key, meta, call.arg(2)) {
            // The old value is no answer to a SET that failed.
            out.out.truncate(reply_start);
            return Err(error.into());
        }
        if !options.get {
            out.ok();
        }
        Ok(())
    }

    fn mset(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        check_pairs(&call)?;
        self.set_pairs(call)?;
        out.ok();
        Ok(())
    }

    fn msetnx(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        check_pairs(&call)?;
        let stands = (1..call.len()).step_by(2).any(|index| self.live(call.arg(index)).is_some());
        if !stands {
            self.set_pairs(call)?;
        }
        out.int((!stands).into());
        Ok(())
    }

    fn set_pairs(&mut self, call: Call<'_>) -> Outcome {
        for index in (1..call.len()).step_by(2) {
            self.put_text(call.arg(index), Meta::default(), call.arg(index + 1))?;
        }
        Ok(())
    }

    fn setnx(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let stands = self.live(call.arg(1)).is_some();
        if !stands {
            self.put_text(call.arg(1), Meta::default(), call.arg(2))?;
        }
        out.int((!stands).into());
        Ok(())
    }

    /// SETEX and PSETEX: key, time, value.
    fn setex(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let seconds = call.command.id == CommandId::Setex;
        let expire = Expire { value: call.arg(2), seconds, absolute: false };
        let at_ms = expire.at_ms(call.command.full_name, call.now.unix_ms)?;
        let meta = Meta { expires_at_ms: Some(at_ms), ..Meta::default() };
        self.put_text(call.arg(1), meta, call.arg(3))?;
        out.ok();
        Ok(())
    }

    fn getset(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        check_key(call.arg(1))?;
        let start = out.out.len();
        self.write_live(call.arg(1), out);
        if let Err(error) = self.put_text(call.arg(1), Meta::default(), call.arg(2)) {
            out.out.truncate(start);
            return Err(error.into());
        }
        Ok(())
    }

    fn getdel(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if self.write_live(call.arg(1), out) {
            self.delete_record(call.arg(1));
        }
        Ok(())
    }

    fn getex(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let persist = call.len() == 3 && call.is(2, "PERSIST");
        let expire = match call.len() {
            2 => None,
            3 if persist => None,
            4 => Some(Expire::named(call.arg(2), call.arg(3)).ok_or(CommandError::Syntax)?),
            _ => return Err(CommandError::Syntax),
        };
        let key = call.arg(1);
        if self.live(key).is_none() {
            self.stats.looked_up(false);
            out.null();
            return Ok(());
        }
        let at_ms = match expire {
            Some(expire) => Some(expire.at_ms(call.command.full_name, call.now.unix_ms)?),
            None => None,
        };
        self.write_live(key, out);
        match at_ms {
            Some(at_ms) if at_ms <= call.now.unix_ms => drop(self.delete_record(key)),
            Some(_) => self.set_expiry(key, at_ms)?,
            None if persist => self.set_expiry(key, None)?,
            None => {}
        }
        Ok(())
    }

    fn delifeq(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let equal = is_text(self.live(call.arg(1)), call.arg(2))?;
        out.int((equal && self.delete_record(call.arg(1))).into());
        Ok(())
    }
}

/// Whether the record is the plain string `expected`.
fn is_text(record: Option<Record<'_>>, expected: &[u8]) -> Result<bool, CommandError> {
    match record {
        None => Ok(false),
        Some(record) if record.kind() == Kind::Text => Ok(record.text() == *expected),
        Some(_) => Err(CommandError::WrongType),
    }
}

/// MSET is done whole or not at all: what can be wrong is looked at before the first write.
fn check_pairs(call: &Call<'_>) -> Outcome {
    if call.len().is_multiple_of(2) {
        return Err(call.arity_error());
    }
    (1..call.len()).step_by(2).try_for_each(|index| check_key(call.arg(index)))
}

/// A text as it is, a document as JSON, nothing as null.
#[inline]
pub(super) fn write_record(record: Option<Record<'_>>, out: &mut Writer<'_>) {
    let Some(record) = record else { return out.null() };
    if record.kind() == Kind::Text {
        let text = record.text();
        match text.as_slice() {
            Some(text) => out.bulk(text),
            None => out.bulk_with(|out| text.write_to(out)),
        }
        return;
    }
    out.bulk_with(|out| write_json(record, out));
}

/// Appends a document's JSON.
pub(super) fn write_json(record: Record<'_>, out: &mut Vec<u8>) {
    record.document().emit(&mut Printer::new(out, Style::Json)).expect("a printer takes everything");
}

/// When SET sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Condition<'b> {
    Always,
    New,
    Old,
    Equal(&'b [u8]),
}

/// What follows SET's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct SetOptions<'b> {
    condition: Condition<'b>,
    get: bool,
    keep_ttl: bool,
    expire: Option<Expire<'b>>,
}

impl<'b> SetOptions<'b> {
    /// Redis' `parseExtendedStringArgumentsOrReply`, and IFEQ.
    fn parse(call: Call<'b>) -> Result<SetOptions<'b>, CommandError> {
        let mut options =
            SetOptions { condition: Condition::Always, get: false, keep_ttl: false, expire: None };
        let mut index = 3;
        while index < call.len() {
            let free =
                |condition| matches!(options.condition, Condition::Always) || options.condition == condition;
            let value = call.request.get(index + 1);
            let untimed = options.expire.is_none() && !options.keep_ttl;
            match value {
                _ if call.is(index, "NX") && free(Condition::New) => options.condition = Condition::New,
                _ if call.is(index, "XX") && free(Condition::Old) => options.condition = Condition::Old,
                _ if call.is(index, "GET") => options.get = true,
                _ if call.is(index, "KEEPTTL") && options.expire.is_none() => options.keep_ttl = true,
                Some(value) if call.is(index, "IFEQ") && options.condition == Condition::Always => {
                    options.condition = Condition::Equal(value);
                    index += 1;
                }
                Some(value) if untimed => {
                    options.expire = Some(Expire::named(call.arg(index), value).ok_or(CommandError::Syntax)?);
                    index += 1;
                }
                _ => return Err(CommandError::Syntax),
            }
            index += 1;
        }
        Ok(options)
    }
}
