//! JSON.SET, JSON.MSET, JSON.MERGE, JSON.DEL, JSON.CLEAR.

use super::find::places;
use super::scalar::Scalar;
use crate::limits::Limits;
use crate::proto::command::CommandId;
use crate::proto::jsonpath::JsonPath;
use crate::proto::path::{Path, Segment};
use crate::proto::resp::Writer;
use crate::proto::text::{TextError, read_document_within, read_value, read_value_within};
use crate::record::Kind;
use crate::server::Server;
use crate::server::dispatch::{Call, Outcome};
use crate::server::error::CommandError;
use crate::server::handlers::{Handler, Handlers};
use crate::server::writes::check_key;
use crate::trie::{Edited, Meta, ValueKind};
use crate::value::{Discard, Event, SinkError, ValueSink};

pub(in crate::server) const HANDLERS: Handlers = &[
    (CommandId::JsonSet, Handler::Reply(Server::json_set)),
    (CommandId::JsonMset, Handler::Reply(Server::json_mset)),
    (CommandId::JsonMerge, Handler::Reply(Server::json_merge)),
    (CommandId::JsonDel, Handler::Reply(Server::json_delete)),
    (CommandId::JsonForget, Handler::Reply(Server::json_delete)),
    (CommandId::JsonClear, Handler::Reply(Server::json_clear)),
];

/// When JSON.SET sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Condition {
    Always,
    New,
    Old,
}

/// A text that is a whole document.
fn document(text: &[u8], limits: Limits, sink: &mut dyn ValueSink) -> Result<(), TextError> {
    read_document_within(text, limits.document_bytes, limits.document_depth, sink)
}

/// A text that is a part of one, and will stand below `depth` sets and arrays of it.
pub(super) fn part(
    text: &[u8],
    limits: Limits,
    depth: usize,
    sink: &mut dyn ValueSink,
) -> Result<(), TextError> {
    if text.len() > limits.document_bytes {
        return Err(TextError::Sink(SinkError::TooLarge, limits.document_bytes));
    }
    read_value_within(text, limits.document_depth.saturating_sub(depth), sink)
}

/// Of places that lie in one another only the outermost.
fn outermost(places: Vec<Path>) -> Vec<Path> {
    let mut kept: Vec<Path> = Vec::with_capacity(places.len());
    // In the order of the document what is inside comes right behind what it is in.
    for place in places {
        let inside = |outer: &Path| place.segments().starts_with(&outer.segments());
        if !kept.last().is_some_and(inside) {
            kept.push(place);
        }
    }
    kept
}

fn with_field(parent: &Path, name: &str) -> Option<Path> {
    let mut place = parent.clone();
    place.push(Segment::Field(name)).then_some(place)
}

impl Server {
    /// `JSON.SET key path value [NX|XX]`
    fn json_set(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let condition = match call.len() {
            4 => Condition::Always,
            5 if call.is(4, "NX") => Condition::New,
            5 if call.is(4, "XX") => Condition::Old,
            5 => return Err(CommandError::Syntax),
            _ => return Err(call.arity_error()),
        };
        let path = JsonPath::parse(call.arg(2))?;
        if self.set_value(call.arg(1), &path, call.arg(3), condition)? {
            out.ok()
        } else {
            out.null()
        }
        Ok(())
    }

    /// Whether anything was set. The text is read before anything changes.
    fn set_value(
        &mut self,
        key: &[u8],
        path: &JsonPath,
        text: &[u8],
        condition: Condition,
    ) -> Result<bool, CommandError> {
        let stands = self.document(key)?.is_some();
        if !stands && !path.is_root() {
            return Err(CommandError::NotAtRoot);
        }
        if path.is_root() {
            let wanted = match condition {
                Condition::Always => true,
                Condition::New => !stands,
                Condition::Old => stands,
            };
            if wanted {
                let limits = self.config.settings.limits;
                self.put_document(key, Meta::default(), |sink| document(text, limits, sink))?;
            }
            return Ok(wanted);
        }
        let limits = self.config.settings.limits;
        part(text, limits, 1, &mut Discard)?;
        let (targets, exists) = self.targets(key, path);
        let wanted = match condition {
            Condition::Always => true,
            Condition::New => !exists,
            Condition::Old => exists,
        };
        if !wanted {
            return Ok(false);
        }
        let deepest = targets.iter().map(Path::len).max().unwrap_or(1);
        part(text, limits, deepest, &mut Discard)?;
        let mut set = false;
        // What is inside of another place goes first, and is then replaced with it.
        for place in targets.iter().rev() {
            let edited = self.put_at(key, &place.segments(), |sink| part(text, limits, place.len(), sink))?;
            set |= edited != Edited::Nowhere;
        }
        Ok(set)
    }

