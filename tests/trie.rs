//! The trie: the fuzzer's corpus, each file whole and its halves, and random operations.

#[path = "../fuzz/checks/trie.rs"]
mod trie;

use hedgerow::rng::Rng;

#[test]
fn the_corpus() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/trie");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let input = std::fs::read(entry.expect("readable").path()).expect("readable");
        trie::check(&input);
        trie::check(&input[input.len() / 2..]);
        files += 1;
    }
    assert!(files >= 10, "{files} files");
}

#[test]
fn random_operations() {
    for seed in 0..60 {
        let mut rng = Rng::from_seed(seed);
        let input: Vec<u8> = (0..3_000).map(|_| rng.below(256) as u8).collect();
        trie::check(&input);
    }
}
