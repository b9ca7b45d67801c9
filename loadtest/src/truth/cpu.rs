//! CPU time that processes and threads have used, and how long they waited for a core.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this process.
pub(crate) fn own() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// CPU time of the calling thread, and the time it stood in the queue for a core (0 where that cannot be told).
pub(crate) fn own_thread() -> (Duration, Duration) {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let queued = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    (Duration::new(time.tv_sec as u64, time.tv_nsec as u32), Duration::from_nanos(queued))
}

/// CPU time of all threads of process `pid`, to the nanosecond, or `None` where it cannot be read (another system than
/// Linux, or no such process). Threads that end between two readings are missing in the second.
pub(crate) fn of_process(pid: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut nanos = 0;
    for thread in threads {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat"));
        // A thread that has just ended is no reason to give up the others.
        let Ok(text) = text else { continue };
        nanos += text.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

/// The CPU time used in a span of time, by us and by the processes that are watched.
#[derive(Clone, Default, Debug)]
pub(crate) struct Usage {
    pub(crate) own: Duration,
    /// By process, `None` for one that ended in between.
    pub(crate) watched: Vec<(u32, Option<Duration>)>,
}

impl Usage {
    /// All that has been used up to now.
    pub(crate) fn read(pids: &[u32]) -> Usage {
        Usage { own: own(), watched: pids.iter().map(|&pid| (pid, of_process(pid))).collect() }
    }

    /// What was used since `earlier`.
    pub(crate) fn since(&self, earlier: &Usage) -> Usage {
        let pairs = self.watched.iter().zip(&earlier.watched);
        let watched = pairs.map(|(&(pid, now), &(_, before))| {
            let used = now.zip(before).and_then(|(now, before)| now.checked_sub(before));
            (pid, used)
        });
        Usage { own: self.own.saturating_sub(earlier.own), watched: watched.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_cpu_time() {
        let before = Usage::read(&[std::process::id(), u32::MAX]);
        let (thread_before, _) = own_thread();
        let mut sum = 0u64;
        while own() < before.own + Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_mul(3) + 1);
        }
        let now = Usage::read(&[std::process::id(), u32::MAX]);
        // Threads of other tests may have ended in between, so no more is said of what was used of this process.
        assert_eq!(now.watched[0].1.is_some(), cfg!(target_os = "linux"));
        let used = now.since(&before);
        assert!(used.own >= Duration::from_millis(20));
        assert!(own_thread().0 > thread_before);
        assert_eq!(used.watched[1], (u32::MAX, None));
    }

    #[test]
    fn what_was_used_is_told_of_each_process() {
        let usage = |own, one| Usage {
            own: Duration::from_secs(own),
            watched: vec![(1, Some(Duration::from_secs(one))), (2, None)],
        };
        let used = usage(5, 9).since(&usage(2, 3));
        assert_eq!((used.own, used.watched[0].1), (Duration::from_secs(3), Some(Duration::from_secs(6))));
        assert_eq!(used.watched[1], (2, None));
        assert_eq!(
            usage(5, 3).since(&usage(2, 9)).watched[0].1,
            None,
            "threads that ended took their time along"
        );
    }
}
