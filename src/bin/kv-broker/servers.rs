//! The server file: who belongs to the cluster.
//!
//! ```text
//!   # a comment                 one `host port` a line: blanks and tabs between them and around them,
//!   127.0.0.1 9000              CRLF, empty lines and a missing last newline do no harm
//!   [::1]:9001                  `host:port` is fine too
//!   db3.example.org 9000
//! ```

use hedgerow::limits::SERVERS_MAX;
use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

/// A server file larger than this is none.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The servers of a file, in its order: at least one, none of them twice.
pub(crate) fn read(path: &Path) -> Result<Vec<SocketAddr>, String> {
    let shown = path.display();
    let large = fs::metadata(path).is_ok_and(|metadata| metadata.len() > FILE_BYTES_MAX);
    if large {
        return Err(format!("{shown}: larger than {FILE_BYTES_MAX} bytes: no server file"));
    }
    let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    parse(&text).map_err(|error| format!("{shown}: {error}"))
}

fn parse(text: &str) -> Result<Vec<SocketAddr>, String> {
    let mut found: Vec<(SocketAddr, usize)> = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let (number, line) = (index + 1, line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let address = address(line).map_err(|reason| format!("line {number}: {reason}"))?;
        if let Some((_, first)) = found.iter().find(|(other, _)| *other == address) {
            return Err(format!("line {number}: {address} stands in line {first} already"));
        }
        found.push((address, number));
    }
    match found.len() {
        0 => Err("names no server: expected lines such as 127.0.0.1 9000".to_owned()),
        count if count > SERVERS_MAX => {
            Err(format!("names {count} servers, at most {SERVERS_MAX} are possible"))
        }
        _ => Ok(found.into_iter().map(|(address, _)| address).collect()),
    }
}

fn address(line: &str) -> Result<SocketAddr, String> {
    let expected = || format!("expected a host and a port such as 127.0.0.1 9000, not {line:?}");
    let mut words = line.split_whitespace();
    let (host, port) = match (words.next(), words.next(), words.next()) {
        (Some(host), Some(port), None) => (host, port),
        (Some(one), None, None) => one.rsplit_once(':').ok_or_else(expected)?,
        _ => return Err(expected()),
    };
    let port: u16 = port.parse().ok().filter(|&port| port > 0).ok_or_else(expected)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let mut addresses =
        (host, port).to_socket_addrs().map_err(|error| format!("the name {host} is not known: {error}"))?;
    addresses.next().ok_or_else(|| format!("the name {host} has no address"))
}

/// What a cluster of this shape can bear, in a sentence for its user.
pub(crate) fn tolerance(servers: usize, replicas: usize) -> String {
    let shape = match servers {
        1 => String::from("1 server"),
        many => format!("{many} servers"),
    };
    let tolerated = (replicas - 1).min((servers - 1) / 2);
    let down = match tolerated {
        1 => String::from("1 server is down"),
        many => format!("{many} servers are down"),
    };
    match (replicas, tolerated) {
        (1, _) => {
            format!("{shape}, k = 1: each record is on one server, and cannot be reached while that is down")
        }
        _ if servers >= 2 * replicas - 1 => format!("{shape}, k = {replicas}: everything works while {down}"),
        (_, 0) => format!(
            "{shape}, k = {replicas}: with fewer than 2k-1 = {} servers nothing can be written while one is down; \
             a network partition is not covered",
            2 * replicas - 1
        ),
        _ => format!(
            "{shape}, k = {replicas}: with fewer than 2k-1 = {} servers everything works while {down}, but not while \
             {} are; a network partition is not covered",
            2 * replicas - 1,
            replicas - 1
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_in_all_their_forms() {
        let text = "\u{feff}# mine\r\n127.0.0.1 9000\r\n\n \t127.0.0.1\t 9001 \n[::1]:9002\n[::1] 9003\n127.0.0.1:9004";
        let found = parse(text).expect("five servers");
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["127.0.0.1:9000", "127.0.0.1:9001", "[::1]:9002", "[::1]:9003", "127.0.0.1:9004"]);
    }

    #[test]
    fn faults_name_their_line() {
        for (text, expected) in [
            ("", "names no server"),
            ("# nobody\n", "names no server"),
            ("127.0.0.1\n", "line 1: expected"),
            ("127.0.0.1 9000\n127.0.0.1 x\n", "line 2: expected"),
            ("127.0.0.1 0", "line 1: expected"),
            ("127.0.0.1 70000", "line 1: expected"),
            ("127.0.0.1 9000 3", "line 1: expected"),
            ("127.0.0.1 9000\n\n127.0.0.1:9000", "line 3: 127.0.0.1:9000 stands in line 1"),
        ] {
            let fault = parse(text).expect_err(text);
            assert!(fault.contains(expected), "{text:?}: {fault}");
        }
    }

    #[test]
    fn what_a_cluster_bears_is_said() {
        for (servers, replicas, expected) in [
            (3, 2, "3 servers, k = 2: everything works while 1 server is down"),
            (5, 3, "everything works while 2 servers are down"),
            (
                4,
                3,
                "fewer than 2k-1 = 5 servers everything works while 1 server is down, but not while 2 are",
            ),
            (2, 2, "fewer than 2k-1 = 3 servers nothing can be written while one is down"),
            (1, 1, "1 server, k = 1: each record is on one server"),
        ] {
            let text = tolerance(servers, replicas);
            assert!(text.contains(expected), "{text}");
        }
    }
}
