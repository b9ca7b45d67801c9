//! PUT, QUERY, DELETE's line, COMPUTE, JSON.DEL.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::strings::write_record;
use super::typed::write_value;
use crate::limits::Limits;
use crate::proto::command::CommandId;
use crate::proto::compute::{Expression, format_number};
use crate::proto::path::Path;
use crate::proto::resp::{Form, Protocol, Writer};
use crate::proto::text::{key_and_document, read_document_within};
use crate::record::Kind;
use crate::trie::{Meta, Value, ValueKind};
use crate::value::{Segment, ValueSink};

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Put, Handler::Reply(Server::put)),
    (CommandId::Query, Handler::Reply(Server::query)),
    (CommandId::Compute, Handler::Reply(Server::compute)),
];

impl Server {
    fn put(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if call.request.form() != Form::Verb {
            return self.put_text_as_document(call.arg(1), call.arg(2), 0, out);
        }
        let shift = line_offset(&call);
        let line = key_and_document(call.arg(1)).map_err(|error| error.shifted(shift))?;
        self.put_text_as_document(&line.key, line.text, shift + line.offset, out)
    }

    /// `shift`: where the text begins in what the user wrote.
    fn put_text_as_document(
        &mut self,
        key: &[u8],
        text: &[u8],
        shift: usize,
        out: &mut Writer<'_>,
    ) -> Outcome {
        let Limits { document_bytes, document_depth, .. } = self.config.settings.limits;
        let build = |sink: &mut dyn ValueSink| {
            read_document_within(text, document_bytes, document_depth, sink)
                .map_err(|error| error.shifted(shift))
        };
        let before = self.put_document(key, Meta::default(), build)?;
        let replaced = before.is_some_and(|kind| kind != Kind::Tombstone);
        out.simple(if replaced { "REPLACED" } else { "CREATED" });
        Ok(())
    }

    /// One argument or a line is a path; several are a key and its segments, taken literally.
    fn query(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let found = if call.len() == 2 {
            let mut path = std::mem::take(&mut self.scratch.path);
            let shift = if call.request.form() == Form::Verb { line_offset(&call) } else { 0 };
            let parsed = path.parse(call.arg(1)).map_err(|error| error.shifted(shift));
            let found = parsed.map(|()| self.write_at(&path, out));
            self.scratch.path = path;
            found?
        } else {
            self.write_at_literal(call, out)
        };
        self.stats.looked_up(found);
        Ok(())
    }

    fn write_at(&self, path: &Path, out: &mut Writer<'_>) -> bool {
        let record = self.live(path.key());
        if path.is_empty() && record.is_none_or(|record| record.kind() == Kind::Text) {
            write_record(record, out);
            return record.is_some();
        }
        write_found(record.and_then(|record| record.at(&path.segments())), out)
    }

    /// Literal segments do not say whether they are names or indices: what they lead through does.
    fn write_at_literal(&self, call: Call<'_>, out: &mut Writer<'_>) -> bool {
        let root = self.live(call.arg(1)).and_then(|record| record.at(&[]));
        let found = call.args_from(2).try_fold(root, |at, name| at.map(|at| literal_step(at, name)));
        write_found(found.flatten(), out)
    }

    /// DELETE in a line: one key. A path would be a field, and that is another command's.
    pub(super) fn delete_line(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let mut path = Path::new();
        path.parse(call.arg(1)).map_err(|error| error.shifted(line_offset(&call)))?;
        if !path.is_empty() {
            let mut inside = Path::new();
            path.segments().iter().for_each(|&segment| assert!(inside.push(segment), "as long as the other"));
            let (key, path) = (path.key().into(), format!("${inside}").into());
            return Err(CommandError::FieldGiven { key, path });
        }
        let deleted = self.delete_record(path.key());
        out.int(deleted.into());
        Ok(())
    }

    fn compute(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let result = if call.len() == 2 {
            self.evaluate(call.arg(1))?
        } else {
            let words: Vec<&[u8]> = call.args_from(1).collect();
            self.evaluate(&words.join(&b' '))?
        };
        match call.protocol {
            Protocol::Resp3 => out.double(result),
            Protocol::Resp2 => out.bulk_with(|out| format_number(out, result)),
        }
        Ok(())
    }

    fn evaluate(&self, text: &[u8]) -> Result<f64, CommandError> {
        let expression = Expression::parse_within(text, self.config.settings.limits.compute_tokens)?;
        let mut values = Vec::with_capacity(expression.queries().len());
        for (index, (_, path)) in expression.queries().iter().enumerate() {
            let record = self.live(path.key()).ok_or_else(|| expression.missing(index))?;
            if path.is_empty() {
                return Err(expression.not_numeric(index).into());
            }
            let value = record.at(&path.segments()).ok_or_else(|| expression.missing(index))?;
            values.push(value.number().ok_or_else(|| expression.not_numeric(index))?);
        }
        Ok(expression.evaluate(&values)?)
    }
}

fn literal_step<'t>(at: Value<'t>, name: &[u8]) -> Option<Value<'t>> {
    let name = std::str::from_utf8(name).ok()?;
    match at.kind() {
        ValueKind::Array => at.at(&[Segment::Index(name.parse().ok()?)]),
        _ => at.at(&[Segment::Field(name)]),
    }
}

fn write_found(value: Option<Value<'_>>, out: &mut Writer<'_>) -> bool {
    match value {
        Some(value) => write_value(value, out),
        None => out.null(),
    }
    value.is_some()
}

/// Where a verb's text begins, counted from its name: errors tell places in the line as it was typed.
fn line_offset(call: &Call<'_>) -> usize {
    call.arg(1).as_ptr().addr().saturating_sub(call.arg(0).as_ptr().addr())
}
