//! The keyFile: which names fields have, and of which type their values are.
//!
//! ```text
//! # a comment                     one `name type` a line; blanks and tabs between them and around them,
//! name   string                   CRLF, blank lines and a byte order mark do no harm
//! address set                     types, any case: string int float bool set
//! ```

use std::fmt;

use crate::limits::KEY_BYTES_MAX;

/// The type of a field's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldType {
    /// `string`: letters and digits.
    Text,
    /// `int`.
    Int,
    /// `float`.
    Float,
    /// `bool`.
    Bool,
    /// `set`: fields of its own.
    Set,
}

impl FieldType {
    /// The types a keyFile may name, as they are shown in errors and help.
    pub const NAMES: &'static str = "string, int, float, bool or set";

    fn from_word(word: &str) -> Option<FieldType> {
        let known = [
            ("string", FieldType::Text),
            ("int", FieldType::Int),
            ("float", FieldType::Float),
            ("bool", FieldType::Bool),
            ("set", FieldType::Set),
        ];
        known.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|&(_, kind)| kind)
    }
}

/// The names of a keyFile with their types: at least one, all different, in the file's order.
#[derive(Clone, Debug)]
pub struct KeyFile {
    names: Vec<Name>,
    sets: usize,
    repeated: usize,
}

#[derive(Clone, Debug)]
struct Name {
    /// `"name": `, quoted and escaped, ready to be written before a value.
    quoted: Box<[u8]>,
    kind: FieldType,
}

/// What is wrong with a keyFile, and in which line (the first is 1). Words are those of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyFileError<'t> {
    /// Nothing but blank lines and comments, or nothing at all.
    Empty,
    /// The line holds bytes that are not UTF-8.
    NotUtf8 {
        /// Number of the line.
        line: usize,
    },
    /// A name without a type.
    NoType {
        /// Number of the line.
        line: usize,
        /// The name.
        name: &'t str,
    },
    /// More than a name and a type.
    ExtraWord {
        /// Number of the line.
        line: usize,
        /// The third word.
        word: &'t str,
    },
    /// A type that is none of [`FieldType::NAMES`].
    UnknownType {
        /// Number of the line.
        line: usize,
        /// The word that stands where a type belongs.
        word: &'t str,
    },
    /// A name longer than [`KEY_BYTES_MAX`].
    LongName {
        /// Number of the line.
        line: usize,
    },
    /// A name that stood in an earlier line with another type.
    Conflict {
        /// Number of the line.
        line: usize,
        /// Number of the line where it stood first.
        first_line: usize,
        /// The name.
        name: &'t str,
    },
}

impl fmt::Display for KeyFileError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = FieldType::NAMES;
        match self {
            KeyFileError::Empty => {
                write!(f, "no names in it; expected lines of `name type`, where type is {types}")
            }
            KeyFileError::NotUtf8 { line } => write!(f, "line {line}: not UTF-8 text"),
            KeyFileError::NoType { line, name } => {
                write!(f, "line {line}: `{name}` has no type; expected `name type`, where type is {types}")
            }
            KeyFileError::ExtraWord { line, word } => {
                write!(f, "line {line}: unexpected `{word}`; expected only `name type`")
            }
            KeyFileError::UnknownType { line, word } => {
                write!(f, "line {line}: unknown type `{word}`; expected {types}")
            }
            KeyFileError::LongName { line } => {
                write!(f, "line {line}: the name is longer than {KEY_BYTES_MAX} bytes")
            }
            KeyFileError::Conflict { line, first_line, name } => {
                write!(f, "line {line}: `{name}` has another type than in line {first_line}")
            }
        }
    }
}

impl std::error::Error for KeyFileError<'_> {}

/// One line of a keyFile that names something.
#[derive(Clone, Copy)]
struct Entry<'t> {
    line: usize,
    name: &'t str,
    kind: FieldType,
}

impl KeyFile {
    /// Reads the text of a keyFile. The same name with the same type again is harmless and left out
    /// ([`KeyFile::repeated`] counts them); with another type it is an error.
    pub fn parse(text: &[u8]) -> Result<KeyFile, KeyFileError<'_>> {
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        let mut entries = Vec::new();
        for (index, bytes) in text.split(|&byte| byte == b'\n').enumerate() {
            entries.extend(parse_line(index + 1, bytes)?);
        }
        let entry_count = entries.len();
        let entries = without_repeats(entries)?;
        if entries.is_empty() {
            return Err(KeyFileError::Empty);
        }
        let sets = entries.iter().filter(|entry| entry.kind == FieldType::Set).count();
        let repeated = entry_count - entries.len();
        let names =
            entries.iter().map(|entry| Name { quoted: quote(entry.name), kind: entry.kind }).collect();
        Ok(KeyFile { names, sets, repeated })
    }

    /// [`super::SAMPLE_KEYS`], read.
    pub fn sample() -> KeyFile {
        KeyFile::parse(super::SAMPLE_KEYS.as_bytes())
            .expect("the sample that ships with the project is sound")
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never true: a keyFile without names is an error.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether any name is of type `set`.
    pub fn has_sets(&self) -> bool {
        self.sets > 0
    }

    /// Lines that said again what an earlier line had said.
    pub fn repeated(&self) -> usize {
        self.repeated
    }

    /// The name at `index`, quoted, with the colon and blank that follow it: `"age": `.
    pub(super) fn quoted(&self, index: usize) -> &[u8] {
        &self.names[index].quoted
    }

    /// The type of the name at `index`.
    pub(super) fn kind(&self, index: usize) -> FieldType {
        self.names[index].kind
    }

    /// Indices of the names that are not sets.
    pub(super) fn scalars(&self) -> impl Iterator<Item = u32> {
        let scalar = |name: &Name| name.kind != FieldType::Set;
        self.names.iter().enumerate().filter(move |(_, name)| scalar(name)).map(|(index, _)| index as u32)
    }
}

