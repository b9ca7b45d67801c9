//! LCS: the longest common subsequence of two strings.
//!
//! The table of lengths is filled row by row (Wagner and Fischer), and walked back from its end as Redis walks it, so
//! that of several solutions the same is found.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::edits::integer;
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use crate::proto::command::CommandId;
use crate::proto::resp::Writer;
use crate::record::Kind;

pub(super) const HANDLERS: Handlers = &[(CommandId::Lcs, Handler::Reply(Server::lcs))];

/// Bytes of the table: about a tenth of a second of work.
const TABLE_BYTES_MAX: usize = 256 << 20;

/// What is asked for.
#[derive(Clone, Copy, Default)]
struct Options {
    length: bool,
    ranges: bool,
    with_length: bool,
    least: i64,
}

impl Options {
    fn parse(call: Call<'_>) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut index = 3;
        while index < call.len() {
            match () {
                () if call.is(index, "LEN") => options.length = true,
                () if call.is(index, "IDX") => options.ranges = true,
                () if call.is(index, "WITHMATCHLEN") => options.with_length = true,
                () if call.is(index, "MINMATCHLEN") && index + 1 < call.len() => {
                    index += 1;
                    options.least = integer(call.arg(index))?.max(0);
                }
                () => return Err(CommandError::Syntax),
            }
            index += 1;
        }
        if options.length && options.ranges { Err(CommandError::LcsBoth) } else { Ok(options) }
    }
}

/// Bytes `a..a + len` of the one are `b..b + len` of the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Match {
    a: usize,
    b: usize,
    len: usize,
}

/// Lengths of the common subsequences of all pairs of heads.
struct Table {
    lengths: Vec<u32>,
    width: usize,
}

impl Table {
    fn new(a: &[u8], b: &[u8]) -> Option<Table> {
        let width = b.len() + 1;
        let cells = (a.len() + 1).checked_mul(width)?;
        if cells.checked_mul(size_of::<u32>())? > TABLE_BYTES_MAX {
            return None;
        }
        let mut lengths = vec![0u32; cells];
        for (row, &byte) in a.iter().enumerate() {
            let (done, rest) = lengths.split_at_mut((row + 1) * width);
            let (above, current) = (&done[row * width..], &mut rest[..width]);
            for (column, &other) in b.iter().enumerate() {
                current[column + 1] =
                    if byte == other { above[column] + 1 } else { above[column + 1].max(current[column]) };
            }
        }
        Some(Table { lengths, width })
    }

    fn at(&self, a: usize, b: usize) -> u32 {
        self.lengths[a * self.width + b]
    }

    /// The subsequence, and the runs that it consists of, the last first.
    fn solution(&self, a: &[u8], b: &[u8]) -> (Vec<u8>, Vec<Match>) {
        let (mut at, mut bt) = (a.len(), b.len());
        let mut text = Vec::with_capacity(self.at(at, bt) as usize);
        let mut matches: Vec<Match> = Vec::new();
        while at > 0 && bt > 0 {
            if a[at - 1] == b[bt - 1] {
                (at, bt) = (at - 1, bt - 1);
                text.push(a[at]);
                match matches.last_mut().filter(|last| last.a == at + 1 && last.b == bt + 1) {
                    Some(last) => *last = Match { a: at, b: bt, len: last.len + 1 },
                    None => matches.push(Match { a: at, b: bt, len: 1 }),
                }
            } else if self.at(at - 1, bt) > self.at(at, bt - 1) {
                at -= 1;
            } else {
                bt -= 1;
            }
        }
        text.reverse();
        (text, matches)
    }
}

impl Server {
    fn lcs(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let text = |key| match self.live(key) {
            None => Ok(Vec::new()),
            Some(record) if record.kind() == Kind::Text => Ok(record.text().to_vec()),
            Some(_) => Err(CommandError::LcsType),
        };
        let (a, b) = (text(call.arg(1))?, text(call.arg(2))?);
        let options = Options::parse(call)?;
        let table = Table::new(&a, &b).ok_or(CommandError::LcsSize)?;
        let length = i64::from(table.at(a.len(), b.len()));
        if options.length {
            out.int(length);
            return Ok(());
        }
        let (text, mut matches) = table.solution(&a, &b);
        if !options.ranges {
            out.bulk(text);
            return Ok(());
        }
        matches.retain(|found| found.len as i64 >= options.least);
        out.map(2);
        out.bulk("matches");
        out.array(matches.len());
        for found in matches {
            out.array(if options.with_length { 3 } else { 2 });
            for start in [found.a, found.b] {
                out.array(2);
                out.int(start as i64);
                out.int((start + found.len - 1) as i64);
            }
            if options.with_length {
                out.int(found.len as i64);
            }
        }
        out.bulk("len");
        out.int(length);
        Ok(())
    }
}
