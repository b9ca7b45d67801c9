//! The process' limit of open files.

use crate::limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the number of files this process may have open to the most that the system allows it, and says how many
/// that are.
pub fn raise_open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let hard = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where the system says "any number" as the hard limit, not every one accepts it as the soft limit: then what
    // stood before goes on standing.
    let raised = setrlimit(Resource::Nofile, hard);
    if let Err(error) = raised {
        log::warn!("the limit of open files stays at {:?}: {error}", limit.current);
    }
    let current = getrlimit(Resource::Nofile).current;
    current.map_or(usize::MAX, |current| usize::try_from(current).unwrap_or(usize::MAX))
}

/// How many clients may be served: `asked`, but never so many that the process' other files find no place among its
/// `open_files`. At least one.
pub fn clients_max(asked: usize, open_files: usize) -> usize {
    asked.min(open_files.saturating_sub(limits::RESERVED_FILES)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_keep_their_place() {
        assert_eq!(clients_max(19_900, 20_000), 19_900);
        assert_eq!(clients_max(19_900, 1_024), 992);
        assert_eq!(clients_max(10, 1_024), 10);
        assert_eq!(clients_max(10, 20), 1);
    }

    #[test]
    fn the_limit_is_raised_to_the_hard_one() {
        let files = raise_open_files();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
        assert_eq!(limit.current.map(|n| n as usize).unwrap_or(usize::MAX), files);
    }
}
