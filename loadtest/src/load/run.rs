//! One run on a thread's reactor: the turn of the loop, what is sent when, and when it ends.
//!
//! A turn: wait for readiness, read what came, count it, and send. In a closed loop a connection whose batch is answered
//! gets the next one at once; in an open loop what is due goes to the connections that have room, in turn. The clock is
//! read once for every read: an answer's latency ends when it was read.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _};
use std::time::Duration;

use crate::load::connection::{Fault, Flight, Intake, Link};
use crate::load::engine::Engine;
use crate::load::schedule::{Arrivals, Schedule};
use crate::truth::cpu;
use crate::truth::tally::{Nanos, Slice};
use crate::work::Plan;

/// Between two looks at timeouts and signals when nothing happens.
const TICK: Duration = Duration::from_millis(100);
/// Between two looks at connections that are down: silence is measured, so ours must not add to it.
const REDIAL_TICK: Duration = Duration::from_millis(2);
/// Due requests that one turn sends before it looks at answers again.
const SENT_PER_TURN: u64 = 4_096;

/// When a run ends; with neither, by a signal only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    /// Answers in this time are not counted.
    pub(crate) warmup: Duration,
    pub(crate) duration: Option<Duration>,
    /// This thread's requests.
    pub(crate) requests: Option<u64>,
}

/// Why a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    Finished,
    Interrupted,
    /// No connection could be made for as long as the timeout, and only answers could have ended the run.
    TargetGone,
}

/// What a thread is to do.
pub(crate) struct Order {
    pub(crate) plan: Plan,
    pub(crate) goal: Goal,
    /// Of an open loop.
    pub(crate) schedule: Option<(Schedule, u64)>,
    pub(crate) start: Nanos,
    /// How long a slice is.
    pub(crate) interval: Nanos,
}

/// What is left when it is done.
pub(crate) struct Done {
    pub(crate) plan: Plan,
    pub(crate) ending: Ending,
    pub(crate) ended: Nanos,
    /// Requests that had no answer yet, and since when the oldest of them was due.
    pub(crate) unfinished: u64,
    pub(crate) oldest_due: Option<Nanos>,
    /// Requests that were due and not sent.
    pub(crate) backlog: u64,
    /// Since when somebody has waited for a good answer.
    pub(crate) waiting_since: Option<Nanos>,
    /// Connections that had a good answer.
    pub(crate) heard: usize,
}

/// A slice of a run, and whether it is of the measurement.
pub(crate) struct Told {
    pub(crate) index: u64,
    pub(crate) measuring: bool,
    pub(crate) slice: Slice,
}

/// What changes while a plan is carried out.
pub(crate) struct Run<'r> {
    pub(crate) plan: Plan,
    pub(crate) slice: Slice,
    goal: Goal,
    interval: Nanos,
    measuring: bool,
    /// When the phase began: the warm-up, or the measurement.
    began: Nanos,
    slice_index: u64,
    slice_end: Nanos,
    cpu_before: (Duration, Duration),
    tell: &'r mut dyn FnMut(Told),
    /// Requests that may still be sent.
    budget: u64,
    pub(crate) in_flight: u64,
    /// Connections that are not up, and since when all of them have been so.
    pub(crate) down: usize,
    pub(crate) all_down_since: Option<Nanos>,
    looked_at: Nanos,
    /// When the last wait for events ended.
    woke: Nanos,
    arrivals: Option<Arrivals>,
    /// Connections with room, in an open loop; when there was none, and when there was one again.
    ready: VecDeque<usize>,
    starved: bool,
    free_since: Nanos,
}

