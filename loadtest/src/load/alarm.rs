//! Wakes a reactor at a point of time, to some ten microseconds.
//!
//! `epoll_wait` counts milliseconds, which is too coarse for a schedule of ten thousand requests a second. A timer that
//! is a file among the others wakes it in between. Where there are no such timers the schedule is kept to a millisecond.

use std::io;
use std::time::Duration;

use mio::{Registry, Token};

use crate::truth::tally::Nanos;

/// Nearer than this nobody goes to sleep: falling asleep and waking up take as long.
const NEAR: Nanos = 15_000;

#[cfg(target_os = "linux")]
mod timer {
    use std::io;
    use std::os::fd::{AsRawFd as _, OwnedFd};

    use mio::unix::SourceFd;
    use mio::{Interest, Registry, Token};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    #[derive(Debug)]
    pub(super) struct Timer(OwnedFd);

    impl Timer {
        pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Timer> {
            let timer =
                timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
            Ok(Timer(timer))
        }

        /// Setting it again also forgets that it went off: it needs no reading.
        pub(super) fn set(&self, nanos: u64) -> io::Result<bool> {
            let after =
                Timespec { tv_sec: (nanos / 1_000_000_000) as i64, tv_nsec: (nanos % 1_000_000_000) as i64 };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: after };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
            Ok(true)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod timer {
    use std::io;

    use mio::{Registry, Token};

    #[derive(Debug)]
    pub(super) struct Timer;

    impl Timer {
        pub(super) fn new(_: &Registry, _: Token) -> io::Result<Timer> {
            Ok(Timer)
        }

        pub(super) fn set(&self, _: u64) -> io::Result<bool> {
            Ok(false)
        }
    }
}

/// A timer among the sockets of a reactor.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: timer::Timer,
    set_for: Nanos,
}

impl Alarm {
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Alarm> {
        Ok(Alarm { timer: timer::Timer::new(registry, token)?, set_for: 0 })
    }

    /// How long to wait for events, at most `patience`, so that `due` is not missed.
    pub(crate) fn wait_until(&mut self, due: Nanos, now: Nanos, patience: Duration) -> io::Result<Duration> {
        let left = due.saturating_sub(now);
        if left <= NEAR {
            return Ok(Duration::ZERO);
        }
        let wait = Duration::from_nanos(left);
        if wait > patience {
            return Ok(patience);
        }
        // The timer that is set may go off before an event did: then it is the right one already.
        if self.set_for != due && !self.timer.set(left)? {
            return Ok(wait);
        }
        self.set_for = due;
        Ok(patience)
    }
}

#[cfg(test)]
mod tests {
    use mio::{Events, Poll};

    use super::*;
    use crate::load::Clock;

    #[test]
    fn the_reactor_wakes_when_something_is_due() {
        let mut poll = Poll::new().unwrap();
        let mut alarm = Alarm::new(poll.registry(), Token(7)).unwrap();
        let (clock, patience) = (Clock::start(), Duration::from_secs(3_600));
        for _ in 0..3 {
            let due = clock.now() + 2_000_000;
            let mut events = Events::with_capacity(4);
            while clock.now() < due {
                let wait = alarm.wait_until(due, clock.now(), patience).unwrap();
                poll.poll(&mut events, Some(wait)).unwrap();
            }
        }
        let now = clock.now();
        assert_eq!(alarm.wait_until(now, now + 5, patience).unwrap(), Duration::ZERO);
        let far = now + 7_200_000_000_000;
        assert_eq!(alarm.wait_until(far, now, patience).unwrap(), patience);
    }
}
