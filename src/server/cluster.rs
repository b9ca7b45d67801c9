//! Messages of brokers: parsed, judged by the [`Replica`](super::replica::Replica), done to the trie, answered.
//!
//! A connection says H.HELLO first; what it is told from then on is a broker's. A message that is malformed or cannot be
//! meant is answered `-ERR` and changes nothing.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::replica::{Installed, StoreVerdict, TwoValues};
use super::sessions::BrokerRole;
use super::strings::write_json;
use crate::conn::{ConnId, Net};
use crate::limits::QUEUED_BYTES_MAX;
use crate::proto::cluster::{MessageError, Reply, Request, Role, Seat, SlotSet, View, ViewId, write_relayed};
use crate::proto::text::read_document;
use crate::record::{Ballot, Kind, Slot, Version};
use crate::trie::Meta;
use log::{error, info};
use std::ops::Bound;

/// Keys that one H.KEYS answers at most, and about how many bytes.
const KEYS_MAX: usize = 65_536;
const KEYS_BYTES_MAX: usize = 1 << 20;

/// The brokers that are connected: few, in the order in which they came.
#[derive(Default, Debug)]
pub(super) struct Brokers {
    connected: Vec<(u32, ConnId)>,
    /// The cluster that the known view is of.
    cluster: Option<u64>,
}

impl Brokers {
    pub(super) fn forget(&mut self, id: ConnId) {
        self.connected.retain(|&(_, known)| known != id);
    }

    fn meet(&mut self, process: u32, id: ConnId) {
        self.forget(id);
        self.connected.push((process, id));
    }

    /// The latest connection of a broker process.
    fn find(&self, process: u32) -> Option<ConnId> {
        self.connected.iter().rev().find(|(known, _)| *known == process).map(|&(_, id)| id)
    }

    pub(super) fn len(&self) -> usize {
        self.connected.len()
    }
}

/// A record to be stored, as H.STORE says it.
struct Store<'b> {
    view: ViewId,
    ballot: Ballot,
    slot: Slot,
    version: Version,
    key: &'b [u8],
    kind: Kind,
    body: &'b [u8],
}

impl Server {
    pub(super) fn message(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        let id = call.id;
        let message = Request::parse(call.len(), |index| call.arg(index))?;
        let role = self.sessions.get(id).and_then(|session| session.broker());
        let Some(role) = role else {
            let Request::Hello { cluster, process } = message else { return Err(CommandError::NoHello) };
            return self.meet(call, BrokerRole { cluster, process }, net);
        };
        self.check_cluster(role.cluster)?;
        let reply = match message {
            Request::Get { view, slot: _, key, version_only } => {
                self.write_got(view, key, version_only, net.out(id));
                return Ok(());
            }
            Request::Store { view, ballot, slot, version, key, kind, body } => {
                self.store(Store { view, ballot, slot, version, key, kind, body })?
            }
            Request::Hello { cluster, process } => {
                return self.meet(call, BrokerRole { cluster, process }, net);
            }
            Request::Ping { view } => self.pong(view),
            Request::Prepare { view, ballot } => self.replica.prepare(view, ballot),
            Request::Sync { since, slot, bytes, after } => {
                self.write_copied(since, slot, bytes, after, net.out(id));
                return Ok(());
            }
            Request::Slots { since } => self.slots(since),
            Request::Fill { since, slot, promised, last, records } => {
                self.fill(since, slot, promised, last, &records)?
            }
            Request::View { view } => {
                self.install(role, &view)?;
                Reply::View { view: self.replica.view().clone() }
            }
            Request::ViewPrepare { base, ballot } => {
                self.install(role, &base)?;
                self.replica.vote_prepare(base.id, ballot)
            }
            Request::ViewAccept { base, ballot, incarnation, view } => {
                self.install(role, &base)?;
                check_successor(&base, &view)?;
                let accepted = self.replica.vote_accept(base.id, ballot, incarnation, &view);
                accepted.map_err(|conflict| self.conflict(conflict))?
            }
            Request::Count { view, slots } => self.count(view, &slots),
            Request::Keys { view, slots, limit, after } => {
                self.write_keys(view, &slots, limit, after, net.out(id));
                return Ok(());
            }
            Request::Relay { process, payload } => self.relay(role.process, process, payload, net),
        };
        reply.write(net.out(id));
        Ok(())
    }

