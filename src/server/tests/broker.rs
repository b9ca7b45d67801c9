//! A broker, as a server hears it.

use super::Harness;
use crate::conn::ConnId;
use crate::proto::cluster::{Reply, Request, Role, Seat, View, ViewId};
use crate::proto::resp::{Progress, ReplyParser, Token, Tokens};
use crate::record::{Ballot, Kind, Slot, Version};
use crate::server::ServerBugs;

pub(super) const CLUSTER: u64 = 0xc1;
pub(super) const LIFE: u32 = 7;

pub(super) fn view_id(number: u32) -> ViewId {
    ViewId { life: LIFE, number }
}

pub(super) fn ballot(round: u32) -> Ballot {
    Ballot::new(round, 1)
}

pub(super) fn version(round: u32, seq: u64) -> Version {
    Version::new(ballot(round), seq)
}

/// The items of a reply that is an array of bulks.
pub(super) fn items(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut tokens = Tokens::new();
    let Ok(Progress::Done { value, consumed }) = ReplyParser::default().parse(bytes, &mut tokens) else {
        panic!("no whole reply: {}", String::from_utf8_lossy(bytes))
    };
    assert_eq!(consumed, bytes.len(), "one reply");
    value
        .tokens()
        .filter_map(|token| match token {
            Token::Bulk(text) => Some(text.to_vec()),
            Token::Error(text) => panic!("{}", String::from_utf8_lossy(text)),
            _ => None,
        })
        .collect()
}

pub(super) struct Broker<'h> {
    pub(super) harness: &'h mut Harness,
    pub(super) id: ConnId,
}

impl Broker<'_> {
    pub(super) fn raw(&mut self, request: &Request<'_>) -> Vec<u8> {
        let mut bytes = vec![];
        request.write(&mut bytes);
        self.harness.send(self.id, &bytes)
    }

    pub(super) fn error(&mut self, request: &Request<'_>) -> String {
        let reply = String::from_utf8(self.raw(request)).expect("text");
        assert!(reply.starts_with('-'), "{reply}");
        reply.trim_end().to_owned()
    }

    #[track_caller]
    pub(super) fn expect(&mut self, request: Request<'_>, reply: Reply<'_>) {
        let items = items(&self.raw(&request));
        let parsed = Reply::parse(items.len(), |index| &items[index]).expect("a reply");
        assert_eq!(parsed, reply, "to {request:?}");
    }

    pub(super) fn hello(&mut self, process: u32) -> View {
        let items = items(&self.raw(&Request::Hello { cluster: CLUSTER, process }));
        match Reply::parse(items.len(), |index| &items[index]) {
            Ok(Reply::Hello { view, incarnation, .. }) => {
                assert_eq!(incarnation, self.harness.server.incarnation());
                view
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn view(&mut self, view: &View) {
        self.expect(Request::View { view: view.clone() }, Reply::View { view: view.clone() });
    }
}

impl Harness {
    pub(super) fn broker(&mut self, id: ConnId) -> Broker<'_> {
        Broker { harness: self, id }
    }

    /// A view in which this server has the first of three seats.
    pub(super) fn seated(&self, number: u32, role: Role, since: u32) -> View {
        let seat = |incarnation, role, since| Seat { incarnation, role, since };
        let seats = vec![
            seat(self.server.incarnation(), role, since),
            seat(22, Role::Member, 1),
            seat(33, Role::Member, 1),
        ];
        View { id: view_id(number), seats }
    }

    /// Connects a broker that has brought view 1, in which the server is a member.
    pub(super) fn clustered(bugs: ServerBugs) -> (Harness, ConnId) {
        let mut harness = Harness::with_bugs(bugs);
        let id = harness.join();
        (harness, id)
    }

    /// A broker takes the server into a cluster; its connection.
    pub(super) fn join(&mut self) -> ConnId {
        let id = self.connect();
        let view = self.seated(1, Role::Member, 1);
        let mut broker = self.broker(id);
        assert!(broker.hello(1).is_blank());
        broker.view(&view);
        id
    }
}

pub(super) fn store<'b>(view: u32, key: &'b [u8], at: Version, kind: Kind, body: &'b [u8]) -> Request<'b> {
    let (ballot, slot) = (at.ballot(), Slot::of(key));
    Request::Store { view: view_id(view), ballot, slot, version: at, key, kind, body }
}

pub(super) fn get(view: u32, key: &[u8]) -> Request<'_> {
    Request::Get { view: view_id(view), slot: Slot::of(key), key, version_only: false }
}

pub(super) fn stored(view: u32, version: Version) -> Reply<'static> {
    Reply::Stored { view: view_id(view), version }
}

pub(super) fn got(view: u32, version: Version, kind: Kind, body: &[u8]) -> Reply<'_> {
    Reply::Got { view: view_id(view), version, kind, body }
}
