//! Commands about many keys or about servers: each is alone in its session and takes as many steps as it needs.

mod complete;
mod flush;
mod keys;
mod servers;
mod status;

pub(super) use complete::Completion;
pub(super) use flush::Flush;
pub(super) use keys::{Keys, Scan};
pub(super) use servers::{Named, Servers};
pub(super) use status::StatusJob;

use super::desk::{Desk, Ports};
use super::pending::{unavailable_because, warning, write_integer};
use super::session::Session;
use super::store::{Failures, Store};
use crate::broker::engine::Answer;
use crate::conn::ConnId;

pub(super) enum Job {
    /// DBSIZE.
    Count,
    /// KEYS.
    Keys(Keys),
    /// SCAN.
    Scan(Scan),
    /// FLUSHALL.
    Flush(Flush),
    /// A server's command.
    Servers(Servers),
    /// STATUS.
    Status(StatusJob),
    /// How a word may go on.
    Completion(Completion),
}

/// How far a job is.
pub(super) enum Step {
    /// It waits for answers.
    Waits,
    /// It is done.
    Done {
        /// What is printed.
        text: Vec<u8>,
        failed: bool,
        /// The answer depends on servers that may be down.
        warns: bool,
    },
}

impl Step {
    pub(super) fn answer(text: Vec<u8>) -> Step {
        Step::Done { text, failed: false, warns: true }
    }

    pub(super) fn failure(text: String) -> Step {
        let mut text = text.into_bytes();
        text.push(b'\n');
        Step::Done { text, failed: true, warns: false }
    }

    /// Too few servers answer to list or count keys.
    pub(super) fn unavailable(failures: Failures) -> Step {
        let why = unavailable_because(failures);
        Step::failure(format!("UNAVAILABLE: not all keys can be seen: {why}"))
    }
}

impl Job {
    fn begin<S: Store>(&mut self, id: ConnId, desk: &mut Desk, ports: &mut Ports<'_, S>) -> Step {
        match self {
            Job::Count => {
                let ticket = desk.job_ticket(id, 0);
                ports.store.count(ticket, ports.now, ports.net);
                Step::Waits
            }
            Job::Keys(keys) => keys.begin(id, desk, ports),
            Job::Scan(scan) => scan.begin(id, desk, ports),
            Job::Flush(flush) => flush.begin(id, desk, ports),
            Job::Servers(servers) => servers.begin(id, desk, ports),
            Job::Status(status) => status.begin(id, desk, ports),
            Job::Completion(completion) => completion.begin(id, desk, ports),
        }
    }

    fn take<S: Store>(
        &mut self,
        id: ConnId,
        part: u32,
        answer: Answer,
        desk: &mut Desk,
        ports: &mut Ports<'_, S>,
    ) -> Step {
        match (self, answer) {
            (Job::Count, Answer::Count(None)) => Step::unavailable(ports.store.failures()),
            (Job::Count, Answer::Count(Some(count))) => {
                let mut text = Vec::new();
                write_integer(&mut text, count as i64);
                Step::answer(text)
            }
            (Job::Keys(keys), answer) => keys.take(id, answer, desk, ports),
            (Job::Scan(scan), answer) => scan.take(id, part, answer, desk, ports),
            (Job::Flush(flush), answer) => flush.take(id, answer, desk, ports),
            (Job::Servers(servers), Answer::Raw(reply)) => servers.take(part, reply, ports.store),
            (Job::Status(status), Answer::Raw(reply)) => status.take(part, reply, ports),
            (Job::Completion(completion), answer) => completion.take(answer),
            (Job::Count | Job::Servers(_) | Job::Status(_), _) => {
                unreachable!("what is asked is what is answered")
            }
        }
    }
}

impl Session {
    /// Begins a job; nothing is pending.
    pub(super) fn begin_job<S: Store>(&mut self, mut job: Job, desk: &mut Desk, ports: &mut Ports<'_, S>) {
        let step = job.begin(self.id, desk, ports);
        self.step_job(job, step, desk, ports);
    }

    /// An answer for the session's job.
    pub(super) fn take_for_job<S: Store>(
        &mut self,
        part: u32,
        answer: Answer,
        desk: &mut Desk,
        ports: &mut Ports<'_, S>,
    ) {
        // A job may be done before all that it asked for has come.
        let Some(mut job) = self.job.take() else { return };
        let step = job.take(self.id, part, answer, desk, ports);
        self.step_job(job, step, desk, ports);
    }

    fn step_job<S: Store>(&mut self, job: Job, step: Step, desk: &mut Desk, ports: &mut Ports<'_, S>) {
        match step {
            Step::Waits => self.job = Some(job),
            Step::Done { text, failed, warns } => {
                if warns && let Some(warning) = warning(ports.store.failures(), false) {
                    self.warn(&warning, desk, ports.net);
                }
                self.finish_job(&text, failed, desk, ports);
            }
        }
    }
}
