//! The data file: record lines to blind writes, as fast as the engine takes them.
//!
//! ```text
//!   bytes ──► line ──► key, document as compact JSON ──► engine        at most as many under way as it has room for
//!               │                                          │
//!               ▼ malformed: a note, and on (or the end)   ▼ failed: a note, and on
//! ```

use super::desk::{Desk, Ports, load_ticket};
use super::pending::unavailable_because;
use super::store::Store;
use crate::broker::engine::{Ask, EngineError, Outcome};
use crate::conn::{ConnId, Next, Taken};
use crate::console::LineError;
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::proto::text::{RecordLine, Style, grouped, json_line, record_line, restyle};
use crate::record::Kind;
use crate::time::Time;
use crate::value::SinkError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How a data file is read.
#[derive(Clone, Debug)]
pub struct LoadConfig {
    /// What it is called in messages.
    pub name: String,
    /// Lines are JSON objects, and this field of each is its record's key.
    pub key_field: Option<String>,
    /// The first malformed line ends the process.
    pub strict: bool,
    /// Where others can see how far it is.
    pub progress: Arc<LoadProgress>,
}

/// How far the loading is, for a progress bar on another thread.
#[derive(Debug, Default)]
pub struct LoadProgress {
    /// Records stored.
    pub records: AtomicU64,
    /// Bytes read.
    pub bytes: AtomicU64,
    /// Nothing more will come.
    pub finished: AtomicBool,
}

/// Faults of each kind that are told one by one; of the rest only the number.
const FAULTS_TOLD: u64 = 100;

pub(super) struct Load {
    pub(super) config: LoadConfig,
    /// Its connection, while it is open.
    pub(super) id: Option<ConnId>,
    pub(super) is_stalled: bool,
    /// The last line, which had no line end, kept until there is room for it.
    last_line: Option<Vec<u8>>,
    /// The file ended.
    is_read: bool,
    begun: Option<Time>,
    /// Lines read.
    lines: u64,
    bytes: u64,
    scanned: usize,
    /// Records under way.
    open: u64,
    loaded: u64,
    malformed: u64,
    failed: u64,
}

/// What one line came to.
enum Line {
    Fine,
    /// Under --strict nothing goes on.
    Stop,
}

impl Load {
    pub(super) fn new(config: LoadConfig) -> Load {
        Load {
            config,
            id: None,
            is_stalled: false,
            last_line: None,
            is_read: false,
            begun: None,
            lines: 0,
            bytes: 0,
            scanned: 0,
            open: 0,
            loaded: 0,
            malformed: 0,
            failed: 0,
        }
    }

    /// Takes what lines there are room for.
    pub(super) fn take_bytes<S: Store>(
        &mut self,
        bytes: &[u8],
        desk: &mut Desk,
        ports: &mut Ports<'_, S>,
    ) -> Taken {
        self.begun.get_or_insert(ports.now.time);
        let mut at = 0;
        let next = loop {
            if !ports.store.room() {
                break Next::Stall;
            }
            let rest = &bytes[at..];
            let Some(len) = memchr::memchr(b'\n', &rest[self.scanned..]).map(|len| self.scanned + len) else {
                self.scanned = rest.len();
                break Next::More { at_least: rest.len() + 1 };
            };
            self.scanned = 0;
            at += len + 1;
            if let Line::Stop = self.line(&rest[..len], desk, ports) {
                at = bytes.len();
                break Next::Stall;
            }
        };
        self.bytes += at as u64;
        self.config.progress.bytes.store(self.bytes, Ordering::Relaxed);
        self.is_stalled = next == Next::Stall;
        Taken { consumed: at, next }
    }

    /// The file ended; `unread` is its last line if that has no line end.
    pub(super) fn take_eof(&mut self, unread: &[u8], now: Time) {
        self.begun.get_or_insert(now);
        self.is_read = true;
        self.bytes += unread.len() as u64;
        self.last_line = (!unread.is_empty()).then(|| unread.to_vec());
    }

    /// One record is stored, or not.
    pub(super) fn answered<S: Store>(
        &mut self,
        line: u64,
        outcome: &Outcome,
        desk: &mut Desk,
        ports: &mut Ports<'_, S>,
    ) {
        self.open -= 1;
        let Outcome::Failed(error) = outcome else {
            self.loaded += 1;
            return;
        };
        self.failed += 1;
        desk.failed = true;
        if self.failed <= FAULTS_TOLD {
            let why = match error {
                EngineError::Unavailable => {
                    format!("UNAVAILABLE: not stored: {}", unavailable_because(ports.store.failures()))
                }
                EngineError::Uncertain => "UNCERTAIN: it may be stored or not".to_owned(),
                EngineError::NotADocument => "it is no document".to_owned(),
                EngineError::Refused(words) => words.clone(),
            };
            desk.note(&format!("{}:{line}: {why}", self.config.name), ports.net);
        }
    }

