//! Real sockets on 127.0.0.1, a machine that echoes lines, and no sleeping: every wait is for a condition.

mod clients;
mod ends;
mod feeds;
mod files;

use super::*;
use crate::conn::{Counters, Next, Taken};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream as Client;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a machine tells its test.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Told {
    Open(ConnId, Origin),
    Line(ConnId, String),
    Eof(ConnId, Vec<u8>),
    Close(ConnId, CloseReason),
    Resumed,
}

/// Answers each line with itself, except for its few commands.
struct Lines {
    told: Sender<Told>,
    /// Lines of one call.
    budget: usize,
    /// Bytes that the running `frame` still wants.
    frame: usize,
    stalled: Vec<ConnId>,
    /// To be dialed when `run` begins.
    dial: Option<SocketAddr>,
    /// The dialed connection is closed in the turn in which it is dialed.
    gives_up: bool,
    closes_at_eof: bool,
}

impl Lines {
    fn new() -> (Lines, Receiver<Told>) {
        let (told, events) = channel();
        let (gives_up, closes_at_eof) = (false, true);
        let (budget, frame, stalled, dial) = (usize::MAX, 0, Vec::new(), None);
        (Lines { told, budget, frame, stalled, dial, gives_up, closes_at_eof }, events)
    }

    fn tell(&self, told: Told) {
        let _ = self.told.send(told);
    }

    /// Obeys one line. `Some` ends the call.
    fn obey(&mut self, id: ConnId, line: &str, net: &mut Net) -> Option<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "big" => pattern(rest.parse().unwrap(), net.out(id)),
            "frame" => self.frame = rest.parse().unwrap(),
            "stall" => {
                self.stalled.push(id);
                return Some(Next::Stall);
            }
            "resume" => {
                self.stalled.drain(..).for_each(|stalled| net.resume(stalled));
                self.tell(Told::Resumed);
            }
            "quit" => {
                net.out(id).extend_from_slice(b"bye\n");
                net.close(id);
            }
            "abort" => net.abort(id),
            "stop" => net.stop(rest.parse().unwrap()),
            "counters" => {
                let Counters { accepted, refused, reads, writes, .. } = net.counters;
                let line = format!("{accepted} {refused} {reads} {writes}\n");
                net.out(id).extend_from_slice(line.as_bytes());
            }
            "pending" => {
                let line = format!("{} {}\n", net.pending(), net.inbox_bytes());
                net.out(id).extend_from_slice(line.as_bytes());
            }
            _ => net.out(id).extend_from_slice(format!("{line}\n").as_bytes()),
        }
        None
    }
}

impl Machine for Lines {
    fn handle_open(&mut self, id: ConnId, origin: Origin, _: Now, _: &mut Net) {
        self.tell(Told::Open(id, origin));
    }

    fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], _: Now, net: &mut Net) -> Taken {
        let (mut consumed, mut lines) = (0, 0);
        loop {
            let rest = &bytes[consumed..];
            if self.frame > rest.len() {
                return Taken { consumed, next: Next::More { at_least: self.frame } };
            }
            if self.frame > 0 {
                let sum: u64 = rest[..self.frame].iter().map(|&b| u64::from(b)).sum();
                net.out(id).extend_from_slice(format!("{} {sum}\n", self.frame).as_bytes());
                consumed += std::mem::take(&mut self.frame);
                continue;
            }
            let Some(end) = rest.iter().position(|&b| b == b'\n') else {
                return Taken { consumed, next: Next::More { at_least: rest.len() + 1 } };
            };
            let line = std::str::from_utf8(&rest[..end]).unwrap().to_owned();
            self.tell(Told::Line(id, line.clone()));
            consumed += end + 1;
            lines += 1;
            if let Some(next) = self.obey(id, &line, net) {
                return Taken { consumed, next };
            }
            if lines == self.budget {
                return Taken { consumed, next: Next::Again };
            }
        }
    }

    fn handle_eof(&mut self, id: ConnId, unread: &[u8], _: Now, net: &mut Net) {
        self.tell(Told::Eof(id, unread.to_vec()));
        if self.closes_at_eof {
            net.close(id);
        }
    }

    fn handle_close(&mut self, id: ConnId, reason: CloseReason, _: Now, _: &mut Net) {
        self.tell(Told::Close(id, reason));
    }

    fn handle_timeout(&mut self, _: Now, net: &mut Net) {
        if let Some(peer) = self.dial.take() {
            let id = net.dial(peer);
            net.out(id).extend_from_slice(b"written while dialing\n");
            if self.gives_up {
                net.close(id);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.dial.map(|_| Time::ZERO)
    }

    fn handle_shutdown(&mut self, _: Now, net: &mut Net) {
        net.stop(7);
    }

    fn refusal(&self, refusal: Refusal) -> &'static [u8] {
        match refusal {
            Refusal::TooManyClients => b"no place\n",
            Refusal::InputMemory => b"no memory\n",
        }
    }
}

/// `count` bytes by which a lost or doubled one shows.
fn pattern(count: usize, out: &mut Vec<u8>) {
    out.extend((0..count).map(|i| (i % 251) as u8));
}

/// A reactor on its own thread; told to stop when dropped.
struct Running {
    address: SocketAddr,
    stop: StopHandle,
    thread: Option<JoinHandle<io::Result<i32>>>,
    events: Receiver<Told>,
}

impl Running {
    fn start() -> Running {
        Running::with(1_000, |_, _| {})
    }

    fn with(clients_max: usize, prepare: impl FnOnce(&mut Reactor, &mut Lines)) -> Running {
        let (mut machine, events) = Lines::new();
        let mut reactor = Reactor::new(clients_max).unwrap();
        let address = reactor.listen("127.0.0.1:0".parse().unwrap()).unwrap();
        prepare(&mut reactor, &mut machine);
        let stop = reactor.stop_handle();
        let thread = std::thread::Builder::new().spawn(move || reactor.run(&mut machine)).unwrap();
        Running { address, stop, thread: Some(thread), events }
    }

    fn client(&self) -> Client {
        let client = Client::connect(self.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }

    /// The next thing that the machine tells and `wanted` recognises.
    fn wait<T>(&self, mut wanted: impl FnMut(&Told) -> Option<T>) -> T {
        loop {
            let told = self.events.recv_timeout(PATIENCE).expect("the machine tells in time");
            if let Some(found) = wanted(&told) {
                return found;
            }
        }
    }

    fn wait_close(&self) -> CloseReason {
        self.wait(|told| match told {
            Told::Close(_, reason) => Some(*reason),
            _ => None,
        })
    }

    /// Waits for the end of `run`.
    fn status(mut self) -> i32 {
        self.thread.take().unwrap().join().unwrap().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let result = thread.join();
            if !std::thread::panicking() {
                result.unwrap().unwrap();
            }
        }
    }
}

/// Sends a line and reads its answer.
fn ask(client: &Client, line: &str) -> String {
    let mut client = client;
    client.write_all(format!("{line}\n").as_bytes()).unwrap();
    read_line(client)
}

/// Reads to the end of a line, byte by byte: nothing behind it is taken.
fn read_line(client: &Client) -> String {
    let (mut line, mut byte) = (vec![], [0]);
    while read_some(client, &mut byte) == 1 && byte != [b'\n'] {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

/// Reads what is there. A process that was stopped in the midst of it reads on.
fn read_some(mut client: &Client, into: &mut [u8]) -> usize {
    loop {
        match client.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result.unwrap(),
        }
    }
}

fn read_all(mut client: &Client) -> String {
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    text
}
