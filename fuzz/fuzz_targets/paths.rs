//! Any bytes: see `checks/paths.rs`.
//!
//! `cargo +nightly fuzz run paths`, or on a stable toolchain `RUSTC_BOOTSTRAP=1 cargo fuzz run -s none paths`. What it
//! finds goes to `corpus/paths`, which `tests/text.rs` replays.
#![no_main]

#[path = "../checks/paths.rs"]
mod paths;

libfuzzer_sys::fuzz_target!(|text: &[u8]| paths::check(text));
