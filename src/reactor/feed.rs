//! Sources and sinks inside of the process, presented to a machine as connections: a data file, a pipe, the console.
//!
//! ```text
//!  thread "feed"            bounded channels               the loop                bounded channel     thread "sink"
//!  read(64 KiB) ──► ▒▒▒▒ ── bell ──► handle_bytes ─► machine ─► net.out ─► ▒▒▒▒ ──► write, flush
//!  waits while full                  (not read while stalled      (kept while full; the sink
//!                                     or its sink stands still)    rings when there is room)
//! ```
//!
//! Files and terminals cannot be waited for with epoll, and reading them blocks: hence the threads. Back-pressure
//! needs no second way: what the machine does not take stays in the channel, and a full channel stops its thread.

use crate::limits;
use mio::Waker;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

/// Pieces of at most [`limits::READ_BYTES`] that wait in a channel, each way.
const PIECES_MAX: usize = 16;

type Piece = Vec<u8>;

/// Where the bytes go that a machine writes to a feed's connection.
pub enum Sink {
    /// Nowhere.
    Discard,
    /// To a writer, on a thread of its own, flushed after each turn's output. When nobody reads it any more (EPIPE),
    /// the reactor ends, quietly.
    Writer(Box<dyn Write + Send>),
}

/// The other end of a feed that lives in this process: another thread speaks to the machine as a client would.
pub struct FeedHandle {
    /// Sends requests; the feed ends when this is dropped.
    pub sender: FeedSender,
    /// Receives the answers.
    pub receiver: FeedReceiver,
}

/// The feed is closed: the machine or the reactor has ended it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FeedClosed;

impl std::fmt::Display for FeedClosed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the feed is closed")
    }
}

impl std::error::Error for FeedClosed {}

/// Speaks into a feed.
pub struct FeedSender {
    pieces: Option<SyncSender<io::Result<Piece>>>,
    bell: Arc<Bell>,
}

impl FeedSender {
    /// Hands over bytes; waits while the machine does not take what came before.
    pub fn send(&self, bytes: Vec<u8>) -> Result<(), FeedClosed> {
        self.pass(Ok(bytes))
    }

    fn pass(&self, piece: io::Result<Piece>) -> Result<(), FeedClosed> {
        let pieces = self.pieces.as_ref().expect("taken only by drop");
        pieces.send(piece).map_err(|_| FeedClosed)?;
        self.bell.ring();
        Ok(())
    }
}

impl Drop for FeedSender {
    fn drop(&mut self) {
        // In this order: whom the bell wakes must find the channel closed.
        self.pieces = None;
        self.bell.ring();
    }
}

/// Listens to a feed.
pub struct FeedReceiver {
    pieces: Option<Receiver<Piece>>,
    outlet: Arc<Outlet>,
}

impl FeedReceiver {
    /// The next bytes that the machine wrote, cut anywhere; `None` when nothing more will come.
    pub fn recv(&self) -> Option<Vec<u8>> {
        let piece = self.pieces().recv().ok()?;
        self.outlet.made_room();
        Some(piece)
    }

    /// Like [`FeedReceiver::recv`], but waits no longer than `timeout`: then `Ok(None)`.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Option<Vec<u8>>, FeedClosed> {
        match self.pieces().recv_timeout(timeout) {
            Ok(piece) => {
                self.outlet.made_room();
                Ok(Some(piece))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(FeedClosed),
        }
    }

    fn pieces(&self) -> &Receiver<Piece> {
        self.pieces.as_ref().expect("taken only by drop")
    }
}

impl Drop for FeedReceiver {
    fn drop(&mut self) {
        self.pieces = None;
        self.outlet.end(Some(ErrorKind::BrokenPipe));
    }
}

/// Wakes the loop for one feed; rung twice before it is answered, it wakes once.
pub(super) struct Bell {
    waker: Arc<Waker>,
    rung: AtomicBool,
}

impl Bell {
    pub(super) fn new(waker: Arc<Waker>) -> Arc<Bell> {
        Arc::new(Bell { waker, rung: AtomicBool::new(false) })
    }

    fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // Fails only when the reactor is gone, and then nobody waits.
            let _ = self.waker.wake();
        }
    }

    /// True if it was rung since the last call. What rings after this is heard by the next call.
    pub(super) fn answer(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }
}

/// What the loop and the taker of a sink's pieces know of each other.
pub(super) struct Outlet {
    bell: Arc<Bell>,
    /// The loop found the channel full and waits for room.
    starved: AtomicBool,
    /// Set once the taker is done, with what stopped it before the end.
    ended: OnceLock<Option<ErrorKind>>,
}

impl Outlet {
    fn new(bell: Arc<Bell>) -> Arc<Outlet> {
        Arc::new(Outlet { bell, starved: AtomicBool::new(false), ended: OnceLock::new() })
    }

    fn made_room(&self) {
        if self.starved.swap(false, Ordering::AcqRel) {
            self.bell.ring();
        }
    }

    fn end(&self, failure: Option<ErrorKind>) {
        let _ = self.ended.set(failure);
        self.bell.ring();
    }

    /// Nothing more will be taken: all is written, or cannot be.
    pub(super) fn is_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    fn failure(&self) -> Option<ErrorKind> {
        self.ended.get().copied().flatten()
    }
}

enum Output {
    Discard,
    Queue { pieces: SyncSender<Piece>, outlet: Arc<Outlet> },
}

/// The loop's end of a feed. Reads and writes like a socket that never blocks.
pub(super) struct Local {
    feed: u8,
    bell: Arc<Bell>,
    input: Receiver<io::Result<Piece>>,
    /// The piece that is being read, and how much of it is.
    piece: Piece,
    used: usize,
    output: Output,
    /// Its failure ends the process.
    is_vital: bool,
}

impl Local {
    /// A feed that reads `source` to its end on a thread of its own.
    pub(super) fn from_source(
        feed: u8,
        waker: &Arc<Waker>,
        source: impl Read + Send + 'static,
        sink: Sink,
    ) -> io::Result<Local> {
        let bell = Bell::new(Arc::clone(waker));
        let (sender, input) = sender(&bell);
        let is_vital = matches!(sink, Sink::Writer(_));
        let output = match sink {
            Sink::Discard => Output::Discard,
            Sink::Writer(writer) => writer_thread(writer, &bell)?,
        };
        thread::Builder::new().name(format!("feed {feed}")).spawn(move || read_all(source, &sender))?;
        Ok(Local { feed, bell, input, piece: Vec::new(), used: 0, output, is_vital })
    }

    /// A feed that another thread drives.
    pub(super) fn from_handle(feed: u8, waker: &Arc<Waker>) -> (Local, FeedHandle) {
        let bell = Bell::new(Arc::clone(waker));
        let (sender, input) = sender(&bell);
        let outlet = Outlet::new(Arc::clone(&bell));
        let (pieces, answers) = sync_channel(PIECES_MAX);
        let receiver = FeedReceiver { pieces: Some(answers), outlet: Arc::clone(&outlet) };
        let output = Output::Queue { pieces, outlet };
        let local = Local { feed, bell, input, piece: Vec::new(), used: 0, output, is_vital: false };
        (local, FeedHandle { sender, receiver })
    }

    pub(super) fn feed(&self) -> u8 {
        self.feed
    }

    pub(super) fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// Who takes what is written, if anybody does, and if the end of the process waits for that.
    pub(super) fn outlet(&self) -> Option<&Arc<Outlet>> {
        match &self.output {
            Output::Queue { outlet, .. } if self.is_vital => Some(outlet),
            _ => None,
        }
    }

    /// The sink takes nothing any more, for this reason.
    pub(super) fn failure(&self) -> Option<ErrorKind> {
        match &self.output {
            Output::Discard => None,
            Output::Queue { outlet, .. } => outlet.failure(),
        }
    }

