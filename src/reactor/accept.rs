//! The door: listeners, how many clients are inside, and what becomes of one for whom there is no place.

use crate::conn::Entrance;
use crate::limits;
use crate::time::{Span, Time};
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use rustix::net::sockopt;
use socket2::{Domain, Protocol, Socket, Type};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

/// Connections that wait for `accept`; the kernel takes no more than its own bound (`somaxconn`).
const BACKLOG: i32 = 65_535;
/// Clients let in by one listener in one turn.
const ARRIVALS_PER_TURN_MAX: usize = 256;
/// After `accept` failed for want of memory or descriptors that cannot be made free, it is tried again after this.
const RETRY_AFTER: Span = Span::from_millis(10);

/// ... which is logged again only after a time without such a failure.
const COMPLAIN_EVERY: Span = Span::from_secs(1);

struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    /// Somebody may be waiting. An event tells of it once: this stays true until `accept` says that nobody is.
    pending: bool,
    /// Not to be tried before.
    retry_at: Time,
}

/// A connection, the client's address, ours.
type Accepted = (TcpStream, SocketAddr, SocketAddr);

/// Who came.
pub(super) enum Arrival {
    /// A client, its address, ours.
    Client(TcpStream, SocketAddr, SocketAddr),
    /// A client for whom there is no place: to be told so.
    Surplus(TcpStream),
}

/// The listeners of a reactor and the count of their clients.
pub(super) struct Door {
    listeners: Vec<Listener>,
    clients: usize,
    /// As the listeners have it, whose clients inherit it.
    keepalive_secs: u32,
    /// An open file for nothing: when the process has no descriptor left, it is given up for as long as it takes to
    /// accept a client and tell it so. Without it such clients would wait unheard, and the loop would spin.
    spare: Option<File>,
}

impl Door {
    pub(super) fn new() -> Door {
        Door { listeners: Vec::new(), clients: 0, keepalive_secs: 0, spare: None }
    }

    /// Listens on `address`; a port 0 is chosen by the system. Returns the address with its port.
    pub(super) fn open(
        &mut self,
        address: SocketAddr,
        entrance: Entrance,
        registry: &Registry,
        token: impl Fn(usize) -> Token,
    ) -> io::Result<SocketAddr> {
        let mut socket = listen(address)?;
        let address = socket.local_addr()?;
        registry.register(&mut socket, token(self.listeners.len()), Interest::READABLE)?;
        self.listeners.push(Listener { socket, address, pending: false, retry_at: Time::ZERO });
        self.keep_alive(entrance.keepalive_secs);
        self.keep_spare();
        Ok(address)
    }

    /// Nobody is let in any more.
    pub(super) fn close(&mut self) {
        self.listeners.clear();
        self.spare = None;
    }

    pub(super) fn listeners(&self) -> usize {
        self.listeners.len()
    }

    /// The listener of this index has news.
    pub(super) fn knock(&mut self, index: usize) {
        if let Some(listener) = self.listeners.get_mut(index) {
            listener.pending = true;
        }
    }

    /// When the door wants to be looked at without an event.
    pub(super) fn poll_timeout(&self) -> Option<Time> {
        self.listeners.iter().filter(|listener| listener.pending).map(|listener| listener.retry_at).min()
    }

    /// A client has left.
    pub(super) fn leave(&mut self) {
        assert!(self.clients > 0, "more clients left than came");
        self.clients -= 1;
    }

    /// Whoever waits at the listener of this index, as many as may come in in one turn.
    pub(super) fn arrivals(&mut self, index: usize, now: Time, entrance: Entrance, into: &mut Vec<Arrival>) {
        self.arrivals_by(Listener::accept, index, now, entrance, into);
    }

    /// The same, as `accept` tells.
    fn arrivals_by(
        &mut self,
        accept: impl Fn(&Listener) -> io::Result<Accepted>,
        index: usize,
        now: Time,
        entrance: Entrance,
        into: &mut Vec<Arrival>,
    ) {
        // The kernel makes a client's socket before it is accepted: this is for those who come later.
        if self.keepalive_secs != entrance.keepalive_secs {
            self.keep_alive(entrance.keepalive_secs);
        }
        let listener = &self.listeners[index];
        if !listener.pending || listener.retry_at > now {
            return;
        }
        for _ in 0..ARRIVALS_PER_TURN_MAX {
            let arrival = match accept(&self.listeners[index]) {
                Ok(client) => self.place(client, entrance.clients_max),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.listeners[index].pending = false;
                    break;
                }
                Err(error) if is_about_one_client(&error) => continue,
                Err(error) if is_out_of_files(&error) && self.spare.is_some() => {
                    // Linux says so even if nobody waits: it takes the descriptor before it looks.
                    self.spare = None;
                    match accept(&self.listeners[index]) {
                        Ok((stream, ..)) => into.push(Arrival::Surplus(stream)),
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {
                            self.listeners[index].pending = false;
                        }
                        Err(_) => {}
                    }
                    // Whoever handles the surplus closes it and says `keep_spare`: no other can come before.
                    break;
                }
                Err(error) => {
                    let listener = &mut self.listeners[index];
                    if now.since(listener.retry_at) >= COMPLAIN_EVERY {
                        log::warn!("cannot accept at {}: {error}", listener.address);
                    }
                    listener.retry_at = now + RETRY_AFTER;
                    break;
                }
            };
            into.push(arrival);
        }
    }

    /// Takes the spare descriptor back, if there is one again.
    pub(super) fn keep_spare(&mut self) {
        if self.spare.is_none() {
            self.spare = File::open("/dev/null").ok();
        }
    }

    /// From now on the kernel asks silent clients whether they still stand.
    fn keep_alive(&mut self, secs: u32) {
        for listener in &self.listeners {
            if let Err(error) = set_keepalive(&listener.socket, secs) {
                log::warn!("clients at {} cannot be kept alive: {error}", listener.address);
            }
        }
        self.keepalive_secs = secs;
    }

    fn place(&mut self, (stream, peer, local): Accepted, clients_max: usize) -> Arrival {
        if self.clients >= clients_max {
            return Arrival::Surplus(stream);
        }
        self.clients += 1;
        Arrival::Client(stream, peer, local)
    }
}