    /// Takes up the last line once there is room for it. True: it is under way.
    pub(super) fn take_last_line<S: Store>(&mut self, desk: &mut Desk, ports: &mut Ports<'_, S>) -> bool {
        if !ports.store.room() {
            return false;
        }
        let Some(line) = self.last_line.take() else { return false };
        self.line(&line, desk, ports);
        true
    }

    /// Ends the loading if nothing is left to be done. True: it is over.
    pub(super) fn finish<S: Store>(&mut self, desk: &mut Desk, ports: &mut Ports<'_, S>) -> bool {
        self.config.progress.records.store(self.loaded, Ordering::Relaxed);
        if !self.is_read || self.open > 0 || self.last_line.is_some() || ports.net.stopping().is_some() {
            return false;
        }
        let span = ports.now.time.since(self.begun.unwrap_or(ports.now.time));
        let seconds = span.as_secs_f64();
        let rate = if seconds > 0.0 { (self.loaded as f64 / seconds) as u64 } else { self.loaded };
        let mut text = format!(
            "loaded {} records in {seconds:.1} s ({} records/s), {} malformed",
            grouped(self.loaded),
            grouped(rate),
            grouped(self.malformed)
        );
        if self.failed > 0 {
            text.push_str(&format!(", {} not stored", grouped(self.failed)));
        }
        desk.note(&text, ports.net);
        self.config.progress.finished.store(true, Ordering::Release);
        if let Some(id) = self.id.take() {
            ports.net.close(id);
        }
        true
    }

    /// The file could not be read to its end.
    pub(super) fn lost(&mut self, why: &str, desk: &mut Desk, ports: &mut Ports<'_, impl Store>) {
        desk.failed = true;
        desk.note(&format!("{}: read up to line {}: {why}", self.config.name, self.lines), ports.net);
        self.id = None;
        self.is_read = true;
    }

    fn line<S: Store>(&mut self, line: &[u8], desk: &mut Desk, ports: &mut Ports<'_, S>) -> Line {
        self.lines += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = match self.lines {
            1 => line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line),
            _ => line,
        };
        match self.record(line) {
            Ok(None) => Line::Fine,
            Ok(Some((record, body))) => {
                let ask = Ask::Put { kind: Kind::Document, body, blind: true };
                let ticket = load_ticket(self.lines);
                self.open += 1;
                ports.store.submit(ticket, &record.key, ask, ports.now, ports.net);
                Line::Fine
            }
            Err(error) => self.malformed(line, &error, desk, ports),
        }
    }

    /// The record that a line tells, and its document as compact JSON.
    fn record<'l>(&self, line: &'l [u8]) -> Result<Option<(RecordLine<'l>, Vec<u8>)>, LineError> {
        let record = match &self.config.key_field {
            None => record_line(line)?,
            Some(field) => json_line(line, field)?,
        };
        let Some(record) = record else { return Ok(None) };
        if record.text.len() > DOCUMENT_BYTES_MAX {
            return Err(LineError { offset: record.offset, message: SinkError::TooLarge.to_string() });
        }
        let mut body = Vec::with_capacity(record.text.len());
        restyle(record.text, Style::Json, &mut body).map_err(|error| error.shifted(record.offset))?;
        Ok(Some((record, body)))
    }

    fn malformed<S: Store>(
        &mut self,
        line: &[u8],
        error: &LineError,
        desk: &mut Desk,
        ports: &mut Ports<'_, S>,
    ) -> Line {
        self.malformed += 1;
        if self.malformed <= FAULTS_TOLD || self.config.strict {
            let mut text = Vec::new();
            error.write(line, &mut text);
            let text = String::from_utf8_lossy(text.trim_ascii_end());
            let verdict = if self.config.strict { "this line ends the load (--strict)" } else { "skipped" };
            desk.note(&format!("{}:{}: {verdict}\n{text}", self.config.name, self.lines), ports.net);
        }
        if self.malformed == FAULTS_TOLD && !self.config.strict {
            desk.note("further malformed lines are only counted", ports.net);
        }
        if !self.config.strict {
            return Line::Fine;
        }
        desk.failed = true;
        self.config.progress.finished.store(true, Ordering::Release);
        ports.net.stop(1);
        Line::Stop
    }
}
