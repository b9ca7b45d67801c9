//! How far the loading is: a bar on standard error where that is a terminal, and notes that do not run into it.

use hedgerow::broker::front::LoadProgress;
use hedgerow::reactor::terminal::Bar;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// How often the bar is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(100);
/// What is loaded sooner needs no bar.
const DRAWN_AFTER: Duration = Duration::from_millis(300);

/// Draws the bar until the loading is over. `None`: nobody would see it.
pub(crate) fn show(progress: &Arc<LoadProgress>, bytes: Option<u64>) -> Option<Bar> {
    if !io::stderr().is_terminal() {
        return None;
    }
    let template = match bytes {
        Some(_) => "loading {bar:30} {percent} %  {msg} records, {bytes_per_sec}, {eta} left",
        None => "loading {spinner} {msg} records, {bytes_per_sec}",
    };
    let style = ProgressStyle::with_template(template).expect("the template is sound");
    let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::hidden()).with_style(style);
    let (seen, drawn) = (Arc::clone(progress), bar.clone());
    let thread = thread::Builder::new().name("progress".to_owned()).spawn(move || {
        thread::park_timeout(DRAWN_AFTER);
        if !seen.finished.load(Ordering::Acquire) {
            drawn.set_draw_target(ProgressDrawTarget::stderr());
        }
        while !seen.finished.load(Ordering::Acquire) {
            drawn.set_message(HumanCount(seen.records.load(Ordering::Relaxed)).to_string());
            drawn.set_position(seen.bytes.load(Ordering::Relaxed));
            thread::park_timeout(DRAWN_EVERY);
        }
        drawn.finish_and_clear();
    });
    let (thread, progress) = (thread.ok()?, Arc::clone(progress));
    let close = move || {
        progress.finished.store(true, Ordering::Release);
        thread.thread().unpark();
        // What it drew is wiped away before anybody writes there; that it failed to draw is no news.
        let _ = thread.join();
    };
    Some(Bar { bar, close: Box::new(close) })
}

/// Standard error, beside the bar.
pub(crate) struct Notes {
    pub(crate) bar: Option<ProgressBar>,
}

impl Write for Notes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let write = || io::stderr().write_all(bytes);
        match &self.bar {
            Some(bar) => bar.suspend(write)?,
            None => write()?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
