//! Keys, whatever they hold: EXISTS, TYPE, DEL, RENAME, COPY, RANDOMKEY, DBSIZE, FLUSHALL.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::edits::integer;
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::strings::write_json;
use super::writes::check_key;
use crate::proto::command::CommandId;
use crate::proto::resp::{Form, Writer};
use crate::proto::text::read_document;
use crate::record::Kind;
use std::ops::Bound;

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Exists, Handler::Reply(Server::exists)),
    (CommandId::Touch, Handler::Reply(Server::exists)),
    (CommandId::Type, Handler::Reply(Server::type_of)),
    (CommandId::Del, Handler::Reply(Server::delete)),
    (CommandId::Unlink, Handler::Reply(Server::delete)),
    (CommandId::Delete, Handler::Reply(Server::delete)),
    (CommandId::Rename, Handler::Reply(Server::rename)),
    (CommandId::Renamenx, Handler::Reply(Server::rename)),
    (CommandId::Copy, Handler::Reply(Server::copy)),
    (CommandId::Randomkey, Handler::Reply(Server::randomkey)),
    (CommandId::Dbsize, Handler::Reply(Server::dbsize)),
    (CommandId::Flushall, Handler::Reply(Server::flush)),
    (CommandId::Flushdb, Handler::Reply(Server::flush)),
];

/// As RedisJSON calls a document, so that its clients know it.
pub(super) const DOCUMENT_TYPE: &str = "ReJSON-RL";

/// A live record's type in Redis' words.
pub(super) fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Document => DOCUMENT_TYPE,
        Kind::Tombstone => "none",
    }
}

impl Server {
    fn exists(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let mut count = 0;
        for key in call.args_from(1) {
            let found = self.live(key).is_some();
            self.stats.looked_up(found);
            count += i64::from(found);
        }
        out.int(count);
        Ok(())
    }

    fn type_of(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let kind = self.live(call.arg(1)).map_or(Kind::Tombstone, |record| record.kind());
        self.stats.looked_up(kind != Kind::Tombstone);
        out.simple(type_name(kind));
        Ok(())
    }

    fn delete(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if call.request.form() == Form::Verb {
            return self.delete_line(call, out);
        }
        let count = call.args_from(1).filter(|key| self.delete_record(key)).count();
        out.int(count as i64);
        Ok(())
    }

    /// RENAME and RENAMENX. The record takes its expiry with it.
    fn rename(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (from, to) = (call.arg(1), call.arg(2));
        let only_new = call.command.id == CommandId::Renamenx;
        if self.live(from).is_none() {
            return Err(CommandError::NoSuchKey);
        }
        let stays = from == to || (only_new && self.live(to).is_some());
        if !stays {
            self.copy_record(from, to)?;
            self.delete_record(from);
        }
        if only_new {
            out.int((!stays).into())
        } else {
            out.ok()
        }
        Ok(())
    }

    /// `COPY source destination [DB 0] [REPLACE]`
    fn copy(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (mut replace, mut index) = (false, 3);
        while index < call.len() {
            if call.is(index, "REPLACE") {
                replace = true;
            } else if call.is(index, "DB") && index + 1 < call.len() {
                index += 1;
                if integer(call.arg(index))? != 0 {
                    return Err(CommandError::DbIndex);
                }
            } else {
                return Err(CommandError::Syntax);
            }
            index += 1;
        }
        let (from, to) = (call.arg(1), call.arg(2));
        if from == to {
            return Err(CommandError::SameObject);
        }
        let done = self.live(from).is_some() && (replace || self.live(to).is_none());
        if done {
            self.copy_record(from, to)?;
        }
        out.int(done.into());
        Ok(())
    }

    /// Writes what stands at `from`, which is there, to `to` too.
    fn copy_record(&mut self, from: &[u8], to: &[u8]) -> Outcome {
        check_key(to)?;
        let record = self.live(from).expect("the caller has seen it");
        let (kind, meta) = (record.kind(), Server::kept_meta(Some(record)));
        let mut body = Vec::new();
        if kind == Kind::Text {
            record.text().write_to(&mut body);
            self.put_text(to, meta, &body)?;
        } else {
            write_json(record, &mut body);
            self.put_document(to, meta, |sink| read_document(&body, sink))?;
        }
        Ok(())
    }

    /// A key at random: at every byte one of the values between the least and the greatest that occur, and the next
    /// that does. Each key may be drawn; they are not equally likely.
    fn randomkey(&mut self, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        const TRIES: usize = 100;
        let mut key = Vec::new();
        for _ in 0..TRIES {
            if !self.draw_key(&mut key) {
                break;
            }
            if self.live(&key).is_some() {
                out.bulk(&key);
                return Ok(());
            }
        }
        // Expired records in the way: the first that is alive.
        let mut walk = self.trie.cursor(Bound::Unbounded);
        while let Some((key, record)) = walk.next(&self.trie) {
            if self.is_live(&record) {
                out.bulk(key);
                return Ok(());
            }
        }
        out.null();
        Ok(())
    }

    /// Draws the key of any record, expired ones included; false if there is none.
    pub(super) fn draw_key(&mut self, key: &mut Vec<u8>) -> bool {
        let (mut low, mut high) = (Vec::new(), Vec::new());
        if self.trie.first(&mut low).is_none() || self.trie.last(&mut high).is_none() {
            return false;
        }
        // All keys from `low` to `high` are candidates; they share the bytes before `at`.
        loop {
            let at = low.iter().zip(&high).take_while(|(low, high)| low == high).count();
            let Some(&last) = high.get(at) else { break };
            // A key that ends here is drawn rather than one of those below it in one of four cases.
            if low.len() == at && self.rng.below(4) == 0 {
                break;
            }
            let first = low.get(at).copied().unwrap_or(0);
            let drawn = first + self.rng.below(u64::from(last - first) + 1) as u8;
            let mut bound = high[..at].to_vec();
            bound.push(drawn);
            self.trie.cursor(Bound::Included(&bound)).next(&self.trie).inspect(|(key, _)| {
                low.clear();
                low.extend_from_slice(key);
            });
            // The last of those that share one byte more with the one that was found.
            let mut above = low[..=at].to_vec();
            let has_above = match above[at] {
                u8::MAX => false,
                byte => {
                    above[at] = byte + 1;
                    above <= high
                }
            };
            if has_above {
                self.trie.previous_before(Some(&above), &mut high);
            }
        }
        std::mem::swap(key, &mut low);
        true
    }

    fn dbsize(&mut self, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        out.int(self.trie.len() as i64);
        Ok(())
    }

    /// There is one database, so FLUSHDB is FLUSHALL; it is done at once, whichever way is asked for.
    fn flush(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let known = |word: &[u8]| word.eq_ignore_ascii_case(b"ASYNC") || word.eq_ignore_ascii_case(b"SYNC");
        match call.len() {
            1 => {}
            2 if known(call.arg(1)) => {}
            _ => return Err(CommandError::Syntax),
        }
        self.clear_records();
        out.ok();
        Ok(())
    }
}
