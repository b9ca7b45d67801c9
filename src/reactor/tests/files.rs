//! A process that runs out of file descriptors: in a child, since the limit is the process'.

use super::*;
use std::process::{Child, ChildStdout, Command, Stdio};

const CHILD: &str = "HEDGEROW_TEST_FEW_FILES";

/// The child: a server that believes in a thousand clients and may open 40 files. Ends when its input does.
#[test]
#[ignore = "a part of the next test, which starts it"]
fn child_with_few_files() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let limit = rustix::process::Rlimit { current: Some(40), maximum: Some(40) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let (mut machine, _events) = Lines::new();
    let mut reactor = Reactor::new(1_000).unwrap();
    let address = reactor.listen("127.0.0.1:0".parse().unwrap()).unwrap();
    println!("\nlistening {address}");
    reactor.add_feed(0, std::io::stdin(), Sink::Discard).unwrap();
    assert_eq!(reactor.run(&mut machine).unwrap(), 0);
}

fn child() -> (Child, BufReader<ChildStdout>, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "reactor::tests::files::child_with_few_files", "--ignored", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("listening ") {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the child ended early");
    }
    (child, lines, line.trim_end()["listening ".len()..].parse().unwrap())
}

#[test]
fn a_server_without_a_free_descriptor_tells_the_surplus_and_lives() {
    let (mut child, mut rest, address) = child();
    let connect = || {
        let client = Client::connect(address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    };
    let clients: Vec<Client> = (0..100).map(|_| connect()).collect();
    let answers: Vec<String> = clients
        .iter()
        .map(|mut client| {
            let _ = client.write_all(b"in\n");
            read_line(client)
        })
        .collect();
    let served = answers.iter().filter(|answer| *answer == "in").count();
    let refused = answers.iter().filter(|answer| *answer == "no place").count();
    assert!(served >= 10 && refused >= 60 && served + refused == 100, "{served} served, {refused} refused");
    let inside = answers.iter().position(|answer| answer == "in").unwrap();
    assert_eq!(ask(&clients[inside], "still served"), "still served");
    drop(clients);
    // Each place is free again as soon as the server has seen the end of its client.
    let mut again = 0;
    while again < 10 {
        let client = connect();
        let _ = (&client).write_all(b"again\n");
        again += usize::from(read_line(&client) == "again");
    }
    let client = connect();
    (&client).write_all(b"stop 0\n").unwrap();
    assert!(child.wait().unwrap().success());
    let mut text = String::new();
    rest.read_to_string(&mut text).unwrap();
    assert!(text.contains("1 passed"), "{text}");
}
