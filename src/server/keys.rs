//! Keys, whatever they hold: EXISTS, TYPE, DEL, DBSIZE, FLUSHALL.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use crate::proto::resp::Writer;
use crate::record::Kind;

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
    pub(super) fn exists(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let mut count = 0;
        for key in call.args_from(1) {
            let found = self.live(key).is_some();
            self.stats.looked_up(found);
            count += i64::from(found);
        }
        out.int(count);
        Ok(())
    }

    pub(super) fn type_of(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let kind = self.live(call.arg(1)).map_or(Kind::Tombstone, |record| record.kind());
        self.stats.looked_up(kind != Kind::Tombstone);
        out.simple(type_name(kind));
        Ok(())
    }

    pub(super) fn delete(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let count = call.args_from(1).filter(|key| self.delete_record(key)).count();
        out.int(count as i64);
        Ok(())
    }

    /// Removes a record without a trace; whether there was one.
    pub(super) fn delete_record(&mut self, key: &[u8]) -> bool {
        self.trie.remove(key).is_some_and(|kind| kind != Kind::Tombstone)
    }

    pub(super) fn dbsize(&mut self, out: &mut Writer<'_>) -> Outcome {
        out.int(self.trie.len() as i64);
        Ok(())
    }

    /// There is one database, so FLUSHDB is FLUSHALL; it is done at once, whichever way is asked for.
    pub(super) fn flush(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let known = |word: &[u8]| word.eq_ignore_ascii_case(b"ASYNC") || word.eq_ignore_ascii_case(b"SYNC");
        match call.len() {
            1 => {}
            2 if known(call.arg(1)) => {}
            _ => return Err(CommandError::Syntax),
        }
        self.trie.clear();
        out.ok();
        Ok(())
    }
}
