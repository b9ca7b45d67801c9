//! The notation by examples, and against the naive tree of `model`.

mod examples;
mod model;
mod properties;
