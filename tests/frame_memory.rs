//! What reading and writing frames takes from the allocator: nothing for whole ones, little for hostile ones.

use hedgerow::proto::command;
use hedgerow::proto::resp::{
    Args, Progress, Protocol, ReplyParser, RequestParser, Tokens, Writer, write_request,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes asked for by this thread; tests beside this one do not disturb it.
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.with(|asked| asked.set(asked.get() + layout.size()));
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: `place` came from `System` with this layout.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that `work` asks for.
fn asked<T>(work: impl FnOnce() -> T) -> usize {
    let before = ASKED.get();
    std::hint::black_box(work());
    ASKED.get() - before
}

/// Takes requests until no whole one is left; how many there were.
fn take_requests(stream: &[u8], parser: &mut RequestParser, args: &mut Args) -> usize {
    let (mut at, mut count) = (0, 0);
    while let Ok(Progress::Done { value, consumed }) = parser.parse(&stream[at..], args) {
        count += usize::from(!value.is_empty());
        at += consumed;
    }
    count
}

fn pipelined() -> Vec<u8> {
    let mut stream = Vec::new();
    for index in 0..1000usize {
        write_request(&mut stream, &[b"SET", index.to_string().as_bytes(), &vec![b'x'; index % 200]]);
        stream.extend_from_slice(b"GET person1\r\nPUT p:{\"a\":\"b c\"}\r\n\r\n*0\r\n");
    }
    stream
}

#[test]
fn the_counter_counts() {
    assert_eq!(asked(|| vec![0u8; 100]), 100);
}

#[test]
fn whole_requests_take_nothing() {
    let stream = pipelined();
    let (mut parser, mut args) = (RequestParser::default(), Args::new());
    assert_eq!(asked(|| assert_eq!(take_requests(&stream, &mut parser, &mut args), 3000)), 0);

    // An incomplete one takes a little, and leaves the scratch as roomy as it was.
    let mut long = Vec::new();
    write_request(&mut long, &[&b"MSET"[..]; 60]);
    assert!(asked(|| take_requests(&long[..long.len() - 1], &mut parser, &mut args)) < 1024);
    assert_eq!(take_requests(&long, &mut parser, &mut args), 1);
    assert_eq!(asked(|| take_requests(&stream, &mut parser, &mut args)), 0);
}

#[test]
fn whole_replies_take_nothing() {
    let mut stream = Vec::with_capacity(1 << 20);
    let written = asked(|| {
        let mut writer = Writer::new(&mut stream, Protocol::Resp3);
        for index in 0..1000 {
            writer.map(3);
            writer.bulk("a");
            writer.int(index);
            writer.bulk("b");
            writer.double(index as f64 / 3.0);
            writer.bulk("c");
            writer.bulk_with(|out| out.extend_from_slice(&[b'x'; 500]));
            writer.error_args(format_args!("ERR number {index}"));
        }
    });
    assert_eq!(written, 0);
    let (mut parser, mut tokens) = (ReplyParser::default(), Tokens::new());
    let (mut at, mut count) = (0, 0);
    let read = asked(|| {
        while let Ok(Progress::Done { value, consumed }) = parser.parse(&stream[at..], &mut tokens) {
            count += value.items().len();
            at += consumed;
        }
    });
    assert_eq!((read, at, count), (0, stream.len(), 6000));
}

#[test]
fn declared_sizes_take_little() {
    for hostile in [
        "*1048576\r\n",
        "*1048576\r\n$536870912\r\n",
        "*1048576\r\n$0\r\n\r\n$0\r\n\r\n$536870912\r\nx",
        "*4294967295\r\n",
        "%4294967295\r\n%4294967295\r\n*4294967295\r\n:1\r\n",
        "$536870912\r\n",
        "=536870912\r\ntxt",
        "|4294967295\r\n",
        "*9223372036854775807\r\n",
        "$9223372036854775807\r\n",
    ] {
        let (mut parser, mut args) = (RequestParser::default(), Args::new());
        let request = asked(|| parser.parse(hostile.as_bytes(), &mut args).map(|_| ()));
        let (mut parser, mut tokens) = (ReplyParser::default(), Tokens::new());
        let reply = asked(|| parser.parse(hostile.as_bytes(), &mut tokens).map(|_| ()));
        assert!(request < 512 && reply < 512, "{hostile:?}: {request} and {reply} bytes");
    }
}

#[test]
fn names_are_found_without_memory() {
    let names: [&[u8]; 6] =
        [b"get", b"JSON.FORGET", b"H.VPREPARE", b"nosuch", b"", b"averyveryverylongnamethatisnone"];
    let found = asked(|| {
        for name in names {
            std::hint::black_box((command::lookup(name), command::nearest(name)));
        }
    });
    assert_eq!(found, 0);
}
