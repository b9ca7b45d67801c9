//! One connection of a closed loop: a batch of requests goes out, and the next follows when all are answered.
//!
//! ```text
//!          dial ok                batch sent
//!  Down ──► Dialing ──► Up, idle ───────────► Up, waiting
//!   ▲          │             ▲                    │  │
//!   │ refused  │             └── last answer ─────┘  │
//!   └──────────┴──── closed, not RESP, timed out ────┘
//! ```

use std::io::{self, ErrorKind, Write as _};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::replies::{Found, Scanner, Shape};
use crate::requests::{Asked, Plan, Verdict, value_matches};
use crate::tally::{Nanos, Tally, example};

/// The network side of a connection.
#[derive(Debug)]
pub(crate) enum Link {
    Up(TcpStream),
    Dialing { stream: TcpStream, since: Nanos },
    Down { retry_at: Nanos },
}

/// Why a connection is given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Closed or reset by the target.
    Closed,
    /// What came is not RESP, or was not asked for.
    Protocol,
    /// An answer was too long in coming.
    Timeout,
}

/// A connection and the batch in flight on it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) link: Link,
    token: Token,
    scanner: Scanner,
    /// The batch, in the order of its sending; the first `answered` of it have their answers.
    batch: Vec<Asked>,
    answered: usize,
    /// Bytes of the current answer's body that were found right; `None` once one was wrong.
    verified: Option<usize>,
    /// What the socket did not take of the batch.
    unsent: Vec<u8>,
    sent_at: Nanos,
    /// Since when this connection has wanted a good answer and got none.
    wanted_at: Nanos,
    /// When bytes last came, or a batch went out.
    stirred_at: Nanos,
    /// Dials in a row that failed.
    refusals: u32,
}

impl Connection {
    /// A connection made of a connected socket.
    pub(crate) fn new(mut stream: TcpStream, token: Token, registry: &Registry) -> io::Result<Connection> {
        registry.register(&mut stream, token, Interest::READABLE)?;
        let link = Link::Up(stream);
        Ok(Connection {
            link,
            token,
            scanner: Scanner::new(),
            batch: Vec::new(),
            answered: 0,
            verified: Some(0),
            unsent: Vec::new(),
            sent_at: 0,
            wanted_at: 0,
            stirred_at: 0,
            refusals: 0,
        })
    }

