//! `create-data`: writes a file of made-up records for `kv-broker -i`.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use hedgerow::datagen::{Generator, KeyFile, Shape};
use hedgerow::rng::Rng;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};

const EXAMPLES: &str = "\
The keyFile has one name and its type a line: string, int, float, bool or set. Every record is one line:
  \"person0\": {\"age\": 22; \"address\": {\"street\": \"Main\"; \"number\": 12}}

Nesting: a name of type set always holds a set while -d allows one more level. A keyFile without any set
nests by chance: while -d allows it, a field holds a set instead of its scalar in 25 of 100 cases.
Nested sets may be empty; a record's own set has at least one field (unless -m is 0).

Examples:
  create-data                                             1000 records from ./keyFile.txt into ./dataToIndex.txt
  create-data -k samples/keyFile.txt -n 1000 -d 2 -l 4 -m 5
  create-data -k samples/keyFile.txt -n 1000000 -d 0 -o flat.txt --seed 7
  create-data -k samples/keyFile.txt -n 3 -o -            three records on standard output

Exit status: 0 done; 1 the file could not be written to its end; 2 wrong usage, nothing written.";

/// Writes a file of made-up records, to be loaded by kv-broker -i.
#[derive(Debug, Parser)]
#[command(name = "create-data", version, after_help = EXAMPLES, allow_negative_numbers = true)]
struct Options {
    /// File of field names and their types; - reads standard input
    #[arg(
        short = 'k',
        long = "key-file",
        alias = "keys",
        value_name = "FILE",
        default_value = "keyFile.txt"
    )]
    key_file: PathBuf,
    /// How many records, at least 1
    #[arg(short = 'n', long, value_name = "N", default_value_t = Shape::default().records)]
    records: u64,
    /// Most levels of sets inside a record; 0 is flat
    #[arg(short = 'd', long, value_name = "N", default_value_t = Shape::default().depth)]
    depth: u64,
    /// Most letters of a string, at least 1
    #[arg(short = 'l', long, value_name = "N", default_value_t = Shape::default().length)]
    length: u64,
    /// Most fields of a set, 0 to 20
    #[arg(short = 'm', long = "fields", value_name = "N", default_value_t = Shape::default().fields)]
    fields: u64,
    /// Where the records go; - is standard output
    #[arg(short = 'o', long, value_name = "FILE", default_value = "dataToIndex.txt")]
    output: PathBuf,
    /// The same seed writes the same bytes on every machine; without it every run differs
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Records between two looks at signals and progress.
const RECORDS_PER_BATCH: u64 = 1_024;
const BATCH_BYTES: usize = 256 << 10;
/// A keyFile larger than this is no keyFile.
const KEY_FILE_BYTES_MAX: u64 = 64 << 20;
const FAILED: u8 = 1;
const USAGE: u8 = 2;
/// What shells report of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let prepared = prepare(&options, seed).and_then(|generator| {
        let output = Output::open(&options.output);
        Ok((generator, output.map_err(|error| format!("{}: {error}", options.output.display()))?))
    });
    let (generator, output) = match prepared {
        Ok(prepared) => prepared,
        Err(reason) => {
            eprintln!("create-data: {reason}");
            return ExitCode::from(USAGE);
        }
    };
    let records = options.records;
    match write_all(generator, records, output) {
        Ok(Ending::Done { bytes }) => {
            let plural = if records == 1 { "" } else { "s" };
            let place = options.output.display();
            eprintln!("{records} record{plural}, {bytes} bytes -> {place} (--seed {seed})");
            ExitCode::SUCCESS
        }
        Ok(Ending::ReaderGone) => ExitCode::SUCCESS,
        Ok(Ending::Interrupted) => {
            eprintln!("create-data: interrupted, {} is as it was", options.output.display());
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            eprintln!("create-data: {}: {error}", options.output.display());
            ExitCode::from(FAILED)
        }
    }
}

/// Finds every mistake that can be found before a byte is written.
fn prepare(options: &Options, seed: u64) -> Result<Generator, String> {
    let Options { records, depth, length, fields, .. } = *options;
    let shape = Shape { records, depth, length, fields };
    shape.check().map_err(|error| error.to_string())?;
    let path = options.key_file.display();
    let text = read_key_file(&options.key_file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            format!("{path}: {error}; -k names the keyFile, samples/keyFile.txt is one")
        }
        _ => format!("{path}: {error}"),
    })?;
    let keys = KeyFile::parse(&text).map_err(|error| format!("{path}: {error}"))?;
    if keys.repeated() > 0 {
        eprintln!("note: {path}: {} repeated lines are left out", keys.repeated());
    }
    if fields > keys.len() as u64 {
        eprintln!(
            "note: {path} has {} names, so no set gets more fields than that (-m {fields})",
            keys.len()
        );
    }
    Generator::new(keys, shape, Rng::from_seed(seed)).map_err(|error| format!("{path}: {error}"))
}

