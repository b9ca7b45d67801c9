//! Any bytes: see `checks/set_notation.rs`.
//!
//! `cargo +nightly fuzz run set_notation`, or on a stable toolchain `RUSTC_BOOTSTRAP=1 cargo fuzz run -s none set_notation`. What it
//! finds goes to `corpus/set_notation`, which `tests/text.rs` replays.
#![no_main]

#[path = "../checks/set_notation.rs"]
mod set_notation;

libfuzzer_sys::fuzz_target!(|text: &[u8]| set_notation::check(text));
