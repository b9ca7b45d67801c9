#!/bin/sh
# run.sh BENCH SET N ROUNDS [NAME,NAME...]   runs the trie benchmark in the folder BENCH with Hedgerow's trie in it.
#
# BENCH holds a Cargo package with src/index.rs (the trait `Index`), src/adapters.rs and, in src/main.rs, the list
# `all![..]` of structures that ends with `proto::ProtoC,`. It is copied, not changed. Sets: person hex16 url docs.
# Names: hedgerow, hedgerow-clustered (with version and slot), hedgerow-documents (set docs only), and BENCH's own.
# Peers that need what is not installed can be left out: WITHOUT="PathM Fst" drops their types from the list.
set -eu
if [ $# -lt 4 ]; then sed -n '2,8s/^# //p' "$0"; exit 2; fi
here=$(cd "$(dirname "$0")" && pwd); bench=$(cd "$1" && pwd); shift
work=${TRIE_BENCH_WORK:-${TMPDIR:-/tmp}/hedgerow-trie-bench}
mkdir -p "$work"
cp -R "$bench/." "$work/"; chmod -R u+w "$work"
cp "$here/hedgerow.rs" "$work/src/hedgerow.rs"
grep -q '^hedgerow' "$work/Cargo.toml" || sed -i "s|^\[dependencies\]|[dependencies]\nhedgerow = { path = \"$here/../..\" }|" "$work/Cargo.toml"
if ! grep -q '^mod hedgerow;' "$work/src/main.rs"; then
  sed -i -e 's|^mod keys;|mod hedgerow;\nmod keys;|' \
    -e 's|proto::ProtoC,|proto::ProtoC, hedgerow::HedgerowPlain, hedgerow::HedgerowSlots, hedgerow::HedgerowDocuments,|' "$work/src/main.rs"
fi
for type in ${WITHOUT:-}; do sed -i -e "/all!\[/,/\]/s/\b$type, *//" "$work/src/main.rs"; done
export CARGO_TARGET_DIR="${TRIE_BENCH_TARGET:-$work/target}"
(cd "$work" && cargo build --release --quiet)
VERBOSE=1 exec "$CARGO_TARGET_DIR/release/trie-bench" "$@"
