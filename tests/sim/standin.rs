//! Small machines in the place of the real ones: the world itself is tested with them.

use crate::world::{Crash, Step, Weather, World};
use hedgerow::conn::{CloseReason, ConnId, Machine, Net, Next, Origin, Refusal, Taken};
use hedgerow::time::{Now, Span, Time};
use std::net::SocketAddr;

/// Echoes whole lines; or dials `peer`, sends numbered lines, and keeps what comes back.
#[derive(Default)]
struct Node {
    peer: Option<SocketAddr>,
    link: Option<ConnId>,
    lines: u32,
    heard: Vec<u8>,
    opened: u32,
    ended: u32,
    closed: Vec<CloseReason>,
    next_at: Option<Time>,
    gives_up: Option<Span>,
    stalls: bool,
}

impl Node {
    fn client(peer: SocketAddr, lines: u32) -> Node {
        Node { peer: Some(peer), lines, next_at: Some(Time::ZERO), ..Node::default() }
    }

    fn expected(lines: u32) -> Vec<u8> {
        (0..lines).flat_map(|line| format!("line {line}\n").into_bytes()).collect()
    }
}

impl Machine for Node {
    fn handle_open(&mut self, id: ConnId, origin: Origin, _: Now, net: &mut Net) {
        self.opened += 1;
        if let Origin::Dialed { peer } = origin {
            assert_eq!(Some(peer), self.peer);
            net.out(id).extend(Node::expected(self.lines));
        }
    }

    fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], now: Now, net: &mut Net) -> Taken {
        if self.peer.is_some() {
            self.heard.extend_from_slice(bytes);
            return Taken::all(bytes);
        }
        let Some(end) = bytes.iter().position(|&b| b == b'\n') else {
            return Taken { consumed: 0, next: Next::More { at_least: bytes.len() + 1 } };
        };
        net.out(id).extend_from_slice(&bytes[..=end]);
        if self.stalls && self.next_at.is_none() {
            (self.link, self.next_at) = (Some(id), Some(now.time + Span::from_millis(1)));
            return Taken { consumed: end + 1, next: Next::Stall };
        }
        Taken { consumed: end + 1, next: Next::Again }
    }

    fn handle_eof(&mut self, id: ConnId, _: &[u8], _: Now, net: &mut Net) {
        self.ended += 1;
        net.close(id);
    }

    fn handle_close(&mut self, id: ConnId, reason: CloseReason, _: Now, _: &mut Net) {
        assert!(self.link.is_none_or(|link| link == id));
        self.closed.push(reason);
        self.link = None;
    }

    fn handle_timeout(&mut self, now: Now, net: &mut Net) {
        self.next_at = None;
        match (self.peer, self.link) {
            (Some(peer), None) => {
                self.link = Some(net.dial(peer));
                self.next_at = self.gives_up.map(|span| now.time + span);
            }
            (Some(_), Some(link)) if self.opened == 0 => net.abort(link),
            (Some(_), _) => {}
            (None, Some(link)) => net.resume(link),
            (None, None) => unreachable!("no timer was set"),
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.next_at
    }

    fn refusal(&self, _: Refusal) -> &'static [u8] {
        b"no\n"
    }
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 9_000))
}

fn world(seed: u64, weather: Weather) -> (World<Node>, usize, usize) {
    let mut world = World::new(seed, weather, std::env::var_os("SIM_TRACE").is_some());
    let server = world.add_process("s0".into(), address(1), true);
    let client = world.add_process("b0".into(), address(2), false);
    (world, server, client)
}

/// Lets everything happen that happens within this time.
fn run(world: &mut World<Node>, span: Span) {
    world.alarm(span, 0);
    while world.step() != Step::Alarm(0) {}
}

fn rough(seed: u64) -> Weather {
    Weather { cut_percent: 60, window: 512, ..Weather::draw(&mut hedgerow::rng::Rng::from_seed(seed)) }
}

#[test]
fn however_it_is_cut_a_stream_arrives_whole() {
    for seed in 0..20 {
        let (mut world, server, client) = world(seed, rough(seed));
        world.start(server, Node { stalls: seed % 2 == 0, ..Node::default() });
        world.start(client, Node::client(address(1), 300));
        run(&mut world, Span::from_secs(3_000));
        let heard = &world.machine(client).unwrap().heard;
        assert!(*heard == Node::expected(300), "seed {seed}: {}", String::from_utf8_lossy(heard));
    }
}

