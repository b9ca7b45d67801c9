//! A machine's hands: the table of its connections, what waits to be sent, what it asked of its driver.
//!
//! ```text
//!  entry (16 B)                       memory, only while something is pending, from a pool
//!  ┌────────────┬───────┬────────┐    ┌─────────────────────────┬──────────────────────┐
//!  │ generation │ flags │ memory ┼───►│ inbox ░░taken│██ unread │ outbox ░░sent│██ due │
//!  └────────────┴───────┴────────┘    └─────────────────────────┴──────────────────────┘
//! ```

use super::ConnId;
use crate::limits::{KEEPALIVE_SECS_DEFAULT, Limits, QUEUED_FULL_SECS_MAX};
use crate::time::Time;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;

/// What a machine asks of its driver beside sending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NetRequest {
    /// Connect to this address; the id is taken already.
    Dial(ConnId, SocketAddr),
    /// Send what is due, then close.
    Close(ConnId),
    /// Close now; what is due is dropped.
    Abort(ConnId),
}

/// What a driver did since it started; a machine shows them in its statistics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Connections taken from listeners.
    pub accepted: u64,
    /// Clients turned away.
    pub refused: u64,
    /// Dials begun.
    pub dialed: u64,
    /// Times the driver waited for events: the turns of its loop.
    pub polls: u64,
    /// Reads from connections, those that found nothing included.
    pub reads: u64,
    /// Writes to connections, those that found no room included.
    pub writes: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
}

/// Whom a driver's listeners let in, and how it is noticed that one is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entrance {
    /// Clients at once; who comes when there are so many is told so.
    pub clients_max: usize,
    /// Seconds of silence after which the kernel asks a client whether it still stands; 0: never. For those who come
    /// from then on.
    pub keepalive_secs: u32,
}

impl Default for Entrance {
    fn default() -> Entrance {
        Entrance { clients_max: usize::MAX, keepalive_secs: KEEPALIVE_SECS_DEFAULT }
    }
}

const OPEN: u8 = 1;
/// The machine said close or abort: it hears nothing more.
const CLOSING: u8 = 2;
/// The machine takes nothing until it says resume.
const STALLED: u8 = 4;
/// In the list of connections with something to send.
const DIRTY: u8 = 8;
/// In the list of connections to be looked at in the next turn.
const READY: u8 = 16;
/// The peer will send nothing more.
const EOF: u8 = 32;
/// We connected to it: it is read however much waits to be sent. If both ends of a link stopped reading because the
/// other does not, nothing would move again.
const DIALED: u8 = 64;

/// Buffers larger than this are given back to the system instead of to the pool.
const POOLED_BYTES_MAX: usize = 256 << 10;
/// Pairs of buffers kept for the next connections.
const POOLED_COUNT_MAX: usize = 512;

#[derive(Default)]
pub(super) struct Memory {
    /// Received and not yet taken: `inbox[taken..]`.
    pub(super) inbox: Vec<u8>,
    pub(super) taken: usize,
    /// The machine wants to be called again only with this many untaken bytes.
    pub(super) wanted: usize,
    /// What the machine keeps for the incomplete request beside its bytes.
    pub(super) held: usize,
    /// When the last byte of an incomplete request came.
    pub(super) received_at: Time,
    outbox: Vec<u8>,
    sent: usize,
    /// When the peer last took a byte, or when it first took none; ZERO while it reads.
    stuck_since: Time,
}

impl Memory {
    fn unread(&self) -> usize {
        self.inbox.len() - self.taken
    }

    /// What counts as incomplete.
    pub(super) fn incomplete(&self) -> usize {
        self.unread() + self.held
    }

    fn queued(&self) -> usize {
        self.outbox.len() - self.sent
    }

    /// Moves the unread bytes to the front once that moves fewer bytes than it frees.
    pub(super) fn forget_taken(&mut self) {
        if self.taken > self.inbox.len() / 2 {
            self.inbox.drain(..self.taken);
            self.taken = 0;
        }
    }
}

struct Entry {
    generation: NonZeroU32,
    flags: u8,
    memory: Option<Box<Memory>>,
}

const _: () = assert!(size_of::<Entry>() == 16, "an idle connection owns no memory but this");

impl Entry {
    fn holds(&self, id: ConnId) -> bool {
        self.flags & OPEN != 0 && self.generation == id.generation
    }

