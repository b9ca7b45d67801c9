//! RANGE, PREFIX, COUNT, DELPREFIX: what the order of keys allows.
//!
//! ```text
//!   RANGE b d       a │ b  c │ d  e         from b up to, not including, d; an empty end is behind all keys
//!   PREFIX p        o │ p  pa  pb │ q       AFTER pa: only what is behind it, so a page begins where the last ended
//! ```
//!
//! Records are answered as an array: key, value, key, value, .. ; the value as GET answers it.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::edits::integer;
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::strings::write_record;
use crate::proto::command::CommandId;
use crate::proto::resp::Writer;
use crate::trie::Cursor;
use std::ops::{Bound, ControlFlow};

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Range, Handler::Reply(Server::range)),
    (CommandId::Prefix, Handler::Reply(Server::prefix)),
    (CommandId::Count, Handler::Reply(Server::count_below)),
    (CommandId::Delprefix, Handler::Net(Server::delprefix)),
];

/// A limit that is given as an argument: at least 0.
fn limit(text: &[u8]) -> Result<usize, CommandError> {
    usize::try_from(integer(text)?).map_err(|_| CommandError::NotAnInteger)
}

impl Server {
    /// `RANGE start end [LIMIT n] [REV]`
    fn range(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (mut most, mut reverse, mut index) = (usize::MAX, false, 3);
        while index < call.len() {
            if call.is(index, "REV") {
                reverse = true;
            } else if call.is(index, "LIMIT") && index + 1 < call.len() {
                index += 1;
                most = limit(call.arg(index))?;
            } else {
                return Err(CommandError::Syntax);
            }
            index += 1;
        }
        let (start, end) = (call.arg(1), call.arg(2));
        let end = (!end.is_empty()).then_some(end);
        let mark = out.begin_array();
        let count = if reverse {
            self.write_down_to(start, end, most, out)
        } else {
            self.write_up_to(start, end, most, out)
        };
        out.end_array(mark, 2 * count);
        Ok(())
    }

    fn write_up_to(&self, start: &[u8], end: Option<&[u8]>, most: usize, out: &mut Writer<'_>) -> usize {
        let from = if start.is_empty() { Bound::Unbounded } else { Bound::Included(start) };
        let to = end.map_or(Bound::Unbounded, Bound::Excluded);
        self.write_walk(self.trie.cursor_range(from, to), most, out)
    }

    /// Writes keys and values of up to `most` records; how many there were.
    fn write_walk(&self, mut cursor: Cursor, most: usize, out: &mut Writer<'_>) -> usize {
        let mut count = 0;
        if most == 0 {
            return count;
        }
        cursor.walk(&self.trie, |key, record| {
            if self.is_live(&record) {
                out.bulk(key);
                write_record(Some(record), out);
                count += 1;
            }
            if count < most && !out.is_full() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        count
    }

    fn write_down_to(&self, start: &[u8], end: Option<&[u8]>, most: usize, out: &mut Writer<'_>) -> usize {
        let (mut at, mut key) = (end.map(<[u8]>::to_vec), Vec::new());
        let mut count = 0;
        while count < most && !out.is_full() {
            let Some(record) = self.trie.previous_before(at.as_deref(), &mut key) else { break };
            if *key < *start {
                break;
            }
            if self.is_live(&record) {
                out.bulk(&key);
                write_record(Some(record), out);
                count += 1;
            }
            std::mem::swap(at.get_or_insert_default(), &mut key);
        }
        count
    }

    /// `PREFIX p [LIMIT n] [AFTER key]`
    fn prefix(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (mut most, mut after) = (usize::MAX, None);
        for index in (2..call.len()).step_by(2) {
            let value = call.request.get(index + 1).ok_or(CommandError::Syntax)?;
            match () {
                () if call.is(index, "LIMIT") => most = limit(value)?,
                () if call.is(index, "AFTER") => after = Some(value),
                () => return Err(CommandError::Syntax),
            }
        }
        let mark = out.begin_array();
        let count = self.write_walk(self.trie.cursor_prefix(call.arg(1), after), most, out);
        out.end_array(mark, 2 * count);
        Ok(())
    }

    fn count_below(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let prefix = call.arg(1);
        let mut count = self.trie.count_prefix(prefix);
        if self.behind {
            // What has expired and was not removed yet is not there.
            count = 0;
            self.trie.cursor_prefix(prefix, None).walk(&self.trie, |_, record| {
                count += usize::from(self.is_live(&record));
                ControlFlow::Continue(())
            });
        }
        out.int(count as i64);
        Ok(())
    }
}
