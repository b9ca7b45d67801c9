//! Where settings come from: the file of `--config`, the environment, the flags, each winning over those before it.
//!
//! A setting has one name everywhere: `max-clients = 100`, `HEDGEROW_MAX_CLIENTS=100`, `--max-clients 100`. The file's and
//! the environment's are made flags and put before the user's, of which the last of a name counts; so each is checked by
//! the same rules.

use crate::options::Options;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use hedgerow::reactor::secret;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use toml_edit::{Document, Item, Value};

const PREFIX: &str = "HEDGEROW_";
/// Not settings: a file or an environment that asks for help makes no sense.
const NOT_SETTINGS: &[&str] = &["help", "version", "config"];

/// Why the process cannot begin.
#[derive(Debug)]
pub(crate) enum SettingsError {
    /// The flags are wrong, or ask for help.
    Flags(clap::Error),
    /// The file or the environment is wrong: one line.
    Elsewhere(String),
}

/// Settings, and where they came from.
pub(crate) struct Read {
    pub(crate) options: Options,
    /// The file among their sources.
    pub(crate) file: Option<PathBuf>,
}

impl SettingsError {
    /// The same in one line.
    pub(crate) fn one_line(&self) -> String {
        match self {
            SettingsError::Flags(error) => one_line(error),
            SettingsError::Elsewhere(why) => why.clone(),
        }
    }

    /// Tells it and ends the process; with status 0 if it was a question.
    pub(crate) fn exit(self) -> ! {
        match self {
            SettingsError::Flags(error) => error.exit(),
            SettingsError::Elsewhere(reason) => {
                eprintln!("kv-server: {reason}");
                std::process::exit(i32::from(crate::USAGE))
            }
        }
    }
}

/// Reads all settings of this process, as often as wanted: arguments and environment stay what they were. `note` is told
/// what is odd and no fault.
pub(crate) fn again(note: impl FnMut(String)) -> Result<Read, SettingsError> {
    read(std::env::args_os(), std::env::vars_os(), note)
}

/// What a file alone says; all else is as it is by default.
pub(crate) fn of_file(path: &Path) -> Result<Options, SettingsError> {
    let flags = from_file(path, &Known::all())?;
    let program = OsString::from("kv-server");
    Options::try_parse_from(std::iter::once(program).chain(flags)).map_err(SettingsError::Flags)
}

/// Reads all settings. `arguments` begin with the program's name.
fn read(
    arguments: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (OsString, OsString)>,
    note: impl FnMut(String),
) -> Result<Read, SettingsError> {
    let mut arguments = arguments;
    let program = arguments.next().unwrap_or_else(|| "kv-server".into());
    let flags: Vec<OsString> = arguments.collect();
    let known = Known::all();
    let (environment, config) = from_environment(environment, &known, note)?;
    let parse = |parts: &[&[OsString]]| {
        Options::try_parse_from(std::iter::once(program.clone()).chain(parts.concat()))
    };
    let options = parse(&[&flags]).map_err(SettingsError::Flags)?;
    let file = options.config.or(config.map(PathBuf::from));
    let in_file = file.as_deref().map_or(Ok(Vec::new()), |path| from_file(path, &known))?;
    let options = parse(&[&in_file, &environment, &flags]).map_err(SettingsError::Flags)?;
    Ok(Read { options, file })
}

/// The names that settings have, and which of them are switches.
struct Known {
    names: Vec<(String, bool)>,
}

impl Known {
    fn all() -> Known {
        let command = Options::command();
        let settings = command.get_arguments().filter_map(|argument| {
            let is_switch = !argument.get_action().takes_values();
            argument.get_long().map(|name| (name.to_owned(), is_switch))
        });
        Known { names: settings.filter(|(name, _)| !NOT_SETTINGS.contains(&name.as_str())).collect() }
    }

