//! The value reader's slow twin: recursive, one character a time, all or nothing. Written from the notation's rules
//! (commands.md, section 2, and RFC 8259) and not from the reader.

use hedgerow::limits::DOCUMENT_DEPTH_MAX;
use hedgerow::value::Event;

/// The events of a text that is a value, as the checks write them down.
pub(crate) fn events(text: &[u8]) -> Option<Vec<String>> {
    let mut twin = Twin { rest: std::str::from_utf8(text).ok()?, events: Vec::new() };
    twin.value(0)?;
    twin.blanks();
    twin.rest.is_empty().then_some(twin.events)
}

struct Twin<'t> {
    rest: &'t str,
    events: Vec<String>,
}

impl Twin<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    /// Takes this character, behind blanks, if it comes.
    fn take(&mut self, wanted: char) -> bool {
        self.blanks();
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn tell(&mut self, event: Event<'_>) -> Option<()> {
        self.events.push(format!("{event:?}"));
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        self.blanks();
        match self.rest.chars().next()? {
            '{' | '[' if depth == DOCUMENT_DEPTH_MAX => None,
            '{' => self.items(depth, '{', '}'),
            '[' => self.items(depth, '[', ']'),
            '0'..='9' | '-' | '+' => self.number(),
            '"' => {
                let text = self.quoted()?;
                self.tell(Event::Text(&text))
            }
            _ => match self.word()?.as_str() {
                "true" => self.tell(Event::Bool(true)),
                "false" => self.tell(Event::Bool(false)),
                "null" => self.tell(Event::Null),
                word => self.tell(Event::Text(word)),
            },
        }
    }

    /// `{name: value; ...}` or `[value; ...]`.
    fn items(&mut self, depth: usize, open: char, close: char) -> Option<()> {
        assert!(self.take(open));
        let set = open == '{';
        self.tell(if set { Event::BeginSet } else { Event::BeginArray })?;
        while !self.take(close) {
            if set {
                self.blanks();
                let name = if self.rest.starts_with('"') { self.quoted()? } else { self.word()? };
                self.events.push(format!("Field {name}"));
                self.take(':').then_some(())?;
            }
            self.value(depth + 1)?;
            if !self.take(';') && !self.take(',') {
                self.take(close).then_some(())?;
                break;
            }
        }
        self.tell(if set { Event::EndSet } else { Event::EndArray })
    }

    fn word(&mut self) -> Option<String> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then(|| word.to_string())
    }

    fn number(&mut self) -> Option<()> {
        let stays = |c: char| c.is_ascii_alphanumeric() || "_-+.".contains(c);
        let (token, rest) = self.rest.split_at(self.rest.find(|c| !stays(c)).unwrap_or(self.rest.len()));
        self.rest = rest;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = token.strip_prefix(['-', '+']).unwrap_or(token);
        let (number, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
            None => (unsigned, None),
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (number, None),
        };
        let well_formed = digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && exponent.is_none_or(digits);
        if !well_formed {
            return None;
        }
        if fraction.is_none() && exponent.is_none() {
            return self.tell(Event::Int(token.parse().ok()?));
        }
        let float: f64 = token.parse().ok()?;
        self.events.push(format!("Float {:x}", float.to_bits()));
        float.is_finite().then_some(())
    }

    fn quoted(&mut self) -> Option<String> {
        let mut units = Vec::new();
        let mut rest = self.rest.strip_prefix('"')?.chars();
        loop {
            let character = match rest.next()? {
                '"' => break,
                '\\' => match rest.next()? {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    same @ ('"' | '\\' | '/') => same,
                    'u' => {
                        let mut unit = 0;
                        for _ in 0..4 {
                            unit = unit * 16 + rest.next()?.to_digit(16)?;
                        }
                        units.push(unit as u16);
                        continue;
                    }
                    _ => return None,
                },
                control if control < ' ' => return None,
                plain => plain,
            };
            units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
        }
        self.rest = rest.as_str();
        String::from_utf16(&units).ok()
    }
}