fn read_key_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let source: Box<dyn io::Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    source.take(KEY_FILE_BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > KEY_FILE_BYTES_MAX {
        return Err(io::Error::other(format!("larger than {KEY_FILE_BYTES_MAX} bytes: no keyFile")));
    }
    Ok(text)
}

enum Ending {
    Done {
        bytes: u64,
    },
    /// `create-data -o - | head`: who read has seen enough.
    ReaderGone,
    Interrupted,
}

fn write_all(mut generator: Generator, records: u64, mut output: Output) -> io::Result<Ending> {
    let stop = Arc::new(AtomicBool::new(false));
    if output.pending.is_some() {
        for signal in [SIGINT, SIGTERM] {
            // The first signal asks for the file to be removed, a second one does not wait for that.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))?;
            signal_hook::flag::register(signal, Arc::clone(&stop))?;
        }
    }
    let progress = progress_bar(records);
    let mut batch = Vec::with_capacity(BATCH_BYTES);
    let mut bytes = 0;
    let mut more = true;
    while more {
        if stop.load(Ordering::Relaxed) {
            progress.finish_and_clear();
            return Ok(Ending::Interrupted);
        }
        let until = generator.made().saturating_add(RECORDS_PER_BATCH);
        while more && generator.made() < until && batch.len() < BATCH_BYTES {
            more = generator.next_line(&mut batch);
        }
        match output.writer.write_all(&batch) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Ending::ReaderGone),
            result => result?,
        }
        bytes += batch.len() as u64;
        batch.clear();
        progress.set_position(generator.made());
    }
    progress.finish_and_clear();
    match output.finish() {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Ending::ReaderGone),
        result => result.map(|()| Ending::Done { bytes }),
    }
}

/// A bar on standard error where that is a terminal; otherwise one that draws nothing.
fn progress_bar(records: u64) -> ProgressBar {
    let target =
        if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style =
        ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} records, {per_sec}, {eta} left");
    ProgressBar::with_draw_target(Some(records), target).with_style(style.expect("the template is sound"))
}

/// Where records go. A regular file is written under another name beside its place and takes the place when it is
/// whole, so whoever looks there finds the old file or the new one and never a half; dropped before, it is removed.
struct Output {
    writer: BufWriter<Box<dyn Write>>,
    pending: Option<Pending>,
}

struct Pending {
    written: PathBuf,
    place: PathBuf,
}

impl Output {
    fn open(path: &Path) -> io::Result<Output> {
        let existing = fs::metadata(path);
        let direct: Box<dyn Write> = if path == Path::new("-") {
            Box::new(io::stdout())
        } else if existing.as_ref().is_ok_and(fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        } else if existing.as_ref().is_ok_and(|metadata| !metadata.is_file()) {
            // A device or a pipe: renaming would put a plain file in its place.
            Box::new(File::options().write(true).open(path)?)
        } else {
            return Output::beside(path, existing.ok());
        };
        Ok(Output { writer: BufWriter::with_capacity(BATCH_BYTES, direct), pending: None })
    }

    fn beside(path: &Path, existing: Option<fs::Metadata>) -> io::Result<Output> {
        // Through a symbolic link, so that the link stays one.
        let place = if existing.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
        let name = place.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
        let written = place.with_file_name(format!(".{name}.{}.part", std::process::id()));
        // Left by a process of the same id that was killed: in a container that is every run.
        if fs::symlink_metadata(&written).is_ok() {
            fs::remove_file(&written)?;
        }
        let file = File::options().write(true).create_new(true).open(&written)?;
        let pending = Some(Pending { written, place });
        let writer: Box<dyn Write> = Box::new(file);
        let output = Output { writer: BufWriter::with_capacity(BATCH_BYTES, writer), pending };
        if let (Some(metadata), Some(pending)) = (existing, &output.pending) {
            fs::set_permissions(&pending.written, metadata.permissions())?;
        }
        Ok(output)
    }

    fn finish(mut self) -> io::Result<()> {
        self.writer.flush()?;
        if let Some(Pending { written, place }) = &self.pending {
            fs::rename(written, place)?;
            self.pending = None;
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(pending) = &self.pending {
            // Nobody is left to be told; a file that cannot be removed is a hidden one beside the place.
            let _ = fs::remove_file(&pending.written);
        }
    }
}
