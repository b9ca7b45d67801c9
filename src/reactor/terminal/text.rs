//! What the editor makes of a text: pure, so that it is tested without a terminal.

use crate::console;
use crate::proto::command::{self, COMMANDS, Flags};
use std::time::Duration;

/// The lines of what was entered or pasted, one for each command: those that belong to one PUT are joined.
pub(super) fn statements(entered: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    for line in entered.lines() {
        match statements.last_mut().filter(|before| is_unfinished(before)) {
            Some(before) => {
                before.push(' ');
                before.push_str(line);
            }
            None => statements.push(line.to_owned()),
        }
    }
    statements.retain(|statement| !statement.trim().is_empty());
    statements
}

/// A PUT whose document has an open brace or bracket at its end. A string that is open there is a mistake, for which
/// no further line is waited.
pub(super) fn is_unfinished(text: &str) -> bool {
    let Some((verb, rest)) = first_word(text) else { return false };
    if !verb.eq_ignore_ascii_case("PUT") {
        return false;
    }
    let (mut depth, mut bytes, mut in_string) = (0i32, rest.bytes(), false);
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => drop(bytes.next()),
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
    }
    depth > 0 && !in_string
}

/// The first word, and what follows it.
pub(super) fn first_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// What to complete at the end of `line`: where the word begins, and which kind of words come into question.
pub(super) fn word_at_end(line: &str) -> (usize, Words) {
    let start = word_start(line);
    let Some((verb, rest)) = first_word(line) else { return (start, Words::Commands) };
    if rest.is_empty() {
        return (start, if verb.starts_with('@') { Words::None } else { Words::Commands });
    }
    let Some(command) = command::lookup(verb.as_bytes()) else {
        let asks_one = verb.starts_with('@') && first_word(rest).is_none_or(|(_, rest)| rest.is_empty());
        return (start, if asks_one { Words::Commands } else { Words::None });
    };
    let words = match command.name {
        "HELP" => Words::Commands,
        "QUERY" => Words::Paths,
        "COMPUTE" => match line[..start].trim_end().rsplit(char::is_whitespace).next() {
            Some(before) if before.eq_ignore_ascii_case("QUERY") => Words::Paths,
            _ => Words::None,
        },
        "PUT" if rest.contains(':') => Words::None,
        _ if command.keys.first > 0 => Words::Keys,
        _ => Words::None,
    };
    (start, words)
}

/// Which kind of words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Words {
    Commands,
    Keys,
    Paths,
    /// Nothing is known about what may stand there.
    None,
}

/// Where the last word begins; one in quotes that are still open begins at the quote.
fn word_start(line: &str) -> usize {
    let mut start = 0;
    let mut quoted = false;
    for (at, character) in line.char_indices() {
        match character {
            '"' => quoted = !quoted,
            blank if blank.is_whitespace() && !quoted => start = at + blank.len_utf8(),
            _ => {}
        }
    }
    start
}

/// The commands whose names begin so.
pub(super) fn commands_beginning(word: &str) -> Vec<String> {
    let begins = |name: &str| name.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    COMMANDS
        .iter()
        .filter(|command| console::is_offered(command) && begins(command.name))
        .map(|command| command.name.to_owned())
        .collect()
}

/// What follows in the syntax of the command that was typed, as long as nothing follows it.
pub(super) fn syntax_hint(line: &str) -> Option<String> {
    let (verb, rest) = first_word(line)?;
    let command = command::lookup(verb.as_bytes())?;
    if !rest.trim().is_empty() || command.flags.contains(Flags::CLUSTER) {
        return None;
    }
    let syntax = command.syntax().to_string();
    let behind = syntax.strip_prefix(command.name)?;
    let hint = if rest.is_empty() { behind } else { behind.trim_start() };
    (!hint.is_empty()).then(|| hint.to_owned())
}

/// `0.4 ms`, `1.25 s`
pub(super) fn duration(time: Duration) -> String {
    if time.as_millis() < 1_000 {
        format!("{:.1} ms", time.as_secs_f64() * 1e3)
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_put_are_one_statement() {
        for (entered, expected) in [
            ("GET a", &["GET a"][..]),
            ("GET a\n\nGET b\n", &["GET a", "GET b"]),
            ("PUT p:{\n\"a\": 1;\n\"b\": [\n2]}\nGET p", &["PUT p:{ \"a\": 1; \"b\": [ 2]}", "GET p"]),
            ("PUT p:{\"a{\": 1}\nGET p", &["PUT p:{\"a{\": 1}", "GET p"]),
            ("  ", &[]),
        ] {
            assert_eq!(statements(entered), expected, "{entered}");
        }
    }

    #[test]
    fn only_an_open_document_waits_for_more() {
        for (text, expected) in [
            ("PUT p:{", true),
            ("put p:{\"a\": [1", true),
            ("PUT p:{\"a\": \"x}", false),
            ("PUT p:{\"a\\\"}\": 1", true),
            ("PUT p:{}", false),
            ("GET {", false),
            ("", false),
        ] {
            assert_eq!(is_unfinished(text), expected, "{text}");
        }
    }

    #[test]
    fn what_to_complete_follows_from_the_line() {
        for (line, expected) in [
            ("", (0, Words::Commands)),
            ("GE", (0, Words::Commands)),
            ("GET ", (4, Words::Keys)),
            ("GET per", (4, Words::Keys)),
            ("MGET a b", (7, Words::Keys)),
            ("GET \"a b", (4, Words::Keys)),
            ("QUERY person1.ad", (6, Words::Paths)),
            ("COMPUTE x", (8, Words::None)),
            ("COMPUTE x WHERE x = QUERY per", (26, Words::Paths)),
            ("PUT per", (4, Words::Keys)),
            ("PUT per:{\"a\": tr", (14, Words::None)),
            ("HELP G", (5, Words::Commands)),
            ("FOO a", (4, Words::None)),
            ("@h:1 G", (5, Words::Commands)),
            ("@h:1 GET a", (9, Words::None)),
            ("DBSIZE ", (7, Words::None)),
        ] {
            assert_eq!(word_at_end(line), expected, "{line}");
        }
        assert_eq!(commands_beginning("ge"), ["GET"]);
        assert!(commands_beginning("H").iter().all(|name| !name.starts_with("H.")));
    }

    #[test]
    fn hints_show_the_rest_of_the_syntax() {
        assert_eq!(syntax_hint("GET").as_deref(), Some(" key"));
        assert_eq!(syntax_hint("put ").as_deref(), Some("key document"));
        assert_eq!(syntax_hint("GET a"), None);
        assert_eq!(syntax_hint("STATUS"), None);
        assert_eq!(syntax_hint("NOPE"), None);
    }

    #[test]
    fn times_are_short() {
        assert_eq!(duration(Duration::from_micros(432)), "0.4 ms");
        assert_eq!(duration(Duration::from_millis(1_250)), "1.25 s");
    }
}
