//! The threads of a run, and what is said between them and the one that leads.
//!
//! ```text
//!           Order: plan, goal, schedule              Told: a slice
//!  leader ──────────────────────────────► thread ───────────────────► leader
//!                                            └────── Done, Failed ────►
//! ```

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::load::crowd::CrowdCounts;
use crate::load::engine::{Connected, Engine, Shared, Wiring};
use crate::load::run::{Done, Order, Told};
use crate::work::keys::Share;

/// What a thread says.
pub(crate) enum Note {
    Connected(Connected),
    Told(Box<Told>),
    Done(Box<Done>, Vec<CrowdCounts>),
    Failed(io::Error),
}

/// Threads with connections, ready for orders.
pub(crate) struct Team {
    orders: Vec<Sender<Order>>,
    notes: Receiver<(usize, Note)>,
    threads: Vec<JoinHandle<()>>,
    /// Threads that have said why they end.
    failed: usize,
    pub(crate) connected: Vec<Connected>,
}

impl Team {
    /// Starts the threads, and waits until all have their connections. The error is the first one's that got none.
    pub(crate) fn connect(wiring: Wiring, threads: usize, shared: &Shared) -> io::Result<Team> {
        let wiring = Arc::new(wiring);
        let (note, notes) = channel();
        let (mut orders, mut handles) = (Vec::new(), Vec::new());
        for thread in 0..threads {
            let (order, inbox) = channel();
            let share = Share { thread: thread as u64, threads: threads as u64 };
            let (wiring, shared, note) = (Arc::clone(&wiring), shared.clone(), note.clone());
            let name = format!("load-{thread}");
            let body = move || work(thread, wiring, share, shared, &inbox, &note);
            handles.push(std::thread::Builder::new().name(name).spawn(body)?);
            orders.push(order);
        }
        drop(note);
        let mut team = Team { orders, notes, threads: handles, failed: 0, connected: Vec::new() };
        let mut failed = None;
        let mut told = 0;
        while told < threads {
            match team.next(Duration::from_secs(1)) {
                None => continue,
                Some((_, Note::Connected(connected))) => team.connected.push(connected),
                Some((_, Note::Failed(error))) => failed = failed.or(Some(error)),
                Some(_) => unreachable!("nothing was ordered yet"),
            }
            told += 1;
        }
        failed.map_or(Ok(team), Err)
    }

    /// Gives every thread its order.
    pub(crate) fn order(&self, orders: Vec<Order>) {
        assert_eq!(orders.len(), self.orders.len(), "one for each thread");
        for (sender, order) in self.orders.iter().zip(orders) {
            // A thread that is gone shows in the missing note.
            let _ = sender.send(order);
        }
    }

    /// The next note; nothing if none comes in time.
    pub(crate) fn next(&mut self, patience: Duration) -> Option<(usize, Note)> {
        let note = match self.notes.recv_timeout(patience) {
            Ok(note) => note,
            Err(RecvTimeoutError::Timeout) if self.ended() <= self.failed => return None,
            // What it had to say before its end may have come in between.
            Err(_) => self.notes.try_recv().expect("a thread of the load has ended by itself"),
        };
        self.failed += usize::from(matches!(note.1, Note::Failed(_)));
        Some(note)
    }

    /// Threads that are no more.
    fn ended(&self) -> usize {
        self.threads.iter().filter(|thread| thread.is_finished()).count()
    }
}

impl Drop for Team {
    /// Ends the threads; what one of them died of is shown by its own panic.
    fn drop(&mut self) {
        self.orders.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn work(
    thread: usize,
    wiring: Arc<Wiring>,
    share: Share,
    shared: Shared,
    orders: &Receiver<Order>,
    notes: &Sender<(usize, Note)>,
) {
    // A leader that has gone away wants no notes any more.
    let say = |note| _ = notes.send((thread, note));
    let mut engine = match Engine::connect(wiring, share, shared) {
        Ok(engine) => engine,
        Err(error) => return say(Note::Failed(error)),
    };
    say(Note::Connected(engine.connected()));
    for order in orders {
        match engine.run(order, &mut |told| say(Note::Told(Box::new(told)))) {
            Ok(done) => say(Note::Done(Box::new(done), engine.crowd_counts())),
            Err(error) => return say(Note::Failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_failed_is_not_missed_while_the_others_are_waited_for() {
        let (note, notes) = channel();
        let (go, wait) = channel::<()>();
        note.send((0, Note::Failed(io::ErrorKind::ConnectionRefused.into()))).unwrap();
        let first = std::thread::spawn(|| {});
        let other = note.clone();
        let second = std::thread::spawn(move || {
            let _ = wait.recv();
            let _ = other.send((1, Note::Failed(io::ErrorKind::TimedOut.into())));
        });
        while !first.is_finished() {
            std::thread::yield_now();
        }
        let threads = vec![first, second];
        let mut team = Team { orders: vec![], notes, threads, failed: 0, connected: vec![] };
        // Dropped before the team, which waits for its threads: a failure here shows and does not hang.
        let go = go;
        assert!(matches!(team.next(Duration::ZERO), Some((0, Note::Failed(_)))));
        assert!(team.next(Duration::ZERO).is_none(), "the second is still at it");
        drop(go);
        let found = std::iter::from_fn(|| Some(team.next(Duration::from_secs(20)))).flatten().next();
        assert!(matches!(found, Some((1, Note::Failed(_)))));
    }
}
