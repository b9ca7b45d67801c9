use super::*;

fn keys(text: &str) -> KeyFile {
    KeyFile::parse(text.as_bytes()).unwrap()
}

fn lines(keys: KeyFile, shape: Shape, seed: u64) -> Vec<String> {
    let mut generator = Generator::new(keys, shape, Rng::from_seed(seed)).unwrap();
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while generator.next_line(&mut line) {
        let text = String::from_utf8(std::mem::take(&mut line)).unwrap();
        assert!(text.ends_with('\n') && !text[..text.len() - 1].contains('\n'), "one line each: {text}");
        lines.push(text);
    }
    assert_eq!(generator.made(), shape.records);
    assert!(line.is_empty(), "nothing is appended after the last record");
    lines
}

/// What a record's text consists of, found by a reader that shares nothing with the writer.
#[derive(Debug, Default)]
struct Seen {
    depth: usize,
    fields_most: usize,
    fields_least: usize,
    empty_sets: usize,
    strings: Vec<String>,
}

/// Reads set notation of the plain kind that the generator writes, and panics at anything else.
fn read(record: &str) -> Seen {
    let mut seen = Seen { fields_least: usize::MAX, ..Seen::default() };
    let (key, mut rest) = record.trim_end().split_once(": ").unwrap();
    assert!(key.starts_with("\"person") && key.ends_with('"'), "{key}");
    let mut sets: Vec<Vec<String>> = Vec::new();
    loop {
        if let Some(inside) = rest.strip_prefix('{') {
            sets.push(Vec::new());
            seen.depth = seen.depth.max(sets.len());
            rest = inside;
        } else if !rest.starts_with('}') {
            let end = rest.find([';', '}']).unwrap();
            seen.scalar(&rest[..end]);
            rest = &rest[end..];
        }
        while let Some(after) = rest.strip_prefix('}') {
            let names = sets.pop().unwrap();
            seen.empty_sets += usize::from(names.is_empty());
            seen.fields_most = seen.fields_most.max(names.len());
            if sets.is_empty() {
                seen.fields_least = names.len();
                assert_eq!(after, "", "the record ends with its set");
                return seen;
            }
            rest = after;
        }
        rest = rest.strip_prefix("; ").unwrap_or(rest);
        let (name, value) = rest.split_once(": ").unwrap();
        let names = sets.last_mut().unwrap();
        assert!(!names.contains(&name.to_owned()), "{name} twice in one set of {record}");
        names.push(name.to_owned());
        rest = value;
    }
}

