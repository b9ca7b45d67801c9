//! A cluster inside of this process: each server has a reactor on a thread of its own, and the broker speaks to them
//! over the loopback interface as it would to any other.

use crate::options::Options;
use hedgerow::limits::CLIENTS_MAX_DEFAULT;
use hedgerow::reactor::{Reactor, StopHandle, Usage};
use hedgerow::server::{ProcessFigures, Server, ServerConfig};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::{self, JoinHandle};

pub(crate) struct Cluster {
    members: Vec<Member>,
}

struct Member {
    address: SocketAddr,
    stop: StopHandle,
    thread: JoinHandle<()>,
}

/// Starts `count` servers on free ports.
pub(crate) fn start(count: u16) -> Result<Cluster, String> {
    let members = (0..count).map(|_| member()).collect::<std::io::Result<Vec<Member>>>();
    let members = members.map_err(|error| format!("the embedded cluster cannot be started: {error}"))?;
    Ok(Cluster { members })
}

fn member() -> std::io::Result<Member> {
    let mut reactor = Reactor::new(CLIENTS_MAX_DEFAULT)?;
    let address = reactor.listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let stop = reactor.stop_handle();
    let config = ServerConfig {
        listen: address,
        process_id: std::process::id(),
        figures,
        ..ServerConfig::new(rand::random())
    };
    let thread = thread::Builder::new().name(format!("server {}", address.port())).spawn(move || {
        let mut server = Server::new(config, reactor.now());
        if let Err(error) = reactor.run(&mut server) {
            log::error!("server {address} ended: {error}");
        }
    })?;
    Ok(Member { address, stop, thread })
}

fn figures() -> ProcessFigures {
    let Usage { resident_bytes, cpu_user, cpu_system } = Usage::read();
    ProcessFigures { resident_bytes, cpu_user, cpu_system }
}

impl Cluster {
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.members.iter().map(|member| member.address).collect()
    }

    /// Says what runs, and what to try.
    pub(crate) fn announce(&self, options: &Options) {
        let names: Vec<String> = self.addresses().iter().map(ToString::to_string).collect();
        eprintln!("an embedded cluster runs on {}", names.join(", "));
        if let Some(path) = options.log_path() {
            eprintln!("its log is {}", path.display());
        }
        let port = self.members[0].address.port();
        if options.input.is_some() || options.no_load || options.samples == 0 {
            eprintln!("try:  PUT p1:{{\"name\": \"Ann\"; \"age\": 22}}   GET p1   STATUS   HELP   EXIT");
        } else {
            eprintln!(
                "try:  GET person1   QUERY person1.age   COMPUTE x/2 WHERE x = QUERY person1.age   DELETE person2\n      \
                 PUT p1:{{\"name\": \"Ann\"}}   STATUS   HELP   EXIT   in another terminal: redis-cli -p {port} DBSIZE"
            );
        }
    }

    /// Stops the servers, and waits for them.
    pub(crate) fn stop(self) {
        self.members.iter().for_each(|member| member.stop.stop());
        for member in self.members {
            // One that panicked has said so.
            let _ = member.thread.join();
        }
    }
}
