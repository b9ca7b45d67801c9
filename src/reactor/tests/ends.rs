//! Closing, refusing, dialing, stopping.

use super::*;
use std::net::TcpListener;

#[test]
fn a_close_sends_what_is_queued_even_if_more_input_comes() {
    let running = Running::start();
    for _ in 0..50 {
        let client = running.client();
        // Input behind the request that closes: a socket closed over it would be reset, and lose the answer.
        (&client).write_all(b"big 300000\nquit\n").unwrap();
        let _ = (&client).write_all(&vec![b'z'; 200_000]);
        let mut all = vec![];
        (&client).read_to_end(&mut all).unwrap();
        assert_eq!(all.len(), 300_004);
        assert!(all.ends_with(b"bye\n"));
    }
}

#[test]
fn a_client_that_never_ends_is_let_go_after_a_while() {
    let running = Running::with(1, |_, _| {});
    let client = running.client();
    assert_eq!(ask(&client, "quit"), "bye");
    assert_eq!(read_all(&client), "");
    // Its own end is still open and holds the only place, until the patience for it is over.
    loop {
        let next = running.client();
        if matches!(ask_or_end(&next, "free?").as_str(), "free?") {
            break;
        }
    }
    drop(client);
}

/// Like `ask`, of a server that may close the connection instead.
fn ask_or_end(mut client: &Client, line: &str) -> String {
    let _ = client.write_all(format!("{line}\n").as_bytes());
    let mut answer = String::new();
    let _ = BufReader::new(client).read_line(&mut answer);
    answer.trim_end().to_owned()
}

#[test]
fn an_abort_closes_at_once() {
    let running = Running::start();
    let client = running.client();
    (&client).write_all(b"abort\n").unwrap();
    let mut byte = [0];
    assert!(matches!((&client).read(&mut byte), Ok(0) | Err(_)));
    assert_eq!(ask(&running.client(), "others stay"), "others stay");
}

#[test]
fn surplus_clients_are_told_and_a_free_place_is_given_again() {
    let running = Running::with(2, |_, _| {});
    let (one, two) = (running.client(), running.client());
    assert_eq!((ask(&one, "1"), ask(&two, "2")), ("1".to_owned(), "2".to_owned()));
    assert_eq!(read_all(&running.client()), "no place\n");
    let early = running.client();
    let _ = (&early).write_all(b"sent before it is refused\n");
    assert_eq!(read_line(&early), "no place");
    assert!(ask(&one, "counters").starts_with("2 2 "));
    drop(two);
    running.wait(|told| matches!(told, Told::Eof(..)).then_some(()));
    let mut next = String::new();
    while next != "3" {
        next = ask_or_end(&running.client(), "3");
    }
}

#[test]
fn a_dialed_connection_is_a_connection() {
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = peer.local_addr().unwrap();
    let running = Running::with(10, |_, machine| machine.dial = Some(address));
    let (accepted, _) = peer.accept().unwrap();
    accepted.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(read_line(&accepted), "written while dialing");
    assert_eq!(ask(&accepted, "and back"), "and back");
    let origin = running.wait(|told| match told {
        Told::Open(_, origin) => Some(*origin),
        _ => None,
    });
    assert_eq!(origin, Origin::Dialed { peer: address });
}

#[test]
fn a_refused_dial_is_told_and_can_be_tried_again() {
    // A port that was just free: bound, and given back.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let running = Running::with(10, |_, machine| machine.dial = Some(free));
    assert_eq!(running.wait_close(), CloseReason::DialFailed(ErrorKind::ConnectionRefused));
    assert_eq!(ask(&running.client(), "alive"), "alive");
}

#[test]
fn a_dial_can_be_given_up() {
    // Nobody accepts, and nobody has to: the kernel does. The machine closes before the connection stands.
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = peer.local_addr().unwrap();
    let running = Running::with(10, |_, machine| {
        machine.dial = Some(address);
        machine.gives_up = true;
    });
    let client = running.client();
    assert_eq!(ask(&client, "pending"), "0 0");
    let told: Vec<Told> = running.events.try_iter().collect();
    assert!(!told.iter().any(|t| matches!(t, Told::Close(..) | Told::Open(_, Origin::Dialed { .. }))));
}

#[test]
fn a_stop_sends_what_is_queued() {
    let running = Running::start();
    let (client, other) = (running.client(), running.client());
    (&client).write_all(b"big 8000000\n").unwrap();
    (&other).write_all(b"stop 3\n").unwrap();
    let mut all = vec![];
    (&client).read_to_end(&mut all).unwrap();
    let mut expected = vec![];
    pattern(8_000_000, &mut expected);
    // The two came in in either order; if the first was heard, then all of its answer.
    assert!(all.is_empty() || all == expected, "{} bytes", all.len());
    assert_eq!(running.status(), 3);
}

#[test]
fn a_stop_from_outside_answers_what_came_in() {
    let running = Running::with(10, |_, machine| machine.budget = 1);
    let client = running.client();
    let lines = "a line\n".repeat(60);
    assert_eq!(ask(&client, "warm"), "warm");
    (&client).write_all(lines.as_bytes()).unwrap();
    running.wait(|told| matches!(told, Told::Line(_, line) if line == "a line").then_some(()));
    running.stop.stop();
    assert_eq!(read_all(&client), lines);
    assert_eq!(running.status(), 7);
}

#[test]
fn a_stop_does_not_wait_for_ever_for_who_does_not_read() {
    let running = Running::start();
    let client = running.client();
    (&client).write_all(b"big 50000000\nfence\n").unwrap();
    running.wait(|told| matches!(told, Told::Line(_, line) if line == "fence").then_some(()));
    running.stop.stop();
    let address = running.address;
    assert_eq!(running.status(), 7);
    // The port is free at once, though connections of it are still around.
    TcpListener::bind(address).unwrap();
}

#[test]
fn the_same_port_can_be_taken_at_once_again() {
    let running = Running::start();
    let client = running.client();
    assert_eq!(ask(&client, "stop 0"), "");
    let address = running.address;
    assert_eq!(running.status(), 0);
    let mut next = Reactor::new(10).unwrap();
    assert_eq!(next.listen(address).unwrap(), address);
    assert!(Reactor::new(10).unwrap().listen(address).is_err(), "two cannot listen on one port");
}
