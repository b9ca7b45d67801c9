//! What an answer must look like.

use crate::load::replies::Shape;

/// What the answer to a request must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expect {
    /// `+OK`.
    Ok,
    /// `+PONG`.
    Pong,
    /// `+CREATED` or `+REPLACED`.
    Stored,
    /// A bulk string, or nil: a miss.
    Value,
    /// A number.
    Number,
    /// An array of so many items.
    Items(u64),
    /// An array.
    List,
    /// Anything but an error.
    Anything,
}

/// How an answer is to be counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Good,
    /// Good, but nothing was there.
    Miss,
    Error,
    Wrong,
}

impl Expect {
    /// What a request with this verb and so many arguments behind it is answered with, as far as that is certain.
    pub(crate) fn of(verb: &str, arguments: usize) -> Expect {
        match (verb.to_ascii_uppercase().as_str(), arguments) {
            ("PING", 0) => Expect::Pong,
            ("SET", 2) | ("JSON.SET", 3) | ("MSET", _) => Expect::Ok,
            ("PUT", 2) => Expect::Stored,
            ("GET" | "JSON.GET" | "GETDEL" | "GETRANGE", _) => Expect::Value,
            ("MGET", items) => Expect::Items(items as u64),
            ("RANGE" | "PREFIX" | "KEYS" | "SCAN", _) => Expect::List,
            (
                "DEL" | "UNLINK" | "DELETE" | "EXISTS" | "INCR" | "DECR" | "INCRBY" | "DECRBY" | "STRLEN"
                | "APPEND" | "COUNT" | "DELPREFIX" | "JSON.DEL" | "EXPIRE" | "TTL" | "DBSIZE",
                _,
            ) => Expect::Number,
            _ => Expect::Anything,
        }
    }

    #[inline]
    pub(crate) fn judge(self, shape: Shape, text: &[u8]) -> Verdict {
        let good = match (self, shape) {
            (_, Shape::Error) => return Verdict::Error,
            (Expect::Value | Expect::Anything, Shape::Null) => return Verdict::Miss,
            (Expect::Ok, Shape::Simple) => text == b"OK",
            (Expect::Pong, Shape::Simple) => text == b"PONG",
            (Expect::Stored, Shape::Simple) => text == b"CREATED" || text == b"REPLACED",
            (Expect::Value, Shape::Bulk)
            | (Expect::Number, Shape::Int)
            | (Expect::List, Shape::Array(_))
            | (Expect::Anything, _) => true,
            (Expect::Items(wanted), Shape::Array(items)) => items == wanted,
            _ => false,
        };
        if good { Verdict::Good } else { Verdict::Wrong }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged_by_what_was_asked() {
        assert_eq!(Expect::Ok.judge(Shape::Simple, b"OK"), Verdict::Good);
        assert_eq!(Expect::Ok.judge(Shape::Simple, b"PONG"), Verdict::Wrong);
        assert_eq!(Expect::Ok.judge(Shape::Null, b""), Verdict::Wrong);
        assert_eq!(Expect::Pong.judge(Shape::Simple, b"PONG"), Verdict::Good);
        assert_eq!(Expect::Stored.judge(Shape::Simple, b"REPLACED"), Verdict::Good);
        assert_eq!(Expect::Stored.judge(Shape::Simple, b"OK"), Verdict::Wrong);
        assert_eq!(Expect::Value.judge(Shape::Bulk, b"x"), Verdict::Good);
        assert_eq!(Expect::Value.judge(Shape::Null, b""), Verdict::Miss);
        assert_eq!(Expect::Value.judge(Shape::Int, b"1"), Verdict::Wrong);
        assert_eq!(Expect::Items(2).judge(Shape::Array(2), b""), Verdict::Good);
        assert_eq!(Expect::Items(2).judge(Shape::Array(1), b""), Verdict::Wrong);
        assert_eq!(Expect::List.judge(Shape::Array(9), b""), Verdict::Good);
        assert_eq!(Expect::Number.judge(Shape::Int, b"1"), Verdict::Good);
        for expect in [Expect::Ok, Expect::Value, Expect::Anything] {
            assert_eq!(expect.judge(Shape::Error, b"ERR"), Verdict::Error);
        }
    }

    #[test]
    fn what_is_not_certain_is_not_expected() {
        assert_eq!(Expect::of("set", 2), Expect::Ok);
        assert_eq!(Expect::of("SET", 3), Expect::Anything, "NX may answer nil");
        assert_eq!(Expect::of("MGET", 3), Expect::Items(3));
        assert_eq!(Expect::of("QUERY", 1), Expect::Anything);
    }
}
