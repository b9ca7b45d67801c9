//! GET, SET and their like. A document answers as its JSON text wherever a string would.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use crate::limits::KEY_BYTES_MAX;
use crate::proto::resp::{Writer, parse_integer};
use crate::proto::text::{Printer, Style};
use crate::record::Kind;
use crate::trie::{Meta, Record, TrieError};

impl Server {
    /// The record of this key, unless it was deleted.
    #[inline]
    pub(super) fn live(&self, key: &[u8]) -> Option<Record<'_>> {
        self.trie.get(key).filter(|record| record.kind() != Kind::Tombstone)
    }

    #[inline]
    pub(super) fn get(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let record = self.live(call.arg(1));
        let found = record.is_some();
        write_record(record, out);
        self.stats.looked_up(found);
        Ok(())
    }

    pub(super) fn mget(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        out.array(call.len() - 1);
        for key in call.args_from(1) {
            let record = self.live(key);
            let found = record.is_some();
            write_record(record, out);
            self.stats.looked_up(found);
        }
        Ok(())
    }

    #[inline]
    pub(super) fn set(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if call.len() == 3 {
            self.trie.put_text(call.arg(1), Meta::default(), call.arg(2))?;
            out.ok();
            return Ok(());
        }
        self.set_with_options(call, out)
    }

    fn set_with_options(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let options = SetOptions::parse(call)?;
        let key = call.arg(1);
        check_key(key)?;
        let record = self.live(key);
        let stands = record.is_some();
        let reply_start = out.out.len();
        if options.get {
            write_record(record, out);
        }
        if (options.only_new && stands) || (options.only_old && !stands) {
            if !options.get {
                out.null();
            }
            return Ok(());
        }
        if let Err(error) = self.trie.put_text(key, Meta::default(), call.arg(2)) {
            // The old value is no answer to a SET that failed.
            out.out.truncate(reply_start);
            return Err(error.into());
        }
        if !options.get {
            out.ok();
        }
        Ok(())
    }

    pub(super) fn mset(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if call.len().is_multiple_of(2) {
            return Err(call.arity_error());
        }
        // All or nothing: what can be wrong is looked at before the first write.
        for index in (1..call.len()).step_by(2) {
            check_key(call.arg(index))?;
        }
        for index in (1..call.len()).step_by(2) {
            self.trie.put_text(call.arg(index), Meta::default(), call.arg(index + 1))?;
        }
        out.ok();
        Ok(())
    }
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

fn check_key(key: &[u8]) -> Result<(), TrieError> {
    match key.len() {
        0 => Err(TrieError::KeyEmpty),
        1..=KEY_BYTES_MAX => Ok(()),
        _ => Err(TrieError::KeyTooLong),
    }
}

/// What follows SET's value.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct SetOptions {
    only_new: bool,
    only_old: bool,
    get: bool,
    keep_ttl: bool,
}

impl SetOptions {
    /// Redis' `parseExtendedStringArgumentsOrReply`: an expiry is checked as there, and then refused.
    fn parse(call: Call<'_>) -> Result<SetOptions, CommandError> {
        let mut options = SetOptions::default();
        let mut expiry: Option<(&[u8], bool)> = None;
        let mut index = 3;
        while index < call.len() {
            let word = call.arg(index);
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let has_value = index + 1 < call.len();
            match () {
                () if is("NX") && !options.only_old => options.only_new = true,
                () if is("XX") && !options.only_new => options.only_old = true,
                () if is("GET") => options.get = true,
                () if is("KEEPTTL") && expiry.is_none() => options.keep_ttl = true,
                () if ["EX", "PX", "EXAT", "PXAT"].into_iter().any(is)
                    && has_value
                    && expiry.is_none()
                    && !options.keep_ttl =>
                {
                    index += 1;
                    expiry = Some((call.arg(index), is("EX") || is("EXAT")));
                }
                () => return Err(CommandError::Syntax),
            }
            index += 1;
        }
        match expiry {
            None => Ok(options),
            Some((value, secs)) => Err(expiry_error(value, secs)),
        }
    }
}

/// What an expiry is answered: Redis' error if it is none, else that there are none here.
fn expiry_error(value: &[u8], secs: bool) -> CommandError {
    match parse_integer(value) {
        None => CommandError::NotAnInteger,
        Some(value) if value <= 0 || (secs && value > i64::MAX / 1_000) => CommandError::InvalidExpire("set"),
        Some(_) => CommandError::NoExpiry,
    }
}
