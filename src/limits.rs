//! Every bound of the system, with its reason.

/// Bytes of a key: a length fits two bytes, and no path of nodes grows without end.
pub const KEY_BYTES_MAX: usize = 65_535;
/// Bytes of one bulk argument (Redis' `proto-max-bulk-len`).
pub const BULK_BYTES_MAX: usize = 512 << 20;
/// Arguments of one request (as Redis).
pub const ARGUMENTS_MAX: usize = 1_048_576;
/// Bytes of an inline line; the four verbs PUT, QUERY, DELETE, COMPUTE may be as long as a bulk.
pub const INLINE_BYTES_MAX: usize = 64 << 10;
/// ... and no bound may be below this: a line must hold the longest of the names of commands.
pub const INLINE_BYTES_MIN: usize = 64;
/// Bytes of all incomplete requests together; beyond it `-OOM`.
pub const INCOMPLETE_BYTES_MAX: usize = 1 << 30;
/// Bytes of a document's text.
pub const DOCUMENT_BYTES_MAX: usize = 64 << 20;
/// Nested sets and arrays of a document.
pub const DOCUMENT_DEPTH_MAX: usize = 128;
/// Tokens of a COMPUTE expression, WHERE included.
pub const COMPUTE_TOKENS_MAX: usize = 4_096;
/// Bytes of the requests between MULTI and EXEC of one connection.
pub const TRANSACTION_BYTES_MAX: usize = 512 << 20;
/// Connections a server accepts when the process' limit of open files allows it.
pub const CLIENTS_MAX_DEFAULT: usize = 19_900;
/// File descriptors kept for everything that is no client.
pub const RESERVED_FILES: usize = 32;
/// Bytes of one reply: a value of the largest size and more, but not one value again and again.
pub const REPLY_BYTES_MAX: usize = 1 << 30;
/// ... and no bound may be below this: what a server tells of itself (COMMAND, INFO) must fit.
pub const REPLY_BYTES_MIN: usize = 1 << 20;
/// Where a password is set, a client must have given it after this many seconds.
pub const AUTH_SECS_MAX: u64 = 5;
/// An incomplete request is closed after this many seconds without a byte.
pub const INCOMPLETE_SECS_MAX: u64 = 60;
/// A client that does not read: no more is read from it while this much is queued for it.
pub const QUEUED_BYTES_PAUSE: usize = 1 << 20;
/// ... and it is closed when this much is queued and it takes nothing for
/// [`QUEUED_FULL_SECS_MAX`] seconds (one reply may be larger than this, up to [`REPLY_BYTES_MAX`]).
pub const QUEUED_BYTES_MAX: usize = 64 << 20;
/// See [`QUEUED_BYTES_MAX`].
pub const QUEUED_FULL_SECS_MAX: u64 = 2;
/// ... or when nothing could be written for this many seconds.
pub const QUEUED_SECS_MAX: u64 = 60;
/// No limit of time may be longer: longer waits are no limit.
pub const PATIENCE_SECS_MAX: u64 = 86_400;
/// A client that is silent for so many seconds is asked by the kernel whether it still stands (TCP keepalive), as Redis
/// does: one whose machine went away without a word would keep its place for ever.
pub const KEEPALIVE_SECS_DEFAULT: u32 = 300;
/// What the kernel takes for it.
pub const KEEPALIVE_SECS_MAX: u32 = 32_767;
/// Microseconds from which a command is slow (as Redis).
pub const SLOWER_THAN_MICROS_DEFAULT: i64 = 10_000;
/// Slow commands that are remembered (as Redis).
pub const SLOW_LOG_LEN_DEFAULT: usize = 128;
/// Requests of one connection answered in one turn of the loop; then the others come first.
pub const REQUESTS_PER_TURN_MAX: usize = 64;
/// Bytes read at once; one buffer of this size serves the whole loop.
pub const READ_BYTES: usize = 64 << 10;
/// Events taken from the kernel in one turn.
pub const EVENTS_PER_TURN: usize = 256;
/// Copies of each record: places among a slot's replicas are bits of a word.
pub const REPLICAS_MAX: usize = 64;
/// Servers of one cluster.
pub const SERVERS_MAX: usize = 1_000;
/// Broker's window to one server: requests in flight ...
pub const WINDOW_REQUESTS_MAX: usize = 4_096;
/// ... and their bytes; beyond either nothing more is read from who causes them.
pub const WINDOW_BYTES_MAX: usize = 8 << 20;

