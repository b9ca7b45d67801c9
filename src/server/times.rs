//! LATENCY: how long commands took.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::handlers::{Handler, Handlers};
use super::introspection::help;
use crate::proto::command::{COMMANDS, Command, CommandId, lookup};
use crate::proto::resp::Writer;

pub(super) const HANDLERS: Handlers = &[
    (CommandId::LatencyHistogram, Handler::Reply(Server::latency_histogram)),
    (CommandId::LatencyLatest, Handler::Reply(no_events)),
    (CommandId::LatencyHistory, Handler::Reply(no_events)),
    (CommandId::LatencyReset, Handler::Reply(reset)),
    (CommandId::LatencyDoctor, Handler::Reply(doctor)),
    (CommandId::LatencyHelp, Handler::Reply(help)),
];

/// Events are what Redis calls forks, swaps and the like: nothing here is one.
fn no_events(_server: &mut Server, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    out.array(0);
    Ok(())
}

fn reset(_server: &mut Server, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    out.int(0);
    Ok(())
}

fn doctor(_server: &mut Server, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
    out.verbatim("Events are not watched; LATENCY HISTOGRAM and SLOWLOG GET tell how long commands took.\n");
    Ok(())
}

/// Every command, each container's subcommands behind it.
pub(super) fn all_commands() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().flat_map(|command| std::iter::once(command).chain(command.subcommands))
}

impl Server {
    /// `LATENCY HISTOGRAM [command ..]`; a container stands for its subcommands.
    fn latency_histogram(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let named: Vec<&Command> = call.args_from(2).filter_map(lookup).collect();
        let wanted = |command: &Command| {
            call.len() == 2
                || named.iter().any(|named| {
                    named.id == command.id || named.subcommands.iter().any(|sub| sub.id == command.id)
                })
        };
        let known = |command: &&Command| wanted(command) && self.stats.histogram(command.id).is_some();
        let commands: Vec<&Command> = all_commands().filter(known).collect();
        out.map(commands.len());
        for command in commands {
            let histogram = self.stats.histogram(command.id).expect("just seen");
            let pairs = histogram.by_micros();
            out.bulk(command.full_name);
            out.map(2);
            out.bulk("calls");
            out.int(histogram.total() as i64);
            out.bulk("histogram_usec");
            out.map(pairs.len());
            for (micros, count) in pairs {
                out.int(micros as i64);
                out.int(count as i64);
            }
        }
        Ok(())
    }
}
