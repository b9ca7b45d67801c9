//! KEYS and SCAN: keys in order over all servers, each once.

use super::super::desk::{Desk, Ports};
use super::super::pending::kind_name;
use super::super::store::Store;
use super::Step;
use crate::broker::engine::{Answer, Ask, KeyPage, Outcome};
use crate::conn::ConnId;
use crate::console::{self, write_reply, write_texts};
use crate::proto::glob;
use crate::proto::resp::{Progress, Protocol, ReplyParser, Tokens, Writer};

/// Keys asked for at once.
const PAGE: usize = 4_096;
/// Keys that one SCAN looks at, at most.
const SCAN_MAX: usize = 16_384;

/// A pattern, and what part of all keys it can match.
struct Matcher {
    pattern: Option<Vec<u8>>,
    head: Vec<u8>,
}

impl Matcher {
    fn new(pattern: Option<&[u8]>) -> Matcher {
        let head = pattern.map(glob::literal_head).unwrap_or_default();
        Matcher { pattern: pattern.map(<[u8]>::to_vec), head }
    }

    fn matches(&self, key: &[u8]) -> bool {
        self.pattern.as_deref().is_none_or(|pattern| glob::matches(pattern, key))
    }

    /// No key from this one on can match.
    fn is_past(&self, key: &[u8]) -> bool {
        !key.starts_with(&self.head) && key > self.head.as_slice()
    }
}

/// A key close before all keys that begin with `head`; none: they are the first.
pub(super) fn just_before(head: &[u8]) -> Option<Vec<u8>> {
    let (&last, before) = head.split_last()?;
    let mut key = before.to_vec();
    if last > 0 {
        key.extend_from_slice(&[last - 1, 0xFF]);
    }
    (!key.is_empty()).then_some(key)
}

pub(in super::super) struct Keys {
    matcher: Matcher,
    found: Vec<Vec<u8>>,
}

impl Keys {
    pub(in super::super) fn new(pattern: &[u8]) -> Keys {
        Keys { matcher: Matcher::new(Some(pattern)), found: Vec::new() }
    }

    pub(super) fn begin<S: Store>(&mut self, id: ConnId, desk: &mut Desk, ports: &mut Ports<'_, S>) -> Step {
        let after = just_before(&self.matcher.head);
        let ticket = desk.job_ticket(id, 0);
        ports.store.keys(ticket, after.as_deref(), PAGE, ports.now, ports.net);
        Step::Waits
    }

    pub(super) fn take<S: Store>(
        &mut self,
        id: ConnId,
        answer: Answer,
        desk: &mut Desk,
        ports: &mut Ports<'_, S>,
    ) -> Step {
        let Answer::Keys(page) = answer else { unreachable!("keys were asked for") };
        let Some(KeyPage { keys, last }) = page else {
            return Step::unavailable(ports.store.failures());
        };
        let next = keys.last().filter(|key| !last && !self.matcher.is_past(key)).cloned();
        self.found.extend(keys.into_iter().filter(|key| self.matcher.matches(key)));
        if let Some(after) = next {
            let ticket = desk.job_ticket(id, 0);
            ports.store.keys(ticket, Some(&after), PAGE, ports.now, ports.net);
            return Step::Waits;
        }
        let mut text = Vec::new();
        write_texts(&mut text, self.found.iter().map(|key| Some(key.as_slice())));
        Step::answer(text)
    }
}

pub(in super::super) struct Scan {
    matcher: Matcher,
    cursor: u64,
    count: usize,
    /// Only keys of this TYPE.
    kind: Option<Vec<u8>>,
    /// The page's keys that match, with whether their TYPE does.
    found: Vec<(Vec<u8>, bool)>,
    /// TYPEs that are still asked for.
    left: usize,
    /// The cursor of the answer.
    next: u64,
}

