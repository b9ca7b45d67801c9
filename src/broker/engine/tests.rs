//! The engine against servers that say what a test wants them to say; whole clusters are `tests/sim`'s.

use super::*;
use crate::conn::{self, CloseReason, ConnId, Machine, NetRequest, Origin, Refusal, Taken};
use crate::limits::WINDOW_BYTES_MAX;
use crate::proto::cluster::{Reply, Request, Seat, ViewId};
use crate::proto::resp::{Args, Progress, RequestParser};
use crate::record::{Ballot, Kind};

const LIFE: u32 = 7;

/// One server of a test.
struct Played {
    incarnation: u64,
    view: View,
    promised: Ballot,
    /// Written by clients, not by a cluster.
    records: u64,
    /// It takes STOREs and does not answer them.
    holds_stores: bool,
    held: Vec<(ViewId, Version)>,
    /// It refuses connections.
    down: bool,
    dials: usize,
    conn: Option<ConnId>,
    /// Requests that it answers with what nobody asked.
    answers_beside: fn(&Request<'_>) -> bool,
}

struct Bench {
    engine: Engine,
    net: Net,
    now: Now,
    played: Vec<Played>,
    /// Views that somebody was asked to accept.
    proposals: Vec<View>,
}

/// A view of members with the incarnations 1, 2, ...
fn view_of(servers: u64, life: u32, number: u32) -> View {
    let seat = |incarnation| Seat { incarnation, role: Role::Member, since: 1 };
    View { id: ViewId { life, number }, seats: (1..=servers).map(seat).collect() }
}

impl Bench {
    fn new(servers: u64, replicas: usize) -> Bench {
        let peers = (1..=servers).map(|i| SocketAddr::from(([10, 0, 0, i as u8], 9_000))).collect();
        let played = (1..=servers).map(|incarnation| Played {
            incarnation,
            view: view_of(servers, LIFE, 1),
            promised: Ballot::NONE,
            records: 0,
            holds_stores: false,
            held: vec![],
            down: false,
            dials: 0,
            conn: None,
            answers_beside: |_| false,
        });
        Bench {
            engine: Engine::new(EngineConfig::new(peers, replicas, 5, 1)),
            net: Net::new(),
            now: Now { time: Time::from_nanos(1), unix_ms: 1_700_000_000_000 },
            played: played.collect(),
            proposals: vec![],
        }
    }

    /// Lets `span` pass.
    fn pass(&mut self, span: Span) {
        let end = self.now.time + span;
        let mut looks = 0;
        while self.engine.poll_timeout().is_some_and(|at| at <= end) {
            let at = self.engine.poll_timeout().expect("just seen");
            looks = if at > self.now.time { 0 } else { looks + 1 };
            assert!(looks < 1_000, "time is asked for again and again while none passes");
            self.now.time = self.now.time.max(at);
            self.engine.handle_timeout(self.now, &mut self.net);
            self.settle();
        }
        self.now.time = end;
    }

    /// Until nobody has anything to say.
    fn settle(&mut self) {
        loop {
            let mut requests = vec![];
            self.net.take_requests(&mut requests);
            let mut quiet = requests.is_empty();
            requests.into_iter().for_each(|request| self.perform(request));
            for server in 0..self.played.len() {
                quiet &= !self.talk(server);
            }
            if quiet {
                return;
            }
        }
    }

    fn perform(&mut self, request: NetRequest) {
        match request {
            NetRequest::Dial(id, peer) => {
                let place = self.engine.servers().iter().position(|&other| other == peer);
                let played = &mut self.played[place.expect("one of its servers")];
                played.dials += 1;
                if played.down {
                    let refused = CloseReason::DialFailed(std::io::ErrorKind::ConnectionRefused);
                    self.engine.handle_close(id, refused, self.now, &mut self.net);
                    return self.net.remove(id);
                }
                played.conn = Some(id);
                self.engine.handle_open(id, self.now, &mut self.net);
            }
            NetRequest::Close(id) | NetRequest::Abort(id) => {
                self.played.iter_mut().filter(|played| played.conn == Some(id)).for_each(|p| p.conn = None);
                self.net.remove(id);
            }
        }
    }

