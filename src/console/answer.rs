//! Answers about records, as lines for people.

use crate::proto::compute;
use crate::proto::path::Path;
use crate::proto::text::{Style, quote_bytes, restyle};
use crate::record::Kind;
use std::io::Write as _;

/// `person5 : {"height": 45.658; "country": "h"}`, `w : "5"`, or `nosuch : NOT FOUND` for a tombstone.
pub fn write_record(out: &mut Vec<u8>, key: &[u8], kind: Kind, body: &[u8]) {
    write_key(out, key);
    out.extend_from_slice(b" : ");
    match kind {
        Kind::Document => write_json(out, body),
        Kind::Text => quote_bytes(out, body),
        Kind::Tombstone => out.extend_from_slice(b"NOT FOUND"),
    }
    out.push(b'\n');
}

/// `p1 : CREATED` and the like.
pub fn write_verdict(out: &mut Vec<u8>, key: &[u8], verdict: &str) {
    write_key(out, key);
    out.extend_from_slice(b" : ");
    out.extend_from_slice(verdict.as_bytes());
    out.push(b'\n');
}

/// `person2.address.number : 12`, or `NOT FOUND` where there is no such part.
pub fn write_part(out: &mut Vec<u8>, path: &Path, json: Option<&[u8]>) {
    write!(out, "{path} : ").expect("a vector takes every byte");
    match json {
        Some(json) => write_json(out, json),
        None => out.extend_from_slice(b"NOT FOUND"),
    }
    out.push(b'\n');
}

/// COMPUTE's result.
pub fn write_number(out: &mut Vec<u8>, value: f64) {
    compute::format_number(out, value);
    out.push(b'\n');
}

/// A key as it stands in GET and PUT: bare wherever those read the bare key as the same, so with its dots.
pub fn write_key(out: &mut Vec<u8>, key: &[u8]) {
    let bare = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '\'' | '\\');
    match std::str::from_utf8(key) {
        Ok(text) if text.chars().all(bare) && !text.contains(":{") => out.extend_from_slice(key),
        _ => quote_bytes(out, key),
    }
}

/// JSON in set notation; what is no JSON after all is shown as the bytes that it is.
fn write_json(out: &mut Vec<u8>, json: &[u8]) {
    if restyle(json, Style::Seed, out).is_err() {
        quote_bytes(out, json);
    }
}
