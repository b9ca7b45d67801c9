//! `--csv`: a line for every slice of time.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{LineWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::show::record::{Quantiles, Row};

const HEADS: &str = "target,from_s,to_s,requests,rate,rate_asked,p50_us,p90_us,p99_us,p99.9_us,max_us,service_p50_us,\
    service_p99_us,lag_p99_us,errors,wrong,misses,connections,connections_lost,requests_lost,generator_cpu_percent";

pub(crate) struct CsvFile {
    path: PathBuf,
    file: LineWriter<File>,
}

impl CsvFile {
    pub(crate) fn create(path: &Path) -> Result<CsvFile, String> {
        let named = |error: std::io::Error| format!("--csv {}: {error}", path.display());
        let mut file = LineWriter::new(File::create(path).map_err(named)?);
        writeln!(file, "{HEADS}").map_err(named)?;
        Ok(CsvFile { path: path.to_owned(), file })
    }

    pub(crate) fn row(&mut self, target: &str, row: &Row) -> Result<(), String> {
        let line = line(target, row);
        writeln!(self.file, "{line}").map_err(|error| format!("--csv {}: {error}", self.path.display()))
    }
}

/// What was not measured is empty.
fn line(target: &str, row: &Row) -> String {
    const INFALLIBLE: &str = "a String takes everything";
    let mut out = format!("{},{:.3},{:.3},{},{:.1}", quoted(target), row.from, row.to, row.good, row.rate());
    let mut number = |value: Option<f64>| match value {
        Some(value) => write!(out, ",{value:.3}").expect(INFALLIBLE),
        None => out.push(','),
    };
    number(row.rate_asked);
    let micros = |quantiles: Option<Quantiles>, of: fn(Quantiles) -> u64| {
        quantiles.map(|quantiles| of(quantiles) as f64 / 1e3)
    };
    let quantiles: [fn(Quantiles) -> u64; 5] = [|q| q.p50, |q| q.p90, |q| q.p99, |q| q.p999, |q| q.max];
    quantiles.iter().for_each(|of| number(micros(row.response, *of)));
    number(micros(row.service, |q| q.p50));
    number(micros(row.service, |q| q.p99));
    number(micros(row.lag, |q| q.p99));
    for count in [row.errors, row.wrong, row.misses, row.up as u64, row.connections_lost, row.requests_lost] {
        write!(out, ",{count}").expect(INFALLIBLE);
    }
    write!(out, ",{:.1}", row.cpu_percent).expect(INFALLIBLE);
    out
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::record::tests::sample;

    #[test]
    fn every_line_has_every_column() {
        let record = sample(None);
        let columns = HEADS.split(',').count();
        for row in &record.rows {
            let line = line("here", row);
            assert_eq!(line.split(',').count(), columns, "{line}");
            assert!(line.starts_with("here,") && line.contains(",20,") || row.good != 20);
        }
        let empty = Row { response: None, ..record.rows[0].clone() };
        assert_eq!(line("here", &empty).split(',').count(), columns);
        assert_eq!(quoted("a,\"b"), "\"a,\"\"b\"");
    }
}
