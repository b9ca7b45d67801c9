//! Why a peer's bytes are no frame.

use std::fmt;

/// Why the bytes of a client are no request. The connection is closed after the error reply.
///
/// `Display` gives Redis' words after `ERR Protocol error: `.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProtocolError {
    /// The count after `*` is no number or above the limit.
    InvalidMultibulkLength,
    /// The length after `$` is no number, negative, or above the limit.
    InvalidBulkLength,
    /// Something else where an argument must begin.
    ExpectedDollar(u8),
    /// A count line without an end.
    TooBigCount,
    /// A length line without an end.
    TooBigLength,
    /// A text line above its limit.
    TooBigInline,
    /// A quote that is never closed, or closed in the middle of a word.
    UnbalancedQuotes,
    /// More arguments than a client may send before AUTH.
    UnauthenticatedMultibulkLength,
    /// A longer argument than a client may send before AUTH.
    UnauthenticatedBulkLength,
    /// The whole request is above [`crate::limits::INCOMPLETE_BYTES_MAX`].
    TooBigRequest,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            ProtocolError::InvalidMultibulkLength => "invalid multibulk length",
            ProtocolError::InvalidBulkLength => "invalid bulk length",
            ProtocolError::ExpectedDollar(byte) => return write_expected_dollar(f, byte),
            ProtocolError::TooBigCount => "too big mbulk count string",
            ProtocolError::TooBigLength => "too big bulk count string",
            ProtocolError::TooBigInline => "too big inline request",
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
            ProtocolError::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            ProtocolError::UnauthenticatedBulkLength => "unauthenticated bulk length",
            ProtocolError::TooBigRequest => "too big request",
        })
    }
}

impl std::error::Error for ProtocolError {}

/// Redis prints the byte raw, line ends as blanks. Above ASCII a lone byte would spoil the reply's UTF-8: `\xNN`.
fn write_expected_dollar(f: &mut fmt::Formatter<'_>, byte: u8) -> fmt::Result {
    match byte {
        b'\r' | b'\n' => f.write_str("expected '$', got ' '"),
        0x80.. => write!(f, "expected '$', got '\\x{byte:02x}'"),
        _ => write!(f, "expected '$', got '{}'", char::from(byte)),
    }
}

/// Why the bytes of a server are no reply. The link is out of step and must be closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplyError {
    /// No type begins with this byte.
    UnknownType(u8),
    /// A length or count that is no number or beyond the limits.
    InvalidLength,
    /// After `:` or `(`.
    InvalidNumber,
    /// After `,`.
    InvalidDouble,
    /// After `#`.
    InvalidBoolean,
    /// Something between `_` and its line end.
    InvalidNull,
    /// A verbatim text without its three letters and colon.
    InvalidVerbatim,
    /// A line or a bulk that does not end in CR LF.
    MissingLineEnd,
    /// A line above [`crate::limits::INLINE_BYTES_MAX`].
    TooBigLine,
    /// The whole reply is above [`crate::limits::INCOMPLETE_BYTES_MAX`].
    TooBigReply,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            ReplyError::UnknownType(byte) => {
                return write!(f, "a reply cannot begin with '{}'", byte.escape_ascii());
            }
            ReplyError::InvalidLength => "invalid length in a reply",
            ReplyError::InvalidNumber => "invalid number in a reply",
            ReplyError::InvalidDouble => "invalid double in a reply",
            ReplyError::InvalidBoolean => "invalid boolean in a reply",
            ReplyError::InvalidNull => "invalid null in a reply",
            ReplyError::InvalidVerbatim => "invalid verbatim text in a reply",
            ReplyError::MissingLineEnd => "a reply's line end is missing",
            ReplyError::TooBigLine => "too big line in a reply",
            ReplyError::TooBigReply => "too big reply",
        })
    }
}

impl std::error::Error for ReplyError {}
