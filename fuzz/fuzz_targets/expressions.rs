//! Any bytes: see `checks/expressions.rs`.
//!
//! `cargo +nightly fuzz run expressions`, or on a stable toolchain `RUSTC_BOOTSTRAP=1 cargo fuzz run -s none expressions`. What it
//! finds goes to `corpus/expressions`, which `tests/text.rs` replays.
#![no_main]

#[path = "../checks/expressions.rs"]
mod expressions;

libfuzzer_sys::fuzz_target!(|text: &[u8]| expressions::check(text));
