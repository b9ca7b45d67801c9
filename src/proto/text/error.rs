//! What is wrong with a text, and where.

use std::fmt;

use crate::limits::{DOCUMENT_DEPTH_MAX, KEY_BYTES_MAX};
use crate::value::SinkError;

/// The place in a text where reading it failed, and what should have stood there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// Bytes from the beginning of the text to the place.
    pub offset: usize,
    /// What should have stood there.
    pub expected: Expected,
}

impl SyntaxError {
    pub(crate) const fn new(offset: usize, expected: Expected) -> SyntaxError {
        SyntaxError { offset, expected }
    }

    /// The same error, when the text that was read begins `bytes` into the one that is shown to the user.
    pub const fn shifted(self, bytes: usize) -> SyntaxError {
        SyntaxError { offset: self.offset + bytes, expected: self.expected }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.offset)
    }
}

impl std::error::Error for SyntaxError {}

/// What should have stood at a place. Its text completes the sentence "expected ...".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// Any value.
    Value,
    /// A value, or the end of the array.
    ElementOrClose,
    /// A field, or the end of the set.
    FieldOrClose,
    /// `:` between a field's name and its value.
    Colon,
    /// `;` or `,` and another field, or the end of the set.
    SeparatorOrBrace,
    /// `;` or `,` and another element, or the end of the array.
    SeparatorOrBracket,
    /// Nothing after the value.
    End,
    /// A document where a bare scalar or an array stood.
    Document,
    /// The `"` that ends a string.
    Quote,
    /// The quote, of any kind, that ends a name.
    ClosingQuote,
    /// UTF-8 in a string or a name.
    Utf8,
    /// Control characters written as escapes.
    EscapedControl,
    /// A known letter after `\`.
    Escape,
    /// Hexadecimal digits after `\u` or `\x`.
    HexDigit,
    /// The other half of a surrogate pair.
    SurrogatePair,
    /// A digit in a number.
    Digit,
    /// The end of a number.
    NumberEnd,
    /// A number that does not begin with zeros.
    NoLeadingZero,
    /// An integer of 64 bits.
    IntegerInRange,
    /// A float that is not infinite.
    FiniteFloat,
    /// Less nesting.
    LessDepth {
        /// So many are allowed.
        max: u8,
    },
    /// A record's key.
    Key,
    /// A shorter key.
    ShorterKey,
    /// `:` between a record's key and its document.
    ColonAfterKey,
    /// The field of a JSON line that holds the record's key.
    KeyField,
    /// A string or an integer as the field that holds the key.
    KeyValue,
    /// A segment of a path.
    PathName,
    /// A path's next step, or its end.
    PathStep,
    /// The index of an array element, or a name in quotes.
    PathIndex,
    /// `]` after an index.
    PathBracket,
    /// A path with fewer segments.
    ShorterPath,
    /// A step that the path notation knows: no wildcards, slices, filters.
    SimplePathStep,
    /// A path without filters.
    NoFilter,
}

impl Expected {
    /// The words after "expected".
    const fn words(self) -> &'static str {
        match self {
            Expected::Value => "a value",
            Expected::ElementOrClose => "a value or ']'",
            Expected::FieldOrClose => "a field name or '}'",
            Expected::Colon => "':' after the field name",
            Expected::SeparatorOrBrace => "';' or '}' after the value",
            Expected::SeparatorOrBracket => "';' or ']' after the value",
            Expected::End => "nothing more after the value",
            Expected::Document => "a document such as {\"a\": 1} (for a plain string use SET)",
            Expected::Quote => "'\"' at the end of the string",
            Expected::ClosingQuote => "a closing quote",
            Expected::Utf8 => "UTF-8",
            Expected::EscapedControl => "a control character only as an escape (\\n, \\t, \\u001f)",
            Expected::Escape => "one of \" \\ / b f n r t u after '\\'",
            Expected::HexDigit => "a hexadecimal digit",
            Expected::SurrogatePair => "a surrogate pair, not one half of it",
            Expected::Digit => "a digit",
            Expected::NumberEnd => "the number to end",
            Expected::NoLeadingZero => "no zeros before a number (in quotes it is text)",
            Expected::IntegerInRange => {
                "an integer of 64 bits (with '.' or 'e' it is a float, in quotes text)"
            }
            Expected::FiniteFloat => "a float within 1.8e308 (in quotes it is text)",
            Expected::Key => "a key",
            Expected::ColonAfterKey => "':' and a document after the key",
            Expected::KeyField => "the field that holds the key",
            Expected::KeyValue => "a string or an integer as the key",
            Expected::PathName => "a name (one with a dot, blank or quote in double quotes)",
            Expected::PathStep => "'.', '[' or the end of the path",
            Expected::PathIndex => "an index such as [0] or a name such as [\"a\"]",
            Expected::PathBracket => "']'",
            Expected::SimplePathStep => "a path without wildcards, slices, filters and negative indexes",
            Expected::NoFilter => "a path without filters: they are not in this release",
            Expected::LessDepth { .. } | Expected::ShorterKey | Expected::ShorterPath => "",
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::LessDepth { max } => write!(f, "at most {max} nested sets and arrays"),
            Expected::ShorterPath => write!(f, "at most {DOCUMENT_DEPTH_MAX} segments after the key"),
            Expected::ShorterKey => write!(f, "a key of at most {KEY_BYTES_MAX} bytes"),
            other => f.write_str(other.words()),
        }
    }
}

/// Why a text did not become a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextError {
    /// The text is not in the notation.
    Syntax(SyntaxError),
    /// The sink refused the value; bytes from the beginning of the text to where it did.
    Sink(SinkError, usize),
}

impl TextError {
    /// Bytes from the beginning of the text to the place.
    pub const fn offset(&self) -> usize {
        match *self {
            TextError::Syntax(error) => error.offset,
            TextError::Sink(_, offset) => offset,
        }
    }

    /// What is wrong, without the place: for those who show the place with a caret.
    pub fn message(&self) -> String {
        match self {
            TextError::Syntax(error) => format!("expected {}", error.expected),
            TextError::Sink(error, _) => error.to_string(),
        }
    }

    /// The same error, when the text that was read begins `bytes` into the one that is shown to the user.
    pub const fn shifted(self, bytes: usize) -> TextError {
        match self {
            TextError::Syntax(error) => TextError::Syntax(error.shifted(bytes)),
            TextError::Sink(error, offset) => TextError::Sink(error, offset + bytes),
        }
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextError::Syntax(error) => error.fmt(f),
            TextError::Sink(error, offset) => write!(f, "{error} at byte {offset}"),
        }
    }
}

impl std::error::Error for TextError {}

impl From<SyntaxError> for TextError {
    fn from(error: SyntaxError) -> TextError {
        TextError::Syntax(error)
    }
}
