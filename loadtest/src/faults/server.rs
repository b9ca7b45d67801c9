//! A `kv-server` that this program starts, restarts and ends.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running server, or one that was killed.
#[derive(Debug)]
pub(crate) struct OwnServer {
    program: PathBuf,
    child: Child,
    address: SocketAddr,
}

impl OwnServer {
    /// Starts a server at a free port; without a path the `kv-server` beside this program.
    pub(crate) fn start(program: Option<&Path>) -> Result<OwnServer, String> {
        let program = match program {
            Some(program) => program.to_owned(),
            None => beside_us()?,
        };
        let (child, address) = spawn(&program, 0)?;
        Ok(OwnServer { program, child, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Starts it again at the same port. One that still runs is ended first.
    pub(crate) fn start_again(&mut self) -> Result<(), String> {
        self.end();
        (self.child, self.address) = spawn(&self.program, self.address.port())?;
        Ok(())
    }

    fn end(&mut self) {
        // It may have ended by itself, and then both say so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.end();
    }
}

fn beside_us() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("--start-server: {error}"))?;
    let beside = own.with_file_name("kv-server");
    if beside.is_file() {
        Ok(beside)
    } else {
        Err(format!("--start-server: there is no {}; say where it is: --start-server=PATH", beside.display()))
    }
}

fn spawn(program: &Path, port: u16) -> Result<(Child, SocketAddr), String> {
    let named = |error: &dyn std::fmt::Display| format!("--start-server: {}: {error}", program.display());
    let port = port.to_string();
    let mut command = Command::new(program);
    command.args(["-a", "127.0.0.1", "-p", &port, "--request-log", "off", "--log-level", "warn"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| named(&error))?;
    let output = child.stdout.take().expect("it was asked for");
    // The server names its address when it is ready, and closes its output when it fails.
    for line in BufReader::new(output).lines() {
        let line = line.map_err(|error| named(&error))?;
        let address = line.split_whitespace().find_map(|word| word.parse::<SocketAddr>().ok());
        if let Some(address) = address {
            return Ok((child, address));
        }
    }
    let _ = child.wait();
    Err(named(&"it ended before it was ready"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_no_server_is_told() {
        let error = OwnServer::start(Some(Path::new("/no/such/kv-server"))).unwrap_err();
        assert!(error.contains("/no/such/kv-server"), "{error}");
        let error = OwnServer::start(Some(Path::new("true"))).unwrap_err();
        assert!(error.contains("ended before it was ready"), "{error}");
    }
}