    /// Requests that are sent, or about to be, and not answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.batch.len() - self.answered
    }

    /// Those among them that a plan asked for.
    pub(crate) fn plan_in_flight(&self) -> usize {
        self.batch[self.answered..].iter().filter(|asked| **asked != Asked::HELLO).count()
    }

    /// When the batch in flight was sent.
    pub(crate) fn sent_at(&self) -> Nanos {
        self.sent_at
    }

    /// Since when it has waited for a good answer, if it waits.
    pub(crate) fn waiting_since(&self) -> Option<Nanos> {
        (self.in_flight() > 0 || !matches!(self.link, Link::Up(_))).then_some(self.wanted_at)
    }

    /// When something last happened on it.
    pub(crate) fn stirred_at(&self) -> Nanos {
        self.stirred_at
    }

    /// The batch to be filled with what the bytes of the next [`Connection::send`] ask for.
    pub(crate) fn next_batch(&mut self) -> &mut Vec<Asked> {
        assert_eq!(self.in_flight(), 0, "a batch follows when the last is answered");
        self.batch.clear();
        self.answered = 0;
        &mut self.batch
    }

    /// Sends the requests of the batch.
    pub(crate) fn send(&mut self, bytes: &[u8], now: Nanos, registry: &Registry) -> Result<(), Fault> {
        assert!(self.unsent.is_empty(), "the last batch was answered, so it was sent");
        (self.sent_at, self.stirred_at) = (now, now);
        let Link::Up(stream) = &mut self.link else { unreachable!("only a connected one sends") };
        let written = write_some(stream, bytes)?;
        if written < bytes.len() {
            self.unsent.extend_from_slice(&bytes[written..]);
            let interest = Interest::READABLE | Interest::WRITABLE;
            registry.reregister(stream, self.token, interest).map_err(|_| Fault::Closed)?;
        }
        Ok(())
    }

    /// Sends more of what the socket did not take, now that it says it would.
    pub(crate) fn send_rest(&mut self, registry: &Registry) -> Result<(), Fault> {
        let Link::Up(stream) = &mut self.link else { unreachable!("only a connected one sends") };
        if self.unsent.is_empty() {
            return Ok(());
        }
        let written = write_some(stream, &self.unsent)?;
        self.unsent.drain(..written);
        if self.unsent.is_empty() {
            self.unsent = Vec::new();
            registry.reregister(stream, self.token, Interest::READABLE).map_err(|_| Fault::Closed)?;
        }
        Ok(())
    }

    /// Takes in what was read at `now`. Returns how many requests of the plan it answered, and the fault that ended it.
    pub(crate) fn take(
        &mut self,
        mut bytes: &[u8],
        now: Nanos,
        plan: &Plan,
        tally: &mut Tally,
    ) -> (usize, Result<(), Fault>) {
        self.stirred_at = now;
        // Two kinds of requests at most: answers that came together are counted together.
        let mut good = [0u64; 2];
        let before = self.answered;
        let mut greeted = 0;
        let mut outcome = Ok(());
        while !bytes.is_empty() {
            let (consumed, found) = self.scanner.next(bytes);
            bytes = &bytes[consumed..];
            let (shape, text) = match found {
                Found::Reply { shape, text } => (shape, text),
                Found::More => continue,
                Found::Part(piece) => {
                    let asked = self.batch.get(self.answered);
                    verify_piece(plan, asked, piece, &mut self.verified);
                    continue;
                }
                Found::Broken => {
                    outcome = Err(Fault::Protocol);
                    break;
                }
            };
            let Some(&asked) = self.batch.get(self.answered) else {
                outcome = Err(Fault::Protocol);
                break;
            };
            self.answered += 1;
            if asked == Asked::HELLO {
                greeted += 1;
                if shape == Shape::Error {
                    tally.error(text);
                }
            } else if count_answer(plan, asked, shape, text, self.verified, tally) {
                good[asked.operation()] += 1;
            }
            self.verified = Some(0);
        }
        for (operation, &count) in good.iter().enumerate().filter(|(_, count)| **count > 0) {
            tally.answered(operation, count, now.saturating_sub(self.sent_at));
        }
        if good != [0; 2] {
            tally.heard(self.wanted_at, now);
            self.wanted_at = now;
        }
        (self.answered - before - greeted, outcome)
    }

    /// The run that counts silence begins, or this connection, idle before, begins to want answers.
    pub(crate) fn wants_from(&mut self, now: Nanos) {
        self.wanted_at = now;
    }

    /// Drops the socket and forgets the batch; a dial may follow at `retry_at`.
    pub(crate) fn drop_link(&mut self, retry_at: Nanos) {
        self.link = Link::Down { retry_at };
        self.scanner = Scanner::new();
        self.batch.clear();
        (self.answered, self.verified) = (0, Some(0));
        self.unsent = Vec::new();
    }

    /// Begins to dial.
    pub(crate) fn dial(&mut self, address: SocketAddr, now: Nanos, registry: &Registry) -> io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        registry.register(&mut stream, self.token, Interest::READABLE | Interest::WRITABLE)?;
        self.link = Link::Dialing { stream, since: now };
        Ok(())
    }

    /// Looks whether the dial has come through: `Ok(true)` if so, `Ok(false)` if it is too early to say.
    pub(crate) fn finish_dial(&mut self, now: Nanos, registry: &Registry) -> io::Result<bool> {
        let Link::Dialing { stream, since } = &mut self.link else { return Ok(false) };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
            Err(error) => return Err(error),
        }
        stream.set_nodelay(true)?;
        registry.reregister(stream, self.token, Interest::READABLE)?;
        let retry_at = *since;
        let dialing = std::mem::replace(&mut self.link, Link::Down { retry_at });
        if let Link::Dialing { stream, .. } = dialing {
            self.link = Link::Up(stream);
        }
        (self.refusals, self.stirred_at) = (0, now);
        Ok(true)
    }

    /// Counts one more dial that failed; says how many that are in a row.
    pub(crate) fn refused(&mut self) -> u32 {
        self.refusals += 1;
        self.refusals
    }
}

fn write_some(stream: &mut TcpStream, bytes: &[u8]) -> Result<usize, Fault> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(0) => return Err(Fault::Closed),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(Fault::Closed),
        }
    }
    Ok(written)
}

#[inline]
fn verify_piece(plan: &Plan, asked: Option<&Asked>, piece: &[u8], verified: &mut Option<usize>) {
    if let (Some(value_bytes), Some(asked), Some(offset)) = (plan.verify, asked, *verified) {
        let right = value_matches(asked.key(), value_bytes, offset, piece);
        *verified = right.then_some(offset + piece.len());
    }
}

/// Counts one answer; true if it is a good one.
#[inline]
fn count_answer(
    plan: &Plan,
    asked: Asked,
    shape: Shape,
    text: &[u8],
    mut verified: Option<usize>,
    tally: &mut Tally,
) -> bool {
    let operation = &plan.operations[asked.operation()];
    match operation.template.expect.judge(shape, text) {
        Verdict::Good => {}
        Verdict::Miss => tally.answers[asked.operation()].misses += 1,
        Verdict::Error => {
            tally.error(text);
            return false;
        }
        Verdict::Wrong => {
            tally.wrong_type(&operation.name, format!("{shape:?} {}", example(text)));
            return false;
        }
    }
    if plan.verify.is_some() && shape == Shape::Bulk {
        verify_piece(plan, Some(&asked), text, &mut verified);
        if verified != plan.verify {
            tally.wrong_value(asked.key(), text);
            return false;
        }
    }
    true
}
