//! AUTH, and what a client may do before it, where a password is set.
//!
//! ```text
//!   connected ──► locked: AUTH, HELLO, QUIT, RESET only; small requests ──► AUTH, HELLO .. AUTH ──► open
//!                   │ 5 s                                                                          │
//!                   ▼                                                     ◄─────── RESET ──────────┘
//!                 closed
//! ```

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::sessions::Mode;
use crate::conn::{ConnId, Net, Origin};
use crate::limits::AUTH_SECS_MAX;
use crate::proto::resp::{RequestLimits, Writer};
use crate::time::{Span, Time};
use std::collections::VecDeque;

const PATIENCE: Span = Span::from_secs(AUTH_SECS_MAX);

/// The only user.
const DEFAULT: &[u8] = b"default";

/// Those who have not said who they are, and when they must have; the oldest first. Some have, meanwhile. Nobody is in it
/// twice: who is locked again by RESET in his first seconds has what is left of them.
#[derive(Default, Debug)]
pub(super) struct Strangers {
    waits: VecDeque<(Time, ConnId)>,
}

impl Strangers {
    /// When to look at them.
    pub(super) fn poll_timeout(&self) -> Option<Time> {
        self.waits.front().map(|&(until, _)| until)
    }
}

impl Server {
    /// A connection is open: it is locked where a password is set, unless it comes from this process.
    pub(super) fn lock_new(&mut self, id: ConnId, origin: Origin, now: Time) {
        if self.config.settings.password.is_some() && !matches!(origin, Origin::Local { .. }) {
            self.lock(id, now);
        }
    }

    /// RESET: whoever it was, it must say so again.
    pub(super) fn reset_session(&mut self, id: ConnId, now: Time) {
        let session = self.sessions.get_mut(id).expect("a request has a session");
        let listed = session.mode.has(Mode::LISTED);
        session.reset();
        session.mode.set(Mode::LISTED, listed);
        if self.config.settings.password.is_some() {
            self.lock(id, now);
        }
    }

    fn lock(&mut self, id: ConnId, now: Time) {
        let mode = &mut self.sessions.get_mut(id).expect("it is open").mode;
        mode.set(Mode::LOCKED, true);
        if !mode.has(Mode::LISTED) {
            mode.set(Mode::LISTED, true);
            self.strangers.waits.push_back((now + PATIENCE, id));
        }
    }

    /// Closes those who have had their time.
    pub(super) fn close_strangers(&mut self, now: Time, net: &mut Net) {
        while let Some(&(until, id)) = self.strangers.waits.front()
            && until <= now
        {
            self.strangers.waits.pop_front();
            let Some(session) = self.sessions.get_mut(id) else { continue };
            session.mode.set(Mode::LISTED, false);
            if session.mode.has(Mode::LOCKED) {
                self.close(id, net);
            }
        }
    }

    /// What the session may send.
    pub(super) fn request_limits(&self, id: ConnId) -> RequestLimits {
        match self.sessions.get(id) {
            Some(session) if session.mode.has(Mode::LOCKED) => RequestLimits::UNAUTHENTICATED,
            Some(session) if session.broker().is_some() => RequestLimits::FULL,
            _ => RequestLimits::from(&self.config.settings.limits),
        }
    }

    /// Opens the session to who gives the right password. Without a password set any is right, as in Redis.
    pub(super) fn authenticate(&mut self, id: ConnId, user: &[u8], password: &[u8]) -> Outcome {
        let right = self.config.settings.password.as_ref().is_none_or(|known| known.is(password));
        if user != DEFAULT || !right {
            return Err(CommandError::WrongPassword);
        }
        self.sessions.get_mut(id).expect("a request has a session").mode.set(Mode::LOCKED, false);
        Ok(())
    }

    /// `AUTH [user] password`.
    pub(super) fn auth(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        match call.len() {
            2 if self.config.settings.password.is_none() => return Err(CommandError::NoPasswordSet),
            2 => self.authenticate(call.id, DEFAULT, call.arg(1))?,
            3 => self.authenticate(call.id, call.arg(1), call.arg(2))?,
            _ => return Err(CommandError::Syntax),
        }
        out.ok();
        Ok(())
    }
}
