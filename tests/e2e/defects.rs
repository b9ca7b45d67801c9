//! Defects seen in other implementations of the same system, each as a test.

use super::harness::{Cluster, Server};
use std::io::{Read, Write};

#[test]
fn two_messages_in_one_write_and_one_message_in_two() {
    let server = Server::start();
    let mut stream = server.connect();
    stream.write_all(b"SET a 1\r\nSET b 2\r\nGE").expect("it reads");
    let mut answer = [0; 10];
    stream.read_exact(&mut answer).expect("both are answered");
    stream.write_all(b"T a\r\n").expect("it reads");
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).expect("the third too");
    assert_eq!(&answer, b"$1\r\n1\r\n");
}

#[test]
fn keys_that_look_alike_are_apart() {
    let cluster = Cluster::start(3);
    let mut broker = cluster.broker(2);
    for (key, value) in [("a1b2", "one"), ("ab12", "two"), ("a", "three"), ("ab", "four")] {
        assert_eq!(broker.ask(&format!("SET {key} {value}")), "OK");
    }
    assert_eq!(broker.ask("GET a1b2"), r#"a1b2 : "one""#);
    assert_eq!(broker.ask("GET ab12"), r#"ab12 : "two""#);
    assert_eq!(broker.ask(r#"PUT x:{"y":{"z":1}}"#), "x : CREATED");
    assert_eq!(broker.ask(r#"PUT "x.y":{"z":2}"#), "x.y : CREATED");
    assert_eq!(broker.ask("QUERY x.y.z"), "x.y.z : 1");
    assert_eq!(broker.ask(r#"QUERY "x.y".z"#), r#""x.y".z : 2"#);
}

#[test]
fn the_words_not_found_are_a_value_too() {
    let cluster = Cluster::start(3);
    let mut broker = cluster.broker(2);
    assert_eq!(broker.ask(r#"PUT n:{"v":"NOT FOUND"}"#), "n : CREATED");
    assert_eq!(broker.ask("QUERY n.v"), r#"n.v : "NOT FOUND""#);
    assert_eq!(broker.ask(r#"SET s "NOT FOUND""#), "OK");
    assert_eq!(broker.ask("GET s"), r#"s : "NOT FOUND""#);
    assert_eq!(broker.ask(r#"PUT n:{"v":"NOT FOUND"}"#), "n : REPLACED");
}

#[test]
fn a_failed_put_answers_once_and_stays_in_step() {
    let cluster = Cluster::start(3);
    let mut broker = cluster.broker(2);
    assert_eq!(broker.ask("SET a 1"), "OK");
    let complaint = broker.ask_all(r#"PUT bad:{"a":"#);
    assert!(!complaint.is_empty());
    for _ in 0..5 {
        assert_eq!(broker.ask("GET a"), r#"a : "1""#);
    }
    assert_eq!(broker.ask("GET bad"), "bad : NOT FOUND");
}

#[test]
fn a_returned_server_is_used_again_and_is_not_believed_while_empty() {
    let mut cluster = Cluster::start(3);
    let mut broker = cluster.broker(2);
    for key in 0..100 {
        assert_eq!(broker.ask(&format!("SET k{key} {key}")), "OK");
    }
    for server in 0..3 {
        cluster.servers[server].kill_and_restart();
        for key in 0..100 {
            assert_eq!(broker.ask(&format!("GET k{key}")), format!("k{key} : \"{key}\""));
        }
        broker.wait_all_up(3);
    }
    for key in 0..100 {
        assert_eq!(broker.ask(&format!("GET k{key}")), format!("k{key} : \"{key}\""));
    }
}

#[test]
fn nothing_from_the_network_is_evaluated() {
    let server = Server::start();
    let answer = server.ask("COMPUTE __import__('os').system('true')");
    assert!(answer.starts_with("-ERR"), "{answer}");
    let mut stream = server.connect();
    stream.write_all(b"\x80\x04\x95garbage\r\nPING\r\n").expect("it reads");
    let mut answer = vec![];
    while !answer.ends_with(b"+PONG\r\n") {
        let mut piece = [0; 256];
        let size = stream.read(&mut piece).expect("it answers");
        assert!(size > 0, "an unknown command does not close the connection");
        answer.extend_from_slice(&piece[..size]);
    }
}
