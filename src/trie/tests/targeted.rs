//! One test for each thing that is easy to get wrong.

use super::*;

#[test]
fn concatenations_do_not_collide() {
    let mut trie = Trie::new();
    let pairs: [(&[u8], &[u8]); 5] =
        [(b"a1b2", b"1"), (b"ab12", b"2"), (b"a", b"3"), (b"a1", b"4"), (b"a1b", b"5")];
    pairs.iter().for_each(|(key, text)| assert_eq!(trie.put_text(key, PLAIN, text), Ok(None)));
    pairs.iter().for_each(|(key, text)| assert!(trie.get(key).is_some_and(|record| record.text() == *text)));
    trie.check();
}