impl Scan {
    pub(in super::super) fn new(scan: &console::Scan<'_>) -> Scan {
        Scan {
            matcher: Matcher::new(scan.pattern),
            cursor: scan.cursor,
            count: scan.count.min(SCAN_MAX),
            kind: scan.kind.map(<[u8]>::to_ascii_lowercase),
            found: Vec::new(),
            left: 0,
            next: 0,
        }
    }

    pub(super) fn begin<S: Store>(&mut self, id: ConnId, desk: &mut Desk, ports: &mut Ports<'_, S>) -> Step {
        let after = if self.cursor == 0 {
            just_before(&self.matcher.head)
        } else {
            match desk.cursors.get(self.cursor) {
                Some(key) => Some(key),
                None => return Step::failure("(error) ERR invalid cursor".to_owned()),
            }
        };
        let ticket = desk.job_ticket(id, 0);
        ports.store.keys(ticket, after.as_deref(), self.count, ports.now, ports.net);
        Step::Waits
    }

    pub(super) fn take<S: Store>(
        &mut self,
        id: ConnId,
        part: u32,
        answer: Answer,
        desk: &mut Desk,
        ports: &mut Ports<'_, S>,
    ) -> Step {
        match answer {
            Answer::Keys(None) => return Step::unavailable(ports.store.failures()),
            Answer::Keys(Some(page)) => self.take_page(page, id, desk, ports),
            Answer::Op(Outcome::Value { kind, .. }) => {
                let wanted = self.kind.as_deref().expect("asked for because of it");
                self.found[part as usize].1 = kind_name(kind).to_ascii_lowercase().as_bytes() == wanted;
                self.left -= 1;
            }
            _ => return Step::unavailable(ports.store.failures()),
        }
        if self.left > 0 { Step::Waits } else { Step::answer(self.text()) }
    }

    fn take_page<S: Store>(&mut self, page: KeyPage, id: ConnId, desk: &mut Desk, ports: &mut Ports<'_, S>) {
        if let Some(last) = page.keys.last().filter(|key| !page.last && !self.matcher.is_past(key)) {
            self.next = desk.cursors.put(last.clone());
        }
        let matching = page.keys.into_iter().filter(|key| self.matcher.matches(key));
        self.found = matching.map(|key| (key, true)).collect();
        if self.kind.is_some() {
            self.left = self.found.len();
            for (part, (key, _)) in self.found.iter().enumerate() {
                let ticket = desk.job_ticket(id, part as u32);
                ports.store.submit(ticket, key, Ask::Get, ports.now, ports.net);
            }
        }
    }

    fn text(&self) -> Vec<u8> {
        let keys: Vec<&[u8]> =
            self.found.iter().filter(|(_, wanted)| *wanted).map(|(key, _)| key.as_slice()).collect();
        let mut reply = Vec::new();
        let mut writer = Writer::new(&mut reply, Protocol::Resp2);
        writer.array(2);
        writer.bulk(self.next.to_string());
        writer.array(keys.len());
        keys.iter().for_each(|key| writer.bulk(key));
        let mut text = Vec::new();
        let mut tokens = Tokens::new();
        match ReplyParser::default().parse(&reply, &mut tokens) {
            Ok(Progress::Done { value, .. }) => write_reply(&mut text, value, false),
            _ => unreachable!("the writer writes what the parser reads"),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_before_a_head_is_before_all_its_keys_and_behind_most_others() {
        for (head, expected) in [
            (&b""[..], None),
            (b"\0", None),
            (b"a", Some(&b"`\xff"[..])),
            (b"ab", Some(b"aa\xff")),
            (b"a\0", Some(b"a")),
        ] {
            let before = just_before(head);
            assert_eq!(before.as_deref(), expected);
            assert!(before.is_none_or(|before| before.as_slice() < head));
        }
    }

    #[test]
    fn a_matcher_knows_when_no_key_can_follow() {
        let matcher = Matcher::new(Some(b"person1*"));
        assert!(!matcher.is_past(b"person0") && !matcher.is_past(b"person19"));
        assert!(matcher.is_past(b"person2"));
        assert!(!Matcher::new(None).is_past(b"\xff"));
    }
}
