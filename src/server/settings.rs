//! What of a server can be changed while it serves: by CONFIG SET, or by reading its settings again.
//!
//! ```text
//!   flags, environment, file ──► Settings ──► Server, Net ◄── CONFIG SET
//!            ▲     at the start, at SIGHUP        │
//!            └───────── CONFIG REWRITE ───────────┘
//! ```

use super::config::RequestLog;
use super::policy::Policy;
use crate::conn::Entrance;
use crate::limits::{
    ARGUMENTS_MAX, BULK_BYTES_MAX, CLIENTS_MAX_DEFAULT, COMPUTE_TOKENS_MAX, DOCUMENT_BYTES_MAX,
    DOCUMENT_DEPTH_MAX, INCOMPLETE_BYTES_MAX, INLINE_BYTES_MAX, INLINE_BYTES_MIN, KEEPALIVE_SECS_DEFAULT,
    KEEPALIVE_SECS_MAX, Limits, PATIENCE_SECS_MAX, QUEUED_BYTES_MAX, QUEUED_BYTES_PAUSE, REPLY_BYTES_MAX,
    REPLY_BYTES_MIN, SLOW_LOG_LEN_DEFAULT, SLOWER_THAN_MICROS_DEFAULT, parse_size,
};
use crate::password::Password;
use crate::proto::resp::parse_integer;
use log::LevelFilter;
use std::fmt;

/// Everything that can be changed while a server serves.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// How many clients the driver lets in.
    pub clients_max: usize,
    /// Seconds of silence after which the kernel asks a client whether it still stands; 0: never.
    pub keepalive_secs: u32,
    /// What clients may send and leave unread. Brokers may send everything: what one server of a cluster takes, all take.
    /// The driver's [`crate::conn::Net::set_limits`] is told the same.
    pub limits: Limits,
    /// Bytes that the records may take; 0: no bound. In a cluster it does not bind what its brokers store.
    pub memory_max: usize,
    /// What is given up when they take more.
    pub policy: Policy,
    /// What clients must give before anything else; `None`: nobody is asked.
    pub password: Option<Password>,
    /// Which requests are logged.
    pub request_log: RequestLog,
    /// What is logged at all. It belongs to the process: only a change of it is passed on.
    pub log_level: LevelFilter,
    /// Microseconds from which a command is slow; negative: none is.
    pub slower_than_micros: i64,
    /// Slow commands that are remembered.
    pub slow_log_len_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            clients_max: CLIENTS_MAX_DEFAULT,
            keepalive_secs: KEEPALIVE_SECS_DEFAULT,
            limits: Limits::FULL,
            memory_max: 0,
            policy: Policy::default(),
            password: None,
            request_log: RequestLog::default(),
            log_level: LevelFilter::Info,
            slower_than_micros: SLOWER_THAN_MICROS_DEFAULT,
            slow_log_len_max: SLOW_LOG_LEN_DEFAULT,
        }
    }
}

impl Settings {
    /// What the driver's listeners are told.
    pub fn entrance(&self) -> Entrance {
        Entrance { clients_max: self.clients_max, keepalive_secs: self.keepalive_secs }
    }

    /// What is not as in `other`, by the names that the file of settings has for it, with the values here. The password
    /// is in no such file.
    pub fn differing_from(&self, other: &Settings) -> Vec<(&'static str, String)> {
        let named = PARAMETERS.iter().filter_map(|parameter| Some((parameter.setting?, parameter.get)));
        named.filter(|(_, get)| get(self) != get(other)).map(|(name, get)| (name, get(self))).collect()
    }
}

/// Settings as the program has read them again.
#[derive(Clone, Debug)]
pub struct Reloaded {
    /// What can be changed at once.
    pub settings: Settings,
    /// Those that were changed too, but cannot be before a restart: their names.
    pub at_restart: Vec<&'static str>,
}

/// One setting as CONFIG knows it.
pub(super) struct Parameter {
    /// Redis' name where Redis has one, else the file's.
    pub(super) name: &'static str,
    /// The file's name, which is the flag's; `None`: it is another view of a setting.
    setting: Option<&'static str>,
    pub(super) get: fn(&Settings) -> String,
    pub(super) set: fn(&mut Settings, &str) -> Result<(), Fault>,
}

/// Why CONFIG SET does not take a value: Redis' words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    NotInteger,
    NotMemory,
    /// Least and most.
    Range(i64, i64),
    NoneOf(&'static [&'static str]),
    Twice,
    Immutable,
    OutputBuffer(&'static str),
    /// The system lets the process open no more files than for so many.
    TooManyClients(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NotInteger => f.write_str("argument couldn't be parsed into an integer"),
            Fault::NotMemory => f.write_str("argument must be a memory value"),
            Fault::Range(least, most) => write!(f, "argument must be between {least} and {most} inclusive"),
            Fault::NoneOf(names) => {
                write!(f, "argument(s) must be one of the following: {}", names.join(", "))
            }
            Fault::Twice => f.write_str("duplicate parameter"),
            Fault::Immutable => f.write_str("can't set immutable config"),
            Fault::OutputBuffer(why) => f.write_str(why),
            Fault::TooManyClients(most) => write!(
                f,
                "The operating system is not able to handle the specified number of clients, try with {most}"
            ),
        }
    }
}

