//! Numbers, strings and booleans inside documents: JSON.NUMINCRBY, JSON.NUMMULTBY, JSON.STRAPPEND, JSON.TOGGLE.

use super::scalar::Scalar;
use super::write_each;
use crate::proto::command::CommandId;
use crate::proto::resp::{Protocol, Writer};
use crate::proto::text::write_float;
use crate::server::Server;
use crate::server::dispatch::{Call, Outcome};
use crate::server::error::CommandError;
use crate::server::handlers::{Handler, Handlers};

pub(in crate::server) const HANDLERS: Handlers = &[
    (CommandId::JsonNumincrby, Handler::Reply(Server::json_number)),
    (CommandId::JsonNummultby, Handler::Reply(Server::json_number)),
    (CommandId::JsonStrappend, Handler::Reply(Server::json_strappend)),
    (CommandId::JsonToggle, Handler::Reply(Server::json_toggle)),
];

/// Whole numbers stay whole as long as they fit.
fn calculate(value: &Scalar, by: &Scalar, multiply: bool) -> Result<Option<Scalar>, CommandError> {
    let float = |scalar: &Scalar| match *scalar {
        Scalar::Int(value) => Some(value as f64),
        Scalar::Float(value) => Some(value),
        _ => None,
    };
    if let (&Scalar::Int(left), &Scalar::Int(right)) = (value, by) {
        let whole = if multiply { left.checked_mul(right) } else { left.checked_add(right) };
        if let Some(whole) = whole {
            return Ok(Some(Scalar::Int(whole)));
        }
    }
    let (Some(left), Some(right)) = (float(value), float(by)) else { return Ok(None) };
    let result = if multiply { left * right } else { left + right };
    if result.is_finite() { Ok(Some(Scalar::Float(result))) } else { Err(CommandError::JsonNotFinite) }
}

fn write_number(number: &Scalar, out: &mut Vec<u8>) {
    match *number {
        Scalar::Int(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Scalar::Float(value) => write_float(out, value),
        _ => out.extend_from_slice(b"null"),
    }
}

impl Server {
    /// JSON.NUMINCRBY and JSON.NUMMULTBY. In RESP2 the reply is JSON's text, in RESP3 always an array.
    fn json_number(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (key, path) = (call.arg(1), call.arg(2));
        let by = Scalar::parse(call.arg(3))?;
        if !matches!(by, Scalar::Int(_) | Scalar::Float(_)) {
            return Err(CommandError::JsonType { wanted: "number", found: by.type_name() });
        }
        let found = self.find_existing(key, path)?;
        let multiply = call.command.id == CommandId::JsonNummultby;
        let results =
            found.places.iter().map(|place| calculate(&Scalar::of(self.value_at(key, place)), &by, multiply));
        // All are calculated before the first is stored.
        let mut results = results.collect::<Result<Vec<_>, _>>()?;
        for (place, result) in found.places.iter().zip(&results) {
            if let Some(result) = result {
                self.replace_at(key, place, result)?;
            }
        }
        if found.is_legacy() {
            let last = results.iter().flatten().last().cloned();
            let last = last.ok_or_else(|| super::no_place(path, "does not contains a number"))?;
            results = vec![Some(last)];
        }
        match call.protocol {
            Protocol::Resp3 => {
                out.array(results.len());
                for result in &results {
                    match *result {
                        Some(Scalar::Int(value)) => out.int(value),
                        Some(Scalar::Float(value)) => out.double(value),
                        _ => out.null(),
                    }
                }
            }
            Protocol::Resp2 => out.bulk_with(|out| {
                if found.is_legacy() {
                    return write_number(results[0].as_ref().unwrap_or(&Scalar::Null), out);
                }
                out.push(b'[');
                for (index, result) in results.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_number(result.as_ref().unwrap_or(&Scalar::Null), out);
                }
                out.push(b']');
            }),
        }
        Ok(())
    }

    /// `JSON.STRAPPEND key [path] value`
    fn json_strappend(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (path, text) = match call.len() {
            3 => (&b"."[..], call.arg(2)),
            4 => (call.arg(2), call.arg(3)),
            _ => return Err(call.arity_error()),
        };
        let more = match Scalar::parse(text)? {
            Scalar::Text(more) => more,
            other => return Err(CommandError::JsonType { wanted: "string", found: other.type_name() }),
        };
        let key = call.arg(1);
        let found = self.find_existing(key, path)?;
        let mut lens = Vec::with_capacity(found.places.len());
        for place in &found.places {
            let Scalar::Text(mut text) = Scalar::of(self.value_at(key, place)) else {
                lens.push(None);
                continue;
            };
            text.push_str(&more);
            lens.push(Some(text.len() as i64));
            self.replace_at(key, place, &Scalar::Text(text))?;
        }
        write_each(&found, path, "not a string", lens, out, |len, out| out.int(*len))
    }

    /// In the older notation `true` or `false`, in the newer 1 or 0.
    fn json_toggle(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (key, path) = (call.arg(1), call.arg(2));
        let found = self.find_existing(key, path)?;
        let mut values = Vec::with_capacity(found.places.len());
        for place in &found.places {
            let Scalar::Bool(value) = Scalar::of(self.value_at(key, place)) else {
                values.push(None);
                continue;
            };
            values.push(Some(!value));
            self.replace_at(key, place, &Scalar::Bool(!value))?;
        }
        let legacy = found.is_legacy();
        write_each(&found, path, "not a bool", values, out, |&value, out| match legacy {
            true => out.bulk(if value { "true" } else { "false" }),
            false => out.int(value.into()),
        })
    }
}
