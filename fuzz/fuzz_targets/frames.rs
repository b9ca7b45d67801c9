//! Any bytes as requests and as replies, whole and cut: see `checks/frames.rs`.
//!
//! `cargo +nightly fuzz run frames`, or on a stable toolchain `RUSTC_BOOTSTRAP=1 cargo fuzz run -s none frames`. What it
//! finds goes to `corpus/frames`, which `tests/frames.rs` replays.
#![no_main]

#[path = "../checks/frames.rs"]
mod frames;

libfuzzer_sys::fuzz_target!(|stream: &[u8]| frames::check(stream));