    /// The places of a path, and that they exist; or the new fields that it names.
    fn targets(&self, key: &[u8], path: &JsonPath) -> (Vec<Path>, bool) {
        let Some(record) = self.live(key) else { return (Vec::new(), false) };
        let document = record.document();
        let found = places(document, path);
        if !found.is_empty() {
            return (found, true);
        }
        let Some((parent, name)) = path.split_field() else { return (Vec::new(), false) };
        let parents = places(document, &parent).into_iter().filter(|place| {
            document.at(&place.segments()).is_some_and(|value| value.kind() == ValueKind::Set)
        });
        (parents.filter_map(|parent| with_field(&parent, name)).collect(), false)
    }

    /// `JSON.MSET key path value ..`: what can be wrong is looked at before the first is set.
    fn json_mset(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if call.len() % 3 != 1 {
            return Err(call.arity_error());
        }
        let mut paths = Vec::with_capacity(call.len() / 3);
        for index in (1..call.len()).step_by(3) {
            let (key, path, text) =
                (call.arg(index), JsonPath::parse(call.arg(index + 1))?, call.arg(index + 2));
            check_key(key)?;
            let stands = self.document(key)?.is_some();
            match path.is_root() {
                true => document(text, self.config.settings.limits, &mut Discard)?,
                false if !stands => return Err(CommandError::NotAtRoot),
                false => part(text, self.config.settings.limits, 1, &mut Discard)?,
            }
            paths.push(path);
        }
        for (path, index) in paths.iter().zip((1..call.len()).step_by(3)) {
            self.set_value(call.arg(index), path, call.arg(index + 2), Condition::Always)?;
        }
        out.ok();
        Ok(())
    }

    /// `JSON.MERGE key path value` (RFC 7396): fields of the value replace, null deletes, what is not named stays.
    fn json_merge(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (key, path, text) = (call.arg(1), JsonPath::parse(call.arg(2))?, call.arg(3));
        check_key(key)?;
        let patch = Scalar::parse(text)?;
        let stands = self.document(key)?.is_some();
        if path.is_root() && patch != Scalar::Set {
            return match patch {
                Scalar::Null => {
                    self.delete_record(key);
                    out.ok();
                    Ok(())
                }
                _ => Err(document(text, self.config.settings.limits, &mut Discard)
                    .expect_err("it is no set")
                    .into()),
            };
        }
        if !stands && !path.is_root() {
            return Err(CommandError::NotAtRoot);
        }
        if !stands {
            let empty = |sink: &mut dyn ValueSink| Scalar::Set.tell(sink);
            self.put_document(key, Meta::default(), empty).map_err(CommandError::from)?;
        }
        let (targets, _) = self.targets(key, &path);
        let deepest = targets.iter().map(Path::len).max().unwrap_or(0);
        part(text, self.config.settings.limits, deepest, &mut Discard)?;
        for place in targets.iter().rev() {
            self.merge_at(key, place, text)?;
        }
        if targets.is_empty() {
            out.null()
        } else {
            out.ok()
        }
        Ok(())
    }

    fn merge_at(&mut self, key: &[u8], place: &Path, text: &[u8]) -> Outcome {
        let limits = self.config.settings.limits;
        let mut merge =
            Merge { server: self, key, place: place.clone(), steps: Vec::new(), array: None, error: None };
        let told = part(text, limits, place.len(), &mut merge);
        match merge.error.take() {
            Some(error) => Err(error),
            None => Ok(told?),
        }
    }

    /// The whole document, or parts of it; the number of parts deleted. A plain string has no parts.
    fn json_delete(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if call.len() > 3 {
            return Err(call.arity_error());
        }
        let key = call.arg(1);
        let Some(found) = self.find(key, call.request.get(2).unwrap_or(b"."))? else {
            out.int(0);
            return Ok(());
        };
        if found.path.is_root() {
            out.int(self.delete_record(key).into());
            return Ok(());
        }
        // From behind, so that the indexes before stay what they are.
        let deleted = outermost(found.places)
            .iter()
            .rev()
            .filter(|place| self.remove_at(key, &place.segments()))
            .count();
        out.int(deleted as i64);
        Ok(())
    }

