//! A command line that makes sense, in terms of the parts that do the work; or what is wrong with it.

mod work;

use hedgerow::reactor::secret;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use crate::faults::Fault;
use crate::load::crowd::CrowdPlan;
use crate::load::engine::Wiring;
use crate::load::greeting::Greeting;
use crate::load::schedule::{Schedule, parse_seconds};
use crate::options::{Options, OutputFlags};
use crate::session::Job;
use crate::show::Echo;
use crate::truth::cpu;
use crate::truth::tally::Nanos;
use crate::work::Work;
use crate::work::keys::KEYS_MAX;

const CONNECTIONS_MAX: usize = 1_000_000;
const PIPELINE_MAX: usize = 100_000;
const THREADS_MAX: usize = 256;
const ROUNDS_MAX: usize = 1_000;
const DEFAULT_DURATION: Duration = Duration::from_secs(10);
const DEFAULT_WARMUP: Duration = Duration::from_secs(1);
/// Rows of a run whose length is known.
const ROWS: u32 = 100;
const INTERVAL_MIN: Duration = Duration::from_millis(100);
const INTERVAL_MAX: Duration = Duration::from_secs(10);

/// A server under test.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// As it was called on the command line.
    pub(crate) name: String,
    pub(crate) addresses: Vec<SocketAddr>,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Its wiring has the addresses of the first target.
    pub(crate) job: Job,
    pub(crate) target: Target,
    /// The targets it is compared with, and how often.
    pub(crate) others: Vec<Target>,
    pub(crate) rounds: usize,
    pub(crate) faults: Vec<Fault>,
    /// The program to start as target; empty for the one beside this.
    pub(crate) start_server: Option<PathBuf>,
    pub(crate) output: OutputFlags,
    pub(crate) echo: Echo,
}

impl Options {
    /// Says what is wrong, or what is to be done.
    pub(crate) fn settings(&self) -> Result<Settings, String> {
        self.check_numbers()?;
        let (work, workload) = work::work(self)?;
        let schedule = match &self.load.rate {
            Some(text) => {
                Some(Schedule::parse(text, self.load.poisson).map_err(|error| format!("--rate {error}"))?)
            }
            None => None,
        };
        let target = Target {
            name: format!("{}:{}", self.target.host, self.target.port),
            addresses: resolve(&self.target.host, self.target.port)?,
        };
        for &pid in &self.truth.pids {
            cpu::of_process(pid).ok_or(format!("--pid {pid}: its CPU time cannot be read"))?;
        }
        let others = self.target.against.iter().map(|text| against(text)).collect::<Result<Vec<_>, _>>()?;
        let echo = self.echo(&work, workload);
        let job = self.job(work, schedule, &target)?;
        let faults = self.faults(&job, !others.is_empty())?;
        Ok(Settings {
            job,
            target,
            others,
            rounds: self.target.rounds,
            faults,
            start_server: self.target.start_server.as_ref().map(PathBuf::from),
            output: self.output.clone(),
            echo,
        })
    }

    fn check_numbers(&self) -> Result<(), String> {
        let load = &self.load;
        in_range("-p", u64::from(self.target.port), 1, 65_535)?;
        in_range("-c", load.connections as u64, 1, CONNECTIONS_MAX as u64)?;
        in_range("-P", load.pipeline as u64, 1, PIPELINE_MAX as u64)?;
        in_range("--threads", load.threads as u64, 1, THREADS_MAX as u64)?;
        in_range("--rounds", self.target.rounds as u64, 1, ROUNDS_MAX as u64)?;
        in_range("-r", self.work.keys, 1, KEYS_MAX)?;
        in_range("-n", load.requests.unwrap_or(1), 1, u64::MAX - 1)?;
        in_range("--churn", self.storm.churn.unwrap_or(1), 1, u64::MAX - 1)?;
        for (name, count) in [("connections (-c)", load.connections as u64), ("keys (-r)", self.work.keys)] {
            if count < load.threads as u64 {
                return Err(format!("--threads {}: {count} {name} are too few for them", load.threads));
            }
        }
        for (name, time, why) in [
            ("--duration", load.duration, "nothing can be measured in no time"),
            ("--timeout", Some(self.target.timeout), "no answer comes in no time"),
            ("--interval", self.output.interval, "a slice needs some time"),
        ] {
            if time.is_some_and(|time| time.is_zero()) {
                return Err(format!("{name} 0: {why}"));
            }
        }
        Ok(())
    }

