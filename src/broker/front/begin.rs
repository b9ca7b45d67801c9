//! From a line to what is asked for it.

use super::desk::{Desk, Ports};
use super::job::{Completion, Flush, Job, Keys, Named, Scan, Servers, StatusJob};
use super::pending::{Computation, What};
use super::session::{Kind as SessionKind, Session};
use super::store::Store;
use crate::broker::engine::{Ask, ServerState};
use crate::console::{self, Command, LineError, Scratch, ServerRequest, Set};
use crate::proto::compute::Expression;
use crate::proto::resp::Request;
use crate::record::Kind;

/// What became of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Begun {
    /// It is in line or answered.
    Yes,
    /// It must be alone: it is to be shown again when the session is idle.
    NotYet,
}

/// Begins one line of a session.
pub(super) fn begin<S: Store>(
    session: &mut Session,
    line: &[u8],
    scratch: &mut Scratch,
    desk: &mut Desk,
    ports: &mut Ports<'_, S>,
) -> Begun {
    if session.kind == SessionKind::Completer {
        if !session.is_idle() {
            session.waits_alone = true;
            return Begun::NotYet;
        }
        session.waits_alone = false;
        session.begin_job(Job::Completion(Completion::new(line)), desk, ports);
        return Begun::Yes;
    }
    match console::parse(line, scratch) {
        Err(error) => refuse(session, line, &error),
        Ok(command) if is_alone(&command) && !session.is_idle() => {
            session.waits_alone = true;
            return Begun::NotYet;
        }
        Ok(command) => {
            session.waits_alone = false;
            run(session, line, command, desk, ports);
        }
    }
    Begun::Yes
}

/// Commands that look at more than some keys see what the session did before, and nothing of what it does after.
fn is_alone(command: &Command<'_>) -> bool {
    matches!(
        command,
        Command::Dbsize
            | Command::Keys { .. }
            | Command::Scan(_)
            | Command::Flush
            | Command::Status
            | Command::Exit
            | Command::OneServer { .. }
            | Command::AnyServer(_)
            | Command::EveryServer(_)
    )
}

fn refuse(session: &mut Session, line: &[u8], error: &LineError) {
    let mut text = Vec::new();
    error.write(line, &mut text);
    session.push_text(text, true);
}

fn run<S: Store>(
    session: &mut Session,
    line: &[u8],
    command: Command<'_>,
    desk: &mut Desk,
    ports: &mut Ports<'_, S>,
) {
    match command {
        Command::Get { key } => session.push(What::Get { key: key.into() }, one(key, Ask::Get), desk, ports),
        Command::Query { path } => {
            let key = path.key().to_vec();
            session.push(What::Query { path }, one(&key, Ask::Get), desk, ports);
        }
        Command::Put { key, body } => {
            let ask = Ask::Put { kind: Kind::Document, body, blind: false };
            session.push(What::Put { key: key.as_ref().into() }, one(&key, ask), desk, ports);
        }
        Command::Delete { key } => {
            session.push(What::Delete { key: key.as_slice().into() }, one(&key, Ask::Delete), desk, ports);
        }
        Command::Compute { expression, offset } => compute(session, line, *expression, offset, desk, ports),
        Command::Set(set) => {
            let what = What::Set { key: set.key.into(), get: set.get };
            let ask = set_ask(&set);
            session.push(what, one(set.key, ask), desk, ports);
        }
        Command::Del(request) => session.push(What::Del, each(request, || Ask::Delete), desk, ports),
        Command::Exists(request) => session.push(What::Exists, each(request, || Ask::Get), desk, ports),
        Command::Mget(request) => session.push(What::Mget, each(request, || Ask::Get), desk, ports),
        Command::Mset(request) => mset(session, request, desk, ports),
        Command::Type { key } => {
            session.push(What::Type { key: key.into() }, one(key, Ask::Get), desk, ports)
        }
        Command::JsonDel { key, path } => {
            let ask = path.map_or(Ask::Delete, |path| Ask::RemoveField { path: path.to_vec() });
            session.push(What::JsonDel { key: key.into() }, one(key, ask), desk, ports);
        }
        alone if is_alone(&alone) => run_alone(session, line, alone, desk, ports),
        local => answer_at_once(session, local),
    }
}

