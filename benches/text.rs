//! What a PUT costs before the trie: a record's text to events to compact JSON, and what a QUERY finds in it.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hedgerow::proto::compute::Expression;
use hedgerow::proto::path::Path;
use hedgerow::proto::text::{self, Style};
use hedgerow::value::{Discard, Segment};

/// Records of a kind, one a line of a data file, about 64 KiB in all: more than a loop of one predicts.
fn records(record: impl Fn(usize) -> String) -> Vec<String> {
    let mut records = Vec::new();
    let mut bytes = 0;
    while bytes < 64 << 10 {
        records.push(record(records.len()));
        bytes += records.last().map_or(0, String::len);
    }
    records
}

/// Five fields as create-data makes them.
fn five_fields(index: usize) -> String {
    let city = ["Athens", "Thessaloniki", "Patras", "Heraklion"][index % 4];
    format!(
        "{{\"name\": \"Person{index}\"; \"age\": {}; \"height\": {}.{}; \"city\": \"{city}\"; \"street\": \"Main{}\"}}",
        index % 90,
        150 + index % 50,
        index % 1000,
        index * 7919
    )
}

fn nested(index: usize) -> String {
    format!(
        "{{\"name\": {}; \"address\": {}; \"tags\": [\"a\"; \"b\"; {index}]}}",
        five_fields(index),
        five_fields(index + 1)
    )
}

fn prose(index: usize) -> String {
    let sentence = "The quick brown fox jumps over the lazy dog; and then it jumps again. ";
    format!("{{\"title\": \"Text {index}\"; \"body\": \"{}\"}}", sentence.repeat(30))
}

fn escaped(index: usize) -> String {
    format!("{{\"line\": \"a\\tb\\n\\\"quoted\\\" \\u00e4 {index}\"; \"n\": null}}")
}

fn greek(index: usize) -> String {
    format!("{{\"όνομα\": \"Μαρία {index}\"; \"πόλη\": \"Θεσσαλονίκη\"; \"age\": {}}}", index % 90)
}

fn values(criterion: &mut Criterion) {
    let kinds = [
        ("five fields", records(five_fields)),
        ("nested", records(nested)),
        ("prose", records(prose)),
        ("escaped", records(escaped)),
        ("greek", records(greek)),
    ];
    for (kind, records) in &kinds {
        let mut group = criterion.benchmark_group(*kind);
        group.throughput(Throughput::Bytes(records.iter().map(|record| record.len() as u64).sum()));
        group.bench_function("read", |bencher| {
            bencher.iter(|| {
                for record in records {
                    text::read_document(black_box(record.as_bytes()), &mut Discard)
                        .expect("it is a document");
                }
            });
        });
        let mut out = Vec::new();
        group.bench_function("to json", |bencher| {
            bencher.iter(|| {
                for record in records {
                    out.clear();
                    text::restyle(black_box(record.as_bytes()), Style::Json, &mut out)
                        .expect("it is a document");
                }
            });
        });
        group.finish();
    }
}

fn parts(criterion: &mut Criterion) {
    let mut json = Vec::new();
    let pairs: Vec<String> = (0..400).map(|index| format!("\"record{index}\": {}", nested(index))).collect();
    text::restyle(format!("{{{}}}", pairs.join("; ")).as_bytes(), Style::Json, &mut json)
        .expect("a document");
    let mut group = criterion.benchmark_group("find");
    group.throughput(Throughput::Bytes(json.len() as u64));
    let last = [Segment::Field("record399"), Segment::Field("tags"), Segment::Index(2)];
    group.bench_function("last of 190 kB", |bencher| {
        bencher.iter(|| text::find(black_box(&json), &last).expect("it is there"));
    });
    group.finish();
    let mut small = Vec::new();
    text::restyle(five_fields(7).as_bytes(), Style::Json, &mut small).expect("a document");
    criterion.bench_function("find/last of five", |bencher| {
        bencher.iter(|| text::find(black_box(&small), &[Segment::Field("street")]).expect("it is there"));
    });
}

fn lines(criterion: &mut Criterion) {
    let records = records(|index| format!("\"person{index}\": {}", five_fields(index)));
    let mut group = criterion.benchmark_group("line");
    group.throughput(Throughput::Elements(records.len() as u64));
    group.bench_function("record_line", |bencher| {
        bencher.iter(|| {
            for record in &records {
                black_box(text::record_line(black_box(record.as_bytes())))
                    .expect("a record")
                    .expect("a record");
            }
        });
    });
    group.finish();
    let mut path = Path::new();
    criterion.bench_function("path/parse", |bencher| {
        bencher.iter(|| {
            path.parse(black_box(b"person15.iban.country")).expect("a path");
            black_box(path.segments().len())
        });
    });
    let expression = b"2/(x+3*(y+z)) WHERE x = QUERY a.b AND y = QUERY c AND z = QUERY d.e";
    criterion.bench_function("compute/parse", |bencher| {
        bencher.iter(|| Expression::parse(black_box(expression)).expect("an expression"));
    });
    let parsed = Expression::parse(expression).expect("an expression");
    criterion.bench_function("compute/evaluate", |bencher| {
        bencher.iter_batched(
            || [1.0, 2.0, 3.0],
            |values| parsed.evaluate(black_box(&values)).expect("a number"),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, values, parts, lines);
criterion_main!(benches);