    /// Empties sets and arrays and sets numbers to 0; how many of them were not so already.
    fn json_clear(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        if call.len() > 3 {
            return Err(call.arity_error());
        }
        let key = call.arg(1);
        let found = self.find_existing(key, call.request.get(2).unwrap_or(b"."))?;
        let mut cleared = 0;
        for place in outermost(found.places).iter().rev() {
            let value = self.value_at(key, place);
            let empty = match value.kind() {
                ValueKind::Set if !value.is_empty() => Scalar::Set,
                ValueKind::Array if !value.is_empty() => Scalar::Array,
                ValueKind::Int | ValueKind::Float if value.number() != Some(0.0) => Scalar::Int(0),
                _ => continue,
            };
            self.replace_at(key, place, &empty)?;
            cleared += 1;
        }
        out.int(cleared);
        Ok(())
    }

    /// Puts a value in the place of the one that stands there; of the whole document, that is.
    pub(super) fn replace_at(&mut self, key: &[u8], place: &Path, value: &Scalar) -> Outcome {
        if !place.is_empty() {
            self.put_at(key, &place.segments(), |sink| value.tell(sink)).map_err(CommandError::from)?;
            return Ok(());
        }
        let record = self.live(key).expect("its document was searched");
        assert!(record.kind() == Kind::Document && *value == Scalar::Set, "a document is a set");
        let meta = Server::kept_meta(Some(record));
        self.put_document(key, meta, |sink| value.tell(sink)).map_err(CommandError::from)?;
        Ok(())
    }
}

/// A patch, event by event, done to a document: each scalar or array of it is one change.
struct Merge<'s, 'k> {
    server: &'s mut Server,
    key: &'k [u8],
    /// Where the patch applies.
    place: Path,
    /// The fields that are open below it.
    steps: Vec<String>,
    /// An array of the patch, as text: it replaces as a whole.
    array: Option<(Vec<u8>, usize)>,
    error: Option<CommandError>,
}

impl ValueSink for Merge<'_, '_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        if self.error.is_some() {
            return Ok(());
        }
        if let Err(error) = self.take(event) {
            self.error = Some(error);
        }
        Ok(())
    }
}

impl Merge<'_, '_> {
    fn take(&mut self, event: Event<'_>) -> Outcome {
        if self.array.is_some() || event == Event::BeginArray {
            return self.take_in_array(event);
        }
        match event {
            Event::Field(name) => self.steps.push(name.to_owned()),
            Event::BeginSet => {
                let target = self.target();
                let document = self.server.live(self.key).expect("it was made before").document();
                let is_set =
                    document.at(&target.segments()).is_some_and(|value| value.kind() == ValueKind::Set);
                if !is_set {
                    self.server.replace_at(self.key, &target, &Scalar::Set)?;
                }
            }
            Event::EndSet => drop(self.steps.pop()),
            Event::Null => {
                let target = self.target();
                self.server.remove_at(self.key, &target.segments());
                self.steps.pop();
            }
            scalar => {
                let target = self.target();
                let told = |sink: &mut dyn ValueSink| sink.event(scalar);
                self.server.put_at(self.key, &target.segments(), told).map_err(CommandError::from)?;
                self.steps.pop();
            }
        }
        Ok(())
    }

    fn take_in_array(&mut self, event: Event<'_>) -> Outcome {
        let (events, depth) = self.array.get_or_insert_default();
        match event {
            Event::BeginSet | Event::BeginArray => *depth += 1,
            Event::EndSet | Event::EndArray => *depth -= 1,
            _ => {}
        }
        write_event(events, event);
        if *depth == 0 {
            let (mut text, _) = self.array.take().expect("just seen");
            text.pop();
            let target = self.target();
            self.server.put_at(self.key, &target.segments(), |sink| read_value(&text, sink))?;
            self.steps.pop();
        }
        Ok(())
    }

    fn target(&self) -> Path {
        let mut target = self.place.clone();
        for name in &self.steps {
            // One that is too deep is refused when it is put there.
            if !target.push(Segment::Field(name)) {
                break;
            }
        }
        target
    }
}

/// One event of an array as text that [`read_value`] takes: separators may follow anything there.
fn write_event(out: &mut Vec<u8>, event: Event<'_>) {
    use crate::proto::text::{Printer, Style};
    match event {
        Event::EndSet => out.extend_from_slice(b"},"),
        Event::EndArray => out.extend_from_slice(b"],"),
        Event::BeginSet => out.push(b'{'),
        Event::BeginArray => out.push(b'['),
        Event::Field(name) => {
            Printer::new(out, Style::Json).event(Event::Text(name)).expect("a printer takes everything");
            out.push(b':');
        }
        scalar => {
            Printer::new(out, Style::Json).event(scalar).expect("a printer takes everything");
            out.push(b',');
        }
    }
}
