//! Logging requests as the seed's servers do: who, which command, which key; never values.
//!
//! Sampled: 200 lines in a second, then a count. A turn decides once whether anything is to be logged, so a request
//! that is only counted costs an increment.

use super::config::RequestLog;
use crate::proto::command::{Command, CommandId};
use crate::proto::path::Path;
use crate::proto::resp::{Form, Request};
use crate::proto::text;
use crate::time::{Span, Time};
use log::{Level, info, log_enabled};
use std::fmt;

const TARGET: &str = "request";
/// Lines a second when sampled.
const LINES_PER_SECOND_MAX: u32 = 200;
/// Bytes of a key that a line shows.
const KEY_BYTES_SHOWN: usize = 200;

/// The log of requests.
#[derive(Debug)]
pub(super) struct RequestLogger {
    mode: RequestLog,
    /// The second that `lines` and `counted` belong to began here.
    second: Time,
    lines: u32,
    /// Requests of this second that got no line.
    counted: u64,
    /// Somebody reads the log, in this turn.
    read: bool,
}

impl RequestLogger {
    pub(super) fn new(mode: RequestLog) -> RequestLogger {
        RequestLogger { mode, second: Time::ZERO, lines: 0, counted: 0, read: false }
    }

    /// Which requests are logged from now on.
    pub(super) fn set_mode(&mut self, mode: RequestLog) {
        self.mode = mode;
    }

    /// A turn begins: sums up the second that has passed, if it has.
    pub(super) fn turn(&mut self, now: Time) {
        self.read = self.mode != RequestLog::Off && log_enabled!(target: TARGET, Level::Info);
        if now.since(self.second) >= Span::from_secs(1) {
            if self.counted > 0 {
                info!(target: TARGET, "and {} more requests within a second", self.counted);
            }
            (self.second, self.lines, self.counted) = (now, 0, 0);
        }
    }

    /// When the count of this second is to be written.
    pub(super) fn poll_timeout(&self) -> Option<Time> {
        (self.counted > 0).then_some(self.second + Span::from_secs(1))
    }

    /// Whether the next request gets a line; if not, it is counted.
    #[inline]
    pub(super) fn admits(&mut self) -> bool {
        if !self.read {
            return false;
        }
        let line = self.mode == RequestLog::All || self.lines < LINES_PER_SECOND_MAX;
        if line {
            self.lines = self.lines.saturating_add(1);
        } else {
            self.counted += 1;
        }
        line
    }
}

/// Writes the line of a request that was admitted.
#[cold]
pub(super) fn write_line(peer: impl fmt::Display, command: Option<&Command>, request: &Request<'_>) {
    let Some(command) = command else {
        let name = String::from_utf8_lossy(&request.arg(0)[..request.arg(0).len().min(32)]).into_owned();
        return info!(target: TARGET, "{peer} {} (unknown)", name.escape_debug());
    };
    let (key, more) = key(command, request);
    match (key, more) {
        (None, _) => info!(target: TARGET, "{peer} {}", command.name),
        (Some(key), 0) => info!(target: TARGET, "{peer} {} {key}", command.name),
        (Some(key), more) => info!(target: TARGET, "{peer} {} {key} and {more} more", command.name),
    }
}

/// The first key, as the console would show it, and how many more there are.
fn key(command: &Command, request: &Request<'_>) -> (Option<String>, usize) {
    if request.form() == Form::Verb {
        return (request.get(1).and_then(|line| key_of_line(command, line)), 0);
    }
    let mut keys = command.keys.indices(request.len());
    let first = keys.next().map(|index| shown(request.arg(index)));
    (first, keys.count())
}

/// The key of PUT's line, or the path of QUERY's and DELETE's. A line that cannot be read shows nothing: it may hold a
/// value anywhere.
fn key_of_line(command: &Command, line: &[u8]) -> Option<String> {
    match command.id {
        CommandId::Put => text::key_and_document(line).ok().map(|record| shown(&record.key)),
        CommandId::Query | CommandId::Delete => {
            let mut path = Path::new();
            path.parse(line).ok()?;
            let mut path = path.to_string();
            path.truncate(path.floor_char_boundary(KEY_BYTES_SHOWN));
            Some(path)
        }
        _ => None,
    }
}

fn shown(key: &[u8]) -> String {
    let mut out = Vec::new();
    text::quote_key(&mut out, &key[..key.len().min(KEY_BYTES_SHOWN)]);
    if key.len() > KEY_BYTES_SHOWN {
        out.extend_from_slice(b"..");
    }
    String::from_utf8_lossy(&out).into_owned()
}
