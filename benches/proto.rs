//! What a request costs before anything is done for it: parsing, finding the command, and the reply on its way back.
//!
//! `cargo bench --bench proto`. Times are of a whole stream; criterion's elements are its requests, replies or names.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hedgerow::proto::command;
use hedgerow::proto::resp::{
    Args, Progress, Protocol, ReplyParser, RequestParser, Tokens, Writer, write_request,
};
use std::hint::black_box;

/// Frames of one stream: about what one read of a pipelining client holds.
const FRAMES: usize = 64;

/// Takes requests until the stream ends; the sum of their arguments' sizes keeps the compiler honest.
fn take_requests(stream: &[u8], parser: &mut RequestParser, args: &mut Args) -> usize {
    let (mut at, mut sum) = (0, 0);
    while let Ok(Progress::Done { value, consumed }) = parser.parse(&stream[at..], args) {
        sum += value.args().map(<[u8]>::len).sum::<usize>();
        at += consumed;
    }
    assert_eq!(at, stream.len());
    sum
}

fn requests(criterion: &mut Criterion) {
    let key = |index: usize| format!("person{:010}", index * 7919);
    let streams: [(&str, Vec<u8>); 5] = [
        ("get", stream(|out, index| write_request(out, &[b"GET", key(index).as_bytes()]))),
        ("set", stream(|out, index| write_request(out, &[b"SET", key(index).as_bytes(), &[b'x'; 64]]))),
        ("ping", stream(|out, _| write_request(out, &[b"PING"]))),
        ("inline get", stream(|out, index| out.extend(format!("GET {}\r\n", key(index)).bytes()))),
        ("verb put", stream(|out, index| out.extend(format!("PUT {}:{{\"a\":1}}\r\n", key(index)).bytes()))),
    ];
    let mut group = criterion.benchmark_group("request");
    group.throughput(Throughput::Elements(FRAMES as u64));
    for (name, stream) in streams {
        let (mut parser, mut args) = (RequestParser::default(), Args::new());
        group.bench_function(name, |bencher| {
            bencher.iter(|| take_requests(black_box(&stream), &mut parser, &mut args))
        });
    }
    group.finish();
}

fn replies(criterion: &mut Criterion) {
    let mut stream = Vec::new();
    for index in 0..FRAMES {
        let mut writer = Writer::new(&mut stream, Protocol::Resp3);
        match index % 4 {
            0 => writer.ok(),
            1 => writer.bulk([b'x'; 64]),
            2 => writer.int(index as i64),
            _ => writer.null(),
        }
    }
    let (mut parser, mut tokens) = (ReplyParser::default(), Tokens::new());
    let mut group = criterion.benchmark_group("reply");
    group.throughput(Throughput::Elements(FRAMES as u64));
    group.bench_function("mixed", |bencher| {
        bencher.iter(|| {
            let mut at = 0;
            while let Ok(Progress::Done { value, consumed }) =
                parser.parse(&black_box(&stream)[at..], &mut tokens)
            {
                black_box(value.first());
                at += consumed;
            }
            assert_eq!(at, stream.len());
        })
    });
    let mut out = Vec::with_capacity(FRAMES * 128);
    group.bench_function("write bulk", |bencher| {
        bencher.iter(|| {
            out.clear();
            for _ in 0..FRAMES {
                Writer::new(&mut out, Protocol::Resp2).bulk(black_box(&[b'x'; 64]));
            }
            out.len()
        })
    });
    group.finish();
}

fn names(criterion: &mut Criterion) {
    let names: [&[u8]; 8] =
        [b"GET", b"set", b"PUT", b"JSON.FORGET", b"h.store", b"COMPUTE", b"nosuch", b"Ping"];
    let mut group = criterion.benchmark_group("command");
    group.throughput(Throughput::Elements(names.len() as u64));
    group.bench_function("lookup", |bencher| {
        bencher.iter(|| names.iter().filter_map(|name| command::lookup(black_box(name))).count())
    });
    group.finish();
}

fn stream(mut frame: impl FnMut(&mut Vec<u8>, usize)) -> Vec<u8> {
    let mut out = Vec::new();
    for index in 0..FRAMES {
        frame(&mut out, index);
    }
    out
}

criterion_group!(benches, requests, replies, names);
criterion_main!(benches);
