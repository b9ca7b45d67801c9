//! What a run is like: every seed draws its own shape, rates and kinds of trouble.
//!
//! Most faults are left out of most runs. A run with all of them at once never gets far enough to show what two of
//! them do together.

use crate::history::{Call, FIELDS};
use crate::world::Weather;
use hedgerow::rng::Rng;
use hedgerow::time::Span;

/// What may go wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    /// A server dies and comes back empty.
    CrashServer,
    /// A broker dies; another process takes its place.
    CrashBroker,
    /// A process does nothing for a while.
    FreezeServer,
    FreezeBroker,
    /// One broker and one server do not hear each other, or one does not hear the other.
    CutOne,
    /// A server is cut off from all.
    CutServer,
    /// One broker sees one server alone, and nobody else sees that server.
    Island,
    /// A connection is reset.
    Reset,
    /// One connection delivers nothing for a while, in one direction.
    Clog,
    /// A wall clock is off.
    Skew,
    /// All cuts heal.
    Mend,
}

const FAULTS: [Fault; 11] = [
    Fault::CrashServer,
    Fault::CrashBroker,
    Fault::FreezeServer,
    Fault::FreezeBroker,
    Fault::CutOne,
    Fault::CutServer,
    Fault::Island,
    Fault::Reset,
    Fault::Clog,
    Fault::Skew,
    Fault::Mend,
];

/// Messages whose sending a fault may wait for.
const TRAPS: [&str; 16] = [
    "H.STORE",
    "STORED",
    "H.GET",
    "GOT",
    "H.PREPARE",
    "GRANTED",
    "H.VPREPARE",
    "PROMISED",
    "H.VACCEPT",
    "ACCEPTED",
    "H.VIEW",
    "H.SYNC",
    "COPIED",
    "H.FILL",
    "FILLED",
    "H.RELAY",
];

const REFILL_TRAPS: [&str; 6] = ["H.SLOTS", "SLOTS", "H.SYNC", "COPIED", "H.FILL", "FILLED"];

/// A run's shape and rates.
#[derive(Clone, Debug)]
pub struct Plan {
    pub servers: usize,
    /// k.
    pub replicas: usize,
    pub brokers: usize,
    /// Clients of each broker.
    pub clients: usize,
    /// Calls that a client sends before it hears the first answer.
    pub depth: usize,
    pub keys: usize,
    /// Memory may be lost beyond what the cluster tolerates.
    pub beyond: bool,
    /// Nothing happens but that servers die within what the cluster tolerates: no call may fail.
    pub gentle: bool,
    /// Bytes that make every document larger, all in one slot: then a slot is copied in slices.
    pub padding: usize,
    /// How long things go wrong.
    pub chaos: Span,
    /// Between an answer and the next call, on average.
    pub think: Span,
    /// Calls in all before the healing.
    pub calls_max: usize,
    pub weather: Weather,
    /// Kinds of trouble and how often each comes among them.
    pub faults: Vec<(Fault, u64)>,
    /// Between two of them, on average.
    pub fault_gap: Span,
    /// Of 100 faults, how many wait for a message of some kind and then hit who sent it.
    pub trap_percent: u64,
    /// What faults wait for; none: any message, those of writes and of refills more often than the others.
    pub traps: &'static [&'static str],
    /// What happens first to who is caught in the middle of something; none: anything that leaves it half done.
    pub half_done: &'static [Fault],
    /// Of 100 faults, how many are followed by another one at once.
    pub double_percent: u64,
    /// Of 100 faults, how many make every client call at once.
    pub burst_percent: u64,
    /// How long trouble lasts at most.
    pub fault_span: Span,
    /// By the place in the list of calls in [`Plan::call`].
    pub weights: [u64; 6],
    /// A broker's client waits this long.
    pub deadline: Span,
    pub suspect: Span,
    pub takeover: Span,
}

impl Plan {
    /// A run's shape and rates, drawn from `rng`.
    pub fn draw(rng: &mut Rng) -> Plan {
        let millis = |rng: &mut Rng, choices: &[u64]| Span::from_millis(choices[rng.index(choices.len())]);
        let shapes = [(3, 2), (3, 2), (3, 2), (5, 2), (5, 3), (3, 3), (4, 2), (2, 2), (3, 1)];
        let (servers, replicas) = shapes[rng.index(shapes.len())];
        let weights = std::array::from_fn(|_| [0, 1, 2, 6][rng.index(4)]);
        let brokers = [1, 2, 2, 2, 3][rng.index(5)];
        let (chaos, calls_max) = (millis(rng, &[2_000, 5_000, 10_000]), [40, 100, 180][rng.index(3)]);
        let padding = if rng.percent(5) { 30_000 } else { 0 };
        let plan = Plan {
            servers,
            replicas,
            brokers,
            // At most six in all: the more calls side by side, the more orders to try.
            clients: 1 + rng.index(if brokers == 3 { 2 } else { 3 }),
            depth: [1, 1, 1, 3][rng.index(4)],
            keys: if padding > 0 { 6 } else { [1, 1, 1, 2, 3][rng.index(5)] },
            beyond: rng.percent(20),
            gentle: false,
            padding,
            chaos,
            // The calls last for about the whole time, or for a half or a tenth of it.
            think: Span::from_nanos(chaos.as_nanos() * 6 / calls_max / [1, 1, 2, 10][rng.index(4)]),
            calls_max: calls_max as usize,
            weather: Weather::draw(rng),
            faults: draw_faults(rng),
            fault_gap: millis(rng, &[30, 100, 300, 1_000]),
            trap_percent: [0, 30, 90][rng.index(3)],
            traps: &[],
            half_done: &[],
            double_percent: [0, 20, 60][rng.index(3)],
            burst_percent: [0, 50, 100][rng.index(3)],
            fault_span: millis(rng, &[100, 800, 3_000]),
            weights,
            deadline: millis(rng, &[1_000, 2_000, 5_000]),
            suspect: millis(rng, &[200, 1_000]),
            takeover: millis(rng, &[200, 1_000]),
        };
        if rng.percent(10) { plan.gently(rng) } else { plan }
    }