    /// H.HELLO. A broker of another cluster than that of the known view gets no further.
    fn meet(&mut self, call: Call<'_>, role: BrokerRole, net: &mut Net) -> Outcome {
        self.check_cluster(role.cluster)?;
        let session = self.sessions.get_mut(call.id).expect("a request has a session");
        session.set_broker(role);
        self.brokers.meet(role.process, call.id);
        let hello = Reply::Hello {
            incarnation: self.replica.incarnation(),
            view: self.replica.view().clone(),
            promised: self.replica.promised(),
            // Not those that are only to be freed, if there are no others.
            records: if self.trie.is_empty() { 0 } else { self.trie.len() as u64 },
            unix_ms: call.now.unix_ms,
        };
        hello.write(net.out(call.id));
        Ok(())
    }

    /// Before the first view, anybody may try to found a cluster here.
    #[inline]
    fn check_cluster(&self, theirs: u64) -> Outcome {
        match self.brokers.cluster {
            Some(ours) if ours != theirs => Err(CommandError::OtherCluster { ours, theirs }),
            _ => Ok(()),
        }
    }

    /// Takes in a chosen view, and hides the records if they belong to another seat.
    fn install(&mut self, role: BrokerRole, view: &View) -> Outcome {
        check_view(view)?;
        let before = self.replica.view().id;
        match self.replica.install(view) {
            Ok(Installed::Keep) => {}
            Ok(Installed::Hide) => self.clear_records(),
            Err(conflict) => return Err(self.conflict(conflict)),
        }
        if self.replica.view().id != before {
            if before.is_blank() {
                self.brokers.cluster = Some(role.cluster);
            }
            let seat = self.replica.seat().map(|seat| seat.role);
            info!("view {} from broker {:x}: our seat is {seat:?}", view.id, role.process);
        }
        Ok(())
    }

    #[cold]
    fn conflict(&mut self, TwoValues(id): TwoValues) -> CommandError {
        self.stats.view_conflicts += 1;
        error!("view {id} came with another value than the known one: a broker breaks the rules");
        CommandError::TwoViews(id)
    }