impl Seen {
    fn scalar(&mut self, text: &str) {
        if let Some(letters) = text.strip_prefix('"') {
            let letters = letters.strip_suffix('"').unwrap();
            assert!(letters.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{text}");
            self.strings.push(letters.to_owned());
        } else if text.contains('.') {
            assert_eq!(format!("{:?}", text.parse::<f64>().unwrap()), text, "shortest form");
        } else if text != "true" && text != "false" {
            assert_eq!(text.parse::<i64>().unwrap().to_string(), text);
        }
    }
}

#[test]
fn a_seed_gives_these_bytes_for_ever() {
    let first = lines(KeyFile::sample(), Shape { records: 6, ..Shape::default() }, 42).concat();
    assert_eq!(first, GOLDEN);
}

const GOLDEN: &str = r#""person0": {"iban": {}; "street": "Ei"; "email": "YGzS"; "country": "juF"}
"person1": {"number": 44; "married": false; "country": "F"; "age": 69; "height": 7.84}
"person2": {"age": 83}
"person3": {"email": "s"; "street": "CQLa"; "married": false; "number": 6}
"person4": {"age": 93; "address": {"favoriteColor": "y"; "height": 36.632; "email": "FS"; "name": "x"}; "car": {"country": "mOQx"; "surname": "0"; "email": "R"; "favoriteColor": "Bs"}; "number": 31; "married": false}
"person5": {"street": "pQqM"; "height": 38.774; "car": {"car": {"number": 10; "surname": "V"}; "number": 50}; "name": "aR"}
"#;

#[test]
fn same_seed_same_records_other_seed_others() {
    let shape = Shape { records: 200, ..Shape::default() };
    let once = lines(KeyFile::sample(), shape, 7);
    assert_eq!(once, lines(KeyFile::sample(), shape, 7));
    assert_ne!(once, lines(KeyFile::sample(), shape, 8));
    let more = lines(KeyFile::sample(), Shape { records: 300, ..shape }, 7);
    assert_eq!(once[..], more[..200], "a longer file begins like a shorter one");
}

#[test]
fn records_keep_to_their_shape_and_reach_its_bounds() {
    let mixed = "a string\nb int\nc float\nd bool\ne string\nf string";
    for text in [mixed.to_owned(), format!("{mixed}\ng set\nh set"), "only set\nname string".to_owned()] {
        let names = keys(&text);
        let scalars = names.scalars().count();
        for depth in 0..4 {
            for fields in [1, 3, 20] {
                let shape = Shape { records: 1_000, depth, length: 3, fields };
                let most = fields.min(if depth == 0 { scalars } else { names.len() } as u64) as usize;
                let seen: Vec<Seen> = lines(names.clone(), shape, 1).iter().map(|line| read(line)).collect();
                assert!(seen.iter().all(|one| one.depth <= depth as usize + 1));
                assert_eq!(seen.iter().map(|one| one.fields_least).min(), Some(1), "a record has a field");
                assert_eq!(seen.iter().map(|one| one.fields_most).max(), Some(most));
                assert!(seen.iter().any(|one| one.depth == depth as usize + 1), "{shape:?} of {text}");
                assert_eq!(seen.iter().any(|one| one.empty_sets > 0), depth > 0, "nested {{}} happen");
                let lengths = seen.iter().flat_map(|one| one.strings.iter().map(String::len));
                let (mut shortest, mut longest) = (usize::MAX, 0);
                lengths.for_each(|len| (shortest, longest) = (shortest.min(len), longest.max(len)));
                assert_eq!((shortest, longest), (1, 3));
            }
        }
    }
}

/// What is written is what our own readers take and our own printer would write: a loaded record comes back as its line.
#[test]
fn a_line_read_and_printed_again_is_the_same_line() {
    use crate::proto::text::{Printer, Style, read_document, record_line};
    let odd = "a.b string\nq\"uote int\nback\\slash float\nname bool\nÄpfel set\n\u{1}x string";
    for names in [KeyFile::sample(), keys(odd), keys("a string\nb float")] {
        let shape = Shape { records: 500, depth: 3, length: 9, fields: 6 };
        for (index, line) in lines(names, shape, 4).iter().enumerate() {
            let record = record_line(line.as_bytes()).unwrap().unwrap();
            assert_eq!(record.key.as_ref(), format!("person{index}").as_bytes());
            let mut again = format!("\"person{index}\": ").into_bytes();
            read_document(record.text, &mut Printer::new(&mut again, Style::Seed)).unwrap();
            assert_eq!(String::from_utf8(again).unwrap(), line.trim_end());
        }
    }
}

#[test]
fn keys_count_up_from_person0() {
    let made = lines(keys("a int"), Shape { records: 12, ..Shape::default() }, 3);
    for (index, line) in made.iter().enumerate() {
        assert!(line.starts_with(&format!("\"person{index}\": {{\"a\": ")), "{line}");
    }
}

#[test]
fn no_fields_at_all_makes_empty_records() {
    let shape = Shape { records: 2, fields: 0, ..Shape::default() };
    assert_eq!(lines(KeyFile::sample(), shape, 1).concat(), "\"person0\": {}\n\"person1\": {}\n");
}

#[test]
fn a_keyfile_of_sets_nests_to_the_depth_and_ends_in_empty_sets() {
    let shape = Shape { records: 100, depth: 3, fields: 2, ..Shape::default() };
    let seen: Vec<Seen> = lines(keys("a set\nb set"), shape, 5).iter().map(|line| read(line)).collect();
    assert!(seen.iter().all(|one| one.empty_sets > 0 && one.strings.is_empty()));
    assert_eq!(seen.iter().map(|one| one.depth).max(), Some(4));
    let flat = Shape { depth: 0, ..shape };
    let refused = Generator::new(keys("a set\nb set"), flat, Rng::from_seed(1));
    assert_eq!(refused.unwrap_err(), ShapeError::OnlySets);
}

#[test]
fn shapes_out_of_bounds_are_refused() {
    let good = Shape::default();
    assert_eq!(good.check(), Ok(()));
    assert_eq!(Shape { records: 0, ..good }.check(), Err(ShapeError::NoRecords));
    assert_eq!(Shape { depth: 128, ..good }.check(), Err(ShapeError::TooDeep));
    assert_eq!(Shape { depth: 127, ..good }.check(), Ok(()));
    assert_eq!(Shape { length: 0, ..good }.check(), Err(ShapeError::NoLength));
    assert_eq!(Shape { length: LENGTH_MAX + 1, ..good }.check(), Err(ShapeError::TooLong));
    assert_eq!(Shape { fields: 21, ..good }.check(), Err(ShapeError::TooManyFields));
    assert_eq!(Shape { fields: 0, ..good }.check(), Ok(()));
    for error in
        [ShapeError::NoRecords, ShapeError::NoLength, ShapeError::TooManyFields, ShapeError::OnlySets]
    {
        assert!(error.to_string().starts_with('-'), "names its letter: {error}");
    }
}

#[test]
fn the_widest_and_deepest_shape_stays_small() {
    let shape = Shape { records: 20, depth: DEPTH_MAX, length: 8, fields: FIELDS_MAX };
    let plain: String = (0..20).map(|index| format!("name{index} string\n")).collect();
    for text in [plain.clone(), plain.replace("string", "set"), plain.replacen("string", "set", 10)] {
        for line in lines(keys(&text), shape, 9) {
            assert!(line.len() < 4 * NESTING_BYTES_MAX, "{} bytes", line.len());
            assert!(read(&line).depth <= DOCUMENT_DEPTH_MAX);
        }
    }
}

#[test]
fn the_longest_strings_stay_within_a_document() {
    let shape = Shape { records: 3, depth: 3, length: LENGTH_MAX, fields: FIELDS_MAX };
    let text: String = (0..40).map(|index| format!("name{index} string\n")).collect();
    let longest = lines(keys(&text), shape, 2).iter().map(String::len).max();
    assert!(longest.is_some_and(|len| len > 1 << 20 && len < DOCUMENT_BYTES_MAX), "{longest:?}");
}

#[test]
fn memory_does_not_grow_with_the_records() {
    let shape = Shape { records: 50_000, ..Shape::default() };
    let mut generator = Generator::new(KeyFile::sample(), shape, Rng::from_seed(1)).unwrap();
    let room = |generator: &Generator| {
        (generator.open.capacity(), generator.all.capacity(), generator.scalars.capacity())
    };
    let before = room(&generator);
    let mut line = Vec::with_capacity(4 << 10);
    while generator.next_line(&mut line) {
        line.clear();
    }
    assert_eq!(room(&generator), before, "nothing that a generator owns has grown");
    assert_eq!(line.capacity(), 4 << 10);
}

#[test]
fn thousandths_print_shortest() {
    for (thousandths, text) in [(0, "0.0"), (45_658, "45.658"), (1_500, "1.5"), (990, "0.99"), (7, "0.007")] {
        let mut out = Vec::new();
        append_thousandths(thousandths, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}

#[test]
fn letters_are_spread_evenly() {
    let mut rng = Rng::from_seed(11);
    let mut out = Vec::new();
    append_letters(&mut rng, 62_000, &mut out);
    assert_eq!(out.len(), 62_000);
    for letter in (b'0'..=b'9').chain(b'A'..=b'Z').chain(b'a'..=b'z') {
        let count = out.iter().filter(|&&byte| byte == letter).count();
        assert!((800..1_200).contains(&count), "{} stands {count} times", letter as char);
    }
}
