//! What a server spends on a request between the socket's bytes and its answer's, and what of it is the trie's.
//!
//! `cargo bench --bench server`. Criterion's elements are requests. `trie/..` does to a trie of the same records what
//! the request of that name asks for, so the difference is parsing, dispatch, counting and the reply.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hedgerow::conn::{ConnId, Machine, Net, Origin, deliver};
use hedgerow::proto::cluster::{Request, Role, Seat, View, ViewId};
use hedgerow::proto::resp::write_request;
use hedgerow::record::{Ballot, Kind, Slot, Version};
use hedgerow::server::{Server, ServerConfig};
use hedgerow::time::{Now, Time};
use hedgerow::trie::{Meta, Trie};
use std::hint::black_box;
use std::net::SocketAddr;

const KEYS: usize = 100_000;
/// Requests of one read: within a turn's budget.
const PIPELINED: usize = 64;
const BATCHES: usize = 64;
const VALUE: [u8; 64] = [b'x'; 64];

fn key(index: usize) -> String {
    format!("person{}", index * 7919 % KEYS)
}

struct Driver {
    server: Server,
    net: Net,
    id: ConnId,
}

impl Driver {
    fn new() -> Driver {
        let mut net = Net::new();
        let mut server = Server::new(ServerConfig::new(1), Now::default());
        let id = net.insert();
        let address = SocketAddr::from(([127, 0, 0, 1], 9_000));
        server.handle_open(id, Origin::Accepted { peer: address, local: address }, Now::default(), &mut net);
        Driver { server, net, id }
    }

    /// A server full of short strings.
    fn filled() -> Driver {
        let mut driver = Driver::new();
        for index in 0..KEYS {
            let mut request = vec![];
            write_request(&mut request, &[b"SET", key(index).as_bytes(), &VALUE]);
            driver.send(&request);
        }
        assert_eq!(driver.server.trie().len(), KEYS);
        driver
    }

    /// A server that belongs to a cluster, and a broker on the connection.
    fn clustered() -> Driver {
        let mut driver = Driver::new();
        let seat = Seat { incarnation: driver.server.incarnation(), role: Role::Member, since: 1 };
        let mut bytes = vec![];
        Request::Hello { cluster: 1, process: 1 }.write(&mut bytes);
        Request::View { view: View { id: VIEW, seats: vec![seat] } }.write(&mut bytes);
        driver.send(&bytes);
        assert!(!driver.server.view().is_blank());
        driver
    }

    fn send(&mut self, bytes: &[u8]) -> usize {
        deliver(&mut self.server, &mut self.net, self.id, bytes, Now::default());
        let sent = self.net.unsent(self.id).len();
        self.net.sent(self.id, sent, Time::ZERO);
        sent
    }
}

const VIEW: ViewId = ViewId { life: 1, number: 1 };

/// Reads that ask for keys all over the trie.
fn batches(write: impl Fn(&mut Vec<u8>, usize)) -> Vec<Vec<u8>> {
    (0..BATCHES)
        .map(|batch| {
            let mut bytes = vec![];
            (0..PIPELINED).for_each(|at| write(&mut bytes, batch * PIPELINED + at));
            bytes
        })
        .collect()
}

fn measure(criterion: &mut Criterion, name: &str, driver: &mut Driver, batches: &[Vec<u8>]) {
    let mut group = criterion.benchmark_group("server");
    group.throughput(Throughput::Elements(PIPELINED as u64));
    let mut next = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            next = (next + 1) % batches.len();
            driver.send(black_box(&batches[next]))
        });
    });
}

fn requests(criterion: &mut Criterion) {
    let mut driver = Driver::filled();
    let set = |out: &mut Vec<u8>, index| write_request(out, &[b"SET", key(index).as_bytes(), &VALUE]);
    measure(criterion, "ping", &mut driver, &batches(|out, _| write_request(out, &[b"PING"])));
    let get = batches(|out, index| write_request(out, &[b"GET", key(index).as_bytes()]));
    measure(criterion, "get", &mut driver, &get);
    measure(criterion, "set", &mut driver, &batches(set));
    let put = batches(|out, index| {
        out.extend(format!("PUT {}:{{\"name\":\"Mary\";\"age\":{index}}}\r\n", key(index)).bytes());
    });
    measure(criterion, "put a line", &mut driver, &put);
    let query = batches(|out, index| out.extend(format!("QUERY {}.age\r\n", key(index)).bytes()));
    measure(criterion, "query", &mut driver, &query);
}

fn messages(criterion: &mut Criterion) {
    let mut driver = Driver::clustered();
    let at = |index: usize| Version::new(Ballot::new(1, 1), 1 + index as u64);
    let store = |out: &mut Vec<u8>, index: usize, version: Version| {
        let key = key(index);
        let (slot, ballot) = (Slot::of(key.as_bytes()), version.ballot());
        let (key, kind) = (key.as_bytes(), Kind::Text);
        Request::Store { view: VIEW, ballot, slot, version, key, kind, body: &VALUE }.write(out);
    };
    for index in 0..KEYS {
        let mut bytes = vec![];
        store(&mut bytes, index, at(index));
        driver.send(&bytes);
    }
    let get = batches(|out, index| {
        let key = key(index);
        let slot = Slot::of(key.as_bytes());
        Request::Get { view: VIEW, slot, key: key.as_bytes(), version_only: false }.write(out);
    });
    measure(criterion, "h.get", &mut driver, &get);
    // The same version again and again is acknowledged without a write: each round needs newer ones.
    let mut group = criterion.benchmark_group("server");
    group.throughput(Throughput::Elements(PIPELINED as u64));
    let mut written = KEYS;
    group.bench_function("h.store", |bencher| {
        bencher.iter_batched_ref(
            || {
                let mut bytes = vec![];
                (0..PIPELINED).for_each(|_| {
                    written += 1;
                    store(&mut bytes, written, at(written));
                });
                bytes
            },
            |bytes| driver.send(black_box(bytes)),
            criterion::BatchSize::SmallInput,
        );
    });
}

fn trie(criterion: &mut Criterion) {
    let mut trie = Trie::new();
    let keys: Vec<String> = (0..KEYS).map(key).collect();
    for key in &keys {
        trie.put_text(key.as_bytes(), Meta::default(), &VALUE).expect("room for a short text");
    }
    let mut group = criterion.benchmark_group("trie");
    group.throughput(Throughput::Elements(PIPELINED as u64));
    let mut next = 0;
    group.bench_function("get", |bencher| {
        bencher.iter(|| {
            next = (next + PIPELINED) % (PIPELINED * BATCHES);
            keys[next..][..PIPELINED]
                .iter()
                .map(|key| trie.get(black_box(key.as_bytes())).map_or(0, |record| record.text().len()))
                .sum::<usize>()
        });
    });
    group.bench_function("set", |bencher| {
        bencher.iter(|| {
            next = (next + PIPELINED) % (PIPELINED * BATCHES);
            for key in &keys[next..][..PIPELINED] {
                trie.put_text(black_box(key.as_bytes()), Meta::default(), &VALUE).expect("room");
            }
        });
    });
}

criterion_group!(benches, requests, messages, trie);
criterion_main!(benches);
