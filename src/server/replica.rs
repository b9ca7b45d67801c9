//! A server's part in its cluster: what it promised, what it voted, what it may serve. No records, no bytes: the
//! rules alone, so that each can be read and tried by itself.
//!
//! ```text
//!             H.VIEW, or the base of a vote, that names ...
//!            ┌──── nobody here ────┐          ┌──── this incarnation ────┐
//!            v                     │          │                          v
//!   blank ──────► no seat ─────────┴──────────┴──► learner ──promoted──► member
//!   (since 0)     NOSEAT                            since = s    ▲         │
//!                                                      ▲         └─────────┤ same since: data is kept
//!                                                      └───── out ◄────────┘
//!                                       joined again: another since, all data and promises are hidden
//! ```
//!
//! The rules' numbers are those of `docs/replication.md`.

use super::bugs::ServerBugs;
use crate::proto::cluster::{Reply, Role, Seat, View, ViewId};
use crate::record::{Ballot, Version};

/// What became of the records when a view was shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "hidden records must really go"]
pub(super) enum Installed {
    /// They stand.
    Keep,
    /// They belong to another seat: all must be dropped before the next message.
    Hide,
}

/// A view that no cluster can have chosen beside the one that is known: the same name, another value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TwoValues(pub(super) ViewId);

/// What a STORE may do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum StoreVerdict {
    /// Write the record, then say [`Replica::stored`].
    Write,
    /// Write nothing, answer this.
    Answer(Reply<'static>),
}

/// The vote on the view that follows the known one. Installing a view starts a new one (rule 1).
#[derive(Clone, Default, Debug)]
struct Vote {
    promised: Ballot,
    accepted: Option<(Ballot, View)>,
}

/// A server's part in its cluster.
#[derive(Debug)]
pub(super) struct Replica {
    /// Names this memory: drawn at every start.
    incarnation: u64,
    view: View,
    /// Our seat in `view`: the one that names our incarnation.
    seat: Option<Seat>,
    /// The join that the data belongs to; 0: none.
    since: u32,
    /// No PREPARE and no STORE below this ballot. One for all slots, for now.
    promised: Ballot,
    vote: Vote,
    bugs: ServerBugs,
    /// `seat` allows to answer GET, STORE and PREPARE of the view `view`.
    serves: bool,
}

impl Replica {
    /// A server that knows no view.
    pub(super) fn new(incarnation: u64, bugs: ServerBugs) -> Replica {
        assert!(incarnation != 0, "0 names nobody");
        let (view, vote) = (View::default(), Vote::default());
        Replica { incarnation, view, seat: None, since: 0, promised: Ballot::NONE, vote, bugs, serves: false }
    }

    /// Names this memory of the server.
    pub(super) fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// The newest view known to be chosen; blank before the first.
    pub(super) fn view(&self) -> &View {
        &self.view
    }

    /// A cluster has taken this server in, or did so once.
    pub(super) fn is_clustered(&self) -> bool {
        !self.view.is_blank()
    }

    /// What the view says of this memory; `None`: nothing.
    pub(super) fn seat(&self) -> Option<Seat> {
        self.seat
    }

    /// The highest ballot promised.
    pub(super) fn promised(&self) -> Ballot {
        self.promised
    }

    /// Number of the view whose join the data belongs to; 0: none.
    pub(super) fn since(&self) -> u32 {
        self.since
    }

    /// Takes in a chosen view if it is newer than the known one and of the same life.
    ///
    /// # Errors
    /// Where it has the known one's name and another value: somebody broke rule 1.
    pub(super) fn install(&mut self, view: &View) -> Result<Installed, TwoValues> {
        if view.id == self.view.id && *view != self.view && !view.is_blank() {
            return Err(TwoValues(view.id));
        }
        if !view.id.is_newer_than(self.view.id) {
            return Ok(Installed::Keep);
        }
        self.view.clone_from(view);
        self.vote = Vote::default();
        self.seat = view.seats.iter().copied().find(|seat| seat.incarnation == self.incarnation);
        let mut installed = Installed::Keep;
        if let Some(seat) = self.seat
            && seat.since != self.since
        {
            self.since = seat.since;
            if self.bugs != ServerBugs::LearnerKeepsOld {
                self.promised = Ballot::NONE;
                installed = Installed::Hide;
            }
        }
        self.serves = match self.seat {
            Some(seat) => seat.role != Role::Out,
            None => self.bugs == ServerBugs::AmnesiacServes,
        };
        Ok(installed)
    }