    fn job(&self, work: Work, schedule: Option<Schedule>, target: &Target) -> Result<Job, String> {
        let load = &self.load;
        let counted = load.requests.is_some();
        let own_time = schedule.as_ref().and_then(Schedule::seconds).map(Duration::from_secs_f64);
        let duration = load.duration.or(own_time).or((!counted).then_some(DEFAULT_DURATION));
        let warmup = load.warmup.unwrap_or(if counted { Duration::ZERO } else { DEFAULT_WARMUP });
        let interval =
            duration.map_or(Duration::from_secs(1), |time| (time / ROWS).clamp(INTERVAL_MIN, INTERVAL_MAX));
        let interval = self.output.interval.unwrap_or(interval);
        let mut question = b"*2\r\n$3\r\nGET\r\n".to_vec();
        let mut name = Vec::new();
        work.names.push(0, &mut name);
        question.extend_from_slice(format!("${}\r\n", name.len()).as_bytes());
        question.extend_from_slice(&name);
        question.extend_from_slice(b"\r\n");
        Ok(Job {
            threads: load.threads,
            wiring: Wiring {
                addresses: target.addresses.clone(),
                connections: load.connections,
                pipeline: load.pipeline,
                timeout: self.target.timeout,
                greeting: self.greeting()?,
                churn: self.storm.churn,
                crowd: self.crowd(question)?,
            },
            work,
            verify: self.truth.verify,
            warmup,
            duration,
            requests: load.requests,
            schedule,
            interval,
            pids: self.truth.pids.clone(),
        })
    }

    fn greeting(&self) -> Result<Greeting, String> {
        let password = secret::read(self.target.password_file.as_deref(), secret::VARIABLE)?;
        Ok(Greeting::new(password.as_deref(), self.target.resp3))
    }

    fn crowd(&self, question: Vec<u8>) -> Result<CrowdPlan, String> {
        let storm = &self.storm;
        let (mut connects, mut storm_nanos) = (0, 0);
        if let Some(text) = &storm.connect_storm {
            let wrong = |why: &str| format!("--connect-storm {text}: {why}");
            let (count, time) = text.split_once('/').map_or((text.as_str(), "0"), |pair| pair);
            connects = count.parse().map_err(|_| wrong("expected a number of connects, such as 5000/10s"))?;
            let seconds = parse_seconds(time).map_err(|error| wrong(&error))?;
            storm_nanos = (seconds * 1e9) as Nanos;
        }
        let counts = [storm.idle, storm.half_open, storm.slowloris, storm.slow_readers, connects];
        for (name, count) in ["--idle", "--half-open", "--slowloris", "--slow-readers", "--connect-storm"]
            .into_iter()
            .zip(counts)
        {
            in_range(name, count, 0, CONNECTIONS_MAX as u64)?;
        }
        Ok(CrowdPlan { counts, storm_nanos, question })
    }

    fn faults(&self, job: &Job, comparing: bool) -> Result<Vec<Fault>, String> {
        let mut faults = Vec::new();
        for text in &self.truth.fault {
            faults.extend(Fault::parse(text)?);
        }
        let has_server = self.target.start_server.is_some();
        if faults.iter().any(Fault::needs_server) && !has_server {
            return Err("--fault: server is the one that --start-server starts".to_owned());
        }
        if !faults.is_empty() && comparing {
            return Err("--fault and --against: what is done to one target cannot be done to all".to_owned());
        }
        let duration = job.duration.map(|duration| duration.as_secs_f64());
        if let Some(late) = faults.iter().find(|fault| duration.is_some_and(|end| fault.seconds() >= end)) {
            return Err(format!("--fault: {} s is behind the end of the run", late.seconds()));
        }
        faults.iter().try_for_each(Fault::check)?;
        Ok(faults)
    }

    fn echo(&self, work: &Work, workload: String) -> Echo {
        let bytes = match work.sizes.fixed() {
            Some(size) => format!("{size} bytes"),
            None => format!("{} to {} bytes", work.sizes.least(), work.sizes.most()),
        };
        Echo {
            workload,
            connections: self.load.connections,
            pipeline: self.load.pipeline,
            threads: self.load.threads,
            values: bytes,
            data_bytes: work.sizes.most(),
            keys: work.keys,
            distribution: work.distribution.to_string(),
            seed: work.seed,
            rate: self.load.rate.clone(),
            poisson: self.load.poisson,
            command_line: std::env::args().map(|word| quoted(&word)).collect::<Vec<_>>().join(" "),
        }
    }
}

/// Says which bound `value` is outside of.
pub(super) fn in_range(name: &str, value: u64, least: u64, most: u64) -> Result<(), String> {
    match value {
        0 if least > 0 => Err(format!("{name} 0: at least {least} is needed")),
        value if value < least || value > most => Err(format!("{name} {value}: not in {least} to {most}")),
        _ => Ok(()),
    }
}

/// A word as one would type it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:=,%@+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let found = (bare, port).to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
    Ok(found.collect())
}

fn against(text: &str) -> Result<Target, String> {
    let wrong = || format!("--against {text}: expected HOST:PORT");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().ok().filter(|&port: &u16| port > 0).ok_or_else(wrong)?;
    Ok(Target { name: text.to_owned(), addresses: resolve(host, port)? })
}

#[cfg(test)]
mod tests;
