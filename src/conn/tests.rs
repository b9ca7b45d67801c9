use super::*;
use crate::limits::{self, Limits};
use crate::time::Span;

/// Takes lines and echoes each, `budget` lines a call; stalls after a line `stall`; with `frame` takes only that many
/// bytes at once.
#[derive(Default)]
struct Lines {
    calls: usize,
    budget: usize,
    frame: usize,
}

impl Machine for Lines {
    fn handle_open(&mut self, _: ConnId, _: Origin, _: Now, _: &mut Net) {}

    fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], _: Now, net: &mut Net) -> Taken {
        self.calls += 1;
        if self.frame > bytes.len() {
            return Taken { consumed: 0, next: Next::More { at_least: self.frame } };
        }
        let (mut consumed, mut lines) = (0, 0);
        while let Some(end) = bytes[consumed..].iter().position(|&b| b == b'\n') {
            let line = &bytes[consumed..=consumed + end];
            net.out(id).extend_from_slice(line);
            consumed += end + 1;
            lines += 1;
            if line == b"stall\n" {
                return Taken { consumed, next: Next::Stall };
            }
            if lines == self.budget {
                return Taken { consumed, next: Next::Again };
            }
        }
        Taken { consumed, next: Next::More { at_least: bytes.len() - consumed + 1 } }
    }

    fn handle_close(&mut self, _: ConnId, _: CloseReason, _: Now, _: &mut Net) {}
    fn handle_timeout(&mut self, _: Now, _: &mut Net) {}
    fn poll_timeout(&self) -> Option<Time> {
        None
    }
    fn refusal(&self, _: Refusal) -> &'static [u8] {
        b"-ERR\r\n"
    }
}

fn at(secs: u64) -> Now {
    Now { time: Time::ZERO + Span::from_secs(secs), unix_ms: 0 }
}

#[test]
fn bytes_not_taken_are_shown_again_with_what_follows() {
    let (mut machine, mut net) = (Lines::default(), Net::new());
    let id = net.insert();
    assert_eq!(deliver(&mut machine, &mut net, id, b"ab", at(1)), Delivery::Open);
    assert_eq!(net.inbox_bytes(), 2);
    assert_eq!(deliver(&mut machine, &mut net, id, b"c\nd", at(1)), Delivery::Open);
    assert_eq!(net.unsent(id), b"abc\n");
    assert_eq!(deliver(&mut machine, &mut net, id, b"\n", at(1)), Delivery::Open);
    assert_eq!(net.unsent(id), b"abc\nd\n");
    assert_eq!(net.inbox_bytes(), 0);
    net.sent(id, 6, at(1).time);
    assert_eq!(net.unsent(id), b"");
    assert!(net.peek(id).is_none(), "an idle connection owns no memory");
}

#[test]
fn a_budget_puts_the_rest_off_to_the_next_turn() {
    let (mut machine, mut net) = (Lines { budget: 2, ..Lines::default() }, Net::new());
    let id = net.insert();
    assert_eq!(deliver(&mut machine, &mut net, id, b"1\n2\n3\n4\n5\n", at(1)), Delivery::Held);
    let mut turns = 0;
    while net.has_ready() {
        let mut ready = vec![];
        net.take_ready(&mut ready);
        assert_eq!(ready, [id]);
        deliver(&mut machine, &mut net, id, b"", at(1));
        turns += 1;
    }
    assert_eq!((turns, machine.calls), (2, 3));
    assert_eq!(net.unsent(id), b"1\n2\n3\n4\n5\n");
}

#[test]
fn a_stalled_connection_is_shown_nothing_until_it_is_resumed() {
    let (mut machine, mut net) = (Lines::default(), Net::new());
    let id = net.insert();
    assert_eq!(deliver(&mut machine, &mut net, id, b"stall\nnext\n", at(1)), Delivery::Held);
    assert!(!net.wants_input(id) && !net.has_ready());
    net.resume(id);
    assert!(net.wants_input(id) && net.has_ready());
    deliver(&mut machine, &mut net, id, b"", at(1));
    assert_eq!(net.unsent(id), b"stall\nnext\n");
}

#[test]
fn a_machine_is_called_only_when_enough_is_there() {
    let (mut machine, mut net) = (Lines { frame: 1_000, ..Lines::default() }, Net::new());
    let id = net.insert();
    for _ in 0..999 {
        deliver(&mut machine, &mut net, id, b"x", at(1));
    }
    assert_eq!(machine.calls, 1);
    deliver(&mut machine, &mut net, id, b"\n", at(1));
    assert_eq!((machine.calls, net.inbox_bytes(), net.queued(id)), (2, 0, 1_000));
}

