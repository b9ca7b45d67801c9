//! Messages between brokers and servers. They are read by [`crate::proto::cluster`]; what is here gives them their ids
//! and flags.

use super::{Command, CommandId, Flags, KeySpec};

const FLAGS: Flags = Flags::SERVER.with(Flags::CLUSTER);
const READ: Flags = FLAGS.with(Flags::READONLY);
const WRITE: Flags = FLAGS.with(Flags::WRITE);

const fn message(id: CommandId, name: &'static str, full_name: &'static str, arity: i32) -> Command {
    Command { flags: FLAGS, ..Command::new(id, name, full_name, arity) }
}

pub(super) const HELLO: Command = Command {
    summary: "A broker says who it is and for which cluster",
    ..message(CommandId::ClusterHello, "H.HELLO", "h.hello", 3)
};

pub(super) const PING: Command = Command {
    summary: "A broker asks whether the server lives",
    ..message(CommandId::ClusterPing, "H.PING", "h.ping", 2)
};

pub(super) const PREPARE: Command = Command {
    summary: "Promise to take no write below a ballot",
    ..message(CommandId::ClusterPrepare, "H.PREPARE", "h.prepare", 3)
};

pub(super) const GET: Command = Command {
    flags: READ,
    keys: KeySpec { first: 3, last: 3, step: 1, access: &["RO", "access"] },
    summary: "A record with its version",
    ..message(CommandId::ClusterGet, "H.GET", "h.get", -4)
};

pub(super) const STORE: Command = Command {
    flags: WRITE,
    keys: KeySpec { first: 5, last: 5, step: 1, access: &["OW", "update"] },
    summary: "Store a record under a version",
    ..message(CommandId::ClusterStore, "H.STORE", "h.store", 8)
};

pub(super) const SYNC: Command = Command {
    flags: READ,
    complexity: "O(N) with N being the records of the slice",
    summary: "A slice of a slot's records",
    ..message(CommandId::ClusterSync, "H.SYNC", "h.sync", -4)
};

pub(super) const SLOTS: Command = Command {
    flags: READ,
    complexity: "O(1)",
    summary: "The slots that hold anything",
    ..message(CommandId::ClusterSlots, "H.SLOTS", "h.slots", 2)
};

pub(super) const FILL: Command = Command {
    flags: WRITE,
    complexity: "O(N) with N being the records of the slice",
    summary: "A slice of a slot's records for a server that lacks them",
    ..message(CommandId::ClusterFill, "H.FILL", "h.fill", -5)
};

pub(super) const VIEW: Command =
    Command { summary: "A chosen view", ..message(CommandId::ClusterView, "H.VIEW", "h.view", 2) };

pub(super) const VIEW_PREPARE: Command = Command {
    summary: "Phase 1 of choosing the next view",
    ..message(CommandId::ClusterViewPrepare, "H.VPREPARE", "h.vprepare", 3)
};

pub(super) const VIEW_ACCEPT: Command = Command {
    summary: "Phase 2 of choosing the next view",
    ..message(CommandId::ClusterViewAccept, "H.VACCEPT", "h.vaccept", 5)
};

pub(super) const COUNT: Command = Command {
    flags: READ,
    summary: "How many live records some slots hold",
    ..message(CommandId::ClusterCount, "H.COUNT", "h.count", 3)
};

pub(super) const KEYS: Command = Command {
    flags: READ,
    complexity: "O(N) with N being the keys of the slice",
    summary: "Live keys of some slots in order",
    ..message(CommandId::ClusterKeys, "H.KEYS", "h.keys", -4)
};

pub(super) const RELAY: Command = Command {
    summary: "Pass a payload on to another broker",
    ..message(CommandId::ClusterRelay, "H.RELAY", "h.relay", 3)
};