    /// To a broker with an older view the newer one is the better answer.
    fn pong(&self, view: ViewId) -> Reply<'static> {
        if self.replica.view().id.is_newer_than(view) {
            return Reply::WrongView { view: self.replica.view().clone() };
        }
        let promised = self.replica.promised();
        let owner_here = promised != Ballot::NONE && self.brokers.find(promised.process()).is_some();
        Reply::Pong { view, incarnation: self.replica.incarnation(), promised, owner_here }
    }

    fn write_got(&mut self, view: ViewId, key: &[u8], version_only: bool, out: &mut Vec<u8>) {
        if let Err(refusal) = self.replica.admit_read(view) {
            return refusal.write(out);
        }
        let Some(record) = self.trie.get(key) else {
            return Reply::Got { view, version: Version::ZERO, kind: Kind::Tombstone, body: b"" }.write(out);
        };
        let (version, kind) = (record.version(), record.kind());
        let body = &mut self.scratch.bytes;
        body.clear();
        match kind {
            Kind::Text if !version_only => match record.text().as_slice() {
                Some(text) => return Reply::Got { view, version, kind, body: text }.write(out),
                None => record.text().write_to(body),
            },
            Kind::Document if !version_only => write_json(record, body),
            _ => {}
        }
        Reply::Got { view, version, kind, body }.write(out);
        self.scratch.give_back();
    }

    fn store(&mut self, store: Store<'_>) -> Result<Reply<'static>, CommandError> {
        if store.version == Version::ZERO {
            return Err(CommandError::Message(MessageError { argument: 4 }));
        }
        let held = self.trie.get(store.key).map_or(Version::ZERO, |record| record.version());
        match self.replica.admit_store(store.view, store.ballot, store.version, held) {
            StoreVerdict::Answer(reply) => return Ok(reply),
            StoreVerdict::Write => {}
        }
        self.write_record(store.slot, store.version, store.key, store.kind, store.body)?;
        self.replica.stored(store.ballot);
        Ok(Reply::Stored { view: store.view, version: store.version })
    }

    /// Writes one record of the cluster. After an error nothing has changed.
    pub(super) fn write_record(
        &mut self,
        slot: Slot,
        version: Version,
        key: &[u8],
        kind: Kind,
        body: &[u8],
    ) -> Outcome {
        if slot != Slot::of(key) {
            return Err(CommandError::WrongSlot);
        }
        let meta = Meta { version, slot: Some(slot), ..Meta::default() };
        match kind {
            Kind::Text => self.trie.put_text(key, meta, body)?,
            Kind::Tombstone => self.trie.put_tombstone(key, meta)?,
            Kind::Document => self.trie.put_document(key, meta, |sink| read_document(body, sink))?,
        };
        self.changed(key);
        Ok(())
    }

    fn count(&self, view: ViewId, slots: &SlotSet) -> Reply<'static> {
        if let Err(refusal) = self.replica.admit_read(view) {
            return refusal;
        }
        let count = slots.iter().map(|slot| self.trie.slot_len(slot) as u64).sum();
        Reply::Counted { view, count }
    }

    fn write_keys(
        &self,
        view: ViewId,
        slots: &SlotSet,
        limit: usize,
        after: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) {
        if let Err(refusal) = self.replica.admit_read(view) {
            return refusal.write(out);
        }
        let limit = limit.clamp(1, KEYS_MAX);
        let mut walk = self.trie.cursor(after.map_or(Bound::Unbounded, Bound::Excluded));
        let (mut bytes, mut ends, mut last) = (Vec::new(), Vec::new(), false);
        while ends.len() < limit && bytes.len() < KEYS_BYTES_MAX {
            let Some((key, record)) = walk.next(&self.trie) else {
                last = true;
                break;
            };
            if record.kind() != Kind::Tombstone && record.slot(key).is_some_and(|slot| slots.contains(slot)) {
                bytes.extend_from_slice(key);
                ends.push(bytes.len());
            }
        }
        let mut start = 0;
        let keys = ends.iter().map(|&end| &bytes[std::mem::replace(&mut start, end)..end]).collect();
        Reply::Keys { view, last, keys }.write(out);
    }

    /// Passes a payload on; one that its receiver does not read fast enough is lost, as on any network.
    fn relay(&self, from: u32, to: u32, payload: &[u8], net: &mut Net) -> Reply<'static> {
        match self.brokers.find(to) {
            Some(id) if net.queued(id) + payload.len() < QUEUED_BYTES_MAX => {
                write_relayed(net.out(id), from, payload);
                Reply::Relayed
            }
            _ => Reply::NoRoute,
        }
    }
}

/// What no cluster chooses. The blank view may stand for "none".
fn check_view(view: &View) -> Outcome {
    let is_sound = |seat: &Seat| {
        let joined = if seat.role == Role::Out { 0 } else { 1 };
        (joined..=view.id.number).contains(&seat.since)
    };
    let sound = view.id.is_blank()
        || (view.id.life != 0 && !view.seats.is_empty() && view.seats.iter().all(is_sound));
    if sound { Ok(()) } else { Err(CommandError::BadView) }
}

/// A view that may follow `base`: the next number of its life, or the first of a new one.
fn check_successor(base: &View, view: &View) -> Outcome {
    check_view(view)?;
    let next = base.id.number.checked_add(1) == Some(view.id.number);
    let same_life =
        base.id.is_blank() || (view.id.life == base.id.life && view.seats.len() == base.seats.len());
    if next && same_life { Ok(()) } else { Err(CommandError::BadView) }
}