#[test]
fn a_late_id_finds_nobody() {
    let (mut net, mut dirty) = (Net::new(), vec![]);
    let first = net.insert();
    net.out(first).extend_from_slice(b"x");
    net.remove(first);
    let second = net.insert();
    assert_eq!(first.index(), second.index());
    assert!(!net.contains(first) && net.contains(second));
    net.out(first).extend_from_slice(b"lost");
    assert_eq!(net.unsent(second), b"");
    net.take_dirty(&mut dirty);
    assert!(dirty.is_empty());
    assert_eq!(ConnId::from_u64(second.to_u64()), Some(second));
    assert_eq!(size_of::<Option<ConnId>>(), size_of::<ConnId>());
    assert_eq!(size_of::<Entry16>(), 16);
}

type Entry16 = (NonZeroU32, u8, Option<Box<u64>>);

#[test]
fn who_does_not_read_is_paused_and_then_overdue() {
    let (mut net, mut overdue) = (Net::new(), vec![]);
    let id = net.insert();
    net.out(id).resize(2 << 20, 0);
    assert!(!net.wants_input(id));
    net.sent(id, 0, at(5).time);
    net.sent(id, 0, at(50).time);
    net.overdue(at(64).time, &mut overdue);
    assert!(overdue.is_empty());
    net.overdue(at(65).time, &mut overdue);
    assert_eq!(overdue, [id]);
    net.sent(id, (1 << 20) + 1, at(65).time);
    assert!(net.wants_input(id) && net.has_ready());
}

#[test]
fn an_incomplete_request_is_overdue_after_its_time() {
    let (mut machine, mut net, mut overdue) = (Lines::default(), Net::new(), vec![]);
    let id = net.insert();
    deliver(&mut machine, &mut net, id, b"half", at(1));
    deliver(&mut machine, &mut net, id, b" more", at(30));
    net.overdue(at(89).time, &mut overdue);
    assert!(overdue.is_empty());
    net.overdue(at(90).time, &mut overdue);
    assert_eq!(overdue, [id]);
}

#[test]
fn a_closing_connection_keeps_no_input() {
    let (mut machine, mut net) = (Lines::default(), Net::new());
    let (id, answered) = (net.insert(), net.insert());
    net.out(answered).extend_from_slice(b"an answer");
    for id in [id, answered] {
        deliver(&mut machine, &mut net, id, b"half", at(1));
    }
    assert_eq!((net.inbox_bytes(), net.pending()), (8, 2));
    net.close(id);
    net.close(answered);
    assert_eq!((net.inbox_bytes(), net.pending()), (0, 1));
    assert_eq!(net.unsent(answered), b"an answer");
    net.sent(answered, 9, at(2).time);
    net.remove(id);
    net.remove(answered);
    assert_eq!((net.inbox_bytes(), net.pending()), (0, 0));
}

#[test]
fn a_closing_connection_hears_nothing_more() {
    let (mut machine, mut net, mut requests) = (Lines::default(), Net::new(), vec![]);
    let id = net.insert();
    net.close(id);
    deliver(&mut machine, &mut net, id, b"late\n", at(1));
    net.abort(id);
    net.take_requests(&mut requests);
    assert_eq!((machine.calls, requests), (0, vec![NetRequest::Close(id)]));
}

#[test]
fn a_large_reply_is_no_offence_while_it_is_read() {
    let (mut net, mut overdue) = (Net::new(), vec![]);
    let id = net.insert();
    net.out(id).resize(limits::QUEUED_BYTES_MAX + 100, 0);
    for second in 1..20 {
        net.sent(id, 1, at(second).time);
        net.overdue(at(second + 1).time, &mut overdue);
        assert!(overdue.is_empty(), "at {second} s");
    }
    net.overdue(at(19 + limits::QUEUED_FULL_SECS_MAX).time, &mut overdue);
    assert_eq!(overdue, [id]);
}

#[test]
fn a_large_request_is_filled_in_place_and_shown_once() {
    let (mut machine, mut net) = (Lines { frame: 1_000, ..Lines::default() }, Net::new());
    let id = net.insert();
    assert!(net.fill(id, 10, at(1).time, |_| Ok(0)).is_none());
    deliver(&mut machine, &mut net, id, b"x", at(1));
    while net.missing(id) > 0 {
        let missing = net.missing(id);
        let filled = net.fill(id, missing, at(2).time, |inbox| {
            assert!(inbox.capacity() - inbox.len() >= missing);
            inbox.extend_from_slice(if missing > 100 { &[b'x'; 100] } else { b"\n" });
            Ok(())
        });
        assert!(matches!(filled, Some(Ok(()))));
        assert_eq!(deliver(&mut machine, &mut net, id, b"", at(2)), Delivery::Open);
        if missing <= 100 {
            break;
        }
    }
    assert_eq!((machine.calls, net.unread(id)), (1, 902));
    deliver(&mut machine, &mut net, id, &[b'\n'; 98], at(2));
    assert_eq!((machine.calls, net.inbox_bytes(), net.pending()), (2, 0, 1));
    assert_eq!(net.queued(id), 1_000);
    net.sent(id, 1_000, at(2).time);
    assert_eq!(net.pending(), 0);
}