    /// The same, but servers only die, one by one, in a network without surprises.
    pub fn gently(self, rng: &mut Rng) -> Plan {
        let (servers, replicas) = [(3, 2), (5, 2), (5, 3), (4, 2)][rng.index(4)];
        let weather = Weather { spike_per_mille: 0, jitter: Span::from_micros(100), ..self.weather };
        Plan {
            servers,
            replicas,
            weather,
            gentle: true,
            beyond: false,
            faults: vec![(Fault::CrashServer, 1)],
            deadline: Span::from_secs(5),
            ..self
        }
    }

    /// What a client asks when something has just gone wrong: half of them look, the others go on as ever.
    pub fn call_in_burst(&self, id: u32, rng: &mut Rng) -> Call {
        if rng.percent(50) { Call::Get } else { self.call(id, rng) }
    }

    /// What a client asks next; `id` is what it writes, if it writes.
    pub fn call(&self, id: u32, rng: &mut Rng) -> Call {
        let field = rng.index(FIELDS.len()) as u8;
        let calls = [
            Call::Get,
            Call::Put(id),
            Call::Set(id),
            Call::Delete,
            Call::DropField(field),
            Call::Query(field),
        ];
        // Whatever else is drawn, there are always some writes and some reads.
        let bases = [3, 2, 0, 0, 0, 0];
        let weighed: Vec<u64> = self.weights.iter().zip(bases).map(|(weight, base)| weight + base).collect();
        calls[pick(&weighed, rng)]
    }

    /// A message to wait for.
    pub fn trap(&self, rng: &mut Rng) -> &'static str {
        if !self.traps.is_empty() {
            return self.traps[rng.index(self.traps.len())];
        }
        match rng.below(10) {
            0..4 => "H.STORE",
            4..7 => REFILL_TRAPS[rng.index(REFILL_TRAPS.len())],
            _ => TRAPS[rng.index(TRAPS.len())],
        }
    }

    /// What goes wrong with who is in the middle of something, so that it stays half done.
    pub fn half_done(&self, is_broker: bool, rng: &mut Rng) -> Fault {
        if !self.half_done.is_empty() {
            return self.half_done[rng.index(self.half_done.len())];
        }
        let broker = [
            Fault::CrashBroker,
            Fault::CrashBroker,
            Fault::CutOne,
            Fault::Reset,
            Fault::Clog,
            Fault::FreezeBroker,
        ];
        let server = [
            Fault::CrashServer,
            Fault::FreezeServer,
            Fault::CutServer,
            Fault::CutOne,
            Fault::Clog,
            Fault::Reset,
        ];
        if is_broker { broker[rng.index(broker.len())] } else { server[rng.index(server.len())] }
    }

    /// What goes wrong next.
    pub fn fault(&self, rng: &mut Rng) -> Option<Fault> {
        let weights: Vec<u64> = self.faults.iter().map(|(_, weight)| *weight).collect();
        (!weights.is_empty()).then(|| self.faults[pick(&weights, rng)].0)
    }
}

fn draw_faults(rng: &mut Rng) -> Vec<(Fault, u64)> {
    let mut faults = Vec::new();
    for fault in FAULTS {
        let share = [0, 0, 1, 2, 5][rng.index(5)];
        // Memory is what everything is about.
        let share = if fault == Fault::CrashServer { share + 1 } else { share };
        if share > 0 {
            faults.push((fault, share));
        }
    }
    faults
}

fn pick(weights: &[u64], rng: &mut Rng) -> usize {
    let mut left = rng.below(weights.iter().sum());
    weights
        .iter()
        .position(|&weight| {
            let here = left < weight;
            left = left.saturating_sub(weight);
            here
        })
        .expect("the weights' sum is above every draw")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_follow_the_weights() {
        let mut rng = Rng::from_seed(1);
        let mut counts = [0; 3];
        (0..10_000).for_each(|_| counts[pick(&[1, 0, 3], &mut rng)] += 1);
        assert!(counts[1] == 0 && (2_000..3_000).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn plans_differ_and_are_sound() {
        let shapes: std::collections::BTreeSet<_> = (0..500)
            .map(|seed| {
                let mut rng = Rng::from_seed(seed);
                let plan = Plan::draw(&mut rng);
                assert!(plan.replicas <= plan.servers && !plan.faults.is_empty());
                let calls: Vec<Call> = (0..100).map(|id| plan.call(id, &mut rng)).collect();
                assert!(
                    calls.iter().any(|call| call.is_write()) && calls.iter().any(|call| !call.is_write())
                );
                (plan.servers, plan.replicas, plan.brokers, plan.keys)
            })
            .collect();
        assert!(shapes.len() > 40, "{}", shapes.len());
    }
}
