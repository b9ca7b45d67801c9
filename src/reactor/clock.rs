//! The process' clocks, read once a turn.

use crate::time::{Now, Time};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Both clocks, with the origin of the monotonic one.
pub(super) struct Clock {
    origin: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
    pub(super) fn new() -> Clock {
        Clock { origin: Instant::now() }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
    pub(super) fn read(&self) -> Now {
        let time = Time::from_nanos(nanos(self.origin.elapsed()));
        let unix_ms =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| nanos(since) / 1_000_000);
        Now { time, unix_ms }
    }
}

/// The time since the process first asked for it: for measuring how long something takes, in the midst of a turn.
#[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
pub fn stopwatch() -> Time {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    Time::from_nanos(nanos(ORIGIN.get_or_init(Instant::now).elapsed()))
}

/// How long to wait at `now` for `time` to come: not at all once it is past.
pub(super) fn until(time: Time, now: Now) -> Duration {
    Duration::from_nanos(time.since(now.time).as_nanos())
}

/// Nanoseconds in 64 bits: 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