#[test]
fn the_end_is_told_once_with_what_was_never_taken() {
    #[derive(Default)]
    struct Ends(Vec<Vec<u8>>);
    impl Machine for Ends {
        fn handle_open(&mut self, _: ConnId, _: Origin, _: Now, _: &mut Net) {}
        fn handle_bytes(&mut self, _: ConnId, _: &[u8], _: Now, _: &mut Net) -> Taken {
            Taken { consumed: 1, next: Next::More { at_least: 100 } }
        }
        fn handle_eof(&mut self, _: ConnId, unread: &[u8], _: Now, _: &mut Net) {
            self.0.push(unread.to_vec());
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
    let (mut machine, mut net) = (Ends::default(), Net::new());
    let id = net.insert();
    deliver(&mut machine, &mut net, id, b"abc", at(1));
    deliver_eof(&mut machine, &mut net, id, at(1));
    deliver_eof(&mut machine, &mut net, id, at(1));
    assert_eq!((machine.0, net.inbox_bytes(), net.pending()), (vec![b"bc".to_vec()], 0, 0));
    assert!(net.is_live(id) && !net.wants_input(id));
}

#[test]
fn who_was_paused_is_looked_at_when_the_bounds_change() {
    let mut net = Net::new();
    net.set_limits(Limits { pause_bytes: 10, ..Limits::FULL });
    let (paused, idle) = (net.insert(), net.insert());
    net.out(paused).extend_from_slice(&[b'x'; 20]);
    assert!(!net.wants_input(paused) && !net.has_ready());
    net.set_limits(Limits::FULL);
    let mut ready = vec![];
    net.take_ready(&mut ready);
    assert!(net.wants_input(paused) && net.is_live(idle));
    assert_eq!(ready, [paused], "no event would tell of it");
}

/// Takes nothing, and keeps ten times what it was shown.
struct Hoarder(usize);

impl Machine for Hoarder {
    fn handle_open(&mut self, _id: ConnId, _origin: Origin, _now: Now, _net: &mut Net) {}

    fn handle_bytes(&mut self, _id: ConnId, bytes: &[u8], _now: Now, _net: &mut Net) -> Taken {
        self.0 = 10 * bytes.len();
        let consumed = if bytes.ends_with(b".") { bytes.len() } else { 0 };
        Taken { consumed, next: Next::More { at_least: 1 } }
    }

    fn held_bytes(&self, _id: ConnId) -> usize {
        self.0
    }

    fn handle_close(&mut self, _id: ConnId, _reason: CloseReason, _now: Now, _net: &mut Net) {}

    fn handle_timeout(&mut self, _now: Now, _net: &mut Net) {}

    fn poll_timeout(&self) -> Option<Time> {
        None
    }

    fn refusal(&self, _refusal: Refusal) -> &'static [u8] {
        b""
    }
}

#[test]
fn what_a_machine_keeps_for_a_request_counts() {
    let (mut net, mut machine) = (Net::new(), Hoarder(0));
    net.set_limits(Limits { incomplete_bytes: 100, ..Limits::FULL });
    let (one, other) = (net.insert(), net.insert());
    let mut show =
        |net: &mut Net, id: ConnId, bytes: &[u8]| deliver(&mut machine, net, id, bytes, Now::default());
    assert_eq!(show(&mut net, one, b"abc"), Delivery::Open);
    assert_eq!(net.inbox_bytes(), 3 + 30);
    assert_eq!(show(&mut net, one, b"de"), Delivery::Open);
    assert_eq!(net.inbox_bytes(), 5 + 50);
    assert_eq!(show(&mut net, other, b"fghij"), Delivery::OutOfMemory);
    assert_eq!(net.inbox_bytes(), 5 + 50);
    net.remove(other);
    assert_eq!(show(&mut net, one, b"."), Delivery::Open);
    assert_eq!((net.inbox_bytes(), net.pending()), (0, 0));
    assert_eq!(show(&mut net, one, b"k"), Delivery::Open);
    net.close(one);
    assert_eq!(net.inbox_bytes(), 0);
}