/// The names of the policies as Redis lists them.
const POLICIES: &[&str] = &[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
];
const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
const REQUEST_LOGS: &[&str] = &["all", "sampled", "off"];

/// A setting of the same name everywhere.
const fn own(
    name: &'static str,
    get: fn(&Settings) -> String,
    set: fn(&mut Settings, &str) -> Result<(), Fault>,
) -> Parameter {
    Parameter { name, setting: Some(name), get, set }
}

/// A setting by Redis' name.
const fn redis(
    name: &'static str,
    setting: &'static str,
    get: fn(&Settings) -> String,
    set: fn(&mut Settings, &str) -> Result<(), Fault>,
) -> Parameter {
    Parameter { name, setting: Some(setting), get, set }
}

/// All that can be changed.
pub(super) const PARAMETERS: &[Parameter] = &[
    redis(
        "maxclients",
        "max-clients",
        |s| s.clients_max.to_string(),
        |s, text| number(text, 1, u32::MAX.into(), |n| s.clients_max = n as usize),
    ),
    own(
        "tcp-keepalive",
        |s| s.keepalive_secs.to_string(),
        |s, text| number(text, 0, KEEPALIVE_SECS_MAX.into(), |n| s.keepalive_secs = n as u32),
    ),
    own("maxmemory", |s| s.memory_max.to_string(), |s, text| size(text, 0, usize::MAX, |n| s.memory_max = n)),
    own(
        "maxmemory-policy",
        |s| s.policy.name().to_owned(),
        |s, text| Policy::named(text).map(|policy| s.policy = policy).ok_or(Fault::NoneOf(POLICIES)),
    ),
    own(
        "slowlog-log-slower-than",
        |s| s.slower_than_micros.to_string(),
        |s, text| number(text, -1, i64::MAX, |n| s.slower_than_micros = n),
    ),
    own(
        "slowlog-max-len",
        |s| s.slow_log_len_max.to_string(),
        |s, text| number(text, 0, i64::MAX, |n| s.slow_log_len_max = n as usize),
    ),
    own(
        "request-log",
        |s| s.request_log.name().to_owned(),
        |s, text| RequestLog::named(text).map(|log| s.request_log = log).ok_or(Fault::NoneOf(REQUEST_LOGS)),
    ),
    own(
        "log-level",
        |s| s.log_level.to_string().to_ascii_lowercase(),
        |s, text| text.parse().map(|level| s.log_level = level).map_err(|_| Fault::NoneOf(LEVELS)),
    ),
    redis(
        "proto-max-bulk-len",
        "max-bulk",
        |s| s.limits.bulk_bytes.to_string(),
        |s, text| size(text, 1, BULK_BYTES_MAX, |n| s.limits.bulk_bytes = n),
    ),
    own(
        "max-arguments",
        |s| s.limits.arguments.to_string(),
        |s, text| size(text, 1, ARGUMENTS_MAX, |n| s.limits.arguments = n),
    ),
    own(
        "max-inline",
        |s| s.limits.inline_bytes.to_string(),
        |s, text| size(text, INLINE_BYTES_MIN, INLINE_BYTES_MAX, |n| s.limits.inline_bytes = n),
    ),
    redis(
        "client-query-buffer-limit",
        "max-incomplete",
        |s| s.limits.incomplete_bytes.to_string(),
        |s, text| size(text, 1, INCOMPLETE_BYTES_MAX, |n| s.limits.incomplete_bytes = n),
    ),
    own(
        "incomplete-timeout",
        |s| s.limits.incomplete_secs.to_string(),
        |s, text| number(text, 1, PATIENCE_SECS_MAX as i64, |n| s.limits.incomplete_secs = n as u64),
    ),
    own(
        "pause-queued",
        |s| s.limits.pause_bytes.to_string(),
        |s, text| size(text, 1, QUEUED_BYTES_PAUSE, |n| s.limits.pause_bytes = n),
    ),
    own(
        "max-queued",
        |s| s.limits.queued_bytes.to_string(),
        |s, text| size(text, 1, QUEUED_BYTES_MAX, |n| s.limits.queued_bytes = n),
    ),
    Parameter {
        name: "client-output-buffer-limit",
        setting: None,
        get: |s| format!("normal {} 0 0", s.limits.queued_bytes),
        set: set_output_buffer,
    },
    own(
        "read-timeout",
        |s| s.limits.queued_secs.to_string(),
        |s, text| number(text, 1, PATIENCE_SECS_MAX as i64, |n| s.limits.queued_secs = n as u64),
    ),
    own(
        "max-reply",
        |s| s.limits.reply_bytes.to_string(),
        |s, text| size(text, REPLY_BYTES_MIN, REPLY_BYTES_MAX, |n| s.limits.reply_bytes = n),
    ),
    own(
        "max-document",
        |s| s.limits.document_bytes.to_string(),
        |s, text| size(text, 2, DOCUMENT_BYTES_MAX, |n| s.limits.document_bytes = n),
    ),
    own(
        "max-depth",
        |s| s.limits.document_depth.to_string(),
        |s, text| size(text, 1, DOCUMENT_DEPTH_MAX, |n| s.limits.document_depth = n),
    ),
    own(
        "max-compute-tokens",
        |s| s.limits.compute_tokens.to_string(),
        |s, text| size(text, 1, COMPUTE_TOKENS_MAX, |n| s.limits.compute_tokens = n),
    ),
];