fn parse_line(line: usize, bytes: &[u8]) -> Result<Option<Entry<'_>>, KeyFileError<'_>> {
    let text = std::str::from_utf8(bytes).map_err(|_| KeyFileError::NotUtf8 { line })?;
    let mut words = text.split_ascii_whitespace();
    let Some(name) = words.next() else { return Ok(None) };
    if name.starts_with('#') {
        return Ok(None);
    }
    if name.len() > KEY_BYTES_MAX {
        return Err(KeyFileError::LongName { line });
    }
    let word = words.next().ok_or(KeyFileError::NoType { line, name })?;
    let kind = FieldType::from_word(word).ok_or(KeyFileError::UnknownType { line, word })?;
    match words.next() {
        Some(word) if !word.starts_with('#') => Err(KeyFileError::ExtraWord { line, word }),
        _ => Ok(Some(Entry { line, name, kind })),
    }
}

/// Leaves each name in the line where it stood first.
fn without_repeats(mut entries: Vec<Entry<'_>>) -> Result<Vec<Entry<'_>>, KeyFileError<'_>> {
    entries.sort_by_key(|entry| (entry.name, entry.line));
    let conflict =
        entries.windows(2).filter(|pair| pair[0].name == pair[1].name && pair[0].kind != pair[1].kind);
    if let Some(pair) = conflict.min_by_key(|pair| pair[1].line) {
        let (first_line, line, name) = (pair[0].line, pair[1].line, pair[0].name);
        return Err(KeyFileError::Conflict { line, first_line, name });
    }
    entries.dedup_by_key(|entry| entry.name);
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

fn quote(name: &str) -> Box<[u8]> {
    let mut quoted = String::with_capacity(name.len() + 4);
    quoted.push('"');
    for letter in name.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\0'..='\x1f' | '\x7f' => quoted.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => quoted.push(letter),
        }
    }
    quoted.push_str("\": ");
    quoted.into_bytes().into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        KeyFile::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn blanks_comments_crlf_and_case_do_no_harm() {
        let keys = KeyFile::parse(b"\xEF\xBB\xBF# names\r\n\r\n name\tstring \r\nage INT # years\nhome Set")
            .unwrap();
        assert_eq!((keys.len(), keys.has_sets(), keys.repeated()), (3, true, 0));
        assert_eq!(keys.quoted(0), b"\"name\": ");
        assert_eq!(
            [keys.kind(0), keys.kind(1), keys.kind(2)],
            [FieldType::Text, FieldType::Int, FieldType::Set]
        );
        assert_eq!(keys.scalars().collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn every_error_names_its_line() {
        assert!(error("").starts_with("no names in it"));
        assert!(error("# nothing\n\n  \r\n").starts_with("no names in it"));
        assert!(error("name string\nage\n").starts_with("line 2: `age` has no type"));
        assert_eq!(
            error("name strnig"),
            "line 1: unknown type `strnig`; expected string, int, float, bool or set"
        );
        assert_eq!(error("a int\nb int x"), "line 2: unexpected `x`; expected only `name type`");
        assert_eq!(KeyFile::parse(b"a int\n\xff int").unwrap_err(), KeyFileError::NotUtf8 { line: 2 });
        let long = format!("{} int", "n".repeat(KEY_BYTES_MAX + 1));
        assert_eq!(KeyFile::parse(long.as_bytes()).unwrap_err(), KeyFileError::LongName { line: 1 });
    }

    #[test]
    fn a_repeated_name_is_left_out_and_a_contradicting_one_refused() {
        let keys = KeyFile::parse(b"b int\na string\nb int\nb int\n").unwrap();
        assert_eq!((keys.len(), keys.repeated()), (2, 2));
        assert_eq!(keys.quoted(0), b"\"b\": ");
        assert_eq!(error("b int\na string\nb float\na int"), "line 3: `b` has another type than in line 1");
    }

    #[test]
    fn names_are_escaped_where_json_needs_it() {
        let keys = KeyFile::parse("a\"b\\c\u{1}é int".as_bytes()).unwrap();
        assert_eq!(keys.quoted(0), "\"a\\\"b\\\\c\\u0001é\": ".as_bytes());
    }
}
