//! What a connection says first: who it is, and which dialect it speaks.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use hedgerow::proto::resp::write_request;

use crate::load::replies::{Found, Scanner, Shape};
use crate::truth::tally::example;

/// Requests that precede all others on a connection; often none.
#[derive(Clone, Default)]
pub(crate) struct Greeting {
    bytes: Vec<u8>,
    requests: usize,
}

/// Never its bytes: a password is in them.
impl fmt::Debug for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Greeting of {} requests", self.requests)
    }
}

impl Greeting {
    /// AUTH where there is a password, HELLO where RESP3 is wanted.
    pub(crate) fn new(password: Option<&[u8]>, resp3: bool) -> Greeting {
        let mut greeting = Greeting::default();
        if let Some(password) = password {
            greeting.add(&[b"AUTH", password]);
        }
        if resp3 {
            greeting.add(&[b"HELLO", b"3"]);
        }
        greeting
    }

    fn add(&mut self, arguments: &[&[u8]]) {
        write_request(&mut self.bytes, arguments);
        self.requests += 1;
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Answers to wait for.
    pub(crate) fn requests(&self) -> usize {
        self.requests
    }

    /// Says it on a new connection and waits for the answers. The error is the target's refusal in its own words, or
    /// that of the connection.
    pub(crate) fn say(&self, stream: &mut TcpStream, timeout: Duration) -> io::Result<()> {
        stream.write_all(&self.bytes)?;
        stream.set_read_timeout(Some(timeout))?;
        let (mut scanner, mut left) = (Scanner::new(), self.requests);
        let mut piece = [0; 4096];
        while left > 0 {
            let count = stream.read(&mut piece)?;
            let mut rest = &piece[..count];
            if rest.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            while !rest.is_empty() {
                let (used, found) = scanner.next(rest);
                match found {
                    Found::Reply { shape: Shape::Error, text } => {
                        return Err(io::Error::other(example(text)));
                    }
                    Found::Reply { .. } => left = left.saturating_sub(1),
                    Found::Broken => return Err(io::Error::other("what it answers is not RESP")),
                    Found::More | Found::Part(_) => {}
                }
                rest = &rest[used..];
            }
        }
        Ok(())
    }
}
