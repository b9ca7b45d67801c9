//! Any bytes as operations on the trie and on a `BTreeMap`: see `checks/trie.rs`.
//!
//! `cargo +nightly fuzz run trie`, or on a stable toolchain `RUSTC_BOOTSTRAP=1 cargo fuzz run -s none trie`. What it
//! finds goes to `corpus/trie`, which `tests/trie.rs` replays.
#![no_main]

#[path = "../checks/trie.rs"]
mod trie;

libfuzzer_sys::fuzz_target!(|operations: &[u8]| trie::check(operations));