    fn is_live(&self) -> bool {
        self.flags & (OPEN | CLOSING) == OPEN
    }

    fn memory(&mut self, pool: &mut Pool) -> &mut Memory {
        self.memory.get_or_insert_with(|| pool.take())
    }

    fn release_if_idle(&mut self, pool: &mut Pool) {
        if self.memory.as_deref().is_some_and(|m| m.unread() == 0 && m.queued() == 0) {
            pool.put(self.memory.take().expect("just seen"));
        }
    }
}

/// Buffers that no connection needs now, last used first, so that they are still in the cache.
#[expect(clippy::vec_box, reason = "entries own a pointer, not a buffer: the boxes move as they are")]
#[derive(Default)]
struct Pool {
    spare: Vec<Box<Memory>>,
    /// Taken and not yet put back.
    lent: usize,
}

impl Pool {
    fn take(&mut self) -> Box<Memory> {
        self.lent += 1;
        self.spare.pop().unwrap_or_default()
    }

    fn put(&mut self, mut memory: Box<Memory>) {
        assert!(self.lent > 0, "put back more than was taken");
        self.lent -= 1;
        if self.spare.len() < POOLED_COUNT_MAX
            && memory.inbox.capacity() + memory.outbox.capacity() <= POOLED_BYTES_MAX
        {
            memory.inbox.clear();
            memory.outbox.clear();
            (memory.taken, memory.wanted, memory.held, memory.sent) = (0, 0, 0, 0);
            (memory.received_at, memory.stuck_since) = (Time::ZERO, Time::ZERO);
            self.spare.push(memory);
        }
    }
}

/// The connections of one machine: what it may do with them, and, for its driver, what it has asked for.
#[derive(Default)]
pub struct Net {
    /// Kept by the driver.
    pub counters: Counters,
    limits: Limits,
    entrance: Entrance,
    entries: Vec<Entry>,
    free: Vec<u32>,
    pool: Pool,
    dirty: Vec<ConnId>,
    ready: Vec<ConnId>,
    requests: Vec<NetRequest>,
    inbox_bytes: usize,
    nowhere: Vec<u8>,
    stop: Option<i32>,
}

/// What a machine may do.
impl Net {
    /// A machine without connections.
    pub fn new() -> Net {
        Net::default()
    }

    /// What clients may send and leave unread, from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        // Who was paused under the old ones may not be under the new, and no event would tell of it.
        let waiting = self.entries.iter().enumerate().filter(|(_, entry)| entry.memory.is_some());
        let ids: Vec<ConnId> =
            waiting.map(|(index, entry)| ConnId::new(index as u32, entry.generation)).collect();
        ids.into_iter().for_each(|id| self.mark_ready(id));
    }

    /// Whom the listeners let in, from now on.
    pub fn set_entrance(&mut self, entrance: Entrance) {
        self.entrance = entrance;
    }

    /// Whom the listeners let in.
    pub fn entrance(&self) -> Entrance {
        self.entrance
    }

    /// What clients may send and leave unread.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The bytes that wait to be sent to `id`: append to them. For a connection that is gone this is a buffer that
    /// nobody reads.
    pub fn out(&mut self, id: ConnId) -> &mut Vec<u8> {
        let Some(entry) = self.entries.get_mut(id.index()).filter(|e| e.holds(id) && e.is_live()) else {
            self.nowhere.clear();
            return &mut self.nowhere;
        };
        if entry.flags & DIRTY == 0 {
            entry.flags |= DIRTY;
            self.dirty.push(id);
        }
        &mut entry.memory(&mut self.pool).outbox
    }

    /// Bytes queued for `id` and not yet sent.
    pub fn queued(&self, id: ConnId) -> usize {
        self.peek(id).map_or(0, Memory::queued)
    }

    /// Bytes received from `id` and not yet taken.
    pub fn unread(&self, id: ConnId) -> usize {
        self.peek(id).map_or(0, Memory::unread)
    }

    /// Connects to `peer`. What is written to the id before it stands is sent once it does.
    pub fn dial(&mut self, peer: SocketAddr) -> ConnId {
        let id = self.insert();
        self.entries[id.index()].flags |= DIALED;
        self.requests.push(NetRequest::Dial(id, peer));
        id
    }

    /// Sends what is queued, then closes. The machine hears nothing more of `id`.
    pub fn close(&mut self, id: ConnId) {
        self.end(id, NetRequest::Close(id));
    }

    /// Closes at once, dropping what is queued. The machine hears nothing more of `id`.
    pub fn abort(&mut self, id: ConnId) {
        self.end(id, NetRequest::Abort(id));
    }

    /// Ends a stall: the untaken bytes are shown again in the next turn.
    pub fn resume(&mut self, id: ConnId) {
        if let Some(entry) = self.live(id)
            && entry.flags & STALLED != 0
        {
            entry.flags &= !STALLED;
            self.mark_ready(id);
        }
    }

    /// Ends the process with this exit status once everything queued is sent.
    pub fn stop(&mut self, status: i32) {
        self.stop.get_or_insert(status);
    }

    /// Connections that are open now, dialing ones included.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// No connection is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes received and not yet taken, and what machines keep for them, over all connections.
    pub fn inbox_bytes(&self) -> usize {
        self.inbox_bytes
    }

    fn end(&mut self, id: ConnId, request: NetRequest) {
        if let Some(entry) = self.live(id) {
            entry.flags |= CLOSING;
            self.requests.push(request);
            // What was not taken never will be: others may need the room before the last answers are sent.
            let entry = &mut self.entries[id.index()];
            if let Some(memory) = entry.memory.as_mut() {
                self.inbox_bytes -= memory.incomplete();
                memory.inbox = Vec::new();
                (memory.taken, memory.held) = (0, 0);
                entry.release_if_idle(&mut self.pool);
            }
        }
    }
}

