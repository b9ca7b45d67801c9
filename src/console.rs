//! The console: a line that a person typed to a command, and answers to what a person reads. Pure text both ways.
//!
//! ```text
//!   QUERY person2.address.number ──parse──► Command::Query { path } ─ ─ ► the broker
//!                                     │                                        │
//!                                     ▼ LineError                              ▼
//!   QUERY person2..number                                person2.address.number : 12
//!                 ^                                      ▲
//!   error: expected a name ..                            └── answer: values as the table of commands.md shows them
//!                                                            reply: a server's RESP as redis-cli shows it
//! ```
//!
//! The first word decides how a line is read: PUT, QUERY, DELETE and COMPUTE by their own rules to its end, any other
//! line as words with Redis' inline quoting, and `@host:port` in front of either asks one server.

pub mod answer;
mod error;
mod help;
mod read;
mod reply;
mod words;

#[cfg(test)]
mod tests;

pub use error::LineError;
pub use help::{is_offered, write_command_help, write_help};
pub use read::parse;
pub use reply::{write_reply, write_text, write_texts};
pub use words::Scratch;

use crate::proto::command;
use crate::proto::compute::Expression;
use crate::proto::path::Path;
use crate::proto::resp::Request;
use std::borrow::Cow;

/// What a line asks for. Words are borrowed from the line or from the [`Scratch`] it was read with.
#[derive(Debug)]
pub enum Command<'l> {
    /// A blank line or a `#` comment.
    Nothing,
    /// GET.
    Get {
        /// The record.
        key: &'l [u8],
    },
    /// QUERY.
    Query {
        /// The record and the way into it; without segments the same as GET.
        path: Path,
    },
    /// PUT.
    Put {
        /// The record.
        key: Cow<'l, [u8]>,
        /// The document as compact JSON.
        body: Vec<u8>,
    },
    /// DELETE.
    Delete {
        /// The record.
        key: Vec<u8>,
    },
    /// COMPUTE.
    Compute {
        /// What to evaluate.
        expression: Box<Expression>,
        /// Where in the line its text begins: its errors count from there.
        offset: usize,
    },
    /// SET.
    Set(Set<'l>),
    /// DEL and UNLINK: arguments 1.. are keys.
    Del(Request<'l>),
    /// EXISTS: arguments 1.. are keys.
    Exists(Request<'l>),
    /// MGET: arguments 1.. are keys.
    Mget(Request<'l>),
    /// MSET: arguments 1.. are keys and values by turns, in pairs.
    Mset(Request<'l>),
    /// TYPE.
    Type {
        /// The record.
        key: &'l [u8],
    },
    /// JSON.DEL and JSON.FORGET.
    JsonDel {
        /// The record.
        key: &'l [u8],
        /// The path inside, not a whole document's.
        path: Option<&'l [u8]>,
    },
    /// DBSIZE.
    Dbsize,
    /// KEYS.
    Keys {
        /// A glob.
        pattern: &'l [u8],
    },
    /// SCAN.
    Scan(Scan<'l>),
    /// FLUSHALL and FLUSHDB.
    Flush,
    /// PING: its message.
    Ping(Option<&'l [u8]>),
    /// ECHO: its message.
    Echo(&'l [u8]),
    /// SELECT 0: nothing to do but to say OK.
    Select,
    /// HELP: about one command, or about all.
    Help(Option<&'static command::Command>),
    /// STATUS.
    Status,
    /// EXIT and QUIT.
    Exit,
    /// `@host:port COMMAND`.
    OneServer {
        /// The server's name as it was typed.
        server: &'l str,
        /// What to send it.
        request: ServerRequest,
    },
    /// A command that every server answers alike: ask any.
    AnyServer(ServerRequest),
    /// A command about a server: ask each.
    EveryServer(ServerRequest),
}

/// SET's arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Set<'l> {
    /// The record.
    pub key: &'l [u8],
    /// Its new value.
    pub value: &'l [u8],
    /// `Some(false)`: only where it does not exist (NX); `Some(true)`: only where it does (XX).
    pub exists: Option<bool>,
    /// Answer what stood there before (GET).
    pub get: bool,
}

/// SCAN's arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scan<'l> {
    /// 0 begins; otherwise what the last SCAN answered.
    pub cursor: u64,
    /// A glob that keys must match.
    pub pattern: Option<&'l [u8]>,
    /// About how many keys to answer, at least 1.
    pub count: usize,
    /// Only keys of this TYPE.
    pub kind: Option<&'l [u8]>,
}

/// A request to be passed on to servers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerRequest {
    /// The request in RESP's array form.
    pub bytes: Vec<u8>,
    /// Its answer is a text of lines for people: shown as it is, not in quotes.
    pub shows_text: bool,
}
