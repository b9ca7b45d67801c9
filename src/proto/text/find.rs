//! A part of compact JSON, as servers print it, without reading the rest.
//!
//! Nothing is parsed that the path does not name: what lies beside it is skipped by its brackets and quotes only. The
//! text is trusted to be JSON without white space; for any other bytes the answer is some part of them, or none.

use super::{escape, scan};
use crate::value::Segment;

/// The part of `json` at `path`, itself JSON. An empty path is all of it. None: there is no such field or element.
///
/// ```
/// use hedgerow::{proto::text::find, value::Segment};
/// let json = br#"{"name":"Mary","pets":[{"kind":"cat"},null]}"#;
/// let path = [Segment::Field("pets"), Segment::Index(0), Segment::Field("kind")];
/// assert_eq!(find(json, &path), Some(&b"\"cat\""[..]));
/// assert_eq!(find(json, &path[..1]), Some(&br#"[{"kind":"cat"},null]"#[..]));
/// assert_eq!(find(json, &[Segment::Field("kind")]), None);
/// ```
pub fn find<'t>(json: &'t [u8], path: &[Segment<'_>]) -> Option<&'t [u8]> {
    let place = locate(json, path)?;
    Some(&json[place.value..place.end])
}

/// Appends `json` without the field or element at `path`. False, and nothing appended, if there is none, or if the
/// path is empty: the whole is not a part of itself.
pub fn remove(json: &[u8], path: &[Segment<'_>], out: &mut Vec<u8>) -> bool {
    if path.is_empty() {
        return false;
    }
    let Some(place) = locate(json, path) else { return false };
    // One comma goes with it: the one behind it, or for the last the one in front.
    let (start, end) = match (json.get(place.end), json.get(place.item.wrapping_sub(1))) {
        (Some(b','), _) => (place.item, place.end + 1),
        (_, Some(b',')) => (place.item - 1, place.end),
        _ => (place.item, place.end),
    };
    out.reserve(json.len() - (end - start));
    out.extend_from_slice(&json[..start]);
    out.extend_from_slice(&json[end..]);
    true
}

/// Where a field or element lies.
struct Place {
    /// Its first byte: of a field the quote of its name, else that of the value.
    item: usize,
    value: usize,
    end: usize,
}

fn locate(json: &[u8], path: &[Segment<'_>]) -> Option<Place> {
    let (mut item, mut value) = (0, 0);
    for segment in path {
        (item, value) = match *segment {
            Segment::Field(name) => find_field(json, value, name)?,
            Segment::Index(index) => {
                let element = find_element(json, value, index)?;
                (element, element)
            }
        };
    }
    Some(Place { item, value, end: skip_value(json, value)? })
}

/// Where the field `name` of the set at `set` begins, and where its value does.
fn find_field(json: &[u8], set: usize, name: &str) -> Option<(usize, usize)> {
    if json.get(set)? != &b'{' {
        return None;
    }
    let mut field = set + 1;
    loop {
        if json.get(field)? != &b'"' {
            return None;
        }
        let colon = skip_string(json, field)?;
        if json.get(colon)? != &b':' {
            return None;
        }
        if escape::stands_for(&json[field + 1..colon - 1], name) {
            return Some((field, colon + 1));
        }
        field = next_item(json, colon + 1)?;
    }
}

/// Where the element `index` of the array at `array` begins.
fn find_element(json: &[u8], array: usize, index: usize) -> Option<usize> {
    if json.get(array)? != &b'[' || json.get(array + 1)? == &b']' {
        return None;
    }
    (0..index).try_fold(array + 1, |element, _| next_item(json, element))
}

/// Where the next field or element begins, behind the value at `value`; None behind the last.
fn next_item(json: &[u8], value: usize) -> Option<usize> {
    let end = skip_value(json, value)?;
    (json.get(end)? == &b',').then_some(end + 1)
}

/// The end of the value at `value`.
fn skip_value(json: &[u8], value: usize) -> Option<usize> {
    match json.get(value)? {
        b'"' => skip_string(json, value),
        b'{' | b'[' => skip_nested(json, value),
        b',' | b':' | b'}' | b']' => None,
        _ => {
            let rest = &json[value..];
            let len = rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(rest.len());
            Some(value + len)
        }
    }
}

/// The end of the set or array at `open`.
fn skip_nested(json: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    let mut depth = 1usize;
    loop {
        at += scan::unnested_len(&json[at..]);
        match json.get(at)? {
            b'"' => {
                at = skip_string(json, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            _ => depth -= 1,
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The end of the string whose quote is at `quote`.
fn skip_string(json: &[u8], quote: usize) -> Option<usize> {
    let mut at = quote + 1;
    loop {
        at += scan::plain_len(json.get(at..)?);
        match json.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
