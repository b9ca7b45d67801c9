//! The messages, both ways, as values: one enum for what a broker says, one for what a server answers.

#![expect(missing_docs, reason = "the fields are those of the line above each message")]

use super::wire::{array, bulk, kind_letter, number, parse_kind, parse_number, parse_version, version};
use super::{SlotSet, View, ViewId};
use crate::record::{Ballot, Kind, SLOT_COUNT, Slot, Version};
use std::fmt;

/// A record on its way from a member to a learner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copied<'b> {
    /// Its key.
    pub key: &'b [u8],
    /// Its version, kept by the copy.
    pub version: Version,
    /// What it holds.
    pub kind: Kind,
    /// The string, or the document's JSON; empty for a tombstone.
    pub body: &'b [u8],
}

/// What a broker says to a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request<'b> {
    /// `H.HELLO cluster process`: who speaks, and for which cluster (a hash of its servers' addresses and k).
    Hello { cluster: u64, process: u32 },
    /// `H.PING view`
    Ping { view: ViewId },
    /// `H.PREPARE view ballot`: promise to take no write below the ballot. All slots at once, for now.
    Prepare { view: ViewId, ballot: Ballot },
    /// `H.GET view slot key [V]`: the record, or with `V` its version and kind alone.
    Get { view: ViewId, slot: Slot, key: &'b [u8], version_only: bool },
    /// `H.STORE view ballot slot version key kind body`
    Store {
        view: ViewId,
        ballot: Ballot,
        slot: Slot,
        version: Version,
        key: &'b [u8],
        kind: Kind,
        body: &'b [u8],
    },
    /// `H.SYNC since slot bytes [after]`: the slot's records behind the key `after`, about `bytes` of them.
    Sync { since: u32, slot: Slot, bytes: usize, after: Option<&'b [u8]> },
    /// `H.SLOTS since`: which slots hold anything at all, so that empty ones need no copy each.
    Slots { since: u32 },
    /// `H.FILL since slot promised last (key version kind body)*`; `last` = 1: the slot is complete with this.
    Fill { since: u32, slot: Slot, promised: Ballot, last: bool, records: Vec<Copied<'b>> },
    /// `H.VIEW view`: a chosen view.
    View { view: View },
    /// `H.VPREPARE base ballot`: phase 1 of choosing the view that follows `base`.
    ViewPrepare { base: View, ballot: Ballot },
    /// `H.VACCEPT base ballot incarnation view`: phase 2; `incarnation` is the one that promised, so that a server
    /// that forgot its promise accepts nothing.
    ViewAccept { base: View, ballot: Ballot, incarnation: u64, view: View },
    /// `H.COUNT view slots`: how many live records these slots hold.
    Count { view: ViewId, slots: SlotSet },
    /// `H.KEYS view slots limit [after]`: live keys of these slots in order, behind `after`.
    Keys { view: ViewId, slots: SlotSet, limit: usize, after: Option<&'b [u8]> },
    /// `H.RELAY process payload`: pass this on to the broker process, if it is connected.
    Relay { process: u32, payload: &'b [u8] },
}

/// What a server answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply<'b> {
    /// To HELLO: its incarnation, its view, the highest ballot it promised, live records, its clock.
    Hello { incarnation: u64, view: View, promised: Ballot, records: u64, unix_ms: u64 },
    /// To PING: the number asked with, the incarnation, the highest ballot promised, and whether that ballot's
    /// broker process is connected to this server.
    Pong { view: ViewId, incarnation: u64, promised: Ballot, owner_here: bool },
    /// The message was of another view: this is the server's.
    WrongView { view: View },
    /// The server has no seat in its view: it must join first.
    NoSeat,
    /// PREPARE is granted.
    Granted { view: ViewId, ballot: Ballot },
    /// PREPARE or STORE came below the promised ballot.
    Fenced { ballot: Ballot, promised: Ballot },
    /// To GET; `Kind::Tombstone` with version 0: never heard of.
    Got { view: ViewId, version: Version, kind: Kind, body: &'b [u8] },
    /// The version is stored.
    Stored { view: ViewId, version: Version },
    /// A higher version was there.
    Stale { version: Version },
    /// To SYNC; also says whether the slot ends here.
    Copied { since: u32, slot: Slot, promised: Ballot, last: bool, records: Vec<Copied<'b>> },
    /// To SLOTS: the slots that hold records or tombstones, and the promise that goes with them all.
    Slots { since: u32, promised: Ballot, slots: SlotSet },
    /// SYNC asked of a server that cannot be copied from, or FILL of one that is no such learner.
    NotNow,
    /// FILL is done.
    Filled { since: u32, slot: Slot, last: bool },
    /// To VIEW, and to a vote on an old base: the server's view.
    View { view: View },
    /// To VPREPARE.
    Promised { ballot: Ballot, incarnation: u64, accepted: Option<(Ballot, View)> },
    /// To VACCEPT.
    Accepted { ballot: Ballot },
    /// A vote refused: a higher ballot was promised, or (`promised` = NONE) the server has no vote.
    Refused { ballot: Ballot, promised: Ballot },
    /// To COUNT.
    Counted { view: ViewId, count: u64 },
    /// To KEYS; `last`: no more follow.
    Keys { view: ViewId, last: bool, keys: Vec<&'b [u8]> },
    /// RELAY is passed on.
    Relayed,
    /// RELAY found no such broker process.
    NoRoute,
}

/// A message that makes no sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageError {
    /// Which argument, the message's name being 0; or the count of arguments where that was wrong.
    pub argument: usize,
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed cluster message at argument {}", self.argument)
    }
}

impl std::error::Error for MessageError {}

impl<'b> Request<'b> {
    /// Appends the message in RESP.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Request::Hello { cluster, process } => {
                start(out, 3, b"H.HELLO");
                number(out, *cluster);
                number(out, (*process).into());
            }
            Request::Ping { view } => {
                start(out, 2, b"H.PING");
                number(out, view.to_u64());
            }
            Request::Prepare { view, ballot } => {
                start(out, 3, b"H.PREPARE");
                number(out, view.to_u64());
                number(out, ballot.0);
            }
            Request::Get { view, slot, key, version_only } => {
                start(out, 4 + usize::from(*version_only), b"H.GET");
                number(out, view.to_u64());
                number(out, slot.index() as u64);
                bulk(out, key);
                if *version_only {
                    bulk(out, b"V");
                }
            }
            Request::Store { view, ballot, slot, version: stored, key, kind, body } => {
                start(out, 8, b"H.STORE");
                number(out, view.to_u64());
                number(out, ballot.0);
                number(out, slot.index() as u64);
                version(out, *stored);
                bulk(out, key);
                bulk(out, &[kind_letter(*kind)]);
                bulk(out, body);
            }
            Request::Sync { since, slot, bytes, after } => {
                start(out, 4 + usize::from(after.is_some()), b"H.SYNC");
                number(out, (*since).into());
                number(out, slot.index() as u64);
                number(out, *bytes as u64);
                after.iter().for_each(|key| bulk(out, key));
            }
            Request::Fill { since, slot, promised, last, records } => {
                start(out, 5 + 4 * records.len(), b"H.FILL");
                write_copy(out, *since, *slot, *promised, *last, records);
            }
            _ => self.write_rare(out),
        }
    }

    fn write_rare(&self, out: &mut Vec<u8>) {
        match self {
            Request::Slots { since } => {
                start(out, 2, b"H.SLOTS");
                number(out, (*since).into());
            }
            Request::View { view } => {
                start(out, 2, b"H.VIEW");
                bulk(out, view.to_text().as_bytes());
            }
            Request::ViewPrepare { base, ballot } => {
                start(out, 3, b"H.VPREPARE");
                bulk(out, base.to_text().as_bytes());
                number(out, ballot.0);
            }
            Request::ViewAccept { base, ballot, incarnation, view } => {
                start(out, 5, b"H.VACCEPT");
                bulk(out, base.to_text().as_bytes());
                number(out, ballot.0);
                number(out, *incarnation);
                bulk(out, view.to_text().as_bytes());
            }
            Request::Count { view, slots } => {
                start(out, 3, b"H.COUNT");
                number(out, view.to_u64());
                bulk(out, slots.as_bytes());
            }
            Request::Keys { view, slots, limit, after } => {
                start(out, 4 + usize::from(after.is_some()), b"H.KEYS");
                number(out, view.to_u64());
                bulk(out, slots.as_bytes());
                number(out, *limit as u64);
                after.iter().for_each(|key| bulk(out, key));
            }
            Request::Relay { process, payload } => {
                start(out, 3, b"H.RELAY");
                number(out, (*process).into());
                bulk(out, payload);
            }
            _ => unreachable!("written by its caller"),
        }
    }

    /// Reads a message of `count` arguments, argument 0 being its name in any case.
    pub fn parse(count: usize, argument: impl Fn(usize) -> &'b [u8]) -> Result<Request<'b>, MessageError> {
        let args = Items { count, item: argument };
        let name = args.item(0)?;
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        if is("H.GET") {
            let version_only = args.count == 5;
            return Ok(Request::Get {
                view: args.view_id(1)?,
                slot: args.slot(2)?,
                key: args.item(3)?,
                version_only,
            });
        }
        if is("H.STORE") {
            return Ok(Request::Store {
                view: args.view_id(1)?,
                ballot: args.ballot(2)?,
                slot: args.slot(3)?,
                version: args.version(4)?,
                key: args.item(5)?,
                kind: args.kind(6)?,
                body: args.item(7)?,
            });
        }
        if is("H.FILL") {
            let (since, slot, promised, last, records) = args.copy()?;
            return Ok(Request::Fill { since, slot, promised, last, records });
        }
        Request::parse_rare(&args, is)
    }

    fn parse_rare<F: Fn(usize) -> &'b [u8]>(
        args: &Items<F>,
        is: impl Fn(&str) -> bool,
    ) -> Result<Request<'b>, MessageError> {
        let optional = |index: usize| (args.count > index).then(|| (args.item)(index));
        Ok(match () {
            () if is("H.HELLO") => Request::Hello { cluster: args.number(1)?, process: args.small(2)? },
            () if is("H.PING") => Request::Ping { view: args.view_id(1)? },
            () if is("H.PREPARE") => Request::Prepare { view: args.view_id(1)?, ballot: args.ballot(2)? },
            () if is("H.SYNC") => Request::Sync {
                since: args.small(1)?,
                slot: args.slot(2)?,
                bytes: args.number(3)? as usize,
                after: optional(4),
            },
            () if is("H.SLOTS") => Request::Slots { since: args.small(1)? },
            () if is("H.VIEW") => Request::View { view: args.view(1)? },
            () if is("H.VPREPARE") => Request::ViewPrepare { base: args.view(1)?, ballot: args.ballot(2)? },
            () if is("H.VACCEPT") => Request::ViewAccept {
                base: args.view(1)?,
                ballot: args.ballot(2)?,
                incarnation: args.number(3)?,
                view: args.view(4)?,
            },
            () if is("H.COUNT") => Request::Count { view: args.view_id(1)?, slots: args.slots(2)? },
            () if is("H.KEYS") => Request::Keys {
                view: args.view_id(1)?,
                slots: args.slots(2)?,
                limit: args.number(3)? as usize,
                after: optional(4),
            },
            () if is("H.RELAY") => Request::Relay { process: args.small(1)?, payload: args.item(2)? },
            () => return Err(MessageError { argument: 0 }),
        })
    }
}