/// What a driver needs.
impl Net {
    /// Takes up a connection that the driver accepted or opened by itself.
    pub fn insert(&mut self) -> ConnId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry { generation: NonZeroU32::MIN, flags: 0, memory: None });
            u32::try_from(self.entries.len() - 1).expect("fewer connections than 2^32")
        });
        let entry = &mut self.entries[index as usize];
        entry.flags = OPEN;
        ConnId::new(index, entry.generation)
    }

    /// Forgets a connection; its id is never given out again.
    pub fn remove(&mut self, id: ConnId) {
        let Some(entry) = self.entries.get_mut(id.index()).filter(|e| e.holds(id)) else { return };
        entry.flags = 0;
        entry.generation = entry.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        if let Some(memory) = entry.memory.take() {
            self.inbox_bytes -= memory.incomplete();
            self.pool.put(memory);
        }
        self.free.push(id.index);
    }

    /// The connection is open, closing ones included.
    pub fn contains(&self, id: ConnId) -> bool {
        self.entry(id).is_some()
    }

    /// All open connections, closing ones included.
    pub fn ids(&self) -> impl Iterator<Item = ConnId> {
        let open = self.entries.iter().enumerate().filter(|(_, entry)| entry.flags & OPEN != 0);
        open.map(|(index, entry)| ConnId::new(index as u32, entry.generation))
    }

    /// The machine may still hear of it: open and not closing.
    pub fn is_live(&self, id: ConnId) -> bool {
        self.entry(id).is_some_and(Entry::is_live)
    }

    /// Bytes of `id` may be read now: the machine takes them, and the peer reads what it is sent.
    pub fn wants_input(&self, id: ConnId) -> bool {
        self.entry(id).is_some_and(|entry| {
            let queued = entry.memory.as_deref().map_or(0, Memory::queued);
            let reads = queued < self.limits.pause_bytes || entry.flags & DIALED != 0;
            entry.flags & (CLOSING | STALLED | EOF) == 0 && reads
        })
    }

    /// Remembers that the peer will send nothing more. True the first time.
    pub fn set_eof(&mut self, id: ConnId) -> bool {
        self.live(id).is_some_and(|entry| {
            let first = entry.flags & EOF == 0;
            entry.flags |= EOF;
            first
        })
    }

    /// [`Net::set_eof`] was said of `id`.
    pub fn is_eof(&self, id: ConnId) -> bool {
        self.entry(id).is_some_and(|entry| entry.flags & EOF != 0)
    }

    /// The machine stalled `id` and has not resumed it.
    pub fn is_stalled(&self, id: ConnId) -> bool {
        self.entry(id).is_some_and(|entry| entry.flags & STALLED != 0)
    }

    /// Puts `id` on the list of the next turn.
    pub fn mark_ready(&mut self, id: ConnId) {
        if let Some(entry) = self.live(id)
            && entry.flags & READY == 0
        {
            entry.flags |= READY;
            self.ready.push(id);
        }
    }

    /// Some connection wants to be looked at without a new event.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Something is to be done without a new event: bytes to be shown or sent, requests of the machine.
    pub fn has_work(&self) -> bool {
        !(self.ready.is_empty() && self.dirty.is_empty() && self.requests.is_empty())
    }

    /// Some connection is not read because its peer does not read what it is sent.
    pub fn has_paused(&self) -> bool {
        let mut pending = self.entries.iter().filter(|entry| entry.is_live() && entry.flags & DIALED == 0);
        pending.any(|entry| {
            entry.memory.as_deref().is_some_and(|memory| memory.queued() >= self.limits.pause_bytes)
        })
    }

    /// Connections that own memory: those with bytes that were not taken or not sent.
    pub fn pending(&self) -> usize {
        self.pool.lent
    }

    /// Moves the connections that want to be looked at without a new event to `into`, oldest first.
    pub fn take_ready(&mut self, into: &mut Vec<ConnId>) {
        let entries = &mut self.entries;
        into.extend(self.ready.drain(..).filter(|&id| unflag(entries, id, READY)));
    }

    /// Moves the connections that got something to send since the last call to `into`.
    pub fn take_dirty(&mut self, into: &mut Vec<ConnId>) {
        let entries = &mut self.entries;
        into.extend(self.dirty.drain(..).filter(|&id| unflag(entries, id, DIRTY)));
    }

    /// Moves what the machine asked for to `into`, in its order.
    pub fn take_requests(&mut self, into: &mut Vec<NetRequest>) {
        into.append(&mut self.requests);
    }

    /// The machine wants the process to end with this status.
    pub fn stopping(&self) -> Option<i32> {
        self.stop
    }

    /// What is to be sent to `id` now.
    pub fn unsent(&self, id: ConnId) -> &[u8] {
        self.peek(id).map_or(&[], |memory| &memory.outbox[memory.sent..])
    }

    /// `count` more bytes were sent. Memory goes back to the pool once nothing is pending, and a connection that was
    /// paused because its peer did not read is looked at again.
    pub fn sent(&mut self, id: ConnId, count: usize, now: Time) {
        let Some(entry) = self.entries.get_mut(id.index()).filter(|e| e.holds(id)) else { return };
        let Some(memory) = entry.memory.as_mut() else { return };
        let before = memory.queued();
        assert!(count <= before, "sent {count} of {before} bytes");
        let after = before - count;
        memory.sent += count;
        if after == 0 {
            memory.outbox.clear();
            memory.sent = 0;
            memory.stuck_since = Time::ZERO;
            entry.release_if_idle(&mut self.pool);
        } else {
            if count > 0 || memory.stuck_since == Time::ZERO {
                memory.stuck_since = now;
            }
            if memory.sent > memory.outbox.len() / 2 {
                memory.outbox.drain(..memory.sent);
                memory.sent = 0;
            }
        }
        if before >= self.limits.pause_bytes && after < self.limits.pause_bytes {
            self.mark_ready(id);
        }
    }

    /// How many more bytes of `id` the machine waits for; zero when any number will do.
    pub fn missing(&self, id: ConnId) -> usize {
        self.peek(id).map_or(0, |memory| memory.wanted.saturating_sub(memory.unread()))
    }

    /// Lets `read` append to the untaken bytes of `id`, behind which there is room for `room` bytes: saves the copy
    /// through the driver's buffer while a large request comes in. `None` if nothing is kept for `id`.
    /// Then [`deliver`](super::deliver) is due, with no bytes.
    pub fn fill<R>(
        &mut self,
        id: ConnId,
        room: usize,
        now: Time,
        read: impl FnOnce(&mut Vec<u8>) -> io::Result<R>,
    ) -> Option<io::Result<R>> {
        let memory = self.live(id)?.memory.as_mut()?;
        memory.forget_taken();
        memory.inbox.reserve(room);
        let before = memory.inbox.len();
        let result = read(&mut memory.inbox);
        assert!(memory.inbox.len() >= before, "filling only appends");
        let grown = memory.inbox.len() - before;
        if grown > 0 {
            memory.received_at = now;
            self.inbox_bytes += grown;
        }
        Some(result)
    }

    /// The connections that broke a limit of time or size at `now`: an incomplete request without a byte for too
    /// long, or a peer that does not read. Walks all entries: meant for about once a second.
    pub fn overdue(&self, now: Time, into: &mut Vec<ConnId>) {
        for (index, entry) in self.entries.iter().enumerate() {
            let Some(memory) = entry.memory.as_deref().filter(|_| entry.flags & OPEN != 0) else { continue };
            let waits_for_peer =
                memory.unread() > 0 && memory.queued() == 0 && entry.flags & (STALLED | READY) == 0;
            let incomplete =
                waits_for_peer && now.since(memory.received_at).as_secs() >= self.limits.incomplete_secs;
            // A reply larger than the limit is no fault of a peer that reads it: only one that stands still is.
            let patience = match memory.queued() > self.limits.queued_bytes {
                true => QUEUED_FULL_SECS_MAX.min(self.limits.queued_secs),
                false => self.limits.queued_secs,
            };
            let stuck =
                memory.stuck_since != Time::ZERO && now.since(memory.stuck_since).as_secs() >= patience;
            if incomplete || stuck {
                into.push(ConnId::new(index as u32, entry.generation));
            }
        }
    }

    fn entry(&self, id: ConnId) -> Option<&Entry> {
        self.entries.get(id.index()).filter(|entry| entry.holds(id))
    }

    fn live(&mut self, id: ConnId) -> Option<&mut Entry> {
        self.entries.get_mut(id.index()).filter(|entry| entry.holds(id) && entry.is_live())
    }

    pub(super) fn peek(&self, id: ConnId) -> Option<&Memory> {
        self.entry(id)?.memory.as_deref()
    }
}

