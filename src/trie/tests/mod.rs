//! The trie against slow twins: a `BTreeMap` of records, a tree of values.

mod cursors;
mod model;
mod random;
mod splice;
mod targeted;
mod value;

use super::*;
use crate::limits::BULK_BYTES_MAX;
use crate::record::Kind;
use crate::value::{Segment, ValueSink};

pub(super) use value::Tree;

/// Written without a cluster.
pub(super) const PLAIN: Meta = Meta { version: Version::ZERO, slot: None, expires_at_ms: None };

/// Stores a document from its twin.
pub(super) fn put_tree(trie: &mut Trie, key: &[u8], meta: Meta, tree: &Tree) -> Option<Kind> {
    trie.put_document(key, meta, |sink| tree.tell(sink)).expect("a document from the tests fits")
}

/// Reads a document back into a twin.
pub(super) fn tree_of(value: Value<'_>) -> Tree {
    let mut sink = value::TreeSink::default();
    value.emit(&mut sink).expect("the twin takes everything");
    sink.finish()
}
