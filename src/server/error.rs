//! Why a command was not done: the words after `-`, Redis' own where Redis has them.

use super::sessions::NAME_RULE;
use crate::proto::cluster::{MessageError, ViewId};
use crate::proto::compute::ComputeError;
use crate::proto::text::{SyntaxError, TextError};
use crate::trie::{PutError, TrieError};
use std::fmt;

/// Why a command was not done. Nothing was changed by it.
#[derive(Debug)]
pub(super) enum CommandError {
    /// Options that make no sense, alone or together.
    Syntax,
    NotAnInteger,
    WrongType,
    /// `SET k v EX 0`
    InvalidExpire(&'static str),
    /// An expiry that would be right, were there any.
    NoExpiry,
    InvalidCursor,
    DbIndex,
    /// HELLO with a version that is no number, or that nobody speaks.
    ProtocolNumber,
    Protocol,
    HelloOption(Box<[u8]>),
    WrongPassword,
    ClientName,
    /// CLIENT SETINFO with an attribute that there is not, or a value that may not be.
    InfoAttribute(Box<[u8]>),
    InfoValue(&'static str),
    ClientId,
    /// `wrong number of arguments`, with the command's full name.
    Arity(&'static str),
    /// A write beside the broker.
    ReadOnly,
    /// A field where DELETE takes a record only.
    FieldGiven {
        key: Box<[u8]>,
        path: Box<str>,
    },
    Text(TextError),
    Compute(ComputeError),
    Trie(TrieError),
    /// A cluster's message from somebody who has not said H.HELLO.
    NoHello,
    OtherCluster {
        ours: u64,
        theirs: u64,
    },
    Message(MessageError),
    /// A STORE or FILL whose slot is not the key's.
    WrongSlot,
    /// A view that cannot be.
    BadView,
    TwoViews(ViewId),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CommandError::Syntax => "ERR syntax error",
            CommandError::NotAnInteger => "ERR value is not an integer or out of range",
            CommandError::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            CommandError::NoExpiry => "ERR expiry is not in this release: EX, PX, EXAT and PXAT are refused",
            CommandError::InvalidCursor => "ERR invalid cursor",
            CommandError::DbIndex => "ERR DB index is out of range",
            CommandError::ProtocolNumber => "ERR Protocol version is not an integer or out of range",
            CommandError::Protocol => "NOPROTO unsupported protocol version",
            CommandError::WrongPassword => "WRONGPASS invalid username-password pair or user is disabled.",
            CommandError::ClientId => "ERR Invalid client ID",
            CommandError::ReadOnly => "READONLY this server belongs to a cluster: write through its broker",
            CommandError::Trie(TrieError::Full) => "OOM command not allowed when used memory > 'maxmemory'.",
            CommandError::NoHello => "ERR say H.HELLO first",
            CommandError::WrongSlot => "ERR the slot is not the key's",
            CommandError::BadView => "ERR no such view can be",
            other => return other.write_with_names(f),
        })
    }
}

impl CommandError {
    /// The first word, by which INFO counts errors.
    pub(super) fn code(&self) -> &'static str {
        match self {
            CommandError::Protocol => "NOPROTO",
            CommandError::WrongPassword => "WRONGPASS",
            CommandError::ReadOnly => "READONLY",
            CommandError::WrongType => "WRONGTYPE",
            CommandError::Trie(TrieError::Full) => "OOM",
            _ => "ERR",
        }
    }

    fn write_with_names(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::InvalidExpire(command) => {
                write!(f, "ERR invalid expire time in '{command}' command")
            }
            CommandError::HelloOption(option) => {
                write!(f, "ERR Syntax error in HELLO option '{}'", Shown(option))
            }
            CommandError::ClientName => write!(f, "ERR Client names {NAME_RULE}"),
            CommandError::InfoAttribute(name) => write!(f, "ERR Unrecognized option '{}'", Shown(name)),
            CommandError::InfoValue(name) => write!(f, "ERR {name} {NAME_RULE}"),
            CommandError::Arity(name) => write!(f, "ERR wrong number of arguments for '{name}' command"),
            CommandError::FieldGiven { key, path } => {
                let key = Shown(key);
                write!(f, "ERR DELETE takes whole records; a field goes by JSON.DEL {key} {path}")
            }
            CommandError::Text(error) => write!(f, "ERR {error}"),
            CommandError::Compute(error) => write!(f, "ERR {error}"),
            CommandError::Trie(error) => write!(f, "ERR {error}"),
            CommandError::OtherCluster { ours, theirs } => write!(
                f,
                "ERR this server belongs to cluster {ours:x}, not to {theirs:x}: \
                 the brokers' server files or their k differ"
            ),
            CommandError::Message(error) => write!(f, "ERR {error}"),
            CommandError::TwoViews(id) => write!(f, "ERR another view is known by the name {id}"),
            _ => unreachable!("written by its caller"),
        }
    }
}

/// Bytes of a client, shown so that the reply stays text.
struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.utf8_chunks().try_for_each(|chunk| {
            f.write_str(chunk.valid())?;
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
        })
    }
}

impl From<TextError> for CommandError {
    fn from(error: TextError) -> CommandError {
        CommandError::Text(error)
    }
}

impl From<SyntaxError> for CommandError {
    fn from(error: SyntaxError) -> CommandError {
        CommandError::Text(error.into())
    }
}

impl From<ComputeError> for CommandError {
    fn from(error: ComputeError) -> CommandError {
        CommandError::Compute(error)
    }
}

impl From<TrieError> for CommandError {
    fn from(error: TrieError) -> CommandError {
        CommandError::Trie(error)
    }
}

impl From<MessageError> for CommandError {
    fn from(error: MessageError) -> CommandError {
        CommandError::Message(error)
    }
}

impl<E: Into<CommandError>> From<PutError<E>> for CommandError {
    fn from(error: PutError<E>) -> CommandError {
        match error {
            PutError::Trie(error) => error.into(),
            PutError::Build(error) => error.into(),
        }
    }
}
