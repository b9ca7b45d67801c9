//! From a line to a command.

use super::words::{blank_len, word_len, word_offset};
use super::{Command, LineError, Scan, Scratch, ServerRequest, Set};
use crate::limits::{DOCUMENT_BYTES_MAX, KEY_BYTES_MAX};
use crate::proto::command::{self, CommandId, Flags};
use crate::proto::compute::Expression;
use crate::proto::path::Path;
use crate::proto::resp::{Request, write_request};
use crate::proto::text::{self, Expected, RecordLine, Style, restyle};
use crate::value::SinkError;
use std::borrow::Cow;

/// How many keys a SCAN without COUNT answers, as in Redis.
const SCAN_COUNT: usize = 10;

/// Reads one line, without its line end.
pub fn parse<'l>(line: &'l [u8], scratch: &'l mut Scratch) -> Result<Command<'l>, LineError> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let start = blank_len(line);
    let Some(first) = line.get(start) else { return Ok(Command::Nothing) };
    let word = &line[start..start + word_len(&line[start..])];
    let after = start + word.len();
    match first {
        b'#' => Ok(Command::Nothing),
        b'@' => one_server(line, start, after, scratch),
        _ => {
            let known = known(word, start)?;
            let rest = &line[after..];
            match known.id {
                CommandId::Put => put(rest),
                CommandId::Query => query(rest),
                CommandId::Delete => delete(rest).map(|key| Command::Delete { key }),
                CommandId::Compute => compute(rest, after),
                _ => return words(known, line, scratch.split(line)?),
            }
            .map_err(|error| error.shifted(after))
        }
    }
}

/// The command of this name; an unknown one is an error that suggests the nearest.
fn known(word: &[u8], offset: usize) -> Result<&'static command::Command, LineError> {
    if let Some(known) = command::lookup(word)
        && !known.flags.contains(Flags::CLUSTER)
    {
        return Ok(known);
    }
    let mut message = b"unknown command ".to_vec();
    // A binary that was piped in by mistake has long words.
    text::quote_bytes(&mut message, &word[..word.len().min(40)]);
    let mut message = String::from_utf8(message).expect("what is not UTF-8 is shown as escapes");
    message.push_str(&match command::nearest(word) {
        Some(near) => format!(": did you mean {near}?"),
        None => String::from(" (HELP lists those that there are)"),
    });
    Err(LineError::new(offset, message))
}

fn put(rest: &[u8]) -> Result<Command<'_>, LineError> {
    let (key, body) = key_and_body(rest)?;
    Ok(Command::Put { key, body })
}

fn key_and_body(rest: &[u8]) -> Result<(Cow<'_, [u8]>, Vec<u8>), LineError> {
    let RecordLine { key, text, offset } = text::key_and_document(rest)?;
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(LineError::new(offset, SinkError::TooLarge.to_string()));
    }
    let mut body = Vec::with_capacity(text.len());
    restyle(text, Style::Json, &mut body).map_err(|error| error.shifted(offset))?;
    Ok((key, body))
}

fn query(rest: &[u8]) -> Result<Command<'_>, LineError> {
    let mut path = Path::new();
    path.parse(rest)?;
    Ok(Command::Query { path })
}

fn delete(rest: &[u8]) -> Result<Vec<u8>, LineError> {
    let mut path = Path::new();
    path.parse(rest)?;
    if path.is_empty() {
        return Ok(path.key().to_vec());
    }
    // The key alone reads well, so the steps begin where reading it ends.
    let start = blank_len(rest);
    let steps = (start + 1..rest.len())
        .find(|&end| {
            matches!(rest[end], b'.' | b'[')
                && Path::new().parse(&rest[..end]).is_ok()
                && (rest[start] != b'"' || rest[end - 1] == b'"')
        })
        .unwrap_or(start);
    let shown = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (key, steps_text) = (shown(&rest[start..steps]), shown(rest[steps..].trim_ascii_end()));
    let message = format!(
        "DELETE deletes whole records: a field goes with JSON.DEL {key} ${steps_text} (and a key with a dot in it \
         stands in quotes)"
    );
    Err(LineError::new(steps, message))
}

