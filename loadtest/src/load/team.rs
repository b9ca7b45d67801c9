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
        let mut team = Team { orders, notes, threads: handles, connected: Vec::new() };
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
        match self.notes.recv_timeout(patience) {
            Ok(note) => Some(note),
            Err(RecvTimeoutError::Timeout) if !self.threads.iter().any(JoinHandle::is_finished) => None,
            // What it had to say before its end may have come in between.
            Err(_) => Some(self.notes.try_recv().expect("a thread of the load has ended by itself")),
        }
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
