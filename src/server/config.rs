//! What a server is told at its start.

use super::bugs::ServerBugs;
use super::settings::{Reloaded, Settings};
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

impl RequestLog {
    const ALL: [(RequestLog, &'static str); 3] =
        [(RequestLog::All, "all"), (RequestLog::Sampled, "sampled"), (RequestLog::Off, "off")];

    /// Its name as a setting.
    pub fn name(self) -> &'static str {
        RequestLog::ALL.iter().find(|(log, _)| *log == self).map(|(_, name)| *name).expect("all are there")
    }

    /// The one of this name, in any case.
    pub fn named(name: &str) -> Option<RequestLog> {
        RequestLog::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(log, _)| *log)
    }
}

/// Reads a process' settings again; why that cannot be is one line.
pub type Reload = fn() -> Result<Reloaded, String>;
/// Writes settings into the file that they came from; why that cannot be is one line.
pub type Rewrite = fn(&Settings) -> Result<(), String>;

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
    /// What can be changed later. The driver is told its part of it by whoever made it.
    pub settings: Settings,
    /// More clients than this cannot be let in, whatever is set: the system allows the process no more open files.
    pub clients_possible: usize,
    /// For SIGHUP. `None`: there is nothing to read.
    pub reload: Option<Reload>,
    /// For CONFIG REWRITE. `None`: there is no file.
    pub rewrite: Option<Rewrite>,
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
            settings: Settings::default(),
            clients_possible: usize::MAX,
            reload: None,
            rewrite: None,
            process_id: 0,
            figures: ProcessFigures::default,
            stopwatch: Time::default,
            debug_sleep: None,
            bugs: ServerBugs::None,
        }
    }
}