fn compute(rest: &[u8], offset: usize) -> Result<Command<'_>, LineError> {
    let expression = Box::new(Expression::parse(rest)?);
    Ok(Command::Compute { expression, offset })
}

/// A line of words.
fn words<'l>(
    known: &'static command::Command,
    line: &[u8],
    request: Request<'l>,
) -> Result<Command<'l>, LineError> {
    check_count(known, line, request.len())?;
    for index in known.keys.indices(request.len()) {
        check_key(request.arg(index)).map_err(|error| error.shifted(word_offset(line, index)))?;
    }
    let arg = |index| request.arg(index);
    Ok(match known.id {
        CommandId::Get => Command::Get { key: arg(1) },
        CommandId::Set => Command::Set(set(line, request)?),
        CommandId::Del | CommandId::Unlink => Command::Del(request),
        CommandId::Exists => Command::Exists(request),
        CommandId::Mget => Command::Mget(request),
        CommandId::Mset if request.len() % 2 == 1 => Command::Mset(request),
        CommandId::Mset => return Err(LineError::new(line.len(), "expected a value for the last key")),
        CommandId::Type => Command::Type { key: arg(1) },
        CommandId::JsonDel | CommandId::JsonForget => json_del(line, request)?,
        CommandId::Dbsize => Command::Dbsize,
        CommandId::Keys => Command::Keys { pattern: arg(1) },
        CommandId::Scan => Command::Scan(scan(line, request)?),
        CommandId::Flushall | CommandId::Flushdb => flush(line, request)?,
        CommandId::Ping => Command::Ping(request.get(1)),
        CommandId::Echo => Command::Echo(arg(1)),
        CommandId::Select if arg(1) == b"0" => Command::Select,
        CommandId::Select => {
            return Err(LineError::new(word_offset(line, 1), "there is one database, number 0"));
        }
        CommandId::Help => help(line, request)?,
        CommandId::Status => Command::Status,
        CommandId::Exit | CommandId::Quit => Command::Exit,
        _ => return passed_on(known, line, request),
    })
}

/// Commands about records that the cluster answers as a whole.
const OF_THE_CLUSTER: &[CommandId] = &[
    CommandId::Put,
    CommandId::Get,
    CommandId::Query,
    CommandId::Delete,
    CommandId::Compute,
    CommandId::Set,
    CommandId::Del,
    CommandId::Unlink,
    CommandId::Exists,
    CommandId::Mget,
    CommandId::Mset,
    CommandId::Type,
    CommandId::JsonDel,
    CommandId::JsonForget,
    CommandId::Dbsize,
    CommandId::Keys,
    CommandId::Scan,
    CommandId::Flushall,
    CommandId::Flushdb,
];

/// Whether a line with this command does anything but to name another way.
pub(super) fn is_taken(command: &command::Command) -> bool {
    let touches = command.flags.contains(Flags::WRITE) || command.flags.contains(Flags::READONLY);
    let ends_or_stops = matches!(command.id, CommandId::Shutdown | CommandId::Debug);
    OF_THE_CLUSTER.contains(&command.id)
        || !(touches || ends_or_stops || command.flags.contains(Flags::OWN) || is_about_records(command))
}

/// A container of commands about records: OBJECT, MEMORY, JSON.DEBUG.
fn is_about_records(command: &command::Command) -> bool {
    command.subcommands.iter().any(|sub| sub.keys.first > 0)
}

/// What servers answer by themselves. Commands about records are the cluster's matter: one server's answer would be a
/// part of the truth, and its writes are its cluster's.
fn passed_on<'l>(
    known: &'static command::Command,
    line: &[u8],
    request: Request<'l>,
) -> Result<Command<'l>, LineError> {
    let actual = request.get(1).and_then(|word| known.subcommand(word)).unwrap_or(known);
    check_connection(actual, line)?;
    let ends_or_stops = matches!(
        actual.id,
        CommandId::Shutdown | CommandId::Debug | CommandId::ClientKill | CommandId::ClientPause
    );
    if ends_or_stops || actual.flags.contains(Flags::WRITE) || actual.flags.contains(Flags::READONLY) {
        let name = known.name;
        let message =
            format!("{name} is no command of the cluster yet: @host:port {name} .. asks one server");
        return Err(LineError::new(blank_len(line), message));
    }
    Ok(match known.id {
        CommandId::Command => Command::AnyServer(server_request(known, request)),
        _ => Command::EveryServer(server_request(known, request)),
    })
}