    /// The exit status that a failure of this feed's sink means for the process: none if it may go on.
    pub(super) fn last_words(&self, failure: ErrorKind) -> Option<i32> {
        match failure {
            _ if !self.is_vital => None,
            ErrorKind::BrokenPipe => Some(0),
            _ => Some(1),
        }
    }

    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = self.rest()?;
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.used += count;
        Ok(count)
    }

    pub(super) fn read_onto(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        let room = into.capacity() - into.len();
        let rest = self.rest()?;
        let count = rest.len().min(room);
        into.extend_from_slice(&rest[..count]);
        self.used += count;
        Ok(count)
    }

    /// What is to be read now; nothing at the end.
    fn rest(&mut self) -> io::Result<&[u8]> {
        while self.used == self.piece.len() {
            match self.input.try_recv() {
                Ok(piece) => (self.piece, self.used) = (piece?, 0),
                Err(TryRecvError::Empty) => return Err(ErrorKind::WouldBlock.into()),
                Err(TryRecvError::Disconnected) => return Ok(&[]),
            }
        }
        Ok(&self.piece[self.used..])
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Output::Queue { pieces, outlet } = &self.output else { return Ok(bytes.len()) };
        let mut written = 0;
        for piece in bytes.chunks(limits::READ_BYTES) {
            match offer(pieces, outlet, piece) {
                Ok(()) => written += piece.len(),
                Err(TrySendError::Full(())) => break,
                Err(TrySendError::Disconnected(())) => {
                    return Err(outlet.failure().unwrap_or(ErrorKind::BrokenPipe).into());
                }
            }
        }
        if written == 0 && !bytes.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(written)
    }
}

/// Puts a piece into the channel. On `Full` the taker will ring when there is room.
fn offer(pieces: &SyncSender<Piece>, outlet: &Outlet, piece: &[u8]) -> Result<(), TrySendError<()>> {
    match pieces.try_send(piece.to_vec()) {
        Ok(()) => Ok(()),
        Err(TrySendError::Disconnected(_)) => Err(TrySendError::Disconnected(())),
        Err(TrySendError::Full(piece)) => {
            // Said first, tried again second: room that was made between the two would else ring for nobody. (A swap
            // and no store: either it sees what the taker's swap left, and so the room, or the taker's sees it.)
            outlet.starved.swap(true, Ordering::AcqRel);
            pieces.try_send(piece).map_err(|error| match error {
                TrySendError::Full(_) => TrySendError::Full(()),
                TrySendError::Disconnected(_) => TrySendError::Disconnected(()),
            })
        }
    }
}

fn sender(bell: &Arc<Bell>) -> (FeedSender, Receiver<io::Result<Piece>>) {
    let (pieces, input) = sync_channel(PIECES_MAX);
    (FeedSender { pieces: Some(pieces), bell: Arc::clone(bell) }, input)
}

fn read_all(mut source: impl Read, sender: &FeedSender) {
    loop {
        let mut piece = vec![0; limits::READ_BYTES];
        let read = source.read(&mut piece);
        let passed = match read {
            Ok(0) => return,
            Ok(count) => {
                piece.truncate(count);
                sender.send(piece)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => {
                // The last that is said: nothing is lost if nobody listens.
                let _ = sender.pass(Err(error));
                return;
            }
        };
        if passed.is_err() {
            return;
        }
    }
}

fn writer_thread(mut writer: Box<dyn Write + Send>, bell: &Arc<Bell>) -> io::Result<Output> {
    let (pieces, queue) = sync_channel::<Piece>(PIECES_MAX);
    let outlet = Outlet::new(Arc::clone(bell));
    let taker = Arc::clone(&outlet);
    thread::Builder::new().name("sink".to_owned()).spawn(move || {
        let mut write_one = |piece: Piece| writer.write_all(&piece).and_then(|()| writer.flush());
        let failure = loop {
            let Ok(piece) = queue.recv() else { break None };
            taker.made_room();
            if let Err(error) = write_one(piece) {
                break Some(error.kind());
            }
        };
        drop(queue);
        taker.end(failure);
    })?;
    Ok(Output::Queue { pieces, outlet })
}
