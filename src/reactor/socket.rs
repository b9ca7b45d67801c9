//! One connection as the kernel, or a local feed, has it.
//!
//! ```text
//!             connect() done                close(id)                  all sent
//!   Dialing ───────────────► Open ───────────────────────► Closing ─────────────► Lingering ──► gone
//!      │                      ▲ │                            │    (write side shut,   ▲  peer's end,
//!      └── failed: gone       │ └── reset, abort: gone       │     input discarded)   │  or 1 s
//!                          accept()                          └── the peer ended first: gone
//! ```
//!
//! Why linger: a socket closed with input that nobody read makes the kernel send a reset, and a reset may overtake
//! the last replies, so that the peer never sees why it was disconnected.

use super::feed::Local;
use crate::conn::ConnId;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};

/// Where the bytes come from and go to. Never blocks.
pub(super) enum Link {
    Tcp(TcpStream),
    Local(Box<Local>),
}

impl Link {
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        retried(|| match self {
            Link::Tcp(stream) => stream.read(into),
            Link::Local(local) => local.read(into),
        })
    }

    /// Appends what is there to `into`, as far as its capacity goes.
    pub(super) fn read_onto(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        assert!(into.capacity() > into.len(), "nothing can be read into no room");
        retried(|| match self {
            Link::Tcp(stream) => Ok(rustix::io::read(&*stream, rustix::buffer::spare_capacity(into))?),
            Link::Local(local) => local.read_onto(into),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        retried(|| match self {
            Link::Tcp(stream) => stream.write(bytes),
            Link::Local(local) => local.write(bytes),
        })
    }

    /// A read that got `count` of at most `room` bytes has left nothing behind. A socket gives all that it has.
    pub(super) fn is_drained(&self, count: usize, room: usize) -> bool {
        matches!(self, Link::Tcp(_)) && count < room
    }
}

/// Calls again what a signal interrupted.
fn retried<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A connection's age of life. See the module's picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    Dialing,
    Open,
    Closing,
    Lingering,
}

/// A connection's link and what is known of its readiness. Events come once only (edge-triggered), so what they said
/// is kept here until a read or write has shown that it is no longer true.
pub(super) struct Socket {
    pub(super) link: Link,
    pub(super) stage: Stage,
    /// It counts among the clients.
    pub(super) accepted: bool,
    /// There may be something to read.
    pub(super) readable: bool,
    /// The peer has closed its side: read on until the end shows, no further event will tell of it.
    pub(super) finished: bool,
    /// The connection has failed: the next read says how.
    pub(super) failed: bool,
    /// The end was read.
    pub(super) eof: bool,
    /// The last write was short: the next waits for an event.
    pub(super) blocked: bool,
    /// Events for "writable" are asked for.
    armed: bool,
}

impl Socket {
    fn new(link: Link, stage: Stage) -> Socket {
        Socket {
            link,
            stage,
            accepted: false,
            readable: false,
            finished: false,
            failed: false,
            eof: false,
            blocked: false,
            armed: false,
        }
    }

    /// A client, registered for what it sends. Whether it can be written to is asked only after a short write: nearly
    /// every reply fits into the kernel's buffer, and asking costs 17 to 33 % of the rate.
    pub(super) fn accepted(mut stream: TcpStream, id: ConnId, registry: &Registry) -> io::Result<Socket> {
        registry.register(&mut stream, token(id), Interest::READABLE)?;
        Ok(Socket { accepted: true, ..Socket::new(Link::Tcp(stream), Stage::Open) })
    }

    /// Begins to connect to `peer`.
    pub(super) fn dial(peer: SocketAddr, id: ConnId, registry: &Registry) -> io::Result<Socket> {
        let mut stream = TcpStream::connect(peer)?;
        registry.register(&mut stream, token(id), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Socket { armed: true, ..Socket::new(Link::Tcp(stream), Stage::Dialing) })
    }

    /// A feed inside of the process.
    pub(super) fn local(local: Local) -> Socket {
        // A feed rings for room by itself, and may hold bytes already.
        Socket { armed: true, readable: true, ..Socket::new(Link::Local(Box::new(local)), Stage::Open) }
    }

    /// Whether the connection that was dialed stands, and to whom: `None` while that is open.
    pub(super) fn dialed(&self) -> Option<io::Result<SocketAddr>> {
        let Link::Tcp(stream) = &self.link else { return None };
        match stream.take_error() {
            Ok(None) => {}
            Ok(Some(error)) | Err(error) => return Some(Err(error)),
        }
        match stream.peer_addr() {
            // A dial to a free port of this machine that happens to get the same port as its own end has connected to
            // itself.
            Ok(peer) if stream.local_addr().is_ok_and(|local| local == peer) => {
                Some(Err(ErrorKind::ConnectionRefused.into()))
            }
            Ok(peer) => Some(stream.set_nodelay(true).map(|()| peer)),
            Err(error) if error.kind() == ErrorKind::NotConnected => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The last write was short: the rest waits until the kernel says that there is room.
    pub(super) fn block(&mut self, id: ConnId, registry: &Registry) -> io::Result<()> {
        self.blocked = true;
        if let Link::Tcp(stream) = &mut self.link
            && !self.armed
        {
            // It stays so: an edge comes only after a short write, and setting it back would cost a system call.
            self.armed = true;
            registry.reregister(stream, token(id), Interest::READABLE | Interest::WRITABLE)?;
        }
        Ok(())
    }

    /// Says goodbye to the peer. True if its own goodbye is worth waiting for.
    pub(super) fn shut(&mut self) -> bool {
        match &self.link {
            Link::Tcp(stream) => !self.eof && stream.shutdown(Shutdown::Write).is_ok(),
            Link::Local(_) => false,
        }
    }

    /// Reads and forgets. True when the peer has nothing more to say.
    pub(super) fn discard_input(&mut self, scratch: &mut [u8]) -> bool {
        const READS_MAX: usize = 16;
        for _ in 0..READS_MAX {
            match self.link.read(scratch) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
        false
    }

    /// Why the connection failed.
    pub(super) fn failure(&self) -> ErrorKind {
        match &self.link {
            Link::Tcp(stream) => match stream.take_error() {
                Ok(Some(error)) | Err(error) => error.kind(),
                Ok(None) => ErrorKind::ConnectionReset,
            },
            Link::Local(local) => local.failure().unwrap_or(ErrorKind::BrokenPipe),
        }
    }
}

fn token(id: ConnId) -> Token {
    Token(id.to_u64() as usize)
}

const _: () = assert!(usize::BITS == 64, "a token holds a whole ConnId");
const _: () = assert!(size_of::<Option<Socket>>() <= 24, "an idle connection is not worth more");

/// The sockets of all connections, by the index of their id. Whether an id is still the one that its socket was made
/// for is known to `Net` alone: ask it first.
#[derive(Default)]
pub(super) struct Sockets(Vec<Option<Socket>>);

impl Sockets {
    pub(super) fn get_mut(&mut self, id: ConnId) -> Option<&mut Socket> {
        self.0.get_mut(id.index())?.as_mut()
    }

    pub(super) fn insert(&mut self, id: ConnId, socket: Socket) {
        if self.0.len() <= id.index() {
            self.0.resize_with(id.index() + 1, || None);
        }
        let before = self.0[id.index()].replace(socket);
        assert!(before.is_none(), "{id:?} has a socket already");
    }

    pub(super) fn remove(&mut self, id: ConnId) -> Option<Socket> {
        self.0.get_mut(id.index())?.take()
    }
}