    /// A server hears what was said to it and answers. False: nothing was.
    fn talk(&mut self, server: usize) -> bool {
        let Some(id) = self.played[server].conn else { return false };
        let said = self.net.unsent(id).to_vec();
        self.net.sent(id, said.len(), self.now.time);
        let (mut args, mut parser, mut rest, mut out) =
            (Args::new(), RequestParser::default(), &said[..], vec![]);
        while !rest.is_empty() {
            let progress = parser.parse(rest, &mut args).expect("well formed");
            let Progress::Done { value, consumed } = progress else { panic!("only whole requests are sent") };
            let words: Vec<&[u8]> = value.args().collect();
            let request = Request::parse(words.len(), |index| words[index]).expect("a broker's message");
            if let Request::ViewAccept { view, .. } = &request {
                self.proposals.push(view.clone());
            }
            if let Some(reply) = self.played[server].answer(request) {
                reply.write(&mut out);
            }
            rest = &rest[consumed..];
        }
        if !out.is_empty() {
            conn::deliver(&mut Talker(&mut self.engine), &mut self.net, id, &out, self.now);
        }
        !said.is_empty()
    }

    fn put(&mut self, ticket: u64, bytes: usize) {
        let ask = Ask::Put { kind: Kind::Text, body: vec![b'x'; bytes], blind: true };
        self.engine.submit(Ticket(ticket), format!("k{ticket}").as_bytes(), ask, self.now, &mut self.net);
        self.settle();
    }

    fn notes(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.engine.poll_note()).collect()
    }

    fn outcomes(&mut self) -> Vec<Answer> {
        std::iter::from_fn(|| self.engine.poll()).map(|(_, answer)| answer).collect()
    }

    fn state(&self, server: usize) -> ServerState {
        self.engine.status(self.now).servers[server].state.clone()
    }
}

impl Played {
    fn answer(&mut self, request: Request<'_>) -> Option<Reply<'static>> {
        let (incarnation, promised) = (self.incarnation, self.promised);
        let wrong = Reply::WrongView { view: self.view.clone() };
        if (self.answers_beside)(&request) {
            return Some(Reply::Relayed);
        }
        Some(match request {
            Request::Hello { .. } => {
                let (view, records) = (self.view.clone(), self.records);
                Reply::Hello { incarnation, view, promised, records, unix_ms: 0 }
            }
            Request::Ping { view } if view == self.view.id || self.view.is_blank() => {
                Reply::Pong { view, incarnation, promised, owner_here: false }
            }
            Request::Prepare { view, ballot } if view == self.view.id => {
                self.promised = ballot;
                Reply::Granted { view, ballot }
            }
            Request::Store { view, version, .. } if view == self.view.id => {
                if self.holds_stores {
                    self.held.push((view, version));
                    return None;
                }
                Reply::Stored { view, version }
            }
            Request::ViewPrepare { base, ballot } if base.id == self.view.id => {
                Reply::Promised { ballot, incarnation, accepted: None }
            }
            Request::ViewAccept { base, ballot, .. } if base.id == self.view.id => Reply::Accepted { ballot },
            Request::View { view } => {
                if view.id.is_newer_than(self.view.id) {
                    self.view = view;
                }
                Reply::View { view: self.view.clone() }
            }
            Request::ViewPrepare { .. } | Request::ViewAccept { .. } => {
                Reply::View { view: self.view.clone() }
            }
            Request::Relay { .. } => Reply::NoRoute,
            _ => wrong,
        })
    }
}

/// Bytes go through `conn::deliver`, as in production.
struct Talker<'e>(&'e mut Engine);