impl<'b> Reply<'b> {
    /// Appends the reply in RESP.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Reply::Got { view, version: held, kind, body } => {
                start(out, 5, b"GOT");
                number(out, view.to_u64());
                version(out, *held);
                bulk(out, &[kind_letter(*kind)]);
                bulk(out, body);
            }
            Reply::Stored { view, version: stored } => {
                start(out, 3, b"STORED");
                number(out, view.to_u64());
                version(out, *stored);
            }
            Reply::Copied { since, slot, promised, last, records } => {
                start(out, 5 + 4 * records.len(), b"COPIED");
                write_copy(out, *since, *slot, *promised, *last, records);
            }
            Reply::Filled { since, slot, last } => {
                start(out, 4, b"FILLED");
                number(out, (*since).into());
                number(out, slot.index() as u64);
                number(out, (*last).into());
            }
            Reply::Pong { view, incarnation, promised, owner_here } => {
                start(out, 5, b"PONG");
                number(out, view.to_u64());
                number(out, *incarnation);
                number(out, promised.0);
                number(out, (*owner_here).into());
            }
            _ => self.write_rare(out),
        }
    }

    fn write_rare(&self, out: &mut Vec<u8>) {
        match self {
            Reply::Hello { incarnation, view, promised, records, unix_ms } => {
                start(out, 6, b"HELLO");
                number(out, *incarnation);
                bulk(out, view.to_text().as_bytes());
                number(out, promised.0);
                number(out, *records);
                number(out, *unix_ms);
            }
            Reply::Slots { since, promised, slots } => {
                start(out, 4, b"SLOTS");
                number(out, (*since).into());
                number(out, promised.0);
                bulk(out, slots.as_bytes());
            }
            Reply::WrongView { view } => word_and_view(out, b"WRONGVIEW", view),
            Reply::View { view } => word_and_view(out, b"VIEW", view),
            Reply::NoSeat => start(out, 1, b"NOSEAT"),
            Reply::NotNow => start(out, 1, b"NOTNOW"),
            Reply::Relayed => start(out, 1, b"RELAYED"),
            Reply::NoRoute => start(out, 1, b"NOROUTE"),
            Reply::Granted { view, ballot } => {
                start(out, 3, b"GRANTED");
                number(out, view.to_u64());
                number(out, ballot.0);
            }
            Reply::Fenced { ballot, promised } => word_and_ballots(out, b"FENCED", *ballot, *promised),
            Reply::Refused { ballot, promised } => word_and_ballots(out, b"REFUSED", *ballot, *promised),
            Reply::Stale { version: held } => {
                start(out, 2, b"STALE");
                version(out, *held);
            }
            Reply::Promised { ballot, incarnation, accepted } => {
                start(out, if accepted.is_some() { 5 } else { 3 }, b"PROMISED");
                number(out, ballot.0);
                number(out, *incarnation);
                if let Some((ballot, view)) = accepted {
                    number(out, ballot.0);
                    bulk(out, view.to_text().as_bytes());
                }
            }
            Reply::Accepted { ballot } => {
                start(out, 2, b"ACCEPTED");
                number(out, ballot.0);
            }
            Reply::Counted { view, count } => {
                start(out, 3, b"COUNTED");
                number(out, view.to_u64());
                number(out, *count);
            }
            Reply::Keys { view, last, keys } => {
                start(out, 3 + keys.len(), b"KEYS");
                number(out, view.to_u64());
                number(out, (*last).into());
                keys.iter().for_each(|key| bulk(out, key));
            }
            _ => unreachable!("written by its caller"),
        }
    }

    /// Reads a reply of `count` items.
    pub fn parse(count: usize, item: impl Fn(usize) -> &'b [u8]) -> Result<Reply<'b>, MessageError> {
        let items = Items { count, item };
        Ok(match items.item(0)? {
            b"GOT" => Reply::Got {
                view: items.view_id(1)?,
                version: items.version(2)?,
                kind: items.kind(3)?,
                body: items.item(4)?,
            },
            b"STORED" => Reply::Stored { view: items.view_id(1)?, version: items.version(2)? },
            b"PONG" => Reply::Pong {
                view: items.view_id(1)?,
                incarnation: items.number(2)?,
                promised: items.ballot(3)?,
                owner_here: items.flag(4)?,
            },
            b"COPIED" => {
                let (since, slot, promised, last, records) = items.copy()?;
                Reply::Copied { since, slot, promised, last, records }
            }
            b"FILLED" => Reply::Filled { since: items.small(1)?, slot: items.slot(2)?, last: items.flag(3)? },
            b"HELLO" => Reply::Hello {
                incarnation: items.number(1)?,
                view: items.view(2)?,
                promised: items.ballot(3)?,
                records: items.number(4)?,
                unix_ms: items.number(5)?,
            },
            b"SLOTS" => {
                Reply::Slots { since: items.small(1)?, promised: items.ballot(2)?, slots: items.slots(3)? }
            }
            b"WRONGVIEW" => Reply::WrongView { view: items.view(1)? },
            b"VIEW" => Reply::View { view: items.view(1)? },
            b"NOSEAT" => Reply::NoSeat,
            b"NOTNOW" => Reply::NotNow,
            b"RELAYED" => Reply::Relayed,
            b"NOROUTE" => Reply::NoRoute,
            b"GRANTED" => Reply::Granted { view: items.view_id(1)?, ballot: items.ballot(2)? },
            b"FENCED" => Reply::Fenced { ballot: items.ballot(1)?, promised: items.ballot(2)? },
            b"REFUSED" => Reply::Refused { ballot: items.ballot(1)?, promised: items.ballot(2)? },
            b"STALE" => Reply::Stale { version: items.version(1)? },
            b"PROMISED" => Reply::Promised {
                ballot: items.ballot(1)?,
                incarnation: items.number(2)?,
                accepted: match items.count {
                    3 => None,
                    _ => Some((items.ballot(3)?, items.view(4)?)),
                },
            },
            b"ACCEPTED" => Reply::Accepted { ballot: items.ballot(1)? },
            b"COUNTED" => Reply::Counted { view: items.view_id(1)?, count: items.number(2)? },
            b"KEYS" => Reply::Keys {
                view: items.view_id(1)?,
                last: items.flag(2)?,
                keys: (3..items.count).map(|index| (items.item)(index)).collect(),
            },
            _ => return Err(MessageError { argument: 0 }),
        })
    }
}

