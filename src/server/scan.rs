//! SCAN and KEYS: walks in key order, so that a pattern's literal head visits only its part of the trie, and every key
//! that stands throughout is returned exactly once.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::keys::type_name;
use crate::proto::command::CommandId;
use crate::proto::glob;
use crate::proto::resp::{Writer, parse_integer};
use crate::record::Kind;

pub(super) const HANDLERS: Handlers =
    &[(CommandId::Scan, Handler::Reply(Server::scan)), (CommandId::Keys, Handler::Reply(Server::keys))];

/// Keys that one call visits at most, whatever COUNT says: the other connections wait meanwhile.
const VISITED_MAX: usize = 65_536;
/// As in Redis.
const COUNT_DEFAULT: usize = 10;

struct ScanOptions<'b> {
    pattern: Option<&'b [u8]>,
    count: usize,
    type_name: Option<&'b [u8]>,
}

impl<'b> ScanOptions<'b> {
    fn parse(call: Call<'b>) -> Result<ScanOptions<'b>, CommandError> {
        let mut options = ScanOptions { pattern: None, count: COUNT_DEFAULT, type_name: None };
        for index in (2..call.len()).step_by(2) {
            let value = call.request.get(index + 1).ok_or(CommandError::Syntax)?;
            let is = |name: &str| call.arg(index).eq_ignore_ascii_case(name.as_bytes());
            match () {
                () if is("MATCH") => options.pattern = Some(value),
                () if is("TYPE") => options.type_name = Some(value),
                () if is("COUNT") => {
                    let count = parse_integer(value).ok_or(CommandError::NotAnInteger)?;
                    let count = usize::try_from(count).ok().filter(|&count| count > 0);
                    options.count = count.ok_or(CommandError::Syntax)?.min(VISITED_MAX);
                }
                () => return Err(CommandError::Syntax),
            }
        }
        Ok(options)
    }

    fn takes(&self, key: &[u8], kind: Kind) -> bool {
        let typed = |name: &[u8]| name.eq_ignore_ascii_case(type_name(kind).as_bytes());
        self.type_name.is_none_or(typed) && self.pattern.is_none_or(|pattern| glob::matches(pattern, key))
    }
}

impl Server {
    fn scan(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let id = parse_cursor(call.arg(1)).ok_or(CommandError::InvalidCursor)?;
        let options = ScanOptions::parse(call)?;
        let after = match id {
            0 => None,
            id => Some(self.cursors.get(id).ok_or(CommandError::InvalidCursor)?),
        };
        let prefix = options.pattern.map(glob::literal_head).unwrap_or_default();
        let mut walk = self.trie.cursor_prefix(&prefix, after);
        let (mut visited, mut taken, mut ended) = (0, 0, false);
        let mut keys = std::mem::take(&mut self.scratch.bytes);
        let body = &mut Writer::new(&mut keys, call.protocol).within(self.config.settings.limits.reply_bytes);
        // Tombstones count as visited: a long run of them must not hold up the loop either.
        while visited < options.count {
            let Some((key, record)) = walk.next(&self.trie) else {
                ended = true;
                break;
            };
            visited += 1;
            if self.is_live(&record) && options.takes(key, record.kind()) {
                body.bulk(key);
                taken += 1;
            }
        }
        let next = if ended { 0 } else { self.cursors.insert(walk.key()) };
        out.array(2);
        out.bulk(itoa::Buffer::new().format(next));
        out.array(taken);
        out.out.extend_from_slice(&keys);
        self.scratch.bytes = keys;
        self.scratch.give_back();
        Ok(())
    }

    fn keys(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let pattern = call.arg(1);
        let mut walk = self.trie.cursor_prefix(&glob::literal_head(pattern), None);
        let mark = out.begin_array();
        let mut count = 0;
        while let Some((key, record)) = walk.next(&self.trie) {
            if self.is_live(&record) && glob::matches(pattern, key) {
                out.bulk(key);
                count += 1;
            }
        }
        out.end_array(mark, count);
        Ok(())
    }
}

/// Digits alone, as C's `strtoul` would be given by Redis.
fn parse_cursor(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}
