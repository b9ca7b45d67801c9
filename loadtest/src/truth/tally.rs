//! What is counted in a run: answers, latencies and failures, slice by slice.
//!
//! ```text
//!  thread 1   ├ slice ┼ slice ┼ slice ┤      every thread hands a slice over when its time is up;
//!  thread 2   ├ slice ┼ slice ┼ slice ┤      slices of one time are one row of the record, all of them its totals
//! ```

use hdrhistogram::Histogram;

use crate::truth::silence::Gaps;
use crate::work::OPERATIONS_MAX;

/// Nanoseconds on the run's own clock.
pub(crate) type Nanos = u64;

const LATENCY_NANOS_MAX: u64 = 3_600_000_000_000;
/// Error classes told apart; a target that makes up more of them has them counted together.
const CLASSES_MAX: usize = 32;
/// Bytes of a reply that are kept as an example.
const EXAMPLE_BYTES_MAX: usize = 200;

/// Good answers to one kind of request.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    pub(crate) good: u64,
    /// Those among them that found nothing.
    pub(crate) misses: u64,
    /// Response times of good answers: from when the request was due to the reading of its answer.
    pub(crate) latency: Histogram<u64>,
}

/// An empty histogram of latencies: three significant digits from a nanosecond to an hour.
pub(crate) fn empty_latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NANOS_MAX, 3).expect("bounds that the crate accepts")
}

/// What went wrong.
#[derive(Clone, Default, Debug)]
pub(crate) struct Failures {
    /// Error replies by their first word, in the order of their first coming.
    pub(crate) errors: Vec<(String, u64)>,
    pub(crate) first_error: Option<String>,
    /// Answers of a kind that the request cannot have.
    pub(crate) wrong_type: u64,
    /// Reads that brought a value that was never written to their key.
    pub(crate) wrong_value: u64,
    /// Reads that brought an older value than must have been there.
    pub(crate) stale: u64,
    /// Reads that found nothing where a write had been answered.
    pub(crate) lost: u64,
    pub(crate) first_wrong: Option<String>,
    /// Connections on which something came that is not RESP, or an answer that nobody had asked for.
    pub(crate) protocol: u64,
    /// Connections closed because an answer was too long in coming.
    pub(crate) timeouts: u64,
    /// Connections lost, for these two reasons or because the target closed them.
    pub(crate) connections_lost: u64,
    /// Requests that were in flight on them.
    pub(crate) requests_lost: u64,
    /// Connections made again.
    pub(crate) reconnects: u64,
    /// Dials that were refused or timed out.
    pub(crate) dials_failed: u64,
    pub(crate) first_dial_error: Option<String>,
}

impl Failures {
    pub(crate) fn errors_total(&self) -> u64 {
        self.errors.iter().map(|(_, count)| count).sum()
    }

    /// Everything that is wrong with answers and connections, in one number.
    pub(crate) fn total(&self) -> u64 {
        self.errors_total()
            + self.wrong_type
            + self.wrong_value
            + self.stale
            + self.lost
            + self.connections_lost
    }

    /// Whether anything at all went wrong.
    pub(crate) fn any(&self) -> bool {
        self.total() > 0
    }

    #[cold]
    pub(crate) fn error(&mut self, text: &[u8]) {
        let word = text.split(|&byte| byte == b' ').next().unwrap_or_default();
        let class: String = String::from_utf8_lossy(word).chars().take(32).collect();
        self.first_error.get_or_insert_with(|| example(text));
        self.add_errors(&class, 1);
    }

    fn add_errors(&mut self, class: &str, more: u64) {
        if let Some((_, count)) = self.errors.iter_mut().find(|(known, _)| known == class) {
            *count += more;
        } else if self.errors.len() < CLASSES_MAX {
            self.errors.push((class.to_owned(), more));
        } else if let Some((known, count)) = self.errors.last_mut() {
            known.replace_range(.., "others");
            *count += more;
        }
    }

    pub(crate) fn merge(&mut self, other: &Failures) {
        other.errors.iter().for_each(|(class, count)| self.add_errors(class, *count));
        for (mine, more) in [
            (&mut self.wrong_type, other.wrong_type),
            (&mut self.wrong_value, other.wrong_value),
            (&mut self.stale, other.stale),
            (&mut self.lost, other.lost),
            (&mut self.protocol, other.protocol),
            (&mut self.timeouts, other.timeouts),
            (&mut self.connections_lost, other.connections_lost),
            (&mut self.requests_lost, other.requests_lost),
            (&mut self.reconnects, other.reconnects),
            (&mut self.dials_failed, other.dials_failed),
        ] {
            *mine += more;
        }
        for (mine, theirs) in [
            (&mut self.first_error, &other.first_error),
            (&mut self.first_wrong, &other.first_wrong),
            (&mut self.first_dial_error, &other.first_dial_error),
        ] {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
    }
}

/// Everything that one thread counts in one stretch of time.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    pub(crate) began: Nanos,
    pub(crate) ended: Nanos,
    /// By operation of the plan.
    pub(crate) answers: Vec<Answers>,
    /// From the sending of a request to the reading of its answer; of an open loop only.
    pub(crate) service: Histogram<u64>,
    /// How late this program itself was: with what was due, or with answers that lay ready.
    pub(crate) lag: Histogram<u64>,
    /// From a dial to its connection, of churn.
    pub(crate) connect: Histogram<u64>,
    pub(crate) failures: Failures,
    pub(crate) gaps: Gaps,
    /// The longest time one connection that wanted an answer was without a good one, reconnecting included.
    pub(crate) longest_of_one: Nanos,
    /// Requests sent.
    pub(crate) sent: u64,
    /// Connections that are up at the end.
    pub(crate) up: usize,
    /// CPU time of the thread, and its time in the queue for a core.
    pub(crate) cpu: Nanos,
    pub(crate) queued: Nanos,
}

