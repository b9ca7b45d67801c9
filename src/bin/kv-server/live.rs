//! The settings while the server serves: read again at SIGHUP, written back by CONFIG REWRITE.

use crate::options::Options;
use crate::settings::{self, Read};
use hedgerow::password::Password;
use hedgerow::reactor::{clients_max, logging, secret};
use hedgerow::server::{Policy, Reloaded, RequestLog, Settings};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::OnceLock;
use toml_edit::{DocumentMut, Item, Value};

/// What was found at the start, and does not change.
pub(crate) struct Begun {
    pub(crate) read: Read,
    pub(crate) listen: IpAddr,
    /// Files that the process may have open.
    pub(crate) open_files: usize,
}

/// The server's handlers are plain functions: this is what they know.
static BEGUN: OnceLock<Begun> = OnceLock::new();

/// To be said once, when the server listens.
pub(crate) fn remember(begun: Begun) {
    assert!(BEGUN.set(begun).is_ok(), "a process begins once");
}

/// What of the options a server can change while it serves.
pub(crate) fn settings_of(options: &Options, password: Option<Password>, open_files: usize) -> Settings {
    let wanted = usize::try_from(options.max_clients).unwrap_or(usize::MAX);
    Settings {
        clients_max: clients_max(wanted, open_files),
        keepalive_secs: options.tcp_keepalive,
        limits: options.bounds.limits(),
        memory_max: options.maxmemory,
        policy: Policy::named(&options.maxmemory_policy).expect("the flag takes known names only"),
        password,
        request_log: RequestLog::named(&options.request_log).expect("the flag takes known names only"),
        log_level: options.log_level,
        slower_than_micros: options.slowlog_log_slower_than,
        slow_log_len_max: options.slowlog_max_len,
    }
}

/// The password that the options name, or the environment has.
pub(crate) fn password(options: &Options) -> Result<Option<Password>, String> {
    let password = secret::read(options.password_file.as_deref(), secret::VARIABLE)?;
    Ok(password.and_then(|password| Password::new(&password)))
}

/// Whoever reaches an address beyond this machine must give a password, unless somebody wants it otherwise.
pub(crate) fn check_reach(ip: IpAddr, options: &Options, has_password: bool) -> Result<(), String> {
    match ip.is_loopback() || options.insecure || has_password {
        true => Ok(()),
        false => Err(format!(
            "{ip} can be reached from other machines, and there is no password: name a --password-file, or add \
             --insecure to listen on it"
        )),
    }
}

/// SIGHUP: everything is read as at the start, and the log's file is opened anew.
pub(crate) fn reload() -> Result<Reloaded, String> {
    let begun = BEGUN.get().expect("it serves");
    logging::reopen();
    let Read { options, .. } = settings::again(|_| {}).map_err(|error| error.one_line())?;
    let password = password(&options)?;
    check_reach(begun.listen, &options, password.is_some())?;
    let before = &begun.read.options;
    let at_restart = [
        ("address", options.address != before.address),
        ("port", options.port != before.port),
        ("log-file", options.log_file != before.log_file),
        ("enable-debug-command", options.enable_debug_command != before.enable_debug_command),
    ];
    Ok(Reloaded {
        settings: settings_of(&options, password, begun.open_files),
        at_restart: at_restart.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect(),
    })
}

/// CONFIG REWRITE: what the file says otherwise, it then says as it is. All else in it stays, comments too.
pub(crate) fn rewrite(now: &Settings) -> Result<(), String> {
    let begun = BEGUN.get().expect("it serves");
    let path = begun.read.file.as_deref().expect("it is called only where there is a file");
    let told = |error: io::Error| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(told)?;
    let options = settings::of_file(path).map_err(|error| error.one_line())?;
    let written = settings_of(&options, None, begun.open_files);
    match edited(&text, &now.differing_from(&written)) {
        Some(new) => replace(path, &new).map_err(told),
        None => Err(format!("{}: it changed while it was read", path.display())),
    }
}

/// The file's text with these values; `None` if it is no TOML.
fn edited(text: &str, values: &[(&'static str, String)]) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    for (name, value) in values {
        let mut new = match value.parse::<i64>() {
            Ok(number) => Value::from(number),
            Err(_) => Value::from(value.as_str()),
        };
        match document.get_mut(name).and_then(Item::as_value_mut) {
            Some(old) => {
                *new.decor_mut() = old.decor().clone();
                *old = new;
            }
            None => {
                document.insert(name, Item::Value(new));
            }
        }
    }
    Some(document.to_string())
}

/// Whoever reads the file finds the old text or the new one, also after a crash: the new one is on the disk before it gets
/// the name, and the name before this is done.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // Behind a link the file is replaced, not the link.
    let path = fs::canonicalize(path)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::IsADirectory.into());
    };
    let temporary = folder.join(format!(".{}.{}", name.display(), std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?;
        file.set_permissions(fs::metadata(&path)?.permissions())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{edited, replace};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_what_differs_is_changed_and_comments_stay() {
        let text = "# ours\nport = 9000\n\nmax-clients = 7   # few\nmax-bulk = \"1kb\"\n# the end\n";
        let values = [
            ("max-clients", "8".to_owned()),
            ("maxmemory-policy", "allkeys-lru".to_owned()),
            ("slowlog-log-slower-than", "-1".to_owned()),
        ];
        assert_eq!(
            edited(text, &values).expect("it is sound"),
            "# ours\nport = 9000\n\nmax-clients = 8   # few\nmax-bulk = \"1kb\"\nmaxmemory-policy = \"allkeys-lru\"\n\
             slowlog-log-slower-than = -1\n# the end\n"
        );
        assert_eq!(edited(text, &[]).as_deref(), Some(text));
        assert_eq!(edited("a = ", &[]), None);
    }

    #[test]
    fn a_file_is_replaced_whole_with_its_rights_behind_its_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("kv.toml"), folder.path().join("link.toml"));
        std::fs::write(&path, "old").expect("a file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("ours");
        symlink(&path, &link).expect("a link");
        replace(&link, "new").expect("it is replaced");
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "new");
        assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o640);
        assert!(std::fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).expect("ours").count(), 2, "nothing else is left");
        assert!(replace(&folder.path().join("none"), "x").is_err());
    }
}
