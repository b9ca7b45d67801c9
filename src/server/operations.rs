//! What operators and tools ask: TIME, WAIT, SHUTDOWN, MODULE, FUNCTION, DEBUG, and what only looks like Redis' cluster.

use super::connection::write_modules;
use super::dispatch::{Call, Outcome, subcommand_syntax, unknown_subcommand};
use super::edits::integer;
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::introspection::help;
use super::object::encoding;
use super::{REDIS_VERSION, Server};
use crate::conn::Net;
use crate::proto::command::CommandId;
use crate::proto::resp::{Writer, parse_integer};
use crate::time::Span;

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Time, Handler::Reply(time)),
    (CommandId::Lolwut, Handler::Reply(lolwut)),
    (CommandId::Wait, Handler::Reply(wait)),
    (CommandId::Shutdown, Handler::Net(shutdown)),
    (CommandId::Monitor, Handler::Reply(Server::monitor)),
    (CommandId::ModuleList, Handler::Reply(module_list)),
    (CommandId::ModuleHelp, Handler::Reply(help)),
    (CommandId::FunctionFlush, Handler::Reply(function_flush)),
    (CommandId::FunctionHelp, Handler::Reply(help)),
    (CommandId::Debug, Handler::Reply(Server::debug)),
    (CommandId::Readonly, Handler::Reply(no_cluster)),
    (CommandId::Readwrite, Handler::Reply(no_cluster)),
    (CommandId::RedisCluster, Handler::Reply(no_cluster)),
];

fn time(_server: &mut Server, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    out.array(2);
    out.bulk((call.now.unix_ms / 1_000).to_string());
    out.bulk((call.now.unix_ms % 1_000 * 1_000).to_string());
    Ok(())
}

const HEDGE: &str = "\
        a            p
       / \\          / \\
      b   c        e   u
     /|   |\\      /|    \\
    d e   f g    r s     t
  ~~~~~~~~~~~~~~~~~~~~~~~~~~
";

/// `LOLWUT [VERSION n]`: a row of tries.
fn lolwut(_server: &mut Server, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    if call.len() >= 3 && call.is(1, "VERSION") {
        integer(call.arg(2))?;
    }
    out.verbatim(format!("{HEDGE}\nHedgerow {}, Redis ver. {REDIS_VERSION}\n", env!("CARGO_PKG_VERSION")));
    Ok(())
}

/// No replica hears of writes one by one: none has.
fn wait(_server: &mut Server, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    integer(call.arg(1))?;
    let timeout = parse_integer(call.arg(2)).ok_or(CommandError::Timeout)?;
    if timeout < 0 {
        return Err(CommandError::TimeoutNegative);
    }
    out.int(0);
    Ok(())
}

/// `SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] [ABORT]`: answers that are on their way are sent, then the process ends.
fn shutdown(_server: &mut Server, call: Call<'_>, net: &mut Net) -> Outcome {
    let mut abort = false;
    for index in 1..call.len() {
        abort |= call.is(index, "ABORT");
        if !["SAVE", "NOSAVE", "NOW", "FORCE", "ABORT"].into_iter().any(|word| call.is(index, word)) {
            return Err(CommandError::Syntax);
        }
    }
    let both = |word: &str| (1..call.len()).any(|index| call.is(index, word));
    if (abort && call.len() > 2) || (both("SAVE") && both("NOSAVE")) {
        return Err(CommandError::Syntax);
    }
    if abort {
        return Err(CommandError::NoShutdown);
    }
    log::info!("a client asked to shut down");
    net.stop(0);
    Ok(())
}

fn module_list(_server: &mut Server, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    write_modules(out);
    Ok(())
}

fn function_flush(_server: &mut Server, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    if call.len() > 3 {
        return Err(subcommand_syntax(&call));
    }
    let known = call.len() == 2 || (call.len() == 3 && (call.is(2, "SYNC") || call.is(2, "ASYNC")));
    if !known {
        return Err(CommandError::FunctionFlush);
    }
    out.ok();
    Ok(())
}

fn no_cluster(_server: &mut Server, _call: Call<'_>, _out: &mut Writer<'_>) -> Outcome {
    Err(CommandError::ClusterDisabled)
}

impl Server {
    /// `DEBUG SLEEP seconds`, `DEBUG OBJECT key`; only where the server was started so.
    fn debug(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let sleep = self.config.debug_sleep.expect("else it is not admitted");
        match call.len() {
            3 if call.is(1, "SLEEP") => {
                let text = std::str::from_utf8(call.arg(2)).unwrap_or_default();
                let seconds: f64 = text.parse().unwrap_or(0.0);
                sleep(Span::from_micros((seconds.clamp(0.0, 3_600.0) * 1e6) as u64));
                out.ok();
            }
            3 if call.is(1, "OBJECT") => {
                let record = self.live(call.arg(2)).ok_or(CommandError::NoSuchKey)?;
                let bytes = self.trie.memory_usage(call.arg(2)).unwrap_or(0);
                let encoding = encoding(&record);
                out.simple(&format!(
                    "Value at:0x0 refcount:1 encoding:{encoding} serializedlength:{bytes} lru:0 lru_seconds_idle:0"
                ));
            }
            _ => return Err(unknown_subcommand(call.command, call.arg(1))),
        }
        Ok(())
    }
}