impl Slice {
    pub(crate) fn new(operations: usize, now: Nanos) -> Slice {
        assert!(operations <= OPERATIONS_MAX);
        let answers = (0..operations).map(|_| Answers { good: 0, misses: 0, latency: empty_latencies() });
        Slice {
            began: now,
            ended: now,
            answers: answers.collect(),
            service: empty_latencies(),
            lag: empty_latencies(),
            connect: empty_latencies(),
            failures: Failures::default(),
            gaps: Gaps::default(),
            longest_of_one: 0,
            sent: 0,
            up: 0,
            cpu: 0,
            queued: 0,
        }
    }

    /// Good answers of all operations.
    pub(crate) fn good(&self) -> u64 {
        self.answers.iter().map(|answers| answers.good).sum()
    }

    /// Counts `count` good answers that took so long each.
    #[inline]
    pub(crate) fn answered(&mut self, operation: usize, count: u64, latency: Nanos) {
        let answers = &mut self.answers[operation];
        answers.good += count;
        answers.latency.saturating_record_n(latency, count);
    }

    /// Takes in another slice: of the same time and another thread, or of a later time.
    pub(crate) fn merge(&mut self, other: &Slice) {
        const SAME: &str = "histograms of the same bounds";
        for (mine, theirs) in self.answers.iter_mut().zip(&other.answers) {
            mine.good += theirs.good;
            mine.misses += theirs.misses;
            mine.latency.add(&theirs.latency).expect(SAME);
        }
        self.service.add(&other.service).expect(SAME);
        self.lag.add(&other.lag).expect(SAME);
        self.connect.add(&other.connect).expect(SAME);
        self.failures.merge(&other.failures);
        self.gaps.merge(&other.gaps);
        self.longest_of_one = self.longest_of_one.max(other.longest_of_one);
        self.began = self.began.min(other.began);
        self.ended = self.ended.max(other.ended);
        self.sent += other.sent;
        self.cpu += other.cpu;
        self.queued += other.queued;
    }

    /// Response times of all operations.
    pub(crate) fn latencies(&self) -> Histogram<u64> {
        let mut all = empty_latencies();
        for answers in self.answers.iter().filter(|answers| answers.good > 0) {
            all.add(&answers.latency).expect("histograms of the same bounds");
        }
        all
    }

    #[cold]
    pub(crate) fn wrong_type(&mut self, asked: &str, got: String) {
        self.failures.wrong_type += 1;
        self.failures.first_wrong.get_or_insert_with(|| format!("{asked}: {got}"));
    }
}

/// The beginning of a text from the network, fit to be shown.
pub(crate) fn example(text: &[u8]) -> String {
    let kept = &text[..text.len().min(EXAMPLE_BYTES_MAX)];
    let mut text = String::new();
    for &byte in kept {
        match byte {
            b' '..=b'~' => text.push(byte.into()),
            byte => text.extend(byte.escape_ascii().map(char::from)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_by_class_and_their_number_is_bounded() {
        let mut failures = Failures::default();
        failures.error(b"READONLY this server belongs to a cluster");
        failures.error(b"ERR no such thing");
        failures.error(b"READONLY again");
        let counted: Vec<(&str, u64)> =
            failures.errors.iter().map(|(class, count)| (class.as_str(), *count)).collect();
        assert_eq!(counted, [("READONLY", 2), ("ERR", 1)]);
        assert_eq!(failures.first_error.as_deref(), Some("READONLY this server belongs to a cluster"));
        (0..1_000).for_each(|index| failures.error(format!("E{index} x").as_bytes()));
        assert_eq!(failures.errors.len(), CLASSES_MAX);
        assert_eq!(failures.errors_total(), 1_003);
        let mut sum = Failures::default();
        sum.merge(&failures);
        sum.merge(&failures);
        assert_eq!((sum.errors_total(), sum.first_error), (2_006, failures.first_error));
    }

    #[test]
    fn slices_add_up() {
        let mut whole = Slice::new(2, 100);
        for began in [100, 200] {
            let mut slice = Slice::new(2, began);
            slice.answered(0, 3, 1_000);
            slice.answered(1, 1, 9_000_000);
            (slice.ended, slice.longest_of_one, slice.sent) = (began + 100, began, 4);
            whole.merge(&slice);
        }
        assert_eq!((whole.good(), whole.sent, whole.longest_of_one), (8, 8, 200));
        assert_eq!((whole.began, whole.ended), (100, 300));
        let all = whole.latencies();
        assert_eq!((all.len(), all.min()), (8, 1_000));
        assert!(all.max() >= 9_000_000);
    }
}
