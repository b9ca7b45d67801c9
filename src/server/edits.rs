//! Parts of strings: APPEND, STRLEN, GETRANGE, SETRANGE.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::writes::check_key;
use crate::proto::command::CommandId;
use crate::proto::resp::{Writer, parse_integer};
use crate::record::Kind;
use crate::trie::{Bytes, Meta};

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Append, Handler::Reply(Server::append)),
    (CommandId::Strlen, Handler::Reply(Server::strlen)),
    (CommandId::Getrange, Handler::Reply(Server::getrange)),
    (CommandId::Substr, Handler::Reply(Server::getrange)),
    (CommandId::Setrange, Handler::Reply(Server::setrange)),
];

/// An argument that must be a whole number.
pub(super) fn integer(text: &[u8]) -> Result<i64, CommandError> {
    parse_integer(text).ok_or(CommandError::NotAnInteger)
}

impl Server {
    /// The plain string of this key.
    ///
    /// # Errors
    /// A document is no plain string.
    pub(super) fn text_of(&self, key: &[u8]) -> Result<Option<Bytes<'_>>, CommandError> {
        match self.live(key) {
            None => Ok(None),
            Some(record) if record.kind() == Kind::Text => Ok(Some(record.text())),
            Some(_) => Err(CommandError::WrongType),
        }
    }

    /// Changes the plain string of this key, an absent one being empty; its expiry stays. What `change` returns.
    ///
    /// # Errors
    /// Those of `change`; nothing is changed then.
    pub(super) fn edit_text<T>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut Vec<u8>) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        check_key(key)?;
        let mut bytes = std::mem::take(&mut self.scratch.bytes);
        bytes.clear();
        let meta: Result<Meta, CommandError> = match self.live(key) {
            None => Ok(Meta::default()),
            Some(record) if record.kind() == Kind::Text => {
                record.text().write_to(&mut bytes);
                Ok(Server::kept_meta(Some(record)))
            }
            Some(_) => Err(CommandError::WrongType),
        };
        let result = meta.and_then(|meta| {
            let value = change(&mut bytes)?;
            self.put_text(key, meta, &bytes)?;
            Ok(value)
        });
        self.scratch.bytes = bytes;
        self.scratch.give_back();
        result
    }

    fn append(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (more, most) = (call.arg(2), self.config.settings.limits.bulk_bytes);
        let len = self.edit_text(call.arg(1), |text| {
            check_size(text.len(), more.len(), most)?;
            text.extend_from_slice(more);
            Ok(text.len())
        })?;
        out.int(len as i64);
        Ok(())
    }

    fn strlen(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let len = self.text_of(call.arg(1))?.map(|text| text.len());
        self.stats.looked_up(len.is_some());
        out.int(len.unwrap_or(0) as i64);
        Ok(())
    }

    fn getrange(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (start, end) = (integer(call.arg(2))?, integer(call.arg(3))?);
        let text = self.text_of(call.arg(1))?;
        let found = text.is_some();
        let range = text.and_then(|text| inside(start, end, text.len()).map(|range| (text, range)));
        match range {
            None => out.bulk(b""),
            Some((text, (first, last))) => match text.as_slice() {
                Some(text) => out.bulk(&text[first..=last]),
                None => out.bulk_with(|out| write_part(text, first, last + 1, out)),
            },
        }
        self.stats.looked_up(found);
        Ok(())
    }

    fn setrange(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (key, part) = (call.arg(1), call.arg(3));
        let offset = usize::try_from(integer(call.arg(2))?).map_err(|_| CommandError::OffsetRange)?;
        if part.is_empty() {
            let len = self.text_of(key)?.map_or(0, |text| text.len());
            out.int(len as i64);
            return Ok(());
        }
        let most = self.config.settings.limits.bulk_bytes;
        let len = self.edit_text(key, |text| {
            check_size(offset, part.len(), most)?;
            let end = offset + part.len();
            if text.len() < end {
                text.resize(end, 0);
            }
            text[offset..end].copy_from_slice(part);
            Ok(text.len())
        })?;
        out.int(len as i64);
        Ok(())
    }
}

/// Whether `more` bytes behind `len` are still a string.
fn check_size(len: usize, more: usize, most: usize) -> Outcome {
    if len.saturating_add(more) > most { Err(CommandError::StringSize) } else { Ok(()) }
}

/// The first and last byte of `start..=end` in a text of `len` bytes, negative numbers counted from its end.
fn inside(start: i64, end: i64, len: usize) -> Option<(usize, usize)> {
    if start < 0 && end < 0 && start > end {
        return None;
    }
    let len = len as i64;
    let from_end = |index: i64| if index < 0 { (len.saturating_add(index)).max(0) } else { index };
    let (start, end) = (from_end(start), from_end(end).min(len - 1));
    (start <= end && len > 0).then_some((start as usize, end as usize))
}

/// Appends the bytes `start..end` of a text that lies in pieces.
fn write_part(text: Bytes<'_>, start: usize, end: usize, out: &mut Vec<u8>) {
    let mut at = 0;
    for chunk in text.chunks() {
        let (from, to) = (start.saturating_sub(at).min(chunk.len()), end.saturating_sub(at).min(chunk.len()));
        out.extend_from_slice(&chunk[from..to]);
        at += chunk.len();
        if at >= end {
            break;
        }
    }
}
