//! Local feeds: order, back-pressure, ends.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what was taken from it.
struct Source {
    text: io::Cursor<Vec<u8>>,
    taken: Arc<AtomicUsize>,
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.text.read(into)?;
        self.taken.fetch_add(count, Ordering::SeqCst);
        Ok(count)
    }
}

fn source(text: Vec<u8>) -> (Source, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    (Source { text: io::Cursor::new(text), taken: Arc::clone(&taken) }, taken)
}

/// A sink whose bytes a test can take, one permission at a time.
struct Gate {
    permits: Receiver<()>,
    written: Sender<Vec<u8>>,
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.permits.recv().map_err(|_| ErrorKind::BrokenPipe)?;
        self.written.send(bytes.to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn gate() -> (Gate, Sender<()>, Receiver<Vec<u8>>) {
    let (permits, gate) = channel();
    let (written, out) = channel();
    (Gate { permits: gate, written }, permits, out)
}

fn collect(out: &Receiver<Vec<u8>>) -> Vec<u8> {
    out.iter().flatten().collect()
}

#[test]
fn a_source_runs_through_the_machine_into_its_sink() {
    let text: Vec<u8> = (0..200_000).flat_map(|i| format!("line {i}\n").into_bytes()).collect();
    let (gate, permits, out) = gate();
    let (source, taken) = source([&text[..], b"stop 0\n"].concat());
    let length = text.len() + 7;
    let running = Running::with(10, |reactor, _| {
        reactor.add_feed(9, source, Sink::Writer(Box::new(gate))).unwrap();
    });
    let origin = running.wait(|told| match told {
        Told::Open(_, origin) => Some(*origin),
        _ => None,
    });
    assert_eq!(origin, Origin::Local { feed: 9 });
    (0..text.len()).for_each(|_| permits.send(()).unwrap());
    assert_eq!(running.status(), 0);
    // Nothing was lost by the end: `run` returned after the last byte was written.
    assert_eq!(out.try_iter().flatten().collect::<Vec<u8>>(), text);
    assert_eq!(taken.load(Ordering::SeqCst), length);
}

#[test]
fn a_stalled_machine_stops_the_source() {
    const SIZE: usize = 64 << 20;
    let text = [b"stall\n".to_vec(), b"0123456\n".repeat(SIZE / 8)].concat();
    let (source, taken) = source(text);
    let running = Running::with(10, |reactor, _| reactor.add_feed(1, source, Sink::Discard).unwrap());
    running.wait(|told| matches!(told, Told::Line(..)).then_some(()));
    let client = running.client();
    // The thread fills its channel and stands still there: wait for that, then see that it does.
    let mut before = usize::MAX;
    while before != taken.load(Ordering::SeqCst) {
        before = taken.load(Ordering::SeqCst);
        (0..100).for_each(|_| assert_eq!(ask(&client, "turn"), "turn"));
    }
    assert!(before <= 4 << 20, "{before} bytes were read ahead");
    (&client).write_all(b"resume\n").unwrap();
    running.wait(|told| matches!(told, Told::Eof(..)).then_some(()));
    assert_eq!(taken.load(Ordering::SeqCst), SIZE + 6);
}

#[test]
fn a_sink_that_stands_still_stops_the_source() {
    const COUNT: usize = 1_000;
    let (gate, permits, out) = gate();
    let (source, taken) = source("big 65536\n".repeat(COUNT).into_bytes());
    let running = Running::with(10, |reactor, machine| {
        machine.budget = 1;
        reactor.add_feed(1, source, Sink::Writer(Box::new(gate))).unwrap();
    });
    let client = running.client();
    let (mut before, mut handled) = (0, 0);
    while handled == 0 || before != handled {
        before = handled;
        (0..100).for_each(|_| assert_eq!(ask(&client, "turn"), "turn"));
        let told = running.events.try_iter();
        handled += told.filter(|t| matches!(t, Told::Line(_, line) if line.starts_with("big"))).count();
    }
    assert!(handled < 100, "{handled} answers were made for a sink that takes none");
    assert_eq!(taken.load(Ordering::SeqCst), COUNT * 10, "small enough for one read");
    (0..COUNT * 2).for_each(|_| permits.send(()).unwrap());
    running.wait(|told| matches!(told, Told::Eof(..)).then_some(()));
    drop(running);
    let all = collect(&out);
    assert_eq!(all.len(), COUNT << 16);
    assert!(all.chunks(1 << 16).all(|answer| answer == &all[..1 << 16]));
}

#[test]
fn a_broken_pipe_ends_the_process_quietly() {
    let (gate, permits, out) = gate();
    let (source, _) = source(b"some\n".to_vec());
    let running = Running::with(10, |reactor, machine| {
        machine.closes_at_eof = false;
        reactor.add_feed(1, source, Sink::Writer(Box::new(gate))).unwrap();
    });
    drop(out);
    permits.send(()).unwrap();
    assert_eq!(running.wait_close(), CloseReason::Lost(ErrorKind::BrokenPipe));
    assert_eq!(running.status(), 0);
}

#[test]
fn a_source_that_fails_is_told() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::InvalidData.into())
        }
    }
    let running = Running::with(10, |reactor, _| reactor.add_feed(1, Fails, Sink::Discard).unwrap());
    assert_eq!(running.wait_close(), CloseReason::Lost(ErrorKind::InvalidData));
    assert_eq!(ask(&running.client(), "alive"), "alive");
}

#[test]
fn another_thread_asks_and_gets_answers_through_a_handle() {
    let mut handle = None;
    let running = Running::with(10, |reactor, _| handle = Some(reactor.add_handle(4)));
    let handle = handle.unwrap();
    for round in 0..100 {
        handle.sender.send(format!("round {round}\n").into_bytes()).unwrap();
        let mut answer = vec![];
        while !answer.ends_with(b"\n") {
            answer.extend(handle.receiver.recv_timeout(PATIENCE).unwrap().expect("in time"));
        }
        assert_eq!(answer, format!("round {round}\n").into_bytes());
    }
    handle.sender.send(b"big 5000000\n".to_vec()).unwrap();
    drop(handle.sender);
    let mut answer = vec![];
    while let Some(piece) = handle.receiver.recv() {
        answer.extend(piece);
    }
    assert_eq!(answer.len(), 5_000_000);
    running.wait(|told| matches!(told, Told::Eof(_, unread) if unread.is_empty()).then_some(()));
}

#[test]
fn a_handle_hears_of_the_end() {
    let mut handle = None;
    let running = Running::with(10, |reactor, _| handle = Some(reactor.add_handle(4)));
    let handle = handle.unwrap();
    handle.sender.send(b"last\nstop 0\n".to_vec()).unwrap();
    assert_eq!(handle.receiver.recv().as_deref(), Some(&b"last\n"[..]));
    assert_eq!(handle.receiver.recv(), None);
    assert_eq!(running.status(), 0);
    assert_eq!(handle.sender.send(b"late\n".to_vec()), Err(feed::FeedClosed));
}

#[test]
fn a_dropped_receiver_is_told() {
    let mut handle = None;
    let running = Running::with(10, |reactor, _| handle = Some(reactor.add_handle(4)));
    let handle = handle.unwrap();
    drop(handle.receiver);
    assert_eq!(running.wait_close(), CloseReason::Lost(ErrorKind::BrokenPipe));
    assert_eq!(ask(&running.client(), "alive"), "alive");
    drop(handle.sender);
}
