//! What a server is told at its start.

use super::bugs::ServerBugs;
use super::policy::Policy;
use crate::limits::{CLIENTS_MAX_DEFAULT, Limits};
use crate::password::Password;
use crate::time::{Span, Time};
use std::net::{Ipv4Addr, SocketAddr};

/// Which requests are logged, at target `request`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RequestLog {
    /// Every one.
    All,
    /// Every one up to 200 a second; of the others one line a second says how many they were.
    #[default]
    Sampled,
    /// None.
    Off,
}

/// What INFO says of the process; only its driver can know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ProcessFigures {
    /// Bytes of memory that are in the machine's RAM.
    pub resident_bytes: u64,
    /// Processor time spent in the process' own code.
    pub cpu_user: Span,
    /// Processor time that the kernel spent for it.
    pub cpu_system: Span,
}

/// What a server is told at its start.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Everything random follows from it: the incarnation, the run id. A program draws it from the system at every
    /// start: two starts with one seed are one memory to a cluster.
    pub seed: u64,
    /// Where clients connect, for INFO and CONFIG GET.
    pub listen: SocketAddr,
    /// How many clients the driver lets in, for INFO and CONFIG GET.
    pub clients_max: usize,
    /// What clients may send and leave unread. Brokers may send everything: what one server of a cluster takes, all take.
    /// The driver's [`crate::conn::Net::set_limits`] is told the same.
    pub limits: Limits,
    /// Bytes that the records may take; 0: no bound. In a cluster it does not bind what its brokers store.
    pub memory_max: usize,
    /// What is given up when they take more.
    pub policy: Policy,
    /// What clients must give before anything else; `None`: nobody is asked.
    pub password: Option<Password>,
    /// Which requests are logged.
    pub request_log: RequestLog,
    /// The process' number, for INFO.
    pub process_id: u32,
    /// Asked by INFO.
    pub figures: fn() -> ProcessFigures,
    /// Read before and after commands, to tell how long they took.
    pub stopwatch: fn() -> Time,
    /// DEBUG is allowed, and this is how the process sleeps; `None`: DEBUG is refused.
    pub debug_sleep: Option<fn(Span)>,
    /// Which rule is missing. Only for tests.
    pub bugs: ServerBugs,
}

impl ServerConfig {
    /// The usual server with this seed.
    pub fn new(seed: u64) -> ServerConfig {
        ServerConfig {
            seed,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clients_max: CLIENTS_MAX_DEFAULT,
            limits: Limits::FULL,
            memory_max: 0,
            policy: Policy::default(),
            password: None,
            request_log: RequestLog::default(),
            process_id: 0,
            figures: ProcessFigures::default,
            stopwatch: Time::default,
            debug_sleep: None,
            bugs: ServerBugs::None,
        }
    }
}
