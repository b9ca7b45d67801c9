//! Makes the load: threads with a reactor each, connections, schedules, and crowds that misbehave.
//!
//! ```text
//!  team ──orders──► engine (one a thread) ◄──► connection ◄── replies     answers
//!    ▲                 │   ├─ schedule: when requests are due
//!    └──── slices ─────┘   └─ crowd: idle, half-open, slow, storming
//! ```

pub(crate) mod alarm;
pub(crate) mod connection;
pub(crate) mod crowd;
pub(crate) mod engine;
pub(crate) mod greeting;
pub(crate) mod replies;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod team;

use std::time::Instant;

use crate::truth::tally::Nanos;

/// The one clock of a run: all threads count nanoseconds from the same moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Clock {
        Clock(Instant::now())
    }

    #[inline]
    pub(crate) fn now(self) -> Nanos {
        self.0.elapsed().as_nanos() as Nanos
    }
}
