//! Names of keys, and documents made up as `create-data` makes them or read from a file of its.

use hedgerow::datagen::{Generator, KeyFile, Shape};
use hedgerow::proto::text::{Style, record_line, restyle};
use hedgerow::rng::Rng;

use crate::work::values::{KEY_DIGITS, write_digits};

/// Documents made up for a run; requests draw from them.
const MADE: u64 = 1_024;

/// What keys are called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Names {
    /// A prefix and twelve digits.
    Digits { prefix: Vec<u8> },
    /// By number, as a file of records has them.
    Listed(Vec<Box<[u8]>>),
}

impl Names {
    pub(crate) fn push(&self, key: u64, out: &mut Vec<u8>) {
        match self {
            Names::Digits { prefix } => {
                out.extend_from_slice(prefix);
                let start = out.len();
                out.resize(start + KEY_DIGITS, b'0');
                write_digits(&mut out[start..], key);
            }
            Names::Listed(names) => match names.get(key as usize) {
                Some(name) => out.extend_from_slice(name),
                // A key that was inserted: the file has no name for it.
                None => out.extend_from_slice(format!("new:{key:012}").as_bytes()),
            },
        }
    }

    /// A name that no key's name is behind.
    pub(crate) fn behind_last(&self) -> Vec<u8> {
        match self {
            Names::Digits { prefix } => [prefix.as_slice(), &[b'9'; KEY_DIGITS]].concat(),
            Names::Listed(_) => vec![0xff],
        }
    }
}

/// Documents in both notations.
#[derive(Debug)]
pub(crate) struct Pool {
    sets: Vec<Vec<u8>>,
    jsons: Vec<Vec<u8>>,
    /// Whether each belongs to the key of its number.
    by_key: bool,
}

impl Pool {
    /// Documents of the shape that `create-data` makes without flags.
    pub(crate) fn made(count: u64, seed: u64) -> Pool {
        let shape = Shape { records: count.min(MADE), ..Shape::default() };
        let mut generator = Generator::new(KeyFile::sample(), shape, Rng::from_seed(seed))
            .expect("create-data's own shape and names");
        let mut pool = Pool { sets: Vec::new(), jsons: Vec::new(), by_key: false };
        let mut line = Vec::new();
        while generator.next_line(&mut line) {
            pool.add_line(&line).expect("create-data's own lines");
            line.clear();
        }
        pool
    }

    /// Documents to draw from, as many as are worth it.
    pub(crate) fn usual(seed: u64) -> Pool {
        Pool::made(MADE, seed)
    }

    /// The records of a file that `create-data` wrote, and their names.
    pub(crate) fn of_file(text: &[u8]) -> Result<(Pool, Names), String> {
        let mut pool = Pool { sets: Vec::new(), jsons: Vec::new(), by_key: true };
        let mut names = Vec::new();
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match pool.add_line(line) {
                Ok(Some(name)) => names.push(name.into_boxed_slice()),
                Ok(None) => {}
                Err(reason) => return Err(format!("line {}: {reason}", index + 1)),
            }
        }
        if names.is_empty() { Err("no records".to_owned()) } else { Ok((pool, Names::Listed(names))) }
    }

    /// Adds the document of a line; says its key, or nothing for a line without a record.
    fn add_line(&mut self, line: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let Some(record) = record_line(line).map_err(|error| error.to_string())? else { return Ok(None) };
        let (mut set, mut json) = (Vec::new(), Vec::new());
        restyle(record.text, Style::Seed, &mut set).map_err(|error| error.message())?;
        restyle(record.text, Style::Json, &mut json).map_err(|error| error.message())?;
        self.sets.push(set);
        self.jsons.push(json);
        Ok(Some(record.key.to_vec()))
    }

    /// The document for a key; `drawn` chooses one where they belong to none.
    pub(crate) fn get(&self, json: bool, key: u64, drawn: u64) -> &[u8] {
        let all = if json { &self.jsons } else { &self.sets };
        let index = if self.by_key { key } else { drawn };
        &all[(index % all.len() as u64) as usize]
    }

    pub(crate) fn longest(&self) -> usize {
        self.sets.iter().chain(&self.jsons).map(Vec::len).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_documents_are_the_same_for_a_seed_and_valid_in_both_notations() {
        let (one, two) = (Pool::made(20, 3), Pool::made(20, 3));
        assert_eq!((&one.sets, one.sets.len()), (&two.sets, 20));
        assert_ne!(one.sets, Pool::made(20, 4).sets);
        for index in 0..20 {
            let json: serde_json::Value = serde_json::from_slice(one.get(true, 0, index)).unwrap();
            assert!(json.is_object());
        }
        assert!(one.longest() >= 2);
    }

    #[test]
    fn a_file_of_records_gives_keys_and_their_documents() {
        let text = b"\"p1\": {\"a\": 1; \"b\": {}}\n\n\"p2\": {}\r\n";
        let (pool, names) = Pool::of_file(text).unwrap();
        let name = |key| {
            let mut out = Vec::new();
            names.push(key, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!([name(0), name(1), name(2)], ["p1", "p2", "new:000000000002"]);
        assert_eq!(pool.get(true, 0, 9), br#"{"a":1,"b":{}}"#);
        assert_eq!(pool.get(false, 1, 9), b"{}");
        assert!(Pool::of_file(b"").unwrap_err().contains("no records"));
        assert!(Pool::of_file(b"\"p1\": {}\nnonsense\n").unwrap_err().contains("line 2"));
    }
}
