//! The trie on its own: 1 M keys of 14 bytes with values of 32 bytes, and 200 k documents of 5 fields.
//!
//! `cargo bench --bench trie_own`; prints what a key takes (of the arena, and of the process) before the timings.
//! Times are per operation, in random order.

use std::hint::black_box;
use std::ops::Bound;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hedgerow::record::{Ballot, Slot, Version};
use hedgerow::rng::Rng;
use hedgerow::trie::{Meta, Trie};
use hedgerow::value::{Discard, Event, Segment, SinkError, ValueSink};

const KEYS: usize = 1_000_000;
const DOCUMENTS: usize = 200_000;
const VALUE: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// Keys in random order.
fn keys(prefix: &str, count: usize, digits: usize) -> Vec<Vec<u8>> {
    let mut keys: Vec<_> =
        (0..count).map(|number| format!("{prefix}{number:0digits$}").into_bytes()).collect();
    let mut rng = Rng::from_seed(7);
    (1..count).rev().for_each(|index| keys.swap(index, rng.index(index + 1)));
    keys
}

fn clustered(key: &[u8], seq: u64) -> Meta {
    Meta { version: Version::new(Ballot::new(3, 77), seq), slot: Some(Slot::of(key)), ..Meta::default() }
}

fn fill(trie: &mut Trie, keys: &[Vec<u8>], meta: impl Fn(&[u8], u64) -> Meta) {
    for (seq, key) in keys.iter().enumerate() {
        trie.put_text(key, meta(key, seq as u64), VALUE).expect("no limit is set");
    }
}

fn tell(sink: &mut dyn ValueSink, number: i64) -> Result<(), SinkError> {
    sink.event(Event::BeginSet)?;
    sink.event(Event::Field("name"))?;
    sink.event(Event::Text("Mary"))?;
    sink.event(Event::Field("age"))?;
    sink.event(Event::Int(number % 100))?;
    sink.event(Event::Field("height"))?;
    sink.event(Event::Float(1.5 + number as f64 / 1e6))?;
    sink.event(Event::Field("address"))?;
    sink.event(Event::BeginSet)?;
    sink.event(Event::Field("street"))?;
    sink.event(Event::Text("Main"))?;
    sink.event(Event::Field("number"))?;
    sink.event(Event::Int(number))?;
    sink.event(Event::EndSet)?;
    sink.event(Event::EndSet)
}

fn fill_documents(trie: &mut Trie, keys: &[Vec<u8>]) {
    for (seq, key) in keys.iter().enumerate() {
        let done = trie.put_document(key, clustered(key, seq as u64), |sink| tell(sink, seq as i64));
        done.expect("no limit is set");
    }
}

/// Resident bytes of this process.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

fn report(what: &str, count: usize, build: impl FnOnce(&mut Trie)) -> Trie {
    let before = resident_bytes();
    let mut trie = Trie::new();
    build(&mut trie);
    let resident = resident_bytes().saturating_sub(before);
    let per = |bytes: usize| bytes as f64 / count as f64;
    println!(
        "{what}: used {:.1} B, reserved {:.1} B, resident {:.1} B each",
        per(trie.used_bytes()),
        per(trie.reserved_bytes()),
        per(resident)
    );
    trie
}

fn texts(criterion: &mut Criterion) {
    let keys = keys("key:", KEYS, 10);
    drop(report("1 M texts, plain", KEYS, |trie| fill(trie, &keys, |_, _| Meta::default())));
    let mut trie = report("1 M texts, in a cluster", KEYS, |trie| fill(trie, &keys, clustered));
    let mut group = criterion.benchmark_group("texts");
    group.sample_size(10).throughput(Throughput::Elements(KEYS as u64));
    group.bench_function("put new, plain", |bench| {
        let run = |mut trie: Trie| {
            fill(&mut trie, &keys, |_, _| Meta::default());
            trie
        };
        bench.iter_batched(Trie::new, run, BatchSize::PerIteration);
    });
    group.bench_function("put new, in a cluster", |bench| {
        let run = |mut trie: Trie| {
            fill(&mut trie, &keys, clustered);
            trie
        };
        bench.iter_batched(Trie::new, run, BatchSize::PerIteration);
    });
    group.bench_function("put over", |bench| bench.iter(|| fill(&mut trie, &keys, clustered)));
    group.bench_function("remove and put back", |bench| {
        bench.iter(|| {
            for (seq, key) in keys.iter().enumerate() {
                trie.remove(key);
                trie.put_text(key, clustered(key, seq as u64), VALUE).expect("no limit is set");
            }
        });
    });
    group.finish();
    texts_read(criterion, &keys, &trie);
}

fn texts_read(criterion: &mut Criterion, keys: &[Vec<u8>], trie: &Trie) {
    let mut group = criterion.benchmark_group("texts, read");
    group.sample_size(10).throughput(Throughput::Elements(KEYS as u64));
    group.bench_function("get", |bench| {
        bench.iter(|| {
            keys.iter().filter_map(|key| trie.get(key)).map(|record| record.text().len()).sum::<usize>()
        })
    });
    group.bench_function("get and copy", |bench| {
        let mut out = Vec::new();
        bench.iter(|| {
            for key in keys {
                out.clear();
                trie.get(key).expect("all are there").text().write_to(&mut out);
                black_box(&out);
            }
        });
    });
    group.bench_function("get, the next key depends on it", |bench| {
        bench.iter(|| {
            let mut at = 0;
            for step in 0..KEYS {
                let len = trie.get(&keys[at]).expect("all are there").text().len();
                at = (step * 7_919 + len) % KEYS;
            }
            at
        });
    });
    group.bench_function("get of what is not there", |bench| {
        let other: Vec<_> = keys.iter().map(|key| [&key[..], b"x"].concat()).collect();
        bench.iter(|| other.iter().filter(|key| trie.get(key).is_some()).count());
    });
    group.bench_function("cursor over all", |bench| {
        bench.iter(|| {
            let mut cursor = trie.cursor(Bound::Unbounded);
            let mut bytes = 0;
            while let Some((key, record)) = cursor.next(trie) {
                bytes += key.len() + record.text().len();
            }
            bytes
        });
    });
    group.finish();
}

fn documents(criterion: &mut Criterion) {
    let keys = keys("person", DOCUMENTS, 1);
    let mut trie = report("200 k documents of 5 fields", DOCUMENTS, |trie| fill_documents(trie, &keys));
    let mut group = criterion.benchmark_group("documents");
    group.sample_size(10).throughput(Throughput::Elements(DOCUMENTS as u64));
    group.bench_function("put over", |bench| bench.iter(|| fill_documents(&mut trie, &keys)));
    group.bench_function("emit", |bench| {
        bench.iter(|| {
            for key in &keys {
                let record = trie.get(key).expect("all are there");
                record.document().emit(&mut Discard).expect("it takes everything");
            }
        });
    });
    group.bench_function("path", |bench| {
        let path = [Segment::Field("address"), Segment::Field("number")];
        bench.iter(|| {
            let number = |key: &Vec<u8>| trie.get(key)?.at(&path)?.number();
            keys.iter().filter_map(number).sum::<f64>()
        });
    });
    group.finish();
}

criterion_group!(benches, texts, documents);
criterion_main!(benches);
