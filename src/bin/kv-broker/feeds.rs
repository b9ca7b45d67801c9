//! Which files, pipes and threads are the broker's feeds.

use crate::input::Input;
use crate::options::Options;
use crate::progress::{self, Notes};
use hedgerow::broker::front::{END_MARK, FEED_COMPLETE, FEED_CONSOLE, FEED_FILE, FEED_NOTES, FEED_TERMINAL};
use hedgerow::reactor::Reactor;
use hedgerow::reactor::feed::Sink;
use hedgerow::reactor::terminal::{self, Restore, Terminal};
use std::io::{self, Cursor};

/// Connects the data file and the console. What is returned restores the terminal.
pub(crate) fn connect(
    reactor: &mut Reactor,
    options: &Options,
    input: Option<Input>,
) -> io::Result<Option<Restore>> {
    let bar = match input {
        None => None,
        Some(input) => {
            reactor.add_feed(FEED_FILE, input.source, Sink::Discard)?;
            progress::show(&input.config.progress, input.bytes)
        }
    };
    if options.commands.is_empty() && terminal::is_interactive() {
        let terminal = Terminal {
            lines: reactor.add_handle(FEED_TERMINAL),
            words: reactor.add_handle(FEED_COMPLETE),
            notes: reactor.add_handle(FEED_NOTES),
            end_mark: END_MARK,
            bar,
        };
        return terminal::start(terminal).map(Some);
    }
    let notes = Notes { bar: bar.map(|bar| bar.bar) };
    reactor.add_feed(FEED_NOTES, io::empty(), Sink::Writer(Box::new(notes)))?;
    let answers = Sink::Writer(Box::new(io::stdout()));
    if options.commands.is_empty() {
        reactor.add_feed(FEED_CONSOLE, io::stdin(), answers)?;
    } else {
        reactor.add_feed(FEED_CONSOLE, Cursor::new(options.commands.join("\n")), answers)?;
    }
    Ok(None)
}