    fn is_setting(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _)| known == name)
    }

    /// The flag that says the same, checked by itself. `Ok(None)`: a switch that is off.
    fn flag(&self, name: &str, value: &OsStr) -> Result<Option<OsString>, String> {
        let Some((name, is_switch)) = self.names.iter().find(|(known, _)| known == name) else {
            return Err(match self.nearest(name) {
                Some(near) => format!("there is no setting {name}; {near} is the nearest"),
                None => format!("there is no setting {name}"),
            });
        };
        let mut flag = OsString::from(format!("--{name}"));
        if *is_switch {
            return match value.to_str() {
                Some("true" | "yes" | "1") => Ok(Some(flag)),
                Some("false" | "no" | "0" | "") => Ok(None),
                _ => Err(format!("{name} is a switch: expected true or false, got {}", value.display())),
            };
        }
        flag.push("=");
        flag.push(value);
        match Options::try_parse_from([OsStr::new("kv-server"), &flag]) {
            Ok(_) => Ok(Some(flag)),
            Err(error) => Err(one_line(&error)),
        }
    }

    /// The setting whose flag clap would suggest.
    fn nearest(&self, name: &str) -> Option<String> {
        let error = Options::try_parse_from(["kv-server".to_owned(), format!("--{name}")]).err()?;
        let Some(ContextValue::String(flag)) = error.get(ContextKind::SuggestedArg) else { return None };
        flag.strip_prefix("--").filter(|near| self.is_setting(near)).map(str::to_owned)
    }
}

/// What clap says, without its hint at `--help`.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    match error.kind() {
        ErrorKind::InvalidValue => text.lines().take(2).map(str::trim).collect::<Vec<_>>().join(" "),
        _ => line.to_owned(),
    }
}

/// The flags that the environment stands for, and the file that it names.
fn from_environment(
    environment: impl Iterator<Item = (OsString, OsString)>,
    known: &Known,
    mut note: impl FnMut(String),
) -> Result<(Vec<OsString>, Option<OsString>), SettingsError> {
    let (mut flags, mut config) = (Vec::new(), None);
    for (variable, value) in environment {
        let Some(name) = variable.to_str().and_then(|variable| variable.strip_prefix(PREFIX)) else {
            continue;
        };
        let name = name.to_ascii_lowercase().replace('_', "-");
        if name == "config" {
            config = Some(value);
            continue;
        }
        if variable == secret::VARIABLE {
            continue;
        }
        if !known.is_setting(&name) {
            // Somebody else's, or a slip: it must not be the end, nor go unseen.
            note(format!("{} in the environment is no setting of kv-server", variable.display()));
            continue;
        }
        let flag = known.flag(&name, &value).map_err(|why| {
            SettingsError::Elsewhere(format!("{} in the environment: {why}", variable.display()))
        })?;
        flags.extend(flag);
    }
    Ok((flags, config))
}