impl Machine for Talker<'_> {
    fn handle_open(&mut self, _: ConnId, _: Origin, _: Now, _: &mut Net) {}

    fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], now: Now, net: &mut Net) -> Taken {
        self.0.handle_bytes(id, bytes, now, net)
    }

    fn handle_close(&mut self, _: ConnId, _: CloseReason, _: Now, _: &mut Net) {}

    fn handle_timeout(&mut self, _: Now, _: &mut Net) {}

    fn poll_timeout(&self) -> Option<Time> {
        None
    }

    fn refusal(&self, _: Refusal) -> &'static [u8] {
        b""
    }
}

#[test]
fn a_window_is_full_by_bytes_as_well_as_by_requests() {
    let mut bench = Bench::new(2, 2);
    bench.pass(Span::from_millis(10));
    bench.put(1, 10);
    assert_eq!(bench.outcomes().len(), 1);
    bench.played.iter_mut().for_each(|played| played.holds_stores = true);
    let mut sent = 0;
    while bench.engine.room() {
        bench.put(2 + sent as u64, 1 << 20);
        sent += 1;
        assert!(sent << 20 <= WINDOW_BYTES_MAX, "{sent} MiB are under way");
    }
    assert_eq!(sent, WINDOW_BYTES_MAX >> 20);
    let held = std::mem::take(&mut bench.played[0].held);
    let id = bench.played[0].conn.expect("it is connected");
    let mut out = vec![];
    held.iter().for_each(|&(view, version)| Reply::Stored { view, version }.write(&mut out));
    conn::deliver(&mut Talker(&mut bench.engine), &mut bench.net, id, &out, bench.now);
    assert!(!bench.engine.room(), "the other server has not answered");
    let held = std::mem::take(&mut bench.played[1].held);
    let id = bench.played[1].conn.expect("it is connected");
    out.clear();
    held.iter().for_each(|&(view, version)| Reply::Stored { view, version }.write(&mut out));
    conn::deliver(&mut Talker(&mut bench.engine), &mut bench.net, id, &out, bench.now);
    assert!(bench.engine.room());
    assert_eq!(bench.outcomes().len(), sent);
}

#[test]
fn a_promise_of_the_last_round_ends_in_refusals() {
    let mut bench = Bench::new(3, 2);
    bench.played[1].promised = Ballot::new(u32::MAX, 9);
    bench.pass(Span::from_secs(2));
    bench.put(1, 10);
    // A change of view needs a ballot too.
    bench.played[2].incarnation = 99;
    let id = bench.played[2].conn.take().expect("it is connected");
    let lost = CloseReason::Lost(std::io::ErrorKind::ConnectionReset);
    bench.engine.handle_close(id, lost, bench.now, &mut bench.net);
    bench.net.remove(id);
    bench.pass(Span::from_secs(20));
    assert_eq!(bench.outcomes(), [Answer::Op(Outcome::Failed(EngineError::Unavailable))]);
    let notes = bench.notes();
    assert!(notes.len() == 1 && notes[0].contains("no ballot is left"), "{notes:?}");
    assert!(bench.proposals.is_empty());
}

#[test]
fn a_server_that_entered_another_life_is_put_out_and_not_taken_in() {
    for joining in [false, true] {
        let mut bench = Bench::new(3, 2);
        if joining {
            // Its memory is not the one that the view names, and it knows no view: it could join.
            bench.played[2].incarnation = 99;
            bench.played[2].view = View::default();
            bench.engine.handle_timeout(bench.now, &mut bench.net);
            let mut requests = vec![];
            bench.net.take_requests(&mut requests);
            requests.into_iter().for_each(|request| bench.perform(request));
            (0..3).for_each(|server| assert!(bench.talk(server), "HELLO"));
        } else {
            bench.pass(Span::from_millis(50));
        }
        assert_eq!(bench.state(2), ServerState::Up);
        bench.played[2].view = view_of(3, LIFE + 1, 1);
        bench.put(1, 10);
        bench.pass(Span::from_secs(10));
        let refused =
            |state| matches!(state, ServerState::Refused(words) if words.contains("another cluster"));
        assert!(refused(bench.state(2)), "{:?}", bench.state(2));
        assert!(!bench.proposals.is_empty(), "it is put out");
        assert!(bench.proposals.iter().all(|view| view.seats[2].role == Role::Out), "{:?}", bench.proposals);
        let notes = bench.notes();
        assert_eq!(notes.iter().filter(|note| note.contains("another cluster")).count(), 1, "{notes:?}");
        assert!(bench.engine.view().seats[2].role == Role::Out);
    }
}

