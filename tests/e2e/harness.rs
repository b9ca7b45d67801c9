//! Processes and their pipes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Polls until `condition` holds.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

/// Sends a signal by its number to a process that this test started.
pub(crate) fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid as i32).expect("a process id");
    rustix::process::kill_process(pid, signal).expect("our own process");
}

/// A `kv-server`; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    /// A server on a port that the system picks.
    pub(crate) fn start() -> Server {
        Server::start_on(0)
    }

    /// A server on this port.
    pub(crate) fn start_on(port: u16) -> Server {
        Server::start_with(port, &[])
    }

    pub(crate) fn start_with(port: u16, arguments: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kv-server"))
            .args(["-a", "127.0.0.1", "-p", &port.to_string(), "--log-level", "error"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("kv-server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        Server { port: port.unwrap_or_else(|| panic!("kv-server said {line:?}")), child }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn signal(&self, number: rustix::process::Signal) {
        signal(self.child.id(), number);
    }

    /// kill -9, and a new process on the same port at once.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        *self = Server::start_on(self.port);
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("our own process");
        self.child.wait().expect("it was killed");
    }

    /// Asks for the end and waits for it; the exit status.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        self.signal(rustix::process::Signal::TERM);
        self.child.wait().expect("it ends").code()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends one inline line and reads the first line of the answer.
    pub(crate) fn ask(&self, line: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(format!("{line}\r\n").as_bytes()).expect("it reads");
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).expect("it answers");
        answer.trim_end().to_owned()
    }

    /// Sends one inline line and reads all that is answered.
    pub(crate) fn ask_all(&self, line: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(format!("{line}\r\nQUIT\r\n").as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer.strip_suffix("+OK\r\n").expect("QUIT is answered").to_owned()
    }

    /// The value of a parameter.
    pub(crate) fn config(&self, name: &str) -> String {
        let answer = self.ask_all(&format!("CONFIG GET {name}"));
        answer.lines().nth(4).unwrap_or_else(|| panic!("{name} is no parameter: {answer}")).to_owned()
    }

    /// A number that INFO tells.
    pub(crate) fn info(&self, field: &str) -> u64 {
        let told = self.ask_all("INFO everything");
        let value = told.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {field} in {told}"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Some servers, and the file that names them.
pub(crate) struct Cluster {
    pub(crate) servers: Vec<Server>,
    pub(crate) folder: tempfile::TempDir,
}

impl Cluster {
    pub(crate) fn start(count: usize) -> Cluster {
        Cluster::start_with(count, &[], tempfile::tempdir().expect("a folder"))
    }

    /// Servers that are told more.
    pub(crate) fn start_with(count: usize, arguments: &[&str], folder: tempfile::TempDir) -> Cluster {
        let servers: Vec<Server> = (0..count).map(|_| Server::start_with(0, arguments)).collect();
        let lines: Vec<String> =
            servers.iter().map(|server| format!("127.0.0.1 {}\n", server.port)).collect();
        std::fs::write(folder.path().join("serverFile.txt"), lines.concat()).expect("a file");
        Cluster { servers, folder }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("a plain path").to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
        self.path(name)
    }

    /// A broker over these servers with an empty console.
    pub(crate) fn broker(&self, replicas: usize) -> Broker {
        self.broker_with(replicas, &["--no-load"])
    }

    pub(crate) fn broker_with(&self, replicas: usize, arguments: &[&str]) -> Broker {
        let file = self.path("serverFile.txt");
        let replicas = replicas.to_string();
        let mut all = vec!["-s", &file, "-k", &replicas];
        all.extend(arguments);
        Broker::start(self.folder.path(), &all)
    }
}

/// A `kv-broker` at the end of pipes; killed when dropped.
pub(crate) struct Broker {
    child: Child,
    stdin: Option<ChildStdin>,
    answers: Receiver<String>,
    notes: Receiver<String>,
    asked: u64,
}

impl Broker {
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Broker {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kv-broker"))
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kv-broker starts");
        let answers = lines(child.stdout.take().expect("a pipe"));
        let notes = lines(child.stderr.take().expect("a pipe"));
        let stdin = child.stdin.take();
        Broker { child, stdin, answers, notes, asked: 0 }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line without waiting for its answer.
    pub(crate) fn send(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("still open");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("the broker reads");
        stdin.flush().expect("the broker reads");
    }

    /// The next line of the answers.
    pub(crate) fn line(&mut self) -> String {
        match self.answers.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("no answer"),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().expect("it ended");
                let notes: Vec<String> = self.notes.try_iter().collect();
                panic!("the broker ended with {status}: {notes:#?}");
            }
        }
    }

    /// The answer to a line that has one line as its answer.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.line()
    }

    /// All lines of the answer to a line.
    pub(crate) fn ask_all(&mut self, line: &str) -> Vec<String> {
        self.asked += 1;
        let mark = format!("=== {} ===", self.asked);
        self.send(line);
        self.send(&format!("ECHO \"{mark}\""));
        let mut all = vec![];
        loop {
            let line = self.line();
            if line.contains(&mark) {
                return all;
            }
            all.push(line);
        }
    }

    /// What stderr said since the last call.
    pub(crate) fn notes(&mut self) -> Vec<String> {
        self.notes.try_iter().collect()
    }

    /// Waits until STATUS says that every server is a member, up, and nothing is degraded.
    pub(crate) fn wait_all_up(&mut self, servers: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.ask_all("STATUS");
            let up = status.iter().filter(|line| line.contains("member") && line.contains(" up")).count();
            if up == servers {
                return;
            }
            assert!(Instant::now() < deadline, "not all up:\n{}", status.join("\n"));
        }
    }

    /// Ends the console and waits; the exit status.
    pub(crate) fn end(&mut self) -> Option<i32> {
        drop(self.stdin.take());
        self.child.wait().expect("it ends").code()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("our own process");
        self.child.wait().expect("it was killed");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(source).split(b'\n') {
            let Ok(line) = line else { return };
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Runs a program to its end with this input.
pub(crate) fn run(program: &str, arguments: &[&str], folder: &Path, input: &str) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    let _ = writer.join().expect("the writer does not panic");
    output
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