impl Listener {
    fn accept(&self) -> io::Result<Accepted> {
        let (stream, peer) = self.socket.accept()?;
        if cfg!(not(target_os = "linux")) {
            stream.set_nodelay(true)?;
        }
        let local = match self.address.ip().is_unspecified() {
            true => stream.local_addr().unwrap_or(self.address),
            false => self.address,
        };
        Ok((stream, peer, local))
    }
}

/// Tells a client why it is not served, and closes the connection.
pub(super) fn turn_away(mut stream: TcpStream, words: &[u8], scratch: &mut [u8]) {
    // A new connection has room for a line; if not, nothing is lost but the explanation.
    let _ = stream.write(words);
    let _ = stream.shutdown(Shutdown::Write);
    // What it sent already is taken, so that the kernel does not answer it with a reset that overtakes the words.
    let _ = stream.read(scratch);
}

/// After `secs` of silence the kernel asks three times within as long again, as Redis does; 0: it does not. On Linux who
/// is accepted inherits it.
fn set_keepalive(listener: &TcpListener, secs: u32) -> rustix::io::Result<()> {
    const PROBES: u32 = 3;
    if secs > 0 {
        sockopt::set_tcp_keepidle(listener, Duration::from_secs(secs.into()))?;
        sockopt::set_tcp_keepintvl(listener, Duration::from_secs((secs / PROBES).max(1).into()))?;
        sockopt::set_tcp_keepcnt(listener, PROBES)?;
    }
    sockopt::set_socket_keepalive(listener, secs > 0)
}

/// A non-blocking listener. On Linux the sockets that it accepts inherit TCP_NODELAY.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// The connection had failed before it was accepted (accept(2) lists these): the next may be well. No permission (EPERM) is
/// in that list too, but where a security module says so it says it of all, again and again.
fn is_about_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
    )
}

fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

const _: () =
    assert!(limits::RESERVED_FILES > 8, "listeners, poll, waker, signals, log and the spare fit in");

#[cfg(test)]
mod tests {
    use super::*;
    use mio::Poll;

    #[test]
    fn what_cannot_be_accepted_is_tried_again_later_and_not_at_once() {
        use rustix::io::Errno;
        let poll = Poll::new().unwrap();
        for errno in [Errno::PERM, Errno::ACCESS, Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS] {
            let mut door = Door::new();
            let entrance = Entrance::default();
            door.open(([127, 0, 0, 1], 0).into(), entrance, poll.registry(), Token).unwrap();
            door.knock(0);
            let mut now = Time::ZERO + COMPLAIN_EVERY;
            let mut looks = 0;
            let end = now + Span::from_secs(1);
            // As the loop has it: whatever is due is looked at.
            while door.poll_timeout().expect("somebody waits") < end {
                now = now.max(door.poll_timeout().expect("just seen"));
                door.arrivals_by(|_| Err(errno.into()), 0, now, entrance, &mut vec![]);
                looks += 1;
                assert!(looks < 1_000, "{errno}: the loop would spin");
            }
            assert!((50..=102).contains(&looks), "{errno}: {looks} looks in a second");
        }
    }

    #[test]
    fn a_client_that_has_gone_again_keeps_nobody_from_coming_in() {
        let poll = Poll::new().unwrap();
        let mut door = Door::new();
        let address =
            door.open(([127, 0, 0, 1], 0).into(), Entrance::default(), poll.registry(), Token).unwrap();
        let _client = std::net::TcpStream::connect(address).unwrap();
        let gone = std::cell::Cell::new(3);
        let mut arrivals = vec![];
        door.knock(0);
        while arrivals.is_empty() {
            let accept = |listener: &Listener| match gone.replace(gone.get().max(1) - 1) {
                0 => listener.accept(),
                _ => Err(ErrorKind::ConnectionAborted.into()),
            };
            door.arrivals_by(accept, 0, Time::ZERO, Entrance::default(), &mut arrivals);
            door.knock(0);
        }
        assert!(matches!(arrivals[..], [Arrival::Client(..)]));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn who_comes_in_is_kept_alive_as_the_entrance_says() {
        let poll = Poll::new().unwrap();
        let mut door = Door::new();
        let address =
            door.open(([127, 0, 0, 1], 0).into(), Entrance::default(), poll.registry(), Token).unwrap();
        let mut accepted = |secs: u32| {
            door.arrivals(
                0,
                Time::ZERO,
                Entrance { keepalive_secs: secs, ..Entrance::default() },
                &mut vec![],
            );
            let client = std::net::TcpStream::connect(address).unwrap();
            let mut arrivals = vec![];
            let entrance = Entrance { keepalive_secs: secs, ..Entrance::default() };
            while arrivals.is_empty() {
                door.knock(0);
                door.arrivals(0, Time::ZERO, entrance, &mut arrivals);
            }
            let Some(Arrival::Client(stream, ..)) = arrivals.pop() else { panic!("there is room") };
            drop(client);
            (sockopt::socket_keepalive(&stream).unwrap(), sockopt::tcp_keepidle(&stream).unwrap().as_secs())
        };
        assert_eq!(accepted(300), (true, 300));
        assert_eq!(accepted(7), (true, 7));
        assert!(!accepted(0).0);
    }
}