fn start(out: &mut Vec<u8>, len: usize, word: &[u8]) {
    array(out, len);
    bulk(out, word);
}

fn word_and_view(out: &mut Vec<u8>, word: &[u8], view: &View) {
    start(out, 2, word);
    bulk(out, view.to_text().as_bytes());
}

fn word_and_ballots(out: &mut Vec<u8>, word: &[u8], ballot: Ballot, promised: Ballot) {
    start(out, 3, word);
    number(out, ballot.0);
    number(out, promised.0);
}

fn write_copy(
    out: &mut Vec<u8>,
    since: u32,
    slot: Slot,
    promised: Ballot,
    last: bool,
    records: &[Copied<'_>],
) {
    number(out, since.into());
    number(out, slot.index() as u64);
    number(out, promised.0);
    number(out, last.into());
    for record in records {
        bulk(out, record.key);
        version(out, record.version);
        bulk(out, &[kind_letter(record.kind)]);
        bulk(out, record.body);
    }
}

/// A message's items with their types.
struct Items<F> {
    count: usize,
    item: F,
}

impl<'b, F: Fn(usize) -> &'b [u8]> Items<F> {
    fn item(&self, index: usize) -> Result<&'b [u8], MessageError> {
        if index < self.count { Ok((self.item)(index)) } else { Err(MessageError { argument: self.count }) }
    }

    fn read<T>(&self, index: usize, parse: impl Fn(&'b [u8]) -> Option<T>) -> Result<T, MessageError> {
        parse(self.item(index)?).ok_or(MessageError { argument: index })
    }

    fn number(&self, index: usize) -> Result<u64, MessageError> {
        self.read(index, parse_number)
    }

    fn small(&self, index: usize) -> Result<u32, MessageError> {
        self.read(index, |text| u32::try_from(parse_number(text)?).ok())
    }

    fn flag(&self, index: usize) -> Result<bool, MessageError> {
        self.read(index, |text| match text {
            b"0" => Some(false),
            b"1" => Some(true),
            _ => None,
        })
    }

    fn slot(&self, index: usize) -> Result<Slot, MessageError> {
        self.read(index, |text| {
            let slot = u16::try_from(parse_number(text)?).ok()?;
            (usize::from(slot) < SLOT_COUNT).then(|| Slot::new(slot))
        })
    }

    fn ballot(&self, index: usize) -> Result<Ballot, MessageError> {
        self.number(index).map(Ballot)
    }

    fn version(&self, index: usize) -> Result<Version, MessageError> {
        self.read(index, parse_version)
    }

    fn kind(&self, index: usize) -> Result<Kind, MessageError> {
        self.read(index, parse_kind)
    }

    fn view_id(&self, index: usize) -> Result<ViewId, MessageError> {
        self.number(index).map(ViewId::from_u64)
    }

    fn view(&self, index: usize) -> Result<View, MessageError> {
        self.read(index, View::parse)
    }

    fn slots(&self, index: usize) -> Result<SlotSet, MessageError> {
        self.read(index, SlotSet::from_bytes)
    }

    #[allow(clippy::type_complexity)]
    fn copy(&self) -> Result<(u32, Slot, Ballot, bool, Vec<Copied<'b>>), MessageError> {
        let records = (5..self.count)
            .step_by(4)
            .map(|index| {
                Ok(Copied {
                    key: self.item(index)?,
                    version: self.version(index + 1)?,
                    kind: self.kind(index + 2)?,
                    body: self.item(index + 3)?,
                })
            })
            .collect::<Result<Vec<_>, MessageError>>()?;
        Ok((self.small(1)?, self.slot(2)?, self.ballot(3)?, self.flag(4)?, records))
    }
}

#[cfg(test)]
mod tests;
