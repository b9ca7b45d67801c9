//! RESP2 and RESP3 frames, both ways, and the inline lines that people type.
//!
//! ```text
//!  request      *2\r\n $3\r\nGET\r\n $7\r\nperson5\r\n        Form::Array
//!               GET "per\x73on5"\r\n                          Form::Inline: words, quotes as in Redis
//!               PUT p1:{"a":"A B"}\r\n                        Form::Verb: argument 1 is the rest of the line, raw
//!
//!  reply        one value in preorder
//!               %1\r\n $1\r\na\r\n *2\r\n :1\r\n _\r\n   ->   Map(1) Bulk(a) Array(2) Int(1) Null
//! ```
//!
//! Both parsers keep the same contract. They are shown the bytes from the start of the frame; they answer with the
//! frame and its size, or with the count of bytes that it takes at least. What they learned of an incomplete frame they
//! keep, so each byte is looked at once however the stream is cut; while nothing is incomplete they own no memory, and
//! the ranges of a complete frame live in a scratch that all connections of a loop share. A declared length is held
//! against its limit and never reserved.
//!
//! ```text
//!                 ┌──────────── more bytes ────────────┐
//!                 v                                    │
//!  start ──'*'──> count ──> header ──> body ──> header ... ──> Done
//!    └──other──> line ──(first word is a verb and long)──> verb line ──> Done
//! ```
//!
//! Source of the rules: Redis 7.0's `processMultibulkBuffer`, `processInlineBuffer` and `sdssplitargs`, and the RESP3
//! specification.

mod ahead;
mod error;
mod inline;
mod length;
mod partial;
mod reply;
mod request;
mod write;

#[cfg(test)]
mod tests;

pub use ahead::{AHEAD_MAX, Ahead};
pub use error::{ProtocolError, ReplyError};
pub use length::parse_integer;
pub use reply::{Items, Reply, ReplyParser, Token, Tokens};
pub use request::{Args, Form, Request, RequestLimits, RequestParser};
pub use write::{Mark, Writer, write_request};

/// What a parser says of the bytes it was shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress<T> {
    /// One whole frame.
    Done {
        /// The frame.
        value: T,
        /// Its bytes; the next frame begins there.
        consumed: usize,
    },
    /// Call again with the same bytes and more.
    More {
        /// Bytes in all, from the same start, before a call can say anything else. Always more than were shown.
        at_least: usize,
    },
}

/// The dialect in which a connection is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// Until `HELLO 3`.
    #[default]
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}
