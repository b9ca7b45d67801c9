//! STATUS: how the cluster does, for a person.
//!
//! ```text
//!   server          state            role     keys  in flight  round trip
//!   127.0.0.1:9000  up               member                 0      0.1 ms
//!   127.0.0.1:9001  down for 12 s    out                    -           -
//!   127.0.0.1:9002  refilling 43 %   learner                3      0.2 ms
//!
//!   slots    10922 ok, 5462 degraded, 0 unavailable (of 16384, k = 2)
//!   view     7, 2 of 3 servers are members
//!   owner    this broker
//!   failures ..
//! ```

use crate::broker::engine::{ServerState, ServerStatus, Status};
use crate::proto::cluster::Role;
use crate::time::Span;
use std::fmt::Write as _;

/// Appends the table and what follows from it. `keys`: how many records each server holds, where it said so.
pub(super) fn write(status: &Status, keys: &[Option<u64>], out: &mut Vec<u8>) {
    let mut text = String::new();
    write_servers(status, keys, &mut text);
    write_cluster(status, &mut text);
    for line in advice(status) {
        writeln!(text, "! {line}").expect("a string takes every character");
    }
    out.extend_from_slice(text.as_bytes());
}

const HEADER: [&str; 6] = ["server", "state", "role", "keys", "in flight", "round trip"];
/// The first columns are words, the others numbers.
const WORD_COLUMNS: usize = 3;

fn write_servers(status: &Status, keys: &[Option<u64>], text: &mut String) {
    let mut rows = vec![HEADER.map(String::from)];
    rows.extend(status.servers.iter().zip(keys).map(|(server, &keys)| row(server, keys)));
    let widths: [usize; 6] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    });
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            if column < WORD_COLUMNS {
                write!(line, "{gap}{cell:<width$}").expect("a string takes every character");
            } else {
                write!(line, "{gap}{cell:>width$}").expect("a string takes every character");
            }
        }
        writeln!(text, "{}", line.trim_end()).expect("a string takes every character");
    }
}

fn row(server: &ServerStatus, keys: Option<u64>) -> [String; 6] {
    let is_up = server.state == ServerState::Up;
    let role = match server.role {
        None => "-",
        Some(Role::Out) => "out",
        Some(Role::Learner) => "learner",
        Some(Role::Member) => "member",
    };
    let or_dash = |text: Option<String>| text.filter(|_| is_up).unwrap_or_else(|| String::from("-"));
    [
        server.address.to_string(),
        state(server),
        role.to_owned(),
        or_dash(keys.map(|keys| keys.to_string())),
        or_dash(Some(server.in_flight.to_string())),
        or_dash(server.round_trip.map(milliseconds)),
    ]
}

fn state(server: &ServerStatus) -> String {
    let since = server.down_for.map(|span| format!(" for {}", duration(span))).unwrap_or_default();
    match &server.state {
        ServerState::Refused(_) => String::from("refused"),
        ServerState::Down => format!("down{since}"),
        ServerState::Silent => format!("silent{since}"),
        ServerState::Connecting => String::from("connecting"),
        ServerState::Up => match (server.refill, server.role) {
            (Some((done, all)), _) => format!("refilling {} %", percent(done, all)),
            (None, Some(Role::Learner)) => String::from("refilling"),
            (None, Some(Role::Out)) => String::from("up, joining"),
            (None, Some(Role::Member)) if !server.seated => String::from("restarted empty"),
            _ => String::from("up"),
        },
    }
}

fn write_cluster(status: &Status, text: &mut String) {
    let slots = status.slots;
    let members = status.servers.iter().filter(|server| server.role == Some(Role::Member)).count();
    let owner = match (status.owns, status.owner.process()) {
        (true, _) => String::from("this broker"),
        (false, 0) => String::from("none yet"),
        (false, process) => format!("another broker ({process:x})"),
    };
    let failures = match (status.down, status.tolerates) {
        (0, 0) => String::from("none are tolerated: a server that goes down takes records with it"),
        (_, 0) => String::from("no further one is tolerated now"),
        (0, 1) => String::from("1 server may go down"),
        (0, count) => format!("{count} servers may go down"),
        (_, 1) => String::from("1 more server may go down"),
        (_, count) => format!("{count} more servers may go down"),
    };
    let total = slots.whole + slots.degraded + slots.unavailable;
    writeln!(
        text,
        "\nslots     {} ok, {} degraded, {} unavailable (of {total}; k = {})\nview      {}, {members} of {} \
         servers are members\nowner     {owner}\nfailures  {failures}",
        slots.whole,
        slots.degraded,
        slots.unavailable,
        status.replicas,
        if status.view.is_blank() { String::from("none yet") } else { status.view.number.to_string() },
        status.servers.len(),
    )
    .expect("a string takes every character");
}

