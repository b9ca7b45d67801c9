//! The trie against slow twins: a `BTreeMap` of records, a tree of values.

mod churn;
mod cursors;
mod finger;
mod model;
mod random;
mod splice;
mod targeted;
mod unlinked;
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

/// Reads a document back into a twin, as it is told and child by child.
pub(super) fn tree_of(value: Value<'_>) -> Tree {
    let mut sink = value::TreeSink::default();
    value.emit(&mut sink).expect("the twin takes everything");
    let tree = sink.finish();
    assert_eq!(tree_of_children(value), tree);
    tree
}

fn tree_of_children(value: Value<'_>) -> Tree {
    let text = |bytes: Bytes<'_>| String::from_utf8(bytes.to_vec()).expect("texts came as str");
    let children = value.children();
    match value.kind() {
        ValueKind::Set => {
            let name = |child: &Child<'_>| text(child.name.expect("a field has a name").bytes());
            Tree::Set(children.map(|child| (name(&child), tree_of_children(child.value))).collect())
        }
        ValueKind::Array => {
            let element = |child: Child<'_>| {
                assert!(child.name.is_none(), "an element has no name");
                tree_of_children(child.value)
            };
            Tree::Array(children.map(element).collect())
        }
        kind => {
            assert_eq!((children.count(), value.len()), (0, 0));
            match kind {
                ValueKind::Null => Tree::Null,
                ValueKind::Text => Tree::Text(text(value.text().expect("its kind says so"))),
                ValueKind::Int => Tree::Int(value.int().expect("its kind says so")),
                ValueKind::Float => Tree::Float(value.number().expect("its kind says so")),
                _ => {
                    let mut sink = value::TreeSink::default();
                    value.emit(&mut sink).expect("the twin takes everything");
                    sink.finish()
                }
            }
        }
    }
}