#[test]
fn a_server_with_records_of_its_own_is_dialed_ever_more_rarely_and_told_of_once() {
    let mut bench = Bench::new(3, 2);
    bench.played.iter_mut().for_each(|played| played.view = View::default());
    bench.played[0].records = 5;
    bench.pass(Span::from_secs(60));
    assert!((15..60).contains(&bench.played[0].dials), "{} dials", bench.played[0].dials);
    let notes = bench.notes();
    assert!(notes.len() == 1 && notes[0].contains("holds 5 records that no cluster wrote"), "{notes:?}");
    assert!(matches!(bench.state(0), ServerState::Refused(_)), "{:?}", bench.state(0));
    assert_eq!(bench.engine.view().members().iter().collect::<Vec<_>>(), [1, 2], "formed without it");
    bench.played[0].records = 4;
    bench.pass(Span::from_secs(10));
    assert_eq!(bench.notes().len(), 1, "it has changed");
    bench.played[0].records = 0;
    bench.pass(Span::from_secs(10));
    assert_eq!(bench.state(0), ServerState::Up);
    assert!(bench.notes().is_empty());
}

#[test]
fn a_server_that_got_a_seat_from_another_broker_is_dialed_at_once() {
    let mut bench = Bench::new(3, 2);
    bench.played[2].down = true;
    bench.pass(Span::from_secs(30));
    // Down for long, it is dialed every 1 to 3 s; it just was.
    let before = bench.played[2].dials;
    while bench.played[2].dials == before {
        bench.pass(Span::from_millis(5));
    }
    let dials = bench.played[2].dials;
    let mut next = bench.engine.view().clone();
    next.id.number += 1;
    next.seats[2] = Seat { incarnation: 99, role: Role::Learner, since: next.id.number };
    bench.played[0].view = next.clone();
    bench.played[2].down = false;
    bench.played[2].incarnation = 99;
    bench.played[2].view = next.clone();
    while bench.engine.view().id != next.id {
        bench.pass(Span::from_millis(1));
    }
    bench.pass(Span::from_millis(1));
    assert_eq!(bench.played[2].dials, dials + 1);
    assert_eq!(bench.state(2), ServerState::Up);
}

#[test]
fn a_server_that_answers_beside_the_question_is_no_member_and_not_dialed_at_once() {
    let to_hello: fn(&Request<'_>) -> bool = |request| matches!(request, Request::Hello { .. });
    let to_ping: fn(&Request<'_>) -> bool = |request| matches!(request, Request::Ping { .. });
    // Who has greeted is dialed as after any loss; else ever more rarely.
    for (answers_beside, dials_max) in [(to_hello, 60), (to_ping, 60 * 40)] {
        let mut bench = Bench::new(3, 2);
        bench.played[2].answers_beside = answers_beside;
        bench.pass(Span::from_secs(60));
        assert!((15..=dials_max).contains(&bench.played[2].dials), "{} dials", bench.played[2].dials);
        assert!(bench.engine.view().seats[2].role == Role::Out);
        bench.put(1, 10);
        assert_eq!(bench.outcomes().len(), 1, "the others serve");
        bench.played[2].answers_beside = |_| false;
        bench.pass(Span::from_secs(10));
        assert_eq!(bench.state(2), ServerState::Up);
    }
}
