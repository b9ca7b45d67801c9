//! The askers: the console, the data file, and whoever else sends lines.
//!
//! ```text
//!   feed                                                    out
//!   FEED_FILE      ──► load ───────► engine                 (notes)
//!   FEED_CONSOLE   ──► session ────► engine ──► session ──► answers, in the order of the lines
//!   FEED_TERMINAL  ──►   "             the same, and a mark behind each answer
//!   FEED_COMPLETE  ──► session (completer)              ──► candidates, and an empty line
//!   FEED_NOTES     ◄── notes and warnings (standard error); without it they stand among the answers
//! ```
//!
//! Nothing is taken from any of them before the servers are there, and nothing from the console before
//! the data file is loaded. Whoever has too much under way is stalled, and resumed when the engine has room.

mod begin;
mod cursors;
mod desk;
mod job;
mod load;
mod pending;
mod session;
mod start;
mod status;
mod store;

#[cfg(test)]
mod tests;

pub use load::{LoadConfig, LoadProgress};
pub use session::END_MARK;
pub use store::{Failures, Store};

use crate::broker::engine::{Answer, Ticket};
use crate::conn::{CloseReason, ConnId, Net, Next, Origin, Taken};
use crate::console::Scratch;
use crate::limits::BULK_BYTES_MAX;
use crate::time::{Now, Time};
use begin::{Begun, begin};
use desk::{Desk, Ports, Recipient, loaded_line};
use load::Load;
use session::{Kind, Session};
use start::Start;

/// Lines from a pipe; the process ends with it.
pub const FEED_CONSOLE: u8 = 0;
/// The data file.
pub const FEED_FILE: u8 = 1;
/// Takes notes and warnings, and gives nothing.
pub const FEED_NOTES: u8 = 2;
/// Questions of the line editor.
pub const FEED_COMPLETE: u8 = 3;
/// Lines from a line editor, which wants to know where answers end; the process ends with it.
pub const FEED_TERMINAL: u8 = 4;

/// The sessions of one broker.
pub struct Front {
    sessions: Vec<Session>,
    desk: Desk,
    load: Option<Load>,
    start: Start,
    scratch: Scratch,
}

impl Front {
    /// A front without sessions. `load`: there will be a feed [`FEED_FILE`], and the console waits for it.
    pub fn new(load: Option<LoadConfig>) -> Front {
        Front {
            sessions: Vec::new(),
            desk: Desk::default(),
            load: load.map(Load::new),
            start: Start::Unknown,
            scratch: Scratch::new(),
        }
    }

    /// An asker is there.
    pub fn handle_open(&mut self, id: ConnId, origin: Origin, net: &mut Net) {
        let feed = match origin {
            Origin::Local { feed } => feed,
            Origin::Accepted { .. } | Origin::Dialed { .. } => u8::MAX,
        };
        let (kind, marks_ends) = match feed {
            FEED_NOTES => {
                self.desk.notes = Some(id);
                return;
            }
            FEED_FILE => {
                match &mut self.load {
                    Some(load) => load.id = Some(id),
                    None => net.abort(id),
                }
                return;
            }
            FEED_CONSOLE => (Kind::Console, false),
            FEED_TERMINAL => (Kind::Console, true),
            FEED_COMPLETE => (Kind::Completer, false),
            _ => (Kind::Client, false),
        };
        self.sessions.push(Session::new(id, kind, marks_ends));
    }

    /// An asker said something.
    pub fn handle_bytes<S: Store>(
        &mut self,
        id: ConnId,
        bytes: &[u8],
        store: &mut S,
        now: Now,
        net: &mut Net,
    ) -> Taken {
        let mut ports = Ports { store, net, now };
        if self.desk.notes == Some(id) {
            return Taken::all(bytes);
        }
        if self.load.as_ref().is_some_and(|load| load.id == Some(id)) {
            return self.take_load_bytes(bytes, &mut ports);
        }
        let mut at = 0;
        loop {
            let Some(index) = self.session_of(id) else { return Taken::all(bytes) };
            let (consumed, next) = self.take_lines(index, &bytes[at..], &mut ports);
            at += consumed;
            // What was asked may be answered by now: then it goes on, as nobody would resume what is not stalled yet.
            self.settle(&mut ports);
            let Some(index) = self.session_of(id) else { return Taken::all(bytes) };
            let is_stalled = next == Next::Stall && !self.may_begin(index, &ports);
            self.sessions[index].is_stalled = is_stalled;
            if is_stalled || next != Next::Stall {
                return Taken { consumed: at, next };
            }
            if at == bytes.len() {
                return Taken::all(bytes);
            }
        }
    }

