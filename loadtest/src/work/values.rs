//! Values: how long they are, and what is in them.
//!
//! ```text
//!  plain       000000000007xxxxxxxxxxxxxxxx…      the digits of the key, cut if the value is shorter
//!  verified    000000000007 5f3a91c2 0000002a xxxx…    key, run, version: what a reader needs to tell lost from stale
//! ```

use crate::work::random::Random;

/// Digits of a key, as redis-benchmark writes them.
pub(crate) const KEY_DIGITS: usize = 12;
/// Bytes that a verified value begins with: key, run and version.
pub(crate) const MARKED_BYTES: usize = KEY_DIGITS + 8 + 8;
/// What a value consists of behind its head.
pub(crate) const FILLER: u8 = b'x';
/// Sizes of a histogram.
const SIZES_MAX: usize = 1_000;

/// How long values are.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Sizes {
    Fixed(usize),
    Uniform {
        least: usize,
        most: usize,
    },
    /// Sizes with the sums of the weights up to each.
    Histogram(Vec<(usize, u64)>),
}

impl Sizes {
    /// Reads `64`, `10..1000` or `64:90,1024:9,65536:1`.
    pub(crate) fn parse(text: &str) -> Result<Sizes, String> {
        let number = |text: &str| {
            text.trim().parse::<usize>().map_err(|_| format!("{text}: expected a number of bytes"))
        };
        if let Some((least, most)) = text.split_once("..") {
            let (least, most) = (number(least)?, number(most)?);
            return match least.cmp(&most) {
                std::cmp::Ordering::Less => Ok(Sizes::Uniform { least, most }),
                std::cmp::Ordering::Equal => Ok(Sizes::Fixed(least)),
                std::cmp::Ordering::Greater => Err(format!("{text}: the smaller size comes first")),
            };
        }
        if !text.contains(':') {
            return number(text).map(Sizes::Fixed);
        }
        Sizes::of_weights(text.split(','))
    }

    /// Sizes with weights, `SIZE:WEIGHT` each.
    pub(crate) fn of_weights<'t>(entries: impl Iterator<Item = &'t str>) -> Result<Sizes, String> {
        let (mut sizes, mut sum) = (Vec::new(), 0u64);
        for entry in entries {
            let wrong = || format!("{entry}: expected SIZE:WEIGHT, such as 1024:9");
            let (size, weight) = entry.split_once(':').ok_or_else(wrong)?;
            let weight = weight.trim().parse::<u32>().map_err(|_| wrong())?;
            sum += u64::from(weight);
            sizes.push((size.trim().parse().map_err(|_| wrong())?, sum));
        }
        match sizes.len() {
            _ if sum == 0 => Err("a histogram of sizes needs a weight above 0".to_owned()),
            1..=SIZES_MAX => Ok(Sizes::Histogram(sizes)),
            _ => Err(format!("a histogram of sizes has 1 to {SIZES_MAX} of them")),
        }
    }

    pub(crate) fn most(&self) -> usize {
        match self {
            Sizes::Fixed(size) => *size,
            Sizes::Uniform { most, .. } => *most,
            Sizes::Histogram(sizes) => sizes.iter().map(|(size, _)| *size).max().unwrap_or_default(),
        }
    }

    pub(crate) fn least(&self) -> usize {
        match self {
            Sizes::Fixed(size) => *size,
            Sizes::Uniform { least, .. } => *least,
            Sizes::Histogram(sizes) => sizes.iter().map(|(size, _)| *size).min().unwrap_or_default(),
        }
    }

    /// The one size that all values have.
    pub(crate) fn fixed(&self) -> Option<usize> {
        if let Sizes::Fixed(size) = self { Some(*size) } else { None }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        match self {
            Sizes::Fixed(size) => *size,
            Sizes::Uniform { least, most } => random.between(*least as u64, *most as u64) as usize,
            Sizes::Histogram(sizes) => {
                let (_, whole) = *sizes.last().expect("at least one size");
                let drawn = random.below(whole);
                sizes[sizes.partition_point(|(_, sum)| *sum <= drawn)].0
            }
        }
    }

    /// The size of one version of one key's value: the same whenever it is asked for.
    pub(crate) fn of_version(&self, key: u64, version: u32) -> usize {
        match self {
            Sizes::Fixed(size) => *size,
            _ => self.draw(&mut Random::stream(key, u64::from(version) + 1)),
        }
    }
}

/// Which write of which run a value came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub(crate) run: u32,
    pub(crate) version: u32,
}

/// Writes the head of a value over the beginning of `place`, which may be shorter than that.
#[inline]
pub(crate) fn write_head(place: &mut [u8], key: u64, mark: Option<Mark>) {
    let digits = place.len().min(KEY_DIGITS);
    write_digits(&mut place[..digits], key);
    if let Some(mark) = mark {
        write_hex(&mut place[KEY_DIGITS..KEY_DIGITS + 8], mark.run);
        write_hex(&mut place[KEY_DIGITS + 8..MARKED_BYTES], mark.version);
    }
}

