//! What is known of each connection: one cache line, and a box for what few of them have.

use super::transactions::Transaction;
use crate::conn::{ConnId, Origin};
use crate::proto::command::CommandId;
use crate::proto::resp::{Protocol, RequestParser};
use crate::time::Time;
use std::fmt;
use std::net::SocketAddr;

/// Redis' rule for what CLIENT LIST shows, behind the name of the thing.
pub(super) const NAME_RULE: &str = "cannot contain spaces, newlines or special characters.";

/// What a client wants to hear where an answer may be incomplete because servers are down. Remembered here, heeded by
/// brokers: a server by itself is always complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Warnings {
    #[default]
    Off,
    /// As RESP3 attributes.
    On,
    /// As errors in the place of the answers.
    Error,
}

/// A broker that said H.HELLO.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BrokerRole {
    pub(super) cluster: u64,
    pub(super) process: u32,
}

/// What few connections have.
#[derive(Default, Debug)]
pub(super) struct Extra {
    /// Set by H.HELLO.
    broker: Option<BrokerRole>,
    pub(super) name: Box<[u8]>,
    pub(super) library_name: Box<[u8]>,
    pub(super) library_version: Box<[u8]>,
    /// What WATCH and MULTI began.
    pub(super) transaction: Option<Box<Transaction>>,
}

/// In what a session differs from a usual one: a set of the constants below.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Mode(u8);

impl Mode {
    /// Between MULTI and EXEC.
    pub(super) const MULTI: Mode = Mode(1);
    /// CLIENT REPLY OFF.
    pub(super) const SILENT: Mode = Mode(1 << 1);
    /// CLIENT REPLY SKIP: the next reply is left out.
    pub(super) const SKIP: Mode = Mode(1 << 2);
    /// MONITOR.
    pub(super) const MONITOR: Mode = Mode(1 << 3);
    /// CLIENT NO-EVICT ON.
    pub(super) const NO_EVICT: Mode = Mode(1 << 4);
    /// CLIENT NO-TOUCH ON.
    pub(super) const NO_TOUCH: Mode = Mode(1 << 5);
    /// A password is set, and not given yet.
    pub(super) const LOCKED: Mode = Mode(1 << 6);
    /// It is looked after until it has given the password, or had its time.
    pub(super) const LISTED: Mode = Mode(1 << 7);
    /// What makes a request take another way than usual.
    const SPECIAL: u8 = Mode::MULTI.0 | Mode::SILENT.0 | Mode::SKIP.0 | Mode::LOCKED.0;

    /// Requests are done and answered as usual.
    #[inline]
    pub(super) fn is_plain(self) -> bool {
        self.0 & Mode::SPECIAL == 0
    }

    pub(super) fn has(self, mode: Mode) -> bool {
        self.0 & mode.0 != 0
    }

    pub(super) fn set(&mut self, mode: Mode, on: bool) {
        if on { self.0 |= mode.0 } else { self.0 &= !mode.0 }
    }
}

/// Both ends of a connection. The usual ones take six bytes each.
#[derive(Debug)]
enum Ends {
    V4 { peer: ([u8; 4], u16), local: ([u8; 4], u16) },
    Other(Box<Origin>),
}

/// One connection: one line of the cache, which is all that a request touches of this table.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Session {
    id: ConnId,
    /// As CLIENT ID shows it: never given twice.
    pub(super) number: u64,
    pub(super) parser: RequestParser,
    ends: Ends,
    extra: Option<Box<Extra>>,
    /// Seconds on the driver's clock.
    opened_secs: u32,
    active_secs: u32,
    /// The last command, for CLIENT LIST.
    pub(super) last: Option<CommandId>,
    pub(super) protocol: Protocol,
    pub(super) warnings: Warnings,
    pub(super) mode: Mode,
}

const _: () = assert!(size_of::<Option<Session>>() == 64, "an idle connection is one line of the cache");

