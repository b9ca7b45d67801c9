//! Whole requests that are found before the first of them is answered.
//!
//! ```text
//!  bytes   *2 $3 GET $1 a  *3 $3 SET $1 b $5 x  *2 $3 GET $1 c  PING  ..
//!          └── request 0 ─┘└──── request 1 ────┘└── request 2 ─┘└ not plainly written: left to RequestParser
//! ```
//!
//! Who knows the keys of what comes next can look for all of them at once, while the memory is slow.

use super::length::quick_length;
use super::request::{Form, Request, RequestLimits, Span, whole_bulks};

/// Requests found at once.
pub const AHEAD_MAX: usize = 16;
/// Arguments of a request that is found ahead; a longer one is an answer's worth of work by itself.
const ARGUMENTS_MAX: u32 = 64;

/// Scratch for requests in array form, shared by all connections of a loop.
#[derive(Debug, Default)]
pub struct Ahead {
    spans: Vec<Span>,
    ends: Vec<End>,
}

/// Where a request ends.
#[derive(Clone, Copy, Debug)]
struct End {
    spans: u32,
    bytes: u32,
}

impl Ahead {
    /// Finds at most `most` (and [`AHEAD_MAX`]) requests from where `bytes` begin, where a request must begin. It stops
    /// at what is incomplete, long or in any way odd: a [`RequestParser`](super::RequestParser) goes on from there.
    #[inline]
    pub fn find(&mut self, bytes: &[u8], most: usize, limits: &RequestLimits) {
        self.spans.clear();
        self.ends.clear();
        let mut end = 0;
        while self.ends.len() < most.min(AHEAD_MAX) {
            let Some((count, at)) = quick_length(bytes, end, b'*') else { break };
            if count == 0 || count > ARGUMENTS_MAX || count as usize > limits.arguments_max {
                break;
            }
            let (at, left) = whole_bulks(bytes, at, count, &mut self.spans, limits);
            if left > 0 {
                break;
            }
            end = at;
            self.ends.push(End { spans: self.spans.len() as u32, bytes: at as u32 });
        }
    }

    /// Requests found.
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// None was found.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The request at `index` and where it ends; `bytes` as they were given to [`Ahead::find`].
    ///
    /// # Panics
    /// If there are not so many.
    #[inline]
    pub fn get<'b>(&'b self, bytes: &'b [u8], index: usize) -> (Request<'b>, usize) {
        let first = if index == 0 { 0 } else { self.ends[index - 1].spans as usize };
        let end = self.ends[index];
        (Request::new(bytes, &self.spans[first..end.spans as usize], Form::Array), end.bytes as usize)
    }

    /// All requests in order.
    #[inline]
    pub fn iter<'b>(&'b self, bytes: &'b [u8]) -> impl Iterator<Item = Request<'b>> {
        (0..self.len()).map(move |index| self.get(bytes, index).0)
    }
}
