//! Clients of all kinds: fast, slow, greedy, rude.

use super::*;
use std::net::Shutdown;

#[test]
fn lines_come_back_and_an_idle_connection_owns_nothing() {
    let running = Running::start();
    let (one, two) = (running.client(), running.client());
    assert_eq!(ask(&one, "hello"), "hello");
    (&two).write_all(b"half").unwrap();
    assert_eq!(ask(&one, "again"), "again");
    (&two).write_all(b" and half\n").unwrap();
    assert_eq!(read_line(&two), "half and half");
    // The asking connection itself owns memory for its answer only.
    assert_eq!(ask(&one, "pending"), "0 0");
}

#[test]
fn a_client_that_has_closed_its_side_gets_its_answers() {
    let running = Running::start();
    for round in 0..200 {
        let client = running.client();
        // Data and end are sent as close together as can be: both may come with one event, or with two.
        let text = format!("line {round}\nsecond\n");
        (&client).write_all(text.as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&client), text);
    }
}

#[test]
fn the_end_behind_exactly_one_buffer_of_data_is_found() {
    let running = Running::start();
    for size in [limits::READ_BYTES - 1, limits::READ_BYTES, limits::READ_BYTES + 1, 3 * limits::READ_BYTES] {
        let client = running.client();
        let mut line = "x".repeat(size - 1);
        line.push('\n');
        (&client).write_all(line.as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&client), line);
    }
}

#[test]
fn the_end_is_told_after_all_that_came_before_it() {
    let running = Running::with(10, |_, machine| machine.budget = 1);
    let client = running.client();
    (&client).write_all(b"1\n2\n3\n4\nunfinished").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut lines = 0;
    let unread = running.wait(|told| match told {
        Told::Line(..) => {
            lines += 1;
            None
        }
        Told::Eof(_, unread) => Some(unread.clone()),
        _ => None,
    });
    assert_eq!((lines, unread), (4, b"unfinished".to_vec()));
    assert_eq!(read_all(&client), "1\n2\n3\n4\n");
}

#[test]
fn a_slow_reader_gets_64_mib_in_order() {
    const SIZE: usize = 64 << 20;
    let running = Running::start();
    let (client, other) = (running.client(), running.client());
    (&client).write_all(format!("big {SIZE}\n").as_bytes()).unwrap();
    let (mut piece, mut at) = (vec![0; 1 << 20], 0);
    while at < SIZE {
        let count = read_some(&client, &mut piece);
        assert!(count > 0, "closed after {at} bytes");
        for (i, &byte) in piece[..count].iter().enumerate() {
            assert_eq!(byte, ((at + i) % 251) as u8, "at {}", at + i);
        }
        at += count;
        // The reader is slow because it waits for somebody else's answer between its reads.
        assert_eq!(ask(&other, "ping"), "ping");
    }
    assert_eq!(ask(&client, "after"), "after");
    assert_eq!(ask(&other, "pending"), "0 0");
}

#[test]
fn who_does_not_read_is_not_read_from() {
    const COUNT: usize = 1_000;
    let running = Running::with(10, |_, machine| machine.budget = 1);
    let client = running.client();
    let sender = client.try_clone().unwrap();
    // 64 MiB of answers: more than the kernel's buffers and the pause mark hold together.
    let greedy = std::thread::Builder::new()
        .spawn(move || (&sender).write_all("big 65536\n".repeat(COUNT).as_bytes()).unwrap())
        .unwrap();
    let other = running.client();
    assert_eq!(ask(&other, "still served"), "still served");
    greedy.join().unwrap();
    let mut handled = 0;
    while let Ok(told) = running.events.try_recv() {
        handled += usize::from(matches!(told, Told::Line(_, line) if line.starts_with("big")));
    }
    assert!(handled < COUNT, "all {handled} were answered into memory");
    let mut all = vec![0; COUNT << 16];
    (&client).read_exact(&mut all).unwrap();
    assert!(all.chunks(1 << 16).all(|answer| answer[..502] == all[..502]));
    assert_eq!(ask(&client, "and goes on"), "and goes on");
}

#[test]
fn a_flood_does_not_starve_its_neighbour() {
    const FLOOD: usize = 20_000;
    const BUDGET: usize = 4;
    let running = Running::with(10, |_, machine| machine.budget = BUDGET);
    let (flood, other) = (running.client(), running.client());
    // Both wait, with all that they have to say, until a third lets them go in one turn.
    (&flood).write_all(format!("stall\n{}", "f\n".repeat(FLOOD)).as_bytes()).unwrap();
    (&other).write_all(b"stall\nother\n").unwrap();
    for _ in 0..2 {
        running.wait(|told| matches!(told, Told::Line(_, line) if line == "stall").then_some(()));
    }
    (&running.client()).write_all(b"resume\n").unwrap();
    assert_eq!(read_line(&other), "other");
    let mut before = 0;
    running.wait(|told| match told {
        Told::Line(_, line) if line == "f" => {
            before += 1;
            None
        }
        Told::Line(_, line) if line == "other" => Some(()),
        _ => None,
    });
    assert!(before <= 2 * BUDGET, "the neighbour waited for {before} lines of the flood");
    let mut answers = vec![0; 2 * FLOOD];
    (&flood).read_exact(&mut answers).unwrap();
    assert!(answers.chunks(2).all(|line| line == b"f\n"));
}