impl Session {
    fn new(id: ConnId, number: u64, origin: Origin, now: Time) -> Session {
        let secs = now.since(Time::ZERO).as_secs() as u32;
        let ends = match origin {
            Origin::Accepted { peer: SocketAddr::V4(peer), local: SocketAddr::V4(local) } => Ends::V4 {
                peer: (peer.ip().octets(), peer.port()),
                local: (local.ip().octets(), local.port()),
            },
            other => Ends::Other(Box::new(other)),
        };
        Session {
            id,
            number,
            parser: RequestParser::default(),
            ends,
            extra: None,
            opened_secs: secs,
            active_secs: secs,
            last: None,
            protocol: Protocol::Resp2,
            warnings: Warnings::Off,
            mode: Mode::default(),
        }
    }

    /// The connection's id with its driver.
    pub(super) fn id(&self) -> ConnId {
        self.id
    }

    /// Bytes came.
    pub(super) fn touch(&mut self, now: Time) {
        self.active_secs = now.since(Time::ZERO).as_secs() as u32;
    }

    /// Seconds since it was opened, and since bytes last came.
    pub(super) fn age_and_idle(&self, now: Time) -> (u32, u32) {
        let secs = now.since(Time::ZERO).as_secs() as u32;
        (secs.saturating_sub(self.opened_secs), secs.saturating_sub(self.active_secs))
    }

    /// The broker that speaks here, if it is one.
    pub(super) fn broker(&self) -> Option<BrokerRole> {
        self.extra().and_then(|extra| extra.broker)
    }

    pub(super) fn set_broker(&mut self, role: BrokerRole) {
        self.extra_mut().broker = Some(role);
    }

    pub(super) fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    pub(super) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// The client's address, as logs and CLIENT LIST show it.
    pub(super) fn peer(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| match &self.ends {
            Ends::V4 { peer, .. } => write!(f, "{}", SocketAddr::from(*peer)),
            Ends::Other(origin) => match **origin {
                Origin::Accepted { peer, .. } | Origin::Dialed { peer } => write!(f, "{peer}"),
                Origin::Local { feed } => write!(f, "local:{feed}"),
            },
        })
    }

    /// Our own address.
    pub(super) fn local(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| match &self.ends {
            Ends::V4 { local, .. } => write!(f, "{}", SocketAddr::from(*local)),
            Ends::Other(origin) => match **origin {
                Origin::Accepted { local, .. } => write!(f, "{local}"),
                _ => f.write_str("local:0"),
            },
        })
    }

    /// RESET: all that a client chose is forgotten. A broker's role stays: it is no choice of the connection's state.
    pub(super) fn reset(&mut self) {
        self.protocol = Protocol::Resp2;
        self.warnings = Warnings::Off;
        self.mode = Mode::default();
        if let Some(extra) = &mut self.extra {
            extra.name = Box::default();
        }
    }
}

/// Whether CLIENT LIST can show this text: printable ASCII without blanks.
pub(super) fn is_name(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

/// All open connections, by the index of their id.
#[derive(Default, Debug)]
pub(super) struct Sessions {
    entries: Vec<Option<Session>>,
    len: usize,
    /// Connections ever opened: the last one's number.
    opened: u64,
}

impl Sessions {
    pub(super) fn open(&mut self, id: ConnId, origin: Origin, now: Time) {
        self.opened += 1;
        let session = Session::new(id, self.opened, origin, now);
        if self.entries.len() <= id.index() {
            self.entries.resize_with(id.index() + 1, || None);
        }
        let before = self.entries[id.index()].replace(session);
        self.len += usize::from(before.is_none());
    }

    pub(super) fn close(&mut self, id: ConnId) -> Option<Session> {
        let session = self.entries.get_mut(id.index())?.take_if(|session| session.id == id)?;
        self.len -= 1;
        Some(session)
    }

    #[inline]
    pub(super) fn get(&self, id: ConnId) -> Option<&Session> {
        self.entries.get(id.index())?.as_ref().filter(|session| session.id == id)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: ConnId) -> Option<&mut Session> {
        self.entries.get_mut(id.index())?.as_mut().filter(|session| session.id == id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.entries.iter().flatten()
    }

    /// Connections that are open.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Connections ever opened.
    pub(super) fn opened(&self) -> u64 {
        self.opened
    }
}