/// The broker's own connections stay as they are: nobody changes them from the console.
fn check_connection(known: &command::Command, line: &[u8]) -> Result<(), LineError> {
    if !known.flags.contains(Flags::OWN) {
        return Ok(());
    }
    let message = format!("{} is about one connection: a Redis client has its own", known.name);
    Err(LineError::new(blank_len(line), message))
}

/// Wrong counts point at the first word too many, or behind the last.
fn check_count(known: &command::Command, line: &[u8], count: usize) -> Result<(), LineError> {
    // QUIT and PING take what follows as Redis does; the table knows no upper bound for them.
    let most = match known.id {
        CommandId::Ping | CommandId::Help | CommandId::Flushall | CommandId::Flushdb => 2,
        CommandId::JsonDel | CommandId::JsonForget => 3,
        _ if known.arity > 0 => known.arity as usize,
        _ => usize::MAX,
    };
    let least = known.arity.unsigned_abs() as usize;
    if count < least || count > most {
        let place = if count > most { word_offset(line, most) } else { line.len() };
        let fault = if count > most { "too many words" } else { "too few words" };
        return Err(LineError::new(place, format!("{fault}: {}", known.syntax())));
    }
    Ok(())
}

fn check_key(key: &[u8]) -> Result<(), LineError> {
    let expected = match key.len() {
        0 => Expected::Key,
        1..=KEY_BYTES_MAX => return Ok(()),
        _ => Expected::ShorterKey,
    };
    Err(LineError::new(0, format!("expected {expected}")))
}

fn set<'l>(line: &[u8], request: Request<'l>) -> Result<Set<'l>, LineError> {
    let mut set = Set { key: request.arg(1), value: request.arg(2), exists: None, get: false };
    for (index, word) in request.args().enumerate().skip(3) {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("IFEQ") {
            return Err(LineError::new(
                word_offset(line, index),
                "IFEQ is no option of the cluster's SET yet",
            ));
        }
        let fault = if is("NX") || is("XX") {
            let exists = is("XX");
            if set.exists.replace(exists).is_none_or(|before| before == exists) {
                continue;
            }
            "NX and XX exclude each other"
        } else if is("GET") {
            set.get = true;
            continue;
        } else if ["EX", "PX", "EXAT", "PXAT", "KEEPTTL"].into_iter().any(is) {
            "records do not expire in this version"
        } else {
            "expected NX, XX or GET (a value with blanks stands in quotes)"
        };
        return Err(LineError::new(word_offset(line, index), fault));
    }
    Ok(set)
}

fn json_del<'l>(line: &[u8], request: Request<'l>) -> Result<Command<'l>, LineError> {
    let key = request.arg(1);
    let Some(path) = request.get(2) else { return Ok(Command::JsonDel { key, path: None }) };
    let mut parsed = Path::new();
    parsed.parse_json(path).map_err(|error| LineError::from(error).shifted(word_offset(line, 2)))?;
    Ok(Command::JsonDel { key, path: (!parsed.is_empty()).then_some(path) })
}

fn scan<'l>(line: &[u8], request: Request<'l>) -> Result<Scan<'l>, LineError> {
    let fault = |index, message: &str| LineError::new(word_offset(line, index), message);
    let cursor = number(request.arg(1)).ok_or_else(|| fault(1, "expected a cursor: 0 begins"))?;
    let mut scan = Scan { cursor, pattern: None, count: SCAN_COUNT, kind: None };
    let mut index = 2;
    while let Some(word) = request.get(index) {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if !(is("MATCH") || is("COUNT") || is("TYPE")) {
            return Err(fault(index, "expected MATCH, COUNT or TYPE"));
        }
        let value = request
            .get(index + 1)
            .ok_or_else(|| LineError::new(line.len(), "expected a value for the last word"))?;
        if is("MATCH") {
            scan.pattern = Some(value);
        } else if is("TYPE") {
            scan.kind = Some(value);
        } else {
            scan.count = number(value)
                .and_then(|count| usize::try_from(count).ok())
                .filter(|&count| count > 0)
                .ok_or_else(|| fault(index + 1, "expected a count of at least 1"))?;
        }
        index += 2;
    }
    Ok(scan)
}

