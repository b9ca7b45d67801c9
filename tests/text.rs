//! Set notation, paths and expressions: the fuzzer's corpora, each file whole and with every byte left out.

#[path = "../fuzz/checks/expressions.rs"]
mod expressions;
#[path = "../fuzz/checks/paths.rs"]
mod paths;
#[path = "../fuzz/checks/set_notation.rs"]
mod set_notation;

/// The files of a target's corpus.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).expect("the corpus is part of the project");
    files.map(|file| std::fs::read(file.expect("a file").path()).expect("it is read")).collect()
}

/// Replays a corpus, which holds at least `count` files.
fn replay(target: &str, count: usize, check: fn(&[u8])) {
    let corpus = corpus(target);
    assert!(corpus.len() >= count, "{} files", corpus.len());
    for text in corpus {
        check(&text);
        // Every place of all but the longest.
        for place in (0..text.len()).step_by(1 + text.len() / 200) {
            check(&[&text[..place], &text[place + 1..]].concat());
            check(&text[..place]);
        }
    }
}

#[test]
fn the_corpus_of_set_notation_holds() {
    replay("set_notation", 60, set_notation::check);
}

#[test]
fn the_corpus_of_paths_holds() {
    replay("paths", 40, paths::check);
}

#[test]
fn the_corpus_of_expressions_holds() {
    replay("expressions", 50, expressions::check);
}
