//! A log that never blocks who writes to it.
//!
//! ```text
//!  log::info!(..) ──► simplelog formats ──► bounded channel ──► thread "log" ──► stderr or a file
//!  any thread          one line              full: dropped,       many lines a write;
//!                                            counted              says how many were dropped
//! ```
//!
//! A terminal that is stopped with Ctrl-S, a full disk or a slow pipe stops the thread, not the loop.

use log::LevelFilter;
use simplelog::{Config, ConfigBuilder, WriteLogger};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

/// Lines that wait to be written.
const LINES_MAX: usize = 4_096;
/// Bytes of one write.
const WRITE_BYTES: usize = 64 << 10;
/// How long the last lines may take at the end of the process.
const PATIENCE: Duration = Duration::from_secs(1);

enum Entry {
    Line(Vec<u8>),
    /// All before this is written: say so.
    Flush(SyncSender<()>),
    /// The file has another name now: what follows goes to a new one.
    Reopen,
}

/// The log of this process, for [`reopen`].
static LOG: OnceLock<SyncSender<Entry>> = OnceLock::new();

/// Keeps the log's end of life: when dropped, waits (at most a second or two) until the last lines are written.
pub struct LogGuard {
    entries: SyncSender<Entry>,
}

/// Starts the log of this process, once: lines of `level` and above go to `file` (appended) or to stderr. The level can
/// be changed later: [`log::set_max_level`].
pub fn start(level: LevelFilter, file: Option<&Path>) -> io::Result<LogGuard> {
    let sink: Box<dyn Write + Send> = match file {
        Some(path) => Box::new(open(path)?),
        None => Box::new(io::stderr()),
    };
    let (queue, guard) = queue(sink, file.map(Path::to_owned))?;
    WriteLogger::init(LevelFilter::Trace, config(), queue).map_err(io::Error::other)?;
    log::set_max_level(level);
    // Started once, or `init` would have said so.
    let _ = LOG.set(guard.entries.clone());
    Ok(guard)
}

/// Opens the log's file anew, after somebody (logrotate) has given it another name. Without a file nothing happens.
pub fn reopen() {
    if let Some(entries) = LOG.get() {
        // Where the log stands still, it is no use to have a new file.
        let _ = entries.try_send(Entry::Reopen);
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// `2026-11-22T12:41:20.123456789Z [INFO] request: 127.0.0.1:50312 get person1`
fn config() -> Config {
    ConfigBuilder::new()
        .set_time_format_rfc3339()
        .set_thread_level(LevelFilter::Off)
        .set_location_level(LevelFilter::Off)
        .set_target_level(LevelFilter::Error)
        .build()
}

/// The near end of the channel: collects what simplelog writes of a record, piece by piece, and sends it as a line.
struct Queue {
    line: Vec<u8>,
    entries: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

impl Write for Queue {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if self.line.ends_with(b"\n")
            && self.entries.try_send(Entry::Line(std::mem::take(&mut self.line))).is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn queue(sink: Box<dyn Write + Send>, file: Option<PathBuf>) -> io::Result<(Queue, LogGuard)> {
    let (entries, lines) = sync_channel(LINES_MAX);
    let dropped = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&dropped);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write_lines(&lines, sink, file.as_deref(), &counter))?;
    let guard = LogGuard { entries: entries.clone() };
    Ok((Queue { line: Vec::new(), entries, dropped }, guard))
}

fn write_lines(
    entries: &Receiver<Entry>,
    mut sink: Box<dyn Write + Send>,
    file: Option<&Path>,
    dropped: &AtomicU64,
) {
    let mut bytes = Vec::with_capacity(WRITE_BYTES);
    while let Ok(first) = entries.recv() {
        let (mut flushed, mut reopen) = (None, false);
        let mut next = Some(first);
        while let Some(entry) = next {
            match entry {
                Entry::Line(line) => bytes.extend_from_slice(&line),
                Entry::Flush(done) => flushed = Some(done),
                Entry::Reopen => reopen = true,
            }
            next = match flushed.is_none() && !reopen && bytes.len() < WRITE_BYTES {
                true => entries.try_recv().ok(),
                false => None,
            };
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            bytes.extend_from_slice(format!("({lost} lines were dropped: they came too fast)\n").as_bytes());
        }
        // There is nobody to tell that the log cannot be written.
        let _ = sink.write_all(&bytes).and_then(|()| sink.flush());
        bytes.clear();
        if let Some(path) = file.filter(|_| reopen) {
            match open(path) {
                Ok(new) => sink = Box::new(new),
                Err(error) => {
                    let _ = writeln!(sink, "(the log cannot be opened again at {}: {error})", path.display());
                }
            }
        }
        if let Some(done) = flushed {
            let _ = done.send(());
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        const TRIES: u32 = 100;
        let (done, wait) = sync_channel(1);
        let mut entry = Entry::Flush(done);
        for _ in 0..TRIES {
            match self.entries.try_send(entry) {
                Ok(()) => {
                    let _ = wait.recv_timeout(PATIENCE);
                    return;
                }
                Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(back)) => {
                    entry = back;
                    thread::park_timeout(PATIENCE / TRIES);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::{Level, Log, Record};
    use std::sync::mpsc::{Sender, channel};

    /// Takes a write only when it is let; says what it took.
    struct Gate {
        permits: Receiver<()>,
        written: Sender<String>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.permits.recv();
            self.written.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(logger: &impl Log, text: &str) {
        let (level, target) = (Level::Info, "request");
        logger.log(&Record::builder().args(format_args!("{text}")).level(level).target(target).build());
    }

    #[test]
    fn a_log_that_stands_still_drops_lines_and_counts_them() {
        let (permits, gate) = channel();
        let (written, out) = channel();
        let (queue, guard) = queue(Box::new(Gate { permits: gate, written }), None).unwrap();
        let logger = WriteLogger::new(LevelFilter::Info, config(), queue);
        // None of these waits, though nothing is written.
        (0..LINES_MAX * 2 + 10).for_each(|i| log(&*logger, &format!("line {i}")));
        drop(permits);
        log(&*logger, "last");
        drop(guard);
        drop(logger);
        let all: String = out.iter().collect();
        let lines = all.lines().filter(|line| line.contains(" [INFO] request: line ")).count();
        assert!(lines >= LINES_MAX, "{lines}");
        let dropped: usize = all
            .lines()
            .filter_map(|line| line.strip_prefix('(')?.split(' ').next()?.parse::<usize>().ok())
            .sum();
        let last = all.lines().filter(|line| line.ends_with("request: last")).count();
        assert_eq!(lines + last + dropped, LINES_MAX * 2 + 11);
        assert!(dropped > 0);
    }

    #[test]
    fn a_line_says_when_how_grave_who_and_what() {
        let (permits, gate) = channel();
        let (written, out) = channel();
        let (queue, guard) = queue(Box::new(Gate { permits: gate, written }), None).unwrap();
        let logger = WriteLogger::new(LevelFilter::Info, config(), queue);
        log(&*logger, "127.0.0.1:7 get person1");
        permits.send(()).unwrap();
        drop(guard);
        let line = out.recv().unwrap();
        let (time, rest) = line.split_once(' ').unwrap();
        assert_eq!(rest, "[INFO] request: 127.0.0.1:7 get person1\n");
        assert!(time.ends_with('Z') && time.starts_with("20") && time.as_bytes()[10] == b'T', "{time}");
    }
}
