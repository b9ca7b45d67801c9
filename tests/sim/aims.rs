//! Runs that are aimed at one kind of damage, for rules whose absence a run of the swarm rarely shows.

use crate::swarm::{Fault, Plan};
use hedgerow::rng::Rng;
use hedgerow::time::Span;

/// What a run is aimed at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Aim {
    /// At nothing: as the seed draws it.
    #[default]
    Swarm,
    /// Brokers die when they have just begun to tell of a view.
    HalfViews,
    /// Brokers die in the middle of a write, and servers soon after.
    HalfWrites,
    /// One broker after the other takes over, with work left undone.
    Handovers,
    /// One broker sees one server alone, while the others go on without that server.
    Islands,
    /// At nothing: servers only die, one by one, and no call may fail.
    Gentle,
    /// Servers that are being filled, or that others are filled from, are lost or left out.
    Refills,
}

impl Aim {
    pub const ALL: [Aim; 7] = [
        Aim::Swarm,
        Aim::HalfViews,
        Aim::HalfWrites,
        Aim::Handovers,
        Aim::Islands,
        Aim::Gentle,
        Aim::Refills,
    ];

    /// The aim of this name; none: the swarm.
    pub fn named(name: &str) -> Aim {
        Aim::ALL.into_iter().find(|aim| format!("{aim:?}") == name).unwrap_or_default()
    }
}

impl Plan {
    /// The same run, aimed.
    pub fn aimed(self, aim: Aim, rng: &mut Rng) -> Plan {
        let bare = |plan| Plan { gentle: false, beyond: false, padding: 0, ..plan };
        match aim {
            Aim::Swarm => self,
            Aim::Gentle => self.gently(rng),
            Aim::HalfViews => bare(self).half_views(rng),
            Aim::HalfWrites => bare(self).half_writes(rng),
            Aim::Handovers => bare(self).handovers(),
            Aim::Islands => bare(self).islands(rng),
            Aim::Refills => bare(self).refills(rng),
        }
    }

    /// Views are left half told.
    fn half_views(self, rng: &mut Rng) -> Plan {
        Plan {
            brokers: 2 + rng.index(2),
            clients: 1,
            traps: &["H.VIEW"],
            trap_percent: 60,
            half_done: &[Fault::CrashBroker],
            faults: vec![(Fault::CrashServer, 4), (Fault::CutServer, 1)],
            fault_gap: Span::from_millis(100),
            fault_span: Span::from_millis(100),
            takeover: Span::from_millis(200),
            suspect: Span::from_millis(200),
            ..self
        }
    }

    /// Writes are left half done.
    fn half_writes(self, rng: &mut Rng) -> Plan {
        Plan {
            brokers: 2 + rng.index(2),
            keys: 1,
            traps: &["H.STORE"],
            trap_percent: 60,
            half_done: &[Fault::CrashBroker],
            faults: vec![(Fault::CrashServer, 1)],
            fault_gap: Span::from_millis(100),
            burst_percent: 100,
            depth: 1,
            calls_max: 80,
            weights: [20, 0, 1, 0, 0, 0],
            takeover: Span::from_millis(200),
            ..self
        }
    }

    /// Owners come and go.
    fn handovers(self) -> Plan {
        Plan {
            brokers: 3,
            clients: 2,
            keys: 1,
            traps: &["H.STORE", "H.RELAY", "H.PREPARE"],
            trap_percent: 60,
            half_done: &[Fault::CrashBroker, Fault::FreezeBroker],
            faults: vec![
                (Fault::CrashBroker, 2),
                (Fault::FreezeBroker, 2),
                (Fault::Reset, 2),
                (Fault::Clog, 2),
            ],
            fault_gap: Span::from_millis(300),
            takeover: Span::from_millis(200),
            deadline: Span::from_millis(5_000),
            ..self
        }
    }

    /// Servers are seen by one broker alone.
    fn islands(self, rng: &mut Rng) -> Plan {
        Plan {
            brokers: 2 + rng.index(2),
            keys: 1,
            trap_percent: 0,
            faults: vec![
                (Fault::Island, 3),
                (Fault::CrashServer, 2),
                (Fault::CutOne, 1),
                (Fault::CutServer, 1),
            ],
            fault_gap: Span::from_millis(300),
            fault_span: Span::from_millis(2_000),
            burst_percent: 100,
            takeover: Span::from_millis(200),
            suspect: Span::from_millis(200),
            deadline: Span::from_millis(5_000),
            calls_max: 60,
            clients: 1,
            depth: 1,
            ..self
        }
    }

    /// Refills are disturbed.
    fn refills(self, rng: &mut Rng) -> Plan {
        Plan {
            brokers: 1 + rng.index(2),
            keys: 1,
            traps: &["H.SLOTS", "SLOTS", "H.SYNC", "COPIED", "H.FILL", "FILLED"],
            trap_percent: 60,
            half_done: &[
                Fault::CrashServer,
                Fault::CutServer,
                Fault::FreezeServer,
                Fault::Clog,
                Fault::CrashBroker,
            ],
            faults: vec![
                (Fault::CrashServer, 2),
                (Fault::FreezeServer, 2),
                (Fault::CutServer, 2),
                (Fault::Clog, 1),
            ],
            fault_gap: Span::from_millis(300),
            fault_span: Span::from_millis(800),
            burst_percent: 100,
            takeover: Span::from_millis(200),
            suspect: Span::from_millis(200),
            calls_max: 100,
            ..self
        }
    }
}
