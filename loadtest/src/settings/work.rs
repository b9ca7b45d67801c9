//! From flags to the requests of a run.

use std::fs;
use std::sync::Arc;

use crate::options::Options;
use crate::work::documents::{Names, Pool};
use crate::work::expect::Expect;
use crate::work::keys::Distribution;
use crate::work::template::{Template, Words};
use crate::work::values::{MARKED_BYTES, Sizes};
use crate::work::{OPERATIONS_MAX, Operation, Role, Work, ends_of, ycsb};

const VALUE_BYTES_MAX: usize = 512 << 20;
const DEFAULT_SIZE: usize = 64;
const BATCH_BYTES_MAX: usize = 1 << 30;
const KEYS_PER_REQUEST_MAX: u64 = 100_000;
const KEY_PREFIX_BYTES_MAX: usize = 60_000;
/// Keys whose writes can be remembered: 24 bytes each.
const VERIFIED_KEYS_MAX: u64 = 100_000_000;

/// A command and its weight, and the flag it came from.
struct Entry {
    weight: f64,
    command: String,
    flag: &'static str,
}

/// What is to be sent, and what it is called.
pub(super) fn work(options: &Options) -> Result<(Work, String), String> {
    let flags = &options.work;
    super::in_range("--keys-per-request", flags.keys_per_request, 1, KEYS_PER_REQUEST_MAX)?;
    if flags.key_prefix.len() > KEY_PREFIX_BYTES_MAX {
        return Err(format!("--key-prefix: longer than {KEY_PREFIX_BYTES_MAX} bytes"));
    }
    let preset = match &flags.ycsb {
        Some(letter) => {
            Some(ycsb::workload(letter).ok_or(format!("--ycsb {letter}: expected A, B, C, D, E or F"))?)
        }
        None => None,
    };
    let sizes = sizes(options, preset.is_some())?;
    let (pool, names, keys) = records(options)?;
    let words =
        Words { names: &names, sizes: &sizes, marked: options.truth.verify, keys: flags.keys_per_request };
    let entries = entries(options, preset.as_ref())?;
    check_batch(options, &entries, &sizes, &pool)?;
    let mut operations = Vec::new();
    for entry in &entries {
        operations.push(operation(entry.flag, &entry.command, words)?);
    }
    let weights: Vec<f64> = entries.iter().map(|entry| entry.weight).collect();
    let ends = ends_of(&weights);
    follow_reads(&mut operations, words)?;
    let distribution = match (&flags.distribution, &preset) {
        (Some(text), _) => Distribution::parse(text).map_err(|error| format!("--distribution {error}"))?,
        (None, Some(preset)) => preset.keys,
        (None, None) => Distribution::Uniform,
    };
    let filling = filling(options, words)?;
    let verify = options.truth.verify;
    if verify {
        check_verify(&operations, filling.as_ref(), &sizes, keys)?;
    }
    let reading = if verify { Some(operation("--verify", "get", words)?) } else { None };
    let label = label(options, preset.as_ref(), &entries);
    let (names, sizes, pool) = (Arc::new(names), Arc::new(sizes), Arc::new(pool));
    let seed = flags.seed;
    let operations = Arc::new(operations);
    Ok((Work { operations, ends, filling, reading, distribution, keys, names, sizes, pool, seed }, label))
}

fn sizes(options: &Options, ycsb: bool) -> Result<Sizes, String> {
    let sizes = match &options.work.data_size {
        None if ycsb => Ok(Sizes::Fixed(ycsb::VALUE_BYTES)),
        None => Ok(Sizes::Fixed(DEFAULT_SIZE)),
        Some(text) => match text.strip_prefix('@') {
            None => Sizes::parse(text),
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|error| format!("-d @{path}: {error}"))?;
                let lines: Vec<String> = text
                    .lines()
                    .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
                    .map(|line| line.split_whitespace().collect::<Vec<_>>().join(":"))
                    .collect();
                Sizes::of_weights(lines.iter().map(String::as_str))
            }
        },
    };
    let sizes = sizes.map_err(|error| format!("-d {error}"))?;
    super::in_range("-d", sizes.most() as u64, 0, VALUE_BYTES_MAX as u64)?;
    Ok(sizes)
}

