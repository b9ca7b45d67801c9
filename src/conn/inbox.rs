//! Handing bytes to a machine: what it does not take is kept, and shown again with what follows.

use super::{ConnId, Machine, Net, Next};
use crate::time::Now;

/// What became of the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// Taken, or kept until more come: read on.
    Open,
    /// The machine's budget is used up or it stalled: do not read before the next turn or its resume.
    Held,
    /// All incomplete requests together would need too much memory: refuse this client.
    OutOfMemory,
}

/// Shows `bytes`, which were just read, to the machine, behind those of the same connection that it did not take
/// before. With no bytes: shows the kept ones again (after a budget or a stall).
///
/// In the common case nothing is kept and nothing is copied: the machine reads from the driver's buffer.
pub fn deliver<M: Machine>(machine: &mut M, net: &mut Net, id: ConnId, bytes: &[u8], now: Now) -> Delivery {
    if !net.is_live(id) {
        return Delivery::Open;
    }
    let Some(mut kept) = net.lift(id) else {
        return show(machine, net, id, bytes, now);
    };
    if net.inbox_bytes() + kept.inbox.len() + kept.held + bytes.len() > net.limits().incomplete_bytes {
        net.put_back(id, kept);
        return Delivery::OutOfMemory;
    }
    if !bytes.is_empty() {
        kept.forget_taken();
        kept.inbox.extend_from_slice(bytes);
        kept.received_at = now.time;
    }
    let unread = kept.inbox.len() - kept.taken;
    if unread < kept.wanted {
        net.put_back(id, kept);
        return Delivery::Open;
    }
    let taken = machine.handle_bytes(id, &kept.inbox[kept.taken..], now, net);
    assert!(taken.consumed <= unread, "took {} of {unread} bytes", taken.consumed);
    kept.taken += taken.consumed;
    kept.wanted = wanted(taken.next, unread - taken.consumed);
    kept.held = machine.held_bytes(id);
    net.put_back(id, kept);
    settle(net, id, taken.next, unread - taken.consumed)
}

/// Tells the machine, once, that nothing more will come from `id`, and shows it the bytes that it never took. To be
/// called when [`deliver`] has answered [`Delivery::Open`] to all that was read.
pub fn deliver_eof<M: Machine>(machine: &mut M, net: &mut Net, id: ConnId, now: Now) {
    if !net.set_eof(id) {
        return;
    }
    match net.lift(id) {
        None => machine.handle_eof(id, &[], now, net),
        Some(mut kept) => {
            machine.handle_eof(id, &kept.inbox[kept.taken..], now, net);
            kept.taken = kept.inbox.len();
            net.put_back(id, kept);
        }
    }
}

fn show<M: Machine>(machine: &mut M, net: &mut Net, id: ConnId, bytes: &[u8], now: Now) -> Delivery {
    if bytes.is_empty() {
        return Delivery::Open;
    }
    let taken = machine.handle_bytes(id, bytes, now, net);
    assert!(taken.consumed <= bytes.len(), "took {} of {} bytes", taken.consumed, bytes.len());
    let rest = &bytes[taken.consumed..];
    if !rest.is_empty() {
        let held = machine.held_bytes(id);
        if net.inbox_bytes() + rest.len() + held > net.limits().incomplete_bytes {
            return Delivery::OutOfMemory;
        }
        net.keep(id, rest, wanted(taken.next, rest.len()), held, now.time);
    }
    settle(net, id, taken.next, rest.len())
}

fn wanted(next: Next, unread: usize) -> usize {
    match next {
        Next::More { at_least } => at_least.max(unread + 1),
        Next::Again | Next::Stall => 0,
    }
}

fn settle(net: &mut Net, id: ConnId, next: Next, unread: usize) -> Delivery {
    match next {
        Next::More { .. } => Delivery::Open,
        Next::Again => {
            if unread > 0 {
                net.mark_ready(id);
            }
            Delivery::Held
        }
        Next::Stall => {
            net.set_stalled(id);
            Delivery::Held
        }
    }
}
