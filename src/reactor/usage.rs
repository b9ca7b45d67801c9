//! What the process uses, as the system counts it.

use crate::time::Span;
use rustix::param::{clock_ticks_per_second, page_size};

/// Memory and processor time of this process. All zero where the system has no `/proc`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Bytes of memory that are in the machine's RAM.
    pub resident_bytes: u64,
    /// Processor time spent in the process' own code.
    pub cpu_user: Span,
    /// Processor time that the kernel spent for it.
    pub cpu_system: Span,
}

impl Usage {
    /// Asks the system: tens of microseconds.
    pub fn read() -> Usage {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        Usage::from_text(&statm, &stat)
    }

    /// proc(5): in `statm` the second field is resident pages; in `stat` the 14th and 15th are user and system ticks.
    fn from_text(statm: &str, stat: &str) -> Usage {
        // The second field of `stat` is the program's name in parentheses, and may hold blanks and parentheses itself.
        let behind_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let pages = number(statm, 1);
        Usage {
            resident_bytes: pages * page_size() as u64,
            cpu_user: ticks(number(behind_name, 14 - 3)),
            cpu_system: ticks(number(behind_name, 15 - 3)),
        }
    }
}

fn number(fields: &str, index: usize) -> u64 {
    fields.split_ascii_whitespace().nth(index).and_then(|field| field.parse().ok()).unwrap_or(0)
}

fn ticks(count: u64) -> Span {
    Span::from_micros(count * 1_000_000 / clock_ticks_per_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_stand_where_proc_says() {
        let stat = "7 (a) name (b) S 1 7 7 0 -1 4194304 93 0 0 0 250 75 0 0 20 0 1 0 4 8 9";
        let usage = Usage::from_text("100 30 20 1 0 9 0\n", stat);
        assert_eq!(usage.resident_bytes, 30 * page_size() as u64);
        let tick = 1_000 / clock_ticks_per_second();
        assert_eq!(usage.cpu_user.as_millis(), 250 * tick);
        assert_eq!(usage.cpu_system.as_millis(), 75 * tick);
        assert_eq!(Usage::from_text("", ""), Usage::default());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_uses_memory() {
        assert!(Usage::read().resident_bytes > 100_000);
    }
}