/// The flags that the file stands for.
fn from_file(path: &Path, known: &Known) -> Result<Vec<OsString>, SettingsError> {
    let place =
        |line: usize, why: &str| SettingsError::Elsewhere(format!("{}, line {line}: {why}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|error| SettingsError::Elsewhere(format!("{}: {error}", path.display())))?;
    let line_of = |offset: Option<usize>| text[..offset.unwrap_or(0)].matches('\n').count() + 1;
    let document = Document::parse(text.as_str())
        .map_err(|error| place(line_of(error.span().map(|span| span.start)), error.message().trim_end()))?;
    let mut flags = Vec::new();
    for (name, item) in document.iter() {
        let key = document.as_table().key(name).and_then(|key| key.span());
        let line = line_of(key.or(item.span()).map(|span| span.start));
        let value = scalar(item).ok_or_else(|| {
            place(line, &format!("{name}: expected a string, an integer or a boolean, and no tables"))
        })?;
        flags.extend(known.flag(name, OsStr::new(&value)).map_err(|why| place(line, &why))?);
    }
    Ok(flags)
}

fn scalar(item: &Item) -> Option<String> {
    match item.as_value()? {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Boolean(truth) => Some(truth.value().to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Result<Options, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kv.toml");
        std::fs::write(&path, file).expect("a file");
        let config = ("HEDGEROW_CONFIG".into(), path.clone().into_os_string());
        let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let flags = std::iter::once("kv-server").chain(flags.iter().copied()).map(OsString::from);
        read(flags, environment.chain([config]), |_| {}).map(|read| read.options).map_err(|error| match error
        {
            SettingsError::Flags(error) => error.to_string(),
            SettingsError::Elsewhere(why) => why.replace(&path.display().to_string(), "kv.toml"),
        })
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let file =
            "# ours\nport = 1\nmax-clients = 11\naddress = \"::1\"\ninsecure = true\nmax-bulk = \"1kb\"\n";
        let options = settings(
            file,
            &[("HEDGEROW_PORT", "2"), ("HEDGEROW_MAX_CLIENTS", "12"), ("HEDGEROW_ARGS", ""), ("HOME", "/")],
            &["-p", "3"],
        )
        .expect("all is well");
        assert_eq!((options.port, options.max_clients, options.insecure), (3, 12, true));
        assert_eq!((options.address.as_str(), options.bounds.limits().bulk_bytes), ("::1", 1_024));
        let without = settings("", &[("HEDGEROW_INSECURE", "no")], &[]).expect("all is well");
        assert_eq!((without.port, without.insecure), (9000, false));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let told = |file: &str, environment: &[(&str, &str)]| {
            settings(file, environment, &[]).expect_err("a mistake")
        };
        assert_eq!(
            told("port = 1\n\nmax-client = 3\n", &[]),
            "kv.toml, line 3: there is no setting max-client; max-clients is the nearest"
        );
        assert_eq!(told("zzz = 3", &[]), "kv.toml, line 1: there is no setting zzz");
        assert_eq!(
            told("port = 70000", &[]),
            "kv.toml, line 1: invalid value '70000' for '--port <PORT>': 70000 is not in 0..=65535"
        );
        assert!(told("port = \n", &[]).starts_with("kv.toml, line 1: "), "{}", told("port = \n", &[]));
        assert!(told("[server]\nport = 1\n", &[]).contains("no tables"));
        assert_eq!(
            told("insecure = 3", &[]),
            "kv.toml, line 1: insecure is a switch: expected true or false, got 3"
        );
        assert!(told("config = \"other\"", &[]).contains("no setting config"));
        let told = told("", &[("HEDGEROW_MAX_DEPTH", "0")]);
        assert!(told.starts_with("HEDGEROW_MAX_DEPTH in the environment: invalid value '0'"), "{told}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let flags = ["kv-server", "--config", "/nowhere/kv.toml"].map(OsString::from);
        let error = read(flags.into_iter(), std::iter::empty(), |_| {}).err().expect("no file");
        assert!(matches!(error, SettingsError::Elsewhere(why) if why.starts_with("/nowhere/kv.toml: ")));
    }

    #[test]
    fn the_file_that_ships_with_the_project_shows_every_setting_with_its_default() {
        let text = include_str!("../../../packaging/kv-server.toml");
        let uncommented: Vec<&str> =
            text.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).collect();
        let lines: Vec<&str> = uncommented
            .into_iter()
            .filter(|line| line.contains(" = "))
            .filter(|line| !line.contains("-file"))
            .collect();
        let options = settings(&lines.join("\n"), &[], &[]).expect("sound");
        let default = settings("", &[], &[]).expect("sound");
        let shown = |options: &Options| {
            let Options {
                address, port, insecure, max_clients, request_log, log_level, tcp_keepalive, ..
            } = options;
            format!(
                "{address} {port} {insecure} {max_clients} {request_log} {log_level} {tcp_keepalive} {} {} {:?}",
                options.slowlog_log_slower_than, options.slowlog_max_len, options.bounds
            )
        };
        assert_eq!(shown(&options), shown(&default));
        for (name, _) in Known::all().names {
            assert!(text.contains(&format!("{name} = ")), "{name} is not in the file");
        }
    }
}
