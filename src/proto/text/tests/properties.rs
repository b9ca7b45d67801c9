use proptest::collection::vec;
use proptest::prelude::*;

use super::super::*;
use super::model::{Builder, Tree, floats, ints, paths, trees};
use crate::value::{Event, Segment};

fn printed(tree: &Tree, style: Style) -> Vec<u8> {
    let mut out = Vec::new();
    tree.emit(&mut Printer::new(&mut out, style));
    out
}

fn parsed(text: &[u8]) -> Result<Tree, TextError> {
    let mut builder = Builder::default();
    read_value(text, &mut builder).map(|()| builder.done.expect("a value was told"))
}

/// All that the reader says of a text that comes cut at `cuts`, with no bytes beyond a cut ever shown too early.
fn pulled(text: &[u8], cuts: &[usize]) -> Result<Vec<String>, SyntaxError> {
    let mut reader = ValueReader::new();
    let mut told = Vec::new();
    let (mut start, mut cuts) = (0, cuts.iter());
    let mut end = cuts.next().copied().unwrap_or(text.len());
    loop {
        match reader.next(&text[start..end], end == text.len())? {
            Step::Event { event, consumed } => {
                told.push(format!("{event:?}"));
                start += consumed;
            }
            Step::More => end = cuts.next().copied().unwrap_or(text.len()),
            Step::End { consumed } => {
                assert_eq!(start + consumed, text.len());
                return Ok(told);
            }
        }
    }
}

/// Text that is nearly right: a value, with some bytes put over others.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let strange = prop::sample::select(b"\"\\{}[]:;, u\x80\xff0-.e".to_vec());
    (trees(), any::<u64>(), vec((any::<prop::sample::Index>(), strange), 0..3)).prop_map(
        |(tree, seed, changes)| {
            let mut text = scribbled(&tree, seed).into_bytes();
            for (place, byte) in changes {
                let place = place.index(text.len());
                text[place] = byte;
            }
            text
        },
    )
}

fn scribbled(tree: &Tree, mut seed: u64) -> String {
    let mut choose = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut text = String::new();
    tree.scribble(&mut choose, &mut text);
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_printed_reads_back_in_every_style(tree in trees()) {
        for style in [Style::Seed, Style::Json, Style::Pretty] {
            let text = printed(&tree, style);
            prop_assert_eq!(parsed(&text), Ok(tree.clone()), "{}", String::from_utf8_lossy(&text));
            // Debug tells -0.0 from 0.0, which == does not.
            prop_assert_eq!(format!("{:?}", parsed(&text)), format!("{:?}", Ok::<_, ()>(&tree)));
            let mut json = Vec::new();
            restyle(&text, Style::Json, &mut json).unwrap();
            prop_assert_eq!(json, printed(&tree, Style::Json));
        }
    }

    #[test]
    fn an_untidy_text_means_the_same(tree in trees(), seed in any::<u64>()) {
        let text = scribbled(&tree, seed);
        prop_assert_eq!(parsed(text.as_bytes()), Ok(tree), "{}", text);
    }

    #[test]
    fn a_cut_text_reads_as_the_whole(text in texts(), mut cuts in vec(any::<prop::sample::Index>(), 0..8)) {
        let whole = pulled(&text, &[]);
        let every: Vec<usize> = (0..text.len()).collect();
        prop_assert_eq!(&pulled(&text, &every), &whole);
        let mut some: Vec<usize> = cuts.drain(..).map(|cut| cut.index(text.len())).collect();
        some.sort_unstable();
        prop_assert_eq!(&pulled(&text, &some), &whole);
        // The whole text at once takes another way, on which UTF-8 is checked first.
        let mut told = Vec::new();
        let at_once = read_value(&text, &mut Teller(&mut told)).map(|()| told);
        prop_assert_eq!(at_once, whole.map_err(TextError::Syntax));
    }

    #[test]
    fn parts_are_found_and_left_out_as_in_a_tree(tree in trees()) {
        let json = printed(&tree, Style::Json);
        for path in paths(&tree) {
            let part = find(&json, &path).map(|part| parsed(part).unwrap());
            prop_assert_eq!(part.as_ref(), tree.find(&path), "{:?}", path);
            let (mut rest, mut out) = (tree.clone(), b"before".to_vec());
            let removed = remove(&json, &path, &mut out);
            prop_assert_eq!(removed, rest.remove(&path), "{:?}", path);
            let expected = if removed { printed(&rest, Style::Json) } else { Vec::new() };
            prop_assert_eq!(&out[6..], &expected[..], "{:?}", path);
        }
    }

    #[test]
    fn finding_survives_any_bytes(bytes in vec(prop::sample::select(b"\"\\{}[]:,a0".to_vec()), 0..40)) {
        for path in [vec![Segment::Field("a")], vec![Segment::Index(1)], vec![Segment::Index(0), Segment::Field("")]] {
            let part = find(&bytes, &path);
            let mut out = Vec::new();
            prop_assert_eq!(remove(&bytes, &path, &mut out), part.is_some());
        }
    }

    #[test]
    fn numbers_come_back_as_they_went(int in ints(), float in floats()) {
        let text = String::from_utf8(printed(&Tree::Int(int), Style::Json)).unwrap();
        prop_assert_eq!(&text, &int.to_string());
        prop_assert_eq!(parsed(text.as_bytes()), Ok(Tree::Int(int)));
        let text = String::from_utf8(printed(&Tree::Float(float), Style::Json)).unwrap();
        prop_assert!(text.contains(['.', 'e']), "{}", text);
        match parsed(text.as_bytes()) {
            Ok(Tree::Float(back)) => prop_assert_eq!(back.to_bits(), float.to_bits()),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn any_key_reads_back_from_how_it_is_shown(key in prop_oneof![vec(any::<u8>(), 1..20), "\\PC{1,9}".prop_map(String::into_bytes)]) {
        for show in [quote_key as fn(&mut Vec<u8>, &[u8]), quote_bytes] {
            let mut line = Vec::new();
            show(&mut line, &key);
            line.extend_from_slice(b" : {\"a\": 1}");
            let record = record_line(&line).unwrap().unwrap();
            prop_assert_eq!(&record.key[..], &key[..]);
            prop_assert_eq!(record.text, b"{\"a\": 1}");
        }
    }
}

struct Teller<'t>(&'t mut Vec<String>);

impl ValueSink for Teller<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        self.0.push(format!("{event:?}"));
        Ok(())
    }
}