/// What `deliver` needs.
impl Net {
    /// Takes the untaken bytes out, so that a machine can read them while it has the table; see [`Net::put_back`].
    pub(super) fn lift(&mut self, id: ConnId) -> Option<Box<Memory>> {
        self.peek(id).filter(|memory| memory.unread() > 0)?;
        let mut lifted = self.pool.take();
        let memory = self.live(id)?.memory.as_mut().expect("just seen");
        std::mem::swap(&mut lifted.inbox, &mut memory.inbox);
        lifted.taken = std::mem::take(&mut memory.taken);
        lifted.wanted = std::mem::take(&mut memory.wanted);
        lifted.held = std::mem::take(&mut memory.held);
        lifted.received_at = memory.received_at;
        self.inbox_bytes -= lifted.incomplete();
        Some(lifted)
    }

    /// The untaken bytes of a lifted memory go back, or, if there are none, its buffer goes to the pool.
    pub(super) fn put_back(&mut self, id: ConnId, mut lifted: Box<Memory>) {
        let unread = lifted.unread();
        if let Some(entry) = self.entries.get_mut(id.index()).filter(|e| e.holds(id) && e.is_live()) {
            if unread > 0 {
                let memory = entry.memory(&mut self.pool);
                std::mem::swap(&mut lifted.inbox, &mut memory.inbox);
                (memory.taken, memory.wanted, memory.held) = (lifted.taken, lifted.wanted, lifted.held);
                memory.received_at = lifted.received_at;
                self.inbox_bytes += memory.incomplete();
            }
            entry.release_if_idle(&mut self.pool);
        }
        self.pool.put(lifted);
    }

    /// Keeps bytes that were not taken, for whose request the machine keeps `held` bytes more.
    pub(super) fn keep(&mut self, id: ConnId, bytes: &[u8], wanted: usize, held: usize, now: Time) {
        let Some(entry) = self.entries.get_mut(id.index()).filter(|e| e.holds(id) && e.is_live()) else {
            return;
        };
        let memory = entry.memory(&mut self.pool);
        memory.inbox.extend_from_slice(bytes);
        (memory.wanted, memory.held) = (wanted, held);
        memory.received_at = now;
        self.inbox_bytes += bytes.len() + held;
    }

    pub(super) fn set_stalled(&mut self, id: ConnId) {
        if let Some(entry) = self.live(id) {
            entry.flags |= STALLED;
        }
    }
}

fn unflag(entries: &mut [Entry], id: ConnId, flag: u8) -> bool {
    entries.get_mut(id.index()).filter(|entry| entry.holds(id)).map(|entry| entry.flags &= !flag).is_some()
}
