//! JSON with a client's own blanks: JSON.GET's INDENT, NEWLINE and SPACE.

use crate::proto::text::{Printer, Style};
use crate::value::{Event, SinkError, ValueSink};

/// What stands between the parts of a JSON text.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Blanks<'b> {
    /// Before each field and element, once for each level.
    pub(super) indent: &'b [u8],
    /// Before each field and element, and before what closes.
    pub(super) newline: &'b [u8],
    /// Between the colon and the value.
    pub(super) space: &'b [u8],
}

impl Blanks<'_> {
    pub(super) fn is_none(&self) -> bool {
        self.indent.is_empty() && self.newline.is_empty() && self.space.is_empty()
    }
}

/// Prints the values it is told, with these blanks.
pub(super) struct Spaced<'o, 'b> {
    pub(super) out: &'o mut Vec<u8>,
    blanks: Blanks<'b>,
    depth: usize,
    /// Nothing is taken once `out` is longer than this.
    full_at: usize,
    /// Something stands already in the innermost set or array.
    filled: bool,
    /// A field's name was told last: its value follows.
    named: bool,
}

impl<'o, 'b> Spaced<'o, 'b> {
    pub(super) fn new(out: &'o mut Vec<u8>, blanks: Blanks<'b>, full_at: usize) -> Spaced<'o, 'b> {
        Spaced { out, blanks, depth: 0, full_at, filled: false, named: false }
    }

    fn is_full(&self) -> bool {
        self.out.len() > self.full_at
    }

    fn new_line(&mut self) {
        self.out.extend_from_slice(self.blanks.newline);
        for _ in 0..self.depth {
            // A client's indent may be long itself.
            if self.is_full() {
                return;
            }
            self.out.extend_from_slice(self.blanks.indent);
        }
    }

    fn lead(&mut self) {
        if std::mem::take(&mut self.named) || self.depth == 0 {
            return;
        }
        if self.filled {
            self.out.push(b',');
        }
        self.new_line();
        self.filled = true;
    }

    fn scalar(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        Printer::new(self.out, Style::Json).event(event)
    }
}

impl ValueSink for Spaced<'_, '_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        if self.is_full() {
            return Err(SinkError::TooLarge);
        }
        match event {
            Event::BeginSet | Event::BeginArray => {
                self.lead();
                self.out.push(if event == Event::BeginSet { b'{' } else { b'[' });
                self.depth += 1;
                self.filled = false;
            }
            Event::EndSet | Event::EndArray => {
                self.depth -= 1;
                if self.filled {
                    self.new_line();
                }
                self.out.push(if event == Event::EndSet { b'}' } else { b']' });
                self.filled = true;
            }
            Event::Field(name) => {
                self.lead();
                self.scalar(Event::Text(name))?;
                self.out.push(b':');
                self.out.extend_from_slice(self.blanks.space);
                self.named = true;
            }
            scalar => {
                self.lead();
                self.scalar(scalar)?;
            }
        }
        Ok(())
    }
}
