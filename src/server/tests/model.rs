//! The server against a BTreeMap: random commands, the same answers.

use super::Harness;
use crate::conn::ConnId;
use crate::rng::Rng;
use std::collections::BTreeMap;

#[derive(Clone, PartialEq)]
enum Held {
    Text(String),
    /// Fields in the order in which they came, integers all.
    Document(Vec<(String, i64)>),
}

impl Held {
    fn shown(&self) -> String {
        match self {
            Held::Text(text) => text.clone(),
            Held::Document(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }
        }
    }
}

struct Model {
    records: BTreeMap<String, Held>,
    rng: Rng,
}

fn bulk(text: Option<String>) -> String {
    text.map_or("$-1\r\n".to_owned(), |text| format!("${}\r\n{text}\r\n", text.len()))
}

fn array(items: impl ExactSizeIterator<Item = String>) -> String {
    format!("*{}\r\n{}", items.len(), items.map(|item| bulk(Some(item))).collect::<String>())
}

impl Model {
    /// Few keys, among them prefixes of others, so that every command meets all kinds of records.
    fn key(&mut self) -> String {
        ["a", "ab", "abc", "b", "p1", "p10", "p2", "x:1", "x:10"][self.rng.index(9)].to_owned()
    }

    fn field(&mut self) -> String {
        ["f", "fa", "g"][self.rng.index(3)].to_owned()
    }

    fn shown(&self, key: &str) -> Option<String> {
        self.records.get(key).map(Held::shown)
    }

    /// A random command, and what it must be answered.
    fn step(&mut self) -> (Vec<String>, String) {
        let key = self.key();
        match self.rng.below(14) {
            0..3 => self.set(key),
            3..5 => self.put(key),
            5 => (vec!["GET".into(), key.clone()], bulk(self.shown(&key))),
            6 => {
                let other = self.key();
                let found = [self.shown(&key), self.shown(&other)].map(bulk).concat();
                (vec!["MGET".into(), key, other], format!("*2\r\n{found}"))
            }
            7 => {
                let gone = self.records.remove(&key).is_some();
                let name = ["DEL", "UNLINK", "DELETE"][self.rng.index(3)];
                (vec![name.into(), key], format!(":{}\r\n", u8::from(gone)))
            }
            8 => self.query(key),
            9 => self.json_del(key),
            10 => {
                let name = match self.records.get(&key) {
                    None => "none",
                    Some(Held::Text(_)) => "string",
                    Some(Held::Document(_)) => "ReJSON-RL",
                };
                (vec!["TYPE".into(), key], format!("+{name}\r\n"))
            }
            11 => (vec!["DBSIZE".into()], format!(":{}\r\n", self.records.len())),
            12 => {
                let head = key[..1].to_owned();
                let keys: Vec<String> =
                    self.records.keys().filter(|key| key.starts_with(&head)).cloned().collect();
                (vec!["KEYS".into(), format!("{head}*")], array(keys.into_iter()))
            }
            _ if self.rng.percent(10) => {
                self.records.clear();
                (vec!["FLUSHALL".into()], "+OK\r\n".into())
            }
            _ => {
                let keys: Vec<String> = self.records.keys().cloned().collect();
                (vec!["SCAN".into(), "0".into()], format!("*2\r\n$1\r\n0\r\n{}", array(keys.into_iter())))
            }
        }
    }

    fn set(&mut self, key: String) -> (Vec<String>, String) {
        let long = if self.rng.percent(10) { 6_000 } else { 8 };
        let value = "v".repeat(self.rng.index(long));
        let mut args = vec!["SET".to_owned(), key.clone(), value.clone()];
        let before = self.shown(&key);
        let (option, done, reply) = match self.rng.below(4) {
            0 => ("NX", before.is_none(), if before.is_none() { "+OK\r\n".into() } else { bulk(None) }),
            1 => ("XX", before.is_some(), if before.is_some() { "+OK\r\n".into() } else { bulk(None) }),
            2 => ("GET", true, bulk(before)),
            _ => ("", true, "+OK\r\n".to_owned()),
        };
        if !option.is_empty() {
            args.push(option.into());
        }
        if done {
            self.records.insert(key, Held::Text(value));
        }
        (args, reply)
    }

    fn put(&mut self, key: String) -> (Vec<String>, String) {
        let mut fields: Vec<(String, i64)> = vec![];
        let mut text = String::new();
        for _ in 0..self.rng.index(4) {
            let (name, value) = (self.field(), self.rng.next_u64() as i64);
            text += &format!("{name}:{value};");
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some(field) => field.1 = value,
                None => fields.push((name, value)),
            }
        }
        let replaced = self.records.insert(key.clone(), Held::Document(fields)).is_some();
        let reply = if replaced { "+REPLACED\r\n" } else { "+CREATED\r\n" };
        (vec!["PUT".into(), key, format!("{{{text}}}")], reply.into())
    }

    fn query(&mut self, key: String) -> (Vec<String>, String) {
        let field = self.field();
        let found = match self.records.get(&key) {
            Some(Held::Document(fields)) => {
                fields.iter().find(|(name, _)| *name == field).map(|(_, value)| value.to_string())
            }
            _ => None,
        };
        (vec!["QUERY".into(), key, field], bulk(found))
    }

    fn json_del(&mut self, key: String) -> (Vec<String>, String) {
        let field = self.field();
        let args = vec!["JSON.DEL".into(), key.clone(), format!("$.{field}")];
        let reply = match self.records.get_mut(&key) {
            None => ":0\r\n",
            Some(Held::Text(_)) => "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
            Some(Held::Document(fields)) => {
                let before = fields.len();
                fields.retain(|(name, _)| *name != field);
                if fields.len() < before { ":1\r\n" } else { ":0\r\n" }
            }
        };
        (args, reply.into())
    }
}

fn send(harness: &mut Harness, id: ConnId, args: &[String]) -> String {
    let args: Vec<&[u8]> = args.iter().map(String::as_bytes).collect();
    harness.array(id, &args)
}

#[test]
fn random_commands_are_answered_as_by_a_map() {
    for seed in 0..60 {
        let mut harness = Harness::new();
        let id = harness.connect();
        let mut model = Model { records: BTreeMap::new(), rng: Rng::from_seed(seed) };
        for step in 0..300 {
            let (args, expected) = model.step();
            assert_eq!(send(&mut harness, id, &args), expected, "seed {seed} step {step}: {args:?}");
        }
        harness.server.trie().check();
    }
}
