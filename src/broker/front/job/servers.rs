//! Commands that servers answer in their own words.

use super::super::desk::{Desk, Ports};
use super::super::store::Store;
use super::Step;
use crate::conn::ConnId;
use crate::console::{ServerRequest, write_reply};
use crate::proto::resp::{Progress, ReplyParser, Tokens};
use std::io::Write as _;

/// Whether each answer stands under its server's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Named {
    No,
    Yes,
}

pub(in super::super) struct Servers {
    request: ServerRequest,
    named: Named,
    /// The servers that are asked.
    asked: Vec<usize>,
    /// Their answers; the inner `None`: it does not answer.
    replies: Vec<Option<Option<Vec<u8>>>>,
}

impl Servers {
    pub(in super::super) fn new(request: ServerRequest, asked: Vec<usize>, named: Named) -> Servers {
        assert!(!asked.is_empty(), "somebody is asked");
        let replies = vec![None; asked.len()];
        Servers { request, named, asked, replies }
    }

    pub(super) fn begin<S: Store>(&mut self, id: ConnId, desk: &mut Desk, ports: &mut Ports<'_, S>) -> Step {
        for (part, &server) in self.asked.iter().enumerate() {
            let ticket = desk.job_ticket(id, part as u32);
            ports.store.raw(ticket, server, &self.request.bytes, ports.now, ports.net);
        }
        Step::Waits
    }

    pub(super) fn take<S: Store>(&mut self, part: u32, reply: Option<Vec<u8>>, store: &S) -> Step {
        self.replies[part as usize] = Some(reply);
        if self.replies.iter().any(Option::is_none) {
            return Step::Waits;
        }
        let (mut text, mut failed) = (Vec::new(), false);
        for (&server, reply) in self.asked.iter().zip(&self.replies) {
            let name = store.servers()[server];
            if self.named == Named::Yes {
                writeln!(text, "{name}:").expect("a vector takes every byte");
            }
            match reply.as_ref().expect("all are there") {
                Some(reply) => failed |= !self.write(reply, &mut text),
                None => {
                    failed = true;
                    writeln!(text, "UNAVAILABLE: {name} does not answer").expect("a vector takes every byte");
                }
            }
        }
        Step::Done { text, failed, warns: false }
    }

    /// False: the server answered with an error.
    fn write(&self, reply: &[u8], text: &mut Vec<u8>) -> bool {
        let mut tokens = Tokens::new();
        match ReplyParser::default().parse(reply, &mut tokens) {
            Ok(Progress::Done { value, .. }) => {
                write_reply(text, value, self.request.shows_text);
                !value.is_error()
            }
            _ => unreachable!("the engine hands over whole replies"),
        }
    }
}
