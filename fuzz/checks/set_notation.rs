//! What must hold for any bytes that are read as a value, or as a line with a record. Shared by the fuzzer and by the
//! tests.

#[path = "value_twin.rs"]
mod value_twin;

use hedgerow::proto::text::{
    self, RecordLine, Step, Style, SyntaxError, TextError, ValueReader, find, quote_key, remove, render_caret,
};
use hedgerow::value::{Event, Segment, SinkError, ValueSink};

/// Everything that is promised of any bytes.
pub(crate) fn check(text: &[u8]) {
    let whole = pulled(text, &[]);
    let expected = whole.as_ref().ok().cloned();
    assert_eq!(expected, value_twin::events(text), "the reader and its slow twin");
    let pieces: &[usize] = if text.len() < 4096 { &[1, 2, 3, 7, 31] } else { &[509, 16 << 10] };
    for &piece in pieces {
        let cuts: Vec<usize> = (piece..text.len()).step_by(piece).collect();
        assert_eq!(pulled(text, &cuts), whole, "cut into pieces of {piece}");
    }
    let mut told = Teller::default();
    let at_once = text::read_value(text, &mut told).map(|()| told.0);
    assert_eq!(at_once, whole.clone().map_err(TextError::Syntax), "bytes and text");
    match whole {
        Ok(_) => check_styles(text),
        Err(error) => check_error(text, error),
    }
    check_lines(text);
}

/// The reader's events of a text that comes cut at these places.
fn pulled(text: &[u8], cuts: &[usize]) -> Result<Vec<String>, SyntaxError> {
    let mut reader = ValueReader::new();
    let mut told = Teller::default();
    let mut ends = cuts.iter().copied().chain([text.len()]);
    let (mut start, mut end) = (0, ends.next().expect("the text has an end"));
    loop {
        match reader.next(&text[start..end], end == text.len())? {
            Step::Event { event, consumed } => {
                told.event(event).expect("it takes all");
                start += consumed;
            }
            Step::More => end = ends.next().expect("no more is asked for behind the end"),
            Step::End { consumed } => {
                assert_eq!(start + consumed, text.len());
                return Ok(told.0);
            }
        }
    }
}

/// What is printed means the same in every style, and its parts are where they should be.
fn check_styles(text: &[u8]) {
    let json = restyled(text, Style::Json);
    for style in [Style::Seed, Style::Json, Style::Pretty] {
        let printed = restyled(text, style);
        assert_eq!(restyled(&printed, Style::Json), json);
        assert_eq!(restyled(&printed, style), printed);
    }
    let mut names = Teller::default();
    text::read_value(&json, &mut names).expect("it was printed");
    let names = names.0.iter().filter_map(|event| event.strip_prefix("Field "));
    for segment in names.map(Segment::Field).chain([Segment::Index(0), Segment::Index(1)]) {
        let part = find(&json, &[segment]);
        let mut rest = Vec::new();
        assert_eq!(remove(&json, &[segment], &mut rest), part.is_some());
        if let Some(part) = part {
            assert_eq!(restyled(part, Style::Json), part, "a part is compact JSON");
            assert_eq!(restyled(&rest, Style::Json), rest, "so is the rest");
            assert!(rest.len() < json.len());
        }
    }
}

fn restyled(text: &[u8], style: Style) -> Vec<u8> {
    let mut out = Vec::new();
    text::restyle(text, style, &mut out).expect("it was read before");
    out
}

fn check_error(text: &[u8], error: SyntaxError) {
    assert!(error.offset <= text.len());
    let mut out = b"before".to_vec();
    assert!(text::restyle(text, Style::Seed, &mut out).is_err());
    assert_eq!(out, b"before");
    let shown = render_caret(text, error.offset, &error.to_string());
    let lines: Vec<&str> = shown.split('\n').collect();
    assert_eq!(lines.len(), 3, "{shown}");
    assert_eq!(lines[1].trim_start_matches(' '), "^");
    assert!(lines[1].len() <= 2 + 48 + 1, "a line of a terminal holds it");
}

/// The bytes as a line of a data file, and of JSON Lines.
fn check_lines(line: &[u8]) {
    match text::record_line(line) {
        Ok(Some(record)) => {
            check_record(line, &record);
            let mut again = Vec::new();
            quote_key(&mut again, &record.key);
            again.extend_from_slice(b": ");
            again.extend_from_slice(record.text);
            let back = text::record_line(&again).expect("it was a record").expect("it was a record");
            assert_eq!((back.key, back.text), (record.key, record.text));
        }
        Ok(None) => {}
        Err(error) => assert!(error.offset <= line.len()),
    }
    match text::json_line(line, "id") {
        Ok(Some(record)) => {
            check_record(line, &record);
            restyled(record.text, Style::Json);
        }
        Ok(None) => {}
        Err(error) => assert!(error.offset() <= line.len()),
    }
}

fn check_record(line: &[u8], record: &RecordLine<'_>) {
    assert!((1..=hedgerow::limits::KEY_BYTES_MAX).contains(&record.key.len()));
    assert_eq!(record.text.first(), Some(&b'{'));
    assert_eq!(&line[record.offset..record.offset + record.text.len()], record.text);
}

/// A sink that writes the events down, floats with all their bits.
#[derive(Default)]
struct Teller(Vec<String>);

impl ValueSink for Teller {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        self.0.push(match event {
            Event::Field(name) => format!("Field {name}"),
            Event::Float(float) => format!("Float {:x}", float.to_bits()),
            other => format!("{other:?}"),
        });
        Ok(())
    }
}
