//! The reactor with a machine that answers constants: what the loop itself costs, with requests parsed but nothing
//! stored. `cargo run --release --example reactor_stub -- 127.0.0.1:25000`, then any load generator.

use hedgerow::conn::{CloseReason, ConnId, Machine, Net, Next, Origin, Refusal, Taken};
use hedgerow::limits;
use hedgerow::proto::resp::{Args, Progress, RequestParser};
use hedgerow::reactor::{Reactor, clients_max, raise_open_files};
use hedgerow::time::{Now, Time};

/// GET gives this.
const VALUE: &[u8] = b"$64\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";

#[derive(Default)]
struct Stub {
    args: Args,
    parser: RequestParser,
    requests: u64,
}

impl Machine for Stub {
    fn handle_open(&mut self, _: ConnId, _: Origin, _: Now, _: &mut Net) {}

    fn handle_bytes(&mut self, id: ConnId, bytes: &[u8], _: Now, net: &mut Net) -> Taken {
        let mut consumed = 0;
        for _ in 0..limits::REQUESTS_PER_TURN_MAX {
            let (reply, size): (&[u8], usize) = match self.parser.parse(&bytes[consumed..], &mut self.args) {
                Ok(Progress::Done { value: request, consumed }) => match request.get(0) {
                    Some(b"GET") => (VALUE, consumed),
                    Some(b"SET") => (b"+OK\r\n", consumed),
                    Some(b"PING") => (b"+PONG\r\n", consumed),
                    Some(b"STATS") => {
                        let c = net.counters;
                        let text = format!(
                            "polls={} reads={} writes={} cmds={}",
                            c.polls, c.reads, c.writes, self.requests
                        );
                        let reply = format!("${}\r\n{text}\r\n", text.len());
                        net.out(id).extend_from_slice(reply.as_bytes());
                        (b"", consumed)
                    }
                    _ => (b"-ERR unknown command\r\n", consumed),
                },
                Ok(Progress::More { at_least }) => {
                    // One parser for all connections: what it began is begun again with more bytes.
                    self.parser = RequestParser::default();
                    return Taken { consumed, next: Next::More { at_least } };
                }
                Err(error) => {
                    net.out(id).extend_from_slice(format!("-ERR {error}\r\n").as_bytes());
                    net.close(id);
                    return Taken::all(bytes);
                }
            };
            self.requests += 1;
            consumed += size;
            net.out(id).extend_from_slice(reply);
        }
        Taken { consumed, next: Next::Again }
    }

    fn handle_close(&mut self, _: ConnId, _: CloseReason, _: Now, _: &mut Net) {}

    fn handle_timeout(&mut self, _: Now, _: &mut Net) {}

    fn poll_timeout(&self) -> Option<Time> {
        None
    }

    fn refusal(&self, _: Refusal) -> &'static [u8] {
        b"-ERR max number of clients reached\r\n"
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let mut reactor = Reactor::new(clients_max(limits::CLIENTS_MAX_DEFAULT, raise_open_files()))?;
    println!("ready on {}", reactor.listen(address.parse()?)?);
    reactor.catch_signals()?;
    std::process::exit(reactor.run(&mut Stub::default())?);
}