    /// Rule 3 for a GET, and for what else only reads.
    #[inline]
    pub(super) fn admit_read(&self, view: ViewId) -> Result<(), Reply<'static>> {
        self.admit(view, ServerBugs::GetAnyView)
    }

    #[inline]
    fn admit(&self, view: ViewId, forgives: ServerBugs) -> Result<(), Reply<'static>> {
        if view == self.view.id && self.serves {
            self.check_seat();
            return Ok(());
        }
        self.refuse(view, forgives)
    }

    #[cold]
    fn refuse(&self, view: ViewId, forgives: ServerBugs) -> Result<(), Reply<'static>> {
        let any_view = self.bugs == forgives;
        match () {
            () if any_view && self.since > 0 => Ok(()),
            () if view != self.view.id => Err(Reply::WrongView { view: self.view.clone() }),
            () => Err(Reply::NoSeat),
        }
    }

    /// A seat that serves is the one that the data belongs to.
    fn check_seat(&self) {
        assert!(self.seat.is_none_or(|seat| seat.since == self.since), "the data's join is the seat's");
    }

    /// Rules 3, 5: promises to take no write below the ballot. The same ballot is granted again.
    pub(super) fn prepare(&mut self, view: ViewId, ballot: Ballot) -> Reply<'static> {
        if let Err(refusal) = self.admit(view, ServerBugs::PrepareAnyView) {
            return refusal;
        }
        if ballot < self.promised {
            return Reply::Fenced { ballot, promised: self.promised };
        }
        self.raise(ballot);
        Reply::Granted { view, ballot }
    }

    /// Rules 3, 5, 10: whether this STORE may be written over the version `held`.
    #[inline]
    pub(super) fn admit_store(
        &self,
        view: ViewId,
        ballot: Ballot,
        version: Version,
        held: Version,
    ) -> StoreVerdict {
        if let Err(refusal) = self.admit(view, ServerBugs::StoreAnyView) {
            return StoreVerdict::Answer(refusal);
        }
        if ballot < self.promised && self.bugs != ServerBugs::NoFence {
            return StoreVerdict::Answer(Reply::Fenced { ballot, promised: self.promised });
        }
        if version == held {
            return StoreVerdict::Answer(Reply::Stored { view, version });
        }
        if version < held {
            return StoreVerdict::Answer(Reply::Stale { version: held });
        }
        StoreVerdict::Write
    }

    /// A STORE was written: its ballot is promised from now on.
    #[inline]
    pub(super) fn stored(&mut self, ballot: Ballot) {
        self.raise(ballot);
    }

    /// Rule 13, the source's side: a learner that joined in view `since` may be filled from here.
    pub(super) fn may_be_copied(&self, since: u32) -> bool {
        let member = self.seat.map_or(self.serves, |seat| seat.role == Role::Member);
        (self.serves && member && self.view.id.number >= since)
            || (self.bugs == ServerBugs::SyncAnyView && self.since > 0)
    }

    /// Rule 13, the learner's side: a FILL that was meant for the join `since` may be taken.
    pub(super) fn takes_fill(&self, since: u32) -> bool {
        let learner = self.seat.is_some_and(|seat| seat.role == Role::Learner && seat.since == since)
            && self.since == since;
        learner || (self.bugs == ServerBugs::SinceIgnored && self.since > 0)
    }

    /// A FILL was taken whose source had promised this.
    pub(super) fn filled(&mut self, promised: Ballot) {
        if self.bugs != ServerBugs::SyncNoPromise {
            self.raise(promised);
        }
    }

    /// Promises only rise; hiding the data is the one way back.
    #[inline]
    fn raise(&mut self, ballot: Ballot) {
        self.promised = self.promised.max(ballot);
        assert!(self.promised >= ballot, "a promise never falls");
    }

    /// Rules 1, 2, phase 1 of the view after `base`, which was shown to [`Replica::install`] before.
    pub(super) fn vote_prepare(&mut self, base: ViewId, ballot: Ballot) -> Reply<'static> {
        if let Some(refusal) = self.vote_refusal(base, ballot) {
            return refusal;
        }
        self.vote.promised = ballot;
        Reply::Promised { ballot, incarnation: self.incarnation, accepted: self.vote.accepted.clone() }
    }

    /// Rules 1, 2, phase 2: `incarnation` gave the promise, and only the same memory may keep it.
    pub(super) fn vote_accept(
        &mut self,
        base: ViewId,
        ballot: Ballot,
        incarnation: u64,
        view: &View,
    ) -> Result<Reply<'static>, TwoValues> {
        if let Some(refusal) = self.vote_refusal(base, ballot) {
            return Ok(refusal);
        }
        if incarnation != self.incarnation {
            return Ok(Reply::Refused { ballot, promised: Ballot::NONE });
        }
        if self.vote.accepted.as_ref().is_some_and(|(held, value)| *held == ballot && value != view) {
            return Err(TwoValues(view.id));
        }
        self.vote = Vote { promised: ballot, accepted: Some((ballot, view.clone())) };
        Ok(Reply::Accepted { ballot })
    }

    fn vote_refusal(&self, base: ViewId, ballot: Ballot) -> Option<Reply<'static>> {
        if base != self.view.id {
            return Some(Reply::View { view: self.view.clone() });
        }
        if !self.may_vote() {
            return Some(Reply::Refused { ballot, promised: Ballot::NONE });
        }
        (ballot < self.vote.promised).then_some(Reply::Refused { ballot, promised: self.vote.promised })
    }

    /// Rule 2: whom the view names, whatever its role. Before the first view everybody votes.
    fn may_vote(&self) -> bool {
        self.view.is_blank()
            || self.seat.is_some()
            || matches!(self.bugs, ServerBugs::AmnesiacVotes | ServerBugs::VoteUnnamed)
    }
}

#[cfg(test)]
mod tests;
