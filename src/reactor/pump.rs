//! Moving bytes: from one connection to the machine, and from its queue to the connection.

use super::socket::{Link, Socket};
use crate::conn::{ConnId, Delivery, Machine, Net, deliver, deliver_eof};
use crate::limits;
use crate::time::Now;
use std::io::{self, ErrorKind};

/// Bytes read at once straight behind a large incomplete request.
const FILL_BYTES: usize = 256 << 10;

/// How a connection stands after a pump.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pumped {
    /// It lives, or its machine has ended it.
    Fine,
    /// It failed.
    Lost(ErrorKind),
    /// Its bytes find no memory.
    OutOfMemory,
}

/// What a read brought.
enum Received {
    /// This many bytes lie in the loop's buffer.
    Buffered(usize),
    /// This many were put behind those that the machine did not take before.
    Kept(usize),
    /// Nothing for now: an event will tell of more.
    Nothing,
    /// Nothing any more.
    End,
}

/// Shows the machine what `id` has for it: first what was kept, then what can be read, as much as is fair in one turn.
/// Whatever stops it (a budget, a stall, a peer that does not read) puts the connection back on the list of ready ones
/// when it ends: no event would.
pub(super) fn pump<M: Machine>(
    socket: &mut Socket,
    machine: &mut M,
    net: &mut Net,
    id: ConnId,
    buffer: &mut [u8],
    now: Now,
) -> Pumped {
    if socket.failed && (!net.wants_input(id) || matches!(socket.link, Link::Local(_))) {
        return Pumped::Lost(socket.failure());
    }
    if net.unread(id) > 0 && net.wants_input(id) {
        match deliver(machine, net, id, &[], now) {
            Delivery::Open => {}
            Delivery::Held => return held(socket, net, id),
            Delivery::OutOfMemory => return Pumped::OutOfMemory,
        }
    }
    let mut budget = limits::READ_BYTES;
    while net.wants_input(id) && (socket.readable || socket.eof) {
        if socket.eof {
            deliver_eof(machine, net, id, now);
            break;
        }
        if budget == 0 {
            net.mark_ready(id);
            break;
        }
        let delivery = match receive(socket, net, id, buffer, now) {
            Ok(Received::Buffered(count)) => {
                budget = budget.saturating_sub(count);
                deliver(machine, net, id, &buffer[..count], now)
            }
            Ok(Received::Kept(count)) => {
                budget = budget.saturating_sub(count);
                deliver(machine, net, id, &[], now)
            }
            Ok(Received::Nothing) => break,
            Ok(Received::End) => continue,
            Err(error) => return Pumped::Lost(error.kind()),
        };
        match delivery {
            Delivery::Open => {}
            Delivery::Held => return held(socket, net, id),
            Delivery::OutOfMemory => return Pumped::OutOfMemory,
        }
    }
    Pumped::Fine
}

/// The machine takes nothing more in this turn. What the kernel still has needs another turn too, except after a
/// stall: its end brings the connection back.
fn held(socket: &Socket, net: &mut Net, id: ConnId) -> Pumped {
    if socket.readable && !net.is_stalled(id) {
        net.mark_ready(id);
    }
    Pumped::Fine
}

/// Reads once.
fn receive(
    socket: &mut Socket,
    net: &mut Net,
    id: ConnId,
    buffer: &mut [u8],
    now: Now,
) -> io::Result<Received> {
    net.counters.reads += 1;
    let mut room = buffer.len();
    let mut in_place = false;
    let read = if net.missing(id) > room {
        in_place = true;
        let want = net.missing(id).min(FILL_BYTES);
        net.fill(id, want, now.time, |inbox| {
            room = inbox.capacity() - inbox.len();
            socket.link.read_onto(inbox)
        })
        .expect("bytes are kept for whom bytes are missing")
    } else {
        socket.link.read(buffer)
    };
    let count = match read {
        Ok(count) => count,
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            socket.readable = false;
            return Ok(Received::Nothing);
        }
        Err(error) => return Err(error),
    };
    if count == 0 {
        (socket.eof, socket.readable) = (true, false);
        return Ok(Received::End);
    }
    // A short read has drained the socket, and what comes later brings an event; only of an end that is queued behind
    // these bytes the kernel has told already.
    if socket.link.is_drained(count, room) && !socket.finished {
        socket.readable = false;
    }
    net.counters.bytes_in += count as u64;
    Ok(if in_place { Received::Kept(count) } else { Received::Buffered(count) })
}

/// What a flush has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flushed {
    /// Nothing.
    All,
    /// Bytes for which the connection has no room now.
    Some,
}

/// Writes what is queued for `id`, in one write.
pub(super) fn flush(socket: &mut Socket, net: &mut Net, id: ConnId, now: Now) -> io::Result<Flushed> {
    let unsent = net.unsent(id);
    let due = unsent.len();
    if due == 0 {
        return Ok(Flushed::All);
    }
    if socket.blocked {
        return Ok(Flushed::Some);
    }
    let written = match socket.link.write(unsent) {
        Ok(count) => count,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => return Err(error),
    };
    net.counters.writes += 1;
    net.counters.bytes_out += written as u64;
    net.sent(id, written, now.time);
    Ok(if written == due { Flushed::All } else { Flushed::Some })
}
