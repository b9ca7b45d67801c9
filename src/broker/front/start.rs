//! The first seconds: until the servers are there, nobody is listened to.

use super::desk::{Desk, Ports};
use super::store::Store;
use crate::broker::engine::{ServerState, ServerStatus, Status};
use crate::time::{Span, Time};

/// So long all servers are waited for; a little longer than the engine waits before it forms a view without them.
const ALL_WAIT: Span = Span::from_millis(2_200);
/// So long a majority is given to agree on a view.
const VIEW_WAIT: Span = Span::from_secs(10);
/// How often it is looked at.
const LOOK: Span = Span::from_millis(50);
/// The status of a process that could not begin its work.
const NOT_STARTED: i32 = 2;

/// Whether the work can begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Start {
    /// Not looked at yet.
    Unknown,
    /// The servers are waited for since then; looked at again at `next`.
    Waits { since: Time, next: Time },
    /// It has begun.
    Open,
    /// It will not begin.
    Failed,
}

impl Start {
    /// When to look again.
    pub(super) fn poll_timeout(self) -> Option<Time> {
        match self {
            Start::Unknown => Some(Time::ZERO),
            Start::Waits { next, .. } => Some(next),
            Start::Open | Start::Failed => None,
        }
    }

    /// Looks at the servers. True: from now on there is work.
    pub(super) fn look<S: Store>(&mut self, desk: &mut Desk, ports: &mut Ports<'_, S>) -> bool {
        let since = match *self {
            Start::Open | Start::Failed => return false,
            Start::Unknown => ports.now.time,
            Start::Waits { since, .. } => since,
        };
        *self = Start::Waits { since, next: ports.now.time + LOOK };
        let ready = ports.store.is_ready();
        if ready && ports.store.failures().down == 0 {
            *self = Start::Open;
            return true;
        }
        let waited = ports.now.time.since(since);
        if waited < ALL_WAIT {
            return false;
        }
        let status = ports.store.status(ports.now);
        let up = status.servers.iter().filter(|server| server.state == ServerState::Up).count();
        let majority = status.servers.len() / 2 + 1;
        if up >= majority && ready {
            if let Some(warning) = missing(&status) {
                desk.note(&format!("WARNING: {warning}"), ports.net);
            }
            *self = Start::Open;
            return true;
        }
        if up < majority || waited >= VIEW_WAIT {
            let what = match missing(&status) {
                Some(missing) if up < majority => {
                    format!("{missing}; at least {majority} of {} servers must answer", status.servers.len())
                }
                Some(missing) => format!("the servers agree on no view; {missing}"),
                None => "the servers agree on no view".to_owned(),
            };
            desk.note(&format!("error: {what}"), ports.net);
            ports.net.stop(NOT_STARTED);
            *self = Start::Failed;
        }
        false
    }
}

/// Names the servers that are not up.
fn missing(status: &Status) -> Option<String> {
    let names: Vec<String> =
        status.servers.iter().filter(|server| server.state != ServerState::Up).map(missing_one).collect();
    let verb = if names.len() == 1 { "does" } else { "do" };
    (!names.is_empty()).then(|| format!("{} {verb} not answer", names.join(", ")))
}

fn missing_one(server: &ServerStatus) -> String {
    match &server.state {
        ServerState::Refused(words) => format!("{} ({words})", server.address),
        _ => server.address.to_string(),
    }
}