/// Commands that nobody else is asked about.
fn answer_at_once(session: &mut Session, command: Command<'_>) {
    let mut text = Vec::new();
    match command {
        Command::Ping(None) => text.extend_from_slice(b"PONG\n"),
        Command::Ping(Some(message)) | Command::Echo(message) => {
            console::write_text(&mut text, Some(message));
        }
        Command::Select => text.extend_from_slice(b"OK\n"),
        Command::Help(None) => console::write_help(&mut text),
        Command::Help(Some(command)) => console::write_command_help(&mut text, command),
        // An answer of nothing: whoever waits for its end still finds it.
        _ => {}
    }
    session.push_text(text, false);
}

/// Commands that begin when nothing is pending.
fn run_alone<S: Store>(
    session: &mut Session,
    line: &[u8],
    command: Command<'_>,
    desk: &mut Desk,
    ports: &mut Ports<'_, S>,
) {
    let job = match command {
        Command::Dbsize => Job::Count,
        Command::Keys { pattern } => Job::Keys(Keys::new(pattern)),
        Command::Scan(scan) => Job::Scan(Scan::new(&scan)),
        Command::Flush => Job::Flush(Flush::default()),
        Command::EveryServer(request) => {
            let all = (0..ports.store.servers().len()).collect();
            Job::Servers(Servers::new(request, all, Named::Yes))
        }
        Command::AnyServer(request) => return ask_any(session, request, desk, ports),
        Command::OneServer { server, request } => match ports.store.server_named(server) {
            Some(index) => Job::Servers(Servers::new(request, vec![index], Named::No)),
            None => {
                let known: Vec<String> = ports.store.servers().iter().map(ToString::to_string).collect();
                let offset = line.iter().position(|&byte| byte == b'@').map_or(0, |at| at + 1);
                let message =
                    format!("no server of this cluster has this name; there are {}", known.join(", "));
                return refuse(session, line, &LineError { offset, message });
            }
        },
        Command::Exit => {
            session.is_ending = true;
            return;
        }
        _ => Job::Status(StatusJob::new(ports.store.servers().len())),
    };
    session.begin_job(job, desk, ports);
}

/// Any server will do: the first that is up.
fn ask_any<S: Store>(
    session: &mut Session,
    request: ServerRequest,
    desk: &mut Desk,
    ports: &mut Ports<'_, S>,
) {
    let status = ports.store.status(ports.now);
    match status.servers.iter().position(|server| server.state == ServerState::Up) {
        Some(index) => {
            let job = Job::Servers(Servers::new(request, vec![index], Named::No));
            session.begin_job(job, desk, ports);
        }
        None => session.push_text(b"UNAVAILABLE: no server answers\n".to_vec(), true),
    }
}

fn compute<S: Store>(
    session: &mut Session,
    line: &[u8],
    expression: Expression,
    offset: usize,
    desk: &mut Desk,
    ports: &mut Ports<'_, S>,
) {
    let keys: Vec<Vec<u8>> = expression.queries().iter().map(|(_, path)| path.key().to_vec()).collect();
    let what = What::Compute(Box::new(Computation { expression, line: line.into(), offset }));
    session.push(what, keys.iter().map(|key| (key.as_slice(), Ask::Get)), desk, ports);
}

fn mset<S: Store>(session: &mut Session, request: Request<'_>, desk: &mut Desk, ports: &mut Ports<'_, S>) {
    let pairs = (1..request.len()).step_by(2).map(|index| {
        let body = request.arg(index + 1).to_vec();
        (request.arg(index), Ask::Put { kind: Kind::Text, body, blind: true })
    });
    session.push(What::Mset, pairs, desk, ports);
}

/// SET need not look at what stands there, unless it was told to.
fn set_ask(set: &Set<'_>) -> Ask {
    let body = set.value.to_vec();
    match set.exists {
        Some(exists) => Ask::PutIf { body, exists },
        None => Ask::Put { kind: Kind::Text, body, blind: !set.get },
    }
}

fn one(key: &[u8], ask: Ask) -> std::iter::Once<(&[u8], Ask)> {
    std::iter::once((key, ask))
}

/// The same of every key of a request.
fn each<'b>(
    request: Request<'b>,
    ask: impl Fn() -> Ask + 'b,
) -> impl ExactSizeIterator<Item = (&'b [u8], Ask)> {
    request.args().skip(1).map(move |key| (key, ask()))
}
