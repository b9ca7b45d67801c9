//! Redis' glob patterns: `*`, `?`, `[a-z]`, `[^a-z]`, and `\` before what is meant literally.

/// Whether all of `text` matches. Time is at most the product of both lengths: a failed match goes back to the last
/// star only, which is enough, since whatever an earlier star could take the last one can take too.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut pos) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while pos < text.len() {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            star = Some((at, pos));
            continue;
        }
        match one(&pattern[at..], text[pos]) {
            Some(len) => (at, pos) = (at + len, pos + 1),
            None => match star {
                Some((after, taken)) => {
                    star = Some((after, taken + 1));
                    (at, pos) = (after, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

/// The bytes that every match begins with.
pub(super) fn literal_head(pattern: &[u8]) -> Vec<u8> {
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

/// How many bytes of the pattern the byte matches; none: it does not.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', ..] => class(pattern, byte),
        [b'\\', literal, ..] => (literal == byte).then_some(2),
        [literal, ..] => (literal == byte).then_some(1),
    }
}

/// `[...]`. A class without its end takes all of the pattern, as in Redis.
fn class(pattern: &[u8], byte: u8) -> Option<usize> {
    let negated = pattern.get(1) == Some(&b'^');
    let mut at = 1 + usize::from(negated);
    let mut found = false;
    let end = loop {
        match pattern[at..] {
            [] => break at,
            [b']', ..] => break at + 1,
            [b'\\', literal, ..] => {
                found |= literal == byte;
                at += 2;
            }
            [low, b'-', high, ..] => {
                found |= (low.min(high)..=low.max(high)).contains(&byte);
                at += 3;
            }
            [literal, ..] => {
                found |= literal == byte;
                at += 1;
            }
        }
    };
    (found != negated).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "abc", true),
            ("", "", true),
            ("", "a", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h*l*o", "hello world, hello", true),
            ("*a*b", "xaxbxa", false),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hallo", true),
            ("h[a-b]llo", "hcllo", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[\\]]", "]", true),
            ("a\\", "a\\", true),
            ("[abc", "b", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
        assert!(!matches(&b"a*".repeat(2_000), &b"a".repeat(1_999)));
    }

    #[test]
    fn heads_end_at_the_first_wild_byte() {
        for (pattern, expected) in
            [("person1*", "person1"), ("a\\*b?", "a*b"), ("*", ""), ("[a]", ""), ("plain", "plain")]
        {
            assert_eq!(literal_head(pattern.as_bytes()), expected.as_bytes(), "{pattern}");
        }
    }
}
