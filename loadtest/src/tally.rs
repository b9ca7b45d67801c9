//! What is counted in a run: answers, latencies, failures and silence.

use hdrhistogram::Histogram;

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
    /// Nanoseconds from the sending of a batch to the reading of the answer; of good answers only.
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
    /// GETs that brought another value than was set.
    pub(crate) wrong_value: u64,
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
}

impl Failures {
    pub(crate) fn errors_total(&self) -> u64 {
        self.errors.iter().map(|(_, count)| count).sum()
    }

    /// Whether anything at all went wrong.
    pub(crate) fn any(&self) -> bool {
        let counts = [self.errors_total(), self.wrong_type, self.wrong_value, self.protocol];
        counts.iter().any(|&count| count > 0) || self.connections_lost > 0
    }
}

/// The longest times without a good answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silence {
    /// When the last good answer came, on any connection.
    heard_at: Nanos,
    /// The longest time in which no connection got a good answer, and when it began.
    pub(crate) longest: Nanos,
    pub(crate) longest_began: Nanos,
    /// The longest time one connection that wanted an answer was without a good one, reconnecting included.
    pub(crate) longest_of_one: Nanos,
}

impl Silence {
    fn new(now: Nanos) -> Silence {
        Silence { heard_at: now, longest: 0, longest_began: now, longest_of_one: 0 }
    }

    fn heard(&mut self, now: Nanos) {
        let silent = now.saturating_sub(self.heard_at);
        if silent > self.longest {
            self.longest = silent;
            self.longest_began = self.heard_at;
        }
        self.heard_at = self.heard_at.max(now);
    }
}

/// Everything that is counted between two points of time.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// By operation of the plan.
    pub(crate) answers: Vec<Answers>,
    pub(crate) failures: Failures,
    pub(crate) silence: Silence,
    began: Nanos,
}

impl Tally {
    pub(crate) fn new(operations: usize, now: Nanos) -> Tally {
        let answers = Answers { good: 0, misses: 0, latency: empty_latencies() };
        let (failures, silence) = (Failures::default(), Silence::new(now));
        Tally { answers: vec![answers; operations], failures, silence, began: now }
    }

    /// Forgets all that was counted: what comes now is the measurement.
    pub(crate) fn restart(&mut self, now: Nanos) {
        for answers in &mut self.answers {
            (answers.good, answers.misses) = (0, 0);
            answers.latency.reset();
        }
        self.failures = Failures::default();
        self.silence = Silence::new(now);
        self.began = now;
    }

    pub(crate) fn began(&self) -> Nanos {
        self.began
    }

    /// Good answers of all operations.
    pub(crate) fn good(&self) -> u64 {
        self.answers.iter().map(|answers| answers.good).sum()
    }

    /// Counts `count` good answers that one connection, last heard at `heard_at`, got at once.
    pub(crate) fn answered(&mut self, operation: usize, count: u64, latency: Nanos) {
        let answers = &mut self.answers[operation];
        answers.good += count;
        answers.latency.saturating_record_n(latency, count);
    }

    /// A good answer came at `now` on a connection that had waited since `wanted_at`.
    pub(crate) fn heard(&mut self, wanted_at: Nanos, now: Nanos) {
        self.silence.heard(now);
        let waited = now.saturating_sub(wanted_at.max(self.began));
        self.silence.longest_of_one = self.silence.longest_of_one.max(waited);
    }

    /// A connection that has waited since `wanted_at` is still waiting at `now`, the end.
    pub(crate) fn still_waiting(&mut self, wanted_at: Nanos, now: Nanos) {
        let waited = now.saturating_sub(wanted_at.max(self.began));
        self.silence.longest_of_one = self.silence.longest_of_one.max(waited);
    }

    /// The measurement ends at `now`: silence that lasts until then counts.
    pub(crate) fn end(&mut self, now: Nanos) {
        self.silence.heard(now);
    }

    #[cold]
    pub(crate) fn error(&mut self, text: &[u8]) {
        let word = text.split(|&byte| byte == b' ').next().unwrap_or_default();
        let class: String = String::from_utf8_lossy(word).chars().take(32).collect();
        let failures = &mut self.failures;
        failures.first_error.get_or_insert_with(|| example(text));
        if let Some((_, count)) = failures.errors.iter_mut().find(|(known, _)| *known == class) {
            *count += 1;
        } else if failures.errors.len() < CLASSES_MAX {
            failures.errors.push((class, 1));
        } else if let Some((known, count)) = failures.errors.last_mut() {
            known.replace_range(.., "others");
            *count += 1;
        }
    }

    #[cold]
    pub(crate) fn wrong_type(&mut self, asked: &str, got: String) {
        self.failures.wrong_type += 1;
        self.failures.first_wrong.get_or_insert_with(|| format!("{asked}: {got}"));
    }

    #[cold]
    pub(crate) fn wrong_value(&mut self, key: u64, text: &[u8]) {
        self.failures.wrong_value += 1;
        self.failures.first_wrong.get_or_insert_with(|| format!("value of key {key}: {}", example(text)));
    }
}

/// The beginning of a text from the network, fit to be shown.
pub(crate) fn example(text: &[u8]) -> String {
    let kept = &text[..text.len().min(EXAMPLE_BYTES_MAX)];
    kept.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_the_longest_time_between_good_answers_and_to_the_end() {
        let mut tally = Tally::new(1, 100);
        tally.heard(100, 110);
        tally.heard(100, 150);
        tally.heard(110, 155);
        assert_eq!((tally.silence.longest, tally.silence.longest_began), (40, 110));
        assert_eq!(tally.silence.longest_of_one, 50);
        tally.end(300);
        assert_eq!((tally.silence.longest, tally.silence.longest_began), (145, 155));
        tally.restart(400);
        tally.heard(50, 410);
        assert_eq!(
            (tally.silence.longest, tally.silence.longest_of_one),
            (10, 10),
            "counted from the restart"
        );
    }

    #[test]
    fn errors_are_counted_by_class_and_their_number_is_bounded() {
        let mut tally = Tally::new(1, 0);
        tally.error(b"READONLY this server belongs to a cluster");
        tally.error(b"ERR no such thing");
        tally.error(b"READONLY again");
        let counted: Vec<(&str, u64)> =
            tally.failures.errors.iter().map(|(class, count)| (class.as_str(), *count)).collect();
        assert_eq!(counted, [("READONLY", 2), ("ERR", 1)]);
        assert_eq!(tally.failures.first_error.as_deref(), Some("READONLY this server belongs to a cluster"));
        (0..1_000).for_each(|index| tally.error(format!("E{index} x").as_bytes()));
        assert_eq!(tally.failures.errors.len(), CLASSES_MAX);
        assert_eq!(tally.failures.errors_total(), 1_003);
        assert!(tally.failures.any());
    }
}
