//! Why a command was not done: the words after `-`, Redis' own where Redis has them.

use super::sessions::NAME_RULE;
use super::settings::Fault;
use crate::proto::cluster::{MessageError, ViewId};
use crate::proto::compute::ComputeError;
use crate::proto::text::{SyntaxError, TextError};
use crate::trie::{PutError, TrieError};
use crate::value::SinkError;
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
    NotAFloat,
    /// INCRBYFLOAT would leave the numbers.
    NotFinite,
    Overflow,
    DecrementOverflow,
    OffsetRange,
    StringSize,
    BitOffset,
    BitValue,
    NoSuchKey,
    /// COPY onto itself.
    SameObject,
    NoFrequency,
    /// OBJECT IDLETIME where uses are counted.
    NoIdleTime,
    LcsBoth,
    LcsType,
    LcsSize,
    /// Longer than a reply may be.
    ReplyTooLarge,
    /// JSON: no such key.
    NoDocument,
    /// JSON: a new document is set as a whole.
    NotAtRoot,
    JsonNotFinite,
    JsonIndex,
    JsonDepth,
    JsonType {
        wanted: &'static str,
        found: &'static str,
    },
    /// EXPIRE's conditions.
    UnsupportedOption(Box<[u8]>),
    ExpireConditions,
    ExpireLaterEarlier,
    InvalidCursor,
    DbIndex,
    /// HELLO with a version that is no number, or that nobody speaks.
    ProtocolNumber,
    Protocol,
    HelloOption(Box<[u8]>),
    WrongPassword,
    NoAuth,
    /// HELLO without AUTH.
    NoAuthHello,
    ClientName,
    /// CLIENT SETINFO with an attribute that there is not, or a value that may not be.
    InfoAttribute(Box<[u8]>),
    InfoValue(&'static str),
    ClientId,
    ClientIdNumber,
    ClientType(Box<[u8]>),
    NoSuchUser(Box<[u8]>),
    NoSuchClient,
    NoPasswordSet,
    PauseMode,
    Timeout,
    TimeoutNegative,
    /// COMMAND GETKEYS; all of the words.
    GetKeys(&'static str),
    SlowlogCount,
    UnknownParameter(Box<[u8]>),
    Parameter {
        name: &'static str,
        why: Fault,
    },
    NoConfigFile,
    /// CONFIG REWRITE: why the file cannot be written.
    Rewrite(Box<str>),
    NoShutdown,
    FunctionFlush,
    ClusterDisabled,
    DebugDisabled,
    NestedMulti,
    WatchInMulti,
    /// EXEC or DISCARD.
    WithoutMulti(&'static str),
    NotInMulti,
    LargeMulti,
    ExecAbort,
    ExecArity,
    ExecReadOnly,
    /// An unknown command or subcommand: all of the words, which may be no text.
    Unknown(Vec<u8>),
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
        match self.fixed() {
            Some(words) => f.write_str(words),
            None => self.write_with_names(f),
        }
    }
}

impl CommandError {
    /// The first word, by which INFO counts errors.
    pub(super) fn code(&self) -> &'static str {
        match self {
            CommandError::Protocol => "NOPROTO",
            CommandError::WrongPassword => "WRONGPASS",
            CommandError::NoAuth | CommandError::NoAuthHello => "NOAUTH",
            CommandError::ReadOnly => "READONLY",
            CommandError::WrongType => "WRONGTYPE",
            CommandError::ExecAbort | CommandError::ExecArity | CommandError::ExecReadOnly => "EXECABORT",
            CommandError::Trie(TrieError::Full) => "OOM",
            _ => "ERR",
        }
    }

    /// The words of those that have no names in them.
    fn fixed(&self) -> Option<&'static str> {
        Some(match self {
            CommandError::Syntax => "ERR syntax error",
            CommandError::NotAnInteger => "ERR value is not an integer or out of range",
            CommandError::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            CommandError::NotAFloat => "ERR value is not a valid float",
            CommandError::NotFinite => "ERR increment would produce NaN or Infinity",
            CommandError::Overflow => "ERR increment or decrement would overflow",
            CommandError::DecrementOverflow => "ERR decrement would overflow",
            CommandError::OffsetRange => "ERR offset is out of range",
            CommandError::StringSize => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            CommandError::BitOffset => "ERR bit offset is not an integer or out of range",
            CommandError::BitValue => "ERR bit is not an integer or out of range",
            CommandError::NoSuchKey => "ERR no such key",
            CommandError::SameObject => "ERR source and destination objects are the same",
            CommandError::NoIdleTime => {
                "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching \
                 between policies at runtime LRU and LFU data will take some time to adjust."
            }
            CommandError::NoFrequency => {
                "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that \
                 when switching between policies at runtime LRU and LFU data will take some time to adjust."
            }
            CommandError::LcsBoth => "ERR If you want both the length and indexes, please just use IDX.",
            CommandError::LcsType => "ERR The specified keys must contain string values",
            CommandError::LcsSize => {
                "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
            }
            CommandError::NoDocument => "ERR could not perform this operation on a key that doesn't exist",
            CommandError::NotAtRoot => "ERR new objects must be created at the root",
            CommandError::JsonNotFinite => "ERR result is not a number",
            CommandError::JsonIndex => "ERR index out of bounds",
            CommandError::JsonDepth => "ERR nested more deeply than a document may be",
            CommandError::ExpireConditions => {
                "ERR NX and XX, GT or LT options at the same time are not compatible"
            }
            CommandError::ExpireLaterEarlier => "ERR GT and LT options at the same time are not compatible",
            CommandError::InvalidCursor => "ERR invalid cursor",
            CommandError::Trie(TrieError::Full) => "OOM command not allowed when used memory > 'maxmemory'.",
            other => return other.fixed_of_session(),
        })
    }

    fn fixed_of_session(&self) -> Option<&'static str> {
        Some(match self {
            CommandError::DbIndex => "ERR DB index is out of range",
            CommandError::ProtocolNumber => "ERR Protocol version is not an integer or out of range",
            CommandError::Protocol => "NOPROTO unsupported protocol version",
            CommandError::WrongPassword => "WRONGPASS invalid username-password pair or user is disabled.",
            CommandError::NoAuth => "NOAUTH Authentication required.",
            CommandError::NoAuthHello => {
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
                 <user> <pass> option can be used to authenticate the client and select the RESP protocol version at \
                 the same time"
            }
            CommandError::NoPasswordSet => {
                "ERR AUTH <password> called without any password configured for the default user. Are you sure \
                 your configuration is correct?"
            }
            CommandError::ClientId => "ERR Invalid client ID",
            CommandError::ClientIdNumber => "ERR client-id should be greater than 0",
            CommandError::NoSuchClient => "ERR No such client",
            CommandError::PauseMode => "ERR CLIENT PAUSE mode must be WRITE or ALL",
            CommandError::Timeout => "ERR timeout is not an integer or out of range",
            CommandError::TimeoutNegative => "ERR timeout is negative",
            CommandError::GetKeys(words) => words,
            CommandError::SlowlogCount => "ERR count should be greater than or equal to -1",
            CommandError::NoConfigFile => "ERR The server is running without a config file",
            CommandError::NoShutdown => "ERR No shutdown in progress.",
            CommandError::FunctionFlush => "ERR FUNCTION FLUSH only supports SYNC|ASYNC option",
            CommandError::ClusterDisabled => "ERR This instance has cluster support disabled",
            CommandError::DebugDisabled => {
                "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can \
                 run it from a local connection, otherwise you need to set this option in the configuration file, \
                 and then restart the server."
            }
            CommandError::NestedMulti => "ERR MULTI calls can not be nested",
            CommandError::WatchInMulti => "ERR WATCH inside MULTI is not allowed",
            CommandError::NotInMulti => "ERR Command not allowed inside a transaction",
            CommandError::ReplyTooLarge => {
                "ERR the reply is larger than a reply may be (max-reply): ask for less at once"
            }
            CommandError::LargeMulti => "ERR the requests of the transaction take too much memory",
            CommandError::ExecAbort => "EXECABORT Transaction discarded because of previous errors.",
            CommandError::ExecArity => {
                "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command"
            }
            CommandError::ExecReadOnly => {
                "EXECABORT Transaction contains write commands but this server belongs to a cluster now: \
                 write through its broker"
            }
            CommandError::ReadOnly => "READONLY this server belongs to a cluster: write through its broker",
            CommandError::NoHello => "ERR say H.HELLO first",
            CommandError::WrongSlot => "ERR the slot is not the key's",
            CommandError::BadView => "ERR no such view can be",
            _ => return None,
        })
    }

    fn write_with_names(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::InvalidExpire(command) => {
                write!(f, "ERR invalid expire time in '{command}' command")
            }
            CommandError::JsonType { wanted, found } => {
                write!(f, "ERR wrong type of value - expected {wanted} but found {found}")
            }
            CommandError::UnsupportedOption(option) => write!(f, "ERR Unsupported option {}", Shown(option)),
            CommandError::ClientType(name) => write!(f, "ERR Unknown client type '{}'", Shown(name)),
            CommandError::NoSuchUser(name) => write!(f, "ERR No such user '{}'", Shown(name)),
            CommandError::UnknownParameter(name) => {
                write!(f, "ERR Unknown option or number of arguments for CONFIG SET - '{}'", Shown(name))
            }
            CommandError::Parameter { name, why } => {
                write!(f, "ERR CONFIG SET failed (possibly related to argument '{name}') - {why}")
            }
            CommandError::Rewrite(why) => write!(f, "ERR Rewriting config file: {why}"),
            CommandError::WithoutMulti(command) => write!(f, "ERR {command} without MULTI"),
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
            CommandError::Unknown(text) => write!(f, "{}", Shown(text)),
            other => unreachable!("{other:?} has no names in its words"),
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

impl From<SinkError> for CommandError {
    fn from(error: SinkError) -> CommandError {
        CommandError::Text(TextError::Sink(error, 0))
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