fn number(word: &[u8]) -> Option<u64> {
    let digits = !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(word).ok().filter(|_| digits)?.parse().ok()
}

fn flush<'l>(line: &[u8], request: Request<'l>) -> Result<Command<'l>, LineError> {
    match request.get(1) {
        Some(word) if !word.eq_ignore_ascii_case(b"ASYNC") && !word.eq_ignore_ascii_case(b"SYNC") => {
            Err(LineError::new(word_offset(line, 1), "expected ASYNC, SYNC or nothing"))
        }
        _ => Ok(Command::Flush),
    }
}

fn help<'l>(line: &[u8], request: Request<'l>) -> Result<Command<'l>, LineError> {
    let Some(word) = request.get(1) else { return Ok(Command::Help(None)) };
    Ok(Command::Help(Some(known(word, word_offset(line, 1))?)))
}

/// `@host:port COMMAND`, from the `@` at `start`; the name ends at `end`.
fn one_server<'l>(
    line: &'l [u8],
    start: usize,
    end: usize,
    scratch: &mut Scratch,
) -> Result<Command<'l>, LineError> {
    let server = std::str::from_utf8(&line[start + 1..end])
        .ok()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| LineError::new(start + 1, "expected a server as host:port"))?;
    let rest = &line[end..];
    let blanks = blank_len(rest);
    let word = &rest[blanks..blanks + word_len(&rest[blanks..])];
    if word.is_empty() {
        return Err(LineError::new(line.len(), "expected a command for that server"));
    }
    let request = request_for_server(rest, blanks, word, scratch).map_err(|error| error.shifted(end))?;
    Ok(Command::OneServer { server, request })
}

/// What a server is sent for the command `word` at `start` of `line`.
fn request_for_server(
    line: &[u8],
    start: usize,
    word: &[u8],
    scratch: &mut Scratch,
) -> Result<ServerRequest, LineError> {
    let known = known(word, start)?;
    let after = start + word.len();
    let rest = &line[after..];
    let mut bytes = Vec::new();
    match known.id {
        CommandId::Put => {
            let (key, body) = key_and_body(rest).map_err(|error| error.shifted(after))?;
            write_request(&mut bytes, &[b"PUT", &key, &body]);
        }
        CommandId::Query => {
            query(rest).map_err(|error| error.shifted(after))?;
            write_request(&mut bytes, &[b"QUERY", rest.trim_ascii()]);
        }
        CommandId::Delete => {
            let key = delete(rest).map_err(|error| error.shifted(after))?;
            write_request(&mut bytes, &[b"DELETE", &key]);
        }
        CommandId::Compute => {
            compute(rest, after).map_err(|error| error.shifted(after))?;
            write_request(&mut bytes, &[b"COMPUTE", rest.trim_ascii()]);
        }
        CommandId::Help | CommandId::Status | CommandId::Exit | CommandId::Quit => {
            let message = format!("{} is the console's own: no server is asked", known.name);
            return Err(LineError::new(start, message));
        }
        _ => {
            let request = scratch.split(line)?;
            check_count(known, line, request.len())?;
            let actual = request.get(1).and_then(|word| known.subcommand(word)).unwrap_or(known);
            check_connection(actual, line)?;
            return Ok(server_request(known, request));
        }
    }
    Ok(ServerRequest { bytes, shows_text: false })
}

/// A request to be passed on as it is.
fn server_request(known: &'static command::Command, request: Request<'_>) -> ServerRequest {
    let subcommand = request.get(1).and_then(|word| known.subcommand(word));
    let shows_text = known.id == CommandId::Info
        || subcommand.is_some_and(|sub| matches!(sub.id, CommandId::ClientList | CommandId::ClientInfo));
    let args: Vec<&[u8]> = request.args().collect();
    let mut bytes = Vec::new();
    write_request(&mut bytes, &args);
    ServerRequest { bytes, shows_text }
}
