//! `kv-server` as a process: its flags, its one line, its log, its end.

#![expect(clippy::unwrap_used, reason = "a test that fails here shows the line")]

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Server {
        let mut child = command(&["-p", "0", "--log-level", "warn"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("kv-server ready on ").expect(&line).to_owned();
        Server { child, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id() as i32).unwrap(), signal).unwrap();
    }

    fn status(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kv-server"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("it runs")
}

/// Status 2, nothing on standard output, and one line that says these words.
fn refuses(arguments: &[&str], words: &[&str]) {
    let output = run(arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert!(words.iter().all(|word| errors.contains(word)), "{arguments:?}: {errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[test]
fn what_cannot_be_served_is_refused_in_one_line() {
    refuses(&["-a", "0.0.0.0", "-p", "0"], &["0.0.0.0", "--insecure"]);
    refuses(&["-a", "::", "-p", "0"], &["::", "--insecure"]);
    refuses(&["-a", "256.1.1.1", "-p", "0"], &["256.1.1.1"]);
    refuses(&["-p", "0", "--log-file", "/nonexistent/folder/log"], &["/nonexistent/folder/log"]);
    let server = Server::start(&[]);
    let port = server.address.rsplit(':').next().unwrap();
    refuses(&["-p", port], &[&server.address]);
    assert_eq!(run(&["--max-clients", "0"]).status.code(), Some(2));
    assert_eq!(run(&["--request-log", "some"]).status.code(), Some(2));
}

#[test]
fn help_and_version_are_answers() {
    let help = run(&["--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(help.status.success() && text.contains("Examples:") && text.contains("Exit status:"), "{text}");
    let version = run(&["--version"]);
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        format!("kv-server {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_variable_that_is_no_setting_is_named_and_the_password_is_none() {
    let said_of = |variable: &str| {
        let output = command(&["--config", "/nonexistent", "-p", "0"]).env(variable, "x").output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said_of("HEDGEROW_NOSUCH").contains("HEDGEROW_NOSUCH"));
    assert!(!said_of("HEDGEROW_PASSWORD").contains("HEDGEROW_PASSWORD"));
}

#[test]
fn a_half_closed_client_gets_its_answers() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.write_all(b"PING\r\nSET a 1\r\nGET a\r\nPIN").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut all = String::new();
    client.read_to_string(&mut all).unwrap();
    assert_eq!(all, "+PONG\r\n+OK\r\n$1\r\n1\r\n");
}

#[test]
fn a_signal_lets_replies_in_flight_out_and_the_port_free() {
    const COUNT: usize = 16;
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start(&[]);
        let value = "x".repeat(1_000_000);
        let request = format!("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${}\r\n{value}\r\n", value.len());
        let mut client = server.connect();
        client.write_all(request.as_bytes()).unwrap();
        let mut ok = [0; 5];
        client.read_exact(&mut ok).unwrap();
        // More answers of a megabyte than the system's buffers and the server's queue hold: some of the requests, which
        // have all been read, wait for room when the signal comes.
        client.write_all("GET big\r\n".repeat(COUNT).as_bytes()).unwrap();
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        server.signal(signal);
        let mut rest = vec![];
        client.read_to_end(&mut rest).unwrap();
        assert_eq!(rest.len() + 1, COUNT * (value.len() + "$1000000\r\n\r\n".len()));
        assert_eq!(server.status(), Some(0));
        let port = server.address.rsplit(':').next().unwrap().to_owned();
        let again = Server::start(&["-p", &port]);
        assert_eq!(again.address, server.address);
    }
}

#[test]
fn surplus_clients_are_told_so() {
    let server = Server::start(&["--max-clients", "1"]);
    let mut first = server.connect();
    first.write_all(b"PING\r\n").unwrap();
    let mut pong = [0; 7];
    first.read_exact(&mut pong).unwrap();
    let mut words = String::new();
    server.connect().read_to_string(&mut words).unwrap();
    assert_eq!(words, "-ERR max number of clients reached\r\n");
}

#[test]
fn the_log_names_peer_command_and_key_and_never_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.log");
    let file = path.to_str().unwrap();
    let mut server = Server::start(&["--log-level", "info", "--request-log", "all", "--log-file", file]);
    let mut client = server.connect();
    client.write_all(b"SET key1 verysecret\r\nGET key1\r\n").unwrap();
    let mut answers = [0; 5 + 4 + 1 + 12];
    client.read_exact(&mut answers).unwrap();
    server.signal(Signal::TERM);
    assert_eq!(server.status(), Some(0));
    // The last lines are written before the process ends.
    let log = std::fs::read_to_string(&path).unwrap();
    let peer = client.local_addr().unwrap().to_string();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("request: ")).collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines.iter().all(|line| line.contains(&peer) && line.contains("key1")), "{log}");
    assert!(!log.contains("verysecret"), "{log}");
}

#[test]
fn a_log_that_nobody_reads_stops_nobody() {
    // Standard error is a pipe that is never read: full after some hundred lines.
    let mut child = command(&["-p", "0", "--request-log", "all"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().rsplit(' ').next().unwrap().to_owned();
    let mut server = Server { child, address };
    let mut client = server.connect();
    for _ in 0..200 {
        client.write_all("PING\r\n".repeat(100).as_bytes()).unwrap();
        let mut pongs = [0; 700];
        client.read_exact(&mut pongs).unwrap();
    }
    server.signal(Signal::TERM);
    assert_eq!(server.status(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Server::start(&[]);
    let mut client = server.connect();
    let value = "x".repeat(32_000_000);
    let request = format!("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${}\r\n{value}\r\n", value.len());
    client.write_all(request.as_bytes()).unwrap();
    client.write_all(b"GET big\r\n").unwrap();
    let mut some = [0; 100];
    client.read_exact(&mut some).unwrap();
    // Too much for the kernel's buffers, and not read: the first signal lets it wait for this client.
    server.signal(Signal::TERM);
    while TcpStream::connect(&server.address).is_ok() {
        std::thread::yield_now();
    }
    server.signal(Signal::INT);
    assert_eq!(server.status(), Some(1));
}

#[test]
fn systemd_is_told_when_it_serves_and_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut child = command(&["-p", "0", "--log-level", "off"])
        .env("NOTIFY_SOCKET", &path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut heard = [0; 256];
    let mut hear = || {
        let size = socket.recv(&mut heard).unwrap();
        String::from_utf8_lossy(&heard[..size]).into_owned()
    };
    assert!(hear().starts_with("READY=1\nSTATUS=serving on 127.0.0.1:"));
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), Signal::TERM).unwrap();
    assert_eq!(hear(), "STOPPING=1\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn settings_come_from_a_file_the_environment_and_flags() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv-server.toml");
    std::fs::write(&path, "max-clients = 7 # few\nmax-bulk = \"1kb\"\n").unwrap();
    let mut child = command(&["-p", "0", "--log-level", "off", "--config", path.to_str().unwrap()])
        .env("HEDGEROW_MAX_CLIENTS", "8")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("kv-server ready on ").unwrap().to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"CONFIG GET maxclients\r\nCONFIG GET proto-max-bulk-len\r\nQUIT\r\n").unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(told.contains("$1\r\n8\r\n") && told.contains("$4\r\n1024\r\n"), "{told}");
    std::fs::write(&path, "max-clients = 7\nmax-bulks = 3\n").unwrap();
    refuses(&["--config", path.to_str().unwrap()], &["line 2", "max-bulks", "max-bulk is the nearest"]);
}
