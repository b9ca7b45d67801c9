//! "Did you mean": the known name with the fewest slips of the keyboard.

use super::{COMMANDS, Flags};

/// Longest word that is compared; longer ones are no slip of a command's name.
const WORD_BYTES_MAX: usize = 16;

/// The command's name nearest to `name`, if one is near: one slip in a word of up to four letters, two in longer ones.
///
/// A slip is a wrong, missing, or superfluous letter, or two that changed places. Messages between brokers and servers
/// are never suggested. Of equally near names the first in the table.
pub fn nearest(name: &[u8]) -> Option<&'static str> {
    if name.is_empty() || name.len() > WORD_BYTES_MAX {
        return None;
    }
    let slips_max = if name.len() <= 4 { 1 } else { 2 };
    COMMANDS
        .iter()
        .filter(|command| !command.flags.contains(Flags::CLUSTER))
        .map(|command| (slips(name, command.name.as_bytes()), command.name))
        .filter(|&(slips, known)| slips <= slips_max && slips < known.len())
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, known)| known)
}

/// Edit distance with transpositions of neighbours (optimal string alignment), in any case.
fn slips(left: &[u8], right: &[u8]) -> usize {
    assert!(left.len() <= WORD_BYTES_MAX && right.len() <= WORD_BYTES_MAX);
    // Row i holds the distances of left[..i] to every head of right; three rows are ever needed.
    let mut rows = [[0usize; WORD_BYTES_MAX + 1]; 3];
    rows[0] = std::array::from_fn(|column| column);
    for i in 1..=left.len() {
        let [older, old, new] = [(i + 1) % 3, (i + 2) % 3, i % 3];
        rows[new][0] = i;
        for j in 1..=right.len() {
            let same = |a: usize, b: usize| left[a].eq_ignore_ascii_case(&right[b]);
            let replaced = rows[old][j - 1] + usize::from(!same(i - 1, j - 1));
            let mut least = replaced.min(rows[old][j] + 1).min(rows[new][j - 1] + 1);
            if i > 1 && j > 1 && same(i - 1, j - 2) && same(i - 2, j - 1) {
                least = least.min(rows[older][j - 2] + 1);
            }
            rows[new][j] = least;
        }
    }
    rows[left.len() % 3][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (left, right, expected) in [
            ("", "", 0),
            ("get", "GET", 0),
            ("GTE", "GET", 1),
            ("GETT", "GET", 1),
            ("GT", "GET", 1),
            ("SET", "GET", 1),
            ("DELTE", "DELETE", 1),
            ("QEURY", "QUERY", 1),
            ("kitten", "sitting", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(slips(left.as_bytes(), right.as_bytes()), expected, "{left} {right}");
            assert_eq!(slips(right.as_bytes(), left.as_bytes()), expected, "{right} {left}");
        }
    }

    #[test]
    fn near_names_are_suggested() {
        for (word, expected) in [
            ("GTE", Some("GET")),
            ("qurey", Some("QUERY")),
            ("DELET", Some("DELETE")),
            ("compute2", Some("COMPUTE")),
            ("STATSU", Some("STATUS")),
            ("EXTI", Some("EXIT")),
            ("JSON.DLE", Some("JSON.DEL")),
            ("XYZ", None),
            ("", None),
            ("H.STOR", None),
            ("averyveryverylongword", None),
        ] {
            assert_eq!(nearest(word.as_bytes()), expected, "{word}");
        }
    }
}
