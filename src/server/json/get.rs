//! What only reads: JSON.GET, JSON.MGET, JSON.TYPE, lengths, JSON.RESP, JSON.DEBUG.

use super::print::{Blanks, Spaced};
use super::scalar::{Scalar, write_json};
use super::{Found, find, no_place, write_each};
use crate::proto::command::CommandId;
use crate::proto::jsonpath::JsonPath;
use crate::proto::path::{Dialect, Path};
use crate::proto::resp::{Protocol, Writer};
use crate::server::Server;
use crate::server::dispatch::{Call, Outcome};
use crate::server::error::CommandError;
use crate::server::handlers::{Handler, Handlers};
use crate::server::introspection::help;
use crate::trie::{Value, ValueKind};
use crate::value::{Event, SinkError, ValueSink};

pub(in crate::server) const HANDLERS: Handlers = &[
    (CommandId::JsonGet, Handler::Reply(Server::json_get)),
    (CommandId::JsonMget, Handler::Reply(Server::json_mget)),
    (CommandId::JsonType, Handler::Reply(Server::json_type)),
    (CommandId::JsonStrlen, Handler::Reply(Server::json_len)),
    (CommandId::JsonArrlen, Handler::Reply(Server::json_len)),
    (CommandId::JsonObjlen, Handler::Reply(Server::json_len)),
    (CommandId::JsonObjkeys, Handler::Reply(Server::json_objkeys)),
    (CommandId::JsonResp, Handler::Reply(Server::json_resp)),
    (CommandId::JsonDebugMemory, Handler::Reply(Server::json_memory)),
    (CommandId::JsonDebugHelp, Handler::Reply(help)),
];

/// The optional path at `index`; without one the document, in the older notation.
fn path_or_root<'b>(call: &Call<'b>, index: usize) -> Result<&'b [u8], CommandError> {
    if call.len() > index + 1 { Err(call.arity_error()) } else { Ok(call.request.get(index).unwrap_or(b".")) }
}

impl Server {
    /// `JSON.GET key [INDENT s] [NEWLINE s] [SPACE s] [path ..]`
    fn json_get(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (mut blanks, mut paths, mut index) = (Blanks::default(), Vec::new(), 2);
        while index < call.len() {
            let option = match () {
                () if call.is(index, "INDENT") => Some(&mut blanks.indent),
                () if call.is(index, "NEWLINE") => Some(&mut blanks.newline),
                () if call.is(index, "SPACE") => Some(&mut blanks.space),
                () => None,
            };
            match option {
                Some(option) => {
                    index += 1;
                    *option = call.request.get(index).ok_or_else(|| call.arity_error())?;
                }
                None => paths.push((call.arg(index), JsonPath::parse(call.arg(index))?)),
            }
            index += 1;
        }
        if paths.is_empty() {
            paths.push((b".", JsonPath::parse(b".")?));
        }
        let Some(record) = self.document(call.arg(1))? else {
            self.stats.looked_up(false);
            out.null();
            return Ok(());
        };
        let start = out.out.len();
        let mark = out.begin_bulk();
        let told = tell_paths(record.document(), &paths, blanks, out);
        match told {
            Ok(()) => out.end_bulk(mark),
            Err(error) => {
                out.out.truncate(start);
                return Err(error);
            }
        }
        self.stats.looked_up(true);
        Ok(())
    }

    /// `JSON.MGET key [key ..] path`
    fn json_mget(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let path = JsonPath::parse(call.arg(call.len() - 1))?;
        out.array(call.len() - 2);
        for key in call.args_from(1).take(call.len() - 2) {
            if out.is_full() {
                break;
            }
            let document = self.document(key).ok().flatten().map(|record| record.document());
            let places = document.map(|document| (document, find::places(document, &path)));
            match places {
                Some((document, places)) if path.dialect() == Dialect::Dollar => {
                    let full_at = out.full_at;
                    out.bulk_with(|out| write_array(document, &places, out, full_at));
                }
                Some((document, places)) if !places.is_empty() => {
                    let value = document.at(&places[0].segments()).expect("the path led here");
                    out.bulk_with(|out| write_json(value, out));
                }
                _ => out.null(),
            }
        }
        Ok(())
    }

