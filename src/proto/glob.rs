//! Redis' glob patterns: `*`, `?`, `[a-c]`, `[^x]`, `\` before what is meant literally.
//!
//! Source of the rules: Redis' `stringmatchlen`, without its recursion: on a mismatch the last `*` takes one byte
//! more, which is enough, since what an earlier `*` could take the last one can take too.

/// Whether `text` as a whole matches `pattern`.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    // Behind the last `*`, and how much of the text was seen there.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            star = Some((at, seen));
            continue;
        }
        if seen == text.len() && at == pattern.len() {
            return true;
        }
        match step(pattern, at, text.get(seen)) {
            Some(next) => (at, seen) = (next, seen + 1),
            None => match star {
                Some((behind, from)) if from < text.len() => {
                    star = Some((behind, from + 1));
                    (at, seen) = (behind, from + 1);
                }
                _ => return false,
            },
        }
    }
}

/// Matches one byte against the pattern's item at `at`, which is no `*`; where the next item begins.
fn step(pattern: &[u8], at: usize, byte: Option<&u8>) -> Option<usize> {
    let byte = *byte?;
    match *pattern.get(at)? {
        b'?' => Some(at + 1),
        b'[' => {
            let (matched, end) = class(pattern, at + 1, byte);
            matched.then_some(end)
        }
        b'\\' if at + 1 < pattern.len() => (pattern[at + 1] == byte).then_some(at + 2),
        literal => (literal == byte).then_some(at + 1),
    }
}

/// `a-cx]` or `^..]` from `at` on: whether `byte` is meant, and where the class ends. One that is never closed ends
/// with the pattern.
fn class(pattern: &[u8], mut at: usize, byte: u8) -> (bool, usize) {
    let negated = pattern.get(at) == Some(&b'^');
    at += usize::from(negated);
    let mut found = false;
    loop {
        match pattern[at..] {
            [] => return (found != negated, at),
            [b']', ..] => return (found != negated, at + 1),
            [b'\\', escaped, ..] => {
                found |= escaped == byte;
                at += 2;
            }
            [from, b'-', to, ..] => {
                found |= (from.min(to)..=from.max(to)).contains(&byte);
                at += 3;
            }
            [literal, ..] => {
                found |= literal == byte;
                at += 1;
            }
        }
    }
}

/// What every match begins with: only the keys below it need be looked at.
pub fn literal_head(pattern: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    let mut at = 0;
    while let Some(&byte) = pattern.get(at) {
        match byte {
            b'*' | b'?' | b'[' => break,
            b'\\' if at + 1 < pattern.len() => {
                head.push(pattern[at + 1]);
                at += 2;
            }
            literal => {
                head.push(literal);
                at += 1;
            }
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Redis' function, recursion and all.
    fn slow(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => slow(rest, text) || (!text.is_empty() && slow(pattern, &text[1..])),
            ([], _) | (_, []) => false,
            ([b'[', ..], [byte, tail @ ..]) => {
                let (matched, end) = class(pattern, 1, *byte);
                matched && slow(&pattern[end..], tail)
            }
            ([b'?', rest @ ..], [_, tail @ ..]) => slow(rest, tail),
            ([b'\\', literal, rest @ ..], [byte, tail @ ..]) | ([literal, rest @ ..], [byte, tail @ ..]) => {
                literal == byte && slow(rest, tail)
            }
        }
    }

    #[test]
    fn patterns_of_the_redis_documentation() {
        let yes = |pattern: &str, text: &str| {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}")
        };
        let no = |pattern: &str, text: &str| {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}")
        };
        ["hello", "hallo", "hxllo"].iter().for_each(|text| yes("h?llo", text));
        ["hllo", "heeeello"].iter().for_each(|text| yes("h*llo", text));
        ["hello", "hallo"].iter().for_each(|text| yes("h[ae]llo", text));
        no("h[ae]llo", "hillo");
        yes("h[^e]llo", "hallo");
        no("h[^e]llo", "hello");
        yes("h[a-b]llo", "hbllo");
        yes("h[b-a]llo", "hallo");
        yes("a\\*b", "a*b");
        no("a\\*b", "axb");
        yes("*", "");
        no("", "a");
        no("a[", "ab");
        yes("a[^", "ab");
        yes("a\\", "a\\");
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = b"a*".repeat(200);
        let text = b"a".repeat(5_000);
        assert!(!matches(&[&pattern[..], b"b"].concat(), &text));
    }

    proptest! {
        #[test]
        fn agrees_with_redis(pattern in "[ab*?\\[\\]^\\\\-]{0,8}", text in "[ab\\[\\\\-]{0,8}") {
            prop_assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), slow(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn matches_begin_with_the_head(pattern in "[ab*?\\[\\]\\\\]{0,8}", text in "[ab\\[\\\\]{0,8}") {
            if matches(pattern.as_bytes(), text.as_bytes()) {
                prop_assert!(text.as_bytes().starts_with(&literal_head(pattern.as_bytes())));
            }
        }
    }
}
