//! Frames of the wire: the fuzzer's corpus and random streams, whole and cut, and what they may allocate.

#[path = "../fuzz/checks/frames.rs"]
mod frames;

use hedgerow::proto::resp::{Form, write_request};
use proptest::prelude::*;

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/frames");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .expect("the corpus is part of the project")
        .map(|entry| entry.expect("a readable folder"))
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).expect("a readable file"))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_cut_of_the_corpus_gives_the_same() {
    let corpus = corpus();
    assert!(corpus.len() > 70, "{} files", corpus.len());
    for (name, stream) in &corpus {
        println!("{name}");
        frames::check(stream);
        let (requests, replies) = (frames::requests(stream, &[]), frames::replies(stream, &[]));
        let step = 1 + stream.len() / 400; // every place of all but the longest
        for cut in (0..=stream.len()).step_by(step) {
            frames::check_cuts(stream, &[cut], &requests, &replies);
        }
    }
}

/// Short streams from a small alphabet meet every rule; frames that are put together from parts go deep.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let letters = proptest::collection::vec(
        proptest::sample::select(&b"*$+-:_#,(=!%~>|0129ax\\\"' \t\r\n\r\n"[..]),
        0..40,
    );
    let part = prop_oneof![
        4 => proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..12), 1..5).prop_map(|args| {
            let mut out = Vec::new();
            write_request(&mut out, &args.iter().map(Vec::as_slice).collect::<Vec<_>>());
            out
        }),
        2 => "[a-z\"'\\\\x4 ]{0,20}\r?\n".prop_map(String::into_bytes),
        1 => "(PUT|query|Delete|COMPUTE)[ \\t]{0,2}[a-z\"':{} ]{0,20}\r?\n".prop_map(String::into_bytes),
        2 => "[$=!][0-9]{1,2}\r\n[a-z:]{0,12}\r\n".prop_map(String::into_bytes),
        2 => "[*%~>|][0-3]\r\n".prop_map(String::into_bytes),
        2 => "[+:,(#_-][0-9tf.e-]{0,4}\r\n".prop_map(String::into_bytes),
        1 => letters.clone(),
    ];
    prop_oneof![proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat()), letters]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_cut_of_any_stream_gives_the_same(stream in stream(), cuts in proptest::collection::vec(0usize..400, 0..6)) {
        frames::check(&stream);
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|&cut| cut <= stream.len()).collect();
        cuts.sort_unstable();
        frames::check_cuts(&stream, &cuts, &frames::requests(&stream, &[]), &frames::replies(&stream, &[]));
    }

    #[test]
    fn written_requests_are_read_back(
        requests in proptest::collection::vec(
            proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..20), 0..5),
        piece in 1usize..50,
    ) {
        let mut stream = Vec::new();
        for args in &requests {
            write_request(&mut stream, &args.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        let cuts: Vec<usize> = (0..stream.len()).step_by(piece).collect();
        let found = frames::requests(&stream, &cuts);
        prop_assert_eq!((found.error, found.consumed), (None, stream.len()));
        let expected: Vec<_> = requests.into_iter().map(|args| (Form::Array, args)).collect();
        prop_assert_eq!(found.requests, expected);
    }
}