/// What of these a server may be told to narrow for its clients; the default is all of it. Nothing can be widened: the
/// layouts of frames and documents are made for the constants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of one argument, at most [`BULK_BYTES_MAX`].
    pub bulk_bytes: usize,
    /// Arguments of one request, at most [`ARGUMENTS_MAX`].
    pub arguments: usize,
    /// Bytes of an inline line, at most [`INLINE_BYTES_MAX`]; the four verbs end at `bulk_bytes`.
    pub inline_bytes: usize,
    /// Bytes of all incomplete requests together, at most [`INCOMPLETE_BYTES_MAX`].
    pub incomplete_bytes: usize,
    /// Seconds without a byte after which an incomplete request is closed.
    pub incomplete_secs: u64,
    /// Bytes queued for a client that does not read from which on it is not read from, at most [`QUEUED_BYTES_PAUSE`].
    pub pause_bytes: usize,
    /// ... and from which on it is closed when it takes nothing, at most [`QUEUED_BYTES_MAX`].
    pub queued_bytes: usize,
    /// Seconds without progress after which a client that does not read is closed.
    pub queued_secs: u64,
    /// Bytes of one reply, at most [`REPLY_BYTES_MAX`].
    pub reply_bytes: usize,
    /// Bytes of a document's text, at most [`DOCUMENT_BYTES_MAX`].
    pub document_bytes: usize,
    /// Nested sets and arrays of a document, at most [`DOCUMENT_DEPTH_MAX`].
    pub document_depth: usize,
    /// Tokens of a COMPUTE expression, at most [`COMPUTE_TOKENS_MAX`].
    pub compute_tokens: usize,
}

impl Limits {
    /// Everything that the constants allow.
    pub const FULL: Limits = Limits {
        bulk_bytes: BULK_BYTES_MAX,
        arguments: ARGUMENTS_MAX,
        inline_bytes: INLINE_BYTES_MAX,
        incomplete_bytes: INCOMPLETE_BYTES_MAX,
        incomplete_secs: INCOMPLETE_SECS_MAX,
        pause_bytes: QUEUED_BYTES_PAUSE,
        queued_bytes: QUEUED_BYTES_MAX,
        queued_secs: QUEUED_SECS_MAX,
        reply_bytes: REPLY_BYTES_MAX,
        document_bytes: DOCUMENT_BYTES_MAX,
        document_depth: DOCUMENT_DEPTH_MAX,
        compute_tokens: COMPUTE_TOKENS_MAX,
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::FULL
    }
}

const _: () = assert!(INLINE_BYTES_MAX <= BULK_BYTES_MAX);
const _: () = assert!(DOCUMENT_BYTES_MAX <= BULK_BYTES_MAX);
const _: () = assert!(BULK_BYTES_MAX <= INCOMPLETE_BYTES_MAX);
const _: () = assert!(QUEUED_BYTES_PAUSE < QUEUED_BYTES_MAX);
const _: () = assert!(BULK_BYTES_MAX < REPLY_BYTES_MAX, "what can be stored can be told");

/// A size as Redis' configuration has it: `k` is 1,000, `kb` 1,024, and so on.
pub fn parse_size(text: &str) -> Option<usize> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let factor = match text[digits..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<usize>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_have_redis_units() {
        let sizes = ["7", "7b", "2k", "2KB", "3m", "3mb", "1g", "1Gb"].map(parse_size);
        let bytes = [7, 7, 2_000, 2_048, 3_000_000, 3 << 20, 1_000_000_000, 1 << 30];
        assert_eq!(sizes, bytes.map(Some));
        for bad in ["", "k", "-1", "1.5m", "1 k", "1kk", "99999999999999999999", "99999999999999999g"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }
}