    /// An asker has said everything; `unread` is a last line without its line end.
    pub fn handle_eof<S: Store>(
        &mut self,
        id: ConnId,
        unread: &[u8],
        store: &mut S,
        now: Now,
        net: &mut Net,
    ) {
        let mut ports = Ports { store, net, now };
        if let Some(load) = self.load.as_mut().filter(|load| load.id == Some(id)) {
            load.take_eof(unread, now.time);
        } else if let Some(index) = self.session_of(id) {
            let session = &mut self.sessions[index];
            session.last_line = Some(unread.to_vec());
            session.is_stalled = true;
        }
        self.settle(&mut ports);
    }

    /// An asker is gone.
    pub fn handle_close<S: Store>(
        &mut self,
        id: ConnId,
        reason: CloseReason,
        store: &mut S,
        now: Now,
        net: &mut Net,
    ) {
        let mut ports = Ports { store, net, now };
        if self.desk.notes == Some(id) {
            self.desk.notes = None;
        } else if let Some(load) = self.load.as_mut().filter(|load| load.id == Some(id)) {
            let why = match reason {
                CloseReason::Lost(kind) | CloseReason::DialFailed(kind) => kind.to_string(),
                CloseReason::Limit => "a line is too long".to_owned(),
            };
            load.lost(&why, &mut self.desk, &mut ports);
        } else if let Some(index) = self.session_of(id) {
            let session = self.sessions.swap_remove(index);
            if session.kind == Kind::Console {
                self.desk.failed = true;
                ports.net.stop(1);
            }
        }
        self.settle(&mut ports);
    }

    /// The time that [`Front::poll_timeout`] named has come.
    pub fn handle_timeout<S: Store>(&mut self, store: &mut S, now: Now, net: &mut Net) {
        self.settle(&mut Ports { store, net, now });
    }