fn records(options: &Options) -> Result<(Pool, Names, u64), String> {
    let flags = &options.work;
    let Some(path) = &flags.records else {
        let names = Names::Digits { prefix: flags.key_prefix.clone().into_bytes() };
        return Ok((Pool::usual(flags.seed), names, flags.keys));
    };
    let named = |error: &dyn std::fmt::Display| format!("--records {}: {error}", path.display());
    let text = fs::read(path).map_err(|error| named(&error))?;
    let (pool, names) = Pool::of_file(&text).map_err(|error| named(&error))?;
    let Names::Listed(list) = &names else { unreachable!("a file lists its keys") };
    let keys = list.len() as u64;
    Ok((pool, names, keys))
}

fn entries(options: &Options, preset: Option<&ycsb::Workload>) -> Result<Vec<Entry>, String> {
    let flags = &options.work;
    let entries: Vec<Entry> = if let Some(preset) = preset {
        mix(preset.mix, "--ycsb")?
    } else if let Some(text) = &flags.mix {
        mix(text, "--mix")?
    } else if !flags.command.is_empty() {
        flags.command.iter().map(|text| weighted_command(text)).collect::<Result<_, _>>()?
    } else {
        let (reads, writes) = parse_ratio(flags.ratio.as_deref().unwrap_or("9:1"))?;
        [("get", reads), ("set", writes)]
            .into_iter()
            .filter(|(_, weight)| *weight > 0)
            .map(|(name, weight)| Entry {
                weight: f64::from(weight),
                command: name.to_owned(),
                flag: "--ratio",
            })
            .collect()
    };
    // Each read-modify-write needs an operation of its own beside its read.
    if entries.len() > OPERATIONS_MAX / 2 {
        return Err(format!("at most {} commands in a mix", OPERATIONS_MAX / 2));
    }
    Ok(entries)
}

fn mix(text: &str, flag: &'static str) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for part in text.split(',') {
        let wrong = || format!("{flag} {part}: expected NAME=WEIGHT, such as get=80");
        let (name, weight) = part.split_once('=').ok_or_else(wrong)?;
        let weight = weight.trim().parse().ok().filter(|weight: &f64| *weight >= 0.0 && *weight < 1e9);
        entries.push(Entry { weight: weight.ok_or_else(wrong)?, command: name.trim().to_owned(), flag });
    }
    entries.retain(|entry| entry.weight > 0.0);
    if entries.is_empty() { Err(format!("{flag} {text}: nothing has a weight")) } else { Ok(entries) }
}

/// A command, or one behind its share as in `90% GET {key}`.
fn weighted_command(text: &str) -> Result<Entry, String> {
    const FLAG: &str = "--command";
    let share =
        text.trim_start().split_once('%').and_then(|(share, rest)| Some((share.parse::<f64>().ok()?, rest)));
    match share {
        Some((weight, rest)) if weight > 0.0 && weight <= 100.0 => {
            Ok(Entry { weight, command: rest.trim().to_owned(), flag: FLAG })
        }
        Some((weight, _)) => Err(format!("{FLAG} {text}: {weight}% is no share")),
        None => Ok(Entry { weight: 1.0, command: text.to_owned(), flag: FLAG }),
    }
}

fn operation(flag: &str, command: &str, words: Words<'_>) -> Result<Operation, String> {
    let template = Template::named(command, words).map_err(|error| format!("{flag}: {error}"))?;
    let whole = command.trim().contains(char::is_whitespace);
    let name = if whole { command.trim().to_owned() } else { command.to_ascii_lowercase() };
    let one_key = template.keys() == 1;
    let verb = name.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let role = match verb.as_str() {
        "get" | "rmw" if one_key && template.expect == Expect::Value => Role::Reads,
        "set" | "insert" if one_key && template.expect == Expect::Ok && template.writes_value() => {
            Role::Writes
        }
        "rmw-set" => Role::Writes,
        _ => Role::Plain,
    };
    Ok(Operation { name, template, role, followed_by: None })
}