fn number(text: &str, least: i64, most: i64, take: impl FnOnce(i64)) -> Result<(), Fault> {
    let number = parse_integer(text.as_bytes()).ok_or(Fault::NotInteger)?;
    if !(least..=most).contains(&number) {
        return Err(Fault::Range(least, most));
    }
    take(number);
    Ok(())
}

fn size(text: &str, least: usize, most: usize, take: impl FnOnce(usize)) -> Result<(), Fault> {
    let size = parse_size(text).ok_or(Fault::NotMemory)?;
    if !(least..=most).contains(&size) {
        let signed = |bound| i64::try_from(bound).unwrap_or(i64::MAX);
        return Err(Fault::Range(signed(least), signed(most)));
    }
    take(size);
    Ok(())
}

/// Redis' form: `class hard soft seconds ..`. Of the classes there is one here, and of the limits the hard one; 0, which
/// is none in Redis, is the widest.
fn set_output_buffer(settings: &mut Settings, text: &str) -> Result<(), Fault> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err(Fault::OutputBuffer("Wrong number of arguments in buffer limit configuration."));
    }
    for class in words.chunks_exact(4) {
        let limits = (parse_size(class[1]), parse_size(class[2]), parse_integer(class[3].as_bytes()));
        let (Some(hard), Some(soft), Some(secs)) = limits else {
            return Err(Fault::OutputBuffer(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
            ));
        };
        match class[0].to_ascii_lowercase().as_str() {
            "normal" if (soft, secs) != (0, 0) => {
                return Err(Fault::OutputBuffer("There is no soft limit here: expected normal SIZE 0 0"));
            }
            "normal" if hard > QUEUED_BYTES_MAX => return Err(Fault::Range(0, QUEUED_BYTES_MAX as i64)),
            "normal" => settings.limits.queued_bytes = if hard == 0 { QUEUED_BYTES_MAX } else { hard },
            "slave" | "replica" | "pubsub" => {}
            _ => {
                return Err(Fault::OutputBuffer(
                    "Invalid client class specified in buffer limit configuration.",
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_that_is_shown_can_be_set() {
        let (settings, mut copy) = (Settings::default(), Settings::default());
        for parameter in PARAMETERS {
            (parameter.set)(&mut copy, &(parameter.get)(&settings)).expect(parameter.name);
        }
        assert_eq!(copy, settings);
    }

    #[test]
    fn what_differs_has_the_files_names() {
        let mut changed = Settings::default();
        for (name, value) in [("maxclients", "7"), ("maxmemory", "2mb"), ("maxmemory-policy", "allkeys-lru")]
        {
            let parameter = PARAMETERS.iter().find(|parameter| parameter.name == name).expect("known");
            (parameter.set)(&mut changed, value).expect("it can be");
        }
        changed.password = Password::new(b"x");
        let differing = changed.differing_from(&Settings::default());
        let expected = [("max-clients", "7"), ("maxmemory", "2097152"), ("maxmemory-policy", "allkeys-lru")];
        assert_eq!(differing, expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(changed.differing_from(&changed), []);
    }

    #[test]
    fn output_buffers_are_bound_in_redis_form() {
        let mut settings = Settings::default();
        let mut set = |text: &str| {
            set_output_buffer(&mut settings, text).map(|()| settings.limits.queued_bytes).map_err(|_| ())
        };
        assert_eq!(set("normal 1mb 0 0"), Ok(1 << 20));
        assert_eq!(set("normal 0 0 0 pubsub 32mb 8mb 60 replica 256mb 64mb 60"), Ok(QUEUED_BYTES_MAX));
        for bad in ["", "normal 1mb", "normal x 0 0", "normal 1mb 1 1", "normal 1gb 0 0", "nosuch 1 0 0"] {
            assert_eq!(set(bad), Err(()), "{bad}");
        }
    }
}