/// Writes the last digits of `number` over the whole of `place`.
#[inline]
pub(crate) fn write_digits(place: &mut [u8], number: u64) {
    if let Ok(place) = <&mut [u8; KEY_DIGITS]>::try_from(&mut *place) {
        // The usual place. Two halves of 32 bits: short divisions that do not wait for each other.
        let (high, low) = place.split_at_mut(KEY_DIGITS / 2);
        write_pairs(high, (number / 1_000_000 % 1_000_000) as u32);
        write_pairs(low, (number % 1_000_000) as u32);
        return;
    }
    let (mut number, mut end) = (number, place.len());
    while end > 0 {
        place[end - 1] = b'0' + (number % 10) as u8;
        number /= 10;
        end -= 1;
    }
}

#[inline]
fn write_pairs(place: &mut [u8], mut number: u32) {
    for pair in place.rchunks_exact_mut(2) {
        pair.copy_from_slice(&PAIRS[(number % 100) as usize]);
        number /= 100;
    }
}

/// `00` to `99`: half as many divisions as digit by digit.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

fn write_hex(place: &mut [u8], number: u32) {
    for (index, byte) in place.iter_mut().enumerate() {
        *byte = b"0123456789abcdef"[(number >> (28 - 4 * index) & 15) as usize];
    }
}

/// A value that comes in pieces, read as one that was verified when it was written.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    head: [u8; MARKED_BYTES],
    taken: usize,
    only_filler: bool,
}

impl Reading {
    pub(crate) const NOTHING: Reading = Reading { head: [0; MARKED_BYTES], taken: 0, only_filler: true };

    pub(crate) fn push(&mut self, piece: &[u8]) {
        let of_head = MARKED_BYTES.saturating_sub(self.taken).min(piece.len());
        let (head, rest) = piece.split_at(of_head);
        self.head[self.taken.min(MARKED_BYTES)..][..of_head].copy_from_slice(head);
        self.only_filler &= rest.iter().all(|&byte| byte == FILLER);
        self.taken += piece.len();
    }

    /// The mark of a whole value of `key`; `None` if this is none.
    pub(crate) fn mark(&self, key: u64) -> Option<Mark> {
        let mut digits = [0; KEY_DIGITS];
        write_digits(&mut digits, key);
        let whole = self.taken >= MARKED_BYTES && self.only_filler && self.head[..KEY_DIGITS] == digits;
        let hex = |place: &[u8]| {
            let text = std::str::from_utf8(place).ok()?;
            u32::from_str_radix(text, 16).ok()
        };
        let (run, version) = self.head[KEY_DIGITS..].split_at(8);
        whole.then_some(Mark { run: hex(run)?, version: hex(version)? })
    }

    /// Bytes of the value so far.
    pub(crate) fn bytes(&self) -> usize {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_fill_their_place_from_its_end() {
        for len in 0..=KEY_DIGITS {
            for number in [0, 7, 10, 99, 100, 12_345, 907_060_504_030, 999_999_999_999] {
                let mut place = vec![b'?'; len];
                write_digits(&mut place, number);
                let all = format!("{number:012}");
                assert_eq!(place, &all.as_bytes()[KEY_DIGITS - len..], "{number} in {len}");
            }
        }
    }

    #[test]
    fn sizes_are_drawn_as_they_are_told() {
        let mut random = Random::from_seed(1);
        assert_eq!(Sizes::parse("64").unwrap().draw(&mut random), 64);
        assert_eq!(Sizes::parse("5..5").unwrap(), Sizes::Fixed(5));
        let uniform = Sizes::parse("10..12").unwrap();
        assert_eq!((uniform.least(), uniform.most(), uniform.fixed()), (10, 12, None));
        assert!((0..100).all(|_| (10..=12).contains(&uniform.draw(&mut random))));
        let histogram = Sizes::parse("1:90,100:0,1000:10").unwrap();
        let large = (0..10_000).filter(|_| histogram.draw(&mut random) == 1_000).count();
        assert!((850..1_150).contains(&large), "{large}");
        assert!((0..1_000).all(|_| histogram.draw(&mut random) != 100), "weight 0 never comes");
        assert_eq!((histogram.least(), histogram.most()), (1, 1_000));
        assert_eq!(uniform.of_version(3, 4), uniform.of_version(3, 4));
        for text in ["", "x", "5..4", "1:x", "1:0", ":", "-1", "1..", "5:1,"] {
            assert!(Sizes::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_says_where_it_came_from_in_any_pieces() {
        let mark = Mark { run: 0x5f3a_91c2, version: 42 };
        for size in [MARKED_BYTES, MARKED_BYTES + 1, 100] {
            let mut value = vec![FILLER; size];
            write_head(&mut value, 987_654_321_098, Some(mark));
            for cut in 0..=size {
                let mut reading = Reading::NOTHING;
                reading.push(&value[..cut]);
                reading.push(&value[cut..]);
                assert_eq!((reading.mark(987_654_321_098), reading.bytes()), (Some(mark), size));
                assert_eq!(reading.mark(1), None, "of another key");
            }
            let mut short = Reading::NOTHING;
            short.push(&value[..MARKED_BYTES - 1]);
            assert_eq!(short.mark(987_654_321_098), None);
        }
        let mut broken = vec![FILLER; 100];
        write_head(&mut broken, 5, Some(mark));
        broken[99] = b'y';
        let mut reading = Reading::NOTHING;
        reading.push(&broken);
        assert_eq!(reading.mark(5), None);
    }
}
