//! What is loaded first: a file, or made-up records for an embedded cluster.

use crate::options::{DATA_FILE, Options};
use hedgerow::broker::front::LoadConfig;
use hedgerow::datagen::{Generator, KeyFile, SAMPLE_KEYS, Shape};
use hedgerow::rng::Rng;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The same samples at every start, so that what a user has seen is there again.
const SAMPLES_SEED: u64 = 1;
/// Bytes read to see whether a file can be read at all.
const FIRST_BYTES: u64 = 4_096;

/// Records to be loaded.
pub(crate) struct Input {
    pub(crate) config: LoadConfig,
    pub(crate) source: Box<dyn Read + Send>,
    /// Its size, if that is known.
    pub(crate) bytes: Option<u64>,
}

/// Opens what the options name. A file that cannot be read is an error; one that nobody named and that is not there
/// is a note.
pub(crate) fn open(options: &Options) -> Result<Option<Input>, String> {
    if options.no_load {
        return Ok(None);
    }
    if options.input.is_none() && options.servers.is_none() {
        return samples(options);
    }
    let path = options.input.as_deref().unwrap_or(Path::new(DATA_FILE));
    match open_file(path) {
        Ok((source, bytes)) => {
            Ok(Some(Input { config: config(options, &path.display().to_string()), source, bytes }))
        }
        Err(error) if error.kind() == ErrorKind::NotFound && options.input.is_none() => {
            eprintln!("note: there is no {DATA_FILE} here, so nothing is loaded (-i names another file)");
            Ok(None)
        }
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn config(options: &Options, name: &str) -> LoadConfig {
    LoadConfig {
        name: name.to_owned(),
        key_field: options.key_field.clone(),
        strict: options.strict,
        progress: Default::default(),
    }
}

fn open_file(path: &Path) -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut first = Vec::new();
    file.by_ref().take(FIRST_BYTES).read_to_end(&mut first)?;
    let bytes = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(io::Cursor::new(first).chain(file)), bytes))
}

fn samples(options: &Options) -> Result<Option<Input>, String> {
    if options.samples == 0 {
        return Ok(None);
    }
    let keys = KeyFile::parse(SAMPLE_KEYS.as_bytes()).expect("the project's own keyFile is sound");
    let shape = Shape { records: options.samples, ..Shape::default() };
    let generator = Generator::new(keys, shape, Rng::from_seed(SAMPLES_SEED))
        .map_err(|error| format!("--samples {}: {error}", options.samples))?;
    let mut config = config(options, "samples");
    config.key_field = None;
    Ok(Some(Input {
        config,
        source: Box::new(Samples { generator, line: Vec::new(), read: 0 }),
        bytes: None,
    }))
}

/// Record lines, made as they are read.
struct Samples {
    generator: Generator,
    line: Vec<u8>,
    read: usize,
}

impl Read for Samples {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read == self.line.len() {
            (self.read, _) = (0, self.line.clear());
            while self.line.len() < into.len() && self.generator.next_line(&mut self.line) {}
        }
        let count = (self.line.len() - self.read).min(into.len());
        into[..count].copy_from_slice(&self.line[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn samples_are_whole_lines_however_they_are_read() {
        let options = Options::parse_from(["kv-broker", "--samples", "20"]);
        let read = |size: usize| {
            let mut source = open(&options).expect("samples").expect("some").source;
            let (mut all, mut piece) = (Vec::new(), vec![0; size]);
            loop {
                match source.read(&mut piece).expect("memory") {
                    0 => return String::from_utf8(all).expect("text"),
                    count => all.extend_from_slice(&piece[..count]),
                }
            }
        };
        let whole = read(1 << 20);
        assert_eq!(whole.lines().count(), 20);
        assert!(whole.starts_with("\"person0\": {") && whole.ends_with("}\n"));
        assert_eq!(read(7), whole);
    }
}