    /// In RESP3 the reply is an array of what RESP2 answers, as RedisJSON has it.
    fn json_type(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let path = path_or_root(&call, 2)?;
        let found = self.find(call.arg(1), path)?;
        let resp3 = call.protocol == Protocol::Resp3;
        let Some(found) = found else {
            if resp3 {
                out.array(1);
            }
            out.null();
            return Ok(());
        };
        if resp3 {
            out.array(1);
        }
        let names =
            found.places.iter().map(|place| Scalar::of(self.value_at(call.arg(1), place)).type_name());
        if found.is_legacy() {
            match names.into_iter().next() {
                Some(name) => out.bulk(name),
                None => out.null(),
            }
            return Ok(());
        }
        out.array(found.places.len());
        names.for_each(|name| out.bulk(name));
        Ok(())
    }

    /// JSON.STRLEN, JSON.ARRLEN, JSON.OBJLEN.
    fn json_len(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (kind, wanted) = match call.command.id {
            CommandId::JsonStrlen => (ValueKind::Text, "not a string"),
            CommandId::JsonArrlen => (ValueKind::Array, "not an array"),
            _ => (ValueKind::Set, "not an object"),
        };
        let path = path_or_root(&call, 2)?;
        let Some(found) = self.found_or_null(call, path, out)? else { return Ok(()) };
        let lens = found.places.iter().map(|place| {
            let value = self.value_at(call.arg(1), place);
            let len = value.text().map_or(value.len(), |text| text.len());
            (value.kind() == kind).then_some(len as i64)
        });
        let lens = lens.collect();
        write_each(&found, path, wanted, lens, out, |len, out| out.int(*len))
    }

    fn json_objkeys(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let path = path_or_root(&call, 2)?;
        let Some(found) = self.found_or_null(call, path, out)? else { return Ok(()) };
        if found.is_legacy() && found.places.is_empty() {
            out.null();
            return Ok(());
        }
        let names = found.places.iter().map(|place| {
            let value = self.value_at(call.arg(1), place);
            (value.kind() == ValueKind::Set).then(|| field_names(value))
        });
        let names = names.collect();
        write_each(&found, path, "not an object", names, out, |names: &Vec<String>, out| {
            out.array(names.len());
            names.iter().for_each(|name| out.bulk(name));
        })
    }