/// What a person should do or know.
fn advice(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    for server in &status.servers {
        if let ServerState::Refused(words) = &server.state {
            lines.push(format!("{} is not used: {words}", server.address));
        }
    }
    if status.down > 0 && status.slots.unavailable == 0 && status.slots.degraded > 0 {
        lines.push(String::from(
            "some records have fewer than k copies until every server is back and refilled: start those that are down",
        ));
    }
    if status.slots.unavailable > 0 {
        lines.push(String::from(
            "some records cannot be reached: start the servers that are down; what they held in memory and nobody \
             else holds is lost with their process",
        ));
    }
    if status.stuck {
        lines.push(String::from(
            "the view cannot follow the failures without losing data or without a majority: servers must come back",
        ));
    }
    lines.push(String::from(
        "servers keep records in memory only: if k of them go down at once, the records they share are lost",
    ));
    lines
}

fn percent(done: usize, all: usize) -> usize {
    // Never 100 before it is done: the last slot's end is what counts.
    (done * 100).checked_div(all).unwrap_or_default().min(99)
}

/// `0.1 ms`
fn milliseconds(span: Span) -> String {
    format!("{:.1} ms", span.as_micros() as f64 / 1e3)
}

/// `12 s`, `3 min`, `5 h`
fn duration(span: Span) -> String {
    match span.as_secs() {
        0 => format!("{} ms", span.as_millis()),
        secs @ 1..120 => format!("{secs} s"),
        secs @ 120..7_200 => format!("{} min", secs / 60),
        secs => format!("{} h", secs / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::engine::SlotCounts;
    use crate::proto::cluster::ViewId;
    use crate::record::Ballot;
    use std::net::SocketAddr;

    fn server(port: u16, state: ServerState, role: Role) -> ServerStatus {
        ServerStatus {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            down_for: (state != ServerState::Up).then(|| Span::from_secs(12)),
            state,
            role: Some(role),
            seated: true,
            refill: None,
            in_flight: 3,
            round_trip: Some(Span::from_micros(140)),
        }
    }

    fn text(status: &Status) -> String {
        let mut out = Vec::new();
        write(status, &[Some(667); 4][..status.servers.len()], &mut out);
        String::from_utf8(out).expect("text")
    }

    fn status(servers: Vec<ServerStatus>, slots: SlotCounts, down: usize, tolerates: usize) -> Status {
        Status {
            servers,
            view: ViewId { life: 5, number: 7 },
            owner: Ballot::new(2, 0xab),
            owns: true,
            slots,
            down,
            replicas: 2,
            tolerates,
            stuck: false,
        }
    }

    #[test]
    fn a_well_cluster_is_shown_as_such() {
        let servers = (9000..9003).map(|port| server(port, ServerState::Up, Role::Member)).collect();
        let slots = SlotCounts { whole: 16_384, degraded: 0, unavailable: 0 };
        let expected = "\
server          state  role    keys  in flight  round trip
127.0.0.1:9000  up     member   667          3      0.1 ms
127.0.0.1:9001  up     member   667          3      0.1 ms
127.0.0.1:9002  up     member   667          3      0.1 ms

slots     16384 ok, 0 degraded, 0 unavailable (of 16384; k = 2)
view      7, 3 of 3 servers are members
owner     this broker
failures  1 server may go down
! servers keep records in memory only: if k of them go down at once, the records they share are lost
";
        assert_eq!(text(&status(servers, slots, 0, 1)), expected);
    }

    #[test]
    fn failures_and_refills_are_named() {
        let mut learner = server(9002, ServerState::Up, Role::Learner);
        learner.refill = Some((43, 100));
        let mut refused = server(9003, ServerState::Refused("holds 5 records".into()), Role::Out);
        refused.round_trip = None;
        let servers = vec![
            server(9000, ServerState::Up, Role::Member),
            server(9001, ServerState::Down, Role::Out),
            learner,
            refused,
        ];
        let slots = SlotCounts { whole: 4, degraded: 5, unavailable: 6 };
        let shown = text(&Status { owns: false, stuck: true, ..status(servers, slots, 3, 0) });
        for part in [
            "127.0.0.1:9001  down for 12 s   out         -          -           -\n",
            "refilling 43 %  learner   667          3",
            "! 127.0.0.1:9003 is not used: holds 5 records",
            "4 ok, 5 degraded, 6 unavailable",
            "another broker (ab)",
            "no further one is tolerated now",
            "cannot be reached",
            "servers must come back",
        ] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
    }
}