impl Engine {
    /// Carries out a plan. Slices are told as they end.
    pub(crate) fn run(&mut self, order: Order, tell: &mut dyn FnMut(Told)) -> io::Result<Done> {
        let mut events = self.events.take().expect("put back after every use");
        let mut run = Run::new(order, self.share, tell);
        run.down = self.connections.iter().filter(|one| !one.is_up()).count();
        self.begin(&mut run);
        let ending = loop {
            let now = self.now();
            if let Some(ending) = self.look_around(&mut run, now) {
                break ending;
            }
            let patience = self.patience(&mut run, now)?;
            match self.poll.poll(&mut events, Some(patience)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            run.woke = self.now();
            if run.woke >= run.slice_end {
                // What comes now belongs to the next slice: a fault strikes between the two.
                run.hand_over(run.woke, self.connections.len());
            }
            for event in &events {
                self.on_event(&mut run, event);
            }
            if run.arrivals.is_some() {
                self.send_due(&mut run);
            }
        };
        self.events = Some(events);
        Ok(self.finish(run, ending))
    }

    /// Gives every connection that is up its first batch.
    fn begin(&mut self, run: &mut Run<'_>) {
        let now = self.now();
        for connection in &mut self.connections {
            connection.heard = false;
            connection.queued = false;
            connection.followers.clear();
            connection.wants_from(now);
        }
        for index in std::mem::take(&mut self.early) {
            if index < self.connections.len() {
                self.on_readable(run, index, true);
            }
        }
        if run.goal.warmup.is_zero() {
            self.begin_measuring(run);
        }
        for index in 0..self.connections.len() {
            let now = self.now();
            self.go_on(run, index, now);
        }
    }

    /// What is counted from here on is the measurement.
    fn begin_measuring(&mut self, run: &mut Run<'_>) {
        run.hand_over(self.now(), self.connections.len());
        run.began += run.goal.warmup.as_nanos() as Nanos;
        run.measuring = true;
        run.budget = run.goal.requests.unwrap_or(u64::MAX);
        (run.slice_index, run.slice_end) = (0, run.began + run.interval);
        self.shared.hearing.restart(run.began);
        self.crowd.storm_from(run.began);
    }

    /// What is done between two waits: phases, ends, slices, dials and timeouts.
    fn look_around(&mut self, run: &mut Run<'_>, now: Nanos) -> Option<Ending> {
        if self.shared.stopped() {
            return Some(Ending::Interrupted);
        }
        let running = Duration::from_nanos(now.saturating_sub(run.began));
        if !run.measuring && running >= run.goal.warmup {
            self.begin_measuring(run);
        } else if run.measuring && run.goal.duration.is_some_and(|duration| running >= duration) {
            return Some(Ending::Finished);
        }
        if now >= run.slice_end {
            run.hand_over(now, self.connections.len());
        }
        let all_sent = run.arrivals.as_ref().is_some_and(|arrivals| arrivals.due().is_none());
        if (run.budget == 0 || all_sent && run.goal.duration.is_none()) && run.in_flight == 0 {
            return Some(Ending::Finished);
        }
        let tick = self.tick(run);
        if now >= run.looked_at + tick.as_nanos() as Nanos {
            run.looked_at = now;
            self.tend_connections(run, now);
            self.crowd.tick(self.address, now, self.poll.registry());
        }
        let gone_for = now.saturating_sub(run.all_down_since?);
        let gone = gone_for > self.wiring.timeout.as_nanos() as Nanos && run.goal.duration.is_none();
        gone.then_some(Ending::TargetGone)
    }

    fn tick(&self, run: &Run<'_>) -> Duration {
        if run.down > 0 || self.crowd.is_busy() { REDIAL_TICK } else { TICK }
    }

    /// How long to wait for events.
    fn patience(&mut self, run: &mut Run<'_>, now: Nanos) -> io::Result<Duration> {
        let until = if run.measuring { run.goal.duration } else { Some(run.goal.warmup) };
        let running = Duration::from_nanos(now.saturating_sub(run.began));
        let left = until.map_or(Duration::MAX, |until| until.saturating_sub(running));
        let patience = self.tick(run).min(left).min(Duration::from_nanos(run.slice_end.saturating_sub(now)));
        match run.arrivals.as_ref().and_then(Arrivals::due) {
            Some(due) if !run.ready.is_empty() && run.budget > 0 => self.alarm.wait_until(due, now, patience),
            _ => Ok(patience),
        }
    }

    /// Reads what is there. `closed`: the stream may end behind it, and no further event would tell.
    pub(crate) fn on_readable(&mut self, run: &mut Run<'_>, index: usize, closed: bool) {
        loop {
            let connection = &mut self.connections[index];
            let Link::Up(stream) = &mut connection.link else { return };
            let outcome = stream.read(&mut self.read);
            let now = self.shared.clock.now();
            let count = match outcome {
                Ok(0) => return self.lose(run, index, Fault::Closed, now),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.lose(run, index, Fault::Closed, now),
            };
            let mut intake = Intake {
                plan: &mut run.plan,
                slice: &mut run.slice,
                hearing: &self.shared.hearing,
                open_loop: run.arrivals.is_some(),
                began: run.began,
            };
            if run.arrivals.is_none() {
                // So long has this answer waited for us, while we saw to others.
                intake.slice.lag.saturating_record(now.saturating_sub(run.woke));
            }
            let (answered, outcome) = connection.take(&self.read[..count], now, &mut intake);
            run.in_flight -= answered as u64;
            if let Err(fault) = outcome {
                return self.lose(run, index, fault, now);
            }
            self.go_on(run, index, now);
            // A read that did not fill the buffer has emptied the socket.
            if count < self.read.len() && !closed {
                return;
            }
        }
    }

    /// Something was answered, or a connection came up: what it may do next.
    pub(crate) fn go_on(&mut self, run: &mut Run<'_>, index: usize, now: Nanos) {
        let connection = &self.connections[index];
        let (in_flight, used) = (connection.in_flight(), connection.used);
        if in_flight == 0 && self.wiring.churn.is_some_and(|churn| used >= churn) && run.budget > 0 {
            return self.renew(run, index, now);
        }
        if run.arrivals.is_none() {
            if in_flight == 0 {
                self.send_batch(run, index, now);
            }
        } else {
            if !self.connections[index].followers.is_empty() {
                self.send_batch(run, index, now);
            }
            self.offer(run, index, now);
        }
    }

    /// How many requests a connection may still take.
    fn room(&self, index: usize) -> u64 {
        let connection = &self.connections[index];
        let left = self.wiring.churn.map_or(u64::MAX, |churn| churn.saturating_sub(connection.used));
        let free = self.wiring.pipeline.saturating_sub(connection.in_flight()) as u64;
        if connection.is_up() { free.min(left) } else { 0 }
    }

    fn offer(&mut self, run: &mut Run<'_>, index: usize, now: Nanos) {
        if self.connections[index].queued || self.room(index) == 0 {
            return;
        }
        self.connections[index].queued = true;
        run.ready.push_back(index);
        if std::mem::take(&mut run.starved) {
            run.free_since = now;
        }
    }

    /// Sends the next batch of a closed loop, or what follows an answer in an open one.
    fn send_batch(&mut self, run: &mut Run<'_>, index: usize, now: Nanos) {
        let size = if run.arrivals.is_some() { 0 } else { self.room(index).min(run.budget) };
        let connection = &mut self.connections[index];
        if !connection.is_up() || size == 0 && connection.followers.is_empty() {
            return;
        }
        self.requests.clear();
        let followers = (run.budget.min(connection.followers.len() as u64)) as usize;
        for at in 0..followers {
            let (operation, key) = connection.followers[at];
            let asked = run.plan.append_follower(operation, key, &mut self.requests);
            connection.note(Flight { asked, due: now, sent: now });
        }
        connection.followers.clear();
        for _ in followers as u64..size {
            let asked = run.plan.append_next(&mut self.requests);
            connection.note(Flight { asked, due: now, sent: now });
        }
        run.sent((followers as u64).max(size));
        if let Err(fault) = connection.send(&self.requests, self.poll.registry()) {
            self.lose(run, index, fault, now);
        }
    }

    /// Sends what is due, to the connections that have room, in turn.
    fn send_due(&mut self, run: &mut Run<'_>) {
        let mut sent = 0;
        while sent < SENT_PER_TURN && run.budget > 0 {
            let now = self.now();
            if run.due_by(now).is_none() {
                return;
            }
            let Some(index) = run.ready.pop_front() else {
                run.starved = true;
                return;
            };
            self.connections[index].queued = false;
            let room = self.room(index).min(run.budget);
            let count = self.send_due_to(run, index, room, now);
            sent += count;
            self.offer(run, index, now);
        }
    }

    fn send_due_to(&mut self, run: &mut Run<'_>, index: usize, room: u64, now: Nanos) -> u64 {
        let connection = &mut self.connections[index];
        self.requests.clear();
        let mut count = 0;
        while count < room
            && let Some(due) = run.due_by(now)
        {
            run.arrivals.as_mut().expect("an open loop").advance();
            let asked = run.plan.append_next(&mut self.requests);
            connection.note(Flight { asked, due, sent: now });
            run.slice.lag.saturating_record(now.saturating_sub(due.max(run.free_since)));
            count += 1;
        }
        run.sent(count);
        if count > 0
            && let Err(fault) = connection.send(&self.requests, self.poll.registry())
        {
            self.lose(run, index, fault, now);
        }
        count
    }

    fn finish(&mut self, mut run: Run<'_>, ending: Ending) -> Done {
        if !run.measuring {
            // Nothing was measured, and that is what is told.
            self.begin_measuring(&mut run);
        }
        let now = self.now();
        let waiting = self.connections.iter().filter_map(|one| match run.arrivals.is_some() {
            true => one.plan_flights().map(|flight| flight.due).min(),
            false => one.waiting_since(),
        });
        let waiting: Vec<Nanos> = waiting.collect();
        let oldest_due =
            self.connections.iter().flat_map(|one| one.plan_flights().map(|flight| flight.due)).min();
        let first_due = run.due_by(now);
        let mut backlog = 0;
        while run.due_by(now).is_some() {
            run.arrivals.as_mut().expect("an open loop").advance();
            backlog += 1;
        }
        let waiting_since = waiting.iter().copied().chain(first_due).min();
        if run.arrivals.is_none()
            && let Some(since) = waiting_since
        {
            let waited = now.saturating_sub(since.max(run.began));
            run.slice.longest_of_one = run.slice.longest_of_one.max(waited);
        }
        run.hand_over(now, self.connections.len());
        self.forget_flights(&mut run.plan);
        Done {
            unfinished: run.in_flight,
            plan: run.plan,
            ending,
            ended: now,
            oldest_due,
            backlog,
            waiting_since,
            heard: self.connections.iter().filter(|one| one.heard).count(),
        }
    }

    /// A run that did not wait for its last answers leaves connections that the next one cannot use.
    fn forget_flights(&mut self, plan: &mut Plan) {
        let now = self.now();
        for connection in &mut self.connections {
            if connection.plan_flights().next().is_some() {
                connection.plan_flights().for_each(|flight| plan.forget(flight.asked));
                connection.drop_link(now);
            }
        }
    }
}

impl<'r> Run<'r> {
    fn new(order: Order, share: crate::work::keys::Share, tell: &'r mut dyn FnMut(Told)) -> Run<'r> {
        let Order { plan, goal, schedule, start, interval } = order;
        let arrivals = schedule.map(|(schedule, seed)| {
            let warm = schedule.behind_warmup(goal.warmup.as_secs_f64());
            Arrivals::new(warm, share, seed, start)
        });
        Run {
            slice: Slice::new(plan.operations.len(), start),
            plan,
            goal,
            interval,
            measuring: false,
            began: start,
            slice_index: 0,
            slice_end: start + interval,
            cpu_before: cpu::own_thread(),
            tell,
            budget: u64::MAX,
            in_flight: 0,
            down: 0,
            all_down_since: None,
            looked_at: start,
            woke: start,
            arrivals,
            ready: VecDeque::new(),
            starved: false,
            free_since: start,
        }
    }

    fn sent(&mut self, count: u64) {
        self.budget -= if self.budget == u64::MAX { 0 } else { count };
        self.in_flight += count;
        self.slice.sent += count;
    }

    /// When the next request is due, if that is not later than `now`.
    fn due_by(&self, now: Nanos) -> Option<Nanos> {
        self.arrivals.as_ref().and_then(Arrivals::due).filter(|&due| due <= now)
    }

    /// Hands the slice over and begins the next one.
    fn hand_over(&mut self, now: Nanos, connections: usize) {
        let next = Slice::new(self.plan.operations.len(), now);
        let mut slice = std::mem::replace(&mut self.slice, next);
        let (cpu, queued) = cpu::own_thread();
        slice.cpu = cpu.saturating_sub(self.cpu_before.0).as_nanos() as Nanos;
        slice.queued = queued.saturating_sub(self.cpu_before.1).as_nanos() as Nanos;
        self.cpu_before = (cpu, queued);
        slice.ended = now;
        slice.up = connections - self.down;
        (self.tell)(Told { index: self.slice_index, measuring: self.measuring, slice });
        // A thread that was away for long leaves slices out; they are empty.
        self.slice_index = now.saturating_sub(self.began) / self.interval;
        self.slice_end = self.began + (self.slice_index + 1) * self.interval;
    }
}
