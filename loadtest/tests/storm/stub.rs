//! A RESP server of a few lines that can be told to misbehave.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// What the stub does to its clients. Numbers count the requests of all connections, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manners {
    Good,
    /// Every third answer is an error.
    ThirdIsReadonly,
    /// Every answer is a number.
    OnlyNumbers,
    /// The last byte of each value is wrong.
    SpoilsValues,
    /// Closes the connection instead of every hundredth answer.
    HangsUp,
    /// Takes requests and answers none.
    Silent,
    /// Answers as web servers do.
    SpeaksHttp,
    /// Sends each answer byte by byte.
    Dribbles,
    /// Answers nothing on any connection for so many milliseconds, once, after 1,000 requests.
    Pauses(u64),
    /// Sends two answers to every request.
    AnswersTwice,
    /// Says OK to every SET and keeps none.
    Forgets,
    /// Says OK to every SET and keeps the first of each key.
    Sticks,
}

/// Requests by the name of their command.
pub(crate) type Counts = Arc<Mutex<HashMap<String, u64>>>;

/// Requests of all connections, word by word.
type Log = Arc<Mutex<Vec<Vec<Vec<u8>>>>>;

/// A stub that listens until the test ends.
pub(crate) struct Stub {
    pub(crate) port: u16,
    pub(crate) counts: Counts,
    log: Log,
}

#[derive(Clone)]
struct Shared {
    manners: Manners,
    store: Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>,
    counts: Counts,
    requests: Arc<AtomicU64>,
    /// What the requests were, in order, where somebody wants to know.
    log: Log,
    /// Held by who answers, where somebody pauses.
    turn: Arc<Mutex<()>>,
}

impl Stub {
    pub(crate) fn start(manners: Manners) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (counts, log) = (Counts::default(), Log::default());
        let shared = Shared {
            manners,
            store: Arc::default(),
            counts: Arc::clone(&counts),
            requests: Arc::default(),
            log: Arc::clone(&log),
            turn: Arc::default(),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = shared.clone();
                std::thread::spawn(move || shared.serve(stream.unwrap()));
            }
        });
        Stub { port, counts, log }
    }

    /// All requests, sorted: connections are served side by side.
    pub(crate) fn sorted_log(&self) -> Vec<Vec<Vec<u8>>> {
        let mut log = self.log.lock().unwrap().clone();
        log.sort();
        log
    }

    pub(crate) fn count(&self, command: &str) -> u64 {
        self.counts.lock().unwrap().get(command).copied().unwrap_or_default()
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        let mut out = stream.try_clone().unwrap();
        out.set_nodelay(true).unwrap();
        let mut input = BufReader::new(stream);
        // A client that goes away ends its own thread and nothing else.
        while let Some(arguments) = read_request(&mut input) {
            self.log.lock().unwrap().push(arguments.clone());
            // Until the answer is sent: none that was ready before a pause comes in the midst of it.
            let pauses = matches!(self.manners, Manners::Pauses(_));
            let _turn = pauses.then(|| self.turn.lock().unwrap());
            let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
            let reply = self.reply(number, &arguments);
            let sent = match self.manners {
                Manners::HangsUp if number.is_multiple_of(100) => return,
                Manners::Silent => Ok(()),
                Manners::Dribbles => reply.iter().try_for_each(|byte| out.write_all(&[*byte])),
                _ => out.write_all(&reply),
            };
            if sent.is_err() {
                return;
            }
        }
    }

    fn reply(&self, number: u64, arguments: &[Vec<u8>]) -> Vec<u8> {
        let command = String::from_utf8(arguments[0].clone()).unwrap();
        *self.counts.lock().unwrap().entry(command.clone()).or_default() += 1;
        match self.manners {
            Manners::ThirdIsReadonly if number.is_multiple_of(3) => {
                return b"-READONLY this server belongs to a cluster\r\n".to_vec();
            }
            Manners::OnlyNumbers => return b":1\r\n".to_vec(),
            Manners::SpeaksHttp => return b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            Manners::Pauses(millis) if number == 1_000 => {
                let (_keep, never) = mpsc::channel::<()>();
                never.recv_timeout(Duration::from_millis(millis)).unwrap_err();
            }
            _ => {}
        }
        let mut reply = self.honest_reply(&command, arguments);
        match self.manners {
            Manners::SpoilsValues if reply[0] == b'$' && reply.len() > 5 => {
                let last = reply.len() - 3;
                reply[last] = b'?';
            }
            Manners::AnswersTwice => reply.extend_from_within(..),
            _ => {}
        }
        reply
    }

    fn honest_reply(&self, command: &str, arguments: &[Vec<u8>]) -> Vec<u8> {
        let mut store = self.store.lock().unwrap();
        let bulk = |value: Option<&Vec<u8>>| match value {
            Some(value) => [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat(),
            None => b"$-1\r\n".to_vec(),
        };
        match command {
            "PING" => b"+PONG\r\n".to_vec(),
            "PUT" => b"+CREATED\r\n".to_vec(),
            "JSON.SET" => b"+OK\r\n".to_vec(),
            "RANGE" => b"*1\r\n$1\r\na\r\n".to_vec(),
            "INCR" | "EXISTS" | "DELETE" => b":1\r\n".to_vec(),
            "QUERY" | "JSON.GET" => b"$2\r\n{}\r\n".to_vec(),
            "HELLO" => b"%1\r\n$5\r\nproto\r\n:3\r\n".to_vec(),
            "SET" => {
                let (key, value) = (arguments[1].clone(), arguments[2].clone());
                match self.manners {
                    Manners::Forgets => {}
                    Manners::Sticks => _ = store.entry(key).or_insert(value),
                    _ => _ = store.insert(key, value),
                }
                b"+OK\r\n".to_vec()
            }
            "GET" => bulk(store.get(&arguments[1])),
            "MGET" => {
                let values = arguments[1..].iter().map(|key| bulk(store.get(key)));
                let values: Vec<Vec<u8>> = values.collect();
                [format!("*{}\r\n", values.len()).into_bytes(), values.concat()].concat()
            }
            "DEL" => {
                let gone = arguments[1..].iter().filter(|key| store.remove(*key).is_some()).count();
                format!(":{gone}\r\n").into_bytes()
            }
            _ => format!("-ERR unknown command '{command}'\r\n").into_bytes(),
        }
    }
}

fn read_request(input: &mut BufReader<TcpStream>) -> Option<Vec<Vec<u8>>> {
    let count = read_number(input)?;
    (0..count).map(|_| read_argument(input)).collect()
}

fn read_argument(input: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut argument = vec![0; read_number(input)? + 2];
    input.read_exact(&mut argument).ok()?;
    argument.truncate(argument.len() - 2);
    Some(argument)
}

/// The number of a line such as `*3` or `$16`.
fn read_number(input: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    line.get(1..)?.trim_end().parse().ok()
}
