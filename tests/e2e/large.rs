//! Large values: many reads to one message.

use super::harness::Cluster;
use std::io::{Read, Write};

#[test]
fn a_value_of_16_mib_goes_there_and_back() {
    let cluster = Cluster::start(3);
    let mut broker = cluster.broker(2);
    let value: String = (0..16 << 20).map(|i| char::from(b'a' + (i % 23) as u8)).collect();
    assert_eq!(broker.ask(&format!("PUT big:{{\"v\":\"{value}\"}}")), "big : CREATED");
    assert_eq!(broker.ask("GET big"), format!("big : {{\"v\": \"{value}\"}}"));
    assert_eq!(broker.ask("SET small 1"), "OK", "the stream is in step");
}

#[test]
fn a_value_of_150_kb_in_small_pieces() {
    let cluster = Cluster::start(1);
    let mut stream = cluster.servers[0].connect();
    let value = "x".repeat(150_000);
    let request = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n{value}\r\nGET k\r\n", value.len());
    for piece in request.as_bytes().chunks(997) {
        stream.write_all(piece).expect("it reads");
    }
    let expected = format!("+OK\r\n${}\r\n{value}\r\n", value.len());
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).expect("it answers");
    assert!(answer == expected.as_bytes());
}
