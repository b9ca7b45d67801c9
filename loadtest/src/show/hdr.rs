//! `--hdr`: an HdrHistogram interval log (version 1.3, histograms V2, deflated and in base64), which HistogramLogAnalyzer,
//! HdrHistogramVisualizer and the libraries of other languages read. Values are nanoseconds.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::show::record::Row;
use crate::truth::tally::Slice;

/// "Max" is told in milliseconds, as the Java tools do by default.
const MAX_UNIT: f64 = 1e6;

pub(crate) struct HdrFile {
    path: PathBuf,
    file: BufWriter<File>,
    serializer: V2DeflateSerializer,
}

impl HdrFile {
    pub(crate) fn create(path: &Path) -> Result<HdrFile, String> {
        let named = |error: &dyn std::fmt::Debug| format!("--hdr {}: {error:?}", path.display());
        let file = File::create(path).map_err(|error| format!("--hdr {}: {error}", path.display()))?;
        let mut file = BufWriter::new(file);
        let mut serializer = V2DeflateSerializer::new();
        let mut builder = IntervalLogWriterBuilder::new();
        let version = concat!("loadtest ", env!("CARGO_PKG_VERSION"), ", values in nanoseconds");
        builder
            .add_comment("[Histogram log format version 1.3]")
            .add_comment(version)
            .with_start_time(SystemTime::now())
            .with_base_time(SystemTime::now())
            .with_max_value_divisor(MAX_UNIT);
        builder.begin_log_with(&mut file, &mut serializer).map_err(|error| named(&error))?;
        Ok(HdrFile { path: path.to_owned(), file, serializer })
    }

    /// Writes the response times of a slice, and in an open loop its service times, each with a tag.
    pub(crate) fn row(&mut self, target: &str, row: &Row, slice: &Slice) -> Result<(), String> {
        let target: String =
            target.chars().filter(|letter| !letter.is_whitespace() && *letter != ',').collect();
        self.write(&target, row, &slice.latencies())?;
        if !slice.service.is_empty() {
            self.write(&format!("{target}/service"), row, &slice.service)?;
        }
        self.file.flush().map_err(|error| format!("--hdr {}: {error}", self.path.display()))
    }

    fn write(&mut self, tag: &str, row: &Row, histogram: &Histogram<u64>) -> Result<(), String> {
        let (from, long) =
            (Duration::from_secs_f64(row.from), Duration::from_secs_f64(row.seconds().max(0.0)));
        // A log that goes on: its head was written when the file was made.
        let mut builder = IntervalLogWriterBuilder::new();
        builder.with_max_value_divisor(MAX_UNIT);
        let mut line = Vec::new();
        let named = |error: &dyn std::fmt::Debug| format!("--hdr {}: {error:?}", self.path.display());
        let mut writer =
            builder.begin_log_with(&mut line, &mut self.serializer).map_err(|error| named(&error))?;
        writer.write_histogram(histogram, from, long, Tag::new(tag)).map_err(|error| named(&error))?;
        let text = String::from_utf8_lossy(&line);
        let entry = text.lines().rfind(|line| !line.starts_with('#') && !line.starts_with('"'));
        writeln!(self.file, "{}", entry.unwrap_or_default())
            .map_err(|error| format!("--hdr {}: {error}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;
    use crate::show::record::tests::sample;

    #[test]
    fn the_log_is_read_back_by_the_library() {
        let path = std::env::temp_dir().join(format!("loadtest-{}.hdr", std::process::id()));
        let mut file = HdrFile::create(&path).unwrap();
        let record = sample(None);
        for row in &record.rows {
            file.row("a, b", row, &record.whole).unwrap();
        }
        let text = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut intervals = Vec::new();
        for entry in IntervalLogIterator::new(&text) {
            if let LogEntry::Interval(interval) = entry.unwrap() {
                let encoded = interval.encoded_histogram();
                let bytes = base64(encoded);
                let histogram: Histogram<u64> =
                    Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
                intervals.push((interval.tag().map(|tag| tag.as_str().to_owned()), histogram.len()));
            }
        }
        assert_eq!(intervals, vec![(Some("ab".to_owned()), 50); 3]);
        let heads = text.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"#[StartTime")).count();
        assert_eq!(heads, 1);
    }

    /// RFC 4648, for the test alone.
    fn base64(text: &str) -> Vec<u8> {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let (mut bits, mut count, mut out) = (0u32, 0, Vec::new());
        for letter in text.bytes().filter(|&letter| letter != b'=') {
            let value = LETTERS.iter().position(|&one| one == letter).unwrap() as u32;
            (bits, count) = (bits << 6 | value, count + 6);
            if count >= 8 {
                count -= 8;
                out.push((bits >> count) as u8);
            }
        }
        out
    }
}
