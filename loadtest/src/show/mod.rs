//! Shows a run: while it goes on, and when it is over.

pub(crate) mod csv;
pub(crate) mod hdr;
pub(crate) mod json;
pub(crate) mod live;
pub(crate) mod page;
pub(crate) mod record;
pub(crate) mod result;
pub(crate) mod table;
pub(crate) mod text;

use std::fs;
use std::path::Path;

use csv::CsvFile;
use hdr::HdrFile;
use live::Live;
use record::Row;

use crate::truth::tally::Slice;

/// What of the settings is told in every result.
#[derive(Clone, Debug)]
pub(crate) struct Echo {
    pub(crate) workload: String,
    pub(crate) connections: usize,
    pub(crate) pipeline: usize,
    pub(crate) threads: usize,
    pub(crate) values: String,
    /// The most bytes of a value.
    pub(crate) data_bytes: usize,
    pub(crate) keys: u64,
    pub(crate) distribution: String,
    pub(crate) seed: u64,
    pub(crate) rate: Option<String>,
    pub(crate) poisson: bool,
    pub(crate) command_line: String,
}

/// Everything that follows a run while it goes on.
pub(crate) struct Shows {
    pub(crate) live: Live,
    pub(crate) csv: Option<CsvFile>,
    pub(crate) hdr: Option<HdrFile>,
    /// The first file that could not be written, and why.
    pub(crate) error: Option<String>,
}

impl Shows {
    /// The exit status, once more than `status` went wrong.
    pub(crate) fn status(&self, status: u8) -> u8 {
        match &self.error {
            Some(error) => {
                eprintln!("loadtest: {error}");
                status.max(1)
            }
            None => status,
        }
    }

    /// Writes the page, where one is wanted.
    pub(crate) fn page(&mut self, path: Option<&Path>, page: impl FnOnce() -> String) {
        let Some(path) = path else { return };
        if let Err(error) = fs::write(path, page()) {
            self.error.get_or_insert(format!("--html {}: {error}", path.display()));
        }
    }

    /// A row of the run against `target` is complete.
    pub(crate) fn row(&mut self, target: &str, row: &Row, slice: &Slice) {
        let csv = self.csv.as_mut().map_or(Ok(()), |csv| csv.row(target, row));
        let hdr = self.hdr.as_mut().map_or(Ok(()), |hdr| hdr.row(target, row, slice));
        if let Err(error) = csv.and(hdr) {
            // The run goes on: what it measures is told all the same.
            (self.csv, self.hdr) = (None, None);
            self.error.get_or_insert(error);
        }
    }
}