#[test]
fn nobody_there_refuses_and_a_cut_says_nothing() {
    let (mut world, server, client) = world(1, Weather::calm());
    world.start(client, Node { gives_up: Some(Span::from_secs(1)), ..Node::client(address(1), 1) });
    run(&mut world, Span::from_millis(10));
    let refused = CloseReason::DialFailed(std::io::ErrorKind::ConnectionRefused);
    assert_eq!(world.machine(client).unwrap().closed, [refused]);
    world.start(server, Node::default());
    world.set_cut(client, server, true);
    run(&mut world, Span::from_millis(2_200));
    let node = world.machine(client).unwrap();
    assert_eq!((node.opened, node.closed.len()), (0, 1), "only its own timer tells");
    world.heal();
    run(&mut world, Span::from_secs(1));
    assert_eq!(world.machine(server).unwrap().opened, 0, "an abandoned dial knocks at no door");
}

#[test]
fn what_was_sent_into_a_cut_arrives_when_it_heals() {
    let (mut world, server, client) = world(2, Weather::calm());
    world.start(server, Node::default());
    world.start(client, Node::client(address(1), 100));
    world.set_cut(server, client, true);
    run(&mut world, Span::from_secs(5));
    assert_eq!(world.machine(client).unwrap().opened, 0);
    world.heal();
    run(&mut world, Span::from_secs(1));
    assert_eq!(world.machine(client).unwrap().heard, Node::expected(100));
}

#[test]
fn a_stopped_process_goes_on_where_it_was() {
    let (mut world, server, client) = world(3, Weather::calm());
    world.start(server, Node::default());
    world.freeze(server, Span::from_secs(5));
    world.start(client, Node::client(address(1), 5));
    run(&mut world, Span::from_secs(4));
    let node = world.machine(client).unwrap();
    assert!(node.opened == 1 && node.heard.is_empty(), "the kernel accepts, nobody answers");
    run(&mut world, Span::from_secs(2));
    assert_eq!(world.machine(client).unwrap().heard, Node::expected(5));
}

#[test]
fn every_way_to_die_is_noticed_in_its_own_way() {
    for (how, noticed) in [(Crash::Reset, true), (Crash::Drain, true), (Crash::Silent, false)] {
        for seed in 0..10 {
            let (mut world, server, client) = world(seed, Weather::calm());
            world.start(server, Node::default());
            world.start(client, Node::client(address(1), 2));
            run(&mut world, Span::from_millis(10));
            world.crash(server, how);
            run(&mut world, Span::from_secs(30));
            let node = world.machine(client).unwrap();
            assert_eq!(node.ended + node.closed.len() as u32, u32::from(noticed), "{how:?}");
            assert!(!world.is_up(server));
        }
    }
}

#[test]
fn a_host_that_is_back_does_not_know_its_old_connections() {
    let (mut world, server, client) = world(4, Weather::calm());
    world.start(client, Node::default());
    world.crash(client, Crash::Drain);
    world.start(client, Node::client(address(1), 1));
    world.start(server, Node::default());
    run(&mut world, Span::from_millis(10));
    // The client's host dies while the server has something to say to it.
    world.set_cut(server, client, true);
    world.crash(client, Crash::Silent);
    world.set_cut(server, client, false);
    run(&mut world, Span::from_secs(10));
    assert!(world.machine(server).unwrap().closed.is_empty(), "half open");
    world.start(client, Node::client(address(1), 50));
    run(&mut world, Span::from_secs(10));
    assert_eq!(world.machine(server).unwrap().opened, 2);
    assert_eq!(world.machine(client).unwrap().heard, Node::expected(50));
}

#[test]
fn a_reset_is_seen_by_both_sides() {
    let (mut world, server, client) = world(5, Weather::calm());
    world.start(server, Node::default());
    world.start(client, Node::client(address(1), 1));
    run(&mut world, Span::from_millis(10));
    world.reset_one(client);
    run(&mut world, Span::from_millis(10));
    for p in [server, client] {
        let lost = CloseReason::Lost(std::io::ErrorKind::ConnectionReset);
        assert_eq!(world.machine(p).unwrap().closed, [lost]);
    }
}

#[test]
fn a_clogged_connection_delivers_late() {
    let (mut world, server, client) = world(6, Weather::calm());
    world.start(server, Node::default());
    world.start(client, Node::client(address(1), 10_000));
    run(&mut world, Span::from_micros(300));
    (0..8).for_each(|_| world.clog_one(client, Span::from_secs(3))); // either direction, so both
    run(&mut world, Span::from_secs(2));
    assert!(world.machine(client).unwrap().heard.len() < Node::expected(10_000).len());
    run(&mut world, Span::from_secs(2));
    assert!(world.machine(client).unwrap().heard == Node::expected(10_000));
}

#[test]
fn a_seed_is_a_run() {
    let hash = |seed| {
        let (mut world, server, client) = world(seed, rough(seed % 10));
        world.start(server, Node::default());
        world.start(client, Node::client(address(1), 100));
        run(&mut world, Span::from_secs(100));
        world.hash()
    };
    assert_eq!(hash(7), hash(7));
    assert_ne!(hash(7), hash(17));
}