    /// When [`Front::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.start.poll_timeout()
    }

    /// The engine may have answers: prints them, and goes on with what waited for them.
    pub fn advance<S: Store>(&mut self, store: &mut S, now: Now, net: &mut Net) {
        self.settle(&mut Ports { store, net, now });
    }

    /// The exit status that the process would have if it ended now.
    pub fn status(&self) -> i32 {
        i32::from(self.desk.failed || self.load.is_some())
    }

    fn session_of(&self, id: ConnId) -> Option<usize> {
        self.sessions.iter().position(|session| session.id == id)
    }

    fn take_load_bytes<S: Store>(&mut self, bytes: &[u8], ports: &mut Ports<'_, S>) -> Taken {
        let load = self.load.as_mut().expect("the caller has seen it");
        if self.start != Start::Open {
            load.is_stalled = true;
            return Taken { consumed: 0, next: Next::Stall };
        }
        load.take_bytes(bytes, &mut self.desk, ports)
    }

    /// Whether the session's next line may begin now.
    fn may_begin<S: Store>(&self, index: usize, ports: &Ports<'_, S>) -> bool {
        let session = &self.sessions[index];
        let waits_for_load = session.kind == Kind::Console && self.load.is_some();
        self.start == Start::Open && !waits_for_load && session.has_room() && ports.store.room()
    }

    /// Begins the lines of `bytes` for which there is room: how many bytes are done with, and what stopped it.
    fn take_lines<S: Store>(
        &mut self,
        index: usize,
        bytes: &[u8],
        ports: &mut Ports<'_, S>,
    ) -> (usize, Next) {
        let mut at = 0;
        while self.may_begin(index, ports) {
            let session = &mut self.sessions[index];
            if session.is_ending {
                return (bytes.len(), Next::Stall);
            }
            let rest = &bytes[at..];
            let scanned = session.scanned.min(rest.len());
            let Some(len) = memchr::memchr(b'\n', &rest[scanned..]).map(|len| scanned + len) else {
                session.scanned = rest.len();
                if rest.len() > BULK_BYTES_MAX {
                    session.push_text(b"error: a line is too long to be read\n".to_vec(), true);
                    session.is_ending = true;
                    return (bytes.len(), Next::Stall);
                }
                return (at, Next::More { at_least: rest.len() + 1 });
            };
            session.scanned = 0;
            if begin(session, &rest[..len], &mut self.scratch, &mut self.desk, ports) == Begun::NotYet {
                return (at, Next::Stall);
            }
            at += len + 1;
        }
        (at, Next::Stall)
    }

    /// Hands out the engine's answers, prints what is complete, and lets go on who can.
    fn settle<S: Store>(&mut self, ports: &mut Ports<'_, S>) {
        while let Some(note) = ports.store.poll_note() {
            self.desk.note(&note, ports.net);
        }
        self.start.look(&mut self.desk, ports);
        loop {
            while let Some((ticket, answer)) = ports.store.poll() {
                self.hand_out(ticket, answer, ports);
            }
            let asked = self.settle_load(ports);
            if !self.settle_sessions(ports) && !asked {
                return;
            }
        }
    }

    fn hand_out<S: Store>(&mut self, ticket: Ticket, answer: Answer, ports: &mut Ports<'_, S>) {
        if let Some(line) = loaded_line(ticket) {
            if let (Some(load), Answer::Op(outcome)) = (&mut self.load, &answer) {
                load.answered(line, outcome, &mut self.desk, ports);
            }
            return;
        }
        let asked = self.desk.redeem(ticket);
        let Some(index) = self.session_of(asked.session) else { return };
        let session = &mut self.sessions[index];
        match asked.to {
            Recipient::Pending { number, part } => session.take(number, part, answer),
            Recipient::Job { part } => session.take_for_job(part, answer, &mut self.desk, ports),
        }
    }

    /// Resumes or ends the loading. True: something was asked, so there may be answers.
    fn settle_load<S: Store>(&mut self, ports: &mut Ports<'_, S>) -> bool {
        if self.start != Start::Open || ports.net.stopping().is_some() {
            return false;
        }
        let Some(load) = &mut self.load else { return false };
        let asked = load.take_last_line(&mut self.desk, ports);
        if load.finish(&mut self.desk, ports) {
            self.load = None;
        } else if load.is_stalled
            && ports.store.room()
            && let Some(id) = load.id
        {
            load.is_stalled = false;
            ports.net.resume(id);
        }
        asked
    }

    /// Prints, resumes and ends sessions. True: something was asked, so there may be answers.
    fn settle_sessions<S: Store>(&mut self, ports: &mut Ports<'_, S>) -> bool {
        let mut asked = false;
        for index in (0..self.sessions.len()).rev() {
            self.sessions[index].flush(&mut self.desk, ports);
            if self.sessions[index].is_stalled && self.may_begin(index, ports) {
                asked |= self.resume(index, ports);
            }
            let session = &self.sessions[index];
            if session.is_ending && session.is_idle() {
                let session = self.sessions.swap_remove(index);
                self.end(&session, ports.net);
            }
        }
        asked
    }

    /// The session may go on: with what its connection still holds, or with its last line. True: it asked something.
    fn resume<S: Store>(&mut self, index: usize, ports: &mut Ports<'_, S>) -> bool {
        let session = &mut self.sessions[index];
        let Some(line) = session.last_line.take() else {
            session.is_stalled = false;
            ports.net.resume(session.id);
            return false;
        };
        if !line.is_empty()
            && begin(session, &line, &mut self.scratch, &mut self.desk, ports) == Begun::NotYet
        {
            session.last_line = Some(line);
            return false;
        }
        (session.is_stalled, session.is_ending) = (false, true);
        session.flush(&mut self.desk, ports);
        true
    }

    fn end(&self, session: &Session, net: &mut Net) {
        net.close(session.id);
        if session.kind == Kind::Console {
            net.stop(i32::from(self.desk.failed));
        }
    }
}
