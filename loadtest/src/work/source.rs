//! What the holes of requests are filled from: keys, sizes, numbers, documents, and the versions of values.

use std::sync::Arc;

use crate::truth::ledger::Ledger;
use crate::work::documents::{Names, Pool};
use crate::work::keys::Keys;
use crate::work::random::Random;
use crate::work::values::{Mark, Sizes};

/// One thread's draws. The last key and version drawn are kept for what comes behind them in a request.
#[derive(Debug)]
pub(crate) struct Source {
    keys: Keys,
    pub(crate) random: Random,
    names: Arc<Names>,
    sizes: Arc<Sizes>,
    pool: Arc<Pool>,
    /// What was written, where values are verified.
    pub(crate) ledger: Option<Ledger>,
    key: u64,
    mark: Option<Mark>,
    sequence: u64,
    /// Where arguments of varying length are put together.
    pub(crate) scratch: Vec<u8>,
}

impl Source {
    pub(crate) fn new(
        keys: Keys,
        random: Random,
        names: Arc<Names>,
        sizes: Arc<Sizes>,
        pool: Arc<Pool>,
        ledger: Option<Ledger>,
    ) -> Source {
        let scratch = Vec::new();
        Source { keys, random, names, sizes, pool, ledger, key: 0, mark: None, sequence: 0, scratch }
    }

    #[inline]
    pub(crate) fn draw_key(&mut self) {
        self.key = self.keys.draw();
    }

    pub(crate) fn insert_key(&mut self) {
        self.key = self.keys.insert();
    }

    /// The request that follows is for this key.
    pub(crate) fn set_key(&mut self, key: u64) {
        self.key = key;
    }

    #[inline]
    pub(crate) fn key(&self) -> u64 {
        self.key
    }

    /// The last key's value is about to be written.
    #[inline]
    pub(crate) fn begin_write(&mut self) {
        if let Some(ledger) = &mut self.ledger {
            self.mark = Some(Mark { run: ledger.run(), version: ledger.write_begins(self.key) });
        }
    }

    /// What the value that was begun last tells of its write.
    #[inline]
    pub(crate) fn mark(&self) -> Option<Mark> {
        self.mark
    }

    pub(crate) fn value_size(&mut self) -> usize {
        match self.mark {
            Some(mark) => self.sizes.of_version(self.key, mark.version),
            None => self.sizes.draw(&mut self.random),
        }
    }

    /// How long that version of that key's value is.
    pub(crate) fn size_of(&self, key: u64, version: u32) -> usize {
        self.sizes.of_version(key, version)
    }

    pub(crate) fn push_name(&self, out: &mut Vec<u8>) {
        self.names.push(self.key, out);
    }

    pub(crate) fn push_document(&mut self, out: &mut Vec<u8>, json: bool) {
        let drawn = self.random.next();
        out.extend_from_slice(self.pool.get(json, self.key, drawn));
    }

    /// 0, 1, 2, ...
    pub(crate) fn count_up(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence - 1
    }
}
