//! What `kv-broker` can be told, and what follows from it at once.

use clap::Parser;
use hedgerow::limits::REPLICAS_MAX;
use hedgerow::password::Password;
use hedgerow::reactor::{logging, secret};
use log::LevelFilter;
use std::path::PathBuf;

/// The data file that is looked for where none is named.
pub(crate) const DATA_FILE: &str = "dataToIndex.txt";
/// Copies where none are asked for, if there are so many servers.
const REPLICAS: usize = 2;

const EXAMPLES: &str = "\
The server file has one server a line, an address or a name and a port:
  127.0.0.1 9000

Examples:
  kv-broker                                          3 servers in this process, 1000 sample records, console
  kv-broker -s serverFile.txt -i dataToIndex.txt -k 2
  kv-broker -s serverFile.txt --no-load -c 'GET person1' -c STATUS
  kv-broker -s serverFile.txt -i people.jsonl --key-field id --strict
  printf 'GET person1\\nDBSIZE\\n' | kv-broker -s serverFile.txt --no-load

On the console: GET key, QUERY path, PUT key:{...}, DELETE key, COMPUTE expression, STATUS, HELP, EXIT.
Answers go to standard output, warnings and notes to standard error.

Exit status: 0 done; 1 some command failed (NOT FOUND is an answer, not a failure), or a record could not be stored;
2 wrong usage, a file that cannot be read, or too few servers that answer: nothing was done.";

/// Spreads records over servers, keeps k copies of each, and opens a console.
#[derive(Debug, Parser)]
#[command(name = "kv-broker", version, after_help = EXAMPLES)]
pub(crate) struct Options {
    /// File of servers, one `host port` a line; without it a cluster runs inside of this process
    #[arg(short, long, value_name = "FILE")]
    pub(crate) servers: Option<PathBuf>,
    /// File of records to load first [default: dataToIndex.txt if there is one; samples with an embedded cluster]
    #[arg(short, long, value_name = "FILE", conflicts_with = "no_load")]
    pub(crate) input: Option<PathBuf>,
    /// Servers that hold a copy of each record [default: 2, or 1 with one server]
    #[arg(short = 'k', long, value_name = "N")]
    replicas: Option<usize>,
    /// Load nothing
    #[arg(long)]
    pub(crate) no_load: bool,
    /// End with status 1 at the first malformed line of the file
    #[arg(long)]
    pub(crate) strict: bool,
    /// The file is JSON Lines, and this field of each object is its record's key
    #[arg(long, value_name = "NAME")]
    pub(crate) key_field: Option<String>,
    /// Run this line of the console and end; may be given several times
    #[arg(short, long = "command", value_name = "LINE")]
    pub(crate) commands: Vec<String>,
    /// Servers of the embedded cluster
    #[arg(short = 'n', long, value_name = "N", default_value_t = 3, conflicts_with = "servers",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) embedded_servers: u16,
    /// Sample records that an embedded cluster is given
    #[arg(long, value_name = "N", default_value_t = 1_000, conflicts_with = "servers")]
    pub(crate) samples: u64,
    /// File whose one line is the servers' password; without it HEDGEROW_PASSWORD in the environment is
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Where the log goes, appended [default: none; with an embedded cluster a new file, which is named]
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// What is logged: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: LevelFilter,
}

impl Options {
    /// The log's file, if there is to be a log.
    pub(crate) fn log_path(&self) -> Option<PathBuf> {
        let embedded = || {
            let name = format!("hedgerow-{}.log", std::process::id());
            self.servers.is_none().then(|| std::env::temp_dir().join(name))
        };
        self.log_file.clone().or_else(embedded)
    }

    pub(crate) fn start_log(&self) -> Result<Option<logging::LogGuard>, String> {
        let Some(path) = self.log_path() else { return Ok(None) };
        let log = logging::start(self.log_level, Some(&path));
        log.map(Some).map_err(|error| format!("the log cannot be started in {}: {error}", path.display()))
    }

    /// What the servers ask for, if they ask.
    pub(crate) fn password(&self) -> Result<Option<Password>, String> {
        let password = secret::read(self.password_file.as_deref(), secret::VARIABLE)?;
        Ok(password.and_then(|password| Password::new(&password)))
    }

    /// k, held against the number of servers.
    pub(crate) fn replicas(&self, servers: usize) -> Result<usize, String> {
        let most = servers.min(REPLICAS_MAX);
        match self.replicas {
            None => Ok(REPLICAS.min(most)),
            Some(replicas) if (1..=most).contains(&replicas) => Ok(replicas),
            Some(replicas) => Err(format!(
                "-k {replicas}: k is the number of servers that hold each record, so it is 1 to {most} with \
                 {servers} servers"
            )),
        }
    }
}