#[test]
fn a_stalled_connection_waits_for_its_resume() {
    let running = Running::start();
    let (one, two) = (running.client(), running.client());
    (&one).write_all(b"stall\nfirst\n").unwrap();
    running.wait(|told| matches!(told, Told::Line(_, line) if line == "stall").then_some(()));
    // More than is kept: the rest waits in the kernel, for which no event will come.
    let long = "y".repeat(100_000);
    (&one).write_all(format!("{long}\n").as_bytes()).unwrap();
    assert_eq!(ask(&two, "two"), "two");
    (&two).write_all(b"resume\n").unwrap();
    running.wait(|told| {
        assert!(!matches!(told, Told::Line(_, line) if line == "first"));
        (*told == Told::Resumed).then_some(())
    });
    assert_eq!(read_line(&one), "first");
    assert_eq!(read_line(&one), long);
}

#[test]
fn a_large_request_comes_in_with_few_reads() {
    const SIZE: usize = 16 << 20;
    let running = Running::start();
    let client = running.client();
    let mut text = format!("frame {SIZE}\n").into_bytes();
    pattern(SIZE, &mut text);
    let sum: u64 = text[text.len() - SIZE..].iter().map(|&b| u64::from(b)).sum();
    (&client).write_all(&text).unwrap();
    assert_eq!(read_line(&client), format!("{SIZE} {sum}"));
    assert_eq!(ask(&client, "pending"), "0 0");
}

#[test]
fn a_reset_ends_one_connection_only() {
    let running = Running::start();
    let (rude, polite) = (running.client(), running.client());
    assert_eq!(ask(&rude, "hello"), "hello");
    socket2::SockRef::from(&rude).set_linger(Some(Duration::ZERO)).unwrap();
    drop(rude);
    assert_eq!(running.wait_close(), CloseReason::Lost(ErrorKind::ConnectionReset));
    assert_eq!(ask(&polite, "still here"), "still here");
}

#[test]
fn a_reset_of_a_stalled_connection_is_noticed() {
    let running = Running::start();
    let rude = running.client();
    (&rude).write_all(b"stall\nmore\n").unwrap();
    running.wait(|told| matches!(told, Told::Line(_, line) if line == "stall").then_some(()));
    socket2::SockRef::from(&rude).set_linger(Some(Duration::ZERO)).unwrap();
    drop(rude);
    assert_eq!(running.wait_close(), CloseReason::Lost(ErrorKind::ConnectionReset));
}

#[test]
fn a_thousand_clients_at_once() {
    raise_open_files();
    let running = Running::with(2_000, |_, _| {});
    let clients: Vec<Client> = (0..1_000).map(|_| running.client()).collect();
    for (i, mut client) in clients.iter().enumerate() {
        client.write_all(format!("client {i}\n").as_bytes()).unwrap();
    }
    for (i, client) in clients.iter().enumerate() {
        assert_eq!(read_line(client), format!("client {i}"));
    }
    drop(clients);
    let (mut ends, mut closes) = (0, 0);
    running.wait(|told| {
        ends += usize::from(matches!(told, Told::Eof(..)));
        closes += usize::from(matches!(told, Told::Close(..)));
        (ends + closes == 1_000).then_some(())
    });
    assert_eq!(ask(&running.client(), "next"), "next");
}

#[test]
fn a_request_costs_one_read_and_one_write() {
    let running = Running::start();
    let client = running.client();
    (0..100).for_each(|_| assert_eq!(ask(&client, "x"), "x"));
    // The answer that tells it is not yet written when it is made.
    assert_eq!(ask(&client, "counters"), "1 0 101 100");
}

#[test]
fn a_reset_while_much_is_being_sent_ends_one_connection_only() {
    let running = Running::start();
    let (rude, polite) = (running.client(), running.client());
    (&rude).write_all(b"big 50000000\n").unwrap();
    (&rude).read_exact(&mut [0; 1000]).unwrap();
    socket2::SockRef::from(&rude).set_linger(Some(Duration::ZERO)).unwrap();
    drop(rude);
    assert!(matches!(running.wait_close(), CloseReason::Lost(_)));
    assert_eq!(ask(&polite, "pending"), "0 0");
}