/// A read-modify-write is a read, and a write that follows its answer; the write is never drawn by itself.
fn follow_reads(operations: &mut Vec<Operation>, words: Words<'_>) -> Result<(), String> {
    for index in 0..operations.len() {
        if operations[index].name == "rmw" {
            operations[index].name = "rmw-get".to_owned();
            operations[index].followed_by = Some(operations.len());
            operations.push(operation("--mix", "rmw-set", words)?);
        }
    }
    Ok(())
}

fn filling(options: &Options, words: Words<'_>) -> Result<Option<Operation>, String> {
    let Some(command) = &options.work.prefill else { return Ok(None) };
    let operation = operation("--prefill", command, words)?;
    let many = ["mset", "mget", "del", "exists"].iter().any(|name| command.eq_ignore_ascii_case(name));
    match operation.template.keys() {
        0 => Err(format!("--prefill={command}: writes no {{key}}")),
        1 if !many => Ok(Some(operation)),
        _ => Err(format!("--prefill={command}: one key a request is needed")),
    }
}

/// Before any request is made: its template holds the values already.
fn check_batch(options: &Options, entries: &[Entry], sizes: &Sizes, pool: &Pool) -> Result<(), String> {
    let many = entries.iter().any(|entry| entry.command.eq_ignore_ascii_case("mset"));
    let values = if many { options.work.keys_per_request as usize } else { 1 };
    let bytes = sizes.most().saturating_mul(values).max(pool.longest());
    if bytes.saturating_mul(options.load.pipeline) > BATCH_BYTES_MAX {
        return Err(format!("-P times the values of a request is above {BATCH_BYTES_MAX} bytes"));
    }
    Ok(())
}

fn check_verify(
    operations: &[Operation],
    filling: Option<&Operation>,
    sizes: &Sizes,
    keys: u64,
) -> Result<(), String> {
    if let Some(one) =
        operations.iter().chain(filling).find(|one| one.role == Role::Plain && one.name != "ping")
    {
        return Err(format!(
            "--verify knows what values must be where get, set, insert and rmw alone are used, and there is {}",
            one.name
        ));
    }
    if operations.iter().all(|one| one.role == Role::Plain) {
        return Err("--verify compares the values of GET, and there is neither GET nor SET".to_owned());
    }
    if sizes.least() < MARKED_BYTES {
        return Err(format!(
            "--verify needs values of {MARKED_BYTES} bytes or more: each tells its key, its run and its number"
        ));
    }
    super::in_range("-r with --verify", keys, 1, VERIFIED_KEYS_MAX)
}

fn label(options: &Options, preset: Option<&ycsb::Workload>, entries: &[Entry]) -> String {
    if let (Some(letter), Some(preset)) = (&options.work.ycsb, preset) {
        return format!("YCSB {} ({})", letter.to_ascii_uppercase(), preset.says);
    }
    if let [only] = entries
        && only.flag == "--command"
    {
        let whole = only.command.contains(char::is_whitespace);
        return if whole { only.command.clone() } else { only.command.to_ascii_lowercase() };
    }
    if entries[0].flag == "--ratio" {
        return format!("get:set {}", options.work.ratio.as_deref().unwrap_or("9:1"));
    }
    let parts: Vec<String> =
        entries.iter().map(|entry| format!("{} {}", entry.weight, entry.command)).collect();
    parts.join(", ")
}

fn parse_ratio(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("--ratio {text}: expected reads:writes, such as 9:1");
    let (reads, writes) = text.split_once(':').ok_or_else(wrong)?;
    let pair = (reads.parse().map_err(|_| wrong())?, writes.parse().map_err(|_| wrong())?);
    if pair == (0, 0) {
        return Err(format!("--ratio {text}: neither reads nor writes are left"));
    }
    Ok(pair)
}
