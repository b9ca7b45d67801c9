//! CONFIG: the parameters that clients and tools ask for, with what is true here.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use super::introspection::help;
use super::settings::{Fault, PARAMETERS, Parameter, Reloaded, Settings};
use super::stats::Stats;
use crate::conn::Net;
use crate::proto::command::CommandId;
use crate::proto::glob;
use crate::proto::resp::Writer;

pub(super) const HANDLERS: Handlers = &[
    (CommandId::ConfigGet, Handler::Reply(Server::config_get)),
    (CommandId::ConfigSet, Handler::Net(Server::config_set)),
    (CommandId::ConfigResetstat, Handler::Reply(Server::config_resetstat)),
    (CommandId::ConfigRewrite, Handler::Reply(Server::config_rewrite)),
    (CommandId::ConfigHelp, Handler::Reply(help)),
];

impl Server {
    fn config_get(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let wanted = |name: &str| {
            call.args_from(2).any(|pattern| glob::matches(&pattern.to_ascii_lowercase(), name.as_bytes()))
        };
        let found: Vec<(&str, String)> =
            self.parameters().into_iter().filter(|(name, _)| wanted(name)).collect();
        out.map(found.len());
        for (name, value) in found {
            out.bulk(name);
            out.bulk(value);
        }
        Ok(())
    }

    /// `CONFIG SET parameter value ..`: all or nothing. What cannot be changed may be set to what it is.
    fn config_set(&mut self, call: Call<'_>, net: &mut Net) -> Outcome {
        if !call.len().is_multiple_of(2) {
            return Err(CommandError::Syntax);
        }
        let known = self.parameters();
        let mut changes: Vec<(&'static str, &[u8])> = Vec::new();
        for index in (2..call.len()).step_by(2) {
            let (name, value) = (call.arg(index), call.arg(index + 1));
            let found = known.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
            let (name, now) = found.ok_or_else(|| CommandError::UnknownParameter(name.into()))?;
            let fault = |why| CommandError::Parameter { name, why };
            if changes.iter().any(|(seen, _)| seen == name) {
                return Err(fault(Fault::Twice));
            }
            if parameter(name).is_none() && !now.as_bytes().eq_ignore_ascii_case(value) {
                return Err(fault(Fault::Immutable));
            }
            changes.push((name, value));
        }
        let mut settings = self.config.settings.clone();
        for (name, value) in changes {
            let Some(parameter) = parameter(name) else { continue };
            let value = String::from_utf8_lossy(value);
            let set = (parameter.set)(&mut settings, &value);
            set.map_err(|why| CommandError::Parameter { name, why })?;
        }
        let possible = self.config.clients_possible;
        if settings.clients_max > possible {
            return Err(CommandError::Parameter { name: MAX_CLIENTS, why: Fault::TooManyClients(possible) });
        }
        self.apply(settings, net);
        Writer::new(net.out(call.id), call.protocol).ok();
        Ok(())
    }

    /// Writes what is set into the file that the settings came from.
    fn config_rewrite(&mut self, _call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let rewrite = self.config.rewrite.ok_or(CommandError::NoConfigFile)?;
        if let Err(why) = rewrite(&self.config.settings) {
            log::warn!("CONFIG REWRITE: {why}");
            return Err(CommandError::Rewrite(why.into()));
        }
        log::info!("CONFIG REWRITE: done");
        out.ok();
        Ok(())
    }

    /// Reads the settings again, from where they came; a fault in them changes nothing. One line in the log tells.
    pub(super) fn reload(&mut self, net: &mut Net) {
        let Some(read) = self.config.reload else { return };
        let Reloaded { settings, at_restart } = match read() {
            Ok(reloaded) => reloaded,
            Err(why) => return log::error!("the settings stay as they are: {why}"),
        };
        let changed = settings.differing_from(&self.config.settings);
        let mut told: Vec<String> = changed.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        if settings.password != self.config.settings.password {
            told.push("another password".to_owned());
        }
        self.apply(settings, net);
        let told = if told.is_empty() { "nothing changed".to_owned() } else { told.join(", ") };
        if at_restart.is_empty() {
            log::info!("settings read again: {told}");
        } else {
            log::warn!("settings read again: {told}; only a restart changes {}", at_restart.join(", "));
        }
    }

    /// These hold from now on. Who has given a password stays; who is connected stays.
    fn apply(&mut self, settings: Settings, net: &mut Net) {
        let before = std::mem::replace(&mut self.config.settings, settings);
        let now = &self.config.settings;
        self.slow_log.slower_than_micros = now.slower_than_micros;
        self.slow_log.set_len_max(now.slow_log_len_max);
        self.log.set_mode(now.request_log);
        if now.log_level != before.log_level {
            log::set_max_level(now.log_level);
        }
        if now.limits != before.limits {
            net.set_limits(now.limits);
        }
        net.set_entrance(now.entrance());
        let (bytes_max, policy) = (now.memory_max, now.policy);
        self.set_room(bytes_max, policy);
    }

    /// What INFO counts begins anew; what it measures of the records does not.
    fn config_resetstat(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let view_conflicts = self.stats.view_conflicts;
        self.stats = Stats::new(call.now.time);
        self.stats.view_conflicts = view_conflicts;
        out.ok();
        Ok(())
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let listen = self.config.listen;
        let debug = if self.config.debug_sleep.is_some() { "yes" } else { "no" };
        let own = [
            ("bind", listen.ip().to_string()),
            ("enable-debug-command", debug.to_owned()),
            ("port", listen.port().to_string()),
        ];
        let fixed = FIXED.iter().map(|&(name, value)| (name, value.to_owned()));
        let set = PARAMETERS.iter().map(|parameter| (parameter.name, (parameter.get)(&self.config.settings)));
        fixed.chain(own).chain(set).collect()
    }
}

/// The one of this name that can be changed.
fn parameter(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

const MAX_CLIENTS: &str = "maxclients";

/// What cannot be changed in this release.
const FIXED: &[(&str, &str)] = &[
    ("appendonly", "no"),
    ("cluster-enabled", "no"),
    ("databases", "1"),
    ("dir", ""),
    ("hz", "1"),
    ("io-threads", "1"),
    ("latency-monitor-threshold", "0"),
    ("notify-keyspace-events", ""),
    ("replica-read-only", "yes"),
    ("requirepass", ""),
    ("save", ""),
    ("slave-read-only", "yes"),
    ("timeout", "0"),
];