    /// The places; for an absent key null is answered in the older notation, and the newer one is an error.
    fn found_or_null(
        &self,
        call: Call<'_>,
        path: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<Option<Found>, CommandError> {
        match self.find(call.arg(1), path)? {
            Some(mut found) => {
                if found.is_legacy() {
                    found.places.truncate(1);
                }
                Ok(Some(found))
            }
            None if path.first() == Some(&b'$') => Err(CommandError::NoDocument),
            None => {
                out.null();
                Ok(None)
            }
        }
    }

    /// Values as replies: `{` before a set's fields and values, `[` before an array's elements.
    fn json_resp(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let path = path_or_root(&call, 2)?;
        let Some(found) = self.find(call.arg(1), path)? else {
            out.null();
            return Ok(());
        };
        let values: Vec<Value<'_>> =
            found.places.iter().map(|place| self.value_at(call.arg(1), place)).collect();
        if !found.is_legacy() {
            out.array(values.len());
            for value in values {
                if out.is_full() {
                    break;
                }
                write_resp(value, out);
            }
            return Ok(());
        }
        let value = values.into_iter().next().ok_or_else(|| no_place(path, ""))?;
        write_resp(value, out);
        Ok(())
    }

    /// `JSON.DEBUG MEMORY key [path]`
    fn json_memory(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let path = path_or_root(&call, 3)?;
        let key = call.arg(2);
        let Some(found) = self.find(key, path)? else {
            if path.first() == Some(&b'$') {
                out.array(0)
            } else {
                out.null()
            }
            return Ok(());
        };
        let bytes = |place: &Path| self.trie.memory_usage_at(key, &place.segments()).unwrap_or(0) as i64;
        let bytes = found.places.iter().map(|place| Some(bytes(place))).collect();
        write_each(&found, path, "", bytes, out, |bytes, out| out.int(*bytes))
    }
}

/// One path: its value, or an array of its values; several: a set of path and that.
fn tell_paths(
    document: Value<'_>,
    paths: &[(&[u8], JsonPath)],
    blanks: Blanks<'_>,
    Writer { out, full_at, .. }: &mut Writer<'_>,
) -> Outcome {
    let too_large = |_: SinkError| CommandError::ReplyTooLarge;
    // With one path in the newer notation, all are answered so.
    let dollar = paths.iter().any(|(_, path)| path.dialect() == Dialect::Dollar);
    if let [(_, path)] = paths
        && !dollar
        && blanks.is_none()
        && let Some(place) = find::places(document, path).first()
    {
        write_json(document.at(&place.segments()).expect("the path led here"), out);
        return Ok(());
    }
    let sink = &mut Spaced::new(out, blanks, *full_at);
    if paths.len() > 1 {
        sink.event(Event::BeginSet).map_err(too_large)?;
    }
    for (text, path) in paths {
        let places = find::places(document, path);
        if paths.len() > 1 {
            sink.event(Event::Field(&String::from_utf8_lossy(text))).map_err(too_large)?;
        }
        if dollar {
            sink.event(Event::BeginArray).map_err(too_large)?;
        } else if places.is_empty() {
            return Err(no_place(text, ""));
        }
        let shown = if dollar { &places[..] } else { &places[..1] };
        for place in shown {
            document.at(&place.segments()).expect("the path led here").emit(sink).map_err(too_large)?;
        }
        if dollar {
            sink.event(Event::EndArray).map_err(too_large)?;
        }
    }
    if paths.len() > 1 {
        sink.event(Event::EndSet).map_err(too_large)?;
    }
    Ok(())
}

fn write_array(document: Value<'_>, places: &[Path], out: &mut Vec<u8>, full_at: usize) {
    out.push(b'[');
    for (index, place) in places.iter().enumerate() {
        // Places may lie within each other: together they can be much larger than the document.
        if out.len() > full_at {
            return;
        }
        if index > 0 {
            out.push(b',');
        }
        write_json(document.at(&place.segments()).expect("the path led here"), out);
    }
    out.push(b']');
}

/// The names of a set's own fields.
fn field_names(value: Value<'_>) -> Vec<String> {
    let names = value.children().filter_map(|child| child.name);
    names.map(|name| String::from_utf8(name.bytes().to_vec()).expect("names came as text")).collect()
}

fn write_resp(value: Value<'_>, out: &mut Writer<'_>) {
    /// Sizes of open sets and arrays, patched in when they end.
    struct Replies<'w, 'o> {
        out: &'w mut Writer<'o>,
        open: Vec<(crate::proto::resp::Mark, usize)>,
    }
    impl ValueSink for Replies<'_, '_> {
        fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
            if let Some((_, count)) = self.open.last_mut()
                && !matches!(event, Event::EndSet | Event::EndArray)
            {
                *count += 1;
            }
            match event {
                Event::Null => self.out.null(),
                Event::Bool(value) => self.out.simple(if value { "true" } else { "false" }),
                Event::Int(value) => self.out.int(value),
                Event::Float(value) => self.out.double(value),
                Event::Text(text) | Event::Field(text) => self.out.bulk(text),
                Event::BeginSet | Event::BeginArray => {
                    let mark = self.out.begin_array();
                    self.out.simple(if event == Event::BeginSet { "{" } else { "[" });
                    self.open.push((mark, 1));
                }
                Event::EndSet | Event::EndArray => {
                    let (mark, count) = self.open.pop().expect("what ends has begun");
                    self.out.end_array(mark, count);
                }
            }
            Ok(())
        }
    }
    value.emit(&mut Replies { out, open: Vec::new() }).expect("it takes every event");
}
