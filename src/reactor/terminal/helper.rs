//! What the editor asks while a line is typed: completion, hints, colours, whether the line is complete.

use super::super::feed::FeedHandle;
use super::WORDS_PATIENCE;
use super::text::{self, Words, commands_beginning, first_word, is_unfinished, syntax_hint, word_at_end};
use crate::proto::command;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter, HistoryHinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Context};
use std::borrow::Cow;
use std::cell::RefCell;

/// Questions without an answer, at most: beyond them nobody is asked any more.
const UNANSWERED_MAX: usize = 8;

pub(super) struct Helper {
    words: FeedHandle,
    heard: RefCell<Heard>,
    history: HistoryHinter,
    colour: bool,
}

/// What came from the words' feed.
#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    /// Questions whose answers came too late, or not yet: they are passed over.
    unanswered: usize,
}

impl Helper {
    pub(super) fn new(words: FeedHandle, colour: bool) -> Helper {
        Helper { words, heard: RefCell::default(), history: HistoryHinter::new(), colour }
    }

    /// The candidates for a question, if they come in time.
    fn ask(&self, question: &str) -> Vec<String> {
        let mut heard = self.heard.borrow_mut();
        if heard.unanswered >= UNANSWERED_MAX || question.contains('\n') {
            return Vec::new();
        }
        if self.words.sender.send(format!("{question}\n").into_bytes()).is_err() {
            return Vec::new();
        }
        heard.unanswered += 1;
        let deadline = super::now() + WORDS_PATIENCE;
        loop {
            while let Some(answer) = heard.next_answer() {
                heard.unanswered -= 1;
                if heard.unanswered == 0 {
                    return answer;
                }
            }
            let left = deadline.saturating_duration_since(super::now());
            match self.words.receiver.recv_timeout(left) {
                Ok(Some(piece)) => heard.bytes.extend_from_slice(&piece),
                Ok(None) | Err(_) => return Vec::new(),
            }
        }
    }
}

impl Heard {
    /// Takes the lines up to the next empty one.
    fn next_answer(&mut self) -> Option<Vec<String>> {
        let end = if self.bytes.first() == Some(&b'\n') {
            0
        } else {
            memchr::memmem::find(&self.bytes, b"\n\n")? + 1
        };
        let answer: Vec<u8> = self.bytes.drain(..=end).collect();
        let text = String::from_utf8_lossy(&answer[..end]);
        Some(text.lines().map(str::to_owned).collect())
    }
}

impl rustyline::Helper for Helper {}

impl Completer for Helper {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let (start, words) = word_at_end(&line[..pos]);
        let word = &line[start..pos];
        let candidates = match words {
            Words::Commands => commands_beginning(word),
            Words::Keys => self.ask(&format!("k{word}")),
            Words::Paths => self.ask(&format!("p{word}")),
            Words::None => Vec::new(),
        };
        Ok((start, candidates))
    }
}

/// Shown behind the cursor. What comes from the history can be taken over, a syntax cannot.
pub(super) struct Suggestion {
    shown: String,
    is_syntax: bool,
}

impl Hint for Suggestion {
    fn display(&self) -> &str {
        &self.shown
    }

    fn completion(&self) -> Option<&str> {
        (!self.is_syntax).then_some(self.shown.as_str())
    }
}

impl Hinter for Helper {
    type Hint = Suggestion;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<Suggestion> {
        // Without colour a hint would look like something typed.
        if pos < line.len() || !self.colour {
            return None;
        }
        if let Some(shown) = syntax_hint(line) {
            return Some(Suggestion { shown, is_syntax: true });
        }
        self.history.hint(line, pos, context).map(|shown| Suggestion { shown, is_syntax: false })
    }
}

impl Highlighter for Helper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let Some((word, rest)) = first_word(line).filter(|_| self.colour) else { return Cow::Borrowed(line) };
        if command::lookup(word.as_bytes()).is_none() {
            return Cow::Borrowed(line);
        }
        let blanks = &line[..line.len() - word.len() - rest.len()];
        Cow::Owned(format!("{blanks}\x1b[36m{word}\x1b[0m{rest}"))
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        if self.colour { Cow::Owned(format!("\x1b[1m{prompt}\x1b[0m")) } else { Cow::Borrowed(prompt) }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.colour { Cow::Owned(format!("\x1b[2m{hint}\x1b[0m")) } else { Cow::Borrowed(hint) }
    }

    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        Cow::Borrowed(candidate)
    }

    fn highlight_char(&self, line: &str, pos: usize, _: CmdKind) -> bool {
        // The colour of the first word changes with any letter of it.
        self.colour && text::first_word(line).is_some_and(|(word, _)| pos <= word.len() + 1)
    }
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let last = text::statements(context.input()).pop();
        Ok(match last.is_some_and(|last| is_unfinished(&last)) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end_at_an_empty_line_wherever_they_are_cut() {
        let text = b"a\nb\n\n\nc\n\n";
        for cut in 0..text.len() {
            let mut heard = Heard::default();
            let mut answers = Vec::new();
            for piece in [&text[..cut], &text[cut..]] {
                heard.bytes.extend_from_slice(piece);
                answers.extend(std::iter::from_fn(|| heard.next_answer()));
            }
            let expected = vec![vec!["a".to_owned(), "b".to_owned()], vec![], vec!["c".to_owned()]];
            assert_eq!(answers, expected, "cut at {cut}");
        }
    }
}
