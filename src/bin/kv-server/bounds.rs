//! The flags of the limits: what clients may send and leave unread.

use clap::Args;
use hedgerow::limits::{
    ARGUMENTS_MAX, BULK_BYTES_MAX, COMPUTE_TOKENS_MAX, DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX,
    INCOMPLETE_BYTES_MAX, INCOMPLETE_SECS_MAX, INLINE_BYTES_MAX, INLINE_BYTES_MIN, Limits, PATIENCE_SECS_MAX,
    QUEUED_BYTES_MAX, QUEUED_BYTES_PAUSE, QUEUED_SECS_MAX, REPLY_BYTES_MAX, REPLY_BYTES_MIN, parse_size,
};

/// What clients may send and leave unread. Brokers are not bound by it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits for clients")]
pub(crate) struct Bounds {
    /// Most bytes of one argument, and of a line of PUT, QUERY, DELETE or COMPUTE; more closes the connection
    #[arg(long, value_name = "SIZE", default_value = "512mb", value_parser = size(1, BULK_BYTES_MAX))]
    max_bulk: usize,
    /// Most arguments of one request; more closes the connection
    #[arg(long, value_name = "N", default_value_t = ARGUMENTS_MAX, value_parser = size(1, ARGUMENTS_MAX))]
    max_arguments: usize,
    /// Most bytes of any other line of text; more closes the connection
    #[arg(long, value_name = "SIZE", default_value = "64kb", value_parser = size(INLINE_BYTES_MIN, INLINE_BYTES_MAX))]
    max_inline: usize,
    /// Most bytes of all clients' incomplete requests together; who needs more is told -OOM and closed
    #[arg(long, value_name = "SIZE", default_value = "1gb", value_parser = size(1, INCOMPLETE_BYTES_MAX))]
    max_incomplete: usize,
    /// A client whose request stays incomplete for so long without a byte is closed
    #[arg(long, value_name = "SECONDS", default_value_t = INCOMPLETE_SECS_MAX, value_parser = clap::value_parser!(u64).range(1..=PATIENCE_SECS_MAX))]
    incomplete_timeout: u64,
    /// A client that does not read is not read from while so much is queued for it
    #[arg(long, value_name = "SIZE", default_value = "1mb", value_parser = size(1, QUEUED_BYTES_PAUSE))]
    pause_queued: usize,
    /// ... and is closed if so much is queued for it and it takes nothing for 2 seconds
    #[arg(long, value_name = "SIZE", default_value = "64mb", value_parser = size(1, QUEUED_BYTES_MAX))]
    max_queued: usize,
    /// ... or if it takes nothing for so long, however little is queued
    #[arg(long, value_name = "SECONDS", default_value_t = QUEUED_SECS_MAX, value_parser = clap::value_parser!(u64).range(1..=PATIENCE_SECS_MAX))]
    read_timeout: u64,
    /// Most bytes of one reply; an error takes the place of a larger one
    #[arg(long, value_name = "SIZE", default_value = "1gb", value_parser = size(REPLY_BYTES_MIN, REPLY_BYTES_MAX))]
    max_reply: usize,
    /// Most bytes of a document's text
    #[arg(long, value_name = "SIZE", default_value = "64mb", value_parser = size(2, DOCUMENT_BYTES_MAX))]
    max_document: usize,
    /// Most nested sets and arrays of a document
    #[arg(long, value_name = "N", default_value_t = DOCUMENT_DEPTH_MAX, value_parser = size(1, DOCUMENT_DEPTH_MAX))]
    max_depth: usize,
    /// Most tokens of a COMPUTE expression
    #[arg(long, value_name = "N", default_value_t = COMPUTE_TOKENS_MAX, value_parser = size(1, COMPUTE_TOKENS_MAX))]
    max_compute_tokens: usize,
}

impl Bounds {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            bulk_bytes: self.max_bulk,
            arguments: self.max_arguments,
            inline_bytes: self.max_inline,
            incomplete_bytes: self.max_incomplete,
            incomplete_secs: self.incomplete_timeout,
            pause_bytes: self.pause_queued,
            queued_bytes: self.max_queued,
            queued_secs: self.read_timeout,
            reply_bytes: self.max_reply,
            document_bytes: self.max_document,
            document_depth: self.max_depth,
            compute_tokens: self.max_compute_tokens,
        }
    }
}

/// Reads a size within these bounds.
pub(crate) fn size(
    min: usize,
    max: usize,
) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| {
        let size =
            parse_size(text).ok_or("expected a number, with k, kb, m, mb, g or gb behind it or not")?;
        if (min..=max).contains(&size) { Ok(size) } else { Err(format!("expected {min} to {max}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, size};
    use clap::Parser;
    use hedgerow::limits::Limits;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        bounds: Bounds,
    }

    #[test]
    fn without_flags_everything_is_allowed_that_can_be() {
        assert_eq!(Flags::parse_from(["kv-server"]).bounds.limits(), Limits::FULL);
    }

    #[test]
    fn sizes_beyond_their_bounds_are_told_them() {
        assert_eq!(size(2, 9)("10"), Err("expected 2 to 9".into()));
        assert!(size(2, 9)("x").is_err_and(|told| told.contains("kb")));
    }
}
